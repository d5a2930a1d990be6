package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"kith/server/upload"
)

// Uploads knows the files that people have uploaded.
type Uploads struct {
	db *DB
}

var _ upload.Store = (*Uploads)(nil)

// Uploads is the database as the upload feature sees it.
func (db *DB) Uploads() *Uploads { return &Uploads{db} }

// Add implements [upload.Store].
func (u *Uploads) Add(ctx context.Context, f upload.File, quota int64) error {
	return wrap("add a file", u.db.Write(ctx, func(tx *Tx) error {
		var id string
		err := tx.QueryRow("SELECT id FROM uploads WHERE id = $1", f.ID).Scan(&id)
		if err == nil {
			return upload.ErrTaken
		}
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		var used int64
		if err := tx.QueryRow("SELECT COALESCE(SUM(size), 0) FROM uploads WHERE account = $1", f.Account).Scan(&used); err != nil {
			return err
		}
		if used+f.Size > quota {
			return upload.ErrQuota
		}
		_, err = tx.Exec("INSERT INTO uploads (id, account, name, type, size, at, until) VALUES ($1, $2, $3, $4, $5, $6, $7)",
			f.ID, f.Account, f.Name, f.Type, f.Size, f.At.UnixMilli(), unixMilli(f.Until))
		return err
	}))
}

// File implements [upload.Store].
func (u *Uploads) File(ctx context.Context, id string) (f upload.File, ok bool, err error) {
	var at, until int64
	f.ID = id
	err = u.db.Read(ctx, func(c *Conn) error {
		return c.QueryRow("SELECT account, name, type, size, at, until FROM uploads WHERE id = $1", id).
			Scan(&f.Account, &f.Name, &f.Type, &f.Size, &at, &until)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return upload.File{}, false, nil
	}
	f.At, f.Until = fromUnixMilli(at), fromUnixMilli(until)
	return f, err == nil, wrap("find a file", err)
}

// Used implements [upload.Store].
func (u *Uploads) Used(ctx context.Context, account string) (bytes int64, next time.Time, err error) {
	var until int64
	err = u.db.Read(ctx, func(c *Conn) error {
		if err := c.QueryRow("SELECT COALESCE(SUM(size), 0) FROM uploads WHERE account = $1", account).Scan(&bytes); err != nil {
			return err
		}
		return c.QueryRow("SELECT COALESCE(MIN(until), 0) FROM uploads WHERE account = $1 AND until > 0", account).Scan(&until)
	})
	return bytes, fromUnixMilli(until), wrap("sum up files", err)
}

// Expired implements [upload.Store].
func (u *Uploads) Expired(ctx context.Context, now time.Time, limit int) ([]string, error) {
	return u.list(ctx, "SELECT id FROM uploads WHERE until > 0 AND until <= $1 ORDER BY until LIMIT $2", now.UnixMilli(), limit)
}

// Of implements [upload.Store].
func (u *Uploads) Of(ctx context.Context, account string, limit int) ([]string, error) {
	return u.list(ctx, "SELECT id FROM uploads WHERE account = $1 LIMIT $2", account, limit)
}

func (u *Uploads) list(ctx context.Context, query string, args ...any) (ids []string, err error) {
	err = u.db.Read(ctx, func(c *Conn) (err error) {
		ids, err = Collect(c, func(r *sql.Rows) (id string, err error) { return id, r.Scan(&id) }, query, args...)
		return err
	})
	return ids, wrap("list files", err)
}

// Forget implements [upload.Store].
func (u *Uploads) Forget(ctx context.Context, ids []string) error {
	return wrap("forget files", u.db.Write(ctx, func(tx *Tx) error {
		for _, id := range ids {
			if _, err := tx.Exec("DELETE FROM uploads WHERE id = $1", id); err != nil {
				return err
			}
		}
		return nil
	}))
}
