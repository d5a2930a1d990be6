package counter_test

import (
	"sync"
	"testing"

	"kith/internal/counter"
)

func TestCounterCountsFromManyGoroutines(t *testing.T) {
	c := counter.New("test_total")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 1000 {
				c.Inc()
			}
			c.Add(5)
		})
	}
	wg.Wait()
	if got := c.Load(); got != 8*1005 {
		t.Fatalf("Load() = %d, want %d", got, 8*1005)
	}
	if c.Name() != "test_total" {
		t.Fatalf("Name() = %q", c.Name())
	}
}
