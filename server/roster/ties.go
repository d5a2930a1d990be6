package roster

import (
	"context"
	"fmt"
	"slices"

	"kith/internal/jid"
	"kith/internal/stanza"
	"kith/server/module"
)

// Ties tells which contacts an account has for another reason than its own choice. As long as it has
// them, they stay in its roster, subscribed to each other, and in these groups.
type Ties interface {
	// Ties are the groups that tie a contact to an account, which is named by its localpart.
	Ties(account string, contact jid.JID) []string
}

// Gate holds back what an account asks of others until somebody else agrees.
type Gate interface {
	// Withdraw takes back a request of the account to a contact, inside the actor. It reports whether
	// the request was held back, so that the contact has never heard of it.
	Withdraw(a module.Account, contact jid.JID) bool
}

// Bind names who has a say in the rosters beside their owners; each may be nil. It must be called
// before anything is served.
func (r *Roster) Bind(t Ties, g Gate) { r.ties, r.gate = t, g }

// tied are the groups that tie a contact to the account.
func (r *Roster) tied(a module.Account, contact jid.JID) []string {
	if r.ties == nil || !r.isLocal(contact) {
		return nil
	}
	return r.ties.Ties(a.JID().Local(), contact)
}

// free refuses to end what is tied.
func (r *Roster) free(a module.Account, contact jid.JID) error {
	if groups := r.tied(a, contact); len(groups) > 0 {
		return stanza.Refuse(stanza.NotAllowed, fmt.Sprintf("Both of you are in the circle %s.", groups[0]))
	}
	return nil
}

func (r *Roster) withdraw(a module.Account, contact jid.JID) bool {
	return r.gate != nil && r.gate.Withdraw(a, contact)
}

// Tie makes an account and others contacts of each other, all subscribed both ways and in this group
// of their rosters, and tells their clients. All of it changes in one transaction; done twice it is as
// good as once. It is called from outside the actors.
func (r *Roster) Tie(ctx context.Context, one Friend, others []Friend, group string) error {
	tie := func(owner, other Friend) Change {
		return Change{owner.JID.Local(), other.JID, func(e *Entry) error {
			if !e.To || !e.From {
				e.Tied = true
			}
			e.settle(State{To: true, From: true})
			if e.Name == "" {
				e.Name = other.Name
			}
			if !slices.Contains(e.Groups, group) {
				e.Groups = append(slices.Clone(e.Groups), group)
			}
			return nil
		}}
	}
	changes := make([]Change, 0, 2*len(others))
	for _, o := range others {
		changes = append(changes, tie(one, o), tie(o, one))
	}
	return r.updateOutside(ctx, changes)
}

// Regrouping is a contact who is to be in another group; Keep: and stay in the old one, too.
type Regrouping struct {
	JID  jid.JID
	Keep bool
}

// Regroup puts those whom an account and others have of each other in the group from into the group to.
// Who has taken somebody out of that group is left alone. It is called like [Roster.Tie].
func (r *Roster) Regroup(ctx context.Context, one jid.JID, others []Regrouping, from, to string) error {
	regroup := func(owner, other jid.JID, keep bool) Change {
		return Change{owner.Local(), other, func(e *Entry) error {
			if !e.Listed || !slices.Contains(e.Groups, from) {
				return nil
			}
			e.Groups = slices.DeleteFunc(slices.Clone(e.Groups), func(g string) bool { return g == to || g == from && !keep })
			e.Groups = append(e.Groups, to)
			return nil
		}}
	}
	changes := make([]Change, 0, 2*len(others))
	for _, o := range others {
		changes = append(changes, regroup(one, o.JID, o.Keep), regroup(o.JID, one, o.Keep))
	}
	return r.updateOutside(ctx, changes)
}

// Parting is somebody from whom an account is parted. Last: nothing ties them any more.
type Parting struct {
	JID  jid.JID
	Last bool
}

// Untie takes an account and others out of this group of each other's rosters. Who was a contact for
// no other reason is none any more. It is called like [Roster.Tie].
func (r *Roster) Untie(ctx context.Context, one jid.JID, others []Parting, group string) error {
	untie := func(owner, other jid.JID, last bool) Change {
		return Change{owner.Local(), other, func(e *Entry) error {
			if !e.Listed {
				return nil
			}
			e.Groups = slices.DeleteFunc(slices.Clone(e.Groups), func(g string) bool { return g == group })
			if last && e.Tied {
				e.Unlist()
				e.Requested, e.Request = false, ""
			}
			return nil
		}}
	}
	changes := make([]Change, 0, 2*len(others))
	for _, o := range others {
		changes = append(changes, untie(one, o.JID, o.Last), untie(o.JID, one, o.Last))
	}
	return r.updateOutside(ctx, changes)
}

// updateOutside makes changes from outside the actors and lets those see them that are loaded.
func (r *Roster) updateOutside(ctx context.Context, changes []Change) error {
	if len(changes) == 0 {
		return nil
	}
	if _, err := r.store.UpdateRosters(ctx, changes); err != nil {
		return err
	}
	told := map[string]bool{}
	for _, c := range changes {
		if !told[c.Account] {
			told[c.Account] = true
			r.stir(c.Account)
		}
	}
	return nil
}

// Await notes inside the actor that the account has asked a contact, who is not told.
func (r *Roster) Await(a module.Account, contact jid.JID) error {
	contact = contact.Clone()
	if err := r.room(a, contact); err != nil {
		return err
	}
	_, err := r.update(a, Change{a.JID().Local(), contact, func(e *Entry) error {
		s, _ := e.Send(stanza.Subscribe)
		e.settle(s)
		return nil
	}})
	return err
}

// Relations gives take the contacts of an account with whom there is a subscription in one direction or
// both, the requests of others that it has not answered, and its own that were not answered. When take
// succeeds, those of others are taken out of the roster. It is called from outside the actors.
func (r *Roster) Relations(ctx context.Context, account string, take func(contacts []jid.JID, in []*stanza.Stanza, out []jid.JID) error) error {
	s, err := r.store.Roster(ctx, account)
	if err != nil {
		return err
	}
	var (
		contacts, out []jid.JID
		in            []*stanza.Stanza
		changes       []Change
	)
	for _, e := range s.Entries {
		if e.To || e.From {
			contacts = append(contacts, e.Contact)
			continue
		}
		if e.Asked {
			out = append(out, e.Contact)
		}
		if !e.Requested {
			continue
		}
		if st, err := stanza.Parse(e.Request); err == nil {
			in = append(in, st)
		}
		changes = append(changes, Change{account, e.Contact, func(e *Entry) error {
			e.Requested, e.Request = false, ""
			return nil
		}})
	}
	if err := take(contacts, in, out); err != nil {
		return err
	}
	return r.updateOutside(ctx, changes)
}
