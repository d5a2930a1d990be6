package auth_test

import (
	"context"
	"errors"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"kith/internal/jid"
	"kith/internal/sasl"
	"kith/server/auth"
)

func (w *world) invite(n auth.NewInvite) (auth.Invite, string) {
	w.t.Helper()
	inv, err := w.CreateInvite(w.t.Context(), n)
	w.must(err)
	token, ok := w.InviteToken(inv)
	if !ok {
		w.t.Fatal("no token")
	}
	return inv, token
}

func (w *world) register(token, name string) (auth.Registered, error) {
	w.t.Helper()
	t, err := w.CheckInvite(w.t.Context(), token)
	if err != nil {
		return auth.Registered{}, err
	}
	return w.Register(w.t.Context(), t, auth.Registration{Name: name, Credential: w.known()})
}

func (w *world) invalid(err error, want auth.InviteReason) {
	w.t.Helper()
	e, ok := errors.AsType[*auth.InviteError](err)
	if !ok || !errors.Is(err, auth.ErrInviteInvalid) || e.Reason != want {
		w.t.Fatalf("%v, want %s", err, want)
	}
}

func TestInviteAccount(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	w.account("romeo", auth.RoleAdmin)
	inv, token := w.invite(auth.NewInvite{Kind: auth.InviteAccount, Creator: "romeo", Introduce: true, Role: auth.RoleLimited, Uses: 2, Note: "for the kids"})
	if !regexp.MustCompile(`^[a-z2-9]{32}$`).MatchString(token) {
		t.Errorf("token %q", token)
	}
	l := w.Links("https://example.org/", inv)
	if l.Web != "https://example.org/i/"+token || l.XMPP != "xmpp:example.org?register;preauth="+token {
		t.Errorf("%+v", l)
	}
	// Looking does not use it; a keyboard that begins with a capital does no harm.
	for _, spelling := range []string{token, strings.ToUpper(token), " " + token + "\n"} {
		ticket, err := w.CheckInvite(ctx, spelling)
		if err != nil || ticket.Invite.ID != inv.ID || ticket.Invite.Used != 0 {
			t.Errorf("%q: %+v, %v", spelling, ticket, err)
		}
	}
	_, err := w.register(token, "admin")
	w.want(err, auth.ErrName)
	_, err = w.register(token, "Romeo")
	w.want(err, auth.ErrExists)
	got, err := w.register(token, "Juliet")
	w.must(err)
	if got.Account.Local != "juliet" || got.Account.Role != auth.RoleLimited || got.Contact != "romeo" {
		t.Errorf("%+v", got)
	}
	_, err = w.register(token, "rosaline")
	w.must(err)
	_, err = w.CheckInvite(ctx, token)
	w.invalid(err, auth.InviteUsedUp)
	_, err = w.register(strings.Repeat("a", 32), "paris")
	w.invalid(err, auth.InviteUnknown)
	_, err = w.register("", "paris")
	w.invalid(err, auth.InviteUnknown)
	list, err := w.Invites(ctx, "romeo")
	w.must(err)
	if len(list) != 1 || list[0].Used != 2 || list[0].Note != "for the kids" || list[0].Open(w.clock.Now()) {
		t.Errorf("%+v", list)
	}
	if _, err := w.try(login{mech: sasl.ScramSHA256, user: "juliet", pass: pw}); err != nil {
		t.Error(err)
	}
}

