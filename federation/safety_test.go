package federation_test

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"kith/internal/clock"
	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/server/router/routertest"
)

// Nobody speaks for a domain that was not proven on this very stream, and nothing is relayed.
func TestForgedAddresses(t *testing.T) {
	for what, xml := range map[string]string{
		"another domain":      `<message from='bob@bank.example' to='alice@a.example'><body>x</body></message>`,
		"this server itself":  `<message from='admin@a.example' to='alice@a.example'><body>x</body></message>`,
		"a domain below":      `<message from='bob@sub.evil.example' to='alice@a.example'><body>x</body></message>`,
		"a domain above":      `<message from='bob@example' to='alice@a.example'><body>x</body></message>`,
		"nobody":              `<message to='alice@a.example'><body>x</body></message>`,
		"relaying":            `<message from='bob@evil.example' to='carol@c.example'><body>x</body></message>`,
		"relaying to itself":  `<message from='bob@evil.example' to='carol@evil.example'><body>x</body></message>`,
		"to nobody":           `<message from='bob@evil.example'><body>x</body></message>`,
		"another content":     `<message xmlns='jabber:client' from='bob@bank.example' to='alice@a.example'><body>x</body></message>`,
		"prefixed attributes": `<message xmlns:x='y' x:from='bob@evil.example' from='bob@bank.example' to='alice@a.example'/>`,
	} {
		t.Run(what, func(t *testing.T) {
			play(t, func(t *testing.T, in *internet) {
				a := in.server("a.example")
				r := in.dialRaw(a)
				r.external("evil.example", "a.example", in.ca.certify(nil, "evil.example"))
				r.send(xml)
				if why := r.ends(); !strings.HasPrefix(why, "invalid-from") && !strings.HasPrefix(why, "improper-addressing") && !strings.HasPrefix(why, "host-unknown") {
					t.Errorf("ended with %q", why)
				}
				if got := a.Take(); len(got) > 0 {
					t.Errorf("routed %s", routertest.Text(got))
				}
			})
		})
	}
}

// What is proven for some domains cannot become another one's by a new stream, nor can it be proven twice.
func TestIdentityIsBound(t *testing.T) {
	for what, do := range map[string]func(r *raw){
		"another sender after SASL":    func(r *raw) { r.open("bank.example", "a.example") },
		"another recipient after SASL": func(r *raw) { r.open("evil.example", "groups.a.example") },
	} {
		t.Run(what, func(t *testing.T) {
			play(t, func(t *testing.T, in *internet) {
				a := in.server("a.example")
				r := in.dialRaw(a)
				cert := in.ca.certify(nil, "evil.example")
				r.open("evil.example", "a.example")
				r.get()
				r.secure("a.example", &cert)
				r.open("evil.example", "a.example")
				r.get()
				r.send("<auth xmlns='" + ns.SASL + "' mechanism='EXTERNAL'>=</auth>")
				r.expect("<success")
				r.over(r.conn)
				do(r)
				if why := r.ends(); !strings.HasPrefix(why, "invalid-from") {
					t.Errorf("ended with %q", why)
				}
			})
		})
	}
	play(t, func(t *testing.T, in *internet) {
		a := in.server("a.example")
		cert := in.ca.certify(nil, "evil.example")
		r := in.dialRaw(a)
		r.open("evil.example", "a.example")
		r.get()
		r.secure("a.example", &cert)
		r.open("evil.example", "a.example")
		r.get()
		// dialback is off; somebody else cannot be named in SASL.
		for _, who := range []string{"YmFuay5leGFtcGxl" /* bank.example */, "!", "QGE="} {
			r.send("<auth xmlns='" + ns.SASL + "' mechanism='EXTERNAL'>" + who + "</auth>")
			if who == "QGE=" {
				break
			}
			r.expect("<failure")
		}
		if why := r.ends(); !strings.HasPrefix(why, "policy-violation") {
			t.Errorf("ended with %q", why)
		}
	})
	play(t, func(t *testing.T, in *internet) {
		a := in.server("a.example")
		r := in.dialRaw(a)
		r.external("evil.example", "a.example", in.ca.certify(nil, "evil.example", "bank.example"))
		r.send("<auth xmlns='" + ns.SASL + "' mechanism='EXTERNAL'>YmFuay5leGFtcGxl</auth>")
		if why := r.ends(); !strings.HasPrefix(why, "policy-violation") {
			t.Errorf("a second authentication ended with %q", why)
		}
	})
}

