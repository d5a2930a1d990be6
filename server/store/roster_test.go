package store_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"testing"

	"kith/internal/jid"
	"kith/server/roster"
	"kith/server/store/storetest"
)

func rosterChange(account, contact string, apply func(*roster.Entry) error) roster.Change {
	return roster.Change{Account: account, Contact: jid.Must(contact), Apply: apply}
}

func TestRosterRoundTrip(t *testing.T) {
	dir := t.TempDir()
	db := storetest.OpenDir(t, dir)
	full := roster.Entry{
		Contact: jid.Must("bob@example.org"), Listed: true, Ver: 1, Name: "Bob '\"<&>", Groups: []string{"a", "ü", `"`},
		State: roster.State{To: true, Asked: false, From: true}, Request: "",
	}
	asked := roster.Entry{
		Contact: jid.Must("carol@example.org"), Listed: true, Ver: 2,
		State: roster.State{Asked: true, Requested: true}, Request: "<presence/>",
	}
	stranger := roster.Entry{Contact: jid.Must("dave@example.org"), State: roster.State{Requested: true}, Request: "<presence id='1'/>"}
	approved := roster.Entry{Contact: jid.Must("eve@example.org"), Listed: true, Ver: 3, State: roster.State{Approved: true}}
	var changes []roster.Change
	for _, e := range []roster.Entry{full, asked, stranger, approved} {
		changes = append(changes, roster.Change{Account: "alice", Contact: e.Contact, Apply: func(o *roster.Entry) error {
			if !reflect.DeepEqual(*o, roster.Entry{Contact: e.Contact}) {
				return fmt.Errorf("found %+v", *o)
			}
			ver := o.Ver
			*o = e
			o.Ver = ver // the store's to give
			return nil
		}})
	}
	got, err := db.Roster().UpdateRosters(t.Context(), changes)
	if err != nil {
		t.Fatal(err)
	}
	if want := []roster.Entry{full, asked, stranger, approved}; !reflect.DeepEqual(got, want) {
		t.Fatalf("got  %+v\nwant %+v", got, want)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}

	db = storetest.OpenDir(t, dir)
	s, err := db.Roster().Roster(t.Context(), "alice")
	if err != nil {
		t.Fatal(err)
	}
	if s.Epoch == "" || s.Ver != 3 || s.Horizon != 0 {
		t.Errorf("%q %d %d", s.Epoch, s.Ver, s.Horizon)
	}
	if want := []roster.Entry{full, asked, approved, stranger}; !reflect.DeepEqual(s.Entries, want) {
		t.Errorf("got  %+v\nwant %+v", s.Entries, want)
	}
	other, err := db.Roster().Roster(t.Context(), "bob")
	if err != nil || !reflect.DeepEqual(other, roster.Snapshot{}) {
		t.Errorf("%+v %v", other, err)
	}

	// A new roster of the same account does not continue the versions of the old one.
	for range 2 {
		if err := db.Roster().DeleteRoster(t.Context(), "alice"); err != nil {
			t.Fatal(err)
		}
	}
	if s, err := db.Roster().Roster(t.Context(), "alice"); err != nil || !reflect.DeepEqual(s, roster.Snapshot{}) {
		t.Errorf("%+v %v", s, err)
	}
	if _, err := db.Roster().UpdateRosters(t.Context(), changes[:1]); err != nil {
		t.Fatal(err)
	}
	if again, err := db.Roster().Roster(t.Context(), "alice"); err != nil || again.Epoch == s.Epoch || again.Ver != 1 {
		t.Errorf("%+v %v", again, err)
	}
}

func TestRosterVersions(t *testing.T) {
	db := storetest.Open(t).Roster()
	step := func(contact string, apply func(*roster.Entry)) roster.Entry {
		t.Helper()
		got, err := db.UpdateRosters(t.Context(), []roster.Change{rosterChange("alice", contact, func(e *roster.Entry) error { apply(e); return nil })})
		if err != nil {
			t.Fatal(err)
		}
		return got[0]
	}
	list := func(e *roster.Entry) { e.Listed = true }
	request := func(e *roster.Entry) { e.Requested, e.Request = true, "<presence/>" }
	for i, c := range []struct {
		contact string
		apply   func(*roster.Entry)
		ver     int64
	}{
		{"b@x", request, 0}, // nothing that a client sees
		{"b@x", list, 1},
		{"b@x", list, 1}, // nothing new
		{"c@x", list, 2},
		{"b@x", func(e *roster.Entry) { e.Name = "B" }, 3},
		{"b@x", func(e *roster.Entry) { e.Groups = []string{"g"} }, 4},
		{"b@x", func(e *roster.Entry) { e.Requested, e.Request, e.From = false, "", true }, 5},
		{"c@x", request, 2},
		{"c@x", (*roster.Entry).Unlist, 6},
		{"c@x", (*roster.Entry).Unlist, 6},
		{"c@x", list, 7},
		{"d@x", (*roster.Entry).Unlist, 0}, // never was there
	} {
		if got := step(c.contact, c.apply); got.Ver != c.ver {
			t.Errorf("step %d: version %d, want %d", i, got.Ver, c.ver)
		}
	}
	if got := step("c@x", func(*roster.Entry) {}); !got.Requested || !got.Listed {
		t.Errorf("the request was lost: %+v", got)
	}

	// Removals are remembered up to a number.
	for i := range roster.KeepRemovals + 5 {
		step(fmt.Sprintf("r%d@x", i), list)
		step(fmt.Sprintf("r%d@x", i), (*roster.Entry).Unlist)
	}
	s, err := db.Roster(t.Context(), "alice")
	if err != nil {
		t.Fatal(err)
	}
	removed := 0
	last := int64(0)
	for _, e := range s.Entries {
		if !e.Listed && !e.Requested {
			removed++
			if e.Ver <= s.Horizon {
				t.Errorf("version %d is beyond the horizon %d", e.Ver, s.Horizon)
			}
		}
		if e.Ver <= last {
			t.Error("versions do not ascend")
		}
		last = e.Ver
	}
	if removed != roster.KeepRemovals || s.Horizon != 7+2*5 {
		t.Errorf("%d removals, horizon %d", removed, s.Horizon)
	}
}

// One change that fails undoes all of the transaction.
func TestRosterAllOrNothing(t *testing.T) {
	db := storetest.Open(t).Roster()
	befriend := func(e *roster.Entry) error { e.Listed, e.To, e.From = true, true, true; return nil }
	refuse := errors.New("refused")
	_, err := db.UpdateRosters(t.Context(), []roster.Change{
		rosterChange("alice", "bob@x", befriend),
		rosterChange("bob", "alice@x", func(*roster.Entry) error { return refuse }),
	})
	if !errors.Is(err, refuse) {
		t.Fatal(err)
	}
	for _, account := range []string{"alice", "bob"} {
		if s, err := db.Roster(t.Context(), account); err != nil || len(s.Entries) != 0 || s.Ver != 0 {
			t.Errorf("%s: %+v %v", account, s, err)
		}
	}
}

func BenchmarkRosterRead(b *testing.B) {
	db := storetest.Open(b).Roster()
	for i := range 200 {
		if _, err := db.UpdateRosters(b.Context(), []roster.Change{rosterChange("alice", fmt.Sprintf("c%d@example.org", i), func(e *roster.Entry) error {
			e.Listed, e.To, e.From, e.Name = true, true, true, "Somebody"
			return nil
		})}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		if s, err := db.Roster(context.Background(), "alice"); err != nil || len(s.Entries) != 200 {
			b.Fatal(err)
		}
	}
}
