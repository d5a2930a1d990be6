package router

import (
	"errors"

	"kith/internal/jid"
	"kith/internal/stanza"
	"kith/server/module"
)

// Domain is the route to the server's own address.
type Domain struct {
	jid      jid.JID
	registry *module.Registry
	router   *Router
}

// NewDomain makes the route for the address domain.
func NewDomain(domain jid.JID, registry *module.Registry, router *Router) *Domain {
	return &Domain{jid: domain, registry: registry, router: router}
}

// Take implements [Route]. Requests go to the handlers registered for [module.OnServer], messages
// to who takes them; the server keeps no presence.
func (d *Domain) Take(env *module.Envelope) bool {
	st := env.Stanza
	if st.To.Bare() != d.jid {
		return false
	}
	defer env.Accept()
	reply := func(answer *stanza.Stanza) { module.Deliver(d.router, answer) }
	switch {
	case st.IsRequest():
		q := module.NewIQ(nil, nil, st, reply)
		h := d.registry.IQHandler(module.OnServer, st.Type, q.Payload)
		if h == nil || !st.To.IsDomain() {
			q.Fail(&stanza.Fault{Condition: stanza.ServiceUnavailable})
			return true
		}
		if err := h(q); err != nil {
			q.Fail(err)
		}
	case st.Kind == stanza.IQ:
		for _, h := range d.registry.Answers {
			if h(st) {
				break
			}
		}
	case st.Kind == stanza.Message && st.Type == stanza.Error:
	case st.Kind == stanza.Message && d.registry.Mail != nil && st.To.IsDomain():
		if err := d.registry.Mail(st); err != nil && !errors.Is(err, module.ErrDrop) {
			if e := st.Fail(stanza.AsFault(err)); e != nil {
				reply(e)
			}
		}
	case st.Kind == stanza.Message, st.Kind == stanza.Presence && st.Type == stanza.Subscribe:
		if e := st.Fail(&stanza.Fault{Condition: stanza.ServiceUnavailable}); e != nil {
			reply(e)
		}
	}
	return true
}
