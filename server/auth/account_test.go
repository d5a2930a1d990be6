package auth_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"kith/internal/sasl"
	"kith/server/auth"
)

func TestAccounts(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	w.account("Romeo", auth.RoleMember) // names are case-mapped
	w.account("juliet", auth.RoleAdmin)

	_, err := w.Create(ctx, "ROMEO", auth.RoleMember, auth.Password(pw))
	w.want(err, auth.ErrExists)
	_, err = w.Create(ctx, "x", "king", auth.Password(pw))
	if err == nil || !strings.Contains(err.Error(), "admin, member and limited") {
		t.Errorf("unknown role: %v", err)
	}

	as, err := w.Accounts(ctx)
	w.must(err)
	if len(as) != 2 || as[0].Local != "juliet" || as[1].Local != "romeo" || as[0].Role != auth.RoleAdmin ||
		!as[0].Created.Equal(start) || !as[0].LastActive().IsZero() {
		t.Fatalf("%+v", as)
	}
	for local, want := range map[string]bool{"romeo": true, "juliet": true, "paris": false, "": false} {
		if got, err := w.Exists(ctx, local); err != nil || got != want {
			t.Errorf("Exists(%q) = %v, %v", local, got, err)
		}
	}
	_, err = w.Account(ctx, "paris")
	w.want(err, auth.ErrNotFound)

	w.clock.Advance(36 * time.Hour)
	w.must(w.Touch(ctx, "romeo"))
	a, err := w.Account(ctx, "romeo")
	w.must(err)
	if want := time.Date(2026, 3, 3, 0, 0, 0, 0, time.UTC); !a.LastActive().Equal(want) {
		t.Errorf("last active %v, want %v and no time of day", a.LastActive(), want)
	}
	w.want(w.Touch(ctx, "paris"), auth.ErrNotFound)
}

func TestNames(t *testing.T) {
	w := newWorld(t)
	for in, want := range map[string]string{
		"juliet": "juliet", " Juliet ": "juliet", "juliet@example.org": "juliet", "juliet@EXAMPLE.org": "juliet",
		"jürgen": "jürgen", "ＷＩＤＥ": "wide", "a.b-c_d": "a.b-c_d", "Ὀδυσσεύς": "ὀδυσσεύς",
	} {
		if got, err := w.CheckName(in, false); err != nil || got != want {
			t.Errorf("CheckName(%q) = %q, %v", in, got, err)
		}
	}
	for in, code := range map[string]string{
		"": auth.CodeEmpty, "  ": auth.CodeEmpty, "a b": auth.CodeCharacters, "a/b": auth.CodeCharacters,
		"a\"b": auth.CodeCharacters, "a<b": auth.CodeCharacters, "a\x00b": auth.CodeCharacters, "\xff": auth.CodeCharacters,
		"a@example.com": auth.CodeCharacters, "@example.org": auth.CodeCharacters, "a@b@example.org": auth.CodeCharacters,
		strings.Repeat("a", 65): auth.CodeTooLong, "admin": auth.CodeReserved, "ADMIN": auth.CodeReserved,
		"♥": auth.CodeCharacters,
	} {
		_, err := w.CheckName(in, false)
		e, ok := errors.AsType[*auth.InputError](err)
		if !ok || !errors.Is(err, auth.ErrName) || e.Code != code || e.Text == "" {
			t.Errorf("CheckName(%q): %v, want %s", in, err, code)
		}
	}
	if _, err := w.CheckName("admin", true); err != nil {
		t.Errorf("the operator may take a reserved name: %v", err)
	}
}

func TestPasswordPolicy(t *testing.T) {
	w := newWorld(t)
	for _, p := range []string{"correct horse", "Tr0ub4dor&3", "ÄÖÜäöüßé", "zwölfelf", "x9$kQ2!v", strings.Repeat("ab cd", 50)} {
		if err := w.CheckPassword("juliet", p); err != nil {
			t.Errorf("%q: %v", p, err)
		}
	}
	for p, code := range map[string]string{
		"": auth.CodeEmpty, "short": auth.CodeTooShort, "1234567": auth.CodeTooShort, strings.Repeat("a b", 400): auth.CodeTooLong,
		"password": auth.CodeCommon, "Password1!": auth.CodeCommon, "12345678": auth.CodeCommon, "aaaaaaaaaa": auth.CodeCommon,
		"juliet123": auth.CodeCommon, "julietjuliet": auth.CodeCommon, "example.org": auth.CodeCommon, "qwertyuiop": auth.CodeCommon,
		"abcdefgh": auth.CodeCommon, "20260101": auth.CodeCommon, "correct🦊horse": auth.CodeCharacters, "tab\tseparated": auth.CodeCharacters,
		"\u00ad\u00ad\u00ad\u00ad\u00ad\u00ad\u00ad\u00ad\u00ad": auth.CodeCharacters, "a\u00adbcdefg": auth.CodeTooShort,
	} {
		e, ok := errors.AsType[*auth.InputError](w.CheckPassword("juliet", p))
		if !ok || e.Code != code || !errors.Is(e, auth.ErrPassword) {
			t.Errorf("%q: %v, want %s", p, e, code)
		}
	}
	_, err := w.Create(t.Context(), "juliet", auth.RoleMember, auth.Password("short"))
	w.want(err, auth.ErrPassword)
	if ok, _ := w.Exists(t.Context(), "juliet"); ok {
		t.Error("the account was made with a refused password")
	}
}

