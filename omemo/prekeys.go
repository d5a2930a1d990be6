// SPDX-License-Identifier: AGPL-3.0-or-later

package omemo

const (
	// PreKeyCount is the number of one-time prekeys in a full bundle (XEP-0384 section 4.1: around 100).
	PreKeyCount = 100
	// SignedPreKeyPeriod is the age, in seconds, at which Maintain replaces the signed prekey: a week.
	SignedPreKeyPeriod = 7 * 24 * 3600
	// SignedPreKeyGrace is how long, in seconds, a replaced signed prekey still opens key exchanges that
	// were under way: four weeks.
	SignedPreKeyGrace = 4 * SignedPreKeyPeriod
	// PreKeyGrace is how long, in seconds, a used one-time prekey still opens the key exchange of another
	// device that took the same one before the bundle was published again: ten minutes.
	PreKeyGrace = 600

	formatPreKeys = 2
	maxPreKeys    = 4096
	maxSigned     = 16
	// maxPreKeyID keeps ids within 24 bits, which libsignal took for the maximum.
	maxPreKeyID = 1<<24 - 1
)

type signedPreKey struct {
	id uint32
	keyPair
	// One signature per version, because 0.3 signs the type byte along.
	signature [3][signatureSize]byte // by Version; element 0 is unused
	created   int64
	retired   int64 // 0 while current
}

type preKey struct {
	id uint32
	// used is when a key exchange has taken it, in seconds since 1970; 0 for not yet.
	used int64
	keyPair
}

// preKeys is the content of the record KeyPreKeys. The current signed prekey comes first.
type preKeys struct {
	signed  []signedPreKey
	oneTime []preKey
}

// rotate makes a new signed prekey the current one. Ids are random, not consecutive, so that they do not
// tell the age of a device or the number of its sessions.
func (k *preKeys) rotate(id *identity, now int64) {
	next := signedPreKey{keyPair: newKeyPair(), created: now}
	for next.id == 0 || k.findSigned(next.id) != nil {
		next.id = randomID(maxPreKeyID)
	}
	for _, v := range []Version{V03, V2} {
		copy(next.signature[v][:], id.sign(v.params().publicKeyBytes(&next.public)))
	}
	if len(k.signed) > 0 {
		k.signed[0].retired = now
	}
	k.signed = append([]signedPreKey{next}, k.signed...)
	if len(k.signed) > maxSigned {
		k.signed = k.signed[:maxSigned]
	}
}

// refill adds one-time prekeys until PreKeyCount are unused, and reports whether it had to.
func (k *preKeys) refill() bool {
	unused := 0
	taken := make(map[uint32]bool, len(k.oneTime))
	for i := range k.oneTime {
		taken[k.oneTime[i].id] = true
		if k.oneTime[i].used == 0 {
			unused++
		}
	}
	added := false
	for unused < PreKeyCount && len(k.oneTime) < maxPreKeys {
		id := randomID(maxPreKeyID)
		if taken[id] {
			continue
		}
		taken[id] = true
		k.oneTime = append(k.oneTime, preKey{id: id, keyPair: newKeyPair()})
		unused++
		added = true
	}
	return added
}

func (k *preKeys) findSigned(id uint32) *signedPreKey {
	for i := range k.signed {
		if k.signed[i].id == id {
			return &k.signed[i]
		}
	}
	return nil
}

func (k *preKeys) find(id uint32) *preKey {
	for i := range k.oneTime {
		if k.oneTime[i].id == id {
			return &k.oneTime[i]
		}
	}
	return nil
}

// consume takes a one-time prekey out of the bundle. It goes when its grace is over.
func (k *preKeys) consume(id uint32, now int64) {
	if p := k.find(id); p.used == 0 {
		p.used = max(now, 1)
	}
}

