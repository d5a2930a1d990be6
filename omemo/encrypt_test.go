// SPDX-License-Identifier: AGPL-3.0-or-later

package omemo_test

import (
	"bytes"
	"fmt"
	"testing"

	"kith/omemo"
)

// recipients lists devices in a version, with bundles where the sender has no session.
func (d *device) recipients(v omemo.Version, to ...*device) (list []omemo.Recipient) {
	for _, t := range to {
		r := omemo.Recipient{Address: t.addr, Version: v}
		if d.store[omemo.SessionKey(t.addr, v)] == nil {
			r.Bundle = t.bundle(v)
		}
		list = append(list, r)
	}
	return list
}

// deliver gives every device its part of a result and compares the text.
func (d *device) deliver(res omemo.EncryptResult, want map[omemo.Version]string, to ...*device) {
	d.tb.Helper()
	for _, t := range to {
		found := false
		for _, e := range res.Elements {
			for i, k := range e.Keys {
				if k.Address == t.addr {
					found = true
					t.receiveText(d.packet(e, i), want[e.Version])
				}
			}
		}
		if !found {
			d.tb.Fatalf("nothing for %v", t.addr)
		}
	}
}

func TestOneMessageForManyDevices(t *testing.T) {
	alice, tablet := newDevice(t, "alice@example.org", 1), newDevice(t, "alice@example.org", 2)
	bob, bobOld := newDevice(t, "bob@example.org", 3), newDevice(t, "bob@example.org", 4)
	carol := newDevice(t, "carol@example.org", 3)
	connect(omemo.V03, alice, bobOld)
	connect(omemo.V2, alice, carol)
	all := []*device{tablet, bob, bobOld, carol}
	for round := range 3 {
		to := append(alice.recipients(omemo.V2, tablet, bob, carol), alice.recipients(omemo.V03, bobOld)...)
		body, envelope := fmt.Sprint("text ", round), fmt.Sprintf("<envelope>%d</envelope>", round)
		res, err := alice.encrypt(omemo.EncryptRequest{Body: []byte(body), Envelope: []byte(envelope), Recipients: to})
		if err != nil || len(res.Skipped) != 0 || res.Device != 1 || len(res.Elements) != 2 {
			t.Fatalf("%v %+v", err, res)
		}
		if res.Elements[0].Version != omemo.V2 || len(res.Elements[0].Keys) != 3 || res.Elements[0].IV != nil ||
			len(res.Elements[1].Keys) != 1 || len(res.Elements[1].IV) != 12 {
			t.Fatalf("%+v", res.Elements)
		}
		alice.deliver(res, map[omemo.Version]string{omemo.V2: envelope, omemo.V03: body}, all...)
		for _, from := range all {
			for _, packets := range from.settle() {
				alice.receive(packets[0])
			}
		}
	}
}

func TestEmptyText(t *testing.T) {
	eachVersion(t, func(t *testing.T, v omemo.Version, alice, bob *device) {
		p := alice.send(bob, v, "")
		if p.payload == nil {
			t.Fatal("an empty text has a payload")
		}
		if res := bob.receive(p); res.Kind != omemo.Message || res.Plaintext == nil || len(res.Plaintext) != 0 {
			t.Fatalf("%+v", res)
		}
	})
}

func TestLargePayload(t *testing.T) {
	eachVersion(t, func(t *testing.T, v omemo.Version, alice, bob *device) {
		text := string(bytes.Repeat([]byte("x"), omemo.MaxPayload))
		bob.receiveText(alice.send(bob, v, text), text)
		_, err := alice.encrypt(omemo.EncryptRequest{
			Body: []byte(text + "x"), Envelope: []byte(text + "x"), Recipients: alice.recipients(v, bob),
		})
		if omemo.CodeOf(err) != omemo.CodeLimit {
			t.Fatal(err)
		}
		p := alice.send(bob, v, "x")
		p.payload = make([]byte, omemo.MaxPayload+64)
		bob.refuse(p, omemo.CodeLimit)
	})
}

