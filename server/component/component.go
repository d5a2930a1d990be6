// Package component lets programs beside the server have domains of their own (XEP-0114): gateways to other
// networks, bots. They are trusted with everything at their domain, and with nothing else.
package component

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"slices"
	"sync"

	"kith/internal/clock"
	"kith/internal/config"
	"kith/internal/counter"
	"kith/internal/jid"
	"kith/internal/stanza"
	"kith/internal/stream"
	"kith/server/module"
)

// Config is the section [components] of the configuration file.
type Config struct {
	// Listen is where components connect, or "off". The connection is not encrypted: it should not leave
	// this machine.
	Listen config.Addr `toml:"listen" example:"localhost:5347"`
	// Secrets are the domains of the components, each with the secret that its program proves to know.
	Secrets map[string]string `toml:"secrets" example:"{ \"irc.example.org\" = \"a long secret\" }"`
}

// DefaultConfig is what a server uses that is not told otherwise.
func DefaultConfig() Config { return Config{Listen: config.Off, Secrets: map[string]string{}} }

// minSecret is how long a secret has to be.
const minSecret = 12

// Validate says which options are out of their bounds, all of them.
func (c Config) Validate() error {
	check := config.NewCheck("components")
	for _, host := range slices.Sorted(maps.Keys(c.Secrets)) {
		j, err := jid.Parse(host)
		if err != nil || !j.IsDomain() || j.Domain() != host {
			check.Add("secrets", "has %q; expected a domain in lower case, such as irc.example.org", host)
		}
		if len(c.Secrets[host]) < minSecret {
			check.Add("secrets", "has a secret for %s that is too short; it needs %d characters", host, minSecret)
		}
	}
	if c.Listen.Enabled() && len(c.Secrets) == 0 {
		check.Add("secrets", "is empty, so that nobody can connect to %s", c.Listen)
	}
	return check.Err()
}

// Counters tell what components did.
type Counters struct {
	Connected *counter.Counter // connections that proved who they are
	Refused   *counter.Counter // connections that did not
	In        *counter.Counter // stanzas of components
	Out       *counter.Counter // stanzas for them
	Bounced   *counter.Counter // stanzas for those that were not there
}

// Service is the feature, and the route to the components.
type Service struct {
	config   Config
	router   module.Router
	clock    clock.Clock
	log      *slog.Logger
	counters Counters
	buffers  stream.Buffers
	hosts    map[string]jid.JID

	ctx     context.Context
	cancel  context.CancelFunc
	running sync.WaitGroup

	mu     sync.Mutex // guards everything below
	conns  map[string]*conn
	open   map[net.Conn]struct{}
	closed bool
}

// New makes the service. taken are the domains that the server has itself.
func New(config Config, taken []string, router module.Router, c clock.Clock, log *slog.Logger) (*Service, error) {
	n := func(name string) *counter.Counter { return counter.New("component_" + name) }
	s := &Service{
		config: config, router: router, clock: c, log: log, hosts: map[string]jid.JID{},
		counters: Counters{Connected: n("connected"), Refused: n("refused"), In: n("stanzas_in"), Out: n("stanzas_out"), Bounced: n("bounced")},
		conns:    map[string]*conn{}, open: map[net.Conn]struct{}{},
	}
	for host := range config.Secrets {
		if slices.Contains(taken, host) {
			return nil, fmt.Errorf("component: the domain %s is the server's own", host)
		}
		j, err := jid.New("", host, "")
		if err != nil {
			return nil, fmt.Errorf("component: %s: %w", host, err)
		}
		s.hosts[host] = j
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s, nil
}

// Counters returns the live counters.
func (s *Service) Counters() Counters { return s.counters }

// Hosts are the domains of components.
func (s *Service) Hosts() []string { return slices.Sorted(maps.Keys(s.hosts)) }

var _ module.Module = (*Service)(nil)

// Register implements [module.Module].
func (s *Service) Register(r *module.Registry) {
	r.Implements(module.XEP{Number: 114, Name: "Jabber Component Protocol", Version: "1.6"})
	for _, host := range s.Hosts() {
		r.Item(module.Item{JID: s.hosts[host]})
	}
}

// Take implements router.Route.
func (s *Service) Take(env *module.Envelope) bool {
	host := env.Stanza.To.Domain()
	if _, ok := s.hosts[host]; !ok {
		return false
	}
	s.mu.Lock()
	c := s.conns[host]
	s.mu.Unlock()
	if c == nil || !c.send(env) {
		s.bounce(env)
	}
	return true
}

// bounce answers what cannot reach its component.
func (s *Service) bounce(env *module.Envelope) {
	s.counters.Bounced.Inc()
	st := env.Stanza
	if st.Kind != stanza.Presence || st.Type == stanza.Subscribe {
		if e := st.Fail(&stanza.Fault{Condition: stanza.ServiceUnavailable, Kind: "wait", Text: "This service is not connected at the moment."}); e != nil {
			module.Deliver(s.router, e)
		}
	}
	env.Accept()
}

// Serve takes over a connection, and returns at once.
func (s *Service) Serve(c net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		_ = c.Close()
		return
	}
	s.open[c] = struct{}{}
	s.running.Go(func() {
		s.serve(c)
		s.mu.Lock()
		delete(s.open, c)
		s.mu.Unlock()
	})
}

// Shutdown ends the streams of all components.
func (s *Service) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	s.closed = true
	for _, c := range s.conns {
		c.end(&stream.Error{Condition: stream.SystemShutdown})
	}
	s.mu.Unlock()
	done := make(chan struct{})
	go func() {
		s.running.Wait()
		close(done)
	}()
	s.cancel()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
	}
	s.mu.Lock()
	for c := range s.open {
		_ = c.Close()
	}
	s.mu.Unlock()
	<-done
	return ctx.Err()
}
