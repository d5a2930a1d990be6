package server_test

import (
	"strings"
	"testing"

	"kith/internal/stanza"
	"kith/server/servertest"
)

// A link into a private group lets a member in at once, and a child when a guardian has agreed. Without that, the child
// does not even learn what it leads to.
func TestLinkIntoGroup(t *testing.T) {
	s := family(t)
	bob, alice, ben := present(t, s, "bob"), present(t, s, "alice"), present(t, s, "ben")
	const den = "den@groups.example.org"
	enter(t, bob, den, "bob")
	expect(t, "configuration", bob.Ask(`<iq type='set' id='o' to='`+den+`'><query xmlns='http://jabber.org/protocol/muc#owner'>`+
		`<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/muc#roomconfig</value></field><field var='muc#roomconfig_roomname'><value>Den of foxes</value></field></x></query></iq>`), "type='result'")
	made := bob.Ask(`<iq type='set' id='m' to='` + den + `'><make xmlns='kith:grouplink:0'/></iq>`)
	token := made.Payload().Attr("token")
	if token == "" {
		t.Fatalf("%s", made)
	}
	follow := func(c *servertest.Client) *stanza.Stanza {
		t.Helper()
		c.Send(`<presence to='` + den + `/` + c.JID.Local() + `' id='join'><x xmlns='http://jabber.org/protocol/muc'><password>` + token + `</password></x></presence>`)
		return c.Wait(t, "an answer", func(st *stanza.Stanza) bool {
			return st.Kind == stanza.Presence && st.From.Bare().String() == den && (st.Type == stanza.Error || strings.Contains(st.String(), "code='110'"))
		})
	}
	look := func(c *servertest.Client) *stanza.Stanza {
		t.Helper()
		return c.Ask(`<iq type='get' id='l' to='` + den + `'><look xmlns='kith:grouplink:0' token='` + token + `'/></iq>`)
	}
	expect(t, "looking", look(alice), "Den of foxes", "people='1'")
	expect(t, "a member enters", follow(alice), "affiliation='member'", "code='110'")
	// Who guards the child has just become a member: that would let the child in.
	expect(t, "leaving", alice.Ask(`<iq type='set' id='r' to='`+den+`'><query xmlns='jabber:iq:register'><remove/></query></iq>`), "type='result'")

	expect(t, "a child looks", look(ben), "forbidden")
	expect(t, "a child enters", follow(ben), "not-allowed", "approval-required")
	asked(t, alice, "jid='"+den+"'", "kind='room'", "direction='out'")
	list := `<iq type='get' id='a' to='` + den + `'><query xmlns='http://jabber.org/protocol/muc#admin'><item affiliation='member'/></query></iq>`
	if st := bob.Ask(list); strings.Contains(st.String(), "ben@") {
		t.Errorf("the child is a member: %s", st)
	}
	expect(t, "approved", decide(alice, den, "approve"), "type='result'")
	expect(t, "a child looks", look(ben), "Den of foxes", "people='1'")
	expect(t, "a child enters", follow(ben), "affiliation='member'", "code='110'")
	expect(t, "members", bob.Ask(list), "ben@example.org")
	// A child hands out none, whatever others make of it.
	expect(t, "affiliation", bob.Ask(`<iq type='set' id='f' to='`+den+`'><query xmlns='http://jabber.org/protocol/muc#admin'><item affiliation='admin' jid='ben@example.org'/></query></iq>`), "type='result'")
	expect(t, "a child makes a link", ben.Ask(`<iq type='set' id='m2' to='`+den+`'><make xmlns='kith:grouplink:0'/></iq>`), "forbidden")
}
