package server

import (
	"context"
	"fmt"
	"time"

	"kith/internal/jid"
	"kith/internal/stanzaid"
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
	"kith/server/maps"
	"kith/server/module"
	"kith/server/muc"
	"kith/server/offline"
	"kith/server/pairing"
	"kith/server/presence"
	"kith/server/privacy"
	"kith/server/private"
	"kith/server/pubsub"
	"kith/server/push"
	"kith/server/register"
	"kith/server/roster"
	"kith/server/router"
	"kith/server/store"
	"kith/server/upload"
	"kith/server/vcard"
	"kith/server/webpush"
	"kith/server/xep"
)

// parts are what the server consists of, as far as they have state.
type parts struct {
	domain, rooms jid.JID
	ids           stanzaid.Codec
	// nodes keeps what events distributes.
	nodes *store.PubSub
	// archived keeps what archive and waiting list.
	archived *store.Archive

	people       *roster.Roster
	around       *presence.Presence
	blocks       *blocking.Blocking
	archive      *mam.Archive
	waiting      *offline.Delivery
	events       *pubsub.Service
	cards        *vcard.Feature
	strangers    *privacy.Service
	groups       *muc.Service
	circles      *circle.Service
	guards       *guardian.Service
	registration *register.Feature
	pairs        *pairing.Service
	desk         *admin.Feature
	pushes       *push.Service
	browsers     *webpush.Service
	uploads      *upload.Service
	atlas        *maps.Service
	others       *component.Service
	proxy        *bytestreams.Service
}

// newParts makes them, each with what it needs of those before it.
func newParts(ctx context.Context, cfg Config, d Deps, rtr *router.Router) (*parts, error) {
	domain, err := jid.New("", d.Domain, "")
	if err != nil {
		return nil, fmt.Errorf("server: domain: %w", err)
	}
	name := domain.Domain()
	p := &parts{domain: domain, nodes: d.Store.PubSub(), archived: d.Store.Archive()}
	key, err := p.archived.Key(ctx)
	if err != nil {
		return nil, err
	}
	if p.ids, err = stanzaid.New(key); err != nil {
		return nil, err
	}
	p.people = roster.New(name, d.Store.Roster(), d.Auth, d.Log, cfg.Roster)
	p.around = presence.New(name, p.people, p.people, d.Log, cfg.Presence)
	p.blocks = blocking.New(name, d.Store.Blocking(), p.around, d.Log, cfg.Blocking)
	p.archive = mam.New(p.archived, p.ids, name, p.people, d.Clock, d.Log, cfg.Archive)
	p.waiting = offline.New(p.archived, p.ids, name, d.Clock, d.Log, cfg.Offline)
	p.archive.Watch(p.waiting)
	p.events = pubsub.New(p.nodes, contacts{p.people, p.around}, caps.New(maxCaps, xep.CapsVer), d.Clock, d.Log, cfg.PubSub)
	p.cards = vcard.New(p.events, p.around, p.people, d.Store.VCards(), d.Log, cfg.VCard)
	p.registration = register.New(d.Auth, d.Clock)
	p.pairs = pairing.New(domain, d.Auth, rtr, d.Clock)
	p.pushes = push.New(domain, d.Store.Push(), rtr, d.Clock, d.Log)
	p.desk = admin.New(domain, d.Auth, rtr, d.Clock, d.Log, cfg.Contact)
	p.blocks.OnReport(p.desk.Report)
	if err := p.addGroups(ctx, cfg, d, rtr); err != nil {
		return nil, err
	}
	return p, p.addServices(ctx, cfg, d, rtr)
}

// addGroups makes what has to do with people who are together.
func (p *parts) addGroups(ctx context.Context, cfg Config, d Deps, rtr *router.Router) error {
	name := p.domain.Domain()
	var err error
	p.rooms, err = jid.New("", cfg.Groups.Subdomain+"."+name, "")
	if err != nil {
		return fmt.Errorf("server: address of the groups: %w", err)
	}
	p.guards, err = guardian.New(ctx, guardian.Options{
		Domain: p.domain, Groups: p.rooms, Store: d.Store.Guardians(), Accounts: d.Auth, Clock: d.Clock, Log: d.Log, Config: cfg.Limited,
	})
	if err != nil {
		return err
	}
	roles := policy{d.Auth, p.guards}
	p.circles, err = circle.New(ctx, circle.Options{
		Domain: name, Rooms: p.rooms, Store: d.Store.Circles(), Accounts: d.Auth, Admin: roles.Admin, Clock: d.Clock, Log: d.Log, Config: cfg.Circles,
	})
	if err != nil {
		return err
	}
	p.strangers = privacy.New(name, p.rooms.Domain(), d.Store.Privacy(), p.archived, p.people, d.Log)
	p.groups = muc.New(p.rooms, name, d.Store.MUC(p.archived), p.ids, rtr, roles, d.Clock, d.Log, cfg.Groups)
	return nil
}

