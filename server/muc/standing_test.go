package muc_test

import (
	"errors"
	"testing"

	"kith/internal/jid"
	"kith/internal/stanza"
)

// A room that the server looks after: nobody owns it, its members are those that were named last, and who
// is not among them any more has to leave.
func TestProvide(t *testing.T) {
	in(t, options{}, func(t *testing.T, h *house) {
		alice, bob := h.login("alice/a"), h.login("bob/b")
		list := func(names ...string) (out []jid.JID) {
			for _, n := range names {
				out = append(out, jid.Must(n+"@kith.example"))
			}
			return out
		}
		provide := func(name string, members ...string) {
			t.Helper()
			if err := h.muc.Provide(t.Context(), "cave", name, list(members...)); err != nil {
				t.Fatal(err)
			}
		}
		provide("Family", "alice", "bob")
		provide("Family", "alice", "bob")
		alice.join(cave, "A")
		bob.join(cave, "B")
		alice.refused(stanza.Forbidden, "%s", admin(cave, `<item affiliation='member' jid='dave@kith.example'/>`))
		view, there, err := h.muc.Look(t.Context(), jid.Must(cave+"/x"))
		if err != nil || !there || !view.Private || view.JID != jid.Must(cave) || !view.Belongs(jid.Must("bob@kith.example")) || view.Belongs(jid.Must("carol@kith.example")) {
			t.Errorf("%+v %v %v", view, there, err)
		}
		for _, other := range []string{"nothing@" + host, "alice@kith.example", host} {
			if _, there, err := h.muc.Look(t.Context(), jid.Must(other)); there || err != nil {
				t.Errorf("%s: %v %v", other, there, err)
			}
		}
		forget(alice, bob)
		provide("The Family", "alice", "carol")
		bob.wants("type='unavailable' … code='321'")
		alice.wants("type='unavailable' … /B'", "affiliation='member' … carol@kith.example", "code='104'")
		carol := h.login("carol/c")
		carol.join(cave, "C")

		if err := h.muc.Abolish(t.Context(), "cave", "It is over."); err != nil {
			t.Fatal(err)
		}
		carol.wants("type='unavailable' … <destroy … It is over.")
		if err := h.muc.Abolish(t.Context(), "cave", ""); err != nil {
			t.Fatal(err)
		}
		if _, there, err := h.muc.Look(t.Context(), jid.Must(cave)); there || err != nil {
			t.Errorf("still there: %v", err)
		}
		if err := h.muc.Provide(t.Context(), "cave", string(make([]byte, 300)), nil); !errors.As(err, new(*stanza.Fault)) {
			t.Errorf("a name that is too long: %v", err)
		}
	})
}

// Who may not have to do with a room gets nothing of it, and leaves when the policy changes its mind; who may
// not be met alone is not.
func TestPolicyOfTheServer(t *testing.T) {
	in(t, options{}, func(t *testing.T, h *house) {
		alice, bob := h.login("alice/a"), h.login("bob/b")
		alice.room(cave, "membersonly", "0", "publicroom", "1")
		bob.join(cave, "B")
		forget(alice, bob)
		h.policy.alone = map[string]bool{"bob": true}
		bob.send(`<message type='chat' id='1' to='%s/alice'><body>x</body></message>`, cave)
		bob.wants("type='error' … forbidden")
		alice.send(`<message type='chat' id='1' to='%s/B'><body>x</body></message>`, cave)
		alice.wants("type='error' … forbidden")
		bob.refused(stanza.Forbidden, `<iq type='get' id='%%' to='%s/alice'><vCard xmlns='vcard-temp'/></iq>`, cave)
		bob.send(`<message id='2' to='%s'><x xmlns='http://jabber.org/protocol/muc#user'><invite to='carol@kith.example'/></x></message>`, cave)
		bob.wants("type='error' … forbidden")

		h.policy.join["bob"] = false
		h.muc.Reconsider()
		bob.wants("type='unavailable' … code='321'")
		bob.refused(stanza.Forbidden, `<iq type='get' id='%%' to='%s'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>`, cave)
	})
}

// Whoever may not talk to somebody alone does not do so in the words of an invitation or of its refusal, which the
// room would pass on.
func TestNoWordsBesideThePolicy(t *testing.T) {
	in(t, options{}, func(t *testing.T, h *house) {
		c := newCrew(h)
		dave := h.login("dave/d")
		h.policy.alone = map[string]bool{"bob": true}
		for _, to := range []string{"bob@kith.example", cave + "/bob"} {
			for _, who := range []*client{dave, c.carol} {
				who.send("%s", invite(cave, `<decline to='`+to+`'><reason>psst</reason></decline>`))
				who.wants("type='error' … forbidden")
			}
		}
		c.bob.send("%s", invite(cave, `<decline to='member@kith.example'><reason>psst</reason></decline>`))
		c.bob.wants("type='error' … forbidden")
		c.member.wants()
		// He may be in the room: there is nothing in an invitation but words.
		c.carol.send("%s", invite(cave, `<invite to='bob@kith.example'><reason>psst</reason><continue thread='psst'/></invite>`))
		c.bob.wants("<invite from='carol@far.example'> … !psst")
		c.owner.configure(cave, "membersonly", "1", "whois", "anyone")
		c.forget()
		c.admin.send("%s", admin(cave, `<item affiliation='member' jid='bob@kith.example'><reason>psst</reason></item>`))
		c.bob.wants("<invite from='admin@kith.example'> … !psst")
		// Who may not enter yet is not reached by it: those who decide about that are, and have to know why.
		h.policy.join["bob"] = false
		c.admin.send("%s", invite(cave, `<invite to='bob@kith.example'><reason>our class</reason></invite>`))
		c.bob.wants("<reason>our class</reason>")
	})
}