// badCertificates are those that prove nothing, each with the words that say why.
func badCertificates(in *internet, domain string) map[string]func() tls.Certificate {
	other := newAuthority(in.t, "Somebody Else")
	narrow := newAuthority(in.t, "Narrow", func(c *x509.Certificate) {
		c.PermittedDNSDomains, c.PermittedDNSDomainsCritical = []string{"narrow.example"}, true
	})
	in.ca.pool.AddCert(narrow.cert)
	srvName := func(c *x509.Certificate) {
		must := func(b []byte, err error) []byte {
			if err != nil {
				in.t.Fatal(err)
			}
			return b
		}
		oid := must(asn1.Marshal(asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 8, 7}))
		value := must(asn1.Marshal(asn1.RawValue{Tag: asn1.TagIA5String, Bytes: []byte("_xmpp-server." + domain)}))
		value = must(asn1.Marshal(asn1.RawValue{Class: asn1.ClassContextSpecific, IsCompound: true, Bytes: value}))
		name := must(asn1.Marshal(asn1.RawValue{Class: asn1.ClassContextSpecific, IsCompound: true, Bytes: append(oid, value...)}))
		san := must(asn1.Marshal([]asn1.RawValue{{FullBytes: name}}))
		c.DNSNames = nil
		c.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 17}, Value: san}}
	}
	return map[string]func() tls.Certificate{
		"is for elsewhere.example and not for " + domain: func() tls.Certificate { return in.ca.certify(nil, "elsewhere.example") },
		"expired on": func() tls.Certificate {
			return in.ca.certify(func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }, domain)
		},
		"is valid only from": func() tls.Certificate {
			return in.ca.certify(func(c *x509.Certificate) { c.NotBefore = time.Now().Add(48 * time.Hour) }, domain)
		},
		"is signed by an authority that is not trusted here": func() tls.Certificate { return other.certify(nil, domain) },
		"is self-signed": func() tls.Certificate {
			return newAuthority(in.t, "me", func(c *x509.Certificate) { c.DNSNames = []string{domain} }).itself()
		},
		"names no domain": func() tls.Certificate {
			return in.ca.certify(func(c *x509.Certificate) { c.Subject = pkix.Name{CommonName: domain} })
		},
		"is for *." + domain + " and not for " + domain: func() tls.Certificate { return in.ca.certify(nil, "*."+domain) },
		"is not one for servers": func() tls.Certificate {
			return in.ca.certify(func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageEmailProtection} }, domain)
		},
		"may not make certificates for it":        func() tls.Certificate { return narrow.certify(nil, domain) },
		"may not make certificates for " + domain: func() tls.Certificate { return narrow.certify(srvName) },
	}
}

// itself is the certificate of the authority.
func (a *authority) itself() tls.Certificate {
	return tls.Certificate{Certificate: [][]byte{a.cert.Raw}, PrivateKey: a.key, Leaf: a.cert}
}

// A server that cannot prove who it is gets in nowhere, nor is anything sent to it; both sides say why.
func TestBadCertificates(t *testing.T) {
	reasons := []string{}
	play(t, func(t *testing.T, in *internet) {
		for why := range badCertificates(in, "b.example") {
			reasons = append(reasons, why)
		}
	})
	for _, why := range reasons {
		t.Run(why, func(t *testing.T) {
			play(t, func(t *testing.T, in *internet) {
				a := in.server("a.example")
				b := in.server("b.example", func(n *node) {
					n.cert = badCertificates(in, "b.example")[why]()
				})
				b.message("a.example", "let me in")
				pass(t, time.Minute)
				if got := a.Take(); len(got) > 0 {
					t.Errorf("a received %s", routertest.Text(got))
				}
				st, err := a.Status(context.Background(), "")
				if err != nil || len(st.Refused) != 1 || st.Refused[0].Domain != b.domain || !strings.Contains(st.Refused[0].Why, why) {
					t.Errorf("refused %+v %v", st.Refused, err)
				}
				if got := b.status("a.example").Error; !strings.Contains(got, why) {
					t.Errorf("b is told %q", got)
				}

				a.message(b.domain, "hello")
				pass(t, time.Minute)
				if got := b.Take(); len(got) > 0 {
					t.Errorf("b received %s", routertest.Text(got))
				}
				if got := a.status(b.domain).Error; !strings.Contains(got, why) {
					t.Errorf("a says %q", got)
				}
			})
		})
	}
	// No certificate at all.
	play(t, func(t *testing.T, in *internet) {
		a := in.server("a.example")
		r := in.dialRaw(a)
		r.open("b.example", "a.example")
		r.get()
		r.secure("a.example", nil)
		r.open("b.example", "a.example")
		if why := r.ends(); why != "not-authorized: Your server cannot prove to be b.example: it showed no certificate." {
			t.Errorf("ended with %q", why)
		}
	})
}

