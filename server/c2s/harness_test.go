package c2s

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"kith/internal/clock"
	"kith/internal/counter"
	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/sasl"
	"kith/internal/sasl/sasltest"
	"kith/internal/stanza"
	"kith/internal/stream"
	"kith/internal/xmltree"
	"kith/server/module"
	"kith/server/router"
)

const domain = "kith.example"

// world is a server with accounts and nothing around it, on a clock that stands still.
type world struct {
	t        testing.TB
	srv      *Server
	clock    *clock.Fake
	auth     *memoryAuth
	accounts *router.Accounts
	registry *module.Registry
	router   *router.Router
	parts    *parts
	tls      *tls.Config
	leaf     *x509.Certificate
	http     *httptest.Server
}

func newWorld(t testing.TB, change ...func(*Config)) *world {
	t.Helper()
	cfg := DefaultConfig()
	for _, c := range change {
		c(&cfg)
	}
	w := &world{t: t, clock: clock.NewFake(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)), parts: &parts{}}
	w.auth = newMemoryAuth(w.clock)
	w.registry = module.NewRegistry(w.parts)
	w.router = &router.Router{}
	log := slog.New(slog.DiscardHandler)
	w.accounts = router.NewAccounts(domain, w.registry, w.router, w.auth, w.clock, log, counter.New("overflow"), router.DefaultConfig())
	w.router.Add(router.NewDomain(jid.Must(domain), w.registry, w.router), w.accounts)
	w.parts.router = w.router
	w.tls, w.leaf = testCertificate(t)
	var err error
	w.srv, err = New(cfg, Deps{
		Domain: jid.Must(domain), Auth: w.auth, Accounts: w.accounts, Registry: w.registry,
		TLS: w.tls, Clock: w.clock, Log: log,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if !w.srv.closing {
			// Nobody answers the farewell in most tests: what is left is closed at once.
			stopped, stop := context.WithCancel(ctx)
			stop()
			_ = w.srv.Shutdown(stopped)
		}
		if w.http != nil {
			w.http.Close()
		}
		if err := w.accounts.Close(ctx); err != nil {
			t.Errorf("accounts do not come to rest: %v", err)
		}
	})
	return w
}

func testCertificate(t testing.TB) (*tls.Config, *x509.Certificate) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: domain}, DNSNames: []string{domain},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}}, MinVersion: tls.VersionTLS12}, leaf
}

// parts are the features that the tests need: presence and orphans are noted, messages are archived
// when a test says so.
type parts struct {
	router module.Router

	mu      sync.Mutex // guards everything below
	archive func(p *module.Passage, done func(error)) bool
	orphans []*stanza.Stanza
	seen    []string
	track   func(*module.Passage, module.Session) func()
}

func (p *parts) note(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen = append(p.seen, fmt.Sprintf(format, args...))
}

func (p *parts) notes() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.seen)
}

func (p *parts) left() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var ids []string
	for _, st := range p.orphans {
		ids = append(ids, st.ID)
	}
	return ids
}

func (p *parts) onArchive(f func(p *module.Passage, done func(error)) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.archive = f
}

