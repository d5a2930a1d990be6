// Package webpush wakes web apps whose page is closed: it is a push service of XEP-0357 for browsers, at an
// address of its own, and speaks Web Push (RFC 8030) with the services of their vendors.
//
// When a device is to be woken is decided in one place for all kinds of device, in the push feature,
// which publishes to this service as to that of any other app. Here a node is the subscription of one
// browser. What a browser gets says that there is something, and nothing else; it is encrypted all the
// same (RFC 8291), since services take nothing that is not.
//
// The cryptography is a page of code on Go's own (encrypt.go, vapid.go), which is less to trust than
// the libraries for it with what they bring along.
package webpush

import (
	"context"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	"kith/internal/clock"
	"kith/internal/counter"
	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/internal/xmltree"
	"kith/server/module"
)

const (
	// NS is that of the requests with which a web app subscribes.
	NS     = "kith:webpush:0"
	nsPush = "urn:xmpp:push:0"
)

// Subscription is where one browser is woken.
type Subscription struct {
	// Node is its name at this service. Account is whose it is, by localpart.
	Node, Account string
	// Endpoint is the address at the service of the browser's vendor (RFC 8030 section 4).
	Endpoint string
	// Key is the browser's public key, an uncompressed point on P-256, and Auth the secret of 16 bytes
	// that it shares with us (RFC 8291 section 2).
	Key, Auth []byte
	// At is when the app renewed it last.
	At time.Time
}

// Store keeps subscriptions.
type Store interface {
	// Subscription is that of a node, nil if there is none.
	Subscription(ctx context.Context, node string) (*Subscription, error)
	// Save keeps a subscription and returns its node: the one that the account has for the same endpoint
	// already, else that of s. Another account may have the same endpoint: a browser with several. Of
	// those of the account only the newest are kept, so many as most.
	Save(ctx context.Context, s Subscription, most int) (node string, err error)
	// Remove forgets a subscription of an account.
	Remove(ctx context.Context, account, node string) error
	// RemoveAccount forgets those of an account.
	RemoveAccount(ctx context.Context, account string) error
	// Sweep forgets those that were not renewed since.
	Sweep(ctx context.Context, before time.Time) error
}

// Bounds.
const (
	maxPerAccount = 20
	maxEndpoint   = 2048
	// lifetime of a subscription that its app does not renew. Apps do so whenever they start.
	lifetime = 120 * 24 * time.Hour
	// sweepEvery is how often those are looked for.
	sweepEvery = 24 * time.Hour
)

// Counters tell what became of the wake-ups.
type Counters struct {
	Sent    *counter.Counter // taken by the vendor's service
	Gone    *counter.Counter // the subscription does not exist any more
	Refused *counter.Counter // the vendor's service does not want it
	Lost    *counter.Counter // the vendor's service could not be reached, or had no time, too often
}

// Options are what the service needs.
type Options struct {
	// Domain whose people may subscribe, and which alone publishes. The service is at push.DOMAIN.
	Domain string
	// Contact is how whoever runs a vendor's service reaches whoever runs this server: an address that
	// begins with https: or mailto: (RFC 8292 section 2.1).
	Contact string
	// Seed of the key by which vendors know this server, 32 random bytes that stay the same.
	Seed  []byte
	Store Store
	// Client makes the requests; nil for one that reaches public addresses only.
	Client *http.Client
	Clock  clock.Clock
	Log    *slog.Logger
}

// Service is the push service.
type Service struct {
	opts     Options
	address  jid.JID
	domain   jid.JID
	key      *ecdsa.PrivateKey
	public   []byte
	counters Counters
	tokens   tokens

	ctx     context.Context // ends the work that is under way
	cancel  context.CancelFunc
	running sync.WaitGroup
	slots   chan struct{} // taken by requests under way

	mu     sync.Mutex // guards active and closed
	active map[string]*delivery
	closed bool
}

// New makes the service.
func New(opts Options) (*Service, error) {
	domain, err := jid.New("", opts.Domain, "")
	if err != nil {
		return nil, fmt.Errorf("webpush: domain: %w", err)
	}
	address, err := jid.New("", "push."+opts.Domain, "")
	if err != nil {
		return nil, fmt.Errorf("webpush: address: %w", err)
	}
	key, public, err := signingKey(opts.Seed)
	if err != nil {
		return nil, err
	}
	if opts.Client == nil {
		opts.Client = outwards()
	}
	s := &Service{
		opts: opts, address: address, domain: domain, key: key, public: public,
		active: map[string]*delivery{}, slots: make(chan struct{}, maxRequests),
		counters: Counters{
			Sent: counter.New("webpush_sent"), Gone: counter.New("webpush_gone"),
			Refused: counter.New("webpush_refused"), Lost: counter.New("webpush_lost"),
		},
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s, nil
}

// Address of the service.
func (s *Service) Address() jid.JID { return s.address }

// Counters returns the live counters.
func (s *Service) Counters() Counters { return s.counters }

// Run forgets what is not used any more, until ctx ends; then it ends what is under way.
func (s *Service) Run(ctx context.Context) {
	tick := s.opts.Clock.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		if err := s.opts.Store.Sweep(ctx, s.opts.Clock.Now().Add(-lifetime)); err != nil && ctx.Err() == nil {
			s.failed("forgetting old subscriptions", err)
		}
		select {
		case <-tick.C():
		case <-ctx.Done():
			s.close()
			return
		}
	}
}

// Purge forgets the subscriptions of an account that was removed.
func (s *Service) Purge(ctx context.Context, local string) error {
	return s.opts.Store.RemoveAccount(ctx, local)
}

