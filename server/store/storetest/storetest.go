// Package storetest opens databases for tests.
package storetest

import (
	"context"
	"testing"

	"kith/server/store"
)

// Open opens an empty database in a directory of the test, with today's schema, and closes
// it when the test ends. Commits do not wait for the disk, and every operation runs twice
// (see [store.Options]); everything else is the real thing.
func Open(t testing.TB) *store.DB {
	t.Helper()
	return OpenDir(t, t.TempDir())
}

// OpenDir is Open for a directory that outlives the database, such as that of a server
// which a test starts again.
func OpenDir(t testing.TB, dir string) *store.DB {
	t.Helper()
	db, err := store.Open(context.Background(), store.Options{Dir: dir, Volatile: true, Twice: true})
	if err != nil {
		t.Fatalf("open store: %v", err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close store: %v", err)
		}
	})
	return db
}
