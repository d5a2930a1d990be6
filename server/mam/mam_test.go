package mam_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/internal/stanzaid"
	"kith/internal/xmltree"
	"kith/server/mam"
	"kith/server/mam/archivetest"
	"kith/server/module"
	"kith/server/router/routertest"
	"kith/server/store"
)

// in runs a test in a bubble, with two people who are there.
func in(t *testing.T, o archivetest.Options, f func(t *testing.T, h *archivetest.House, alice, bob *archivetest.Client)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		h := archivetest.New(t, o)
		alice, bob := h.Connect("alice", "desk", false), h.Connect("bob", "phone", false)
		alice.Send(t, "<presence/>")
		bob.Send(t, "<presence/>")
		h.Settle()
		f(t, h, alice, bob)
	})
}

func say(to, body string) string {
	return fmt.Sprintf("<message type='chat' id='%s' to='%s@kith.example'><body>%s</body></message>", body, to, body)
}

// page is the answer to a query.
type page struct {
	ids, bodies []string
	results     []*stanza.Stanza
	fin         xmltree.Element
	fault       *stanza.Fault
}

func (p page) first() string { return p.fin.Child(ns.RSM, "set").ChildText(ns.RSM, "first") }
func (p page) last() string  { return p.fin.Child(ns.RSM, "set").ChildText(ns.RSM, "last") }
func (p page) complete() bool {
	return p.fin.Attr("complete") == "true"
}

// ask sends a query with this content and gathers what comes of it.
func ask(t *testing.T, h *archivetest.House, c *archivetest.Client, content string) page {
	t.Helper()
	c.Take()
	c.Send(t, "<iq type='set' id='q'><query xmlns='urn:xmpp:mam:2' queryid='x'>"+content+"</query></iq>")
	h.Settle()
	var p page
	for _, st := range c.Take() {
		if st.Kind == stanza.IQ && st.ID == "q" {
			if st.Type == stanza.Error {
				p.fault = st.ReadFault()
			}
			p.fin = st.Child(ns.MAM, "fin")
			continue
		}
		r := st.Child(ns.MAM, "result")
		if r.IsZero() {
			continue
		}
		if !p.fin.IsZero() {
			t.Error("a result came after the end")
		}
		if r.Attr("queryid") != "x" || st.From != c.JID.Bare() || st.To != c.JID {
			t.Errorf("wrong result %s", st)
		}
		m := r.Child(ns.Forward, "forwarded").Child(ns.Client, "message")
		p.results = append(p.results, st)
		p.ids = append(p.ids, r.Attr("id"))
		p.bodies = append(p.bodies, m.ChildText(ns.Client, "body"))
	}
	if p.fin.IsZero() && p.fault == nil {
		t.Fatalf("no answer to %s", content)
	}
	return p
}

func filter(fields ...string) string {
	var b strings.Builder
	b.WriteString("<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE' type='hidden'><value>urn:xmpp:mam:2</value></field>")
	for i := 0; i < len(fields); i += 2 {
		b.WriteString("<field var='" + fields[i] + "'>")
		for _, v := range strings.Split(fields[i+1], ",") {
			b.WriteString("<value>" + v + "</value>")
		}
		b.WriteString("</field>")
	}
	return b.String() + "</x>"
}

func set(inner string) string {
	return "<set xmlns='http://jabber.org/protocol/rsm'>" + inner + "</set>"
}

