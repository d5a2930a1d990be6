package auth

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"kith/internal/sasl"
)

// Errors about the secret file.
var (
	// ErrWrongSecret: the database has passwords that were protected with another secret file.
	ErrWrongSecret = errors.New("auth: the secret file is not the one that belongs to this database: " +
		"restore it from the backup that the database is from")
	// ErrSecretFile: the file is not a secret file.
	ErrSecretFile = errors.New("auth: not a secret file")
)

// SecretSize is the length of a key in bytes (XEP-0438 section 5.2: a pepper has at least 32).
const SecretSize = 32

// Secret holds the keys that must not lie in the database: the pepper of XEP-0438 section 5.2, and
// what tokens, invites and the decoys for unknown users are computed from.
//
// The file has one key a line, 32 bytes in base64; empty lines and lines that begin with # are
// skipped. The first key is used for what is new; the others open what is old. So one rotates by
// putting a new line on top, and drops an old line when nothing depends on it any more. The last
// line also fixes the decoys, which must not change from one day to the next.
type Secret struct {
	keys []secretKey // current first
}

type secretKey struct {
	id     string // stored with what the key protects; tells nothing of it
	seal   cipher.AEAD
	token  []byte
	invite []byte
	decoy  []byte
}

// NewSecret makes a random secret, for tests and demonstrations. A server uses [LoadSecret].
func NewSecret() *Secret {
	raw := make([]byte, SecretSize)
	rand.Read(raw) // never fails
	k, err := newSecretKey(raw)
	if err != nil {
		panic(err) // the length is right
	}
	return &Secret{keys: []secretKey{k}}
}

// LoadSecret reads the secret file, and makes it with mode 0600 when there is none. Whether it is
// the right one is found out by [New].
func LoadSecret(path string) (*Secret, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		text, err = createSecret(path)
	}
	if err != nil {
		return nil, fmt.Errorf("auth: secret file: %w", err)
	}
	s, err := parseSecret(text)
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, path)
	}
	return s, nil
}

// createSecret writes a new file beside and links it into place, so that the file is whole or not
// there, and of two that do this at once both use the same.
func createSecret(path string) (_ []byte, err error) {
	raw := make([]byte, SecretSize)
	rand.Read(raw) // never fails
	text := []byte("# Protects the passwords, devices and invites in the database. Keep it with the\n" +
		"# backups of the database, and better not in the same place.\n" +
		base64.StdEncoding.EncodeToString(raw) + "\n")
	f, err := os.CreateTemp(filepath.Dir(path), ".secret-*") // mode 0600
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.Remove(f.Name())) }()
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, err
	}
	if err := os.Link(f.Name(), path); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return os.ReadFile(path)
		}
		return nil, err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	return text, errors.Join(dir.Sync(), dir.Close())
}

func parseSecret(text []byte) (*Secret, error) {
	var s Secret
	for line := range bytes.SplitSeq(text, []byte("\n")) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		raw, err := base64.StdEncoding.Strict().DecodeString(string(line))
		if err != nil || len(raw) != SecretSize {
			return nil, ErrSecretFile
		}
		k, err := newSecretKey(raw)
		if err != nil {
			return nil, err
		}
		s.keys = append(s.keys, k)
	}
	if len(s.keys) == 0 {
		return nil, ErrSecretFile
	}
	return &s, nil
}

func newSecretKey(raw []byte) (secretKey, error) {
	derive := func(purpose string) ([]byte, error) {
		return hkdf.Key(sha256.New, raw, nil, "kith "+purpose+" 1", 32)
	}
	var parts [5][]byte
	for i, purpose := range []string{"id", "seal", "token", "invite", "decoy"} {
		var err error
		if parts[i], err = derive(purpose); err != nil {
			return secretKey{}, fmt.Errorf("auth: derive key: %w", err)
		}
	}
	block, err := aes.NewCipher(parts[1])
	if err != nil {
		return secretKey{}, fmt.Errorf("auth: derive key: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return secretKey{}, fmt.Errorf("auth: derive key: %w", err)
	}
	return secretKey{
		id: hex.EncodeToString(parts[0][:8]), seal: aead,
		token: parts[2], invite: parts[3], decoy: parts[4],
	}, nil
}

func (s *Secret) current() secretKey { return s.keys[0] }

func (s *Secret) key(id string) (secretKey, bool) {
	for _, k := range s.keys {
		if k.id == id {
			return k, true
		}
	}
	return secretKey{}, false
}

func (s *Secret) has(id string) bool {
	_, ok := s.key(id)
	return ok
}

func (s *Secret) ids() []string {
	ids := make([]string, len(s.keys))
	for i, k := range s.keys {
		ids[i] = k.id
	}
	return ids
}

// prf is a function of its inputs that nobody without the key can compute. Each input is preceded
// by its length, so that no two lists are the same bytes.
func prf(key []byte, parts ...string) []byte {
	m := hmac.New(sha256.New, key)
	for _, p := range parts {
		m.Write([]byte(strconv.Itoa(len(p)) + ":" + p))
	}
	return m.Sum(nil)
}

// seal encrypts the two keys of a verifier. Whose it is and how it was made is bound to it, so that
// a row moved to another account in the database opens for nobody.
func (s *Secret) seal(local string, v sasl.Verifier) (Credential, error) {
	if err := v.Validate(); err != nil {
		return Credential{}, fmt.Errorf("auth: seal: %w", err)
	}
	k := s.current()
	c := Credential{Hash: v.Hash, Salt: v.Salt, Iterations: v.Iterations, Key: k.id}
	plain := append(bytes.Clone(v.StoredKey), v.ServerKey...)
	c.Sealed = k.seal.Seal(nil, nil, plain, c.bound(local)) //nolint:gosec // this AEAD makes its own nonce
	return c, nil
}

func (s *Secret) open(local string, c Credential) (sasl.Verifier, error) {
	k, ok := s.key(c.Key)
	if !ok {
		return sasl.Verifier{}, ErrWrongSecret
	}
	plain, err := k.seal.Open(nil, nil, c.Sealed, c.bound(local))
	if err != nil {
		return sasl.Verifier{}, fmt.Errorf("auth: verifier does not open: %w", err)
	}
	n := c.Hash.Size()
	if len(plain) != 2*n {
		return sasl.Verifier{}, fmt.Errorf("auth: verifier of %d bytes", len(plain))
	}
	return sasl.Verifier{
		Hash: c.Hash, Salt: c.Salt, Iterations: c.Iterations,
		StoredKey: plain[:n:n], ServerKey: plain[n:],
	}, nil
}

func (c Credential) bound(local string) []byte {
	return []byte(strings.Join([]string{
		local, string(c.Hash), base64.StdEncoding.EncodeToString(c.Salt), strconv.Itoa(c.Iterations),
	}, "\x00"))
}

// decoy is the verifier of a user that there is not: the same at every call and after every start,
// of the same shape as a real one, and without a password behind it (RFC 5802 section 9 leaves it
// to the server not to reveal who exists).
func (s *Service) decoy(name string, h sasl.Hash) sasl.Verifier {
	key := s.secret.keys[len(s.secret.keys)-1].decoy
	fill := func(what string, n int) []byte {
		return append(prf(key, what, name, string(h)), prf(key, what+" 2", name, string(h))...)[:n]
	}
	return sasl.Verifier{
		Hash: h, Salt: fill("salt", sasl.SaltSize), Iterations: s.cfg.Iterations,
		StoredKey: fill("stored", h.Size()), ServerKey: fill("server", h.Size()), Decoy: true,
	}
}
