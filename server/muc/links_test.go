package muc_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kith/internal/stanza"
	"kith/server/store/storetest"
)

const nsLink = "kith:grouplink:0"

// private is a room for members, as groups are.
var private = []string{"membersonly", "1", "whois", "anyone", "publicroom", "0"}

// lodge is a private room with an owner, an admin and a member, all in it, and others outside.
type lodge struct {
	owner, admin, member, dave, erin *client
}

func newLodge(h *house, fields ...string) *lodge {
	h.t.Helper()
	c := &lodge{h.login("owner/o"), h.login("admin/a"), h.login("member/m"), h.login("dave/d"), h.login("erin@far.example/e")}
	c.owner.room(cave, append(append([]string{}, private...), fields...)...)
	c.owner.ok("%s", admin(cave, `<item affiliation='admin' jid='admin@kith.example'/><item affiliation='member' jid='member@kith.example'/>`))
	c.admin.join(cave, "admin")
	c.member.join(cave, "member")
	c.forget()
	return c
}

func (c *lodge) forget() { forget(c.owner, c.admin, c.member, c.dave, c.erin) }

func linkIQ(kind, inner string) string {
	return `<iq type='` + kind + `' to='` + cave + `' id='link'>` + inner + `</iq>`
}

func wish(name, attrs string) string { return `<` + name + ` xmlns='` + nsLink + `' ` + attrs + `/>` }

type madeLink struct{ id, token string }

// link makes one.
func (c *client) link(attrs string) madeLink {
	c.h.t.Helper()
	p := c.ok("%s", linkIQ("set", wish("make", attrs))).Payload()
	l := madeLink{p.Attr("id"), p.Attr("token")}
	if !p.Is(nsLink, "link") || l.id == "" || len(l.token) != 22 {
		c.h.t.Fatalf("%s", p.Source())
	}
	return l
}

// links are the links of the room as an admin sees them, by their ids.
func (c *client) links() string {
	c.h.t.Helper()
	var ids []string
	for e := range c.ok("%s", linkIQ("get", wish("links", ""))).Payload().Children() {
		if e.Attr("token") != "" {
			c.h.t.Fatalf("a secret in the list: %s", e.Source())
		}
		ids = append(ids, e.Attr("id")+"×"+e.Attr("uses"))
	}
	return strings.Join(ids, " ")
}

func key(token string) string { return `<password>` + token + `</password><history maxstanzas='0'/>` }

// follow enters by a link, and fails unless that makes a member.
func (c *client) follow(token string) {
	c.h.t.Helper()
	c.enter(cave, c.jid.Local(), key(token))
	for _, st := range c.got() {
		if matches(st, "<presence … affiliation='member' … code='110' … !type='error'") {
			return
		}
	}
	c.h.t.Fatalf("%s did not get in by the link", c.jid)
}

// kept fails unless somebody who tries a link is told what everybody is who does not belong to the room.
func (c *client) kept(condition, extra string) {
	c.h.t.Helper()
	c.enter(cave, c.jid.Local(), extra)
	c.wants("type='error' … " + condition + " … from='" + cave)
}

