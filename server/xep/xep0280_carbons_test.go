package xep_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/internal/xmltree"
	"kith/server/mam/archivetest"
	"kith/server/module"
	"kith/server/router/routertest"
)

const (
	enableCarbons  = "<iq type='set' id='c'><enable xmlns='urn:xmpp:carbons:2'/></iq>"
	disableCarbons = "<iq type='set' id='c'><disable xmlns='urn:xmpp:carbons:2'/></iq>"
)

// copied is a copy as its session got it.
type copied struct {
	side  string
	inner xmltree.Element
	outer *stanza.Stanza
}

func copies(all []*stanza.Stanza) (out []copied) {
	for _, st := range all {
		for c := range st.Root().Children() {
			if c.Space() == ns.Carbons && (c.Local() == "sent" || c.Local() == "received") {
				out = append(out, copied{c.Local(), c.Child(ns.Forward, "forwarded").Child(ns.Client, "message"), st})
			}
		}
	}
	return out
}

// withCarbons runs a test with alice, who has one device, and bob, who has two with carbons and one
// without.
func withCarbons(t *testing.T, f func(t *testing.T, h *archivetest.House, alice, phone, tablet, old *archivetest.Client)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		h := archivetest.New(t, archivetest.Options{})
		alice := h.Connect("alice", "desk", false)
		phone, tablet, old := h.Connect("bob", "phone", false), h.Connect("bob", "tablet", false), h.Connect("bob", "old", false)
		for _, c := range []*archivetest.Client{alice, phone, tablet, old} {
			c.Send(t, "<presence/>")
		}
		for _, c := range []*archivetest.Client{phone, tablet} {
			c.Send(t, enableCarbons)
			h.Settle()
			if got := c.Take(); len(got) != 1 || got[0].Type != stanza.Result {
				t.Fatalf("enable: %s", routertest.Text(got))
			}
		}
		f(t, h, alice, phone, tablet, old)
	})
}

func TestCarbonsReceived(t *testing.T) {
	withCarbons(t, func(t *testing.T, h *archivetest.House, alice, phone, tablet, old *archivetest.Client) {
		alice.Send(t, "<message type='chat' id='1' to='bob@kith.example/phone'><body>hi</body></message>")
		h.Settle()
		direct := phone.Take()
		if len(direct) != 1 || direct[0].Body() != "hi" {
			t.Fatalf("phone got %s", routertest.Text(direct))
		}
		got := copies(tablet.Take())
		if len(got) != 1 || got[0].side != "received" {
			t.Fatalf("tablet got %v", got)
		}
		c := got[0]
		if c.outer.From.String() != "bob@kith.example" || c.outer.To != tablet.JID || c.outer.Type != stanza.Chat {
			t.Errorf("wrapped in %s", c.outer)
		}
		if c.inner.Attr("from") != alice.JID.String() || c.inner.Attr("to") != phone.JID.String() || c.inner.Attr("id") != "1" || c.inner.ChildText(ns.Client, "body") != "hi" {
			t.Errorf("forwarded %s", c.inner.Source())
		}
		if id := h.Owner("bob").Find(c.inner); id == "" || id != h.ID("bob", direct[0]) {
			t.Errorf("id %q in the copy, %q in the message", id, h.ID("bob", direct[0]))
		}
		if got := old.Take(); len(got) != 0 {
			t.Errorf("a session without carbons got %s", routertest.Text(got))
		}
		// To the bare address: all get the message itself, and no copy.
		alice.Send(t, "<message type='chat' to='bob@kith.example'><body>all</body></message>")
		h.Settle()
		for _, c := range []*archivetest.Client{phone, tablet, old} {
			if got := c.Take(); len(got) != 1 || got[0].Body() != "all" {
				t.Errorf("%s got %s", c.JID, routertest.Text(got))
			}
		}
		// A session that is not available, or has a negative priority, gets copies.
		tablet.Send(t, "<presence type='unavailable'/>")
		phone.Send(t, "<presence><priority>-1</priority></presence>")
		alice.Send(t, "<message type='chat' to='bob@kith.example'><body>old</body></message>")
		h.Settle()
		for _, c := range []*archivetest.Client{phone, tablet} {
			if got := copies(c.Take()); len(got) != 1 || got[0].inner.ChildText(ns.Client, "body") != "old" {
				t.Errorf("%s got %v", c.JID, got)
			}
		}
	})
}

