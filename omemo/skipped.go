// SPDX-License-Identifier: AGPL-3.0-or-later

package omemo

const (
	// MaxSkip is the largest number of messages that one message may skip, and the largest number of skipped
	// keys that a session keeps; the oldest go first (XEP-0384 section 4.2).
	MaxSkip = 1000

	// tailSteps is for how many turns of the ratchet a closed chain is remembered at all: to know its
	// messages as duplicates, and to keep the key after its announced end (see closeChain).
	tailSteps = 5
	// pastSteps is for how many turns skipped keys of a closed chain are kept.
	pastSteps = 200
)

// skippedKey is the message key of a message that has not arrived.
type skippedKey struct {
	n   uint32
	key [32]byte
}

// pastChain is a closed receiving chain.
type pastChain struct {
	dh     [32]byte
	closed uint32 // value of ratchet.steps when it was closed
	// tail: key end-1 is kept for a message that was perhaps never sent.
	tail bool
	keyring
}

// keyring holds the keys of messages of one chain that have not arrived, in order of n. Of the other messages
// below end it is known that they were decrypted, unless they are below dropped: there keys were given up.
type keyring struct {
	end, dropped uint32
	skipped      []skippedKey
}

// skipTo advances the chain to message n and returns the keys passed over.
func (c *recvChain) skipTo(n uint32) ([]skippedKey, error) {
	if n < c.end || n-c.end > MaxSkip {
		return nil, fail(CodeTooManySkipped, "")
	}
	if n == 1<<32-1 {
		return nil, fail(CodeLimit, "receiving chain is exhausted")
	}
	var keys []skippedKey
	for ; c.end < n; c.end++ {
		keys = append(keys, skippedKey{c.end, chainStep(&c.chain)})
	}
	return keys, nil
}

// closeChain keeps the keys of those messages of the receiving chain that have not arrived, as the peer's pn
// tells. The double ratchet says that pn is the number of messages, N; libsignal and its children send the
// index of the last one, N-1, or 2^32-1 for none. Without knowing the kind of peer we must therefore keep the
// key of message pn too, or the last message is lost if it comes late. That one key (the tail) is garbage
// with peers of the first kind and goes after tailSteps turns.
func (s *ratchet) closeChain(c *recvChain, pn uint32) {
	past := pastChain{dh: c.dh, closed: s.steps, keyring: c.keyring}
	switch {
	case pn == 1<<32-1: // none
	case pn < c.end:
		// Messages 0 to end-1 exist, so pn is no count: the peer gives the last index.
		s.lastIndex = true
	default:
		// More than MaxSkip missing messages do not block the turn; the oldest of them are kept.
		end, tail := pn+1, !s.lastIndex
		if end-c.end > MaxSkip {
			end, tail = c.end+MaxSkip, false
		}
		if keys, err := c.skipTo(end); err == nil {
			past.tail = tail
			past.end = end
			past.skipped = append(past.skipped, keys...)
		}
	}
	s.past = append(s.past, past)
}

func (s *ratchet) findPast(dh *[32]byte) *pastChain {
	for i := range s.past {
		if s.past[i].dh == *dh {
			return &s.past[i]
		}
	}
	return nil
}

// openSkipped decrypts a late message with its kept key and forgets the key.
func (s *ratchet) openSkipped(k *keyring, m *ratchetMessage) ([]byte, error) {
	for i := range k.skipped {
		if k.skipped[i].n != m.n {
			continue
		}
		plaintext, err := s.openMessage(&k.skipped[i].key, m)
		if err == nil {
			k.skipped = append(k.skipped[:i:i], k.skipped[i+1:]...)
		}
		return plaintext, err
	}
	if m.n < k.dropped || m.n >= k.end {
		return nil, fail(CodeExpired, "")
	}
	return nil, fail(CodeDuplicate, "")
}

// prunePast forgets old chains. It goes by turns of the ratchet, not by time, as XEP-0384 recommends.
func (s *ratchet) prunePast() {
	kept := s.past[:0]
	for _, c := range s.past {
		age := s.steps - c.closed
		if c.tail && age > tailSteps {
			c.tail = false
			c.end--
			if n := len(c.skipped); n > 0 && c.skipped[n-1].n == c.end {
				c.skipped = c.skipped[:n-1]
			}
		}
		if age <= tailSteps || (len(c.skipped) > 0 && age <= pastSteps) {
			kept = append(kept, c)
		}
	}
	s.past = kept
}

// limitSkipped enforces MaxSkip over all chains, oldest first.
func (s *ratchet) limitSkipped() {
	total := len(s.recv.skipped)
	for i := range s.past {
		total += len(s.past[i].skipped)
	}
	for i := 0; total > MaxSkip; i++ {
		k := &s.recv.keyring
		if i < len(s.past) {
			k = &s.past[i].keyring
		}
		if drop := min(total-MaxSkip, len(k.skipped)); drop > 0 {
			k.dropped = k.skipped[drop-1].n + 1
			k.skipped = k.skipped[drop:]
			total -= drop
		}
	}
}
