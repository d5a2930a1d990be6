package blocking_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/server/blocking"
	"kith/server/module"
	"kith/server/presence"
	"kith/server/roster"
	"kith/server/router/routertest"
	"kith/server/store"
	"kith/server/store/storetest"
)

type house struct {
	*routertest.House
	roster   *roster.Roster
	presence *presence.Presence
	blocking *blocking.Blocking
	db       *store.DB
}

func in(t *testing.T, f func(t *testing.T, h *house)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		db := storetest.Open(t)
		f(t, newHouse(t, db, db.Blocking(), blocking.DefaultConfig()))
	})
}

func newHouse(t *testing.T, db *store.DB, s blocking.Store, config blocking.Config) *house {
	log := slog.New(slog.DiscardHandler)
	h := &house{db: db}
	h.roster = roster.New(routertest.Domain, db.Roster(), nil, log, roster.DefaultConfig())
	h.presence = presence.New(routertest.Domain, h.roster, h.roster, log, presence.DefaultConfig())
	h.blocking = blocking.New(routertest.Domain, s, h.presence, log, config)
	h.House = routertest.New(t, h.blocking, h.roster, h.presence, echo{})
	h.roster.Connect(h.Accounts, h.Router)
	return h
}

// echo answers what is asked of an account, so that a request that gets through is seen.
type echo struct{}

func (echo) Register(r *module.Registry) {
	r.HandleIQ(module.OnAccount, stanza.Get, "urn:echo", "echo", func(q *module.IQ) error { q.Result(nil); return nil })
	r.HandleIQ(module.OnServer, stanza.Get, "urn:echo", "echo", func(q *module.IQ) error { q.Result(nil); return nil })
}

func (h *house) befriend(t *testing.T, x, y string) {
	t.Helper()
	h.Add(x, y)
	if err := h.roster.Introduce(t.Context(), x, y); err != nil {
		t.Fatal(err)
	}
}

func (h *house) login(who string) *routertest.Client {
	c := h.Bind(who)
	c.Ask(`<iq type='get' id='bl'><blocklist xmlns='urn:xmpp:blocking'/></iq>`)
	c.Send(`<presence/>`)
	h.Settle()
	c.Take()
	return c
}

func iq(verb string, items ...string) string {
	s := `<iq type='set' id='` + verb + `'><` + verb + ` xmlns='urn:xmpp:blocking'>`
	for _, i := range items {
		s += `<item jid='` + i + `'/>`
	}
	return s + `</` + verb + `></iq>`
}

func (h *house) block(t *testing.T, c *routertest.Client, items ...string) {
	t.Helper()
	if got := c.Ask(iq("block", items...)); got.Type != stanza.Result {
		t.Fatal(got)
	}
	h.Settle()
}

func want(t *testing.T, name string, got []*stanza.Stanza, parts ...string) {
	t.Helper()
	ok := len(got) == len(parts)
	for i := 0; ok && i < len(got); i++ {
		for _, p := range strings.Split(parts[i], " … ") {
			ok = ok && strings.Contains(got[i].String(), p)
		}
	}
	if !ok {
		t.Fatalf("%s got\n%swant\n%s", name, routertest.Text(got), strings.Join(parts, "\n"))
	}
}

