package federation_test

import (
	"fmt"
	"net"
	"sync"
	"testing"

	"kith/internal/stanza"
	"kith/server/router/routertest"
)

// BenchmarkMessages sends messages from one server to another over TCP and TLS on this machine, each of them
// acknowledged by the other. It prints how many pass in a second; the processor time is that of both servers.
func BenchmarkMessages(b *testing.B) {
	in := newInternet(b)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	route := func(n *node) {
		n.cfg.Routes = map[string]string{"b.example": l.Addr().String()}
		n.cfg.Rate = 1 << 40
		n.deps.Dial = nil
	}
	from, to := in.server("a.example", route), in.server("b.example", route)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			to.Serve(c)
		}
	}()
	body := fmt.Sprintf("<encrypted xmlns='eu.siacs.conversations.axolotl'><header sid='1'><key rid='2'>%0140d</key><iv>AAAA</iv></header><payload>%0200d</payload></encrypted><store xmlns='urn:xmpp:hints'/>", 0, 0)
	st := routertest.Parse(b, "<message from='alice@a.example/phone' to='bob@b.example' type='chat' id='x'>"+body+"</message>")
	warm := make(chan struct{})
	from.Send(st, func() { close(warm) }, nil)
	<-warm
	var wg sync.WaitGroup
	window := make(chan struct{}, 500) // as many as many people have under way
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		wg.Add(1)
		window <- struct{}{}
		from.Send(st.With(func(h *stanza.Header) { h.ID = "y" }), func() { <-window; wg.Done() }, nil)
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
	to.Take()
}
