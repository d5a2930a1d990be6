// SPDX-License-Identifier: AGPL-3.0-or-later

package omemo_test

import (
	"slices"
	"testing"

	"kith/omemo"
)

// family is the scene of most tests: alice writes to bob from her phone; both have a second device.
type family struct {
	phone, tablet, bob, laptop *device
	targets                    []omemo.Target
}

func newFamily(t *testing.T) *family {
	t.Helper()
	f := &family{
		phone: newDevice(t, "alice@example.org", 1), tablet: newDevice(t, "alice@example.org", 2),
		bob: newDevice(t, "bob@example.org", 3), laptop: newDevice(t, "bob@example.org", 4),
	}
	// Bob's devices know each other's keys and alice's.
	connect(omemo.V2, f.bob, f.laptop)
	connect(omemo.V2, f.tablet, f.bob)
	f.targets = f.phone.targets(f.tablet, f.bob, f.laptop)
	return f
}

// asListed is a check with the lists as the server shows them when it is honest.
func (f *family) asListed(req *omemo.CheckRequest) {
	req.OwnListed, req.SenderListed = []uint32{3, 4}, []uint32{1, 2}
}

// wantFindings compares kinds and devices.
func wantFindings(t *testing.T, got omemo.CheckResult, want ...omemo.Finding) {
	t.Helper()
	if !slices.Equal(got.Findings, want) {
		t.Fatalf("findings %+v, want %+v", got.Findings, want)
	}
}

func TestHonestMessageHasNoFindings(t *testing.T) {
	f := newFamily(t)
	res := f.phone.seal(f.bob.addr.JID, f.targets)
	got, err := f.bob.check(f.phone.letterFor(f.bob, &res), f.bob.addr.JID, f.asListed)
	if err != nil || got.Level != omemo.WithRecipients {
		t.Fatal(err, got)
	}
	wantFindings(t, got)
	// Alice's own tablet reads its copy of it.
	got, err = f.tablet.check(f.phone.letterFor(f.tablet, &res), f.bob.addr.JID, func(req *omemo.CheckRequest) {
		req.OwnListed, req.SenderListed = []uint32{1, 2}, []uint32{1, 2}
	})
	if err != nil || got.Level != omemo.WithRecipients {
		t.Fatal(err, got)
	}
	wantFindings(t, got)
}

// Somebody strips a <key> so that a device misses the message, or adds one.
func TestChangedHeader(t *testing.T) {
	f := newFamily(t)
	res := f.phone.seal(f.bob.addr.JID, f.targets)
	l := f.phone.letterFor(f.bob, &res)
	l.keys = slices.DeleteFunc(l.keys, func(k omemo.HeaderKey) bool { return k.Device == 4 })
	got, err := f.bob.check(l, f.bob.addr.JID, f.asListed)
	if err != nil || got.Level != omemo.WithEnvelope {
		t.Fatal(err, got)
	}
	wantFindings(t, got,
		omemo.Finding{Kind: omemo.OwnWithoutKey, Address: f.laptop.addr}, omemo.Finding{Kind: omemo.KeyStripped, Address: f.laptop.addr})

	res = f.phone.seal(f.bob.addr.JID, f.targets)
	l = f.phone.letterFor(f.bob, &res)
	extra := omemo.HeaderKey{Version: omemo.V2, JID: "mallory@example.org", Device: 66}
	l.keys = append(l.keys, extra, l.keys[0], omemo.HeaderKey{Version: omemo.V03, Device: 3})
	got, err = f.bob.check(l, f.bob.addr.JID, f.asListed)
	if err != nil || got.Level != omemo.WithEnvelope {
		t.Fatal(err, got)
	}
	wantFindings(t, got, omemo.Finding{Kind: omemo.KeyAdded, Address: f.tablet.addr},
		omemo.Finding{Kind: omemo.KeyAdded, Address: omemo.Address{JID: "mallory@example.org", Device: 66}},
		omemo.Finding{Kind: omemo.KeyAdded, Address: omemo.Address{Device: 3}})
}