func (p *parts) Register(r *module.Registry) {
	r.OnPresence(func(ps *module.Passage) {
		st := ps.Stanza
		if ps.Direction == module.Incoming {
			for s := range ps.Account.Sessions() {
				if s.Presence() != nil && (st.To.IsBare() || st.To == s.JID()) {
					s.Send(st)
				}
			}
			return
		}
		if st.To.IsZero() {
			p.note("presence %s %s", st.From, st.Type)
			if st.Type == stanza.Unavailable {
				ps.Session.SetPresence(nil)
			} else {
				ps.Session.SetPresence(st)
			}
			return
		}
		p.note("presence from %s to %s", st.From, st.To)
		ps.Account.Route(st)
	})
	r.OnSession(module.Bound, func(_ module.Account, s module.Session) { p.note("bound %s", s.JID()) })
	r.OnSession(module.BecameUnavailable, func(_ module.Account, s module.Session) { p.note("unavailable %s", s.JID()) })
	r.OnSession(module.Unbound, func(_ module.Account, s module.Session) { p.note("unbound %s", s.JID()) })
	r.OnOrphans(func(_ module.Account, _ module.Session, list []*stanza.Stanza) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.orphans = append(p.orphans, list...)
	})
	r.OnArchive(func(ps *module.Passage, _ *module.Stored, done func(error)) bool {
		p.mu.Lock()
		f := p.archive
		p.mu.Unlock()
		if f == nil {
			return false
		}
		ps.Record = &module.Record{ID: "x"}
		return f(ps, done)
	})
	r.Tracker = func(ps *module.Passage, s module.Session) func() {
		p.mu.Lock()
		f := p.track
		p.mu.Unlock()
		if f == nil {
			return nil
		}
		return f(ps, s)
	}
	ping := func(q *module.IQ) error { q.Result(nil); return nil }
	r.HandleIQ(module.OnServer, stanza.Get, ns.Ping, "ping", ping)
	r.HandleIQ(module.OnAccount, stanza.Get, ns.Ping, "ping", ping)
	r.HandleIQ(module.OnAccount, stanza.Set, "test:end", "end", func(q *module.IQ) error {
		q.Result(nil)
		q.Session.End(module.EndReset)
		return nil
	})
	r.Offer(module.Feature{Write: func(w *xmltree.Writer) { w.Empty(ns.RosterVer, "ver") }})
	r.Offer(module.Feature{Bind2: ns.Carbons, OnBind2: func(_ module.Account, s module.Session, asked xmltree.Element, _ *xmltree.Writer) {
		if asked.Local() == "enable" {
			p.note("carbons %s", s.JID())
		}
	}})
	r.Offer(module.Feature{OnBind2: func(_ module.Account, _ module.Session, _ xmltree.Element, w *xmltree.Writer) {
		w.Open(ns.MAM, "metadata").Empty("", "end", "id", "e1").Close()
	}})
}

// memoryAuth keeps accounts in memory.
type memoryAuth struct {
	clock clock.Clock

	mu       sync.Mutex // guards everything below
	hashes   []sasl.Hash
	plain    bool
	accounts map[string]map[sasl.Hash]sasl.Verifier
	tokens   map[string][]string // by account, client and mechanism
	failed   error               // of Finish
}

func newMemoryAuth(c clock.Clock) *memoryAuth {
	return &memoryAuth{clock: c, hashes: sasl.Hashes(), accounts: map[string]map[sasl.Hash]sasl.Verifier{}, tokens: map[string][]string{}}
}

func (a *memoryAuth) add(t testing.TB, hashes []sasl.Hash, locals ...string) {
	t.Helper()
	for _, local := range locals {
		vs := map[sasl.Hash]sasl.Verifier{}
		for _, h := range hashes {
			v, err := sasl.Derive(h, "pass-"+local, []byte("salt"), 4)
			if err != nil {
				t.Fatal(err)
			}
			vs[h] = v
		}
		a.mu.Lock()
		a.accounts[local] = vs
		a.mu.Unlock()
	}
}

func (a *memoryAuth) remove(local string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.accounts, local)
}

func (a *memoryAuth) Exists(_ context.Context, local string) (bool, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	_, ok := a.accounts[local]
	return ok, nil
}

func (a *memoryAuth) Offer(_ context.Context, ch sasl.Channel, from string) (Offer, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	p := sasl.Policy{Hashes: a.hashes, Tokens: true, Plain: a.plain}
	var o Offer
	if vs, ok := a.accounts[from]; ok {
		p.Hashes = nil
		for _, h := range a.hashes {
			if _, ok := vs[h]; ok {
				p.Hashes = append(p.Hashes, h)
			} else {
				o.Upgrades = append(o.Upgrades, h)
			}
		}
	}
	o.Offer = p.Offer(ch)
	return o, nil
}

type memoryLogin struct {
	sasl.Exchange
	auth    *memoryAuth
	attempt Attempt
	who     func() string
	upgrade sasl.Hash
}

