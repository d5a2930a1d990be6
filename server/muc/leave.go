package muc

import (
	"kith/internal/jid"
	"kith/internal/stanza"
	"kith/internal/xmltree"
)

// leave lets a client go that said so (XEP-0045 section 7.14).
func (r *Room) leave(s *session, st *stanza.Stanza) {
	body := ""
	if st != nil {
		// Section 7.14: a custom message on leaving.
		body = r.content(st)
	}
	n := r.gone(s.occ, []*session{s})
	n.body = body
	r.remove(s, n)
}

// ghost removes a client that cannot be reached (section 11.1).
func (r *Room) ghost(s *session) {
	r.s.counters.Ghosts.Inc()
	r.remove(s, r.gone(s.occ, []*session{s}, codeGhost))
}

// remove takes one client out of the room. n is what it and, if it was the last of the occupant, the
// others are told.
func (r *Room) remove(s *session, n notice) {
	occ := s.occ
	if len(occ.sessions) == 1 {
		r.expel(occ, n, func() {})
		return
	}
	shown := occ.primary()
	r.cut(s)
	r.tellSelf(n)
	r.removeSession(s)
	if occ.primary() != shown {
		r.show(occ, nil)
	}
}

// expel takes an occupant out of the room, with all its clients. between is called after it was told and
// before the others are.
func (r *Room) expel(occ *occupant, n notice, between func()) {
	r.takeOut(occ, n)
	between()
	r.tellOthers(n)
}

// takeOut takes an occupant out of the room and tells it so.
func (r *Room) takeOut(occ *occupant, n notice) {
	for _, s := range occ.sessions {
		r.cut(s)
	}
	n.self = occ.sessions
	r.tellSelf(n)
	for _, s := range n.self {
		r.removeSession(s)
	}
	r.removeOccupant(occ)
}

// unreachable reports whether an error says that its sender is not there any more (section 17.1.2).
func unreachable(st *stanza.Stanza) bool {
	switch st.ReadFault().Condition {
	case stanza.Gone, stanza.ItemNotFound, stanza.RecipientUnavailable, stanza.Redirect,
		stanza.RemoteServerNotFound, stanza.RemoteServerTimeout, stanza.ServiceUnavailable:
		return true
	default:
		return false
	}
}

// destruction says how a room ends (section 10.9).
type destruction struct {
	// venue is where to go instead, "" for nowhere.
	venue, password, reason string
}

// destroy ends the room.
func (r *Room) destroy(d destruction) error {
	if !r.locked {
		if err := r.s.store.DestroyRoom(bg, r.jid.Local(), r.jid.String()); err != nil {
			return err
		}
	}
	w := xmltree.NewWriter(128)
	w.Open("", "destroy", "jid", d.venue)
	if d.password != "" {
		w.Element("", "password", d.password)
	}
	if d.reason != "" {
		w.Element("", "reason", d.reason)
	}
	w.Close()
	for _, s := range r.sessions {
		r.cut(s)
		n := r.gone(s.occ, []*session{s})
		n.affiliation, n.extra = Unaffiliated, w.String()
		r.tellSelf(n)
	}
	r.end()
	return nil
}

// shutDown tells everybody that the service ends for now (section 11.2).
func (r *Room) shutDown() {
	for _, s := range r.sessions {
		r.cut(s)
		r.tellSelf(r.gone(s.occ, []*session{s}, codeShutdown))
	}
	r.closing = true
}

// purge forgets a user whose account was removed.
func (r *Room) purge(user jid.JID) error {
	if !r.exists {
		return nil
	}
	return r.forgetUser(user)
}
