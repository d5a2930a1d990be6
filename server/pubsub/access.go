package pubsub

import (
	"kith/internal/jid"
	"kith/internal/stanza"
	"kith/server/module"
)

// mayRead decides whether who, a bare JID, may subscribe to the node and read it (XEP-0060
// section 4.5); the error is the one of section 6.5.9.
func (s *Service) mayRead(a module.Account, n *Node, who jid.JID) error {
	if who == a.JID() {
		return nil
	}
	switch n.Affiliations[who] {
	case Outcast:
		return stanza.Refuse(stanza.Forbidden, "")
	case Owner, Publisher, Member:
		return nil
	case NoAffiliation:
	}
	switch n.Config.Access {
	case Open:
		return nil
	case Presence:
		if s.contacts.Subscribed(a, who) {
			return nil
		}
		return fault(stanza.NotAuthorized, "presence-subscription-required")
	case Roster:
		if s.contacts.InGroup(a, who, n.Config.Groups) {
			return nil
		}
		return fault(stanza.NotAuthorized, "not-in-roster-group")
	default:
		return fault(stanza.NotAllowed, "closed-node")
	}
}

// mayPublish decides who may publish. By default that is the owner alone.
func (s *Service) mayPublish(a module.Account, n *Node, who jid.JID) bool {
	if who == a.JID() {
		return true
	}
	switch n.Affiliations[who] {
	case Outcast:
		return false
	case Owner, Publisher:
		return true
	case Member, NoAffiliation:
	}
	switch n.Config.PublishModel {
	case "open":
		return s.mayRead(a, n, who) == nil
	case "subscribers":
		_, full := n.Subscribers[who]
		return full
	}
	return false
}

// disco answers discovery of the account's nodes (XEP-0060 section 5).
func (s *Service) disco(q *module.IQ, name string, items bool) (bool, error) {
	nodes, err := s.nodes(q.Account)
	if err != nil {
		return false, err
	}
	who := q.From().Bare()
	if name == "" {
		if !items {
			return false, nil
		}
		var visible []string
		for _, n := range sorted(nodes) {
			if s.mayRead(q.Account, n, who) == nil {
				visible = append(visible, n.Name)
			}
		}
		if len(visible) == 0 {
			return false, nil
		}
		writeDiscoItems(q, visible)
		return true, nil
	}
	n := nodes[name]
	if n == nil {
		return false, nil
	}
	if err := s.mayRead(q.Account, n, who); err != nil {
		return true, err
	}
	if items {
		return true, s.discoItems(q, n)
	}
	writeDiscoInfo(q, n)
	return true, nil
}
