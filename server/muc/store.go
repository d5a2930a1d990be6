package muc

import (
	"context"
	"errors"
	"time"

	"kith/internal/jid"
	"kith/internal/mamquery"
	"kith/internal/stanza"
	"kith/internal/stanzaid"
)

// Errors of [Store].
var (
	// ErrExists: there is a room of this name already.
	ErrExists = errors.New("muc: the room exists")
	// ErrTooMany: the maker owns as many rooms as allowed.
	ErrTooMany = errors.New("muc: too many rooms of one owner")
)

// Store keeps the rooms. A room is named by its localpart. What changes a room waits until it is
// durable and keeps nothing of it when it fails; Append alone does not wait.
type Store interface {
	// Room loads a room, nil if there is none. address is its bare address.
	Room(ctx context.Context, local, address string) (*State, error)
	// CreateRoom makes a room, or fails with [ErrExists] or [ErrTooMany]. It sets Archive, Archived and Last of s.
	CreateRoom(ctx context.Context, s *State, address string) error
	// SaveConfig replaces the configuration and changes affiliations with it.
	SaveConfig(ctx context.Context, local string, c RoomConfig, changed []Entry) error
	// SaveEntries changes affiliations. Entries without an affiliation are removed.
	SaveEntries(ctx context.Context, local string, changed []Entry) error
	// SaveLinks replaces the links and changes affiliations with them.
	SaveLinks(ctx context.Context, local string, l Links, changed []Entry) error
	// SaveHats replaces the hats.
	SaveHats(ctx context.Context, local string, h Hats) error
	// SaveAvatar replaces the vCard and the hashes of the pictures in it; "" for none.
	SaveAvatar(ctx context.Context, local, vcard string, hashes []string) error
	// Avatar is the vCard, "" without one.
	Avatar(ctx context.Context, local string) (string, error)
	// DestroyRoom removes a room and its archive.
	DestroyRoom(ctx context.Context, local, address string) error

	// Rooms lists rooms in the order of their names, beginning after one; only the public ones if
	// listed is set.
	Rooms(ctx context.Context, listed bool, after string, limit int) ([]Listing, error)
	// CountRooms counts what Rooms lists.
	CountRooms(ctx context.Context, listed bool) (int, error)
	// Owned counts the rooms that a user owns.
	Owned(ctx context.Context, user jid.JID) (int, error)
	// Listed are the rooms that list a user.
	Listed(ctx context.Context, user jid.JID) ([]string, error)
	// Temporary are the rooms that are not persistent.
	Temporary(ctx context.Context) ([]string, error)

	// Append stores a message and returns at once. done is called once when it is durable, or with the
	// reason why nothing of it was kept; it must not block. Writes for one room are made in the order
	// of the calls.
	Append(m *Message, done func(error))
	// Page reads a part of a room's archive. missing is set if an anchor, or one of the Seqs that were
	// asked for, is not there. sender, which may be zero, limits it like With of the query, which is
	// not looked at; newest is the newest Seq that was given to a message.
	Page(ctx context.Context, archive int64, q *mamquery.Query, sender jid.JID, newest stanzaid.Seq) (p mamquery.Page, missing bool, err error)
	// Sender tells who sent a message of the archive, false if it is not there.
	Sender(ctx context.Context, archive int64, seq stanzaid.Seq) (jid.JID, bool, error)
	// Recent reads the end of an archive for the list of conversations of me: what me said, or what is
	// not newer than read, is nothing new.
	Recent(ctx context.Context, archive int64, me jid.JID, read stanzaid.Seq) (mamquery.Recent, error)
	// Texts are the stanzas of messages of an archive, as far as they are there.
	Texts(ctx context.Context, archive int64, seqs []stanzaid.Seq) (map[stanzaid.Seq]string, error)
	// Bounds gives the ends of an archive, zero if it is empty.
	Bounds(ctx context.Context, archive int64) (first, last stanzaid.Seq, err error)
}

// State is what a room remembers.
type State struct {
	Local  string
	Config RoomConfig
	// Salt is what occupant ids are made from (XEP-0421).
	Salt    []byte
	Subject Subject
	Hats    Hats
	Links   Links
	// AvatarHashes are those of the pictures in its vCard (XEP-0153 section 3).
	AvatarHashes []string
	Entries      []Entry
	// Archive is the number of its archive; Archived tells whether that has been made, and Last is the
	// Seq of its newest message.
	Archive  int64
	Archived bool
	Last     stanzaid.Seq
	// Maker is who makes a new room, and MaxOwned how many rooms that user may own with it; 0 for any number.
	Maker    jid.JID
	MaxOwned int
}

// Entry is the relation of a user, or of all users of a domain, to a room.
type Entry struct {
	// JID is a bare address.
	JID         jid.JID
	Affiliation Affiliation
	// Nick is the nickname that is reserved for the user, "" for none.
	Nick string
	// Reason is why somebody was banned.
	Reason string
}

// Subject is the subject of a room.
type Subject struct {
	// XML holds the subject elements as they were sent; "" if there was never one.
	XML string
	// From is the occupant's address of who set it, By the occupant id.
	From jid.JID
	By   string
	At   time.Time
}

// Listing is a room in a list.
type Listing struct {
	Local, Name string
}

// Message is a message on its way into the archive of a room.
type Message struct {
	Local string
	// Archive is its number and Address that of the room. New is set while it may not have been made.
	Archive int64
	Address string
	New     bool
	Seq     stanzaid.Seq
	// Sender is who sent it: a full address, or the room itself.
	Sender jid.JID
	// Stanza is what is stored, "" for nothing.
	Stanza string
	// Aside: it is no message that a person is to read. Marker: it says that one was displayed.
	Aside, Marker bool
	// Subject becomes that of the room; nil to leave it.
	Subject *Subject
	// Retracts is the message that Tombstone replaces (XEP-0424 section 5), 0 for none.
	Retracts  stanzaid.Seq
	Tombstone string
	// Author is whose message it was, and Follow gives what stands in the place of one that the author sent
	// later, "" for what it is: it must not use anything of the room.
	Author jid.JID
	Follow func(later *stanza.Stanza) string
}
