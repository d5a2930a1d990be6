package sasl

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"testing"
)

// The examples of the RFCs and XEPs, with the nonces that they use.

func lookupPassword(t *testing.T, password, salt string, iterations int) VerifierFunc {
	t.Helper()
	raw, err := base64.StdEncoding.DecodeString(salt)
	if err != nil {
		t.Fatal(err)
	}
	return func(_ context.Context, id Identity, h Hash) (Verifier, error) {
		if id.Authcid != "user" {
			t.Errorf("asked for %q", id.Authcid)
		}
		return Derive(h, password, raw, iterations)
	}
}

func TestVectors(t *testing.T) {
	for _, v := range []struct {
		name               string
		mech               Mechanism
		ch                 Channel
		offer              Offer
		serverNonce        string
		salt               string
		first, challenge   string
		final, serverFinal string
	}{
		{
			name: "RFC 5802 section 5", mech: ScramSHA1,
			offer:       Offer{Mechanisms: []Mechanism{ScramSHA1}},
			serverNonce: "3rfcNHYJY1ZVvWVs7j", salt: "QSXCR+Q6sek8bf92",
			first:       "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
			challenge:   "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
			final:       "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
			serverFinal: "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
		},
		{
			name: "RFC 7677 section 3", mech: ScramSHA256,
			offer:       Offer{Mechanisms: []Mechanism{ScramSHA256}},
			serverNonce: "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0", salt: "W22ZaJ0SNY7soEsUEjb6gQ==",
			first:     "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
			challenge: "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
			final: "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0," +
				"p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
			serverFinal: "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
		},
		{
			// With channel binding, downgrade hash and an extension of the client.
			name: "XEP-0474 section 5.3", mech: ScramSHA1Plus,
			ch: Channel{Confidential: true, Bindings: map[Binding][]byte{Exporter: []byte("THIS IS FAKE CB DATA")}},
			offer: Offer{
				Mechanisms: []Mechanism{ScramSHA1Plus, ScramSHA1},
				Bindings:   []Binding{Exporter, ServerEndPoint}, DowngradeHash: true,
			},
			serverNonce: "a09117a6-ac50-4f2f-93f1-93799c2bddf6", salt: "QSXCR+Q6sek8bf92",
			first: "p=tls-exporter,,n=user,r=12C4CD5C-E38E-4A98-8F6D-15C38F51CCC6",
			challenge: "r=12C4CD5C-E38E-4A98-8F6D-15C38F51CCC6a09117a6-ac50-4f2f-93f1-93799c2bddf6," +
				"s=QSXCR+Q6sek8bf92,i=4096,h=G6k/rBLDqgOhRRaCuuatSDFkJ08=",
			final: "c=cD10bHMtZXhwb3J0ZXIsLFRISVMgSVMgRkFLRSBDQiBEQVRB," +
				"r=12C4CD5C-E38E-4A98-8F6D-15C38F51CCC6a09117a6-ac50-4f2f-93f1-93799c2bddf6," +
				"x=19C6532F-1CF4-4A27-A18D-DC9CEA41BBB3,p=M/SIDjT+dfcxUh89jZEypRvFxB4=",
			serverFinal: "v=MQrMPvv7yv4x4Cq4W4Ih25EqS2c=",
		},
	} {
		t.Run(v.name, func(t *testing.T) {
			x, err := NewSCRAM(v.mech, v.ch, v.offer, lookupPassword(t, "pencil", v.salt, 4096))
			if err != nil {
				t.Fatal(err)
			}
			x.serverNonce = v.serverNonce
			out, done, err := x.Next(t.Context(), []byte(v.first))
			if err != nil || done || string(out) != v.challenge {
				t.Fatalf("challenge %q, done %v, %v\nwant      %q", out, done, err, v.challenge)
			}
			out, done, err = x.Next(t.Context(), []byte(v.final))
			if err != nil || !done || string(out) != v.serverFinal {
				t.Fatalf("server-final %q, done %v, %v\nwant %q", out, done, err, v.serverFinal)
			}
		})
	}
}

// What a client sends to upgrade (XEP-0480 section 3) becomes the verifier of its password.
func TestFromSaltedPassword(t *testing.T) {
	salt := []byte("A_SXCRXQ6sek8bf_Z")
	salted, err := saltPassword(SHA256, "pencil", salt, 4096)
	if err != nil {
		t.Fatal(err)
	}
	derived, err := Derive(SHA256, "pencil", salt, 4096)
	if err != nil {
		t.Fatal(err)
	}
	got, err := FromSaltedPassword(SHA256, salted, salt, 4096)
	if err != nil || !bytes.Equal(got.StoredKey, derived.StoredKey) || !bytes.Equal(got.ServerKey, derived.ServerKey) {
		t.Fatalf("%+v, %v, want %+v", got, err, derived)
	}
	if _, err := FromSaltedPassword(SHA512, salted, salt, 4096); err == nil {
		t.Fatal("a salted password of another hash's length was taken")
	}
}

// Examples of RFC 4013 section 3.
func TestPrepare(t *testing.T) {
	for in, want := range map[string]string{
		"I\u00ADX":       "IX",
		"user":           "user",
		"USER":           "USER",
		"\u00AA":         "a",
		"\u2168":         "IX",
		"pass\u00A0word": "pass word",
		"ﬁne":            "fine",
		"Füße":           "Füße",
		"Fu\u0308ße":     "Füße",
	} {
		if got, err := Prepare(in); err != nil || got != want {
			t.Errorf("Prepare(%q) = %q, %v, want %q", in, got, err, want)
		}
	}
	for _, in := range []string{"", "\u00AD", "\u0007", "a\x7f", "\u06271", "\U0001F98A", "\xff"} {
		if got, err := Prepare(in); err == nil {
			t.Errorf("Prepare(%q) = %q, want an error", in, got)
		}
	}
}

func TestDowngradeHash(t *testing.T) {
	// SHA-256 of "SCRAM-SHA-1\x1eSCRAM-SHA-256" without and with "\x1ftls-server-end-point",
	// computed with sha256sum.
	o := Offer{Mechanisms: []Mechanism{ScramSHA256, ScramSHA1}}
	for want, bindings := range map[string][]Binding{
		downgradeWithout: nil,
		downgradeWith:    {ServerEndPoint},
	} {
		o.Bindings = bindings
		raw, err := base64.StdEncoding.DecodeString(o.Hash(SHA256))
		if err != nil || hex.EncodeToString(raw) != want {
			t.Errorf("with %v: %x, want %s", bindings, raw, want)
		}
	}
}

const (
	downgradeWithout = "d3f34810218b5efeb732a4dbecdc9423d4eac62e34615672c7ad6e991ac7f76e"
	downgradeWith    = "1d6c4becf8a4c87f5189e2deb131bda30c69d226a6d7bed5691991dc00e47a9d"
)
