// SPDX-License-Identifier: AGPL-3.0-or-later

package omemo_test

import (
	"bytes"
	"maps"
	"testing"

	"kith/omemo"
)

const now = int64(1_700_000_000)

var bothVersions = []omemo.Version{omemo.V03, omemo.V2}

// device is one client: an address and its storage. It uses the core as a client must: read what is needed,
// call, commit.
type device struct {
	tb    testing.TB
	addr  omemo.Address
	store map[string][]byte
	now   int64
	// spread: published bundles show one prekey, another one each time, so that none is drawn twice.
	spread bool
	drawn  int
}

func newDevice(tb testing.TB, jid string, id uint32) *device {
	tb.Helper()
	d := &device{tb: tb, addr: omemo.Address{JID: jid, Device: id}, store: map[string][]byte{}, now: now}
	changes, err := omemo.Create(omemo.CreateOptions{JID: jid, Device: id, Now: now})
	if err != nil {
		tb.Fatal(err)
	}
	d.commit(changes)
	return d
}

func (d *device) read(keys ...string) omemo.Records {
	r := omemo.Records{}
	for _, k := range keys {
		r[k] = bytes.Clone(d.store[k])
	}
	return r
}

func (d *device) commit(changes []omemo.Change) {
	seen := map[string]bool{}
	for _, c := range changes {
		if seen[c.Key] {
			d.tb.Fatalf("record %s is changed twice in one operation", c.Key)
		}
		seen[c.Key] = true
		if c.Value == nil {
			delete(d.store, c.Key)
		} else {
			d.store[c.Key] = c.Value
		}
	}
}

// snapshot copies the storage, to compare it later.
func (d *device) snapshot() map[string][]byte {
	s := maps.Clone(d.store)
	for k, v := range s {
		s[k] = bytes.Clone(v)
	}
	return s
}

func (d *device) unchanged(before map[string][]byte) {
	d.tb.Helper()
	if !maps.EqualFunc(before, d.store, bytes.Equal) {
		d.tb.Fatal("storage has changed")
	}
}

func (d *device) bundle(v omemo.Version) *omemo.Bundle {
	d.tb.Helper()
	b, err := omemo.PublicBundle(d.read(omemo.KeyIdentity, omemo.KeyPreKeys), v)
	if err != nil {
		d.tb.Fatal(err)
	}
	if d.spread {
		b.PreKeys = b.PreKeys[d.drawn : d.drawn+1]
		d.drawn++
	}
	return &b
}

func (d *device) key() omemo.Key {
	d.tb.Helper()
	id, err := omemo.OwnIdentity(d.read(omemo.KeyIdentity))
	if err != nil {
		d.tb.Fatal(err)
	}
	return id.Key
}

// packet is what travels to one device.
type packet struct {
	version omemo.Version
	from    omemo.Address
	key     []byte
	kex     bool
	iv      []byte
	payload []byte
}

func (d *device) encrypt(req omemo.EncryptRequest) (omemo.EncryptResult, error) {
	if req.Now == 0 {
		req.Now = d.now
	}
	res, changes, err := omemo.Encrypt(d.read(omemo.EncryptNeeds(req.Recipients)...), req)
	d.commit(changes)
	return res, err
}

// send encrypts a text for one device; the bundle is fetched only if there is no session.
func (d *device) send(to *device, v omemo.Version, text string) packet {
	d.tb.Helper()
	return d.sendAs(to, v, omemo.EncryptRequest{Body: []byte(text), Envelope: []byte(text)})
}

func (d *device) sendAs(to *device, v omemo.Version, req omemo.EncryptRequest) packet {
	d.tb.Helper()
	rec := omemo.Recipient{Address: to.addr, Version: v}
	if d.store[omemo.SessionKey(to.addr, v)] == nil {
		rec.Bundle = to.bundle(v)
	}
	req.Recipients = []omemo.Recipient{rec}
	res, err := d.encrypt(req)
	if err != nil || len(res.Elements) != 1 {
		d.tb.Fatalf("encrypt: %v %v", err, res.Skipped)
	}
	return d.packet(res.Elements[0], 0)
}

func (d *device) packet(e omemo.Encrypted, key int) packet {
	return packet{
		version: e.Version, from: d.addr, key: e.Keys[key].Data, kex: e.Keys[key].KeyExchange,
		iv: e.IV, payload: e.Payload,
	}
}

func (d *device) tryReceive(p packet) (omemo.DecryptResult, error) {
	req := omemo.DecryptRequest{
		Version: p.version, From: p.from, Key: p.key, IV: p.iv, Payload: p.payload, Now: d.now,
	}
	res, changes, err := omemo.Decrypt(d.read(omemo.DecryptNeeds(req)...), req)
	if err != nil && changes != nil {
		d.tb.Fatal("changes together with an error")
	}
	d.commit(changes)
	return res, err
}

func (d *device) receive(p packet) omemo.DecryptResult {
	d.tb.Helper()
	res, err := d.tryReceive(p)
	if err != nil {
		d.tb.Fatal(err)
	}
	return res
}

func (d *device) receiveText(p packet, want string) omemo.DecryptResult {
	d.tb.Helper()
	res := d.receive(p)
	if res.Kind != omemo.Message || string(res.Plaintext) != want {
		d.tb.Fatalf("got %q, want %q", res.Plaintext, want)
	}
	return res
}

// refuse checks that a packet fails with a code and leaves no trace.
func (d *device) refuse(p packet, code omemo.Code) {
	d.tb.Helper()
	before := d.snapshot()
	_, err := d.tryReceive(p)
	if omemo.CodeOf(err) != code {
		d.tb.Fatalf("error %v, want %s", err, code)
	}
	d.unchanged(before)
}

// settle sends what is owed and returns the packets by recipient JID.
func (d *device) settle() map[string][]packet {
	d.tb.Helper()
	keys, err := omemo.SettleNeeds(d.read(omemo.KeyDue))
	if err != nil {
		d.tb.Fatal(err)
	}
	_, out, changes, err := omemo.Settle(d.read(keys...))
	if err != nil {
		d.tb.Fatal(err)
	}
	d.commit(changes)
	packets := map[string][]packet{}
	for _, o := range out {
		for i := range o.Encrypted.Keys {
			packets[o.To] = append(packets[o.To], d.packet(o.Encrypted, i))
		}
	}
	return packets
}

func (d *device) maintain(catchUp bool) (publish bool) {
	d.tb.Helper()
	publish, changes, err := omemo.Maintain(d.read(omemo.KeyIdentity, omemo.KeyPreKeys),
		omemo.MaintainOptions{Now: d.now, CatchUp: catchUp})
	if err != nil {
		d.tb.Fatal(err)
	}
	d.commit(changes)
	return publish
}

// eachVersion runs a test for both versions with two fresh devices.
func eachVersion(t *testing.T, f func(t *testing.T, v omemo.Version, alice, bob *device)) {
	for _, v := range bothVersions {
		t.Run(v.Namespace(), func(t *testing.T) {
			t.Parallel()
			f(t, v, newDevice(t, "alice@example.org", 11), newDevice(t, "bob@example.org", 22))
		})
	}
}
