package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"kith/internal/jid"
	"kith/internal/mamquery"
	"kith/internal/stanzaid"
	"kith/server/inbox"
)

var _ inbox.Store = (*Archive)(nil)

// maxRecent is how far back one looks for the last message of a conversation and for those that are not
// read: receipts, markers and reactions lie between them.
const maxRecent = 4 * mamquery.MaxUnread

// Conversations with whom an archive has entries, each found along the index of the peers.
const sqlPeers = `WITH RECURSIVE p (peer) AS (
		SELECT MIN(peer) FROM archive_entries WHERE archive = $1
		UNION ALL SELECT (SELECT MIN(e.peer) FROM archive_entries e WHERE e.archive = $1 AND e.peer > p.peer) FROM p WHERE p.peer IS NOT NULL
	) SELECT peer FROM p WHERE peer IS NOT NULL LIMIT $2`

// What one tells oneself is known.
const sqlRecent = "SELECT e.seq, e.flags | CASE WHEN e.peer = $1 THEN 1 ELSE 0 END FROM archive_entries e WHERE " + shownOnly + " AND e.archive = $2 AND e.peer = $3 ORDER BY e.seq DESC LIMIT $4"

// archiveAt finds an archive, 0 if there is none.
func archiveAt(c *Conn, address string) (archive int64, err error) {
	err = c.QueryRow("SELECT id FROM archives WHERE address = $1", address).Scan(&archive)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return archive, err
}

// Chats implements [inbox.Store].
func (ar *Archive) Chats(ctx context.Context, address string, read map[jid.JID]stanzaid.Seq, limit int) (chats []inbox.Chat, err error) {
	err = ar.db.Read(ctx, func(c *Conn) error {
		chats = nil
		archive, err := archiveAt(c, address)
		if err != nil || archive == 0 {
			return err
		}
		peers, err := Collect(c, func(r *sql.Rows) (peer string, err error) {
			err = r.Scan(&peer)
			return peer, err
		}, sqlPeers, archive, limit)
		if err != nil {
			return err
		}
		for _, peer := range peers {
			with, err := jid.Parse(peer)
			if err != nil {
				return err
			}
			r, err := recent(c, read[with], sqlRecent, address, archive, peer, maxRecent)
			if err != nil {
				return err
			}
			if r.Newest != 0 {
				chats = append(chats, inbox.Chat{With: with, Recent: r})
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("store: conversations: %w", err)
	}
	return chats, nil
}

// recent reads the end of a conversation. The query gives it newest first: numbers and flags, among them
// flagOutgoing for what is one's own.
func recent(c *Conn, read stanzaid.Seq, query string, args ...any) (r mamquery.Recent, err error) {
	rows, err := c.Query(query, args...)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var (
			seq   stanzaid.Seq
			flags int64
		)
		if err := rows.Scan(&seq, &flags); err != nil {
			return r, err
		}
		if r.Newest == 0 {
			r.Newest = seq
		}
		if r.Last != 0 && seq <= read {
			break
		}
		if flags&flagAside != 0 {
			if flags&flagMarker != 0 && flags&flagOutgoing != 0 && r.Marker == 0 && seq > read {
				r.Marker = seq
			}
			continue
		}
		if r.Last == 0 {
			r.Last = seq
		}
		if flags&flagOutgoing != 0 || seq <= read || len(r.Unread) == mamquery.MaxUnread {
			break
		}
		r.Unread = append(r.Unread, seq)
	}
	return r, rows.Err()
}

// Texts implements [inbox.Store].
func (ar *Archive) Texts(ctx context.Context, address string, seqs []stanzaid.Seq) (out map[stanzaid.Seq]string, err error) {
	err = ar.db.Read(ctx, func(c *Conn) error {
		archive, err := archiveAt(c, address)
		if err != nil || archive == 0 {
			return err
		}
		out, err = texts(c, archive, seqs)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("store: messages of conversations: %w", err)
	}
	return out, nil
}

func texts(c *Conn, archive int64, seqs []stanzaid.Seq) (map[stanzaid.Seq]string, error) {
	out := make(map[stanzaid.Seq]string, len(seqs))
	for _, seq := range seqs {
		var text string
		err := c.QueryRow("SELECT s.stanza"+fromEntries+" WHERE "+shownOnly+" AND e.archive = $1 AND e.seq = $2", archive, seq).Scan(&text)
		if errors.Is(err, sql.ErrNoRows) {
			continue // it has expired meanwhile
		}
		if err != nil {
			return nil, err
		}
		out[seq] = text
	}
	return out, nil
}
