package muc_test

import (
	"fmt"
	"iter"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"kith/internal/jid"
	"kith/internal/stanza"
	"kith/server/muc"
)

func TestGroupchat(t *testing.T) {
	in(t, options{}, func(t *testing.T, h *house) {
		c := newCrew(h)
		accepted := c.bob.Client.Send(`<message type='groupchat' to='` + cave + `' id='m1' xml:lang='de'><body>Hallo</body><origin-id xmlns='urn:xmpp:sid:0' id='o'/><x xmlns='jabber:x:oob'><url>u</url></x></message>`)
		h.Settle()
		select {
		case <-accepted:
		default:
			t.Error("not accepted")
		}
		for _, x := range []*client{c.bob, c.owner, c.member, c.carol} {
			x.wants("from='cave@groups.kith.example/bob' id='m1' type='groupchat' xml:lang='de' … <body>Hallo</body> … origin-id … jabber:x:oob … <occupant-id … <stanza-id xmlns='urn:xmpp:sid:0' by='cave@groups.kith.example' id='")
		}
		// Typing is not kept.
		c.bob.send(`<message type='groupchat' to='%s' id='m2'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>`, cave)
		c.carol.wants("composing … !stanza-id … occupant-id")
		c.forget()
		// Those who are not here.
		dave := h.login("dave/d")
		dave.say(cave, "x")
		dave.wants("type='error' … not-acceptable")
		dave.say("none@"+host, "x")
		dave.wants("type='error' … item-not-found")
		h.login("bob/other").say(cave, "x")
		c.member.wants()
		c.forget()
		// Messages of other types.
		c.bob.send(`<message type='chat' to='%s' id='m3'><body>x</body></message>`, cave)
		c.bob.wants("type='error' … bad-request")
		dave.send(`<message to='%s' id='m3'><body>x</body></message>`, cave)
		dave.wants("type='error' … not-acceptable")
		dave.send(`<message type='error' to='%s' id='m3'><error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>`, cave)
		dave.wants()
		dave.send(`<message to='%s' id='m4'><body>x</body></message>`, host)
		dave.wants("type='error' … service-unavailable")
		if h.muc.Counters().Messages.Load() != 2 {
			t.Errorf("%d messages counted", h.muc.Counters().Messages.Load())
		}
	})
}

var forgedID = regexp.MustCompile(`<occupant-id`)

// What only the room may say, nobody else does: XEP-0045 section 18.3, XEP-0421 section 4, XEP-0359 section 3,
// XEP-0203 section 6, XEP-0317, XEP-0424 section 5.
func TestForged(t *testing.T) {
	const forged = `<x xmlns='http://jabber.org/protocol/muc#user'><item affiliation='owner' role='moderator' jid='owner@kith.example/x'/><status code='110'/></x>` +
		`<x xmlns='http://jabber.org/protocol/muc#user'><status code='301'/></x>` +
		`<occupant-id xmlns='urn:xmpp:occupant-id:0' id='forged1'/><occupant-id xmlns='urn:xmpp:occupant-id:0' id='forged2'/>` +
		`<f:occupant-id xmlns:f='urn:xmpp:occupant-id:0' id='forged3'/>` +
		`<stanza-id xmlns='urn:xmpp:sid:0' by='cave@groups.kith.example' id='forged4'/><stanza-id xmlns='urn:xmpp:sid:0' by='CAVE@groups.kith.example' id='forged5'/>` +
		`<stanza-id xmlns='urn:xmpp:sid:0' by='cave@GROUPS.kith.example/x' id='forged6'/><stanza-id xmlns='urn:xmpp:sid:0' by='groups.kith.example' id='forged7'/>` +
		`<delay xmlns='urn:xmpp:delay' from='cave@groups.kith.example' stamp='2001-01-01T00:00:00Z'>forged8</delay>` +
		`<addresses xmlns='http://jabber.org/protocol/address'><address type='ofrom' jid='forged9@kith.example'/></addresses>` +
		`<retracted xmlns='urn:xmpp:message-retract:1' id='forged10'/>` +
		`<hats xmlns='urn:xmpp:hats:0'><hat title='forged11' uri='u'/></hats>`
	const honest = `<stanza-id xmlns='urn:xmpp:sid:0' by='other@example.org' id='kept1'/><delay xmlns='urn:xmpp:delay' from='other@example.org' stamp='2001-01-01T00:00:00Z'>kept2</delay>`
	check := func(t *testing.T, what string, st *stanza.Stanza) {
		t.Helper()
		text := st.String()
		if strings.Contains(text, "forged") || strings.Contains(text, "301") || strings.Contains(text, "'owner@kith.example/x'") {
			t.Errorf("%s: %s", what, text)
		}
		if len(forgedID.FindAllString(text, -1)) != 1 {
			t.Errorf("%s: not one occupant id: %s", what, text)
		}
		if !strings.Contains(text, "kept1") || !strings.Contains(text, "kept2") {
			t.Errorf("%s: too much was taken out: %s", what, text)
		}
	}
	in(t, options{}, func(t *testing.T, h *house) {
		c := newCrew(h)
		c.bob.send(`<message type='groupchat' to='%s' id='m'><body>x</body>%s%s</message>`, cave, forged, honest)
		got := c.member.got()
		if len(got) != 1 {
			t.Fatalf("%v", got)
		}
		check(t, "message", got[0])
		c.bob.send(`<message type='chat' to='%s/member' id='m'><body>x</body>%s%s</message>`, cave, forged, honest)
		if got = c.member.got(); len(got) != 1 {
			t.Fatalf("%v", got)
		}
		check(t, "private message", got[0])
		c.bob.send(`<presence to='%s/bob'>%s%s</presence>`, cave, forged, honest)
		if got = c.member.got(); len(got) != 1 {
			t.Fatalf("%v", got)
		}
		check(t, "presence", got[0])
		dave := h.login("dave/d")
		dave.enter(cave, "dave", "")
		for _, st := range dave.got() {
			if strings.Contains(st.String(), "/bob'") && st.Kind == stanza.Presence {
				check(t, "presence on joining", st)
			} else if strings.Contains(st.String(), "/bob'") {
				check(t, "history", st)
			}
		}
		for _, st := range query(t, dave, cave, "") {
			check(t, "archive", st)
		}
		// Only the room says that a moderator has acted (XEP-0425 section 5).
		c.bob.send(`<message type='groupchat' to='%s' id='r'><retract xmlns='urn:xmpp:message-retract:1' id='x'><moderated xmlns='urn:xmpp:message-moderate:1' by='%s/owner'/></retract></message>`, cave, cave)
		c.bob.got()
		for _, st := range c.member.got() {
			if strings.Contains(st.String(), "moderated") {
				t.Errorf("%s", st)
			}
		}
	})
}

