package listen

import (
	"net"
	"net/netip"
	"sync"
	"time"

	"kith/internal/clock"
	"kith/internal/counter"
)

// How long to wait after a connection could not be accepted; it doubles.
const (
	firstWait = 5 * time.Millisecond
	lastWait  = time.Second
)

// Counters tell what became of connections.
type Counters struct {
	Accepted       *counter.Counter // connections that were let in
	RefusedTotal   *counter.Counter // closed because there were too many
	RefusedAddress *counter.Counter // closed because their address had too many
	AcceptFailed   *counter.Counter // could not be taken from the system
}

// All lists the counters, for metrics.
func (c Counters) All() []*counter.Counter {
	return []*counter.Counter{c.Accepted, c.RefusedTotal, c.RefusedAddress, c.AcceptFailed}
}

// limiter counts the open connections of all listeners.
type limiter struct {
	cfg      Config
	clock    clock.Clock
	counters Counters

	mu        sync.Mutex // guards the fields below
	total     int
	byAddress map[netip.Addr]int
}

func newLimiter(cfg Config, clk clock.Clock) *limiter {
	return &limiter{
		cfg: cfg, clock: clk, byAddress: map[netip.Addr]int{},
		counters: Counters{
			Accepted:       counter.New("listen_accepted"),
			RefusedTotal:   counter.New("listen_refused_total"),
			RefusedAddress: counter.New("listen_refused_address"),
			AcceptFailed:   counter.New("listen_accept_failed"),
		},
	}
}

func (l *limiter) wrap(inner net.Listener) net.Listener {
	closed := make(chan struct{})
	return &limitedListener{Listener: inner, limiter: l, closed: closed, close: sync.OnceValue(func() error {
		close(closed)
		return inner.Close()
	})}
}

// admit returns the connection as it is to be used, or nil if there are too many.
func (l *limiter) admit(c net.Conn) net.Conn {
	who := network(c.RemoteAddr())
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.total >= l.cfg.Max {
		l.counters.RefusedTotal.Inc()
		return nil
	}
	limited := who.IsValid() && !who.IsLoopback()
	if limited && l.byAddress[who] >= l.cfg.MaxPerAddress {
		l.counters.RefusedAddress.Inc()
		return nil
	}
	l.total++
	if limited {
		l.byAddress[who]++
	}
	l.counters.Accepted.Inc()
	return &Conn{Conn: c, release: sync.OnceFunc(func() { l.release(who, limited) })}
}

func (l *limiter) release(who netip.Addr, limited bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.total--
	if !limited {
		return
	}
	if l.byAddress[who]--; l.byAddress[who] == 0 {
		delete(l.byAddress, who)
	}
}

// network is what is counted as one: an IPv4 address, or the /64 that an IPv6 customer has.
func network(a net.Addr) netip.Addr {
	t, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	ip := t.AddrPort().Addr().Unmap().WithZone("")
	if ip.Is6() && !ip.IsLoopback() {
		if p, err := ip.Prefix(64); err == nil {
			return p.Addr()
		}
	}
	return ip
}

// Conn is a connection that is counted until it is closed.
type Conn struct {
	net.Conn
	release func()
}

// NetConn is the connection of the system beneath, for its socket options.
func (c *Conn) NetConn() net.Conn { return c.Conn }

// Close closes the connection.
func (c *Conn) Close() error {
	c.release()
	return c.Conn.Close()
}
