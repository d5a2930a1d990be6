package roster

import "kith/internal/stanza"

// State is what an account and one contact have agreed on about presence: the nine states of
// RFC 6121 appendix A.1, and pre-approval (section 3.4).
type State struct {
	// To: the account sees the contact's presence.
	To bool
	// From: the contact sees the account's presence.
	From bool
	// Asked: the account has asked to see the contact's ("Pending Out").
	Asked bool
	// Requested: the contact has asked to see the account's ("Pending In").
	Requested bool
	// Approved: a request of the contact will be granted when it comes.
	Approved bool
}

// Subscription is the value of the attribute with this name (RFC 6121 section 2.1.2.5).
func (s State) Subscription() string {
	switch {
	case s.To && s.From:
		return "both"
	case s.To:
		return "to"
	case s.From:
		return "from"
	}
	return "none"
}

// Send is what becomes of the state when the account sends a stanza about the subscription, and
// whether the stanza goes on to the contact (RFC 6121 appendix A.2, section 3.4.2).
func (s State) Send(t stanza.Type) (next State, route bool) {
	switch t {
	case stanza.Subscribe:
		s.Asked = !s.To
		return s, true
	case stanza.Unsubscribe:
		s.To, s.Asked = false, false
		return s, true
	case stanza.Subscribed:
		switch {
		case s.Requested:
			s.From, s.Requested, s.Approved = true, false, false
			return s, true
		case !s.From:
			s.Approved = true
		}
		return s, false
	case stanza.Unsubscribed:
		route = s.From || s.Requested
		s.From, s.Requested, s.Approved = false, false, false
		return s, route
	default:
		return s, false
	}
}

// Verdict says what to do with a stanza about a subscription that came in.
type Verdict uint8

// Verdicts.
const (
	// Ignore it.
	Ignore Verdict = iota
	// Deliver it to the account's clients.
	Deliver
	// Grant it: answer with "subscribed" in the account's place.
	Grant
)

// Receive is what becomes of the state when the contact sends a stanza about the subscription
// (RFC 6121 appendix A.3).
func (s State) Receive(t stanza.Type) (next State, v Verdict) {
	switch t {
	case stanza.Subscribe:
		switch {
		case s.From:
			return s, Grant
		case s.Approved:
			// The approval was for this request; the next one is a new question.
			s.From, s.Requested, s.Approved = true, false, false
			return s, Grant
		case !s.Requested:
			s.Requested = true
			return s, Deliver
		}
	case stanza.Unsubscribe:
		if s.From || s.Requested {
			s.From, s.Requested = false, false
			return s, Deliver
		}
	case stanza.Subscribed:
		if s.Asked {
			s.To, s.Asked = true, false
			return s, Deliver
		}
	case stanza.Unsubscribed:
		if s.To || s.Asked {
			s.To, s.Asked = false, false
			return s, Deliver
		}
	default: // of no concern to subscriptions
	}
	return s, Ignore
}
