package mam

import (
	"kith/internal/jid"
	"kith/internal/stanzaid"
	"kith/server/module"
)

// Watcher sees to it that what waits in the archive reaches a client. Its methods are called inside
// the actor of the account.
type Watcher interface {
	// Keep is told of a message of this size that is being archived and waits for its first
	// delivery. Queries do not show it if it is hidden. An error refuses the message.
	Keep(a module.Account, seq stanzaid.Seq, size int, hidden bool) error
	// Dropped is told that such a message was not archived after all: its commit failed.
	Dropped(a module.Account, seq stanzaid.Seq)
	// Reads is told that a session has begun to fetch everything that it does not have yet, or is
	// about to: it need not be sent what waits.
	Reads(a module.Account, s module.Session)
	// Answered is told what a session is being sent from the archive. delivered, which may be nil, is
	// called from any goroutine when the client has it.
	Answered(a module.Account, s module.Session, x Answer) (delivered func())
}

// Answer is a page of the archive on its way to a client. The type has no name of its own, so that a
// watcher need not import this package.
type Answer = struct {
	// Seqs are the messages in it.
	Seqs []stanzaid.Seq
	// UpTo is set for a client that looks at the newest messages first, or at those with Peer only:
	// it could have, and left out, everything, or everything with Peer, up to and including this.
	UpTo stanzaid.Seq
	Peer jid.JID
	// Complete: with this page the client has got to the end of the archive, going forward.
	Complete bool
}

// nobody is the Watcher of an archive in which nothing waits.
type nobody struct{}

func (nobody) Keep(module.Account, stanzaid.Seq, int, bool) error { return nil }

func (nobody) Dropped(module.Account, stanzaid.Seq) {}

func (nobody) Reads(module.Account, module.Session) {}

func (nobody) Answered(module.Account, module.Session, Answer) func() { return nil }
