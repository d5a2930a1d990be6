package c2s

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"

	"kith/internal/ns"
	"kith/internal/sasl"
)

// cpu is the processor time that this process has used.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkLogin: TLS handshake, SCRAM-SHA-256, resource, stream management and end, of client and
// server together. The verifier has 4 iterations, so that next to nothing of it is PBKDF2.
func BenchmarkLogin(b *testing.B) {
	for _, tr := range []string{"tls", "websocket without tls"} {
		b.Run(tr, func(b *testing.B) {
			w := newWorld(b)
			w.auth.add(b, sasl.Hashes(), "alice")
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = ln.Close() }()
			go func() {
				for {
					c, err := ln.Accept()
					if err != nil {
						return
					}
					w.srv.ServeTLS(c)
				}
			}()
			config := w.clientTLS()
			start := cpu()
			for b.Loop() {
				var c *wire
				if tr == "tls" {
					conn, err := net.Dial("tcp", ln.Addr().String())
					if err != nil {
						b.Fatal(err)
					}
					c = &wire{t: b, conn: conn}
					c.upgrade(config)
				} else {
					ws, resp, err := websocket.Dial(context.Background(), w.webSocketURL(), &websocket.DialOptions{Subprotocols: []string{"xmpp"}})
					if err != nil {
						b.Fatal(err)
					}
					if resp.Body != nil {
						_ = resp.Body.Close()
					}
					c = &wire{t: b, ws: ws}
				}
				c.login("alice", "<enable xmlns='"+ns.SM+"'/>")
				c.close()
			}
			b.ReportMetric(float64((cpu()-start).Microseconds())/float64(b.N), "cpu-µs/login")
		})
	}
}

// BenchmarkMessages: one message from one client to another, both over TLS with stream management,
// of clients and server together; the clients only count bytes.
func BenchmarkMessages(b *testing.B) {
	for _, size := range []int{100, 1300} {
		for _, tr := range []string{"tls", "websocket without tls"} {
			b.Run(fmt.Sprintf("%s/%d", tr, size), func(b *testing.B) {
				w := newWorld(b)
				w.auth.add(b, sasl.Hashes(), "alice", "bob")
				dial := w.secure
				if tr != "tls" {
					dial = w.webSocket
				}
				alice, bob := dial(), dial()
				alice.managed("alice")
				_, to := bob.managed("bob")
				const window = 8
				credit := make(chan struct{}, window)
				done := make(chan error, 1)
				total := b.N
				go func() { done <- bob.count(total, credit) }()
				go func() { _ = alice.count(1<<60, nil) }()
				msg := alice.ns("<message", " to='"+to.String()+"' type='chat' id='m'><body>"+strings.Repeat("x", size)+"</body></message>")
				if alice.conn != nil {
					_ = alice.conn.SetDeadline(time.Time{})
				}
				start := cpu()
				writes := w.srv.counters.Writes.Load()
				b.ResetTimer()
				for range total {
					credit <- struct{}{}
					if alice.ws != nil {
						alice.send(msg)
					} else if _, err := alice.conn.Write([]byte(msg)); err != nil {
						b.Fatal(err)
					}
				}
				if err := <-done; err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				b.ReportMetric(float64((cpu()-start).Nanoseconds())/float64(b.N)/1000, "cpu-µs/msg")
				b.ReportMetric(float64(w.srv.counters.Writes.Load()-writes)/float64(b.N), "writes/msg")
			})
		}
	}
}

// count reads n messages, acknowledges them when asked, and gives credit for each.
func (c *wire) count(n int, credit <-chan struct{}) error {
	got := 0
	take := func(b []byte) error {
		for k := bytes.Count(b, []byte("</message>")); k > 0; k-- {
			got++
			if credit != nil {
				<-credit
			}
		}
		if bytes.Contains(b, []byte("<r xmlns")) {
			return c.trySend("<a xmlns='" + ns.SM + "' h='" + strconv.Itoa(got) + "'/>")
		}
		return nil
	}
	if c.ws != nil {
		for got < n {
			_, b, err := c.ws.Read(context.Background())
			if err != nil {
				return err
			}
			if err := take(b); err != nil {
				return err
			}
		}
		return nil
	}
	_ = c.conn.SetDeadline(time.Time{})
	r := bufio.NewReaderSize(c.conn, 64<<10)
	for got < n {
		b, err := r.ReadSlice('>')
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
		if err := take(b); err != nil {
			return err
		}
	}
	return nil
}

