// Package maps gives the web app the pictures that maps are made of (kith:maps:0), so that browsers talk to
// their own server alone.
//
// A client asks for a pass over XMPP, where it is signed in, and shows it with its requests over HTTP. The
// server asks the tile server that its configuration names, in its own name. It keeps pictures in memory,
// and neither counts nor logs who looked at which.
package maps

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"kith/internal/clock"
	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/internal/xmltree"
	"kith/server/module"
)

// deepest is the closest view that anybody may ask for.
const deepest = 22

// Bounds of what one account may ask for, and of what waits.
const (
	perSecond = 8
	burst     = 400
	// maxAccounts bounds how many accounts are remembered.
	maxAccounts = 10_000
	// maxWaiting is how many tiles are on their way or waiting for it.
	maxWaiting = 256
	// waitTime is how long a request waits for its tile.
	waitTime = 20 * time.Second
	// quietTime is how often the log says that the tile server gives nothing.
	quietTime = 10 * time.Minute
)

var (
	errBusy = errors.New("maps: too many tiles are being fetched")
	errRest = errors.New("maps: the tile server is left alone for a while")
)

// Options are what the service needs.
type Options struct {
	Config Config
	// Version of the program and BaseURL of its web app: by these the tile server knows who asks.
	Version, BaseURL string
	// Client makes the requests; nil for one that follows the rules of this package.
	Client *http.Client
	Clock  clock.Clock
	Log    *slog.Logger
}

// Service is the feature.
type Service struct {
	config Config
	from   template
	agent  string
	client *http.Client
	clock  clock.Clock
	log    *slog.Logger
	// key signs passes. Those of before a restart are good for nothing; clients ask for another.
	key [32]byte
	// turns has a token for each request to the tile server that may be under way.
	turns chan struct{}

	mu       sync.Mutex // guards the fields below
	tiles    *cache
	awaited  map[spot]*fetching
	accounts map[string]*rate.Limiter
	// rests is until when the tile server is left alone, and quiet until when the log says no more of it.
	rests, quiet time.Time
}

// fetching is a tile on its way, for all who asked for it.
type fetching struct {
	done chan struct{} // closed when tile and err are set
	tile *tile
	err  error
}

var _ module.Module = (*Service)(nil)

// New makes the service. Without tiles in the configuration it offers nothing.
func New(o Options) (*Service, error) {
	s := &Service{
		config: o.Config, client: o.Client, clock: o.Clock, log: o.Log, turns: make(chan struct{}, maxFetches),
		agent: fmt.Sprintf("Kith/%s (messenger; +%s)", o.Version, o.BaseURL),
		tiles: newCache(int64(o.Config.Cache)), awaited: map[spot]*fetching{}, accounts: map[string]*rate.Limiter{},
	}
	_, _ = rand.Read(s.key[:]) // it does not fail
	if s.client == nil {
		s.client = newClient()
	}
	if !s.Offered() {
		return s, nil
	}
	var err error
	s.from, err = parseTemplate(o.Config.Tiles)
	return s, err
}

// Offered reports whether there are maps.
func (s *Service) Offered() bool { return s.config.Tiles != "" }

// Register implements [module.Module].
func (s *Service) Register(r *module.Registry) {
	if !s.Offered() {
		return
	}
	r.Disco(module.OnAccount, ns.KithMaps)
	r.HandleIQ(module.OnOwn, stanza.Get, ns.KithMaps, "pass", s.give)
}

// give gives a pass, and tells what to know of the maps.
func (s *Service) give(q *module.IQ) error {
	p := pass{Account: q.Account.JID().Local(), Ends: s.clock.Now().Add(passTime)}
	sealed, err := p.seal(s.key[:])
	if err != nil {
		return fmt.Errorf("maps: pass: %w", err)
	}
	q.Result(func(w *xmltree.Writer) {
		w.Empty(ns.KithMaps, "pass", "token", sealed, "seconds", strconv.Itoa(int(passTime/time.Second)),
			"zoom", strconv.Itoa(s.config.MaxZoom), "attribution", s.config.Attribution)
	})
	return nil
}

// admit counts a request of an account, and says how long it has to wait.
func (s *Service) admit(account string, now time.Time) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.accounts[account]
	if l == nil {
		if len(s.accounts) >= maxAccounts {
			clear(s.accounts)
		}
		l = rate.NewLimiter(perSecond, burst)
		s.accounts[account] = l
	}
	r := l.ReserveN(now, 1)
	d := r.DelayFrom(now)
	if d > 0 {
		r.CancelAt(now)
	}
	return d
}

// get finds a tile here or asks for it, once for all who want it.
func (s *Service) get(ctx context.Context, k spot) (*tile, error) {
	now := s.clock.Now()
	s.mu.Lock()
	t := s.tiles.get(k)
	if t != nil && now.Before(t.until) {
		s.mu.Unlock()
		return t, nil
	}
	f := s.awaited[k]
	if f == nil {
		if err := s.mayAsk(now); err != nil {
			s.mu.Unlock()
			if t != nil && t.body != nil {
				return t, nil // old is better than none
			}
			return nil, err
		}
		f = &fetching{done: make(chan struct{})}
		s.awaited[k] = f
		// Whoever asked first may leave; the others wait on.
		go s.bring(context.WithoutCancel(ctx), k, t, f)
	}
	s.mu.Unlock()
	select {
	case <-f.done:
		return f.tile, f.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// mayAsk says why the tile server is not to be asked. s.mu is held.
func (s *Service) mayAsk(now time.Time) error {
	switch {
	case now.Before(s.rests):
		return errRest
	case len(s.awaited) >= maxWaiting:
		return errBusy
	}
	return nil
}

// bring fetches a tile when it is its turn. before: the old one, if there is one.
func (s *Service) bring(ctx context.Context, k spot, before *tile, f *fetching) {
	s.turns <- struct{}{}
	s.mu.Lock()
	rests := s.clock.Now().Before(s.rests)
	s.mu.Unlock()
	t, err := (*tile)(nil), errRest
	if !rests {
		t, err = s.fetch(ctx, k, before)
	}
	<-s.turns
	now := s.clock.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if rest := (*restError)(nil); errors.As(err, &rest) {
		s.rests = now.Add(rest.rest)
	}
	if err != nil && !rests && !now.Before(s.quiet) {
		s.quiet = now.Add(quietTime)
		s.log.LogAttrs(ctx, slog.LevelWarn, "no map from the tile server", slog.Any("error", err))
	}
	if err != nil && before != nil && before.body != nil {
		old := *before
		old.until = now.Add(staleFresh)
		t, err = &old, nil
	}
	if err == nil {
		s.tiles.put(k, t)
	}
	f.tile, f.err = t, err
	delete(s.awaited, k)
	close(f.done)
}
