package calls

import (
	"log/slog"
	"net"
	"testing"
	"time"

	"github.com/pion/logging"
	"github.com/pion/turn/v4"

	"kith/internal/clock"
	"kith/internal/counter"
	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/server/module"
)

func start(t *testing.T, change func(*Config)) (*Relay, *clock.Fake) {
	t.Helper()
	udp, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := DefaultConfig()
	if change != nil {
		change(&c)
	}
	clk := clock.NewFake(time.Now())
	r, err := NewRelay(Listen{UDP: udp}, "example.org", clk, slog.New(slog.DiscardHandler), counter.New("turn_refused"), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r, clk
}

func client(t *testing.T, r *Relay, user, password string) (*turn.Client, net.PacketConn) {
	t.Helper()
	conn, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := (&net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: int(r.port)}).String()
	c, err := turn.NewClient(&turn.ClientConfig{
		STUNServerAddr: addr, TURNServerAddr: addr, Conn: conn, Username: user, Password: password, Realm: "example.org",
		LoggerFactory: logging.NewDefaultLoggerFactory(),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Listen(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(); _ = conn.Close() })
	return c, conn
}

func TestRelayCarriesPackets(t *testing.T) {
	r, _ := start(t, nil)
	user, password := r.credentials.issue("alice", r.expiry())
	c, _ := client(t, r, user, password)
	if _, err := c.SendBindingRequest(); err != nil {
		t.Fatalf("STUN: %v", err)
	}
	one, err := c.Allocate()
	if err != nil {
		t.Fatalf("allocate: %v", err)
	}
	user, password = r.credentials.issue("bob", r.expiry())
	c2, _ := client(t, r, user, password)
	two, err := c2.Allocate()
	if err != nil {
		t.Fatal(err)
	}
	// Both sides of a call are relayed here: each must be allowed to reach the other's relay address.
	if err := c2.CreatePermission(one.LocalAddr()); err != nil {
		t.Fatal(err)
	}
	if _, err := one.WriteTo([]byte("hello"), two.LocalAddr()); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 100)
	_ = two.SetReadDeadline(time.Now().Add(10 * time.Second))
	n, from, err := two.ReadFrom(buf)
	if err != nil || string(buf[:n]) != "hello" || from.String() != one.LocalAddr().String() {
		t.Errorf("got %q from %v: %v", buf[:n], from, err)
	}
}

func TestCredentials(t *testing.T) {
	r, clk := start(t, nil)
	user, password := r.credentials.issue("alice", r.expiry())
	for name, c := range map[string]struct{ user, password string }{
		"wrong password": {user, password + "x"},
		"no expiry":      {"alice", password},
		"other user":     {"9999999999:alice", password},
	} {
		cl, _ := client(t, r, c.user, c.password)
		if _, err := cl.Allocate(); err == nil {
			t.Errorf("%s: allocated", name)
		}
	}
	clk.Advance(r.config.Lifetime)
	cl, _ := client(t, r, user, password)
	if _, err := cl.Allocate(); err == nil {
		t.Error("expired: allocated")
	}
}

func TestQuota(t *testing.T) {
	r, _ := start(t, func(c *Config) { c.PerAccount = 2 })
	for i := range 3 {
		user, password := r.credentials.issue("alice", r.expiry())
		c, _ := client(t, r, user, password)
		_, err := c.Allocate()
		if (err == nil) != (i < 2) {
			t.Errorf("allocation %d: %v", i, err)
		}
	}
	user, password := r.credentials.issue("bob", r.expiry())
	c, _ := client(t, r, user, password)
	if _, err := c.Allocate(); err != nil {
		t.Errorf("another account: %v", err)
	}
	if r.refused.Load() == 0 {
		t.Error("the refusal was not counted")
	}
}

func TestMayRelay(t *testing.T) {
	r, _ := start(t, func(c *Config) { c.ExternalIP = "198.51.100.7" })
	for ip, want := range map[string]bool{
		"198.51.100.7": true, "203.0.113.9": true, "2001:db8::1": true,
		"127.0.0.1": false, "::1": false, "10.1.2.3": false, "192.168.1.1": false, "172.20.0.1": false, "169.254.1.1": false,
		"fe80::1": false, "fd00::1": false, "224.0.0.1": false, "0.0.0.0": false, "100.64.1.1": false, "::ffff:127.0.0.1": false,
		"::ffff:10.0.0.1": false, "64:ff9b::7f00:1": false, "255.255.255.255": false, "2002:7f00:1::": false,
	} {
		if got := r.mayRelay(nil, net.ParseIP(ip)); got != want {
			t.Errorf("relay to %s: %v", ip, got)
		}
	}
	r.config.AllowPrivate = true
	if !r.mayRelay(nil, net.ParseIP("10.1.2.3")) || r.mayRelay(nil, net.ParseIP("127.0.0.1")) {
		t.Error("allow_private")
	}
}

func TestDiscovery(t *testing.T) {
	r, _ := start(t, nil)
	d := &Discovery{Relay: r, Host: "example.org", Domain: jid.Must("example.org")}
	reg := module.NewRegistry(d)
	ask := func(from, payload string) *stanza.Stanza {
		st, err := stanza.Parse(`<iq type='get' id='1' to='example.org' from='` + from + `'>` + payload + `</iq>`)
		if err != nil {
			t.Fatal(err)
		}
		var answer *stanza.Stanza
		q := module.NewIQ(nil, nil, st, func(a *stanza.Stanza) { answer = a })
		if err := reg.IQHandler(module.OnServer, stanza.Get, q.Payload)(q); err != nil {
			q.Fail(err)
		}
		return answer
	}
	got := ask("alice@example.org/x", `<services xmlns='urn:xmpp:extdisco:2'/>`)
	services := got.Child(ns.ExtDisco, "services")
	if services.CountChildren() != 2 {
		t.Fatalf("services: %s", got)
	}
	var user, password string
	for s := range services.Children() {
		if s.Attr("type") == "turn" {
			user, password = s.Attr("username"), s.Attr("password")
		}
	}
	c, _ := client(t, r, user, password)
	if _, err := c.Allocate(); err != nil {
		t.Errorf("with the credentials given out: %v", err)
	}
	if got := ask("mallory@example.net/x", `<services xmlns='urn:xmpp:extdisco:2'/>`); got.Type != stanza.Error {
		t.Errorf("a stranger got %s", got)
	}
	if got := ask("alice@example.org/x", `<credentials xmlns='urn:xmpp:extdisco:2'><service host='example.org' type='turn'/></credentials>`); got.Child(ns.ExtDisco, "credentials").First().Attr("password") == "" {
		t.Errorf("credentials: %s", got)
	}
}
