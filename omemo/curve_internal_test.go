// SPDX-License-Identifier: AGPL-3.0-or-later

package omemo

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/rand"
	"math/big"
	"math/bits"
	"slices"
	"testing"
)

// randomBytes fills an array with random bytes, sometimes with a pattern of many zeros and ones.
func randomBytes(round int) (b [32]byte) {
	_, _ = rand.Read(b[:])
	switch round % 8 {
	case 0:
		for i := range b {
			b[i] = 0xff
		}
		b[0] = byte(round / 8)
	case 1:
		b = [32]byte{byte(round / 8)}
	case 2:
		for i := 1; i < 31; i++ {
			b[i] = 0xff
		}
	}
	return b
}

func TestLadderAgreesWithStandardLibrary(t *testing.T) {
	for round := range 400 {
		k, p := randomBytes(round/8), randomBytes(round)
		priv, err := ecdh.X25519().NewPrivateKey(k[:])
		if err != nil {
			t.Fatal(err)
		}
		pub, err := ecdh.X25519().NewPublicKey(p[:])
		if err != nil {
			t.Fatal(err)
		}
		got := ladder(&k, &p)
		want, err := priv.ECDH(pub)
		if err != nil { // low order
			want = make([]byte, 32)
		}
		if !bytes.Equal(got[:], want) {
			t.Fatalf("X25519(%x, %x) = %x, want %x", k, p, got, want)
		}
	}
}

func TestOwnEd25519AgreesWithStandardLibrary(t *testing.T) {
	for round := range 150 {
		seed := randomBytes(round)
		message := make([]byte, round%100)
		_, _ = rand.Read(message)
		key := ed25519.NewKeyFromSeed(seed[:])
		public := edPublicOwn(&seed)
		if !bytes.Equal(public[:], key[32:]) {
			t.Fatalf("public key of %x: %x, want %x", seed, public, key[32:])
		}
		signature := edSignOwn(&seed, &public, message)
		if want := ed25519.Sign(key, message); !bytes.Equal(signature, want) {
			t.Fatalf("signature %x, want %x", signature, want)
		}
		if !edVerifyOwn(&public, message, signature) {
			t.Fatal("genuine signature refused")
		}
	}
}

// TestOwnVerifyRefuses checks that our verification refuses exactly what the standard library refuses, on
// signatures that were changed at one place.
func TestOwnVerifyRefuses(t *testing.T) {
	seed := [32]byte{1, 2, 3}
	public := edPublicOwn(&seed)
	message := []byte("a message")
	genuine := edSignOwn(&seed, &public, message)
	for bit := range 8 * len(genuine) {
		signature := bytes.Clone(genuine)
		signature[bit/8] ^= 1 << (bit % 8)
		if edVerifyOwn(&public, message, signature) {
			t.Fatalf("accepted with bit %d changed", bit)
		}
	}
	for bit := range 256 {
		key := public
		key[bit/8] ^= 1 << (bit % 8)
		if got, want := edVerifyOwn(&key, message, genuine), ed25519.Verify(key[:], message, genuine); got != want {
			t.Fatalf("key with bit %d changed: %v, standard library %v", bit, got, want)
		}
	}
	// S + L verifies the same equation and must be refused (RFC 8032 section 5.1.7).
	var s, l scalar
	s.setBytes(genuine[32:])
	l = order()
	var carry uint64
	for i := range s {
		s[i], carry = bits.Add64(s[i], l[i], carry)
	}
	sBytes := s.bytes()
	if edVerifyOwn(&public, message, append(bytes.Clone(genuine[:32]), sBytes[:]...)) {
		t.Fatal("accepted S above the order")
	}
}

// FuzzVerify compares our verification with the standard library's on any input.
func FuzzVerify(f *testing.F) {
	seed := [32]byte{9}
	public := edPublicOwn(&seed)
	f.Add(public[:], edSignOwn(&seed, &public, []byte("m")), []byte("m"))
	f.Add(make([]byte, 32), make([]byte, 64), []byte{})
	identity := make([]byte, 32)
	identity[0] = 1
	f.Add(identity, append(bytes.Clone(identity), make([]byte, 32)...), []byte("x"))
	f.Fuzz(func(t *testing.T, key, signature, message []byte) {
		if len(key) != 32 {
			return
		}
		k := [32]byte(key)
		if got, want := edVerifyOwn(&k, message, signature), verifyEd(&k, message, signature); got != want {
			t.Fatalf("own %v, standard library %v", got, want)
		}
	})
}

