package muc_test

import (
	"errors"
	"strings"
	"testing"

	"kith/internal/stanza"
	"kith/server/store"
)

// crew is a room with an owner, an admin, a member, and two others, all in it by the names of their
// accounts.
type crew struct {
	owner, admin, member, bob, carol *client
}

func newCrew(h *house, fields ...string) *crew {
	h.t.Helper()
	c := &crew{h.login("owner/o"), h.login("admin/a"), h.login("member/m"), h.login("bob/b"), h.login("carol@far.example/c")}
	c.owner.room(cave, append(append([]string{}, open...), fields...)...)
	c.owner.ok("%s", admin(cave, `<item affiliation='admin' jid='admin@kith.example'/><item affiliation='member' jid='member@kith.example'/>`))
	for _, x := range []*client{c.admin, c.member, c.bob, c.carol} {
		x.join(cave, x.jid.Local())
	}
	c.forget()
	return c
}

func (c *crew) forget() { forget(c.owner, c.admin, c.member, c.bob, c.carol) }

// One request can name somebody twice; who is out after the first time is not there for the second.
func TestKickTwice(t *testing.T) {
	in(t, options{}, func(t *testing.T, h *house) {
		c := newCrew(h)
		for _, second := range []string{"none", "participant", "moderator", "visitor"} {
			c.owner.refused(stanza.BadRequest, "%s", admin(cave, `<item nick='bob' role='none'/><item nick='bob' role='`+second+`'/>`))
		}
		c.bob.wants()
		c.owner.ok("%s", admin(cave, `<item nick='bob' role='none'/><item nick='carol' role='none'/><item affiliation='outcast' jid='bob@kith.example'/>`))
		c.bob.wants("code='307'")
		c.carol.wants("type='unavailable' … /bob'", "code='307'")
	})
}

func TestKick(t *testing.T) {
	in(t, options{}, func(t *testing.T, h *house) {
		c := newCrew(h)
		c.owner.ok("%s", admin(cave, `<item nick='bob' role='moderator'/>`))
		c.forget()
		// Order: the one who is kicked, the moderator's answer, the others (section 8.2).
		c.bob.send("%s", admin(cave, `<item nick='carol' role='none'><reason>Avaunt</reason></item>`))
		c.bob.wants("<iq … type='result'", "/carol' … type='unavailable' … affiliation='none' role='none' … <actor nick='bob'/><reason>Avaunt</reason> … code='307' … !110")
		c.carol.wants("type='unavailable' … <actor nick='bob'/> … <reason>Avaunt</reason> … code='110' … code='307'")
		c.member.wants("/carol' … code='307' … !jid=")
		c.carol.join(cave, "carol")
		c.forget()
		// Nobody kicks those who rank higher, nor another moderator unless he is an admin.
		c.bob.refused(stanza.NotAllowed, "%s", admin(cave, `<item nick='member' role='none'/>`))
		c.bob.refused(stanza.NotAllowed, "%s", admin(cave, `<item nick='owner' role='none'/>`))
		c.admin.refused(stanza.NotAllowed, "%s", admin(cave, `<item nick='owner' role='none'/>`))
		c.carol.refused(stanza.Forbidden, "%s", admin(cave, `<item nick='bob' role='none'/>`))
		h.login("dave/d").refused(stanza.Forbidden, "%s", admin(cave, `<item nick='bob' role='none'/>`))
		c.bob.refused(stanza.ItemNotFound, "%s", admin(cave, `<item nick='nobody' role='none'/>`))
		c.bob.refused(stanza.Conflict, "%s", admin(cave, `<item nick='bob' role='none'/>`))
		c.bob.refused(stanza.BadRequest, "%s", admin(cave, `<item nick='carol' role='none' affiliation='none' jid='x@y'/>`))
		c.bob.refused(stanza.BadRequest, "%s", admin(cave, `<item nick='carol' role='king'/>`))
		c.bob.refused(stanza.BadRequest, "%s", admin(cave, ``))
		c.admin.ok("%s", admin(cave, `<item nick='bob' role='none'/>`))
	})
}

