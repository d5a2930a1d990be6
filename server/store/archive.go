package store

import (
	"context"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"kith/internal/mamquery"
	"kith/internal/stanzaid"
	"kith/server/mam"
)

// Archive keeps messages.
type Archive struct {
	db *DB
	// searching has room for those who search at the same time.
	searching chan struct{}

	mu     sync.Mutex // guards archives
	latest int64      // archive number that was given last

	stanza int64 // row that was given last; the writer's alone
}

var _ mam.Store = (*Archive)(nil)

// Archive is the database as the archive sees it. It numbers what it writes, so it is to be called
// once.
func (db *DB) Archive() *Archive {
	return &Archive{db: db, searching: make(chan struct{}, maxSearching)}
}

// The flags of an entry. Behind them is what its sender calls it, as [nameOf] has it.
const (
	flagOutgoing = 1
	flagWaits    = 2
	flagHidden   = 4
	flagAside    = 8
	flagMarker   = 16

	nameShift = 8
)

// archiveKey is the setting that keeps the key of stanza-ids.
const archiveKey = "archive_key"

// Key is the key from which stanza-ids are made. It is made when it is asked for first.
func (ar *Archive) Key(ctx context.Context) ([]byte, error) {
	text, err := ar.db.KeepSetting(ctx, archiveKey, base64.StdEncoding.EncodeToString(stanzaid.NewKey()))
	if err != nil {
		return nil, err
	}
	key, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(key) != stanzaid.KeySize {
		return nil, fmt.Errorf("store: archive key: the setting %s is damaged", archiveKey)
	}
	return key, nil
}

// Open implements [mam.Store].
func (ar *Archive) Open(ctx context.Context, address string) (mam.State, error) {
	var s mam.State
	err := ar.db.Read(ctx, func(c *Conn) error {
		var policy string
		err := c.QueryRow("SELECT id, policy FROM archives WHERE address = $1", address).Scan(&s.Archive, &policy)
		if errors.Is(err, sql.ErrNoRows) {
			s.Archive, err = ar.fresh(c)
			return err
		}
		if err != nil {
			return err
		}
		s.Exists, s.Preferences.Policy = true, mam.Policy(policy)
		err = c.QueryRow("SELECT seq FROM archive_entries WHERE archive = $1 ORDER BY seq DESC LIMIT 1", s.Archive).Scan(&s.Last)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		s.Preferences.Rules, err = readRules(c, s.Archive)
		return err
	})
	if err != nil {
		return mam.State{}, fmt.Errorf("store: open archive: %w", err)
	}
	return s, nil
}

func readRules(c *Conn, archive int64) (map[string]bool, error) {
	rules := map[string]bool{}
	_, err := Collect(c, func(r *sql.Rows) (struct{}, error) {
		var (
			jid  string
			keep bool
		)
		err := r.Scan(&jid, &keep)
		rules[jid] = keep
		return struct{}{}, err
	}, "SELECT jid, keep FROM archive_rules WHERE archive = $1", archive)
	return rules, err
}

// fresh gives a number that no archive has, nor one that was removed and is not yet deleted.
func (ar *Archive) fresh(c *Conn) (int64, error) {
	ar.mu.Lock()
	defer ar.mu.Unlock()
	for _, text := range []string{"SELECT COALESCE(MAX(id), 0) FROM archives", "SELECT COALESCE(MAX(archive), 0) FROM archive_entries"} {
		var n int64
		if err := c.QueryRow(text).Scan(&n); err != nil {
			return 0, err
		}
		ar.latest = max(ar.latest, n)
	}
	ar.latest++
	return ar.latest, nil
}

// Append implements [mam.Store].
func (ar *Archive) Append(e *mam.Entry, done func(error)) {
	var text string
	if e.Shared == nil {
		text = e.Stanza.String() // not on the writer's time
	}
	flags := flagsOf(e) | nameOf(e.Stanza)<<nameShift
	ar.db.Enqueue(func(tx *Tx) error {
		if err := ar.append(tx, e, flags, text); err != nil {
			return err
		}
		return ar.retract(tx, e)
	}, func(err error) {
		if err != nil && e.Stored != nil {
			// Who would share it comes later, and must store it himself.
			e.Stored.Row = 0
		}
		done(err)
	})
}

const sqlNewArchive = "INSERT INTO archives (id, address, delivered, policy) VALUES ($1, $2, 0, $3)"

