// SPDX-License-Identifier: AGPL-3.0-or-later

package omemo_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/hex"
	"strings"
	"testing"

	"kith/omemo"
)

const certificate = "4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:E5:7C:AB:3B:F9:76:94:DF:5A:EB:D3:0A:6B:24:28"

func fingerprintOf(t *testing.T, text string) omemo.CallFingerprint {
	t.Helper()
	f, err := omemo.ParseCallFingerprint("sha-256", text)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// open takes the element that came in a content of the call.
func (d *device) openFingerprint(p packet, hash string) (omemo.CallParty, error) {
	req := omemo.DecryptRequest{Version: p.version, From: p.from, Key: p.key, IV: p.iv, Payload: p.payload, Now: d.now}
	party, changes, err := omemo.OpenCallFingerprint(d.read(omemo.DecryptNeeds(req)...), req, hash)
	d.commit(changes)
	return party, err
}

func (d *device) sealFingerprint(to *device, text string) packet {
	d.tb.Helper()
	recipients := d.recipients(omemo.V03, to)
	res, changes, err := omemo.SealCallFingerprint(d.read(omemo.EncryptNeeds(recipients)...),
		omemo.CallFingerprint{Hash: "sha-256", Text: text}, recipients[0], omemo.BlindBeforeVerification, d.now)
	if err != nil || len(res.Elements) != 1 || len(res.Elements[0].Keys) != 1 {
		d.tb.Fatal(err, res)
	}
	d.commit(changes)
	return d.packet(res.Elements[0], 0)
}

func TestVerifiedCall(t *testing.T) {
	alice, bob, mallory := newDevice(t, "alice@example.org", 1), newDevice(t, "bob@example.org", 2), newDevice(t, "bob@example.org", 3)
	bob.setTrust(alice, omemo.Verified)
	var contents []omemo.CallParty
	for range 2 { // audio and video
		party, err := bob.openFingerprint(alice.sealFingerprint(bob, certificate), "SHA-256")
		if err != nil || party.Fingerprint != fingerprintOf(t, certificate) || party.From != alice.addr || party.Key != alice.key() {
			t.Fatalf("%v %+v", err, party)
		}
		contents = append(contents, party)
	}
	if trust, err := omemo.VerifyCall(contents, false, alice.addr); err != nil || trust != omemo.Verified {
		t.Fatal(err, trust)
	}
	other, err := bob.openFingerprint(mallory.sealFingerprint(bob, certificate), "sha-256")
	if err != nil {
		t.Fatal(err)
	}
	sameDevice := other
	sameDevice.From = alice.addr
	for name, c := range map[string]struct {
		contents []omemo.CallParty
		inClear  bool
		caller   omemo.Address
	}{
		"one content in clear":         {contents, true, alice.addr},
		"nothing":                      {nil, false, alice.addr},
		"two devices":                  {append(contents[:1:1], other), false, omemo.Address{}},
		"two keys of one device":       {append(contents[:1:1], sameDevice), false, omemo.Address{}},
		"not the device that was told": {contents, false, bob.addr},
	} {
		if trust, err := omemo.VerifyCall(c.contents, c.inClear, c.caller); omemo.CodeOf(err) != omemo.CodeAuthentication || trust != omemo.Undecided {
			t.Errorf("%s: %v %v", name, trust, err)
		}
	}
}

func TestCallFingerprints(t *testing.T) {
	if f := fingerprintOf(t, "\n "+strings.ToLower(certificate)+" "); f.Text != certificate {
		t.Fatal(f)
	}
	for hash, text := range map[string]string{
		"sha-1":   certificate[:59],
		"md5":     certificate[:47],
		"":        certificate,
		"sha-512": certificate,
		"sha-256": certificate + ":00",
		"SHA-256": strings.Replace(certificate, ":", "-", 1),
		"Sha-256": strings.Replace(certificate, "4A", "4G", 1),
		"shA-256": certificate[:len(certificate)-1],
	} {
		if f, err := omemo.ParseCallFingerprint(hash, text); omemo.CodeOf(err) != omemo.CodeMalformed {
			t.Errorf("%s %s: %v %v", hash, text, f, err)
		}
	}
	alice, bob := newDevice(t, "alice@example.org", 1), newDevice(t, "bob@example.org", 2)
	if _, err := bob.openFingerprint(alice.send(bob, omemo.V03, "no fingerprint"), "sha-256"); omemo.CodeOf(err) != omemo.CodeMalformed {
		t.Error(err)
	}
	// It was decrypted all the same: the session goes on.
	bob.receiveText(alice.send(bob, omemo.V03, "hello"), "hello")
	if _, _, err := omemo.SealCallFingerprint(nil, omemo.CallFingerprint{Hash: "sha-256", Text: "x"}, omemo.Recipient{Version: omemo.V03}, 0, 0); omemo.CodeOf(err) != omemo.CodeArgument {
		t.Error(err)
	}
}

// RFC 9605 appendix C.3, suite 4.
func TestCallFrameKey(t *testing.T) {
	unhex := func(s string) []byte {
		t.Helper()
		b, err := hex.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	key, salt, err := omemo.CallFrameKey(unhex("000102030405060708090a0b0c0d0e0f"), 0x123)
	if err != nil || !bytes.Equal(key[:], unhex("d34f547f4ca4f9a7447006fe7fcbf768")) || !bytes.Equal(salt[:], unhex("75234edefe07819026751816")) {
		t.Fatalf("%v %x %x", err, key, salt)
	}
	block, err := aes.NewCipher(key[:])
	if err != nil {
		t.Fatal(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	text, err := gcm.Open(nil, unhex("75234edefe07819026755d71"), unhex("b7412c2513a1b66dbb48841bbaf17f598751176ad847681a69c6d0b091c07018ce4adb34eb"),
		unhex("99012345674945544620534672616d65205747"))
	if err != nil || string(text) != "draft-ietf-sframe-enc" {
		t.Fatalf("%v %q", err, text)
	}
	if _, _, err := omemo.CallFrameKey(nil, 1); omemo.CodeOf(err) != omemo.CodeArgument {
		t.Error(err)
	}
}

func TestCallSecrets(t *testing.T) {
	first := omemo.NewCallSecret()
	if first == omemo.NewCallSecret() || first == (omemo.CallSecret{}) {
		t.Fatal("secrets are not random")
	}
	var known omemo.CallSecret
	for i := range known {
		known[i] = byte(i)
	}
	// The web client's own derivation has the same example.
	if next := omemo.NextCallSecret(&known); hex.EncodeToString(next[:]) != "1e31370b2f041d5c893dbba4b27bc3e67956a51ae6221a427445cab04059fd65" {
		t.Fatalf("%x", next)
	}
	seen := map[omemo.CallSecret]bool{}
	for s, i := first, 0; i < 300; i++ {
		if seen[s] {
			t.Fatal("secret repeats")
		}
		seen[s] = true
		s = omemo.NextCallSecret(&s)
	}
	for _, c := range []struct {
		sender, step uint32
		want         uint64
	}{{0, 0, 0}, {5, 3, 5<<8 | 3}, {omemo.MaxCallSender, 257, omemo.MaxCallSender<<8 | 1}} {
		if got, err := omemo.CallKeyID(c.sender, c.step); err != nil || got != c.want {
			t.Errorf("%d %d: %x %v", c.sender, c.step, got, err)
		}
	}
	if _, err := omemo.CallKeyID(omemo.MaxCallSender+1, 0); omemo.CodeOf(err) != omemo.CodeArgument {
		t.Error(err)
	}
}
