package muc

import (
	"crypto/rand"
	"strings"
	"time"

	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/internal/xmltree"
)

const (
	// maxInvites is how many people one message may invite, and invitesPerHour how many one user who
	// is no admin may invite to a room in an hour.
	maxInvites     = 50
	invitesPerHour = 100
	// maxInvited bounds how many invitations are remembered.
	maxInvited = 256
)

// invitations are those that were sent lately, to bring back the errors that they cause; and how many each
// user has sent since.
type invitations struct {
	byID  map[string]invitation
	order []string
	count map[jid.JID]int
	since time.Time
}

// invitation is one that the room mediates (XEP-0045 section 7.8.2).
type invitation struct {
	// to is whom it is for, from who invites.
	to, from jid.JID
	reason   string
	// thread is set if the room continues a conversation of two (section 7.9).
	continues bool
	thread    string
	// asker and id are the client that sent it and the id under which it did so; zero for none.
	asker jid.JID
	id    string
}

// invite passes invitations on.
func (r *Room) invite(st *stanza.Stanza, x xmltree.Element) error {
	user := st.From.Bare()
	by := r.standingOf(user)
	switch {
	case r.locked:
		return stanza.Refuse(stanza.ItemNotFound, "The room is not ready yet.")
	case !r.present(user) && by.affiliation < Member:
		return stanza.Refuse(stanza.NotAcceptable, "You are not in the room.")
	case r.config.MembersOnly && by.affiliation < Admin && (!r.config.Invites || by.affiliation < Member):
		return stanza.Refuse(stanza.Forbidden, "Only admins may invite people to this room.")
	case !r.s.policy.MayInvite(user):
		return stanza.Refuse(stanza.Forbidden, "You may not invite people.")
	}
	var all []invitation
	var joining []Entry
	for c := range x.Children() {
		if !c.Is(ns.MUCUser, "invite") {
			continue
		}
		to, err := jid.Parse(c.Attr("to"))
		if err != nil || to.Local() == "" || to.Domain() == r.s.jid.Domain() {
			return &stanza.Fault{Condition: stanza.JIDMalformed, Text: "An invitation needs the address of a person.", Cause: err}
		}
		i := invitation{to: to.Clone(), from: user.Clone(), reason: clip(c.ChildText(ns.MUCUser, "reason")), asker: st.From.Clone(), id: strings.Clone(st.ID)}
		if e := c.Child(ns.MUCUser, "continue"); !e.IsZero() {
			i.continues, i.thread = true, clip(e.Attr("thread"))
		}
		switch a := r.members.of(i.to.Bare()); {
		case a == Outcast:
			return stanza.Refuse(stanza.Forbidden, "Who is banned cannot be invited.")
		case a == Unaffiliated && r.config.MembersOnly:
			joining = append(joining, Entry{JID: i.to.Bare(), Affiliation: Member})
		}
		all = append(all, i)
	}
	if len(all) > maxInvites || by.affiliation < Admin && !r.invites.spend(user, len(all), r.now()) {
		return &stanza.Fault{Condition: stanza.ResourceConstraint, Text: "Too many invitations at once."}
	}
	if err := r.checkMembers(joining); err != nil {
		return err
	}
	// Section 9.5: who is invited to a room for members becomes one.
	if err := r.saveEntries(joining); err != nil {
		return err
	}
	for _, e := range joining {
		if r.members.set(e); !r.reconsider(change{}) {
			r.tellAffiliation(e)
		}
	}
	for _, i := range all {
		r.sendInvitation(i)
	}
	return nil
}

// spend counts invitations of a user; false if there are too many.
func (v *invitations) spend(user jid.JID, n int, now time.Time) bool {
	if v.count == nil || now.Sub(v.since) > time.Hour {
		v.count, v.since = map[jid.JID]int{}, now
	}
	if v.count[user]+n > invitesPerHour {
		return false
	}
	v.count[user.Clone()] += n
	return true
}

