package server_test

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"kith/internal/clock"
	"kith/internal/ns"
	"kith/internal/sasl"
	"kith/internal/sasl/sasltest"
	"kith/internal/stanza"
	"kith/internal/stream"
	"kith/internal/xmltree"
	"kith/server/module"
	"kith/server/router"
	"kith/server/router/routertest"
	"kith/server/servertest"
)

// world is what is outside of the server: people on other servers, and the service of the phone's vendor.
type world struct {
	routertest.Inbox
	router module.Router
}

// Take implements [router.Route]. The vendor answers at once.
func (w *world) Take(env *module.Envelope) bool {
	st := env.Stanza
	w.Add(st)
	env.Accept()
	if st.Kind == stanza.IQ && st.IsRequest() {
		go module.Deliver(w.router, st.Result(nil))
	}
	return true
}

// radio is the network between the phone and the server. When it is cut, what either sends is lost, and neither
// hears of it.
type radio struct {
	phone, server net.Conn

	mu  sync.Mutex // guards cut
	cut bool
}

func newRadio() (r *radio, phone, server net.Conn) {
	r = &radio{}
	phone, r.phone = net.Pipe()
	server, r.server = net.Pipe()
	go r.carry(r.phone, r.server)
	go r.carry(r.server, r.phone)
	return r, phone, server
}

// carry takes bytes from one side to the other. The server's system goes on taking them when nobody gets them.
func (r *radio) carry(from, to net.Conn) {
	b := make([]byte, 32<<10)
	for {
		n, err := from.Read(b)
		r.mu.Lock()
		cut := r.cut
		r.mu.Unlock()
		if !cut && n > 0 {
			_, _ = to.Write(b[:n])
		}
		if err != nil {
			if !cut {
				_ = to.Close()
			}
			return
		}
	}
}

// fail cuts the network without a word to the server.
func (r *radio) fail() {
	r.mu.Lock()
	r.cut = true
	r.mu.Unlock()
	_ = r.phone.Close()
}

// sleeper is an app as those on phones are: with stream management (XEP-0198), an archive that it reads when it
// could not resume (XEP-0313), and a service that wakes it (XEP-0357).
type sleeper struct {
	t     *testing.T
	s     *servertest.Server
	world *world
	owner string // bare address

	radio  *radio
	conn   net.Conn
	reader *stream.Reader
	// What it keeps: of its session, and how many stanzas of the server it has handled.
	sm      string
	handled uint32
	// sent counts what it has sent in its session, and unacked is the end of it that the server may not have.
	sent    uint32
	unacked []string
	// last is the newest message that it has, by its id; seen are all, and how often the app was shown each.
	last    string
	shown   map[string]int
	ids     map[string]string
	wrote   int
	asked   int
	resumed int
	fresh   int
}

func (p *sleeper) send(xml string) { _, _ = io.WriteString(p.conn, xml) }

// say sends a stanza that counts.
func (p *sleeper) say(xml string) {
	p.sent++
	p.unacked = append(p.unacked, xml)
	p.send(xml)
}

// next reads an element, and does with it what is due: stanzas are counted and shown.
func (p *sleeper) next() xmltree.Element {
	p.t.Helper()
	_ = p.conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	item, err := p.reader.Next()
	if err != nil || item.Kind != stream.Element {
		p.t.Fatalf("the phone reads %+v, %v", item, err)
	}
	e := item.Element
	switch {
	case e.Is(ns.SM, "r"):
		p.send("<a xmlns='" + ns.SM + "' h='" + strconv.FormatUint(uint64(p.handled), 10) + "'/>")
	case e.Is(ns.SM, "a"):
		p.acknowledged(e.Attr("h"))
	case e.Space() == ns.Client:
		p.handled++
		if e.Local() == "message" {
			if r := e.Child(ns.MAM, "result"); !r.IsZero() {
				p.show(r.Child(ns.Forward, "forwarded").Child(ns.Client, "message"), r.Attr("id"))
			} else {
				p.show(e, e.Child(ns.StanzaID, "stanza-id").Attr("id"))
			}
		}
	}
	return e
}

