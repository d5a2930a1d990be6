package federation_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"kith/internal/stanza"
)

// Errors between two whole servers come to an end: what nobody wants is answered once, or not at all, and the
// answer is never answered.
func TestErrorsAreNotReflected(t *testing.T) {
	play(t, func(t *testing.T, in *internet) {
		one, two := in.house("one.example"), in.house("two.example")
		one.Account("alice")
		a := one.Client("alice")
		a.Send(`<presence/>`)
		sent := func() uint64 { return one.fed.Counters().StanzasOut.Load() + two.fed.Counters().StanzasOut.Load() }
		const fault = `<error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>`
		for xml, most := range map[string]uint64{
			`<message to='nobody@two.example' type='chat' id='1'><body>x</body></message>`:                                  2,
			`<message to='nobody@two.example' type='error' id='2'>` + fault + `</message>`:                                  1,
			`<message to='nobody@groups.two.example/x' type='error' id='3'>` + fault + `</message>`:                         1,
			`<message to='nowhere@groups.two.example' type='groupchat' id='4'><body>x</body></message>`:                     2,
			`<iq to='nobody@two.example/x' type='error' id='5'>` + fault + `</iq>`:                                          1,
			`<iq to='nobody@two.example/x' type='result' id='6'/>`:                                                          1,
			`<iq to='nobody@two.example/x' type='get' id='7'><x xmlns='y'/></iq>`:                                           2,
			`<presence to='nobody@two.example' type='error' id='8'>` + fault + `</presence>`:                                1,
			`<presence to='nobody@two.example' type='unsubscribed' id='9'/>`:                                                2,
			`<presence to='nobody@two.example' type='probe' id='10'/>`:                                                      2,
			`<presence to='nowhere@groups.two.example/x' id='11'/>`:                                                         2,
			`<iq to='two.example' type='error' id='12'>` + fault + `</iq>`:                                                  1,
			`<message to='two.example' type='error' id='13'>` + fault + `</message>`:                                        1,
			`<message to='nobody@two.example' type='headline' id='14'><body>x</body></message>`:                             2,
			`<message to='nobody@sub.two.example' type='chat' id='15'><body>x</body></message>`:                             2,
			`<message to='nobody@two.example' id='16'><received xmlns='urn:xmpp:receipts' id='1'/></message>`:               2,
			`<message to='nobody@two.example' id='17'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>`: 2,
		} {
			before := sent()
			a.Send(xml)
			pass(t, 5*time.Minute)
			if n := sent() - before; n > most {
				t.Errorf("%s made %d stanzas", xml, n)
			}
		}
		one.Stop()
		two.Stop()
	})
}

// A server that answers errors with errors, as a broken one does, gets nobody into a dance.
func TestAServerThatAnswersErrors(t *testing.T) {
	play(t, func(t *testing.T, in *internet) {
		one := in.house("one.example")
		one.Account("alice")
		in.server("two.example")
		cert := in.ca.certify(nil, "two.example")
		r := in.dialRaw(&node{address: one.address})
		r.external("two.example", "one.example", cert)
		for i := range 50 {
			for _, to := range []string{"alice@one.example", "nobody@one.example", "x@groups.one.example", "one.example", "alice@one.example/gone"} {
				r.send(fmt.Sprintf("<message from='bob@two.example' to='%s' type='error' id='%d'><error type='cancel'/></message>", to, i))
				r.send(fmt.Sprintf("<iq from='bob@two.example' to='%s' type='error' id='q%d'><error type='cancel'/></iq>", to, i))
				r.send(fmt.Sprintf("<presence from='bob@two.example' to='%s' type='error' id='p%d'><error type='cancel'/></presence>", to, i))
			}
		}
		pass(t, 10*time.Minute)
		if n := one.fed.Counters().StanzasOut.Load(); n != 0 {
			t.Errorf("%d answers", n)
		}
		if n := one.fed.Counters().StanzasIn.Load(); n != 750 {
			t.Errorf("%d came in", n)
		}
		_ = r.conn.Close()
		one.Stop()
	})
}

