// SPDX-License-Identifier: AGPL-3.0-or-later

package omemo

const (
	// maxRatchets is the number of ratchets kept for one device and version: the current one and some
	// earlier ones, which only decrypt.
	maxRatchets = 5
	// staleAfter is the number of messages after which an earlier ratchet that was of no use is dropped.
	staleAfter = 100
	// HeartbeatAt is the counter from which on an empty message is owed, once per receiving chain
	// (XEP-0384 section 6).
	HeartbeatAt = 53
)

// session is what this device shares with one other device in one version: the content of a session record.
//
// There is more than one ratchet in it when both sides started at the same time, when the peer started
// again, or when somebody claims to be the peer. The first one encrypts. A message is tried with all of
// them, and one that decrypts a fresh message becomes the first, because that is evidently what the peer
// uses: this is how two sides that started at the same time come together again.
type session struct {
	ratchets []*ratchet
	// received counts decrypted messages.
	received uint32
	// lastReceived is in seconds since 1970, 0 if nothing was received.
	lastReceived int64
}

// encrypting returns the ratchet to encrypt with: the first whose identity key may be encrypted to.
func (s *session) encrypting(t *trustList) *ratchet {
	for _, r := range s.ratchets {
		if t.level(&r.remoteCurve).Encrypts() {
			return r
		}
	}
	return nil
}

// add puts a new ratchet in front. If there are too many, the one that is worth least goes, of equals the last.
// A forger who starts sessions in the peer's name can thus not push out the real one.
func (s *session) add(r *ratchet, t *trustList) {
	r.lastUsed = s.received
	s.ratchets = append([]*ratchet{r}, s.ratchets...)
	if len(s.ratchets) <= maxRatchets {
		return
	}
	least := len(s.ratchets) - 1
	for i := least - 1; i > 0; i-- {
		if t.outranks(&s.ratchets[least].remoteCurve, &s.ratchets[i].remoteCurve) {
			least = i
		}
	}
	s.drop(least)
}

func (s *session) drop(i int) {
	s.ratchets = append(s.ratchets[:i:i], s.ratchets[i+1:]...)
}

// byExchange finds the ratchet that a key exchange of the peer has made.
func (s *session) byExchange(k *keyExchange) int {
	for i, r := range s.ratchets {
		if !r.initiator && r.ephemeral == k.ephemeral && r.remote == k.identity {
			return i
		}
	}
	return -1
}

// opened is a message that a ratchet has decrypted.
type opened struct {
	secret  []byte
	ratchet *ratchet
	fresh   bool // it is the newest message of the newest chain
}

// decrypt tries a message with every ratchet, or with only one if only is not negative. Nothing is changed
// unless the message is genuine.
func (s *session) decrypt(m *ratchetMessage, only int) (o opened, err error) {
	if len(s.ratchets) == 0 {
		return o, fail(CodeNoSession, "")
	}
	for i, r := range s.ratchets {
		if only >= 0 && i != only {
			continue
		}
		trial := *r // what a failed decrypt changes lies in the struct itself
		secret, fresh, tryErr := trial.decrypt(m)
		if tryErr != nil {
			// A duplicate or a flood is known to belong to this ratchet; that says more than "not genuine".
			if err == nil || CodeOf(err) == CodeAuthentication {
				err = tryErr
			}
			continue
		}
		*r = trial
		s.received++
		r.lastUsed = s.received
		if fresh {
			s.promote(i)
		}
		return opened{secret, r, fresh}, nil
	}
	return o, err
}

// promote moves a ratchet to the front.
func (s *session) promote(i int) {
	r := s.ratchets[i]
	copy(s.ratchets[1:i+1], s.ratchets[:i])
	s.ratchets[0] = r
}

// forget drops earlier ratchets that have long been of no use, unless they are worth more than the current one.
func (s *session) forget(t *trustList) {
	current := &s.ratchets[0].remoteCurve
	for i := len(s.ratchets) - 1; i > 0; i-- {
		r := s.ratchets[i]
		if s.received-r.lastUsed > staleAfter && !t.outranks(&r.remoteCurve, current) {
			s.drop(i)
		}
	}
}
