package store_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"kith/internal/jid"
	"kith/internal/mamquery"
	xmpp "kith/internal/stanza"
	"kith/internal/stanzaid"
	"kith/server/mam"
	"kith/server/module"
	"kith/server/offline"
	"kith/server/store"
	"kith/server/store/storetest"
)

const (
	ofAlice = int64(1)
	ofBob   = int64(2)
)

var addresses = map[int64]string{ofAlice: "alice@example.org", ofBob: "bob@example.org"}

// entry is a message from alice to bob, for the archive of one of them.
func messageEntry(archive int64, seq stanzaid.Seq, body string, shared *module.Stored) *mam.Entry {
	e := &mam.Entry{
		Archive: archive, Address: addresses[archive], New: true, Seq: seq, Shared: shared, Stored: &module.Stored{},
		Stanza: xmpp.New(xmpp.Header{Kind: xmpp.Message, Type: xmpp.Chat}, "<body>"+body+"</body>"),
	}
	if archive == ofAlice {
		e.Peer, e.Outgoing = jid.Must("bob@example.org"), true
	} else {
		e.Peer, e.Waits = jid.Must("alice@example.org/desk"), true
	}
	return e
}

// both appends a message to both archives as the actors do: one right after the other.
func both(ar *store.Archive, seq stanzaid.Seq, body string) (sender, recipient error) {
	var wg sync.WaitGroup
	wg.Add(2)
	e := messageEntry(ofAlice, seq, body, nil)
	ar.Append(e, func(err error) { sender = err; wg.Done() })
	ar.Append(messageEntry(ofBob, seq, body, e.Stored), func(err error) { recipient = err; wg.Done() })
	wg.Wait()
	return sender, recipient
}

func bodiesOf(t *testing.T, ar *store.Archive, archive int64) []string {
	t.Helper()
	p, err := ar.Page(t.Context(), mam.Query{Archive: archive, Query: mamquery.Query{Limit: 1000}})
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, r := range p.Rows {
		st, err := xmpp.Parse(r.Stanza)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, st.Body())
	}
	return out
}

func countRows(t *testing.T, db *store.DB, table string) (n int) {
	t.Helper()
	if err := db.Read(t.Context(), func(c *store.Conn) error { return c.QueryRow("SELECT COUNT(*) FROM " + table).Scan(&n) }); err != nil {
		t.Fatal(err)
	}
	return n
}

func execute(t *testing.T, db *store.DB, text string) {
	t.Helper()
	if err := db.Write(t.Context(), func(tx *store.Tx) error { _, err := tx.Exec(text); return err }); err != nil {
		t.Fatal(err)
	}
}

func TestArchiveSharesContent(t *testing.T) {
	db := storetest.Open(t)
	ar := db.Archive()
	for seq := range stanzaid.Seq(10) {
		if s, r := both(ar, seq+1, fmt.Sprint(seq)); s != nil || r != nil {
			t.Fatal(s, r)
		}
	}
	if a, b := bodiesOf(t, ar, ofAlice), bodiesOf(t, ar, ofBob); !slices.Equal(a, b) || len(a) != 10 {
		t.Errorf("alice has %v, bob %v", a, b)
	}
	if n, shared := countRows(t, db, "archive_stanzas"), countRows(t, db, "archive_shared"); n != 10 || shared != 10 {
		t.Errorf("%d stored, %d shared", n, shared)
	}
}

// A page of messages that are asked for one by one ends early too, if they are large: the client asks for the rest.
func TestArchivePageOfIDsIsBounded(t *testing.T) {
	ar := storetest.Open(t).Archive()
	var seqs []stanzaid.Seq
	for seq := range stanzaid.Seq(10) {
		if s, r := both(ar, seq+1, strings.Repeat("x", 1000)); s != nil || r != nil {
			t.Fatal(s, r)
		}
		seqs = append(seqs, seq+1)
	}
	p, err := ar.Page(t.Context(), mam.Query{Archive: ofAlice, Bytes: 3500, Query: mamquery.Query{Seqs: seqs}})
	if err != nil || len(p.Rows) != 4 || !p.More || p.Rows[3].Seq != 4 {
		t.Fatalf("%d messages, more: %v, %v", len(p.Rows), p.More, err)
	}
	p, err = ar.Page(t.Context(), mam.Query{Archive: ofAlice, Bytes: 3500, Query: mamquery.Query{Seqs: seqs[7:]}})
	if err != nil || len(p.Rows) != 3 || p.More {
		t.Fatalf("the rest: %d messages, more: %v, %v", len(p.Rows), p.More, err)
	}
}

