package c2s

import (
	"crypto/rand"
	"fmt"
	"strconv"
	"time"

	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/internal/stream"
	"kith/internal/xmltree"
)

// management is the state of XEP-0198 on a session.
type management struct {
	enabled bool
	// counting: what is written counts; from the enabled element on.
	counting  bool
	resumable bool
	id        string
	max       time.Duration
	out       stream.Outbound

	// asked are the requests of the client that wait: up to which of its stanzas all must be
	// accepted. askedAt is when the first of them came. due are answers to be written.
	asked   []uint64
	askedAt time.Time
	due     int
	// told is up to where the client knows what was accepted.
	told uint64

	// late are refusals to be written, of resumptions of what is a session already: they do not count as stanzas do.
	late int

	// ask: a request shall be written. requested: one is open since requestedAt.
	ask, requested bool
	requestedAt    time.Time
	// wait is when to ask for what did not cause a request at once.
	wait time.Time
}

func ackElement(h uint32) string {
	return "<a xmlns='" + ns.SM + "' h='" + itoa(h) + "'/>"
}

const requestElement = "<r xmlns='" + ns.SM + "'/>"

// failedElement is the answer to an enable or resume that does not work out. h, if not nil, is the
// counter of the session that cannot be resumed.
func failedElement(c stanza.Condition, text string, h *uint32) string {
	w := xmltree.NewWriter(192)
	count := ""
	if h != nil {
		count = itoa(*h)
	}
	w.Open(ns.SM, "failed", "h", count)
	w.Empty(ns.Stanzas, string(c))
	if text != "" {
		w.Element(ns.Stanzas, "text", text, "xml:lang", "en")
	}
	return w.Close().String()
}

// boolean is xs:boolean.
func boolean(s string) bool { return s == "true" || s == "1" }

// manage switches stream management on, as an enable element asks, and returns the answer. It
// needs s.mu. The counter of what comes in begins here; that of what goes out with the answer.
func (s *session) manage(enable xmltree.Element) string {
	s.sm.enabled = true
	s.in.Start()
	s.sm.told = s.in.Received()
	w := xmltree.NewWriter(128)
	limit := ""
	if boolean(enable.Attr("resume")) && s.srv.cfg.ResumeTime > 0 {
		s.sm.resumable, s.sm.id, s.sm.max = true, rand.Text(), s.srv.cfg.ResumeTime
		if n, err := strconv.ParseUint(enable.Attr("max"), 10, 31); err == nil && n > 0 {
			s.sm.max = min(s.sm.max, time.Duration(n)*time.Second)
		}
		limit = strconv.Itoa(int(s.sm.max.Seconds()))
	}
	resume := ""
	if s.sm.resumable {
		resume = "true"
	}
	return w.Empty(ns.SM, "enabled", "id", s.sm.id, "resume", resume, "max", limit).String()
}

// enable answers an enable element on a session that has its link.
func (s *session) enable(e xmltree.Element) *stream.Error {
	s.mu.Lock()
	if s.sm.enabled {
		s.mu.Unlock()
		return &stream.Error{Condition: stream.PolicyViolation, Text: "Stream management is enabled already."}
	}
	answer := s.manage(e)
	id := s.sm.id
	s.mu.Unlock()
	if id != "" {
		s.publish()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queue.push(outgoing{element: answer, counting: true})
	s.kick()
	return nil
}

// request answers a request of the client as soon as all that it sent before is accepted.
func (s *session) request() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.sm.enabled {
		return
	}
	if len(s.sm.asked) == maxAnswers {
		s.sm.asked = s.sm.asked[1:]
	}
	s.sm.asked = append(s.sm.asked, s.in.Received())
	s.answer()
	if len(s.sm.asked) == 1 {
		s.sm.askedAt = s.now()
		s.arm(s.sm.askedAt, s.sm.askedAt.Add(answerTime))
	}
}

// answer makes due the answers for which all is accepted. It needs s.mu.
func (s *session) answer() {
	n := 0
	for n < len(s.sm.asked) && s.sm.asked[n] <= s.in.Handled() {
		n++
	}
	if n > 0 {
		s.sm.due = min(s.sm.due+n, maxAnswers)
		s.sm.asked = s.sm.asked[n:]
		if len(s.sm.asked) == 0 {
			s.sm.asked = nil
		}
	}
	if s.sm.enabled && s.sm.due == 0 && s.in.Handled() >= s.sm.told+ackAfter {
		s.sm.due = 1
	}
	s.kick()
}

// accepted notes that the server has taken responsibility for a stanza.
func (s *session) accepted(n uint64) {
	s.mu.Lock()
	if !s.in.Handle(n) {
		s.mu.Unlock()
		return
	}
	s.answer()
	s.cond.Broadcast()
	ended, id, h := s.ended, s.sm.id, s.in.H()
	s.mu.Unlock()
	if ended && id != "" {
		s.srv.sessions.update(id, h)
	}
}

// acknowledged takes an h of the client.
func (s *session) acknowledged(e xmltree.Element) *stream.Error {
	h, ok := parseH(e)
	if !ok {
		return &stream.Error{Condition: stream.PolicyViolation, Text: "An acknowledgement needs a number h."}
	}
	s.mu.Lock()
	if !s.sm.counting {
		s.mu.Unlock()
		return nil // crossed with the answer to its enable, or never asked for
	}
	s.sm.requested = false
	delivered, bad := s.ack(h)
	now := s.now()
	switch {
	case s.sm.out.Unacked() == 0:
		s.sm.wait = time.Time{}
	case s.sm.wait.IsZero():
		s.sm.wait = now.Add(requestTime)
		s.arm(now, s.sm.wait)
	}
	s.mu.Unlock()
	call(delivered)
	return bad
}

// ack drops what the client has. It needs s.mu; the functions are to be called without it.
func (s *session) ack(h uint32) ([]func(), *stream.Error) {
	n, err := s.sm.out.Ack(h)
	if err != nil {
		return nil, tooHigh(h, s.sm.out.Count(), err)
	}
	var delivered []func()
	for _, o := range s.queue.rest()[:n] {
		if o.delivered != nil {
			delivered = append(delivered, o.delivered)
		}
	}
	s.queue.drop(n)
	return delivered, nil
}

func call(fs []func()) {
	for _, f := range fs {
		f()
	}
}

func parseH(e xmltree.Element) (h uint32, ok bool) {
	n, err := strconv.ParseUint(e.Attr("h"), 10, 32)
	return uint32(n), err == nil
}

// tooHigh is the error of XEP-0198 section 6.
func tooHigh(h, sent uint32, cause error) *stream.Error {
	return &stream.Error{
		Condition: stream.UndefinedCondition,
		Text:      fmt.Sprintf("You acknowledged %d stanzas, but only %d were sent to you.", h, sent),
		Cause:     cause,
		App: func(w *xmltree.Writer) {
			w.Empty(ns.SM, "handled-count-too-high", "h", itoa(h), "send-count", itoa(sent))
		},
	}
}

func itoa(n uint32) string { return strconv.FormatUint(uint64(n), 10) }

// publish lets the session be resumed by its id. The registry must not get what has ended already.
func (s *session) publish() {
	s.srv.sessions.resumable(s.sm.id, s)
	s.mu.Lock()
	ended := s.ended
	s.mu.Unlock()
	if ended {
		s.srv.sessions.unresumable(s.sm.id)
	}
}
