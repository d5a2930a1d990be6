package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"kith/internal/jid"
	"kith/server/roster"
)

// Roster keeps contacts.
type Roster struct {
	db *DB
}

var _ roster.Store = (*Roster)(nil)

// Roster is the database as the roster feature sees it.
func (db *DB) Roster() *Roster { return &Roster{db} }

// Roster implements [roster.Store].
func (r *Roster) Roster(ctx context.Context, account string) (roster.Snapshot, error) {
	var s roster.Snapshot
	err := r.db.Read(ctx, func(c *Conn) error {
		err := c.QueryRow("SELECT epoch, ver, horizon FROM roster WHERE account = $1", account).Scan(&s.Epoch, &s.Ver, &s.Horizon)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		s.Entries, err = Collect(c, scanEntry, `SELECT i.contact, i.ver, i.listed, i.name, i.group_list,
				i.sub_to, i.sub_from, i.asked, i.approved, i.tied, q.stanza
			FROM roster_items i LEFT JOIN roster_requests q ON q.account = i.account AND q.contact = i.contact
			WHERE i.account = $1 ORDER BY i.ver`, account)
		if err != nil {
			return err
		}
		requests, err := Collect(c, func(rows *sql.Rows) (roster.Entry, error) {
			e := roster.Entry{State: roster.State{Requested: true}}
			var contact string
			if err := rows.Scan(&contact, &e.Request); err != nil {
				return e, err
			}
			e.Contact, err = jid.Parse(contact)
			return e, err
		}, `SELECT q.contact, q.stanza FROM roster_requests q WHERE q.account = $1 AND NOT EXISTS
			(SELECT 1 FROM roster_items i WHERE i.account = q.account AND i.contact = q.contact) ORDER BY q.contact`, account)
		s.Entries = append(s.Entries, requests...)
		return err
	})
	if err != nil {
		return roster.Snapshot{}, fmt.Errorf("store: roster: %w", err)
	}
	return s, nil
}

func scanEntry(rows *sql.Rows) (roster.Entry, error) {
	var (
		e               roster.Entry
		contact, groups string
		request         sql.NullString
	)
	err := rows.Scan(&contact, &e.Ver, &e.Listed, &e.Name, &groups, &e.To, &e.From, &e.Asked, &e.Approved, &e.Tied, &request)
	if err != nil {
		return e, err
	}
	e.Requested, e.Request = request.Valid, request.String
	if e.Contact, err = jid.Parse(contact); err != nil {
		return e, err
	}
	if groups != "" {
		err = json.Unmarshal([]byte(groups), &e.Groups)
	}
	return e, err
}

// UpdateRosters implements [roster.Store].
func (r *Roster) UpdateRosters(ctx context.Context, changes []roster.Change) ([]roster.Entry, error) {
	// Only the first change of an account uses it.
	epoch := rand.Text()[:8]
	out := make([]roster.Entry, len(changes))
	err := r.db.Write(ctx, func(tx *Tx) error {
		for i, c := range changes {
			before, err := rosterEntry(tx, c.Account, c.Contact)
			if err != nil {
				return err
			}
			after := before
			if err := c.Apply(&after); err != nil {
				return err
			}
			if err := saveEntry(tx, c.Account, epoch, &before, &after); err != nil {
				return err
			}
			out[i] = after
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("store: update roster: %w", err)
	}
	return out, nil
}

func rosterEntry(tx *Tx, account string, contact jid.JID) (roster.Entry, error) {
	found, err := Collect(tx, scanEntry, `SELECT contact, ver, listed, name, group_list, sub_to, sub_from, asked, approved, tied,
			(SELECT stanza FROM roster_requests WHERE account = $1 AND contact = $2)
		FROM roster_items WHERE account = $1 AND contact = $2`, account, contact.String())
	if err != nil {
		return roster.Entry{}, err
	}
	if len(found) > 0 {
		return found[0], nil
	}
	e := roster.Entry{Contact: contact}
	err = tx.QueryRow("SELECT stanza FROM roster_requests WHERE account = $1 AND contact = $2", account, contact.String()).Scan(&e.Request)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return e, err
	}
	e.Requested = err == nil
	return e, nil
}

// saveEntry writes what has changed, and gives the entry its new version if its item has.
func saveEntry(tx *Tx, account, epoch string, before, after *roster.Entry) error {
	contact := after.Contact.String()
	if after.Requested != before.Requested || after.Request != before.Request {
		_, err := tx.Exec("DELETE FROM roster_requests WHERE account = $1 AND contact = $2", account, contact)
		if err == nil && after.Requested {
			_, err = tx.Exec("INSERT INTO roster_requests (account, contact, stanza) VALUES ($1, $2, $3)", account, contact, after.Request)
		}
		if err != nil {
			return err
		}
	}
	if after.SameItem(before) {
		return nil
	}
	err := tx.QueryRow(`INSERT INTO roster (account, epoch, ver, horizon) VALUES ($1, $2, 1, 0)
		ON CONFLICT (account) DO UPDATE SET ver = roster.ver + 1 RETURNING ver`, account, epoch).Scan(&after.Ver)
	if err != nil {
		return err
	}
	groups := ""
	if len(after.Groups) > 0 {
		b, err := json.Marshal(after.Groups)
		if err != nil {
			return err
		}
		groups = string(b)
	}
	_, err = tx.Exec(`INSERT INTO roster_items (account, contact, ver, listed, name, group_list, sub_to, sub_from, asked, approved, tied)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
		ON CONFLICT (account, contact) DO UPDATE SET ver = excluded.ver, listed = excluded.listed, name = excluded.name,
			group_list = excluded.group_list, sub_to = excluded.sub_to, sub_from = excluded.sub_from,
			asked = excluded.asked, approved = excluded.approved, tied = excluded.tied`,
		account, contact, after.Ver, after.Listed, after.Name, groups, after.To, after.From, after.Asked, after.Approved, after.Tied)
	if err != nil || after.Listed {
		return err
	}
	return forgetRemovals(tx, account)
}

// forgetRemovals keeps the newest removals of an account, and moves the horizon over the others.
func forgetRemovals(tx *Tx, account string) error {
	var horizon int64
	err := tx.QueryRow("SELECT ver FROM roster_items WHERE account = $1 AND NOT listed ORDER BY ver DESC LIMIT 1 OFFSET $2",
		account, roster.KeepRemovals).Scan(&horizon)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	if _, err = tx.Exec("DELETE FROM roster_items WHERE account = $1 AND NOT listed AND ver <= $2", account, horizon); err != nil {
		return err
	}
	_, err = tx.Exec("UPDATE roster SET horizon = $1 WHERE account = $2", horizon, account)
	return err
}

// DeleteRoster implements [roster.Store].
func (r *Roster) DeleteRoster(ctx context.Context, account string) error {
	err := r.db.Write(ctx, func(tx *Tx) error {
		for _, text := range []string{
			"DELETE FROM roster_requests WHERE account = $1",
			"DELETE FROM roster_items WHERE account = $1",
			"DELETE FROM roster WHERE account = $1",
		} {
			if _, err := tx.Exec(text, account); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("store: delete roster: %w", err)
	}
	return nil
}
