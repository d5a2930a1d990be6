package main

import (
	"context"
	"errors"
	"net/http"
	"path/filepath"

	"kith/server"
	"kith/server/c2s"
	"kith/server/calls"
	"kith/server/web"
)

// xmpp is the XMPP server with what it needs of the program.
type xmpp struct {
	*server.Server
	relay *calls.Relay
	// localPlaintext: what does not leave this machine needs no TLS.
	localPlaintext bool
}

var _ messenger = (*xmpp)(nil)

// startMessenger starts the XMPP server and the relay for calls.
func startMessenger(ctx context.Context, p parts) (_ messenger, err error) {
	m := &xmpp{localPlaintext: p.options.server.C2S.LocalPlaintext}
	if m.relay, err = startRelay(ctx, p); err != nil {
		return nil, err
	}
	m.Server, err = server.New(ctx, p.options.server, server.Deps{
		Domain: p.data.domain, Version: buildVersion(), Store: p.data.db, Auth: p.accounts, TLS: p.tls, BaseURL: p.baseURL, Uploads: filepath.Join(p.data.dir, uploadDir),
		Relay: m.relay, RelayHost: p.options.hostOf(p.options.listen.TURN), Clock: p.clock, Log: p.log,
	})
	if err != nil {
		return nil, errors.Join(err, m.closeRelay())
	}
	return m, nil
}

// WebSocket implements [messenger].
func (m *xmpp) WebSocket() http.Handler {
	return m.Server.WebSocket(func(r *http.Request) c2s.Security {
		s := m.Clients().RequestSecurity(r)
		// A web server in front may have the TLS, and then knows the client's address. That it runs
		// on this machine does not make the way to it private.
		s.Remote = web.ClientAddr(r)
		s.Channel.Confidential = web.Secure(r) || m.localPlaintext && s.Remote.IsLoopback()
		return s
	})
}

// Shutdown implements [messenger].
func (m *xmpp) Shutdown(ctx context.Context) error {
	return errors.Join(m.closeRelay(), m.Server.Shutdown(ctx))
}

func (m *xmpp) closeRelay() error {
	if m.relay == nil {
		return nil
	}
	return m.relay.Close()
}