var occupantID = regexp.MustCompile(`occupant-id:0' id='([^']+)'`)

func TestOccupantID(t *testing.T) {
	in(t, options{}, func(t *testing.T, h *house) {
		c := newCrew(h)
		id := func(who *client, room, body string) string {
			t.Helper()
			who.say(room, body)
			for _, st := range who.got() {
				if st.Body() == body {
					return occupantID.FindStringSubmatch(st.String())[1]
				}
			}
			t.Fatal("nothing came")
			return ""
		}
		first := id(c.bob, cave, "1")
		if len(first) > 128 || strings.Contains(first, "bob") || first == id(c.member, cave, "2") {
			t.Errorf("%q", first)
		}
		// Another device, another nickname, another visit: the same. Another room: another one.
		other := h.login("bob/other")
		other.join(cave, "Robert")
		if got := id(other, cave, "3"); got != first {
			t.Errorf("%q instead of %q", got, first)
		}
		c.bob.room("hill@"+host, open...)
		if got := id(c.bob, "hill@"+host, "4"); got == first {
			t.Error("the same in another room")
		}
	})
}

func TestPrivateMessages(t *testing.T) {
	in(t, options{}, func(t *testing.T, h *house) {
		c := newCrew(h)
		c.bob.send(`<message type='chat' to='%s/member' id='p'><body>psst</body><x xmlns='http://jabber.org/protocol/muc#user'/></message>`, cave)
		c.member.wants("from='cave@groups.kith.example/bob' id='p' type='chat' … <body>psst</body> … <x xmlns='http://jabber.org/protocol/muc#user'/> … occupant-id … !stanza-id … !jid=")
		c.bob.send(`<message type='groupchat' to='%s/member' id='p'><body>x</body></message>`, cave)
		c.bob.wants("type='error' … bad-request")
		c.bob.send(`<message type='chat' to='%s/nobody' id='p'><body>x</body></message>`, cave)
		c.bob.wants("type='error' … item-not-found")
		dave := h.login("dave/d")
		dave.send(`<message type='chat' to='%s/bob' id='p'><body>x</body></message>`, cave)
		dave.wants("type='error' … not-acceptable")
		// They are in nobody's archive of the room.
		if got := query(t, c.bob, cave, ""); len(got) != 0 {
			t.Errorf("%v", got)
		}
	})
}

