package mam_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/internal/xmltree"
	"kith/server/mam/archivetest"
	"kith/server/module"
	"kith/server/router"
	"kith/server/router/routertest"
	"kith/server/store"
)

// cpu is what the process has used, in user and kernel.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// sink is a client that acknowledges every fifth message, for all before it.
type sink struct {
	pending []func()
	got     chan<- struct{}
}

func (s *sink) Deliver(st *stanza.Stanza, delivered func()) {
	if delivered != nil {
		s.pending = append(s.pending, delivered)
	}
	if len(s.pending) >= 5 {
		for _, f := range s.pending {
			f()
		}
		s.pending = s.pending[:0]
	}
	if st.Kind == stanza.Message {
		s.got <- struct{}{}
	}
}

func (s *sink) End(module.EndReason) {}

func (*sink) Attached() bool { return true }

func (*sink) Unacknowledged() []*stanza.Stanza { return nil }

func (s *sink) Undelivered() []*stanza.Stanza { return nil }

// omemo is a message of about 1.5 kB as an OMEMO client sends it to two people with two devices each.
func omemo(to string) string {
	key := base64.StdEncoding.EncodeToString(make([]byte, 160))
	var b strings.Builder
	b.WriteString("<message xmlns='jabber:client' type='chat' id='3f1c2b5a-7a3e-4d52-9a54-1d8a0c6f7e21' to='" + to + "'><encrypted xmlns='eu.siacs.conversations.axolotl'><header sid='1234567890'>")
	for rid := range 4 {
		fmt.Fprintf(&b, "<key rid='%d'>%s</key>", 1000000000+rid, key)
	}
	b.WriteString("<iv>AAAAAAAAAAAAAAAA</iv></header><payload>" + key + "</payload></encrypted><encryption xmlns='urn:xmpp:eme:0' name='OMEMO' namespace='eu.siacs.conversations.axolotl'/><body>I sent you an OMEMO encrypted message.</body><store xmlns='urn:xmpp:hints'/><origin-id xmlns='urn:xmpp:sid:0' id='3f1c2b5a-7a3e-4d52-9a54-1d8a0c6f7e21'/></message>")
	return b.String()
}

func benchHouse(b *testing.B) *archivetest.House {
	b.Helper()
	db, err := store.Open(context.Background(), store.Options{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := db.Close(); err != nil {
			b.Error(err)
		}
	})
	return archivetest.New(b, archivetest.Options{DB: db})
}

func benchSession(b *testing.B, h *archivetest.House, local string, s router.Stream) *router.Session {
	b.Helper()
	h.Add(local)
	full, err := jid.New(local, routertest.Domain, "x")
	if err != nil {
		b.Fatal(err)
	}
	session, err := h.Accounts.Bind(context.Background(), full, s, module.Login{}, nil)
	if err != nil {
		b.Fatal(err)
	}
	session.Receive(routertest.Parse(b, "<presence/>").Stamp(full), func() {})
	h.Do(local, func(module.Account) {})
	return session
}

var parseLimits = xmltree.Limits{Bytes: 1 << 18, Elements: 1000, Depth: 50, Attrs: 50}

