package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"kith/internal/clock"
	"kith/server/auth"
	"kith/server/circle"
	"kith/server/guardian"
)

// relations is what the commands about roles, guardians and circles do.
type relations interface {
	SetRole(context.Context, roleChange) (none, error)
	Guardians(context.Context, guardianship) (guardianship, error)
	AddCircle(context.Context, circleName) (circleInfo, error)
	ListCircles(context.Context, none) ([]circleInfo, error)
	JoinCircle(context.Context, circleMembers) (none, error)
	LeaveCircle(context.Context, circleMembers) (none, error)
	RenameCircle(context.Context, circleRename) (none, error)
	RemoveCircle(context.Context, circleName) (none, error)
}

type roleChange struct {
	Address string `json:"address"`
	Role    string `json:"role"`
}

// guardianship is who decides for a child.
type guardianship struct {
	Address   string   `json:"address"`
	Guardians []string `json:"guardians,omitempty"`
	// Change: those are to be the guardians from now on; with none of them, the administrators.
	Change bool `json:"change,omitempty"`
	// Named is false where the administrators decide because nobody was named.
	Named bool `json:"named,omitempty"`
}

type circleRename struct {
	Name string `json:"name"`
	To   string `json:"to"`
}

type circleName struct {
	Name string `json:"name"`
}

type circleMembers struct {
	Name    string   `json:"name"`
	Members []string `json:"members"`
}

type circleInfo struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Room    string    `json:"room"`
	Created time.Time `json:"created"`
	Members []string  `json:"members"`
}

// newOperator is what the commands do with the data of a server that does not run: what follows from it
// happens when one starts.
func newOperator(ctx context.Context, o *options, d *data, accounts *auth.Service, base string) (operator, error) {
	out := operator{auth: accounts, baseURL: base}
	domain, err := accounts.Address("")
	if err != nil {
		return out, err
	}
	out.circles, err = circle.New(ctx, circle.Options{
		Domain: d.domain, Store: d.db.Circles(), Accounts: accounts, Clock: clock.Real{}, Config: o.server.Circles,
	})
	if err != nil {
		return out, err
	}
	out.guards, err = guardian.New(ctx, guardian.Options{
		Domain: domain, Store: d.db.Guardians(), Accounts: accounts, Clock: clock.Real{}, Config: o.server.Limited,
	})
	return out, err
}

func (o operator) full(local string) string { return local + "@" + o.auth.Domain() }

