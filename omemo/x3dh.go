// SPDX-License-Identifier: AGPL-3.0-or-later

package omemo

// sharedSecret is the key derivation of X3DH section 2.2 over the four agreements.
func sharedSecret(p *params, dh *[4][32]byte) (root [32]byte) {
	var ikm [160]byte
	for i := range 32 {
		ikm[i] = 0xff
	}
	for i := range dh {
		copy(ikm[32*(i+1):], dh[i][:])
	}
	hkdf(zeroSalt(), ikm[:], p.infoX3DH, root[:])
	return root
}

// pairing is one argument pair of an agreement.
type pairing struct{ private, public *[32]byte }

func agreeAll(p *params, pairs [4]pairing) (root [32]byte, err error) {
	var dh [4][32]byte
	for i, x := range pairs {
		if dh[i], err = agree(x.private, x.public); err != nil {
			return root, err
		}
	}
	return sharedSecret(p, &dh), nil
}

// initiate starts a session as the active party (X3DH section 3.3) and turns the ratchet once, so that it
// can send (double ratchet section 3.3).
func initiate(id *identity, v Version, b *openBundle) (*ratchet, error) {
	p := v.params()
	ephemeral := newKeyPair()
	scalar := id.scalar()
	root, err := agreeAll(p, [4]pairing{
		{&scalar, &b.signedPreKeyPub},
		{&ephemeral.private, &b.curve},
		{&ephemeral.private, &b.signedPreKeyPub},
		{&ephemeral.private, &b.oneTimePub},
	})
	if err != nil {
		return nil, err
	}
	s := &ratchet{
		version:      v,
		initiator:    true,
		local:        id.public(p),
		remote:       b.identity,
		remoteCurve:  b.curve,
		ephemeral:    ephemeral.public,
		preKey:       b.preKeyID,
		signedPreKey: b.signedPreKeyID,
		send:         sendChain{keys: newKeyPair()},
	}
	dh, err := agree(&s.send.keys.private, &b.signedPreKeyPub)
	if err != nil {
		return nil, err
	}
	s.root, s.send.chain = rootStep(p, &root, &dh)
	return s, nil
}

// respond starts a session as the passive party (X3DH section 3.4). The session can decrypt only; the first
// message turns its ratchet.
func respond(id *identity, v Version, signed *signedPreKey, oneTime *preKey, k *keyExchange) (*ratchet, error) {
	p := v.params()
	curve := k.identity
	if p.edIdentity {
		var err error
		if curve, err = toCurve(&k.identity); err != nil {
			return nil, err
		}
	}
	scalar := id.scalar()
	root, err := agreeAll(p, [4]pairing{
		{&signed.private, &curve},
		{&scalar, &k.ephemeral},
		{&signed.private, &k.ephemeral},
		{&oneTime.private, &k.ephemeral},
	})
	if err != nil {
		return nil, err
	}
	return &ratchet{
		version:     v,
		confirmed:   true,
		local:       id.public(p),
		remote:      k.identity,
		remoteCurve: curve,
		ephemeral:   k.ephemeral,
		root:        root,
		send:        sendChain{keys: signed.keyPair},
	}, nil
}
