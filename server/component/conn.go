package component

import (
	"context"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // what XEP-0114 prescribes
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"log/slog"
	"net"
	"strings"
	"sync"
	"time"

	"kith/internal/clock"
	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/internal/stream"
	"kith/internal/xmltree"
	"kith/server/module"
)

// Bounds of a connection.
const (
	loginTime = 30 * time.Second
	writeTime = 30 * time.Second
	closeTime = 5 * time.Second
	// maxQueue is how many stanzas may wait for a component, maxPending how many of its own may be under
	// way.
	maxQueue   = 2000
	maxPending = 256
)

var (
	earlyLimits = xmltree.Limits{Bytes: 4 << 10, Elements: 16, Depth: 4, Attrs: 16}
	limits      = xmltree.Limits{Bytes: 1 << 20, Elements: 20_000, Depth: 64, Attrs: 64}
)

// conn is the connection of a component that has proven who it is.
type conn struct {
	s    *Service
	host string
	net  net.Conn
	// slots bounds what was received and is not accepted.
	slots chan struct{}

	mu     sync.Mutex // guards everything below
	queue  []*module.Envelope
	kicked chan struct{} // has a token when there is something to write, or last is set
	last   *stream.Error // how the stream is to end
	over   bool
}

// serve is the life of a connection.
func (s *Service) serve(nc net.Conn) {
	defer func() { _ = nc.Close() }()
	r := stream.NewReader(nc, ns.Component, earlyLimits, &s.buffers)
	defer r.Release()
	_ = nc.SetDeadline(clock.Real{}.Now().Add(loginTime))
	c, bad := s.greet(nc, r)
	if bad != nil {
		s.counters.Refused.Inc()
		farewell(nc, bad)
		return
	}
	if c == nil {
		return
	}
	_ = nc.SetDeadline(time.Time{})
	r.SetLimits(limits)
	writing := make(chan struct{})
	go func() {
		defer close(writing)
		c.write()
	}()
	c.end(c.read(r))
	<-writing
	s.leave(c)
}

// greet brings a connection from its first byte to its component. Neither means that it is gone.
func (s *Service) greet(nc net.Conn, r *stream.Reader) (*conn, *stream.Error) {
	item, err := r.Next()
	var bad *stream.Error
	if err != nil && !errors.As(err, &bad) {
		return nil, nil // there is nobody to tell
	}
	id := rand.Text()
	header := stream.Header{ID: id, From: item.Header.To}
	if _, werr := nc.Write(header.AppendOpen(nil, ns.Component)); werr != nil {
		return nil, nil //nolint:nilerr // there is nobody to tell
	}
	if bad != nil {
		return nil, bad
	}
	if item.Kind != stream.Open {
		return nil, &stream.Error{Condition: stream.BadFormat}
	}
	host := item.Header.To.Domain()
	secret, ok := s.config.Secrets[host]
	if !ok {
		return nil, &stream.Error{Condition: stream.HostUnknown}
	}
	for {
		item, err = r.Next()
		switch {
		case errors.As(err, &bad):
			return nil, bad
		case err != nil:
			return nil, nil //nolint:nilerr // there is nobody to tell
		case item.Kind == stream.Space:
			continue
		}
		break
	}
	if item.Kind != stream.Element || !item.Element.Is(ns.Client, "handshake") || !proves(item.Element.Text(), id, secret) {
		return nil, &stream.Error{Condition: stream.NotAuthorized}
	}
	c := &conn{s: s, host: host, net: nc, slots: make(chan struct{}, maxPending), kicked: make(chan struct{}, 1)}
	if !s.enter(c) {
		return nil, &stream.Error{Condition: stream.SystemShutdown}
	}
	// Whoever hears that the component is there finds it: what is for it waits for its writer.
	if _, err := nc.Write([]byte("<handshake/>")); err != nil {
		s.leave(c)
		return nil, nil //nolint:nilerr // there is nobody to tell
	}
	s.counters.Connected.Inc()
	s.log.LogAttrs(s.ctx, slog.LevelInfo, "a component has connected", slog.String("host", host))
	return c, nil
}

// enter puts a connection into its place; false if the server shuts down.
func (s *Service) enter(c *conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	if old := s.conns[c.host]; old != nil {
		// Its program has started again, and what is left of the former connection has not been noticed.
		old.end(&stream.Error{Condition: stream.Conflict})
	}
	s.conns[c.host] = c
	return true
}

