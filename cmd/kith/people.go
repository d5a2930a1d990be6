package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"kith/internal/jid"
	"kith/server/auth"
	"kith/server/circle"
	"kith/server/guardian"
)

// people is what the user and invite commands do. The server does it while it runs, and the command
// itself while it does not. Errors are sentences for whoever typed the command.
type people interface {
	AddUser(context.Context, newUser) (user, error)
	ListUsers(context.Context, none) ([]user, error)
	SetPassword(context.Context, newPassword) (none, error)
	RemoveUser(context.Context, removal) (removed, error)
	RestoreUser(context.Context, address) (none, error)
	CreateInvite(context.Context, newInvite) (invite, error)
	ListInvites(context.Context, none) ([]invite, error)
	RevokeInvite(context.Context, inviteID) (none, error)
	relations
}

type none struct{}

type address struct {
	Address string `json:"address"`
}

type newUser struct {
	Address  string `json:"address"`
	Password string `json:"password"`
	Role     string `json:"role"`
	// Guardians decide for an account that is limited.
	Guardians []string `json:"guardians,omitempty"`
}

type newPassword struct {
	Address  string `json:"address"`
	Password string `json:"password"`
}

type removal struct {
	Address string `json:"address"`
	// Now leaves no time in which it can be restored.
	Now bool `json:"now"`
}

type removed struct {
	// Until it can be restored; zero if it cannot.
	Until time.Time `json:"until,omitzero"`
}

type user struct {
	Address string    `json:"address"`
	Role    string    `json:"role"`
	Created time.Time `json:"created"`
	// LastActive is the day on which it was last in use; zero for never.
	LastActive time.Time `json:"lastActive,omitzero"`
	Disabled   bool      `json:"disabled,omitempty"`
	// RemovedUntil is when a removed account is deleted.
	RemovedUntil time.Time `json:"removedUntil,omitzero"`
}

type newInvite struct {
	Role string        `json:"role"`
	Uses int           `json:"uses"`
	Life time.Duration `json:"life"`
	Name string        `json:"name,omitempty"`
	Note string        `json:"note,omitempty"`
	// Circles by name, and Guardians of an account that is limited.
	Circles   []string `json:"circles,omitempty"`
	Guardians []string `json:"guardians,omitempty"`
	// Reset is the account whose password is set with it; nothing else counts then but Life.
	Reset string `json:"reset,omitempty"`
}

type inviteID struct {
	ID string `json:"id"`
}

type invite struct {
	ID      string    `json:"id"`
	Kind    string    `json:"kind"`
	Role    string    `json:"role,omitempty"`
	Creator string    `json:"creator,omitempty"`
	Name    string    `json:"name,omitempty"`
	Note    string    `json:"note,omitempty"`
	Uses    int       `json:"uses"`
	Used    int       `json:"used"`
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires"`
	// Link is the page of the invite, and URI the same for native apps.
	Link string `json:"link,omitempty"`
	URI  string `json:"uri,omitempty"`
}

// operator is people over the accounts service.
type operator struct {
	auth *auth.Service
	// baseURL is where the web app is, for links.
	baseURL string
	circles *circle.Service
	guards  *guardian.Service
}

var _ people = operator{}

// local is the account that an address means. A name alone is enough.
func (o operator) local(addr string) (string, error) {
	if !strings.Contains(addr, "@") {
		addr += "@" + o.auth.Domain()
	}
	j, err := jid.Parse(addr)
	switch {
	case err != nil || j.Local() == "" || j.Resource() != "":
		return "", fmt.Errorf("%q is not an address such as alice@%s", addr, o.auth.Domain())
	case j.Domain() != o.auth.Domain():
		return "", fmt.Errorf("%s is not an address of this server, whose domain is %s", addr, o.auth.Domain())
	}
	return j.Local(), nil
}

// sentence puts an error of the service into words.
func (o operator) sentence(local string, err error) error {
	var input *auth.InputError
	who := local + "@" + o.auth.Domain()
	switch {
	case err == nil:
		return nil
	case errors.As(err, &input):
		return errors.New(strings.ToLower(input.Text[:1]) + strings.TrimRight(input.Text[1:], "."))
	case errors.Is(err, auth.ErrRemoving):
		return fmt.Errorf("the account %s was removed, and its data is not deleted yet; kith user restore brings it back", who)
	case errors.Is(err, auth.ErrExists):
		return fmt.Errorf("there is an account %s already", who)
	case errors.Is(err, auth.ErrNotFound):
		return fmt.Errorf("there is no account %s", who)
	case errors.Is(err, auth.ErrLastAdmin):
		return fmt.Errorf("%s is the last administrator; make another one first", who)
	default:
		return err
	}
}

