package store

import (
	"context"
	"database/sql"
	"time"

	"kith/internal/jid"
	"kith/server/guardian"
)

// Guardians keeps who decides for children, and what was decided.
type Guardians struct {
	db *DB
}

var _ guardian.Store = (*Guardians)(nil)

// Guardians is the database as the feature of guardians sees it.
func (db *DB) Guardians() *Guardians { return &Guardians{db} }

// Records implements [guardian.Store].
func (g *Guardians) Records(ctx context.Context) (map[string]*guardian.Record, error) {
	all := map[string]*guardian.Record{}
	of := func(child string) *guardian.Record {
		if all[child] == nil {
			all[child] = &guardian.Record{}
		}
		return all[child]
	}
	// Each row is put into its place while it is read.
	none := func(read func(*sql.Rows) error) func(*sql.Rows) (struct{}, error) {
		return func(r *sql.Rows) (struct{}, error) { return struct{}{}, read(r) }
	}
	err := g.db.Read(ctx, func(c *Conn) error {
		_, err := Collect(c, none(func(r *sql.Rows) error {
			var child string
			err := r.Scan(&child)
			of(child).Guarded = true
			return err
		}), "SELECT child FROM guardian_children")
		if err != nil {
			return err
		}
		_, err = Collect(c, none(func(r *sql.Rows) error {
			var child, name string
			err := r.Scan(&child, &name)
			of(child).Guardians = append(of(child).Guardians, name)
			return err
		}), "SELECT child, guardian FROM guardians ORDER BY child, guardian")
		if err != nil {
			return err
		}
		_, err = Collect(c, none(func(r *sql.Rows) error {
			var (
				child, peer string
				a           guardian.Approval
				at          int64
			)
			if err := r.Scan(&child, &peer, &a.Room, &a.By, &at); err != nil {
				return err
			}
			j, err := jid.Parse(peer)
			a.Peer, a.At = j, fromUnixMilli(at)
			of(child).Approvals = append(of(child).Approvals, a)
			return err
		}), "SELECT child, peer, room, approved_by, approved_at FROM guardian_approvals ORDER BY child, peer")
		if err != nil {
			return err
		}
		_, err = Collect(c, none(func(r *sql.Rows) error {
			var (
				child, peer string
				q           guardian.Request
				at, denied  int64
			)
			if err := r.Scan(&child, &peer, &q.Outgoing, &q.Room, &q.Stanza, &at, &denied); err != nil {
				return err
			}
			j, err := jid.Parse(peer)
			q.Peer, q.At, q.Denied = j, fromUnixMilli(at), fromUnixMilli(denied)
			of(child).Requests = append(of(child).Requests, q)
			return err
		}), "SELECT child, peer, outgoing, room, stanza, asked_at, denied_at FROM guardian_requests ORDER BY child, peer, outgoing")
		return err
	})
	return all, wrap("guardians", err)
}

// SetGuardians implements [guardian.Store].
func (g *Guardians) SetGuardians(ctx context.Context, child string, guardians []string, approved []guardian.Approval) error {
	return wrap("set guardians", g.db.Write(ctx, func(tx *Tx) error {
		if _, err := tx.Exec("DELETE FROM guardians WHERE child = $1", child); err != nil {
			return err
		}
		for _, name := range guardians {
			if err := addGuardian(tx, child, name); err != nil {
				return err
			}
		}
		return approve(tx, child, approved...)
	}))
}

func addGuardian(tx *Tx, child, name string) error {
	_, err := tx.Exec("INSERT INTO guardians (child, guardian) VALUES ($1, $2) ON CONFLICT (child, guardian) DO NOTHING", child, name)
	return err
}

func approve(tx *Tx, child string, all ...guardian.Approval) error {
	for _, a := range all {
		_, err := tx.Exec(`INSERT INTO guardian_approvals (child, peer, room, approved_by, approved_at) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (child, peer) DO UPDATE SET room = excluded.room, approved_by = excluded.approved_by, approved_at = excluded.approved_at`,
			child, a.Peer.String(), a.Room, a.By, unixMilli(a.At))
		if err != nil {
			return err
		}
	}
	return nil
}

