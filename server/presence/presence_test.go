package presence_test

import (
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"kith/internal/jid"
	"kith/internal/stanza"
	"kith/server/module"
	"kith/server/presence"
	"kith/server/router/routertest"
)

// RFC 6121 sections 4.2 to 4.5, the whole life of two sessions.
func TestBroadcast(t *testing.T) {
	in(t, func(t *testing.T, h *house) {
		h.befriend(t, "alice", "bob")
		b := h.login("bob/phone")
		a := h.Bind("alice/tab")
		a.Send(`<presence id='p1'><show>chat</show><priority>5</priority></presence>`)
		h.Settle()
		// Its own comes back, and the presence of contacts, with the time when it came.
		want(t, "alice", a.Take(),
			`<presence to='alice@kith.example' from='alice@kith.example/tab' id='p1'><show>chat</show><priority>5</priority></presence>`,
			`<presence to='alice@kith.example/tab' from='bob@kith.example/phone'><delay xmlns='urn:xmpp:delay' from='bob@kith.example/phone' stamp='2026-01-02T03:04:05Z'/></presence>`)
		want(t, "bob", b.Take(), `<presence to='bob@kith.example' from='alice@kith.example/tab' id='p1'><show>chat</show><priority>5</priority></presence>`)

		// A second session: it learns of the first, the first of it; the contact's presence comes to
		// the new one only.
		a2 := h.Bind("alice/phone")
		a2.Send(`<presence><priority>-1</priority></presence>`)
		h.Settle()
		want(t, "alice/phone", a2.Take(),
			`to='alice@kith.example/phone' from='alice@kith.example/tab' … <delay`,
			`to='alice@kith.example' from='alice@kith.example/phone'`,
			`from='bob@kith.example/phone' … <delay`)
		want(t, "alice/tab", a.Take(), `from='alice@kith.example/phone'`)
		want(t, "bob", b.Take(), `from='alice@kith.example/phone'`)

		// Later presence asks nobody.
		a.Send(`<presence><show>away</show></presence>`)
		h.Settle()
		for name, c := range map[string]*routertest.Client{"alice/tab": a, "alice/phone": a2, "bob": b} {
			want(t, name, c.Take(), `from='alice@kith.example/tab'><show>away</show></presence>`)
		}

		a.Send(`<presence type='unavailable'><status>bye</status></presence>`)
		h.Settle()
		for name, c := range map[string]*routertest.Client{"alice/tab": a, "alice/phone": a2, "bob": b} {
			want(t, name, c.Take(), `from='alice@kith.example/tab' type='unavailable'><status>bye</status></presence>`)
		}
		// What is unavailable hears nothing, and leaves without a word.
		b.Send(`<presence><show>dnd</show></presence>`)
		h.Settle()
		want(t, "alice/tab", a.Take())
		want(t, "alice/phone", a2.Take(), `<show>dnd</show>`)
		b.Take()
		a.Close()
		h.Settle()
		want(t, "alice/phone", a2.Take())

		// A session that is lost ends like one that says so.
		a2.Close()
		h.Settle()
		want(t, "bob", b.Take(), `<presence to='bob@kith.example' from='alice@kith.example/phone' type='unavailable'/>`)

		// In the order of one actor; what other actors do lies in between.
		own := slices.DeleteFunc(slices.Clone(h.events.log), func(l string) bool { return !strings.HasPrefix(l, "alice ") })
		wantLog := []string{
			"alice sees bob@kith.example/phone ", // before she was there
			"alice available", "alice presented", "alice sees bob@kith.example/phone ",
		}
		if !slices.Equal(own[:4], wantLog) {
			t.Errorf("events %q", own)
		}
		for event, n := range map[string]int{"alice available": 2, "alice presented": 3, "alice unavailable": 2, "alice unbound": 2} {
			if got := count(h.events.log, event); got != n {
				t.Errorf("%s: %d times, want %d", event, got, n)
			}
		}
	})
}

