package register_test

import (
	"testing"
	"time"

	"kith/internal/clock"
	"kith/server/auth"
	"kith/server/module"
	"kith/server/register"
	"kith/server/router/routertest"
	"kith/server/servertest"
	"kith/server/store/storetest"
)

// Who got into a web page has a token and not the password, and must not be able to take the account
// away; native apps sign in by token for months, and change the password all the same.
func TestWhoMayChangeTheAccount(t *testing.T) {
	const (
		change = `<iq type='set' id='1'><query xmlns='jabber:iq:register'><username>alice</username><password>` + changed + `</password></query></iq>`
		remove = `<iq type='set' id='1'><query xmlns='jabber:iq:register'><remove/></query></iq>`
	)
	for name, tt := range map[string]struct {
		login module.Login
		age   time.Duration
		want  string
	}{
		"native app by token":          {module.Login{Encrypted: true}, 0, ok},
		"native app, long ago":         {module.Login{Encrypted: true, Password: true}, time.Hour, ok},
		"unencrypted":                  {module.Login{Password: true}, 0, `<not-authorized`},
		"web page by token":            {module.Login{Encrypted: true, Browser: true}, 0, `<not-authorized`},
		"web page by password":         {module.Login{Encrypted: true, Browser: true, Password: true}, time.Minute, ok},
		"web page by password, before": {module.Login{Encrypted: true, Browser: true, Password: true}, 6 * time.Minute, `<not-authorized`},
	} {
		for _, request := range []string{change, remove} {
			t.Run(name, func(t *testing.T) {
				clk := clock.NewFake(routertest.Start)
				a, err := auth.New(t.Context(), auth.Options{
					Domain: routertest.Domain, Config: auth.DefaultConfig(), Secret: auth.NewSecret(), Store: storetest.Open(t).Auth(), Clock: clk,
				})
				if err != nil {
					t.Fatal(err)
				}
				if _, err := a.Create(t.Context(), "alice", auth.RoleMember, auth.Password(servertest.Password)); err != nil {
					t.Fatal(err)
				}
				h := routertest.New(t, register.New(a, clk))
				tt.login.At = clk.Now().Add(-tt.age)
				expect(t, request, h.SignIn("alice/x", tt.login).Ask(request), tt.want)
			})
		}
	}
}
