// Package bytestreams is the relay of SOCKS5 Bytestreams (XEP-0065): two people who cannot reach each other
// directly send a file through the server.
//
// It is for files that people of this server send. Who may is checked where it counts, when a stream is
// activated; nothing is read from either side before.
package bytestreams

import (
	"context"
	"crypto/sha1" //nolint:gosec // what XEP-0065 prescribes
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"time"

	"kith/internal/clock"
	"kith/internal/config"
	"kith/internal/counter"
	"kith/internal/jid"
	"kith/internal/stanza"
	"kith/internal/xmltree"
	"kith/server/module"
)

const nsBytestreams = "http://jabber.org/protocol/bytestreams"

// Config is the section [proxy] of the configuration file.
type Config struct {
	// Listen is where people meet who send each other files by an old method (SOCKS5 Bytestreams), or "off".
	// Apps of today upload files, and need none of this.
	Listen config.Addr `toml:"listen" example:":5000"`
	// Subdomain of the address at which apps ask for it; it needs no DNS record.
	Subdomain string `toml:"subdomain"`
	// MaxStreams is how many files may be on their way at a time, of all people together; one person has
	// at most a quarter of them.
	MaxStreams int `toml:"max_streams"`
	// MaxSize is how much one stream may carry.
	MaxSize config.Size `toml:"max_size"`
}

// DefaultConfig is what a server uses that is not told otherwise.
func DefaultConfig() Config {
	return Config{Listen: config.Off, Subdomain: "proxy", MaxStreams: 32, MaxSize: 1 << 30}
}

// Validate says which options are out of their bounds, all of them.
func (c Config) Validate() error {
	check := config.NewCheck("proxy")
	check.Label("subdomain", c.Subdomain)
	check.Number("max_streams", c.MaxStreams, 4, 10_000)
	check.Size("max_size", c.MaxSize, 1<<20, 1<<50)
	return check.Err()
}

// Accounts tells who may use the relay.
type Accounts interface {
	Exists(ctx context.Context, local string) (bool, error)
}

// Counters tell what the relay did.
type Counters struct {
	Streams *counter.Counter // that were activated
	Bytes   *counter.Counter // in both directions
	Refused *counter.Counter // connections and activations
}

// Service is the feature.
type Service struct {
	domain   string
	address  jid.JID
	accounts Accounts
	clock    clock.Clock
	config   Config
	counters Counters
	running  sync.WaitGroup

	mu sync.Mutex // guards everything below
	// meetings are those who have come, by what they have come for.
	meetings map[string][]net.Conn
	waiting  int
	streams  map[string]int // by who activated them
	active   int
	open     map[net.Conn]struct{}
	closed   bool
}

// Bounds.
const (
	// meetTime is how long somebody waits for the other side and for the activation.
	meetTime = time.Minute
	// idleTime is how long nothing may be sent.
	idleTime = 2 * time.Minute
	// maxWaiting is how many connections may wait.
	maxWaiting = 256
)

// New makes the service for the accounts at domain.
func New(domain string, accounts Accounts, c clock.Clock, config Config) (*Service, error) {
	address, err := jid.New("", config.Subdomain+"."+domain, "")
	if err != nil {
		return nil, fmt.Errorf("bytestreams: address: %w", err)
	}
	n := func(name string) *counter.Counter { return counter.New("bytestreams_" + name) }
	return &Service{
		domain: domain, address: address, accounts: accounts, clock: c, config: config,
		counters: Counters{Streams: n("activated"), Bytes: n("bytes"), Refused: n("refused")},
		meetings: map[string][]net.Conn{}, streams: map[string]int{}, open: map[net.Conn]struct{}{},
	}, nil
}

// Address is where apps ask for the relay.
func (s *Service) Address() jid.JID { return s.address }

// Counters returns the live counters.
func (s *Service) Counters() Counters { return s.counters }

var _ module.Module = (*Service)(nil)

// Register implements [module.Module]: what the domain says of the relay.
func (s *Service) Register(r *module.Registry) {
	r.Implements(module.XEP{Number: 65, Name: "SOCKS5 Bytestreams", Version: "1.8.2", Note: "a relay for the server's own people; off unless it is switched on"})
	if s.config.Listen.Enabled() {
		r.Item(module.Item{JID: s.address, Name: "SOCKS5 Bytestreams"})
	}
}

