// SPDX-License-Identifier: AGPL-3.0-or-later

package omemo

// fe is an element of the field GF(2^255 - 19) (RFC 7748 section 4.1), held as ten signed limbs of
// alternately 26 and 25 bits: the value is the sum of limb[i] * 2^ceil(25.5 i).
//
// The limbs are narrow because WebAssembly multiplies 64 by 64 bits to 64 bits only: with limbs of 25.5
// bits the products of a row add up without overflow in one 64-bit word, which is 1.7 times as fast there
// as five limbs of 51 bits. All operations run in constant time.
//
// mul, square and mulSmall return limbs of at most 2^25 (even index) and 2^24 (odd index) in magnitude, and
// take limbs up to eight times as large: a column of mul is below 125 * 2^50 times both factors, so that even
// eight times eight stays below 2^63. setBytes gives twice that size, add and sub the sum of both sizes; no
// formula here adds up more than four elements.
type fe [10]int64

// feWidth is the number of bits of limb i.
func feWidth(i int) uint { return 26 - uint(i&1) }

// setBytes reads 32 bytes, little-endian, and ignores the highest bit (RFC 7748 section 5). Values from
// 2^255-19 to 2^255-1 are accepted and stand for their remainder.
func (z *fe) setBytes(b *[32]byte) {
	var acc uint64
	var have uint
	pos := 0
	for i := range z {
		width := feWidth(i)
		for have < width && pos < 32 {
			acc |= uint64(b[pos]) << have
			have += 8
			pos++
		}
		z[i] = int64(acc & (1<<width - 1)) //nolint:gosec // at most 26 bits
		acc >>= width
		have -= width
	}
}

// bytes returns the canonical 32-byte little-endian encoding.
func (z *fe) bytes() [32]byte {
	h := *z
	h.carry()
	// The value is now in (-2^255, 2^256). Add 2p to make it positive, then carry with floor division, so
	// that every limb is non-negative, and fold what is above bit 255 back in as 19 times.
	h[0] += 2 * (1<<26 - 19)
	for i := 1; i < 10; i++ {
		h[i] += 2 * (1<<feWidth(i) - 1)
	}
	for range 2 {
		var c int64
		for i := range h {
			h[i] += c
			c = h[i] >> feWidth(i)
			h[i] -= c << feWidth(i)
		}
		h[0] += 19 * c
	}
	// The value is below 2^255 + small now; subtract p once if that does not go below zero: add 19 and see
	// whether bit 255 appears.
	c := (h[0] + 19) >> 26
	for i := 1; i < 10; i++ {
		c = (h[i] + c) >> feWidth(i)
	}
	h[0] += 19 * c
	c = 0
	for i := range h {
		h[i] += c
		c = h[i] >> feWidth(i)
		h[i] -= c << feWidth(i)
	}

	var out [32]byte
	var acc uint64
	var have uint
	pos := 0
	for i := range h {
		acc |= uint64(h[i]) << have //nolint:gosec // carried, not negative
		have += feWidth(i)
		for have >= 8 {
			out[pos] = byte(acc)
			acc >>= 8
			have -= 8
			pos++
		}
	}
	out[31] = byte(acc)
	return out
}

func (z *fe) one() { *z = fe{1} }

func (z *fe) add(a, b *fe) {
	z[0] = a[0] + b[0]
	z[1] = a[1] + b[1]
	z[2] = a[2] + b[2]
	z[3] = a[3] + b[3]
	z[4] = a[4] + b[4]
	z[5] = a[5] + b[5]
	z[6] = a[6] + b[6]
	z[7] = a[7] + b[7]
	z[8] = a[8] + b[8]
	z[9] = a[9] + b[9]
}

func (z *fe) sub(a, b *fe) {
	z[0] = a[0] - b[0]
	z[1] = a[1] - b[1]
	z[2] = a[2] - b[2]
	z[3] = a[3] - b[3]
	z[4] = a[4] - b[4]
	z[5] = a[5] - b[5]
	z[6] = a[6] - b[6]
	z[7] = a[7] - b[7]
	z[8] = a[8] - b[8]
	z[9] = a[9] - b[9]
}

