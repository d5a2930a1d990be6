package muc_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"kith/internal/stanza"
	"kith/server/module"
	"kith/server/muc"
	"kith/server/router/routertest"
	"kith/server/store/storetest"
)

// A server that is started again knows its rooms, and not who was in them.
func TestRestart(t *testing.T) {
	dir := t.TempDir()
	var occupant string
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, options{db: storetest.OpenDir(t, dir)})
		c := newCrew(h, "roomname", "The cave", "changesubject", "1")
		c.owner.ok("%s", admin(cave, `<item affiliation='outcast' jid='mallory@kith.example'><reason>bad</reason></item><item affiliation='member' jid='member@kith.example' nick='Mem'/>`))
		c.owner.ok(`<iq type='set' to='%s' id='v'><vCard xmlns='vcard-temp'><PHOTO><BINVAL>%s</BINVAL></PHOTO></vCard></iq>`, cave, pixel)
		c.owner.ok("%s", hat("create", field("hats#uri", "u:1")+field("hats#title", "Chef")))
		c.owner.ok("%s", hat("assign", field("hats#jid", "bob@kith.example")+field("hats#uri", "u:1")))
		c.bob.say(cave, "before")
		c.owner.send(`<message type='groupchat' to='%s' id='s'><subject>topic</subject></message>`, cave)
		c.forget()
		c.bob.say(cave, "id")
		occupant = occupantID.FindStringSubmatch(c.bob.got()[0].String())[1]
	})
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, options{db: storetest.OpenDir(t, dir)})
		bob, owner, mallory, dave := h.login("bob/b"), h.login("owner/o"), h.login("mallory/m"), h.login("dave/d")
		// What clients that believe to be there get: XEP-0410, section 7.2.17.
		bob.say(cave, "x")
		bob.wants("not-acceptable")
		bob.refused(stanza.NotAcceptable, `<iq type='get' to='%s/bob' id='p'><ping xmlns='urn:xmpp:ping'/></iq>`, cave)
		bob.send(`<presence to='%s/bob'/>`, cave)
		bob.wants("type='unavailable' … code='333'")
		bob.enter(cave, "bob", "")
		bob.wants(
			"/bob' … <hat title='Chef' uri='u:1'/> … affiliation='none' … code='110' … !201", "/bob' … <body>before</body> … <delay", "<body>id</body> … <delay",
			"/owner' … <subject>topic</subject> … <delay", "<photo>",
		)
		bob.say(cave, "after")
		if got := bob.got(); occupantID.FindStringSubmatch(got[0].String())[1] != occupant {
			t.Errorf("another occupant id: %s", got[0])
		}
		mallory.enter(cave, "m", "")
		mallory.wants("forbidden")
		dave.enter(cave, "mem", "")
		dave.wants("conflict")
		owner.join(cave, "owner")
		if st := owner.ok("%s", list(cave, `<item affiliation='outcast'/>`)); !matches(st, "mallory@kith.example … <reason>bad</reason>") {
			t.Errorf("%s", st)
		}
		st := owner.ok(`<iq type='get' to='%s' id='c'><query xmlns='http://jabber.org/protocol/muc#owner'/></iq>`, cave)
		if !matches(st, "The cave … admin@kith.example") {
			t.Errorf("%s", st)
		}
		if got := bodies(query(t, owner, cave, "")); !slices.Equal(got, []string{"before", "", "id", "after"}) {
			t.Errorf("%q", got)
		}
	})
}

// A room in which nobody is leaves the memory, and comes back as it was.
func TestUnload(t *testing.T) {
	in(t, options{config: func(c *muc.Config) { c.IdleTime = time.Minute }}, func(t *testing.T, h *house) {
		alice := h.login("alice/a")
		alice.room(cave, "roomname", "The cave")
		for i := range 20 {
			alice.say(cave, fmt.Sprint(i))
			alice.send(`<presence to='%s/alice' type='unavailable'/>`, cave)
			forget(alice)
			h.Clock.Advance(2 * time.Minute)
			h.Settle()
			if n := h.muc.Loaded(); n != 0 {
				t.Fatalf("%d rooms are in memory", n)
			}
			alice.enter(cave, "alice", "<history maxstanzas='1'/>")
			alice.wants("/alice' … code='110'", "<body>"+fmt.Sprint(i)+"</body>", "<subject/>")
		}
		// What is no room stays not at all.
		for i := range 50 {
			alice.refused(stanza.ItemNotFound, `<iq type='get' to='none%d@%s' id='1'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>`, i, host)
		}
		if n := h.muc.Loaded(); n != 1 {
			t.Errorf("%d rooms are in memory", n)
		}
	})
}