// Section 3.2 to 3.5: list, pushes to who asked for the list, and persistence.
func TestList(t *testing.T) {
	in(t, func(t *testing.T, h *house) {
		a, other, mute := h.login("alice/tab"), h.login("alice/phone"), h.Bind("alice/mute")
		list := func() string {
			return a.Ask(`<iq type='get' id='l'><blocklist xmlns='urn:xmpp:blocking'/></iq>`).Inner()
		}
		if got := list(); got != `<blocklist xmlns='urn:xmpp:blocking'></blocklist>` {
			t.Error(got)
		}
		a.Take()
		h.block(t, a, "Bob@Kith.example", "else.example", "carol@x/r", "bob@kith.example")
		const push = `<block xmlns='urn:xmpp:blocking'><item jid='bob@kith.example'/><item jid='else.example'/><item jid='carol@x/r'/></block>`
		want(t, "tab", a.Take(), push)
		got := other.Take()
		want(t, "phone", got, push)
		if got[0].Type != stanza.Set || got[0].To != other.JID || !got[0].From.IsZero() {
			t.Error(got[0])
		}
		want(t, "mute", mute.Take())
		// A report is no obstacle (XEP-0377), and who is blocked already can be blocked again.
		if got := a.Ask(`<iq type='set' id='r'><block xmlns='urn:xmpp:blocking'><item jid='spam@x'><report xmlns='urn:xmpp:reporting:1' reason='urn:xmpp:reporting:spam'><text xml:lang='en'>!</text></report></item><item jid='else.example'/></block></iq>`); got.Type != stanza.Result {
			t.Error(got)
		}
		a.Ask(iq("unblock", "carol@x/r", "nobody@x"))
		h.Settle()
		want(t, "phone", other.Take(), `<block `, `<unblock xmlns='urn:xmpp:blocking'><item jid='carol@x/r'/><item jid='nobody@x'/></unblock>`)
		const rest = `<blocklist xmlns='urn:xmpp:blocking'><item jid='bob@kith.example'/><item jid='else.example'/><item jid='spam@x'/></blocklist>`
		if got := list(); got != rest {
			t.Error(got)
		}

		// After a restart.
		h2 := newHouse(t, h.db, h.db.Blocking(), blocking.DefaultConfig())
		a2 := h2.Bind("alice/tab")
		if got := a2.Ask(`<iq type='get' id='l'><blocklist xmlns='urn:xmpp:blocking'/></iq>`).Inner(); got != rest {
			t.Error(got)
		}
		a2.Ask(iq("unblock"))
		h2.Settle()
		want(t, "tab", a2.Take(), `<unblock xmlns='urn:xmpp:blocking'></unblock>`)
		if got, err := h.db.Blocking().Blocked(t.Context(), "alice"); err != nil || len(got) != 0 {
			t.Error(got, err)
		}

		if err := h.db.Blocking().Block(t.Context(), "alice", []jid.JID{jid.Must("x")}); err != nil {
			t.Fatal(err)
		}
		if err := h.blocking.Purge(t.Context(), "alice"); err != nil {
			t.Error(err)
		}
		if got, err := h.db.Blocking().Blocked(t.Context(), "alice"); err != nil || len(got) != 0 {
			t.Error(got, err)
		}
	})
}

func TestRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := storetest.Open(t)
		config := blocking.DefaultConfig()
		config.MaxItems = 2
		h := newHouse(t, db, db.Blocking(), config)
		a, b := h.login("alice/tab"), h.login("bob/phone")
		const open, shut = ` to='bob@kith.example'><`, ` xmlns='urn:xmpp:blocking'/></iq>`
		for _, c := range []struct {
			xml  string
			want stanza.Condition
		}{
			{iq("block"), stanza.BadRequest},
			{`<iq type='set' id='x'><block xmlns='urn:xmpp:blocking'><thing/></block></iq>`, stanza.BadRequest},
			{`<iq type='set' id='x'><unblock xmlns='urn:xmpp:blocking'><thing/></unblock></iq>`, stanza.BadRequest},
			{`<iq type='set' id='x'><block xmlns='urn:xmpp:blocking'><item/></block></iq>`, stanza.JIDMalformed},
			{iq("block", "@x"), stanza.JIDMalformed},
			{iq("unblock", "x@"), stanza.JIDMalformed},
			{iq("block", "alice@kith.example"), stanza.NotAllowed},
			{iq("block", "alice@kith.example/phone"), stanza.NotAllowed},
			{iq("block", "kith.example"), stanza.NotAllowed},
			{iq("block", "kith.example/x"), stanza.NotAllowed},
			{iq("block", "ok@x", "kith.example"), stanza.NotAllowed},
			{iq("block", "1@x", "2@x", "3@x"), stanza.PolicyViolation},
			{iq("block", "1@x", "2@x"), ""},
			{iq("block", "3@x"), stanza.PolicyViolation},
			{iq("block", "2@x"), ""},
			// Nobody reads or writes the list of another.
			{`<iq type='get' id='x'` + open + `blocklist` + shut, stanza.ServiceUnavailable},
			{`<iq type='set' id='x'` + open + `unblock` + shut, stanza.ServiceUnavailable},
			{`<iq type='set' id='x' to='bob@kith.example'><block xmlns='urn:xmpp:blocking'><item jid='alice@kith.example'/></block></iq>`, stanza.ServiceUnavailable},
		} {
			got := a.Ask(c.xml)
			switch {
			case c.want == "" && got.Type != stanza.Result:
				t.Errorf("%s: %s", c.xml, got)
			case c.want != "" && (got.Type != stanza.Error || got.ReadFault().Condition != c.want):
				t.Errorf("%s: %s; want %s", c.xml, got, c.want)
			}
		}
		h.Settle()
		want(t, "bob", b.Take())
		if got, err := db.Blocking().Blocked(t.Context(), "alice"); err != nil || fmt.Sprint(got) != "[1@x 2@x]" {
			t.Error(got, err)
		}
	})
}

