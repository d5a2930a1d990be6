package c2s

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/sasl"
	"kith/internal/stanza"
	"kith/internal/stream"
	"kith/internal/xmltree"
	"kith/server/module"
)

// two signs in alice and bob, both available.
func two(t *testing.T, w *world, dial func() *wire) (a, b *wire, alice, bob jid.JID) {
	t.Helper()
	w.auth.add(t, sasl.Hashes(), "alice", "bob")
	a, b = dial(), dial()
	_, alice = a.managed("alice")
	_, bob = b.managed("bob")
	a.available()
	b.available()
	return a, b, alice, bob
}

// stanza reads up to the next stanza; elements of stream management are left out.
func (c *wire) stanza() xmltree.Element {
	c.t.Helper()
	for {
		if e := c.get(); e.Space() != ns.SM {
			return e
		}
	}
}

func TestAddressing(t *testing.T) {
	for _, tr := range []struct {
		name string
		dial func(*world) *wire
	}{{"tls", (*world).secure}, {"websocket", (*world).webSocket}} {
		t.Run(tr.name, func(t *testing.T) {
			w := newWorld(t)
			a, b, alice, bob := two(t, w, func() *wire { return tr.dial(w) })

			// The sender is written in, whatever the client says of itself that is true.
			for i, from := range []string{"", " from='" + alice.String() + "'", " from='" + alice.Bare().String() + "'"} {
				a.send(a.ns("<message", fmt.Sprintf(" to='bob@%s' type='chat' id='m%d'%s><body>hi</body></message>", domain, i, from)))
				e := b.stanza()
				if e.Attr("from") != alice.String() || e.Attr("id") != fmt.Sprintf("m%d", i) || e.ChildText(ns.Client, "body") != "hi" {
					t.Fatalf("from %q: %s", from, e.Source())
				}
			}
			// Nobody in particular is oneself (RFC 6120 section 10.3).
			a.send(a.ns("<message", " type='chat' id='self'><body>note</body></message>"))
			if e := a.stanza(); e.Attr("id") != "self" || e.Attr("to") != alice.Bare().String() {
				t.Fatal(e.Source())
			}
			a.send(a.ns("<iq", " type='get' id='q'><ping xmlns='urn:xmpp:ping'/></iq>"))
			if e := a.stanza(); e.Attr("type") != "result" || e.Attr("id") != "q" {
				t.Fatal(e.Source())
			}
			// Subscriptions are between bare addresses (RFC 6121 section 3.1.2).
			a.send(a.ns("<presence", " type='subscribe' to='"+bob.String()+"'/>"))
			until(t, "the subscription", func() bool {
				return slices.Contains(w.parts.notes(), "presence from alice@kith.example to bob@kith.example")
			})
			if e := b.stanza(); e.Attr("type") != "subscribe" || e.Attr("from") != alice.Bare().String() {
				t.Fatal(e.Source())
			}
			// Directed presence keeps its full addresses.
			a.send(a.ns("<presence", " to='"+bob.String()+"'/>"))
			if e := b.stanza(); e.Attr("from") != alice.String() || e.Attr("to") != bob.String() {
				t.Fatal(e.Source())
			}
			// What cannot be addressed comes back, and counts as handled.
			a.send(a.ns("<message", " to='@@' id='bad'><body/></message>"))
			if e := a.stanza(); e.Attr("type") != "error" || e.Attr("to") != alice.String() || e.Child(ns.Client, "error").Child(ns.Stanzas, "jid-malformed").IsZero() {
				t.Fatal(e.Source())
			}
			a.send(a.ns("<iq", " type='get' id='two'><a xmlns='x'/><b xmlns='x'/></iq>"))
			if e := a.stanza(); e.Attr("type") != "error" || e.Child(ns.Client, "error").Child(ns.Stanzas, "bad-request").IsZero() {
				t.Fatal(e.Source())
			}
			a.send(a.ns("<presence", " type='subscribe' id='nobody'/>"))
			if e := a.stanza(); e.Attr("type") != "error" || e.Attr("id") != "nobody" {
				t.Fatal(e.Source())
			}
			a.send("<r xmlns='" + ns.SM + "'/>")
			for {
				e := a.get()
				if e.Is(ns.SM, "a") {
					// available, ping, 3 messages, note, iq, 2 presences, 3 bad ones
					if e.Attr("h") != "12" {
						t.Fatalf("h is %s", e.Attr("h"))
					}
					break
				}
			}
		})
	}
}

