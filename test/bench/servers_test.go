package bench

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"kith/internal/xmltree"
	"kith/test/peers"
)

var (
	rounds = flag.Int("rounds", 3, "how often each server is measured, in turns; the median is printed")
	span   = flag.Duration("span", 3*time.Second, "the longest that one measurement goes on")
	idle   = flag.Int("idle", 1000, "sessions that do nothing, for the memory of one")
)

const (
	people   = 100 // accounts, and occupants of the room
	logins   = 100 // a round, by
	parallel = 8   // at a time
	pairs    = 10  // of people who write to each other
	window   = 8   // messages under way of each pair, and in the room
	messages = 4000
	inRoom   = 40 // messages, each for all
)

// subject is a server that is measured.
type subject struct {
	*peers.Server
	kind string
}

func (s subject) process() process { return process(s.Process()) }

// measure does something a number of times, and tells how much of it, and what the server computed for it.
type measure func(b *testing.B, s subject) (count int, took, cpu time.Duration)

// timed runs f, which returns how much it did.
func timed(b *testing.B, s subject, f func() int) (int, time.Duration, time.Duration) {
	b.Helper()
	cpu, begin := s.process().cpu(b), time.Now()
	n := f()
	return n, time.Since(begin), s.process().cpu(b) - cpu
}

func BenchmarkServers(b *testing.B) {
	w := peers.New(b)
	subjects := []subject{
		{w.Kith("kith.example", "[c2s]\nsessions = 100\n"), "Kith"},
		{w.Prosody(peers.Options{Domain: "prosody.example", SQL: true}), "Prosody"},
		{w.Ejabberd(peers.Options{Domain: "ejabberd.example", SQL: true}), "ejabberd"},
	}
	t := newTable(os.Stdout, "Kith", "Prosody", "ejabberd")
	t.title("Servers: TLS 1.3, SCRAM-SHA-1, archives on disk, XEP-0198 and carbons on")
	started := make([]float64, len(subjects))
	for i, s := range subjects {
		begin := time.Now()
		s.Start()
		started[i] = float64(time.Since(begin).Milliseconds())
	}
	t.row("start to the first connection, ms", less, started)
	t.row("memory at rest, MB", less, each(subjects, func(s subject) float64 { return float64(s.process().memory(b)) / 1e6 }))
	for _, s := range subjects {
		accounts(b, s)
	}
	// Before there was load: none of them gives memory back.
	t.row(fmt.Sprintf("memory of a session, of %d at rest, kB", *idle), less, each(subjects, func(s subject) float64 { return measureIdle(b, s) / 1e3 }))
	for _, m := range []struct {
		rate, cpu string
		measure   measure
	}{
		{"logins, per second", "CPU of a login, ms", measureLogins},
		{"messages of 100 bytes, per second", "CPU of a message, µs", measureChat(strings.Repeat("x", 100))},
		{"messages as large as with OMEMO, per second", "CPU of a message, µs", measureChat(ciphertext())},
		{fmt.Sprintf("deliveries in a room of %d, per second", people), "CPU of a delivery, µs", measureRoom},
	} {
		rate, cpu := make([][]float64, len(subjects)), make([][]float64, len(subjects))
		for range *rounds {
			for i, s := range subjects {
				n, took, used := m.measure(b, s)
				rate[i] = append(rate[i], float64(n)/took.Seconds())
				per := used.Seconds() * 1e6 / float64(n)
				if strings.HasSuffix(m.cpu, "ms") {
					per /= 1000
				}
				cpu[i] = append(cpu[i], per)
			}
		}
		t.row(m.rate, more, medians(rate))
		t.row(m.cpu, less, medians(cpu))
	}
	t.print()
}

func each(all []subject, f func(subject) float64) []float64 {
	var out []float64
	for _, s := range all {
		out = append(out, f(s))
	}
	return out
}

func medians(all [][]float64) []float64 {
	var out []float64
	for _, v := range all {
		slices.Sort(v)
		out = append(out, v[len(v)/2])
	}
	return out
}

func user(i int) string { return fmt.Sprintf("user%d", i) }

