package federation_test

import (
	"context"
	"fmt"
	"net"
	"regexp"
	"strings"
	"testing"
	"time"

	"kith/federation"
	"kith/internal/clock"
	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/server/auth"
	"kith/server/module"
	"kith/server/router"
	"kith/server/servertest"
)

// house is a whole server with its federation.
type house struct {
	*servertest.Server
	fed     *federation.Service
	address string
}

// out is the last route of the server, and in the way back.
type out struct{ f **federation.Service }

func (o out) Take(env *module.Envelope) bool { return (*o.f).Send(env.Stanza, env.Accept, nil) }

type inward struct{ module.Router }

func (i inward) Route(st *stanza.Stanza, accepted func()) {
	i.Router.Route(module.NewEnvelope(st, accepted))
}

// house starts one.
func (in *internet) house(domain string, change ...func(*federation.Config)) *house {
	in.t.Helper()
	h := &house{}
	cfg := federation.DefaultConfig()
	cfg.WellKnown, cfg.DANE = false, false
	for _, f := range change {
		f(&cfg)
	}
	var inside module.Router
	h.Server = servertest.New(in.t, func(o *servertest.Options) {
		o.Domain, o.Clock = domain, clock.Real{}
		o.Config.Components.Secrets["bot."+domain] = componentSecret
		o.Routes = []func(module.Router) router.Route{func(r module.Router) router.Route { inside = r; return out{&h.fed} }}
	})
	var err error
	h.fed, err = federation.New(in.t.Context(), cfg, federation.Deps{
		Domain: domain, Hosts: func(d string) bool { return d == domain || strings.HasSuffix(d, "."+domain) }, Router: inward{inside},
		Store: h.Store.Federation(), Guard: guard{h.Server}, TLS: in.tlsFor(domain, "groups."+domain, "bot."+domain), Resolver: in, Dial: in.dial,
		Roots: in.ca.pool, Clock: clock.Real{},
	})
	if err != nil {
		in.t.Fatal(err)
	}
	h.fed.Start()
	in.mu.Lock()
	ip := fmt.Sprintf("203.0.113.%d", len(in.hosts)+1)
	in.mu.Unlock()
	in.at(domain, ip, 5269, func(c net.Conn) { h.fed.Serve(c) })
	in.mu.Lock()
	in.addrs["groups."+domain] = in.addrs[domain]
	in.addrs["bot."+domain] = in.addrs[domain]
	in.mu.Unlock()
	h.address = ip + ":5269"
	in.t.Cleanup(func() {
		h.Stop()
		if err := h.fed.Shutdown(context.Background()); err != nil {
			in.t.Errorf("%s: shutdown: %v", domain, err)
		}
	})
	return h
}

// guard is how the program joins accounts and federation.
type guard struct{ s *servertest.Server }

func (g guard) Known(ctx context.Context, local string, contact jid.JID) (bool, error) {
	return g.s.Store.Federation().Known(ctx, local, contact.String())
}

func (g guard) Confined(ctx context.Context, local string) (bool, error) {
	a, err := g.s.Auth.Account(ctx, local)
	return err == nil && a.Role == auth.RoleLimited, nil
}

func kind(k stanza.Kind, t stanza.Type, from jid.JID) func(*stanza.Stanza) bool {
	return func(st *stanza.Stanza) bool { return st.Kind == k && st.Type == t && st.From == from }
}

// befriend makes two people contacts, who are at different servers.
func befriend(t *testing.T, a, b *servertest.Client) {
	t.Helper()
	for _, p := range [][2]*servertest.Client{{a, b}, {b, a}} {
		p[0].Send(`<presence type='subscribe' to='` + p[1].JID.Bare().String() + `'/>`)
		p[1].Wait(t, "the request", kind(stanza.Presence, stanza.Subscribe, p[0].JID.Bare()))
		p[1].Send(`<presence type='subscribed' to='` + p[0].JID.Bare().String() + `'/>`)
		p[0].Wait(t, "the presence", kind(stanza.Presence, stanza.Available, p[1].JID))
	}
}

