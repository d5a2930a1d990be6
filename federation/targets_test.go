package federation_test

import (
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"kith/federation"
	"kith/internal/stanza"
	"kith/server/router/routertest"
)

// ordered is where was dialled since the last call.
func (in *internet) ordered() string {
	in.mu.Lock()
	defer in.mu.Unlock()
	out := strings.Join(in.order, " ")
	in.order = nil
	return out
}

func (in *internet) set(f func()) {
	in.mu.Lock()
	defer in.mu.Unlock()
	f()
}

// points gives a host its addresses.
func (in *internet) points(host string, addresses ...string) {
	in.set(func() {
		in.addrs[host] = nil
		for _, a := range addresses {
			in.addrs[host] = append(in.addrs[host], netip.MustParseAddr(a))
		}
	})
}

// The servers of a domain are tried by their priority, those that do not answer are passed over, and a
// domain may have them for TLS from the start as well as for STARTTLS (RFC 2782, XEP-0368).
func TestOrderOfServers(t *testing.T) {
	play(t, func(t *testing.T, in *internet) {
		a, b := in.server("a.example"), in.server("b.example")
		in.set(func() {
			in.srv["_xmpp-server._tcp.b.example"] = []federation.SRV{
				{Target: "third.test.", Port: 5269, Priority: 30, Weight: 1}, {Target: "first.test.", Port: 5269, Priority: 10}, {Target: "nowhere.test.", Port: 5269, Priority: 15},
			}
			in.srv["_xmpps-server._tcp.b.example"] = []federation.SRV{{Target: "second.test.", Port: 5270, Priority: 20, Weight: 5}}
		})
		in.points("first.test", "198.51.100.1")
		in.points("second.test", "198.51.100.2")
		in.points("third.test", b.ip())
		a.message("b.example", "one")
		pass(t, time.Second)
		if got, want := in.ordered(), "198.51.100.1:5269 198.51.100.2:5270 "+b.address; got != want {
			t.Errorf("dialled %s, want %s", got, want)
		}
		if got := b.bodies(); got != "one" {
			t.Errorf("b received %q", got)
		}
		// One that takes the connection and then says nothing is passed over as well, in time.
		in.set(func() { in.hosts["198.51.100.1:5269"] = func(net.Conn) {} })
		in.cut(b.address)
		pass(t, time.Minute)
		in.ordered()
		a.message("b.example", "two")
		pass(t, 20*time.Second)
		if got := b.bodies(); got != "two" {
			t.Errorf("b received %q", got)
		}
	})
}

// TLS from the start, with both sides on it.
func TestDirectTLS(t *testing.T) {
	play(t, func(t *testing.T, in *internet) {
		a, b := in.server("a.example"), in.server("b.example")
		in.set(func() {
			in.hosts[b.ip()+":443"] = func(c net.Conn) { b.ServeTLS(c) }
			in.srv["_xmpps-server._tcp.b.example"] = []federation.SRV{{Target: "b.example.", Port: 443, Priority: 5}}
			in.srv["_xmpp-server._tcp.b.example"] = []federation.SRV{{Target: "b.example.", Port: 5269, Priority: 5}}
		})
		a.message("b.example", "hello")
		pass(t, time.Second)
		b.message("a.example", "back")
		pass(t, time.Second)
		if got := b.bodies() + a.bodies(); got != "helloback" {
			t.Errorf("received %q", got)
		}
		// Of two that are as good, that one is first.
		if got := in.ordered(); got != b.ip()+":443" {
			t.Errorf("dialled %s", got)
		}
		if way := a.status("b.example").Way; way != "certificate, TLS 1.3 from the start, both ways, acknowledged" {
			t.Errorf("the way is %q", way)
		}
		// A domain that has none of it is reached by STARTTLS all the same.
		c := in.server("c.example")
		in.set(func() { in.srv["_xmpps-server._tcp.c.example"] = []federation.SRV{{Target: "."}} })
		a.message("c.example", "hello")
		pass(t, time.Second)
		if got := c.bodies(); got != "hello" {
			t.Errorf("c received %q", got)
		}
	})
}

// Of equal servers the heavier ones are tried first more often, and none is left out (RFC 2782).
func TestWeights(t *testing.T) {
	play(t, func(t *testing.T, in *internet) {
		a := in.server("a.example", func(n *node) { n.cfg.KeepTime = 720 * time.Hour })
		in.set(func() {
			in.srv["_xmpp-server._tcp.b.example"] = []federation.SRV{
				{Target: "zero.test.", Port: 1}, {Target: "light.test.", Port: 1, Weight: 10}, {Target: "heavy.test.", Port: 1, Weight: 90},
			}
		})
		in.points("zero.test", "198.51.100.1")
		in.points("light.test", "198.51.100.2")
		in.points("heavy.test", "198.51.100.3")
		first := map[string]int{}
		a.message("b.example", "x")
		for range 200 {
			pass(t, 0)
			_, _ = a.Retry("b.example")
			settle()
			all := strings.Fields(in.ordered())
			for len(all) >= 3 {
				first[all[0]]++
				if once := slices.Compact(slices.Sorted(slices.Values(all[:3]))); len(once) != 3 {
					t.Fatalf("tried %v", all)
				}
				all = all[3:]
			}
		}
		// The bounds are so wide that chance breaks them less than once in a thousand million times.
		if h, l, z := first["198.51.100.3:1"], first["198.51.100.2:1"], first["198.51.100.1:1"]; h < 130 || l < 2 || l > 60 || z > 30 {
			t.Errorf("first were %v", first)
		}
	})
}

