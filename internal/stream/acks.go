package stream

import "errors"

// ErrTooHigh: the peer acknowledged stanzas that it was never sent (XEP-0198 section 6).
var ErrTooHigh = errors.New("stream: handled count too high")

// Inbound counts the stanzas that came in, and how many of them are handled: those before the
// first one that is not, since h counts without gaps (XEP-0198 section 4). Stanzas may be
// handled in any order.
//
// Its numbers do not wrap; [Inbound.H] does.
type Inbound struct {
	received, handled uint64
	// base is where counting began.
	base uint64
	// done marks those after handled; a ring with one bit each.
	done []uint64
}

// NewInbound makes a counter for at most window stanzas that are not handled.
func NewInbound(window int) *Inbound {
	return &Inbound{done: make([]uint64, (window+63)/64)}
}

// Start begins to count at zero: what came in before does not count (XEP-0198 section 4).
func (c *Inbound) Start() { c.base = c.received }

// Full reports whether no stanza may be received before another one is handled.
func (c *Inbound) Full() bool { return c.received-c.handled >= uint64(len(c.done)*64) }

// Receive counts a stanza and returns its number. It must not be called when c is full.
func (c *Inbound) Receive() uint64 {
	if c.Full() {
		panic("stream: more stanzas received than the window holds")
	}
	c.received++
	return c.received
}

// Handle records that the stanza with this number is handled; a second time is no harm. It
// reports whether h has moved.
func (c *Inbound) Handle(n uint64) bool {
	if n <= c.handled || n > c.received {
		return false
	}
	c.set(n, true)
	moved := false
	for c.handled < c.received && c.get(c.handled+1) {
		c.handled++
		c.set(c.handled, false)
		moved = true
	}
	return moved
}

func (c *Inbound) get(n uint64) bool {
	i := n % uint64(len(c.done)*64)
	return c.done[i/64]&(1<<(i%64)) != 0
}

func (c *Inbound) set(n uint64, v bool) {
	i := n % uint64(len(c.done)*64)
	if v {
		c.done[i/64] |= 1 << (i % 64)
	} else {
		c.done[i/64] &^= 1 << (i % 64)
	}
}

// Received is the number of the last stanza that came in, Handled that of the last one that is
// handled with all before it.
func (c *Inbound) Received() uint64 { return c.received }

// Handled is the number of the last stanza that is handled along with all before it.
func (c *Inbound) Handled() uint64 { return c.handled }

// Settled reports whether everything that came in is handled.
func (c *Inbound) Settled() bool { return c.handled == c.received }

// H is the value for <a/> and <resumed/>: handled stanzas since Start, modulo 2^32.
func (c *Inbound) H() uint32 {
	if c.handled < c.base {
		return 0
	}
	return uint32(c.handled - c.base) //nolint:gosec // modulo 2^32 is what the protocol says
}

// Outbound counts the stanzas that were sent and how many of them the peer has acknowledged.
type Outbound struct {
	sent, acked uint32
}

// Sent counts n more stanzas.
func (c *Outbound) Sent(n int) { c.sent += uint32(n) } //nolint:gosec // modulo 2^32 is what the protocol says

// Count is how many were sent, modulo 2^32.
func (c *Outbound) Count() uint32 { return c.sent }

// Unacked is how many the peer has not acknowledged.
func (c *Outbound) Unacked() int { return int(c.sent - c.acked) }

// Ack takes an h of the peer and returns how many stanzas it newly acknowledges, oldest first.
// [ErrTooHigh] if there were not so many; an h that goes back looks the same.
func (c *Outbound) Ack(h uint32) (int, error) {
	n := h - c.acked
	if n > c.sent-c.acked {
		return 0, ErrTooHigh
	}
	c.acked = h
	return int(n), nil
}
