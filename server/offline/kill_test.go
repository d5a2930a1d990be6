package offline_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"kith/internal/mamquery"
	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/internal/stanzaid"
	"kith/server/mam"
	"kith/server/mam/archivetest"
	"kith/server/module"
	"kith/server/router"
	"kith/server/router/routertest"
	"kith/server/store"
)

// childDir is the environment variable that makes the test binary the server to be killed.
const childDir = "KITH_TEST_ARCHIVE_DIR"

// A server that is killed at any moment has lost nothing that it took responsibility for, and gives
// each message one id.
func TestKill(t *testing.T) {
	if dir := os.Getenv(childDir); dir != "" {
		beKilled(t, dir)
		return
	}
	if testing.Short() {
		t.Skip("starts processes")
	}
	dir := t.TempDir()
	s := killStory{accepted: map[string]bool{}, got: map[string]string{}}
	for round := range 6 {
		s.run(t, dir, round)
	}
	s.inspect(t, dir)
}

type killStory struct {
	accepted map[string]bool
	got      map[string]string // body and id of what a client of bob's has
}

// run lets a server work for a while and kills it.
func (s *killStory) run(t *testing.T, dir string, round int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKill$")
	cmd.Env = append(os.Environ(), childDir+"="+dir, fmt.Sprint("KITH_TEST_ROUND=", round))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	left := 200 + rand.IntN(800)
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		what, rest, _ := strings.Cut(lines.Text(), " ")
		body, id, _ := strings.Cut(rest, " ")
		switch what {
		case "accepted":
			s.accepted[body] = true
		case "got":
			if was := s.got[body]; was != "" && was != id {
				t.Errorf("%s came as %s and as %s", body, was, id)
			}
			s.got[body] = id
		default:
			t.Errorf("the server says %q", lines.Text())
		}
		if left--; left == 0 {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	err = cmd.Wait()
	if left > 0 {
		t.Fatalf("the server ended by itself: %v\n%s", err, &stderr)
	}
}

// inspect collects what waits and looks at the archives.
func (s *killStory) inspect(t *testing.T, dir string) {
	t.Helper()
	db, err := store.Open(t.Context(), store.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	h := archivetest.New(t, archivetest.Options{DB: db})
	bob := h.Connect("bob", "last", true)
	bob.Send(t, "<presence/>")
	quiet := 0
	for quiet < 3 {
		h.Do("bob", func(module.Account) {}) // what was acknowledged has been seen
		if bob.Ack(-1) == 0 {
			quiet++
			h.Do("bob", func(module.Account) {})
		} else {
			quiet = 0
		}
	}
	var order []stanzaid.Seq
	for _, st := range bob.All() {
		id := h.ID("bob", st)
		if was := s.got[st.Body()]; was != "" && was != id {
			t.Errorf("%s came as %s and as %s", st.Body(), was, id)
		}
		s.got[st.Body()] = id
		seq, ok := h.Owner("bob").Seq(id)
		if !ok {
			t.Errorf("not an id: %s", st)
		}
		order = append(order, seq)
	}
	if !slices.IsSorted(order) {
		t.Error("what waited came out of order")
	}
	lost := 0
	for body := range s.accepted {
		if s.got[body] == "" {
			lost++
		}
	}
	if lost > 0 {
		t.Errorf("%d of %d messages were lost", lost, len(s.accepted))
	}
	t.Logf("%d accepted, %d received, %d of them at the end", len(s.accepted), len(s.got), len(order))
	for _, local := range []string{"alice", "bob"} {
		s.checkArchive(t, h, local)
	}
	if err := h.Accounts.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if err := h.Delivery.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
}

func (s *killStory) checkArchive(t *testing.T, h *archivetest.House, local string) {
	t.Helper()
	state, err := h.Store.Open(t.Context(), local+"@kith.example")
	if err != nil {
		t.Fatal(err)
	}
	times := map[string]int{}
	for after := stanzaid.Seq(0); ; {
		page, err := h.Store.Page(t.Context(), mam.Query{Archive: state.Archive, Query: mamquery.Query{After: after, Limit: 100}})
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range page.Rows {
			st := routertest.Parse(t, row.Stanza)
			times[st.Body()]++
			if id := s.got[st.Body()]; local == "bob" && id != "" && id != h.Owner("bob").ID(row.Seq) {
				t.Errorf("%s has another id in the archive", st.Body())
			}
			after = row.Seq
		}
		if !page.More {
			break
		}
	}
	for body, n := range times {
		if n != 1 {
			t.Errorf("%s is %d times in the archive of %s", body, n, local)
		}
	}
	for body := range s.accepted {
		if times[body] != 1 {
			t.Errorf("%s is %d times in the archive of %s", body, times[body], local)
		}
	}
}

// beKilled is a server whose people write without end. It tells on standard output what it has
// accepted, and what a client of bob's has.
func beKilled(t *testing.T, dir string) {
	db, err := store.Open(t.Context(), store.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	h := archivetest.New(t, archivetest.Options{DB: db})
	h.Add("bob")
	// The clock goes on where the last round ended, and lets progress be saved now and then.
	var round int
	if _, err := fmt.Sscan(os.Getenv("KITH_TEST_ROUND"), &round); err != nil {
		t.Fatal(err)
	}
	h.Clock.Advance(time.Duration(round) * time.Hour)
	var wg sync.WaitGroup
	for n := range 3 {
		wg.Go(func() { writeForEver(t, h, round, n) })
	}
	for n := range 2 {
		wg.Go(func() { readForEver(t, h, n) })
	}
	wg.Go(func() {
		for tick := time.NewTicker(5 * time.Millisecond); ; <-tick.C {
			h.Clock.Advance(time.Second)
		}
	})
	wg.Wait()
}

var report sync.Mutex

func tell(words ...string) {
	report.Lock()
	defer report.Unlock()
	_, _ = os.Stdout.WriteString(strings.Join(words, " ") + "\n")
}

func writeForEver(t *testing.T, h *archivetest.House, round, n int) {
	alice := h.Connect("alice", fmt.Sprint("w", n), false)
	window := make(chan struct{}, 8)
	for i := 0; ; i++ {
		window <- struct{}{}
		body := fmt.Sprintf("%d-%d-%d", round, n, i)
		accepted := alice.Send(t, say("bob@kith.example", body))
		go func() {
			<-accepted
			tell("accepted", body)
			<-window
		}()
	}
}

// reader is a client that has what it acknowledges, and acknowledges now and then.
type reader struct {
	h      *archivetest.House
	mu     sync.Mutex
	queue  []func()
	gone   bool
	filled chan struct{}
}

func (r *reader) Deliver(st *stanza.Stanza, delivered func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.gone {
		return
	}
	r.queue = append(r.queue, func() {
		if st.Kind == stanza.Message && !st.Child(ns.Client, "body").IsZero() {
			tell("got", st.Body(), r.h.ID("bob", st))
		}
		if delivered != nil {
			delivered()
		}
	})
	select {
	case r.filled <- struct{}{}:
	default:
	}
}

func (r *reader) ack(n int) {
	r.mu.Lock()
	n = min(n, len(r.queue))
	now := r.queue[:n]
	r.queue = r.queue[n:]
	r.mu.Unlock()
	for _, f := range now {
		f()
	}
}

func (r *reader) End(module.EndReason) {}

func (*reader) Attached() bool { return true }

func (*reader) Unacknowledged() []*stanza.Stanza { return nil }

func (r *reader) Undelivered() []*stanza.Stanza {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.gone = true
	return nil
}

func readForEver(t *testing.T, h *archivetest.House, n int) {
	full := h.Connect("bob", fmt.Sprint("r", n), false).JID // and is replaced at once
	for {
		r := &reader{h: h, filled: make(chan struct{}, 1)}
		s, err := h.Accounts.Bind(context.Background(), full, r, module.Login{}, nil)
		if err != nil {
			t.Error(err)
			return
		}
		s.Receive(presenceOf(t, s), func() {})
		for range rand.IntN(40) {
			<-r.filled
			r.ack(rand.IntN(20))
		}
		s.Unbind()
	}
}

func presenceOf(t *testing.T, s *router.Session) *stanza.Stanza {
	return routertest.Parse(t, "<presence/>").Stamp(s.JID())
}