// ejabberd #4538: the number of uses was not counted in the transaction of the registration.
func TestInviteRace(t *testing.T) {
	w := newWorld(t)
	w.account("romeo", auth.RoleAdmin)
	cred := w.known()
	for _, uses := range []int{1, 7} {
		_, token := w.invite(auth.NewInvite{Kind: auth.InviteAccount, Creator: "romeo", Uses: uses})
		const n = 50
		go1 := make(chan struct{})
		errs := make(chan error, n)
		for i := range n {
			go func() {
				<-go1
				ticket, err := w.CheckInvite(t.Context(), token)
				if err == nil {
					name := "user" + strings.Repeat("x", uses) + string(rune('a'+i%26)) + string(rune('a'+i/26))
					_, err = w.Register(t.Context(), ticket, auth.Registration{Name: name, Credential: cred})
				}
				errs <- err
			}()
		}
		before, err := w.Accounts(t.Context())
		w.must(err)
		close(go1)
		won := 0
		for range n {
			if err := <-errs; err == nil {
				won++
			} else {
				w.invalid(err, auth.InviteUsedUp)
			}
		}
		after, err := w.Accounts(t.Context())
		w.must(err)
		if won != uses || len(after)-len(before) != uses {
			t.Errorf("%d uses: %d won, %d accounts more", uses, won, len(after)-len(before))
		}
	}
}

func TestInviteExpiry(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	_, token := w.invite(auth.NewInvite{Kind: auth.InviteAccount, Life: time.Hour})
	ticket, err := w.CheckInvite(ctx, token)
	w.must(err)
	w.clock.Advance(time.Hour)
	_, err = w.CheckInvite(ctx, token)
	w.invalid(err, auth.InviteExpired)
	// Who was let in goes on (XEP-0445 section 4).
	_, err = w.Register(ctx, ticket, auth.Registration{Name: "juliet", Credential: auth.Password(pw)})
	w.must(err)
	_, err = w.Register(ctx, ticket, auth.Registration{Name: "romeo", Credential: auth.Password(pw)})
	w.invalid(err, auth.InviteUsedUp)
	w.clock.Advance(31 * 24 * time.Hour)
	w.must(w.CatchUp(ctx))
	if list, err := w.AllInvites(ctx); err != nil || len(list) != 0 {
		t.Errorf("%v %v", list, err)
	}
}

func TestInviteForAName(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	w.account("romeo", auth.RoleAdmin)
	inv, token := w.invite(auth.NewInvite{Kind: auth.InviteAccount, Creator: "romeo", Local: "Jülia;a"})
	if l := w.Links("https://example.org", inv); l.XMPP != "xmpp:j%C3%BClia%3Ba@example.org?register;preauth="+token {
		t.Errorf("%s", l.XMPP)
	} else if _, err := url.Parse(l.XMPP); err != nil {
		t.Error(err)
	}
	// The name is kept for its holder (XEP-0445 section 5), and the holder to the name.
	_, other := w.invite(auth.NewInvite{Kind: auth.InviteAccount, Creator: "romeo"})
	_, err := w.register(other, "jülia;a")
	w.want(err, auth.ErrExists)
	_, err = w.Create(ctx, "jülia;a", auth.RoleMember, auth.Password(pw))
	w.want(err, auth.ErrExists)
	_, err = w.CreateInvite(ctx, auth.NewInvite{Kind: auth.InviteAccount, Creator: "romeo", Local: "jülia;a"})
	w.want(err, auth.ErrExists)
	_, err = w.register(token, "paris")
	w.want(err, auth.ErrName)
	got, err := w.register(token, "")
	w.must(err)
	if got.Account.Local != "jülia;a" || got.Contact != "" {
		t.Errorf("%+v", got)
	}
	_, err = w.CreateInvite(ctx, auth.NewInvite{Kind: auth.InviteAccount, Local: "romeo"})
	w.want(err, auth.ErrExists)
	// Reserved for nobody once it has ended.
	w.invite(auth.NewInvite{Kind: auth.InviteAccount, Local: "rosaline", Life: time.Hour})
	w.clock.Advance(time.Hour)
	w.account("rosaline", auth.RoleMember)
}

