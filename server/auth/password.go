package auth

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"kith/internal/sasl"
)

// NewCredential is how an account will prove itself: a password, of which the server keeps
// verifiers only, or the verifiers that a client made of a password that it keeps to itself.
type NewCredential struct {
	Password  string
	Verifiers []sasl.Verifier
	// Imported verifiers come from another server: any hash may be missing, and they may have
	// other salts and fewer iterations than [Service.Params] ask for.
	Imported bool
}

// Password is the credential of a password.
func Password(p string) NewCredential { return NewCredential{Password: p} }

// Params say how a client makes verifiers: one for each hash, each with a random salt of its own.
// All accounts have the same shape, so that an account that there is not can have it too.
type Params struct {
	Hashes     []sasl.Hash
	Iterations int
	SaltSize   int
	// MinPassword is the fewest characters, which only the client can check.
	MinPassword int
}

// Params for the verifiers of new passwords.
func (s *Service) Params() Params {
	return Params{
		Hashes: slices.Clone(s.cfg.Hashes), Iterations: s.cfg.Iterations,
		SaltSize: sasl.SaltSize, MinPassword: s.cfg.MinPassword,
	}
}

// CheckPassword says with an [*InputError] why a password cannot be used for an account.
func (s *Service) CheckPassword(local, password string) error {
	refuse := func(code, text string) error {
		return &InputError{Kind: ErrPassword, Code: code, Text: text}
	}
	if password == "" {
		return refuse(CodeEmpty, "Please choose a password.")
	}
	if len(password) > maxPassword {
		return refuse(CodeTooLong, "This password is too long.")
	}
	p, err := sasl.Prepare(password)
	if err != nil {
		return refuse(CodeCharacters, "This password has characters, such as emoji, that not every app can send.")
	}
	if n := utf8.RuneCountInString(p); n < s.cfg.MinPassword {
		return refuse(CodeTooShort, fmt.Sprintf("The password needs at least %d characters.", s.cfg.MinPassword))
	}
	if isCommon(p, local, s.domain) {
		return refuse(CodeCommon, "This password is among the first that anybody would try.")
	}
	return nil
}

// maxPassword bounds the work of normalising a password, in bytes.
const maxPassword = 1024

// isCommon knows what is tried first (XEP-0438 section 5.4): the name, one character again and
// again, rows of the keyboard, and a few words with something simple behind them.
func isCommon(password, local, domain string) bool {
	p := strings.ToLower(password)
	core := strings.TrimRight(p, "0123456789!.?$#*-_ ")
	for _, w := range append([]string{local, domain, local + "@" + domain}, commonWords...) {
		if p == w || core == w || core == w+w {
			return true
		}
	}
	if strings.Count(p, p[:1]) == len(p) {
		return true
	}
	for _, row := range commonRows {
		if strings.Contains(row+row, p) {
			return true
		}
	}
	return core == ""
}

var commonWords = []string{
	"password", "passw0rd", "passwort", "kennwort", "letmein", "welcome", "willkommen", "iloveyou", "qwerty",
	"qwertz", "azerty", "admin", "administrator", "changeme", "trustno1", "football", "baseball", "princess",
	"dragon", "monkey", "sunshine", "superman", "starwars", "master", "shadow", "hello", "hallo", "geheim", "secret",
	"kith", "test", "abc", "hallo123", "q1w2e3r4", "1q2w3e4r", "1qaz2wsx", "motdepasse", "contraseña",
}

var commonRows = []string{
	"01234567890", "09876543210", "abcdefghijklmnopqrstuvwxyz", "qwertyuiop", "qwertzuiopü", "azertyuiop",
	"asdfghjkl", "qwertyuiopasdfghjklzxcvbnm",
}

// Derive makes the verifiers of a password for an account, which takes long: callers whose time is
// precious do it beforehand. Its error is that of [Service.CheckPassword].
func (s *Service) Derive(local, password string) (NewCredential, error) {
	if err := s.CheckPassword(local, password); err != nil {
		return NewCredential{}, err
	}
	var vs []sasl.Verifier
	for _, h := range s.cfg.Hashes {
		v, err := sasl.Derive(h, password, sasl.NewSalt(), s.cfg.Iterations)
		if err != nil {
			return NewCredential{}, fmt.Errorf("auth: derive: %w", err)
		}
		vs = append(vs, v)
	}
	return NewCredential{Verifiers: vs}, nil
}

