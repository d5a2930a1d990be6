package xep

import (
	"slices"
	"sync"

	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/internal/xmltree"
	"kith/server/module"
)

// Disco answers XEP-0030 for the domain and for accounts with what the features registered.
type Disco struct {
	// Contacts tells who may see an account. Others get the answer that a missing account would
	// give (XEP-0030 section 8).
	Contacts interface {
		Subscribed(a module.Account, contact jid.JID) bool
	}
	registry *module.Registry
	ver      func() string
}

// ServiceDisco answers XEP-0030 at the address of a service other than the domain, with what is
// registered there.
type ServiceDisco struct{}

// Register implements [module.Module].
func (ServiceDisco) Register(r *module.Registry) {
	d := &Disco{registry: r, ver: func() string { return "" }}
	r.Disco(module.OnServer, ns.DiscoInfo, ns.DiscoItems)
	d.handle(r, module.OnServer)
}

func (d *Disco) handle(r *module.Registry, scope module.Scope) {
	r.HandleIQ(scope, stanza.Get, ns.DiscoInfo, "query", func(q *module.IQ) error { return d.info(q, scope) })
	r.HandleIQ(scope, stanza.Get, ns.DiscoItems, "query", func(q *module.IQ) error { return d.items(q, scope) })
}

// Register implements [module.Module].
func (d *Disco) Register(r *module.Registry) {
	d.registry = r
	d.ver = sync.OnceValue(d.computeVer)
	r.Implements(
		module.XEP{Number: 30, Name: "Service Discovery", Version: "2.5.0"},
		module.XEP{Number: 115, Name: "Entity Capabilities", Version: "1.6.0"},
		module.XEP{Number: 128, Name: "Service Discovery Extensions", Version: "1.0.1"},
	)
	r.Identity(module.OnServer, module.Identity{Category: "server", Type: "im", Name: "Kith"})
	r.Identity(module.OnAccount, module.Identity{Category: "account", Type: "registered"})
	for _, scope := range []module.Scope{module.OnServer, module.OnAccount} {
		r.Disco(scope, ns.DiscoInfo, ns.DiscoItems)
		d.handle(r, scope)
	}
	r.Disco(module.OnServer, ns.Caps, ns.Caps+"#optimize")
	r.Offer(module.Feature{Write: func(w *xmltree.Writer) {
		// XEP-0115 section 6.3: the server's own capabilities in the stream features.
		w.Empty(ns.Caps, "c", "hash", "sha-1", "node", capsNode, "ver", d.ver())
	}})
}

const capsNode = "urn:kith:server"

func (d *Disco) mayAsk(q *module.IQ) bool {
	return q.Account == nil || q.Own() || d.Contacts.Subscribed(q.Account, q.From().Bare())
}

func (d *Disco) info(q *module.IQ, scope module.Scope) error {
	node := q.Payload.Attr("node")
	if scope == module.OnServer && node == capsNode+"#"+d.ver() {
		q.Result(func(w *xmltree.Writer) { d.writeInfo(w, scope, node) })
		return nil
	}
	if node != "" {
		return d.node(q, scope, node, false)
	}
	if !d.mayAsk(q) {
		return stanza.Refuse(stanza.ServiceUnavailable, "")
	}
	q.Result(func(w *xmltree.Writer) { d.writeInfo(w, scope, "") })
	return nil
}

func (d *Disco) items(q *module.IQ, scope module.Scope) error {
	if node := q.Payload.Attr("node"); node != "" {
		return d.node(q, scope, node, true)
	}
	if scope == module.OnServer {
		q.Result(func(w *xmltree.Writer) {
			w.Open(ns.DiscoItems, "query")
			for _, i := range d.registry.Items {
				w.Empty("", "item", "jid", i.JID.String(), "name", i.Name)
			}
			w.Close()
		})
		return nil
	}
	// Of an account, the items are its pubsub nodes: whoever keeps them also knows who may see them.
	return d.node(q, scope, "", true)
}

func (d *Disco) node(q *module.IQ, scope module.Scope, node string, items bool) error {
	for _, h := range d.registry.DiscoNodes(scope) {
		if mine, err := h(q, node, items); mine || err != nil {
			return err
		}
	}
	if !d.mayAsk(q) {
		return stanza.Refuse(stanza.ServiceUnavailable, "")
	}
	if node == "" {
		q.Result(func(w *xmltree.Writer) { w.Empty(ns.DiscoItems, "query") })
		return nil
	}
	return stanza.Refuse(stanza.ItemNotFound, "")
}

func (d *Disco) writeInfo(w *xmltree.Writer, scope module.Scope, node string) {
	w.Open(ns.DiscoInfo, "query", "node", node)
	for _, id := range d.registry.Identities(scope) {
		w.Empty("", "identity", "category", id.Category, "type", id.Type, "name", id.Name)
	}
	for _, f := range d.features(scope) {
		w.Empty("", "feature", "var", f)
	}
	if scope == module.OnServer {
		for _, form := range d.registry.Forms {
			form(w)
		}
	}
	w.Close()
}

// features are sorted and without repetition: two parts may need the same one.
func (d *Disco) features(scope module.Scope) []string {
	return slices.Compact(slices.Sorted(slices.Values(d.registry.DiscoFeatures(scope))))
}

// computeVer makes the verification string of the domain's disco#info. It is first asked for when
// the registry no longer changes.
func (d *Disco) computeVer() string {
	w := xmltree.NewWriter(1024)
	d.writeInfo(w, module.OnServer, "")
	info, err := xmltree.Parse(w.String(), xmltree.Limits{Bytes: 1 << 20, Elements: 10000, Depth: 20, Attrs: 20}, xmltree.Scope{})
	if err != nil {
		return ""
	}
	ver, err := CapsVer(info)
	if err != nil {
		return ""
	}
	return ver
}
