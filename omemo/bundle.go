// SPDX-License-Identifier: AGPL-3.0-or-later

package omemo

// Bundle is the public key material of a device in one version, with keys in the form in which they stand in
// the XML (base64 decoded): 33 bytes with a type byte in 0.3, 32 bytes in omemo:2.
type Bundle struct {
	Version         Version
	IdentityKey     []byte
	SignedPreKeyID  uint32
	SignedPreKey    []byte
	SignedSignature []byte
	PreKeys         []PublicPreKey
}

// PublicPreKey is a one-time prekey of a bundle. Ids are 1 to 2^31-1; 0, which some clients use, is accepted.
type PublicPreKey struct {
	ID  uint32
	Key []byte
}

// PublicBundle is what this device publishes in a version. It needs the records KeyIdentity and KeyPreKeys.
func PublicBundle(r Records, v Version) (Bundle, error) {
	if !v.Valid() {
		return Bundle{}, fail(CodeArgument, "unknown version")
	}
	id, err := r.identity()
	if err != nil {
		return Bundle{}, err
	}
	keys, err := r.preKeys()
	if err != nil {
		return Bundle{}, err
	}
	p := v.params()
	public := id.public(p)
	current := &keys.signed[0]
	b := Bundle{
		Version:         v,
		IdentityKey:     p.publicKeyBytes(&public),
		SignedPreKeyID:  current.id,
		SignedPreKey:    p.publicKeyBytes(&current.public),
		SignedSignature: current.signature[v][:],
		PreKeys:         make([]PublicPreKey, 0, len(keys.oneTime)),
	}
	for i := range keys.oneTime {
		if k := &keys.oneTime[i]; k.used == 0 {
			b.PreKeys = append(b.PreKeys, PublicPreKey{k.id, p.publicKeyBytes(&k.public)})
		}
	}
	return b, nil
}

// openBundle is a bundle that was parsed, its signature verified, and one of its one-time prekeys drawn.
type openBundle struct {
	identity, curve             [32]byte // the version's form, and Curve25519
	signedPreKeyID, preKeyID    uint32
	signedPreKeyPub, oneTimePub [32]byte
}

// identityOf reads only the identity key of a bundle, unverified, in Curve25519 form.
func (b *Bundle) identityOf() (Key, error) {
	_, curve, err := b.Version.params().parseIdentity(b.IdentityKey)
	return curve, err
}

// open verifies a bundle (XEP-0384 section 4.1, X3DH section 3.3).
func (b *Bundle) open() (o openBundle, err error) {
	p := b.Version.params()
	if o.identity, o.curve, err = p.parseIdentity(b.IdentityKey); err != nil {
		return o, err
	}
	if o.signedPreKeyPub, err = p.parseKey(b.SignedPreKey); err != nil {
		return o, err
	}
	genuine := false
	if p.edIdentity {
		genuine = verifyEd(&o.identity, b.SignedPreKey, b.SignedSignature)
	} else {
		genuine = verifyXEd(&o.identity, b.SignedPreKey, b.SignedSignature)
	}
	if !genuine {
		return o, fail(CodeBadSignature, "signed prekey of the bundle")
	}
	if len(b.PreKeys) == 0 {
		return o, fail(CodeNoPreKey, "bundle without one-time prekeys")
	}
	drawn := b.PreKeys[randomIndex(len(b.PreKeys))]
	o.oneTimePub, err = p.parseKey(drawn.Key)
	o.signedPreKeyID, o.preKeyID = b.SignedPreKeyID, drawn.ID
	return o, err
}

// randomIndex draws from 0 to n-1 without bias, n below 2^31.
func randomIndex(n int) int {
	var b [4]byte
	limit := 1<<31 - (1<<31)%n
	for {
		fillRandom(b[:])
		if x := int(b[0]&0x7f)<<24 | int(b[1])<<16 | int(b[2])<<8 | int(b[3]); x < limit {
			return x % n
		}
	}
}