// A message, from the bytes of its sender to the stream of its recipient: parsed, archived for both on
// disk, delivered and acknowledged. Ten pairs write, each with 8 messages under way.
func BenchmarkMessage(b *testing.B) {
	for _, pairs := range []int{1, 10} {
		b.Run(fmt.Sprintf("pairs=%d", pairs), func(b *testing.B) {
			h := benchHouse(b)
			before := h.DB.Counters().Commits.Load()
			var wg sync.WaitGroup
			type pair struct {
				session *router.Session
				text    string
				got     chan struct{}
			}
			var all []pair
			for n := range pairs {
				got := make(chan struct{}, 1024)
				alice := benchSession(b, h, fmt.Sprint("alice", n), &sink{got: make(chan struct{}, 1)})
				benchSession(b, h, fmt.Sprint("bob", n), &sink{got: got})
				all = append(all, pair{alice, omemo(fmt.Sprintf("bob%d@kith.example", n)), got})
			}
			b.ReportAllocs()
			busy := cpu()
			b.ResetTimer()
			for n, p := range all {
				wg.Go(func() {
					window := make(chan struct{}, 8)
					mine := 0
					for i := n; i < b.N; i += pairs {
						mine++
					}
					go func() {
						for range mine {
							window <- struct{}{}
							e, err := xmltree.Parse(strings.Clone(p.text), parseLimits, xmltree.Scope{Default: ns.Client})
							if err != nil {
								b.Error(err)
								return
							}
							st, err := stanza.Read(e, ns.Client)
							if err != nil {
								b.Error(err)
								return
							}
							p.session.Receive(st.Stamp(p.session.JID()), func() {})
						}
					}()
					for range mine {
						<-p.got
						<-window
					}
				})
			}
			wg.Wait()
			b.StopTimer()
			b.ReportMetric(float64((cpu()-busy).Nanoseconds())/float64(b.N)/1000, "cpu-µs/msg")
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msg/s")
			b.ReportMetric(2*float64(b.N)/float64(h.DB.Counters().Commits.Load()-before), "ops/commit")
		})
	}
}

// pageSink tells when an iq came.
type pageSink struct{ fin chan *stanza.Stanza }

func (s *pageSink) Deliver(st *stanza.Stanza, delivered func()) {
	if delivered != nil {
		delivered()
	}
	if st.Kind == stanza.IQ {
		s.fin <- st
	}
}

func (s *pageSink) End(module.EndReason) {}

func (*pageSink) Attached() bool { return true }

func (*pageSink) Unacknowledged() []*stanza.Stanza { return nil }

func (s *pageSink) Undelivered() []*stanza.Stanza { return nil }

// A page of 50 out of 100,000, from the request to the last stanza that is queued for the client.
func BenchmarkPage(b *testing.B) {
	const total, peers = 100_000, 50
	h := benchHouse(b)
	fill(b, h, total, peers)
	s := &pageSink{fin: make(chan *stanza.Stanza, 1)}
	bob := benchSession(b, h, "bob", s)
	with := "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>urn:xmpp:mam:2</value></field><field var='with'><value>peer7@kith.example</value></field></x>"
	for _, c := range []struct{ name, filter, first string }{
		{"all forward", "", "<after/>"},
		{"all backward", "", "<before/>"},
		{"with forward", with, "<after/>"},
		{"with backward", with, "<before/>"},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			busy := cpu()
			where := c.first
			for range b.N {
				q := "<iq xmlns='jabber:client' type='set' id='q' to='bob@kith.example'><query xmlns='urn:xmpp:mam:2' queryid='f'>" + c.filter +
					"<set xmlns='http://jabber.org/protocol/rsm'><max>50</max>" + where + "</set></query></iq>"
				bob.Receive(routertest.Parse(b, q).Stamp(bob.JID()), func() {})
				fin := (<-s.fin).Child(ns.MAM, "fin")
				set := fin.Child(ns.RSM, "set")
				switch {
				case fin.Attr("complete") != "false":
					where = c.first
				case c.first == "<before/>":
					where = "<before>" + set.ChildText(ns.RSM, "first") + "</before>"
				default:
					where = "<after>" + set.ChildText(ns.RSM, "last") + "</after>"
				}
			}
			b.StopTimer()
			b.ReportMetric(float64((cpu()-busy).Nanoseconds())/float64(b.N)/1000, "cpu-µs/page")
		})
	}
}

// fill gives bob an archive.
func fill(b *testing.B, h *archivetest.House, total, peers int) {
	b.Helper()
	s := &pageSink{fin: make(chan *stanza.Stanza, 1)}
	benchSession(b, h, "bob", s)
	text := omemo("bob@kith.example")
	window := make(chan struct{}, 1000)
	for n := range total {
		window <- struct{}{}
		st := routertest.Parse(b, text).Stamp(jid.Must(fmt.Sprintf("peer%d@kith.example/x", n%peers)))
		h.Router.Route(module.NewEnvelope(st, func() { <-window }))
		if n%1000 == 0 {
			h.Clock.Advance(time.Second)
		}
	}
	for range cap(window) {
		window <- struct{}{}
	}
}
