package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"

	"kith/server/auth"
	"kith/server/circle"
	"kith/server/guardian"
	"kith/server/web"
)

// asProgram makes the test binary run as the program.
const asProgram = "KITH_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		_ = os.Unsetenv(asProgram)
		main()
		return
	}
	os.Exit(m.Run())
}

// runProgram runs a command to its end, in this process: all but serve.
func runProgram(t *testing.T, stdin string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errs bytes.Buffer
	root := program()
	root.SetArgs(args)
	root.SetIn(strings.NewReader(stdin))
	root.SetOut(&out)
	root.SetErr(&errs)
	code = execute(t.Context(), root)
	return out.String(), errs.String(), code
}

// command is the program in a process of its own.
func command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	return cmd
}

// must is runProgram for what has to succeed.
func must(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	out, errs, code := runProgram(t, stdin, args...)
	if code != 0 || errs != "" {
		t.Fatalf("kith %s: exit %d\n%s%s", strings.Join(args, " "), code, out, errs)
	}
	return out
}

// refused is runProgram for what has to fail, with one line on the standard error and nothing else.
func refused(t *testing.T, code int, want, stdin string, args ...string) {
	t.Helper()
	out, errs, got := runProgram(t, stdin, args...)
	if got != code || out != "" || strings.Count(errs, "\n") != 1 || !strings.HasPrefix(errs, "kith: ") || !strings.Contains(errs, want) {
		t.Errorf("kith %s: exit %d, want %d with one line %q\nstdout: %s\nstderr: %s", strings.Join(args, " "), got, code, want, out, errs)
	}
}

// running is a server in a process of its own, at ports that were free.
type running struct {
	cmd    *exec.Cmd
	url    string
	link   string // for the first account, "" if there was none
	stderr bytes.Buffer
}

func serveProcess(t *testing.T, dir string, args ...string) *running {
	t.Helper()
	r := &running{cmd: command(t, append([]string{
		"serve", "--data", dir, "--http", "localhost:0", "--https", "localhost:0",
		"--c2s", "localhost:0", "--c2s-tls", "localhost:0", "--s2s", "off", "--s2s-tls", "off", "--turn", "off",
	}, args...)...)}
	stdout, err := r.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	r.cmd.Stderr = &r.stderr
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.cmd.Process.Kill() })
	lines := bufio.NewScanner(stdout)
	if !lines.Scan() {
		_ = r.cmd.Wait()
		t.Fatalf("the server says nothing\n%s", r.stderr.String())
	}
	var ok bool
	if r.url, ok = strings.CutPrefix(lines.Text(), "Kith is at "); !ok {
		t.Fatalf("the first line is %q", lines.Text())
	}
	get(t, r.url+"/healthz")
	if hasAccounts(t, dir) {
		return r
	}
	for r.link == "" && lines.Scan() {
		if l := strings.TrimSpace(lines.Text()); strings.HasPrefix(l, r.url+"/i/") {
			r.link = l
		}
	}
	return r
}

func hasAccounts(t *testing.T, dir string) bool {
	t.Helper()
	return strings.TrimSpace(must(t, "", "user", "list", "--json", "--data", dir)) != "[]"
}

func get(t *testing.T, url string) string {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %v", url, resp.Status, err)
	}
	return string(text)
}

func (r *running) stop(t *testing.T) {
	t.Helper()
	if err := r.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := r.cmd.Wait(); err != nil {
		t.Fatalf("the server ended with %v\n%s", err, r.stderr.String())
	}
	if r.stderr.Len() > 0 {
		t.Errorf("the log has:\n%s", r.stderr.String())
	}
}

