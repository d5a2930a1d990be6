package federation_test

import (
	"crypto/tls"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"kith/internal/ns"
	"kith/internal/stream"
	"kith/internal/xmltree"
)

// raw is one end of a connection in the hands of a test, as a server that does what it likes.
type raw struct {
	t      testing.TB
	conn   net.Conn
	reader *stream.Reader
}

// dialRaw connects to a node.
func (in *internet) dialRaw(to *node) *raw {
	in.t.Helper()
	c, err := in.dial(in.t.Context(), "tcp", to.address)
	if err != nil {
		in.t.Fatal(err)
	}
	in.t.Cleanup(func() { _ = c.Close() })
	return newRaw(in.t, c)
}

func newRaw(t testing.TB, c net.Conn) *raw {
	r := &raw{t: t}
	r.over(c)
	return r
}

func (r *raw) over(c net.Conn) {
	_ = c.SetDeadline(time.Now().Add(time.Hour))
	r.conn, r.reader = c, stream.NewReader(c, ns.Server, xmltree.Limits{Bytes: 1 << 22, Elements: 1 << 20, Depth: 100, Attrs: 100}, &stream.Buffers{})
}

func (r *raw) send(xml string) {
	r.t.Helper()
	if _, err := r.conn.Write([]byte(xml)); err != nil {
		r.t.Fatalf("send %.200s: %v", xml, err)
	}
}

// try sends what the other side may not want to read.
func (r *raw) try(xml string) { _, _ = r.conn.Write([]byte(xml)) }

func (r *raw) open(from, to string) {
	r.t.Helper()
	r.send(fmt.Sprintf("<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:db='jabber:server:dialback' xmlns:stream='%s' from='%s' to='%s' version='1.0'>", ns.Stream, from, to))
}

// item reads what comes next.
func (r *raw) item() (stream.Item, error) { return r.reader.Next() }

// get reads an element; headers are passed over.
func (r *raw) get() xmltree.Element {
	r.t.Helper()
	for {
		item, err := r.item()
		switch {
		case err != nil:
			r.t.Fatalf("reading: %v", err)
		case item.Kind == stream.Element:
			return item.Element
		case item.Kind == stream.Close:
			r.t.Fatal("the stream ended")
		}
	}
}

// expect reads an element and holds it against what it should contain.
func (r *raw) expect(want ...string) xmltree.Element {
	r.t.Helper()
	e := r.get()
	for _, w := range want {
		if !strings.Contains(e.Source(), w) {
			r.t.Fatalf("no %s in %s", w, e.Source())
		}
	}
	return e
}

// ends reads until the end, and returns the stream error that there was, in words.
func (r *raw) ends() string {
	r.t.Helper()
	var last string
	for {
		item, err := r.item()
		if err != nil {
			_ = r.conn.Close()
			return last
		}
		if item.Kind == stream.Element && item.Element.Is(ns.Stream, "error") {
			e := stream.ReadError(item.Element)
			last = string(e.Condition) + ": " + e.Text
		}
	}
}

// secure begins TLS as a client that shows a certificate, or none.
func (r *raw) secure(name string, cert *tls.Certificate) {
	r.t.Helper()
	r.send("<starttls xmlns='" + ns.TLS + "'/>")
	r.expect("<proceed")
	c := &tls.Config{ServerName: name, InsecureSkipVerify: true}
	if cert != nil {
		c.Certificates = []tls.Certificate{*cert}
	}
	conn := tls.Client(r.conn, c)
	if err := conn.HandshakeContext(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
	r.over(conn)
}

// external is a whole handshake: TLS, SASL EXTERNAL, a new stream. It returns its features.
func (r *raw) external(from, to string, cert tls.Certificate) xmltree.Element {
	r.t.Helper()
	r.open(from, to)
	r.expect("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/>")
	r.secure(to, &cert)
	r.open(from, to)
	r.expect("<mechanism>EXTERNAL</mechanism>")
	r.send("<auth xmlns='" + ns.SASL + "' mechanism='EXTERNAL'>=</auth>")
	r.expect("<success")
	r.over(r.conn)
	r.open(from, to)
	return r.get()
}

// listenRaw makes a domain whose server is in the hands of the test: each connection comes out of
// the channel.
func (in *internet) listenRaw(domain, address string) <-chan *raw {
	c := make(chan *raw, 16)
	in.at(domain, address, 5269, func(conn net.Conn) { c <- newRaw(in.t, conn) })
	return c
}

// answer is the other side of external: features are those of the last stream.
func (r *raw) answer(cert tls.Certificate, domain, peer, features string) {
	r.t.Helper()
	begin := func(features string) {
		if item, err := r.item(); err != nil || item.Kind != stream.Open {
			r.t.Fatalf("a stream should begin: %v", err)
		}
		r.open(domain, peer)
		r.send("<stream:features>" + features + "</stream:features>")
	}
	begin("<starttls xmlns='" + ns.TLS + "'><required/></starttls>")
	r.expect("<starttls")
	r.send("<proceed xmlns='" + ns.TLS + "'/>")
	conn := tls.Server(r.conn, &tls.Config{Certificates: []tls.Certificate{cert}, ClientAuth: tls.RequestClientCert, SessionTicketsDisabled: true})
	if err := conn.HandshakeContext(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
	r.over(conn)
	begin("<mechanisms xmlns='" + ns.SASL + "'><mechanism>EXTERNAL</mechanism></mechanisms>")
	r.expect("<auth", "mechanism='EXTERNAL'")
	r.send("<success xmlns='" + ns.SASL + "'/>")
	r.over(r.conn)
	begin(features)
}
