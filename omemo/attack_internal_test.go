// SPDX-License-Identifier: AGPL-3.0-or-later

package omemo

import (
	"bytes"
	"crypto/aes"
	"testing"
)

// TestKeyHolderCannotReplacePayload: one of several recipients, with the secret that came through its own
// session, makes another payload for the others, whose <key> elements stay as they are (finding 2.2.3 of the
// audit of 2016). In omemo:2 the tag in the ratchet is an HMAC, of which nobody finds a second preimage.
func TestKeyHolderCannotReplacePayload(t *testing.T) {
	s, err := sealMessage(V2, []byte("<envelope>meet at noon</envelope>"))
	if err != nil {
		t.Fatal(err)
	}
	keys := deriveKeys(s.secret[:32], paramsV2.infoPayload)
	forged, err := encryptCBC(&keys, []byte("<envelope>meet at midnight</envelope>"))
	if err != nil {
		t.Fatal(err)
	}
	if text, err := openPayload(V2, s.secret, nil, forged); CodeOf(err) != CodePayload {
		t.Fatalf("forged payload gives %q, %v", text, err)
	}
	if _, err := openPayload(V2, s.secret, nil, s.ciphertext); err != nil {
		t.Fatal(err)
	}
}

// TestKeyHolderCanReplacePayloadInV03 shows the weakness of 0.3 that no implementation can close: the tag in
// the ratchet is GHASH, which is linear and whose key the forger has, so one block of filler makes any text
// fit. Whoever shows a 0.3 message must know that (DecryptRequest.Version). If this test ever fails, the
// format has changed.
func TestKeyHolderCanReplacePayloadInV03(t *testing.T) {
	s, err := sealMessage(V03, []byte("meet at noon"))
	if err != nil {
		t.Fatal(err)
	}
	const wanted = "meet at midnight and come alone." // two blocks, then the filler
	forged := forgeGCM(t, s.secret[:16], s.secret[16:], s.iv, []byte(wanted))
	text, err := openPayload(V03, s.secret, s.iv, forged)
	if err != nil || !bytes.HasPrefix(text, []byte(wanted)) {
		t.Fatalf("%q, %v", text, err)
	}
}

// forgeGCM encrypts whole blocks of text and appends the block with which they have the given tag.
func forgeGCM(t *testing.T, key, tag, iv, text []byte) []byte {
	t.Helper()
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	var h, mask [16]byte
	block.Encrypt(h[:], h[:])
	counter := func(n byte) (out [16]byte) {
		copy(out[:], iv)
		out[15] = n
		block.Encrypt(out[:], out[:])
		return out
	}
	mask = counter(1)

	var state [16]byte
	var out []byte
	for i := 0; i < len(text); i += 16 {
		stream := counter(byte(2 + i/16))
		for j := range stream {
			stream[j] ^= text[i+j]
			state[j] ^= stream[j]
		}
		out = append(out, stream[:]...)
		state = gfMul(state, h)
	}
	// tag = mask + ((state + x) h + length) h, solved for x.
	inverse := gfInverse(h)
	var y [16]byte
	for j := range y {
		y[j] = tag[j] ^ mask[j]
	}
	y = gfMul(y, inverse)
	bits := 8 * (len(text) + 16)
	y[14] ^= byte(bits >> 8)
	y[15] ^= byte(bits)
	y = gfMul(y, inverse)
	for j := range y {
		y[j] ^= state[j]
	}
	return append(out, y[:]...)
}

// gfMul multiplies in GF(2^128) with the bit order of GCM (NIST SP 800-38D section 6.3).
func gfMul(x, y [16]byte) (z [16]byte) {
	for i := range 128 {
		if x[i/8]>>(7-i%8)&1 == 1 {
			for j := range z {
				z[j] ^= y[j]
			}
		}
		low := y[15] & 1
		for j := 15; j > 0; j-- {
			y[j] = y[j]>>1 | y[j-1]<<7
		}
		y[0] >>= 1
		if low == 1 {
			y[0] ^= 0xe1
		}
	}
	return z
}

// gfInverse is x^(2^128 - 2).
func gfInverse(x [16]byte) [16]byte {
	result := [16]byte{0x80} // one
	for range 127 {
		x = gfMul(x, x)
		result = gfMul(result, x)
	}
	return result
}

// A key exchange without one-time prekey is refused, although a genuine peer could make it.
func TestKeyExchangeWithoutPreKey(t *testing.T) {
	for _, v := range []Version{V03, V2} {
		p := v.params()
		ek, ik := newKeyPair(), newKeyPair()
		blob := []byte{}
		if p.versionByte != 0 {
			blob = append(blob, p.versionByte)
		}
		full := p.encodeKeyExchange(&keyExchange{
			preKey: 5, signedPreKey: 6, identity: ik.public, ephemeral: ek.public, message: []byte("m"),
		})
		blob = append(blob, full[len(blob)+2:]...) // field 1 has two bytes
		if !p.isKeyExchange(blob) {
			t.Errorf("%s: not seen as key exchange", v.Namespace())
		}
		if _, err := p.decodeKeyExchange(blob); CodeOf(err) != CodeNoPreKey {
			t.Errorf("%s: %v", v.Namespace(), err)
		}
	}
}

