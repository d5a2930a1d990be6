// Package pubsub makes every account a publish-subscribe service: the Personal Eventing Protocol
// (XEP-0163) over what it needs of XEP-0060. Avatars, OMEMO devices and keys, bookmarks, nicknames
// and the read state across devices live in it.
package pubsub

import (
	"context"
	"log/slog"

	"kith/internal/clock"
	"kith/internal/config"
	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/internal/xmltree"
	"kith/server/caps"
	"kith/server/module"
)

// Contacts tells what the presence of others means for access and for notifications.
type Contacts interface {
	// Subscribed reports whether the contact, a bare JID, sees the account's presence.
	Subscribed(a module.Account, contact jid.JID) bool
	// InGroup reports whether the contact is in one of these groups of the account's roster.
	InGroup(a module.Account, contact jid.JID, groups []string) bool
	// Available calls f with the last presence of every client of others that the account sees.
	Available(a module.Account, f func(presence *stanza.Stanza))
}

// Caps tells what a client announced.
type Caps interface {
	Resolve(a module.Account, presence *stanza.Stanza, done func(*caps.Set))
}

// Config is the section [pubsub] of the configuration file.
type Config struct {
	// MaxNodes is how many kinds of data, such as profile pictures, keys and bookmarks, an account may
	// publish.
	MaxNodes int `toml:"max_nodes"`
	// MaxItems is how many items there may be of one kind.
	MaxItems int `toml:"max_items"`
	// MaxBytes is about how much there may be of one kind, so that it can be read at once.
	MaxBytes config.Size `toml:"max_bytes"`
}

// Validate says which options are out of their bounds, all of them.
func (c Config) Validate() error {
	check := config.NewCheck("pubsub")
	check.Number("max_nodes", c.MaxNodes, 20, 100_000)
	check.Number("max_items", c.MaxItems, 100, 1_000_000)
	check.Size("max_bytes", c.MaxBytes, 1<<20, 1<<30)
	return check.Err()
}

// DefaultConfig is what a server uses that is not told otherwise.
func DefaultConfig() Config { return Config{MaxNodes: 500, MaxItems: 2000, MaxBytes: 4 << 20} }

// Service is the feature.
type Service struct {
	store    Store
	contacts Contacts
	caps     Caps
	clock    clock.Clock
	log      *slog.Logger
	config   Config
	registry *module.Registry

	watchers []func(a module.Account, node string)

	accounts *module.Slot[account]
	interest *module.Slot[interest]
	own      *module.Slot[ownInterest]
}

var _ module.Module = (*Service)(nil)

// New makes the feature.
func New(store Store, contacts Contacts, c Caps, clk clock.Clock, log *slog.Logger, config Config) *Service {
	return &Service{
		store: store, contacts: contacts, caps: c, clock: clk, log: log, config: config,
		accounts: module.NewSlot(func() *account { return &account{} }),
		interest: module.NewSlot(func() *interest { return &interest{seen: map[jid.JID]seen{}} }),
		own:      module.NewSlot(func() *ownInterest { return &ownInterest{} }),
	}
}

// account is what the service keeps in memory of one account: its nodes without their items.
type account struct {
	loaded bool
	nodes  map[string]*Node
}

// features of XEP-0060 section 10 that a PEP service announces.
var features = []string{
	"access-open", "access-presence", "access-roster", "access-whitelist",
	"auto-create", "auto-subscribe", "config-node", "config-node-max", "create-and-configure", "create-nodes",
	"delete-items", "delete-nodes", "filtered-notifications", "item-ids", "last-published", "meta-data",
	"modify-affiliations", "multi-items", "outcast-affiliation", "member-affiliation", "publisher-affiliation",
	"persistent-items", "presence-notifications", "presence-subscribe", "publish", "publish-options",
	"purge-nodes", "retract-items", "retrieve-affiliations", "retrieve-default", "retrieve-items", "retrieve-subscriptions", "subscribe",
}

// Register implements [module.Module].
func (s *Service) Register(r *module.Registry) {
	s.registry = r
	r.Implements(
		module.XEP{Number: 60, Name: "Publish-Subscribe", Version: "1.27.0", Note: "as far as personal eventing needs it"},
		module.XEP{Number: 163, Name: "Personal Eventing Protocol", Version: "1.2.2"},
		module.XEP{Number: 223, Name: "Persistent Storage of Private Data via PubSub", Version: "1.1.1"},
		module.XEP{Number: 172, Name: "User Nickname", Version: "1.1"},
		module.XEP{Number: 384, Name: "OMEMO Encryption", Version: "0.9.1", Note: "the server's part: device lists and bundles in personal eventing"},
	)
	r.Identity(module.OnAccount, module.Identity{Category: "pubsub", Type: "pep"})
	r.Disco(module.OnAccount, ns.PubSub)
	for _, f := range features {
		r.Disco(module.OnAccount, ns.PubSub+"#"+f)
	}
	r.DiscoNode(module.OnAccount, s.disco)
	r.HandleIQ(module.OnAccount, stanza.Get, ns.PubSub, "pubsub", s.get)
	r.HandleIQ(module.OnAccount, stanza.Set, ns.PubSub, "pubsub", s.set)
	r.HandleIQ(module.OnAccount, stanza.Get, ns.PubSubOwner, "pubsub", s.ownerGet)
	r.HandleIQ(module.OnAccount, stanza.Set, ns.PubSubOwner, "pubsub", s.ownerSet)
	r.OnSeen(s.onSeen)
	r.OnSession(module.Presented, s.onPresented)
}

