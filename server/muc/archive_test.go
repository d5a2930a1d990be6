package muc_test

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"kith/internal/ns"
	"kith/internal/stanza"
)

// query reads a page of an archive: the messages in the results.
func query(t testing.TB, c *client, room, inner string) []*stanza.Stanza {
	t.Helper()
	out, _ := page(t, c, room, inner)
	return out
}

func page(t testing.TB, c *client, room, inner string) (out []*stanza.Stanza, fin *stanza.Stanza) {
	t.Helper()
	c.h.Settle()
	c.got()
	c.send(`<iq type='set' to='%s' id='mam'><query xmlns='urn:xmpp:mam:2' queryid='q'>%s</query></iq>`, room, inner)
	for _, st := range c.got() {
		if st.Kind == stanza.IQ {
			fin = st
			continue
		}
		r := st.Child(ns.MAM, "result")
		if r.IsZero() {
			continue
		}
		if r.Attr("queryid") != "q" || st.From.String() != room || fin != nil {
			t.Errorf("result %s", st)
		}
		f := r.Child(ns.Forward, "forwarded")
		if f.Child(ns.Delay, "delay").IsZero() {
			t.Errorf("no date: %s", st)
		}
		m, err := stanza.Read(f.Child(ns.Client, "message"), ns.Client)
		if err != nil {
			t.Fatalf("%s: %v", st, err)
		}
		if !m.To.IsZero() {
			t.Errorf("section 6.1.2: there is a to: %s", m)
		}
		out = append(out, m)
	}
	if fin == nil || fin.Type != stanza.Result {
		t.Fatalf("the query ended with %v", fin)
	}
	return out, fin
}

func mamForm(fields ...string) string {
	var b strings.Builder
	b.WriteString(`<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>urn:xmpp:mam:2</value></field>`)
	for i := 0; i+1 < len(fields); i += 2 {
		fmt.Fprintf(&b, `<field var='%s'><value>%s</value></field>`, fields[i], fields[i+1])
	}
	return b.String() + `</x>`
}

func rsmSet(inner string) string {
	return `<set xmlns='http://jabber.org/protocol/rsm'>` + inner + `</set>`
}

var (
	firstID = regexp.MustCompile(`<first>([^<]+)</first>`)
	lastID  = regexp.MustCompile(`<last>([^<]+)</last>`)
)

func bodies(all []*stanza.Stanza) (out []string) {
	for _, st := range all {
		out = append(out, st.Body())
	}
	return out
}