// Certificates by other names than that of the domain: RFC 6120 section 13.7.1.2.
func TestGoodCertificates(t *testing.T) {
	for what, change := range map[string]func(*authority) tls.Certificate{
		"wildcard": func(a *authority) tls.Certificate { return a.certify(nil, "*.b.example") },
		"capitals": func(a *authority) tls.Certificate { return a.certify(nil, "Chat.B.Example") },
		"for clients alone": func(a *authority) tls.Certificate {
			return a.certify(func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }, "chat.b.example")
		},
	} {
		t.Run(what, func(t *testing.T) {
			play(t, func(t *testing.T, in *internet) {
				a := in.server("a.example")
				r := in.dialRaw(a)
				r.external("chat.b.example", "a.example", change(in.ca))
			})
		})
	}
}

// Before somebody has proven who they are, they get little memory, little time, and no stanza through.
func TestStrangersAreBounded(t *testing.T) {
	for what, do := range map[string]func(r *raw){
		"a stanza":           func(r *raw) { r.send("<message from='bob@b.example' to='alice@a.example'><body>x</body></message>") },
		"large":              func(r *raw) { r.try("<starttls xmlns='" + ns.TLS + "'>" + strings.Repeat("x", 1<<20)) },
		"many elements":      func(r *raw) { r.try("<starttls xmlns='" + ns.TLS + "'>" + strings.Repeat("<a/>", 1000)) },
		"deep":               func(r *raw) { r.try("<starttls xmlns='" + ns.TLS + "'>" + strings.Repeat("<a>", 1000)) },
		"many attributes":    func(r *raw) { r.try("<a " + strings.Repeat("b='c' ", 1000)) },
		"many small things":  func(r *raw) { r.try(strings.Repeat("<a xmlns='"+ns.SM+"'/>", 1000)) },
		"white space":        func(r *raw) { r.try(strings.Repeat(" ", 1<<22)) },
		"a doctype":          func(r *raw) { r.try("<!DOCTYPE x [<!ENTITY a 'b'>]>") },
		"a comment":          func(r *raw) { r.try("<!-- x -->") },
		"an instruction":     func(r *raw) { r.try("<?x y?>") },
		"not XML":            func(r *raw) { r.try("GET / HTTP/1.1\r\n\r\n") },
		"SASL without TLS":   func(r *raw) { r.try(strings.Repeat("<auth xmlns='"+ns.SASL+"' mechanism='EXTERNAL'>=</auth>", 10)) },
		"dialback, no TLS":   func(r *raw) { r.try("<db:result from='b.example' to='a.example'>x</db:result>") },
		"STARTTLS, and more": func(r *raw) { r.try("<starttls xmlns='" + ns.TLS + "'/><stream:stream>") },
	} {
		t.Run(what, func(t *testing.T) {
			play(t, func(t *testing.T, in *internet) {
				a := in.server("a.example")
				r := in.dialRaw(a)
				r.open("b.example", "a.example")
				r.get()
				go do(r)
				began := time.Now()
				r.ends()
				if took := time.Since(began); took > 31*time.Second {
					t.Errorf("it lasted %s", took)
				}
				if got := a.Take(); len(got) > 0 {
					t.Errorf("routed %s", routertest.Text(got))
				}
			})
		})
	}
	play(t, func(t *testing.T, in *internet) {
		a := in.server("a.example", func(n *node) { n.cfg.Handshakes = 4 })
		silent := []*raw{}
		for range 4 {
			silent = append(silent, in.dialRaw(a))
		}
		fifth := in.dialRaw(a)
		if _, err := fifth.conn.Read(make([]byte, 1)); err == nil {
			t.Error("one too many was let in")
		}
		began := time.Now()
		for _, r := range silent {
			if why := r.ends(); !strings.HasPrefix(why, "connection-timeout") {
				t.Errorf("ended with %q", why)
			}
			_ = r.conn.Close()
		}
		if took := time.Since(began); took > time.Minute {
			t.Errorf("silence lasted %s", took)
		}
		// Who was not let in before is now.
		pass(t, 10*time.Second)
		r := in.dialRaw(a)
		r.external("b.example", "a.example", in.ca.certify(nil, "b.example"))
		// And one domain does not get all connections.
		var mine []*raw
		for range a.cfg.Connections + 2 {
			r := in.dialRaw(a)
			r.external("many.example", "a.example", in.ca.certify(nil, "many.example"))
			mine = append(mine, r)
			pass(t, time.Second)
		}
		if why := mine[0].ends(); !strings.HasPrefix(why, "conflict") {
			t.Errorf("the oldest one ended with %q", why)
		}
		if st := a.status("many.example"); st.Incoming > a.cfg.Connections {
			t.Errorf("%d connections", st.Incoming)
		}
	})
}

