package muc_test

import (
	"strings"
	"testing"
	"time"

	"kith/internal/stanza"
	"kith/server/muc"
)

// Rooms that nobody has configured count as soon as they are made by themselves, however many were begun at once.
func TestTooManyRoomsAtOnce(t *testing.T) {
	in(t, options{config: func(c *muc.Config) { c.MaxRooms = 2 }}, func(t *testing.T, h *house) {
		alice := h.login("alice/a")
		for _, name := range []string{"one", "two", "three", "four", "five"} {
			alice.fire(`<presence to='%s@groups.kith.example/alice'><x xmlns='http://jabber.org/protocol/muc'/></presence>`, name)
		}
		alice.got()
		h.Clock.Advance(muc.DefaultConfig().ConfigureTime)
		gone := 0
		for _, st := range alice.got() {
			if matches(st, "type='unavailable' … <destroy") {
				gone++
			}
		}
		if n, err := h.fail.Owned(t.Context(), alice.jid.Bare()); err != nil || n != 2 || gone != 3 {
			t.Errorf("alice has %d rooms, %d are gone, %v", n, gone, err)
		}
	})
}

func TestJoin(t *testing.T) {
	in(t, options{}, func(t *testing.T, h *house) {
		alice, bob, carol := h.login("alice/a"), h.login("bob/b"), h.login("carol@far.example/c")

		// The maker: section 10.1.2.
		alice.enter(cave, "Alice", "")
		alice.wants(
			"<presence to='alice@kith.example/a' from='cave@groups.kith.example/Alice' id='join' … affiliation='owner' … role='moderator' … jid='alice@kith.example/a' … code='201' … code='110' … code='100' … occupant-id",
			"<subject/>",
		)
		// Nobody else comes in before it is configured.
		bob.enter(cave, "Bob", "")
		bob.wants("type='error' … <x xmlns='http://jabber.org/protocol/muc'/> … item-not-found")
		bob.refused(stanza.ItemNotFound, `<iq type='get' to='%s' id='1'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>`, cave)
		alice.say(cave, "early")
		alice.wants("type='error' … item-not-found")
		alice.ok(`<iq type='set' to='%s' id='2'>%s</iq>`, cave, config(open...))
		alice.wants()

		// Order of events: section 7.1. Moderators alone learn who somebody is.
		bob.enter(cave, "Bob", "")
		bob.wants(
			"from='cave@groups.kith.example/Alice' … affiliation='owner' … role='moderator' … !jid= … !code=",
			"from='cave@groups.kith.example/Bob' id='join' … affiliation='none' … role='participant' … jid='bob@kith.example/b' … code='110' … !code='100' … !code='201'",
			"<subject/>",
		)
		alice.wants("from='cave@groups.kith.example/Bob' … affiliation='none' … role='participant' … jid='bob@kith.example/b' … !code= … !id='join'")
		carol.enter(cave, "Carol", "")
		carol.wants("/Alice' … !jid=", "/Bob' … !jid=", "/Carol' … code='110'", "<subject/>")
		bob.wants("/Carol' … !jid=")
		alice.wants("/Carol' … jid='carol@far.example/c'")

		// Again: it has lost track (section 18.3). The others are not bothered.
		bob.enter(cave, "Bob", "")
		bob.wants("/Alice'", "/Carol'", "/Bob' id='join' … code='110'", "<subject/>")
		alice.wants()

		// Without the element it is nobody who enters: section 7.2.17.
		dave := h.login("dave/d")
		dave.send(`<presence to='%s/Dave'/>`, cave)
		dave.wants("type='unavailable' … code='110' … code='307' … code='333'")
		alice.wants()
		// Presence of other types neither enters nor leaves: section 18.3.
		dave.send(`<presence to='%s/Dave' type='unavailable'/>`, cave)
		dave.send(`<presence to='%s/Dave' type='probe'/>`, cave)
		bob.send(`<presence to='%s/Bob' type='probe'/>`, cave)
		dave.wants()
		bob.wants()
		// Nor do subscriptions.
		dave.send(`<presence to='%s' type='subscribe'/>`, cave)
		if got := dave.got(); len(got) == 0 || got[len(got)-1].Type == stanza.Subscribed {
			t.Errorf("subscription: %v", got)
		}
	})
}

