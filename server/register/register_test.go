package register_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"kith/internal/clock"
	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/server/auth"
	"kith/server/servertest"
)

func expect(t *testing.T, what string, st *stanza.Stanza, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(st.String(), w) {
			t.Errorf("%s: no %s in\n%s", what, w, st)
		}
	}
}

func invite(t *testing.T, s *servertest.Server, n auth.NewInvite) string {
	t.Helper()
	inv, err := s.Auth.CreateInvite(t.Context(), n)
	if err != nil {
		t.Fatal(err)
	}
	token, ok := s.Auth.InviteToken(inv)
	if !ok {
		t.Fatal("no token")
	}
	return token
}

// What Conversations does with the link of an invitation: no to, and a from in the last step.
func preauth(token string) string {
	return `<iq type='set' id='pre'><preauth xmlns='urn:xmpp:pars:0' token='` + token + `'/></iq>`
}

const getForm = `<iq type='get' id='form' to='example.org'><query xmlns='jabber:iq:register'/></iq>`

func create(name, password string) string {
	return `<iq type='set' id='create'><query xmlns='jabber:iq:register'><username>` + name +
		`</username><password>` + password + `</password></query></iq>`
}

func submit(fields ...string) string {
	x := `<field var='FORM_TYPE' type='hidden'><value>jabber:iq:register</value></field>`
	for i := 0; i < len(fields); i += 2 {
		x += `<field var='` + fields[i] + `'><value>` + fields[i+1] + `</value></field>`
	}
	return `<iq type='set' id='create' to='example.org'><query xmlns='jabber:iq:register'><x xmlns='jabber:x:data' type='submit'>` + x + `</x></query></iq>`
}

const ok = `type='result'`

func TestByInvitation(t *testing.T) {
	s := servertest.New(t)
	s.Account("alice")
	a := s.Client("alice")
	a.Send(`<presence/>`)
	a.Ask(`<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>`)
	token := invite(t, s, auth.NewInvite{Kind: auth.InviteContact, Creator: "alice"})

	c := s.Dial()
	features := c.Open()
	for _, space := range []string{"urn:xmpp:invite", ns.IBRToken, ns.RegisterFeature} {
		if features.ChildNS(space).Local() != "register" {
			t.Errorf("no %s in %s", space, features.Source())
		}
	}
	st := c.Ask(preauth(token))
	expect(t, "preauth", st, ok, `from='example.org'`, `id='pre'`)
	expect(t, "form", c.Ask(getForm), ok, `<username/>`, `<password/>`, `<instructions>`)
	request := strings.Replace(create("bob", servertest.Password), "<iq ", "<iq from='bob@example.org' ", 1)
	expect(t, "create", c.Ask(request), ok)
	expect(t, "a second one", c.Ask(create("robert", servertest.Password)), `<not-acceptable`)
	expect(t, "a second form", c.Ask(getForm), `<not-acceptable`)

	// The two are contacts, and bob can sign in.
	push := a.Wait(t, "a contact", func(st *stanza.Stanza) bool { return st.Payload().Is(ns.Roster, "query") })
	expect(t, "contact", push, `jid='bob@example.org'`, `subscription='both'`)
	b := s.Client("bob")
	b.Send(`<presence/>`)
	a.Wait(t, "bob's presence", func(st *stanza.Stanza) bool { return st.Kind == stanza.Presence && st.From == b.JID })

	c = s.Dial()
	c.Open()
	expect(t, "used up", c.Ask(preauth(token)), `<item-not-found`, `used already`, `type='cancel'`)
}

