package mam

import (
	"kith/internal/payload"
	"kith/internal/stanza"
	"kith/server/module"
)

// retraction is what the archive of p's account does about a message that takes an earlier one back
// (XEP-0424 section 4); nil if there is nothing to do. Only what the same side of the same conversation
// said before is replaced, and by whom it was said is what the archive knows, not what the retraction says.
func (m *Archive) retraction(p *module.Passage) *Retraction {
	id := payload.Retracts(p.Stanza)
	if id == "" || p.Stanza.ID == "" {
		return nil // a tombstone has to name the retraction
	}
	author := m.author(p)
	by, at := p.Stanza.ID, p.At
	follow := func(id string, later *stanza.Stanza) string {
		if id == "" || payload.Corrects(later) != id || payload.IsRetraction(later) || !author(later) {
			return ""
		}
		if payload.IsTombstone(later) {
			return later.String()
		}
		return payload.Tombstone(later, by, at)
	}
	return &Retraction{ID: id, Follow: follow, Replace: func(earlier *stanza.Stanza) string {
		switch {
		case payload.IsTombstone(earlier):
			if payload.Named(earlier, id) && author(earlier) {
				return earlier.String() // it was retracted before, or comes from an archive that was first
			}
			return ""
		case payload.IsRetraction(earlier), !payload.Named(earlier, id), !author(earlier):
			return "" // section 5: retractions stay
		}
		return payload.Tombstone(earlier, by, at)
	}}
}

// author tells of earlier messages of the same bare address on the same side whether they are of who sent p.
//
// Section 5: between two people the bare address is enough. It is not where the address is that of a
// room and the resource a nickname (XEP-0045 section 7.5): then only the occupant id tells who it is
// (XEP-0421). Since rooms of other servers need not say that a message is a private one of theirs, nothing is
// replaced for strangers elsewhere.
func (m *Archive) author(p *module.Passage) func(earlier *stanza.Stanza) bool {
	if p.Direction == module.Outgoing {
		return func(*stanza.Stanza) bool { return true }
	}
	from := p.Stanza.From.Bare()
	occupant, private := payload.OccupantID(p.Stanza), throughRoom(p.Stanza)
	known := from.Domain() == m.domain || m.contacts != nil && m.contacts.InRoster(p.Account, from)
	return func(earlier *stanza.Stanza) bool {
		if private || throughRoom(earlier) {
			return occupant != "" && payload.OccupantID(earlier) == occupant
		}
		return known
	}
}

func throughRoom(st *stanza.Stanza) bool {
	return payload.Classify(st).Occupant() || payload.OccupantID(st) != ""
}
