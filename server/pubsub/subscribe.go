package pubsub

import (
	"context"

	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/internal/xmltree"
	"kith/server/module"
)

const maxSubscribers = 1000

// subscriber reads the jid attribute: only for oneself may one subscribe.
func subscriber(q *module.IQ, request xmltree.Element) (jid.JID, error) {
	j, err := jid.Parse(request.Attr("jid"))
	if err != nil || j.Bare() != q.From().Bare() {
		return jid.JID{}, fault(stanza.BadRequest, "invalid-jid")
	}
	return j, nil
}

// subscribe adds an explicit subscriber (XEP-0060 section 6.1).
func (s *Service) subscribe(q *module.IQ, request xmltree.Element) error {
	n, err := s.node(q, request.Attr("node"))
	if err != nil {
		return err
	}
	who, err := subscriber(q, request)
	if err != nil {
		return err
	}
	if err := s.mayRead(q.Account, n, who.Bare()); err != nil {
		return err
	}
	if _, already := n.Subscribers[who]; !already {
		if len(n.Subscribers) >= maxSubscribers {
			return fault(stanza.PolicyViolation, "too-many-subscriptions")
		}
		if err := s.store.Subscribe(context.Background(), q.Account.JID().Local(), n.Name, who, true); err != nil {
			return err
		}
		n.Subscribers[who.Clone()] = struct{}{}
	}
	reply(q, func(w *xmltree.Writer) {
		w.Empty("", "subscription", "node", n.Name, "jid", who.String(), "subscription", "subscribed")
	})
	if n.Config.SendLast != "never" {
		s.sendLast(q.Account, n, who)
	}
	return nil
}

// unsubscribe removes an explicit subscriber (XEP-0060 section 6.2).
func (s *Service) unsubscribe(q *module.IQ, request xmltree.Element) error {
	n, err := s.node(q, request.Attr("node"))
	if err != nil {
		return err
	}
	who, err := subscriber(q, request)
	if err != nil {
		return err
	}
	if _, ok := n.Subscribers[who]; !ok {
		return fault(stanza.UnexpectedRequest, "not-subscribed")
	}
	if err := s.store.Subscribe(context.Background(), q.Account.JID().Local(), n.Name, who, false); err != nil {
		return err
	}
	delete(n.Subscribers, who)
	q.Result(nil)
	return nil
}

// replace stores a changed node and puts it in the place of the old one.
func (s *Service) replace(a module.Account, n *Node) error {
	if err := s.store.SaveNode(context.Background(), a.JID().Local(), n); err != nil {
		return err
	}
	s.accounts.Of(a.Slots()).nodes[n.Name] = n
	return nil
}

// subscriptions lists the asker's subscriptions (XEP-0060 section 5.6).
func (s *Service) subscriptions(q *module.IQ, request xmltree.Element) error {
	nodes, err := s.nodes(q.Account)
	if err != nil {
		return err
	}
	only := request.Attr("node")
	reply(q, func(w *xmltree.Writer) {
		w.Open("", "subscriptions", "node", only)
		for _, n := range sorted(nodes) {
			if only != "" && n.Name != only {
				continue
			}
			for who := range n.Subscribers {
				if who.Bare() == q.From().Bare() {
					w.Empty("", "subscription", "node", n.Name, "jid", who.String(), "subscription", "subscribed")
				}
			}
		}
		w.Close()
	})
	return nil
}

// ownAffiliations lists the asker's affiliations (XEP-0060 section 5.7).
func (s *Service) ownAffiliations(q *module.IQ, request xmltree.Element) error {
	nodes, err := s.nodes(q.Account)
	if err != nil {
		return err
	}
	only := request.Attr("node")
	reply(q, func(w *xmltree.Writer) {
		w.Open("", "affiliations", "node", only)
		for _, n := range sorted(nodes) {
			if only != "" && n.Name != only {
				continue
			}
			aff := n.Affiliations[q.From().Bare()]
			if q.Own() {
				aff = Owner
			}
			if aff != "" && aff != NoAffiliation {
				w.Empty("", "affiliation", "node", n.Name, "affiliation", string(aff))
			}
		}
		w.Close()
	})
	return nil
}

// subscribers lists all subscribers of a node for its owner (XEP-0060 section 8.8.1).
func (s *Service) subscribers(q *module.IQ, request xmltree.Element) error {
	n, err := s.node(q, request.Attr("node"))
	if err != nil {
		return err
	}
	q.Result(func(w *xmltree.Writer) {
		w.Open(ns.PubSubOwner, "pubsub").Open("", "subscriptions", "node", n.Name)
		for who := range n.Subscribers {
			w.Empty("", "subscription", "jid", who.String(), "subscription", "subscribed")
		}
		w.Close().Close()
	})
	return nil
}

// unsubscribeOthers lets the owner end subscriptions (XEP-0060 section 8.8.2).
func (s *Service) unsubscribeOthers(q *module.IQ, request xmltree.Element) error {
	n, err := s.node(q, request.Attr("node"))
	if err != nil {
		return err
	}
	c := n.clone()
	for e := range request.Children() {
		who, err := jid.Parse(e.Attr("jid"))
		if err != nil || !e.Is(ns.PubSubOwner, "subscription") {
			return stanza.Refuse(stanza.BadRequest, "")
		}
		_, there := c.Subscribers[who]
		switch state := e.Attr("subscription"); {
		case state == "none":
			delete(c.Subscribers, who)
		case state == "subscribed" && there:
		default:
			// Nobody is subscribed who has not asked for it.
			return stanza.Refuse(stanza.NotAcceptable, "")
		}
	}
	if err := s.replace(q.Account, c); err != nil {
		return err
	}
	q.Result(nil)
	return nil
}
