package server_test

import (
	"strings"
	"testing"

	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/server/auth"
	"kith/server/circle"
	"kith/server/servertest"
)

const rosterGet = `<iq type='get' id='roster'><query xmlns='jabber:iq:roster'/></iq>`

// push waits for a roster push with these parts.
func push(t *testing.T, c *servertest.Client, parts ...string) *stanza.Stanza {
	t.Helper()
	return c.Wait(t, "roster push "+strings.Join(parts, " "), func(st *stanza.Stanza) bool {
		if st.Kind != stanza.IQ || st.Type != stanza.Set || !st.Payload().Is(ns.Roster, "query") {
			return false
		}
		for _, p := range parts {
			if !strings.Contains(st.String(), p) {
				return false
			}
		}
		return true
	})
}

func addCircle(t *testing.T, s *servertest.Server, name string, members ...string) circle.Circle {
	t.Helper()
	c, err := s.Circles().Add(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range members {
		if err := s.Circles().Join(t.Context(), c.ID, m); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Circles().CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	return c
}

// Three people in a circle: contacts of each other and in one room, without anybody having asked, whether
// they are there or not; neither can get out of it alone; and when it ends, what was there before stays.
func TestCircle(t *testing.T) {
	s := servertest.New(t)
	s.Account("alice", "bob", "carol", "mallory")
	a := s.Client("alice")
	before := a.Ask(`<iq type='get' id='r'><query xmlns='jabber:iq:roster' ver=''/></iq>`).Payload().Attr("ver")
	a.Send(`<presence/>`)
	// Bob was a contact of Alice before.
	a.Ask(`<iq type='set' id='b'><query xmlns='jabber:iq:roster'><item jid='bob@example.org' name='Bobby'><group>Work</group></item></query></iq>`)
	b := s.Client("bob")
	b.Ask(rosterGet)
	b.Send(`<presence/>`)
	b.Send(`<presence type='subscribe' to='alice@example.org'/>`)
	a.Wait(t, "request", func(st *stanza.Stanza) bool { return st.Type == stanza.Subscribe })
	a.Send(`<presence type='subscribed' to='bob@example.org'/>`)
	a.Send(`<presence type='subscribe' to='bob@example.org'/>`)
	b.Wait(t, "request", func(st *stanza.Stanza) bool { return st.Type == stanza.Subscribe })
	b.Send(`<presence type='subscribed' to='alice@example.org'/>`)
	push(t, a, "bob@example.org", "subscription='both'")

	c := addCircle(t, s, "The Family", "alice", "bob", "carol")
	expect(t, "bob's item", push(t, a, "bob@example.org", "The Family"), "name='Bobby'", "<group>Work</group>")
	push(t, a, "carol@example.org", "subscription='both'", "<group>The Family</group>")
	push(t, b, "carol@example.org", "subscription='both'", "<group>The Family</group>")
	// Carol was away.
	carol := s.Client("carol")
	got := carol.Ask(rosterGet)
	expect(t, "carol's roster", got, "alice@example.org", "bob@example.org", "<group>The Family</group>")
	carol.Send(`<presence/>`)
	carol.Wait(t, "alice's presence", func(st *stanza.Stanza) bool { return st.Kind == stanza.Presence && st.From == a.JID })
	a.Wait(t, "carol's presence", func(st *stanza.Stanza) bool { return st.Kind == stanza.Presence && st.From == carol.JID })
	// A client that comes back with an old version gets what has changed.
	a2 := s.Client("alice")
	a2.Send(`<iq type='get' id='v'><query xmlns='jabber:iq:roster' ver='` + before + `'/></iq>`)
	a2.Wait(t, "carol", func(st *stanza.Stanza) bool { return strings.Contains(st.String(), "carol@example.org") })

	// Nobody leaves by taking the others out, and the group stays.
	for _, request := range []string{
		`<iq type='set' id='x'><query xmlns='jabber:iq:roster'><item jid='alice@example.org' subscription='remove'/></query></iq>`,
	} {
		expect(t, "removal", carol.Ask(request), "type='error'", "not-allowed", "The Family")
	}
	carol.Send(`<presence type='unsubscribed' to='alice@example.org' id='u'/>`)
	carol.Wait(t, "refusal", func(st *stanza.Stanza) bool {
		return st.Kind == stanza.Presence && st.Type == stanza.Error && st.ID == "u"
	})
	carol.Ask(`<iq type='set' id='n'><query xmlns='jabber:iq:roster'><item jid='alice@example.org' name='Mum'><group>Mine</group></item></query></iq>`)
	push(t, carol, "alice@example.org", "name='Mum'", "<group>Mine</group>", "<group>The Family</group>", "subscription='both'")

	// The room: a bookmark brings the clients there, and others do not get in.
	room := c.Room + "@groups.example.org"
	marks := carol.Ask(`<iq type='get' id='m'><pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='urn:xmpp:bookmarks:1'/></pubsub></iq>`)
	expect(t, "bookmarks", marks, "id='"+room+"'", "autojoin='true'", "name='The Family'")
	expect(t, "circles", carol.Ask(`<iq type='get' id='c'><circles xmlns='kith:circle:0'/></iq>`), "room='"+room+"'", "name='The Family'", "bob@example.org")
	enter(t, carol, room, "carol")
	enter(t, a, room, "alice")
	carol.Send(`<message type='groupchat' to='` + room + `' id='g'><body>dinner</body></message>`)
	a.Message("dinner")
	m := s.Client("mallory")
	expect(t, "no circles", m.Ask(`<iq type='get' id='c'><circles xmlns='kith:circle:0'/></iq>`), "<circles xmlns='kith:circle:0'/>")
	m.Send(`<presence to='` + room + `/m' id='j'><x xmlns='http://jabber.org/protocol/muc'/></presence>`)
	m.Wait(t, "refusal", func(st *stanza.Stanza) bool { return st.Kind == stanza.Presence && st.Type == stanza.Error })

	// Another name: the groups, the room and the bookmarks follow; what else is in them stays.
	if err := s.Circles().Rename(t.Context(), c.ID, "The Clan"); err != nil {
		t.Fatal(err)
	}
	renamed := push(t, carol, "alice@example.org", "name='Mum'", "<group>Mine</group>", "<group>The Clan</group>")
	if strings.Contains(renamed.String(), "The Family") {
		t.Errorf("still in the old group: %s", renamed)
	}
	push(t, a, "bob@example.org", "name='Bobby'", "<group>Work</group>", "<group>The Clan</group>")
	if err := s.Circles().CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	expect(t, "bookmarks", carol.Ask(`<iq type='get' id='m2'><pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='urn:xmpp:bookmarks:1'/></pubsub></iq>`),
		"id='"+room+"'", "autojoin='true'", "name='The Clan'")
	expect(t, "the room", carol.Ask(`<iq type='get' id='di' to='`+room+`'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>`), "name='The Clan'")

	// Carol leaves: no contact of either any more, and out of the room.
	if err := s.Circles().Leave(t.Context(), c.ID, "carol"); err != nil {
		t.Fatal(err)
	}
	push(t, a, "carol@example.org", "subscription='remove'")
	push(t, b, "carol@example.org", "subscription='remove'")
	push(t, carol, "alice@example.org", "subscription='remove'")
	carol.Wait(t, "leaving the room", func(st *stanza.Stanza) bool {
		return st.Kind == stanza.Presence && st.Type == stanza.Unavailable && strings.Contains(st.String(), "code='321'")
	})
	a.Wait(t, "carol gone", func(st *stanza.Stanza) bool {
		return st.Kind == stanza.Presence && st.Type == stanza.Unavailable && st.From.Bare() == carol.JID.Bare()
	})
	// The end: Alice and Bob know each other from before.
	if err := s.Circles().Remove(t.Context(), c.ID); err != nil {
		t.Fatal(err)
	}
	push(t, a, "bob@example.org", "subscription='both'", "name='Bobby'", "<group>Work</group></item>")
	a.Wait(t, "destruction of the room", func(st *stanza.Stanza) bool { return strings.Contains(st.String(), "<destroy") })
	a.Ask(`<iq type='set' id='x'><query xmlns='jabber:iq:roster'><item jid='bob@example.org' subscription='remove'/></query></iq>`)
}

func enter(t *testing.T, c *servertest.Client, room, nick string) {
	t.Helper()
	c.Send(`<presence to='` + room + `/` + nick + `'><x xmlns='http://jabber.org/protocol/muc'/></presence>`)
	c.Wait(t, "entering", func(st *stanza.Stanza) bool {
		return st.Kind == stanza.Presence && st.Type == stanza.Available && st.From.Resource() == nick && strings.Contains(st.String(), "code='110'")
	})
}

// The commands of administrators, and what others see of them.
func TestCircleCommands(t *testing.T) {
	s := servertest.New(t)
	s.Account("alice", "bob")
	if err := s.Auth.SetRole(t.Context(), "alice", auth.RoleAdmin); err != nil {
		t.Fatal(err)
	}
	a, b := s.Client("alice"), s.Client("bob")
	run := func(c *servertest.Client, node, fields string) *stanza.Stanza {
		t.Helper()
		x := ""
		if fields != "" {
			x = `<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>kith:circle:0#` + node + `</value></field>` + fields + `</x>`
		}
		return c.Ask(`<iq type='set' id='c' to='example.org'><command xmlns='http://jabber.org/protocol/commands' node='kith:circle:0#` + node + `'>` + x + `</command></iq>`)
	}
	field := func(name, value string) string {
		return `<field var='` + name + `'><value>` + value + `</value></field>`
	}
	expect(t, "a member", run(b, "add", ""), "item-not-found")
	expect(t, "form", run(a, "add", ""), "status='executing'", "var='name'")
	expect(t, "added", run(a, "add", field("name", "Choir")), "status='completed'")
	expect(t, "twice", run(a, "add", field("name", "choir")), "conflict")
	c, err := s.Circles().Find("CHOIR")
	if err != nil {
		t.Fatal(err)
	}
	both := `<field var='members'><value>alice@example.org</value><value>bob@example.org</value></field>`
	expect(t, "nobody", run(a, "join", field("circle", c.ID)+field("members", "nobody@example.org")), "item-not-found")
	expect(t, "joined", run(a, "join", field("circle", c.ID)+both), "status='completed'")
	expect(t, "list", run(a, "list", ""), "Choir", "bob@example.org", c.Room+"@groups.example.org")
	expect(t, "renamed", run(a, "rename", field("circle", c.ID)+field("name", "Singers")), "status='completed'")
	expect(t, "list", run(a, "list", ""), "Singers", c.Room+"@groups.example.org")
	expect(t, "no name", run(a, "rename", field("circle", c.ID)+field("name", " ")), "type='error'")
	expect(t, "a member renames", run(b, "rename", ""), "item-not-found")
	expect(t, "left", run(a, "leave", field("circle", c.ID)+field("members", "bob@example.org")), "status='completed'")
	expect(t, "left twice", run(a, "leave", field("circle", c.ID)+field("members", "bob@example.org")), "item-not-found")
	expect(t, "removed", run(a, "remove", field("circle", c.ID)), "status='completed'")
	if list := s.Circles().List(); len(list) != 0 {
		t.Errorf("still there: %v", list)
	}
}

// Who comes with an invitation of a circle has contacts and a room from the first moment; a child has its
// guardian, too.
func TestInvitationIntoCircle(t *testing.T) {
	s := servertest.New(t)
	s.Account("alice")
	c := addCircle(t, s, "Family", "alice")
	a := s.Client("alice")
	a.Ask(rosterGet)
	inv, err := s.Auth.CreateInvite(t.Context(), auth.NewInvite{
		Kind: auth.InviteAccount, Role: auth.RoleLimited, Circles: []string{c.ID}, Guardians: []string{"alice"},
	})
	if err != nil {
		t.Fatal(err)
	}
	token, _ := s.Auth.InviteToken(inv)
	ticket, err := s.Auth.CheckInvite(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Auth.Register(t.Context(), ticket, auth.Registration{Name: "ben", Credential: auth.Password(servertest.Password)}); err != nil {
		t.Fatal(err)
	}
	push(t, a, "ben@example.org", "subscription='both'", "<group>Family</group>")
	if err := s.Circles().CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	ben := s.Client("ben")
	expect(t, "ben's roster", ben.Ask(rosterGet), "alice@example.org", "subscription='both'")
	expect(t, "ben's guardians", ben.Ask(`<iq type='get' id='g'><guardians xmlns='kith:guardian:0'/></iq>`), "alice@example.org")
	enter(t, ben, c.Room+"@groups.example.org", "ben")
	commands := ben.Ask(`<iq type='get' id='c' to='example.org'><query xmlns='http://jabber.org/protocol/disco#items' node='http://jabber.org/protocol/commands'/></iq>`)
	if strings.Contains(commands.String(), "urn:xmpp:invite") {
		t.Errorf("a child can invite: %s", commands)
	}
}
