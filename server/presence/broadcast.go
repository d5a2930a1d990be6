package presence

import (
	"kith/internal/jid"
	"kith/internal/stanza"
	"kith/server/module"
)

// present handles initial presence and what follows it (RFC 6121 sections 4.2.2 and 4.4.2).
func (f *Presence) present(p *module.Passage) {
	a, s, st := p.Account, p.Session, p.Stanza
	own := f.sessions.Of(s.Slots())
	initial := s.Presence() == nil
	alone := true
	s.SetPresence(st)
	own.at, own.late = p.At, nil
	self := st.Address(a.JID())
	for o := range a.Sessions() {
		if o.Presence() == nil {
			continue
		}
		o.Send(self)
		if initial && o != s {
			alone = false
			s.Send(f.last(o, s.JID()))
		}
	}
	f.contacts.Each(a, func(contact jid.JID, to, from, asked bool) {
		if from {
			f.send(a, s, st.Address(contact))
		}
		if !initial {
			return
		}
		if to {
			f.probe(a, s, contact)
		}
		if asked && alone {
			// Section 3.1.2: the request may have been lost, or forgotten by the other server.
			f.send(a, s, notice(stanza.Subscribe, a.JID(), contact))
		}
	})
	if initial {
		own.before = true
		f.deliverRequests(p)
		f.registry.Emit(module.BecameAvailable, a, s)
	}
	f.registry.Emit(module.Presented, a, s)
}

// deliverRequests gives a session that became available the requests that wait for an answer
// (RFC 6121 section 3.1.3).
func (f *Presence) deliverRequests(p *module.Passage) {
	for st := range f.contacts.Requests(p.Account) {
		q := module.Passage{Account: p.Account, Direction: module.Incoming, Stanza: st, At: p.At}
		if f.registry.Filter(&q) == nil {
			p.Session.Send(q.Stanza)
		}
	}
}

// absent handles unavailable presence (RFC 6121 section 4.5.2).
func (f *Presence) absent(p *module.Passage) {
	if p.Session.Presence() == nil {
		f.endDirected(p.Account, p.Session, false)
		return
	}
	own := f.sessions.Of(p.Session.Slots())
	own.farewell = p.Stanza
	f.registry.Emit(module.BecameUnavailable, p.Account, p.Session)
	p.Session.SetPresence(nil)
	own.farewell = nil
}

// leave tells everyone that a session is available no longer: its client said so, or is gone.
func (f *Presence) leave(a module.Account, s module.Session) {
	own := f.sessions.Of(s.Slots())
	st := own.farewell
	if st == nil {
		st = notice(stanza.Unavailable, s.JID(), jid.JID{})
	}
	self := st.Address(a.JID())
	for o := range a.Sessions() {
		if o.Presence() != nil {
			o.Send(self)
		}
	}
	f.contacts.Each(a, func(contact jid.JID, _, from, _ bool) {
		if from {
			f.send(a, s, st.Address(contact))
		}
	})
	f.endDirected(a, s, true)
}

// show sends the account's presence to a contact who may see it from now on (RFC 6121 section
// 3.1.5), or who has missed it.
func (f *Presence) show(a module.Account, contact jid.JID) {
	for s := range a.Sessions() {
		if s.Presence() != nil {
			f.send(a, s, s.Presence().Address(contact))
		}
	}
}

// hide makes the account look unavailable to a contact who may see its presence no longer (RFC
// 6121 sections 3.2.2 and 3.3.3).
func (f *Presence) hide(a module.Account, contact jid.JID) {
	for s := range a.Sessions() {
		if s.Presence() != nil {
			f.send(a, s, notice(stanza.Unavailable, s.JID(), contact))
		}
	}
}

// Renew broadcasts the presence of the account's sessions again: a Filter hook has something else to
// say about it than before.
func (f *Presence) Renew(a module.Account) {
	for s := range a.Sessions() {
		st := s.Presence()
		if st == nil {
			continue
		}
		p := module.Passage{Account: a, Direction: module.Outgoing, Stanza: st, Session: s, At: f.sessions.Of(s.Slots()).at}
		if f.registry.Filter(&p) == nil && p.Stanza != st {
			f.present(&p)
		}
	}
}
