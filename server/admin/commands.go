package admin

import (
	"errors"

	"kith/internal/form"
	"kith/internal/jid"
	"kith/internal/stanza"
	"kith/internal/xmltree"
	"kith/server/auth"
	"kith/server/module"
)

const nsAdmin = "http://jabber.org/protocol/admin"

// command is one of XEP-0133.
type command struct {
	// node is what its name has after the #.
	node, name string
	// ask makes the form to fill in; nil for none.
	ask func() (*form.Form, error)
	// run does it; what it returns is the result, nil for none.
	run func(q *module.IQ, v form.Values) (*form.Form, error)
}

func (f *Feature) registerCommands(r *module.Registry) {
	for _, c := range append(f.accountCommands(), f.listCommands()...) {
		r.Command(module.Command{
			Node: nsAdmin + "#" + c.node, Name: c.name, Allowed: f.isAdmin,
			Run: func(q *module.IQ, x xmltree.Element) (module.Step, error) { return c.step(q, x) },
		})
	}
}

func (c *command) step(q *module.IQ, x xmltree.Element) (module.Step, error) {
	var v form.Values
	if c.ask != nil {
		asked, err := c.ask()
		if err != nil {
			return module.Step{}, err
		}
		if x.IsZero() {
			return module.Step{Form: asked.Write, Next: true}, nil
		}
		submitted, err := form.Parse(x)
		if err == nil {
			v, err = asked.Check(submitted)
		}
		if err != nil {
			return module.Step{}, badForm(err)
		}
	}
	result, err := c.run(q, v)
	if err != nil {
		return module.Step{}, refusal(err)
	}
	if result == nil {
		return module.Step{}, nil
	}
	return module.Step{Form: result.Write}, nil
}

// badForm is the answer to a form that cannot be used (XEP-0050 section 3.6).
func badForm(err error) error {
	fault := &stanza.Fault{Condition: stanza.BadRequest, App: "bad-payload", AppNS: "http://jabber.org/protocol/commands", Cause: err}
	var field *form.FieldError
	if errors.As(err, &field) {
		fault.Text = field.Var + ": " + field.Reason
	}
	return fault
}

// refusal is what an error of the accounts service means to the client.
func refusal(err error) error {
	var input *auth.InputError
	switch {
	case errors.As(err, &input):
		return &stanza.Fault{Condition: stanza.NotAcceptable, Text: input.Text, Cause: err}
	case errors.Is(err, auth.ErrExists):
		return &stanza.Fault{Condition: stanza.Conflict, Text: "This name is taken.", Cause: err}
	case errors.Is(err, auth.ErrNotFound):
		return &stanza.Fault{Condition: stanza.ItemNotFound, Text: "There is no such account.", Cause: err}
	case errors.Is(err, auth.ErrLastAdmin):
		return &stanza.Fault{Condition: stanza.NotAllowed, Text: "This is the last administrator of the server.", Cause: err}
	}
	return err
}

// local is the name of an account here.
func (f *Feature) local(who jid.JID) (string, error) {
	if who.Domain() != f.domain.Domain() || who.Local() == "" {
		return "", auth.ErrNotFound
	}
	return who.Local(), nil
}

func ask(title string, fields ...form.Field) func() (*form.Form, error) {
	return func() (*form.Form, error) {
		x := form.New(form.TypeForm, nsAdmin, fields...)
		x.Title = title
		return x, nil
	}
}

// The fields of XEP-0133 section 6.
func accountField() form.Field {
	return form.Field{Var: "accountjid", Kind: form.JIDSingle, Label: "Address of the account", Required: true}
}

func accountsField() form.Field {
	return form.Field{Var: "accountjids", Kind: form.JIDMulti, Label: "Addresses of the accounts", Required: true}
}

func passwordFields() []form.Field {
	return []form.Field{
		{Var: "password", Kind: form.TextPrivate, Label: "Password", Required: true},
		{Var: "password-verify", Kind: form.TextPrivate, Label: "The password again"},
	}
}

// password reads it; both fields have to agree.
func password(v form.Values) (auth.NewCredential, error) {
	if v.Has("password-verify") && v.Text("password-verify") != v.Text("password") {
		return auth.NewCredential{}, stanza.Refuse(stanza.NotAcceptable, "The passwords differ.")
	}
	return auth.Password(v.Text("password")), nil
}
