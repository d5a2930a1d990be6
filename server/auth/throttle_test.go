package auth

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"kith/internal/clock"
)

func testThrottle() (*throttle, *clock.Fake, ThrottleConfig) {
	c := clock.NewFake(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
	cfg := DefaultConfig().Throttle
	return newThrottle(cfg, c), c, cfg
}

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

func wait(err error) time.Duration {
	if t, ok := errors.AsType[*ThrottledError](err); ok {
		return t.Wait
	}
	return 0
}

func TestBackoffGrowsAndIsForgotten(t *testing.T) {
	th, c, cfg := testThrottle()
	from := addr("198.51.100.7")
	var waits []time.Duration
	for range 40 {
		_, err := th.begin(from, "juliet")
		if w := wait(err); w > 0 {
			waits = append(waits, w)
			c.Advance(w)
		}
	}
	if waits[0] != cfg.Wait {
		t.Errorf("first wait %v", waits[0])
	}
	for i := 1; i < len(waits); i++ {
		if waits[i] < waits[i-1] && waits[i] < cfg.MaxWait/2 || waits[i] > cfg.MaxWait {
			t.Errorf("waits %v", waits)
			break
		}
	}
	if last := waits[len(waits)-1]; last < cfg.MaxWait/2 {
		t.Errorf("waits end at %v", last)
	}
	c.Advance(24 * time.Hour)
	for range cfg.Tries {
		if _, err := th.begin(from, "juliet"); err != nil {
			t.Fatalf("a day later: %v", err)
		}
	}
}

// One address that tries many names runs into the limit of addresses; its neighbours do not.
func TestManyNames(t *testing.T) {
	th, _, cfg := testThrottle()
	for i := range cfg.AddressTries {
		if _, err := th.begin(addr("198.51.100.7"), fmt.Sprint("user", i)); err != nil {
			t.Fatalf("try %d: %v", i, err)
		}
	}
	if _, err := th.begin(addr("198.51.100.7"), "juliet"); wait(err) == 0 {
		t.Error("no limit")
	}
	if _, err := th.begin(addr("198.51.100.8"), "juliet"); err != nil {
		t.Errorf("a neighbour: %v", err)
	}
	// The same address in its other form.
	if _, err := th.begin(addr("::ffff:198.51.100.7"), "juliet"); wait(err) == 0 {
		t.Error("the limit ends with another spelling")
	}
}

// A device with an old password does not lock out the others in its house.
func TestOneBadDevice(t *testing.T) {
	th, c, _ := testThrottle()
	home := addr("203.0.113.5")
	for range 5000 {
		_, _ = th.begin(home, "juliet")
		c.Advance(10 * time.Second)
		if _, err := th.begin(home, "romeo"); err != nil {
			t.Fatalf("%v", err)
		}
		th.succeeded(home, "romeo")
	}
}

// An IPv6 subscriber has many addresses, and some have many networks.
func TestIPv6(t *testing.T) {
	th, _, cfg := testThrottle()
	for i := range cfg.Tries {
		if _, err := th.begin(addr(fmt.Sprintf("2001:db8:1:1::%x", i+1)), "juliet"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := th.begin(addr("2001:db8:1:1::ffff"), "juliet"); wait(err) == 0 {
		t.Error("each address of a /64 counts alone")
	}
	refused := false
	for i := range 0x1000 {
		_, err := th.begin(addr(fmt.Sprintf("2001:db8:2:%x::1", i)), fmt.Sprint("user", i))
		if wait(err) > 0 {
			refused = true
			if i < 2*cfg.AddressTries {
				t.Errorf("refused after %d networks", i)
			}
			break
		}
	}
	if !refused {
		t.Error("each /64 of a /48 counts alone")
	}
}

// Behind a proxy that does not tell, everybody has the same address: names are still counted.
func TestSharedAddresses(t *testing.T) {
	th, _, cfg := testThrottle()
	for _, a := range []netip.Addr{addr("127.0.0.1"), addr("::1"), addr("172.17.0.1"), addr("fe80::1%eth0"), {}} {
		for i := range 10 * cfg.AddressTries {
			if _, err := th.begin(a, fmt.Sprint("user", i, a)); err != nil {
				t.Fatalf("%v: %v", a, err)
			}
		}
		for range cfg.Tries {
			_, _ = th.begin(a, "juliet")
		}
		if _, err := th.begin(a, "juliet"); wait(err) == 0 {
			t.Errorf("%v: no limit", a)
		}
	}
}

// An own account is no way to go on guessing at another's.
func TestOwnSuccessDoesNotHelp(t *testing.T) {
	th, c, cfg := testThrottle()
	from := addr("198.51.100.7")
	guesses := 0
	for range 3600 {
		if _, err := th.begin(from, "mallory"); err == nil {
			th.succeeded(from, "mallory")
		}
		if _, err := th.begin(from, fmt.Sprint("user", guesses)); err == nil {
			guesses++
		}
		c.Advance(time.Second)
	}
	if most := 3 * cfg.AddressTries; guesses > most {
		t.Errorf("%d guesses in an hour, want at most %d", guesses, most)
	}
}

func TestThrottleMemory(t *testing.T) {
	c := clock.NewFake(time.Now())
	cfg := DefaultConfig().Throttle
	cfg.Remember = 1000
	th := newThrottle(cfg, c)
	for i := range 20_000 {
		a := netip.AddrFrom4([4]byte{198, byte(i >> 16), byte(i >> 8), byte(i)})
		_, _ = th.begin(a, fmt.Sprint("user", i))
		th.succeeded(a, fmt.Sprint("user", i))
		_, _ = th.begin(a, fmt.Sprint("user", i))
	}
	for name, n := range map[string]int{
		"address": len(th.address.m), "pairs": len(th.pairs.m), "accounts": len(th.accounts.m), "known": len(th.known.m),
	} {
		if n > cfg.Remember {
			t.Errorf("%s: %d entries", name, n)
		}
	}
	if th.pairs.order.Len() != len(th.pairs.m) {
		t.Error("map and list differ")
	}
}