// A key that enters X25519 with another encoding must not pass for another key.
func TestNonCanonicalKeys(t *testing.T) {
	p := &paramsV03
	k := newKeyPair()
	high := k.public
	high[31] |= 0x80
	if x25519(&k.private, &high) != x25519(&k.private, &k.public) {
		t.Fatal("test is pointless")
	}
	for name, exchange := range map[string]keyExchange{
		"identity":  {identity: high, ephemeral: k.public, message: []byte("m")},
		"ephemeral": {identity: k.public, ephemeral: high, message: []byte("m")},
	} {
		if _, err := p.decodeKeyExchange(p.encodeKeyExchange(&exchange)); CodeOf(err) != CodeBadKey {
			t.Errorf("%s: %v", name, err)
		}
	}
	p2 := &paramsV2
	notCanonical := [32]byte{0xee}
	for i := 1; i < 31; i++ {
		notCanonical[i] = 0xff
	}
	notCanonical[31] = 0x7f
	if _, _, err := p2.parseIdentity(notCanonical[:]); CodeOf(err) != CodeBadKey {
		t.Error(err)
	}
}

// Key exchanges with an ephemeral, identity or ratchet key of low order.
func TestLowOrderKeyExchange(t *testing.T) {
	id, err := newIdentity(Address{"bob@example.org", 1}, nil)
	if err != nil {
		t.Fatal(err)
	}
	keys := &preKeys{}
	keys.rotate(id, 0)
	keys.refill()
	good := newKeyPair().public
	for name, k := range map[string]keyExchange{
		"identity":  {identity: [32]byte{1}, ephemeral: good},
		"ephemeral": {identity: good, ephemeral: [32]byte{1}},
		"zero":      {identity: good},
	} {
		if _, err := respond(id, V03, &keys.signed[0], &keys.oneTime[0], &k); CodeOf(err) != CodeBadKey {
			t.Errorf("%s: %v", name, err)
		}
	}
	s := ratchet{version: V2, send: sendChain{keys: newKeyPair()}}
	if _, _, err := s.decrypt(&ratchetMessage{dh: [32]byte{1}, ciphertext: make([]byte, 16)}); CodeOf(err) != CodeBadKey {
		t.Errorf("ratchet key: %v", err)
	}
}

// Counters at their limits, from a stranger and from the peer: refused without overflow.
func TestExtremeCounters(t *testing.T) {
	for _, v := range []Version{V03, V2} {
		p := v.params()
		id, err := newIdentity(Address{"bob@example.org", 1}, nil)
		if err != nil {
			t.Fatal(err)
		}
		peer := newKeyPair()
		for _, c := range []struct {
			n, pn uint32
			code  Code
		}{
			{0, 0, CodeAuthentication},
			{MaxSkip, 1<<32 - 1, CodeAuthentication},
			{MaxSkip + 1, 0, CodeTooManySkipped},
			{1<<32 - 1, 1<<32 - 1, CodeTooManySkipped},
		} {
			m, err := p.decodeMessage(p.encodeMessage(p.encodeSigned(&peer.public, c.n, c.pn, make([]byte, 16)), make([]byte, p.macSize)))
			if err != nil || m.n != c.n || m.pn != c.pn {
				t.Fatalf("%+v %v", m, err)
			}
			s := ratchet{version: v, local: id.public(p), send: sendChain{keys: newKeyPair()}}
			if _, _, err := s.decrypt(&m); CodeOf(err) != c.code {
				t.Errorf("n %d: %v", c.n, err)
			}
		}
		// A chain that really is at its end.
		chain := recvChain{open: true, keyring: keyring{end: 1<<32 - 3}}
		if _, err := chain.skipTo(1<<32 - 1); CodeOf(err) != CodeLimit {
			t.Errorf("last counter: %v", err)
		}
		if keys, err := chain.skipTo(1<<32 - 2); err != nil || len(keys) != 1 {
			t.Errorf("last but one counter: %d %v", len(keys), err)
		}
		s := ratchet{version: v, send: sendChain{n: 1<<32 - 1}}
		if _, _, err := s.encrypt([]byte("x")); CodeOf(err) != CodeLimit {
			t.Errorf("sending chain: %v", err)
		}
	}
}

// What peers send as the length of their last chain: its number of messages, or the index of the last one,
// or garbage.
func TestAnnouncedEndOfChain(t *testing.T) {
	for _, c := range []struct {
		name          string
		received, pn  uint32
		kept          int
		tail, indexed bool
	}{
		{"count, nothing missing", 5, 5, 1, true, false},
		{"count or index, some missing", 5, 8, 4, true, false},
		{"index, nothing missing", 5, 4, 0, false, true},
		{"none", 0, 1<<32 - 1, 0, false, false},
		{"garbage", 5, 1<<32 - 2, MaxSkip, false, false},
		{"more than is kept", 5, 5 + MaxSkip, MaxSkip, false, false},
	} {
		s := ratchet{version: V2}
		s.closeChain(&recvChain{open: true, keyring: keyring{end: c.received}}, c.pn)
		past := &s.past[0]
		if len(past.skipped) != c.kept || past.tail != c.tail || s.lastIndex != c.indexed {
			t.Errorf("%s: %d keys, tail %v, index %v", c.name, len(past.skipped), past.tail, s.lastIndex)
		}
		if want := c.received + uint32(c.kept); past.end != want {
			t.Errorf("%s: end %d, want %d", c.name, past.end, want)
		}
		// The doubtful key goes after some turns, the others stay.
		s.steps = tailSteps + 1
		s.prunePast()
		want := c.kept
		if c.tail {
			want--
		}
		switch {
		case want == 0 && len(s.past) != 0:
			t.Errorf("%s: chain without keys is kept", c.name)
		case want > 0 && len(s.past[0].skipped) != want:
			t.Errorf("%s: %d keys after some turns, want %d", c.name, len(s.past[0].skipped), want)
		}
		s.steps = pastSteps + 1
		if s.prunePast(); len(s.past) != 0 {
			t.Errorf("%s: chain is kept for ever", c.name)
		}
	}
}
