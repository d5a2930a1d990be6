// Package account is what people do with their own account over XMPP: see their role, change the
// password, look at the devices that are signed in, invite others.
package account

import (
	"context"
	"encoding/base64"
	"errors"
	"strconv"
	"time"

	"kith/internal/clock"
	"kith/internal/ns"
	"kith/internal/sasl"
	"kith/internal/stanza"
	"kith/internal/xmltree"
	"kith/server/auth"
	"kith/server/module"
)

// Feature answers the requests.
type Feature struct {
	// Auth is the accounts service.
	Auth *auth.Service
	// BaseURL is where the web app is, without a slash at its end; links of invitations begin with it.
	BaseURL func() string
	Clock   clock.Clock
	// Push lists how a device, by the id of its user agent, is woken; nil for not at all. It is called inside
	// the actor.
	Push func(a module.Account, client string) ([]Push, error)
}

// Push is one way in which a device is woken.
type Push struct {
	// Service of the app's vendor.
	Service string
	Since   time.Time
	// Failed is since when the service refuses, the zero time if it does not, and Reason its word for it.
	Failed time.Time
	Reason string
}

var _ module.Module = (*Feature)(nil)

// freshLogin is how long a proven password is good for changing it.
const freshLogin = 5 * time.Minute

// Register implements [module.Module].
func (f *Feature) Register(r *module.Registry) {
	r.Implements(
		module.XEP{Number: 379, Name: "Pre-Authenticated Roster Subscription", Version: "0.3.3"},
		module.XEP{Number: 401, Name: "Ad-hoc Account Invitation Generation", Version: "0.6.0"},
		module.XEP{Number: 494, Name: "Client Access Management", Version: "0.1.0"},
	)
	r.Disco(module.OnAccount, ns.KithAccount, ns.KithCredentials, ns.ClientAccess)
	r.HandleIQ(module.OnOwn, stanza.Get, ns.KithAccount, "account", f.describe)
	r.HandleIQ(module.OnOwn, stanza.Set, ns.KithCredentials, "credentials", f.setCredentials)
	r.HandleIQ(module.OnOwn, stanza.Get, ns.ClientAccess, "list", f.clients)
	r.HandleIQ(module.OnOwn, stanza.Set, ns.ClientAccess, "revoke", f.revoke)
	f.registerInvites(r)
}

// describe tells the web app who is signed in.
func (f *Feature) describe(q *module.IQ) error {
	a, err := f.Auth.Account(context.Background(), q.Account.JID().Local())
	if err != nil {
		return err
	}
	params := f.Auth.Params()
	invites := ""
	if f.Auth.MayInvite(a) {
		invites = "true"
	}
	q.Result(func(w *xmltree.Writer) {
		w.Empty(ns.KithAccount, "account", "role", string(a.Role), "invites", invites,
			"iterations", strconv.Itoa(params.Iterations), "min-password", strconv.Itoa(params.MinPassword))
	})
	return nil
}

// setCredentials changes the password to one that the server never sees: the client sends what
// SCRAM verifies it with. Only who has just proven the old one may do it.
func (f *Feature) setCredentials(q *module.IQ) error {
	login := q.Session.Login()
	if !login.Password || f.Clock.Now().Sub(login.At) > freshLogin {
		return stanza.Refuse(stanza.NotAuthorized, "Sign in with the current password first.")
	}
	cred := auth.NewCredential{Verifiers: []sasl.Verifier{}}
	for e := range q.Payload.Children() {
		v, err := readVerifier(e)
		if err != nil {
			return stanza.Refuse(stanza.BadRequest, err.Error())
		}
		cred.Verifiers = append(cred.Verifiers, v)
	}
	local := q.Account.JID().Local()
	err := f.Auth.SetPassword(context.Background(), local, cred, login.Client)
	switch {
	case errors.Is(err, auth.ErrVerifiers):
		return &stanza.Fault{Condition: stanza.NotAcceptable, Text: "These verifiers are not what the server asks for.", Cause: err}
	case err != nil:
		return err
	}
	q.Result(nil)
	return nil
}

func readVerifier(e xmltree.Element) (sasl.Verifier, error) {
	var v sasl.Verifier
	h, plus, ok := sasl.Mechanism(e.Attr("mechanism")).Scram()
	if !ok || plus || !e.Is(ns.KithCredentials, "verifier") {
		return v, errors.New("unknown mechanism")
	}
	iterations, err := strconv.Atoi(e.Attr("iterations"))
	if err != nil {
		return v, errors.New("iterations must be a number")
	}
	v = sasl.Verifier{Hash: h, Iterations: iterations}
	for _, part := range []struct {
		to   *[]byte
		text string
	}{
		{&v.Salt, e.Attr("salt")},
		{&v.StoredKey, e.ChildText(ns.KithCredentials, "stored-key")},
		{&v.ServerKey, e.ChildText(ns.KithCredentials, "server-key")},
	} {
		if *part.to, err = base64.StdEncoding.DecodeString(part.text); err != nil {
			return v, errors.New("not base64")
		}
	}
	return v, nil
}