// Which address an item covers (section 5).
func TestForms(t *testing.T) {
	peers := []string{"u@d/r", "u@d/s", "u@d", "v@d/r", "d/r", "d", "u@sub.d", "u@e/r"}
	for item, covered := range map[string]string{
		"u@d/r": "u@d/r",
		"u@d":   "u@d/r u@d/s u@d",
		"d/r":   "d/r",
		"d":     "u@d/r u@d/s u@d v@d/r d/r d",
	} {
		in(t, func(t *testing.T, h *house) {
			h.block(t, h.login("alice/tab"), item)
			var got []string
			h.Do("alice", func(a module.Account) {
				for _, p := range peers {
					if h.blocking.Blocked(a, jid.Must(p)) {
						got = append(got, p)
					}
				}
			})
			if strings.Join(got, " ") != covered {
				t.Errorf("%s covers %v; want %s", item, got, covered)
			}
		})
	}
}

// Section 3.3 for each kind and type of stanza in both directions: what the sender gets, and that
// nothing passes.
func TestStanzas(t *testing.T) {
	const body, echo = `<body>x</body>`, `<echo xmlns='urn:echo'/>`
	all := []struct {
		xml      string // with % where the address goes
		incoming stanza.Condition
		outgoing stanza.Condition
	}{
		{`<message id='1' type='chat' %>` + body + `</message>`, stanza.ServiceUnavailable, stanza.NotAcceptable},
		{`<message id='1' %>` + body + `</message>`, stanza.ServiceUnavailable, stanza.NotAcceptable},
		{`<message id='1' type='headline' %>` + body + `</message>`, stanza.ServiceUnavailable, stanza.NotAcceptable},
		{`<message id='1' type='groupchat' %>` + body + `</message>`, "", stanza.NotAcceptable},
		{`<message id='1' type='error' %>` + body + `</message>`, "", ""},
		{`<iq id='1' type='get' %>` + echo + `</iq>`, stanza.ServiceUnavailable, stanza.NotAcceptable},
		{`<iq id='1' type='set' %>` + echo + `</iq>`, stanza.ServiceUnavailable, stanza.NotAcceptable},
		{`<iq id='1' type='result' %/>`, "", ""},
		{`<iq id='1' type='error' %/>`, "", ""},
		{`<presence id='1' %/>`, "", stanza.NotAcceptable},
		{`<presence id='1' type='unavailable' %/>`, "", stanza.NotAcceptable},
		{`<presence id='1' type='subscribe' %/>`, "", stanza.NotAcceptable},
		{`<presence id='1' type='subscribed' %/>`, "", stanza.NotAcceptable},
		{`<presence id='1' type='unsubscribe' %/>`, "", stanza.NotAcceptable},
		{`<presence id='1' type='unsubscribed' %/>`, "", stanza.NotAcceptable},
		{`<presence id='1' type='probe' %/>`, "", stanza.NotAcceptable},
		{`<presence id='1' type='error' %/>`, "", ""},
	}
	in(t, func(t *testing.T, h *house) {
		a := h.login("alice/tab")
		h.block(t, a, "eve@else.example")
		a.Take()
		h.Away.Take()
		check := func(name string, got []*stanza.Stanza, c stanza.Condition, app bool) {
			t.Helper()
			if c == "" {
				if len(got) > 0 {
					t.Errorf("%s: an answer: %s", name, routertest.Text(got))
				}
				return
			}
			if len(got) != 1 || got[0].Type != stanza.Error || got[0].ID != "1" {
				t.Errorf("%s: %s", name, routertest.Text(got))
				return
			}
			if f := got[0].ReadFault(); f.Condition != c || app != (f.App == "blocked" && f.AppNS == ns.BlockingErrors && f.Kind == "cancel") {
				t.Errorf("%s: %s", name, got[0])
			}
		}
		for _, c := range all {
			for _, to := range []string{"alice@kith.example", "alice@kith.example/tab", "alice@kith.example/nowhere"} {
				<-h.Receive(strings.Replace(c.xml, "%", "from='eve@else.example/r' to='"+to+"'", 1))
				h.Settle()
				check("in "+c.xml, h.Away.Take(), c.incoming, false)
				check("in, to alice "+c.xml, a.Take(), "", false)
			}
			<-a.Send(strings.Replace(c.xml, "%", "to='eve@else.example'", 1))
			h.Settle()
			check("out "+c.xml, a.Take(), c.outgoing, true)
			check("out, to eve "+c.xml, h.Away.Take(), "", false)
		}
		// It holds for those alone: the neighbour, the own other session and the server are reached.
		h.Receive(`<message from='bob@else.example/r' to='alice@kith.example' type='chat'><body>hi</body></message>`)
		h.Settle()
		want(t, "alice", a.Take(), `from='bob@else.example/r'`)
		for _, to := range []string{"alice@kith.example", "kith.example"} {
			if got := a.Ask(`<iq type='get' id='e' to='` + to + `'><echo xmlns='urn:echo'/></iq>`); got.Type != stanza.Result {
				t.Error(got)
			}
		}
	})
}

