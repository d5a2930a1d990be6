package federation_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"kith/internal/stanza"
	"kith/server/router/routertest"
	"kith/server/store"
)

func numbers(from, to int) (all []string) {
	for i := from; i < to; i++ {
		all = append(all, fmt.Sprint(i))
	}
	return all
}

// Stanzas keep their order, both ways, over one connection (XEP-0288), and nothing goes to disk.
func TestBothWaysOverOneConnection(t *testing.T) {
	play(t, func(t *testing.T, in *internet) {
		a, b := in.server("a.example"), in.server("b.example")
		var accepted []<-chan struct{}
		for _, body := range numbers(0, 500) {
			accepted = append(accepted, a.message("b.example", body))
		}
		pass(t, 2*time.Second)
		if got := b.bodies(); got != strings.Join(numbers(0, 500), " ") {
			t.Errorf("b received %s", got)
		}
		for i, c := range accepted {
			if !is(c) {
				t.Fatalf("number %d is not accepted", i)
			}
		}
		b.message("a.example", "back")
		pass(t, time.Second)
		if got := a.bodies(); got != "back" {
			t.Errorf("a received %q", got)
		}
		if to, from := in.dialled(b.address), in.dialled(a.address); to != 1 || from != 0 {
			t.Errorf("%d connections to b, %d to a", to, from)
		}
		st := a.status("b.example")
		if st.State != "connected" || st.Way != "certificate, TLS 1.3, both ways, acknowledged" || st.StanzasOut != 500 || st.StanzasIn != 1 || st.Waiting != 0 {
			t.Errorf("%+v", st)
		}
		if n := a.Counters().Stored.Load(); n != 0 {
			t.Errorf("%d stored", n)
		}
		// Each pair of domains has its own link: nobody is taken for somebody else of the same server.
		a.send(`<presence from='room@groups.a.example/nick' to='bob@b.example'/>`)
		pass(t, time.Second)
		b.Wait(t, "presence of the room", func(st *stanza.Stanza) bool { return st.From.Domain() == "groups.a.example" })
		if n := in.dialled(b.address); n != 2 {
			t.Errorf("%d connections to b", n)
		}
	})
}

// A stanza is accepted when the other server has taken it over, and not before.
func TestAcceptedWhenAcknowledged(t *testing.T) {
	play(t, func(t *testing.T, in *internet) {
		a, b := in.server("a.example"), in.server("b.example")
		b.setHold(true)
		c := a.message("b.example", "one")
		settle()
		if got := b.bodies(); got != "one" {
			t.Fatalf("b received %q", got)
		}
		if is(c) {
			t.Error("accepted although b has not taken it over")
		}
		// After a moment it is on disk instead: nobody waits for another server.
		pass(t, 10*time.Second)
		if !is(c) || a.waiting() != 1 {
			t.Errorf("accepted %v, %d on disk", is(c), a.waiting())
		}
		b.setHold(false)
		pass(t, time.Minute)
		if a.waiting() != 0 {
			t.Errorf("%d are on disk after they were acknowledged", a.waiting())
		}
		if got := b.bodies(); got != "" {
			t.Errorf("b received %q again", got)
		}
	})
}

// Who asks is told when the write to disk is in the queue of the database: what he writes then is never
// durable without it. Only what matters is written.
func TestQueuedBeforeWhatFollows(t *testing.T) {
	play(t, func(t *testing.T, in *internet) {
		a, b := in.server("a.example"), in.server("b.example")
		in.unplug(b.address)
		for _, xml := range []string{
			`<message from='alice@a.example/phone' to='bob@b.example' type='chat' id='1'><body>1</body></message>`,
			`<message from='alice@a.example' to='bob@b.example'><composing xmlns='http://jabber.org/protocol/chatstates'/><no-store xmlns='urn:xmpp:hints'/></message>`,
		} {
			seen := make(chan int, 1)
			a.Send(routertest.Parse(t, xml), nil, func(ok bool) {
				if !ok {
					t.Error("not taken")
				}
				a.db.Enqueue(func(tx *store.Tx) error {
					var n int
					err := tx.QueryRow("SELECT COUNT(*) FROM s2s_queue").Scan(&n)
					seen <- n
					return err
				}, func(error) {})
			})
			if n := <-seen; n != 1 {
				t.Errorf("%d on disk before what follows, after %s", n, xml)
			}
		}
		stopped := a.Service
		a.stop()
		told := make(chan bool, 1)
		stopped.Send(routertest.Parse(t, "<message from='alice@a.example/phone' to='bob@b.example' type='chat' id='2'><body>2</body></message>"), nil, func(ok bool) { told <- ok })
		if <-told {
			t.Error("taken by a server that has stopped")
		}
	})
}

