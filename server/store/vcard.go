package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"kith/server/vcard"
)

// VCards keeps the vCards of clients of vcard-temp.
type VCards struct {
	db *DB
}

var _ vcard.Store = (*VCards)(nil)

// VCards is the database as the vcard feature sees it.
func (db *DB) VCards() *VCards { return &VCards{db} }

// VCard implements [vcard.Store].
func (v *VCards) VCard(ctx context.Context, account string) (text string, err error) {
	err = v.db.Read(ctx, func(c *Conn) error {
		return c.QueryRow("SELECT vcard FROM vcards WHERE account = $1", account).Scan(&text)
	})
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return "", nil
	case err != nil:
		return "", fmt.Errorf("store: vcard: %w", err)
	}
	return text, nil
}

// SetVCard implements [vcard.Store].
func (v *VCards) SetVCard(ctx context.Context, account, text string) error {
	err := v.db.Write(ctx, func(tx *Tx) error {
		if text == "" {
			_, err := tx.Exec("DELETE FROM vcards WHERE account = $1", account)
			return err
		}
		_, err := tx.Exec(`INSERT INTO vcards (account, vcard) VALUES ($1, $2)
			ON CONFLICT (account) DO UPDATE SET vcard = excluded.vcard`, account, text)
		return err
	})
	if err != nil {
		return fmt.Errorf("store: set vcard: %w", err)
	}
	return nil
}

// RemoveAccount forgets the vCard of an account.
func (v *VCards) RemoveAccount(ctx context.Context, account string) error {
	return v.SetVCard(ctx, account, "")
}