func TestArchiveOfBothSides(t *testing.T) {
	in(t, archivetest.Options{}, func(t *testing.T, h *archivetest.House, alice, bob *archivetest.Client) {
		bob.Take()
		accepted := alice.Send(t, say("bob", "one"))
		h.Settle()
		<-accepted
		got := bob.Take()
		if !slices.Equal(archivetest.Bodies(got), []string{"one"}) {
			t.Fatalf("bob got %s", routertest.Text(got))
		}
		id := h.ID("bob", got[0])
		if id == "" || h.ID("alice", got[0]) != "" {
			t.Errorf("ids on what bob got: %s", got[0])
		}
		bobs, alices := ask(t, h, bob, ""), ask(t, h, alice, "")
		if !slices.Equal(bobs.ids, []string{id}) || !slices.Equal(bobs.bodies, []string{"one"}) || !bobs.complete() {
			t.Errorf("bob reads %v %v", bobs.ids, bobs.bodies)
		}
		if !slices.Equal(alices.bodies, []string{"one"}) || alices.ids[0] == id {
			t.Errorf("alice reads %v %v", alices.ids, alices.bodies)
		}
		m := bobs.results[0].Root().First().Child(ns.Forward, "forwarded")
		if stamp := m.Child(ns.Delay, "delay").Attr("stamp"); stamp != "2026-01-02T03:04:05.000Z" {
			t.Errorf("stamp %q", stamp)
		}
		if inner := m.Child(ns.Client, "message"); inner.Attr("from") != "alice@kith.example/desk" || inner.Attr("to") != "bob@kith.example" || inner.Attr("id") != "one" || inner.Attr("type") != "chat" {
			t.Errorf("forwarded %s", inner.Source())
		}
		if n := rows(t, h.DB, "archive_stanzas"); n != 1 {
			t.Errorf("the message is stored %d times", n)
		}
	})
}

