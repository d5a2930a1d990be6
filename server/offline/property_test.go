package offline_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/internal/stanzaid"
	"kith/internal/xmltree"
	"kith/server/mam/archivetest"
	"kith/server/store"
)

// received is a message as a client got it: by itself, as a copy, or from the archive.
type received struct {
	body, id string
	direct   bool
}

// readAll takes the messages out of what a client got.
func readAll(h *archivetest.House, all []*stanza.Stanza) (out []received) {
	add := func(m xmltree.Element, id string, direct bool) {
		if !m.Child(ns.Client, "body").IsZero() {
			out = append(out, received{m.ChildText(ns.Client, "body"), id, direct})
		}
	}
	for _, st := range all {
		if st.Kind != stanza.Message {
			continue
		}
		for c := range st.Root().Children() {
			inside := c.Child(ns.Forward, "forwarded").Child(ns.Client, "message")
			switch {
			case c.Is(ns.MAM, "result"):
				add(inside, c.Attr("id"), false)
			case c.Is(ns.Carbons, "received"):
				add(inside, h.Owner("bob").Find(inside), false)
			case c.Is(ns.Client, "body"):
				add(st.Root(), h.ID("bob", st), true)
			}
		}
	}
	return out
}

// Whatever bob's devices do, every message reaches one of them, always with the same id. None gets
// one twice within a session; and with a single device they come in their order.
func TestDeliveryProperty(t *testing.T) {
	for seed := range uint64(20) {
		for _, devices := range []int{1, 3} {
			t.Run(fmt.Sprintf("%d devices %d", devices, seed), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { runStory(t, rand.New(rand.NewPCG(seed, 3)), devices) })
			})
		}
	}
}

// device is what a device of bob's remembers beyond its sessions.
type device struct {
	name string
	// keeps an archive, reads that of the server; copies: it has carbons.
	reads, copies bool
	session       *archivetest.Client
	syncing       string // the last id of the page before, while it reads the archive
	busy          bool
	synced        string // the last id up to which it has everything
}

type story struct {
	t       *testing.T
	rnd     *rand.Rand
	dir     string
	h       *archivetest.House
	end     func(polite bool)
	alice   *archivetest.Client
	devices []*device
	sent    []string
	ids     map[string]string
	got     map[string]bool
}

func runStory(t *testing.T, rnd *rand.Rand, devices int) {
	s := &story{t: t, rnd: rnd, dir: t.TempDir(), ids: map[string]string{}, got: map[string]bool{}}
	for n := range devices {
		s.devices = append(s.devices, &device{name: fmt.Sprint("d", n), reads: rnd.IntN(2) == 0, copies: rnd.IntN(2) == 0})
	}
	s.open()
	for range 150 {
		s.step()
	}
	for _, d := range s.devices {
		s.leave(d)
	}
	// In the end somebody comes who only takes what is sent.
	last := &device{name: "last"}
	s.connect(last)
	for last.session.Ack(-1) > 0 {
		s.h.Settle()
	}
	s.check(last.session, true)
	for _, body := range s.sent {
		if !s.got[body] {
			t.Errorf("%s was lost", body)
		}
	}
	s.h.Clock.Advance(time.Minute)
	s.h.Settle()
	after := s.h.Connect("bob", "after", false)
	after.Send(t, "<presence/>")
	s.h.Settle()
	same(t, "nothing waits any more", bodies(after))
	s.end(true)
}

func (s *story) open() {
	db, err := store.Open(s.t.Context(), store.Options{Dir: s.dir, Volatile: true})
	if err != nil {
		s.t.Fatal(err)
	}
	s.h = archivetest.New(s.t, archivetest.Options{DB: db, IgnoreLog: true})
	s.h.Add("bob")
	s.h.Clock.Advance(time.Duration(len(s.sent)) * time.Second)
	s.alice = s.h.Connect("alice", "desk", false)
	s.end = func(polite bool) {
		if polite {
			if err := s.h.Accounts.Close(s.t.Context()); err != nil {
				s.t.Fatal(err)
			}
			if err := s.h.Delivery.Close(s.t.Context()); err != nil {
				s.t.Fatal(err)
			}
		}
		if err := db.Close(); err != nil {
			s.t.Fatal(err)
		}
	}
}

