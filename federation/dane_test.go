package federation_test

import (
	"crypto/sha256"
	"crypto/sha512"
	"crypto/tls"
	"fmt"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// tlsa is a record that names a certificate, by what is asked for: its usage, what of it, and how.
func tlsa(name string, usage, selector, matching int, cert []byte, key []byte) string {
	what := cert
	if selector == 1 {
		what = key
	}
	switch matching {
	case 1:
		sum := sha256.Sum256(what)
		what = sum[:]
	case 2:
		sum := sha512.Sum512(what)
		what = sum[:]
	}
	return fmt.Sprintf("%s. 60 IN TLSA %d %d %d %x", name, usage, selector, matching, what)
}

// A server may be known by what DNS says of its certificate, if DNSSEC proves every step to it (RFC 6698,
// RFC 7673); and then by nothing else.
func TestDANE(t *testing.T) {
	const record = "_5269._tcp.xmpp.b.example"
	leaf := func(usage, selector, matching int) func(tls.Certificate, *authority) string {
		return func(c tls.Certificate, _ *authority) string {
			return tlsa(record, usage, selector, matching, c.Leaf.Raw, c.Leaf.RawSubjectPublicKeyInfo)
		}
	}
	issuer := func(usage int) func(tls.Certificate, *authority) string {
		return func(_ tls.Certificate, a *authority) string {
			return tlsa(record, usage, 0, 1, a.cert.Raw, a.cert.RawSubjectPublicKeyInfo)
		}
	}
	type kind struct {
		trusted bool   // the authority is a public one
		name    string // of the certificate
		record  func(tls.Certificate, *authority) string
		signed  []string
		fail    bool // the question for the record is answered with an error
		want    string
	}
	all := []string{"b.example"}
	const mismatch = "its certificate is not the one that DNS names (DANE)"
	for what, k := range map[string]kind{
		"the key, whoever signed it":            {name: "anything.test", record: leaf(3, 1, 1), signed: all, want: "DANE"},
		"the certificate by SHA-512":            {name: "anything.test", record: leaf(3, 0, 2), signed: all, want: "DANE"},
		"the whole certificate":                 {name: "anything.test", record: leaf(3, 0, 0), signed: all, want: "DANE"},
		"an authority of its own":               {name: "b.example", record: issuer(2), signed: all, want: "DANE"},
		"the name of the host will do":          {name: "xmpp.b.example", record: issuer(2), signed: all, want: "DANE"},
		"an authority of its own, another name": {name: "c.example", record: issuer(2), signed: all, want: mismatch},
		"a public one with the key":             {trusted: true, name: "b.example", record: leaf(1, 1, 1), signed: all, want: "DANE"},
		"a public one with its authority":       {trusted: true, name: "b.example", record: issuer(0), signed: all, want: "DANE"},
		"the key, but no public one":            {name: "b.example", record: leaf(1, 1, 1), signed: all, want: mismatch},
		"an authority, but no public one":       {name: "b.example", record: issuer(0), signed: all, want: mismatch},
		"another key, although it is public": {trusted: true, name: "b.example", record: func(tls.Certificate, *authority) string {
			return record + ". 60 IN TLSA 3 1 1 " + strings.Repeat("ab", 32)
		}, signed: all, want: mismatch},
		"unproven records count for nothing": {name: "anything.test", record: leaf(3, 1, 1), want: "is signed by an authority that is not trusted here"},
		"unproven records do no harm": {trusted: true, name: "b.example", record: func(tls.Certificate, *authority) string {
			return record + ". 60 IN TLSA 3 1 1 " + strings.Repeat("ab", 32)
		}, want: "certificate"},
		"half of the way is not proven": {trusted: true, name: "b.example", record: func(tls.Certificate, *authority) string {
			return record + ". 60 IN TLSA 3 1 1 " + strings.Repeat("ab", 32)
		}, signed: []string{"xmpp.b.example", "_5269._tcp.xmpp.b.example"}, want: "certificate"},
		"the record itself is not proven": {trusted: true, name: "b.example", record: func(tls.Certificate, *authority) string {
			return record + ". 60 IN TLSA 3 1 1 " + strings.Repeat("ab", 32)
		}, signed: []string{"b.example", "-" + record}, want: "certificate"},
		"a record that nobody understands":       {trusted: true, name: "b.example", record: func(tls.Certificate, *authority) string { return record + ". 60 IN TLSA 9 1 1 abab" }, signed: all, want: "certificate"},
		"whoever suppresses the record gets out": {trusted: true, name: "b.example", record: leaf(3, 1, 1), signed: all, fail: true, want: "SERVFAIL"},
	} {
		t.Run(what, func(t *testing.T) {
			in, names := newInternet(t), newNameServer(t)
			ca := in.ca
			if !k.trusted {
				ca = newAuthority(t, "Nobody's Authority")
			}
			cert := ca.certify(nil, k.name)
			b := in.server("b.example", func(n *node) { n.cert = cert })
			a := in.server("a.example", names.asks, func(n *node) { n.cfg.DANE = true })
			names.host("b.example", "xmpp.b.example", b.ip(), 5269)
			names.add(k.record(cert, ca))
			names.sign(k.signed...)
			if k.fail {
				names.fail(record, dns.TypeTLSA, dns.RcodeServerFailure)
			}
			a.message("b.example", "hello")
			if k.want == "DANE" || k.want == "certificate" {
				b.Wait(t, "the message", body("hello"))
				if way := a.status("b.example").Way; !strings.HasPrefix(way, k.want+", TLS 1.3") {
					t.Errorf("the way is %q", way)
				}
				return
			}
			until(t, "the reason", func() bool { return a.status("b.example").Error != "" })
			if got := a.status("b.example").Error; !strings.Contains(got, k.want) {
				t.Errorf("the reason is %q", got)
			}
			if got := b.Take(); len(got) > 0 {
				t.Errorf("b received %v", got)
			}
		})
	}
}

// A server that connects shows the same certificate as where it listens, and is known by the same records.
func TestDANEOfWhoConnects(t *testing.T) {
	for what, v := range map[string]struct {
		srv, signed bool
		zones       []string
		domain      string
		want        bool
	}{
		"by the record of its port":      {srv: true, signed: true, domain: "b.example", want: true},
		"at the usual port":              {signed: true, domain: "b.example", want: true},
		"unproven":                       {srv: true, domain: "b.example"},
		"only the record is proven":      {srv: true, zones: []string{"xmpp.b.example"}, domain: "b.example"},
		"unproven, at the usual port":    {domain: "b.example"},
		"the record of another domain's": {srv: true, signed: true, domain: "bank.example"},
	} {
		t.Run(what, func(t *testing.T) {
			in, names := newInternet(t), newNameServer(t)
			cert := newAuthority(t, "Nobody's Authority").certify(nil, "anything.test")
			a := in.server("a.example", names.asks, func(n *node) { n.cfg.DANE = true })
			host := "b.example"
			if v.srv {
				host = "xmpp.b.example"
				names.host("b.example", host, "203.0.113.99", 5269)
			}
			names.add(tlsa("_5269._tcp."+host, 3, 1, 1, cert.Leaf.Raw, cert.Leaf.RawSubjectPublicKeyInfo), host+". 60 IN TXT here")
			if v.signed {
				names.sign("b.example", "bank.example")
			}
			names.sign(v.zones...)
			r := in.dialRaw(a)
			r.open(v.domain, "a.example")
			r.get()
			r.secure("a.example", &cert)
			r.open(v.domain, "a.example")
			if !v.want {
				if why := r.ends(); !strings.HasPrefix(why, "not-authorized: Your server cannot prove to be "+v.domain) {
					t.Errorf("ended with %q", why)
				}
				return
			}
			r.expect("<mechanism>EXTERNAL</mechanism>")
			if st := a.status(v.domain); !st.Changed.IsZero() {
				t.Errorf("%+v", st)
			}
		})
	}
}
