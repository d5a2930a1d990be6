package mailbox_test

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"kith/internal/counter"
	"kith/internal/mailbox"
)

func TestKeepsOrderPerPoster(t *testing.T) {
	const posters, each = 8, 2000
	var (
		next [posters]int // only the handler touches it: the race detector proves that it is alone
		wg   sync.WaitGroup
	)
	type msg struct{ who, n int }
	m := mailbox.New(posters*each, counter.New("t"), func(v msg) {
		if next[v.who] != v.n {
			t.Errorf("poster %d: got %d, want %d", v.who, v.n, next[v.who])
		}
		next[v.who]++
	})
	for who := range posters {
		wg.Go(func() {
			for n := range each {
				if err := m.Post(msg{who, n}); err != nil {
					t.Errorf("Post: %v", err)
				}
			}
		})
	}
	wg.Wait()
	<-m.Close()
	for who, n := range next {
		if n != each {
			t.Errorf("poster %d: %d of %d handled", who, n, each)
		}
	}
}

func TestFullIsRefusedAndCounted(t *testing.T) {
	over := counter.New("t_full")
	release, began := make(chan struct{}), make(chan struct{}, 16)
	var handled []int
	m := mailbox.New(3, over, func(v int) {
		began <- struct{}{}
		<-release
		handled = append(handled, v)
	})
	if err := m.Post(0); err != nil {
		t.Fatal(err)
	}
	<-began // 0 is being handled and does not count
	for v := 1; v <= 3; v++ {
		if err := m.Post(v); err != nil {
			t.Fatalf("Post(%d): %v", v, err)
		}
	}
	if err := m.Post(4); !errors.Is(err, mailbox.ErrFull) {
		t.Fatalf("Post to a full mailbox: %v", err)
	}
	if over.Load() != 1 {
		t.Fatalf("overflows = %d, want 1", over.Load())
	}
	if err := m.Force(5); err != nil {
		t.Fatalf("Force to a full mailbox: %v", err)
	}
	if m.Len() != 4 {
		t.Fatalf("Len() = %d, want 4", m.Len())
	}
	drained := m.Close()
	if err := m.Post(6); !errors.Is(err, mailbox.ErrClosed) {
		t.Fatalf("Post after Close: %v", err)
	}
	if err := m.Force(6); !errors.Is(err, mailbox.ErrClosed) {
		t.Fatalf("Force after Close: %v", err)
	}
	close(release)
	<-drained
	<-m.Close() // again, also after the end
	if got := len(handled); got != 5 || handled[4] != 5 {
		t.Fatalf("handled %v", handled)
	}
}

// The goroutine comes and goes with every message here; none may be lost in between.
func TestNoPostIsLostWhenTheRunnerStops(t *testing.T) {
	const n = 50_000
	var handled atomic.Int64
	got := make(chan struct{}, 1)
	m := mailbox.New(4, counter.New("t"), func(int) {
		handled.Add(1)
		got <- struct{}{}
	})
	for i := range n {
		if err := m.Post(i); err != nil {
			t.Fatal(err)
		}
		<-got // the runner is just about to stop when the next post comes
	}
	<-m.Close()
	if handled.Load() != n {
		t.Fatalf("handled %d of %d", handled.Load(), n)
	}
}

// Many goroutines look an actor up and post, while it retires whenever it is idle: the way
// in which account actors come and go. Every message must be handled exactly once.
func TestRetireNeverLosesAPost(t *testing.T) {
	var (
		mu      sync.Mutex
		current *mailbox.Mailbox[int]
		handled atomic.Int64
		retired atomic.Int64
	)
	over := counter.New("t")
	spawn := func() *mailbox.Mailbox[int] {
		var self *mailbox.Mailbox[int]
		self = mailbox.New(1<<20, over, func(int) {
			handled.Add(1)
			if self.Retire() {
				retired.Add(1)
				mu.Lock()
				if current == self {
					current = nil
				}
				mu.Unlock()
			}
		})
		return self
	}
	const posters, each = 4, 5000
	var wg sync.WaitGroup
	for range posters {
		wg.Go(func() {
			for i := range each {
				for {
					mu.Lock()
					if current == nil {
						current = spawn()
					}
					m := current
					mu.Unlock()
					err := m.Post(i)
					if err == nil {
						break
					}
					if !errors.Is(err, mailbox.ErrClosed) {
						t.Errorf("Post: %v", err)
						return
					}
				}
			}
		})
	}
	wg.Wait()
	mu.Lock()
	last := current
	mu.Unlock()
	if last != nil {
		<-last.Close()
	}
	if handled.Load() != posters*each {
		t.Fatalf("handled %d of %d", handled.Load(), posters*each)
	}
	if retired.Load() < 2 {
		t.Fatalf("the actor retired %d times: the test did not exercise it", retired.Load())
	}
}

func TestHandlerMayPostToItself(t *testing.T) {
	var sum int
	var m *mailbox.Mailbox[int]
	done := make(chan struct{})
	m = mailbox.New(1, counter.New("t"), func(v int) {
		sum += v
		if v == 0 {
			m.Close()
			close(done)
			return
		}
		if err := m.Post(v - 1); err != nil {
			t.Errorf("Post: %v", err)
		}
	})
	if err := m.Post(100); err != nil {
		t.Fatal(err)
	}
	<-done
	<-m.Close()
	if sum != 5050 {
		t.Fatalf("sum = %d", sum)
	}
}

func TestBurstKeepsOrderThroughGrowthAndGivesMemoryBack(t *testing.T) {
	release, began := make(chan struct{}), make(chan struct{})
	var got []int
	m := mailbox.New(10_000, counter.New("t"), func(v int) {
		if v < 0 {
			close(began)
			<-release
			return
		}
		got = append(got, v)
	})
	_ = m.Post(-1)
	<-began
	for i := range 5000 {
		if err := m.Post(i); err != nil {
			t.Fatal(err)
		}
	}
	close(release)
	<-m.Close()
	for i, v := range got {
		if v != i {
			t.Fatalf("got[%d] = %d", i, v)
		}
	}
	if len(got) != 5000 {
		t.Fatalf("handled %d", len(got))
	}
}

// Busy: the queue always holds something. PingPong: the goroutine starts and ends for
// every message, the worst case. The channel variants are the usual actor loop.
func BenchmarkBusy(b *testing.B) {
	var wg sync.WaitGroup
	wg.Add(b.N)
	m := mailbox.New(1<<30, counter.New("b"), func(*int) { wg.Done() })
	v := new(int)
	b.ReportAllocs()
	for range b.N {
		_ = m.Post(v)
	}
	wg.Wait()
}

func BenchmarkBusyChannel(b *testing.B) {
	var wg sync.WaitGroup
	wg.Add(b.N)
	c := make(chan *int, 1024)
	go func() {
		for range c {
			wg.Done()
		}
	}()
	v := new(int)
	b.ReportAllocs()
	for range b.N {
		c <- v
	}
	wg.Wait()
	close(c)
}

func BenchmarkPingPong(b *testing.B) {
	done := make(chan struct{}, 1)
	m := mailbox.New(16, counter.New("b"), func(*int) { done <- struct{}{} })
	v := new(int)
	b.ReportAllocs()
	for range b.N {
		_ = m.Post(v)
		<-done
	}
}

func BenchmarkPingPongChannel(b *testing.B) {
	done := make(chan struct{}, 1)
	c := make(chan *int, 16)
	go func() {
		for range c {
			done <- struct{}{}
		}
	}()
	v := new(int)
	b.ReportAllocs()
	for range b.N {
		c <- v
		<-done
	}
	close(c)
}