func (o operator) locals(addresses []string) ([]string, error) {
	out := make([]string, len(addresses))
	for i, a := range addresses {
		var err error
		if out[i], err = o.local(a); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (o operator) SetRole(ctx context.Context, in roleChange) (none, error) {
	local, err := o.local(in.Address)
	if err != nil {
		return none{}, err
	}
	role, err := auth.ParseRole(in.Role)
	if err != nil {
		return none{}, fmt.Errorf("the role %q is not known; expected admin, member or limited", in.Role)
	}
	return none{}, o.sentence(local, o.auth.SetRole(ctx, local, role))
}

func (o operator) Guardians(ctx context.Context, in guardianship) (guardianship, error) {
	local, err := o.local(in.Address)
	if err != nil {
		return in, err
	}
	if in.Change {
		guardians, err := o.locals(in.Guardians)
		if err != nil {
			return in, err
		}
		if err := o.guards.SetGuardians(ctx, "", local, guardians); err != nil {
			return in, o.guardianSentence(local, err)
		}
	}
	guardians, named, err := o.guards.Guardians(local)
	if err != nil {
		return in, o.guardianSentence(local, err)
	}
	out := guardianship{Address: o.full(local), Named: named}
	for _, g := range guardians {
		out.Guardians = append(out.Guardians, o.full(g))
	}
	return out, nil
}

func (o operator) guardianSentence(local string, err error) error {
	switch {
	case errors.Is(err, guardian.ErrNotChild):
		return fmt.Errorf("%s is not the account of a child; kith user role makes it one", o.full(local))
	case errors.Is(err, guardian.ErrCannotGuard):
		return errors.New("a guardian needs an account here that is in use and is not a child's")
	}
	return err
}

// guardAfter names the guardians of an account that was just made.
func (o operator) guardAfter(ctx context.Context, local string, guardians []string) error {
	if len(guardians) == 0 {
		return nil
	}
	// Without a server, nobody else has told.
	if err := o.guards.AccountChanged(ctx, local); err != nil {
		return err
	}
	return o.guardianSentence(local, o.guards.SetGuardians(ctx, "", local, guardians))
}

// checkGuardians refuses who cannot be one, before anything is done.
func (o operator) checkGuardians(ctx context.Context, role auth.Role, guardians []string) error {
	if len(guardians) > 0 && role != auth.RoleLimited {
		return errors.New("guardians are for the role limited alone")
	}
	for _, g := range guardians {
		if a, err := o.auth.Account(ctx, g); err != nil || a.Role == auth.RoleLimited {
			return o.guardianSentence(g, guardian.ErrCannotGuard)
		}
	}
	return nil
}

func (o operator) circle(c circle.Circle) circleInfo {
	out := circleInfo{ID: c.ID, Name: c.Name, Room: c.Room, Created: c.Created, Members: []string{}}
	for _, m := range c.Members {
		out.Members = append(out.Members, o.full(m.Account))
	}
	return out
}

func circleSentence(name string, err error) error {
	switch {
	case errors.Is(err, circle.ErrNotFound):
		return fmt.Errorf("there is no circle %q; see kith circle list", name)
	case errors.Is(err, circle.ErrExists):
		return fmt.Errorf("there is a circle %q already", name)
	case errors.Is(err, circle.ErrName):
		return fmt.Errorf("%q cannot be the name of a circle: it has 1 to 60 characters", name)
	case errors.Is(err, circle.ErrFull):
		return errors.New("there are too many circles, or too many people in this one; see [circles] in the configuration")
	}
	return err
}

func (o operator) AddCircle(ctx context.Context, in circleName) (circleInfo, error) {
	c, err := o.circles.Add(ctx, in.Name)
	return o.circle(c), circleSentence(in.Name, err)
}

func (o operator) ListCircles(context.Context, none) ([]circleInfo, error) {
	out := []circleInfo{}
	for _, c := range o.circles.List() {
		out = append(out, o.circle(c))
	}
	return out, nil
}

func (o operator) eachMember(ctx context.Context, in circleMembers, do func(ctx context.Context, id, account string) error) (none, error) {
	c, err := o.circles.Find(in.Name)
	if err != nil {
		return none{}, circleSentence(in.Name, err)
	}
	locals, err := o.locals(in.Members)
	if err != nil {
		return none{}, err
	}
	for _, l := range locals {
		err := do(ctx, c.ID, l)
		switch {
		case errors.Is(err, circle.ErrNoAccount):
			return none{}, fmt.Errorf("there is no account %s", o.full(l))
		case errors.Is(err, circle.ErrNotMember):
			return none{}, fmt.Errorf("%s is not in the circle %s", o.full(l), c.Name)
		case err != nil:
			return none{}, circleSentence(in.Name, err)
		}
	}
	return none{}, nil
}

func (o operator) JoinCircle(ctx context.Context, in circleMembers) (none, error) {
	return o.eachMember(ctx, in, o.circles.Join)
}

func (o operator) LeaveCircle(ctx context.Context, in circleMembers) (none, error) {
	return o.eachMember(ctx, in, o.circles.Leave)
}

func (o operator) RenameCircle(ctx context.Context, in circleRename) (none, error) {
	c, err := o.circles.Find(in.Name)
	if err != nil {
		return none{}, circleSentence(in.Name, err)
	}
	return none{}, circleSentence(in.To, o.circles.Rename(ctx, c.ID, in.To))
}

func (o operator) RemoveCircle(ctx context.Context, in circleName) (none, error) {
	c, err := o.circles.Find(in.Name)
	if err == nil {
		err = o.circles.Remove(ctx, c.ID)
	}
	return none{}, circleSentence(in.Name, err)
}

// circleIDs are those of circles that are named.
func (o operator) circleIDs(names []string) ([]string, error) {
	var out []string
	for _, n := range names {
		c, err := o.circles.Find(n)
		if err != nil {
			return nil, circleSentence(n, err)
		}
		out = append(out, c.ID)
	}
	return out, nil
}

func (r remote) SetRole(ctx context.Context, in roleChange) (none, error) {
	return call[roleChange, none](ctx, r, "user/role", in)
}

func (r remote) Guardians(ctx context.Context, in guardianship) (guardianship, error) {
	return call[guardianship, guardianship](ctx, r, "user/guardians", in)
}

func (r remote) AddCircle(ctx context.Context, in circleName) (circleInfo, error) {
	return call[circleName, circleInfo](ctx, r, "circle/add", in)
}

func (r remote) ListCircles(ctx context.Context, in none) ([]circleInfo, error) {
	return call[none, []circleInfo](ctx, r, "circle/list", in)
}

func (r remote) JoinCircle(ctx context.Context, in circleMembers) (none, error) {
	return call[circleMembers, none](ctx, r, "circle/join", in)
}

func (r remote) LeaveCircle(ctx context.Context, in circleMembers) (none, error) {
	return call[circleMembers, none](ctx, r, "circle/leave", in)
}

func (r remote) RenameCircle(ctx context.Context, in circleRename) (none, error) {
	return call[circleRename, none](ctx, r, "circle/rename", in)
}

func (r remote) RemoveCircle(ctx context.Context, in circleName) (none, error) {
	return call[circleName, none](ctx, r, "circle/remove", in)
}
