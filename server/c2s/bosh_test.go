package c2s

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/sasl"
	"kith/internal/xmltree"
)

// boshClient makes requests of XEP-0124.
type boshClient struct {
	t   *testing.T
	web *httptest.Server
	rid uint64
	sid string
	// waiting are elements that came and were not asked for yet.
	waiting []xmltree.Element
	ended   string // the condition of the end, "none" for an end without
}

func newBOSH(t *testing.T, w *world) *boshClient {
	t.Helper()
	web := httptest.NewTLSServer(w.srv.BOSH(nil))
	t.Cleanup(func() { web.CloseClientConnections(); web.Close() })
	return &boshClient{t: t, web: web, rid: 1573741820}
}

// raw makes a request and gives the answer.
func (c *boshClient) raw(ctx context.Context, body string) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.web.URL+"/http-bind", strings.NewReader(body))
	if err != nil {
		return "", err
	}
	r.Header.Set("Content-Type", "text/xml; charset=utf-8")
	resp, err := c.web.Client().Do(r)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return string(text), err
}

func (c *boshClient) body(rid uint64, attrs, inner string) string {
	if c.sid != "" {
		attrs += " sid='" + c.sid + "'"
	}
	return "<body rid='" + strconv.FormatUint(rid, 10) + "' xmlns='http://jabber.org/protocol/httpbind' xmlns:xmpp='urn:xmpp:xbosh' " + attrs + ">" + inner + "</body>"
}

// request sends a body with the next number and takes what comes.
func (c *boshClient) request(attrs, inner string) xmltree.Element {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	text, err := c.raw(ctx, c.body(c.rid, attrs, inner))
	if err != nil {
		c.t.Fatalf("request: %v", err)
	}
	c.rid++
	return c.parse(text)
}

func (c *boshClient) parse(text string) xmltree.Element {
	c.t.Helper()
	e, err := xmltree.Parse(text, xmltree.Limits{Bytes: 1 << 22, Elements: 1 << 16, Depth: 100, Attrs: 100}, xmltree.Scope{})
	if err != nil || !e.Is(nsBOSH, "body") {
		c.t.Fatalf("answer %q: %v", text, err)
	}
	if e.Attr("type") == "terminate" {
		if c.ended = e.Attr("condition"); c.ended == "" {
			c.ended = "none"
		}
	}
	for x := range e.Children() {
		c.waiting = append(c.waiting, x)
	}
	return e
}

// get is the next element, for which it asks as often as need be.
func (c *boshClient) get() xmltree.Element {
	c.t.Helper()
	for len(c.waiting) == 0 {
		if c.ended != "" {
			c.t.Fatalf("it is over: %s", c.ended)
		}
		c.request("", "")
	}
	e := c.waiting[0]
	c.waiting = c.waiting[1:]
	return e
}

func (c *boshClient) begin(attrs string) xmltree.Element {
	c.t.Helper()
	e := c.request("to='"+domain+"' wait='60' ver='1.6' xml:lang='en' xmpp:version='1.0' "+attrs, "")
	c.sid = e.Attr("sid")
	return e
}

// login signs in as clients of RFC 6120 do.
func (c *boshClient) login(user string) jid.JID {
	c.t.Helper()
	if f := c.get(); !f.Is(ns.Stream, "features") || f.Child(ns.SASL, "mechanisms").IsZero() {
		c.t.Fatalf("features: %s", f.Source())
	}
	cl := scram(user)
	cl.Flag = 'n'
	c.request("", "<auth xmlns='"+ns.SASL+"' mechanism='"+string(sasl.ScramSHA256)+"'>"+b64(cl.First())+"</auth>")
	challenge := c.get()
	out, err := cl.Next(unb64(c.t, challenge.Text()))
	if err != nil {
		c.t.Fatalf("%s: %v", challenge.Source(), err)
	}
	c.request("", "<response xmlns='"+ns.SASL+"'>"+b64(out)+"</response>")
	if e := c.get(); !e.Is(ns.SASL, "success") {
		c.t.Fatalf("login: %s", e.Source())
	}
	c.request("to='"+domain+"' xmpp:restart='true'", "")
	if f := c.get(); f.Child(ns.Bind, "bind").IsZero() {
		c.t.Fatalf("features: %s", f.Source())
	}
	// Without the namespace of the stanza, as some clients do.
	c.request("", "<iq type='set' id='bind'><bind xmlns='"+ns.Bind+"'><resource>web</resource></bind></iq>")
	full, err := jid.Parse(c.get().Child(ns.Bind, "bind").ChildText(ns.Bind, "jid"))
	if err != nil {
		c.t.Fatal(err)
	}
	return full
}

