package people_test

import (
	"testing"

	"kith/internal/people"
)

// Two people and three devices: what is written on one of them is read on all, also when one of them or
// the server was away meanwhile, and nothing of it is plain text on the server.
func TestChat(t *testing.T) {
	h := newHouse(t, "alice", "bob")
	alice, phone, bob := h.device("alice"), h.device("alice"), h.device("bob")
	h.online(alice, phone, bob)
	h.friends(alice, bob)
	for _, p := range []*people.Person{alice, phone} {
		until(t, p, "both devices of alice", func(v people.View) bool { return len(v.Devices(address("alice"))) == 2 })
	}

	hello := alice.Write(address("bob"), "Hello Bob 👋")
	has(t, bob, "alice", "alice: Hello Bob 👋")
	has(t, phone, "bob", "me: Hello Bob 👋")
	until(t, alice, "the receipt", func(v people.View) bool {
		m, _ := v.Message(address("alice"), hello)
		return m.State == people.Delivered
	})
	bob.Look(func(v people.View) { go bob.MarkRead(v.Messages(address("alice"))[0]) })
	until(t, alice, "the marker", func(v people.View) bool { m, _ := v.Message(address("alice"), hello); return m.State == people.Read })

	bob.Write(address("alice"), "<Hello> & \"Alice\"\nfrom Bob")
	has(t, alice, "bob", "me: Hello Bob 👋", "bob: <Hello> & \"Alice\"\nfrom Bob")
	has(t, phone, "bob", "me: Hello Bob 👋", "bob: <Hello> & \"Alice\"\nfrom Bob")
	phone.Write(address("bob"), "now from my phone")
	has(t, bob, "alice", "alice: Hello Bob 👋", "me: <Hello> & \"Alice\"\nfrom Bob", "alice: now from my phone")
	has(t, alice, "bob", "me: Hello Bob 👋", "bob: <Hello> & \"Alice\"\nfrom Bob", "me: now from my phone")

	if err := bob.SignOut(t.Context()); err != nil {
		t.Fatal(err)
	}
	phone.Cut()
	away := alice.Write(address("bob"), "while you are away")
	until(t, alice, "the acknowledgement", func(v people.View) bool { m, _ := v.Message(address("alice"), away); return m.State == people.Sent })
	h.restart()
	until(t, alice, "the end of the connection", func(v people.View) bool { return !v.Connected() })
	alice.Write(address("bob"), "while nobody is connected")
	bob.Write(address("alice"), "and I write too")
	h.online(alice, phone, bob)
	for _, text := range []string{"while you are away", "while nobody is connected"} {
		until(t, bob, text, func(v people.View) bool { return contains(v, "alice", text) })
		until(t, phone, text, func(v people.View) bool { return contains(v, "bob", text) })
	}
	for _, p := range []*people.Person{alice, phone} {
		until(t, p, "what bob wrote", func(v people.View) bool { return contains(v, "bob", "and I write too") })
	}
	until(t, alice, "the receipts", func(v people.View) bool {
		for _, m := range v.Messages(address("bob")) {
			if m.Own && m.State < people.Delivered {
				return false
			}
		}
		return v.Idle()
	})
	for _, p := range []*people.Person{alice, phone, bob} {
		p.Look(func(v people.View) {
			if v.Count() != 6 {
				t.Errorf("%s has %d messages", p.Address(), v.Count())
			}
		})
	}
	if found := h.search("Hello Bob", "now from my phone", "while you are away", "while nobody is connected", "I write too"); found != "" {
		t.Errorf("plain text is in %s", found)
	}
}
