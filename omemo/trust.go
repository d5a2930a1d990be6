// SPDX-License-Identifier: AGPL-3.0-or-later

package omemo

// Key is an identity key in Curve25519 form, the form in which fingerprints are shown and keys are compared
// in both versions.
type Key = [32]byte

// Trust is the user's (or the policy's) decision about an identity key.
type Trust uint8

const (
	// Undecided keys get no messages until the user decides.
	Undecided Trust = iota
	// Blind keys are trusted without having been verified.
	Blind
	// Verified keys were compared by the user, or vouched for by a verified device.
	Verified
	// Distrusted keys were rejected by the user.
	Distrusted
)

// Encrypts reports whether content may be encrypted for a key of this level.
func (t Trust) Encrypts() bool { return t == Blind || t == Verified }

// rank orders levels for the question which of two sessions is worth more.
func (t Trust) rank() int {
	switch t {
	case Verified:
		return 3
	case Blind:
		return 2
	case Undecided:
		return 1
	case Distrusted:
	}
	return 0
}

// Policy decides about identity keys that are seen for the first time.
type Policy uint8

const (
	// BlindBeforeVerification trusts new keys of a contact until the first key of that contact is verified;
	// from then on new keys are undecided (https://gultsch.de/trust.html).
	BlindBeforeVerification Policy = iota
	// AskAlways leaves every new key undecided.
	AskAlways
)

// Decide is the level of a key that is not among the known keys of its owner.
func (p Policy) Decide(known []KnownKey) Trust {
	if p != BlindBeforeVerification {
		return Undecided
	}
	for i := range known {
		if known[i].Trust == Verified {
			return Undecided
		}
	}
	return Blind
}

// KnownKey is an identity key that was seen with a bare JID.
type KnownKey struct {
	Key   Key
	Trust Trust
	// Device is the device id with which the key was seen first; 0 if it was only named (a QR code).
	Device uint32
	// FirstSeen is in seconds since 1970.
	FirstSeen int64
}

const (
	formatTrust = 1
	// MaxKnownKeys is the number of identity keys remembered for one bare JID.
	MaxKnownKeys = 512
)

// trustList is the content of a trust record.
type trustList struct {
	jid     string
	keys    []KnownKey
	changed bool
}

func (r Records) trust(jid string) (*trustList, error) {
	data, err := r.get(TrustKey(jid))
	if err != nil {
		return nil, err
	}
	t := &trustList{jid: jid}
	if data == nil {
		return t, nil
	}
	in := openRecord(data, formatTrust)
	for range in.count(MaxKnownKeys) {
		t.keys = append(t.keys, KnownKey{
			Key: in.key(), Trust: Trust(in.byte()), Device: in.uint32(), FirstSeen: in.time(),
		})
		if t.keys[len(t.keys)-1].Trust > Distrusted {
			in.failed = true
		}
	}
	return t, in.end(TrustKey(jid))
}

func (t *trustList) encode() []byte {
	w := newRecord(formatTrust, 4+len(t.keys)*45)
	w.count(len(t.keys))
	for i := range t.keys {
		k := &t.keys[i]
		w.key(&k.Key)
		w.byte(byte(k.Trust))
		w.uint32(k.Device)
		w.time(k.FirstSeen)
	}
	return w.buf
}

func (t *trustList) find(key *Key) *KnownKey {
	for i := range t.keys {
		if t.keys[i].Key == *key {
			return &t.keys[i]
		}
	}
	return nil
}

// level is the level of a key, Undecided for unknown ones.
func (t *trustList) level(key *Key) Trust {
	if k := t.find(key); k != nil {
		return k.Trust
	}
	return Undecided
}

// outranks reports whether a session with key a is worth more than one with key b: because a is trusted more,
// or as much and known for longer.
func (t *trustList) outranks(a, b *Key) bool {
	if ra, rb := t.level(a).rank(), t.level(b).rank(); ra != rb {
		return ra > rb
	}
	for i := range t.keys {
		switch t.keys[i].Key {
		case *b:
			return false
		case *a:
			return true
		}
	}
	return false
}

// room makes room for a key. From a full list goes the newest key that the person has decided nothing about: who shows ever
// new keys pushes out these. False if there is none.
//
//go:noinline
func (t *trustList) room() bool {
	if len(t.keys) < MaxKnownKeys {
		return true
	}
	for level := Undecided; level <= Blind; level++ {
		for i := len(t.keys) - 1; i >= 0; i-- {
			if t.keys[i].Trust == level {
				t.keys = append(t.keys[:i], t.keys[i+1:]...)
				return true
			}
		}
	}
	return false
}

// decide is the level of a key that is new. A device has one key for its life: who comes as a known device with another one may be
// somebody else, and the person is asked, whatever the policy is about devices that are new.
func (t *trustList) decide(policy Policy, device uint32) Trust {
	if t.keyOf(device) != (Key{}) {
		return Undecided
	}
	return policy.Decide(t.keys)
}

// observe notes that a key was seen with a device. New keys get the level that the policy decides; where the
// list is full of decisions they are not noted and stay undecided.
func (t *trustList) observe(key *Key, device uint32, policy Policy, now int64) (level Trust, isNew bool) {
	if k := t.find(key); k != nil {
		if k.Device == 0 {
			k.Device, t.changed = device, true
		}
		return k.Trust, false
	}
	if !t.room() {
		return Undecided, true
	}
	level = t.decide(policy, device)
	t.keys = append(t.keys, KnownKey{*key, level, device, now})
	t.changed = true
	return level, true
}

func (t *trustList) changes(to []Change) []Change {
	if !t.changed {
		return to
	}
	return append(to, Change{TrustKey(t.jid), t.encode()})
}

// KnownKeys lists the identity keys seen with a bare JID. It needs the record TrustKey(jid).
func KnownKeys(r Records, jid string) ([]KnownKey, error) {
	t, err := r.trust(jid)
	if err != nil {
		return nil, err
	}
	return t.keys, nil
}

// SetTrust records the user's decision about an identity key of a bare JID, which need not have been seen
// yet (a scanned QR code). It needs the record TrustKey(jid).
func SetTrust(r Records, jid string, key Key, level Trust, now int64) ([]Change, error) {
	if err := checkJID(jid); err != nil {
		return nil, err
	}
	if level > Distrusted {
		return nil, fail(CodeArgument, "unknown trust level")
	}
	t, err := r.trust(jid)
	if err != nil {
		return nil, err
	}
	switch k := t.find(&key); {
	case k != nil:
		t.changed = k.Trust != level
		k.Trust = level
	case !t.room():
		return nil, fail(CodeLimit, "too many identity keys for this JID")
	default:
		t.keys = append(t.keys, KnownKey{Key: key, Trust: level, FirstSeen: now})
		t.changed = true
	}
	return t.changes(nil), nil
}
