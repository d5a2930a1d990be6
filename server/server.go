// Package server puts the XMPP server together: it makes the parts, joins them where one needs
// something of another, and owns their lifetimes. What the parts do is theirs.
package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"

	"kith/internal/clock"
	"kith/internal/counter"
	"kith/internal/ns"
	"kith/internal/xmltree"
	"kith/server/admin"
	"kith/server/auth"
	"kith/server/blocking"
	"kith/server/bytestreams"
	"kith/server/c2s"
	"kith/server/calls"
	"kith/server/circle"
	"kith/server/component"
	"kith/server/guardian"
	"kith/server/mam"
	"kith/server/maps"
	"kith/server/module"
	"kith/server/muc"
	"kith/server/offline"
	"kith/server/pairing"
	"kith/server/presence"
	"kith/server/pubsub"
	"kith/server/roster"
	"kith/server/router"
	"kith/server/store"
	"kith/server/upload"
	"kith/server/vcard"
)

// Config holds the options of the parts.
type Config struct {
	C2S      c2s.Config
	Archive  mam.Config
	Offline  offline.Config
	Roster   roster.Config
	Presence presence.Config
	Blocking blocking.Config
	PubSub   pubsub.Config
	Groups   muc.Config
	VCard    vcard.Config
	Upload   upload.Config
	Maps     maps.Config
	Circles  circle.Config
	Limited  guardian.Config
	Contact  admin.Config
	// Components are programs beside the server with domains of their own.
	Components component.Config
	Proxy      bytestreams.Config
}

// DefaultConfig is what a server uses that is not told otherwise.
func DefaultConfig() Config {
	return Config{
		C2S: c2s.DefaultConfig(), Archive: mam.DefaultConfig(), Offline: offline.DefaultConfig(),
		Roster: roster.DefaultConfig(), Presence: presence.DefaultConfig(), Blocking: blocking.DefaultConfig(),
		PubSub: pubsub.DefaultConfig(), Groups: muc.DefaultConfig(), VCard: vcard.DefaultConfig(),
		Upload: upload.DefaultConfig(), Maps: maps.DefaultConfig(), Circles: circle.DefaultConfig(), Limited: guardian.DefaultConfig(), Contact: admin.DefaultConfig(), Components: component.DefaultConfig(), Proxy: bytestreams.DefaultConfig(),
	}
}

// Deps are what a server is given.
type Deps struct {
	// Domain that is served.
	Domain string
	// Version of the program.
	Version string
	Store   *store.DB
	Auth    *auth.Service
	// TLS has the certificate, nil for no TLS.
	TLS *tls.Config
	// BaseURL is where the web app is, without a slash at its end.
	BaseURL string
	// Uploads is the directory that keeps the files which people send.
	Uploads string
	// Relay is the STUN and TURN server and RelayHost the name it is reached by; nil for none.
	Relay     *calls.Relay
	RelayHost string
	// WebPush makes the requests to the services that wake browsers; nil for one that reaches public
	// addresses only.
	WebPush *http.Client
	// Routes come after the local ones: groups, federation.
	Routes []func(module.Router) router.Route
	// Features are those that are not made of what is here, such as commands about other servers.
	Features []module.Module
	Clock    clock.Clock
	Log      *slog.Logger
}

// Server is the XMPP server.
type Server struct {
	parts    *parts
	registry *module.Registry
	router   *router.Router
	accounts *router.Accounts
	clients  *c2s.Server
	store    *store.DB

	stop    context.CancelFunc
	running sync.WaitGroup
}

// New makes a server. It runs, though nobody can reach it, until Shutdown.
func New(ctx context.Context, cfg Config, d Deps) (*Server, error) {
	rtr := &router.Router{}
	p, err := newParts(ctx, cfg, d, rtr)
	if err != nil {
		return nil, err
	}
	registry := p.registry(cfg, d)
	full := counter.New("account_mailbox_full")
	accounts := router.NewAccounts(p.domain.Domain(), registry, rtr, d.Auth, d.Clock, d.Log, full, router.DefaultConfig())
	p.route(registry, rtr, accounts)
	for _, route := range d.Routes {
		rtr.Add(route(rtr))
	}
	if err := p.connect(ctx, rtr, accounts); err != nil {
		return nil, err
	}
	ended, err := loadEnded(ctx, d.Store)
	if err != nil {
		return nil, err
	}
	clients, err := c2s.New(cfg.C2S, c2s.Deps{
		Domain: p.domain, Auth: signIn{d.Auth}, Accounts: accounts, Registry: registry, TLS: d.TLS, Clock: d.Clock, Log: d.Log,
		Ended: ended,
	})
	if err != nil {
		return nil, err
	}
	p.desk.Connect(accounts, clients)
	d.Auth.SetHooks(auth.Hooks{
		Sessions:   sessions{accounts, p.pushes},
		Introducer: p.people,
		Watchers:   []auth.Watcher{p.guards, p.circles},
		Purgers:    p.purgers(d.Store),
	})
	s := &Server{parts: p, registry: registry, router: rtr, accounts: accounts, clients: clients, store: d.Store}
	var background context.Context
	background, s.stop = context.WithCancel(context.WithoutCancel(ctx))
	for _, run := range []func(context.Context){p.archive.Run, p.groups.Run, p.circles.Run, p.uploads.Run, p.browsers.Run, d.Auth.Run} {
		s.running.Go(func() { run(background) })
	}
	return s, nil
}