// Two people at two servers: everything that they have of each other at one.
func TestTwoPeopleAtTwoServers(t *testing.T) {
	play(t, func(t *testing.T, in *internet) {
		one, two := in.house("one.example"), in.house("two.example")
		one.Account("alice")
		two.Account("bob")
		a, b := one.Client("alice"), two.Client("bob")
		laptop := two.Client("bob")
		a.Send(`<presence/>`)
		b.Send(`<presence/>`)
		laptop.Send(`<presence/>`)
		laptop.Ask(`<iq type='set' id='c'><enable xmlns='urn:xmpp:carbons:2'/></iq>`)
		befriend(t, a, b)

		// A message, its copies, its archive.
		a.Send(`<message to='` + b.JID.String() + `' type='chat' id='m1'><body>across</body><request xmlns='urn:xmpp:receipts'/></message>`)
		got := b.Message("across")
		id := got.Child(ns.StanzaID, "stanza-id")
		if id.Attr("by") != "bob@two.example" || got.From != a.JID {
			t.Errorf("b received %s", got)
		}
		copied := laptop.Wait(t, "the copy", func(st *stanza.Stanza) bool { return !st.Child(ns.Carbons, "received").IsZero() })
		if !strings.Contains(copied.String(), "across") {
			t.Errorf("copied %s", copied)
		}
		b.Send(`<iq type='set' id='q'><query xmlns='urn:xmpp:mam:2'/></iq>`)
		r := b.Wait(t, "the archive", func(st *stanza.Stanza) bool { return !st.Child(ns.MAM, "result").IsZero() })
		if r.Child(ns.MAM, "result").Attr("id") != id.Attr("id") || !strings.Contains(r.String(), "across") {
			t.Errorf("archived %s", r)
		}
		a.Send(`<iq type='set' id='q'><query xmlns='urn:xmpp:mam:2'/></iq>`)
		r = a.Wait(t, "the archive of the sender", func(st *stanza.Stanza) bool { return !st.Child(ns.MAM, "result").IsZero() })
		if !strings.Contains(r.String(), "across") {
			t.Errorf("archived %s", r)
		}
		b.Send(`<message to='` + a.JID.String() + `' type='chat' id='m2'><received xmlns='urn:xmpp:receipts' id='m1'/></message>`)
		a.Wait(t, "the receipt", func(st *stanza.Stanza) bool { return !st.Child("urn:xmpp:receipts", "received").IsZero() })

		// Keys: the list that a contact is told, and what anybody may ask for.
		publish := func(c *servertest.Client, node, item string) {
			t.Helper()
			if st := c.Ask(`<iq type='set' id='p` + node + `'><pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='` + node + `'>` + item + `</publish>` +
				`<publish-options><x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/pubsub#publish-options</value></field>` +
				`<field var='pubsub#access_model'><value>open</value></field></x></publish-options></pubsub></iq>`); st.Type != stanza.Result {
				t.Fatalf("publish: %s", st)
			}
		}
		const devices = "eu.siacs.conversations.axolotl.devicelist"
		publish(a, devices, `<item id='current'><list xmlns='eu.siacs.conversations.axolotl'><device id='1'/></list></item>`)
		if st := b.Ask(`<iq type='set' id='sub' to='alice@one.example'><pubsub xmlns='http://jabber.org/protocol/pubsub'><subscribe node='` + devices + `' jid='bob@two.example'/></pubsub></iq>`); st.Type != stanza.Result {
			t.Fatalf("subscribe: %s", st)
		}
		publish(a, devices, `<item id='current'><list xmlns='eu.siacs.conversations.axolotl'><device id='4711'/></list></item>`)
		b.Wait(t, "the list of devices", func(st *stanza.Stanza) bool {
			return st.From == a.JID.Bare() && strings.Contains(st.String(), "id='4711'") && !st.Child(ns.PubSubEvent, "event").IsZero()
		})
		publish(a, "eu.siacs.conversations.axolotl.bundles:4711", `<item id='current'><bundle xmlns='eu.siacs.conversations.axolotl'>keys</bundle></item>`)
		bundle := b.Ask(`<iq type='get' id='k' to='alice@one.example'><pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='eu.siacs.conversations.axolotl.bundles:4711'/></pubsub></iq>`)
		if !strings.Contains(bundle.String(), ">keys<") {
			t.Errorf("the bundle is %s", bundle)
		}

		// The end of one is seen by the other.
		a.Send(`<presence type='unavailable'/>`)
		b.Wait(t, "the end", kind(stanza.Presence, stanza.Unavailable, a.JID))
		// A blocked one is told nothing and tells nothing.
		b.Ask(`<iq type='set' id='bl'><block xmlns='urn:xmpp:blocking'><item jid='alice@one.example'/></block></iq>`)
		a.Send(`<message to='bob@two.example' type='chat' id='m3'><body>blocked</body></message>`)
		a.Wait(t, "the refusal", func(st *stanza.Stanza) bool { return st.ID == "m3" && st.Type == stanza.Error })
	})
}

