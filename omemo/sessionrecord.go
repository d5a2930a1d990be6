// SPDX-License-Identifier: AGPL-3.0-or-later

package omemo

const formatSession = 1

// Flag bits of a ratchet in its record.
const (
	bitInitiator = 1 << iota
	bitConfirmed
	bitHeartbeat
	bitDue
	bitLastIndex
	bitReceiving
)

func (s *session) encode() []byte {
	size := 32
	for _, r := range s.ratchets {
		size += 420 + 36*len(r.recv.skipped)
		for i := range r.past {
			size += 45 + 36*len(r.past[i].skipped)
		}
	}
	w := newRecord(formatSession, size)
	w.uint32(s.received)
	w.time(s.lastReceived)
	w.byte(byte(len(s.ratchets))) //nolint:gosec // at most maxRatchets
	for _, r := range s.ratchets {
		r.encode(&w)
	}
	return w.buf
}

func (s *ratchet) encode(w *recordWriter) {
	w.byte(byte(s.version))
	w.byte(flag(s.initiator, bitInitiator) | flag(s.confirmed, bitConfirmed) | flag(s.heartbeat, bitHeartbeat) |
		flag(s.due, bitDue) | flag(s.lastIndex, bitLastIndex) | flag(s.recv.open, bitReceiving))
	w.key(&s.local)
	w.key(&s.remote)
	if s.version == V2 {
		w.key(&s.remoteCurve)
	}
	w.key(&s.ephemeral)
	w.uint32(s.preKey)
	w.uint32(s.signedPreKey)
	w.key(&s.root)
	w.pair(&s.send.keys)
	w.key(&s.send.chain)
	w.uint32(s.send.n)
	w.uint32(s.send.pn)
	if s.recv.open {
		w.key(&s.recv.dh)
		w.key(&s.recv.chain)
		s.recv.encodeKeys(w)
	}
	w.uint32(s.steps)
	w.uint32(s.unanswered)
	w.uint32(s.lastUsed)
	w.count(len(s.past))
	for i := range s.past {
		c := &s.past[i]
		w.key(&c.dh)
		w.uint32(c.closed)
		w.byte(flag(c.tail, 1))
		c.encodeKeys(w)
	}
}

func (k *keyring) encodeKeys(w *recordWriter) {
	w.uint32(k.end)
	w.uint32(k.dropped)
	w.count(len(k.skipped))
	for i := range k.skipped {
		w.uint32(k.skipped[i].n)
		w.key(&k.skipped[i].key)
	}
}

// session returns the stored session with a device; one without ratchets if there is none.
func (r Records) session(a Address, v Version) (*session, error) {
	return r.sessionUnder(SessionKey(a, v), v)
}

func (r Records) sessionUnder(key string, v Version) (*session, error) {
	data, err := r.get(key)
	if err != nil {
		return nil, err
	}
	s := &session{}
	if data == nil {
		return s, nil
	}
	in := openRecord(data, formatSession)
	s.received = in.uint32()
	s.lastReceived = in.time()
	n := int(in.byte())
	if n == 0 || n > maxRatchets {
		in.failed = true
		n = 0
	}
	for range n {
		s.ratchets = append(s.ratchets, decodeRatchet(&in, v))
	}
	return s, in.end(key)
}

func decodeRatchet(in *recordReader, v Version) *ratchet {
	s := &ratchet{version: Version(in.byte())}
	flags := in.byte()
	if s.version != v {
		in.failed = true
	}
	s.initiator = flags&bitInitiator != 0
	s.confirmed = flags&bitConfirmed != 0
	s.heartbeat = flags&bitHeartbeat != 0
	s.due = flags&bitDue != 0
	s.lastIndex = flags&bitLastIndex != 0
	s.local = in.key()
	s.remote = in.key()
	s.remoteCurve = s.remote
	if s.version == V2 {
		s.remoteCurve = in.key()
	}
	s.ephemeral = in.key()
	s.preKey = in.uint32()
	s.signedPreKey = in.uint32()
	s.root = in.key()
	s.send.keys = in.pair()
	s.send.chain = in.key()
	s.send.n = in.uint32()
	s.send.pn = in.uint32()
	if flags&bitReceiving != 0 {
		s.recv.open = true
		s.recv.dh = in.key()
		s.recv.chain = in.key()
		s.recv.keyring = decodeKeyring(in)
	}
	s.steps = in.uint32()
	s.unanswered = in.uint32()
	s.lastUsed = in.uint32()
	for range in.count(pastSteps + tailSteps) {
		s.past = append(s.past, pastChain{
			dh: in.key(), closed: in.uint32(), tail: in.byte() == 1, keyring: decodeKeyring(in),
		})
	}
	return s
}

func decodeKeyring(in *recordReader) keyring {
	k := keyring{end: in.uint32(), dropped: in.uint32()}
	n := in.count(MaxSkip)
	if n == 0 || in.failed {
		return k
	}
	k.skipped = make([]skippedKey, n)
	for i := range k.skipped {
		k.skipped[i].n = in.uint32()
		k.skipped[i].key = in.key()
	}
	return k
}
