package c2s

import (
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"

	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/sasl"
	"kith/internal/stream"
	"kith/internal/xmltree"
	"kith/server/module"
)

// resume signs in and asks for a former session. It returns success.
func (c *wire) resume(user, id string, h int) xmltree.Element {
	c.t.Helper()
	c.open("")
	return c.login2(user, "<resume xmlns='"+ns.SM+"' previd='"+id+"' h='"+strconv.Itoa(h)+"'/>")
}

func TestResume(t *testing.T) {
	for _, tr := range []string{"tls", "websocket"} {
		t.Run(tr, func(t *testing.T) {
			w := newWorld(t)
			lost := make(chan []string, 8)
			w.registry.OnSession(module.Detached, func(_ module.Account, s module.Session) {
				if s.Attached() {
					t.Error("it is said to be connected")
				}
				var ids []string
				for _, st := range s.Unacknowledged() {
					ids = append(ids, st.ID)
				}
				lost <- ids
			})
			dial := w.secure
			if tr == "websocket" {
				dial = w.webSocket
			}
			a, _, alice, _ := two(t, w, dial)
			id := w.session(alice).sm.id
			w.inject(alice, "m1", "<body>1</body>")
			w.inject(alice, "m2", "<body>2</body>")
			a.stanza()
			a.stanza()
			a.close()
			if ids := <-lost; len(ids) < 2 || !slices.Equal(ids[len(ids)-2:], []string{"m1", "m2"}) {
				t.Errorf("not acknowledged are %q", ids)
			}
			w.inject(alice, "m3", "<body>3</body>")

			// The ping's answer was the first that counted, m1 the second.
			b := dial()
			e := b.resume("alice", id, 2)
			r := e.Child(ns.SM, "resumed")
			if r.Attr("h") != "2" || r.Attr("previd") != id || e.ChildText(ns.SASL2, "authorization-identifier") != alice.String() {
				t.Fatal(e.Source())
			}
			for _, want := range []string{"m2", "m3"} {
				if e := b.stanza(); e.Attr("id") != want {
					t.Fatalf("want %s, got %s", want, e.Source())
				}
			}
			// The session is what it was: presence has not gone, counters go on.
			b.send("<r xmlns='" + ns.SM + "'/>")
			for {
				if e := b.get(); e.Is(ns.SM, "a") {
					if e.Attr("h") != "2" {
						t.Fatalf("h is %s", e.Attr("h"))
					}
					break
				}
			}
			b.send("<a xmlns='" + ns.SM + "' h='4'/>")
			b.ping("x")
			s := w.session(alice)
			s.mu.Lock()
			if s.queue.len() != 1 || s.sm.out.Unacked() != 1 {
				t.Errorf("%d in the queue, %d not acknowledged", s.queue.len(), s.sm.out.Unacked())
			}
			s.mu.Unlock()
			for _, n := range w.parts.notes() {
				if n == "unbound "+alice.String() || n == "unavailable "+alice.String() {
					t.Error(n)
				}
			}
		})
	}
}

// By the legacy way, after SASL of RFC 6120 or without binding inline.
func TestResumeElement(t *testing.T) {
	w := newWorld(t)
	w.auth.add(t, sasl.Hashes(), "alice", "bob")
	a := w.secure()
	id, full := a.managed("alice")
	a.close()
	until(t, "it is away", func() bool { return w.srv.Counters().Detached.Load() == 1 })

	// Another account cannot have it, and is told nothing of it.
	b := w.secure()
	b.open("")
	b.authenticate(sasl.ScramSHA256, scram("bob"), "")
	b.expect(ns.Stream, "features")
	b.send("<resume xmlns='" + ns.SM + "' previd='" + id + "' h='0'/>")
	if e := b.expect(ns.SM, "failed"); e.Child(ns.Stanzas, "item-not-found").IsZero() || e.Attr("h") != "" {
		t.Fatal(e.Source())
	}

	c := w.secure()
	c.open("")
	c.authenticate(sasl.ScramSHA256, scram("alice"), "")
	c.expect(ns.Stream, "features")
	for _, bad := range []string{"previd='x' h='0'", "previd='" + id + "'", "previd='" + id + "' h='-1'", "h='0'"} {
		c.send("<resume xmlns='" + ns.SM + "' " + bad + "/>")
		c.expect(ns.SM, "failed")
	}
	c.send("<resume xmlns='" + ns.SM + "' previd='" + id + "' h='0'/>")
	if e := c.expect(ns.SM, "resumed"); e.Attr("h") != "0" {
		t.Fatal(e.Source())
	}
	c.available()
	// On a stream that has its session it is too late.
	c.send("<resume xmlns='" + ns.SM + "' previd='" + id + "' h='0'/>")
	if e := c.expect(ns.SM, "failed"); e.Child(ns.Stanzas, "unexpected-request").IsZero() {
		t.Fatal(e.Source())
	}
	c.send("<enable xmlns='" + ns.SM + "'/>")
	c.expectError(stream.PolicyViolation)
	until(t, "the session ends", func() bool { return slices.Contains(w.parts.notes(), "unbound "+full.String()) })
}

