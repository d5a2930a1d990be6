package pubsub

import (
	"context"
	"errors"
	"iter"
	"slices"

	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/server/module"
)

// What other parts of the server do with an account's own nodes, inside its actor.

// OnChange adds a function that is told when the items of a node have changed. It must be called
// before anything is served.
func (s *Service) OnChange(f func(a module.Account, node string)) {
	s.watchers = append(s.watchers, f)
}

func (s *Service) changed(a module.Account, node string) {
	for _, f := range s.watchers {
		f(a, node)
	}
}

// Items are ids and payloads of a node, oldest first: those with these ids, or all. A node that is
// not there has none.
func (s *Service) Items(a module.Account, node string, ids ...string) (iter.Seq2[string, string], error) {
	return s.read(a, node, ids, -1)
}

// Newest is the item of a node that was published last, if there is one.
func (s *Service) Newest(a module.Account, node string) (id, payload string, err error) {
	all, err := s.read(a, node, nil, 1)
	if err != nil {
		return "", "", err
	}
	for id, payload := range all {
		return id, payload, nil
	}
	return "", "", nil
}

func (s *Service) read(a module.Account, node string, ids []string, limit int) (iter.Seq2[string, string], error) {
	var items []Item
	nodes, err := s.nodes(a)
	if err == nil && nodes[node] != nil {
		items, err = s.store.Items(context.Background(), a.JID().Local(), node, ids, limit)
	}
	if err != nil {
		return nil, err
	}
	return func(yield func(string, string) bool) {
		for i := range items {
			if !yield(items[i].ID, items[i].Payload) {
				return
			}
		}
	}, nil
}

// Readable reports whether somebody, a bare JID, may read a node. Nobody can read one that is not there.
func (s *Service) Readable(a module.Account, node string, who jid.JID) bool {
	nodes, err := s.nodes(a)
	return err == nil && nodes[node] != nil && s.mayRead(a, nodes[node], who) == nil
}

// Publish publishes an item in the name of the account. A node that is not there is made, with these
// fields of the form of publish-options (XEP-0060 section 7.1.5).
func (s *Service) Publish(a module.Account, node, id, payload string, options map[string]string) error {
	nodes, err := s.nodes(a)
	if err != nil {
		return err
	}
	n, create := nodes[node], false
	if n == nil {
		values := make(map[string][]string, len(options))
		for k, v := range options {
			values[k] = []string{v}
		}
		if n, err = s.fresh(nodes, node, values); err != nil {
			return err
		}
		create = true
	}
	item := Item{ID: id, Publisher: a.JID(), At: s.clock.Now(), Payload: payload}
	if err := s.put(a, n, create, item); err != nil {
		return err
	}
	s.notifyItem(a, n, item)
	s.changed(a, node)
	return nil
}

// Retract removes items in the name of the account, as far as they are there, and tells subscribers.
func (s *Service) Retract(a module.Account, node string, ids ...string) error {
	nodes, err := s.nodes(a)
	if err != nil || nodes[node] == nil || len(ids) == 0 {
		return err
	}
	gone, err := s.store.Retract(context.Background(), a.JID().Local(), node, slices.Clone(ids))
	if err != nil || len(gone) == 0 {
		return err
	}
	s.notifyRetract(a, nodes[node], gone)
	s.changed(a, node)
	return nil
}

// private are the nodes that are for their owner alone, whether a client remembers to say so or not.
var private = map[string]bool{ns.Bookmarks: true, ns.MDS: true, nodeOldBookmarks: true}

const nodeOldBookmarks = "storage:bookmarks" // XEP-0048

// fresh is a node to be made.
func (s *Service) fresh(nodes map[string]*Node, name string, options map[string][]string) (*Node, error) {
	if len(nodes) >= s.config.MaxNodes {
		return nil, fault(stanza.NotAllowed, "max-nodes-exceeded")
	}
	n := newNode(name)
	if private[name] {
		n.Config.Access, n.Config.SendLast = Whitelist, "never"
		if name != nodeOldBookmarks {
			n.Config.MaxItems = s.config.MaxItems
		}
	}
	return n, n.Config.apply(options, s.config.MaxItems, true)
}

// put stores an item, with its node if that is new.
func (s *Service) put(a module.Account, n *Node, create bool, item Item) error {
	var err error
	switch {
	case n.Config.Persist && n.Config.MaxItems > 0:
		err = s.store.Publish(context.Background(), a.JID().Local(), n, create, item, n.Config.MaxItems, int64(s.config.MaxBytes))
	case create:
		err = s.store.SaveNode(context.Background(), a.JID().Local(), n)
	}
	if errors.Is(err, ErrFull) {
		return &stanza.Fault{Condition: stanza.ResourceConstraint, Text: "There is no room for more of this.", Cause: err}
	}
	if err == nil && create {
		s.accounts.Of(a.Slots()).nodes[n.Name] = n
	}
	return err
}