// A domain that sends more than its share is read more slowly; the others are not.
func TestFloodOfStanzas(t *testing.T) {
	play(t, func(t *testing.T, in *internet) {
		a := in.server("a.example", func(n *node) { n.cfg.Rate, n.cfg.StanzaBytes = 10_000, 10_000 })
		r := in.dialRaw(a)
		r.external("flood.example", "a.example", in.ca.certify(nil, "flood.example"))
		go func() {
			for i := range 1000 {
				r.try(fmt.Sprintf("<message from='x@flood.example' to='alice@a.example' id='%d'><body>%s</body></message>", i, strings.Repeat("x", 1000)))
			}
		}()
		quick := in.server("quick.example")
		settle()
		quick.message("a.example", "hello")
		settle()
		got := 0
		seen := false
		for _, st := range a.Take() {
			if st.From.Domain() == "flood.example" {
				got++
			}
			seen = seen || st.Body() == "hello"
		}
		if !seen || got > 60 || a.Counters().Throttled.Load() == 0 {
			t.Errorf("quick is seen: %v; %d of the flood", seen, got)
		}
		pass(t, 10*time.Second)
		if n := len(a.Take()); n < 50 || n > 150 {
			t.Errorf("%d in ten seconds", n)
		}
		_ = r.conn.Close()
	})
}

// Somebody who makes connection after connection takes neither the place nor the time of those who have
// proven who they are.
func TestFloodOfConnections(t *testing.T) {
	play(t, func(t *testing.T, in *internet) {
		a := in.server("a.example", func(n *node) { n.cfg.Handshakes = 8 })
		b := in.server("b.example")
		b.message("a.example", "before")
		pass(t, time.Second)
		for range 500 {
			c, err := in.dial(t.Context(), "tcp", a.address)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = c.Close() })
		}
		b.message("a.example", "during")
		a.message("b.example", "outwards")
		settle()
		if got := a.bodies(); got != "before during" {
			t.Errorf("a received %q", got)
		}
		if got := b.bodies(); got != "outwards" {
			t.Errorf("b received %q", got)
		}
		if n := a.Counters().TooMany.Load(); n != 492 {
			t.Errorf("%d were too many", n)
		}
		pass(t, time.Minute)
		c := in.server("c.example")
		c.message("a.example", "after")
		pass(t, time.Second)
		if got := a.bodies(); got != "after" {
			t.Errorf("a received %q", got)
		}
	})
}

// What the operator has decided about domains, and who was met, is not forgotten for a flood of names.
func TestFloodOfDomains(t *testing.T) {
	play(t, func(t *testing.T, in *internet) {
		a, b := in.server("a.example"), in.server("b.example")
		if err := a.SetRule("bad.example", "block"); err != nil {
			t.Fatal(err)
		}
		a.message("b.example", "hello")
		pass(t, time.Second)
		for i := range 10_500 {
			a.message(fmt.Sprintf("d%d.invalid", i), "x")
			if i%500 == 0 {
				settle()
			}
		}
		pass(t, 10*time.Minute)
		for _, st := range a.Take() {
			if st.Type != stanza.Error {
				t.Fatalf("routed %s", st)
			}
		}
		st, err := a.Status(t.Context(), "")
		if err != nil || len(st.Domains) > 10_001 {
			t.Errorf("%d domains are kept: %v", len(st.Domains), err)
		}
		if st := a.status("bad.example"); st.Rule != "block" || st.Permitted {
			t.Errorf("%+v", st)
		}
		if st := a.status("b.example"); st.First.IsZero() {
			t.Errorf("%+v", st)
		}
		if n := a.waiting(); n != 0 {
			t.Errorf("%d wait", n)
		}
		b.Take()
	})
}