// FuzzField compares the field with arithmetic on big integers.
func FuzzField(f *testing.F) {
	f.Add(make([]byte, 32), bytes.Repeat([]byte{0xff}, 32))
	f.Add([]byte("0123456789abcdef0123456789abcdef"), bytes.Repeat([]byte{0xed}, 32))
	p := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 255), big.NewInt(19))
	number := func(b [32]byte) *big.Int {
		b[31] &= 0x7f
		slices.Reverse(b[:])
		return new(big.Int).SetBytes(b[:])
	}
	f.Fuzz(func(t *testing.T, aBytes, bBytes []byte) {
		if len(aBytes) != 32 || len(bBytes) != 32 {
			return
		}
		a32, b32 := [32]byte(aBytes), [32]byte(bBytes)
		var a, b fe
		a.setBytes(&a32)
		b.setBytes(&b32)
		x, y := number(a32), number(b32)
		for _, op := range []struct {
			name string
			own  func(z *fe)
			big  *big.Int
		}{
			{"set", func(z *fe) { *z = a }, x},
			{"add", func(z *fe) { z.add(&a, &b) }, new(big.Int).Add(x, y)},
			{"sub", func(z *fe) { z.sub(&a, &b) }, new(big.Int).Sub(x, y)},
			{"sub of sums", func(z *fe) {
				var c, d fe
				c.add(&a, &a)
				d.add(&b, &b)
				z.sub(&c, &d)
				z.mul(z, z)
			}, new(big.Int).Mul(new(big.Int).Sub(x, y), new(big.Int).Mul(big.NewInt(4), new(big.Int).Sub(x, y)))},
			{"mul", func(z *fe) { z.mul(&a, &b) }, new(big.Int).Mul(x, y)},
			{"square", func(z *fe) { z.square(&a) }, new(big.Int).Mul(x, x)},
			{"small", func(z *fe) { z.mulSmall(&a, 121666) }, new(big.Int).Mul(x, big.NewInt(121666))},
			{"invert", func(z *fe) { z.invert(&a) }, new(big.Int).Exp(x, new(big.Int).Sub(p, big.NewInt(2)), p)},
			{"power58", func(z *fe) { z.power58(&a) }, new(big.Int).Exp(x, new(big.Int).Rsh(new(big.Int).Sub(p, big.NewInt(5)), 3), p)},
		} {
			var z fe
			op.own(&z)
			if got, want := number(z.bytes()), new(big.Int).Mod(op.big, p); got.Cmp(want) != 0 {
				t.Fatalf("%s(%x, %x) = %x, want %x", op.name, a32, b32, got, want)
			}
		}
	})
}

func TestScalarArithmetic(t *testing.T) {
	l, _ := new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)
	number := func(b []byte) *big.Int {
		b = bytes.Clone(b)
		slices.Reverse(b)
		return new(big.Int).SetBytes(b)
	}
	for round := range 500 {
		a32, b32, c32 := randomBytes(round), randomBytes(round/8), randomBytes(round/64)
		a32[31] &= 0x7f
		b32[31] &= 0x7f
		c32[31] &= 0x7f
		var a, b, c, got scalar
		a.setBytes(a32[:])
		b.setBytes(b32[:])
		c.setBytes(c32[:])
		got.mulAdd(&a, &b, &c)
		want := new(big.Int).Mul(number(a32[:]), number(b32[:]))
		want.Add(want, number(c32[:])).Mod(want, l)
		gotBytes := got.bytes()
		if number(gotBytes[:]).Cmp(want) != 0 {
			t.Fatalf("%x * %x + %x = %x, want %x", a32, b32, c32, number(gotBytes[:]), want)
		}
		wide := [64]byte(append(a32[:], b32[:]...))
		got.reduceBytes(&wide)
		gotBytes = got.bytes()
		if number(gotBytes[:]).Cmp(want.Mod(number(wide[:]), l)) != 0 {
			t.Fatalf("%x reduced to %x, want %x", wide, gotBytes, want)
		}
		// The digits add up to the number, are odd, and at least five apart.
		sum, last := new(big.Int), -5
		for i, d := range got.nonAdjacent() {
			if d == 0 {
				continue
			}
			if d%2 == 0 || d > 15 || d < -15 || i-last < 5 {
				t.Fatalf("digit %d at %d after %d", d, i, last)
			}
			last = i
			sum.Add(sum, new(big.Int).Lsh(big.NewInt(int64(d)), uint(i)))
		}
		if sum.Cmp(number(gotBytes[:])) != 0 {
			t.Fatalf("digits of %x add up to %x", gotBytes, sum)
		}
	}
}

func TestIdentityForms(t *testing.T) {
	for range 50 {
		id, err := newIdentity(Address{"a@b", 1}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if id.edwards[31]&0x80 != 0 {
			t.Fatal("sign bit of the identity is set")
		}
		scalar := id.scalar()
		if x25519Base(&scalar) != id.curve {
			t.Fatal("private and public key do not belong together in Curve25519 form")
		}
		if toEdwards(&id.curve, 0) != id.edwards {
			t.Fatal("Curve25519 form does not lead back to the Ed25519 form")
		}
		signature := id.sign([]byte("x"))
		if !verifyEd(&id.edwards, []byte("x"), signature) || !verifyXEd(&id.curve, []byte("x"), signature) {
			t.Fatal("signature is not valid in both forms")
		}
	}
}
