// SPDX-License-Identifier: AGPL-3.0-or-later

package omemo

const signatureSize = 64

// sign makes an Ed25519 signature (RFC 8032) with the identity. Because the sign bit of our identity's
// Ed25519 form is 0, the same bytes are a valid XEdDSA signature for its Curve25519 form.
func (id *identity) sign(message []byte) []byte {
	return edSign(&id.seed, &id.edwards, message)
}

// verifyXEd checks a signature with a Curve25519 key, as libsignal makes it: Ed25519 with the sign bit of
// the Ed25519 form of the key in the highest bit of the signature. XEdDSA signatures proper, for which that
// bit is always 0, are a subset (https://signal.org/docs/specifications/xeddsa/).
func verifyXEd(key *[32]byte, message, signature []byte) bool {
	if len(signature) != signatureSize {
		return false
	}
	ed := toEdwards(key, signature[63])
	var plain [signatureSize]byte
	copy(plain[:], signature)
	plain[63] &= 0x7f
	return edVerify(&ed, message, plain[:])
}

// verifyEd checks an Ed25519 signature.
func verifyEd(key *[32]byte, message, signature []byte) bool {
	return len(signature) == signatureSize && edVerify(key, message, signature)
}