func (s *story) step() {
	d := s.devices[s.rnd.IntN(len(s.devices))]
	switch p := s.rnd.IntN(100); {
	case p < 45:
		s.send()
	case p < 75:
		if d.session != nil {
			d.session.Ack(s.rnd.IntN(8))
			s.h.Settle()
		}
	case p < 88:
		if d.session == nil {
			s.connect(d)
		} else if d.busy {
			s.page(d)
		}
	case p < 92:
		// A device that gets by its address what others wait for gets it first.
		if d.session != nil && len(s.devices) > 1 {
			d.session.Send(s.t, []string{"<presence/>", "<presence type='unavailable'/>", "<presence><priority>-1</priority></presence>"}[s.rnd.IntN(3)])
			s.h.Settle()
		}
	case p < 97:
		s.leave(d)
	case p < 98:
		for _, d := range s.devices {
			s.leave(d)
		}
		s.end(s.rnd.IntN(2) == 0)
		s.open()
	default:
		s.h.Clock.Advance(time.Duration(s.rnd.IntN(10)) * time.Second)
		s.h.Settle()
	}
}

func (s *story) send() {
	for range 1 + s.rnd.IntN(3) {
		to := "bob@kith.example"
		if s.rnd.IntN(3) == 0 {
			to += "/d" + fmt.Sprint(s.rnd.IntN(4))
		}
		body := fmt.Sprint(len(s.sent))
		text := say(to, body)
		if s.rnd.IntN(8) == 0 {
			text = offTheRecord(to, body)
		}
		accepted := s.alice.Send(s.t, text)
		s.h.Settle()
		<-accepted
		s.sent = append(s.sent, body)
	}
}

func (s *story) connect(d *device) {
	d.session = s.h.Connect("bob", d.name, true)
	d.busy, d.syncing = d.reads, d.synced
	if d.copies {
		d.session.Send(s.t, "<iq type='set' id='c'><enable xmlns='urn:xmpp:carbons:2'/></iq>")
	}
	pages := 0
	if d.reads {
		pages = s.rnd.IntN(4)
	}
	for range pages {
		if d.busy {
			s.page(d)
		}
	}
	d.session.Send(s.t, "<presence/>")
	s.h.Settle()
}

// page reads a page of the archive, as a client does that goes on where it was.
func (s *story) page(d *device) {
	after := ""
	if d.syncing != "" {
		after = "<after>" + d.syncing + "</after>"
	}
	before := len(d.session.All())
	d.session.Send(s.t, "<iq type='set' id='q'><query xmlns='urn:xmpp:mam:2'><set xmlns='http://jabber.org/protocol/rsm'><max>5</max>"+after+"</set></query></iq>")
	s.h.Settle()
	all := d.session.All()[before:]
	for _, st := range all {
		if st.Kind != stanza.IQ || st.ID != "q" {
			continue
		}
		fin := st.Child(ns.MAM, "fin")
		if fin.IsZero() {
			s.t.Fatalf("page: %s", st)
		}
		if last := fin.Child(ns.RSM, "set").ChildText(ns.RSM, "last"); last != "" {
			d.syncing = last
		}
		d.busy = fin.Attr("complete") != "true"
		return
	}
	s.t.Fatal("no page came")
}

func (s *story) leave(d *device) {
	if d.session == nil {
		return
	}
	s.check(d.session, false)
	// What the device is sure to have, it goes on from: what was acknowledged while it was in step.
	if d.reads && !d.busy {
		d.synced = d.syncing
	}
	d.session.Leave()
	s.h.Settle()
	d.session = nil
}

// check looks at what a session has got.
func (s *story) check(c *archivetest.Client, last bool) {
	for _, r := range readAll(s.h, c.Acked()) {
		s.got[r.body] = true
	}
	seen := map[string]bool{}
	var order []stanzaid.Seq
	for _, r := range readAll(s.h, c.All()) {
		if r.id == "" {
			s.t.Errorf("%s came without an id", r.body)
		}
		if was, ok := s.ids[r.body]; ok && was != r.id {
			s.t.Errorf("%s came with two ids", r.body)
		}
		s.ids[r.body] = r.id
		if !r.direct {
			continue
		}
		if seen[r.body] {
			s.t.Errorf("%s came twice in a session", r.body)
		}
		seen[r.body] = true
		seq, _ := s.h.Owner("bob").Seq(r.id)
		order = append(order, seq)
	}
	if (last || len(s.devices) == 1) && !slices.IsSorted(order) && !s.reordered() {
		s.t.Errorf("out of order: %v", order)
	}
	if n := len(slices.Compact(slices.Sorted(maps.Values(s.ids)))); n != len(s.ids) {
		s.t.Errorf("%d ids for %d messages", n, len(s.ids))
	}
}

// reordered: a device that reads the archive gets what it missed there from the archive, and may
// get what waited besides after what is new.
func (s *story) reordered() bool { return s.devices[0].reads && len(s.devices) == 1 }
