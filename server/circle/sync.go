package circle

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"kith/internal/jid"
)

// CatchUp brings about everything that is noted and not done yet. What fails does not hinder the rest.
func (s *Service) CatchUp(ctx context.Context) error {
	if s.effects == nil {
		return nil
	}
	s.working.Lock()
	defer s.working.Unlock()
	var errs []error
	for _, c := range s.snapshot() {
		if err := s.settle(ctx, &c); err != nil {
			errs = append(errs, fmt.Errorf("circle: %w", err))
		}
	}
	return errors.Join(errs...)
}

// settle brings a circle to what the database says.
func (s *Service) settle(ctx context.Context, c *Circle) error {
	var todo []Member
	for _, m := range c.Members {
		if c.Removed {
			m.State = Leaving
		}
		if m.State != Joined {
			todo = append(todo, m)
		}
	}
	if len(todo) == 0 && !c.Removed && len(c.Names) == 0 {
		return nil
	}
	if err := s.rename(ctx, c); err != nil {
		return err
	}
	here, err := s.existing(ctx, c.in())
	if err != nil {
		return err
	}
	for _, m := range todo {
		if m.State == Leaving {
			err = s.part(ctx, c, m.Account)
		} else if slices.Contains(here, m.Account) {
			err = s.bringTogether(ctx, c, m.Account, here)
		}
		if err != nil {
			return err
		}
	}
	if c.Removed {
		err = s.effects.RemoveRoom(ctx, c.Room, "The circle was removed.")
	} else {
		err = s.effects.Room(ctx, c.Room, c.Name, s.addresses(c.in()))
	}
	if err != nil {
		return err
	}
	for _, m := range todo {
		if m.State == Leaving {
			err = s.effects.Unbookmark(ctx, m.Account, c.Room)
		} else if slices.Contains(here, m.Account) {
			err = s.effects.Bookmark(ctx, m.Account, c.Room, c.Name)
		}
		if err != nil {
			return err
		}
	}
	return s.done(ctx, c, todo)
}

// rename lets the rosters and bookmarks of all members follow, also of those who are on the way out: what
// they are taken out of is called as the circle is now.
func (s *Service) rename(ctx context.Context, c *Circle) error {
	for _, old := range c.Names {
		if old == c.Name {
			continue
		}
		for i, m := range c.Members {
			var others []Regrouping
			for _, o := range c.Members[i+1:] {
				other := s.address(o.Account)
				others = append(others, Regrouping{JID: other, Keep: slices.Contains(s.Ties(m.Account, other), old)})
			}
			if len(others) == 0 {
				continue
			}
			if err := s.effects.Regroup(ctx, s.address(m.Account), others, old, c.Name); err != nil {
				return err
			}
		}
		for _, m := range c.Members {
			if err := s.effects.Retitle(ctx, m.Account, c.Room, old, c.Name); err != nil {
				return err
			}
		}
	}
	return nil
}

// done notes what was brought about.
func (s *Service) done(ctx context.Context, c *Circle, todo []Member) error {
	s.changing.Lock()
	defer s.changing.Unlock()
	for _, m := range todo {
		if err := s.store.Settle(ctx, c.ID, m.Account, m.State); err != nil {
			return err
		}
	}
	if len(c.Names) > 0 {
		if err := s.store.Renamed(ctx, *c); err != nil {
			return err
		}
	}
	if c.Removed {
		if err := s.store.Forget(ctx, c.ID); err != nil {
			return err
		}
	}
	return s.reload(ctx)
}

// existing are those who have an account. Who was removed for the time being is left out, and comes
// back when the account does.
func (s *Service) existing(ctx context.Context, accounts []string) ([]string, error) {
	var out []string
	for _, a := range accounts {
		ok, err := s.accounts.Exists(ctx, a)
		if err != nil {
			return nil, err
		}
		if ok {
			out = append(out, a)
		}
	}
	return out, nil
}

func (s *Service) bringTogether(ctx context.Context, c *Circle, account string, here []string) error {
	one := s.person(ctx, account)
	var others []Person
	for _, o := range here {
		if o != account {
			others = append(others, s.person(ctx, o))
		}
	}
	return s.effects.Tie(ctx, one, others, c.Name)
}

// part takes an account out of what it shares with those who were in the circle with it.
func (s *Service) part(ctx context.Context, c *Circle, account string) error {
	one := s.address(account)
	var others, last []jid.JID
	for _, m := range c.Members {
		if m.Account == account {
			continue
		}
		o := s.address(m.Account)
		others = append(others, o)
		if len(s.Ties(account, o)) == 0 {
			last = append(last, o)
		}
	}
	return s.effects.Untie(ctx, one, others, last, c.Name)
}

func (s *Service) address(account string) jid.JID {
	j, err := jid.New(account, s.domain, "")
	if err != nil {
		return jid.JID{} // accounts have names that are fit for it
	}
	return j
}

func (s *Service) addresses(accounts []string) []jid.JID {
	out := make([]jid.JID, len(accounts))
	for i, a := range accounts {
		out[i] = s.address(a)
	}
	return out
}

func (s *Service) person(ctx context.Context, account string) Person {
	return Person{JID: s.address(account), Name: s.effects.Name(ctx, account)}
}
