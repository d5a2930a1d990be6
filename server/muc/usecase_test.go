package muc_test

import (
	"fmt"
	"strings"
	"testing"

	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/server/muc"
)

func invite(room, inner string) string {
	return `<message to='` + room + `' id='inv'><x xmlns='http://jabber.org/protocol/muc#user'>` + inner + `</x></message>`
}

func TestInvitations(t *testing.T) {
	in(t, options{}, func(t *testing.T, h *house) {
		c := newCrew(h)
		dave, erin := h.login("dave/d"), h.login("erin@far.example/e")
		// An open room: everybody in it may invite; nobody becomes a member.
		c.bob.send("%s", invite(cave, `<invite to='dave@kith.example'><reason>Hey</reason><continue thread='t1'/></invite><invite to='erin@far.example/e' from='forged@kith.example'/>`))
		dave.wants("from='cave@groups.kith.example' … <x xmlns='http://jabber.org/protocol/muc#user'><invite from='bob@kith.example'><reason>Hey</reason><continue thread='t1'/></invite></x>")
		erin.wants("<invite from='bob@kith.example'> … !forged")
		c.owner.wants()
		dave.send("%s", invite(cave, `<invite to='erin@far.example'/>`))
		dave.wants("type='error' … not-acceptable")
		// Declining.
		dave.send("%s", invite(cave, `<decline to='bob@kith.example'><reason>busy</reason></decline>`))
		c.bob.wants("from='cave@groups.kith.example' … <decline from='dave@kith.example'><reason>busy</reason></decline>")
		dave.send("%s", invite(cave, `<decline to='`+cave+`/bob'/>`))
		c.bob.wants("<decline from='dave@kith.example'/>")
		// The room is no way to write to strangers.
		dave.send("%s", invite(cave, `<decline to='erin@far.example'><reason>spam</reason></decline>`))
		dave.wants("type='error' … item-not-found")
		erin.wants()
		// Nobody there: the inviter is told.
		c.bob.send("%s", invite(cave, `<invite to='nobody@kith.example'/>`))
		c.bob.wants("type='error' … id='inv' … item-not-found … nobody@kith.example")
		c.bob.send("%s", invite(cave, `<invite to='kith.example'/>`))
		c.bob.wants("type='error' … jid-malformed")
		// With the password of the room.
		c.owner.configure(cave, "passwordprotectedroom", "1", "roomsecret", "sesame")
		c.forget()
		c.bob.send("%s", invite(cave, `<invite to='dave@kith.example'/>`))
		dave.wants("<password>sesame</password>")

		// A room for members: admins only, unless the members may.
		c.owner.configure(cave, "membersonly", "1", "whois", "anyone", "passwordprotectedroom", "0")
		c.forget()
		c.member.send("%s", invite(cave, `<invite to='dave@kith.example'/>`))
		c.member.wants("type='error' … type='auth' … forbidden")
		c.admin.send("%s", invite(cave, `<invite to='dave@kith.example'/>`))
		dave.wants("<invite from='admin@kith.example'>")
		c.member.wants("affiliation='member' jid='dave@kith.example'")
		dave.join(cave, "dave")
		c.owner.configure(cave, "allowinvites", "1")
		c.forget()
		c.member.send("%s", invite(cave, `<invite to='erin@far.example/e'/>`))
		erin.wants("<invite from='member@kith.example'>")
		erin.join(cave, "erin")
		// Also a member who is not in the room.
		erin.send(`<presence to='%s/erin' type='unavailable'/>`, cave)
		frank := h.login("frank/f")
		erin.send("%s", invite(cave, `<invite to='frank@kith.example'/>`))
		frank.wants("<invite from='erin@far.example'>")
		// Not who is banned.
		c.owner.ok("%s", admin(cave, `<item affiliation='outcast' jid='mallory@kith.example'/>`))
		c.forget()
		c.admin.send("%s", invite(cave, `<invite to='mallory@kith.example'/>`))
		c.admin.wants("type='error' … forbidden")
		// Not without end.
		var many strings.Builder
		for i := range 40 {
			fmt.Fprintf(&many, `<invite to='u%d@far.example'/>`, i)
		}
		for range 3 {
			c.member.send("%s", invite(cave, many.String()))
		}
		if got := c.member.got(); !matches(got[len(got)-1], "type='error' … resource-constraint") {
			t.Errorf("%s", got[len(got)-1])
		}
	})
}

