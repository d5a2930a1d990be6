package circle

import (
	"context"
	"errors"
	"slices"
	"strings"

	"kith/internal/form"
	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/internal/xmltree"
	"kith/server/module"
)

// Nodes of the commands with which administrators look after circles (XEP-0050).
const (
	nodeList   = ns.KithCircle + "#list"
	nodeAdd    = ns.KithCircle + "#add"
	nodeJoin   = ns.KithCircle + "#join"
	nodeLeave  = ns.KithCircle + "#leave"
	nodeRename = ns.KithCircle + "#rename"
	nodeRemove = ns.KithCircle + "#remove"
)

// describe tells an account its circles: their names, rooms and members.
func (s *Service) describe(q *module.IQ) error {
	own := q.Account.JID().Local()
	q.Result(func(w *xmltree.Writer) {
		w.Open(ns.KithCircle, "circles")
		for _, c := range s.List() {
			in := c.in()
			if !slices.Contains(in, own) {
				continue
			}
			w.Open("", "circle", "id", c.ID, "name", c.Name, "room", s.roomAddress(c.Room))
			for _, m := range in {
				w.Empty("", "member", "jid", s.address(m).String())
			}
			w.Close()
		}
		w.Close()
	})
	return nil
}

func (s *Service) roomAddress(room string) string { return room + "@" + s.rooms.Domain() }

func (s *Service) registerCommands(r *module.Registry) {
	admin := func(who jid.JID) bool { return s.admin != nil && s.admin(who.Bare()) }
	add := func(node, name string, asked func() *form.Form, run func(form.Values) (string, error)) {
		r.Command(module.Command{Node: node, Name: name, Allowed: admin, Run: func(_ *module.IQ, x xmltree.Element) (module.Step, error) {
			f := asked()
			if x.IsZero() {
				return module.Step{Form: f.Write, Next: true}, nil
			}
			submitted, err := form.Parse(x)
			if err != nil {
				return module.Step{}, formError(err)
			}
			v, err := f.Check(submitted)
			if err != nil {
				return module.Step{}, formError(err)
			}
			note, err := run(v)
			return module.Step{Note: note}, fault(err)
		}})
	}
	r.Command(module.Command{Node: nodeList, Name: "List the circles", Allowed: admin, Run: func(*module.IQ, xmltree.Element) (module.Step, error) {
		return module.Step{Form: s.table().Write}, nil
	}})
	add(nodeAdd, "Add a circle", func() *form.Form {
		return form.New(form.TypeForm, nodeAdd, form.Field{Var: "name", Kind: form.TextSingle, Label: "Name", Required: true})
	}, func(v form.Values) (string, error) {
		_, err := s.Add(context.Background(), strings.Clone(v.Text("name")))
		return "The circle is there.", err
	})
	add(nodeJoin, "Put people into a circle", func() *form.Form { return s.membersForm(nodeJoin) }, func(v form.Values) (string, error) {
		return "They belong to the circle.", s.eachMember(v, s.Join)
	})
	add(nodeLeave, "Take people out of a circle", func() *form.Form { return s.membersForm(nodeLeave) }, func(v form.Values) (string, error) {
		return "They do not belong to the circle any more.", s.eachMember(v, s.Leave)
	})
	add(nodeRename, "Rename a circle", func() *form.Form {
		return form.New(form.TypeForm, nodeRename, s.circleField(), form.Field{Var: "name", Kind: form.TextSingle, Label: "New name", Required: true})
	}, func(v form.Values) (string, error) {
		return "The circle is renamed.", s.Rename(context.Background(), strings.Clone(v.Text("circle")), strings.Clone(v.Text("name")))
	})
	add(nodeRemove, "Remove a circle", func() *form.Form {
		return form.New(form.TypeForm, nodeRemove, s.circleField())
	}, func(v form.Values) (string, error) {
		return "The circle is removed.", s.Remove(context.Background(), v.Text("circle"))
	})
}

func (s *Service) table() *form.Form {
	f := form.New(form.TypeResult, nodeList)
	f.Reported = []form.Field{
		{Var: "name", Kind: form.TextSingle, Label: "Name"},
		{Var: "room", Kind: form.JIDSingle, Label: "Room"},
		{Var: "members", Kind: form.JIDMulti, Label: "Members"},
	}
	for _, c := range s.List() {
		var members []string
		for _, m := range s.addresses(c.in()) {
			members = append(members, m.String())
		}
		f.Items = append(f.Items, []form.Field{
			{Var: "name", Values: []string{c.Name}}, {Var: "room", Values: []string{s.roomAddress(c.Room)}}, {Var: "members", Values: members},
		})
	}
	return f
}

func (s *Service) circleField() form.Field {
	fd := form.Field{Var: "circle", Kind: form.ListSingle, Label: "Circle", Required: true}
	for _, c := range s.List() {
		fd.Options = append(fd.Options, form.Option{Value: c.ID, Label: c.Name})
	}
	return fd
}

func (s *Service) membersForm(node string) *form.Form {
	return form.New(form.TypeForm, node, s.circleField(), form.Field{Var: "members", Kind: form.JIDMulti, Label: "People", Required: true})
}

// eachMember does something for all members that a form names.
func (s *Service) eachMember(v form.Values, do func(ctx context.Context, id, account string) error) error {
	for _, j := range v.JIDs("members") {
		if j.Domain() != s.domain || j.Local() == "" {
			return ErrNoAccount
		}
		if err := do(context.Background(), strings.Clone(v.Text("circle")), strings.Clone(j.Local())); err != nil {
			return err
		}
	}
	return nil
}

// fault puts an error into words for a client.
func fault(err error) error {
	for _, f := range []struct {
		err       error
		condition stanza.Condition
		text      string
	}{
		{ErrNotFound, stanza.ItemNotFound, "There is no such circle."},
		{ErrExists, stanza.Conflict, "There is a circle of this name."},
		{ErrName, stanza.NotAcceptable, "This cannot be the name of a circle."},
		{ErrNoAccount, stanza.ItemNotFound, "Only people who have an account here can be in a circle."},
		{ErrNotMember, stanza.ItemNotFound, "Not all of them are in the circle."},
		{ErrFull, stanza.ResourceConstraint, "There are too many circles, or too many people in the circle."},
	} {
		if errors.Is(err, f.err) {
			return stanza.Refuse(f.condition, f.text)
		}
	}
	return err
}

func formError(err error) error {
	f := &stanza.Fault{Condition: stanza.BadRequest, Cause: err}
	var field *form.FieldError
	if errors.As(err, &field) {
		f.Text = "The field " + field.Var + " " + field.Reason + "."
	}
	return f
}
