package vcard_test

import (
	"bytes"
	"context"
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"image"
	"image/color"
	"image/png"
	"log/slog"
	"strings"
	"testing"

	"kith/internal/clock"
	"kith/internal/stanza"
	"kith/server/caps"
	"kith/server/module"
	"kith/server/presence"
	"kith/server/pubsub"
	"kith/server/roster"
	"kith/server/router/routertest"
	"kith/server/store"
	"kith/server/store/storetest"
	"kith/server/vcard"
	"kith/server/xep"
)

// contacts joins what roster and presence know, as the server's list of parts does.
type contacts struct {
	*roster.Roster
	*presence.Presence
}

func (c contacts) Register(r *module.Registry) {
	c.Roster.Register(r)
	c.Presence.Register(r)
}

type house struct {
	*routertest.House
	roster *roster.Roster
	t      *testing.T
}

func newHouse(t *testing.T, db *store.DB) *house {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	r := roster.New(routertest.Domain, db.Roster(), nil, log, roster.DefaultConfig())
	p := presence.New(routertest.Domain, r, r, log, presence.DefaultConfig())
	nodes := pubsub.New(db.PubSub(), contacts{r, p}, caps.New(100, xep.CapsVer), clock.NewFake(routertest.Start), log, pubsub.DefaultConfig())
	cards := vcard.New(nodes, p, r, db.VCards(), log, vcard.Config{MaxPicture: 4096, MaxText: 2048})
	h := &house{House: routertest.New(t, contacts{r, p}, nodes, cards, &xep.Disco{Contacts: r}), roster: r, t: t}
	r.Connect(h.Accounts, h.Router)
	return h
}

func (h *house) befriend(x, y string) {
	h.t.Helper()
	h.Add(x, y)
	if err := h.roster.Introduce(context.Background(), x, y); err != nil {
		h.t.Fatal(err)
	}
}

func expect(t *testing.T, what string, st *stanza.Stanza, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(st.String(), w) {
			t.Errorf("%s: no %s in\n%s", what, w, st)
		}
	}
}

func lacks(t *testing.T, what string, st *stanza.Stanza, not ...string) {
	t.Helper()
	for _, w := range not {
		if strings.Contains(st.String(), w) {
			t.Errorf("%s: %s in\n%s", what, w, st)
		}
	}
}

// painting is a picture with its base64 and its hash.
type painting struct{ text, hash string }

func paint(t *testing.T, shade uint8) painting {
	t.Helper()
	img := image.NewGray(image.Rect(0, 0, 3, 5))
	img.Set(1, 1, color.Gray{Y: shade})
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	sum := sha1.Sum(b.Bytes())
	return painting{base64.StdEncoding.EncodeToString(b.Bytes()), hex.EncodeToString(sum[:])}
}

const (
	pubsubNS = "http://jabber.org/protocol/pubsub"
	get      = `<iq type='get' id='get'><vCard xmlns='vcard-temp'/></iq>`
	ok       = `type='result'`
	none     = `<x xmlns='vcard-temp:x:update'><photo/></x>`
)

func getOf(who string) string {
	return `<iq type='get' id='get' to='` + who + `@kith.example'><vCard xmlns='vcard-temp'/></iq>`
}

func set(inner string) string {
	return `<iq type='set' id='set'><vCard xmlns='vcard-temp'>` + inner + `</vCard></iq>`
}

func (p painting) photo() string {
	return `<PHOTO><TYPE>image/jpeg</TYPE><BINVAL>` + p.text[:20] + "\n " + p.text[20:] + `</BINVAL></PHOTO>`
}

func (p painting) update() string {
	return `<x xmlns='vcard-temp:x:update'><photo>` + p.hash + `</photo></x>`
}

