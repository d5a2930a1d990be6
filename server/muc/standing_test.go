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
