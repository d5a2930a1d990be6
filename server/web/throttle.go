package web

import (
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// The requests of one address about invites. A token cannot be guessed; this keeps one visitor
// from keeping the database busy.
const (
	lookupRate  = rate.Limit(1) // a second
	lookupBurst = 60
	createRate  = rate.Limit(1.0 / 20)
	createBurst = 20

	// throttleSize bounds how many addresses are remembered: so many, and the so many before.
	throttleSize = 4096
)

// throttle bounds how often each address may do something.
type throttle struct {
	limit rate.Limit
	burst int

	mu sync.Mutex // guards the fields below
	// Who came lately, and who came before them. When the first are too many they become the
	// second, so that the oldest are forgotten without looking for them.
	known, before map[netip.Addr]*rate.Limiter
}

func newThrottle(limit rate.Limit, burst int) *throttle {
	return &throttle{limit: limit, burst: burst, known: map[netip.Addr]*rate.Limiter{}}
}

// wait is how long an address has to wait; zero lets it in and counts.
func (t *throttle) wait(a netip.Addr, now time.Time) time.Duration {
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
		if len(t.known) >= throttleSize {
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
