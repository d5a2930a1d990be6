package presence

import (
	"iter"

	"kith/internal/jid"
	"kith/internal/stanza"
	"kith/server/module"
)

// Peers are all with whom the account shares presence in one direction or the other: its contacts
// by their bare address, those whom it told its presence directly as they were addressed.
func (f *Presence) Peers(a module.Account) iter.Seq[jid.JID] {
	return func(yield func(jid.JID) bool) {
		peers := map[jid.JID]struct{}{}
		f.contacts.Each(a, func(contact jid.JID, to, from, _ bool) {
			if to || from {
				peers[contact] = struct{}{}
			}
		})
		for s := range a.Sessions() {
			if own := f.sessions.Peek(s.Slots()); own != nil {
				for j := range own.directed {
					peers[j] = struct{}{}
				}
			}
		}
		for j := range peers {
			if !yield(j) {
				return
			}
		}
	}
}

// Cover makes the account and a peer unavailable to each other before they are separated: the peer
// gets unavailable presence from each session that it could see, and each session from each client
// of the peer (XEP-0191 section 3.3). A full address is that client alone.
func (f *Presence) Cover(a module.Account, peer jid.JID) {
	_, from, _ := f.contacts.Subscription(a, peer.Bare())
	for s := range a.Sessions() {
		own := f.sessions.Of(s.Slots())
		_, directed := own.directed[peer]
		delete(own.directed, peer)
		if directed || from && s.Presence() != nil {
			f.send(a, s, notice(stanza.Unavailable, s.JID(), peer))
		}
	}
	v := f.seen.Of(a.Slots())
	for j := range v.clients {
		if j != peer && j.Bare() != peer {
			continue
		}
		gone := notice(stanza.Unavailable, j, a.JID())
		f.registry.Seen(a, gone)
		delete(v.clients, j)
		deliver(a, gone)
	}
}

// Uncover undoes [Presence.Cover]: the peer gets the presence that it may see, and is asked for its
// own.
func (f *Presence) Uncover(a module.Account, peer jid.JID) {
	to, from, _ := f.contacts.Subscription(a, peer.Bare())
	if from {
		f.show(a, peer)
	}
	if !to {
		return
	}
	for s := range a.Sessions() {
		if s.Presence() != nil {
			f.send(a, s, notice(stanza.Probe, a.JID(), peer))
			return
		}
	}
}
