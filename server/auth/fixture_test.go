package auth_test

import (
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"hash"
	"io/fs"
	"os"
	"testing"

	"kith/internal/sasl"
	"kith/server/store"
)

// saltedPassword is what a client computes (RFC 5802 section 3).
func saltedPassword(t *testing.T, h sasl.Hash, password string, salt []byte, iterations int) []byte {
	t.Helper()
	fn := map[sasl.Hash]func() hash.Hash{sasl.SHA1: sha1.New, sasl.SHA256: sha256.New, sasl.SHA512: sha512.New}[h]
	b, err := pbkdf2.Key(fn, password, salt, iterations, fn().Size())
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// databaseBytes are all files of the database as they lie on the disk.
func databaseBytes(t *testing.T, db *store.DB) []byte {
	t.Helper()
	var all []byte
	for _, suffix := range []string{"", "-wal"} {
		b, err := os.ReadFile(db.Path() + suffix)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		all = append(all, b...)
	}
	return all
}
