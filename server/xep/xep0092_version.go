package xep

import (
	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/internal/xmltree"
	"kith/server/module"
)

// Version answers XEP-0092 with the program's name and version. The operating system is nobody's
// business and left out, which the specification allows.
type Version struct {
	// Number of the program, "1.2.3".
	Number string
}

// Register implements [module.Module].
func (v Version) Register(r *module.Registry) {
	r.Implements(module.XEP{Number: 92, Name: "Software Version", Version: "1.1", Note: "without the operating system"})
	r.Disco(module.OnServer, ns.Version)
	r.HandleIQ(module.OnServer, stanza.Get, ns.Version, "query", func(q *module.IQ) error {
		q.Result(func(w *xmltree.Writer) {
			w.Open(ns.Version, "query").Element("", "name", "Kith").Element("", "version", v.Number).Close()
		})
		return nil
	})
}
