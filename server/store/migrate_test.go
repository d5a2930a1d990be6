package store

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

func testConn(t *testing.T) *conn {
	t.Helper()
	c, err := source{path: filepath.Join(t.TempDir(), "test.db")}.open(t.Context(), forWriting)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func steps(files ...string) fs.FS {
	m := fstest.MapFS{}
	for i := 0; i < len(files); i += 2 {
		m[files[i]] = &fstest.MapFile{Data: []byte(files[i+1])}
	}
	return m
}

var now = time.UnixMilli(1_700_000_000_000)

const (
	one = "CREATE TABLE a (x BIGINT PRIMARY KEY, y TEXT); CREATE INDEX a_y ON a (y); INSERT INTO a (x, y) VALUES (1, 'one; two');"
	two = "ALTER TABLE a ADD COLUMN z BIGINT NOT NULL DEFAULT 7;\nCREATE TABLE b (k TEXT NOT NULL PRIMARY KEY) /* without rowid */;"
)

func TestMigrationsRunOnceAndInOrder(t *testing.T) {
	c := testConn(t)
	for _, files := range []fs.FS{
		steps("0001_one.sql", one),
		steps("0001_one.sql", one),
		steps("0001_one.sql", one, "0002_two.sql", two),
		steps("0001_one.sql", one, "0002_two.sql", two),
	} {
		if err := migrate(t.Context(), c, files, now); err != nil {
			t.Fatal(err)
		}
	}
	var y string
	var z, version int
	if err := (&Conn{c}).QueryRow("SELECT y, z FROM a").Scan(&y, &z); err != nil || y != "one; two" || z != 7 {
		t.Fatalf("%q %d %v", y, z, err)
	}
	if err := (&Conn{c}).QueryRow("SELECT MAX(version) FROM schema_migrations").Scan(&version); err != nil || version != 2 {
		t.Fatalf("version %d %v", version, err)
	}
	// What ddl is for: a key that is the row's number has no index beside the table.
	var indexes int
	if err := (&Conn{c}).QueryRow("SELECT COUNT(*) FROM sqlite_master WHERE type = 'index' AND name LIKE 'sqlite_autoindex%' AND tbl_name IN ('a', 'b')").Scan(&indexes); err != nil || indexes != 0 {
		t.Fatalf("%d automatic indexes, %v", indexes, err)
	}
}

func TestSchemaFromTheFutureIsRefused(t *testing.T) {
	c := testConn(t)
	if err := migrate(t.Context(), c, steps("0001_one.sql", one, "0002_two.sql", two), now); err != nil {
		t.Fatal(err)
	}
	err := migrate(t.Context(), c, steps("0001_one.sql", one), now)
	if !errors.Is(err, ErrSchemaTooNew) || !strings.Contains(err.Error(), "version 2") || !strings.Contains(err.Error(), "knows 1") {
		t.Fatalf("migrate: %v", err)
	}
	err = migrate(t.Context(), c, steps("0001_one.sql", one, "0002_other.sql", two), now)
	if err == nil || !strings.Contains(err.Error(), "0002_two") || !strings.Contains(err.Error(), "0002_other") {
		t.Fatalf("another build's migration: %v", err)
	}
}

func TestAFailingMigrationLeavesNothing(t *testing.T) {
	c := testConn(t)
	bad := "CREATE TABLE b (x BIGINT); INSERT INTO nowhere (x) VALUES (1);"
	err := migrate(t.Context(), c, steps("0001_one.sql", one, "0002_bad.sql", bad), now)
	if err == nil || !strings.Contains(err.Error(), "0002_bad") {
		t.Fatalf("migrate: %v", err)
	}
	if err := (&Conn{c}).QueryRow("SELECT COUNT(*) FROM b").Scan(new(int)); err == nil {
		t.Fatal("the table of a migration that failed is there")
	}
	if err := migrate(t.Context(), c, steps("0001_one.sql", one, "0002_two.sql", two), now); err != nil {
		t.Fatalf("the repaired migration: %v", err)
	}
}

func TestMigrationNamesAreChecked(t *testing.T) {
	for _, files := range [][]string{
		{"0002_first.sql", one},
		{"0001_one.sql", one, "0003_gap.sql", two},
		{"0001_one.sql", one, "0001_twice.sql", two},
		{"1_short.sql", one},
		{"0001-dash.sql", one},
	} {
		if _, err := readMigrations(steps(files...)); err == nil {
			t.Errorf("%v was accepted", files)
		}
	}
	if _, err := readMigrations(migrations()); err != nil {
		t.Error(err)
	}
}

func TestPlaceholders(t *testing.T) {
	for query, ok := range map[string]bool{
		"SELECT 1":              true,
		"SELECT $1, $2, $1, $3": true,
		"SELECT '$9 ?', $1":     true,
		"SELECT 'it''s $9', $1": true,
		"SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11": true,
		"SELECT $2, $1": false,
		"SELECT $1, $3": false,
		"SELECT ?":      false,
		"SELECT $":      false,
		"SELECT $0":     false,
	} {
		if err := checkPlaceholders(query); (err == nil) != ok {
			t.Errorf("%s: %v", query, err)
		}
	}
}

// Only dialect.go may say what one engine alone understands.
func TestSQLIsPortable(t *testing.T) {
	alien := regexp.MustCompile(`\b(AUTOINCREMENT|INSERT OR|REPLACE INTO|UPDATE OR|IFNULL|strftime|datetime\(|julianday|randomblob|BLOB|GLOB|PRAGMA|sqlite_\w+|rowid|STRICT|last_insert_rowid|total_changes|WITHOUT ROWID)\b`)
	marker := regexp.MustCompile(`/\* without rowid \*/`)
	var files []string
	for _, pattern := range []string{"*.go", "migrations/*.sql"} {
		m, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, m...)
	}
	if len(files) < 5 {
		t.Fatalf("found only %v", files)
	}
	for _, name := range files {
		if name == "dialect.go" || strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(string(text), "\n") {
			if strings.HasPrefix(strings.TrimSpace(line), "//") || strings.HasPrefix(strings.TrimSpace(line), "--") {
				continue
			}
			if word := alien.FindString(marker.ReplaceAllString(line, "")); word != "" {
				t.Errorf("%s:%d: %q is SQLite's alone", name, i+1, word)
			}
		}
	}
}
