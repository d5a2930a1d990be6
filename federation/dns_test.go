package federation_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"kith/internal/stanza"
)

func body(text string) func(*stanza.Stanza) bool {
	return func(st *stanza.Stanza) bool { return st.Kind == stanza.Message && st.Body() == text }
}

// Other servers are found by a name server on the network: by SRV and address records, over UDP, over TCP
// where the answer is too large for it, and although single questions are lost or answered by somebody else.
func TestFoundByDNS(t *testing.T) {
	in, names := newInternet(t), newNameServer(t)
	a, b := in.server("a.example", names.asks), in.server("b.example", names.asks)
	names.host("b.example", "xmpp.hosting.test", b.ip(), 5269)
	names.host("a.example", "xmpp.other.test", a.ip(), 5269)
	a.message("b.example", "one")
	b.Wait(t, "the message", body("one"))
	if st := a.status("b.example"); !strings.HasPrefix(st.Way, "certificate, TLS 1.3") {
		t.Errorf("%+v", st)
	}

	// Forty servers do not fit into a datagram; the last one is the only one that is there.
	c := in.server("c.example", names.asks)
	for i := range 40 {
		names.add(fmt.Sprintf("_xmpp-server._tcp.c.example. 60 IN SRV 9 0 5269 a-long-name-of-a-server-number-%d.hosting.test.", i))
	}
	names.host("c.example", "right.hosting.test", c.ip(), 5269)
	a.message("c.example", "two")
	c.Wait(t, "the message", body("two"))
	names.set(func() {
		if names.overTCP == 0 {
			t.Error("nothing was asked over TCP")
		}
	})

	// Answers to other questions are not believed: the question is asked again.
	d := in.server("d.example", names.asks)
	names.host("d.example", "xmpp.d.test", d.ip(), 5269)
	names.set(func() { names.strange = 2 })
	a.message("d.example", "three")
	d.Wait(t, "the message", body("three"))

	// That a name server cannot say it now does not mean that there is nobody.
	names.host("e.example", "xmpp.e.test", "203.0.113.250", 5269)
	names.fail("_xmpp-server._tcp.e.example", dns.TypeSRV, dns.RcodeServerFailure)
	accepted := a.message("e.example", "four")
	until(t, "a failure", func() bool { return strings.Contains(a.status("e.example").Error, "SERVFAIL") })
	<-accepted
	if a.waiting() != 1 {
		t.Error("the message does not wait")
	}
	for _, st := range a.Take() {
		t.Errorf("came back: %s", st)
	}
	// That there is no such name, and that there is no such service, is said at once.
	a.message("typo.example", "five")
	st := a.Wait(t, "the message back", func(st *stanza.Stanza) bool { return st.ID == "five" })
	if f := st.ReadFault(); f == nil || f.Condition != stanza.RemoteServerNotFound {
		t.Errorf("came back: %s", st)
	}
	names.add("_xmpp-server._tcp.mailonly.example. 60 IN SRV 0 0 0 .")
	a.message("mailonly.example", "six")
	st = a.Wait(t, "the message back", func(st *stanza.Stanza) bool { return st.ID == "six" })
	if f := st.ReadFault(); f == nil || f.Condition != stanza.RemoteServerNotFound || !strings.Contains(f.Text, "no server for messages") {
		t.Errorf("came back: %s", st)
	}
}
