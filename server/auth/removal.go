package auth

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// Hooks are what the service sets in motion elsewhere. Each may be nil.
type Hooks struct {
	// Sessions ends sessions. It must not wait for them.
	Sessions Sessions
	// Introducer makes contacts of those whom an invite brings together.
	Introducer Introducer
	// Watchers are told of accounts that were made or have changed, in this order.
	Watchers []Watcher
	// Purgers delete what the features keep of an account, in this order.
	Purgers []Purger
}

// Sessions ends the sessions of an account.
type Sessions interface {
	EndSessions(ctx context.Context, local string, end End)
}

// End says which sessions end, and why.
type End struct {
	Reason EndReason
	// Only is the user agent id whose sessions end, Except the one whose stay; "" for all and none.
	Only, Except string
}

// EndReason is why sessions end.
type EndReason uint8

// Reasons.
const (
	EndPasswordChanged EndReason = iota + 1
	EndDisabled
	EndRemoved
	EndSignedOut
)

// Introducer makes two local accounts contacts of each other, both subscribed to both (XEP-0401
// section 4.5), and tells their sessions (RFC 6121 section 2.1.6). It may be called again for a pair that
// it has introduced already.
type Introducer interface {
	Introduce(ctx context.Context, local, contact string) error
}

// Watcher follows the accounts.
type Watcher interface {
	// AccountChanged is called after an account was made, removed or restored, or its role or its being
	// disabled has changed: it is durable then. What the watcher could not do it has to find out by itself
	// when the server starts the next time; an error is only logged.
	AccountChanged(ctx context.Context, local string) error
}

func (s *Service) changed(ctx context.Context, local string) {
	for _, w := range s.hooks.Watchers {
		if err := w.AccountChanged(context.WithoutCancel(ctx), local); err != nil {
			s.log.LogAttrs(ctx, slog.LevelError, "following a change of an account failed", slog.Any("error", err))
		}
	}
}

// Purger deletes what one feature keeps of an account. It is called until it succeeds, and again
// when the server stopped in between, so doing it twice must be as good as once.
type Purger struct {
	Name  string
	Purge func(ctx context.Context, local string) error
}

// SetHooks must be called before anything else is, and once. Without hooks, as on the command line,
// what is to be done stays noted in the database until a server with hooks does it.
func (s *Service) SetHooks(h Hooks) { s.hooks = h }

func (s *Service) endSessions(ctx context.Context, local string, end End) {
	if s.hooks.Sessions != nil {
		s.hooks.Sessions.EndSessions(ctx, local, end)
	}
}

// Grace is how long an account that its owner removes can be restored.
func (s *Service) Grace() time.Duration { return s.cfg.RemovalGrace }

// Remove removes an account: from now on it does not exist for anybody. Its data is purged by
// [Service.Run] after the grace, which may be none. [ErrLastAdmin] protects the last administrator.
func (s *Service) Remove(ctx context.Context, local string, grace time.Duration) error {
	now := s.now()
	err := s.update(ctx, "remove account", local, func(a *Account, others int) error {
		if !a.PurgedAt.IsZero() {
			return ErrNotFound
		}
		was := *a
		if !a.Removed() {
			a.RemovedAt = now
		}
		// Removing once more may bring the purge nearer, but not put it off.
		if at := now.Add(max(grace, 0)); !was.Removed() || at.Before(a.PurgeAt) {
			a.PurgeAt = at
		}
		return keepAdmin(was, *a, others)
	})
	if err != nil {
		return err
	}
	s.endSessions(ctx, local, End{Reason: EndRemoved})
	s.changed(ctx, local)
	s.wake()
	return nil
}

