package listen

import (
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"kith/internal/clock"
)

// hall is a divided port: each part answers with TLS of its own and says its name.
func hall(t *testing.T, clk clock.Clock) (address string, parts map[string][]net.Listener, shared net.Listener) {
	t.Helper()
	certs, err := SelfSigned(t.TempDir(), "localhost", clock.Real{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	shared, err = net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = shared.Close() })
	parts = Divide(clk, []net.Listener{shared}, ALPNClient, ALPNServer)
	for name, protocols := range map[string][]string{"": {"h2", "http/1.1"}, ALPNClient: {ALPNClient}, ALPNServer: {ALPNServer}} {
		config := certs.Config(protocols...)
		go func() {
			for {
				c, err := parts[name][0].Accept()
				if err != nil {
					return
				}
				go func() {
					defer c.Close()
					s := tls.Server(c, config)
					if s.Handshake() == nil {
						_, _ = io.WriteString(s, "part "+name)
						_ = s.CloseWrite()
						_, _ = io.Copy(io.Discard, s)
					}
				}()
			}
		}()
	}
	return shared.Addr().String(), parts, shared
}

// Each client gets what it asks for, with every kind of hello that there is.
func TestDivide(t *testing.T) {
	address, _, _ := hall(t, clock.Real{})
	for what, v := range map[string]struct {
		config *tls.Config
		want   string
	}{
		"a browser":                  {&tls.Config{NextProtos: []string{"h2", "http/1.1"}}, "part "},
		"no ALPN":                    {&tls.Config{}, "part "},
		"an app":                     {&tls.Config{NextProtos: []string{ALPNClient}}, "part " + ALPNClient},
		"a server":                   {&tls.Config{NextProtos: []string{ALPNServer}}, "part " + ALPNServer},
		"a server with TLS 1.2":      {&tls.Config{NextProtos: []string{ALPNServer}, MaxVersion: tls.VersionTLS12}, "part " + ALPNServer},
		"a key that must be retried": {&tls.Config{NextProtos: []string{ALPNServer}, CurvePreferences: []tls.CurveID{tls.CurveP521, tls.X25519}}, "part " + ALPNServer},
		"several":                    {&tls.Config{NextProtos: []string{"x", ALPNServer}}, "part " + ALPNServer},
	} {
		v.config.InsecureSkipVerify = true
		c, err := tls.Dial("tcp", address, v.config)
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		got, _ := io.ReadAll(c)
		if string(got) != v.want {
			t.Errorf("%s got %q, want %q", what, got, v.want)
		}
		_ = c.Close()
	}
	c, err := tls.Dial("tcp", address, &tls.Config{NextProtos: []string{"ftp"}, InsecureSkipVerify: true})
	if err == nil {
		_ = c.Close()
		t.Error("a protocol that nobody speaks is accepted")
	}
}

// slowly writes one byte at a time.
type slowly struct{ net.Conn }

func (s slowly) Write(b []byte) (int, error) {
	for i := range b {
		if _, err := s.Conn.Write(b[i : i+1]); err != nil {
			return i, err
		}
	}
	return len(b), nil
}

// A hello in pieces, connections that say nothing, and ones that say something else hold up nobody.
func TestDivideBadHellos(t *testing.T) {
	address, _, _ := hall(t, clock.Real{})
	dial := func() net.Conn {
		t.Helper()
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
	silent := dial()
	gone := dial()
	_ = gone.Close()
	// What is no TLS goes to who takes the rest, which refuses it as it would by itself.
	web := dial()
	_, _ = io.WriteString(web, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
	if got, _ := io.ReadAll(web); strings.Contains(string(got), "part") {
		t.Errorf("a request without TLS got %q", got)
	}
	// A record that announces more than it has, with a hello that has no end.
	endless := dial()
	go func() {
		b := append([]byte{22, 3, 1, 0x40, 0, 1, 0xff, 0xff, 0xff}, make([]byte, 1<<20)...)
		_, _ = endless.Write(b)
	}()
	_ = endless.SetReadDeadline(time.Now().Add(time.Minute))
	if _, err := io.ReadAll(endless); err != nil && strings.Contains(err.Error(), "timeout") {
		t.Error("a hello without end is read without end")
	}
	c := tls.Client(slowly{dial()}, &tls.Config{NextProtos: []string{ALPNServer}, InsecureSkipVerify: true})
	if got, err := io.ReadAll(c); err != nil || string(got) != "part "+ALPNServer {
		t.Errorf("in pieces: %q %v", got, err)
	}
	_ = silent.Close()
}

// Who says nothing is sent away after a while.
func TestDivideSilence(t *testing.T) {
	clk := clock.NewFake(start)
	address, _, _ := hall(t, clk)
	var silent []net.Conn
	for range 3 {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_, _ = c.Write([]byte{22})
		silent = append(silent, c)
	}
	if err := clk.WaitPending(t.Context(), len(silent)); err != nil {
		t.Fatal(err)
	}
	clk.Advance(helloTime)
	for _, c := range silent {
		if _, err := io.ReadAll(c); err != nil && strings.Contains(err.Error(), "timeout") {
			t.Error(err)
		}
	}
	c, err := tls.Dial("tcp", address, &tls.Config{NextProtos: []string{ALPNServer}, InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	_ = c.Close()
}

// The end of a port ends its parts, the end of a part itself alone.
func TestDivideEnds(t *testing.T) {
	address, parts, shared := hall(t, clock.Real{})
	if err := parts[ALPNServer][0].Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := parts[ALPNServer][0].Accept(); err == nil {
		t.Error("a part goes on after its end")
	}
	if c, err := tls.Dial("tcp", address, &tls.Config{NextProtos: []string{ALPNServer}, InsecureSkipVerify: true}); err == nil {
		_ = c.Close()
		t.Error("a part that is closed takes connections")
	}
	c, err := tls.Dial("tcp", address, &tls.Config{NextProtos: []string{ALPNClient}, InsecureSkipVerify: true})
	if err != nil {
		t.Fatalf("the others: %v", err)
	}
	_ = c.Close()
	if parts[""][0].Addr().String() != address {
		t.Errorf("address %s", parts[""][0].Addr())
	}
	_ = shared.Close()
	if _, err := parts[ALPNClient][0].Accept(); err == nil {
		t.Error("a part goes on after the end of its port")
	}
}