func (ar *Archive) append(tx *Tx, e *mam.Entry, flags int64, text string) error {
	if e.Stored != nil {
		e.Stored.Row = 0
	}
	if e.New {
		if _, err := tx.Exec(sqlNewArchive+" ON CONFLICT (address) DO NOTHING", e.Archive, e.Address, ""); err != nil {
			return err
		}
	}
	row, err := ar.content(tx, e, text)
	if err != nil {
		return err
	}
	if _, err := tx.Exec("INSERT INTO archive_entries (archive, seq, peer, resource, flags, stanza) VALUES ($1, $2, $3, $4, $5, $6)",
		e.Archive, e.Seq, e.Peer.Bare().String(), e.Peer.Resource(), flags, row); err != nil {
		return err
	}
	if e.Stored != nil {
		e.Stored.Row = row
	}
	return nil
}

func flagsOf(e *mam.Entry) (flags int64) {
	for _, f := range [...]struct {
		is   bool
		flag int64
	}{{e.Outgoing, flagOutgoing}, {e.Waits, flagWaits}, {e.Hidden, flagHidden}, {e.Aside, flagAside}, {e.Marker, flagMarker}} {
		if f.is {
			flags |= f.flag
		}
	}
	return flags
}

// content stores a stanza, or finds that another archive has stored it just before.
func (ar *Archive) content(tx *Tx, e *mam.Entry, text string) (int64, error) {
	if e.Shared != nil && e.Shared.Row != 0 {
		n, err := tx.Changes("INSERT INTO archive_shared (stanza) SELECT id FROM archive_stanzas WHERE id = $1 ON CONFLICT (stanza) DO NOTHING", e.Shared.Row)
		if err != nil || n == 1 {
			return e.Shared.Row, err
		}
	}
	if text == "" {
		text = e.Stanza.String()
	}
	return ar.store(tx, text)
}

// store stores a stanza in a row of its own.
func (ar *Archive) store(tx *Tx, text string) (int64, error) {
	// Rows are numbered here, and a number is never given again: whoever shares a row by its
	// number gets that row or none.
	if ar.stanza == 0 {
		if err := ar.count(tx); err != nil {
			return 0, err
		}
	}
	ar.stanza++
	_, err := tx.Exec("INSERT INTO archive_stanzas (id, stanza) VALUES ($1, $2)", ar.stanza, text)
	return ar.stanza, err
}

func (ar *Archive) count(tx *Tx) error {
	return tx.QueryRow("SELECT COALESCE(MAX(id), 0) FROM archive_stanzas").Scan(&ar.stanza)
}

// SetPreferences implements [mam.Store].
func (ar *Archive) SetPreferences(archive int64, address string, p mam.Preferences, done func(error)) {
	ar.db.Enqueue(func(tx *Tx) error {
		if _, err := tx.Exec(sqlNewArchive+" ON CONFLICT (address) DO UPDATE SET policy = excluded.policy", archive, address, string(p.Policy)); err != nil {
			return err
		}
		if _, err := tx.Exec("DELETE FROM archive_rules WHERE archive = $1", archive); err != nil {
			return err
		}
		for j, keep := range p.Rules {
			if _, err := tx.Exec("INSERT INTO archive_rules (archive, jid, keep) VALUES ($1, $2, $3)", archive, j, keep); err != nil {
				return err
			}
		}
		return nil
	}, done)
}

// Page implements [mam.Store].
func (ar *Archive) Page(ctx context.Context, q mam.Query) (*mam.Page, error) {
	var p mam.Page
	if q.Search != nil {
		select {
		case ar.searching <- struct{}{}:
			defer func() { <-ar.searching }()
		case <-ctx.Done():
			return nil, fmt.Errorf("store: search archive: %w", ctx.Err())
		}
	}
	err := ar.db.Read(ctx, func(c *Conn) error {
		p = mam.Page{}
		if q.Seqs != nil {
			return readSingle(c, q, &p)
		}
		for _, seq := range q.Anchors {
			ok, err := anchored(c, q, seq)
			if err != nil || !ok {
				p.Missing = !ok
				return err
			}
		}
		if q.Search != nil {
			return search(c, q, &p)
		}
		if q.Count {
			text, args := selectEntries("COUNT(*)", q)
			if err := c.QueryRow(text, args...).Scan(&p.Count); err != nil {
				return err
			}
		}
		return readPage(c, q, &p)
	})
	if err != nil {
		return nil, fmt.Errorf("store: read archive: %w", err)
	}
	return &p, nil
}

const (
	fromEntries = " FROM archive_entries e JOIN archive_stanzas s ON s.id = e.stanza"
	shownOnly   = "(e.flags & 4) = 0" // without flagHidden
	// resourceIs looks the resource up apart, or the index of the peers would not be used.
	resourceIs = " AND (SELECT r.resource FROM archive_entries r WHERE r.archive = e.archive AND r.seq = e.seq) = $"
)

