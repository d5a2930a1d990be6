package muc

import (
	"slices"
	"strings"

	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/internal/xmltree"
	"kith/server/module"
)

// item is one change that somebody asks for (XEP-0045 section 18.4): of the role of an occupant, or of an
// affiliation.
type item struct {
	// occ and role, or entry; nickSet if the reserved nickname shall change, too.
	occ     *occupant
	role    Role
	entry   Entry
	nickSet bool
	reason  string
}

// administer takes changes of roles and affiliations: all of them, or none (section 9.2).
func (r *Room) administer(q *module.IQ) error {
	by := q.From().Bare()
	var roles, affiliations []item
	for e := range q.Payload.Children() {
		if !e.Is(nsAdmin, "item") {
			continue
		}
		it, err := r.readItem(e)
		switch {
		case err != nil:
			return err
		case it.occ != nil && slices.ContainsFunc(roles, func(o item) bool { return o.occ == it.occ }):
			// Who is sent out by the one is not here for the other.
			return stanza.Refuse(stanza.BadRequest, "One occupant cannot be changed twice at once.")
		case it.occ != nil:
			roles = append(roles, it)
		default:
			affiliations = append(affiliations, it)
		}
	}
	if len(roles)+len(affiliations) == 0 {
		return stanza.Refuse(stanza.BadRequest, "There is nothing to change.")
	}
	for _, it := range roles {
		if err := r.checkRoleOf(by, it); err != nil {
			return err
		}
	}
	changed, err := r.checkItems(by, affiliations)
	if err != nil {
		return err
	}
	if err := r.saveChanges(changed, func(e Entry) bool {
		return e.Affiliation == Unaffiliated && e.JID != by && r.members.of(e.JID) >= Member
	}); err != nil {
		return err
	}
	actor := r.actor(q.From())
	answered := false
	answer := func() {
		if !answered {
			answered = true
			q.Result(nil)
		}
	}
	for i, it := range roles {
		last := i == len(roles)-1 && len(changed) == 0
		r.setRole(it, actor, func() {
			if last {
				answer()
			}
		})
	}
	for i, e := range changed {
		c := change{actor: actor, reason: affiliations[i].reason}
		if i == len(changed)-1 {
			c.between = answer
		}
		r.affiliate(e, c, by)
	}
	answer()
	return nil
}

// actor is how the room names who did something: by the nickname, if it has one.
func (r *Room) actor(j jid.JID) string {
	if s := r.session(j); s != nil {
		return s.occ.nick
	}
	if occs := r.byUser[j.Bare()]; len(occs) > 0 {
		return occs[0].nick
	}
	return ""
}

func (r *Room) readItem(e xmltree.Element) (item, error) {
	it := item{reason: clip(e.ChildText(nsAdmin, "reason"))}
	affiliation, hasAffiliation := e.LookupAttr("", "affiliation")
	role, hasRole := e.LookupAttr("", "role")
	nick, hasNick := e.LookupAttr("", "nick")
	if hasAffiliation == hasRole {
		return it, stanza.Refuse(stanza.BadRequest, "An item changes either a role or an affiliation.")
	}
	if hasRole {
		var ok bool
		if it.role, ok = parseRole(role); !ok || !hasNick {
			return it, stanza.Refuse(stanza.BadRequest, "A change of a role needs the role and a nickname.")
		}
		if it.occ = r.named(nick); it.occ == nil {
			return it, stanza.Refuse(stanza.ItemNotFound, "Nobody in the room has this nickname.")
		}
		return it, nil
	}
	a, ok := ParseAffiliation(affiliation)
	if !ok {
		return it, stanza.Refuse(stanza.BadRequest, "There is no such affiliation.")
	}
	user, err := r.readUser(e.Attr("jid"), nick)
	if err != nil {
		return it, err
	}
	it.entry = r.members.entry(user)
	it.entry.Affiliation, it.entry.Reason = a, ""
	if a == Outcast {
		it.entry.Reason, it.entry.Nick = it.reason, ""
	}
	if hasNick && a > Unaffiliated && e.Attr("jid") != "" {
		it.entry.Nick, it.nickSet = strings.Clone(nick), true
	}
	return it, nil
}

