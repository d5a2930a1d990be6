package router

import (
	"kith/internal/stanza"
	"kith/server/module"
)

// unreachable decides, before anything is stored, on stanzas that can reach nobody (RFC 6121
// section 8.5): nil lets the stanza in, ErrDrop ignores it, a fault sends it back.
func (a *Account) unreachable(st *stanza.Stanza) error {
	away := &stanza.Fault{Condition: stanza.ServiceUnavailable}
	bare := st.To.IsBare()
	there := !bare && a.session(st.To.Resource()) != nil
	switch {
	case st.Kind == stanza.Presence || there:
		return nil
	case st.Kind == stanza.IQ:
		switch {
		case bare:
			return nil
		case st.IsRequest():
			return away
		default:
			return module.ErrDrop
		}
	case st.Type == stanza.Groupchat:
		// A room takes the error as a sign that its occupant is gone.
		return away
	case st.Type == stanza.Error, st.Type == stanza.Headline && !bare:
		return module.ErrDrop
	case st.Type == stanza.Normal && !bare:
		return away
	default:
		return nil
	}
}

// receiveMessage runs Copy, then Deliver or Miss.
func (a *Account) receiveMessage(p *module.Passage) {
	reg := a.accounts.registry
	p.Targets = a.targets(p.Stanza)
	for _, h := range reg.Copies {
		h(p)
	}
	if len(p.Targets) == 0 && !a.missed(p) {
		if e := p.Stanza.Fail(&stanza.Fault{Condition: stanza.ServiceUnavailable}); e != nil {
			a.Route(e)
		}
		return
	}
	for _, s := range p.Targets {
		if reg.Tracker != nil && p.Record != nil {
			s.SendTracked(p.Stanza, reg.Tracker(p, s))
		} else {
			s.Send(p.Stanza)
		}
	}
	for _, h := range reg.Delivered {
		h(p)
	}
}

// missed asks the Miss phase whether somebody takes care of a message that reaches no session.
func (a *Account) missed(p *module.Passage) bool {
	taken := p.Stanza.Type == stanza.Headline
	for _, h := range a.accounts.registry.Misses {
		taken = h(p) || taken
	}
	return taken
}

// targets are the sessions that RFC 6121 section 8.5 names: the one addressed; otherwise all that
// are available with a priority that is not negative.
func (a *Account) targets(st *stanza.Stanza) []module.Session {
	if !st.To.IsBare() {
		if s := a.session(st.To.Resource()); s != nil {
			return []module.Session{s}
		}
		if st.Type != stanza.Chat {
			return nil
		}
	}
	var all []module.Session
	for _, s := range a.sessions {
		if s.presence != nil && s.priority >= 0 {
			all = append(all, s)
		}
	}
	return all
}
