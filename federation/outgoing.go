package federation

import (
	"strconv"
	"time"

	"kith/internal/ns"
	"kith/internal/stream"
	"kith/internal/xmltree"
)

// outgoing is what a wire has to write.
type outgoing struct {
	// control are elements of the stream.
	control []byte
	// batch are stanzas of the link, count how many.
	batch []byte
	count int
	// writing: there is a goroutine that writes.
	writing bool
	// sent counts what stream management counts. requested: an acknowledgement is asked for, since
	// requestedAt.
	sent        stream.Outbound
	requested   bool
	requestedAt time.Time
}

const requestElement = "<r xmlns='" + ns.SM + "'/>"

func itoa(n uint32) string { return strconv.FormatUint(uint64(n), 10) }

// send gives stanzas to the wire, one batch at a time: the link is told when it is written. The buffer
// is the wire's from now on.
func (w *wire) send(batch []byte, count int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.out.batch, w.out.count = batch, count
	w.kick()
}

// say queues an element of the stream.
func (w *wire) say(xml string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.out.control) > maxControl {
		return // it asks and asks, and does not read
	}
	w.out.control = append(w.out.control, xml...)
	w.kick()
}

// maxControl bounds what is owed to a server that does not read.
const maxControl = 64 << 10

// kick starts the writer if there is something to write and nobody writes. It needs w.mu.
func (w *wire) kick() {
	o := &w.out
	if o.writing || w.closed || w.over.Load() || len(o.control) == 0 && o.count == 0 && !w.in.due {
		return
	}
	o.writing = true
	go w.pump()
}

// pump writes until there is nothing left.
func (w *wire) pump() {
	for {
		w.wmu.Lock()
		w.mu.Lock()
		b, count := w.gather()
		if len(b) == 0 || w.over.Load() {
			w.out.writing = false
			w.mu.Unlock()
			w.wmu.Unlock()
			return
		}
		l := w.link
		w.mu.Unlock()
		err := w.writeLocked(b)
		w.wmu.Unlock()
		if err != nil {
			w.mu.Lock()
			w.out.writing = false
			w.mu.Unlock()
			w.abort() // the reading goroutine sees to the rest
			return
		}
		w.svc.counters.Writes.Inc()
		w.svc.buffers.Put(b)
		if count > 0 {
			w.touch()
			l.wrote(w)
		}
	}
}

// gather takes what is to be written next: everything in one piece, so that it travels in one TLS
// record. It needs w.mu.
func (w *wire) gather() (b []byte, count int) {
	o := &w.out
	b, count = o.batch, o.count
	o.batch, o.count = nil, 0
	if len(o.control) > 0 {
		// What begins stream management must come before what it counts.
		b = append(o.control, b...)
		o.control = nil
	}
	if w.in.due {
		if b == nil {
			b = w.svc.buffers.Get()
		}
		b = w.answer(b)
	}
	if w.sm && count > 0 {
		o.sent.Sent(count)
		if !o.requested {
			b = append(b, requestElement...)
			o.requested, o.requestedAt = true, w.svc.now()
		}
	}
	return b, count
}

// lastWords appends a final acknowledgement. It needs w.mu.
func (w *wire) lastWords(b []byte) []byte {
	b = append(b, w.out.control...)
	w.out.control = nil
	if w.counted {
		b = w.answer(b)
	}
	return b
}

// acknowledged takes an h of the other side (XEP-0198 section 4).
func (w *wire) acknowledged(e xmltree.Element) *stream.Error {
	h, err := strconv.ParseUint(e.Attr("h"), 10, 32)
	if err != nil {
		return &stream.Error{Condition: stream.PolicyViolation, Text: "An acknowledgement needs a number h."}
	}
	w.mu.Lock()
	l := w.link
	if !w.sm || l == nil {
		w.mu.Unlock()
		return nil
	}
	w.out.requested = false
	n, err := w.out.sent.Ack(uint32(h))
	if err != nil {
		sent := w.out.sent.Count()
		w.mu.Unlock()
		return tooHigh(uint32(h), sent, err)
	}
	if w.out.sent.Unacked() > 0 {
		w.out.control = append(w.out.control, requestElement...)
		w.out.requested, w.out.requestedAt = true, w.svc.now()
		w.kick()
	}
	w.mu.Unlock()
	if n > 0 {
		l.confirmed(w, n)
	}
	return nil
}

// tooHigh is the error of XEP-0198 section 6.
func tooHigh(h, sent uint32, cause error) *stream.Error {
	return &stream.Error{
		Condition: stream.UndefinedCondition, Text: "You acknowledged more stanzas than were sent to you.", Cause: cause,
		App: func(w *xmltree.Writer) {
			w.Empty(ns.SM, "handled-count-too-high", "h", itoa(h), "send-count", itoa(sent))
		},
	}
}

// waitingSince is since when the other side owes an acknowledgement; zero if it owes none. A sign of
// life counts for one, as long as it goes on.
func (w *wire) waitingSince() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.sm || !w.out.requested {
		return time.Time{}
	}
	return w.out.requestedAt
}
