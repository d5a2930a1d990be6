package muc

import (
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"slices"
	"strings"

	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/internal/xmltree"
)

// presence takes available presence: of somebody who enters, of an occupant who changes nickname or
// availability, or of a client that believes to be here and is not.
func (r *Room) presence(st *stanza.Stanza) {
	x := st.Child(ns.MUC, "x")
	s := r.session(st.From)
	var err error
	switch {
	case s == nil && x.IsZero():
		r.send(r.notHere(st))
		return
	case s == nil:
		err = r.join(st, x)
	case st.To.Resource() != s.occ.nick:
		err = r.rename(s, st, x)
	case !x.IsZero():
		r.rejoin(s, st, x)
	default:
		r.changePresence(s, st)
	}
	if err != nil {
		r.refuseJoin(st, err)
	}
}

// refuseJoin answers who did not get in (XEP-0045 section 7.2.16).
func (r *Room) refuseJoin(st *stanza.Stanza, err error) {
	f := stanza.AsFault(err)
	if f.Condition == stanza.InternalServerError {
		r.s.logError("entering a room failed", f.Cause)
	}
	h := stanza.Header{Kind: stanza.Presence, Type: stanza.Error, ID: st.ID, From: st.To, To: st.From}
	r.send(stanza.Build(h, func(w *xmltree.Writer) {
		w.Empty(ns.MUC, "x")
		f.Write(w)
	}))
}

// notHere tells a client that it is not in the room, as it seems to believe (section 7.2.17).
func (r *Room) notHere(st *stanza.Stanza) *stanza.Stanza {
	h := stanza.Header{Kind: stanza.Presence, Type: stanza.Unavailable, ID: st.ID, From: st.To, To: st.From}
	return stanza.Build(h, func(w *xmltree.Writer) {
		w.Open(ns.MUCUser, "x")
		w.Open("", "item", "affiliation", "none", "role", "none").Element("", "reason", "You are not in the room.").Close()
		writeCodes(w, []int{codeSelf, codeKicked, codeGhost})
		w.Close()
	})
}

// join lets somebody in (section 7.2).
func (r *Room) join(st *stanza.Stanza, x xmltree.Element) error {
	if st.From.IsBare() || st.From.Local() == "" {
		return stanza.Refuse(stanza.NotAllowed, "Only clients can enter a room.")
	}
	key, err := r.checkNick(st.To.Resource())
	if err != nil {
		return err
	}
	user := st.From.Clone().Bare()
	made := !r.exists
	if made {
		if err := r.create(user); err != nil {
			return err
		}
	}
	link, err := r.admit(user, key, x)
	if err == nil && link >= 0 {
		err = r.follow(link, user)
	}
	if err != nil {
		if made {
			r.end()
		}
		return err
	}
	occ := r.byNick[key]
	fresh := occ == nil
	if fresh {
		occ = r.newOccupant(user, st.To.Clone(), key)
		r.addOccupant(occ)
	}
	s := &session{jid: st.From.Clone(), occ: occ, presence: r.content(st), rank: rank(st)}
	var shown *session
	if !fresh {
		shown = occ.primary()
	}
	r.addSession(s)
	occ.changed()
	r.visited = true
	codes := []int(nil)
	if r.config.NonAnonymous {
		codes = append(codes, codeNonAnonymous)
	}
	if made {
		codes = append(codes, codeCreated)
	}
	if occ.nick != st.To.Resource() {
		codes = append(codes, codeNewNick)
	}
	if occ.primary() != shown {
		r.show(occ, s)
	}
	r.welcome(s, st.ID, codes, x)
	if made {
		r.waitForConfig()
	}
	return nil
}

func (r *Room) newOccupant(user, address jid.JID, key string) *occupant {
	occ := &occupant{nick: address.Resource(), key: key, jid: address, user: user, id: r.occupantID(user)}
	occ.affiliation = r.members.of(user)
	occ.role = defaultRole(occ.affiliation, r.config.Moderated)
	if v, ok := r.voices.lookup(user); ok && r.config.Moderated && occ.role < Moderator {
		// Section 5.1: what a moderator decided about somebody's voice lasts beyond the visit.
		occ.role = v
	}
	return occ
}

