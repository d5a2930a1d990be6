package web_test

import (
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net"
	"net/http"
	"testing"

	"kith/internal/clock"
	"kith/server/listen"
	"kith/server/web"
)

// HTTP/2 where there is TLS, HTTP/1.1 where there is none, from one server.
func TestServerSpeaksHTTP2OverTLS(t *testing.T) {
	s := newSite(t, nil)
	certs, err := listen.SelfSigned(t.TempDir(), "localhost", clock.Real{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ports, err := listen.Open(t.Context(), listen.DefaultConfig(), clock.Real{}, []listen.Address{{Name: listen.HTTP, Addr: "localhost:0"}, {Name: listen.HTTPS, Addr: "localhost:0"}})
	if err != nil {
		t.Fatal(err)
	}
	srv := web.NewServer(s, nil)
	served := make(chan error, 1)
	go func() {
		served <- srv.Serve(ports.Listeners(listen.HTTP), ports.Listeners(listen.HTTPS), certs.Config("h2", "http/1.1"))
	}()
	pool := x509.NewCertPool()
	pool.AddCert(certs.Leaf())
	client := &http.Client{Transport: &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS13}}}
	for target, proto := range map[string]string{
		"http://" + net.JoinHostPort("localhost", port(ports, listen.HTTP)):   "HTTP/1.1",
		"https://" + net.JoinHostPort("localhost", port(ports, listen.HTTPS)): "HTTP/2.0",
	} {
		r, err := client.Get(target + "/healthz")
		if err != nil {
			t.Fatal(err)
		}
		if r.Proto != proto || r.StatusCode != 200 {
			t.Errorf("%s: %s %d", target, r.Proto, r.StatusCode)
		}
		_ = r.Body.Close()
	}
	client.CloseIdleConnections()
	if err := srv.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
}

func port(s *listen.Set, n listen.Name) string {
	_, p, err := net.SplitHostPort(s.Addr(n).String())
	if err != nil {
		panic(err)
	}
	return p
}
