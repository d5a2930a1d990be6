package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
)

// maxStatements bounds the prepared statements that a connection keeps. Texts are
// constants; only an IN list of varying length makes many.
const maxStatements = 512

// Conn answers queries. It is valid only inside the function that it was given to, and
// only in that function's goroutine.
type Conn struct {
	c *conn
}

// Tx is a [Conn] that can also write. An operation's own writes are visible to its queries.
type Tx struct {
	Conn
	wrote bool
}

// Exec runs a statement that returns no rows.
func (tx *Tx) Exec(query string, args ...any) (sql.Result, error) {
	st, err := tx.c.statement(query)
	if err != nil {
		return nil, err
	}
	r, err := st.ExecContext(context.Background(), args...)
	// A statement that fails leaves nothing behind.
	tx.wrote = tx.wrote || err == nil
	return r, err
}

// Query is [Conn.Query], also for a statement that writes and returns rows.
func (tx *Tx) Query(query string, args ...any) (*sql.Rows, error) {
	tx.wrote = tx.wrote || !strings.HasPrefix(query, "SELECT")
	return tx.Conn.Query(query, args...)
}

// QueryRow is [Conn.QueryRow], also for a statement that writes and returns a row.
func (tx *Tx) QueryRow(query string, args ...any) Row {
	tx.wrote = tx.wrote || !strings.HasPrefix(query, "SELECT")
	return tx.Conn.QueryRow(query, args...)
}

// Changes is Exec for callers who need only the number of rows that were changed.
func (tx *Tx) Changes(query string, args ...any) (int64, error) {
	r, err := tx.Exec(query, args...)
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

// Query runs a statement that returns rows; the caller closes them and asks for their Err.
// [Collect] does both.
func (c *Conn) Query(query string, args ...any) (*sql.Rows, error) {
	st, err := c.c.statement(query)
	if err != nil {
		return nil, err
	}
	return st.QueryContext(context.Background(), args...)
}

// QueryRow runs a statement that returns at most one row.
func (c *Conn) QueryRow(query string, args ...any) Row {
	st, err := c.c.statement(query)
	if err != nil {
		return Row{err: err}
	}
	return Row{row: st.QueryRowContext(context.Background(), args...)}
}

// Row is the result of [Conn.QueryRow].
type Row struct {
	row *sql.Row
	err error
}

// Scan copies the columns of the row; sql.ErrNoRows means that there was none.
func (r Row) Scan(dest ...any) error {
	if r.err != nil {
		return r.err
	}
	return r.row.Scan(dest...)
}

// Querier is a [Conn] or a [Tx].
type Querier interface {
	Query(query string, args ...any) (*sql.Rows, error)
	QueryRow(query string, args ...any) Row
}

// Collect runs a query and gathers what scan makes of each row. It returns nil when there
// is no row.
func Collect[T any](c Querier, scan func(*sql.Rows) (T, error), query string, args ...any) (out []T, err error) {
	rows, err := c.Query(query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, rows.Err()
}

// conn is one connection to the database with its prepared statements. It has one user at
// a time.
type conn struct {
	pool       *sql.DB // holds this connection only
	sql        *sql.Conn
	statements map[string]*sql.Stmt
}

func (c *conn) statement(query string) (*sql.Stmt, error) {
	if st, ok := c.statements[query]; ok {
		return st, nil
	}
	if err := checkPlaceholders(query); err != nil {
		return nil, err
	}
	if len(c.statements) >= maxStatements {
		for text, st := range c.statements { // any of them: this is a bound, not a policy
			delete(c.statements, text)
			if err := st.Close(); err != nil {
				return nil, fmt.Errorf("store: close statement: %w", err)
			}
			break
		}
	}
	st, err := c.sql.PrepareContext(context.Background(), query)
	if err != nil {
		return nil, fmt.Errorf("store: prepare: %w", err)
	}
	c.statements[query] = st
	return st, nil
}

// exec runs a statement without arguments, such as COMMIT.
func (c *conn) exec(query string) error {
	st, err := c.statement(query)
	if err != nil {
		return err
	}
	_, err = st.ExecContext(context.Background())
	return err
}

func (c *conn) close() error {
	var errs []error
	for _, st := range c.statements {
		errs = append(errs, st.Close())
	}
	c.statements = nil
	return errors.Join(append(errs, c.sql.Close(), c.pool.Close())...)
}

// checkPlaceholders refuses a text whose placeholders do not first appear as $1, $2, ...:
// SQLite numbers them by first appearance and PostgreSQL by name, and only in this order
// do both mean the same.
func checkPlaceholders(query string) error {
	next := 1
	quoted := false
	for i := 0; i < len(query); i++ {
		switch {
		case query[i] == '\'':
			quoted = !quoted
		case query[i] == '?' && !quoted:
			return fmt.Errorf("store: placeholder ? in %q: write $1, $2 and so on", query)
		case query[i] == '$' && !quoted:
			n := 0
			for i+1 < len(query) && query[i+1] >= '0' && query[i+1] <= '9' {
				i++
				n = n*10 + int(query[i]-'0')
			}
			if n > next || n == 0 {
				return fmt.Errorf("store: placeholder $%d appears before $%d in %q", n, next, query)
			}
			if n == next {
				next++
			}
		}
	}
	return nil
}
