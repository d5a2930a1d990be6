package guardian

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"kith/internal/jid"
	"kith/internal/stanza"
	"kith/server/auth"
)

// Settle brings all accounts under guard, or out of it, whose role has changed while no server ran. It
// must be called before anybody can sign in.
func (s *Service) Settle(ctx context.Context) error {
	s.mu.RLock()
	var todo []string
	for local, c := range s.children {
		if c.guarded != (s.roles[local].role == auth.RoleLimited) {
			todo = append(todo, local)
		}
	}
	s.mu.RUnlock()
	var errs []error
	for _, local := range todo {
		errs = append(errs, s.settle(ctx, local))
	}
	return errors.Join(errs...)
}

// AccountChanged follows a change of an account. One that becomes limited is under guard at once: it
// keeps its contacts, which count as approved, while requests that were not answered wait for its
// guardians. One that is limited no longer gets the requests that wait, to answer them itself.
func (s *Service) AccountChanged(ctx context.Context, local string) error {
	a, err := s.accounts.Account(ctx, local)
	s.mu.Lock()
	was := s.roles[local]
	now := standing{a.Role, a.CanLogin()}
	if errors.Is(err, auth.ErrNotFound) {
		// It may come back as what it was.
		now, err = standing{was.role, false}, nil
	}
	if err != nil {
		s.mu.Unlock()
		return err
	}
	s.roles[local] = now
	if now.role == auth.RoleLimited && s.children[local] == nil {
		// Strictly, until it is known what it has.
		s.children[local] = s.newChild(local, nil)
	}
	c := s.children[local]
	s.mu.Unlock()
	if c != nil && c.guarded != (now.role == auth.RoleLimited) {
		err = s.settle(ctx, local)
	}
	matters := func(r auth.Role) bool { return r == auth.RoleLimited || r == auth.RoleAdmin }
	if was != now && (matters(was.role) || matters(now.role)) && s.linked {
		s.links.Rooms.Reconsider()
	}
	return err
}

// settle brings an account under guard or out of it, as its role says.
func (s *Service) settle(ctx context.Context, local string) error {
	if !s.linked {
		return nil
	}
	s.mu.RLock()
	limited := s.roles[local].role == auth.RoleLimited
	s.mu.RUnlock()
	if limited {
		return s.adopt(ctx, local)
	}
	return s.release(ctx, local)
}

func (s *Service) adopt(ctx context.Context, local string) error {
	now := s.clock.Now()
	err := s.links.Contacts.Relations(ctx, local, func(contacts []jid.JID, in []*stanza.Stanza, out []jid.JID) error {
		s.changing.Lock()
		defer s.changing.Unlock()
		var approved []Approval
		for _, j := range contacts {
			approved = append(approved, Approval{Peer: j, At: now})
		}
		var requests []Request
		for _, st := range in {
			requests = append(requests, Request{Key: Key{st.From.Bare().Clone(), false}, Stanza: st.String(), At: now})
		}
		for _, j := range out {
			ask := stanza.New(stanza.Header{Kind: stanza.Presence, Type: stanza.Subscribe, From: s.address(local), To: j}, "")
			requests = append(requests, Request{Key: Key{j, true}, Stanza: ask.String(), At: now})
		}
		if err := s.store.Adopt(ctx, local, approved, requests); err != nil {
			return err
		}
		return s.reload(ctx, local)
	})
	if err != nil {
		return fmt.Errorf("guardian: bring an account under guard: %w", err)
	}
	if c := s.child(local); c != nil {
		for _, r := range c.requests {
			if r.Waiting() {
				s.tellRequest(c, r)
			}
		}
	}
	return nil
}

// reload reads anew what is known of a child. s.changing is held.
func (s *Service) reload(ctx context.Context, local string) error {
	records, err := s.store.Records(ctx)
	if err != nil {
		return err
	}
	s.replace(s.newChild(local, records[local]))
	return nil
}

func (s *Service) replace(c *child) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.children[c.local] = c
}

// release lets an account decide itself from now on.
func (s *Service) release(ctx context.Context, local string) error {
	s.changing.Lock()
	defer s.changing.Unlock()
	c := s.child(local)
	if c == nil {
		return nil
	}
	s.mu.Lock()
	delete(s.children, local)
	s.mu.Unlock()
	for _, r := range c.requests {
		if r.Waiting() {
			s.letGo(c, r)
		}
	}
	if err := s.store.Release(ctx, local); err != nil {
		return fmt.Errorf("guardian: let an account out of guard: %w", err)
	}
	return nil
}

// SetGuardians names who decides for a child, accounts by their localpart; none for the administrators.
// Whoever is no guardian any more stays an approved contact. by is who says so, "" for the operator.
// Errors: [ErrNotChild], [ErrCannotGuard].
func (s *Service) SetGuardians(ctx context.Context, by, local string, guardians []string) error {
	guardians = slices.Compact(slices.Sorted(slices.Values(guardians)))
	s.changing.Lock()
	defer s.changing.Unlock()
	c := s.child(local)
	if c == nil {
		return ErrNotChild
	}
	s.mu.RLock()
	for _, g := range guardians {
		if st, ok := s.roles[g]; !ok || !st.active || st.role == auth.RoleLimited || g == local {
			s.mu.RUnlock()
			return fmt.Errorf("%w: %s", ErrCannotGuard, g)
		}
	}
	s.mu.RUnlock()
	next := c.copy()
	next.guardians = guardians
	var approved []Approval
	for _, g := range c.guardians {
		if j := s.address(g); !slices.Contains(guardians, g) {
			a := Approval{Peer: j, By: by, At: s.clock.Now()}
			approved = append(approved, a)
			next.approved[j] = a
		}
	}
	if err := s.store.SetGuardians(ctx, local, guardians, approved); err != nil {
		return err
	}
	s.replace(next)
	if s.linked {
		s.links.Rooms.Reconsider()
		s.tellChanged(next)
	}
	return nil
}

// Guardians are those who decide for a child; named is false where they are the administrators because
// nobody was named. [ErrNotChild] for others.
func (s *Service) Guardians(local string) (guardians []string, named bool, err error) {
	c := s.child(local)
	if c == nil {
		return nil, false, ErrNotChild
	}
	guardians = s.guardiansOf(c)
	return guardians, slices.ContainsFunc(guardians, func(g string) bool { return slices.Contains(c.guardians, g) }), nil
}

// Purge forgets an account that no longer exists, as a child, as a guardian and as a contact: what was
// approved does not hold for who may get the name later.
func (s *Service) Purge(ctx context.Context, local string) error {
	s.changing.Lock()
	defer s.changing.Unlock()
	address := s.address(local)
	if err := s.store.RemoveAccount(ctx, local, address); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.children, local)
	delete(s.roles, local)
	for name, c := range s.children {
		c = c.copy()
		c.guardians = slices.DeleteFunc(slices.Clone(c.guardians), func(g string) bool { return g == local })
		delete(c.approved, address)
		delete(c.requests, Key{address, true})
		delete(c.requests, Key{address, false})
		s.children[name] = c
	}
	return nil
}
