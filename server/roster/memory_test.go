package roster_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"kith/server/module"
	"kith/server/roster"
	"kith/server/store/storetest"
)

// A roster in memory does not hold the requests by which its items came.
func TestHoldsNoRequests(t *testing.T) {
	h := newHouse(t, storetest.Open(t).Roster(), roster.DefaultConfig())
	a := h.Bind("alice/x")
	heap := func() int64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	const items, size = 24, 200 << 10
	before := heap()
	for i := range items {
		<-a.Send(fmt.Sprintf("<iq type='set' id='%d'><query xmlns='jabber:iq:roster'><item jid='p%d@far.example' name='n%d'><group>g%d</group><x xmlns='urn:x'>%s</x></item></query></iq>", i, i, i, i, strings.Repeat("x", size)))
		a.Take()
	}
	if held := heap() - before; held > items*size/2 {
		t.Errorf("%d kB are held of %d requests", held>>10, items)
	}
	h.Do("alice", func(module.Account) {})
}
