package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"kith/internal/jid"
	"kith/internal/stanzaid"
	"kith/server/offline"
)

var _ offline.Store = (*Archive)(nil)

const waitsOnly = "(e.flags & 2) <> 0"

// waiting finds an archive, and up to where nothing waits in it; 0 if there is none.
func waiting(c *Conn, address string) (archive int64, delivered stanzaid.Seq, err error) {
	err = c.QueryRow("SELECT id, delivered FROM archives WHERE address = $1", address).Scan(&archive, &delivered)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, 0, nil
	}
	return archive, delivered, err
}

// Waiting implements [offline.Store].
func (ar *Archive) Waiting(ctx context.Context, address string) (items []offline.Item, err error) {
	err = ar.db.Read(ctx, func(c *Conn) error {
		archive, delivered, err := waiting(c, address)
		if err != nil || archive == 0 {
			return err
		}
		items, err = Collect(c, func(r *sql.Rows) (it offline.Item, err error) {
			var flags int64
			err = r.Scan(&it.Seq, &flags, &it.Size)
			it.Hidden = flags&flagHidden != 0
			return it, err
		}, "SELECT e.seq, e.flags, OCTET_LENGTH(s.stanza)"+fromEntries+" WHERE "+waitsOnly+" AND e.archive = $1 AND e.seq > $2 ORDER BY e.seq",
			archive, delivered)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("store: waiting messages: %w", err)
	}
	return items, nil
}

// Messages implements [offline.Store].
func (ar *Archive) Messages(ctx context.Context, address string, first, last stanzaid.Seq) (messages []offline.Message, err error) {
	err = ar.db.Read(ctx, func(c *Conn) error {
		archive, _, err := waiting(c, address)
		if err != nil || archive == 0 {
			return err
		}
		messages, err = Collect(c, func(r *sql.Rows) (m offline.Message, err error) {
			err = r.Scan(&m.Seq, &m.Stanza)
			return m, err
		}, "SELECT e.seq, s.stanza"+fromEntries+" WHERE "+waitsOnly+" AND e.archive = $1 AND e.seq >= $2 AND e.seq <= $3 ORDER BY e.seq",
			archive, first, last)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("store: waiting messages: %w", err)
	}
	return messages, nil
}

// WaitingFrom implements [offline.Store].
func (ar *Archive) WaitingFrom(ctx context.Context, address string, peer jid.JID, upTo stanzaid.Seq) (seqs []stanzaid.Seq, err error) {
	err = ar.db.Read(ctx, func(c *Conn) error {
		archive, delivered, err := waiting(c, address)
		if err != nil || archive == 0 {
			return err
		}
		query := "SELECT e.seq FROM archive_entries e WHERE " + waitsOnly + " AND e.archive = $1 AND e.peer = $2 AND e.seq > $3 AND e.seq <= $4"
		args := []any{archive, peer.Bare().String(), delivered, upTo}
		if !peer.IsBare() {
			query += resourceIs + "5"
			args = append(args, peer.Resource())
		}
		seqs, err = Collect(c, func(r *sql.Rows) (seq stanzaid.Seq, err error) {
			err = r.Scan(&seq)
			return seq, err
		}, query+" ORDER BY e.seq", args...)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("store: waiting messages: %w", err)
	}
	return seqs, nil
}

// Save implements [offline.Store].
func (ar *Archive) Save(progress []offline.Progress, done func(error)) {
	ar.db.Enqueue(func(tx *Tx) error {
		for _, p := range progress {
			archive, _, err := waiting(&tx.Conn, p.Address)
			if err != nil {
				return err
			}
			if archive == 0 {
				continue // it was removed meanwhile
			}
			if _, err := tx.Exec("UPDATE archives SET delivered = $1 WHERE id = $2 AND delivered < $1", p.Delivered, archive); err != nil {
				return err
			}
			for _, seq := range p.Drop {
				rows, err := Collect(&tx.Conn, scanListed, "SELECT seq, stanza FROM archive_entries WHERE archive = $1 AND seq = $2 AND (flags & 4) <> 0", archive, seq)
				if err != nil {
					return err
				}
				if err := unlist(tx, archive, rows); err != nil {
					return err
				}
			}
		}
		return nil
	}, done)
}
