package store_test

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"kith/internal/jid"
	"kith/server/auth"
	"kith/server/circle"
	"kith/server/guardian"
	"kith/server/store/storetest"
)

func TestCirclesRoundTrip(t *testing.T) {
	dir := t.TempDir()
	db := storetest.OpenDir(t, dir)
	at := time.UnixMilli(1700000000123).UTC()
	one := circle.Circle{ID: "id1", Name: "Family 'x'", Room: "family-id1", Created: at}
	steps := []error{
		db.Circles().Add(t.Context(), one),
		db.Circles().Add(t.Context(), circle.Circle{ID: "id2", Name: "Choir", Room: "choir-id2", Created: at}),
		db.Circles().Join(t.Context(), "id1", "alice"),
		db.Circles().Join(t.Context(), "id1", "bob"),
		db.Circles().Join(t.Context(), "id1", "carol"),
		db.Circles().Settle(t.Context(), "id1", "alice", circle.Joining),
		db.Circles().Leave(t.Context(), "id1", "bob"),
		db.Circles().Join(t.Context(), "id2", "alice"),
		db.Circles().Remove(t.Context(), "id2"),
	}
	if err := errors.Join(steps...); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ got, want error }{
		{db.Circles().Add(t.Context(), circle.Circle{ID: "id3", Name: one.Name}), circle.ErrExists},
		{db.Circles().Join(t.Context(), "id2", "bob"), circle.ErrNotFound},
		{db.Circles().Leave(t.Context(), "id1", "bob"), circle.ErrNotMember},
		{db.Circles().Remove(t.Context(), "id2"), circle.ErrNotFound},
	} {
		if !errors.Is(c.got, c.want) {
			t.Errorf("got %v, want %v", c.got, c.want)
		}
	}
	// Somebody who was to leave has joined again meanwhile, and is not forgotten.
	if err := errors.Join(db.Circles().Join(t.Context(), "id1", "bob"), db.Circles().Settle(t.Context(), "id1", "bob", circle.Leaving)); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db = storetest.OpenDir(t, dir)
	got, err := db.Circles().Circles(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	one.Members = []circle.Member{{Account: "alice", State: circle.Joined}, {Account: "bob"}, {Account: "carol"}}
	two := circle.Circle{ID: "id2", Name: "Choir", Room: "choir-id2", Created: at, Removed: true, Members: []circle.Member{{Account: "alice"}}}
	if want := []circle.Circle{two, one}; !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if some, err := db.Circles().Rejoin(t.Context(), "alice"); !some || err != nil {
		t.Errorf("rejoin: %v %v", some, err)
	}
	if some, err := db.Circles().Rejoin(t.Context(), "nobody"); some || err != nil {
		t.Errorf("rejoin: %v %v", some, err)
	}
	if err := errors.Join(
		db.Circles().Settle(t.Context(), "id2", "alice", circle.Leaving),
		db.Circles().Forget(t.Context(), "id2"), db.Circles().Forget(t.Context(), "id1"),
	); err != nil {
		t.Fatal(err)
	}
	if got, err = db.Circles().Circles(t.Context()); err != nil || len(got) != 1 || got[0].ID != "id1" {
		t.Errorf("left: %+v %v", got, err)
	}
}

