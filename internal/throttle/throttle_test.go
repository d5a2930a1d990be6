package throttle

import (
	"net/netip"
	"testing"
	"time"
)

func TestThrottleForgetsTheOldestFirst(t *testing.T) {
	th := New(1, 2)
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	address := func(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}) }
	spend := func(a netip.Addr) {
		for th.Wait(a, now) == 0 {
		}
	}
	spend(address(0))
	for i := 1; i <= size; i++ {
		if th.Wait(address(i), now) != 0 {
			t.Fatalf("the first request of address %d is refused", i)
		}
	}
	if th.Wait(address(0), now) == 0 {
		t.Error("an address was forgotten too early")
	}
	for i := 1; i <= 3*size; i++ {
		th.Wait(address(1_000_000+i), now)
		if n := len(th.known) + len(th.before); n > 2*size {
			t.Fatalf("%d addresses are remembered", n)
		}
	}
	if th.Wait(address(0), now) != 0 {
		t.Error("an address is remembered for ever")
	}
}