// Devices of 0.3 are in the list too, although their element does not tell whose they are.
func TestRecipientsOfBothVersions(t *testing.T) {
	f := newFamily(t)
	old := newDevice(t, "carol@example.org", 9)
	targets := append(f.targets, omemo.Target{Address: old.addr, V03: true, BundleV03: old.bundle(omemo.V03)})
	res := f.phone.seal("room@example.org", targets)
	l := f.phone.letterFor(f.bob, &res)
	got, err := f.bob.check(l, "room@example.org", nil)
	if err != nil || got.Level != omemo.WithRecipients || len(got.Findings) != 0 {
		t.Fatal(err, got)
	}
	res = f.phone.seal("room@example.org", targets)
	l = f.phone.letterFor(f.bob, &res)
	l.keys = slices.DeleteFunc(l.keys, func(k omemo.HeaderKey) bool { return k.Version == omemo.V03 })
	got, err = f.bob.check(l, "room@example.org", nil)
	if err != nil {
		t.Fatal(err)
	}
	wantFindings(t, got, omemo.Finding{Kind: omemo.KeyStripped, Address: old.addr})
}

// The server shows alice a device in bob's list that is not his. Trust on first use lets her encrypt for it; bob's real
// devices see that she does.
func TestInjectedDevice(t *testing.T) {
	f := newFamily(t)
	spy := newDevice(t, "bob@example.org", 666)
	res := f.phone.seal(f.bob.addr.JID, append(f.targets, f.phone.targets(spy)...))
	l := f.phone.letterFor(f.bob, &res)
	got, err := f.bob.check(l, f.bob.addr.JID, f.asListed)
	if err != nil {
		t.Fatal(err)
	}
	wantFindings(t, got, omemo.Finding{Kind: omemo.DeviceInjected, Address: spy.addr})

	// Taking the spy's key out of bob's copy gives it away as well.
	res = f.phone.seal(f.bob.addr.JID, append(f.targets, f.phone.targets(spy)...))
	l = f.phone.letterFor(f.bob, &res)
	l.keys = slices.DeleteFunc(l.keys, func(k omemo.HeaderKey) bool { return k.Device == 666 })
	if got, err = f.bob.check(l, f.bob.addr.JID, f.asListed); err != nil {
		t.Fatal(err)
	}
	wantFindings(t, got, omemo.Finding{Kind: omemo.KeyStripped, Address: spy.addr}, omemo.Finding{Kind: omemo.DeviceInjected, Address: spy.addr})
}

// The server gives out another bundle for one of bob's devices. Bob's other device sees it in alice's next message.
func TestReplacedKeyOfOurDevice(t *testing.T) {
	f := newFamily(t)
	false4 := forge(t, f.laptop)
	res := f.phone.seal(f.bob.addr.JID, f.phone.targets(f.tablet, f.bob, false4))
	got, err := f.bob.check(f.phone.letterFor(f.bob, &res), f.bob.addr.JID, f.asListed)
	if err != nil {
		t.Fatal(err)
	}
	wantFindings(t, got, omemo.Finding{Kind: omemo.KeyReplaced, Address: f.laptop.addr})
	// Also when it is about this very device, in a message that came in 0.3 and omemo:2 (here: the list alone).
	l := f.phone.letterFor(f.bob, &res)
	req := omemo.CheckRequest{From: l.from, Key: f.phone.key(), Self: f.bob.addr.JID, To: f.bob.addr.JID, SentAt: now}
	req.Affixes.HasRecipients = true
	req.Affixes.Recipients = []omemo.AccountDevices{{JID: f.bob.addr.JID, Devices: entry(f.bob.addr.Device, forge(t, f.bob).key())}}
	req.Keys = []omemo.HeaderKey{{Version: omemo.V2, JID: f.bob.addr.JID, Device: 3}}
	got, err = omemo.CheckEnvelope(f.bob.read(omemo.CheckNeeds(req)...), req)
	if err != nil {
		t.Fatal(err)
	}
	wantFindings(t, got, omemo.Finding{Kind: omemo.KeyReplaced, Address: f.bob.addr})
}

// entry is a list with one device.
func entry(device uint32, key omemo.Key) []byte {
	return append([]byte{byte(device >> 24), byte(device >> 16), byte(device >> 8), byte(device)}, key[:16]...)
}