// However the archive is read, it is the same sequence.
func TestArchivePaging(t *testing.T) {
	in(t, options{}, func(t *testing.T, h *house) {
		c := newCrew(h)
		rnd := rand.New(rand.NewPCG(7, 7))
		var all, bobs []string
		for n := range 75 {
			body := fmt.Sprint(n)
			who := []*client{c.bob, c.member, c.carol}[rnd.IntN(3)]
			who.say(cave, body)
			if h.Settle(); rnd.IntN(2) == 0 {
				h.Clock.Advance(time.Second)
			}
			all = append(all, body)
			if who == c.bob {
				bobs = append(bobs, body)
			}
		}
		c.forget()
		read := func(form string, size int, backward bool) (out []string) {
			at := "<before/>"
			if !backward {
				at = ""
			}
			for range 100 {
				got, fin := page(t, c.owner, cave, form+rsmSet(fmt.Sprintf("<max>%d</max>%s", size, at)))
				if backward {
					out = append(bodies(got), out...)
				} else {
					out = append(out, bodies(got)...)
				}
				if strings.Contains(fin.Inner(), "complete='true'") {
					return out
				}
				if backward {
					at = "<before>" + firstID.FindStringSubmatch(fin.Inner())[1] + "</before>"
				} else {
					at = "<after>" + lastID.FindStringSubmatch(fin.Inner())[1] + "</after>"
				}
			}
			t.Fatal("no end")
			return nil
		}
		for _, size := range []int{1, 7, 50, 100} {
			for _, backward := range []bool{false, true} {
				if got := read("", size, backward); !slices.Equal(got, all) {
					t.Errorf("pages of %d, backward %v: %v", size, backward, got)
				}
				if got := read(mamForm("with", "bob@kith.example"), size, backward); !slices.Equal(got, bobs) {
					t.Errorf("pages of %d of bob, backward %v: %v", size, backward, got)
				}
				if got := read(mamForm("with", cave+"/bob"), size, backward); !slices.Equal(got, bobs) {
					t.Errorf("pages of %d of the occupant bob, backward %v: %v", size, backward, got)
				}
			}
		}
		// By the ids that everybody got; flipped; counted.
		got, fin := page(t, c.bob, cave, rsmSet("<max>3</max>")+"<flip-page/>")
		if s := bodies(got); !slices.Equal(s, []string{"2", "1", "0"}) {
			t.Errorf("%v", s)
		}
		id := lastID.FindStringSubmatch(fin.Inner())[1]
		if got := bodies(query(t, c.bob, cave, mamForm("ids", id))); !slices.Equal(got, []string{"2"}) {
			t.Errorf("%v", got)
		}
		if got := bodies(query(t, c.bob, cave, mamForm("before-id", id))); !slices.Equal(got, []string{"0", "1"}) {
			t.Errorf("%v", got)
		}
		if _, fin := page(t, c.bob, cave, rsmSet("<max>0</max>")); !strings.Contains(fin.Inner(), "<count>75</count>") {
			t.Errorf("%s", fin)
		}
		if got := query(t, c.bob, cave, mamForm("start", "2200-01-01T00:00:00Z")); len(got) != 0 {
			t.Errorf("%v", got)
		}
		if got := query(t, c.bob, cave, mamForm("end", "0001-01-01T00:00:00Z")); len(got) != 0 {
			t.Errorf("%v", got)
		}
		if got := query(t, c.bob, cave, mamForm("start", "9999-12-31T00:00:00Z")); len(got) != 0 {
			t.Errorf("%v", got)
		}
		st := c.bob.ok(`<iq type='get' to='%s' id='1'><metadata xmlns='urn:xmpp:mam:2'/></iq>`, cave)
		if !matches(st, "<start id=' … timestamp='2026-01-02T03:04:05.000Z'/><end id='") {
			t.Errorf("%s", st)
		}
		if st := c.bob.ok(`<iq type='get' to='%s' id='1'><query xmlns='urn:xmpp:mam:2'/></iq>`, cave); !strings.Contains(st.Inner(), "before-id") {
			t.Errorf("%s", st)
		}
		ask := func(inner string) string {
			return `<iq type='set' to='` + cave + `' id='x'><query xmlns='urn:xmpp:mam:2'>` + inner + `</query></iq>`
		}
		c.bob.refused(stanza.ItemNotFound, "%s", ask(rsmSet("<after>forged</after>")))
		c.bob.refused(stanza.ItemNotFound, "%s", ask(mamForm("ids", "AAAAAAAAAAAAAAAAAAAAAA")))
		c.bob.refused(stanza.FeatureNotImplemented, "%s", ask(mamForm("colour", "red")))
		c.bob.refused(stanza.BadRequest, "%s", ask(mamForm("start", "now")))
		// Who said what is not for everybody where it is not said who somebody is.
		c.bob.refused(stanza.Forbidden, "%s", ask(mamForm("with", "carol@far.example")))
	})
}

