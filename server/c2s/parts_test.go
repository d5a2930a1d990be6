package c2s

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/sasl"
	"kith/internal/sasl/sasltest"
	"kith/internal/stream"
	"kith/server/module"
)

func TestConfig(t *testing.T) {
	if err := DefaultConfig().Validate(); err != nil {
		t.Fatal(err)
	}
	bad := DefaultConfig()
	bad.StanzaBytes, bad.LoginTries, bad.ResumeTime = 9999, 7, -time.Second
	err := bad.Validate()
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{"c2s.stanza_bytes", "c2s.login_tries is 7; allowed are 1 to 6", "c2s.resume_time"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %q", want, err)
		}
	}
	if _, err := New(bad, Deps{Domain: jid.Must(domain)}); err == nil {
		t.Error("a server was made of it")
	}
	if _, err := New(DefaultConfig(), Deps{Domain: jid.Must("alice@kith.example")}); err == nil {
		t.Error("an account is no domain")
	}
}

func TestCountersHaveNames(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range newCounters().All() {
		if !strings.HasPrefix(c.Name(), "c2s_") || seen[c.Name()] {
			t.Errorf("name %q", c.Name())
		}
		seen[c.Name()] = true
	}
}

func TestDescribe(t *testing.T) {
	r := module.NewRegistry()
	Describe(r)
	for _, n := range []int{198, 352, 386, 388, 484} {
		if !slices.ContainsFunc(r.XEPs, func(x module.XEP) bool { return x.Number == n }) {
			t.Errorf("XEP-%04d is not described", n)
		}
	}
}

// The certificate that a client was shown is known in whatever way it is configured.
func TestEndPointBinding(t *testing.T) {
	for name, change := range map[string]func(*tls.Config) *tls.Config{
		"list": func(c *tls.Config) *tls.Config { return c },
		"function": func(c *tls.Config) *tls.Config {
			certs := c.Certificates
			return &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &certs[0], nil }, MinVersion: tls.VersionTLS12}
		},
		"unparsed": func(c *tls.Config) *tls.Config {
			c = c.Clone()
			c.Certificates = []tls.Certificate{{Certificate: c.Certificates[0].Certificate, PrivateKey: c.Certificates[0].PrivateKey}}
			return c
		},
		"configuration per client": func(c *tls.Config) *tls.Config {
			return &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return c, nil }, MinVersion: tls.VersionTLS12}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.auth.add(t, sasl.Hashes(), "alice")
			srv, err := New(DefaultConfig(), Deps{
				Domain: jid.Must(domain), Auth: w.auth, Accounts: w.accounts, Registry: w.registry, TLS: change(w.tls), Clock: w.clock,
			})
			if err != nil {
				t.Fatal(err)
			}
			c := w.tcp(srv.Serve)
			c.open("")
			c.startTLS(w)
			o := offered(c.open(""))
			cl := scram("alice")
			cl.Mechanism, cl.Binding, cl.Offer = sasl.ScramSHA256Plus, sasl.ServerEndPoint, &o
			if cl.Data, err = sasl.EndPointData(w.leaf); err != nil {
				t.Fatal(err)
			}
			if e := c.authenticate(cl.Mechanism, cl, ""); !e.Is(ns.SASL2, "success") {
				t.Fatal(e.Source())
			}
		})
	}
}

// TLS may end before the server is handed the connection.
func TestTLSThatHasBegun(t *testing.T) {
	w := newWorld(t)
	w.auth.add(t, sasl.Hashes(), "alice")
	c := w.tcp(func(conn net.Conn) { w.srv.ServeTLS(tls.Server(conn, w.tls)) })
	config := w.clientTLS()
	config.NextProtos = nil
	c.upgrade(config)
	if o := offered(c.open("")); !slices.Equal(o.Bindings, []sasl.Binding{sasl.Exporter}) {
		t.Fatalf("bindings %v: the certificate is not known here", o.Bindings)
	}
	c.login2("alice", "<bind xmlns='"+ns.Bind2+"'/>")
}

