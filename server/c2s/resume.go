package c2s

import (
	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/internal/stream"
	"kith/internal/xmltree"
)

// detach leaves the session without a link until its client comes back or its time is over. It
// needs s.mu.
func (s *session) detach() {
	s.link, s.corked = nil, true
	s.watch.stop()
	now := s.now()
	s.detached.Store(now.UnixNano())
	s.cond.Broadcast()
	if s.expiry != nil {
		s.expiry.Stop()
	}
	s.expiry = s.srv.deps.Clock.AfterFunc(s.sm.max, func() {
		s.mu.Lock()
		away := s.link == nil && s.detached.Load() == now.UnixNano()
		s.mu.Unlock()
		if away {
			s.srv.counters.Expired.Inc()
			s.finish(nil)
		}
	})
}

// resumption is the answer to a resume element.
type resumption struct {
	// session that goes on, nil if there is none; h is its counter.
	session *session
	h       uint32
	// failed is the element to send otherwise.
	failed string
}

// element is what a resumed client is told.
func (r resumption) element() string {
	w := xmltree.NewWriter(96)
	return w.Empty(ns.SM, "resumed", "previd", r.session.sm.id, "h", itoa(r.h)).String()
}

// resume looks for the session that a client wants to go on with, and gives it this link. The
// session sends nothing until it is released.
func (s *Server) resume(l *link, account jid.JID, e xmltree.Element) (resumption, *stream.Error) {
	h, ok := parseH(e)
	if !ok || e.Attr("previd") == "" {
		s.counters.ResumeFailed.Inc()
		return resumption{failed: failedElement(stanza.BadRequest, "A resumption needs previd and h.", nil)}, nil
	}
	sess, ended := s.sessions.find(e.Attr("previd"), account)
	if sess != nil {
		r, bad := sess.takeOver(l, h)
		switch {
		case bad != nil, r.session != nil:
			return r, bad
		case r.failed != "":
			s.counters.ResumeFailed.Inc()
			return r, nil
		}
		// It ended at this very moment.
		_, ended = s.sessions.find(e.Attr("previd"), account)
	}
	s.counters.ResumeFailed.Inc()
	var count *uint32
	if ended != nil {
		count = &ended.H
	}
	return resumption{failed: failedElement(stanza.ItemNotFound, "", count)}, nil
}

// takeOver gives the session another link in the place of the one it has, if any. The zero
// resumption means that the session has ended.
//
// What came in by the old link may still be on its way into the archive. The client must not be
// told less than what will be stored in the end, or it would send that again; so the answer waits
// for it.
func (s *session) takeOver(l *link, h uint32) (resumption, *stream.Error) {
	s.mu.Lock()
	if s.ended {
		s.mu.Unlock()
		return resumption{}, nil
	}
	delivered, bad := s.ack(h)
	if bad != nil {
		s.mu.Unlock()
		return resumption{}, bad
	}
	old := s.link
	s.link, s.corked = l, true
	if s.expiry != nil {
		s.expiry.Stop()
	}
	s.cond.Broadcast()
	s.mu.Unlock()
	call(delivered)
	if old != nil {
		old.end(&stream.Error{Condition: stream.Conflict, Text: "The session goes on at another connection."})
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	settled := s.await(settleTime, func() bool { return s.in.Settled() || s.link != l || s.ended || l.over.Load() })
	switch {
	case s.ended:
		return resumption{}, nil
	case s.link != l:
		// Another connection has come for it meanwhile, and has ended this one.
		return resumption{failed: failedElement(stanza.Conflict, "", nil)}, nil
	case !settled, l.over.Load():
		s.detach()
		return resumption{failed: failedElement(stanza.ResourceConstraint, "What was sent before is still being stored.", nil)}, nil
	}
	s.detached.Store(0)
	s.queue.sent = 0 // what is not acknowledged goes out again
	s.sm.asked, s.sm.due, s.sm.late, s.sm.ask, s.sm.requested = nil, 0, 0, s.sm.out.Unacked() > 0, false
	s.sm.told = s.in.Handled()
	s.held.inactive = false // XEP-0352 section 5.2
	s.unhold()
	s.srv.counters.Resumed.Inc()
	return resumption{session: s, h: s.in.H()}, nil
}
