package pubsub

import (
	"context"
	"maps"
	"slices"
	"strconv"

	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/internal/xmltree"
	"kith/server/module"
)

// items gives out items (XEP-0060 section 6.5).
func (s *Service) items(q *module.IQ, request xmltree.Element) error {
	n, err := s.node(q, request.Attr("node"))
	if err != nil {
		return err
	}
	if err := s.mayRead(q.Account, n, q.From().Bare()); err != nil {
		return err
	}
	limit := -1
	if v := request.Attr("max_items"); v != "" {
		if limit, err = strconv.Atoi(v); err != nil || limit < 1 {
			return stanza.Refuse(stanza.BadRequest, "max_items must be a positive number")
		}
	}
	var ids []string
	for e := range request.Children() {
		if id := e.Attr("id"); e.Is(ns.PubSub, "item") && id != "" {
			ids = append(ids, id)
		}
	}
	items, err := s.store.Items(context.Background(), q.Account.JID().Local(), n.Name, ids, limit)
	if err != nil {
		return err
	}
	reply(q, func(w *xmltree.Writer) {
		w.Open("", "items", "node", n.Name)
		for _, it := range items {
			writeItem(w, it, q.Account.JID().String(), true)
		}
		w.Close()
	})
	return nil
}

// writeItem writes an item in the pubsub or event namespace. The publisher is named where it is
// not the account itself.
func writeItem(w *xmltree.Writer, it Item, owner string, payload bool) {
	publisher := it.Publisher.String()
	if publisher == owner {
		publisher = ""
	}
	if it.Payload == "" || !payload {
		w.Empty("", "item", "id", it.ID, "publisher", publisher)
		return
	}
	w.Open("", "item", "id", it.ID, "publisher", publisher).Raw(it.Payload).Close()
}

// sorted are the nodes by name, so that answers do not change from one request to the next.
func sorted(nodes map[string]*Node) []*Node {
	all := make([]*Node, 0, len(nodes))
	for _, name := range slices.Sorted(maps.Keys(nodes)) {
		all = append(all, nodes[name])
	}
	return all
}

func writeDiscoItems(q *module.IQ, nodes []string) {
	q.Result(func(w *xmltree.Writer) {
		w.Open(ns.DiscoItems, "query")
		for _, name := range nodes {
			w.Empty("", "item", "jid", q.Account.JID().String(), "node", name)
		}
		w.Close()
	})
}

// discoItems lists the items of a node (XEP-0060 section 5.5).
func (s *Service) discoItems(q *module.IQ, n *Node) error {
	items, err := s.store.Items(context.Background(), q.Account.JID().Local(), n.Name, nil, -1)
	if err != nil {
		return err
	}
	q.Result(func(w *xmltree.Writer) {
		w.Open(ns.DiscoItems, "query", "node", n.Name)
		for _, it := range items {
			w.Empty("", "item", "jid", q.Account.JID().String(), "name", it.ID)
		}
		w.Close()
	})
	return nil
}

// writeDiscoInfo describes a node (XEP-0060 section 5.3, 5.4).
func writeDiscoInfo(q *module.IQ, n *Node) {
	q.Result(func(w *xmltree.Writer) {
		w.Open(ns.DiscoInfo, "query", "node", n.Name)
		w.Empty("", "identity", "category", "pubsub", "type", "leaf")
		w.Empty("", "feature", "var", ns.PubSub)
		w.Open(ns.DataForms, "x", "type", "result")
		for _, f := range [][2]string{
			{"FORM_TYPE", metaForm},
			{"pubsub#type", n.Config.Type},
			{"pubsub#title", n.Config.Title},
			{"pubsub#description", n.Config.Description},
			{"pubsub#access_model", string(n.Config.Access)},
			{"pubsub#owner", q.Account.JID().String()},
		} {
			if f[1] == "" {
				continue
			}
			kind := ""
			if f[0] == "FORM_TYPE" {
				kind = "hidden"
			}
			w.Open("", "field", "var", f[0], "type", kind).Element("", "value", f[1]).Close()
		}
		w.Close()
		w.Close()
	})
}
