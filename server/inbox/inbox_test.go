package inbox_test

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"kith/internal/clock"
	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/internal/stanzaid"
	"kith/server/mam"
	"kith/server/module"
	"kith/server/router/routertest"
	"kith/server/servertest"
	"kith/server/store"
)

// entry is a conversation as a client sees it.
type entry struct {
	jid, id, resultID, body string
	unread                  int
}

func (e entry) String() string { return fmt.Sprintf("%s %d %s", bareLocal(e.jid), e.unread, e.body) }

func bareLocal(s string) string { return strings.TrimSuffix(s, "@example.org") }

type inbox struct {
	t       *testing.T
	entries []entry
	fin     *stanza.Stanza
}

func (i inbox) String() string {
	parts := make([]string, 0, len(i.entries))
	for _, e := range i.entries {
		parts = append(parts, e.String())
	}
	return strings.Join(parts, "; ")
}

func (i inbox) counts() string {
	f := i.fin.Child(ns.Inbox, "fin")
	return f.Attr("total") + " " + f.Attr("unread") + " " + f.Attr("all-unread") + " " + f.Child(ns.RSM, "set").ChildText(ns.RSM, "count")
}

func (i inbox) of(address string) entry {
	i.t.Helper()
	for _, e := range i.entries {
		if e.jid == address {
			return e
		}
	}
	i.t.Fatalf("no conversation with %s in %s", address, i)
	return entry{}
}

var requests atomic.Int64

// list asks for the inbox.
func list(t *testing.T, c *servertest.Client, attrs, content string) inbox {
	t.Helper()
	c.Take()
	id := "inbox" + strconv.FormatInt(requests.Add(1), 10)
	out := inbox{t: t}
	c.Send(`<iq type='get' id='` + id + `'><inbox xmlns='urn:xmpp:inbox:1' ` + attrs + `>` + content + `</inbox></iq>`)
	out.fin = c.Wait(t, "the end of the inbox", func(st *stanza.Stanza) bool { return st.Kind == stanza.IQ && st.ID == id })
	for _, st := range c.Take() {
		e := st.Child(ns.Inbox, "entry")
		if e.IsZero() {
			continue
		}
		n, err := strconv.Atoi(e.Attr("unread"))
		if err != nil {
			t.Fatal(err)
		}
		v := entry{jid: e.Attr("jid"), id: e.Attr("id"), unread: n}
		if r := st.Child(ns.MAM, "result"); !r.IsZero() {
			if r.Attr("queryid") != id {
				t.Errorf("queryid %q", r.Attr("queryid"))
			}
			v.resultID = r.Attr("id")
			v.body = r.Child(ns.Forward, "forwarded").Child(ns.Client, "message").ChildText(ns.Client, "body")
			if r.Child(ns.Forward, "forwarded").Child(ns.Delay, "delay").IsZero() {
				t.Errorf("no time: %s", st)
			}
		}
		out.entries = append(out.entries, v)
	}
	return out
}

func want(t *testing.T, what string, got inbox, entries, counts string) {
	t.Helper()
	if got.String() != entries {
		t.Errorf("%s: %s\nwant %s", what, got, entries)
	}
	if got.counts() != counts {
		t.Errorf("%s: counts %s, want %s", what, got.counts(), counts)
	}
}

func say(c *servertest.Client, to, id, inner string) {
	c.Send(`<message to='` + to + `' type='chat' id='` + id + `'>` + inner + `</message>`)
}

// text says something and waits until the other side has it.
func text(t *testing.T, from, to *servertest.Client, body string) *stanza.Stanza {
	t.Helper()
	say(from, to.JID.Bare().String(), body, `<body>`+body+`</body>`)
	return to.Message(body)
}

func stanzaID(st *stanza.Stanza) string { return st.Child(ns.StanzaID, "stanza-id").Attr("id") }

// ticking is a clock that goes on by a millisecond whenever somebody looks at it, so that what comes later
// is later.
type ticking struct {
	clock.Clock
	ticks *atomic.Int64
}

func (c ticking) Now() time.Time {
	return c.Clock.Now().Add(time.Duration(c.ticks.Add(1)) * time.Millisecond)
}