func publish(node, id, payload, access string) string {
	options := ""
	if access != "" {
		options = `<publish-options><x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE' type='hidden'><value>` + pubsubNS +
			`#publish-options</value></field><field var='pubsub#access_model'><value>` + access + `</value></field></x></publish-options>`
	}
	return `<iq type='set' id='pub'><pubsub xmlns='` + pubsubNS + `'><publish node='` + node + `'><item id='` + id + `'>` + payload +
		`</item></publish>` + options + `</pubsub></iq>`
}

func (p painting) data(access string) string {
	return publish("urn:xmpp:avatar:data", p.hash, `<data xmlns='urn:xmpp:avatar:data'>`+p.text+`</data>`, access)
}

func (p painting) metadata(access string) string {
	return publish("urn:xmpp:avatar:metadata", p.hash, `<metadata xmlns='urn:xmpp:avatar:metadata'>`+
		`<info bytes='99' id='a94a8fe5ccb19ba61c4c0873d391e987982fbbd3' type='image/gif' url='https://example.org/a.gif'/>`+
		`<info bytes='99' id='`+p.hash+`' type='image/png'/></metadata>`, access)
}

func items(who, node string) string {
	return `<iq type='get' id='items' to='` + who + `@kith.example'><pubsub xmlns='` + pubsubNS + `'><items node='` + node + `'/></pubsub></iq>`
}

// seen waits for presence that somebody broadcasts.
func seen(t *testing.T, c *routertest.Client, from string) *stanza.Stanza {
	t.Helper()
	return waitPresence(t, c, from, true)
}

// probed waits for presence that a client was told of when it came.
func probed(t *testing.T, c *routertest.Client, from string) *stanza.Stanza {
	t.Helper()
	return waitPresence(t, c, from, false)
}

func waitPresence(t *testing.T, c *routertest.Client, from string, broadcast bool) *stanza.Stanza {
	t.Helper()
	return c.Wait(t, "presence of "+from, func(st *stanza.Stanza) bool {
		return st.Kind == stanza.Presence && st.From.String() == from && st.Type == stanza.Available && st.To.IsBare() == broadcast
	})
}

// What a client of vcard-temp sets it gets back, the unknown included; others get what they may read.
func TestText(t *testing.T) {
	h := newHouse(t, storetest.Open(t))
	h.befriend("alice", "bob")
	a, b, c := h.Bind("alice/x"), h.Bind("bob/x"), h.Bind("carol/x")
	expect(t, "none yet", a.Ask(get), ok, `<vCard xmlns='vcard-temp'></vCard>`)
	expect(t, "none yet, for a contact", b.Ask(getOf("alice")), ok, `<vCard xmlns='vcard-temp'></vCard>`)
	expect(t, "none yet, for a stranger", c.Ask(getOf("alice")), `<service-unavailable`)
	expect(t, "nobody", c.Ask(getOf("nobody")), `<service-unavailable`)

	const text = `<FN>Alice &amp; Co</FN><TEL><HOME/><NUMBER>1</NUMBER></TEL><X-FOO a='b'>kept</X-FOO>`
	expect(t, "set", a.Ask(set(text)), ok)
	expect(t, "own", a.Ask(get), `<vCard xmlns='vcard-temp'>`+text+`</vCard>`)
	expect(t, "of a contact", b.Ask(getOf("alice")), text, `from='alice@kith.example'`)
	expect(t, "of a stranger", c.Ask(getOf("alice")), `<service-unavailable`)
	expect(t, "as vCard4", b.Ask(items("alice", "urn:xmpp:vcard4")), `<fn><text>Alice &amp; Co</text></fn><tel><parameters><type><text>home</text></type></parameters><text>1</text></tel>`)
	expect(t, "by somebody else", b.Ask(strings.Replace(set(text), "<iq ", "<iq to='alice@kith.example' ", 1)), `<service-unavailable`)

	// The master copy changes, and is what counts from then on.
	expect(t, "vCard4", a.Ask(publish("urn:xmpp:vcard4", "mine", `<vcard xmlns='urn:ietf:params:xml:ns:vcard-4.0'><fn><text>Al</text></fn></vcard>`, "")), ok)
	st := b.Ask(getOf("alice"))
	expect(t, "converted", st, `<vCard xmlns='vcard-temp'><FN>Al</FN></vCard>`)
	expect(t, "set again", a.Ask(set(`<FN>A</FN>`)), ok)
	expect(t, "one item", a.Ask(items("alice", "urn:xmpp:vcard4")), `<item id='mine'>`)
	expect(t, "emptied", a.Ask(set("")), ok)
	expect(t, "after that", a.Ask(get), `<vCard xmlns='vcard-temp'></vCard>`)
	if got := a.Ask(items("alice", "urn:xmpp:vcard4")).String(); strings.Contains(got, "<item ") {
		t.Errorf("still there: %s", got)
	}
}