func TestVoice(t *testing.T) {
	in(t, options{}, func(t *testing.T, h *house) {
		c := newCrew(h, "moderatedroom", "1")
		c.bob.say(cave, "hello")
		c.bob.wants("type='error' … forbidden")
		c.member.say(cave, "hello")
		c.bob.wants("<body>hello</body>")
		c.forget()
		// Section 8.3.
		c.admin.ok("%s", admin(cave, `<item nick='bob' role='participant'><reason>worthy</reason></item>`))
		c.bob.wants("/bob' … role='participant' … <reason>worthy</reason> … code='110'")
		c.member.wants("/bob' … role='participant' … <reason>worthy</reason>")
		c.bob.say(cave, "thanks")
		c.member.wants("thanks")
		// It lasts beyond the visit.
		c.bob.send(`<presence to='%s/bob' type='unavailable'/>`, cave)
		c.bob.join(cave, "bob")
		c.bob.say(cave, "again")
		c.forget()
		// Section 8.4.
		c.admin.refused(stanza.NotAllowed, "%s", admin(cave, `<item nick='owner' role='visitor'/>`))
		c.owner.refused(stanza.NotAllowed, "%s", admin(cave, `<item nick='admin' role='visitor'/>`))
		// All or nothing.
		c.admin.refused(stanza.NotAllowed, "%s", admin(cave, `<item nick='bob' role='visitor'/><item nick='owner' role='visitor'/>`))
		c.bob.wants()
		c.admin.ok("%s", admin(cave, `<item nick='bob' role='visitor'/><item nick='member' role='visitor'/>`))
		c.bob.say(cave, "no")
		c.member.send(`<presence to='%s/member' type='unavailable'/>`, cave)
		c.member.join(cave, "member")
		c.member.say(cave, "no")
		if got := c.member.got(); !matches(got[len(got)-1], "forbidden") {
			t.Errorf("%v", got)
		}
		c.forget()
		// Section 8.5.
		st := c.admin.ok("%s", list(cave, `<item role='visitor'/>`))
		for _, s := range []string{"nick='bob'", "nick='member'", "nick='carol'", "jid='bob@kith.example/b'", "affiliation='member'"} {
			if !strings.Contains(st.Inner(), s) {
				t.Errorf("no %s in %s", s, st)
			}
		}
		c.member.refused(stanza.Forbidden, "%s", list(cave, `<item role='visitor'/>`))
		// Section 7.13 and 8.6.
		ask := `<message to='` + cave + `' id='v'><x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/muc#request</value></field><field var='muc#role'><value>participant</value></field></x></message>`
		c.carol.send("%s", ask)
		form := "from='cave@groups.kith.example' … muc#request … muc#roomnick … carol … muc#request_allow"
		c.owner.wants(form)
		c.admin.wants(form)
		c.bob.wants()
		c.carol.send("%s", ask) // not twice in a minute
		c.carol.wants("type='error' … resource-constraint")
		c.owner.wants()
		grant := func(who *client, allow, jid string) {
			who.send(`<message to='%s' id='g'><x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/muc#request</value></field><field var='muc#role'><value>participant</value></field><field var='muc#jid'><value>%s</value></field><field var='muc#roomnick'><value>carol</value></field><field var='muc#request_allow'><value>%s</value></field></x></message>`, cave, jid, allow)
		}
		grant(c.bob, "1", "carol@far.example/c")
		c.bob.wants("type='error' … forbidden")
		grant(c.owner, "1", "somebody@else.example")
		c.owner.wants("type='error' … item-not-found")
		grant(c.owner, "0", "carol@far.example/c")
		c.carol.wants()
		grant(c.owner, "1", "carol@far.example/c")
		c.carol.wants("/carol' … role='participant' … code='110'")
		c.forget()
		// When the room is moderated no more, all have voice.
		c.owner.configure(cave, "moderatedroom", "0")
		c.bob.wants("/bob' … role='participant' … code='110'", "/member' … role='participant'", "code='104'")
	})
}

