package store

import (
	"context"
	"database/sql"
	"errors"

	"kith/server/private"
)

// Private keeps what clients store for themselves.
type Private struct {
	db *DB
}

var _ private.Store = (*Private)(nil)

// Private is the database as the feature of private storage sees it.
func (db *DB) Private() *Private { return &Private{db} }

// Get implements [private.Store].
func (p *Private) Get(ctx context.Context, account, space, name string) (xml string, err error) {
	err = p.db.Read(ctx, func(c *Conn) error {
		return c.QueryRow("SELECT xml FROM private_xml WHERE account = $1 AND space = $2 AND name = $3", account, space, name).Scan(&xml)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return xml, wrap("private XML", err)
}

// Set implements [private.Store].
func (p *Private) Set(ctx context.Context, account string, all []private.Piece, maxPieces, maxBytes int) error {
	return wrap("set private XML", p.db.Write(ctx, func(tx *Tx) error {
		for _, x := range all {
			if _, err := tx.Exec(`INSERT INTO private_xml (account, space, name, xml) VALUES ($1, $2, $3, $4)
				ON CONFLICT (account, space, name) DO UPDATE SET xml = excluded.xml`, account, x.Space, x.Name, x.XML); err != nil {
				return err
			}
		}
		var pieces, bytes int
		if err := tx.QueryRow("SELECT COUNT(*), COALESCE(SUM(LENGTH(xml)), 0) FROM private_xml WHERE account = $1", account).Scan(&pieces, &bytes); err != nil {
			return err
		}
		if pieces > maxPieces || bytes > maxBytes {
			return private.ErrFull
		}
		return nil
	}))
}

// RemoveAccount forgets what an account has stored.
func (p *Private) RemoveAccount(ctx context.Context, account string) error {
	return wrap("remove private XML", p.db.Write(ctx, func(tx *Tx) error {
		_, err := tx.Exec("DELETE FROM private_xml WHERE account = $1", account)
		return err
	}))
}
