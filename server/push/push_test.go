package push_test

import (
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kith/internal/clock"
	"kith/internal/jid"
	"kith/internal/stanza"
	"kith/server/module"
	"kith/server/push"
	"kith/server/router/routertest"
	"kith/server/store"
	"kith/server/store/storetest"
)

type house struct {
	*routertest.House
	t    *testing.T
	push *push.Service
}

// late is a router that is known only when the house is there.
type late struct{ to *module.Router }

func (l late) Route(env *module.Envelope) { (*l.to).Route(env) }

// hooks archive nothing and handle no presence.
type hooks struct{}

func (hooks) Register(r *module.Registry) {
	r.OnPresence(func(p *module.Passage) {
		if p.Direction == module.Outgoing && p.Stanza.To.IsZero() {
			p.Session.SetPresence(p.Stanza)
		}
	})
	r.OnMiss(func(*module.Passage) bool { return true })
}

func newHouse(t *testing.T, db *store.DB) *house {
	t.Helper()
	var to module.Router
	h := &house{t: t}
	clk := clock.NewFake(routertest.Start)
	h.push = push.New(jid.Must(routertest.Domain), db.Push(), late{&to}, clk, slog.New(slog.DiscardHandler))
	h.House = routertest.New(t, hooks{}, h.push)
	h.Clock = clk
	to = h.Router
	return h
}

func expect(t *testing.T, what string, st *stanza.Stanza, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(st.String(), w) {
			t.Errorf("%s: no %s in\n%s", what, w, st)
		}
	}
}

func enable(node string) string {
	return `<iq type='set' id='e'><enable xmlns='urn:xmpp:push:0' jid='push.example' node='` + node + `'><x xmlns='jabber:x:data' type='submit'>` +
		`<field var='FORM_TYPE'><value>http://jabber.org/protocol/pubsub#publish-options</value></field><field var='secret'><value>s</value></field></x></enable></iq>`
}

func disable(attrs string) string {
	return `<iq type='set' id='d'><disable xmlns='urn:xmpp:push:0' jid='push.example'` + attrs + `/></iq>`
}

// pushed waits for a notification to a node.
func (h *house) pushed(node string) *stanza.Stanza {
	h.t.Helper()
	return h.Away.Wait(h.t, "a notification of "+node, func(st *stanza.Stanza) bool {
		return st.To.String() == "push.example" && strings.Contains(st.String(), `node='`+node+`'`)
	})
}

// quiet shows that nobody is notified.
func (h *house) quiet(what string) {
	h.t.Helper()
	h.Settle()
	for _, st := range h.Away.Take() {
		if st.To.String() == "push.example" {
			h.t.Errorf("%s: %s", what, st)
		}
	}
}

func (h *house) answer(st *stanza.Stanza, inner string) {
	h.t.Helper()
	typ := "result"
	if inner != "" {
		typ = "error"
	}
	h.Receive(`<iq type='` + typ + `' id='` + st.ID + `' from='push.example' to='kith.example'>` + inner + `</iq>`)
}

func failure(kind, condition string) string {
	return `<error type='` + kind + `'><` + condition + ` xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>`
}

func (h *house) say(to, body string) {
	h.t.Helper()
	h.Receive(`<message from='bob@else.example/x' to='` + to + `' type='chat'>` + body + `</message>`)
}

const hello = `<body>hello</body>`

func phone() module.Login { return module.Login{Client: "phone-app", At: routertest.Start} }

