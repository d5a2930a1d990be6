// SPDX-License-Identifier: AGPL-3.0-or-later

package omemo

// maxKeyBlob bounds the content of one <key> element. Genuine ones have 100 to 250 bytes.
const maxKeyBlob = 4096

// ratchetMessage is a message of the double ratchet: OMEMOMessage, in 0.3 SignalMessage.
type ratchetMessage struct {
	dh         [32]byte // the sender's ratchet key
	n, pn      uint32
	ciphertext []byte
	signed     []byte // the bytes that the MAC covers after the associated data
	mac        []byte
}

// keyExchange is what precedes the message while a session is unconfirmed: OMEMOKeyExchange, in 0.3
// PreKeySignalMessage.
type keyExchange struct {
	preKey, signedPreKey uint32
	identity             [32]byte // in the version's own form
	ephemeral            [32]byte
	message              []byte // a complete message blob
}

// keyField appends a field with a public key as the version writes it.
func (p *params) keyField(b []byte, field uint32, key *[32]byte) []byte {
	if p.keyType != 0 {
		return appendBytesField(b, field, []byte{p.keyType}, key[:])
	}
	return appendBytesField(b, field, key[:])
}

// parseKey reads a public key as the version writes it: 32 bytes, or 33 with a type byte.
func (p *params) parseKey(data []byte) (key [32]byte, err error) {
	if p.keyType != 0 {
		if len(data) != 33 || data[0] != p.keyType {
			return key, fail(CodeBadKey, "public key must be 33 bytes with type 5")
		}
		data = data[1:]
	}
	if len(data) != 32 {
		return key, fail(CodeBadKey, "public key must be 32 bytes")
	}
	copy(key[:], data)
	return key, nil
}

// publicKeyBytes is the counterpart of parseKey.
func (p *params) publicKeyBytes(key *[32]byte) []byte { return p.appendKey(nil, key) }

func (p *params) appendKey(b []byte, key *[32]byte) []byte {
	if p.keyType != 0 {
		b = append(b, p.keyType)
	}
	return append(b, key[:]...)
}

// parseIdentity reads an identity key in the version's form and returns it with its Curve25519 form.
func (p *params) parseIdentity(data []byte) (wire, curve [32]byte, err error) {
	if wire, err = p.parseKey(data); err != nil {
		return wire, curve, err
	}
	if p.edIdentity {
		curve, err = toCurve(&wire)
		return wire, curve, err
	}
	if !canonical(&wire) {
		return wire, curve, fail(CodeBadKey, "identity key is not canonical")
	}
	return wire, wire, nil
}

// encodeSigned is the part of a message under the MAC.
func (p *params) encodeSigned(dh *[32]byte, n, pn uint32, ciphertext []byte) []byte {
	b := make([]byte, 0, len(ciphertext)+64)
	if p.versionByte != 0 {
		b = append(b, p.versionByte)
	}
	f := &p.message
	// Fields in ascending order, as every protobuf library writes them.
	if f.dh < f.n {
		b = p.keyField(b, f.dh, dh)
	}
	b = appendUintField(b, f.n, n)
	b = appendUintField(b, f.pn, pn)
	if f.dh > f.n {
		b = p.keyField(b, f.dh, dh)
	}
	return appendBytesField(b, f.ciphertext, ciphertext)
}

// encodeMessage joins the signed part and the MAC.
func (p *params) encodeMessage(signed, mac []byte) []byte {
	if !p.wrapped {
		return append(signed, mac...)
	}
	b := make([]byte, 0, len(signed)+len(mac)+6)
	b = appendBytesField(b, 1, mac)
	return appendBytesField(b, 2, signed)
}

var kindsWrapper = [8]byte{1: wireBytes + 1, 2: wireBytes + 1}