// Registry has what the server consists of, for documents.
func (s *Server) Registry() *module.Registry { return s.registry }

// Router takes stanzas from outside: from other servers.
func (s *Server) Router() module.Router { return s.router }

// Accounts are the local accounts.
func (s *Server) Accounts() *router.Accounts { return s.accounts }

// Clients takes the connections of clients.
func (s *Server) Clients() *c2s.Server { return s.clients }

// WebSocket takes those of browsers.
func (s *Server) WebSocket(security func(*http.Request) c2s.Security) http.Handler {
	return s.clients.WebSocket(security)
}

// Proxy takes the connections of those who send each other files (XEP-0065).
func (s *Server) Proxy() *bytestreams.Service { return s.parts.proxy }

// Components takes the connections of components.
func (s *Server) Components() *component.Service { return s.parts.others }

// BOSH takes those of web pages that cannot use it.
func (s *Server) BOSH(security func(*http.Request) c2s.Security) http.Handler {
	return s.clients.BOSH(security)
}

// Files answers the HTTP requests below [upload.Path]: it takes and gives the files that people send.
func (s *Server) Files() http.Handler { return s.parts.uploads }

// Maps answers the HTTP requests below [maps.Path]: it gives the pictures of maps. It is nil if there are none.
func (s *Server) Maps() http.Handler {
	if !s.parts.atlas.Offered() {
		return nil
	}
	return s.parts.atlas
}

// Serve takes connections from listeners, plain ones that become encrypted by STARTTLS and direct ones
// that begin with TLS, until they are closed.
func (s *Server) Serve(plain, direct []net.Listener) error {
	var wg sync.WaitGroup
	errs := make([]error, len(plain)+len(direct))
	for i, l := range append(append([]net.Listener{}, plain...), direct...) {
		take := s.clients.Serve
		if i >= len(plain) {
			take = s.clients.ServeTLS
		}
		wg.Go(func() {
			for {
				c, err := l.Accept()
				if errors.Is(err, net.ErrClosed) {
					return
				}
				if err != nil {
					errs[i] = fmt.Errorf("server: accept: %w", err)
					return
				}
				take(c)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// Pairing signs in devices that others vouch for.
func (s *Server) Pairing() *pairing.Service { return s.parts.pairs }

// DisplayName is how an account wants to be called (XEP-0172), "" if it did not say.
func (s *Server) DisplayName(ctx context.Context, local string) string {
	return displayName(ctx, s.parts.nodes, local)
}

func displayName(ctx context.Context, nodes pubsub.Store, local string) string {
	items, err := nodes.Items(ctx, local, ns.Nick, nil, 1)
	if err != nil || len(items) == 0 || items[0].Payload == "" {
		return ""
	}
	e, err := xmltree.Parse(items[0].Payload, xmltree.Limits{Bytes: 1 << 12, Elements: 4, Depth: 2, Attrs: 4}, xmltree.Scope{})
	if err != nil || !e.Is(ns.Nick, "nick") {
		return ""
	}
	return e.Text()
}

// Shutdown ends all streams with system-shutdown, finishes what was accepted and stores what is
// under way. The database can be closed afterwards.
func (s *Server) Shutdown(ctx context.Context) error {
	// Rooms first: the presence of the sessions that end would tell them that everybody leaves.
	err := errors.Join(s.parts.groups.Close(ctx), s.clients.Shutdown(ctx), s.parts.others.Shutdown(ctx), s.parts.proxy.Shutdown(ctx))
	s.stop()
	s.running.Wait()
	return errors.Join(err, s.accounts.Close(ctx), s.parts.waiting.Close(ctx), saveEnded(ctx, s.store, s.clients.Ended()))
}