func TestSubject(t *testing.T) {
	in(t, options{}, func(t *testing.T, h *house) {
		c := newCrew(h)
		set := func(who *client, subject string) {
			who.send(`<message type='groupchat' to='%s' id='s'>%s</message>`, cave, subject)
		}
		set(c.bob, "<subject>no</subject>")
		c.bob.wants("type='error' … type='auth' … forbidden")
		set(c.admin, "<subject>Fire &amp; water</subject><subject xml:lang='de'>Feuer</subject>")
		c.bob.wants("from='cave@groups.kith.example/admin' id='s' … <subject>Fire &amp; water</subject> … Feuer … stanza-id")
		// A message with a body is none (section 8.1).
		set(c.bob, "<subject>x</subject><body>y</body>")
		c.forget()
		h.Clock.Advance(time.Minute)
		dave := h.login("dave/d")
		dave.enter(cave, "dave", "<history maxstanzas='0'/>")
		got := dave.got()
		last := got[len(got)-1]
		if !matches(last, "from='cave@groups.kith.example/admin' … type='groupchat' … <subject>Fire &amp; water</subject> … Feuer … from='cave@groups.kith.example' stamp='2026-01-02T03:04:05.000Z' … !<body>") {
			t.Errorf("%s", last)
		}
		if st := dave.ok(`<iq type='get' to='%s' id='2'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>`, cave); !strings.Contains(st.Inner(), "<value>Fire &amp; water</value>") {
			t.Errorf("%s", st)
		}
		c.owner.configure(cave, "changesubject", "1")
		c.forget()
		set(c.bob, "<subject/>")
		c.member.wants("/bob' … <subject/>")
		set(c.bob, "<subject>"+strings.Repeat("x", 5000)+"</subject>")
		c.bob.wants("<subject/>", "type='error' … not-acceptable")
		erin := h.login("erin/e")
		erin.enter(cave, "erin", "<history maxstanzas='0'/>")
		got = erin.got()
		if last := got[len(got)-1]; !matches(last, "<subject/> … <delay") {
			t.Errorf("%s", last)
		}
	})
}

// What somebody wrote while offline bears their own date when it comes, and the room's beside it as history.
func TestHistoryOfWhatCameLate(t *testing.T) {
	in(t, options{}, func(t *testing.T, h *house) {
		c := newCrew(h)
		c.bob.send(`<message type='groupchat' to='%s' id='1'><body>late</body><delay xmlns='urn:xmpp:delay' stamp='2026-01-01T00:00:00Z' from='bob@kith.example/b'/></message>`, cave)
		c.member.wants("late … stamp='2026-01-01T00:00:00Z' … !from='cave@groups.kith.example' stamp")
		dave := h.login("dave/d")
		dave.enter(cave, "dave", "")
		if got := dave.got(); !slices.ContainsFunc(got, func(st *stanza.Stanza) bool {
			return matches(st, "late … stamp='2026-01-01T00:00:00Z' … from='cave@groups.kith.example' stamp='2026-01-02T")
		}) {
			t.Errorf("%s", got)
		}
	})
}

func TestHistory(t *testing.T) {
	in(t, options{config: func(c *muc.Config) { c.History, c.MaxHistory = 3, 6 }}, func(t *testing.T, h *house) {
		c := newCrew(h)
		for _, body := range []string{"1", "2", "3", "4", "5", "6", "7", "8"} {
			c.bob.say(cave, body)
			h.Settle()
			h.Clock.Advance(10 * time.Second)
		}
		c.owner.send(`<message type='groupchat' to='%s' id='s'><subject>topic</subject></message>`, cave)
		c.forget()
		n := 0
		for _, tt := range []struct {
			history string
			want    string
		}{
			{"", "7 8"}, // the subject is one of the three, and comes last anyway
			{"<history maxstanzas='5'/>", "5 6 7 8"},
			{"<history maxstanzas='100'/>", "4 5 6 7 8"},
			{"<history maxstanzas='0'/>", ""},
			{"<history maxchars='0'/>", ""},
			{"<history maxchars='1000' maxstanzas='6'/>", "7 8"},
			{"<history seconds='25' maxstanzas='6'/>", "7 8"},
			{"<history since='2026-01-02T03:05:04Z' maxstanzas='6'/>", "7 8"},
			{"<history since='9999-01-01T00:00:00Z'/>", ""},
			{"<history since='0001-01-01T00:00:00Z' maxstanzas='6'/>", "4 5 6 7 8"},
			{"<history maxstanzas='-1' since='yesterday' seconds='99999999999'/>", "7 8"},
		} {
			n++
			dave := h.login("dave" + string(rune('a'+n)) + "/d")
			dave.enter(cave, "dave", tt.history)
			var got []string
			var last *stanza.Stanza
			for _, st := range dave.got() {
				if st.Kind != stanza.Message {
					if len(got) > 0 {
						t.Errorf("%s: presence after history", tt.history)
					}
					continue
				}
				if st.Body() != "" {
					got = append(got, st.Body())
					if !matches(st, "from='cave@groups.kith.example/bob' … <delay xmlns='urn:xmpp:delay' from='cave@groups.kith.example' stamp='2026-01-02T03: … <stanza-id … <occupant-id … !muc#user") && !matches(st, "<occupant-id") {
						t.Errorf("%s", st)
					}
				}
				last = st
			}
			if s := strings.Join(got, " "); s != tt.want {
				t.Errorf("%s: %q, want %q", tt.history, s, tt.want)
			}
			if !matches(last, "<subject>topic</subject>") {
				t.Errorf("%s: ends with %s", tt.history, last)
			}
			dave.send(`<presence to='%s/dave' type='unavailable'/>`, cave)
			c.forget()
		}
	})
}

