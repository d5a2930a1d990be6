package xep

import (
	"strconv"
	"time"

	"kith/internal/clock"
	"kith/internal/stanza"
	"kith/internal/xmltree"
	"kith/server/module"
)

// Last answers XEP-0012 for the server with how long it has been running. When somebody was there last
// is not told: nothing so precise is kept.
type Last struct {
	Clock clock.Clock
	// Started is when the server started.
	Started time.Time
}

const nsLast = "jabber:iq:last"

// Register implements [module.Module].
func (l Last) Register(r *module.Registry) {
	r.Implements(module.XEP{Number: 12, Name: "Last Activity", Version: "2.0", Note: "of the server, not of people"})
	r.Disco(module.OnServer, nsLast)
	r.HandleIQ(module.OnServer, stanza.Get, nsLast, "query", func(q *module.IQ) error {
		seconds := int(l.Clock.Now().Sub(l.Started) / time.Second)
		q.Result(func(w *xmltree.Writer) { w.Empty(nsLast, "query", "seconds", strconv.Itoa(max(seconds, 0))) })
		return nil
	})
}
