package xep

import (
	"strconv"
	"time"

	"kith/internal/form"
	"kith/server/module"
)

// DataPolicy tells clients what becomes of what they send (XEP-0504).
type DataPolicy struct {
	// Kept are the times for which messages, files and the like are kept; 0 is for ever.
	Kept []time.Duration
}

// Register implements [module.Module].
func (d DataPolicy) Register(r *module.Registry) {
	r.Implements(module.XEP{Number: 504, Name: "Data Policy", Version: "0.1.0"})
	field := func(name string, kind form.Kind, value string) form.Field {
		return form.Field{Var: name, Kind: kind, Values: []string{value}}
	}
	r.Form(form.New(
		form.TypeResult, "urn:xmpp:data-policy:0",
		field("data_retention", form.TextSingle, d.retention()),
		// What is not encrypted by the clients can be read by who runs the server.
		field("encryption_at_rest", form.Boolean, "0"),
		field("access_policy", form.ListMulti, "admins"),
		field("full_erasure", form.Boolean, "1"),
	).Write)
}

// retention is the longest time, in whole hours.
func (d DataPolicy) retention() string {
	longest := time.Duration(0)
	for _, k := range d.Kept {
		if k == 0 {
			return "infinite"
		}
		longest = max(longest, k)
	}
	return strconv.Itoa(int((longest + time.Hour - 1) / time.Hour))
}