// A host with several addresses is reached by the one that answers, without a long wait for those that do
// not (RFC 8305).
func TestHappyEyeballs(t *testing.T) {
	const six, sixToo = "2001:db8::1", "2001:db8::2"
	play(t, func(t *testing.T, in *internet) {
		a, b := in.server("a.example"), in.server("b.example")
		in.points("b.example", b.ip(), six, sixToo)
		in.set(func() {
			in.hole["[2001:db8::1]:5269"], in.hole["[2001:db8::2]:5269"] = true, true
		})
		a.message("b.example", "hello")
		began := time.Now()
		b.Wait(t, "the message", body("hello"))
		if took := time.Since(began); took != 250*time.Millisecond {
			t.Errorf("it took %s", took)
		}
		if got, want := in.ordered(), "[2001:db8::1]:5269 "+b.address; got != want {
			t.Errorf("dialled %s, want %s", got, want)
		}
		// An address at which there is nobody is passed over at once.
		c := in.server("c.example")
		in.points("c.example", c.ip(), six)
		in.set(func() { in.hole = map[string]bool{} })
		a.message("c.example", "hello")
		began = time.Now()
		c.Wait(t, "the message", body("hello"))
		if took := time.Since(began); took != 0 {
			t.Errorf("it took %s", took)
		}
		// IPv6 comes first.
		d := in.server("d.example")
		in.points("d.example", d.ip(), six)
		in.set(func() { in.hosts["[2001:db8::1]:5269"] = func(c net.Conn) { d.Serve(c) } })
		in.ordered()
		a.message("d.example", "hello")
		pass(t, time.Second)
		if got := in.ordered(); got != "[2001:db8::1]:5269" || d.bodies() != "hello" {
			t.Errorf("dialled %s", got)
		}
	})
}

// Domains with letters of all languages are looked up, asked for and proven in their form for DNS, and
// written to in that for people (RFC 5890).
func TestInternationalDomains(t *testing.T) {
	const domain, inDNS = "bücher.example", "xn--bcher-kva.example"
	play(t, func(t *testing.T, in *internet) {
		a := in.server("a.example")
		asked := ""
		b := in.server(domain, func(n *node) { n.cert = in.ca.certify(nil, inDNS) })
		in.set(func() { delete(in.addrs, domain) })
		in.points(inDNS, b.ip())
		serve := in.hosts[b.address]
		in.set(func() {
			in.hosts[b.address] = func(c net.Conn) { asked += "x"; serve(c) }
			in.srv["_xmpp-server._tcp."+inDNS] = []federation.SRV{{Target: inDNS + ".", Port: 5269}}
		})
		for _, to := range []string{domain, "BÜCHER.example"} {
			a.message(to, "hello")
		}
		pass(t, time.Second)
		if got := b.bodies(); got != "hello hello" {
			t.Errorf("b received %q", got)
		}
		if asked != "x" {
			t.Errorf("connections %q", asked)
		}
		b.message("a.example", "back")
		pass(t, time.Second)
		st := a.Wait(t, "the answer", body("back"))
		if st.From.Domain() != domain {
			t.Errorf("from %s", st.From)
		}
		// The form for DNS is the same domain, and no way around a rule.
		if err := a.SetRule(domain, "block"); err != nil {
			t.Fatal(err)
		}
		a.message(domain, "blocked")
		a.message(inDNS, "blocked")
		pass(t, time.Second)
		if got := b.bodies(); got != "" {
			t.Errorf("b received %q", got)
		}
	})
}

// What DNS says about private addresses leads nobody to the machines beside the server.
func TestPrivateAddresses(t *testing.T) {
	for _, address := range []string{"127.0.0.1", "::1", "10.1.2.3", "192.168.0.1", "169.254.169.254", "fe80::1", "fd00::1", "100.64.0.1", "0.0.0.0", "::", "224.0.0.1", "::ffff:127.0.0.1"} {
		t.Run(address, func(t *testing.T) {
			play(t, func(t *testing.T, in *internet) {
				a := in.server("a.example")
				in.points("inside.example", address)
				a.message("inside.example", "hello")
				pass(t, 10*time.Second)
				if got := in.ordered(); got != "" {
					t.Errorf("dialled %s", got)
				}
				if got := a.status("inside.example").Error; !strings.Contains(got, "private network") {
					t.Errorf("the reason is %q", got)
				}
			})
		})
	}
	play(t, func(t *testing.T, in *internet) {
		a := in.server("a.example", func(n *node) { n.cfg.PrivateAddresses = true })
		in.points("inside.example", "10.1.2.3")
		a.message("inside.example", "hello")
		pass(t, time.Second)
		if got := in.ordered(); got != "10.1.2.3:5269" {
			t.Errorf("dialled %s", got)
		}
	})
}

// An address in the place of a domain is connected to as it is.
func TestAddressAsDomain(t *testing.T) {
	play(t, func(t *testing.T, in *internet) {
		a := in.server("a.example")
		in.set(func() { in.hosts["198.51.100.7:5269"] = func(net.Conn) {} })
		a.message("198.51.100.7", "hello")
		pass(t, time.Second)
		if got := in.ordered(); got != "198.51.100.7:5269" {
			t.Errorf("dialled %s", got)
		}
		for _, st := range a.Take() {
			if st.Type != stanza.Error {
				t.Errorf("routed %s", routertest.Text([]*stanza.Stanza{st}))
			}
		}
	})
}
