package inbox

import (
	"context"

	"kith/internal/jid"
	"kith/internal/mamquery"
	"kith/internal/stanzaid"
	"kith/server/module"
)

// Store reads the archives of accounts.
type Store interface {
	// Chats are the conversations that the archive at a bare address has messages of, at most limit.
	// read says up to which message each was read; where it says nothing, nothing was.
	Chats(ctx context.Context, address string, read map[jid.JID]stanzaid.Seq, limit int) ([]Chat, error)
	// Texts are stanzas of an archive, as far as they are there.
	Texts(ctx context.Context, address string, seqs []stanzaid.Seq) (map[stanzaid.Seq]string, error)
}

// Chat is a conversation in the archive of an account.
type Chat struct {
	// With is the bare address of the other side.
	With jid.JID
	mamquery.Recent
}

// Rooms are the group chats of this server.
type Rooms interface {
	// Host is the domain at which they are.
	Host() string
	// Of are those of them that list somebody, a bare address.
	Of(ctx context.Context, who jid.JID) ([]jid.JID, error)
	// Recent is the end of a room's archive; false if there is no such room, it keeps no archive, or
	// who may not read it. displayed is the id of the message up to which who has read, "" if that
	// is not known.
	Recent(ctx context.Context, room, who jid.JID, displayed string) (Talk, bool, error)
}

// Talk is the end of a room's archive. The type has no name of its own, so that the rooms need not
// import this package.
type Talk = struct {
	// Newest is the Seq of the newest thing in the archive, and ID its id.
	Newest stanzaid.Seq
	ID     string
	// Last is the Seq of the newest message that a person is to read, LastID its id, and Text the stanza
	// as who may read it; zero if there is none.
	Last         stanzaid.Seq
	LastID, Text string
	Unread       int
}

// Notes are what an account keeps about its conversations for itself. They are asked inside its actor.
type Notes interface {
	// Displayed maps conversations to the ids of the messages up to which they were displayed
	// (XEP-0490), and to who gave those ids.
	Displayed(a module.Account) (map[jid.JID]Mark, error)
	// Bookmarks are the rooms that the account has bookmarked (XEP-0402).
	Bookmarks(a module.Account) ([]jid.JID, error)
	// Joined are the rooms at a host in which sessions of the account are.
	Joined(a module.Account, host string) []jid.JID
}

// Mark names a message.
type Mark struct {
	// ID is a stanza-id, and By the archive that it belongs to.
	ID string
	By jid.JID
}
