package offline

import (
	"context"

	"kith/internal/jid"
	"kith/internal/stanzaid"
)

// Store is the archive, as far as messages wait in it.
type Store interface {
	// Waiting lists what waits in the archive at a bare address, in its order.
	Waiting(ctx context.Context, address string) ([]Item, error)
	// Messages reads what waits with Seqs from first to last, in its order.
	Messages(ctx context.Context, address string, first, last stanzaid.Seq) ([]Message, error)
	// WaitingFrom lists the Seqs, up to and including upTo, of what waits and came from a peer: from
	// any resource of a bare address, exactly from a full one.
	WaitingFrom(ctx context.Context, address string, peer jid.JID, upTo stanzaid.Seq) ([]stanzaid.Seq, error)
	// Save notes what has reached a client. done is called once it is durable, or with the reason why
	// nothing of it was kept; it must not block.
	Save(progress []Progress, done func(error))
}

// Item is a message that waits.
type Item struct {
	Seq  stanzaid.Seq
	Size int
	// Hidden: it is in the archive only because it waits, and is deleted when it is delivered.
	Hidden bool
}

// Message is a message that waits, with its content as stanza.Stanza.String wrote it.
type Message struct {
	Seq    stanzaid.Seq
	Stanza string
}

// Progress is news of one archive.
type Progress struct {
	Address string
	// Delivered: nothing waits up to and including this Seq.
	Delivered stanzaid.Seq
	// Drop lists hidden messages that no longer wait.
	Drop []stanzaid.Seq
}
