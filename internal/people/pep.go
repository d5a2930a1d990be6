package people

import (
	"context"
	"fmt"

	"kith/internal/form"
	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/internal/xmltree"
)

// fetch gets the newest item of a node; zero if there is none.
func fetch(ctx context.Context, w *wire, owner jid.JID, node string) (xmltree.Element, error) {
	st, err := w.ask(ctx, stanza.Get, owner, func(x *xmltree.Writer) {
		x.Open(ns.PubSub, "pubsub").Empty("", "items", "node", node).Close()
	})
	if err != nil {
		return xmltree.Element{}, err
	}
	var last xmltree.Element
	for item := range st.Child(ns.PubSub, "pubsub").Child(ns.PubSub, "items").Children() {
		last = item
	}
	return last, nil
}

// onlyItem is the name of the item of a node that has one (XEP-0060 section 12.20 proposes it).
const onlyItem = "current"

// publish publishes the only item of an own node, which is made when there is none (XEP-0163 section 3).
func publish(ctx context.Context, w *wire, node, item, access string, fill func(*xmltree.Writer)) error {
	return publishAmong(ctx, w, node, item, "1", access, fill)
}

// publishAmong is publish for a node that keeps as many items as it is told to.
func publishAmong(ctx context.Context, w *wire, node, item, items, access string, fill func(*xmltree.Writer)) error {
	options := form.New(form.TypeSubmit, ns.PubSub+"#publish-options",
		form.Field{Var: "pubsub#persist_items", Values: []string{"true"}},
		form.Field{Var: "pubsub#max_items", Values: []string{items}},
		form.Field{Var: "pubsub#access_model", Values: []string{access}})
	_, err := w.ask(ctx, stanza.Set, jid.JID{}, func(x *xmltree.Writer) {
		x.Open(ns.PubSub, "pubsub")
		x.Open("", "publish", "node", node).Open("", "item", "id", item)
		fill(x)
		x.Close().Close()
		x.Open("", "publish-options")
		options.Write(x)
		x.Close().Close()
	})
	if err != nil {
		return fmt.Errorf("publish %s: %w", node, err)
	}
	return nil
}
