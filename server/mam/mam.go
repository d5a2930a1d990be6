// Package mam keeps the messages of every account and lets its owner read them: Message Archive
// Management (XEP-0313), with the preferences of XEP-0441.
//
// The order of an archive is that of its account's actor, which numbers the messages
// ([stanzaid.Seq]); the number, encrypted, is the message's stanza-id (XEP-0359). A message between
// two local accounts is stored once and listed twice.
//
// The archive is also where messages wait for who is away. What waits is not the archive's affair
// but that of a [Watcher].
package mam

import (
	"context"
	"log/slog"
	"sync/atomic"

	"kith/internal/clock"
	"kith/internal/counter"
	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/internal/stanzaid"
	"kith/server/module"
)

// Contacts knows the roster, for owners who archive only what they write with those in it.
type Contacts interface {
	// InRoster reports whether the roster of the account has this bare address.
	InRoster(a module.Account, contact jid.JID) bool
}

// Archive is the feature.
type Archive struct {
	store    Store
	ids      stanzaid.Codec
	domain   string
	contacts Contacts
	watcher  Watcher
	clock    clock.Clock
	log      *slog.Logger
	config   Config
	counters Counters

	accounts *module.Slot[account]
	sessions *module.Slot[reader]
}

// Counters tell what the archive has done.
type Counters struct {
	Stored  *counter.Counter // messages that were listed in an archive
	Queries *counter.Counter // pages that were read
	Refused *counter.Counter // queries refused because the session has too many under way
	Expired *counter.Counter // messages that retention deleted
}

var _ module.Module = (*Archive)(nil)

// New makes the feature for the accounts at domain. contacts may be nil: then owners cannot choose
// to archive by their roster.
func New(store Store, ids stanzaid.Codec, domain string, contacts Contacts, c clock.Clock, log *slog.Logger, config Config) *Archive {
	return &Archive{
		store: store, ids: ids, domain: domain, contacts: contacts, clock: c, log: log, config: config,
		watcher: nobody{},
		counters: Counters{
			Stored:  counter.New("mam_stored"),
			Queries: counter.New("mam_queries"),
			Refused: counter.New("mam_queries_refused"),
			Expired: counter.New("mam_expired"),
		},
		accounts: module.NewSlot(func() *account { return &account{} }),
		sessions: module.NewSlot(func() *reader { return &reader{} }),
	}
}

// Watch names who is told of messages that wait. It must be called before the server serves.
func (m *Archive) Watch(w Watcher) { m.watcher = w }

// Counters returns the live counters.
func (m *Archive) Counters() Counters { return m.counters }

// Features of XEP-0313 section 6.
const (
	featureGroupchatField = ns.MAM + "#groupchat-field"
	featureRetract        = ns.Retract
	featureTombstones     = ns.Retract + "#tombstone"
)

// Register implements [module.Module].
func (m *Archive) Register(r *module.Registry) {
	r.Implements(
		module.XEP{Number: 313, Name: "Message Archive Management", Version: "1.1.3"},
		module.XEP{Number: 431, Name: "Full Text Search in MAM", Version: "0.2.0", Note: "beginnings of words in what is not encrypted"},
		module.XEP{Number: 441, Name: "Message Archive Management Preferences", Version: "0.2.0"},
		module.XEP{Number: 59, Name: "Result Set Management", Version: "1.0"},
		module.XEP{Number: 297, Name: "Stanza Forwarding", Version: "1.0"},
		module.XEP{Number: 334, Name: "Message Processing Hints", Version: "1.0.0"},
		module.XEP{Number: 359, Name: "Unique and Stable Stanza IDs", Version: "0.7.0"},
		module.XEP{Number: 424, Name: "Message Retraction", Version: "0.4.2", Note: "with tombstones, also for what waits to be delivered; what is retracted inside of an encrypted message only clients can know"},
	)
	r.Disco(module.OnAccount, ns.MAM, ns.MAMExtended, ns.FullText, featureGroupchatField, ns.StanzaID, featureRetract, featureTombstones)
	r.Disco(module.OnServer, ns.StanzaID, featureRetract)

	r.OnFilter(m.strip)
	r.OnArchive(m.archive)
	r.HandleIQ(module.OnOwn, stanza.Set, ns.MAM, "query", m.query)
	r.HandleIQ(module.OnOwn, stanza.Get, ns.MAM, "query", m.describe)
	r.HandleIQ(module.OnOwn, stanza.Get, ns.MAM, "metadata", m.metadata)
	r.HandleIQ(module.OnOwn, stanza.Get, ns.MAM, "prefs", m.preferences)
	r.HandleIQ(module.OnOwn, stanza.Set, ns.MAM, "prefs", m.setPreferences)
	r.Offer(module.Feature{OnBind2: m.bind2})
}

// account is what the archive keeps in memory of one account.
type account struct {
	open    bool
	archive int64
	// exists is set by the database writer.
	exists atomic.Bool
	last   stanzaid.Seq
	owner  stanzaid.Owner
	prefs  Preferences
}

// account opens the archive of a when it is needed first.
func (m *Archive) account(a module.Account) (*account, error) {
	acc := m.accounts.Of(a.Slots())
	if acc.open {
		return acc, nil
	}
	state, err := m.store.Open(context.Background(), a.JID().String())
	if err != nil {
		return nil, err
	}
	acc.open, acc.archive, acc.last, acc.prefs = true, state.Archive, state.Last, state.Preferences
	acc.exists.Store(state.Exists)
	acc.owner = m.ids.Owner(a.JID())
	return acc, nil
}
