// SPDX-License-Identifier: AGPL-3.0-or-later

package omemo

const (
	formatDue = 1
	maxDue    = 1 << 16
)

// dueEntry names a session that owes its peer an empty message.
type dueEntry struct {
	Address
	version Version
}

// dueList is the content of the record KeyDue. An entry is only a hint: what counts is the mark in the
// session, which any message to the device clears.
type dueList struct {
	entries []dueEntry
	changed bool
}

func (r Records) due() (*dueList, error) {
	data, err := r.get(KeyDue)
	if err != nil {
		return nil, err
	}
	d := &dueList{}
	if data == nil {
		return d, nil
	}
	in := openRecord(data, formatDue)
	for range in.count(maxDue) {
		if in.failed {
			break
		}
		e := dueEntry{Address{in.string(maxJID), in.uint32()}, Version(in.byte())}
		if !e.version.Valid() {
			in.failed = true
		}
		d.entries = append(d.entries, e)
	}
	return d, in.end(KeyDue)
}

func (d *dueList) add(e dueEntry) {
	for i := range d.entries {
		if d.entries[i] == e {
			return
		}
	}
	if len(d.entries) < maxDue {
		d.entries = append(d.entries, e)
		d.changed = true
	}
}

func (d *dueList) changes(to []Change) []Change {
	if !d.changed {
		return to
	}
	if len(d.entries) == 0 {
		return append(to, Change{KeyDue, nil})
	}
	w := newRecord(formatDue, 4+len(d.entries)*40)
	w.count(len(d.entries))
	for i := range d.entries {
		e := &d.entries[i]
		w.string(e.JID)
		w.uint32(e.Device)
		w.byte(byte(e.version))
	}
	return append(to, Change{KeyDue, w.buf})
}

// Outgoing is an <encrypted> element that is to be sent in a message of its own.
type Outgoing struct {
	To        string // bare JID
	Encrypted Encrypted
}

// SettleNeeds lists the records that Settle needs. It needs the record KeyDue itself.
func SettleNeeds(r Records) ([]string, error) {
	d, err := r.due()
	if err != nil {
		return nil, err
	}
	keys := []string{KeyIdentity, KeyDue}
	for i := range d.entries {
		keys = append(keys, SessionKey(d.entries[i].Address, d.entries[i].version))
	}
	return keys, nil
}

// Settle makes the empty messages that are owed: one to every device whose key exchange was accepted, and
// one to every device whose receiving chain has grown long (heartbeat). Sessions to which something was sent
// in the meantime owe nothing any more. To be called after Decrypt has said Due, during catch-up only when it
// has ended, and when the account comes online. There is at most one Outgoing per JID and version.
func Settle(r Records) (device uint32, out []Outgoing, changes []Change, err error) {
	id, err := r.identity()
	if err != nil {
		return 0, nil, nil, err
	}
	d, err := r.due()
	if err != nil || len(d.entries) == 0 {
		return id.self.Device, nil, nil, err
	}
	settled := settler{index: map[dueEntry]int{}}
	for i := range d.entries {
		if err := settled.settle(r, &d.entries[i]); err != nil {
			return 0, nil, nil, err
		}
	}
	d.entries, d.changed = nil, true
	return id.self.Device, settled.out, d.changes(settled.changes), nil
}

type settler struct {
	out     []Outgoing
	secrets [][]byte
	changes []Change
	index   map[dueEntry]int // JID and version to position in out
}

func (t *settler) settle(r Records, e *dueEntry) error {
	s, err := r.session(e.Address, e.version)
	if err != nil {
		return err
	}
	if len(s.ratchets) == 0 || !s.ratchets[0].due {
		return nil
	}
	group := dueEntry{Address{JID: e.JID}, e.version}
	i, known := t.index[group]
	if !known {
		i = len(t.out)
		t.index[group] = i
		empty := sealEmpty(e.version)
		t.out = append(t.out, Outgoing{e.JID, Encrypted{Version: e.version, IV: empty.iv}})
		t.secrets = append(t.secrets, empty.secret)
	}
	ratchet := s.ratchets[0]
	unanswered := ratchet.unanswered
	blob, exchange, err := ratchet.encrypt(t.secrets[i])
	if err != nil {
		return err
	}
	t.out[i].Encrypted.Keys = append(t.out[i].Encrypted.Keys, EncryptedKey{
		Address: e.Address, Data: blob, KeyExchange: exchange, Key: ratchet.remoteCurve, Unanswered: unanswered,
	})
	t.changes = append(t.changes, Change{SessionKey(e.Address, e.version), s.encode()})
	return nil
}