// What is answered before the session ends is written before the error.
func TestLastWords(t *testing.T) {
	w := newWorld(t)
	w.auth.add(t, sasl.Hashes(), "alice")
	c := w.secure()
	c.managed("alice")
	c.send("<iq type='set' id='e'><end xmlns='test:end'/></iq>")
	if e := c.expect(ns.Client, "iq"); e.Attr("type") != "result" {
		t.Fatal(e.Source())
	}
	c.expectError(stream.Reset)
}

func TestPoliteEnd(t *testing.T) {
	for _, tr := range []string{"tls", "websocket"} {
		t.Run(tr, func(t *testing.T) {
			w := newWorld(t)
			w.auth.add(t, sasl.Hashes(), "alice")
			var c *wire
			if tr == "tls" {
				c = w.secure()
			} else {
				c = w.webSocket()
			}
			_, full := c.managed("alice")
			c.available()
			// The last message is still being stored when the client leaves.
			var stored func(error)
			ready := make(chan struct{})
			w.parts.onArchive(func(p *module.Passage, done func(error)) bool {
				stored = done
				close(ready)
				return true
			})
			end := stream.End
			if c.ws != nil {
				end = stream.EndFramed
			}
			c.send(c.ns("<message", " to='bob@elsewhere.example' type='chat'><body>bye</body></message>"), end)
			<-ready
			stored(nil)
			for {
				e := c.get()
				if e.Is(ns.SM, "a") {
					if e.Attr("h") != "3" {
						t.Fatalf("h is %s", e.Attr("h"))
					}
					break
				}
			}
			c.expectEnd()
			c.expectGone()
			until(t, "the session ends", func() bool {
				return slices.Contains(w.parts.notes(), "unbound "+full.String())
			})
			if len(w.srv.sessions.all()) != 0 {
				t.Fatal("the session is still known")
			}
		})
	}
}

// A connection that breaks without stream management ends the session, and what was not written
// is given back.
func TestLossWithoutManagement(t *testing.T) {
	w := newWorld(t)
	w.auth.add(t, sasl.Hashes(), "alice")
	c := w.plain()
	full := jid.Must(c.login("alice", "").ChildText(ns.SASL2, "authorization-identifier"))
	c.available()
	// Nobody reads: the first is being written, the others wait.
	for i := range 3 {
		w.inject(full, fmt.Sprintf("m%d", i), "<body>x</body>")
	}
	s := w.session(full)
	until(t, "they are queued", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.link != nil && len(s.link.batch) > 0 && len(s.link.batch)+s.queue.len() == 3
	})
	c.close()
	until(t, "the session ends", func() bool { return len(w.parts.left()) == 3 })
	if got := w.parts.left(); !slices.Equal(got, []string{"m0", "m1", "m2"}) {
		t.Fatalf("left over: %v", got)
	}
	if got := w.parts.notes(); !slices.Contains(got, "unavailable "+full.String()) {
		t.Fatalf("notes %q", got)
	}
}

// An acknowledgement covers what was accepted without a gap, and comes when all is.
func TestAckWaitsForAccept(t *testing.T) {
	w := newWorld(t)
	w.auth.add(t, sasl.Hashes(), "alice")
	var mu sync.Mutex
	pending := map[string]func(error){}
	w.parts.onArchive(func(p *module.Passage, done func(error)) bool {
		mu.Lock()
		defer mu.Unlock()
		pending[p.Stanza.ID] = done
		return true
	})
	store := func(id string, err error) {
		until(t, id+" is with the archive", func() bool { mu.Lock(); defer mu.Unlock(); return pending[id] != nil })
		mu.Lock()
		done := pending[id]
		mu.Unlock()
		done(err)
	}
	c := w.plain()
	c.managed("alice")
	c.send("<message id='a' to='x@elsewhere.example'><body>1</body></message>",
		"<message id='b' to='x@elsewhere.example'><body>2</body></message>",
		"<r xmlns='"+ns.SM+"'/>",
		"<message id='c' to='x@elsewhere.example'><body>3</body></message>",
		"<r xmlns='"+ns.SM+"'/>")
	// There is nowhere else to go from here, so each comes back as an error besides.
	store("b", nil)
	store("c", nil)
	full := w.srv.sessions.all()[0]
	full.mu.Lock()
	if h := full.in.H(); h != 0 {
		t.Errorf("h is %d before the first is stored", h)
	}
	full.mu.Unlock()
	store("a", nil)
	var answers []string
	for len(answers) < 2 {
		if e := c.get(); e.Is(ns.SM, "a") {
			answers = append(answers, e.Attr("h"))
		}
	}
	if !slices.Equal(answers, []string{"3", "3"}) && !slices.Equal(answers, []string{"2", "3"}) {
		t.Fatalf("answers %v", answers)
	}

	// A commit that fails is told to the sender, who is not left waiting.
	c.send("<message id='d' to='x@elsewhere.example'><body>4</body></message>", "<r xmlns='"+ns.SM+"'/>")
	store("d", fmt.Errorf("disk full"))
	for {
		if e := c.get(); e.Is(ns.SM, "a") {
			if e.Attr("h") != "4" {
				t.Fatalf("h is %s", e.Attr("h"))
			}
			break
		}
	}
}

