package muc

// line keeps what a room says in order while messages wait for their commit.
//
// The state of the room changes when a stanza arrives; what is to be said about it is an entry here.
// It is said when everything before it has been said and, for a message, when it is durable.
type line struct {
	entries []*entry
	head    int
}

type entry struct {
	ready bool
	err   error
	// say is called once, with the error of the commit. It must only send, not change the room.
	say func(err error)
}

func (l *line) empty() bool { return l.head == len(l.entries) }

func (l *line) push(e *entry) {
	if l.empty() {
		l.entries, l.head = l.entries[:0], 0
	}
	l.entries = append(l.entries, e)
}

// pop takes the first entry if it is ready.
func (l *line) pop() *entry {
	if l.empty() || !l.entries[l.head].ready {
		return nil
	}
	e := l.entries[l.head]
	l.entries[l.head] = nil
	l.head++
	if l.head > 64 && l.head*2 > len(l.entries) {
		n := copy(l.entries, l.entries[l.head:])
		clear(l.entries[n:])
		l.entries, l.head = l.entries[:n], 0
	}
	return e
}

// later runs say when everything before it has been said; at once if nothing waits.
func (r *Room) later(say func()) {
	if r.line.empty() {
		say()
		return
	}
	r.line.push(&entry{ready: true, say: func(error) { say() }})
}

// committed lets an entry pass whose commit has ended.
func (r *Room) committed(e *entry, err error) {
	e.ready, e.err = true, err
	for e := r.line.pop(); e != nil; e = r.line.pop() {
		e.say(e.err)
	}
}