func TestKeyTransport(t *testing.T) {
	alice, bob := newDevice(t, "alice@example.org", 1), newDevice(t, "bob@example.org", 2)
	res, err := alice.encrypt(omemo.EncryptRequest{Kind: omemo.KeyTransport, Recipients: alice.recipients(omemo.V03, bob)})
	if err != nil || len(res.Elements) != 1 {
		t.Fatal(err, res)
	}
	e := res.Elements[0]
	if e.Payload != nil || len(e.TransportKey) != 16 || len(e.IV) != 12 {
		t.Fatalf("%+v", e)
	}
	got := bob.receive(alice.packet(e, 0))
	if got.Kind != omemo.Empty || !bytes.Equal(got.TransportKey, e.TransportKey) {
		t.Fatalf("%+v", got)
	}
	_, err = alice.encrypt(omemo.EncryptRequest{Kind: omemo.KeyTransport, Recipients: alice.recipients(omemo.V2, bob)})
	if omemo.CodeOf(err) != omemo.CodeArgument {
		t.Fatal(err)
	}
}

func TestSkippedRecipients(t *testing.T) {
	eachVersion(t, func(t *testing.T, v omemo.Version, alice, bob *device) {
		good := newDevice(t, "carol@example.org", 5)
		broken := func(change func(*omemo.Bundle)) *omemo.Bundle {
			b := bob.bundle(v)
			change(b)
			return b
		}
		other := newDevice(t, "mallory@example.org", 6).bundle(v)
		zero := make([]byte, len(other.IdentityKey))
		if v == omemo.V03 {
			zero[0] = 5
		}
		for _, c := range []struct {
			name   string
			bundle *omemo.Bundle
			reason omemo.Code
		}{
			{"no bundle", nil, omemo.CodeNoSession},
			{"no prekeys", broken(func(b *omemo.Bundle) { b.PreKeys = nil }), omemo.CodeNoPreKey},
			{"wrong signature", broken(func(b *omemo.Bundle) { b.SignedSignature[3] ^= 1 }), omemo.CodeBadSignature},
			{"short signature", broken(func(b *omemo.Bundle) { b.SignedSignature = b.SignedSignature[:63] }), omemo.CodeBadSignature},
			{"no signature", broken(func(b *omemo.Bundle) { b.SignedSignature = nil }), omemo.CodeBadSignature},
			{"other identity", broken(func(b *omemo.Bundle) { b.IdentityKey = other.IdentityKey }), omemo.CodeBadSignature},
			{"other signed prekey", broken(func(b *omemo.Bundle) { b.SignedPreKey = other.SignedPreKey }), omemo.CodeBadSignature},
			{"short identity", broken(func(b *omemo.Bundle) { b.IdentityKey = b.IdentityKey[1:] }), omemo.CodeBadKey},
			{"no identity", broken(func(b *omemo.Bundle) { b.IdentityKey = nil }), omemo.CodeBadKey},
			{"short prekey", broken(func(b *omemo.Bundle) {
				for i := range b.PreKeys {
					b.PreKeys[i].Key = b.PreKeys[i].Key[1:]
				}
			}), omemo.CodeBadKey},
			{"prekey of low order", broken(func(b *omemo.Bundle) {
				for i := range b.PreKeys {
					b.PreKeys[i].Key = zero
				}
			}), omemo.CodeBadKey},
		} {
			to := append([]omemo.Recipient{{Address: bob.addr, Version: v, Bundle: c.bundle}}, alice.recipients(v, good)...)
			res, err := alice.encrypt(omemo.EncryptRequest{Body: []byte("x"), Envelope: []byte("x"), Recipients: to})
			if err != nil || len(res.Elements) != 1 || len(res.Elements[0].Keys) != 1 {
				t.Fatalf("%s: %v %+v", c.name, err, res)
			}
			if len(res.Skipped) != 1 || res.Skipped[0].Address != bob.addr || res.Skipped[0].Reason != c.reason {
				t.Errorf("%s: %+v", c.name, res.Skipped)
			}
			if alice.store[omemo.SessionKey(bob.addr, v)] != nil {
				t.Fatalf("%s: session was stored", c.name)
			}
			good.receiveText(alice.packet(res.Elements[0], 0), "x")
		}
		// Ourselves.
		res, err := alice.encrypt(omemo.EncryptRequest{
			Body: []byte("x"), Envelope: []byte("x"),
			Recipients: []omemo.Recipient{{Address: alice.addr, Version: v, Bundle: alice.bundle(v)}},
		})
		if err != nil || len(res.Elements) != 0 || res.Skipped[0].Reason != omemo.CodeOwnDevice {
			t.Fatalf("%v %+v", err, res)
		}
	})
}

