package muc

import (
	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/server/module"
)

// receiveIQ takes a request to the room, or one that it passes on to an occupant, or the answer to such a
// one (XEP-0045 section 18.4).
func (r *Room) receiveIQ(st *stanza.Stanza) {
	switch {
	case !st.IsRequest():
		r.relayBack(st)
		return
	case !st.To.IsBare():
		if err := r.relay(st); err != nil {
			r.fail(st, err)
		}
		return
	}
	q := module.NewIQ(nil, nil, st, r.send)
	if err := r.handleIQ(q); err != nil {
		r.fail(st, err)
	}
}

func (r *Room) handleIQ(q *module.IQ) error {
	if !r.exists {
		return stanza.Refuse(stanza.ItemNotFound, "There is no such room.")
	}
	if r.locked && r.members.of(q.From().Bare()) != Owner {
		return stanza.Refuse(stanza.ItemNotFound, "The room is not ready yet.")
	}
	p, set := q.Payload, q.Stanza.Type == stanza.Set
	is := func(space, local string, forSet bool) bool { return set == forSet && p.Is(space, local) }
	switch {
	case is(nsOwner, "query", false):
		return r.sendConfig(q)
	case is(nsOwner, "query", true):
		return r.ownerSet(q)
	case is(nsAdmin, "query", false):
		return r.listMembers(q)
	case is(nsAdmin, "query", true):
		return r.administer(q)
	case is(ns.DiscoInfo, "query", false):
		return r.info(q)
	case is(ns.DiscoItems, "query", false):
		return r.items(q)
	case is(ns.Ping, "ping", false):
		q.Result(nil)
		return nil
	case r.locked:
		return stanza.Refuse(stanza.ItemNotFound, "The room is not ready yet.")
	case is(ns.MAM, "query", true):
		return r.query(q)
	case is(ns.MAM, "query", false):
		return r.describeQuery(q)
	case is(ns.MAM, "metadata", false):
		return r.metadata(q)
	case is(ns.Register, "query", false):
		return r.registration(q)
	case is(ns.Register, "query", true):
		return r.register(q)
	case is(ns.VCardTemp, "vCard", false):
		return r.vCard(q)
	case is(ns.VCardTemp, "vCard", true):
		return r.setVCard(q)
	case is(nsModerate, "moderate", true):
		return r.moderate(q)
	case is(ns.Commands, "command", true):
		return r.command(q)
	}
	if taken, err := r.linkIQ(q); taken {
		return err
	}
	return stanza.Refuse(stanza.ServiceUnavailable, "")
}
