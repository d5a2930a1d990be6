// SPDX-License-Identifier: AGPL-3.0-or-later

package omemo_test

import (
	"testing"

	"kith/omemo"
)

// One message per JID and version, for all its devices; sessions that are gone owe nothing.
func TestSettleGroupsByJID(t *testing.T) {
	alice := newDevice(t, "alice@example.org", 1)
	phone, tablet := newDevice(t, "bob@example.org", 2), newDevice(t, "bob@example.org", 3)
	old, gone := newDevice(t, "bob@example.org", 4), newDevice(t, "carol@example.org", 5)
	for _, d := range []*device{phone, tablet, gone} {
		alice.receiveText(d.send(alice, omemo.V2, "x"), "x")
	}
	alice.receiveText(old.send(alice, omemo.V03, "x"), "x")
	delete(alice.store, omemo.SessionKey(gone.addr, omemo.V2))

	keys, err := omemo.SettleNeeds(alice.read(omemo.KeyDue))
	if err != nil || len(keys) != 6 {
		t.Fatal(keys, err)
	}
	sid, out, changes, err := omemo.Settle(alice.read(keys...))
	if err != nil || sid != 1 || len(out) != 2 {
		t.Fatalf("%d %+v %v", sid, out, err)
	}
	alice.commit(changes)
	for _, o := range out {
		if o.To != "bob@example.org" || o.Encrypted.Payload != nil {
			t.Fatalf("%+v", o)
		}
		for i, k := range o.Encrypted.Keys {
			for _, d := range []*device{phone, tablet, old} {
				if d.addr == k.Address {
					if res := d.receive(alice.packet(o.Encrypted, i)); res.Kind != omemo.Empty {
						t.Fatalf("%+v", res)
					}
					if d.send(alice, o.Encrypted.Version, "y").kex {
						t.Fatal("session is not confirmed")
					}
				}
			}
		}
	}
	if out[0].Encrypted.Version != omemo.V2 || len(out[0].Encrypted.Keys) != 2 || len(out[1].Encrypted.Keys) != 1 {
		t.Fatalf("%+v", out)
	}
	if alice.store[omemo.KeyDue] != nil || len(alice.settle()) != 0 {
		t.Fatal("settled twice")
	}
}

// The records of Settle must all have been read.
func TestSettleNeedsItsRecords(t *testing.T) {
	eachVersion(t, func(t *testing.T, v omemo.Version, alice, bob *device) {
		bob.receiveText(alice.send(bob, v, "x"), "x")
		if _, _, changes, err := omemo.Settle(bob.read(omemo.KeyIdentity, omemo.KeyDue)); omemo.CodeOf(err) != omemo.CodeNotRead || changes != nil {
			t.Fatal(err)
		}
	})
}
