package muc_test

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"kith/internal/jid"
	"kith/internal/stanza"
	"kith/server/module"
	"kith/server/muc"
	"kith/server/router"
	"kith/server/router/routertest"
)

// counting is a stream that counts what it is given.
type counting struct {
	wg *tally
}

// tally counts what is expected, until the end of a benchmark.
type tally struct {
	sync.WaitGroup
	over atomic.Bool
}

func (c counting) Deliver(_ *stanza.Stanza, delivered func()) {
	if delivered != nil {
		go delivered()
	}
	if !c.wg.over.Load() {
		c.wg.Done()
	}
}

func (counting) End(module.EndReason) {}

func (counting) Attached() bool { return true }

func (counting) Unacknowledged() []*stanza.Stanza { return nil }

func (counting) Undelivered() []*stanza.Stanza { return nil }

// crowd binds n clients.
func crowd(b *testing.B, h *house, wg *tally, n int) []*router.Session {
	b.Helper()
	out := make([]*router.Session, n)
	for i := range out {
		local := fmt.Sprintf("user%d", i)
		h.Add(local)
		s, err := h.Accounts.Bind(b.Context(), jid.Must(local+"@"+routertest.Domain+"/phone"), counting{wg}, module.Login{}, nil)
		if err != nil {
			b.Fatal(err)
		}
		out[i] = s
	}
	return out
}

func from(b *testing.B, s *router.Session, xml string) {
	b.Helper()
	s.Receive(routertest.Parse(b, xml).Stamp(s.JID()), nil)
}

// fill makes a room and lets n clients in.
func fill(b *testing.B, h *house, wg *tally, n int) []*router.Session {
	b.Helper()
	b.Cleanup(func() { wg.over.Store(true) })
	all := crowd(b, h, wg, n)
	for i, s := range all {
		// Everybody who is there gets one presence, the new one n+1 and the subject.
		wg.Add(i + i + 1 + 1)
		from(b, s, fmt.Sprintf(`<presence to='%s/nick%d'><x xmlns='http://jabber.org/protocol/muc'/></presence>`, cave, i))
		wg.Wait()
		if i == 0 {
			wg.Add(1)
			from(b, s, `<iq type='set' to='`+cave+`' id='c'>`+config(open...)+`</iq>`)
			wg.Wait()
		}
	}
	return all
}

// BenchmarkBroadcast sends a message to a room; the time is that of one delivery: storing the message, all
// mailboxes and phases of the recipients' accounts.
func BenchmarkBroadcast(b *testing.B) {
	kinds := map[string]string{
		"text": `<body>See you at eight, as always, in front of the station?</body>`,
		// What OMEMO makes of it for three devices of each of 50 people.
		"omemo": `<encrypted xmlns='eu.siacs.conversations.axolotl'><header sid='1'>` +
			strings.Repeat(`<key rid='1234567890' prekey='true'>`+strings.Repeat("A", 180)+`</key>`, 150) +
			`<iv>AAAAAAAAAAAAAAAA</iv></header><payload>` + strings.Repeat("A", 100) + `</payload></encrypted><store xmlns='urn:xmpp:hints'/>`,
	}
	for _, kind := range []string{"text", "omemo"} {
		for _, n := range []int{50, 200} {
			b.Run(fmt.Sprintf("%s/%d", kind, n), func(b *testing.B) {
				h := newHouse(b, options{bare: true})
				wg := &tally{}
				all := fill(b, h, wg, n)
				st := routertest.Parse(b, `<message type='groupchat' to='`+cave+`' id='m'>`+kinds[kind]+`</message>`).Stamp(all[0].JID())
				b.ResetTimer()
				for range b.N {
					wg.Add(n)
					all[0].Receive(st, nil)
					wg.Wait()
				}
				b.StopTimer()
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/delivery")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}

// BenchmarkJoin lets clients into a room one after the other: n of them cause n squared deliveries. What the
// room and the accounts keep in memory of each must not grow with n.
func BenchmarkJoin(b *testing.B) {
	for _, n := range []int{250, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for range b.N {
				h := newHouse(b, options{bare: true, config: func(c *muc.Config) { c.MaxOccupants = n }})
				wg := &tally{}
				before := heap()
				fill(b, h, wg, n)
				b.ReportMetric(float64(heap()-before)/float64(n), "B/occupant")
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n*n), "ns/delivery")
		})
	}
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
