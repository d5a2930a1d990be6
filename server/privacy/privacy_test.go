package privacy_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/internal/stanzaid"
	"kith/server/mam"
	"kith/server/mam/archivetest"
	"kith/server/module"
	"kith/server/privacy"
	"kith/server/router/routertest"
	"kith/server/store"
	"kith/server/store/storetest"
)

// roster knows some contacts of everybody.
type roster []string

func (r roster) InRoster(_ module.Account, contact jid.JID) bool {
	return slices.Contains(r, contact.String())
}

// failing is a database that cannot be read or written while it is told so.
type failing struct {
	privacy.Store
	privacy.Archive
	err error
}

func (f *failing) Messages(ctx context.Context, account string) (privacy.Senders, error) {
	if f.err != nil {
		return "", f.err
	}
	return f.Store.Messages(ctx, account)
}

func (f *failing) SetMessages(ctx context.Context, account string, from privacy.Senders) error {
	if f.err != nil {
		return f.err
	}
	return f.Store.SetMessages(ctx, account, from)
}

func (f *failing) Wrote(ctx context.Context, address string, peer jid.JID) (bool, error) {
	if f.err != nil {
		return false, f.err
	}
	return f.Archive.Wrote(ctx, address, peer)
}

type house struct {
	*archivetest.House
	t       *testing.T
	feature *privacy.Service
	fail    *failing
}

func newHouse(t *testing.T, db *store.DB) *house {
	h := &house{t: t, fail: &failing{Store: db.Privacy(), Archive: db.Archive()}}
	contacts := roster{"friend@kith.example", "friend@far.example"}
	h.feature = privacy.New(routertest.Domain, "groups."+routertest.Domain, h.fail, h.fail, contacts, slog.New(slog.DiscardHandler))
	h.House = archivetest.New(t, archivetest.Options{DB: db, Extra: []module.Module{h.feature}})
	return h
}

func in(t *testing.T, f func(t *testing.T, h *house, alice *archivetest.Client)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, storetest.Open(t))
		f(t, h, h.online("alice", "a"))
	})
}

func (h *house) online(local, resource string) *archivetest.Client {
	c := h.Connect(local, resource, false)
	c.Send(h.t, "<presence/>")
	h.Settle()
	c.Take()
	return c
}

// ask sends a request of a client and returns the answer.
func (h *house) ask(c *archivetest.Client, typ, payload string) *stanza.Stanza {
	h.t.Helper()
	c.Take()
	c.Send(h.t, fmt.Sprintf("<iq type='%s' id='q'>%s</iq>", typ, payload))
	h.Settle()
	for _, st := range c.Take() {
		if st.Kind == stanza.IQ && st.ID == "q" {
			return st
		}
	}
	h.t.Fatalf("no answer to %s", payload)
	return nil
}

func (h *house) choose(c *archivetest.Client, from string) {
	h.t.Helper()
	if st := h.ask(c, "set", "<privacy xmlns='kith:privacy:0' messages='"+from+"'/>"); st.Type != stanza.Result {
		h.t.Fatal(st)
	}
}

func (h *house) chosen(c *archivetest.Client) string {
	h.t.Helper()
	return h.ask(c, "get", "<privacy xmlns='kith:privacy:0'/>").Child(ns.KithPrivacy, "privacy").Attr("messages")
}

// arrive lets a stanza come from anywhere.
func (h *house) arrive(xml string) {
	h.Router.Route(module.NewEnvelope(routertest.Parse(h.t, xml), nil))
	h.Settle()
}

func (h *house) archived(c *archivetest.Client) (n int) {
	h.t.Helper()
	c.Take()
	c.Send(h.t, "<iq type='set' id='m'><query xmlns='urn:xmpp:mam:2'/></iq>")
	h.Settle()
	for _, st := range c.Take() {
		if !st.Child(ns.MAM, "result").IsZero() {
			n++
		}
	}
	return n
}

func say(to, body string) string {
	return fmt.Sprintf("<message type='chat' id='m' to='%s'><body>%s</body></message>", to, body)
}

