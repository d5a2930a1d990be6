package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"kith/internal/sasl"
	"kith/server/auth"
)

// Auth keeps accounts, verifiers, devices and invites.
type Auth struct{ db *DB }

var _ auth.Store = (*Auth)(nil)

// Auth is the store of package auth.
func (db *DB) Auth() *Auth { return &Auth{db} }

// unixMilli is 0 for the zero time, which stands for "never".
func unixMilli(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func fromUnixMilli(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// missing turns the absence of a row into the error of package auth.
func missing(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return auth.ErrNotFound
	}
	return err
}

// needRow is for statements that are to change one row.
func needRow(n int64, err error) error {
	if err == nil && n == 0 {
		return auth.ErrNotFound
	}
	return err
}

const accountColumns = "local, role, created_at, disabled, active_day, removed_at, purge_at, purged_at"

func scanAccount(scan func(...any) error) (a auth.Account, err error) {
	var created, removed, purge, purged int64
	err = scan(&a.Local, &a.Role, &created, &a.Disabled, &a.ActiveDay, &removed, &purge, &purged)
	a.Created, a.RemovedAt = fromUnixMilli(created), fromUnixMilli(removed)
	a.PurgeAt, a.PurgedAt = fromUnixMilli(purge), fromUnixMilli(purged)
	return a, missing(err)
}

func account(c *Conn, local string) (auth.Account, error) {
	return scanAccount(c.QueryRow("SELECT "+accountColumns+" FROM accounts WHERE local = $1", local).Scan)
}

// usable refuses accounts that are removed.
func usable(c *Conn, local string) error {
	a, err := account(c, local)
	if err == nil && a.Removed() {
		return auth.ErrNotFound
	}
	return err
}

// Account implements [auth.AccountStore].
func (s *Auth) Account(ctx context.Context, local string) (a auth.Account, err error) {
	err = s.db.Read(ctx, func(c *Conn) error {
		a, err = account(c, local)
		return err
	})
	if err != nil {
		return auth.Account{}, fmt.Errorf("store: account: %w", err)
	}
	return a, nil
}

// Accounts implements [auth.AccountStore].
func (s *Auth) Accounts(ctx context.Context) (as []auth.Account, err error) {
	err = s.db.Read(ctx, func(c *Conn) error {
		as, err = Collect(c, func(r *sql.Rows) (auth.Account, error) { return scanAccount(r.Scan) },
			"SELECT "+accountColumns+" FROM accounts WHERE purged_at = 0 ORDER BY local")
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("store: accounts: %w", err)
	}
	return as, nil
}

func countAccounts(c *Conn) (n int, err error) {
	err = c.QueryRow("SELECT COUNT(*) FROM accounts WHERE purged_at = 0").Scan(&n)
	return n, err
}

// CreateAccount implements [auth.AccountStore].
func (s *Auth) CreateAccount(ctx context.Context, n auth.NewAccount) error {
	err := s.db.Write(ctx, func(tx *Tx) error {
		a := n.Account
		var former *auth.Account
		switch was, err := account(&tx.Conn, a.Local); {
		case err == nil && !was.Removed():
			return auth.ErrExists
		case err == nil:
			former = &was
		case !errors.Is(err, auth.ErrNotFound):
			return err
		}
		if err := n.Check(former); err != nil {
			return err
		}
		var invite auth.Invite
		if n.Invite != nil {
			var err error
			if invite, err = useInvite(tx, *n.Invite); err != nil {
				return err
			}
		}
		if err := checkReserved(tx, a, invite.ID); err != nil {
			return err
		}
		if _, err := tx.Exec("DELETE FROM accounts WHERE local = $1", a.Local); err != nil {
			return err
		}
		_, err := tx.Exec("INSERT INTO accounts ("+accountColumns+") VALUES ($1, $2, $3, $4, $5, 0, 0, 0)",
			a.Local, a.Role, unixMilli(a.Created), a.Disabled, a.ActiveDay)
		if err != nil {
			return err
		}
		for _, c := range n.Credentials {
			if err := putCredential(tx, a.Local, c); err != nil {
				return err
			}
		}
		if err := welcome(tx, a, invite); err != nil {
			return err
		}
		if !invite.Introduce {
			return nil
		}
		// The creator may have been purged meanwhile; then there is nobody to meet.
		if _, err := account(&tx.Conn, invite.Creator); err != nil {
			if errors.Is(err, auth.ErrNotFound) {
				return nil
			}
			return err
		}
		_, err = tx.Exec("INSERT INTO account_introductions (local, contact) VALUES ($1, $2)", a.Local, invite.Creator)
		return err
	})
	if err != nil {
		return fmt.Errorf("store: create account: %w", err)
	}
	return nil
}

// checkReserved refuses a name that an open invite other than this one is bound to.
func checkReserved(tx *Tx, a auth.Account, invite string) error {
	var n int
	err := tx.QueryRow(`SELECT COUNT(*) FROM account_invites
		WHERE local = $1 AND kind = $2 AND used < uses AND expires_at > $3 AND id <> $4`,
		a.Local, auth.InviteAccount, unixMilli(a.Created), invite).Scan(&n)
	if err == nil && n > 0 {
		return auth.ErrExists
	}
	return err
}

// UpdateAccount implements [auth.AccountStore].
func (s *Auth) UpdateAccount(ctx context.Context, local string, change func(*auth.Account, int) error) error {
	err := s.db.Write(ctx, func(tx *Tx) error {
		a, err := account(&tx.Conn, local)
		if err != nil {
			return err
		}
		var others int
		err = tx.QueryRow(`SELECT COUNT(*) FROM accounts
			WHERE role = $1 AND NOT disabled AND removed_at = 0 AND local <> $2`, auth.RoleAdmin, local).Scan(&others)
		if err != nil {
			return err
		}
		if err := change(&a, others); err != nil {
			return err
		}
		_, err = tx.Exec("UPDATE accounts SET role = $1, disabled = $2, removed_at = $3, purge_at = $4 WHERE local = $5",
			a.Role, a.Disabled, unixMilli(a.RemovedAt), unixMilli(a.PurgeAt), local)
		if err != nil || !a.Removed() {
			return err
		}
		return each(tx, local,
			"DELETE FROM account_devices WHERE local = $1",
			"DELETE FROM account_invites WHERE creator = $1",
			"DELETE FROM account_invites WHERE local = $1 AND kind = '"+string(auth.InviteReset)+"'",
			"DELETE FROM account_introductions WHERE local = $1",
			"DELETE FROM account_introductions WHERE contact = $1",
		)
	})
	if err != nil {
		return fmt.Errorf("store: update account: %w", err)
	}
	return nil
}

// each runs statements that take one argument.
func each(tx *Tx, arg any, queries ...string) error {
	for _, q := range queries {
		if _, err := tx.Exec(q, arg); err != nil {
			return err
		}
	}
	return nil
}

// SetActiveDay implements [auth.AccountStore].
func (s *Auth) SetActiveDay(ctx context.Context, local string, day int64) error {
	err := s.db.Write(ctx, func(tx *Tx) error {
		_, err := tx.Exec("UPDATE accounts SET active_day = $1 WHERE local = $2 AND removed_at = 0", day, local)
		return err
	})
	if err != nil {
		return fmt.Errorf("store: set active day: %w", err)
	}
	return nil
}

// Removals implements [auth.AccountStore].
func (s *Auth) Removals(ctx context.Context, now time.Time) (out []string, err error) {
	err = s.db.Read(ctx, func(c *Conn) error {
		out, err = Collect(c, func(r *sql.Rows) (local string, err error) { return local, r.Scan(&local) },
			"SELECT local FROM accounts WHERE removed_at > 0 AND purge_at <= $1 AND purged_at = 0 ORDER BY purge_at, local",
			unixMilli(now))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("store: removals: %w", err)
	}
	return out, nil
}

// FinishRemoval implements [auth.AccountStore].
func (s *Auth) FinishRemoval(ctx context.Context, local string, now time.Time) error {
	err := s.db.Write(ctx, func(tx *Tx) error {
		err := needRow(tx.Changes(`UPDATE accounts SET purged_at = $1, role = '', created_at = 0, disabled = FALSE, active_day = 0
			WHERE local = $2 AND removed_at > 0 AND purged_at = 0`, unixMilli(now), local))
		if err != nil {
			return err
		}
		return each(tx, local, "DELETE FROM account_credentials WHERE local = $1", "DELETE FROM account_devices WHERE local = $1")
	})
	if err != nil {
		return fmt.Errorf("store: finish removal: %w", err)
	}
	return nil
}

// Introductions implements [auth.AccountStore].
func (s *Auth) Introductions(ctx context.Context) (out []auth.Introduction, err error) {
	err = s.db.Read(ctx, func(c *Conn) error {
		out, err = Collect(c, func(r *sql.Rows) (i auth.Introduction, err error) { return i, r.Scan(&i.Local, &i.Contact) },
			"SELECT local, contact FROM account_introductions ORDER BY local, contact")
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("store: introductions: %w", err)
	}
	return out, nil
}

// FinishIntroduction implements [auth.AccountStore].
func (s *Auth) FinishIntroduction(ctx context.Context, i auth.Introduction) error {
	err := s.db.Write(ctx, func(tx *Tx) error {
		_, err := tx.Exec("DELETE FROM account_introductions WHERE local = $1 AND contact = $2", i.Local, i.Contact)
		return err
	})
	if err != nil {
		return fmt.Errorf("store: finish introduction: %w", err)
	}
	return nil
}

func putCredential(tx *Tx, local string, c auth.Credential) error {
	_, err := tx.Exec(`INSERT INTO account_credentials (local, hash, salt, iterations, key_id, sealed)
		VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (local, hash) DO UPDATE SET salt = excluded.salt, iterations = excluded.iterations,
			key_id = excluded.key_id, sealed = excluded.sealed`,
		local, c.Hash, c.Salt, c.Iterations, c.Key, c.Sealed)
	return err
}

// Credentials implements [auth.CredentialStore]. Whether there is such an account or not, it makes
// one query that finds one and one that does not, so that the time it takes does not tell.
func (s *Auth) Credentials(ctx context.Context, local string) (a auth.Account, creds []auth.Credential, err error) {
	err = s.db.Read(ctx, func(c *Conn) error {
		if a, creds, err = credentials(c, "$1", local); err == nil {
			_, _, other := credentials(c, "$1", "")
			if !errors.Is(other, auth.ErrNotFound) {
				return other
			}
			return nil
		}
		if errors.Is(err, auth.ErrNotFound) {
			_, _, other := credentials(c, "(SELECT MIN(local) FROM accounts WHERE local > $1)", "")
			if other != nil && !errors.Is(other, auth.ErrNotFound) {
				return other
			}
		}
		return err
	})
	if err != nil {
		return auth.Account{}, nil, fmt.Errorf("store: credentials: %w", err)
	}
	return a, creds, nil
}

func credentials(c *Conn, which, arg string) (a auth.Account, creds []auth.Credential, err error) {
	found := false
	creds, err = Collect(c, func(r *sql.Rows) (cred auth.Credential, err error) {
		found = true
		var hash, key sql.NullString // of an account without any
		var iterations sql.NullInt64
		a, err = scanAccount(func(dest ...any) error {
			return r.Scan(append(dest, &hash, &cred.Salt, &iterations, &key, &cred.Sealed)...)
		})
		cred.Hash, cred.Key, cred.Iterations = sasl.Hash(hash.String), key.String, int(iterations.Int64)
		return cred, err
	}, `SELECT a.local, a.role, a.created_at, a.disabled, a.active_day, a.removed_at, a.purge_at, a.purged_at,
			c.hash, c.salt, c.iterations, c.key_id, c.sealed
		FROM accounts a LEFT JOIN account_credentials c ON c.local = a.local
		WHERE a.local = `+which+` ORDER BY c.hash`, arg)
	switch {
	case err != nil:
		return auth.Account{}, nil, err
	case !found:
		return auth.Account{}, nil, auth.ErrNotFound
	case creds[0].Hash == "":
		creds = nil
	}
	return a, creds, nil
}

// SetCredentials implements [auth.CredentialStore].
func (s *Auth) SetCredentials(ctx context.Context, local string, creds []auth.Credential, keep string, invite *auth.InviteUse) error {
	err := s.db.Write(ctx, func(tx *Tx) error {
		if err := usable(&tx.Conn, local); err != nil {
			return err
		}
		if invite != nil {
			if _, err := useInvite(tx, *invite); err != nil {
				return err
			}
		}
		if err := each(tx, local,
			"DELETE FROM account_credentials WHERE local = $1",
			"DELETE FROM account_invites WHERE local = $1 AND used < uses AND kind = '"+string(auth.InviteReset)+"'",
		); err != nil {
			return err
		}
		for _, c := range creds {
			if err := putCredential(tx, local, c); err != nil {
				return err
			}
		}
		_, err := tx.Exec(`DELETE FROM account_tokens WHERE device IN
			(SELECT id FROM account_devices WHERE local = $1 AND agent <> $2)`, local, keep)
		if err != nil {
			return err
		}
		_, err = tx.Exec("UPDATE account_devices SET password = (agent = $1) WHERE local = $2", keep, local)
		return err
	})
	if err != nil {
		return fmt.Errorf("store: set credentials: %w", err)
	}
	return nil
}

// AddCredential implements [auth.CredentialStore].
func (s *Auth) AddCredential(ctx context.Context, local string, c auth.Credential) error {
	err := s.db.Write(ctx, func(tx *Tx) error {
		if err := usable(&tx.Conn, local); err != nil {
			return err
		}
		return putCredential(tx, local, c)
	})
	if err != nil {
		return fmt.Errorf("store: add credential: %w", err)
	}
	return nil
}

// SecretKeys implements [auth.CredentialStore].
func (s *Auth) SecretKeys(ctx context.Context) (ids []string, err error) {
	err = s.db.Read(ctx, func(c *Conn) error {
		ids, err = secretKeys(c, "account_credentials")
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("store: secret keys: %w", err)
	}
	return ids, nil
}

func secretKeys(c *Conn, table string) ([]string, error) {
	return Collect(c, func(r *sql.Rows) (id string, err error) { return id, r.Scan(&id) },
		"SELECT DISTINCT key_id FROM "+table)
}

// DropCredentials implements [auth.CredentialStore].
func (s *Auth) DropCredentials(ctx context.Context, keep []string) error {
	err := s.db.Write(ctx, func(tx *Tx) error {
		for _, table := range []string{"account_credentials", "account_tokens"} {
			ids, err := secretKeys(&tx.Conn, table)
			if err != nil {
				return err
			}
			for _, id := range ids {
				if slices.Contains(keep, id) {
					continue
				}
				if _, err := tx.Exec("DELETE FROM "+table+" WHERE key_id = $1", id); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("store: drop credentials: %w", err)
	}
	return nil
}
