package federation_test

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// nameServer is a validating name server on this machine, asked over the network as a real one is. What it
// says of signed names carries the AD bit (RFC 6840 section 5.7), as from a resolver that has checked
// DNSSEC.
type nameServer struct {
	t       testing.TB
	address string

	mu      sync.Mutex // guards everything below
	records map[dns.Question][]dns.RR
	// signed are the zones whose answers are proven, rcodes the questions that are answered with an error.
	// A zone that begins with "-" is one within them that is not.
	signed []string
	rcodes map[dns.Question]int
	// silent is how many questions are not answered at all, and strange how many are answered as if they
	// had been others.
	silent, strange int
	// overUDP and overTCP count what was asked.
	overUDP, overTCP int
}

func newNameServer(t testing.TB) *nameServer {
	t.Helper()
	s := &nameServer{t: t, records: map[dns.Question][]dns.RR{}, rcodes: map[dns.Question]int{}}
	pc, l := samePort(t)
	s.address = pc.LocalAddr().String()
	for _, d := range []*dns.Server{{PacketConn: pc, Handler: s}, {Listener: l, Handler: s}} {
		go func() { _ = d.ActivateAndServe() }()
		t.Cleanup(func() { _ = d.Shutdown() })
	}
	return s
}

// samePort finds a port that is free for both. One that is free for UDP may be somebody else's for TCP.
func samePort(t testing.TB) (net.PacketConn, net.Listener) {
	t.Helper()
	var err error
	for range 100 {
		pc, udpErr := net.ListenPacket("udp", "127.0.0.1:0")
		if udpErr != nil {
			t.Fatal(udpErr)
		}
		l, tcpErr := net.Listen("tcp", pc.LocalAddr().String())
		if tcpErr == nil {
			return pc, l
		}
		err = errors.Join(tcpErr, pc.Close())
	}
	t.Fatal(err)
	return nil, nil
}

func question(name string, kind uint16) dns.Question {
	return dns.Question{Name: strings.ToLower(dns.Fqdn(name)), Qtype: kind, Qclass: dns.ClassINET}
}

// ServeDNS implements [dns.Handler].
func (s *nameServer) ServeDNS(out dns.ResponseWriter, q *dns.Msg) {
	asked := question(q.Question[0].Name, q.Question[0].Qtype)
	a := new(dns.Msg)
	a.SetReply(q)
	a.RecursionAvailable = true
	_, tcp := out.RemoteAddr().(*net.TCPAddr)
	s.mu.Lock()
	if tcp {
		s.overTCP++
	} else {
		s.overUDP++
	}
	if s.silent > 0 {
		s.silent--
		s.mu.Unlock()
		return
	}
	if s.strange > 0 {
		s.strange--
		a.Question[0].Name = "bank.example."
	}
	exists := false
	for other := range s.records {
		exists = exists || other.Name == asked.Name
	}
	rcode, broken := s.rcodes[asked]
	switch {
	case broken:
		a.Rcode = rcode
	case exists:
		a.Answer = s.records[asked]
	default:
		a.Rcode = dns.RcodeNameError
	}
	edns := q.IsEdns0()
	if q.AuthenticatedData || edns != nil && edns.Do() {
		for _, zone := range s.signed {
			if without, ok := strings.CutPrefix(zone, "-"); ok {
				a.AuthenticatedData = a.AuthenticatedData && !dns.IsSubDomain(without, asked.Name)
			} else {
				a.AuthenticatedData = a.AuthenticatedData || dns.IsSubDomain(zone, asked.Name)
			}
		}
	}
	s.mu.Unlock()
	if edns != nil {
		a.SetEdns0(edns.UDPSize(), edns.Do())
		if !tcp {
			a.Truncate(int(edns.UDPSize()))
		}
	}
	_ = out.WriteMsg(a)
}

// add puts records into the zones.
func (s *nameServer) add(lines ...string) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range lines {
		rr, err := dns.NewRR(l)
		if err != nil {
			s.t.Fatal(err)
		}
		k := question(rr.Header().Name, rr.Header().Rrtype)
		s.records[k] = append(s.records[k], rr)
	}
}

// host is where a domain's server is: by SRV, and by an address record of another name.
func (s *nameServer) host(domain, host, address string, port int) {
	s.t.Helper()
	kind := "A"
	if netip.MustParseAddr(address).Is6() {
		kind = "AAAA"
	}
	s.add(fmt.Sprintf("_xmpp-server._tcp.%s. 60 IN SRV 5 0 %d %s.", domain, port, host), fmt.Sprintf("%s. 60 IN %s %s", host, kind, address))
}

func (s *nameServer) sign(zones ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, z := range zones {
		s.signed = append(s.signed, dns.Fqdn(z))
	}
}

func (s *nameServer) fail(name string, kind uint16, rcode int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rcodes[question(name, kind)] = rcode
}

func (s *nameServer) set(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

// asks lets a node use the name server, and the network of the test.
func (s *nameServer) asks(n *node) {
	n.deps.Resolver = nil
	n.cfg.Resolver = s.address
}

// ip is the address of a node, without the port.
func (n *node) ip() string {
	ip, _, _ := net.SplitHostPort(n.address)
	return ip
}

// until looks again and again until something holds: on a real network there is no other way to know that
// everything has come to rest.
func until(t testing.TB, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(30 * time.Second)
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waited in vain: %s", what)
		}
	}
}
