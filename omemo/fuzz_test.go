// SPDX-License-Identifier: AGPL-3.0-or-later

package omemo_test

import (
	"bytes"
	"testing"

	"kith/omemo"
)

// FuzzDecrypt gives any bytes to a device that has a session, in both versions: no panic, and no trace of
// what fails.
func FuzzDecrypt(f *testing.F) {
	alice, bob := newDevice(f, "alice@example.org", 1), newDevice(f, "bob@example.org", 2)
	stranger := newDevice(f, "stranger@example.org", 3)
	for _, v := range bothVersions {
		connect(v, alice, bob)
		late := alice.send(bob, v, "late")
		bob.receiveText(alice.send(bob, v, "x"), "x")
		for _, p := range []packet{late, alice.send(bob, v, "next"), stranger.send(bob, v, "new")} {
			f.Add(byte(v), p.from.Device == 3, p.key, p.iv, p.payload)
		}
		f.Add(byte(v), false, []byte{}, []byte{}, []byte{})
		f.Add(byte(v), true, []byte{0x33, 0x08, 0x01, 0x12, 0x00, 0x1a, 0x00, 0x22, 0x00, 0x30, 0x01}, []byte{}, []byte{})
	}
	store := bob.snapshot()
	f.Fuzz(func(t *testing.T, version byte, fromStranger bool, key, iv, payload []byte) {
		req := omemo.DecryptRequest{
			Version: omemo.Version(version), From: alice.addr, Key: key, IV: iv, Payload: payload, Now: now,
		}
		if fromStranger {
			req.From = stranger.addr
		}
		records := omemo.Records{}
		for _, k := range omemo.DecryptNeeds(req) {
			records[k] = bytes.Clone(store[k])
		}
		_, changes, err := omemo.Decrypt(records, req)
		if err != nil && (changes != nil || omemo.CodeOf(err) == "") {
			t.Fatalf("%v with %d changes", err, len(changes))
		}
		for k, value := range records {
			if !bytes.Equal(value, store[k]) {
				t.Fatalf("record %s was changed in place", k)
			}
		}
	})
}

// FuzzRecords reads any bytes as every kind of record: an error or a result, but no panic, and no memory
// beyond the size of the input.
func FuzzRecords(f *testing.F) {
	alice, bob := newDevice(f, "alice@example.org", 1), newDevice(f, "bob@example.org", 2)
	for _, v := range bothVersions {
		connect(v, alice, bob)
		bob.receiveText(alice.send(bob, v, "x"), "x")
		alice.send(bob, v, "lost")
		bob.receiveText(alice.send(bob, v, "y"), "y")
		stranger := newDevice(f, "stranger@example.org", 3)
		bob.receiveText(stranger.send(bob, v, "x"), "x")
	}
	for _, value := range bob.store {
		f.Add(value)
	}
	v2 := alice.send(bob, omemo.V2, "z")
	v03 := alice.send(bob, omemo.V03, "z")
	f.Fuzz(func(t *testing.T, data []byte) {
		r := omemo.Records{
			omemo.KeyIdentity: data, omemo.KeyPreKeys: data, omemo.KeyDue: data, omemo.TrustKey(alice.addr.JID): data,
			omemo.SessionKey(alice.addr, omemo.V03): data, omemo.SessionKey(alice.addr, omemo.V2): data,
		}
		_, _ = omemo.OwnIdentity(r)
		_, _ = omemo.PublicBundle(r, omemo.V2)
		_, _, _ = omemo.Maintain(r, omemo.MaintainOptions{Now: now})
		_, _ = omemo.KnownKeys(r, alice.addr.JID)
		_, _ = omemo.SettleNeeds(r)
		for _, v := range bothVersions {
			_, _ = omemo.InspectSession(r, alice.addr, v)
		}
		// The other records genuine, and this one used.
		for _, p := range []packet{v2, v03} {
			req := omemo.DecryptRequest{Version: p.version, From: p.from, Key: p.key, IV: p.iv, Payload: p.payload}
			used := bob.read(omemo.DecryptNeeds(req)...)
			used[omemo.SessionKey(alice.addr, p.version)] = data
			_, _, _ = omemo.Decrypt(used, req)
		}
	})
}