func TestArchiveAccess(t *testing.T) {
	in(t, options{}, func(t *testing.T, h *house) {
		c := newCrew(h)
		c.bob.say(cave, "hello")
		c.forget()
		// Section 6.1.2: moderators see who it was, others do not.
		if got := query(t, c.owner, cave, ""); len(got) != 1 || !matches(got[0], "from='cave@groups.kith.example/bob' … <x xmlns='http://jabber.org/protocol/muc#user'><item affiliation='none' role='participant' jid='bob@kith.example/b'/></x>") {
			t.Errorf("%v", got)
		}
		if got := query(t, c.bob, cave, ""); len(got) != 1 || !matches(got[0], "hello … occupant-id … !muc#user … !jid=") {
			t.Errorf("%v", got)
		}
		ask := `<iq type='set' to='` + cave + `' id='x'><query xmlns='urn:xmpp:mam:2'/></iq>`
		dave, mallory := h.login("dave/d"), h.login("mallory/m")
		if got := query(t, dave, cave, ""); len(got) != 1 {
			t.Errorf("an open room: %v", got)
		}
		c.owner.ok("%s", admin(cave, `<item affiliation='outcast' jid='mallory@kith.example'/>`))
		mallory.refused(stanza.Forbidden, "%s", ask)
		c.owner.configure(cave, "passwordprotectedroom", "1", "roomsecret", "x")
		dave.refused(stanza.Forbidden, "%s", ask)
		if got := query(t, c.bob, cave, ""); len(got) != 1 {
			t.Errorf("an occupant: %v", got)
		}
		c.owner.configure(cave, "passwordprotectedroom", "0", "membersonly", "1", "whois", "anyone")
		c.bob.refused(stanza.Forbidden, "%s", ask)
		if got := query(t, c.member, cave, ""); len(got) != 1 || !matches(got[0], "jid='bob@kith.example/b'") {
			t.Errorf("a member: %v", got)
		}
		// A new member reads what was before.
		c.owner.ok("%s", admin(cave, `<item affiliation='member' jid='dave@kith.example'/>`))
		if got := query(t, dave, cave, ""); len(got) != 1 {
			t.Errorf("a new member: %v", got)
		}
		h.policy.join["dave"] = false
		dave.refused(stanza.Forbidden, "%s", ask)
		// A room that keeps nothing.
		c.owner.configure(cave, "enablearchiving", "0")
		c.member.refused(stanza.FeatureNotImplemented, "%s", ask)
		c.forget()
		c.member.say(cave, "not kept")
		c.owner.wants("not kept … !stanza-id")
		c.owner.configure(cave, "enablearchiving", "1")
		if got := bodies(query(t, c.member, cave, "")); !slices.Equal(got, []string{"hello"}) {
			t.Errorf("%v", got)
		}
	})
}

// Of a room, too, what was said in the clear can be searched (XEP-0431), by who may read it.
func TestArchiveSearch(t *testing.T) {
	in(t, options{}, func(t *testing.T, h *house) {
		c := newCrew(h)
		for i, body := range []string{"the Old station", "nothing", "another STATION"} {
			[]*client{c.bob, c.member}[i%2].say(cave, body)
			h.Settle()
		}
		c.bob.send(`<message type='groupchat' to='%s' id='e'><body>an encrypted station</body><encrypted xmlns='urn:xmpp:omemo:2'><header sid='1'/></encrypted></message>`, cave)
		c.forget()
		const field = "{urn:xmpp:fulltext:0}fulltext"
		if got := bodies(query(t, c.carol, cave, mamForm(field, "station"))); !slices.Equal(got, []string{"the Old station", "another STATION"}) {
			t.Errorf("%q", got)
		}
		if got := query(t, c.carol, cave, mamForm(field, "station old")+rsmSet("<max>1</max><before/>")); len(got) != 1 || got[0].Body() != "the Old station" || strings.Contains(got[0].String(), "jid=") {
			t.Errorf("%v", got)
		}
		if st := c.carol.ok(`<iq type='get' to='%s' id='1'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>`, cave); !matches(st, "urn:xmpp:fulltext:0") {
			t.Errorf("%s", st)
		}
		// Many at once are not all answered, and what is no search does not wait for them.
		c.carol.got()
		for i := range 20 {
			c.carol.send(`<iq type='set' to='%s' id='s%d'><query xmlns='urn:xmpp:mam:2'>%s</query></iq>`, cave, i, mamForm(field, "station"))
		}
		h.Settle()
		done, refused := 0, 0
		for _, st := range c.carol.got() {
			switch {
			case st.Kind != stanza.IQ:
			case st.Type == stanza.Result:
				done++
			case matches(st, "resource-constraint"):
				refused++
			}
		}
		if done == 0 || done+refused != 20 {
			t.Errorf("%d were answered and %d refused", done, refused)
		}
		c.owner.configure(cave, "membersonly", "1")
		c.carol.refused(stanza.Forbidden, `<iq type='set' to='%s' id='x'><query xmlns='urn:xmpp:mam:2'>%s</query></iq>`, cave, mamForm(field, "station"))
		c.owner.configure(cave, "enablearchiving", "0")
		if st := c.member.ok(`<iq type='get' to='%s' id='1'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>`, cave); matches(st, "urn:xmpp:fulltext:0") {
			t.Errorf("%s", st)
		}
	})
}

