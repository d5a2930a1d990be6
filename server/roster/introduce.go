package roster

import (
	"context"
	"fmt"
	"slices"

	"kith/internal/jid"
	"kith/internal/stanza"
	"kith/server/module"
)

// isLocal reports whether a contact is an account of this server.
func (r *Roster) isLocal(contact jid.JID) bool {
	return contact.Domain() == r.domain && contact.Local() != ""
}

// Friend is one of two people who are made contacts of each other.
type Friend struct {
	// JID is the bare address of a local account.
	JID jid.JID
	// Name and Groups are what the other's roster gets to say about it where it says nothing yet.
	Name   string
	Groups []string
}

// Befriend makes two local accounts contacts of each other, both subscribed to both, and tells
// their clients. Both rosters change in one transaction; done twice it is as good as once. It is
// called from outside the actors or from inside.
func (r *Roster) Befriend(ctx context.Context, x, y Friend) error {
	for _, f := range []Friend{x, y} {
		if !r.isLocal(f.JID) || !f.JID.IsBare() {
			return stanza.Refuse(stanza.NotAllowed, "Both are accounts of this server.")
		}
	}
	if x.JID == y.JID {
		return stanza.Refuse(stanza.NotAllowed, "Nobody is a contact of their own.")
	}
	meet := func(owner, other Friend) Change {
		return Change{owner.JID.Local(), other.JID, func(e *Entry) error {
			e.settle(State{To: true, From: true})
			if e.Name == "" {
				e.Name = other.Name
			}
			if len(e.Groups) == 0 {
				e.Groups = slices.Clone(other.Groups)
			}
			return nil
		}}
	}
	if _, err := r.store.UpdateRosters(ctx, []Change{meet(x, y), meet(y, x)}); err != nil {
		return err
	}
	r.stir(x.JID.Local())
	r.stir(y.JID.Local())
	return nil
}

// Introduce is Befriend for two accounts by their localparts.
func (r *Roster) Introduce(ctx context.Context, local, contact string) error {
	x, err := jid.New(local, r.domain, "")
	if err != nil {
		return err
	}
	y, err := jid.New(contact, r.domain, "")
	if err != nil {
		return err
	}
	return r.Befriend(ctx, Friend{JID: x}, Friend{JID: y})
}

// stir lets the actor of an account, if there is one, see what was written from outside.
func (r *Roster) stir(local string) {
	r.actors.DoLoaded(local, func(a module.Account) {
		if c := r.contacts.Peek(a.Slots()); c == nil || !c.loaded {
			return
		}
		shifts, err := r.refresh(a)
		if err != nil {
			r.failed(fmt.Errorf("read: %w", err))
		}
		r.announceAll(a, shifts)
	})
}

// Purge ends all subscriptions of an account that no longer exists and forgets its contacts. Done
// again, it continues where it was interrupted.
func (r *Roster) Purge(ctx context.Context, local string) error {
	own, err := jid.New(local, r.domain, "")
	if err != nil {
		return err
	}
	s, err := r.store.Roster(ctx, local)
	if err != nil {
		return err
	}
	var changes []Change
	for _, e := range s.Entries {
		if r.isLocal(e.Contact) {
			changes = append(changes, Change{e.Contact.Local(), own, func(e *Entry) error {
				e.settle(State{})
				return nil
			}})
			continue
		}
		if e.To || e.Asked {
			module.Deliver(r.router, subscription(stanza.Unsubscribe, own, e.Contact))
		}
		if e.From || e.Requested {
			module.Deliver(r.router, subscription(stanza.Unsubscribed, own, e.Contact))
		}
	}
	if len(changes) > 0 {
		if _, err := r.store.UpdateRosters(ctx, changes); err != nil {
			return err
		}
		for _, c := range changes {
			r.stir(c.Account)
		}
	}
	return r.store.DeleteRoster(ctx, local)
}
