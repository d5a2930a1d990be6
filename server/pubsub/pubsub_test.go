package pubsub_test

import (
	"context"
	"log/slog"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"kith/internal/clock"
	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/server/caps"
	"kith/server/module"
	"kith/server/presence"
	"kith/server/pubsub"
	"kith/server/roster"
	"kith/server/router/routertest"
	"kith/server/store/storetest"
	"kith/server/xep"
)

// contacts joins what roster and presence know, as the server's list of parts does.
type contacts struct {
	*roster.Roster
	*presence.Presence
}

func (c contacts) Register(r *module.Registry) {
	c.Roster.Register(r)
	c.Presence.Register(r)
}

type house struct {
	*routertest.House
	roster *roster.Roster
	t      *testing.T
}

func newHouse(t *testing.T, change func(*pubsub.Config)) *house {
	return houseOf(t, storetest.Open(t).PubSub(), change)
}

// houseOf is newHouse with what keeps the nodes.
func houseOf(t *testing.T, store pubsub.Store, change func(*pubsub.Config)) *house {
	db := storetest.Open(t)
	log := slog.New(slog.DiscardHandler)
	c := pubsub.DefaultConfig()
	if change != nil {
		change(&c)
	}
	r := roster.New(routertest.Domain, db.Roster(), nil, log, roster.DefaultConfig())
	p := presence.New(routertest.Domain, r, r, log, presence.DefaultConfig())
	both := contacts{r, p}
	s := pubsub.New(store, both, caps.New(100, xep.CapsVer), clock.NewFake(routertest.Start), log, c)
	h := &house{House: routertest.New(t, both, s, &xep.Disco{Contacts: r}), roster: r, t: t}
	r.Connect(h.Accounts, h.Router)
	return h
}

func (h *house) befriend(x, y string) {
	h.t.Helper()
	h.Add(x, y)
	if err := h.roster.Introduce(context.Background(), x, y); err != nil {
		h.t.Fatal(err)
	}
}

// client is a client with capabilities: it answers what it is asked about them.
type client struct {
	*routertest.Client
	info string
	ver  string
}

// login binds a session that wants the events of these nodes.
func (h *house) login(who string, nodes ...string) *client {
	h.t.Helper()
	c := &client{Client: h.Bind(who)}
	c.wants(h.t, nodes...)
	return c
}

func (c *client) wants(t *testing.T, nodes ...string) {
	t.Helper()
	var b strings.Builder
	b.WriteString(`<query xmlns='http://jabber.org/protocol/disco#info'><identity category='client' type='pc' name='x'/>`)
	for _, n := range nodes {
		b.WriteString(`<feature var='` + n + `+notify'/>`)
	}
	b.WriteString(`</query>`)
	c.info = b.String()
	ver, err := xep.CapsVer(routertest.Parse(t, `<iq id='1' type='result'>`+c.info+`</iq>`).Payload())
	if err != nil {
		t.Fatal(err)
	}
	c.ver = ver
	c.Send(`<presence><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='urn:client' ver='` + ver + `'/></presence>`)
}

// describe answers the server's question about the capabilities.
func (c *client) describe(t *testing.T) {
	t.Helper()
	q := c.Wait(t, "a question about capabilities", func(st *stanza.Stanza) bool {
		return st.Kind == stanza.IQ && st.Type == stanza.Get && st.Payload().Attr("node") == "urn:client#"+c.ver
	})
	c.Send(`<iq type='result' id='` + q.ID + `' to='` + q.From.String() + `'>` + c.info + `</iq>`)
}

func (c *client) event(t *testing.T) *stanza.Stanza {
	t.Helper()
	return c.Wait(t, "an event", func(st *stanza.Stanza) bool { return !st.Child(ns.PubSubEvent, "event").IsZero() })
}

const pub = "http://jabber.org/protocol/pubsub"