// Who is blocked sees the account leave, learns nothing afterwards, and sees it again when it is
// unblocked; and the other way round.
func TestPresence(t *testing.T) {
	in(t, func(t *testing.T, h *house) {
		h.befriend(t, "alice", "bob")
		b := h.login("bob/phone")
		a, a2 := h.login("alice/tab"), h.login("alice/two")
		a.Take()
		b.Take()
		h.block(t, a, "bob@kith.example")
		want(t, "bob", b.Take(),
			`<presence to='bob@kith.example' from='alice@kith.example/tab' type='unavailable'/>`,
			`<presence to='bob@kith.example' from='alice@kith.example/two' type='unavailable'/>`)
		for name, c := range map[string]*routertest.Client{"tab": a, "two": a2} {
			want(t, name, c.Take(), `<presence to='alice@kith.example' from='bob@kith.example/phone' type='unavailable'/>`, `<block `)
		}
		h.Do("alice", func(acc module.Account) {
			for j := range h.presence.Seen(acc) {
				t.Errorf("%s would get what alice publishes", j)
			}
		})
		// Nothing that Alice does reaches Bob, and the other way round.
		a.Send(`<presence><show>away</show></presence>`)
		b.Send(`<presence><show>dnd</show></presence>`)
		b.Send(`<presence type='probe' to='alice@kith.example'/>`)
		a2.Close()
		h.login("alice/three").Close()
		h.login("bob/tv").Close()
		h.Settle()
		for _, st := range slices.Concat(a.Take(), b.Take()) {
			if st.From.Local() != st.To.Local() && st.To.Local() != "" {
				t.Errorf("passed: %s", st)
			}
		}
		// The subscription stays; unblocking shows both to each other.
		if got := a.Ask(iq("unblock", "bob@kith.example")); got.Type != stanza.Result {
			t.Fatal(got)
		}
		h.Settle()
		want(t, "bob", b.Take(), `<presence to='bob@kith.example' from='alice@kith.example/tab'><show>away</show></presence>`)
		want(t, "alice", a.Take(), `<unblock `, `from='bob@kith.example/phone'><show>dnd</show><delay`)
		a.Close()
		h.Settle()
		want(t, "bob", b.Take(), `type='unavailable'`)
	})
}

