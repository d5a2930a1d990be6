// Package archivetest puts the archive, offline delivery and carbons together, over a real database
// and behind real accounts.
package archivetest

import (
	"context"
	"log/slog"
	"sync"
	"testing"

	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/internal/stanzaid"
	"kith/server/mam"
	"kith/server/module"
	"kith/server/offline"
	"kith/server/router"
	"kith/server/router/routertest"
	"kith/server/store"
	"kith/server/store/storetest"
	"kith/server/xep"
)

// House is a server without a network that keeps messages.
type House struct {
	*routertest.House
	T        testing.TB
	DB       *store.DB
	Store    *store.Archive
	IDs      stanzaid.Codec
	Archive  *mam.Archive
	Delivery *offline.Delivery
}

// Options of a house; the zero value is a server that is not configured.
type Options struct {
	// DB is an empty one in memory of the test unless it is given.
	DB       *store.DB
	Archive  mam.Config
	Offline  offline.Config
	Contacts mam.Contacts
	// IgnoreLog is for tests in which something goes wrong; otherwise an error in the log fails them.
	IgnoreLog bool
	// Wrap may put something between the archive and the database.
	Wrap func(mam.Store) mam.Store
	// Extra are further features.
	Extra []module.Module
}

// New makes a house.
func New(t testing.TB, o Options) *House {
	t.Helper()
	if o.DB == nil {
		o.DB = storetest.Open(t)
	}
	if o.Archive == (mam.Config{}) {
		o.Archive = mam.DefaultConfig()
	}
	if o.Offline == (offline.Config{}) {
		o.Offline = offline.DefaultConfig()
	}
	h := &House{T: t, DB: o.DB, Store: o.DB.Archive()}
	key, err := h.Store.Key(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if h.IDs, err = stanzaid.New(key); err != nil {
		t.Fatal(err)
	}
	log := slog.New(testLog{t})
	if o.IgnoreLog {
		log = slog.New(slog.DiscardHandler)
	}
	clock := &lateClock{}
	var ms mam.Store = h.Store
	if o.Wrap != nil {
		ms = o.Wrap(ms)
	}
	h.Archive = mam.New(ms, h.IDs, routertest.Domain, o.Contacts, clock, log, o.Archive)
	h.Delivery = offline.New(h.Store, h.IDs, routertest.Domain, clock, log, o.Offline)
	h.Archive.Watch(h.Delivery)
	modules := append([]module.Module{presence{}, h.Archive, xep.NewCarbons(h.IDs), h.Delivery}, o.Extra...)
	h.House = routertest.New(t, modules...)
	clock.Fake = h.Clock
	t.Cleanup(func() {
		if err := h.Delivery.Close(context.Background()); err != nil {
			t.Errorf("close delivery: %v", err)
		}
	})
	return h
}

// ID is the stanza-id that the archive of an account gave to a message, "" if it gave none.
func (h *House) ID(local string, st *stanza.Stanza) string {
	return h.Owner(local).Find(st.Root())
}

// Owner is the codec of an account's archive.
func (h *House) Owner(local string) stanzaid.Owner {
	return h.IDs.Owner(jid.Must(local + "@" + routertest.Domain))
}

// presence is as much of the presence feature as the archive needs.
type presence struct{}

func (presence) Register(r *module.Registry) {
	r.OnPresence(func(p *module.Passage) {
		if p.Direction != module.Outgoing || !p.Stanza.To.IsZero() {
			return
		}
		if p.Stanza.Type == stanza.Unavailable {
			r.Emit(module.BecameUnavailable, p.Account, p.Session)
			p.Session.SetPresence(nil)
			return
		}
		initial := p.Session.Presence() == nil
		p.Session.SetPresence(p.Stanza)
		if initial {
			r.Emit(module.BecameAvailable, p.Account, p.Session)
		}
		r.Emit(module.Presented, p.Account, p.Session)
	})
}

// Client is a client whose acknowledgements the test decides on.
type Client struct {
	JID     jid.JID
	Session *router.Session

	mu      sync.Mutex // guards the fields below
	all     []*stanza.Stanza
	unacked []unacked
	acked   []*stanza.Stanza
	manual  bool
	gone    bool
}

type unacked struct {
	st        *stanza.Stanza
	delivered func()
}

var _ router.Stream = (*Client)(nil)

// Connect binds a client that acknowledges everything at once, or, with manual, when it is told to.
func (h *House) Connect(local, resource string, manual bool) *Client {
	h.T.Helper()
	h.Add(local)
	full, err := jid.New(local, routertest.Domain, resource)
	if err != nil {
		h.T.Fatal(err)
	}
	c := &Client{JID: full, manual: manual}
	c.Session, err = h.Accounts.Bind(context.Background(), full, c, module.Login{}, nil)
	if err != nil {
		h.T.Fatal(err)
	}
	return c
}

// Deliver implements [router.Stream].
func (c *Client) Deliver(st *stanza.Stanza, delivered func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gone {
		return
	}
	c.all = append(c.all, st)
	c.unacked = append(c.unacked, unacked{st, delivered})
	if !c.manual {
		go c.Ack(-1)
	}
}

// Attached implements [router.Stream].
func (c *Client) Attached() bool { return true }

// Unacknowledged implements [router.Stream].
func (c *Client) Unacknowledged() (out []*stanza.Stanza) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, u := range c.unacked {
		out = append(out, u.st)
	}
	return out
}

