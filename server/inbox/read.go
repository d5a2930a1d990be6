package inbox

import (
	"context"
	"maps"
	"slices"

	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/stanzaid"
	"kith/internal/xmltree"
	"kith/server/module"
)

// source is whose conversations are listed, and what is known of them in the actor.
type source struct {
	who   jid.JID
	owner stanzaid.Owner
	marks map[jid.JID]Mark
	// marked are rooms by what the account says of them, here and elsewhere.
	marked map[jid.JID]struct{}
}

// source gathers what only the actor may ask for.
func (x *Inbox) source(a module.Account) (*source, error) {
	s := &source{who: a.JID(), owner: x.ids.Owner(a.JID()), marked: map[jid.JID]struct{}{}}
	var err error
	if s.marks, err = x.notes.Displayed(a); err != nil {
		return nil, err
	}
	bookmarks, err := x.notes.Bookmarks(a)
	if err != nil {
		return nil, err
	}
	for _, room := range slices.Concat(bookmarks, x.notes.Joined(a, x.rooms.Host())) {
		s.marked[room] = struct{}{}
	}
	return s, nil
}

// conversation is an entry of the list.
type conversation struct {
	place
	// id is that of the newest thing in its archive, last that of the newest message.
	id, lastID string
	last       stanzaid.Seq
	unread     int
	text       string
}

// answer is what is sent.
type answer struct {
	page []conversation
	// total counts all conversations, unread those in which something is new, and all what is new;
	// found counts what was asked for.
	total, unread, all, found int
}

func (x *Inbox) answer(ctx context.Context, s *source, r request) (*answer, error) {
	list, err := x.chats(ctx, s)
	if err != nil {
		return nil, err
	}
	rooms, err := x.talks(ctx, s)
	if err != nil {
		return nil, err
	}
	list = append(list, rooms...)
	slices.SortFunc(list, func(a, b conversation) int { return a.compare(b.place) })
	out := &answer{total: len(list)}
	for i := range list {
		if n := list[i].unread; n > 0 {
			out.unread++
			out.all += n
		}
	}
	if r.unreadOnly {
		list = slices.DeleteFunc(list, func(c conversation) bool { return c.unread == 0 })
	}
	out.found = len(list)
	out.page = r.cut(list)
	if !r.texts {
		for i := range out.page {
			out.page[i].text = ""
		}
		return out, nil
	}
	return out, x.texts(ctx, s, r, out)
}

// cut takes the page out of the whole list.
func (r *request) cut(list []conversation) []conversation {
	if r.after != nil {
		i, _ := slices.BinarySearchFunc(list, *r.after, func(c conversation, p place) int {
			return -afterwards(p.compare(c.place))
		})
		list = list[i:]
	}
	if r.before != nil {
		i, _ := slices.BinarySearchFunc(list, *r.before, func(c conversation, p place) int { return c.compare(p) })
		list = list[:i]
	}
	if n := len(list) - r.limit; n > 0 {
		if r.backward {
			return list[n:]
		}
		return list[:r.limit]
	}
	return list
}

// afterwards makes equal into greater, so that the search ends behind the place.
func afterwards(c int) int {
	if c >= 0 {
		return 1
	}
	return -1
}

// chats are the conversations of the account's own archive.
func (x *Inbox) chats(ctx context.Context, s *source) ([]conversation, error) {
	read := make(map[jid.JID]stanzaid.Seq, len(s.marks))
	for with, m := range s.marks {
		if m.By == s.who {
			if seq, ok := s.owner.Seq(m.ID); ok {
				read[with] = seq
			}
		}
	}
	chats, err := x.store.Chats(ctx, s.who.String(), read, maxChats)
	if err != nil {
		return nil, err
	}
	out := make([]conversation, 0, len(chats))
	for i := range chats {
		c := &chats[i]
		// What one archives of a room are invitations, and what its occupants say in private.
		if _, room := s.marked[c.With]; room || c.With.Domain() == x.rooms.Host() {
			continue
		}
		if c.Marker != 0 && len(c.Unread) > 0 {
			if err := x.markers(ctx, s, c); err != nil {
				return nil, err
			}
		}
		v := conversation{id: s.owner.ID(c.Newest), last: c.Last, unread: len(c.Unread)}
		v.place = place{c.Newest, c.With.String()}
		if c.Last != 0 {
			v.lastID, v.at = s.owner.ID(c.Last), c.Last
		}
		out = append(out, v)
	}
	return out, nil
}