var _ module.Module = (*Service)(nil)

// Register implements [module.Module]: what the domain says of the service.
func (s *Service) Register(r *module.Registry) {
	r.Item(module.Item{JID: s.address, Name: "Web Push"})
}

// At is what is to be registered at the address of the service.
func (s *Service) At() module.Module { return atAddress{s} }

type atAddress struct{ *Service }

func (s atAddress) Register(r *module.Registry) {
	r.Identity(module.OnServer, module.Identity{Category: "pubsub", Type: "push", Name: "Web Push"})
	r.Disco(module.OnServer, nsPush, NS)
	r.HandleIQ(module.OnServer, stanza.Get, NS, "key", s.tellKey)
	r.HandleIQ(module.OnServer, stanza.Set, NS, "subscribe", s.subscribe)
	r.HandleIQ(module.OnServer, stanza.Set, NS, "unsubscribe", s.unsubscribe)
	r.HandleIQ(module.OnServer, stanza.Set, ns.PubSub, "pubsub", s.publish)
}

// person is the localpart of who asks, if they belong here.
func (s *Service) person(q *module.IQ) (string, error) {
	from := q.From()
	if from.Domain() != s.opts.Domain || from.Local() == "" {
		return "", stanza.Refuse(stanza.Forbidden, "Only people of this server may subscribe here.")
	}
	return from.Local(), nil
}

// tellKey tells the key that a browser ties its subscription to (RFC 8292 section 4.1).
func (s *Service) tellKey(q *module.IQ) error {
	if _, err := s.person(q); err != nil {
		return err
	}
	q.Result(func(w *xmltree.Writer) { w.Element(NS, "key", base64.RawURLEncoding.EncodeToString(s.public)) })
	return nil
}

// subscribe takes what a browser gave the app (Push API section 8) and answers with the node to enable.
func (s *Service) subscribe(q *module.IQ) error {
	local, err := s.person(q)
	if err != nil {
		return err
	}
	sub, err := read(q.Payload)
	if err != nil {
		return stanza.Refuse(stanza.BadRequest, err.Error())
	}
	sub.Node, sub.Account, sub.At = rand.Text(), local, s.opts.Clock.Now()
	s.work(func() {
		node, err := s.opts.Store.Save(s.ctx, sub, maxPerAccount)
		if err != nil {
			q.Fail(err)
			return
		}
		q.Result(func(w *xmltree.Writer) { w.Empty(NS, "subscribed", "node", node) })
	}, func() { q.Fail(stanza.Refuse(stanza.ServiceUnavailable, "")) })
	return nil
}

// read is a subscription as an app sends it.
func read(e xmltree.Element) (Subscription, error) {
	sub := Subscription{Endpoint: e.Attr("endpoint")}
	u, err := url.Parse(sub.Endpoint)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.Fragment != "" || len(sub.Endpoint) > maxEndpoint {
		return sub, errors.New("the endpoint is not an address of a push service")
	}
	sub.Endpoint = u.String() // with memory of its own
	if sub.Key, err = base64.RawURLEncoding.DecodeString(e.Attr("key")); err != nil {
		return sub, errors.New("the key is not base64url")
	}
	if _, err := ecdh.P256().NewPublicKey(sub.Key); err != nil {
		return sub, errors.New("the key is not a point on P-256")
	}
	if sub.Auth, err = base64.RawURLEncoding.DecodeString(e.Attr("auth")); err != nil || len(sub.Auth) != authSize {
		return sub, errors.New("the secret is not 16 bytes in base64url")
	}
	return sub, nil
}

func (s *Service) unsubscribe(q *module.IQ) error {
	local, err := s.person(q)
	if err != nil {
		return err
	}
	node := q.Payload.Attr("node")
	s.work(func() {
		if err := s.opts.Store.Remove(s.ctx, local, node); err != nil {
			q.Fail(err)
			return
		}
		q.Result(nil)
	}, func() { q.Fail(stanza.Refuse(stanza.ServiceUnavailable, "")) })
	return nil
}

// publish is told that the device of a node is to be woken (XEP-0357 section 7). It answers when the node is
// known: that the vendor's service may take its time is nobody else's business.
func (s *Service) publish(q *module.IQ) error {
	if q.From() != s.domain {
		return stanza.Refuse(stanza.Forbidden, "Only the server of an account may wake its devices.")
	}
	publish := q.Payload.Child(ns.PubSub, "publish")
	node := publish.Attr("node")
	sub, err := s.opts.Store.Subscription(s.ctx, node)
	switch {
	case err != nil:
		return err
	case sub == nil:
		return stanza.Refuse(stanza.ItemNotFound, "The browser has given up this subscription.")
	}
	// What may be of interest, or not: the browser has to show that it was woken, and makes no noise.
	quiet := !publish.Child(ns.PubSub, "item").Child(nsPush, "notification").Child(NS, "quiet").IsZero()
	s.wake(sub.Node, !quiet)
	q.Result(nil)
	return nil
}

// work does something beside, unless the service has ended.
func (s *Service) work(f, ended func()) {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		ended()
		return
	}
	s.running.Add(1)
	s.mu.Unlock()
	go func() {
		defer s.running.Done()
		f()
	}()
}

func (s *Service) close() {
	s.mu.Lock()
	s.closed = true
	for _, d := range s.active {
		if d.timer != nil {
			d.timer.Stop()
		}
	}
	s.mu.Unlock()
	s.cancel()
	s.running.Wait()
}

func (s *Service) failed(what string, err error) {
	s.opts.Log.LogAttrs(s.ctx, slog.LevelError, "web push", slog.String("what", what), slog.Any("error", err))
}
