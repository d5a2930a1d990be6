// SPDX-License-Identifier: AGPL-3.0-or-later

package omemo_test

import (
	"fmt"
	"slices"
	"testing"

	"kith/omemo"
	"kith/omemo/sce"
)

// targets lists devices that announce omemo:2 and 0.3, with bundles where the sender has no session.
func (d *device) targets(to ...*device) (list []omemo.Target) {
	for _, t := range to {
		target := omemo.Target{Address: t.addr, V2: true, V03: true}
		if d.store[omemo.SessionKey(t.addr, omemo.V2)] == nil {
			target.BundleV2 = t.bundle(omemo.V2)
		}
		list = append(list, target)
	}
	return list
}

const bodyXML = "<body xmlns='jabber:client'>hello</body>"

// trySeal seals "hello" for a chat.
func (d *device) trySeal(chat string, targets []omemo.Target, change func(*omemo.SealRequest)) (omemo.SealResult, error) {
	req := omemo.SealRequest{Body: []byte("hello"), Content: []byte(bodyXML), To: chat, Targets: targets, Now: d.now}
	if change != nil {
		change(&req)
	}
	res, changes, err := omemo.Seal(d.read(omemo.SealNeeds(targets)...), req)
	if err != nil && changes != nil {
		d.tb.Fatal("changes together with an error")
	}
	d.commit(changes)
	return res, err
}

func (d *device) seal(chat string, targets []omemo.Target) omemo.SealResult {
	d.tb.Helper()
	res, err := d.trySeal(chat, targets, nil)
	if err != nil || len(res.Elements) == 0 {
		d.tb.Fatalf("%v %+v", err, res)
	}
	return res
}

// letter is a sealed message as it comes to one device: what a stanza shows.
type letter struct {
	packet
	keys []omemo.HeaderKey
}

// letterFor takes what a stanza shows to a device. The slices are its own.
func (d *device) letterFor(to *device, res *omemo.SealResult) letter {
	d.tb.Helper()
	var l letter
	for _, e := range res.Elements {
		for i, k := range e.Keys {
			header := omemo.HeaderKey{Version: e.Version, Device: k.Device}
			if e.Version == omemo.V2 {
				header.JID = k.JID
			}
			l.keys = append(l.keys, header)
			if k.Address == to.addr {
				l.packet = d.packet(e, i)
			}
		}
	}
	if l.key == nil {
		d.tb.Fatalf("nothing for %v", to.addr)
	}
	return l
}

// check decrypts a letter of omemo:2 and checks its envelope.
func (d *device) check(l letter, chat string, change func(*omemo.CheckRequest)) (omemo.CheckResult, error) {
	d.tb.Helper()
	res := d.receive(l.packet)
	e, err := sce.Open(res.Plaintext)
	if err != nil || len(e.Content) != 1 || e.Content[0].Text() != "hello" {
		d.tb.Fatalf("%v: %s", err, res.Plaintext)
	}
	req := omemo.CheckRequest{
		From: l.from, Key: res.Key, Self: d.addr.JID, To: chat, SentAt: d.now, Affixes: e.Affixes, Keys: l.keys,
	}
	if change != nil {
		change(&req)
	}
	return omemo.CheckEnvelope(d.read(omemo.CheckNeeds(req)...), req)
}

func TestSealChoosesTheBestVersion(t *testing.T) {
	alice, tablet := newDevice(t, "alice@example.org", 1), newDevice(t, "alice@example.org", 2)
	bob, old := newDevice(t, "bob@example.org", 3), newDevice(t, "bob@example.org", 4)
	targets := alice.targets(tablet, bob)
	targets = append(targets, omemo.Target{Address: old.addr, V03: true, BundleV03: old.bundle(omemo.V03)})

	planned, err := omemo.PlanSeal(alice.read(omemo.SealNeeds(targets)...), targets, omemo.BlindBeforeVerification)
	if err != nil || len(planned) != 3 || planned[0].Version != omemo.V2 || planned[2].Version != omemo.V03 || planned[2].Reason != "" {
		t.Fatalf("%v %+v", err, planned)
	}
	res := alice.seal(bob.addr.JID, targets)
	if len(res.Elements) != 2 || len(res.Elements[0].Keys) != 2 || len(res.Elements[1].Keys) != 1 || len(res.Skipped)+len(res.Fallback)+len(res.Withdrawn) != 0 {
		t.Fatalf("%+v", res)
	}
	for _, d := range []*device{tablet, bob} {
		got, err := d.check(alice.letterFor(d, &res), bob.addr.JID, nil)
		if err != nil || got.Level != omemo.WithRecipients || len(got.Findings) != 0 {
			t.Fatalf("%v %+v", err, got)
		}
	}
	old.receiveText(alice.letterFor(old, &res).packet, "hello")
}