// A request is answered in time even if something is never accepted.
func TestAckIsNotWithheld(t *testing.T) {
	w := newWorld(t)
	w.auth.add(t, sasl.Hashes(), "alice")
	taken := make(chan func(error), 1)
	w.parts.onArchive(func(_ *module.Passage, done func(error)) bool { taken <- done; return true })
	c := w.plain()
	c.managed("alice")
	c.send("<message id='a' to='x@elsewhere.example'><body>1</body></message>", "<r xmlns='"+ns.SM+"'/>")
	done := <-taken
	defer done(nil)
	s := w.srv.sessions.all()[0]
	until(t, "the request is in", func() bool { s.mu.Lock(); defer s.mu.Unlock(); return len(s.sm.asked) == 1 })
	w.clock.Advance(answerTime)
	for {
		if e := c.get(); e.Is(ns.SM, "a") {
			if e.Attr("h") != "0" {
				t.Fatalf("h is %s", e.Attr("h"))
			}
			return
		}
	}
}

// A client is told now and then how far we are, without asking.
func TestUnsolicitedAcks(t *testing.T) {
	w := newWorld(t)
	w.auth.add(t, sasl.Hashes(), "alice")
	c := w.plain()
	c.managed("alice")
	for range ackAfter {
		c.send("<presence/>")
	}
	if e := c.expect(ns.SM, "a"); e.Attr("h") != fmt.Sprint(ackAfter) {
		t.Fatal(e.Source())
	}
}

// A client may have only so much under way; then it is not read from.
func TestCredit(t *testing.T) {
	const window = 64
	w := newWorld(t, func(c *Config) { c.Unaccepted = window })
	w.auth.add(t, sasl.Hashes(), "alice")
	var mu sync.Mutex
	var pending []func(error)
	w.parts.onArchive(func(_ *module.Passage, done func(error)) bool {
		mu.Lock()
		defer mu.Unlock()
		pending = append(pending, done)
		return true
	})
	count := func() int { mu.Lock(); defer mu.Unlock(); return len(pending) }
	c := w.plain()
	c.managed("alice")
	sent := make(chan error, 1)
	go func() {
		for i := range 3 * window {
			if err := c.trySend(fmt.Sprintf("<message id='%d' to='x@elsewhere.example'><body>x</body></message>", i)); err != nil {
				sent <- err
				return
			}
		}
		sent <- nil
	}()
	until(t, "the reader waits", func() bool { return w.srv.Counters().CreditWaits.Load() == 1 })
	until(t, "the archive has them", func() bool { return count() >= window })
	if n := count(); n != window {
		t.Fatalf("%d stanzas are under way, allowed are %d", n, window)
	}
	select {
	case err := <-sent:
		t.Fatalf("all was sent: %v", err)
	default:
	}
	// The answers that come back for each message must be read for the client to go on.
	go func() {
		for {
			if _, err := c.reader.Next(); err != nil {
				return
			}
		}
	}()
	for done := 0; done < 3*window; {
		mu.Lock()
		now := pending[done:]
		mu.Unlock()
		for _, f := range now {
			f(nil)
		}
		done += len(now)
	}
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
}

