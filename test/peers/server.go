package peers

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Server is one in a process of its own, which a test can kill and start again.
type Server struct {
	World  *World
	Domain string // its groups are at groups.DOMAIN
	C2S    int    // the port of 127.0.0.1 where clients connect, with TLS from the first byte
	S2S    int
	HTTP   int    // without TLS; 0 for none
	Beside int    // where components connect; 0 for none
	Config string // its file
	// Account makes one where the server must do it; nil where apps do (XEP-0077).
	Account func(name, password string)

	log   string // its file
	begin func() *exec.Cmd
	cmd   *exec.Cmd
	done  chan struct{}
}

func (w *World) server(domain string) *Server {
	w.t.Helper()
	s := &Server{World: w, Domain: domain, C2S: w.port(), S2S: w.port(), log: w.Path(domain + ".log")}
	w.name(domain, s.S2S)
	return s
}

// Start returns when the server takes connections. It ends with the test.
func (s *Server) Start() {
	t := s.World.t
	t.Helper()
	s.cmd = s.begin()
	out, err := os.OpenFile(s.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = out.Close() }()
	s.cmd.Stdout, s.cmd.Stderr = out, out
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	cmd, done := s.cmd, make(chan struct{})
	s.done = done
	go func() {
		defer close(done)
		_ = cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-done
	})
	for _, port := range []int{s.C2S, s.S2S, s.HTTP, s.Beside} {
		if port == 0 {
			continue
		}
		s.World.Until("port of "+s.Domain, func() bool {
			select {
			case <-done:
				t.Fatalf("%s ended:\n%s", s.Domain, s.Logged())
			default:
			}
			c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port)) //nolint:noctx // this machine
			if err != nil {
				return false
			}
			_ = c.Close()
			return true
		})
	}
}

// Kill ends the server without a warning.
func (s *Server) Kill() {
	_ = s.cmd.Process.Kill()
	<-s.done
}

// Process is the number of the server's process.
func (s *Server) Process() int { return s.cmd.Process.Pid }

// Logged is the end of what the server wrote.
func (s *Server) Logged() string {
	b, _ := os.ReadFile(s.log)
	if len(b) > 3500 {
		b = b[len(b)-3500:]
	}
	return string(b)
}

// Kith is the program of this project, built from this source; more is added to its configuration.
func (w *World) Kith(domain string, more string) *Server {
	w.t.Helper()
	program, err := w.program()
	if err != nil {
		w.t.Fatal(err)
	}
	s := w.server(domain)
	cert, key := w.certificate(domain, domain, "groups."+domain)
	s.Config = w.Write(domain+".toml", fmt.Sprintf(`domain = %q
data = %q
cert = %q
key = %q
[listen]
http = "off"
https = "off"
c2s = "off"
c2s_tls = "127.0.0.1:%d"
s2s = "127.0.0.1:%d"
s2s_tls = "off"
turn = "off"
[accounts]
plain_passwords = true
[federation]
ca = %q
resolver = %q
private_addresses = true
well_known = false
%s
`, domain, w.Path(domain+"-data"), cert, key, s.C2S, s.S2S, w.Path("ca.pem"), w.dns, more))
	s.begin = func() *exec.Cmd { return exec.Command(program, "serve", "--config", s.Config) } //nolint:gosec // the path is the test's own
	s.Account = func(name, password string) {
		w.t.Helper()
		s.Command(password+"\n", "user", "add", name+"@"+domain)
	}
	return s
}

// Command runs another command of this project's program for the server, and returns what it wrote.
func (s *Server) Command(input string, args ...string) string {
	s.World.t.Helper()
	program, err := s.World.program()
	if err != nil {
		s.World.t.Fatal(err)
	}
	cmd := exec.Command(program, append(args, "--config", s.Config)...) //nolint:gosec // the path is the test's own
	cmd.Stdin = strings.NewReader(input)
	out, err := cmd.CombinedOutput()
	if err != nil {
		s.World.t.Fatalf("kith %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// Web is a client that finds the server at every address, without TLS.
func (s *Server) Web() *http.Client {
	return &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, fmt.Sprintf("127.0.0.1:%d", s.HTTP))
		},
		MaxIdleConnsPerHost: 100,
	}}
}

// Need skips a test where another program is not installed, and says how to install it.
func Need(t testing.TB, program, debian string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		if path, err = exec.LookPath(filepath.Join("/usr/sbin", program)); err != nil {
			t.Skipf("%s is not installed (Debian: apt install %s)", program, debian)
		}
	}
	return path
}

// Options of another server.
type Options struct {
	Domain string
	// CertDomain is what the certificate is for; Domain if it is not set.
	CertDomain string
	// Dialback is allowed (XEP-0220).
	Dialback bool
	// SQL keeps archives in SQLite, for measurements; otherwise they are where the server has them by default.
	SQL bool
	// Full is with everything that apps may look for: WebSocket, BOSH and files over HTTP, push, relays,
	// commands for administrators.
	Full bool
	// Components are the domains of programs beside the server, which know [Secret].
	Components []string
	// Admins are the addresses of administrators.
	Admins []string
}

func (o *Options) settle() {
	if o.CertDomain == "" {
		o.CertDomain = o.Domain
	}
}