func publish(node, id, payload, options string) string {
	if options != "" {
		options = `<publish-options><x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE' type='hidden'><value>` + pub +
			`#publish-options</value></field>` + options + `</x></publish-options>`
	}
	return `<iq type='set' id='pub-` + id + `'><pubsub xmlns='` + pub + `'><publish node='` + node + `'><item id='` + id + `'>` + payload +
		`</item></publish>` + options + `</pubsub></iq>`
}

func field(name, value string) string {
	return `<field var='pubsub#` + name + `'><value>` + value + `</value></field>`
}

func items(to, node string) string {
	return `<iq type='get' id='items-` + node + `' to='` + to + `'><pubsub xmlns='` + pub + `'><items node='` + node + `'/></pubsub></iq>`
}

func expect(t *testing.T, what string, st *stanza.Stanza, want ...string) {
	t.Helper()
	s := st.String()
	for _, w := range want {
		if !strings.Contains(s, w) {
			t.Errorf("%s: no %s in\n%s", what, w, s)
		}
	}
}

func TestEvents(t *testing.T) {
	h := newHouse(t, nil)
	h.befriend("alice", "bob")
	a := h.login("alice/tab", "urn:n")
	a.describe(t)
	phone := h.login("alice/phone", "urn:n") // the same capabilities: not asked again
	b := h.login("bob/pc", "urn:n")
	deaf := h.login("bob/old", "urn:other")
	deaf.describe(t)

	answer := a.Ask(publish("urn:n", "1", `<x xmlns='urn:x'>one</x>`, ""))
	expect(t, "answer", answer, `type='result'`, `<publish node='urn:n'><item id='1'/></publish>`)
	for name, c := range map[string]*client{"own tab": a, "own phone": phone, "contact": b} {
		expect(t, name, c.event(t), `from='alice@kith.example'`, `to='`+c.JID.String()+`'`, `type='headline'`,
			`<event xmlns='http://jabber.org/protocol/pubsub#event'><items node='urn:n'><item id='1'><x xmlns='urn:x'>one</x></item></items></event>`)
	}
	// A client that comes later gets the last item, with its time.
	late := h.login("bob/late", "urn:n")
	expect(t, "late", late.event(t), `to='bob@kith.example/late'`, `<item id='1'>`, `<delay xmlns='urn:xmpp:delay' from='alice@kith.example' stamp='2026-01-02T03:04:05.000Z'/>`)
	// So does one that begins to want the node.
	deaf.wants(t, "urn:n", "urn:other")
	deaf.describe(t)
	expect(t, "began to want it", deaf.event(t), `to='bob@kith.example/old'`, `<item id='1'>`)

	a.Ask(publish("urn:n", "1", `<x xmlns='urn:x'>two</x>`, ""))
	expect(t, "again", deaf.event(t), `two`)
	a.Ask(`<iq type='set' id='r'><pubsub xmlns='` + pub + `'><retract node='urn:n'><item id='1'/></retract></pubsub></iq>`)
	expect(t, "retraction", b.Wait(t, "retraction", func(st *stanza.Stanza) bool { return strings.Contains(st.String(), "<retract") }), `<retract id='1'/>`)
}

