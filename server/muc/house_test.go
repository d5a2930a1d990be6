package muc_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"kith/internal/clock"
	"kith/internal/jid"
	"kith/internal/stanza"
	"kith/internal/stanzaid"
	"kith/server/module"
	"kith/server/muc"
	"kith/server/presence"
	"kith/server/roster"
	"kith/server/router"
	"kith/server/router/routertest"
	"kith/server/store"
	"kith/server/store/storetest"
	"kith/server/xep"
)

const (
	host = "groups." + routertest.Domain
	cave = "cave@" + host
)

// house is a server with group chat, on a real database.
type house struct {
	*routertest.House
	t      testing.TB
	db     *store.DB
	muc    *muc.Service
	ids    stanzaid.Codec
	policy *policy
	log    *testLog
	fail   *failing
	far    *far
}

type options struct {
	db     *store.DB
	config func(*muc.Config)
	notify muc.Notifier
	// bare leaves out presence and roster, for benchmarks.
	bare bool
}

// policy is a muc.Policy that allows everything until it is told otherwise.
type policy struct {
	mu     sync.Mutex // guards the fields below
	create map[string]bool
	join   map[string]bool
	alone  map[string]bool
	admins map[string]bool
}

func (p *policy) MayCreate(user jid.JID) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	may, said := p.create[user.Local()]
	return may || !said
}

func (p *policy) MayJoin(user jid.JID, _ muc.View) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	may, said := p.join[user.Local()]
	return may || !said
}

func (p *policy) MayTalk(user, other jid.JID) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.alone[user.Local()] && !p.alone[other.Local()]
}

func (p *policy) MayInvite(user jid.JID) bool { return p.MayTalk(user, user) }

func (p *policy) MayList(user jid.JID) bool { return p.MayTalk(user, user) }

func (p *policy) Admin(user jid.JID) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.admins[user.Local()]
}

// testLog fails the test that does not expect an error.
type testLog struct {
	slog.Handler
	t      testing.TB
	mu     sync.Mutex // guards ignore
	ignore bool
}

func (l *testLog) Enabled(context.Context, slog.Level) bool { return true }

func (l *testLog) Handle(_ context.Context, r slog.Record) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if r.Level >= slog.LevelError && !l.ignore {
		var attrs []string
		r.Attrs(func(a slog.Attr) bool {
			attrs = append(attrs, a.String())
			return true
		})
		l.t.Errorf("logged: %s %s", r.Message, strings.Join(attrs, " "))
	}
	return nil
}

// failing is a store of which parts can be made to fail.
type failing struct {
	muc.Store
	mu  sync.Mutex // guards err
	err error
}

func (f *failing) set(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
}

func (f *failing) get() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}

func (f *failing) Append(m *muc.Message, done func(error)) {
	if err := f.get(); err != nil {
		done(err)
		return
	}
	f.Store.Append(m, done)
}

func (f *failing) SaveEntries(ctx context.Context, local string, changed []muc.Entry) error {
	if err := f.get(); err != nil {
		return err
	}
	return f.Store.SaveEntries(ctx, local, changed)
}

func (f *failing) SaveLinks(ctx context.Context, local string, l muc.Links, changed []muc.Entry) error {
	if err := f.get(); err != nil {
		return err
	}
	return f.Store.SaveLinks(ctx, local, l, changed)
}

// away is the route to other servers.
type away struct{ h *house }

func (a away) Take(env *module.Envelope) bool {
	a.h.far.of(env.Stanza.To).add(env.Stanza)
	env.Accept()
	return true
}

