package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"kith/internal/clock"
	"kith/internal/jid"
	xmpppeople "kith/internal/people"
)

// Whoever signs in as kith dev says finds people, can read what they said, and is answered, all of it
// encrypted; when it stops, nothing is left.
func TestDev(t *testing.T) {
	temp := t.TempDir()
	c2s := freeAddr(t)
	cmd := command(t, "dev", "--still", "--http", "localhost:0", "--https", "off", "--c2s", c2s, "--c2s-tls", "off", "--turn", "off")
	cmd.Env = append(cmd.Env, "TMPDIR="+temp)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	said := map[string]string{}
	lines := bufio.NewScanner(stdout)
	for !strings.HasPrefix(lines.Text(), "Ctrl-C") {
		if !lines.Scan() {
			_ = cmd.Wait()
			t.Fatalf("it ended\n%s", stderr.String())
		}
		for _, key := range []string{"Kith is at ", "  name ", "  password "} {
			if value, ok := strings.CutPrefix(lines.Text(), key); ok {
				said[strings.TrimSpace(key)] = strings.TrimSpace(value)
			}
		}
	}
	get(t, said["Kith is at"]+"/healthz")

	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	robin, err := xmpppeople.New(xmpppeople.Options{
		Address: jid.Must(said["name"] + "@localhost"), Password: said["password"], Dial: dialTo(t, temp, c2s),
		Clock: clock.Real{}, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer robin.Cut()
	if err := robin.SignIn(ctx); err != nil {
		t.Fatal(err)
	}
	if err := robin.Appear(ctx, "", ""); err != nil {
		t.Fatal(err)
	}
	for !strings.HasPrefix(lines.Text(), "Everybody has told") && lines.Scan() {
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	mara := jid.Must("mara@localhost")
	count := 0
	robin.Look(func(v xmpppeople.View) {
		for _, m := range v.All() {
			if m.Problem != "" {
				t.Errorf("%+v cannot be read", m)
			}
		}
		count = len(v.Messages(mara))
	})
	if count == 0 {
		t.Error("Mara has said nothing so far")
	}
	mine := robin.Write(mara, "Are you there?")
	err = robin.Until(ctx, "an answer", func(v xmpppeople.View) bool {
		all := v.Messages(mara)
		m, _ := v.Message(robin.Address(), mine)
		last := all[len(all)-1]
		return m.State == xmpppeople.Read && !last.Own && last.Text != ""
	})
	if err != nil {
		t.Fatal(err)
	}

	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil || stderr.Len() > 0 {
		t.Errorf("it ended with %v\n%s", err, stderr.String())
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

// freeAddr is an address of this machine at which nobody listens.
func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// dialTo connects to a server that made its certificate itself, somewhere below dir.
func dialTo(t *testing.T, dir, addr string) func(context.Context) (net.Conn, *tls.Config, error) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*", certDir, "self-signed.crt"))
	if err != nil || len(files) != 1 {
		t.Fatalf("certificates: %v %v", files, err)
	}
	pem, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		t.Fatal("no certificate")
	}
	return func(ctx context.Context) (net.Conn, *tls.Config, error) {
		var d net.Dialer
		c, err := d.DialContext(ctx, "tcp", addr)
		return c, &tls.Config{RootCAs: roots, ServerName: localhost, MinVersion: tls.VersionTLS13}, err
	}
}

func TestDevIsForThisMachine(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	refused(t, 2, "--http :8080: kith dev is for this machine alone", "", "dev", "--http", ":8080")
	refused(t, 2, "--c2s 192.0.2.1:5222: kith dev is for this machine alone", "", "dev", "--c2s", "192.0.2.1:5222")
	refused(t, 2, "takes no argument", "", "dev", "now")
	if left, err := os.ReadDir(os.Getenv("TMPDIR")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}
