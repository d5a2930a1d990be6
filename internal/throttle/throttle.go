// Package throttle bounds how often each address of the network may do something.
package throttle

import (
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// size bounds how many addresses are remembered: so many, and the so many before.
const size = 4096

// Throttle has a bucket of tokens for each address. It is safe for concurrent use.
type Throttle struct {
	limit rate.Limit
	burst int

	mu sync.Mutex // guards the fields below
	// Who came lately, and who came before them. When the first are too many they become the
	// second, so that the oldest are forgotten without looking for them.
	known, before map[netip.Addr]*rate.Limiter
}

// New lets each address do something burst times at once, and then limit times a second.
func New(limit rate.Limit, burst int) *Throttle {
	return &Throttle{limit: limit, burst: burst, known: map[netip.Addr]*rate.Limiter{}}
}

// Wait is how long an address has to wait; zero lets it in and counts. The addresses of an IPv6
// network of 64 bits, which one subscriber has, are one.
func (t *Throttle) Wait(a netip.Addr, now time.Time) time.Duration {
	if a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			a = p.Addr()
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.known[a]
	if l == nil {
		if l = t.before[a]; l == nil {
			l = rate.NewLimiter(t.limit, t.burst)
		}
		if len(t.known) >= size {
			t.before, t.known = t.known, map[netip.Addr]*rate.Limiter{}
		}
		t.known[a] = l
	}
	r := l.ReserveN(now, 1)
	if d := r.DelayFrom(now); d > 0 {
		r.CancelAt(now)
		return d
	}
	return 0
}
