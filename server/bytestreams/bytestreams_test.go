package bytestreams_test

import (
	"bytes"
	"crypto/sha1"
	"encoding/hex"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"kith/internal/clock"
	"kith/internal/stanza"
	"kith/server/servertest"
)

func newServer(t *testing.T, change ...func(*servertest.Options)) *servertest.Server {
	t.Helper()
	s := servertest.New(t, append([]func(*servertest.Options){func(o *servertest.Options) { o.Config.Proxy.Listen = ":5000" }}, change...)...)
	s.Account("alice", "bob")
	return s
}

func expect(t *testing.T, what string, st *stanza.Stanza, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(st.String(), w) {
			t.Errorf("%s: no %s in\n%s", what, w, st)
		}
	}
}

// dial makes a pair of TCP connections, of which the server has one.
func dial(t *testing.T, s *servertest.Server) net.Conn {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	s.Proxy().Serve(theirs)
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	return c
}

func name(sid, from, to string) string {
	sum := sha1.Sum([]byte(sid + from + to))
	return hex.EncodeToString(sum[:])
}

// come says what a connection is for, and gives the status of the answer; 255 if it is hung up on.
func come(t *testing.T, c net.Conn, wanted string) byte {
	t.Helper()
	_, _ = c.Write([]byte{5, 1, 0})
	hello := make([]byte, 2)
	if _, err := io.ReadFull(c, hello); err != nil || !bytes.Equal(hello, []byte{5, 0}) {
		t.Fatalf("greeting: %v %v", hello, err)
	}
	_, _ = c.Write(append(append([]byte{5, 1, 0, 3, byte(len(wanted))}, wanted...), 0, 0))
	head := make([]byte, 4)
	if _, err := io.ReadFull(c, head); err != nil {
		return 255
	}
	if head[1] == 0 {
		rest := make([]byte, 1+len(wanted)+2)
		if _, err := io.ReadFull(c, rest); err != nil || string(rest[1:41]) != wanted {
			t.Fatalf("answer: %q %v", rest, err)
		}
	}
	return head[1]
}

func activate(sid, target string) string {
	return `<iq type='set' id='act' to='proxy.example.org'><query xmlns='http://jabber.org/protocol/bytestreams' sid='` + sid + `'><activate>` + target + `</activate></query></iq>`
}

func TestRelay(t *testing.T) {
	s := newServer(t)
	a, b := s.Client("alice"), s.Client("bob")
	expect(t, "items", a.Ask(`<iq type='get' id='i' to='example.org'><query xmlns='http://jabber.org/protocol/disco#items'/></iq>`), `jid='proxy.example.org'`)
	expect(t, "info", a.Ask(`<iq type='get' id='d' to='proxy.example.org'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>`),
		`category='proxy' type='bytestreams'`, `var='http://jabber.org/protocol/bytestreams'`)
	expect(t, "where", a.Ask(`<iq type='get' id='w' to='proxy.example.org'><query xmlns='http://jabber.org/protocol/bytestreams'/></iq>`),
		`<streamhost jid='proxy.example.org' host='example.org' port='5000'/>`)
	wanted := name("s1", a.JID.String(), b.JID.String())
	expect(t, "nobody has come", a.Ask(activate("s1", b.JID.String())), `<item-not-found`)
	receiver, sender := dial(t, s), dial(t, s)
	if st := come(t, receiver, wanted); st != 0 {
		t.Fatalf("status %d", st)
	}
	expect(t, "one has come", a.Ask(activate("s1", b.JID.String())), `<item-not-found`)
	if st := come(t, sender, wanted); st != 0 {
		t.Fatalf("status %d", st)
	}
	if st := come(t, dial(t, s), wanted); st != 2 {
		t.Errorf("a third one: %d", st)
	}
	// Before it is activated, nothing passes; and only who asked may do that.
	_, _ = sender.Write([]byte("hello"))
	expect(t, "by the other side", b.Ask(activate("s1", b.JID.String())), `<item-not-found`)
	expect(t, "another stream", a.Ask(activate("s2", b.JID.String())), `<item-not-found`)
	expect(t, "activate", a.Ask(activate("s1", b.JID.String())), `type='result'`)
	got := make([]byte, 5)
	if _, err := io.ReadFull(receiver, got); err != nil || string(got) != "hello" {
		t.Errorf("got %q %v", got, err)
	}
	_, _ = receiver.Write([]byte("thanks"))
	_ = sender.(*net.TCPConn).CloseWrite()
	if rest, err := io.ReadAll(receiver); err != nil || len(rest) != 0 {
		t.Errorf("the end: %q %v", rest, err)
	}
	receiver.Close()
	if back, err := io.ReadAll(sender); err != nil || string(back) != "thanks" {
		t.Errorf("back: %q %v", back, err)
	}
	expect(t, "once more", a.Ask(activate("s1", b.JID.String())), `<item-not-found`)
}

