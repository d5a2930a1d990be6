// Package presence handles presence (RFC 6121 section 4): it broadcasts that of an account's
// sessions to those who may see it, asks for that of its contacts, answers when they ask, and keeps
// track of directed presence. Stanzas about subscriptions it hands to the roster.
//
// What it sends in the name of an account passes the account's Filter phase, like what the
// account's clients send themselves: a contact who is blocked learns nothing.
package presence

import (
	"context"
	"iter"
	"log/slog"
	"time"

	"kith/internal/config"
	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/internal/xmltree"
	"kith/server/module"
)

// Contacts tells about the contacts of an account, all of them bare addresses.
type Contacts interface {
	// Load makes sure that the others can answer.
	Load(a module.Account) error
	// Subscription tells whether the account sees the contact's presence, whether the contact
	// sees its own, and whether the contact waits for an answer to its request.
	Subscription(a module.Account, contact jid.JID) (to, from, requested bool)
	// Each calls f for every contact with which there is a subscription; asked is one that the
	// account waits for.
	Each(a module.Account, f func(contact jid.JID, to, from, asked bool))
	// Requests are the subscription requests that the account has not answered.
	Requests(a module.Account) iter.Seq[*stanza.Stanza]
}

// Subscriptions handles the stanzas that change subscriptions (RFC 6121 section 3).
type Subscriptions interface {
	Outgoing(*module.Passage)
	Incoming(*module.Passage)
	// OnSharing adds a function that is told when the account's presence is to be shown to a
	// contact from now on, and when no longer.
	OnSharing(func(a module.Account, contact jid.JID, shared bool))
}

// Config is the section [presence] of the configuration file.
type Config struct {
	// MaxDirected is how many others, rooms above all, one client may tell its presence directly at a
	// time.
	MaxDirected int `toml:"max_directed"`
	// MaxSeen is how many clients of contacts are kept track of for one account. Beyond it, those
	// seen longest ago are not told of new pictures, keys and the like.
	MaxSeen int `toml:"max_seen"`
}

// Validate says which options are out of their bounds, all of them.
func (c Config) Validate() error {
	check := config.NewCheck("presence")
	check.Number("max_directed", c.MaxDirected, 10, 100_000)
	check.Number("max_seen", c.MaxSeen, 10, 1_000_000)
	return check.Err()
}

// DefaultConfig is what a server uses that is not told otherwise.
func DefaultConfig() Config { return Config{MaxDirected: 1000, MaxSeen: 2000} }

// Presence is the feature.
type Presence struct {
	domain        string
	contacts      Contacts
	subscriptions Subscriptions
	log           *slog.Logger
	config        Config
	registry      *module.Registry

	sessions *module.Slot[session]
	seen     *module.Slot[seen]
}

var _ module.Module = (*Presence)(nil)

// session is what is known of one session.
type session struct {
	// at is when its presence came; late is that presence for those who get it afterwards, nil if
	// nobody did.
	at   time.Time
	late *stanza.Stanza
	// before: it was available earlier, and its client may show contacts as they were then.
	before bool
	// farewell is the unavailable presence that the client sent, nil if it just left.
	farewell *stanza.Stanza
	// directed are those whom it told its presence directly.
	directed map[jid.JID]struct{}
}

// New makes the feature for the accounts of a domain.
func New(domain string, contacts Contacts, subscriptions Subscriptions, log *slog.Logger, config Config) *Presence {
	return &Presence{
		domain: domain, contacts: contacts, subscriptions: subscriptions, log: log, config: config,
		sessions: module.NewSlot(func() *session { return &session{} }),
		seen:     module.NewSlot(func() *seen { return &seen{clients: map[jid.JID]client{}} }),
	}
}

// Register implements [module.Module].
func (f *Presence) Register(r *module.Registry) {
	f.registry = r
	r.Follows(module.RFC{Number: 6121, Name: "instant messaging and presence"})
	r.Implements(module.XEP{Number: 203, Name: "Delayed Delivery", Version: "2.0"})
	r.OnPresence(f.handle)
	r.OnSession(module.BecameUnavailable, f.leave)
	r.OnSession(module.Unbound, func(a module.Account, s module.Session) { f.endDirected(a, s, false) })
	f.subscriptions.OnSharing(func(a module.Account, contact jid.JID, shared bool) {
		if shared {
			f.show(a, contact)
		} else {
			f.hide(a, contact)
		}
	})
}