// The server adds a device to alice's list, hides one, or gives out another key for one: her own view tells.
func TestViewOfTheSendersDevices(t *testing.T) {
	f := newFamily(t)
	send := func(listed ...uint32) omemo.CheckResult {
		t.Helper()
		f.targets = f.phone.targets(f.tablet, f.bob, f.laptop)
		res := f.phone.seal(f.bob.addr.JID, f.targets)
		got, err := f.bob.check(f.phone.letterFor(f.bob, &res), f.bob.addr.JID, func(req *omemo.CheckRequest) {
			req.OwnListed, req.SenderListed = []uint32{3, 4}, listed
		})
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	wantFindings(t, send(1, 2))
	wantFindings(t, send(1, 2, 77), omemo.Finding{Kind: omemo.DeviceUnvouched, Address: omemo.Address{JID: "alice@example.org", Device: 77}})
	wantFindings(t, send(1), omemo.Finding{Kind: omemo.DeviceUnlisted, Address: f.tablet.addr})
	wantFindings(t, send(2), omemo.Finding{Kind: omemo.SenderUnlisted, Address: f.phone.addr})
	// Bob has been given a false tablet; alice's view names the real one.
	delete(f.bob.store, omemo.TrustKey("alice@example.org"))
	f.bob.receive(forge(t, f.tablet).send(f.bob, omemo.V2, "I am the tablet"))
	wantFindings(t, send(1, 2), omemo.Finding{Kind: omemo.KeyReplaced, Address: f.tablet.addr})
	// A device that alice does not trust is not vouched for, one that only cannot be reached is.
	f.phone.setTrust(f.tablet, omemo.Distrusted)
	wantFindings(t, send(1, 2), omemo.Finding{Kind: omemo.DeviceUnvouched, Address: f.tablet.addr})
	delete(f.bob.store, omemo.TrustKey("alice@example.org"))
	f.phone.setTrust(f.tablet, omemo.Verified)
	delete(f.phone.store, omemo.SessionKey(f.tablet.addr, omemo.V2))
	targets := f.phone.targets(f.tablet, f.bob)
	targets[0].BundleV2 = nil
	res := f.phone.seal(f.bob.addr.JID, targets)
	got, err := f.bob.check(f.phone.letterFor(f.bob, &res), f.bob.addr.JID, func(req *omemo.CheckRequest) { req.SenderListed = []uint32{1, 2} })
	if err != nil || len(res.Skipped) != 1 {
		t.Fatal(err)
	}
	wantFindings(t, got)
}

func TestEnvelopeOfAnotherChat(t *testing.T) {
	f := newFamily(t)
	for name, c := range map[string]struct {
		change func(*omemo.CheckRequest)
		want   omemo.Code
	}{
		"as sent":                    {func(*omemo.CheckRequest) {}, ""},
		"written by another account": {func(r *omemo.CheckRequest) { r.Affixes.From = "carol@example.org" }, omemo.CodeEnvelope},
		"no sender named":            {func(r *omemo.CheckRequest) { r.Affixes.From = "" }, ""},
		"private shown in a group":   {func(r *omemo.CheckRequest) { r.To, r.Group = "room@example.org", true }, omemo.CodeEnvelope},
		"group shown as private":     {func(r *omemo.CheckRequest) { r.Affixes.To = "room@example.org" }, omemo.CodeEnvelope},
		"of another group":           {func(r *omemo.CheckRequest) { r.To, r.Group, r.Affixes.To = "b@x", true, "a@x" }, omemo.CodeEnvelope},
		"group without to":           {func(r *omemo.CheckRequest) { r.To, r.Group, r.Affixes.To = "b@x", true, "" }, omemo.CodeEnvelope},
		"private without to":         {func(r *omemo.CheckRequest) { r.Affixes.To = "" }, ""},
		"damaged list of recipients": {func(r *omemo.CheckRequest) { r.Affixes.Recipients[0].Devices = []byte("x") }, omemo.CodeMalformed},
		"device twice in a list":     {func(r *omemo.CheckRequest) { r.Affixes.Devices = slices.Repeat(entry(5, omemo.Key{}), 2) }, omemo.CodeMalformed},
		"device 0":                   {func(r *omemo.CheckRequest) { r.Affixes.Devices = entry(0, omemo.Key{}) }, omemo.CodeMalformed},
		"account twice": {func(r *omemo.CheckRequest) {
			r.Affixes.Recipients = append(r.Affixes.Recipients, r.Affixes.Recipients[0])
		}, omemo.CodeMalformed},
		"longer list than there can be": {func(r *omemo.CheckRequest) { r.OwnListed = make([]uint32, 100_000) }, omemo.CodeLimit},
		"another account of ours":       {func(r *omemo.CheckRequest) { r.Self = "bob@example.com" }, omemo.CodeArgument},
	} {
		res := f.phone.seal(f.bob.addr.JID, f.targets)
		_, err := f.bob.check(f.phone.letterFor(f.bob, &res), f.bob.addr.JID, c.change)
		if omemo.CodeOf(err) != c.want {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// Messages that were written at another time than the server says: replayed, or held back.
func TestTimeOfEnvelope(t *testing.T) {
	f := newFamily(t)
	for sent, want := range map[int64]bool{0: false, -590: false, -610: true, 23 * 3600: false, 25 * 3600: true} {
		res := f.phone.seal(f.bob.addr.JID, f.targets)
		got, err := f.bob.check(f.phone.letterFor(f.bob, &res), f.bob.addr.JID, func(r *omemo.CheckRequest) { r.SentAt = now + sent })
		if found := len(got.Findings) == 1 && got.Findings[0].Kind == omemo.WrongTime; err != nil || found != want {
			t.Errorf("server says %d s later: %v %+v", sent, err, got)
		}
	}
}

// In 0.3 there is no envelope; what the header shows can be checked all the same.
func TestCheckHeader(t *testing.T) {
	f := newFamily(t)
	req := omemo.CheckRequest{
		From: f.phone.addr, Key: f.phone.key(), Self: f.bob.addr.JID, To: f.bob.addr.JID, SentAt: now,
		Keys:      []omemo.HeaderKey{{Version: omemo.V03, Device: 3}},
		OwnListed: []uint32{3, 4}, SenderListed: []uint32{2},
	}
	got, err := omemo.CheckHeader(f.bob.read(omemo.CheckNeeds(req)...), req)
	if err != nil || got.Level != omemo.Legacy {
		t.Fatal(err, got)
	}
	wantFindings(t, got, omemo.Finding{Kind: omemo.OwnWithoutKey, Address: f.laptop.addr}, omemo.Finding{Kind: omemo.SenderUnlisted, Address: f.phone.addr})
}

func TestProtection(t *testing.T) {
	const alice, bob = "alice@example.org", "bob@example.org"
	p := func(l omemo.Level, trust omemo.Trust) omemo.Protection {
		return omemo.Protection{Level: l, Trust: trust}
	}
	for _, c := range []struct {
		name            string
		sender          string
		earlier, change omemo.Protection
		want            bool
	}{
		{"same", alice, p(omemo.WithRecipients, omemo.Blind), p(omemo.WithRecipients, omemo.Blind), true},
		{"another person", bob, p(omemo.WithRecipients, omemo.Blind), p(omemo.WithRecipients, omemo.Verified), false},
		{"plain after encrypted", alice, p(omemo.Legacy, omemo.Blind), p(omemo.Plain, omemo.Undecided), false},
		{"0.3 after omemo:2", alice, p(omemo.WithEnvelope, omemo.Blind), p(omemo.Legacy, omemo.Verified), false},
		{"header changed", alice, p(omemo.WithRecipients, omemo.Blind), p(omemo.WithEnvelope, omemo.Blind), false},
		{"better", alice, p(omemo.Legacy, omemo.Blind), p(omemo.WithRecipients, omemo.Verified), true},
		{"of an unverified device", alice, p(omemo.WithEnvelope, omemo.Verified), p(omemo.WithEnvelope, omemo.Blind), false},
		{"of a device somebody made", alice, p(omemo.WithEnvelope, omemo.Blind), p(omemo.WithEnvelope, omemo.Undecided), false},
		{"plain after plain", alice, p(omemo.Plain, omemo.Undecided), p(omemo.Plain, omemo.Undecided), true},
		{"encrypted after plain", alice, p(omemo.Plain, omemo.Verified), p(omemo.Legacy, omemo.Undecided), true},
	} {
		if got := omemo.MayChange(alice, c.earlier, c.sender, c.change); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
	if omemo.MayChange("", omemo.Protection{}, "", omemo.Protection{}) {
		t.Error("senders that are not known are not the same")
	}
	for trust, want := range map[omemo.Trust]bool{omemo.Undecided: false, omemo.Distrusted: false, omemo.Blind: true, omemo.Verified: true} {
		if omemo.MayReact(p(omemo.WithRecipients, omemo.Verified), p(omemo.WithRecipients, trust)) != want || !omemo.MayReact(p(omemo.Plain, omemo.Undecided), p(omemo.Plain, trust)) {
			t.Error(trust)
		}
	}
	if omemo.MayReact(p(omemo.Legacy, omemo.Blind), p(omemo.Plain, omemo.Blind)) || !omemo.MayReact(p(omemo.WithRecipients, omemo.Blind), p(omemo.Legacy, omemo.Blind)) {
		t.Error("reactions")
	}
}
