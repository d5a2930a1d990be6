package roster

import (
	"context"
	"fmt"

	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/internal/xmltree"
	"kith/server/module"
)

// subscription makes a stanza of the server about a subscription.
func subscription(t stanza.Type, from, to jid.JID) *stanza.Stanza {
	return stanza.New(stanza.Header{Kind: stanza.Presence, Type: t, From: from, To: to}, "")
}

// settle writes the state into an entry; who has any relation is an item of the roster.
func (e *Entry) settle(s State) {
	e.State = s
	if !s.Requested {
		e.Request = ""
	}
	e.Listed = e.Listed || s.To || s.From || s.Asked || s.Approved
}

// Outgoing handles a stanza of type subscribe, subscribed, unsubscribe or unsubscribed that a
// session of the account sends (RFC 6121 section 3, appendix A.2).
func (r *Roster) Outgoing(p *module.Passage) {
	if err := r.outgoing(p); err != nil {
		if answer := p.Stanza.Fail(stanza.AsFault(err)); answer != nil {
			p.Session.Send(answer)
		}
	}
}

func (r *Roster) outgoing(p *module.Passage) error {
	a, st, contact := p.Account, p.Stanza, p.Stanza.To.Bare().Clone()
	if contact == a.JID() {
		return stanza.Refuse(stanza.NotAllowed, "Nobody is a contact of their own.")
	}
	if st.Type == stanza.Unsubscribe || st.Type == stanza.Unsubscribed {
		if err := r.free(a, contact); err != nil {
			return err
		}
	}
	c, err := r.load(a)
	if err != nil {
		return err
	}
	before := c.state(contact)
	next, route := before.Send(st.Type)
	var shifts []shift
	if e := c.entries[contact]; e == nil && next != (State{}) || e != nil && next != e.State {
		if next.Asked || next.Approved || next.From {
			if err := r.room(a, contact); err != nil {
				return err
			}
		}
		shifts, err = r.update(a, Change{a.JID().Local(), contact, func(e *Entry) error {
			var s State
			s, route = e.Send(st.Type)
			e.settle(s)
			return nil
		}})
		if err != nil {
			return err
		}
	}
	// Who loses the subscription sees the account go offline first (section 3.2.2), who gains it
	// sees the account after the approval (section 3.1.5).
	r.announce(a, shifts, false)
	if st.Type == stanza.Unsubscribe && before.Asked && r.withdraw(a, contact) {
		route = false
	}
	if route {
		a.Route(st.With(func(h *stanza.Header) { h.From, h.To = a.JID(), contact }))
	}
	r.announce(a, shifts, true)
	return nil
}

// Incoming handles a stanza of type subscribe, subscribed, unsubscribe or unsubscribed that is
// addressed to the account (RFC 6121 section 3, appendix A.3).
func (r *Roster) Incoming(p *module.Passage) {
	if err := r.incoming(p); err != nil {
		r.failed(fmt.Errorf("change a subscription: %w", err))
		if answer := p.Stanza.Fail(stanza.AsFault(err)); answer != nil && p.Stanza.Type == stanza.Subscribe {
			p.Account.Route(answer)
		}
	}
}

func (r *Roster) incoming(p *module.Passage) error {
	a, contact := p.Account, p.Stanza.From.Bare().Clone()
	if contact == a.JID() {
		return nil
	}
	// A subscription is between bare addresses (section 3.1.2).
	st := p.Stanza.With(func(h *stanza.Header) { h.From, h.To = contact, a.JID() })
	c, err := r.load(a)
	if err != nil {
		return err
	}
	was := c.state(contact)
	next, verdict := was.Receive(st.Type)
	if next.Requested && !was.Requested && c.requests >= r.config.MaxRequests {
		return nil
	}
	var shifts []shift
	if next != was {
		shifts, err = r.update(a, Change{a.JID().Local(), contact, func(e *Entry) error {
			var s State
			was = e.State
			s, verdict = was.Receive(st.Type)
			if s.Requested && !was.Requested {
				e.Request = r.request(st)
			}
			e.settle(s)
			return nil
		}})
		if err != nil {
			return err
		}
	}
	if st.Type == stanza.Subscribe && verdict != Grant {
		if granted, err := r.redeem(a, st); granted || err != nil {
			return err
		}
	}
	switch verdict {
	case Deliver:
		r.deliver(a, st)
	case Grant:
		a.Route(subscription(stanza.Subscribed, a.JID(), contact))
		if was.From {
			// Its server has forgotten; so it lacks the presence too.
			shifts = append(shifts, shift{contact, true})
		}
	case Ignore:
	}
	r.announceAll(a, shifts)
	return nil
}

// request is what is kept of a subscription request: all of it, or if that is too much, what
// tells who it is (section 3.1.3).
func (r *Roster) request(st *stanza.Stanza) string {
	if st.Size() <= r.config.MaxRequest {
		return st.String()
	}
	small := st.Without(func(c xmltree.Element) bool { return !c.Is(ns.Nick, "nick") && !c.Is(ns.Client, "status") })
	if small.Size() <= r.config.MaxRequest {
		return small.String()
	}
	return subscription(st.Type, st.From, st.To).String()
}

// deliver hands a stanza about a subscription to the account's clients: a request to those that are
// available (section 3.1.3), the rest to those that asked for the roster.
func (r *Roster) deliver(a module.Account, st *stanza.Stanza) {
	for s := range a.Sessions() {
		i := r.interest.Peek(s.Slots())
		if st.Type == stanza.Subscribe && s.Presence() != nil || st.Type != stanza.Subscribe && i != nil && i.asked {
			s.Send(st)
		}
	}
}

// redeem grants a request that brings a valid token, and asks for the same in return (XEP-0379
// section 3.4). The request was stored before: should the server stop in between, it is one for the
// account to answer.
func (r *Roster) redeem(a module.Account, st *stanza.Stanza) (bool, error) {
	token := st.Child(ns.PARS, "preauth").Attr("token")
	if r.preauth == nil || token == "" || len(token) > maxToken {
		return false, nil
	}
	if err := r.preauth.AcceptContact(context.Background(), token, a.JID().Local(), st.From); err != nil {
		return false, nil //nolint:nilerr // whatever it is, the account can still decide itself
	}
	var ask bool
	shifts, err := r.update(a, Change{a.JID().Local(), st.From, func(e *Entry) error {
		s := e.State
		ask = !s.To
		s.From, s.Requested, s.Approved, s.Asked = true, false, false, ask
		e.settle(s)
		return nil
	}})
	if err != nil {
		return false, err
	}
	a.Route(subscription(stanza.Subscribed, a.JID(), st.From))
	r.announceAll(a, shifts)
	if ask {
		a.Route(subscription(stanza.Subscribe, a.JID(), st.From))
	}
	return true, nil
}
