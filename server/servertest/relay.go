package servertest

import (
	"net"
	"testing"

	"kith/server/calls"
)

// RelayPort is a port of the loopback address that is free for UDP and for TCP; what is free for one may be taken for the other.
func RelayPort(t testing.TB) calls.Listen {
	t.Helper()
	for range 100 {
		udp, err := net.ListenPacket("udp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		tcp, err := net.Listen("tcp4", udp.LocalAddr().String())
		if err == nil {
			return calls.Listen{UDP: udp, TCP: tcp}
		}
		_ = udp.Close()
	}
	t.Fatal("no port is free for UDP and TCP")
	return calls.Listen{}
}