// FuzzBundle encrypts for bundles of any content.
func FuzzBundle(f *testing.F) {
	alice, bob := newDevice(f, "alice@example.org", 1), newDevice(f, "bob@example.org", 2)
	for _, v := range bothVersions {
		b := bob.bundle(v)
		f.Add(byte(v), b.IdentityKey, b.SignedPreKeyID, b.SignedPreKey, b.SignedSignature, b.PreKeys[0].ID, b.PreKeys[0].Key)
		f.Add(byte(v), []byte{5}, uint32(0), []byte{}, []byte{}, uint32(0), []byte{})
	}
	f.Fuzz(func(t *testing.T, version byte, ik []byte, spkID uint32, spk, signature []byte, id uint32, key []byte) {
		v := omemo.Version(version)
		to := []omemo.Recipient{{Address: bob.addr, Version: v, Bundle: &omemo.Bundle{
			Version: v, IdentityKey: ik, SignedPreKeyID: spkID, SignedPreKey: spk, SignedSignature: signature,
			PreKeys: []omemo.PublicPreKey{{ID: id, Key: key}},
		}}}
		res, _, err := omemo.Encrypt(alice.read(omemo.EncryptNeeds(to)...), omemo.EncryptRequest{
			Body: []byte("x"), Envelope: []byte("x"), Recipients: to,
		})
		if err == nil && len(res.Elements)+len(res.Skipped) != 1 {
			t.Fatalf("%+v", res)
		}
		_, _ = omemo.Plan(alice.read(omemo.EncryptNeeds(to)...), to, omemo.AskAlways)
	})
}

// FuzzCheckEnvelope checks lists of any content: no panic, and a level that only an honest list gets.
func FuzzCheckEnvelope(f *testing.F) {
	alice, bob := newDevice(f, "alice@example.org", 1), newDevice(f, "bob@example.org", 2)
	connect(omemo.V2, alice, bob)
	key, honest := alice.key(), entry(bob.addr.Device, bob.key())
	f.Add("bob@example.org", honest, entry(alice.addr.Device, key), uint32(2), byte(omemo.V2))
	f.Add("carol@example.org", append(honest, honest...), []byte{}, uint32(0), byte(omemo.V03))
	f.Fuzz(func(t *testing.T, jid string, recipients, devices []byte, id uint32, version byte) {
		req := omemo.CheckRequest{
			From: alice.addr, Key: key, Self: bob.addr.JID, To: bob.addr.JID, SentAt: now,
			Affixes: omemo.Affixes{
				HasRecipients: true, Recipients: []omemo.AccountDevices{{JID: jid, Devices: recipients}},
				HasDevices: true, Devices: devices,
			},
			Keys:      []omemo.HeaderKey{{Version: omemo.Version(version), JID: jid, Device: id}},
			OwnListed: []uint32{2, id}, SenderListed: []uint32{1, id},
		}
		got, err := omemo.CheckEnvelope(bob.read(omemo.CheckNeeds(req)...), req)
		if err != nil && omemo.CodeOf(err) == "" {
			t.Fatal(err)
		}
		if err == nil && got.Level == omemo.WithRecipients && len(recipients) != 20 {
			t.Fatalf("one key in the header, %d bytes in the list, and no finding: %+v", len(recipients), got)
		}
	})
}

// FuzzParseURI: what is accepted survives formatting and parsing.
func FuzzParseURI(f *testing.F) {
	f.Add(omemo.FormatURI("romeo@example.net", []omemo.DeviceKey{{Device: 7, Key: omemo.Key{1}}}))
	f.Add("xmpp://a@b/c%20d@e/f?message;omemo-sid-1=00#g")
	f.Fuzz(func(t *testing.T, uri string) {
		jid, keys, err := omemo.ParseURI(uri)
		if err != nil {
			return
		}
		again, keysAgain, err := omemo.ParseURI(omemo.FormatURI(jid, keys))
		if err != nil || again != jid || len(keysAgain) != len(keys) {
			t.Fatalf("%q: %q %v", jid, again, err)
		}
		for i := range keys {
			if keys[i] != keysAgain[i] {
				t.Fatal("key has changed")
			}
		}
	})
}
