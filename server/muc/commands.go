package muc

import (
	"crypto/rand"
	"maps"
	"slices"

	"kith/internal/form"
	"kith/internal/jid"
	"kith/internal/mailbox"
	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/internal/xmltree"
	"kith/server/module"
)

// command runs an ad-hoc command of the room (XEP-0050). Commands have one form, and keep nothing
// between their steps.
func (r *Room) command(q *module.IQ) error {
	p := q.Payload
	node, session := p.Attr("node"), p.Attr("sessionid")
	cmd, ok := hatCommands()[node]
	switch {
	case !ok:
		return stanza.Refuse(stanza.ItemNotFound, "There is no such command.")
	case !cmd.allowed(r, q.From().Bare()):
		return stanza.Refuse(stanza.Forbidden, "You may not run this command.")
	}
	if session == "" {
		session = rand.Text()
	}
	x := p.Child(ns.DataForms, "x")
	switch p.Attr("action") {
	case "cancel":
		answerCommand(q, node, session, "canceled", nil)
		return nil
	case "", "execute", "complete", "next":
	case "prev":
		x = xmltree.Element{}
	default:
		return &stanza.Fault{Condition: stanza.BadRequest, App: "malformed-action", AppNS: ns.Commands}
	}
	if cmd.form == nil {
		result, err := cmd.run(r, nil)
		if err != nil {
			return err
		}
		answerCommand(q, node, session, "completed", result)
		return nil
	}
	asked := cmd.form(r)
	if x.IsZero() {
		answerCommand(q, node, session, "executing", asked)
		return nil
	}
	f, err := form.Parse(x)
	if err != nil {
		return formError(err, stanza.BadRequest)
	}
	if f.Type == form.TypeCancel {
		answerCommand(q, node, session, "canceled", nil)
		return nil
	}
	v, err := asked.Check(f)
	if err != nil {
		return formError(err, stanza.BadRequest)
	}
	result, err := cmd.run(r, v)
	if err != nil {
		return err
	}
	answerCommand(q, node, session, "completed", result)
	return nil
}

func answerCommand(q *module.IQ, node, session, status string, f *form.Form) {
	q.Result(func(w *xmltree.Writer) {
		w.Open(ns.Commands, "command", "node", node, "sessionid", session, "status", status)
		if status == "executing" {
			w.Open("", "actions", "execute", "complete").Empty("", "complete").Close()
		}
		if f != nil {
			f.Write(w)
		}
		w.Close()
	})
}

// commandInfo describes a command (XEP-0050 section 2.3), or the list of them.
func (r *Room) commandInfo(q *module.IQ, node string) error {
	cmd, ok := hatCommands()[node]
	if node != ns.Commands && (!ok || !cmd.allowed(r, q.From().Bare())) {
		return stanza.Refuse(stanza.ItemNotFound, "")
	}
	q.Result(func(w *xmltree.Writer) {
		w.Open(ns.DiscoInfo, "query", "node", node)
		if node == ns.Commands {
			w.Empty("", "identity", "category", "automation", "type", "command-list")
		} else {
			w.Empty("", "identity", "category", "automation", "type", "command-node", "name", cmd.name)
			w.Empty("", "feature", "var", ns.Commands)
			w.Empty("", "feature", "var", ns.DataForms)
		}
		w.Close()
	})
	return nil
}

// commandItems lists the commands that somebody may run (XEP-0050 section 2.2).
func (r *Room) commandItems(q *module.IQ, node string) error {
	commands := hatCommands()
	if node != ns.Commands && commands[node].run == nil {
		return stanza.Refuse(stanza.ItemNotFound, "")
	}
	q.Result(func(w *xmltree.Writer) {
		w.Open(ns.DiscoItems, "query", "node", node)
		if node == ns.Commands {
			for _, n := range slices.Sorted(maps.Keys(commands)) {
				if cmd := commands[n]; cmd.allowed(r, q.From().Bare()) {
					w.Empty("", "item", "jid", r.jid.String(), "node", n, "name", cmd.name)
				}
			}
		}
		w.Close()
	})
	return nil
}

// Nodes of the commands with which administrators of the server look after its rooms.
const (
	nodeRooms   = "kith:groups:0#list"
	nodeDestroy = "kith:groups:0#destroy"
	nodeOwner   = "kith:groups:0#owner"
)

// maxRoomList is how many rooms the list for administrators shows at once.
const maxRoomList = 500

