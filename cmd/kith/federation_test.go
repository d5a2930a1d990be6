package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"kith/federation"
)

// What the operator decides about other servers, through the server that runs and without it.
func TestFederationCommands(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	refused(t, 1, "there is no server in "+dir, "", "federation", "status", "--data", dir)
	must(t, "correct horse", "user", "add", "alice@localhost", "--data", dir)
	status := func(args ...string) (st federation.Status) {
		t.Helper()
		if err := json.Unmarshal([]byte(must(t, "", append([]string{"federation", "status", "--json", "--data", dir}, args...)...)), &st); err != nil {
			t.Fatal(err)
		}
		return st
	}
	must(t, "", "federation", "policy", "open", "--data", dir)
	decide := func(how string) {
		t.Run(how, func(t *testing.T) {
			if out := must(t, "", "federation", "block", "spam-"+how+".example", "--data", dir); out != "spam-"+how+".example is blocked, and what is below it.\n" {
				t.Error(out)
			}
			must(t, "", "federation", "allow", "ok.spam-"+how+".example", "--data", dir)
			refused(t, 1, "is not a domain", "", "federation", "block", "bob@example.net", "--data", dir)
			refused(t, 1, "localhost is this server itself", "", "federation", "block", "localhost", "--data", dir)
			refused(t, 1, "groups.localhost is this server itself", "", "federation", "block", "groups.localhost", "--data", dir)
			list := must(t, "", "federation", "status", "--data", dir)
			if !regexp.MustCompile(`(?m)^spam-` + how + `\.example +idle +0 +0 +0 +blocked$`).MatchString(list) {
				t.Error(list)
			}
			if d := status("ok.spam-" + how + ".example").Domains; len(d) != 1 || !d[0].Permitted || d[0].Rule != "allow" {
				t.Errorf("%+v", d)
			}
			must(t, "", "federation", "forget", "spam-"+how+".example", "--data", dir)
			if d := status("spam-" + how + ".example").Domains; len(d) != 1 || !d[0].Permitted {
				t.Errorf("%+v", d)
			}
			if out := must(t, "", "federation", "status", "spam-"+how+".example", "--data", dir); !regexp.MustCompile(`(?m)^Permitted +true \(by the policy\)$`).MatchString(out) {
				t.Error(out)
			}
			if out := must(t, "", "federation", "status", "never.example", "--data", dir); out != "Nothing is known of never.example yet.\n" {
				t.Error(out)
			}
			if out := must(t, "", "federation", "policy", "allow", "--data", dir); !strings.HasPrefix(out, "Policy allow: with those domains only that are allowed.\nPush services of app vendors are reached nevertheless: p2.conversations.im, ") {
				t.Error(out)
			}
			if out := must(t, "", "federation", "policy", "--data", dir); !strings.HasPrefix(out, "Policy allow:") {
				t.Error(out)
			}
			refused(t, 2, `"shut": expected "open", "allow" or "off"`, "", "federation", "policy", "shut", "--data", dir)
			if out := must(t, "", "federation", "trust", "example.net", "--data", dir); out != "There is no warning about example.net.\n" {
				t.Error(out)
			}
			must(t, "", "federation", "policy", "open", "--data", dir)
		})
	}
	decide("stopped")
	refused(t, 1, "the server does not run", "", "federation", "retry", "--data", dir)
	refused(t, 1, "the server does not run", "", "federation", "return", "example.net", "--data", dir)
	s := serveProcess(t, dir, "--s2s", "localhost:0")
	decide("running")
	if out := must(t, "", "federation", "retry", "--data", dir); out != "There is nothing to try.\n" {
		t.Error(out)
	}
	if out := must(t, "", "federation", "return", "example.net", "--data", dir); out != "Given back: 0.\n" {
		t.Error(out)
	}
	refused(t, 2, "takes one argument at most", "", "federation", "retry", "a.example", "b.example", "--data", dir)
	if err := s.cmd.Process.Kill(); err != nil {
		t.Error(err)
	}
	_ = s.cmd.Wait()
	if d := status("ok.spam-running.example").Domains; len(d) != 1 || d[0].Rule != "allow" {
		t.Errorf("after a kill: %+v", d)
	}
}

// A server that nobody else can reach does not federate, and does not speak of it.
func TestNoFederationAtHome(t *testing.T) {
	for _, domain := range []string{"localhost", "chat.localhost"} {
		dir := filepath.Join(t.TempDir(), "data")
		must(t, "correct horse", "user", "add", "alice@"+domain, "--data", dir)
		if out := must(t, "", "config", "show", "--domain", domain); !regexp.MustCompile(`(?m)^listen\.s2s +(= "off") +# default$`).MatchString(out) ||
			!regexp.MustCompile(`(?m)^listen\.s2s_tls +(= "off") +# default$`).MatchString(out) {
			t.Error(out)
		}
		if out := must(t, "", "federation", "policy", "--data", dir); !strings.HasPrefix(out, "Policy off:") {
			t.Errorf("%s: %s", domain, out)
		}
	}
	// A new server with a domain federates, unless nobody can connect to it.
	dir := filepath.Join(t.TempDir(), "data")
	must(t, "correct horse", "user", "add", "alice@example.org", "--data", dir)
	if out := must(t, "", "federation", "policy", "--data", dir); !strings.HasPrefix(out, "Policy open:") {
		t.Error(out)
	}
	t.Setenv("KITH_S2S", "off")
	t.Setenv("KITH_S2S_TLS", "off")
	if out := must(t, "", "federation", "status", "--data", dir); !strings.HasPrefix(out, "Policy off: with nobody.\nPush services of app vendors are reached nevertheless: ") {
		t.Error(out)
	}
}

// The other servers of a closed network are in the configuration.
func TestRoutesAreOptions(t *testing.T) {
	out, _, code := runProgram(t, "", "config", "show", "--config", writeFile(t, "kith.toml", `
[federation]
policy = "allow"
allow = ["other.test"]
[federation.routes]
"other.test" = "127.0.0.1:5269"
"third.test" = "tls:[::1]:5270"
`))
	if code != 0 || !regexp.MustCompile(`(?m)^federation\.routes += \{ "other\.test" = "127\.0\.0\.1:5269", "third\.test" = "tls:\[::1\]:5270" \} +# .*kith\.toml:5$`).MatchString(out) {
		t.Errorf("%d %s", code, out)
	}
	refused(t, 1, `federation.routes sends other.test to "nowhere"; expected HOST:PORT or tls:HOST:PORT`, "", "config", "show", "--config", writeFile(t, "kith.toml", `
federation.routes = { "other.test" = "nowhere" }
`))
	refused(t, 1, `expected a table of texts such as { "one" = "two" }`, "", "config", "show", "--config", writeFile(t, "kith.toml", `
federation.routes = "other.test"
`))
}

func writeFile(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
