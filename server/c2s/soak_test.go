package c2s

import (
	"net"
	"runtime"
	"testing"
	"time"

	"kith/internal/ns"
	"kith/internal/sasl"
)

// Connections that break off at any point leave nothing behind.
func TestNothingIsLeft(t *testing.T) {
	rounds := 2500 // of four connections each
	if testing.Short() {
		rounds = 100
	}
	w := newWorld(t, func(c *Config) { c.Sessions = 1000 })
	w.auth.add(t, sasl.Hashes(), "alice")
	head := "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='" + domain + "' version='1.0'>"
	auth := "<authenticate xmlns='" + ns.SASL2 + "' mechanism='SCRAM-SHA-256'><initial-response>" + b64(scram("alice").First()) + "</initial-response></authenticate>"
	abort := func(say string) {
		ours, theirs := net.Pipe()
		w.srv.Serve(pipe{theirs})
		_ = ours.SetDeadline(time.Now().Add(patience))
		if say != "" {
			if _, err := ours.Write([]byte(say)); err != nil {
				t.Fatal(err)
			}
		}
		hangUp(ours)
	}
	// The last of them reads its answers.
	session := func() {
		ours, theirs := net.Pipe()
		w.srv.Serve(pipe{theirs})
		c := &wire{t: t, conn: ours}
		c.restart()
		c.login("alice", "")
		hangUp(ours)
	}
	quiet := func() (goroutines int, heap uint64) {
		until(t, "all are gone", func() bool {
			w.srv.mu.Lock()
			links := len(w.srv.links)
			w.srv.mu.Unlock()
			return links == 0 && len(w.srv.sessions.all()) == 0
		})
		w.parts.mu.Lock()
		w.parts.seen = nil
		w.parts.mu.Unlock()
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return runtime.NumGoroutine(), m.HeapAlloc
	}
	run := func(n int) {
		for range n {
			abort("")
			abort(head[:40])
			abort(head + auth)
			session()
		}
	}
	run(50)
	before, heap := quiet()
	run(rounds)
	var after int
	var left uint64
	until(t, "the goroutines are gone", func() bool {
		after, left = quiet()
		return after <= before
	})
	if left > heap+1<<20 {
		t.Errorf("%d kB more after %d connections", (left-heap)>>10, 4*rounds)
	}
	if n := w.clock.Pending(); n != 0 {
		t.Errorf("%d timers are left", n)
	}
}

// hangUp closes a connection whose timers would otherwise keep it in memory.
func hangUp(c net.Conn) {
	_ = c.SetDeadline(time.Time{})
	_ = c.Close()
}