// addServices makes what has an address of its own beside the domain and its groups.
func (p *parts) addServices(ctx context.Context, cfg Config, d Deps, rtr *router.Router) (err error) {
	name := p.domain.Domain()
	if p.proxy, err = bytestreams.New(name, d.Auth, d.Clock, cfg.Proxy); err != nil {
		return err
	}
	if p.uploads, err = newUploads(ctx, cfg.Upload, name, d); err != nil {
		return err
	}
	p.atlas, err = maps.New(maps.Options{Config: cfg.Maps, Version: d.Version, BaseURL: d.BaseURL, Clock: d.Clock, Log: d.Log})
	if err != nil {
		return err
	}
	if p.browsers, err = newWebPush(ctx, name, d); err != nil {
		return err
	}
	taken := []string{name, p.rooms.Domain(), p.uploads.Address().Domain(), p.browsers.Address().Domain(), p.proxy.Address().Domain()}
	p.others, err = component.New(cfg.Components, taken, rtr, d.Clock, d.Log)
	return err
}

// registry is the list of parts. Where several take part in one phase, they do so in this order: who is
// blocked comes to nobody's notice, and copies are made before it is decided what has to wait.
func (p *parts) registry(cfg Config, d Deps) *module.Registry {
	return module.NewRegistry(
		p.blocks,
		p.guards,
		p.strangers,
		p.pairs,
		p.people,
		p.around,
		xep.Displayed{Nodes: p.events, Log: d.Log},
		p.archive,
		xep.NewCarbons(p.ids),
		p.waiting,
		inbox.New(p.archived, p.groups, notes{p.events, p.around}, p.ids, d.Log),
		p.pushes,
		p.browsers,
		p.events,
		p.cards,
		private.New(p.events, d.Store.Private(), d.Log),
		p.groups,
		p.circles,
		p.uploads,
		p.atlas,
		&account.Feature{Auth: d.Auth, BaseURL: func() string { return d.BaseURL }, Clock: d.Clock, Push: devicePush{p.pushes}.of},
		p.registration,
		p.desk,
		p.others,
		p.proxy,
		&calls.Discovery{Relay: d.Relay, Host: d.RelayHost, Domain: p.domain},
		&xep.Disco{Contacts: p.people},
		&xep.Commands{Domain: p.domain},
		xep.Ping{},
		xep.Time{Clock: d.Clock},
		xep.Last{Clock: d.Clock, Started: d.Clock.Now()},
		xep.DataPolicy{Kept: []time.Duration{cfg.Archive.Retention, cfg.Upload.Retention}},
		xep.Version{Number: d.Version},
		describer(c2s.Describe),
		features(d.Features),
	)
}

// route puts the local addresses into the chain of routes.
func (p *parts) route(registry *module.Registry, rtr *router.Router, accounts *router.Accounts) {
	service := func(address jid.JID, at module.Module) router.Route {
		return router.NewDomain(address, module.NewRegistry(at, xep.ServiceDisco{}, xep.Ping{}), rtr)
	}
	rtr.Add(
		service(p.proxy.Address(), p.proxy.At()),
		router.NewDomain(p.domain, registry, rtr),
		service(p.uploads.Address(), p.uploads.At()),
		service(p.browsers.Address(), p.browsers.At()),
		p.groups, p.others, accounts,
	)
}

// connect gives the parts those that were made after them.
func (p *parts) connect(ctx context.Context, rtr *router.Router, accounts *router.Accounts) error {
	p.people.Connect(accounts, rtr)
	p.people.Bind(p.circles, p.guards)
	p.guards.Connect(guardian.Links{Contacts: p.people, Circles: p.circles, Actors: accounts, Rooms: rooms{p.groups}, Router: rtr})
	if err := p.guards.Settle(ctx); err != nil {
		return err
	}
	p.circles.Connect(together{p.people, p.groups, p.events, accounts, func(ctx context.Context, local string) string { return displayName(ctx, p.nodes, local) }})
	p.pushes.Heed(p.events, p.browsers.Address())
	p.groups.Notify(absentees{accounts, p.pushes, p.domain.Domain()})
	p.registration.Connect(accounts)
	return nil
}

// purgers delete what an account had, in this order.
func (p *parts) purgers(db *store.DB) []auth.Purger {
	return []auth.Purger{
		{Name: "circle", Purge: p.circles.Purge},
		{Name: "roster", Purge: p.people.Purge},
		{Name: "guardian", Purge: p.guards.Purge},
		{Name: "blocking", Purge: p.blocks.Purge},
		{Name: "privacy", Purge: p.strangers.Purge},
		{Name: "pubsub", Purge: p.nodes.RemoveAccount},
		{Name: "vcard", Purge: db.VCards().RemoveAccount},
		{Name: "push", Purge: p.pushes.Purge},
		{Name: "webpush", Purge: p.browsers.Purge},
		{Name: "private", Purge: db.Private().RemoveAccount},
		{Name: "upload", Purge: p.uploads.Purge},
		{Name: "muc", Purge: p.groups.Purge},
		{Name: "archive", Purge: p.archive.Purge},
	}
}

// features are several as one.
type features []module.Module

// Register implements [module.Module].
func (all features) Register(r *module.Registry) {
	for _, f := range all {
		f.Register(r)
	}
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