// Tracked stanzas are reported when the client acknowledges them, or else when they are written.
func TestDelivered(t *testing.T) {
	w := newWorld(t)
	w.auth.add(t, sasl.Hashes(), "alice")
	c := w.plain()
	_, full := c.managed("alice")
	d := w.plain()
	plainFull := jid.Must(d.login("alice", "").ChildText(ns.SASL2, "authorization-identifier"))
	got := make(chan string, 10)
	send := func(to jid.JID, id string) {
		s := w.session(to)
		st := stanza.New(stanza.Header{Kind: stanza.Message, Type: stanza.Chat, ID: id, From: jid.Must("bob@elsewhere.example"), To: to}, "<body>x</body>")
		s.Deliver(st, func() { got <- id })
	}
	send(full, "one")
	send(full, "two")
	for range 2 {
		c.stanza()
	}
	select {
	case id := <-got:
		t.Fatalf("%s counts as delivered before it is acknowledged", id)
	default:
	}
	c.send("<a xmlns='" + ns.SM + "' h='1'/>")
	if id := <-got; id != "one" {
		t.Fatal(id)
	}
	c.send("<a xmlns='" + ns.SM + "' h='2'/>")
	if id := <-got; id != "two" {
		t.Fatal(id)
	}
	send(plainFull, "three")
	d.stanza()
	if id := <-got; id != "three" {
		t.Fatal(id)
	}
}

// The server asks for acknowledgements when it matters, one at a time, and gives up on who does
// not answer.
func TestRequestsAndAckTimeout(t *testing.T) {
	w := newWorld(t)
	w.auth.add(t, sasl.Hashes(), "alice")
	c := w.plain()
	_, full := c.managed("alice")
	w.inject(full, "m1", "<body>x</body>")
	c.expect(ns.Client, "message")
	c.expect(ns.SM, "r")
	w.inject(full, "m2", "<body>x</body>")
	c.expect(ns.Client, "message")
	c.send("<a xmlns='" + ns.SM + "' h='1'/>")
	// The second is asked about later, because nothing else is sent.
	s := w.session(full)
	until(t, "the acknowledgement", func() bool { s.mu.Lock(); defer s.mu.Unlock(); return !s.sm.wait.IsZero() })
	w.clock.Advance(requestTime)
	c.expect(ns.SM, "r")
	until(t, "it is noted", func() bool { s.mu.Lock(); defer s.mu.Unlock(); return s.sm.requested })
	w.clock.Advance(DefaultConfig().AckTime)
	c.expectGone()
	until(t, "it is away", func() bool { return w.srv.Counters().Detached.Load() == 1 })
	if got := w.srv.Counters().AckTimeout.Load(); got != 1 {
		t.Errorf("%d timeouts counted", got)
	}
	if len(w.parts.left()) != 0 {
		t.Error("stanzas were given up already")
	}
}

// Who is silent is asked, and is gone if it does not answer; both with and without management.
func TestIdle(t *testing.T) {
	w := newWorld(t)
	w.auth.add(t, sasl.Hashes(), "alice")
	cfg := DefaultConfig()
	for _, managed := range []bool{true, false} {
		c := w.plain()
		extra := ""
		if managed {
			extra = enableSM
		}
		full := jid.Must(c.login("alice", extra).ChildText(ns.SASL2, "authorization-identifier"))
		s := w.session(full)
		armed := func() bool { s.mu.Lock(); defer s.mu.Unlock(); return !s.watch.at.IsZero() }
		until(t, "it is watched", armed)
		w.clock.Advance(cfg.IdleTime)
		if managed {
			c.expect(ns.SM, "r")
			c.send("<a xmlns='" + ns.SM + "' h='0'/>")
			until(t, "the answer", func() bool { s.mu.Lock(); defer s.mu.Unlock(); return !s.sm.requested })
		} else {
			e := c.expect(ns.Client, "iq")
			if e.Child(ns.Ping, "ping").IsZero() || e.Attr("from") != domain || e.Attr("to") != full.String() {
				t.Fatal(e.Source())
			}
			c.send("<iq type='result' id='" + e.Attr("id") + "' to='" + domain + "'/>")
		}
		l := s.link
		quiet := func() bool { s.mu.Lock(); defer s.mu.Unlock(); return !l.writing }
		sign := func(h string) {
			c.ping("sign")
			if managed {
				c.send("<a xmlns='" + ns.SM + "' h='" + h + "'/>")
				until(t, "the answer", func() bool { s.mu.Lock(); defer s.mu.Unlock(); return s.sm.out.Unacked() == 0 })
			}
			until(t, "nothing is being written", quiet)
		}
		sign("1")
		w.clock.Advance(cfg.AckTime)
		s.mu.Lock()
		ended, link := s.ended, s.link
		s.mu.Unlock()
		if ended || link == nil {
			t.Fatal("a client that answered was given up")
		}
		sign("2")
		w.clock.Advance(cfg.IdleTime)
		c.get()
		until(t, "nothing is being written", quiet)
		w.clock.Advance(cfg.AckTime + time.Second)
		c.expectGone()
	}
	until(t, "the sessions are given up", func() bool { return w.srv.Counters().Detached.Load() == 1 })
}