func TestChoice(t *testing.T) {
	db := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, storetest.OpenDir(t, db))
		alice := h.online("alice", "a")
		if got := h.chosen(alice); got != "everybody" {
			t.Errorf("at first %q", got)
		}
		h.choose(alice, "contacts")
		for _, bad := range []string{"", "nobody", "Contacts"} {
			if st := h.ask(alice, "set", "<privacy xmlns='kith:privacy:0' messages='"+bad+"'/>"); st.Type != stanza.Error || st.ReadFault().Condition != stanza.BadRequest {
				t.Errorf("%q: %s", bad, st)
			}
		}
		// Others neither see nor change it.
		bob := h.online("bob", "b")
		for _, typ := range []string{"get", "set"} {
			bob.Send(t, "<iq type='"+typ+"' id='x' to='alice@kith.example'><privacy xmlns='kith:privacy:0' messages='everybody'/></iq>")
			h.Settle()
			if got := bob.Take(); len(got) != 1 || got[0].Type != stanza.Error || !got[0].Child(ns.KithPrivacy, "privacy").IsZero() && got[0].Type != stanza.Error {
				t.Errorf("%s: %v", typ, got)
			}
		}
		// What cannot be stored does not count.
		h.fail.err = errors.New("disk")
		if st := h.ask(alice, "set", "<privacy xmlns='kith:privacy:0' messages='everybody'/>"); st.Type != stanza.Error {
			t.Errorf("%s", st)
		}
		h.fail.err = nil
		if got := h.chosen(alice); got != "contacts" {
			t.Errorf("then %q", got)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, storetest.OpenDir(t, db))
		alice := h.online("alice", "a")
		if got := h.chosen(alice); got != "contacts" {
			t.Errorf("after a restart %q", got)
		}
		alice.Leave()
		for range 2 {
			if err := h.feature.Purge(t.Context(), "alice"); err != nil {
				t.Fatal(err)
			}
		}
		if from, err := h.fail.Messages(t.Context(), "alice"); from != privacy.Everybody || err != nil {
			t.Errorf("of a new account of that name: %q %v", from, err)
		}
	})
}

func TestStrangers(t *testing.T) {
	in(t, func(t *testing.T, h *house, alice *archivetest.Client) {
		bob := h.online("bob", "b")
		bob.Send(t, say("alice@kith.example", "before"))
		h.Settle()
		h.choose(alice, "contacts")
		kept := h.archived(alice)
		bob.Send(t, say("alice@kith.example", "now"))
		bob.Send(t, say("alice@kith.example/a", "straight"))
		h.Settle()
		if got := alice.Take(); len(got) != 0 {
			t.Errorf("alice got %s", routertest.Text(got))
		}
		got := bob.Take()
		if len(got) != 2 {
			t.Fatalf("bob got %s", routertest.Text(got))
		}
		for _, st := range got {
			f := st.ReadFault()
			if st.Type != stanza.Error || f.Condition != stanza.NotAllowed || f.App != "contacts-only" || f.AppNS != ns.KithPrivacy || !strings.Contains(f.Text, "contacts") {
				t.Errorf("bob got %s", st)
			}
		}
		// That somebody types is not worth an answer.
		bob.Send(t, "<message type='chat' to='alice@kith.example'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>")
		h.Settle()
		if got := append(alice.Take(), bob.Take()...); len(got) != 0 {
			t.Errorf("%s", routertest.Text(got))
		}
		if n := h.archived(alice); n != kept {
			t.Errorf("%d messages are stored, before there were %d", n, kept)
		}
		// Nor is anything kept for one who is away.
		alice.Leave()
		h.Settle()
		bob.Send(t, say("alice@kith.example", "while away"))
		h.Settle()
		if got := bob.Take(); len(got) != 1 || got[0].Type != stanza.Error {
			t.Errorf("bob got %s", routertest.Text(got))
		}
		again := h.Connect("alice", "again", false)
		again.Send(t, "<presence/>")
		h.Settle()
		if got := archivetest.Bodies(again.Take()); len(got) != 0 {
			t.Errorf("alice got %q", got)
		}
		// Until everybody may again.
		h.choose(again, "everybody")
		bob.Send(t, say("alice@kith.example", "at last"))
		h.Settle()
		if got := archivetest.Bodies(again.Take()); !slices.Equal(got, []string{"at last"}) {
			t.Errorf("alice got %q", got)
		}
	})
}

