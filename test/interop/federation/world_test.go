package federation

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
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

// patience is how long something may take that must happen.
const patience = 60 * time.Second

// world is what the servers of a test share: names and an authority.
type world struct {
	t    *testing.T
	dir  string
	kith string // the program
	ca   *x509.Certificate
	key  *ecdsa.PrivateKey
	dns  string // HOST:PORT
	pool *x509.CertPool

	mu  sync.Mutex // guards srv
	srv map[string]uint16
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir(), srv: map[string]uint16{}, pool: x509.NewCertPool()}
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
	w.write("ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	w.nameServer()
	w.kith = filepath.Join(w.dir, "kith")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", w.kith, "kith/cmd/kith").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return w
}

func (w *world) path(name string) string { return filepath.Join(w.dir, name) }

func (w *world) write(name, text string) string {
	w.t.Helper()
	if err := os.MkdirAll(filepath.Dir(w.path(name)), 0o700); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(w.path(name), []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
	return w.path(name)
}

// certificate makes one for domains, like those of public authorities today, in NAME.crt and NAME.key.
func (w *world) certificate(name string, domains ...string) (cert, key string) {
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
	return w.write(name+".crt", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))),
		w.write(name+".key", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})))
}

// name says where a domain's server is, and that of its groups.
func (w *world) name(domain string, port int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.srv["_xmpp-server._tcp."+domain+"."] = uint16(port)
	w.srv["_xmpp-server._tcp.groups."+domain+"."] = uint16(port)
}

// nameServer answers for the domains of the test. All are at localhost, which Erlang asks the system for.
func (w *world) nameServer() {
	w.t.Helper()
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	w.dns = pc.LocalAddr().String()
	l, err := net.Listen("tcp", w.dns)
	if err != nil {
		w.t.Fatal(err)
	}
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

// port finds one that is free.
func (w *world) port() int {
	w.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// server is one in a process of its own, which a play can kill and start again.
type server struct {
	w      *world
	domain string
	c2s    int // with TLS from the first byte
	s2s    int
	log    string // its file
	begin  func() *exec.Cmd
	// account makes one where the server must do it; nil where apps do.
	account func(name, password string)
	cmd     *exec.Cmd
	done    chan struct{}
}

func (s *server) start() {
	t := s.w.t
	t.Helper()
	s.cmd = s.begin()
	out, err := os.OpenFile(s.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	s.cmd.Stdout, s.cmd.Stderr = out, out
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	cmd, done := s.cmd, make(chan struct{})
	s.done = done
	go func() {
		defer close(done)
		_ = cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-done
	})
	for _, port := range []int{s.c2s, s.s2s} {
		s.w.until("port of "+s.domain, func() bool {
			select {
			case <-done:
				t.Fatalf("%s ended:\n%s", s.domain, s.logged())
			default:
			}
			c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
			if err != nil {
				return false
			}
			_ = c.Close()
			return true
		})
	}
}

// kill ends the server without a warning.
func (s *server) kill() {
	_ = s.cmd.Process.Kill()
	<-s.done
}

func (s *server) logged() string {
	b, _ := os.ReadFile(s.log)
	if len(b) > 3500 {
		b = b[len(b)-3500:]
	}
	return string(b)
}

// until looks again and again until something holds: processes say nothing when they are ready.
func (w *world) until(what string, holds func() bool) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
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