// A client that does not read loses its connection, and its account does not wait for it.
func TestSlowReader(t *testing.T) {
	w := newWorld(t)
	w.auth.add(t, sasl.Hashes(), "alice")
	c := w.plain()
	id, full := c.managed("alice")
	for i := range 10 {
		w.inject(full, fmt.Sprintf("m%d", i), "<body>x</body>")
	}
	s := w.session(full)
	until(t, "all are queued", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.queue.len() == 10 && !s.link.since.IsZero()
	})
	w.clock.Advance(DefaultConfig().WriteTime)
	until(t, "it is away", func() bool { return w.srv.Counters().Detached.Load() == 1 })
	if got := w.srv.Counters().WriteTimeout.Load(); got != 1 {
		t.Errorf("%d timeouts counted", got)
	}
	// It comes back by another transport and gets everything in order.
	d := w.webSocket()
	d.open("")
	e := d.login2("alice", "<resume xmlns='"+ns.SM+"' previd='"+id+"' h='0'/>")
	if e.Child(ns.SM, "resumed").IsZero() {
		t.Fatal(e.Source())
	}
	for i := range 10 {
		if e := d.stanza(); e.Attr("id") != fmt.Sprintf("m%d", i) {
			t.Fatalf("message %d is %s", i, e.Source())
		}
	}
}

// A queue that overflows ends the session; what was in it is given back in order.
func TestOverflow(t *testing.T) {
	for _, attached := range []bool{true, false} {
		t.Run(fmt.Sprintf("attached %v", attached), func(t *testing.T) {
			w := newWorld(t, func(c *Config) { c.QueueStanzas = 100 })
			w.auth.add(t, sasl.Hashes(), "alice")
			c := w.plain()
			id, full := c.managed("alice")
			if !attached {
				c.close()
				until(t, "it is away", func() bool { return w.srv.Counters().Detached.Load() == 1 })
			}
			for i := range 150 {
				w.inject(full, fmt.Sprintf("m%03d", i), "<body>x</body>")
			}
			until(t, "the queue overflows", func() bool { return w.srv.Counters().QueueOverflow.Load() == 1 })
			until(t, "it is given back", func() bool { return len(w.parts.left()) > 0 })
			left := w.parts.left()
			if len(left) < 101 || !slices.IsSorted(left) || left[0] != "m000" {
				t.Fatalf("%d left over: %v", len(left), left)
			}
			if attached {
				w.clock.Advance(closeTime)
				c.expectGone()
			}
			d := w.plain()
			d.open("")
			e := d.login2("alice", "<resume xmlns='"+ns.SM+"' previd='"+id+"' h='0'/><bind xmlns='"+ns.Bind2+"'/>")
			if f := e.Child(ns.SM, "failed"); f.Child(ns.Stanzas, "item-not-found").IsZero() || f.Attr("h") != "0" || e.Child(ns.Bind2, "bound").IsZero() {
				t.Fatal(e.Source())
			}
		})
	}
}

func TestOverflowInBytes(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.StanzaBytes, c.QueueBytes = 10_000, 20_000 })
	w.auth.add(t, sasl.Hashes(), "alice")
	c := w.plain()
	_, full := c.managed("alice")
	c.close()
	until(t, "it is away", func() bool { return w.srv.Counters().Detached.Load() == 1 })
	for range 3 {
		w.inject(full, "m", "<body>"+strings.Repeat("x", 9000)+"</body>")
	}
	until(t, "the queue overflows", func() bool { return len(w.parts.left()) == 3 })
}

