package store

import (
	"context"
	"database/sql"
	"fmt"

	"kith/internal/jid"
	"kith/server/blocking"
)

// Blocking keeps what accounts have blocked.
type Blocking struct {
	db *DB
}

var _ blocking.Store = (*Blocking)(nil)

// Blocking is the database as the blocking feature sees it.
func (db *DB) Blocking() *Blocking { return &Blocking{db} }

// Blocked implements [blocking.Store].
func (b *Blocking) Blocked(ctx context.Context, account string) (items []jid.JID, err error) {
	err = b.db.Read(ctx, func(c *Conn) (err error) {
		items, err = Collect(c, func(rows *sql.Rows) (jid.JID, error) {
			var s string
			if err := rows.Scan(&s); err != nil {
				return jid.JID{}, err
			}
			return jid.Parse(s)
		}, "SELECT address FROM blocked WHERE account = $1 ORDER BY address", account)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("store: block list: %w", err)
	}
	return items, nil
}

// Block implements [blocking.Store].
func (b *Blocking) Block(ctx context.Context, account string, items []jid.JID) error {
	return b.write(ctx, "INSERT INTO blocked (account, address) VALUES ($1, $2) ON CONFLICT DO NOTHING", account, items)
}

// Unblock implements [blocking.Store].
func (b *Blocking) Unblock(ctx context.Context, account string, items []jid.JID) error {
	return b.write(ctx, "DELETE FROM blocked WHERE account = $1 AND address = $2", account, items)
}

func (b *Blocking) write(ctx context.Context, query, account string, items []jid.JID) error {
	err := b.db.Write(ctx, func(tx *Tx) error {
		for _, j := range items {
			if _, err := tx.Exec(query, account, j.String()); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("store: change block list: %w", err)
	}
	return nil
}

// UnblockAll implements [blocking.Store].
func (b *Blocking) UnblockAll(ctx context.Context, account string) error {
	err := b.db.Write(ctx, func(tx *Tx) error {
		_, err := tx.Exec("DELETE FROM blocked WHERE account = $1", account)
		return err
	})
	if err != nil {
		return fmt.Errorf("store: clear block list: %w", err)
	}
	return nil
}
