package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"

	"kith/federation"
	"kith/internal/jid"
	"kith/internal/stanza"
	"kith/server/auth"
	"kith/server/listen"
	"kith/server/module"
	"kith/server/router"
)

// Here the two halves meet that do not know each other: the server, of whose routes federation is the
// last one, and federation, which brings what others send to the server's router.

// outward is the route to other servers.
type outward struct{ federation *federation.Service }

var _ router.Route = outward{}

// Take implements [router.Route].
func (o outward) Take(env *module.Envelope) bool {
	var queued func(bool)
	if env.Awaited() {
		queued = env.Queued
	}
	taken := o.federation.Send(env.Stanza, env.Accept, queued)
	if taken {
		env.Claim()
	}
	return taken
}

// inward brings what other servers send to the router, which is there before anybody is let in.
type inward struct{ router module.Router }

var _ federation.Router = (*inward)(nil)

// Route implements [federation.Router].
func (i *inward) Route(st *stanza.Stanza, accepted func()) {
	i.router.Route(module.NewEnvelope(st, accepted))
}

// guard tells federation what it must know of accounts.
type guard struct {
	data     *data
	accounts *auth.Service
}

var _ federation.Guard = guard{}

// Known implements [federation.Guard].
func (g guard) Known(ctx context.Context, local string, contact jid.JID) (bool, error) {
	return g.data.db.Federation().Known(ctx, local, contact.String())
}

// Confined implements [federation.Guard].
func (g guard) Confined(ctx context.Context, local string) (bool, error) {
	a, err := g.accounts.Account(ctx, local)
	if errors.Is(err, auth.ErrNotFound) {
		return false, nil
	}
	return a.Role == auth.RoleLimited, err
}

// newFederation makes the federation of a server. It does nothing of itself until it is started.
func newFederation(ctx context.Context, o *options, d *data, accounts *auth.Service, to federation.Router, deps federation.Deps) (*federation.Service, error) {
	deps.Domain, deps.Hosts = d.domain, hosts(o, d.domain)
	deps.Router, deps.Store = to, d.db.Federation()
	if accounts != nil {
		deps.Guard = guard{d, accounts}
	}
	// Where nobody can connect, nobody expects that strangers are written to, unless it was said.
	deps.Local = o.program.secluded() || !o.listen.S2S.Enabled() && !o.listen.S2STLS.Enabled()
	return federation.New(ctx, o.federation, deps)
}

// hosts says which domains this server speaks for: its own, those of its groups and files, and those of the
// components beside it. It is asked for each stanza.
func hosts(o *options, domain string) func(string) bool {
	groups, files := o.server.Groups.Subdomain+"."+domain, o.server.Upload.Subdomain+"."+domain
	return func(d string) bool {
		if d == domain || d == groups || d == files {
			return true
		}
		_, ok := o.server.Components.Secrets[d]
		return ok
	}
}

// federate is newFederation with the certificates that others shall see.
func federate(ctx context.Context, p parts, to federation.Router) (*federation.Service, error) {
	config, err := federationTLS(p)
	if err != nil {
		return nil, err
	}
	if config != nil && p.options.listen.S2S.Enabled() {
		checkCertificates(p, config)
	}
	return newFederation(ctx, p.options, p.data, p.accounts, to, federation.Deps{TLS: config, Clock: p.clock, Log: p.log})
}

// federationTLS has the certificate of the server and those of [federation.Config.Certificates], chosen by the
// name that is asked for.
func federationTLS(p parts) (*tls.Config, error) {
	if p.tls == nil {
		return nil, nil
	}
	type certificate struct {
		*listen.Certificates
		get func(*tls.ClientHelloInfo) (*tls.Certificate, error)
	}
	var more []certificate
	for _, pair := range p.options.federation.Certificates {
		cert, key, _ := strings.Cut(pair, ":")
		c, err := listen.FromFiles(cert, key, "", p.clock, p.log)
		if err != nil {
			return nil, fmt.Errorf("federation.certificates: %w", err)
		}
		more = append(more, certificate{c, c.Config().GetCertificate})
	}
	config := p.tls.Clone()
	own := config.GetCertificate
	config.GetCertificate = func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		for _, c := range more {
			if hello.ServerName != "" && c.Leaf().VerifyHostname(hello.ServerName) == nil {
				return c.get(hello)
			}
		}
		return own(hello)
	}
	return config, nil
}

// checkCertificates warns if other servers will not let the groups of this one in, or a component, which
// nobody would notice at home.
func checkCertificates(p parts, config *tls.Config) {
	missing := func(domain string) bool {
		cert, err := config.GetCertificate(&tls.ClientHelloInfo{ServerName: domain})
		return err == nil && cert.Leaf != nil && cert.Leaf.VerifyHostname(domain) != nil
	}
	if groups := p.options.server.Groups.Subdomain + "." + p.data.domain; missing(groups) {
		p.log.Warn("there is no certificate for the groups of this server; people of other servers cannot join them",
			slog.String("domain", groups))
	}
	for _, host := range slices.Sorted(maps.Keys(p.options.server.Components.Secrets)) {
		if missing(host) {
			p.log.Warn("there is no certificate for a component; people of other servers cannot reach it", slog.String("domain", host))
		}
	}
}

// accept takes connections from listeners until they are closed.
func accept(listeners []net.Listener, take func(net.Conn)) error {
	var wg sync.WaitGroup
	errs := make([]error, len(listeners))
	for i, l := range listeners {
		wg.Go(func() {
			for {
				c, err := l.Accept()
				if err != nil {
					if !errors.Is(err, net.ErrClosed) {
						errs[i] = fmt.Errorf("accept: %w", err)
					}
					return
				}
				take(c)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}
