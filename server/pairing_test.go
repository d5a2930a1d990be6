package server_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"kith/internal/clock"
	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/server/auth"
	"kith/server/pairing"
	"kith/server/servertest"
)

var phone = auth.UserAgent{ID: "d4565fa7-4d72-4749-b3d3-740edbf87770", Software: "Kith", Device: "Firefox on Android"}

const askLink = `<iq type='set' id='l'><link xmlns='kith:pairing:0'/></iq>`

func link(t *testing.T, c *servertest.Client) string {
	t.Helper()
	st := c.Ask(askLink)
	token := st.Child(ns.KithPairing, "link").Attr("token")
	if token == "" {
		t.Fatalf("no link: %s", st)
	}
	return token
}

func answer(c *servertest.Client, token, is string) *stanza.Stanza {
	return c.Ask(`<iq type='set' id='a'><answer xmlns='kith:pairing:0' token='` + token + `' is='` + is + `'/></iq>`)
}

// opened waits for what the device that shows the code is told.
func opened(t *testing.T, c *servertest.Client, number string) {
	t.Helper()
	c.Wait(t, "opened", func(st *stanza.Stanza) bool {
		e := st.Child(ns.KithPairing, "opened")
		return !e.IsZero() && e.Attr("number") == number && e.Attr("device") == phone.Device && st.From.String() == "example.org"
	})
}

// Alice's browser shows a code; her phone opens it, the numbers are the same, she agrees, and the phone has
// a token of its own with which it is on the list of devices. The link is good for nothing afterwards.
func TestPairing(t *testing.T) {
	s := servertest.New(t)
	s.Account("alice")
	c := present(t, s, "alice")
	token := link(t, c)
	claim, err := s.Pairing().Claim(token, phone)
	if err != nil {
		t.Fatal(err)
	}
	if len(claim.Number) != 4 || claim.Account.String() != "alice@example.org" {
		t.Errorf("the device was told %+v", claim)
	}
	opened(t, c, claim.Number)
	if _, err := s.Pairing().Claim(token, phone); !errors.Is(err, pairing.ErrInvalid) {
		t.Errorf("opened twice: %v", err)
	}
	if _, _, err := s.Pairing().Await(t.Context(), token, "guessed"); !errors.Is(err, pairing.ErrInvalid) {
		t.Errorf("somebody else waits: %v", err)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if _, _, err := s.Pairing().Await(ended, token, claim.Secret); !errors.Is(err, context.Canceled) {
		t.Errorf("before the answer: %v", err)
	}
	if st := answer(c, token, "yes"); st.Type != stanza.Result {
		t.Fatalf("yes: %s", st)
	}
	account, grant, err := s.Pairing().Await(t.Context(), token, claim.Secret)
	if err != nil {
		t.Fatal(err)
	}
	if account != claim.Account || !strings.HasPrefix(grant.Token, "secret-token:") || !grant.Expires.After(time.Now()) {
		t.Errorf("the device got %s and %+v", account, grant)
	}
	devices, err := s.Auth.Devices(t.Context(), "alice")
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for _, d := range devices {
		found = found || d.Agent == phone && !d.Password && !d.TokenExpires.IsZero()
	}
	if !found {
		t.Errorf("the phone is not among %+v", devices)
	}
	if _, _, err := s.Pairing().Await(t.Context(), token, claim.Secret); !errors.Is(err, pairing.ErrInvalid) {
		t.Errorf("taken twice: %v", err)
	}
}

func TestPairingRefused(t *testing.T) {
	clk := clock.NewFake(time.Now())
	s := servertest.New(t, func(o *servertest.Options) { o.Clock = clk })
	s.Account("alice", "bob")
	alice, bob := present(t, s, "alice"), present(t, s, "bob")
	open := func(token string) pairing.Claim {
		t.Helper()
		c, err := s.Pairing().Claim(token, phone)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	refused := func(what, token, secret string, want error) {
		t.Helper()
		if _, _, err := s.Pairing().Await(t.Context(), token, secret); !errors.Is(err, want) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := s.Pairing().Claim("nothing", phone); !errors.Is(err, pairing.ErrInvalid) {
		t.Errorf("no such link: %v", err)
	}
	if _, err := s.Pairing().Claim(link(t, alice), auth.UserAgent{}); !errors.Is(err, pairing.ErrInvalid) {
		t.Errorf("a device without an id: %v", err)
	}

	// The next link ends the one before.
	first := link(t, alice)
	second := link(t, alice)
	if _, err := s.Pairing().Claim(first, phone); !errors.Is(err, pairing.ErrInvalid) {
		t.Errorf("the first of two: %v", err)
	}
	// Nothing is agreed to before it is opened, and by nobody else.
	if st := answer(alice, second, "yes"); st.Type != stanza.Error {
		t.Errorf("yes too early: %s", st)
	}
	c := open(second)
	if st := answer(bob, second, "yes"); st.Type != stanza.Error {
		t.Errorf("yes by somebody else: %s", st)
	}
	if st := answer(alice, second, "perhaps"); st.Type != stanza.Error {
		t.Errorf("perhaps: %s", st)
	}
	done := make(chan error, 1)
	go func() {
		_, _, err := s.Pairing().Await(t.Context(), second, c.Secret)
		done <- err
	}()
	if st := answer(alice, second, "no"); st.Type != stanza.Result {
		t.Errorf("no: %s", st)
	}
	if err := <-done; !errors.Is(err, pairing.ErrDenied) && !errors.Is(err, pairing.ErrInvalid) {
		t.Errorf("after no: %v", err)
	}
	refused("after no", second, c.Secret, pairing.ErrInvalid)

	// Time passes.
	late := link(t, alice)
	clk.Advance(6 * time.Minute)
	if _, err := s.Pairing().Claim(late, phone); !errors.Is(err, pairing.ErrInvalid) {
		t.Errorf("too late: %v", err)
	}
	alice = present(t, s, "alice") // nobody is silent for so long and stays
	third := link(t, alice)
	c = open(third)
	clk.Advance(3 * time.Minute)
	refused("no answer in time", third, c.Secret, pairing.ErrInvalid)

	// A disabled account lets nobody in.
	bob = present(t, s, "bob")
	fourth := link(t, bob)
	c = open(fourth)
	if st := answer(bob, fourth, "yes"); st.Type != stanza.Result {
		t.Fatalf("yes: %s", st)
	}
	if err := s.Auth.SetDisabled(t.Context(), "bob", true); err != nil {
		t.Fatal(err)
	}
	refused("disabled", fourth, c.Secret, auth.ErrDisabled)
}