func (a *memoryAuth) Begin(at Attempt) (Authentication, error) {
	l := &memoryLogin{auth: a, attempt: at}
	var err error
	if _, ok := at.Mechanism.Token(); ok {
		if !at.SASL2 || at.FAST == nil || at.Agent.ID == "" {
			return nil, &sasl.Error{Condition: sasl.MalformedRequest}
		}
		var x *sasl.Token
		x, err = sasl.NewToken(at.Mechanism, at.Channel, at.Offer, func(_ context.Context, user string, m sasl.Mechanism) ([]string, error) {
			a.mu.Lock()
			defer a.mu.Unlock()
			return a.tokens[tokenKey(user, at.Agent.ID, m)], nil
		})
		if err == nil {
			l.Exchange, l.who = x, x.Authcid
		}
	} else if at.Mechanism == sasl.Plain {
		var x *sasl.PlainExchange
		x, err = sasl.NewPlain(at.Channel, at.Offer, func(_ context.Context, id sasl.Identity, password string) error {
			if password != "pass-"+id.Authcid {
				return &sasl.Error{Condition: sasl.NotAuthorized, Cause: sasl.ErrProof}
			}
			return nil
		})
		if err == nil {
			l.Exchange, l.who = x, func() string { return x.Identity().Authcid }
		}
	} else {
		var x *sasl.SCRAM
		x, err = sasl.NewSCRAM(at.Mechanism, at.Channel, at.Offer, func(_ context.Context, id sasl.Identity, h sasl.Hash) (sasl.Verifier, error) {
			a.mu.Lock()
			defer a.mu.Unlock()
			if id.Authzid != "" && id.Authzid != id.Authcid+"@"+domain {
				return sasl.Verifier{}, &sasl.Error{Condition: sasl.InvalidAuthzid}
			}
			if v, ok := a.accounts[id.Authcid][h]; ok {
				return v, nil
			}
			v, err := sasl.Derive(h, "nobody", []byte("salt"), 4)
			v.Decoy = true
			return v, err
		})
		if err == nil {
			l.Exchange, l.who = x, func() string { return x.Identity().Authcid }
		}
	}
	if err != nil {
		return nil, err
	}
	return l, nil
}

func tokenKey(user, client string, m sasl.Mechanism) string {
	return user + "|" + client + "|" + string(m)
}

func (l *memoryLogin) Identity() Identity {
	_, token := l.attempt.Mechanism.Token()
	return Identity{JID: jid.Must(l.who() + "@" + domain), Password: !token, Agent: l.attempt.Agent}
}

func (l *memoryLogin) BeginUpgrade(h sasl.Hash) ([]byte, int, error) {
	l.upgrade = h
	return []byte("other salt"), 4, nil
}

func (l *memoryLogin) FinishUpgrade(_ context.Context, salted []byte) error {
	v, err := sasl.FromSaltedPassword(l.upgrade, salted, []byte("other salt"), 4)
	if err != nil {
		return &sasl.Error{Condition: sasl.MalformedRequest, Cause: err}
	}
	l.auth.mu.Lock()
	defer l.auth.mu.Unlock()
	l.auth.accounts[l.who()][l.upgrade] = v
	return nil
}

func (l *memoryLogin) Finish(_ context.Context, req FinishRequest) (Grant, error) {
	a := l.auth
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.failed != nil {
		return Grant{}, a.failed
	}
	var g Grant
	if l.attempt.Agent.ID != "" {
		g.Device = "dev" + l.attempt.Agent.ID[:4]
	}
	if _, ok := l.attempt.Mechanism.Token(); ok && req.Invalidated {
		delete(a.tokens, tokenKey(l.who(), l.attempt.Agent.ID, l.attempt.Mechanism))
	}
	if _, ok := req.Token.Token(); ok && l.attempt.Offer.Has(req.Token) {
		g.Token, g.Expires = rand.Text(), a.clock.Now().Add(24*time.Hour)
		k := tokenKey(l.who(), l.attempt.Agent.ID, req.Token)
		a.tokens[k] = append(a.tokens[k], g.Token)
	}
	return g, nil
}

// pipe is one end of an unbuffered connection from this machine.
type pipe struct {
	net.Conn
}

func (pipe) RemoteAddr() net.Addr {
	return net.TCPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:1"))
}

// wire is the client's end of a connection, in the hands of a test.
type wire struct {
	t      testing.TB
	conn   net.Conn
	ws     *websocket.Conn
	reader *stream.Reader
	tls    *tls.Conn
}

const patience = 20 * time.Second

// plain connects without TLS, from this machine.
func (w *world) plain() *wire {
	w.t.Helper()
	ours, theirs := net.Pipe()
	w.srv.Serve(pipe{theirs})
	return w.newWire(ours)
}

// tcp connects over the loopback interface; remote pretends that it was from elsewhere.
func (w *world) tcp(serve func(net.Conn)) *wire {
	w.t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	client, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		w.t.Fatal(err)
	}
	server, err := ln.Accept()
	if err != nil {
		w.t.Fatal(err)
	}
	serve(server)
	return w.newWire(client)
}

