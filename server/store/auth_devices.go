package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"kith/server/auth"
)

const deviceColumns = "d.id, d.agent, d.software, d.device, d.first_seen, d.last_seen, d.password"

func scanDevice(scan func(...any) error, more ...any) (d auth.Device, err error) {
	var first, last int64
	err = scan(append([]any{&d.ID, &d.Agent.ID, &d.Agent.Software, &d.Agent.Device, &first, &last, &d.Password}, more...)...)
	d.First, d.Last = fromUnixMilli(first), fromUnixMilli(last)
	return d, missing(err)
}

// tokenExpiry is that of the token that lasts longest.
const tokenExpiry = "COALESCE((SELECT MAX(t.expires_at) FROM account_tokens t WHERE t.device = d.id), 0)"

func deviceBy(c *Conn, column, local, value string) (auth.Device, error) {
	var expires int64
	d, err := scanDevice(c.QueryRow("SELECT "+deviceColumns+", "+tokenExpiry+
		" FROM account_devices d WHERE d.local = $1 AND d."+column+" = $2", local, value).Scan, &expires)
	d.TokenExpires = fromUnixMilli(expires)
	return d, err
}

// Device implements [auth.DeviceStore]. It begins with the device, so that who does not know the
// agent of one sees no difference between accounts that there are and are not.
func (s *Auth) Device(ctx context.Context, local, agent string) (a auth.Account, d auth.Device, tokens []auth.TokenRow, err error) {
	err = s.db.Read(ctx, func(c *Conn) error {
		if d, err = deviceBy(c, "agent", local, agent); err != nil {
			return err
		}
		if a, err = account(c, local); err != nil {
			return err
		}
		tokens, err = Collect(c, func(r *sql.Rows) (auth.TokenRow, error) { return scanToken(r.Scan) },
			"SELECT "+tokenColumns+" FROM account_tokens WHERE device = $1 ORDER BY unused DESC", d.ID)
		return err
	})
	if err != nil {
		return auth.Account{}, auth.Device{}, nil, fmt.Errorf("store: device: %w", err)
	}
	return a, d, tokens, nil
}

