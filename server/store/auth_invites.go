package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"kith/server/auth"
	"kith/server/circle"
)

const inviteColumns = `id, hash, key_id, kind, creator, introduce, register, role, local, note,
	uses, used, created_at, expires_at, circles, guardians`

func scanInvite(scan func(...any) error) (i auth.Invite, err error) {
	var created, expires int64
	var circles, guardians string
	err = scan(&i.ID, &i.Hash, &i.Key, &i.Kind, &i.Creator, &i.Introduce, &i.Register, &i.Role, &i.Local, &i.Note,
		&i.Uses, &i.Used, &created, &expires, &circles, &guardians)
	i.Circles, i.Guardians = strings.Fields(circles), strings.Fields(guardians)
	i.Created, i.Expires = fromUnixMilli(created), fromUnixMilli(expires)
	return i, missing(err)
}

func putInvite(tx *Tx, i auth.Invite) error {
	_, err := tx.Exec("INSERT INTO account_invites ("+inviteColumns+`, used_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, 0)`,
		i.ID, i.Hash, i.Key, i.Kind, i.Creator, i.Introduce, i.Register, i.Role, i.Local, i.Note,
		i.Uses, i.Used, unixMilli(i.Created), unixMilli(i.Expires),
		strings.Join(i.Circles, " "), strings.Join(i.Guardians, " "))
	return err
}

// useInvite counts one use of an invite, if it may be used, in the transaction of what it is used
// for.
func useInvite(tx *Tx, use auth.InviteUse) (auth.Invite, error) {
	i, err := scanInvite(tx.QueryRow("SELECT "+inviteColumns+" FROM account_invites WHERE hash = $1", use.Hash).Scan)
	if errors.Is(err, auth.ErrNotFound) {
		return i, &auth.InviteError{Reason: auth.InviteUnknown}
	}
	if err != nil {
		return i, err
	}
	accounts, err := countAccounts(&tx.Conn)
	if err != nil {
		return i, err
	}
	if err := use.Check(i, accounts); err != nil {
		return i, err
	}
	// The condition is for engines on which two transactions may have read the same number.
	n, err := tx.Changes("UPDATE account_invites SET used = used + 1, used_at = $1 WHERE id = $2 AND used < uses",
		unixMilli(use.At), i.ID)
	if err == nil && n == 0 {
		err = &auth.InviteError{Reason: auth.InviteUsedUp}
	}
	return i, err
}

// CreateInvite implements [auth.InviteStore].
func (s *Auth) CreateInvite(ctx context.Context, inv auth.Invite, check func(open int) error) error {
	err := s.db.Write(ctx, func(tx *Tx) error {
		var open int
		err := tx.QueryRow("SELECT COUNT(*) FROM account_invites WHERE creator = $1 AND used < uses AND expires_at > $2",
			inv.Creator, unixMilli(inv.Created)).Scan(&open)
		if err != nil {
			return err
		}
		if err := check(open); err != nil {
			return err
		}
		switch {
		case inv.Kind == auth.InviteReset:
			_, err := tx.Exec("DELETE FROM account_invites WHERE kind = $1 AND local = $2", inv.Kind, inv.Local)
			if err != nil {
				return err
			}
		case inv.Local != "":
			if err := checkReserved(tx, auth.Account{Local: inv.Local, Created: inv.Created}, ""); err != nil {
				return err
			}
		}
		for _, id := range inv.Circles {
			if err := openCircle(tx, id); err != nil {
				if errors.Is(err, circle.ErrNotFound) {
					err = auth.ErrNoCircle
				}
				return err
			}
		}
		return putInvite(tx, inv)
	})
	if err != nil {
		return fmt.Errorf("store: create invite: %w", err)
	}
	return nil
}

// FirstInvite implements [auth.InviteStore].
func (s *Auth) FirstInvite(ctx context.Context, inv auth.Invite, keep func(auth.Invite) bool) (auth.Invite, error) {
	got := inv
	err := s.db.Write(ctx, func(tx *Tx) error {
		n, err := countAccounts(&tx.Conn)
		if err != nil {
			return err
		}
		if n > 0 {
			return auth.ErrNotFirst
		}
		present, err := scanInvite(tx.QueryRow("SELECT "+inviteColumns+" FROM account_invites WHERE kind = $1 ORDER BY created_at DESC LIMIT 1",
			auth.InviteFirst).Scan)
		switch {
		case err == nil && keep(present):
			got = present
			return nil
		case err != nil && !errors.Is(err, auth.ErrNotFound):
			return err
		}
		if _, err := tx.Exec("DELETE FROM account_invites WHERE kind = $1", auth.InviteFirst); err != nil {
			return err
		}
		return putInvite(tx, inv)
	})
	if err != nil {
		return auth.Invite{}, fmt.Errorf("store: first invite: %w", err)
	}
	return got, nil
}

// InviteByHash implements [auth.InviteStore].
func (s *Auth) InviteByHash(ctx context.Context, hash []byte) (i auth.Invite, err error) {
	err = s.db.Read(ctx, func(c *Conn) error {
		i, err = scanInvite(c.QueryRow("SELECT "+inviteColumns+" FROM account_invites WHERE hash = $1", hash).Scan)
		return err
	})
	if err != nil {
		return auth.Invite{}, fmt.Errorf("store: invite: %w", err)
	}
	return i, nil
}

// Invites implements [auth.InviteStore].
func (s *Auth) Invites(ctx context.Context, creator *string) (out []auth.Invite, err error) {
	query, args := "SELECT "+inviteColumns+" FROM account_invites", []any{}
	if creator != nil {
		query, args = query+" WHERE creator = $1", append(args, *creator)
	}
	err = s.db.Read(ctx, func(c *Conn) error {
		out, err = Collect(c, func(r *sql.Rows) (auth.Invite, error) { return scanInvite(r.Scan) },
			query+" ORDER BY created_at DESC, id", args...)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("store: invites: %w", err)
	}
	return out, nil
}

// RemoveInvite implements [auth.InviteStore].
func (s *Auth) RemoveInvite(ctx context.Context, creator *string, id string) error {
	query, args := "DELETE FROM account_invites WHERE id = $1", []any{id}
	if creator != nil {
		query, args = query+" AND creator = $2", append(args, *creator)
	}
	err := s.db.Write(ctx, func(tx *Tx) error { return needRow(tx.Changes(query, args...)) })
	if err != nil {
		return fmt.Errorf("store: remove invite: %w", err)
	}
	return nil
}

// UseInvite implements [auth.InviteStore].
func (s *Auth) UseInvite(ctx context.Context, use auth.InviteUse) (i auth.Invite, err error) {
	err = s.db.Write(ctx, func(tx *Tx) error {
		i, err = useInvite(tx, use)
		return err
	})
	if err != nil {
		return auth.Invite{}, fmt.Errorf("store: use invite: %w", err)
	}
	return i, nil
}