func TestJoinRefused(t *testing.T) {
	in(t, options{config: func(c *muc.Config) { c.MaxNick = 20; c.MaxOccupants = 3; c.MaxRooms = 2 }}, func(t *testing.T, h *house) {
		alice, bob, carol := h.login("alice/a"), h.login("bob/b"), h.login("carol@far.example/c")
		alice.room(cave, append([]string{"passwordprotectedroom", "1", "roomsecret", "sesame"}, open...)...)
		refused := func(c *client, room, nick, extra string, want string) {
			t.Helper()
			c.enter(room, nick, extra)
			c.wants("<presence … type='error' … id='join' … <x xmlns='http://jabber.org/protocol/muc'/> … " + want)
		}
		secret := "<password>sesame</password>"
		refused(bob, cave, "Bob", "", "type='auth' … not-authorized")
		refused(bob, cave, "Bob", "<password>sesam</password>", "not-authorized")
		bob.send(`<presence to='%s' id='join'><x xmlns='http://jabber.org/protocol/muc'/></presence>`, cave)
		bob.wants("type='error' … jid-malformed")
		refused(bob, cave, strings.Repeat("x", 21), secret, "not-acceptable")
		refused(bob, cave, "   ", secret, "jid-malformed")
		// Nicknames that could be confused: RFC 8266.
		for _, nick := range []string{"alice", "Alice", "ALICE", " alice ", "ａｌｉｃｅ"} {
			refused(bob, cave, nick, secret, "type='cancel' … conflict")
		}
		bob.enter(cave, "Bob", secret)
		forget(bob, alice)
		// Full: section 7.2.9. Admins come in nevertheless.
		carol.enter(cave, "Carol", secret)
		forget(carol)
		dave, erin := h.login("dave/d"), h.login("erin/e")
		refused(dave, cave, "Dave", secret, "type='wait' … service-unavailable")
		alice.ok("%s", admin(cave, `<item affiliation='admin' jid='erin@kith.example'/>`))
		erin.enter(cave, "Erin", secret)
		if got := erin.got(); !matches(got[len(got)-1], "<subject/>") {
			t.Errorf("admin: %v", got)
		}
		// Banned, and banned by the domain.
		alice.ok("%s", admin(cave, `<item affiliation='outcast' jid='dave@kith.example'/><item affiliation='outcast' jid='other.example'/>`))
		refused(dave, cave, "Dave", secret, "type='auth' … forbidden")
		refused(h.login("mallory@other.example/m"), cave, "M", secret, "forbidden")
		// A room for members.
		alice.configure(cave, "membersonly", "1", "passwordprotectedroom", "0")
		frank := h.login("frank/f")
		refused(frank, cave, "Frank", "", "type='auth' … registration-required")
		// By order of the server.
		h.policy.join["erin"] = false
		erin.send(`<presence to='%s/Erin' type='unavailable'/>`, cave)
		forget(erin)
		refused(erin, cave, "Erin", "", "forbidden")

		// Who may make rooms.
		refused(h.login("carol@far.example/c2"), "new@"+host, "Carol", "", "type='cancel' … not-allowed")
		h.policy.create["frank"] = false
		refused(frank, "new@"+host, "Frank", "", "not-allowed")
		alice.room("two@" + host)
		refused(alice, "three@"+host, "Alice", "", "resource-constraint")
		h.policy.admins["alice"] = true
		alice.room("three@" + host)
	})
}

