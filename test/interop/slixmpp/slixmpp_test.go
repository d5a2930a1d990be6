// SPDX-License-Identifier: AGPL-3.0-or-later

// Package slixmpp_test lets slixmpp, which shares no code with Kith, tell stories about the server.
package slixmpp_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"testing"

	"kith/internal/clock"
	"kith/internal/config"
	"kith/internal/counter"
	"kith/server/auth"
	"kith/server/calls"
	"kith/server/servertest"
)

// python is Debian's: it has slixmpp as a package, see test/debian-packages.txt.
const python = "/usr/bin/python3"

// tell runs a script against a server and gives what it found out.
func tell(t *testing.T, s *servertest.Server, script string, env ...string) map[string]any {
	t.Helper()
	return tellAt(t, s, s.Listen(), script, nil, env...)
}

// tellAt is tell for a server that listens. What the script says before its end, it says to a function of the
// test, and then waits for that.
func tellAt(t *testing.T, s *servertest.Server, at net.Addr, script string, said func(string), env ...string) map[string]any {
	t.Helper()
	for _, f := range []string{script, "kithtest.py"} {
		if _, err := os.Stat(f); err != nil { // also tells the go command that the test depends on it
			t.Fatal(err)
		}
	}
	host, port, err := net.SplitHostPort(at.String())
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), python, "-B", script)
	cmd.Env = append(os.Environ(), append(env, "KITH_DOMAIN="+s.Domain, "KITH_HOST="+host, "KITH_PORT="+port, "KITH_CERT="+s.CertFile(),
		"KITH_PASSWORD="+servertest.Password)...)
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var out map[string]any
	lines := bufio.NewScanner(stdout)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "{") {
			if err := json.Unmarshal(lines.Bytes(), &out); err != nil {
				t.Fatalf("%s: %v\n%s", script, err, lines.Text())
			}
			continue
		}
		if said != nil {
			said(lines.Text())
		}
		if _, err := io.WriteString(stdin, "go on\n"); err != nil {
			t.Fatal(err)
		}
	}
	if err := cmd.Wait(); err != nil || out == nil {
		t.Fatalf("%s: %v\n%s", script, err, stderr.String())
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

// house is a server with Alice, Bob, and root, who administers it.
func house(t *testing.T, change ...func(*servertest.Options)) *servertest.Server {
	t.Helper()
	s := servertest.New(t, change...)
	s.Account("alice", "bob", "root")
	if err := s.Auth.SetRole(t.Context(), "root", auth.RoleAdmin); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestContacts(t *testing.T) {
	check(t, tell(t, house(t), "contacts.py"), map[string]any{
		"roster":          []any{"both", "Bobby", []any{"Friends"}},
		"carbon_received": "for one device",
		"carbon_sent":     "from one device",
		"csi_before":      []any{},
		"csi":             []any{"busy", "urgent"},
		"report":          true,
		"blocked":         []any{"bob@example.org"},
		"refused":         "service-unavailable",
	})
}

func TestHistory(t *testing.T) {
	check(t, tell(t, house(t), "history.py"), map[string]any{
		"archive": true, "stable": true, "metadata": true, "mention": true,
		"inbox":           []any{"1", "1", "25"},
		"inbox_entries":   []any{[]any{"alice@example.org", "25", true, true}},
		"inbox_displayed": []any{"1", "0", "0"},
		"prefs":           []any{"always", []any{"alice@example.org"}},
		"not_archived":    "Bob, come here",
	})
}

func TestNotes(t *testing.T) {
	check(t, tell(t, house(t), "notes.py"), map[string]any{
		"nick": true, "private": true, "old_to_new": true, "new_to_old": true, "extensions": true,
		"picture_in_card": true, "card_to_picture": true,
	})
}

func TestFiles(t *testing.T) {
	relay, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := house(t, func(o *servertest.Options) {
		o.Config.Proxy.Listen = config.Addr(relay.Addr().String())
	})
	t.Cleanup(func() { _ = relay.Close() })
	go accept(relay, s.Proxy().Serve)
	web := httptest.NewTLSServer(s.Files())
	t.Cleanup(web.Close)
	check(t, tell(t, s, "files.py", "KITH_WEB="+web.URL), map[string]any{
		"put": 201.0, "put_again": 201.0, "put_else": 409.0, "get": []any{200.0, true},
		"services": []any{"upload.example.org"}, "relay": []any{"proxy.example.org"}, "relayed": true,
	})
}

// accept takes connections until the listener is closed.
func accept(l net.Listener, take func(net.Conn)) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		take(c)
	}
}

func TestGroups(t *testing.T) {
	check(t, tell(t, house(t), "groups.py"), map[string]any{
		"default": map[string]any{
			"muc#roomconfig_membersonly": true, "muc#roomconfig_persistentroom": true,
			"muc#roomconfig_publicroom": false, "muc#roomconfig_whois": "anyone",
		},
		"uninvited": "registration-required", "invited": true, "direct": true, "mention": true, "occupant_id": true,
		"moderated": true, "no_moderator": "forbidden", "archive": []any{true, false, true},
		"self_ping": "result", "self_ping_outside": "not-acceptable", "picture": true, "listed": false,
	})
}

func TestPush(t *testing.T) {
	const secret = "a secret for tests"
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := house(t, func(o *servertest.Options) {
		o.Config.Components.Secrets = map[string]string{"vendor.example.org": secret}
	})
	t.Cleanup(func() { _ = l.Close() })
	go accept(l, s.Components().Serve)
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	check(t, tell(t, s, "push.py", "KITH_SECRET="+secret, "KITH_COMPONENTS="+port), map[string]any{
		"component": "result", "push": []any{"example.org", true, true, false}, "after_disable": 0.0,
		"to_component": "to the component", "from_component": "room@vendor.example.org",
	})
}

func TestAdmin(t *testing.T) {
	udp, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	relay, err := calls.NewRelay(calls.Listen{UDP: udp}, "example.org", clock.Real{}, slog.New(slog.DiscardHandler), counter.New("turn_refused"), calls.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = relay.Close() })
	s := house(t, func(o *servertest.Options) { o.Relay = relay })
	check(t, tell(t, s, "admin.py"), map[string]any{
		"for_admins": true, "for_all": false, "added": true, "carol": "carol@example.org", "refused": "item-not-found",
		"invitation": true, "relay": []any{true, true},
	})
}

func TestBOSH(t *testing.T) {
	s := house(t)
	web := httptest.NewTLSServer(s.BOSH(nil))
	t.Cleanup(func() { web.CloseClientConnections(); web.Close() })
	check(t, tell(t, s, "bosh.py", "KITH_BOSH="+web.URL+"/http-bind"), map[string]any{
		"first": []any{"1", "120", "7"}, "bound": "alice@example.org/page", "message": "to oneself", "pause": 0.0, "end": "terminate",
	})
}

// The connection breaks, and then the server restarts, at the same address.
func TestRestart(t *testing.T) {
	dir := t.TempDir()
	same := func(o *servertest.Options) { o.Dir = dir }
	s := house(t, same)
	at := s.Listen()
	check(t, tellAt(t, s, at, "restart.py", func(string) {
		s.Restart()
	}), map[string]any{
		"resumed": true, "failed_with_h": true, "once": []any{1.0, 1.0},
	})
}
