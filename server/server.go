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
	"time"

	"kith/internal/clock"
	"kith/internal/counter"
	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/stanzaid"
	"kith/internal/xmltree"
	"kith/server/account"
	"kith/server/admin"
	"kith/server/auth"
	"kith/server/blocking"
	"kith/server/bytestreams"
	"kith/server/c2s"
	"kith/server/calls"
	"kith/server/caps"
	"kith/server/circle"
	"kith/server/component"
	"kith/server/guardian"
	"kith/server/inbox"
	"kith/server/mam"
	"kith/server/module"
	"kith/server/muc"
	"kith/server/offline"
	"kith/server/pairing"
	"kith/server/presence"
	"kith/server/private"
	"kith/server/pubsub"
	"kith/server/push"
	"kith/server/register"
	"kith/server/roster"
	"kith/server/router"
	"kith/server/store"
	"kith/server/upload"
	"kith/server/vcard"
	"kith/server/xep"
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
		Upload: upload.DefaultConfig(), Circles: circle.DefaultConfig(), Limited: guardian.DefaultConfig(), Contact: admin.DefaultConfig(), Components: component.DefaultConfig(), Proxy: bytestreams.DefaultConfig(),
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

// features are several as one.
type features []module.Module

// Register implements [module.Module].
func (all features) Register(r *module.Registry) {
	for _, f := range all {
		f.Register(r)
	}
}

// Server is the XMPP server.
type Server struct {
	domain   jid.JID
	log      *slog.Logger
	auth     *auth.Service
	registry *module.Registry
	router   *router.Router
	accounts *router.Accounts
	clients  *c2s.Server
	archive  *mam.Archive
	offline  *offline.Delivery
	groups   *muc.Service
	circles  *circle.Service
	guards   *guardian.Service
	pairs    *pairing.Service
	uploads  *upload.Service
	others   *component.Service
	proxy    *bytestreams.Service
	pubsub   pubsub.Store
	store    *store.DB

	stop    context.CancelFunc
	running sync.WaitGroup
}