// sendInvitation invites somebody. Whoever may not talk to them says nothing along with it, unless they have to be
// let in by somebody first, who then has to know why (see [Policy]).
func (r *Room) sendInvitation(i invitation) {
	if to := i.to.Bare(); !r.s.policy.MayTalk(i.from, to) && r.s.policy.MayJoin(to, r.view()) {
		i.reason, i.continues, i.thread = "", false, ""
	}
	id := rand.Text()
	r.invites.remember(id, i)
	h := stanza.Header{Kind: stanza.Message, ID: id, From: r.jid, To: i.to}
	r.send(stanza.Build(h, func(w *xmltree.Writer) {
		w.Open(ns.MUCUser, "x")
		w.Open("", "invite", "from", i.from.String())
		if i.reason != "" {
			w.Element("", "reason", i.reason)
		}
		if i.continues {
			w.Empty("", "continue", "thread", i.thread)
		}
		w.Close()
		if r.config.Password != "" {
			w.Element("", "password", r.config.Password)
		}
		w.Close()
	}))
}

func (v *invitations) remember(id string, i invitation) {
	if i.asker.IsZero() {
		return
	}
	if v.byID == nil {
		v.byID = map[string]invitation{}
	}
	if len(v.order) >= maxInvited {
		delete(v.byID, v.order[0])
		v.order = v.order[1:]
	}
	v.byID[id] = i
	v.order = append(v.order, id)
}

// inviteFailed tells who invited somebody that there is nobody at this address (section 7.8.2). It reports
// whether the message that came back was an invitation.
func (r *Room) inviteFailed(st *stanza.Stanza) bool {
	i, ok := r.invites.byID[st.ID]
	if !ok || !st.To.IsBare() || st.From.Bare() != i.to.Bare() {
		return false
	}
	delete(r.invites.byID, st.ID)
	f := stanza.Refuse(stanza.ItemNotFound, "The invitation of "+i.to.String()+" could not be delivered.")
	r.send(stanza.Build(stanza.Header{Kind: stanza.Message, Type: stanza.Error, ID: i.id, From: r.jid, To: i.asker}, f.Write))
	return true
}

// decline passes on that somebody does not want to come (section 7.8.2). It reaches only those who belong to
// the room or are in it, so that nobody can write to others in the name of a room.
func (r *Room) decline(st *stanza.Stanza, d xmltree.Element) error {
	to, err := jid.Parse(d.Attr("to"))
	if err != nil {
		return &stanza.Fault{Condition: stanza.JIDMalformed, Cause: err}
	}
	var recipients []jid.JID
	inviter := to.Bare()
	if to.Bare() == r.jid {
		if occ := r.named(to.Resource()); occ != nil {
			inviter = occ.user
			for _, s := range occ.sessions {
				recipients = append(recipients, s.jid)
			}
		}
	} else if r.present(to.Bare()) || r.members.of(to.Bare()) >= Member {
		recipients = []jid.JID{to}
	}
	user := st.From.Bare()
	switch {
	case len(recipients) == 0:
		return stanza.Refuse(stanza.ItemNotFound, "Nobody of this address belongs to the room.")
	case r.members.of(user) == Outcast, r.config.MembersOnly && r.members.of(user) < Member:
		return stanza.Refuse(stanza.Forbidden, "You were not invited to this room.")
	case !r.s.policy.MayTalk(user, inviter):
		return stanza.Refuse(stanza.Forbidden, "You may not write to this person alone.")
	case !r.invites.spend(user, 1, r.now()):
		return &stanza.Fault{Condition: stanza.ResourceConstraint, Text: "Too many answers at once."}
	}
	reason := clip(d.ChildText(ns.MUCUser, "reason"))
	for _, j := range recipients {
		h := stanza.Header{Kind: stanza.Message, ID: st.ID, From: r.jid, To: j}
		r.send(stanza.Build(h, func(w *xmltree.Writer) {
			w.Open(ns.MUCUser, "x")
			if reason == "" {
				w.Empty("", "decline", "from", user.String())
			} else {
				w.Open("", "decline", "from", user.String()).Element("", "reason", reason).Close()
			}
			w.Close()
		}))
	}
	return nil
}
