package sasl

import (
	"context"
	"crypto/subtle"
	"strings"
	"unicode/utf8"
)

// TokenFunc finds the tokens with which a user may log in by mechanism m, each as the string that
// the client was given. For a user without any it returns none. Errors are as with [VerifierFunc].
type TokenFunc func(ctx context.Context, authcid string, m Mechanism) ([]string, error)

// Token is the server's side of the Hashed Token mechanisms (draft-ietf-kitten-sasl-ht) as FAST
// uses them (XEP-0484 section 3.4). The token is the key of an HMAC over the channel binding, so
// that it never crosses the wire and the server proves itself too.
//
// Two wire formats share the names of these mechanisms. Up to revision 00 of the draft, which is
// what clients speak, a message is
//
//	authcid NUL hash          answered by   hash
//
// and since revision 01
//
//	authcid NUL pairs NUL hash          answered by   NUL pairs NUL hash
//
// with authenticated key=value pairs. The hash has a fixed length, so that the two are told apart
// by it; the answer has the form of the request.
type Token struct {
	mech   Mechanism
	cb     string
	bound  Binding
	lookup TokenFunc

	authcid string
	matched int
	ended   bool
}

var _ Exchange = (*Token)(nil)

const (
	maxAuthcid    = 1023
	maxTokens     = 8
	maxTokenPairs = 1024
)

// NewToken begins an exchange with a token mechanism; see [NewSCRAM].
func NewToken(m Mechanism, ch Channel, offer Offer, lookup TokenFunc) (*Token, error) {
	b, ok := m.Token()
	if !ok || !offer.Has(m) || b != "" && len(ch.Bindings[b]) == 0 {
		return nil, &Error{Condition: InvalidMechanism}
	}
	return &Token{mech: m, cb: string(ch.Bindings[b]), bound: b, lookup: lookup, matched: -1}, nil
}

// Authcid is the user; proven once Next has returned done.
func (t *Token) Authcid() string { return t.authcid }

// Matched is the index of the token that fitted, in what the lookup returned; -1 before.
func (t *Token) Matched() int { return t.matched }

// Binding is the channel binding that was proven, "" for none.
func (t *Token) Binding() Binding { return t.bound }

// Next implements [Exchange].
func (t *Token) Next(ctx context.Context, in []byte) (out []byte, done bool, err error) {
	if t.ended {
		return nil, false, &Error{Condition: MalformedRequest, Cause: ErrState}
	}
	if in == nil {
		return []byte{}, false, nil
	}
	t.ended = true
	if len(in) > MaxMessage {
		return nil, false, malformed("message too long")
	}
	msg, err := parseTokenMessage(string(in), SHA256.Size())
	if err != nil {
		return nil, false, err
	}
	t.authcid = msg.authcid
	tokens, err := t.lookup(ctx, msg.authcid, t.mech)
	if err != nil {
		return nil, false, AsError(err)
	}
	if len(tokens) > maxTokens {
		tokens = tokens[:maxTokens]
	}
	found := t.match(tokens, msg)
	if found < 0 {
		return nil, false, unauthorized(ErrProof)
	}
	t.matched = found
	answer := SHA256.mac([]byte(tokens[found]), "Responder", t.cb)
	if msg.extended {
		answer = append([]byte{0, 0}, answer...)
	}
	return answer, true, nil
}

// match compares the hash with each token. It always works through two of them: what a client may
// have at most, and what is computed for a user that there is not.
func (t *Token) match(tokens []string, msg tokenMessage) int {
	found := -1
	for i := range max(len(tokens), 2) {
		key := ""
		if i < len(tokens) {
			key = tokens[i]
		}
		want := SHA256.mac([]byte(key), "Initiator", t.cb, msg.pairs)
		if subtle.ConstantTimeCompare(want, msg.hash) == 1 && key != "" {
			found = i
		}
	}
	return found
}

type tokenMessage struct {
	authcid  string
	pairs    string
	hash     []byte
	extended bool
}

func parseTokenMessage(s string, size int) (tokenMessage, error) {
	authcid, rest, ok := strings.Cut(s, "\x00")
	if !ok || authcid == "" || len(authcid) > maxAuthcid || !utf8.ValidString(authcid) {
		return tokenMessage{}, malformed("token message without a user")
	}
	msg := tokenMessage{authcid: authcid}
	if len(rest) == size {
		msg.hash = []byte(rest)
		return msg, nil
	}
	at := len(rest) - size - 1
	if at < 0 || at > maxTokenPairs || rest[at] != 0 {
		return tokenMessage{}, malformed("token hash of another length")
	}
	msg.extended, msg.pairs, msg.hash = true, rest[:at], []byte(rest[at+1:])
	if !validPairs(msg.pairs) {
		return tokenMessage{}, malformed("key/value pairs")
	}
	return msg, nil
}

// validPairs: [ pair *( "," pair ) ] with pair = 1*char "=" 1*char. The pairs are under the HMAC;
// none is defined yet, so that their values are not looked at.
func validPairs(s string) bool {
	if s == "" {
		return true
	}
	for pair := range strings.SplitSeq(s, ",") {
		key, value, ok := strings.Cut(pair, "=")
		if !ok || !validPairWord(key) || !validPairWord(value) {
			return false
		}
	}
	return true
}

func validPairWord(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case isAlpha(c), c >= '0' && c <= '9', c == '/', c == '+', c == '-', c == '_':
		default:
			return false
		}
	}
	return s != ""
}
