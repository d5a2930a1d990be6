// SPDX-License-Identifier: AGPL-3.0-or-later

//go:build !wasm

package omemo

import "crypto/ecdh"

// x25519 is the agreement; all zero for a public key of low order.
func x25519(private, public *[32]byte) (secret [32]byte) {
	priv, err := ecdh.X25519().NewPrivateKey(private[:])
	if err != nil {
		return secret
	}
	pub, err := ecdh.X25519().NewPublicKey(public[:])
	if err != nil {
		return secret
	}
	s, err := priv.ECDH(pub)
	if err != nil {
		return secret
	}
	copy(secret[:], s)
	return secret
}

func x25519Base(private *[32]byte) (public [32]byte) {
	priv, err := ecdh.X25519().NewPrivateKey(private[:])
	if err != nil {
		return public
	}
	copy(public[:], priv.PublicKey().Bytes())
	return public
}
