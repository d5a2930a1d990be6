package people

import (
	"context"
	"fmt"
	"slices"

	"kith/internal/form"
	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/internal/xmltree"
)

// Namespaces of the requests of XEP-0045 sections 9 and 10.
const (
	groupAdmin = "http://jabber.org/protocol/muc#admin"
	groupOwner = "http://jabber.org/protocol/muc#owner"
)

// group is a private group (XEP-0045): only members get in, and everybody knows who they are.
type group struct {
	nick string
	// occupants are the people in it, by their addresses there.
	occupants map[jid.JID]jid.JID
	members   []jid.JID
	// first is the full address of the device that the room shows for the own account, which may be
	// on several of them.
	first jid.JID
	// inside: the room has let us in. refusal is why not.
	inside  bool
	refusal error
}

// Enter enters a group under a name. What is said there comes from then on, and is answered by
// [Person.Write] to the group's address. It is to be entered again after each [Person.SignIn], before
// something is written there.
func (p *Person) Enter(ctx context.Context, room jid.JID, nick string) error {
	w, err := p.linked()
	if err != nil {
		return err
	}
	occupant, err := room.WithResource(nick)
	if err != nil {
		return fmt.Errorf("group %s: %w", room, err)
	}
	g := &group{nick: nick, occupants: map[jid.JID]jid.JID{}}
	p.mu.Lock()
	p.groups[room] = g
	shown := p.shown
	p.mu.Unlock()
	err = w.send(ctx, stanza.Build(stanza.Header{Kind: stanza.Presence, To: occupant}, func(x *xmltree.Writer) {
		x.Open(ns.MUC, "x").Empty("", "history", "maxstanzas", "0").Close()
		if shown != nil {
			shown(x)
		}
	}), nil)
	if err != nil {
		return err
	}
	var refusal error
	err = p.Until(ctx, "the group "+room.String(), func(View) bool {
		refusal = g.refusal
		return g.inside || refusal != nil
	})
	if err == nil {
		err = refusal
	}
	if err != nil {
		return fmt.Errorf("group %s: %w", room, err)
	}
	return p.fetchMembers(ctx, w, room)
}

// Found makes a private group with members, and enters it.
func (p *Person) Found(ctx context.Context, room jid.JID, nick, name string, members ...jid.JID) error {
	if err := p.Enter(ctx, room, nick); err != nil {
		return err
	}
	w, err := p.linked()
	if err != nil {
		return err
	}
	field := func(name, value string) form.Field {
		return form.Field{Var: "muc#roomconfig_" + name, Values: []string{value}}
	}
	config := form.New(form.TypeSubmit, "http://jabber.org/protocol/muc#roomconfig",
		field("roomname", name), field("persistentroom", "1"), field("publicroom", "0"), field("membersonly", "1"),
		field("whois", "anyone"), field("enablearchiving", "1"))
	_, err = w.ask(ctx, stanza.Set, room, func(x *xmltree.Writer) {
		x.Open(groupOwner, "query")
		config.Write(x)
		x.Close()
	})
	if err != nil {
		return fmt.Errorf("group %s: %w", room, err)
	}
	_, err = w.ask(ctx, stanza.Set, room, func(x *xmltree.Writer) {
		x.Open(groupAdmin, "query")
		for _, m := range members {
			x.Empty("", "item", "affiliation", "member", "jid", m.String())
		}
		x.Close()
	})
	if err != nil {
		return fmt.Errorf("members of %s: %w", room, err)
	}
	return p.fetchMembers(ctx, w, room)
}

// Bookmark notes a group for all devices of the account, which enter it by themselves (XEP-0402).
func (p *Person) Bookmark(ctx context.Context, room jid.JID, name, nick string) error {
	w, err := p.linked()
	if err != nil {
		return err
	}
	return publishAmong(ctx, w, ns.Bookmarks, room.String(), "max", "whitelist", func(x *xmltree.Writer) {
		x.Open(ns.Bookmarks, "conference", "autojoin", "true", "name", name).Element("", "nick", nick).Close()
	})
}

// fetchMembers finds out for whom messages have to be encrypted.
func (p *Person) fetchMembers(ctx context.Context, w *wire, room jid.JID) error {
	var members []jid.JID
	for _, affiliation := range []string{"owner", "admin", "member"} {
		st, err := w.ask(ctx, stanza.Get, room, func(x *xmltree.Writer) {
			x.Open(groupAdmin, "query").Empty("", "item", "affiliation", affiliation).Close()
		})
		if err != nil {
			return fmt.Errorf("members of %s: %w", room, err)
		}
		for item := range st.Child(groupAdmin, "query").Children() {
			if j, err := jid.Parse(item.Attr("jid")); err == nil && j.Local() != "" && !slices.Contains(members, j.Bare()) {
				members = append(members, j.Bare())
			}
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.groups[room].members = members
	p.change()
	return nil
}

// occupant takes presence out of a group. It needs p.mu.
func (p *Person) occupant(g *group, st *stanza.Stanza) {
	user := st.Child(ns.MUCUser, "x")
	item := user.Child(ns.MUCUser, "item")
	switch st.Type {
	case stanza.Available:
		who, err := jid.Parse(item.Attr("jid"))
		if err != nil {
			return // a room that does not tell who is in it, which is none of ours
		}
		g.occupants[st.From] = who.Bare()
		if !slices.Contains(g.members, who.Bare()) {
			g.members = append(g.members, who.Bare())
		}
		for status := range user.Children() {
			if status.Is(ns.MUCUser, "status") && status.Attr("code") == "110" {
				g.inside, g.first = true, who
			}
		}
	case stanza.Unavailable:
		if st.From.Resource() == g.nick {
			g.inside = false
		}
		// Their messages may still be under way.
	case stanza.Error:
		if !g.inside {
			g.refusal = st.ReadFault()
		}
	default:
		return
	}
	p.change()
}

// readers are those for whom a message to somebody, or to a group, is encrypted, without the own account.
// It needs p.mu.
func (p *Person) readers(to jid.JID) []jid.JID {
	g := p.groups[to]
	if g == nil {
		return []jid.JID{to}
	}
	return slices.DeleteFunc(slices.Clone(g.members), func(m jid.JID) bool { return m == p.o.Address })
}
