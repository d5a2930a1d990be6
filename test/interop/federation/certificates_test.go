package federation

import (
	"os/exec"
	"strings"
	"testing"

	"kith/internal/stanza"
)

func holds(st *stanza.Stanza, words string) bool { return strings.Contains(st.String(), words) }

func has(text, words string) bool { return strings.Contains(text, words) }

// retry is what an operator does who does not want to wait.
func retry(t *testing.T, s *server) {
	t.Helper()
	if out, err := exec.Command(s.w.kith, "federation", "retry", "--config", s.w.path(s.domain+".toml")).CombinedOutput(); err != nil {
		t.Fatalf("retry: %v\n%s", err, out)
	}
}

// others are the kinds of other servers.
var others = map[string]func(w *world, domain, certDomain string, dialback bool) *server{
	"prosody":  (*world).prosody,
	"ejabberd": (*world).ejabberd,
}

// A server whose certificate is another's is refused, in both directions, and the operator is told why.
func TestBadCertificate(t *testing.T) {
	for kind, make := range others {
		t.Run(kind, func(t *testing.T) {
			w := newWorld(t)
			peer := make(w, "peer.example", "elsewhere.example", false)
			ours := w.kithServer("kith.example", "")
			peer.start()
			ours.start()
			alice, bob := ours.sign("alice"), peer.sign("bob")
			alice.put("<presence/>")
			bob.put("<presence/>")
			alice.put("<message to='bob@peer.example' type='chat' id='m'><body>hello</body></message>")
			w.until("a reason", func() bool {
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
			w := newWorld(t)
			peer := make(w, "peer.example", "elsewhere.example", true)
			ours := w.kithServer("kith.example", "dialback = true")
			peer.start()
			ours.start()
			t.Cleanup(func() {
				if t.Failed() {
					t.Logf("%s\nours:\n%s\ntheirs:\n%s", ours.status(), ours.logged(), peer.logged())
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