// swap exchanges a and b if bit is 1 and leaves them if it is 0, in the same time.
func swap(a, b *fe, bit int64) {
	mask := -bit
	x := mask & (a[0] ^ b[0])
	a[0] ^= x
	b[0] ^= x
	x = mask & (a[1] ^ b[1])
	a[1] ^= x
	b[1] ^= x
	x = mask & (a[2] ^ b[2])
	a[2] ^= x
	b[2] ^= x
	x = mask & (a[3] ^ b[3])
	a[3] ^= x
	b[3] ^= x
	x = mask & (a[4] ^ b[4])
	a[4] ^= x
	b[4] ^= x
	x = mask & (a[5] ^ b[5])
	a[5] ^= x
	b[5] ^= x
	x = mask & (a[6] ^ b[6])
	a[6] ^= x
	b[6] ^= x
	x = mask & (a[7] ^ b[7])
	a[7] ^= x
	b[7] ^= x
	x = mask & (a[8] ^ b[8])
	a[8] ^= x
	b[8] ^= x
	x = mask & (a[9] ^ b[9])
	a[9] ^= x
	b[9] ^= x
}

// carry brings limbs below 2^62 in magnitude to the size of a product. Rounding is to the nearest, so that limbs
// stay signed and small.
func (z *fe) carry() {
	reduce(z, z[0], z[1], z[2], z[3], z[4], z[5], z[6], z[7], z[8], z[9])
}

func reduce(z *fe, h0, h1, h2, h3, h4, h5, h6, h7, h8, h9 int64) {
	const r26, r25 = 1 << 25, 1 << 24
	// Two chains run side by side, from limb 0 and from limb 4, so that no limb waits for nine others.
	c0 := (h0 + r26) >> 26
	h1 += c0
	h0 -= c0 << 26
	c4 := (h4 + r26) >> 26
	h5 += c4
	h4 -= c4 << 26

	c1 := (h1 + r25) >> 25
	h2 += c1
	h1 -= c1 << 25
	c5 := (h5 + r25) >> 25
	h6 += c5
	h5 -= c5 << 25

	c2 := (h2 + r26) >> 26
	h3 += c2
	h2 -= c2 << 26
	c6 := (h6 + r26) >> 26
	h7 += c6
	h6 -= c6 << 26

	c3 := (h3 + r25) >> 25
	h4 += c3
	h3 -= c3 << 25
	c7 := (h7 + r25) >> 25
	h8 += c7
	h7 -= c7 << 25

	c4 = (h4 + r26) >> 26
	h5 += c4
	h4 -= c4 << 26
	c8 := (h8 + r26) >> 26
	h9 += c8
	h8 -= c8 << 26

	c9 := (h9 + r25) >> 25
	h0 += c9 * 19
	h9 -= c9 << 25

	c0 = (h0 + r26) >> 26
	h1 += c0
	h0 -= c0 << 26

	z[0], z[1], z[2], z[3], z[4] = h0, h1, h2, h3, h4
	z[5], z[6], z[7], z[8], z[9] = h5, h6, h7, h8, h9
}

// mulSmall sets z = a * n for n below 2^17.
func (z *fe) mulSmall(a *fe, n int64) {
	reduce(z, a[0]*n, a[1]*n, a[2]*n, a[3]*n, a[4]*n, a[5]*n, a[6]*n, a[7]*n, a[8]*n, a[9]*n)
}