func TestModerators(t *testing.T) {
	in(t, options{}, func(t *testing.T, h *house) {
		c := newCrew(h)
		c.member.refused(stanza.Forbidden, "%s", admin(cave, `<item nick='bob' role='moderator'/>`))
		c.admin.ok("%s", admin(cave, `<item nick='bob' role='moderator'/>`))
		// Who becomes a moderator learns who the others are.
		got := c.bob.got()
		if !matches(got[0], "/bob' … role='moderator' … code='110'") || len(got) != 5 {
			t.Errorf("%v", got)
		}
		for _, st := range got[1:] {
			if !strings.Contains(st.Inner(), "jid='") {
				t.Errorf("%s", st)
			}
		}
		st := c.admin.ok("%s", list(cave, `<item role='moderator'/>`))
		if strings.Count(st.Inner(), "<item") != 3 {
			t.Errorf("%s", st)
		}
		c.bob.refused(stanza.Forbidden, "%s", list(cave, `<item role='moderator'/>`))
		c.admin.refused(stanza.NotAllowed, "%s", admin(cave, `<item nick='owner' role='participant'/>`))
		c.owner.refused(stanza.NotAllowed, "%s", admin(cave, `<item nick='admin' role='participant'/>`))
		c.admin.ok("%s", admin(cave, `<item nick='bob' role='participant'/>`))
		c.bob.wants("/bob' … role='participant' … code='110'")
	})
}

func TestBan(t *testing.T) {
	in(t, options{}, func(t *testing.T, h *house) {
		c := newCrew(h)
		c.admin.send("%s", admin(cave, `<item affiliation='outcast' jid='carol@far.example'><reason>Treason</reason></item>`))
		c.admin.wants("type='result'", "/carol' … type='unavailable' … affiliation='outcast' role='none' jid='carol@far.example/c' … Treason … code='301'")
		c.carol.wants("affiliation='outcast' … <actor nick='admin'/><reason>Treason</reason> … code='110' … code='301'")
		c.member.wants("/carol' … code='301' … !jid=")
		c.carol.enter(cave, "carol", "")
		c.carol.wants("forbidden")
		st := c.admin.ok("%s", list(cave, `<item affiliation='outcast'/>`))
		if !strings.Contains(st.Inner(), "<item affiliation='outcast' jid='carol@far.example'><reason>Treason</reason></item>") {
			t.Errorf("%s", st)
		}
		c.member.refused(stanza.Forbidden, "%s", list(cave, `<item affiliation='outcast'/>`))
		c.admin.refused(stanza.NotAllowed, "%s", admin(cave, `<item affiliation='outcast' jid='owner@kith.example'/>`))
		c.admin.refused(stanza.Conflict, "%s", admin(cave, `<item affiliation='outcast' jid='admin@kith.example'/>`))
		c.owner.refused(stanza.Conflict, "%s", admin(cave, `<item affiliation='outcast' jid='owner@kith.example'/>`))
		c.member.refused(stanza.Forbidden, "%s", admin(cave, `<item affiliation='outcast' jid='bob@kith.example'/>`))
		// All or nothing.
		c.admin.refused(stanza.NotAllowed, "%s", admin(cave, `<item affiliation='outcast' jid='bob@kith.example'/><item affiliation='outcast' jid='owner@kith.example'/>`))
		c.admin.refused(stanza.BadRequest, "%s", admin(cave, `<item affiliation='outcast' jid='x@y.example'/><item affiliation='none' jid='x@y.example/z'/>`))
		c.bob.say(cave, "here")
		c.member.wants("here")
		c.forget()
		// A whole domain; who is listed by name is not concerned.
		c.owner.ok("%s", admin(cave, `<item affiliation='member' jid='dave@far.example'/>`))
		dave, erin := h.login("dave@far.example/d"), h.login("erin@far.example/e")
		dave.join(cave, "dave")
		erin.join(cave, "erin")
		c.owner.ok("%s", admin(cave, `<item affiliation='outcast' jid='far.example'/>`))
		if got := erin.got(); !matches(got[len(got)-1], "code='110' … code='301'") {
			t.Errorf("%v", got)
		}
		dave.say(cave, "lucky")
		c.forget()
		// Lifting it.
		c.admin.ok("%s", admin(cave, `<item affiliation='none' jid='far.example'/>`))
		erin.join(cave, "erin")
	})
}

