package auth_test

import (
	"bytes"
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"kith/internal/sasl"
	"kith/internal/sasl/sasltest"
	"kith/server/auth"
)

func TestLogin(t *testing.T) {
	w := newWorld(t)
	w.account("juliet", auth.RoleAdmin)
	offer, err := w.Offer(t.Context(), channel, "juliet")
	w.must(err)
	if len(offer.Mechanisms) != 6 || len(offer.Upgrades) != 0 || offer.Has(sasl.Plain) {
		t.Fatalf("%+v", offer)
	}
	for _, m := range offer.Mechanisms {
		l, err := w.try(login{mech: m, user: "Juliet", pass: pw, from: "juliet"})
		w.must(err)
		_, plus, _ := m.Scram()
		if l.Local != "juliet" || l.JID.String() != "juliet@example.org" || l.Role != auth.RoleAdmin || !l.Password ||
			l.Mechanism != m || plus != (l.Binding == sasl.Exporter) {
			t.Fatalf("%s: %+v", m, l)
		}
		_, err = w.try(login{mech: m, user: "juliet", pass: pw + "x"})
		w.condition(err, sasl.NotAuthorized)
		w.clock.Advance(time.Hour)
	}
	if n := w.Counters().LoginPassword.Load(); n != 6 {
		t.Errorf("%d logins counted", n)
	}
	if n := w.Counters().LoginFailed.Load(); n != 6 {
		t.Errorf("%d failures counted", n)
	}
	// A channel that others can read is offered nothing, and nothing is accepted there.
	clear, err := w.Offer(t.Context(), sasl.Channel{}, "")
	w.must(err)
	if len(clear.Mechanisms)+len(clear.Tokens) != 0 {
		t.Errorf("in the clear: %+v", clear)
	}
	_, err = w.Begin(auth.Attempt{Mechanism: sasl.ScramSHA256, Offer: clear.Offer})
	w.condition(err, sasl.InvalidMechanism)
	// What was not offered is not accepted.
	for _, m := range []sasl.Mechanism{sasl.Plain, "SCRAM-MD5", "EXTERNAL", ""} {
		_, err = w.Begin(auth.Attempt{Mechanism: m, Offer: offer.Offer, Channel: channel})
		w.condition(err, sasl.InvalidMechanism)
	}
}

func TestIdentities(t *testing.T) {
	w := newWorld(t)
	w.account("juliet", auth.RoleMember)
	w.account("romeo", auth.RoleMember)
	for name, c := range map[string]struct {
		user, authzid, from string
		want                sasl.Condition
	}{
		"own authzid":           {"juliet", "juliet@example.org", "", ""},
		"own authzid, spelling": {"JULIET", "Juliet@EXAMPLE.org", "juliet", ""},
		"another's authzid":     {"juliet", "romeo@example.org", "", sasl.InvalidAuthzid},
		"other domain":          {"juliet", "juliet@example.com", "", sasl.InvalidAuthzid},
		"full authzid":          {"juliet", "juliet@example.org/x", "", sasl.InvalidAuthzid},
		"domain authzid":        {"juliet", "example.org", "", sasl.InvalidAuthzid},
		"no address":            {"juliet", "juliet@", "", sasl.InvalidAuthzid},
		"another's from":        {"juliet", "", "romeo", sasl.InvalidAuthzid},
		"nobody's name":         {"jul iet", "", "", sasl.NotAuthorized},
		"an address as name":    {"juliet@example.org", "", "", sasl.NotAuthorized},
	} {
		t.Run(name, func(t *testing.T) {
			l, err := w.try(login{
				mech: sasl.ScramSHA256, user: c.user, pass: pw, from: c.from, scram: sasltest.SCRAM{Authzid: c.authzid},
			})
			if c.want == "" {
				w.must(err)
				if l.Local != "juliet" {
					t.Errorf("logged in as %s", l.Local)
				}
				return
			}
			w.condition(err, c.want)
		})
	}
}