// Ack acknowledges the first n stanzas that are not, all for a negative n, and returns how many.
func (c *Client) Ack(n int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gone {
		return 0
	}
	if n < 0 || n > len(c.unacked) {
		n = len(c.unacked)
	}
	for _, u := range c.unacked[:n] {
		if u.delivered != nil {
			u.delivered()
		}
		c.acked = append(c.acked, u.st)
	}
	c.unacked = c.unacked[n:]
	return n
}

// End implements [router.Stream].
func (c *Client) End(module.EndReason) { c.Leave() }

// Leave ends the session without a word.
func (c *Client) Leave() {
	c.mu.Lock()
	c.gone = true
	c.mu.Unlock()
	c.Session.Unbind()
}

// Undelivered implements [router.Stream].
func (c *Client) Undelivered() []*stanza.Stanza {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.gone = true
	out := make([]*stanza.Stanza, 0, len(c.unacked))
	for _, u := range c.unacked {
		out = append(out, u.st)
	}
	c.unacked = nil
	return out
}

// Acked is everything that was acknowledged so far.
func (c *Client) Acked() []*stanza.Stanza {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]*stanza.Stanza(nil), c.acked...)
}

// All is everything that was delivered so far.
func (c *Client) All() []*stanza.Stanza {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]*stanza.Stanza(nil), c.all...)
}

// Take is everything that was delivered since the last call.
func (c *Client) Take() []*stanza.Stanza {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := c.all
	c.all = nil
	return out
}

// Send is a stanza of the client. The channel is closed when the server has taken responsibility.
func (c *Client) Send(t testing.TB, xml string) <-chan struct{} {
	t.Helper()
	st := routertest.Parse(t, xml).With(func(h *stanza.Header) {
		h.From = c.JID
		if h.Kind != stanza.Presence && h.To.IsZero() {
			h.To = c.JID.Bare()
		}
	})
	accepted := make(chan struct{})
	c.Session.Receive(st, func() { close(accepted) })
	return accepted
}

// Bodies are the bodies of messages, those of carbons and results of the archive not among them.
func Bodies(all []*stanza.Stanza) []string {
	var out []string
	for _, st := range all {
		if st.Kind == stanza.Message && !st.Child(ns.Client, "body").IsZero() {
			out = append(out, st.Body())
		}
	}
	return out
}