func (o operator) AddUser(ctx context.Context, in newUser) (user, error) {
	local, err := o.local(in.Address)
	if err != nil {
		return user{}, err
	}
	role, err := auth.ParseRole(in.Role)
	if err != nil {
		return user{}, fmt.Errorf("the role %q is not known; expected admin, member or limited", in.Role)
	}
	guardians, err := o.locals(in.Guardians)
	if err == nil {
		err = o.checkGuardians(ctx, role, guardians)
	}
	if err != nil {
		return user{}, err
	}
	a, err := o.auth.Create(ctx, local, role, auth.Password(in.Password))
	if err != nil {
		return user{}, o.sentence(local, err)
	}
	return o.user(a), o.guardAfter(ctx, local, guardians)
}

func (o operator) user(a auth.Account) user {
	return user{
		Address: a.Local + "@" + o.auth.Domain(), Role: string(a.Role), Created: a.Created, LastActive: a.LastActive(),
		Disabled: a.Disabled, RemovedUntil: a.PurgeAt,
	}
}

func (o operator) ListUsers(ctx context.Context, _ none) ([]user, error) {
	as, err := o.auth.Accounts(ctx)
	if err != nil {
		return nil, err
	}
	users := make([]user, len(as))
	for i, a := range as {
		users[i] = o.user(a)
	}
	return users, nil
}

func (o operator) SetPassword(ctx context.Context, in newPassword) (none, error) {
	local, err := o.local(in.Address)
	if err != nil {
		return none{}, err
	}
	return none{}, o.sentence(local, o.auth.SetPassword(ctx, local, auth.Password(in.Password), ""))
}

func (o operator) RemoveUser(ctx context.Context, in removal) (removed, error) {
	local, err := o.local(in.Address)
	if err != nil {
		return removed{}, err
	}
	grace := o.auth.Grace()
	if in.Now {
		grace = 0
	}
	if err := o.auth.Remove(ctx, local, grace); err != nil {
		return removed{}, o.sentence(local, err)
	}
	as, err := o.auth.Accounts(ctx)
	if err != nil {
		return removed{}, err
	}
	for _, a := range as {
		if a.Local == local && !in.Now {
			return removed{Until: a.PurgeAt}, nil
		}
	}
	return removed{}, nil
}

func (o operator) RestoreUser(ctx context.Context, in address) (none, error) {
	local, err := o.local(in.Address)
	if err != nil {
		return none{}, err
	}
	err = o.auth.Restore(ctx, local)
	if errors.Is(err, auth.ErrNotFound) {
		err = fmt.Errorf("there is no removed account %s@%s that can be restored", local, o.auth.Domain())
	}
	return none{}, err
}

func (o operator) CreateInvite(ctx context.Context, in newInvite) (invite, error) {
	n := auth.NewInvite{
		Kind: auth.InviteAccount, Role: auth.Role(in.Role), Uses: in.Uses, Life: in.Life, Local: in.Name, Note: in.Note,
	}
	var err error
	if in.Reset != "" {
		n = auth.NewInvite{Kind: auth.InviteReset, Life: in.Life, Uses: 1}
		if n.Local, err = o.local(in.Reset); err != nil {
			return invite{}, err
		}
		in.Name = n.Local
	}
	if n.Circles, err = o.circleIDs(in.Circles); err != nil {
		return invite{}, err
	}
	if n.Guardians, err = o.locals(in.Guardians); err != nil {
		return invite{}, err
	}
	if err := o.checkGuardians(ctx, n.Role, n.Guardians); err != nil {
		return invite{}, err
	}
	inv, err := o.auth.CreateInvite(ctx, n)
	if err != nil {
		if errors.Is(err, auth.ErrInviteOptions) {
			err = errors.New(strings.TrimPrefix(err.Error(), auth.ErrInviteOptions.Error()+": "))
		}
		return invite{}, o.sentence(in.Name, err)
	}
	return o.invite(inv), nil
}

func (o operator) invite(inv auth.Invite) invite {
	links := o.auth.Links(o.baseURL, inv)
	out := invite{
		ID: inv.ID, Kind: string(inv.Kind), Role: string(inv.Role), Name: inv.Local, Note: inv.Note,
		Uses: inv.Uses, Used: inv.Used, Created: inv.Created, Expires: inv.Expires, Link: links.Web, URI: links.XMPP,
	}
	if inv.Creator != "" {
		out.Creator = inv.Creator + "@" + o.auth.Domain()
	}
	return out
}

func (o operator) ListInvites(ctx context.Context, _ none) ([]invite, error) {
	is, err := o.auth.AllInvites(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]invite, len(is))
	for i, inv := range is {
		out[i] = o.invite(inv)
	}
	return out, nil
}

func (o operator) RevokeInvite(ctx context.Context, in inviteID) (none, error) {
	err := o.auth.RevokeAnyInvite(ctx, in.ID)
	if errors.Is(err, auth.ErrNotFound) {
		err = fmt.Errorf("there is no invite %s; see kith invite list", in.ID)
	}
	return none{}, err
}