// A room with people of two servers, who see each other, its history and its archive.
func TestARoomAcross(t *testing.T) {
	play(t, func(t *testing.T, in *internet) {
		one, two := in.house("one.example"), in.house("two.example")
		one.Account("alice")
		two.Account("bob")
		a, b := one.Client("alice"), two.Client("bob")
		a.Send(`<presence to='den@groups.one.example/Alice'><x xmlns='http://jabber.org/protocol/muc'/></presence>`)
		a.Wait(t, "the own presence", func(st *stanza.Stanza) bool {
			return st.From.String() == "den@groups.one.example/Alice" && strings.Contains(st.String(), "code='110'")
		})
		a.Ask(`<iq type='set' id='i' to='den@groups.one.example'><query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='submit'/></query></iq>`)
		a.Ask(`<iq type='set' id='m' to='den@groups.one.example'><query xmlns='http://jabber.org/protocol/muc#admin'><item affiliation='member' jid='bob@two.example'/></query></iq>`)
		b.Send(`<presence to='den@groups.one.example/Bob'><x xmlns='http://jabber.org/protocol/muc'/></presence>`)
		b.Wait(t, "the own presence", func(st *stanza.Stanza) bool {
			return st.From.String() == "den@groups.one.example/Bob" && strings.Contains(st.String(), "code='110'")
		})
		a.Wait(t, "bob's presence", func(st *stanza.Stanza) bool { return st.From.String() == "den@groups.one.example/Bob" })
		b.Send(`<message to='den@groups.one.example' type='groupchat' id='g1'><body>from afar</body></message>`)
		for _, c := range []*servertest.Client{a, b} {
			if st := c.Message("from afar"); st.From.String() != "den@groups.one.example/Bob" || !strings.Contains(st.String(), "<occupant-id") {
				t.Errorf("received %s", st)
			}
		}
		b.Send(`<iq type='set' id='q' to='den@groups.one.example'><query xmlns='urn:xmpp:mam:2'/></iq>`)
		b.Wait(t, "the archive of the room", func(st *stanza.Stanza) bool {
			return st.From.String() == "den@groups.one.example" && strings.Contains(st.String(), "from afar")
		})
		// XEP-0410: is he still in there?
		if st := b.Ask(`<iq type='get' id='s' to='den@groups.one.example/Bob'><ping xmlns='urn:xmpp:ping'/></iq>`); st.Type != stanza.Result {
			t.Errorf("self-ping: %s", st)
		}
		// The connection between the servers breaks; nothing is lost.
		in.cut(one.address)
		a.Send(`<message to='den@groups.one.example' type='groupchat' id='g2'><body>after the break</body></message>`)
		b.Message("after the break")
		// The other server goes: the room notices that its occupant cannot be reached any more.
		in.unplug(two.address)
		in.unplug(one.address) // it may have made the connection
		a.Send(`<message to='den@groups.one.example' type='groupchat' id='g3'><body>into the void</body></message>`)
		pass(t, 20*time.Minute)
		a.Wait(t, "that bob is gone", func(st *stanza.Stanza) bool {
			return st.From.String() == "den@groups.one.example/Bob" && st.Type == stanza.Unavailable
		})
	})
}

