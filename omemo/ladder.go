// SPDX-License-Identifier: AGPL-3.0-or-later

package omemo

// ladder is X25519 of RFC 7748 section 5 on the field of field.go: it clamps the scalar, multiplies the
// point with u-coordinate point by it and returns the u-coordinate. Time does not depend on the scalar.
func ladder(scalar, point *[32]byte) [32]byte {
	k := *scalar
	k[0] &= 248
	k[31] = k[31]&127 | 64

	var x1, x2, z2, x3, z3 fe
	var a, b, aa, bb, c, d, e fe
	x1.setBytes(point)
	x2.one()
	x3 = x1
	z3.one()

	var last int64
	for pos := 254; pos >= 0; pos-- {
		bit := int64(k[pos>>3]>>(pos&7)) & 1
		swap(&x2, &x3, bit^last)
		swap(&z2, &z3, bit^last)
		last = bit

		a.add(&x2, &z2)
		b.sub(&x2, &z2)
		c.add(&x3, &z3)
		d.sub(&x3, &z3)
		aa.square(&a)
		bb.square(&b)
		d.mul(&d, &a)
		c.mul(&c, &b)
		e.sub(&aa, &bb)
		a.add(&d, &c)
		b.sub(&d, &c)
		x3.square(&a)
		b.square(&b)
		z3.mul(&x1, &b)
		x2.mul(&aa, &bb)
		a.mulSmall(&e, 121666) // bb + 121666 e = aa + a24 e with a24 = 121665
		a.add(&bb, &a)
		z2.mul(&e, &a)
	}
	swap(&x2, &x3, last)
	swap(&z2, &z3, last)

	z2.invert(&z2)
	x2.mul(&x2, &z2)
	return x2.bytes()
}
