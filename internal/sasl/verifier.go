package sasl

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"

	"github.com/xdg-go/stringprep"
)

// Bounds of a verifier.
const (
	// MinIterations is the fewest iterations of a new verifier (XEP-0438 section 6).
	MinIterations = 10_000
	// MaxIterations is where a client would compute for minutes.
	MaxIterations = 10_000_000
	// SaltSize is the length of a new salt in bytes (XEP-0438 section 5.2).
	SaltSize = 16
	maxSalt  = 128
)

// Errors about passwords and verifiers.
var (
	// ErrPassword: the password is empty or has characters that SASLprep forbids.
	ErrPassword = errors.New("sasl: password has characters that cannot be used")
	// ErrVerifier: a verifier is not usable.
	ErrVerifier = errors.New("sasl: invalid verifier")
)

// Verifier is what a server stores in the place of a password for one hash (RFC 5802 section 3).
// With StoredKey and ServerKey one can check a proof and search for the password offline, but not
// log in.
type Verifier struct {
	Hash       Hash
	Salt       []byte
	Iterations int
	StoredKey  []byte
	ServerKey  []byte
	// Decoy: the verifier stands in for a user that there is not. An exchange does all its work
	// and then fails.
	Decoy bool
}

// Prepare normalises a password with SASLprep (RFC 4013), as RFC 5802 section 2.2 asks of clients
// too. It is not the OpaqueString profile of RFC 8265: that one keeps compatibility characters
// such as ligatures and full-width letters apart, and a native client would compute another proof
// for them. Characters that Unicode 3.2 did not know are refused, because clients differ about
// them; the error is [ErrPassword].
func Prepare(password string) (string, error) {
	for i := range len(password) {
		if c := password[i]; c < 0x20 || c > 0x7e {
			p, err := stringprep.SASLprep.Prepare(password)
			if err != nil {
				return "", fmt.Errorf("%w: %w", ErrPassword, err)
			}
			if p == "" {
				return "", ErrPassword
			}
			return p, nil
		}
	}
	if password == "" {
		return "", ErrPassword
	}
	return password, nil
}

// NewSalt makes a random salt of [SaltSize] bytes.
func NewSalt() []byte {
	b := make([]byte, SaltSize)
	rand.Read(b) // never fails
	return b
}

// Derive makes the verifier of a password, which it prepares first. It computes for some
// milliseconds per 10,000 iterations.
func Derive(h Hash, password string, salt []byte, iterations int) (Verifier, error) {
	salted, err := saltPassword(h, password, salt, iterations)
	if err != nil {
		return Verifier{}, err
	}
	return FromSaltedPassword(h, salted, salt, iterations)
}

func saltPassword(h Hash, password string, salt []byte, iterations int) ([]byte, error) {
	if !h.Valid() || len(salt) == 0 || iterations < 1 || iterations > MaxIterations {
		return nil, ErrVerifier
	}
	p, err := Prepare(password)
	if err != nil {
		return nil, err
	}
	salted, err := pbkdf2.Key(h.crypto().New, p, salt, iterations, h.Size())
	if err != nil {
		return nil, fmt.Errorf("sasl: derive: %w", err)
	}
	return salted, nil
}

// FromSaltedPassword makes a verifier of the SaltedPassword of RFC 5802 section 3, which a client
// sends when it upgrades to another hash (XEP-0480 section 3).
func FromSaltedPassword(h Hash, salted, salt []byte, iterations int) (Verifier, error) {
	if !h.Valid() || len(salted) != h.Size() {
		return Verifier{}, fmt.Errorf("%w: salted password of %d bytes", ErrVerifier, len(salted))
	}
	v := Verifier{
		Hash: h, Salt: salt, Iterations: iterations,
		StoredKey: h.sum(h.mac(salted, "Client Key")),
		ServerKey: h.mac(salted, "Server Key"),
	}
	return v, v.Validate()
}

// Validate checks the sizes of a verifier that came from outside. Fewer than [MinIterations]
// iterations pass: imported accounts have what they have.
func (v Verifier) Validate() error {
	switch {
	case !v.Hash.Valid():
		return fmt.Errorf("%w: unknown hash %q", ErrVerifier, v.Hash)
	case len(v.Salt) == 0 || len(v.Salt) > maxSalt:
		return fmt.Errorf("%w: salt of %d bytes, allowed are 1 to %d", ErrVerifier, len(v.Salt), maxSalt)
	case v.Iterations < 1 || v.Iterations > MaxIterations:
		return fmt.Errorf("%w: %d iterations, allowed are 1 to %d", ErrVerifier, v.Iterations, MaxIterations)
	case len(v.StoredKey) != v.Hash.Size() || len(v.ServerKey) != v.Hash.Size():
		return fmt.Errorf("%w: keys of %d and %d bytes, %s has %d",
			ErrVerifier, len(v.StoredKey), len(v.ServerKey), v.Hash, v.Hash.Size())
	}
	return nil
}

// Matches reports whether password is the one behind the verifier, in time that does not depend
// on the password's being right. It never matches for a decoy.
func (v Verifier) Matches(password string) bool {
	salted, err := saltPassword(v.Hash, password, v.Salt, v.Iterations)
	if err != nil {
		return false
	}
	stored := v.Hash.sum(v.Hash.mac(salted, "Client Key"))
	return subtle.ConstantTimeCompare(stored, v.StoredKey) == 1 && !v.Decoy
}

func (h Hash) mac(key []byte, parts ...string) []byte {
	m := hmac.New(h.crypto().New, key)
	for _, p := range parts {
		m.Write([]byte(p))
	}
	return m.Sum(nil)
}

func (h Hash) sum(b []byte) []byte {
	d := h.crypto().New()
	d.Write(b)
	return d.Sum(nil)
}
