package store

import (
	"context"
	"database/sql"
	"encoding/base64"
	"time"

	"kith/server/webpush"
)

// WebPush keeps where browsers are woken.
type WebPush struct {
	db *DB
}

var _ webpush.Store = (*WebPush)(nil)

// WebPush is the database as the Web Push service sees it.
func (db *DB) WebPush() *WebPush { return &WebPush{db} }

// Subscription implements [webpush.Store].
func (p *WebPush) Subscription(ctx context.Context, node string) (found *webpush.Subscription, err error) {
	err = p.db.Read(ctx, func(c *Conn) error {
		all, err := Collect(c, func(rows *sql.Rows) (*webpush.Subscription, error) {
			s := &webpush.Subscription{Node: node}
			var (
				key, auth string
				at        int64
			)
			if err := rows.Scan(&s.Account, &s.Endpoint, &key, &auth, &at); err != nil {
				return nil, err
			}
			s.At = fromUnixMilli(at)
			if s.Key, err = base64.RawURLEncoding.DecodeString(key); err != nil {
				return nil, err
			}
			s.Auth, err = base64.RawURLEncoding.DecodeString(auth)
			return s, err
		}, "SELECT account, endpoint, browser_key, auth, at FROM webpush_subscriptions WHERE node = $1", node)
		if len(all) > 0 {
			found = all[0]
		}
		return err
	})
	return found, wrap("web push subscription", err)
}

// Save implements [webpush.Store].
func (p *WebPush) Save(ctx context.Context, s webpush.Subscription, most int) (node string, err error) {
	err = p.db.Write(ctx, func(tx *Tx) error {
		err := tx.QueryRow(`INSERT INTO webpush_subscriptions (node, account, endpoint, browser_key, auth, at) VALUES ($1, $2, $3, $4, $5, $6)
			ON CONFLICT (endpoint, account) DO UPDATE SET browser_key = excluded.browser_key, auth = excluded.auth, at = excluded.at RETURNING node`,
			s.Node, s.Account, s.Endpoint, base64.RawURLEncoding.EncodeToString(s.Key), base64.RawURLEncoding.EncodeToString(s.Auth), s.At.UnixMilli()).Scan(&node)
		if err != nil {
			return err
		}
		_, err = tx.Exec(`DELETE FROM webpush_subscriptions WHERE account = $1 AND node NOT IN
			(SELECT node FROM webpush_subscriptions WHERE account = $1 ORDER BY at DESC, node LIMIT $2)`, s.Account, most)
		return err
	})
	return node, wrap("save web push subscription", err)
}

// Remove implements [webpush.Store].
func (p *WebPush) Remove(ctx context.Context, account, node string) error {
	return wrap("remove web push subscription", p.db.Write(ctx, func(tx *Tx) error {
		_, err := tx.Exec("DELETE FROM webpush_subscriptions WHERE account = $1 AND node = $2", account, node)
		return err
	}))
}

// RemoveAccount implements [webpush.Store].
func (p *WebPush) RemoveAccount(ctx context.Context, account string) error {
	return wrap("remove web push subscriptions", p.db.Write(ctx, func(tx *Tx) error {
		_, err := tx.Exec("DELETE FROM webpush_subscriptions WHERE account = $1", account)
		return err
	}))
}

// Sweep implements [webpush.Store].
func (p *WebPush) Sweep(ctx context.Context, before time.Time) error {
	return wrap("sweep web push subscriptions", p.db.Write(ctx, func(tx *Tx) error {
		_, err := tx.Exec("DELETE FROM webpush_subscriptions WHERE at < $1", before.UnixMilli())
		return err
	}))
}