// What comes through, and what only looks as if it might.
func TestWhoComesThrough(t *testing.T) {
	const (
		body   = "<body>hello</body>"
		mark   = "<x xmlns='http://jabber.org/protocol/muc#user'/>"
		event  = "<event xmlns='http://jabber.org/protocol/pubsub#event'><items node='n'/></event>"
		groups = "cave@groups.kith.example"
	)
	invite := func(from string) string {
		return "<x xmlns='http://jabber.org/protocol/muc#user'><invite from='" + from + "'/></x>"
	}
	for name, c := range map[string]struct {
		from, typ, content string
		want               bool
	}{
		"a contact":                             {"friend@kith.example/x", "chat", body, true},
		"a contact elsewhere":                   {"friend@far.example/x", "chat", body, true},
		"a contact's namesake":                  {"friend@other.example/x", "chat", body, false},
		"a contact as a resource":               {"foe@far.example/friend@far.example", "chat", body, false},
		"the server":                            {"kith.example", "normal", body, true},
		"a part of the server":                  {"upload.kith.example", "normal", body, true},
		"another server":                        {"far.example", "normal", body, false},
		"a server that sounds like it":          {"evilkith.example", "normal", body, false},
		"oneself":                               {"alice@kith.example/other", "chat", body, true},
		"a room":                                {groups + "/nick", "groupchat", body, true},
		"somebody in a room":                    {groups + "/nick", "chat", body + mark, false},
		"somebody in a room elsewhere":          {"cave@rooms.far.example/nick", "chat", body + mark, false},
		"an error":                              {"foe@far.example/x", "error", body, true},
		"an event":                              {"pubsub.far.example", "headline", event, true},
		"an event that says more":               {"foe@far.example", "headline", event + body, false},
		"a headline":                            {"foe@far.example", "headline", body, false},
		"a call":                                {"foe@far.example/x", "chat", "<propose xmlns='urn:xmpp:jingle-message:0' id='1'/>", false},
		"an encrypted message":                  {"foe@far.example/x", "chat", "<encrypted xmlns='urn:xmpp:omemo:2'><header sid='1'/><payload>AA==</payload></encrypted>", false},
		"an invitation of a stranger":           {groups, "normal", invite("foe@far.example"), false},
		"an invitation of a contact":            {groups, "normal", invite("friend@far.example/x"), true},
		"an invitation by the contact's server": {"cave@rooms.far.example", "normal", invite("friend@far.example"), true},
		"an invitation by another server":       {"cave@rooms.evil.example", "normal", invite("friend@far.example"), false},
		"an invitation by somebody in a room":   {groups + "/nick", "normal", invite("friend@far.example"), false},
		"an invitation in nobody's name":        {groups, "normal", invite("@"), false},
		"a direct invitation of a stranger":     {"foe@far.example/x", "normal", "<x xmlns='jabber:x:conference' jid='cave@rooms.far.example'/>", false},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, h *house, alice *archivetest.Client) {
				h.choose(alice, "contacts")
				to := "alice@kith.example/a"
				h.arrive(fmt.Sprintf("<message from='%s' to='%s' type='%s' id='m'>%s</message>", c.from, to, c.typ, c.content))
				if got := len(alice.Take()) > 0; got != c.want {
					t.Errorf("came through: %v", got)
				}
			})
		})
	}
}

// Requests to become a contact are not messages, with or without a token (XEP-0379).
func TestRequestsComeThrough(t *testing.T) {
	in(t, func(t *testing.T, h *house, alice *archivetest.Client) {
		h.choose(alice, "contacts")
		for _, p := range []*module.Passage{
			{Direction: module.Incoming, Stanza: routertest.Parse(t, "<presence from='foe@far.example' to='alice@kith.example' type='subscribe'/>")},
			{Direction: module.Incoming, Stanza: routertest.Parse(t, "<presence from='foe@far.example' to='alice@kith.example' type='subscribe'><preauth xmlns='urn:xmpp:pars:0' token='t'/></presence>")},
			{Direction: module.Incoming, Stanza: routertest.Parse(t, "<iq from='foe@far.example/x' to='alice@kith.example/a' type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq>")},
		} {
			h.Do("alice", func(a module.Account) {
				p.Account = a
				if fault := h.Registry.Filter(p); fault != nil {
					t.Errorf("%s: %v", p.Stanza, fault)
				}
			})
			h.Settle()
		}
	})
}

