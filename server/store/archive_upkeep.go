package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"

	"kith/internal/stanzaid"
)

const (
	// expireBatch is how many messages are deleted with one operation.
	expireBatch = 200
	// expireLook is how many archives are looked at before others may read.
	expireLook = 200
)

// Expire implements mam.Store.
func (ar *Archive) Expire(ctx context.Context, from int64, before stanzaid.Seq) (next int64, deleted int, err error) {
	var limit stanzaid.Seq
	err = ar.db.Read(ctx, func(c *Conn) error {
		next, limit = from, 0
		for range expireLook {
			if err := c.QueryRow("SELECT COALESCE(MIN(archive), 0) FROM archive_entries WHERE archive >= $1", next).Scan(&next); err != nil || next == 0 {
				return err
			}
			var err error
			if limit, err = expirable(c, next, before); err != nil || limit > 0 {
				return err
			}
			next++
		}
		return nil
	})
	if err != nil {
		return 0, 0, fmt.Errorf("store: expire: %w", err)
	}
	if next == 0 || limit == 0 {
		return next, 0, nil
	}
	archive := next
	err = ar.db.Write(ctx, func(tx *Tx) error {
		rows, err := Collect(&tx.Conn, scanListed, "SELECT seq, stanza FROM archive_entries WHERE archive = $1 AND seq < $2 ORDER BY seq LIMIT $3",
			archive, limit, expireBatch)
		deleted = len(rows)
		if err != nil {
			return err
		}
		return unlist(tx, archive, rows)
	})
	if err != nil {
		return 0, 0, fmt.Errorf("store: expire: %w", err)
	}
	return next, deleted, nil
}

// expirable gives the Seq before which everything of an archive can be deleted, 0 if that is
// nothing.
func expirable(c *Conn, archive int64, before stanzaid.Seq) (limit stanzaid.Seq, err error) {
	var delivered stanzaid.Seq
	err = c.QueryRow("SELECT delivered FROM archives WHERE id = $1", archive).Scan(&delivered)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return math.MaxInt64, nil // it was removed
	case err != nil:
		return 0, err
	}
	limit = before
	err = c.QueryRow(`SELECT seq FROM archive_entries WHERE archive = $1 AND seq > $2 AND seq < $3 AND (flags & 2) <> 0
		ORDER BY seq LIMIT 1`, archive, delivered, before).Scan(&limit)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, err
	}
	var one int
	err = c.QueryRow("SELECT 1 FROM archive_entries WHERE archive = $1 AND seq < $2 LIMIT 1", archive, limit).Scan(&one)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return limit, err
}

// listed is an entry of an archive and its content.
type listed struct {
	seq    stanzaid.Seq
	stanza int64
}

func scanListed(r *sql.Rows) (l listed, err error) {
	err = r.Scan(&l.seq, &l.stanza)
	return l, err
}

// unlist deletes entries of an archive, and their content unless another archive lists it too.
func unlist(tx *Tx, archive int64, rows []listed) error {
	for _, r := range rows {
		if _, err := tx.Exec("DELETE FROM archive_entries WHERE archive = $1 AND seq = $2", archive, r.seq); err != nil {
			return err
		}
		n, err := tx.Changes("DELETE FROM archive_shared WHERE stanza = $1", r.stanza)
		if err != nil {
			return err
		}
		if n > 0 {
			continue
		}
		if _, err := tx.Exec("DELETE FROM archive_stanzas WHERE id = $1", r.stanza); err != nil {
			return err
		}
	}
	return nil
}

// Remove implements mam.Store. What the archive lists is deleted by Expire, since it belongs to
// none.
func (ar *Archive) Remove(ctx context.Context, address string) error {
	err := ar.db.Write(ctx, func(tx *Tx) error {
		if _, err := tx.Exec("DELETE FROM archive_rules WHERE archive = (SELECT id FROM archives WHERE address = $1)", address); err != nil {
			return err
		}
		_, err := tx.Exec("DELETE FROM archives WHERE address = $1", address)
		return err
	})
	if err != nil {
		return fmt.Errorf("store: remove archive: %w", err)
	}
	return nil
}
