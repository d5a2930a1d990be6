package federation

import (
	"errors"

	"kith/internal/peer"
	"kith/internal/stanza"
)

// incoming takes a stanza whose sender is proven. done is called when it is accepted.
func (s *Service) incoming(w *wire, st *stanza.Stanza, done func()) {
	switch {
	case isFence(st):
		if l := s.linkIfAny(peer.Link{Local: st.To.Domain(), Remote: st.From.Domain()}); l != nil {
			l.do(func() { l.fence.answered(l, st.ID) })
		}
		done()
		return
	case s.spam.takes(st):
		done()
		return
	}
	if s.confined(st.To, st.From, st) != nil {
		// Who asks learns as little as of an account that does not exist.
		s.answer(st, &stanza.Fault{Condition: stanza.ServiceUnavailable})
		done()
		return
	}
	if f := s.strange(st); f != nil {
		s.answer(st, f)
		done()
		return
	}
	s.deps.Router.Route(st, done)
}

// answer refuses a stanza of another server.
func (s *Service) answer(st *stanza.Stanza, f *stanza.Fault) {
	if st.Kind == stanza.Presence && st.Type != stanza.Subscribe {
		return
	}
	if e := st.Fail(f); e != nil {
		s.enqueue(e, nil, nil)
	}
}

// malformed answers a stanza that is none, in the name of the domain where its recipient is not even
// an address.
func (s *Service) malformed(w *wire, st *stanza.Stanza, err error) {
	f := &stanza.Fault{Condition: stanza.BadRequest, Cause: err}
	if errors.Is(err, stanza.ErrAddress) {
		f.Condition = stanza.JIDMalformed
	}
	if st.To.IsZero() {
		st = st.Address(mustDomain(w.Local))
	}
	s.answer(st, f)
}

// linkIfAny is the actor of a pair of domains, nil if there is none.
func (s *Service) linkIfAny(pair peer.Link) *link {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.links[pair]
}
