package auth

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// InviteKind is what an invite is good for.
type InviteKind string

// The kinds.
const (
	// InviteAccount makes an account (XEP-0401 section 4.4).
	InviteAccount InviteKind = "account"
	// InviteContact makes a contact of its creator; whoever has no account can make one with it
	// too, if the creator may let people in (XEP-0401 section 4.1).
	InviteContact InviteKind = "contact"
	// InviteReset sets a new password for one account.
	InviteReset InviteKind = "reset"
	// InviteFirst makes the first account, an administrator; see [Service.FirstInvite].
	InviteFirst InviteKind = "first"
)

// Invite is a link that lets somebody do something once, or a few times, within a time. Its token
// is the secret; what is stored is a hash to find it by and the number that it is computed from,
// so that a link can be shown again to whom it belongs.
type Invite struct {
	// ID names the invite in lists; it is no secret.
	ID   string
	Kind InviteKind
	// Creator is the account that made it; "" for the operator of the server.
	Creator string
	// Introduce makes whoever uses it and the creator contacts of each other.
	Introduce bool
	// Register: an account can be made with it.
	Register bool
	// Role of the new account.
	Role Role
	// Local is the name that the new account must have, if not empty, and is reserved until the
	// invite ends; for [InviteReset], whose password is set.
	Local string
	// Circles are those that the new account gets into, by id; Guardians the accounts that decide for it
	// if its role is limited.
	Circles, Guardians []string
	// Note is for the creator, such as whom it is for.
	Note string
	// Uses it allows, and those that were used.
	Uses, Used       int
	Created, Expires time.Time

	// Key and Hash belong to the store: of the secret, and of the token.
	Key  string
	Hash []byte
}

// Open reports whether the invite can still be used at a time.
func (i Invite) Open(now time.Time) bool { return i.Used < i.Uses && now.Before(i.Expires) }

// InviteReason is why an invite is not valid.
type InviteReason string

// Reasons.
const (
	InviteUnknown InviteReason = "unknown" // it never was, or was taken back
	InviteExpired InviteReason = "expired"
	InviteUsedUp  InviteReason = "used"
	InviteNotThis InviteReason = "purpose" // it is good for something else
)

// InviteError says why an invite is not valid. Only who has the token learns it.
type InviteError struct{ Reason InviteReason }

func (e *InviteError) Error() string { return ErrInviteInvalid.Error() + ": " + string(e.Reason) }

func (e *InviteError) Unwrap() error { return ErrInviteInvalid }

// NewInvite asks for an invite.
type NewInvite struct {
	Kind InviteKind
	// Creator is who asks, "" for the operator; its role decides what it may.
	Creator   string
	Introduce bool
	// Role of the new account; "" is member.
	Role Role
	// Local is described at [Invite]; required for InviteReset.
	Local string
	// Circles are those that the new account gets into, by id; for administrators and the operator.
	Circles []string
	// Guardians are the accounts that decide for one that is limited. Empty, it is the creator, who is also
	// among them with Introduce; members can name nobody else.
	Guardians []string
	Note      string
	// Uses; 0 is one.
	Uses int
	// Life; 0 is that of the configuration.
	Life time.Duration
}

// maxNote bounds the note of an invite, in characters; maxUses the uses that one may have.
const (
	maxNote = 200
	maxUses = 10_000
)

