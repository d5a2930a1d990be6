// SPDX-License-Identifier: AGPL-3.0-or-later

package omemo_test

import (
	"fmt"
	"testing"

	"kith/omemo"
)

// forge is a device of the server's that writes in the name of another.
func forge(t *testing.T, as *device) *device {
	t.Helper()
	return newDevice(t, as.addr.JID, as.addr.Device)
}

// Somebody starts a session in the name of a device whose key is verified. It can be read, it is shown as not
// verified, and what we send still goes to the real device.
func TestForgedSessionOfVerifiedDevice(t *testing.T) {
	eachVersion(t, func(t *testing.T, v omemo.Version, alice, bob *device) {
		connect(v, alice, bob)
		alice.setTrust(bob, omemo.Verified)
		forger := forge(t, bob)
		res := alice.receiveText(forger.send(alice, v, "it is me"), "it is me")
		if res.Trust != omemo.Undecided || !res.KeyChanged || !res.NewKey || res.Key == bob.key() {
			t.Fatalf("forged message: %+v", res)
		}
		bob.receiveText(alice.send(bob, v, "secret"), "secret")
		res = alice.receiveText(bob.send(alice, v, "the real one"), "the real one")
		if res.Trust != omemo.Verified {
			t.Fatalf("genuine message: %+v", res)
		}
	})
}

// Many forged sessions do not push out the real one, verified or not.
func TestForgerCannotPushOutSession(t *testing.T) {
	for _, verified := range []bool{true, false} {
		eachVersion(t, func(t *testing.T, v omemo.Version, alice, bob *device) {
			connect(v, alice, bob)
			if verified {
				alice.setTrust(bob, omemo.Verified)
			}
			late := bob.send(alice, v, "late")
			for range 10 {
				forger := forge(t, bob)
				for i := range 20 {
					alice.receiveText(forger.send(alice, v, fmt.Sprint(i)), fmt.Sprint(i))
				}
				alice.maintain(false)
			}
			bob.receiveText(alice.send(bob, v, "still here"), "still here")
			alice.receiveText(late, "late")
			bob.receiveText(alice.send(bob, v, "still here"), "still here")
			if size := len(alice.store[omemo.SessionKey(bob.addr, v)]); size > 5000 {
				t.Fatalf("session record of %d bytes", size)
			}
		})
	}
}

// A server breaks a session, so that a new one is started, and gives out a bundle of its own for that; in blind trust as well nothing
// is encrypted for it, because the device is known by another key.
func TestForgedBundleForHealing(t *testing.T) {
	eachVersion(t, func(t *testing.T, v omemo.Version, alice, bob *device) {
		connect(v, alice, bob)
		forger := forge(t, bob)
		// That the device's own key is shown as another device's as well makes no difference.
		decoy := omemo.Recipient{Address: omemo.Address{JID: bob.addr.JID, Device: 999}, Version: v, Bundle: bob.bundle(v)}
		if _, err := alice.encrypt(omemo.EncryptRequest{Kind: omemo.Empty, Recipients: []omemo.Recipient{decoy}}); err != nil {
			t.Fatal(err)
		}
		to := omemo.Recipient{Address: bob.addr, Version: v, Bundle: forger.bundle(v), Renew: true}
		plan, err := omemo.Plan(alice.read(omemo.EncryptNeeds([]omemo.Recipient{to})...), []omemo.Recipient{to}, omemo.BlindBeforeVerification)
		if err != nil || plan[0].Trust != omemo.Undecided {
			t.Errorf("%v %+v", err, plan)
		}
		if _, err := alice.encrypt(omemo.EncryptRequest{Kind: omemo.Empty, Recipients: []omemo.Recipient{to}}); err != nil {
			t.Fatal(err)
		}
		bob.receiveText(alice.send(bob, v, "still for you"), "still for you")
		// It can be so all the same, if the person who was asked says so.
		alice.setKeyTrust(bob.addr.JID, forger.key(), omemo.Blind)
		alice.setKeyTrust(bob.addr.JID, bob.key(), omemo.Distrusted)
		if res, err := alice.encrypt(omemo.EncryptRequest{
			Body: []byte("x"), Envelope: []byte("x"), Recipients: []omemo.Recipient{{Address: bob.addr, Version: v}},
		}); err != nil || res.Elements[0].Keys[0].Key != forger.key() {
			t.Fatalf("%v %+v", err, res)
		}
	})
}