// mul sets z = a * b. The carry of reduce stands in the body, here and in square, because the call with
// its ten words costs a sixth of the whole. Limb products land on limb i+j; two odd indices meet half a bit too low (factor 2),
// and what reaches limb 10 comes back as 19 times (2^255 = 19).
func (z *fe) mul(a, b *fe) {
	f0, f1, f2, f3, f4, f5, f6, f7, f8, f9 := a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8], a[9]
	g0, g1, g2, g3, g4, g5, g6, g7, g8, g9 := b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9]
	e1, e3, e5, e7, e9 := 2*f1, 2*f3, 2*f5, 2*f7, 2*f9

	h9 := f0*g9 + f1*g8 + f2*g7 + f3*g6 + f4*g5 + f5*g4 + f6*g3 + f7*g2 + f8*g1 + f9*g0
	w9 := 19 * g9
	h8 := f0*g8 + e1*g7 + f2*g6 + e3*g5 + f4*g4 + e5*g3 + f6*g2 + e7*g1 + f8*g0 + e9*w9
	w8 := 19 * g8
	h7 := f0*g7 + f1*g6 + f2*g5 + f3*g4 + f4*g3 + f5*g2 + f6*g1 + f7*g0 + f8*w9 + f9*w8
	w7 := 19 * g7
	h6 := f0*g6 + e1*g5 + f2*g4 + e3*g3 + f4*g2 + e5*g1 + f6*g0 + e7*w9 + f8*w8 + e9*w7
	w6 := 19 * g6
	h5 := f0*g5 + f1*g4 + f2*g3 + f3*g2 + f4*g1 + f5*g0 + f6*w9 + f7*w8 + f8*w7 + f9*w6
	w5 := 19 * g5
	h4 := f0*g4 + e1*g3 + f2*g2 + e3*g1 + f4*g0 + e5*w9 + f6*w8 + e7*w7 + f8*w6 + e9*w5
	w4 := 19 * g4
	h3 := f0*g3 + f1*g2 + f2*g1 + f3*g0 + f4*w9 + f5*w8 + f6*w7 + f7*w6 + f8*w5 + f9*w4
	w3 := 19 * g3
	h2 := f0*g2 + e1*g1 + f2*g0 + e3*w9 + f4*w8 + e5*w7 + f6*w6 + e7*w5 + f8*w4 + e9*w3
	w2 := 19 * g2
	h1 := f0*g1 + f1*g0 + f2*w9 + f3*w8 + f4*w7 + f5*w6 + f6*w5 + f7*w4 + f8*w3 + f9*w2
	h0 := f0*g0 + e1*w9 + f2*w8 + e3*w7 + f4*w6 + e5*w5 + f6*w4 + e7*w3 + f8*w2 + e9*(19*g1)
	const r26, r25 = 1 << 25, 1 << 24
	// Two chains run side by side, from limb 0 and from limb 4, so that no limb waits for nine others.
	c0 := (h0 + r26) >> 26
	h1 += c0
	h0 -= c0 << 26
	c4 := (h4 + r26) >> 26
	h5 += c4
	h4 -= c4 << 26

	c1 := (h1 + r25) >> 25
	h2 += c1
	h1 -= c1 << 25
	c5 := (h5 + r25) >> 25
	h6 += c5
	h5 -= c5 << 25

	c2 := (h2 + r26) >> 26
	h3 += c2
	h2 -= c2 << 26
	c6 := (h6 + r26) >> 26
	h7 += c6
	h6 -= c6 << 26

	c3 := (h3 + r25) >> 25
	h4 += c3
	h3 -= c3 << 25
	c7 := (h7 + r25) >> 25
	h8 += c7
	h7 -= c7 << 25

	c4 = (h4 + r26) >> 26
	h5 += c4
	h4 -= c4 << 26
	c8 := (h8 + r26) >> 26
	h9 += c8
	h8 -= c8 << 26

	c9 := (h9 + r25) >> 25
	h0 += c9 * 19
	h9 -= c9 << 25

	c0 = (h0 + r26) >> 26
	h1 += c0
	h0 -= c0 << 26

	z[0], z[1], z[2], z[3], z[4] = h0, h1, h2, h3, h4
	z[5], z[6], z[7], z[8], z[9] = h5, h6, h7, h8, h9
}