func TestNoCertificate(t *testing.T) {
	w := newWorld(t)
	srv, err := New(DefaultConfig(), Deps{Domain: jid.Must(domain), Auth: w.auth, Accounts: w.accounts, Registry: w.registry, Clock: w.clock})
	if err != nil {
		t.Fatal(err)
	}
	c := w.tcp(srv.Serve) // from this machine, without TLS
	if f := c.open(""); !f.Child(ns.TLS, "starttls").IsZero() || f.Child(ns.SASL2, "authentication").IsZero() {
		t.Fatal(f.Source())
	}
	c.send("<starttls xmlns='" + ns.TLS + "'/>")
	c.expect(ns.TLS, "failure")
	c.expectEnd()
	d := w.tcp(srv.ServeTLS)
	d.expectGone()
}

// An account that is removed while its client signs in.
func TestAccountVanishes(t *testing.T) {
	w := newWorld(t)
	w.auth.add(t, sasl.Hashes(), "alice")
	for _, inline := range []bool{true, false} {
		c := w.secure()
		c.open("")
		c.send("<authenticate xmlns='" + ns.SASL2 + "' mechanism='SCRAM-SHA-256'><initial-response>" + b64(scram("alice").First()) + "</initial-response></authenticate>")
		c.expect(ns.SASL2, "challenge")
		c.send("<abort xmlns='" + ns.SASL2 + "'/>")
		c.expect(ns.SASL2, "failure")
		cl := scram("alice")
		if inline {
			gone := &vanishing{SCRAM: cl, then: func() { w.auth.remove("alice") }}
			if e := c.authenticate(sasl.ScramSHA256, gone, "<bind xmlns='"+ns.Bind2+"'/>"); e.Child(ns.SASL, "not-authorized").IsZero() {
				t.Fatal(e.Source())
			}
			w.auth.add(t, sasl.Hashes(), "alice")
			continue
		}
		c.authenticate(sasl.ScramSHA256, cl, "")
		c.expect(ns.Stream, "features")
		w.auth.remove("alice")
		c.send("<iq type='set' id='b'><bind xmlns='" + ns.Bind + "'/></iq>")
		c.expectError(stream.NotAuthorized)
	}
	if got := len(w.srv.sessions.all()); got != 0 {
		t.Errorf("%d sessions", got)
	}
}

// vanishing is a client whose account is gone when it proves its password.
type vanishing struct {
	*sasltest.SCRAM
	then func()
}

func (v *vanishing) Next(challenge []byte) ([]byte, error) {
	v.then()
	return v.SCRAM.Next(challenge)
}

// What is remembered of ended sessions is bounded.
func TestEndedIsBounded(t *testing.T) {
	var r registry
	r.init(nil)
	alice := jid.Must("alice@kith.example")
	for i := range maxEnded + 10 {
		r.mu.Lock()
		r.remember(Ended{ID: fmt.Sprint(i), Account: alice, H: uint32(i)})
		r.mu.Unlock()
	}
	list := r.endedList()
	if len(list) != maxEnded || list[0].ID != "10" || list[len(list)-1].ID != fmt.Sprint(maxEnded+9) {
		t.Fatalf("%d remembered, from %v to %v", len(list), list[0], list[len(list)-1])
	}
	if _, e := r.find("9", alice); e != nil {
		t.Error("the oldest is still known")
	}
	r.update("10", 99)
	if _, e := r.find("10", alice); e == nil || e.H != 99 {
		t.Errorf("corrected to %+v", e)
	}
	if len(r.ended) != maxEnded {
		t.Errorf("%d in the table", len(r.ended))
	}
}

func TestRemoteAddr(t *testing.T) {
	for want, a := range map[string]net.Addr{
		"192.0.2.1":   &net.TCPAddr{IP: net.ParseIP("192.0.2.1"), Port: 1},
		"2001:db8::1": &net.TCPAddr{IP: net.ParseIP("2001:db8::1"), Port: 1},
		"192.0.2.2":   fakeAddr("192.0.2.2:80"),
		"invalid IP":  fakeAddr("pipe"),
	} {
		if got := remoteAddr(a); got.String() != want {
			t.Errorf("%v: %v, want %s", a, got, want)
		}
	}
	if remoteAddr(nil) != (netip.Addr{}) {
		t.Error("an address of nothing")
	}
}

type fakeAddr string

func (fakeAddr) Network() string  { return "fake" }
func (a fakeAddr) String() string { return string(a) }
