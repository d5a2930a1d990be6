package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"kith/internal/jid"
	"kith/internal/mamquery"
	"kith/internal/stanzaid"
	"kith/server/mam"
	"kith/server/module"
	"kith/server/muc"
)

// maxRoomPage ends a page of a room's archive early whose messages are large.
const maxRoomPage = 4 << 20

// MUC keeps the rooms of group chat. What is said in them lies in the same archive as the messages of
// accounts, and is kept as long.
type MUC struct {
	db      *DB
	archive *Archive
}

var _ muc.Store = (*MUC)(nil)

// MUC is the database as group chat sees it. ar is what [DB.Archive] returned.
func (db *DB) MUC(ar *Archive) *MUC { return &MUC{db, ar} }

// Room implements [muc.Store].
func (m *MUC) Room(ctx context.Context, local, address string) (*muc.State, error) {
	st := &muc.State{Local: local, Config: muc.DefaultRoomConfig()}
	err := m.db.Read(ctx, func(c *Conn) error {
		var config, hats, from string
		var at int64
		err := c.QueryRow("SELECT config, salt, hats, subject, subject_from, subject_by, subject_at FROM muc_rooms WHERE room = $1", local).
			Scan(&config, &st.Salt, &hats, &st.Subject.XML, &from, &st.Subject.By, &at)
		if errors.Is(err, sql.ErrNoRows) {
			st = nil
			return nil
		}
		if err != nil {
			return err
		}
		// What a later version added to the configuration has its default.
		if err := json.Unmarshal([]byte(config), &st.Config); err != nil {
			return fmt.Errorf("configuration of a room: %w", err)
		}
		if err := json.Unmarshal([]byte(hats), &st.Hats); err != nil {
			return fmt.Errorf("hats of a room: %w", err)
		}
		if from != "" {
			if st.Subject.From, err = jid.Parse(from); err != nil {
				return err
			}
		}
		st.Subject.At = time.UnixMilli(at).UTC()
		if st.AvatarHashes, err = avatarHashes(c, local); err != nil {
			return err
		}
		if st.Links, err = roomLinks(c, local); err != nil {
			return err
		}
		st.Entries, err = Collect(c, scanAffiliation, "SELECT jid, affiliation, nick, reason FROM muc_affiliations WHERE room = $1", local)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("store: room: %w", err)
	}
	if st == nil {
		return nil, nil //nolint:nilnil // there is none
	}
	return st, m.openArchive(ctx, st, address)
}

func avatarHashes(c *Conn, local string) (hashes []string, err error) {
	var text string
	err = c.QueryRow("SELECT hashes FROM muc_avatars WHERE room = $1", local).Scan(&text)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, nil
	case err != nil:
		return nil, err
	}
	if err := json.Unmarshal([]byte(text), &hashes); err != nil {
		return nil, fmt.Errorf("hashes of a picture: %w", err)
	}
	return hashes, nil
}

func roomLinks(c *Conn, local string) (l muc.Links, err error) {
	var text string
	err = c.QueryRow("SELECT links FROM muc_links WHERE room = $1", local).Scan(&text)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return l, nil
	case err != nil:
		return l, err
	}
	if err := json.Unmarshal([]byte(text), &l); err != nil {
		return l, fmt.Errorf("links into a room: %w", err)
	}
	return l, nil
}

func scanAffiliation(r *sql.Rows) (e muc.Entry, err error) {
	var address string
	if err := r.Scan(&address, &e.Affiliation, &e.Nick, &e.Reason); err != nil {
		return e, err
	}
	e.JID, err = jid.Parse(address)
	return e, err
}

// openArchive finds the archive of a room, or a number for one that is not there yet.
func (m *MUC) openArchive(ctx context.Context, st *muc.State, address string) error {
	a, err := m.archive.Open(ctx, address)
	if err != nil {
		return err
	}
	st.Archive, st.Archived, st.Last = a.Archive, a.Exists, a.Last
	return nil
}