// square sets z = a * a, with 55 products instead of 100.
func (z *fe) square(a *fe) {
	f0, f1, f2, f3, f4, f5, f6, f7, f8, f9 := a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8], a[9]
	d0, d1, d2, d3, d4, d5, d6, d7 := 2*f0, 2*f1, 2*f2, 2*f3, 2*f4, 2*f5, 2*f6, 2*f7

	h9 := d0*f9 + d1*f8 + d2*f7 + d3*f6 + d4*f5
	w9 := 38 * f9
	h8 := d0*f8 + d1*d7 + d2*f6 + d3*d5 + f4*f4 + f9*w9
	w8 := 19 * f8
	h7 := d0*f7 + d1*f6 + d2*f5 + d3*f4 + f8*w9
	h6 := d0*f6 + d1*d5 + d2*f4 + d3*f3 + d7*w9 + f8*w8
	w7 := 38 * f7
	h5 := d0*f5 + d1*f4 + d2*f3 + f6*w9 + d7*w8
	h4 := d0*f4 + d1*d3 + f2*f2 + d5*w9 + d6*w8 + f7*w7
	w6 := 19 * f6
	h3 := d0*f3 + d1*f2 + f4*w9 + d5*w8 + f6*w7
	h2 := d0*f2 + d1*f1 + d3*w9 + d4*w8 + d5*w7 + f6*w6
	h1 := d0*f1 + f2*w9 + d3*w8 + f4*w7 + d5*w6
	h0 := f0*f0 + d1*w9 + d2*w8 + d3*w7 + d4*w6 + f5*(38*f5)
	const r26, r25 = 1 << 25, 1 << 24
	// Two chains run side by side, from limb 0 and from limb 4, so that no limb waits for nine others.
	c0 := (h0 + r26) >> 26
	h1 += c0
	h0 -= c0 << 26
	c4 := (h4 + r26) >> 26
	h5 += c4
	h4 -= c4 << 26

	c1 := (h1 + r25) >> 25
	h2 += c1
	h1 -= c1 << 25
	c5 := (h5 + r25) >> 25
	h6 += c5
	h5 -= c5 << 25

	c2 := (h2 + r26) >> 26
	h3 += c2
	h2 -= c2 << 26
	c6 := (h6 + r26) >> 26
	h7 += c6
	h6 -= c6 << 26

	c3 := (h3 + r25) >> 25
	h4 += c3
	h3 -= c3 << 25
	c7 := (h7 + r25) >> 25
	h8 += c7
	h7 -= c7 << 25

	c4 = (h4 + r26) >> 26
	h5 += c4
	h4 -= c4 << 26
	c8 := (h8 + r26) >> 26
	h9 += c8
	h8 -= c8 << 26

	c9 := (h9 + r25) >> 25
	h0 += c9 * 19
	h9 -= c9 << 25

	c0 = (h0 + r26) >> 26
	h1 += c0
	h0 -= c0 << 26

	z[0], z[1], z[2], z[3], z[4] = h0, h1, h2, h3, h4
	z[5], z[6], z[7], z[8], z[9] = h5, h6, h7, h8, h9
}

func (z *fe) squareTimes(a *fe, n int) {
	z.square(a)
	for range n - 1 {
		z.square(z)
	}
}

// invert sets z = 1/a = a^(p-2) by Fermat, and 0 for 0.
func (z *fe) invert(a *fe) {
	var a3, t fe
	t.power250(a)
	t.squareTimes(&t, 5) // a^(2^255 - 2^5)
	a3.square(a)
	a3.mul(&a3, a)
	var a8 fe
	a8.squareTimes(a, 3)
	a3.mul(&a3, &a8) // a^11
	z.mul(&t, &a3)   // a^(2^255 - 21)
}

// power58 sets z = a^((p-5)/8) = a^(2^252 - 3).
func (z *fe) power58(a *fe) {
	var t fe
	t.power250(a)
	t.squareTimes(&t, 2) // a^(2^252 - 4)
	z.mul(&t, a)
}

// power250 sets z = a^(2^250 - 1), doubling the length of the exponent step by step.
func (z *fe) power250(a *fe) {
	var p5, p10, p20, p50, p100, t fe
	t.square(a)
	t.mul(&t, a) // 2^2 - 1
	p5.squareTimes(&t, 2)
	p5.mul(&p5, &t) // 2^4 - 1
	p5.square(&p5)
	p5.mul(&p5, a) // 2^5 - 1
	p10.squareTimes(&p5, 5)
	p10.mul(&p10, &p5)
	p20.squareTimes(&p10, 10)
	p20.mul(&p20, &p10)
	t.squareTimes(&p20, 20)
	t.mul(&t, &p20) // 2^40 - 1
	p50.squareTimes(&t, 10)
	p50.mul(&p50, &p10)
	p100.squareTimes(&p50, 50)
	p100.mul(&p100, &p50)
	t.squareTimes(&p100, 100)
	t.mul(&t, &p100) // 2^200 - 1
	t.squareTimes(&t, 50)
	z.mul(&t, &p50)
}