// From personal eventing to the vCard (XEP-0398 section 3.1).
func TestPictureFromPEP(t *testing.T) {
	h := newHouse(t, storetest.Open(t))
	h.befriend("alice", "bob")
	p := paint(t, 1)
	a, b, c := h.Bind("alice/x"), h.Bind("bob/x"), h.Bind("carol/x")
	b.Send(`<presence/>`)
	seen(t, b, "bob@kith.example/x")
	a.Send(`<presence/>`)
	lacks(t, "without a picture", seen(t, b, "alice@kith.example/x"), "vcard-temp")
	expect(t, "disco", a.Ask(`<iq type='get' id='d' to='alice@kith.example'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>`),
		`var='urn:xmpp:pep-vcard-conversion:0'`, `var='vcard-temp'`)

	expect(t, "data", a.Ask(p.data("")), ok)
	expect(t, "metadata", a.Ask(p.metadata("")), ok)
	expect(t, "presence again", seen(t, b, "alice@kith.example/x"), p.update())
	expect(t, "own presence", a.Wait(t, "own presence", func(st *stanza.Stanza) bool {
		return strings.Contains(st.String(), p.hash) && st.Kind == stanza.Presence
	}), p.update())
	photo := `<PHOTO><TYPE>image/png</TYPE><BINVAL>` + p.text + `</BINVAL></PHOTO>`
	expect(t, "own", a.Ask(get), photo)
	expect(t, "contact", b.Ask(getOf("alice")), photo)
	expect(t, "stranger", c.Ask(getOf("alice")), `<service-unavailable`)

	// A picture that is open is seen in rooms, and nothing else of the vCard is.
	a.Ask(set(`<FN>Alice</FN>` + p.photo()))
	for _, node := range []string{"data", "metadata"} {
		expect(t, "configure", a.Ask(`<iq type='set' id='c'><pubsub xmlns='`+pubsubNS+`#owner'><configure node='urn:xmpp:avatar:`+node+`'><x xmlns='jabber:x:data' type='submit'>`+
			`<field var='FORM_TYPE' type='hidden'><value>`+pubsubNS+`#node_config</value></field><field var='pubsub#access_model'><value>open</value></field></x></configure></pubsub></iq>`), ok)
	}
	st := c.Ask(getOf("alice"))
	expect(t, "open", st, photo)
	lacks(t, "open", st, "<FN>")

	// What is not what its name says is no picture.
	bad := paint(t, 2)
	bad.hash = p.hash[1:] + "0"
	a.Ask(bad.data(""))
	a.Ask(bad.metadata(""))
	expect(t, "presence without it", seen(t, b, "alice@kith.example/x"), none)
	lacks(t, "own, bad", a.Ask(get), "<PHOTO>")

	// The order does not matter.
	q := paint(t, 3)
	a.Ask(q.metadata(""))
	a.Ask(q.data(""))
	expect(t, "another picture", seen(t, b, "alice@kith.example/x"), q.update())
	a.Ask(publish("urn:xmpp:avatar:metadata", "none", `<metadata xmlns='urn:xmpp:avatar:metadata'/>`, ""))
	expect(t, "no picture", seen(t, b, "alice@kith.example/x"), none)
	lacks(t, "own, none", a.Ask(get), "<PHOTO>")
}