// To whom somebody has written may answer, also when the archive keeps nothing, and after a restart when it does.
func TestAnswersComeThrough(t *testing.T) {
	dir := t.TempDir()
	const room = "cave@groups.kith.example"
	answers := func(t *testing.T, h *house, alice *archivetest.Client, from string) bool {
		t.Helper()
		alice.Take()
		h.arrive(fmt.Sprintf("<message from='%s' to='alice@kith.example/a' type='chat' id='m'><body>answer</body></message>", from))
		return slices.Equal(archivetest.Bodies(alice.Take()), []string{"answer"})
	}
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, storetest.OpenDir(t, dir))
		alice := h.online("alice", "a")
		alice.Send(t, say("early@far.example", "before the choice"))
		h.Settle()
		h.choose(alice, "contacts")
		alice.Send(t, strings.Replace(say("unkept@far.example/x", "hello"), "</message>", "<no-store xmlns='urn:xmpp:hints'/></message>", 1))
		alice.Send(t, say(room+"/one", "hello"))
		// What says nothing asks for no answer.
		alice.Send(t, "<message type='chat' to='typing@far.example'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>")
		h.Settle()
		for from, want := range map[string]bool{
			"early@far.example/y": true, "unkept@far.example/z": true, room + "/one": true, room + "/other": false,
			"typing@far.example/x": false, "never@far.example/x": false,
		} {
			if got := answers(t, h, alice, from); got != want {
				t.Errorf("%s: %v", from, got)
			}
		}
	})
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, storetest.OpenDir(t, dir))
		alice := h.online("alice", "a")
		for from, want := range map[string]bool{
			"early@far.example/y": true, "unkept@far.example/z": false, room + "/one": true, room + "/other": false, "never@far.example/x": false,
		} {
			if got := answers(t, h, alice, from); got != want {
				t.Errorf("after a restart %s: %v", from, got)
			}
		}
		// Who cannot be told from a stranger is told that something is wrong, and nothing is lost.
		h.fail.err = errors.New("disk")
		bob := h.online("bob", "b")
		bob.Send(t, say("alice@kith.example", "hello"))
		h.Settle()
		if got := bob.Take(); len(got) != 1 || got[0].ReadFault().Condition != stanza.InternalServerError {
			t.Errorf("%s", routertest.Text(got))
		}
	})
}

// However many somebody writes to, memory is bounded; those who were forgotten are found in the archive.
func TestManyAnswers(t *testing.T) {
	in(t, func(t *testing.T, h *house, alice *archivetest.Client) {
		h.choose(alice, "contacts")
		for i := range 300 {
			alice.Send(t, say(fmt.Sprintf("s%d@far.example", i), "hello"))
			h.Settle()
		}
		for _, i := range []int{0, 150, 299} {
			alice.Take()
			h.arrive(fmt.Sprintf("<message from='s%d@far.example/x' to='alice@kith.example/a' type='chat' id='m'><body>answer</body></message>", i))
			if got := alice.Take(); len(got) != 1 {
				t.Errorf("%d: %s", i, routertest.Text(got))
			}
		}
	})
}

// A conversation is looked through so far and no further for what the owner said in it.
func TestWrote(t *testing.T) {
	db := storetest.Open(t)
	ar := db.Archive()
	at := stanzaid.Seq(0)
	add := func(peer string, outgoing bool) {
		t.Helper()
		at++
		done := make(chan error, 1)
		ar.Append(&mam.Entry{
			Archive: 1, Address: "alice@kith.example", New: true, Seq: at, Peer: jid.Must(peer), Outgoing: outgoing,
			Stanza: stanza.New(stanza.Header{Kind: stanza.Message, Type: stanza.Chat}, "<body>x</body>"),
		}, func(err error) { done <- err })
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	add("bob@kith.example/a", true)
	add("carol@kith.example/a", false)
	for peer, want := range map[string]bool{"bob@kith.example": true, "bob@kith.example/a": true, "bob@kith.example/b": false, "carol@kith.example": false, "dave@kith.example": false} {
		if got, err := ar.Wrote(t.Context(), "alice@kith.example", jid.Must(peer)); got != want || err != nil {
			t.Errorf("%s: %v %v", peer, got, err)
		}
	}
	if got, err := ar.Wrote(t.Context(), "nobody@kith.example", jid.Must("bob@kith.example")); got || err != nil {
		t.Errorf("%v %v", got, err)
	}
}