func count(log []string, what string) (n int) {
	for _, l := range log {
		if l == what {
			n++
		}
	}
	return n
}

// An available session that becomes available again after a pause must not show contacts as they
// were before it: everyone answers.
func TestComingBack(t *testing.T) {
	in(t, func(t *testing.T, h *house) {
		h.befriend(t, "alice", "bob")
		b := h.login("bob/phone")
		a := h.Bind("alice/tab")
		a.Send(`<presence/>`)
		a.Send(`<presence type='unavailable'/>`)
		h.Settle()
		a.Take()
		b.Close()
		h.Settle()
		want(t, "alice, while away", a.Take())
		a.Send(`<presence/>`)
		h.Settle()
		want(t, "alice", a.Take(), `from='alice@kith.example/tab'`, `<presence to='alice@kith.example' from='bob@kith.example' type='unavailable'/>`)
	})
}

// Who sees what (section 4.3.2): every state of a subscription, asked by a probe.
func TestProbes(t *testing.T) {
	for _, c := range []struct{ state, answer string }{
		{"stranger", "type='unsubscribed'"},
		{"to", "type='unsubscribed'"},
		{"requested", ""}, // must not look like a refusal
		{"from", "<delay"},
		{"both", "<delay"},
		{"from, offline", "from='alice@kith.example' type='unavailable'"},
		{"from, away", "from='alice@kith.example' type='unavailable'"},
	} {
		t.Run(c.state, func(t *testing.T) {
			in(t, func(t *testing.T, h *house) {
				a := h.login("alice/tab")
				switch c.state {
				case "to", "both":
					a.Send(`<presence type='subscribe' to='carol@else.example'/>`)
					h.Settle()
					h.Receive(`<presence type='subscribed' from='carol@else.example' to='alice@kith.example'/>`)
				}
				switch c.state {
				case "requested":
					h.Receive(`<presence type='subscribe' from='carol@else.example' to='alice@kith.example'/>`)
				case "from", "both", "from, offline", "from, away":
					h.Receive(`<presence type='subscribe' from='carol@else.example' to='alice@kith.example'/>`)
					h.Settle()
					a.Send(`<presence type='subscribed' to='carol@else.example'/>`)
				}
				h.Settle()
				switch c.state {
				case "from, offline":
					a.Close()
				case "from, away":
					a.Send(`<presence type='unavailable'/>`)
				}
				h.Settle()
				h.Away.Take()
				for _, from := range []string{"carol@else.example", "carol@else.example/x"} {
					h.Receive(`<presence type='probe' from='` + from + `' to='alice@kith.example'/>`)
					h.Settle()
					got := h.Away.Take()
					if c.answer == "" {
						want(t, from, got)
					} else {
						want(t, from, got, c.answer)
					}
				}
				// One resource (section 4.3.2): it, or that it is not there; nothing for others.
				h.Receive(`<presence type='probe' from='carol@else.example' to='alice@kith.example/other'/>`)
				h.Settle()
				for _, st := range h.Away.Take() {
					if st.Type == stanza.Available {
						t.Errorf("another resource answered: %s", st)
					}
				}
			})
		})
	}
}

func TestRemoteContacts(t *testing.T) {
	in(t, func(t *testing.T, h *house) {
		a := h.login("alice/tab")
		a.Send(`<presence type='subscribe' to='carol@else.example'/>`)
		h.Settle()
		h.Receive(`<presence type='subscribed' from='carol@else.example' to='alice@kith.example'/>`)
		h.Receive(`<presence from='carol@else.example/x' to='alice@kith.example'/>`)
		h.Settle()
		a.Take()
		h.Away.Take()
		a2 := h.Bind("alice/two")
		a2.Send(`<presence/>`)
		h.Settle()
		// Asked from the bare address (section 4.3.1); alice does not show herself.
		want(t, "else.example", h.Away.Take(), `<presence to='carol@else.example' from='alice@kith.example' type='probe'/>`)
		h.Receive(`<presence from='carol@else.example/x' to='alice@kith.example'><show>xa</show></presence>`)
		h.Settle()
		for name, c := range map[string]*routertest.Client{"tab": a, "two": a2} {
			got := c.Take()
			want(t, name, got[len(got)-1:], `<presence to='alice@kith.example' from='carol@else.example/x'><show>xa</show></presence>`)
		}
	})
}