func TestDirectInvitationPasses(t *testing.T) {
	in(t, options{}, func(t *testing.T, h *house) {
		alice, bob := h.login("alice/a"), h.login("bob/b")
		alice.send(`<message to='bob@kith.example'><x xmlns='jabber:x:conference' jid='%s' reason='x'/></message>`, cave)
		bob.wants("<x xmlns='jabber:x:conference'")
	})
}

func register(room, nick string) string {
	return `<iq type='set' to='` + room + `' id='reg'><query xmlns='jabber:iq:register'><x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/muc#register</value></field><field var='muc#register_roomnick'><value>` + nick + `</value></field></x></query></iq>`
}

func TestRegistration(t *testing.T) {
	in(t, options{}, func(t *testing.T, h *house) {
		c := newCrew(h)
		ask := `<iq type='get' to='` + cave + `' id='r'><query xmlns='jabber:iq:register'/></iq>`
		nick := `<iq type='get' to='` + cave + `' id='n'><query xmlns='http://jabber.org/protocol/disco#info' node='x-roomuser-item'/></iq>`
		if st := c.bob.ok("%s", ask); !matches(st, "<x xmlns='jabber:x:data' type='form'> … muc#register_roomnick … <required/> … !<registered/>") {
			t.Errorf("%s", st)
		}
		if st := c.bob.ok("%s", nick); st.Payload().CountChildren() != 0 {
			t.Errorf("%s", st)
		}
		c.bob.refused(stanza.Conflict, "%s", register(cave, "OWNER"))
		c.bob.refused(stanza.BadRequest, "%s", `<iq type='set' to='`+cave+`' id='reg'><query xmlns='jabber:iq:register'/></iq>`)
		c.bob.ok("%s", register(cave, "Bobby"))
		c.bob.wants("/bob' … affiliation='member' … code='110'")
		c.owner.wants("/bob' … affiliation='member'")
		if st := c.bob.ok("%s", ask); !matches(st, "<registered/><username>Bobby</username>") {
			t.Errorf("%s", st)
		}
		if st := c.bob.ok("%s", nick); !matches(st, "name='Bobby'") {
			t.Errorf("%s", st)
		}
		c.carol.send(`<presence to='%s/bobby' id='x'/>`, cave)
		c.carol.got()
		c.carol.refused(stanza.Conflict, "%s", register(cave, "bobby"))
		// A ban takes the nickname away (section 9.1).
		c.owner.ok("%s", admin(cave, `<item affiliation='outcast' jid='bob@kith.example'/>`))
		c.bob.refused(stanza.Forbidden, "%s", ask)
		c.carol.ok("%s", register(cave, "bobby"))
		c.carol.ok("%s", `<iq type='set' to='`+cave+`' id='reg'><query xmlns='jabber:iq:register'><remove/></query></iq>`)
		c.carol.refused(stanza.RegistrationRequired, "%s", `<iq type='set' to='`+cave+`' id='reg'><query xmlns='jabber:iq:register'><remove/></query></iq>`)
		c.forget()
		// A room for members that is listed: admins decide (section 9.9).
		c.owner.configure(cave, "membersonly", "1")
		dave := h.login("dave/d")
		c.forget()
		dave.ok("%s", register(cave, "David"))
		form := "from='cave@groups.kith.example' … <value>dave@kith.example</value> … <value>David</value> … muc#register_allow"
		c.owner.wants(form)
		c.admin.wants(form)
		dave.enter(cave, "dave", "")
		dave.wants("registration-required")
		approve := func(who *client, allow string) {
			who.send(`<message to='%s' id='a'><x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/muc#register</value></field><field var='muc#jid'><value>dave@kith.example</value></field><field var='muc#register_roomnick'><value>David</value></field><field var='muc#register_allow'><value>%s</value></field></x></message>`, cave, allow)
		}
		approve(c.member, "1")
		c.member.wants("type='error' … forbidden")
		approve(c.admin, "0")
		approve(c.admin, "1")
		dave.wants("<invite")
		dave.join(cave, "David")
		dave.ok("%s", register(cave, "Davy"))
		// Who gives it back leaves for good, also one that only members enter.
		c.forget()
		forget(dave)
		dave.ok("%s", `<iq type='set' to='`+cave+`' id='reg'><query xmlns='jabber:iq:register'><remove/></query></iq>`)
		dave.wants("type='unavailable' … affiliation='none' … code='321'")
		c.owner.wants("type='unavailable' … affiliation='none' … code='321'")
		dave.enter(cave, "David", "")
		dave.wants("registration-required")
		// One that is hidden: nobody but its members.
		c.owner.configure(cave, "publicroom", "0")
		h.login("erin/e").refused(stanza.NotAllowed, "%s", ask)
		h.login("erin/e2").refused(stanza.ItemNotFound, "%s", register("none@"+host, "x"))
	})
}

const pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="

func TestAvatar(t *testing.T) {
	in(t, options{}, func(t *testing.T, h *house) {
		c := newCrew(h)
		set := func(inner string) string {
			return `<iq type='set' to='` + cave + `' id='v'><vCard xmlns='vcard-temp'>` + inner + `</vCard></iq>`
		}
		get := `<iq type='get' to='` + cave + `' id='g'><vCard xmlns='vcard-temp'/></iq>`
		photo := `<PHOTO><TYPE>image/png</TYPE><BINVAL>` + pixel + `</BINVAL></PHOTO>`
		c.admin.refused(stanza.Forbidden, "%s", set(photo))
		c.owner.refused(stanza.BadRequest, "%s", set(`<PHOTO><BINVAL>***</BINVAL></PHOTO>`))
		c.owner.ok("%s", set(photo))
		const hash = "dfcd7d8d65e6a5cb4dff27a1d5e5e4b7d6b4d1b3"
		got := c.bob.got()
		if len(got) != 2 || !matches(got[0], "type='groupchat' … code='104'") || !matches(got[1], "<presence … from='cave@groups.kith.example' … vcard-temp:x:update … <photo>") {
			t.Errorf("%v", got)
		}
		sha := got[1].Root().Child("vcard-temp:x:update", "x").ChildText("vcard-temp:x:update", "photo")
		if len(sha) != len(hash) {
			t.Errorf("hash %q", sha)
		}
		if st := c.bob.ok("%s", get); !matches(st, "<vCard xmlns='vcard-temp'><PHOTO><TYPE>image/png</TYPE><BINVAL>"+pixel+"</BINVAL></PHOTO></vCard>") {
			t.Errorf("%s", st)
		}
		info := `<iq type='get' to='` + cave + `' id='i'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>`
		if st := h.login("dave/d").ok("%s", info); !matches(st, "muc#roominfo_avatarhash … <value>"+sha+"</value>") {
			t.Errorf("%s", st)
		}
		erin := h.login("erin/e")
		erin.enter(cave, "erin", "")
		if got := erin.got(); !matches(got[len(got)-1], "<photo>"+sha+"</photo>") {
			t.Errorf("%v", got)
		}
		// In a hidden room for members nobody else sees it.
		c.owner.configure(cave, "membersonly", "1", "publicroom", "0")
		frank := h.login("frank/f")
		frank.refused(stanza.Forbidden, "%s", get)
		if st := frank.ok("%s", info); !matches(st, "muc_hidden … muc_membersonly … !roominfo_avatarhash … !jabber:x:data") {
			t.Errorf("%s", st)
		}
		c.owner.ok("%s", set(""))
		if st := c.owner.ok("%s", get); !matches(st, "<vCard xmlns='vcard-temp'/>") {
			t.Errorf("%s", st)
		}
		if st := c.owner.ok("%s", info); !matches(st, "!avatarhash") {
			t.Errorf("%s", st)
		}
	})
}

