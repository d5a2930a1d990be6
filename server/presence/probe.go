package presence

import (
	"kith/internal/jid"
	"kith/internal/stanza"
	"kith/server/module"
)

// probe asks for the presence of a contact (RFC 6121 section 4.3.1). The answer of a local contact
// is for the new session alone, which so asks by its full address; others answer the account.
func (f *Presence) probe(a module.Account, s module.Session, contact jid.JID) {
	from := a.JID()
	if f.isLocal(contact) && !f.sessions.Of(s.Slots()).before {
		from = s.JID()
	}
	f.send(a, s, notice(stanza.Probe, from, contact))
}

// answer handles the probe of another (RFC 6121 section 4.3.2). Only who is subscribed gets to know
// anything.
func (f *Presence) answer(p *module.Passage) {
	a, who := p.Account, p.Stanza.From
	if who.Bare() != a.JID() {
		_, from, requested := f.contacts.Subscription(a, who.Bare())
		if !from {
			// It believes to be subscribed and is not; but a request must not seem refused.
			if !requested {
				f.send(a, nil, notice(stanza.Unsubscribed, a.JID(), who.Bare()))
			}
			return
		}
	}
	found := false
	for s := range a.Sessions() {
		if s.Presence() != nil && (p.Stanza.To.IsBare() || p.Stanza.To == s.JID()) {
			f.send(a, s, f.last(s, who))
			found = true
		}
	}
	// A session of this server asks by its full address when it is new, and takes everyone for
	// unavailable until it hears something.
	if !found && (who.IsBare() || !f.isLocal(who)) {
		f.send(a, nil, notice(stanza.Unavailable, p.Stanza.To, who))
	}
}
