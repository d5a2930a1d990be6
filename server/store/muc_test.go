package store_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"kith/internal/jid"
	"kith/internal/mamquery"
	"kith/internal/stanzaid"
	"kith/server/muc"
	"kith/server/store"
	"kith/server/store/storetest"
)

func room(local string, change func(*muc.State)) *muc.State {
	st := &muc.State{
		Local: local, Config: muc.DefaultRoomConfig(), Salt: []byte("salt"),
		Entries: []muc.Entry{{JID: jid.Must("owner@kith.example"), Affiliation: muc.Owner}},
	}
	if change != nil {
		change(st)
	}
	return st
}

func addressOf(local string) string { return local + "@groups.kith.example" }

func byJID(entries []muc.Entry) []muc.Entry {
	slices.SortFunc(entries, func(a, b muc.Entry) int { return strings.Compare(a.JID.String(), b.JID.String()) })
	return entries
}

func TestMUCRoundTrip(t *testing.T) {
	ctx := t.Context()
	dir := t.TempDir()
	db := storetest.OpenDir(t, dir)
	m := db.MUC(db.Archive())
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	if st, err := m.Room(ctx, "cave", addressOf("cave")); st != nil || err != nil {
		t.Fatalf("%+v %v", st, err)
	}
	want := room("cave", func(st *muc.State) {
		st.Config.Name, st.Config.Public, st.Config.Password, st.Config.Presence = "A 'cave' <&>", true, "x", []string{"moderator"}
		st.Entries = append(st.Entries,
			muc.Entry{JID: jid.Must("bob@kith.example"), Affiliation: muc.Member, Nick: "Böb"},
			muc.Entry{JID: jid.Must("far.example"), Affiliation: muc.Outcast, Reason: "spam"})
	})
	check(m.CreateRoom(ctx, want, addressOf("cave")))
	if err := m.CreateRoom(ctx, room("cave", nil), addressOf("cave")); !errors.Is(err, muc.ErrExists) {
		t.Errorf("made twice: %v", err)
	}
	want.Hats = muc.Hats{All: []muc.Hat{{URI: "u", Title: "t", Hue: "1"}}, Worn: map[string][]string{"bob@kith.example": {"u"}}}
	check(m.SaveHats(ctx, "cave", want.Hats))
	at := time.UnixMilli(1234567890123).UTC()
	check(m.SaveLinks(ctx, "cave", muc.Links{All: []muc.Link{{ID: "old"}}}, []muc.Entry{{JID: jid.Must("dave@far.example"), Affiliation: muc.Member}}))
	want.Links = muc.Links{
		All:     []muc.Link{{ID: "a", Hash: []byte{0, 1, 255}, By: "owner@kith.example", Made: at, Expires: at.Add(time.Hour), Lasts: time.Hour, Uses: 2, Max: 3}, {ID: "b", Expires: at}},
		Refused: []string{"eve@far.example"},
	}
	check(m.SaveLinks(ctx, "cave", want.Links, []muc.Entry{{JID: jid.Must("dave@far.example")}}))
	want.AvatarHashes = []string{"aa", "bb"}
	check(m.SaveAvatar(ctx, "cave", "<vCard/>", want.AvatarHashes))
	want.Config.Moderated, want.Config.Public = true, false
	check(m.SaveConfig(ctx, "cave", want.Config, []muc.Entry{{JID: jid.Must("carol@far.example"), Affiliation: muc.Admin}}))
	check(m.SaveEntries(ctx, "cave", []muc.Entry{
		{JID: jid.Must("bob@kith.example"), Affiliation: muc.Unaffiliated},
		{JID: jid.Must("far.example"), Affiliation: muc.Member},
	}))
	want.Entries = []muc.Entry{
		{JID: jid.Must("carol@far.example"), Affiliation: muc.Admin},
		{JID: jid.Must("far.example"), Affiliation: muc.Member},
		{JID: jid.Must("owner@kith.example"), Affiliation: muc.Owner},
	}
	want.Subject = muc.Subject{XML: "<subject>s</subject>", From: jid.Must(addressOf("cave") + "/Carol"), By: "id", At: time.UnixMilli(1234567890123).UTC()}
	seq := stanzaid.First(time.UnixMilli(1234567890123))
	done := make(chan error, 1)
	m.Append(&muc.Message{
		Local: "cave", Archive: want.Archive, Address: addressOf("cave"), New: true, Seq: seq, Sender: jid.Must("carol@far.example/x"),
		Stanza: "<message/>", Subject: &want.Subject,
	}, func(err error) { done <- err })
	check(<-done)
	want.Archived, want.Last = true, seq
	check(db.Close())

	db = storetest.OpenDir(t, dir)
	m = db.MUC(db.Archive())
	got, err := m.Room(ctx, "cave", addressOf("cave"))
	check(err)
	byJID(got.Entries)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if v, err := m.Avatar(ctx, "cave"); v != "<vCard/>" || err != nil {
		t.Errorf("%q %v", v, err)
	}
	check(m.SaveAvatar(ctx, "cave", "", nil))
	if v, err := m.Avatar(ctx, "cave"); v != "" || err != nil {
		t.Errorf("%q %v", v, err)
	}
	if sender, ok, err := m.Sender(ctx, got.Archive, seq); !ok || err != nil || sender != jid.Must("carol@far.example/x") {
		t.Errorf("%v %v %v", sender, ok, err)
	}
	if _, ok, err := m.Sender(ctx, got.Archive, seq+1); ok || err != nil {
		t.Errorf("%v %v", ok, err)
	}
	// Nothing is left of a room that was destroyed, and its archive is not that of the next one.
	for range 2 {
		check(m.DestroyRoom(ctx, "cave", addressOf("cave")))
	}
	next := room("cave", nil)
	check(m.CreateRoom(ctx, next, addressOf("cave")))
	check(m.SaveLinks(ctx, "cave", muc.Links{Refused: []string{"eve@far.example"}}, nil))
	if next.Archive == got.Archive || next.Archived {
		t.Errorf("archive %d, %v", next.Archive, next.Archived)
	}
	again, err := m.Room(ctx, "cave", addressOf("cave"))
	check(err)
	if len(again.Entries) != 1 || again.Subject.XML != "" || len(again.Hats.All) != 0 || len(again.Links.All) != 0 {
		t.Errorf("%+v", again)
	}
}

