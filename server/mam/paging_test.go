package mam_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"kith/server/mam/archivetest"
)

// However an archive is read, forward or backward, in pages of whatever size, filtered or not, it
// is the same sequence.
func TestPagingProperty(t *testing.T) {
	in(t, archivetest.Options{}, func(t *testing.T, h *archivetest.House, alice, bob *archivetest.Client) {
		carol := h.Connect("carol", "x", false)
		rnd := rand.New(rand.NewPCG(1, 2))
		type sent struct {
			body, with string
			at         time.Time
			hidden     bool
		}
		var all []sent
		// Bob's device is away for some of it: what waits must not disturb the order.
		for n := range 230 {
			body := fmt.Sprint(n)
			m := sent{body: body, at: h.Clock.Now()}
			switch rnd.IntN(4) {
			case 0:
				m.with = "alice"
				alice.Send(t, say("bob", body))
			case 1:
				m.with = "alice"
				bob.Send(t, say("alice", body))
			case 2:
				m.with = "carol"
				carol.Send(t, say("bob", body))
			case 3:
				m.with, m.hidden = "carol", true
				carol.Send(t, strings.Replace(say("bob", body), "</message>", "<no-permanent-store xmlns='urn:xmpp:hints'/></message>", 1))
			}
			h.Settle()
			all = append(all, m)
			if rnd.IntN(3) > 0 {
				h.Clock.Advance(time.Duration(rnd.IntN(3000)) * time.Millisecond)
			}
		}
		for round := range 60 {
			var want []string
			var fields []string
			with := []string{"", "alice", "carol", "nobody"}[rnd.IntN(4)]
			if with != "" {
				fields = append(fields, "with", with+"@kith.example")
			}
			from, to := 0, len(all)
			if rnd.IntN(2) == 0 {
				from = rnd.IntN(len(all))
				fields = append(fields, "start", all[from].at.Format("2006-01-02T15:04:05.000Z"))
			}
			if rnd.IntN(2) == 0 {
				to = rnd.IntN(len(all)) + 1
				fields = append(fields, "end", all[to-1].at.Format("2006-01-02T15:04:05.000Z"))
			}
			for _, m := range all {
				if m.hidden || with != "" && m.with != with || m.at.Before(all[from].at) || m.at.After(all[to-1].at) {
					continue
				}
				want = append(want, m.body)
			}
			size := 1 + rnd.IntN(40)
			backward := rnd.IntN(2) == 0
			var got, ids []string
			for at, turn := "", 0; ; turn++ {
				step := fmt.Sprintf("<max>%d</max>", size)
				switch {
				case backward:
					step += "<before>" + at + "</before>"
				case at != "":
					step += "<after>" + at + "</after>"
				}
				flip := []string{"", "<flip-page/>"}[rnd.IntN(2)]
				p := ask(t, h, bob, filter(fields...)+set(step)+flip)
				if flip != "" {
					slices.Reverse(p.bodies)
					slices.Reverse(p.ids)
				}
				if p.fault != nil || len(p.bodies) > size {
					t.Fatalf("round %d: page of %d: %d, %v", round, size, len(p.bodies), p.fault)
				}
				if backward {
					got, ids = append(p.bodies, got...), append(p.ids, ids...)
					at = p.first()
				} else {
					got, ids = append(got, p.bodies...), append(ids, p.ids...)
					at = p.last()
				}
				// It is complete exactly when all is read.
				if p.complete() != (len(got) >= len(want)) {
					t.Fatalf("round %d: complete is %t after %d of %d", round, p.complete(), len(got), len(want))
				}
				if p.complete() {
					break
				}
				if turn > len(all) {
					t.Fatal("there is no end")
				}
			}
			if !slices.Equal(got, want) {
				t.Fatalf("round %d: filter %v, pages of %d, backward %t: read %v, want %v", round, fields, size, backward, got, want)
			}
			if s := slices.Compact(slices.Sorted(slices.Values(ids))); len(s) != len(ids) {
				t.Fatalf("round %d: an id came twice", round)
			}
		}
	})
}
