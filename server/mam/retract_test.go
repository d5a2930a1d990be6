package mam_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/payload"
	"kith/internal/stanza"
	"kith/server/mam/archivetest"
	"kith/server/module"
	"kith/server/router/routertest"
	"kith/server/store"
	"kith/server/store/storetest"
)

func retract(to, id, by string) string {
	return fmt.Sprintf("<message type='chat' id='%s' to='%s'><retract xmlns='urn:xmpp:message-retract:1' id='%s'/><body>Taken back</body>"+
		"<fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:message-retract:1'/></message>", by, to, id)
}

// archived are the messages of an archive: bodies, and "†" and the id of the retraction for tombstones.
func archived(t *testing.T, h *archivetest.House, c *archivetest.Client) (out []string) {
	t.Helper()
	for _, st := range ask(t, h, c, "").results {
		m := st.Root().First().Child(ns.Forward, "forwarded").Child(ns.Client, "message")
		if e := m.Child(ns.Retract, "retracted"); !e.IsZero() {
			out = append(out, "†"+e.Attr("id"))
			continue
		}
		out = append(out, m.ChildText(ns.Client, "body"))
	}
	return out
}

// holds reports whether anything in the database has this text.
func holds(t *testing.T, db *store.DB, text string) (n int) {
	t.Helper()
	err := db.Read(t.Context(), func(c *store.Conn) error {
		return c.QueryRow("SELECT COUNT(*) FROM archive_stanzas WHERE stanza LIKE $1", "%"+text+"%").Scan(&n)
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// What somebody takes back is in neither archive any more, at the same place and under the same id.
func TestRetraction(t *testing.T) {
	in(t, archivetest.Options{}, func(t *testing.T, h *archivetest.House, alice, bob *archivetest.Client) {
		alice.Send(t, say("bob", "before"))
		alice.Send(t, say("bob", "secret"))
		alice.Send(t, say("bob", "after"))
		h.Settle()
		was := [2]page{ask(t, h, alice, ""), ask(t, h, bob, "")}
		h.Clock.Advance(time.Minute)
		// From another client of hers.
		phone := h.Connect("alice", "phone", false)
		<-phone.Send(t, retract("bob@kith.example/phone", "secret", "r1"))
		h.Settle()
		if got := bob.Take(); !slices.ContainsFunc(got, func(st *stanza.Stanza) bool { return payload.Retracts(st) == "secret" }) {
			t.Errorf("bob was not told: %v", got)
		}
		for i, c := range []*archivetest.Client{alice, bob} {
			if got := archived(t, h, c); !slices.Equal(got, []string{"before", "†r1", "after", "Taken back"}) {
				t.Errorf("%s reads %q", c.JID, got)
			}
			p := ask(t, h, c, "")
			if !slices.Equal(p.ids[:3], was[i].ids) {
				t.Errorf("%s: the ids were %v and are %v", c.JID, was[i].ids, p.ids)
			}
			m := p.results[1].Root().First().Child(ns.Forward, "forwarded")
			const want = "<message xmlns='jabber:client' to='bob@kith.example' from='alice@kith.example/desk' id='secret' type='chat'>" +
				"<retracted xmlns='urn:xmpp:message-retract:1' stamp='2026-01-02T03:05:05.000Z' id='r1'/></message>"
			if got := m.Child(ns.Client, "message").Source(); got != want {
				t.Errorf("%s reads %s", c.JID, got)
			}
			if stamp := m.Child(ns.Delay, "delay").Attr("stamp"); stamp != "2026-01-02T03:04:05.000Z" {
				t.Errorf("the date is that of the message, not %s", stamp)
			}
			if one := ask(t, h, c, filter("ids", p.ids[1])); len(one.results) != 1 || strings.Contains(one.results[0].String(), "<body>") {
				t.Errorf("read by its id it is %v", one.results)
			}
		}
		if n := holds(t, h.DB, "secret<"); n != 0 {
			t.Errorf("%d stored stanzas have what it said", n)
		}
		// Again, and again by another message: nothing changes but that there are more messages.
		phone.Send(t, retract("bob@kith.example", "secret", "r1"))
		phone.Send(t, retract("bob@kith.example", "secret", "r2"))
		h.Settle()
		for _, c := range []*archivetest.Client{alice, bob} {
			if got := archived(t, h, c); !slices.Equal(got, []string{"before", "†r1", "after", "Taken back", "Taken back", "Taken back"}) {
				t.Errorf("%s reads %q", c.JID, got)
			}
		}
		if n, shared := rows(t, h.DB, "archive_stanzas"), rows(t, h.DB, "archive_shared"); n != 7 || shared != 5 {
			t.Errorf("%d stored, %d shared", n, shared)
		}
	})
}

// Found by the id of its origin too, the newest of several, and not beyond what was said to somebody else.
func TestRetractedMessageIsFound(t *testing.T) {
	in(t, archivetest.Options{}, func(t *testing.T, h *archivetest.House, alice, bob *archivetest.Client) {
		carol := h.Connect("carol", "c", false)
		send := func(to, id, body, more string) {
			alice.Send(t, fmt.Sprintf("<message type='chat' id='%s' to='%s@kith.example'><body>%s</body>%s</message>", id, to, body, more))
		}
		send("bob", "a", "1", "<origin-id xmlns='urn:xmpp:sid:0' id='o'/>")
		send("bob", "1", "2", "<origin-id xmlns='urn:xmpp:sid:0' id='1'/>")
		send("bob", "1", "3", "")
		send("carol", "1", "4", "")
		send("bob", "", "5", "")
		alice.Send(t, retract("bob@kith.example", "o", "r1"))
		alice.Send(t, retract("bob@kith.example", "1", "r2"))
		alice.Send(t, "<message type='chat' id='r3' to='bob@kith.example'><retract xmlns='urn:xmpp:message-retract:1' id=''/></message>")
		// A tombstone has to name its retraction.
		alice.Send(t, "<message type='chat' to='carol@kith.example'><retract xmlns='urn:xmpp:message-retract:1' id='1'/></message>")
		h.Settle()
		if got := archived(t, h, bob); !slices.Equal(got, []string{"†r1", "2", "†r2", "5", "Taken back", "Taken back", ""}) {
			t.Errorf("bob reads %q", got)
		}
		if got := archived(t, h, alice); !slices.Equal(got, []string{"†r1", "2", "†r2", "4", "5", "Taken back", "Taken back", "", ""}) {
			t.Errorf("alice reads %q", got)
		}
		if got := archived(t, h, carol); !slices.Equal(got, []string{"4", ""}) {
			t.Errorf("carol reads %q", got)
		}
	})
}

// What is taken back is so in all the words in which it was said.
func TestRetractionOfCorrections(t *testing.T) {
	in(t, archivetest.Options{}, func(t *testing.T, h *archivetest.House, alice, bob *archivetest.Client) {
		correct := func(c *archivetest.Client, to, id, of, body string) {
			c.Send(t, fmt.Sprintf("<message type='chat' id='%s' to='%s@kith.example'><body>%s</body><replace xmlns='urn:xmpp:message-correct:0' id='%s'/></message>", id, to, body, of))
			h.Settle()
		}
		alice.Send(t, say("bob", "secret"))
		alice.Send(t, say("bob", "other"))
		h.Settle()
		correct(alice, "bob", "c1", "secret", "secret corrected")
		correct(bob, "alice", "c2", "secret", "not hers")
		correct(alice, "bob", "c3", "other", "of another")
		correct(alice, "bob", "c4", "secret", "secret again")
		for range 2 {
			alice.Send(t, retract("bob@kith.example", "secret", "r1"))
			h.Settle()
		}
		for _, c := range []*archivetest.Client{alice, bob} {
			if got := archived(t, h, c); !slices.Equal(got, []string{"†r1", "other", "†r1", "not hers", "of another", "†r1", "Taken back", "Taken back"}) {
				t.Errorf("%s reads %q", c.JID, got)
			}
			left := ask(t, h, c, "").results[2].Root().First().Child(ns.Forward, "forwarded").Child(ns.Client, "message")
			if payload := left.Child("urn:xmpp:message-correct:0", "replace"); payload.Attr("id") != "secret" {
				t.Errorf("it is not said what was corrected: %s", left.Source())
			}
		}
		if n := holds(t, h.DB, "secret"+" "); n != 0 {
			t.Errorf("%d stored stanzas have what it said", n)
		}
		// A retraction is none, whatever else it says that it were.
		alice.Send(t, strings.Replace(retract("bob@kith.example", "other", "r2"), "</message>", "<replace xmlns='urn:xmpp:message-correct:0' id='other'/></message>", 1))
		h.Settle()
		alice.Send(t, retract("bob@kith.example", "other", "r3"))
		h.Settle()
		if got := archived(t, h, bob); !slices.Equal(got, []string{"†r1", "†r2", "†r1", "not hers", "†r2", "†r1", "Taken back", "Taken back", "Taken back", "Taken back"}) {
			t.Errorf("bob reads %q", got)
		}
	})
}

// Nobody erases what somebody else said.
func TestRetractionByOthers(t *testing.T) {
	in(t, archivetest.Options{}, func(t *testing.T, h *archivetest.House, alice, bob *archivetest.Client) {
		mallory := h.Connect("mallory", "m", false)
		alice.Send(t, say("bob", "secret"))
		bob.Send(t, say("alice", "answer"))
		h.Settle()
		// The other side, and a third one, also one that says it were alice.
		bob.Send(t, retract("alice@kith.example", "secret", "r1"))
		mallory.Send(t, retract("bob@kith.example", "secret", "r2"))
		mallory.Send(t, retract("alice@kith.example", "secret", "r3"))
		mallory.Send(t, "<message from='alice@kith.example/desk' type='chat' id='r4' to='bob@kith.example'><retract xmlns='urn:xmpp:message-retract:1' id='secret'/></message>")
		// What only a room may say.
		alice.Send(t, "<message type='chat' id='r5' to='bob@kith.example'><retract xmlns='urn:xmpp:message-retract:1' id='secret'><moderated xmlns='urn:xmpp:message-moderate:1' by='a'/></retract></message>")
		// A retraction stays.
		bob.Send(t, retract("alice@kith.example", "r1", "r6"))
		// No such message.
		bob.Send(t, retract("alice@kith.example", "unknown", "r7"))
		h.Settle()
		for _, c := range []*archivetest.Client{alice, bob} {
			for _, body := range archived(t, h, c) {
				if strings.HasPrefix(body, "†") {
					t.Errorf("%s has a tombstone of %s", c.JID, body)
				}
			}
		}
		if n := holds(t, h.DB, "secret</body>"); n != 1 {
			t.Errorf("the message is stored %d times", n)
		}
	})
}

// roster knows some contacts.
type roster []string

func (r roster) InRoster(_ module.Account, contact jid.JID) bool {
	return slices.Contains(r, contact.String())
}

// Where an address may be that of a room, the bare one does not tell who somebody is.
func TestRetractionFromElsewhere(t *testing.T) {
	const (
		mark  = "<x xmlns='http://jabber.org/protocol/muc#user'/>"
		one   = "<occupant-id xmlns='urn:xmpp:occupant-id:0' id='1'/>"
		other = "<occupant-id xmlns='urn:xmpp:occupant-id:0' id='2'/>"
	)
	for name, c := range map[string]struct {
		from, by     string
		said, marked string
		want         bool
	}{
		"a contact":                        {"friend@far.example/a", "friend@far.example/b", "", "", true},
		"somebody else there":              {"friend@far.example/a", "foe@far.example/a", "", "", false},
		"a stranger":                       {"room@far.example/nick", "room@far.example/nick", "", "", false},
		"the next one of that nickname":    {"room@far.example/nick", "room@far.example/nick", mark + one, mark + other, false},
		"an occupant":                      {"room@far.example/nick", "room@far.example/nick", mark + one, mark + one, true},
		"an occupant of another name":      {"room@far.example/nick", "room@far.example/new", mark + one, mark + one, true},
		"who leaves the mark out":          {"friend@far.example/a", "friend@far.example/b", mark + one, "", false},
		"who leaves the id out":            {"friend@far.example/a", "friend@far.example/a", mark, mark, false},
		"an occupant of a room, for once":  {"friend@far.example/a", "friend@far.example/a", "", mark + one, false},
		"the same occupant id, other room": {"room@far.example/nick", "room2@far.example/nick", mark + one, mark + one, false},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, archivetest.Options{Contacts: roster{"friend@far.example"}}, func(t *testing.T, h *archivetest.House, _, bob *archivetest.Client) {
				arrive := func(xml string) {
					h.Router.Route(module.NewEnvelope(routertest.Parse(t, xml), nil))
					h.Settle()
				}
				arrive(fmt.Sprintf("<message from='%s' to='bob@kith.example' type='chat' id='m'><body>secret</body>%s</message>", c.from, c.said))
				arrive(fmt.Sprintf("<message from='%s' to='bob@kith.example' type='chat' id='r'><retract xmlns='urn:xmpp:message-retract:1' id='m'/>%s</message>", c.by, c.marked))
				got := archived(t, h, bob)
				if len(got) != 2 || (got[0] == "†r") != c.want || (got[0] == "secret") == c.want {
					t.Errorf("%q", got)
				}
			})
		})
	}
}

