package pubsub

import (
	"context"
	"strings"

	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/internal/xmltree"
	"kith/server/module"
)

// defaultConfig gives the configuration of a new node (XEP-0060 section 8.3).
func (s *Service) defaultConfig(q *module.IQ, space string) error {
	if !q.Own() {
		return stanza.Refuse(stanza.Forbidden, "")
	}
	c := DefaultNode()
	q.Result(func(w *xmltree.Writer) {
		w.Open(space, "pubsub").Open("", "default")
		c.writeForm(w)
		w.Close().Close()
	})
	return nil
}

// configuration gives the configuration of a node (XEP-0060 section 8.2.1).
func (s *Service) configuration(q *module.IQ, request xmltree.Element) error {
	n, err := s.node(q, request.Attr("node"))
	if err != nil {
		return err
	}
	q.Result(func(w *xmltree.Writer) {
		w.Open(ns.PubSubOwner, "pubsub").Open("", "configure", "node", n.Name)
		n.Config.writeForm(w)
		w.Close().Close()
	})
	return nil
}

// configure changes the configuration of a node (XEP-0060 section 8.2.4).
func (s *Service) configure(q *module.IQ, request xmltree.Element) error {
	n, err := s.node(q, request.Attr("node"))
	if err != nil {
		return err
	}
	x := request.Child(ns.DataForms, "x")
	if x.Attr("type") == "cancel" {
		q.Result(nil)
		return nil
	}
	values, ok := formFields(x, configForm)
	if !ok {
		return stanza.Refuse(stanza.BadRequest, "")
	}
	c := n.clone()
	if err := c.Config.apply(values, s.config.MaxItems, false); err != nil {
		return err
	}
	a := q.Account
	// Narrower access ends the subscriptions of those who lose it (XEP-0060 section 12.10).
	for who := range c.Subscribers {
		if s.mayRead(a, c, who.Bare()) != nil {
			delete(c.Subscribers, who)
		}
	}
	if err := s.replace(a, c); err != nil {
		return err
	}
	ctx, local := context.Background(), a.JID().Local()
	switch {
	case !c.Config.Persist:
		err = s.store.Purge(ctx, local, c.Name)
	case c.Config.MaxItems < n.Config.MaxItems:
		err = s.store.Trim(ctx, local, c.Name, c.Config.MaxItems)
	}
	if err != nil {
		return err
	}
	q.Result(nil)
	if c.Config.NotifyConfig {
		s.notify(a, c, func(w *xmltree.Writer) {
			w.Open("", "configuration", "node", c.Name)
			if c.Config.DeliverPayloads {
				c.Config.writeForm(w)
			}
			w.Close()
		})
	}
	s.changed(a, c.Name)
	return nil
}

// delete removes a node (XEP-0060 section 8.4).
func (s *Service) delete(q *module.IQ, request xmltree.Element) error {
	n, err := s.node(q, request.Attr("node"))
	if err != nil {
		return err
	}
	if err := s.store.DeleteNode(context.Background(), q.Account.JID().Local(), n.Name); err != nil {
		return err
	}
	delete(s.accounts.Of(q.Account.Slots()).nodes, n.Name)
	q.Result(nil)
	if n.Config.NotifyDelete {
		s.notify(q.Account, n, func(w *xmltree.Writer) { w.Empty("", "delete", "node", n.Name) })
	}
	s.changed(q.Account, n.Name)
	return nil
}

// purge removes all items (XEP-0060 section 8.5).
func (s *Service) purge(q *module.IQ, request xmltree.Element) error {
	n, err := s.node(q, request.Attr("node"))
	if err != nil {
		return err
	}
	if !n.Config.Persist {
		return unsupported("persistent-items")
	}
	if err := s.store.Purge(context.Background(), q.Account.JID().Local(), n.Name); err != nil {
		return err
	}
	q.Result(nil)
	if n.Config.NotifyRetract {
		s.notify(q.Account, n, func(w *xmltree.Writer) { w.Empty("", "purge", "node", n.Name) })
	}
	s.changed(q.Account, n.Name)
	return nil
}

// affiliations lists who stands how to a node (XEP-0060 section 8.9.1).
func (s *Service) affiliations(q *module.IQ, request xmltree.Element) error {
	n, err := s.node(q, request.Attr("node"))
	if err != nil {
		return err
	}
	q.Result(func(w *xmltree.Writer) {
		w.Open(ns.PubSubOwner, "pubsub").Open("", "affiliations", "node", n.Name)
		w.Empty("", "affiliation", "jid", q.Account.JID().String(), "affiliation", string(Owner))
		for who, aff := range n.Affiliations {
			w.Empty("", "affiliation", "jid", who.String(), "affiliation", string(aff))
		}
		w.Close().Close()
	})
	return nil
}

const maxAffiliations = 1000

// affiliate changes affiliations (XEP-0060 section 8.9.2): the whitelist, for example.
func (s *Service) affiliate(q *module.IQ, request xmltree.Element) error {
	n, err := s.node(q, request.Attr("node"))
	if err != nil {
		return err
	}
	c := n.clone()
	for e := range request.Children() {
		who, err := jid.Parse(e.Attr("jid"))
		if err != nil || !e.Is(ns.PubSubOwner, "affiliation") {
			return stanza.Refuse(stanza.BadRequest, "")
		}
		who = who.Bare()
		if who == q.Account.JID() {
			return stanza.Refuse(stanza.NotAcceptable, "The account owns its nodes.")
		}
		switch aff := Affiliation(e.Attr("affiliation")); aff {
		case NoAffiliation:
			delete(c.Affiliations, who)
		case Publisher, Member, Outcast:
			c.Affiliations[who.Clone()] = Affiliation(strings.Clone(string(aff)))
		default:
			return stanza.Refuse(stanza.NotAcceptable, "")
		}
	}
	if len(c.Affiliations) > maxAffiliations {
		return stanza.Refuse(stanza.PolicyViolation, "")
	}
	for who := range c.Subscribers {
		if s.mayRead(q.Account, c, who.Bare()) != nil {
			delete(c.Subscribers, who)
		}
	}
	if err := s.replace(q.Account, c); err != nil {
		return err
	}
	q.Result(nil)
	return nil
}