func TestMembership(t *testing.T) {
	in(t, options{}, func(t *testing.T, h *house) {
		c := newCrew(h)
		// Section 9.3.
		c.admin.ok("%s", admin(cave, `<item affiliation='member' jid='bob@kith.example/b' nick='Bobby'><reason>worthy</reason></item>`))
		c.bob.wants("/bob' … affiliation='member' role='participant' … <reason>worthy</reason> … code='110'")
		c.member.wants("/bob' … affiliation='member'")
		if st := c.bob.ok(`<iq type='get' to='%s' id='n'><query xmlns='http://jabber.org/protocol/disco#info' node='x-roomuser-item'/></iq>`, cave); !strings.Contains(st.Inner(), "name='Bobby'") {
			t.Errorf("%s", st)
		}
		c.carol.send(`<presence to='%s/bobby' id='n'/>`, cave)
		c.forget()
		c.admin.refused(stanza.Conflict, "%s", admin(cave, `<item affiliation='member' jid='x@kith.example' nick='BOBBY'/>`))
		c.admin.ok("%s", admin(cave, `<item affiliation='member' jid='bob@kith.example' nick=''/>`))
		c.carol.send(`<presence to='%s/bobby' id='n'/>`, cave)
		c.forget()
		// Section 9.4.
		c.admin.ok("%s", admin(cave, `<item affiliation='none' jid='bob@kith.example'/>`))
		c.bob.wants("/bob' … affiliation='none' role='participant' … code='110'")
		c.forget()
		// The list is not for everybody where it is not said who somebody is.
		c.member.refused(stanza.Forbidden, "%s", list(cave, `<item affiliation='member'/>`))
		c.admin.ok("%s", list(cave, `<item affiliation='member'/>`))
		c.admin.refused(stanza.Forbidden, "%s", list(cave, `<item affiliation='owner'/>`))
		c.owner.ok("%s", list(cave, `<item affiliation='owner'/>`))
		// In a private group it is: OMEMO needs it, also from outside.
		c.owner.configure(cave, "membersonly", "1", "whois", "anyone")
		// They do not learn, on their way out, who the others are.
		c.carol.wants("type='unavailable' … code='110' … code='322'")
		c.bob.wants("/bob' … type='unavailable' … code='110' … code='322'")
		c.forget()
		for _, a := range []string{"member", "admin", "owner"} {
			if st := c.member.ok("%s", list(cave, `<item affiliation='`+a+`'/>`)); !strings.Contains(st.Inner(), "jid='"+a+"@kith.example'") || strings.Contains(st.Inner(), "role=") {
				t.Errorf("%s", st)
			}
		}
		c.member.send(`<presence to='%s/member' type='unavailable'/>`, cave)
		c.forget()
		c.member.ok("%s", list(cave, `<item affiliation='member'/>`))
		c.bob.refused(stanza.Forbidden, "%s", list(cave, `<item affiliation='member'/>`))
		c.owner.configure(cave, "getmemberlist", "moderator")
		c.member.refused(stanza.Forbidden, "%s", list(cave, `<item affiliation='member'/>`))
		c.forget()
		// New members are told (section 9.5), and so are those who are there.
		c.admin.ok("%s", admin(cave, `<item affiliation='member' jid='bob@kith.example'/>`))
		c.bob.wants("from='cave@groups.kith.example' … <invite from='admin@kith.example'>")
		c.owner.wants("<message … from='cave@groups.kith.example' … affiliation='member' jid='bob@kith.example' role='none' … no-store")
		c.bob.join(cave, "bob")
		c.forget()
		// Who is a member no more leaves.
		c.admin.ok("%s", admin(cave, `<item affiliation='none' jid='bob@kith.example'/>`))
		c.bob.wants("type='unavailable' … affiliation='none' role='none' … <actor nick='admin'/> … code='110' … code='321'")
		c.owner.wants("/bob' … type='unavailable' … code='321'")
		c.bob.enter(cave, "bob", "")
		c.bob.wants("registration-required")
		// Mistakes.
		c.owner.refused(stanza.JIDMalformed, "%s", admin(cave, `<item affiliation='member' jid='@'/>`))
		c.owner.refused(stanza.BadRequest, "%s", admin(cave, `<item affiliation='member'/>`))
		c.owner.refused(stanza.BadRequest, "%s", admin(cave, `<item affiliation='king' jid='bob@kith.example'/>`))
		c.owner.refused(stanza.NotAcceptable, "%s", admin(cave, `<item affiliation='admin' jid='far.example'/>`))
		c.owner.refused(stanza.NotAcceptable, "%s", admin(cave, `<item affiliation='member' jid='other@groups.kith.example'/>`))
	})
}

