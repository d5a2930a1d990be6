package federation_test

import (
	"crypto/tls"
	"fmt"
	"strings"
	"testing"
	"time"

	"kith/internal/ns"
	"kith/internal/stream"
	"kith/server/router/routertest"
)

// called is the other side of a connection that a server makes, up to the features under TLS.
func (r *raw) called(cert tls.Certificate, domain, peer string) {
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
	begin("<dialback xmlns='urn:xmpp:features:dialback'/>")
}

// impostor is a connection under TLS whose certificate proves nothing.
func (in *internet) impostor(to *node, domain string) *raw {
	in.t.Helper()
	r := in.dialRaw(to)
	cert := in.ca.certify(nil, "impostor.example")
	r.open(domain, to.domain)
	r.get()
	r.secure(to.domain, &cert)
	r.open(domain, to.domain)
	r.expect("urn:xmpp:features:dialback")
	return r
}

func result(from, to, key string) string {
	return fmt.Sprintf("<db:result from='%s' to='%s'>%s</db:result>", from, to, key)
}

func dialbackNode(in *internet) *node {
	return in.server("a.example", func(n *node) { n.cfg.Dialback = true })
}

// Whoever is not vouched for by the server that DNS names gets nothing through, whatever that one or
// anybody else says (XEP-0220, and the notice about forged answers of 2012).
func TestForgedDialback(t *testing.T) {
	for what, answer := range map[string]func(id string) string{
		"invalid": func(id string) string {
			return "<db:verify from='bank.example' to='a.example' id='" + id + "' type='invalid'/>"
		},
		"about another id": func(string) string { return "<db:verify from='bank.example' to='a.example' id='x' type='valid'/>" },
		"from another domain": func(id string) string {
			return "<db:verify from='evil.example' to='a.example' id='" + id + "' type='valid'/>"
		},
		"for another domain": func(id string) string {
			return "<db:verify from='bank.example' to='groups.a.example' id='" + id + "' type='valid'/>"
		},
		"a result instead": func(string) string { return "<db:result from='bank.example' to='a.example' type='valid'/>" },
		"an error": func(id string) string {
			return "<db:verify from='bank.example' to='a.example' id='" + id + "' type='error'/>"
		},
		"no type": func(id string) string { return "<db:verify from='bank.example' to='a.example' id='" + id + "'/>" },
		"nothing": func(string) string { return "" },
	} {
		t.Run(what, func(t *testing.T) {
			play(t, func(t *testing.T, in *internet) {
				a := dialbackNode(in)
				bank := in.listenRaw("bank.example", "203.0.113.100")
				r := in.impostor(a, "bank.example")
				r.send(result("bank.example", "a.example", "a made up key"))
				b := <-bank
				b.called(in.ca.certify(nil, "x.example"), "bank.example", "a.example")
				v := b.expect("<db:verify", "a made up key")
				if v.Attr("from") != "a.example" || v.Attr("to") != "bank.example" {
					t.Errorf("asked %s", v.Source())
				}
				b.try(answer(v.Attr("id")))
				r.try("<message from='bob@bank.example' to='alice@a.example'><body>x</body></message>")
				r.ends()
				pass(t, time.Minute)
				if got := a.Take(); len(got) > 0 {
					t.Errorf("routed %s", routertest.Text(got))
				}
				if st := a.status("bank.example"); !st.First.IsZero() {
					t.Errorf("it counts as proven: %+v", st)
				}
			})
		})
	}
}

