package muc

import (
	"slices"
	"strconv"
	"strings"

	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/internal/xmltree"
)

// Status codes (XEP-0045 section 15.6).
const (
	codeNonAnonymous     = 100
	codeConfigured       = 104
	codeSelf             = 110
	codeNowNonAnonymous  = 172
	codeNowSemiAnonymous = 173
	codeCreated          = 201
	codeNewNick          = 210
	codeBanned           = 301
	codeNick             = 303
	codeKicked           = 307
	codeNoMember         = 321
	codeMembersOnly      = 322
	codeShutdown         = 332
	codeGhost            = 333
)

// notice is a presence that the room writes about an occupant.
type notice struct {
	occ *occupant
	// who is the client whose address those get who may know it.
	who  jid.JID
	typ  stanza.Type
	body string
	standing
	// nick is the new nickname of who changes it.
	nick          string
	actor, reason string
	codes         []int
	// self are the clients that it is about, selfCodes is what they are told besides, and id is that of
	// the presence of theirs that it answers, for the first of them.
	self      []*session
	selfCodes []int
	id        string
	// extra is further content of the x element.
	extra string
}

// state is the present presence of an occupant.
func (r *Room) state(occ *occupant) notice {
	p := occ.primary()
	return notice{occ: occ, who: p.jid, body: p.presence, standing: occ.standing, self: occ.sessions}
}

// gone is the presence of an occupant that leaves with these clients.
func (r *Room) gone(occ *occupant, leaving []*session, codes ...int) notice {
	n := notice{occ: occ, who: leaving[0].jid, typ: stanza.Unavailable, standing: occ.standing, self: leaving, codes: codes}
	n.role = NoRole
	return n
}

// stanza writes the notice. open says who it is, self is set for those whom it is about.
func (r *Room) stanza(n *notice, open, self bool) *stanza.Stanza {
	h := stanza.Header{Kind: stanza.Presence, Type: n.typ, From: n.occ.jid}
	w := xmltree.NewWriter(len(n.body) + 384)
	w.Raw(n.body)
	r.writeOccupantID(w, n.occ.id)
	if n.typ == stanza.Available {
		r.writeHats(w, n.occ.user)
	}
	who := ""
	if open {
		who = n.who.String()
	}
	w.Open(ns.MUCUser, "x")
	attrs := [...]string{"affiliation", n.affiliation.String(), "role", n.role.String(), "jid", who, "nick", n.nick}
	if n.actor == "" && n.reason == "" {
		w.Empty("", "item", attrs[:]...)
	} else {
		w.Open("", "item", attrs[:]...)
		if n.actor != "" {
			w.Empty("", "actor", "nick", n.actor)
		}
		if n.reason != "" {
			w.Element("", "reason", n.reason)
		}
		w.Close()
	}
	w.Raw(n.extra)
	if self {
		writeCodes(w, n.selfCodes)
		writeCodes(w, []int{codeSelf})
	}
	writeCodes(w, n.codes)
	w.Close()
	return stanza.New(h, w.String())
}

func writeCodes(w *xmltree.Writer, codes []int) {
	for _, c := range codes {
		w.Empty("", "status", "code", strconv.Itoa(c))
	}
}

func (r *Room) writeOccupantID(w *xmltree.Writer, id string) {
	w.Empty(nsOccupantID, "occupant-id", "id", id)
}

// shown is the present presence of an occupant as it is kept for those who come later.
func (r *Room) shown(occ *occupant, open bool) *stanza.Stanza {
	kept := &occ.closed
	if open {
		kept = &occ.open
	}
	if *kept == nil {
		n := r.state(occ)
		*kept = r.stanza(&n, open, false)
	}
	return *kept
}

// tellSelf sends a notice to those whom it is about.
func (r *Room) tellSelf(n notice) {
	st := r.stanza(&n, true, true)
	for i, s := range n.self {
		own := st.Address(s.jid)
		if i == 0 && n.id != "" {
			own = own.With(func(h *stanza.Header) { h.ID = n.id })
		}
		r.give(s, own)
	}
}

// tellOthers sends a notice to everybody else who gets the presence of this role.
func (r *Room) tellOthers(n notice) {
	if r.broadcasts(n.role, n.typ, n.occ) {
		r.tell(n, r.everybody())
	}
}

// show tells everybody the present presence of an occupant; except is one of its own clients that is told
// otherwise, or nil.
func (r *Room) show(occ *occupant, except *session) {
	n := r.state(occ)
	r.tellOthers(n)
	n.self = slices.DeleteFunc(slices.Clone(n.self), func(s *session) bool { return s == except })
	r.tellSelf(n)
}

// tell sends a notice to some, those whom it is about left out.
func (r *Room) tell(n notice, to []*session) {
	var open, closed *stanza.Stanza
	r.later(func() {
		for _, s := range to {
			if slices.Contains(n.self, s) {
				continue
			}
			st := &closed
			sees := r.seesJIDs(s.occ)
			if sees {
				st = &open
			}
			if *st == nil {
				*st = r.stanza(&n, sees, false)
			}
			r.deliver(s, *st)
		}
	})
}

// broadcasts reports whether the room shows the presence of a role (muc#roomconfig_presencebroadcast).
// Whoever leaves has none: there, the role counts that he had.
func (r *Room) broadcasts(role Role, typ stanza.Type, occ *occupant) bool {
	if typ == stanza.Unavailable {
		role = occ.role
	}
	return r.config.shows(role)
}

// update tells everybody the present presence of an occupant after a change of its standing. before is
// what it was.
func (r *Room) update(occ *occupant, before Role, actor, reason string) {
	occ.changed()
	n := r.state(occ)
	n.actor, n.reason = actor, reason
	r.tellSelf(n)
	if was, is := r.config.shows(before), r.config.shows(occ.role); was && !is {
		// It is not shown any more: for the others it goes away.
		hidden := r.gone(occ, occ.sessions)
		r.tell(hidden, r.everybody())
	} else if is {
		r.tell(n, r.everybody())
	}
	if !r.config.NonAnonymous && occ.role == Moderator && before != Moderator {
		// From now on it is told who the others are; nothing else would tell it until they change.
		for _, s := range occ.sessions {
			r.introduce(s)
		}
	}
}

// introduce sends a client the presence of all other occupants.
func (r *Room) introduce(s *session) {
	all := make([]*stanza.Stanza, 0, len(r.byNick))
	open := r.seesJIDs(s.occ)
	for _, x := range r.sessions {
		// In the order of their coming; an occupant once, for its first client.
		if x.occ != s.occ && x == x.occ.sessions[0] && r.config.shows(x.occ.role) {
			all = append(all, r.shown(x.occ, open))
		}
	}
	r.later(func() {
		r.hold(s, len(all))
		for _, st := range all {
			r.deliver(s, st)
		}
	})
}

// content is what others get of a presence that a client sent, with memory of its own.
func (r *Room) content(st *stanza.Stanza) string { return strings.Clone(r.clean(st)) }

// rank orders presences by how available they say their client is.
func rank(st *stanza.Stanza) int {
	switch st.Root().ChildText(ns.Client, "show") {
	case "", "chat":
		return 3
	case "dnd":
		return 2
	case "away":
		return 1
	}
	return 0
}

// speaksForUs reports whether an address is that of the room, of somebody in it, or of the service.
func (r *Room) speaksForUs(address string) bool {
	if address == "" {
		return false
	}
	j, err := parseJID(address)
	return err != nil || j.Bare() == r.jid || j.Bare() == r.s.jid
}
