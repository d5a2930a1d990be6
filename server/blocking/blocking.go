// Package blocking is the blocking command (XEP-0191): an account exchanges nothing with those whom
// it has blocked, and looks offline to them.
package blocking

import (
	"context"
	"iter"
	"log/slog"

	"kith/internal/config"
	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/internal/xmltree"
	"kith/server/module"
)

// Store keeps what is blocked. An account is named by its localpart. What returned is durable.
type Store interface {
	// Blocked is the list of an account.
	Blocked(ctx context.Context, account string) ([]jid.JID, error)
	// Block adds addresses; those that are there already do no harm.
	Block(ctx context.Context, account string, items []jid.JID) error
	// Unblock removes addresses.
	Unblock(ctx context.Context, account string, items []jid.JID) error
	// UnblockAll removes all addresses.
	UnblockAll(ctx context.Context, account string) error
}

// Presence hides and shows the account.
type Presence interface {
	// Peers are all with whom the account shares presence: contacts by their bare address, others
	// as they were addressed.
	Peers(a module.Account) iter.Seq[jid.JID]
	// Cover makes the account and a peer unavailable to each other, before they are separated.
	Cover(a module.Account, peer jid.JID)
	// Uncover undoes that.
	Uncover(a module.Account, peer jid.JID)
}

// Config is the section [blocking] of the configuration file.
type Config struct {
	// MaxItems is how many addresses an account may block.
	MaxItems int `toml:"max_items"`
}

// Validate says which options are out of their bounds, all of them.
func (c Config) Validate() error {
	check := config.NewCheck("blocking")
	check.Number("max_items", c.MaxItems, 10, 100_000)
	return check.Err()
}

// DefaultConfig is what a server uses that is not told otherwise.
func DefaultConfig() Config { return Config{MaxItems: 2000} }

// Blocking is the feature.
type Blocking struct {
	domain   string
	store    Store
	presence Presence
	log      *slog.Logger
	config   Config

	report func(a module.Account, who jid.JID, item xmltree.Element)

	lists    *module.Slot[list]
	interest *module.Slot[interest]
}

var _ module.Module = (*Blocking)(nil)

// list is what an account has blocked.
type list struct {
	loaded bool
	items  map[jid.JID]struct{}
}

// interest is whether a session asked for the list, and so gets what changes.
type interest struct{ asked bool }

// New makes the feature for the accounts of a domain.
func New(domain string, store Store, presence Presence, log *slog.Logger, config Config) *Blocking {
	return &Blocking{
		domain: domain, store: store, presence: presence, log: log, config: config,
		lists:    module.NewSlot(func() *list { return &list{} }),
		interest: module.NewSlot(func() *interest { return &interest{} }),
	}
}

// OnReport names who is told of the items that clients block, which may hold a report (XEP-0377). It must be
// called before the server serves.
func (b *Blocking) OnReport(f func(a module.Account, who jid.JID, item xmltree.Element)) {
	b.report = f
}

// Register implements [module.Module].
func (b *Blocking) Register(r *module.Registry) {
	r.Implements(module.XEP{Number: 191, Name: "Blocking Command", Version: "1.3"})
	r.Disco(module.OnServer, ns.Blocking)
	r.Disco(module.OnAccount, ns.Blocking)
	r.OnFilter(b.filter)
	r.HandleIQ(module.OnOwn, stanza.Get, ns.Blocking, "blocklist", b.get)
	r.HandleIQ(module.OnOwn, stanza.Set, ns.Blocking, "block", b.block)
	r.HandleIQ(module.OnOwn, stanza.Set, ns.Blocking, "unblock", b.unblock)
}

func (b *Blocking) load(a module.Account) (*list, error) {
	l := b.lists.Of(a.Slots())
	if l.loaded {
		return l, nil
	}
	items, err := b.store.Blocked(context.Background(), a.JID().Local())
	if err != nil {
		return nil, err
	}
	l.loaded = true
	if len(items) > 0 {
		l.items = make(map[jid.JID]struct{}, len(items))
		for _, j := range items {
			l.items[j] = struct{}{}
		}
	}
	return l, nil
}

// blocks reports whether an item covers an address (XEP-0191 section 5): itself, any resource
// of a bare address, anything at a domain.
func (l *list) blocks(peer jid.JID) bool {
	if len(l.items) == 0 {
		return false
	}
	for _, form := range [...]jid.JID{peer, peer.Bare(), peer.DomainJID()} {
		if _, ok := l.items[form]; ok {
			return true
		}
	}
	return false
}

// Blocked reports whether the account has blocked an address.
func (b *Blocking) Blocked(a module.Account, peer jid.JID) bool {
	l, err := b.load(a)
	if err != nil {
		b.log.LogAttrs(context.Background(), slog.LevelError, "reading the block list failed", slog.Any("error", err))
		return true // the one who was blocked must not profit from it
	}
	return l.blocks(peer)
}

// filter lets nothing pass between the account and those whom it has blocked (XEP-0191 section 3.3).
func (b *Blocking) filter(p *module.Passage) error {
	peer := p.Peer()
	// No recipient is a broadcast, whose copies come by one by one.
	if peer.IsZero() || b.own(p.Account, peer) {
		return nil
	}
	l, err := b.load(p.Account)
	if err != nil {
		return stanza.Internal(err)
	}
	if !l.blocks(peer) {
		return nil
	}
	if p.Direction == module.Outgoing {
		return &stanza.Fault{Condition: stanza.NotAcceptable, Kind: "cancel", App: "blocked", AppNS: ns.BlockingErrors}
	}
	// To the other the account looks like one that is not there.
	if p.Stanza.Kind == stanza.Presence || p.Stanza.Type == stanza.Groupchat {
		// A room takes an error as a sign that its occupant is gone.
		return module.ErrDrop
	}
	return stanza.Refuse(stanza.ServiceUnavailable, "")
}

// own reports whether an address is the account's own or its server, which are never blocked.
func (b *Blocking) own(a module.Account, j jid.JID) bool {
	return j.Bare() == a.JID() || j.Local() == "" && j.Domain() == b.domain
}

// Purge forgets the list of an account that no longer exists.
func (b *Blocking) Purge(ctx context.Context, local string) error {
	return b.store.UnblockAll(ctx, local)
}
