package federation

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"net/netip"
	"slices"
	"strings"
)

// target is one place where a domain's server may be.
type target struct {
	host string
	port uint16
	// direct: TLS begins at once (XEP-0368).
	direct bool
	// fixed: the operator has named it, so that any address will do.
	fixed bool
	// sni is the name to ask for, "" for the domain's.
	sni string
	// addrs are known where DNS need not be asked.
	addrs []netip.Addr
	// secure: the way to this name is proven by DNSSEC. tlsa are its records then (RFC 7673).
	secure bool
	tlsa   []TLSA
}

// Names of the services (RFC 6120 section 3.2, XEP-0368).
const (
	srvPlain = "_xmpp-server._tcp."
	srvTLS   = "_xmpps-server._tcp."
	// usualPort is where to try without a record.
	usualPort = 5269
	// maxTargets bounds what DNS can make us try.
	maxTargets = 8
)

// Reasons why there is no way to a domain.
var (
	errNoDomain  = errors.New("there is no such domain in DNS")
	errNoService = errors.New("the domain says that it has no server for messages")
)

// finder finds out where a domain's server is.
type finder struct {
	dns       Resolver
	routes    map[string]target
	wellKnown *wellKnown // nil where it is switched off
	dane      bool
}

// targets lists where to try, in this order.
func (f *finder) targets(ctx context.Context, domain string) ([]target, error) {
	if t, ok := f.routes[domain]; ok {
		return []target{t}, nil
	}
	if ip, ok := address(domain); ok {
		return []target{{host: ip.String(), port: usualPort, addrs: []netip.Addr{ip}}}, nil
	}
	host, err := ascii(domain)
	if err != nil {
		return nil, errNoDomain
	}
	found, refused, err := f.records(ctx, host)
	switch {
	case err != nil:
		return nil, err
	case len(found) > 0:
		return found, nil
	case refused:
		return nil, errNoService
	}
	if f.wellKnown != nil {
		if found := f.wellKnown.links(ctx, domain); len(found) > 0 {
			return found, nil
		}
	}
	// RFC 6120 section 3.2.2.
	return []target{{host: host, port: usualPort, secure: true}}, nil
}

// records asks for both kinds of records and mixes them as XEP-0368 section 2 wants. refused: there are
// records, and they say that there is no such service.
func (f *finder) records(ctx context.Context, host string) (out []target, refused bool, err error) {
	type answer struct {
		records []SRV
		secure  bool
		err     error
	}
	ask := func(service string) <-chan answer {
		c := make(chan answer, 1)
		go func() {
			r, secure, err := f.dns.SRV(ctx, service+host)
			c <- answer{r, secure, err}
		}()
		return c
	}
	pending := []<-chan answer{ask(srvTLS), ask(srvPlain)}
	type candidate struct {
		SRV
		direct, secure bool
	}
	var all []candidate
	for i, c := range pending {
		a := <-c
		if a.err != nil && !errors.Is(a.err, ErrNoName) {
			if i > 0 {
				err = a.err
			}
			continue // there are name servers that know one kind only
		}
		for _, r := range a.records {
			if r.Target == "." || r.Target == "" {
				refused = refused || i > 0 // a domain without direct TLS may have the other
				continue
			}
			all = append(all, candidate{r, i == 0, a.secure})
		}
	}
	if len(all) == 0 {
		return nil, refused, err
	}
	// Direct TLS first where the domain has no preference.
	slices.SortStableFunc(all, func(a, b candidate) int { return int(a.Priority) - int(b.Priority) })
	for len(all) > 0 && len(out) < maxTargets {
		n := 1
		for n < len(all) && all[n].Priority == all[0].Priority {
			n++
		}
		weights := make([]uint16, n)
		for i := range n {
			weights[i] = all[i].Weight
		}
		for _, i := range pick(weights) {
			c := all[i]
			out = append(out, target{host: trimDot(c.Target), port: c.Port, direct: c.direct, secure: c.secure})
		}
		all = all[n:]
	}
	return out[:min(len(out), maxTargets)], false, nil
}

// pick orders indices at random, the heavier the sooner (RFC 2782).
func pick(weights []uint16) []int {
	left := make([]int, len(weights))
	sum := 0
	for i, w := range weights {
		left[i] = i
		sum += int(w)
	}
	out := make([]int, 0, len(weights))
	for len(left) > 0 {
		at := 0
		if sum > 0 {
			n := randomInt(sum + 1)
			for at < len(left)-1 {
				n -= int(weights[left[at]])
				if n <= 0 && weights[left[at]] > 0 {
					break
				}
				at++
			}
		}
		out = append(out, left[at])
		sum -= int(weights[left[at]])
		left = slices.Delete(left, at, at+1)
	}
	return out
}

// randomInt is from 0 to n-1.
func randomInt(n int) int {
	var b [8]byte
	rand.Read(b[:])                                          // never fails
	return int(binary.LittleEndian.Uint64(b[:]) % uint64(n)) //nolint:gosec // n is positive and small, so that the remainder is fair enough
}

// locate finds the addresses of a target, and what DNS says about its certificate.
func (f *finder) locate(ctx context.Context, t *target) error {
	if len(t.addrs) > 0 {
		return nil
	}
	if ip, err := netip.ParseAddr(t.host); err == nil {
		t.addrs = []netip.Addr{ip.Unmap()}
		return nil
	}
	addrs, secure, err := f.dns.Addrs(ctx, t.host)
	switch {
	case errors.Is(err, ErrNoName), err == nil && len(addrs) == 0:
		return errNoDomain
	case err != nil:
		return err
	}
	t.addrs = addrs
	if t.secure = t.secure && secure; !t.secure || !f.dane || t.fixed {
		return nil
	}
	// RFC 7673 section 3.2: only where every step to the port was secure.
	records, secure, err := f.dns.TLSA(ctx, t.port, t.host)
	switch {
	case err != nil && !errors.Is(err, ErrNoName):
		// Whoever can suppress the answer must not get us to do without it (RFC 7672 section 2.1.1).
		return err
	case err == nil && secure:
		t.tlsa = usable(records)
	}
	return nil
}

func trimDot(s string) string { return strings.ToLower(strings.TrimSuffix(s, ".")) }
