package federation

import (
	"crypto/rand"
	"strings"
	"time"

	"kith/internal/ns"
	"kith/internal/peer"
	"kith/internal/stanza"
	"kith/internal/xmltree"
)

// fence finds out what arrived at a server without stream management: a ping follows the stanzas, and
// since a stream keeps its order, the answer to it confirms all before it. Who does not answer pings,
// or cannot reach us to do so, is believed to have what was written, as was usual before there were
// acknowledgements.
type fence struct {
	id string // "" while none is out
	// covers is how many stanzas of the queue are before it.
	covers int
	at     time.Time
	// deaf: the other server did not answer one.
	deaf bool
}

// fenceID marks the pings of this server.
const fenceID = "kith-fence-"

// add appends a ping to a batch if one is useful.
func (f *fence) add(l *link, w *wire, b []byte) []byte {
	if w.sm || f.deaf || f.id != "" || !l.lastingSent() {
		return b
	}
	f.id, f.covers, f.at = fenceID+rand.Text(), l.queue.sent, l.now()
	l.wake(f.at.Add(l.svc.cfg.AckTime))
	return pingOf(l.pair, f.id).Append(b)
}

func pingOf(pair peer.Link, id string) *stanza.Stanza {
	return stanza.Build(stanza.Header{
		Kind: stanza.IQ, Type: stanza.Get, ID: id, From: mustDomain(pair.Local), To: mustDomain(pair.Remote),
	}, func(w *xmltree.Writer) { w.Empty(ns.Ping, "ping") })
}

// lastingSent reports whether one of the stanzas on the wire has to be confirmed.
func (l *link) lastingSent() bool {
	for i := range l.queue.sent {
		if l.queue.at(i).kind == lasting {
			return true
		}
	}
	return false
}

// flushed is called when a batch is written: what nobody confirms is done with.
func (f *fence) flushed(l *link) {
	n := 0
	for n < l.queue.sent && (f.deaf || l.queue.at(n).kind != lasting) {
		n++
	}
	if n > 0 {
		f.covers = max(0, f.covers-n)
		l.delivered(n)
	}
	if f.id == "" && !f.deaf && l.lastingSent() && !l.writing {
		// What was written while another ping was out.
		b := f.add(l, l.wire, l.svc.buffers.Get())
		l.wire.say(string(b))
		l.svc.buffers.Put(b)
	}
}

// answered is the answer to a ping, whatever it says.
func (f *fence) answered(l *link, id string) {
	if f.id != id || id == "" {
		return
	}
	n := f.covers
	f.id, f.covers = "", 0
	l.delivered(n)
	if l.wire != nil && !l.writing {
		f.flushed(l)
	}
}

// tick gives up an answer that does not come.
func (f *fence) tick(l *link, now time.Time) {
	if f.id == "" {
		return
	}
	if at := f.at.Add(l.svc.cfg.AckTime); at.After(now) {
		l.wake(at)
		return
	}
	f.id, f.covers, f.deaf = "", 0, true
	l.svc.counters.Deaf.Inc()
	if !l.writing {
		f.flushed(l)
	}
}

// isFence reports whether a stanza answers a ping of ours.
func isFence(st *stanza.Stanza) bool {
	return st.Kind == stanza.IQ && (st.Type == stanza.Result || st.Type == stanza.Error) && st.To.IsDomain() && st.From.IsDomain() &&
		strings.HasPrefix(st.ID, fenceID)
}

// parting is what is known of a wire that was lost.
type parting struct {
	wire *wire
	// id is that of its stream management, "" if what arrived cannot be asked for.
	id string
	// acked is up to where the other side had acknowledged, sent how many stanzas it had not.
	acked uint32
	sent  int
	// received is how many stanzas of the other side were taken.
	received uint32
}

func partingOf(w *wire, sent int) parting {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := parting{wire: w, sent: sent}
	if w.sm {
		out := &w.out.sent
		p.id, p.received = w.smID, w.in.window.H()
		p.acked = out.Count() - uint32(out.Unacked()) //nolint:gosec // modulo 2^32 is what the protocol says
	}
	return p
}

// arrived takes the counter of a wire that was lost: those stanzas need not be sent again.
func (l *link) arrived(w *wire, handled uint32) {
	p := l.parting
	n := handled - p.acked // modulo 2^32
	if p.wire != w || p.id == "" || n == 0 || int64(n) > int64(p.sent) || l.wire != nil {
		return
	}
	l.queue.sent = min(int(n), l.queue.len())
	l.delivered(l.queue.sent)
	l.parting = parting{}
}
