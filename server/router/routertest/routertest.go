// Package routertest puts real accounts, with the features under test, behind streams that record
// what a client would have received.
//
// Tests that also have to show that something does not arrive run in a bubble of testing/synctest,
// where [House.Settle] waits until everything has come to rest.
package routertest

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"kith/internal/clock"
	"kith/internal/counter"
	"kith/internal/jid"
	"kith/internal/stanza"
	"kith/server/module"
	"kith/server/router"
)

// Domain is that of every house.
const Domain = "kith.example"

// Start is what the clock of a house shows at first.
var Start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// House is a server without a network.
type House struct {
	t        testing.TB
	Registry *module.Registry
	Router   *router.Router
	Accounts *router.Accounts
	Clock    *clock.Fake
	// Overflow counts what found the mailbox of an account full.
	Overflow *counter.Counter
	// Away is what was sent to other servers.
	Away *Inbox

	people *people
}

// New makes a house with these features, and with an account for everyone who is bound.
func New(t testing.TB, modules ...module.Module) *House {
	return NewConfig(t, router.DefaultConfig(), modules...)
}

// NewConfig is New with a configuration of the accounts.
func NewConfig(t testing.TB, config router.Config, modules ...module.Module) *House {
	h := &House{
		t: t, Registry: module.NewRegistry(modules...), Router: &router.Router{}, Clock: clock.NewFake(Start),
		Overflow: counter.New("account_mailbox_full"), Away: &Inbox{}, people: &people{exist: map[string]bool{}},
	}
	h.Accounts = router.NewAccounts(Domain, h.Registry, h.Router, h.people, h.Clock, slog.New(slog.DiscardHandler), h.Overflow, config)
	h.Router.Add(router.NewDomain(jid.Must(Domain), h.Registry, h.Router), h.Accounts, away{h.Away})
	t.Cleanup(func() {
		if err := h.Accounts.Close(context.Background()); err != nil {
			t.Errorf("close accounts: %v", err)
		}
	})
	return h
}

// people implements [router.Directory].
type people struct {
	mu    sync.Mutex // guards exist
	exist map[string]bool
}

func (p *people) Exists(_ context.Context, local string) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.exist[local], nil
}

func (p *people) set(local string, exists bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.exist[local] = exists
}

// Add makes accounts.
func (h *House) Add(locals ...string) {
	for _, l := range locals {
		h.people.set(l, true)
	}
}

// Remove removes an account.
func (h *House) Remove(local string) {
	h.people.set(local, false)
	h.Accounts.Remove(local, module.EndRemoved)
}

// Settle waits until nothing moves any more. It may be called only in a bubble of testing/synctest.
func (h *House) Settle() { synctest.Wait() }

// Receive is a stanza from another server. The channel is closed when it was accepted.
func (h *House) Receive(xml string) <-chan struct{} {
	h.t.Helper()
	accepted := make(chan struct{})
	h.Router.Route(module.NewEnvelope(Parse(h.t, xml), func() { close(accepted) }))
	return accepted
}

// Do runs f in the actor of an account and waits for it.
func (h *House) Do(local string, f func(module.Account)) {
	h.t.Helper()
	done := make(chan struct{})
	err := h.Accounts.Do(context.Background(), local, func(a module.Account) {
		defer close(done)
		f(a)
	})
	if err != nil {
		h.t.Fatalf("account %s: %v", local, err)
	}
	<-done
}

// Bind makes a session for "local/resource", and the account if there is none.
func (h *House) Bind(who string) *Client {
	h.t.Helper()
	return h.SignIn(who, module.Login{At: h.Clock.Now()})
}

