package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"kith/internal/peer"
)

// Federation keeps what waits for other servers, and what is known of them.
type Federation struct {
	db *DB
}

// Federation is the database as the federation sees it.
func (db *DB) Federation() *Federation { return &Federation{db} }

// Add stores stanzas of a link. done is called once, from another goroutine, when they are durable
// or with the reason why none of them is. Calls take effect in their order.
func (f *Federation) Add(l peer.Link, stanzas []peer.Stanza, done func(error)) {
	f.db.Enqueue(func(tx *Tx) error {
		for _, s := range stanzas {
			if _, err := tx.Exec("INSERT INTO s2s_queue (seq, local, remote, at, until, stanza) VALUES ($1, $2, $3, $4, $5, $6)",
				s.Seq, l.Local, l.Remote, s.At.UnixMilli(), s.Until.UnixMilli(), s.XML); err != nil {
				return err
			}
		}
		return nil
	}, func(err error) { done(wrap("queue for another server", err)) })
}

// Remove forgets stanzas that are done with.
func (f *Federation) Remove(seqs []int64, done func(error)) {
	f.db.Enqueue(func(tx *Tx) error {
		for _, seq := range seqs {
			if _, err := tx.Exec("DELETE FROM s2s_queue WHERE seq = $1", seq); err != nil {
				return err
			}
		}
		return nil
	}, func(err error) { done(wrap("remove from the queue for another server", err)) })
}

// Load reads the oldest stanzas of a link that come after a number: at most limit of them, and no
// more than about so many bytes.
func (f *Federation) Load(ctx context.Context, l peer.Link, after int64, limit, bytes int) (out []peer.Stanza, err error) {
	return f.load(ctx, bytes, `SELECT seq, at, until, stanza FROM s2s_queue
		WHERE local = $1 AND remote = $2 AND seq > $3 ORDER BY seq LIMIT $4`, l.Local, l.Remote, after, limit)
}

// Expired reads the oldest stanzas of a link that come after a number and are to be given up by now,
// at most limit of them.
func (f *Federation) Expired(ctx context.Context, l peer.Link, after int64, now time.Time, limit int) ([]peer.Stanza, error) {
	return f.load(ctx, 1<<30, `SELECT seq, at, until, stanza FROM s2s_queue
		WHERE local = $1 AND remote = $2 AND seq > $3 AND until <= $4 ORDER BY seq LIMIT $5`,
		l.Local, l.Remote, after, now.UnixMilli(), limit)
}

func (f *Federation) load(ctx context.Context, bytes int, query string, args ...any) (out []peer.Stanza, err error) {
	err = f.db.Read(ctx, func(c *Conn) (err error) {
		rows, err := c.Query(query, args...)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, rows.Close()) }()
		for bytes > 0 && rows.Next() {
			var (
				s         peer.Stanza
				at, until int64
			)
			if err := rows.Scan(&s.Seq, &at, &until, &s.XML); err != nil {
				return err
			}
			s.At, s.Until = time.UnixMilli(at), time.UnixMilli(until)
			bytes -= len(s.XML)
			out = append(out, s)
		}
		return rows.Err()
	})
	return out, wrap("read the queue for another server", err)
}

// Waiting lists the links for which something waits, and the highest number given so far.
func (f *Federation) Waiting(ctx context.Context) (all []peer.Backlog, last int64, err error) {
	err = f.db.Read(ctx, func(c *Conn) (err error) {
		all, err = Collect(c, func(rows *sql.Rows) (b peer.Backlog, err error) {
			var oldest int64
			err = rows.Scan(&b.Local, &b.Remote, &b.Count, &b.Bytes, &oldest)
			b.Oldest = time.UnixMilli(oldest)
			return b, err
		}, `SELECT local, remote, COUNT(*), SUM(LENGTH(stanza)), MIN(at) FROM s2s_queue
			GROUP BY local, remote ORDER BY local, remote`)
		if err != nil {
			return err
		}
		return c.QueryRow("SELECT COALESCE(MAX(seq), 0) FROM s2s_queue").Scan(&last)
	})
	return all, last, wrap("list the queues for other servers", err)
}

// Peers reads what is known of other servers.
func (f *Federation) Peers(ctx context.Context) (all []peer.Record, err error) {
	err = f.db.Read(ctx, func(c *Conn) (err error) {
		all, err = Collect(c, func(rows *sql.Rows) (r peer.Record, err error) {
			var text string
			if err := rows.Scan(&r.Domain, &text); err != nil {
				return r, err
			}
			return r, json.Unmarshal([]byte(text), &r)
		}, "SELECT domain, record FROM s2s_peers ORDER BY domain")
		return err
	})
	return all, wrap("list other servers", err)
}

// SavePeer keeps what is known of another server, in the place of what was known before.
func (f *Federation) SavePeer(r peer.Record, done func(error)) {
	text, err := json.Marshal(r)
	if err != nil {
		done(wrap("remember another server", err))
		return
	}
	f.db.Enqueue(func(tx *Tx) error {
		_, err := tx.Exec(`INSERT INTO s2s_peers (domain, record) VALUES ($1, $2)
			ON CONFLICT (domain) DO UPDATE SET record = excluded.record`, r.Domain, string(text))
		return err
	}, func(err error) { done(wrap("remember another server", err)) })
}

// ForgetPeers removes what is known of these servers.
func (f *Federation) ForgetPeers(domains []string, done func(error)) {
	f.db.Enqueue(func(tx *Tx) error {
		for _, d := range domains {
			if _, err := tx.Exec("DELETE FROM s2s_peers WHERE domain = $1", d); err != nil {
				return err
			}
		}
		return nil
	}, func(err error) { done(wrap("forget another server", err)) })
}

// settingPolicy is where the policy is kept that was chosen by command.
const settingPolicy = "federation_policy"

// Policy is what SetPolicy kept, "" for nothing.
func (f *Federation) Policy(ctx context.Context) (string, error) {
	policy, _, err := f.db.Setting(ctx, settingPolicy)
	return policy, err
}

// SetPolicy keeps the name of the policy.
func (f *Federation) SetPolicy(ctx context.Context, policy string) error {
	return f.db.SetSetting(ctx, settingPolicy, policy)
}

// Known reports whether a contact, a bare JID, is in the roster of an account or was asked to be.
func (f *Federation) Known(ctx context.Context, account, contact string) (known bool, err error) {
	err = f.db.Read(ctx, func(c *Conn) error {
		return c.QueryRow(`SELECT EXISTS (SELECT 1 FROM roster_items
			WHERE account = $1 AND contact = $2 AND (listed OR sub_to OR sub_from OR asked))`, account, contact).Scan(&known)
	})
	return known, wrap("look for a contact", err)
}

func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("store: %s: %w", what, err)
}