// Somebody without the password sees the same for accounts that are there, that are not, that are
// removed and that are disabled.
func TestUnknownUsersLookTheSame(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	for _, name := range []string{"juliet", "gone", "banned"} {
		_, err := w.Create(ctx, name, auth.RoleMember, auth.Password(pw))
		w.must(err)
	}
	w.must(w.Remove(ctx, "gone", time.Hour))
	w.must(w.SetDisabled(ctx, "banned", true))

	challenge := func(user string, m sasl.Mechanism) string {
		t.Helper()
		offer, err := w.Offer(ctx, channel, "")
		w.must(err)
		x, err := w.Begin(auth.Attempt{Mechanism: m, Channel: channel, Offer: offer.Offer})
		w.must(err)
		out, _, err := x.Next(ctx, []byte("n,,n="+user+",r=abcdefgh"))
		w.must(err)
		_, rest, _ := strings.Cut(string(out), ",")
		return rest
	}
	seen := map[string]string{}
	for _, user := range []string{"juliet", "gone", "banned", "nobody", "noone", "Not A Name"} {
		for _, m := range []sasl.Mechanism{sasl.ScramSHA1, sasl.ScramSHA256, sasl.ScramSHA512} {
			c := challenge(user, m)
			if again := challenge(user, m); again != c {
				t.Errorf("%s %s: %q, then %q", user, m, c, again)
			}
			if was, ok := seen[c]; ok {
				t.Errorf("%s has the salt of %s", user, was)
			}
			seen[c] = user + " " + string(m)
			if len(c) != len(challenge("juliet", m)) {
				t.Errorf("%s %s: %q is of another shape", user, m, c)
			}
		}
	}
	before := challenge("nobody", sasl.ScramSHA256)
	w.restart()
	if after := challenge("nobody", sasl.ScramSHA256); after != before {
		t.Errorf("a restart changed the salt of nobody: %s, %s", before, after)
	}

	faces := map[string]bool{}
	for _, user := range []string{"juliet", "gone", "banned", "nobody", "Not A Name"} {
		_, err := w.try(login{mech: sasl.ScramSHA256, user: user, pass: "wrong password"})
		e := sasl.AsError(err)
		faces[string(e.Condition)+" "+e.Text] = true
	}
	if len(faces) != 1 {
		t.Errorf("failures differ: %v", faces)
	}
	for _, user := range []string{"juliet", "gone", "banned", "nobody"} {
		o, err := w.Offer(ctx, channel, user)
		w.must(err)
		if len(o.Mechanisms) != 6 || len(o.Upgrades) != 0 {
			t.Errorf("%s is offered %v %v", user, o.Mechanisms, o.Upgrades)
		}
	}

	// With the password, the owner learns it.
	_, err := w.try(login{mech: sasl.ScramSHA256, user: "banned", pass: pw})
	w.condition(err, sasl.AccountDisabled)
	_, err = w.try(login{mech: sasl.ScramSHA256, user: "gone", pass: pw})
	w.condition(err, sasl.NotAuthorized)
}

func TestPlainPasswords(t *testing.T) {
	w := newWorld(t, func(c *auth.Config) { c.PlainPasswords = true })
	w.account("juliet", auth.RoleMember)
	offer, err := w.Offer(t.Context(), channel, "juliet")
	w.must(err)
	if !offer.Has(sasl.Plain) || offer.Mechanisms[len(offer.Mechanisms)-1] != sasl.Plain {
		t.Fatalf("%v", offer.Mechanisms)
	}
	plain := func(msg string) error {
		x, err := w.Begin(auth.Attempt{Mechanism: sasl.Plain, Channel: channel, Offer: offer.Offer})
		w.must(err)
		_, done, err := x.Next(t.Context(), []byte(msg))
		if err == nil && (!done || x.Login().Local != "juliet" || !x.Login().Password) {
			t.Errorf("%+v", x.Login())
		}
		return err
	}
	w.must(plain("\x00juliet\x00" + pw))
	w.must(plain("juliet@example.org\x00juliet\x00" + pw))
	w.condition(plain("\x00juliet\x00wrong"), sasl.NotAuthorized)
	w.condition(plain("\x00juliet\x00"+strings.Repeat("a", 2000)), sasl.NotAuthorized)
	w.condition(plain("\x00nobody\x00"+pw), sasl.NotAuthorized)
	// ejabberd 26.07: proven as one, logged in as another.
	w.condition(plain("romeo@example.org\x00juliet\x00"+pw), sasl.InvalidAuthzid)
	_, err = w.Begin(auth.Attempt{Mechanism: sasl.Plain, Offer: offer.Offer})
	w.condition(err, sasl.EncryptionRequired)
}

// Accounts from another server have what they have: they are offered that, and get the rest by
// XEP-0480.
func TestImportedAccountsAndUpgrade(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	v, err := sasl.Derive(sasl.SHA1, pw, []byte("prosody salt"), 4096)
	w.must(err)
	_, err = w.Create(ctx, "juliet", auth.RoleMember, auth.NewCredential{Verifiers: []sasl.Verifier{v}, Imported: true})
	w.must(err)

	offer, err := w.Offer(ctx, channel, "juliet")
	w.must(err)
	if len(offer.Mechanisms) != 2 || !offer.Has(sasl.ScramSHA1) || len(offer.Upgrades) != 3 {
		t.Fatalf("%+v", offer)
	}
	l, err := w.try(login{mech: sasl.ScramSHA1Plus, user: "juliet", pass: pw, from: "juliet"})
	w.must(err)
	for _, h := range offer.Upgrades {
		u, err := w.BeginUpgrade(h)
		w.must(err)
		salted := saltedPassword(t, h, pw, u.Salt, u.Iterations)
		w.want(w.FinishUpgrade(ctx, l, u, salted[1:]), auth.ErrVerifiers)
		token := l
		token.Password = false
		w.want(w.FinishUpgrade(ctx, token, u, salted), auth.ErrForbidden)
		w.must(w.FinishUpgrade(ctx, l, u, salted))
	}
	if _, err := w.BeginUpgrade("MD5"); !errors.Is(err, auth.ErrVerifiers) {
		t.Errorf("%v", err)
	}
	offer, err = w.Offer(ctx, channel, "juliet")
	w.must(err)
	if len(offer.Mechanisms) != 6 || len(offer.Upgrades) != 0 {
		t.Fatalf("after the upgrade: %+v", offer)
	}
	for _, m := range offer.Mechanisms {
		_, err := w.try(login{mech: m, user: "juliet", pass: pw, from: "juliet"})
		w.must(err)
	}
}