// New makes a server. It runs, though nobody can reach it, until Shutdown.
func New(ctx context.Context, cfg Config, d Deps) (*Server, error) {
	domain, err := jid.New("", d.Domain, "")
	if err != nil {
		return nil, fmt.Errorf("server: domain: %w", err)
	}
	archiveStore := d.Store.Archive()
	key, err := archiveStore.Key(ctx)
	if err != nil {
		return nil, err
	}
	ids, err := stanzaid.New(key)
	if err != nil {
		return nil, err
	}
	name := domain.Domain()

	people := roster.New(name, d.Store.Roster(), d.Auth, d.Log, cfg.Roster)
	around := presence.New(name, people, people, d.Log, cfg.Presence)
	blocks := blocking.New(name, d.Store.Blocking(), around, d.Log, cfg.Blocking)
	archive := mam.New(archiveStore, ids, name, people, d.Clock, d.Log, cfg.Archive)
	waiting := offline.New(archiveStore, ids, name, d.Clock, d.Log, cfg.Offline)
	archive.Watch(waiting)
	nodes := d.Store.PubSub()
	groupsAt, err := jid.New("", cfg.Groups.Subdomain+"."+name, "")
	if err != nil {
		return nil, fmt.Errorf("server: address of the groups: %w", err)
	}
	rtr := &router.Router{}
	guards, err := guardian.New(ctx, guardian.Options{
		Domain: domain, Groups: groupsAt, Store: d.Store.Guardians(), Accounts: d.Auth, Clock: d.Clock, Log: d.Log, Config: cfg.Limited,
	})
	if err != nil {
		return nil, err
	}
	roles := policy{d.Auth, guards}
	circles, err := circle.New(ctx, circle.Options{
		Domain: name, Rooms: groupsAt, Store: d.Store.Circles(), Accounts: d.Auth, Admin: roles.Admin, Clock: d.Clock, Log: d.Log, Config: cfg.Circles,
	})
	if err != nil {
		return nil, err
	}
	groups := muc.New(groupsAt, name, d.Store.MUC(archiveStore), ids, rtr, roles, d.Clock, d.Log, cfg.Groups)
	events := pubsub.New(nodes, contacts{people, around}, caps.New(maxCaps, xep.CapsVer), d.Clock, d.Log, cfg.PubSub)

	registration := register.New(d.Auth, d.Clock)
	pairs := pairing.New(domain, d.Auth, rtr, d.Clock)
	cards := vcard.New(events, around, people, d.Store.VCards(), d.Log, cfg.VCard)

	pushes := push.New(domain, d.Store.Push(), rtr, d.Clock, d.Log)
	proxy, err := bytestreams.New(name, d.Auth, d.Clock, cfg.Proxy)
	if err != nil {
		return nil, err
	}
	desk := admin.New(domain, d.Auth, rtr, d.Clock, d.Log, cfg.Contact)
	blocks.OnReport(desk.Report)
	uploads, err := newUploads(ctx, cfg.Upload, name, d)
	if err != nil {
		return nil, err
	}
	browsers, err := newWebPush(ctx, name, d)
	if err != nil {
		return nil, err
	}
	taken := []string{name, groupsAt.Domain(), uploads.Address().Domain(), browsers.Address().Domain(), proxy.Address().Domain()}
	others, err := component.New(cfg.Components, taken, rtr, d.Clock, d.Log)
	if err != nil {
		return nil, err
	}

	// The list of parts. Where several take part in one phase, they do so in this order: who is
	// blocked comes to nobody's notice, and copies are made before it is decided what has to wait.
	registry := module.NewRegistry(
		blocks,
		guards,
		pairs,
		people,
		around,
		xep.Displayed{Nodes: events, Log: d.Log},
		archive,
		xep.NewCarbons(ids),
		waiting,
		inbox.New(archiveStore, groups, notes{events, around}, ids, d.Log),
		pushes,
		browsers,
		events,
		cards,
		private.New(events, d.Store.Private(), d.Log),
		groups,
		circles,
		uploads,
		&account.Feature{Auth: d.Auth, BaseURL: func() string { return d.BaseURL }, Clock: d.Clock, Push: devicePush{pushes}.of},
		registration,
		desk,
		others,
		proxy,
		&calls.Discovery{Relay: d.Relay, Host: d.RelayHost, Domain: domain},
		&xep.Disco{Contacts: people},
		&xep.Commands{Domain: domain},
		xep.Ping{},
		xep.Time{Clock: d.Clock},
		xep.Last{Clock: d.Clock, Started: d.Clock.Now()},
		xep.DataPolicy{Kept: []time.Duration{cfg.Archive.Retention, cfg.Upload.Retention}},
		xep.Version{Number: d.Version},
		describer(c2s.Describe),
		features(d.Features),
	)

	full := counter.New("account_mailbox_full")
	accounts := router.NewAccounts(name, registry, rtr, d.Auth, d.Clock, d.Log, full, router.DefaultConfig())
	atUploads := module.NewRegistry(uploads.At(), xep.ServiceDisco{}, xep.Ping{})
	atBrowsers := module.NewRegistry(browsers.At(), xep.ServiceDisco{}, xep.Ping{})
	atProxy := module.NewRegistry(proxy.At(), xep.ServiceDisco{}, xep.Ping{})
	rtr.Add(router.NewDomain(proxy.Address(), atProxy, rtr), router.NewDomain(domain, registry, rtr), router.NewDomain(uploads.Address(), atUploads, rtr),
		router.NewDomain(browsers.Address(), atBrowsers, rtr), groups, others, accounts)
	for _, route := range d.Routes {
		rtr.Add(route(rtr))
	}
	people.Connect(accounts, rtr)
	people.Bind(circles, guards)
	guards.Connect(guardian.Links{Contacts: people, Circles: circles, Actors: accounts, Rooms: rooms{groups}, Router: rtr})
	if err := guards.Settle(ctx); err != nil {
		return nil, err
	}
	circles.Connect(together{people, groups, events, accounts, func(ctx context.Context, local string) string { return displayName(ctx, nodes, local) }})
	groups.Notify(absentees{accounts, pushes, name})
	registration.Connect(accounts)

	ended, err := loadEnded(ctx, d.Store)
	if err != nil {
		return nil, err
	}
	clients, err := c2s.New(cfg.C2S, c2s.Deps{
		Domain: domain, Auth: signIn{d.Auth}, Accounts: accounts, Registry: registry, TLS: d.TLS, Clock: d.Clock, Log: d.Log,
		Ended: ended,
	})
	if err != nil {
		return nil, err
	}
	desk.Connect(accounts, clients)
	s := &Server{
		domain: domain, log: d.Log, auth: d.Auth, registry: registry, router: rtr, accounts: accounts, clients: clients,
		archive: archive, offline: waiting, groups: groups, circles: circles, guards: guards, pairs: pairs, uploads: uploads, others: others, proxy: proxy, pubsub: nodes, store: d.Store,
	}
	d.Auth.SetHooks(auth.Hooks{
		Sessions:   sessions{accounts, pushes},
		Introducer: people,
		Watchers:   []auth.Watcher{guards, circles},
		Purgers: []auth.Purger{
			{Name: "circle", Purge: circles.Purge},
			{Name: "roster", Purge: people.Purge},
			{Name: "guardian", Purge: guards.Purge},
			{Name: "blocking", Purge: blocks.Purge},
			{Name: "pubsub", Purge: nodes.RemoveAccount},
			{Name: "vcard", Purge: d.Store.VCards().RemoveAccount},
			{Name: "push", Purge: pushes.Purge},
			{Name: "webpush", Purge: browsers.Purge},
			{Name: "private", Purge: d.Store.Private().RemoveAccount},
			{Name: "upload", Purge: uploads.Purge},
			{Name: "muc", Purge: groups.Purge},
			{Name: "archive", Purge: archive.Purge},
		},
	})
	var background context.Context
	background, s.stop = context.WithCancel(context.WithoutCancel(ctx))
	s.running.Go(func() { archive.Run(background) })
	s.running.Go(func() { groups.Run(background) })
	s.running.Go(func() { circles.Run(background) })
	s.running.Go(func() { uploads.Run(background) })
	s.running.Go(func() { browsers.Run(background) })
	s.running.Go(func() { d.Auth.Run(background) })
	return s, nil
}

