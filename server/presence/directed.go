package presence

import (
	"fmt"

	"kith/internal/jid"
	"kith/internal/stanza"
	"kith/server/module"
)

// direct handles presence with a recipient (RFC 6121 section 4.6). Who got it is told when the
// session is no longer available: rooms depend on it.
func (f *Presence) direct(p *module.Passage) {
	a, st := p.Account, p.Stanza
	own := f.sessions.Of(p.Session.Slots())
	_, known := own.directed[st.To]
	switch {
	case st.To.Bare() == a.JID():
	case st.Type == stanza.Unavailable:
		delete(own.directed, st.To)
	case known:
	case len(own.directed) >= f.config.MaxDirected:
		f.refuse(p, stanza.Refuse(stanza.PolicyViolation, fmt.Sprintf("A session tells at most %d others its presence directly.", f.config.MaxDirected)))
		return
	default:
		if own.directed == nil {
			own.directed = map[jid.JID]struct{}{}
		}
		own.directed[st.To.Clone()] = struct{}{}
	}
	a.Route(st)
}

// Directed are those at a host, bare addresses, whom the sessions of an account have told their presence
// directly: of a host of rooms, the rooms that they are in.
func (f *Presence) Directed(a module.Account, host string) (all []jid.JID) {
	for s := range a.Sessions() {
		if own := f.sessions.Peek(s.Slots()); own != nil {
			for to := range own.directed {
				if to.Domain() == host {
					all = append(all, to.Bare())
				}
			}
		}
	}
	return all
}

// endDirected sends unavailable presence to those whom the session told its presence directly. If
// it was broadcast as well, subscribers know already.
func (f *Presence) endDirected(a module.Account, s module.Session, broadcast bool) {
	own := f.sessions.Peek(s.Slots())
	if own == nil {
		return
	}
	st := own.farewell
	if st == nil {
		st = notice(stanza.Unavailable, s.JID(), jid.JID{})
	}
	for to := range own.directed {
		if broadcast {
			if _, from, _ := f.contacts.Subscription(a, to.Bare()); from {
				continue
			}
		}
		f.send(a, s, st.Address(to))
	}
	own.directed = nil
}

// undirect forgets a recipient of directed presence that answered with an error: a room that the
// session did not get into, a server that cannot be reached.
func (f *Presence) undirect(a module.Account, st *stanza.Stanza) {
	for s := range a.Sessions() {
		if own := f.sessions.Peek(s.Slots()); own != nil && (st.To.IsBare() || st.To == s.JID()) {
			delete(own.directed, st.From)
		}
	}
}
