package xep

import (
	"context"
	"log/slog"

	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/internal/stanzaid"
	"kith/internal/xmltree"
	"kith/server/module"
)

// Displayed lets a client say in one message what it has shown, to the other side and to the own
// devices: it publishes for it (XEP-0490 section 4.4). It must be registered before the archive.
type Displayed struct {
	// Nodes publishes in the name of an account, on a node that is for its owner alone.
	Nodes interface {
		Publish(a module.Account, node, id, payload string, options map[string]string) error
	}
	Log *slog.Logger
}

const nsAssist = "urn:xmpp:mds:server-assist:0"

// Register implements [module.Module].
func (d Displayed) Register(r *module.Registry) {
	r.Implements(module.XEP{Number: 490, Name: "Message Displayed Synchronization", Version: "1.0.1"})
	r.Disco(module.OnAccount, nsAssist)
	r.OnFilter(d.take)
}

// take is the [module.FilterHook]: nobody else gets to see the element.
func (d Displayed) take(p *module.Passage) error {
	if p.Stanza.Kind != stanza.Message {
		return nil
	}
	displayed := p.Stanza.Child(ns.MDS, "displayed")
	if displayed.IsZero() {
		return nil
	}
	if p.Direction == module.Outgoing && p.Session != nil && valid(displayed) {
		payload := xmltree.NewWriter(256).Copy(displayed, "").String()
		err := d.Nodes.Publish(p.Account, ns.MDS, p.Stanza.To.String(), payload, map[string]string{
			"pubsub#access_model": "whitelist", "pubsub#persist_items": "true", "pubsub#max_items": "max",
			"pubsub#send_last_published_item": "never",
		})
		if err != nil {
			// The message is worth more than the mark.
			d.Log.LogAttrs(context.Background(), slog.LevelWarn, "publishing what was displayed failed", slog.Any("error", err))
		}
	}
	p.Stanza = p.Stanza.Without(func(e xmltree.Element) bool { return e.Is(ns.MDS, "displayed") })
	return nil
}

// valid reports whether an element names one message, and holds nothing else.
func valid(displayed xmltree.Element) bool {
	id := displayed.Child(ns.StanzaID, "stanza-id")
	return displayed.CountChildren() == 1 && id.Attr("id") != "" && !stanzaid.By(id).IsZero()
}
