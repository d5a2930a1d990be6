package xep

import (
	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/server/module"
)

// Ping answers XEP-0199 pings to the server and to one's own account.
type Ping struct{}

// Register implements [module.Module].
func (Ping) Register(r *module.Registry) {
	r.Implements(module.XEP{Number: 199, Name: "XMPP Ping", Version: "2.0.1"})
	r.Disco(module.OnServer, ns.Ping)
	r.Disco(module.OnAccount, ns.Ping)
	r.HandleIQ(module.OnServer, stanza.Get, ns.Ping, "ping", func(q *module.IQ) error {
		q.Result(nil)
		return nil
	})
	r.HandleIQ(module.OnOwn, stanza.Get, ns.Ping, "ping", func(q *module.IQ) error {
		q.Result(nil)
		return nil
	})
}