func house(t *testing.T) *servertest.Server {
	return servertest.New(t, func(o *servertest.Options) { o.Clock = ticking{clock.Real{}, new(atomic.Int64)} })
}

func people(t *testing.T, s *servertest.Server, names ...string) []*servertest.Client {
	t.Helper()
	s.Account(names...)
	out := make([]*servertest.Client, 0, len(names))
	for _, n := range names {
		c := s.Client(n)
		c.Send(`<presence/>`)
		c.Ask(`<iq type='get' id='ready'><query xmlns='jabber:iq:roster'/></iq>`)
		out = append(out, c)
	}
	return out
}

func TestChats(t *testing.T) {
	s := house(t)
	p := people(t, s, "alice", "bob", "carol", "dave")
	a, b, c := p[0], p[1], p[2]
	info := a.Ask(`<iq type='get' id='d' to='alice@example.org'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>`)
	if !strings.Contains(info.String(), `var='urn:xmpp:inbox:1'`) {
		t.Errorf("not announced: %s", info)
	}
	want(t, "nothing", list(t, a, "", ""), "", "0 0 0 0")

	text(t, b, a, "b1")
	text(t, b, a, "b2")
	third := text(t, b, a, "b3")
	text(t, c, a, "c1")
	got := list(t, a, "", "")
	want(t, "unread", got, "carol 1 c1; bob 3 b3", "2 2 4 2")
	if e := got.of("bob@example.org"); e.id != stanzaID(third) || e.resultID != e.id {
		t.Errorf("ids %+v, want %s", e, stanzaID(third))
	}
	want(t, "who has written", list(t, b, "", ""), "alice 0 b3", "1 0 0 1")

	// What one answers, one has read.
	text(t, a, c, "c2")
	want(t, "answered", list(t, a, "", ""), "carol 0 c2; bob 3 b3", "2 1 3 2")
	want(t, "unread only", list(t, a, "unread-only='true'", ""), "bob 3 b3", "2 1 3 1")
	want(t, "without messages", list(t, a, "messages='false'", ""), "carol 0 ; bob 3 ", "2 1 3 2")

	// Receipts, reactions and corrections are no messages of their own, though the newest thing there is.
	say(b, "alice@example.org", "r", `<received xmlns='urn:xmpp:receipts' id='x'/><store xmlns='urn:xmpp:hints'/>`)
	say(b, "alice@example.org", "e", `<reactions xmlns='urn:xmpp:reactions:0' id='x'><reaction>+</reaction></reactions><store xmlns='urn:xmpp:hints'/>`)
	say(b, "alice@example.org", "k", `<body>corrected</body><replace xmlns='urn:xmpp:message-correct:0' id='b3'/>`)
	newest := stanzaID(a.Message("corrected"))
	got = list(t, a, "", "")
	want(t, "aside", got, "carol 0 c2; bob 3 b3", "2 1 3 2")
	if e := got.of("bob@example.org"); e.id != newest || e.resultID != stanzaID(third) {
		t.Errorf("newest %s and last %s, want %s and %s", e.id, e.resultID, newest, stanzaID(third))
	}

	// Not to others.
	if st := b.Ask(`<iq type='get' id='spy' to='alice@example.org'><inbox xmlns='urn:xmpp:inbox:1'/></iq>`); st.Type != stanza.Error {
		t.Errorf("somebody else gets %s", st)
	}
}

