package federation

import (
	"strings"
	"testing"

	"kith/internal/stanza"
	"kith/test/peers"
)

func holds(st *stanza.Stanza, words string) bool { return strings.Contains(st.String(), words) }

func has(text, words string) bool { return strings.Contains(text, words) }

// A server whose certificate is another's is refused, in both directions, and the operator is told why.
func TestBadCertificate(t *testing.T) {
	for kind, make := range others {
		t.Run(kind, func(t *testing.T) {
			w := peers.New(t)
			peer := &server{make(w, peers.Options{Domain: "peer.example", CertDomain: "elsewhere.example"}), t}
			ours := ours(t, w, "")
			peer.Start()
			ours.Start()
			alice, bob := ours.sign("alice"), peer.sign("bob")
			alice.put("<presence/>")
			bob.put("<presence/>")
			alice.put("<message to='bob@peer.example' type='chat' id='m'><body>hello</body></message>")
			w.Until("a reason", func() bool {
				return has(ours.status(), "its certificate is for elsewhere.example, groups.elsewhere.example and not for peer.example")
			})
			bob.put("<message to='alice@kith.example' type='chat' id='n'><body>hello</body></message>")
			st := bob.Wait(t, "the refusal", func(st *stanza.Stanza) bool { return st.ID == "n" })
			if st.Type != stanza.Error {
				t.Errorf("bob received %s", st)
			}
			if !has(ours.status(), "Not let in:") {
				t.Error(ours.status())
			}
			for _, c := range []*client{alice, bob} {
				for _, st := range c.Take() {
					if st.Body() == "hello" && st.Type != stanza.Error {
						t.Errorf("%s received %s", c.JID, st)
					}
				}
			}
		})
	}
}

// Where dialback is switched on, on both sides, a certificate that proves nothing is enough.
func TestDialback(t *testing.T) {
	for kind, make := range others {
		t.Run(kind, func(t *testing.T) {
			w := peers.New(t)
			peer := &server{make(w, peers.Options{Domain: "peer.example", CertDomain: "elsewhere.example", Dialback: true}), t}
			ours := ours(t, w, "dialback = true")
			peer.Start()
			ours.Start()
			t.Cleanup(func() {
				if t.Failed() {
					t.Logf("%s\nours:\n%s\ntheirs:\n%s", ours.status(), ours.Logged(), peer.Logged())
				}
			})
			alice, bob := ours.sign("alice"), peer.sign("bob")
			alice.put("<presence/>")
			bob.put("<presence/>")
			alice.put("<message to='" + bob.JID.String() + "' type='chat' id='m'><body>hello bob</body></message>")
			bob.message("hello bob")
			bob.put("<message to='" + alice.JID.String() + "' type='chat' id='n'><body>hello alice</body></message>")
			alice.message("hello alice")
			if st := ours.status("peer.example"); !has(st, "dialback") {
				t.Error(st)
			}
		})
	}
}
