// Package roster keeps the contacts of accounts: the roster of RFC 6121 section 2 with its versions
// (section 2.6), the states of presence subscriptions (section 3 and appendix A) with pre-approval
// (section 3.4), and subscriptions by invitation (XEP-0379).
//
// The roster of an account is held in memory by its actor. What is written is read, changed and
// written back inside one transaction, so that a change from outside the actor (an introduction,
// the removal of a contact's account) is never lost; a roster that finds such a change reads itself
// anew. Nothing is pushed to a client or sent to a contact before it is durable.
package roster

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"slices"

	"kith/internal/config"
	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/internal/xmltree"
	"kith/server/module"
)

// Preauth decides about the token of a subscription request (XEP-0379 section 3.4).
type Preauth interface {
	// AcceptContact uses up the token for a request of by to the account creator, and returns nil
	// if the request is to be granted and answered with another one. With an error it is a request
	// like any other.
	AcceptContact(ctx context.Context, token, creator string, by jid.JID) error
}

// Actors are the accounts that are in memory.
type Actors interface {
	// DoLoaded runs f in the actor of an account, if it is loaded.
	DoLoaded(local string, f func(module.Account)) bool
}

// Config is the section [roster] of the configuration file.
type Config struct {
	// MaxContacts is how many contacts an account may have.
	MaxContacts int `toml:"max_contacts"`
	// MaxGroups is how many groups one contact may be in.
	MaxGroups int `toml:"max_groups"`
	// MaxName is the longest name of a contact or a group, in bytes.
	MaxName int `toml:"max_name"`
	// MaxRequests is how many contact requests may wait for an account's answer; further ones are
	// ignored.
	MaxRequests int `toml:"max_requests"`
	// MaxRequest is the largest contact request, in bytes, that is kept with everything in it.
	MaxRequest int `toml:"max_request"`
}

// Validate says which options are out of their bounds, all of them.
func (c Config) Validate() error {
	check := config.NewCheck("roster")
	check.Number("max_contacts", c.MaxContacts, 10, 100_000)
	check.Number("max_groups", c.MaxGroups, 1, 1000)
	check.Number("max_name", c.MaxName, 64, 1<<16)
	check.Number("max_requests", c.MaxRequests, 1, 100_000)
	check.Number("max_request", c.MaxRequest, 256, 1<<20)
	return check.Err()
}

// DefaultConfig is what a server uses that is not told otherwise.
func DefaultConfig() Config {
	return Config{MaxContacts: 2000, MaxGroups: 50, MaxName: 1023, MaxRequests: 200, MaxRequest: 4096}
}

// maxToken bounds the tokens that are looked up.
const maxToken = 256

// Roster is the feature.
type Roster struct {
	domain  string
	store   Store
	preauth Preauth
	log     *slog.Logger
	config  Config
	actors  Actors
	router  module.Router
	ties    Ties
	gate    Gate

	contacts *module.Slot[contacts]
	interest *module.Slot[interest]
	sharing  []func(a module.Account, contact jid.JID, shared bool)
}

var _ module.Module = (*Roster)(nil)

// interest is whether a session asked for the roster, and so gets what changes (RFC 6121 section 2.2).
type interest struct{ asked bool }

// New makes the feature for the accounts of a domain. preauth may be nil.
func New(domain string, store Store, preauth Preauth, log *slog.Logger, config Config) *Roster {
	return &Roster{
		domain: domain, store: store, preauth: preauth, log: log, config: config,
		contacts: module.NewSlot(func() *contacts { return &contacts{} }),
		interest: module.NewSlot(func() *interest { return &interest{} }),
	}
}

// Connect gives the feature the accounts and the router, which are made after it. It must be called
// before anything is served.
func (r *Roster) Connect(actors Actors, router module.Router) { r.actors, r.router = actors, router }

