package people_test

import (
	"testing"

	"kith/internal/jid"
	"kith/internal/people"
)

// What is said in a private group is read by all its members, on every device that is there, and by nobody
// else; whoever is no member stays outside.
func TestGroup(t *testing.T) {
	h := newHouse(t, "alice", "bob", "carol", "mallory")
	alice, phone, bob, carol, mallory := h.device("alice"), h.device("alice"), h.device("bob"), h.device("carol"), h.device("mallory")
	h.online(alice, phone, bob, carol, mallory)
	until(t, alice, "both devices", func(v people.View) bool { return len(v.Devices(address("alice"))) == 2 })
	room := jid.Must("choir@groups.example.org")
	if err := alice.Found(t.Context(), room, "Alice", "The choir", address("bob"), address("carol")); err != nil {
		t.Fatal(err)
	}
	for _, p := range []*people.Person{phone, bob, carol} {
		if err := p.Enter(t.Context(), room, map[*people.Person]string{phone: "Alice", bob: "Bob", carol: "Carol"}[p]); err != nil {
			t.Fatal(err)
		}
	}
	if err := mallory.Enter(t.Context(), room, "Mallory"); err == nil {
		t.Error("somebody who is no member was let in")
	}

	first := alice.Write(room, "We sing on Tuesday")
	for _, p := range []*people.Person{phone, bob, carol} {
		until(t, p, "what Alice said", func(v people.View) bool {
			m, ok := v.Message(address("alice"), first)
			return ok && m.Text == "We sing on Tuesday" && m.Peer == room && m.Own == (p == phone)
		})
	}
	second := bob.Write(room, "Wednesday is better")
	for _, p := range []*people.Person{alice, phone, carol} {
		until(t, p, "what Bob said", func(v people.View) bool {
			m, ok := v.Message(address("bob"), second)
			return ok && m.Text == "Wednesday is better" && m.From == address("bob")
		})
	}
	until(t, bob, "the echo", func(v people.View) bool {
		m, _ := v.Message(address("bob"), second)
		return m.State == people.Sent && len(v.Messages(room)) == 2
	})
	mallory.Look(func(v people.View) {
		if v.Count() != 0 {
			t.Errorf("Mallory has %+v", v.All())
		}
	})
	if found := h.search("We sing on", "Wednesday is better"); found != "" {
		t.Errorf("plain text is in %s", found)
	}
}

// Those who begin at once take different prekeys of a device, so that each of them is understood.
func TestPreKeysAreTakenOnce(t *testing.T) {
	names := []string{"p0", "p1", "p2", "p3", "p4", "p5", "p6", "p7", "p8", "p9", "p10", "p11"}
	h := newHouse(t, append([]string{"alice"}, names...)...)
	alice, shared := h.device("alice"), people.NewPreKeys()
	h.online(alice)
	all := make([]*people.Person, len(names))
	for i, name := range names {
		all[i] = h.device(name, func(o *people.Options) { o.PreKeys = shared })
		h.online(all[i])
	}
	for _, p := range all {
		p.Write(address("alice"), "at once")
	}
	until(t, alice, "everybody", func(v people.View) bool { return v.Count() == len(names) })
	alice.Look(func(v people.View) {
		for _, m := range v.All() {
			if m.Text != "at once" {
				t.Errorf("%+v", m)
			}
		}
	})
}
