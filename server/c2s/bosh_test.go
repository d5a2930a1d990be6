package c2s

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

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

// A request that is sent again before its turn takes the place of the one before: however often that is done, one of
// each number waits.
func TestBOSHEarlyAgain(t *testing.T) {
	w := newWorld(t)
	c := newBOSH(t, w)
	c.begin("hold='1'")
	conn := w.srv.bosh.find(c.sid)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	const times = 4
	answers := make(chan string, times)
	early := c.body(c.rid+1, "", "")
	for range times {
		go func() {
			text, err := c.raw(ctx, early)
			if err != nil {
				text = err.Error()
			}
			answers <- text
		}()
	}
	for range times - 1 {
		if text := <-answers; !strings.Contains(text, "type='error'") {
			t.Errorf("an earlier one is answered with %s", text)
		}
	}
	conn.mu.Lock()
	if n := len(conn.early); n != 1 {
		t.Errorf("%d wait", n)
	}
	conn.mu.Unlock()
	c.request("", "")
	c.rid++
	c.request("type='terminate'", "")
	if text := <-answers; strings.Contains(text, "type='error'") || !strings.Contains(text, "<body") {
		t.Errorf("the last one is answered with %s", text)
	}
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

// hold makes a request in the background, and waits until the server has it.
func (c *boshClient) hold(w *world, attrs, inner string) <-chan string {
	c.t.Helper()
	conn := w.srv.bosh.find(c.sid)
	held := func() int {
		conn.mu.Lock()
		defer conn.mu.Unlock()
		return int(conn.next - c.rid)
	}
	rid := c.rid
	out := make(chan string, 1)
	go func() {
		text, _ := c.raw(c.t.Context(), c.body(rid, attrs, inner))
		out <- text
	}()
	until(c.t, "the server has the request", func() bool { return held() > 0 })
	c.rid++
	return out
}

// A client that goes from one page to the next says so: what is held comes back empty, and what comes
// meanwhile waits for it; for no longer than it has asked for.
func TestBOSHPause(t *testing.T) {
	w := newWorld(t)
	w.auth.add(t, sasl.Hashes(), "alice")
	c := newBOSH(t, w)
	if e := c.begin("hold='1'"); e.Attr("maxpause") != "120" {
		t.Errorf("answer: %s", e.Source())
	}
	full := c.login("alice")
	held := c.hold(w, "", "")
	if e := c.request("pause='110'", ""); e.CountChildren() != 0 || c.ended != "" {
		t.Errorf("answer to the pause: %s", e.Source())
	}
	if e := c.parse(<-held); e.CountChildren() != 0 {
		t.Errorf("answer to what was held: %s", e.Source())
	}
	w.clock.Advance(100 * time.Second)
	w.inject(full, "m1", "<body>1</body>")
	if e := c.get(); e.Attr("id") != "m1" {
		t.Errorf("got %s", e.Source())
	}
	// Afterwards all is as it was.
	w.clock.Advance(boshIdle)
	until(t, "the session is over", func() bool { return len(w.srv.sessions.all()) == 0 })

	c = newBOSH(t, w)
	c.begin("hold='1'")
	c.login("alice")
	c.request("pause='20'", "")
	w.clock.Advance(20 * time.Second)
	until(t, "a shorter time", func() bool { return len(w.srv.sessions.all()) == 0 })

	c = newBOSH(t, w)
	c.begin("hold='1'")
	c.login("alice")
	c.request("pause='121'", "")
	for c.ended == "" {
		c.request("", "")
	}
	if c.ended != "remote-stream-error" {
		t.Errorf("a pause that is too long: %s", c.ended)
	}
}

// keySequence are the keys of XEP-0124 section 15.3, in the order in which they are shown.
func keySequence(seed string, n int) []string {
	keys := make([]string, n)
	for i := range n {
		sum := sha1.Sum([]byte(seed))
		seed = hex.EncodeToString(sum[:])
		keys[n-1-i] = seed
	}
	return keys
}

// Without the next key nobody makes a request, new or again, even if he has seen all others.
func TestBOSHKeys(t *testing.T) {
	w := newWorld(t)
	ping := "<iq type='get' id='ping' xmlns='jabber:client'><ping xmlns='urn:xmpp:ping'/></iq>"
	begin := func() (*boshClient, []string) {
		c := newBOSH(t, w)
		keys := keySequence("a seed", 6)
		c.begin("hold='1' newkey='" + strings.ToUpper(keys[0]) + "'")
		c.get()
		return c, keys[1:]
	}
	over := func(what string, c *boshClient) {
		t.Helper()
		for c.ended == "" {
			c.request("pause='60' key='"+strings.Repeat("0", 40)+"'", "")
		}
		if c.ended != "item-not-found" && c.ended != "remote-connection-failed" {
			t.Errorf("%s: %s", what, c.ended)
		}
		until(t, what+": the session is over", func() bool {
			conn := w.srv.bosh.find(c.sid)
			conn.mu.Lock()
			defer conn.mu.Unlock()
			return conn.gone
		})
	}
	c, keys := begin()
	c.request("pause='60' key='"+keys[0]+"'", "")
	// The same again, as if the answer was lost: by whom made it, and by somebody else.
	again, err := c.raw(t.Context(), c.body(c.rid-1, "key='"+keys[0]+"'", ""))
	if err != nil || strings.Contains(again, "terminate") {
		t.Errorf("again: %s %v", again, err)
	}
	again, err = c.raw(t.Context(), c.body(c.rid-1, "key='"+keys[1]+"'", ""))
	if err != nil || !strings.Contains(again, "condition='item-not-found'") {
		t.Errorf("again, by somebody else: %s %v", again, err)
	}
	c.request("pause='60' key='"+keys[1]+"'", "")
	next := keySequence("another", 4)
	c.request("pause='60' key='"+keys[2]+"' newkey='"+next[0]+"'", "")
	if c.request("pause='60' key='"+next[1]+"'", ""); c.ended != "" {
		t.Fatalf("the next sequence: %s", c.ended)
	}
	c.request("pause='60' key='"+next[1]+"'", ping)
	over("the same key twice", c)

	c, _ = begin()
	c.request("pause='60'", "")
	over("no key", c)
	c, keys = begin()
	c.request("pause='60' key='"+keys[1]+"'", "")
	over("one too far", c)
	c, keys = begin()
	c.request("pause='60' key='"+keys[0]+"' newkey='abc'", "")
	over("a new key that is none", c)
	text, err := newBOSH(t, w).raw(t.Context(), "<body rid='1' newkey='abc' to='"+domain+"' xmlns='http://jabber.org/protocol/httpbind'/>")
	if err != nil || !strings.Contains(text, "bad-request") {
		t.Errorf("a first key that is none: %s %v", text, err)
	}
}

// Both sides say what has come (XEP-0124 section 9).
func TestBOSHAcknowledgements(t *testing.T) {
	w := newWorld(t)
	w.auth.add(t, sasl.Hashes(), "alice")
	c := newBOSH(t, w)
	first := c.rid
	if e := c.begin("hold='2' ack='1'"); e.Attr("ack") != strconv.FormatUint(first, 10) {
		t.Errorf("the first answer: %s", e.Source())
	}
	full := c.login("alice")
	// Two are held: the answer to the first says that the second has come.
	one := c.hold(w, "", "")
	two := c.hold(w, "", "")
	w.inject(full, "m1", "<body>1</body>")
	if e := c.parse(<-one); e.Attr("ack") != strconv.FormatUint(c.rid-1, 10) || e.CountChildren() != 1 {
		t.Errorf("answer: %s", e.Source())
	}
	c.waiting = nil
	w.inject(full, "m2", "<body>2</body>")
	text := <-two
	if e := c.parse(text); e.Attr("ack") != "" || e.CountChildren() != 1 {
		t.Errorf("answer: %s", e.Source())
	}
	c.waiting = nil
	// The client has not got the last one: it is told that it was sent, and when, and asks for it.
	lost := c.rid - 1
	had := "ack='" + strconv.FormatUint(lost-1, 10) + "'"
	soon := c.hold(w, had, "") // it may be on its way still
	w.clock.Advance(1500 * time.Millisecond)
	c.hold(w, had, "")
	if r := c.parse(<-soon); r.Attr("report") != strconv.FormatUint(lost, 10) || r.Attr("time") != "1500" {
		t.Errorf("report: %s", r.Source())
	}
	again, err := c.raw(t.Context(), c.body(lost, "", ""))
	if err != nil || again != text {
		t.Errorf("again: %q %v", again, err)
	}
}

// However many connections it uses, one network has so many sessions; others are not hindered.
func TestBOSHPerAddress(t *testing.T) {
	w := newWorld(t)
	w.srv.bosh.perAddress = 3
	from := ""
	web := httptest.NewServer(w.srv.BOSH(func(*http.Request) Security {
		return Security{Remote: netip.MustParseAddr(from), Channel: sasl.Channel{Confidential: true}}
	}))
	t.Cleanup(func() { web.CloseClientConnections(); web.Close() })
	begin := func(remote string) *boshClient {
		t.Helper()
		from = remote
		c := &boshClient{t: t, web: web, rid: 1}
		c.begin("hold='1'")
		return c
	}
	clients := []*boshClient{begin("2001:db8::1"), begin("2001:db8::2"), begin("2001:db8::3")}
	if c := begin("2001:db8::4"); c.ended != "policy-violation" {
		t.Errorf("one too many: %q", c.ended)
	}
	if n := w.srv.Counters().BOSHRefused.Load(); n != 1 {
		t.Errorf("counted %d times", n)
	}
	for _, other := range []string{"2001:db8:0:1::1", "192.0.2.1", "::ffff:192.0.2.2", "127.0.0.1", "127.0.0.1", "127.0.0.1", "127.0.0.1"} {
		if c := begin(other); c.ended != "" {
			t.Errorf("%s: %s", other, c.ended)
		}
	}
	clients[0].request("type='terminate'", "")
	for clients[0].ended == "" {
		clients[0].request("", "")
	}
	until(t, "there is room again", func() bool { return begin("2001:db8::5").ended == "" })
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
