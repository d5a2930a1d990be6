// SPDX-License-Identifier: AGPL-3.0-or-later

// Package slixmpp_test lets slixmpp, which shares no code with Kith, tell stories about the server.
package slixmpp_test

import (
	"bytes"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"reflect"
	"testing"

	"kith/server/auth"
	"kith/server/servertest"
)

// python is Debian's: it has slixmpp as a package, see test/debian-packages.txt.
const python = "/usr/bin/python3"

// tell runs a script against a server and gives what it found out.
func tell(t *testing.T, s *servertest.Server, script string, env ...string) map[string]any {
	t.Helper()
	for _, f := range []string{script, "kithtest.py"} {
		if _, err := os.Stat(f); err != nil { // also tells the go command that the test depends on it
			t.Fatal(err)
		}
	}
	host, port, err := net.SplitHostPort(s.Listen().String())
	if err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), python, "-B", script)
	cmd.Env = append(os.Environ(), append(env, "KITH_DOMAIN="+s.Domain, "KITH_HOST="+host, "KITH_PORT="+port, "KITH_CERT="+s.CertFile())...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v\n%s", script, err, stderr.String())
	}
	var out map[string]any
	if err := json.Unmarshal(stdout.Bytes(), &out); err != nil {
		t.Fatalf("%s: %v\n%s", script, err, stdout.String())
	}
	return out
}

func check(t *testing.T, got, want map[string]any) {
	t.Helper()
	for k, w := range want {
		if !reflect.DeepEqual(got[k], w) {
			t.Errorf("%s is %v, want %v", k, got[k], w)
		}
	}
	for k, g := range got {
		if _, ok := want[k]; !ok {
			t.Errorf("%s is %v; nothing was expected of it", k, g)
		}
	}
}

func TestRegister(t *testing.T) {
	s := servertest.New(t)
	s.Account("alice")
	inv, err := s.Auth.CreateInvite(t.Context(), auth.NewInvite{Kind: auth.InviteContact, Creator: "alice"})
	if err != nil {
		t.Fatal(err)
	}
	token, _ := s.Auth.InviteToken(inv)
	check(t, tell(t, s, "register.py", "KITH_TOKEN="+token), map[string]any{
		"asked_without_token": []any{},
		"asked":               []any{"password", "username"},
		"bound":               "bob@example.org",
		"short":               "not-acceptable",
		"gone":                "failed_auth",
	})
}
