package federation

import (
	"time"

	"kith/internal/payload"
	"kith/internal/stanza"
)

// entry is one stanza for another server.
type entry struct {
	stanza *stanza.Stanza
	// seq orders everything that this server sends to others.
	seq int64
	// at is when it was taken, until when it is given up.
	at, until time.Time
	// accept says that responsibility was taken; nil if it was said, or if nobody asks.
	accept func()
	// queued is called when its write to disk is under way; nil if nobody asks.
	queued func(bool)
	kind   kind
	// stored: it is on disk, or on its way there while storing is set.
	stored, storing bool
	// risked: it was on a wire at least once.
	risked bool
	// tries is how often the other server ended the stream when this was the first stanza that it
	// had not acknowledged.
	tries int
}

func (e *entry) accepted() {
	if f := e.accept; f != nil {
		e.accept = nil
		f()
	}
}

// kind is how much a stanza matters when it cannot be delivered at once.
type kind uint8

const (
	// lasting: it is kept on disk until it is delivered or its time is over.
	lasting kind = iota + 1
	// room: what a room says. It waits for some minutes, in memory.
	room
	// momentary: a request, or an answer to one: nobody waits long for it.
	momentary
	// slight: nobody would miss it.
	slight
	// state: presence, of which the last one counts.
	state
)

// kindOf looks at a stanza.
func kindOf(st *stanza.Stanza) kind {
	switch st.Kind {
	case stanza.IQ:
		return momentary
	case stanza.Presence:
		switch st.Type {
		case stanza.Subscribe, stanza.Subscribed, stanza.Unsubscribe, stanza.Unsubscribed:
			return lasting
		case stanza.Error:
			return momentary
		default:
			return state
		}
	case stanza.Message:
		switch st.Type {
		case stanza.Error:
			return momentary
		case stanza.Groupchat:
			if st.To.IsBare() {
				return lasting // a person's, for a room
			}
			return room
		case stanza.Headline:
			return room
		default:
			if payload.Classify(st).Worthy() {
				return lasting
			}
		}
	}
	return slight
}

// life is how long a stanza waits before it is given up.
func (c Config) life(k kind, st *stanza.Stanza) time.Duration {
	switch {
	case k == room, st.Type == stanza.Groupchat:
		return min(roomTime, c.KeepTime)
	case k == momentary, k == slight:
		return staleTime
	default:
		return c.KeepTime
	}
}

// queue holds entries in order; the first sent of them are on the present wire.
type queue struct {
	entries []*entry
	head    int
	sent    int
	bytes   int
}

func (q *queue) len() int { return len(q.entries) - q.head }

func (q *queue) at(i int) *entry { return q.entries[q.head+i] }

// all are the entries in their order.
func (q *queue) all() []*entry { return q.entries[q.head:] }

func (q *queue) push(e *entry) {
	q.entries = append(q.entries, e)
	q.bytes += e.stanza.Size()
}

// drop takes n entries from the head.
func (q *queue) drop(n int) {
	for i := q.head; i < q.head+n; i++ {
		q.bytes -= q.entries[i].stanza.Size()
		q.entries[i] = nil
	}
	q.head += n
	q.sent = max(0, q.sent-n)
	switch {
	case q.head == len(q.entries):
		q.head = 0
		if cap(q.entries) > 64 {
			q.entries = nil
		} else {
			q.entries = q.entries[:0]
		}
	case q.head > 64 && q.head*2 > len(q.entries):
		k := copy(q.entries, q.entries[q.head:])
		clear(q.entries[k:])
		q.entries, q.head = q.entries[:k], 0
	}
}

// filter keeps those entries beyond the ones that were sent for which keep says so.
func (q *queue) filter(keep func(*entry) bool) {
	all := q.entries[q.head+q.sent:]
	kept := all[:0]
	for _, e := range all {
		if keep(e) {
			kept = append(kept, e)
		} else {
			q.bytes -= e.stanza.Size()
		}
	}
	clear(all[len(kept):])
	q.entries = q.entries[:q.head+q.sent+len(kept)]
}

// replaces reports whether presence makes an earlier one from and to the same entities void.
func replaces(later, earlier *stanza.Stanza) bool {
	return earlier.From == later.From && earlier.To == later.To && (earlier.Type == stanza.Probe) == (later.Type == stanza.Probe)
}
