// Package servertest runs the whole server in the test's process. Its clients are sessions of
// mellium.im/xmpp, which shares no code with the server.
package servertest

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/xml"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"slices"
	"testing"
	"time"

	"mellium.im/sasl"
	"mellium.im/xmlstream"
	"mellium.im/xmpp"
	mjid "mellium.im/xmpp/jid"

	"kith/internal/clock"
	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/internal/xmltree"
	"kith/server"
	"kith/server/auth"
	"kith/server/calls"
	"kith/server/module"
	"kith/server/router"
	"kith/server/router/routertest"
	"kith/server/store"
	"kith/server/store/storetest"
)

// Password is that of every account.
const Password = "a password for tests"

// patience is how long a client may take for what must succeed.
const patience = 30 * time.Second

// Options change what [New] makes.
type Options struct {
	// Domain is example.org if it is not set.
	Domain string
	// Dir keeps the data; a new directory if it is not set.
	Dir    string
	Config server.Config
	Clock  clock.Clock
	// Routes come after those of the server itself.
	Routes []func(module.Router) router.Route
	// Relay is the STUN and TURN server; nil for none.
	Relay *calls.Relay
	// WebPush makes the requests to the services that wake browsers.
	WebPush *http.Client
}

// Server is a running server.
type Server struct {
	*server.Server
	t      testing.TB
	Domain string
	Auth   *auth.Service
	Store  *store.DB
	cert   tls.Certificate
	roots  *x509.CertPool
	opts   Options
	ports  []*port
}

// New starts a server that ends with the test.
func New(t testing.TB, change ...func(*Options)) *Server {
	t.Helper()
	o := Options{Domain: "example.org", Dir: t.TempDir(), Config: server.DefaultConfig(), Clock: clock.Real{}}
	for _, f := range change {
		f(&o)
	}
	s := &Server{t: t, Domain: o.Domain, opts: o}
	s.cert, s.roots = certificate(t, o.Domain)
	s.start()
	return s
}