// BenchmarkIdle reports the memory of the server's process for one session at rest, over TLS and
// over WebSocket. The clients are in a process of their own.
func BenchmarkIdle(b *testing.B) {
	const sessions = 2000
	for _, tr := range []string{"tls", "wss"} {
		b.Run(tr, func(b *testing.B) {
			w := newWorld(b)
			w.auth.add(b, sasl.Hashes(), idleUsers(100)...)
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = ln.Close() }()
			if tr == "tls" {
				go func() {
					for {
						c, err := ln.Accept()
						if err != nil {
							return
						}
						w.srv.ServeTLS(c)
					}
				}()
			} else {
				go func() {
					srv := newHTTPServer(w)
					_ = srv.ServeTLS(ln, "", "")
				}()
			}
			for b.Loop() {
				before, away := resident(), w.srv.Counters().Detached.Load()
				cmd := exec.Command(os.Args[0], "-test.run=TestIdleClients")
				cmd.Env = append(os.Environ(), "C2S_IDLE="+tr+" "+ln.Addr().String()+" "+strconv.Itoa(sessions))
				cmd.Stderr = os.Stderr
				in, err := cmd.StdinPipe()
				if err != nil {
					b.Fatal(err)
				}
				out, err := cmd.StdoutPipe()
				if err != nil {
					b.Fatal(err)
				}
				if err := cmd.Start(); err != nil {
					b.Fatal(err)
				}
				lines := bufio.NewScanner(out)
				for lines.Scan() && lines.Text() != "ready" {
				}
				after := resident()
				if n := len(w.srv.sessions.all()); n != sessions || w.srv.Counters().Detached.Load() != away {
					b.Fatalf("%d sessions, %d were lost", n, w.srv.Counters().Detached.Load()-away)
				}
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				b.ReportMetric(float64(after-before)/sessions/1024, "RSS-kB/session")
				b.ReportMetric(float64(m.HeapInuse)/sessions/1024, "heap-kB/session")
				b.ReportMetric(float64(m.StackInuse)/sessions/1024, "stack-kB/session")
				b.ReportMetric(float64(runtime.NumGoroutine())/sessions, "goroutines/session")
				_ = in.Close()
				_ = cmd.Wait()
				until(b, "the sessions are away", func() bool { return w.srv.Counters().Detached.Load() == away+sessions })
				for _, s := range w.srv.sessions.all() {
					s.finish(nil)
				}
			}
		})
	}
}

// resident is the memory that the process holds after giving back what it can.
func resident() int {
	for range 4 {
		runtime.GC()
	}
	debug.FreeOSMemory()
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	pages, err := strconv.Atoi(strings.Fields(string(b))[1])
	if err != nil {
		return 0
	}
	return pages * os.Getpagesize()
}

func idleUsers(n int) []string {
	var out []string
	for i := range n {
		out = append(out, "u"+strconv.Itoa(i))
	}
	return out
}

// TestIdleClients is the other process of BenchmarkIdle.
func TestIdleClients(t *testing.T) {
	spec := strings.Fields(os.Getenv("C2S_IDLE"))
	if len(spec) != 3 {
		t.Skip("only for BenchmarkIdle")
	}
	n, err := strconv.Atoi(spec[2])
	if err != nil {
		t.Fatal(err)
	}
	config := &tls.Config{InsecureSkipVerify: true, ServerName: domain}
	var open []*wire
	for i := range n {
		user := "u" + strconv.Itoa(i%100)
		c := &wire{t: t}
		open = append(open, c)
		if spec[0] == "tls" {
			conn, err := net.Dial("tcp", spec[1])
			if err != nil {
				t.Fatal(err)
			}
			c.conn = conn
			config.NextProtos = []string{alpn}
			c.upgrade(config)
			_ = c.conn.SetDeadline(time.Time{})
		} else {
			ws, err := dialWSS(spec[1], config)
			if err != nil {
				t.Fatal(err)
			}
			c.ws = ws
		}
		c.managed(user)
		c.send(c.ns("<presence", "><show>away</show><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='x' ver='y'/></presence>"))
	}
	_, _ = io.WriteString(os.Stdout, "\nready\n")
	_, _ = io.Copy(io.Discard, os.Stdin)
	runtime.KeepAlive(open)
}
