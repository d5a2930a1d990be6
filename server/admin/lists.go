package admin

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"kith/internal/form"
	"kith/internal/jid"
	"kith/internal/stanza"
	"kith/server/auth"
	"kith/server/module"
)

// maxList is how many addresses a list has that is not bounded by who asks.
const maxList = 10_000

// listCommands are those that only tell.
func (f *Feature) listCommands() []*command {
	registered := func() ([]jid.JID, error) { return f.addresses(func(auth.Account) bool { return true }) }
	disabled := func() ([]jid.JID, error) { return f.addresses(func(a auth.Account) bool { return a.Disabled }) }
	all := []*command{
		{"get-user-lastlogin", "See when an account was last in use", ask("See when an account was last in use", accountField()), f.lastLogin},
		{"user-stats", "See who an account is used by", ask("See who an account is used by", accountField()), f.statistics},
	}
	for _, l := range []struct {
		node, what, numField, listField string
		get                             func() ([]jid.JID, error)
	}{
		{"registered", "registered", "registeredusersnum", "registereduserjids", registered},
		{"disabled", "disabled", "disabledusersnum", "disableduserjids", disabled},
		{"online", "online", "onlineusersnum", "onlineuserjids", f.online},
	} {
		all = append(all, &command{
			"get-" + l.node + "-users-num", "Number of accounts that are " + l.what, nil,
			func(*module.IQ, form.Values) (*form.Form, error) {
				users, err := l.get()
				return result(l.numField, "Accounts", form.TextSingle, strconv.Itoa(len(users))), err
			},
		}, &command{
			"get-" + l.node + "-users-list", "List of accounts that are " + l.what,
			ask("List of accounts that are "+l.what, form.Field{
				Var: "max_items", Kind: form.ListSingle, Label: "At most", Values: []string{"100"}, Open: true, Datatype: "xs:string",
				Options: []form.Option{{Value: "25"}, {Value: "50"}, {Value: "100"}, {Value: "250"}, {Value: "none", Label: "All of them"}},
			}),
			func(_ *module.IQ, v form.Values) (*form.Form, error) {
				limit, err := readLimit(v)
				if err != nil {
					return nil, err
				}
				users, err := l.get()
				text := make([]string, 0, len(users))
				for _, u := range users[:min(len(users), limit)] {
					text = append(text, u.String())
				}
				return result(l.listField, "Accounts", form.JIDMulti, text...), err
			},
		})
	}
	return all
}

func readLimit(v form.Values) (int, error) {
	text := v.Text("max_items")
	if text == "" || text == "none" {
		return maxList, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return 0, stanza.Refuse(stanza.BadRequest, "max_items: a number was expected, or none.")
	}
	return min(n, maxList), nil
}

func result(name, label string, kind form.Kind, values ...string) *form.Form {
	return form.New(form.TypeResult, nsAdmin, form.Field{Var: name, Kind: kind, Label: label, Values: values})
}

func (f *Feature) addresses(which func(auth.Account) bool) (out []jid.JID, err error) {
	all, err := f.auth.Accounts(context.Background())
	if err != nil {
		return nil, err
	}
	for _, a := range all {
		if a.Removed() || !which(a) {
			continue
		}
		j, err := f.auth.Address(a.Local)
		if err != nil {
			return nil, err
		}
		out = append(out, j)
	}
	return out, nil
}

// online are the accounts that have a session.
func (f *Feature) online() (out []jid.JID, err error) {
	for _, j := range f.sessions.Online() {
		out = append(out, j.Bare())
	}
	slices.SortFunc(out, func(a, b jid.JID) int { return strings.Compare(a.String(), b.String()) })
	return slices.Compact(out), nil
}

// statistics tells of an account what its administrator has to know: how many sessions there are, not
// from where, and not how many contacts.
func (f *Feature) statistics(_ *module.IQ, v form.Values) (*form.Form, error) {
	local, err := f.local(v.JID("accountjid"))
	if err != nil {
		return nil, err
	}
	if _, err := f.auth.Account(context.Background(), local); err != nil {
		return nil, err
	}
	var resources []string
	for _, j := range f.sessions.Online() {
		if j.Local() == local {
			resources = append(resources, j.Resource())
		}
	}
	return form.New(
		form.TypeResult, nsAdmin,
		form.Field{Var: "accountjid", Kind: form.JIDSingle, Label: "Account", Values: []string{local + "@" + f.domain.Domain()}},
		form.Field{Var: "onlineresources", Kind: form.TextMulti, Label: "Resources that are online", Values: resources},
	), nil
}