// A stream carries what is for and from the very pairs of domains that were proven on it, and not more.
func TestPairsOfDialback(t *testing.T) {
	for what, v := range map[string]struct{ xml, ends string }{
		"what was proven":          {"<message from='bob@bank.example' to='alice@a.example'><body>x</body></message>", ""},
		"another sender":           {"<message from='bob@shop.example' to='alice@a.example'><body>x</body></message>", "invalid-from"},
		"a domain below":           {"<message from='bob@sub.bank.example' to='alice@a.example'><body>x</body></message>", "invalid-from"},
		"another recipient":        {"<message from='bob@bank.example' to='den@groups.a.example'><body>x</body></message>", "host-unknown"},
		"relayed":                  {"<message from='bob@bank.example' to='carol@c.example'><body>x</body></message>", "host-unknown"},
		"in the name of the host":  {result("a.example", "a.example", "k"), "invalid-from"},
		"an answer to nothing":     {"<db:result from='shop.example' to='a.example' type='valid'/>", "invalid-from"},
		"a verdict about nothing":  {"<db:verify from='shop.example' to='a.example' id='1' type='valid'/>", "invalid-from"},
		"no domain":                {result("@", "a.example", "k"), "improper-addressing"},
		"the host without a proof": {"<message from='admin@a.example' to='alice@a.example'><body>x</body></message>", "invalid-from"},
	} {
		t.Run(what, func(t *testing.T) {
			play(t, func(t *testing.T, in *internet) {
				a := dialbackNode(in)
				bank := in.listenRaw("bank.example", "203.0.113.100")
				r := in.impostor(a, "bank.example")
				r.send(result("bank.example", "a.example", "key"))
				b := <-bank
				b.called(in.ca.certify(nil, "x.example"), "bank.example", "a.example")
				b.send("<db:verify from='bank.example' to='a.example' id='" + b.expect("<db:verify").Attr("id") + "' type='valid'/>")
				r.expect("<db:result", "type='valid'", "from='a.example'", "to='bank.example'")
				_ = b.conn.Close()
				r.send(v.xml)
				if v.ends == "" {
					pass(t, time.Second)
					if got := a.Take(); len(got) != 1 || got[0].Body() != "x" {
						t.Errorf("routed %s", routertest.Text(got))
					}
					if way := a.status("bank.example").Way; way != "" && !strings.HasPrefix(way, "dialback") {
						t.Errorf("the way is %q", way)
					}
					_ = r.conn.Close()
					return
				}
				if why := r.ends(); !strings.HasPrefix(why, v.ends) {
					t.Errorf("ended with %q, want %s", why, v.ends)
				}
				if got := a.Take(); len(got) > 0 {
					t.Errorf("routed %s", routertest.Text(got))
				}
			})
		})
	}
}

// Two domains may share a stream when each was proven (XEP-0220 section 2.5), and a refused one takes
// nothing from the other.
func TestMixedDomains(t *testing.T) {
	play(t, func(t *testing.T, in *internet) {
		a := dialbackNode(in)
		bank, shop := in.listenRaw("bank.example", "203.0.113.100"), in.listenRaw("shop.example", "203.0.113.101")
		r := in.impostor(a, "bank.example")
		say := func(c <-chan *raw, domain, verdict string) {
			t.Helper()
			r.send(result(domain, "a.example", "key"))
			b := <-c
			b.called(in.ca.certify(nil, "x.example"), domain, "a.example")
			b.send("<db:verify from='" + domain + "' to='a.example' id='" + b.expect("<db:verify").Attr("id") + "' type='" + verdict + "'/>")
			r.expect("<db:result", "type='"+verdict+"'", "to='"+domain+"'")
			_ = b.conn.Close()
		}
		say(bank, "bank.example", "valid")
		say(shop, "shop.example", "invalid")
		r.send("<message from='bob@bank.example' to='alice@a.example'><body>one</body></message>")
		say(shop, "shop.example", "valid")
		r.send("<message from='eve@shop.example' to='alice@a.example'><body>two</body></message>")
		pass(t, time.Second)
		if got := a.bodies(); got != "one two" {
			t.Errorf("a received %q", got)
		}
		// What the domains of one stream send is counted for each of them.
		_ = r.conn.Close()
	})
}

