// SPDX-License-Identifier: AGPL-3.0-or-later

//go:build wasm

package omemo

// On WebAssembly X25519 is our own: crypto/ecdh takes 1.7 times as long there and brings all NIST curves
// along (90 KB of a compressed module).

func x25519(private, public *[32]byte) [32]byte { return ladder(private, public) }

func x25519Base(private *[32]byte) [32]byte { return ladder(private, &[32]byte{9}) }
