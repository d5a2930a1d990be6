package component_test

import (
	"crypto/sha1"
	"encoding/hex"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/internal/stream"
	"kith/internal/xmltree"
	"kith/server/component"
	"kith/server/module"
	"kith/server/router"
	"kith/server/router/routertest"
	"kith/server/servertest"
)

const secret = "a secret for tests"

func newServer(t *testing.T) *servertest.Server {
	t.Helper()
	s := servertest.New(t, func(o *servertest.Options) {
		o.Config.Components.Secrets = map[string]string{"irc.example.org": secret}
	})
	s.Account("alice")
	return s
}

// gateway is a component.
type gateway struct {
	t      *testing.T
	conn   net.Conn
	reader *stream.Reader
	id     string
}

func dial(t *testing.T, s *servertest.Server, host string) *gateway {
	t.Helper()
	ours, theirs := net.Pipe()
	s.Components().Serve(theirs)
	t.Cleanup(func() { ours.Close() })
	_ = ours.SetDeadline(time.Now().Add(30 * time.Second))
	g := &gateway{t: t, conn: ours}
	g.reader = stream.NewReader(ours, ns.Component, xmltree.Limits{Bytes: 1 << 20, Elements: 1 << 16, Depth: 100, Attrs: 100}, &stream.Buffers{})
	g.send("<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' xmlns:stream='" + ns.Stream + "' to='" + host + "'>")
	item, err := g.reader.Next()
	if err != nil || item.Kind != stream.Open || item.Header.From.String() != host || item.Header.ID == "" || item.Header.Version != "" {
		t.Fatalf("header: %+v %v", item, err)
	}
	g.id = item.Header.ID
	return g
}

func (g *gateway) send(xml string) {
	g.t.Helper()
	if _, err := g.conn.Write([]byte(xml)); err != nil {
		g.t.Fatalf("send %s: %v", xml, err)
	}
}

func (g *gateway) get() xmltree.Element {
	g.t.Helper()
	item, err := g.reader.Next()
	if err != nil || item.Kind != stream.Element {
		g.t.Fatalf("got %+v, %v", item, err)
	}
	return item.Element
}

// ends expects a stream error.
func (g *gateway) ends(condition string) {
	g.t.Helper()
	e := g.get()
	if !e.Is(ns.Stream, "error") || e.Child(ns.Streams, condition).IsZero() {
		g.t.Errorf("want %s, got %s", condition, e.Source())
	}
	if item, err := g.reader.Next(); err != nil || item.Kind != stream.Close {
		g.t.Errorf("after that: %+v %v", item, err)
	}
}

func (g *gateway) prove(secret string) {
	g.t.Helper()
	sum := sha1.Sum([]byte(g.id + secret))
	g.send("<handshake>" + hex.EncodeToString(sum[:]) + "</handshake>")
}

func connect(t *testing.T, s *servertest.Server) *gateway {
	t.Helper()
	g := dial(t, s, "irc.example.org")
	g.prove(secret)
	if e := g.get(); !e.Is(ns.Client, "handshake") || e.Text() != "" {
		t.Fatalf("got %s", e.Source())
	}
	return g
}

func TestComponent(t *testing.T) {
	s := newServer(t)
	a := s.Client("alice")
	items := a.Ask(`<iq type='get' id='i' to='example.org'><query xmlns='http://jabber.org/protocol/disco#items'/></iq>`)
	if !strings.Contains(items.String(), "jid='irc.example.org'") {
		t.Errorf("items: %s", items)
	}
	st := a.Ask(`<iq type='get' id='away' to='irc.example.org'><ping xmlns='urn:xmpp:ping'/></iq>`)
	if f := st.ReadFault(); f.Condition != stanza.ServiceUnavailable || f.Kind != "wait" {
		t.Errorf("away: %s", st)
	}
	g := connect(t, s)
	a.Send(`<message to='#go%libera@irc.example.org/nick' type='chat' id='m1'><body>hello</body><x xmlns='urn:x'><y/></x></message>`)
	e := g.get()
	if e.Attr("from") != a.JID.String() || e.Attr("to") != "#go%libera@irc.example.org/nick" || e.ChildText(ns.Client, "body") != "hello" || e.Child("urn:x", "x").IsZero() {
		t.Errorf("got %s", e.Source())
	}
	g.send(`<message from='#go%libera@irc.example.org/rob' to='` + a.JID.String() + `' type='chat'><body>hello yourself</body></message>`)
	if st := a.Message("hello yourself"); st.From.String() != "#go%libera@irc.example.org/rob" {
		t.Errorf("got %s", st)
	}
	g.send(`<iq type='get' id='q' from='irc.example.org' to='example.org'><query xmlns='jabber:iq:version'/></iq>`)
	if e := g.get(); e.Attr("type") != "result" || e.Attr("id") != "q" || e.Child(ns.Version, "query").IsZero() {
		t.Errorf("got %s", e.Source())
	}
	// What it may not say.
	g.send(`<message from='alice@example.org' to='` + a.JID.String() + `'><body>forged</body></message>`)
	g.ends("invalid-from")
	// When it is gone, what is sent to it comes back.
	for {
		st := a.Ask(`<iq type='get' id='gone' to='irc.example.org'><ping xmlns='urn:xmpp:ping'/></iq>`)
		if st.Type == stanza.Error {
			break
		}
	}
	for _, st := range a.Take() {
		if st.Body() == "forged" {
			t.Error("the forged message arrived")
		}
	}
}