// What was displayed is not unread: by the mark for the own devices, and by the marker for the other side.
func TestDisplayed(t *testing.T) {
	s := house(t)
	p := people(t, s, "alice", "bob")
	a, b := p[0], p[1]
	text(t, b, a, "b1")
	second := text(t, b, a, "b2")
	text(t, b, a, "b3")
	mark := func(id, by string) {
		t.Helper()
		st := a.Ask(`<iq type='set' id='mds` + id + `'><pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='urn:xmpp:mds:displayed:0'><item id='bob@example.org'>` +
			`<displayed xmlns='urn:xmpp:mds:displayed:0'><stanza-id xmlns='urn:xmpp:sid:0' id='` + id + `' by='` + by + `'/></displayed></item></publish></pubsub></iq>`)
		if st.Type != stanza.Result {
			t.Fatalf("publish: %s", st)
		}
	}
	mark("nonsense", "alice@example.org")
	want(t, "a mark of nothing", list(t, a, "", ""), "bob 3 b3", "1 1 3 1")
	mark(stanzaID(second), "bob@example.org")
	want(t, "a mark in another archive", list(t, a, "", ""), "bob 3 b3", "1 1 3 1")
	mark(stanzaID(second), "alice@example.org")
	want(t, "two displayed", list(t, a, "", ""), "bob 1 b3", "1 1 1 1")

	fourth := text(t, b, a, "b4")
	text(t, b, a, "b5")
	// The marker comes late, when something newer is there already.
	say(a, "bob@example.org", "m", `<displayed xmlns='urn:xmpp:chat-markers:0' id='`+fourth.ID+`'/><store xmlns='urn:xmpp:hints'/>`)
	b.Wait(t, "the marker", func(st *stanza.Stanza) bool { return st.ID == "m" })
	want(t, "a marker", list(t, a, "", ""), "bob 1 b5", "1 1 1 1")
	say(a, "bob@example.org", "m2", `<displayed xmlns='urn:xmpp:chat-markers:0' id='unheard of'/><store xmlns='urn:xmpp:hints'/>`)
	b.Wait(t, "the marker", func(st *stanza.Stanza) bool { return st.ID == "m2" })
	text(t, b, a, "b6")
	// Markers of others are theirs.
	say(b, "alice@example.org", "m3", `<displayed xmlns='urn:xmpp:chat-markers:0' id='b6'/><store xmlns='urn:xmpp:hints'/>`)
	a.Wait(t, "the marker", func(st *stanza.Stanza) bool { return st.ID == "m3" })
	if e := list(t, a, "", "").of("bob@example.org"); e.unread == 0 {
		t.Error("the marker of somebody else has read it")
	}
}

const rooms = "@groups.example.org"

func enter(t *testing.T, c *servertest.Client, room string) {
	t.Helper()
	c.Send(`<presence to='` + room + rooms + `/` + c.JID.Local() + `'><x xmlns='http://jabber.org/protocol/muc'><history maxstanzas='0'/></x></presence>`)
	c.Wait(t, "entering", func(st *stanza.Stanza) bool {
		return st.Kind == stanza.Message && !st.Child(ns.Client, "subject").IsZero()
	})
}

func configure(t *testing.T, c *servertest.Client, room string, fields ...string) {
	t.Helper()
	var b strings.Builder
	for i := 0; i+1 < len(fields); i += 2 {
		b.WriteString(`<field var='` + fields[i] + `'><value>` + fields[i+1] + `</value></field>`)
	}
	st := c.Ask(`<iq type='set' id='cfg` + room + `' to='` + room + rooms + `'><query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='submit'>` +
		`<field var='FORM_TYPE'><value>http://jabber.org/protocol/muc#roomconfig</value></field>` + b.String() + `</x></query></iq>`)
	if st.Type != stanza.Result {
		t.Fatalf("configure: %s", st)
	}
}

func talk(t *testing.T, room string, from *servertest.Client, body string, to ...*servertest.Client) (last *stanza.Stanza) {
	t.Helper()
	from.Send(`<message to='` + room + rooms + `' type='groupchat' id='` + body + `'><body>` + body + `</body></message>`)
	for _, c := range append(to, from) {
		last = c.Message(body)
	}
	return last
}

func affiliate(t *testing.T, c *servertest.Client, room, who, what string) {
	t.Helper()
	st := c.Ask(`<iq type='set' id='aff` + who + what + `' to='` + room + rooms + `'><query xmlns='http://jabber.org/protocol/muc#admin'><item jid='` + who + `@example.org' affiliation='` + what + `'/></query></iq>`)
	if st.Type != stanza.Result {
		t.Fatalf("affiliation: %s", st)
	}
}