func TestAccess(t *testing.T) {
	h := newHouse(t, nil)
	h.befriend("alice", "bob")
	a, b, c := h.Bind("alice/x"), h.Bind("bob/x"), h.Bind("carol/x")
	for node, access := range map[string]string{"open": "open", "presence": "", "whitelist": "whitelist", "roster": "roster"} {
		options := ""
		if access != "" {
			options = field("access_model", access)
		}
		if access == "roster" {
			options += field("roster_groups_allowed", "Friends")
		}
		expect(t, "publish "+node, a.Ask(publish(node, "1", `<x xmlns='urn:x'/>`, options)), `type='result'`)
	}
	const ok = `<item id='1'>`
	for _, tt := range []struct {
		name, node string
		who        *routertest.Client
		want       string
	}{
		{"stranger", "open", c, ok},
		{"stranger", "presence", c, `presence-subscription-required`},
		{"stranger", "whitelist", c, `closed-node`},
		{"stranger", "roster", c, `not-in-roster-group`},
		{"stranger", "none", c, `item-not-found`},
		{"contact", "open", b, ok},
		{"contact", "presence", b, ok},
		{"contact", "whitelist", b, `closed-node`},
		{"contact", "roster", b, `not-in-roster-group`},
		{"owner", "whitelist", a, ok},
	} {
		expect(t, tt.name+" "+tt.node, tt.who.Ask(items("alice@kith.example", tt.node)), tt.want)
	}
	a.Ask(`<iq type='set' id='g'><query xmlns='jabber:iq:roster'><item jid='bob@kith.example'><group>Friends</group></item></query></iq>`)
	expect(t, "contact in the group", b.Ask(items("alice@kith.example", "roster")), ok)
	a.Ask(`<iq type='set' id='w'><pubsub xmlns='` + pub + `#owner'><affiliations node='whitelist'><affiliation jid='carol@kith.example' affiliation='member'/></affiliations></pubsub></iq>`)
	expect(t, "listed", c.Ask(items("alice@kith.example", "whitelist")), ok)
	a.Ask(`<iq type='set' id='o'><pubsub xmlns='` + pub + `#owner'><affiliations node='open'><affiliation jid='carol@kith.example' affiliation='outcast'/></affiliations></pubsub></iq>`)
	expect(t, "outcast", c.Ask(items("alice@kith.example", "open")), `<forbidden`)

	// Nobody but the owner changes anything.
	for _, xml := range []string{
		strings.Replace(publish("open", "2", "", ""), "<iq ", "<iq to='alice@kith.example' ", 1),
		`<iq to='alice@kith.example' type='set' id='d'><pubsub xmlns='` + pub + `#owner'><delete node='open'/></pubsub></iq>`,
		`<iq to='alice@kith.example' type='set' id='d'><pubsub xmlns='` + pub + `'><create node='mine'/></pubsub></iq>`,
		`<iq to='alice@kith.example' type='set' id='d'><pubsub xmlns='` + pub + `'><retract node='open'><item id='1'/></retract></pubsub></iq>`,
		`<iq to='alice@kith.example' type='get' id='d'><pubsub xmlns='` + pub + `#owner'><configure node='open'/></pubsub></iq>`,
	} {
		expect(t, "contact changes", b.Ask(xml), `<forbidden`)
	}

	// Discovery shows what one may read.
	disco := `<iq type='get' id='di' to='alice@kith.example'><query xmlns='http://jabber.org/protocol/disco#items'/></iq>`
	expect(t, "discovery by a contact", b.Ask(disco), `node='open'`, `node='presence'`, `node='roster'`)
	if s := b.Ask(disco).String(); strings.Contains(s, "whitelist") {
		t.Errorf("a contact sees a closed node: %s", s)
	}
	if s := c.Ask(disco).String(); !strings.Contains(s, "node='whitelist'") || strings.Contains(s, "node='presence'") {
		t.Errorf("carol sees %s", s)
	}
	expect(t, "discovery of a stranger", h.Bind("dave/x").Ask(items("nobody@kith.example", "x")), `service-unavailable`)
}