// CreateRoom implements [muc.Store].
func (m *MUC) CreateRoom(ctx context.Context, st *muc.State, address string) error {
	if err := m.openArchive(ctx, st, address); err != nil {
		return err
	}
	config, err := json.Marshal(st.Config) //nolint:gosec // a password that all members know
	if err != nil {
		return fmt.Errorf("store: create room: %w", err)
	}
	hats, err := json.Marshal(st.Hats)
	if err != nil {
		return fmt.Errorf("store: create room: %w", err)
	}
	err = m.db.Write(ctx, func(tx *Tx) error {
		if st.MaxOwned > 0 {
			if n, err := owned(&tx.Conn, st.Maker); err != nil || n >= st.MaxOwned {
				return cmp.Or(err, muc.ErrTooMany)
			}
		}
		n, err := tx.Changes(`INSERT INTO muc_rooms (room, title, listed, persistent, config, salt, hats, subject, subject_from, subject_by, subject_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (room) DO NOTHING`,
			st.Local, st.Config.Name, st.Config.Public, st.Config.Persistent, string(config), st.Salt, string(hats),
			st.Subject.XML, st.Subject.From.String(), st.Subject.By, st.Subject.At.UnixMilli())
		if err != nil {
			return err
		}
		if n == 0 {
			return muc.ErrExists
		}
		return saveEntries(tx, st.Local, st.Entries)
	})
	if err != nil {
		return fmt.Errorf("store: create room: %w", err)
	}
	return nil
}

func saveEntries(tx *Tx, local string, entries []muc.Entry) error {
	for _, e := range entries {
		if e.Affiliation == muc.Unaffiliated {
			if _, err := tx.Exec("DELETE FROM muc_affiliations WHERE room = $1 AND jid = $2", local, e.JID.String()); err != nil {
				return err
			}
			continue
		}
		if _, err := tx.Exec(`INSERT INTO muc_affiliations (room, jid, affiliation, nick, reason) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (room, jid) DO UPDATE SET affiliation = excluded.affiliation, nick = excluded.nick, reason = excluded.reason`,
			local, e.JID.String(), int64(e.Affiliation), e.Nick, e.Reason); err != nil {
			return err
		}
	}
	return nil
}

// SaveConfig implements [muc.Store].
func (m *MUC) SaveConfig(ctx context.Context, local string, rc muc.RoomConfig, changed []muc.Entry) error {
	config, err := json.Marshal(rc) //nolint:gosec // a password that all members know
	if err != nil {
		return fmt.Errorf("store: configure room: %w", err)
	}
	err = m.db.Write(ctx, func(tx *Tx) error {
		if _, err := tx.Exec("UPDATE muc_rooms SET title = $1, listed = $2, persistent = $3, config = $4 WHERE room = $5",
			rc.Name, rc.Public, rc.Persistent, string(config), local); err != nil {
			return err
		}
		return saveEntries(tx, local, changed)
	})
	if err != nil {
		return fmt.Errorf("store: configure room: %w", err)
	}
	return nil
}

// SaveEntries implements [muc.Store].
func (m *MUC) SaveEntries(ctx context.Context, local string, changed []muc.Entry) error {
	if err := m.db.Write(ctx, func(tx *Tx) error { return saveEntries(tx, local, changed) }); err != nil {
		return fmt.Errorf("store: affiliations of a room: %w", err)
	}
	return nil
}

// SaveLinks implements [muc.Store].
func (m *MUC) SaveLinks(ctx context.Context, local string, l muc.Links, changed []muc.Entry) error {
	text, err := json.Marshal(l)
	if err != nil {
		return fmt.Errorf("store: links into a room: %w", err)
	}
	err = m.db.Write(ctx, func(tx *Tx) error {
		query, args := `INSERT INTO muc_links (room, links) VALUES ($1, $2) ON CONFLICT (room) DO UPDATE SET links = excluded.links`, []any{local, string(text)}
		if len(l.All) == 0 {
			query, args = "DELETE FROM muc_links WHERE room = $1", args[:1]
		}
		if _, err := tx.Exec(query, args...); err != nil {
			return err
		}
		return saveEntries(tx, local, changed)
	})
	if err != nil {
		return fmt.Errorf("store: links into a room: %w", err)
	}
	return nil
}

// SaveHats implements [muc.Store].
func (m *MUC) SaveHats(ctx context.Context, local string, h muc.Hats) error {
	text, err := json.Marshal(h)
	if err != nil {
		return fmt.Errorf("store: hats of a room: %w", err)
	}
	err = m.db.Write(ctx, func(tx *Tx) error {
		_, err := tx.Exec("UPDATE muc_rooms SET hats = $1 WHERE room = $2", string(text), local)
		return err
	})
	if err != nil {
		return fmt.Errorf("store: hats of a room: %w", err)
	}
	return nil
}

