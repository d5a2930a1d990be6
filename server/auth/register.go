package auth

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"kith/internal/jid"
)

// Ticket is a token that was looked at and found valid. From then on, its expiry no longer matters
// for the one who holds the ticket (XEP-0445 section 4); that it can be used often enough is seen
// when it is used. A ticket lives as long as a connection or a request.
type Ticket struct {
	Invite Invite
	at     time.Time
}

// CheckInvite looks at a token, for the page of an invite and for the preauth element (XEP-0445
// section 4). It does not use the invite. An invalid one is an [*InviteError].
func (s *Service) CheckInvite(ctx context.Context, token string) (Ticket, error) {
	now := s.now()
	inv, err := s.store.InviteByHash(ctx, tokenHash(token))
	if errors.Is(err, ErrNotFound) {
		return Ticket{}, &InviteError{InviteUnknown}
	}
	if err != nil {
		return Ticket{}, fmt.Errorf("auth: check invite: %w", err)
	}
	t := Ticket{Invite: inv, at: now}
	accounts := 0
	if inv.Kind == InviteFirst {
		as, err := s.Accounts(ctx)
		if err != nil {
			return Ticket{}, err
		}
		accounts = len(as)
	}
	if err := t.check(inv, accounts, nil); err != nil {
		return Ticket{}, err
	}
	if inv.Creator != "" {
		// Whoever is gone, disabled or demoted does not let anyone in any more.
		a, err := s.Account(ctx, inv.Creator)
		switch {
		case errors.Is(err, ErrNotFound), err == nil && !s.mayGrant(a, inv):
			return Ticket{}, &InviteError{InviteUnknown}
		case err != nil:
			return Ticket{}, err
		}
	}
	return t, nil
}

// check decides about an invite as it is now, for who holds the ticket; also may ask for more.
func (t Ticket) check(inv Invite, accounts int, also func(Invite) error) error {
	switch {
	case !t.at.Before(inv.Expires):
		return &InviteError{InviteExpired}
	case inv.Used >= inv.Uses, inv.Kind == InviteFirst && accounts > 0:
		return &InviteError{InviteUsedUp}
	case also != nil:
		return also(inv)
	}
	return nil
}

func (t Ticket) use(also func(Invite) error) *InviteUse {
	return &InviteUse{Hash: t.Invite.Hash, At: t.at, Check: func(inv Invite, accounts int) error {
		return t.check(inv, accounts, also)
	}}
}

// Registration is what somebody with an invite chooses.
type Registration struct {
	// Name may be left empty if the invite fixes it.
	Name       string
	Credential NewCredential
}

// Registered is a new account.
type Registered struct {
	Account Account
	// Contact is the account that invited, if the two are contacts of each other now, or will be
	// as soon as the server gets round to it; "" for none.
	Contact string
}

// Register makes an account with an invite: both happen, or neither. Errors: [ErrInviteInvalid],
// [ErrName], [ErrPassword], [ErrVerifiers], [ErrExists].
func (s *Service) Register(ctx context.Context, t Ticket, r Registration) (Registered, error) {
	inv := t.Invite
	if !inv.Register {
		return Registered{}, &InviteError{InviteNotThis}
	}
	local := inv.Local
	if local == "" || r.Name != "" {
		var err error
		if local, err = s.CheckName(r.Name, inv.Role == RoleAdmin || inv.Local != ""); err != nil {
			return Registered{}, err
		}
		if inv.Local != "" && local != inv.Local {
			return Registered{}, &InputError{
				Kind: ErrName, Code: CodeReserved, Text: fmt.Sprintf("This invite is for the name %s.", inv.Local),
			}
		}
	}
	account, err := s.create(ctx, local, inv.Role, r.Credential, t.use(nil), false)
	if err != nil {
		return Registered{}, err
	}
	out := Registered{Account: account}
	if inv.Introduce && inv.Creator != "" {
		out.Contact = inv.Creator
		if s.hooks.Introducer == nil {
			return out, nil // noted in the database, with the account
		}
		// A failure does not take back the account; CatchUp tries again.
		if err := s.introduce(ctx, Introduction{Local: local, Contact: inv.Creator}); err != nil {
			s.log.LogAttrs(ctx, slog.LevelWarn, "introduction failed; it will be tried again", slog.Any("error", err))
		}
	}
	return out, nil
}

// ResetPassword sets a new password with an invite of kind [InviteReset], and returns whose. All
// devices are signed out.
func (s *Service) ResetPassword(ctx context.Context, t Ticket, cred NewCredential) (local string, err error) {
	if t.Invite.Kind != InviteReset {
		return "", &InviteError{InviteNotThis}
	}
	local = t.Invite.Local
	if _, err := s.Account(ctx, local); err != nil {
		return "", err
	}
	return local, s.setPassword(ctx, local, cred, "", t.use(func(inv Invite) error {
		if inv.Local != local {
			return &InviteError{InviteNotThis}
		}
		return nil
	}))
}

// AcceptContact uses an invite with which somebody who has an account, here or elsewhere, asks to
// be a contact of its creator: the token of a subscription request to creator (XEP-0379 section
// 3.4). When it returns nil, the request is to be approved and answered with another one.
// Otherwise the error wraps [ErrInviteInvalid], and the request is treated like any other.
func (s *Service) AcceptContact(ctx context.Context, token, creator string, by jid.JID) error {
	t, err := s.CheckInvite(ctx, token)
	if err != nil {
		return err
	}
	if !t.Invite.Introduce || t.Invite.Creator != creator || by.Local() == "" ||
		by.Domain() == s.domain && by.Local() == creator {
		return &InviteError{InviteNotThis}
	}
	if _, err = s.store.UseInvite(ctx, *t.use(nil)); err != nil {
		return fmt.Errorf("auth: accept contact: %w", err)
	}
	return nil
}