func bookmark(t *testing.T, c *servertest.Client, room string) {
	t.Helper()
	st := c.Ask(`<iq type='set' id='bm'><pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='urn:xmpp:bookmarks:1'><item id='` + room + `'><conference xmlns='urn:xmpp:bookmarks:1'/></item></publish></pubsub></iq>`)
	if st.Type != stanza.Result {
		t.Fatalf("bookmark: %s", st)
	}
}

func TestRooms(t *testing.T) {
	s := house(t)
	p := people(t, s, "alice", "bob", "carol")
	a, b, c := p[0], p[1], p[2]
	for _, room := range []string{"team", "plaza"} {
		enter(t, a, room)
	}
	configure(t, a, "team")
	configure(t, a, "plaza", "muc#roomconfig_membersonly", "0", "muc#roomconfig_publicroom", "1", "muc#roomconfig_whois", "moderators")
	affiliate(t, a, "team", "bob", "member")
	enter(t, b, "team")
	first := talk(t, "team", a, "t1", b)
	talk(t, "team", b, "t2", a)
	talk(t, "team", a, "t3", b)
	text(t, a, b, "hello")
	talk(t, "plaza", a, "p1")

	want(t, "who belongs to one and has said something", list(t, b, "", ""), "alice 1 hello; team"+rooms+" 1 t3", "2 2 2 2")
	want(t, "who has said the last everywhere", list(t, a, "", ""), "plaza"+rooms+" 0 p1; bob 0 hello; team"+rooms+" 0 t3", "3 0 0 3")
	want(t, "a stranger", list(t, c, "", ""), "", "0 0 0 0")

	// A bookmark alone shows a room that anybody may enter, and nothing of one that is for its members.
	bookmark(t, c, "team"+rooms)
	bookmark(t, c, "nowhere"+rooms)
	bookmark(t, c, "plaza"+rooms)
	got := list(t, c, "", "")
	want(t, "bookmarks", got, "plaza"+rooms+" 1 p1", "1 1 1 1")
	// So does being there.
	enter(t, b, "plaza")
	talk(t, "plaza", a, "p2", b)
	if e := list(t, b, "", "").of("plaza" + rooms); e.unread != 2 || e.body != "p2" {
		t.Errorf("an occupant sees %+v", e)
	}

	// Who said it is known to moderators alone.
	c.Take()
	c.Send(`<iq type='get' id='who'><inbox xmlns='urn:xmpp:inbox:1'/></iq>`)
	st := c.Wait(t, "the room", func(st *stanza.Stanza) bool { return !st.Child(ns.Inbox, "entry").IsZero() })
	if strings.Contains(st.String(), "alice@example.org") || !strings.Contains(st.String(), "plaza"+rooms+"/alice") {
		t.Errorf("in a semi-anonymous room: %s", st)
	}

	// What was displayed, by the id that the room gave.
	mds := func(id, by string) {
		t.Helper()
		b.Ask(`<iq type='set' id='mds'><pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='urn:xmpp:mds:displayed:0'><item id='team` + rooms + `'>` +
			`<displayed xmlns='urn:xmpp:mds:displayed:0'><stanza-id xmlns='urn:xmpp:sid:0' id='` + id + `' by='` + by + `'/></displayed></item></publish></pubsub></iq>`)
	}
	t4, t5 := talk(t, "team", a, "t4", b), talk(t, "team", a, "t5", b)
	if e := list(t, b, "", "").of("team" + rooms); e.unread != 3 || e.id != stanzaID(t5) || e.resultID != e.id {
		t.Errorf("%+v", e)
	}
	mds(stanzaID(first), "team"+rooms)
	if e := list(t, b, "", "").of("team" + rooms); e.unread != 3 {
		t.Errorf("a mark before what was said oneself: %+v", e)
	}
	mds(stanzaID(t4), "bob@example.org")
	if e := list(t, b, "", "").of("team" + rooms); e.unread != 3 {
		t.Errorf("a mark in another archive: %+v", e)
	}
	mds(stanzaID(t4), "team"+rooms)
	if e := list(t, b, "", "").of("team" + rooms); e.unread != 1 {
		t.Errorf("after the mark: %+v", e)
	}
	b.Send(`<message to='team` + rooms + `' type='groupchat' id='mark'><displayed xmlns='urn:xmpp:chat-markers:0' id='` + stanzaID(t5) + `'/><store xmlns='urn:xmpp:hints'/></message>`)
	a.Wait(t, "the marker", func(st *stanza.Stanza) bool { return st.ID == "mark" })
	if e := list(t, b, "", "").of("team" + rooms); e.unread != 0 || e.body != "t5" || e.id == e.resultID {
		t.Errorf("after the marker: %+v", e)
	}

	// What was retracted is not the last message, and nobody need read it.
	t6 := talk(t, "team", a, "t6", b)
	a.Ask(`<iq type='set' id='mod' to='team` + rooms + `'><moderate xmlns='urn:xmpp:message-moderate:1' id='` + stanzaID(t6) + `'><retract xmlns='urn:xmpp:message-retract:1'/></moderate></iq>`)
	if e := list(t, b, "", "").of("team" + rooms); e.unread != 0 || e.body != "t5" {
		t.Errorf("after a retraction: %+v", e)
	}

	// What is said in private is no conversation of its own.
	a.Send(`<message to='team` + rooms + `/bob' type='chat' id='psst'><body>psst</body><x xmlns='http://jabber.org/protocol/muc#user'/></message>`)
	b.Message("psst")
	if got := list(t, b, "", ""); strings.Contains(got.String(), "psst") || len(got.entries) != 3 {
		t.Errorf("with a private message: %s", got)
	}

	// Whoever is banned has no part any more, bookmark or not.
	bookmark(t, b, "team"+rooms)
	affiliate(t, a, "team", "bob", "outcast")
	if got := list(t, b, "", ""); strings.Contains(got.String(), "team") {
		t.Errorf("who is banned sees %s", got)
	}
}

