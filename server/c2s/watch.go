package c2s

import (
	"crypto/rand"
	"time"

	"kith/internal/clock"
	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/internal/xmltree"
)

// watch wakes the session for the earliest of its deadlines. There is one timer for all of them,
// which is set earlier when need be and never later: what has become moot meanwhile is found out when
// it rings. So nothing is paid for timers while stanzas flow.
type watch struct {
	timer clock.Timer
	at    time.Time // zero: not set
	// probed is when the client was asked whether it is there.
	probed time.Time
}

// arm sets the timer for at, unless it rings earlier anyway. It needs s.mu.
func (s *session) arm(now, at time.Time) {
	w := &s.watch
	if s.ended || !w.at.IsZero() && !at.Before(w.at) {
		return
	}
	w.at = at
	// Never at once: the timer's function takes the mutex that is held here.
	d := max(at.Sub(now), time.Millisecond)
	if w.timer == nil {
		w.timer = s.srv.deps.Clock.AfterFunc(d, s.ring)
	} else {
		w.timer.Reset(d)
	}
}

func (w *watch) stop() {
	if w.timer != nil {
		w.timer.Stop()
	}
	*w = watch{}
}

// ring looks at all deadlines.
func (s *session) ring() {
	s.mu.Lock()
	s.watch.at = time.Time{}
	l := s.link
	if l == nil || s.ended {
		s.mu.Unlock()
		return
	}
	cfg, now, heard := s.srv.cfg, s.now(), l.conn.Heard()
	counters := s.srv.counters
	next := now.Add(cfg.IdleTime)
	// due reports whether a deadline has passed, and otherwise sees to it that it is looked at again.
	due := func(at time.Time) bool {
		if !at.After(now) {
			return true
		}
		if at.Before(next) {
			next = at
		}
		return false
	}
	dead := false
	if !l.since.IsZero() && due(l.since.Add(cfg.WriteTime)) {
		counters.WriteTimeout.Inc()
		dead = true
	}
	if s.sm.requested && due(later(s.sm.requestedAt, heard).Add(cfg.AckTime)) {
		counters.AckTimeout.Inc()
		dead = true
	}
	if !s.watch.probed.IsZero() && !heard.Before(s.watch.probed) {
		s.watch.probed = time.Time{}
	}
	switch probed := s.watch.probed; {
	case !probed.IsZero() && due(probed.Add(cfg.AckTime)):
		counters.IdleTimeout.Inc()
		dead = true
	case probed.IsZero() && due(heard.Add(cfg.IdleTime)):
		s.watch.probed = now
		due(now.Add(cfg.AckTime))
		s.probe()
	}
	if !s.sm.wait.IsZero() && due(s.sm.wait) {
		s.sm.ask = true
	}
	if len(s.sm.asked) > 0 && due(s.sm.askedAt.Add(answerTime)) {
		// It is not right to keep a client waiting for ever: it is told how far we got.
		s.sm.due = min(s.sm.due+len(s.sm.asked), maxAnswers)
		s.sm.asked = nil
	}
	if !dead {
		s.arm(now, next)
		s.kick()
	}
	s.mu.Unlock()
	if dead {
		s.lost(l)
		l.conn.Abort()
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// probe asks the client for a sign of life. It needs s.mu.
func (s *session) probe() {
	if s.sm.counting {
		s.sm.ask = true
		return
	}
	ping := stanza.Build(stanza.Header{
		Kind: stanza.IQ, Type: stanza.Get, ID: "ping-" + rand.Text(), From: s.srv.deps.Domain, To: s.jid,
	}, func(w *xmltree.Writer) { w.Empty(ns.Ping, "ping") })
	s.queue.push(outgoing{stanza: ping})
}
