// SPDX-License-Identifier: AGPL-3.0-or-later

package omemo

import "math/bits"

// scalar is a number modulo the order of the base point of edwards25519, or any number below 2^256, as four
// 64-bit words, the lowest first.
type scalar [4]uint64

// order is L = 2^252 + 27742317777372353535851937790883648493.
func order() scalar {
	return scalar{0x5812631a5cf5d3ed, 0x14def9dea2f79cd6, 0, 0x1000000000000000}
}

func (s *scalar) setBytes(b []byte) {
	for i := range s {
		s[i] = 0
		for j := 7; j >= 0; j-- {
			s[i] = s[i]<<8 | uint64(b[8*i+j])
		}
	}
}

func (s *scalar) bytes() (out [32]byte) {
	for i := range out {
		out[i] = byte(s[i>>3] >> (8 * (i & 7))) //nolint:gosec // one of its bytes
	}
	return out
}

// reduceOnce subtracts the order if that does not go below zero, and reports whether it did. Constant time.
func (s *scalar) reduceOnce() bool {
	l := order()
	var t scalar
	var borrow uint64
	for i := range t {
		t[i], borrow = bits.Sub64(s[i], l[i], borrow)
	}
	mask := borrow - 1 // all ones if nothing was borrowed
	for i := range s {
		s[i] = s[i]&^mask | t[i]&mask
	}
	return borrow == 0
}

// reduceWide sets s = w modulo the order by long division, bit by bit: slow (10 µs) but evident and in
// constant time.
func (s *scalar) reduceWide(w *[8]uint64) {
	*s = scalar{}
	for i := 511; i >= 0; i-- {
		carry := w[i>>6] >> (i & 63) & 1
		for j := range s {
			s[j], carry = s[j]<<1|carry, s[j]>>63
		}
		s.reduceOnce() // s was below L, so 2s+1 is below 2L
	}
}

// reduceBytes sets s to 64 bytes, little-endian, modulo the order.
func (s *scalar) reduceBytes(b *[64]byte) {
	var w [8]uint64
	var low, high scalar
	low.setBytes(b[:32])
	high.setBytes(b[32:])
	copy(w[:4], low[:])
	copy(w[4:], high[:])
	s.reduceWide(&w)
}

// mulAdd sets s = a b + c modulo the order, for numbers below 2^255.
func (s *scalar) mulAdd(a, b, c *scalar) {
	var w [8]uint64
	copy(w[:], c[:])
	for i := range a {
		var carry uint64
		for j := range b {
			high, low := bits.Mul64(a[i], b[j])
			var c1, c2 uint64
			low, c1 = bits.Add64(low, carry, 0)
			w[i+j], c2 = bits.Add64(w[i+j], low, 0)
			carry = high + c1 + c2
		}
		for j := i + 4; carry != 0 && j < 8; j++ {
			w[j], carry = bits.Add64(w[j], carry, 0)
		}
	}
	s.reduceWide(&w)
}

// nonAdjacent recodes s, below 2^253, into odd digits from -15 to 15 of which no five neighbours have two.
// Variable time.
func (s *scalar) nonAdjacent() (digits [256]int8) {
	var carry uint64
	for i := 0; i < 256; {
		word := s[i>>6] >> (i & 63)
		if i&63 > 59 && i>>6 < 3 {
			word |= s[i>>6+1] << (64 - i&63)
		}
		window := carry + word&31
		if window&1 == 0 {
			i++
			continue
		}
		carry = 0
		digits[i] = int8(window)
		if window > 15 {
			carry = 1
			digits[i] -= 32
		}
		i += 5
	}
	return digits
}