// admit decides whether a user may enter with a nickname. link is the position of the link that made it possible,
// -1 for none.
func (r *Room) admit(user jid.JID, key string, x xmltree.Element) (link int, err error) {
	link = -1
	affiliation := r.members.of(user)
	switch {
	case r.locked && affiliation != Owner:
		return -1, stanza.Refuse(stanza.ItemNotFound, "The room is not ready yet.")
	case affiliation == Outcast:
		return -1, stanza.Refuse(stanza.Forbidden, "You are banned from this room.")
	case r.config.MembersOnly && affiliation < Member:
		if link, err = r.opened(user, password(x)); err != nil {
			return -1, err
		}
	case r.config.Password != "" && affiliation != Owner && !equal(password(x), r.config.Password):
		return -1, stanza.Refuse(stanza.NotAuthorized, "This room needs a password.")
	}
	if err := r.checkFree(user, key); err != nil {
		return -1, err
	}
	limit := r.s.config.MaxOccupants
	if n := r.config.MaxUsers; n > 0 {
		limit = min(limit, n)
	}
	if affiliation >= Admin {
		// Section 7.2.9: nobody can keep the admins out by filling the room.
		limit += max(10, limit/10)
	}
	if len(r.sessions) >= limit {
		return -1, &stanza.Fault{Condition: stanza.ServiceUnavailable, Kind: "wait", Text: "The room is full."}
	}
	return link, nil
}

// checkFree decides whether a user may have a nickname (section 7.2.8).
func (r *Room) checkFree(user jid.JID, key string) error {
	if occ := r.byNick[key]; occ != nil && occ.user != user {
		return stanza.Refuse(stanza.Conflict, "Somebody else has this nickname.")
	}
	if j := r.members.reservedFor(key); !j.IsZero() && j != user {
		return stanza.Refuse(stanza.Conflict, "This nickname is reserved for somebody else.")
	}
	return nil
}

func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// create makes a room that waits for its maker to configure it (section 10.1).
func (r *Room) create(user jid.JID) error {
	refused := stanza.Refuse(stanza.NotAllowed, "You may not make rooms here.")
	switch {
	case !r.isLocal(user), !r.s.policy.MayCreate(user):
		return refused
	case r.s.config.Create == CreateAdmins && !r.s.policy.Admin(user):
		return refused
	}
	if err := r.checkOwned(user); err != nil {
		return err
	}
	r.open(&State{
		Local: r.jid.Local(), Config: newRoomConfig(r.s.config), Salt: newSalt(), Last: r.last,
		Entries: []Entry{{JID: user, Affiliation: Owner}},
	})
	r.locked = true
	return nil
}

// newSalt is what the occupant ids of a new room are made from.
func newSalt() []byte {
	salt := make([]byte, 32)
	_, _ = rand.Read(salt) // never fails
	return salt
}

// checkOwned decides whether somebody may own one room more.
func (r *Room) checkOwned(user jid.JID) error {
	if r.s.policy.Admin(user) {
		return nil
	}
	n, err := r.s.store.Owned(bg, user)
	if err != nil {
		return stanza.Internal(err)
	}
	if n >= r.s.config.MaxRooms {
		return tooManyRooms()
	}
	return nil
}

func tooManyRooms() error { return stanza.Refuse(stanza.ResourceConstraint, "You own too many rooms.") }

// waitForConfig bounds how long the room stays locked.
func (r *Room) waitForConfig() {
	r.stopLock = r.s.after(r.s.config.ConfigureTime, r, func(r *Room) {
		if !r.locked {
			return
		}
		maker := r.withAffiliation(Owner)
		err := r.unlock(maker[0], r.config, nil)
		if errors.Is(err, ErrTooMany) {
			// There were fewer when it was begun.
			err = r.destroy(destruction{reason: "You own too many rooms."})
		}
		if err != nil {
			r.s.logError("making a room failed", err)
		}
	})
}

// unlock makes the room known to the database, with this configuration and these changes of
// affiliations, and lets others in.
func (r *Room) unlock(maker jid.JID, c RoomConfig, changed []Entry) error {
	m := newMembers(nil)
	for _, e := range r.members.byJID {
		m.set(*e)
	}
	for _, e := range changed {
		m.set(e)
	}
	st := &State{Local: r.jid.Local(), Config: c, Salt: r.salt, Subject: r.subject, Hats: r.hats, Maker: maker}
	if !r.s.policy.Admin(maker) {
		st.MaxOwned = r.s.config.MaxRooms
	}
	for _, e := range m.byJID {
		st.Entries = append(st.Entries, *e)
	}
	if err := r.s.store.CreateRoom(bg, st, r.jid.String()); err != nil {
		return err
	}
	r.locked = false
	r.archive, r.archived = st.Archive, st.Archived
	r.last = max(r.last, st.Last)
	if r.stopLock != nil {
		r.stopLock()
		r.stopLock = nil
	}
	return nil
}

