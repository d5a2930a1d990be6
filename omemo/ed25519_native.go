// SPDX-License-Identifier: AGPL-3.0-or-later

//go:build !wasm

package omemo

import "crypto/ed25519"

func edPublic(seed *[32]byte) (public [32]byte) {
	copy(public[:], ed25519.NewKeyFromSeed(seed[:])[32:])
	return public
}

func edSign(seed, _ *[32]byte, message []byte) []byte {
	return ed25519.Sign(ed25519.NewKeyFromSeed(seed[:]), message)
}

func edVerify(public *[32]byte, message, signature []byte) bool {
	return ed25519.Verify(public[:], message, signature)
}