func TestCarbonsSent(t *testing.T) {
	withCarbons(t, func(t *testing.T, h *archivetest.House, alice, phone, tablet, old *archivetest.Client) {
		for _, from := range []*archivetest.Client{phone, old} {
			from.Send(t, "<message type='chat' id='s' to='alice@kith.example'><body>hello</body></message>")
			h.Settle()
			for _, c := range []*archivetest.Client{phone, tablet, old} {
				got := c.Take()
				sent := copies(got)
				if c == from || c == old {
					if len(got) != 0 {
						t.Errorf("%s got %s", c.JID, routertest.Text(got))
					}
					continue
				}
				if len(sent) != 1 || sent[0].side != "sent" || sent[0].inner.Attr("from") != from.JID.String() || sent[0].inner.Attr("to") != "alice@kith.example" {
					t.Fatalf("%s got %s", c.JID, routertest.Text(got))
				}
				if h.Owner("bob").Find(sent[0].inner) == "" {
					t.Error("no id in the copy of what was sent")
				}
			}
			got := alice.Take()
			if len(got) != 1 || strings.Contains(got[0].String(), "by='bob@kith.example'") {
				t.Errorf("alice got %s", routertest.Text(got))
			}
		}
	})
}

func TestCarbonsToOneself(t *testing.T) {
	withCarbons(t, func(t *testing.T, h *archivetest.House, _, phone, tablet, old *archivetest.Client) {
		tablet.Send(t, "<presence type='unavailable'/>")
		for to, want := range map[string]map[*archivetest.Client]string{
			"bob@kith.example":     {phone: "direct", old: "direct", tablet: "sent"},
			"bob@kith.example/old": {phone: "", old: "direct", tablet: "sent"},
		} {
			phone.Send(t, "<message type='chat' to='"+to+"'><body>note</body></message>")
			h.Settle()
			for c, want := range want {
				got := c.Take()
				kind := ""
				switch {
				case len(got) > 1:
					t.Errorf("to %s: %s got %s", to, c.JID, routertest.Text(got))
				case len(copies(got)) == 1:
					kind = copies(got)[0].side
				case len(got) == 1:
					kind = "direct"
				}
				if kind != want {
					t.Errorf("to %s: %s got %q, want %q", to, c.JID, kind, want)
				}
			}
		}
	})
}

func TestCarbonsRules(t *testing.T) {
	const (
		receipt = "<received xmlns='urn:xmpp:receipts' id='1'/>"
		invite  = "<x xmlns='http://jabber.org/protocol/muc#user'><invite from='a@b'/></x>"
		mark    = "<x xmlns='http://jabber.org/protocol/muc#user'/>"
		body    = "<body>x</body>"
	)
	withCarbons(t, func(t *testing.T, h *archivetest.House, alice, phone, tablet, _ *archivetest.Client) {
		for n, c := range []struct {
			typ, content   string
			sent, received bool
		}{
			{"chat", body, true, true},
			{"chat", "", true, true},
			{"normal", body, true, true},
			{"normal", "<thing xmlns='urn:example:thing'/>", false, false},
			{"normal", receipt, true, true},
			{"normal", "<composing xmlns='http://jabber.org/protocol/chatstates'/>", true, true},
			{"normal", "<displayed xmlns='urn:xmpp:chat-markers:0' id='1'/>", true, true},
			{"normal", invite, true, true},
			{"normal", "<x xmlns='jabber:x:conference' jid='a@b'/>", true, true},
			{"chat", body + mark, true, false},
			{"groupchat", body, false, false},
			{"headline", body, false, false},
			{"chat", body + "<private xmlns='urn:xmpp:carbons:2'/>", false, false},
			{"chat", body + "<no-copy xmlns='urn:xmpp:hints'/>", false, false},
			{"chat", body + "<no-store xmlns='urn:xmpp:hints'/>", true, true},
			{"error", body + "<error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>", false, false},
		} {
			id := fmt.Sprint("rule", n)
			tablet.Take()
			phone.Send(t, fmt.Sprintf("<message type='%s' id='%s' to='alice@kith.example/desk'>%s</message>", c.typ, id, c.content))
			h.Settle()
			if got := copies(tablet.Take()); (len(got) == 1) != c.sent {
				t.Errorf("sent %s %s: copied %t", c.typ, c.content, !c.sent)
			}
			alice.Send(t, fmt.Sprintf("<message type='%s' id='back%s' to='bob@kith.example/phone'>%s</message>", c.typ, id, c.content))
			h.Settle()
			if got := copies(tablet.Take()); (len(got) == 1) != c.received {
				t.Errorf("received %s %s: copied %t", c.typ, c.content, !c.received)
			}
			// The error in reply is copied exactly if what it answers was.
			alice.Send(t, "<message type='error' id='"+id+"' to='bob@kith.example/phone'><error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>")
			h.Settle()
			if got := copies(tablet.Take()); (len(got) == 1) != c.sent || len(got) == 1 && got[0].outer.Type != stanza.Error {
				t.Errorf("error for %s %s: copied %t", c.typ, c.content, !c.sent)
			}
		}
		// An error from somebody else with such an id answers nothing.
		h.Receive("<message type='error' id='rule0' from='eve@else.example/x' to='bob@kith.example/phone'><error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>")
		h.Settle()
		if got := copies(tablet.Take()); len(got) != 0 {
			t.Errorf("copied %s", got[0].outer)
		}
	})
}

