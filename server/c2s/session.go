package c2s

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"kith/internal/clock"
	"kith/internal/jid"
	"kith/internal/stanza"
	"kith/internal/stream"
	"kith/server/module"
	"kith/server/router"
)

// session is one bound resource. Its methods may be called from any goroutine; the account's actor
// calls those of [router.Stream].
//
// The mutex is held for moments only: neither while writing nor while calling anybody.
type session struct {
	srv   *Server
	jid   jid.JID
	login module.Login
	// detached is since when there is no link, in nanoseconds since 1970; 0 while there is one.
	detached atomic.Int64

	mu     sync.Mutex // guards everything below
	cond   *sync.Cond // the link, ended, or the counters of in have changed
	router *router.Session
	link   *link // nil while the client is away
	// corked: the link is not ready for what is queued; an answer of the negotiation comes first.
	corked bool
	ended  bool // nothing is sent any more; what is delivered remains for Undelivered
	gone   bool // Undelivered was called
	queue  queue
	held   holdback
	in     *stream.Inbound
	sm     management
	expiry clock.Timer // runs while the client is away
	watch  watch
}

var _ router.Stream = (*session)(nil)

// newSession makes the session that a link negotiates. It sends nothing until it is released.
func (s *Server) newSession(l *link, full jid.JID, login module.Login) *session {
	sess := &session{srv: s, jid: full, login: login, link: l, corked: true, in: stream.NewInbound(s.cfg.Unaccepted)}
	sess.cond = sync.NewCond(&sess.mu)
	return sess
}

func (s *session) now() time.Time { return s.srv.deps.Clock.Now() }

// detachedSince is when the session lost its connection; zero if it has one.
func (s *session) detachedSince() time.Time {
	if n := s.detached.Load(); n != 0 {
		return time.Unix(0, n)
	}
	return time.Time{}
}

// release lets the session send, once the answer of the negotiation is out.
func (s *session) release(l *link) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.link != l || s.ended {
		return
	}
	s.corked = false
	now := s.now()
	s.arm(now, now.Add(s.srv.cfg.IdleTime))
	s.kick()
}

// Deliver implements [router.Stream].
func (s *session) Deliver(st *stanza.Stanza, delivered func()) {
	s.mu.Lock()
	if s.gone {
		s.mu.Unlock()
		return
	}
	o := outgoing{stanza: st, delivered: delivered}
	if s.holding() && s.hold(o) {
		s.mu.Unlock()
		return
	}
	s.unhold()
	s.enqueue(o)
}

// enqueue adds to the queue, whose overflow ends the session. It needs s.mu, and releases it.
func (s *session) enqueue(o outgoing) {
	s.queue.push(o)
	over := !s.ended && s.queue.over(s.srv.cfg)
	s.kick()
	s.mu.Unlock()
	if over {
		s.srv.counters.QueueOverflow.Inc()
		s.finish(&stream.Error{Condition: stream.ResourceConstraint, Text: "Too much is waiting to be read by this client."})
	}
}

// End implements [router.Stream].
func (s *session) End(why module.EndReason) {
	s.finish(&stream.Error{Condition: stream.Condition(why.Condition), Text: why.Text})
}

// Attached implements [router.Stream].
func (s *session) Attached() bool { return s.detached.Load() == 0 }

// Unacknowledged implements [router.Stream].
func (s *session) Unacknowledged() []*stanza.Stanza {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.unacknowledged()
}

// unacknowledged needs s.mu.
func (s *session) unacknowledged() []*stanza.Stanza {
	var out []*stanza.Stanza
	if s.link != nil {
		out = appendStanzas(out, s.link.batch)
	}
	out = appendStanzas(out, s.queue.rest())
	return appendStanzas(out, s.held.list())
}

// Undelivered implements [router.Stream].
func (s *session) Undelivered() []*stanza.Stanza {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gone = true
	out := s.unacknowledged()
	s.queue, s.held = queue{}, holdback{}
	return out
}

func appendStanzas(out []*stanza.Stanza, from []outgoing) []*stanza.Stanza {
	for _, o := range from {
		if o.stanza != nil {
			out = append(out, o.stanza)
		}
	}
	return out
}