func (k *preKeys) encode() []byte {
	w := newRecord(formatPreKeys, len(k.signed)*220+len(k.oneTime)*76+8)
	w.count(len(k.signed))
	for i := range k.signed {
		s := &k.signed[i]
		w.uint32(s.id)
		w.pair(&s.keyPair)
		w.fixed(s.signature[V03][:])
		w.fixed(s.signature[V2][:])
		w.time(s.created)
		w.time(s.retired)
	}
	w.count(len(k.oneTime))
	for i := range k.oneTime {
		w.uint32(k.oneTime[i].id)
		w.time(k.oneTime[i].used)
		w.pair(&k.oneTime[i].keyPair)
	}
	return w.buf
}

func flag(set bool, bit byte) byte {
	if set {
		return bit
	}
	return 0
}

func (r Records) preKeys() (*preKeys, error) {
	data, err := r.get(KeyPreKeys)
	if err != nil {
		return nil, err
	}
	if data == nil {
		return nil, fail(CodeNoIdentity, "no prekeys")
	}
	in := openRecord(data, formatPreKeys)
	k := &preKeys{}
	for range in.count(maxSigned) {
		s := signedPreKey{id: in.uint32(), keyPair: in.pair()}
		copy(s.signature[V03][:], in.take(signatureSize))
		copy(s.signature[V2][:], in.take(signatureSize))
		s.created, s.retired = in.time(), in.time()
		k.signed = append(k.signed, s)
	}
	n := in.count(maxPreKeys)
	k.oneTime = make([]preKey, 0, n)
	for range n {
		k.oneTime = append(k.oneTime, preKey{id: in.uint32(), used: in.time(), keyPair: in.pair()})
	}
	if len(k.signed) == 0 {
		in.failed = true
	}
	return k, in.end(KeyPreKeys)
}

// MaintainOptions are the circumstances of Maintain.
type MaintainOptions struct {
	// Now is the time in seconds since 1970.
	Now int64
	// CatchUp is set while messages of the archive are still being read: used prekeys stay, nothing
	// expires.
	CatchUp bool
}

// Maintain keeps the prekeys in order: it deletes one-time prekeys that were used PreKeyGrace ago, refills them to
// PreKeyCount, replaces the signed prekey after SignedPreKeyPeriod and deletes replaced ones after SignedPreKeyGrace.
// To be called when Decrypt has said so and again PreKeyGrace later, when catch-up has ended, and once a day. publish tells that the bundle changed
// and must be published again, in both versions, after the changes are committed.
// It needs the records KeyIdentity and KeyPreKeys.
func Maintain(r Records, o MaintainOptions) (publish bool, changes []Change, err error) {
	id, err := r.identity()
	if err != nil {
		return false, nil, err
	}
	keys, err := r.preKeys()
	if err != nil {
		return false, nil, err
	}
	changed := false
	if !o.CatchUp {
		changed = keys.expire(o.Now)
		// A creation time in the future comes from a wrong clock; such a key would live for ever.
		if age := o.Now - keys.signed[0].created; age >= SignedPreKeyPeriod || age < -SignedPreKeyPeriod {
			keys.rotate(id, o.Now)
			publish = true
		}
	}
	if keys.refill() {
		publish = true
	}
	if !changed && !publish {
		return false, nil, nil
	}
	return publish, []Change{{KeyPreKeys, keys.encode()}}, nil
}

// expire drops one-time and signed prekeys whose grace is over; times in the future come from a wrong clock.
func (k *preKeys) expire(now int64) (changed bool) {
	before := len(k.oneTime) + len(k.signed)
	oneTime := k.oneTime[:0]
	for _, p := range k.oneTime {
		if age := now - p.used; p.used == 0 || age < PreKeyGrace && age > -PreKeyGrace {
			oneTime = append(oneTime, p)
		}
	}
	k.oneTime = oneTime
	signed := k.signed[:1]
	for _, s := range k.signed[1:] {
		if s.retired > now {
			s.retired, changed = now, true
		}
		if now-s.retired < SignedPreKeyGrace {
			signed = append(signed, s)
		}
	}
	k.signed = signed
	return changed || len(k.oneTime)+len(k.signed) != before
}
