package router

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"kith/internal/clock"
	"kith/internal/counter"
	"kith/internal/jid"
	"kith/internal/mailbox"
	"kith/internal/stanza"
	"kith/server/module"
)

// Directory knows which accounts exist. It is asked from many goroutines and must be fast.
type Directory interface {
	// Exists reports whether there is an account with this localpart.
	Exists(ctx context.Context, local string) (bool, error)
}

// Config of the accounts.
type Config struct {
	// Mailbox is how many stanzas from others may wait for one account. One that finds it full is
	// sent back with resource-constraint.
	Mailbox int
	// AskTimeout bounds how long the account itself waits for the answer to a request.
	AskTimeout time.Duration
}

// DefaultConfig is what a server uses that is not told otherwise.
func DefaultConfig() Config { return Config{Mailbox: 4096, AskTimeout: 30 * time.Second} }

// Accounts is the route to the local accounts and the register of their actors.
type Accounts struct {
	domain   string
	registry *module.Registry
	router   *Router
	clock    clock.Clock
	dir      Directory
	config   Config
	log      *slog.Logger
	overflow *counter.Counter

	mu     sync.RWMutex // guards loaded and closed
	loaded map[string]*Account
	closed bool
}

// ErrNoAccount: there is no such account, or it is being removed.
var ErrNoAccount = errors.New("router: no such account")

// ErrClosed: the server is shutting down.
var ErrClosed = errors.New("router: closed")

// NewAccounts makes the register. overflow counts stanzas that found a mailbox full.
func NewAccounts(domain string, registry *module.Registry, router *Router, dir Directory, c clock.Clock, log *slog.Logger, overflow *counter.Counter, config Config) *Accounts {
	return &Accounts{
		domain: domain, registry: registry, router: router, dir: dir, clock: c, log: log, overflow: overflow, config: config,
		loaded: map[string]*Account{},
	}
}

// Take implements [Route].
func (as *Accounts) Take(env *module.Envelope) bool {
	to := env.Stanza.To
	if to.Domain() != as.domain || to.Local() == "" {
		return false
	}
	env.Claim()
	err := as.post(context.Background(), to.Local(), work{env: env}, (*mailbox.Mailbox[work]).Post)
	if err == nil {
		return true
	}
	env.Queued(!errors.Is(err, ErrClosed))
	switch {
	case errors.Is(err, mailbox.ErrFull):
		as.router.bounce(env, &stanza.Fault{Condition: stanza.ResourceConstraint, Cause: err})
	case errors.Is(err, ErrClosed):
		// Nobody takes responsibility: whoever sent it keeps it and tries again.
	case errors.Is(err, ErrNoAccount):
		if env.Stanza.Kind == stanza.Presence && env.Stanza.From.Domain() != as.domain {
			// Other servers do not learn that way who has an account here (RFC 6121 sections 3.1.3
			// and 8.5.1); a person of this one is told that there is nobody of that name (3.1.2).
			env.Accept()
			return true
		}
		// Indistinguishable from an account that does not want to answer (RFC 6121 section 8.5.1).
		as.router.bounce(env, &stanza.Fault{Condition: stanza.ServiceUnavailable})
	default:
		as.log.LogAttrs(context.Background(), slog.LevelError, "account lookup failed", slog.Any("error", err))
		as.router.bounce(env, stanza.Internal(err))
	}
	return true
}

// post gives work to the actor of an account. An actor that has just left its place is replaced.
func (as *Accounts) post(ctx context.Context, local string, w work, how func(*mailbox.Mailbox[work], work) error) error {
	for {
		a, err := as.account(ctx, local)
		if err != nil {
			return err
		}
		if err := how(a.box, w); !errors.Is(err, mailbox.ErrClosed) {
			return err
		}
		as.forget(a)
	}
}

// forget takes an actor that is closed out of the register.
func (as *Accounts) forget(a *Account) {
	as.mu.Lock()
	defer as.mu.Unlock()
	if as.loaded[a.jid.Local()] == a {
		delete(as.loaded, a.jid.Local())
	}
}

// account is the actor of an existing account, made if it is not loaded.
func (as *Accounts) account(ctx context.Context, local string) (*Account, error) {
	as.mu.RLock()
	a := as.loaded[local]
	as.mu.RUnlock()
	if a != nil {
		return a, nil
	}
	ok, err := as.dir.Exists(ctx, local)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, ErrNoAccount
	}
	j, err := jid.New(local, as.domain, "")
	if err != nil {
		return nil, ErrNoAccount
	}
	as.mu.Lock()
	defer as.mu.Unlock()
	if as.closed {
		return nil, ErrClosed
	}
	if a := as.loaded[local]; a != nil {
		return a, nil
	}
	a = newAccount(as, j)
	as.loaded[j.Local()] = a // the name that was asked for may be part of a stanza, which would stay with it
	return a, nil
}

// Do runs f in the actor of a local account. It is for what comes from outside the stanza flow:
// an admin's command, a new contact by invitation.
func (as *Accounts) Do(ctx context.Context, local string, f func(module.Account)) error {
	return as.post(ctx, local, work{do: f}, (*mailbox.Mailbox[work]).Force)
}

// DoLoaded is Do for an account that is loaded, which it reports. What concerns only memory need
// not load the others.
func (as *Accounts) DoLoaded(local string, f func(module.Account)) bool {
	as.mu.RLock()
	a := as.loaded[local]
	as.mu.RUnlock()
	return a != nil && a.box.Force(work{do: f}) == nil
}

// Bind makes stream a session of the account under this resource. A session that has the resource
// already is ended with a conflict (RFC 6120 section 7.7.2.2). The session may receive stanzas
// before Bind returns.
//
// inline, which may be nil, runs in the actor right after binding: what it reads of the account and
// writes to the client comes before anything else.
func (as *Accounts) Bind(ctx context.Context, full jid.JID, stream Stream, login module.Login, inline func(module.Account, module.Session)) (*Session, error) {
	s := &Session{jid: full, stream: stream, login: login}
	bound := make(chan struct{})
	err := as.post(ctx, full.Local(), work{do: func(m module.Account) {
		defer close(bound)
		a := m.(*Account) //nolint:forcetypeassert // there is no other
		s.account = a
		a.bind(s)
		if inline != nil {
			inline(a, s)
		}
	}}, (*mailbox.Mailbox[work]).Force)
	if err != nil {
		return nil, err
	}
	<-bound
	return s, nil
}

// Remove ends all sessions of an account and forgets its actor, which ends when it is done with what it has got
// already. The account must no longer exist in the directory, or it would come back.
func (as *Accounts) Remove(local string, why module.EndReason) {
	as.mu.Lock()
	a := as.loaded[local]
	delete(as.loaded, local)
	as.mu.Unlock()
	if a == nil {
		return
	}
	_ = a.box.Force(work{do: func(module.Account) {
		for _, s := range append([]*Session(nil), a.sessions...) {
			s.End(why)
			a.unbind(s)
		}
		a.leaving = true
		a.unanswered()
	}})
}

// Close lets the actors finish what they have, commits that are under way and what follows from
// them included, and takes nothing new. What comes too late is not accepted.
func (as *Accounts) Close(ctx context.Context) error {
	as.mu.Lock()
	as.closed = true
	all := make([]*Account, 0, len(as.loaded))
	for _, a := range as.loaded {
		all = append(all, a)
	}
	as.mu.Unlock()
	// A message passes through the sender's account and then through the recipient's.
	for range 2 {
		for _, a := range all {
			select {
			case <-a.rest():
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
	for _, a := range all {
		select {
		case <-a.box.Close():
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}