// A connection that breaks loses nothing, and doubles nothing: the new one begins with the question how
// much has arrived.
func TestBrokenConnections(t *testing.T) {
	play(t, func(t *testing.T, in *internet) {
		a, b := in.server("a.example"), in.server("b.example")
		var want []string
		for round := range 20 {
			body := fmt.Sprintf("r%d-", round)
			for i := range 30 {
				a.message("b.example", body+fmt.Sprint(i))
				want = append(want, body+fmt.Sprint(i))
			}
			switch round % 3 {
			case 0:
				settle()
			case 1:
				pass(t, 20*time.Second)
				a.message("b.example", body+"last")
				want = append(want, body+"last")
			}
			in.cut(b.address)
		}
		pass(t, 5*time.Minute)
		if got := b.bodies(); got != strings.Join(want, " ") {
			t.Errorf("b received\n%s\nand not\n%s", got, strings.Join(want, " "))
		}
		if n := in.dialled(b.address); n < 5 {
			t.Errorf("%d connections only: nothing was broken", n)
		}
		if a.waiting() != 0 {
			t.Errorf("%d are left on disk", a.waiting())
		}
	})
}

// What is in memory when the server ends is on disk when it starts again, and on its way.
func TestRestart(t *testing.T) {
	play(t, func(t *testing.T, in *internet) {
		a, b := in.server("a.example"), in.server("b.example")
		in.unplug(b.address)
		for _, body := range numbers(0, 40) {
			a.message("b.example", body)
		}
		a.send(`<presence from='alice@a.example' to='bob@b.example' type='subscribe'/>`)
		a.send(`<message from='alice@a.example' to='bob@b.example'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>`)
		settle()
		a.stop()
		if n := a.waiting(); n != 41 {
			t.Errorf("%d on disk, want the messages and the request", n)
		}
		a.start()
		a.message("b.example", "new")
		pass(t, time.Minute)
		in.plug(b.address)
		pass(t, time.Hour)
		all := b.Take()
		if len(all) != 42 || all[40].Type != stanza.Subscribe || all[41].Body() != "new" {
			t.Fatalf("b received %s", routertest.Text(all))
		}
		for i, st := range all[:40] {
			if st.Body() != fmt.Sprint(i) || !strings.Contains(st.String(), "<delay xmlns='urn:xmpp:delay' from='a.example'") {
				t.Errorf("number %d is %s", i, st)
			}
		}
		if a.waiting() != 0 {
			t.Errorf("%d are left on disk", a.waiting())
		}
	})
}

// Both sides end and begin anew, again and again, in the middle of a conversation.
func TestRestartsInTheMiddle(t *testing.T) {
	play(t, func(t *testing.T, in *internet) {
		a, b := in.server("a.example"), in.server("b.example")
		var want, wantBack []string
		for round := range 6 {
			for i := range 20 {
				there, back := fmt.Sprintf("t%d-%d", round, i), fmt.Sprintf("b%d-%d", round, i)
				a.message("b.example", there)
				b.message("a.example", back)
				want, wantBack = append(want, there), append(wantBack, back)
			}
			n := []*node{a, b}[round%2]
			n.stop()
			n.start()
		}
		pass(t, time.Hour)
		if got := once(b.bodies()); got != strings.Join(want, " ") {
			t.Errorf("b received\n%s\nand not\n%s", got, strings.Join(want, " "))
		}
		if got := once(a.bodies()); got != strings.Join(wantBack, " ") {
			t.Errorf("a received\n%s\nand not\n%s", got, strings.Join(wantBack, " "))
		}
	})
}

// once leaves out what came before: a server that has ended does not know what its last words were
// answered with.
func once(bodies string) string {
	seen := map[string]bool{}
	var out []string
	for _, b := range strings.Fields(bodies) {
		if !seen[b] {
			seen[b] = true
			out = append(out, b)
		}
	}
	return strings.Join(out, " ")
}

