// Package clock is time as a dependency: what waits or dates something asks a
// [Clock], and a test hands in a [Fake] whose hands it turns itself.
package clock

import (
	"context"
	"time"
)

// Clock tells the time and wakes callers. Implementations are safe for concurrent use.
type Clock interface {
	// Now is the current time. With the real clock it carries a monotonic reading,
	// so differences between two results are right although the wall clock jumps.
	Now() time.Time
	// AfterFunc calls f once, d from now; at once for d <= 0. The real clock calls it
	// in a goroutine of its own, the fake one in the goroutine that advances it.
	AfterFunc(d time.Duration, f func()) Timer
	// NewTimer sends the time on C once, d from now.
	NewTimer(d time.Duration) ChanTimer
	// NewTicker sends the time on C every d, which must be positive. A tick that
	// nobody has taken when the next one is due is dropped.
	NewTicker(d time.Duration) Ticker
}

// Timer is a call that is still to come.
type Timer interface {
	// Stop prevents the call; it reports whether it did so, false when the call was
	// made or stopped before. It does not wait for a call that is running.
	Stop() bool
	// Reset makes the call come d from now instead, also after it was made or
	// stopped. It reports whether the call was still to come.
	Reset(d time.Duration) bool
}

// ChanTimer is a [Timer] that sends instead of calling. After Stop or Reset no
// time from before is received.
type ChanTimer interface {
	Timer
	C() <-chan time.Time
}

// Ticker sends the time again and again until it is stopped.
type Ticker interface {
	C() <-chan time.Time
	Stop()
}

// Sleep waits for d or for the end of ctx, whose error it then returns.
func Sleep(ctx context.Context, c Clock, d time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	t := c.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C():
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Real is the clock of the machine.
type Real struct{}

var _ Clock = Real{}

func (Real) Now() time.Time { return time.Now() }

func (Real) AfterFunc(d time.Duration, f func()) Timer { return time.AfterFunc(d, f) }

func (Real) NewTimer(d time.Duration) ChanTimer { return realTimer{time.NewTimer(d)} }

func (Real) NewTicker(d time.Duration) Ticker { return realTicker{time.NewTicker(d)} }

type realTimer struct{ *time.Timer }

func (t realTimer) C() <-chan time.Time { return t.Timer.C }

type realTicker struct{ *time.Ticker }

func (t realTicker) C() <-chan time.Time { return t.Ticker.C }
