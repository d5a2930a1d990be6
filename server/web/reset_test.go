package web_test

import (
	"net/http"
	"testing"
	"time"

	"kith/internal/sasl"
	"kith/internal/sasl/sasltest"
	"kith/server/auth"
)

func TestPasswordReset(t *testing.T) {
	s := newSite(t, nil)
	if _, err := s.auth.Create(t.Context(), "alice", auth.RoleMember, auth.Password("forgotten by her")); err != nil {
		t.Fatal(err)
	}
	token := invite(t, s, auth.NewInvite{Kind: auth.InviteReset, Local: "alice"})
	other := invite(t, s, auth.NewInvite{Kind: auth.InviteAccount})
	get := func(token string) *http.Response { return s.do(t, "GET", "/api/v1/invites/"+token+"/password", "") }
	post := func(token, body string, headers ...string) *http.Response {
		return s.do(t, "POST", "/api/v1/invites/"+token+"/password", body, append([]string{"Content-Type", "application/json"}, headers...)...)
	}

	p := s.auth.Params()
	r := get(token)
	m := answer(t, r)
	if r.StatusCode != 200 || m["username"] != "alice" || m["domain"] != "kith.example" || m["token"] != token ||
		m["iterations"] != float64(p.Iterations) || m["minPassword"] != float64(p.MinPassword) || len(m["mechanisms"].([]any)) != len(p.Hashes) ||
		r.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%d %v", r.StatusCode, m)
	}
	// Each kind of invite is good for its own purpose alone.
	if r := s.do(t, "GET", "/api/v1/invites/"+token, ""); r.StatusCode != 404 || answer(t, r)["detail"] != "purpose" {
		t.Errorf("for an account: %d", r.StatusCode)
	}
	if r := s.register(t, token, account(t, s, "mallory")); r.StatusCode != 404 || answer(t, r)["detail"] != "purpose" {
		t.Errorf("makes an account: %d", r.StatusCode)
	}
	good := account(t, s, "")
	for _, r := range []*http.Response{get(other), post(other, good)} {
		if m := answer(t, r); r.StatusCode != 404 || m["error"] != "invite-invalid" || m["detail"] != "purpose" {
			t.Errorf("an invite for an account: %d %v", r.StatusCode, m)
		}
	}
	if r := get("nonsense"); r.StatusCode != 404 || answer(t, r)["detail"] != "unknown" {
		t.Errorf("no token: %d", r.StatusCode)
	}
	for _, c := range []struct {
		body   string
		status int
		code   string
	}{
		{"{", 400, "bad-request"},
		{"{}", 422, "policy"},
		{`{"verifiers":[{"mechanism":"PLAIN"}]}`, 400, "bad-request"},
		{`{"password":"correct horse"}`, 422, "policy"},
	} {
		if r := post(token, c.body); r.StatusCode != c.status || answer(t, r)["error"] != c.code {
			t.Errorf("%s: %d", c.body, r.StatusCode)
		}
	}
	if r := post(token, good, "Sec-Fetch-Site", "cross-site"); r.StatusCode != 403 {
		t.Errorf("from another site: %d", r.StatusCode)
	}

	if r := post(token, good); r.StatusCode != http.StatusNoContent || text(t, r) != "" {
		t.Fatalf("%d", r.StatusCode)
	}
	if !s.login(t, "alice", "correct horse") || s.login(t, "alice", "forgotten by her") {
		t.Error("the password is not what was set")
	}
	if r := post(token, good); r.StatusCode != 404 || answer(t, r)["detail"] != "used" {
		t.Errorf("a second time: %d", r.StatusCode)
	}
	for range 20 {
		r = post(token, "{}")
	}
	if r.StatusCode != 429 || r.Header.Get("Retry-After") == "" {
		t.Errorf("many times: %d", r.StatusCode)
	}
	s.clk.Advance(time.Minute)
	if r := post(token, "{}"); r.StatusCode == 429 {
		t.Error("for ever")
	}
}

// login tells whether a password is right.
func (s *site) login(t *testing.T, user, password string) bool {
	t.Helper()
	ch := sasl.Channel{Confidential: true}
	offer, err := s.auth.Offer(t.Context(), ch, "")
	if err != nil {
		t.Fatal(err)
	}
	x, err := s.auth.Begin(auth.Attempt{Mechanism: sasl.ScramSHA256, Channel: ch, Offer: offer.Offer})
	if err != nil {
		t.Fatal(err)
	}
	return sasltest.Run(t.Context(), x, &sasltest.SCRAM{Mechanism: sasl.ScramSHA256, User: user, Password: password}) == nil
}
