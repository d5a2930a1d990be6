package auth

import (
	"bytes"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"kith/internal/sasl"
)

func TestLoadSecret(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	first, err := LoadSecret(path)
	if err != nil {
		t.Fatal(err)
	}
	again, err := LoadSecret(path)
	if err != nil || first.current().id != again.current().id {
		t.Fatalf("%v", err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	left, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(left) != 1 {
		t.Errorf("%v, %v", left, err)
	}
	text, err := os.ReadFile(path)
	if err != nil || bytes.Contains(text, []byte(first.current().id)) {
		t.Errorf("the id is part of the file: %v", err)
	}
	for name, bad := range map[string]string{
		"empty": "", "comment": "# nothing\n", "short": "AAAA\n", "not base64": strings.Repeat("?", 44),
		"half a line": string(text[:len(text)-4]), "trailing": base64.StdEncoding.EncodeToString(make([]byte, 32)) + " x",
	} {
		if err := os.WriteFile(path, []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := LoadSecret(path); !errors.Is(err, ErrSecretFile) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := LoadSecret(filepath.Join(t.TempDir(), "missing", "secret")); err == nil {
		t.Error("no directory, no error")
	}
}

// Two that start at the same time use the same secret.
func TestLoadSecretRace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	ids := make([]string, 10)
	var wg sync.WaitGroup
	for i := range ids {
		wg.Go(func() {
			s, err := LoadSecret(path)
			if err != nil {
				t.Error(err)
				return
			}
			ids[i] = s.current().id
		})
	}
	wg.Wait()
	for _, id := range ids {
		if id != ids[0] {
			t.Fatalf("%v", ids)
		}
	}
}

func TestSealing(t *testing.T) {
	s := NewSecret()
	v, err := sasl.Derive(sasl.SHA256, "correct horse", sasl.NewSalt(), sasl.MinIterations)
	if err != nil {
		t.Fatal(err)
	}
	c, err := s.seal("juliet", v)
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.open("juliet", c)
	if err != nil || !got.Matches("correct horse") {
		t.Fatalf("%v", err)
	}
	if bytes.Contains(c.Sealed, v.StoredKey) || bytes.Contains(c.Sealed, v.ServerKey) {
		t.Error("not sealed")
	}
	// Nothing of it can be moved or changed in the database.
	for name, change := range map[string]func(*Credential){
		"hash":       func(c *Credential) { c.Hash = sasl.SHA512 },
		"salt":       func(c *Credential) { c.Salt = sasl.NewSalt() },
		"iterations": func(c *Credential) { c.Iterations++ },
		"bytes": func(c *Credential) {
			c.Sealed = append(bytes.Clone(c.Sealed[:len(c.Sealed)-1]), c.Sealed[len(c.Sealed)-1]^1)
		},
		"cut": func(c *Credential) { c.Sealed = c.Sealed[:8] },
		"key": func(c *Credential) { c.Key = "other" },
	} {
		d := c
		change(&d)
		if _, err := s.open("juliet", d); err == nil {
			t.Errorf("opened with another %s", name)
		}
	}
	if _, err := s.open("romeo", c); err == nil {
		t.Error("opened for another account")
	}
	if _, err := NewSecret().open("juliet", c); !errors.Is(err, ErrWrongSecret) {
		t.Errorf("opened with another secret: %v", err)
	}
}

// A new line on top is used for what is new; what is old goes on.
func TestSecretRotation(t *testing.T) {
	line := func(b byte) string {
		return base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{b}, SecretSize)) + "\n"
	}
	old, err := parseSecret([]byte(line(1)))
	if err != nil {
		t.Fatal(err)
	}
	both, err := parseSecret([]byte("# rotated\n\n" + line(2) + line(1)))
	if err != nil {
		t.Fatal(err)
	}
	v, err := sasl.Derive(sasl.SHA1, "correct horse", sasl.NewSalt(), sasl.MinIterations)
	if err != nil {
		t.Fatal(err)
	}
	before, err := old.seal("juliet", v)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := both.open("juliet", before); err != nil {
		t.Error(err)
	}
	after, err := both.seal("juliet", v)
	if err != nil || after.Key == before.Key {
		t.Errorf("%v", err)
	}
	if _, err := old.open("juliet", after); err == nil {
		t.Error("the old secret opens what is new")
	}
	a, b := &Service{secret: old}, &Service{secret: both}
	if !bytes.Equal(a.decoy("nobody", sasl.SHA256).Salt, b.decoy("nobody", sasl.SHA256).Salt) {
		t.Error("rotation changed the decoys")
	}
}

func TestPRFSeparatesInputs(t *testing.T) {
	key := make([]byte, 32)
	seen := map[string][]string{}
	for _, in := range [][]string{{}, {""}, {"", ""}, {"ab", "c"}, {"a", "bc"}, {"abc"}, {"1:a"}, {"a", ""}} {
		out := string(prf(key, in...))
		if was, ok := seen[out]; ok {
			t.Errorf("%q and %q are the same", was, in)
		}
		seen[out] = in
	}
}
