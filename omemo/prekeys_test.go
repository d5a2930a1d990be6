// SPDX-License-Identifier: AGPL-3.0-or-later

package omemo_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"kith/omemo"
)

func TestCreate(t *testing.T) {
	d := newDevice(t, "alice@example.org", 77)
	id, err := omemo.OwnIdentity(d.read(omemo.KeyIdentity))
	if err != nil || id.Address != d.addr {
		t.Fatal(id, err)
	}
	old, two := d.bundle(omemo.V03), d.bundle(omemo.V2)
	if len(old.IdentityKey) != 33 || old.IdentityKey[0] != 5 || !bytes.Equal(old.IdentityKey[1:], id.Key[:]) {
		t.Errorf("identity key of 0.3: %x", old.IdentityKey)
	}
	if len(two.IdentityKey) != 32 || two.IdentityKey[31]&0x80 != 0 {
		t.Errorf("identity key of omemo:2: %x", two.IdentityKey)
	}
	if len(old.PreKeys) != omemo.PreKeyCount || len(two.PreKeys) != omemo.PreKeyCount {
		t.Errorf("%d and %d prekeys", len(old.PreKeys), len(two.PreKeys))
	}
	if old.SignedPreKeyID != two.SignedPreKeyID || !bytes.Equal(old.SignedPreKey[1:], two.SignedPreKey) {
		t.Error("the versions have different signed prekeys")
	}
	seen := map[uint32]bool{}
	for i, k := range old.PreKeys {
		if k.ID == 0 || k.ID > omemo.MaxDeviceID || seen[k.ID] || k.ID != two.PreKeys[i].ID {
			t.Fatalf("prekey id %d", k.ID)
		}
		seen[k.ID] = true
	}
}