// Section 4.6: rooms and strangers.
func TestDirectedPresence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := presence.DefaultConfig()
		config.MaxDirected = 3
		h := newHouse(t, config)
		h.befriend(t, "alice", "bob")
		b := h.login("bob/phone")
		a := h.Bind("alice/tab")
		// Without initial presence, as some clients enter rooms.
		a.Send(`<presence to='room@rooms.example/al'><x xmlns='http://jabber.org/protocol/muc'/></presence>`)
		h.Settle()
		want(t, "rooms", h.Away.Take(), `<presence to='room@rooms.example/al' from='alice@kith.example/tab'><x xmlns=`)
		h.Receive(`<presence from='room@rooms.example/bo' to='alice@kith.example/tab'/>`)
		h.Settle()
		want(t, "alice", a.Take(), `from='room@rooms.example/bo'`)
		a.Send(`<presence/>`)
		a.Send(`<presence to='bob@kith.example'><status>only you</status></presence>`)
		a.Send(`<presence to='left@rooms.example/al'/>`)
		a.Send(`<presence to='left@rooms.example/al' type='unavailable'/>`)
		a.Send(`<presence to='stranger@else.example'/>`)
		h.Settle()
		a.Take()
		h.Away.Take()
		want(t, "bob", b.Take(), `from='alice@kith.example/tab'/>`, `<status>only you</status>`)

		// Broadcasts do not go to those.
		a.Send(`<presence><show>away</show></presence>`)
		h.Settle()
		want(t, "away", h.Away.Take())
		b.Take()
		a.Take()

		// One too many.
		a.Send(`<presence to='four@rooms.example/al' id='four'/>`)
		h.Settle()
		want(t, "alice", a.Take(), `id='four' type='error' … <policy-violation`)
		want(t, "away", h.Away.Take())
		// A room that answers with an error is not left later.
		h.Receive(`<presence from='room@rooms.example/al' to='alice@kith.example/tab' type='error'><error type='auth'><forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></presence>`)
		h.Settle()
		want(t, "alice", a.Take(), `type='error'`)
		a.Send(`<presence to='four@rooms.example/al'/>`)
		h.Settle()
		h.Away.Take()

		a.Close()
		h.Settle()
		wantSet(t, "away", h.Away.Take(),
			`<presence to='four@rooms.example/al' from='alice@kith.example/tab' type='unavailable'/>`,
			`<presence to='stranger@else.example' from='alice@kith.example/tab' type='unavailable'/>`)
		want(t, "bob, by broadcast", b.Take(), `<presence to='bob@kith.example' from='alice@kith.example/tab' type='unavailable'/>`)
	})
}

// A session that never broadcast anything leaves its rooms too.
func TestDirectedOnly(t *testing.T) {
	in(t, func(t *testing.T, h *house) {
		h.befriend(t, "alice", "bob")
		b := h.login("bob/phone")
		a := h.Bind("alice/tab")
		a.Send(`<presence to='room@rooms.example/al'/>`)
		a.Send(`<presence to='bob@kith.example/phone'/>`)
		h.Settle()
		want(t, "bob", b.Take(), `to='bob@kith.example/phone' from='alice@kith.example/tab'/>`)
		h.Away.Take()
		a.Send(`<presence type='unavailable'/>`)
		h.Settle()
		want(t, "rooms", h.Away.Take(), `to='room@rooms.example/al' … type='unavailable'`)
		want(t, "bob", b.Take(), `to='bob@kith.example/phone' … type='unavailable'`)
		a.Send(`<presence to='room@rooms.example/al'/>`)
		a.Close()
		h.Settle()
		want(t, "rooms", h.Away.Take(), `from='alice@kith.example/tab'/>`, `type='unavailable'`)
		if slices.Contains(h.events.log, "alice unavailable") {
			t.Error("it never was available")
		}
	})
}