func TestMembersOnlyByDefault(t *testing.T) {
	in(t, options{}, func(t *testing.T, h *house) {
		alice, bob := h.login("alice/a"), h.login("bob/b")
		// An instant room: section 10.1.2.
		alice.enter(cave, "Alice", "")
		alice.ok(`<iq type='set' to='%s' id='1'><query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='submit'/></query></iq>`, cave)
		forget(alice)
		info := alice.ok(`<iq type='get' to='%s' id='2'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>`, cave)
		for _, f := range []string{"muc_hidden", "muc_persistent", "muc_membersonly", "muc_nonanonymous", "muc_unmoderated", "muc_unsecured", "urn:xmpp:mam:2", "vcard-temp", "urn:xmpp:occupant-id:0"} {
			if !strings.Contains(info.Inner(), "var='"+f+"'") {
				t.Errorf("no feature %s in %s", f, info)
			}
		}
		bob.enter(cave, "Bob", "")
		bob.wants("registration-required")
		// It is not listed.
		if st := alice.ok(`<iq type='get' to='%s' id='3'><query xmlns='http://jabber.org/protocol/disco#items'/></iq>`, host); st.Payload().CountChildren() != 0 {
			t.Errorf("listed: %s", st)
		}
		// It stays when everybody has left.
		alice.send(`<presence to='%s/Alice' type='unavailable'/>`, cave)
		forget(alice)
		h.Clock.Advance(time.Hour)
		alice.enter(cave, "Alice", "")
		alice.wants("!code='201' … code='110'", "<subject/>")
	})
}

func TestPublicProfile(t *testing.T) {
	in(t, options{config: func(c *muc.Config) { c.NewRooms = muc.Public }}, func(t *testing.T, h *house) {
		alice, bob := h.login("alice/a"), h.login("bob/b")
		alice.room(cave)
		bob.join(cave, "Bob")
		if st := bob.ok(`<iq type='get' to='%s' id='3'><query xmlns='http://jabber.org/protocol/disco#items'/></iq>`, host); !strings.Contains(st.Inner(), cave) {
			t.Errorf("not listed: %s", st)
		}
	})
}

func TestNewRoomIsGivenUp(t *testing.T) {
	t.Run("maker leaves", func(t *testing.T) {
		in(t, options{}, func(t *testing.T, h *house) {
			alice, bob := h.login("alice/a"), h.login("bob/b")
			alice.enter(cave, "Alice", "")
			forget(alice)
			alice.send(`<presence to='%s/Alice' type='unavailable'/>`, cave)
			alice.wants("type='unavailable' … code='110'")
			bob.enter(cave, "Bob", "")
			bob.wants("affiliation='owner' … code='201'", "<subject/>")
		})
	})
	t.Run("cancel", func(t *testing.T) {
		in(t, options{}, func(t *testing.T, h *house) {
			alice, bob := h.login("alice/a"), h.login("bob/b")
			alice.enter(cave, "Alice", "")
			forget(alice)
			alice.ok(`<iq type='set' to='%s' id='1'><query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='cancel'/></query></iq>`, cave)
			alice.wants("type='unavailable' … <destroy")
			bob.enter(cave, "Bob", "")
			bob.wants("code='201'", "<subject/>")
		})
	})
	t.Run("time", func(t *testing.T) {
		in(t, options{}, func(t *testing.T, h *house) {
			alice := h.login("alice/a")
			alice.enter(cave, "Alice", "")
			forget(alice)
			h.Clock.Advance(5 * time.Minute)
			h.Settle()
			alice.say(cave, "hi")
			alice.wants("<body>hi</body>")
		})
	})
	t.Run("unacceptable", func(t *testing.T) {
		in(t, options{}, func(t *testing.T, h *house) {
			alice := h.login("alice/a")
			alice.enter(cave, "Alice", "")
			forget(alice)
			alice.refused(stanza.NotAcceptable, `<iq type='set' to='%s' id='1'>%s</iq>`, cave, config("passwordprotectedroom", "1"))
			alice.refused(stanza.NotAcceptable, `<iq type='set' to='%s' id='1'>%s</iq>`, cave, config("whois", "nobody"))
			alice.refused(stanza.Conflict, `<iq type='set' to='%s' id='1'>%s</iq>`, cave, config("roomowners", ""))
			alice.ok(`<iq type='set' to='%s' id='1'>%s</iq>`, cave, config("no-such-field", "1", "roomowners", "alice@kith.example,bob@kith.example", "maxusers", "7"))
			st := alice.ok(`<iq type='get' to='%s' id='1'><query xmlns='http://jabber.org/protocol/muc#owner'/></iq>`, cave)
			for _, s := range []string{"<value>bob@kith.example</value>", "<value>7</value>"} {
				if !strings.Contains(st.Inner(), s) {
					t.Errorf("no %s in %s", s, st)
				}
			}
		})
	})
}