func TestInviteRights(t *testing.T) {
	w := newWorld(t, func(c *auth.Config) { c.Invites.MemberOpen = 2 })
	ctx := t.Context()
	w.account("boss", auth.RoleAdmin)
	w.account("mercutio", auth.RoleMember)
	w.account("kid", auth.RoleLimited)
	for name, c := range map[string]struct {
		n    auth.NewInvite
		want error
	}{
		"member":               {auth.NewInvite{Kind: auth.InviteAccount, Creator: "mercutio"}, nil},
		"member, many uses":    {auth.NewInvite{Kind: auth.InviteAccount, Creator: "mercutio", Uses: 11}, auth.ErrForbidden},
		"member for admin":     {auth.NewInvite{Kind: auth.InviteAccount, Creator: "mercutio", Role: auth.RoleAdmin}, auth.ErrForbidden},
		"member reset":         {auth.NewInvite{Kind: auth.InviteReset, Creator: "mercutio", Local: "boss"}, auth.ErrForbidden},
		"member reserved name": {auth.NewInvite{Kind: auth.InviteAccount, Creator: "mercutio", Local: "admin"}, auth.ErrName},
		"child":                {auth.NewInvite{Kind: auth.InviteAccount, Creator: "kid"}, auth.ErrForbidden},
		"child contact":        {auth.NewInvite{Kind: auth.InviteContact, Creator: "kid"}, auth.ErrForbidden},
		"nobody's":             {auth.NewInvite{Kind: auth.InviteAccount, Creator: "nobody"}, auth.ErrNotFound},
		"admin for admin":      {auth.NewInvite{Kind: auth.InviteAccount, Creator: "boss", Role: auth.RoleAdmin}, nil},
		"admin for two admins": {auth.NewInvite{Kind: auth.InviteAccount, Creator: "boss", Role: auth.RoleAdmin, Uses: 2}, auth.ErrInviteOptions},
		"name for two":         {auth.NewInvite{Kind: auth.InviteAccount, Creator: "boss", Local: "x", Uses: 2}, auth.ErrInviteOptions},
		"too long":             {auth.NewInvite{Kind: auth.InviteAccount, Life: 366 * 24 * time.Hour}, auth.ErrInviteOptions},
		"past":                 {auth.NewInvite{Kind: auth.InviteAccount, Life: -time.Hour}, auth.ErrInviteOptions},
		"endless uses":         {auth.NewInvite{Kind: auth.InviteAccount, Uses: 1 << 30}, auth.ErrInviteOptions},
		"first by hand":        {auth.NewInvite{Kind: auth.InviteFirst}, auth.ErrInviteOptions},
		"no kind":              {auth.NewInvite{}, auth.ErrInviteOptions},
		"unknown role":         {auth.NewInvite{Kind: auth.InviteAccount, Role: "king"}, auth.ErrInviteOptions},
		"contact of nobody":    {auth.NewInvite{Kind: auth.InviteContact}, auth.ErrInviteOptions},
		"reset of nothing":     {auth.NewInvite{Kind: auth.InviteReset}, auth.ErrInviteOptions},
		"reset of nobody":      {auth.NewInvite{Kind: auth.InviteReset, Local: "nobody"}, auth.ErrNotFound},
		"bad name":             {auth.NewInvite{Kind: auth.InviteAccount, Local: "a b"}, auth.ErrName},
		"long note":            {auth.NewInvite{Kind: auth.InviteAccount, Note: strings.Repeat("a", 201)}, auth.ErrInviteOptions},
	} {
		if _, err := w.CreateInvite(ctx, c.n); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	w.invite(auth.NewInvite{Kind: auth.InviteAccount, Creator: "mercutio"})
	_, err := w.CreateInvite(ctx, auth.NewInvite{Kind: auth.InviteAccount, Creator: "mercutio"})
	w.want(err, auth.ErrInviteOptions)

	// Without the right to let people in, a member may still make contacts.
	w.config.Invites.Members = false
	w.config.Invites.MemberOpen = 50
	w.restart()
	_, err = w.CreateInvite(ctx, auth.NewInvite{Kind: auth.InviteAccount, Creator: "mercutio"})
	w.want(err, auth.ErrForbidden)
	inv, token := w.invite(auth.NewInvite{Kind: auth.InviteContact, Creator: "mercutio"})
	if l := w.Links("https://example.org", inv); l.XMPP != "xmpp:mercutio@example.org?roster;preauth="+token {
		t.Errorf("%s", l.XMPP)
	}
	_, err = w.register(token, "juliet")
	w.invalid(err, auth.InviteNotThis)
	a, err := w.Account(ctx, "mercutio")
	w.must(err)
	if w.MayInvite(a) {
		t.Error("may invite")
	}
}

// What a right was needed for ends with the right (CVE-2024-25420).
func TestInviteEndsWithItsCreatorsRights(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	w.account("boss", auth.RoleAdmin)
	w.account("deputy", auth.RoleAdmin)
	_, admin := w.invite(auth.NewInvite{Kind: auth.InviteAccount, Creator: "deputy", Role: auth.RoleAdmin})
	_, reset := w.invite(auth.NewInvite{Kind: auth.InviteReset, Creator: "deputy", Local: "boss"})
	_, member := w.invite(auth.NewInvite{Kind: auth.InviteAccount, Creator: "deputy"})
	check := func(token string, valid bool) {
		t.Helper()
		_, err := w.CheckInvite(ctx, token)
		if valid {
			w.must(err)
		} else {
			w.invalid(err, auth.InviteUnknown)
		}
	}
	w.must(w.SetRole(ctx, "deputy", auth.RoleMember))
	check(admin, false)
	check(reset, false)
	check(member, true)
	w.must(w.SetRole(ctx, "deputy", auth.RoleLimited))
	check(member, false)
	w.must(w.SetRole(ctx, "deputy", auth.RoleMember))
	w.must(w.SetDisabled(ctx, "deputy", true))
	check(member, false)
	w.must(w.SetDisabled(ctx, "deputy", false))
	check(member, true)
	w.must(w.Remove(ctx, "deputy", time.Hour))
	check(member, false)
	w.must(w.Restore(ctx, "deputy"))
	check(member, false) // gone for good
}

func TestInviteContact(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	w.account("romeo", auth.RoleMember)
	w.account("paris", auth.RoleMember)
	inv, token := w.invite(auth.NewInvite{Kind: auth.InviteContact, Creator: "romeo", Uses: 2})
	if l := w.Links("https://example.org", inv); l.XMPP != "xmpp:romeo@example.org?roster;preauth="+token+";ibr=y" {
		t.Errorf("%s", l.XMPP)
	}
	juliet := jid.Must("juliet@example.com")
	w.invalid(w.AcceptContact(ctx, token, "paris", juliet), auth.InviteNotThis)
	w.invalid(w.AcceptContact(ctx, token, "romeo", jid.Must("romeo@example.org")), auth.InviteNotThis)
	w.invalid(w.AcceptContact(ctx, token, "romeo", jid.Must("example.com")), auth.InviteNotThis)
	w.invalid(w.AcceptContact(ctx, "x", "romeo", juliet), auth.InviteUnknown)
	w.must(w.AcceptContact(ctx, token, "romeo", juliet))
	got, err := w.register(token, "rosaline")
	w.must(err)
	if got.Contact != "romeo" || got.Account.Role != auth.RoleMember {
		t.Errorf("%+v", got)
	}
	w.invalid(w.AcceptContact(ctx, token, "romeo", juliet), auth.InviteUsedUp)

	// An invite that is for accounts alone makes no contacts.
	_, token = w.invite(auth.NewInvite{Kind: auth.InviteAccount, Creator: "romeo"})
	w.invalid(w.AcceptContact(ctx, token, "romeo", juliet), auth.InviteNotThis)
}

func TestInviteReset(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	w.account("boss", auth.RoleAdmin)
	w.account("juliet", auth.RoleMember)
	_, old := w.invite(auth.NewInvite{Kind: auth.InviteReset, Creator: "boss", Local: "juliet"})
	inv, token := w.invite(auth.NewInvite{Kind: auth.InviteReset, Local: "Juliet"})
	if l := w.Links("https://example.org", inv); l.XMPP != "" || l.Web != "https://example.org/i/"+token {
		t.Errorf("%+v", l)
	}
	_, err := w.CheckInvite(ctx, old)
	w.invalid(err, auth.InviteUnknown) // the new one has taken its place
	phoneToken := w.signIn("juliet", phone, sasl.HTSHA256None).Token

	ticket, err := w.CheckInvite(ctx, token)
	w.must(err)
	_, err = w.Register(ctx, ticket, auth.Registration{Name: "paris", Credential: auth.Password(pw)})
	w.invalid(err, auth.InviteNotThis)
	_, err = w.ResetPassword(ctx, ticket, auth.Password("short"))
	w.want(err, auth.ErrPassword)
	local, err := w.ResetPassword(ctx, ticket, auth.Password("battery staple"))
	if err != nil || local != "juliet" {
		t.Fatalf("%s, %v", local, err)
	}
	w.ended.take(t, "juliet", auth.End{Reason: auth.EndPasswordChanged})
	_, err = w.ResetPassword(ctx, ticket, auth.Password("staple battery"))
	w.invalid(err, auth.InviteUsedUp)
	_, err = w.try(login{mech: sasl.ScramSHA256, user: "juliet", pass: "battery staple"})
	w.must(err)
	_, err = w.tokenLogin("juliet", phone, phoneToken, sasl.HTSHA256None, nil)
	w.condition(err, sasl.NotAuthorized)

	// A link that lies around is worth nothing after the owner has changed the password herself.
	_, token = w.invite(auth.NewInvite{Kind: auth.InviteReset, Local: "juliet"})
	w.must(w.SetPassword(ctx, "juliet", auth.Password("third password"), ""))
	_, err = w.CheckInvite(ctx, token)
	w.invalid(err, auth.InviteUnknown)

	_, account := w.invite(auth.NewInvite{Kind: auth.InviteAccount})
	if ticket, err = w.CheckInvite(ctx, account); err != nil {
		t.Fatal(err)
	}
	_, err = w.ResetPassword(ctx, ticket, auth.Password("fourth password"))
	w.invalid(err, auth.InviteNotThis)
}

func TestFirstInvite(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	first, err := w.FirstInvite(ctx)
	w.must(err)
	token, _ := w.InviteToken(first)
	// The link is the same after a restart, and another one when it is old.
	w.restart()
	again, err := w.FirstInvite(ctx)
	w.must(err)
	if same, _ := w.InviteToken(again); same != token {
		t.Errorf("%s, then %s", token, same)
	}
	w.clock.Advance(6*24*time.Hour + time.Second)
	fresh, err := w.FirstInvite(ctx)
	w.must(err)
	freshToken, _ := w.InviteToken(fresh)
	if freshToken == token {
		t.Error("a link about to expire was shown again")
	}
	_, err = w.CheckInvite(ctx, token)
	w.invalid(err, auth.InviteUnknown)

	ticket, err := w.CheckInvite(ctx, freshToken)
	w.must(err)
	rival, err := w.CheckInvite(ctx, freshToken)
	w.must(err)
	got, err := w.Register(ctx, ticket, auth.Registration{Name: "admin", Credential: auth.Password(pw)})
	w.must(err)
	if got.Account.Role != auth.RoleAdmin || got.Account.Local != "admin" || got.Contact != "" {
		t.Errorf("%+v", got)
	}
	_, err = w.Register(ctx, rival, auth.Registration{Name: "rival", Credential: auth.Password(pw)})
	w.invalid(err, auth.InviteUsedUp)
	_, err = w.FirstInvite(ctx)
	w.want(err, auth.ErrNotFirst)
}

// An account that the operator makes closes the door that was open for the first.
func TestFirstInviteAfterUserAdd(t *testing.T) {
	w := newWorld(t)
	inv, err := w.FirstInvite(t.Context())
	w.must(err)
	token, _ := w.InviteToken(inv)
	ticket, err := w.CheckInvite(t.Context(), token)
	w.must(err)
	w.account("juliet", auth.RoleMember)
	_, err = w.CheckInvite(t.Context(), token)
	w.invalid(err, auth.InviteUsedUp)
	_, err = w.Register(t.Context(), ticket, auth.Registration{Name: "mallory", Credential: auth.Password(pw)})
	w.invalid(err, auth.InviteUsedUp)
}

func TestInviteListsAndRevocation(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	w.account("romeo", auth.RoleMember)
	mine, token := w.invite(auth.NewInvite{Kind: auth.InviteContact, Creator: "romeo"})
	w.clock.Advance(time.Minute)
	operators, _ := w.invite(auth.NewInvite{Kind: auth.InviteAccount})
	for creator, want := range map[string]string{"romeo": mine.ID, "": operators.ID} {
		list, err := w.Invites(ctx, creator)
		w.must(err)
		if len(list) != 1 || list[0].ID != want {
			t.Errorf("%q: %+v", creator, list)
		}
		if again, ok := w.InviteToken(list[0]); !ok || creator == "romeo" && again != token {
			t.Errorf("the link cannot be shown again: %s", again)
		}
	}
	all, err := w.AllInvites(ctx)
	w.must(err)
	if len(all) != 2 || all[0].ID != operators.ID {
		t.Errorf("%+v", all)
	}
	w.want(w.RevokeInvite(ctx, "romeo", operators.ID), auth.ErrNotFound)
	ticket, err := w.CheckInvite(ctx, token)
	w.must(err)
	w.must(w.RevokeInvite(ctx, "romeo", mine.ID))
	w.want(w.RevokeInvite(ctx, "romeo", mine.ID), auth.ErrNotFound)
	_, err = w.CheckInvite(ctx, token)
	w.invalid(err, auth.InviteUnknown)
	_, err = w.Register(ctx, ticket, auth.Registration{Name: "juliet", Credential: auth.Password(pw)})
	w.invalid(err, auth.InviteUnknown)
	w.must(w.RevokeAnyInvite(ctx, operators.ID))
	// The links are lost with the secret; the invites that are out are not.
	kept, token := w.invite(auth.NewInvite{Kind: auth.InviteAccount})
	w.must(auth.ForgetLostSecret(ctx, w.db.Auth(), auth.NewSecret()))
	w.secret = auth.NewSecret()
	w.restart()
	if _, ok := w.InviteToken(kept); ok || w.Links("https://example.org", kept) != (auth.Links{}) {
		t.Error("a token without its key")
	}
	_, err = w.register(token, "juliet")
	w.must(err)
}

// introducer makes contacts, unless it is told to fail.
type introducer struct {
	mu   sync.Mutex // guards the fields below
	fail error
	got  []string
}

func (i *introducer) Introduce(_ context.Context, local, contact string) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.fail != nil {
		return i.fail
	}
	i.got = append(i.got, local+"+"+contact)
	return nil
}

