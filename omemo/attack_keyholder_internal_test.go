// SPDX-License-Identifier: AGPL-3.0-or-later

package omemo

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"testing"
	"unicode/utf8"
)

const updateAttack = "KITH_UPDATE_ATTACK" // set in the environment: make the file anew

const keyHolderFile = "testdata/keyholder.json"

// keyHolder is the attack of a hostile device that a message was for as well (finding 2.2.3 of the audit of 2016), played
// once and kept, because nothing outside of this package can take the secret of a message out of its session. The web
// client's tests play it again through all of its layers.
type keyHolder struct {
	// Now is the time at which all of it happens.
	Now int64 `json:"now"`
	// Records are those of the device that is to be deceived.
	Records map[string][]byte `json:"records"`
	Device  uint32            `json:"device"`
	From    string            `json:"from"`
	Sid     uint32            `json:"sid"`
	Played  []playedAttack    `json:"played"`
}

type playedAttack struct {
	Version   Version        `json:"version"`
	Keys      []EncryptedKey `json:"keys"`
	IV        []byte         `json:"iv"`
	Payload   []byte         `json:"payload"`
	Forged    []byte         `json:"forged"`
	Genuine   string         `json:"genuine"`
	Deception string         `json:"deception"`
}

func TestKeyHolderPlayed(t *testing.T) {
	if os.Getenv(updateAttack) != "" {
		play(t)
	}
	data, err := os.ReadFile(keyHolderFile)
	if err != nil {
		t.Fatal(err)
	}
	var k keyHolder
	if err := json.Unmarshal(data, &k); err != nil {
		t.Fatal(err)
	}
	if len(k.Played) != 2 {
		t.Fatalf("%d versions", len(k.Played))
	}
	for i := range k.Played {
		p := &k.Played[i]
		at := slices.IndexFunc(p.Keys, func(one EncryptedKey) bool { return one.Device == k.Device })
		req := DecryptRequest{
			Version: p.Version, From: Address{k.From, k.Sid}, Key: p.Keys[at].Data, IV: p.IV, Payload: p.Forged, Policy: BlindBeforeVerification, Now: k.Now,
		}
		r := Records(maps.Clone(k.Records))
		for _, key := range DecryptNeeds(req) {
			r[key] = k.Records[key]
		}
		got, _, err := Decrypt(r, req)
		if p.Version == V2 && CodeOf(err) != CodePayload {
			t.Fatalf("the forgery gives %q, %v", got.Plaintext, err)
		}
		if p.Version == V03 && !bytes.HasPrefix(got.Plaintext, []byte(p.Deception)) {
			t.Fatalf("0.3 has changed: %q, %v", got.Plaintext, err)
		}
		req.Payload = p.Payload
		if got, _, err = Decrypt(r, req); err != nil || !bytes.Contains(got.Plaintext, []byte(p.Genuine)) {
			t.Fatalf("the message itself gives %q, %v", got.Plaintext, err)
		}
	}
}

// play is bob's second device at work: it decrypts what bob's first one writes to alice, and makes another payload for her.
func play(t *testing.T) {
	t.Helper()
	const now = int64(1_700_000_000)
	alice, bob, hostile := Address{"alice@example.org", 1}, Address{"bob@example.org", 2}, Address{"bob@example.org", 3}
	made := func(a Address) Records {
		r := Records{}
		changes, err := Create(CreateOptions{JID: a.JID, Device: a.Device, Now: now})
		if err != nil {
			t.Fatal(err)
		}
		r.Apply(changes)
		return r
	}
	aliceRecords, bobRecords, hostileRecords := made(alice), made(bob), made(hostile)
	k := keyHolder{Now: now, Records: maps.Clone(aliceRecords), Device: alice.Device, From: bob.JID, Sid: bob.Device}
	for _, v := range []Version{V2, V03} {
		p := playedAttack{Version: v, Genuine: "meet at noon", Deception: "meet at midnight and come alone."}
		bundle := func(r Records) *Bundle {
			b, err := PublicBundle(r, v)
			if err != nil {
				t.Fatal(err)
			}
			b.PreKeys = b.PreKeys[int(v)-1 : int(v)] // not the same for both
			return &b
		}
		targets := []Target{{Address: alice}, {Address: hostile}}
		for i, r := range []Records{aliceRecords, hostileRecords} {
			targets[i].V2, targets[i].V03 = v == V2, v == V03
			if v == V2 {
				targets[i].BundleV2 = bundle(r)
			} else {
				targets[i].BundleV03 = bundle(r)
			}
		}
		for _, key := range SealNeeds(targets) {
			bobRecords[key] = bobRecords[key] //nolint:staticcheck // read, and not there: nil
		}
		sealed, changes, err := Seal(bobRecords, SealRequest{
			Kind: Message, Body: []byte(p.Genuine), Content: []byte("<body xmlns='jabber:client'>" + p.Genuine + "</body>"),
			To: alice.JID, Targets: targets, Policy: BlindBeforeVerification, Now: now,
		})
		if err != nil || len(sealed.Elements) != 1 {
			t.Fatal(sealed, err)
		}
		bobRecords.Apply(changes)
		element := sealed.Elements[0]
		p.Keys, p.IV, p.Payload = element.Keys, element.IV, element.Payload
		secret := secretOf(t, hostileRecords, hostile, bob, &element)
		if v == V03 {
			p.Forged = forgeText(t, secret, p.IV, p.Deception)
		} else {
			keys := deriveKeys(secret[:32], paramsV2.infoPayload)
			p.Forged, err = encryptCBC(&keys, []byte("<envelope xmlns='urn:xmpp:sce:1'><content><body xmlns='jabber:client'>"+p.Deception+
				"</body></content><to jid='"+alice.JID+"'/><from jid='"+bob.JID+"'/></envelope>"))
			if err != nil {
				t.Fatal(err)
			}
		}
		k.Played = append(k.Played, p)
	}
	data, err := json.MarshalIndent(k, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll("testdata", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(keyHolderFile, append(data, '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
}

// forgeText varies the end of a text until the block of filler is text as well, as whoever reads 0.3 expects.
func forgeText(t *testing.T, secret, iv []byte, text string) []byte {
	t.Helper()
	for n := range 10_000_000 {
		forged := forgeGCM(t, secret[:16], secret[16:], iv, fmt.Appendf(nil, "%s No. %010d ", text, n))
		if plain, err := openPayload(V03, secret, iv, forged); err == nil && utf8.Valid(plain) {
			return forged
		}
	}
	t.Fatal("no filler is text")
	return nil
}

// secretOf takes the key and the tag of a message out of a device's session.
func secretOf(t *testing.T, r Records, self, from Address, element *Encrypted) []byte {
	t.Helper()
	for _, key := range element.Keys {
		if key.Address != self {
			continue
		}
		req := DecryptRequest{Version: element.Version, From: from, Key: key.Data, Policy: BlindBeforeVerification}
		for _, name := range DecryptNeeds(req) {
			r[name] = r[name] //nolint:staticcheck // read, and not there: nil
		}
		id, err := r.identity()
		if err != nil {
			t.Fatal(err)
		}
		d := incoming{req: &req, id: id}
		if d.session, err = r.session(from, element.Version); err != nil {
			t.Fatal(err)
		}
		o, _, err := d.openKey(r, element.Version.params())
		if err != nil {
			t.Fatal(err)
		}
		return o.secret
	}
	t.Fatal("not for this device")
	return nil
}