func accounts(b *testing.B, s subject) {
	b.Helper()
	for i := range people {
		if s.Account != nil {
			s.Account(user(i), password)
			continue
		}
		c, err := s.Dial(b.Context())
		if err == nil {
			err = c.Register(user(i), password)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}

// crowd signs in people, several at a time.
func crowd(b *testing.B, s subject, n int, resource string, hear func(i int, e xmltree.Element)) []*app {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), peers.Patience)
	defer cancel()
	all := make([]*app, n)
	next := make(chan int)
	var working sync.WaitGroup
	var failed atomic.Pointer[error]
	for range parallel {
		working.Go(func() {
			for i := range next {
				var f func(xmltree.Element)
				if hear != nil {
					f = func(e xmltree.Element) { hear(i, e) }
				}
				a, err := login(ctx, s.Server, user(i%people), fmt.Sprintf("%s%d", resource, i/people), f)
				if err != nil {
					failed.Store(&err)
					continue
				}
				all[i] = a
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	working.Wait()
	if err := failed.Load(); err != nil {
		b.Fatalf("%s: %v\n%s", s.kind, *err, s.Logged())
	}
	return all
}

func depart(all []*app) {
	var leaving sync.WaitGroup
	for _, a := range all {
		leaving.Go(a.leave)
	}
	leaving.Wait()
}

func measureLogins(b *testing.B, s subject) (int, time.Duration, time.Duration) {
	var all []*app
	n, took, cpu := timed(b, s, func() int {
		all = crowd(b, s, logins, "login", nil)
		return len(all)
	})
	depart(all)
	return n, took, cpu
}

// ciphertext is as long as what OMEMO makes of a short message for a handful of devices.
func ciphertext() string {
	random := make([]byte, 1000)
	_, _ = rand.Read(random)
	return base64.StdEncoding.EncodeToString(random)
}

func measureChat(body string) measure {
	return func(b *testing.B, s subject) (int, time.Duration, time.Duration) {
		free := make([]chan struct{}, pairs)
		var heard atomic.Int64
		for i := range free {
			free[i] = make(chan struct{}, window)
		}
		all := crowd(b, s, 2*pairs, "chat", func(i int, e xmltree.Element) {
			if i%2 == 1 && !e.Child("jabber:client", "body").IsZero() {
				heard.Add(1)
				<-free[i/2]
			}
		})
		defer depart(all)
		return timed(b, s, func() int {
			ctx, cancel := context.WithTimeout(b.Context(), *span)
			defer cancel()
			var writing sync.WaitGroup
			for p := range pairs {
				writing.Go(func() {
					text := "<message to='" + all[2*p+1].jid + "' type='chat' id='m'><body>" + body + "</body></message>"
					for range messages / pairs {
						if !take(ctx, free[p]) || all[2*p].Put(text) != nil {
							return
						}
					}
				})
			}
			writing.Wait()
			for p := range pairs {
				drain(b, s, free[p])
			}
			return int(heard.Load())
		})
	}
}

// take waits for a place in a window; it is free again when what was sent has arrived.
func take(ctx context.Context, window chan<- struct{}) bool {
	select {
	case window <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

// drain waits for what is under way.
func drain(b *testing.B, s subject, free chan<- struct{}) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), peers.Patience)
	defer cancel()
	for range window {
		if !take(ctx, free) {
			b.Fatalf("%s: not everything arrived\n%s", s.kind, s.Logged())
		}
	}
}

var roomNumber atomic.Int64

func measureRoom(b *testing.B, s subject) (int, time.Duration, time.Duration) {
	room := fmt.Sprintf("room%d@groups.%s", roomNumber.Add(1), s.Domain)
	free := make(chan struct{}, window)
	var heard, complete atomic.Int64
	all := crowd(b, s, people, "room", func(_ int, e xmltree.Element) {
		if e.Attr("type") != "groupchat" || e.Child("jabber:client", "body").IsZero() {
			return
		}
		heard.Add(1)
		if complete.Add(1)%people == 0 {
			<-free
		}
	})
	defer depart(all)
	ctx, cancel := context.WithTimeout(b.Context(), peers.Patience)
	defer cancel()
	for i, a := range all {
		if err := a.Put(fmt.Sprintf("<presence to='%s/%s'><x xmlns='http://jabber.org/protocol/muc'><history maxstanzas='0'/></x></presence>", room, user(i))); err != nil {
			b.Fatal(err)
		}
		until(ctx, b, s, "to come into the room", func() bool { return a.self.Load() > 0 })
		if i == 0 {
			err := a.Put("<iq type='set' id='config' to='" + room + "'><query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='submit'>" +
				"<field var='FORM_TYPE'><value>http://jabber.org/protocol/muc#roomconfig</value></field><field var='muc#roomconfig_membersonly'><value>0</value></field>" +
				"<field var='muc#roomconfig_maxusers'><value>200</value></field></x></query></iq>")
			if err != nil {
				b.Fatal(err)
			}
			until(ctx, b, s, "for the room", func() bool { return a.configured.Load() })
		}
	}
	n, took, cpu := timed(b, s, func() int {
		ctx, cancel := context.WithTimeout(b.Context(), *span)
		defer cancel()
		text := "<message to='" + room + "' type='groupchat' id='g'><body>" + strings.Repeat("x", 100) + "</body></message>"
		for i := range inRoom {
			if !take(ctx, free) || all[i%people].Put(text) != nil {
				break
			}
		}
		drain(b, s, free)
		return int(heard.Load())
	})
	return n, took, cpu
}

// until looks again and again, as what is waited for is counted by others.
func until(ctx context.Context, b *testing.B, s subject, what string, holds func() bool) {
	b.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			b.Fatalf("%s: waited in vain %s\n%s", s.kind, what, s.Logged())
		}
	}
}

// measureIdle is the memory of a session that does nothing.
func measureIdle(b *testing.B, s subject) float64 {
	before := s.process().memory(b)
	all := crowd(b, s, *idle, "idle", nil)
	after := s.process().memory(b)
	depart(all)
	return float64(after-before) / float64(len(all))
}