// start makes a server of the data that there is.
func (s *Server) start() {
	t, o := s.t, s.opts
	s.Store = storetest.OpenDir(t, o.Dir)
	log := slog.New(slog.DiscardHandler)
	secret, err := auth.LoadSecret(o.Dir + "/secret")
	if err != nil {
		t.Fatal(err)
	}
	s.Auth, err = auth.New(t.Context(), auth.Options{
		Domain: o.Domain, Config: auth.DefaultConfig(), Secret: secret, Store: s.Store.Auth(), Clock: o.Clock, Log: log,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Server, err = server.New(t.Context(), o.Config, server.Deps{
		Domain: o.Domain, Version: "test", Store: s.Store, Auth: s.Auth, BaseURL: "https://" + o.Domain, Uploads: o.Dir + "/uploads",
		TLS: &tls.Config{Certificates: []tls.Certificate{s.cert}}, Routes: o.Routes, Relay: o.Relay, RelayHost: o.Domain, WebPush: o.WebPush, Clock: o.Clock, Log: log,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
}

// Restart stops the server and starts it anew, with its data, its certificate and the addresses at which it
// listens.
func (s *Server) Restart() {
	s.t.Helper()
	for _, p := range s.ports {
		if err := p.close(); err != nil {
			s.t.Errorf("listening: %v", err)
		}
	}
	s.Stop()
	if err := s.Store.Close(); err != nil {
		s.t.Fatalf("close store: %v", err)
	}
	s.start()
	for _, p := range s.ports {
		p.open(s)
	}
}

// Stop shuts the server down; it does so by itself when the test ends.
func (s *Server) Stop() {
	if s.Server == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := s.Shutdown(ctx); err != nil {
		s.t.Errorf("shutdown: %v", err)
	}
	s.Server = nil
}

// Account makes accounts.
func (s *Server) Account(names ...string) {
	s.t.Helper()
	for _, n := range names {
		if _, err := s.Auth.Create(s.t.Context(), n, auth.RoleMember, auth.Password(Password)); err != nil {
			s.t.Fatalf("account %s: %v", n, err)
		}
	}
}

// Pipe opens a connection on which the server expects a client that will use STARTTLS.
func (s *Server) Pipe() net.Conn {
	ours, theirs := net.Pipe()
	s.Clients().Serve(theirs)
	return ours
}

// TLS is for clients that trust the server.
func (s *Server) TLS() *tls.Config {
	return &tls.Config{RootCAs: s.roots, ServerName: s.Domain, MinVersion: tls.VersionTLS13}
}

// Client is a signed-in session.
type Client struct {
	routertest.Inbox
	t       testing.TB
	JID     jid.JID
	session *xmpp.Session
	// Over is closed when the stream has ended.
	Over chan struct{}
}

// login makes a session by STARTTLS with SCRAM-SHA-256-PLUS.
func (s *Server) login(name, password string) (*xmpp.Session, net.Conn, error) {
	ours := s.Pipe()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	session, err := xmpp.NewSession(ctx, mjid.MustParse(s.Domain), mjid.MustParse(name+"@"+s.Domain), ours, 0,
		xmpp.NewNegotiator(func(*xmpp.Session, *xmpp.StreamConfig) xmpp.StreamConfig {
			return xmpp.StreamConfig{Features: []xmpp.StreamFeature{
				xmpp.StartTLS(s.TLS()),
				xmpp.SASL("", password, sasl.ScramSha256Plus),
				xmpp.BindResource(),
			}}
		}))
	return session, ours, err
}

// Login tells whether one can sign in to an account with a password.
func (s *Server) Login(name, password string) error {
	_, conn, err := s.login(name, password)
	_ = conn.Close()
	return err
}

// Client signs in to an account, which must exist.
func (s *Server) Client(name string) *Client {
	s.t.Helper()
	session, ours, err := s.login(name, Password)
	if err != nil {
		s.t.Fatalf("sign in %s: %v", name, err)
	}
	c := &Client{t: s.t, JID: jid.Must(session.LocalAddr().String()), session: session, Over: make(chan struct{})}
	go func() {
		defer close(c.Over)
		_ = session.Serve(xmpp.HandlerFunc(c.receive))
	}()
	s.t.Cleanup(func() { _ = ours.Close(); <-c.Over })
	return c
}

// receive records what comes, in the words of this program.
func (c *Client) receive(t xmlstream.TokenReadEncoder, start *xml.StartElement) error {
	var b bytes.Buffer
	e := xml.NewEncoder(&b)
	if _, err := xmlstream.Copy(e, plain{xmlstream.MultiReader(xmlstream.Token(*start), t)}); err != nil {
		return err
	}
	if err := e.Flush(); err != nil {
		return err
	}
	st, err := canonical(b.String())
	if err != nil {
		c.t.Errorf("%s received %s: %v", c.JID, b.String(), err)
		return nil
	}
	c.Add(st)
	return nil
}

// canonical reads a stanza and writes it as this program does, so that tests can look for text.
func canonical(text string) (*stanza.Stanza, error) {
	root, err := xmltree.Parse(text, xmltree.Limits{Bytes: 1 << 24, Elements: 1 << 18, Depth: 100, Attrs: 100}, xmltree.Scope{Default: ns.Client})
	if err != nil {
		return nil, err
	}
	return stanza.Parse(xmltree.NewWriter(len(text)).Copy(root, ns.Client).String())
}

// plain leaves out what encoding/xml would write twice, and the empty addresses that mellium puts in.
type plain struct{ xml.TokenReader }

func (p plain) Token() (xml.Token, error) {
	t, err := p.TokenReader.Token()
	if start, ok := t.(xml.StartElement); ok {
		start.Attr = slices.DeleteFunc(slices.Clone(start.Attr), func(a xml.Attr) bool {
			return a.Name.Local == "xmlns" || a.Name.Space == "xmlns" || a.Value == ""
		})
		t = start
	}
	return t, err
}

// Send sends a stanza.
func (c *Client) Send(text string) {
	c.t.Helper()
	// Not a context that ends now: its end would come in the way of the next stanza.
	if err := c.session.Send(c.t.Context(), xml.NewDecoder(bytes.NewReader([]byte(text)))); err != nil {
		c.t.Fatalf("%s sends %s: %v", c.JID, text, err)
	}
}

// Ask sends a request and waits for its answer.
func (c *Client) Ask(text string) *stanza.Stanza {
	c.t.Helper()
	id := routertest.Parse(c.t, text).ID
	c.Send(text)
	return c.Wait(c.t, "an answer to "+text, func(st *stanza.Stanza) bool {
		return st.Kind == stanza.IQ && !st.IsRequest() && st.ID == id
	})
}

// Message waits for a message with this body.
func (c *Client) Message(body string) *stanza.Stanza {
	c.t.Helper()
	return c.Wait(c.t, "the message "+body, func(st *stanza.Stanza) bool { return st.Kind == stanza.Message && st.Body() == body })
}

// certificate makes one that signs itself.
func certificate(t testing.TB, domain string) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{domain}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, pool
}