// get answers requests in the namespace of subscribers.
func (s *Service) get(q *module.IQ) error {
	request := q.Payload.First()
	switch {
	case request.Is(ns.PubSub, "items"):
		return s.items(q, request)
	case request.Is(ns.PubSub, "subscriptions"):
		return s.subscriptions(q, request)
	case request.Is(ns.PubSub, "affiliations"):
		return s.ownAffiliations(q, request)
	case request.Is(ns.PubSub, "default"):
		return s.defaultConfig(q, ns.PubSub)
	}
	return unsupported("")
}

func (s *Service) set(q *module.IQ) error {
	request := q.Payload.First()
	switch {
	case request.Is(ns.PubSub, "publish"):
		return s.publish(q, request)
	case request.Is(ns.PubSub, "retract"):
		return s.retract(q, request)
	case request.Is(ns.PubSub, "create"):
		return s.create(q, request)
	case request.Is(ns.PubSub, "subscribe"):
		return s.subscribe(q, request)
	case request.Is(ns.PubSub, "unsubscribe"):
		return s.unsubscribe(q, request)
	}
	return unsupported("")
}

func (s *Service) ownerGet(q *module.IQ) error {
	if !q.Own() {
		return stanza.Refuse(stanza.Forbidden, "")
	}
	request := q.Payload.First()
	switch {
	case request.Is(ns.PubSubOwner, "default"):
		return s.defaultConfig(q, ns.PubSubOwner)
	case request.Is(ns.PubSubOwner, "configure"):
		return s.configuration(q, request)
	case request.Is(ns.PubSubOwner, "affiliations"):
		return s.affiliations(q, request)
	case request.Is(ns.PubSubOwner, "subscriptions"):
		return s.subscribers(q, request)
	}
	return unsupported("")
}

func (s *Service) ownerSet(q *module.IQ) error {
	if !q.Own() {
		return stanza.Refuse(stanza.Forbidden, "")
	}
	request := q.Payload.First()
	switch {
	case request.Is(ns.PubSubOwner, "configure"):
		return s.configure(q, request)
	case request.Is(ns.PubSubOwner, "delete"):
		return s.delete(q, request)
	case request.Is(ns.PubSubOwner, "purge"):
		return s.purge(q, request)
	case request.Is(ns.PubSubOwner, "affiliations"):
		return s.affiliate(q, request)
	case request.Is(ns.PubSubOwner, "subscriptions"):
		return s.unsubscribeOthers(q, request)
	}
	return unsupported("")
}

// nodes are the nodes of the account, read from the store the first time.
func (s *Service) nodes(a module.Account) (map[string]*Node, error) {
	acc := s.accounts.Of(a.Slots())
	if acc.loaded {
		return acc.nodes, nil
	}
	list, err := s.store.Nodes(context.Background(), a.JID().Local())
	if err != nil {
		return nil, err
	}
	acc.nodes = make(map[string]*Node, len(list))
	for _, n := range list {
		acc.nodes[n.Name] = n
	}
	acc.loaded = true
	return acc.nodes, nil
}

// node is the node that a request names. Without the right to know of it, it is not there.
func (s *Service) node(q *module.IQ, name string) (*Node, error) {
	if name == "" {
		return nil, fault(stanza.BadRequest, "nodeid-required")
	}
	nodes, err := s.nodes(q.Account)
	if err != nil {
		return nil, err
	}
	n := nodes[name]
	if n == nil {
		return nil, stanza.Refuse(stanza.ItemNotFound, "")
	}
	return n, nil
}

// fault is an error with a condition of XEP-0060.
func fault(c stanza.Condition, app string) *stanza.Fault {
	return &stanza.Fault{Condition: c, App: app, AppNS: ns.PubSubErrors}
}

func unsupported(feature string) *stanza.Fault {
	f := stanza.Refuse(stanza.FeatureNotImplemented, "")
	if feature != "" {
		f.App, f.AppNS = "unsupported", ns.PubSubErrors
		f.AppAttrs = []string{"feature", feature}
	}
	return f
}

func reply(q *module.IQ, fill func(*xmltree.Writer)) {
	q.Result(func(w *xmltree.Writer) {
		w.Open(ns.PubSub, "pubsub")
		fill(w)
		w.Close()
	})
}
