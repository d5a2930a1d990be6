package webpush

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"time"
)

const (
	// tokenLife is for how long a vendor's service is shown the same token, and tokenExpiry when that stops
	// being good; the latter may be a day at most (RFC 8292 section 2).
	tokenLife   = 6 * time.Hour
	tokenExpiry = 12 * time.Hour
	// maxTokens is how many services tokens are remembered for.
	maxTokens = 100
)

// signingKey makes the key pair of a seed: the private key, and the public one as an uncompressed point.
func signingKey(seed []byte) (*ecdsa.PrivateKey, []byte, error) {
	if len(seed) < sha256.Size {
		return nil, nil, errors.New("webpush: the seed of the key is too short")
	}
	// Nearly every number of this size is a private key on P-256; the next one is, if this is not.
	for n := range byte(8) {
		d := sha256.Sum256(append(append([]byte("kith webpush key"), n), seed...))
		key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), d[:])
		if err != nil {
			continue
		}
		public, err := key.PublicKey.Bytes()
		return key, public, err
	}
	return nil, nil, errors.New("webpush: the seed makes no key")
}

// tokens are those that tell who we are, by the origin of the service that they are for.
type tokens struct {
	mu  sync.Mutex // guards all
	all map[string]token
}

type token struct {
	text string
	from time.Time
}

// authorization is the header that tells a vendor's service which server it is (RFC 8292 section 3).
func (s *Service) authorization(endpoint *url.URL) (string, error) {
	origin, now := endpoint.Scheme+"://"+endpoint.Host, s.opts.Clock.Now()
	s.tokens.mu.Lock()
	defer s.tokens.mu.Unlock()
	if t, ok := s.tokens.all[origin]; ok && now.Sub(t.from) < tokenLife {
		return t.text, nil
	}
	signed, err := s.sign(origin, now)
	if err != nil {
		return "", err
	}
	text := "vapid t=" + signed + ", k=" + base64.RawURLEncoding.EncodeToString(s.public)
	if s.tokens.all == nil || len(s.tokens.all) >= maxTokens {
		s.tokens.all = map[string]token{}
	}
	s.tokens.all[origin] = token{text, now}
	return text, nil
}

// sign makes the token (RFC 7519) in its compact form, signed with ES256 (RFC 7518 section 3.4).
func (s *Service) sign(audience string, now time.Time) (string, error) {
	header, err := json.Marshal(map[string]string{"typ": "JWT", "alg": "ES256"})
	if err != nil {
		return "", fmt.Errorf("webpush: token: %w", err)
	}
	claims, err := json.Marshal(map[string]any{"aud": audience, "exp": now.Add(tokenExpiry).Unix(), "sub": s.opts.Contact})
	if err != nil {
		return "", fmt.Errorf("webpush: token: %w", err)
	}
	text := base64.RawURLEncoding.EncodeToString(header) + "." + base64.RawURLEncoding.EncodeToString(claims)
	digest := sha256.Sum256([]byte(text))
	r, v, err := ecdsa.Sign(rand.Reader, s.key, digest[:])
	if err != nil {
		return "", fmt.Errorf("webpush: signature: %w", err)
	}
	var signature [64]byte
	r.FillBytes(signature[:32])
	v.FillBytes(signature[32:])
	return text + "." + base64.RawURLEncoding.EncodeToString(signature[:]), nil
}
