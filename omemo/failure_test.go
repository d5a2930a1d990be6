// SPDX-License-Identifier: AGPL-3.0-or-later

package omemo_test

import (
	"bytes"
	"errors"
	"testing"

	"kith/omemo"
)

// flips calls f with data in which one bit is changed, a different one in every byte.
func flips(data []byte, f func(changed []byte)) {
	for i := range data {
		changed := bytes.Clone(data)
		changed[i] ^= 1 << (i * 3 % 8)
		f(changed)
	}
}

// TestAnyChangeIsRefused changes every byte of a message and of a first key exchange, and cuts them at every
// place: nothing is accepted, nothing is stored, and the genuine message is accepted afterwards.
func TestAnyChangeIsRefused(t *testing.T) {
	eachVersion(t, func(t *testing.T, v omemo.Version, alice, bob *device) {
		for _, stage := range []string{"key exchange", "first of a new chain", "next in the chain", "late"} {
			p := alice.send(bob, v, "genuine")
			if stage == "late" {
				bob.receiveText(alice.send(bob, v, "overtakes"), "overtakes")
			}
			before := bob.snapshot()
			try := func(what string, changed packet) {
				if _, err := bob.tryReceive(changed); err == nil {
					t.Fatalf("%s: changed %s accepted: %x", stage, what, changed.key)
				} else if omemo.CodeOf(err) == "" {
					t.Fatalf("%s: error without code: %v", stage, err)
				}
				bob.unchanged(before)
			}
			flips(p.key, func(changed []byte) { c := p; c.key = changed; try("key", c) })
			flips(p.payload, func(changed []byte) { c := p; c.payload = changed; try("payload", c) })
			flips(p.iv, func(changed []byte) { c := p; c.iv = changed; try("iv", c) })
			for n := range p.key {
				c := p
				c.key = p.key[:n]
				try("cut key", c)
			}
			for n := range p.payload {
				c := p
				c.payload = p.payload[:n]
				try("cut payload", c)
			}
			c := p
			c.version = omemo.V03 + omemo.V2 - v
			try("version", c)

			bob.receiveText(p, "genuine")
			if stage == "key exchange" {
				alice.receiveText(bob.send(alice, v, "answer"), "answer")
			}
		}
	})
}

func TestOwnDeviceIsRefused(t *testing.T) {
	eachVersion(t, func(t *testing.T, v omemo.Version, alice, bob *device) {
		p := alice.send(bob, v, "x")
		p.from = bob.addr
		bob.refuse(p, omemo.CodeOwnDevice)
	})
}

