package router

import (
	"context"
	"iter"
	"log/slog"
	"slices"
	"time"

	"kith/internal/jid"
	"kith/internal/mailbox"
	"kith/internal/stanza"
	"kith/server/module"
)

// Account is the actor of one local bare JID. Everything it owns is touched only by its mailbox.
type Account struct {
	accounts *Accounts
	jid      jid.JID
	box      *mailbox.Mailbox[work]
	sessions []*Session
	slots    module.Slots
	line     line
	// resting is who waits for the line to be empty.
	resting []chan struct{}
	// leaving: the account was removed, and the actor ends when nothing is left in the line.
	leaving bool
	asked   map[askKey]*question
}

var _ module.Account = (*Account)(nil)

// work is one message to the actor: a function to run; or a stanza, from a session of its own if
// session is set, from elsewhere otherwise; or the end of a commit.
type work struct {
	do      func(module.Account)
	env     *module.Envelope
	session *Session
	commit  *entry
	err     error
}

func newAccount(as *Accounts, j jid.JID) *Account {
	a := &Account{accounts: as, jid: j, asked: map[askKey]*question{}}
	a.box = mailbox.New(as.config.Mailbox, as.overflow, a.handle)
	return a
}

func (a *Account) handle(w work) {
	switch {
	case w.do != nil:
		w.do(a)
	case w.commit != nil:
		w.commit.ready, w.commit.failed = true, w.err
		a.advance()
	case w.session != nil:
		a.outgoing(w.session, w.env)
	default:
		a.incoming(w.env)
	}
	if a.leaving && a.line.empty() {
		a.box.Retire()
	}
}

// JID implements [module.Account].
func (a *Account) JID() jid.JID { return a.jid }

// Sessions implements [module.Account].
func (a *Account) Sessions() iter.Seq[module.Session] {
	return func(yield func(module.Session) bool) {
		for _, s := range a.sessions {
			if !yield(s) {
				return
			}
		}
	}
}

// Session implements [module.Account].
func (a *Account) Session(resource string) module.Session {
	if s := a.session(resource); s != nil {
		return s
	}
	return nil
}

func (a *Account) session(resource string) *Session {
	for _, s := range a.sessions {
		if s.jid.Resource() == resource {
			return s
		}
	}
	return nil
}

// Route implements [module.Account].
func (a *Account) Route(st *stanza.Stanza) { module.Deliver(a.accounts.router, st) }

// Do implements [module.Account].
func (a *Account) Do(f func(module.Account)) { _ = a.box.Force(work{do: f}) }

// Slots implements [module.Account].
func (a *Account) Slots() *module.Slots { return &a.slots }

func (a *Account) now() time.Time { return a.accounts.clock.Now() }

func (a *Account) bind(s *Session) {
	if old := a.session(s.jid.Resource()); old != nil {
		old.End(module.EndConflict)
		a.unbind(old)
	}
	a.sessions = append(a.sessions, s)
	a.accounts.registry.Emit(module.Bound, a, s)
}

func (a *Account) unbind(s *Session) {
	if s.gone {
		return
	}
	s.gone = true
	a.sessions = slices.DeleteFunc(a.sessions, func(o *Session) bool { return o == s })
	if s.presence != nil {
		a.accounts.registry.Emit(module.BecameUnavailable, a, s)
		s.presence = nil
	}
	a.accounts.registry.Emit(module.Unbound, a, s)
	if undelivered := s.stream.Undelivered(); len(undelivered) > 0 {
		for _, h := range a.accounts.registry.Orphans {
			h(a, s, undelivered)
		}
	}
}

func (a *Account) archiveFailed(err error) {
	a.accounts.log.LogAttrs(context.Background(), slog.LevelError, "archive failed", slog.Any("error", err))
}
