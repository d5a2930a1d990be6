package federation

import (
	"fmt"
	"testing"

	"kith/test/peers"
)

// Prosody and this server come together with TLS from the first byte (XEP-0368). Prosody 0.12 does not say by
// ALPN that it is a server, so that it needs a port that is for nothing else.
func TestDirectTLS(t *testing.T) {
	w := peers.New(t)
	other := w.Prosody(peers.Options{Domain: "peer.example"})
	direct, here := w.Port(), w.Port()
	change(t, other, "\ns2s_ports", fmt.Sprintf("\ns2s_direct_tls_ports = { %d }\ns2s_ports", direct))
	other.Direct(direct)
	t.Setenv("KITH_S2S_TLS", fmt.Sprintf("127.0.0.1:%d", here))
	ours, peer := ours(t, w, ""), &server{other, t}
	ours.Direct(here)
	peer.Start()
	ours.Start()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("%s\nours:\n%s\ntheirs:\n%s", ours.status(), ours.Logged(), peer.Logged())
		}
	})
	alice, bob := ours.sign("alice"), peer.sign("bob")
	alice.put("<presence/>")
	bob.put("<presence/>")
	// Theirs first, so that both have to connect.
	bob.put("<message to='" + alice.JID.String() + "' type='chat' id='m'><body>to this port</body></message>")
	alice.message("to this port")
	alice.put("<message to='" + bob.JID.String() + "' type='chat' id='n'><body>to the other port</body></message>")
	bob.message("to the other port")
	if st := ours.status("peer.example"); !has(st, "TLS 1.3 from the start") {
		t.Error(st)
	}
}

// Two servers of this project need no other port than that of HTTPS: they say by ALPN that they are servers.
func TestThePortOfHTTPS(t *testing.T) {
	w := peers.New(t)
	var people []*client
	var servers []*server
	for _, domain := range []string{"one.example", "two.example"} {
		s := &server{w.Kith(domain, ""), t}
		port := w.Port()
		s.Direct(port)
		t.Setenv("KITH_HTTPS", fmt.Sprintf("127.0.0.1:%d", port))
		s.Start()
		servers, people = append(servers, s), append(people, s.sign("alice"))
		people[len(people)-1].put("<presence/>")
	}
	one, two := people[0], people[1]
	one.put("<message to='" + two.JID.String() + "' type='chat' id='m'><body>there</body></message>")
	two.message("there")
	two.put("<message to='" + one.JID.String() + "' type='chat' id='n'><body>and back</body></message>")
	one.message("and back")
	if st := servers[0].status("two.example"); !has(st, "certificate, TLS 1.3 from the start, both ways, acknowledged") {
		t.Error(st)
	}
}