func TestEncryptArguments(t *testing.T) {
	alice, bob := newDevice(t, "alice@example.org", 1), newDevice(t, "bob@example.org", 2)
	one := alice.recipients(omemo.V2, bob)
	before := alice.snapshot()
	for name, c := range map[string]struct {
		req  omemo.EncryptRequest
		code omemo.Code
	}{
		"no envelope":        {omemo.EncryptRequest{Body: []byte("x"), Recipients: one}, omemo.CodeArgument},
		"listed twice":       {omemo.EncryptRequest{Envelope: []byte("x"), Recipients: append(one, one...)}, omemo.CodeArgument},
		"unknown kind":       {omemo.EncryptRequest{Kind: 9, Recipients: one}, omemo.CodeArgument},
		"bad version":        {omemo.EncryptRequest{Recipients: []omemo.Recipient{{Address: bob.addr}}}, omemo.CodeArgument},
		"bundle's version":   {omemo.EncryptRequest{Recipients: []omemo.Recipient{{Address: bob.addr, Version: omemo.V2, Bundle: bob.bundle(omemo.V03)}}}, omemo.CodeArgument},
		"too many":           {omemo.EncryptRequest{Recipients: make([]omemo.Recipient, omemo.MaxRecipients+1)}, omemo.CodeLimit},
		"full JID":           {omemo.EncryptRequest{Recipients: []omemo.Recipient{{Address: omemo.Address{JID: "a@b/c", Device: 1}, Version: omemo.V2}}}, omemo.CodeArgument},
		"device id above 31": {omemo.EncryptRequest{Recipients: []omemo.Recipient{{Address: omemo.Address{JID: "a@b", Device: 1 << 31}, Version: omemo.V2}}}, omemo.CodeArgument},
	} {
		if _, err := alice.encrypt(c.req); omemo.CodeOf(err) != c.code {
			t.Errorf("%s: %v", name, err)
		}
		alice.unchanged(before)
	}
	if res, err := alice.encrypt(omemo.EncryptRequest{}); err != nil || len(res.Elements) != 0 {
		t.Errorf("no recipients: %v %+v", err, res)
	}
}

