package c2s

import (
	"net/netip"
	"strconv"
	"testing"

	"kith/internal/ns"
	"kith/internal/sasl"
	"kith/internal/stream"
	"kith/internal/xmltree"
	"kith/server/module"
)

// strangers counts what each client asked before it signed in, and says so.
type strangers struct{ asked *module.Slot[int] }

func (s strangers) Register(r *module.Registry) {
	r.Offer(module.Feature{Early: func(w *xmltree.Writer) { w.Empty("urn:test", "ask") }})
	r.HandleIQ(module.OnStranger, "get", "urn:test", "ask", func(q *module.IQ) error {
		n := s.asked.Of(q.Stranger.Slots())
		*n++
		q.Result(func(w *xmltree.Writer) {
			w.Empty("urn:test", "answer", "n", strconv.Itoa(*n), "from", q.From().String(), "remote", q.Stranger.Remote.String())
		})
		return nil
	})
}

func withStrangers(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	strangers{module.NewSlot(func() *int { return new(int) })}.Register(w.registry)
	w.auth.add(t, sasl.Hashes(), "alice")
	return w
}

const ask = "<iq type='get' id='1' from='alice@" + domain + "'><ask xmlns='urn:test'/></iq>"

// A client that has not signed in is answered over TLS, and is nobody whatever it says.
func TestStranger(t *testing.T) {
	w := withStrangers(t)
	c := w.secure()
	if f := c.open(""); f.Child("urn:test", "ask").IsZero() {
		t.Fatalf("not offered: %s", f.Source())
	}
	for n := range 2 {
		c.send(ask)
		e := c.expect(ns.Client, "iq")
		a := e.Child("urn:test", "answer")
		if e.Attr("from") != domain || e.Attr("to") != "" || e.Attr("type") != "result" || e.Attr("id") != "1" {
			t.Errorf("answer %s", e.Source())
		}
		if a.Attr("n") != strconv.Itoa(n+1) || a.Attr("from") != "" || !netip.MustParseAddr(a.Attr("remote")).IsLoopback() {
			t.Errorf("answer %s", e.Source())
		}
	}
	c.send("<iq type='get' id='2' to='" + domain + "'/>")
	if e := c.expect(ns.Client, "iq"); e.Attr("type") != "error" || e.Child(ns.Client, "error").Child(ns.Stanzas, "bad-request").IsZero() {
		t.Errorf("without a payload: %s", e.Source())
	}
	// It signs in on the same stream.
	c.login2("alice", "<bind xmlns='"+ns.Bind2+"'/>")
	c.send("<iq type='get' id='3' to='" + domain + "'><ask xmlns='urn:test'/></iq>")
	if e := c.expect(ns.Client, "iq"); e.Attr("type") != "error" {
		t.Errorf("a client that has signed in is no stranger: %s", e.Source())
	}
}

func TestStrangerIsRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		dial func(*world) *wire
		send string
		want stream.Condition
	}{
		"without TLS":           {(*world).plain, ask, stream.NotAuthorized},
		"WebSocket without TLS": {(*world).webSocket, "<iq xmlns='jabber:client' type='get' id='1'><ask xmlns='urn:test'/></iq>", stream.NotAuthorized},
		"unknown":               {(*world).secure, "<iq type='get' id='1'><what xmlns='urn:test'/></iq>", stream.NotAuthorized},
		"for somebody":          {(*world).secure, "<iq type='get' id='1' to='alice@" + domain + "'><ask xmlns='urn:test'/></iq>", stream.NotAuthorized},
		"for another server":    {(*world).secure, "<iq type='get' id='1' to='else.example'><ask xmlns='urn:test'/></iq>", stream.NotAuthorized},
		"an answer":             {(*world).secure, "<iq type='result' id='1'/>", stream.NotAuthorized},
		"a message":             {(*world).secure, "<message to='alice@" + domain + "'><body>hi</body></message>", stream.NotAuthorized},
	} {
		t.Run(name, func(t *testing.T) {
			w := withStrangers(t)
			c := tt.dial(w)
			f := c.open("")
			if offered := !f.Child("urn:test", "ask").IsZero(); offered != (c.tls != nil) {
				t.Errorf("offered: %t", offered)
			}
			c.send(tt.send)
			c.expectError(tt.want)
		})
	}
	t.Run("too often", func(t *testing.T) {
		c := withStrangers(t).secure()
		c.open("")
		for range maxAsked {
			c.send(ask)
			c.expect(ns.Client, "iq")
		}
		c.send(ask)
		c.expectError(stream.PolicyViolation)
	})
	t.Run("in the middle of signing in", func(t *testing.T) {
		c := withStrangers(t).secure()
		c.open("")
		c.send("<auth xmlns='" + ns.SASL + "' mechanism='SCRAM-SHA-256'>" + b64(scram("alice").First()) + "</auth>" + ask)
		c.expect(ns.SASL, "challenge")
		c.expectError(stream.NotAuthorized)
	})
}