func TestCarbonsSwitching(t *testing.T) {
	withCarbons(t, func(t *testing.T, h *archivetest.House, alice, phone, tablet, _ *archivetest.Client) {
		send := func() int {
			tablet.Take()
			alice.Send(t, "<message type='chat' to='bob@kith.example/phone'><body>hi</body></message>")
			h.Settle()
			return len(copies(tablet.Take()))
		}
		for _, s := range []struct {
			request string
			want    int
		}{{enableCarbons, 1}, {disableCarbons, 0}, {disableCarbons, 0}, {enableCarbons, 1}} {
			tablet.Take()
			tablet.Send(t, s.request)
			h.Settle()
			if got := tablet.Take(); len(got) != 1 || got[0].Type != stanza.Result {
				t.Errorf("%s: %s", s.request, routertest.Text(got))
			}
			if n := send(); n != s.want {
				t.Errorf("after %s: %d copies", s.request, n)
			}
		}
		alice.Take()
		alice.Send(t, strings.Replace(enableCarbons, "<iq", "<iq to='bob@kith.example'", 1))
		h.Settle()
		if got := alice.Take(); len(got) != 1 || got[0].ReadFault().Condition != stanza.ServiceUnavailable {
			t.Errorf("for somebody else: %s", routertest.Text(got))
		}
		// Inline with Bind 2.
		h.Connect("bob", "fresh", false)
		h.Do("bob", func(a module.Account) {
			request := routertest.Parse(t, enableCarbons).Payload()
			i := slices.IndexFunc(h.Registry.Features, func(f module.Feature) bool { return f.Bind2 == ns.Carbons })
			w := xmltree.NewWriter(0)
			h.Registry.Features[i].OnBind2(a, a.Session("fresh"), xmltree.Element{}, w)
			h.Registry.Features[i].OnBind2(a, a.Session("tablet"), request, w)
			if w.Len() != 0 {
				t.Errorf("answered %s", w)
			}
		})
		if n := send(); n != 1 {
			t.Errorf("%d copies", n)
		}
	})
}

// Whoever has the copy has the message: it does not wait any more.
func TestCarbonCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := archivetest.New(t, archivetest.Options{})
		alice := h.Connect("alice", "desk", false)
		phone, tablet := h.Connect("bob", "phone", true), h.Connect("bob", "tablet", false)
		tablet.Send(t, enableCarbons)
		h.Settle()
		alice.Send(t, "<message type='chat' to='bob@kith.example/phone'><body>hi</body></message>")
		h.Settle()
		phone.Leave()
		h.Settle()
		next := h.Connect("bob", "next", false)
		next.Send(t, "<presence/>")
		h.Settle()
		if got := archivetest.Bodies(next.Take()); len(got) != 0 {
			t.Errorf("it came again: %v", got)
		}
	})
}
