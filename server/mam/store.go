package mam

import (
	"context"

	"kith/internal/jid"
	"kith/internal/mamquery"
	"kith/internal/stanza"
	"kith/internal/stanzaid"
	"kith/server/module"
)

// Store keeps the archives. Methods that take done return at once and call it once when the write is
// durable, or with the reason why nothing of it was kept; it must not block.
type Store interface {
	// Open looks for the archive at a bare address. For one that is not there it names a number that
	// no archive has or had; the first write makes it.
	Open(ctx context.Context, address string) (State, error)
	// Append adds a message. Writes for one archive are made in the order of the calls.
	Append(e *Entry, done func(error))
	// SetPreferences replaces what the owner of an archive prefers.
	SetPreferences(archive int64, address string, p Preferences, done func(error))

	// Page reads a part of an archive.
	Page(ctx context.Context, q Query) (*Page, error)
	// Bounds gives the ends of what an archive shows, zero if it shows nothing.
	Bounds(ctx context.Context, archive int64) (first, last stanzaid.Seq, err error)

	// Expire deletes a batch of what was archived before a Seq, beginning with the archive numbered
	// from. What still waits for its first delivery, and all after it, stays. It returns where to go
	// on, 0 when nothing is left to do.
	Expire(ctx context.Context, from int64, before stanzaid.Seq) (next int64, deleted int, err error)
	// Remove deletes an archive. Its content goes with the next calls of Expire.
	Remove(ctx context.Context, address string) error
}

// State is what an archive remembers.
type State struct {
	// Archive is its number; Exists tells whether it has been made.
	Archive int64
	Exists  bool
	// Last is the Seq of its newest message, 0 if it is empty.
	Last        stanzaid.Seq
	Preferences Preferences
}

// Entry is a message on its way into an archive.
type Entry struct {
	Archive int64
	// Address is that of the archive, and New is set while it may not have been made.
	Address string
	New     bool
	Seq     stanzaid.Seq
	// Peer is the other side.
	Peer jid.JID
	// Outgoing: the owner sent it.
	Outgoing bool
	// Waits: it is to be kept until a client of the owner has it.
	Waits bool
	// Hidden: it is here only because it waits, and queries do not show it.
	Hidden bool
	// Retraction, if not nil, takes back an earlier message that the same side sent.
	Retraction *Retraction
	// Aside: it is no message that a person is to read, but something about one or about a
	// conversation. Marker: it says that one was displayed.
	Aside, Marker bool
	// Stanza is what is stored, unless the archive that Shared names stores the same already.
	Stanza *stanza.Stanza
	Shared *module.Stored
	// Stored, if not nil, is where the writer notes the place of the content for another archive.
	Stored *module.Stored
}

// Retraction is what a message does that takes an earlier one of the same conversation and from the same
// side back (XEP-0424): with the message itself, atomically, and doing it twice is as good as once.
type Retraction struct {
	// ID is what the earlier message is called by its sender.
	ID string
	// Replace gives what stands in the place of an earlier message that may be the one, "" if it is not.
	// The newest for which it gives something is replaced; how far back the store looks is bounded. It is
	// called by the writer, so it must not wait and must not use anything of an actor.
	Replace func(earlier *stanza.Stanza) string
	// Follow does the same for messages that came after the one that is replaced, which had the id: with all
	// those that say the same in other words.
	Follow func(id string, later *stanza.Stanza) string
}

// Query says what to read of an archive.
type Query struct {
	mamquery.Query
	Archive int64
	// Bytes ends a page early after so many; it has one message at least.
	Bytes int
	// Newest is the newest Seq that was given to anything: no anchor may be newer, or older than
	// everything that is left, unless it is there itself.
	Newest stanzaid.Seq
}

// Page is what was read.
type Page struct {
	mamquery.Page
	// Missing: an anchor, or one of Seqs, is not there.
	Missing bool
}
