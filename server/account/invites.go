package account

import (
	"context"
	"errors"
	"time"

	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/internal/xmltree"
	"kith/server/auth"
	"kith/server/module"
)

// registerInvites adds the commands of XEP-0401.
func (f *Feature) registerInvites(r *module.Registry) {
	r.Command(module.Command{
		Node: ns.InviteInvite, Name: "Invite somebody", Allowed: f.mayInvite,
		Run: func(q *module.IQ, _ xmltree.Element) (module.Step, error) {
			return f.invite(q, auth.NewInvite{Kind: auth.InviteContact})
		},
	})
	r.Command(module.Command{
		Node: ns.InviteCreate, Name: "Create an account for somebody", Allowed: f.mayInvite,
		Run: func(q *module.IQ, form xmltree.Element) (module.Step, error) {
			if form.IsZero() {
				return module.Step{Form: writeAccountForm, Next: true}, nil
			}
			introduce := value(form, "roster-subscription")
			return f.invite(q, auth.NewInvite{
				Kind: auth.InviteAccount, Local: value(form, "username"), Introduce: introduce == "1" || introduce == "true",
			})
		},
	})
}

func (f *Feature) mayInvite(who jid.JID) bool {
	if who.Domain() != f.Auth.Domain() || who.Local() == "" {
		return false
	}
	a, err := f.Auth.Account(context.Background(), who.Local())
	return err == nil && f.Auth.MayInvite(a)
}

func writeAccountForm(w *xmltree.Writer) {
	w.Open(ns.DataForms, "x", "type", "form")
	w.Element("", "title", "Create an account for somebody")
	w.Empty("", "field", "var", "username", "type", "text-single", "label", "Name, if it is already decided")
	w.Open("", "field", "var", "roster-subscription", "type", "boolean", "label", "Make us contacts").Element("", "value", "1").Close()
	w.Close()
}

// value is the only value of a field, "" if it has none.
func value(form xmltree.Element, name string) string {
	for e := range form.Children() {
		if e.Is(ns.DataForms, "field") && e.Attr("var") == name {
			return e.ChildText(ns.DataForms, "value")
		}
	}
	return ""
}

func (f *Feature) invite(q *module.IQ, n auth.NewInvite) (module.Step, error) {
	n.Creator = q.From().Local()
	inv, err := f.Auth.CreateInvite(context.Background(), n)
	var input *auth.InputError
	switch {
	case errors.As(err, &input):
		return module.Step{}, &stanza.Fault{Condition: stanza.NotAcceptable, Text: input.Text, Cause: err}
	case errors.Is(err, auth.ErrForbidden):
		return module.Step{}, stanza.Refuse(stanza.Forbidden, "")
	case errors.Is(err, auth.ErrExists):
		return module.Step{}, stanza.Refuse(stanza.Conflict, "This name is taken.")
	case errors.Is(err, auth.ErrInviteOptions):
		return module.Step{}, &stanza.Fault{Condition: stanza.PolicyViolation, Text: "No more invitations are possible now.", Cause: err}
	case err != nil:
		return module.Step{}, err
	}
	links := f.Auth.Links(f.BaseURL(), inv)
	return module.Step{Form: func(w *xmltree.Writer) {
		w.Open(ns.DataForms, "x", "type", "result")
		for _, field := range [][3]string{
			{"FORM_TYPE", "hidden", "urn:xmpp:invite#invitation"},
			{"uri", "text-single", links.XMPP},
			{"landing-url", "text-single", links.Web},
			{"expire", "text-single", inv.Expires.UTC().Format(time.RFC3339)},
		} {
			w.Open("", "field", "var", field[0], "type", field[1]).Element("", "value", field[2]).Close()
		}
		w.Close()
	}}, nil
}