// SaveAvatar implements [muc.Store].
func (m *MUC) SaveAvatar(ctx context.Context, local, vcard string, hashes []string) error {
	text, err := json.Marshal(hashes)
	if err != nil {
		return fmt.Errorf("store: picture of a room: %w", err)
	}
	err = m.db.Write(ctx, func(tx *Tx) error {
		if vcard == "" {
			_, err := tx.Exec("DELETE FROM muc_avatars WHERE room = $1", local)
			return err
		}
		_, err := tx.Exec(`INSERT INTO muc_avatars (room, vcard, hashes) VALUES ($1, $2, $3)
			ON CONFLICT (room) DO UPDATE SET vcard = excluded.vcard, hashes = excluded.hashes`, local, vcard, string(text))
		return err
	})
	if err != nil {
		return fmt.Errorf("store: picture of a room: %w", err)
	}
	return nil
}

// Avatar implements [muc.Store].
func (m *MUC) Avatar(ctx context.Context, local string) (vcard string, err error) {
	err = m.db.Read(ctx, func(c *Conn) error {
		err := c.QueryRow("SELECT vcard FROM muc_avatars WHERE room = $1", local).Scan(&vcard)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		return err
	})
	if err != nil {
		return "", fmt.Errorf("store: picture of a room: %w", err)
	}
	return vcard, nil
}

// DestroyRoom implements [muc.Store].
func (m *MUC) DestroyRoom(ctx context.Context, local, address string) error {
	err := m.db.Write(ctx, func(tx *Tx) error {
		if _, err := tx.Exec("DELETE FROM muc_rooms WHERE room = $1", local); err != nil {
			return err
		}
		// What the archive lists is deleted by and by, since it belongs to none.
		_, err := tx.Exec("DELETE FROM archives WHERE address = $1", address)
		return err
	})
	if err != nil {
		return fmt.Errorf("store: destroy room: %w", err)
	}
	return nil
}