// More than fits into memory waits on disk, in order; more than fits there goes back.
func TestOverflow(t *testing.T) {
	play(t, func(t *testing.T, in *internet) {
		a := in.server("a.example", func(n *node) { n.cfg.QueueStanzas, n.cfg.DiskStanzas = 10, 300 })
		b := in.server("b.example")
		in.unplug(b.address)
		var accepted []<-chan struct{}
		for _, body := range numbers(0, 320) {
			accepted = append(accepted, a.message("b.example", body))
		}
		a.send(`<iq from='alice@a.example/phone' to='bob@b.example/x' type='get' id='late'><ping xmlns='urn:xmpp:ping'/></iq>`)
		pass(t, time.Second)
		for i, c := range accepted {
			if !is(c) {
				t.Fatalf("number %d is not accepted", i)
			}
		}
		if n := a.status("b.example").Waiting; n != 310 {
			t.Errorf("%d wait", n)
		}
		back := a.Take()
		if len(back) != 11 {
			t.Errorf("%d came back: %s", len(back), routertest.Text(back))
		}
		for _, st := range back {
			if f := st.ReadFault(); f == nil || f.Condition != stanza.ResourceConstraint || st.To.String() != "alice@a.example/phone" {
				t.Errorf("came back as %s", st)
			}
		}
		in.plug(b.address)
		pass(t, time.Hour)
		if got := b.bodies(); got != strings.Join(numbers(0, 310), " ") {
			t.Errorf("b received %s", got)
		}
		if n := a.waiting(); n != 0 {
			t.Errorf("%d are left on disk", n)
		}
		// The way through memory is free again.
		spilled := a.Counters().Spilled.Load()
		a.message("b.example", "last")
		pass(t, time.Second)
		if got := b.bodies(); got != "last" || a.Counters().Spilled.Load() != spilled {
			t.Errorf("b received %q, %d spilled", got, a.Counters().Spilled.Load()-spilled)
		}
	})
}

// An hour in which the other server is away, and a day.
func TestDowntime(t *testing.T) {
	play(t, func(t *testing.T, in *internet) {
		a, b := in.server("a.example"), in.server("b.example")
		a.message("b.example", "before")
		pass(t, time.Second)
		in.unplug(b.address)
		a.message("b.example", "during")
		a.send(`<iq from='alice@a.example/phone' to='bob@b.example/x' type='get' id='q'><ping xmlns='urn:xmpp:ping'/></iq>`)
		pass(t, time.Hour)
		st := a.Wait(t, "the request", func(st *stanza.Stanza) bool { return st.ID == "q" })
		if f := st.ReadFault(); f == nil || f.Condition != stanza.RemoteServerTimeout {
			t.Errorf("the request came back as %s", st)
		}
		if st := a.status("b.example"); st.State != "waiting" || st.Error == "" || st.Waiting != 1 || st.Retry.IsZero() {
			t.Errorf("%+v", st)
		}
		if n := in.dialled(b.address); n < 5 || n > 60 {
			t.Errorf("%d tries in an hour", n)
		}
		in.plug(b.address)
		if n, err := a.Retry("b.example"); n != 1 || err != nil {
			t.Errorf("retry: %d %v", n, err)
		}
		pass(t, time.Second)
		if got := b.bodies(); got != "before during" {
			t.Errorf("b received %q", got)
		}

		in.unplug(b.address)
		a.message("b.example", "lost")
		a.send(`<message from='room@groups.a.example/nick' to='bob@b.example' type='groupchat'><body>said in a room</body></message>`)
		a.send(`<presence from='alice@a.example' to='bob@b.example' type='subscribe' id='s'/>`)
		a.send(`<message from='alice@a.example/phone' to='bob@b.example' type='error' id='e'><error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>`)
		pass(t, 23*time.Hour)
		for _, st := range a.Take() {
			if st.To.Domain() != "groups.a.example" {
				t.Errorf("came back too early: %s", st)
			}
		}
		pass(t, 2*time.Hour)
		back := a.Take()
		if len(back) != 2 {
			t.Fatalf("came back: %s", routertest.Text(back))
		}
		for i, id := range []string{"lost", "s"} {
			f := back[i].ReadFault()
			if back[i].ID != id || back[i].Type != stanza.Error || f.Condition != stanza.RemoteServerTimeout || !strings.Contains(f.Text, "cannot be reached") {
				t.Errorf("came back: %s", back[i])
			}
		}
		if a.waiting() != 0 {
			t.Errorf("%d are on disk", a.waiting())
		}
	})
}

// Nobody ever was at an address that does not exist: that is said at once.
func TestNoSuchServer(t *testing.T) {
	play(t, func(t *testing.T, in *internet) {
		a := in.server("a.example")
		c := a.message("typo.example", "hello")
		a.send(`<presence from='alice@a.example/phone' to='bob@typo.example'/>`)
		a.send(`<message from='alice@a.example/phone' to='bob@typo.example' type='error' id='e'><error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>`)
		pass(t, time.Second)
		back := a.Take()
		if len(back) != 1 || back[0].ReadFault().Condition != stanza.RemoteServerNotFound || !is(c) {
			t.Errorf("came back: %s", routertest.Text(back))
		}
		// That no name server answers is another matter.
		in.mu.Lock()
		in.broken = true
		in.mu.Unlock()
		c = a.message("other.example", "hello")
		pass(t, time.Hour)
		if back := a.Take(); len(back) != 0 || !is(c) || a.waiting() != 1 {
			t.Errorf("came back: %s; accepted %v, %d on disk", routertest.Text(back), is(c), a.waiting())
		}
	})
}