func TestRestoreFromSeed(t *testing.T) {
	d := newDevice(t, "alice@example.org", 1)
	seed, err := omemo.ExportSeed(d.read(omemo.KeyIdentity))
	if err != nil {
		t.Fatal(err)
	}
	changes, err := omemo.Create(omemo.CreateOptions{JID: "alice@example.org", Device: 2, Seed: seed, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	restored := &device{tb: t, store: map[string][]byte{}}
	restored.commit(changes)
	if restored.key() != d.key() {
		t.Fatal("another identity")
	}
	if bytes.Equal(restored.bundle(omemo.V2).SignedPreKey, d.bundle(omemo.V2).SignedPreKey) {
		t.Fatal("prekeys must be new")
	}
}

func TestNewDeviceID(t *testing.T) {
	var taken []uint32
	for range 1000 {
		id := omemo.NewDeviceID(taken)
		if id == 0 || id > omemo.MaxDeviceID || slices.Contains(taken, id) {
			t.Fatal(id)
		}
		taken = append(taken, id)
	}
}

func TestPreKeysAreUsedOnceAndRefilled(t *testing.T) {
	eachVersion(t, func(t *testing.T, v omemo.Version, alice, bob *device) {
		first := alice.send(bob, v, "x")
		bob.receiveText(first, "x")
		if n := len(bob.bundle(v).PreKeys); n != omemo.PreKeyCount-1 {
			t.Fatalf("%d prekeys after one was used", n)
		}
		if !bob.maintain(false) {
			t.Fatal("bundle must be published again")
		}
		if n := len(bob.bundle(v).PreKeys); n != omemo.PreKeyCount {
			t.Fatalf("%d prekeys", n)
		}
		if bob.maintain(false) {
			t.Fatal("published without a change")
		}
		// The same key exchange for a session that is gone cannot be used again.
		bob.now += omemo.PreKeyGrace
		bob.maintain(false)
		delete(bob.store, omemo.SessionKey(alice.addr, v))
		bob.refuse(first, omemo.CodeUnknownPreKey)
	})
}

// During catch-up used prekeys stay, so that two devices that took the same one both get through, however long it takes.
func TestCatchUp(t *testing.T) {
	eachVersion(t, func(t *testing.T, v omemo.Version, alice, bob *device) {
		carol := newDevice(t, "carol@example.org", 33)
		b := bob.bundle(v)
		b.PreKeys = b.PreKeys[:1]
		var packets []packet
		for _, from := range []*device{alice, carol} {
			res, err := from.encrypt(omemo.EncryptRequest{
				Body: []byte("x"), Envelope: []byte("x"),
				Recipients: []omemo.Recipient{{Address: bob.addr, Version: v, Bundle: b}},
			})
			if err != nil || len(res.Elements) != 1 {
				t.Fatal(err)
			}
			packets = append(packets, from.packet(res.Elements[0], 0))
		}
		more := alice.send(bob, v, "more")

		for _, p := range append(packets, more) {
			res, err := bob.tryReceive(p)
			if err != nil || !res.Due {
				t.Fatal(res, err)
			}
		}
		if n := len(bob.bundle(v).PreKeys); n != omemo.PreKeyCount-1 {
			t.Fatalf("used prekey is still published: %d", n)
		}
		bob.now += omemo.PreKeyGrace
		if !bob.maintain(false) || len(bob.bundle(v).PreKeys) != omemo.PreKeyCount {
			t.Fatal("not refilled after catch-up")
		}
		out := bob.settle()
		if len(out) != 2 || len(out[alice.addr.JID]) != 1 || len(out[carol.addr.JID]) != 1 {
			t.Fatalf("settled %v", out)
		}
		alice.receive(out[alice.addr.JID][0])
		carol.receive(out[carol.addr.JID][0])
		// Now the prekey is gone.
		delete(bob.store, omemo.SessionKey(carol.addr, v))
		bob.refuse(packets[1], omemo.CodeUnknownPreKey)
	})
}

// Devices that took the same prekey outside catch-up: those that write at about the same time get through, one
// that comes late is told.
func TestPreKeyCollision(t *testing.T) {
	eachVersion(t, func(t *testing.T, v omemo.Version, alice, bob *device) {
		b := bob.bundle(v)
		b.PreKeys = b.PreKeys[:1]
		for i, from := range []*device{alice, newDevice(t, "carol@example.org", 33), newDevice(t, "dave@example.org", 34)} {
			res, err := from.encrypt(omemo.EncryptRequest{
				Body: []byte("x"), Envelope: []byte("x"),
				Recipients: []omemo.Recipient{{Address: bob.addr, Version: v, Bundle: b}},
			})
			if err != nil {
				t.Fatal(err)
			}
			switch i {
			case 0:
				bob.receiveText(from.packet(res.Elements[0], 0), "x")
				bob.maintain(false)
				if slices.ContainsFunc(bob.bundle(v).PreKeys, func(k omemo.PublicPreKey) bool { return k.ID == b.PreKeys[0].ID }) {
					t.Fatal("a used prekey is in the bundle")
				}
				bob.now += omemo.PreKeyGrace - 1
				bob.maintain(false)
			case 1:
				bob.receiveText(from.packet(res.Elements[0], 0), "x")
				bob.now += 1
				bob.maintain(false)
			default:
				bob.refuse(from.packet(res.Elements[0], 0), omemo.CodeUnknownPreKey)
			}
		}
	})
}

func TestSignedPreKeyRotation(t *testing.T) {
	eachVersion(t, func(t *testing.T, v omemo.Version, alice, bob *device) {
		old := bob.bundle(v)
		bob.now += omemo.SignedPreKeyPeriod - 1
		if bob.maintain(false) {
			t.Fatal("rotated too early")
		}
		bob.now += 1
		if bob.maintain(true) {
			t.Fatal("rotated during catch-up")
		}
		if !bob.maintain(false) {
			t.Fatal("not rotated")
		}
		fresh := bob.bundle(v)
		if fresh.SignedPreKeyID == old.SignedPreKeyID || bytes.Equal(fresh.SignedPreKey, old.SignedPreKey) {
			t.Fatal("signed prekey is the same")
		}
		start := func(b *omemo.Bundle, device uint32) packet {
			from := newDevice(t, "carol@example.org", device)
			res, err := from.encrypt(omemo.EncryptRequest{
				Body: []byte("x"), Envelope: []byte("x"),
				Recipients: []omemo.Recipient{{Address: bob.addr, Version: v, Bundle: b}},
			})
			if err != nil || len(res.Elements) != 1 {
				t.Fatal(err)
			}
			return from.packet(res.Elements[0], 0)
		}
		bob.receiveText(start(old, 1), "x") // under way during the rotation
		bob.receiveText(start(fresh, 2), "x")
		for bob.now < now+omemo.SignedPreKeyPeriod+omemo.SignedPreKeyGrace {
			bob.now += omemo.SignedPreKeyPeriod
			bob.maintain(false)
		}
		bob.refuse(start(old, 3), omemo.CodeUnknownPreKey)
		if size := len(bob.store[omemo.KeyPreKeys]); size > 10_000 {
			t.Fatalf("prekey record of %d bytes", size)
		}
	})
}

// A clock that was wrong when a key was made must not keep that key for ever.
func TestRotationAfterClockJump(t *testing.T) {
	bob := newDevice(t, "bob@example.org", 1)
	old := bob.bundle(omemo.V2).SignedPreKeyID
	bob.now -= 2 * omemo.SignedPreKeyPeriod
	if !bob.maintain(false) || bob.bundle(omemo.V2).SignedPreKeyID == old {
		t.Fatal("key from the future was kept")
	}
}

// A signed prekey that was replaced while the clock was years ahead has its grace from when the clock is right again, and no more.
func TestRetiredInTheFuture(t *testing.T) {
	alice, carol, bob := newDevice(t, "alice@example.org", 1), newDevice(t, "carol@example.org", 1), newDevice(t, "bob@example.org", 1)
	underway, late := alice.send(bob, omemo.V2, "under way"), carol.send(bob, omemo.V2, "late")
	bob.now += 1000 * omemo.SignedPreKeyPeriod
	bob.maintain(false)
	bob.now = now
	bob.maintain(false)
	bob.receiveText(underway, "under way")
	bob.now += omemo.SignedPreKeyGrace
	bob.maintain(false)
	bob.refuse(late, omemo.CodeUnknownPreKey)
}

func TestKeysOfManyDevicesDiffer(t *testing.T) {
	seen := map[string]bool{}
	for i := range 4 {
		d := newDevice(t, "a@example.org", uint32(i+1))
		for _, k := range append(d.bundle(omemo.V2).PreKeys, omemo.PublicPreKey{Key: d.bundle(omemo.V2).IdentityKey}) {
			if seen[fmt.Sprintf("%x", k.Key)] {
				t.Fatal("key occurs twice")
			}
			seen[fmt.Sprintf("%x", k.Key)] = true
		}
	}
}