func rows(t *testing.T, db *store.DB, table string) (n int) {
	t.Helper()
	if err := db.Read(t.Context(), func(c *store.Conn) error {
		return c.QueryRow("SELECT COUNT(*) FROM " + table).Scan(&n)
	}); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestForgedIDs(t *testing.T) {
	in(t, archivetest.Options{}, func(t *testing.T, h *archivetest.House, alice, bob *archivetest.Client) {
		forged := "<stanza-id xmlns='urn:xmpp:sid:0' by='bob@kith.example' id='forged'/>" +
			"<stanza-id xmlns='urn:xmpp:sid:0' by='BOB@kith.example' id='forged too'/>" +
			"<stanza-id xmlns='urn:xmpp:sid:0' by='alice@kith.example' id='forged'/>" +
			"<delay xmlns='urn:xmpp:delay' from='kith.example' stamp='2001-01-01T00:00:00Z'/>"
		honest := "<stanza-id xmlns='urn:xmpp:sid:0' by='room@kith.example' id='room'/><origin-id xmlns='urn:xmpp:sid:0' id='o'/>"
		for _, content := range []string{"<body>kept</body>", "<composing xmlns='http://jabber.org/protocol/chatstates'/>"} {
			bob.Take()
			alice.Send(t, "<message type='chat' to='bob@kith.example/phone'>"+content+forged+honest+"</message>")
			h.Settle()
			got := bob.Take()
			if len(got) != 1 {
				t.Fatalf("bob got %s", routertest.Text(got))
			}
			if s := got[0].String(); strings.Contains(s, "forged") || strings.Contains(s, "2001") {
				t.Errorf("forgeries arrived: %s", s)
			}
			if s := got[0].String(); !strings.Contains(s, "by='room@kith.example'") || !strings.Contains(s, "origin-id") {
				t.Errorf("honest ids did not arrive: %s", s)
			}
		}
		h.Receive("<message type='chat' from='eve@else.example/x' to='bob@kith.example'><body>far</body>" + forged + "</message>")
		h.Settle()
		if s := routertest.Text(bob.Take()); !strings.Contains(s, "far") || strings.Contains(s, "by='bob@kith.example' id='forged") || strings.Contains(s, "2001") {
			t.Errorf("from elsewhere: %s", s)
		}
	})
}

func TestWhatIsArchived(t *testing.T) {
	in(t, archivetest.Options{}, func(t *testing.T, h *archivetest.House, alice, bob *archivetest.Client) {
		for _, m := range []string{
			"<message type='chat' to='bob@kith.example'><body>body</body></message>",
			"<message type='chat' to='bob@kith.example'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>",
			"<message type='chat' to='bob@kith.example'><body>secret</body><no-store xmlns='urn:xmpp:hints'/></message>",
			"<message type='chat' to='bob@kith.example'><body>fleeting</body><no-permanent-store xmlns='urn:xmpp:hints'/></message>",
			"<message type='headline' to='bob@kith.example'><body>news</body></message>",
			"<message type='groupchat' to='bob@kith.example/phone'><body>room</body></message>",
			"<message type='error' to='bob@kith.example/phone'><body>error</body></message>",
			"<message to='bob@kith.example'><received xmlns='urn:xmpp:receipts' id='1'/></message>",
		} {
			alice.Send(t, m)
		}
		h.Settle()
		for _, c := range []*archivetest.Client{alice, bob} {
			if p := ask(t, h, c, ""); !slices.Equal(p.bodies, []string{"body", ""}) {
				t.Errorf("%s reads %q", c.JID, p.bodies)
			}
		}
	})
}

func TestOrderSurvivesClockAndRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		var ids []string
		for restart := range 3 {
			db, err := store.Open(t.Context(), store.Options{Dir: dir, Volatile: true})
			if err != nil {
				t.Fatal(err)
			}
			h := archivetest.New(t, archivetest.Options{DB: db})
			alice, bob := h.Connect("alice", "desk", false), h.Connect("bob", "phone", false)
			bob.Send(t, "<presence/>")
			// The clock of the second and third run begins where that of the first did.
			h.Clock.Advance(time.Duration(2-restart) * time.Hour)
			for n := range 3 {
				alice.Send(t, say("bob", fmt.Sprintf("%d-%d", restart, n)))
			}
			h.Settle()
			p := ask(t, h, bob, "")
			if len(p.ids) != 3*(restart+1) || !slices.Equal(p.ids[:len(ids)], ids) || !slices.IsSorted(p.bodies) {
				t.Errorf("after restart %d: %v", restart, p.bodies)
			}
			ids = p.ids
			if err := h.Accounts.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := h.Delivery.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestAccess(t *testing.T) {
	in(t, archivetest.Options{}, func(t *testing.T, h *archivetest.House, alice, bob *archivetest.Client) {
		alice.Send(t, say("bob", "one"))
		h.Settle()
		for _, request := range []string{
			"<iq type='set' id='q' to='bob@kith.example'><query xmlns='urn:xmpp:mam:2'/></iq>",
			"<iq type='get' id='q' to='bob@kith.example'><query xmlns='urn:xmpp:mam:2'/></iq>",
			"<iq type='get' id='q' to='bob@kith.example'><metadata xmlns='urn:xmpp:mam:2'/></iq>",
			"<iq type='get' id='q' to='bob@kith.example'><prefs xmlns='urn:xmpp:mam:2'/></iq>",
			"<iq type='set' id='q' to='bob@kith.example'><prefs xmlns='urn:xmpp:mam:2' default='never'/></iq>",
		} {
			alice.Take()
			alice.Send(t, request)
			h.Settle()
			got := alice.Take()
			if len(got) != 1 || got[0].Type != stanza.Error || got[0].ReadFault().Condition != stanza.ServiceUnavailable {
				t.Errorf("%s: %s", request, routertest.Text(got))
			}
		}
		h.Receive("<iq type='set' id='q' from='eve@else.example/x' to='bob@kith.example'><query xmlns='urn:xmpp:mam:2'/></iq>")
		h.Settle()
		if got := h.Away.Take(); len(got) != 1 || got[0].ReadFault().Condition != stanza.ServiceUnavailable {
			t.Errorf("from elsewhere: %s", routertest.Text(got))
		}
	})
}

func TestRefusedQueries(t *testing.T) {
	in(t, archivetest.Options{}, func(t *testing.T, h *archivetest.House, alice, bob *archivetest.Client) {
		alice.Send(t, say("bob", "one"))
		h.Settle()
		mine := ask(t, h, alice, "").ids[0]
		never := h.Owner("bob").ID(stanzaid.Next(0, routertest.Start.Add(-time.Hour)))
		later := h.Owner("bob").ID(stanzaid.Next(0, routertest.Start.Add(time.Hour)))
		many := strings.TrimSuffix(strings.Repeat(mine+",", 501), ",")
		for _, c := range []struct {
			content string
			want    stanza.Condition
		}{
			{filter("colour", "red"), stanza.FeatureNotImplemented},
			{filter("start", "yesterday"), stanza.BadRequest},
			{filter("end", "2010-08-07"), stanza.BadRequest},
			{filter("with", "@@"), stanza.BadRequest},
			{filter("with", "a@b,c@d"), stanza.BadRequest},
			{filter("include-groupchat", "maybe"), stanza.BadRequest},
			{strings.Replace(filter(), "urn:xmpp:mam:2", "urn:xmpp:mam:1", 1), stanza.BadRequest},
			{"<x xmlns='jabber:x:data' type='form'/>", stanza.BadRequest},
			{filter("after-id", "nonsense"), stanza.ItemNotFound},
			{filter("before-id", never), stanza.ItemNotFound},
			{filter("after-id", later), stanza.ItemNotFound},
			{filter("after-id", mine), stanza.ItemNotFound},
			{filter("ids", mine), stanza.ItemNotFound},
			{filter("ids", never), stanza.ItemNotFound},
			{filter("ids", many), stanza.NotAcceptable},
			{set("<after>" + mine + "</after>"), stanza.ItemNotFound},
			{set("<before>" + never + "</before>"), stanza.ItemNotFound},
			{set("<max>-1</max>"), stanza.BadRequest},
			{set("<max>many</max>"), stanza.BadRequest},
			{set("<max>10</max><index>3</index>"), stanza.FeatureNotImplemented},
		} {
			if p := ask(t, h, bob, c.content); p.fault == nil || p.fault.Condition != c.want {
				t.Errorf("%.120s: %v, want %s", c.content, p.fault, c.want)
			}
		}
		bob.Take()
		bob.Send(t, "<iq type='set' id='n'><query xmlns='urn:xmpp:mam:2' node='blog'/></iq>")
		h.Settle()
		if got := bob.Take(); got[0].ReadFault().Condition != stanza.ItemNotFound {
			t.Errorf("node: %s", got[0])
		}
	})
}

func TestFilters(t *testing.T) {
	in(t, archivetest.Options{}, func(t *testing.T, h *archivetest.House, alice, bob *archivetest.Client) {
		other := h.Connect("alice", "lap", false)
		carol := h.Connect("carol", "x", false)
		var at []time.Time
		for _, m := range []struct {
			from *archivetest.Client
			xml  string
		}{
			{alice, say("bob", "0")},
			{bob, say("alice", "1")},
			{carol, say("bob", "2")},
			{bob, say("bob", "3")},
			{other, say("bob", "4")},
			{bob, say("alice", "5")},
			{bob, strings.Replace(say("alice", "6"), "alice@kith.example", "alice@kith.example/lap", 1)},
		} {
			at = append(at, h.Clock.Now())
			m.from.Send(t, m.xml)
			h.Settle()
			h.Clock.Advance(time.Minute)
		}
		all := ask(t, h, bob, "")
		stamp := func(n int) string { return at[n].Format("2006-01-02T15:04:05Z") }
		for _, c := range []struct {
			name, content, want string
		}{
			{"all", "", "0123456"},
			{"with a bare address", filter("with", "alice@kith.example"), "01456"},
			{"with a full address", filter("with", "alice@kith.example/lap"), "46"},
			{"with a full address of no messages", filter("with", "alice@kith.example/none"), ""},
			{"with oneself", filter("with", "bob@kith.example"), "3"},
			{"with somebody else", filter("with", "nobody@kith.example"), ""},
			{"start", filter("start", stamp(4)), "456"},
			{"end", filter("end", stamp(2)), "012"},
			{"start and end", filter("start", stamp(2), "end", stamp(4)), "234"},
			{"start after end", filter("start", stamp(4), "end", stamp(2)), ""},
			{"after-id", filter("after-id", all.ids[4]), "56"},
			{"before-id", filter("before-id", all.ids[2]), "01"},
			{"between", filter("after-id", all.ids[1], "before-id", all.ids[5]), "234"},
			{"with and between", filter("with", "alice@kith.example", "after-id", all.ids[1], "before-id", all.ids[6]), "45"},
			{"ids", filter("ids", all.ids[5]+","+all.ids[1]), "15"},
			{"ids twice", filter("ids", all.ids[1]+","+all.ids[1]), "1"},
			{"flipped", "<flip-page/>", "6543210"},
			{"flipped page", set("<max>3</max><after>"+all.ids[1]+"</after>") + "<flip-page/>", "432"},
			{"last page", set("<max>2</max><before/>"), "56"},
			{"page before", set("<max>2</max><before>" + all.ids[5] + "</before>"), "34"},
			{"page after", set("<max>2</max><after>" + all.ids[2] + "</after>"), "34"},
			{"between two in pages", set("<after>" + all.ids[2] + "</after><before>" + all.ids[5] + "</before>"), "34"},
			{"without rooms", filter("include-groupchat", "false"), "0123456"},
		} {
			p := ask(t, h, bob, c.content)
			if got := strings.Join(p.bodies, ""); got != c.want || p.fault != nil {
				t.Errorf("%s: %q (%v), want %q", c.name, got, p.fault, c.want)
			}
			if len(p.ids) > 0 {
				ends := []string{p.ids[0], p.ids[len(p.ids)-1]}
				if strings.Contains(c.content, "flip-page") {
					slices.Reverse(ends)
				}
				if !slices.Equal(ends, []string{p.first(), p.last()}) {
					t.Errorf("%s: ends %q and %q", c.name, p.first(), p.last())
				}
			}
		}
		if p := ask(t, h, bob, set("<max>0</max>")+filter("with", "alice@kith.example")); p.fin.Child(ns.RSM, "set").ChildText(ns.RSM, "count") != "5" || len(p.ids) != 0 {
			t.Errorf("count: %s", p.fin.Source())
		}
	})
}

func TestMetadataAndForm(t *testing.T) {
	in(t, archivetest.Options{}, func(t *testing.T, h *archivetest.House, alice, bob *archivetest.Client) {
		request := func(payload string) *stanza.Stanza {
			t.Helper()
			bob.Take()
			bob.Send(t, "<iq type='get' id='g'>"+payload+"</iq>")
			h.Settle()
			got := bob.Take()
			if len(got) != 1 || got[0].Type != stanza.Result {
				t.Fatalf("%s: %s", payload, routertest.Text(got))
			}
			return got[0]
		}
		if m := request("<metadata xmlns='urn:xmpp:mam:2'/>").Payload(); m.CountChildren() != 0 {
			t.Errorf("of an empty archive: %s", m.Source())
		}
		alice.Send(t, say("bob", "one"))
		h.Settle()
		h.Clock.Advance(time.Second)
		alice.Send(t, say("bob", "two"))
		alice.Send(t, strings.Replace(say("bob", "three"), "</message>", "<no-permanent-store xmlns='urn:xmpp:hints'/></message>", 1))
		h.Settle()
		p := ask(t, h, bob, "")
		m := request("<metadata xmlns='urn:xmpp:mam:2'/>").Payload()
		start, end := m.Child(ns.MAM, "start"), m.Child(ns.MAM, "end")
		if start.Attr("id") != p.ids[0] || end.Attr("id") != p.ids[1] || start.Attr("timestamp") != "2026-01-02T03:04:05.000Z" || end.Attr("timestamp") != "2026-01-02T03:04:06.000Z" {
			t.Errorf("metadata: %s", m.Source())
		}
		x := request("<query xmlns='urn:xmpp:mam:2'/>").Payload().Child(ns.DataForms, "x")
		var names []string
		for f := range x.Children() {
			names = append(names, f.Attr("var"))
		}
		if want := []string{"FORM_TYPE", "with", "start", "end", "before-id", "after-id", "ids", "include-groupchat", "{urn:xmpp:fulltext:0}fulltext"}; !slices.Equal(names, want) {
			t.Errorf("form has %v", names)
		}
	})
}

func TestBind2Metadata(t *testing.T) {
	in(t, archivetest.Options{}, func(t *testing.T, h *archivetest.House, alice, bob *archivetest.Client) {
		alice.Send(t, say("bob", "one"))
		h.Settle()
		p := ask(t, h, bob, "")
		w := xmltree.NewWriter(0)
		h.Do("bob", func(a module.Account) {
			for _, f := range h.Registry.Features {
				if f.OnBind2 != nil {
					f.OnBind2(a, a.Session("phone"), xmltree.Element{}, w)
				}
			}
		})
		if !strings.Contains(w.String(), "<metadata xmlns='urn:xmpp:mam:2'><start id='"+p.ids[0]+"'") {
			t.Errorf("bound with %s", w)
		}
	})
}

type contacts []string

func (c contacts) InRoster(_ module.Account, contact jid.JID) bool {
	return slices.Contains(c, contact.String())
}

func TestPreferences(t *testing.T) {
	in(t, archivetest.Options{Contacts: contacts{"alice@kith.example"}}, func(t *testing.T, h *archivetest.House, alice, bob *archivetest.Client) {
		carol := h.Connect("carol", "x", false)
		prefs := func(typ, payload string) *stanza.Stanza {
			bob.Take()
			bob.Send(t, "<iq type='"+typ+"' id='p'>"+payload+"</iq>")
			h.Settle()
			got := bob.Take()
			if len(got) != 1 {
				t.Fatalf("%s: %s", payload, routertest.Text(got))
			}
			return got[0]
		}
		if got := prefs("get", "<prefs xmlns='urn:xmpp:mam:2'/>").Inner(); got != "<prefs xmlns='urn:xmpp:mam:2' default='always'><always></always><never></never></prefs>" {
			t.Errorf("at first: %s", got)
		}
		n := 0
		talk := func(want string) {
			t.Helper()
			n++
			bob.Take()
			for _, c := range []*archivetest.Client{alice, carol} {
				c.Send(t, say("bob", fmt.Sprintf("%s%d", c.JID.Local(), n)))
				h.Settle()
			}
			if got := archivetest.Bodies(bob.Take()); len(got) != 2 {
				t.Errorf("bob got %v", got)
			}
			var kept []string
			for _, b := range ask(t, h, bob, "").bodies {
				if strings.HasSuffix(b, fmt.Sprint(n)) {
					kept = append(kept, strings.TrimSuffix(b, fmt.Sprint(n)))
				}
			}
			if got := strings.Join(kept, " "); got != want {
				t.Errorf("archived %q, want %q", got, want)
			}
		}
		talk("alice carol")
		prefs("set", "<prefs xmlns='urn:xmpp:mam:2' default='roster'/>")
		talk("alice")
		set := prefs("set", "<prefs xmlns='urn:xmpp:mam:2' default='roster'><always><jid>carol@kith.example</jid></always><never><jid>alice@kith.example</jid></never></prefs>")
		if got := prefs("get", "<prefs xmlns='urn:xmpp:mam:2'/>").Inner(); got != set.Inner() || !strings.Contains(got, "<always><jid>carol@kith.example</jid></always><never><jid>alice@kith.example</jid></never>") {
			t.Errorf("set %s, read %s", set.Inner(), got)
		}
		talk("carol")
		prefs("set", "<prefs xmlns='urn:xmpp:mam:2' default='never'><always><jid>alice@kith.example/desk</jid></always></prefs>")
		talk("alice")
		state, err := h.Store.Open(t.Context(), "bob@kith.example")
		if err != nil || state.Preferences.Policy != mam.Never || len(state.Preferences.Rules) != 1 || !state.Preferences.Rules["alice@kith.example/desk"] {
			t.Errorf("stored %+v, %v", state, err)
		}
		for _, bad := range []string{"<prefs xmlns='urn:xmpp:mam:2' default='perhaps'/>", "<prefs xmlns='urn:xmpp:mam:2'/>", "<prefs xmlns='urn:xmpp:mam:2' default='never'><never><jid>@</jid></never></prefs>"} {
			if got := prefs("set", bad); got.Type != stanza.Error {
				t.Errorf("%s: %s", bad, got)
			}
		}
	})
}

func TestRetention(t *testing.T) {
	config := mam.DefaultConfig()
	config.Retention = 24 * time.Hour
	in(t, archivetest.Options{Archive: config}, func(t *testing.T, h *archivetest.House, alice, bob *archivetest.Client) {
		for n := range 5 {
			alice.Send(t, say("bob", fmt.Sprintf("read %d", n)))
		}
		h.Settle()
		bob.Leave()
		h.Settle()
		for n := range 3 {
			alice.Send(t, say("bob", fmt.Sprintf("unread %d", n)))
		}
		h.Settle()
		old := ask(t, h, alice, "").ids
		h.Clock.Advance(25 * time.Hour)
		alice.Send(t, say("bob", "today"))
		h.Settle()
		if err := h.Archive.Expire(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := ask(t, h, alice, "").bodies; !slices.Equal(got, []string{"today"}) {
			t.Errorf("alice still reads %v", got)
		}
		if p := ask(t, h, alice, set("<after>"+old[7]+"</after>")); p.fault == nil || p.fault.Condition != stanza.ItemNotFound {
			t.Errorf("the gap is not told: %v", p.fault)
		}
		// What nobody has fetched stays, and comes.
		bob = h.Connect("bob", "phone", false)
		bob.Send(t, "<presence/>")
		h.Settle()
		if got := archivetest.Bodies(bob.Take()); !slices.Equal(got, []string{"unread 0", "unread 1", "unread 2", "today"}) {
			t.Errorf("bob got %v", got)
		}
		h.Clock.Advance(10 * time.Second) // progress is saved
		h.Settle()
		if n := rows(t, h.DB, "archive_stanzas"); n != 4 {
			t.Errorf("%d messages are stored", n)
		}
		if err := h.Archive.Expire(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n, shared, entries := rows(t, h.DB, "archive_stanzas"), rows(t, h.DB, "archive_shared"), rows(t, h.DB, "archive_entries"); n != 1 || shared != 1 || entries != 2 {
			t.Errorf("%d messages, %d shared, %d entries are left", n, shared, entries)
		}
	})
}

func TestPurge(t *testing.T) {
	in(t, archivetest.Options{}, func(t *testing.T, h *archivetest.House, alice, bob *archivetest.Client) {
		for n := range 500 {
			alice.Send(t, say("bob", fmt.Sprint(n)))
		}
		bob.Send(t, say("bob", "to myself"))
		h.Settle()
		h.Remove("bob")
		h.Settle()
		for range 2 {
			if err := h.Archive.Purge(t.Context(), "bob"); err != nil {
				t.Fatal(err)
			}
		}
		if err := h.Archive.Expire(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n, shared, entries := rows(t, h.DB, "archive_stanzas"), rows(t, h.DB, "archive_shared"), rows(t, h.DB, "archive_entries"); n != 500 || shared != 0 || entries != 500 {
			t.Errorf("%d messages, %d shared, %d entries are left", n, shared, entries)
		}
		// Somebody else of that name has nothing of it.
		h.Clock.Advance(time.Second)
		bob = h.Connect("bob", "new", false)
		bob.Send(t, "<presence/>")
		alice.Send(t, say("bob", "welcome"))
		h.Settle()
		if got := ask(t, h, bob, "").bodies; !slices.Equal(got, []string{"welcome"}) {
			t.Errorf("the new bob reads %v", got)
		}
		if got := ask(t, h, alice, set("<max>100</max><before/>")).bodies; len(got) != 100 || got[99] != "welcome" {
			t.Errorf("alice reads %v", got)
		}
	})
}

// Queries of a session are answered in their order, and no more wait than may.
func TestManyQueries(t *testing.T) {
	in(t, archivetest.Options{}, func(t *testing.T, h *archivetest.House, alice, bob *archivetest.Client) {
		for n := range 10 {
			alice.Send(t, say("bob", fmt.Sprint(n)))
		}
		h.Settle()
		bob.Take()
		h.Do("bob", func(module.Account) {
			// While this runs, nothing is answered.
			for n := range 100 {
				bob.Send(t, fmt.Sprintf("<iq type='set' id='q%d'><query xmlns='urn:xmpp:mam:2' queryid='%d'/></iq>", n, n))
			}
		})
		h.Settle()
		var order []string
		refused := 0
		for _, st := range bob.Take() {
			switch {
			case st.Kind == stanza.IQ && st.Type == stanza.Error:
				if st.ReadFault().Condition != stanza.ResourceConstraint {
					t.Errorf("refused with %v", st.ReadFault())
				}
				refused++
			case st.Kind == stanza.IQ:
				order = append(order, strings.TrimPrefix(st.ID, "q"))
			default:
				if id := st.Child(ns.MAM, "result").Attr("queryid"); id != fmt.Sprint(len(order)) {
					t.Fatalf("a result of query %s while %d is answered", id, len(order))
				}
			}
		}
		if len(order)+refused != 100 || uint64(refused) != h.Archive.Counters().Refused.Load() {
			t.Errorf("%d answered, %d refused", len(order), refused)
		}
		for n, id := range order {
			if id != fmt.Sprint(n) {
				t.Fatalf("answered in the order %v", order)
			}
		}
	})
}

// A page of large messages is shorter than was asked for, and says so.
func TestLargeMessages(t *testing.T) {
	in(t, archivetest.Options{}, func(t *testing.T, h *archivetest.House, alice, bob *archivetest.Client) {
		large := strings.Repeat("x", 200_000)
		for n := range 50 {
			alice.Send(t, say("bob", fmt.Sprint(n, large)))
		}
		h.Settle()
		var got int
		for at, turn := "", 0; ; turn++ {
			p := ask(t, h, bob, set("<max>100</max>"+at))
			got += len(p.bodies)
			if p.complete() {
				break
			}
			if len(p.bodies) == 0 || len(p.bodies) > 25 || turn > 5 {
				t.Fatalf("page of %d", len(p.bodies))
			}
			at = "<after>" + p.last() + "</after>"
		}
		if got != 50 {
			t.Errorf("read %d", got)
		}
	})
}

func TestConfig(t *testing.T) {
	if err := mam.DefaultConfig().Validate(); err != nil {
		t.Errorf("the default is refused: %v", err)
	}
	forever := mam.DefaultConfig()
	forever.Retention = 0
	if err := forever.Validate(); err != nil {
		t.Errorf("for ever is refused: %v", err)
	}
	err := mam.Config{Retention: time.Hour, Policy: "perhaps", Page: 5, MaxPage: 5000}.Validate()
	for _, name := range []string{"archive.retention", "archive.policy", "archive.page", "archive.max_page"} {
		if err == nil || !strings.Contains(err.Error(), name+" is ") {
			t.Errorf("%s is not blamed: %v", name, err)
		}
	}
	var p mam.Policy
	if err := p.UnmarshalText([]byte("roster")); err != nil || p != mam.Roster {
		t.Errorf("read %q, %v", p, err)
	}
	if err := p.UnmarshalText([]byte("x")); err == nil {
		t.Error("a strange policy is accepted")
	}
}

// Upkeep goes on by itself, with pauses, and ends with its context.
func TestRun(t *testing.T) {
	config := mam.DefaultConfig()
	config.Retention = 24 * time.Hour
	in(t, archivetest.Options{Archive: config}, func(t *testing.T, h *archivetest.House, alice, _ *archivetest.Client) {
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			h.Archive.Run(ctx)
		}()
		for n := range 500 {
			alice.Send(t, say("bob", fmt.Sprint(n)))
		}
		h.Settle()
		h.Clock.Advance(time.Minute) // delivered, and noted
		h.Settle()
		for hours := 0; rows(t, h.DB, "archive_entries") > 0; hours++ {
			if hours > 100 {
				t.Fatal("nothing is deleted")
			}
			h.Clock.Advance(time.Hour)
			h.Settle()
		}
		if n := h.Archive.Counters().Expired.Load(); n != 1000 {
			t.Errorf("%d were deleted", n)
		}
		stop()
		<-ended
	})
}