// The whole life of a server on the command line: with it, without it, and between.
func TestAServersLife(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	refused(t, 1, "there is no server in "+dir, "", "user", "list", "--data", dir)

	s := serveProcess(t, dir)
	if !regexp.MustCompile(`^http://localhost:\d+$`).MatchString(s.url) || s.link == "" {
		t.Errorf("url %q, link %q", s.url, s.link)
	}
	var info struct {
		Role         string
		FirstAccount bool
		Domain       string
	}
	token := s.link[strings.LastIndex(s.link, "/")+1:]
	if err := json.Unmarshal([]byte(get(t, s.url+"/api/v1/invites/"+token)), &info); err != nil || info.Role != "admin" || !info.FirstAccount || info.Domain != "localhost" {
		t.Errorf("%+v %v", info, err)
	}
	refused(t, 1, "another server runs with the data in "+dir, "", "serve", "--data", dir, "--http", "localhost:0")
	s.stop(t)

	again := serveProcess(t, dir)
	if again.link[strings.LastIndex(again.link, "/"):] != s.link[strings.LastIndex(s.link, "/"):] {
		t.Errorf("the link changed from %s to %s although nobody used it", s.link, again.link)
	}
	s = again

	// Two ways of doing the same: through the server that runs, and without it.
	people := func(how string) {
		t.Run(how, func(t *testing.T) {
			alice, bob := "alice-"+how+"@localhost", "bob-"+how
			if out := must(t, "correct horse\n", "user", "add", "--role", "admin", alice, "--data", dir); out != "Added "+alice+" (admin).\n" {
				t.Error(out)
			}
			must(t, "battery staple", "user", "add", bob, "--data", dir) // the name alone, and no end of line
			refused(t, 1, "there is an account "+alice+" already", "correct horse\n", "user", "add", alice, "--data", dir)
			refused(t, 1, "not an address of this server", "correct horse\n", "user", "add", "alice@elsewhere.example", "--data", dir)
			refused(t, 1, "the password needs at least 8 characters", "short\n", "user", "add", "carol", "--data", dir)
			refused(t, 1, "no password was given", "", "user", "add", "carol", "--data", dir)
			refused(t, 1, `role "boss" is not known`, "correct horse\n", "user", "add", "--role", "boss", "carol", "--data", dir)
			must(t, "correct battery\n", "user", "passwd", alice, "--data", dir)
			refused(t, 1, "there is no account nobody@localhost", "correct battery\n", "user", "passwd", "nobody", "--data", dir)
			if out := must(t, "", "user", "passwd", alice, "--link", "--data", dir); !strings.Contains(out, "/i/") {
				t.Errorf("the link to a new password: %s", out)
			}
			refused(t, 1, "there is no account nobody@localhost", "", "user", "passwd", "nobody", "--link", "--data", dir)
			list := must(t, "", "user", "list", "--data", dir)
			if !regexp.MustCompile(`(?m)^` + alice + ` +admin +\d{4}-\d\d-\d\d +never +active$`).MatchString(list) {
				t.Error(list)
			}
			if out := must(t, "", "user", "remove", bob, "--data", dir); !strings.Contains(out, "its data is deleted on") {
				t.Error(out)
			}
			refused(t, 1, "was removed, and its data is not deleted yet", "battery staple", "user", "add", bob, "--data", dir)
			must(t, "", "user", "restore", bob, "--data", dir)
			refused(t, 1, "there is no removed account", "", "user", "restore", bob, "--data", dir)
			if out := must(t, "", "user", "remove", "--now", bob, "--data", dir); !strings.Contains(out, "while it runs") {
				t.Error(out)
			}

			link := strings.TrimSpace(must(t, "", "invite", "create", "--role", "limited", "--uses", "3", "--expires", "12h", "--note", "the choir", "--data", dir))
			if !strings.HasPrefix(link, s.url+"/i/") {
				t.Errorf("link %q, server at %s", link, s.url)
			}
			refused(t, 1, "number of uses", "", "invite", "create", "--role", "admin", "--uses", "3", "--data", dir)
			refused(t, 1, "the role", "", "invite", "create", "--role", "boss", "--data", dir)
			refused(t, 2, "--expires soon: expected a time span", "", "invite", "create", "--expires", "soon", "--data", dir)
			list = must(t, "", "invite", "list", "--data", dir)
			m := regexp.MustCompile(`(?m)^(\S+) +limited +0 of 3 +\S+ \S+ +the operator +the choir +` + regexp.QuoteMeta(link) + `$`).FindStringSubmatch(list)
			if m == nil {
				t.Fatal(list)
			}
			must(t, "", "invite", "revoke", m[1], "--data", dir)
			refused(t, 1, "there is no invite "+m[1], "", "invite", "revoke", m[1], "--data", dir)
			var all []invite
			if err := json.Unmarshal([]byte(must(t, "", "invite", "list", "--json", "--data", dir)), &all); err != nil {
				t.Error(err)
			}
			for _, i := range all {
				if i.ID == m[1] {
					t.Errorf("%+v is there after it was revoked", i)
				}
			}
		})
	}
	people("running")
	s.stop(t)
	people("stopped")
	refused(t, 1, "is the last administrator", "", "user", "remove", "alice-running", "--data", twoAdminsLess(t, dir))

	last := serveProcess(t, dir)
	if last.link != "" {
		t.Errorf("a link for the first account, although there are accounts: %s", last.link)
	}
	last.stop(t)
}

