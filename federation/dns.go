package federation

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// Resolver asks DNS. secure says that the answer was validated by DNSSEC, and that the resolver which
// says so is to be believed. An answer without records is no error; a name that does not exist is
// [ErrNoName].
type Resolver interface {
	// SRV gives the records of a name such as _xmpp-server._tcp.example.org as they are.
	SRV(ctx context.Context, name string) (records []SRV, secure bool, err error)
	// Addrs gives the addresses of a host.
	Addrs(ctx context.Context, host string) (addrs []netip.Addr, secure bool, err error)
	// TLSA gives the records of a port (RFC 6698).
	TLSA(ctx context.Context, port uint16, host string) (records []TLSA, secure bool, err error)
}

// SRV is a record of RFC 2782. Target is "." where there is no such service.
type SRV struct {
	Target           string
	Port             uint16
	Priority, Weight uint16
}

// TLSA is a record of RFC 6698.
type TLSA struct {
	Usage, Selector, Matching uint8
	Data                      []byte
}

// ErrNoName means that DNS says that a name does not exist.
var ErrNoName = errors.New("federation: no such name")

// resolver asks the name servers of the system, or one that the operator has named.
type resolver struct {
	// server is HOST:PORT, "" for those of the system.
	server string
	udp    *dns.Client
	tcp    *dns.Client
}

var _ Resolver = (*resolver)(nil)

const (
	// queryTime is how long one name server may take.
	queryTime = 3 * time.Second
	// queryTries is how often each is asked.
	queryTries = 2
	// ednsSize is what fits into a datagram everywhere (RFC 9715).
	ednsSize   = 1232
	resolvConf = "/etc/resolv.conf"
)

func newResolver(server string) *resolver {
	return &resolver{
		server: server,
		udp:    &dns.Client{Timeout: queryTime, UDPSize: ednsSize},
		tcp:    &dns.Client{Timeout: queryTime, Net: "tcp"},
	}
}

// servers are those to ask, and whether what they say about DNSSEC is to be believed: it crosses no
// network, or the operator has chosen it.
func (r *resolver) servers() (all []string, trusted bool, err error) {
	if r.server != "" {
		return []string{r.server}, true, nil
	}
	c, err := dns.ClientConfigFromFile(resolvConf)
	if err != nil {
		return nil, false, fmt.Errorf("federation: name servers: %w", err)
	}
	trusted = len(c.Servers) > 0
	for _, s := range c.Servers {
		ip, err := netip.ParseAddr(s)
		trusted = trusted && err == nil && ip.IsLoopback()
		all = append(all, net.JoinHostPort(s, c.Port))
	}
	if len(all) == 0 {
		return nil, false, errors.New("federation: there is no name server in " + resolvConf)
	}
	return all, trusted, nil
}

// ask sends a question until somebody answers it.
func (r *resolver) ask(ctx context.Context, name string, kind uint16) (*dns.Msg, bool, error) {
	servers, trusted, err := r.servers()
	if err != nil {
		return nil, false, err
	}
	q := new(dns.Msg)
	q.SetQuestion(dns.Fqdn(name), kind)
	q.SetEdns0(ednsSize, true)
	q.AuthenticatedData = true
	for range queryTries {
		for _, server := range servers {
			if err := ctx.Err(); err != nil {
				return nil, false, err
			}
			a, _, xerr := r.udp.ExchangeContext(ctx, q, server)
			if xerr == nil && a.Truncated {
				a, _, xerr = r.tcp.ExchangeContext(ctx, q, server)
			}
			switch {
			case xerr != nil:
				err = xerr
			case len(a.Question) != 1 || !strings.EqualFold(a.Question[0].Name, q.Question[0].Name) || a.Question[0].Qtype != kind:
				err = errors.New("the answer is to another question")
			case a.Rcode == dns.RcodeNameError:
				return a, trusted && a.AuthenticatedData, ErrNoName
			case a.Rcode != dns.RcodeSuccess:
				err = errors.New("the name server says " + dns.RcodeToString[a.Rcode])
			default:
				return a, trusted && a.AuthenticatedData, nil
			}
		}
	}
	return nil, false, fmt.Errorf("federation: DNS: %w", err)
}

// SRV implements [Resolver].
func (r *resolver) SRV(ctx context.Context, name string) (out []SRV, secure bool, err error) {
	a, secure, err := r.ask(ctx, name, dns.TypeSRV)
	if err != nil {
		return nil, secure, err
	}
	for _, rr := range a.Answer {
		if v, ok := rr.(*dns.SRV); ok {
			out = append(out, SRV{Target: v.Target, Port: v.Port, Priority: v.Priority, Weight: v.Weight})
		}
	}
	return out, secure, nil
}

// TLSA implements [Resolver].
func (r *resolver) TLSA(ctx context.Context, port uint16, host string) (out []TLSA, secure bool, err error) {
	a, secure, err := r.ask(ctx, fmt.Sprintf("_%d._tcp.%s", port, host), dns.TypeTLSA)
	if err != nil {
		return nil, secure, err
	}
	for _, rr := range a.Answer {
		if v, ok := rr.(*dns.TLSA); ok {
			data, err := hexBytes(v.Certificate)
			if err != nil {
				continue
			}
			out = append(out, TLSA{Usage: v.Usage, Selector: v.Selector, Matching: v.MatchingType, Data: data})
		}
	}
	return out, secure, nil
}

// Addrs implements [Resolver].
func (r *resolver) Addrs(ctx context.Context, host string) (all []netip.Addr, secure bool, err error) {
	type answer struct {
		addrs  []netip.Addr
		secure bool
		err    error
	}
	lookup := func(kind uint16) answer {
		a, secure, err := r.ask(ctx, host, kind)
		if err != nil {
			return answer{secure: secure, err: err}
		}
		var out []netip.Addr
		for _, rr := range a.Answer {
			var raw net.IP
			switch v := rr.(type) {
			case *dns.A:
				raw = v.A
			case *dns.AAAA:
				raw = v.AAAA
			}
			if ip, ok := netip.AddrFromSlice(raw); ok {
				out = append(out, ip.Unmap())
			}
		}
		return answer{out, secure, nil}
	}
	six := make(chan answer, 1)
	go func() { six <- lookup(dns.TypeAAAA) }()
	v4, v6 := lookup(dns.TypeA), <-six
	all = append(v6.addrs, v4.addrs...)
	switch {
	case len(all) > 0:
		return all, (len(v6.addrs) == 0 || v6.secure) && (len(v4.addrs) == 0 || v4.secure), nil
	case r.server == "":
		// What the system knows besides: its file of hosts, names of the local network.
		if local, lerr := net.DefaultResolver.LookupNetIP(ctx, "ip", host); lerr == nil {
			for i := range local {
				local[i] = local[i].Unmap()
			}
			return slices.Compact(local), false, nil
		}
	}
	switch {
	case errors.Is(v4.err, ErrNoName) || errors.Is(v6.err, ErrNoName):
		return nil, v4.secure && v6.secure, ErrNoName
	case v4.err != nil:
		return nil, false, v4.err
	default:
		return nil, v4.secure && v6.secure, v6.err
	}
}