// Who blocks the sender in between, or archives nothing, keeps what he has; the sender's own archive does not.
func TestRetractionInOneArchive(t *testing.T) {
	in(t, archivetest.Options{}, func(t *testing.T, h *archivetest.House, alice, bob *archivetest.Client) {
		alice.Send(t, say("bob", "secret"))
		h.Settle()
		bob.Send(t, "<iq type='set' id='p'><prefs xmlns='urn:xmpp:mam:2' default='never'/></iq>")
		h.Settle()
		alice.Send(t, retract("bob@kith.example", "secret", "r1"))
		h.Settle()
		if got := archived(t, h, alice); !slices.Equal(got, []string{"†r1", "Taken back"}) {
			t.Errorf("alice reads %q", got)
		}
		// The retraction is only passing through bob's archive, and does its work all the same.
		if got := archived(t, h, bob); !slices.Equal(got, []string{"†r1"}) {
			t.Errorf("bob reads %q", got)
		}
		// One that is not kept at all does nothing.
		alice.Send(t, say("bob", "again"))
		alice.Send(t, strings.Replace(retract("bob@kith.example", "again", "r2"), "</message>", "<no-store xmlns='urn:xmpp:hints'/></message>", 1))
		h.Settle()
		if got := archived(t, h, alice); !slices.Equal(got, []string{"†r1", "Taken back", "again"}) {
			t.Errorf("alice reads %q", got)
		}
	})
}