func (f *Presence) handle(p *module.Passage) {
	if err := f.contacts.Load(p.Account); err != nil {
		f.log.LogAttrs(context.Background(), slog.LevelError, "reading contacts failed", slog.Any("error", err))
		f.refuse(p, stanza.Internal(err))
		return
	}
	if p.Direction == module.Outgoing {
		f.outgoing(p)
	} else {
		f.incoming(p)
	}
}

// refuse answers presence that cannot be handled.
func (f *Presence) refuse(p *module.Passage, fault *stanza.Fault) {
	answer := p.Stanza.Fail(fault)
	switch {
	case answer == nil:
	case p.Direction == module.Outgoing:
		p.Session.Send(answer)
	case p.Stanza.Type == stanza.Subscribe:
		p.Account.Route(answer)
	}
}

func (f *Presence) outgoing(p *module.Passage) {
	st := p.Stanza
	switch {
	case st.To.IsZero() && st.Type == stanza.Available:
		f.present(p)
	case st.To.IsZero() && st.Type == stanza.Unavailable:
		f.absent(p)
	case st.To.IsZero():
		f.refuse(p, stanza.Refuse(stanza.BadRequest, "Presence of this type needs a recipient."))
	case st.Type == stanza.Available, st.Type == stanza.Unavailable:
		f.direct(p)
	case st.Type == stanza.Probe, st.Type == stanza.Error:
		p.Account.Route(st)
	default:
		f.subscriptions.Outgoing(p)
	}
}

func (f *Presence) incoming(p *module.Passage) {
	a, st := p.Account, p.Stanza
	switch st.Type {
	case stanza.Available, stanza.Unavailable:
		deliver(a, st)
		f.see(a, st)
	case stanza.Probe:
		f.answer(p)
	case stanza.Error:
		f.undirect(a, st)
		deliver(a, st)
	default:
		f.subscriptions.Incoming(p)
	}
}

// deliver hands presence to the session that it is addressed to, or to all that are available
// (RFC 6121 sections 8.5.2.1.2 and 8.5.3).
func deliver(a module.Account, st *stanza.Stanza) {
	if !st.To.IsBare() {
		if s := a.Session(st.To.Resource()); s != nil {
			s.Send(st)
		}
		return
	}
	for s := range a.Sessions() {
		if s.Presence() != nil {
			s.Send(st)
		}
	}
}

// send lets a stanza of the server in the account's name through the account's Filter phase and on
// its way. s is the session that it is about, nil for none.
func (f *Presence) send(a module.Account, s module.Session, st *stanza.Stanza) {
	p := module.Passage{Account: a, Direction: module.Outgoing, Stanza: st, Session: s}
	if f.registry.Filter(&p) == nil {
		a.Route(p.Stanza)
	}
}

// isLocal reports whether an address is an account of this server.
func (f *Presence) isLocal(j jid.JID) bool { return j.Domain() == f.domain && j.Local() != "" }

// notice makes a presence stanza of the server.
func notice(t stanza.Type, from, to jid.JID) *stanza.Stanza {
	return stanza.New(stanza.Header{Kind: stanza.Presence, Type: t, From: from, To: to}, "")
}

// last is the presence of a session as others get it later, with the time of the broadcast
// (XEP-0203, RFC 6121 section 4.3.2).
func (f *Presence) last(s module.Session, to jid.JID) *stanza.Stanza {
	own := f.sessions.Of(s.Slots())
	if own.late == nil {
		own.late = s.Presence()
		if own.late.Child(ns.Delay, "delay").IsZero() {
			w := xmltree.NewWriter(128)
			w.Empty(ns.Delay, "delay", "from", s.JID().String(), "stamp", own.at.UTC().Format("2006-01-02T15:04:05Z"))
			own.late = own.late.Plus(w.String())
		}
	}
	return own.late.Address(to)
}
