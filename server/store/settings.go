package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// Setting returns what SetSetting kept under name; ok is false when there is nothing.
func (db *DB) Setting(ctx context.Context, name string) (value string, ok bool, err error) {
	err = db.Read(ctx, func(c *Conn) error {
		return c.QueryRow("SELECT value FROM settings WHERE name = $1", name).Scan(&value)
	})
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return "", false, nil
	case err != nil:
		return "", false, fmt.Errorf("store: setting %s: %w", name, err)
	}
	return value, true, nil
}

// KeepSetting returns what is kept under name, and keeps value there when there is nothing.
func (db *DB) KeepSetting(ctx context.Context, name, value string) (kept string, err error) {
	err = db.Write(ctx, func(tx *Tx) error {
		if _, err := tx.Exec("INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING", name, value); err != nil {
			return err
		}
		return tx.QueryRow("SELECT value FROM settings WHERE name = $1", name).Scan(&kept)
	})
	return kept, wrap("keep setting "+name, err)
}

// SetSetting keeps a value under name, in place of an earlier one.
func (db *DB) SetSetting(ctx context.Context, name, value string) error {
	err := db.Write(ctx, func(tx *Tx) error {
		_, err := tx.Exec(`INSERT INTO settings (name, value) VALUES ($1, $2)
			ON CONFLICT (name) DO UPDATE SET value = excluded.value`, name, value)
		return err
	})
	if err != nil {
		return fmt.Errorf("store: set setting %s: %w", name, err)
	}
	return nil
}
