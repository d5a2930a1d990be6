package main

import (
	"context"
	"errors"

	"kith/internal/jid"
	"kith/server/auth"
	"kith/server/pairing"
	"kith/server/web"
)

// pairs is the feature as the web server asks for it.
type pairs struct{ *pairing.Service }

var _ web.Pairing = pairs{}

// Pairing implements messenger.
func (m *xmpp) Pairing() web.Pairing { return pairs{m.Server.Pairing()} }

// Claim implements [web.Pairing].
func (p pairs) Claim(token string, agent auth.UserAgent) (web.Claim, error) {
	c, err := p.Service.Claim(token, agent)
	return web.Claim(c), webError(err)
}

// Await implements [web.Pairing].
func (p pairs) Await(ctx context.Context, token, secret string) (jid.JID, auth.Grant, error) {
	account, grant, err := p.Service.Await(ctx, token, secret)
	return account, grant, webError(err)
}

// webError puts an error of the feature into the words of the web server.
func webError(err error) error {
	switch {
	case errors.Is(err, pairing.ErrInvalid):
		return errors.Join(web.ErrLink, err)
	case errors.Is(err, pairing.ErrDenied):
		return errors.Join(web.ErrDenied, err)
	}
	return err
}
