package auth_test

import (
	"strings"
	"testing"
	"time"

	"kith/internal/sasl"
	"kith/server/auth"
)

const (
	phone  = "d4565fa7-4d72-4749-b3d3-740edbf87770"
	laptop = "0f2c3b6e-95b2-4a43-8a2f-6d2f9f6c1a11"
)

// signIn logs in by password and asks for a token.
func (w *world) signIn(user, agent string, mech sasl.Mechanism) auth.Grant {
	w.t.Helper()
	l, err := w.try(login{mech: sasl.ScramSHA256, user: user, pass: pw, agent: agent})
	w.must(err)
	g, err := w.Finish(w.t.Context(), l, mech)
	w.must(err)
	if g.Token == "" || g.Device.ID == "" {
		w.t.Fatalf("%+v", g)
	}
	return g
}

// tokenLogin logs in by token and finishes.
func (w *world) tokenLogin(user, agent, token string, mech sasl.Mechanism, fast *auth.FAST) (auth.Grant, error) {
	w.t.Helper()
	l, err := w.try(login{mech: mech, user: user, token: token, agent: agent, a: auth.Attempt{FAST: fast}})
	if err != nil {
		return auth.Grant{}, err
	}
	if l.Password || l.Local != strings.ToLower(user) {
		w.t.Fatalf("%+v", l)
	}
	return w.Finish(w.t.Context(), l, "")
}

func TestTokenLogin(t *testing.T) {
	w := newWorld(t)
	w.account("juliet", auth.RoleMember)
	for _, m := range []sasl.Mechanism{sasl.HTSHA256Expr, sasl.HTSHA256EndP, sasl.HTSHA256None} {
		g := w.signIn("juliet", phone, m)
		if !strings.HasPrefix(g.Token, "secret-token:") || !g.Expires.Equal(w.clock.Now().Add(w.config.TokenLife)) {
			t.Fatalf("%+v", g)
		}
		got, err := w.tokenLogin("Juliet", phone, g.Token, m, nil)
		w.must(err)
		if got.Token != "" || got.Device.ID != g.Device.ID {
			t.Errorf("a fresh token was replaced: %+v", got)
		}
		// Bound to its mechanism, its device, its account.
		for _, other := range []sasl.Mechanism{sasl.HTSHA256Expr, sasl.HTSHA256EndP, sasl.HTSHA256None} {
			if other != m {
				_, err = w.tokenLogin("juliet", phone, g.Token, other, nil)
				w.condition(err, sasl.NotAuthorized)
			}
		}
		_, err = w.tokenLogin("juliet", laptop, g.Token, m, nil)
		w.condition(err, sasl.NotAuthorized)
		_, err = w.tokenLogin("nobody", phone, g.Token, m, nil)
		w.condition(err, sasl.NotAuthorized)
		_, err = w.tokenLogin("juliet", phone, g.Token+"x", m, nil)
		w.condition(err, sasl.NotAuthorized)
		w.restart()
		_, err = w.tokenLogin("juliet", phone, g.Token, m, nil)
		w.must(err)
	}
	if n := w.Counters().LoginToken.Load(); n != 1 {
		t.Errorf("%d logins counted", n)
	}
	offer, err := w.Offer(t.Context(), channel, "")
	w.must(err)
	agent, err := auth.ParseUserAgent(phone, "", "")
	w.must(err)
	for want, a := range map[sasl.Condition]auth.Attempt{
		sasl.InvalidMechanism: {FAST: &auth.FAST{}, Agent: agent}, // SASL2 only
		sasl.MalformedRequest: {SASL2: true, FAST: &auth.FAST{}},  // no user agent
	} {
		a.Mechanism, a.Channel, a.Offer = sasl.HTSHA256None, channel, offer.Offer
		_, err = w.Begin(a)
		w.condition(err, want)
	}
	_, err = w.Begin(auth.Attempt{Mechanism: sasl.HTSHA256None, Channel: channel, Offer: offer.Offer, SASL2: true, Agent: agent})
	w.condition(err, sasl.MalformedRequest) // no fast element
}

