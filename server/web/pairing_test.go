package web_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"kith/internal/jid"
	"kith/server/auth"
	"kith/server/web"
)

// pairs is a server with one link, "good", to which somebody agrees or not.
type pairs struct {
	agent auth.UserAgent
	err   error
}

func (p *pairs) Claim(token string, agent auth.UserAgent) (web.Claim, error) {
	if token != "good" {
		return web.Claim{}, web.ErrLink
	}
	p.agent = agent
	return web.Claim{Secret: "s3cret", Number: "0417", Account: jid.Must("alice@kith.example"), Expires: time.UnixMilli(5000)}, nil
}

func (p *pairs) Await(_ context.Context, token, secret string) (jid.JID, auth.Grant, error) {
	if token != "good" || secret != "s3cret" {
		return jid.JID{}, auth.Grant{}, web.ErrLink
	}
	return jid.Must("alice@kith.example"), auth.Grant{Token: "secret-token:x", Expires: time.UnixMilli(9000)}, p.err
}

func TestPairing(t *testing.T) {
	p := &pairs{}
	s := newSite(t, func(o *web.Options) { o.Pairing = p })
	post := func(path, body string) *http.Response {
		return s.do(t, "POST", "/api/v1/pairing/"+path, body, "Content-Type", "application/json")
	}
	r := post("good", `{"id":"d4565fa7-4d72-4749-b3d3-740edbf87770","software":"Kith","device":"Firefox on\u0000 Android"}`)
	m := answer(t, r)
	if r.StatusCode != 200 || m["secret"] != "s3cret" || m["number"] != "0417" || m["address"] != "alice@kith.example" || m["expires"] != float64(5000) ||
		r.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%d %v", r.StatusCode, m)
	}
	if p.agent.Device != "Firefox on Android" {
		t.Errorf("the device is called %q", p.agent.Device)
	}
	r = post("good/wait", `{"secret":"s3cret"}`)
	if m := answer(t, r); r.StatusCode != 200 || m["token"] != "secret-token:x" || m["address"] != "alice@kith.example" || m["expires"] != float64(9000) ||
		r.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%d %v", r.StatusCode, m)
	}
	for _, c := range []struct {
		path, body string
		err        error
		status     int
		code       any
	}{
		{"bad", `{"id":"x"}`, nil, 404, "link-invalid"},
		{"good", `{"id":"with space"}`, nil, 400, "bad-request"},
		{"good", `{`, nil, 400, "bad-request"},
		{"good/wait", `{"secret":"guessed"}`, nil, 404, "link-invalid"},
		{"good/wait", `{"secret":"s3cret"}`, web.ErrDenied, 403, "denied"},
		{"good/wait", `{"secret":"s3cret"}`, auth.ErrDisabled, 403, "denied"},
		{"good/wait", `{"secret":"s3cret"}`, context.DeadlineExceeded, 202, nil},
	} {
		p.err = c.err
		if r := post(c.path, c.body); r.StatusCode != c.status || answer(t, r)["error"] != c.code {
			t.Errorf("%s %s: %d", c.path, c.body, r.StatusCode)
		}
	}
}