func TestBOSH(t *testing.T) {
	w := newWorld(t)
	w.auth.add(t, sasl.Hashes(), "alice")
	c := newBOSH(t, w)
	e := c.begin("hold='1' from='alice@" + domain + "'")
	for name, want := range map[string]string{"wait": "50", "hold": "1", "requests": "2", "inactivity": "60", "from": domain, "ver": "1.11"} {
		if e.Attr(name) != want {
			t.Errorf("%s is %q", name, e.Attr(name))
		}
	}
	if restart, _ := e.LookupAttr(nsXBOSH, "restartlogic"); restart != "true" || len(c.sid) < 20 {
		t.Errorf("answer: %s", e.Source())
	}
	full := c.login("alice")
	if full.String() != "alice@"+domain+"/web" {
		t.Fatalf("bound %s", full)
	}
	if !w.session(full).login.Browser {
		t.Error("it is not taken for a web page")
	}

	// What comes in time goes with the request that is held, and what comes later with the next.
	w.inject(full, "m1", "<body>1</body>")
	if e := c.get(); e.Attr("id") != "m1" || !e.Is(ns.Client, "message") {
		t.Errorf("got %s", e.Source())
	}
	held := make(chan string, 1)
	go func() {
		text, _ := c.raw(t.Context(), c.body(c.rid, "", ""))
		held <- text
	}()
	conn := w.srv.bosh.find(c.sid)
	until(t, "a request is held", func() bool {
		conn.mu.Lock()
		defer conn.mu.Unlock()
		return len(conn.held) == 1
	})
	w.inject(full, "m2", "<body>2</body>")
	c.rid++
	text := <-held
	if !strings.Contains(text, "id='m2'") {
		t.Errorf("held request: %s", text)
	}
	// Who has not got an answer asks again.
	again, err := c.raw(t.Context(), c.body(c.rid-1, "", ""))
	if err != nil || again != text {
		t.Errorf("again: %q %v", again, err)
	}

	// The end, with a last word.
	c.request("type='terminate'", "<presence type='unavailable' xmlns='jabber:client'/>")
	for c.ended == "" {
		c.request("", "")
	}
	if c.ended != "none" {
		t.Errorf("ended: %s", c.ended)
	}
	until(t, "the session is over", func() bool { return len(w.srv.sessions.all()) == 0 })
}

// Requests overtake each other on their way; they are handled in their order.
func TestBOSHOutOfOrder(t *testing.T) {
	w := newWorld(t)
	w.auth.add(t, sasl.Hashes(), "alice")
	c := newBOSH(t, w)
	c.begin("hold='1'")
	c.login("alice")
	second := make(chan string, 1)
	ping := func(id string) string {
		return "<iq type='get' id='" + id + "' xmlns='jabber:client'><ping xmlns='urn:xmpp:ping'/></iq>"
	}
	go func() {
		text, _ := c.raw(t.Context(), c.body(c.rid+1, "", ping("second")))
		second <- text
	}()
	conn := w.srv.bosh.find(c.sid)
	until(t, "one is early", func() bool {
		conn.mu.Lock()
		defer conn.mu.Unlock()
		return len(conn.early) == 1
	})
	c.request("", ping("first"))
	c.rid++
	c.parse(<-second)
	for _, id := range []string{"first", "second"} {
		if e := c.get(); e.Attr("id") != id {
			t.Errorf("want %s, got %s", id, e.Source())
		}
	}
	// One that is far ahead ends the session.
	text, err := c.raw(t.Context(), c.body(c.rid+5, "", ""))
	if err != nil || !strings.Contains(text, "condition='item-not-found'") {
		t.Errorf("far ahead: %q %v", text, err)
	}
	until(t, "the session is over", func() bool { return len(w.srv.sessions.all()) == 0 })
}