// The refusal is no stanza: a client that counts stanzas, as XEP-0198 section 4 says, has acknowledged all.
func TestTooLateDoesNotCount(t *testing.T) {
	w := newWorld(t)
	w.auth.add(t, sasl.Hashes(), "alice")
	a := w.secure()
	id, full := a.managed("alice")
	a.available()
	sent := func() uint32 {
		s := w.session(full)
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.sm.out.Count()
	}
	before := sent()
	for range 3 {
		a.send("<resume xmlns='" + ns.SM + "' previd='" + id + "' h='0'/>")
		for a.get().Local() != "failed" {
		}
	}
	if after := sent(); after != before {
		t.Errorf("%d stanzas were counted for what is none", after-before)
	}
	// What comes afterwards is taken off the queue by its own acknowledgement.
	w.inject(full, "m1", "<body>1</body>")
	for a.get().Attr("id") != "m1" {
	}
	a.send("<a xmlns='" + ns.SM + "' h='" + itoa(before+1) + "'/>")
	a.ping("q")
	for _, st := range w.session(full).Unacknowledged() {
		if st.ID == "m1" {
			t.Error("the message is not taken for acknowledged")
		}
	}
}

// The old connection may not know yet that it is dead.
func TestResumeTakesOver(t *testing.T) {
	w := newWorld(t)
	w.auth.add(t, sasl.Hashes(), "alice")
	a := w.secure()
	id, full := a.managed("alice")
	a.available()
	b := w.webSocket()
	if e := b.resume("alice", id, 1); e.Child(ns.SM, "resumed").Attr("h") != "2" {
		t.Fatal(e.Source())
	}
	a.expectError(stream.Conflict)
	// What the old one still sends is not the client's any more.
	_ = a.trySend("<message to='x@elsewhere.example' id='stale'/>")
	b.ping("p")
	if s := w.session(full); s.in.Received() != 3 {
		t.Errorf("%d stanzas counted", s.in.Received())
	}
	if got := len(w.srv.sessions.all()); got != 1 {
		t.Errorf("%d sessions", got)
	}
}

