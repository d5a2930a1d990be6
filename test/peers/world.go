// Package peers starts XMPP servers for tests, in processes of their own: the program of this project,
// and Prosody and ejabberd as Debian has them. Each has its own configuration in a temporary directory,
// a name server and a certificate authority that are made for the test, and nothing leaves the machine.
package peers

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// Patience is how long something may take that must happen.
const Patience = 60 * time.Second

// World is what the servers of a test share: names and an authority.
type World struct {
	t    testing.TB
	dir  string
	ca   *x509.Certificate
	key  *ecdsa.PrivateKey
	dns  string // HOST:PORT
	pool *x509.CertPool

	program func() (string, error) // where ours was built

	mu  sync.Mutex // guards srv
	srv map[string]uint16
}

// New makes a world that ends with the test.
func New(t testing.TB) *World {
	t.Helper()
	w := &World{t: t, dir: t.TempDir(), srv: map[string]uint16{}, pool: x509.NewCertPool()}
	var err error
	if w.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test Authority"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &w.key.PublicKey, w.key)
	if err != nil {
		t.Fatal(err)
	}
	if w.ca, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	w.pool.AddCert(w.ca)
	w.Write("ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	w.program = sync.OnceValues(w.build)
	w.nameServer()
	return w
}

// build makes the program, unless KITH_BIN names one.
func (w *World) build() (string, error) {
	if program := os.Getenv("KITH_BIN"); program != "" {
		return program, nil
	}
	program := w.Path("kith")
	out, err := exec.CommandContext(w.t.Context(), "go", "build", "-o", program, "kith/cmd/kith").CombinedOutput() //nolint:gosec // the path is the test's own
	if err != nil {
		w.t.Logf("go build: %s", out)
	}
	return program, err
}

// Path is that of a file of the world.
func (w *World) Path(name string) string { return filepath.Join(w.dir, name) }

// Write makes a file and returns its path.
func (w *World) Write(name, text string) string {
	w.t.Helper()
	if err := os.MkdirAll(filepath.Dir(w.Path(name)), 0o700); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(w.Path(name), []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
	return w.Path(name)
}

// TLS is for clients of a domain that trust the world's authority.
func (w *World) TLS(domain string) *tls.Config {
	return &tls.Config{RootCAs: w.pool, ServerName: domain, NextProtos: []string{"xmpp-client"}, MinVersion: tls.VersionTLS12}
}

// certificate makes one for domains, like those of public authorities today, in NAME.crt and NAME.key.
func (w *World) certificate(name string, domains ...string) (cert, key string) {
	w.t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		w.t.Fatal(err)
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		w.t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: domains[0]}, DNSNames: domains, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}, BasicConstraintsValid: true,
	}, w.ca, &k.PublicKey, w.key)
	if err != nil {
		w.t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.Write(name+".crt", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))),
		w.Write(name+".key", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})))
}

// name says where a domain's server is, and that of its groups.
func (w *World) name(domain string, port int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.srv["_xmpp-server._tcp."+domain+"."] = uint16(port)        //nolint:gosec // a port
	w.srv["_xmpp-server._tcp.groups."+domain+"."] = uint16(port) //nolint:gosec // a port
}

// nameServer answers for the domains of the test. All are at localhost, which Erlang asks the system for.
func (w *World) nameServer() {
	w.t.Helper()
	pc, l := w.both()
	w.dns = pc.LocalAddr().String()
	handler := dns.HandlerFunc(func(out dns.ResponseWriter, q *dns.Msg) {
		a := new(dns.Msg)
		a.SetReply(q)
		a.RecursionAvailable = true
		name := strings.ToLower(q.Question[0].Name)
		head := dns.RR_Header{Name: q.Question[0].Name, Rrtype: q.Question[0].Qtype, Class: dns.ClassINET, Ttl: 1}
		w.mu.Lock()
		port, ok := w.srv[name]
		w.mu.Unlock()
		switch {
		case q.Question[0].Qtype == dns.TypeSRV && ok:
			a.Answer = append(a.Answer, &dns.SRV{Hdr: head, Priority: 1, Weight: 1, Port: port, Target: "localhost."})
		case q.Question[0].Qtype == dns.TypeA && name == "localhost.":
			a.Answer = append(a.Answer, &dns.A{Hdr: head, A: net.IPv4(127, 0, 0, 1)})
		case name == "localhost." || ok:
		default:
			a.Rcode = dns.RcodeNameError
		}
		_ = out.WriteMsg(a)
	})
	for _, s := range []*dns.Server{{PacketConn: pc, Handler: handler}, {Listener: l, Handler: handler}} {
		go func() { _ = s.ActivateAndServe() }()
		w.t.Cleanup(func() { _ = s.Shutdown() })
	}
}

// both listens at one port for UDP and for TCP; what is free for one may be taken for the other.
func (w *World) both() (net.PacketConn, net.Listener) {
	w.t.Helper()
	for range 100 {
		pc, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			w.t.Fatal(err)
		}
		l, err := net.Listen("tcp", pc.LocalAddr().String())
		if err == nil {
			return pc, l
		}
		_ = pc.Close()
	}
	w.t.Fatal("no port is free for UDP and TCP")
	return nil, nil
}

// port finds one that is free.
func (w *World) port() int {
	w.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// Until looks again and again until something holds: processes say nothing when they are ready.
func (w *World) Until(what string, holds func() bool) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), Patience)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			w.t.Fatalf("waited in vain: %s", what)
		}
	}
}