func TestTokenRequestsThatGetNone(t *testing.T) {
	w := newWorld(t)
	w.account("juliet", auth.RoleMember)
	for _, c := range []struct {
		agent string
		mech  sasl.Mechanism
	}{{"", sasl.HTSHA256None}, {phone, ""}, {phone, "HT-SHA-512-NONE"}, {phone, sasl.ScramSHA256}} {
		l, err := w.try(login{mech: sasl.ScramSHA256, user: "juliet", pass: pw, agent: c.agent})
		w.must(err)
		g, err := w.Finish(t.Context(), l, c.mech)
		if err != nil || g.Token != "" || (g.Device.ID == "") != (c.agent == "") {
			t.Errorf("%+v: %+v, %v", c, g, err)
		}
	}
	// A mechanism that this connection was not offered.
	behindProxy := sasl.Channel{Confidential: true}
	offer, err := w.Offer(t.Context(), behindProxy, "")
	w.must(err)
	l, err := w.try(login{
		mech: sasl.ScramSHA256, user: "juliet", pass: pw, agent: phone,
		a: auth.Attempt{Channel: behindProxy, Offer: offer.Offer},
	})
	w.must(err)
	g, err := w.Finish(t.Context(), l, sasl.HTSHA256Expr)
	if err != nil || g.Token != "" {
		t.Errorf("%+v, %v", g, err)
	}
}

func TestTokenRotation(t *testing.T) {
	w := newWorld(t)
	w.account("juliet", auth.RoleMember)
	const m = sasl.HTSHA256Expr
	first := w.signIn("juliet", phone, m).Token
	_, err := w.tokenLogin("juliet", phone, first, m, nil)
	w.must(err)
	w.clock.Advance(w.config.TokenRotation)

	// The client does not get the answer: the old token goes on.
	lost, err := w.tokenLogin("juliet", phone, first, m, nil)
	w.must(err)
	if lost.Token == "" || lost.Token == first {
		t.Fatalf("%+v", lost)
	}
	second, err := w.tokenLogin("juliet", phone, first, m, nil)
	w.must(err)
	if second.Token == "" || second.Token == lost.Token {
		t.Fatalf("%+v", second)
	}
	// The one that was lost was replaced by the next and is worth nothing (XEP-0484 section 3.5).
	_, err = w.tokenLogin("juliet", phone, lost.Token, m, nil)
	w.condition(err, sasl.NotAuthorized)
	// The new one works, the old one until then, and no longer.
	_, err = w.tokenLogin("juliet", phone, first, m, nil)
	w.must(err)
	third, err := w.tokenLogin("juliet", phone, first, m, nil)
	w.must(err)
	_, err = w.tokenLogin("juliet", phone, third.Token, m, nil)
	w.must(err)
	_, err = w.tokenLogin("juliet", phone, first, m, nil)
	w.condition(err, sasl.NotAuthorized)
	got, err := w.tokenLogin("juliet", phone, third.Token, m, nil)
	if err != nil || got.Token != "" {
		t.Errorf("rotated too early: %+v, %v", got, err)
	}

	// Unused for its whole life, it is no longer trusted; the client is told to use the password.
	w.clock.Advance(w.config.TokenLife)
	_, err = w.tokenLogin("juliet", phone, third.Token, m, nil)
	w.condition(err, sasl.CredentialsExpired)
	w.must(w.CatchUp(t.Context()))
	_, err = w.tokenLogin("juliet", phone, third.Token, m, nil)
	w.condition(err, sasl.CredentialsExpired)
	ds, err := w.Devices(t.Context(), "juliet")
	w.must(err)
	if len(ds) != 1 || !ds[0].TokenExpires.IsZero() {
		t.Errorf("%+v", ds)
	}
	w.clock.Advance(31 * 24 * time.Hour)
	w.must(w.CatchUp(t.Context()))
	_, err = w.tokenLogin("juliet", phone, third.Token, m, nil)
	w.condition(err, sasl.NotAuthorized)
}

func TestTokenCounter(t *testing.T) {
	w := newWorld(t)
	w.account("juliet", auth.RoleMember)
	const m = sasl.HTSHA256None
	token := w.signIn("juliet", phone, m).Token
	count := func(n int64) error {
		_, err := w.tokenLogin("juliet", phone, token, m, &auth.FAST{Count: &n})
		return err
	}
	w.condition(count(0), sasl.NotAuthorized) // a positive integer
	w.must(count(1))
	w.condition(count(1), sasl.NotAuthorized)
	w.must(count(7))
	w.condition(count(3), sasl.NotAuthorized)
	_, err := w.tokenLogin("juliet", phone, token, m, nil)
	w.must(err)
	w.condition(count(7), sasl.NotAuthorized)
	w.must(count(8))
}

// Of many replays of one message at the same time, one is accepted.
func TestTokenReplayRace(t *testing.T) {
	w := newWorld(t)
	w.account("juliet", auth.RoleMember)
	token := w.signIn("juliet", phone, sasl.HTSHA256None).Token
	const n = 20
	errs := make(chan error, n)
	for range n {
		go func() {
			one := int64(1)
			_, err := w.tokenLogin("juliet", phone, token, sasl.HTSHA256None, &auth.FAST{Count: &one})
			errs <- err
		}()
	}
	won := 0
	for range n {
		if err := <-errs; err == nil {
			won++
		} else {
			w.condition(err, sasl.NotAuthorized)
		}
	}
	if won != 1 {
		t.Errorf("%d replays were accepted", won)
	}
}

