package c2s

import (
	"context"
	"crypto/rand"
	"sync"
	"sync/atomic"
	"time"

	"kith/internal/clock"
	"kith/internal/stream"
)

// link is one connection.
type link struct {
	srv    *Server
	conn   Conn
	ctx    context.Context // ends with the negotiation, or before it when the connection does
	cancel context.CancelFunc
	// over says that the end of the stream was sent, or is about to be.
	over atomic.Bool
	// mute says that nothing may be written: there is a handshake under way below.
	mute atomic.Bool
	// said is closed when the end of the stream was sent, as far as that was possible.
	said chan struct{}

	wmu    sync.Mutex // held while writing to conn, and locked before a session's; guards opened, closed, closer
	opened bool       // the stream header was sent
	closed bool
	closer clock.Timer

	// The session's mutex guards these: whether its writer runs, what that is writing that does
	// not count for stream management, and since when.
	writing bool
	batch   []outgoing
	since   time.Time
}

func newLink(s *Server, conn Conn) *link {
	l := &link{srv: s, conn: conn, said: make(chan struct{})}
	l.ctx, l.cancel = context.WithCancel(s.ctx)
	return l
}

// negotiate runs in the first goroutine of a connection. Handshakes need much stack; what follows
// for hours does not, and gets another one.
func (l *link) negotiate(prepare func(*link) error) {
	sess := l.signIn(prepare)
	l.cancel()
	if sess == nil {
		l.finish()
		return
	}
	go func() {
		sess.read(l)
		l.finish()
	}()
}

// signIn brings the connection to its session, or to its end.
func (l *link) signIn(prepare func(*link) error) *session {
	deadline := l.srv.deps.Clock.AfterFunc(l.srv.cfg.LoginTime, func() {
		l.srv.counters.LoginTimeout.Inc()
		l.end(&stream.Error{Condition: stream.ConnectionTimeout, Text: "Signing in took too long."})
		l.cancel()
	})
	defer deadline.Stop()
	if prepare != nil {
		l.mute.Store(true)
		if err := prepare(l); err != nil {
			return nil
		}
		l.mute.Store(false)
	}
	n := &negotiation{link: l}
	return n.run()
}

// finish is the end of the reading goroutine.
func (l *link) finish() {
	if l.over.Load() {
		l.conn.Drain()
		<-l.said
		l.conn.Goodbye()
	}
	l.conn.Abort()
	l.wmu.Lock()
	l.closed = true
	if l.closer != nil {
		l.closer.Stop()
	}
	l.conn.Close()
	l.wmu.Unlock()
	l.srv.forget(l)
}

// write runs f, which writes to the connection, and flushes. It returns false if the connection
// is gone or its stream has ended.
func (l *link) write(f func(Conn)) bool {
	l.wmu.Lock()
	defer l.wmu.Unlock()
	if l.closed || l.over.Load() {
		return false
	}
	f(l.conn)
	l.srv.counters.Writes.Inc()
	return l.conn.Flush() == nil
}

// restart expects a new stream, which will get a header of its own.
func (l *link) restart() {
	l.wmu.Lock()
	defer l.wmu.Unlock()
	l.opened = false
}

// open sends the stream header.
func (l *link) open(h stream.Header, then func(Conn)) bool {
	return l.write(func(c Conn) {
		l.opened = true
		c.Open(h)
		then(c)
	})
}

// header is the server's answer to a stream header.
func (l *link) header(client stream.Header) stream.Header {
	lang := client.Lang
	if lang == "" {
		lang = "en"
	}
	return stream.Header{From: l.srv.deps.Domain, To: client.From, ID: rand.Text(), Version: "1.0", Lang: lang}
}

// end ends the stream, with an error or without, from any goroutine. The connection is closed
// when the client has hung up too, or has not for too long. Only the first call counts.
func (l *link) end(e *stream.Error) { l.endAfter(nil, e) }

// endAfter is end with something to be written before.
func (l *link) endAfter(last func(Conn), e *stream.Error) {
	if !l.over.CompareAndSwap(false, true) {
		return
	}
	l.cancel()
	if l.mute.Load() {
		close(l.said)
		l.conn.Abort()
		return
	}
	// The clock counts from here: a client that reads nothing may hold up the farewell as well.
	closer := l.srv.deps.Clock.AfterFunc(closeTime, l.conn.Abort)
	go l.farewell(closer, last, e)
}

func (l *link) farewell(closer clock.Timer, last func(Conn), e *stream.Error) {
	defer close(l.said)
	l.wmu.Lock()
	defer l.wmu.Unlock()
	if l.closed {
		closer.Stop()
		return
	}
	l.closer = closer
	if !l.opened {
		l.opened = true
		l.conn.Open(l.header(stream.Header{}))
	}
	if last != nil {
		last(l.conn)
	}
	if e != nil {
		l.conn.Error(e)
	}
	l.conn.End()
	if l.conn.Flush() == nil {
		l.conn.Hangup()
	}
}
