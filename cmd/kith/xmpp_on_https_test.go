package main

import (
	"crypto/tls"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// freePort is one that was free a moment ago.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// askStream begins a stream at a port with TLS, and returns what the server says to it.
func askStream(t *testing.T, address, alpn, content string) (string, error) {
	t.Helper()
	c, err := tls.Dial("tcp", address, &tls.Config{ServerName: "localhost", NextProtos: []string{alpn}, InsecureSkipVerify: true})
	if err != nil {
		return "", err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(30 * time.Second))
	_, _ = io.WriteString(c, "<?xml version='1.0'?><stream:stream xmlns='"+content+"' xmlns:stream='http://etherx.jabber.org/streams' to='localhost' version='1.0'>")
	var said strings.Builder
	b := make([]byte, 4096)
	for !strings.Contains(said.String(), "</stream:features>") {
		n, err := c.Read(b)
		said.Write(b[:n])
		if err != nil {
			return said.String(), err
		}
	}
	return said.String(), nil
}

// Apps and other servers come in at the port of HTTPS when they say who they are, and browsers still do.
func TestXMPPOnThePortOfHTTPS(t *testing.T) {
	port := freePort(t)
	s := serveProcess(t, filepath.Join(t.TempDir(), "data"), "--https", "localhost:"+port)
	address := "localhost:" + port
	for _, v := range []struct{ alpn, content, want string }{
		{"xmpp-client", "jabber:client", "SCRAM-SHA-256"},
		{"xmpp-server", "jabber:server", "urn:xmpp:features:bidi"}, // of XEP-0288: federation has it alone
	} {
		said, err := askStream(t, address, v.alpn, v.content)
		if err != nil || !strings.Contains(said, v.want) || strings.Contains(said, "starttls") {
			t.Errorf("%s: %v\n%s", v.alpn, err, said)
		}
	}
	c, err := tls.Dial("tcp", address, &tls.Config{ServerName: "localhost", NextProtos: []string{"http/1.1"}, InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	_ = c.SetDeadline(time.Now().Add(30 * time.Second))
	_, _ = io.WriteString(c, "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
	if said, _ := io.ReadAll(c); !strings.HasPrefix(string(said), "HTTP/1.1 200") {
		t.Errorf("a browser: %.200s", said)
	}
	_ = c.Close()
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()

	t.Setenv("KITH_LISTEN_XMPP_ON_HTTPS", "false")
	port = freePort(t)
	serveProcess(t, filepath.Join(t.TempDir(), "data"), "--https", "localhost:"+port)
	if said, err := askStream(t, "localhost:"+port, "xmpp-server", "jabber:server"); err == nil {
		t.Errorf("switched off, and yet: %s", said)
	}
}