func TestTokenInvalidate(t *testing.T) {
	w := newWorld(t)
	w.account("juliet", auth.RoleMember)
	const m = sasl.HTSHA256None
	token := w.signIn("juliet", phone, m).Token
	w.clock.Advance(2 * w.config.TokenRotation)
	g, err := w.tokenLogin("juliet", phone, token, m, &auth.FAST{Invalidate: true})
	w.must(err)
	if g.Token != "" {
		t.Error("an invalidated token got a successor")
	}
	_, err = w.tokenLogin("juliet", phone, token, m, nil)
	w.condition(err, sasl.NotAuthorized)

	// Unless the client asks for one (XEP-0484 section 3.6).
	token = w.signIn("juliet", phone, m).Token
	l, err := w.try(login{mech: m, user: "juliet", token: token, agent: phone, a: auth.Attempt{FAST: &auth.FAST{Invalidate: true}}})
	w.must(err)
	g, err = w.Finish(t.Context(), l, m)
	w.must(err)
	_, err = w.tokenLogin("juliet", phone, token, m, nil)
	w.condition(err, sasl.NotAuthorized)
	_, err = w.tokenLogin("juliet", phone, g.Token, m, nil)
	w.must(err)
}

// ejabberd 25.07: tokens survived a change of the password.
func TestPasswordChangeRevokesTokens(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	w.account("juliet", auth.RoleMember)
	w.account("romeo", auth.RoleMember)
	const m = sasl.HTSHA256None
	a, b, other := w.signIn("juliet", phone, m).Token, w.signIn("juliet", laptop, m).Token, w.signIn("romeo", phone, m).Token

	w.must(w.SetPassword(ctx, "juliet", auth.Password("battery staple"), laptop))
	w.ended.take(t, "juliet", auth.End{Reason: auth.EndPasswordChanged, Except: laptop})
	_, err := w.tokenLogin("juliet", phone, a, m, nil)
	w.condition(err, sasl.NotAuthorized)
	_, err = w.tokenLogin("juliet", laptop, b, m, nil)
	w.must(err)
	_, err = w.tokenLogin("romeo", phone, other, m, nil)
	w.must(err)
	_, err = w.try(login{mech: sasl.ScramSHA256, user: "juliet", pass: pw})
	w.condition(err, sasl.NotAuthorized)
	_, err = w.try(login{mech: sasl.ScramSHA256, user: "juliet", pass: "battery staple"})
	w.must(err)
	ds, err := w.Devices(ctx, "juliet")
	w.must(err)
	for _, d := range ds {
		if d.Password != (d.Agent.ID == laptop) {
			t.Errorf("%s: knows the password: %v", d.Agent.ID, d.Password)
		}
	}

	w.must(w.SetPassword(ctx, "juliet", auth.Password("staple battery"), ""))
	w.ended.take(t, "juliet", auth.End{Reason: auth.EndPasswordChanged})
	_, err = w.tokenLogin("juliet", laptop, b, m, nil)
	w.condition(err, sasl.NotAuthorized)
	w.want(w.SetPassword(ctx, "nobody", auth.Password("battery staple"), ""), auth.ErrNotFound)
	w.want(w.SetPassword(ctx, "juliet", auth.Password("short"), ""), auth.ErrPassword)
}

