package federation

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"kith/internal/clock"
	"kith/internal/jid"
	"kith/internal/mailbox"
	"kith/internal/peer"
	"kith/internal/stanza"
	"kith/internal/stream"
)

// Router takes the stanzas of other servers.
type Router interface {
	// Route takes a stanza whose sender is proven and whose recipient is served here. accepted is
	// called once responsibility for it was taken; before that, the other server keeps it.
	Route(st *stanza.Stanza, accepted func())
}

// Store keeps what must survive. Calls take effect in their order.
type Store interface {
	// Add stores stanzas of a link; done is called once when they are durable, or with the reason
	// why none of them is.
	Add(l peer.Link, stanzas []peer.Stanza, done func(error))
	// Remove forgets stanzas.
	Remove(seqs []int64, done func(error))
	// Load reads the oldest stanzas of a link after a number, at most limit, and about so many bytes.
	Load(ctx context.Context, l peer.Link, after int64, limit, bytes int) ([]peer.Stanza, error)
	// Expired reads the oldest ones after a number whose time is over.
	Expired(ctx context.Context, l peer.Link, after int64, now time.Time, limit int) ([]peer.Stanza, error)
	// Waiting lists the links for which something is stored, and the highest number ever seen among
	// what is.
	Waiting(ctx context.Context) ([]peer.Backlog, int64, error)
	// Peers reads what SavePeer has kept.
	Peers(ctx context.Context) ([]peer.Record, error)
	SavePeer(r peer.Record, done func(error))
	// ForgetPeers removes what is known of domains.
	ForgetPeers(domains []string, done func(error))
	// Policy is what SetPolicy has kept, "" for nothing.
	Policy(ctx context.Context) (string, error)
	SetPolicy(ctx context.Context, policy string) error
}

// Guard decides about single accounts: a child's may communicate with approved contacts only.
type Guard interface {
	// Known reports whether a bare address is a contact of a local account.
	Known(ctx context.Context, local string, contact jid.JID) (bool, error)
	// Confined reports whether an account is confined to its contacts.
	Confined(ctx context.Context, local string) (bool, error)
}

// Deps are what a [Service] needs.
type Deps struct {
	// Domain is that of the accounts.
	Domain string
	// Hosts reports whether this server serves a domain: its own, and those of its groups and the like.
	// nil for its own alone.
	Hosts  func(domain string) bool
	Router Router
	Store  Store
	// Guard knows the accounts' contacts; nil if nobody is confined and everybody is a contact.
	Guard Guard
	// TLS has the certificates of the domains, chosen by the name that is asked for.
	TLS *tls.Config
	// Local is true for a server that nobody else is to reach unless its operator says so.
	Local bool
	// Resolver asks DNS; nil for what the configuration says.
	Resolver Resolver
	// Dial makes connections; nil for the system's way.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Roots are the authorities that are trusted; nil for those of the system and of the configuration.
	Roots *x509.CertPool
	Clock clock.Clock
	// Log gets failures. It is given no address and no content.
	Log *slog.Logger
}

// Service is the federation of one server.
type Service struct {
	cfg      Config
	deps     Deps
	counters Counters
	buffers  stream.Buffers
	peers    *peers
	rules    *rules
	finder   *finder
	verifier *verifier
	tlsIn    *tls.Config // for STARTTLS
	tlsNow   *tls.Config // for TLS from the first byte
	secret   [32]byte    // of dialback keys
	dials    chan struct{}
	refused  refusals
	known    acquaintances
	spam     *blocklists
	seq      atomic.Int64
	ctx      context.Context
	cancel   context.CancelFunc
	saves    saves

	mu      sync.Mutex // guards everything below
	links   map[peer.Link]*link
	wires   map[*wire]struct{}
	ended   endedWires
	early   int // connections that have not proven who they are
	closing bool
	idle    chan struct{} // closed when closing and no wire is left
}

// alpn is what XEP-0368 registers for servers.
const alpn = "xmpp-server"