func TestIntroductionsSurviveAFailure(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	w.account("romeo", auth.RoleMember)
	in := &introducer{}
	w.SetHooks(auth.Hooks{Introducer: in})
	_, token := w.invite(auth.NewInvite{Kind: auth.InviteContact, Creator: "romeo", Uses: 5})
	_, err := w.register(token, "juliet")
	w.must(err)
	if strings.Join(in.got, " ") != "juliet+romeo" {
		t.Fatalf("%v", in.got)
	}
	in.fail = errors.New("roster is ill")
	_, err = w.register(token, "paris")
	w.must(err)
	_, err = w.register(token, "tybalt")
	w.must(err)
	w.want(w.CatchUp(ctx), in.fail)
	w.restart() // a crash
	w.SetHooks(auth.Hooks{Introducer: in})
	in.fail = nil
	w.must(w.Remove(ctx, "tybalt", 0)) // meets nobody any more
	w.must(w.CatchUp(ctx))
	w.must(w.CatchUp(ctx))
	if strings.Join(in.got, " ") != "juliet+romeo paris+romeo" {
		t.Fatalf("%v", in.got)
	}
}

// Circles and guardians that come with an account: who may give which.
func TestInviteCarriesGuardians(t *testing.T) {
	w := newWorld(t)
	w.account("root", auth.RoleAdmin)
	for name, role := range map[string]auth.Role{"romeo": auth.RoleMember, "juliet": auth.RoleMember, "kid": auth.RoleLimited} {
		w.account(name, role)
	}
	child := auth.NewInvite{Kind: auth.InviteAccount, Role: auth.RoleLimited}
	for _, c := range []struct {
		what, creator string
		introduce     bool
		guardians     []string
		want          string
		err           error
	}{
		{what: "nobody named by a member", creator: "romeo", want: "romeo"},
		{what: "nobody named by the operator"},
		{what: "a member names himself", creator: "romeo", guardians: []string{"romeo"}, want: "romeo"},
		{what: "a member names another", creator: "romeo", guardians: []string{"juliet"}, err: auth.ErrForbidden},
		{what: "an administrator names others", creator: "root", guardians: []string{"juliet", "romeo"}, want: "juliet romeo"},
		{what: "who becomes a contact may talk", creator: "root", introduce: true, guardians: []string{"juliet"}, want: "juliet root"},
		{what: "a child", creator: "root", guardians: []string{"kid"}, err: auth.ErrInviteOptions},
		{what: "nobody", guardians: []string{"nobody"}, err: auth.ErrInviteOptions},
		{what: "a child invites", creator: "kid", err: auth.ErrForbidden},
	} {
		n := child
		n.Creator, n.Introduce, n.Guardians = c.creator, c.introduce, c.guardians
		inv, err := w.CreateInvite(t.Context(), n)
		if !errors.Is(err, c.err) || err == nil && strings.Join(inv.Guardians, " ") != c.want {
			t.Errorf("%s: %q %v", c.what, inv.Guardians, err)
		}
	}
	for _, c := range []struct {
		what string
		n    auth.NewInvite
		err  error
	}{
		{"guardians of a member", auth.NewInvite{Kind: auth.InviteAccount, Guardians: []string{"romeo"}}, auth.ErrInviteOptions},
		{"circles of a contact", auth.NewInvite{Kind: auth.InviteContact, Creator: "root", Circles: []string{"x"}}, auth.ErrInviteOptions},
		{"circles by a member", auth.NewInvite{Kind: auth.InviteAccount, Creator: "romeo", Circles: []string{"x"}}, auth.ErrForbidden},
		{"a circle that is not there", auth.NewInvite{Kind: auth.InviteAccount, Circles: []string{"x"}}, auth.ErrNoCircle},
	} {
		if _, err := w.CreateInvite(t.Context(), c.n); !errors.Is(err, c.err) {
			t.Errorf("%s: %v", c.what, err)
		}
	}
}

// watcher notes whose account has changed.
type watcher struct{ seen []string }

func (w *watcher) AccountChanged(_ context.Context, local string) error {
	w.seen = append(w.seen, local)
	return errors.New("only logged")
}

func TestWatcher(t *testing.T) {
	w := newWorld(t)
	w.account("root", auth.RoleAdmin)
	seen := &watcher{}
	w.SetHooks(auth.Hooks{Watchers: []auth.Watcher{seen}})
	w.account("romeo", auth.RoleMember)
	ctx := t.Context()
	w.must(w.SetRole(ctx, "romeo", auth.RoleLimited))
	w.must(w.SetDisabled(ctx, "romeo", true))
	w.must(w.SetDisabled(ctx, "romeo", false))
	w.must(w.Remove(ctx, "romeo", time.Hour))
	w.must(w.Restore(ctx, "romeo"))
	if len(seen.seen) != 6 {
		t.Errorf("told %d times", len(seen.seen))
	}
	if err := w.SetRole(ctx, "root", auth.RoleMember); !errors.Is(err, auth.ErrLastAdmin) || len(seen.seen) != 6 {
		t.Errorf("what was refused: %v, told %d times", err, len(seen.seen))
	}
}