// rejoin sends a client that has lost track everything again (section 18.3).
func (r *Room) rejoin(s *session, st *stanza.Stanza, x xmltree.Element) {
	r.take(s, st, false)
	var codes []int
	if r.config.NonAnonymous {
		codes = append(codes, codeNonAnonymous)
	}
	r.welcome(s, st.ID, codes, x)
}

// changePresence passes on the availability of an occupant (section 7.7).
func (r *Room) changePresence(s *session, st *stanza.Stanza) { r.take(s, st, true) }

// take notes the presence of a client and passes it on if it stands for the occupant.
func (r *Room) take(s *session, st *stanza.Stanza, answer bool) {
	occ := s.occ
	before := r.state(occ)
	s.presence, s.rank = r.content(st), rank(st)
	occ.changed()
	n := r.state(occ)
	if n.body != before.body || n.who != before.who {
		r.tellOthers(n)
	}
	if !answer {
		return
	}
	if n.who == s.jid {
		n.self = append([]*session{s}, slices.DeleteFunc(slices.Clone(n.self), func(o *session) bool { return o == s })...)
	} else {
		// Others see another client of the user; this one sees itself.
		n.who, n.body, n.self = s.jid, s.presence, []*session{s}
	}
	n.id = st.ID
	r.tellSelf(n)
}

// welcome sends a client everything that it gets when it enters, in the order of section 7.1.
func (r *Room) welcome(s *session, id string, codes []int, x xmltree.Element) {
	r.introduce(s)
	n := r.state(s.occ)
	n.who, n.body = s.jid, s.presence
	n.self, n.selfCodes, n.id = []*session{s}, codes, id
	r.tellSelf(n)
	r.sendHistory(s, readHistoryRequest(x, r.now()))
	r.sendSubject(s)
	r.sendAvatar(s)
}

// rename gives a client another nickname (section 7.6).
func (r *Room) rename(s *session, st *stanza.Stanza, x xmltree.Element) error {
	key, err := r.checkNick(st.To.Resource())
	if err != nil {
		return err
	}
	old := s.occ
	if err := r.checkFree(old.user, key); err != nil {
		return err
	}
	target := r.byNick[key]
	if target == old {
		target = nil // it is only written otherwise
	}
	alone := len(old.sessions) == 1
	shown := old.primary()
	nick := strings.Clone(st.To.Resource())

	leaving := r.gone(old, []*session{s}, codeNick)
	leaving.role, leaving.nick = old.role, nick
	r.tellSelf(leaving)
	if alone {
		r.tellOthers(leaving)
	}
	old.drop(s)
	if alone {
		r.removeOccupant(old)
	} else if old.key == key {
		// Two clients cannot have nicknames that are the same but for their writing: all take the new.
		return r.renameAll(s, old, st.To.Clone(), st, x)
	} else if old.primary() != shown {
		r.show(old, nil)
	}
	var before *session
	if target == nil {
		target = &occupant{nick: nick, key: key, jid: st.To.Clone(), user: old.user, id: old.id, standing: old.standing}
		r.addOccupant(target)
	} else {
		before = target.primary()
	}
	s.occ, s.presence, s.rank = target, r.content(st), rank(st)
	target.sessions = append(target.sessions, s)
	target.changed()
	r.arrived(s, before, st, x)
	return nil
}

// renameAll gives all clients of an occupant a new way of writing its nickname. s has left it already.
func (r *Room) renameAll(s *session, old *occupant, address jid.JID, st *stanza.Stanza, x xmltree.Element) error {
	leaving := r.gone(old, old.sessions, codeNick)
	leaving.role, leaving.nick = old.role, address.Resource()
	r.tellSelf(leaving)
	leaving.self = append(slices.Clone(leaving.self), s)
	r.tellOthers(leaving)
	r.removeOccupant(old)
	now := &occupant{nick: address.Resource(), key: old.key, jid: address, user: old.user, id: old.id, standing: old.standing}
	now.sessions = append(slices.Clone(old.sessions), s)
	for _, o := range now.sessions {
		o.occ = now
	}
	s.presence, s.rank = r.content(st), rank(st)
	r.addOccupant(now)
	r.arrived(s, nil, st, x)
	return nil
}

// arrived shows an occupant that a client came to with a new nickname. before is the client that stood for
// it, nil if it is new.
func (r *Room) arrived(s *session, before *session, st *stanza.Stanza, x xmltree.Element) {
	n := r.state(s.occ)
	if before != n.occ.primary() {
		r.tellOthers(n)
	}
	if !x.IsZero() {
		r.welcome(s, st.ID, nil, x)
		return
	}
	n.id = st.ID
	n.self = append([]*session{s}, slices.DeleteFunc(slices.Clone(n.self), func(o *session) bool { return o == s })...)
	r.tellSelf(n)
}