// CreateInvite makes an invite. Errors: [ErrForbidden] if the creator's role does not allow it,
// [ErrName] and [ErrExists] about the name that it reserves, [ErrNotFound] for the account whose
// password it resets, [ErrNoCircle], and [ErrInviteOptions] with the option, what was given and what is allowed.
func (s *Service) CreateInvite(ctx context.Context, n NewInvite) (Invite, error) {
	refuse := func(option string, given, allowed any) error {
		return fmt.Errorf("%w: %s is %v; allowed %v", ErrInviteOptions, option, given, allowed)
	}
	if n.Role == "" {
		n.Role = RoleMember
	}
	n.Uses = max(n.Uses, 0)
	if n.Uses == 0 {
		n.Uses = 1
	}
	if n.Life == 0 {
		n.Life = s.cfg.Invites.Life
	}
	switch n.Kind {
	case InviteAccount, InviteContact, InviteReset:
	case InviteFirst:
		fallthrough
	default:
		return Invite{}, refuse("the kind", fmt.Sprintf("%q", n.Kind), "are account, contact and reset")
	}
	if _, err := ParseRole(string(n.Role)); err != nil {
		return Invite{}, refuse("the role", fmt.Sprintf("%q", n.Role), "are admin, member and limited")
	}
	if n.Life < time.Minute || n.Life > s.cfg.Invites.MaxLife {
		return Invite{}, refuse("the life", n.Life, fmt.Sprintf("are 1m to %s", s.cfg.Invites.MaxLife))
	}
	single := n.Kind == InviteReset || n.Local != "" || n.Role == RoleAdmin
	switch {
	case single && n.Uses != 1:
		return Invite{}, refuse("the number of uses", n.Uses, "is 1: it is for one person, or for an administrator")
	case n.Uses > maxUses:
		return Invite{}, refuse("the number of uses", n.Uses, fmt.Sprintf("are 1 to %d", maxUses))
	case n.Creator == "" && (n.Introduce || n.Kind == InviteContact):
		return Invite{}, refuse("the creator", "nobody", "is an account: the invite is to make it a contact")
	case n.Kind == InviteReset && n.Local == "":
		return Invite{}, refuse("the name", "missing", "is that of the account whose password is reset")
	case n.Kind == InviteContact && n.Local != "":
		return Invite{}, refuse("the name", n.Local, "is none: a contact may have an account elsewhere")
	case utf8.RuneCountInString(n.Note) > maxNote || !utf8.ValidString(n.Note):
		return Invite{}, refuse("the note", "too long", fmt.Sprintf("are %d characters", maxNote))
	}
	inv := Invite{
		ID: newID(8), Kind: n.Kind, Creator: n.Creator, Introduce: n.Introduce || n.Kind == InviteContact,
		Register: n.Kind == InviteAccount, Role: n.Role, Note: n.Note, Uses: n.Uses,
		Circles: n.Circles, Guardians: n.Guardians,
	}
	if n.Kind != InviteAccount && len(n.Circles)+len(n.Guardians) > 0 {
		return Invite{}, refuse("what the account gets", "more than a name", "is that only for an invite of the kind account")
	}
	limit, err := s.mayInvite(ctx, &inv)
	if err == nil {
		err = s.setGuardians(ctx, &inv)
	}
	if err != nil {
		return Invite{}, err
	}
	switch {
	case n.Kind == InviteReset:
		if n.Local, err = s.normalise(n.Local); err != nil {
			return Invite{}, fmt.Errorf("auth: create invite: %w", ErrNotFound)
		}
		if _, err := s.Account(ctx, n.Local); err != nil {
			return Invite{}, err
		}
	case n.Local != "":
		if n.Local, err = s.CheckName(n.Local, limit == 0); err != nil {
			return Invite{}, err
		}
		if ok, err := s.Exists(ctx, n.Local); err != nil || ok {
			if ok {
				err = ErrExists
			}
			return Invite{}, fmt.Errorf("auth: create invite: %w", err)
		}
	}
	inv.Local, inv.Created = n.Local, s.now()
	inv.Expires = inv.Created.Add(n.Life)
	s.setToken(&inv)
	err = s.store.CreateInvite(ctx, inv, func(open int) error {
		if limit > 0 && open >= limit {
			return fmt.Errorf("%w: there are %d open invites; allowed are %d", ErrInviteOptions, open, limit)
		}
		return nil
	})
	if err != nil {
		return Invite{}, fmt.Errorf("auth: create invite: %w", err)
	}
	return inv, nil
}

// setGuardians sees to who decides for the account of a child.
func (s *Service) setGuardians(ctx context.Context, inv *Invite) error {
	if inv.Role != RoleLimited {
		if len(inv.Guardians) > 0 {
			return fmt.Errorf("%w: guardians are for the role limited alone", ErrInviteOptions)
		}
		return nil
	}
	if inv.Creator != "" && (len(inv.Guardians) == 0 || inv.Introduce && !slices.Contains(inv.Guardians, inv.Creator)) {
		// Whoever becomes a contact must be allowed to talk to the child.
		inv.Guardians = append(slices.Clone(inv.Guardians), inv.Creator)
	}
	for _, g := range inv.Guardians {
		a, err := s.Account(ctx, g)
		switch {
		case errors.Is(err, ErrNotFound), err == nil && a.Role == RoleLimited:
			return fmt.Errorf("%w: the guardian %s has no account here, or is a child", ErrInviteOptions, g)
		case err != nil:
			return err
		}
	}
	return nil
}

// mayInvite checks the creator's right, and lets an invite for a contact register too if the
// creator may do that. limit is how many open invites it may have, 0 for any number.
func (s *Service) mayInvite(ctx context.Context, inv *Invite) (limit int, err error) {
	var a Account
	if inv.Creator != "" {
		if a, err = s.Account(ctx, inv.Creator); err != nil {
			return 0, err
		}
	}
	if inv.Kind == InviteContact {
		inv.Register = s.MayInvite(a)
	}
	switch {
	case inv.Creator != "" && !s.mayGrant(a, *inv):
		return 0, fmt.Errorf("auth: create invite: %w", ErrForbidden)
	case inv.Creator == "" || a.Role == RoleAdmin:
		return 0, nil
	}
	return s.cfg.Invites.MemberOpen, nil
}

// mayGrant reports whether an account may give what an invite gives.
func (s *Service) mayGrant(a Account, inv Invite) bool {
	switch {
	case !a.CanLogin() || a.Role == RoleLimited:
		return false
	case a.Role == RoleAdmin:
		return true
	}
	return inv.Kind != InviteReset && inv.Role != RoleAdmin && len(inv.Circles) == 0 &&
		!slices.ContainsFunc(inv.Guardians, func(g string) bool { return g != inv.Creator }) && inv.Uses <= s.cfg.Invites.MemberUses &&
		(!inv.Register || s.MayInvite(a))
}

