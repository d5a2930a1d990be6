package c2s

import (
	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/internal/stream"
	"kith/internal/xmltree"
	"kith/server/module"
)

// strangerIQ is a request before authentication, such as one to register (XEP-0077). There is
// nothing else that a client may send then (RFC 6120 section 6.3.4), and these only over TLS.
func (n *negotiation) strangerIQ(e xmltree.Element) *stream.Error {
	refused := &stream.Error{Condition: stream.NotAuthorized}
	st, err := stanza.Read(e, ns.Client)
	if !n.security.TLS || st == nil || !st.IsRequest() || !st.To.IsZero() && st.To != n.srv.deps.Domain {
		return refused
	}
	if n.asked++; n.asked > maxAsked {
		return &stream.Error{Condition: stream.PolicyViolation, Text: "Too many requests before signing in."}
	}
	// Whoever it says it is, it is nobody yet.
	st = st.With(func(h *stanza.Header) { h.From, h.To = jid.JID{}, n.srv.deps.Domain })
	reply := func(answer *stanza.Stanza) { n.write(func(c Conn) { c.Stanza(answer) }) }
	q := module.NewIQ(nil, nil, st, reply)
	if err != nil {
		q.Fail(&stanza.Fault{Condition: stanza.BadRequest, Cause: err})
		return nil //nolint:nilerr // the client has been told
	}
	h := n.srv.deps.Registry.IQHandler(module.OnStranger, st.Type, q.Payload)
	if h == nil {
		return refused
	}
	n.stranger.Remote = n.security.Remote
	q.Stranger = &n.stranger
	if err := h(q); err != nil {
		q.Fail(err)
	}
	return nil
}
