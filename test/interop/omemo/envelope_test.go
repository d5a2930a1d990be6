// SPDX-License-Identifier: AGPL-3.0-or-later

package omemo_test

import (
	"strings"
	"testing"

	"kith/internal/xmltree"
	"kith/omemo"
	"kith/omemo/sce"
)

const (
	envelopeText = "Grüße & <b>Küsse</b> \"\U0001F512\"\n"
	room         = "family@rooms.example.org"
)

// Our envelope, decrypted by python-twomemo and read by Python's XML library.
func TestEnvelopeForPython(t *testing.T) {
	needPython(t)
	p := startPartner(t, python, "oracle.py")
	us := newLocal(t, omemo.Address{JID: "us@example.org", Device: 1001})
	them := p.newDevice("them", omemo.V2, omemo.Address{JID: "them@example.org", Device: 2002})

	targets := []omemo.Target{{Address: them.addr, V2: true, V03: true, BundleV2: them.bundle()}}
	body := xmltree.NewWriter(0).Element("jabber:client", "body", envelopeText).String()
	res, changes, err := omemo.Seal(us.read(omemo.SealNeeds(targets)...), omemo.SealRequest{
		Content: []byte(body), To: room, Targets: targets, Now: now,
	})
	if err != nil || len(res.Elements) != 1 || len(res.Elements[0].Keys) != 1 {
		t.Fatal(err, res)
	}
	us.commit(changes)
	key := res.Elements[0].Keys[0]
	var got struct {
		Text, From, To, Time string
		Rpad                 int
	}
	them.must(request{
		Op: "open", Message: &wireMessage{Key: key.Data, Kex: key.KeyExchange, Payload: &res.Elements[0].Payload},
		Peer: &wireAddress{JID: us.addr.JID, Device: us.addr.Device},
	}, &got)
	if got.Text != envelopeText || got.From != us.addr.JID || got.To != room || got.Time != "2023-11-14T22:13:20Z" {
		t.Fatalf("%+v", got)
	}
}

// An envelope that Python's XML library has written and python-twomemo encrypted.
func TestEnvelopeFromPython(t *testing.T) {
	needPython(t)
	p := startPartner(t, python, "oracle.py")
	for _, c := range []struct {
		name, from, to, chat string
		group                bool
		want                 omemo.Code
	}{
		{"private", "them@example.org", "", "us@example.org", false, ""},
		{"group", "them@example.org", room, room, true, ""},
		{"group without to", "them@example.org", "", room, true, omemo.CodeEnvelope},
		{"private shown in the group", "them@example.org", "us@example.org", room, true, omemo.CodeEnvelope},
		{"group shown as private", "them@example.org", room, "us@example.org", false, omemo.CodeEnvelope},
		{"another sender", "mallory@example.org", "", "us@example.org", false, omemo.CodeEnvelope},
	} {
		t.Run(c.name, func(t *testing.T) {
			us := newLocal(t, omemo.Address{JID: "us@example.org", Device: 1001})
			them := p.newDevice(c.name, omemo.V2, omemo.Address{JID: "them@example.org", Device: 2002})
			var m wireMessage
			them.must(request{
				Op: "envelope", Text: envelopeText, From: c.from, To: c.to,
				Peer: &wireAddress{us.addr.JID, us.addr.Device, toWire(us.bundle(omemo.V2))},
			}, &m)
			res, err := us.decrypt(them, m)
			if err != nil {
				t.Fatal(err)
			}
			e, err := sce.Open(res.Plaintext)
			if err != nil || len(e.Content) != 1 || e.Content[0].Text() != envelopeText || !strings.HasSuffix(e.Content[0].Local(), "body") {
				t.Fatalf("%v: %s", err, res.Plaintext)
			}
			req := omemo.CheckRequest{
				From: them.addr, Key: res.Key, Self: us.addr.JID, To: c.chat, Group: c.group, SentAt: now, Affixes: e.Affixes,
				Keys: []omemo.HeaderKey{{Version: omemo.V2, JID: us.addr.JID, Device: us.addr.Device}},
			}
			got, err := omemo.CheckEnvelope(us.read(omemo.CheckNeeds(req)...), req)
			if omemo.CodeOf(err) != c.want || err == nil && (got.Level != omemo.WithEnvelope || len(got.Findings) != 0) {
				t.Fatalf("%v %+v", err, got)
			}
		})
	}
}
