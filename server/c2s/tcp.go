package c2s

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"kith/internal/clock"
	"kith/internal/ns"
	"kith/internal/sasl"
	"kith/internal/stanza"
	"kith/internal/stream"
	"kith/internal/xmltree"
)

// tcpConn is a connection with the framing of RFC 6120.
type tcpConn struct {
	reader  *stream.Reader
	buffers *stream.Buffers
	clock   clock.Clock
	heard   atomic.Int64 // nanoseconds since 1970
	out     []byte

	mu       sync.Mutex // guards conn and security
	conn     net.Conn
	security Security
}

var (
	_ Conn     = (*tcpConn)(nil)
	_ upgrader = (*tcpConn)(nil)
)

// newTCP wraps a connection. A plain one counts as confidential if trusted says so.
func newTCP(c net.Conn, trusted bool, lim xmltree.Limits, buffers *stream.Buffers, clk clock.Clock) *tcpConn {
	t := &tcpConn{conn: c, buffers: buffers, clock: clk}
	t.security = Security{Remote: remoteAddr(c.RemoteAddr()), Channel: sasl.Channel{Confidential: trusted}}
	t.reader = stream.NewReader(hearing{t, c}, ns.Client, lim, buffers)
	t.heard.Store(clk.Now().UnixNano())
	quietKeepalive(c)
	return t
}

// hearing notes when bytes come in.
type hearing struct {
	t *tcpConn
	r io.Reader
}

func (h hearing) Read(b []byte) (int, error) {
	n, err := h.r.Read(b)
	if n > 0 {
		h.t.heard.Store(h.t.clock.Now().UnixNano())
	}
	return n, err
}

// keepaliveIdle is how long a connection is silent before the kernel probes it. The usual 15
// seconds would wake a phone's radio as often; peers that are gone are found by the session's
// own means.
const keepaliveIdle = 15 * time.Minute

func quietKeepalive(c net.Conn) {
	if v, ok := innermost(c).(interface {
		SetKeepAliveConfig(net.KeepAliveConfig) error
	}); ok {
		_ = v.SetKeepAliveConfig(net.KeepAliveConfig{Enable: true, Idle: keepaliveIdle, Interval: time.Minute, Count: 5})
	}
}

func remoteAddr(a net.Addr) netip.Addr {
	if a == nil {
		return netip.Addr{}
	}
	if t, ok := a.(*net.TCPAddr); ok {
		return t.AddrPort().Addr().Unmap()
	}
	ap, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap()
}

// tlsConn is what a connection over TLS is known by.
type tlsConn interface {
	net.Conn
	HandshakeContext(context.Context) error
	ConnectionState() tls.ConnectionState
}

// secure finishes the handshake and takes note of it.
func (t *tcpConn) secure(ctx context.Context, c tlsConn, leaf func() *x509.Certificate) error {
	if err := c.HandshakeContext(ctx); err != nil {
		return err
	}
	state := c.ConnectionState()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.conn = c
	t.security.TLS = true
	t.security.Channel = sasl.Channel{Confidential: true, Bindings: sasl.TLSBindings(&state, leaf())}
	return nil
}

// errEarly: something followed the request for TLS before TLS began. An attacker on the way may
// have put it there, to be taken for the client's own words (RFC 6120 section 5.4.3.3).
var errEarly = errors.New("c2s: data between starttls and the handshake")

// StartTLS implements upgrader.
func (t *tcpConn) StartTLS(ctx context.Context, config *tls.Config) error {
	if t.reader.Buffered() > 0 {
		return errEarly
	}
	ctx, leaf := rememberLeaf(ctx)
	c := tls.Server(t.raw(), config)
	if err := t.secure(ctx, c, leaf); err != nil {
		return err
	}
	t.reader.Restart(hearing{t, c})
	return nil
}

func (t *tcpConn) raw() net.Conn {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.conn
}

// Next implements [Conn].
func (t *tcpConn) Next() (stream.Item, error) { return t.reader.Next() }

// SetLimits implements [Conn].
func (t *tcpConn) SetLimits(lim xmltree.Limits) { t.reader.SetLimits(lim) }

// Restart implements [Conn].
func (t *tcpConn) Restart() { t.reader.Restart(hearing{t, t.raw()}) }

// maxDrain bounds what is read of a client that was told that it is over.
const maxDrain = 4 << 20

// Drain implements [Conn]. A connection that is closed with something unread is reset, and the
// client may then never see what it was sent last.
func (t *tcpConn) Drain() {
	t.reader.Release()
	b := t.buffers.Get()
	defer t.buffers.Put(b)
	b = b[:cap(b)]
	c := t.raw()
	for n := 0; n < maxDrain; {
		k, err := c.Read(b)
		if err != nil {
			return
		}
		n += k
	}
}

func (t *tcpConn) buffer() {
	if t.out == nil {
		t.out = t.buffers.Get()
	}
}

// Open implements [Conn].
func (t *tcpConn) Open(h stream.Header) {
	t.buffer()
	t.out = h.AppendOpen(t.out, ns.Client)
}

// Stanza implements [Conn].
func (t *tcpConn) Stanza(st *stanza.Stanza) {
	t.buffer()
	t.out = st.Append(t.out)
}

// Element implements [Conn].
func (t *tcpConn) Element(xml string) {
	t.buffer()
	t.out = append(t.out, xml...)
}

// Features implements [Conn].
func (t *tcpConn) Features(inner string) {
	t.buffer()
	t.out = append(t.out, "<stream:features>"...)
	t.out = append(t.out, inner...)
	t.out = append(t.out, "</stream:features>"...)
}

// Error implements [Conn].
func (t *tcpConn) Error(e *stream.Error) {
	w := xmltree.NewWriter(256)
	e.Write(w, false)
	t.Element(w.String())
}

// End implements [Conn].
func (t *tcpConn) End() { t.Element(stream.End) }

// Flush implements [Conn].
func (t *tcpConn) Flush() error {
	if len(t.out) == 0 {
		return nil
	}
	_, err := t.raw().Write(t.out)
	t.buffers.Put(t.out)
	t.out = nil
	return err
}

// Hangup implements [Conn].
func (t *tcpConn) Hangup() {
	c := t.raw()
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

// Goodbye implements [Conn].
func (t *tcpConn) Goodbye() {}

// Abort implements [Conn]. It goes past TLS, which would first try to say goodbye.
func (t *tcpConn) Abort() { _ = innermost(t.raw()).Close() }

func innermost(c net.Conn) net.Conn {
	for {
		v, ok := c.(interface{ NetConn() net.Conn })
		if !ok {
			return c
		}
		c = v.NetConn()
	}
}

// Close implements [Conn].
func (t *tcpConn) Close() {
	t.Abort()
	_ = t.raw().Close()
	t.reader.Release()
	if t.out != nil {
		t.buffers.Put(t.out)
		t.out = nil
	}
}

// Security implements [Conn].
func (t *tcpConn) Security() Security {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.security
}

// Heard implements [Conn].
func (t *tcpConn) Heard() time.Time { return time.Unix(0, t.heard.Load()) }
