// SPDX-License-Identifier: AGPL-3.0-or-later

package omemo_test

import (
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/sha512"
	"slices"
	"strings"
	"testing"

	"kith/omemo"
)

func TestFingerprint(t *testing.T) {
	var k omemo.Key
	for i := range k {
		k[i] = byte(i * 8)
	}
	const want = "00081018 20283038 40485058 60687078 80889098 a0a8b0b8 c0c8d0d8 e0e8f0f8"
	if got := omemo.Fingerprint(k); got != want {
		t.Fatal(got)
	}
	for _, s := range []string{want, strings.ReplaceAll(want, " ", ""), strings.ToUpper(want)} {
		if got, err := omemo.ParseFingerprint(s); err != nil || got != k {
			t.Errorf("%q: %x %v", s, got, err)
		}
	}
	for _, s := range []string{"", "00", want + "00", strings.Replace(want, "a", "g", 1), strings.Replace(want, "0", "é", 1)} {
		if _, err := omemo.ParseFingerprint(s); omemo.CodeOf(err) != omemo.CodeMalformed {
			t.Errorf("%q: %v", s, err)
		}
	}
}

func TestURI(t *testing.T) {
	key := omemo.Key{1, 2, 0xab}
	digits := strings.ReplaceAll(omemo.Fingerprint(key), " ", "")
	for _, c := range []struct {
		uri, jid string
		keys     []omemo.DeviceKey
	}{
		{"xmpp:romeo@example.net?omemo-sid-7=" + digits, "romeo@example.net", []omemo.DeviceKey{{7, key}}},
		{
			"xmpp:romeo@example.net?omemo-sid-7=" + digits + ";omemo-sid-2147483647=" + digits, "romeo@example.net",
			[]omemo.DeviceKey{{7, key}, {2147483647, key}},
		},
		{"XMPP:romeo@example.net?message;omemo-sid-7=" + strings.ToUpper(digits), "romeo@example.net", []omemo.DeviceKey{{7, key}}},
		{"xmpp:romeo@example.net?roster;name=x;subscription=both", "romeo@example.net", nil},
		{"xmpp:romeo@example.net", "romeo@example.net", nil},
		{"xmpp://me@example.org/romeo@example.net/balcony?message#x", "romeo@example.net", nil},
		{"xmpp:j%c3%bcrgen%3F@example.net", "jürgen?@example.net", nil},
	} {
		jid, keys, err := omemo.ParseURI(c.uri)
		if err != nil || jid != c.jid || !slices.Equal(keys, c.keys) {
			t.Errorf("%s: %q %v %v", c.uri, jid, keys, err)
		}
		if c.keys != nil || !strings.Contains(c.uri, "?") {
			again, keys, err := omemo.ParseURI(omemo.FormatURI(c.jid, c.keys))
			if err != nil || again != c.jid || !slices.Equal(keys, c.keys) {
				t.Errorf("%s: back and forth %q %v %v", c.uri, again, keys, err)
			}
		}
	}
	for _, uri := range []string{
		"", "xmpp", "xmpp:", "mailto:romeo@example.net", "https://example.net", "xmpp:a%2", "xmpp:a%zz",
		"xmpp:a%2fb", "xmpp:a?omemo-sid-=" + digits, "xmpp:a?omemo-sid-0=" + digits, "xmpp:a?omemo-sid-x=" + digits,
		"xmpp:a?omemo-sid-2147483648=" + digits, "xmpp:a?omemo-sid-99999999999999999999=" + digits,
		"xmpp:a?omemo-sid-1=" + digits[1:], "xmpp:a?omemo-sid-1", "xmpp:" + strings.Repeat("a", 1<<17),
		"xmpp:a?" + strings.Repeat("omemo-sid-1="+digits+";", 300),
	} {
		if jid, _, err := omemo.ParseURI(uri); omemo.CodeOf(err) != omemo.CodeMalformed {
			t.Errorf("%.60q: %q %v", uri, jid, err)
		}
	}
	if got, want := omemo.FormatURI("jürgen/?#@example.net", nil), "xmpp:j%c3%bcrgen%2f%3f%23@example.net"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestLabels(t *testing.T) {
	d := newDevice(t, "alice@example.org", 1)
	signature, err := omemo.SignLabel(d.read(omemo.KeyIdentity), "Büro-PC")
	if err != nil {
		t.Fatal(err)
	}
	own := keyOf(t, d)
	if err := omemo.VerifyLabel(own, "Büro-PC", signature); err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"label":     omemo.VerifyLabel(own, "Büro-PD", signature),
		"key":       omemo.VerifyLabel(keyOf(t, newDevice(t, "a@b", 1)), "Büro-PC", signature),
		"no key":    omemo.VerifyLabel(omemo.Key{}, "Büro-PC", signature),
		"length":    omemo.VerifyLabel(own, "Büro-PC", signature[:63]),
		"signature": omemo.VerifyLabel(own, "Büro-PC", make([]byte, 64)),
	} {
		if omemo.CodeOf(err) != omemo.CodeBadSignature {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Half of all Ed25519 keys that other programs make have sign bit 1, which a fingerprint does not show.
func TestLabelsOfBothSigns(t *testing.T) {
	seen := map[byte]bool{}
	for seed := make([]byte, ed25519.SeedSize); len(seen) < 2; seed[0]++ {
		private := ed25519.NewKeyFromSeed(seed)
		public := private.Public().(ed25519.PublicKey)
		seen[public[31]&0x80] = true
		scalar := sha512.Sum512(seed)
		exchange, err := ecdh.X25519().NewPrivateKey(scalar[:32])
		if err != nil {
			t.Fatal(err)
		}
		key := omemo.Key(exchange.PublicKey().Bytes())
		if err := omemo.VerifyLabel(key, "Phone", ed25519.Sign(private, []byte("Phone"))); err != nil {
			t.Errorf("sign %x: %v", public[31]&0x80, err)
		}
	}
}

// The signature of a label must not do for a prekey.
func TestLabelsThatCouldBeKeys(t *testing.T) {
	d := newDevice(t, "alice@example.org", 1)
	for length := range 64 {
		label := strings.Repeat("a", length)
		signature, err := omemo.SignLabel(d.read(omemo.KeyIdentity), label)
		if wrong := length == 32 || length == 33; wrong != (omemo.CodeOf(err) == omemo.CodeArgument) || wrong != (signature == nil) {
			t.Errorf("%d bytes: %v", length, err)
		}
	}
}

func keyOf(t *testing.T, d *device) omemo.Key {
	t.Helper()
	id, err := omemo.OwnIdentity(d.read(omemo.KeyIdentity))
	if err != nil {
		t.Fatal(err)
	}
	return id.Key
}