// Who says something else than XEP-0065 has it is hung up on: it is no way to anywhere.
func TestNoOpenProxy(t *testing.T) {
	s := newServer(t)
	for what, bad := range map[string][]byte{
		"SOCKS4":          {4, 1, 0, 80, 127, 0, 0, 1, 0},
		"with a password": {5, 1, 2},
		"an address":      {5, 1, 0, 5, 1, 0, 1, 127, 0, 0, 1, 0, 80},
		"a host name":     append([]byte{5, 1, 0, 5, 1, 0, 3, 9}, "localhost\x00\x50"...),
		"to be connected": append([]byte{5, 1, 0, 5, 2, 0, 3, 40}, strings.Repeat("a", 40)+"\x00\x00"...),
		"HTTP":            []byte("CONNECT localhost:80 HTTP/1.1\r\n\r\n"),
	} {
		c := dial(t, s)
		_, _ = c.Write(bad)
		answer, _ := io.ReadAll(c)
		for len(answer) >= 2 && answer[0] == 5 && answer[1] == 0 && len(answer) > 2 {
			answer = answer[2:]
		}
		if len(answer) >= 10 && answer[1] == 0 {
			t.Errorf("%s: %v", what, answer)
		}
	}
}

func TestLimits(t *testing.T) {
	clk := clock.NewFake(time.Now())
	s := newServer(t, func(o *servertest.Options) {
		o.Config.Proxy.MaxStreams, o.Config.Proxy.MaxSize, o.Clock = 4, 1<<20, clk
	})
	a, b := s.Client("alice"), s.Client("bob")
	begin := func(sid string) (sender, receiver net.Conn, answer *stanza.Stanza) {
		wanted := name(sid, a.JID.String(), b.JID.String())
		sender, receiver = dial(t, s), dial(t, s)
		come(t, receiver, wanted)
		come(t, sender, wanted)
		return sender, receiver, a.Ask(activate(sid, b.JID.String()))
	}
	sender, receiver, answer := begin("s1")
	expect(t, "first", answer, `type='result'`)
	late, _, answer := begin("s2")
	expect(t, "more than one's share", answer, `<resource-constraint`)
	go func() {
		chunk := make([]byte, 64<<10)
		for {
			if _, err := sender.Write(chunk); err != nil {
				return
			}
		}
	}()
	n, _ := io.Copy(io.Discard, receiver)
	if n > 1<<20 || n < 1<<19 {
		t.Errorf("%d bytes came through", n)
	}
	clk.Advance(time.Minute)
	if _, err := late.Read(make([]byte, 1)); err == nil {
		t.Error("who waits for nothing is not sent away")
	}
}

// Unless it is switched on, there is none.
func TestOff(t *testing.T) {
	s := newServer(t, func(o *servertest.Options) { o.Config.Proxy.Listen = "off" })
	a := s.Client("alice")
	if st := a.Ask(`<iq type='get' id='i' to='example.org'><query xmlns='http://jabber.org/protocol/disco#items'/></iq>`); strings.Contains(st.String(), "proxy") {
		t.Errorf("items: %s", st)
	}
	expect(t, "where", a.Ask(`<iq type='get' id='w' to='proxy.example.org'><query xmlns='http://jabber.org/protocol/bytestreams'/></iq>`), `<service-unavailable`)
}