func TestOwners(t *testing.T) {
	in(t, options{}, func(t *testing.T, h *house) {
		c := newCrew(h)
		// Sections 10.3 to 10.8.
		c.owner.refused(stanza.Conflict, "%s", admin(cave, `<item affiliation='admin' jid='owner@kith.example'/>`))
		c.admin.refused(stanza.Forbidden, "%s", admin(cave, `<item affiliation='owner' jid='bob@kith.example'/>`))
		c.admin.refused(stanza.Forbidden, "%s", admin(cave, `<item affiliation='admin' jid='bob@kith.example'/>`))
		c.admin.refused(stanza.Forbidden, "%s", admin(cave, `<item affiliation='none' jid='owner@kith.example'/>`))
		c.owner.ok("%s", admin(cave, `<item affiliation='owner' jid='bob@kith.example'/>`))
		if got := c.bob.got(); !matches(got[0], "/bob' … affiliation='owner' role='moderator' … code='110'") {
			t.Errorf("%v", got)
		}
		c.forget()
		c.owner.ok("%s", admin(cave, `<item affiliation='admin' jid='owner@kith.example'/>`))
		c.bob.wants("/owner' … affiliation='admin' role='moderator'")
		c.owner.refused(stanza.Forbidden, `<iq type='get' to='%s' id='c'><query xmlns='http://jabber.org/protocol/muc#owner'/></iq>`, cave)
		c.bob.ok("%s", admin(cave, `<item affiliation='none' jid='owner@kith.example'/>`))
		c.member.got()
		c.bob.wants("/owner' … affiliation='none' role='participant'")
		// By the form: its lists are complete.
		c.forget()
		c.bob.configure(cave, "roomadmins", "carol@far.example")
		got := c.member.got()
		if len(got) != 3 || !matches(got[0], "/admin' … affiliation='none' role='participant'") || !matches(got[1], "/carol' … affiliation='admin' role='moderator'") || !matches(got[2], "code='104'") {
			t.Errorf("%v", got)
		}
		c.bob.refused(stanza.Conflict, `<iq type='set' to='%s' id='c'>%s</iq>`, cave, config("roomowners", ""))
		c.bob.configure(cave, "roomowners", "member@kith.example")
		c.bob.refused(stanza.Forbidden, `<iq type='get' to='%s' id='c'><query xmlns='http://jabber.org/protocol/muc#owner'/></iq>`, cave)
		c.member.ok(`<iq type='get' to='%s' id='c'><query xmlns='http://jabber.org/protocol/muc#owner'/></iq>`, cave)
	})
}