func hat(node, fields string) string {
	if fields != "" {
		fields = `<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>urn:xmpp:hats:commands</value></field>` + fields + `</x>`
	}
	return `<iq type='set' to='` + cave + `' id='hat'><command xmlns='http://jabber.org/protocol/commands' action='execute' node='urn:xmpp:hats:commands:` + node + `'>` + fields + `</command></iq>`
}

func field(name, value string) string {
	return `<field var='` + name + `'><value>` + value + `</value></field>`
}

func TestHats(t *testing.T) {
	in(t, options{}, func(t *testing.T, h *house) {
		c := newCrew(h)
		if st := c.owner.ok("%s", hat("create", "")); !matches(st, "status='executing' … hats#title … hats#uri … <required/>") {
			t.Errorf("%s", st)
		}
		c.bob.refused(stanza.Forbidden, "%s", hat("create", ""))
		teacher := field("hats#uri", "http://example.org/hats#teacher")
		create := hat("create", teacher+field("hats#title", "Teacher")+field("hats#hue", "327.25"))
		if st := c.owner.ok("%s", create); !matches(st, "status='completed'") {
			t.Errorf("%s", st)
		}
		c.bob.wants("code='104'")
		c.owner.refused(stanza.NotAcceptable, "%s", hat("create", teacher+field("hats#title", "T")+field("hats#hue", "red")))
		c.owner.refused(stanza.BadRequest, "%s", hat("create", teacher))
		c.owner.refused(stanza.ItemNotFound, "%s", hat("assign", field("hats#jid", "bob@kith.example")+field("hats#uri", "http://example.org/none")))
		c.owner.refused(stanza.ItemNotFound, "%s", hat("dance", ""))
		c.forget()
		c.admin.ok("%s", hat("assign", field("hats#jid", "bob@kith.example")+teacher))
		want := "/bob' … <hats xmlns='urn:xmpp:hats:0'><hat title='Teacher' uri='http://example.org/hats#teacher' hue='327.25'/></hats> … muc#user"
		c.member.wants(want)
		c.bob.wants(want + " … code='110'")
		// Those who come later see it, too.
		dave := h.login("dave/d")
		dave.enter(cave, "dave", "")
		seen := false
		for _, st := range dave.got() {
			seen = seen || matches(st, want)
		}
		if !seen {
			t.Error("no hats on joining")
		}
		if st := dave.ok("%s", hat("list", "")); !matches(st, "status='completed' … <item><field var='hats#title'><value>Teacher</value>") {
			t.Errorf("%s", st)
		}
		dave.refused(stanza.Forbidden, "%s", hat("list-assigned", ""))
		if st := c.admin.ok("%s", hat("list-assigned", "")); !matches(st, "bob@kith.example") {
			t.Errorf("%s", st)
		}
		if st := c.bob.ok(`<iq type='get' to='%s' id='1'><query xmlns='http://jabber.org/protocol/disco#items' node='http://jabber.org/protocol/commands'/></iq>`, cave); st.Payload().CountChildren() != 1 {
			t.Errorf("%s", st)
		}
		if st := c.owner.ok(`<iq type='get' to='%s' id='1'><query xmlns='http://jabber.org/protocol/disco#items' node='http://jabber.org/protocol/commands'/></iq>`, cave); st.Payload().CountChildren() != 6 {
			t.Errorf("%s", st)
		}
		c.owner.ok(`<iq type='get' to='%s' id='1'><query xmlns='http://jabber.org/protocol/disco#info' node='urn:xmpp:hats:commands:create'/></iq>`, cave)
		c.forget()
		c.owner.ok("%s", hat("unassign", field("hats#jid", "bob@kith.example")+teacher))
		c.member.wants("/bob' … !hats")
		c.owner.ok("%s", hat("assign", field("hats#jid", "bob@kith.example")+teacher))
		c.forget()
		// A hat that is destroyed is taken from everybody.
		c.owner.ok("%s", hat("destroy", teacher))
		c.member.wants("/bob' … !hats", "code='104'")
	})
}

