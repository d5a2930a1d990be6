package store_test

import (
	"fmt"
	"testing"

	"kith/internal/jid"
	"kith/server/store/storetest"
)

func TestBlockList(t *testing.T) {
	dir := t.TempDir()
	db := storetest.OpenDir(t, dir)
	jids := func(all ...string) (out []jid.JID) {
		for _, s := range all {
			out = append(out, jid.Must(s))
		}
		return out
	}
	check := func(account, want string) {
		t.Helper()
		got, err := db.Blocking().Blocked(t.Context(), account)
		if err != nil || fmt.Sprint(got) != want {
			t.Errorf("%s: %v %v; want %s", account, got, err, want)
		}
	}
	b := db.Blocking()
	check("alice", "[]")
	for _, err := range []error{
		b.Block(t.Context(), "alice", jids("bob@x", "y", "bob@x/'res", "y/r")),
		b.Block(t.Context(), "alice", jids("bob@x", "carol@x")),
		b.Block(t.Context(), "bob", jids("alice@x")),
		b.Unblock(t.Context(), "alice", jids("y", "nobody@x")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db = storetest.OpenDir(t, dir)
	check("alice", "[bob@x bob@x/'res carol@x y/r]")
	check("bob", "[alice@x]")
	for range 2 {
		if err := db.Blocking().UnblockAll(t.Context(), "alice"); err != nil {
			t.Fatal(err)
		}
	}
	check("alice", "[]")
	check("bob", "[alice@x]")
}