// What is too large once the other side is known ends the stream as well.
func TestOversizedStanza(t *testing.T) {
	play(t, func(t *testing.T, in *internet) {
		a := in.server("a.example")
		r := in.dialRaw(a)
		features := r.external("b.example", "a.example", in.ca.certify(nil, "b.example"))
		if got := features.Child(ns.StreamLimits, "limits").ChildText(ns.StreamLimits, "max-bytes"); got != "524288" {
			t.Errorf("announced %q", got)
		}
		go r.try("<message from='bob@b.example' to='alice@a.example'><body>" + strings.Repeat("x", 600_000) + "</body></message>")
		if why := r.ends(); !strings.HasPrefix(why, "policy-violation") {
			t.Errorf("ended with %q", why)
		}
	})
}

// An error is never answered with an error, whoever sends it for whatever.
func TestNoErrorForAnError(t *testing.T) {
	play(t, func(t *testing.T, in *internet) {
		a := in.server("a.example")
		r := in.dialRaw(a)
		r.external("b.example", "a.example", in.ca.certify(nil, "b.example"))
		conns := in.listenRaw("b.example", "203.0.113.200")
		for _, xml := range []string{
			`<message from='bob@b.example' to='alice@a.example' type='error' id='1'><error type='cancel'/></message>`,
			`<message from='bob@b.example' to='@@a.example' type='error' id='2'><error type='cancel'/></message>`,
			`<iq from='bob@b.example' to='alice@a.example' type='result' id='3'/>`,
			`<iq from='bob@b.example' to='alice@a.example' type='nonsense' id='4'/>`,
			`<presence from='bob@b.example' to='alice@a.example' type='nonsense' id='5'/>`,
			`<presence from='bob@b.example' to='alice@a.example' type='error' id='6'/>`,
		} {
			r.send(xml)
		}
		pass(t, time.Second)
		for _, st := range a.Take() {
			if st.Type != stanza.Error && st.Type != stanza.Result {
				t.Errorf("routed %s", st)
			}
		}
		// One of them is a request that is none, and is told so; the others are not answered.
		select {
		case c := <-conns:
			c.answer(in.ca.certify(nil, "b.example"), "b.example", "a.example", "")
			for {
				item, err := c.item()
				if err != nil {
					break
				}
				if item.Element.IsZero() {
					continue
				}
				if id := item.Element.Attr("id"); id != "4" && id != "5" {
					t.Errorf("answered %s", item.Element.Source())
				}
				if item.Element.Attr("type") == "get" {
					break
				}
				if item.Element.Attr("id") == "4" {
					break
				}
			}
			_ = c.conn.Close()
		default:
		}
	})
}