// verifiers makes or checks what will be stored.
func (s *Service) verifiers(local string, c NewCredential) ([]sasl.Verifier, error) {
	if c.Verifiers == nil {
		d, err := s.Derive(local, c.Password)
		return d.Verifiers, err
	}
	seen := map[sasl.Hash]bool{}
	salts := map[string]bool{}
	for _, v := range c.Verifiers {
		if err := v.Validate(); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrVerifiers, err)
		}
		switch {
		case v.Decoy:
			return nil, fmt.Errorf("%w: a decoy", ErrVerifiers)
		case seen[v.Hash]:
			return nil, fmt.Errorf("%w: two for %s", ErrVerifiers, v.Hash)
		case c.Imported:
		case !slices.Contains(s.cfg.Hashes, v.Hash):
			return nil, fmt.Errorf("%w: %s is not asked for", ErrVerifiers, v.Hash)
		case v.Iterations != s.cfg.Iterations:
			return nil, fmt.Errorf("%w: %d iterations, want %d", ErrVerifiers, v.Iterations, s.cfg.Iterations)
		case len(v.Salt) != sasl.SaltSize:
			return nil, fmt.Errorf("%w: salt of %d bytes, want %d", ErrVerifiers, len(v.Salt), sasl.SaltSize)
		case salts[string(v.Salt)]:
			return nil, fmt.Errorf("%w: the same salt twice", ErrVerifiers)
		}
		seen[v.Hash], salts[string(v.Salt)] = true, true
	}
	if len(seen) == 0 || !c.Imported && len(seen) != len(s.cfg.Hashes) {
		return nil, fmt.Errorf("%w: %d of %d hashes", ErrVerifiers, len(seen), len(s.cfg.Hashes))
	}
	return c.Verifiers, nil
}

// SetPassword changes how an account proves itself. All tokens become invalid and all sessions end
// except those of the device with the user agent id keep: where the change was made, one stays
// signed in. keep may be empty.
func (s *Service) SetPassword(ctx context.Context, local string, cred NewCredential, keep string) error {
	if _, err := s.Account(ctx, local); err != nil {
		return err
	}
	return s.setPassword(ctx, local, cred, keep, nil)
}

func (s *Service) setPassword(ctx context.Context, local string, cred NewCredential, keep string, use *InviteUse) error {
	vs, err := s.verifiers(local, cred)
	if err != nil {
		return err
	}
	creds, err := s.sealAll(local, vs)
	if err != nil {
		return err
	}
	if err := s.store.SetCredentials(ctx, local, creds, keep, use); err != nil {
		return fmt.Errorf("auth: set password: %w", err)
	}
	s.endSessions(ctx, local, End{Reason: EndPasswordChanged, Except: keep})
	return nil
}

// Upgrade is the task of XEP-0480 by which a client gives the verifier for another hash of the
// password that it has just proven.
type Upgrade struct {
	Hash       sasl.Hash
	Salt       []byte
	Iterations int
}

// Upgrades are the hashes that an account could have a better verifier for; to be announced as
// UPGR-SCRAM- and the hash. There are none for an account that there is not, nor for one that has
// all: only accounts that came from elsewhere or are older than the configuration stand out.
func (s *Service) Upgrades(ctx context.Context, local string) ([]sasl.Hash, error) {
	_, creds, err := s.findCredentials(ctx, local)
	if err != nil || len(creds) == 0 {
		return nil, err
	}
	var out []sasl.Hash
	for _, h := range s.cfg.Hashes {
		i := slices.IndexFunc(creds, func(c Credential) bool { return c.Hash == h })
		if i < 0 || creds[i].Iterations < s.cfg.Iterations {
			out = append(out, h)
		}
	}
	return out, nil
}

// BeginUpgrade is what to send to a client that upgrades to a hash.
func (s *Service) BeginUpgrade(h sasl.Hash) (Upgrade, error) {
	if !slices.Contains(s.cfg.Hashes, h) {
		return Upgrade{}, fmt.Errorf("%w: %s is not asked for", ErrVerifiers, h)
	}
	return Upgrade{Hash: h, Salt: sasl.NewSalt(), Iterations: s.cfg.Iterations}, nil
}

// FinishUpgrade stores the verifier of the SaltedPassword that the client answered with. Only a
// login by password may do it.
func (s *Service) FinishUpgrade(ctx context.Context, l Login, u Upgrade, salted []byte) error {
	if !l.Password {
		return fmt.Errorf("auth: upgrade: %w", ErrForbidden)
	}
	v, err := sasl.FromSaltedPassword(u.Hash, salted, u.Salt, u.Iterations)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrVerifiers, err)
	}
	c, err := s.secret.seal(l.Local, v)
	if err != nil {
		return err
	}
	if err := s.store.AddCredential(ctx, l.Local, c); err != nil {
		return fmt.Errorf("auth: upgrade: %w", err)
	}
	return nil
}

// ForgetLostSecret removes the passwords and tokens that no key of the secret opens, after the
// secret file was lost. Their owners need an invite to set a new password. It is called with the
// parts of a service, because there can be none yet: [New] refuses such a database.
func ForgetLostSecret(ctx context.Context, store CredentialStore, secret *Secret) error {
	if err := store.DropCredentials(ctx, secret.ids()); err != nil {
		return fmt.Errorf("auth: forget lost secret: %w", err)
	}
	return nil
}
