package muc

import (
	"crypto/rand"
	"slices"
	"strings"
	"time"

	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/stanza"
)

const (
	// relayTime is how long an answer may take, maxRelays how many may be outstanding in a room.
	relayTime = 2 * time.Minute
	maxRelays = 1000
)

// relays are the requests between occupants whose answers have not come yet, by the id under which they
// were passed on, in the order of their coming.
type relays struct {
	byID  map[string]relayed
	order []string
}

type relayed struct {
	// asker asked under this id; target, of the occupant's address as, is to answer.
	asker, target, as jid.JID
	id                string
	until             time.Time
}

// relay passes a request on to an occupant (XEP-0045 sections 6.6 and 18.4). Neither side learns who the other
// is.
func (r *Room) relay(st *stanza.Stanza) error {
	p := st.Payload()
	s := r.session(st.From)
	if s == nil {
		if r.exists && (p.Is(ns.DiscoInfo, "query") || p.Is(ns.DiscoItems, "query")) {
			return stanza.Refuse(stanza.BadRequest, "You are not in the room.")
		}
		// XEP-0410 section 3: asking again would not help, as the type modify would have it.
		return &stanza.Fault{Condition: stanza.NotAcceptable, Kind: "cancel", Text: "You are not in the room."}
	}
	if p.Is(ns.Ping, "ping") && st.To.Resource() == s.occ.nick {
		// XEP-0410 section 4: the answer is known here.
		r.send(st.Result(nil))
		return nil
	}
	to := r.named(st.To.Resource())
	if to == nil {
		return stanza.Refuse(stanza.ItemNotFound, "Nobody in the room has this nickname.")
	}
	if !r.s.policy.MayTalk(s.occ.user, to.user) {
		return stanza.Refuse(stanza.Forbidden, "You may not ask anything of this person.")
	}
	target := to.primary().jid
	if p.Is(ns.VCardTemp, "vCard") {
		target = to.user // XEP-0054 section 3.3: the account answers
	}
	r.relayed.expire(r.now())
	if len(r.relayed.byID) >= maxRelays {
		return stanza.Refuse(stanza.ResourceConstraint, "Too many requests at once.")
	}
	id := rand.Text()
	r.relayed.add(id, relayed{asker: s.jid, target: target, as: to.jid, id: strings.Clone(st.ID), until: r.now().Add(relayTime)})
	r.send(st.With(func(h *stanza.Header) { h.ID, h.From, h.To = id, s.occ.jid, target }))
	return nil
}

// relayBack passes an answer on.
func (r *Room) relayBack(st *stanza.Stanza) {
	q, ok := r.relayed.byID[st.ID]
	if !ok || q.target != st.From {
		return
	}
	delete(r.relayed.byID, st.ID)
	if r.now().After(q.until) {
		return
	}
	r.send(st.With(func(h *stanza.Header) { h.ID, h.From, h.To = q.id, q.as, q.asker }))
}

func (q *relays) add(id string, x relayed) {
	if q.byID == nil {
		q.byID = map[string]relayed{}
	}
	q.byID[id] = x
	q.order = append(q.order, id)
}

// expire forgets those that will not be answered any more.
func (q *relays) expire(now time.Time) {
	for len(q.order) > 0 {
		if x, ok := q.byID[q.order[0]]; ok && now.Before(x.until) {
			return
		}
		delete(q.byID, q.order[0])
		q.order = q.order[1:]
	}
	if len(q.order) > 2*maxRelays {
		// One that is not answered holds up the forgetting of those that were.
		q.order = slices.DeleteFunc(q.order, func(id string) bool { _, ok := q.byID[id]; return !ok })
	}
}
