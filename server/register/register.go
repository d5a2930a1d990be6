// Package register is in-band registration (XEP-0077): people make an account from their app, by
// invitation only (XEP-0445), and change its password and remove it there.
//
// The password crosses the wire as the protocol has it, inside TLS. It is turned into verifiers
// outside of every actor, and by few at a time.
package register

import (
	"context"
	"errors"
	"runtime"
	"time"

	"golang.org/x/time/rate"

	"kith/internal/clock"
	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/internal/throttle"
	"kith/internal/xmltree"
	"kith/server/auth"
	"kith/server/module"
)

// What one address may do before anybody has signed in: look at invitations and make accounts.
const (
	lookRate    = rate.Limit(1) // a second
	lookBurst   = 60
	createRate  = rate.Limit(1.0 / 20)
	createBurst = 20
)

// Accounts runs functions in the actors of accounts.
type Accounts interface {
	Do(ctx context.Context, local string, f func(module.Account)) error
}

// Feature answers the requests.
type Feature struct {
	auth     *auth.Service
	clock    clock.Clock
	accounts Accounts

	looks, creates *throttle.Throttle
	// working bounds how many passwords are turned into verifiers at a time, so that processors
	// are left for those who have an account.
	working chan struct{}
	tickets *module.Slot[ticket]
	changes *module.Slot[change]
}

var _ module.Module = (*Feature)(nil)

// New makes the feature. Connect must be called before anything is served.
func New(a *auth.Service, c clock.Clock) *Feature {
	return &Feature{
		auth: a, clock: c,
		looks: throttle.New(lookRate, lookBurst), creates: throttle.New(createRate, createBurst),
		working: make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2)),
		tickets: module.NewSlot(func() *ticket { return &ticket{} }),
		changes: module.NewSlot(func() *change { return &change{} }),
	}
}

// Connect gives the feature the accounts, which are made after it.
func (f *Feature) Connect(accounts Accounts) { f.accounts = accounts }

// nsInvite is what XEP-0445 was announced by before it had a number; some apps look for that alone.
const nsInvite = "urn:xmpp:invite"

// Register implements [module.Module].
func (f *Feature) Register(r *module.Registry) {
	r.Implements(
		module.XEP{Number: 77, Name: "In-Band Registration", Version: "2.4", Note: "registration by invitation only"},
		module.XEP{Number: 445, Name: "Pre-Authenticated In-Band Registration", Version: "0.2.0"},
	)
	r.Offer(module.Feature{Early: func(w *xmltree.Writer) {
		w.Empty(nsInvite, "register")
		w.Empty(ns.IBRToken, "register")
		w.Empty(ns.RegisterFeature, "register")
	}})
	r.HandleIQ(module.OnStranger, stanza.Set, ns.PARS, "preauth", f.preauth)
	r.HandleIQ(module.OnStranger, stanza.Get, ns.Register, "query", f.form)
	r.HandleIQ(module.OnStranger, stanza.Set, ns.Register, "query", f.create)

	r.Disco(module.OnServer, ns.Register)
	for _, typ := range []stanza.Type{stanza.Get, stanza.Set} {
		r.HandleIQ(module.OnOwn, typ, ns.Register, "query", f.own)
		r.HandleIQ(module.OnServer, typ, ns.Register, "query", f.atServer)
	}
}

// refusal is what an error of the accounts service means to the client; nil for nil.
func refusal(err error) error {
	var input *auth.InputError
	switch {
	case errors.As(err, &input):
		return &stanza.Fault{Condition: stanza.NotAcceptable, Text: input.Text, Cause: err}
	case errors.Is(err, auth.ErrExists):
		return &stanza.Fault{Condition: stanza.Conflict, Text: "This name is taken.", Cause: err}
	case errors.Is(err, auth.ErrInviteInvalid):
		return invalidToken(err)
	case errors.Is(err, auth.ErrLastAdmin):
		return &stanza.Fault{
			Condition: stanza.NotAllowed, Cause: err,
			Text: "This is the last administrator of the server. Make somebody else one first.",
		}
	case errors.Is(err, auth.ErrNotFound):
		return &stanza.Fault{Condition: stanza.RegistrationRequired, Cause: err}
	}
	return err
}

func invalidToken(err error) error {
	text := "This invitation is not valid."
	var invite *auth.InviteError
	if errors.As(err, &invite) {
		switch invite.Reason {
		case auth.InviteExpired:
			text = "This invitation has expired."
		case auth.InviteUsedUp:
			text = "This invitation has been used already."
		case auth.InviteNotThis:
			text = "This invitation is not for a new account."
		case auth.InviteUnknown:
		}
	}
	return &stanza.Fault{Condition: stanza.ItemNotFound, Text: text, Cause: err}
}

// tooOften is the answer to an address that has to wait.
func tooOften(wait time.Duration) error {
	return stanza.Refuse(stanza.ResourceConstraint, "Too many attempts; please try again in "+wait.Round(time.Second).String()+".")
}

// derive turns a password into verifiers, when it is its turn.
func (f *Feature) derive(local, password string) (auth.NewCredential, error) {
	f.working <- struct{}{}
	defer func() { <-f.working }()
	return f.auth.Derive(local, password)
}
