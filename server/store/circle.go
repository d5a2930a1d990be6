package store

import (
	"context"
	"database/sql"
	"strings"

	"kith/server/circle"
)

// Circles keeps the circles.
type Circles struct {
	db *DB
}

var _ circle.Store = (*Circles)(nil)

// Circles is the database as the feature of circles sees it.
func (db *DB) Circles() *Circles { return &Circles{db} }

// Circles implements [circle.Store].
func (s *Circles) Circles(ctx context.Context) (all []circle.Circle, err error) {
	err = s.db.Read(ctx, func(c *Conn) error {
		all, err = Collect(c, func(r *sql.Rows) (x circle.Circle, err error) {
			var (
				at    int64
				names string
			)
			err = r.Scan(&x.ID, &x.Name, &x.Room, &at, &x.Removed, &names)
			x.Created = fromUnixMilli(at)
			for old := range strings.Lines(names) {
				x.Names = append(x.Names, strings.TrimSuffix(old, "\n"))
			}
			return x, err
		}, "SELECT id, name, room, created_at, removed, names FROM circles ORDER BY name, id")
		if err != nil {
			return err
		}
		at := make(map[string]*circle.Circle, len(all))
		for i := range all {
			at[all[i].ID] = &all[i]
		}
		type row struct {
			id string
			m  circle.Member
		}
		rows, err := Collect(c, func(r *sql.Rows) (x row, err error) {
			return x, r.Scan(&x.id, &x.m.Account, &x.m.State)
		}, "SELECT circle, account, state FROM circle_members ORDER BY circle, account")
		for _, x := range rows {
			if c := at[x.id]; c != nil {
				c.Members = append(c.Members, x.m)
			}
		}
		return err
	})
	return all, wrap("circles", err)
}

// Add implements [circle.Store].
func (s *Circles) Add(ctx context.Context, c circle.Circle) error {
	return wrap("add circle", s.db.Write(ctx, func(tx *Tx) error {
		var n int
		if err := tx.QueryRow("SELECT COUNT(*) FROM circles WHERE name = $1 AND NOT removed", c.Name).Scan(&n); err != nil {
			return err
		}
		if n > 0 {
			return circle.ErrExists
		}
		_, err := tx.Exec("INSERT INTO circles (id, name, room, created_at, removed) VALUES ($1, $2, $3, $4, $5)",
			c.ID, c.Name, c.Room, unixMilli(c.Created), c.Removed)
		return err
	}))
}

// Rename implements [circle.Store].
func (s *Circles) Rename(ctx context.Context, id, name string) error {
	return wrap("rename circle", s.db.Write(ctx, func(tx *Tx) error {
		if err := openCircle(tx, id); err != nil {
			return err
		}
		var n int
		if err := tx.QueryRow("SELECT COUNT(*) FROM circles WHERE name = $1 AND id <> $2 AND NOT removed", name, id).Scan(&n); err != nil {
			return err
		}
		if n > 0 {
			return circle.ErrExists
		}
		_, err := tx.Exec("UPDATE circles SET names = names || name || $1, name = $2 WHERE id = $3", "\n", name, id)
		return err
	}))
}

// Renamed implements [circle.Store].
func (s *Circles) Renamed(ctx context.Context, c circle.Circle) error {
	return wrap("rename circle", s.db.Write(ctx, func(tx *Tx) error {
		_, err := tx.Exec("UPDATE circles SET names = '' WHERE id = $1 AND name = $2 AND names = $3", c.ID, c.Name, strings.Join(c.Names, "\n")+"\n")
		return err
	}))
}

// openCircle refuses a circle that is not there or is being removed.
func openCircle(tx *Tx, id string) error {
	var n int
	if err := tx.QueryRow("SELECT COUNT(*) FROM circles WHERE id = $1 AND NOT removed", id).Scan(&n); err != nil {
		return err
	}
	if n == 0 {
		return circle.ErrNotFound
	}
	return nil
}

// Join implements [circle.Store].
func (s *Circles) Join(ctx context.Context, id, account string) error {
	return wrap("join circle", s.db.Write(ctx, func(tx *Tx) error {
		if err := openCircle(tx, id); err != nil {
			return err
		}
		return joinCircle(tx, id, account)
	}))
}

func joinCircle(tx *Tx, id, account string) error {
	_, err := tx.Exec(`INSERT INTO circle_members (circle, account, state) VALUES ($1, $2, $3)
		ON CONFLICT (circle, account) DO UPDATE SET state = excluded.state`, id, account, circle.Joining)
	return err
}

// Leave implements [circle.Store].
func (s *Circles) Leave(ctx context.Context, id, account string) error {
	return wrap("leave circle", s.db.Write(ctx, func(tx *Tx) error {
		if err := openCircle(tx, id); err != nil {
			return err
		}
		n, err := tx.Changes("UPDATE circle_members SET state = $1 WHERE circle = $2 AND account = $3 AND state <> $4",
			circle.Leaving, id, account, circle.Leaving)
		if err == nil && n == 0 {
			err = circle.ErrNotMember
		}
		return err
	}))
}

// Remove implements [circle.Store].
func (s *Circles) Remove(ctx context.Context, id string) error {
	return wrap("remove circle", s.db.Write(ctx, func(tx *Tx) error {
		n, err := tx.Changes("UPDATE circles SET removed = TRUE WHERE id = $1 AND NOT removed", id)
		if err == nil && n == 0 {
			err = circle.ErrNotFound
		}
		return err
	}))
}

// Rejoin implements [circle.Store].
func (s *Circles) Rejoin(ctx context.Context, account string) (any bool, err error) {
	err = s.db.Write(ctx, func(tx *Tx) error {
		n, err := tx.Changes("UPDATE circle_members SET state = $1 WHERE account = $2 AND state <> $3", circle.Joining, account, circle.Leaving)
		any = n > 0
		return err
	})
	return any, wrap("rejoin circles", err)
}

// LeaveAll implements [circle.Store].
func (s *Circles) LeaveAll(ctx context.Context, account string) error {
	return wrap("leave circles", s.db.Write(ctx, func(tx *Tx) error {
		_, err := tx.Exec("UPDATE circle_members SET state = $1 WHERE account = $2", circle.Leaving, account)
		return err
	}))
}

// Settle implements [circle.Store].
func (s *Circles) Settle(ctx context.Context, id, account string, was circle.State) error {
	return wrap("settle circle", s.db.Write(ctx, func(tx *Tx) error {
		var err error
		if was == circle.Joining {
			_, err = tx.Exec("UPDATE circle_members SET state = $1 WHERE circle = $2 AND account = $3 AND state = $4", circle.Joined, id, account, was)
			return err
		}
		_, err = tx.Exec(`DELETE FROM circle_members WHERE circle = $1 AND account = $2
			AND (state = $3 OR EXISTS (SELECT 1 FROM circles WHERE id = $4 AND removed))`, id, account, circle.Leaving, id)
		return err
	}))
}

// Forget implements [circle.Store].
func (s *Circles) Forget(ctx context.Context, id string) error {
	return wrap("forget circle", s.db.Write(ctx, func(tx *Tx) error {
		_, err := tx.Exec("DELETE FROM circles WHERE id = $1 AND removed", id)
		return err
	}))
}
