package server_test

import (
	"strings"
	"testing"
	"time"

	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/server/auth"
	"kith/server/servertest"
)

func expect(t *testing.T, what string, st *stanza.Stanza, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(st.String(), w) {
			t.Errorf("%s: no %s in\n%s", what, w, st)
		}
	}
}

// Two people, strangers to each other at first, with everything between them: a message that waits,
// an archive, contact, presence, keys.
func TestTwoPeople(t *testing.T) {
	s := servertest.New(t)
	s.Account("alice", "bob")
	a := s.Client("alice")
	a.Send(`<presence/>`)
	a.Send(`<message to='bob@example.org' type='chat' id='m1'><body>while you were away</body></message>`)
	a.Ask(`<iq type='set' id='p'><pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='eu.siacs.conversations.axolotl.devicelist'>` +
		`<item id='current'><list xmlns='eu.siacs.conversations.axolotl'><device id='4711'/></list></item></publish>` +
		`<publish-options><x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/pubsub#publish-options</value></field>` +
		`<field var='pubsub#access_model'><value>open</value></field></x></publish-options></pubsub></iq>`)

	b := s.Client("bob")
	b.Send(`<presence/>`)
	expect(t, "offline message", b.Message("while you were away"), `<delay xmlns='urn:xmpp:delay'`, `<stanza-id xmlns='urn:xmpp:sid:0'`)
	list := `<iq type='get' id='d' to='alice@example.org'><pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='eu.siacs.conversations.axolotl.devicelist'/></pubsub></iq>`
	expect(t, "device list of a stranger", b.Ask(list), `id='4711'`)

	b.Send(`<presence type='subscribe' to='alice@example.org'/>`)
	a.Wait(t, "request", func(st *stanza.Stanza) bool { return st.Type == stanza.Subscribe })
	a.Send(`<presence type='subscribed' to='bob@example.org'/>`)
	b.Wait(t, "alice's presence", func(st *stanza.Stanza) bool {
		return st.Kind == stanza.Presence && st.Type == stanza.Available && st.From == a.JID
	})
	b.Send(`<message to='alice@example.org' type='chat' id='m2'><body>here I am</body></message>`)
	got := a.Message("here I am")
	id := got.Child(ns.StanzaID, "stanza-id").Attr("id")
	a.Send(`<iq type='set' id='q'><query xmlns='urn:xmpp:mam:2'/></iq>`)
	for _, body := range []string{"while you were away", "here I am"} {
		r := a.Wait(t, "archived "+body, func(st *stanza.Stanza) bool { return !st.Child(ns.MAM, "result").IsZero() })
		expect(t, "archive", r, body)
		if body == "here I am" && r.Child(ns.MAM, "result").Attr("id") != id {
			t.Errorf("archived as %s, delivered as %s", r.Child(ns.MAM, "result").Attr("id"), id)
		}
	}
}

// An invitation over XMPP (XEP-0401), taken up in the browser: both are contacts at once.
func TestInvitation(t *testing.T) {
	s := servertest.New(t)
	s.Account("alice")
	a := s.Client("alice")
	a.Send(`<presence/>`)
	a.Ask(`<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>`)
	commands := a.Ask(`<iq type='get' id='c' to='example.org'><query xmlns='http://jabber.org/protocol/disco#items' node='http://jabber.org/protocol/commands'/></iq>`)
	expect(t, "commands", commands, `node='urn:xmpp:invite#invite'`, `node='urn:xmpp:invite#create-account'`)
	answer := a.Ask(`<iq type='set' id='i' to='example.org'><command xmlns='http://jabber.org/protocol/commands' node='urn:xmpp:invite#invite' action='execute'/></iq>`)
	expect(t, "invitation", answer, `status='completed'`, `xmpp:alice@example.org?roster;preauth=`, `https://example.org/i/`, `var='expire'`)
	_, token, _ := strings.Cut(answer.String(), "https://example.org/i/")
	token, _, _ = strings.Cut(token, "<")
	ticket, err := s.Auth.CheckInvite(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Auth.Register(t.Context(), ticket, auth.Registration{Name: "bob", Credential: auth.Password(servertest.Password)}); err != nil {
		t.Fatal(err)
	}
	a.Wait(t, "roster push", func(st *stanza.Stanza) bool {
		item := st.Payload().First()
		return st.Type == stanza.Set && item.Attr("jid") == "bob@example.org" && item.Attr("subscription") == "both"
	})
	b := s.Client("bob")
	b.Send(`<presence/>`)
	b.Wait(t, "alice's presence", func(st *stanza.Stanza) bool { return st.Kind == stanza.Presence && st.From == a.JID })
}

// The devices that are signed in (XEP-0494); a password change ends the other sessions; so does the
// removal of the account.
func TestSessionsEnd(t *testing.T) {
	s := servertest.New(t)
	s.Account("alice", "bob")
	one, two := s.Client("alice"), s.Client("alice")
	expect(t, "role", one.Ask(`<iq type='get' id='a'><account xmlns='kith:account:0'/></iq>`), `role='member'`, `iterations='10000'`)
	one.Ask(`<iq type='get' id='l'><list xmlns='urn:xmpp:cam:0'/></iq>`)
	if err := s.Auth.SetPassword(t.Context(), "alice", auth.Password("another password altogether"), ""); err != nil {
		t.Fatal(err)
	}
	for _, c := range []*servertest.Client{one, two} {
		over(t, c)
	}
	b := s.Client("bob")
	if err := s.Auth.Remove(t.Context(), "bob", 0); err != nil {
		t.Fatal(err)
	}
	over(t, b)
	if err := s.Auth.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func over(t *testing.T, c *servertest.Client) {
	t.Helper()
	select {
	case <-c.Over:
	case <-time.After(20 * time.Second):
		t.Errorf("%s is still connected", c.JID)
	}
}

// What a stranger asks of the server and of accounts, known and unknown: no answer tells who exists.
func TestNobodyLearnsWhoExists(t *testing.T) {
	s := servertest.New(t)
	s.Account("alice", "mallory")
	m := s.Client("mallory")
	for _, payload := range []string{
		`<query xmlns='http://jabber.org/protocol/disco#info'/>`,
		`<query xmlns='http://jabber.org/protocol/disco#items'/>`,
		`<ping xmlns='urn:xmpp:ping'/>`,
		`<query xmlns='jabber:iq:roster'/>`,
		`<query xmlns='jabber:iq:private'/>`,
		`<vCard xmlns='vcard-temp'/>`,
	} {
		known := m.Ask(`<iq type='get' id='x' to='alice@example.org'>` + payload + `</iq>`).String()
		unknown := m.Ask(`<iq type='get' id='x' to='nobody@example.org'>` + payload + `</iq>`).String()
		if strings.ReplaceAll(known, "alice", "nobody") != unknown {
			t.Errorf("%s:\n%s\n%s", payload, known, unknown)
		}
	}
}
