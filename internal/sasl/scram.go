package sasl

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strconv"
)

// Identity is what a client calls itself.
type Identity struct {
	// Authcid is the user whose password is proven: a localpart, not yet normalised.
	Authcid string
	// Authzid is the address to act as, a bare JID; empty for the user's own (RFC 6120 section 6.3.8).
	Authzid string
}

// VerifierFunc finds the verifier of a user for one hash. For a user that there is not, it returns
// a decoy ([Verifier.Decoy]) that is the same every time, not an error; an [*Error] ends the
// exchange with its condition, any other error with temporary-auth-failure.
type VerifierFunc func(ctx context.Context, id Identity, h Hash) (Verifier, error)

// SCRAM is the server's side of RFC 5802 section 5.
type SCRAM struct {
	hash   Hash
	plus   bool
	ch     Channel
	offer  Offer
	lookup VerifierFunc
	// serverNonce is drawn once; the vectors of the RFCs replace it.
	serverNonce string

	step     scramStep
	id       Identity
	verifier Verifier
	binding  Binding
	first    clientFirst
	reply    string // server-first-message
}

type scramStep uint8

const (
	scramFirst scramStep = iota
	scramFinal
	scramEnd
)

var _ Exchange = (*SCRAM)(nil)

// NewSCRAM begins an exchange with the SCRAM mechanism m on a channel. offer is what the stream
// announced; a mechanism that is not in it is refused as invalid-mechanism.
func NewSCRAM(m Mechanism, ch Channel, offer Offer, lookup VerifierFunc) (*SCRAM, error) {
	h, plus, ok := m.Scram()
	if !ok || !offer.Has(m) {
		return nil, &Error{Condition: InvalidMechanism}
	}
	nonce := make([]byte, 18)
	rand.Read(nonce) // never fails
	return &SCRAM{
		hash: h, plus: plus, ch: ch, offer: offer, lookup: lookup,
		serverNonce: base64.StdEncoding.EncodeToString(nonce),
	}, nil
}

// Identity is what the client called itself; proven once Next has returned done.
func (s *SCRAM) Identity() Identity { return s.id }

// Binding is the channel binding that was proven, "" for none.
func (s *SCRAM) Binding() Binding { return s.binding }

// Next implements [Exchange].
func (s *SCRAM) Next(ctx context.Context, in []byte) (out []byte, done bool, err error) {
	step := s.step
	if step == scramFirst && in == nil {
		return []byte{}, false, nil
	}
	s.step = scramEnd // until this message has passed
	if len(in) > MaxMessage {
		return nil, false, malformed("message too long")
	}
	switch step {
	case scramFirst:
		out, err = s.challenge(ctx, string(in))
		if err != nil {
			return nil, false, AsError(err)
		}
		s.step = scramFinal
		return out, false, nil
	case scramFinal:
		out, err = s.verify(string(in))
		if err != nil {
			return nil, false, err
		}
		return out, true, nil
	case scramEnd:
	}
	return nil, false, &Error{Condition: MalformedRequest, Cause: ErrState}
}

func (s *SCRAM) challenge(ctx context.Context, in string) ([]byte, error) {
	first, err := parseClientFirst(in)
	if err != nil {
		return nil, err
	}
	switch {
	case s.plus && first.flag != 'p':
		return nil, malformed("mechanism with channel binding used without")
	case !s.plus && first.flag == 'p':
		return nil, malformed("mechanism without channel binding used with")
	case first.flag == 'y' && s.offer.Plus():
		// The client can bind and believes that we cannot: someone removed our -PLUS mechanisms.
		return nil, unauthorized(ErrDowngrade)
	case s.plus:
		if len(s.ch.Bindings[first.binding]) == 0 {
			return nil, malformed("unsupported channel binding")
		}
	}
	s.first, s.id = first, Identity{Authcid: first.user, Authzid: first.authzid}
	v, err := s.lookup(ctx, s.id, s.hash)
	if err != nil {
		return nil, fmt.Errorf("sasl: verifier: %w", err)
	}
	if v.Hash != s.hash {
		return nil, fmt.Errorf("%w: hash %q for %s", ErrVerifier, v.Hash, s.hash)
	}
	if err := v.Validate(); err != nil {
		return nil, err
	}
	s.verifier = v
	s.reply = "r=" + first.nonce + s.serverNonce +
		",s=" + base64.StdEncoding.EncodeToString(v.Salt) +
		",i=" + strconv.Itoa(v.Iterations)
	if s.offer.DowngradeHash {
		s.reply += ",h=" + s.offer.Hash(s.hash)
	}
	return []byte(s.reply), nil
}

func (s *SCRAM) verify(in string) ([]byte, error) {
	final, err := parseClientFinal(in)
	if err != nil {
		return nil, err
	}
	if len(final.proof) != s.hash.Size() {
		return nil, malformed("proof of another length")
	}
	nonce := s.first.nonce + s.serverNonce
	if subtle.ConstantTimeCompare([]byte(final.nonce), []byte(nonce)) != 1 {
		return nil, malformed("another nonce")
	}
	bound := append([]byte(s.first.header), s.ch.Bindings[s.first.binding]...)
	sameChannel := subtle.ConstantTimeCompare(final.binding, bound) == 1

	v := s.verifier
	auth := []string{s.first.bare, ",", s.reply, ",", final.withoutProof}
	clientKey := make([]byte, s.hash.Size())
	subtle.XORBytes(clientKey, final.proof, s.hash.mac(v.StoredKey, auth...))
	proven := subtle.ConstantTimeCompare(s.hash.sum(clientKey), v.StoredKey) == 1
	signature := s.hash.mac(v.ServerKey, auth...)

	switch {
	case !sameChannel:
		return nil, unauthorized(ErrBinding)
	case !proven || v.Decoy:
		return nil, unauthorized(ErrProof)
	}
	s.binding = s.first.binding
	return []byte("v=" + base64.StdEncoding.EncodeToString(signature)), nil
}