// proves checks a handshake (XEP-0114 section 3).
func proves(text, id, secret string) bool {
	sum := sha1.Sum([]byte(id + secret)) //nolint:gosec // see above
	return subtle.ConstantTimeCompare([]byte(strings.ToLower(strings.TrimSpace(text))), []byte(hex.EncodeToString(sum[:]))) == 1
}

// farewell ends a stream that has no component.
func farewell(nc net.Conn, e *stream.Error) {
	_ = nc.SetDeadline(clock.Real{}.Now().Add(closeTime))
	w := xmltree.NewWriter(256)
	e.Write(w, false)
	_, _ = nc.Write(append(w.Bytes(), stream.End...))
}

// leave takes a connection out; what waits for it is answered.
func (s *Service) leave(c *conn) {
	s.mu.Lock()
	if s.conns[c.host] == c {
		delete(s.conns, c.host)
	}
	s.mu.Unlock()
	c.mu.Lock()
	left := c.queue
	c.queue, c.over = nil, true
	c.mu.Unlock()
	for _, env := range left {
		s.bounce(env)
	}
	s.log.LogAttrs(context.WithoutCancel(s.ctx), slog.LevelInfo, "a component has left", slog.String("host", c.host))
}

// read routes what the component sends, until the stream ends; nil if the other side has ended it.
func (c *conn) read(r *stream.Reader) *stream.Error {
	for {
		item, err := r.Next()
		var bad *stream.Error
		switch {
		case errors.As(err, &bad):
			return bad
		case err != nil, item.Kind == stream.Close:
			return nil //nolint:nilerr // it is gone
		case item.Kind == stream.Space:
			continue
		case item.Kind != stream.Element:
			return &stream.Error{Condition: stream.BadFormat}
		}
		st, err := stanza.Read(item.Element, ns.Client)
		switch {
		case st == nil:
			return &stream.Error{Condition: stream.UnsupportedStanzaType}
		case st.From.Domain() != c.host:
			return &stream.Error{Condition: stream.InvalidFrom}
		case st.To.IsZero():
			return &stream.Error{Condition: stream.ImproperAddressing}
		}
		c.s.counters.In.Inc()
		if err != nil {
			if e := st.Fail(&stanza.Fault{Condition: stanza.BadRequest, Cause: err}); e != nil {
				c.send(module.NewEnvelope(e, nil))
			}
			continue
		}
		select {
		case c.slots <- struct{}{}:
		case <-c.s.ctx.Done():
			return &stream.Error{Condition: stream.SystemShutdown}
		}
		c.s.router.Route(module.NewEnvelope(st, func() { <-c.slots }))
	}
}

// send queues a stanza for the component; false if that is not possible.
func (c *conn) send(env *module.Envelope) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over || c.last != nil || len(c.queue) >= maxQueue {
		return false
	}
	c.queue = append(c.queue, env)
	c.kick()
	return true
}

// kick wakes the writer. It needs c.mu.
func (c *conn) kick() {
	select {
	case c.kicked <- struct{}{}:
	default:
	}
}

// end ends the stream, with an error or without; only the first call counts.
func (c *conn) end(e *stream.Error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.last != nil {
		return
	}
	if e == nil {
		e = &stream.Error{}
	}
	c.last = e
	// What blocks in reading or writing does so no longer than this.
	_ = c.net.SetDeadline(clock.Real{}.Now().Add(closeTime))
	c.kick()
}

// write sends what is queued until the stream ends. It is a goroutine.
func (c *conn) write() {
	var out []byte
	for range c.kicked {
		c.mu.Lock()
		batch, last := c.queue, c.last
		c.queue = nil
		c.mu.Unlock()
		out = out[:0]
		for _, env := range batch {
			out = env.Stanza.Append(out)
		}
		if last != nil {
			if last.Condition != "" {
				w := xmltree.NewWriter(256)
				last.Write(w, false)
				out = append(out, w.Bytes()...)
			}
			out = append(out, stream.End...)
		} else {
			_ = c.net.SetWriteDeadline(clock.Real{}.Now().Add(writeTime))
		}
		if _, err := c.net.Write(out); err != nil {
			c.lost(batch)
			return
		}
		c.s.counters.Out.Add(uint64(len(batch)))
		for _, env := range batch {
			env.Accept()
		}
		if last != nil {
			_ = c.net.Close()
			return
		}
	}
}

// lost is what becomes of a batch that was not written: it is answered with the rest.
func (c *conn) lost(batch []*module.Envelope) {
	c.mu.Lock()
	c.queue = append(batch, c.queue...)
	if c.last == nil {
		c.last = &stream.Error{}
	}
	c.mu.Unlock()
	_ = c.net.Close() // so that reading ends
}
