package server

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"

	"kith/server/store"
	"kith/server/upload"
)

// keySize is that of the keys that the database keeps.
const keySize = 32

// keptKey is a random key that stays the same from one run to the next.
func keptKey(ctx context.Context, db *store.DB, name string) ([]byte, error) {
	var key [keySize]byte
	_, _ = rand.Read(key[:]) // it does not fail
	text, err := db.KeepSetting(ctx, name, base64.StdEncoding.EncodeToString(key[:]))
	if err != nil {
		return nil, err
	}
	kept, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(kept) != keySize {
		return nil, fmt.Errorf("server: the setting %s is damaged", name)
	}
	return kept, nil
}

// newUploads makes the part that takes files.
func newUploads(ctx context.Context, cfg upload.Config, domain string, d Deps) (*upload.Service, error) {
	key, err := keptKey(ctx, d.Store, "upload.key")
	if err != nil {
		return nil, err
	}
	return upload.New(upload.Options{
		Domain: domain, BaseURL: d.BaseURL, Dir: d.Uploads, Key: key, Store: d.Store.Uploads(), Accounts: d.Auth,
		Clock: d.Clock, Log: d.Log, Config: cfg,
	})
}
