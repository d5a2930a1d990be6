package c2s

import (
	"errors"

	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/internal/stream"
	"kith/internal/xmltree"
	"kith/server/router"
)

// name is an expanded name.
type name struct{ space, local string }

func nameOf(e xmltree.Element) name { return name{e.Space(), e.Local()} }

// command is what a session does with an element that is no stanza.
type command func(*session, xmltree.Element) *stream.Error

// commands are the elements of a stream that has its session.
func commands() map[name]command {
	return map[name]command{
		{ns.SM, "r"}:         func(s *session, _ xmltree.Element) *stream.Error { s.request(); return nil },
		{ns.SM, "a"}:         (*session).acknowledged,
		{ns.SM, "enable"}:    (*session).enable,
		{ns.SM, "resume"}:    (*session).tooLate,
		{ns.CSI, "active"}:   func(s *session, _ xmltree.Element) *stream.Error { s.indicate(true); return nil },
		{ns.CSI, "inactive"}: func(s *session, _ xmltree.Element) *stream.Error { s.indicate(false); return nil },
	}
}

// tooLate answers a resumption on a stream that has its own session (XEP-0198 section 6).
func (s *session) tooLate(xmltree.Element) *stream.Error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sm.late = min(s.sm.late+1, maxAnswers)
	s.kick()
	return nil
}

// has reports whether the session still has this link.
func (s *session) has(l *link) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.link == l && !s.ended
}

// element takes a first-level element from the client.
func (s *session) element(l *link, e xmltree.Element) *stream.Error {
	if c := s.srv.commands[nameOf(e)]; c != nil {
		if !s.has(l) {
			return nil
		}
		return c(s, e)
	}
	st, err := stanza.Read(e, ns.Client)
	if errors.Is(err, stanza.ErrKind) {
		return notAStanza(e)
	}
	if bad := s.forged(e, st); bad != nil {
		return bad
	}
	n, rs, ok := s.receive(l)
	if !ok {
		return nil // the link is not the session's any more
	}
	s.srv.counters.StanzasIn.Inc()
	if err == nil {
		st, err = s.stamp(st)
	}
	if err != nil {
		// Sent back to the client, which makes it dealt with.
		f := &stanza.Fault{Condition: stanza.BadRequest, Cause: err}
		if errors.Is(err, stanza.ErrAddress) {
			f.Condition = stanza.JIDMalformed
		}
		if answer := st.Fail(f); answer != nil {
			s.Deliver(answer.Address(s.jid), nil)
		}
		s.accepted(n)
		return nil
	}
	if s.established(st) {
		s.accepted(n)
		return nil
	}
	rs.Receive(st, func() { s.accepted(n) })
	return nil
}

// notAStanza is the error for an element that has no place in the stream (RFC 6120 section 4.9.3).
func notAStanza(e xmltree.Element) *stream.Error {
	switch e.Local() {
	case "message", "presence", "iq":
		return &stream.Error{Condition: stream.InvalidNamespace}
	}
	switch e.Space() {
	case ns.SASL, ns.SASL2, ns.TLS:
		return &stream.Error{Condition: stream.PolicyViolation, Text: "This stream is authenticated already."}
	}
	return &stream.Error{Condition: stream.UnsupportedStanzaType}
}

// receive counts a stanza, and waits before that while too many are under way. It returns false
// when the link has been replaced or ended.
func (s *session) receive(l *link) (uint64, *router.Session, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.in.Full() && s.link == l && !s.ended {
		s.srv.counters.CreditWaits.Inc()
	}
	for s.in.Full() && s.link == l && !s.ended {
		s.cond.Wait()
	}
	if s.link != l || s.ended {
		return 0, nil, false
	}
	return s.in.Receive(), s.router, true
}

// forged refuses a sender that is not the client itself (RFC 6120 section 8.1.2.1).
func (s *session) forged(e xmltree.Element, st *stanza.Stanza) *stream.Error {
	if st.From.IsZero() {
		// Absent, or not an address.
		if _, ok := e.LookupAttr("", "from"); !ok {
			return nil
		}
	} else if st.From == s.jid || st.From == s.jid.Bare() {
		return nil
	}
	return &stream.Error{Condition: stream.InvalidFrom, Text: "The sender of a stanza is not this client."}
}

// stamp writes the sender into a stanza, and the recipient where it goes without saying
// (RFC 6120 section 10.3, RFC 6121 section 3.1.2).
func (s *session) stamp(st *stanza.Stanza) (*stanza.Stanza, error) {
	from, to := s.jid, st.To
	switch st.Kind {
	case stanza.Presence:
		if subscribes(st.Type) {
			if to.IsZero() {
				return st, errNoRecipient
			}
			from, to = from.Bare(), to.Bare()
		}
	case stanza.Message, stanza.IQ:
		if to.IsZero() {
			to = from.Bare()
		}
	}
	if st.From == from && st.To == to {
		return st, nil
	}
	return st.With(func(h *stanza.Header) { h.From, h.To = from, to }), nil
}

func subscribes(t stanza.Type) bool {
	return t == stanza.Subscribe || t == stanza.Subscribed || t == stanza.Unsubscribe || t == stanza.Unsubscribed
}

var errNoRecipient = errors.New("c2s: subscription without a recipient")

// established answers the request to establish a session, which has been without effect since
// RFC 6121 (RFC 3921 section 3).
func (s *session) established(st *stanza.Stanza) bool {
	if st.Kind != stanza.IQ || st.Type != stanza.Set || !st.Payload().Is(ns.Session, "session") ||
		st.To != s.jid.Bare() && st.To != s.srv.deps.Domain {
		return false
	}
	s.Deliver(st.Result(nil), nil)
	return true
}