// A client that does not come back is gone; with stream management its session waits for it.
func TestBOSHInactivity(t *testing.T) {
	w := newWorld(t)
	w.auth.add(t, sasl.Hashes(), "alice", "bob")
	a, b := newBOSH(t, w), newBOSH(t, w)
	a.begin("hold='1'")
	a.login("alice")
	b.begin("hold='1'")
	kept := b.login("bob")
	b.request("", "<enable xmlns='"+ns.SM+"' resume='true'/>")
	enabled := b.get()
	if !enabled.Is(ns.SM, "enabled") {
		t.Fatalf("got %s", enabled.Source())
	}
	for _, c := range []*boshClient{a, b} {
		conn := w.srv.bosh.find(c.sid)
		until(t, "nothing is held", func() bool {
			conn.mu.Lock()
			defer conn.mu.Unlock()
			return len(conn.held) == 0
		})
	}
	w.clock.Advance(boshIdle)
	until(t, "alice is gone", func() bool { return len(w.srv.Online()) == 1 })
	until(t, "bob is away", func() bool { return w.srv.Counters().Detached.Load() == 1 })
	w.inject(kept, "m1", "<body>1</body>")
	c := newBOSH(t, w)
	c.begin("hold='1'")
	c.get()
	cl := scram("bob")
	cl.Flag = 'n'
	c.request("", "<authenticate xmlns='"+ns.SASL2+"' mechanism='"+string(sasl.ScramSHA256)+"'><initial-response>"+b64(cl.First())+
		"</initial-response><resume xmlns='"+ns.SM+"' previd='"+enabled.Attr("id")+"' h='0'/></authenticate>")
	out, err := cl.Next(unb64(t, c.get().Text()))
	if err != nil {
		t.Fatal(err)
	}
	c.request("", "<response xmlns='"+ns.SASL2+"'>"+b64(out)+"</response>")
	if e := c.get(); e.Child(ns.SM, "resumed").IsZero() {
		t.Fatalf("got %s", e.Source())
	}
	if e := c.get(); e.Attr("id") != "m1" {
		t.Errorf("got %s", e.Source())
	}
}

func TestBOSHRefusals(t *testing.T) {
	w := newWorld(t)
	w.auth.add(t, sasl.Hashes(), "alice")
	for what, tt := range map[string]struct{ body, want string }{
		"no XML":            {"<body", "bad-request"},
		"another element":   {"<x rid='1' xmlns='http://jabber.org/protocol/httpbind'/>", "bad-request"},
		"no number":         {"<body xmlns='http://jabber.org/protocol/httpbind' to='" + domain + "'/>", "bad-request"},
		"too high":          {"<body rid='9007199254740993' xmlns='http://jabber.org/protocol/httpbind' to='" + domain + "'/>", "bad-request"},
		"no such session":   {"<body rid='1' sid='x' xmlns='http://jabber.org/protocol/httpbind'/>", "item-not-found"},
		"another domain":    {"<body rid='1' to='else.example' xmlns='http://jabber.org/protocol/httpbind'/>", "remote-stream-error"},
		"no domain":         {"<body rid='1' xmlns='http://jabber.org/protocol/httpbind'/>", "remote-stream-error"},
		"a document type":   {"<!DOCTYPE body><body rid='1' to='" + domain + "' xmlns='http://jabber.org/protocol/httpbind'/>", "bad-request"},
		"too much to say":   {"<body rid='1' to='" + domain + "' xmlns='http://jabber.org/protocol/httpbind'>" + strings.Repeat("<a xmlns='x'/>", 2000) + "</body>", "bad-request"},
		"a stream in it":    {"<body rid='1' to='" + domain + "' xmlns='http://jabber.org/protocol/httpbind'><open xmlns='urn:ietf:params:xml:ns:xmpp-framing' to='" + domain + "'/></body>", "remote-stream-error"},
		"before signing in": {"<body rid='1' to='" + domain + "' xmlns='http://jabber.org/protocol/httpbind'><message xmlns='jabber:client'/></body>", "remote-stream-error"},
	} {
		c := newBOSH(t, w)
		text, err := c.raw(t.Context(), tt.body)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		e := c.parse(text)
		for c.ended == "" {
			c.sid, c.rid = e.Attr("sid"), 2
			e = c.request("", "")
		}
		if c.ended != tt.want {
			t.Errorf("%s: %s", what, c.ended)
		}
	}
	// Without TLS nobody signs in.
	plain := httptest.NewServer(w.srv.BOSH(func(*http.Request) Security { return Security{} }))
	defer plain.Close()
	c := &boshClient{t: t, web: plain, rid: 1}
	c.begin("hold='1'")
	if c.ended == "" && !c.get().Child(ns.SASL, "mechanisms").IsZero() {
		t.Error("it offers to sign in without TLS")
	}
	for method, want := range map[string]int{"OPTIONS": 204, "GET": 405} {
		r, _ := http.NewRequestWithContext(t.Context(), method, plain.URL, nil)
		resp, err := plain.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want || resp.Header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s: %d %v", method, resp.StatusCode, resp.Header)
		}
	}
}
