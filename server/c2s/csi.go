package c2s

import (
	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/internal/xmltree"
)

// holdback keeps from an inactive client (XEP-0352), or one that is away, what can wait. It is
// sent before the first thing that cannot, so that the order of what matters never changes.
type holdback struct {
	inactive bool
	items    []outgoing
	latest   map[holdKey]int
	count    int
	bytes    int
}

// holdKey names things of which only the latest is of use.
type holdKey struct {
	kind stanza.Kind
	from jid.JID
}

// indicate takes an active or inactive element.
func (s *session) indicate(active bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held.inactive = !active
	if active {
		s.unhold()
		s.kick()
	}
}

// holding reports whether unimportant stanzas wait. It needs s.mu.
func (s *session) holding() bool {
	return !s.ended && (s.held.inactive || s.link == nil && s.sm.counting)
}

// hold keeps a stanza back if it can wait. It needs s.mu.
func (s *session) hold(o outgoing) bool {
	can, latest := canWait(o.stanza, s.jid.Bare())
	if !can {
		return false
	}
	h := &s.held
	if h.count >= maxHeld || h.bytes >= int(s.srv.cfg.StanzaBytes) {
		s.srv.counters.HeldOverflow.Inc()
		s.unhold()
		s.kick()
	}
	key := holdKey{o.stanza.Kind, o.stanza.From}
	if latest {
		if i, ok := h.latest[key]; ok {
			h.count--
			h.bytes -= h.items[i].size()
			h.items[i] = outgoing{}
		}
		if h.latest == nil {
			h.latest = map[holdKey]int{}
		}
		h.latest[key] = len(h.items)
	}
	h.items = append(h.items, o)
	h.count++
	h.bytes += o.size()
	if len(h.items) > 4*maxHeld {
		h.compact()
	}
	return true
}

// compact forgets the places of those that were replaced.
func (h *holdback) compact() {
	kept := h.items[:0]
	moved := make(map[int]int, len(h.latest))
	for i, o := range h.items {
		if o.stanza != nil {
			moved[i] = len(kept)
			kept = append(kept, o)
		}
	}
	clear(h.items[len(kept):])
	h.items = kept
	for k, i := range h.latest {
		h.latest[k] = moved[i]
	}
}

// unhold queues what was held back. It needs s.mu.
func (s *session) unhold() {
	h := &s.held
	if len(h.items) == 0 {
		return
	}
	for _, o := range h.items {
		if o.stanza != nil {
			s.queue.push(o)
		}
	}
	*h = holdback{inactive: h.inactive}
}

func (h *holdback) list() []outgoing { return h.items }

// canWait reports whether a person who does not look at the client misses nothing if it gets this
// later; latest, whether an earlier one of the same sender is then of no use any more.
func canWait(st *stanza.Stanza, own jid.JID) (can, latest bool) {
	switch {
	case st.Kind == stanza.Presence && (st.Type == stanza.Available || st.Type == stanza.Unavailable):
		// What a room says with a status code answers the client, or is about itself.
		return st.Child(ns.MUCUser, "x").Child(ns.MUCUser, "status").IsZero(), true
	case st.Kind == stanza.Message && st.Type != stanza.Error:
		return canWaitMessage(st.Root(), st.From.Bare() == own)
	}
	return false, false
}

func canWaitMessage(m xmltree.Element, own bool) (can, latest bool) {
	for _, kind := range []string{"sent", "received"} {
		if copied := m.Child(ns.Carbons, kind); own && !copied.IsZero() {
			inner := copied.Child(ns.Forward, "forwarded").Child(ns.Client, "message")
			can, _ = canWaitMessage(inner, kind == "sent")
			return can, false
		}
	}
	states := 0
	for c := range m.Children() {
		switch c.Space() {
		case ns.ChatStates:
			states++
		case ns.Hints, ns.Delay, ns.StanzaID:
		case ns.Receipts:
			if c.Local() != "received" {
				return false, false
			}
			states = 2
		case ns.ChatMarkers:
			// That the person has read something elsewhere takes a notification away here.
			if own || c.Local() == "markable" {
				return false, false
			}
			states = 2
		case ns.PubSubEvent:
			// Of the own account they tell what happened on the other devices.
			if own {
				return false, false
			}
			states = 2
		case ns.Client:
			if c.Local() != "thread" {
				return false, false
			}
		default:
			return false, false
		}
	}
	return states > 0, states == 1
}
