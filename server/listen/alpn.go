package listen

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"slices"
	"sync"
	"time"

	"kith/internal/clock"
)

// The protocols that share a port with HTTPS (RFC 7301, XEP-0368 section 3).
const (
	ALPNClient = "xmpp-client"
	ALPNServer = "xmpp-server"
)

const (
	// helloTime is how long a client may take to say which protocol it wants.
	helloTime = 10 * time.Second
	// maxHello bounds what is read of it until then. Hellos with keys that resist quantum computers have about 2 KB.
	maxHello = 32 << 10
)

// Divide shares ports with TLS among protocols, by what clients ask for in the first message of the
// handshake (ALPN). It returns listeners for each of the protocols, and under "" those for all clients that
// ask for none of them. TLS has not begun on what they accept: the message that was looked at is read once
// more. Closing the listeners that are given closes these; closing one of these only refuses what it would get.
func Divide(clk clock.Clock, shared []net.Listener, protocols ...string) map[string][]net.Listener {
	out := map[string][]net.Listener{}
	for _, l := range shared {
		d := &divided{clock: clk, shared: l, over: make(chan struct{}), protocols: protocols, parts: map[string]*part{}}
		for _, p := range append([]string{""}, protocols...) {
			d.parts[p] = &part{divided: d, conns: make(chan net.Conn), closed: make(chan struct{})}
			out[p] = append(out[p], d.parts[p])
		}
		go d.accept()
	}
	return out
}

// divided is one port that several protocols share.
type divided struct {
	clock     clock.Clock
	shared    net.Listener
	protocols []string
	parts     map[string]*part
	over      chan struct{} // closed when the port is; err is why
	err       error
}

func (d *divided) accept() {
	for {
		c, err := d.shared.Accept()
		if err != nil {
			d.err = err
			close(d.over)
			return
		}
		go d.hand(c)
	}
}

// hand gives a connection to the part whose protocol its client asks for.
func (d *divided) hand(c net.Conn) {
	late := d.clock.AfterFunc(helloTime, func() { _ = c.Close() })
	seen, offered, err := hello(c)
	if !late.Stop() || err != nil {
		_ = c.Close()
		return
	}
	p := d.parts[""]
	for _, o := range offered {
		if slices.Contains(d.protocols, o) {
			p = d.parts[o]
			break
		}
	}
	select {
	case p.conns <- &replayed{Conn: c, rest: seen}:
	case <-p.closed:
		_ = c.Close()
	case <-d.over:
		_ = c.Close()
	}
}

// errSeen ends the handshake after its first message.
var errSeen = errors.New("listen: seen")

// hello reads the first message of a TLS handshake, and returns what was read and the protocols that are
// offered in it. Bytes that are no such message are nobody's business here: they go to who takes the rest.
func hello(c net.Conn) (seen []byte, offered []string, err error) {
	var kept bytes.Buffer
	look := &lookOnly{Conn: c, r: io.TeeReader(io.LimitReader(c, maxHello), &kept)}
	found := false
	// The parser of crypto/tls is the one that will read it again.
	err = tls.Server(look, &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetConfigForClient: func(h *tls.ClientHelloInfo) (*tls.Config, error) {
			found, offered = true, slices.Clone(h.SupportedProtos)
			return nil, errSeen
		},
	}).HandshakeContext(context.Background())
	if !found && (look.failed || kept.Len() == 0) {
		return nil, nil, err
	}
	return kept.Bytes(), offered, nil
}

// lookOnly is a connection that is read and not answered.
type lookOnly struct {
	net.Conn
	r      io.Reader
	failed bool
}

func (l *lookOnly) Read(b []byte) (int, error) {
	n, err := l.r.Read(b)
	l.failed = l.failed || err != nil
	return n, err
}

func (l *lookOnly) Write(b []byte) (int, error)      { return len(b), nil }
func (l *lookOnly) Close() error                     { return nil }
func (l *lookOnly) SetDeadline(time.Time) error      { return nil }
func (l *lookOnly) SetReadDeadline(time.Time) error  { return nil }
func (l *lookOnly) SetWriteDeadline(time.Time) error { return nil }

// replayed is a connection of which something was read already.
type replayed struct {
	net.Conn
	rest []byte
}

// NetConn is the connection beneath, for its socket options.
func (r *replayed) NetConn() net.Conn { return r.Conn }

// Read gives what was read already, and then what comes.
func (r *replayed) Read(b []byte) (int, error) {
	if len(r.rest) == 0 {
		return r.Conn.Read(b)
	}
	n := copy(b, r.rest)
	if r.rest = r.rest[n:]; len(r.rest) == 0 {
		r.rest = nil // the hello is not kept as long as the connection lasts
	}
	return n, nil
}

// part is a listener for one protocol of a port.
type part struct {
	divided *divided
	conns   chan net.Conn
	once    sync.Once
	closed  chan struct{}
}

// Accept waits for a connection whose client wants this protocol.
func (p *part) Accept() (net.Conn, error) {
	select {
	case <-p.closed:
		return nil, net.ErrClosed
	default:
	}
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	case <-p.divided.over:
		return nil, p.divided.err
	}
}

// Close ends this part; the others go on.
func (p *part) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

// Addr is that of the port.
func (p *part) Addr() net.Addr { return p.divided.shared.Addr() }