// SignIn is Bind for a client that signed in like this.
func (h *House) SignIn(who string, login module.Login) *Client {
	h.t.Helper()
	local, resource, _ := strings.Cut(who, "/")
	h.Add(local)
	full, err := jid.New(local, Domain, resource)
	if err != nil {
		h.t.Fatal(err)
	}
	c := &Client{t: h.t, JID: full, ended: make(chan struct{})}
	c.Session, err = h.Accounts.Bind(context.Background(), full, c, login, nil)
	if err != nil {
		h.t.Fatalf("bind %s: %v", full, err)
	}
	return c
}

// Parse reads a stanza.
func Parse(t testing.TB, xml string) *stanza.Stanza {
	t.Helper()
	st, err := stanza.Parse(xml)
	if err != nil {
		t.Fatalf("%s: %v", xml, err)
	}
	return st
}

// Client is the far end of a session.
type Client struct {
	Inbox
	t       testing.TB
	JID     jid.JID
	Session *router.Session

	mu      sync.Mutex // guards unacked, reason, over and away
	unacked []*stanza.Stanza
	reason  module.EndReason
	over    bool
	away    bool
	ended   chan struct{}
	// Hold makes the client acknowledge nothing from now on. It is set before anything is sent.
	Hold bool
}

var _ router.Stream = (*Client)(nil)

// Deliver implements [router.Stream].
func (c *Client) Deliver(st *stanza.Stanza, delivered func()) {
	c.Add(st)
	if c.Hold {
		c.mu.Lock()
		c.unacked = append(c.unacked, st)
		c.mu.Unlock()
		return
	}
	if delivered != nil {
		go delivered()
	}
}

// End implements [router.Stream].
func (c *Client) End(why module.EndReason) {
	c.mu.Lock()
	if !c.over {
		c.over, c.reason = true, why
		close(c.ended)
	}
	c.mu.Unlock()
	c.Session.Unbind()
}

// Attached implements [router.Stream].
func (c *Client) Attached() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.away
}

// Unacknowledged implements [router.Stream].
func (c *Client) Unacknowledged() []*stanza.Stanza {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.unacked)
}

// Detach loses the connection, and Attach brings it back; what was not acknowledged then is.
func (c *Client) Detach() {
	c.mu.Lock()
	c.away = true
	c.mu.Unlock()
	c.Session.Detached()
}

// Attach is the client that resumes its session.
func (c *Client) Attach() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.away, c.unacked = false, nil
}

// Undelivered implements [router.Stream].
func (c *Client) Undelivered() []*stanza.Stanza {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := c.unacked
	c.unacked = nil
	return out
}

// Ended waits until the server has ended the stream, and gives the reason.
func (c *Client) Ended() module.EndReason {
	c.t.Helper()
	select {
	case <-c.ended:
	case <-time.After(patience):
		c.t.Fatalf("the stream of %s was not ended", c.JID)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.reason
}

// Send is a stanza of the client, stamped as its stream would do it. The channel is closed when it
// was accepted.
func (c *Client) Send(xml string) <-chan struct{} {
	c.t.Helper()
	st := Parse(c.t, xml).With(func(h *stanza.Header) {
		h.From = c.JID
		if h.Kind != stanza.Presence && h.To.IsZero() {
			h.To = c.JID.Bare()
		}
		switch h.Type { //nolint:exhaustive // the types of RFC 6121 section 3
		case stanza.Subscribe, stanza.Subscribed, stanza.Unsubscribe, stanza.Unsubscribed:
			h.From = c.JID.Bare()
		}
	})
	accepted := make(chan struct{})
	c.Session.Receive(st, func() { close(accepted) })
	return accepted
}

// Ask sends a request and waits for its answer.
func (c *Client) Ask(xml string) *stanza.Stanza {
	c.t.Helper()
	id := Parse(c.t, xml).ID
	c.Send(xml)
	return c.Wait(c.t, "an answer to "+xml, func(st *stanza.Stanza) bool {
		return st.Kind == stanza.IQ && !st.IsRequest() && st.ID == id
	})
}

// Close ends the session as a client does that goes away for good.
func (c *Client) Close() { c.Session.Unbind() }
