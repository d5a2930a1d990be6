package federation

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"kith/internal/clock"
	"kith/internal/jid"
	"kith/internal/peer"
	"kith/internal/stanza"
)

// The key of XEP-0185 section 3.
func TestDialbackKey(t *testing.T) {
	const want = "37c69b1cf07a3f67c04a5ef5902fa5114f2c76fe4a2686482ba5b89323075643"
	if got := dialbackKey([]byte("s3cr3tf0rd14lb4ck"), "xmpp.example.com", "example.org", "D60000229F"); got != want {
		t.Errorf("the key is %s", got)
	}
}

// The time between tries grows, is never the same for everybody, and has an end.
func TestBackoff(t *testing.T) {
	seen := map[time.Duration]bool{}
	for failures := 1; failures < 70; failures++ {
		least := min(firstRetry<<min(failures-1, 20), lastRetry)
		for range 20 {
			d := backoff(failures)
			seen[d] = true
			if d < least || d > least+least/2+1 {
				t.Fatalf("after %d failures it waits %s", failures, d)
			}
		}
	}
	if len(seen) < 500 {
		t.Errorf("%d different times only", len(seen))
	}
}

// nobody knows no contacts and confines nobody.
type nobody struct{}

func (nobody) Known(context.Context, string, jid.JID) (bool, error) { return false, nil }

func (nobody) Confined(context.Context, string) (bool, error) { return false, nil }

// What is remembered of people and domains does not hold the stanzas in which they came: those may be large, and
// anybody can send thousands of them.
func TestRemembersNoStanzas(t *testing.T) {
	s := &Service{
		cfg: DefaultConfig(), counters: newCounters(), links: map[peer.Link]*link{},
		deps: Deps{Domain: "kith.example", Guard: nobody{}, Clock: clock.Real{}},
	}
	s.known.init(s)
	s.peers = s.newPeers(nil)
	heap := func() int64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	const stanzas, size = 24, 256 << 10
	for name, take := range map[string]func(*stanza.Stanza){
		"a stranger":            func(st *stanza.Stanza) { s.known.knows("alice", st.From.Bare()) },
		"who may not be here":   func(st *stanza.Stanza) { s.known.knows(st.To.Local(), jid.Must("eve@far.example")) },
		"an account":            func(st *stanza.Stanza) { s.known.isConfined(st.To.Local()) },
		"the domain":            func(st *stanza.Stanza) { s.known.spend(st.From.Domain()) },
		"the link to answer by": func(st *stanza.Stanza) { s.link(peer.Link{Local: st.To.Domain(), Remote: st.From.Domain()}) },
		"a domain of dialback": func(st *stanza.Stanza) {
			if d, err := domainOf(st.From.Domain()); err == nil {
				s.peers.of(d)
			}
		},
	} {
		before := heap()
		for i := range stanzas {
			text := fmt.Sprintf("<message from='eve@d%d.%d.far.example/x' to='p%d@kith.example'><body>%s</body></message>", i, len(name), i, strings.Repeat("x", size))
			st, err := stanza.Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			take(st)
		}
		if held := heap() - before; held > stanzas*size/2 {
			t.Errorf("%s: %d kB are held of %d stanzas", name, held>>10, stanzas)
		}
	}
	runtime.KeepAlive(s)
}