func stanzaID(st *stanza.Stanza) string {
	return regexp.MustCompile(`by='` + cave + `' id='([^']+)'`).FindStringSubmatch(st.String())[1]
}

func TestRetraction(t *testing.T) {
	in(t, options{}, func(t *testing.T, h *house) {
		c := newCrew(h)
		c.bob.say(cave, "secret")
		c.bob.say(cave, "other")
		got := c.member.got()
		id, other := stanzaID(got[0]), stanzaID(got[1])
		c.forget()
		retract := func(who *client, id string) {
			who.send(`<message type='groupchat' to='%s' id='ret'><retract xmlns='urn:xmpp:message-retract:1' id='%s'/><body>retracted</body></message>`, cave, id)
		}
		// Not by others.
		retract(c.member, id)
		c.member.wants("type='error' … forbidden")
		c.bob.wants()
		h.Clock.Advance(time.Minute)
		// Also under another nickname.
		c.bob.send(`<presence to='%s/bobby'/>`, cave)
		c.forget()
		retract(c.bob, id)
		c.member.wants("/bobby' … <retract … stanza-id")
		archive := query(t, c.owner, cave, "")
		if len(archive) != 3 || archive[0].Body() != "" ||
			!matches(archive[0], "from='cave@groups.kith.example/bob' id='m-secret' type='groupchat' … <occupant-id … <retracted xmlns='urn:xmpp:message-retract:1' stamp='2026-01-02T03:05:05.000Z' id='ret'/> … jid='bob@kith.example/b'") {
			t.Errorf("%v", archive)
		}
		if anon := query(t, c.bob, cave, ""); !matches(anon[0], "<retracted … !jid=") {
			t.Errorf("%s", anon[0])
		}
		// It is not in the history either.
		dave := h.login("dave/d")
		dave.enter(cave, "dave", "")
		for _, st := range dave.got() {
			if st.Body() == "secret" || strings.Contains(st.String(), "retracted xmlns") {
				t.Errorf("%s", st)
			}
		}
		// Twice, of nothing, of another room's: an ordinary message.
		for _, id := range []string{id, "nonsense", "AAAAAAAAAAAAAAAAAAAAAA"} {
			retract(c.bob, id)
			c.forget()
		}
		archive = query(t, c.owner, cave, "")
		if len(archive) != 6 || archive[1].Body() != "other" || !matches(archive[0], "<retracted … id='ret'") {
			t.Errorf("%v", archive)
		}
		// Nobody is somebody else by saying so, and who takes over a nickname is not who had it.
		bobs := occupantID.FindStringSubmatch(archive[2].String())[1]
		c.bob.send(`<presence to='%s/robert'/>`, cave)
		c.member.send(`<presence to='%s/bobby'/>`, cave)
		c.forget()
		c.member.send(`<message type='groupchat' to='%s' id='forged'><retract xmlns='urn:xmpp:message-retract:1' id='%s'/><occupant-id xmlns='urn:xmpp:occupant-id:0' id='%s'/></message>`, cave, other, bobs)
		c.member.wants("type='error' … forbidden")
		// A retraction stays, so that all who read the archive learn of it (XEP-0424 section 5).
		_, fin := page(t, c.owner, cave, mamForm("with", "bob@kith.example")+rsmSet("<max>3</max>"))
		retract(c.bob, lastID.FindStringSubmatch(fin.Inner())[1])
		c.forget()
		archive = query(t, c.owner, cave, "")
		if len(archive) != 7 || archive[1].Body() != "other" || !matches(archive[2], "<retract xmlns='urn:xmpp:message-retract:1' id='"+id+"'/><body>") {
			t.Errorf("%v", archive)
		}
	})
}

