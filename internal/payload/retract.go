package payload

import (
	"time"

	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/internal/xmltree"
)

// Retracts is the id of the message that a message takes back, "" if it takes none back (XEP-0424
// section 3). What a moderator has done is not meant, since only rooms tell it (XEP-0425).
func Retracts(st *stanza.Stanza) string {
	e := st.Child(ns.Retract, "retract")
	if !e.ChildNS(nsModerate).IsZero() {
		return ""
	}
	return e.Attr("id")
}

// IsRetraction reports whether a message takes another one back, or says that a moderator has done so.
func IsRetraction(st *stanza.Stanza) bool { return !st.Child(ns.Retract, "retract").IsZero() }

// Corrects is the id of the message whose text a message replaces, "" if it replaces none (XEP-0308 section 4).
func Corrects(st *stanza.Stanza) string { return st.Child(nsCorrect, "replace").Attr("id") }

// Named reports whether a message is called id by who sent it: as the message itself or by the id of its
// origin (XEP-0359 section 3).
func Named(st *stanza.Stanza, id string) bool {
	return id != "" && (st.ID == id || OriginID(st) == id)
}

// OriginID is the id that the client of the sender gave to a message, "" if it gave none.
func OriginID(st *stanza.Stanza) string { return st.Child(ns.StanzaID, "origin-id").Attr("id") }

// OccupantID is who in a room sent a message, "" if that is not said (XEP-0421).
func OccupantID(st *stanza.Stanza) string { return st.Child(nsOccupantID, "occupant-id").Attr("id") }

// IsTombstone reports whether nothing is left of a message but that it was retracted (XEP-0424 section 4).
func IsTombstone(st *stanza.Stanza) bool {
	retracted := false
	for c := range st.Root().Children() {
		switch {
		case c.Space() == ns.Retract && c.Local() == "retracted":
			retracted = true
		case !remains(c):
			return false
		}
	}
	return retracted
}

// remains tells what a tombstone keeps of a message beside its addresses and id: whose it is, and which other one
// it corrected.
func remains(c xmltree.Element) bool {
	switch c.Space() {
	case ns.StanzaID:
		return c.Local() == "origin-id"
	case nsOccupantID:
		return c.Local() == "occupant-id"
	case ns.MUCUser:
		return c.Local() == "x"
	case nsCorrect:
		return c.Local() == "replace"
	}
	return false
}

// Tombstone is what is left of a message between two people that was retracted by the message with the id
// by (XEP-0424 section 4).
func Tombstone(original *stanza.Stanza, by string, at time.Time) string {
	return stanza.Build(original.Header, func(w *xmltree.Writer) {
		for c := range original.Root().Children() {
			switch {
			case !remains(c):
			case c.Space() == ns.MUCUser:
				w.Empty(ns.MUCUser, "x") // it came through a room
			default:
				w.Empty(c.Space(), c.Local(), "id", c.Attr("id"))
			}
		}
		w.Empty(ns.Retract, "retracted", "stamp", Time(at), "id", by)
	}).String()
}
