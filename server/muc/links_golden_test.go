package muc

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

// What the server writes is what the clients' codec was tested with, and it reads what they write.
func TestLinksGolden(t *testing.T) {
	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	week := Link{ID: "ABCDEFGHIJKL", By: "alice@example.org", Made: at, Expires: at.Add(linkTime), Uses: 3}
	once := Link{ID: "MNOPQRSTUVWX", By: "bob@example.org", Made: at.Add(time.Second), Expires: at.Add(24*time.Hour + time.Second), Max: 1}
	fresh := week
	fresh.Uses = 0
	for name, write := range map[string]func(*xmltree.Writer){
		"kith_groupLinks": func(w *xmltree.Writer) { writeLinks(w, []Link{week, once}) },
		"kith_groupLink":  func(w *xmltree.Writer) { writeLink(w, ns.KithGroupLink, &fresh, "3q2-7wAAAAAAAAAAAAAAAA") },
		"kith_lookedAt":   func(w *xmltree.Writer) { writeLooked(w, "Garden & friends", "Where tomatoes grow", 4) },
	} {
		w := xmltree.NewWriter(512)
		write(w)
		if want := golden(t, name); w.String() != want {
			t.Errorf("%s\ngot  %s\nwant %s", name, w, want)
		}
	}
	for _, name := range []string{"kith_makeLink", "kith_renewLink"} {
		st, err := stanza.Parse(`<iq type='set' id='1'>` + golden(t, name) + `</iq>`)
		if err != nil {
			t.Fatal(err)
		}
		if d, err := lasting(st.Payload(), time.Hour); d != linkTime || err != nil {
			t.Errorf("%s: %v %v", name, d, err)
		}
	}
}

// The secrets of two links have nothing in common, and are found again, also among others.
func TestLinkSecrets(t *testing.T) {
	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	var all Links
	secrets := map[string]int{}
	for i := range maxLinks {
		l, secret := newLink(jid.Must("alice@example.org"), at, time.Hour, 0)
		all.All = append(all.All, l)
		secrets[secret] = i
	}
	if len(secrets) != maxLinks {
		t.Fatal("a secret came twice")
	}
	for secret, i := range secrets {
		if got := all.find(secret); got != i {
			t.Errorf("found %d, want %d", got, i)
		}
		if all.find(secret[1:]) >= 0 || all.find(secret+"A") >= 0 || all.find(string(all.All[i].Hash)) >= 0 {
			t.Error("something else than the secret opens a link")
		}
	}
	if all.find("") >= 0 || (Links{}).find("") >= 0 {
		t.Error("nothing opens a link")
	}
	if got := all.at(at.Add(time.Hour)); len(got.All) != 0 || len(all.All) != maxLinks {
		t.Errorf("%d links when all are over, %d are left of those before", len(got.All), len(all.All))
	}
}
