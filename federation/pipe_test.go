package federation_test

import (
	"io"
	"net"
	"os"
	"sync"
	"time"

	"kith/internal/clock"
)

// pipe is a connection like one over a network: what is written is on its way, and not read yet.
func pipe() (net.Conn, net.Conn) {
	a, b := newStretch(), newStretch()
	return &end{in: a, out: b}, &end{in: b, out: a}
}

// onTheWay is how much a stretch holds before who writes has to wait.
const onTheWay = 256 << 10

// stretch is one direction.
type stretch struct {
	mu     sync.Mutex // guards the fields below
	cond   *sync.Cond
	b      []byte
	closed bool // by who writes: the end comes after what was written
	broken bool // by who reads, or by the network
	late   bool // the deadline of who reads has passed
	timer  clock.Timer
}

func newStretch() *stretch {
	s := &stretch{}
	s.cond = sync.NewCond(&s.mu)
	return s
}

func (s *stretch) set(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
	s.cond.Broadcast()
}

type end struct{ in, out *stretch }

var _ net.Conn = (*end)(nil)

func (e *end) Read(b []byte) (int, error) {
	s := e.in
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		switch {
		case s.broken:
			return 0, net.ErrClosed
		case len(s.b) > 0:
			n := copy(b, s.b)
			s.b = s.b[n:]
			s.cond.Broadcast()
			return n, nil
		case s.closed:
			return 0, io.EOF
		case s.late:
			return 0, os.ErrDeadlineExceeded
		}
		s.cond.Wait()
	}
}

func (e *end) Write(b []byte) (n int, err error) {
	s := e.out
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(b) > 0 {
		switch {
		case s.broken || s.closed:
			return n, net.ErrClosed
		case len(s.b) < onTheWay:
			k := min(len(b), onTheWay-len(s.b))
			s.b = append(s.b, b[:k]...)
			b, n = b[k:], n+k
			s.cond.Broadcast()
		default:
			s.cond.Wait()
		}
	}
	return n, nil
}

// CloseWrite ends what is written.
func (e *end) CloseWrite() error {
	e.out.set(func() { e.out.closed = true })
	return nil
}

func (e *end) Close() error {
	e.out.set(func() { e.out.closed = true })
	e.in.set(func() { e.in.broken = true })
	return nil
}

// cut is a network that breaks: what is on its way is lost.
func (e *end) cut() {
	e.out.set(func() { e.out.broken = true })
	e.in.set(func() { e.in.broken = true })
}

func (e *end) LocalAddr() net.Addr  { return &net.TCPAddr{} }
func (e *end) RemoteAddr() net.Addr { return &net.TCPAddr{} }

func (e *end) SetReadDeadline(at time.Time) error {
	s := e.in
	s.set(func() {
		if s.timer != nil {
			s.timer.Stop()
		}
		if s.late = false; !at.IsZero() {
			s.timer = clock.Real{}.AfterFunc(time.Until(at), func() { s.set(func() { s.late = true }) })
		}
	})
	return nil
}

func (e *end) SetWriteDeadline(time.Time) error { return nil }
func (e *end) SetDeadline(at time.Time) error   { return e.SetReadDeadline(at) }
