package store

import (
	"context"
	"database/sql"

	"kith/internal/jid"
	"kith/server/push"
)

// Push keeps where apps want to be woken.
type Push struct {
	db *DB
}

var _ push.Store = (*Push)(nil)

// Push is the database as the push feature sees it.
func (db *DB) Push() *Push { return &Push{db} }

// Registrations implements [push.Store].
func (p *Push) Registrations(ctx context.Context, account string) (all []*push.Registration, err error) {
	err = p.db.Read(ctx, func(c *Conn) (err error) {
		all, err = Collect(c, func(rows *sql.Rows) (*push.Registration, error) {
			var (
				r          push.Registration
				service    string
				at, failed int64
			)
			if err := rows.Scan(&service, &r.Node, &r.Client, &r.Resource, &r.Options, &at, &failed, &r.Reason); err != nil {
				return nil, err
			}
			r.At, r.Failed = fromUnixMilli(at), fromUnixMilli(failed)
			r.Service, err = jid.Parse(service)
			return &r, err
		}, `SELECT service, node, client, resource, options, at, failed, reason FROM push_registrations
			WHERE account = $1 ORDER BY at, service, node`, account)
		return err
	})
	return all, wrap("push registrations", err)
}

// Save implements [push.Store].
func (p *Push) Save(ctx context.Context, account string, r *push.Registration, gone []push.Key) error {
	return wrap("save push registration", p.db.Write(ctx, func(tx *Tx) error {
		if err := removePush(tx, account, gone); err != nil {
			return err
		}
		_, err := tx.Exec(`INSERT INTO push_registrations (account, service, node, client, resource, options, at, failed, reason)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
			ON CONFLICT (account, service, node) DO UPDATE SET client = excluded.client, resource = excluded.resource,
			options = excluded.options, at = excluded.at, failed = excluded.failed, reason = excluded.reason`,
			account, r.Service.String(), r.Node, r.Client, r.Resource, r.Options, r.At.UnixMilli(), unixMilli(r.Failed), r.Reason)
		return err
	}))
}

// Remove implements [push.Store].
func (p *Push) Remove(ctx context.Context, account string, gone []push.Key) error {
	return wrap("remove push registrations", p.db.Write(ctx, func(tx *Tx) error { return removePush(tx, account, gone) }))
}

func removePush(tx *Tx, account string, gone []push.Key) error {
	for _, k := range gone {
		if _, err := tx.Exec("DELETE FROM push_registrations WHERE account = $1 AND service = $2 AND node = $3", account, k.Service, k.Node); err != nil {
			return err
		}
	}
	return nil
}
