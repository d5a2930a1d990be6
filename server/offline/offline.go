// Package offline brings every message to a client of its recipient, once there is one: offline
// messages (XEP-0160), and what was on its way to a session that was lost.
//
// It keeps nothing of its own. Messages wait in the archive, from the moment they are stored until a
// client has them: acknowledged by XEP-0198, written to a client that does not use it, or read from
// the archive. A [ledger] in memory knows which; from time to time it is saved up to where nothing
// waits, so that after a crash a message may come twice, with the same stanza-id, but none is lost.
//
// A session that becomes available is brought up to date first: in order, at the pace of its
// acknowledgements. What arrives meanwhile waits its turn behind.
package offline

import (
	"context"
	"log/slog"

	"kith/internal/clock"
	"kith/internal/counter"
	"kith/internal/ns"
	"kith/internal/payload"
	"kith/internal/stanza"
	"kith/internal/stanzaid"
	"kith/server/module"
)

// Delivery is the feature.
type Delivery struct {
	store    Store
	ids      stanzaid.Codec
	domain   string
	clock    clock.Clock
	log      *slog.Logger
	config   Config
	counters Counters
	saver    *saver

	accounts *module.Slot[account]
	clients  *module.Slot[client]
}

// Counters tell what was delivered late or not at all.
type Counters struct {
	Sent    *counter.Counter // messages that were sent from the archive
	Refused *counter.Counter // messages refused because too many wait
	Bounced *counter.Counter // messages of lost sessions that were sent back
}

var _ module.Module = (*Delivery)(nil)

// New makes the feature for the accounts at domain. It has to be made the watcher of the archive,
// and to be registered after carbons.
func New(store Store, ids stanzaid.Codec, domain string, c clock.Clock, log *slog.Logger, config Config) *Delivery {
	return &Delivery{
		store: store, ids: ids, domain: domain, clock: c, log: log, config: config,
		counters: Counters{
			Sent:    counter.New("offline_sent"),
			Refused: counter.New("offline_quota_refused"),
			Bounced: counter.New("offline_bounced"),
		},
		saver:    newSaver(store, c, log, config.SaveEvery),
		accounts: module.NewSlot(func() *account { return &account{} }),
		clients:  module.NewSlot(func() *client { return &client{} }),
	}
}

// Counters returns the live counters.
func (d *Delivery) Counters() Counters { return d.counters }

// Register implements [module.Module].
func (d *Delivery) Register(r *module.Registry) {
	r.Implements(
		module.XEP{Number: 160, Name: "Best Practices for Handling Offline Messages", Version: "1.0.1"},
		module.XEP{Number: 203, Name: "Delayed Delivery", Version: "2.0"},
	)
	r.Disco(module.OnServer, ns.OfflineFeature)
	r.OnFilter(d.quota)
	r.OnCopy(d.arrange)
	r.OnMiss(d.missed)
	r.Tracker = d.track
	r.OnSession(module.Presented, d.presented)
	r.OnSession(module.BecameUnavailable, d.withdrawn)
	r.OnSession(module.Unbound, d.unbound)
	r.OnOrphans(d.orphans)
}

// account is what the feature keeps in memory of one account.
type account struct {
	loaded bool
	ledger
	owner stanzaid.Owner
	acks  acks
}

// account loads the ledger of a when it is needed first.
func (d *Delivery) account(a module.Account) (*account, error) {
	acc := d.accounts.Of(a.Slots())
	if acc.loaded {
		return acc, nil
	}
	items, err := d.store.Waiting(context.Background(), a.JID().String())
	if err != nil {
		return nil, err
	}
	for _, it := range items {
		acc.add(entry{seq: it.Seq, size: int32(min(it.Size, 1<<30)), hidden: it.Hidden}) //nolint:gosec // bounded
		acc.through = it.Seq
	}
	acc.owner = d.ids.Owner(a.JID())
	acc.loaded = true
	return acc, nil
}

// quota refuses messages to an account for which too many wait already.
func (d *Delivery) quota(p *module.Passage) error {
	if p.Direction != module.Incoming || p.Stanza.Kind != stanza.Message {
		return nil
	}
	for range p.Account.Sessions() {
		return nil // what waits is on its way
	}
	acc, err := d.account(p.Account)
	if err != nil {
		return err
	}
	if acc.open < d.config.MaxMessages && acc.bytes < int64(d.config.MaxBytes) {
		return nil
	}
	if !payload.Classify(p.Stanza).Offline() {
		return nil
	}
	d.counters.Refused.Inc()
	// XEP-0160 section 2, step 3; it may be tried again.
	return &stanza.Fault{Condition: stanza.ServiceUnavailable, Kind: "wait", Text: "Too many messages are waiting for this person."}
}

// missed answers for messages that no session got.
func (d *Delivery) missed(p *module.Passage) bool {
	if p.Record != nil {
		return true // it waits, or is to be found in the archive
	}
	// An error in reply to a mere typing notification would only tell who is away.
	return !payload.Classify(p.Stanza).Worthy()
}
