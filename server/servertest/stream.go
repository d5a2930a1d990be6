package servertest

import (
	"crypto/tls"
	"net"
	"testing"
	"time"

	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/internal/stream"
	"kith/internal/xmltree"
)

// Stream is a connection in the hands of a test, from its first byte on.
type Stream struct {
	t      testing.TB
	domain string
	conn   net.Conn
	reader *stream.Reader
}

// Dial connects with TLS from the start.
func (s *Server) Dial() *Stream {
	s.t.Helper()
	ours, theirs := net.Pipe()
	s.Clients().ServeTLS(theirs)
	c := tls.Client(ours, &tls.Config{RootCAs: s.roots, ServerName: s.Domain, NextProtos: []string{"xmpp-client"}, MinVersion: tls.VersionTLS13})
	_ = c.SetDeadline(time.Now().Add(patience))
	if err := c.HandshakeContext(s.t.Context()); err != nil {
		s.t.Fatalf("handshake: %v", err)
	}
	s.t.Cleanup(func() { _ = ours.Close() })
	return &Stream{t: s.t, domain: s.Domain, conn: c}
}

// Open begins a stream and returns its features.
func (c *Stream) Open() xmltree.Element {
	c.t.Helper()
	c.reader = stream.NewReader(c.conn, ns.Client, xmltree.Limits{Bytes: 1 << 22, Elements: 1 << 20, Depth: 100, Attrs: 100}, &stream.Buffers{})
	c.Send("<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='" + ns.Stream + "' to='" + c.domain + "' version='1.0'>")
	if item := c.next(); item.Kind != stream.Open {
		c.t.Fatalf("a stream header was expected, kind %d came", item.Kind)
	}
	e := c.Get()
	if !e.Is(ns.Stream, "features") {
		c.t.Fatalf("features were expected, came %s", e.Source())
	}
	return e
}

// Send writes XML.
func (c *Stream) Send(xml string) {
	c.t.Helper()
	if _, err := c.conn.Write([]byte(xml)); err != nil {
		c.t.Fatalf("send %s: %v", xml, err)
	}
}

func (c *Stream) next() stream.Item {
	c.t.Helper()
	item, err := c.reader.Next()
	if err != nil {
		c.t.Fatalf("reading: %v", err)
	}
	return item
}

// Get reads an element.
func (c *Stream) Get() xmltree.Element {
	c.t.Helper()
	item := c.next()
	if item.Kind != stream.Element {
		c.t.Fatalf("an element was expected, kind %d came", item.Kind)
	}
	return item.Element
}

// Ask sends a request and reads its answer, which must come next.
func (c *Stream) Ask(xml string) *stanza.Stanza {
	c.t.Helper()
	c.Send(xml)
	st, err := stanza.Read(c.Get(), ns.Client)
	if err != nil || st.Kind != stanza.IQ {
		c.t.Fatalf("answer to %s: %v %v", xml, st, err)
	}
	return st
}
