// Package sasl is the server's side of the authentication mechanisms that XMPP uses: SCRAM
// (RFC 5802, RFC 7677) with SHA-1, SHA-256 and SHA-512, with and without channel binding
// (RFC 9266, RFC 5929, XEP-0440) and with downgrade protection (XEP-0474), the hashed tokens of
// FAST (XEP-0484) and PLAIN (RFC 4616).
//
// It knows no XML, no network and no storage. One value that implements [Exchange] is one
// authentication: decoded bytes go in, bytes to encode come out. What is known of a user comes
// through a function that the caller hands in. [Policy.Offer] decides which mechanisms a
// connection may use.
package sasl

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"
	"time"
)

// MaxMessage bounds one decoded client message in bytes. A username of 1023 bytes (RFC 7622) fits
// even when every byte of it is escaped, beside nonces and channel bindings.
const MaxMessage = 4096

// Exchange is one authentication, from the first client message to success or failure. It is not
// safe for concurrent use and not for a second authentication.
type Exchange interface {
	// Next takes the next client message, decoded. For the first call in may be nil: the client
	// sent no initial response; the answer is then an empty challenge.
	//
	// While done is false, out is the challenge to send; it may be empty. When done is true the
	// client is authenticated and out is the additional data of success, nil if there is none.
	// An error ends the exchange and is an [*Error], whatever went wrong.
	Next(ctx context.Context, in []byte) (out []byte, done bool, err error)
}

// Condition is a failure as the peer sees it (RFC 6120 section 6.5).
type Condition string

// The conditions of RFC 6120 section 6.5.
const (
	Aborted              Condition = "aborted"
	AccountDisabled      Condition = "account-disabled"
	CredentialsExpired   Condition = "credentials-expired"
	EncryptionRequired   Condition = "encryption-required"
	IncorrectEncoding    Condition = "incorrect-encoding"
	InvalidAuthzid       Condition = "invalid-authzid"
	InvalidMechanism     Condition = "invalid-mechanism"
	MalformedRequest     Condition = "malformed-request"
	MechanismTooWeak     Condition = "mechanism-too-weak"
	NotAuthorized        Condition = "not-authorized"
	TemporaryAuthFailure Condition = "temporary-auth-failure"
)

// Error is a failed authentication: the condition and text for the peer, the cause for the log.
// The cause may tell what the peer must not learn, such as whether the account exists.
type Error struct {
	Condition Condition
	// Text is for a human at the peer, in English; often empty.
	Text string
	// Retry is how long the peer has to wait before it tries again, 0 if that is not known.
	Retry time.Duration
	// Cause is for the log; it contains no password, token or proof.
	Cause error
}

func (e *Error) Error() string {
	s := "sasl: " + string(e.Condition)
	if e.Cause != nil {
		s += ": " + e.Cause.Error()
	}
	return s
}

func (e *Error) Unwrap() error { return e.Cause }

// Causes that an [Error] may wrap.
var (
	// ErrProof: the password, proof or token is wrong, or there is no such user.
	ErrProof = errors.New("sasl: wrong credentials")
	// ErrDowngrade: the client was made to believe that there is no channel binding (RFC 5802 section 6).
	ErrDowngrade = errors.New("sasl: channel binding was hidden from the client")
	// ErrBinding: the client's channel binding is not that of this connection.
	ErrBinding = errors.New("sasl: channel binding does not match")
	// ErrState: Next was called after the end of the exchange.
	ErrState = errors.New("sasl: exchange has ended")
)

// AsError gives any error the face of a failed authentication: an [*Error] in its chain as it is,
// anything else as temporary-auth-failure, for it is our fault and not the peer's.
func AsError(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return &Error{Condition: TemporaryAuthFailure, Cause: err}
}

func malformed(why string) error {
	return &Error{Condition: MalformedRequest, Cause: errors.New("sasl: " + why)}
}

func unauthorized(cause error) error {
	return &Error{Condition: NotAuthorized, Cause: cause}
}

// b64 refuses what is not the one canonical encoding, line breaks included.
var b64 = base64.StdEncoding.Strict()

func decodeBase64(s string) ([]byte, bool) {
	// The decoder of the standard library skips line breaks, which RFC 6120 section 13.9.1 forbids.
	if strings.ContainsAny(s, "\r\n") {
		return nil, false
	}
	b, err := b64.DecodeString(s)
	return b, err == nil
}

// Decode takes the text of an element that carries SASL data, for instance a response. No text and
// "=" both stand for data of zero length (RFC 6120 section 6.4.2, XEP-0388 section 2.2); the result
// is never nil without an error, which is incorrect-encoding or, for too long a message,
// malformed-request.
func Decode(text string) ([]byte, error) {
	if text == "" || text == "=" {
		return []byte{}, nil
	}
	if len(text) > base64.StdEncoding.EncodedLen(MaxMessage) {
		return nil, malformed("message too long")
	}
	b, ok := decodeBase64(text)
	if !ok {
		return nil, &Error{Condition: IncorrectEncoding}
	}
	return b, nil
}

// DecodeInitial is [Decode] for the auth element of RFC 6120, in which no text means that there is
// no initial response: the result is then nil. In XEP-0388 the element is left out instead, and
// the caller hands nil to [Exchange.Next] without decoding.
func DecodeInitial(text string) ([]byte, error) {
	if text == "" {
		return nil, nil
	}
	return Decode(text)
}
