package federation_test

import (
	"crypto/tls"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"kith/federation"
	"kith/internal/ns"
	"kith/internal/peer"
	"kith/internal/stanza"
	"kith/server/router/routertest"
)

// passes reports whether a message from one server reaches the other. What does not is told to its sender.
func passes(t *testing.T, from, to *node) bool {
	t.Helper()
	from.message(to.domain, "hello")
	pass(t, 10*time.Second)
	got, back := to.bodies(), from.Take()
	if got == "" && (len(back) != 1 || back[0].Type != stanza.Error) {
		// Nothing is said before the other server has answered, which may be later.
		pass(t, 25*time.Hour)
		if back = from.Take(); len(back) != 1 || back[0].Type != stanza.Error {
			t.Errorf("%s is not told: %s", from.domain, routertest.Text(back))
		}
	}
	return got == "hello"
}

// With whom a server communicates: with everybody, with those who are allowed, with nobody; and with
// push services in any case, so that phones can be woken.
func TestPolicies(t *testing.T) {
	type rules map[string]peer.Rule
	for what, v := range map[string]struct {
		policy federation.Policy
		rules  rules
		domain string
		want   bool
	}{
		"open":                             {policy: federation.Open, domain: "b.example", want: true},
		"open, blocked":                    {policy: federation.Open, rules: rules{"b.example": peer.Block}, domain: "b.example"},
		"open, the domain above blocked":   {policy: federation.Open, rules: rules{"example": peer.Block}, domain: "b.example"},
		"open, nearest counts":             {policy: federation.Open, rules: rules{"example": peer.Block, "b.example": peer.Allow}, domain: "b.example", want: true},
		"open, no more than a like name":   {policy: federation.Open, rules: rules{"b.example": peer.Block}, domain: "notb.example", want: true},
		"allow-list, not on it":            {policy: federation.AllowList, domain: "b.example"},
		"allow-list, on it":                {policy: federation.AllowList, rules: rules{"b.example": peer.Allow}, domain: "b.example", want: true},
		"allow-list, the domain above":     {policy: federation.AllowList, rules: rules{"example": peer.Allow}, domain: "b.example", want: true},
		"allow-list, another one":          {policy: federation.AllowList, rules: rules{"c.example": peer.Allow}, domain: "b.example"},
		"allow-list, blocked below":        {policy: federation.AllowList, rules: rules{"example": peer.Allow, "b.example": peer.Block}, domain: "b.example"},
		"off":                              {policy: federation.Off, domain: "b.example"},
		"off, a push service":              {policy: federation.Off, domain: "push.example", want: true},
		"allow-list, a push service":       {policy: federation.AllowList, domain: "push.example", want: true},
		"off, a push service that is shut": {policy: federation.Off, rules: rules{"push.example": peer.Block}, domain: "push.example"},
	} {
		t.Run(what, func(t *testing.T) {
			play(t, func(t *testing.T, in *internet) {
				a := in.server("a.example", func(n *node) { n.cfg.Push = []string{"push.example"} })
				b := in.server(v.domain)
				if err := a.SetPolicy(t.Context(), v.policy); err != nil {
					t.Fatal(err)
				}
				for d, r := range v.rules {
					if err := a.SetRule(d, r); err != nil {
						t.Fatal(err)
					}
				}
				check := func() {
					t.Helper()
					if got := passes(t, a, b); got != v.want {
						t.Errorf("out: %v", got)
					}
					if got := passes(t, b, a); got != v.want {
						t.Errorf("in: %v", got)
					}
					if got := a.status(v.domain).Permitted; got != v.want {
						t.Errorf("permitted: %v", got)
					}
				}
				check()
				a.stop()
				a.start()
				check()
			})
		})
	}
	// What the configuration says cannot be changed by command.
	play(t, func(t *testing.T, in *internet) {
		a := in.server("a.example", func(n *node) {
			n.cfg.Policy, n.cfg.Allow, n.cfg.Block = "allow", []string{"b.example"}, []string{"bad.b.example"}
		})
		if err := a.SetPolicy(t.Context(), federation.Open); !errors.Is(err, federation.ErrFixed) {
			t.Errorf("it is changed: %v", err)
		}
		b, bad, c := in.server("b.example"), in.server("bad.b.example"), in.server("c.example")
		if !passes(t, a, b) || passes(t, bad, a) || passes(t, c, a) {
			t.Error("the configuration does not count")
		}
	})
	// A server that nobody else can reach is off unless it is said.
	play(t, func(t *testing.T, in *internet) {
		a, b := in.server("a.example", func(n *node) { n.deps.Local = true }), in.server("b.example")
		if passes(t, a, b) || passes(t, b, a) {
			t.Error("a local server communicates")
		}
	})
}