// twoAdminsLess leaves one administrator.
func twoAdminsLess(t *testing.T, dir string) string {
	t.Helper()
	must(t, "", "user", "remove", "alice-stopped", "--data", dir)
	return dir
}

func TestTheDataBelongToOneDomain(t *testing.T) {
	dir := t.TempDir()
	// The first command says which one, without a server.
	must(t, "correct horse", "user", "add", "alice@example.org", "--data", dir)
	refused(t, 1, "belong to the domain example.org", "", "serve", "--domain", "example.net", "--data", dir)
	link := must(t, "", "invite", "create", "--data", dir)
	if !strings.HasPrefix(link, "https://example.org/i/") {
		t.Error(link)
	}
}

func TestErrorsAreOneLine(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	bad := filepath.Join(t.TempDir(), "kith.toml")
	if err := os.WriteFile(bad, []byte("domian = \"x\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	refused(t, 1, "--http "+taken.Addr().String()+": the port is in use by another program", "", "serve", "--data", dir, "--http", taken.Addr().String())
	refused(t, 1, "is not a directory", "", "serve", "--data", filepath.Join(file, "data"))
	refused(t, 1, "is not a directory", "", "serve", "--data", file)
	refused(t, 1, bad+":1: there is no option domian; did you mean domain?", "", "serve", "--data", dir, "--config", bad)
	refused(t, 1, "certificate: ", "", "serve", "--data", dir, "--cert", "/nonexistent", "--key", "/nonexistent")
	refused(t, 2, "unknown flag: --nonsense; see kith serve --help", "", "serve", "--nonsense")
	refused(t, 2, "takes no argument", "", "serve", "now")
	refused(t, 2, `there is no command "sreve"; did you mean kith serve?`, "", "sreve")
	refused(t, 2, `there is no command "user ad"; did you mean kith user add?`, "", "user", "ad")
	refused(t, 2, `there is no command "xyzzy"; see kith --help`, "", "xyzzy")
	refused(t, 2, "takes one argument, a JID such as", "", "user", "add")
}

func TestHelpHasExamples(t *testing.T) {
	for _, c := range []string{"serve", "dev", "user add", "user list", "user passwd", "user remove", "invite create", "invite list", "invite revoke", "config"} {
		out := must(t, "", append(strings.Fields(c), "--help")...)
		if !strings.Contains(out, "Examples:\n  ") {
			t.Errorf("kith %s --help:\n%s", c, out)
		}
		for line := range strings.SplitSeq(out, "\n") {
			if len([]rune(line)) > 100 {
				t.Errorf("kith %s --help has a line of %d: %s", c, len(line), line)
			}
		}
	}
	if out := must(t, "", "version"); !strings.HasPrefix(out, "kith ") {
		t.Error(out)
	}
	if out := must(t, "", "config"); out != defaultFile {
		t.Error("kith config prints something else than the documented file")
	}
	if out := must(t, "", "config", "show", "--c2s", "off"); !regexp.MustCompile(`(?m)^listen.c2s +(= "off") +# --c2s$`).MatchString(out) {
		t.Error(out)
	}
}

// The socket is found also where a path is too long for the address of one.
func TestControlInADeepDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("deep/", 30))
	s := serveProcess(t, dir)
	must(t, "correct horse", "user", "add", "alice", "--data", dir)
	info, err := os.Stat(filepath.Join(dir, controlFile))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
	s.stop(t)
	if _, err := os.Stat(filepath.Join(dir, controlFile)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is there after the end: %v", err)
	}
}

