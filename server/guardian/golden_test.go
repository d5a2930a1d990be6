package guardian

import (
	"os"
	"strings"
	"testing"
	"time"

	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/internal/xmltree"
)

func golden(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile("../../test/stanzas/" + name + ".xml")
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(b))
}

// What the server writes is what the clients' codec was tested with.
func TestGolden(t *testing.T) {
	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	asked := Request{
		Key: Key{Peer: jid.Must("bob@example.org")}, At: at,
		Stanza: `<presence from='bob@example.org' to='ben@example.org' type='subscribe'><nick xmlns='` + ns.Nick + `'>Bob</nick><status>from school</status></presence>`,
	}
	invited := Request{
		Key: Key{Peer: jid.Must("den@groups.example.org")}, Room: true, At: at.Add(time.Second),
		Stanza: `<message from='den@groups.example.org'><x xmlns='` + ns.MUCUser + `'><invite from='bob@example.org'/></x></message>`,
	}
	asks := Request{Key: Key{jid.Must("eve@far.example"), true}, At: at.Add(2 * time.Second), Stanza: `<presence type='subscribe'><status>not shown</status></presence>`}
	ward := Ward{
		JID: jid.Must("ben@example.org"), Guardians: []jid.JID{jid.Must("alice@example.org")}, Requests: []Request{asked, invited, asks},
		Approvals: []Approval{
			{Peer: jid.Must("carol@example.org"), At: at},
			{Peer: jid.Must("choir@groups.example.org"), Room: true, At: at, By: "alice"},
		},
	}
	s := &Service{domain: jid.Must("example.org")}
	w := xmltree.NewWriter(512)
	s.writeChildren(w, []Ward{ward})
	if want := golden(t, "kith_children"); w.String() != want {
		t.Errorf("children\ngot  %s\nwant %s", w, want)
	}
	w = xmltree.NewWriter(512)
	w.Open(ns.KithGuardian, "asked", "child", ward.JID.String())
	writeRequest(w, asked)
	w.Close()
	if want := golden(t, "kith_asked"); w.String() != want {
		t.Errorf("asked\ngot  %s\nwant %s", w, want)
	}
	st, err := stanza.Parse(`<message type='error'>` + golden(t, "kith_approvalRequired") + `</message>`)
	if err != nil || st.Child(ns.KithGuardian, "approval-required").IsZero() {
		t.Errorf("%v %v", st, err)
	}
}

// What strangers write is shown in part, and never makes the XML wrong.
func TestWriteRequestBounds(t *testing.T) {
	long := strings.Repeat("é", 1000)
	for _, text := range []string{
		``, `not XML`, `<presence type='subscribe'><status>` + long + `</status><nick xmlns='` + ns.Nick + `'>` + long + `</nick></presence>`,
		`<presence type='subscribe'><status>&lt;&amp;"'</status></presence>`,
	} {
		w := xmltree.NewWriter(512)
		writeRequest(w, Request{Key: Key{Peer: jid.Must("bob@example.org")}, Stanza: text})
		if w.Len() > 2*maxShown+300 {
			t.Errorf("%d bytes", w.Len())
		}
		if _, err := stanza.Parse(`<message>` + w.String() + `</message>`); err != nil {
			t.Errorf("%s: %v", w, err)
		}
	}
}
