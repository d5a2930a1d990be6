package muc

import (
	"context"
	"fmt"
	"log/slog"

	"kith/internal/jid"
	"kith/internal/mamquery"
	"kith/internal/ns"
	"kith/internal/stanzaid"
	"kith/internal/xmltree"
)

// Talk is the end of a room's archive, as the list of somebody's conversations shows it (XEP-0430).
type Talk = struct {
	// Newest is the Seq of the newest thing in the archive, and ID its id.
	Newest stanzaid.Seq
	ID     string
	// Last is the Seq of the newest message that a person is to read, LastID its id, and Text the stanza;
	// zero if there is none.
	Last         stanzaid.Seq
	LastID, Text string
	Unread       int
}

// Host is the domain of the rooms.
func (s *Service) Host() string { return s.jid.Domain() }

// Of are the rooms that list somebody, a bare address, as whatever.
func (s *Service) Of(ctx context.Context, who jid.JID) ([]jid.JID, error) {
	names, err := s.store.Listed(ctx, who)
	if err != nil {
		return nil, fmt.Errorf("muc: rooms of somebody: %w", err)
	}
	out := make([]jid.JID, 0, len(names))
	for _, name := range names {
		room, err := jid.New(name, s.jid.Domain(), "")
		if err != nil {
			return nil, fmt.Errorf("muc: name of a room: %w", err)
		}
		out = append(out, room)
	}
	return out, nil
}

// Recent is the end of a room's archive, as far as who, a bare address, may read it: false for a room that
// is not there, keeps no archive, or refuses it. displayed is the id of the message up to which who has
// read, "" if that is not known. It must not be called by an actor.
func (s *Service) Recent(ctx context.Context, room, who jid.JID, displayed string) (t Talk, ok bool, err error) {
	var (
		archive int64
		owner   stanzaid.Owner
		open    bool
	)
	err = s.do(ctx, room.Local(), func(r *Room) error {
		ok = r.exists && !r.locked && r.config.Archive && r.mayRead(who) == nil && s.policy.MayJoin(who, r.view())
		archive, owner, open = r.archive, r.owner, r.maySee(who)
		return nil
	})
	if err != nil || !ok {
		return t, false, err
	}
	read, _ := owner.Seq(displayed)
	recent, err := s.store.Recent(ctx, archive, who, read)
	if err != nil || recent.Newest == 0 {
		return t, false, err
	}
	texts, err := s.store.Texts(ctx, archive, []stanzaid.Seq{recent.Last, recent.Marker})
	if err != nil {
		return t, false, err
	}
	s.marker(&recent, owner, texts[recent.Marker])
	t = Talk{Newest: recent.Newest, ID: owner.ID(recent.Newest), Unread: len(recent.Unread)}
	if text := texts[recent.Last]; text != "" {
		if !open {
			text = anonymous(text)
		}
		t.Last, t.LastID, t.Text = recent.Last, owner.ID(recent.Last), text
	}
	return t, true, nil
}

// marker reads the newest marker of a reader: in a room it names the id that the room gave (XEP-0333
// section 5.1).
func (s *Service) marker(r *mamquery.Recent, owner stanzaid.Owner, text string) {
	if text == "" {
		return
	}
	m, err := xmltree.Parse(text, xmltree.Limits{Bytes: 1 << 20, Elements: 10_000, Depth: 100, Attrs: 100}, xmltree.Scope{Default: ns.Client})
	if err != nil {
		s.log.LogAttrs(bg, slog.LevelWarn, "a stored message is not readable", slog.Any("error", err))
		return
	}
	for _, name := range []string{"displayed", "acknowledged"} {
		if seq, ok := owner.Seq(m.Child(ns.ChatMarkers, name).Attr("id")); ok {
			r.Displayed(seq)
		}
	}
}