func newHouse(t testing.TB, o options) *house {
	t.Helper()
	h := &house{t: t, db: o.db, policy: &policy{create: map[string]bool{}, join: map[string]bool{}, admins: map[string]bool{}}, log: &testLog{t: t}, far: &far{all: map[jid.JID]*inbox{}}}
	if h.db == nil {
		h.db = storetest.Open(t)
	}
	archive := h.db.Archive()
	key, err := archive.Key(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if h.ids, err = stanzaid.New(key); err != nil {
		t.Fatal(err)
	}
	c := muc.DefaultConfig()
	if o.config != nil {
		o.config(&c)
	}
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	h.fail = &failing{Store: h.db.MUC(archive)}
	// The rig makes the clock and the router, and needs the features before.
	late := &lateRouter{}
	clk := &lateClock{}
	h.muc = muc.New(jid.Must(host), routertest.Domain, h.fail, h.ids, late, h.policy, clk, slog.New(h.log), c)
	if o.notify != nil {
		h.muc.Notify(o.notify)
	}
	modules := []module.Module{h.muc, &xep.Commands{Domain: jid.Must(routertest.Domain)}}
	var contacts *roster.Roster
	if o.bare {
		modules = append(modules, direct{})
	} else {
		contacts = roster.New(routertest.Domain, h.db.Roster(), nil, slog.New(h.log), roster.DefaultConfig())
		modules = append(modules, contacts, presence.New(routertest.Domain, contacts, contacts, slog.New(h.log), presence.DefaultConfig()))
	}
	h.House = routertest.New(t, modules...)
	clk.Fake = h.House.Clock
	late.Router = h.Router
	if contacts != nil {
		contacts.Connect(h.Accounts, h.Router)
	}
	*h.Router = router.Router{}
	h.Router.Add(router.NewDomain(jid.Must(routertest.Domain), h.Registry, h.Router), h.muc, h.Accounts, away{h})
	t.Cleanup(func() {
		if err := h.muc.Close(context.Background()); err != nil {
			t.Errorf("close rooms: %v", err)
		}
	})
	return h
}

// lateRouter and lateClock are those of a house that is made later.
type lateRouter struct{ *router.Router }

type lateClock struct{ *clock.Fake }

// direct is as much of the presence feature as rooms need, and of the others what costs most: they look at
// what is in a stanza.
type direct struct{}

func (direct) Register(r *module.Registry) {
	r.OnFilter(func(p *module.Passage) error {
		p.Stanza.Root()
		return nil
	})
	r.OnPresence(func(p *module.Passage) {
		if p.Direction == module.Outgoing && p.Stanza.To.IsZero() {
			p.Session.SetPresence(p.Stanza)
		} else if p.Direction == module.Outgoing {
			p.Account.Route(p.Stanza)
		} else if s := p.Account.Session(p.Stanza.To.Resource()); s != nil {
			s.Send(p.Stanza)
		}
	})
}

// far is what went to other servers, by recipient.
type far struct {
	mu  sync.Mutex // guards all and what is in it
	all map[jid.JID]*inbox
}

type inbox struct {
	f       *far
	stanzas []*stanza.Stanza
}

func (f *far) of(j jid.JID) *inbox {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.all[j] == nil {
		f.all[j] = &inbox{f: f}
	}
	return f.all[j]
}

func (b *inbox) add(st *stanza.Stanza) {
	b.f.mu.Lock()
	defer b.f.mu.Unlock()
	b.stanzas = append(b.stanzas, st)
}

func (b *inbox) take() []*stanza.Stanza {
	b.f.mu.Lock()
	defer b.f.mu.Unlock()
	out := b.stanzas
	b.stanzas = nil
	return out
}

// in runs a test with a house in a bubble.
func in(t *testing.T, o options, f func(t *testing.T, h *house)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(t, newHouse(t, o)) })
}

// client is a client that can be on another server, too.
type client struct {
	*routertest.Client
	h   *house
	jid jid.JID
	far *inbox
}

// login makes a client of this server, "alice/phone", or of another one, "alice@far.example/phone".
func (h *house) login(who string) *client {
	h.t.Helper()
	bare, resource, _ := strings.Cut(who, "/")
	if local, domain, far := strings.Cut(bare, "@"); far {
		j, err := jid.New(local, domain, resource)
		if err != nil {
			h.t.Fatal(err)
		}
		return &client{h: h, jid: j, far: h.far.of(j)}
	}
	c := &client{h: h, Client: h.Bind(who)}
	c.jid = c.Client.JID
	c.Client.Send("<presence/>")
	h.Settle()
	c.Take()
	return c
}

// send is a stanza of the client, and waits until all that comes of it has come.
func (c *client) send(format string, args ...any) {
	c.h.t.Helper()
	c.fire(format, args...)
	c.h.Settle()
}

// fire is send without waiting.
func (c *client) fire(format string, args ...any) {
	c.h.t.Helper()
	xml := fmt.Sprintf(format, args...)
	if c.far == nil {
		c.Client.Send(xml)
		return
	}
	st := routertest.Parse(c.h.t, xml).Stamp(c.jid)
	c.h.Router.Route(module.NewEnvelope(st, nil))
}

// got settles, and is all that has come since.
func (c *client) got() []*stanza.Stanza {
	c.h.t.Helper()
	c.h.Settle()
	if c.far != nil {
		return c.far.take()
	}
	return c.Client.Take()
}

// join enters a room, and forgets what comes of it.
func (c *client) join(room, nick string) {
	c.h.t.Helper()
	c.enter(room, nick, "")
	for _, st := range c.got() {
		if st.Kind == stanza.Presence && st.Type != stanza.Error && strings.Contains(st.Inner(), "code='110'") {
			return
		}
	}
	c.h.t.Fatalf("%s did not get into %s", c.jid, room)
}

// enter asks to be let in. extra is content of the x element.
func (c *client) enter(room, nick, extra string) {
	c.h.t.Helper()
	c.send(`<presence to='%s/%s' id='join'><x xmlns='http://jabber.org/protocol/muc'>%s</x></presence>`, room, nick, extra)
}