// registerCommands adds the commands of administrators to those of the server (XEP-0133).
func (s *Service) registerCommands(r *module.Registry) {
	admin := func(who jid.JID) bool { return s.policy.Admin(who.Bare()) }
	r.Command(module.Command{Node: nodeRooms, Name: "List the rooms", Allowed: admin, Run: s.runList})
	r.Command(module.Command{Node: nodeDestroy, Name: "Destroy a room", Allowed: admin, Run: s.runDestroy})
	r.Command(module.Command{Node: nodeOwner, Name: "Make somebody the owner of a room", Allowed: admin, Run: s.runOwner})
}

// runList shows all rooms, the hidden ones, too.
func (s *Service) runList(_ *module.IQ, x xmltree.Element) (module.Step, error) {
	after := ""
	if !x.IsZero() {
		f, err := form.Parse(x)
		if err != nil {
			return module.Step{}, formError(err, stanza.BadRequest)
		}
		after, _ = s.localOf(f.Value("after"))
	}
	rooms, err := s.store.Rooms(bg, false, after, maxRoomList)
	if err != nil {
		return module.Step{}, err
	}
	f := form.New(form.TypeResult, nodeRooms)
	f.Reported = []form.Field{{Var: "room", Kind: form.JIDSingle, Label: "Address"}, {Var: "name", Kind: form.TextSingle, Label: "Name"}}
	for _, r := range rooms {
		f.Items = append(f.Items, row("room", s.addressOf(r.Local), "name", r.Name))
	}
	return module.Step{Form: f.Write}, nil
}

// target reads the form that names a room.
func (s *Service) target(asked *form.Form, x xmltree.Element) (local string, v form.Values, err error) {
	f, err := form.Parse(x)
	if err != nil {
		return "", nil, formError(err, stanza.BadRequest)
	}
	if v, err = asked.Check(f); err != nil {
		return "", nil, formError(err, stanza.BadRequest)
	}
	local, ok := s.localOf(v.Text("room"))
	if !ok {
		return "", nil, stanza.Refuse(stanza.NotAcceptable, "This is not the address of a room here.")
	}
	return local, v, nil
}

func roomField() form.Field {
	return form.Field{Var: "room", Kind: form.JIDSingle, Label: "Room", Required: true}
}

// start gives work to a room that an administrator wants done; commands do not wait for rooms.
func (s *Service) start(local string, f func(*Room) error) error {
	return s.post(local, work{do: func(r *Room, err error) {
		if err == nil && r.exists {
			err = f(r)
		}
		if err != nil {
			s.logError("a command of an administrator failed in a room", err)
		}
	}}, (*mailbox.Mailbox[work]).Force)
}

func (s *Service) runDestroy(_ *module.IQ, x xmltree.Element) (module.Step, error) {
	asked := form.New(form.TypeForm, nodeDestroy, roomField(), form.Field{Var: "reason", Kind: form.TextSingle, Label: "Reason"})
	if x.IsZero() {
		return module.Step{Form: asked.Write, Next: true}, nil
	}
	local, v, err := s.target(asked, x)
	if err != nil {
		return module.Step{}, err
	}
	reason := clip(v.Text("reason"))
	if err := s.start(local, func(r *Room) error { return r.destroy(destruction{reason: reason}) }); err != nil {
		return module.Step{}, err
	}
	return module.Step{Note: "The room is being destroyed."}, nil
}

func (s *Service) runOwner(q *module.IQ, x xmltree.Element) (module.Step, error) {
	asked := form.New(form.TypeForm, nodeOwner, roomField(), form.Field{Var: "owner", Kind: form.JIDSingle, Label: "Owner", Required: true})
	if x.IsZero() {
		return module.Step{Form: asked.Write, Next: true}, nil
	}
	local, v, err := s.target(asked, x)
	if err != nil {
		return module.Step{}, err
	}
	user := v.JID("owner").Clone().Bare()
	if user.Local() == "" {
		return module.Step{}, stanza.Refuse(stanza.NotAcceptable, "Only a person can own a room.")
	}
	by := q.From().Clone().Bare()
	if err := s.start(local, func(r *Room) error {
		e := r.members.entry(user)
		e.Affiliation, e.Reason = Owner, ""
		if err := r.saveEntries([]Entry{e}); err != nil {
			return err
		}
		r.affiliate(e, change{}, by)
		return nil
	}); err != nil {
		return module.Step{}, err
	}
	return module.Step{Note: "The room gets this owner."}, nil
}
