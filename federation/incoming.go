package federation

import (
	"errors"
	"time"

	"kith/internal/clock"
	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/internal/stream"
	"kith/internal/xmltree"
)

// incoming is what a wire knows of the stanzas that came in.
type incoming struct {
	window *stream.Inbound
	// asked is up to where all must be accepted for the next acknowledgement, 0 if nobody asked. due:
	// one is to be written. told is up to where the other side knows.
	asked, told uint64
	due         bool
	// late ends the wait for what is asked.
	late clock.Timer
}

// pace is how fast a wire is read.
type pace struct {
	// budget is how many bytes may be read at once, as of filled.
	budget int64
	filled time.Time
}

// receive counts a stanza, and waits before that while too many are under way. It returns false when
// the connection is over.
func (w *wire) receive() (uint64, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.in.window.Full() {
		w.svc.counters.CreditWaits.Inc()
	}
	for w.in.window.Full() && !w.closed && w.ctx.Err() == nil {
		w.cond.Wait()
	}
	if w.in.window.Full() {
		return 0, false
	}
	return w.in.window.Receive(), true
}

// accepted notes that the server has taken responsibility for a stanza.
func (w *wire) accepted(n uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.in.window.Handle(n) {
		return
	}
	w.cond.Broadcast()
	handled := w.in.window.Handled()
	if w.counted && (w.in.asked != 0 && handled >= w.in.asked || handled >= w.in.told+ackAfter) {
		w.in.due = true
		w.kick()
	}
}

// requested answers a request for an acknowledgement as soon as all that was sent before is accepted.
func (w *wire) requested() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.counted {
		return
	}
	if w.in.window.Settled() {
		w.in.due = true
		w.kick()
		return
	}
	if w.in.asked == 0 {
		late := func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			if w.in.asked != 0 {
				// It is not right to keep anybody waiting for ever: this is how far we got.
				w.in.due = true
				w.kick()
			}
		}
		if w.in.late == nil {
			w.in.late = w.svc.deps.Clock.AfterFunc(answerTime, late)
		} else {
			w.in.late.Reset(answerTime)
		}
	}
	w.in.asked = w.in.window.Received()
}

// answer appends an acknowledgement. It needs w.mu.
func (w *wire) answer(b []byte) []byte {
	w.in.due, w.in.asked, w.in.told = false, 0, w.in.window.Handled()
	if w.in.late != nil {
		w.in.late.Stop()
	}
	b = append(b, "<a xmlns='"+ns.SM+"' h='"...)
	b = append(b, itoa(w.in.window.H())...)
	return append(b, "'/>"...)
}

// settle waits until everything that came in is accepted, for at most d.
func (w *wire) settle(d time.Duration) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	late := false
	t := w.svc.deps.Clock.AfterFunc(d, func() {
		w.mu.Lock()
		late = true
		w.cond.Broadcast()
		w.mu.Unlock()
	})
	defer t.Stop()
	for !w.in.window.Settled() && !late {
		w.cond.Wait()
	}
	return w.in.window.Settled()
}

// throttle holds up a connection that sends more than its share. Only its own reading goroutine waits.
func (w *wire) throttle(size int) {
	rate := int64(w.svc.cfg.Rate)
	now := w.svc.now()
	in := &w.pace
	most := max(4*rate, 2*int64(w.svc.cfg.StanzaBytes))
	if in.filled.IsZero() {
		in.budget = most
	} else if add := now.Sub(in.filled); add > 0 {
		in.budget = min(most, in.budget+int64(add.Seconds()*float64(rate)))
	}
	in.filled = now
	in.budget -= int64(size)
	if in.budget < 0 {
		w.svc.counters.Throttled.Inc()
		_ = clock.Sleep(w.ctx, w.svc.deps.Clock, time.Duration(float64(-in.budget)/float64(rate)*float64(time.Second)))
	}
}

// stanza takes a stanza of the other server. allowed tells whether this stream may carry stanzas from
// one domain to another.
func (w *wire) stanza(e xmltree.Element, allowed func(from, to string) *stream.Error) *stream.Error {
	size := len(e.Source())
	st, err := stanza.Read(e, ns.Client)
	switch {
	case errors.Is(err, stanza.ErrKind):
		return &stream.Error{Condition: stream.UnsupportedStanzaType}
	case st.From.IsZero():
		// RFC 6120 section 8.1.2.2.
		return &stream.Error{Condition: stream.ImproperAddressing, Text: "A stanza needs the address of its sender."}
	}
	if st.To.IsZero() {
		if err == nil || !errors.Is(err, stanza.ErrAddress) {
			return &stream.Error{Condition: stream.ImproperAddressing, Text: "A stanza needs the address of its recipient."}
		}
		if bad := allowed(st.From.Domain(), w.Local); bad != nil {
			return bad
		}
	} else if bad := allowed(st.From.Domain(), st.To.Domain()); bad != nil {
		return bad
	}
	w.throttle(size)
	n, ok := w.receive()
	if !ok {
		return nil
	}
	w.touch()
	w.stats.in.Add(1)
	w.stats.bytesIn.Add(uint64(size))
	w.svc.counters.StanzasIn.Inc()
	done := func() { w.accepted(n) }
	if err != nil {
		w.svc.malformed(w, st, err)
		done()
		return nil
	}
	w.svc.incoming(w, st, done)
	return nil
}
