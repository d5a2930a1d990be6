package router

import (
	"strconv"
	"strings"

	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/server/module"
)

// Stream is the client's end of a session.
type Stream interface {
	// Deliver queues a stanza for the client and returns at once. delivered may be nil; otherwise
	// it is called once, from another goroutine, when the client has the stanza.
	Deliver(st *stanza.Stanza, delivered func())
	// End closes the stream for good with this stream error and calls Unbind.
	End(module.EndReason)
	// Attached reports whether the client is connected.
	Attached() bool
	// Unacknowledged is what the client has not acknowledged, oldest first. It stays the stream's.
	Unacknowledged() []*stanza.Stanza
	// Undelivered gives up what the client did not acknowledge, oldest first. It is called once,
	// in the actor, when the session is unbound: nothing is delivered to the stream after that.
	Undelivered() []*stanza.Stanza
}

// Session is one bound resource. Its methods that [module.Session] names belong to the actor of
// its account; Receive and Unbind are for the stream.
type Session struct {
	account  *Account
	jid      jid.JID
	stream   Stream
	login    module.Login
	presence *stanza.Stanza
	priority int
	gone     bool
	slots    module.Slots
}

var _ module.Session = (*Session)(nil)

// JID implements [module.Session].
func (s *Session) JID() jid.JID { return s.jid }

// Send implements [module.Session].
func (s *Session) Send(st *stanza.Stanza) { s.stream.Deliver(st, nil) }

// SendTracked implements [module.Session].
func (s *Session) SendTracked(st *stanza.Stanza, delivered func()) { s.stream.Deliver(st, delivered) }

// Presence implements [module.Session].
func (s *Session) Presence() *stanza.Stanza { return s.presence }

// SetPresence implements [module.Session].
func (s *Session) SetPresence(p *stanza.Stanza) {
	s.presence, s.priority = p, 0
	if p == nil {
		return
	}
	// RFC 6121 section 4.7.2.3: an integer between -128 and +127.
	n, err := strconv.ParseInt(strings.TrimSpace(p.Root().ChildText(ns.Client, "priority")), 10, 8)
	if err == nil {
		s.priority = int(n)
	}
}

// Priority implements [module.Session].
func (s *Session) Priority() int { return s.priority }

// Login implements [module.Session].
func (s *Session) Login() module.Login { return s.login }

// Attached implements [module.Session].
func (s *Session) Attached() bool { return s.stream.Attached() }

// Unacknowledged implements [module.Session].
func (s *Session) Unacknowledged() []*stanza.Stanza { return s.stream.Unacknowledged() }

// End implements [module.Session].
func (s *Session) End(why module.EndReason) { s.stream.End(why) }

// Slots implements [module.Session].
func (s *Session) Slots() *module.Slots { return &s.slots }

// Receive hands a stanza of the client to its account. It is stamped with the session's address
// (the bare one for subscriptions) and, unless it is presence, has a recipient. accepted is called
// once when the server has taken responsibility for it, and never if the session or the server ended
// before; the caller bounds how many stanzas it has under way.
func (s *Session) Receive(st *stanza.Stanza, accepted func()) {
	_ = s.account.box.Force(work{session: s, env: module.NewEnvelope(st, accepted)})
}

// Do runs f in the actor of the account, after what was received before.
func (s *Session) Do(f func(module.Account, module.Session)) {
	_ = s.account.box.Force(work{do: func(a module.Account) {
		if !s.gone {
			f(a, s)
		}
	}})
}

// Detached says that the stream has lost its connection and waits for the client to resume; from any
// goroutine.
func (s *Session) Detached() {
	s.Do(func(a module.Account, _ module.Session) { s.account.accounts.registry.Emit(module.Detached, a, s) })
}

// Unbind ends the session; from any goroutine, any number of times.
func (s *Session) Unbind() {
	_ = s.account.box.Force(work{do: func(module.Account) { s.account.unbind(s) }})
}