// A decision counts at once: streams end, and what waits goes back.
func TestBlockedInTheMiddle(t *testing.T) {
	play(t, func(t *testing.T, in *internet) {
		a, b := in.server("a.example"), in.server("b.example")
		if !passes(t, a, b) || !passes(t, b, a) {
			t.Fatal("they do not reach each other")
		}
		c := in.server("c.example")
		in.unplug(c.address)
		accepted := a.message("c.example", "waits")
		pass(t, time.Minute)
		for _, d := range []string{"b.example", "c.example"} {
			if err := a.SetRule(d, peer.Block); err != nil {
				t.Fatal(err)
			}
		}
		pass(t, 10*time.Second)
		back := a.Take()
		if len(back) != 1 || back[0].ID != "waits" || back[0].ReadFault().Condition != stanza.NotAllowed || !is(accepted) || a.waiting() != 0 {
			t.Errorf("came back: %s", routertest.Text(back))
		}
		if st := a.status("b.example"); st.State != "idle" || st.Incoming != 0 {
			t.Errorf("%+v", st)
		}
		if passes(t, b, a) || passes(t, a, b) {
			t.Error("they still reach each other")
		}
	})
}

// Nothing below TLS 1.2, and no old cipher suites, in either direction.
func TestOldTLS(t *testing.T) {
	for what, old := range map[string]*tls.Config{
		"TLS 1.1":                       {MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11},
		"TLS 1.2 with CBC":              {MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA}},
		"TLS 1.2 with RSA key exchange": {MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_RSA_WITH_AES_128_GCM_SHA256}},
	} {
		t.Run(what, func(t *testing.T) {
			play(t, func(t *testing.T, in *internet) {
				a := in.server("a.example")
				r := in.dialRaw(a)
				r.open("b.example", "a.example")
				r.get()
				r.send("<starttls xmlns='" + ns.TLS + "'/>")
				r.expect("<proceed")
				c := old.Clone()
				c.ServerName, c.InsecureSkipVerify = "a.example", true
				if err := tls.Client(r.conn, c).HandshakeContext(t.Context()); err == nil {
					t.Error("it is accepted")
				}
				_ = r.conn.Close()

				c = old.Clone()
				c.Certificates = []tls.Certificate{in.ca.certify(nil, "b.example")}
				in.at("b.example", "203.0.113.100", 5269, func(conn net.Conn) {
					go func() {
						r := newRaw(t, conn)
						if _, err := r.item(); err != nil {
							return
						}
						r.try("<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:stream='" + ns.Stream + "' from='b.example' to='a.example' version='1.0'>" +
							"<stream:features><starttls xmlns='" + ns.TLS + "'/></stream:features>")
						if _, err := r.item(); err != nil {
							return
						}
						r.try("<proceed xmlns='" + ns.TLS + "'/>")
						if tls.Server(conn, c).HandshakeContext(t.Context()) == nil {
							t.Error("it connects")
						}
						_ = conn.Close()
					}()
				})
				a.message("b.example", "hello")
				pass(t, time.Minute)
				if got := a.status("b.example").Error; !strings.Contains(got, "cannot agree on encryption") {
					t.Errorf("the reason is %q", got)
				}
				in.unplug("203.0.113.100:5269")
				pass(t, time.Minute)
			})
		})
	}
}