// selectEntries is the query for what a page is part of.
func selectEntries(columns string, q mam.Query) (string, []any) {
	var b strings.Builder
	args := make([]any, 0, 6)
	add := func(text string, v any) {
		args = append(args, v)
		b.WriteString(text)
		b.WriteString(strconv.Itoa(len(args)))
	}
	b.WriteString("SELECT " + columns + fromEntries + " WHERE " + shownOnly)
	add(" AND e.archive = $", q.Archive)
	add(" AND e.seq > $", q.After)
	if q.Before != 0 {
		add(" AND e.seq < $", q.Before)
	}
	if !q.With.IsZero() {
		add(" AND e.peer = $", q.With.Bare().String())
		if !q.With.IsBare() {
			add(resourceIs, q.With.Resource())
		}
	}
	return b.String(), args
}

func readPage(c *Conn, q mam.Query, p *mam.Page) error {
	if q.Limit == 0 {
		p.More = p.Count > 0
		return nil
	}
	text, args := selectEntries("e.seq, s.stanza", q)
	order := " ORDER BY e.seq LIMIT $"
	if q.Backward {
		order = " ORDER BY e.seq DESC LIMIT $"
	}
	args = append(args, q.Limit+1)
	rows, more, err := takeRows(c, q, text+order+strconv.Itoa(len(args)), args...)
	if err != nil {
		return err
	}
	p.More = more
	if q.Backward {
		slices.Reverse(rows)
	}
	p.Rows = rows
	return nil
}

// takeRows reads until the page is full; more tells that there is more.
func takeRows(c *Conn, q mam.Query, query string, args ...any) (out []mamquery.Row, more bool, err error) {
	rows, err := c.Query(query, args...)
	if err != nil {
		return nil, false, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	out = make([]mamquery.Row, 0, q.Limit)
	for bytes := 0; rows.Next(); {
		if len(out) == q.Limit || q.Bytes > 0 && bytes >= q.Bytes {
			return out, true, nil
		}
		row, err := scanRow(rows)
		if err != nil {
			return nil, false, err
		}
		bytes += len(row.Stanza)
		out = append(out, row)
	}
	return out, false, rows.Err()
}

func scanRow(r *sql.Rows) (row mamquery.Row, err error) {
	err = r.Scan(&row.Seq, &row.Stanza)
	return row, err
}

// readSingle reads the messages that were asked for one by one, until the page is full.
func readSingle(c *Conn, q mam.Query, p *mam.Page) error {
	bytes := 0
	for _, seq := range slices.Compact(slices.Sorted(slices.Values(q.Seqs))) {
		if q.Bytes > 0 && bytes >= q.Bytes {
			p.More = true
			return nil
		}
		rows, err := Collect(c, scanRow, "SELECT e.seq, s.stanza"+fromEntries+" WHERE "+shownOnly+" AND e.archive = $1 AND e.seq = $2", q.Archive, seq)
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			*p = mam.Page{Missing: true}
			return nil
		}
		bytes += len(rows[0].Stanza)
		if q.Search == nil || says(rows[0].Stanza, q.Search) {
			p.Rows = append(p.Rows, rows...)
		}
	}
	return nil
}

// anchored reports whether a client that has the message seq can go on from there: it is there, or
// it was a hidden one and nothing that was shown after it is gone.
func anchored(c *Conn, q mam.Query, seq stanzaid.Seq) (bool, error) {
	var first stanzaid.Seq
	err := c.QueryRow("SELECT seq FROM archive_entries WHERE archive = $1 ORDER BY seq LIMIT 1", q.Archive).Scan(&first)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return first <= seq && seq <= q.Newest, err
}

// Bounds implements [mam.Store].
func (ar *Archive) Bounds(ctx context.Context, archive int64) (first, last stanzaid.Seq, err error) {
	err = ar.db.Read(ctx, func(c *Conn) error {
		err := c.QueryRow("SELECT e.seq FROM archive_entries e WHERE "+shownOnly+" AND e.archive = $1 ORDER BY e.seq LIMIT 1", archive).Scan(&first)
		if err != nil {
			return err
		}
		return c.QueryRow("SELECT e.seq FROM archive_entries e WHERE "+shownOnly+" AND e.archive = $1 ORDER BY e.seq DESC LIMIT 1", archive).Scan(&last)
	})
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return 0, 0, nil
	case err != nil:
		return 0, 0, fmt.Errorf("store: archive bounds: %w", err)
	}
	return first, last, nil
}