// With a message go its corrections, whoever takes it back, and nothing of anybody else.
func TestRetractionOfCorrections(t *testing.T) {
	in(t, options{}, func(t *testing.T, h *house) {
		c := newCrew(h)
		correct := func(who *client, of, body string) {
			who.send(`<message type='groupchat' to='%s' id='c'><body>%s</body><replace xmlns='urn:xmpp:message-correct:0' id='%s'/></message>`, cave, body, of)
			h.Settle()
		}
		c.bob.say(cave, "one")
		c.bob.say(cave, "two")
		got := c.member.got()
		one, two := stanzaID(got[0]), stanzaID(got[1])
		correct(c.bob, "m-one", "one, better")
		correct(c.member, "m-one", "somebody else's")
		correct(c.bob, "m-two", "two, better")
		c.bob.send(`<message type='groupchat' to='%s' id='r'><retract xmlns='urn:xmpp:message-retract:1' id='%s'/></message>`, cave, one)
		c.forget()
		c.admin.ok(`<iq type='set' to='%s' id='mod'><moderate xmlns='urn:xmpp:message-moderate:1' id='%s'><retract xmlns='urn:xmpp:message-retract:1'/></moderate></iq>`, cave, two)
		c.forget()
		archive := query(t, c.carol, cave, "")
		if got := bodies(archive); !slices.Equal(got, []string{"", "", "", "somebody else's", "", "", ""}) {
			t.Errorf("%q", got)
		}
		for i, want := range map[int]string{2: "<replace xmlns='urn:xmpp:message-correct:0' id='m-one'/><retracted … id='r'", 4: "id='m-two'/><retracted … <moderated"} {
			if !matches(archive[i], want) {
				t.Errorf("%d: %s", i, archive[i])
			}
		}
	})
}

func TestModeration(t *testing.T) {
	in(t, options{}, func(t *testing.T, h *house) {
		c := newCrew(h)
		c.bob.say(cave, "spam")
		c.owner.say(cave, "order")
		got := c.member.got()
		spam, order := stanzaID(got[0]), stanzaID(got[1])
		c.forget()
		moderate := func(id string) string {
			return `<iq type='set' to='` + cave + `' id='mod'><moderate xmlns='urn:xmpp:message-moderate:1' id='` + id + `'><retract xmlns='urn:xmpp:message-retract:1'/><reason>spam!</reason></moderate></iq>`
		}
		c.member.refused(stanza.Forbidden, "%s", moderate(spam))
		h.login("owner/elsewhere").refused(stanza.NotAcceptable, "%s", moderate(spam))
		c.admin.refused(stanza.ItemNotFound, "%s", moderate("nothing"))
		c.admin.refused(stanza.NotAllowed, "%s", moderate(order))
		c.admin.refused(stanza.FeatureNotImplemented, "%s", `<iq type='set' to='`+cave+`' id='mod'><moderate xmlns='urn:xmpp:message-moderate:1' id='`+spam+`'/></iq>`)
		c.forget()
		c.admin.ok("%s", moderate(spam))
		c.member.wants("type='groupchat' … from='cave@groups.kith.example' … <retract xmlns='urn:xmpp:message-retract:1' id='" + spam + "'><moderated xmlns='urn:xmpp:message-moderate:1' by='cave@groups.kith.example/admin'><occupant-id … <reason>spam!</reason></retract> … <stanza-id")
		archive := query(t, c.member, cave, "")
		if len(archive) != 3 || !matches(archive[0], "from='cave@groups.kith.example/bob' … <occupant-id … <retracted xmlns='urn:xmpp:message-retract:1' stamp=' … <moderated xmlns='urn:xmpp:message-moderate:1' by='cave@groups.kith.example/admin'> … <reason>spam!</reason></retracted> … !<body>") {
			t.Errorf("%v", archive)
		}
		if !matches(archive[2], "from='cave@groups.kith.example' … <moderated") {
			t.Errorf("%s", archive[2])
		}
		c.admin.refused(stanza.ItemNotFound, "%s", moderate(spam))
		// The room's own words cannot be moderated.
		_, fin := page(t, c.owner, cave, "")
		c.owner.refused(stanza.ItemNotFound, "%s", moderate(lastID.FindStringSubmatch(fin.Inner())[1]))
		// Nothing is said if it could not be stored.
		c.forget()
		h.log.ignore = true
		h.fail.set(fmt.Errorf("disk"))
		c.owner.refused(stanza.InternalServerError, "%s", moderate(order))
		c.member.wants()
	})
}