func TestConfigurationChanges(t *testing.T) {
	in(t, options{}, func(t *testing.T, h *house) {
		c := newCrew(h)
		c.admin.refused(stanza.Forbidden, `<iq type='set' to='%s' id='c'>%s</iq>`, cave, config("roomname", "Mine"))
		c.owner.configure(cave, "roomname", "The cave", "changesubject", "1")
		c.bob.wants("type='groupchat' … from='cave@groups.kith.example' … code='104'")
		c.owner.configure(cave, "whois", "anyone")
		got := c.bob.got()
		if !matches(got[0], "code='172'") || len(got) != 5 || !matches(got[1], "jid='") {
			t.Errorf("%v", got)
		}
		c.owner.configure(cave, "whois", "moderators")
		c.bob.wants("code='173'")
		// Cancelling changes nothing.
		c.owner.ok(`<iq type='set' to='%s' id='1'><query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='cancel'/></query></iq>`, cave)
		c.bob.wants()
		for _, f := range [][]string{{"maxusers", "many"}, {"maxusers", "0"}, {"roomname", strings.Repeat("x", 300)}, {"allowpm", "someone"}, {"membersonly", "perhaps"}, {"roomowners", "owner@kith.example,@@"}} {
			c.owner.refused(stanza.NotAcceptable, `<iq type='set' to='%s' id='c'>%s</iq>`, cave, config(f...))
		}
		c.owner.refused(stanza.BadRequest, `<iq type='set' to='%s' id='c'><query xmlns='http://jabber.org/protocol/muc#owner'/></iq>`, cave)
		// Private messages.
		pm := func(x *client) []*stanza.Stanza {
			x.send(`<message type='chat' to='%s/owner'><body>psst</body></message>`, cave)
			return x.got()
		}
		c.forget()
		c.owner.configure(cave, "allowpm", "moderators")
		c.forget()
		if got := pm(c.bob); len(got) != 1 || !matches(got[0], "forbidden") {
			t.Errorf("%v", got)
		}
		if got := pm(c.admin); len(got) != 0 {
			t.Errorf("%v", got)
		}
		c.owner.configure(cave, "allowpm", "none")
		c.forget()
		if got := pm(c.admin); len(got) != 1 || !matches(got[0], "forbidden") {
			t.Errorf("%v", got)
		}
		// Presence that is not shown.
		c.owner.configure(cave, "presencebroadcast", "moderator")
		c.forget()
		c.bob.send(`<presence to='%s/bob'><show>away</show></presence>`, cave)
		c.carol.wants()
		c.bob.wants("<show>away</show> … code='110'")
		dave := h.login("dave/d")
		dave.enter(cave, "dave", "")
		if got := dave.got(); len(got) != 4 {
			t.Errorf("%v", got)
		}
		c.forget()
		c.owner.ok("%s", admin(cave, `<item nick='dave' role='moderator'/>`))
		c.bob.wants("/dave' … role='moderator'")
		c.owner.ok("%s", admin(cave, `<item nick='dave' role='participant'/>`))
		c.bob.wants("/dave' … type='unavailable' … role='none'")
	})
}

func TestDestroy(t *testing.T) {
	in(t, options{}, func(t *testing.T, h *house) {
		c := newCrew(h)
		destroy := `<iq type='set' to='` + cave + `' id='d'><query xmlns='http://jabber.org/protocol/muc#owner'><destroy jid='new@` + host + `'><password>x</password><reason>Macbeth</reason></destroy></query></iq>`
		c.admin.refused(stanza.Forbidden, "%s", destroy)
		c.owner.send("%s", destroy)
		c.owner.wants("type='unavailable' … affiliation='none' role='none' … <destroy jid='new@groups.kith.example'><password>x</password><reason>Macbeth</reason></destroy>", "type='result'")
		c.bob.wants("/bob' … type='unavailable' … <destroy … Macbeth")
		c.bob.refused(stanza.ItemNotFound, `<iq type='get' to='%s' id='1'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>`, cave)
		c.bob.say(cave, "x")
		c.bob.wants("item-not-found")
		// Another room of the name has nothing of the old one.
		c.bob.room(cave, open...)
		c.owner.join(cave, "owner")
		c.owner.refused(stanza.Forbidden, "%s", destroy)
	})
}

func TestChangesThatAreNotSaved(t *testing.T) {
	in(t, options{}, func(t *testing.T, h *house) {
		c := newCrew(h)
		h.log.ignore = true
		h.fail.set(errors.Join(store.ErrNotSaved))
		c.admin.refused(stanza.InternalServerError, "%s", admin(cave, `<item affiliation='outcast' jid='bob@kith.example'/>`))
		c.bob.wants()
		c.bob.say(cave, "lost")
		c.bob.wants("type='error' … internal-server-error")
		c.member.wants()
		h.fail.set(nil)
		c.bob.say(cave, "kept")
		c.member.wants("kept")
		c.admin.ok("%s", admin(cave, `<item affiliation='outcast' jid='bob@kith.example'/>`))
		c.bob.got()
	})
}