// What is not worth waking for waits (XEP-0352), and the order of the rest does not change.
func TestInactive(t *testing.T) {
	w := newWorld(t)
	w.auth.add(t, sasl.Hashes(), "alice")
	c := w.plain()
	_, full := c.managed("alice")
	s := w.session(full)
	bare := full.Bare()
	deliver := func(st *stanza.Stanza) { s.Deliver(st, nil) }
	presence := func(from, show string) {
		deliver(stanza.New(stanza.Header{Kind: stanza.Presence, From: jid.Must(from), To: full}, "<show>"+show+"</show>"))
	}
	message := func(from, id, inner string) {
		deliver(stanza.New(stanza.Header{Kind: stanza.Message, Type: stanza.Chat, ID: id, From: jid.Must(from), To: full}, inner))
	}
	carbon := func(kind, id, inner string) {
		message(bare.String(), id, "<"+kind+" xmlns='"+ns.Carbons+"'><forwarded xmlns='"+ns.Forward+"'><message xmlns='jabber:client'>"+inner+"</message></forwarded></"+kind+">")
	}
	state := "<composing xmlns='" + ns.ChatStates + "'/>"

	c.send("<inactive xmlns='" + ns.CSI + "'/>")
	c.ping("i")
	presence("bob@kith.example/a", "away")
	presence("carol@kith.example/a", "dnd")
	presence("bob@kith.example/a", "chat") // the latest counts
	message("bob@kith.example/a", "s1", state)
	message("bob@kith.example/a", "r1", "<received xmlns='"+ns.Receipts+"' id='x'/>")
	message("bob@kith.example", "p1", "<event xmlns='"+ns.PubSubEvent+"'/>")
	carbon("received", "c1", state)
	carbon("sent", "c2", state)
	s.mu.Lock()
	held, queued := s.held.count, s.queue.len()
	s.mu.Unlock()
	if held != 7 || queued != 1 { // the pong is not acknowledged
		t.Fatalf("%d held back, %d queued", held, queued)
	}
	message("bob@kith.example/a", "m1", "<body>hello</body>")
	var order []string
	for len(order) < 8 {
		e := c.stanza()
		order = append(order, e.Attr("id")+e.ChildText(ns.Client, "show"))
	}
	if want := []string{"dnd", "chat", "s1", "r1", "p1", "c1", "c2", "m1"}; !slices.Equal(order, want) {
		t.Fatalf("got %v, want %v", order, want)
	}

	// These go out at once.
	for id, f := range map[string]func(){
		"encrypted": func() { message("bob@kith.example/a", "encrypted", "<encrypted xmlns='"+ns.OMEMOLegacy+"'/>") },
		"call":      func() { message("bob@kith.example/a", "call", "<propose xmlns='"+ns.JingleMessage+"' id='1'/>") },
		"read":      func() { carbon("sent", "read", "<displayed xmlns='"+ns.ChatMarkers+"' id='1'/>") },
		"own":       func() { message(bare.String(), "own", "<event xmlns='"+ns.PubSubEvent+"'/>") },
		"error": func() {
			deliver(stanza.New(stanza.Header{Kind: stanza.Message, Type: stanza.Error, ID: "error", From: jid.Must("bob@kith.example/a"), To: full}, ""))
		},
		"subscribe": func() {
			deliver(stanza.New(stanza.Header{Kind: stanza.Presence, Type: stanza.Subscribe, ID: "subscribe", From: jid.Must("bob@kith.example"), To: full}, ""))
		},
		"joined": func() {
			deliver(stanza.New(stanza.Header{Kind: stanza.Presence, ID: "joined", From: jid.Must("room@groups.kith.example/a"), To: full}, "<x xmlns='"+ns.MUCUser+"'><status code='110'/></x>"))
		},
	} {
		f()
		if e := c.stanza(); e.Attr("id") != id {
			t.Errorf("%s waited behind %s", id, e.Source())
		}
	}
	// The answer to a ping after becoming active comes after what was held back.
	presence("dave@kith.example/a", "xa")
	c.send("<active xmlns='" + ns.CSI + "'/>")
	before := c.ping("after")
	if !slices.ContainsFunc(before, func(e xmltree.Element) bool { return e.ChildText(ns.Client, "show") == "xa" }) {
		t.Fatal("the answer came before what was held back")
	}
	// Too much is not held back.
	c.send("<inactive xmlns='" + ns.CSI + "'/>")
	c.ping("j")
	for i := range maxHeld + 1 {
		presence(fmt.Sprintf("u%d@kith.example/a", i), "away")
	}
	for range maxHeld {
		c.stanza()
	}
	if got := w.srv.Counters().HeldOverflow.Load(); got != 1 {
		t.Errorf("%d overflows counted", got)
	}
}

