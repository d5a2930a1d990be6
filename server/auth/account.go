package auth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"kith/internal/sasl"
)

// Role is what an account may do.
type Role string

// The roles.
const (
	// RoleAdmin runs the server.
	RoleAdmin Role = "admin"
	// RoleMember is everybody else.
	RoleMember Role = "member"
	// RoleLimited is a child: contacts only by approval, no public rooms, no invites.
	RoleLimited Role = "limited"
)

// ParseRole reads the name of a role.
func ParseRole(s string) (Role, error) {
	switch r := Role(s); r {
	case RoleAdmin, RoleMember, RoleLimited:
		return r, nil
	}
	return "", fmt.Errorf("auth: role %q; allowed are admin, member and limited", s)
}

// Account is what the server knows of an account.
type Account struct {
	Local   string
	Role    Role
	Created time.Time
	// Disabled: it cannot log in; what is sent to it is kept.
	Disabled bool
	// ActiveDay is the day, in UTC and as days since 1970, on which it was last in use; 0 for
	// never. Nothing more precise is kept.
	ActiveDay int64
	// RemovedAt is when it was removed, zero for not: it cannot log in and does not exist for
	// others. It can be restored until PurgeAt; then its data is deleted. From PurgedAt on, only
	// its name is known, so that it is not given away at once.
	RemovedAt, PurgeAt, PurgedAt time.Time
}

// Removed reports whether the account was removed.
func (a Account) Removed() bool { return !a.RemovedAt.IsZero() }

// CanLogin reports whether the account may log in.
func (a Account) CanLogin() bool { return !a.Disabled && !a.Removed() }

// LastActive is the day of the last activity, at midnight UTC; zero for never.
func (a Account) LastActive() time.Time {
	if a.ActiveDay == 0 {
		return time.Time{}
	}
	return time.Unix(a.ActiveDay*86400, 0).UTC()
}

func day(t time.Time) int64 { return t.Unix() / 86400 }

// Exists reports whether there is an account that others can reach: one that is not removed.
func (s *Service) Exists(ctx context.Context, local string) (bool, error) {
	_, err := s.Account(ctx, local)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// Account returns an account that is not removed, or [ErrNotFound].
func (s *Service) Account(ctx context.Context, local string) (Account, error) {
	a, err := s.store.Account(ctx, local)
	if err != nil {
		return Account{}, fmt.Errorf("auth: account: %w", err)
	}
	if a.Removed() {
		return Account{}, fmt.Errorf("auth: account: %w", ErrNotFound)
	}
	return a, nil
}

// Accounts returns all accounts ordered by name, with those that are removed and not yet purged.
func (s *Service) Accounts(ctx context.Context) ([]Account, error) {
	as, err := s.store.Accounts(ctx)
	if err != nil {
		return nil, fmt.Errorf("auth: accounts: %w", err)
	}
	return as, nil
}

// Create makes an account on behalf of the operator: reserved names and names of accounts that
// were purged lately are free to take. Errors: [ErrName], [ErrPassword], [ErrVerifiers], [ErrExists].
func (s *Service) Create(ctx context.Context, name string, role Role, cred NewCredential) (Account, error) {
	local, err := s.CheckName(name, true)
	if err != nil {
		return Account{}, err
	}
	return s.create(ctx, local, role, cred, nil, true)
}

func (s *Service) create(ctx context.Context, local string, role Role, cred NewCredential, use *InviteUse, operator bool) (Account, error) {
	if _, err := ParseRole(string(role)); err != nil {
		return Account{}, err
	}
	vs, err := s.verifiers(local, cred)
	if err != nil {
		return Account{}, err
	}
	creds, err := s.sealAll(local, vs)
	if err != nil {
		return Account{}, err
	}
	now := s.now()
	n := NewAccount{
		Account:     Account{Local: local, Role: role, Created: now},
		Credentials: creds,
		Invite:      use,
		Check: func(former *Account) error {
			switch {
			case former == nil:
				return nil
			case former.PurgedAt.IsZero():
				return ErrRemoving // its data would pass to the new one
			case !operator && now.Before(former.PurgedAt.Add(s.cfg.NameRest)):
				return ErrExists
			}
			return nil
		},
	}
	if err := s.store.CreateAccount(ctx, n); err != nil {
		return Account{}, fmt.Errorf("auth: create account: %w", err)
	}
	s.changed(ctx, local)
	return n.Account, nil
}

// SetRole changes what an account may do. [ErrLastAdmin] if no administrator would be left.
func (s *Service) SetRole(ctx context.Context, local string, role Role) error {
	if _, err := ParseRole(string(role)); err != nil {
		return err
	}
	err := s.update(ctx, "set role", local, func(a *Account, others int) error {
		if a.Removed() {
			return ErrNotFound
		}
		was := *a
		a.Role = role
		return keepAdmin(was, *a, others)
	})
	if err == nil {
		s.changed(ctx, local)
	}
	return err
}

// SetDisabled forbids an account to log in and ends its sessions, or allows it again.
func (s *Service) SetDisabled(ctx context.Context, local string, disabled bool) error {
	err := s.update(ctx, "disable account", local, func(a *Account, others int) error {
		if a.Removed() {
			return ErrNotFound
		}
		was := *a
		a.Disabled = disabled
		return keepAdmin(was, *a, others)
	})
	if err == nil && disabled {
		s.endSessions(ctx, local, End{Reason: EndDisabled})
	}
	if err == nil {
		s.changed(ctx, local)
	}
	return err
}

// keepAdmin refuses a change that takes away the last administrator who can log in.
func keepAdmin(was, now Account, others int) error {
	can := func(a Account) bool { return a.Role == RoleAdmin && a.CanLogin() }
	if others == 0 && can(was) && !can(now) {
		return ErrLastAdmin
	}
	return nil
}

func (s *Service) update(ctx context.Context, what, local string, change func(*Account, int) error) error {
	if err := s.store.UpdateAccount(ctx, local, change); err != nil {
		return fmt.Errorf("auth: %s: %w", what, err)
	}
	return nil
}

// Touch records that an account is in use today. It writes once a day; call it at login and when a
// session ends.
func (s *Service) Touch(ctx context.Context, local string) error {
	a, err := s.store.Account(ctx, local)
	if err != nil {
		return fmt.Errorf("auth: touch: %w", err)
	}
	return s.touch(ctx, a)
}

func (s *Service) touch(ctx context.Context, a Account) error {
	today := day(s.now())
	if a.ActiveDay == today {
		return nil
	}
	if err := s.store.SetActiveDay(ctx, a.Local, today); err != nil {
		return fmt.Errorf("auth: touch: %w", err)
	}
	return nil
}

func (s *Service) sealAll(local string, vs []sasl.Verifier) ([]Credential, error) {
	creds := make([]Credential, len(vs))
	for i, v := range vs {
		var err error
		if creds[i], err = s.secret.seal(local, v); err != nil {
			return nil, err
		}
	}
	return creds, nil
}
