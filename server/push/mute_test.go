package push_test

import (
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kith/internal/jid"
	"kith/internal/stanza"
	"kith/server/module"
	"kith/server/push"
	"kith/server/router/routertest"
	"kith/server/store/storetest"
)

// nodes are those of every account: items by node and id.
type nodes struct {
	items map[string]map[string]string
	err   error
	// asked is how often somebody has looked.
	asked int
}

func (n *nodes) Items(_ module.Account, node string, ids ...string) (iter.Seq2[string, string], error) {
	n.asked++
	return func(yield func(string, string) bool) {
		for _, id := range slices.Sorted(maps.Keys(n.items[node])) {
			if (len(ids) == 0 || slices.Contains(ids, id)) && !yield(id, n.items[node][id]) {
				return
			}
		}
	}, n.err
}

func (n *nodes) set(node, id, payload string) {
	if n.items == nil {
		n.items = map[string]map[string]string{}
	}
	if n.items[node] == nil {
		n.items[node] = map[string]string{}
	}
	n.items[node][id] = payload
}

func (n *nodes) place(chat, attrs string) {
	n.set("kith:chats:0", chat, "<chat xmlns='kith:chats:0' "+attrs+"/>")
}

func (n *nodes) bookmark(room, settings string) {
	n.set("urn:xmpp:bookmarks:1", room, "<conference xmlns='urn:xmpp:bookmarks:1' autojoin='true'><nick>Ally</nick><extensions>"+
		"<notify xmlns='urn:xmpp:notification-settings:1'>"+settings+"</notify></extensions></conference>")
}

// muteHouse has an account with a browser, at the server's own service, and an app of a vendor, of which neither is there.
type muteHouse struct {
	*house
	nodes *nodes
}

func newMuteHouse(t *testing.T) *muteHouse {
	t.Helper()
	h := &muteHouse{newHouse(t, storetest.Open(t)), &nodes{}}
	h.push.Heed(h.nodes, jid.Must("push.example"))
	for client, service := range map[string]string{"web": "push.example", "app": "vendor.example"} {
		c := h.SignIn("alice/"+client, module.Login{Client: client, At: routertest.Start})
		c.Ask(`<iq type='set' id='e'><enable xmlns='urn:xmpp:push:0' jid='` + service + `' node='` + client + `'/></iq>`)
		c.Close()
	}
	h.Settle()
	h.Away.Take()
	return h
}

// told are the apps that were woken, in order, each answered; a browser that was to make no noise has a mark.
func (h *muteHouse) told() string {
	h.t.Helper()
	h.Settle()
	var all []string
	for _, st := range h.Away.Take() {
		if to := st.To.String(); to != "push.example" && to != "vendor.example" {
			continue
		}
		name := map[string]string{"push.example": "web", "vendor.example": "app"}[st.To.String()]
		if strings.Contains(st.String(), "<quiet xmlns='kith:webpush:0'/>") {
			name += " quietly"
		}
		all = append(all, name)
		h.Receive(`<iq type='result' id='` + st.ID + `' from='` + st.To.String() + `' to='kith.example'/>`)
	}
	h.Settle()
	slices.Sort(all)
	return strings.Join(all, ", ")
}

const (
	room      = "family@rooms.example"
	encrypted = `<encrypted xmlns='urn:xmpp:omemo:2'><header sid='1'/><payload>AA==</payload></encrypted>`
	both      = "app, web"
)

func roomMessage(content string) string {
	return `<message from='` + room + `/Bob' to='alice@kith.example/desk' type='groupchat'>` + content + `</message>`
}

