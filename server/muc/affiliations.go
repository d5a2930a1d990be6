package muc

import (
	"kith/internal/jid"
	"kith/internal/stanza"
)

// Affiliation is the lasting relation of a user to a room (XEP-0045 section 5.2). They are ordered: each
// may what those below it may.
type Affiliation int8

// The affiliations.
const (
	Outcast Affiliation = iota - 1
	Unaffiliated
	Member
	Admin
	Owner
)

var affiliationNames = [...]string{"outcast", "none", "member", "admin", "owner"}

func (a Affiliation) String() string { return affiliationNames[a-Outcast] }

// ParseAffiliation reads an affiliation; false for what is none.
func ParseAffiliation(s string) (Affiliation, bool) {
	for i, name := range affiliationNames {
		if name == s {
			return Outcast + Affiliation(i), true
		}
	}
	return Unaffiliated, false
}

// checkAffiliation decides whether by may change an affiliation (sections 5.2.2, 9.1 to 9.5 and 10.3 to
// 10.8). self: it is by's own.
func checkAffiliation(by, from, to Affiliation, self bool) error {
	switch {
	case by < Admin:
		return stanza.Refuse(stanza.Forbidden, "Only admins and owners may do this.")
	case self && to == Outcast:
		return stanza.Refuse(stanza.Conflict, "Nobody can ban himself.")
	case by == Owner, to == from:
		return nil
	case to >= Admin:
		return stanza.Refuse(stanza.Forbidden, "Only owners may do this.")
	case from >= Admin && to == Outcast:
		return stanza.Refuse(stanza.NotAllowed, "Only owners may ban an admin or an owner.")
	case from >= Admin:
		return stanza.Refuse(stanza.Forbidden, "Only owners may do this.")
	}
	return nil
}

// members are the users that a room lists.
type members struct {
	byJID map[jid.JID]*Entry
	// nicks are the reserved nicknames, by key.
	nicks map[string]jid.JID
}

func newMembers(entries []Entry) members {
	m := members{byJID: make(map[jid.JID]*Entry, len(entries)), nicks: map[string]jid.JID{}}
	for i := range entries {
		m.set(entries[i])
	}
	return m
}

// set replaces what is known of a user.
func (m *members) set(e Entry) {
	if old := m.byJID[e.JID]; old != nil && old.Nick != "" {
		if key, err := nickKey(old.Nick); err == nil {
			delete(m.nicks, key)
		}
	}
	if e.Affiliation == Unaffiliated {
		delete(m.byJID, e.JID)
		return
	}
	m.byJID[e.JID] = &e
	if e.Nick == "" {
		return
	}
	if key, err := nickKey(e.Nick); err == nil {
		m.nicks[key] = e.JID
	}
}

// entry is what is known of exactly this address.
func (m *members) entry(j jid.JID) Entry {
	if e := m.byJID[j]; e != nil {
		return *e
	}
	return Entry{JID: j}
}

// of is the affiliation of a user, a bare address: the own one, or else that of the domain (section
// 9.2).
func (m *members) of(user jid.JID) Affiliation {
	if e := m.byJID[user]; e != nil {
		return e.Affiliation
	}
	if e := m.byJID[user.DomainJID()]; e != nil {
		return e.Affiliation
	}
	return Unaffiliated
}

// owners counts the owners.
func (m *members) owners() int {
	n := 0
	for _, e := range m.byJID {
		if e.Affiliation == Owner {
			n++
		}
	}
	return n
}

// reservedFor is the user for whom a nickname is reserved, zero if it is free.
func (m *members) reservedFor(key string) jid.JID { return m.nicks[key] }
