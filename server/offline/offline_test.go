package offline_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/internal/xmltree"
	"kith/server/mam"
	"kith/server/mam/archivetest"
	"kith/server/module"
	"kith/server/offline"
	"kith/server/router/routertest"
	"kith/server/store"
	"kith/server/store/storetest"
)

// in runs a test in a bubble, with somebody who writes to bob.
func in(t *testing.T, o archivetest.Options, f func(t *testing.T, h *archivetest.House, alice *archivetest.Client)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		h := archivetest.New(t, o)
		h.Add("bob")
		alice := h.Connect("alice", "desk", false)
		h.Settle()
		f(t, h, alice)
	})
}

func say(to, body string) string {
	return fmt.Sprintf("<message type='chat' id='%s' to='%s'><body>%s</body></message>", body, to, body)
}

func sayMany(t *testing.T, h *archivetest.House, c *archivetest.Client, to string, from, n int) []string {
	t.Helper()
	var bodies []string
	for i := range n {
		bodies = append(bodies, fmt.Sprint(from+i))
		c.Send(t, say(to, bodies[i]))
	}
	h.Settle()
	return bodies
}

// bodies are those of chat messages, in their order.
func bodies(c *archivetest.Client) []string { return archivetest.Bodies(c.Take()) }

func same(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func TestBacklog(t *testing.T) {
	in(t, archivetest.Options{}, func(t *testing.T, h *archivetest.House, alice *archivetest.Client) {
		sayMany(t, h, alice, "bob@kith.example", 0, 3)
		h.Clock.Advance(time.Hour)
		bob := h.Connect("bob", "phone", false)
		h.Settle()
		same(t, "before presence", bodies(bob))
		bob.Send(t, "<presence/>")
		h.Settle()
		got := bob.Take()
		same(t, "backlog", archivetest.Bodies(got), "0", "1", "2")
		for _, st := range got {
			d := st.Child(ns.Delay, "delay")
			if d.Attr("from") != "kith.example" || d.Attr("stamp") != "2026-01-02T03:04:05.000Z" || h.ID("bob", st) == "" {
				t.Errorf("not dated or without id: %s", st)
			}
			if st.From.String() != "alice@kith.example/desk" || st.Type != stanza.Chat || st.ID != st.Body() {
				t.Errorf("not as it was sent: %s", st)
			}
		}
		alice.Send(t, say("bob@kith.example", "3"))
		h.Settle()
		live := bob.Take()
		same(t, "live", archivetest.Bodies(live), "3")
		if !live[0].Child(ns.Delay, "delay").IsZero() {
			t.Errorf("a live message is dated: %s", live[0])
		}
		// Another device gets nothing: it was delivered. The archive has it.
		tablet := h.Connect("bob", "tablet", false)
		tablet.Send(t, "<presence/>")
		h.Settle()
		same(t, "second device", bodies(tablet))
	})
}

func TestUnacknowledgedComesAgain(t *testing.T) {
	in(t, archivetest.Options{}, func(t *testing.T, h *archivetest.House, alice *archivetest.Client) {
		bob := h.Connect("bob", "phone", true)
		bob.Send(t, "<presence/>")
		h.Settle()
		sayMany(t, h, alice, "bob@kith.example", 0, 5)
		first := bob.Take()
		same(t, "live", archivetest.Bodies(first), "0", "1", "2", "3", "4")
		bob.Ack(2)
		h.Settle()
		bob.Leave()
		h.Settle()
		bob = h.Connect("bob", "phone", true)
		bob.Send(t, "<presence/>")
		h.Settle()
		again := bob.Take()
		same(t, "again", archivetest.Bodies(again), "2", "3", "4")
		for i, st := range again {
			if h.ID("bob", st) != h.ID("bob", first[i+2]) {
				t.Errorf("%s came again with another id", st.Body())
			}
		}
		if got := alice.Take(); len(got) != 0 {
			t.Errorf("alice got %s", routertest.Text(got))
		}
	})
}

// A backlog is sent at the pace of the client, and newer messages wait behind it.
func TestPace(t *testing.T) {
	in(t, archivetest.Options{}, func(t *testing.T, h *archivetest.House, alice *archivetest.Client) {
		want := sayMany(t, h, alice, "bob@kith.example", 0, 500)
		bob := h.Connect("bob", "phone", true)
		bob.Send(t, "<presence/>")
		h.Settle()
		got := bodies(bob)
		if len(got) == 0 || len(got) > 200 {
			t.Fatalf("%d messages at once", len(got))
		}
		want = append(want, sayMany(t, h, alice, "bob@kith.example", 500, 20)...)
		for rounds := 0; bob.Ack(10) > 0; rounds++ {
			h.Settle()
			got = append(got, bodies(bob)...)
			if rounds == 25 {
				want = append(want, sayMany(t, h, alice, "bob@kith.example/phone", 520, 5)...)
			}
		}
		same(t, "all", got, want...)
		want = sayMany(t, h, alice, "bob@kith.example", 600, 3)
		same(t, "live", bodies(bob), want...)
		if n := h.Delivery.Counters().Sent.Load(); n != 525 {
			t.Errorf("%d were sent from the archive", n)
		}
	})
}

// Large messages are sent fewer at a time.
func TestPaceOfLargeMessages(t *testing.T) {
	in(t, archivetest.Options{}, func(t *testing.T, h *archivetest.House, alice *archivetest.Client) {
		large := strings.Repeat("x", 200_000)
		for n := range 40 {
			alice.Send(t, say("bob@kith.example", fmt.Sprint(n, " ", large)))
		}
		h.Settle()
		bob := h.Connect("bob", "phone", true)
		bob.Send(t, "<presence/>")
		h.Settle()
		var got []string
		for first := true; ; first = false {
			now := bodies(bob)
			if first && (len(now) < 2 || len(now) > 12) {
				t.Fatalf("%d messages at once", len(now))
			}
			for _, b := range now {
				got = append(got, strings.Fields(b)[0])
			}
			if bob.Ack(1) == 0 {
				break
			}
			h.Settle()
		}
		var want []string
		for n := range 40 {
			want = append(want, fmt.Sprint(n))
		}
		same(t, "all", got, want...)
	})
}

func TestConfig(t *testing.T) {
	if err := offline.DefaultConfig().Validate(); err != nil {
		t.Errorf("the default is refused: %v", err)
	}
	err := offline.Config{}.Validate()
	for _, name := range []string{"offline.max_messages", "offline.max_bytes", "offline.save_every"} {
		if err == nil || !strings.Contains(err.Error(), name+" is ") {
			t.Errorf("%s is not blamed: %v", name, err)
		}
	}
}

func query(t *testing.T, h *archivetest.House, c *archivetest.Client, content string) []string {
	t.Helper()
	c.Send(t, "<iq type='set' id='q'><query xmlns='urn:xmpp:mam:2'>"+content+"</query></iq>")
	h.Settle()
	var out []string
	for _, st := range c.Take() {
		if r := st.Child(ns.MAM, "result"); !r.IsZero() {
			out = append(out, r.Child(ns.Forward, "forwarded").Child(ns.Client, "message").ChildText(ns.Client, "body"))
		}
	}
	return out
}

const off = "<no-permanent-store xmlns='urn:xmpp:hints'/>"

func offTheRecord(to, body string) string {
	return strings.Replace(say(to, body), "</message>", off+"</message>", 1)
}

func TestClientThatReadsTheArchive(t *testing.T) {
	in(t, archivetest.Options{}, func(t *testing.T, h *archivetest.House, alice *archivetest.Client) {
		sayMany(t, h, alice, "bob@kith.example", 0, 3)
		alice.Send(t, offTheRecord("bob@kith.example", "off"))
		h.Settle()
		bob := h.Connect("bob", "phone", false)
		same(t, "archive", query(t, h, bob, ""), "0", "1", "2")
		sayMany(t, h, alice, "bob@kith.example", 3, 2)
		same(t, "not available yet", bodies(bob))
		bob.Send(t, "<presence/>")
		h.Settle()
		// It has the first three; what is not shown in the archive, and what came since, it has not.
		same(t, "rest", bodies(bob), "off", "3", "4")
		// It has all of it now.
		tablet := h.Connect("bob", "tablet", false)
		tablet.Send(t, "<presence/>")
		h.Settle()
		same(t, "second device", bodies(tablet))
	})
}

// A client that is in the midst of reading is not sent what it is about to read.
func TestClientThatIsReading(t *testing.T) {
	in(t, archivetest.Options{}, func(t *testing.T, h *archivetest.House, alice *archivetest.Client) {
		sayMany(t, h, alice, "bob@kith.example", 0, 6)
		bob := h.Connect("bob", "phone", false)
		page := "<set xmlns='http://jabber.org/protocol/rsm'><max>2</max></set>"
		same(t, "first page", query(t, h, bob, page), "0", "1")
		bob.Send(t, "<presence/>")
		h.Settle()
		same(t, "presence", bodies(bob))
		alice.Send(t, say("bob@kith.example", "6"))
		h.Settle()
		same(t, "live", bodies(bob), "6")
		bob.Leave()
		h.Settle()
		// What it did not fetch waits still.
		bob = h.Connect("bob", "old", false)
		bob.Send(t, "<presence/>")
		h.Settle()
		same(t, "unfetched", bodies(bob), "2", "3", "4", "5")
	})
}

func TestFilteredReading(t *testing.T) {
	in(t, archivetest.Options{}, func(t *testing.T, h *archivetest.House, alice *archivetest.Client) {
		carol := h.Connect("carol", "x", false)
		for n := range 4 {
			alice.Send(t, say("bob@kith.example", fmt.Sprintf("a%d", n)))
			h.Settle()
			carol.Send(t, say("bob@kith.example", fmt.Sprintf("c%d", n)))
			h.Settle()
		}
		with := func(who string) string {
			return "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>urn:xmpp:mam:2</value></field><field var='with'><value>" + who + "</value></field></x>"
		}
		bob := h.Connect("bob", "web", false)
		last := "<set xmlns='http://jabber.org/protocol/rsm'><max>2</max><before/></set>"
		same(t, "newest of a chat", query(t, h, bob, with("alice@kith.example")+last), "a2", "a3")
		bob.Leave()
		h.Settle()
		bob = h.Connect("bob", "old", false)
		bob.Send(t, "<presence/>")
		h.Settle()
		same(t, "what nobody looked at", bodies(bob), "c0", "c1", "c2", "c3")
	})
}

func TestBind2(t *testing.T) {
	in(t, archivetest.Options{}, func(t *testing.T, h *archivetest.House, alice *archivetest.Client) {
		sayMany(t, h, alice, "bob@kith.example", 0, 3)
		bob := h.Connect("bob", "phone", false)
		h.Do("bob", func(a module.Account) {
			for _, f := range h.Registry.Features {
				if f.OnBind2 != nil {
					f.OnBind2(a, a.Session("phone"), xmltree.Element{}, xmltree.NewWriter(0))
				}
			}
		})
		bob.Send(t, "<presence/>")
		h.Settle()
		same(t, "presence", bodies(bob))
		same(t, "archive", query(t, h, bob, ""), "0", "1", "2")
		tablet := h.Connect("bob", "tablet", false)
		tablet.Send(t, "<presence/>")
		h.Settle()
		same(t, "second device", bodies(tablet))
	})
}

func TestNegativePriority(t *testing.T) {
	in(t, archivetest.Options{}, func(t *testing.T, h *archivetest.House, alice *archivetest.Client) {
		bob := h.Connect("bob", "phone", false)
		bob.Send(t, "<presence><priority>-1</priority></presence>")
		h.Settle()
		sayMany(t, h, alice, "bob@kith.example", 0, 2)
		same(t, "negative", bodies(bob))
		alice.Send(t, say("bob@kith.example/phone", "direct"))
		h.Settle()
		same(t, "by its resource", bodies(bob), "direct")
		bob.Send(t, "<presence/>")
		h.Settle()
		same(t, "positive", bodies(bob), "0", "1")
		bob.Send(t, "<presence><priority>-1</priority></presence>")
		sayMany(t, h, alice, "bob@kith.example", 2, 2)
		same(t, "negative again", bodies(bob))
		bob.Send(t, "<presence type='unavailable'/>")
		bob.Send(t, "<presence/>")
		h.Settle()
		same(t, "back", bodies(bob), "2", "3")
	})
}

func TestOffTheRecord(t *testing.T) {
	in(t, archivetest.Options{}, func(t *testing.T, h *archivetest.House, alice *archivetest.Client) {
		alice.Send(t, offTheRecord("bob@kith.example", "one"))
		alice.Send(t, "<message to='bob@kith.example'><thing xmlns='urn:example:thing'/></message>")
		h.Settle()
		if n := count(t, h.DB, "archive_entries"); n != 2 {
			t.Fatalf("%d messages wait", n)
		}
		bob := h.Connect("bob", "phone", false)
		bob.Send(t, "<presence/>")
		h.Settle()
		got := bob.Take()
		if len(got) != 2 || got[0].Body() != "one" || h.ID("bob", got[0]) == "" {
			t.Errorf("bob got %s", routertest.Text(got))
		}
		if got := query(t, h, bob, ""); len(got) != 0 {
			t.Errorf("the archive shows %v", got)
		}
		alice.Send(t, offTheRecord("bob@kith.example", "live"))
		h.Settle()
		same(t, "live", bodies(bob), "live")
		h.Clock.Advance(time.Minute)
		h.Settle()
		for _, table := range []string{"archive_entries", "archive_stanzas", "archive_shared"} {
			if n := count(t, h.DB, table); n != 0 {
				t.Errorf("%d rows are left in %s", n, table)
			}
		}
		// It may go on from there nonetheless.
		alice.Send(t, say("bob@kith.example", "kept"))
		alice.Send(t, offTheRecord("bob@kith.example", "gone"))
		h.Settle()
		gone := bob.Take()[1]
		h.Clock.Advance(time.Minute)
		h.Settle()
		alice.Send(t, say("bob@kith.example", "next"))
		h.Settle()
		bob.Take()
		same(t, "after one that is not there", query(t, h, bob,
			"<set xmlns='http://jabber.org/protocol/rsm'><after>"+h.ID("bob", gone)+"</after></set>"), "next")
	})
}

func count(t *testing.T, db *store.DB, table string) (n int) {
	t.Helper()
	if err := db.Read(t.Context(), func(c *store.Conn) error {
		return c.QueryRow("SELECT COUNT(*) FROM " + table).Scan(&n)
	}); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestWhatIsSentBack(t *testing.T) {
	in(t, archivetest.Options{}, func(t *testing.T, h *archivetest.House, alice *archivetest.Client) {
		for _, c := range []struct {
			xml  string
			back bool
		}{
			{say("bob@kith.example", "kept"), false},
			{"<message type='chat' to='bob@kith.example'><body>x</body><no-store xmlns='urn:xmpp:hints'/></message>", true},
			{"<message type='chat' to='bob@kith.example'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>", false},
			{"<message type='chat' to='bob@kith.example'/>", false},
			{"<message type='headline' to='bob@kith.example'><body>news</body></message>", false},
			{"<message type='groupchat' to='bob@kith.example'><body>room</body></message>", true},
			{"<message type='chat' to='bob@kith.example/gone'><body>kept too</body></message>", false},
		} {
			alice.Take()
			<-alice.Send(t, c.xml)
			h.Settle()
			got := alice.Take()
			if (len(got) == 1) != c.back || c.back && got[0].ReadFault().Condition != stanza.ServiceUnavailable {
				t.Errorf("%s: alice got %s", c.xml, routertest.Text(got))
			}
		}
		bob := h.Connect("bob", "phone", false)
		bob.Send(t, "<presence/>")
		h.Settle()
		same(t, "what waited", bodies(bob), "kept", "kept too")
	})
}

func TestQuota(t *testing.T) {
	config := offline.DefaultConfig()
	config.MaxMessages = 10
	config.MaxBytes = 2000
	in(t, archivetest.Options{Offline: config}, func(t *testing.T, h *archivetest.House, alice *archivetest.Client) {
		sayMany(t, h, alice, "bob@kith.example", 0, 12)
		got := alice.Take()
		if len(got) != 2 || got[0].ID != "10" || got[0].ReadFault().Condition != stanza.ServiceUnavailable || got[0].ReadFault().Kind != "wait" || got[0].ReadFault().Text == "" {
			t.Fatalf("alice got %s", routertest.Text(got))
		}
		if n := h.Delivery.Counters().Refused.Load(); n != 2 {
			t.Errorf("%d were counted", n)
		}
		// Typing notifications are not what is too many.
		alice.Send(t, "<message type='chat' to='bob@kith.example'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>")
		h.Settle()
		if got := alice.Take(); len(got) != 0 {
			t.Errorf("alice got %s", routertest.Text(got))
		}
		// While a device is connected, nothing is refused.
		bob := h.Connect("bob", "phone", true)
		sayMany(t, h, alice, "bob@kith.example", 20, 5)
		bob.Send(t, "<presence/>")
		h.Settle()
		if got := bodies(bob); len(got) != 15 {
			t.Errorf("bob got %v", got)
		}
		bob.Ack(-1)
		h.Settle()
		bob.Leave()
		h.Settle()
		alice.Take()
		alice.Send(t, say("bob@kith.example", strings.Repeat("x", 2000)))
		h.Settle()
		alice.Send(t, say("bob@kith.example", "one more"))
		h.Settle()
		if got := alice.Take(); len(got) != 1 || got[0].ID != "one more" {
			t.Errorf("alice got %s", routertest.Text(got))
		}
	})
}

func TestLostSession(t *testing.T) {
	in(t, archivetest.Options{}, func(t *testing.T, h *archivetest.House, alice *archivetest.Client) {
		phone, tablet, mute := h.Connect("bob", "phone", true), h.Connect("bob", "tablet", false), h.Connect("bob", "mute", false)
		phone.Send(t, "<presence/>")
		tablet.Send(t, "<presence/>")
		mute.Send(t, "<presence><priority>-1</priority></presence>")
		h.Settle()
		// For the phone alone; the tablet wants no carbons.
		sayMany(t, h, alice, "bob@kith.example/phone", 0, 3)
		// For both: the tablet has it.
		alice.Send(t, say("bob@kith.example", "both"))
		h.Settle()
		same(t, "tablet at first", bodies(tablet), "both")
		for _, xml := range []string{
			"<iq type='get' id='ping' to='bob@kith.example/phone'><ping xmlns='urn:xmpp:ping'/></iq>",
			"<message type='groupchat' id='room' to='bob@kith.example/phone'><body>room</body></message>",
			"<message type='chat' id='secret' to='bob@kith.example/phone'><body>secret</body><no-store xmlns='urn:xmpp:hints'/></message>",
			"<message type='chat' id='typing' to='bob@kith.example/phone'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>",
			"<message type='headline' id='news' to='bob@kith.example/phone'><body>news</body></message>",
			"<message type='error' id='error' to='bob@kith.example/phone'><body>error</body></message>",
		} {
			alice.Send(t, xml)
		}
		h.Settle()
		alice.Take()
		phone.Ack(1)
		h.Settle()
		phone.Leave()
		h.Settle()
		got := tablet.Take()
		same(t, "tablet afterwards", archivetest.Bodies(got), "1", "2", "secret")
		if got[0].Child(ns.Delay, "delay").IsZero() {
			t.Errorf("not dated: %s", got[0])
		}
		same(t, "mute", bodies(mute))
		var back []string
		for _, st := range alice.Take() {
			back = append(back, st.ID)
			if st.Type != stanza.Error || st.From != phone.JID {
				t.Errorf("alice got %s", st)
			}
		}
		same(t, "sent back", back, "ping", "room")
		h.Settle()
		phone = h.Connect("bob", "phone", false)
		phone.Send(t, "<presence/>")
		h.Settle()
		same(t, "phone again", bodies(phone))
	})
}

// Nobody is left when the session ends: what may not be kept goes back.
func TestLastSessionLost(t *testing.T) {
	in(t, archivetest.Options{}, func(t *testing.T, h *archivetest.House, alice *archivetest.Client) {
		bob := h.Connect("bob", "phone", true)
		bob.Send(t, "<presence/>")
		h.Settle()
		alice.Send(t, "<message type='chat' id='secret' to='bob@kith.example'><body>secret</body><no-store xmlns='urn:xmpp:hints'/></message>")
		alice.Send(t, say("bob@kith.example", "kept"))
		h.Settle()
		bob.Leave()
		h.Settle()
		if got := alice.Take(); len(got) != 1 || got[0].ID != "secret" || got[0].Type != stanza.Error {
			t.Errorf("alice got %s", routertest.Text(got))
		}
	})
}

// A session under the same resource replaces one that is dead.
func TestReplacedSession(t *testing.T) {
	in(t, archivetest.Options{}, func(t *testing.T, h *archivetest.House, alice *archivetest.Client) {
		dead := h.Connect("bob", "phone", true)
		dead.Send(t, "<presence/>")
		h.Settle()
		sayMany(t, h, alice, "bob@kith.example", 0, 3)
		bob := h.Connect("bob", "phone", false)
		bob.Send(t, "<presence/>")
		h.Settle()
		same(t, "again", bodies(bob), "0", "1", "2")
	})
}

// Progress survives a restart; without it, the worst is that something comes again.
func TestRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		open := func() (*archivetest.House, func(polite bool)) {
			db, err := store.Open(t.Context(), store.Options{Dir: dir, Volatile: true})
			if err != nil {
				t.Fatal(err)
			}
			h := archivetest.New(t, archivetest.Options{DB: db, IgnoreLog: true})
			return h, func(polite bool) {
				if polite {
					if err := h.Accounts.Close(t.Context()); err != nil {
						t.Fatal(err)
					}
					if err := h.Delivery.Close(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
				if err := db.Close(); err != nil {
					t.Fatal(err)
				}
			}
		}
		h, end := open()
		alice, bob := h.Connect("alice", "desk", false), h.Connect("bob", "phone", true)
		bob.Send(t, "<presence/>")
		h.Settle()
		sayMany(t, h, alice, "bob@kith.example", 0, 4)
		first := bob.Take()
		bob.Ack(3)
		h.Settle()
		end(true)

		h, end = open()
		bob = h.Connect("bob", "phone", false)
		bob.Send(t, "<presence/>")
		h.Settle()
		got := bob.Take()
		same(t, "after a polite end", archivetest.Bodies(got), "3")
		if h.ID("bob", got[0]) != h.ID("bob", first[3]) {
			t.Error("with another id")
		}
		end(false) // and nothing of it was saved

		h, end = open()
		bob = h.Connect("bob", "phone", false)
		bob.Send(t, "<presence/>")
		h.Settle()
		same(t, "after a rude end", bodies(bob), "3")
		h.Clock.Advance(time.Minute)
		h.Settle()
		end(false)

		h, end = open()
		bob = h.Connect("bob", "phone", false)
		bob.Send(t, "<presence/>")
		h.Settle()
		same(t, "when it was saved in time", bodies(bob))
		end(true)
	})
}

// While the disk is full, messages go back to their senders and nothing hangs.
func TestStoreFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := storetest.Open(t)
		h := archivetest.New(t, archivetest.Options{DB: db, IgnoreLog: true})
		alice, bob := h.Connect("alice", "desk", false), h.Connect("bob", "phone", false)
		bob.Send(t, "<presence/>")
		sayMany(t, h, alice, "bob@kith.example", 0, 1)
		same(t, "before", bodies(bob), "0")
		if err := db.Write(t.Context(), func(tx *store.Tx) error {
			_, err := tx.Exec("CREATE TRIGGER full BEFORE INSERT ON archive_entries BEGIN SELECT RAISE(ABORT, 'no room'); END")
			return err
		}); err != nil {
			t.Fatal(err)
		}
		accepted := alice.Send(t, say("bob@kith.example", "1"))
		h.Settle()
		<-accepted
		same(t, "meanwhile", bodies(bob))
		if got := alice.Take(); len(got) != 1 || got[0].ID != "1" || got[0].ReadFault().Condition != stanza.InternalServerError {
			t.Errorf("alice got %s", routertest.Text(got))
		}
		if err := db.Write(t.Context(), func(tx *store.Tx) error {
			_, err := tx.Exec("DROP TRIGGER full")
			return err
		}); err != nil {
			t.Fatal(err)
		}
		sayMany(t, h, alice, "bob@kith.example", 2, 1)
		same(t, "afterwards", bodies(bob), "2")
		same(t, "archive of bob", query(t, h, bob, ""), "0", "2")
		same(t, "archive of alice", query(t, h, alice, ""), "0", "2")
		tablet := h.Connect("bob", "tablet", false)
		tablet.Send(t, "<presence/>")
		h.Settle()
		same(t, "nothing waits", bodies(tablet))
	})
}