// Any number at once: one has it in the end, the others are told.
func TestResumesRace(t *testing.T) {
	w := newWorld(t)
	w.auth.add(t, sasl.Hashes(), "alice")
	a := w.plain()
	id, full := a.managed("alice")
	a.close()
	until(t, "it is away", func() bool { return w.srv.Counters().Detached.Load() == 1 })
	w.inject(full, "m", "<body>x</body>")

	const many = 8
	var wg sync.WaitGroup
	var mu sync.Mutex
	var alive []*wire
	for range many {
		c := w.plain()
		c.open("")
		c.authenticate(sasl.ScramSHA256, scram("alice"), "")
		c.expect(ns.Stream, "features")
		wg.Go(func() {
			// Either nothing but a conflict comes, or the message, and a conflict perhaps.
			if c.trySend("<resume xmlns='"+ns.SM+"' previd='"+id+"' h='0'/>") != nil {
				return
			}
			for {
				item, err := c.next()
				if err != nil || item.Element.Is(ns.Stream, "error") {
					_ = c.trySend(stream.End)
					c.close()
					return
				}
				if item.Element.Is(ns.Client, "message") {
					mu.Lock()
					alive = append(alive, c)
					mu.Unlock()
					return
				}
			}
		})
	}
	wg.Wait()
	winners := 0
	for _, c := range alive {
		_ = c.trySend("<iq type='get' id='who' to='" + domain + "'><ping xmlns='urn:xmpp:ping'/></iq>")
		for {
			item, err := c.next()
			if err != nil || item.Element.Is(ns.Stream, "error") {
				break
			}
			if item.Element.Attr("id") == "who" {
				winners++
				break
			}
		}
	}
	if winners != 1 {
		t.Fatalf("%d connections have the session", winners)
	}
	if got := len(w.srv.sessions.all()); got != 1 {
		t.Errorf("%d sessions", got)
	}
}