func TestPublishOptions(t *testing.T) {
	h := newHouse(t, func(c *pubsub.Config) { c.MaxItems = 3 })
	a := h.Bind("alice/x")
	ok := `type='result'`
	options := field("access_model", "open") + field("max_items", "max") + field("persist_items", "true") + field("send_last_published_item", "never")
	expect(t, "creates", a.Ask(publish("n", "1", "", options)), ok)
	expect(t, "the same again", a.Ask(publish("n", "2", "", options)), ok)
	expect(t, "booleans by the other name", a.Ask(publish("n", "2", "", field("persist_items", "1"))), ok)
	expect(t, "more than the limit is the limit", a.Ask(publish("n", "2", "", field("max_items", "100"))), ok)
	for _, o := range []string{
		field("access_model", "presence"), field("max_items", "2"), field("no_such_field", "1"), field("access_model", "nonsense"),
	} {
		expect(t, o, a.Ask(publish("n", "x", "", o)), `<conflict`, `precondition-not-met`)
	}
	expect(t, "the last item", a.Ask(items("alice@kith.example", "n")), `id='1'`, `id='2'`)
	for i := 3; i < 6; i++ {
		a.Ask(publish("n", strconv.Itoa(i), "", ""))
	}
	if got := a.Ask(items("alice@kith.example", "n")).Child(ns.PubSub, "pubsub").First().CountChildren(); got != 3 {
		t.Errorf("%d items kept, want 3", got)
	}
	// The owner may configure the node, and the precondition holds from then on.
	conf := `<iq type='set' id='c'><pubsub xmlns='` + pub + `#owner'><configure node='n'><x xmlns='jabber:x:data' type='submit'>` +
		`<field var='FORM_TYPE' type='hidden'><value>` + pub + `#node_config</value></field>` + field("access_model", "presence") +
		field("max_items", "1") + field("unknown", "1") + `</x></configure></pubsub></iq>`
	expect(t, "configure", a.Ask(conf), ok)
	expect(t, "after it", a.Ask(publish("n", "9", "", field("access_model", "presence"))), ok)
	expect(t, "trimmed", a.Ask(items("alice@kith.example", "n")), `<items node='n'><item id='9'/></items>`)
	expect(t, "configuration", a.Ask(`<iq type='get' id='c'><pubsub xmlns='`+pub+`#owner'><configure node='n'/></pubsub></iq>`),
		`var='pubsub#access_model'`, `<value>presence</value>`, `<option><value>whitelist</value></option>`)
}

func TestRefusals(t *testing.T) {
	h := newHouse(t, func(c *pubsub.Config) { c.MaxNodes = 2 })
	a := h.Bind("alice/x")
	set := func(inner string) string {
		return `<iq type='set' id='s'><pubsub xmlns='` + pub + `'>` + inner + `</pubsub></iq>`
	}
	a.Ask(publish("n", "1", "", ""))
	for _, tt := range []struct{ in, want string }{
		{set(`<publish><item/></publish>`), `nodeid-required`},
		{set(`<publish node='n'/>`), `item-required`},
		{set(`<publish node='n'><item/><item/></publish>`), `max-items-exceeded`},
		{set(`<publish node='n'><item><a xmlns='u'/><b xmlns='u'/></item></publish>`), `invalid-payload`},
		{set(`<publish node='n'><item>text</item></publish>`), `invalid-payload`},
		{set(`<publish node='n'><item/></publish><publish-options/>`), `<bad-request`},
		{set(`<retract node='n'/>`), `item-required`},
		{set(`<retract node='n'><item id='7'/></retract>`), `<item-not-found`},
		{set(`<retract node='none'><item id='7'/></retract>`), `<item-not-found`},
		{set(`<create node='n'/>`), `<conflict`},
		{set(`<subscribe node='n' jid='bob@kith.example'/>`), `invalid-jid`},
		{set(`<unsubscribe node='n' jid='alice@kith.example'/>`), `not-subscribed`},
		{set(`<what/>`), `<feature-not-implemented`},
		{`<iq type='get' id='s'><pubsub xmlns='` + pub + `'><items node='n' max_items='0'/></pubsub></iq>`, `<bad-request`},
		{`<iq type='get' id='s'><pubsub xmlns='` + pub + `'><items/></pubsub></iq>`, `nodeid-required`},
		{set(`<publish node='` + strings.Repeat("n", 1024) + `'><item/></publish>`), `nodeid-required`},
	} {
		st := a.Ask(tt.in)
		expect(t, tt.in, st, `type='error'`, tt.want, `from='alice@kith.example'`)
	}
	expect(t, "second node", a.Ask(set(`<create/>`)), `<create node='`)
	expect(t, "third node", a.Ask(publish("m", "1", "", "")), `max-nodes-exceeded`)
}