func TestRelay(t *testing.T) {
	in(t, options{}, func(t *testing.T, h *house) {
		c := newCrew(h)
		c.bob.send(`<iq type='get' to='%s/carol' id='v1'><query xmlns='jabber:iq:version'/></iq>`, cave)
		got := c.carol.got()
		want(t, "carol", got, "<iq to='carol@far.example/c' from='cave@groups.kith.example/bob' … type='get' … jabber:iq:version")
		id := got[0].ID
		if id == "v1" {
			t.Error("the id is not the room's own")
		}
		// Others cannot answer.
		c.member.send(`<iq type='result' to='%s/bob' id='%s'><query xmlns='jabber:iq:version'><name>forged</name></query></iq>`, cave, id)
		c.bob.wants()
		c.carol.send(`<iq type='result' to='%s/bob' id='%s'><query xmlns='jabber:iq:version'><name>X</name></query></iq>`, cave, id)
		c.bob.wants("<iq to='bob@kith.example/b' from='cave@groups.kith.example/carol' id='v1' type='result' … <name>X</name>")
		// Not twice.
		c.carol.send(`<iq type='result' to='%s/bob' id='%s'/>`, cave, id)
		c.bob.wants()
		// Errors pass, too.
		c.bob.send(`<iq type='get' to='%s/carol' id='v2'><ping xmlns='urn:xmpp:ping'/></iq>`, cave)
		id = c.carol.got()[0].ID
		c.carol.send(`<iq type='error' to='%s/bob' id='%s'><error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>`, cave, id)
		c.bob.wants("from='cave@groups.kith.example/carol' id='v2' type='error' … service-unavailable")
		// The vCard is the account's.
		c.bob.send(`<iq type='get' to='%s/carol' id='v3'><vCard xmlns='vcard-temp'/></iq>`, cave)
		bare := &client{h: h, jid: c.carol.jid.Bare(), far: h.far.of(c.carol.jid.Bare())}
		got = bare.got()
		want(t, "carol's server", got, "to='carol@far.example' from='cave@groups.kith.example/bob' … vcard-temp")
		bare.send(`<iq type='result' to='%s/bob' id='%s'><vCard xmlns='vcard-temp'/></iq>`, cave, got[0].ID)
		c.bob.wants("from='cave@groups.kith.example/carol' id='v3' type='result'")
		// Who is not here.
		dave := h.login("dave/d")
		dave.refused(stanza.BadRequest, `<iq type='get' to='%s/bob' id='1'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>`, cave)
		dave.refused(stanza.NotAcceptable, `<iq type='get' to='%s/bob' id='1'><query xmlns='jabber:iq:version'/></iq>`, cave)
		c.bob.refused(stanza.ItemNotFound, `<iq type='get' to='%s/nobody' id='1'><query xmlns='jabber:iq:version'/></iq>`, cave)
		// Many at once.
		for i := range 1100 {
			c.bob.send(`<iq type='get' to='%s/carol' id='many%d'><query xmlns='jabber:iq:version'/></iq>`, cave, i)
		}
		refused := 0
		for _, st := range c.bob.got() {
			if matches(st, "type='error' … resource-constraint") {
				refused++
			}
		}
		if refused != 100 {
			t.Errorf("%d refused", refused)
		}
	})
}