func TestLinkLetsIn(t *testing.T) {
	in(t, options{}, func(t *testing.T, h *house) {
		c := newLodge(h, "roomname", "The cave", "roomdesc", "Dark &amp; warm")
		l := c.admin.link("")
		c.dave.kept("registration-required", "")
		look := linkIQ("get", wish("look", `token='`+l.token+`'`))
		if st := c.dave.ok("%s", look); !matches(st, "<group xmlns='"+nsLink+"' name='The cave' people='3'><description>Dark &amp; warm</description></group>") {
			t.Errorf("%s", st)
		}
		// A secret says nothing to who only asks what there is.
		if st := c.dave.ok(`<iq type='get' to='%s' id='d'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>`, cave); !matches(st, "!The cave … var='"+nsLink+"'") {
			t.Errorf("%s", st)
		}
		c.dave.enter(cave, "dave", key(l.token))
		if got := c.dave.got(); len(got) < 4 || !matches(got[3], "/dave' … affiliation='member' … jid='dave@kith.example/d' … code='100' … code='110'") {
			t.Errorf("%v", got)
		}
		for _, x := range []*client{c.owner, c.admin, c.member} {
			x.wants("/dave' … affiliation='member' … jid='dave@kith.example/d'")
		}
		// Also of another server, and also a device more of somebody whom it has let in.
		c.erin.follow(l.token)
		h.login("dave/tablet").join(cave, "dave")
		if got, want := c.owner.links(), l.id+"×2"; got != want {
			t.Errorf("links %s, want %s", got, want)
		}
		c.forget()
		// Who belongs to the room does so without the link from now on, and whatever becomes of it.
		c.owner.ok("%s", linkIQ("set", wish("revoke", `id='`+l.id+`'`)))
		if got := c.owner.links(); got != "" {
			t.Errorf("links %s", got)
		}
		c.dave.send(`<presence to='%s/dave' type='unavailable'/>`, cave)
		c.dave.got()
		c.dave.join(cave, "dave")
		c.dave.say(cave, "hello")
		c.erin.got()
		frank := h.login("frank/f")
		frank.kept("registration-required", key(l.token))
		frank.refused(stanza.RegistrationRequired, "%s", look)
		// Members see what they belong to, whatever they hold.
		c.member.ok("%s", linkIQ("get", wish("look", `token='x'`)))
	})
}

func TestLinkEnds(t *testing.T) {
	in(t, options{}, func(t *testing.T, h *house) {
		c := newLodge(h)
		const none = "registration-required"
		// Its time is over: a week where nobody says otherwise.
		l := c.owner.link("")
		h.Clock.Advance(7*24*time.Hour - time.Second)
		c.dave.ok("%s", linkIQ("get", wish("look", `token='`+l.token+`'`)))
		h.Clock.Advance(time.Second)
		c.dave.kept(none, key(l.token))
		if got := c.owner.links(); got != "" {
			t.Errorf("links %s", got)
		}
		c.owner.refused(stanza.ItemNotFound, "%s", linkIQ("set", wish("renew", `id='`+l.id+`'`)))
		// It was renewed in time.
		l = c.owner.link("seconds='60'")
		h.Clock.Advance(59 * time.Second)
		if st := c.admin.ok("%s", linkIQ("set", wish("renew", `id='`+l.id+`' seconds='3600'`))); !matches(st, "<link xmlns='"+nsLink+"' id='"+l.id+"' … !token") {
			t.Errorf("%s", st)
		}
		h.Clock.Advance(59 * time.Minute)
		c.owner.refused(stanza.BadRequest, "%s", linkIQ("set", wish("renew", `id='`+l.id+`' seconds='59'`)))
		c.owner.ok("%s", linkIQ("set", wish("renew", `id='`+l.id+`'`)))
		h.Clock.Advance(59 * time.Minute)
		c.dave.follow(l.token)
	})
}

func TestLinkIsUsedUp(t *testing.T) {
	in(t, options{}, func(t *testing.T, h *house) {
		c := newLodge(h)
		l := c.owner.link("max='1'")
		// What does not lead in is not counted: a nickname that somebody has, looking.
		c.dave.enter(cave, "member", key(l.token))
		c.dave.wants("type='error' … conflict")
		c.dave.ok("%s", linkIQ("get", wish("look", `token='`+l.token+`'`)))
		c.dave.follow(l.token)
		c.erin.kept("registration-required", key(l.token))
		if got := c.owner.links(); got != "" {
			t.Errorf("links %s", got)
		}
	})
}

