package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strconv"
	"time"
)

// ErrSchemaTooNew means that a newer Kith has written the database.
var ErrSchemaTooNew = errors.New("store: the database was written by a newer version of Kith")

//go:embed migrations
var migrationFiles embed.FS

// migrations are the steps from nothing to today's schema. They only ever grow in number:
// a file that was released is never changed, since databases remember having run it.
func migrations() fs.FS {
	sub, err := fs.Sub(migrationFiles, "migrations")
	if err != nil {
		panic(err) // the directory is embedded above
	}
	return sub
}

type migration struct {
	version int64
	name    string
	text    string
}

var migrationName = regexp.MustCompile(`^(\d{4})_([a-z0-9_]+)\.sql$`)

// readMigrations lists NNNN_name.sql in order. The version of a schema is their count, so
// the numbers begin at 1 and have no gap.
func readMigrations(files fs.FS) ([]migration, error) {
	names, err := fs.Glob(files, "*.sql") // sorted
	if err != nil {
		return nil, err
	}
	var out []migration
	for i, name := range names {
		m := migrationName.FindStringSubmatch(name)
		if m == nil {
			return nil, fmt.Errorf("store: migration %s: the name must be NNNN_name.sql", name)
		}
		version, err := strconv.ParseInt(m[1], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("store: migration %s: %w", name, err)
		}
		if version != int64(i+1) {
			return nil, fmt.Errorf("store: migration %s should have number %04d", name, i+1)
		}
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, fmt.Errorf("store: migration %s: %w", name, err)
		}
		out = append(out, migration{version: version, name: m[2], text: ddl(string(text))})
	}
	return out, nil
}

// migrate runs what the database has not run yet, each migration in a transaction of its
// own together with the note that it was run.
func migrate(ctx context.Context, c *conn, files fs.FS, now time.Time) error {
	steps, err := readMigrations(files)
	if err != nil {
		return err
	}
	if _, err := c.sql.ExecContext(ctx, sqlMigrations); err != nil {
		return fmt.Errorf("store: migrate: %w", explain(err))
	}
	applied, err := Collect(&Conn{c}, func(r *sql.Rows) (migration, error) {
		var m migration
		return m, r.Scan(&m.version, &m.name)
	}, "SELECT version, name FROM schema_migrations ORDER BY version")
	if err != nil {
		return fmt.Errorf("store: migrate: %w", explain(err))
	}
	if len(applied) > len(steps) {
		return fmt.Errorf("%w: its schema is version %d, and this version of Kith knows %d; use the newer version, or restore a backup",
			ErrSchemaTooNew, len(applied), len(steps))
	}
	for i, was := range applied {
		if was.version != steps[i].version || was.name != steps[i].name {
			return fmt.Errorf("store: migrate: the database ran migration %04d_%s where this version of Kith has %04d_%s; it belongs to another build",
				was.version, was.name, steps[i].version, steps[i].name)
		}
	}
	for _, m := range steps[len(applied):] {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("store: migrate: %w", err)
		}
		if err := apply(ctx, c, m, now); err != nil {
			return fmt.Errorf("store: migration %04d_%s: %w", m.version, m.name, explain(err))
		}
	}
	return nil
}

func apply(ctx context.Context, c *conn, m migration, now time.Time) error {
	if err := c.exec(sqlBegin); err != nil {
		return err
	}
	err := func() error {
		if _, err := c.sql.ExecContext(ctx, m.text); err != nil {
			return err
		}
		tx := &Tx{Conn: Conn{c}}
		_, err := tx.Exec("INSERT INTO schema_migrations (version, name, applied_at) VALUES ($1, $2, $3)",
			m.version, m.name, now.UnixMilli())
		return err
	}()
	if err != nil {
		if in, ierr := c.inTransaction(); ierr != nil || in {
			return errors.Join(err, ierr, c.exec(sqlRollback))
		}
		return err
	}
	return c.exec(sqlCommit)
}
