// SPDX-License-Identifier: AGPL-3.0-or-later

package omemo

import "crypto/subtle"

// ratchet is one side of a double ratchet (https://signal.org/docs/specifications/doubleratchet/) together
// with what X3DH left behind. Its methods change it in place; callers work on a freshly decoded copy and
// throw it away after a failure.
type ratchet struct {
	version   Version
	initiator bool
	// confirmed: the peer is known to have the session. Until then an initiator sends key exchanges.
	confirmed bool
	// heartbeat: an empty message was already asked for during the present receiving chain.
	heartbeat bool
	// due: an empty message is owed; any message settles it.
	due bool
	// lastIndex: the peer is known to give the index of the last message of a chain as pn (as libsignal
	// does), instead of the number of its messages.
	lastIndex bool

	local, remote [32]byte // identity keys in the version's form, for the associated data
	remoteCurve   [32]byte // the peer's identity key in Curve25519 form
	// ephemeral is EK of X3DH: it identifies the key exchange in repetitions.
	ephemeral            [32]byte
	preKey, signedPreKey uint32 // what an unconfirmed initiator names in its key exchanges

	root [32]byte
	send sendChain
	recv recvChain
	// steps counts turns of the ratchet; past chains are dropped by it.
	steps uint32
	past  []pastChain // oldest first
	// unanswered counts messages sent since the last one received.
	unanswered uint32
	// lastUsed is the session's count of received messages when this ratchet last decrypted one.
	lastUsed uint32
}

type sendChain struct {
	keys  keyPair
	chain [32]byte
	n     uint32 // messages sent in this chain
	pn    uint32 // messages sent in the chain before
}

// recvChain is the open receiving chain; keyring.end is the index of its next message.
type recvChain struct {
	open  bool
	dh    [32]byte
	chain [32]byte
	keyring
}

// mac is the MAC of a message that travels in the given direction, over the associated data and the message. The
// associated data is put together on the stack: this is done for every device of every message.
func (s *ratchet) mac(p *params, key *[32]byte, sending bool, signed []byte) [32]byte {
	localFirst := sending
	if !p.adBySender {
		localFirst = s.initiator
	}
	first, second := &s.local, &s.remote
	if !localFirst {
		first, second = second, first
	}
	var ad [66]byte
	b := p.appendKey(p.appendKey(ad[:0], first), second)
	return hmac256(key, b, signed)
}

// exhausted: a counter has reached its end, and nothing more can be encrypted.
func (s *ratchet) exhausted() bool { return s.send.n == 1<<32-1 || s.unanswered == 1<<32-1 }

// encrypt makes the next message, as it stands in a <key> element.
func (s *ratchet) encrypt(plaintext []byte) (blob []byte, isKeyExchange bool, err error) {
	p := s.version.params()
	if s.exhausted() {
		return nil, false, fail(CodeLimit, "sending chain is exhausted")
	}
	mk := chainStep(&s.send.chain)
	keys := deriveKeys(mk[:], p.infoMessage)
	ciphertext, err := encryptCBC(&keys, plaintext)
	if err != nil {
		return nil, false, err
	}
	signed := p.encodeSigned(&s.send.keys.public, s.send.n, s.send.pn, ciphertext)
	mac := s.mac(p, &keys.mac, true, signed)
	blob = p.encodeMessage(signed, mac[:p.macSize])
	s.send.n++
	s.unanswered++
	s.due = false
	if s.confirmed {
		return blob, false, nil
	}
	return p.encodeKeyExchange(&keyExchange{
		preKey:       s.preKey,
		signedPreKey: s.signedPreKey,
		identity:     s.local,
		ephemeral:    s.ephemeral,
		message:      blob,
	}), true, nil
}

// decrypt opens a message. fresh tells that it is the newest of the newest chain, not a late one. After an
// error the ratchet is not to be used any more.
func (s *ratchet) decrypt(m *ratchetMessage) (plaintext []byte, fresh bool, err error) {
	past := s.findPast(&m.dh)
	switch {
	case s.recv.open && m.dh == s.recv.dh:
		if m.n < s.recv.end {
			plaintext, err = s.openSkipped(&s.recv.keyring, m)
			return plaintext, false, err
		}
		plaintext, err = s.openNext(m)
	case past != nil:
		if plaintext, err = s.openSkipped(&past.keyring, m); err != nil {
			return nil, false, err
		}
		if past.tail && m.n == past.end-1 {
			past.tail, s.lastIndex = false, true // so it was sent, and pn is an index
		}
		return plaintext, false, nil
	default:
		plaintext, err = s.turn(m)
	}
	if err != nil {
		return nil, false, err
	}
	s.confirmed = true
	s.unanswered = 0
	return plaintext, true, nil
}

// openNext decrypts message m of the open receiving chain, whose index is not below the next one.
func (s *ratchet) openNext(m *ratchetMessage) ([]byte, error) {
	skipped, err := s.recv.skipTo(m.n)
	if err != nil {
		return nil, err
	}
	mk := chainStep(&s.recv.chain)
	plaintext, err := s.openMessage(&mk, m)
	if err != nil {
		return nil, err
	}
	s.recv.end++ // cannot overflow: m.n is below 2^32-1, see skipTo
	s.recv.skipped = append(s.recv.skipped, skipped...)
	s.limitSkipped()
	return plaintext, nil
}

// turn handles a message with a new ratchet key (double ratchet section 3.4, DHRatchet). The new receiving
// chain is tried first; only a genuine message makes us work through the rest of the old one.
func (s *ratchet) turn(m *ratchetMessage) ([]byte, error) {
	p := s.version.params()
	dh, err := agree(&s.send.keys.private, &m.dh)
	if err != nil {
		return nil, err
	}
	old := s.recv
	s.recv = recvChain{open: true, dh: m.dh}
	s.root, s.recv.chain = rootStep(p, &s.root, &dh)
	plaintext, err := s.openNext(m)
	if err != nil {
		return nil, err
	}
	if old.open {
		s.closeChain(&old, m.pn)
	}
	next := sendChain{keys: newKeyPair(), pn: s.send.n}
	if dh, err = agree(&next.keys.private, &m.dh); err != nil {
		return nil, err
	}
	s.root, next.chain = rootStep(p, &s.root, &dh)
	s.send = next
	s.heartbeat = false
	s.steps++
	s.prunePast()
	s.limitSkipped()
	return plaintext, nil
}

// openMessage checks the MAC and decrypts.
func (s *ratchet) openMessage(mk *[32]byte, m *ratchetMessage) ([]byte, error) {
	p := s.version.params()
	keys := deriveKeys(mk[:], p.infoMessage)
	mac := s.mac(p, &keys.mac, false, m.signed)
	if subtle.ConstantTimeCompare(mac[:p.macSize], m.mac) != 1 {
		return nil, fail(CodeAuthentication, "MAC of the message")
	}
	return decryptCBC(&keys, m.ciphertext)
}