// Register implements [module.Module].
func (r *Roster) Register(reg *module.Registry) {
	reg.Follows(module.RFC{Number: 6121, Name: "instant messaging and presence"})
	reg.Implements(
		module.XEP{Number: 237, Name: "Roster Versioning", Version: "1.3"},
		module.XEP{Number: 379, Name: "Pre-Authenticated Roster Subscription", Version: "0.3.3"},
	)
	reg.Disco(module.OnServer, ns.Roster)
	reg.Offer(module.Feature{Write: func(w *xmltree.Writer) { w.Empty(ns.RosterVer, "ver") }})
	reg.Offer(module.Feature{Write: func(w *xmltree.Writer) { w.Empty(ns.PreApproval, "sub") }})
	reg.HandleIQ(module.OnOwn, stanza.Get, ns.Roster, "query", r.get)
	reg.HandleIQ(module.OnOwn, stanza.Set, ns.Roster, "query", r.set)
}

// OnSharing adds a function that is told, inside the actor, when the account's presence is to be
// shown to a contact from now on, and when no longer. It must be called before anything is served.
func (r *Roster) OnSharing(f func(a module.Account, contact jid.JID, shared bool)) {
	r.sharing = append(r.sharing, f)
}

// Load makes sure that the contacts of an account are in memory.
func (r *Roster) Load(a module.Account) error {
	_, err := r.load(a)
	return err
}

// Subscription tells how the account stands with a contact, a bare JID: whether it sees the
// contact's presence, whether the contact sees its own, and whether the contact waits for an answer.
func (r *Roster) Subscription(a module.Account, contact jid.JID) (to, from, requested bool) {
	e := r.entry(a, contact)
	if e == nil {
		return false, false, false
	}
	return e.To, e.From, e.Requested
}

// Subscribed reports whether the contact, a bare JID, sees the account's presence.
func (r *Roster) Subscribed(a module.Account, contact jid.JID) bool {
	e := r.entry(a, contact)
	return e != nil && e.From
}

// InRoster reports whether the contact, a bare JID, is an item of the account's roster.
func (r *Roster) InRoster(a module.Account, contact jid.JID) bool {
	e := r.entry(a, contact)
	return e != nil && e.Listed
}

// InGroup reports whether the contact, a bare JID, is in one of these groups of the account's roster.
func (r *Roster) InGroup(a module.Account, contact jid.JID, groups []string) bool {
	e := r.entry(a, contact)
	return e != nil && slices.ContainsFunc(groups, func(g string) bool { return slices.Contains(e.Groups, g) })
}

// Each calls f for every contact with which the account has, or has asked for, a subscription.
func (r *Roster) Each(a module.Account, f func(contact jid.JID, to, from, asked bool)) {
	c, err := r.load(a)
	if err != nil {
		r.failed(fmt.Errorf("read: %w", err))
		return
	}
	for _, e := range c.entries {
		if e.To || e.From || e.Asked {
			f(e.Contact, e.To, e.From, e.Asked)
		}
	}
}

// Requests are the subscription requests that the account has not answered.
func (r *Roster) Requests(a module.Account) iter.Seq[*stanza.Stanza] {
	return func(yield func(*stanza.Stanza) bool) {
		c, err := r.load(a)
		if err != nil {
			r.failed(fmt.Errorf("read: %w", err))
			return
		}
		for _, e := range c.sorted(func(e *Entry) bool { return e.Requested }) {
			st, err := stanza.Parse(e.Request)
			if err != nil {
				r.failed(fmt.Errorf("stored subscription request: %w", err))
				continue
			}
			if !yield(st) {
				return
			}
		}
	}
}

func (r *Roster) entry(a module.Account, contact jid.JID) *Entry {
	c, err := r.load(a)
	if err != nil {
		r.failed(fmt.Errorf("read: %w", err))
		return nil
	}
	return c.entries[contact]
}

// failed logs what nobody can be told.
func (r *Roster) failed(err error) {
	r.log.LogAttrs(context.Background(), slog.LevelError, "roster failed", slog.Any("error", err))
}