func TestPages(t *testing.T) {
	s := house(t)
	p := people(t, s, "alice", "bob", "carol", "dave", "erin", "frank")
	a := p[0]
	for _, c := range p[1:] {
		text(t, c, a, "from "+c.JID.Local())
	}
	set := func(inner string) string { return `<set xmlns='http://jabber.org/protocol/rsm'>` + inner + `</set>` }
	end := func(i inbox, name string) string {
		return i.fin.Child(ns.Inbox, "fin").Child(ns.RSM, "set").ChildText(ns.RSM, name)
	}
	first := list(t, a, "", set(`<max>2</max>`))
	want(t, "first", first, "frank 1 from frank; erin 1 from erin", "5 5 5 5")
	// What moves to the top meanwhile is not missed by the next page, and does not stop it.
	text(t, p[4], a, "again")
	second := list(t, a, "", set(`<max>2</max><after>`+end(first, "last")+`</after>`))
	want(t, "second", second, "dave 1 from dave; carol 1 from carol", "5 5 6 5")
	third := list(t, a, "", set(`<max>2</max><after>`+end(second, "last")+`</after>`))
	want(t, "third", third, "bob 1 from bob", "5 5 6 5")
	want(t, "beyond", list(t, a, "", set(`<max>2</max><after>`+end(third, "last")+`</after>`)), "", "5 5 6 5")
	want(t, "last", list(t, a, "", set(`<max>2</max><before/>`)), "carol 1 from carol; bob 1 from bob", "5 5 6 5")
	want(t, "before", list(t, a, "", set(`<max>2</max><before>`+end(second, "first")+`</before>`)), "erin 2 again; frank 1 from frank", "5 5 6 5")
	want(t, "counts alone", list(t, a, "", set(`<max>0</max>`)), "", "5 5 6 5")
	for what, content := range map[string]string{
		"no such place": set(`<after>nowhere</after>`), "by index": set(`<index>1</index>`), "no number": set(`<max>x</max>`),
	} {
		if got := list(t, a, "", content); got.fin.Type != stanza.Error {
			t.Errorf("%s: %s", what, got.fin)
		}
	}
	if got := list(t, a, "messages='maybe'", ""); got.fin.Type != stanza.Error {
		t.Errorf("neither true nor false: %s", got.fin)
	}
}

