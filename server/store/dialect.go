package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/mattn/go-sqlite3"
)

// This file is all that is particular to SQLite.

// The transaction of the writer takes the write lock at once, so that it cannot fail
// halfway for lack of it.
const (
	sqlBegin      = "BEGIN IMMEDIATE"
	sqlBeginRead  = "BEGIN"
	sqlCommit     = "COMMIT"
	sqlRollback   = "ROLLBACK"
	sqlSavepoint  = "SAVEPOINT op"
	sqlRelease    = "RELEASE op"
	sqlUndo       = "ROLLBACK TO op"
	sqlMigrations = "CREATE TABLE IF NOT EXISTS schema_migrations (version BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL, applied_at BIGINT NOT NULL)"
)

type purpose int

const (
	forWriting purpose = iota
	forReading
)

// source says how connections to the database are made.
type source struct {
	path     string
	volatile bool
}

// open makes a connection. Every setting of SQLite is made here and by every connection
// alike, since most of them belong to the connection and not to the file.
func (s source) open(ctx context.Context, p purpose) (_ *conn, err error) {
	q := url.Values{}
	q.Set("_busy_timeout", "10000") // another process, such as a backup, holds the file
	q.Set("_foreign_keys", "on")
	q.Set("_journal_mode", "WAL")
	q.Set("_synchronous", "FULL")
	if s.volatile {
		q.Set("_synchronous", "OFF")
	}
	q.Set("_secure_delete", "FAST") // what is deleted is overwritten where that costs no extra write
	// Temporary tables would otherwise lie in /tmp, where others may look.
	pragmas := []string{"PRAGMA temp_store = MEMORY"}
	switch p {
	case forWriting:
		// The commit that finds 1000 pages in the write-ahead log copies them to the file
		// (SQLite's default). Doing so beside the writer, on a connection of its own, was
		// measured: a log that grows longer costs a single commit half as much again, and
		// the slowest commits were no faster.
		pragmas = append(pragmas, "PRAGMA wal_autocheckpoint = 1000", "PRAGMA cache_size = -8192",
			"PRAGMA journal_size_limit = 67108864")
	case forReading:
		pragmas = append(pragmas, "PRAGMA query_only = ON")
	}
	dsn := "file:" + (&url.URL{Path: s.path}).EscapedPath() + "?" + q.Encode()
	pool, err := sql.Open("sqlite3", dsn)
	if err != nil {
		return nil, err
	}
	pool.SetMaxOpenConns(1)
	c, err := pool.Conn(ctx)
	if err != nil {
		return nil, errors.Join(explain(err), pool.Close())
	}
	for _, text := range pragmas {
		if _, err := c.ExecContext(ctx, text); err != nil {
			return nil, errors.Join(explain(err), c.Close(), pool.Close())
		}
	}
	return &conn{pool: pool, sql: c, statements: map[string]*sql.Stmt{}}, nil
}

// explain puts words of this program before an error whose own do not tell what to do.
func explain(err error) error {
	var se sqlite3.Error
	if !errors.As(err, &se) {
		return err
	}
	switch se.Code {
	case sqlite3.ErrNotADB:
		return fmt.Errorf("the file is not a Kith database, or it is damaged: %w", err)
	case sqlite3.ErrCorrupt:
		return fmt.Errorf("the database is damaged; restore it from a backup: %w", err)
	case sqlite3.ErrFull:
		return fmt.Errorf("the disk is full: %w", err)
	case sqlite3.ErrIoErr:
		return fmt.Errorf("the disk reports an error: %w", err)
	case sqlite3.ErrReadonly, sqlite3.ErrCantOpen, sqlite3.ErrPerm:
		return fmt.Errorf("the data directory cannot be written: %w", err)
	default:
		return err
	}
}

// engineFailed reports whether an operation failed because the database could not do its
// work, and not because of what it was asked.
func engineFailed(err error) bool {
	var se sqlite3.Error
	if !errors.As(err, &se) {
		return false
	}
	switch se.Code {
	case sqlite3.ErrFull, sqlite3.ErrIoErr, sqlite3.ErrNomem, sqlite3.ErrCorrupt, sqlite3.ErrNotADB,
		sqlite3.ErrReadonly, sqlite3.ErrCantOpen, sqlite3.ErrBusy, sqlite3.ErrInterrupt:
		return true
	default:
		return false
	}
}

// inTransaction asks SQLite itself: it ends a transaction on its own when the disk is full
// or failing.
func (c *conn) inTransaction() (bool, error) {
	var in bool
	err := c.sql.Raw(func(dc any) error {
		sc, ok := dc.(*sqlite3.SQLiteConn)
		if !ok {
			return fmt.Errorf("store: unexpected driver %T", dc)
		}
		in = !sc.AutoCommit()
		return nil
	})
	return in, err
}

// ddl turns the text of a migration into SQLite's: what PostgreSQL reads as a comment, or
// has another word for.
//
//   - BIGINT PRIMARY KEY becomes INTEGER PRIMARY KEY, which is the row's own number and
//     needs no second index.
//   - /* without rowid */ after a table makes its primary key the table itself, for tables
//     that are read along their key.
func ddl(text string) string {
	text = strings.ReplaceAll(text, "BIGINT PRIMARY KEY", "INTEGER PRIMARY KEY")
	return strings.ReplaceAll(text, "/* without rowid */", "WITHOUT ROWID")
}