// Who may hand out links, and to what.
func TestLinkRights(t *testing.T) {
	in(t, options{}, func(t *testing.T, h *house) {
		c := newLodge(h)
		l := c.owner.link("")
		for _, x := range []*client{c.member, c.dave, c.erin} {
			for _, xml := range []string{
				linkIQ("get", wish("links", "")), linkIQ("set", wish("make", "")), linkIQ("set", wish("renew", `id='`+l.id+`'`)), linkIQ("set", wish("revoke", `id='`+l.id+`'`)),
			} {
				x.refused(stanza.Forbidden, "%s", xml)
			}
		}
		for _, attrs := range []string{`seconds='59'`, `seconds='-1'`, `seconds='31536001'`, `seconds='9999999999999'`, `seconds='x'`, `max='0'`, `max='-1'`, `max='x'`, `max='5001'`} {
			c.owner.refused(stanza.BadRequest, "%s", linkIQ("set", wish("make", attrs)))
		}
		c.owner.refused(stanza.ItemNotFound, "%s", linkIQ("set", wish("revoke", `id='`+l.token+`'`)))
		c.owner.refused(stanza.ServiceUnavailable, "%s", linkIQ("get", wish("make", "")))
		c.owner.refused(stanza.ServiceUnavailable, "%s", linkIQ("set", wish("look", `token='`+l.token+`'`)))
		for range 9 {
			c.admin.link("")
		}
		c.admin.refused(stanza.ResourceConstraint, "%s", linkIQ("set", wish("make", "")))
		// Where everybody may enter, and where there is a password, no link leads.
		c.owner.configure(cave, "membersonly", "0")
		c.owner.refused(stanza.NotAllowed, "%s", linkIQ("set", wish("make", "")))
		c.owner.configure(cave, "membersonly", "1", "passwordprotectedroom", "1", "roomsecret", "sesame")
		c.owner.refused(stanza.NotAllowed, "%s", linkIQ("set", wish("make", "")))
		c.forget()
		c.dave.kept("registration-required", key(l.token))
		c.dave.kept("registration-required", key("sesame"))
		// A child hands out none, whatever it is in the room.
		c.owner.configure(cave, "passwordprotectedroom", "0")
		h.policy.mu.Lock()
		h.policy.alone = map[string]bool{"admin": true}
		h.policy.mu.Unlock()
		c.admin.refused(stanza.Forbidden, "%s", linkIQ("set", wish("make", "")))
	})
}

// A link opens nothing to who was banned, may not be there, or was sent out.
func TestLinkAndWhoIsNotWanted(t *testing.T) {
	in(t, options{}, func(t *testing.T, h *house) {
		c := newLodge(h)
		l := c.owner.link("")
		c.owner.ok("%s", admin(cave, `<item affiliation='outcast' jid='dave@kith.example'/><item affiliation='outcast' jid='far.example'/>`))
		c.forget()
		look := linkIQ("get", wish("look", `token='`+l.token+`'`))
		for _, x := range []*client{c.dave, c.erin} {
			x.kept("forbidden", key(l.token))
			x.refused(stanza.Forbidden, "%s", look)
		}
		h.policy.mu.Lock()
		h.policy.join["ben"] = false
		h.policy.mu.Unlock()
		ben := h.login("ben/b")
		ben.kept("forbidden", key(l.token))
		ben.refused(stanza.Forbidden, "%s", look)
		if got, want := c.owner.links(), l.id+"×0"; got != want {
			t.Errorf("links %s, want %s", got, want)
		}
		// Who leaves by himself may come back by the link, who was sent out may not.
		c.owner.ok("%s", admin(cave, `<item affiliation='none' jid='dave@kith.example'/><item affiliation='none' jid='far.example'/>`))
		c.member.ok(`<iq type='set' to='%s' id='r'><query xmlns='jabber:iq:register'><remove/></query></iq>`, cave)
		c.forget()
		c.dave.follow(l.token)
		c.member.follow(l.token)
		c.forget()
		c.admin.ok("%s", admin(cave, `<item affiliation='none' jid='dave@kith.example'/>`))
		c.forget()
		c.dave.kept("registration-required", key(l.token))
		c.dave.refused(stanza.RegistrationRequired, "%s", look)
		other := c.owner.link("")
		c.dave.kept("registration-required", key(other.token))
		// Until somebody lets him in again, or no link is left that he may know.
		c.admin.ok("%s", admin(cave, `<item affiliation='member' jid='dave@kith.example'/>`))
		c.dave.ok(`<iq type='set' to='%s' id='r'><query xmlns='jabber:iq:register'><remove/></query></iq>`, cave)
		c.forget()
		c.dave.follow(l.token)
		c.admin.ok("%s", admin(cave, `<item affiliation='none' jid='dave@kith.example'/>`))
		for _, x := range []madeLink{l, other} {
			c.owner.ok("%s", linkIQ("set", wish("revoke", `id='`+x.id+`'`)))
		}
		fresh := c.owner.link("")
		c.forget()
		c.dave.follow(fresh.token)
	})
}

