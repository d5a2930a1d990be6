// SPDX-License-Identifier: AGPL-3.0-or-later

package sce_test

import (
	"encoding/json"
	"errors"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"kith/internal/xmltree"
	"kith/omemo"
	"kith/omemo/sce"
)

// golden is a case of testdata/envelopes.json, which the web client's tests read too.
type golden struct {
	Name       string
	Envelope   string
	Malformed  bool
	Content    []string
	Dropped    int
	From, To   string
	Time       *int64
	Recipients *[]struct {
		JID     string
		Devices []byte
	}
	Devices []byte
}

func goldens(tb testing.TB) (list []golden) {
	tb.Helper()
	data, err := os.ReadFile("testdata/envelopes.json")
	if err != nil {
		tb.Fatal(err)
	}
	if err := json.Unmarshal(data, &list); err != nil {
		tb.Fatal(err)
	}
	return list
}

func content(e *sce.Envelope) []string {
	out := []string{}
	for _, element := range e.Content {
		out = append(out, xmltree.NewWriter(0).Copy(element, "").String())
	}
	return out
}

func TestGolden(t *testing.T) {
	for _, g := range goldens(t) {
		t.Run(g.Name, func(t *testing.T) {
			e, err := sce.Open([]byte(g.Envelope))
			if g.Malformed {
				if !errors.Is(err, sce.ErrMalformed) || !reflect.DeepEqual(e, sce.Envelope{}) {
					t.Fatalf("read as %+v, %v", e, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			want := omemo.Affixes{From: g.From, To: g.To, Devices: g.Devices, HasDevices: g.Devices != nil}
			if g.Time != nil {
				want.Time, want.HasTime = *g.Time, true
			}
			if g.Recipients != nil {
				want.HasRecipients = true
				for _, r := range *g.Recipients {
					want.Recipients = append(want.Recipients, omemo.AccountDevices{JID: r.JID, Devices: r.Devices})
				}
			}
			if !reflect.DeepEqual(e.Affixes, want) {
				t.Errorf("affixes %+v, want %+v", e.Affixes, want)
			}
			if got := content(&e); !reflect.DeepEqual(got, g.Content) || e.Dropped != g.Dropped {
				t.Errorf("content %q and %d dropped, want %q and %d", got, e.Dropped, g.Content, g.Dropped)
			}
		})
	}
}

// What the core writes is what this package reads.
func TestWhatSealWrites(t *testing.T) {
	alice := omemo.Address{JID: "jürgen@example.org", Device: 7}
	for _, now := range []time.Time{
		time.Unix(0, 0), time.Date(2024, 2, 29, 23, 59, 59, 0, time.UTC), time.Date(2100, 3, 1, 0, 0, 0, 0, time.UTC),
		time.Date(2026, 12, 31, 1, 2, 3, 0, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC),
	} {
		sizes := map[int]bool{}
		for range 20 {
			e, size := sealed(t, alice, now.Unix(), "<body xmlns='jabber:client'>x</body>")
			sizes[size] = true
			if e.From != alice.JID || e.To != "bob@example.org" || !e.HasTime || e.Time != now.Unix() {
				t.Fatalf("%+v at %v", e.Affixes, now)
			}
			if len(e.Recipients) != 1 || e.Recipients[0].JID != "bob@example.org" || len(e.Recipients[0].Devices) != 20 || len(e.Devices) != 20 {
				t.Fatalf("%+v", e.Affixes)
			}
			if size < 512 || size > 512+200 {
				t.Fatalf("envelope of %d bytes", size)
			}
		}
		if len(sizes) < 3 {
			t.Errorf("padding has %d lengths in 20 messages", len(sizes))
		}
	}
}

// sealed lets a new device encrypt for another, which opens the envelope.
func sealed(t *testing.T, from omemo.Address, now int64, xml string) (sce.Envelope, int) {
	t.Helper()
	to := omemo.Address{JID: "bob@example.org", Device: 8}
	mine, theirs := create(t, from), create(t, to)
	bundle, err := omemo.PublicBundle(theirs, omemo.V2)
	if err != nil {
		t.Fatal(err)
	}
	targets := []omemo.Target{{Address: to, V2: true, BundleV2: &bundle}}
	read(mine, omemo.SealNeeds(targets))
	res, _, err := omemo.Seal(mine, omemo.SealRequest{Content: []byte(xml), To: to.JID, Targets: targets, Now: now})
	if err != nil || len(res.Elements) != 1 {
		t.Fatal(err, res)
	}
	req := omemo.DecryptRequest{Version: omemo.V2, From: from, Key: res.Elements[0].Keys[0].Data, Payload: res.Elements[0].Payload, Now: now}
	read(theirs, omemo.DecryptNeeds(req))
	got, _, err := omemo.Decrypt(theirs, req)
	if err != nil {
		t.Fatal(err)
	}
	e, err := sce.Open(got.Plaintext)
	if err != nil || len(e.Content) != 1 {
		t.Fatalf("%v: %s", err, got.Plaintext)
	}
	return e, len(got.Plaintext)
}

func create(t *testing.T, a omemo.Address) omemo.Records {
	t.Helper()
	changes, err := omemo.Create(omemo.CreateOptions{JID: a.JID, Device: a.Device})
	if err != nil {
		t.Fatal(err)
	}
	r := omemo.Records{}
	r.Apply(changes)
	return r
}

func read(r omemo.Records, keys []string) {
	for _, key := range keys {
		if _, ok := r[key]; !ok {
			r[key] = nil
		}
	}
}

// Deep, wide and huge envelopes are refused, not read.
func TestLimits(t *testing.T) {
	for name, inner := range map[string]string{
		"depth":    strings.Repeat("<a>", 40) + strings.Repeat("</a>", 40),
		"elements": strings.Repeat("<a/>", 20_000),
		"bytes":    "<a>" + strings.Repeat("x", omemo.MaxPayload) + "</a>",
	} {
		xml := "<envelope xmlns='urn:xmpp:sce:1'><content>" + inner + "</content></envelope>"
		if _, err := sce.Open([]byte(xml)); !errors.Is(err, sce.ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What stands beside an encrypted message is believed only if it is the server's to say.
func TestOutside(t *testing.T) {
	for name, want := range map[[2]string]bool{
		{"urn:xmpp:hints", "store"}:               true,
		{"urn:xmpp:eme:0", "encryption"}:          true,
		{"urn:xmpp:sid:0", "origin-id"}:           true,
		{"urn:xmpp:delay", "delay"}:               true,
		{"urn:xmpp:receipts", "request"}:          true,
		{"urn:xmpp:receipts", "received"}:         false,
		{"jabber:client", "body"}:                 false,
		{"jabber:x:oob", "x"}:                     false,
		{"urn:xmpp:reactions:0", "reactions"}:     false,
		{"urn:xmpp:message-correct:0", "replace"}: false,
		{"urn:xmpp:message-retract:1", "retract"}: false,
		{"urn:xmpp:reply:0", "reply"}:             false,
	} {
		if got := sce.MayStandOutside(name[0], name[1]); got != want {
			t.Errorf("%v: %v", name, got)
		}
	}
}

// FuzzOpen: no input panics, and what is let through is allowed and can be written again.
func FuzzOpen(f *testing.F) {
	for _, g := range goldens(f) {
		f.Add([]byte(g.Envelope))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := sce.Open(data)
		if err != nil {
			if !errors.Is(err, sce.ErrMalformed) {
				t.Fatal(err)
			}
			return
		}
		for _, element := range e.Content {
			if !sce.MayContain(element.Space(), element.Local()) {
				t.Fatalf("%s %s", element.Space(), element.Local())
			}
		}
		xml := "<envelope xmlns='urn:xmpp:sce:1'><content>" + strings.Join(content(&e), "") + "</content></envelope>"
		again, err := sce.Open([]byte(xml))
		if err != nil || !reflect.DeepEqual(content(&again), content(&e)) {
			t.Fatalf("%q becomes %q: %v", data, xml, err)
		}
	})
}