// One presence after the other of the same contact does not pile up.
func TestInactiveForLong(t *testing.T) {
	w := newWorld(t)
	w.auth.add(t, sasl.Hashes(), "alice")
	c := w.plain()
	_, full := c.managed("alice")
	c.send("<inactive xmlns='" + ns.CSI + "'/>")
	c.ping("i")
	s := w.session(full)
	for i := range 10_000 {
		s.Deliver(stanza.New(stanza.Header{Kind: stanza.Presence, From: jid.Must(fmt.Sprintf("u%d@kith.example/a", i%7)), To: full}, fmt.Sprintf("<status>%d</status>", i)), nil)
	}
	s.mu.Lock()
	if s.held.count != 7 || len(s.held.items) > 4*maxHeld+1 {
		t.Errorf("%d held back in %d places", s.held.count, len(s.held.items))
	}
	s.mu.Unlock()
	c.send("<active xmlns='" + ns.CSI + "'/>")
	for i := range 7 {
		if e := c.stanza(); e.ChildText(ns.Client, "status") != fmt.Sprint(9993+i) {
			t.Fatalf("presence %d is %s", i, e.Source())
		}
	}
}

func TestShutdown(t *testing.T) {
	w := newWorld(t)
	w.auth.add(t, sasl.Hashes(), "alice", "bob")
	a, b, n := w.secure(), w.webSocket(), w.tcp(w.srv.Serve)
	a.managed("alice")
	b.managed("bob")
	n.open("")
	gone := w.plain()
	id, full := gone.managed("bob")
	gone.close()
	until(t, "it is away", func() bool { return w.srv.Counters().Detached.Load() == 1 })
	w.inject(full, "m1", "<body>x</body>")
	s := w.session(full)
	until(t, "it is queued", func() bool { s.mu.Lock(); defer s.mu.Unlock(); return s.queue.len() == 1 })

	done := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		done <- w.srv.Shutdown(ctx)
	}()
	for _, c := range []*wire{a, b, n} {
		c.expectError(stream.SystemShutdown)
		if c.ws != nil {
			c.expectGone()
		} else {
			c.close()
		}
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	until(t, "what was undelivered is given back", func() bool { return slices.Equal(w.parts.left(), []string{"m1"}) })
	// Nothing new is taken.
	late := w.tcp(w.srv.Serve)
	late.expectGone()
	// The next run remembers.
	ended := w.srv.Ended()
	if !slices.ContainsFunc(ended, func(e Ended) bool { return e.ID == id && e.Account == full.Bare() && e.H == 0 }) || len(ended) != 3 {
		t.Fatalf("ended %v", ended)
	}
	next, err := New(DefaultConfig(), Deps{Domain: jid.Must(domain), Auth: w.auth, Accounts: w.accounts, Registry: w.registry, Clock: w.clock, Ended: ended})
	if err != nil {
		t.Fatal(err)
	}
	if _, e := next.sessions.find(id, full.Bare()); e == nil {
		t.Error("the next run has forgotten")
	}
	if _, e := next.sessions.find(id, jid.Must("alice@kith.example")); e != nil {
		t.Error("somebody else is told")
	}
}

func TestShutdownDoesNotWaitForEver(t *testing.T) {
	w := newWorld(t)
	w.auth.add(t, sasl.Hashes(), "alice")
	c := w.plain() // does not read
	c.managed("alice")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := w.srv.Shutdown(ctx); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
}

// The session's end by the router while the negotiation has not answered yet.
func TestEndBeforeAnswer(t *testing.T) {
	w := newWorld(t)
	l := newLink(w.srv, nil)
	s := w.srv.newSession(l, jid.Must("alice@kith.example/x"), module.Login{})
	s.link = nil
	s.End(module.EndConflict)
	if s.bound(nil) {
		t.Error("bound after its end")
	}
	s.Deliver(stanza.New(stanza.Header{Kind: stanza.Message, ID: "late"}, ""), nil)
	if got := s.Undelivered(); len(got) != 1 || got[0].ID != "late" {
		t.Errorf("undelivered %v", got)
	}
	s.Deliver(stanza.New(stanza.Header{Kind: stanza.Message, ID: "later"}, ""), nil)
	if s.queue.len() != 0 {
		t.Error("something is queued that nobody will get")
	}
}
