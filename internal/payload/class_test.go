package payload

import (
	"errors"
	"strings"
	"testing"
	"time"

	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/internal/xmltree"
)

const (
	hNoStore   = "<no-store xmlns='urn:xmpp:hints'/>"
	hNoPerm    = "<no-permanent-store xmlns='urn:xmpp:hints'/>"
	hNoCopy    = "<no-copy xmlns='urn:xmpp:hints'/>"
	hStore     = "<store xmlns='urn:xmpp:hints'/>"
	private    = "<private xmlns='urn:xmpp:carbons:2'/>"
	composing  = "<composing xmlns='http://jabber.org/protocol/chatstates'/>"
	body       = "<body>Hello</body>"
	omemo      = "<encrypted xmlns='eu.siacs.conversations.axolotl'><header sid='1'><iv>AA==</iv></header><payload>AA==</payload></encrypted>"
	transport  = "<encrypted xmlns='urn:xmpp:omemo:2'><header sid='1'/></encrypted>"
	receipt    = "<received xmlns='urn:xmpp:receipts' id='1'/>"
	proposal   = "<propose xmlns='urn:xmpp:jingle-message:0' id='1'/>"
	mucMark    = "<x xmlns='http://jabber.org/protocol/muc#user'/>"
	mucInvite  = "<x xmlns='http://jabber.org/protocol/muc#user'><invite to='a@b'/></x>"
	mucDecline = "<x xmlns='http://jabber.org/protocol/muc#user'><decline to='a@b'/></x>"
	strange    = "<thing xmlns='urn:example:thing'/>"
	shim       = "<headers xmlns='http://jabber.org/protocol/shim'/>"
	event      = "<event xmlns='http://jabber.org/protocol/pubsub#event'/>"
	carbon     = "<received xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client' type='chat'>%</message></forwarded></received>"
)

func TestClassify(t *testing.T) {
	// A archived, O offline, C copied, U urgent, W worthy, M occupant, I instant
	for _, c := range []struct {
		name  string
		typ   stanza.Type
		inner string
		want  string
	}{
		{"chat with a body", stanza.Chat, body, "AOCUWI"},
		{"normal with a body", stanza.Normal, body, "AOCUWI"},
		{"empty body", stanza.Chat, "<body/>", "AOCUWI"},
		{"subject alone", stanza.Normal, "<subject>Hi</subject>", "AOCUW"},
		{"headline", stanza.Headline, body, "UI"},
		{"headline to be kept", stanza.Headline, body + hStore, "AUI"},
		{"groupchat", stanza.Groupchat, body + hStore, "UI"},
		{"groupchat without content", stanza.Groupchat, composing, ""},
		{"error with all it answers", stanza.Error, body + hStore, ""},
		{"nothing at all", stanza.Chat, "", "C"},
		{"nothing at all, normal", stanza.Normal, "", ""},
		{"thread alone", stanza.Chat, "<thread>1</thread>", "C"},

		{"chat state", stanza.Chat, composing, "C"},
		{"chat state with a thread and hints", stanza.Chat, composing + "<thread>1</thread>" + hNoStore, "C"},
		{"chat state in a normal message", stanza.Normal, composing, "C"},
		{"chat state with a body", stanza.Chat, "<active xmlns='http://jabber.org/protocol/chatstates'/>" + body, "AOCUWI"},

		{"OMEMO", stanza.Chat, omemo, "AOCUWI"},
		{"OMEMO, normal", stanza.Normal, omemo, "AOCUWI"},
		{"OMEMO without payload", stanza.Chat, transport, "AOCUW"},
		{"EME alone", stanza.Chat, "<encryption xmlns='urn:xmpp:eme:0' namespace='urn:example:enc'/>", "AOCUW"},

		{"receipt", stanza.Chat, receipt, "AOCW"},
		{"receipt, normal", stanza.Normal, receipt, "AOCW"},
		{"request for a receipt alone", stanza.Normal, "<request xmlns='urn:xmpp:receipts'/>", ""},
		{"displayed", stanza.Normal, "<displayed xmlns='urn:xmpp:chat-markers:0' id='1'/>", "AOCW"},
		{"markable alone", stanza.Normal, "<markable xmlns='urn:xmpp:chat-markers:0'/>", ""},
		{"reactions", stanza.Chat, "<reactions xmlns='urn:xmpp:reactions:0' id='1'/>", "AOCW"},
		{"retraction", stanza.Chat, "<retract xmlns='urn:xmpp:message-retract:1' id='1'/>", "AOCW"},
		{"correction", stanza.Chat, "<replace xmlns='urn:xmpp:message-correct:0' id='1'/>" + body, "AOCUW"},
		{"call", stanza.Chat, proposal, "AOCUW"},
		{"call answered elsewhere", stanza.Chat, "<accept xmlns='urn:xmpp:jingle-message:0' id='1'/>", "AOCUW"},
		{"invitation", stanza.Normal, mucInvite, "AOCUW"},
		{"invitation refused", stanza.Normal, mucDecline, "AOCW"},
		{"direct invitation", stanza.Normal, "<x xmlns='jabber:x:conference' jid='a@b'/>", "AOCUWI"},
		{"private message in a room", stanza.Chat, body + mucMark, "AOCUWM"},
		{"news of a room", stanza.Normal, mucMark, "OWM"},

		{"something unknown, chat", stanza.Chat, strange, "OCW"},
		{"something unknown, normal", stanza.Normal, strange, "OW"},
		{"something unknown to be kept", stanza.Normal, strange + hStore, "AOW"},
		{"event", stanza.Normal, event + shim, ""},
		{"a name of no meaning in a known namespace", stanza.Normal, "<foo xmlns='urn:xmpp:receipts'/>", "OW"},
		{"foreign body", stanza.Normal, "<body xmlns='urn:example:thing'>x</body>", "OW"},

		{"no-store", stanza.Chat, body + hNoStore, "CUWI"},
		{"no-permanent-store", stanza.Chat, body + hNoPerm, "OCUWI"},
		{"both ways", stanza.Chat, body + hNoStore + hStore, "CUWI"},
		{"off the record against store", stanza.Chat, body + hNoPerm + hStore, "OCUWI"},
		{"no-copy", stanza.Chat, body + hNoCopy, "AOUWI"},
		{"private", stanza.Chat, body + private, "AOUWI"},
		{"store alone", stanza.Chat, hStore, "AOCW"},
		{"a hint of another namespace", stanza.Chat, body + "<no-store xmlns='urn:example:hints'/>", "AOCUWI"},

		{"result of the archive", stanza.Normal, "<result xmlns='urn:xmpp:mam:2' id='1'/>", "U"},
		{"copy of something urgent", stanza.Chat, strings.Replace(carbon, "%", body, 1), "CU"},
		{"copy of a chat state", stanza.Chat, strings.Replace(carbon, "%", composing, 1), "C"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := Classify(stanza.New(stanza.Header{Kind: stanza.Message, Type: c.typ}, c.inner))
			if s := letters(got); s != c.want {
				t.Errorf("got %q, want %q", s, c.want)
			}
		})
	}
	if got := Classify(stanza.New(stanza.Header{Kind: stanza.Presence}, body)); got != 0 {
		t.Errorf("a presence has class %q", letters(got))
	}
}

