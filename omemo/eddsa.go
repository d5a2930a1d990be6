// SPDX-License-Identifier: AGPL-3.0-or-later

package omemo

import "crypto/sha512"

// This is Ed25519 (RFC 8032 section 5.1) on our own field, for WebAssembly; see ed25519_wasm.go.

// edSecret expands a seed to the secret scalar and the prefix.
func edSecret(seed *[32]byte) (s scalar, prefix [32]byte) {
	digest := sha512.Sum512(seed[:])
	digest[0] &= 248
	digest[31] = digest[31]&127 | 64
	s.setBytes(digest[:32])
	copy(prefix[:], digest[32:])
	return s, prefix
}

func edPublicOwn(seed *[32]byte) [32]byte {
	s, _ := edSecret(seed)
	a := baseTimes(&s)
	return a.bytes()
}

// hashScalar is SHA-512 of the parts, modulo the order.
func hashScalar(parts ...[]byte) (s scalar) {
	h := sha512.New()
	for _, p := range parts {
		h.Write(p)
	}
	var digest [64]byte
	h.Sum(digest[:0])
	s.reduceBytes(&digest)
	return s
}

func edSignOwn(seed, public *[32]byte, message []byte) []byte {
	s, prefix := edSecret(seed)
	r := hashScalar(prefix[:], message)
	nonce := baseTimes(&r)
	rBytes := nonce.bytes()
	k := hashScalar(rBytes[:], public[:], message)
	var t scalar
	t.mulAdd(&k, &s, &r)
	tBytes := t.bytes()
	return append(rBytes[:], tBytes[:]...)
}

func edVerifyOwn(public *[32]byte, message, signature []byte) bool {
	var a point
	if len(signature) != signatureSize || !a.setBytes(public) {
		return false
	}
	var s scalar
	s.setBytes(signature[32:])
	if s.reduceOnce() {
		return false // S must be below the order
	}
	k := hashScalar(signature[:32], public[:], message)
	r := doubleScalar(&s, &k, &a)
	rBytes := r.bytes()
	return string(rBytes[:]) == string(signature[:32])
}