func TestTemporaryRoomsAfterRestart(t *testing.T) {
	dir := t.TempDir()
	temporary := append([]string{"persistentroom", "0"}, open...)
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, options{db: storetest.OpenDir(t, dir)})
		alice := h.login("alice/a")
		alice.room(cave, temporary...)
		alice.room("hill@"+host, temporary...)
		alice.room("stay@"+host, open...)
	})
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, options{db: storetest.OpenDir(t, dir)})
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			h.muc.Run(ctx)
			close(done)
		}()
		bob := h.login("bob/b")
		// Who comes back finds the room as it was.
		bob.enter(cave, "bob", "")
		bob.wants("affiliation='none' … code='110' … !201", "<subject/>")
		h.Clock.Advance(61 * time.Minute)
		h.Settle()
		for room, there := range map[string]bool{cave: true, "hill@" + host: false, "stay@" + host: true} {
			st := bob.ask(`<iq type='get' to='%s' id='1'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>`, room)
			if (st.Type == stanza.Result) != there {
				t.Errorf("%s: %s", room, st)
			}
		}
		stop()
		<-done
	})
}

func TestPurge(t *testing.T) {
	in(t, options{}, func(t *testing.T, h *house) {
		c := newCrew(h)
		alone, shared := "alone@"+host, "shared@"+host
		c.owner.room(alone)
		c.owner.room(shared)
		c.owner.ok("%s", admin(shared, `<item affiliation='member' jid='zoe@kith.example'/><item affiliation='admin' jid='carol@far.example'/><item affiliation='admin' jid='bob@kith.example' nick='Bobby'/>`))
		c.owner.ok("%s", hat("create", field("hats#uri", "u:1")+field("hats#title", "Chef")))
		c.owner.ok("%s", hat("assign", field("hats#jid", "owner@kith.example")+field("hats#uri", "u:1")))
		c.forget()
		for range 2 {
			if err := h.muc.Purge(t.Context(), "owner"); err != nil {
				t.Fatal(err)
			}
		}
		// It was the only one in one room, which is gone; in the others somebody else takes over.
		c.bob.refused(stanza.ItemNotFound, `<iq type='get' to='%s' id='1'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>`, alone)
		for room, heir := range map[string]*client{cave: c.admin, shared: c.bob} {
			st := heir.ok("%s", list(room, `<item affiliation='owner'/>`))
			if strings.Count(st.Inner(), "<item") != 1 || !matches(st, heir.jid.Bare().String()) {
				t.Errorf("%s", st)
			}
		}
		if st := c.admin.ok("%s", hat("list-assigned", "")); matches(st, "owner@kith.example") {
			t.Errorf("%s", st)
		}
		// A reserved nickname is free again.
		if err := h.muc.Purge(t.Context(), "bob"); err != nil {
			t.Fatal(err)
		}
		c.carol.ok("%s", list(shared, `<item affiliation='owner'/>`))
		c.carol.enter(shared, "Bobby", "")
		if got := c.carol.got(); matches(got[len(got)-1], "type='error'") {
			t.Errorf("%v", got)
		}
		if err := h.muc.Purge(t.Context(), "nobody"); err != nil {
			t.Error(err)
		}
		h.fail.set(errors.New("disk"))
		if err := h.muc.Purge(t.Context(), "carol"); err != nil {
			t.Error(err) // no account of this server
		}
		if err := h.muc.Purge(t.Context(), "zoe"); err == nil {
			t.Error("a purge that failed was called done")
		}
	})
}

func TestShutdown(t *testing.T) {
	in(t, options{}, func(t *testing.T, h *house) {
		c := newCrew(h)
		c.bob.say(cave, "last")
		h.Settle()
		if err := h.muc.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		c.bob.wants("last", "/bob' … type='unavailable' … code='110' … code='332'")
		c.carol.wants("last", "/carol' … code='332'")
		// Nobody takes responsibility for what comes later.
		accepted := c.member.Client.Send(`<message type='groupchat' to='` + cave + `' id='late'><body>late</body></message>`)
		h.Settle()
		select {
		case <-accepted:
			t.Error("accepted")
		default:
		}
	})
}

func TestCommands(t *testing.T) {
	in(t, options{}, func(t *testing.T, h *house) {
		c := newCrew(h)
		run := func(node, inner string) string {
			if inner != "" {
				inner = `<x xmlns='jabber:x:data' type='submit'>` + field("FORM_TYPE", "kith:groups:0#"+node) + inner + `</x>`
			}
			return `<iq type='set' to='` + routertest.Domain + `' id='cmd'><command xmlns='http://jabber.org/protocol/commands' node='kith:groups:0#` + node + `'>` + inner + `</command></iq>`
		}
		root := h.login("root/r")
		root.refused(stanza.ItemNotFound, "%s", run("list", ""))
		h.policy.admins["root"] = true
		c.owner.room("hidden@" + host)
		if st := root.ok("%s", run("list", "")); !matches(st, cave+" … hidden@"+host) {
			t.Errorf("%s", st)
		}
		if st := root.ok("%s", run("owner", "")); !matches(st, "status='executing' … <required/>") {
			t.Errorf("%s", st)
		}
		root.refused(stanza.BadRequest, "%s", run("owner", field("room", cave)))
		root.refused(stanza.NotAcceptable, "%s", run("owner", field("room", "x@kith.example")+field("owner", "root@kith.example")))
		root.ok("%s", run("owner", field("room", cave)+field("owner", "root@kith.example")))
		h.Settle()
		root.ok("%s", list(cave, `<item affiliation='owner'/>`))
		root.ok("%s", run("destroy", field("room", cave)+field("reason", "spam")))
		if got := c.bob.got(); !matches(got[len(got)-1], "<destroy><reason>spam</reason></destroy>") {
			t.Errorf("%v", got)
		}
	})
}

