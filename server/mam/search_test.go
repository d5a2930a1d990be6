package mam_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/server/mam"
	"kith/server/mam/archivetest"
	"kith/server/module"
)

const fulltext = "{urn:xmpp:fulltext:0}fulltext"

// What people say in the clear is found by its words (XEP-0431).
func TestSearch(t *testing.T) {
	in(t, archivetest.Options{}, func(t *testing.T, h *archivetest.House, alice, bob *archivetest.Client) {
		carol := h.Connect("carol", "c", false)
		const omemo = "<encrypted xmlns='eu.siacs.conversations.axolotl'><header sid='1'/><payload>AA==</payload></encrypted>"
		for i, inner := range []string{
			"<body>See you at the station</body>",
			"<body>Which STATION, the old one?</body>",
			"<body>The old one. Café Müller, 5 &lt; 6</body>",
			"<body>I sent an encrypted station</body>" + omemo,
			"<subject>station</subject><body>no</body><thread>station</thread>",
			"<body>stationary</body>",
			"<body>substation</body>",
		} {
			from, to := alice, "bob"
			if i%2 == 1 {
				from, to = bob, "alice"
			}
			from.Send(t, fmt.Sprintf("<message type='chat' id='m%d' to='%s@kith.example'>%s</message>", i, to, inner))
			h.Settle()
		}
		carol.Send(t, say("bob", "station of carol"))
		h.Settle()
		for _, c := range []struct{ name, content, want string }{
			{"a word", filter(fulltext, "station"), "See you at the station|Which STATION, the old one?|stationary|station of carol"},
			{"all words", filter(fulltext, "  old Station "), "Which STATION, the old one?"},
			{"without accents", filter(fulltext, "cafe muller"), "The old one. Café Müller, 5 < 6"},
			{"what XML escapes", filter(fulltext, "5 &lt;"), "The old one. Café Müller, 5 < 6"},
			{"nothing", filter(fulltext, "nowhere"), ""},
			{"no words", filter(fulltext, " ", "with", "carol@kith.example"), "station of carol"},
			{"of one person", filter(fulltext, "station", "with", "alice@kith.example"), "See you at the station|Which STATION, the old one?|stationary"},
			{"the first", filter(fulltext, "station") + set("<max>1</max>"), "See you at the station"},
			{"the last", filter(fulltext, "station") + set("<max>2</max><before/>"), "stationary|station of carol"},
		} {
			p := ask(t, h, bob, c.content)
			if got := strings.Join(p.bodies, "|"); got != c.want || p.fault != nil {
				t.Errorf("%s: %q (%v), want %q", c.name, got, p.fault, c.want)
			}
			if complete := !strings.Contains(c.content, "<max>"); p.complete() != complete {
				t.Errorf("%s: complete %v", c.name, p.complete())
			}
		}
		// Page by page.
		var got []string
		for after := ""; ; {
			p := ask(t, h, bob, filter(fulltext, "station")+set("<max>2</max>"+after))
			got = append(got, p.bodies...)
			if p.complete() {
				break
			}
			after = "<after>" + p.last() + "</after>"
		}
		if len(got) != 4 {
			t.Errorf("by pages: %q", got)
		}
		all := ask(t, h, bob, "")
		if p := ask(t, h, bob, filter(fulltext, "station", "ids", strings.Join(all.ids[1:4], ","))); !slices.Equal(p.bodies, []string{"Which STATION, the old one?"}) {
			t.Errorf("among some: %q", p.bodies)
		}
		if p := ask(t, h, bob, filter(fulltext, "station")+set("<max>0</max>")); p.fin.Child(ns.RSM, "set").ChildText(ns.RSM, "count") != "4" || len(p.ids) != 0 {
			t.Errorf("count: %s", p.fin.Source())
		}
		if p := ask(t, h, bob, filter(fulltext, strings.Repeat("x ", 100))); p.fault == nil || p.fault.Condition != stanza.NotAcceptable {
			t.Errorf("too much: %v", p.fault)
		}
		// What was taken back is not found, and neither is what takes it back.
		alice.Send(t, retract("bob@kith.example", "m0", "r1"))
		h.Settle()
		if p := ask(t, h, bob, filter(fulltext, "see")); len(p.bodies) != 0 {
			t.Errorf("taken back: %q", p.bodies)
		}
		if p := ask(t, h, bob, filter(fulltext, "taken")); len(p.bodies) != 0 {
			t.Errorf("a retraction: %q", p.bodies)
		}
		if got := h.Registry.DiscoFeatures(module.OnAccount); !slices.Contains(got, "urn:xmpp:fulltext:0") {
			t.Errorf("%v", got)
		}
	})
}

// Who searches has not read the archive: what waits for him still comes.
func TestSearchDeliversNothing(t *testing.T) {
	in(t, archivetest.Options{}, func(t *testing.T, h *archivetest.House, alice, bob *archivetest.Client) {
		bob.Leave()
		h.Settle()
		for _, body := range []string{"one", "two", "one more"} {
			alice.Send(t, say("bob", body))
		}
		h.Settle()
		again := h.Connect("bob", "again", false)
		for _, content := range []string{filter(fulltext, "one"), filter(fulltext, "one") + set("<max>10</max><before/>"), filter(fulltext, "one", "with", "alice@kith.example")} {
			if p := ask(t, h, again, content); len(p.bodies) != 2 {
				t.Errorf("%q", p.bodies)
			}
		}
		again.Take()
		again.Send(t, "<presence/>")
		h.Settle()
		if got := archivetest.Bodies(again.Take()); !slices.Equal(got, []string{"one", "two", "one more"}) {
			t.Errorf("bob got %q", got)
		}
	})
}

// vast answers searches as an archive does that is too large.
type vast struct{ mam.Store }

func (v vast) Page(ctx context.Context, q mam.Query) (*mam.Page, error) {
	p, err := v.Store.Page(ctx, q)
	if err == nil && q.Search != nil {
		p.Vast = true
	}
	return p, err
}

func TestSearchOfTooMuch(t *testing.T) {
	in(t, archivetest.Options{Wrap: func(s mam.Store) mam.Store { return vast{s} }}, func(t *testing.T, h *archivetest.House, alice, _ *archivetest.Client) {
		if p := ask(t, h, alice, filter(fulltext, "one")); p.fault == nil || p.fault.Condition != stanza.ResourceConstraint || p.fault.Text == "" {
			t.Errorf("%v", p.fault)
		}
		// The next query of the session goes on.
		if p := ask(t, h, alice, ""); p.fault != nil {
			t.Errorf("%v", p.fault)
		}
	})
}
