package main

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"

	"kith/internal/clock"
	"kith/server/listen"
)

// Other servers that ask for the groups get the certificate of the groups, where there is one of their own, and
// those that ask for anything else that of the domain.
func TestCertificatesOfSingleDomains(t *testing.T) {
	dir := t.TempDir()
	for _, domain := range []string{"kith.test", "groups.kith.test"} {
		if _, err := listen.SelfSigned(filepath.Join(dir, domain), domain, clock.Real{}, slog.New(slog.DiscardHandler)); err != nil {
			t.Fatal(err)
		}
	}
	file := func(domain, kind string) string {
		found, err := filepath.Glob(filepath.Join(dir, domain, "*."+kind))
		if err != nil || len(found) != 1 {
			t.Fatalf("%s: %v %v", domain, found, err)
		}
		return found[0]
	}
	port := freePort(t)
	config := writeFile(t, "kith.toml", fmt.Sprintf("cert = %q\nkey = %q\n[listen]\ns2s_tls = \"localhost:%s\"\n[federation]\ncertificates = [%q]\n",
		file("kith.test", "crt"), file("kith.test", "key"), port, file("groups.kith.test", "crt")+":"+file("groups.kith.test", "key")))
	data := filepath.Join(dir, "data")
	s := command(t, "serve", "--config", config, "--domain", "kith.test", "--data", data, "--http", "localhost:"+freePort(t), "--https", "off", "--c2s", "off", "--c2s-tls", "off", "--s2s", "off", "--turn", "off")
	out, err := s.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Process.Kill(); _ = s.Wait() })
	if _, err := out.Read(make([]byte, 1)); err != nil { // it says where it is when it listens
		t.Fatal(err)
	}
	for ask, want := range map[string]string{"kith.test": "kith.test", "groups.kith.test": "groups.kith.test", "upload.kith.test": "kith.test", "": "kith.test"} {
		c, err := tls.Dial("tcp", "localhost:"+port, &tls.Config{ServerName: ask, InsecureSkipVerify: true, NextProtos: []string{"xmpp-server"}})
		if err != nil {
			t.Fatal(err)
		}
		// That of the domain is for its groups as well; that of the groups is for them alone.
		leaf := c.ConnectionState().PeerCertificates[0]
		if got := leaf.DNSNames[0]; got != want {
			t.Errorf("who asks for %q gets that of %s", ask, got)
		}
		_ = c.Close()
	}
}