// There is a bound to what one kind of data may hold: whoever reads it gets all of it at once.
func TestRoom(t *testing.T) {
	h := newHouse(t, func(c *pubsub.Config) { c.MaxBytes = 1 << 20 })
	a := h.Bind("alice/x")
	piece := func(size int) string { return `<x xmlns='urn:x'>` + strings.Repeat("x", size) + `</x>` }
	const size = 240 << 10
	many := field("max_items", "max")
	for i := range 4 {
		expect(t, "large", a.Ask(publish("n", strconv.Itoa(i), piece(size), many)), `type='result'`)
	}
	expect(t, "one more", a.Ask(publish("n", "4", piece(size), "")), `type='error'`, `<resource-constraint`)
	expect(t, "in the place of another", a.Ask(publish("n", "3", piece(size), "")), `type='result'`)
	expect(t, "a small one", a.Ask(publish("n", "small", piece(100), "")), `type='result'`)
	expect(t, "retract", a.Ask(`<iq type='set' id='r'><pubsub xmlns='`+pub+`'><retract node='n'><item id='0'/></retract></pubsub></iq>`), `type='result'`)
	expect(t, "then", a.Ask(publish("n", "4", piece(size), "")), `type='result'`)
	got := a.Ask(items("alice@kith.example", "n"))
	for _, id := range []string{"1", "2", "3", "4", "small"} {
		expect(t, "items", got, `<item id='`+id+`'>`)
	}
	// What makes room by itself always has it.
	for i := range 8 {
		expect(t, "the last few", a.Ask(publish("last", strconv.Itoa(i), piece(size), field("max_items", "4"))), `type='result'`)
	}
	expect(t, "too large alone", a.Ask(publish("alone", "1", piece(2<<20), "")), `type='error'`, `<resource-constraint`)
	expect(t, "no node came of it", a.Ask(items("alice@kith.example", "alone")), `item-not-found`)
}

func TestSubscribers(t *testing.T) {
	h := newHouse(t, nil)
	a, c := h.Bind("alice/x"), h.Bind("carol/x")
	c.Send(`<presence/>`)
	a.Ask(publish("n", "1", `<x xmlns='urn:x'>one</x>`, field("access_model", "open")))
	sub := func(verb string) string {
		return `<iq type='set' id='s' to='alice@kith.example'><pubsub xmlns='` + pub + `'><` + verb + ` node='n' jid='carol@kith.example'/></pubsub></iq>`
	}
	expect(t, "subscribe", c.Ask(sub("subscribe")), `subscription='subscribed'`)
	one := &client{Client: c}
	expect(t, "last item on subscription", one.event(t), `one`)
	a.Ask(publish("n", "1", `<x xmlns='urn:x'>two</x>`, ""))
	expect(t, "event", one.event(t), `two`, `to='carol@kith.example'`)
	expect(t, "list for the owner", a.Ask(`<iq type='get' id='l'><pubsub xmlns='`+pub+`#owner'><subscriptions node='n'/></pubsub></iq>`), `jid='carol@kith.example'`)
	expect(t, "list for oneself", c.Ask(`<iq type='get' id='l' to='alice@kith.example'><pubsub xmlns='`+pub+`'><subscriptions/></pubsub></iq>`), `node='n'`)
	// Narrower access ends the subscription.
	a.Ask(`<iq type='set' id='c'><pubsub xmlns='` + pub + `#owner'><configure node='n'><x xmlns='jabber:x:data' type='submit'>` +
		`<field var='FORM_TYPE' type='hidden'><value>` + pub + `#node_config</value></field>` + field("access_model", "whitelist") + `</x></configure></pubsub></iq>`)
	expect(t, "after narrowing", c.Ask(sub("unsubscribe")), `not-subscribed`)
}

// whole is a store that counts the nodes that are written as a whole.
type whole struct {
	pubsub.Store
	saved atomic.Int32
}

func (w *whole) SaveNode(ctx context.Context, account string, n *pubsub.Node) error {
	w.saved.Add(1)
	return w.Store.SaveNode(ctx, account, n)
}

