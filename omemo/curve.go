// SPDX-License-Identifier: AGPL-3.0-or-later

package omemo

// keyPair is an X25519 key pair. The public half is kept, because computing it costs as much as an
// agreement.
type keyPair struct {
	private, public [32]byte
}

func newKeyPair() keyPair {
	var k keyPair
	fillRandom(k.private[:])
	k.public = x25519Base(&k.private)
	return k
}

// agree is X25519 (RFC 7748 section 6.1). It refuses public keys of low order, which would make the result
// the same for everybody.
func agree(private, public *[32]byte) ([32]byte, error) {
	secret := x25519(private, public)
	var or byte
	for _, b := range secret {
		or |= b
	}
	if or == 0 {
		return secret, fail(CodeBadKey, "public key of low order")
	}
	return secret, nil
}

// toCurve maps an Ed25519 public key to its Curve25519 form: u = (1+y)/(1-y) (RFC 7748 section 4.1).
// It fails for keys that are not canonical or have no image.
func toCurve(ed *[32]byte) ([32]byte, error) {
	var y, u, d, one fe
	yBytes := *ed
	yBytes[31] &= 0x7f
	y.setBytes(&yBytes)
	if y.bytes() != yBytes {
		return yBytes, fail(CodeBadKey, "Ed25519 key is not canonical")
	}
	one.one()
	d.sub(&one, &y)
	u.add(&one, &y)
	d.invert(&d)
	u.mul(&u, &d)
	out := u.bytes()
	if out == [32]byte{} {
		return out, fail(CodeBadKey, "Ed25519 key of low order")
	}
	return out, nil
}

// toEdwards maps a Curve25519 public key to its Ed25519 form: y = (u-1)/(u+1), with the given sign bit
// (0 or 0x80) in the highest byte, because u does not tell the sign of x.
func toEdwards(curve *[32]byte, sign byte) [32]byte {
	var u, y, d, one fe
	u.setBytes(curve)
	one.one()
	d.add(&u, &one)
	y.sub(&u, &one)
	d.invert(&d)
	y.mul(&y, &d)
	out := y.bytes()
	out[31] |= sign & 0x80
	return out
}

// canonical reports whether b is the one encoding of a u-coordinate below 2^255-19.
func canonical(b *[32]byte) bool {
	var u fe
	u.setBytes(b)
	return u.bytes() == *b
}