// acknowledged drops what the server has.
func (p *sleeper) acknowledged(text string) {
	p.t.Helper()
	h, err := strconv.ParseUint(text, 10, 32)
	missing := p.sent - uint32(h)
	if err != nil || int(missing) > len(p.unacked) {
		p.t.Fatalf("the server says that it has %q of %d stanzas, and had %d of them before", text, p.sent, int(p.sent)-len(p.unacked))
	}
	p.unacked = p.unacked[len(p.unacked)-int(missing):]
}

// show gives a message to the person who looks at the phone, unless it was given before.
func (p *sleeper) show(m xmltree.Element, id string) {
	p.t.Helper()
	body := m.ChildText(ns.Client, "body")
	if body == "" || m.Attr("type") == "error" || strings.HasPrefix(m.Attr("from"), p.owner) {
		return
	}
	if id == "" {
		p.t.Fatalf("%s has no id", m.Source())
	}
	if before, ok := p.ids[body]; ok && before != id {
		p.t.Errorf("%s has the ids %s and %s", body, before, id)
	}
	if _, ok := p.ids[body]; !ok {
		p.ids[body] = id
		p.shown[body]++
	}
	p.last = id
}

// connect signs in from wherever the phone is now: it resumes its session, or begins anew and reads what it has
// missed.
func (p *sleeper) connect() {
	p.t.Helper()
	var server net.Conn
	p.radio, p.conn, server = newRadio()
	p.s.Clients().ServeTLS(server)
	cfg := p.s.TLS()
	cfg.NextProtos = []string{"xmpp-client"}
	c := tls.Client(p.conn, cfg)
	ctx, cancel := context.WithTimeout(p.t.Context(), 20*time.Second)
	defer cancel()
	if err := c.HandshakeContext(ctx); err != nil {
		p.t.Fatalf("handshake: %v", err)
	}
	p.conn = c
	p.reader = stream.NewReader(c, ns.Client, xmltree.Limits{Bytes: 1 << 22, Elements: 1 << 16, Depth: 100, Attrs: 100}, &stream.Buffers{})
	p.send("<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='" + ns.Stream + "' to='example.org' version='1.0'>")
	if item, err := p.reader.Next(); err != nil || item.Kind != stream.Open {
		p.t.Fatalf("stream: %+v %v", item, err)
	}
	if e := p.next(); !e.Is(ns.Stream, "features") {
		p.t.Fatalf("features: %s", e.Source())
	}
	name, _, _ := strings.Cut(p.owner, "@")
	cl := &sasltest.SCRAM{Mechanism: sasl.ScramSHA256, User: name, Password: servertest.Password, Flag: 'n'}
	resume := ""
	if p.sm != "" {
		resume = fmt.Sprintf("<resume xmlns='%s' previd='%s' h='%d'/>", ns.SM, p.sm, p.handled)
	}
	p.send("<authenticate xmlns='" + ns.SASL2 + "' mechanism='SCRAM-SHA-256'><initial-response>" + base64.StdEncoding.EncodeToString(cl.First()) +
		"</initial-response><user-agent id='d4565fa7-4d72-4749-b3d3-740edbf87770'/><bind xmlns='" + ns.Bind2 + "'><tag>phone</tag><enable xmlns='" + ns.SM + "' resume='true'/></bind>" + resume + "</authenticate>")
	challenge, err := base64.StdEncoding.DecodeString(p.next().Text())
	if err != nil {
		p.t.Fatal(err)
	}
	out, err := cl.Next(challenge)
	if err != nil {
		p.t.Fatal(err)
	}
	p.send("<response xmlns='" + ns.SASL2 + "'>" + base64.StdEncoding.EncodeToString(out) + "</response>")
	success := p.next()
	if !success.Is(ns.SASL2, "success") {
		p.t.Fatalf("sign in: %s", success.Source())
	}
	if r := success.Child(ns.SM, "resumed"); !r.IsZero() {
		p.resumed++
		p.acknowledged(r.Attr("h"))
		p.again()
		return
	}
	p.begin(success)
}

