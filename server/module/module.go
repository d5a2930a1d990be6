// Package module is the contract between the server and its features.
//
// A feature is a [Module]. When the server is put together it registers what it takes part in
// with a [Registry]; afterwards the registry does not change. Everything that concerns one account
// runs inside that account's actor (router.Account): the hooks and iq handlers below are called
// one at a time for an account, so a feature keeps per-account state in a [Slot] without locks.
// What a hook is given ([Account], [Session], [Passage]) may be used only during the call, or in a
// function that is run by [Account.Do].
//
// A hook must not wait for another actor, for the network or for anything without a bound. Reading
// from the local database is allowed; a write on the way of a message is not (see [ArchiveHook]).
package module

import (
	"iter"
	"net/netip"
	"time"

	"kith/internal/jid"
	"kith/internal/stanza"
)

// Module is one feature.
type Module interface {
	// Register is called once, before the server serves. It only records what takes part.
	Register(*Registry)
}

// XEP is one specification that a feature implements, for docs/xeps.md and the DOAP file.
type XEP struct {
	Number  int
	Name    string
	Version string
	// Note says what is left out, or how it is meant; empty for a complete implementation.
	Note string
}

// RFC is one of the standards on which XMPP rests and that a feature follows, for docs/xeps.md.
type RFC struct {
	Number int
	Name   string
}

// Account is one local bare JID, as features see it from inside its actor.
type Account interface {
	// JID is the bare address.
	JID() jid.JID
	// Sessions are the bound sessions in the order of their binding.
	Sessions() iter.Seq[Session]
	// Session is the session with this resource, nil if there is none.
	Session(resource string) Session
	// Route sends a stanza on its way in the name of the account, past its own hooks. The stanza
	// carries its from. Errors come back as stanzas.
	Route(*stanza.Stanza)
	// Ask routes a request of the account itself, from its bare address, and calls done inside the
	// actor with the answer; with nil if none came in time. The id must be fresh.
	Ask(request *stanza.Stanza, done func(answer *stanza.Stanza))
	// Do runs f inside the actor later, in order; from any goroutine. It is never refused while
	// the server runs: use it for the end of what began inside the actor, not for new work.
	Do(f func(Account))
	// Slots holds the state that features keep with the account.
	Slots() *Slots
}

// Session is one bound resource of an account (RFC 6120 section 7). It outlives its connection
// while it can be resumed (XEP-0198).
type Session interface {
	// JID is the full address.
	JID() jid.JID
	// Send queues a stanza for the client. It never blocks; a client that reads too slowly loses
	// its connection, not the stanza.
	Send(*stanza.Stanza)
	// SendTracked is Send, and calls delivered once when the client has the stanza: acknowledged
	// by XEP-0198, or written out for a client that does not use it. It is called from another
	// goroutine, or never.
	SendTracked(st *stanza.Stanza, delivered func())
	// Presence is the last presence that the client broadcast, nil while it is not available.
	Presence() *stanza.Stanza
	// SetPresence records the presence; nil for unavailable. For the presence feature alone.
	SetPresence(*stanza.Stanza)
	// Priority is that of its presence; meaningless while not available.
	Priority() int
	// Login tells how the client signed in.
	Login() Login
	// Attached reports whether the client is connected. While it is not, its session can be resumed.
	Attached() bool
	// Unacknowledged is what the client may not have: sent and not acknowledged, or not yet sent.
	Unacknowledged() []*stanza.Stanza
	// End closes the session: the client gets the stream error, and it cannot resume.
	End(EndReason)
	// Slots holds the state that features keep with the session.
	Slots() *Slots
}

// Login says how a session was authenticated.
type Login struct {
	// Client is the id of the user agent (XEP-0388 section 2.1), "" if it gave none.
	Client string
	// Software and Device are what the user agent says of itself.
	Software, Device string
	// Password is true when the person's password was proven, false for a token.
	Password bool
	// At is when.
	At time.Time
	// Encrypted is true when the connection is protected by TLS or stays on this machine.
	Encrypted bool
	// Browser is true for a client that came over HTTP, as those do that run inside a web page.
	Browser bool
}

// Stranger is a client that has not signed in.
type Stranger struct {
	// Remote is its address, for throttling alone; invalid if unknown.
	Remote netip.Addr
	slots  Slots
}

// Slots holds the state that features keep until the client signs in or leaves.
func (s *Stranger) Slots() *Slots { return &s.slots }

// EndReason is why the server ends a session: a stream error condition (RFC 6120 section 4.9.3).
type EndReason struct {
	Condition string
	Text      string
}

