package listen

import (
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"kith/internal/clock"
	"kith/internal/config"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func TestLocalhostIsBothAddressesAtOnePort(t *testing.T) {
	s, err := Open(t.Context(), DefaultConfig(), clock.Real{}, []Address{
		{HTTP, "localhost:0"}, {C2S, "127.0.0.1:0"}, {HTTPS, config.Off}, {C2STLS, ""},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if len(s.Listeners(HTTPS))+len(s.Listeners(C2STLS)) != 0 || s.Addr(HTTPS) != nil {
		t.Error("a listener that is off is open")
	}
	port := s.Addr(HTTP).Port
	for _, l := range s.Listeners(HTTP) {
		if a := l.Addr().(*net.TCPAddr); a.Port != port || !a.IP.IsLoopback() {
			t.Errorf("listening at %v", a)
		}
		go func() {
			c, err := l.Accept()
			if err == nil {
				_, _ = io.WriteString(c, "hi")
				_ = c.Close()
			}
		}()
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if b, err := io.ReadAll(c); err != nil || string(b) != "hi" {
			t.Errorf("%q %v", b, err)
		}
	}
	if len(s.Listeners(C2S)) != 1 {
		t.Errorf("%d listeners for one address", len(s.Listeners(C2S)))
	}
}

func TestErrorsNameTheOption(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for addr, want := range map[string]string{
		taken.Addr().String(): "in use",
		"192.0.2.1:5222":      "no such address",
		"host.invalid:5222":   "not known",
	} {
		s, err := Open(t.Context(), DefaultConfig(), clock.Real{}, []Address{{HTTP, "127.0.0.1:0"}, {C2S, config.Addr(addr)}})
		if err == nil {
			_ = s.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "--c2s "+addr+": ") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want %q in one line", addr, err, want)
		}
	}
}

// fakeListener gives out what a test puts in.
type fakeListener struct {
	in     chan any // net.Conn or error
	closed chan struct{}
}

func (l *fakeListener) Accept() (net.Conn, error) {
	select {
	case v := <-l.in:
		if err, ok := v.(error); ok {
			return nil, err
		}
		return v.(net.Conn), nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}
func (l *fakeListener) Close() error   { close(l.closed); return nil }
func (l *fakeListener) Addr() net.Addr { return &net.TCPAddr{} }

type fakeConn struct {
	net.Conn
	from   string
	closed chan struct{}
}

func from(ip string) *fakeConn { return &fakeConn{from: ip, closed: make(chan struct{})} }

func (c *fakeConn) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.ParseIP(c.from), Port: 1} }
func (c *fakeConn) Close() error         { close(c.closed); return nil }

func TestLimits(t *testing.T) {
	l := newLimiter(Config{Max: 6, MaxPerAddress: 2}, clock.NewFake(start))
	var open []net.Conn
	try := func(ip string, want bool) {
		t.Helper()
		c := l.admit(from(ip))
		if (c != nil) != want {
			t.Fatalf("a connection from %s was let in: %v", ip, c != nil)
		}
		if c != nil {
			open = append(open, c)
		}
	}
	try("192.0.2.1", true)
	try("192.0.2.1", true)
	try("192.0.2.1", false)
	try("::ffff:192.0.2.1", false) // the same
	try("2001:db8:0:1::1", true)
	try("2001:db8:0:1:ffff::9", true) // the same customer
	try("2001:db8:0:1::3", false)
	try("2001:db8:0:2::1", true) // another one
	if l.counters.RefusedAddress.Load() != 3 {
		t.Errorf("listen_refused_address = %d", l.counters.RefusedAddress.Load())
	}
	try("198.51.100.1", true)
	try("198.51.100.2", false)
	if l.counters.RefusedTotal.Load() != 1 || l.counters.Accepted.Load() != 6 {
		t.Errorf("refused %d, accepted %d", l.counters.RefusedTotal.Load(), l.counters.Accepted.Load())
	}
	if err := open[0].Close(); err != nil {
		t.Fatal(err)
	}
	try("192.0.2.1", true)
	for _, c := range open[1:] {
		_ = c.Close()
	}
	if l.total != 0 || len(l.byAddress) != 0 {
		t.Errorf("after the last was closed: %d %v", l.total, l.byAddress)
	}
	for range 6 {
		try("127.0.0.1", true) // as many as there may be at all
	}
	try("127.0.0.1", false)
}

func TestClosingTwiceCountsOnce(t *testing.T) {
	l := newLimiter(DefaultConfig(), clock.NewFake(start))
	a, b := net.Pipe()
	defer b.Close()
	c := l.admit(a)
	_ = c.Close()
	_ = c.Close()
	if l.total != 0 {
		t.Errorf("total = %d", l.total)
	}
}

func TestAcceptGoesOnAfterAPassingError(t *testing.T) {
	clk := clock.NewFake(start)
	lim := newLimiter(Config{Max: 1, MaxPerAddress: 1}, clk)
	inner := &fakeListener{in: make(chan any), closed: make(chan struct{})}
	l := lim.wrap(inner)
	got := make(chan net.Conn)
	end := make(chan error)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				end <- err
				return
			}
			got <- c
		}
	}()
	inner.in <- syscall.EMFILE
	if err := clk.WaitPending(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	clk.Advance(firstWait)
	inner.in <- errors.New("another")
	if err := clk.WaitPending(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	clk.Advance(firstWait) // the second wait is longer
	if clk.Pending() != 1 {
		t.Error("the second wait was not longer")
	}
	clk.Advance(lastWait)
	first := from("192.0.2.1")
	inner.in <- first
	c := <-got
	refused := from("192.0.2.2")
	inner.in <- refused
	<-refused.closed
	_ = c.Close()
	<-first.closed
	if lim.counters.AcceptFailed.Load() != 2 {
		t.Errorf("listen_accept_failed = %d", lim.counters.AcceptFailed.Load())
	}
	// Closed while it waits after an error.
	inner.in <- syscall.EMFILE
	if err := clk.WaitPending(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	for range 2 { // those who serve on it close it too
		if err := l.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
	if err := <-end; !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept after Close: %v", err)
	}
}