// again sends what the server does not have.
func (p *sleeper) again() {
	for _, xml := range p.unacked {
		p.send(xml)
	}
}

// begin makes the best of a new session: what was sent in the old one and did not arrive goes out once more, and
// the archive tells what came meanwhile.
func (p *sleeper) begin(success xmltree.Element) {
	p.t.Helper()
	p.fresh++
	if failed := success.Child(ns.SM, "failed"); !failed.IsZero() {
		if _, ok := failed.LookupAttr("", "h"); !ok {
			p.t.Errorf("whoever cannot resume is not told what has arrived: %s", success.Source())
		} else {
			p.acknowledged(failed.Attr("h"))
		}
	}
	if e := p.next(); !e.Is(ns.Stream, "features") {
		p.t.Fatalf("features: %s", e.Source())
	}
	enabled := success.Child(ns.Bind2, "bound").Child(ns.SM, "enabled")
	if p.sm = enabled.Attr("id"); p.sm == "" {
		p.t.Fatalf("no stream management: %s", success.Source())
	}
	left := p.unacked
	p.handled, p.sent, p.unacked = 0, 0, nil
	for {
		after := "<after/>"
		if p.last != "" {
			after = "<after>" + p.last + "</after>"
		}
		fin := p.ask("<query xmlns='"+ns.MAM+"'><set xmlns='"+ns.RSM+"'><max>7</max>"+after+"</set></query>").Child(ns.MAM, "fin")
		if fin.IsZero() {
			p.t.Fatal("the archive does not answer")
		}
		if fin.Attr("complete") == "true" {
			break
		}
	}
	p.say("<presence/>")
	p.ask("<enable xmlns='urn:xmpp:push:0' jid='push.vendor.example' node='phone'/>")
	for _, xml := range left {
		if strings.HasPrefix(xml, "<message") {
			p.say(xml)
		}
	}
}

// ask sends a request and handles what comes until it is answered.
func (p *sleeper) ask(payload string) xmltree.Element {
	p.t.Helper()
	p.asked++
	id := "a" + strconv.Itoa(p.asked)
	typ := "set"
	if strings.HasPrefix(payload, "<ping") {
		typ = "get"
	}
	p.say("<iq type='" + typ + "' id='" + id + "'>" + payload + "</iq>")
	for {
		if e := p.next(); e.Is(ns.Client, "iq") && e.Attr("id") == id {
			return e
		}
	}
}

// write sends a message.
func (p *sleeper) write() {
	p.wrote++
	p.say(fmt.Sprintf("<message to='eve@else.example' type='chat' id='w%d'><body>written %d</body></message>", p.wrote, p.wrote))
}

// Whatever happens to the network under a phone, and to its session while it sleeps: each message is shown once,
// each that it writes arrives once, and whenever something has come for it that it does not know of, its vendor's
// service is told to wake it.
func TestPhone(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			t.Parallel()
			rouse(t, rand.New(rand.NewPCG(seed, 430)))
		})
	}
}

