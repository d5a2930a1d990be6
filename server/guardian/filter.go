package guardian

import (
	"context"
	"errors"
	"strings"

	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/server/module"
)

// errDenied: a guardian has refused it lately.
var errDenied = errors.New("guardian: denied")

// filter is the boundary of a child's account.
func (s *Service) filter(p *module.Passage) error {
	c := s.child(p.Account.JID().Local())
	peer := p.Peer()
	switch {
	case c == nil:
		return nil
	case peer.IsZero(), peer.Bare() == c.jid:
		return nil // a broadcast, whose copies come by one by one; the account itself
	case peer.Local() == "" && (peer.Domain() == s.domain.Domain() || strings.HasSuffix(peer.Domain(), "."+s.domain.Domain())):
		return nil // the server and what belongs to it
	case peer.Local() == "" && p.Stanza.Kind == stanza.IQ && s.services[peer.Bare()]:
		return nil
	case peer.Domain() == s.groups.Domain():
		return s.passRoom(c, p)
	case s.allowed(c, peer):
		return s.passApproved(c, p)
	case p.Direction == module.Outgoing:
		return s.outgoing(c, p)
	}
	return s.incoming(c, p)
}

// passRoom handles what goes to and comes from the rooms of this server. Those know best who may be in
// them; here it is about asking.
func (s *Service) passRoom(c *child, p *module.Passage) error {
	st, room := p.Stanza, p.Peer().Bare()
	var asks bool
	if p.Direction == module.Outgoing {
		asks = st.Kind == stanza.Presence && st.Type == stanza.Available && !st.Child(ns.MUC, "x").IsZero()
	} else {
		asks = invites(st)
	}
	if !asks {
		return nil
	}
	r, there, err := s.links.Rooms.Look(context.Background(), room)
	if err != nil {
		return stanza.Internal(err)
	}
	if !there || s.mayEnter(c, r) {
		return nil
	}
	return s.askRoom(c, p)
}

// invites reports whether a message is a room's invitation (XEP-0045 section 7.8.2).
func invites(st *stanza.Stanza) bool {
	return st.Kind == stanza.Message && st.From.IsBare() && st.Type != stanza.Error &&
		!st.Child(ns.MUCUser, "x").Child(ns.MUCUser, "invite").IsZero()
}

// askRoom holds back an invitation to a room, or an attempt to enter it.
func (s *Service) askRoom(c *child, p *module.Passage) error {
	r := Request{Key: Key{p.Peer().Bare().Clone(), p.Direction == module.Outgoing}, Room: true}
	if p.Direction == module.Incoming {
		r.Stanza = s.keep(p.Stanza)
	}
	err := s.hold(c, r)
	if p.Direction == module.Incoming {
		if err != nil && !errors.Is(err, errDenied) {
			return stanza.Internal(err)
		}
		return module.ErrDrop
	}
	return explain(err, "A guardian has to agree first, and was asked.")
}

// passApproved handles an exchange with whom a guardian has approved. An approved room of another server
// is for what is said to all.
func (s *Service) passApproved(c *child, p *module.Passage) error {
	if a := c.approved[p.Peer().Bare()]; !a.Room || p.Peer().IsBare() || p.Stanza.Kind == stanza.Presence {
		return nil
	}
	switch {
	case p.Stanza.Kind == stanza.Message && (p.Stanza.Type == stanza.Groupchat || p.Stanza.Type == stanza.Error):
		return nil
	case p.Stanza.Kind == stanza.IQ && p.Direction == module.Outgoing:
		return nil // the client pings itself in the room (XEP-0410)
	case p.Stanza.Kind == stanza.IQ && !p.Stanza.IsRequest():
		return nil
	case p.Direction == module.Outgoing:
		return refuse("In this room you can only talk to all.")
	}
	return stanza.Refuse(stanza.ServiceUnavailable, "")
}

