package sasl

import (
	"context"
	"strings"
)

// PasswordFunc checks a password. Wrong passwords and unknown users are an [*Error] of
// not-authorized with the cause [ErrProof].
type PasswordFunc func(ctx context.Context, id Identity, password string) error

// PlainExchange is PLAIN (RFC 4616). A server offers it only in closed setups ([Policy.Plain]).
type PlainExchange struct {
	check PasswordFunc
	id    Identity
	ended bool
}

var _ Exchange = (*PlainExchange)(nil)

// NewPlain begins an exchange with PLAIN. It is refused as encryption-required on a channel that
// others can read, and as invalid-mechanism where it was not offered.
func NewPlain(ch Channel, offer Offer, check PasswordFunc) (*PlainExchange, error) {
	switch {
	case !ch.Confidential:
		return nil, &Error{Condition: EncryptionRequired}
	case !offer.Has(Plain):
		return nil, &Error{Condition: InvalidMechanism}
	}
	return &PlainExchange{check: check}, nil
}

// Identity is what the client called itself; proven once Next has returned done.
func (p *PlainExchange) Identity() Identity { return p.id }

// Next implements [Exchange].
func (p *PlainExchange) Next(ctx context.Context, in []byte) (out []byte, done bool, err error) {
	if p.ended {
		return nil, false, &Error{Condition: MalformedRequest, Cause: ErrState}
	}
	if in == nil {
		return []byte{}, false, nil
	}
	p.ended = true
	id, password, err := ParsePlain(in)
	if err != nil {
		return nil, false, err
	}
	p.id = id
	if err := p.check(ctx, id, password); err != nil {
		return nil, false, AsError(err)
	}
	return nil, true, nil
}

// ParsePlain splits [authzid] NUL authcid NUL password (RFC 4616 section 2).
func ParsePlain(in []byte) (Identity, string, error) {
	if len(in) > MaxMessage {
		return Identity{}, "", malformed("message too long")
	}
	parts := strings.Split(string(in), "\x00")
	if len(parts) != 3 || parts[1] == "" || parts[2] == "" {
		return Identity{}, "", malformed("PLAIN message")
	}
	for _, p := range parts {
		if !validText(p) {
			return Identity{}, "", malformed("PLAIN message is not UTF-8")
		}
	}
	return Identity{Authzid: parts[0], Authcid: parts[1]}, parts[2], nil
}
