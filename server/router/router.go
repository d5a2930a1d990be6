// Package router brings stanzas to whom they are addressed: an ordered chain of routes, the last
// of which is federation, and one actor for every local account.
package router

import (
	"kith/internal/stanza"
	"kith/server/module"
)

// Route is one link of the chain.
type Route interface {
	// Take looks at the recipient. If it returns true it has taken over the envelope and will
	// Accept it; otherwise it has left it as it was.
	Take(*module.Envelope) bool
}

// Router asks its routes in order.
type Router struct {
	routes []Route
}

var _ module.Router = (*Router)(nil)

// Add appends routes to the chain. It must not be called once stanzas flow.
func (r *Router) Add(routes ...Route) { r.routes = append(r.routes, routes...) }

// Route implements [module.Router]. What nobody takes is answered here, and nowhere else.
func (r *Router) Route(env *module.Envelope) {
	for _, route := range r.routes {
		if route.Take(env) {
			return
		}
	}
	r.bounce(env, stanza.Refuse(stanza.RemoteServerNotFound, "There is no way to this server from here."))
}

// bounce answers with an error and is done with the envelope. Presence that only informs is not
// answered: nobody waits for it, and the error would reveal who asks (RFC 6121 section 4.6.3).
func (r *Router) bounce(env *module.Envelope, f *stanza.Fault) {
	st := env.Stanza
	if st.Kind != stanza.Presence || st.Type == stanza.Subscribe {
		if e := st.Fail(f); e != nil && !e.To.IsZero() && e.To != st.To {
			module.Deliver(r, e)
		}
	}
	env.Accept()
}