// outgoing decides on what a child sends to somebody who is not approved.
func (s *Service) outgoing(c *child, p *module.Passage) error {
	st, peer := p.Stanza, p.Peer().Bare()
	if st.Kind != stanza.Presence {
		if st.Type == stanza.Error || st.Type == stanza.Result {
			return module.ErrDrop
		}
		return refuse("A guardian has to approve this contact first.")
	}
	switch st.Type {
	case stanza.Subscribe:
		return s.ask(c, p)
	case stanza.Unsubscribe, stanza.Unsubscribed:
		to, from, requested := s.links.Contacts.Subscription(p.Account, peer)
		if _, held := c.requests[Key{peer, true}]; !to && !from && !requested && !held {
			return module.ErrDrop
		}
		p.Stanza = bare(st)
		return nil
	case stanza.Available:
		if !st.Child(ns.MUC, "x").IsZero() {
			return s.askRoom(c, p)
		}
		return refuse("A guardian has to approve this contact first.")
	case stanza.Subscribed:
		return refuse("A guardian has to approve this contact first.")
	case stanza.Unavailable:
		if x := s.parting.Peek(p.Account.Slots()); x != nil && x.peer == peer {
			p.Stanza = bare(st)
			return nil
		}
	default:
	}
	return module.ErrDrop
}

// ask holds back the request of a child to be somebody's contact. To the child's clients it looks like any
// other that was not answered yet.
func (s *Service) ask(c *child, p *module.Passage) error {
	peer := p.Peer().Bare().Clone()
	if peer.Local() == "" {
		return refuse("A guardian has to approve this contact first.")
	}
	st := p.Stanza.With(func(h *stanza.Header) { h.From, h.To = c.jid, peer })
	if err := s.hold(c, Request{Key: Key{peer, true}, Stanza: s.keep(st)}); err != nil {
		return explain(err, "")
	}
	if err := s.links.Contacts.Await(p.Account, peer); err != nil {
		return err
	}
	return module.ErrDrop
}

// incoming decides on what comes from somebody who is not approved.
func (s *Service) incoming(c *child, p *module.Passage) error {
	st, peer := p.Stanza, p.Peer().Bare()
	switch {
	case st.Kind == stanza.IQ && st.IsRequest():
		return stanza.Refuse(stanza.ServiceUnavailable, "")
	case st.Kind == stanza.IQ:
		return module.ErrDrop
	case invites(st):
		return s.askRoom(c, p)
	case st.Kind == stanza.Message && (st.Type == stanza.Groupchat || st.Type == stanza.Error):
		return module.ErrDrop
	case st.Kind == stanza.Message:
		return stanza.Refuse(stanza.ServiceUnavailable, "")
	}
	switch st.Type {
	case stanza.Subscribe:
		if peer.Local() == "" {
			return module.ErrDrop
		}
		ask := st.With(func(h *stanza.Header) { h.From, h.To = peer.Clone(), c.jid })
		if err := s.hold(c, Request{Key: Key{peer.Clone(), false}, Stanza: s.keep(ask)}); err != nil && !errors.Is(err, errDenied) {
			return stanza.Internal(err)
		}
	case stanza.Unsubscribe, stanza.Unsubscribed:
		// They only take away.
		if err := s.withdraw(c.local, Key{peer, st.Type == stanza.Unsubscribed}); err != nil {
			return stanza.Internal(err)
		}
		p.Stanza = bare(st)
		return nil
	default:
	}
	return module.ErrDrop
}

// bare is a stanza without its content.
func bare(st *stanza.Stanza) *stanza.Stanza {
	return stanza.New(stanza.Header{Kind: st.Kind, Type: st.Type, ID: st.ID, From: st.From, To: st.To}, "")
}

// refuse tells a child's client why something does not go.
func refuse(text string) error {
	return &stanza.Fault{Condition: stanza.NotAllowed, Text: text, App: "approval-required", AppNS: ns.KithGuardian}
}

func explain(err error, otherwise string) error {
	switch {
	case errors.Is(err, errDenied):
		return refuse("A guardian has said no.")
	case err != nil:
		return err
	}
	return refuse(otherwise)
}

// maxStanza bounds what is kept of a stanza that waits, in bytes.
const maxStanza = 4096

// keep is a stanza as it is held back; if it is too large, what matters of it.
func (s *Service) keep(st *stanza.Stanza) string {
	if st.Size() <= maxStanza {
		return st.String()
	}
	return bare(st).String()
}