// MayInvite reports whether an account may let new people in.
func (s *Service) MayInvite(a Account) bool {
	return a.CanLogin() && (a.Role == RoleAdmin || a.Role == RoleMember && s.cfg.Invites.Members)
}

// firstLife is how long the link for the first administrator is valid. It is shown at every start.
const firstLife = 7 * 24 * time.Hour

// FirstInvite returns the invite by which the first administrator makes an account. As long as
// there is no account, it returns the same one at every start, and a new one in the place of one
// that has expired; once there is an account, it returns [ErrNotFirst] and no such invite works.
func (s *Service) FirstInvite(ctx context.Context) (Invite, error) {
	now := s.now()
	inv := Invite{
		ID: newID(8), Kind: InviteFirst, Register: true, Role: RoleAdmin, Uses: 1,
		Created: now, Expires: now.Add(firstLife),
	}
	s.setToken(&inv)
	got, err := s.store.FirstInvite(ctx, inv, func(present Invite) bool {
		_, ok := s.InviteToken(present)
		return ok && present.Open(now.Add(24*time.Hour))
	})
	if err != nil {
		return Invite{}, fmt.Errorf("auth: first invite: %w", err)
	}
	return got, nil
}

// tokenEncoding makes tokens of digits and lower-case letters (XEP-0401 section 4.1): they survive
// every URL, every font and a keyboard that begins with a capital.
var tokenEncoding = base32.NewEncoding("abcdefghijkmnpqrstuvwxyz23456789").WithPadding(base32.NoPadding)

// tokenBytes are 160 bits: 32 characters.
const tokenBytes = 20

func (s *Service) setToken(inv *Invite) {
	inv.Key = s.secret.current().id
	token, _ := s.InviteToken(*inv)
	inv.Hash = tokenHash(token)
}

// InviteToken computes the token of an invite; ok is false if its key is not known any more. Show
// it to the creator or an administrator only.
func (s *Service) InviteToken(inv Invite) (token string, ok bool) {
	k, ok := s.secret.key(inv.Key)
	if !ok {
		return "", false
	}
	return tokenEncoding.EncodeToString(prf(k.invite, inv.ID)[:tokenBytes]), true
}

func tokenHash(token string) []byte {
	h := sha256.Sum256([]byte("kith invite\x00" + strings.ToLower(strings.TrimSpace(token))))
	return h[:]
}

// Links are the two forms of an invite.
type Links struct {
	// Web is the page of the invite: base, "/i/" and the token.
	Web string
	// XMPP is for native apps: xmpp:…?register (XEP-0445) or ?roster (XEP-0379). It is empty for
	// [InviteReset], which only the web page can use.
	XMPP string
}

// Links of an invite under the address of the web app, such as https://example.org; empty if its
// token is not known any more.
func (s *Service) Links(base string, inv Invite) Links {
	token, ok := s.InviteToken(inv)
	if !ok {
		return Links{}
	}
	l := Links{Web: strings.TrimRight(base, "/") + "/i/" + token}
	address := func(local string) string {
		a := url.PathEscape(s.domain)
		if local != "" {
			a = url.PathEscape(local) + "@" + a
		}
		return "xmpp:" + a
	}
	switch inv.Kind {
	case InviteAccount, InviteFirst:
		l.XMPP = address(inv.Local) + "?register;preauth=" + token
	case InviteContact:
		l.XMPP = address(inv.Creator) + "?roster;preauth=" + token
		if inv.Register {
			l.XMPP += ";ibr=y"
		}
	case InviteReset:
	}
	return l
}

// Invites returns the invites of a creator, those of the operator for "", newest first; those that
// have ended stay in the list for a while.
func (s *Service) Invites(ctx context.Context, creator string) ([]Invite, error) {
	is, err := s.store.Invites(ctx, &creator)
	if err != nil {
		return nil, fmt.Errorf("auth: invites: %w", err)
	}
	return is, nil
}

// AllInvites is Invites for an administrator.
func (s *Service) AllInvites(ctx context.Context) ([]Invite, error) {
	is, err := s.store.Invites(ctx, nil)
	if err != nil {
		return nil, fmt.Errorf("auth: invites: %w", err)
	}
	return is, nil
}

// RevokeInvite takes back an invite that creator made.
func (s *Service) RevokeInvite(ctx context.Context, creator, id string) error {
	return s.revokeInvite(ctx, &creator, id)
}

// RevokeAnyInvite is RevokeInvite for an administrator.
func (s *Service) RevokeAnyInvite(ctx context.Context, id string) error {
	return s.revokeInvite(ctx, nil, id)
}

func (s *Service) revokeInvite(ctx context.Context, creator *string, id string) error {
	if err := s.store.RemoveInvite(ctx, creator, id); err != nil {
		return fmt.Errorf("auth: revoke invite: %w", err)
	}
	return nil
}
