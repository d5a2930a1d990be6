package routertest

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"kith/internal/stanza"
	"kith/server/module"
)

// patience is how long a test waits for what must come. In a bubble of testing/synctest it passes
// at once when nothing moves any more.
const patience = 20 * time.Second

// Inbox records stanzas in their order. It is safe for concurrent use.
type Inbox struct {
	mu      sync.Mutex // guards the fields below
	stanzas []*stanza.Stanza
	changed chan struct{}
}

// Add records a stanza.
func (b *Inbox) Add(st *stanza.Stanza) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stanzas = append(b.stanzas, st)
	if b.changed != nil {
		close(b.changed)
		b.changed = nil
	}
}

// Take is all that has come since the last call.
func (b *Inbox) Take() []*stanza.Stanza {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := b.stanzas
	b.stanzas = nil
	return out
}

// Wait takes out the first stanza that matches, and waits for it if it has not come yet.
func (b *Inbox) Wait(t testing.TB, what string, match func(*stanza.Stanza) bool) *stanza.Stanza {
	t.Helper()
	deadline := time.After(patience)
	for {
		b.mu.Lock()
		if i := slices.IndexFunc(b.stanzas, match); i >= 0 {
			st := b.stanzas[i]
			b.stanzas = slices.Delete(b.stanzas, i, i+1)
			b.mu.Unlock()
			return st
		}
		if b.changed == nil {
			b.changed = make(chan struct{})
		}
		changed := b.changed
		b.mu.Unlock()
		select {
		case <-changed:
		case <-deadline:
			t.Fatalf("waited for %s; got %s", what, Text(b.Take()))
		}
	}
}

// Text writes stanzas one a line.
func Text(all []*stanza.Stanza) string {
	var b strings.Builder
	for _, st := range all {
		b.WriteString(st.String())
		b.WriteByte('\n')
	}
	return b.String()
}

// away is the route to other servers.
type away struct{ inbox *Inbox }

func (a away) Take(env *module.Envelope) bool {
	a.inbox.Add(env.Stanza)
	env.Accept()
	return true
}