// Anybody can subscribe to what is open, again and again: that writes one line, not one for each who has done so.
func TestSubscribingWritesLittle(t *testing.T) {
	w := &whole{Store: storetest.Open(t).PubSub()}
	h := houseOf(t, w, nil)
	a := h.Bind("alice/x")
	expect(t, "publish", a.Ask(publish("n", "1", `<x xmlns='urn:x'/>`, field("access_model", "open"))), `type='result'`)
	a.Ask(`<iq type='set' id='w'><pubsub xmlns='` + pub + `#owner'><affiliations node='n'><affiliation jid='carol@kith.example' affiliation='member'/></affiliations></pubsub></iq>`)
	before := w.saved.Load()
	for _, who := range []string{"carol", "dave"} {
		c := h.Bind(who + "/x")
		for range 2 {
			for _, verb := range []string{"subscribe", "unsubscribe", "subscribe"} {
				expect(t, verb, c.Ask(`<iq type='set' id='s' to='alice@kith.example'><pubsub xmlns='`+pub+`'><`+verb+` node='n' jid='`+who+`@kith.example'/></pubsub></iq>`), `type='result'`)
			}
		}
	}
	if n := w.saved.Load() - before; n > 0 {
		t.Errorf("the node was written %d times", n)
	}
	nodes, err := w.Nodes(t.Context(), "alice")
	if err != nil || len(nodes) != 1 || len(nodes[0].Subscribers) != 2 || len(nodes[0].Affiliations) != 1 {
		t.Fatalf("%+v, %v", nodes, err)
	}
	h.Bind("dave/x").Ask(`<iq type='set' id='s' to='alice@kith.example'><pubsub xmlns='` + pub + `'><unsubscribe node='n' jid='dave@kith.example'/></pubsub></iq>`)
	h.Bind("carol/x").Ask(`<iq type='set' id='s' to='alice@kith.example'><pubsub xmlns='` + pub + `'><unsubscribe node='n' jid='carol@kith.example'/></pubsub></iq>`)
	if nodes, err = w.Nodes(t.Context(), "alice"); err != nil || len(nodes[0].Subscribers) != 0 || len(nodes[0].Affiliations) != 1 {
		t.Errorf("%+v, %v", nodes[0], err)
	}
}

// What is published survives the actor and the server.
func TestPersistence(t *testing.T) {
	db := storetest.Open(t)
	log := slog.New(slog.DiscardHandler)
	for round := range 2 {
		r := roster.New(routertest.Domain, db.Roster(), nil, log, roster.DefaultConfig())
		p := presence.New(routertest.Domain, r, r, log, presence.DefaultConfig())
		s := pubsub.New(db.PubSub(), contacts{r, p}, caps.New(100, xep.CapsVer), clock.NewFake(routertest.Start), log, pubsub.DefaultConfig())
		h := routertest.New(t, contacts{r, p}, s)
		r.Connect(h.Accounts, h.Router)
		a := h.Bind("alice/x")
		if round == 0 {
			a.Ask(publish("n", "1", `<x xmlns='urn:x'>one</x>`, field("access_model", "open")))
			continue
		}
		expect(t, "after a restart", h.Bind("carol/x").Ask(items("alice@kith.example", "n")), `<item id='1'><x xmlns='urn:x'>one</x></item>`)
	}
}

// A client that lies about its capabilities deceives nobody but itself.
func TestCapsPoisoning(t *testing.T) {
	h := newHouse(t, nil)
	mallory := h.login("mallory/x", "urn:n")
	q := mallory.Wait(t, "question", func(st *stanza.Stanza) bool { return st.Kind == stanza.IQ })
	mallory.Send(`<iq type='result' id='` + q.ID + `' to='` + q.From.String() + `'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>`)
	a := h.login("alice/x", "urn:n")
	a.describe(t) // asked: the lie was not kept
	a.Ask(publish("urn:n", "1", "", ""))
	a.event(t)
}