// From the vCard to personal eventing (XEP-0398 section 3.2).
func TestPictureFromVCard(t *testing.T) {
	h := newHouse(t, storetest.Open(t))
	h.befriend("alice", "bob")
	p := paint(t, 1)
	a, b, c := h.Bind("alice/x"), h.Bind("bob/x"), h.Bind("carol/x")
	b.Send(`<presence/>`)
	seen(t, b, "bob@kith.example/x")
	a.Send(`<presence/>`)
	seen(t, b, "alice@kith.example/x")
	expect(t, "set", a.Ask(set(p.photo()+`<FN>Alice</FN>`)), ok)
	expect(t, "presence", seen(t, b, "alice@kith.example/x"), p.update())
	expect(t, "data", c.Ask(items("alice", "urn:xmpp:avatar:data")), `<item id='`+p.hash+`'><data xmlns='urn:xmpp:avatar:data'>`+p.text+`</data></item>`)
	expect(t, "metadata", c.Ask(items("alice", "urn:xmpp:avatar:metadata")), `<item id='`+p.hash+`'>`, `type='image/png'`, `width='3'`, `height='5'`, `id='`+p.hash+`'`)
	expect(t, "read again", a.Ask(get), `<FN>Alice</FN><PHOTO><TYPE>image/png</TYPE><BINVAL>`+p.text+`</BINVAL></PHOTO>`)
	// Unchanged, it is not announced again: the next presence is that of the next picture.
	a.Ask(set(p.photo() + `<FN>Alice the Great</FN>`))
	q := paint(t, 2)
	a.Ask(set(q.photo()))
	expect(t, "next picture", seen(t, b, "alice@kith.example/x"), q.update())
	expect(t, "without", a.Ask(set(`<FN>Alice</FN>`)), ok)
	expect(t, "presence without", seen(t, b, "alice@kith.example/x"), none)
	expect(t, "metadata without", c.Ask(items("alice", "urn:xmpp:avatar:metadata")), `<metadata xmlns='urn:xmpp:avatar:metadata'/>`)

	for what, xml := range map[string]string{
		"no base64":         set(`<PHOTO><BINVAL>%%%</BINVAL></PHOTO>`),
		"too large":         set(`<PHOTO><BINVAL>` + strings.Repeat("AAAA", 2000) + `</BINVAL></PHOTO>`),
		"too much to write": set(`<FN>` + strings.Repeat("x", 2048) + `</FN>`),
	} {
		expect(t, what, a.Ask(xml), `type='error'`)
		lacks(t, what, a.Ask(get), "<PHOTO>", "xxx")
	}
	webp := base64.StdEncoding.EncodeToString([]byte("RIFF0000WEBPVP8 and more"))
	a.Ask(set(`<PHOTO><TYPE>image/png</TYPE><BINVAL>` + webp + `</BINVAL></PHOTO>`))
	expect(t, "webp", c.Ask(items("alice", "urn:xmpp:avatar:metadata")), `type='image/webp'`)
	a.Ask(set(`<PHOTO><TYPE>text/html</TYPE><BINVAL>PGI+</BINVAL></PHOTO>`))
	lacks(t, "no picture at all", c.Ask(items("alice", "urn:xmpp:avatar:metadata")), `text/html`)
}