// Who joins a very large room gets everybody, in order, without flooding the mailbox of the account; and who does
// not take it is removed.
func TestLargeRoom(t *testing.T) {
	in(t, options{config: func(c *muc.Config) { c.MaxOccupants = 3000 }}, func(t *testing.T, h *house) {
		alice := h.login("alice/a")
		alice.room(cave, open...)
		const n = 600
		for i := range n {
			x := h.login(fmt.Sprintf("u%d@far.example/x", i))
			x.enter(cave, fmt.Sprintf("u%d", i), "")
		}
		forget(alice)
		bob := h.login("bob/b")
		release := h.hold(cave)
		bob.enter(cave, "bob", "")
		h.Settle()
		// While this goes on, somebody speaks: it comes behind.
		alice.say(cave, "hello")
		h.Settle()
		release()
		got := bob.got()
		if len(got) != n+1+1+1+1 {
			t.Fatalf("%d stanzas", len(got))
		}
		for i, st := range got[:n+1] {
			if st.Kind != stanza.Presence || strings.Contains(st.Inner(), "code=") {
				t.Fatalf("%d: %s", i, st)
			}
		}
		want(t, "bob", got[n+1:], "/bob' … code='110'", "<subject/>", "hello")
		if h.Overflow.Load() != 0 {
			t.Errorf("%d overflows", h.Overflow.Load())
		}
		alice.say(cave, "again")
		bob.wants("again")
	})
}

// Rooms, clients and timers all at once, for the race detector; and nothing is lost.
func TestCrowd(t *testing.T) {
	h := newHouse(t, options{bare: true, config: func(c *muc.Config) { c.IdleTime = time.Second }})
	const rooms, people, each = 4, 8, 20
	var wg sync.WaitGroup
	clients := make([]*routertest.Client, people)
	for i := range clients {
		clients[i] = h.Bind(fmt.Sprintf("p%d/x", i))
	}
	for i := range rooms {
		room := fmt.Sprintf("r%d@%s", i, host)
		clients[0].Send(fmt.Sprintf(`<presence to='%s/p0'><x xmlns='http://jabber.org/protocol/muc'/></presence>`, room))
		if st := clients[0].Ask(fmt.Sprintf(`<iq type='set' to='%s' id='c%d'>%s</iq>`, room, i, config(open...))); st.Type != stanza.Result {
			t.Fatal(st)
		}
		for j := 1; j < people; j++ {
			clients[j].Send(fmt.Sprintf(`<presence to='%s/p%d'><x xmlns='http://jabber.org/protocol/muc'/></presence>`, room, j))
			clients[j].Wait(t, "to be in", func(st *stanza.Stanza) bool {
				return st.Kind == stanza.Message && st.From.Bare().String() == room
			})
		}
	}
	for j, c := range clients {
		wg.Go(func() {
			for k := range each {
				for i := range rooms {
					c.Send(fmt.Sprintf(`<message type='groupchat' to='r%d@%s' id='%d-%d'><body>%d</body></message>`, i, host, j, k, k))
				}
				c.Send(fmt.Sprintf(`<presence to='r0@%s/p%d'><status>%d</status></presence>`, host, j, k))
				c.Send(fmt.Sprintf(`<iq type='set' to='r1@%s' id='q%d-%d'><query xmlns='urn:xmpp:mam:2'/></iq>`, host, j, k))
				h.Clock.Advance(time.Millisecond)
			}
		})
	}
	wg.Wait()
	for j, c := range clients {
		for range people * each * rooms {
			c.Wait(t, "every message", func(st *stanza.Stanza) bool { return st.Type == stanza.Groupchat && st.Body() != "" })
		}
		for k := range each {
			c.Wait(t, "every answer", func(st *stanza.Stanza) bool { return st.ID == fmt.Sprintf("q%d-%d", j, k) })
		}
	}
}

// A flood finds the mailbox full, and is sent back.
func TestFlood(t *testing.T) {
	in(t, options{config: func(c *muc.Config) { c.Mailbox = 64 }}, func(t *testing.T, h *house) {
		c := newCrew(h)
		release := h.hold(cave)
		const n = 100
		for i := range n {
			h.Router.Route(module.NewEnvelope(routertest.Parse(t, fmt.Sprintf(`<message type='groupchat' from='bob@kith.example/b' to='%s' id='f%d'><body>x</body></message>`, cave, i)), nil))
		}
		release()
		refused := 0
		for _, st := range c.bob.got() {
			if matches(st, "type='error' … resource-constraint") {
				refused++
			}
		}
		if refused == 0 || uint64(refused) != h.muc.Counters().Overflow.Load() {
			t.Errorf("%d refused, %d counted", refused, h.muc.Counters().Overflow.Load())
		}
	})
}