func TestRegistration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := storetest.Open(t)
		h := newHouse(t, db)
		a := h.SignIn("alice/phone", phone())
		for what, xml := range map[string]string{
			"no service": `<iq type='set' id='e'><enable xmlns='urn:xmpp:push:0'/></iq>`, "no address": `<iq type='set' id='e'><enable xmlns='urn:xmpp:push:0' jid='@'/></iq>`,
			"this server": `<iq type='set' id='e'><enable xmlns='urn:xmpp:push:0' jid='bob@kith.example'/></iq>`,
			"too large":   strings.Replace(enable("n"), "<value>s</value>", "<value>"+strings.Repeat("s", 9000)+"</value>", 1),
		} {
			expect(t, what, a.Ask(xml), `type='error'`)
		}
		expect(t, "enable", a.Ask(enable("n1")), `type='result'`)
		a.Send(`<presence/>`)
		h.say("alice@kith.example", hello)
		h.quiet("connected")
		a.Close()
		h.say("alice@kith.example", hello)
		st := h.pushed("n1")
		expect(t, "notification", st, `from='kith.example'`, `type='set'`, `<notification xmlns='urn:xmpp:push:0'>`, `<publish-options><x xmlns='jabber:x:data' type='submit'>`, `<value>s</value>`)
		if strings.Contains(st.String(), "hello") || strings.Contains(st.String(), "bob") || strings.Contains(st.String(), "alice") {
			t.Errorf("it tells too much: %s", st)
		}
		h.answer(st, "")

		// The same app with another node: the one before is replaced.
		a = h.SignIn("alice/phone2", phone())
		a.Ask(enable("n2"))
		b := h.Bind("alice/tablet")
		b.Ask(enable("n3"))
		a.Close()
		b.Close()
		h.say("alice@kith.example", hello)
		h.answer(h.pushed("n2"), "")
		h.answer(h.pushed("n3"), "")
		h.quiet("n1 is gone")

		// One of them is connected again, with another resource even; then it wants no more.
		a = h.SignIn("alice/phone3", phone())
		h.say("alice@kith.example", hello)
		h.answer(h.pushed("n3"), "")
		h.quiet("the phone is there")
		a.Ask(disable(` node='n9'`))
		a.Ask(disable(` node='n3'`))
		a.Close()
		h.say("alice@kith.example", hello)
		h.answer(h.pushed("n2"), "")
		h.quiet("n3 is gone")
		a = h.SignIn("alice/phone3", phone())
		a.Ask(disable(""))
		a.Close()
		h.say("alice@kith.example", hello)
		h.quiet("all are gone")
	})
}

// It outlives the server and dies with the account, or with the device.
func TestPersistence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := storetest.Open(t)
		h := newHouse(t, db)
		h.SignIn("alice/phone", phone()).Ask(enable("n1"))
		h.Bind("alice/tablet").Ask(enable("n2"))
		h = newHouse(t, db)
		h.Add("alice")
		h.say("alice@kith.example", hello)
		h.answer(h.pushed("n1"), "")
		h.answer(h.pushed("n2"), "")
		h.Do("alice", func(a module.Account) {
			all, err := h.push.Of(a, "phone-app")
			if err != nil || len(all) != 1 || all[0].Node != "n1" || !all[0].Failed.IsZero() {
				t.Errorf("of the phone: %v %v", all, err)
			}
			h.push.Forget(a, "phone-app")
		})
		h.say("alice@kith.example", hello)
		h.answer(h.pushed("n2"), "")
		h.quiet("the phone was signed out")
		if err := h.push.Purge(t.Context(), "alice"); err != nil {
			t.Fatal(err)
		}
		h = newHouse(t, db)
		h.Add("alice")
		h.say("alice@kith.example", hello)
		h.quiet("the account is gone")
	})
}

// What is worth waking somebody for.
func TestWhatWakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := storetest.Open(t)
		h := newHouse(t, db)
		a := h.SignIn("alice/phone", phone())
		a.Ask(enable("n"))
		a.Close()
		desk := h.Bind("alice/desk")
		desk.Send(`<presence/>`)
		for what, tt := range map[string]struct {
			xml   string
			wakes bool
		}{
			"a message":                {`<message type='chat'>` + hello + `</message>`, true},
			"an encrypted one":         {`<message type='chat'><encrypted xmlns='eu.siacs.conversations.axolotl'><header sid='1'/></encrypted></message>`, true},
			"a call":                   {`<message><propose xmlns='urn:xmpp:jingle-message:0' id='1'/></message>`, true},
			"typing":                   {`<message type='chat'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>`, false},
			"a receipt":                {`<message><received xmlns='urn:xmpp:receipts' id='1'/></message>`, false},
			"a marker":                 {`<message><displayed xmlns='urn:xmpp:chat-markers:0' id='1'/></message>`, false},
			"an error":                 {`<message type='error'>` + hello + `</message>`, false},
			"presence":                 {`<presence/>`, false},
			"a request":                {`<presence type='subscribe'/>`, true},
			"a message in a room":      {`<message type='groupchat' id='other'>` + hello + `</message>`, true},
			"what one said there":      {`<message type='groupchat' id='own'>` + hello + `</message>`, false},
			"what another device said": {`<message type='chat' self=''>` + hello + `</message>`, false},
		} {
			from, to := "bob@else.example/x", "alice@kith.example"
			if strings.Contains(tt.xml, "groupchat") {
				desk.Send(`<message to='bob@else.example' type='groupchat' id='own'>` + hello + `</message>`)
				to += "/desk"
			}
			if strings.Contains(tt.xml, "self=''") {
				desk.Send(`<message to='alice@kith.example' type='chat'>` + hello + `</message>`)
				h.quiet(what)
				continue
			}
			i := strings.IndexAny(tt.xml[1:], " >/") + 1
			h.Receive(tt.xml[:i] + ` from='` + from + `' to='` + to + `'` + tt.xml[i:])
			if tt.wakes {
				h.answer(h.pushed("n"), "")
				h.Settle()
			} else {
				h.quiet(what)
			}
		}
	})
}

