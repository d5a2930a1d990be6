// SPDX-License-Identifier: AGPL-3.0-or-later

//go:build wasm

package omemo

// On WebAssembly Ed25519 is our own: crypto/ed25519 takes twice as long to verify there (its field has limbs
// of 51 bits) and makes the compressed module 35 KB larger.

func edPublic(seed *[32]byte) [32]byte { return edPublicOwn(seed) }

func edSign(seed, public *[32]byte, message []byte) []byte { return edSignOwn(seed, public, message) }

func edVerify(public *[32]byte, message, signature []byte) bool {
	return edVerifyOwn(public, message, signature)
}
