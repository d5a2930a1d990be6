package auth

import (
	"context"
	"time"

	"kith/internal/sasl"
)

// Store is what the service keeps. Every method is one transaction: it happens wholly or not at
// all, and what it returned without an error survives a crash. Functions that are handed in run
// inside the transaction; they only look and decide, and an error of theirs is returned as it is
// and undoes the transaction. Methods about something that is not there return [ErrNotFound].
type Store interface {
	AccountStore
	CredentialStore
	DeviceStore
	InviteStore
}

// AccountStore keeps accounts.
type AccountStore interface {
	// Account returns an account, a removed one too.
	Account(ctx context.Context, local string) (Account, error)
	// Accounts returns all accounts ordered by name; purged ones are left out.
	Accounts(ctx context.Context) ([]Account, error)
	// CreateAccount adds an account with its credentials, in the place of a purged one of that
	// name if there is one.
	CreateAccount(ctx context.Context, n NewAccount) error
	// UpdateAccount hands the account to change, and writes back what it made of it: Role,
	// Disabled and the times of removal. others is how many other administrators can log in. An
	// account that is then removed loses its devices, and the invites that it made or that are
	// for it.
	UpdateAccount(ctx context.Context, local string, change func(a *Account, others int) error) error
	// SetActiveDay records the day of the last activity, in days since 1970.
	SetActiveDay(ctx context.Context, local string, day int64) error
	// Removals returns the removed accounts that are to be purged by now.
	Removals(ctx context.Context, now time.Time) ([]string, error)
	// FinishRemoval deletes everything that this store keeps of a removed account, except that it
	// once was: the name and PurgedAt.
	FinishRemoval(ctx context.Context, local string, now time.Time) error
	// Introductions returns the pairs of accounts that are to become contacts.
	Introductions(ctx context.Context) ([]Introduction, error)
	// FinishIntroduction forgets a pair.
	FinishIntroduction(ctx context.Context, i Introduction) error
}

// NewAccount is an account to be made.
type NewAccount struct {
	Account     Account
	Credentials []Credential
	// Check is called with what has the name already: nil, or a removed account.  An account that
	// is not removed is refused with [ErrExists] before.
	Check func(former *Account) error
	// Invite that pays for the account, nil for none; its circles and guardians become those of the account,
	// as far as they are still there. Open invites reserve the name that they are
	// bound to: if another one has this name, CreateAccount returns [ErrExists].
	Invite *InviteUse
}

// Introduction is a pair of accounts that an invite makes contacts of each other.
type Introduction struct {
	Local, Contact string
}

// Credential is the sealed verifier of one account for one hash.
type Credential struct {
	Hash       sasl.Hash
	Salt       []byte
	Iterations int
	// Key is the id of the key that opens Sealed.
	Key    string
	Sealed []byte
}

// CredentialStore keeps verifiers.
type CredentialStore interface {
	// Credentials returns an account with its credentials, ordered by hash. How long it takes must
	// not depend on whether there is such an account.
	Credentials(ctx context.Context, local string) (Account, []Credential, error)
	// SetCredentials replaces the credentials of an account and removes the tokens of all devices
	// except the one with the agent keep, if that is not empty. invite is used for it if not nil.
	SetCredentials(ctx context.Context, local string, creds []Credential, keep string, invite *InviteUse) error
	// AddCredential sets the credential of one hash and leaves the others and the tokens.
	AddCredential(ctx context.Context, local string, c Credential) error
	// SecretKeys returns the ids of the keys that credentials are sealed with.
	SecretKeys(ctx context.Context) ([]string, error)
	// DropCredentials removes the credentials whose key is not among these, and the tokens too.
	DropCredentials(ctx context.Context, keys []string) error
}

// DeviceStore keeps devices and their tokens.
type DeviceStore interface {
	// Device returns a device by its agent, with its account and its tokens.
	Device(ctx context.Context, local, agent string) (Account, Device, []TokenRow, error)
	// Devices returns the devices of an account, the one seen last first.
	Devices(ctx context.Context, local string) ([]Device, error)
	// UseToken records that a token was accepted. check is called with the token as it is at that
	// moment. A new token becomes the current one, and the one that was current before is gone.
	// count, if not nil, is kept with it. drop removes the token itself too.
	UseToken(ctx context.Context, id []byte, count *int64, drop bool, check func(TokenRow) error) error
	// SeeDevice records a login: it adds the device or brings it up to date (a name that is not told this
	// time stays), and removes the devices seen least recently beyond Max. A login without the password must be on a device
	// that there is. Token takes the place of the new one.
	SeeDevice(ctx context.Context, n SeenDevice) (Device, error)
	// RemoveDevice removes a device with its tokens and returns what it was.
	RemoveDevice(ctx context.Context, local, id string) (Device, error)
	// Prune deletes devices without a valid token that were last seen before, tokens that expired
	// before, invites that ended before, and names that were purged before these times.
	Prune(ctx context.Context, p PruneBefore) error
}

// SeenDevice is a device at its login.
type SeenDevice struct {
	Local string
	// ID for the device if it is new.
	ID       string
	Agent    UserAgent
	Now      time.Time
	Password bool
	// Vouched: it may be new without a password, because another device has vouched for it.
	Vouched bool
	Token   *TokenRow
	Max     int
}

// TokenRow is a FAST token as it is stored: the string itself is computed from it and a key.
type TokenRow struct {
	ID        []byte
	Key       string // of the secret
	New       bool   // issued, and not used yet
	Mechanism sasl.Mechanism
	Issued    time.Time
	Expires   time.Time
	Count     int64 // the last replay counter
}

// PruneBefore are the times for [DeviceStore].Prune.
type PruneBefore struct {
	Now, Devices, Tokens, Invites, Names time.Time
}

// InviteStore keeps invites.
type InviteStore interface {
	// CreateInvite adds an invite. check is called with the number of open invites of its creator.
	// An earlier invite to reset the same password is removed. [ErrNoCircle] if there is not each of its
	// circles.
	CreateInvite(ctx context.Context, inv Invite, check func(open int) error) error
	// FirstInvite adds the invite for the first administrator, or returns [ErrNotFirst] if there
	// is an account. If there is such an invite and keep says so, that one stays and is returned;
	// otherwise it is removed.
	FirstInvite(ctx context.Context, inv Invite, keep func(Invite) bool) (Invite, error)
	// InviteByHash finds an invite by the hash of its token.
	InviteByHash(ctx context.Context, hash []byte) (Invite, error)
	// Invites returns the invites of a creator, or all for nil, newest first.
	Invites(ctx context.Context, creator *string) ([]Invite, error)
	// RemoveInvite deletes the invite with this id of a creator, or of anyone for nil.
	RemoveInvite(ctx context.Context, creator *string, id string) error
	// UseInvite uses an invite for nothing else that is kept here.
	UseInvite(ctx context.Context, use InviteUse) (Invite, error)
}

// InviteUse is the use of an invite in the transaction of what it is used for. Where there is no
// such invite, or all of its uses are used, that fails with an [*InviteError].
type InviteUse struct {
	Hash []byte
	At   time.Time
	// Check decides about the invite as it is at that moment; accounts is the number of accounts.
	// It may keep the invite.
	Check func(inv Invite, accounts int) error
}