func TestLastAdmin(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	w.account("juliet", auth.RoleAdmin)
	w.account("romeo", auth.RoleMember)
	lastAdmin := func() {
		t.Helper()
		w.want(w.SetRole(ctx, "juliet", auth.RoleMember), auth.ErrLastAdmin)
		w.want(w.SetRole(ctx, "juliet", auth.RoleLimited), auth.ErrLastAdmin)
		w.want(w.SetDisabled(ctx, "juliet", true), auth.ErrLastAdmin)
		w.want(w.Remove(ctx, "juliet", 0), auth.ErrLastAdmin)
	}
	lastAdmin()
	w.must(w.SetRole(ctx, "juliet", auth.RoleAdmin))
	w.must(w.SetRole(ctx, "romeo", auth.RoleAdmin))
	// An administrator who cannot log in is none.
	w.must(w.SetDisabled(ctx, "romeo", true))
	w.ended.take(t, "romeo", auth.End{Reason: auth.EndDisabled})
	lastAdmin()
	w.must(w.SetDisabled(ctx, "romeo", false))
	w.must(w.Remove(ctx, "juliet", time.Hour))
	w.want(w.SetDisabled(ctx, "romeo", true), auth.ErrLastAdmin)
	w.must(w.Restore(ctx, "juliet"))
	w.must(w.SetDisabled(ctx, "romeo", true))
	w.want(w.SetRole(ctx, "paris", auth.RoleAdmin), auth.ErrNotFound)
	w.want(w.SetDisabled(ctx, "paris", true), auth.ErrNotFound)
	w.want(w.Remove(ctx, "paris", 0), auth.ErrNotFound)
}

func TestVerifiersFromAClient(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	p := w.Params()
	if p.Iterations < 10_000 || p.SaltSize < 16 || len(p.Hashes) != 3 || p.MinPassword < 8 {
		t.Fatalf("%+v", p)
	}
	make3 := func() []sasl.Verifier {
		var vs []sasl.Verifier
		for _, h := range p.Hashes {
			v, err := sasl.Derive(h, pw, sasl.NewSalt(), p.Iterations)
			w.must(err)
			vs = append(vs, v)
		}
		return vs
	}
	for name, change := range map[string]func([]sasl.Verifier) []sasl.Verifier{
		"none":            func([]sasl.Verifier) []sasl.Verifier { return []sasl.Verifier{} },
		"one missing":     func(vs []sasl.Verifier) []sasl.Verifier { return vs[1:] },
		"one twice":       func(vs []sasl.Verifier) []sasl.Verifier { vs[0] = vs[1]; return vs },
		"too weak":        func(vs []sasl.Verifier) []sasl.Verifier { vs[0].Iterations = 4096; return vs },
		"stronger":        func(vs []sasl.Verifier) []sasl.Verifier { vs[0].Iterations++; return vs },
		"other salt size": func(vs []sasl.Verifier) []sasl.Verifier { vs[0].Salt = append(vs[0].Salt, 0); return vs },
		"one salt":        func(vs []sasl.Verifier) []sasl.Verifier { vs[0].Salt = vs[1].Salt; return vs },
		"short key":       func(vs []sasl.Verifier) []sasl.Verifier { vs[2].ServerKey = vs[2].ServerKey[1:]; return vs },
		"decoy":           func(vs []sasl.Verifier) []sasl.Verifier { vs[2].Decoy = true; return vs },
		"unknown hash":    func(vs []sasl.Verifier) []sasl.Verifier { vs[2].Hash = "MD5"; return vs },
	} {
		_, err := w.Create(ctx, "juliet", auth.RoleMember, auth.NewCredential{Verifiers: change(make3())})
		if !errors.Is(err, auth.ErrVerifiers) {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := w.Create(ctx, "juliet", auth.RoleMember, auth.NewCredential{Verifiers: make3()})
	w.must(err)
	for _, h := range p.Hashes {
		if _, err := w.try(login{mech: sasl.Scram(h, false), user: "juliet", pass: pw}); err != nil {
			t.Errorf("%s: %v", h, err)
		}
	}
}

func TestConfig(t *testing.T) {
	if err := auth.DefaultConfig().Validate(); err != nil {
		t.Fatal(err)
	}
	c := auth.DefaultConfig()
	c.Iterations = 4096
	c.Hashes = []sasl.Hash{"MD5", sasl.SHA1, sasl.SHA1}
	c.MinPassword = 4
	c.TokenLife = 0
	c.Invites.Life = -time.Hour
	c.Throttle.Tries = 0
	err := c.Validate()
	for _, want := range []string{
		"accounts.iterations is 4096; allowed are 10000", `accounts.scram_hashes has "MD5"`, `"SHA-1" twice`,
		"accounts.min_password is 4", "accounts.token_life is 0s", "accounts.invites.life", "accounts.throttle.tries is 0",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v\nhas no %q", err, want)
		}
	}
	_, err = auth.New(t.Context(), auth.Options{Domain: "example.org", Config: c})
	if err == nil {
		t.Error("New took a bad configuration")
	}
	c = auth.DefaultConfig()
	c.Hashes = nil
	if c.Validate() == nil {
		t.Error("no hashes")
	}
}

func TestParseUserAgent(t *testing.T) {
	a, err := auth.ParseUserAgent("D4565FA7-4D72-4749-B3D3-740EDBF87770", "Awe\x00some\nXMPP\u202e ", strings.Repeat("é", 100))
	if err != nil || a.ID != "d4565fa7-4d72-4749-b3d3-740edbf87770" || a.Software != "Awesome XMPP" || len([]rune(a.Device)) != 64 {
		t.Errorf("%+v, %v", a, err)
	}
	for _, id := range []string{"a b", "ü", strings.Repeat("a", 65), "a\x00"} {
		if _, err := auth.ParseUserAgent(id, "", ""); err == nil {
			t.Errorf("%q passed", id)
		}
	}
	if a, err := auth.ParseUserAgent("", "x\xffy", ""); err != nil || a.ID != "" || a.Software != "xy" {
		t.Errorf("%+v, %v", a, err)
	}
}
