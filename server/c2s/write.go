package c2s

import (
	"time"

	"kith/internal/stanza"
)

// kick starts the writer if there is something to write and nobody writes. It needs s.mu.
func (s *session) kick() {
	l := s.link
	if l == nil || s.corked || s.ended || l.writing || (len(s.queue.unsent()) == 0 && s.sm.due == 0 && s.sm.late == 0 && !s.sm.ask) {
		return
	}
	l.writing = true
	go s.write(l)
}

// write brings what is queued to the link until there is nothing left. It is a goroutine.
func (s *session) write(l *link) {
	var batch []outgoing
	for {
		var more bool
		if batch, more = s.writeBatch(l, batch[:0]); !more {
			return
		}
	}
}

// writeBatch writes what there is, and reports whether to look for more. What was taken from the
// queue is written before anybody else can write to the link, its farewell included.
func (s *session) writeBatch(l *link, batch []outgoing) ([]outgoing, bool) {
	l.wmu.Lock()
	s.mu.Lock()
	l.since = time.Time{}
	var t trailer
	if s.link == l && !s.ended && !l.closed && !l.over.Load() {
		batch, t = s.take(l, batch)
	}
	if len(batch) == 0 && t == (trailer{}) {
		l.writing = false
		s.mu.Unlock()
		l.wmu.Unlock()
		return nil, false
	}
	uncounted := l.batch != nil
	l.since = s.now()
	s.arm(l.since, l.since.Add(s.srv.cfg.WriteTime))
	s.mu.Unlock()

	for _, o := range batch {
		o.write(l.conn)
	}
	t.write(l.conn)
	err := l.conn.Flush()
	l.wmu.Unlock()
	if err != nil {
		s.lost(l)
		return nil, false
	}
	s.srv.counters.Writes.Inc()
	s.srv.counters.StanzasOut.Add(uint64(len(batch)))
	if uncounted {
		s.flushed(l, batch)
	}
	return batch, true
}

// flushed tells of what was written to a client that does not acknowledge.
func (s *session) flushed(l *link, batch []outgoing) {
	s.mu.Lock()
	told := s.link == l && !s.gone
	l.batch = nil
	s.mu.Unlock()
	if !told {
		return // given up as undelivered
	}
	for _, o := range batch {
		if o.delivered != nil {
			o.delivered()
		}
	}
}

// take moves what is to be written next into batch. It needs s.mu.
func (s *session) take(l *link, batch []outgoing) ([]outgoing, trailer) {
	size := 0
	for len(s.queue.unsent()) > 0 && size < batchBytes {
		o := s.queue.unsent()[0]
		if len(batch) > 0 && !s.sm.counting && o.counting {
			break // what counts and what does not is written separately
		}
		batch = append(batch, o)
		size += o.size()
		if o.counting {
			s.sm.counting = true
			s.queue.drop(1)
			continue
		}
		if !s.sm.counting {
			s.queue.drop(1)
			continue
		}
		s.queue.sent++
		if s.queue.sent > s.queue.counted {
			s.queue.counted++
			s.sm.out.Sent(1)
		}
	}
	if !s.sm.counting && len(batch) > 0 {
		l.batch = batch
	}
	return batch, s.trailer(batch)
}

// trailer is what stream management adds to a write.
type trailer struct {
	late    int
	answers int
	h       uint32
	request bool
}

func (t trailer) write(c Conn) {
	for range t.late {
		c.Element(failedElement(stanza.UnexpectedRequest, "", nil))
	}
	for range t.answers {
		c.Element(ackElement(t.h))
	}
	if t.request {
		c.Element(requestElement)
	}
}

// trailer decides on answers and requests after a batch. It needs s.mu.
func (s *session) trailer(batch []outgoing) trailer {
	t := trailer{late: s.sm.late}
	s.sm.late = 0
	if s.sm.due > 0 && s.sm.counting { // not before the answer to its enable
		t.answers, t.h = s.sm.due, s.in.H()
		s.sm.due, s.sm.told = 0, s.in.Handled()
	}
	if !s.sm.counting || s.sm.requested {
		s.sm.ask = false
		return t
	}
	unacked := s.sm.out.Unacked()
	switch {
	case s.sm.ask, unacked >= requestAfter, unacked > 0 && carriesMessage(batch):
		t.request = true
		s.requested()
	case unacked > 0 && s.sm.wait.IsZero():
		now := s.now()
		s.sm.wait = now.Add(requestTime)
		s.arm(now, s.sm.wait)
	}
	return t
}

// requested notes that the client is asked for an acknowledgement. It needs s.mu.
func (s *session) requested() {
	now := s.now()
	s.sm.ask, s.sm.requested, s.sm.requestedAt, s.sm.wait = false, true, now, time.Time{}
	s.arm(now, now.Add(s.srv.cfg.AckTime))
}

// carriesMessage: a message is worth knowing about soon, and the client is awake to get it.
func carriesMessage(batch []outgoing) bool {
	for _, o := range batch {
		if o.stanza != nil && o.stanza.Kind == stanza.Message {
			return true
		}
	}
	return false
}
