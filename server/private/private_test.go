package private_test

import (
	"log/slog"
	"strings"
	"testing"

	"kith/internal/clock"
	"kith/internal/stanza"
	"kith/server/caps"
	"kith/server/module"
	"kith/server/presence"
	"kith/server/private"
	"kith/server/pubsub"
	"kith/server/roster"
	"kith/server/router/routertest"
	"kith/server/store"
	"kith/server/store/storetest"
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

func newHouse(t *testing.T, db *store.DB) *routertest.House {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	r := roster.New(routertest.Domain, db.Roster(), nil, log, roster.DefaultConfig())
	p := presence.New(routertest.Domain, r, r, log, presence.DefaultConfig())
	nodes := pubsub.New(db.PubSub(), contacts{r, p}, caps.New(100, xep.CapsVer), clock.NewFake(routertest.Start), log, pubsub.DefaultConfig())
	h := routertest.New(t, contacts{r, p}, nodes, private.New(nodes, db.Private(), log), &xep.Disco{Contacts: r})
	r.Connect(h.Accounts, h.Router)
	return h
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

const (
	pubsubNS = "http://jabber.org/protocol/pubsub"
	ok       = `type='result'`
	native   = "urn:xmpp:bookmarks:1"
	old      = "storage:bookmarks"
)

func get(inner string) string {
	return `<iq type='get' id='get'><query xmlns='jabber:iq:private'>` + inner + `</query></iq>`
}

func set(inner string) string {
	return `<iq type='set' id='set'><query xmlns='jabber:iq:private'>` + inner + `</query></iq>`
}

func storage(inner string) string {
	return `<storage xmlns='storage:bookmarks'>` + inner + `</storage>`
}

func items(node string) string {
	return `<iq type='get' id='items'><pubsub xmlns='` + pubsubNS + `'><items node='` + node + `'/></pubsub></iq>`
}

func publish(node, id, payload string) string {
	return `<iq type='set' id='pub'><pubsub xmlns='` + pubsubNS + `'><publish node='` + node + `'><item id='` + id + `'>` + payload + `</item></publish></pubsub></iq>`
}

func retract(node, id string) string {
	return `<iq type='set' id='ret'><pubsub xmlns='` + pubsubNS + `'><retract node='` + node + `'><item id='` + id + `'/></retract></pubsub></iq>`
}

func TestPrivateXML(t *testing.T) {
	db := storetest.Open(t)
	h := newHouse(t, db)
	a, b := h.Bind("alice/x"), h.Bind("bob/x")
	expect(t, "none yet", a.Ask(get(`<exodus xmlns='exodus:prefs'/>`)), ok, `<query xmlns='jabber:iq:private'><exodus xmlns='exodus:prefs'/></query>`)
	const prefs = `<exodus xmlns='exodus:prefs'><defaultnick n='1'>Hamlet &amp; Co</defaultnick></exodus>`
	expect(t, "set", a.Ask(set(prefs+`<a xmlns='other'/>`)), ok)
	expect(t, "get", a.Ask(get(`<exodus xmlns='exodus:prefs'/>`)), prefs)
	expect(t, "another's is another", b.Ask(get(`<exodus xmlns='exodus:prefs'/>`)), `<exodus xmlns='exodus:prefs'/>`)
	expect(t, "of somebody else", b.Ask(strings.Replace(get(`<exodus xmlns='exodus:prefs'/>`), "<iq ", "<iq to='alice@kith.example' ", 1)), `<service-unavailable`)
	for what, xml := range map[string]string{
		"nothing to get": get(""), "two to get": get(`<a xmlns='a'/><b xmlns='b'/>`), "nothing to set": set(""), "no namespace": set(`<a/>`),
	} {
		expect(t, what, a.Ask(xml), `<not-acceptable`)
	}
	expect(t, "too much", a.Ask(set(`<x xmlns='big'>`+strings.Repeat("x", 1<<20)+`</x><exodus xmlns='exodus:prefs'/>`)), `<resource-constraint`)
	expect(t, "unchanged", a.Ask(get(`<exodus xmlns='exodus:prefs'/>`)), prefs)

	a = newHouse(t, db).Bind("alice/x")
	expect(t, "after a restart", a.Ask(get(`<exodus xmlns='exodus:prefs'/>`)), prefs)
	if err := db.Private().RemoveAccount(t.Context(), "alice"); err != nil {
		t.Fatal(err)
	}
	lacks(t, "after the end", a.Ask(get(`<exodus xmlns='exodus:prefs'/>`)), "Hamlet")
}

// One client uses items, one the list in personal eventing, one private XML: they see the same.
func TestBookmarks(t *testing.T) {
	h := newHouse(t, storetest.Open(t))
	a := h.Bind("alice/x")
	expect(t, "disco", a.Ask(`<iq type='get' id='d' to='alice@kith.example'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>`),
		`var='urn:xmpp:bookmarks:1#compat'`, `var='urn:xmpp:bookmarks:1#compat-pep'`, `var='urn:xmpp:bookmarks-conversion:0'`)
	expect(t, "empty", a.Ask(get(storage(""))), `<storage xmlns='storage:bookmarks'></storage>`)

	// From the newest form, with what only it has.
	const more = `<extensions><pinned xmlns='urn:xmpp:bookmarks-pinning:0'/><notify xmlns='urn:xmpp:notification-settings:1'><never/></notify></extensions><x xmlns='urn:future'/>`
	expect(t, "publish", a.Ask(publish(native, "tea@groups.example", `<conference xmlns='`+native+`' name='Tea' autojoin='true' later='1'><nick>Al</nick>`+more+`</conference>`)), ok)
	const tea = `<conference jid='tea@groups.example' name='Tea' autojoin='true'><nick>Al</nick></conference>`
	expect(t, "as private XML", a.Ask(get(storage(""))), storage(tea))
	expect(t, "as a list", a.Ask(items(old)), storage(tea))

	// From private XML: one more, one with another name, and a web page.
	const coffee, url = `<conference jid='Coffee@groups.example' name='Coffee'><nick>A</nick><password>p</password></conference>`, `<url name='Kith' url='https://kith.example/'/>`
	expect(t, "set", a.Ask(set(storage(strings.Replace(tea, "Tea", "High Tea", 1)+coffee+url))), ok)
	st := a.Ask(items(native))
	expect(t, "as items", st, `<item id='tea@groups.example'>`, ` name='High Tea' autojoin='true' later='1'><nick>Al</nick>`+more,
		`<item id='coffee@groups.example'><conference xmlns='`+native+`' name='Coffee'><nick>A</nick><password>p</password></conference>`)
	expect(t, "as a list", a.Ask(items(old)), `name='High Tea'`, `Coffee`, url)

	// From the list in personal eventing: one is gone, and another joined no more.
	expect(t, "publish the list", a.Ask(publish(old, "current", storage(`<conference jid='tea@groups.example' name='High Tea'><nick>Al</nick></conference>`))), ok)
	st = a.Ask(items(native))
	expect(t, "as items", st, ` name='High Tea' later='1'><nick>Al</nick>`+more)
	lacks(t, "as items", st, "autojoin", "coffee")

	// The newest form again: what only the old one has stays.
	a.Ask(publish(old, "current", storage(`<conference jid='tea@groups.example' name='High Tea'><nick>Al</nick></conference><url url='u'/>`)))
	a.Ask(publish(native, "milk@groups.example", `<conference xmlns='`+native+`'/>`))
	expect(t, "as a list", a.Ask(items(old)), `jid='milk@groups.example'`, `<url url='u'/>`)
	a.Ask(retract(native, "tea@groups.example"))
	st = a.Ask(get(storage("")))
	expect(t, "without tea", st, `jid='milk@groups.example'`, `<url url='u'/>`)
	lacks(t, "without tea", st, "tea@")
	a.Ask(set(storage("")))
	lacks(t, "nothing left", a.Ask(items(native)), "<item ")
}

// Nobody else sees bookmarks, even if a client forgets to say so.
func TestBookmarksArePrivate(t *testing.T) {
	h := newHouse(t, storetest.Open(t))
	a, b := h.Bind("alice/x"), h.Bind("bob/x")
	a.Ask(publish(old, "current", storage(`<conference jid='tea@groups.example'/>`)))
	for _, node := range []string{old, native} {
		a.Ask(items(node))
		lacks(t, node, b.Ask(strings.Replace(items(node), "<iq ", "<iq to='alice@kith.example' ", 1)), "tea@")
		expect(t, node, a.Ask(`<iq type='get' id='c'><pubsub xmlns='`+pubsubNS+`#owner'><configure node='`+node+`'/></pubsub></iq>`),
			`<field var='pubsub#access_model' type='list-single' label='Who may read'><value>whitelist</value>`)
	}
	a.Ask(publish(native, "b@groups.example", `<conference xmlns='`+native+`'/>`))
	expect(t, "both", a.Ask(items(native)), "tea@", "b@")
}

// What another client notices of a change in the other form, and that it is one change only.
func TestOthersAreTold(t *testing.T) {
	h := newHouse(t, storetest.Open(t))
	a, b := h.Bind("alice/a"), h.Bind("alice/b")
	b.Send(`<presence><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='n' ver='v'/></presence>`)
	ask := b.Wait(t, "a question", func(st *stanza.Stanza) bool { return st.Kind == stanza.IQ && st.Type == stanza.Get })
	b.Send(`<iq type='result' id='` + ask.ID + `' to='` + ask.From.String() + `'><query xmlns='http://jabber.org/protocol/disco#info' node='n#v'>` +
		`<feature var='` + native + `+notify'/><feature var='` + old + `+notify'/></query></iq>`)
	a.Ask(set(storage(`<conference jid='tea@groups.example' name='T'/>`)))
	for _, node := range []string{old, native} {
		b.Wait(t, "news of "+node, func(st *stanza.Stanza) bool {
			return st.Kind == stanza.Message && strings.Contains(st.String(), `<items node='`+node+`'>`)
		})
	}
	a.Ask(set(storage(`<conference jid='tea@groups.example' name='T'/>`)))
	a.Ask(publish(native, "tea@groups.example", `<conference xmlns='`+native+`' name='U'/>`))
	st := b.Wait(t, "the next change of the new form", func(st *stanza.Stanza) bool {
		return st.Kind == stanza.Message && strings.Contains(st.String(), `<items node='`+native+`'>`)
	})
	expect(t, "unchanged rooms are no news", st, `name='U'`)
}