// Sections 8.5.2 and 8.5.3 for presence.
func TestDelivery(t *testing.T) {
	in(t, func(t *testing.T, h *house) {
		a1, a2, hidden := h.login("alice/one"), h.login("alice/two"), h.Bind("alice/hidden")
		a1.Take()
		for _, c := range []struct {
			to, typ          string
			one, two, unseen int
		}{
			{"alice@kith.example", "", 1, 1, 0},
			{"alice@kith.example", "unavailable", 1, 1, 0},
			{"alice@kith.example", "error", 1, 1, 0},
			{"alice@kith.example/one", "", 1, 0, 0},
			{"alice@kith.example/hidden", "", 0, 0, 1},
			{"alice@kith.example/hidden", "error", 0, 0, 1},
			{"alice@kith.example/nobody", "", 0, 0, 0},
			{"alice@kith.example/nobody", "unavailable", 0, 0, 0},
			{"alice@kith.example/one", "subscribe", 1, 1, 0}, // as if to the bare address
		} {
			h.Receive(fmt.Sprintf(`<presence from='x@else.example/y' to='%s' type='%s'/>`, c.to, c.typ))
			h.Settle()
			if one, two, unseen := len(a1.Take()), len(a2.Take()), len(hidden.Take()); one != c.one || two != c.two || unseen != c.unseen {
				t.Errorf("%+v: %d %d %d", c, one, two, unseen)
			}
		}
		want(t, "no answers", h.Away.Take())
	})
}

// Which clients of contacts are there, and with what capabilities (for XEP-0163 section 4).
func TestSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := presence.DefaultConfig()
		config.MaxSeen = 3
		h := newHouse(t, config)
		h.befriend(t, "alice", "bob")
		const caps = `<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='https://client.example' ver='%s'/>`
		seen := func() string {
			var all []string
			h.Do("alice", func(a module.Account) {
				n := 0
				for j, c := range h.presence.Seen(a) {
					all = append(all, j.String()+" "+c.Ver)
					n++
				}
				h.presence.Available(a, func(st *stanza.Stanza) {
					n--
					if c := st.Child("http://jabber.org/protocol/caps", "c"); !slices.Contains(all, st.From.String()+" "+c.Attr("ver")) || c.Attr("ver") != "" && c.Attr("hash") != "sha-1" {
						t.Errorf("available: %s", st)
					}
				})
				if n != 0 {
					t.Error("Available and Seen differ")
				}
			})
			slices.Sort(all)
			return strings.Join(all, ", ")
		}
		check := func(wanted string) {
			t.Helper()
			h.Settle()
			if got := seen(); got != wanted {
				t.Errorf("seen: %s; want %s", got, wanted)
			}
		}
		check("")
		// Alice has no session at all: her published items are still for those who come.
		b := h.Bind("bob/phone")
		b.Send(`<presence>` + fmt.Sprintf(caps, "v1") + `</presence>`)
		check("bob@kith.example/phone v1")
		if !slices.Contains(h.events.log, "alice sees bob@kith.example/phone ") {
			t.Errorf("%q", h.events.log)
		}
		// The hook still finds what was known before.
		before := "?"
		h.events.during = func(a module.Account, _ *stanza.Stanza) {
			for _, c := range h.presence.Seen(a) {
				before = c.Ver
			}
		}
		b.Send(`<presence>` + fmt.Sprintf(caps, "v2") + `</presence>`)
		check("bob@kith.example/phone v2")
		if before != "v1" {
			t.Errorf("before: %s", before)
		}
		h.events.during = nil
		h.Bind("bob/tv").Send(`<presence/>`)
		check("bob@kith.example/phone v2, bob@kith.example/tv ")
		// Strangers and rooms are not contacts.
		log := len(h.events.log)
		h.Receive(`<presence from='room@rooms.example/x' to='alice@kith.example/tab'/>`)
		h.Receive(`<presence from='stranger@else.example/x' to='alice@kith.example'/>`)
		check("bob@kith.example/phone v2, bob@kith.example/tv ")
		if len(h.events.log) != log {
			t.Errorf("told of strangers: %q", h.events.log[log:])
		}
		// Bounded: the one last heard of longest ago goes.
		h.Bind("bob/car").Send(`<presence/>`)
		h.Settle()
		b.Send(`<presence>` + fmt.Sprintf(caps, strings.Repeat("x", 5000)) + `</presence>`)
		h.Settle()
		h.Bind("bob/watch").Send(`<presence/>`)
		check("bob@kith.example/car , bob@kith.example/phone , bob@kith.example/watch ")
		b.Close()
		check("bob@kith.example/car , bob@kith.example/watch ")
		// A server that speaks for all of its clients at once.
		h.Receive(`<presence from='bob@kith.example' to='alice@kith.example' type='unavailable'/>`)
		check("")
	})
}