// A key that changes while the certificate before was good for long is a warning, one that is renewed is
// none (jabber.ru, 2023).
func TestUnexpectedKey(t *testing.T) {
	play(t, func(t *testing.T, in *internet) {
		a := in.server("a.example")
		meet := func(cert tls.Certificate) {
			r := in.dialRaw(a)
			r.external("b.example", "a.example", cert)
			_ = r.conn.Close()
			settle()
		}
		first := in.ca.certify(nil, "b.example")
		meet(first)
		meet(first)
		if st := a.status("b.example"); len(st.Keys) != 1 || !st.Changed.IsZero() || st.Keys[0].Issuer != "CN=Test Authority" {
			t.Errorf("%+v", st)
		}
		pass(t, 70*24*time.Hour)
		renewed := in.ca.certify(nil, "b.example")
		meet(renewed)
		if st := a.status("b.example"); len(st.Keys) != 2 || !st.Changed.IsZero() {
			t.Errorf("a renewal: %+v", st)
		}
		pass(t, 10*24*time.Hour)
		other := newAuthority(t, "Other Authority")
		in.ca.pool.AddCert(other.cert)
		meet(other.certify(nil, "b.example"))
		st := a.status("b.example")
		if st.Changed.IsZero() || !strings.Contains(st.Why, "another authority") || a.Counters().KeyAlarms.Load() != 1 {
			t.Errorf("an interception: %+v", st)
		}
		if log := a.logged(); !strings.Contains(log, "changed unexpectedly") || strings.Contains(log, "b.example") {
			t.Errorf("the log has %q", log)
		}
		// It outlives the server.
		a.stop()
		a.start()
		if st := a.status("b.example"); st.Changed.IsZero() || len(st.Keys) != 3 {
			t.Errorf("after a restart: %+v", st)
		}
		if ok, err := a.Trust("b.example"); !ok || err != nil {
			t.Errorf("trust: %v %v", ok, err)
		}
		if ok, _ := a.Trust("b.example"); ok || !a.status("b.example").Changed.IsZero() {
			t.Error("the warning is still there")
		}
	})
}

// A server may send what it likes after the handshake; none of it is more than a lost connection.
func TestNonsenseAfterTheHandshake(t *testing.T) {
	for what, xml := range map[string]string{
		"acknowledging too much": `<enable xmlns='urn:xmpp:sm:3'/><a xmlns='urn:xmpp:sm:3' h='77'/>`,
		"no number":              `<enable xmlns='urn:xmpp:sm:3'/><a xmlns='urn:xmpp:sm:3' h='x'/>`,
		"a stanza of no kind":    `<letter from='bob@b.example' to='alice@a.example'/>`,
		"another header":         `<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' from='b.example' to='a.example' version='1.0'>`,
		"STARTTLS again":         `<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>`,
		"answers to nothing":     `<db:result xmlns:db='jabber:server:dialback' from='bank.example' to='a.example' type='valid'/>`,
		"verified by nobody":     `<db:verify xmlns:db='jabber:server:dialback' from='bank.example' to='a.example' id='1' type='valid'/>`,
		"a broken tag":           `<message <`,
	} {
		t.Run(what, func(t *testing.T) {
			play(t, func(t *testing.T, in *internet) {
				a := in.server("a.example")
				r := in.dialRaw(a)
				r.external("b.example", "a.example", in.ca.certify(nil, "b.example"))
				r.send(xml)
				r.try("<message from='bob@bank.example' to='alice@a.example'><body>x</body></message>")
				r.ends()
				settle()
				if got := a.Take(); len(got) > 0 {
					t.Errorf("routed %s", routertest.Text(got))
				}
			})
		})
	}
}

// An endless handshake of a server that is called is given up.
func TestEndlessHandshake(t *testing.T) {
	for what, serve := range map[string]func(r *raw){
		"silence": func(*raw) {},
		"chatter": func(r *raw) {
			r.open("slow.example", "a.example")
			for range 1000 {
				r.try("<stream:features xmlns:stream='" + ns.Stream + "'/><x xmlns='y'/> ")
			}
		},
		"white space": func(r *raw) {
			for {
				if _, err := r.conn.Write([]byte(" ")); err != nil {
					return
				}
				_ = clock.Sleep(context.Background(), clock.Real{}, time.Millisecond)
			}
		},
		"noise": func(r *raw) {
			b := make([]byte, 1<<16)
			rand.Read(b)
			r.try(string(b))
		},
		"no encryption": func(r *raw) {
			r.open("slow.example", "a.example")
			r.try("<stream:features xmlns:stream='" + ns.Stream + "'/>")
		},
		"another name": func(r *raw) { r.open("bank.example", "a.example") },
		"an error": func(r *raw) {
			r.open("slow.example", "a.example")
			r.try("<stream:error><host-unknown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>")
		},
	} {
		t.Run(what, func(t *testing.T) {
			play(t, func(t *testing.T, in *internet) {
				a := in.server("a.example")
				in.at("slow.example", "203.0.113.100", 5269, func(c net.Conn) {
					r := newRaw(t, c)
					go func() {
						b := make([]byte, 1024)
						for {
							if _, err := c.Read(b); err != nil {
								return
							}
						}
					}()
					go serve(r)
				})
				a.message("slow.example", "hello")
				pass(t, 2*time.Minute)
				st := a.status("slow.example")
				if st.State == "connected" || st.Error == "" {
					t.Errorf("%+v", st)
				}
				t.Log(st.Error)
				in.unplug("203.0.113.100:5269")
				pass(t, 2*time.Minute)
			})
		})
	}
}

