// Package auth knows who may use the server: accounts and their roles, SCRAM verifiers in the place
// of passwords, FAST tokens and the devices that hold them, invites, and the throttling of those
// who guess.
//
// [Service] is the one way in, for the stream negotiation, the web app, the admin and the command
// line alike. It holds no copy of what is stored, so that several processes may use one database.
//
// # What the database gives away
//
// Nothing that one could log in with. Verifiers are sealed, and tokens and invites are computed
// from a random number in the database, with keys that lie outside of it ([Secret]). A stolen copy
// of the database alone allows neither a login nor a search for passwords.
//
// Accounts are named by their localpart, normalised as package jid does it; the server has one
// domain.
package auth

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"kith/internal/clock"
	"kith/internal/counter"
	"kith/internal/jid"
	"kith/internal/sasl"
)

// Errors that callers tell apart with errors.Is.
var (
	// ErrNotFound: no such account, device or invite.
	ErrNotFound = errors.New("auth: not found")
	// ErrExists: the name belongs to another account, or did until recently.
	ErrExists = errors.New("auth: account exists")
	// ErrRemoving wraps ErrExists: the account of that name was removed, and its data is not purged.
	ErrRemoving = fmt.Errorf("%w: it was removed, and its data is not deleted yet", ErrExists)
	// ErrName: the name cannot be one; the error is an [*InputError].
	ErrName = errors.New("auth: name cannot be used")
	// ErrPassword: the password is not acceptable; the error is an [*InputError].
	ErrPassword = errors.New("auth: password cannot be used")
	// ErrVerifiers: verifiers that were not made as [Service.Params] ask.
	ErrVerifiers = errors.New("auth: verifiers cannot be used")
	// ErrInviteInvalid: no such invite, or it is used up or expired; the error is an [*InviteError].
	ErrInviteInvalid = errors.New("auth: invite is not valid")
	// ErrInviteOptions: an invite was asked for that cannot be.
	ErrInviteOptions = errors.New("auth: such an invite cannot be made")
	// ErrNoCircle: an invite names a circle that there is not.
	ErrNoCircle = errors.New("auth: no such circle")
	// ErrForbidden: the role of who asks does not allow it.
	ErrForbidden = errors.New("auth: not allowed")
	// ErrLastAdmin: the server would be left without an administrator who can log in.
	ErrLastAdmin = errors.New("auth: this is the last administrator")
	// ErrThrottled: too many wrong passwords; the error is a [*ThrottledError].
	ErrThrottled = errors.New("auth: too many failed attempts")
	// ErrDisabled: the account is disabled.
	ErrDisabled = errors.New("auth: account is disabled")
	// ErrNotFirst: there are accounts already, so that nobody is let in as the first.
	ErrNotFirst = errors.New("auth: the server has accounts")
)

// InputError is a name or password that was refused, with the reason for a human.
type InputError struct {
	// Kind is [ErrName] or [ErrPassword].
	Kind error
	// Code is stable, for translation: one of the Code constants.
	Code string
	// Text is the reason as an English sentence.
	Text string
}

// The codes of [InputError].
const (
	CodeEmpty      = "empty"
	CodeTooShort   = "too-short"
	CodeTooLong    = "too-long"
	CodeCharacters = "characters"
	CodeReserved   = "reserved"
	CodeCommon     = "common"
)

func (e *InputError) Error() string { return e.Kind.Error() + ": " + e.Text }

func (e *InputError) Unwrap() error { return e.Kind }

// Options are what a Service needs.
type Options struct {
	// Domain of the accounts.
	Domain string
	Config Config
	Secret *Secret
	Store  Store
	Clock  clock.Clock
	// Log gets failures that no caller is told of. It is given no name and no address of anyone.
	Log *slog.Logger
}

// Service is the accounts service. Its methods may be called from many goroutines.
type Service struct {
	domain   string
	cfg      Config
	secret   *Secret
	store    Store
	clock    clock.Clock
	log      *slog.Logger
	throttle *throttle
	counters Counters
	reserved map[string]bool
	// dummy is a sealed verifier of nobody, opened when there is none to open.
	dummy Credential
	hooks Hooks
	kick  chan struct{}
}

// Counters count what happened, without saying to whom.
type Counters struct {
	LoginPassword *counter.Counter // logins by password
	LoginToken    *counter.Counter // logins by token
	LoginFailed   *counter.Counter // logins refused for wrong credentials
	Throttled     *counter.Counter // logins refused because of earlier failures
}

// New makes the service. It fails with [ErrWrongSecret] when the database has verifiers that were
// sealed with a secret that is not there: with the wrong file, nobody could log in.
func New(ctx context.Context, o Options) (*Service, error) {
	if err := o.Config.Validate(); err != nil {
		return nil, err
	}
	d, err := jid.New("", o.Domain, "")
	if err != nil {
		return nil, fmt.Errorf("auth: domain: %w", err)
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &Service{
		domain: d.Domain(), cfg: o.Config, secret: o.Secret, store: o.Store, clock: o.Clock, log: o.Log,
		throttle: newThrottle(o.Config.Throttle, o.Clock),
		counters: Counters{
			LoginPassword: counter.New("auth_login_password"), LoginToken: counter.New("auth_login_token"),
			LoginFailed: counter.New("auth_login_failed"), Throttled: counter.New("auth_login_throttled"),
		},
		reserved: map[string]bool{},
		kick:     make(chan struct{}, 1),
	}
	for _, name := range o.Config.ReservedNames {
		if local, err := s.normalise(name); err == nil {
			s.reserved[local] = true
		}
	}
	if s.dummy, err = s.secret.seal("", s.decoy("", sasl.SHA256)); err != nil {
		return nil, err
	}
	keys, err := o.Store.SecretKeys(ctx)
	if err != nil {
		return nil, fmt.Errorf("auth: %w", err)
	}
	for _, id := range keys {
		if !o.Secret.has(id) {
			return nil, ErrWrongSecret
		}
	}
	return s, nil
}

// Counters returns the live counters.
func (s *Service) Counters() Counters { return s.counters }

// Domain of the accounts.
func (s *Service) Domain() string { return s.domain }

// Address is the bare JID of an account.
func (s *Service) Address(local string) (jid.JID, error) {
	return jid.New(local, s.domain, "")
}

func (s *Service) now() time.Time { return s.clock.Now() }