func TestMuted(t *testing.T) {
	chat := func(content string) string {
		return `<message from='bob@else.example/x' to='alice@kith.example' type='chat'>` + content + `</message>`
	}
	body := func(text string) string { return `<body>` + text + `</body>` }
	until := func(d time.Duration) string { return "muted='" + routertest.Start.Add(d).Format(time.RFC3339) + "'" }
	reference := func(who string) string {
		return body("hey") + `<reference xmlns='urn:xmpp:reference:0' type='mention' uri='xmpp:` + who + `'/>`
	}
	for what, tt := range map[string]struct {
		place, bookmark string // attributes of the chat's item, and settings beside the room's bookmark
		message         string
		want            string
	}{
		"nothing set":                  {"", "", chat(hello), both},
		"for good":                     {"muted='forever'", "", chat(hello), "app"},
		"for a while":                  {until(time.Hour), "", chat(hello), "app"},
		"no longer":                    {until(-time.Second), "", chat(hello), both},
		"until this very moment":       {until(0), "", chat(hello), both},
		"until nobody knows when":      {"muted='soon'", "", chat(hello), both},
		"pinned":                       {"pinned='true'", "", chat(hello), both},
		"an encrypted message":         {"muted='forever'", "", chat(encrypted), "app"},
		"a call":                       {"muted='forever'", "", chat(`<propose xmlns='urn:xmpp:jingle-message:0' id='1'/>`), both},
		"a group":                      {"muted='forever'", "", roomMessage(hello), "app"},
		"a group in its bookmark":      {"", "<never/>", roomMessage(hello), ""},
		"for a while, not in bookmark": {until(time.Hour), "<always/>", roomMessage(hello), "app"},
		"a private message there": {
			"muted='forever'", "<never/>",
			`<message from='` + room + `/Bob' to='alice@kith.example' type='chat'>` + hello + `<x xmlns='http://jabber.org/protocol/muc#user'/></message>`, both,
		},
		"always":                      {"", "<always/>", roomMessage(hello), both},
		"for browsers alone":          {"", "<never identity-category='client' identity-type='web'/><always/>", roomMessage(hello), "app"},
		"for all but browsers":        {"", "<always identity-category='client' identity-type='web'/><never/>", roomMessage(hello), "web"},
		"for clients, not gateways":   {"", "<never identity-category='client'/><always identity-category='gateway'/><always/>", roomMessage(hello), ""},
		"but for phones":              {"", "<always identity-category='client' identity-type='phone'/><never/>", roomMessage(hello), "app"},
		"for phones, and no more":     {"", "<never identity-category='client' identity-type='phone'/>", roomMessage(hello), both},
		"what nobody knows":           {"", "<sometimes/>", roomMessage(hello), both},
		"another's setting":           {"", "<never xmlns='urn:example:other'/>", roomMessage(hello), both},
		"except mentions":             {"muted='forever' except-mentions='true'", "<on-mention/>", roomMessage(hello), ""},
		"by reference":                {"", "<on-mention/>", roomMessage(reference("alice@kith.example")), both},
		"by reference, in capitals":   {"", "<on-mention/>", roomMessage(reference("Alice@KITH.example?join")), both},
		"another, by reference":       {"", "<on-mention/>", roomMessage(reference("alice@else.example")), ""},
		"by the name in the room":     {"", "<on-mention/>", roomMessage(body("are you there, @ally?")), both},
		"by the name at the start":    {"", "<on-mention/>", roomMessage(body("Ally: are you there?")), both},
		"by the name of the account":  {"", "<on-mention/>", roomMessage(body("@alice!")), both},
		"by the name that one took":   {"", "<on-mention/>", roomMessage(body("@Alice Lidell says")), both},
		"a longer name":               {"", "<on-mention/>", roomMessage(body("@allyson")), ""},
		"a mail address":              {"", "<on-mention/>", roomMessage(body("somebody@ally")), ""},
		"a name without a sign":       {"", "<on-mention/>", roomMessage(body("an ally of mine")), ""},
		"a name that is longer first": {"", "<on-mention/>", roomMessage(body("@allyson and @ally")), both},
		// Whom it names only the apps can tell.
		"who knows":                  {"", "<on-mention/>", roomMessage(encrypted), "app, web quietly"},
		"who knows, for a while":     {until(time.Hour) + " except-mentions='1'", "", roomMessage(encrypted), "app, web quietly"},
		"a body beside the secret":   {"", "<on-mention/>", roomMessage(encrypted + body("Ally: it is encrypted")), "app, web quietly"},
		"nothing at all, encrypted":  {"", "<never/>", roomMessage(encrypted), ""},
		"the loudest of all devices": {"", "<on-mention identity-category='client' identity-type='pc'/><never/>", roomMessage(encrypted), "app"},
	} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newMuteHouse(t)
				h.nodes.set("http://jabber.org/protocol/nick", "any", "<nick xmlns='http://jabber.org/protocol/nick'>Alice Lidell</nick>")
				if tt.place != "" {
					h.nodes.place("bob@else.example", tt.place)
					h.nodes.place(room, tt.place)
				}
				if tt.bookmark != "" {
					h.nodes.bookmark(room, tt.bookmark)
				}
				st, err := stanza.Parse(strings.Replace(tt.message, "<message ", "<message xmlns='jabber:client' ", 1))
				if err != nil {
					t.Fatal(err)
				}
				h.Do("alice", func(a module.Account) { h.push.Tell(a, st) })
				if got := h.told(); got != tt.want {
					t.Errorf("woken: %q, want %q", got, tt.want)
				}
			})
		})
	}
}

// As it comes through the whole account, to who is away and to who hangs.
func TestMutedOnItsWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newMuteHouse(t)
		h.nodes.place("bob@else.example", "muted='forever'")
		h.say("alice@kith.example", hello)
		if got := h.told(); got != "app" {
			t.Errorf("muted: %q", got)
		}
		h.Receive(`<presence type='subscribe' from='bob@else.example' to='alice@kith.example'/>`)
		if got := h.told(); got != both {
			t.Errorf("a request: %q", got)
		}

		web := h.SignIn("alice/web", module.Login{Client: "web", At: routertest.Start})
		web.Hold = true
		web.Send(`<presence/>`)
		h.told()
		h.say("alice@kith.example/web", hello)
		h.told()
		web.Detach()
		if got := h.told(); got != "" {
			t.Errorf("what was on its way to who hangs: %q", got)
		}
		web.Attach()
		h.nodes.place("bob@else.example", "")
		h.say("alice@kith.example/web", hello)
		h.told()
		web.Detach()
		if got := h.told(); got != "web" {
			t.Errorf("not muted any more: %q", got)
		}
	})
}