// maxMarked is how many unread messages are looked at for the one that a marker names.
const maxMarked = 100

// markers finds out what the newest marker of the account itself names (XEP-0333): outside of rooms that
// is the id which the sender gave to the message.
func (x *Inbox) markers(ctx context.Context, s *source, c *Chat) error {
	before := c.Unread
	for len(before) > 0 && before[0] > c.Marker {
		before = before[1:]
	}
	before = before[:min(len(before), maxMarked)]
	if len(before) == 0 {
		return nil
	}
	texts, err := x.store.Texts(ctx, s.who.String(), append([]stanzaid.Seq{c.Marker}, before...))
	if err != nil {
		return err
	}
	id := displayed(parse(texts[c.Marker]))
	if id == "" {
		return nil
	}
	for _, seq := range before {
		m := parse(texts[seq])
		if m.Attr("id") == id || m.Child(ns.StanzaID, "origin-id").Attr("id") == id {
			c.Displayed(seq)
			return nil
		}
	}
	return nil
}

func displayed(m xmltree.Element) string {
	for _, name := range []string{"displayed", "acknowledged"} {
		if e := m.Child(ns.ChatMarkers, name); !e.IsZero() {
			return e.Attr("id")
		}
	}
	return ""
}

// parse reads a stored stanza, the zero element for one that is not there.
func parse(text string) xmltree.Element {
	e, err := xmltree.Parse(text, xmltree.Limits{Bytes: 1 << 20, Elements: 10_000, Depth: 100, Attrs: 100}, xmltree.Scope{Default: ns.Client})
	if err != nil {
		return xmltree.Element{}
	}
	return e
}

// talks are the rooms of this server.
func (x *Inbox) talks(ctx context.Context, s *source) ([]conversation, error) {
	listed, err := x.rooms.Of(ctx, s.who)
	if err != nil {
		return nil, err
	}
	all := make(map[jid.JID]struct{}, len(listed)+len(s.marked))
	for room := range s.marked {
		if room.Domain() == x.rooms.Host() && room.Local() != "" {
			all[room] = struct{}{}
		}
	}
	for _, room := range listed {
		all[room] = struct{}{}
	}
	names := slices.Collect(maps.Keys(all))
	out := make([]conversation, 0, len(names))
	for _, room := range names[:min(len(names), maxRooms)] {
		mark := s.marks[room]
		if mark.By != room {
			mark.ID = ""
		}
		t, ok, err := x.rooms.Recent(ctx, room, s.who, mark.ID)
		if err != nil {
			return nil, err
		}
		if !ok || t.Newest == 0 {
			continue
		}
		v := conversation{id: t.ID, lastID: t.LastID, last: t.Last, unread: t.Unread, text: t.Text}
		v.place = place{t.Newest, room.String()}
		if t.Last != 0 {
			v.at = t.Last
		}
		out = append(out, v)
	}
	return out, nil
}

// texts adds the messages to a page. One that is too large for an answer ends earlier.
func (x *Inbox) texts(ctx context.Context, s *source, r request, out *answer) error {
	var seqs []stanzaid.Seq
	for i := range out.page {
		if c := &out.page[i]; c.text == "" && c.last != 0 {
			seqs = append(seqs, c.last)
		}
	}
	texts, err := x.store.Texts(ctx, s.who.String(), seqs)
	if err != nil {
		return err
	}
	size := 0
	for i := range out.page {
		c := &out.page[i]
		if r.backward {
			c = &out.page[len(out.page)-1-i]
		}
		if c.text == "" {
			c.text = texts[c.last]
		}
		if size += len(c.text); size > maxPageBytes && i > 0 {
			if r.backward {
				out.page = out.page[len(out.page)-i:]
			} else {
				out.page = out.page[:i]
			}
			return nil
		}
	}
	return nil
}
