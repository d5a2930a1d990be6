package xep

import (
	"crypto/rand"

	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/internal/xmltree"
	"kith/server/module"
)

// Commands lets clients run the server's ad-hoc commands (XEP-0050). Commands keep nothing between
// two steps: what a step needs of the one before stands in its form.
type Commands struct {
	Domain   jid.JID
	registry *module.Registry
}

// Register implements [module.Module].
func (c *Commands) Register(r *module.Registry) {
	c.registry = r
	r.Implements(module.XEP{Number: 50, Name: "Ad-Hoc Commands", Version: "1.3.0"})
	r.Disco(module.OnServer, ns.Commands)
	r.HandleIQ(module.OnServer, stanza.Set, ns.Commands, "command", c.run)
	r.DiscoNode(module.OnServer, c.disco)
}

func (c *Commands) find(q *module.IQ, node string) *module.Command {
	for i := range c.registry.Commands {
		cmd := &c.registry.Commands[i]
		if cmd.Node == node && cmd.Allowed(q.From()) {
			return cmd
		}
	}
	return nil
}

func (c *Commands) run(q *module.IQ) error {
	p := q.Payload
	node, session := p.Attr("node"), p.Attr("sessionid")
	cmd := c.find(q, node)
	if cmd == nil {
		return stanza.Refuse(stanza.ItemNotFound, "")
	}
	if session == "" {
		session = rand.Text()
	}
	form := p.Child(ns.DataForms, "x")
	switch p.Attr("action") {
	case "cancel":
		answer(q, node, session, "canceled", module.Step{})
		return nil
	case "", "execute", "complete", "next":
	case "prev":
		form = xmltree.Element{}
	default:
		return &stanza.Fault{Condition: stanza.BadRequest, App: "malformed-action", AppNS: ns.Commands}
	}
	if form.Attr("type") == "cancel" {
		answer(q, node, session, "canceled", module.Step{})
		return nil
	}
	step, err := cmd.Run(q, form)
	if err != nil {
		return err
	}
	status := "completed"
	if step.Next {
		status = "executing"
	}
	answer(q, node, session, status, step)
	return nil
}

func answer(q *module.IQ, node, session, status string, step module.Step) {
	q.Result(func(w *xmltree.Writer) {
		w.Open(ns.Commands, "command", "node", node, "sessionid", session, "status", status)
		if step.Next {
			w.Open("", "actions", "execute", "complete").Empty("", "complete").Close()
		}
		if step.Note != "" {
			w.Element("", "note", step.Note, "type", "info")
		}
		if step.Form != nil {
			step.Form(w)
		}
		w.Close()
	})
}

// disco lists and describes commands (XEP-0050 section 2.2, 2.3).
func (c *Commands) disco(q *module.IQ, node string, items bool) (bool, error) {
	if node == ns.Commands {
		if !items {
			q.Result(func(w *xmltree.Writer) {
				w.Open(ns.DiscoInfo, "query", "node", node)
				w.Empty("", "identity", "category", "automation", "type", "command-list")
				w.Close()
			})
			return true, nil
		}
		q.Result(func(w *xmltree.Writer) {
			w.Open(ns.DiscoItems, "query", "node", node)
			for _, cmd := range c.registry.Commands {
				if cmd.Allowed(q.From()) {
					w.Empty("", "item", "jid", c.Domain.String(), "node", cmd.Node, "name", cmd.Name)
				}
			}
			w.Close()
		})
		return true, nil
	}
	cmd := c.find(q, node)
	if cmd == nil {
		return false, nil
	}
	if items {
		q.Result(func(w *xmltree.Writer) { w.Empty(ns.DiscoItems, "query", "node", node) })
		return true, nil
	}
	q.Result(func(w *xmltree.Writer) {
		w.Open(ns.DiscoInfo, "query", "node", node)
		w.Empty("", "identity", "category", "automation", "type", "command-node", "name", cmd.Name)
		w.Empty("", "feature", "var", ns.Commands)
		w.Empty("", "feature", "var", ns.DataForms)
		w.Close()
	})
	return true, nil
}
