package federation

import (
	"crypto/rand"
	"strconv"

	"kith/internal/ns"
	"kith/internal/stream"
	"kith/internal/xmltree"
)

// manage is stream management (XEP-0198).
func (v *visitor) manage(e xmltree.Element) *stream.Error {
	switch e.Local() {
	case "r":
		v.requested()
	case "a":
		return v.acknowledged(e)
	case "enable":
		if !v.proven() || !v.enable() {
			v.say(smFailed("unexpected-request", nil))
			return nil
		}
		v.lend()
	case "resume":
		if !v.proven() || v.sm {
			v.say(smFailed("unexpected-request", nil))
			return nil
		}
		v.say(smFailed("item-not-found", v.svc.handledBefore(v.wire, e)))
	}
	return nil
}

// enable begins to count; false if that was begun before. There are servers that send their first stanzas
// before they ask for it (Prosody 0.12). Where the connection serves a link by then, what goes out on it
// stays uncounted.
func (v *visitor) enable() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.counted {
		return false
	}
	v.counted = true
	v.sm = !v.lent.Load() // see lend
	v.smID = rand.Text()
	v.in.window.Start()
	v.in.told = v.in.window.Received()
	v.svc.remember(v.wire)
	v.out.control = append(v.out.control, "<enabled xmlns='"+ns.SM+"' id='"+v.smID+"'/>"...)
	v.kick()
	return true
}

func smFailed(condition string, h *uint32) string {
	count := ""
	if h != nil {
		count = itoa(*h)
	}
	w := xmltree.NewWriter(128)
	return w.Open(ns.SM, "failed", "h", count).Empty(ns.Stanzas, condition).Close().String()
}

// manage begins stream management (XEP-0198 section 3). Before that it asks what arrived on the
// connection that was lost: streams are not resumed, but a server that remembers the last one says in its
// refusal how far it got.
func (c *caller) manage(lost parting) (handled *uint32, err error) {
	answer := func(e xmltree.Element) bool { return e.Space() == ns.SM }
	if lost.id != "" && lost.wire != nil && !lost.wire.inbound {
		if err := c.put("<resume xmlns='" + ns.SM + "' previd='" + xmlAttr(lost.id) + "' h='" + itoa(lost.received) + "'/>"); err != nil {
			return nil, err
		}
		e, err := c.expect(answer)
		switch {
		case err != nil:
			return nil, err
		case e.Local() != "failed":
			return nil, &trouble{words: "it resumes a stream that cannot be resumed"}
		}
		if h, err := strconv.ParseUint(e.Attr("h"), 10, 32); err == nil {
			n := uint32(h)
			handled = &n
		}
	}
	if err := c.put("<enable xmlns='" + ns.SM + "'/>"); err != nil {
		return nil, err
	}
	e, err := c.expect(answer)
	if err != nil {
		return nil, err
	}
	if e.Local() == "enabled" {
		c.sm, c.smID = true, e.Attr("id")
		c.mu.Lock()
		c.counted = true
		c.mu.Unlock()
		c.in.window.Start()
	}
	return handled, nil
}

func xmlAttr(s string) string {
	w := xmltree.NewWriter(64)
	w.Attr("a", s)
	v := w.String()
	return v[len(" a='") : len(v)-1]
}

// endedWires remembers wires by the id of their stream management: after a loss, the other side asks how
// much of what it sent has arrived (XEP-0198 section 5).
type endedWires struct {
	byID  map[string]*wire
	order []string // a ring once it is full
	next  int
}

func (s *Service) remember(w *wire) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := &s.ended
	if e.byID == nil {
		e.byID = map[string]*wire{}
	}
	if len(e.order) < maxEnded {
		e.order = append(e.order, w.smID)
	} else {
		delete(e.byID, e.order[e.next])
		e.order[e.next] = w.smID
		e.next = (e.next + 1) % maxEnded
	}
	e.byID[w.smID] = w
}

// handledBefore is how many stanzas were taken on the wire that a resume element names; nil if there
// was none, or another domain's. Streams are not resumed: with the counters known, a new one goes on
// where the last one ended.
func (s *Service) handledBefore(w *wire, e xmltree.Element) *uint32 {
	s.mu.Lock()
	old := s.ended.byID[e.Attr("previd")]
	s.mu.Unlock()
	if old == nil || old.Link != w.Link {
		return nil
	}
	// It may look alive from here.
	old.abort()
	select {
	case <-old.done:
	case <-w.ctx.Done():
		return nil
	}
	// What came by it may still be on its way into the archive: the other side must not be told less than
	// what will be stored in the end, or it would send that again.
	if !old.settle(answerTime) {
		return nil
	}
	if h, err := strconv.ParseUint(e.Attr("h"), 10, 32); err == nil {
		if l := s.linkIfAny(old.Link); l != nil {
			l.do(func() { l.arrived(old, uint32(h)) }) //nolint:gosec // it was read as 32 bits
		}
	}
	old.mu.Lock()
	defer old.mu.Unlock()
	h := old.in.window.H()
	return &h
}