// A child's account communicates with its contacts alone, and strangers are let in in small numbers.
func TestChildrenAndStrangers(t *testing.T) {
	play(t, func(t *testing.T, in *internet) {
		one := in.house("one.example", func(c *federation.Config) { c.Strangers = 3 })
		two := in.house("two.example")
		one.Account("alice", "carol")
		if _, err := one.Auth.Create(t.Context(), "kid", auth.RoleLimited, auth.Password(servertest.Password)); err != nil {
			t.Fatal(err)
		}
		two.Account("bob")
		b := two.Client("bob")
		b.Send(`<presence/>`)
		kid := one.Client("kid")
		kid.Send(`<presence/>`)
		b.Send(`<message to='kid@one.example' type='chat' id='k1'><body>hello kid</body></message>`)
		st := b.Wait(t, "the refusal", func(st *stanza.Stanza) bool { return st.ID == "k1" })
		if f := st.ReadFault(); f == nil || f.Condition != stanza.ServiceUnavailable {
			t.Errorf("refused as %s", st)
		}
		b.Send(`<presence to='kid@one.example' type='subscribe' id='k2'/>`)
		b.Wait(t, "the refusal", func(st *stanza.Stanza) bool { return st.ID == "k2" && st.Type == stanza.Error })
		kid.Send(`<message to='bob@two.example' type='chat' id='k3'><body>hello bob</body></message>`)
		st = kid.Wait(t, "the refusal", func(st *stanza.Stanza) bool { return st.ID == "k3" })
		if f := st.ReadFault(); f == nil || f.Condition != stanza.NotAllowed {
			t.Errorf("refused as %s", st)
		}
		for _, st := range kid.Take() {
			if st.From.Domain() == "two.example" && st.Type != stanza.Error {
				t.Errorf("the kid received %s", st)
			}
		}

		alice := one.Client("alice")
		alice.Send(`<presence/>`)
		for i := range 5 {
			b.Send(fmt.Sprintf(`<message to='alice@one.example' type='chat' id='s%d'><body>spam %d</body></message>`, i, i))
		}
		for i := range 3 {
			alice.Message(fmt.Sprint("spam ", i))
		}
		for i := 3; i < 5; i++ {
			st := b.Wait(t, "the refusal", func(st *stanza.Stanza) bool { return st.ID == fmt.Sprint("s", i) })
			if f := st.ReadFault(); f == nil || f.Condition != stanza.ResourceConstraint || f.Kind != "wait" {
				t.Errorf("refused as %s", st)
			}
		}
		// Who was written to may answer; others still may not.
		alice.Send(`<message to='bob@two.example' type='chat' id='a1'><body>who are you</body></message>`)
		b.Message("who are you")
		b.Send(`<message to='alice@one.example' type='chat' id='s9'><body>bob</body></message>`)
		alice.Message("bob")
		// An hour later there is room for some more.
		pass(t, time.Hour)
		b.Send(`<message to='carol@one.example' type='chat' id='s10'><body>later</body></message>`)
		c := one.Client("carol")
		c.Send(`<presence/>`)
		c.Message("later")
	})
}

// Nobody learns from afar which accounts there are.
func TestNoSuchAccount(t *testing.T) {
	play(t, func(t *testing.T, in *internet) {
		one, two := in.house("one.example"), in.house("two.example")
		one.Account("alice")
		two.Account("bob")
		b := two.Client("bob")
		b.Send(`<presence/>`)
		answer := func(id, xml string) string {
			b.Send(xml)
			st := b.Wait(t, "the answer to "+id, func(st *stanza.Stanza) bool { return st.ID == id })
			return regexp.MustCompile(`(alice|nobody)`).ReplaceAllString(st.String(), "x")
		}
		for id, xml := range map[string]string{
			"iq": `<iq type='get' id='iq' to='%s@one.example'><query xmlns='jabber:iq:last'/></iq>`,
			"d":  `<iq type='get' id='d' to='%s@one.example'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>`,
			"v":  `<iq type='get' id='v' to='%s@one.example/x'><query xmlns='jabber:iq:version'/></iq>`,
		} {
			if a, n := answer(id, fmt.Sprintf(xml, "alice")), answer(id, fmt.Sprintf(xml, "nobody")); a != n {
				t.Errorf("there is a difference between\n%s\n%s", a, n)
			}
		}
		two.Stop()
	})
}