// What was taken back while its recipient was away is not delivered; that it was taken back is.
func TestRetractionOfWhatWaits(t *testing.T) {
	in(t, archivetest.Options{}, func(t *testing.T, h *archivetest.House, alice, bob *archivetest.Client) {
		bob.Leave()
		h.Settle()
		alice.Send(t, say("bob", "secret"))
		alice.Send(t, say("bob", "stays"))
		alice.Send(t, strings.Replace(say("bob", "hidden"), "</message>", "<no-permanent-store xmlns='urn:xmpp:hints'/></message>", 1))
		alice.Send(t, retract("bob@kith.example", "secret", "r1"))
		alice.Send(t, retract("bob@kith.example", "hidden", "r2"))
		h.Settle()
		again := h.Connect("bob", "again", false)
		again.Send(t, "<presence/>")
		h.Settle()
		if got := archivetest.Bodies(again.Take()); !slices.Equal(got, []string{"stays", "Taken back", "Taken back"}) {
			t.Errorf("bob got %q", got)
		}
		// Nothing waits any more.
		again.Leave()
		h.Settle()
		last := h.Connect("bob", "last", false)
		last.Send(t, "<presence/>")
		h.Settle()
		if got := last.Take(); len(got) != 0 {
			t.Errorf("it came again: %v", got)
		}
	})
}