// What the server sends for an account obeys the account's Filter phase.
func TestFilters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wall := &wall{}
		h := newHouse(t, presence.DefaultConfig(), wall)
		h.befriend(t, "alice", "bob")
		wall.peer = jid.Must("bob@kith.example")
		b := h.login("bob/phone")
		a := h.Bind("alice/tab")
		a.Send(`<presence/>`)
		h.Settle()
		want(t, "alice", a.Take(), `from='alice@kith.example/tab'`)
		want(t, "bob", b.Take())
		a.Close()
		h.Settle()
		want(t, "bob", b.Take())
	})
}

// wall separates alice and a peer.
type wall struct{ peer jid.JID }

func (w *wall) Register(r *module.Registry) {
	r.OnFilter(func(p *module.Passage) error {
		if p.Account.JID().Local() == "alice" && p.Peer().Bare() == w.peer && !w.peer.IsZero() {
			return module.ErrDrop
		}
		return nil
	})
}

// cpu is what the process has used: it says more than the clock on a machine that others use too.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// Login and logout of somebody with 200 contacts: roster, presence to and from everyone.
func BenchmarkLogin(b *testing.B) {
	for _, online := range []int{0, 20, 200} {
		b.Run(fmt.Sprintf("200 contacts, %d online", online), func(b *testing.B) {
			h := newHouse(b, presence.DefaultConfig())
			h.events.log = nil
			var others []*routertest.Client
			for i := range 200 {
				name := fmt.Sprintf("contact%d", i)
				h.befriend(b, "alice", name)
				if i < online {
					c := h.Bind(name + "/x")
					<-c.Send(`<presence><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='https://client.example' ver='abcdefghijklmnop'/></presence>`)
					others = append(others, c)
				}
			}
			b.ReportAllocs()
			busy := cpu()
			for b.Loop() {
				c := h.Bind("alice/tab")
				c.Ask(`<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>`)
				c.Send(`<presence><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='https://client.example' ver='abcdefghijklmnop'/></presence>`)
				for range online {
					c.Wait(b, "a contact", func(st *stanza.Stanza) bool { return st.From.Local() != "alice" })
				}
				c.Close()
				for _, o := range others {
					o.Wait(b, "the end", func(st *stanza.Stanza) bool { return st.Type == stanza.Unavailable })
					o.Take()
				}
				h.Do("alice", func(module.Account) {})
			}
			b.ReportMetric(float64((cpu()-busy).Microseconds())/float64(b.N)/200, "cpu-µs/contact")
		})
	}
}
