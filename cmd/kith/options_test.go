package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"kith/internal/config"
)

// load reads options as kith serve does.
func load(t *testing.T, env []string, args ...string) (*options, error) {
	t.Helper()
	var o *options
	c := &cobra.Command{Use: "serve", SilenceErrors: true, SilenceUsage: true, RunE: func(c *cobra.Command, _ []string) error {
		var err error
		o, _, _, err = loadOptions(c, env)
		return err
	}}
	addOptionFlags(c, serveFlags()...)
	c.SetArgs(args)
	err := c.ExecuteContext(t.Context())
	if err == nil {
		o.settle()
	}
	return o, err
}

func TestDefaultsFollowTheDomain(t *testing.T) {
	o, err := load(t, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := listenOptions{HTTP: "localhost:8080", HTTPS: "localhost:8443", C2S: "localhost:5222", C2STLS: "localhost:5223", S2S: "off", S2STLS: "off", XMPPOnHTTPS: true, TURN: "localhost:3478"}
	if o.listen != want || o.program.Domain != "localhost" {
		t.Errorf("%+v", o)
	}
	o, err = load(t, nil, "--domain", "Example.ORG", "--c2s", "off", "--https", "127.0.0.1:443")
	if err != nil {
		t.Fatal(err)
	}
	want = listenOptions{HTTP: ":80", HTTPS: "127.0.0.1:443", C2S: "off", C2STLS: ":5223", S2S: ":5269", S2STLS: ":5270", XMPPOnHTTPS: true, TURN: ":3478"}
	if o.listen != want || o.program.Domain != "example.org" {
		t.Errorf("%+v", o)
	}
}

// Every flag of the contract, with its name in the environment.
func TestEveryFlagIsInTheEnvironment(t *testing.T) {
	set := defaultOptions().set()
	byFlag := map[string]*config.Option{}
	for _, o := range set.Options() {
		byFlag[o.Flag] = o
	}
	for _, f := range serveFlags() {
		env := "KITH_" + strings.ToUpper(strings.ReplaceAll(f, "-", "_"))
		if o := byFlag[f]; o == nil || o.Env != env {
			t.Errorf("--%s is not %s in the environment", f, env)
		}
	}
	file := filepath.Join(t.TempDir(), "kith.toml")
	if err := os.WriteFile(file, []byte("domain = \"file.example\"\n[listen]\nhttp = \":1\"\nc2s = \":2\"\nc2s_tls = \":3\"\n[c2s]\nsessions = 7\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	o, err := load(t, []string{"KITH_CONFIG=" + file, "KITH_C2S=:20", "KITH_C2S_TLS=:30", "KITH_C2S_LOGIN_TRIES=3"}, "--c2s-tls", ":300")
	if err != nil {
		t.Fatal(err)
	}
	if o.program.Domain != "file.example" || o.listen.HTTP != ":1" || o.listen.C2S != ":20" || o.listen.C2STLS != ":300" || o.server.C2S.Sessions != 7 || o.server.C2S.LoginTries != 3 {
		t.Errorf("%+v", o)
	}
}

func TestOptionErrors(t *testing.T) {
	for _, c := range []struct {
		env, args []string
		want      string
	}{
		{nil, []string{"--http", "8080"}, `--http: "8080" is not allowed: expected HOST:PORT`},
		{[]string{"KITH_C2S=nowhere"}, nil, `KITH_C2S: "nowhere" is not allowed`},
		{nil, []string{"--domain", "a b"}, `--domain: domain is "a b"; expected a domain such as example.org`},
		{nil, []string{"--domain", "bob@example.org"}, "expected a domain"},
		{nil, []string{"--cert", "x.pem"}, "cert is given without key"},
		{nil, []string{"--config", "/nonexistent/kith.toml"}, "--config /nonexistent/kith.toml: no such file or directory"},
		{[]string{"KITH_LOG_LEVEL=loud"}, nil, `log_level is "loud"; expected error, warn, info or debug`},
		{[]string{"KITH_URL=example.org"}, nil, "expected an address such as"},
		{[]string{"KITH_URL=https://example.org/kith"}, nil, "expected an address such as"},
		{[]string{"KITH_ACCOUNTS_ITERATIONS=5"}, nil, "KITH_ACCOUNTS_ITERATIONS: accounts.iterations is 5; allowed are 10000 to"},
		{[]string{"KITH_CONNECTIONS_MAX=1"}, nil, "connections.max is 1; allowed are 10 to"},
	} {
		if _, err := load(t, c.env, c.args...); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v %v: %v, want %q", c.env, c.args, err, c.want)
		}
	}
}

func TestBaseURL(t *testing.T) {
	for _, c := range []struct {
		args        []string
		env         string
		http, https int
		want        string
	}{
		{nil, "", 8080, 8443, "http://localhost:8080"},
		{[]string{"--http", "off"}, "", 0, 8443, "https://localhost:8443"},
		{[]string{"--http", "192.168.1.5:8080"}, "", 8080, 8443, "http://192.168.1.5:8080"},
		{[]string{"--http", "0.0.0.0:80"}, "", 80, 8443, "http://localhost"},
		{[]string{"--http", "[fe80::1]:80"}, "", 80, 8443, "http://[fe80::1]"},
		{[]string{"--http", "localhost:0"}, "", 40123, 8443, "http://localhost:40123"},
		{[]string{"--domain", "example.org"}, "", 80, 443, "https://example.org"},
		{[]string{"--domain", "example.org", "--https", ":8443"}, "", 80, 8443, "https://example.org:8443"},
		{[]string{"--domain", "example.org", "--https", "off", "--http", "localhost:8080"}, "", 8080, 0, "https://example.org"},
		{[]string{"--domain", "example.org"}, "https://chat.example.org/", 80, 443, "https://chat.example.org"},
	} {
		o, err := load(t, []string{"KITH_URL=" + c.env}, c.args...)
		if err != nil {
			t.Fatal(err)
		}
		if got := o.baseURL(c.http, c.https); got != c.want {
			t.Errorf("%v: %s, want %s", c.args, got, c.want)
		}
	}
}

func TestDataDirectory(t *testing.T) {
	t.Setenv("STATE_DIRECTORY", "/var/lib/elsewhere:/second")
	if o, err := load(t, nil); err != nil || o.program.Data != "/var/lib/elsewhere" {
		t.Errorf("%v %v", o.program.Data, err)
	}
	if o, err := load(t, []string{"KITH_DATA=/given"}); err != nil || o.program.Data != "/given" {
		t.Errorf("%v %v", o.program.Data, err)
	}
	t.Setenv("STATE_DIRECTORY", "")
	t.Setenv("XDG_DATA_HOME", "/home/x/data")
	want := "/home/x/data/kith"
	if os.Geteuid() == 0 {
		want = "/var/lib/kith"
	}
	if o, err := load(t, nil); err != nil || o.program.Data != want {
		t.Errorf("%v %v", o.program.Data, err)
	}
	if o, err := load(t, nil, "--data", "here"); err != nil || !filepath.IsAbs(o.program.Data) {
		t.Errorf("%v %v", o.program.Data, err)
	}
}