// At is what is to be registered at the address of the relay.
func (s *Service) At() module.Module { return atAddress{s} }

type atAddress struct{ *Service }

func (s atAddress) Register(r *module.Registry) {
	if !s.config.Listen.Enabled() {
		return
	}
	r.Identity(module.OnServer, module.Identity{Category: "proxy", Type: "bytestreams", Name: "SOCKS5 Bytestreams"})
	r.Disco(module.OnServer, nsBytestreams)
	r.HandleIQ(module.OnServer, stanza.Get, nsBytestreams, "query", s.where)
	r.HandleIQ(module.OnServer, stanza.Set, nsBytestreams, "query", s.activate)
}

// own refuses people of other servers.
func (s *Service) own(q *module.IQ) error {
	from := q.From()
	if from.Domain() != s.domain || from.Local() == "" {
		return stanza.Refuse(stanza.Forbidden, "Only people of this server may use this.")
	}
	there, err := s.accounts.Exists(context.Background(), from.Local())
	if err == nil && !there {
		err = stanza.Refuse(stanza.Forbidden, "")
	}
	return err
}

// where tells the network address (XEP-0065 section 4.2).
func (s *Service) where(q *module.IQ) error {
	if err := s.own(q); err != nil {
		return err
	}
	q.Result(func(w *xmltree.Writer) {
		w.Open(nsBytestreams, "query")
		w.Empty("", "streamhost", "jid", s.address.String(), "host", s.domain, "port", strconv.Itoa(s.config.Listen.Port()))
		w.Close()
	})
	return nil
}

// meeting is what both sides come for (XEP-0065 section 5.3.2).
func meeting(sid string, requester, target jid.JID) string {
	sum := sha1.Sum([]byte(sid + requester.String() + target.String())) //nolint:gosec // see above
	return hex.EncodeToString(sum[:])
}

// activate begins to relay (XEP-0065 section 6.3.5).
func (s *Service) activate(q *module.IQ) error {
	if err := s.own(q); err != nil {
		s.counters.Refused.Inc()
		return err
	}
	target, err := jid.Parse(q.Payload.ChildText(nsBytestreams, "activate"))
	sid := q.Payload.Attr("sid")
	if err != nil || target.IsZero() || sid == "" || len(sid) > 1023 {
		return &stanza.Fault{Condition: stanza.BadRequest, Cause: err}
	}
	who, name := q.From().Local(), meeting(sid, q.From(), target)
	s.mu.Lock()
	defer s.mu.Unlock()
	both := s.meetings[name]
	switch {
	case s.closed || len(both) != 2:
		return stanza.Refuse(stanza.ItemNotFound, "The two have not come.")
	case s.active >= s.config.MaxStreams || s.streams[who] >= max(1, s.config.MaxStreams/4):
		s.counters.Refused.Inc()
		return stanza.Refuse(stanza.ResourceConstraint, "Too many files are on their way.")
	}
	delete(s.meetings, name)
	s.waiting -= 2
	s.active++
	s.streams[who]++
	s.counters.Streams.Inc()
	s.running.Go(func() {
		s.relay(both[0], both[1])
		s.mu.Lock()
		defer s.mu.Unlock()
		s.active--
		if s.streams[who]--; s.streams[who] == 0 {
			delete(s.streams, who)
		}
	})
	q.Result(nil)
	return nil
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
		if !s.greet(c) {
			s.counters.Refused.Inc()
			s.hangUp(c)
		}
	})
}

func (s *Service) hangUp(c net.Conn) {
	_ = c.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, c)
}

// Values of SOCKS5 (RFC 1928).
const (
	version5     = 5
	noAuth       = 0
	noneSuitable = 0xff
	connect      = 1
	byName       = 3
	succeeded    = 0
	notAllowed   = 2
)