func letters(c Class) string {
	var b strings.Builder
	for _, x := range []struct {
		is     bool
		letter byte
	}{
		{c.Archived(), 'A'},
		{c.Offline(), 'O'},
		{c.Copied(), 'C'},
		{c.Urgent(), 'U'},
		{c.Worthy(), 'W'},
		{c.Occupant(), 'M'},
		{c.Instant(), 'I'},
	} {
		if x.is {
			b.WriteByte(x.letter)
		}
	}
	return b.String()
}

func TestTime(t *testing.T) {
	at := time.Date(2026, 11, 23, 1, 2, 3, 4_567_000, time.FixedZone("", 3600))
	s := Time(at)
	if s != "2026-11-23T00:02:03.004Z" {
		t.Errorf("wrote %q", s)
	}
	back, err := ParseTime(s)
	if err != nil || !back.Equal(at.Truncate(time.Millisecond)) {
		t.Errorf("read %v, %v", back, err)
	}
	for in, want := range map[string]string{
		"1969-07-20T21:56:15-05:00":       "1969-07-21T02:56:15.000Z",
		"1969-07-21T02:56:15Z":            "1969-07-21T02:56:15.000Z",
		" 2010-08-07T00:00:00.123456789Z": "2010-08-07T00:00:00.123Z",
	} {
		if got, err := ParseTime(in); err != nil || Time(got) != want {
			t.Errorf("%q: %v, %v", in, got, err)
		}
	}
	for _, bad := range []string{"", "2010-08-07", "2010-08-07T00:00:00", "20100807T00:00:00", "2010-13-07T00:00:00Z", "yesterday"} {
		if _, err := ParseTime(bad); !errors.Is(err, ErrTime) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestForwarded(t *testing.T) {
	st := stanza.New(stanza.Header{Kind: stanza.Message, Type: stanza.Chat, ID: "1"}, body+omemo)
	w := xmltree.NewWriter(0)
	Forwarded(w, st.String(), time.UnixMilli(0))
	e, err := xmltree.Parse(w.String(), xmltree.Limits{Bytes: 1 << 16, Elements: 100, Depth: 10, Attrs: 10}, xmltree.Scope{})
	if err != nil {
		t.Fatal(err)
	}
	m := e.Child(ns.Client, "message")
	if m.Attr("id") != "1" || m.ChildText(ns.Client, "body") != "Hello" || m.Child(ns.OMEMOLegacy, "encrypted").IsZero() {
		t.Errorf("forwarded as %s", w)
	}
	if got := e.Child(ns.Delay, "delay").Attr("stamp"); got != "1970-01-01T00:00:00.000Z" {
		t.Errorf("stamp %q", got)
	}
}

func BenchmarkClassify(b *testing.B) {
	st := stanza.New(stanza.Header{Kind: stanza.Message, Type: stanza.Chat}, omemo+"<encryption xmlns='urn:xmpp:eme:0'/><body>fallback</body>"+hStore+"<origin-id xmlns='urn:xmpp:sid:0' id='1'/><request xmlns='urn:xmpp:receipts'/><markable xmlns='urn:xmpp:chat-markers:0'/>")
	st.Root()
	b.ReportAllocs()
	for range b.N {
		Classify(st)
	}
}
