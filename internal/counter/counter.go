// Package counter counts what a program must be able to tell about itself: how
// often a queue was full, how many connections were refused, how many commits
// were made. Every bounded thing in Kith owns a counter with a name, so that
// nothing is dropped without a trace.
package counter

import "sync/atomic"

// Counter is a number that only grows. It is safe for concurrent use. Counters
// belong to the part that counts; there is no registry.
type Counter struct {
	name string
	n    atomic.Uint64
}

// New makes a counter. The name is in the form that metrics use: lower case words
// joined by underscores, the part first ("store_queue_full").
func New(name string) *Counter { return &Counter{name: name} }

// Name is the name that was given to New.
func (c *Counter) Name() string { return c.name }

// Inc adds one.
func (c *Counter) Inc() { c.n.Add(1) }

// Add adds n.
func (c *Counter) Add(n uint64) { c.n.Add(n) }

// Load is the number so far.
func (c *Counter) Load() uint64 { return c.n.Load() }
