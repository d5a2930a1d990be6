// Package sasltest is the client's side of the mechanisms of package sasl, for tests of what is
// built upon it. It is strict: it checks what a careful client checks, the downgrade hash of
// XEP-0474 included. As a judge of package sasl itself it is not independent.
package sasltest

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // SCRAM-SHA-1 is mandatory to implement
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"strconv"
	"strings"

	"kith/internal/sasl"
)

// Client is one end of an exchange. First makes the initial response, Next answers a challenge,
// Done checks the additional data of success.
type Client interface {
	First() []byte
	Next(challenge []byte) ([]byte, error)
	Done(success []byte) error
}

// SCRAM is a client of RFC 5802. Set the fields before First.
type SCRAM struct {
	Mechanism sasl.Mechanism
	User      string
	Password  string
	Authzid   string
	// Flag is the gs2 flag: 0 chooses 'p' for mechanisms with channel binding and 'n' otherwise.
	Flag byte
	// Binding and Data are the channel binding of the client.
	Binding sasl.Binding
	Data    []byte
	// Offer, if set, is what the server announced; a downgrade hash must then fit to it.
	Offer *sasl.Offer
	// Nonce is random when empty.
	Nonce string
	// Extension is put between nonce and proof of the final message when not empty: "x=...".
	Extension string

	header, bare string
	signature    []byte
}

var _ Client = (*SCRAM)(nil)

// First implements [Client].
func (c *SCRAM) First() []byte {
	if c.Flag == 0 {
		c.Flag = 'n'
		if _, plus, _ := c.Mechanism.Scram(); plus {
			c.Flag = 'p'
		}
	}
	if c.Nonce == "" {
		c.Nonce = rand.Text()
	}
	c.header = string(c.Flag)
	if c.Flag == 'p' {
		c.header += "=" + string(c.Binding)
	}
	c.header += ","
	if c.Authzid != "" {
		c.header += "a=" + escape(c.Authzid)
	}
	c.header += ","
	c.bare = "n=" + escape(c.User) + ",r=" + c.Nonce
	return []byte(c.header + c.bare)
}

// Next implements [Client].
func (c *SCRAM) Next(challenge []byte) ([]byte, error) {
	newHash := c.hash()
	if newHash == nil {
		return nil, fmt.Errorf("sasltest: %s is not SCRAM", c.Mechanism)
	}
	attr := map[string]string{}
	for part := range strings.SplitSeq(string(challenge), ",") {
		k, v, _ := strings.Cut(part, "=")
		attr[k] = v
	}
	salt, err := base64.StdEncoding.DecodeString(attr["s"])
	if err != nil {
		return nil, fmt.Errorf("sasltest: salt: %w", err)
	}
	iterations, err := strconv.Atoi(attr["i"])
	if err != nil {
		return nil, fmt.Errorf("sasltest: iterations: %w", err)
	}
	if !strings.HasPrefix(attr["r"], c.Nonce) || attr["r"] == c.Nonce {
		return nil, errors.New("sasltest: the server did not extend the nonce")
	}
	if h, _, _ := c.Mechanism.Scram(); c.Offer != nil && attr["h"] != c.Offer.Hash(h) {
		return nil, fmt.Errorf("sasltest: downgrade hash %q does not fit to the offer", attr["h"])
	}
	bound := []byte(c.header)
	if c.Flag == 'p' {
		bound = append(bound, c.Data...)
	}
	final := "c=" + base64.StdEncoding.EncodeToString(bound) + ",r=" + attr["r"]
	if c.Extension != "" {
		final += "," + c.Extension
	}
	salted, err := pbkdf2.Key(newHash, c.Password, salt, iterations, newHash().Size())
	if err != nil {
		return nil, fmt.Errorf("sasltest: derive: %w", err)
	}
	auth := c.bare + "," + string(challenge) + "," + final
	clientKey := mac(newHash, salted, "Client Key")
	stored := newHash()
	stored.Write(clientKey)
	proof := make([]byte, len(clientKey))
	subtle.XORBytes(proof, clientKey, mac(newHash, stored.Sum(nil), auth))
	c.signature = mac(newHash, mac(newHash, salted, "Server Key"), auth)
	return []byte(final + ",p=" + base64.StdEncoding.EncodeToString(proof)), nil
}

// Done implements [Client].
func (c *SCRAM) Done(success []byte) error {
	if c.signature == nil || string(success) != "v="+base64.StdEncoding.EncodeToString(c.signature) {
		return fmt.Errorf("sasltest: the server did not prove itself: %q", success)
	}
	return nil
}

func (c *SCRAM) hash() func() hash.Hash {
	h, _, _ := c.Mechanism.Scram()
	switch h {
	case sasl.SHA1:
		return sha1.New
	case sasl.SHA256:
		return sha256.New
	case sasl.SHA512:
		return sha512.New
	}
	return nil
}

// Token is a client of the hashed token mechanisms.
type Token struct {
	User  string
	Token string
	// Data is the channel binding, nil for HT-SHA-256-NONE.
	Data []byte
	// Extended speaks the format of the draft since revision 01, with Pairs.
	Extended bool
	Pairs    string
}

var _ Client = (*Token)(nil)

// First implements [Client].
func (c *Token) First() []byte {
	msg := c.User + "\x00"
	if c.Extended {
		msg += c.Pairs + "\x00"
	}
	return append([]byte(msg), mac(sha256.New, []byte(c.Token), "Initiator"+string(c.Data)+c.Pairs)...)
}

// Next implements [Client]; there is no second step.
func (c *Token) Next([]byte) ([]byte, error) {
	return nil, errors.New("sasltest: unexpected challenge")
}

// Done implements [Client].
func (c *Token) Done(success []byte) error {
	var want []byte
	if c.Extended {
		want = []byte{0, 0}
	}
	want = append(want, mac(sha256.New, []byte(c.Token), "Responder"+string(c.Data))...)
	if !bytes.Equal(want, success) {
		return errors.New("sasltest: the server did not prove itself")
	}
	return nil
}

// Run plays an exchange to its end and returns the error of whoever failed.
func Run(ctx context.Context, server sasl.Exchange, client Client) error {
	msg := client.First()
	for {
		out, done, err := server.Next(ctx, msg)
		if err != nil {
			return err
		}
		if done {
			return client.Done(out)
		}
		if msg, err = client.Next(out); err != nil {
			return err
		}
	}
}

func mac(newHash func() hash.Hash, key []byte, msg string) []byte {
	m := hmac.New(newHash, key)
	m.Write([]byte(msg))
	return m.Sum(nil)
}

func escape(s string) string {
	return strings.NewReplacer("=", "=3D", ",", "=2C").Replace(s)
}
