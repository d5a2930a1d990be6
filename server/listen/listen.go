// Package listen opens the ports of the server, bounds the connections that come in, and keeps
// the TLS certificate. What is spoken on a connection is decided elsewhere: the server is given
// listeners, it does not listen.
package listen

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"

	"kith/internal/clock"
	"kith/internal/config"
)

// Name is what a listener is for. It is also the option that gives its address.
type Name string

// The listeners of the server.
const (
	HTTP   Name = "http"    // the web app without TLS
	HTTPS  Name = "https"   // the web app with TLS
	C2S    Name = "c2s"     // XMPP, with TLS after STARTTLS (RFC 6120 section 5)
	C2STLS Name = "c2s-tls" // XMPP with TLS from the first byte (XEP-0368)
	S2S    Name = "s2s"     // other servers, with STARTTLS
	S2STLS Name = "s2s-tls" // other servers, with TLS from the first byte
	// Components is for programs beside the server (XEP-0114).
	Components Name = "components"
	// Proxy is for files that people send each other (XEP-0065).
	Proxy Name = "proxy"
)

// Address is where one listener is to be.
type Address struct {
	Name Name
	Addr config.Addr
}

// Set is the open ports of the server.
type Set struct {
	listeners map[Name][]net.Listener
	limiter   *limiter
}

// Open opens every address that is enabled. The host localhost means both loopback addresses, where
// the machine has them; port 0 is one that is free. Either all are open afterwards, or none: the
// error then names the option and what to do.
func Open(ctx context.Context, cfg Config, clk clock.Clock, addresses []Address) (*Set, error) {
	s := &Set{listeners: map[Name][]net.Listener{}, limiter: newLimiter(cfg, clk)}
	for _, a := range addresses {
		if !a.Addr.Enabled() {
			continue
		}
		ls, err := open(ctx, string(a.Addr))
		if err != nil {
			return nil, errors.Join(explain(a, err), s.Close())
		}
		for _, l := range ls {
			s.listeners[a.Name] = append(s.listeners[a.Name], s.limiter.wrap(l))
		}
	}
	return s, nil
}

func open(ctx context.Context, addr string) (_ []net.Listener, err error) {
	var lc net.ListenConfig
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	if host != "localhost" {
		l, err := lc.Listen(ctx, "tcp", addr)
		if err != nil {
			return nil, err
		}
		return []net.Listener{l}, nil
	}
	// Which of the two a client means by localhost is up to the client.
	var ls []net.Listener
	for _, ip := range []string{"127.0.0.1", "::1"} {
		l, err := lc.Listen(ctx, "tcp", net.JoinHostPort(ip, port))
		switch {
		case err == nil:
			ls = append(ls, l)
			port = strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
		case len(ls) > 0 && (errors.Is(err, syscall.EADDRNOTAVAIL) || errors.Is(err, syscall.EAFNOSUPPORT)):
			// A machine without IPv6.
		default:
			for _, l := range ls {
				err = errors.Join(err, l.Close())
			}
			return nil, err
		}
	}
	return ls, nil
}

// explain says what to do about the errors that everybody meets.
func explain(a Address, err error) error {
	why := err.Error()
	var dns *net.DNSError
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		why = "the port is in use by another program; stop that one, or choose another port"
	case errors.Is(err, syscall.EACCES):
		why = "not permitted; ports below 1024 need root, or the capability CAP_NET_BIND_SERVICE"
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		why = "this machine has no such address"
	case errors.As(err, &dns):
		why = fmt.Sprintf("the host %q is not known", dns.Name)
	}
	return fmt.Errorf("--%s %s: %s", a.Name, a.Addr, why)
}

// Listeners returns the open listeners of a name, none if it is off.
func (s *Set) Listeners(n Name) []net.Listener { return s.listeners[n] }

// Addr is where a name listens, or nil if it is off.
func (s *Set) Addr(n Name) *net.TCPAddr {
	for _, l := range s.listeners[n] {
		if a, ok := l.Addr().(*net.TCPAddr); ok {
			return a
		}
	}
	return nil
}

// Counters returns the live counters.
func (s *Set) Counters() Counters { return s.limiter.counters }

// Close closes all listeners; connections go on.
func (s *Set) Close() error {
	var errs []error
	for _, ls := range s.listeners {
		for _, l := range ls {
			if err := l.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
				errs = append(errs, err)
			}
		}
	}
	return errors.Join(errs...)
}

// limitedListener gives out the connections that are within the limits.
type limitedListener struct {
	net.Listener
	limiter *limiter
	closed  chan struct{}
	close   func() error
}

// Accept waits for a connection. It returns an error only when the listener is closed: lack of
// files or memory passes, and closing the port for it would be worse.
func (l *limitedListener) Accept() (net.Conn, error) {
	for wait := firstWait; ; {
		c, err := l.Listener.Accept()
		if err == nil {
			wait = firstWait
			if lc := l.limiter.admit(c); lc != nil {
				return lc, nil
			}
			_ = c.Close()
			continue
		}
		if errors.Is(err, net.ErrClosed) {
			return nil, err
		}
		l.limiter.counters.AcceptFailed.Inc()
		t := l.limiter.clock.NewTimer(wait)
		select {
		case <-t.C():
		case <-l.closed:
			t.Stop()
		}
		wait = min(2*wait, lastWait)
	}
}

// Close closes the listener, once for all who share it.
func (l *limitedListener) Close() error { return l.close() }
