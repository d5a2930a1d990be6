package server_test

import (
	"testing"

	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/server/servertest"
)

// Who takes messages from contacts only gets a stranger's request, but not the message before it; once it is
// granted, and in a group where both are, everything comes through. The choice outlives a restart.
func TestMessagesFromContactsOnly(t *testing.T) {
	s := servertest.New(t)
	s.Account("alice", "bob")
	alice := present(t, s, "alice")
	if st := alice.Ask(`<iq type='set' id='p'><privacy xmlns='kith:privacy:0' messages='contacts'/></iq>`); st.Type != stanza.Result {
		t.Fatal(st)
	}
	s.Restart()
	alice = present(t, s, "alice")
	bob := present(t, s, "bob")

	bob.Send(`<message type='chat' id='early' to='alice@example.org'><body>buy this</body></message>`)
	bob.Wait(t, "a refusal", isError("early"))
	nothing(t, alice, "buy this")

	// A room where both are is no way around it, and is a way to talk to all.
	alice.Send(`<presence to='cave@groups.example.org/alice'><x xmlns='http://jabber.org/protocol/muc'/></presence>`)
	alice.Wait(t, "the room", isSubject)
	alice.Ask(`<iq type='set' id='c' to='cave@groups.example.org'><query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/muc#roomconfig</value></field><field var='muc#roomconfig_membersonly'><value>0</value></field></x></query></iq>`)
	bob.Send(`<presence to='cave@groups.example.org/bob'><x xmlns='http://jabber.org/protocol/muc'/></presence>`)
	bob.Wait(t, "the room", isSubject)
	bob.Send(`<message type='chat' id='aside' to='cave@groups.example.org/alice'><body>buy this</body></message>`)
	bob.Wait(t, "a refusal", isError("aside"))
	bob.Send(`<message type='groupchat' id='all' to='cave@groups.example.org'><body>hello all</body></message>`)
	alice.Message("hello all")
	nothing(t, alice, "buy this")

	bob.Send(`<presence to='alice@example.org' type='subscribe'/>`)
	alice.Wait(t, "the request", func(st *stanza.Stanza) bool { return st.Type == stanza.Subscribe })
	alice.Send(`<presence to='bob@example.org' type='subscribed'/>`)
	bob.Wait(t, "the grant", func(st *stanza.Stanza) bool { return st.Type == stanza.Subscribed })
	bob.Send(`<message type='chat' id='late' to='alice@example.org'><body>hello</body></message>`)
	alice.Message("hello")
}

// isSubject: with it, a room says that one is in it.
func isSubject(st *stanza.Stanza) bool {
	return st.Kind == stanza.Message && !st.Child(ns.Client, "subject").IsZero()
}