// While stanzas flow in both directions a client comes back again and again, and loses and doubles
// nothing.
func TestResumeWhileStanzasFlow(t *testing.T) {
	w := newWorld(t)
	w.auth.add(t, sasl.Hashes(), "alice")
	// The archive keeps each message for a moment.
	var mu sync.Mutex
	var stored []string
	commits := make(chan func(), 1000)
	go func() {
		for f := range commits {
			f()
		}
	}()
	defer close(commits)
	w.parts.onArchive(func(p *module.Passage, done func(error)) bool {
		if p.Direction == module.Incoming {
			return false
		}
		id := p.Stanza.ID
		commits <- func() {
			mu.Lock()
			stored = append(stored, id)
			mu.Unlock()
			done(nil)
		}
		return true
	})
	const total = 400
	c := w.secure()
	id, full := c.managed("alice")
	go func() {
		for i := range total {
			w.inject(full, fmt.Sprintf("in%d", i), "<body>x</body>")
		}
	}()
	var (
		got   []string // of the client, in order
		h     int      // that the client counted
		acked int      // of what the client sent
		sent  int
	)
	take := func(e xmltree.Element) {
		switch {
		case e.Is(ns.SM, "a"):
			n, err := strconv.Atoi(e.Attr("h"))
			if err != nil || n < acked {
				t.Fatalf("acknowledged %d, then %s", acked, e.Source())
			}
			acked = n
		case e.Space() == ns.Client:
			h++
			if e.Local() == "message" && e.Attr("type") == "chat" {
				got = append(got, e.Attr("id"))
			}
		}
	}
	message := func(i int) string {
		return fmt.Sprintf("<message id='out%d' type='chat' to='x@elsewhere.example'><body>x</body></message>", i)
	}
	for round := 0; len(got) < total || acked < total; round++ {
		// Send some, read some, and break off.
		for range 23 {
			if sent < total {
				if c.trySend(message(sent)) != nil {
					break
				}
				sent++
			}
		}
		_ = c.trySend("<r xmlns='" + ns.SM + "'/>")
		for range 50 {
			item, err := c.next()
			if err != nil {
				break
			}
			take(item.Element)
			if item.Element.Is(ns.SM, "a") && acked == sent {
				break
			}
		}
		if len(got) == total && acked == total {
			break
		}
		if round%2 == 0 {
			c.close() // half of the times the server finds out by the resumption
		}
		d := w.secure()
		e := d.resume("alice", id, h)
		r := e.Child(ns.SM, "resumed")
		if r.IsZero() {
			t.Fatalf("round %d: %s", round, e.Source())
		}
		n, err := strconv.Atoi(r.Attr("h"))
		if err != nil || n < acked || n > sent {
			t.Fatalf("round %d: sent %d, acknowledged %d, resumed with %s", round, sent, acked, r.Attr("h"))
		}
		c.close()
		c, acked = d, n
		for i := n; i < sent; i++ {
			c.send(message(i))
		}
	}
	for i, m := range got {
		if m != fmt.Sprintf("in%d", i) {
			t.Fatalf("message %d is %s", i, m)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if len(stored) != total {
		t.Fatalf("%d messages stored, %d sent", len(stored), total)
	}
	for i, m := range stored {
		if m != fmt.Sprintf("out%d", i) {
			t.Fatalf("stored %d is %s", i, m)
		}
	}
}

// An answer waits for what is still being stored.
func TestResumeWaitsForTheArchive(t *testing.T) {
	w := newWorld(t)
	w.auth.add(t, sasl.Hashes(), "alice")
	dones := make(chan func(error), 1)
	w.parts.onArchive(func(p *module.Passage, done func(error)) bool { dones <- done; return true })
	a := w.plain()
	id, full := a.managed("alice")
	a.send("<message id='m' to='x@elsewhere.example'><body>x</body></message>")
	done := <-dones
	a.close()
	until(t, "it is away", func() bool { return w.srv.Counters().Detached.Load() == 1 })

	b := w.plain()
	b.open("")
	b.authenticate(sasl.ScramSHA256, scram("alice"), "")
	b.expect(ns.Stream, "features")
	s := w.session(full)
	timers := w.clock.Pending() // one of them, for the expiry, makes room for that of the wait
	b.send("<resume xmlns='" + ns.SM + "' previd='" + id + "' h='0'/>")
	until(t, "it waits", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.link != nil && w.clock.Pending() == timers
	})
	w.clock.Advance(settleTime)
	if e := b.expect(ns.SM, "failed"); e.Child(ns.Stanzas, "resource-constraint").IsZero() {
		t.Fatal(e.Source())
	}
	b.send("<resume xmlns='" + ns.SM + "' previd='" + id + "' h='0'/>")
	until(t, "it is taken over", func() bool { s.mu.Lock(); defer s.mu.Unlock(); return s.link != nil })
	done(nil)
	if e := b.expect(ns.SM, "resumed"); e.Attr("h") != "1" {
		t.Fatal(e.Source())
	}
}

func TestTooHigh(t *testing.T) {
	w := newWorld(t)
	w.auth.add(t, sasl.Hashes(), "alice")
	c := w.plain()
	_, full := c.managed("alice")
	c.ping("p")
	c.send("<a xmlns='" + ns.SM + "' h='2'/>")
	for {
		item, err := c.next()
		if err != nil {
			t.Fatal(err)
		}
		if e := item.Element; e.Is(ns.Stream, "error") {
			if x := e.Child(ns.SM, "handled-count-too-high"); e.Child(ns.Streams, "undefined-condition").IsZero() || x.Attr("h") != "2" || x.Attr("send-count") != "1" {
				t.Fatal(e.Source())
			}
			break
		}
	}
	until(t, "the session ends", func() bool { return slices.Contains(w.parts.notes(), "unbound "+full.String()) })

	// By a resumption, it is that connection which is wrong; the session stays.
	c = w.plain()
	id, _ := c.managed("alice")
	d := w.plain()
	d.open("")
	d.authenticate(sasl.ScramSHA256, scram("alice"), "")
	d.expect(ns.Stream, "features")
	d.send("<resume xmlns='" + ns.SM + "' previd='" + id + "' h='7'/>")
	d.expectError(stream.UndefinedCondition)
	c.ping("still")
}

func TestExpiry(t *testing.T) {
	w := newWorld(t)
	w.auth.add(t, sasl.Hashes(), "alice")
	c := w.plain()
	id, full := c.managed("alice")
	c.available()
	c.close()
	until(t, "it is away", func() bool { return w.srv.Counters().Detached.Load() == 1 })
	w.inject(full, "m", "<body>x</body>")
	s := w.session(full)
	until(t, "it is queued", func() bool { s.mu.Lock(); defer s.mu.Unlock(); return s.queue.len() == 2 })
	w.clock.Advance(DefaultConfig().ResumeTime)
	until(t, "it is given up", func() bool { return len(w.parts.left()) == 2 })
	if got := w.srv.Counters().Expired.Load(); got != 1 {
		t.Errorf("%d expired", got)
	}
	notes := w.parts.notes()
	if !slices.Contains(notes, "unavailable "+full.String()) || !slices.Contains(notes, "unbound "+full.String()) {
		t.Fatalf("notes %q", notes)
	}
	d := w.plain()
	d.open("")
	e := d.login2("alice", "<resume xmlns='"+ns.SM+"' previd='"+id+"' h='0'/><bind xmlns='"+ns.Bind2+"'/>")
	if f := e.Child(ns.SM, "failed"); f.Attr("h") != "2" || e.Child(ns.Bind2, "bound").IsZero() {
		t.Fatal(e.Source())
	}
}

// A session that was not asked to be resumable is not.
func TestNotResumable(t *testing.T) {
	w := newWorld(t)
	w.auth.add(t, sasl.Hashes(), "alice")
	c := w.plain()
	e := c.login("alice", "<enable xmlns='"+ns.SM+"'/>")
	if en := e.Child(ns.Bind2, "bound").Child(ns.SM, "enabled"); en.IsZero() || en.Attr("id") != "" || en.Attr("resume") != "" {
		t.Fatal(e.Source())
	}
	full := jid.Must(e.ChildText(ns.SASL2, "authorization-identifier"))
	w.inject(full, "m", "<body>x</body>")
	c.stanza()
	c.close()
	// Written, but not acknowledged.
	until(t, "it is given back", func() bool { return slices.Equal(w.parts.left(), []string{"m"}) })
}

// While a client is away, only the latest presence of each contact waits for it.
func TestAwayIsHeldBack(t *testing.T) {
	w := newWorld(t)
	a, b, alice, _ := two(t, w, w.secure)
	id := w.session(alice).sm.id
	a.close()
	until(t, "it is away", func() bool { return w.srv.Counters().Detached.Load() == 1 })
	for i := range 50 {
		b.send("<presence to='" + alice.String() + "'><status>" + strconv.Itoa(i) + "</status></presence>")
	}
	b.ping("sync")
	s := w.session(alice)
	until(t, "all have come", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.held.items) == 50 && s.held.count == 1
	})
	c := w.secure()
	c.resume("alice", id, 1)
	if e := c.stanza(); e.ChildText(ns.Client, "status") != "49" {
		t.Fatal(e.Source())
	}
	c.ping("active again")
}