func TestTemporaryRoom(t *testing.T) {
	in(t, options{}, func(t *testing.T, h *house) {
		alice, bob := h.login("alice/a"), h.login("bob/b")
		alice.room(cave, append([]string{"persistentroom", "0"}, open...)...)
		bob.join(cave, "Bob")
		alice.send(`<presence to='%s/alice' type='unavailable'/>`, cave)
		bob.send(`<presence to='%s/Bob' type='unavailable'/>`, cave)
		forget(alice, bob)
		bob.enter(cave, "Bob", "")
		bob.wants("affiliation='owner' … code='201'", "<subject/>")
	})
}

func TestMultiSessionNick(t *testing.T) {
	in(t, options{}, func(t *testing.T, h *house) {
		alice, phone, tablet := h.login("alice/a"), h.login("bob/phone"), h.login("bob/tablet")
		alice.room(cave, open...)
		phone.join(cave, "Bob")
		forget(alice)
		forget(phone, tablet)
		tablet.enter(cave, "Bob", "")
		tablet.wants("/alice'", "/Bob' id='join' … jid='bob@kith.example/tablet' … code='110'", "<subject/>")
		alice.wants() // nothing new to see
		phone.wants()
		alice.say(cave, "hi")
		phone.wants("<body>hi</body>")
		tablet.wants("<body>hi</body>")
		tablet.say(cave, "yes")
		phone.wants("from='cave@groups.kith.example/Bob' … <body>yes</body>")
		forget(alice, tablet)
		// Private messages reach both.
		alice.send(`<message type='chat' to='%s/Bob' id='p'><body>psst</body></message>`, cave)
		phone.wants("type='chat' … from='cave@groups.kith.example/alice' … psst … <x xmlns='http://jabber.org/protocol/muc#user'/>")
		tablet.wants("psst")
		// The phone goes away: the tablet is shown from now on.
		phone.send(`<presence to='%s/Bob'><show>away</show></presence>`, cave)
		alice.wants("/Bob' … jid='bob@kith.example/tablet' … !<show>")
		phone.wants("<show>away</show> … code='110'")
		forget(tablet)
		phone.send(`<presence to='%s/Bob' type='unavailable'/>`, cave)
		phone.wants("type='unavailable' … code='110'")
		alice.wants()
		// The tablet takes another nickname.
		tablet.send(`<presence to='%s/Robert' id='nick'/>`, cave)
		tablet.wants("type='unavailable' … nick='Robert' … code='303'", "/Robert' id='nick' … code='110'")
		alice.wants("/Bob' … type='unavailable' … nick='Robert' … code='303'", "/Robert'")
		// Two clients with different nicknames, of which one takes that of the other.
		phone.join(cave, "Bob")
		forget(alice, tablet)
		phone.send(`<presence to='%s/Robert'/>`, cave)
		phone.wants("/Bob' … type='unavailable' … code='303'", "/Robert' … code='110'")
		alice.wants("/Bob' … type='unavailable' … code='303'")
		forget(tablet)
		// And writes it otherwise: both have it.
		phone.send(`<presence to='%s/ROBERT'/>`, cave)
		if got := tablet.got(); !matches(got[len(got)-1], "/ROBERT' … code='110'") {
			t.Errorf("tablet: %v", got)
		}
		alice.wants("/Robert' … nick='ROBERT' … code='303'", "/ROBERT'")
		alice.send(`<message type='chat' to='%s/Robert'><body>old</body></message>`, cave)
		alice.wants("item-not-found")
	})
}

