package pubsub

import (
	"context"
	"crypto/rand"
	"maps"
	"strings"

	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/internal/xmltree"
	"kith/server/module"
)

const maxName = 1023 // bytes of a node name or item id, as for the parts of a JID

// publish stores an item and notifies of it (XEP-0060 section 7.1).
func (s *Service) publish(q *module.IQ, request xmltree.Element) error {
	a, name := q.Account, request.Attr("node")
	if name == "" || len(name) > maxName {
		return fault(stanza.BadRequest, "nodeid-required")
	}
	nodes, err := s.nodes(a)
	if err != nil {
		return err
	}
	options, hasOptions := map[string][]string{}, false
	if o := q.Payload.Child(ns.PubSub, "publish-options"); !o.IsZero() {
		if options, hasOptions = formFields(o.Child(ns.DataForms, "x"), optionsForm); !hasOptions {
			return stanza.Refuse(stanza.BadRequest, "publish-options without its form")
		}
	}
	n := nodes[name]
	create := n == nil
	if create {
		if !q.Own() {
			return stanza.Refuse(stanza.ItemNotFound, "")
		}
		if n, err = s.fresh(nodes, name, options); err != nil {
			return err
		}
	} else {
		if !s.mayPublish(a, n, q.From().Bare()) {
			return stanza.Refuse(stanza.Forbidden, "")
		}
		if err := n.Config.meets(options, s.config.MaxItems); err != nil {
			return err
		}
	}
	item, err := readItem(request)
	if err != nil {
		return err
	}
	item.Publisher, item.At = q.From().Bare(), s.clock.Now()
	if err := s.put(a, n, create, item); err != nil {
		return err
	}
	reply(q, func(w *xmltree.Writer) {
		w.Open("", "publish", "node", name).Empty("", "item", "id", item.ID).Close()
	})
	s.notifyItem(a, n, item)
	s.changed(a, name)
	return nil
}

func newNode(name string) *Node {
	return &Node{Name: strings.Clone(name), Config: DefaultNode(), Affiliations: map[jid.JID]Affiliation{}, Subscribers: map[jid.JID]struct{}{}}
}

// readItem reads the one item of a publish request.
func readItem(request xmltree.Element) (Item, error) {
	if request.CountChildren() != 1 {
		if request.CountChildren() == 0 {
			return Item{}, fault(stanza.BadRequest, "item-required")
		}
		return Item{}, fault(stanza.NotAllowed, "max-items-exceeded")
	}
	e := request.Child(ns.PubSub, "item")
	if e.IsZero() {
		return Item{}, fault(stanza.BadRequest, "item-required")
	}
	if e.CountChildren() > 1 || e.HasText() {
		return Item{}, fault(stanza.BadRequest, "invalid-payload")
	}
	item := Item{ID: e.Attr("id")}
	if len(item.ID) > maxName {
		return Item{}, stanza.Refuse(stanza.BadRequest, "item id too long")
	}
	if item.ID == "" {
		item.ID = rand.Text()
	}
	if payload := e.First(); !payload.IsZero() {
		item.Payload = xmltree.NewWriter(len(payload.Source())+64).Copy(payload, "").String()
	}
	return item, nil
}

// retract removes items (XEP-0060 section 7.2).
func (s *Service) retract(q *module.IQ, request xmltree.Element) error {
	n, err := s.node(q, request.Attr("node"))
	if err != nil {
		return err
	}
	if !s.mayPublish(q.Account, n, q.From().Bare()) || (!q.Own() && n.Affiliations[q.From().Bare()] != Owner) {
		return stanza.Refuse(stanza.Forbidden, "")
	}
	if !n.Config.Persist {
		return unsupported("persistent-items")
	}
	var ids []string
	for e := range request.Children() {
		id := e.Attr("id")
		if !e.Is(ns.PubSub, "item") || id == "" {
			return fault(stanza.BadRequest, "item-required")
		}
		ids = append(ids, id)
	}
	if len(ids) == 0 {
		return fault(stanza.BadRequest, "item-required")
	}
	gone, err := s.store.Retract(context.Background(), q.Account.JID().Local(), n.Name, ids)
	if err != nil {
		return err
	}
	if len(gone) == 0 {
		return stanza.Refuse(stanza.ItemNotFound, "")
	}
	q.Result(nil)
	notify := request.Attr("notify")
	if n.Config.NotifyRetract || notify == "1" || notify == "true" {
		s.notifyRetract(q.Account, n, gone)
	}
	s.changed(q.Account, n.Name)
	return nil
}

func (s *Service) notifyRetract(a module.Account, n *Node, gone []string) {
	s.notify(a, n, func(w *xmltree.Writer) {
		w.Open("", "items", "node", n.Name)
		for _, id := range gone {
			w.Empty("", "retract", "id", id)
		}
		w.Close()
	})
}

// create makes a node (XEP-0060 section 8.1).
func (s *Service) create(q *module.IQ, request xmltree.Element) error {
	if !q.Own() {
		return stanza.Refuse(stanza.Forbidden, "")
	}
	name := request.Attr("node")
	instant := name == ""
	if instant {
		name = rand.Text()
	}
	if len(name) > maxName {
		return stanza.Refuse(stanza.NotAcceptable, "node name too long")
	}
	nodes, err := s.nodes(q.Account)
	if err != nil {
		return err
	}
	if nodes[name] != nil {
		return stanza.Refuse(stanza.Conflict, "")
	}
	if len(nodes) >= s.config.MaxNodes {
		return fault(stanza.NotAllowed, "max-nodes-exceeded")
	}
	n := newNode(name)
	if c := q.Payload.Child(ns.PubSub, "configure"); c.CountChildren() > 0 {
		values, ok := formFields(c.Child(ns.DataForms, "x"), configForm)
		if !ok {
			return stanza.Refuse(stanza.BadRequest, "")
		}
		if err := n.Config.apply(values, s.config.MaxItems, false); err != nil {
			return err
		}
	}
	if err := s.store.SaveNode(context.Background(), q.Account.JID().Local(), n); err != nil {
		return err
	}
	nodes[n.Name] = n
	if instant {
		reply(q, func(w *xmltree.Writer) { w.Empty("", "create", "node", name) })
		return nil
	}
	q.Result(nil)
	return nil
}

// clone is the node for a change that may fail on its way to the store.
func (n *Node) clone() *Node {
	c := *n
	c.Affiliations, c.Subscribers = maps.Clone(n.Affiliations), maps.Clone(n.Subscribers)
	return &c
}
