package circle_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"kith/internal/clock"
	"kith/internal/jid"
	"kith/server/circle"
	"kith/server/store"
	"kith/server/store/storetest"
)

// world is what circles bring about, as a list of who is tied to whom and of who is in which room.
type world struct {
	accounts map[string]bool
	ties     map[string]bool
	rooms    map[string][]string
	marks    map[string]bool
	titles   map[string]string
	// fail, if set, is returned by the effect of this name.
	fail string
}

var errBroken = errors.New("broken")

func (w *world) broken(name string) error {
	if w.fail == name {
		return errBroken
	}
	return nil
}

func (w *world) Exists(_ context.Context, local string) (bool, error) { return w.accounts[local], nil }

func key(a, b jid.JID, group string) string {
	two := []string{a.Local(), b.Local()}
	slices.Sort(two)
	return strings.Join(two, "-") + "/" + group
}

func (w *world) Tie(_ context.Context, one circle.Person, others []circle.Person, group string) error {
	for _, o := range others {
		w.ties[key(one.JID, o.JID, group)] = true
	}
	return w.broken("tie")
}

func (w *world) Untie(_ context.Context, one jid.JID, others, _ []jid.JID, group string) error {
	for _, o := range others {
		delete(w.ties, key(one, o, group))
	}
	return w.broken("untie")
}

func (w *world) Regroup(_ context.Context, one jid.JID, others []circle.Regrouping, from, to string) error {
	for _, o := range others {
		if old := key(one, o.JID, from); w.ties[old] {
			w.ties[key(one, o.JID, to)] = true
			if !o.Keep {
				delete(w.ties, old)
			}
		}
	}
	return w.broken("regroup")
}

func (w *world) Retitle(_ context.Context, account, room, from, to string) error {
	if k := account + " " + room; w.titles[k] == from {
		w.titles[k] = to
	}
	return w.broken("retitle")
}

func (w *world) Room(_ context.Context, room, _ string, members []jid.JID) error {
	w.rooms[room] = nil
	for _, m := range members {
		w.rooms[room] = append(w.rooms[room], m.Local())
	}
	return w.broken("room")
}

func (w *world) RemoveRoom(_ context.Context, room, _ string) error {
	delete(w.rooms, room)
	return w.broken("remove room")
}

func (w *world) Bookmark(_ context.Context, account, room, name string) error {
	w.marks[account+" "+room] = true
	w.titles[account+" "+room] = name
	return w.broken("bookmark")
}

func (w *world) Unbookmark(_ context.Context, account, room string) error {
	delete(w.marks, account+" "+room)
	return w.broken("unbookmark")
}

func (w *world) Name(context.Context, string) string { return "" }

func (w *world) String() string {
	var out []string
	for k := range w.ties {
		out = append(out, k)
	}
	for _, m := range w.rooms {
		out = append(out, "room "+strings.Join(m, ","))
	}
	slices.Sort(out)
	return fmt.Sprint(strings.Join(out, "; "), " marks ", len(w.marks))
}

