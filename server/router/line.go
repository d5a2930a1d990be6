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
	// next is the first entry that may still have to be routed: an outgoing message need not wait
	// for its own commit to be sent on, but for that of what comes before it and is no message.
	next int
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
		l.entries, l.head, l.next = l.entries[:0], 0, 0
	}
	l.entries = append(l.entries, e)
}

// unforwarded takes the next message that waits for its commit and can be routed; nil if there is
// none.
func (l *line) unforwarded() *entry {
	for l.next < len(l.entries) {
		e := l.entries[l.next]
		switch {
		case e.routed:
			l.next++
		case e.ready:
			return nil // it is routed when it stands first
		default:
			l.next++
			e.routed = true
			return e
		}
	}
	return nil
}

// pop takes the first entry if it is ready.
func (l *line) pop() *entry {
	if l.empty() || !l.entries[l.head].ready {
		return nil
	}
	e := l.entries[l.head]
	l.entries[l.head] = nil
	l.head++
	l.next = max(l.next, l.head)
	if l.head > 64 && l.head*2 > len(l.entries) {
		n := copy(l.entries, l.entries[l.head:])
		clear(l.entries[n:])
		l.entries, l.head, l.next = l.entries[:n], 0, l.next-l.head
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
	a.forwardNext()
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