func (w *world) clientTLS() *tls.Config {
	pool := x509.NewCertPool()
	pool.AddCert(w.leaf)
	return &tls.Config{RootCAs: pool, ServerName: domain, NextProtos: []string{alpn}, MinVersion: tls.VersionTLS13}
}

// secure connects with TLS from the first byte.
func (w *world) secure() *wire {
	w.t.Helper()
	c := w.tcp(w.srv.ServeTLS)
	c.upgrade(w.clientTLS())
	return c
}

func (w *world) webSocketURL() string {
	if w.http == nil {
		w.http = httptest.NewServer(w.srv.WebSocket(nil))
	}
	return "ws" + strings.TrimPrefix(w.http.URL, "http")
}

// webSocket connects by WebSocket, from this machine.
func (w *world) webSocket() *wire {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	ws, resp, err := websocket.Dial(ctx, w.webSocketURL(), &websocket.DialOptions{Subprotocols: []string{"xmpp"}})
	if err != nil {
		w.t.Fatal(err)
	}
	if resp.Body != nil {
		_ = resp.Body.Close()
	}
	ws.SetReadLimit(1 << 22)
	c := &wire{t: w.t, ws: ws}
	w.t.Cleanup(func() { _ = ws.CloseNow() })
	return c
}

func (w *world) newWire(conn net.Conn) *wire {
	c := &wire{t: w.t, conn: conn}
	w.t.Cleanup(func() { _ = conn.Close() })
	c.restart()
	return c
}

func (c *wire) restart() {
	if c.ws == nil {
		c.reader = stream.NewReader(c.conn, ns.Client, xmltree.Limits{Bytes: 1 << 22, Elements: 1 << 20, Depth: 100, Attrs: 100}, &stream.Buffers{})
	}
}

func (c *wire) upgrade(config *tls.Config) {
	c.t.Helper()
	c.tls = tls.Client(c.conn, config)
	_ = c.tls.SetDeadline(time.Now().Add(patience))
	if err := c.tls.Handshake(); err != nil {
		c.t.Fatalf("handshake: %v", err)
	}
	c.conn = c.tls
	c.restart()
}

// send writes XML; over WebSocket each string is a message.
func (c *wire) send(xml ...string) {
	c.t.Helper()
	if err := c.trySend(xml...); err != nil {
		c.t.Fatalf("send: %v", err)
	}
}

func (c *wire) trySend(xml ...string) error {
	for _, x := range xml {
		if c.ws != nil {
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			err := c.ws.Write(ctx, websocket.MessageText, []byte(x))
			cancel()
			if err != nil {
				return err
			}
			continue
		}
		_ = c.conn.SetWriteDeadline(time.Now().Add(patience))
		if _, err := c.conn.Write([]byte(x)); err != nil {
			return err
		}
	}
	return nil
}

// next reads one item.
func (c *wire) next() (stream.Item, error) {
	if c.ws != nil {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		_, b, err := c.ws.Read(ctx)
		if err != nil {
			return stream.Item{}, err
		}
		return stream.ParseFrame(string(b), xmltree.Limits{Bytes: 1 << 22, Elements: 1 << 20, Depth: 100, Attrs: 100})
	}
	_ = c.conn.SetReadDeadline(time.Now().Add(patience))
	return c.reader.Next()
}

// get reads an element.
func (c *wire) get() xmltree.Element {
	c.t.Helper()
	item, err := c.next()
	if err != nil {
		c.t.Fatalf("reading: %v", err)
	}
	if item.Kind != stream.Element {
		c.t.Fatalf("an element was expected, kind %d came", item.Kind)
	}
	return item.Element
}

// expect reads an element with this name.
func (c *wire) expect(space, local string) xmltree.Element {
	c.t.Helper()
	e := c.get()
	if !e.Is(space, local) {
		c.t.Fatalf("got %s, want %s in %s", e.Source(), local, space)
	}
	return e
}

// expectError reads a stream error with this condition, and the end of the stream.
func (c *wire) expectError(want stream.Condition) *stream.Error {
	c.t.Helper()
	for {
		item, err := c.next()
		if err != nil {
			c.t.Fatalf("waiting for stream error %s: %v", want, err)
		}
		if item.Kind == stream.Element && item.Element.Is(ns.Stream, "error") {
			e := stream.ReadError(item.Element)
			if e.Condition != want {
				c.t.Fatalf("stream error %v, want %s", e, want)
			}
			c.expectEnd()
			return e
		}
		if item.Kind != stream.Open && item.Kind != stream.Element {
			c.t.Fatalf("waiting for stream error %s, kind %d came", want, item.Kind)
		}
	}
}