// A client that ends its stream and at once takes the session up elsewhere has it there: what the
// old connection still brings to an end is not the session.
func TestOldLinkCannotEndTheSession(t *testing.T) {
	w := newWorld(t)
	w.auth.add(t, sasl.Hashes(), "alice")
	dones := make(chan func(error), 1)
	w.parts.onArchive(func(_ *module.Passage, done func(error)) bool { dones <- done; return true })
	a := w.plain()
	id, full := a.managed("alice")
	timers := w.clock.Pending()
	a.send("<message id='m' to='x@elsewhere.example'><body>x</body></message>", stream.End)
	done := <-dones
	// The end of the old stream waits for the archive.
	until(t, "it waits", func() bool { return w.clock.Pending() > timers })
	s := w.session(full)
	old := s.link
	b := w.plain()
	b.open("")
	b.authenticate(sasl.ScramSHA256, scram("alice"), "")
	b.expect(ns.Stream, "features")
	b.send("<resume xmlns='" + ns.SM + "' previd='" + id + "' h='0'/>")
	until(t, "it is taken over", func() bool { s.mu.Lock(); defer s.mu.Unlock(); return s.link != old })
	done(nil)
	if e := b.expect(ns.SM, "resumed"); e.Attr("h") != "1" {
		t.Fatal(e.Source())
	}
	for {
		// Its own end is answered, or it is told of the conflict, whichever is first.
		item, err := a.next()
		if err != nil {
			t.Fatal(err)
		}
		if item.Kind == stream.Close {
			break
		}
	}
	a.close()
	until(t, "the old connection is gone", func() bool { w.srv.mu.Lock(); defer w.srv.mu.Unlock(); return len(w.srv.links) == 1 })
	b.ping("still here")
	// Neither do broken words on it.
	s.finishFrom(old, &stream.Error{Condition: stream.NotWellFormed})
	b.ping("and still")
}
