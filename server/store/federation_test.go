package store_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"kith/internal/peer"
	"kith/server/store"
	"kith/server/store/storetest"
)

// finish waits for what done is called with.
func finish(t *testing.T, begin func(done func(error))) {
	t.Helper()
	c := make(chan error, 1)
	begin(func(err error) { c <- err })
	select {
	case err := <-c:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("done was not called")
	}
}

// What waits for other servers: in order, by link, in pages, until its time is over.
func TestFederationQueue(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	db := storetest.OpenDir(t, dir)
	f := db.Federation()
	one, two := peer.Link{Local: "a.example", Remote: "b.example"}, peer.Link{Local: "groups.a.example", Remote: "b.example"}
	at := time.UnixMilli(1_700_000_000_000)
	stanza := func(seq int64) peer.Stanza {
		return peer.Stanza{Seq: seq, XML: fmt.Sprintf("<message id='%d'/>", seq), At: at.Add(time.Duration(seq) * time.Second), Until: at.Add(time.Duration(seq) * time.Minute)}
	}
	for l, seqs := range map[peer.Link][]int64{one: {3, 1, 5, 9}, two: {2, 4}} {
		var all []peer.Stanza
		for _, s := range seqs {
			all = append(all, stanza(s))
		}
		finish(t, func(done func(error)) { f.Add(l, all, done) })
	}
	seqs := func(all []peer.Stanza, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, s := range all {
			if want := stanza(s.Seq); s.XML != want.XML || !s.At.Equal(want.At) || !s.Until.Equal(want.Until) {
				t.Errorf("read %+v, stored %+v", s, want)
			}
			out = append(out, fmt.Sprint(s.Seq))
		}
		return strings.Join(out, " ")
	}
	for want, got := range map[string]string{
		"1 3 5 9": seqs(f.Load(ctx, one, 0, 100, 1<<20)),
		"3 5":     seqs(f.Load(ctx, one, 1, 2, 1<<20)),
		"5 ":      seqs(f.Load(ctx, one, 3, 100, 1)) + " ",
		"2 4":     seqs(f.Load(ctx, two, 0, 100, 1<<20)),
		"3":       seqs(f.Expired(ctx, one, 1, at.Add(4*time.Minute), 10)),
		"":        seqs(f.Load(ctx, peer.Link{Local: "a.example", Remote: "c.example"}, 0, 100, 1<<20)),
	} {
		if want != got {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	finish(t, func(done func(error)) { f.Remove([]int64{1, 9, 77}, done) })
	waiting, last, err := f.Waiting(ctx)
	if err != nil || last != 5 || len(waiting) != 2 || waiting[0].Link != one || waiting[0].Count != 2 || !waiting[0].Oldest.Equal(stanza(3).At) ||
		waiting[0].Bytes != int64(len(stanza(3).XML)+len(stanza(5).XML)) || waiting[1].Count != 2 {
		t.Errorf("%+v %d %v", waiting, last, err)
	}
	// A number that is taken refuses the whole batch.
	failed := make(chan error, 1)
	f.Add(one, []peer.Stanza{stanza(20), stanza(3)}, func(err error) { failed <- err })
	if err := <-failed; err == nil {
		t.Error("the same number was taken twice")
	}
	if got := seqs(f.Load(ctx, one, 0, 100, 1<<20)); got != "3 5" {
		t.Errorf("got %q", got)
	}
}

// What is known of other servers outlives the process, as does the policy.
func TestFederationPeers(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	at := time.UnixMilli(1_700_000_000_000).UTC()
	record := peer.Record{
		Domain: "b.example", Rule: peer.Block, First: at, Last: at, Error: "words", ErrorAt: at, Changed: at, Why: "why",
		Keys: []peer.Key{{Hash: "00ff", Issuer: "CN=x", First: at, Last: at, NotBefore: at, NotAfter: at}},
	}
	func() {
		db, err := store.Open(ctx, store.Options{Dir: dir, Volatile: true, Twice: true})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		f := db.Federation()
		if p, err := f.Policy(ctx); p != "" || err != nil {
			t.Errorf("%q %v", p, err)
		}
		finish(t, func(done func(error)) { f.SavePeer(peer.Record{Domain: "b.example"}, done) })
		finish(t, func(done func(error)) { f.SavePeer(record, done) })
		finish(t, func(done func(error)) { f.SavePeer(peer.Record{Domain: "c.example"}, done) })
		finish(t, func(done func(error)) { f.SavePeer(peer.Record{Domain: "d.example"}, done) })
		finish(t, func(done func(error)) { f.ForgetPeers([]string{"c.example", "x.example"}, done) })
		if err := f.SetPolicy(ctx, "allow"); err != nil {
			t.Error(err)
		}
	}()
	f := storetest.OpenDir(t, dir).Federation()
	all, err := f.Peers(ctx)
	if err != nil || len(all) != 2 || fmt.Sprint(all[0]) != fmt.Sprint(record) || all[1].Domain != "d.example" {
		t.Errorf("%+v %v", all, err)
	}
	if p, err := f.Policy(ctx); p != "allow" || err != nil {
		t.Errorf("%q %v", p, err)
	}
}
