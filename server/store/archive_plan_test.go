package store

import (
	"strings"
	"testing"

	"kith/internal/jid"
	"kith/internal/mamquery"
	"kith/server/mam"
)

// What is asked all the time is answered along an index, in its order.
func TestArchivePlans(t *testing.T) {
	db, err := Open(t.Context(), Options{Dir: t.TempDir(), Volatile: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	const primary, peers = "USING PRIMARY KEY (archive=? AND seq>", "USING COVERING INDEX archive_entries_peer (archive=? AND peer=? AND seq>"
	bare, full := jid.Must("a@b"), jid.Must("a@b/c")
	for _, c := range []struct {
		q    mamquery.Query
		want string
	}{
		{mamquery.Query{}, primary},
		{mamquery.Query{Backward: true}, primary},
		{mamquery.Query{After: 1, Before: 5}, primary},
		{mamquery.Query{With: bare}, peers},
		{mamquery.Query{With: bare, Backward: true}, peers},
		{mamquery.Query{With: bare, Before: 5}, peers},
		{mamquery.Query{With: full, Before: 5}, peers},
	} {
		text, args := selectEntries("e.seq, s.stanza", mam.Query{Query: c.q})
		if text += " ORDER BY e.seq"; c.q.Backward {
			text += " DESC"
		}
		checkPlan(t, db, c.want, text, args...)
	}
	checkPlan(t, db, "(archive>", "SELECT COALESCE(MIN(archive), 0) FROM archive_entries WHERE archive >= $1", 1)
	checkPlan(t, db, "SEARCH", "SELECT COALESCE(MAX(archive), 0) FROM archive_entries")
}

func checkPlan(t *testing.T, db *DB, want, query string, args ...any) {
	t.Helper()
	var plan []string
	err := db.Read(t.Context(), func(c *Conn) error {
		rows, err := c.Query("EXPLAIN QUERY PLAN "+query, args...)
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			var (
				id, parent, unused int
				detail             string
			)
			if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
				return err
			}
			plan = append(plan, detail)
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Join(plan, "; ")
	if !strings.Contains(text, want) || strings.Contains(text, "TEMP B-TREE") || strings.Contains(text, "SCAN") {
		t.Errorf("%s\n\tis answered by %s", query, text)
	}
}