// Plan says what Encrypt then does, and changes nothing.
func TestPlan(t *testing.T) {
	eachVersion(t, func(t *testing.T, v omemo.Version, alice, bob *device) {
		connect(v, alice, bob)
		fresh, missing := newDevice(t, "carol@example.org", 5), newDevice(t, "dave@example.org", 6)
		distrusted := newDevice(t, "erin@example.org", 7)
		connect(v, alice, distrusted)
		alice.setTrust(distrusted, omemo.Distrusted)
		to := append(alice.recipients(v, bob, fresh, distrusted),
			omemo.Recipient{Address: missing.addr, Version: v},
			omemo.Recipient{Address: alice.addr, Version: v})
		before := alice.snapshot()
		plan, err := omemo.Plan(alice.read(omemo.EncryptNeeds(to)...), to, omemo.BlindBeforeVerification)
		if err != nil {
			t.Fatal(err)
		}
		alice.unchanged(before)
		for i, want := range []omemo.Planned{
			{Key: bob.key(), Trust: omemo.Blind},
			{Key: fresh.key(), Trust: omemo.Blind, NewSession: true},
			{Key: distrusted.key(), Trust: omemo.Distrusted, Reason: omemo.CodeDistrusted},
			{Reason: omemo.CodeNoSession},
			{Key: alice.key(), Reason: omemo.CodeOwnDevice},
		} {
			want.Address, want.Version = to[i].Address, v
			if plan[i] != want {
				t.Errorf("%d: %+v, want %+v", i, plan[i], want)
			}
		}
		res, err := alice.encrypt(omemo.EncryptRequest{Body: []byte("x"), Envelope: []byte("x"), Recipients: to})
		if err != nil || len(res.Elements[0].Keys) != 2 || len(res.Skipped) != 3 {
			t.Fatalf("%v %+v", err, res)
		}
		for i, s := range res.Skipped {
			if p := plan[i+2]; s.Address != p.Address || s.Reason != p.Reason || s.Key != p.Key {
				t.Errorf("skipped %+v, planned %+v", s, p)
			}
		}
		for i, k := range res.Elements[0].Keys {
			if k.Address != plan[i].Address || k.Key != plan[i].Key || k.Trust != plan[i].Trust {
				t.Errorf("encrypted %+v, planned %+v", k, plan[i])
			}
		}
	})
}

func TestStart(t *testing.T) {
	eachVersion(t, func(t *testing.T, v omemo.Version, alice, bob *device) {
		bad := omemo.Recipient{Address: omemo.Address{JID: "x@example.org", Device: 1}, Version: v}
		to := append(alice.recipients(v, bob), bad)
		started, skipped, changes, err := omemo.Start(alice.read(omemo.EncryptNeeds(to)...),
			omemo.StartRequest{Recipients: to, Now: now})
		if err != nil || len(started) != 1 || started[0].Key != bob.key() || started[0].Trust != omemo.Blind {
			t.Fatalf("%+v %v", started, err)
		}
		if len(skipped) != 1 || skipped[0].Reason != omemo.CodeNoSession {
			t.Fatalf("%+v", skipped)
		}
		alice.commit(changes)
		p := alice.send(bob, v, "x") // without bundle, because there is a session now
		if !p.kex {
			t.Fatal("started session sends no key exchange")
		}
		bob.receiveText(p, "x")
		// Starting again keeps the session.
		before := alice.snapshot()
		_, _, changes, err = omemo.Start(alice.read(omemo.EncryptNeeds(to)...), omemo.StartRequest{Recipients: to, Now: now})
		if err != nil {
			t.Fatal(err)
		}
		alice.commit(changes)
		alice.unchanged(before)
	})
}

// Start, a look at the identity keys, and Encrypt on the records at hand, with one commit for both.
func TestStartAndEncryptInOneTransaction(t *testing.T) {
	eachVersion(t, func(t *testing.T, v omemo.Version, alice, bob *device) {
		to := alice.recipients(v, bob)
		r := alice.read(omemo.EncryptNeeds(to)...)
		_, _, changes, err := omemo.Start(r, omemo.StartRequest{Recipients: to, Now: now})
		if err != nil {
			t.Fatal(err)
		}
		r.Apply(changes)
		to[0].Bundle = nil
		res, more, err := omemo.Encrypt(r, omemo.EncryptRequest{Body: []byte("x"), Envelope: []byte("x"), Recipients: to, Now: now})
		if err != nil || len(res.Elements) != 1 {
			t.Fatal(err)
		}
		alice.commit(changes)
		alice.commit(more)
		bob.receiveText(alice.packet(res.Elements[0], 0), "x")
	})
}