func open(t *testing.T, db *store.DB, w *world) *circle.Service {
	t.Helper()
	s, err := circle.New(t.Context(), circle.Options{
		Domain: "example.org", Rooms: jid.Must("groups.example.org"), Store: db.Circles(), Accounts: w,
		Clock: clock.Real{}, Log: slog.New(slog.DiscardHandler), Config: circle.DefaultConfig(),
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func newWorld(accounts ...string) *world {
	w := &world{accounts: map[string]bool{}, ties: map[string]bool{}, rooms: map[string][]string{}, marks: map[string]bool{}, titles: map[string]string{}}
	for _, a := range accounts {
		w.accounts[a] = true
	}
	return w
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (w *world) want(t *testing.T, want string) {
	t.Helper()
	if got := w.String(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// Whatever fails, and whenever the server stops, the rest is done the next time; and what a command line
// has noted is done when a server comes.
func TestInterrupted(t *testing.T) {
	for _, fail := range []string{"tie", "room", "bookmark"} {
		t.Run(fail, func(t *testing.T) {
			db := storetest.Open(t)
			w := newWorld("alice", "bob")
			noted := open(t, db, w)
			c, err := noted.Add(t.Context(), "Family")
			must(t, err)
			must(t, noted.Join(t.Context(), c.ID, "alice"))
			must(t, noted.Join(t.Context(), c.ID, "bob"))
			must(t, noted.CatchUp(t.Context()))
			w.want(t, " marks 0")

			s := open(t, db, w)
			s.Connect(w)
			w.fail = fail
			if err := s.CatchUp(t.Context()); !errors.Is(err, errBroken) {
				t.Fatalf("got %v", err)
			}
			w.fail = ""
			s = open(t, db, w)
			s.Connect(w)
			must(t, s.CatchUp(t.Context()))
			w.want(t, "alice-bob/Family; room alice,bob marks 2")

			must(t, s.Remove(t.Context(), c.ID))
			w.fail = map[string]string{"tie": "untie", "room": "remove room", "bookmark": "unbookmark"}[fail]
			if err := s.CatchUp(t.Context()); !errors.Is(err, errBroken) {
				t.Fatalf("got %v", err)
			}
			w.fail = ""
			s = open(t, db, w)
			s.Connect(w)
			must(t, s.CatchUp(t.Context()))
			w.want(t, " marks 0")
			all, err := db.Circles().Circles(t.Context())
			must(t, err)
			if len(all) != 0 {
				t.Errorf("left behind: %+v", all)
			}
		})
	}
}

// An account that is removed for the time being is tied again when it comes back, and out of everything
// when it is deleted.
func TestAccountsComeAndGo(t *testing.T) {
	w := newWorld("alice", "bob", "carol")
	s := open(t, storetest.Open(t), w)
	s.Connect(w)
	c, err := s.Add(t.Context(), "Family")
	must(t, err)
	must(t, s.Join(t.Context(), c.ID, "alice"))
	w.accounts["bob"] = false
	if err := s.Join(t.Context(), c.ID, "bob"); !errors.Is(err, circle.ErrNoAccount) {
		t.Errorf("got %v", err)
	}
	w.accounts["bob"] = true
	must(t, s.Join(t.Context(), c.ID, "bob"))
	w.accounts["bob"] = false
	must(t, s.Join(t.Context(), c.ID, "carol"))
	must(t, s.CatchUp(t.Context()))
	w.want(t, "alice-carol/Family; room alice,bob,carol marks 2")
	w.accounts["bob"] = true
	must(t, s.AccountChanged(t.Context(), "bob"))
	must(t, s.CatchUp(t.Context()))
	w.want(t, "alice-bob/Family; alice-carol/Family; bob-carol/Family; room alice,bob,carol marks 3")
	must(t, s.Purge(t.Context(), "bob"))
	w.want(t, "alice-carol/Family; room alice,carol marks 2")
	must(t, s.Purge(t.Context(), "bob"))
}

// Who is with whom, and in which room.
func TestTogether(t *testing.T) {
	w := newWorld("alice", "bob", "carol")
	s := open(t, storetest.Open(t), w)
	c, err := s.Add(t.Context(), "  The   Family ")
	must(t, err)
	if c.Name != "The Family" || !strings.HasPrefix(c.Room, "the-family-") {
		t.Errorf("got %+v", c)
	}
	d, err := s.Add(t.Context(), "ünïversität")
	must(t, err)
	for _, m := range []string{"alice", "bob"} {
		must(t, s.Join(t.Context(), c.ID, m))
	}
	must(t, s.Join(t.Context(), d.ID, "alice"))
	must(t, s.Join(t.Context(), d.ID, "bob"))
	for peer, want := range map[string]bool{
		"bob@example.org": true, "carol@example.org": false, "alice@example.org": false, "bob@other.example": false,
		c.Room + "@groups.example.org": true, "other@groups.example.org": false,
	} {
		if got := s.Together("alice", jid.Must(peer)); got != want {
			t.Errorf("%s: %v", peer, got)
		}
	}
	if got := s.Ties("alice", jid.Must("bob@example.org")); !slices.Equal(got, []string{"The Family", "ünïversität"}) {
		t.Errorf("ties %v", got)
	}
	must(t, s.Leave(t.Context(), c.ID, "bob"))
	if err := s.Leave(t.Context(), c.ID, "bob"); !errors.Is(err, circle.ErrNotMember) {
		t.Errorf("got %v", err)
	}
	if got := s.Ties("bob", jid.Must("alice@example.org")); !slices.Equal(got, []string{"ünïversität"}) {
		t.Errorf("ties %v", got)
	}
	for _, name := range []string{"", " ", strings.Repeat("x", 61), "a\x00b"} {
		if _, err := s.Add(t.Context(), name); !errors.Is(err, circle.ErrName) {
			t.Errorf("%q: %v", name, err)
		}
	}
	if _, err := s.Add(t.Context(), "THE FAMILY"); !errors.Is(err, circle.ErrExists) {
		t.Errorf("got %v", err)
	}
	must(t, s.Remove(t.Context(), c.ID))
	for _, f := range []func() error{
		func() error { return s.Remove(t.Context(), c.ID) },
		func() error { return s.Join(t.Context(), c.ID, "carol") },
		func() error { return s.Leave(t.Context(), c.ID, "alice") },
	} {
		if err := f(); !errors.Is(err, circle.ErrNotFound) {
			t.Errorf("a circle that is removed: %v", err)
		}
	}
	// Its name is free at once.
	_, err = s.Add(t.Context(), "The Family")
	must(t, err)
}

// A circle that gets another name, twice in a row and with an interruption in between, while a new circle
// takes the old name: everybody ends up in the right groups, and in no others.
func TestRename(t *testing.T) {
	for _, fail := range []string{"", "regroup", "retitle", "room"} {
		t.Run(fail, func(t *testing.T) {
			db := storetest.Open(t)
			w := newWorld("alice", "bob", "carol")
			s := open(t, db, w)
			s.Connect(w)
			c, err := s.Add(t.Context(), "Family")
			must(t, err)
			for _, a := range []string{"alice", "bob", "carol"} {
				must(t, s.Join(t.Context(), c.ID, a))
			}
			must(t, s.CatchUp(t.Context()))
			must(t, s.Leave(t.Context(), c.ID, "carol"))

			must(t, s.Rename(t.Context(), c.ID, " The  Smiths "))
			if got, err := s.Find("the smiths"); err != nil || got.ID != c.ID || got.Room != c.Room {
				t.Fatalf("%+v %v", got, err)
			}
			next, err := s.Add(t.Context(), "Family")
			must(t, err)
			must(t, s.Join(t.Context(), next.ID, "alice"))
			must(t, s.Join(t.Context(), next.ID, "bob"))
			w.fail = fail
			if err := s.CatchUp(t.Context()); (err != nil) != (fail != "") {
				t.Fatal(err)
			}
			must(t, s.Rename(t.Context(), c.ID, "Clan"))
			w.fail = ""
			// Another run of the server goes on with it.
			s = open(t, db, w)
			s.Connect(w)
			must(t, s.CatchUp(t.Context()))
			w.want(t, "alice-bob/Clan; alice-bob/Family; room alice,bob; room alice,bob marks 4")
			if got := w.titles["alice "+c.Room]; got != "Clan" {
				t.Errorf("the bookmark is called %q", got)
			}
			if got, err := s.Find("Clan"); err != nil || len(got.Names) != 0 {
				t.Errorf("names to be replaced: %q, %v", got.Names, err)
			}
			if err := s.Rename(t.Context(), c.ID, "family"); !errors.Is(err, circle.ErrExists) {
				t.Errorf("the name of another circle: %v", err)
			}
			must(t, s.Rename(t.Context(), c.ID, "CLAN"))
			if err := s.Rename(t.Context(), c.ID, " \n"); !errors.Is(err, circle.ErrName) {
				t.Errorf("no name: %v", err)
			}
			if err := s.Rename(t.Context(), "nonsense", "x"); !errors.Is(err, circle.ErrNotFound) {
				t.Errorf("no circle: %v", err)
			}
			must(t, s.Remove(t.Context(), c.ID))
			must(t, s.CatchUp(t.Context()))
			w.want(t, "alice-bob/Family; room alice,bob marks 2")
		})
	}
}
