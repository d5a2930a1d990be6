package roster

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"

	"kith/internal/jid"
	"kith/server/module"
)

// contacts is the roster of one account in memory.
type contacts struct {
	loaded       bool
	epoch        string
	ver, horizon int64
	// entries are the items and the requests.
	entries map[jid.JID]*Entry
	// removed remembers removals, by ascending version.
	removed []Entry
	// listed and requests count the entries that are items and requests.
	listed, requests int
}

// load is the roster of the account, read from the store the first time.
func (r *Roster) load(a module.Account) (*contacts, error) {
	c := r.contacts.Of(a.Slots())
	if c.loaded {
		return c, nil
	}
	s, err := r.store.Roster(context.Background(), a.JID().Local())
	if err != nil {
		return nil, err
	}
	c.fill(s)
	return c, nil
}

func (c *contacts) fill(s Snapshot) {
	*c = contacts{loaded: true, epoch: s.Epoch, horizon: s.Horizon, entries: make(map[jid.JID]*Entry, len(s.Entries))}
	for _, e := range s.Entries {
		c.take(e)
	}
	c.ver = s.Ver
}

// take puts an entry in the place of the one that was there, and returns that.
func (c *contacts) take(e Entry) (old Entry) {
	if was := c.entries[e.Contact]; was != nil {
		old = *was
		c.count(was, -1)
	}
	if e.Ver > c.ver {
		c.ver = e.Ver
		c.removed = slices.DeleteFunc(c.removed, func(o Entry) bool { return o.Contact == e.Contact })
		if !e.Listed {
			c.removed = append(c.removed, Entry{Contact: e.Contact, Ver: e.Ver})
		}
		if len(c.removed) > KeepRemovals {
			c.horizon = c.removed[0].Ver
			c.removed = slices.Delete(c.removed, 0, 1)
		}
	}
	if !e.Listed && !e.Requested {
		delete(c.entries, e.Contact)
		return old
	}
	c.count(&e, +1)
	c.entries[e.Contact] = &e
	return old
}

func (c *contacts) count(e *Entry, n int) {
	if e.Listed {
		c.listed += n
	}
	if e.Requested {
		c.requests += n
	}
}

// sorted are the entries for which keep says so, in the order of their addresses.
func (c *contacts) sorted(keep func(*Entry) bool) []*Entry {
	out := make([]*Entry, 0, len(c.entries))
	for _, e := range c.entries {
		if keep(e) {
			out = append(out, e)
		}
	}
	slices.SortFunc(out, func(a, b *Entry) int { return strings.Compare(a.Contact.String(), b.Contact.String()) })
	return out
}

// state is what is agreed with a contact; the zero State for a stranger.
func (c *contacts) state(contact jid.JID) State {
	if e := c.entries[contact]; e != nil {
		return e.State
	}
	return State{}
}

// version is a version as clients see it (RFC 6121 section 2.6).
func (c *contacts) version(n int64) string {
	if c.epoch == "" {
		return "0"
	}
	return c.epoch + "-" + strconv.FormatInt(n, 10)
}

// since are the items that changed after a version, in the order of their changes; false if that
// cannot be told.
func (c *contacts) since(version string) ([]Entry, bool) {
	epoch, number, _ := strings.Cut(version, "-")
	n, err := strconv.ParseInt(number, 10, 64)
	switch {
	case version == c.version(c.ver):
		return nil, true
	case err != nil, epoch != c.epoch, n < c.horizon, n > c.ver:
		return nil, false
	}
	var out []Entry
	for _, e := range c.entries {
		if e.Listed && e.Ver > n {
			out = append(out, *e)
		}
	}
	for _, e := range c.removed {
		if e.Ver > n {
			out = append(out, e)
		}
	}
	slices.SortFunc(out, func(a, b Entry) int { return cmp.Compare(a.Ver, b.Ver) })
	return out, true
}

// shift is a contact to whom the presence is shown from now on, or no longer.
type shift struct {
	contact jid.JID
	shared  bool
}

// update makes changes to the account's own roster, durably, and pushes them to its clients.
func (r *Roster) update(a module.Account, changes ...Change) ([]shift, error) {
	c, err := r.load(a)
	if err != nil {
		return nil, err
	}
	entries, err := r.store.UpdateRosters(context.Background(), changes)
	if err != nil {
		return nil, err
	}
	next := c.ver
	for i := range entries {
		if entries[i].Ver <= c.ver {
			continue
		}
		if next++; entries[i].Ver != next || c.epoch == "" {
			// Something was written from outside, or this is the first item of all.
			return r.refresh(a)
		}
	}
	var shifts []shift
	for _, e := range entries {
		isNew := e.Ver > c.ver
		old := c.take(e)
		if isNew {
			r.push(a, c, e)
		}
		if old.From != e.From {
			shifts = append(shifts, shift{e.Contact, e.From})
		}
	}
	return shifts, nil
}

// refresh reads the roster again and pushes what is new in it, in the order in which it was
// written: a client must not see a later version before an earlier one.
func (r *Roster) refresh(a module.Account) ([]shift, error) {
	s, err := r.store.Roster(context.Background(), a.JID().Local())
	if err != nil {
		return nil, err
	}
	c := r.contacts.Of(a.Slots())
	old := *c
	if old.epoch != "" && old.epoch != s.Epoch {
		old.ver = 0
	}
	c.fill(s)
	var shifts []shift
	for _, e := range s.Entries {
		if e.Ver > old.ver {
			r.push(a, c, e)
		}
		if old.state(e.Contact).From != e.From {
			shifts = append(shifts, shift{e.Contact, e.From})
		}
	}
	return shifts, nil
}

// announce tells who handles presence about those shifts that show it, or about those that hide it.
func (r *Roster) announce(a module.Account, shifts []shift, shared bool) {
	for _, s := range shifts {
		if s.shared != shared {
			continue
		}
		for _, f := range r.sharing {
			f(a, s.contact, shared)
		}
	}
}
