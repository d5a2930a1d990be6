package federation

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"kith/internal/clock"
	"kith/internal/ns"
	"kith/internal/peer"
	"kith/internal/stream"
	"kith/internal/xmltree"
)

// wire is one connection, whoever made it. One goroutine reads, first the handshake and then what
// follows; it alone uses the fields that no mutex guards.
type wire struct {
	svc     *Service
	inbound bool
	direct  bool
	reader  *stream.Reader
	ctx     context.Context
	cancel  context.CancelFunc
	// begun is when the connection was made.
	begun time.Time

	// What the handshake has found out; constant once it is done.
	peer.Link
	proof  proof
	bidi   bool
	sm     bool
	smID   string
	limits peerLimits
	tls    *tls.ConnectionState
	stats  *peerState
	pace   pace
	// lent: it serves a link. ready lends a connection of the other side some time after its
	// handshake.
	lent  atomic.Bool
	ready clock.Timer

	// heard is when bytes last came in, used when a stanza last passed, in nanoseconds since 1970.
	heard, used atomic.Int64
	// over says that the end of the stream was sent, or is about to be.
	over atomic.Bool
	// mute says that nothing may be written: there is a handshake under way below.
	mute atomic.Bool
	// said is closed when the end of the stream was sent, as far as that was possible, and done when
	// the reading goroutine has ended.
	said, done chan struct{}

	wmu    sync.Mutex // held while writing; guards opened
	opened bool

	mu   sync.Mutex // guards everything below
	cond *sync.Cond // the window of in, or closed, has changed
	conn net.Conn
	// link has the stanzas that go out here; nil where none do.
	link   *link
	closed bool
	// broken is why it was given up, words how it is secured.
	broken error
	words  string
	out    outgoing
	in     incoming
	// counted: the other side is told what was taken. sm says that it tells us as well.
	counted bool
}

// peerLimits are those that the other side has announced (XEP-0478); 0 for none.
type peerLimits struct {
	bytes int
	idle  time.Duration
}

func (s *Service) newWire(c net.Conn, inbound, direct bool) *wire {
	w := &wire{
		svc: s, inbound: inbound, direct: direct, conn: c, begun: s.now(),
		said: make(chan struct{}), done: make(chan struct{}),
	}
	w.cond = sync.NewCond(&w.mu)
	w.in.window = stream.NewInbound(s.cfg.Unaccepted)
	w.ctx, w.cancel = context.WithCancel(s.ctx)
	context.AfterFunc(w.ctx, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.cond.Broadcast()
	})
	w.heard.Store(w.begun.UnixNano())
	w.used.Store(w.begun.UnixNano())
	w.reader = stream.NewReader(hearing{w, c}, ns.Server, earlyLimits, &s.buffers)
	keepalive(c)
	return w
}

// hearing notes when bytes come in.
type hearing struct {
	w *wire
	r io.Reader
}

func (h hearing) Read(b []byte) (int, error) {
	n, err := h.r.Read(b)
	if n > 0 {
		h.w.heard.Store(h.w.svc.now().UnixNano())
	}
	return n, err
}

func keepalive(c net.Conn) {
	if v, ok := innermost(c).(*net.TCPConn); ok {
		_ = v.SetKeepAliveConfig(net.KeepAliveConfig{Enable: true, Idle: time.Minute, Interval: 15 * time.Second, Count: 4})
	}
}

func innermost(c net.Conn) net.Conn {
	for {
		v, ok := c.(interface{ NetConn() net.Conn })
		if !ok {
			return c
		}
		c = v.NetConn()
	}
}

func (w *wire) raw() net.Conn {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.conn
}

// secure does a TLS handshake over what there is, and goes on above it.
func (w *wire) secure(over func(net.Conn) *tls.Conn) error {
	if w.reader.Buffered() > 0 {
		// An attacker on the way may have put it there (RFC 6120 section 5.4.3.3).
		return errors.New("something came between starttls and the handshake")
	}
	w.mute.Store(true)
	c := over(w.raw())
	if err := c.HandshakeContext(w.ctx); err != nil {
		return err
	}
	state := c.ConnectionState()
	w.tls = &state
	w.mu.Lock()
	w.conn = c
	w.mu.Unlock()
	w.wmu.Lock()
	w.opened = false
	w.wmu.Unlock()
	w.mute.Store(false)
	w.reader.Restart(hearing{w, c})
	return nil
}

// restart expects a new stream on the same connection (RFC 6120 section 6.4.6).
func (w *wire) restart() {
	w.wmu.Lock()
	w.opened = false
	w.wmu.Unlock()
	w.reader.Restart(hearing{w, w.raw()})
}

// open sends a stream header, and what follows it in the same breath.
func (w *wire) open(h stream.Header, then string) error {
	w.wmu.Lock()
	defer w.wmu.Unlock()
	w.opened = true
	return w.writeLocked(append(w.header(h), then...))
}

