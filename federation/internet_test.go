package federation_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/idna"

	"kith/federation"
	"kith/internal/clock"
	"kith/internal/stanza"
	"kith/server/router/routertest"
	"kith/server/store"
	"kith/server/store/storetest"
)

// play runs a test in a bubble of testing/synctest, where hours pass as soon as everything has come
// to rest.
func play(t *testing.T, f func(t *testing.T, in *internet)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(t, newInternet(t)) })
}

// internet connects the servers of a test by pipes, and has their names.
type internet struct {
	t  testing.TB
	ca *authority

	mu    sync.Mutex // guards everything below
	hosts map[string]func(net.Conn)
	down  map[string]bool
	open  map[string][]net.Conn
	dials map[string]int
	// order is where was dialled, and hole where nothing answers, not even that there is nobody.
	order []string
	hole  map[string]bool
	srv   map[string][]federation.SRV
	addrs map[string][]netip.Addr
	tlsa  map[string][]federation.TLSA
	// signed are names whose answers DNSSEC proves.
	signed map[string]bool
	broken bool // no name server answers
}

func newInternet(t testing.TB) *internet {
	return &internet{
		t: t, ca: newAuthority(t, "Test Authority"), hosts: map[string]func(net.Conn){}, down: map[string]bool{}, open: map[string][]net.Conn{},
		dials: map[string]int{}, srv: map[string][]federation.SRV{}, addrs: map[string][]netip.Addr{}, tlsa: map[string][]federation.TLSA{},
		signed: map[string]bool{}, hole: map[string]bool{},
	}
}

// at gives a domain an address, and what answers there.
func (in *internet) at(domain, address string, port int, serve func(net.Conn)) {
	in.mu.Lock()
	defer in.mu.Unlock()
	ip := netip.MustParseAddr(address)
	in.addrs[domain] = []netip.Addr{ip}
	in.hosts[netip.AddrPortFrom(ip, uint16(port)).String()] = serve
}

// dial is the network.
func (in *internet) dial(ctx context.Context, _, address string) (net.Conn, error) {
	in.mu.Lock()
	serve, down := in.hosts[address], in.down[address]
	in.dials[address]++
	in.order = append(in.order, address)
	if in.hole[address] {
		in.mu.Unlock()
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if serve == nil || down {
		in.mu.Unlock()
		return nil, fmt.Errorf("%s: connection refused", address)
	}
	ours, theirs := pipe()
	in.open[address] = append(in.open[address], ours, theirs)
	in.mu.Unlock()
	serve(theirs)
	return ours, nil
}

// cut breaks all connections to an address; unplug keeps new ones from being made as well.
func (in *internet) cut(address string) {
	in.mu.Lock()
	open := in.open[address]
	delete(in.open, address)
	in.mu.Unlock()
	for _, c := range open {
		c.(*end).cut()
	}
}

func (in *internet) unplug(address string) {
	in.mu.Lock()
	in.down[address] = true
	in.mu.Unlock()
	in.cut(address)
}

func (in *internet) plug(address string) {
	in.mu.Lock()
	defer in.mu.Unlock()
	delete(in.down, address)
}

func (in *internet) dialled(address string) int {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.dials[address]
}

var errBroken = errors.New("no name server answers")

// SRV implements [federation.Resolver], as do Addrs and TLSA.
func (in *internet) SRV(_ context.Context, name string) ([]federation.SRV, bool, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.broken {
		return nil, false, errBroken
	}
	if r, ok := in.srv[name]; ok {
		return r, in.signed[name], nil
	}
	return nil, in.signed[name], federation.ErrNoName
}

func (in *internet) Addrs(_ context.Context, host string) ([]netip.Addr, bool, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.broken {
		return nil, false, errBroken
	}
	if a, ok := in.addrs[host]; ok {
		return a, in.signed[host], nil
	}
	return nil, in.signed[host], federation.ErrNoName
}

func (in *internet) TLSA(_ context.Context, port uint16, host string) ([]federation.TLSA, bool, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	name := fmt.Sprintf("_%d._tcp.%s", port, host)
	if r, ok := in.tlsa[name]; ok {
		return r, in.signed[name], nil
	}
	return nil, in.signed[name], federation.ErrNoName
}

// authority makes certificates.
type authority struct {
	t    testing.TB
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool
}

func newAuthority(t testing.TB, name string, change ...func(*x509.Certificate)) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-24 * time.Hour), NotAfter: time.Now().Add(10 * 365 * 24 * time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	for _, f := range change {
		f(template)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	a := &authority{t: t, cert: cert, key: key, pool: x509.NewCertPool()}
	a.pool.AddCert(cert)
	return a
}

// certify makes a certificate like those of public authorities today: for servers alone.
func (a *authority) certify(change func(*x509.Certificate), domains ...string) tls.Certificate {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		a.t.Fatal(err)
	}
	names := make([]string, len(domains))
	for i, d := range domains {
		if names[i], err = idna.ToASCII(d); err != nil {
			a.t.Fatal(err)
		}
	}
	template := &x509.Certificate{
		SerialNumber: serial, DNSNames: names, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(90 * 24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, BasicConstraintsValid: true,
	}
	if change != nil {
		change(template)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der, a.cert.Raw}, PrivateKey: key, Leaf: leaf}
}