// greet hears what somebody has come for, and lets him wait (XEP-0065 section 5.3.2). It reports whether he
// stays.
func (s *Service) greet(c net.Conn) bool {
	_ = c.SetDeadline(clock.Real{}.Now().Add(meetTime))
	var head [2]byte
	if _, err := io.ReadFull(c, head[:]); err != nil || head[0] != version5 {
		return false
	}
	methods := make([]byte, head[1])
	if _, err := io.ReadFull(c, methods); err != nil {
		return false
	}
	method := byte(noneSuitable)
	for _, m := range methods {
		if m == noAuth {
			method = noAuth
		}
	}
	if _, err := c.Write([]byte{version5, method}); err != nil || method != noAuth {
		return false
	}
	var request [5]byte // with the length of the name
	if _, err := io.ReadFull(c, request[:]); err != nil || request[0] != version5 {
		return false
	}
	name := make([]byte, int(request[4])+2) // and the port
	if request[1] != connect || request[3] != byName || request[4] != 2*sha1.Size {
		_, _ = c.Write([]byte{version5, notAllowed, 0, 1, 0, 0, 0, 0, 0, 0})
		return false
	}
	if _, err := io.ReadFull(c, name); err != nil {
		return false
	}
	wanted := string(name[:2*sha1.Size])
	if !s.meet(wanted, c) {
		_, _ = c.Write([]byte{version5, notAllowed, 0, 1, 0, 0, 0, 0, 0, 0})
		return false
	}
	answer := append([]byte{version5, succeeded, 0, byName, 2 * sha1.Size}, wanted...)
	if _, err := c.Write(append(answer, 0, 0)); err != nil {
		s.miss(wanted, c)
		return false
	}
	s.clock.AfterFunc(meetTime, func() {
		if s.miss(wanted, c) {
			s.hangUp(c)
		}
	})
	return true
}

// meet lets a connection wait, if it is one of two.
func (s *Service) meet(name string, c net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.waiting >= maxWaiting || len(s.meetings[name]) >= 2 {
		return false
	}
	s.meetings[name] = append(s.meetings[name], c)
	s.waiting++
	return true
}

// miss takes a connection out that has waited for nothing, and reports whether it had.
func (s *Service) miss(name string, c net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, o := range s.meetings[name] {
		if o == c {
			rest := append(s.meetings[name][:i:i], s.meetings[name][i+1:]...)
			if s.meetings[name] = rest; len(rest) == 0 {
				delete(s.meetings, name)
			}
			s.waiting--
			return true
		}
	}
	return false
}

// relay carries bytes in both directions until one side has hung up.
func (s *Service) relay(a, b net.Conn) {
	defer s.hangUp(a)
	defer s.hangUp(b)
	left := &budget{rest: int64(s.config.MaxSize)}
	done := make(chan struct{}, 2)
	for _, pair := range [][2]net.Conn{{a, b}, {b, a}} {
		go func() {
			n := carry(pair[0], pair[1], left)
			s.counters.Bytes.Add(uint64(n)) //nolint:gosec // not negative
			// What has been carried is still read on the other side; nothing more will come.
			if half, ok := pair[1].(interface{ CloseWrite() error }); !ok || half.CloseWrite() != nil {
				_ = pair[1].Close()
			}
			done <- struct{}{}
		}()
	}
	<-done
	<-done
}

// budget is how much a stream may carry yet.
type budget struct {
	mu   sync.Mutex
	rest int64
}

func (b *budget) take(n int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.rest -= int64(n)
	return b.rest >= 0
}

func carry(from, to net.Conn, left *budget) (total int64) {
	buf := make([]byte, 32<<10)
	for {
		_ = from.SetReadDeadline(clock.Real{}.Now().Add(idleTime))
		n, err := from.Read(buf)
		if n > 0 {
			if !left.take(n) {
				return total
			}
			_ = to.SetWriteDeadline(clock.Real{}.Now().Add(idleTime))
			if _, err := to.Write(buf[:n]); err != nil {
				return total
			}
			total += int64(n)
		}
		if err != nil {
			return total
		}
	}
}

// Shutdown hangs up on everybody.
func (s *Service) Shutdown(context.Context) error {
	s.mu.Lock()
	s.closed = true
	var errs []error
	for c := range s.open {
		if err := c.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	s.mu.Unlock()
	s.running.Wait()
	return errors.Join(errs...)
}