// Among several messages that a session has missed the loudest counts, in copies too.
func TestLoudestMissed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newMuteHouse(t)
		h.nodes.place("bob@else.example", "muted='forever'")
		h.nodes.bookmark(room, "<on-mention/>")
		web := h.SignIn("alice/web", module.Login{Client: "web", At: routertest.Start})
		web.Hold = true
		web.Send(`<presence/>`)
		h.told()
		carbon := func(from, content string) string {
			return `<message from='alice@kith.example' to='alice@kith.example/web' type='chat'><received xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'>` +
				`<message xmlns='jabber:client' from='` + from + `/x' to='alice@kith.example/desk' type='chat'>` + content + `</message></forwarded></received></message>`
		}
		missed := func(all ...string) string {
			t.Helper()
			stanzas := make([]*stanza.Stanza, len(all))
			for i, text := range all {
				st, err := stanza.Parse(strings.Replace(text, "<message ", "<message xmlns='jabber:client' ", 1))
				if err != nil {
					t.Fatal(err)
				}
				stanzas[i] = st
			}
			h.Do("alice", func(a module.Account) {
				for session := range a.Sessions() {
					h.push.Missed(a, session, stanzas)
				}
			})
			return h.told()
		}
		web.Detach()
		h.told()
		for what, tt := range map[string]struct {
			all  []string
			want string
		}{
			"a muted copy":        {[]string{carbon("bob@else.example", hello)}, ""},
			"another one":         {[]string{carbon("bob@else.example", hello), carbon("carol@else.example", hello)}, "web"},
			"one that may matter": {[]string{carbon("bob@else.example", hello), roomMessage(encrypted)}, "web quietly"},
			"all":                 {[]string{roomMessage(encrypted), carbon("bob@else.example", hello), carbon("carol@else.example", hello)}, "web"},
			"damaged":             {[]string{carbon("@", hello)}, "web"},
		} {
			if got := missed(tt.all...); got != tt.want {
				t.Errorf("%s: %q, want %q", what, got, tt.want)
			}
		}
	})
}

// What is said loudly while a quiet notification is under way is told loudly afterwards.
func TestLouderMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newMuteHouse(t)
		h.nodes.bookmark(room, "<on-mention identity-category='client' identity-type='web'/><never/>")
		tell := func(content string) {
			t.Helper()
			st, err := stanza.Parse(strings.Replace(roomMessage(content), "<message ", "<message xmlns='jabber:client' ", 1))
			if err != nil {
				t.Fatal(err)
			}
			h.Do("alice", func(a module.Account) { h.push.Tell(a, st) })
		}
		tell(encrypted)
		tell(`<body>@ally</body>`)
		tell(encrypted)
		if got := h.told(); got != "web quietly" {
			t.Errorf("first: %q", got)
		}
		if got := h.told(); got != "web" {
			t.Errorf("then: %q", got)
		}
		if got := h.told(); got != "" {
			t.Errorf("and no more: %q", got)
		}
	})
}

// Who cannot be asked has muted nothing, and nobody is asked while there is nobody to wake.
func TestMuteUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newMuteHouse(t)
		h.nodes.place("bob@else.example", "muted='forever'")
		h.nodes.err = errors.New("disk")
		h.say("alice@kith.example", hello)
		if got := h.told(); got != both {
			t.Errorf("without the nodes: %q", got)
		}
		h.nodes.err = nil
		for _, client := range []string{"web", "app"} {
			h.SignIn("alice/"+client, module.Login{Client: client, At: routertest.Start}).Send(`<presence/>`)
		}
		h.Settle()
		h.nodes.asked = 0
		h.say("alice@kith.example", hello)
		if got := h.told(); got != "" || h.nodes.asked != 0 {
			t.Errorf("woken: %q, asked %d times", got, h.nodes.asked)
		}
	})
}

// Whatever clients have put on the nodes, somebody is told.
func FuzzMute(f *testing.F) {
	for _, seed := range []string{"", "<chat xmlns='kith:chats:0' muted='forever'/>", "<conference xmlns='urn:xmpp:bookmarks:1'><extensions/></conference>", "<", "&"} {
		f.Add(seed, "@ally")
	}
	f.Fuzz(func(t *testing.T, payload, text string) {
		n := &nodes{}
		n.set("kith:chats:0", "bob@else.example", payload)
		n.set("urn:xmpp:bookmarks:1", "bob@else.example", payload)
		n.set("http://jabber.org/protocol/nick", "x", payload)
		if v := push.Hear(t, n, fmt.Sprintf("%.2000s", text)); v < 0 || v > 2 {
			t.Errorf("as loudly as %d", v)
		}
	})
}