func TestSealWithoutBodyLeavesOutLegacyDevices(t *testing.T) {
	alice, bob, old := newDevice(t, "alice@example.org", 1), newDevice(t, "bob@example.org", 3), newDevice(t, "bob@example.org", 4)
	targets := append(alice.targets(bob), omemo.Target{Address: old.addr, V03: true, BundleV03: old.bundle(omemo.V03)})
	res, err := alice.trySeal(bob.addr.JID, targets, func(req *omemo.SealRequest) { req.Body = nil })
	if err != nil || len(res.Elements) != 1 || len(res.Skipped) != 1 || res.Skipped[0].Reason != omemo.CodeWeaker {
		t.Fatalf("%v %+v", err, res)
	}
	if alice.store[omemo.SessionKey(old.addr, omemo.V03)] != nil {
		t.Fatal("a session was started for nothing")
	}
}

// A server that hides the omemo:2 list does not make a device weaker that has spoken it.
func TestSealDoesNotDowngrade(t *testing.T) {
	alice, bob := newDevice(t, "alice@example.org", 1), newDevice(t, "bob@example.org", 3)
	onlyOld := []omemo.Target{{Address: bob.addr, V03: true, BundleV03: bob.bundle(omemo.V03)}}
	// Started, but never answered: no proof that the device speaks omemo:2.
	first := alice.seal(bob.addr.JID, alice.targets(bob))
	if res := alice.seal(bob.addr.JID, onlyOld); res.Elements[0].Version != omemo.V03 {
		t.Fatalf("%+v", res)
	}
	bob.receive(alice.letterFor(bob, &first).packet)
	alice.receive(bob.settle()[alice.addr.JID][0])

	res := alice.seal(bob.addr.JID, onlyOld)
	if len(res.Elements) != 1 || res.Elements[0].Version != omemo.V2 || !slices.Equal(res.Withdrawn, []omemo.Address{bob.addr}) {
		t.Fatalf("%+v", res)
	}
	onlyOld[0].AllowWeaker = true
	res = alice.seal(bob.addr.JID, onlyOld)
	if len(res.Elements) != 1 || res.Elements[0].Version != omemo.V03 || len(res.Withdrawn) != 0 {
		t.Fatalf("%+v", res)
	}
}

func TestSealFallsBackForWantOfABundle(t *testing.T) {
	alice, bob := newDevice(t, "alice@example.org", 1), newDevice(t, "bob@example.org", 3)
	targets := []omemo.Target{{Address: bob.addr, V2: true, V03: true, BundleV03: bob.bundle(omemo.V03)}}
	res, err := alice.trySeal(bob.addr.JID, targets, nil)
	if err != nil || len(res.Elements) != 0 || res.Skipped[0].Reason != omemo.CodeNoSession || res.Skipped[0].Version != omemo.V2 {
		t.Fatalf("nobody has said that there is no bundle: %v %+v", err, res)
	}
	targets[0].V2Failed = true
	got := alice.seal(bob.addr.JID, targets)
	if got.Elements[0].Version != omemo.V03 || !slices.Equal(got.Fallback, []omemo.Address{bob.addr}) {
		t.Fatalf("%+v", got)
	}
}

func TestSealDropsStaleDevices(t *testing.T) {
	alice, bob, lost := newDevice(t, "alice@example.org", 1), newDevice(t, "bob@example.org", 3), newDevice(t, "bob@example.org", 4)
	connect(omemo.V2, alice, bob)
	never := newDevice(t, "bob@example.org", 5)
	connect(omemo.V2, alice, lost)
	drop := func(req *omemo.SealRequest) { req.DropStale = true }
	targets := alice.targets(bob, lost, never)
	for range omemo.StaleUnanswered {
		alice.seal(bob.addr.JID, targets)
		targets = alice.targets(bob, lost, never)
	}
	alice.now += omemo.StaleSilence - 1
	if res, err := alice.trySeal(bob.addr.JID, targets, drop); err != nil || len(res.Elements[0].Keys) != 3 {
		t.Fatalf("%v %+v", err, res)
	}
	alice.receiveText(bob.send(alice, omemo.V2, "I am here"), "I am here")
	alice.now++
	res, err := alice.trySeal(bob.addr.JID, targets, drop)
	if err != nil || len(res.Elements[0].Keys) != 1 || len(res.Skipped) != 2 || res.Skipped[0].Reason != omemo.CodeStale {
		t.Fatalf("%v %+v", err, res)
	}
	if res := alice.seal(bob.addr.JID, targets); len(res.Elements[0].Keys) != 3 {
		t.Fatal("stale devices are left out without being asked to")
	}
	// As soon as it is heard of, it gets messages again.
	alice.receiveText(lost.send(alice, omemo.V2, "found"), "found")
	if res, err = alice.trySeal(bob.addr.JID, targets, drop); err != nil || len(res.Elements[0].Keys) != 2 {
		t.Fatalf("%v %+v", err, res)
	}
}