// maxCaps is how many kinds of client the server remembers the capabilities of.
const maxCaps = 2000

// contacts joins what the roster and the presences know.
type contacts struct {
	*roster.Roster
	*presence.Presence
}

// describer is a part that has nothing but a description.
type describer func(*module.Registry)

func (d describer) Register(r *module.Registry) { d(r) }

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
func (s *Server) Proxy() *bytestreams.Service { return s.proxy }

// Components takes the connections of components.
func (s *Server) Components() *component.Service { return s.others }

// BOSH takes those of web pages that cannot use it.
func (s *Server) BOSH(security func(*http.Request) c2s.Security) http.Handler {
	return s.clients.BOSH(security)
}

// Files answers the HTTP requests below [upload.Path]: it takes and gives the files that people send.
func (s *Server) Files() http.Handler { return s.uploads }

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
func (s *Server) Pairing() *pairing.Service { return s.pairs }

// DisplayName is how an account wants to be called (XEP-0172), "" if it did not say.
func (s *Server) DisplayName(ctx context.Context, local string) string {
	return displayName(ctx, s.pubsub, local)
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
	err := errors.Join(s.groups.Close(ctx), s.clients.Shutdown(ctx), s.others.Shutdown(ctx), s.proxy.Shutdown(ctx))
	s.stop()
	s.running.Wait()
	return errors.Join(err, s.accounts.Close(ctx), s.offline.Close(ctx), saveEnded(ctx, s.store, s.clients.Ended()))
}
