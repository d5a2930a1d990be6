package roster_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"kith/internal/jid"
	"kith/internal/stanza"
	"kith/server/presence"
	"kith/server/roster"
	"kith/server/router/routertest"
	"kith/server/store/storetest"
)

// house is a server with contacts and presence on a real database.
type house struct {
	*routertest.House
	roster   *roster.Roster
	presence *presence.Presence
	store    roster.Store
	invites  *invites
}

// invites accepts the tokens that are in it, once.
type invites struct{ tokens map[string]string }

func (i *invites) AcceptContact(_ context.Context, token, creator string, _ jid.JID) error {
	if i.tokens[token] != creator {
		return errors.New("no such invite")
	}
	delete(i.tokens, token)
	return nil
}

// in runs a test in a bubble with a house.
func in(t *testing.T, f func(t *testing.T, h *house)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(t, newHouse(t, storetest.Open(t).Roster(), roster.DefaultConfig())) })
}

func newHouse(t testing.TB, store roster.Store, config roster.Config) *house {
	h := &house{store: store, invites: &invites{tokens: map[string]string{}}}
	h.roster = roster.New(routertest.Domain, store, h.invites, slog.New(slog.DiscardHandler), config)
	h.presence = presence.New(routertest.Domain, h.roster, h.roster, slog.New(slog.DiscardHandler), presence.DefaultConfig())
	h.House = routertest.New(t, h.roster, h.presence)
	h.roster.Connect(h.Accounts, h.Router)
	return h
}

// login binds a session that asks for the roster and becomes available.
func (h *house) login(t *testing.T, who string) *routertest.Client {
	t.Helper()
	c := h.Bind(who)
	c.Ask(`<iq type='get' id='login'><query xmlns='jabber:iq:roster'/></iq>`)
	c.Send(`<presence/>`)
	h.Settle()
	c.Take()
	return c
}

// state gives the name that the tables of appendix A have for what an account has with a contact.
func (h *house) state(t *testing.T, account, contact string) string {
	t.Helper()
	s, err := h.store.Roster(t.Context(), account)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(s.Entries, func(e roster.Entry) bool { return e.Contact.String() == contact })
	if i < 0 {
		return "nothing"
	}
	e := s.Entries[i]
	name := e.Subscription()
	for _, part := range []struct {
		on   bool
		name string
	}{{e.Asked, "+out"}, {e.Requested, "+in"}, {e.Approved, "/approved"}, {!e.Listed, " unlisted"}} {
		if part.on {
			name += part.name
		}
	}
	return name
}

func (h *house) wantStates(t *testing.T, want string) {
	t.Helper()
	got := h.state(t, "alice", "bob@kith.example") + " | " + h.state(t, "bob", "alice@kith.example")
	if got != want {
		t.Fatalf("states %s; want %s", got, want)
	}
}

// want compares what came, stanza by stanza; each is given by a part of its text.
func want(t *testing.T, name string, got []*stanza.Stanza, parts ...string) {
	t.Helper()
	ok := len(got) == len(parts)
	for i := 0; ok && i < len(got); i++ {
		for _, p := range strings.Split(parts[i], " … ") {
			ok = ok && strings.Contains(got[i].String(), p)
		}
	}
	if !ok {
		t.Fatalf("%s got\n%swant\n%s", name, routertest.Text(got), strings.Join(parts, "\n"))
	}
}

func replace(xml, value string) string { return strings.ReplaceAll(xml, "%", value) }

func contains(part string) func(*stanza.Stanza) bool {
	return func(st *stanza.Stanza) bool { return strings.Contains(st.String(), part) }
}

func isPush(item string) func(*stanza.Stanza) bool {
	return func(st *stanza.Stanza) bool {
		return st.Kind == stanza.IQ && st.Type == stanza.Set && strings.Contains(st.String(), item)
	}
}