// Guessing is bounded for each, and nobody is locked out by what others do.
func TestLinkGuesses(t *testing.T) {
	in(t, options{}, func(t *testing.T, h *house) {
		c := newLodge(h)
		l := c.owner.link("")
		for i := range 20 {
			if i%2 == 0 {
				c.dave.kept("registration-required", key(fmt.Sprint("guess", i)))
			} else {
				c.dave.refused(stanza.RegistrationRequired, "%s", linkIQ("get", wish("look", `token='guess'`)))
			}
		}
		// Whether it is the right one or not, it says the same.
		for _, token := range []string{"guess", l.token} {
			c.dave.kept("type='wait' … resource-constraint", key(token))
			c.dave.refused(stanza.ResourceConstraint, "%s", linkIQ("get", wish("look", `token='`+token+`'`)))
		}
		c.dave.kept("registration-required", "")
		c.erin.ok("%s", linkIQ("get", wish("look", `token='`+l.token+`'`)))
		// Many who guess do not make the room forget who it is, nor remember without end.
		for i := range 1500 {
			h.login(fmt.Sprintf("u%d@far.example/x", i)).fire("%s", linkIQ("get", wish("look", `token='guess'`)))
		}
		h.Settle()
		h.Clock.Advance(time.Hour + time.Second)
		c.dave.follow(l.token)
	})
}

// What the database did not take has not happened.
func TestLinkNotStored(t *testing.T) {
	in(t, options{}, func(t *testing.T, h *house) {
		c := newLodge(h)
		l := c.owner.link("max='1'")
		h.log.ignore = true
		h.fail.set(errors.New("disk full"))
		c.dave.kept("internal-server-error", key(l.token))
		c.owner.refused(stanza.InternalServerError, "%s", linkIQ("set", wish("make", "")))
		c.owner.refused(stanza.InternalServerError, "%s", linkIQ("set", wish("revoke", `id='`+l.id+`'`)))
		c.owner.refused(stanza.InternalServerError, "%s", linkIQ("set", wish("renew", `id='`+l.id+`'`)))
		h.fail.set(nil)
		if got, want := c.owner.links(), l.id+"×0"; got != want {
			t.Errorf("links %s, want %s", got, want)
		}
		c.dave.kept("registration-required", "")
		c.dave.follow(l.token)
	})
}

// Links outlive the server, and so does what they have done.
func TestLinkRestart(t *testing.T) {
	dir := t.TempDir()
	var l, pair madeLink
	var at time.Time
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, options{db: storetest.OpenDir(t, dir)})
		c := newLodge(h)
		l, pair = c.owner.link("seconds='3600'"), c.owner.link("max='2'")
		c.dave.follow(pair.token)
		c.owner.ok("%s", admin(cave, `<item affiliation='none' jid='member@kith.example'/>`))
		at = h.Clock.Now()
	})
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, options{db: storetest.OpenDir(t, dir)})
		h.Clock.Advance(at.Sub(h.Clock.Now()))
		owner, dave, erin, frank, member := h.login("owner/o"), h.login("dave/d"), h.login("erin@far.example/e"), h.login("frank/f"), h.login("member/m")
		dave.join(cave, "dave")
		member.kept("registration-required", key(l.token))
		erin.follow(pair.token)
		frank.kept("registration-required", key(pair.token))
		owner.join(cave, "owner")
		if got, want := owner.links(), l.id+"×0"; got != want {
			t.Errorf("links %s, want %s", got, want)
		}
		h.Clock.Advance(time.Hour)
		frank.kept("registration-required", key(l.token))
		// Another room of the same name has none of it.
		fresh := owner.link("")
		owner.ok(`<iq type='set' to='%s' id='x'><query xmlns='http://jabber.org/protocol/muc#owner'><destroy/></query></iq>`, cave)
		owner.got()
		owner.room(cave, private...)
		frank.kept("registration-required", key(fresh.token))
	})
}

// The database has no secret.
func TestLinkNowhereInTheDatabase(t *testing.T) {
	dir := t.TempDir()
	var l madeLink
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, options{db: storetest.OpenDir(t, dir)})
		l = newLodge(h).owner.link("")
	})
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(b), l.token) {
			t.Errorf("the secret is in %s", name)
		}
	}
}