// elsewhere is the route to other servers.
type elsewhere struct{ routertest.Inbox }

func (e *elsewhere) Take(env *module.Envelope) bool {
	e.Add(env.Stanza)
	env.Accept()
	return true
}

// Other servers reach a component as its domain, and hear from it by the same name; nobody hears from it by
// another.
func TestOtherServers(t *testing.T) {
	away := &elsewhere{}
	s := servertest.New(t, func(o *servertest.Options) {
		o.Config.Components.Secrets = map[string]string{"irc.example.org": secret}
		o.Routes = append(o.Routes, func(module.Router) router.Route { return away })
	})
	from := func(what, text string) *stanza.Stanza {
		t.Helper()
		return away.Wait(t, what, func(st *stanza.Stanza) bool { return strings.Contains(st.String(), text) })
	}
	in := func(xml string) { module.Deliver(s.Router(), routertest.Parse(t, xml)) }
	in(`<iq type='get' id='early' from='bob@else.example/x' to='irc.example.org'><ping xmlns='urn:xmpp:ping'/></iq>`)
	if st := from("an answer for it", "early"); st.From.String() != "irc.example.org" || st.ReadFault().Condition != stanza.ServiceUnavailable {
		t.Errorf("while it is not there: %s", st)
	}
	g := connect(t, s)
	in(`<message from='bob@else.example/x' to='#kith@irc.example.org' id='m1'><body>hello</body></message>`)
	if e := g.get(); e.Attr("from") != "bob@else.example/x" || e.Attr("to") != "#kith@irc.example.org" || e.ChildText(ns.Client, "body") != "hello" {
		t.Errorf("got %s", e.Source())
	}
	g.send(`<message from='#kith@irc.example.org/rob' to='bob@else.example/x' id='m2'><body>hello yourself</body></message>`)
	if st := from("the answer", "hello yourself"); st.From.String() != "#kith@irc.example.org/rob" || st.To.String() != "bob@else.example/x" {
		t.Errorf("got %s", st)
	}
	g.send(`<iq type='get' id='q' from='irc.example.org' to='else.example'><ping xmlns='urn:xmpp:ping'/></iq>`)
	from("a request", "id='q'")
	in(`<iq type='result' id='q' from='else.example' to='irc.example.org'/>`)
	if e := g.get(); e.Attr("id") != "q" || e.Attr("type") != "result" {
		t.Errorf("got %s", e.Source())
	}
	g.send(`<message from='alice@example.org' to='bob@else.example/x'><body>forged</body></message>`)
	g.ends("invalid-from")
	for _, st := range away.Inbox.Take() {
		t.Errorf("others hear %s", st)
	}
}

func TestRefusals(t *testing.T) {
	s := newServer(t)
	dial(t, s, "example.org").ends("host-unknown")
	dial(t, s, "else.example").ends("host-unknown")
	g := dial(t, s, "irc.example.org")
	g.prove("another secret")
	g.ends("not-authorized")
	g = dial(t, s, "irc.example.org")
	g.send(`<message from='irc.example.org' to='alice@example.org'><body>hello</body></message>`)
	g.ends("not-authorized")
	g = connect(t, s)
	g.send(`<message from='irc.example.org'><body>hello</body></message>`)
	g.ends("improper-addressing")
	g = connect(t, s)
	g.send(`<foo/>`)
	g.ends("unsupported-stanza-type")
	if n := s.Components().Counters().Refused.Load(); n != 4 {
		t.Errorf("%d were refused", n)
	}
}

// A program that has started again takes the place of what is left of it.
func TestReplaced(t *testing.T) {
	s := newServer(t)
	a := s.Client("alice")
	old := connect(t, s)
	g := connect(t, s)
	old.ends("conflict")
	a.Send(`<message to='irc.example.org' type='chat'><body>hello</body></message>`)
	if e := g.get(); e.ChildText(ns.Client, "body") != "hello" {
		t.Errorf("got %s", e.Source())
	}
	stopped := make(chan struct{})
	go func() {
		s.Stop()
		close(stopped)
	}()
	g.ends("system-shutdown")
	if _, err := io.ReadAll(g.conn); err != nil {
		t.Errorf("the end: %v", err)
	}
	<-stopped
}

func TestConfig(t *testing.T) {
	for what, c := range map[string]component.Config{
		"components.secrets has \"Irc\"": {Secrets: map[string]string{"Irc": secret}},
		"too short":                      {Secrets: map[string]string{"irc.example.org": "x"}},
		"nobody can connect":             {Listen: "localhost:5347"},
	} {
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := component.New(component.Config{Secrets: map[string]string{"example.org": secret}}, []string{"example.org"}, nil, nil, nil); err == nil {
		t.Error("the server's own domain")
	}
}
