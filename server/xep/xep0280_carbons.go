package xep

import (
	"hash/maphash"
	"slices"
	"time"

	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/payload"
	"kith/internal/stanza"
	"kith/internal/stanzaid"
	"kith/internal/xmltree"
	"kith/server/module"
)

// Carbons gives the other sessions of an account a copy of what one of them sends and receives
// (XEP-0280). It must be registered before what takes sessions out of the targets of a message.
type Carbons struct {
	ids      stanzaid.Codec
	registry *module.Registry
	seed     maphash.Seed
	sessions *module.Slot[carbonSession]
	accounts *module.Slot[carbonAccount]
}

// NewCarbons makes the feature.
func NewCarbons(ids stanzaid.Codec) *Carbons {
	return &Carbons{
		ids: ids, seed: maphash.MakeSeed(),
		sessions: module.NewSlot(func() *carbonSession { return &carbonSession{} }),
		accounts: module.NewSlot(func() *carbonAccount { return &carbonAccount{} }),
	}
}

// carbonSession is set for sessions that want copies.
type carbonSession struct{ on bool }

// carbonAccount remembers the last messages that were copied: an error in reply to one of them is
// copied too.
type carbonAccount struct {
	recent [128]uint64
	next   int
}

// Register implements [module.Module].
func (c *Carbons) Register(r *module.Registry) {
	c.registry = r
	r.Implements(module.XEP{Number: 280, Name: "Message Carbons", Version: "1.0.1"})
	r.Disco(module.OnServer, ns.Carbons, ns.CarbonsRules)
	r.Disco(module.OnAccount, ns.Carbons, ns.CarbonsRules)
	r.HandleIQ(module.OnOwn, stanza.Set, ns.Carbons, "enable", func(q *module.IQ) error { return c.set(q, true) })
	r.HandleIQ(module.OnOwn, stanza.Set, ns.Carbons, "disable", func(q *module.IQ) error { return c.set(q, false) })
	r.Offer(module.Feature{Bind2: ns.Carbons, OnBind2: func(_ module.Account, s module.Session, request xmltree.Element, _ *xmltree.Writer) {
		if request.Is(ns.Carbons, "enable") {
			c.sessions.Of(s.Slots()).on = true
		}
	}})
	r.OnCopy(c.copy)
}

func (c *Carbons) set(q *module.IQ, on bool) error {
	c.sessions.Of(q.Session.Slots()).on = on
	q.Result(nil)
	return nil
}

// copy is the [module.CopyHook].
func (c *Carbons) copy(p *module.Passage) {
	own := p.Account.JID()
	to := c.receivers(p)
	if len(to) == 0 {
		return
	}
	if !c.eligible(p) {
		return
	}
	message, side := p.Stanza, "received"
	switch {
	case p.Direction == module.Outgoing:
		side = "sent"
		if p.Record != nil {
			// XEP-0313 section 3.4: the id in the archive is for the account's own clients.
			message = message.Plus(c.ids.Owner(own).Element(p.Record.ID))
		}
	case p.Stanza.From.Bare() == own:
		side = "sent" // to oneself
	}
	w := xmltree.NewWriter(message.Size() + 160)
	w.Open(ns.Carbons, side)
	payload.Forwarded(w, message.String(), time.Time{})
	w.Close()
	inner := w.String()
	for _, s := range to {
		st := stanza.New(stanza.Header{Kind: stanza.Message, Type: p.Stanza.Type, From: own, To: s.JID()}, inner)
		var delivered func()
		if c.registry.Tracker != nil {
			// Whoever has the copy has the message.
			delivered = c.registry.Tracker(p, s)
		}
		s.SendTracked(st, delivered)
	}
}

// receivers are the sessions that may get a copy: all that want one but those that have the message.
func (c *Carbons) receivers(p *module.Passage) (to []module.Session) {
	if p.Direction == module.Outgoing && p.Stanza.To.Bare() == p.Account.JID() {
		return nil // it will be back as an incoming one
	}
	for s := range p.Account.Sessions() {
		on := c.sessions.Peek(s.Slots())
		if on == nil || !on.on || s == p.Session || s.JID() == p.Stanza.From || slices.Contains(p.Targets, s) {
			continue
		}
		to = append(to, s)
	}
	return to
}

// eligible applies the rules of section 6.1.
func (c *Carbons) eligible(p *module.Passage) bool {
	st := p.Stanza
	recent := c.accounts.Of(p.Account.Slots())
	if st.Type == stanza.Error {
		// "sent in response to a message that was eligible": one from here, to who answers.
		return st.ID != "" && recent.has(c.mark(st.ID, p.Peer()))
	}
	class := payload.Classify(st)
	if !class.Copied() {
		return false
	}
	if p.Direction == module.Incoming && class.Occupant() && !st.From.IsBare() {
		return false // the room gives it to each session that joined
	}
	if st.ID != "" {
		recent.add(c.mark(st.ID, p.Peer()))
	}
	return true
}

func (c *Carbons) mark(id string, peer jid.JID) uint64 {
	return maphash.String(c.seed, peer.Bare().String()+" "+id)
}

func (r *carbonAccount) add(mark uint64) {
	r.recent[r.next] = mark
	r.next = (r.next + 1) % len(r.recent)
}

func (r *carbonAccount) has(mark uint64) bool { return slices.Contains(r.recent[:], mark) }