// A domain, a full address, directed presence, and who is covered by two items.
func TestCovered(t *testing.T) {
	in(t, func(t *testing.T, h *house) {
		a := h.login("alice/tab")
		h.Receive(`<presence type='subscribe' from='carol@else.example' to='alice@kith.example'/>`)
		h.Settle()
		a.Send(`<presence type='subscribed' to='carol@else.example'/>`)
		a.Send(`<presence to='room@else.example/al'/>`)
		a.Send(`<presence to='room@rooms.example/al'/>`)
		h.Settle()
		a.Take()
		h.Away.Take()

		h.block(t, a, "carol@else.example/x")
		want(t, "one client", h.Away.Take(), `<presence to='carol@else.example/x' from='alice@kith.example/tab' type='unavailable'/>`)
		h.block(t, a, "else.example")
		got := h.Away.Take()
		slices.SortFunc(got, func(a, b *stanza.Stanza) int { return strings.Compare(a.String(), b.String()) })
		want(t, "all", got, `to='carol@else.example' … type='unavailable'`, `to='room@else.example/al' … type='unavailable'`)
		h.block(t, a, "carol@else.example")
		want(t, "again", h.Away.Take())
		a.Ask(iq("unblock", "else.example"))
		h.Settle()
		want(t, "still blocked", h.Away.Take())
		a.Ask(iq("unblock"))
		h.Settle()
		want(t, "shown", h.Away.Take(), `<presence to='carol@else.example' from='alice@kith.example/tab'/>`)
		a.Close()
		h.Settle()
		got = h.Away.Take()
		slices.SortFunc(got, func(a, b *stanza.Stanza) int { return strings.Compare(a.String(), b.String()) })
		want(t, "the end", got, `to='carol@else.example'`, `to='room@rooms.example/al'`)
	})
}

// A request from who was blocked later does not come up again.
func TestBlockedRequests(t *testing.T) {
	in(t, func(t *testing.T, h *house) {
		a := h.login("alice/tab")
		h.Receive(`<presence type='subscribe' from='eve@else.example' to='alice@kith.example'/>`)
		h.Settle()
		want(t, "alice", a.Take(), `type='subscribe'`)
		h.block(t, a, "eve@else.example")
		a.Close()
		c := h.Bind("alice/two")
		c.Send(`<presence/>`)
		h.Settle()
		want(t, "alice", c.Take(), `from='alice@kith.example/two'`)
	})
}

// broken is a database that cannot be read or written.
type broken struct{ blocking.Store }

var errBroken = errors.New("broken")

func (broken) Blocked(context.Context, string) ([]jid.JID, error) { return nil, errBroken }

// If the list cannot be read, nobody gets through as if it were empty.
func TestUnreadableList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := storetest.Open(t)
		h := newHouse(t, db, broken{}, blocking.DefaultConfig())
		a := h.Bind("alice/tab")
		h.Receive(`<message id='1' from='eve@else.example/r' to='alice@kith.example/tab' type='chat'><body>x</body></message>`)
		h.Settle()
		want(t, "alice", a.Take())
		want(t, "eve", h.Away.Take(), `type='error' … <internal-server-error`)
		if got := a.Ask(iq("block", "eve@else.example")); got.ReadFault().Condition != stanza.InternalServerError {
			t.Error(got)
		}
	})
}
