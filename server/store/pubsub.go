package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"kith/internal/jid"
	"kith/server/pubsub"
)

// PubSub keeps nodes and items of personal eventing.
type PubSub struct {
	db *DB
}

var _ pubsub.Store = (*PubSub)(nil)

// PubSub is the database as the pubsub feature sees it.
func (db *DB) PubSub() *PubSub { return &PubSub{db} }

// Nodes implements [pubsub.Store].
func (p *PubSub) Nodes(ctx context.Context, account string) ([]*pubsub.Node, error) {
	var nodes []*pubsub.Node
	err := p.db.Read(ctx, func(c *Conn) error {
		var err error
		nodes, err = Collect(c, func(r *sql.Rows) (*pubsub.Node, error) {
			n := &pubsub.Node{Affiliations: map[jid.JID]pubsub.Affiliation{}, Subscribers: map[jid.JID]struct{}{}}
			var config string
			if err := r.Scan(&n.Name, &config); err != nil {
				return nil, err
			}
			// What a later version added to the configuration has its default.
			n.Config = pubsub.DefaultNode()
			if err := json.Unmarshal([]byte(config), &n.Config); err != nil {
				return nil, fmt.Errorf("configuration of a node: %w", err)
			}
			return n, nil
		}, "SELECT node, config FROM pubsub_nodes WHERE account = $1 ORDER BY seq", account)
		if err != nil {
			return err
		}
		byName := make(map[string]*pubsub.Node, len(nodes))
		for _, n := range nodes {
			byName[n.Name] = n
		}
		_, err = Collect(c, func(r *sql.Rows) (struct{}, error) {
			var node, address, affiliation string
			var subscribed bool
			if err := r.Scan(&node, &address, &affiliation, &subscribed); err != nil {
				return struct{}{}, err
			}
			j, err := jid.Parse(address)
			if err != nil {
				return struct{}{}, err
			}
			if affiliation != "" {
				byName[node].Affiliations[j] = pubsub.Affiliation(affiliation)
			}
			if subscribed {
				byName[node].Subscribers[j] = struct{}{}
			}
			return struct{}{}, nil
		}, "SELECT node, jid, affiliation, subscribed FROM pubsub_others WHERE account = $1", account)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("store: pubsub nodes: %w", err)
	}
	return nodes, nil
}

// SaveNode implements [pubsub.Store].
func (p *PubSub) SaveNode(ctx context.Context, account string, n *pubsub.Node) error {
	err := p.db.Write(ctx, func(tx *Tx) error { return saveNode(tx, account, n) })
	if err != nil {
		return fmt.Errorf("store: save pubsub node: %w", err)
	}
	return nil
}

func saveNode(tx *Tx, account string, n *pubsub.Node) error {
	config, err := json.Marshal(n.Config)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(`INSERT INTO pubsub_nodes (account, node, seq, config)
		VALUES ($1, $2, (SELECT COALESCE(MAX(seq), 0) + 1 FROM pubsub_nodes WHERE account = $3), $4)
		ON CONFLICT (account, node) DO UPDATE SET config = excluded.config`, account, n.Name, account, string(config)); err != nil {
		return err
	}
	if _, err := tx.Exec("DELETE FROM pubsub_others WHERE account = $1 AND node = $2", account, n.Name); err != nil {
		return err
	}
	others := map[jid.JID]struct{}{}
	for j := range n.Affiliations {
		others[j] = struct{}{}
	}
	for j := range n.Subscribers {
		others[j] = struct{}{}
	}
	for j := range others {
		_, subscribed := n.Subscribers[j]
		if _, err := tx.Exec("INSERT INTO pubsub_others (account, node, jid, affiliation, subscribed) VALUES ($1, $2, $3, $4, $5)",
			account, n.Name, j.String(), string(n.Affiliations[j]), subscribed); err != nil {
			return err
		}
	}
	return nil
}

// Subscribe implements [pubsub.Store].
func (p *PubSub) Subscribe(ctx context.Context, account, node string, who jid.JID, subscribed bool) error {
	err := p.db.Write(ctx, func(tx *Tx) error {
		if subscribed {
			_, err := tx.Exec(`INSERT INTO pubsub_others (account, node, jid, affiliation, subscribed) VALUES ($1, $2, $3, $4, $5)
				ON CONFLICT (account, node, jid) DO UPDATE SET subscribed = excluded.subscribed`, account, node, who.String(), "", true)
			return err
		}
		// Who is affiliated stays that.
		if _, err := tx.Exec("DELETE FROM pubsub_others WHERE account = $1 AND node = $2 AND jid = $3 AND affiliation = ''", account, node, who.String()); err != nil {
			return err
		}
		_, err := tx.Exec("UPDATE pubsub_others SET subscribed = $1 WHERE account = $2 AND node = $3 AND jid = $4", false, account, node, who.String())
		return err
	})
	if err != nil {
		return fmt.Errorf("store: subscribe: %w", err)
	}
	return nil
}

// DeleteNode implements [pubsub.Store].
func (p *PubSub) DeleteNode(ctx context.Context, account, node string) error {
	err := p.db.Write(ctx, func(tx *Tx) error {
		_, err := tx.Exec("DELETE FROM pubsub_nodes WHERE account = $1 AND node = $2", account, node)
		return err
	})
	if err != nil {
		return fmt.Errorf("store: delete pubsub node: %w", err)
	}
	return nil
}

// Publish implements [pubsub.Store].
func (p *PubSub) Publish(ctx context.Context, account string, n *pubsub.Node, create bool, it pubsub.Item, limit int, bytes int64) error {
	err := p.db.Write(ctx, func(tx *Tx) error {
		if err := fits(tx, account, n.Name, it, limit, bytes); err != nil {
			return err
		}
		if create {
			if err := saveNode(tx, account, n); err != nil {
				return err
			}
		}
		if _, err := tx.Exec(`INSERT INTO pubsub_items (account, node, item, seq, publisher, at, payload)
			VALUES ($1, $2, $3, (SELECT COALESCE(MAX(seq), 0) + 1 FROM pubsub_items WHERE account = $4 AND node = $5), $6, $7, $8)
			ON CONFLICT (account, node, item) DO UPDATE
			SET seq = excluded.seq, publisher = excluded.publisher, at = excluded.at, payload = excluded.payload`,
			account, n.Name, it.ID, account, n.Name, it.Publisher.String(), it.At.UnixMilli(), it.Payload); err != nil {
			return err
		}
		return trim(tx, account, n.Name, limit)
	})
	if err != nil {
		return fmt.Errorf("store: publish: %w", err)
	}
	return nil
}

// What remains beside an item that is published, in bytes.
const sqlBeside = `SELECT COALESCE(SUM(size), 0) FROM (SELECT OCTET_LENGTH(payload) AS size FROM pubsub_items
	WHERE account = $1 AND node = $2 AND item <> $3 ORDER BY seq DESC LIMIT $4) AS beside`

// fits refuses an item for which there is no room. The others need not be looked at for one of those of which as
// many as there may be have room: so nothing is paid for what is published most often.
func fits(tx *Tx, account, node string, it pubsub.Item, limit int, bytes int64) error {
	size := int64(len(it.Payload))
	if size <= bytes/int64(limit) {
		return nil
	}
	var beside int64
	if err := tx.QueryRow(sqlBeside, account, node, it.ID, limit-1).Scan(&beside); err != nil {
		return err
	}
	if beside+size > bytes {
		return pubsub.ErrFull
	}
	return nil
}

// trim drops the oldest items beyond limit.
func trim(tx *Tx, account, node string, limit int) error {
	_, err := tx.Exec(`DELETE FROM pubsub_items WHERE account = $1 AND node = $2 AND seq <= (
		SELECT seq FROM pubsub_items WHERE account = $3 AND node = $4 ORDER BY seq DESC LIMIT 1 OFFSET $5)`,
		account, node, account, node, limit)
	return err
}

// Trim implements [pubsub.Store].
func (p *PubSub) Trim(ctx context.Context, account, node string, limit int) error {
	if err := p.db.Write(ctx, func(tx *Tx) error { return trim(tx, account, node, limit) }); err != nil {
		return fmt.Errorf("store: trim pubsub node: %w", err)
	}
	return nil
}

// Retract implements [pubsub.Store].
func (p *PubSub) Retract(ctx context.Context, account, node string, ids []string) ([]string, error) {
	var gone []string
	err := p.db.Write(ctx, func(tx *Tx) error {
		gone = nil
		for _, id := range ids {
			n, err := tx.Changes("DELETE FROM pubsub_items WHERE account = $1 AND node = $2 AND item = $3", account, node, id)
			if err != nil {
				return err
			}
			if n > 0 {
				gone = append(gone, id)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("store: retract: %w", err)
	}
	return gone, nil
}

// Purge implements [pubsub.Store].
func (p *PubSub) Purge(ctx context.Context, account, node string) error {
	err := p.db.Write(ctx, func(tx *Tx) error {
		_, err := tx.Exec("DELETE FROM pubsub_items WHERE account = $1 AND node = $2", account, node)
		return err
	})
	if err != nil {
		return fmt.Errorf("store: purge pubsub node: %w", err)
	}
	return nil
}

const itemColumns = "item, publisher, at, payload"

func scanItem(scan func(...any) error) (pubsub.Item, error) {
	var (
		it        pubsub.Item
		publisher string
		at        int64
	)
	if err := scan(&it.ID, &publisher, &at, &it.Payload); err != nil {
		return it, err
	}
	var err error
	it.Publisher, err = jid.Parse(publisher)
	it.At = time.UnixMilli(at)
	return it, err
}

// Items implements [pubsub.Store].
func (p *PubSub) Items(ctx context.Context, account, node string, ids []string, limit int) ([]pubsub.Item, error) {
	var items []pubsub.Item
	err := p.db.Read(ctx, func(c *Conn) error {
		if len(ids) == 0 {
			if limit < 0 {
				limit = 1 << 30
			}
			var err error
			items, err = Collect(c, func(r *sql.Rows) (pubsub.Item, error) { return scanItem(r.Scan) },
				`SELECT `+itemColumns+` FROM (SELECT `+itemColumns+`, seq FROM pubsub_items WHERE account = $1 AND node = $2
				ORDER BY seq DESC LIMIT $3) AS newest ORDER BY seq`, account, node, limit)
			return err
		}
		for _, id := range ids {
			it, err := scanItem(c.QueryRow("SELECT "+itemColumns+" FROM pubsub_items WHERE account = $1 AND node = $2 AND item = $3",
				account, node, id).Scan)
			if errors.Is(err, sql.ErrNoRows) {
				continue
			}
			if err != nil {
				return err
			}
			items = append(items, it)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("store: pubsub items: %w", err)
	}
	return items, nil
}

// RemoveAccount deletes everything that an account published.
func (p *PubSub) RemoveAccount(ctx context.Context, account string) error {
	err := p.db.Write(ctx, func(tx *Tx) error {
		_, err := tx.Exec("DELETE FROM pubsub_nodes WHERE account = $1", account)
		return err
	})
	if err != nil {
		return fmt.Errorf("store: remove account from pubsub: %w", err)
	}
	return nil
}
