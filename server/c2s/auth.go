package c2s

import (
	"context"
	"net/netip"
	"time"

	"kith/internal/jid"
	"kith/internal/sasl"
)

// Authenticator knows who may sign in.
type Authenticator interface {
	// Offer says what to announce to a client, and to hold it to. from is the localpart of the
	// stream's 'from' attribute, "" if there was none.
	Offer(ctx context.Context, ch sasl.Channel, from string) (Offer, error)
	// Begin starts an authentication. Its error is a [*sasl.Error].
	Begin(Attempt) (Authentication, error)
}

// Offer is what a connection may use to sign in.
type Offer struct {
	sasl.Offer
	// Upgrades are the hashes that the account could get a verifier for (XEP-0480).
	Upgrades []sasl.Hash
}

// Attempt is what a client asked for in its auth (RFC 6120 section 6.4.2) or authenticate element
// (XEP-0388 section 2.3).
type Attempt struct {
	Mechanism sasl.Mechanism
	Channel   sasl.Channel
	// Offer is what was announced on this stream.
	Offer sasl.Offer
	// SASL2 is true for XEP-0388.
	SASL2 bool
	// From is the stream's 'from' attribute, zero if there was none.
	From jid.JID
	// Remote is the client's address, for throttling alone.
	Remote netip.Addr
	Agent  UserAgent
	// FAST is the fast element of XEP-0484, nil if there was none.
	FAST *FAST
}

// UserAgent is the user-agent element of XEP-0388, as the client sent it; zero if it sent none.
type UserAgent struct {
	ID, Software, Device string
}

// FAST is the fast element by which a client says that it signs in by token (XEP-0484 section 3.4).
type FAST struct {
	// Count is the replay counter, nil if the client sent none.
	Count *int64
	// Invalidate asks to invalidate the token by its use.
	Invalidate bool
}

// Authentication is one attempt to sign in. Errors of its methods that are no [*sasl.Error] reach
// the client as temporary-auth-failure.
type Authentication interface {
	sasl.Exchange
	// Identity is who was proven, after Next has returned done.
	Identity() Identity
	// BeginUpgrade is what the client needs to compute a new verifier (XEP-0480 section 3).
	BeginUpgrade(h sasl.Hash) (salt []byte, iterations int, err error)
	// FinishUpgrade keeps the verifier of the last BeginUpgrade.
	FinishUpgrade(ctx context.Context, saltedPassword []byte) error
	// Finish is called once, when all is proven and before the client is told.
	Finish(ctx context.Context, req FinishRequest) (Grant, error)
}

// Identity is who a client has proven to be.
type Identity struct {
	// JID is the bare address.
	JID jid.JID
	// Password is true if the password was proven, false for a token.
	Password bool
	// Agent is the user agent in the form to keep.
	Agent UserAgent
}

// FinishRequest is what a client asked for beside the authentication itself.
type FinishRequest struct {
	// Token is the mechanism of the request-token element, "" if there was none (XEP-0484 section 3.2).
	Token sasl.Mechanism
	// Invalidated: the token was used for the last time, so that it gets no successor.
	Invalidated bool
}

// Grant is what signing in brings.
type Grant struct {
	// Device names the installation of the client: always the same, and no secret; "" if it is
	// not known. It makes resources stable (XEP-0386 section 3.2).
	Device string
	// Token for the token element, "" for none, and when it expires.
	Token   string
	Expires time.Time
}