func TestSealEmpty(t *testing.T) {
	alice, bob, old := newDevice(t, "alice@example.org", 1), newDevice(t, "bob@example.org", 3), newDevice(t, "bob@example.org", 4)
	targets := append(alice.targets(bob), omemo.Target{Address: old.addr, V03: true, BundleV03: old.bundle(omemo.V03)})
	res, err := alice.trySeal("", targets, func(req *omemo.SealRequest) { *req = omemo.SealRequest{Kind: omemo.Empty, Targets: targets} })
	if err != nil || len(res.Elements) != 2 || res.Elements[0].Payload != nil || res.Elements[1].Payload != nil {
		t.Fatalf("%v %+v", err, res)
	}
	for _, d := range []*device{bob, old} {
		if got := d.receive(alice.letterFor(d, &res).packet); got.Kind != omemo.Empty {
			t.Fatalf("%+v", got)
		}
	}
}

func TestSealArguments(t *testing.T) {
	alice, bob := newDevice(t, "alice@example.org", 1), newDevice(t, "bob@example.org", 3)
	targets := alice.targets(bob)
	for name, change := range map[string]func(*omemo.SealRequest){
		"no chat":        func(req *omemo.SealRequest) { req.To = "" },
		"not a bare JID": func(req *omemo.SealRequest) { req.To = "room@example.org/nick" },
		"key transport":  func(req *omemo.SealRequest) { req.Kind = omemo.KeyTransport },
		"the same twice": func(req *omemo.SealRequest) { req.Targets = append(req.Targets, req.Targets...) },
		"bundles swapped": func(req *omemo.SealRequest) {
			req.Targets = []omemo.Target{{Address: bob.addr, V2: true, BundleV2: bob.bundle(omemo.V03)}}
		},
		"no device id": func(req *omemo.SealRequest) {
			req.Targets = []omemo.Target{{Address: omemo.Address{JID: "bob@example.org"}}}
		},
	} {
		before := alice.snapshot()
		if _, err := alice.trySeal(bob.addr.JID, targets, change); omemo.CodeOf(err) != omemo.CodeArgument {
			t.Errorf("%s: %v", name, err)
		}
		alice.unchanged(before)
	}
	if _, _, err := omemo.Seal(alice.read(omemo.KeyIdentity), omemo.SealRequest{To: "b@c", Targets: targets}); omemo.CodeOf(err) != omemo.CodeNotRead {
		t.Error(err)
	}
}

// A room of sixty people with two devices each, half of them native apps, one of them silent: one call, one stanza, and
// everybody reads it, also those who were offline while others wrote.
func TestSealForARoom(t *testing.T) {
	const room = "family@rooms.example.org"
	alice, tablet := newDevice(t, "alice@example.org", 1), newDevice(t, "alice@example.org", 2)
	people := []*device{tablet}
	var targets []omemo.Target
	for i := range 60 {
		for j := range 2 {
			d := newDevice(t, fmt.Sprintf("member%d@example.org", i), uint32(10*i+j+1))
			people = append(people, d)
		}
	}
	for i, d := range people {
		if i%2 == 0 {
			targets = append(targets, alice.targets(d)...)
		} else {
			targets = append(targets, omemo.Target{Address: d.addr, V03: true, BundleV03: d.bundle(omemo.V03)})
		}
	}
	var letters []omemo.SealResult
	for range 3 {
		letters = append(letters, alice.seal(room, targets))
		for i := range targets {
			targets[i].BundleV03, targets[i].BundleV2 = nil, nil
		}
	}
	if n := len(letters[2].Elements[0].Keys) + len(letters[2].Elements[1].Keys); n != len(people) || len(letters[2].Skipped) != 0 {
		t.Fatalf("%d keys, %+v", n, letters[2].Skipped)
	}
	for i, d := range people {
		order := []int{0, 1, 2}
		if i%3 == 0 {
			order = []int{2, 0, 1}
		}
		for _, k := range order {
			l := alice.letterFor(d, &letters[k])
			if l.version == omemo.V03 {
				d.receiveText(l.packet, "hello")
				continue
			}
			got, err := d.check(l, room, func(req *omemo.CheckRequest) { req.Group = true })
			if err != nil || got.Level != omemo.WithRecipients || len(got.Findings) != 0 {
				t.Fatalf("%v: %v %+v", d.addr, err, got)
			}
		}
	}
}
