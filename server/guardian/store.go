package guardian

import (
	"context"
	"time"

	"kith/internal/jid"
)

// Store keeps who decides for children, and what was decided. Accounts are named by their localpart.
// What returned is durable.
type Store interface {
	// Records are what is known of all children, and of accounts that will be or were, by account.
	Records(ctx context.Context) (map[string]*Record, error)
	// SetGuardians replaces the guardians of a child, and adds approvals with it.
	SetGuardians(ctx context.Context, child string, guardians []string, approved []Approval) error
	// Adopt notes that an account is under guard from now on, with what it has at that moment.
	Adopt(ctx context.Context, child string, approved []Approval, requests []Request) error
	// Release notes that it is no longer, and forgets its approvals and requests.
	Release(ctx context.Context, child string) error
	// Hold keeps a request, in the place of one with the same key.
	Hold(ctx context.Context, child string, r Request) error
	// Withdraw forgets a request.
	Withdraw(ctx context.Context, child string, k Key) error
	// Approve notes an approval, and forgets all requests about the peer.
	Approve(ctx context.Context, child string, a Approval) error
	// Deny notes when the requests about a peer were refused.
	Deny(ctx context.Context, child string, peer jid.JID, at time.Time) error
	// Revoke forgets an approval.
	Revoke(ctx context.Context, child string, peer jid.JID) error
	// RemoveAccount forgets an account, as a child, as a guardian and as somebody who was approved or asked
	// by its address.
	RemoveAccount(ctx context.Context, account string, address jid.JID) error
}

// Record is what is known of one child.
type Record struct {
	// Guarded: its contacts were looked at when it became a child.
	Guarded   bool
	Guardians []string
	Approvals []Approval
	Requests  []Request
}

// Approval lets a child talk to a peer.
type Approval struct {
	// Peer is the bare address of a person or a room.
	Peer jid.JID
	// Room: it is a room.
	Room bool
	// By is who agreed, "" for the server; At is when.
	By string
	At time.Time
}

// Key names a request: whom it is about, and whether the child asks.
type Key struct {
	Peer     jid.JID
	Outgoing bool
}

// Request is what waits for a guardian.
type Request struct {
	Key
	// Room: it is about entering a room.
	Room bool
	// Stanza is held back until a guardian agrees, "" for none.
	Stanza string
	At     time.Time
	// Denied is when it was refused, zero if it was not.
	Denied time.Time
}

// Waiting reports whether nobody has decided yet.
func (r Request) Waiting() bool { return r.Denied.IsZero() }
