package listen

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"kith/internal/clock"
)

// handshake connects to a server with this configuration and returns what the client saw.
func handshake(t *testing.T, server, client *tls.Config) (tls.ConnectionState, error) {
	t.Helper()
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	go func() { _ = tls.Server(b, server).HandshakeContext(t.Context()) }()
	c := tls.Client(a, client)
	err := c.HandshakeContext(t.Context())
	return c.ConnectionState(), err
}

func TestSelfSignedIsKeptAndRenewed(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "tls")
	clk := clock.NewFake(start)
	c, err := SelfSigned(dir, "bücher.example", clk, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	first := c.Leaf()
	for _, name := range []string{"xn--bcher-kva.example", "groups.xn--bcher-kva.example"} {
		pool := x509.NewCertPool()
		pool.AddCert(first)
		if _, err := handshake(t, c.Config(), &tls.Config{RootCAs: pool, ServerName: name, Time: clk.Now}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if !c.IsSelfSigned() || len(c.Fingerprint()) != 64 {
		t.Errorf("%v %q", c.IsSelfSigned(), c.Fingerprint())
	}
	for _, name := range []string{certFileName, keyFileName} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", name, info, err)
		}
	}
	again, err := SelfSigned(dir, "bücher.example", clk, slog.New(slog.DiscardHandler))
	if err != nil || !again.Leaf().Equal(first) {
		t.Errorf("after a start it is another one: %v", err)
	}

	clk.Advance(certLife - renewAt - time.Hour)
	if c.get(); !c.Leaf().Equal(first) {
		t.Error("renewed too early")
	}
	clk.Advance(2 * time.Hour)
	c.get()
	second := c.Leaf()
	if second.Equal(first) || !second.NotAfter.After(first.NotAfter) {
		t.Fatalf("not renewed: until %v", second.NotAfter)
	}
	if !second.PublicKey.(*ecdsa.PublicKey).Equal(first.PublicKey) {
		t.Error("renewed with another key")
	}

	other, err := SelfSigned(dir, "other.example", clk, slog.New(slog.DiscardHandler))
	if err != nil || other.Leaf().VerifyHostname("other.example") != nil {
		t.Errorf("another domain: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, certFileName), []byte("garbage"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := SelfSigned(dir, "other.example", clk, slog.New(slog.DiscardHandler)); err != nil {
		t.Errorf("a damaged certificate: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, keyFileName), []byte("garbage"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := SelfSigned(dir, "other.example", clk, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "remove it") {
		t.Errorf("a damaged key: %v", err)
	}
}

func TestSelfSignedForLocalhostAndForAnAddress(t *testing.T) {
	clk := clock.NewFake(start)
	for domain, names := range map[string][]string{
		"localhost": {"localhost", "groups.localhost", "127.0.0.1", "::1"},
		"192.0.2.7": {"192.0.2.7"},
	} {
		c, err := SelfSigned(t.TempDir(), domain, clk, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range names {
			if err := c.Leaf().VerifyHostname(n); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestProtocolsAndVersions(t *testing.T) {
	c, err := SelfSigned(t.TempDir(), "localhost", clock.Real{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	server := c.Config("xmpp-client")
	for name, v := range map[string]struct {
		client *tls.Config
		ok     bool
	}{
		"TLS 1.3":                    {&tls.Config{}, true},
		"the right protocol":         {&tls.Config{NextProtos: []string{"xmpp-client"}}, true},
		"another protocol":           {&tls.Config{NextProtos: []string{"h2"}}, false},
		"TLS 1.2":                    {&tls.Config{MaxVersion: tls.VersionTLS12}, true},
		"TLS 1.1":                    {&tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, false},
		"TLS 1.2 with CBC and SHA-1": {&tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA}}, false},
	} {
		v.client.InsecureSkipVerify = true
		state, err := handshake(t, server, v.client)
		if (err == nil) != v.ok {
			t.Errorf("%s: %v", name, err)
		}
		if name == "the right protocol" && state.NegotiatedProtocol != "xmpp-client" {
			t.Errorf("ALPN %q", state.NegotiatedProtocol)
		}
	}
}

// pair makes a certificate in files, and returns what is in them.
func pair(t *testing.T, dir, name string, clk clock.Clock, useRSA bool) (cert, key []byte) {
	t.Helper()
	o := &ownCertificate{dir: dir, domain: name}
	template := o.template(clk.Now())
	var priv crypto.Signer
	var err error
	if useRSA {
		priv, err = rsa.GenerateKey(rand.Reader, 2048)
	} else {
		priv, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	}
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, priv.Public(), priv)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(priv)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})
}

type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func TestFilesAreReadAgainWhenTheyChange(t *testing.T) {
	clk := clock.NewFake(start)
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	stamp := start
	write := func(name string, text []byte) {
		t.Helper()
		stamp = stamp.Add(time.Second)
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(name, stamp, stamp); err != nil {
			t.Fatal(err)
		}
	}
	var out logBuffer
	log := slog.New(slog.NewTextHandler(&out, nil))

	if _, err := FromFiles(certFile, keyFile, "a.example", clk, log); err == nil || !strings.Contains(err.Error(), certFile) {
		t.Errorf("missing files: %v", err)
	}
	cert1, key1 := pair(t, dir, "a.example", clk, false)
	cert2, key2 := pair(t, dir, "a.example", clk, true)
	write(certFile, cert1)
	write(keyFile, key2)
	if _, err := FromFiles(certFile, keyFile, "a.example", clk, log); err == nil || !strings.Contains(err.Error(), keyFile) {
		t.Errorf("a key that does not fit: %v", err)
	}
	write(keyFile, key1)
	c, err := FromFiles(certFile, keyFile, "a.example", clk, log)
	if err != nil {
		t.Fatal(err)
	}
	if out.String() != "" {
		t.Errorf("log: %s", out.String())
	}
	serves := func(want []byte) bool {
		t.Helper()
		state, err := handshake(t, c.Config(), &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		block, _ := pem.Decode(want)
		return bytes.Equal(state.PeerCertificates[0].Raw, block.Bytes)
	}
	if !serves(cert1) {
		t.Fatal("another certificate is served")
	}
	write(certFile, cert2) // the key follows later
	clk.Advance(filesEvery)
	if !serves(cert1) || !strings.Contains(out.String(), "stays in use") {
		t.Errorf("between two writes the old one was not served; log: %s", out.String())
	}
	write(keyFile, key2)
	if !serves(cert1) {
		t.Error("the files are looked at with every connection")
	}
	clk.Advance(filesEvery)
	if !serves(cert2) {
		t.Errorf("the new one is not served; log: %s", out.String())
	}
	if err := os.Remove(certFile); err != nil {
		t.Fatal(err)
	}
	clk.Advance(filesEvery)
	if !serves(cert2) {
		t.Error("without the files the old one is not served")
	}
}

func TestACertificateThatCannotWorkIsLogged(t *testing.T) {
	clk := clock.NewFake(start)
	dir := t.TempDir()
	cert, key := pair(t, dir, "a.example", clk, false)
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	if err := os.WriteFile(certFile, cert, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(keyFile, key, 0o600); err != nil {
		t.Fatal(err)
	}
	clk.Advance(2 * certLife)
	var out logBuffer
	if _, err := FromFiles(certFile, keyFile, "b.example", clk, slog.New(slog.NewTextHandler(&out, nil))); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "not for the domain") || !strings.Contains(out.String(), "expired") {
		t.Errorf("log: %s", out.String())
	}
}
