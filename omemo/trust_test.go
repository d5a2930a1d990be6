// SPDX-License-Identifier: AGPL-3.0-or-later

package omemo_test

import (
	"testing"

	"kith/omemo"
)

func (d *device) setTrust(of *device, level omemo.Trust) {
	d.tb.Helper()
	d.setKeyTrust(of.addr.JID, of.key(), level)
}

func (d *device) setKeyTrust(jid string, key omemo.Key, level omemo.Trust) {
	d.tb.Helper()
	changes, err := omemo.SetTrust(d.read(omemo.TrustKey(jid)), jid, key, level, d.now)
	if err != nil {
		d.tb.Fatal(err)
	}
	d.commit(changes)
}

func (d *device) known(jid string) []omemo.KnownKey {
	d.tb.Helper()
	keys, err := omemo.KnownKeys(d.read(omemo.TrustKey(jid)), jid)
	if err != nil {
		d.tb.Fatal(err)
	}
	return keys
}

func TestDecide(t *testing.T) {
	key := func(level omemo.Trust) omemo.KnownKey { return omemo.KnownKey{Trust: level} }
	for _, c := range []struct {
		policy omemo.Policy
		known  []omemo.KnownKey
		want   omemo.Trust
	}{
		{omemo.BlindBeforeVerification, nil, omemo.Blind},
		{omemo.BlindBeforeVerification, []omemo.KnownKey{key(omemo.Blind), key(omemo.Distrusted)}, omemo.Blind},
		{omemo.BlindBeforeVerification, []omemo.KnownKey{key(omemo.Undecided)}, omemo.Blind},
		{omemo.BlindBeforeVerification, []omemo.KnownKey{key(omemo.Blind), key(omemo.Verified)}, omemo.Undecided},
		{omemo.AskAlways, nil, omemo.Undecided},
		{omemo.AskAlways, []omemo.KnownKey{key(omemo.Blind)}, omemo.Undecided},
		{99, nil, omemo.Undecided},
	} {
		if got := c.policy.Decide(c.known); got != c.want {
			t.Errorf("%d %v: %d, want %d", c.policy, c.known, got, c.want)
		}
	}
	for level, want := range map[omemo.Trust]bool{
		omemo.Undecided: false, omemo.Blind: true, omemo.Verified: true, omemo.Distrusted: false, 99: false,
	} {
		if level.Encrypts() != want {
			t.Errorf("level %d encrypts: %v", level, !want)
		}
	}
}

// After the first verification a new device, injected by a server perhaps, gets nothing until the user says so.
func TestNewDeviceOfVerifiedContact(t *testing.T) {
	eachVersion(t, func(t *testing.T, v omemo.Version, alice, bob *device) {
		connect(v, alice, bob)
		alice.setTrust(bob, omemo.Verified)
		injected := newDevice(t, bob.addr.JID, 666)
		to := alice.recipients(v, bob, injected)
		send := func() omemo.EncryptResult {
			res, err := alice.encrypt(omemo.EncryptRequest{Body: []byte("x"), Envelope: []byte("x"), Recipients: to})
			if err != nil {
				t.Fatal(err)
			}
			return res
		}
		res := send()
		if len(res.Elements[0].Keys) != 1 || res.Elements[0].Keys[0].Trust != omemo.Verified {
			t.Fatalf("%+v", res.Elements)
		}
		if s := res.Skipped; len(s) != 1 || s[0].Reason != omemo.CodeUndecided || s[0].Key != injected.key() {
			t.Fatalf("%+v", res.Skipped)
		}
		// The key was noted, so that the user can be asked.
		if known := alice.known(bob.addr.JID); len(known) != 2 || known[1].Key != injected.key() ||
			known[1].Trust != omemo.Undecided || known[1].Device != 666 || known[1].FirstSeen != now {
			t.Fatalf("%+v", known)
		}
		alice.setTrust(injected, omemo.Blind)
		if res := send(); len(res.Elements[0].Keys) != 2 {
			t.Fatalf("%+v", res.Skipped)
		}
		alice.setTrust(injected, omemo.Distrusted)
		if res := send(); res.Skipped[0].Reason != omemo.CodeDistrusted {
			t.Fatalf("%+v", res.Skipped)
		}
	})
}

func TestAskAlways(t *testing.T) {
	alice, bob := newDevice(t, "alice@example.org", 1), newDevice(t, "bob@example.org", 2)
	req := omemo.EncryptRequest{Envelope: []byte("x"), Recipients: alice.recipients(omemo.V2, bob), Policy: omemo.AskAlways}
	res, err := alice.encrypt(req)
	if err != nil || len(res.Elements) != 0 || res.Skipped[0].Reason != omemo.CodeUndecided {
		t.Fatalf("%v %+v", err, res)
	}
	if alice.known(bob.addr.JID)[0].Trust != omemo.Undecided {
		t.Fatal("key was not noted")
	}
	// An empty message goes through: it carries nothing.
	req.Kind = omemo.Empty
	if res, err = alice.encrypt(req); err != nil || len(res.Elements) != 1 {
		t.Fatalf("%v %+v", err, res)
	}
	bob.receive(alice.packet(res.Elements[0], 0))
	// Key transport carries a key that protects something: trust applies.
	res, err = alice.encrypt(omemo.EncryptRequest{
		Kind: omemo.KeyTransport, Recipients: alice.recipients(omemo.V03, bob), Policy: omemo.AskAlways,
	})
	if err != nil || len(res.Elements) != 0 {
		t.Fatalf("%v %+v", err, res)
	}
}

