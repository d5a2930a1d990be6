package store

import (
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

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
	// The list of conversations (XEP-0430).
	checkPlan(t, db, "USING COVERING INDEX archive_entries_peer (archive=? AND peer=?)", sqlRecent, "c@d", 1, "a@b", 10)
	checkPlan(t, db, "USING PRIMARY KEY (archive=?)", sqlRecentRoom, "c@d", 1, 10)
	checkPlan(t, db, "USING COVERING INDEX archive_entries_peer (archive=? AND peer>?)", sqlPeers, 1, 10)
	// What a retraction takes back.
	checkPlan(t, db, "USING COVERING INDEX archive_entries_peer (archive=? AND peer=? AND seq<?)", sqlNamed, 1, "a@b", 5, retractLook, 0, 7, retractRead)
	checkPlan(t, db, "USING COVERING INDEX archive_entries_peer (archive=? AND peer=? AND seq>?)", sqlCorrections, 1, "a@b", 5, retractLook, 8, correctionsRead)
	// Whether somebody may answer.
	checkPlan(t, db, "USING COVERING INDEX archive_entries_peer (archive=? AND peer=?)", sqlWrote, 1, "a@b", wroteLook)
	// What else a node holds.
	checkPlan(t, db, "USING INDEX pubsub_items_order (account=? AND node=?)", sqlBeside, "alice", "urn:x", "1", 10)
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
	// What a recursive query has found so far is no table.
	text := strings.ReplaceAll(strings.Join(plan, "; "), "SCAN p;", "")
	text = strings.TrimSuffix(text, "SCAN p")
	// Nor is what a subquery has bounded.
	text = strings.TrimSuffix(strings.TrimSuffix(text, "SCAN lately"), "SCAN beside")
	if !strings.Contains(text, want) || strings.Contains(text, "TEMP B-TREE") || strings.Contains(text, "SCAN") {
		t.Errorf("%s\n\tis answered by %s", query, text)
	}
}

// What an archive has from before is told apart by its text.
func TestInboxMigration(t *testing.T) {
	c := testConn(t)
	files := migrations()
	before := fstest.MapFS{}
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if name < "0015" {
			text, err := fs.ReadFile(files, name)
			if err != nil {
				t.Fatal(err)
			}
			before[name] = &fstest.MapFile{Data: text}
		}
	}
	if err := migrate(t.Context(), c, before, now); err != nil {
		t.Fatal(err)
	}
	all := []struct {
		text string
		want int64
	}{
		{"<message><body>Hello</body><request xmlns='urn:xmpp:receipts'/><markable xmlns='urn:xmpp:chat-markers:0'/></message>", 0},
		{"<message><encrypted xmlns='urn:xmpp:omemo:2'><header sid='1'/><payload>AA</payload></encrypted></message>", 0},
		{"<message><encrypted xmlns='urn:xmpp:omemo:2'><header sid='1'/></encrypted></message>", 8},
		{"<message><received xmlns='urn:xmpp:receipts' id='1'/></message>", 8},
		{"<message><displayed xmlns='urn:xmpp:chat-markers:0' id='1'/></message>", 24},
		{"<message><reactions xmlns='urn:xmpp:reactions:0' id='1'/><body>+</body></message>", 8},
		{"<message><replace xmlns='urn:xmpp:message-correct:0' id='1'/><body>Helo</body></message>", 8},
	}
	for i, m := range all {
		for _, text := range []string{
			"INSERT INTO archive_stanzas (id, stanza) VALUES ($1, $2)",
			"INSERT INTO archive_entries (archive, seq, peer, resource, flags, stanza) VALUES (1, $1, $2, '', 2, $1)",
		} {
			if _, err := (&Tx{Conn: Conn{c}}).Exec(text, i+1, m.text); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := migrate(t.Context(), c, files, now); err != nil {
		t.Fatal(err)
	}
	for i, m := range all {
		var flags int64
		if err := (&Conn{c}).QueryRow("SELECT flags FROM archive_entries WHERE seq = $1", i+1).Scan(&flags); err != nil || flags != 2+m.want {
			t.Errorf("%s has the flags %d, %v; want %d", m.text, flags, err, 2+m.want)
		}
	}
}