// New makes a federation. It takes and sends stanzas at once; what waits from an earlier run is looked
// at when Start is called.
func New(ctx context.Context, cfg Config, d Deps) (*Service, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	own, err := domainOf(d.Domain)
	if err != nil {
		return nil, fmt.Errorf("federation: domain: %w", err)
	}
	d.Domain = own
	if d.Hosts == nil {
		d.Hosts = func(domain string) bool { return domain == own }
	}
	if d.Dial == nil {
		d.Dial = (&net.Dialer{}).DialContext
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	if d.Resolver == nil {
		d.Resolver = newResolver(cfg.Resolver)
	}
	if d.Roots == nil {
		if d.Roots, err = systemRoots(cfg.CA); err != nil {
			return nil, err
		}
	}
	s := &Service{
		cfg: cfg, deps: d, counters: newCounters(), dials: make(chan struct{}, maxDials),
		links: map[peer.Link]*link{}, wires: map[*wire]struct{}{}, idle: make(chan struct{}),
	}
	s.ctx, s.cancel = context.WithCancel(context.WithoutCancel(ctx))
	rand.Read(s.secret[:]) // never fails
	if err := s.find(); err != nil {
		return nil, err
	}
	if d.TLS != nil {
		s.tlsIn, s.tlsNow = incomingTLS(d.TLS), incomingTLS(d.TLS)
		s.tlsNow.NextProtos = []string{alpn}
	}
	records, err := d.Store.Peers(ctx)
	if err != nil {
		return nil, err
	}
	s.peers = s.newPeers(records)
	stored, err := d.Store.Policy(ctx)
	if err != nil {
		return nil, err
	}
	usual := Open
	if d.Local {
		usual = Off
	}
	s.rules = newRules(cfg, s.peers, Policy(stored), usual)
	s.known.init(s)
	s.spam = s.newBlocklists()
	if err := s.resume(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// Start goes on with what an earlier run has left. The router must be able to bring stanzas to everybody
// by now: some may go back to their senders.
func (s *Service) Start() {
	for _, l := range s.allLinks() {
		l.do(func() {
			switch {
			case l.wire != nil || l.dialling != nil || !l.disk.waiting():
				return
			case !s.rules.permits(l.pair.Remote):
				l.returnEverything(s.forbidden(l.pair.Remote))
				return
			}
			// Not all at the same moment.
			l.retryAt = l.now().Add(time.Duration(randomInt(int(firstRetry))))
			l.wake(l.retryAt)
		})
	}
	s.spam.start()
}

// find puts together what finds and checks other servers.
func (s *Service) find() error {
	routes := map[string]target{}
	for domain, to := range s.cfg.Routes {
		t, err := parseRoute(to)
		if err != nil {
			return err // it was validated
		}
		d, err := domainOf(domain)
		if err != nil {
			return err
		}
		routes[d] = t
	}
	var web *wellKnown
	if s.cfg.WellKnown {
		web = newWellKnown(s.deps.Roots, s.deps.Clock, s.dialByName)
	}
	s.finder = &finder{dns: s.deps.Resolver, routes: routes, wellKnown: web, dane: s.cfg.DANE}
	s.verifier = &verifier{roots: s.deps.Roots, clock: s.deps.Clock, wellKnown: web}
	if s.cfg.DANE {
		s.verifier.dane = &daneFinder{dns: s.deps.Resolver, limit: make(chan struct{}, 16)}
	}
	return nil
}

// resume makes links for what an earlier run has left. They rest until Start, or until there is something
// new for them.
func (s *Service) resume(ctx context.Context) error {
	waiting, last, err := s.deps.Store.Waiting(ctx)
	if err != nil {
		return err
	}
	// Numbers are never given twice, even when the last ones were removed since.
	s.seq.Store(max(last, s.now().UnixMicro()))
	for _, b := range waiting {
		l := s.newLink(b.Link)
		l.disk.count, l.disk.bytes = b.Count, b.Bytes
		s.links[b.Link] = l
	}
	return nil
}

func (s *Service) now() time.Time { return s.deps.Clock.Now() }

// Counters returns the live counters.
func (s *Service) Counters() Counters { return s.counters }

// Send takes a stanza for another server. It returns false, and leaves accepted alone, if the recipient
// is served here. Otherwise accepted is called once the other server has acknowledged the stanza, it is
// durable here, or it went back to its sender as an error; never if the server stops before that.
//
// queued, which may be nil, asks for more: the stanza is written to disk at once if it matters, and queued
// is called as soon as that write is in the queue of the database, or there is none. What the caller
// writes then becomes durable later than the stanza. It is called with false if the server stops.
func (s *Service) Send(st *stanza.Stanza, accepted func(), queued func(bool)) bool {
	from, to := st.From.Domain(), st.To.Domain()
	if to == "" || s.deps.Hosts(to) {
		return false
	}
	if !s.deps.Hosts(from) {
		// Nothing is relayed, and nobody else is spoken for.
		s.counters.Forged.Inc()
		accept(accepted)
		tell(queued, true)
		return true
	}
	if f := s.refuses(st); f != nil {
		s.bounce(st, f)
		accept(accepted)
		tell(queued, true)
		return true
	}
	s.known.met(st)
	s.enqueue(st, accepted, queued)
	return true
}

// enqueue gives a stanza to its link.
func (s *Service) enqueue(st *stanza.Stanza, accepted func(), queued func(bool)) {
	now := s.now()
	e := &entry{stanza: st, at: now, accept: accepted, queued: queued, kind: kindOf(st)}
	e.until = now.Add(s.cfg.life(e.kind, st))
	pair := peer.Link{Local: st.From.Domain(), Remote: st.To.Domain()}
	for {
		l := s.link(pair)
		if l == nil {
			tell(queued, false)
			return // not accepted: the server stops
		}
		switch err := l.box.Post(work{entry: e}); {
		case err == nil:
			return
		case s.stopped():
			tell(queued, false)
			return
		case errors.Is(err, mailbox.ErrFull):
			s.bounce(st, stanza.Refuse(stanza.ResourceConstraint, "Too much is waiting for the other server already."))
			accept(accepted)
			tell(queued, true)
			return
		}
		s.retire(l)
	}
}

func accept(f func()) {
	if f != nil {
		f()
	}
}

func tell(queued func(bool), ok bool) {
	if queued != nil {
		queued(ok)
	}
}

// refuses is why a stanza may not leave, nil if it may.
func (s *Service) refuses(st *stanza.Stanza) *stanza.Fault {
	if !s.rules.permits(st.To.Domain()) {
		return s.forbidden(st.To.Domain())
	}
	return s.confined(st.From, st.To, st)
}

func (s *Service) forbidden(domain string) *stanza.Fault {
	return stanza.Refuse(stanza.NotAllowed, "This server does not communicate with "+domain+".")
}

// bounce gives a stanza back to its sender. Presence that only informs is not answered: nobody waits
// for it (RFC 6121 section 4.6.3).
func (s *Service) bounce(st *stanza.Stanza, f *stanza.Fault) {
	if st.Kind == stanza.Presence && st.Type != stanza.Subscribe {
		return
	}
	if e := st.Fail(f); e != nil {
		s.deps.Router.Route(e, nil)
	}
}

// link is the actor of a pair of domains, made when there is none; nil when the server stops.
func (s *Service) link(pair peer.Link) *link {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l := s.links[pair]; l != nil {
		return l
	}
	if s.closing {
		return nil
	}
	// It outlives the stanza in whose memory the names may be.
	pair = peer.Link{Local: strings.Clone(pair.Local), Remote: strings.Clone(pair.Remote)}
	l := s.newLink(pair)
	s.links[pair] = l
	return l
}

// retire takes a link out of the register that has nothing left to do.
func (s *Service) retire(l *link) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.links[l.pair] == l {
		delete(s.links, l.pair)
	}
}

func (s *Service) stopped() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closing
}

// attach gives a wire to its link.
func (s *Service) attach(w *wire) {
	for {
		l := s.link(w.Link)
		if l == nil {
			return
		}
		w.mu.Lock()
		w.link = l
		w.mu.Unlock()
		if l.do(func() { l.attach(w, nil) }) {
			return
		}
		s.retire(l)
	}
}

// enter registers a wire; false when the server stops.
func (s *Service) enter(w *wire) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return false
	}
	s.wires[w] = struct{}{}
	return true
}

func (s *Service) forget(w *wire) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.wires, w)
	if s.closing && len(s.wires) == 0 {
		select {
		case <-s.idle:
		default:
			close(s.idle)
		}
	}
}

func (s *Service) allWires() []*wire {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]*wire, 0, len(s.wires))
	for w := range s.wires {
		out = append(out, w)
	}
	return out
}

func (s *Service) allLinks() []*link {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]*link, 0, len(s.links))
	for _, l := range s.links {
		out = append(out, l)
	}
	return out
}

// mustDomain is the address of a domain that is known to be one.
func mustDomain(d string) jid.JID {
	j, _ := jid.New("", d, "") // the zero address if it is none after all
	return j
}