// A server gives out a bundle of its own in the name of a device with which a session exists.
func TestForgedBundle(t *testing.T) {
	eachVersion(t, func(t *testing.T, v omemo.Version, alice, bob *device) {
		connect(v, alice, bob)
		forger := forge(t, bob)
		res, err := alice.encrypt(omemo.EncryptRequest{
			Body: []byte("x"), Envelope: []byte("x"),
			Recipients: []omemo.Recipient{{Address: bob.addr, Version: v, Bundle: forger.bundle(v)}},
		})
		if err != nil || res.Elements[0].Keys[0].Key != bob.key() {
			t.Fatalf("%v %+v", err, res)
		}
		alice.setTrust(bob, omemo.Verified)
		// Even a session that the user asks to replace goes to no new key of a verified contact.
		res, err = alice.encrypt(omemo.EncryptRequest{
			Body: []byte("x"), Envelope: []byte("x"),
			Recipients: []omemo.Recipient{{Address: bob.addr, Version: v, Bundle: forger.bundle(v), Renew: true}},
		})
		if err != nil || len(res.Elements) != 0 || res.Skipped[0].Reason != omemo.CodeUndecided {
			t.Fatalf("%v %+v", err, res)
		}
		bob.receiveText(alice.send(bob, v, "y"), "y")
	})
}

// Messages do not change sender, receiver, direction or version.
func TestMessagesAreBound(t *testing.T) {
	eachVersion(t, func(t *testing.T, v omemo.Version, alice, bob *device) {
		carol := newDevice(t, "carol@example.org", 3)
		connect(v, alice, bob)
		connect(v, carol, bob)
		connect(v, alice, carol)
		p := alice.send(bob, v, "for bob")

		reflected := p
		reflected.from = bob.addr
		alice.refuse(reflected, omemo.CodeAuthentication)

		redirected := p
		carol.refuse(redirected, omemo.CodeAuthentication)

		renamed := p
		renamed.from = carol.addr
		bob.refuse(renamed, omemo.CodeAuthentication)

		// The payload of one message with the key of another.
		mixed, other := p, alice.send(bob, v, "another")
		mixed.payload, mixed.iv = other.payload, other.iv
		bob.refuse(mixed, omemo.CodePayload)

		// A message without its payload is an empty message, which shows nothing; that is all a server can do.
		bob.receiveText(p, "for bob")
	})
}

// A key exchange that somebody else started, sent on in one's own name.
func TestKeyExchangeIsBoundToSender(t *testing.T) {
	eachVersion(t, func(t *testing.T, v omemo.Version, alice, bob *device) {
		p := alice.send(bob, v, "x")
		p.from = omemo.Address{JID: "mallory@example.org", Device: 4}
		res := bob.receiveText(p, "x")
		// The protocol does not bind the JID; the key that is reported is alice's, and it is noted for mallory only.
		if res.Key != alice.key() || len(bob.known(alice.addr.JID)) != 0 {
			t.Fatalf("%+v", res)
		}
	})
}

// A late message of an earlier session must not damage the present one.
func TestLateMessageOfEarlierSession(t *testing.T) {
	eachVersion(t, func(t *testing.T, v omemo.Version, alice, bob *device) {
		connect(v, alice, bob)
		late := bob.send(alice, v, "late")
		delete(bob.store, omemo.SessionKey(alice.addr, v))
		alice.receiveText(bob.send(alice, v, "new session"), "new session")
		bob.receiveText(alice.send(bob, v, "seen"), "seen")
		alice.receiveText(late, "late")
		// Bob no longer has the old session; his next message brings us back to the new one.
		alice.receiveText(bob.send(alice, v, "and on"), "and on")
		for i := range 3 {
			bob.receiveText(alice.send(bob, v, fmt.Sprint(i)), fmt.Sprint(i))
			alice.receiveText(bob.send(alice, v, fmt.Sprint(i)), fmt.Sprint(i))
		}
	})
}
