package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"path/filepath"
	"sync"

	"kith/federation"
	"kith/server"
	"kith/server/c2s"
	"kith/server/calls"
	"kith/server/module"
	"kith/server/router"
	"kith/server/web"
)

// xmpp is the XMPP server with what it needs of the program.
type xmpp struct {
	*server.Server
	relay  *calls.Relay
	others *federation.Service
	// localPlaintext: what does not leave this machine needs no TLS.
	localPlaintext bool
}

var _ messenger = (*xmpp)(nil)

// startMessenger starts the XMPP server, the relay for calls and what joins it to other servers.
func startMessenger(ctx context.Context, p parts) (_ messenger, err error) {
	m := &xmpp{localPlaintext: p.options.server.C2S.LocalPlaintext}
	if m.relay, err = startRelay(ctx, p); err != nil {
		return nil, err
	}
	in := &inward{}
	if m.others, err = federate(ctx, p, in); err != nil {
		return nil, errors.Join(err, m.closeRelay())
	}
	m.Server, err = server.New(ctx, p.options.server, server.Deps{
		Domain: p.data.domain, Version: buildVersion(), Store: p.data.db, Auth: p.accounts, TLS: p.tls, BaseURL: p.baseURL, Uploads: filepath.Join(p.data.dir, uploadDir),
		Relay: m.relay, RelayHost: p.options.hostOf(p.options.listen.TURN), Clock: p.clock, Log: p.log,
		Features: []module.Module{adHoc{links: operatorOfLinks{m.others}, admin: administrators(p.accounts, p.data.domain), now: p.clock.Now}},
		Routes: []func(module.Router) router.Route{func(r module.Router) router.Route {
			in.router = r
			return outward{m.others}
		}},
	})
	if err != nil {
		return nil, errors.Join(err, m.closeRelay(), m.others.Shutdown(ctx))
	}
	m.others.Start()
	return m, nil
}

// Federate implements [messenger].
func (m *xmpp) Federate(plain, direct []net.Listener) error {
	var wg sync.WaitGroup
	var starting, secure error
	wg.Go(func() { starting = accept(plain, m.others.Serve) })
	wg.Go(func() { secure = accept(direct, m.others.ServeTLS) })
	wg.Wait()
	return errors.Join(starting, secure)
}

// Accompany implements [messenger].
func (m *xmpp) Accompany(components, proxy []net.Listener) error {
	var wg sync.WaitGroup
	var beside, between error
	wg.Go(func() { beside = accept(components, m.Components().Serve) })
	wg.Go(func() { between = accept(proxy, m.Proxy().Serve) })
	wg.Wait()
	return errors.Join(beside, between)
}

// Federation implements [messenger].
func (m *xmpp) Federation() links { return operatorOfLinks{m.others} }

// WebSocket implements [messenger].
func (m *xmpp) WebSocket() http.Handler {
	return m.Server.WebSocket(m.security)
}

// BOSH implements [messenger].
func (m *xmpp) BOSH() http.Handler { return m.Server.BOSH(m.security) }

// security is what protects a request.
func (m *xmpp) security(r *http.Request) c2s.Security {
	s := m.Clients().RequestSecurity(r)
	// A web server in front may have the TLS, and then knows the client's address. That it runs
	// on this machine does not make the way to it private.
	s.Remote = web.ClientAddr(r)
	s.Channel.Confidential = web.Secure(r) || m.localPlaintext && s.Remote.IsLoopback()
	return s
}

// Shutdown implements [messenger].
func (m *xmpp) Shutdown(ctx context.Context) error {
	// Other servers last: they are told that everybody leaves.
	return errors.Join(m.closeRelay(), m.Server.Shutdown(ctx), m.others.Shutdown(ctx))
}

func (m *xmpp) closeRelay() error {
	if m.relay == nil {
		return nil
	}
	return m.relay.Close()
}
