// SPDX-License-Identifier: AGPL-3.0-or-later

package omemo

// point is a point of edwards25519 (RFC 8032 section 5.1) in extended coordinates: x = X/Z, y = Y/Z,
// xy = T/Z (https://www.hyperelliptic.org/EFD/g1p/auto-twisted-extended-1.html).
type point struct{ x, y, z, t fe }

// addend is a point prepared for additions: Y+X, Y-X, 2Z, 2dT.
type addend struct{ sum, diff, z2, t2d fe }

// Constants of the curve, in limbs: d = -121665/121666, 2d, a square root of -1, and the base point.
func curveD() fe {
	return fe{-10913610, 13857413, -15372611, 6949391, 114729, -8787816, -6275908, -3247719, -18696448, -12055116}
}

func curve2D() fe {
	return fe{-21827239, -5839606, -30745221, 13898782, 229458, 15978800, -12551817, -6495438, 29715968, 9444199}
}

func rootMinusOne() fe {
	return fe{-32595792, -7943725, 9377950, 3500415, 12389472, -272473, -25146209, -2005654, 326686, 11406482}
}

func basePoint() point {
	return point{
		x: fe{-14297830, -7645148, 16144683, -16471763, 27570974, -2696100, -26142465, 8378389, 20764389, 8758491},
		y: fe{-26843541, -6710886, 13421773, -13421773, 26843546, 6710886, -13421773, 13421773, -26843546, -6710886},
		z: fe{1},
		t: fe{28827062, -6116119, -27349572, 244363, 8635006, 11264893, 19351346, 13413597, 16611511, -6414980},
	}
}

func (a *addend) from(p *point) {
	a.sum.add(&p.y, &p.x)
	a.diff.sub(&p.y, &p.x)
	a.z2.add(&p.z, &p.z)
	d2 := curve2D()
	a.t2d.mul(&p.t, &d2)
}

// add sets p = q + a, or q - a for negative. The formula is complete: it holds for all points, equal ones and
// the neutral one included.
func (p *point) add(q *point, a *addend, negative bool) {
	var s, d, c, e, f, g, h fe
	sum, diff := &a.sum, &a.diff
	if negative {
		sum, diff = diff, sum
	}
	d.sub(&q.y, &q.x)
	d.mul(&d, diff)
	s.add(&q.y, &q.x)
	s.mul(&s, sum)
	c.mul(&q.t, &a.t2d)
	g.mul(&q.z, &a.z2)
	e.sub(&s, &d)
	h.add(&s, &d)
	if negative {
		f.add(&g, &c)
		g.sub(&g, &c)
	} else {
		f.sub(&g, &c)
		g.add(&g, &c)
	}
	p.x.mul(&e, &f)
	p.y.mul(&g, &h)
	p.t.mul(&e, &h)
	p.z.mul(&f, &g)
}

// double sets p = 2q. Without extended, p.t is not computed; it is needed by add only.
func (p *point) double(q *point, extended bool) {
	var a, b, c, e, f, g, h fe
	a.square(&q.x)
	b.square(&q.y)
	c.square(&q.z)
	c.add(&c, &c)
	e.add(&q.x, &q.y)
	e.square(&e)
	h.add(&a, &b)
	e.sub(&e, &h) // 2xy
	g.sub(&b, &a)
	f.sub(&c, &g) // f and h have the other sign than in the formula, which negates all four coordinates
	p.x.mul(&e, &f)
	p.y.mul(&g, &h)
	if extended {
		p.t.mul(&e, &h)
	}
	p.z.mul(&f, &g)
}

// setBytes decodes a point (RFC 8032 section 5.1.3); false if there is none.
func (p *point) setBytes(in *[32]byte) bool {
	var u, v, v3, uv7, check fe
	p.y.setBytes(in)
	p.z.one()
	u.square(&p.y)
	d := curveD()
	v.mul(&u, &d)
	u.sub(&u, &p.z)
	v.add(&v, &p.z)

	// x = u v^3 (u v^7)^((p-5)/8)
	v3.square(&v)
	v3.mul(&v3, &v)
	uv7.square(&v3)
	uv7.mul(&uv7, &v)
	uv7.mul(&uv7, &u)
	uv7.power58(&uv7)
	p.x.mul(&u, &v3)
	p.x.mul(&p.x, &uv7)

	check.square(&p.x)
	check.mul(&check, &v)
	var minusU, zero fe
	minusU.sub(&zero, &u)
	got := check.bytes()
	switch {
	case got == u.bytes():
	case got == minusU.bytes():
		root := rootMinusOne()
		p.x.mul(&p.x, &root)
	default:
		return false
	}
	x := p.x.bytes()
	sign := in[31] >> 7
	if x == [32]byte{} && sign == 1 {
		return false
	}
	if x[0]&1 != sign {
		p.x.sub(&zero, &p.x)
	}
	p.t.mul(&p.x, &p.y)
	return true
}

// bytes encodes a point.
func (p *point) bytes() [32]byte {
	var inv, x, y fe
	inv.invert(&p.z)
	x.mul(&p.x, &inv)
	y.mul(&p.y, &inv)
	out := y.bytes()
	xBytes := x.bytes()
	out[31] |= xBytes[0] << 7
	return out
}

// baseTimes is scalar times the base point, in constant time: a ladder that keeps (n B, (n+1) B).
func baseTimes(s *scalar) point {
	low := point{y: fe{1}, z: fe{1}}
	high := basePoint()
	var a addend
	var last int64
	for i := 255; i >= 0; i-- {
		bit := int64(s[i>>6]>>(i&63)) & 1 //nolint:gosec // one bit
		swapPoints(&low, &high, bit^last)
		last = bit
		a.from(&low)
		high.add(&high, &a, false)
		low.double(&low, true)
	}
	swapPoints(&low, &high, last)
	return low
}

func swapPoints(a, b *point, bit int64) {
	swap(&a.x, &b.x, bit)
	swap(&a.y, &b.y, bit)
	swap(&a.z, &b.z, bit)
	swap(&a.t, &b.t, bit)
}

// oddMultiples is p, 3p, 5p, ... 15p.
func oddMultiples(p *point) (table [8]addend) {
	var twice addend
	var q point
	q.double(p, true)
	twice.from(&q)
	q = *p
	table[0].from(&q)
	for i := 1; i < len(table); i++ {
		q.add(&q, &twice, false)
		table[i].from(&q)
	}
	return table
}

// doubleScalar is s B - k p in variable time, for the verification of signatures only.
func doubleScalar(s, k *scalar, p *point) point {
	base := basePoint()
	tables := [2][8]addend{oddMultiples(&base), oddMultiples(p)}
	digits := [2][256]int8{s.nonAdjacent(), k.nonAdjacent()}
	sum := point{y: fe{1}, z: fe{1}}
	for i := 255; i >= 0; i-- {
		adding := digits[0][i] != 0 || digits[1][i] != 0
		sum.double(&sum, adding)
		for j := range digits {
			d := digits[j][i]
			if d == 0 {
				continue
			}
			negative := d < 0
			if negative {
				d = -d
			}
			sum.add(&sum, &tables[j][d/2], negative != (j == 1))
		}
	}
	return sum
}