func TestDevices(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	w.account("juliet", auth.RoleMember)
	w.account("romeo", auth.RoleMember)
	a := w.signIn("juliet", phone, sasl.HTSHA256None)
	w.clock.Advance(2 * time.Hour)
	b := w.signIn("juliet", laptop, sasl.HTSHA256None)
	w.signIn("romeo", phone, sasl.HTSHA256None)

	ds, err := w.Devices(ctx, "juliet")
	w.must(err)
	if len(ds) != 2 || ds[0].ID != b.Device.ID || ds[1].ID != a.Device.ID {
		t.Fatalf("%+v", ds)
	}
	d := ds[1]
	if d.Agent.Software != "TestApp" || d.Agent.Device != "Phone" || !d.First.Equal(start) || !d.Last.Equal(start) ||
		!d.Password || !d.TokenExpires.Equal(start.Add(w.config.TokenLife)) {
		t.Errorf("%+v", d)
	}
	if d.ID == phone || strings.Contains(d.ID, phone[:8]) {
		t.Error("the id tells the user agent")
	}
	// What a client does not tell again is still known.
	silent, err := auth.ParseUserAgent(phone, "", "")
	w.must(err)
	l, err := w.try(login{mech: sasl.ScramSHA256, user: "juliet", pass: pw, a: auth.Attempt{Agent: silent}})
	w.must(err)
	g, err := w.Finish(ctx, l, "")
	w.must(err)
	if g.Device.ID != a.Device.ID || g.Device.Agent.Software != "TestApp" || g.Device.Agent.Device != "Phone" {
		t.Errorf("%+v", g.Device)
	}
	// A login by token moves "last seen" on, an hour at a time.
	_, err = w.tokenLogin("juliet", phone, a.Token, sasl.HTSHA256None, nil)
	w.must(err)
	w.clock.Advance(time.Minute)
	_, err = w.tokenLogin("juliet", phone, a.Token, sasl.HTSHA256None, nil)
	w.must(err)
	ds, err = w.Devices(ctx, "juliet")
	w.must(err)
	if ds[0].ID != a.Device.ID && ds[1].ID != a.Device.ID {
		t.Fatalf("%+v", ds)
	}
	for _, d := range ds {
		if d.ID == a.Device.ID && !d.Last.Equal(start.Add(2*time.Hour)) {
			t.Errorf("last seen %v", d.Last)
		}
	}

	// Nobody revokes what is another's.
	_, err = w.RevokeDevice(ctx, "romeo", a.Device.ID)
	w.want(err, auth.ErrNotFound)
	got, err := w.RevokeDevice(ctx, "juliet", a.Device.ID)
	w.must(err)
	if got.Agent.ID != phone || !got.Password {
		t.Errorf("%+v", got)
	}
	w.ended.take(t, "juliet", auth.End{Reason: auth.EndSignedOut, Only: phone})
	_, err = w.tokenLogin("juliet", phone, a.Token, sasl.HTSHA256None, nil)
	w.condition(err, sasl.NotAuthorized)
	_, err = w.tokenLogin("juliet", laptop, b.Token, sasl.HTSHA256None, nil)
	w.must(err)
	_, err = w.RevokeDevice(ctx, "juliet", a.Device.ID)
	w.want(err, auth.ErrNotFound)
}

func TestDevicesAreBoundedAndForgotten(t *testing.T) {
	w := newWorld(t, func(c *auth.Config) { c.MaxDevices = 3 })
	ctx := t.Context()
	w.account("juliet", auth.RoleMember)
	var tokens []string
	agents := []string{"a", "b", "c", "d"}
	for _, agent := range agents {
		w.clock.Advance(time.Minute)
		tokens = append(tokens, w.signIn("juliet", agent, sasl.HTSHA256None).Token)
	}
	ds, err := w.Devices(ctx, "juliet")
	w.must(err)
	if len(ds) != 3 || ds[2].Agent.ID != "b" {
		t.Fatalf("%+v", ds)
	}
	_, err = w.tokenLogin("juliet", "a", tokens[0], sasl.HTSHA256None, nil)
	w.condition(err, sasl.NotAuthorized)
	_, err = w.tokenLogin("juliet", "b", tokens[1], sasl.HTSHA256None, nil)
	w.must(err)

	w.clock.Advance(w.config.DeviceRetention - time.Hour)
	w.must(w.CatchUp(ctx))
	if ds, err = w.Devices(ctx, "juliet"); err != nil || len(ds) != 3 {
		t.Errorf("forgotten too early: %v %v", ds, err)
	}
	w.clock.Advance(2 * time.Hour)
	w.must(w.CatchUp(ctx))
	if ds, err = w.Devices(ctx, "juliet"); err != nil || len(ds) != 0 {
		t.Errorf("not forgotten: %v %v", ds, err)
	}
}

// A revocation is not overtaken by a login that has proven itself just before.
func TestFinishAfterRevocation(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	w.account("juliet", auth.RoleMember)
	g := w.signIn("juliet", phone, sasl.HTSHA256None)
	for range 2 { // the second time, there is something to write
		l, err := w.try(login{mech: sasl.HTSHA256None, user: "juliet", token: g.Token, agent: phone})
		w.must(err)
		_, err = w.RevokeDevice(ctx, "juliet", g.Device.ID)
		w.must(err)
		_, err = w.Finish(ctx, l, "")
		w.condition(err, sasl.NotAuthorized)
		g = w.signIn("juliet", phone, sasl.HTSHA256None)
		w.clock.Advance(2 * time.Hour)
	}
	l, err := w.try(login{mech: sasl.ScramSHA256, user: "juliet", pass: pw, agent: phone})
	w.must(err)
	w.must(w.Remove(ctx, "juliet", time.Hour))
	got, err := w.Finish(ctx, l, sasl.HTSHA256None)
	w.condition(err, sasl.NotAuthorized)
	if got.Token != "" {
		t.Errorf("%+v", got)
	}
}
