// SPDX-License-Identifier: AGPL-3.0-or-later

package omemo

// hmac256 is HMAC-SHA-256 (RFC 2104) of the parts joined.
func hmac256(key *[32]byte, parts ...[]byte) [32]byte {
	h := newHMAC(key)
	return h.sum(parts...)
}

// hkdf is HKDF-SHA-256 (RFC 5869): extract, then expand to fill out.
func hkdf(salt *hmacKey, ikm []byte, info string, out []byte) {
	prk := salt.sum(ikm)
	expand := newHMAC(&prk)
	var block [32]byte
	var previous []byte
	for i := byte(1); len(out) > 0; i++ {
		block = expand.sum(previous, []byte(info), []byte{i})
		previous = block[:]
		out = out[copy(out, block[:]):]
	}
}

// rootStep is KDF_RK: it mixes a Diffie-Hellman result into the root key and returns the new root key and a
// chain key.
func rootStep(p *params, root, dh *[32]byte) (newRoot, chain [32]byte) {
	var out [64]byte
	salt := newHMAC(root)
	hkdf(&salt, dh[:], p.infoRoot, out[:])
	copy(newRoot[:], out[:32])
	copy(chain[:], out[32:])
	return newRoot, chain
}

// chainStep is KDF_CK: it returns the message key and replaces the chain key by the next one.
func chainStep(chain *[32]byte) (messageKey [32]byte) {
	h := newHMAC(chain)
	messageKey = h.sum([]byte{1})
	*chain = h.sum([]byte{2})
	return messageKey
}

// keyMaterial is what one 80-byte derivation gives: an AES-256 key, an HMAC key and a CBC IV.
type keyMaterial struct {
	cipher, mac [32]byte
	iv          [16]byte
}

func deriveKeys(key []byte, info string) (k keyMaterial) {
	var out [80]byte
	hkdf(zeroSalt(), key, info, out[:])
	copy(k.cipher[:], out[:32])
	copy(k.mac[:], out[32:64])
	copy(k.iv[:], out[64:])
	return k
}