func (c *wire) expectEnd() {
	c.t.Helper()
	item, err := c.next()
	if err != nil || item.Kind != stream.Close {
		c.t.Fatalf("the end of the stream was expected, came %v %s %v", item.Kind, item.Element.Source(), err)
	}
}

// expectGone answers the end of the stream and reads until the connection is closed.
func (c *wire) expectGone() {
	c.t.Helper()
	if c.ws != nil {
		_ = c.trySend(stream.EndFramed)
	}
	for {
		if _, err := c.next(); err != nil {
			if ne, ok := errors.AsType[net.Error](err); ok && ne.Timeout() {
				c.t.Fatal("the connection is still open")
			}
			return
		}
	}
}

func (c *wire) close() {
	if c.ws != nil {
		_ = c.ws.CloseNow()
		return
	}
	_ = c.conn.Close()
}

// open begins a stream and returns its features.
func (c *wire) open(attrs string) xmltree.Element {
	c.t.Helper()
	c.sendOpen(attrs)
	item, err := c.next()
	if err != nil || item.Kind != stream.Open {
		c.t.Fatalf("a stream header was expected: %v %v", item, err)
	}
	if item.Header.From != jid.Must(domain) || item.Header.ID == "" || item.Header.Version != "1.0" {
		c.t.Fatalf("stream header %+v", item.Header)
	}
	return c.expect(ns.Stream, "features")
}

func (c *wire) sendOpen(attrs string) {
	c.t.Helper()
	if !strings.Contains(attrs, "to=") {
		attrs += " to='" + domain + "'"
	}
	if !strings.Contains(attrs, "version=") {
		attrs += " version='1.0'"
	}
	if c.ws != nil {
		c.send("<open xmlns='" + ns.Framing + "' " + attrs + "/>")
		return
	}
	c.restart()
	c.send("<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' " + attrs + ">")
}

// startTLS upgrades a connection whose features were read.
func (c *wire) startTLS(w *world) {
	c.t.Helper()
	c.send("<starttls xmlns='" + ns.TLS + "'/>")
	c.expect(ns.TLS, "proceed")
	config := w.clientTLS()
	config.NextProtos = nil
	c.upgrade(config)
}

// offered reads what the features offer for SASL2.
func offered(features xmltree.Element) sasl.Offer {
	var o sasl.Offer
	a := features.Child(ns.SASL2, "authentication")
	for m := range a.Children() {
		if m.Is(ns.SASL2, "mechanism") {
			o.Mechanisms = append(o.Mechanisms, sasl.Mechanism(m.Text()))
		}
	}
	for m := range a.Child(ns.SASL2, "inline").Child(ns.FAST, "fast").Children() {
		o.Tokens = append(o.Tokens, sasl.Mechanism(m.Text()))
	}
	for b := range features.Child(ns.ChannelBinding, "sasl-channel-binding").Children() {
		o.Bindings = append(o.Bindings, sasl.Binding(b.Attr("type")))
	}
	o.DowngradeHash = true
	return o
}

func b64(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

func unb64(t testing.TB, s string) []byte {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		t.Fatalf("base64 %q: %v", s, err)
	}
	return b
}

// authenticate runs a SASL2 exchange; extra goes into the authenticate element. It returns the
// last answer: success, failure or continue.
func (c *wire) authenticate(m sasl.Mechanism, client sasltest.Client, extra string) xmltree.Element {
	c.t.Helper()
	c.send("<authenticate xmlns='" + ns.SASL2 + "' mechanism='" + string(m) + "'><initial-response>" + b64(client.First()) + "</initial-response>" + extra + "</authenticate>")
	for {
		e := c.get()
		switch {
		case e.Is(ns.SASL2, "challenge"):
			out, err := client.Next(unb64(c.t, e.Text()))
			if err != nil {
				c.t.Fatal(err)
			}
			c.send("<response xmlns='" + ns.SASL2 + "'>" + b64(out) + "</response>")
		case e.Is(ns.SASL2, "success"), e.Is(ns.SASL2, "continue"):
			if err := client.Done(unb64(c.t, e.ChildText(ns.SASL2, "additional-data"))); err != nil {
				c.t.Fatal(err)
			}
			return e
		default:
			return e
		}
	}
}