// Reasons to end a session.
var (
	EndConflict  = EndReason{"conflict", "replaced by a new session"}
	EndShutdown  = EndReason{"system-shutdown", ""}
	EndSignedOut = EndReason{"not-authorized", "signed out from another device"}
	EndRemoved   = EndReason{"not-authorized", "the account was removed"}
	EndReset     = EndReason{"reset", "the password was changed"}
)

// Direction is the side of an account from which a stanza passes through it.
type Direction uint8

// Directions.
const (
	// Outgoing: one of the account's own sessions sent it.
	Outgoing Direction = iota + 1
	// Incoming: it is addressed to the account.
	Incoming
)

// Passage is the way of one stanza through one account. Hooks may replace Stanza by an edited one.
type Passage struct {
	Account   Account
	Direction Direction
	Stanza    *stanza.Stanza
	// Session is the one that sent it; nil for Incoming.
	Session Session
	// At is when the server took it.
	At time.Time
	// Record is what the archive made of it; nil when it was not stored.
	Record *Record
	// Write begins the archive's write of an outgoing message. It is called when what the recipient
	// keeps of the message comes first on its way to the disk: what a sender finds in his own archive
	// after a crash is not missing in the other. stored, if not nil, is where the recipient's archive
	// notes the place of the same content. nil: the hook writes by itself.
	Write func(stored *Stored)
	// Targets are the sessions that the Deliver phase will give an incoming message to, known from
	// the Copy phase on (RFC 6121 section 8.5); none in the Miss phase.
	Targets []Session
}

// Peer is the other side: whom an outgoing stanza is for, whom an incoming one is from.
func (p *Passage) Peer() jid.JID {
	if p.Direction == Outgoing {
		return p.Stanza.To
	}
	return p.Stanza.From
}

// Record is the place of a message in the archive of one account.
type Record struct {
	// Seq orders the archive; it is unique within it and ascends.
	Seq int64
	// ID is the stanza-id (XEP-0359).
	ID string
}

// Stored lets two archives share one stored stanza. Only the database writer looks inside.
type Stored struct {
	Row int64
}

// Envelope carries a stanza through the router.
type Envelope struct {
	Stanza *stanza.Stanza
	// Stored is set when the sender's archive keeps this very stanza, and will share what the
	// recipient's archive stores.
	Stored *Stored
	// accepted is called once responsibility was taken: stored durably, delivered, or answered.
	accepted func()
	// queued, see OnQueued.
	queued  func(bool)
	claimed bool
}

// NewEnvelope wraps a stanza. accepted may be nil.
func NewEnvelope(st *stanza.Stanza, accepted func()) *Envelope {
	return &Envelope{Stanza: st, accepted: accepted}
}

// For is the envelope for the next stretch of the way: what Accept means passes on to it.
func (e *Envelope) For(st *stanza.Stanza, stored *Stored) *Envelope {
	next := &Envelope{Stanza: st, Stored: stored, accepted: e.accepted}
	e.accepted = nil
	return next
}

// OnQueued sets what is called once when everything that the recipient's side writes to the database for
// this stanza is in the queue of the writer, or when there is nothing to write; with false if the
// recipient's side takes nothing any more. It is called by who has claimed the envelope, from any
// goroutine, and by nobody if nobody has.
func (e *Envelope) OnQueued(f func(ok bool)) { e.queued = f }

// Awaited reports whether OnQueued has set something.
func (e *Envelope) Awaited() bool { return e.queued != nil }

// Claim promises a call of Queued. It is to be called before Take returns.
func (e *Envelope) Claim() { e.claimed = true }

// Claimed reports whether somebody has promised to call Queued.
func (e *Envelope) Claimed() bool { return e.claimed }

// Queued calls what OnQueued has set, once.
func (e *Envelope) Queued(ok bool) {
	if f := e.queued; f != nil {
		e.queued = nil
		f(ok)
	}
}

// Accept says that responsibility for the stanza was taken. Only the first call counts; it must
// come from one goroutine at a time, since one owner after the other has the envelope.
func (e *Envelope) Accept() {
	if f := e.accepted; f != nil {
		e.accepted = nil
		f()
	}
}

// Router sends stanzas on their way. It is safe for concurrent use.
type Router interface {
	// Route takes the envelope. Somebody calls Accept on it, sooner or later.
	Route(*Envelope)
}

// Deliver routes a stanza that nobody waits for.
func Deliver(r Router, st *stanza.Stanza) { r.Route(NewEnvelope(st, nil)) }
