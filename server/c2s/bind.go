package c2s

import (
	"crypto/rand"
	"errors"
	"fmt"

	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/internal/stream"
	"kith/internal/xmltree"
	"kith/server/module"
	"kith/server/router"
)

// errTooMany: the account has as many sessions as it may.
var errTooMany = errors.New("c2s: too many sessions")

const tooManyText = "Too many clients are signed in to this account. Sign out elsewhere and try again."

// bindSession makes a session under an address. prepare is called before anything can be delivered
// to it, inline inside the account's actor.
func (n *negotiation) bindSession(full jid.JID, prepare func(*session), inline func(module.Account, module.Session)) (*session, error) {
	s := n.srv.newSession(n.link, full, n.signIn())
	if prepare != nil {
		prepare(s)
	}
	evict, ok := n.srv.sessions.admit(s, n.srv.cfg.Sessions)
	if !ok {
		n.srv.counters.TooManySession.Inc()
		return nil, errTooMany
	}
	if evict != nil {
		evict.finish(nil)
	}
	rs, err := n.srv.deps.Accounts.Bind(n.ctx, full, s, s.login, func(a module.Account, m module.Session) {
		replaceClient(a, m)
		if inline != nil {
			inline(a, m)
		}
	})
	if err != nil {
		s.abandon()
		return nil, err
	}
	if !s.bound(rs) {
		// It was ended before it had begun: by a newer session of the same name, for instance.
		rs.Unbind()
	}
	n.srv.counters.Bound.Inc()
	return s, nil
}

// replaceClient ends earlier sessions of the same client (XEP-0386 section 3.2).
func replaceClient(a module.Account, m module.Session) {
	client := m.Login().Client
	if client == "" {
		return
	}
	var old []module.Session
	for o := range a.Sessions() {
		if o != m && o.Login().Client == client {
			old = append(old, o)
		}
	}
	for _, o := range old {
		o.End(module.EndConflict)
	}
}

// bindIQ is the request for a resource of RFC 6120 section 7.
func (n *negotiation) bindIQ(e xmltree.Element) *stream.Error {
	st, err := stanza.Read(e, ns.Client)
	if err != nil && st == nil || st != nil && !st.IsRequest() {
		return &stream.Error{Condition: stream.NotAuthorized, Text: "A resource must be bound first."}
	}
	refuse := func(f *stanza.Fault) *stream.Error {
		if answer := st.Fail(f); answer != nil {
			n.write(func(c Conn) { c.Stanza(answer) })
		}
		return nil
	}
	b := st.Payload()
	switch {
	case err != nil:
		return refuse(&stanza.Fault{Condition: stanza.BadRequest, Cause: err})
	case st.Type != stanza.Set || !b.Is(ns.Bind, "bind"):
		return refuse(stanza.Refuse(stanza.NotAllowed, "A resource must be bound first."))
	}
	resource := b.ChildText(ns.Bind, "resource")
	if resource == "" {
		resource = freshResource()
	}
	full, err := n.who.JID.WithResource(resource)
	if err != nil {
		return refuse(&stanza.Fault{Condition: stanza.BadRequest, Cause: err})
	}
	s, err := n.bindSession(full, nil, nil)
	switch {
	case errors.Is(err, errTooMany):
		return refuse(stanza.Refuse(stanza.ResourceConstraint, tooManyText))
	case errors.Is(err, router.ErrNoAccount):
		return &stream.Error{Condition: stream.NotAuthorized, Text: "There is no such account any more."}
	case err != nil:
		return n.internal(fmt.Errorf("c2s: bind: %w", err))
	}
	answer := st.Result(func(w *xmltree.Writer) {
		w.Open(ns.Bind, "bind").Element("", "jid", full.String()).Close()
	})
	n.write(func(c Conn) { c.Stanza(answer) })
	n.session = s
	s.release(n.link)
	return nil
}

func freshResource() string { return "~" + rand.Text()[:16] }

// bind2 makes a session as a bind element of XEP-0386 asks.
func (n *negotiation) bind2(e xmltree.Element, grant Grant) (*bound, error) {
	full, err := n.resource2(e.ChildText(ns.Bind2, "tag"), grant.Device)
	if err != nil {
		return nil, err
	}
	answer := xmltree.NewWriter(512)
	answer.Open(ns.Bind2, "bound")
	managed := ""
	prepare := func(s *session) {
		// All that follows success counts, and all that is delivered follows it.
		if enable := e.Child(ns.SM, "enable"); !enable.IsZero() {
			managed = s.manage(enable)
			s.sm.counting = true
		}
		s.held.inactive = !e.Child(ns.CSI, "inactive").IsZero()
	}
	s, err := n.bindSession(full, prepare, func(a module.Account, m module.Session) {
		for _, f := range n.srv.deps.Registry.Features {
			if f.OnBind2 == nil {
				continue
			}
			asked := xmltree.Element{}
			if f.Bind2 != "" {
				asked = e.ChildNS(f.Bind2)
			}
			f.OnBind2(a, m, asked, answer)
		}
	})
	if err != nil {
		return nil, err
	}
	if s.sm.id != "" {
		s.publish()
	}
	answer.Raw(managed)
	return &bound{s, answer.Close().String()}, nil
}

// resource2 is the address for a bind request: what the client calls itself, and what tells it from
// others. For the same client it is always the same, so that a new session takes the place of the
// one that it lost.
func (n *negotiation) resource2(tag, device string) (jid.JID, error) {
	id := freshResource()
	if device != "" {
		id = "~" + device
	}
	if tag != "" && len(tag) <= maxTag {
		// What cannot be a resource is left out: the tag is only for people.
		if full, err := n.who.JID.WithResource(tag + "/" + id); err == nil {
			return full, nil
		}
	}
	full, err := n.who.JID.WithResource(id)
	if err != nil {
		return jid.JID{}, fmt.Errorf("c2s: resource: %w", err)
	}
	return full, nil
}