// After a restart everything is as it was, and what was said before can still be taken back.
func TestRetractionAfterRestart(t *testing.T) {
	dir := t.TempDir()
	start := func(t *testing.T) (h *archivetest.House, alice, bob *archivetest.Client) {
		h = archivetest.New(t, archivetest.Options{DB: storetest.OpenDir(t, dir)})
		return h, h.Connect("alice", "desk", false), h.Connect("bob", "phone", false)
	}
	synctest.Test(t, func(t *testing.T) {
		h, alice, _ := start(t)
		alice.Send(t, say("bob", "first"))
		alice.Send(t, say("bob", "second"))
		alice.Send(t, retract("bob@kith.example", "first", "r1"))
		h.Settle()
	})
	synctest.Test(t, func(t *testing.T) {
		h, alice, bob := start(t)
		h.Clock.Advance(time.Hour)
		alice.Send(t, retract("bob@kith.example", "second", "r2"))
		alice.Send(t, retract("bob@kith.example", "first", "r3"))
		h.Settle()
		for _, c := range []*archivetest.Client{alice, bob} {
			if got := archived(t, h, c); !slices.Equal(got, []string{"†r1", "†r2", "Taken back", "Taken back", "Taken back"}) {
				t.Errorf("%s reads %q", c.JID, got)
			}
		}
	})
}

// The account says that it does this (section 4).
func TestTombstonesAreAnnounced(t *testing.T) {
	h := archivetest.New(t, archivetest.Options{})
	if got := h.Registry.DiscoFeatures(module.OnAccount); !slices.Contains(got, "urn:xmpp:message-retract:1#tombstone") {
		t.Errorf("%v", got)
	}
}