func TestThrottling(t *testing.T) {
	w := newWorld(t)
	w.account("juliet", auth.RoleMember)
	at := func(addr string) auth.Attempt { return auth.Attempt{Remote: netip.MustParseAddr(addr)} }
	wrong := func(user, addr string) error {
		_, err := w.try(login{mech: sasl.ScramSHA256, user: user, pass: "wrong password", a: at(addr)})
		return err
	}
	right := func(addr string) error {
		_, err := w.try(login{mech: sasl.ScramSHA256, user: "juliet", pass: pw, a: at(addr)})
		return err
	}
	for range w.config.Throttle.Tries {
		w.condition(wrong("juliet", "198.51.100.7"), sasl.NotAuthorized)
	}
	err := right("198.51.100.7")
	w.condition(err, sasl.TemporaryAuthFailure)
	th, ok := errors.AsType[*auth.ThrottledError](err)
	if !ok || !errors.Is(err, auth.ErrThrottled) || th.Wait != time.Second || sasl.AsError(err).Retry != time.Second || !strings.Contains(sasl.AsError(err).Text, "1s") {
		t.Fatalf("%v", err)
	}
	// Others are not concerned: neither the owner elsewhere nor her neighbours.
	w.must(right("203.0.113.5"))
	w.condition(wrong("romeo", "198.51.100.7"), sasl.NotAuthorized)
	// The wait passes by itself, doubles with the next failure, and ends with a success.
	w.clock.Advance(time.Second)
	w.condition(wrong("juliet", "198.51.100.7"), sasl.NotAuthorized)
	w.clock.Advance(time.Second)
	w.condition(right("198.51.100.7"), sasl.TemporaryAuthFailure)
	w.clock.Advance(time.Second)
	w.must(right("198.51.100.7"))
	w.must(right("198.51.100.7"))
	// Names that are not there are treated alike.
	for range w.config.Throttle.Tries {
		w.condition(wrong("nobody", "192.0.2.1"), sasl.NotAuthorized)
	}
	w.condition(wrong("nobody", "192.0.2.1"), sasl.TemporaryAuthFailure)
	if w.Counters().Throttled.Load() != 3 {
		t.Errorf("%d counted", w.Counters().Throttled.Load())
	}
}

// Guesses in parallel are no way around: what counts is the moment of the proof.
func TestThrottlingInParallel(t *testing.T) {
	w := newWorld(t)
	w.account("juliet", auth.RoleMember)
	offer, err := w.Offer(t.Context(), channel, "")
	w.must(err)
	type open struct {
		x *auth.Exchange
		c *sasltest.SCRAM
		m []byte
	}
	var all []open
	for range 50 {
		x, err := w.Begin(auth.Attempt{
			Mechanism: sasl.ScramSHA256, Channel: channel, Offer: offer.Offer, Remote: netip.MustParseAddr("198.51.100.7"),
		})
		w.must(err)
		c := &sasltest.SCRAM{Mechanism: sasl.ScramSHA256, User: "juliet", Password: "wrong password"}
		out, _, err := x.Next(t.Context(), c.First())
		w.must(err)
		m, err := c.Next(out)
		w.must(err)
		all = append(all, open{x, c, m})
	}
	looked := 0
	for _, o := range all {
		_, _, err := o.x.Next(t.Context(), o.m)
		if errors.Is(err, sasl.ErrProof) {
			looked++
		} else {
			w.want(err, auth.ErrThrottled)
		}
	}
	if looked != w.config.Throttle.Tries {
		t.Errorf("%d guesses were looked at, want %d", looked, w.config.Throttle.Tries)
	}
}

