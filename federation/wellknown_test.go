package federation_test

import (
	"crypto/sha256"
	"crypto/sha512"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// website is the web server of a domain.
type website struct {
	mu    sync.Mutex // guards the fields below
	pages map[string]string
	asked []string
}

// website puts one at an address of a domain.
func (in *internet) website(domain, address string, cert tls.Certificate, pages map[string]string) *website {
	in.t.Helper()
	w := &website{pages: pages}
	conns := &queueListener{conns: make(chan net.Conn, 16), over: make(chan struct{})}
	s := &http.Server{Handler: w, ErrorLog: log.New(io.Discard, "", 0), ReadHeaderTimeout: time.Minute}
	in.set(func() { in.hosts[net.JoinHostPort(address, "443")] = func(c net.Conn) { conns.conns <- c } })
	plain := &queueListener{conns: make(chan net.Conn, 16), over: make(chan struct{})}
	in.set(func() { in.hosts[net.JoinHostPort(address, "80")] = func(c net.Conn) { plain.conns <- c } })
	go func() { _ = s.Serve(plain) }()
	go func() { _ = s.Serve(tls.NewListener(conns, &tls.Config{Certificates: []tls.Certificate{cert}})) }()
	in.t.Cleanup(func() { _ = s.Close() })
	return w
}

func (w *website) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	w.asked = append(w.asked, r.Host+r.URL.Path)
	page, ok := w.pages[r.URL.Path]
	w.mu.Unlock()
	to, elsewhere := strings.CutPrefix(page, "redirect ")
	switch {
	case !ok:
		http.NotFound(out, r)
	case elsewhere:
		http.Redirect(out, r, to, http.StatusFound)
	default:
		_, _ = io.WriteString(out, page)
	}
}

func (w *website) take() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := strings.Join(w.asked, " ")
	w.asked = nil
	return out
}

// queueListener gives out connections that were put into it.
type queueListener struct {
	conns chan net.Conn
	once  sync.Once
	over  chan struct{}
}

func (l *queueListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.over:
		return nil, net.ErrClosed
	}
}

func (l *queueListener) Close() error {
	l.once.Do(func() { close(l.over) })
	return nil
}
func (l *queueListener) Addr() net.Addr { return &net.TCPAddr{} }

func print256(c tls.Certificate) string {
	sum := sha256.Sum256(c.Leaf.Raw)
	return base64.StdEncoding.EncodeToString(sum[:])
}

func print512(c tls.Certificate) string {
	sum := sha512.Sum512(c.Leaf.Raw)
	return base64.StdEncoding.EncodeToString(sum[:])
}

// A domain whose server is elsewhere says on its web server which certificate that has (POSH, RFC 7711).
func TestPOSH(t *testing.T) {
	const page, there = "/.well-known/posh/xmpp-server.json", "/hosting/keys.json"
	type setting struct {
		doc  func(cert tls.Certificate) string
		site func(in *internet) tls.Certificate // nil for one that is right
		want bool
	}
	for what, v := range map[string]setting{
		"SHA-256": {doc: func(c tls.Certificate) string {
			return `{"fingerprints":[{"sha-256":"x"},{"sha-256":"` + print256(c) + `"}],"expires":3600}`
		}, want: true},
		"SHA-512": {doc: func(c tls.Certificate) string {
			return `{"fingerprints":[{"sha-512":"` + print512(c) + `"}],"expires":3600}`
		}, want: true},
		"both, of which the weaker is right": {doc: func(c tls.Certificate) string {
			return `{"fingerprints":[{"sha-256":"` + print256(c) + `","sha-512":"` + print512(c)[:80] + `AAAAAA=="}],"expires":3600}`
		}},
		"elsewhere":            {doc: func(tls.Certificate) string { return `{"url":"https://b.example` + there + `","expires":3600}` }, want: true},
		"redirected":           {doc: func(tls.Certificate) string { return "redirect https://b.example" + there }, want: true},
		"redirected, unsafely": {doc: func(tls.Certificate) string { return "redirect http://b.example" + there }},
		"elsewhere, unsafely":  {doc: func(tls.Certificate) string { return `{"url":"http://b.example` + there + `","expires":3600}` }},
		"redirected for ever":  {doc: func(tls.Certificate) string { return "redirect https://b.example" + page }},
		"elsewhere for ever":   {doc: func(tls.Certificate) string { return `{"url":"https://b.example` + page + `","expires":3600}` }},
		"inside":               {doc: func(tls.Certificate) string { return "redirect https://127.0.0.1" + there }},
		"another one's":        {doc: func(tls.Certificate) string { return `{"fingerprints":[{"sha-256":"AAAA"}],"expires":3600}` }},
		"nonsense":             {doc: func(tls.Certificate) string { return `{"fingerprints":7}` }},
		"too large": {doc: func(c tls.Certificate) string {
			return `{"fingerprints":[{"sha-256":"` + print256(c) + `"}],"x":"` + strings.Repeat("x", 100_000) + `"}`
		}},
		"an empty one": {doc: func(tls.Certificate) string { return `{}` }},
		"a website that is none": {doc: func(c tls.Certificate) string {
			return `{"fingerprints":[{"sha-256":"` + print256(c) + `"}],"expires":3600}`
		}, site: func(in *internet) tls.Certificate { return in.ca.certify(nil, "bank.example") }},
		"a website without authority": {doc: func(c tls.Certificate) string {
			return `{"fingerprints":[{"sha-256":"` + print256(c) + `"}],"expires":3600}`
		}, site: func(in *internet) tls.Certificate {
			return newAuthority(in.t, "Nobody").certify(nil, "b.example")
		}},
	} {
		t.Run(what, func(t *testing.T) {
			play(t, func(t *testing.T, in *internet) {
				cert := in.ca.certify(nil, "hosting.test")
				a := in.server("a.example", func(n *node) { n.cfg.WellKnown = true })
				b := in.server("b.example", func(n *node) { n.cert = cert })
				site := in.ca.certify(nil, "b.example")
				if v.site != nil {
					site = v.site(in)
				}
				w := in.website("b.example", b.ip(), site, map[string]string{
					page: v.doc(cert), there: `{"fingerprints":[{"sha-256":"` + print256(cert) + `"}],"expires":3600}`,
				})
				for _, to := range []string{"one", "two"} {
					a.message("b.example", to)
					pass(t, 30*time.Second)
					in.cut(b.address)
				}
				// In the other direction as well.
				b.message("a.example", "back")
				pass(t, 30*time.Second)
				st := a.status("b.example")
				if !v.want {
					if got := b.Take(); len(got) > 0 || !strings.Contains(st.Error, "is for hosting.test and not for b.example") {
						t.Errorf("b received %v; %+v", got, st)
					}
					return
				}
				if got := b.bodies() + " " + a.bodies(); got != "one two back" || !strings.HasPrefix(st.Way, "POSH, TLS 1.3") {
					t.Errorf("received %q; %+v", got, st)
				}
				// What it said counts for as long as it said.
				if got := strings.Count(w.take(), page); got != 1 {
					t.Errorf("asked %d times", got)
				}
				pass(t, 2*time.Hour)
				a.message("b.example", "three")
				pass(t, 30*time.Second)
				if got := strings.Count(w.take(), page); got != 1 {
					t.Errorf("asked %d times after its time", got)
				}
			})
		})
	}
}

