package store

import (
	"hash/fnv"
	"strings"

	"kith/internal/jid"
	"kith/internal/payload"
	"kith/internal/stanza"
	"kith/internal/stanzaid"
	"kith/server/mam"
)

const (
	// retractLook is how many messages of a conversation are looked through for one that is retracted, and
	// retractRead how many of them are read because they may be the one.
	retractLook = 2000
	retractRead = 64
	// correctionsRead is how many receipts, reactions and the like behind it are read to find its corrections.
	correctionsRead = 256
)

// nameOf is a number for what the sender calls a message, so that the message is found without reading all:
// never 0, which stands behind the flags of messages that have to be read to know.
func nameOf(st *stanza.Stanza) int64 {
	if origin := payload.OriginID(st); origin != "" && origin != st.ID {
		return 0
	}
	return nameNumber(st.ID)
}

func nameNumber(id string) int64 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(id))
	return 1 + int64(h.Sum32())
}

// What a conversation had lately is found along the index of the peers, which has the flags.
const sqlNamed = `SELECT seq, stanza FROM
	(SELECT seq, flags, stanza FROM archive_entries WHERE archive = $1 AND peer = $2 AND seq < $3 ORDER BY seq DESC LIMIT $4) AS lately
	WHERE (flags & 1) = $5 AND (flags >> 8) IN (0, $6) ORDER BY seq DESC LIMIT $7`

// retract replaces what the message e takes back (XEP-0424). It is part of the operation that stores e.
func (ar *Archive) retract(tx *Tx, e *mam.Entry) error {
	if e.Retraction == nil {
		return nil
	}
	rows, err := Collect(&tx.Conn, scanListed, sqlNamed,
		e.Archive, e.Peer.Bare().String(), e.Seq, retractLook, flagsOf(e)&flagOutgoing, nameNumber(e.Retraction.ID), retractRead)
	if err != nil {
		return err
	}
	for _, r := range rows {
		var text string
		if err := tx.QueryRow("SELECT stanza FROM archive_stanzas WHERE id = $1", r.stanza).Scan(&text); err != nil {
			return err
		}
		earlier, err := stanza.Parse(text)
		if err != nil {
			continue // damaged; what is said now shall not be lost for that
		}
		left := e.Retraction.Replace(earlier)
		if left == "" {
			continue
		}
		if err := ar.replace(tx, e.Archive, r, text, left); err != nil {
			return err
		}
		return ar.retractLater(tx, e.Archive, e.Peer, r.seq, flagsOf(e)&flagOutgoing, func(later *stanza.Stanza) string {
			return e.Retraction.Follow(earlier.ID, later)
		})
	}
	return nil
}

// Corrections are among what is nothing to read by itself.
const sqlCorrections = `SELECT seq, stanza FROM
	(SELECT seq, flags, stanza FROM archive_entries WHERE archive = $1 AND peer = $2 AND seq > $3 ORDER BY seq LIMIT $4) AS lately
	WHERE (flags & 9) = $5 ORDER BY seq LIMIT $6`

// retractLater replaces those messages of the same side behind one for which follow gives something.
func (ar *Archive) retractLater(tx *Tx, archive int64, peer jid.JID, after stanzaid.Seq, outgoing int64, follow func(*stanza.Stanza) string) error {
	rows, err := Collect(&tx.Conn, scanListed, sqlCorrections, archive, peer.Bare().String(), after, retractLook, outgoing|flagAside, correctionsRead)
	if err != nil {
		return err
	}
	for _, r := range rows {
		var text string
		if err := tx.QueryRow("SELECT stanza FROM archive_stanzas WHERE id = $1", r.stanza).Scan(&text); err != nil {
			return err
		}
		if !strings.Contains(text, "urn:xmpp:message-correct:0") {
			continue
		}
		later, err := stanza.Parse(text)
		if err != nil {
			continue
		}
		if left := follow(later); left != "" {
			if err := ar.replace(tx, archive, r, text, left); err != nil {
				return err
			}
		}
	}
	return nil
}

// replace puts a tombstone in the place of a message of one archive. If another archive lists the same
// content, that has it for as long as its own retraction leaves it there.
func (ar *Archive) replace(tx *Tx, archive int64, r listed, text, left string) error {
	row := r.stanza
	if text != left {
		shared, err := tx.Changes("DELETE FROM archive_shared WHERE stanza = $1", row)
		if err == nil && shared > 0 {
			row, err = ar.store(tx, left)
		} else if err == nil {
			_, err = tx.Exec("UPDATE archive_stanzas SET stanza = $1 WHERE id = $2", left, row)
		}
		if err != nil {
			return err
		}
	}
	return bury(tx, archive, r.seq, row)
}

// bury notes of an entry that it is nothing to read any more, and marks nothing, and where its content is.
func bury(tx *Tx, archive int64, seq stanzaid.Seq, row int64) error {
	_, err := tx.Exec("UPDATE archive_entries SET flags = (flags | 8) & ~16, stanza = $1 WHERE archive = $2 AND seq = $3", row, archive, seq)
	return err
}