// readUser finds whom an item is about: a user or a domain, or without an address an occupant.
func (r *Room) readUser(address, nick string) (jid.JID, error) {
	if address == "" {
		if occ := r.named(nick); occ != nil {
			return occ.user, nil
		}
		return jid.JID{}, stanza.Refuse(stanza.BadRequest, "A change of an affiliation needs an address.")
	}
	j, err := jid.Parse(address)
	if err != nil {
		return jid.JID{}, &stanza.Fault{Condition: stanza.JIDMalformed, Cause: err}
	}
	if j = j.Bare().Clone(); j.Domain() == r.s.jid.Domain() {
		return jid.JID{}, stanza.Refuse(stanza.NotAcceptable, "A room cannot belong to a room.")
	}
	return j, nil
}

// checkItems decides about changes of affiliations, and gives the entries that come of them, one for each.
func (r *Room) checkItems(by jid.JID, items []item) ([]Entry, error) {
	rank := r.members.of(by)
	seen := map[jid.JID]bool{}
	changed := make([]Entry, 0, len(items))
	owners := r.members.owners()
	for _, it := range items {
		e := it.entry
		if seen[e.JID] {
			return nil, stanza.Refuse(stanza.BadRequest, "One address cannot be changed twice at once.")
		}
		seen[e.JID] = true
		before := r.members.entry(e.JID).Affiliation
		if err := checkAffiliation(rank, before, e.Affiliation, e.JID == by); err != nil {
			return nil, err
		}
		if it.nickSet && rank < Owner && before >= Admin && e.JID != by {
			return nil, stanza.Refuse(stanza.Forbidden, "Only owners may do this.")
		}
		if e.JID.Local() == "" && e.Affiliation >= Admin {
			return nil, stanza.Refuse(stanza.NotAcceptable, "A whole domain cannot administer a room.")
		}
		if before == Owner && e.Affiliation != Owner {
			owners--
		} else if before != Owner && e.Affiliation == Owner {
			owners++
		}
		if it.nickSet && e.Nick != "" {
			key, err := r.checkNick(e.Nick)
			if err != nil {
				return nil, err
			}
			if j := r.members.reservedFor(key); !j.IsZero() && j != e.JID {
				return nil, stanza.Refuse(stanza.Conflict, "This nickname is reserved for somebody else.")
			}
		}
		changed = append(changed, e)
	}
	if owners == 0 {
		return nil, stanza.Refuse(stanza.Conflict, "A room needs an owner.")
	}
	return changed, r.checkMembers(changed)
}

// checkMembers bounds how many users a room lists.
func (r *Room) checkMembers(changed []Entry) error {
	n := len(r.members.byJID)
	for _, e := range changed {
		switch known := r.members.byJID[e.JID] != nil; {
		case e.Affiliation == Unaffiliated && known:
			n--
		case e.Affiliation != Unaffiliated && !known:
			n++
		}
	}
	if n > r.s.config.MaxMembers && n > len(r.members.byJID) {
		return stanza.Refuse(stanza.ResourceConstraint, "The room lists too many people.")
	}
	return nil
}

// saveEntries makes changes of affiliations durable. Those of a room that is not made yet are when it is.
func (r *Room) saveEntries(changed []Entry) error {
	return r.saveChanges(changed, func(Entry) bool { return false })
}

// saveChanges is saveEntries where some may have been sent out.
func (r *Room) saveChanges(changed []Entry, sentOut func(Entry) bool) error {
	if r.locked || len(changed) == 0 {
		return nil
	}
	if next, differ := r.links.at(r.now()).after(changed, sentOut); differ {
		if err := r.s.store.SaveLinks(bg, r.jid.Local(), next, changed); err != nil {
			return err
		}
		r.links = next
		return nil
	}
	return r.s.store.SaveEntries(bg, r.jid.Local(), changed)
}

// change says what is behind a change of affiliations.
type change struct {
	actor, reason string
	// codes are for those who have to leave because they do not belong here any more.
	codes []int
	// between, which may be nil, is called after those were told who have to leave, before the others are.
	between func()
}