// This server vouches for its own streams, by keys that nobody else can make (XEP-0185), and only while
// dialback is on.
func TestVouching(t *testing.T) {
	play(t, func(t *testing.T, in *internet) {
		a := dialbackNode(in)
		bank := in.listenRaw("bank.example", "203.0.113.100")
		a.message("bank.example", "hello")
		b := <-bank
		b.called(in.ca.certify(nil, "bank.example"), "bank.example", "a.example")
		asked := b.expect("<db:result", "from='a.example'", "to='bank.example'")
		key := asked.Text()
		ask := func(from, to, id, key string) string {
			t.Helper()
			r := in.impostor(a, "bank.example")
			r.send(fmt.Sprintf("<db:verify from='%s' to='%s' id='%s'>%s</db:verify>", from, to, id, key))
			e := r.expect("<db:verify")
			if e.Attr("from") != to || e.Attr("to") != from || e.Attr("id") != id {
				t.Errorf("answered %s", e.Source())
			}
			_ = r.conn.Close()
			return e.Attr("type")
		}
		// The id is the one that the test has given to the stream: none.
		for what, v := range map[string]struct{ from, to, id, key, want string }{
			"its own":             {"bank.example", "a.example", "", key, "valid"},
			"another id":          {"bank.example", "a.example", "x", key, "invalid"},
			"another domain":      {"shop.example", "a.example", "", key, "invalid"},
			"another key":         {"bank.example", "a.example", "", strings.Repeat("0", 64), "invalid"},
			"no key":              {"bank.example", "a.example", "", "", "invalid"},
			"the groups' instead": {"bank.example", "groups.a.example", "", key, "invalid"},
			"not a domain of it":  {"bank.example", "c.example", "", key, "invalid"},
		} {
			if got := ask(v.from, v.to, v.id, v.key); got != v.want {
				t.Errorf("%s: %s, want %s", what, got, v.want)
			}
		}
		b.send("<db:result from='bank.example' to='a.example' type='valid'/>")
		b.expect("<message", "hello")
		_ = b.conn.Close()
	})
	// Where it is off, nobody is called back, and nothing is vouched for.
	play(t, func(t *testing.T, in *internet) {
		a := in.server("a.example")
		bank := in.listenRaw("bank.example", "203.0.113.100")
		cert := in.ca.certify(nil, "bank.example")
		r := in.dialRaw(a)
		r.open("bank.example", "a.example")
		r.get()
		r.secure("a.example", &cert)
		r.open("bank.example", "a.example")
		if e := r.get(); strings.Contains(e.Source(), "dialback") {
			t.Errorf("offered %s", e.Source())
		}
		r.send(result("bank.example", "a.example", "key"))
		r.expect("<db:result", "type='error'", "policy-violation")
		r.send("<db:verify from='bank.example' to='a.example' id='1'>key</db:verify>")
		r.expect("<db:verify", "type='invalid'")
		pass(t, time.Minute)
		if n := in.dialled("203.0.113.100:5269"); n != 0 {
			t.Errorf("called back %d times", n)
		}
		select {
		case <-bank:
			t.Error("called back")
		default:
		}
	})
}

// Whose certificate proves the domain need not be called back (XEP-0344 section 2.2).
func TestDialbackWithoutCallingBack(t *testing.T) {
	play(t, func(t *testing.T, in *internet) {
		a := dialbackNode(in)
		cert := in.ca.certify(nil, "bank.example")
		r := in.dialRaw(a)
		r.open("bank.example", "a.example")
		r.get()
		r.secure("a.example", &cert)
		r.open("bank.example", "a.example")
		r.get()
		r.send(result("bank.example", "a.example", "key"))
		r.expect("<db:result", "type='valid'")
		r.send("<message from='bob@bank.example' to='alice@a.example'><body>one</body></message>")
		pass(t, time.Second)
		if got := a.bodies(); got != "one" {
			t.Errorf("a received %q", got)
		}
		if got := in.ordered(); got != a.address {
			t.Errorf("dialled %s", got)
		}
		_ = r.conn.Close()
	})
}