// A key that was verified from a QR code before it was ever seen.
func TestVerifiedBeforeSeen(t *testing.T) {
	alice, bob := newDevice(t, "alice@example.org", 1), newDevice(t, "bob@example.org", 2)
	jid, keys, err := omemo.ParseURI(omemo.FormatURI(bob.addr.JID, []omemo.DeviceKey{{Device: 2, Key: bob.key()}}))
	if err != nil {
		t.Fatal(err)
	}
	alice.setKeyTrust(jid, keys[0].Key, omemo.Verified)
	if res := alice.receiveText(bob.send(alice, omemo.V03, "x"), "x"); res.Trust != omemo.Verified || res.NewKey {
		t.Fatalf("%+v", res)
	}
}

// The same identity key counts once, whichever version it was seen in.
func TestTrustHoldsForBothVersions(t *testing.T) {
	alice, bob := newDevice(t, "alice@example.org", 1), newDevice(t, "bob@example.org", 2)
	connect(omemo.V03, alice, bob)
	connect(omemo.V2, alice, bob)
	if known := alice.known(bob.addr.JID); len(known) != 1 {
		t.Fatalf("%+v", known)
	}
	alice.setTrust(bob, omemo.Distrusted)
	for _, v := range bothVersions {
		res, err := alice.encrypt(omemo.EncryptRequest{Body: []byte("x"), Envelope: []byte("x"), Recipients: alice.recipients(v, bob)})
		if err != nil || len(res.Elements) != 0 {
			t.Fatalf("%v %+v", err, res)
		}
	}
}

func TestTrustListIsBounded(t *testing.T) {
	alice := newDevice(t, "alice@example.org", 1)
	for i := range omemo.MaxKnownKeys {
		alice.setKeyTrust("bob@example.org", omemo.Key{byte(i), byte(i >> 8), 1}, omemo.Verified)
	}
	_, err := omemo.SetTrust(alice.read(omemo.TrustKey("bob@example.org")), "bob@example.org", omemo.Key{9, 9, 9}, omemo.Verified, now)
	if omemo.CodeOf(err) != omemo.CodeLimit {
		t.Fatal(err)
	}
	// A further device is still readable, but not encrypted to.
	bob := newDevice(t, "bob@example.org", 2)
	res := alice.receiveText(bob.send(alice, omemo.V2, "x"), "x")
	if res.Trust != omemo.Undecided || len(alice.known("bob@example.org")) != omemo.MaxKnownKeys {
		t.Fatalf("%+v", res)
	}
}

// A server or a contact that shows ever new devices must not be able to keep the person from deciding about a real one, nor
// push out what was decided or known before.
func TestFloodOfKeysDoesNotFillTheTrustList(t *testing.T) {
	const jid = "bob@example.org"
	for _, level := range []omemo.Trust{omemo.Undecided, omemo.Blind} {
		alice := newDevice(t, "alice@example.org", 1)
		decided := map[omemo.Key]omemo.Trust{{1}: omemo.Verified, {2}: omemo.Distrusted, {3}: omemo.Blind}
		for key, trust := range decided {
			alice.setKeyTrust(jid, key, trust)
		}
		for i := range omemo.MaxKnownKeys - len(decided) {
			alice.setKeyTrust(jid, omemo.Key{byte(i), byte(i >> 8), 9}, level)
		}
		bob := newDevice(t, jid, 2)
		if res := alice.receiveText(bob.send(alice, omemo.V2, "x"), "x"); res.Trust != omemo.Undecided || !res.NewKey {
			t.Fatalf("%v: %+v", level, res)
		}
		alice.setKeyTrust(jid, bob.key(), omemo.Verified)
		decided[bob.key()] = omemo.Verified
		known := alice.known(jid)
		if len(known) != omemo.MaxKnownKeys {
			t.Errorf("%v: %d keys", level, len(known))
		}
		for _, k := range known {
			if trust, ok := decided[k.Key]; ok && trust == k.Trust {
				delete(decided, k.Key)
			}
		}
		if len(decided) != 0 {
			t.Errorf("%v: lost %v", level, decided)
		}
	}
}

func TestSetTrustArguments(t *testing.T) {
	alice := newDevice(t, "alice@example.org", 1)
	if _, err := omemo.SetTrust(alice.read(omemo.TrustKey("b@c")), "b@c", omemo.Key{}, 4, now); omemo.CodeOf(err) != omemo.CodeArgument {
		t.Error(err)
	}
	if _, err := omemo.SetTrust(alice.read(omemo.TrustKey("")), "", omemo.Key{}, omemo.Blind, now); omemo.CodeOf(err) != omemo.CodeArgument {
		t.Error(err)
	}
	if _, err := omemo.SetTrust(omemo.Records{}, "b@c", omemo.Key{}, omemo.Blind, now); omemo.CodeOf(err) != omemo.CodeNotRead {
		t.Error(err)
	}
	// No change, no write.
	alice.setKeyTrust("b@c", omemo.Key{1}, omemo.Verified)
	changes, err := omemo.SetTrust(alice.read(omemo.TrustKey("b@c")), "b@c", omemo.Key{1}, omemo.Verified, now)
	if err != nil || changes != nil {
		t.Error(changes, err)
	}
}