func rouse(t *testing.T, r *rand.Rand) {
	clk := clock.NewFake(time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC))
	w := &world{}
	s := servertest.New(t, func(o *servertest.Options) {
		o.Clock = clk
		o.Routes = append(o.Routes, func(r module.Router) router.Route {
			w.router = r
			return w
		})
	})
	s.Account("alice")
	p := &sleeper{t: t, s: s, world: w, owner: "alice@example.org", shown: map[string]int{}, ids: map[string]string{}}
	p.connect()

	came := 0
	// come lets messages come from elsewhere, and waits until the server has them.
	come := func(n int) {
		for range n {
			came++
			accepted := make(chan struct{})
			st := routertest.Parse(t, fmt.Sprintf("<message from='eve@else.example/x' to='alice@example.org' type='chat' id='m%d'><body>message %d</body></message>", came, came))
			s.Router().Route(module.NewEnvelope(st, func() { close(accepted) }))
			select {
			case <-accepted:
			case <-time.After(20 * time.Second):
				t.Fatalf("nobody took message %d", came)
			}
			clk.Advance(time.Duration(r.IntN(3000)) * time.Millisecond)
		}
	}
	woken := func(what string) {
		t.Helper()
		w.Wait(t, "the phone is woken: "+what, func(st *stanza.Stanza) bool { return st.To.String() == "push.vendor.example" })
	}
	detached := func() uint64 { return s.Clients().Counters().Detached.Load() }

	for range 25 {
		// It is looked at.
		for range r.IntN(4) {
			if r.IntN(2) == 0 {
				p.write()
			} else {
				come(1 + r.IntN(3))
			}
			if r.IntN(3) > 0 {
				p.ask("<ping xmlns='urn:xmpp:ping'/>")
			}
		}
		w.forget("push.vendor.example")

		// It sleeps, and its network goes.
		gone := detached()
		if r.IntN(4) == 0 {
			p.write() // which may get lost on the way
		}
		p.radio.fail()
		if r.IntN(3) == 0 {
			p.write() // which does
		}
		switch hangs := r.IntN(3) > 0; {
		case hangs:
			// The server believes that it is there. What it sends is not acknowledged, and so it finds out.
			come(1 + r.IntN(3))
			// Its clock goes no faster than it can follow on a machine that has other things to do.
			step, late := time.NewTicker(2*time.Millisecond), time.After(20*time.Second)
			for detached() == gone {
				select {
				case <-step.C:
					clk.Advance(5 * time.Second)
				case <-late:
					t.Fatal("the server does not notice that nobody is there")
				}
			}
			step.Stop()
		default:
			clk.Advance(30 * time.Minute) // it has been asked whether it is there
			for tries := 0; detached() == gone && tries < 200; tries++ {
				clk.Advance(time.Minute)
			}
			come(1 + r.IntN(3))
		}
		woken("by what came")
		if r.IntN(3) == 0 {
			clk.Advance(time.Duration(r.IntN(30)) * time.Minute) // longer than a session is kept, perhaps
			come(r.IntN(3))
		}
		if r.IntN(8) == 0 {
			s.Restart()
			p.s = s
		}
		// It wakes, somewhere else.
		p.connect()
	}
	p.ask("<ping xmlns='urn:xmpp:ping'/>")
	_ = p.conn.Close()

	for n := 1; n <= came; n++ {
		if got := p.shown[fmt.Sprint("message ", n)]; got != 1 {
			t.Errorf("message %d was shown %d times", n, got)
		}
	}
	arrived := map[string]int{}
	for _, st := range w.Inbox.Take() {
		if st.Kind == stanza.Message {
			arrived[st.Body()]++
		}
	}
	for n := 1; n <= p.wrote; n++ {
		if got := arrived[fmt.Sprint("written ", n)]; got != 1 {
			t.Errorf("what was written %d arrived %d times", n, got)
		}
	}
	if p.resumed == 0 || p.fresh < 2 {
		t.Errorf("resumed %d times, begun anew %d times: the story tells too little", p.resumed, p.fresh)
	}
	t.Logf("%d came, %d written, resumed %d times, begun anew %d times", came, p.wrote, p.resumed, p.fresh)
}

// forget takes out what has come for somebody; all else stays.
func (w *world) forget(address string) {
	for _, st := range w.Inbox.Take() {
		if st.To.String() != address {
			w.Add(st)
		}
	}
}