// Presence says how things are now: what was not delivered is replaced by what came later.
func TestPresenceWhileAway(t *testing.T) {
	play(t, func(t *testing.T, in *internet) {
		a, b := in.server("a.example"), in.server("b.example")
		in.unplug(b.address)
		for _, show := range []string{"away", "xa", "dnd"} {
			a.send(`<presence from='alice@a.example/phone' to='bob@b.example'><show>` + show + `</show></presence>`)
		}
		a.send(`<presence from='alice@a.example/phone' to='bob@b.example' type='probe'/>`)
		pass(t, time.Minute)
		in.plug(b.address)
		pass(t, 10*time.Minute)
		got := b.Take()
		if len(got) != 2 || !strings.Contains(got[0].String(), "dnd") || got[1].Type != stanza.Probe {
			t.Errorf("b received %s", routertest.Text(got))
		}
	})
}

// A connection that nobody uses is closed, and made again when it is needed.
func TestIdle(t *testing.T) {
	play(t, func(t *testing.T, in *internet) {
		a, b := in.server("a.example"), in.server("b.example")
		a.message("b.example", "one")
		pass(t, 5*time.Minute)
		if st := a.status("b.example"); st.State != "connected" {
			t.Errorf("%+v", st)
		}
		pass(t, 20*time.Minute)
		if a, b := a.status("b.example"), b.status("a.example"); a.State != "idle" || b.State != "idle" {
			t.Errorf("after a while %+v, %+v", a, b)
		}
		b.message("a.example", "two")
		pass(t, time.Second)
		if got := a.bodies(); got != "two" {
			t.Errorf("a received %q", got)
		}
	})
}

// A server that takes connections and then nothing more holds up nobody else.
func TestOneSlowServer(t *testing.T) {
	play(t, func(t *testing.T, in *internet) {
		a, b := in.server("a.example", func(n *node) { n.cfg.QueueStanzas = 20 }), in.server("b.example")
		slow := in.server("slow.example")
		slow.setHold(true)
		for i := range 600 {
			a.message("slow.example", fmt.Sprint(i))
		}
		a.message("b.example", "quick")
		settle()
		if got := b.bodies(); got != "quick" {
			t.Errorf("b received %q", got)
		}
		pass(t, 5*time.Minute)
		slow.setHold(false)
		pass(t, 3*time.Hour)
		if got := once(slow.bodies()); got != strings.Join(numbers(0, 600), " ") {
			t.Errorf("slow received %s", got)
		}
	})
}

// What another server says is too large for it goes back, and the rest goes on.
func TestTooLargeForTheOther(t *testing.T) {
	play(t, func(t *testing.T, in *internet) {
		a, b := in.server("a.example"), in.server("b.example", func(n *node) { n.cfg.StanzaBytes = 20_000 })
		a.message("b.example", "hello")
		pass(t, time.Second)
		a.message("b.example", strings.Repeat("x", 30_000))
		a.message("b.example", "after")
		pass(t, time.Second)
		back := a.Take()
		if len(back) != 1 || back[0].ReadFault().Condition != stanza.PolicyViolation {
			t.Errorf("came back: %s", routertest.Text(back))
		}
		// One that was sent before the limit was known makes the other server end the stream, again and
		// again; it must not hold up the others for ever.
		if got := b.bodies(); got != "hello after" {
			t.Errorf("b received %q", got)
		}
		c := in.server("c.example", func(n *node) { n.cfg.StanzaBytes = 20_000 })
		a.message("c.example", strings.Repeat("y", 30_000))
		a.message("c.example", "behind")
		pass(t, time.Hour)
		if got := c.bodies(); got != "behind" {
			t.Errorf("c received %.100q", got)
		}
		back = a.Take()
		if len(back) != 1 || back[0].Type != stanza.Error {
			t.Errorf("came back: %d", len(back))
		}
	})
}

// A server to which nobody can connect is answered all the same: over the connection that it has made, as
// push services have to (XEP-0288).
func TestClosedPort(t *testing.T) {
	play(t, func(t *testing.T, in *internet) {
		a, b := in.server("a.example"), in.server("push.example")
		in.unplug(a.address)
		a.send(`<iq from='alice@a.example' to='push.example' type='set' id='wake'><pubsub xmlns='http://jabber.org/protocol/pubsub'/></iq>`)
		b.Wait(t, "the request", func(st *stanza.Stanza) bool { return st.ID == "wake" })
		b.send(`<iq from='push.example' to='alice@a.example' type='result' id='wake'/>`)
		a.Wait(t, "the answer", func(st *stanza.Stanza) bool { return st.ID == "wake" && st.Type == stanza.Result })
		if n := in.dialled(a.address); n != 0 {
			t.Errorf("it was dialled %d times", n)
		}
	})
}
