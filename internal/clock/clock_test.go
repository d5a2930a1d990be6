package clock_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"kith/internal/clock"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func TestFakeRunsWhatIsDueInOrder(t *testing.T) {
	c := clock.NewFake(start)
	var got []string
	note := func(s string) func() {
		return func() { got = append(got, s+"@"+c.Now().Sub(start).String()) }
	}
	c.AfterFunc(2*time.Second, note("b"))
	c.AfterFunc(time.Second, note("a"))
	c.AfterFunc(2*time.Second, note("c")) // the same time: in the order of making
	c.AfterFunc(4*time.Second, note("late"))
	c.AfterFunc(time.Second, func() {
		c.AfterFunc(500*time.Millisecond, note("nested"))
	})
	c.Advance(3 * time.Second)

	want := []string{"a@1s", "nested@1.5s", "b@2s", "c@2s"}
	if !slices.Equal(got, want) {
		t.Fatalf("ran %v, want %v", got, want)
	}
	if now := c.Now(); !now.Equal(start.Add(3 * time.Second)) {
		t.Fatalf("Now() = %v", now)
	}
	if c.Pending() != 1 {
		t.Fatalf("Pending() = %d, want 1", c.Pending())
	}
}

func TestFakeStopAndReset(t *testing.T) {
	c := clock.NewFake(start)
	n := 0
	tm := c.AfterFunc(time.Second, func() { n++ })
	if !tm.Stop() {
		t.Fatal("Stop of a waiting timer is false")
	}
	if tm.Stop() {
		t.Fatal("second Stop is true")
	}
	c.Advance(time.Minute)
	if n != 0 {
		t.Fatal("a stopped timer ran")
	}
	if tm.Reset(time.Second) {
		t.Fatal("Reset of a stopped timer is true")
	}
	if !tm.Reset(2 * time.Second) {
		t.Fatal("Reset of a waiting timer is false")
	}
	c.Advance(time.Second)
	if n != 0 {
		t.Fatal("ran before its new time")
	}
	c.Advance(time.Second)
	if n != 1 {
		t.Fatalf("ran %d times, want once", n)
	}
	c.AfterFunc(0, func() { n++ })
	if n != 2 {
		t.Fatal("a timer due now did not run")
	}
}

func TestFakeTimerAndTicker(t *testing.T) {
	c := clock.NewFake(start)
	tm := c.NewTimer(time.Second)
	tick := c.NewTicker(time.Second)
	c.Advance(3 * time.Second)
	if at := <-tm.C(); !at.Equal(start.Add(time.Second)) {
		t.Fatalf("timer sent %v", at)
	}
	if at := <-tick.C(); !at.Equal(start.Add(time.Second)) {
		t.Fatalf("ticker sent %v; ticks that nobody took are to be dropped, not replaced", at)
	}
	select {
	case at := <-tick.C():
		t.Fatalf("second tick %v was kept", at)
	default:
	}
	c.Advance(time.Second)
	if at := <-tick.C(); !at.Equal(start.Add(4 * time.Second)) {
		t.Fatalf("ticker sent %v", at)
	}
	tick.Stop()
	if c.Pending() != 0 {
		t.Fatalf("Pending() = %d after everything ended", c.Pending())
	}

	// After Reset nothing from before is received.
	tm.Reset(time.Second)
	c.Advance(time.Second)
	tm.Reset(time.Hour)
	select {
	case at := <-tm.C():
		t.Fatalf("received the time %v from before Reset", at)
	default:
	}
}

func TestFakeWaitPending(t *testing.T) {
	c := clock.NewFake(start)
	done := make(chan error, 1)
	go func() { done <- clock.Sleep(t.Context(), c, time.Hour) }()
	if err := c.WaitPending(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	c.Advance(time.Hour)
	if err := <-done; err != nil {
		t.Fatalf("Sleep: %v", err)
	}

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.WaitPending(ctx, 1); !errors.Is(err, context.Canceled) {
		t.Fatalf("WaitPending with an ended context: %v", err)
	}
	if err := clock.Sleep(ctx, c, time.Hour); !errors.Is(err, context.Canceled) {
		t.Fatalf("Sleep with an ended context: %v", err)
	}
}

// The same contract on the real clock, as far as it can be seen without waiting long.
func TestRealKeepsTheContract(t *testing.T) {
	var c clock.Clock = clock.Real{}
	ran := make(chan struct{})
	c.AfterFunc(time.Microsecond, func() { close(ran) })
	<-ran
	<-c.NewTimer(time.Microsecond).C()
	tick := c.NewTicker(time.Microsecond)
	<-tick.C()
	<-tick.C()
	tick.Stop()
	tm := c.AfterFunc(time.Hour, func() { t.Error("ran after Stop") })
	if !tm.Reset(2*time.Hour) || !tm.Stop() || tm.Stop() {
		t.Fatal("Reset and Stop of a waiting timer must be true, of a stopped one false")
	}
	if err := clock.Sleep(t.Context(), c, time.Microsecond); err != nil {
		t.Fatal(err)
	}
}