// ask sends a request and waits for the answer; what else came is kept for got.
func (c *client) ask(format string, args ...any) *stanza.Stanza {
	c.h.t.Helper()
	xml := fmt.Sprintf(format, args...)
	id := routertest.Parse(c.h.t, xml).ID
	c.send("%s", xml)
	c.h.Settle()
	if c.far == nil {
		return c.Wait(c.h.t, "an answer to "+xml, func(st *stanza.Stanza) bool { return st.Kind == stanza.IQ && st.ID == id })
	}
	c.far.f.mu.Lock()
	defer c.far.f.mu.Unlock()
	for i, st := range c.far.stanzas {
		if st.Kind == stanza.IQ && st.ID == id {
			c.far.stanzas = append(c.far.stanzas[:i:i], c.far.stanzas[i+1:]...)
			return st
		}
	}
	c.h.t.Fatalf("%s got no answer to %s", c.jid, xml)
	return nil
}

// ok is ask for a request that must succeed.
func (c *client) ok(format string, args ...any) *stanza.Stanza {
	c.h.t.Helper()
	st := c.ask(format, args...)
	if st.Type != stanza.Result {
		c.h.t.Fatalf("%s asked %s and got %s", c.jid, fmt.Sprintf(format, args...), st)
	}
	return st
}

// refused is ask for a request that must fail with a condition.
func (c *client) refused(want stanza.Condition, format string, args ...any) {
	c.h.t.Helper()
	st := c.ask(format, args...)
	if st.Type != stanza.Error || st.ReadFault().Condition != want {
		c.h.t.Fatalf("%s asked %s and got %s instead of %s", c.jid, fmt.Sprintf(format, args...), st, want)
	}
}

// config writes a submitted form of a room's configuration.
func config(fields ...string) string {
	var b strings.Builder
	b.WriteString(`<query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/muc#roomconfig</value></field>`)
	for i := 0; i+1 < len(fields); i += 2 {
		name := fields[i]
		if !strings.HasPrefix(name, "muc#") {
			name = "muc#roomconfig_" + name
		}
		fmt.Fprintf(&b, `<field var='%s'>`, name)
		if fields[i+1] != "" {
			for _, v := range strings.Split(fields[i+1], ",") {
				fmt.Fprintf(&b, `<value>%s</value>`, v)
			}
		}
		b.WriteString(`</field>`)
	}
	b.WriteString(`</x></query>`)
	return b.String()
}

// open makes a room open to everybody, where moderators only know who somebody is.
var open = []string{"membersonly", "0", "whois", "moderators", "publicroom", "1"}

// room makes a room whose maker is in it with the nickname of the account, and is configured like this.
func (c *client) room(address string, fields ...string) {
	c.h.t.Helper()
	c.join(address, c.jid.Local())
	c.ok(`<iq type='set' to='%s' id='config'>%s</iq>`, address, config(fields...))
	c.got()
}

// configure changes the configuration of a room.
func (c *client) configure(address string, fields ...string) {
	c.h.t.Helper()
	c.ok(`<iq type='set' to='%s' id='config'>%s</iq>`, address, config(fields...))
}

// admin asks for changes in the namespace of administration.
func admin(room, items string) string {
	return `<iq type='set' to='` + room + `' id='admin'><query xmlns='http://jabber.org/protocol/muc#admin'>` + items + `</query></iq>`
}

// hold keeps a room busy until the returned function is called.
func (h *house) hold(room string) func() {
	stop := make(chan struct{})
	h.muc.Hold(room, stop)
	return func() { close(stop) }
}

// list asks for a list.
func list(room, item string) string {
	return `<iq type='get' to='` + room + `' id='list'><query xmlns='http://jabber.org/protocol/muc#admin'>` + item + `</query></iq>`
}

func (c *client) say(room, body string) {
	c.h.t.Helper()
	c.send(`<message type='groupchat' to='%s' id='m-%s'><body>%s</body></message>`, room, body, body)
}

// want compares what came, stanza by stanza; each is given by parts of its text, separated by " … ". A part
// that begins with "!" must not be there.
func want(t testing.TB, who string, got []*stanza.Stanza, parts ...string) {
	t.Helper()
	ok := len(got) == len(parts)
	for i := 0; ok && i < len(got); i++ {
		ok = matches(got[i], parts[i])
	}
	if !ok {
		t.Fatalf("%s got\n%swant\n%s", who, routertest.Text(got), strings.Join(parts, "\n"))
	}
}

func matches(st *stanza.Stanza, parts string) bool {
	for _, p := range strings.Split(parts, " … ") {
		not, absent := strings.CutPrefix(p, "!")
		if strings.Contains(st.String(), not) == absent {
			return false
		}
	}
	return true
}

// wants is want for what a client has got by now.
func (c *client) wants(parts ...string) {
	c.h.t.Helper()
	want(c.h.t, c.jid.String(), c.got(), parts...)
}

// forget forgets what clients have got.
func forget(all ...*client) {
	for _, c := range all {
		c.got()
	}
}