func TestMUCLists(t *testing.T) {
	ctx := t.Context()
	db := storetest.Open(t)
	m := db.MUC(db.Archive())
	bob := jid.Must("bob@kith.example")
	for i := range 5 {
		err := m.CreateRoom(ctx, room(fmt.Sprintf("r%d", i), func(st *muc.State) {
			st.Config.Name = fmt.Sprint("Room ", i)
			st.Config.Public = i%2 == 0
			st.Config.Persistent = i != 3
			if i < 3 {
				st.Entries = append(st.Entries, muc.Entry{JID: bob, Affiliation: muc.Affiliation(i + 1)})
			}
		}), addressOf(fmt.Sprintf("r%d", i)))
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		listed bool
		after  string
		limit  int
		want   string
		count  int
	}{
		{true, "", 10, "r0 r2 r4", 3},
		{true, "r0", 1, "r2", 3},
		{false, "", 10, "r0 r1 r2 r3 r4", 5},
		{false, "r3", 10, "r4", 5},
	} {
		rooms, err := m.Rooms(ctx, tt.listed, tt.after, tt.limit)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, l := range rooms {
			got = append(got, l.Local)
			if l.Name != "Room "+l.Local[1:] {
				t.Errorf("%+v", l)
			}
		}
		n, err := m.CountRooms(ctx, tt.listed)
		if strings.Join(got, " ") != tt.want || n != tt.count || err != nil {
			t.Errorf("%+v: %v %d %v", tt, got, n, err)
		}
	}
	if n, err := m.Owned(ctx, bob); n != 1 || err != nil {
		t.Errorf("%d %v", n, err)
	}
	if names, err := m.Listed(ctx, bob); !slices.Equal(names, []string{"r0", "r1", "r2"}) || err != nil {
		t.Errorf("%v %v", names, err)
	}
	if names, err := m.Temporary(ctx); !slices.Equal(names, []string{"r3"}) || err != nil {
		t.Errorf("%v %v", names, err)
	}
}

