package roster

import (
	"context"
	"slices"

	"kith/internal/jid"
)

// Store keeps contacts. An account is named by its localpart.
type Store interface {
	// Roster reads the roster of an account.
	Roster(ctx context.Context, account string) (Snapshot, error)
	// UpdateRosters makes all changes in one transaction, and gives what came of them in the same
	// order. It returns when they are durable.
	UpdateRosters(ctx context.Context, changes []Change) ([]Entry, error)
	// DeleteRoster forgets everything about an account.
	DeleteRoster(ctx context.Context, account string) error
}

// KeepRemovals is how many removed items of an account the store remembers, for clients with an
// older version. A client that missed more gets the whole roster.
const KeepRemovals = 100

// Change is one step of a transaction.
type Change struct {
	Account string
	Contact jid.JID
	// Apply changes the entry, which has no more than its Contact if there is none yet. It may be
	// called several times, each time with the entry as it was, and only looks at that entry. If
	// it returns an error, the whole transaction is undone.
	Apply func(*Entry) error
}

// Entry is what an account has about one contact: an item of its roster, a request that it has
// not answered, or both.
type Entry struct {
	Contact jid.JID
	// Listed: it is an item of the roster.
	Listed bool
	// Ver is the version of the roster at which the item was last changed or removed; 0 for never.
	Ver    int64
	Name   string
	Groups []string
	State
	// Request is the stanza by which the contact asked, while State.Requested.
	Request string
	// Tied: the subscription came of a circle, and ends with it.
	Tied bool
}

// SameItem reports whether a client would see no difference between the items.
func (e *Entry) SameItem(o *Entry) bool {
	if !e.Listed && !o.Listed {
		return true
	}
	s, t := e.State, o.State
	s.Requested, t.Requested = false, false
	return e.Listed == o.Listed && e.Name == o.Name && slices.Equal(e.Groups, o.Groups) && s == t
}

// Unlist removes the item; a request stays.
func (e *Entry) Unlist() {
	*e = Entry{Contact: e.Contact, Ver: e.Ver, Request: e.Request, State: State{Requested: e.Requested}}
}

// Snapshot is a roster at one moment.
type Snapshot struct {
	// Epoch distinguishes the versions from those of another roster with the same owner; "" as
	// long as there never was an item.
	Epoch string
	// Ver is the version, Horizon the oldest one since when all removals are known.
	Ver, Horizon int64
	// Entries ascend by version. Those without a request that are not listed were removed.
	Entries []Entry
}