// decodeMessage parses a message blob.
func (p *params) decodeMessage(blob []byte) (m ratchetMessage, err error) {
	if len(blob) > maxKeyBlob {
		return m, fail(CodeMalformed, "message is too long")
	}
	if p.wrapped {
		outer, err := readFields(blob, &kindsWrapper)
		if err != nil {
			return m, err
		}
		m.mac, m.signed = outer.data[1], outer.data[2]
	} else {
		cut := len(blob) - p.macSize
		if cut < 1 {
			return m, fail(CodeMalformed, "message is too short")
		}
		m.signed, m.mac = blob[:cut:cut], blob[cut:]
	}
	if len(m.mac) != p.macSize {
		return m, fail(CodeMalformed, "MAC has the wrong size")
	}
	body, err := p.stripVersion(m.signed)
	if err != nil {
		return m, err
	}
	f := &p.message
	var kinds [8]byte
	kinds[f.n], kinds[f.pn] = wireVarint+1, wireVarint+1
	kinds[f.dh], kinds[f.ciphertext] = wireBytes+1, wireBytes+1
	s, err := readFields(body, &kinds)
	if err != nil {
		return m, err
	}
	if !s.have[f.n] || !s.have[f.dh] || len(s.data[f.ciphertext]) == 0 {
		return m, fail(CodeMalformed, "message lacks a required field")
	}
	m.n, m.pn, m.ciphertext = s.numbers[f.n], s.numbers[f.pn], s.data[f.ciphertext]
	m.dh, err = p.parseKey(s.data[f.dh])
	return m, err
}

func (p *params) stripVersion(b []byte) ([]byte, error) {
	if p.versionByte == 0 {
		return b, nil
	}
	if len(b) == 0 || b[0] != p.versionByte {
		return nil, fail(CodeMalformed, "unknown version byte")
	}
	return b[1:], nil
}

// encodeKeyExchange wraps a message blob.
func (p *params) encodeKeyExchange(k *keyExchange) []byte {
	b := make([]byte, 0, len(k.message)+100)
	if p.versionByte != 0 {
		b = append(b, p.versionByte)
	}
	f := &p.kex
	for id := uint32(1); id < 8; id++ {
		switch id {
		case f.preKey:
			b = appendUintField(b, id, k.preKey)
		case f.signedPreKey:
			b = appendUintField(b, id, k.signedPreKey)
		case f.identity:
			b = p.keyField(b, id, &k.identity)
		case f.ephemeral:
			b = p.keyField(b, id, &k.ephemeral)
		case f.message:
			b = appendBytesField(b, id, k.message)
		}
	}
	return b
}

// isKeyExchange tells a key exchange from a message by its content. The attribute of the <key> element that
// should tell is not reliable: some clients mark repeated key exchanges wrongly. In both versions field 1
// of a message is a byte string (ratchet key, MAC), and that of a key exchange a number, or missing if it
// has no one-time prekey.
func (p *params) isKeyExchange(blob []byte) bool {
	body, err := p.stripVersion(blob)
	if err != nil {
		return false
	}
	r := wireReader{buf: body}
	for {
		f, ok := r.next()
		if !ok {
			return false
		}
		switch {
		case f.id == 1:
			return f.kind == wireVarint
		case f.id == p.kex.identity && f.kind == wireBytes && len(f.data) >= 32:
			return true // before or without field 1; field 3 of a message is its pn (0.3) or inside the wrapper (2)
		}
	}
}

// decodeKeyExchange parses a key exchange. One without a one-time prekey is refused (XEP-0384 section 4.1:
// "key exchanges that don't use a PreKey MUST be rejected").
func (p *params) decodeKeyExchange(blob []byte) (k keyExchange, err error) {
	if len(blob) > maxKeyBlob {
		return k, fail(CodeMalformed, "key exchange is too long")
	}
	body, err := p.stripVersion(blob)
	if err != nil {
		return k, err
	}
	f := &p.kex
	var kinds [8]byte
	kinds[f.preKey], kinds[f.signedPreKey] = wireVarint+1, wireVarint+1
	kinds[f.identity], kinds[f.ephemeral], kinds[f.message] = wireBytes+1, wireBytes+1, wireBytes+1
	s, err := readFields(body, &kinds)
	if err != nil {
		return k, err
	}
	if !s.have[f.preKey] {
		return k, fail(CodeNoPreKey, "key exchange without one-time prekey")
	}
	if !s.have[f.signedPreKey] || !s.have[f.identity] || !s.have[f.ephemeral] || !s.have[f.message] {
		return k, fail(CodeMalformed, "key exchange lacks a required field")
	}
	k.preKey, k.signedPreKey, k.message = s.numbers[f.preKey], s.numbers[f.signedPreKey], s.data[f.message]
	if k.identity, _, err = p.parseIdentity(s.data[f.identity]); err != nil {
		return k, err
	}
	if k.ephemeral, err = p.parseKey(s.data[f.ephemeral]); err != nil {
		return k, err
	}
	// X25519 takes several encodings for the same key; only one may name the exchange, or a server could make
	// us mistake the repetitions for other exchanges.
	if !canonical(&k.ephemeral) {
		return k, fail(CodeBadKey, "ephemeral key is not canonical")
	}
	return k, nil
}