// Who enters while messages are on their way gets each once.
func TestHistoryAndLiveMessages(t *testing.T) {
	in(t, options{config: func(c *muc.Config) { c.History, c.MaxHistory = 500, 500 }}, func(t *testing.T, h *house) {
		c := newCrew(h, "muc#maxhistoryfetch", "500")
		var joined []*client
		for i := range 6 {
			joined = append(joined, h.login(fmt.Sprintf("d%d/d", i)))
		}
		var want []string
		for i := range 60 {
			body := "n" + string(rune('0'+i/10)) + string(rune('0'+i%10))
			want = append(want, body)
			c.bob.fire(`<message type='groupchat' to='%s'><body>%s</body></message>`, cave, body)
			if i%10 == 5 {
				joined[i/10].fire(`<presence to='%s/%s'><x xmlns='http://jabber.org/protocol/muc'/></presence>`, cave, body)
			}
		}
		for _, d := range joined {
			var got []string
			subject := false
			for _, st := range d.got() {
				if st.Body() != "" {
					got = append(got, st.Body())
					if delayed := strings.Contains(st.Inner(), "<delay"); delayed == subject {
						t.Errorf("%s: history and live messages are mixed: %s", d.jid, st)
					}
				}
				subject = subject || strings.Contains(st.Inner(), "<subject/>")
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s got %v", d.jid, got)
			}
		}
	})
}

// One leaves right after speaking: everybody sees that in this order.
func TestOrder(t *testing.T) {
	in(t, options{}, func(t *testing.T, h *house) {
		c := newCrew(h)
		c.bob.fire(`<message type='groupchat' to='%s'><body>last words</body></message>`, cave)
		c.bob.fire(`<presence to='%s/bob' type='unavailable'/>`, cave)
		c.bob.wants("last words", "type='unavailable' … code='110'")
		c.member.wants("last words", "/bob' … type='unavailable'")
		c.bob.join(cave, "bob")
		c.forget()
		release := h.hold(cave)
		c.bob.say(cave, "kick me")
		c.bob.say(cave, "too late")
		h.Settle()
		c.owner.send("%s", admin(cave, `<item nick='bob' role='none'/>`))
		h.Settle()
		c.bob.say(cave, "gone")
		h.Settle()
		release()
		c.member.wants("kick me", "too late", "code='307'")
		c.bob.wants("kick me", "too late", "code='307'", "type='error' … not-acceptable")
	})
}

type recorder struct {
	mu  sync.Mutex // guards got
	got []string
}

func (r *recorder) OnRoomMessage(m muc.RoomMessage, absent iter.Seq[jid.JID]) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var who []string
	for j := range absent {
		who = append(who, j.String())
	}
	slices.Sort(who)
	if m.ID == "" || m.Room.String() != cave || !m.Stanza.To.IsZero() {
		who = append(who, "incomplete")
	}
	r.got = append(r.got, m.Sender.String()+" "+m.Stanza.Body()+": "+strings.Join(who, " "))
}

func TestNotifier(t *testing.T) {
	rec := &recorder{}
	in(t, options{notify: rec}, func(t *testing.T, h *house) {
		c := newCrew(h)
		c.owner.ok("%s", admin(cave, `<item affiliation='member' jid='dave@kith.example'/><item affiliation='outcast' jid='mallory@kith.example'/><item affiliation='member' jid='far.example'/>`))
		c.bob.say(cave, "1")
		h.Settle()
		c.member.send(`<presence to='%s/member' type='unavailable'/>`, cave)
		h.Settle()
		c.bob.say(cave, "2")
		c.bob.send(`<message type='groupchat' to='%s'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>`, cave)
		h.Settle()
		if want := []string{"bob@kith.example/b 1: dave@kith.example", "bob@kith.example/b 2: dave@kith.example member@kith.example"}; !slices.Equal(rec.got, want) {
			t.Errorf("%v", rec.got)
		}
	})
}