func TestMUCArchive(t *testing.T) {
	ctx := t.Context()
	db := storetest.Open(t)
	ar := db.Archive()
	m := db.MUC(ar)
	st := room("cave", nil)
	if err := m.CreateRoom(ctx, st, addressOf("cave")); err != nil {
		t.Fatal(err)
	}
	add := func(msg muc.Message) error {
		msg.Local, msg.Archive, msg.Address, msg.New = "cave", st.Archive, addressOf("cave"), true
		done := make(chan error, 1)
		m.Append(&msg, func(err error) { done <- err })
		return <-done
	}
	at := func(n int) stanzaid.Seq { return stanzaid.First(time.UnixMilli(int64(n))) }
	bob, carol := jid.Must("bob@kith.example/a"), jid.Must("carol@kith.example/b")
	for n, who := range []jid.JID{bob, carol, bob, carol} {
		if err := add(muc.Message{Seq: at(n + 1), Sender: who, Stanza: fmt.Sprintf("<message id='%d'/>", n)}); err != nil {
			t.Fatal(err)
		}
	}
	read := func(q mamquery.Query, sender jid.JID) (out string, missing bool) {
		t.Helper()
		p, missing, err := m.Page(ctx, st.Archive, &q, sender, at(100))
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range p.Rows {
			out += row.Stanza
		}
		if p.More {
			out += "+"
		}
		return out, missing
	}
	want := func(q mamquery.Query, sender jid.JID, want string) {
		t.Helper()
		if got, missing := read(q, sender); got != want || missing {
			t.Errorf("%+v: %q %v, want %q", q, got, missing, want)
		}
	}
	want(mamquery.Query{Limit: 10}, jid.JID{}, "<message id='0'/><message id='1'/><message id='2'/><message id='3'/>")
	want(mamquery.Query{Limit: 1, Backward: true, Before: at(4)}, jid.JID{}, "<message id='2'/>+")
	want(mamquery.Query{Limit: 10}, bob.Bare(), "<message id='0'/><message id='2'/>")
	want(mamquery.Query{Limit: 10}, jid.Must("bob@kith.example/other"), "")
	want(mamquery.Query{Seqs: []stanzaid.Seq{at(2)}}, jid.JID{}, "<message id='1'/>")
	if _, missing := read(mamquery.Query{Seqs: []stanzaid.Seq{at(2), at(50)}}, jid.JID{}); !missing {
		t.Error("a message that is not there was not missed")
	}
	// A tombstone takes the place of a message, together with what retracts it.
	if err := add(muc.Message{Seq: at(5), Sender: bob, Stanza: "<retraction/>", Retracts: at(1), Tombstone: "<tombstone/>"}); err != nil {
		t.Fatal(err)
	}
	want(mamquery.Query{Limit: 10}, jid.JID{}, "<tombstone/><message id='1'/><message id='2'/><message id='3'/><retraction/>")
	// All or nothing: the Seq is taken.
	if err := add(muc.Message{Seq: at(5), Sender: bob, Stanza: "<twice/>", Retracts: at(2), Tombstone: "<tombstone/>", Subject: &muc.Subject{XML: "<lost/>"}}); err == nil {
		t.Error("a Seq was given twice")
	}
	want(mamquery.Query{Limit: 2}, jid.JID{}, "<tombstone/><message id='1'/>+")
	if again, err := m.Room(ctx, "cave", addressOf("cave")); err != nil || again.Subject.XML != "" {
		t.Errorf("%+v %v", again, err)
	}
	if first, last, err := m.Bounds(ctx, st.Archive); first != at(1) || last != at(5) || err != nil {
		t.Errorf("%d %d %v", first, last, err)
	}
	// Retention is that of all archives.
	if next, n, err := ar.Expire(ctx, 1, at(3)); n != 2 || err != nil {
		t.Errorf("%d %d %v", next, n, err)
	}
	want(mamquery.Query{Limit: 10}, jid.JID{}, "<message id='2'/><message id='3'/><retraction/>")
	// What is left of a room that was destroyed goes with the next expiry.
	if err := m.DestroyRoom(ctx, "cave", addressOf("cave")); err != nil {
		t.Fatal(err)
	}
	if _, n, err := ar.Expire(ctx, 1, 1); n != 3 || err != nil {
		t.Errorf("%d %v", n, err)
	}
}

func TestMUCErrors(t *testing.T) {
	db := storetest.Open(t)
	m := db.MUC(db.Archive())
	// There is no such room: nothing may be kept of it.
	if err := m.SaveEntries(t.Context(), "none", []muc.Entry{{JID: jid.Must("a@b"), Affiliation: muc.Member}}); err == nil {
		t.Error("an affiliation of no room")
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	if err := m.CreateRoom(ctx, room("x", nil), addressOf("x")); err == nil {
		t.Error("made in a closed database")
	}
	if err := m.SaveEntries(ctx, "x", nil); !errors.Is(err, store.ErrClosed) {
		t.Errorf("%v", err)
	}
}