// What is left of a server that was killed is in nobody's way.
func TestAfterAKill(t *testing.T) {
	dir := t.TempDir()
	s := serveProcess(t, dir)
	must(t, "correct horse", "user", "add", "alice", "--data", dir)
	if err := s.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = s.cmd.Wait()
	if out := must(t, "", "user", "list", "--data", dir); !strings.Contains(out, "alice@localhost") {
		t.Error(out)
	}
	s = serveProcess(t, dir)
	if out := must(t, "", "user", "list", "--data", dir); !strings.Contains(out, "alice@localhost") {
		t.Error(out)
	}
	s.stop(t)
}

// fakeMessenger is what serve has to deal with when clients do not hang up.
type fakeMessenger struct {
	stuck   chan struct{}
	serving sync.WaitGroup
	err     error
}

func (m *fakeMessenger) Serve(plain, direct []net.Listener) error {
	for _, l := range append(plain, direct...) {
		m.serving.Go(func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				_ = c.Close()
			}
		})
	}
	m.serving.Wait()
	return m.err
}

func (m *fakeMessenger) WebSocket() http.Handler { return http.NotFoundHandler() }

func (m *fakeMessenger) Federate(plain, direct []net.Listener) error { return nil }
func (m *fakeMessenger) Federation() links                           { return operatorOfLinks{} }
func (m *fakeMessenger) Accompany(_, _ []net.Listener) error         { return nil }
func (m *fakeMessenger) BOSH() http.Handler                          { return http.NotFoundHandler() }

func (m *fakeMessenger) Files() http.Handler                        { return http.NotFoundHandler() }
func (m *fakeMessenger) Maps() http.Handler                         { return nil }
func (m *fakeMessenger) Circles() *circle.Service                   { return nil }
func (m *fakeMessenger) Guardians() *guardian.Service               { return nil }
func (m *fakeMessenger) Pairing() web.Pairing                       { return nil }
func (m *fakeMessenger) DisplayName(context.Context, string) string { return "" }
func (m *fakeMessenger) Shutdown(ctx context.Context) error {
	if m.stuck == nil {
		return nil
	}
	close(m.stuck)
	<-ctx.Done()
	return ctx.Err()
}

func TestServeReportsWhatFails(t *testing.T) {
	o := defaultOptions()
	o.program.Data = t.TempDir()
	o.listen = listenOptions{HTTP: "127.0.0.1:0", HTTPS: "off", C2S: "off", C2STLS: "off", S2S: "off", S2STLS: "off", TURN: "off"}
	broken := errors.New("broken")
	start := func(_ context.Context, p parts) (messenger, error) {
		if p.tls != nil || p.data.domain != "localhost" || !strings.HasPrefix(p.baseURL, "http://localhost:") {
			t.Errorf("%+v", p)
		}
		return &fakeMessenger{err: broken}, nil
	}
	var out bytes.Buffer
	if err := serve(t.Context(), o, false, start, newLog(io.Discard, "info"), &out); !errors.Is(err, broken) {
		t.Errorf("serve: %v", err)
	}
	start = func(context.Context, parts) (messenger, error) { return nil, broken }
	if err := serve(t.Context(), o, false, start, newLog(io.Discard, "info"), &out); !errors.Is(err, broken) {
		t.Errorf("serve: %v", err)
	}
	// Nothing is left open: it can be started again, and stopped.
	ctx, cancel := context.WithCancel(t.Context())
	start = func(context.Context, parts) (messenger, error) { cancel(); return &fakeMessenger{}, nil }
	if err := serve(ctx, o, false, start, newLog(io.Discard, "info"), &out); err != nil {
		t.Errorf("serve: %v", err)
	}
}

func TestLinkIsPrintedAloneForAProgram(t *testing.T) {
	var out bytes.Buffer
	if err := writeInvite(&out, "https://example.org/i/x", true); err != nil || out.String() != "https://example.org/i/x\n" {
		t.Errorf("%q %v", out.String(), err)
	}
}

var _ people = operator{auth: (*auth.Service)(nil)}
