package server

import (
	"context"

	"kith/internal/sasl"
	"kith/server/auth"
	"kith/server/c2s"
	"kith/server/module"
	"kith/server/push"
	"kith/server/router"
)

// signIn is the accounts service as the client connections see it.
type signIn struct{ auth *auth.Service }

var _ c2s.Authenticator = signIn{}

// Offer implements [c2s.Authenticator].
func (s signIn) Offer(ctx context.Context, ch sasl.Channel, from string) (c2s.Offer, error) {
	o, err := s.auth.Offer(ctx, ch, from)
	return c2s.Offer{Offer: o.Offer, Upgrades: o.Upgrades}, err
}

// Begin implements [c2s.Authenticator].
func (s signIn) Begin(a c2s.Attempt) (c2s.Authentication, error) {
	agent, err := auth.ParseUserAgent(a.Agent.ID, a.Agent.Software, a.Agent.Device)
	if err != nil {
		return nil, &sasl.Error{Condition: sasl.MalformedRequest, Cause: err}
	}
	var fast *auth.FAST
	if a.FAST != nil {
		fast = &auth.FAST{Count: a.FAST.Count, Invalidate: a.FAST.Invalidate}
	}
	x, err := s.auth.Begin(auth.Attempt{
		Mechanism: a.Mechanism, Channel: a.Channel, Offer: a.Offer, SASL2: a.SASL2, From: a.From, Remote: a.Remote,
		Agent: agent, FAST: fast,
	})
	if err != nil {
		return nil, err
	}
	return &exchange{Exchange: x, auth: s.auth}, nil
}

type exchange struct {
	*auth.Exchange
	auth    *auth.Service
	upgrade auth.Upgrade
}

// Identity implements [c2s.Authentication].
func (x *exchange) Identity() c2s.Identity {
	l := x.Login()
	return c2s.Identity{
		JID: l.JID, Password: l.Password,
		Agent: c2s.UserAgent{ID: l.Agent.ID, Software: l.Agent.Software, Device: l.Agent.Device},
	}
}

// BeginUpgrade implements [c2s.Authentication].
func (x *exchange) BeginUpgrade(h sasl.Hash) (salt []byte, iterations int, err error) {
	x.upgrade, err = x.auth.BeginUpgrade(h)
	return x.upgrade.Salt, x.upgrade.Iterations, err
}

// FinishUpgrade implements [c2s.Authentication].
func (x *exchange) FinishUpgrade(ctx context.Context, salted []byte) error {
	return x.auth.FinishUpgrade(ctx, x.Login(), x.upgrade, salted)
}

// Finish implements [c2s.Authentication].
func (x *exchange) Finish(ctx context.Context, r c2s.FinishRequest) (c2s.Grant, error) {
	g, err := x.auth.Finish(ctx, x.Login(), r.Token)
	return c2s.Grant{Device: g.Device.ID, Token: g.Token, Expires: g.Expires}, err
}

// sessions ends sessions when the accounts service says so.
type sessions struct {
	accounts *router.Accounts
	pushes   *push.Service
}

// EndSessions implements [auth.Sessions].
func (s sessions) EndSessions(ctx context.Context, local string, end auth.End) {
	if end.Reason == auth.EndRemoved {
		s.accounts.Remove(local, module.EndRemoved)
		return
	}
	if end.Reason == auth.EndSignedOut && end.Only != "" {
		// A device that is signed out is not woken any more. Without an account there is nothing to do.
		_ = s.accounts.Do(ctx, local, func(a module.Account) { s.pushes.Forget(a, end.Only) })
	}
	why := module.EndSignedOut
	if end.Reason == auth.EndPasswordChanged {
		why = module.EndReset
	}
	s.accounts.DoLoaded(local, func(a module.Account) {
		var over []module.Session
		for session := range a.Sessions() {
			client := session.Login().Client
			if end.Only != "" && client != end.Only || end.Except != "" && client == end.Except {
				continue
			}
			over = append(over, session)
		}
		for _, session := range over {
			session.End(why)
		}
	})
}
