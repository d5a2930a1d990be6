package bench

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"kith/internal/xmltree"
	"kith/test/peers"
)

// underWay is how many messages of each pair are: more than between two people, because it is not the delay of
// single ones that is measured.
const underWay = 50

// couple is two servers of one kind, whose people write to each other.
type couple struct {
	here, there subject
}

func (c couple) cpu(b *testing.B) time.Duration {
	return c.here.process().cpu(b) + c.there.process().cpu(b)
}

// BenchmarkFederation lets people of one server write to people of another one of the same kind: Kith to Kith,
// Prosody to Prosody, ejabberd to ejabberd. The processor time is that of both servers together.
func BenchmarkFederation(b *testing.B) {
	w := peers.New(b)
	// What bounds single domains is no part of what is measured: Debian's Prosody and ejabberd have no such bound.
	const unbounded = "rate = \"1GB\"\nstrangers = 1000\n"
	couples := []couple{
		{subject{w.Kith("kith1.example", unbounded), "Kith"}, subject{w.Kith("kith2.example", unbounded), "Kith"}},
		{
			subject{w.Prosody(peers.Options{Domain: "prosody1.example", SQL: true}), "Prosody"},
			subject{w.Prosody(peers.Options{Domain: "prosody2.example", SQL: true}), "Prosody"},
		},
		{ // as it is without being told: files, of which nobody waits until they are on disk
			subject{w.Prosody(peers.Options{Domain: "prosody3.example"}), "Prosody*"},
			subject{w.Prosody(peers.Options{Domain: "prosody4.example"}), "Prosody*"},
		},
		{
			subject{w.Ejabberd(peers.Options{Domain: "ejabberd1.example", SQL: true}), "ejabberd"},
			subject{w.Ejabberd(peers.Options{Domain: "ejabberd2.example", SQL: true}), "ejabberd"},
		},
	}
	for _, c := range couples {
		for _, s := range []subject{c.here, c.there} {
			s.Start()
			for i := range pairs {
				account(b, s, user(i))
			}
		}
	}
	t := newTable(os.Stdout, "Kith", "Prosody", "Prosody*", "ejabberd")
	t.title("Federation: from one server to another of its kind, TLS 1.3, SASL EXTERNAL, archives on disk at both (*: in files that are not synced)")
	for _, m := range []struct{ what, body string }{
		{"messages of 100 bytes", strings.Repeat("x", 100)},
		{"messages as large as with OMEMO", ciphertext()},
	} {
		rate, cpu := make([][]float64, len(couples)), make([][]float64, len(couples))
		for range *rounds {
			for i, c := range couples {
				n, took, used := measureAcross(b, c, m.body)
				rate[i] = append(rate[i], float64(n)/took.Seconds())
				cpu[i] = append(cpu[i], used.Seconds()*1e6/float64(n))
			}
		}
		t.row(m.what+", per second", more, medians(rate))
		t.row("CPU of a message, µs, both servers", less, medians(cpu))
	}
	t.print()
}

func account(b *testing.B, s subject, name string) {
	b.Helper()
	if s.Account != nil {
		s.Account(name, password)
		return
	}
	c, err := s.Dial(b.Context())
	if err == nil {
		err = c.Register(name, password)
	}
	if err != nil {
		b.Fatal(err)
	}
}

// measureAcross counts what arrives at the other server.
func measureAcross(b *testing.B, c couple, body string) (count int, took, cpu time.Duration) {
	b.Helper()
	free := make([]chan struct{}, pairs)
	for i := range free {
		free[i] = make(chan struct{}, underWay)
	}
	var heard atomic.Int64
	greetings := make(chan struct{}, pairs)
	hello := fmt.Sprintf("hello %d", time.Now().UnixNano())
	writers := crowd(b, c.here, pairs, "w", func(_ int, e xmltree.Element) {
		if e.Child("jabber:client", "body").Text() == hello {
			greetings <- struct{}{}
		}
	})
	defer depart(writers)
	readers := crowd(b, c.there, pairs, "r", func(i int, e xmltree.Element) {
		if e.Child("jabber:client", "body").IsZero() || e.Attr("type") != "chat" {
			return
		}
		select {
		case <-free[i]:
			heard.Add(1)
		default: // it is from before, brought again because its receipt was not acknowledged
		}
	})
	defer depart(readers)
	ctx, cancel := context.WithTimeout(b.Context(), peers.Patience)
	defer cancel()
	// Those who will read write first, so that the connections are there and nobody is a stranger.
	for i, r := range readers {
		if err := r.Put(fmt.Sprintf("<message to='%s' type='chat' id='g'><body>%s</body></message>", writers[i].jid, hello)); err != nil {
			b.Fatal(err)
		}
	}
	for range pairs {
		select {
		case <-greetings:
		case <-ctx.Done():
			b.Fatalf("%s: not everybody is greeted\n%s\n%s", c.here.kind, c.here.Logged(), c.there.Logged())
		}
	}
	before, begin := c.cpu(b), time.Now()
	writing, stop := context.WithTimeout(b.Context(), *span)
	defer stop()
	var all sync.WaitGroup
	for p := range pairs {
		all.Go(func() {
			text := "<message to='" + readers[p].jid + "' type='chat' id='m'><body>" + body + "</body></message>"
			for range messages / pairs {
				if !take(writing, free[p]) || writers[p].Put(text) != nil {
					return
				}
			}
		})
	}
	all.Wait()
	for p := range pairs {
		for range underWay {
			if !take(ctx, free[p]) {
				b.Fatalf("%s: not everything arrived\n%s\n%s", c.here.kind, c.here.Logged(), c.there.Logged())
			}
		}
	}
	return int(heard.Load()), time.Since(begin), c.cpu(b) - before
}
