package federation

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"time"

	"kith/internal/clock"
)

const (
	// nextAddress is how long an address has to answer before the next one is tried beside it
	// (RFC 8305 section 5).
	nextAddress = 250 * time.Millisecond
	// targetTime is how long one target may take when there are others.
	targetTime = 10 * time.Second
)

// errPrivate: DNS sent us to an address that is nobody else's.
var errPrivate = errors.New("its address is in a private network")

// allowed reports whether an address may be connected to that others have named.
func (s *Service) allowed(ip netip.Addr) bool {
	switch {
	case !ip.IsValid(), ip.IsUnspecified(), ip.IsMulticast():
		return false
	case s.cfg.PrivateAddresses:
		return true
	}
	return !ip.IsLoopback() && !ip.IsPrivate() && !ip.IsLinkLocalUnicast() && !shared.Contains(ip)
}

// shared is the address space behind the network address translation of providers (RFC 6598).
var shared = netip.MustParsePrefix("100.64.0.0/10")

// dialTarget connects to one of the addresses of a target: to the first that answers, by IPv6 and IPv4
// in turn (RFC 8305).
func (s *Service) dialTarget(ctx context.Context, t *target) (net.Conn, error) {
	var addrs []netip.Addr
	for _, ip := range interleave(t.addrs) {
		if t.fixed || s.allowed(ip) {
			addrs = append(addrs, ip)
		}
	}
	if len(addrs) == 0 {
		return nil, errPrivate
	}
	addrs = addrs[:min(len(addrs), maxTargets)]
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type result struct {
		conn net.Conn
		err  error
	}
	results := make(chan result)
	started, pending := 0, 0
	start := func() {
		to := netip.AddrPortFrom(addrs[started], t.port).String()
		started++
		pending++
		go func() {
			c, err := s.deps.Dial(ctx, "tcp", to)
			select {
			case results <- result{c, err}:
			case <-ctx.Done():
				if c != nil {
					_ = c.Close()
				}
			}
		}()
	}
	start()
	var errs error
	for {
		var next clock.ChanTimer
		var tick <-chan time.Time
		if started < len(addrs) {
			next = s.deps.Clock.NewTimer(nextAddress)
			tick = next.C()
		}
		select {
		case r := <-results:
			pending--
			if r.err == nil {
				return r.conn, nil
			}
			errs = errors.Join(errs, r.err)
		case <-tick:
		case <-ctx.Done():
			return nil, errors.Join(errs, ctx.Err())
		}
		if next != nil {
			next.Stop()
		}
		switch {
		case started < len(addrs):
			start()
		case pending == 0:
			return nil, errs
		}
	}
}

// interleave puts IPv6 and IPv4 in turn, IPv6 first.
func interleave(all []netip.Addr) []netip.Addr {
	var v6, v4, out []netip.Addr
	for _, a := range all {
		if a.Is4() {
			v4 = append(v4, a)
		} else {
			v6 = append(v6, a)
		}
	}
	for i := range max(len(v6), len(v4)) {
		if i < len(v6) {
			out = append(out, v6[i])
		}
		if i < len(v4) {
			out = append(out, v4[i])
		}
	}
	return out
}
