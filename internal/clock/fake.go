package clock

import (
	"container/heap"
	"context"
	"sync"
	"time"
)

// Fake is a clock that stands still until a test advances it. What becomes due runs
// in the order of its time, and of its making where times are equal, so that a test
// sees the same order every time.
type Fake struct {
	mu   sync.Mutex // guards everything below
	now  time.Time
	due  timerHeap
	seq  uint64
	wait []waiter
}

type waiter struct {
	n    int
	done chan struct{}
}

var _ Clock = (*Fake)(nil)

// NewFake makes a clock that shows start.
func NewFake(start time.Time) *Fake { return &Fake{now: start} }

// Now is the time to which the clock was advanced.
func (f *Fake) Now() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now
}

// Advance moves the clock by d. Everything that becomes due on the way runs in this
// goroutine, one after the other, with the clock showing the time at which it was due;
// timers made on the way run too when they are due before the end.
func (f *Fake) Advance(d time.Duration) {
	f.mu.Lock()
	end := f.now.Add(d)
	for len(f.due) > 0 && !f.due[0].at.After(end) {
		t := heap.Pop(&f.due).(*fakeTimer)
		if t.at.After(f.now) {
			f.now = t.at
		}
		now := f.now
		if t.period > 0 {
			t.at = t.at.Add(t.period)
			f.push(t)
		}
		f.mu.Unlock()
		t.fire(now)
		f.mu.Lock()
	}
	if end.After(f.now) {
		f.now = end
	}
	f.mu.Unlock()
}

// Pending is the number of timers and tickers that are still to come.
func (f *Fake) Pending() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.due)
}

// WaitPending waits until at least n timers and tickers are still to come. A test calls
// it before Advance when another goroutine sets the timer.
func (f *Fake) WaitPending(ctx context.Context, n int) error {
	f.mu.Lock()
	if len(f.due) >= n {
		f.mu.Unlock()
		return nil
	}
	w := waiter{n: n, done: make(chan struct{})}
	f.wait = append(f.wait, w)
	f.mu.Unlock()
	select {
	case <-w.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// AfterFunc implements [Clock].
func (f *Fake) AfterFunc(d time.Duration, fn func()) Timer {
	t := &fakeTimer{clock: f, fire: func(time.Time) { fn() }, index: -1}
	f.start(t, d)
	return t
}

// NewTimer implements [Clock].
func (f *Fake) NewTimer(d time.Duration) ChanTimer {
	c := make(chan time.Time, 1)
	t := &fakeTimer{clock: f, c: c, fire: func(now time.Time) { send(c, now) }, index: -1}
	f.start(t, d)
	return t
}

// NewTicker implements [Clock].
func (f *Fake) NewTicker(d time.Duration) Ticker {
	if d <= 0 {
		panic("clock: ticker with a period that is not positive")
	}
	c := make(chan time.Time, 1)
	t := &fakeTimer{clock: f, c: c, period: d, fire: func(now time.Time) { send(c, now) }, index: -1}
	f.start(t, d)
	return fakeTicker{t}
}

func send(c chan time.Time, now time.Time) {
	select {
	case c <- now:
	default:
	}
}

// start sets a timer; one that is due already runs now, in this goroutine.
func (f *Fake) start(t *fakeTimer, d time.Duration) {
	f.mu.Lock()
	now := f.now
	if d <= 0 {
		f.mu.Unlock()
		t.fire(now)
		return
	}
	t.at = now.Add(d)
	f.push(t)
	f.mu.Unlock()
}

// push needs f.mu.
func (f *Fake) push(t *fakeTimer) {
	t.seq = f.seq
	f.seq++
	heap.Push(&f.due, t)
	kept := f.wait[:0]
	for _, w := range f.wait {
		if len(f.due) >= w.n {
			close(w.done)
		} else {
			kept = append(kept, w)
		}
	}
	f.wait = kept
}

type fakeTimer struct {
	clock  *Fake
	c      chan time.Time // nil for AfterFunc
	fire   func(now time.Time)
	period time.Duration
	at     time.Time
	seq    uint64
	index  int // in the heap, -1 outside
}

func (t *fakeTimer) C() <-chan time.Time { return t.c }

func (t *fakeTimer) Stop() bool {
	t.clock.mu.Lock()
	defer t.clock.mu.Unlock()
	return t.remove()
}

func (t *fakeTimer) Reset(d time.Duration) bool {
	t.clock.mu.Lock()
	was := t.remove()
	t.clock.mu.Unlock()
	t.clock.start(t, d)
	return was
}

// remove needs clock.mu.
func (t *fakeTimer) remove() bool {
	select {
	case <-t.c: // a nil channel is never ready
	default:
	}
	if t.index < 0 {
		return false
	}
	heap.Remove(&t.clock.due, t.index)
	return true
}

type fakeTicker struct{ t *fakeTimer }

func (t fakeTicker) C() <-chan time.Time { return t.t.c }
func (t fakeTicker) Stop()               { t.t.Stop() }

type timerHeap []*fakeTimer

func (h timerHeap) Len() int { return len(h) }

func (h timerHeap) Less(i, j int) bool {
	if h[i].at.Equal(h[j].at) {
		return h[i].seq < h[j].seq
	}
	return h[i].at.Before(h[j].at)
}

func (h timerHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (h *timerHeap) Push(x any) {
	t := x.(*fakeTimer)
	t.index = len(*h)
	*h = append(*h, t)
}

func (h *timerHeap) Pop() any {
	old := *h
	t := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	t.index = -1
	return t
}
