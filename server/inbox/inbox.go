// Package inbox lists the conversations of an account, with what is new in each and the last that was
// said, in one answer (XEP-0430): those of its archive, and the rooms of this server that it belongs to.
//
// What is unread is reckoned when somebody asks, from what is there anyway: the archives, and the marks
// that clients set (XEP-0490, XEP-0333). So nothing is written when a message comes, and nothing can go
// out of step.
package inbox

import (
	"context"
	"log/slog"

	"kith/internal/counter"
	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/internal/stanzaid"
	"kith/internal/xmltree"
	"kith/server/module"
)

const (
	// maxChats and maxRooms bound how many conversations are looked at.
	maxChats = 10_000
	maxRooms = 1_000
	// usualPage is how many conversations a client gets that does not say how many it wants, maxPage how
	// many it can have at once; maxPageBytes ends a page whose messages are large.
	usualPage    = 200
	maxPage      = 500
	maxPageBytes = 4 << 20
	// maxWaiting is how many requests of one session may be under way.
	maxWaiting = 4
)

// Inbox is the feature.
type Inbox struct {
	store    Store
	rooms    Rooms
	notes    Notes
	ids      stanzaid.Codec
	log      *slog.Logger
	counters Counters
	sessions *module.Slot[int]
}

// Counters tell what the inbox has done.
type Counters struct {
	Listed  *counter.Counter // requests that were answered
	Refused *counter.Counter // requests refused because the session has too many under way
}

var _ module.Module = (*Inbox)(nil)

// New makes the feature. ids must be the codec of the archives.
func New(store Store, rooms Rooms, notes Notes, ids stanzaid.Codec, log *slog.Logger) *Inbox {
	return &Inbox{
		store: store, rooms: rooms, notes: notes, ids: ids, log: log,
		counters: Counters{Listed: counter.New("inbox_listed"), Refused: counter.New("inbox_refused")},
		sessions: module.NewSlot(func() *int { return new(int) }),
	}
}

// Counters returns the live counters.
func (x *Inbox) Counters() Counters { return x.counters }

// Register implements [module.Module].
func (x *Inbox) Register(r *module.Registry) {
	r.Implements(module.XEP{
		Number: 430, Name: "Inbox", Version: "0.2.0",
		Note: "rooms of this server included; unread messages are counted up to 1000 in each conversation",
	})
	r.Disco(module.OnAccount, ns.Inbox)
	r.HandleIQ(module.OnOwn, stanza.Get, ns.Inbox, "inbox", x.list)
}

// list answers a request. The archives are read beside the actor, which goes on meanwhile.
func (x *Inbox) list(q *module.IQ) error {
	r, err := readRequest(q)
	if err != nil {
		return err
	}
	running := x.sessions.Of(q.Session.Slots())
	if *running >= maxWaiting {
		x.counters.Refused.Inc()
		return stanza.Refuse(stanza.ResourceConstraint, "Too many requests at once.")
	}
	src, err := x.source(q.Account)
	if err != nil {
		return err
	}
	*running++
	account := q.Account
	go func() {
		out, err := x.answer(context.Background(), src, r)
		account.Do(func(module.Account) {
			*running--
			if err != nil {
				x.log.LogAttrs(context.Background(), slog.LevelError, "reading the inbox failed", slog.Any("error", err))
				q.Fail(stanza.Internal(err))
				return
			}
			x.counters.Listed.Inc()
			for _, st := range out.entries(q) {
				q.Session.Send(st)
			}
			q.Result(func(w *xmltree.Writer) { out.writeFin(w) })
		})
	}()
	return nil
}