// node is a server of which there is the federation alone. What others send to it is recorded.
type node struct {
	*federation.Service
	routertest.Inbox
	t       testing.TB
	in      *internet
	domain  string
	address string // of its port
	db      *store.DB
	cfg     federation.Config
	deps    federation.Deps
	cert    tls.Certificate

	mu   sync.Mutex // guards the fields below
	hold bool       // what comes is not accepted
	held []func()
	log  []string
}

// server starts a node.
func (in *internet) server(domain string, change ...func(*node)) *node {
	in.t.Helper()
	in.mu.Lock()
	n := &node{
		t: in.t, in: in, domain: domain, cfg: federation.DefaultConfig(), cert: in.ca.certify(nil, domain, "groups."+domain),
		address: fmt.Sprintf("203.0.113.%d", len(in.hosts)+1),
	}
	in.mu.Unlock()
	// What these are about is tested for itself.
	n.cfg.WellKnown, n.cfg.DANE = false, false
	n.deps = federation.Deps{
		Domain: domain, Hosts: func(d string) bool { return d == domain || d == "groups."+domain },
		Resolver: in, Dial: in.dial, Roots: in.ca.pool, Clock: clock.Real{},
	}
	for _, f := range change {
		f(n)
	}
	if n.deps.Store == nil {
		n.db = storetest.Open(in.t)
		n.deps.Store = n.db.Federation()
	}
	in.at(domain, n.address, 5269, func(c net.Conn) { n.Serve(c) })
	in.mu.Lock()
	in.addrs["groups."+domain] = in.addrs[domain]
	in.mu.Unlock()
	n.address = net.JoinHostPort(n.address, "5269")
	n.start()
	in.t.Cleanup(func() {
		if n.Service != nil {
			n.stop()
		}
	})
	return n
}

func (n *node) start() {
	n.t.Helper()
	d := n.deps
	d.Router = n
	d.TLS = &tls.Config{Certificates: []tls.Certificate{n.cert}}
	d.Log = slog.New(slog.NewTextHandler(logger{n}, nil))
	var err error
	if n.Service, err = federation.New(n.t.Context(), n.cfg, d); err != nil {
		n.t.Fatal(err)
	}
	n.Start()
	n.in.plug(n.address)
}

// stop is the end of a server that has time for it, crash that of one that has not.
func (n *node) stop() {
	n.t.Helper()
	n.in.mu.Lock()
	n.in.down[n.address] = true
	n.in.mu.Unlock()
	if err := n.Shutdown(context.Background()); err != nil {
		n.t.Errorf("%s: shutdown: %v", n.domain, err)
	}
	n.Service = nil
}

type logger struct{ n *node }

func (l logger) Write(b []byte) (int, error) {
	l.n.mu.Lock()
	defer l.n.mu.Unlock()
	l.n.log = append(l.n.log, string(b))
	return len(b), nil
}

func (n *node) logged() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return strings.Join(n.log, "")
}

// Route implements [federation.Router].
func (n *node) Route(st *stanza.Stanza, accepted func()) {
	n.Add(st)
	if accepted == nil {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.hold {
		n.held = append(n.held, accepted)
		return
	}
	go accepted()
}

func (n *node) setHold(hold bool) {
	n.mu.Lock()
	held := n.held
	n.hold, n.held = hold, nil
	n.mu.Unlock()
	for _, f := range held {
		f()
	}
}

// send gives the node a stanza for elsewhere. The channel is closed when it is accepted.
func (n *node) send(xml string) <-chan struct{} {
	n.t.Helper()
	accepted := make(chan struct{})
	if !n.Send(routertest.Parse(n.t, xml), func() { close(accepted) }, nil) {
		n.t.Fatalf("%s does not take %s", n.domain, xml)
	}
	return accepted
}

// message sends one from somebody at the node to somebody elsewhere.
func (n *node) message(to, body string) <-chan struct{} {
	n.t.Helper()
	return n.send(fmt.Sprintf("<message from='alice@%s/phone' to='bob@%s' type='chat' id='%s'><body>%s</body></message>", n.domain, to, body, body))
}

// bodies are those of the messages that came, in their order.
func (n *node) bodies() string {
	var out []string
	for _, st := range n.Take() {
		if st.Kind == stanza.Message && st.Type != stanza.Error {
			out = append(out, st.Body())
		}
	}
	return strings.Join(out, " ")
}

// settle waits until nothing moves, without that time passes.
func settle() { synctest.Wait() }

// pass lets time pass.
func pass(t testing.TB, d time.Duration) {
	t.Helper()
	if err := clock.Sleep(context.Background(), clock.Real{}, d); err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
}

// is reports whether a channel is closed.
func is(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func (n *node) status(domain string) federation.DomainStatus {
	n.t.Helper()
	s, err := n.Status(context.Background(), domain)
	if err != nil {
		n.t.Fatal(err)
	}
	if len(s.Domains) != 1 {
		return federation.DomainStatus{}
	}
	return s.Domains[0]
}

// waiting reads how many stanzas are on disk.
func (n *node) waiting() int {
	n.t.Helper()
	all, _, err := n.db.Federation().Waiting(context.Background())
	if err != nil {
		n.t.Fatal(err)
	}
	sum := 0
	for _, b := range all {
		sum += b.Count
	}
	return sum
}

// tlsFor has a certificate of the authority for these domains.
func (in *internet) tlsFor(domains ...string) *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{in.ca.certify(nil, domains...)}}
}