// slow holds back the news of commits.
type slow struct {
	mam.Store
	mu   sync.Mutex
	hold bool
	held []func()
}

func (s *slow) Append(e *mam.Entry, done func(error)) {
	s.Store.Append(e, func(err error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.hold {
			s.held = append(s.held, func() { done(err) })
			return
		}
		done(err)
	})
}

func (s *slow) set(hold bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hold = hold
	for _, f := range s.held {
		f()
	}
	s.held = nil
}

// A message that is in the database already, but has not come to its delivery, must not be taken
// from there: it would come twice.
func TestCommitUnderWay(t *testing.T) {
	s := &slow{}
	wrap := func(st mam.Store) mam.Store { s.Store = st; return s }
	in(t, archivetest.Options{Wrap: wrap}, func(t *testing.T, h *archivetest.House, alice *archivetest.Client) {
		sayMany(t, h, alice, "bob@kith.example", 0, 2)
		s.set(true)
		sayMany(t, h, alice, "bob@kith.example", 2, 2)
		bob := h.Connect("bob", "phone", false)
		bob.Send(t, "<presence/>")
		h.Settle()
		// The presence itself stands in line behind the messages.
		bob2 := h.Connect("bob", "tablet", false)
		h.Do("bob", func(a module.Account) {
			session := a.Session("tablet")
			session.SetPresence(routertest.Parse(t, "<presence/>"))
			h.Registry.Emit(module.Presented, a, session)
		})
		h.Settle()
		same(t, "while it is under way", bodies(bob2), "0", "1")
		s.set(false)
		h.Settle()
		same(t, "when it is through", bodies(bob2), "2", "3")
		if got := len(bodies(bob)); got > 2 {
			t.Errorf("the other session got %d", got)
		}
	})
}

