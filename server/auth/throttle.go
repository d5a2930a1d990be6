package auth

import (
	"container/list"
	"fmt"
	"math"
	"net/netip"
	"sync"
	"time"

	"kith/internal/clock"
)

// ThrottledError is a refusal because of earlier failures.
type ThrottledError struct {
	// Wait is how long until the next attempt will be looked at.
	Wait time.Duration
}

func (e *ThrottledError) Error() string {
	return fmt.Sprintf("%v: wait %s", ErrThrottled, e.Wait.Round(time.Second))
}

func (e *ThrottledError) Unwrap() error { return ErrThrottled }

// throttle slows down those who guess passwords. Every attempt is charged just before its proof is
// looked at, and given back when it succeeds, so that many at the same time are no way around it.
//
// Three things are counted. The attempts of one address at one account: a device with an old
// password is stopped here, and does not spoil the address for the others in its house. The
// attempts of one address at all accounts: someone who tries many names. The attempts at one
// account from everywhere: it is never locked, since that would be a way to lock its owner out
// (XEP-0205 section 3); only the answers come later.
//
// Names are counted whether there is such an account or not.
type throttle struct {
	cfg   ThrottleConfig
	clock clock.Clock

	mu       sync.Mutex // guards the tables
	address  *table[netip.Prefix]
	pairs    *table[pair]
	accounts *table[string]
	known    *table[pair] // pairs that logged in lately
}

type pair struct {
	from netip.Prefix
	name string
}

func newThrottle(cfg ThrottleConfig, c clock.Clock) *throttle {
	return &throttle{
		cfg: cfg, clock: c,
		address:  newTable[netip.Prefix](cfg.Remember, cfg.Forget),
		pairs:    newTable[pair](cfg.Remember, cfg.Forget),
		accounts: newTable[string](cfg.Remember, cfg.Forget),
		known:    newTable[pair](cfg.Remember, cfg.Forget),
	}
}

// maxDelay bounds how long the answer to an account under attack is held back.
const maxDelay = 5 * time.Second

// check tells whether an attempt would be refused now, without charging it.
func (t *throttle) check(from netip.Addr, name string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.refuse(from, name, t.clock.Now())
}

func (t *throttle) refuse(from netip.Addr, name string, now time.Time) error {
	net, wide := prefixes(from)
	wait := t.pairs.get(pair{net, name}, now).wait(now)
	for _, a := range []netip.Prefix{net, wide} {
		wait = max(wait, t.address.get(a, now).wait(now))
	}
	if wait > 0 {
		return &ThrottledError{Wait: wait}
	}
	return nil
}

// begin charges an attempt. It returns how long to wait before going on, or a [*ThrottledError].
func (t *throttle) begin(from netip.Addr, name string) (delay time.Duration, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.clock.Now()
	if err := t.refuse(from, name, now); err != nil {
		return 0, err
	}
	net, wide := prefixes(from)
	p := pair{net, name}
	t.pairs.charge(p, now, t.cfg.Tries, t.cfg)
	if !shared(from) {
		t.address.charge(net, now, t.cfg.AddressTries, t.cfg)
		if wide.IsValid() {
			t.address.charge(wide, now, 4*t.cfg.AddressTries, t.cfg)
		}
	}
	over := t.accounts.charge(name, now, t.cfg.AccountTries, t.cfg)
	if over > 0 && !t.known.get(p, now).remembered() {
		delay = min(maxDelay, 100*time.Millisecond<<min(over, 10))
	}
	return delay, nil
}

// succeeded gives back what begin charged.
func (t *throttle) succeeded(from netip.Addr, name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.clock.Now()
	net, wide := prefixes(from)
	p := pair{net, name}
	t.pairs.remove(p)
	t.address.refund(net, now)
	t.address.refund(wide, now)
	t.accounts.refund(name, now)
	t.known.set(p, tally{n: 8, at: now}) // for four half-lives
}

// prefixes are the network that one subscriber has and, for IPv6, the one around it of which a
// subscriber may have many.
func prefixes(a netip.Addr) (net, wide netip.Prefix) {
	a = a.Unmap().WithZone("")
	if !a.IsValid() {
		return netip.Prefix{}, netip.Prefix{}
	}
	if a.Is4() {
		return netip.PrefixFrom(a, 32), netip.Prefix{}
	}
	// Neither fails: the address is valid and long enough.
	net, _ = a.Prefix(64)
	wide, _ = a.Prefix(48)
	return net, wide
}

// shared addresses stand for anyone: those of a proxy or a container's bridge on this machine, or
// none at all.
func shared(a netip.Addr) bool {
	a = a.Unmap()
	return !a.IsValid() || a.IsLoopback() || a.IsPrivate() || a.IsLinkLocalUnicast()
}

// tally is a number of attempts, half of which are forgotten with each half-life.
type tally struct {
	n     float64
	at    time.Time
	until time.Time // refused before
}

func (t tally) wait(now time.Time) time.Duration { return max(0, t.until.Sub(now)) }

// remembered: at least half an attempt is left.
func (t tally) remembered() bool { return t.n >= 0.5 }

// table is a map of tallies that forgets the one unused for longest when it is full.
type table[K comparable] struct {
	max   int
	half  time.Duration
	m     map[K]*list.Element
	order *list.List // of row[K], the one used last in front
}

type row[K comparable] struct {
	key K
	tally
}

func newTable[K comparable](size int, half time.Duration) *table[K] {
	return &table[K]{max: size, half: half, m: map[K]*list.Element{}, order: list.New()}
}

func (t *table[K]) get(k K, now time.Time) tally {
	e, ok := t.m[k]
	if !ok {
		return tally{at: now}
	}
	v := e.Value.(*row[K]).tally
	if d := now.Sub(v.at); d > 0 {
		v.n *= math.Exp2(-float64(d) / float64(t.half))
		v.at = now
	}
	return v
}

func (t *table[K]) set(k K, v tally) {
	if e, ok := t.m[k]; ok {
		e.Value.(*row[K]).tally = v
		t.order.MoveToFront(e)
		return
	}
	if t.order.Len() >= t.max {
		last := t.order.Back()
		delete(t.m, last.Value.(*row[K]).key)
		t.order.Remove(last)
	}
	t.m[k] = t.order.PushFront(&row[K]{key: k, tally: v})
}

func (t *table[K]) remove(k K) {
	if e, ok := t.m[k]; ok {
		delete(t.m, k)
		t.order.Remove(e)
	}
}

// charge adds one and returns how many there are above those that are free. The wait applies to
// the attempt after this one.
func (t *table[K]) charge(k K, now time.Time, free int, cfg ThrottleConfig) (over int) {
	v := t.get(k, now)
	v.n++
	over = int(math.Round(v.n)) - free
	if over >= 0 {
		// The last free try that fails brings the first wait.
		v.until = now.Add(backoff(cfg, over))
	}
	t.set(k, v)
	return over
}

func backoff(cfg ThrottleConfig, n int) time.Duration {
	d := cfg.Wait
	for range n {
		if d >= cfg.MaxWait/2 {
			return cfg.MaxWait
		}
		d *= 2
	}
	return min(d, cfg.MaxWait)
}

func (t *table[K]) refund(k K, now time.Time) {
	if _, ok := t.m[k]; !ok {
		return
	}
	v := t.get(k, now)
	v.n = max(0, v.n-1)
	v.until = time.Time{}
	t.set(k, v)
}