// The mark that a client sends with what it says (XEP-0490 section 4.4) counts at once.
func TestServerAssist(t *testing.T) {
	s := house(t)
	p := people(t, s, "alice", "bob")
	a, b := p[0], p[1]
	first := text(t, b, a, "b1")
	say(a, "bob@example.org", "assist", `<displayed xmlns='urn:xmpp:mds:displayed:0'><stanza-id xmlns='urn:xmpp:sid:0' id='`+stanzaID(first)+`' by='alice@example.org'/></displayed><store xmlns='urn:xmpp:hints'/>`)
	b.Wait(t, "what is left of it", func(st *stanza.Stanza) bool { return st.ID == "assist" })
	want(t, "assist", list(t, a, "", ""), "bob 0 b1", "1 0 0 1")
}

// An account with 200 conversations and 100,000 messages.
func BenchmarkInbox(b *testing.B) {
	const chats, messages = 200, 100_000
	for _, c := range []struct {
		name     string
		answered int // every how many-th message is one's own; 0 for none
	}{{"answered", 10}, {"all unread", 0}} {
		b.Run(c.name, func(b *testing.B) {
			dir := b.TempDir()
			fill(b, dir, chats, messages, c.answered)
			s := servertest.New(b, func(o *servertest.Options) { o.Dir = dir })
			s.Account("alice")
			to := &sink{end: make(chan struct{}, 1)}
			full := jid.Must("alice@example.org/x")
			session, err := s.Accounts().Bind(b.Context(), full, to, module.Login{}, nil)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			busy := cpu()
			b.ResetTimer()
			for n := range b.N {
				to.entries = 0
				request := `<iq type='get' id='i` + strconv.Itoa(n) + `' to='alice@example.org'><inbox xmlns='urn:xmpp:inbox:1'/></iq>`
				session.Receive(routertest.Parse(b, request).Stamp(full), func() {})
				<-to.end
				if to.entries != chats {
					b.Fatalf("%d conversations", to.entries)
				}
			}
			b.StopTimer()
			b.ReportMetric(float64((cpu()-busy).Nanoseconds())/float64(b.N)/1000, "cpu-µs/inbox")
			session.Unbind()
		})
	}
}

// cpu is what the process has used, in user and kernel.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// sink is a client that counts the conversations it is told of.
type sink struct {
	entries int
	end     chan struct{}
}

func (s *sink) Deliver(st *stanza.Stanza, delivered func()) {
	if delivered != nil {
		delivered()
	}
	if st.Kind == stanza.IQ {
		s.end <- struct{}{}
		return
	}
	s.entries++
}

func (*sink) End(module.EndReason) {}

func (*sink) Attached() bool { return true }

func (*sink) Unacknowledged() []*stanza.Stanza { return nil }

func (*sink) Undelivered() []*stanza.Stanza { return nil }

// fill gives alice an archive, before the server starts.
func fill(b *testing.B, dir string, chats, messages, answered int) {
	b.Helper()
	db, err := store.Open(b.Context(), store.Options{Dir: dir, Volatile: true})
	if err != nil {
		b.Fatal(err)
	}
	ar := db.Archive()
	if _, err := ar.Key(b.Context()); err != nil {
		b.Fatal(err)
	}
	body := strings.Repeat("x", 1200)
	now := stanzaid.First(time.Now().Add(-time.Hour))
	var wg sync.WaitGroup
	window := make(chan struct{}, 1000)
	for n := range messages {
		wg.Add(1)
		window <- struct{}{}
		ar.Append(&mam.Entry{
			Archive: 1, Address: "alice@example.org", New: true, Seq: now + stanzaid.Seq(n), Stored: &module.Stored{},
			Peer: jid.Must(fmt.Sprintf("peer%d@example.org/x", n%chats)), Outgoing: answered != 0 && n/chats%answered == 0,
			Stanza: stanza.New(stanza.Header{Kind: stanza.Message, Type: stanza.Chat}, "<body>"+body+"</body>"),
		}, func(err error) {
			if err != nil {
				b.Error(err)
			}
			<-window
			wg.Done()
		})
	}
	wg.Wait()
	if err := db.Close(); err != nil {
		b.Fatal(err)
	}
}