func TestNickChangeRefused(t *testing.T) {
	in(t, options{}, func(t *testing.T, h *house) {
		alice, bob := h.login("alice/a"), h.login("bob/b")
		alice.room(cave, open...)
		bob.join(cave, "Bob")
		alice.ok("%s", admin(cave, `<item affiliation='member' jid='carol@kith.example' nick='Carol'/>`))
		forget(alice, bob)
		for nick, condition := range map[string]string{"alice": "conflict", "CAROL": "conflict", " ": "jid-malformed", strings.Repeat("x", 100): "not-acceptable"} {
			bob.send(`<presence to='%s/%s' id='n'/>`, cave, nick)
			bob.wants("type='error' … id='n' … " + condition)
		}
		alice.wants()
		bob.say(cave, "still")
		alice.wants("/Bob' … still")
	})
}

func TestLeave(t *testing.T) {
	in(t, options{}, func(t *testing.T, h *house) {
		alice, bob, carol := h.login("alice/a"), h.login("bob/b"), h.login("carol/c")
		alice.room(cave, open...)
		bob.join(cave, "Bob")
		carol.join(cave, "Carol")
		forget(alice, bob, carol)
		bob.send(`<presence to='%s/Bob' type='unavailable'><status>bye</status><x xmlns='http://jabber.org/protocol/muc#user'><status code='301'/></x></presence>`, cave)
		bob.wants("type='unavailable' … <status>bye</status> … role='none' … code='110' … !301")
		alice.wants("/Bob' … type='unavailable' … <status>bye</status> … role='none' … jid='bob@kith.example/b' … !110 … !301")
		carol.wants("/Bob' … type='unavailable' … !jid=")
		// Lost connections: the server of the client says so.
		carol.Close()
		alice.wants("/Carol' … type='unavailable'")
	})
}

func TestGhost(t *testing.T) {
	in(t, options{}, func(t *testing.T, h *house) {
		alice, bob := h.login("alice/a"), h.login("bob@far.example/b")
		alice.room(cave, open...)
		bob.join(cave, "Bob")
		forget(alice, bob)
		// Errors of other kinds mean nothing; that to a private message is for who wrote it.
		alice.say(cave, "all")
		alice.send(`<message type='chat' id='pm' to='%s/Bob'><body>one</body></message>`, cave)
		forget(alice, bob)
		bob.send(`<message type='error' to='%s/alice' id='m-all'><error type='cancel'><feature-not-implemented xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>`, cave)
		alice.wants()
		bob.send(`<message type='error' to='%s/alice' id='pm'><error type='cancel'><feature-not-implemented xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>`, cave)
		alice.wants("type='error' … from='cave@groups.kith.example/Bob' … id='pm' … feature-not-implemented")
		bob.send(`<message type='error' to='%s/alice'><error type='cancel'><remote-server-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>`, cave)
		alice.wants("/Bob' … type='unavailable' … code='333' … !307")
		bob.wants("type='unavailable' … code='110' … code='333'")
		bob.say(cave, "x")
		bob.wants("type='error' … not-acceptable")
		if h.muc.Counters().Ghosts.Load() != 1 {
			t.Error("not counted")
		}
	})
}

func TestSelfPing(t *testing.T) {
	in(t, options{}, func(t *testing.T, h *house) {
		alice, bob, other := h.login("alice/a"), h.login("bob/b"), h.login("bob/other")
		alice.room(cave, open...)
		bob.join(cave, "Bob")
		ping := func(c *client, nick string) *stanza.Stanza {
			return c.ask(`<iq type='get' to='%s/%s' id='p'><ping xmlns='urn:xmpp:ping'/></iq>`, cave, nick)
		}
		if st := ping(bob, "Bob"); st.Type != stanza.Result {
			t.Errorf("%s", st)
		}
		// XEP-0410 section 3.2: neither item-not-found nor anything that looks like being there.
		for _, st := range []*stanza.Stanza{
			ping(other, "Bob"), ping(other, "Nobody"),
			other.ask(`<iq type='get' to='none@%s/Bob' id='q'><ping xmlns='urn:xmpp:ping'/></iq>`, host),
		} {
			if st.Type != stanza.Error || st.ReadFault().Condition != stanza.NotAcceptable {
				t.Errorf("%s", st)
			}
		}
	})
}
