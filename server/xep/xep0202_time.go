package xep

import (
	"time"

	"kith/internal/clock"
	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/internal/xmltree"
	"kith/server/module"
)

// Time answers XEP-0202 with the server's time, always in UTC.
type Time struct {
	Clock clock.Clock
}

// Register implements [module.Module].
func (t Time) Register(r *module.Registry) {
	r.Implements(module.XEP{Number: 202, Name: "Entity Time", Version: "2.0"})
	r.Disco(module.OnServer, ns.Time)
	r.HandleIQ(module.OnServer, stanza.Get, ns.Time, "time", func(q *module.IQ) error {
		q.Result(func(w *xmltree.Writer) {
			w.Open(ns.Time, "time").
				Element("", "tzo", "+00:00").
				Element("", "utc", t.Clock.Now().UTC().Format(time.RFC3339)).
				Close()
		})
		return nil
	})
}
