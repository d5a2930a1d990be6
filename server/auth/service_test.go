package auth_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"kith/internal/clock"
	"kith/internal/jid"
	"kith/internal/sasl"
	"kith/internal/sasl/sasltest"
	"kith/server/auth"
	"kith/server/store"
	"kith/server/store/storetest"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

const pw = "correct horse"

// world is a service on a real database.
type world struct {
	*auth.Service
	t      *testing.T
	db     *store.DB
	clock  *clock.Fake
	secret *auth.Secret
	config auth.Config
	ended  *ended
}

// ended remembers which sessions were ended.
type ended struct {
	mu  sync.Mutex // guards all
	all []string
	end []auth.End
}

func (e *ended) EndSessions(_ context.Context, local string, end auth.End) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.all = append(e.all, local)
	e.end = append(e.end, end)
}

func (e *ended) take(t *testing.T, local string, want auth.End) {
	t.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.all) != 1 || e.all[0] != local || e.end[0] != want {
		t.Fatalf("ended %v %+v, want %s %+v", e.all, e.end, local, want)
	}
	e.all, e.end = nil, nil
}

func newWorld(t *testing.T, change ...func(*auth.Config)) *world {
	t.Helper()
	w := &world{t: t, db: storetest.Open(t), clock: clock.NewFake(start), secret: auth.NewSecret(), config: auth.DefaultConfig()}
	for _, f := range change {
		f(&w.config)
	}
	w.restart()
	return w
}

// restart makes the service anew on the same database.
func (w *world) restart() {
	w.t.Helper()
	s, err := auth.New(w.t.Context(), auth.Options{
		Domain: "example.org", Config: w.config, Secret: w.secret, Store: w.db.Auth(), Clock: w.clock,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.Service, w.ended = s, &ended{}
	s.SetHooks(auth.Hooks{Sessions: w.ended})
}

// known are verifiers of pw as a client would make them, made once because that takes long.
var known = sync.OnceValues(func() ([]sasl.Verifier, error) {
	var vs []sasl.Verifier
	for _, h := range auth.DefaultConfig().Hashes {
		v, err := sasl.Derive(h, pw, sasl.NewSalt(), auth.DefaultConfig().Iterations)
		if err != nil {
			return nil, err
		}
		vs = append(vs, v)
	}
	return vs, nil
})

func (w *world) known() auth.NewCredential {
	w.t.Helper()
	vs, err := known()
	w.must(err)
	return auth.NewCredential{Verifiers: vs}
}

func (w *world) account(name string, role auth.Role) {
	w.t.Helper()
	if _, err := w.Create(w.t.Context(), name, role, w.known()); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) want(err, target error) {
	w.t.Helper()
	if !errors.Is(err, target) {
		w.t.Fatalf("%v, want %v", err, target)
	}
}

var channel = sasl.Channel{Confidential: true, Bindings: map[sasl.Binding][]byte{
	sasl.Exporter: []byte("exporter of this connection 0123"), sasl.ServerEndPoint: []byte("hash of the certificate"),
}}

// login is one try with what a client knows.
type login struct {
	mech  sasl.Mechanism
	user  string
	pass  string
	token string
	agent string
	from  string
	a     auth.Attempt
	scram sasltest.SCRAM
}

func (w *world) try(l login) (auth.Login, error) {
	w.t.Helper()
	ctx := w.t.Context()
	offer, err := w.Offer(ctx, channel, l.from)
	w.must(err)
	a := l.a
	a.Mechanism, a.SASL2 = l.mech, true
	if a.Channel.Bindings == nil && !a.Channel.Confidential {
		a.Channel = channel
	}
	if a.Offer.Mechanisms == nil {
		a.Offer = offer.Offer
	}
	if l.from != "" {
		a.From = jid.Must(l.from + "@example.org")
	}
	if l.agent != "" && a.Agent.ID == "" {
		if a.Agent, err = auth.ParseUserAgent(l.agent, "TestApp", "Phone"); err != nil {
			w.t.Fatal(err)
		}
	}
	var client sasltest.Client
	if b, ok := l.mech.Token(); ok {
		if a.FAST == nil {
			a.FAST = &auth.FAST{}
		}
		client = &sasltest.Token{User: l.user, Token: l.token, Data: channel.Bindings[b]}
	} else {
		c := l.scram
		c.Mechanism, c.User, c.Password = l.mech, l.user, l.pass
		if _, plus, _ := l.mech.Scram(); plus {
			c.Binding, c.Data = sasl.Exporter, channel.Bindings[sasl.Exporter]
		}
		if a.Offer.DowngradeHash {
			c.Offer = &a.Offer
		}
		client = &c
	}
	x, err := w.Begin(a)
	if err != nil {
		return auth.Login{}, err
	}
	if err := sasltest.Run(ctx, x, client); err != nil {
		return auth.Login{}, err
	}
	return x.Login(), nil
}

func (w *world) condition(err error, want sasl.Condition) {
	w.t.Helper()
	var e *sasl.Error
	if !errors.As(err, &e) || e.Condition != want {
		w.t.Fatalf("%v, want %s", err, want)
	}
}
