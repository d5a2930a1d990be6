// SPDX-License-Identifier: AGPL-3.0-or-later

package omemo

import (
	"bytes"
	"strings"
	"testing"
)

// Bytes as libsignal's protobuf libraries write them.
func TestMessageBytes(t *testing.T) {
	key := [32]byte{1, 2, 3}
	mac8, mac16 := bytes.Repeat([]byte{0xaa}, 8), bytes.Repeat([]byte{0xaa}, 16)
	const keyHex = "0102030000000000000000000000000000000000000000000000000000000000"
	for _, c := range []struct {
		p    *params
		mac  []byte
		want string
	}{
		{&paramsV03, mac8, "33" + "0a2105" + keyHex + "10ac02" + "1807" + "2203c0ffee" + "aaaaaaaaaaaaaaaa"},
		{&paramsV2, mac16, "0a10" + strings.Repeat("aa", 16) + "122c" + "08ac02" + "1007" + "1a20" + keyHex + "2203c0ffee"},
	} {
		blob := c.p.encodeMessage(c.p.encodeSigned(&key, 300, 7, []byte{0xc0, 0xff, 0xee}), c.mac)
		if !bytes.Equal(blob, unhex(t, c.want)) {
			t.Errorf("%x, want %s", blob, c.want)
		}
		m, err := c.p.decodeMessage(blob)
		if err != nil || m.dh != key || m.n != 300 || m.pn != 7 || !bytes.Equal(m.ciphertext, []byte{0xc0, 0xff, 0xee}) ||
			!bytes.Equal(m.mac, c.mac) {
			t.Errorf("%+v %v", m, err)
		}
		if c.p.isKeyExchange(blob) {
			t.Error("message seen as key exchange")
		}
	}
}

func TestKeyExchangeBytes(t *testing.T) {
	ik, ek := [32]byte{9}, [32]byte{4}
	zeros := strings.Repeat("00", 31)
	for _, c := range []struct {
		p    *params
		want string
	}{
		{&paramsV03, "33" + "0800" + "122105" + "04" + zeros + "1a2105" + "09" + zeros + "22026162" + "30ffffff07"},
		{&paramsV2, "0800" + "10ffffff07" + "1a20" + "09" + zeros + "2220" + "04" + zeros + "2a026162"},
	} {
		blob := c.p.encodeKeyExchange(&keyExchange{preKey: 0, signedPreKey: 1<<24 - 1, identity: ik, ephemeral: ek, message: []byte("ab")})
		if !bytes.Equal(blob, unhex(t, c.want)) {
			t.Errorf("%x, want %s", blob, c.want)
		}
		if !c.p.isKeyExchange(blob) {
			t.Error("key exchange seen as message")
		}
		k, err := c.p.decodeKeyExchange(blob)
		if err != nil || k.preKey != 0 || k.signedPreKey != 1<<24-1 || k.identity != ik || k.ephemeral != ek || string(k.message) != "ab" {
			t.Errorf("%+v %v", k, err)
		}
		// Fields that are not known are skipped, such as the registration id of 0.3.
		k2, err := c.p.decodeKeyExchange(append(bytes.Clone(blob), unhex(t, "388001"+"4201ff"+"490000000000000000"+"5500000000")...))
		if err != nil || k2.preKey != k.preKey || k2.ephemeral != k.ephemeral {
			t.Errorf("with unknown fields: %+v %v", k2, err)
		}
	}
}

func TestWireRefuses(t *testing.T) {
	p := &paramsV03
	for name, body := range map[string]string{
		"empty":               "",
		"varint cut":          "1080",
		"varint too long":     "10ffffffffffffffffff01" + "00",
		"varint of 70 bits":   "10ffffffffffffffffffff01",
		"number of 33 bits":   "1080808080" + "10",
		"field 0":             "0001",
		"group":               "0b0c",
		"reserved wire type":  "0f",
		"field cut":           "0a2105",
		"length huge":         "0affffffffffffffff7f",
		"twice":               "10011001",
		"wrong type":          "1201ff",
		"fixed cut":           "510000",
		"key of 32 bytes":     "0a20" + strings.Repeat("01", 32) + "1001" + "220101",
		"key with wrong type": "0a2106" + strings.Repeat("01", 32) + "1001" + "220101",
		"no ciphertext":       "0a2105" + strings.Repeat("01", 32) + "1001",
		"empty ciphertext":    "0a2105" + strings.Repeat("01", 32) + "1001" + "2200",
		"no counter":          "0a2105" + strings.Repeat("01", 32) + "220101",
		"no key":              "1001" + "220101",
	} {
		blob := append([]byte{0x33}, unhex(t, body+"0000000000000000")...)
		if m, err := p.decodeMessage(blob); CodeOf(err) != CodeMalformed && CodeOf(err) != CodeBadKey {
			t.Errorf("%s: %+v %v", name, m, err)
		}
	}
	if _, err := p.decodeMessage(make([]byte, maxKeyBlob+1)); CodeOf(err) != CodeMalformed {
		t.Error(err)
	}
	if _, err := p.decodeMessage(append([]byte{0x32}, make([]byte, 100)...)); CodeOf(err) != CodeMalformed {
		t.Error(err)
	}
}

// FuzzWire decodes any bytes as everything that comes from the wire.
func FuzzWire(f *testing.F) {
	key := [32]byte{1}
	for _, p := range []*params{&paramsV03, &paramsV2} {
		message := p.encodeMessage(p.encodeSigned(&key, 1, 2, []byte("ciphertext")), make([]byte, p.macSize))
		f.Add(message)
		f.Add(p.encodeKeyExchange(&keyExchange{preKey: 1, signedPreKey: 2, identity: key, ephemeral: key, message: message}))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, p := range []*params{&paramsV03, &paramsV2} {
			p.isKeyExchange(data)
			if m, err := p.decodeMessage(data); err == nil {
				again, err := p.decodeMessage(p.encodeMessage(p.encodeSigned(&m.dh, m.n, m.pn, m.ciphertext), m.mac))
				if err != nil || again.n != m.n || again.pn != m.pn || again.dh != m.dh || !bytes.Equal(again.ciphertext, m.ciphertext) {
					t.Fatalf("%+v, again %+v %v", m, again, err)
				}
			}
			if k, err := p.decodeKeyExchange(data); err == nil {
				again, err := p.decodeKeyExchange(p.encodeKeyExchange(&k))
				if err != nil || again.preKey != k.preKey || again.identity != k.identity || !bytes.Equal(again.message, k.message) {
					t.Fatalf("%+v, again %+v %v", k, again, err)
				}
			}
		}
	})
}
