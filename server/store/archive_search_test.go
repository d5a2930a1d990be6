package store_test

import (
	"fmt"
	"strings"
	"testing"

	"kith/internal/mamquery"
	"kith/internal/stanzaid"
	"kith/server/mam"
	"kith/server/store"
	"kith/server/store/storetest"
)

// fill gives bob's archive n messages of a size, of which those at some places say "needle".
func fill(t testing.TB, db *store.DB, n, size int, at ...int) {
	t.Helper()
	err := db.Write(t.Context(), func(tx *store.Tx) error {
		for _, text := range []string{
			fmt.Sprintf("INSERT INTO archives (id, address, delivered, policy) VALUES (%d, 'bob@example.org', 0, '')", ofBob),
			fmt.Sprintf(`INSERT INTO archive_stanzas (id, stanza) WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < %d)
				SELECT n, '<message from="alice@example.org/desk" type="chat"><body>%s</body></message>' FROM i`, n, strings.Repeat("hay ", size/4)),
			fmt.Sprintf("INSERT INTO archive_entries (archive, seq, peer, resource, flags, stanza) SELECT %d, id, 'alice@example.org', 'desk', 0, id FROM archive_stanzas", ofBob),
		} {
			if _, err := tx.Exec(text); err != nil {
				return err
			}
		}
		for _, i := range at {
			if _, err := tx.Exec("UPDATE archive_stanzas SET stanza = REPLACE(stanza, '</body>', 'needle</body>') WHERE id = $1", i); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func needles(t testing.TB, ar *store.Archive, change func(*mam.Query)) *mam.Page {
	t.Helper()
	search, err := mamquery.ReadSearch("needle")
	if err != nil {
		t.Fatal(err)
	}
	q := mam.Query{Archive: ofBob, Bytes: 4 << 20, Query: mamquery.Query{Limit: 50, Search: search}}
	change(&q)
	p, err := ar.Page(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// A search looks through so much and no more: it says how far it came, or that it found nothing.
func TestSearchIsBounded(t *testing.T) {
	for name, c := range map[string]struct{ n, size, reach int }{
		"many messages":  {20_500, 4, 20_000},
		"large messages": {400, 64 << 10, 256},
	} {
		t.Run(name, func(t *testing.T) {
			db := storetest.Open(t)
			ar := db.Archive()
			fill(t, db, c.n, c.size, 3, c.reach-1, c.n)
			first := needles(t, ar, func(*mam.Query) {})
			if len(first.Rows) != 2 || !first.More || first.Vast {
				t.Fatalf("first: %d rows, more %v, vast %v", len(first.Rows), first.More, first.Vast)
			}
			next := needles(t, ar, func(q *mam.Query) { q.After = first.Rows[1].Seq })
			if len(next.Rows) != 1 || next.More || next.Vast {
				t.Errorf("next: %d rows, more %v, vast %v", len(next.Rows), next.More, next.Vast)
			}
			last := needles(t, ar, func(q *mam.Query) { q.Backward, q.Limit = true, 1 })
			if len(last.Rows) != 1 || last.Rows[0].Seq != stanzaid.Seq(c.n) || !last.More || last.Vast {
				t.Errorf("last: %d rows, more %v, vast %v", len(last.Rows), last.More, last.Vast)
			}
			none := needles(t, ar, func(q *mam.Query) { q.Search = mamquery.Search{"nothing"} })
			if len(none.Rows) != 0 || !none.Vast {
				t.Errorf("none: %d rows, vast %v", len(none.Rows), none.Vast)
			}
			if count := needles(t, ar, func(q *mam.Query) { q.Count, q.Limit = true, 0 }); !count.Vast {
				t.Errorf("a count of %d that is not known", count.Count)
			}
			count := needles(t, ar, func(q *mam.Query) { q.Count, q.Limit, q.After = true, 0, stanzaid.Seq(c.n-100) })
			if count.Count != 1 || count.Vast || !count.More {
				t.Errorf("count %d, vast %v, more %v", count.Count, count.Vast, count.More)
			}
		})
	}
}

// Of messages of usual size: what the most expensive search costs.
func BenchmarkSearch(b *testing.B) {
	db := storetest.Open(b)
	ar := db.Archive()
	fill(b, db, 20_500, 80)
	for b.Loop() {
		needles(b, ar, func(*mam.Query) {})
	}
}
