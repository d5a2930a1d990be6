package muc

import (
	"kith/internal/stanza"
	"kith/server/module"
)

// A client that joins gets the presence of everybody at once, which can be more than the mailbox of its
// account holds. Such a burst is sent in parts: the next when the last was taken. What else is for the
// client waits behind it.

const (
	// burst is the size from which on presence is sent in parts.
	burst = 512
	// flight is how much of a burst may be on its way.
	flight = 256
	// patience is how much more than the burst itself may wait for a client; one that lets more
	// gather is gone.
	patience = 8192
)

// held is what waits for a client during a burst.
type held struct {
	waiting []*stanza.Stanza
	flying  int
	limit   int
}

// hold begins a burst of n stanzas to a client. It is for say functions of the line.
func (r *Room) hold(s *session, n int) {
	if n < burst {
		return
	}
	if s.held == nil {
		s.held = &held{}
	}
	s.held.limit = len(s.held.waiting) + n + patience
}

// deliver sends a stanza to a client in a say function of the line.
func (r *Room) deliver(s *session, st *stanza.Stanza) {
	if s.held == nil {
		r.emit(st.Address(s.jid))
		return
	}
	s.held.waiting = append(s.held.waiting, st)
	r.pump(s)
}

// give is deliver in the order of the line.
func (r *Room) give(s *session, st *stanza.Stanza) { r.later(func() { r.deliver(s, st) }) }

// pump sends as much of a burst as may be on its way.
func (r *Room) pump(s *session) {
	h := s.held
	for h.flying < flight && len(h.waiting) > 0 {
		st := h.waiting[0]
		h.waiting[0] = nil
		h.waiting = h.waiting[1:]
		h.flying++
		r.s.router.Route(module.NewEnvelope(st.Address(s.jid), func() {
			_ = r.box.Force(work{do: func(r *Room, _ error) { r.landed(s) }})
		}))
	}
	if len(h.waiting) == 0 && h.flying == 0 {
		s.held = nil
		return
	}
	if len(h.waiting) > h.limit {
		h.waiting, h.limit = nil, 1<<30
		_ = r.box.Force(work{do: func(r *Room, _ error) {
			if r.session(s.jid) == s {
				r.s.counters.Slow.Inc()
				r.ghost(s)
			}
		}})
	}
}

// landed notes that a part of a burst was taken.
func (r *Room) landed(s *session) {
	if s.held != nil {
		s.held.flying--
		r.pump(s)
	}
}

// cut forgets what waits for a client that leaves, and lets the rest pass at once.
func (r *Room) cut(s *session) { s.held = nil }
