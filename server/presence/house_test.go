package presence_test

import (
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"kith/internal/stanza"
	"kith/server/module"
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
	events   *events
}

// events records what the other features are told.
type events struct {
	mu     sync.Mutex // guards log
	log    []string
	during func(a module.Account, st *stanza.Stanza)
}

func (e *events) add(what string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.log = append(e.log, what)
}

func (e *events) Register(r *module.Registry) {
	for name, event := range map[string]module.SessionEvent{
		"available": module.BecameAvailable, "presented": module.Presented, "unavailable": module.BecameUnavailable, "unbound": module.Unbound,
	} {
		r.OnSession(event, func(_ module.Account, s module.Session) {
			what := s.JID().Local() + " " + name
			if s.Presence() == nil && name != "unbound" {
				what += " without presence"
			}
			e.add(what)
		})
	}
	r.OnSeen(func(a module.Account, st *stanza.Stanza) {
		e.add(a.JID().Local() + " sees " + st.From.String() + " " + string(st.Type))
		if e.during != nil {
			e.during(a, st)
		}
	})
}

func in(t *testing.T, f func(t *testing.T, h *house)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(t, newHouse(t, presence.DefaultConfig())) })
}

func newHouse(t testing.TB, config presence.Config, more ...module.Module) *house {
	h := &house{events: &events{}}
	h.roster = roster.New(routertest.Domain, storetest.Open(t).Roster(), nil, slog.New(slog.DiscardHandler), roster.DefaultConfig())
	h.presence = presence.New(routertest.Domain, h.roster, h.roster, slog.New(slog.DiscardHandler), config)
	h.House = routertest.New(t, append([]module.Module{h.roster, h.presence, h.events}, more...)...)
	h.roster.Connect(h.Accounts, h.Router)
	return h
}

func (h *house) befriend(t testing.TB, x, y string) {
	t.Helper()
	h.Add(x, y)
	if err := h.roster.Introduce(t.Context(), x, y); err != nil {
		t.Fatal(err)
	}
}

func (h *house) login(who string) *routertest.Client {
	c := h.Bind(who)
	c.Send(`<presence/>`)
	h.Settle()
	c.Take()
	return c
}

// want compares what came, stanza by stanza; each is given by parts of its text.
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

// wantSet is want without the order.
func wantSet(t *testing.T, name string, got []*stanza.Stanza, parts ...string) {
	t.Helper()
	left := append([]*stanza.Stanza(nil), got...)
next:
	for _, p := range parts {
		for i, st := range left {
			all := true
			for _, part := range strings.Split(p, " … ") {
				all = all && strings.Contains(st.String(), part)
			}
			if all {
				left = append(left[:i], left[i+1:]...)
				continue next
			}
		}
		t.Fatalf("%s got\n%swithout\n%s", name, routertest.Text(got), p)
	}
	if len(left) > 0 {
		t.Fatalf("%s got too much:\n%s", name, routertest.Text(left))
	}
}