// Restore brings back an account that was removed, if its purge has not begun. Its devices have to
// log in by password.
func (s *Service) Restore(ctx context.Context, local string) error {
	now := s.now()
	err := s.update(ctx, "restore account", local, func(a *Account, _ int) error {
		if !a.Removed() || !now.Before(a.PurgeAt) {
			return ErrNotFound
		}
		a.RemovedAt, a.PurgeAt = time.Time{}, time.Time{}
		return nil
	})
	if err == nil {
		s.changed(ctx, local)
	}
	return err
}

func (s *Service) wake() {
	select {
	case s.kick <- struct{}{}:
	default:
	}
}

// Run does what was left to do, when the server starts, when something is to be done and every
// hour, until ctx ends.
func (s *Service) Run(ctx context.Context) {
	tick := s.clock.NewTicker(time.Hour)
	defer tick.Stop()
	for ctx.Err() == nil {
		if err := s.CatchUp(ctx); err != nil && ctx.Err() == nil {
			s.log.LogAttrs(ctx, slog.LevelError, "account upkeep failed; it will be tried again", slog.Any("error", err))
		}
		select {
		case <-ctx.Done():
		case <-tick.C():
		case <-s.kick:
		}
	}
}

// CatchUp makes the introductions that are still to be made, purges the accounts whose time has
// come and forgets what is no longer needed. What fails is tried again at the next call; the
// others are done nonetheless.
func (s *Service) CatchUp(ctx context.Context) error {
	return errors.Join(s.introduceAll(ctx), s.purgeAll(ctx), s.prune(ctx))
}

func (s *Service) introduceAll(ctx context.Context) error {
	if s.hooks.Introducer == nil {
		return nil
	}
	pairs, err := s.store.Introductions(ctx)
	if err != nil {
		return fmt.Errorf("auth: introductions: %w", err)
	}
	var errs []error
	for _, p := range pairs {
		if err := s.introduce(ctx, p); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func (s *Service) introduce(ctx context.Context, p Introduction) error {
	for _, local := range []string{p.Local, p.Contact} {
		ok, err := s.Exists(ctx, local)
		if err != nil {
			return err
		}
		if !ok { // one of them has left since
			if err := s.store.FinishIntroduction(ctx, p); err != nil {
				return fmt.Errorf("auth: introduce: %w", err)
			}
			return nil
		}
	}
	if err := s.hooks.Introducer.Introduce(ctx, p.Local, p.Contact); err != nil {
		return fmt.Errorf("auth: introduce: %w", err)
	}
	if err := s.store.FinishIntroduction(ctx, p); err != nil {
		return fmt.Errorf("auth: introduce: %w", err)
	}
	return nil
}

func (s *Service) purgeAll(ctx context.Context) error {
	if len(s.hooks.Purgers) == 0 {
		return nil // not the process that has the features
	}
	due, err := s.store.Removals(ctx, s.now())
	if err != nil {
		return fmt.Errorf("auth: removals: %w", err)
	}
	var errs []error
	for _, local := range due {
		if err := s.purge(ctx, local); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// purge lets every feature delete what it has, and forgets the account when all have succeeded.
func (s *Service) purge(ctx context.Context, local string) error {
	for _, p := range s.hooks.Purgers {
		if err := p.Purge(ctx, local); err != nil {
			return fmt.Errorf("auth: purge %s: %w", p.Name, err)
		}
	}
	err := s.store.FinishRemoval(ctx, local, s.now())
	if err != nil && !errors.Is(err, ErrNotFound) { // another pass may have finished it
		return fmt.Errorf("auth: purge: %w", err)
	}
	return nil
}

func (s *Service) prune(ctx context.Context) error {
	const keep = 30 * 24 * time.Hour
	now := s.now()
	err := s.store.Prune(ctx, PruneBefore{
		Now:     now,
		Devices: now.Add(-s.cfg.DeviceRetention),
		Tokens:  now.Add(-keep), // so that its owner learns that it expired
		Invites: now.Add(-keep),
		Names:   now.Add(-s.cfg.NameRest),
	})
	if err != nil {
		return fmt.Errorf("auth: prune: %w", err)
	}
	return nil
}