// An account that is attacked from everywhere is not locked: its owner only waits a little.
func TestAttackedAccountStaysOpen(t *testing.T) {
	w := newWorld(t)
	w.account("juliet", auth.RoleMember)
	home := auth.Attempt{Remote: netip.MustParseAddr("203.0.113.5")}
	_, err := w.try(login{mech: sasl.ScramSHA256, user: "juliet", pass: pw, a: home})
	w.must(err)
	addr := netip.MustParseAddr("198.51.0.1")
	for range w.config.Throttle.AccountTries {
		_, err := w.try(login{mech: sasl.ScramSHA1, user: "juliet", pass: "wrong password", a: auth.Attempt{Remote: addr}})
		w.condition(err, sasl.NotAuthorized)
		addr = addr.Next()
	}
	// Where she logged in lately, nothing is held back: the fake clock would not move.
	_, err = w.try(login{mech: sasl.ScramSHA256, user: "juliet", pass: pw, a: home})
	w.must(err)
	// Elsewhere the answer is held back, but comes.
	done := make(chan error, 1)
	go func() {
		_, err := w.try(login{mech: sasl.ScramSHA256, user: "juliet", pass: pw, a: auth.Attempt{Remote: netip.MustParseAddr("192.0.2.77")}})
		done <- err
	}()
	w.must(w.clock.WaitPending(t.Context(), 1))
	select {
	case err := <-done:
		t.Fatalf("came at once: %v", err)
	default:
	}
	w.clock.Advance(5 * time.Second)
	w.must(<-done)

	// A client that does not want to wait is let go.
	ctx, cancel := context.WithCancel(t.Context())
	offer, err := w.Offer(ctx, channel, "")
	w.must(err)
	x, err := w.Begin(auth.Attempt{Mechanism: sasl.ScramSHA256, Channel: channel, Offer: offer.Offer, Remote: netip.MustParseAddr("192.0.2.78")})
	w.must(err)
	go func() {
		done <- sasltest.Run(ctx, x, &sasltest.SCRAM{Mechanism: sasl.ScramSHA256, User: "juliet", Password: pw})
	}()
	w.must(w.clock.WaitPending(t.Context(), 1))
	cancel()
	w.condition(<-done, sasl.Aborted)
}

// The database holds nothing to log in with.
func TestDatabaseHoldsNoSecrets(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	w.account("juliet", auth.RoleAdmin)
	l, err := w.try(login{mech: sasl.ScramSHA256, user: "juliet", pass: pw, agent: phone})
	w.must(err)
	g, err := w.Finish(ctx, l, sasl.HTSHA256None)
	w.must(err)
	inv, err := w.CreateInvite(ctx, auth.NewInvite{Kind: auth.InviteAccount, Creator: "juliet"})
	w.must(err)
	token, _ := w.InviteToken(inv)
	raw := databaseBytes(t, w.db)
	if !bytes.Contains(raw, []byte("juliet")) {
		t.Fatal("this is not the database")
	}
	_, creds, err := w.db.Auth().Credentials(ctx, "juliet")
	w.must(err)
	secrets := map[string][]byte{
		"password": []byte(pw), "token": []byte(g.Token), "token without prefix": []byte(strings.TrimPrefix(g.Token, "secret-token:")),
		"invite": []byte(token),
	}
	for _, c := range creds {
		v, err := sasl.Derive(c.Hash, pw, c.Salt, c.Iterations)
		w.must(err)
		secrets["stored key "+string(c.Hash)], secrets["server key "+string(c.Hash)] = v.StoredKey, v.ServerKey
	}
	for name, s := range secrets {
		if len(s) < 8 || bytes.Contains(raw, s) {
			t.Errorf("the database contains the %s", name)
		}
	}
}

// With another secret file nobody could log in: it is noticed at the start. If the file is lost for
// good, the accounts can be kept without their passwords.
func TestWrongSecret(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	w.account("juliet", auth.RoleMember)
	w.signIn("juliet", phone, sasl.HTSHA256None)
	o := auth.Options{
		Domain: "example.org", Config: w.config, Secret: auth.NewSecret(), Store: w.db.Auth(), Clock: w.clock,
	}
	_, err := auth.New(ctx, o)
	w.want(err, auth.ErrWrongSecret)
	w.must(auth.ForgetLostSecret(ctx, w.db.Auth(), o.Secret))
	w.secret = o.Secret
	w.restart()
	_, err = w.try(login{mech: sasl.ScramSHA256, user: "juliet", pass: pw})
	w.condition(err, sasl.NotAuthorized)
	_, token := w.invite(auth.NewInvite{Kind: auth.InviteReset, Local: "juliet"})
	ticket, err := w.CheckInvite(ctx, token)
	w.must(err)
	_, err = w.ResetPassword(ctx, ticket, auth.Password(pw))
	w.must(err)
	_, err = w.try(login{mech: sasl.ScramSHA256, user: "juliet", pass: pw})
	w.must(err)
	o.Domain = "not a domain"
	_, err = auth.New(ctx, o)
	if err == nil {
		t.Error("took a bad domain")
	}
}
