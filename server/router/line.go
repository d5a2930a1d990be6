package router

import "kith/server/module"

// line keeps the stanzas of an account in order while some of them wait for their commit.
//
// Filter and Archive run when a stanza arrives, so that one commit can take many messages.
// Everything after that happens when all earlier stanzas are through: an entry leaves the line
// when it stands first and is ready.
type line struct {
	entries []*entry
	head    int
	// unrouted counts the entries that still have to be routed: while there are none, an
	// outgoing message need not wait for its own commit to be sent on.
	unrouted int
}

// entry is one stanza in the line.
type entry struct {
	passage *module.Passage
	env     *module.Envelope
	// proceed is what remains to be done for it; failed is set if its commit failed.
	proceed func(*entry)
	ready   bool
	failed  error
	routed  bool
}

func (l *line) empty() bool { return l.head == len(l.entries) }

func (l *line) push(e *entry) {
	if l.empty() {
		l.entries, l.head = l.entries[:0], 0
	}
	if !e.routed {
		l.unrouted++
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
	if !e.routed {
		l.unrouted--
	}
	if l.head > 64 && l.head*2 > len(l.entries) {
		n := copy(l.entries, l.entries[l.head:])
		clear(l.entries[n:])
		l.entries, l.head = l.entries[:n], 0
	}
	return e
}

// enqueue puts an entry into the line, and straight through if nothing holds it up.
func (a *Account) enqueue(e *entry) {
	if e.ready && a.line.empty() {
		e.proceed(e)
		return
	}
	a.line.push(e)
}

// advance lets through what is ready.
func (a *Account) advance() {
	for e := a.line.pop(); e != nil; e = a.line.pop() {
		e.proceed(e)
	}
	if a.line.empty() {
		for _, c := range a.resting {
			close(c)
		}
		a.resting = nil
	}
}

// rest gives a channel that is closed when all that the account has got until now is done.
func (a *Account) rest() <-chan struct{} {
	c := make(chan struct{})
	err := a.box.Force(work{do: func(module.Account) {
		if a.line.empty() {
			close(c)
		} else {
			a.resting = append(a.resting, c)
		}
	}})
	if err != nil {
		close(c)
	}
	return c
}