// affiliate puts a change of an affiliation into effect that is durable (sections 9.1 to 9.5, 10.3 to 10.8).
func (r *Room) affiliate(e Entry, c change, by jid.JID) {
	before := r.members.of(e.JID)
	r.members.set(e)
	if c.codes == nil {
		c.codes = []int{codeNoMember}
	}
	here := r.reconsider(c)
	if here || e.Affiliation == before {
		return
	}
	r.tellAffiliation(e)
	if r.config.MembersOnly && before == Unaffiliated && e.Affiliation >= Member && e.JID.Local() != "" && !r.locked {
		// Section 9.5: who may enter from now on is told.
		r.sendInvitation(invitation{to: e.JID, from: by, reason: c.reason})
	}
}

// reconsider looks at all occupants after affiliations or the configuration have changed: who has to leave
// leaves, and whoever's standing is another one is shown with it. It reports whether that concerned
// anybody.
func (r *Room) reconsider(c change) bool {
	var leaving, staying []*occupant
	for _, occ := range r.inOrder() {
		now := r.members.of(occ.user)
		switch {
		case now == Outcast, r.config.MembersOnly && now < Member && !r.locked, !r.s.policy.MayJoin(occ.user, r.view()):
			leaving = append(leaving, occ)
		case now != occ.affiliation:
			staying = append(staying, occ)
		}
	}
	notices := make([]notice, 0, len(leaving))
	for _, occ := range leaving {
		occ.affiliation = r.members.of(occ.user)
		codes := c.codes
		if occ.affiliation == Outcast {
			codes = []int{codeBanned}
		}
		n := r.gone(occ, occ.sessions, codes...)
		n.actor, n.reason = c.actor, c.reason
		notices = append(notices, n)
		// They are out before anything is said about the others: the room may just have begun to tell
		// its members who they are.
		r.takeOut(occ, n)
	}
	if c.between != nil && len(leaving)+len(staying) > 0 {
		c.between()
	}
	for _, n := range notices {
		r.tellOthers(n)
	}
	for _, occ := range staying {
		before := occ.standing
		occ.affiliation = r.members.of(occ.user)
		occ.role = roleAfter(before.role, before.affiliation, occ.affiliation, r.config.Moderated)
		r.update(occ, before.role, c.actor, c.reason)
	}
	return len(leaving)+len(staying) > 0
}

// tellAffiliation tells those who may know it of an affiliation of somebody who is not here (sections 10.3
// and 10.6). It belongs into no archive.
func (r *Room) tellAffiliation(e Entry) {
	st := stanza.Build(stanza.Header{Kind: stanza.Message, From: r.jid}, func(w *xmltree.Writer) {
		w.Open(ns.MUCUser, "x")
		w.Empty("", "item", "affiliation", e.Affiliation.String(), "jid", e.JID.String(), "role", "none")
		w.Close()
		w.Empty(ns.Hints, "no-store")
	})
	to := r.everybody()
	r.later(func() {
		for _, s := range to {
			if r.seesJIDs(s.occ) {
				r.deliver(s, st)
			}
		}
	})
}

// forgetUser removes a user from everything that the room remembers.
func (r *Room) forgetUser(user jid.JID) error {
	if len(r.hats.Worn[user.String()]) > 0 {
		if err := r.wear(user, nil); err != nil {
			return err
		}
	}
	was := r.members.entry(user)
	if was.Affiliation == Unaffiliated {
		return nil
	}
	gone := Entry{JID: user}
	changed := []Entry{gone}
	if was.Affiliation == Owner && r.members.owners() == 1 {
		heir := r.heir(user)
		if heir.JID.IsZero() {
			return r.destroy(destruction{})
		}
		heir.Affiliation = Owner
		changed = append(changed, heir)
	}
	if err := r.s.store.SaveEntries(bg, r.jid.Local(), changed); err != nil {
		return err
	}
	for _, e := range changed {
		r.affiliate(e, change{}, r.jid)
	}
	return nil
}

// heir is who owns a room after its last owner: an admin, or else a member, of this server rather than of
// another, the first by address.
func (r *Room) heir(except jid.JID) Entry {
	for _, a := range []Affiliation{Admin, Member} {
		users := r.withAffiliation(a)
		slices.SortStableFunc(users, func(x, y jid.JID) int {
			switch lx, ly := r.isLocal(x), r.isLocal(y); {
			case lx == ly:
				return 0
			case lx:
				return -1
			}
			return 1
		})
		for _, j := range users {
			if j != except && j.Local() != "" {
				return r.members.entry(j)
			}
		}
	}
	return Entry{}
}
