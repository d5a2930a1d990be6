package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"kith/internal/jid"
	"kith/server/privacy"
)

// Privacy keeps who may write to whom.
type Privacy struct {
	db *DB
}

var _ privacy.Store = (*Privacy)(nil)

// Privacy is the database as the feature sees it.
func (db *DB) Privacy() *Privacy { return &Privacy{db} }

// Messages implements [privacy.Store].
func (p *Privacy) Messages(ctx context.Context, account string) (from privacy.Senders, err error) {
	from = privacy.Everybody
	err = p.db.Read(ctx, func(c *Conn) error {
		err := c.QueryRow("SELECT messages FROM account_privacy WHERE account = $1", account).Scan((*string)(&from))
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		return err
	})
	return from, wrap("who may write", err)
}

// SetMessages implements [privacy.Store].
func (p *Privacy) SetMessages(ctx context.Context, account string, from privacy.Senders) error {
	return wrap("set who may write", p.db.Write(ctx, func(tx *Tx) error {
		if from == privacy.Everybody {
			_, err := tx.Exec("DELETE FROM account_privacy WHERE account = $1", account)
			return err
		}
		_, err := tx.Exec(`INSERT INTO account_privacy (account, messages) VALUES ($1, $2)
			ON CONFLICT (account) DO UPDATE SET messages = excluded.messages`, account, string(from))
		return err
	}))
}

var _ privacy.Archive = (*Archive)(nil)

// wroteLook is how many messages of a conversation are looked through for one of the owner's.
const wroteLook = 1000

const (
	sqlWrote = `SELECT seq FROM (SELECT seq, flags FROM archive_entries WHERE archive = $1 AND peer = $2 ORDER BY seq DESC LIMIT $3) AS lately
		WHERE (flags & 1) = 1 LIMIT 1`
	sqlWroteTo = `SELECT e.seq FROM (SELECT archive, seq, flags FROM archive_entries WHERE archive = $1 AND peer = $2 ORDER BY seq DESC LIMIT $3) AS e
		WHERE (e.flags & 1) = 1` + resourceIs + "4 LIMIT 1"
)

// Wrote implements [privacy.Archive].
func (ar *Archive) Wrote(ctx context.Context, address string, peer jid.JID) (wrote bool, err error) {
	err = ar.db.Read(ctx, func(c *Conn) error {
		wrote = false
		archive, err := archiveAt(c, address)
		if err != nil || archive == 0 {
			return err
		}
		query, args := sqlWrote, []any{archive, peer.Bare().String(), wroteLook}
		if !peer.IsBare() {
			query, args = sqlWroteTo, append(args, peer.Resource())
		}
		var seq int64
		err = c.QueryRow(query, args...).Scan(&seq)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		wrote = err == nil
		return err
	})
	if err != nil {
		return false, fmt.Errorf("store: whether somebody wrote: %w", err)
	}
	return wrote, nil
}
