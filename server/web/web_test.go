package web_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"kith/internal/clock"
	"kith/internal/sasl"
	"kith/server/auth"
	"kith/server/store/storetest"
	"kith/server/web"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

var app = fstest.MapFS{
	".placeholder":           {},
	"index.html":             {Data: []byte("<!doctype html><title>Kith</title>")},
	"favicon.svg":            {Data: []byte("<svg/>")},
	"sw.js":                  {Data: []byte("let files = [];")},
	"sw.js.gz":               {Data: []byte("gz-worker")},
	"manifest.webmanifest":   {Data: []byte("{}")},
	"assets/main-0a1b.js":    {Data: []byte("let app = 'main';")},
	"assets/main-0a1b.js.br": {Data: []byte("br-form")},
	"assets/main-0a1b.js.gz": {Data: []byte("gz-form.")},
	"assets/omemo-2c.wasm":   {Data: []byte("\x00asm")},
	"assets/odd.gz":          {Data: []byte("a file of its own")},
}

type site struct {
	*web.Web
	auth *auth.Service
	clk  *clock.Fake
	log  *bytes.Buffer
}

func newSite(t *testing.T, change func(*web.Options)) *site {
	t.Helper()
	s := &site{clk: clock.NewFake(start), log: &bytes.Buffer{}}
	accounts, err := auth.New(t.Context(), auth.Options{
		Domain: "kith.example", Config: auth.DefaultConfig(), Secret: auth.NewSecret(), Store: storetest.Open(t).Auth(), Clock: s.clk,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.auth = accounts
	opts := web.Options{
		Domain: "kith.example", BaseURL: "https://chat.kith.example", Frontend: app, Accounts: accounts, Clock: s.clk,
		WebSocket: http.NotFoundHandler(),
		Healthy:   func(context.Context) error { return nil },
		Log:       slog.New(slog.NewTextHandler(s.log, nil)),
	}
	if change != nil {
		change(&opts)
	}
	if s.Web, err = web.New(opts); err != nil {
		t.Fatal(err)
	}
	return s
}

// get makes a request; headers are pairs.
func (s *site) do(t *testing.T, method, target, body string, headers ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w.Result()
}

func text(t *testing.T, r *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestFiles(t *testing.T) {
	s := newSite(t, nil)
	const forever, revalidate = "public, max-age=31536000, immutable", "no-cache"
	for _, c := range []struct {
		path, accept         string
		status               int
		body, kind, encoding string
		cache                string
	}{
		{"/", "", 200, "<!doctype html><title>Kith</title>", "text/html; charset=utf-8", "", revalidate},
		{"/i/abc", "", 200, "<!doctype html><title>Kith</title>", "text/html; charset=utf-8", "", revalidate},
		{"/chat/bob@kith.example/details", "", 200, "<!doctype html><title>Kith</title>", "text/html; charset=utf-8", "", revalidate},
		{"/g/garden@groups.kith.example", "", 200, "<!doctype html><title>Kith</title>", "text/html; charset=utf-8", "", revalidate},
		{"/open/xmpp%3Agarden%40groups.kith.example%3Fjoin", "", 200, "<!doctype html><title>Kith</title>", "text/html; charset=utf-8", "", revalidate},
		{"/settings", "", 200, "<!doctype html><title>Kith</title>", "text/html; charset=utf-8", "", revalidate},
		{"/settings/devices", "", 200, "<!doctype html><title>Kith</title>", "text/html; charset=utf-8", "", revalidate},
		{"/requests", "", 200, "<!doctype html><title>Kith</title>", "text/html; charset=utf-8", "", revalidate},
		{"/favicon.svg", "br, gzip", 200, "<svg/>", "image/svg+xml", "", revalidate},
		// The service worker at the root, for the whole app; a browser that asked for it before must ask again.
		{"/sw.js", "", 200, "let files = [];", "text/javascript; charset=utf-8", "", revalidate},
		{"/sw.js", "gzip", 200, "gz-worker", "text/javascript; charset=utf-8", "gzip", revalidate},
		{"/manifest.webmanifest", "", 200, "{}", "application/manifest+json", "", revalidate},
		{"/assets/main-0a1b.js", "", 200, "let app = 'main';", "text/javascript; charset=utf-8", "", forever},
		{"/assets/main-0a1b.js", "gzip, deflate, br, zstd", 200, "br-form", "text/javascript; charset=utf-8", "br", forever},
		{"/assets/main-0a1b.js", "gzip", 200, "gz-form.", "text/javascript; charset=utf-8", "gzip", forever},
		{"/assets/main-0a1b.js", "br;q=0, gzip;q=0.5", 200, "gz-form.", "text/javascript; charset=utf-8", "gzip", forever},
		{"/assets/main-0a1b.js", "br;q=0, identity", 200, "let app = 'main';", "text/javascript; charset=utf-8", "", forever},
		{"/assets/omemo-2c.wasm", "br", 200, "\x00asm", "application/wasm", "", forever},
		{"/assets/odd.gz", "gzip", 200, "a file of its own", "application/octet-stream", "", forever},
		{"/assets/main-0a1b.js.br", "", 404, "Not Found\n", "text/plain; charset=UTF-8", "", "no-store"},
		{"/assets/missing.js", "", 404, "Not Found\n", "text/plain; charset=UTF-8", "", "no-store"},
		{"/.placeholder", "", 404, "Not Found\n", "text/plain; charset=UTF-8", "", "no-store"},
		{"/assets/", "", 404, "Not Found\n", "text/plain; charset=UTF-8", "", "no-store"},
		{"/assets/../index.html", "", 404, "Not Found\n", "text/plain; charset=UTF-8", "", "no-store"},
		{"/elsewhere", "", 404, "Not Found\n", "text/plain; charset=UTF-8", "", "no-store"},
		{"/api/v1/elsewhere", "", 404, "{\"error\":\"not-found\"}\n", "application/json", "", "no-store"},
	} {
		t.Run(c.path+" "+c.accept, func(t *testing.T) {
			r := s.do(t, "GET", c.path, "", "Accept-Encoding", c.accept)
			h := r.Header
			if r.StatusCode != c.status || text(t, r) != c.body || h.Get("Content-Type") != c.kind ||
				h.Get("Content-Encoding") != c.encoding || h.Get("Cache-Control") != c.cache {
				t.Errorf("%d %v", r.StatusCode, h)
			}
			if c.status != 200 {
				return
			}
			if n := h.Get("Content-Length"); n != fmt.Sprint(len(c.body)) {
				t.Errorf("Content-Length %q", n)
			}
			head := s.do(t, "HEAD", c.path, "", "Accept-Encoding", c.accept)
			if head.StatusCode != 200 || head.Header.Get("ETag") != h.Get("ETag") || text(t, head) != "" {
				t.Errorf("HEAD: %d %v", head.StatusCode, head.Header)
			}
			again := s.do(t, "GET", c.path, "", "Accept-Encoding", c.accept, "If-None-Match", h.Get("ETag"))
			if again.StatusCode != http.StatusNotModified || text(t, again) != "" {
				t.Errorf("with its ETag: %d", again.StatusCode)
			}
		})
	}
	br, gz := s.do(t, "GET", "/assets/main-0a1b.js", "", "Accept-Encoding", "br"), s.do(t, "GET", "/assets/main-0a1b.js", "", "Accept-Encoding", "gzip")
	if br.Header.Get("ETag") == gz.Header.Get("ETag") || br.Header.Get("Vary") != "Accept-Encoding" {
		t.Error("two forms of a file look the same to a cache")
	}
	part := s.do(t, "GET", "/assets/main-0a1b.js", "", "Range", "bytes=4-6")
	if part.StatusCode != 206 || text(t, part) != "app" || part.Header.Get("Content-Length") != "3" {
		t.Errorf("a part: %d %v", part.StatusCode, part.Header)
	}
	part = s.do(t, "GET", "/assets/main-0a1b.js", "", "Range", "bytes=0-1", "Accept-Encoding", "br")
	if part.StatusCode != 206 || text(t, part) != "br" || part.Header.Get("Content-Length") != "2" {
		t.Errorf("a part of an encoded form: %d %v", part.StatusCode, part.Header)
	}
}

func TestWithoutTheApp(t *testing.T) {
	s := newSite(t, func(o *web.Options) { o.Frontend = fstest.MapFS{".placeholder": {}} })
	r := s.do(t, "GET", "/", "")
	body := text(t, r)
	if r.StatusCode != http.StatusServiceUnavailable || !strings.Contains(body, "make build") || r.Header.Get("Content-Type") != "text/html; charset=UTF-8" {
		t.Errorf("%d %v %s", r.StatusCode, r.Header, body)
	}
	if strings.Contains(body, "style") || strings.Contains(body, "<script") {
		t.Error("the page needs what its policy forbids")
	}
}

func TestSecurityHeadersAreOnEverything(t *testing.T) {
	s := newSite(t, func(o *web.Options) { o.StrictTLS = true })
	for _, path := range []string{"/", "/assets/main-0a1b.js", "/missing", "/api/v1/invites/x", "/api/missing", "/healthz", "/.well-known/host-meta", "/ws"} {
		for scheme, socket := range map[string]string{"http": "ws", "https": "wss"} {
			h := s.do(t, "GET", scheme+"://chat.kith.example:8443"+path, "").Header
			policy := h.Get("Content-Security-Policy")
			for _, part := range []string{
				"default-src 'none';", "script-src 'self' 'wasm-unsafe-eval';", "style-src 'self';",
				"connect-src 'self' " + socket + "://chat.kith.example:8443;", "base-uri 'none';", "frame-ancestors 'none';",
				"require-trusted-types-for 'script';", "trusted-types solid kith-worker kith-service-worker",
			} {
				if !strings.Contains(policy, part) {
					t.Errorf("%s: no %q in %q", path, part, policy)
				}
			}
			for name, want := range map[string]string{
				"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp",
				"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
			} {
				if h.Get(name) != want {
					t.Errorf("%s: %s is %q", path, name, h.Get(name))
				}
			}
			if strict := h.Get("Strict-Transport-Security") != ""; strict != (scheme == "https") {
				t.Errorf("%s %s: HSTS %v", scheme, path, strict)
			}
			if h.Get("Permissions-Policy") == "" || h.Get("Cross-Origin-Resource-Policy") == "" || strings.Contains(policy, "unsafe-inline") {
				t.Errorf("%s: %v", path, h)
			}
		}
	}
	for _, bad := range []string{"evil.example; script-src *", "a b", ""} {
		r := httptest.NewRequestWithContext(t.Context(), "GET", "/", nil)
		r.Host = bad
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code != 400 || w.Header().Get("Content-Security-Policy") != "default-src 'none'" {
			t.Errorf("host %q: %d %v", bad, w.Code, w.Header())
		}
	}
	if h := newSite(t, nil).do(t, "GET", "https://kith.example/", "").Header; h.Get("Strict-Transport-Security") != "" {
		t.Error("HSTS without StrictTLS")
	}
}

func TestRedirectToTLS(t *testing.T) {
	s := newSite(t, func(o *web.Options) { o.Redirect = true })
	r := s.do(t, "GET", "http://kith.example/i/abc?x=1", "")
	if r.StatusCode != http.StatusPermanentRedirect || r.Header.Get("Location") != "https://chat.kith.example/i/abc?x=1" {
		t.Errorf("%d %v", r.StatusCode, r.Header)
	}
	for target, want := range map[string]int{
		"http://kith.example/healthz":               200,
		"http://kith.example/.well-known/host-meta": 200,
		"https://kith.example/":                     200,
		"http://kith.example/ws":                    403,
		"http://kith.example//evil.example/":        308,
	} {
		r := s.do(t, "GET", target, "")
		if r.StatusCode != want || want == 308 && !strings.HasPrefix(r.Header.Get("Location"), "https://chat.kith.example/") {
			t.Errorf("%s: %d %v", target, r.StatusCode, r.Header)
		}
	}
	if r := s.do(t, "POST", "http://kith.example/api/v1/invites/x/account", "{}"); r.StatusCode != 403 {
		t.Errorf("POST without TLS: %d", r.StatusCode)
	}
}

func TestWhatAProxySaysIsBelievedOnlyFromThisMachine(t *testing.T) {
	for _, c := range []struct {
		remote, xff, proto, addr string
		secure                   bool
	}{
		{"192.0.2.1:1", "", "", "192.0.2.1", false},
		{"192.0.2.1:1", "198.51.100.7", "https", "192.0.2.1", false},
		{"127.0.0.1:1", "", "", "127.0.0.1", false},
		{"127.0.0.1:1", "198.51.100.7", "https", "198.51.100.7", true},
		{"127.0.0.1:1", "10.0.0.1, 198.51.100.7", "http", "198.51.100.7", false},
		{"[::1]:1", "garbage", "HTTPS", "::1", true},
		{"[::ffff:127.0.0.1]:1", "2001:db8::1", "", "2001:db8::1", false},
		{"@", "", "", "invalid IP", false}, // a unix socket
	} {
		r := httptest.NewRequestWithContext(t.Context(), "GET", "/", nil)
		r.RemoteAddr = c.remote
		if c.xff != "" {
			r.Header.Set("X-Forwarded-For", c.xff)
		}
		r.Header.Set("X-Forwarded-Proto", c.proto)
		if got := web.ClientAddr(r).String(); got != c.addr || web.Secure(r) != c.secure {
			t.Errorf("%+v: %s %v", c, got, web.Secure(r))
		}
	}
}

func TestHostMeta(t *testing.T) {
	s := newSite(t, nil)
	r := s.do(t, "GET", "/.well-known/host-meta", "", "Origin", "https://other.example")
	want := `<?xml version="1.0" encoding="UTF-8"?>
<XRD xmlns="http://docs.oasis-open.org/ns/xri/xrd-1.0"><Link rel="urn:xmpp:alt-connections:websocket" href="wss://chat.kith.example/ws"></Link></XRD>`
	if got := text(t, r); got != want || r.Header.Get("Access-Control-Allow-Origin") != "*" || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/xrd+xml") {
		t.Errorf("%s %v", got, r.Header)
	}
	r = s.do(t, "GET", "/.well-known/host-meta.json", "")
	if got := text(t, r); got != `{"links":[{"rel":"urn:xmpp:alt-connections:websocket","href":"wss://chat.kith.example/ws"}]}`+"\n" ||
		r.Header.Get("Access-Control-Allow-Origin") != "*" || r.Header.Get("Content-Type") != "application/json" {
		t.Errorf("%s %v", got, r.Header)
	}
}

// What is known of the addresses makes the answer complete (XEP-0487).
func TestHostMeta2(t *testing.T) {
	looked := 0
	known := map[string][]netip.Addr{
		"chat.kith.example": {netip.MustParseAddr("192.0.2.1")}, "kith.example": {netip.MustParseAddr("192.0.2.2"), netip.MustParseAddr("2001:db8::2")},
	}
	s := newSite(t, func(o *web.Options) {
		o.BOSH = http.NotFoundHandler()
		o.Endpoints = []web.Endpoint{{Rel: web.RelTLS, Port: 5223}}
		o.Resolve = func(_ context.Context, host string) ([]netip.Addr, error) {
			looked++
			return known[host], nil
		}
	})
	const want = `{"xmpp":{"ttl":3600},"links":[` +
		`{"rel":"urn:xmpp:alt-connections:websocket","href":"wss://chat.kith.example/ws","ips":["192.0.2.1"],"priority":20,"weight":1,"sni":"chat.kith.example"},` +
		`{"rel":"urn:xmpp:alt-connections:xbosh","href":"https://chat.kith.example/http-bind","ips":["192.0.2.1"],"priority":30,"weight":1,"sni":"chat.kith.example"},` +
		`{"rel":"urn:xmpp:alt-connections:tls","port":5223,"ips":["192.0.2.2","2001:db8::2"],"priority":10,"weight":1,"sni":"kith.example"}]}` + "\n"
	for range 3 {
		if got := text(t, s.do(t, "GET", "/.well-known/host-meta.json", "")); got != want {
			t.Errorf("got %s", got)
		}
	}
	if looked != 2 {
		t.Errorf("%d look-ups", looked)
	}
	// What is not known is left to other ways of finding out.
	delete(known, "kith.example")
	s.clk.Advance(10 * time.Minute)
	if got := text(t, s.do(t, "GET", "/.well-known/host-meta.json", "")); strings.Contains(got, "xmpp\"") || strings.Contains(got, "ips") || !strings.Contains(got, "xbosh") {
		t.Errorf("got %s", got)
	}
}

func TestHealth(t *testing.T) {
	var sick error
	s := newSite(t, func(o *web.Options) { o.Healthy = func(context.Context) error { return sick } })
	if r := s.do(t, "GET", "/healthz", ""); r.StatusCode != 200 || text(t, r) != "ok\n" {
		t.Errorf("%d", r.StatusCode)
	}
	sick = errors.New("the disk is full")
	if r := s.do(t, "GET", "/healthz", ""); r.StatusCode != 503 || strings.Contains(text(t, r), "disk") || !strings.Contains(s.log.String(), "the disk is full") {
		t.Errorf("%d, log %s", r.StatusCode, s.log)
	}
}

func TestServerSaysItsDomain(t *testing.T) {
	if got := text(t, newSite(t, nil).do(t, "GET", "/api/v1/server", "")); got != `{"domain":"kith.example"}`+"\n" {
		t.Error(got)
	}
}

func invite(t *testing.T, s *site, n auth.NewInvite) string {
	t.Helper()
	inv, err := s.auth.CreateInvite(t.Context(), n)
	if err != nil {
		t.Fatal(err)
	}
	token, ok := s.auth.InviteToken(inv)
	if !ok {
		t.Fatal("no token")
	}
	return token
}

// account is the body of a registration as the app sends it.
func account(t *testing.T, s *site, name string) string {
	t.Helper()
	p := s.auth.Params()
	type wire struct {
		Mechanism  string `json:"mechanism"`
		Salt       []byte `json:"salt"`
		Iterations int    `json:"iterations"`
		StoredKey  []byte `json:"storedKey"`
		ServerKey  []byte `json:"serverKey"`
	}
	var vs []wire
	for _, h := range p.Hashes {
		v, err := sasl.Derive(h, "correct horse", sasl.NewSalt(), p.Iterations)
		if err != nil {
			t.Fatal(err)
		}
		vs = append(vs, wire{"SCRAM-" + string(h), v.Salt, v.Iterations, v.StoredKey, v.ServerKey})
	}
	b, err := json.Marshal(map[string]any{"username": name, "displayName": "Ignored here", "verifiers": vs})
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func answer(t *testing.T, r *http.Response) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(text(t, r)), &m); err != nil {
		t.Fatal(err)
	}
	return m
}

func (s *site) register(t *testing.T, token, body string, headers ...string) *http.Response {
	t.Helper()
	return s.do(t, "POST", "/api/v1/invites/"+token+"/account", body, append([]string{"Content-Type", "application/json"}, headers...)...)
}

func TestTheFirstAccountAndAnInvitedOne(t *testing.T) {
	s := newSite(t, func(o *web.Options) {
		o.DisplayName = func(_ context.Context, local string) string { return "Display of " + local }
	})
	first, err := s.auth.FirstInvite(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	token, _ := s.auth.InviteToken(first)
	r := s.do(t, "GET", "/api/v1/invites/"+token, "")
	m := answer(t, r)
	p := s.auth.Params()
	if r.StatusCode != 200 || m["token"] != token || m["domain"] != "kith.example" || m["role"] != "admin" || m["firstAccount"] != true ||
		m["expires"] != float64(first.Expires.UnixMilli()) || m["minPassword"] != float64(p.MinPassword) || m["iterations"] != float64(p.Iterations) ||
		m["inviter"] != nil || r.Header.Get("Cache-Control") != "no-store" || m["uri"] != "xmpp:kith.example?register;preauth="+token {
		t.Errorf("%d %v", r.StatusCode, m)
	}
	r = s.register(t, token, account(t, s, "Alice"))
	if m := answer(t, r); r.StatusCode != 201 || m["address"] != "alice@kith.example" {
		t.Fatalf("%d %v", r.StatusCode, m)
	}
	a, err := s.auth.Account(t.Context(), "alice")
	if err != nil || a.Role != auth.RoleAdmin {
		t.Errorf("%+v %v", a, err)
	}
	for _, r := range []*http.Response{s.do(t, "GET", "/api/v1/invites/"+token, ""), s.register(t, token, account(t, s, "mallory"))} {
		if m := answer(t, r); r.StatusCode != 404 || m["error"] != "invite-invalid" {
			t.Errorf("a token that was used: %d %v", r.StatusCode, m)
		}
	}

	token = invite(t, s, auth.NewInvite{Kind: auth.InviteContact, Creator: "alice"})
	m = answer(t, s.do(t, "GET", "/api/v1/invites/"+token, ""))
	if m["inviter"] != "alice@kith.example" || m["inviterName"] != "Display of alice" || m["role"] != "member" || m["firstAccount"] != false {
		t.Errorf("%v", m)
	}
	if r := s.register(t, token, account(t, s, "alice")); r.StatusCode != 409 || answer(t, r)["error"] != "conflict" {
		t.Errorf("a name that is taken: %d", r.StatusCode)
	}
	if r := s.register(t, token, account(t, s, "b ob")); r.StatusCode != 422 || answer(t, r)["error"] != "name-invalid" {
		t.Errorf("a name that cannot be: %d", r.StatusCode)
	}
	if r := s.register(t, token, account(t, s, "bob")); r.StatusCode != 201 {
		t.Errorf("after two mistakes: %d %v", r.StatusCode, answer(t, r))
	}
}

func TestRegistrationRefusesWhatItShould(t *testing.T) {
	s := newSite(t, nil)
	token := invite(t, s, auth.NewInvite{Kind: auth.InviteAccount})
	good := account(t, s, "bob")
	var oneVerifier map[string]any
	if err := json.Unmarshal([]byte(good), &oneVerifier); err != nil {
		t.Fatal(err)
	}
	oneVerifier["verifiers"] = oneVerifier["verifiers"].([]any)[:1]
	incomplete, err := json.Marshal(oneVerifier)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		body    string
		headers []string
		status  int
		code    string
	}{
		"no JSON":               {"{", nil, 400, "bad-request"},
		"two documents":         {good + good, nil, 400, "bad-request"},
		"another type":          {good, []string{"Content-Type", "text/plain"}, 400, "bad-request"},
		"unknown mechanism":     {`{"username":"bob","verifiers":[{"mechanism":"PLAIN"}]}`, nil, 400, "bad-request"},
		"mechanism with PLUS":   {`{"username":"bob","verifiers":[{"mechanism":"SCRAM-SHA-256-PLUS"}]}`, nil, 400, "bad-request"},
		"no verifier":           {`{"username":"bob"}`, nil, 422, "policy"},
		"one of the mechanisms": {string(incomplete), nil, 422, "policy"},
		"a password":            {`{"username":"bob","password":"correct horse"}`, nil, 422, "policy"},
		"too large":             {`{"username":"` + strings.Repeat("x", 70<<10) + `"}`, nil, 413, "request-entity-too-large"},
		"from another site":     {good, []string{"Sec-Fetch-Site", "cross-site"}, 403, "forbidden"},
		"another origin":        {good, []string{"Origin", "https://evil.example"}, 403, "forbidden"},
		"no name":               {account(t, s, ""), nil, 422, "name-invalid"},
	} {
		t.Run(name, func(t *testing.T) {
			s.clk.Advance(time.Minute) // the throttle has a test of its own
			r := s.register(t, token, c.body, c.headers...)
			if m := answer(t, r); r.StatusCode != c.status || m["error"] != c.code {
				t.Errorf("%d %v, want %d %s", r.StatusCode, m, c.status, c.code)
			}
		})
	}
	if r := s.register(t, token, good, "Sec-Fetch-Site", "same-origin", "Origin", "http://example.com"); r.StatusCode != 201 {
		t.Errorf("the right one: %d %v", r.StatusCode, answer(t, r))
	}
	if s.log.Len() != 0 {
		t.Errorf("the log has what is the clients' affair: %s", s.log)
	}
}

func TestThrottle(t *testing.T) {
	s := newSite(t, nil)
	ask := func(from string) *http.Response {
		r := httptest.NewRequestWithContext(t.Context(), "GET", "/api/v1/invites/guess", nil)
		r.RemoteAddr = from
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		return w.Result()
	}
	n := 0
	var last *http.Response
	for n = range 1000 {
		if last = ask("[2001:db8::1]:1"); last.StatusCode == 429 {
			break
		}
	}
	m := answer(t, last)
	if n < 10 || n > 100 || m["error"] != "throttled" || m["seconds"] != 1.0 || last.Header.Get("Retry-After") != "1" {
		t.Fatalf("after %d: %d %v", n, last.StatusCode, m)
	}
	if r := ask("[2001:db8::2]:1"); r.StatusCode != 429 {
		t.Error("another address of the same network is let in")
	}
	if r := ask("[2001:db8:0:1::1]:1"); r.StatusCode != 404 {
		t.Error("another network is refused")
	}
	s.clk.Advance(time.Second)
	if r := ask("[2001:db8::1]:1"); r.StatusCode != 404 {
		t.Errorf("after the time: %d", r.StatusCode)
	}
	if got := s.Counters().Throttled.Load(); got != 2 {
		t.Errorf("web_throttled = %d", got)
	}
}

func TestAPanicIsAnAnswer(t *testing.T) {
	s := newSite(t, func(o *web.Options) { o.Healthy = func(context.Context) error { panic("oops") } })
	if r := s.do(t, "GET", "/healthz", ""); r.StatusCode != 500 || strings.Contains(text(t, r), "oops") {
		t.Errorf("%d", r.StatusCode)
	}
	if !strings.Contains(s.log.String(), "oops") || !strings.Contains(s.log.String(), "web_test.go") {
		t.Errorf("log: %s", s.log)
	}
}

func TestBaseURLIsChecked(t *testing.T) {
	for _, bad := range []string{"", "chat.example", "https://", "ftp://x", "https://chat.example/path"} {
		if _, err := web.New(web.Options{BaseURL: bad, Frontend: app}); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

// The handler of the WebSocket gets the connection itself, through all that is before it.
func TestHijack(t *testing.T) {
	s := newSite(t, func(o *web.Options) {
		o.WebSocket = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			c, rw, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			line, err := rw.ReadString('\n')
			if err != nil {
				t.Error(err)
			}
			_, _ = io.WriteString(c, "got "+line)
		})
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := web.NewServer(s, nil)
	served := make(chan error, 1)
	go func() { served <- srv.Serve([]net.Listener{l}, nil, nil) }()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprintf(c, "GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nhello\n")
	if line, err := bufio.NewReader(c).ReadString('\n'); err != nil || line != "got hello\n" {
		t.Errorf("%q %v", line, err)
	}
	if err := srv.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
}

// Files answer for themselves, to web apps of other origins, too.
func TestFilesOfPeople(t *testing.T) {
	s := newSite(t, func(o *web.Options) {
		o.Redirect = true
		o.Files = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cross-Origin-Resource-Policy", "cross-origin")
			w.Header().Set("Content-Security-Policy", "sandbox")
			_, _ = io.WriteString(w, r.Method+" "+r.URL.EscapedPath())
		})
	})
	for _, method := range []string{"GET", "HEAD", "PUT", "OPTIONS"} {
		r := s.do(t, method, "https://kith.example/upload/abc/a%20b.html", "")
		if got := text(t, r); r.StatusCode != 200 || got != method+" /upload/abc/a%20b.html" {
			t.Errorf("%s: %d %q", method, r.StatusCode, got)
		}
		if p := r.Header.Values("Content-Security-Policy"); len(p) != 1 || p[0] != "sandbox" || r.Header.Get("Cross-Origin-Resource-Policy") != "cross-origin" {
			t.Errorf("%s: %v", method, r.Header)
		}
	}
	if r := s.do(t, "PUT", "http://kith.example/upload/abc/a", ""); r.StatusCode != http.StatusForbidden {
		t.Errorf("in the clear: %d", r.StatusCode)
	}
}