// What becomes of the update element in presence (XEP-0398 section 4).
func TestPresence(t *testing.T) {
	p := paint(t, 1)
	other := paint(t, 2)
	mine := p.update()
	for _, tt := range []struct{ name, sent, with, without string }{
		{"nothing", ``, mine, ``},
		{"empty update", `<x xmlns='vcard-temp:x:update'/>`, mine, none},
		{"client shows none", none, none, none},
		{"the same", strings.ToUpper(p.hash), ``, ``},
		{"another", other.update(), mine, none},
	} {
		if tt.name == "the same" {
			tt.sent = `<x xmlns='vcard-temp:x:update'><photo>` + strings.ToUpper(p.hash) + `</photo></x>`
			tt.with, tt.without = tt.sent, none
		}
		for _, picture := range []bool{true, false} {
			t.Run(tt.name, func(t *testing.T) {
				h := newHouse(t, storetest.Open(t))
				a := h.Bind("alice/x")
				want := tt.without
				if picture {
					want = tt.with
					a.Ask(p.data(""))
					a.Ask(p.metadata(""))
				}
				a.Send(`<presence><show>away</show>` + tt.sent + `</presence>`)
				a.Send(`<presence to='room@else.example/alice'>` + tt.sent + `</presence>`)
				a.Send(`<presence to='room@else.example/alice' type='unavailable'>` + tt.sent + `</presence>`)
				st := seen(t, a, "alice@kith.example/x")
				if got := strings.TrimPrefix(st.Inner(), "<show>away</show>"); got != want {
					t.Errorf("broadcast %s\nwant %s", got, want)
				}
				direct := h.Away.Wait(t, "directed presence", func(st *stanza.Stanza) bool { return st.Type == stanza.Available })
				if direct.Inner() != want {
					t.Errorf("directed %s\nwant %s", direct.Inner(), want)
				}
				bye := h.Away.Wait(t, "unavailable", func(st *stanza.Stanza) bool { return st.Type == stanza.Unavailable })
				if bye.Inner() != tt.sent {
					t.Errorf("unavailable %s", bye.Inner())
				}
			})
		}
	}
}

// A client that shows no picture of its own accord keeps doing so; one that is silent does not.
func TestClientThatShowsNone(t *testing.T) {
	h := newHouse(t, storetest.Open(t))
	h.befriend("alice", "bob")
	b := h.Bind("bob/x")
	b.Send(`<presence/>`)
	seen(t, b, "bob@kith.example/x")
	shy, a := h.Bind("alice/shy"), h.Bind("alice/a")
	shy.Send(`<presence>` + none + `</presence>`)
	a.Send(`<presence><x xmlns='vcard-temp:x:update'/></presence>`)
	expect(t, "shy", seen(t, b, "alice@kith.example/shy"), none)
	expect(t, "ready for a picture", seen(t, b, "alice@kith.example/a"), none)
	p := paint(t, 1)
	a.Ask(set(p.photo()))
	expect(t, "now it has one", seen(t, b, "alice@kith.example/a"), p.update())
	// A contact that comes later gets both from memory.
	late := h.Bind("bob/late")
	late.Send(`<presence/>`)
	expect(t, "shy, later", probed(t, late, "alice@kith.example/shy"), none)
	expect(t, "later", probed(t, late, "alice@kith.example/a"), p.update())
}

// All of it outlives the server.
func TestPersistence(t *testing.T) {
	db := storetest.Open(t)
	p := paint(t, 1)
	h := newHouse(t, db)
	h.Bind("alice/x").Ask(set(`<FN>Alice</FN><X-FOO/>` + p.photo()))
	h = newHouse(t, db)
	a := h.Bind("alice/x")
	a.Send(`<presence/>`)
	expect(t, "presence", seen(t, a, "alice@kith.example/x"), p.update())
	expect(t, "vCard", a.Ask(get), `<FN>Alice</FN><X-FOO/><PHOTO>`, p.text)
	if err := db.VCards().RemoveAccount(t.Context(), "alice"); err != nil {
		t.Fatal(err)
	}
	if text, err := db.VCards().VCard(t.Context(), "alice"); text != "" || err != nil {
		t.Errorf("left: %q %v", text, err)
	}
}