func hold(tx *Tx, child string, all ...guardian.Request) error {
	for _, r := range all {
		_, err := tx.Exec(`INSERT INTO guardian_requests (child, peer, outgoing, room, stanza, asked_at, denied_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7)
			ON CONFLICT (child, peer, outgoing) DO UPDATE SET room = excluded.room, stanza = excluded.stanza,
				asked_at = excluded.asked_at, denied_at = excluded.denied_at`,
			child, r.Peer.String(), r.Outgoing, r.Room, r.Stanza, unixMilli(r.At), unixMilli(r.Denied))
		if err != nil {
			return err
		}
	}
	return nil
}

// Adopt implements [guardian.Store].
func (g *Guardians) Adopt(ctx context.Context, child string, approved []guardian.Approval, requests []guardian.Request) error {
	return wrap("bring under guard", g.db.Write(ctx, func(tx *Tx) error {
		if _, err := tx.Exec("INSERT INTO guardian_children (child) VALUES ($1) ON CONFLICT (child) DO NOTHING", child); err != nil {
			return err
		}
		if err := approve(tx, child, approved...); err != nil {
			return err
		}
		return hold(tx, child, requests...)
	}))
}

// Release implements [guardian.Store].
func (g *Guardians) Release(ctx context.Context, child string) error {
	return wrap("let out of guard", g.db.Write(ctx, func(tx *Tx) error {
		return each(tx, child,
			"DELETE FROM guardian_children WHERE child = $1",
			"DELETE FROM guardian_approvals WHERE child = $1",
			"DELETE FROM guardian_requests WHERE child = $1",
		)
	}))
}

// Hold implements [guardian.Store].
func (g *Guardians) Hold(ctx context.Context, child string, r guardian.Request) error {
	return wrap("hold a request", g.db.Write(ctx, func(tx *Tx) error { return hold(tx, child, r) }))
}

// Withdraw implements [guardian.Store].
func (g *Guardians) Withdraw(ctx context.Context, child string, k guardian.Key) error {
	return wrap("withdraw a request", g.db.Write(ctx, func(tx *Tx) error {
		_, err := tx.Exec("DELETE FROM guardian_requests WHERE child = $1 AND peer = $2 AND outgoing = $3", child, k.Peer.String(), k.Outgoing)
		return err
	}))
}

// Approve implements [guardian.Store].
func (g *Guardians) Approve(ctx context.Context, child string, a guardian.Approval) error {
	return wrap("approve", g.db.Write(ctx, func(tx *Tx) error {
		if _, err := tx.Exec("DELETE FROM guardian_requests WHERE child = $1 AND peer = $2", child, a.Peer.String()); err != nil {
			return err
		}
		return approve(tx, child, a)
	}))
}

// Deny implements [guardian.Store].
func (g *Guardians) Deny(ctx context.Context, child string, peer jid.JID, at time.Time) error {
	return wrap("deny", g.db.Write(ctx, func(tx *Tx) error {
		_, err := tx.Exec("UPDATE guardian_requests SET denied_at = $1, stanza = '' WHERE child = $2 AND peer = $3 AND denied_at = 0",
			unixMilli(at), child, peer.String())
		return err
	}))
}

// Revoke implements [guardian.Store].
func (g *Guardians) Revoke(ctx context.Context, child string, peer jid.JID) error {
	return wrap("revoke", g.db.Write(ctx, func(tx *Tx) error {
		_, err := tx.Exec("DELETE FROM guardian_approvals WHERE child = $1 AND peer = $2", child, peer.String())
		return err
	}))
}

// RemoveAccount implements [guardian.Store].
func (g *Guardians) RemoveAccount(ctx context.Context, account string, address jid.JID) error {
	return wrap("remove guardians", g.db.Write(ctx, func(tx *Tx) error {
		err := each(tx, address.String(), "DELETE FROM guardian_approvals WHERE peer = $1", "DELETE FROM guardian_requests WHERE peer = $1")
		if err != nil {
			return err
		}
		return each(tx, account,
			"DELETE FROM guardian_children WHERE child = $1",
			"DELETE FROM guardian_approvals WHERE child = $1",
			"DELETE FROM guardian_requests WHERE child = $1",
			"DELETE FROM guardians WHERE child = $1",
			"DELETE FROM guardians WHERE guardian = $1",
		)
	}))
}