func TestNeverWithoutInvitation(t *testing.T) {
	s := servertest.New(t)
	s.Account("alice")
	reset := invite(t, s, auth.NewInvite{Kind: auth.InviteReset, Local: "alice"})
	c := s.Dial()
	c.Open()
	expect(t, "unknown token", c.Ask(preauth("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")), `<item-not-found`)
	expect(t, "no token", c.Ask(preauth("")), `<item-not-found`)
	expect(t, "to reset a password", c.Ask(preauth(reset)), `<item-not-found`, `not for a new account`)
	form := c.Ask(getForm)
	expect(t, "form", form, ok, `by invitation only`, `var='token'`)
	if q := form.Payload(); !q.Child(ns.Register, "username").IsZero() || !q.Child(ns.Register, "password").IsZero() {
		t.Errorf("asks for a name and a password at once: %s", form)
	}
	expect(t, "fields", c.Ask(create("eve", servertest.Password)), `<not-allowed`, `by invitation only`)
	expect(t, "form without token", c.Ask(submit("username", "eve", "password", servertest.Password)), `<not-allowed`)
	expect(t, "form with a wrong token", c.Ask(submit("username", "eve", "password", servertest.Password, "token", "x")), `<item-not-found`)
	expect(t, "form with another's token", c.Ask(submit("username", "eve", "password", servertest.Password, "token", reset)), `<item-not-found`)
	expect(t, "removal", c.Ask(`<iq type='set' id='1'><query xmlns='jabber:iq:register'><remove/></query></iq>`), `<unexpected-request`)
	if found, err := s.Auth.Exists(t.Context(), "eve"); found || err != nil {
		t.Errorf("eve got in: %v", err)
	}
}

// Who types the code of the invitation into the form of an app that knows no more than XEP-0077.
func TestForm(t *testing.T) {
	s := servertest.New(t)
	token := invite(t, s, auth.NewInvite{Kind: auth.InviteAccount})
	c := s.Dial()
	c.Open()
	expect(t, "created", c.Ask(submit("username", "bob", "password", servertest.Password, "token", " "+strings.ToUpper(token)+" ")), ok)
	s.Client("bob")
}

func TestRefusals(t *testing.T) {
	s := servertest.New(t)
	s.Account("alice")
	token := invite(t, s, auth.NewInvite{Kind: auth.InviteAccount, Uses: 100})
	c := s.Dial()
	c.Open()
	c.Ask(preauth(token))
	for _, tt := range []struct{ xml, want string }{
		{create("alice", servertest.Password), `<conflict`},
		{create("Alice", servertest.Password), `<conflict`},
		{create("bob", "short"), `<not-acceptable`},
		{create("bob", "bob12345"), `<not-acceptable`},
		{create("bob", ""), `<not-acceptable`},
		{create("", servertest.Password), `<not-acceptable`},
		{create("a b", servertest.Password), `<not-acceptable`},
		{create("bob@else.example", servertest.Password), `<not-acceptable`},
		{create("admin", servertest.Password), `reserved`},
		{`<iq type='set' id='1'><query xmlns='jabber:iq:register'><x xmlns='jabber:x:data' type='form'/></query></iq>`, `<bad-request`},
		{`<iq type='set' id='1'><query xmlns='jabber:iq:register'><x xmlns='jabber:x:data' type='submit'><field/></x></query></iq>`, `<bad-request`},
	} {
		expect(t, tt.xml, c.Ask(tt.xml), `type='error'`, tt.want)
	}
	// None of them has used the invitation.
	expect(t, "the right one", c.Ask(create("bob", servertest.Password)), ok)
}

// A name that an invitation decides is the only one, and is kept for it.
func TestDecidedName(t *testing.T) {
	s := servertest.New(t)
	fixed := invite(t, s, auth.NewInvite{Kind: auth.InviteAccount, Local: "carol"})
	open := invite(t, s, auth.NewInvite{Kind: auth.InviteAccount})
	other := s.Dial()
	other.Open()
	other.Ask(preauth(open))
	expect(t, "somebody else takes the name", other.Ask(create("carol", servertest.Password)), `<conflict`)
	c := s.Dial()
	c.Open()
	c.Ask(preauth(fixed))
	expect(t, "form", c.Ask(getForm), `<username>carol</username>`)
	expect(t, "another name", c.Ask(create("caroline", servertest.Password)), `<not-acceptable`, `carol`)
	expect(t, "the name", c.Ask(create("carol", servertest.Password)), ok)
}