// The sender's archive cannot be written: the recipient's has the message nonetheless, and not
// another one's content.
func TestArchiveOfSenderFails(t *testing.T) {
	db := storetest.Open(t)
	ar := db.Archive()
	if s, r := both(ar, 1, "before"); s != nil || r != nil {
		t.Fatal(s, r)
	}
	execute(t, db, fmt.Sprintf("CREATE TRIGGER no BEFORE INSERT ON archive_entries WHEN NEW.archive = %d BEGIN SELECT RAISE(ABORT, 'no'); END", ofAlice))
	if s, r := both(ar, 2, "meanwhile"); s == nil || r != nil {
		t.Fatal(s, r)
	}
	execute(t, db, "DROP TRIGGER no")
	if s, r := both(ar, 3, "after"); s != nil || r != nil {
		t.Fatal(s, r)
	}
	if got := bodiesOf(t, ar, ofAlice); !slices.Equal(got, []string{"before", "after"}) {
		t.Errorf("alice has %v", got)
	}
	if got := bodiesOf(t, ar, ofBob); !slices.Equal(got, []string{"before", "meanwhile", "after"}) {
		t.Errorf("bob has %v", got)
	}
	if n, shared := countRows(t, db, "archive_stanzas"), countRows(t, db, "archive_shared"); n != 3 || shared != 2 {
		t.Errorf("%d stored, %d shared", n, shared)
	}
}

// The content is gone before the recipient shares it, and its row may not be taken for another's.
func TestArchiveOfSenderIsDeleted(t *testing.T) {
	db := storetest.Open(t)
	ar := db.Archive()
	e := messageEntry(ofAlice, 1, "one", nil)
	done := make(chan error, 1)
	ar.Append(e, func(err error) { done <- err })
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if err := ar.Remove(t.Context(), addresses[ofAlice]); err != nil {
		t.Fatal(err)
	}
	expireAll(t, ar, 0)
	if n := countRows(t, db, "archive_stanzas"); n != 0 {
		t.Fatalf("%d are left", n)
	}
	for i, e := range []*mam.Entry{messageEntry(ofBob, 1, "another", nil), messageEntry(ofBob, 2, "one", e.Stored)} {
		ar.Append(e, func(err error) { done <- err })
		if err := <-done; err != nil {
			t.Fatal(i, err)
		}
	}
	if got := bodiesOf(t, ar, ofBob); !slices.Equal(got, []string{"another", "one"}) {
		t.Errorf("bob has %v", got)
	}
}

func expireAll(t *testing.T, ar *store.Archive, before stanzaid.Seq) (deleted int) {
	t.Helper()
	for from := int64(1); from != 0; {
		next, n, err := ar.Expire(t.Context(), from, before)
		if err != nil {
			t.Fatal(err)
		}
		deleted += n
		from = next
	}
	return deleted
}

