// SPDX-License-Identifier: AGPL-3.0-or-later

package omemo

import "crypto/sha256"

// hmac256 is HMAC-SHA-256 (RFC 2104) of the parts joined, for keys of 32 bytes. It exists because a ratchet
// makes dozens of HMACs of a few bytes: crypto/hmac, which allocates two hashes and saves their states, takes
// almost twice as long for these in WebAssembly.
func hmac256(key *[32]byte, parts ...[]byte) [32]byte {
	var buf [352]byte // on the stack; enough for all but payloads
	b := buf[:64]
	for i := range b {
		b[i] = 0x36
	}
	for i, k := range key {
		b[i] ^= k
	}
	for _, p := range parts {
		b = append(b, p...)
	}
	inner := sha256.Sum256(b)
	b = buf[:64]
	for i := range b {
		b[i] = 0x5c
	}
	for i, k := range key {
		b[i] ^= k
	}
	return sha256.Sum256(append(b, inner[:]...))
}

// hkdf is HKDF-SHA-256 (RFC 5869): extract, then expand to fill out.
func hkdf(salt *[32]byte, ikm []byte, info string, out []byte) {
	prk := hmac256(salt, ikm)
	var block [32]byte
	var previous []byte
	for i := byte(1); len(out) > 0; i++ {
		block = hmac256(&prk, previous, []byte(info), []byte{i})
		previous = block[:]
		out = out[copy(out, block[:]):]
	}
}

// zeroSalt is the HKDF salt of every derivation but the root chain's.
func zeroSalt() *[32]byte { return new([32]byte) }

// rootStep is KDF_RK: it mixes a Diffie-Hellman result into the root key and returns the new root key and a
// chain key.
func rootStep(p *params, root, dh *[32]byte) (newRoot, chain [32]byte) {
	var out [64]byte
	hkdf(root, dh[:], p.infoRoot, out[:])
	copy(newRoot[:], out[:32])
	copy(chain[:], out[32:])
	return newRoot, chain
}

// chainStep is KDF_CK: it returns the message key and replaces the chain key by the next one.
func chainStep(chain *[32]byte) (messageKey [32]byte) {
	messageKey = hmac256(chain, []byte{1})
	*chain = hmac256(chain, []byte{2})
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
