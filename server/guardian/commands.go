package guardian

import (
	"context"
	"errors"
	"strings"

	"kith/internal/form"
	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/internal/xmltree"
	"kith/server/module"
)

// Nodes of the commands of guardians, for apps that do not know kith:guardian:0 (XEP-0050).
const (
	nodeRequests  = ns.KithGuardian + "#requests"
	nodeApprove   = ns.KithGuardian + "#approve"
	nodeRevoke    = ns.KithGuardian + "#revoke"
	nodeGuardians = ns.KithGuardian + "#guardians"
)

// command is one with a form, which depends on who asks.
type command struct {
	node, name string
	allowed    func(local string) bool
	// asked is the form; nil with a sentence if there is nothing to ask.
	asked func(local string) (*form.Form, string)
	run   func(ctx context.Context, local string, v form.Values) (string, error)
}

func (s *Service) registerCommands(r *module.Registry) {
	guards := func(local string) bool { return len(s.Wards(local, false)) > 0 }
	for _, c := range []command{
		{nodeRequests, "Requests of children", guards, s.askDecision, s.runDecision},
		{nodeApprove, "Allow a child a contact or a group", guards, s.askApproval, s.runApproval},
		{nodeRevoke, "Take a contact or a group away from a child", guards, s.askRevocation, s.runRevocation},
		{nodeGuardians, "Name the guardians of a child", s.admin, s.askGuardians, s.runGuardians},
	} {
		local := func(who jid.JID) string {
			if who.Domain() != s.domain.Domain() {
				return ""
			}
			return who.Local()
		}
		r.Command(module.Command{
			Node: c.node, Name: c.name,
			Allowed: func(who jid.JID) bool { l := local(who); return l != "" && c.allowed(l) },
			Run: func(q *module.IQ, x xmltree.Element) (module.Step, error) {
				f, nothing := c.asked(local(q.From()))
				if f == nil {
					return module.Step{Note: nothing}, nil
				}
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
				note, err := c.run(context.Background(), local(q.From()), v)
				if err != nil {
					return module.Step{}, fault(err)
				}
				return module.Step{Note: note}, nil
			},
		})
	}
}

func formError(err error) error {
	f := &stanza.Fault{Condition: stanza.BadRequest, Cause: err}
	var field *form.FieldError
	if errors.As(err, &field) {
		f.Text = "The field " + field.Var + " " + field.Reason + "."
	}
	return f
}

// pair is how a form names a child and a peer: neither address can have a space.
func pair(child, peer jid.JID) string { return child.Local() + " " + peer.String() }

func readPair(text string) (child string, peer jid.JID, err error) {
	child, address, _ := strings.Cut(strings.Clone(text), " ")
	peer, err = jid.Parse(address)
	if err != nil {
		return "", jid.JID{}, &stanza.Fault{Condition: stanza.JIDMalformed, Cause: err}
	}
	return child, peer, nil
}

func (s *Service) askDecision(local string) (*form.Form, string) {
	request := form.Field{Var: "request", Kind: form.ListSingle, Label: "Request", Required: true}
	seen := map[string]bool{}
	for _, w := range s.Wards(local, false) {
		for _, r := range w.Requests {
			v := pair(w.JID, r.Peer)
			if seen[v] {
				continue // both have asked; it is one decision
			}
			seen[v] = true
			label := w.JID.Local() + " is asked by " + r.Peer.String()
			switch {
			case r.Room && r.Outgoing:
				label = w.JID.Local() + " would like to enter the group " + r.Peer.String()
			case r.Room:
				label = w.JID.Local() + " is invited to the group " + r.Peer.String()
			case r.Outgoing:
				label = w.JID.Local() + " would like to talk to " + r.Peer.String()
			}
			request.Options = append(request.Options, form.Option{Value: v, Label: label})
		}
	}
	if len(request.Options) == 0 {
		return nil, "Nothing waits for you."
	}
	return form.New(form.TypeForm, nodeRequests, request, form.Field{
		Var: "answer", Kind: form.ListSingle, Label: "Answer", Required: true,
		Options: []form.Option{{Value: "approve", Label: "Agree"}, {Value: "deny", Label: "Refuse"}},
	}), ""
}

func (s *Service) runDecision(ctx context.Context, local string, v form.Values) (string, error) {
	child, peer, err := readPair(v.Text("request"))
	if err != nil {
		return "", err
	}
	if v.Text("answer") == "approve" {
		return "It goes on its way.", s.Approve(ctx, local, child, peer, false)
	}
	return "It is refused.", s.Deny(ctx, local, child, peer)
}

// childField lets somebody choose one of the children.
func (s *Service) childField(local string, all bool) form.Field {
	fd := form.Field{Var: "child", Kind: form.ListSingle, Label: "Child", Required: true}
	for _, w := range s.Wards(local, all) {
		fd.Options = append(fd.Options, form.Option{Value: w.JID.Local(), Label: w.JID.String()})
	}
	return fd
}

func (s *Service) askApproval(local string) (*form.Form, string) {
	return form.New(form.TypeForm, nodeApprove, s.childField(local, false),
		form.Field{Var: "jid", Kind: form.JIDSingle, Label: "Address", Required: true},
		form.Field{Var: "room", Kind: form.Boolean, Label: "It is a group", Values: []string{"0"}},
	), ""
}

func (s *Service) runApproval(ctx context.Context, local string, v form.Values) (string, error) {
	return "They can talk to each other now.", s.Approve(ctx, local, strings.Clone(v.Text("child")), v.JID("jid"), v.Bool("room"))
}

func (s *Service) askRevocation(local string) (*form.Form, string) {
	fd := form.Field{Var: "approval", Kind: form.ListSingle, Label: "Contact or group", Required: true}
	for _, w := range s.Wards(local, false) {
		for _, a := range w.Approvals {
			fd.Options = append(fd.Options, form.Option{Value: pair(w.JID, a.Peer), Label: w.JID.Local() + ": " + a.Peer.String()})
		}
	}
	if len(fd.Options) == 0 {
		return nil, "Nothing was approved that could be taken away."
	}
	return form.New(form.TypeForm, nodeRevoke, fd), ""
}

func (s *Service) runRevocation(ctx context.Context, local string, v form.Values) (string, error) {
	child, peer, err := readPair(v.Text("approval"))
	if err != nil {
		return "", err
	}
	return "They cannot talk to each other any more.", s.Revoke(ctx, local, child, peer)
}

func (s *Service) askGuardians(local string) (*form.Form, string) {
	child := s.childField(local, true)
	if len(child.Options) == 0 {
		return nil, "There is no account of a child."
	}
	return form.New(form.TypeForm, nodeGuardians, child,
		form.Field{Var: "guardians", Kind: form.JIDMulti, Label: "Guardians; none for the administrators"},
	), ""
}

func (s *Service) runGuardians(ctx context.Context, local string, v form.Values) (string, error) {
	var guardians []string
	for _, j := range v.JIDs("guardians") {
		g, err := s.local(j.Bare().String())
		if err != nil {
			return "", err
		}
		guardians = append(guardians, g)
	}
	return "They decide from now on.", s.SetGuardians(ctx, local, strings.Clone(v.Text("child")), guardians)
}