func TestArchiveExpire(t *testing.T) {
	db := storetest.Open(t)
	ar := db.Archive()
	for seq := range stanzaid.Seq(1000) {
		e := messageEntry(ofAlice, seq+1, fmt.Sprint(seq), nil)
		ar.Append(e, func(error) {})
		ar.Append(messageEntry(ofBob, seq+1, fmt.Sprint(seq), e.Stored), func(error) {})
	}
	saved := make(chan error, 1)
	save := func(p ...offline.Progress) {
		t.Helper()
		ar.Save(p, func(err error) { saved <- err })
		if err := <-saved; err != nil {
			t.Fatal(err)
		}
	}
	save(offline.Progress{Address: addresses[ofBob], Delivered: 300})
	// Of bob's, what waits stays, and all after it.
	if n := expireAll(t, ar, 601); n != 600+300 {
		t.Errorf("%d were deleted", n)
	}
	if a, b := bodiesOf(t, ar, ofAlice), bodiesOf(t, ar, ofBob); len(a) != 400 || a[0] != "600" || len(b) != 700 || b[0] != "300" {
		t.Errorf("left: %d from %s and %d from %s", len(a), a[0], len(b), b[0])
	}
	if n := countRows(t, db, "archive_stanzas"); n != 700 {
		t.Errorf("%d stored", n)
	}
	if n := expireAll(t, ar, 601); n != 0 {
		t.Errorf("%d more were deleted", n)
	}
	save(offline.Progress{Address: addresses[ofBob], Delivered: 100}) // never back
	save(offline.Progress{Address: addresses[ofBob], Delivered: 1000}, offline.Progress{Address: "nobody@example.org", Delivered: 5})
	if n := expireAll(t, ar, 2000); n != 400+700 {
		t.Errorf("%d were deleted in the end", n)
	}
	for _, table := range []string{"archive_stanzas", "archive_shared", "archive_entries"} {
		if n := countRows(t, db, table); n != 0 {
			t.Errorf("%d left in %s", n, table)
		}
	}
	if n := expireAll(t, ar, 0); n != 0 {
		t.Errorf("%d were deleted of nothing", n)
	}
}

func TestArchiveNumbers(t *testing.T) {
	ctx := t.Context()
	dir := t.TempDir()
	db := storetest.OpenDir(t, dir)
	ar := db.Archive()
	key, err := ar.Key(ctx)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[int64]string{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for n := range 20 {
		wg.Go(func() {
			address := fmt.Sprintf("user%d@example.org", n)
			s, err := ar.Open(ctx, address)
			mu.Lock()
			defer mu.Unlock()
			if err != nil || s.Exists || seen[s.Archive] != "" {
				t.Errorf("%s: %+v, %v", address, s, err)
			}
			seen[s.Archive] = address
		})
	}
	wg.Wait()
	done := make(chan error, 1)
	for id, address := range seen {
		e := messageEntry(ofBob, 7, "x", nil)
		e.Archive, e.Address = id, address
		ar.Append(e, func(err error) { done <- err })
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	if err := ar.Remove(ctx, seen[20]); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	ar = storetest.OpenDir(t, dir).Archive()
	if again, err := ar.Key(ctx); err != nil || !slices.Equal(again, key) {
		t.Errorf("the key changed: %v", err)
	}
	for id, address := range seen {
		s, err := ar.Open(ctx, address)
		switch {
		case err != nil:
			t.Error(err)
		case id == 20: // it was removed, and what it has is not deleted yet
			if s.Exists || s.Archive <= 20 {
				t.Errorf("the number of a removed archive is given again: %+v", s)
			}
		case !s.Exists || s.Archive != id || s.Last != 7:
			t.Errorf("%s: %+v", address, s)
		}
	}
}

func TestArchivePreferences(t *testing.T) {
	ar := storetest.Open(t).Archive()
	done := make(chan error, 1)
	for _, p := range []mam.Preferences{
		{Policy: mam.Never, Rules: map[string]bool{"a@b": true, "c@d/e": false}},
		{Policy: mam.Always, Rules: map[string]bool{"f@g": true}},
		{Policy: mam.Roster, Rules: map[string]bool{}},
	} {
		s, err := ar.Open(t.Context(), "bob@example.org")
		if err != nil {
			t.Fatal(err)
		}
		ar.SetPreferences(s.Archive, "bob@example.org", p, func(err error) { done <- err })
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		s, err = ar.Open(t.Context(), "bob@example.org")
		if err != nil || s.Preferences.Policy != p.Policy || fmt.Sprint(s.Preferences.Rules) != fmt.Sprint(p.Rules) {
			t.Errorf("%+v became %+v, %v", p, s.Preferences, err)
		}
	}
}

func TestArchiveRefusesWhenClosed(t *testing.T) {
	db := storetest.Open(t)
	ar := db.Archive()
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if s, r := both(ar, 1, "x"); !errors.Is(s, store.ErrClosed) || !errors.Is(r, store.ErrClosed) {
		t.Error(s, r)
	}
	if _, err := ar.Page(context.Background(), mam.Query{Archive: 1, Query: mamquery.Query{Limit: 1}}); !errors.Is(err, store.ErrClosed) {
		t.Error(err)
	}
}