func TestGuardiansRoundTrip(t *testing.T) {
	dir := t.TempDir()
	db := storetest.OpenDir(t, dir)
	at := time.UnixMilli(1700000000123).UTC()
	bob, eve, den := jid.Must("bob@example.org"), jid.Must("eve@far.example"), jid.Must("den@groups.example.org")
	yes := guardian.Approval{Peer: bob, By: "alice", At: at}
	in := guardian.Request{Key: guardian.Key{Peer: eve}, Stanza: "<presence/>", At: at}
	out := guardian.Request{Key: guardian.Key{Peer: eve, Outgoing: true}, Stanza: "<presence id='2'/>", At: at}
	room := guardian.Request{Key: guardian.Key{Peer: den, Outgoing: true}, Room: true, At: at}
	g := db.Guardians()
	if err := errors.Join(
		g.Adopt(t.Context(), "ben", []guardian.Approval{yes}, []guardian.Request{in}),
		g.SetGuardians(t.Context(), "ben", []string{"zoe", "alice"}, nil),
		g.SetGuardians(t.Context(), "ben", []string{"alice", "carol"}, []guardian.Approval{{Peer: jid.Must("zoe@example.org"), At: at}}),
		g.Hold(t.Context(), "ben", out), g.Hold(t.Context(), "ben", room), g.Hold(t.Context(), "ben", room),
		g.Deny(t.Context(), "ben", eve, at.Add(time.Hour)),
		g.Withdraw(t.Context(), "ben", guardian.Key{Peer: eve}),
		g.Approve(t.Context(), "ben", guardian.Approval{Peer: den, Room: true, By: "carol", At: at}),
		g.Revoke(t.Context(), "ben", jid.Must("zoe@example.org")),
	); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db = storetest.OpenDir(t, dir)
	g = db.Guardians()
	got, err := g.Records(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	out.Stanza, out.Denied = "", at.Add(time.Hour)
	want := map[string]*guardian.Record{"ben": {
		Guarded: true, Guardians: []string{"alice", "carol"},
		Approvals: []guardian.Approval{yes, {Peer: den, Room: true, By: "carol", At: at}},
		Requests:  []guardian.Request{out},
	}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got["ben"], want["ben"])
	}
	// An account that is deleted is no guardian and not approved any more.
	if err := g.RemoveAccount(t.Context(), "bob", bob); err != nil {
		t.Fatal(err)
	}
	if got, err = g.Records(t.Context()); err != nil || len(got["ben"].Approvals) != 1 || got["ben"].Approvals[0].Peer != den {
		t.Errorf("left %+v %v", got["ben"], err)
	}
	if err := errors.Join(g.Release(t.Context(), "ben"), g.RemoveAccount(t.Context(), "carol", jid.Must("carol@example.org"))); err != nil {
		t.Fatal(err)
	}
	if got, err = g.Records(t.Context()); err != nil || !reflect.DeepEqual(got, map[string]*guardian.Record{"ben": {Guardians: []string{"alice"}}}) {
		t.Errorf("left %+v %v", got["ben"], err)
	}
}

// What an invite carries comes with the account, as far as it is still there.
func TestInviteCarries(t *testing.T) {
	db := storetest.Open(t)
	at := time.UnixMilli(1700000000000).UTC()
	account := func(local string, role auth.Role, use *auth.InviteUse) {
		t.Helper()
		err := db.Auth().CreateAccount(t.Context(), auth.NewAccount{
			Account: auth.Account{Local: local, Role: role, Created: at}, Invite: use, Check: func(*auth.Account) error { return nil },
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	account("alice", auth.RoleMember, nil)
	for _, id := range []string{"family", "choir"} {
		if err := db.Circles().Add(t.Context(), circle.Circle{ID: id, Name: id, Created: at}); err != nil {
			t.Fatal(err)
		}
	}
	inv := auth.Invite{
		ID: "i", Kind: auth.InviteAccount, Register: true, Role: auth.RoleLimited, Uses: 2, Hash: []byte("h"), Created: at, Expires: at.Add(time.Hour),
		Circles: []string{"family", "choir"}, Guardians: []string{"alice", "gone"},
	}
	check := func(int) error { return nil }
	if err := db.Auth().CreateInvite(t.Context(), inv, check); err != nil {
		t.Fatal(err)
	}
	bad := inv
	bad.ID, bad.Hash, bad.Circles = "j", []byte("j"), []string{"nobody's"}
	if err := db.Auth().CreateInvite(t.Context(), bad, check); !errors.Is(err, auth.ErrNoCircle) {
		t.Errorf("got %v", err)
	}
	if got, err := db.Auth().InviteByHash(t.Context(), inv.Hash); err != nil || !reflect.DeepEqual(got, inv) {
		t.Errorf("got  %+v %v\nwant %+v", got, err, inv)
	}
	if err := db.Circles().Remove(t.Context(), "choir"); err != nil {
		t.Fatal(err)
	}
	account("ben", auth.RoleLimited, &auth.InviteUse{Hash: inv.Hash, At: at, Check: func(auth.Invite, int) error { return nil }})
	all, err := db.Circles().Circles(t.Context())
	if err != nil || len(all) != 2 || len(all[0].Members) != 0 || !reflect.DeepEqual(all[1].Members, []circle.Member{{Account: "ben"}}) {
		t.Errorf("circles %+v %v", all, err)
	}
	records, err := db.Guardians().Records(t.Context())
	if err != nil || !reflect.DeepEqual(records["ben"], &guardian.Record{Guardians: []string{"alice"}}) {
		t.Errorf("guardians %+v %v", records["ben"], err)
	}
}