// Rooms implements [muc.Store].
func (m *MUC) Rooms(ctx context.Context, listed bool, after string, limit int) (rooms []muc.Listing, err error) {
	text := "SELECT room, title FROM muc_rooms WHERE room > $1 ORDER BY room LIMIT $2"
	if listed {
		text = "SELECT room, title FROM muc_rooms WHERE room > $1 AND listed ORDER BY room LIMIT $2"
	}
	err = m.db.Read(ctx, func(c *Conn) (err error) {
		rooms, err = Collect(c, func(r *sql.Rows) (l muc.Listing, err error) {
			err = r.Scan(&l.Local, &l.Name)
			return l, err
		}, text, after, limit)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("store: rooms: %w", err)
	}
	return rooms, nil
}

// CountRooms implements [muc.Store].
func (m *MUC) CountRooms(ctx context.Context, listed bool) (n int, err error) {
	text := "SELECT COUNT(*) FROM muc_rooms"
	if listed {
		text += " WHERE listed"
	}
	err = m.db.Read(ctx, func(c *Conn) error { return c.QueryRow(text).Scan(&n) })
	if err != nil {
		return 0, fmt.Errorf("store: rooms: %w", err)
	}
	return n, nil
}

// Owned implements [muc.Store].
func (m *MUC) Owned(ctx context.Context, user jid.JID) (n int, err error) {
	err = m.db.Read(ctx, func(c *Conn) error {
		n, err = owned(c, user)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("store: rooms of an owner: %w", err)
	}
	return n, nil
}

func owned(c *Conn, user jid.JID) (n int, err error) {
	err = c.QueryRow("SELECT COUNT(*) FROM muc_affiliations WHERE jid = $1 AND affiliation = $2", user.String(), int64(muc.Owner)).Scan(&n)
	return n, err
}

func (m *MUC) names(ctx context.Context, query string, args ...any) (names []string, err error) {
	err = m.db.Read(ctx, func(c *Conn) (err error) {
		names, err = Collect(c, func(r *sql.Rows) (s string, err error) {
			err = r.Scan(&s)
			return s, err
		}, query, args...)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("store: rooms: %w", err)
	}
	return names, nil
}

// Listed implements [muc.Store].
func (m *MUC) Listed(ctx context.Context, user jid.JID) ([]string, error) {
	return m.names(ctx, "SELECT room FROM muc_affiliations WHERE jid = $1 ORDER BY room", user.String())
}

// Temporary implements [muc.Store].
func (m *MUC) Temporary(ctx context.Context) ([]string, error) {
	return m.names(ctx, "SELECT room FROM muc_rooms WHERE NOT persistent ORDER BY room")
}

// Append implements [muc.Store].
func (m *MUC) Append(msg *muc.Message, done func(error)) {
	e := &mam.Entry{
		Archive: msg.Archive, Address: msg.Address, New: msg.New, Seq: msg.Seq, Peer: msg.Sender, Stored: &module.Stored{},
		Aside: msg.Aside, Marker: msg.Marker,
	}
	m.db.Enqueue(func(tx *Tx) error {
		if msg.Stanza != "" {
			if err := m.archive.append(tx, e, flagsOf(e), msg.Stanza); err != nil {
				return err
			}
		}
		if s := msg.Subject; s != nil {
			if _, err := tx.Exec("UPDATE muc_rooms SET subject = $1, subject_from = $2, subject_by = $3, subject_at = $4 WHERE room = $5",
				s.XML, s.From.String(), s.By, s.At.UnixMilli(), msg.Local); err != nil {
				return err
			}
		}
		if msg.Retracts != 0 {
			// What is left of it is nothing to read.
			if _, err := tx.Exec("UPDATE archive_entries SET flags = flags + 8 WHERE archive = $1 AND seq = $2 AND (flags & 8) = 0", msg.Archive, msg.Retracts); err != nil {
				return err
			}
			// No other archive lists what was said in a room, so its content is the room's to change.
			if _, err := tx.Exec("UPDATE archive_stanzas SET stanza = $1 WHERE id = (SELECT stanza FROM archive_entries WHERE archive = $2 AND seq = $3)",
				msg.Tombstone, msg.Archive, msg.Retracts); err != nil {
				return err
			}
			if msg.Follow != nil {
				return m.archive.retractLater(tx, msg.Archive, msg.Author, msg.Retracts, 0, msg.Follow)
			}
		}
		return nil
	}, done)
}

// Page implements [muc.Store].
func (m *MUC) Page(ctx context.Context, archive int64, q *mamquery.Query, sender jid.JID, newest stanzaid.Seq) (mamquery.Page, bool, error) {
	mq := mam.Query{Query: *q, Archive: archive, Newest: newest, Bytes: maxRoomPage}
	mq.With = sender
	p, err := m.archive.Page(ctx, mq)
	if err != nil {
		return mamquery.Page{}, false, err
	}
	return p.Page, p.Missing, nil
}

// Sender implements [muc.Store].
func (m *MUC) Sender(ctx context.Context, archive int64, seq stanzaid.Seq) (sender jid.JID, ok bool, err error) {
	err = m.db.Read(ctx, func(c *Conn) error {
		var bare, resource string
		err := c.QueryRow("SELECT peer, resource FROM archive_entries WHERE archive = $1 AND seq = $2", archive, seq).Scan(&bare, &resource)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		ok = true
		if sender, err = jid.Parse(bare); err != nil || resource == "" {
			return err
		}
		sender, err = sender.WithResource(resource)
		return err
	})
	if err != nil {
		return jid.JID{}, false, fmt.Errorf("store: sender: %w", err)
	}
	return sender, ok, nil
}

// Bounds implements [muc.Store].
func (m *MUC) Bounds(ctx context.Context, archive int64) (first, last stanzaid.Seq, err error) {
	return m.archive.Bounds(ctx, archive)
}

const sqlRecentRoom = "SELECT e.seq, e.flags | CASE WHEN e.peer = $1 THEN 1 ELSE 0 END FROM archive_entries e WHERE " + shownOnly + " AND e.archive = $2 ORDER BY e.seq DESC LIMIT $3"

// Recent implements [muc.Store].
func (m *MUC) Recent(ctx context.Context, archive int64, me jid.JID, read stanzaid.Seq) (r mamquery.Recent, err error) {
	err = m.db.Read(ctx, func(c *Conn) error {
		r, err = recent(c, read, sqlRecentRoom, me.Bare().String(), archive, maxRecent)
		return err
	})
	if err != nil {
		return mamquery.Recent{}, fmt.Errorf("store: recent messages of a room: %w", err)
	}
	return r, nil
}

// Texts implements [muc.Store].
func (m *MUC) Texts(ctx context.Context, archive int64, seqs []stanzaid.Seq) (map[stanzaid.Seq]string, error) {
	var out map[stanzaid.Seq]string
	err := m.db.Read(ctx, func(c *Conn) (err error) {
		out, err = texts(c, archive, seqs)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("store: messages of a room: %w", err)
	}
	return out, nil
}
