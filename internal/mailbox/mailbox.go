// Package mailbox is the inbox of an actor: a bounded queue whose messages are handled
// one after the other, in the order in which they were posted, by at most one goroutine.
//
// The goroutine exists only while there is something to handle. The first message to an
// idle mailbox starts it, and it ends when the queue is empty; both are decided under the
// lock that Post takes, so a message that races with the end is never left behind. An
// actor that is at rest costs no stack, and ten thousand of them can wait.
package mailbox

import (
	"errors"
	"sync"
	"sync/atomic"

	"kith/internal/counter"
)

var (
	// ErrFull means that the mailbox holds as many messages as it may; the message was
	// not taken, and the overflow was counted.
	ErrFull = errors.New("mailbox: full")
	// ErrClosed means that the actor takes no more messages.
	ErrClosed = errors.New("mailbox: closed")
)

const (
	// idleRing is the largest ring that an idle mailbox keeps; a burst's is given back.
	idleRing = 32
	// batch is how many messages the runner takes with one lock.
	batch = 16
)

// Mailbox is a bounded queue with the function that handles what is in it. All methods
// are safe for concurrent use, and may be called by the handler itself.
type Mailbox[T any] struct {
	handle   func(T)
	capacity int
	overflow *counter.Counter

	// left is how many messages of the runner's batch are not yet handed to the handler.
	// Only the runner writes it.
	left atomic.Int32

	mu      sync.Mutex // guards everything below
	ring    []T        // length is a power of two, or nil
	head, n int
	running bool
	closed  bool
	drained chan struct{} // made by Close, closed when closed && !running
}

// New makes an empty mailbox for at most capacity messages that wait; the one that is
// being handled does not count. Each message that finds it full is counted in overflow,
// which many mailboxes may share. New panics if capacity is not positive.
func New[T any](capacity int, overflow *counter.Counter, handle func(T)) *Mailbox[T] {
	if capacity <= 0 {
		panic("mailbox: capacity must be positive")
	}
	return &Mailbox[T]{handle: handle, capacity: capacity, overflow: overflow}
}

// Post adds a message, or returns [ErrFull] or [ErrClosed] and leaves everything as it
// was. It never waits for the handler.
func (m *Mailbox[T]) Post(v T) error {
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		return ErrClosed
	}
	if m.n+int(m.left.Load()) >= m.capacity {
		m.mu.Unlock()
		m.overflow.Inc()
		return ErrFull
	}
	m.add(v)
	return nil
}

// Force is Post without the bound. It is for messages that answer what the actor began or
// that give something back ("your commit is done", "your session ended"): there are never
// more of them than of the things that they are about, and losing one would lose the thing.
func (m *Mailbox[T]) Force(v T) error {
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		return ErrClosed
	}
	m.add(v)
	return nil
}

// add needs m.mu and releases it.
func (m *Mailbox[T]) add(v T) {
	if m.n == len(m.ring) {
		m.grow()
	}
	m.ring[(m.head+m.n)&(len(m.ring)-1)] = v
	m.n++
	start := !m.running
	m.running = true
	m.mu.Unlock()
	if start {
		go m.run()
	}
}

func (m *Mailbox[T]) grow() {
	ring := make([]T, max(4, 2*len(m.ring)))
	k := copy(ring, m.ring[m.head:])
	copy(ring[k:], m.ring[:m.head])
	m.ring, m.head = ring, 0
}

func (m *Mailbox[T]) run() {
	var (
		zero  T
		taken [batch]T
	)
	for {
		m.mu.Lock()
		if m.n == 0 {
			m.running = false
			if len(m.ring) > idleRing {
				m.ring, m.head = nil, 0
			}
			if m.drained != nil {
				close(m.drained)
			}
			m.mu.Unlock()
			return
		}
		n := min(m.n, batch)
		for i := range n {
			taken[i] = m.ring[m.head]
			m.ring[m.head] = zero
			m.head = (m.head + 1) & (len(m.ring) - 1)
		}
		m.n -= n
		m.left.Store(int32(n)) //nolint:gosec // at most batch
		m.mu.Unlock()
		for i := range n {
			m.left.Add(-1)
			v := taken[i]
			taken[i] = zero
			m.handle(v)
		}
	}
}

// Len is the number of messages that wait.
func (m *Mailbox[T]) Len() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.n + int(m.left.Load())
}

// Close lets no more messages in. What waits is still handled; the returned channel is
// closed after the last of it. Close may be called more than once. The handler may call
// it, but must not wait for the channel.
func (m *Mailbox[T]) Close() <-chan struct{} {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	if m.drained == nil {
		m.drained = make(chan struct{})
		if !m.running {
			close(m.drained)
		}
	}
	return m.drained
}

// Retire closes the mailbox only if no message waits, and reports whether it is closed.
// This is how an actor leaves the table in which others find it: its handler sees that
// there is nothing left to keep, calls Retire, and on true removes itself. Whoever then
// posts to it gets [ErrClosed], looks again and makes a new one; on false a message came
// first, and the actor lives on to handle it.
//
// Called from the handler, true means that this was the actor's last message. Called from
// elsewhere, the handler may still be at its last one; Close then tells when it has ended.
func (m *Mailbox[T]) Retire() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.closed && m.n+int(m.left.Load()) > 0 {
		return false
	}
	m.closed = true
	return true
}
