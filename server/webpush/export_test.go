package webpush

import "net/http"

// What tests look at from outside.
const (
	Content       = content
	Hushed        = hushed
	AuthSize      = authSize
	Pause         = pause
	MaxRetry      = maxRetry
	MaxTries      = maxTries
	RetryAfter    = retryAfter
	TokenLife     = tokenLife
	Lifetime      = lifetime
	MaxPerAccount = maxPerAccount
	MaxEndpoint   = maxEndpoint
)

var (
	Seal       = seal
	Encrypt    = encrypt
	Public     = public
	ErrPrivate = errPrivate
)

// Outwards is the client that is used when none is given.
func Outwards() *http.Client { return outwards() }

// PublicKey is what browsers are told.
func (s *Service) PublicKey() []byte { return s.public }

// Close ends the service.
func (s *Service) Close() { s.close() }

// Resting reports that nothing is under way for a node.
func (s *Service) Resting(node string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.active[node]
	return d == nil || d.timer != nil
}

// Active is how many nodes are remembered.
func (s *Service) Active() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.active)
}