func TestBadArguments(t *testing.T) {
	alice := newDevice(t, "alice@example.org", 1)
	for _, req := range []omemo.DecryptRequest{
		{Version: 3, From: omemo.Address{JID: "bob@example.org", Device: 1}},
		{Version: omemo.V2, From: omemo.Address{JID: "", Device: 1}},
		{Version: omemo.V2, From: omemo.Address{JID: "bob@example.org/phone", Device: 1}},
		{Version: omemo.V2, From: omemo.Address{JID: "bob@example.org"}},
		{Version: omemo.V2, From: omemo.Address{JID: "bob@example.org", Device: 1 << 31}},
	} {
		_, _, err := omemo.Decrypt(alice.read(omemo.DecryptNeeds(req)...), req)
		if omemo.CodeOf(err) != omemo.CodeArgument {
			t.Errorf("%+v: %v", req, err)
		}
	}
	for _, o := range []omemo.CreateOptions{
		{JID: "alice@example.org"},
		{JID: "alice@example.org", Device: omemo.MaxDeviceID + 1},
		{JID: "alice@example.org/x", Device: 1},
		{JID: "alice@example.org", Device: 1, Seed: make([]byte, 31)},
	} {
		if changes, err := omemo.Create(o); omemo.CodeOf(err) != omemo.CodeArgument || changes != nil {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

// A record that was not read must never count as absent, or a forgotten read would start a new session.
func TestRecordsThatWereNotRead(t *testing.T) {
	alice, bob := newDevice(t, "alice@example.org", 1), newDevice(t, "bob@example.org", 2)
	to := []omemo.Recipient{{Address: bob.addr, Version: omemo.V2, Bundle: bob.bundle(omemo.V2)}}
	for _, missing := range omemo.EncryptNeeds(to) {
		r := alice.read(omemo.EncryptNeeds(to)...)
		delete(r, missing)
		_, changes, err := omemo.Encrypt(r, omemo.EncryptRequest{Envelope: []byte("x"), Recipients: to})
		if omemo.CodeOf(err) != omemo.CodeNotRead || changes != nil {
			t.Errorf("without %s: %v", missing, err)
		}
	}
	p := alice.send(bob, omemo.V2, "x")
	req := omemo.DecryptRequest{Version: p.version, From: p.from, Key: p.key, Payload: p.payload}
	for _, missing := range omemo.DecryptNeeds(req) {
		r := bob.read(omemo.DecryptNeeds(req)...)
		delete(r, missing)
		if _, changes, err := omemo.Decrypt(r, req); omemo.CodeOf(err) != omemo.CodeNotRead || changes != nil {
			t.Errorf("without %s: %v", missing, err)
		}
	}
}

// TestDamagedRecords cuts and changes every record: an error or a result, but no panic.
func TestDamagedRecords(t *testing.T) {
	eachVersion(t, func(t *testing.T, v omemo.Version, alice, bob *device) {
		connect(v, alice, bob)
		alice.send(bob, v, "skipped")
		p := alice.send(bob, v, "x")
		bob.receiveText(p, "x")
		p = alice.send(bob, v, "y")
		req := omemo.DecryptRequest{Version: p.version, From: p.from, Key: p.key, IV: p.iv, Payload: p.payload}
		for key, value := range bob.store {
			for n := 0; n < len(value); n += 1 + len(value)/300 {
				r := bob.read(append(omemo.DecryptNeeds(req), omemo.KeyPreKeys)...)
				r[key] = value[:n]
				_, _, err := omemo.Decrypt(r, req)
				_, _, maintainErr := omemo.Maintain(r, omemo.MaintainOptions{Now: now})
				if key == omemo.KeyPreKeys {
					err = maintainErr
				}
				if omemo.CodeOf(err) != omemo.CodeRecord {
					t.Fatalf("%s cut at %d: %v", key, n, err)
				}
			}
		}
		key := omemo.SessionKey(alice.addr, v)
		flips(bob.store[key], func(changed []byte) {
			r := bob.read(omemo.DecryptNeeds(req)...)
			r[key] = changed
			_, _, _ = omemo.Decrypt(r, req)
		})
	})
}

func TestErrors(t *testing.T) {
	_, err := omemo.OwnIdentity(omemo.Records{omemo.KeyIdentity: nil})
	if omemo.CodeOf(err) != omemo.CodeNoIdentity {
		t.Fatal(err)
	}
	if got := err.Error(); got != "omemo: no-identity" {
		t.Fatal(got)
	}
	if !errors.Is(wrapped{err}, &omemo.Error{Code: omemo.CodeNoIdentity}) || errors.Is(err, &omemo.Error{Code: omemo.CodeRecord}) {
		t.Fatal("errors.Is")
	}
	if omemo.CodeOf(wrapped{err}) != omemo.CodeNoIdentity || omemo.CodeOf(nil) != "" || omemo.CodeOf(bytes.ErrTooLarge) != "" {
		t.Fatal("CodeOf")
	}
}

type wrapped struct{ error }

func (w wrapped) Unwrap() error { return w.error }

func TestNamespaces(t *testing.T) {
	for _, v := range bothVersions {
		if got, ok := omemo.ParseNamespace(v.Namespace()); !ok || got != v || !v.Valid() {
			t.Errorf("%d: %q", v, v.Namespace())
		}
	}
	if _, ok := omemo.ParseNamespace("urn:xmpp:omemo:1"); ok || omemo.Version(0).Valid() || omemo.Version(3).Namespace() != "" {
		t.Error("unknown version")
	}
}