// Expiry counts when the token is shown, and not while its holder thinks of a name.
func TestExpiry(t *testing.T) {
	clk := clock.NewFake(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
	s := servertest.New(t, func(o *servertest.Options) {
		o.Clock = clk
		o.Config.C2S.LoginTime = 10 * time.Minute
	})
	token := invite(t, s, auth.NewInvite{Kind: auth.InviteAccount, Life: time.Minute, Uses: 2})
	c := s.Dial()
	c.Open()
	c.Ask(preauth(token))
	clk.Advance(2 * time.Minute)
	late := s.Dial()
	late.Open()
	expect(t, "after its expiry", late.Ask(preauth(token)), `<item-not-found`, `expired`)
	expect(t, "who came in time", c.Ask(create("bob", servertest.Password)), ok)
}

// One address may not make accounts without end, though the invitation allows it.
func TestThrottle(t *testing.T) {
	clk := clock.NewFake(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
	s := servertest.New(t, func(o *servertest.Options) { o.Clock = clk })
	s.Account("alice")
	token := invite(t, s, auth.NewInvite{Kind: auth.InviteAccount, Uses: 100})
	for n := range 3 {
		c := s.Dial()
		c.Open()
		c.Ask(preauth(token))
		var last *stanza.Stanza
		for range 10 {
			last = c.Ask(create("alice", servertest.Password))
		}
		if want := map[bool]string{false: `<conflict`, true: `<resource-constraint`}[n == 2]; !strings.Contains(last.String(), want) {
			t.Errorf("connection %d: %s", n, last)
		}
	}
	clk.Advance(25 * time.Second)
	c := s.Dial()
	c.Open()
	c.Ask(preauth(token))
	expect(t, "later", c.Ask(create("alice", servertest.Password)), `<conflict`)
}

const changed = "a different password"

func TestChangePassword(t *testing.T) {
	s := servertest.New(t)
	s.Account("alice", "bob")
	a, other := s.Client("alice"), s.Client("alice")
	for _, tt := range []struct{ xml, want string }{
		{create("bob", changed), `<not-allowed`},
		{create("alice", ""), `<bad-request`},
		{create("alice", "short"), `<not-acceptable`},
	} {
		st := a.Ask(tt.xml)
		expect(t, tt.xml, st, tt.want)
		if strings.Contains(st.String(), "password>") {
			t.Errorf("sent back: %s", st)
		}
	}
	expect(t, "own account", a.Ask(`<iq type='get' id='g' to='example.org'><query xmlns='jabber:iq:register'/></iq>`),
		`<registered/>`, `<username>alice</username>`, `<password/>`)
	st := a.Ask(`<iq type='set' id='c' to='example.org'><query xmlns='jabber:iq:register'><username>alice</username><password>` + changed + `</password></query></iq>`)
	expect(t, "changed", st, ok, `from='example.org'`)
	<-other.Over // what knew the old password is out

	for password, want := range map[string]bool{servertest.Password: false, changed: true} {
		if err := s.Login("alice", password); (err == nil) != want {
			t.Errorf("login with %q: %v", password, err)
		}
	}
	if err := s.Login("bob", servertest.Password); err != nil {
		t.Errorf("bob: %v", err)
	}
}

func TestRemove(t *testing.T) {
	s := servertest.New(t)
	s.Account("alice", "bob")
	a := s.Client("alice")
	expect(t, "with something else", a.Ask(`<iq type='set' id='r'><query xmlns='jabber:iq:register'><remove/><username>alice</username></query></iq>`), `<bad-request`)
	expect(t, "somebody else", a.Ask(`<iq type='set' id='r' to='bob@example.org'><query xmlns='jabber:iq:register'><remove/></query></iq>`), `<service-unavailable`)
	expect(t, "removed", a.Ask(`<iq type='set' id='r'><query xmlns='jabber:iq:register'><remove/></query></iq>`), ok)
	<-a.Over
	if found, err := s.Auth.Exists(t.Context(), "alice"); found || err != nil {
		t.Errorf("alice is still there: %v", err)
	}
	if err := s.Auth.Restore(t.Context(), "alice"); err != nil {
		t.Errorf("cannot be restored: %v", err)
	}
}

func TestLastAdministratorStays(t *testing.T) {
	s := servertest.New(t)
	if _, err := s.Auth.Create(t.Context(), "root1", auth.RoleAdmin, auth.Password(servertest.Password)); err != nil {
		t.Fatal(err)
	}
	a := s.Client("root1")
	expect(t, "removal", a.Ask(`<iq type='set' id='r'><query xmlns='jabber:iq:register'><remove/></query></iq>`), `<not-allowed`, `last administrator`)
	if _, err := s.Auth.Account(t.Context(), "root1"); errors.Is(err, auth.ErrNotFound) {
		t.Error("it is gone")
	}
}
