package server_test

import (
	"strings"
	"testing"
	"time"

	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/server/auth"
	"kith/server/module"
	"kith/server/router"
	"kith/server/servertest"
)

// family is a server with a parent, her child Ben, a member and an administrator.
func family(t *testing.T, change ...func(*servertest.Options)) *servertest.Server {
	t.Helper()
	s := servertest.New(t, change...)
	s.Account("alice", "bob", "root")
	for name, role := range map[string]auth.Role{"root": auth.RoleAdmin} {
		if err := s.Auth.SetRole(t.Context(), name, role); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Auth.Create(t.Context(), "ben", auth.RoleLimited, auth.Password(servertest.Password)); err != nil {
		t.Fatal(err)
	}
	if err := s.Guardians().SetGuardians(t.Context(), "root", "ben", []string{"alice"}); err != nil {
		t.Fatal(err)
	}
	return s
}

func present(t *testing.T, s *servertest.Server, name string) *servertest.Client {
	t.Helper()
	c := s.Client(name)
	c.Ask(rosterGet)
	c.Send(`<presence/>`)
	return c
}

func decide(c *servertest.Client, peer, answer string) *stanza.Stanza {
	return c.Ask(`<iq type='set' id='d'><decide xmlns='kith:guardian:0' child='ben@example.org' jid='` + peer + `' answer='` + answer + `'/></iq>`)
}

// asked waits for what a guardian is told of a request.
func asked(t *testing.T, c *servertest.Client, parts ...string) {
	t.Helper()
	c.Wait(t, "request "+strings.Join(parts, " "), func(st *stanza.Stanza) bool {
		if st.Child(ns.KithGuardian, "asked").IsZero() || st.Body() == "" {
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

func isError(id string) func(*stanza.Stanza) bool {
	return func(st *stanza.Stanza) bool { return st.Type == stanza.Error && st.ID == id }
}

// nothing sees to it that a client has got nothing that matters up to now: it asks something and looks at what
// came before the answer.
func nothing(t *testing.T, c *servertest.Client, part string) {
	t.Helper()
	c.Ask(`<iq type='get' id='nothing' to='example.org'><ping xmlns='urn:xmpp:ping'/></iq>`)
	for _, st := range c.Take() {
		if strings.Contains(st.String(), part) {
			t.Errorf("%s got %s", c.JID, st)
		}
	}
}

// Somebody asks a child: the guardian, who was away, is told, and looks; before she agrees nothing passes in
// either direction, and afterwards everything does.
func TestChildIsAsked(t *testing.T) {
	s := family(t)
	ben, bob := present(t, s, "ben"), present(t, s, "bob")

	// What strangers see is what they see of an account that is not there.
	for _, text := range []string{
		`<message type='chat' id='x' to='%@example.org'><body>hello</body></message>`,
		`<message id='x' to='%@example.org'><x xmlns='jabber:x:conference' jid='r@groups.example.org'/></message>`,
		`<iq type='get' id='x' to='%@example.org'><vCard xmlns='vcard-temp'/></iq>`,
		`<iq type='get' id='x' to='%@example.org'><pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='urn:xmpp:omemo:2:devices'/></pubsub></iq>`,
		`<iq type='set' id='x' to='%@example.org/phone'><jingle xmlns='urn:xmpp:jingle:1' action='session-initiate' sid='s'/></iq>`,
		`<message type='chat' id='x' to='%@example.org'><propose xmlns='urn:xmpp:jingle-message:0' id='c'/></message>`,
	} {
		bob.Send(strings.ReplaceAll(text, "%", "ben"))
		known := bob.Wait(t, "an error", isError("x")).String()
		bob.Send(strings.ReplaceAll(text, "%", "nobody"))
		unknown := bob.Wait(t, "an error", isError("x")).String()
		if strings.ReplaceAll(known, "ben@", "nobody@") != unknown {
			t.Errorf("%s:\n%s\n%s", text, known, unknown)
		}
	}
	bob.Send(`<presence to='ben@example.org'/>`)
	bob.Send(`<presence type='subscribe' to='ben@example.org'><nick xmlns='http://jabber.org/protocol/nick'>Bob</nick><status>from school</status></presence>`)
	push(t, bob, "ben@example.org", "ask='subscribe'")

	// She was not there when it came.
	alice := present(t, s, "alice")
	asked(t, alice, "child='ben@example.org'", "jid='bob@example.org'", "direction='in'", "kind='contact'", "nick='Bob'", "from school")
	expect(t, "children", alice.Ask(`<iq type='get' id='c'><children xmlns='kith:guardian:0'/></iq>`),
		"<child jid='ben@example.org'><guardian jid='alice@example.org'/><request jid='bob@example.org' kind='contact' direction='in'", "nick='Bob'")
	nothing(t, ben, "bob")

	// Nobody else decides.
	for _, c := range []*servertest.Client{bob, ben, present(t, s, "root")} {
		expect(t, "decision of "+c.JID.Local(), decide(c, "bob@example.org", "approve"), "type='error'", "forbidden")
	}
	expect(t, "decision", decide(alice, "bob@example.org", "approve"), "type='result'")
	alice.Wait(t, "the change", func(st *stanza.Stanza) bool { return !st.Child(ns.KithGuardian, "changed").IsZero() })
	got := ben.Wait(t, "request", func(st *stanza.Stanza) bool { return st.Type == stanza.Subscribe })
	expect(t, "request", got, "from='bob@example.org'", "Bob", "from school")
	ben.Send(`<presence type='subscribed' to='bob@example.org'/>`)
	bob.Wait(t, "ben's presence", func(st *stanza.Stanza) bool { return st.Kind == stanza.Presence && st.From == ben.JID })
	bob.Send(`<message type='chat' id='m' to='ben@example.org'><body>hello Ben</body></message>`)
	ben.Message("hello Ben")
	ben.Send(`<message type='chat' id='m' to='bob@example.org'><body>hello Bob</body></message>`)
	bob.Message("hello Bob")
	expect(t, "ping", bob.Ask(`<iq type='get' id='p' to='`+ben.JID.String()+`'><ping xmlns='urn:xmpp:ping'/></iq>`), "id='p'")

	// And takes it back.
	expect(t, "taken back", decide(alice, "bob@example.org", "revoke"), "type='result'")
	push(t, ben, "bob@example.org", "subscription='remove'")
	bob.Wait(t, "the end", func(st *stanza.Stanza) bool { return st.Type == stanza.Unsubscribed })
	ben.Send(`<message type='chat' id='late' to='bob@example.org'><body>are you there</body></message>`)
	expect(t, "explanation", ben.Wait(t, "an error", isError("late")), "not-allowed", "<approval-required xmlns='kith:guardian:0'/>", "guardian")
	expect(t, "nothing to decide", decide(alice, "bob@example.org", "deny"), "item-not-found")
}

// A child asks somebody: it looks as if that person had not answered yet, who hears of it when the guardian
// has agreed; and when she refuses, as if that person had refused. It can be taken back before anybody decides.
func TestChildAsks(t *testing.T) {
	s := family(t)
	ben, bob, alice := present(t, s, "ben"), present(t, s, "bob"), present(t, s, "alice")
	ben.Send(`<presence type='subscribe' to='bob@example.org' id='s'/>`)
	push(t, ben, "bob@example.org", "ask='subscribe'")
	asked(t, alice, "jid='bob@example.org'", "direction='out'", "kind='contact'")
	expect(t, "ben's guardians", ben.Ask(`<iq type='get' id='g'><guardians xmlns='kith:guardian:0'/></iq>`),
		"<guardian jid='alice@example.org'/>", "<request jid='bob@example.org' kind='contact' direction='out'")
	// Another client of the child, whose server would repeat the request.
	present(t, s, "ben")
	nothing(t, bob, "ben")

	// Taken back: nobody has heard of it.
	ben.Ask(`<iq type='set' id='r'><query xmlns='jabber:iq:roster'><item jid='bob@example.org' subscription='remove'/></query></iq>`)
	expect(t, "nothing waits", decide(alice, "bob@example.org", "deny"), "item-not-found")
	nothing(t, bob, "ben")

	ben.Send(`<presence type='subscribe' to='bob@example.org'/>`)
	asked(t, alice, "jid='bob@example.org'", "direction='out'")
	expect(t, "refused", decide(alice, "bob@example.org", "deny"), "type='result'")
	push(t, ben, "bob@example.org", "subscription='none'/>")
	ben.Wait(t, "news", func(st *stanza.Stanza) bool {
		return st.Child(ns.KithGuardian, "decided").Attr("answer") == "denied" && strings.Contains(st.Body(), "bob@example.org")
	})
	ben.Send(`<presence type='subscribe' to='bob@example.org' id='again'/>`)
	expect(t, "again", ben.Wait(t, "an error", isError("again")), "not-allowed", "has said no")
	nothing(t, bob, "ben")

	// She changes her mind.
	expect(t, "approved", decide(alice, "bob@example.org", "approve"), "type='result'")
	ben.Send(`<presence type='subscribe' to='bob@example.org'/>`)
	bob.Wait(t, "request", func(st *stanza.Stanza) bool { return st.Type == stanza.Subscribe && st.From.Local() == "ben" })
}

// Rooms: none that is public, none without a guardian; invitations wait like requests; nobody is met alone there.
func TestChildInRooms(t *testing.T) {
	s := family(t)
	ben, bob, alice := present(t, s, "ben"), present(t, s, "bob"), present(t, s, "alice")
	owner := func(c *servertest.Client, room, fields string) {
		t.Helper()
		enter(t, c, room, c.JID.Local())
		x := `<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/muc#roomconfig</value></field>` + fields + `</x>`
		expect(t, "configuration", c.Ask(`<iq type='set' id='o' to='`+room+`'><query xmlns='http://jabber.org/protocol/muc#owner'>`+x+`</query></iq>`), "type='result'")
	}
	join := func(room string) *stanza.Stanza {
		t.Helper()
		ben.Send(`<presence to='` + room + `/ben' id='join'><x xmlns='http://jabber.org/protocol/muc'/></presence>`)
		return ben.Wait(t, "an answer", func(st *stanza.Stanza) bool {
			return st.Kind == stanza.Presence && st.From.Bare().String() == room && (st.ID == "join" || strings.Contains(st.String(), "code='110'"))
		})
	}
	member := func(c *servertest.Client, room, who, affiliation string) {
		t.Helper()
		expect(t, "affiliation", c.Ask(`<iq type='set' id='a' to='`+room+`'><query xmlns='http://jabber.org/protocol/muc#admin'><item affiliation='`+affiliation+`' jid='`+who+`@example.org'/></query></iq>`), "type='result'")
	}

	const square, den, home = "square@groups.example.org", "den@groups.example.org", "home@groups.example.org"
	owner(bob, square, `<field var='muc#roomconfig_publicroom'><value>1</value></field><field var='muc#roomconfig_membersonly'><value>0</value></field>`)
	owner(bob, den, ``)
	owner(bob, home, ``)

	expect(t, "a public room", join(square), "type='error'", "not-allowed", "approval-required")
	asked(t, alice, "jid='"+square+"'", "kind='room'", "direction='out'")
	list := ben.Ask(`<iq type='get' id='l' to='groups.example.org'><query xmlns='http://jabber.org/protocol/disco#items'/></iq>`)
	if strings.Contains(list.String(), square) {
		t.Errorf("the list has %s", list)
	}
	expect(t, "its archive", ben.Ask(`<iq type='set' id='q' to='`+square+`'><query xmlns='urn:xmpp:mam:2'/></iq>`), "forbidden")
	expect(t, "making one", join("mine@groups.example.org"), "type='error'", "not-allowed")

	// An invitation to a room without a guardian.
	bob.Send(`<message to='` + den + `' id='i'><x xmlns='http://jabber.org/protocol/muc#user'><invite to='ben@example.org'><reason>fun</reason></invite></x></message>`)
	asked(t, alice, "jid='"+den+"'", "kind='room'", "direction='in'", "by='bob@example.org'", "fun")
	nothing(t, ben, "den@")
	expect(t, "entering it", join(den), "not-allowed")
	expect(t, "approved", decide(alice, den, "approve"), "type='result'")
	ben.Wait(t, "invitation", func(st *stanza.Stanza) bool { return strings.Contains(st.String(), "<invite from='bob@example.org'") })
	expect(t, "entering it", join(den), "code='110'")

	// Nobody meets a child alone there, in whatever way.
	bob.Send(`<message type='chat' id='pm' to='` + den + `/ben'><body>psst</body></message>`)
	expect(t, "private message", bob.Wait(t, "an error", isError("pm")), "forbidden")
	ben.Send(`<message type='chat' id='pm' to='` + den + `/bob'><body>psst</body></message>`)
	expect(t, "private message", ben.Wait(t, "an error", isError("pm")), "forbidden")
	expect(t, "vCard", bob.Ask(`<iq type='get' id='v' to='`+den+`/ben'><vCard xmlns='vcard-temp'/></iq>`), "forbidden")
	ben.Send(`<message to='` + den + `' id='iv'><x xmlns='http://jabber.org/protocol/muc#user'><invite to='root@example.org'/></x></message>`)
	expect(t, "inviting", ben.Wait(t, "an error", isError("iv")), "forbidden")
	bob.Send(`<message type='groupchat' id='g' to='` + den + `'><body>to all</body></message>`)
	ben.Message("to all")

	expect(t, "taken back", decide(alice, den, "revoke"), "type='result'")
	ben.Wait(t, "leaving", func(st *stanza.Stanza) bool {
		return st.Kind == stanza.Presence && st.Type == stanza.Unavailable && st.From.Bare().String() == den && strings.Contains(st.String(), "code='110'")
	})

	// A private room to which a guardian belongs, until she does not.
	member(bob, home, "alice", "member")
	bob.Send(`<message to='` + home + `' id='i'><x xmlns='http://jabber.org/protocol/muc#user'><invite to='ben@example.org'/></x></message>`)
	ben.Wait(t, "invitation", func(st *stanza.Stanza) bool {
		return st.From.String() == home && strings.Contains(st.String(), "<invite from='bob@example.org'")
	})
	expect(t, "entering", join(home), "code='110'")
	member(bob, home, "alice", "none")
	ben.Wait(t, "leaving", func(st *stanza.Stanza) bool {
		return st.Kind == stanza.Presence && st.Type == stanza.Unavailable && st.From.Bare().String() == home && strings.Contains(st.String(), "code='110'")
	})
}

// Who belongs to a child without anybody's approval: guardians and those of a circle, with its room.
func TestChildInCircle(t *testing.T) {
	s := family(t)
	ben, bob := present(t, s, "ben"), present(t, s, "bob")
	c := addCircle(t, s, "Choir", "ben", "bob")
	push(t, ben, "bob@example.org", "subscription='both'", "Choir")
	bob.Send(`<message type='chat' id='m' to='ben@example.org'><body>la</body></message>`)
	ben.Message("la")
	enter(t, ben, c.Room+"@groups.example.org", "ben")
	if err := s.Circles().Leave(t.Context(), c.ID, "bob"); err != nil {
		t.Fatal(err)
	}
	push(t, ben, "bob@example.org", "subscription='remove'")
	bob.Send(`<message type='chat' id='m2' to='ben@example.org'><body>la</body></message>`)
	bob.Wait(t, "an error", isError("m2"))
	alice := present(t, s, "alice")
	alice.Send(`<presence type='subscribe' to='ben@example.org'/>`)
	ben.Wait(t, "request", func(st *stanza.Stanza) bool { return st.Type == stanza.Subscribe && st.From.Local() == "alice" })
	ben.Send(`<message type='chat' id='m3' to='alice@example.org'><body>Mum</body></message>`)
	alice.Message("Mum")
}

// An account becomes a child's, and one of a child becomes like others: contacts stay, what was not answered waits
// or arrives.
func TestRoleChanges(t *testing.T) {
	s := servertest.New(t)
	s.Account("ben", "bob", "carol", "dave", "root")
	if err := s.Auth.SetRole(t.Context(), "root", auth.RoleAdmin); err != nil {
		t.Fatal(err)
	}
	ben, bob, root := present(t, s, "ben"), present(t, s, "bob"), present(t, s, "root")
	bob.Send(`<presence type='subscribe' to='ben@example.org'/>`)
	ben.Wait(t, "request", func(st *stanza.Stanza) bool { return st.Type == stanza.Subscribe })
	ben.Send(`<presence type='subscribed' to='bob@example.org'/>`)
	push(t, bob, "subscription='to'")
	carol := present(t, s, "carol")
	carol.Send(`<presence type='subscribe' to='ben@example.org'/>`)
	ben.Wait(t, "request", func(st *stanza.Stanza) bool { return st.Type == stanza.Subscribe })
	ben.Send(`<presence type='subscribe' to='dave@example.org'/>`)
	push(t, ben, "dave@example.org")
	enter(t, bob, "square@groups.example.org", "bob")
	bob.Ask(`<iq type='set' id='o' to='square@groups.example.org'><query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='submit'>` +
		`<field var='FORM_TYPE'><value>http://jabber.org/protocol/muc#roomconfig</value></field><field var='muc#roomconfig_publicroom'><value>1</value></field>` +
		`<field var='muc#roomconfig_membersonly'><value>0</value></field></x></query></iq>`)
	enter(t, ben, "square@groups.example.org", "ben")

	if err := s.Auth.SetRole(t.Context(), "ben", auth.RoleLimited); err != nil {
		t.Fatal(err)
	}
	ben.Wait(t, "leaving the public room", func(st *stanza.Stanza) bool {
		return st.Kind == stanza.Presence && st.Type == stanza.Unavailable && st.From.Bare().Local() == "square" && strings.Contains(st.String(), "code='110'")
	})
	// Nobody was named: the administrators decide.
	expect(t, "children", root.Ask(`<iq type='get' id='c'><children xmlns='kith:guardian:0'/></iq>`),
		"<guardian jid='root@example.org'/>", "<request jid='carol@example.org' kind='contact' direction='in'",
		"<request jid='dave@example.org' kind='contact' direction='out'", "<approved jid='bob@example.org' kind='contact'")
	bob.Send(`<message type='chat' id='m' to='ben@example.org'><body>still here</body></message>`)
	ben.Message("still here")
	carol.Send(`<message type='chat' id='m' to='ben@example.org'><body>and I</body></message>`)
	carol.Wait(t, "an error", isError("m"))
	// Ben cannot agree by himself to what he was asked before.
	ben.Send(`<presence type='subscribed' to='carol@example.org' id='yes'/>`)
	ben.Wait(t, "an error", isError("yes"))
	nothing(t, carol, "type='subscribed'")

	if err := s.Auth.SetRole(t.Context(), "ben", auth.RoleMember); err != nil {
		t.Fatal(err)
	}
	ben.Wait(t, "carol's request", func(st *stanza.Stanza) bool { return st.Type == stanza.Subscribe && st.From.Local() == "carol" })
	carol.Send(`<message type='chat' id='m2' to='ben@example.org'><body>hello at last</body></message>`)
	ben.Message("hello at last")
	if got := root.Ask(`<iq type='get' id='c'><children xmlns='kith:guardian:0'/></iq>`).String(); strings.Contains(got, "ben@") {
		t.Errorf("still a child: %s", got)
	}
}

// far is the route to another server, which keeps what was sent there.
type far struct {
	routed chan *stanza.Stanza
	router module.Router
}

func (f *far) Take(env *module.Envelope) bool {
	if env.Stanza.To.Domain() != "far.example" && env.Stanza.To.Domain() != "p2.siacs.eu" {
		return false
	}
	f.routed <- env.Stanza
	env.Accept()
	return true
}

// The same boundary holds towards people of other servers and their rooms; what wakes a phone passes.
func TestChildAndOtherServers(t *testing.T) {
	f := &far{routed: make(chan *stanza.Stanza, 100)}
	s := family(t, func(o *servertest.Options) {
		o.Routes = append(o.Routes, func(r module.Router) router.Route { f.router = r; return f })
	})
	ben, alice := present(t, s, "ben"), present(t, s, "alice")
	from := func(text string) {
		t.Helper()
		st, err := stanza.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		module.Deliver(f.router, st)
	}
	next := func(parts ...string) {
		t.Helper()
		var st *stanza.Stanza
		select {
		case st = <-f.routed:
		case <-time.After(20 * time.Second):
			t.Fatalf("nothing went to the other server; wanted %s", parts)
		}
		expect(t, "what goes to the other server", st, parts...)
	}
	from(`<message from='eve@far.example/x' to='ben@example.org' type='chat' id='1'><body>hello</body></message>`)
	next("type='error'", "id='1'", "service-unavailable")
	from(`<presence from='eve@far.example' to='ben@example.org' type='subscribe'/>`)
	asked(t, alice, "jid='eve@far.example'")
	from(`<presence from='eve@far.example' to='ben@example.org' type='subscribe'/>`)
	from(`<presence from='eve@far.example/x' to='ben@example.org'/>`)
	from(`<presence from='eve@far.example' to='ben@example.org' type='subscribed'/>`)
	ben.Send(`<presence to='eve@far.example' id='p'/>`)
	ben.Wait(t, "an error", isError("p"))
	ben.Send(`<presence to='cave@rooms.far.example/ben' id='r'><x xmlns='http://jabber.org/protocol/muc'/></presence>`)
	ben.Wait(t, "an error", isError("r"))
	asked(t, alice, "jid='cave@rooms.far.example'", "kind='room'", "direction='out'")
	ben.Send(`<iq type='set' id='push' to='p2.siacs.eu'><command xmlns='http://jabber.org/protocol/commands' node='register-push-fcm'/></iq>`)
	next("to='p2.siacs.eu'", "id='push'")
	ben.Send(`<message id='bot' to='p2.siacs.eu'><body>hello</body></message>`)
	ben.Wait(t, "an error", isError("bot"))
	expect(t, "refused", decide(alice, "eve@far.example", "deny"), "type='result'")
	next("type='unsubscribed'", "to='eve@far.example'", "from='ben@example.org'")
	from(`<presence from='eve@far.example' to='ben@example.org' type='subscribe'/>`)
	nothing(t, alice, "eve@far.example")
	nothing(t, ben, "eve@far.example")
	expect(t, "approved unasked", decide(alice, "grandma@far.example", "approve"), "type='result'")
	from(`<message from='grandma@far.example/x' to='ben@example.org' type='chat' id='1'><body>hello dear</body></message>`)
	ben.Message("hello dear")
	if n := len(f.routed); n > 0 {
		t.Errorf("went out too: %s", <-f.routed)
	}
}

// What apps do that know only commands; and what is left of it after a restart.
func TestGuardianCommands(t *testing.T) {
	dir := t.TempDir()
	s := family(t, func(o *servertest.Options) { o.Dir = dir })
	ben, bob := present(t, s, "ben"), present(t, s, "bob")
	bob.Send(`<presence type='subscribe' to='ben@example.org'/>`)
	push(t, bob, "ben@example.org")
	nothing(t, ben, "bob@")
	s.Stop()

	s = servertest.New(t, func(o *servertest.Options) { o.Dir = dir })
	ben = present(t, s, "ben")
	alice, root := present(t, s, "alice"), present(t, s, "root")
	bob = present(t, s, "bob")
	run := func(c *servertest.Client, node string, fields ...string) *stanza.Stanza {
		t.Helper()
		x := ""
		if len(fields) > 0 {
			x = `<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>kith:guardian:0#` + node + `</value></field>`
			for i := 0; i < len(fields); i += 2 {
				x += `<field var='` + fields[i] + `'><value>` + fields[i+1] + `</value></field>`
			}
			x += `</x>`
		}
		return c.Ask(`<iq type='set' id='c' to='example.org'><command xmlns='http://jabber.org/protocol/commands' node='kith:guardian:0#` + node + `'>` + x + `</command></iq>`)
	}
	expect(t, "not for children", run(ben, "requests"), "item-not-found")
	expect(t, "not for others", run(bob, "requests"), "item-not-found")
	expect(t, "form", run(alice, "requests"), "status='executing'", "<value>ben bob@example.org</value>")
	expect(t, "answer", run(alice, "requests", "request", "ben bob@example.org", "answer", "approve"), "status='completed'")
	ben.Wait(t, "request", func(st *stanza.Stanza) bool { return st.Type == stanza.Subscribe && st.From.Local() == "bob" })
	expect(t, "nothing left", run(alice, "requests"), "status='completed'", "Nothing waits")
	expect(t, "approval", run(alice, "approve", "child", "ben", "jid", "grandma@far.example"), "status='completed'")
	expect(t, "taken away", run(alice, "revoke", "approval", "ben grandma@far.example"), "status='completed'")
	expect(t, "not hers to name", run(alice, "guardians"), "item-not-found")
	expect(t, "a child as guardian", run(root, "guardians", "child", "ben", "guardians", "ben@example.org"), "not-acceptable")
	expect(t, "named", run(root, "guardians", "child", "ben", "guardians", "bob@example.org"), "status='completed'")
	expect(t, "no guardian any more", run(alice, "approve"), "item-not-found")
	// She was one, and may still talk to him.
	alice.Send(`<message type='chat' id='m' to='ben@example.org'><body>good night</body></message>`)
	ben.Message("good night")
	expect(t, "the new one", run(bob, "approve"), "status='executing'")
	if err := s.Auth.Remove(t.Context(), "bob", 0); err != nil {
		t.Fatal(err)
	}
	if err := s.Auth.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, named, err := s.Guardians().Guardians("ben"); err != nil || named || len(got) != 1 || got[0] != "root" {
		t.Errorf("guardians %v %v %v", got, named, err)
	}
}