// A domain may say on its web server where its server is, and by which key it is known (XEP-0487).
func TestHostMeta(t *testing.T) {
	play(t, func(t *testing.T, in *internet) {
		a := in.server("a.example", func(n *node) { n.cfg.WellKnown = true })
		cert := newAuthority(t, "Nobody").certify(nil, "anything.test")
		b := in.server("b.example", func(n *node) { n.cert = cert })
		serve := func(c net.Conn) { b.ServeTLS(c) }
		in.set(func() {
			delete(in.hosts, b.address)
			in.hosts["198.51.100.9:8443"] = serve
		})
		pin := sha256.Sum256(cert.Leaf.RawSubjectPublicKeyInfo)
		meta := fmt.Sprintf(`{"xmpp":{"ttl":3600,"public-key-pins-sha-256":[%q]},"links":[
			{"rel":"urn:xmpp:alt-connections:websocket","href":"wss://b.example/ws"},
			{"rel":"urn:xmpp:alt-connections:s2s-tls","port":8443,"ips":["198.51.100.9"],"priority":20,"weight":1,"sni":"b.example"},
			{"rel":"urn:xmpp:alt-connections:s2s-tls","port":8443,"ips":["127.0.0.1","10.0.0.1"],"priority":5,"weight":1,"sni":"b.example"},
			{"rel":"urn:xmpp:alt-connections:s2s-tls","port":8443,"ips":["198.51.100.8"],"priority":10,"weight":1,"sni":"b.example"},
			{"rel":"urn:xmpp:alt-connections:s2s-tls","port":0,"ips":["x"],"priority":1}]}`, base64.StdEncoding.EncodeToString(pin[:]))
		in.website("b.example", b.ip(), in.ca.certify(nil, "b.example"), map[string]string{"/.well-known/host-meta.json": meta})
		a.message("b.example", "hello")
		pass(t, 10*time.Second)
		if got := b.bodies(); got != "hello" {
			t.Errorf("b received %q: %+v", got, a.status("b.example"))
		}
		if way := a.status("b.example").Way; !strings.HasPrefix(way, "host-meta, TLS 1.3 from the start") {
			t.Errorf("the way is %q", way)
		}
		// By their priority, and not into anybody's own network.
		if got, want := in.ordered(), b.ip()+":443 198.51.100.8:8443 198.51.100.9:8443"; !strings.HasPrefix(got, want) {
			t.Errorf("dialled %s, want %s", got, want)
		}
		// DNS goes before it, and without it there is the usual port.
		c := in.server("c.example")
		in.website("c.example", c.ip(), in.ca.certify(nil, "c.example"), map[string]string{})
		a.message("c.example", "hello")
		pass(t, 10*time.Second)
		if got := c.bodies(); got != "hello" {
			t.Errorf("c received %q", got)
		}
	})
}