// A client that goes on after the last message that it has is sent what waits from before that: it
// was for another device.
func TestLeftBehind(t *testing.T) {
	for _, first := range []string{"archive", "presence"} {
		t.Run(first, func(t *testing.T) {
			in(t, archivetest.Options{}, func(t *testing.T, h *archivetest.House, alice *archivetest.Client) {
				phone, tablet := h.Connect("bob", "phone", true), h.Connect("bob", "tablet", false)
				tablet.Send(t, "<presence/>")
				h.Settle()
				alice.Send(t, say("bob@kith.example/phone", "for the phone"))
				h.Settle()
				alice.Send(t, say("bob@kith.example", "for all"))
				h.Settle()
				had := tablet.Take()
				same(t, "tablet", archivetest.Bodies(had), "for all")
				tablet.Leave()
				h.Settle()
				phone.Leave()
				h.Settle()
				tablet = h.Connect("bob", "tablet", false)
				next := "<set xmlns='http://jabber.org/protocol/rsm'><after>" + h.ID("bob", had[0]) + "</after></set>"
				if first == "presence" {
					h.Do("bob", func(a module.Account) { h.Delivery.Reads(a, a.Session("tablet")) })
					tablet.Send(t, "<presence/>")
					h.Settle()
					same(t, "presence", bodies(tablet))
					tablet.Send(t, "<iq type='set' id='q'><query xmlns='urn:xmpp:mam:2'>"+next+"</query></iq>")
				} else {
					same(t, "archive", query(t, h, tablet, next))
					tablet.Send(t, "<presence/>")
				}
				h.Settle()
				same(t, "left behind", bodies(tablet), "for the phone")
			})
		})
	}
}
