package server

import (
	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/stanzaid"
	"kith/internal/xmltree"
	"kith/server/inbox"
	"kith/server/module"
	"kith/server/presence"
	"kith/server/pubsub"
)

// notes are what an account keeps about its conversations, on nodes of its own.
type notes struct {
	events *pubsub.Service
	around *presence.Presence
}

var _ inbox.Notes = notes{}

// Displayed implements [inbox.Notes]. What clients have written there and makes no sense is passed over.
func (n notes) Displayed(a module.Account) (map[jid.JID]inbox.Mark, error) {
	items, err := n.events.Items(a, ns.MDS)
	if err != nil {
		return nil, err
	}
	marks := map[jid.JID]inbox.Mark{}
	for id, payload := range items {
		with, err := jid.Parse(id)
		if err != nil {
			continue
		}
		e, err := xmltree.Parse(payload, xmltree.Limits{Bytes: 1 << 14, Elements: 32, Depth: 8, Attrs: 16}, xmltree.Scope{})
		if err != nil || !e.Is(ns.MDS, "displayed") {
			continue
		}
		if mark := e.Child(ns.StanzaID, "stanza-id"); !mark.IsZero() {
			marks[with] = inbox.Mark{ID: mark.Attr("id"), By: stanzaid.By(mark)}
		}
	}
	return marks, nil
}

// Bookmarks implements [inbox.Notes].
func (n notes) Bookmarks(a module.Account) (rooms []jid.JID, err error) {
	items, err := n.events.Items(a, ns.Bookmarks)
	if err != nil {
		return nil, err
	}
	for id := range items {
		if room, err := jid.Parse(id); err == nil {
			rooms = append(rooms, room.Bare())
		}
	}
	return rooms, nil
}

// Joined implements [inbox.Notes].
func (n notes) Joined(a module.Account, host string) []jid.JID { return n.around.Directed(a, host) }