// A session that has lost its connection is no session, and what was on its way did not arrive.
func TestHangingSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := storetest.Open(t)
		h := newHouse(t, db)
		a := h.SignIn("alice/phone", phone())
		a.Ask(enable("n"))
		h.Settle()
		a.Hold = true
		a.Send(`<presence/>`)
		h.say("alice@kith.example/phone", `<composing xmlns='http://jabber.org/protocol/chatstates'/>`)
		h.quiet("connected")
		a.Detach()
		h.quiet("nothing of worth was on its way")
		h.say("alice@kith.example", hello)
		h.answer(h.pushed("n"), "")
		h.say("alice@kith.example/phone", hello)
		h.answer(h.pushed("n"), "")
		a.Attach()
		h.say("alice@kith.example", hello)
		h.quiet("connected again")
		a.Detach()
		h.answer(h.pushed("n"), "")
		a.Close()
		h.Settle()
	})
}

// What comes while a stream is being closed is for a session that there is still, and reaches nobody.
func TestEndingSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, storetest.Open(t))
		a := h.SignIn("alice/phone", phone())
		a.Ask(enable("n"))
		h.Settle()
		a.Hold = true
		a.Send(`<presence/>`)
		h.say("alice@kith.example/phone", `<composing xmlns='http://jabber.org/protocol/chatstates'/>`)
		a.Close()
		h.quiet("nothing of worth was left")

		a = h.SignIn("alice/phone", phone())
		a.Hold = true
		a.Send(`<presence/>`)
		h.say("alice@kith.example", hello)
		h.quiet("connected")
		a.Close()
		h.answer(h.pushed("n"), "")
		h.Settle()
	})
}

// A service that is slow is told once of what came meanwhile, and one that cannot be reached again.
func TestOneAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := storetest.Open(t)
		h := newHouse(t, db)
		a := h.SignIn("alice/phone", phone())
		a.Ask(enable("n"))
		a.Close()
		h.say("alice@kith.example", hello)
		first := h.pushed("n")
		for range 3 {
			h.say("alice@kith.example", hello)
		}
		h.quiet("one is under way")
		h.Receive(`<iq type='result' id='` + first.ID + `' from='evil.example' to='kith.example'/>`)
		h.quiet("that was somebody else")
		h.answer(first, failure("cancel", "remote-server-not-found"))
		h.pushed("n")
		h.quiet("only once")
		h.say("alice@kith.example", hello)
		h.Clock.Advance(time.Minute)
		h.answer(h.pushed("n"), "")
		h.quiet("done")
	})
}

func TestServiceThatRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := storetest.Open(t)
		h := newHouse(t, db)
		a := h.SignIn("alice/phone", phone())
		a.Ask(enable("n"))
		a.Close()
		refused := func() {
			t.Helper()
			h.say("alice@kith.example", hello)
			h.answer(h.pushed("n"), failure("cancel", "item-not-found"))
			h.Settle()
		}
		status := func() (all []push.Registration) {
			h.Do("alice", func(a module.Account) { all, _ = h.push.Of(a, "phone-app") })
			return all
		}
		refused()
		if all := status(); len(all) != 1 || all[0].Failed.IsZero() || all[0].Reason != "item-not-found" {
			t.Fatalf("%v", all)
		}
		h.say("alice@kith.example", hello)
		h.quiet("it is not bothered")
		h.Clock.Advance(24 * time.Hour)
		h.say("alice@kith.example", hello)
		h.answer(h.pushed("n"), "")
		h.Settle()
		if all := status(); !all[0].Failed.IsZero() {
			t.Errorf("it does not refuse any more: %v", all)
		}
		refused()
		// Who registers again begins anew.
		a = h.SignIn("alice/phone", phone())
		a.Ask(enable("n"))
		a.Close()
		for range 32 {
			if len(status()) == 0 {
				break
			}
			refused()
			h.Clock.Advance(24 * time.Hour)
		}
		if all := status(); len(all) != 0 {
			t.Errorf("for ever: %v", all)
		}
	})
}

func TestTooMany(t *testing.T) {
	h := newHouse(t, storetest.Open(t))
	for i := range 50 {
		c := h.Bind("alice/" + strings.Repeat("x", i+1))
		expect(t, "enable", c.Ask(enable(strings.Repeat("n", i+1))), `type='result'`)
		c.Close()
	}
	c := h.Bind("alice/y")
	expect(t, "one more", c.Ask(enable("y")), `<resource-constraint`)
}
