package muc

import (
	"kith/internal/jid"
	"kith/internal/stanza"
)

// Role is what an occupant may do in a room during a visit (XEP-0045 section 5.1). They are ordered:
// each may what those below it may.
type Role uint8

// The roles.
const (
	NoRole Role = iota
	Visitor
	Participant
	Moderator
)

var roleNames = [...]string{"none", "visitor", "participant", "moderator"}

func (r Role) String() string { return roleNames[r] }

// parseRole reads a role; false for what is none.
func parseRole(s string) (Role, bool) {
	for i, name := range roleNames {
		if name == s {
			return Role(i), true
		}
	}
	return NoRole, false
}

// defaultRole is that with which somebody enters (section 5.1.2).
func defaultRole(a Affiliation, moderated bool) Role {
	switch {
	case a == Outcast:
		return NoRole
	case a >= Admin:
		return Moderator
	case a == Unaffiliated && moderated:
		return Visitor
	}
	return Participant
}

// roleAfter is the role of somebody whose affiliation changes during a visit (section 5.1.3, note). What
// an affiliation implies is gained with it; who stops being an admin keeps nothing of it.
func roleAfter(role Role, before, now Affiliation, moderated bool) Role {
	implied := defaultRole(now, moderated)
	switch {
	case implied == NoRole || role == NoRole:
		return implied
	case before >= Admin && now < Admin:
		return implied
	case now > before:
		return max(role, implied)
	}
	return role
}

// standing is what decides about what somebody may do to others.
type standing struct {
	affiliation Affiliation
	role        Role
}

// checkRole decides whether by may change the role of somebody else (sections 5.1.3, 8.2 to 8.4, 9.6 and
// 9.7).
func checkRole(by, whom standing, to Role) error {
	lower := stanza.Refuse(stanza.NotAllowed, "Nobody can do this to somebody who ranks as high.")
	switch {
	case by.role < Moderator:
		return stanza.Refuse(stanza.Forbidden, "Only moderators may do this.")
	case to == whom.role:
		return nil
	case to == Moderator:
		if by.affiliation < Admin {
			return stanza.Refuse(stanza.Forbidden, "Only admins make moderators.")
		}
		return nil
	case whom.role == Moderator:
		// Whoever takes a moderator's role away, be it by removing him.
		if by.affiliation < Admin {
			return stanza.Refuse(stanza.NotAllowed, "Only admins may do this to a moderator.")
		}
		if to != NoRole && whom.affiliation >= Admin {
			return stanza.Refuse(stanza.NotAllowed, "Admins and owners are moderators.")
		}
	}
	switch to {
	case NoRole:
		if whom.affiliation > by.affiliation {
			return lower
		}
	case Visitor:
		if whom.affiliation >= Admin || whom.affiliation >= by.affiliation {
			return lower
		}
	case Participant, Moderator:
	}
	return nil
}

// checkRoleOf decides whether somebody may change the role of an occupant.
func (r *Room) checkRoleOf(by jid.JID, it item) error {
	if it.role == NoRole && it.occ.user == by {
		// Section 8.2 leaves it to the service. Leaving does the same.
		return stanza.Refuse(stanza.Conflict, "Nobody can kick himself.")
	}
	return checkRole(r.standingOf(by), it.occ.standing, it.role)
}

// setRole gives an occupant another role. between is called after the occupant was told, before the others
// are.
func (r *Room) setRole(it item, actor string, between func()) {
	occ := it.occ
	if it.role == NoRole {
		n := r.gone(occ, occ.sessions, codeKicked)
		n.actor, n.reason = actor, it.reason
		r.expel(occ, n, between)
		return
	}
	between()
	before := occ.role
	if r.config.Moderated && it.role < Moderator {
		r.voices.set(occ.user, it.role)
	}
	if before == it.role {
		return
	}
	occ.role = it.role
	r.update(occ, before, actor, it.reason)
}
