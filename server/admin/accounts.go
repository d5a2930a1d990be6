package admin

import (
	"context"
	"time"

	"kith/internal/form"
	"kith/internal/stanza"
	"kith/server/auth"
	"kith/server/module"
)

// endByAdmin is why a session ends that an administrator ends.
var endByAdmin = module.EndReason{Condition: "policy-violation", Text: "The session was ended by an administrator."}

// accountCommands are those that change something.
func (f *Feature) accountCommands() []*command {
	ctx := context.Background()
	return []*command{
		{
			"add-user", "Add an account", ask("Add an account", append([]form.Field{accountField()}, passwordFields()...)...),
			func(_ *module.IQ, v form.Values) (*form.Form, error) {
				local, err := f.local(v.JID("accountjid"))
				if err != nil {
					return nil, stanza.Refuse(stanza.NotAcceptable, "The address has to be one of this server.")
				}
				cred, err := password(v)
				if err == nil {
					_, err = f.auth.Create(ctx, local, auth.RoleMember, cred)
				}
				return nil, err
			},
		},
		{
			"delete-user", "Remove accounts", ask("Remove accounts", accountsField()),
			f.each(func(local string) error { return f.auth.Remove(ctx, local, f.auth.Grace()) }),
		},
		{
			"disable-user", "Disable accounts", ask("Disable accounts", accountsField()),
			f.each(func(local string) error { return f.auth.SetDisabled(ctx, local, true) }),
		},
		{
			"reenable-user", "Enable accounts again", ask("Enable accounts again", accountsField()),
			f.each(func(local string) error { return f.auth.SetDisabled(ctx, local, false) }),
		},
		{
			"change-user-password", "Change the password of an account",
			ask("Change the password of an account", append([]form.Field{accountField()}, passwordFields()...)...),
			func(_ *module.IQ, v form.Values) (*form.Form, error) {
				local, err := f.local(v.JID("accountjid"))
				if err != nil {
					return nil, err
				}
				cred, err := password(v)
				if err != nil {
					return nil, err
				}
				return nil, f.auth.SetPassword(ctx, local, cred, "")
			},
		},
		{"end-user-session", "End sessions", ask("End sessions", accountsField()), f.endSessions},
		{
			"announce", "Write to everybody who is online",
			ask("Write to everybody who is online",
				form.Field{Var: "subject", Kind: form.TextSingle, Label: "Subject"},
				form.Field{Var: "announcement", Kind: form.TextMulti, Label: "Text", Required: true},
			), f.announce,
		},
		{"edit-admin", "Choose the administrators", f.askAdmins, f.setAdmins},
	}
}

// each does something to several accounts. The first that fails ends it.
func (f *Feature) each(do func(local string) error) func(*module.IQ, form.Values) (*form.Form, error) {
	return func(_ *module.IQ, v form.Values) (*form.Form, error) {
		var names []string
		for _, who := range v.JIDs("accountjids") {
			local, err := f.local(who)
			if err != nil {
				return nil, err
			}
			if _, err := f.auth.Account(context.Background(), local); err != nil {
				return nil, err
			}
			names = append(names, local)
		}
		for _, local := range names {
			if err := do(local); err != nil {
				return nil, err
			}
		}
		return nil, nil
	}
}

// endSessions ends all sessions of an account, or one that is named by its full address.
func (f *Feature) endSessions(_ *module.IQ, v form.Values) (*form.Form, error) {
	for _, who := range v.JIDs("accountjids") {
		local, err := f.local(who)
		if err != nil {
			return nil, err
		}
		f.accounts.DoLoaded(local, func(a module.Account) {
			var over []module.Session
			for s := range a.Sessions() {
				if who.IsBare() || s.JID() == who {
					over = append(over, s)
				}
			}
			for _, s := range over {
				s.End(endByAdmin)
			}
		})
	}
	return nil, nil
}

func (f *Feature) announce(_ *module.IQ, v form.Values) (*form.Form, error) {
	text := ""
	for i, line := range v["announcement"] {
		if i > 0 {
			text += "\n"
		}
		text += line
	}
	if text == "" {
		return nil, stanza.Refuse(stanza.NotAcceptable, "There is no text.")
	}
	for _, who := range f.sessions.Online() {
		module.Deliver(f.router, f.message(who, stanza.Headline, v.Text("subject"), text))
	}
	return nil, nil
}

func (f *Feature) admins() (names []string, err error) {
	all, err := f.auth.Accounts(context.Background())
	for _, a := range all {
		if a.Role == auth.RoleAdmin && !a.Removed() {
			names = append(names, a.Local)
		}
	}
	return names, err
}

func (f *Feature) askAdmins() (*form.Form, error) {
	names, err := f.admins()
	if err != nil {
		return nil, err
	}
	field := form.Field{Var: "adminjids", Kind: form.JIDMulti, Label: "Administrators", Required: true}
	for _, n := range names {
		field.Values = append(field.Values, n+"@"+f.domain.Domain())
	}
	x := form.New(form.TypeForm, nsAdmin, field)
	x.Title = "Choose the administrators"
	return x, nil
}

// setAdmins makes those named administrators, and all others members.
func (f *Feature) setAdmins(_ *module.IQ, v form.Values) (*form.Form, error) {
	ctx := context.Background()
	was, err := f.admins()
	if err != nil {
		return nil, err
	}
	wanted := map[string]bool{}
	for _, who := range v.JIDs("adminjids") {
		local, err := f.local(who)
		if err != nil {
			return nil, err
		}
		if _, err := f.auth.Account(ctx, local); err != nil {
			return nil, err
		}
		wanted[local] = true
	}
	for local := range wanted {
		if err := f.auth.SetRole(ctx, local, auth.RoleAdmin); err != nil {
			return nil, err
		}
	}
	for _, local := range was {
		if !wanted[local] {
			if err := f.auth.SetRole(ctx, local, auth.RoleMember); err != nil {
				return nil, err
			}
		}
	}
	return nil, nil
}

// lastLogin is the day on which an account was last in use: nothing more precise is known.
func (f *Feature) lastLogin(_ *module.IQ, v form.Values) (*form.Form, error) {
	local, err := f.local(v.JID("accountjid"))
	if err != nil {
		return nil, err
	}
	a, err := f.auth.Account(context.Background(), local)
	if err != nil {
		return nil, err
	}
	when := "never"
	if t := a.LastActive(); !t.IsZero() {
		when = t.Format(time.RFC3339)
	}
	return form.New(
		form.TypeResult, nsAdmin,
		form.Field{Var: "accountjid", Kind: form.JIDSingle, Label: "Account", Values: []string{local + "@" + f.domain.Domain()}},
		form.Field{Var: "lastlogin", Kind: form.TextSingle, Label: "Day of the last use", Values: []string{when}},
	), nil
}