// Devices implements [auth.DeviceStore].
func (s *Auth) Devices(ctx context.Context, local string) (ds []auth.Device, err error) {
	err = s.db.Read(ctx, func(c *Conn) error {
		ds, err = Collect(c, func(r *sql.Rows) (auth.Device, error) {
			var expires int64
			d, err := scanDevice(r.Scan, &expires)
			d.TokenExpires = fromUnixMilli(expires)
			return d, err
		}, "SELECT "+deviceColumns+", "+tokenExpiry+" FROM account_devices d WHERE d.local = $1 ORDER BY d.last_seen DESC, d.id", local)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("store: devices: %w", err)
	}
	return ds, nil
}

const tokenColumns = "id, unused, mechanism, key_id, issued_at, expires_at, counter"

func scanToken(scan func(...any) error) (t auth.TokenRow, err error) {
	var issued, expires int64
	err = scan(&t.ID, &t.New, &t.Mechanism, &t.Key, &issued, &expires, &t.Count)
	t.Issued, t.Expires = fromUnixMilli(issued), fromUnixMilli(expires)
	return t, missing(err)
}

// UseToken implements [auth.DeviceStore].
func (s *Auth) UseToken(ctx context.Context, id []byte, count *int64, drop bool, check func(auth.TokenRow) error) error {
	err := s.db.Write(ctx, func(tx *Tx) error {
		t, err := scanToken(tx.QueryRow("SELECT "+tokenColumns+" FROM account_tokens WHERE id = $1", id).Scan)
		if err != nil {
			return err
		}
		if err := check(t); err != nil {
			return err
		}
		if t.New {
			_, err := tx.Exec(`DELETE FROM account_tokens WHERE NOT unused AND device =
				(SELECT device FROM account_tokens WHERE id = $1)`, id)
			if err != nil {
				return err
			}
		}
		if drop {
			_, err := tx.Exec("DELETE FROM account_tokens WHERE id = $1", id)
			return err
		}
		if count != nil {
			t.Count = *count
		}
		_, err = tx.Exec("UPDATE account_tokens SET unused = FALSE, counter = $1 WHERE id = $2", t.Count, id)
		return err
	})
	if err != nil {
		return fmt.Errorf("store: use token: %w", err)
	}
	return nil
}

// SeeDevice implements [auth.DeviceStore].
func (s *Auth) SeeDevice(ctx context.Context, n auth.SeenDevice) (d auth.Device, err error) {
	err = s.db.Write(ctx, func(tx *Tx) error {
		if err := usable(&tx.Conn, n.Local); err != nil {
			return err
		}
		if !n.Password && !n.Vouched {
			if _, err := deviceBy(&tx.Conn, "agent", n.Local, n.Agent.ID); err != nil {
				return err
			}
		}
		now := unixMilli(n.Now)
		_, err := tx.Exec(`INSERT INTO account_devices (id, local, agent, software, device, first_seen, last_seen, password)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
			ON CONFLICT (local, agent) DO UPDATE SET
				software = CASE excluded.software WHEN '' THEN account_devices.software ELSE excluded.software END,
				device = CASE excluded.device WHEN '' THEN account_devices.device ELSE excluded.device END,
				last_seen = excluded.last_seen, password = account_devices.password OR excluded.password`,
			n.ID, n.Local, n.Agent.ID, n.Agent.Software, n.Agent.Device, now, now, n.Password)
		if err != nil {
			return err
		}
		if d, err = deviceBy(&tx.Conn, "agent", n.Local, n.Agent.ID); err != nil {
			return err
		}
		if n.Token != nil {
			if err := putToken(tx, d.ID, *n.Token); err != nil {
				return err
			}
			d.TokenExpires = n.Token.Expires
		}
		var count int
		err = tx.QueryRow("SELECT COUNT(*) FROM account_devices WHERE local = $1", n.Local).Scan(&count)
		if err != nil || count <= n.Max {
			return err
		}
		_, err = tx.Exec(`DELETE FROM account_devices WHERE id IN (SELECT id FROM account_devices
			WHERE local = $1 AND id <> $2 ORDER BY last_seen, id LIMIT $3)`, n.Local, d.ID, count-n.Max)
		return err
	})
	if err != nil {
		return auth.Device{}, fmt.Errorf("store: see device: %w", err)
	}
	return d, nil
}

// putToken stores a token in the place of one that was issued before and not used (XEP-0484
// section 3.5).
func putToken(tx *Tx, device string, t auth.TokenRow) error {
	if err := each(tx, device, "DELETE FROM account_tokens WHERE device = $1 AND unused"); err != nil {
		return err
	}
	_, err := tx.Exec(`INSERT INTO account_tokens (id, device, unused, mechanism, key_id, issued_at, expires_at, counter)
		VALUES ($1, $2, TRUE, $3, $4, $5, $6, 0)`,
		t.ID, device, t.Mechanism, t.Key, unixMilli(t.Issued), unixMilli(t.Expires))
	return err
}

// RemoveDevice implements [auth.DeviceStore].
func (s *Auth) RemoveDevice(ctx context.Context, local, id string) (d auth.Device, err error) {
	err = s.db.Write(ctx, func(tx *Tx) error {
		if d, err = deviceBy(&tx.Conn, "id", local, id); err != nil {
			return err
		}
		return each(tx, id, "DELETE FROM account_devices WHERE id = $1")
	})
	if err != nil {
		return auth.Device{}, fmt.Errorf("store: remove device: %w", err)
	}
	return d, nil
}

// Prune implements [auth.DeviceStore].
func (s *Auth) Prune(ctx context.Context, p auth.PruneBefore) error {
	err := s.db.Write(ctx, func(tx *Tx) error {
		for _, q := range []struct {
			query string
			args  []time.Time
		}{
			{"DELETE FROM account_tokens WHERE expires_at < $1", []time.Time{p.Tokens}},
			{
				`DELETE FROM account_devices WHERE last_seen < $1 AND NOT EXISTS
				(SELECT 1 FROM account_tokens t WHERE t.device = account_devices.id AND t.expires_at > $2)`,
				[]time.Time{p.Devices, p.Now},
			},
			{"DELETE FROM account_invites WHERE expires_at < $1", []time.Time{p.Invites}},
			{"DELETE FROM account_invites WHERE used >= uses AND used_at < $1", []time.Time{p.Invites}},
			{"DELETE FROM accounts WHERE purged_at > 0 AND purged_at < $1", []time.Time{p.Names}},
		} {
			args := make([]any, len(q.args))
			for i, t := range q.args {
				args[i] = unixMilli(t)
			}
			if _, err := tx.Exec(q.query, args...); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("store: prune accounts: %w", err)
	}
	return nil
}