func TestDisco(t *testing.T) {
	in(t, options{}, func(t *testing.T, h *house) {
		c := newCrew(h, "roomname", "The cave", "roomdesc", "dark", "lang", "en")
		if st := c.bob.ok(`<iq type='get' to='%s' id='1'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>`, host); !matches(st, "category='conference' type='text' … http://jabber.org/protocol/muc' … urn:xmpp:occupant-id:0 … muc#stable_id … vcard-temp") {
			t.Errorf("%s", st)
		}
		if len(h.Registry.Items) != 1 || h.Registry.Items[0].JID.String() != host {
			t.Errorf("%v", h.Registry.Items)
		}
		c.bob.ok(`<iq type='get' to='%s' id='1'><ping xmlns='urn:xmpp:ping'/></iq>`, host)
		c.bob.ok(`<iq type='get' to='%s' id='1'><ping xmlns='urn:xmpp:ping'/></iq>`, cave)
		c.bob.refused(stanza.ServiceUnavailable, `<iq type='get' to='%s' id='1'><query xmlns='jabber:iq:version'/></iq>`, host)
		c.bob.refused(stanza.ServiceUnavailable, `<iq type='get' to='%s/x' id='1'><ping xmlns='urn:xmpp:ping'/></iq>`, host)
		c.bob.refused(stanza.ItemNotFound, `<iq type='get' to='%s' id='1'><query xmlns='http://jabber.org/protocol/disco#items' node='x'/></iq>`, host)
		c.bob.refused(stanza.ServiceUnavailable, `<iq type='get' to='%s' id='1'><query xmlns='jabber:iq:last'/></iq>`, cave)
		c.bob.refused(stanza.ServiceUnavailable, `<iq type='get' to='%s' id='1'><query xmlns='http://jabber.org/protocol/disco#info' node='http://jabber.org/protocol/muc#traffic'/></iq>`, cave)
		st := h.login("dave/d").ok(`<iq type='get' to='%s' id='1'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>`, cave)
		for _, s := range []string{"name='The cave'", "muc_public", "muc_open", "muc_semianonymous", "urn:xmpp:message-moderate:1", "urn:xmpp:message-retract:1#tombstone", "self-ping-optimization", "urn:xmpp:mam:2#extended", "urn:xmpp:sid:0", "urn:xmpp:hats:0", "<value>dark</value>", "<value>5</value>", "<value>en</value>"} {
			if !strings.Contains(st.Inner(), s) {
				t.Errorf("no %s in %s", s, st)
			}
		}
		// Who is in it, those who are know (section 6.5).
		items := `<iq type='get' to='` + cave + `' id='1'><query xmlns='http://jabber.org/protocol/disco#items'/></iq>`
		if st := c.bob.ok("%s", items); st.Payload().CountChildren() != 5 {
			t.Errorf("%s", st)
		}
		if st := h.login("erin/e").ok("%s", items); st.Payload().CountChildren() != 0 {
			t.Errorf("%s", st)
		}
	})
}

func TestRoomList(t *testing.T) {
	in(t, options{config: func(c *muc.Config) { c.MaxRooms = 1000 }}, func(t *testing.T, h *house) {
		alice, far := h.login("alice/a"), h.login("carol@far.example/c")
		alice.room("hidden@" + host)
		var all []string
		for i := range 7 {
			name := fmt.Sprintf("room%d@%s", i, host)
			alice.room(name, append([]string{"roomname", fmt.Sprintf("Room %d", i)}, open...)...)
			all = append(all, name)
		}
		read := func(inner string) (names []string, st *stanza.Stanza) {
			st = alice.ok(`<iq type='get' to='%s' id='l'><query xmlns='http://jabber.org/protocol/disco#items'>%s</query></iq>`, host, inner)
			for c := range st.Payload().Children() {
				if c.Is(ns.DiscoItems, "item") {
					names = append(names, c.Attr("jid"))
				}
			}
			return names, st
		}
		names, st := read("")
		if strings.Join(names, " ") != strings.Join(all, " ") || !strings.Contains(st.Inner(), "name='Room 3'") || strings.Contains(st.Inner(), "hidden") {
			t.Errorf("%s", st)
		}
		var got []string
		after := ""
		for range 4 {
			names, st := read(rsmSet("<max>2</max>" + after))
			got = append(got, names...)
			if !strings.Contains(st.Inner(), "<count>7</count>") {
				t.Errorf("%s", st)
			}
			after = "<after>" + names[len(names)-1] + "</after>"
		}
		if strings.Join(got, " ") != strings.Join(all, " ") {
			t.Errorf("%v", got)
		}
		alice.refused(stanza.ItemNotFound, `<iq type='get' to='%s' id='l'><query xmlns='http://jabber.org/protocol/disco#items'>%s</query></iq>`, host, rsmSet("<after>x@y</after>"))
		// Others see no list.
		if st := far.ok(`<iq type='get' to='%s' id='l'><query xmlns='http://jabber.org/protocol/disco#items'/></iq>`, host); st.Payload().CountChildren() != 0 {
			t.Errorf("%s", st)
		}
	})
}