// header is the start of a stream. The prefix belongs to the protocol where dialback is spoken
// (XEP-0220 section 2).
func (w *wire) header(h stream.Header) []byte {
	if w.svc.cfg.Dialback {
		return h.AppendOpen(w.svc.buffers.Get(), ns.Server, "xmlns:db", nsDialback)
	}
	return h.AppendOpen(w.svc.buffers.Get(), ns.Server)
}

// put writes elements during the handshake.
func (w *wire) put(xml string) error {
	w.wmu.Lock()
	defer w.wmu.Unlock()
	if w.over.Load() {
		return net.ErrClosed
	}
	return w.writeLocked([]byte(xml))
}

// writeLocked needs wmu. A connection that takes nothing for too long is given up.
func (w *wire) writeLocked(b []byte) error {
	t := w.svc.deps.Clock.AfterFunc(w.svc.cfg.WriteTime, func() {
		w.svc.counters.WriteTimeout.Inc()
		w.abort()
	})
	defer t.Stop()
	_, err := w.raw().Write(b)
	return err
}

// finish ends the stream, with an error or without, from any goroutine. The connection is closed when
// the other side has hung up too, or has not for too long. Only the first call counts.
func (w *wire) finish(e *stream.Error) {
	if !w.over.CompareAndSwap(false, true) {
		return
	}
	if w.mute.Load() {
		close(w.said)
		w.abort()
		return
	}
	// The clock counts from here: who reads nothing may hold up the farewell as well.
	closer := w.svc.deps.Clock.AfterFunc(closeTime, w.abort)
	go w.farewell(e, closer)
}

func (w *wire) farewell(e *stream.Error, closer clock.Timer) {
	defer close(w.said)
	w.wmu.Lock()
	defer w.wmu.Unlock()
	var b []byte
	if !w.opened {
		w.opened = true
		b = w.header(stream.Header{Version: "1.0"})
	}
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		closer.Stop()
		return
	}
	b = w.lastWords(b)
	w.mu.Unlock()
	x := xmltree.NewWriter(256)
	if e != nil {
		e.Write(x, false)
	}
	b = append(append(b, x.Bytes()...), stream.End...)
	if w.writeLocked(b) == nil {
		hangup(w.raw())
	}
}

// hangup tells the other side that nothing more will come.
func hangup(c net.Conn) {
	for {
		if v, ok := c.(interface{ CloseWrite() error }); ok {
			_ = v.CloseWrite()
		}
		// The end of TLS is followed by that of TCP.
		v, ok := c.(interface{ NetConn() net.Conn })
		if !ok {
			return
		}
		c = v.NetConn()
	}
}

// fail gives up the connection for a reason of our own.
func (w *wire) fail(why error) {
	w.mu.Lock()
	if w.broken == nil {
		w.broken = why
	}
	w.mu.Unlock()
	w.abort()
}

// abort closes the connection at once, past TLS, which would first try to say goodbye.
func (w *wire) abort() {
	w.cancel()
	_ = innermost(w.raw()).Close()
}

// maxDrain bounds what is read of a server that was told that it is over.
const maxDrain = 4 << 20

// close is the end of the reading goroutine. cause is why, nil for nothing in particular.
func (w *wire) close(cause error) {
	if w.over.Load() {
		w.drain()
		<-w.said
	}
	w.abort()
	w.mu.Lock()
	w.closed = true
	w.cond.Broadcast()
	conn, l := w.conn, w.link
	w.tls, w.proof.leaf = nil, nil // certificates are large, and this may be remembered for long
	if w.ready != nil {
		w.ready.Stop()
	}
	if w.in.late != nil {
		w.in.late.Stop()
	}
	w.mu.Unlock()
	_ = conn.Close()
	w.reader.Release()
	if l != nil {
		l.lost(w, cause)
	}
	close(w.done)
	w.svc.forget(w)
}

// drain reads, and throws away, until the other side hangs up. A connection that is closed with
// something unread is reset, and the other side may then never see what it was sent last.
func (w *wire) drain() {
	w.reader.Release()
	b := w.svc.buffers.Get()
	defer w.svc.buffers.Put(b)
	b = b[:cap(b)]
	c := w.raw()
	for n := 0; n < maxDrain; {
		k, err := c.Read(b)
		if err != nil {
			return
		}
		n += k
	}
}

// touch notes that a stanza passed.
func (w *wire) touch() { w.used.Store(w.svc.now().UnixNano()) }

func (w *wire) lastUse() time.Time { return time.Unix(0, w.used.Load()) }

// remote is the domain that has proven itself, "" as long as none has.
func (w *wire) remote() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.Remote
}

// describe says how the connection is secured.
func (w *wire) describe() string {
	words := string(w.proof.method)
	if w.tls != nil {
		words += ", " + tls.VersionName(w.tls.Version)
	}
	if w.direct {
		words += " from the start"
	}
	return words
}

// way is how the connection is secured, and what it can do.
func (w *wire) way() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	words := w.words
	if w.bidi {
		words += ", both ways"
	}
	if w.sm {
		words += ", acknowledged"
	}
	return words
}