// finish ends the session for good, with a stream error if the client shall know why.
func (s *session) finish(e *stream.Error) {
	s.mu.Lock()
	s.end(e)
}

// finishFrom is finish because of what came from a link. Only that link ends if the session goes on
// at another one.
func (s *session) finishFrom(l *link, e *stream.Error) {
	s.mu.Lock()
	if s.link != l {
		s.mu.Unlock()
		l.end(e)
		return
	}
	s.end(e)
}

// end needs s.mu, and releases it.
func (s *session) end(e *stream.Error) {
	if s.ended {
		s.mu.Unlock()
		return
	}
	s.ended = true
	l, id, h, rs := s.link, s.sm.id, s.in.H(), s.router
	var last func(Conn)
	if l != nil && !s.corked {
		last = s.lastWords()
	}
	if s.expiry != nil {
		s.expiry.Stop()
	}
	s.watch.stop()
	s.cond.Broadcast()
	s.mu.Unlock()
	s.srv.sessions.remove(s, id, h)
	if l != nil {
		l.endAfter(last, e)
	}
	if rs != nil {
		rs.Unbind()
	}
}

// lastWords writes what is queued for the client, which may be the answer to the very request that
// ended the session, and a final acknowledgement. It needs s.mu; what it returns does not.
func (s *session) lastWords() func(Conn) {
	unsent := append([]outgoing(nil), s.queue.unsent()...)
	ack := s.sm.enabled
	h := s.in.H()
	return func(c Conn) {
		for _, o := range unsent {
			o.write(c)
		}
		if ack {
			c.Element(ackElement(h))
		}
	}
}

// bound records the router's side of the session. It returns false if the session ended meanwhile.
func (s *session) bound(rs *router.Session) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.router = rs
	return !s.ended
}

// abandon forgets a session that could not be bound. Its link may try again.
func (s *session) abandon() {
	s.mu.Lock()
	s.link = nil
	s.mu.Unlock()
	s.finish(nil)
}

// lost is what becomes of the session when its connection is gone.
func (s *session) lost(l *link) {
	s.mu.Lock()
	if s.link != l || s.ended {
		s.mu.Unlock()
		return
	}
	if !s.sm.resumable || !s.sm.counting || s.srv.stopping.Load() {
		s.end(nil)
		return
	}
	s.detach()
	rs := s.router
	s.mu.Unlock()
	l.conn.Abort()
	s.srv.counters.Detached.Inc()
	if rs != nil {
		rs.Detached()
	}
}

// read is the reading goroutine of a link, once it has its session. It returns when the link is
// done with.
func (s *session) read(l *link) {
	defer s.lost(l)
	for {
		item, err := l.conn.Next()
		if l.over.Load() {
			return
		}
		if bad, ok := errors.AsType[*stream.Error](err); ok {
			s.srv.counters.BadStream.Inc()
			s.finishFrom(l, bad)
			return
		}
		if err != nil {
			return
		}
		switch item.Kind {
		case stream.Element:
			if bad := s.element(l, item.Element); bad != nil {
				s.finishFrom(l, bad)
				return
			}
		case stream.Close:
			s.settle(l)
			s.finishFrom(l, nil)
			return
		case stream.Open:
			s.finishFrom(l, &stream.Error{Condition: stream.PolicyViolation, Text: "There is a stream already."})
			return
		case stream.Space:
		}
		if l.over.Load() {
			return
		}
	}
}

// settle waits until everything that the client sent is accepted, so that the last thing it is
// told is true; not for too long.
func (s *session) settle(l *link) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.await(closeTime, func() bool { return s.in.Settled() || s.ended || s.link != l })
}

// await waits for a condition, for at most d. It needs s.mu, and gives it up meanwhile.
func (s *session) await(d time.Duration, met func() bool) bool {
	if met() {
		return true
	}
	late := false
	t := s.srv.deps.Clock.AfterFunc(d, func() {
		s.mu.Lock()
		late = true
		s.cond.Broadcast()
		s.mu.Unlock()
	})
	defer t.Stop()
	for !met() {
		if late {
			return false
		}
		s.cond.Wait()
	}
	return true
}
