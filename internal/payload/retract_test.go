package payload

import (
	"testing"
	"time"

	"kith/internal/stanza"
)

func read(t *testing.T, text string) *stanza.Stanza {
	t.Helper()
	st, err := stanza.Parse(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return st
}

const (
	retract  = "<retract xmlns='urn:xmpp:message-retract:1' id='m1'/>"
	occupied = "<occupant-id xmlns='urn:xmpp:occupant-id:0' id='o1'/>"
	origin   = "<origin-id xmlns='urn:xmpp:sid:0' id='orig'/>"
)

func TestRetracts(t *testing.T) {
	for inner, want := range map[string]string{
		retract: "m1",
		body:    "",
		retract + "<body>Gone</body><fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:message-retract:1'/>": "m1",
		"<retract xmlns='urn:xmpp:message-retract:1'/>":                                                       "",
		"<retract xmlns='urn:example:other' id='m1'/>":                                                        "",
		// Only a room says this, and the archive of a person keeps nothing of rooms.
		"<retract xmlns='urn:xmpp:message-retract:1' id='m1'><moderated xmlns='urn:xmpp:message-moderate:1'/></retract>": "",
	} {
		if got := Retracts(read(t, "<message>"+inner+"</message>")); got != want {
			t.Errorf("%s retracts %q, want %q", inner, got, want)
		}
	}
}

func TestNamed(t *testing.T) {
	st := read(t, "<message id='m1'>"+origin+body+"</message>")
	for id, want := range map[string]bool{"m1": true, "orig": true, "m": false, "": false} {
		if Named(st, id) != want {
			t.Errorf("named %q: %v", id, !want)
		}
	}
	if Named(read(t, "<message>"+body+"</message>"), "") {
		t.Error("a message without an id is called nothing")
	}
}

// Of a message stays where it was, and whose it is: nothing of what it said.
func TestTombstone(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	st := read(t, "<message from='a@b/c' to='d@e' id='m1' type='chat' xml:lang='en' secret='secret'><subject>secret</subject>"+
		"<body>secret</body>"+origin+"<occupant-id xmlns='urn:xmpp:occupant-id:0' id='o1'>secret</occupant-id><thread>secret</thread>"+
		"<x xmlns='http://jabber.org/protocol/muc#user'><invite to='secret'/></x><store xmlns='urn:xmpp:hints'/></message>")
	if IsTombstone(st) {
		t.Error("a message is taken for a tombstone")
	}
	got := Tombstone(st, "r1", at)
	const want = `<message to='d@e' from='a@b/c' id='m1' type='chat' xml:lang='en'><origin-id xmlns='urn:xmpp:sid:0' id='orig'/>` +
		`<occupant-id xmlns='urn:xmpp:occupant-id:0' id='o1'/><x xmlns='http://jabber.org/protocol/muc#user'/>` +
		`<retracted xmlns='urn:xmpp:message-retract:1' stamp='2026-01-02T03:04:05.000Z' id='r1'/></message>`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if !IsTombstone(read(t, got)) {
		t.Error("a tombstone is not known for one")
	}
}

func TestIsTombstone(t *testing.T) {
	const retracted = "<retracted xmlns='urn:xmpp:message-retract:1' id='r1'/>"
	for inner, want := range map[string]bool{
		retracted:            true,
		occupied + retracted: true,
		retracted + "<x xmlns='http://jabber.org/protocol/muc#user'><item jid='a@b'/></x>": true,
		"": false,
		"<replace xmlns='urn:xmpp:message-correct:0' id='m0'/>" + retracted: true,
		// What calls itself one and says something is none.
		retracted + body: false,
		retracted + "<stanza-id xmlns='urn:xmpp:sid:0' id='1' by='a@b'/>": false,
		retract: false,
	} {
		if got := IsTombstone(read(t, "<message>"+inner+"</message>")); got != want {
			t.Errorf("%s: %v", inner, got)
		}
	}
}
