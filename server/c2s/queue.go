package c2s

import (
	"kith/internal/stanza"
)

// outgoing is one thing to write: a stanza, or an element of the stream.
type outgoing struct {
	stanza    *stanza.Stanza
	delivered func()
	// element, if there is no stanza. counting says that stream management counts what follows.
	element  string
	counting bool
}

func (o outgoing) write(c Conn) {
	if o.stanza != nil {
		c.Stanza(o.stanza)
		return
	}
	c.Element(o.element)
}

func (o outgoing) size() int {
	if o.stanza != nil {
		return o.stanza.Size()
	}
	return len(o.element)
}

// queue holds what is to be written, and after it is written, while stream management is in use,
// what is to be acknowledged.
type queue struct {
	entries []outgoing
	head    int
	// sent is how many from head on were written to the present link, counted how many of them
	// stream management has counted: more, after a resumption.
	sent, counted int
	bytes         int
}

func (q *queue) len() int { return len(q.entries) - q.head }

// over reports whether the queue has outgrown its limits.
func (q *queue) over(c Config) bool { return q.len() > c.QueueStanzas || q.bytes > int(c.QueueBytes) }

func (q *queue) push(o outgoing) {
	q.entries = append(q.entries, o)
	q.bytes += o.size()
}

// rest is everything, unsent what was not written to the present link.
func (q *queue) rest() []outgoing   { return q.entries[q.head:] }
func (q *queue) unsent() []outgoing { return q.entries[q.head+q.sent:] }

// drop takes n entries from the head.
func (q *queue) drop(n int) {
	for i := q.head; i < q.head+n; i++ {
		q.bytes -= q.entries[i].size()
		q.entries[i] = outgoing{}
	}
	q.head += n
	q.sent, q.counted = max(0, q.sent-n), max(0, q.counted-n)
	switch {
	case q.head == len(q.entries):
		// A queue at rest holds no memory.
		q.head = 0
		if cap(q.entries) > 16 {
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
