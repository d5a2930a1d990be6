// SPDX-License-Identifier: AGPL-3.0-or-later

package omemo

import "crypto/sha256"

// hmacKey is HMAC-SHA-256 (RFC 2104) under a key of 32 bytes. It exists because crypto/hmac, which allocates two hashes
// and saves their states, takes almost twice as long for a few bytes in WebAssembly.
type hmacKey struct{ key [32]byte }

func newHMAC(key *[32]byte) hmacKey { return hmacKey{*key} }

// sum is the HMAC of the parts joined.
func (h *hmacKey) sum(parts ...[]byte) [32]byte {
	var buf [352]byte // on the stack; enough for all but payloads
	b := buf[:64]
	for i := range b {
		b[i] = 0x36
	}
	for i, k := range h.key {
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
	for i, k := range h.key {
		b[i] ^= k
	}
	return sha256.Sum256(append(b, inner[:]...))
}

// zeroSalt is HMAC under 32 zero bytes, the HKDF salt of every derivation but the root chain's.
func zeroSalt() *hmacKey { return &hmacKey{} }