// A server that takes what it is sent and acknowledges nothing counts as lost.
func TestNoAcknowledgement(t *testing.T) {
	play(t, func(t *testing.T, in *internet) {
		a := in.server("a.example")
		conns := in.listenRaw("b.example", "203.0.113.100")
		a.message("b.example", "hello")
		r := <-conns
		r.answer(in.ca.certify(nil, "b.example"), "b.example", "a.example", "<sm xmlns='"+ns.SM+"'/>")
		r.expect("<enable")
		r.send("<enabled xmlns='" + ns.SM + "' id='x'/>")
		r.expect("<message", "hello")
		began := time.Now()
		r.ends()
		if took := time.Since(began); took < 20*time.Second || took > time.Minute || a.Counters().AckTimeout.Load() != 1 {
			t.Errorf("given up after %s", took)
		}
		_ = r.conn.Close()
		// The next one is asked how far the last one got.
		r = <-conns
		r.answer(in.ca.certify(nil, "b.example"), "b.example", "a.example", "<sm xmlns='"+ns.SM+"'/>")
		r.expect("<resume", "previd='x'")
		r.send("<failed xmlns='" + ns.SM + "' h='1'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>")
		r.expect("<enable")
		r.send("<enabled xmlns='" + ns.SM + "' id='y'/>")
		a.message("b.example", "again")
		r.expect("<message", "again")
		r.expect("<r")
		r.send("<a xmlns='" + ns.SM + "' h='1'/>")
		settle()
		if n := a.waiting(); n != 0 {
			t.Errorf("%d on disk", n)
		}
	})
}

// To a server without acknowledgements a ping follows what matters, and its answer confirms it.
func TestWithoutStreamManagement(t *testing.T) {
	play(t, func(t *testing.T, in *internet) {
		a := in.server("a.example")
		conns := in.listenRaw("b.example", "203.0.113.100")
		cert := in.ca.certify(nil, "b.example")
		accepted := a.message("b.example", "one")
		r := <-conns
		r.answer(cert, "b.example", "a.example", "")
		r.expect("<message", "one")
		ping := r.expect("<iq", "urn:xmpp:ping")
		settle()
		if is(accepted) {
			t.Error("accepted before it is known to have arrived")
		}
		back := in.dialRaw(a)
		back.external("b.example", "a.example", cert)
		back.send(fmt.Sprintf("<iq from='b.example' to='a.example' type='error' id='%s'/>", ping.Attr("id")))
		pass(t, 100*time.Millisecond)
		if !is(accepted) {
			t.Error("not accepted although it arrived")
		}
		if got := a.Take(); len(got) > 0 {
			t.Errorf("routed %s", routertest.Text(got))
		}
		// What was not confirmed is sent again over the next connection.
		a.message("b.example", "two")
		r.expect("<message", "two")
		_ = r.conn.Close()
		r = <-conns
		r.answer(cert, "b.example", "a.example", "")
		r.expect("<message", "two")
		_ = r.conn.Close()
		// Who answers no ping is believed to have what was written.
		r = <-conns
		r.answer(cert, "b.example", "a.example", "")
		r.expect("<message", "two")
		r.expect("<iq")
		pass(t, 2*time.Minute)
		if n := a.waiting(); n != 0 || a.Counters().Deaf.Load() != 1 {
			t.Errorf("%d on disk", n)
		}
	})
}