// scram is a client for a user of this world.
func scram(user string) *sasltest.SCRAM {
	return &sasltest.SCRAM{Mechanism: sasl.ScramSHA256, User: user, Password: "pass-" + user}
}

// login signs in with SASL2 and binds inline. extra goes into the bind element. It returns the
// success element.
func (c *wire) login(user, extra string) xmltree.Element {
	c.t.Helper()
	c.open("from='" + user + "@" + domain + "'")
	return c.login2(user, "<bind xmlns='"+ns.Bind2+"'>"+extra+"</bind>")
}

func (c *wire) login2(user, extra string) xmltree.Element {
	c.t.Helper()
	cl := scram(user)
	cl.Flag = 'n'
	e := c.authenticate(sasl.ScramSHA256, cl, extra)
	if !e.Is(ns.SASL2, "success") {
		c.t.Fatalf("login: %s", e.Source())
	}
	if e.Child(ns.SM, "resumed").IsZero() {
		c.expect(ns.Stream, "features")
	}
	return e
}

const enableSM = "<enable xmlns='" + ns.SM + "' resume='true'/>"

// managed signs in with stream management and returns its id and the full address.
func (c *wire) managed(user string) (id string, full jid.JID) {
	c.t.Helper()
	e := c.login(user, enableSM)
	enabled := e.Child(ns.Bind2, "bound").Child(ns.SM, "enabled")
	if enabled.Attr("id") == "" || enabled.Attr("resume") != "true" {
		c.t.Fatalf("not enabled: %s", e.Source())
	}
	return enabled.Attr("id"), jid.Must(e.ChildText(ns.SASL2, "authorization-identifier"))
}

// available sends initial presence and waits until it is known.
func (c *wire) available() {
	c.t.Helper()
	c.send(c.ns("<presence", "/>"))
	c.ping("p")
}

// ns writes a stanza as the transport wants it.
func (c *wire) ns(open, rest string) string {
	if c.ws != nil {
		return open + " xmlns='jabber:client'" + rest
	}
	return open + rest
}

// ping asks the server and reads up to the answer; what came before is returned.
func (c *wire) ping(id string) []xmltree.Element {
	c.t.Helper()
	c.send(c.ns("<iq", " type='get' id='"+id+"' to='"+domain+"'><ping xmlns='urn:xmpp:ping'/></iq>"))
	var before []xmltree.Element
	for {
		e := c.get()
		if e.Is(ns.Client, "iq") && e.Attr("id") == id && e.Attr("type") == "result" {
			return before
		}
		before = append(before, e)
	}
}

// session finds the server's side of a session.
func (w *world) session(full jid.JID) *session {
	w.t.Helper()
	for _, s := range w.srv.sessions.all() {
		if s.jid == full {
			return s
		}
	}
	w.t.Fatalf("no session %s", full)
	return nil
}

// until waits for a state that other goroutines bring about.
func until(t testing.TB, what string, met func() bool) {
	t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !met() {
		select {
		case <-deadline:
			t.Fatalf("in vain: %s", what)
		case <-tick.C:
		}
	}
}

// inject delivers a message from elsewhere to an address.
func (w *world) inject(to jid.JID, id, inner string) {
	module.Deliver(w.router, stanza.New(stanza.Header{
		Kind: stanza.Message, Type: stanza.Chat, ID: id, From: jid.Must("bob@elsewhere.example/x"), To: to,
	}, inner))
}

func saltedPassword(t testing.TB, password string, salt []byte, iterations int) []byte {
	t.Helper()
	b, err := pbkdf2.Key(sha256.New, password, salt, iterations, sha256.Size)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// newHTTPServer serves the WebSocket as the web server would.
func newHTTPServer(w *world) *http.Server {
	return &http.Server{Handler: w.srv.WebSocket(nil), TLSConfig: w.tls, ReadHeaderTimeout: time.Minute}
}

// dialWSS connects to such a server.
func dialWSS(addr string, config *tls.Config) (*websocket.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	ws, resp, err := websocket.Dial(ctx, "wss://"+addr, &websocket.DialOptions{
		Subprotocols: []string{"xmpp"},
		HTTPClient:   &http.Client{Transport: &http.Transport{TLSClientConfig: config.Clone()}},
	})
	if resp != nil && resp.Body != nil {
		_ = resp.Body.Close()
	}
	return ws, err
}
