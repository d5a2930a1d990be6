package router_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"kith/server/router/routertest"
)

// An account that is loaded for a stanza does not hold that stanza: it stays, and there are as many as people.
func TestLoadedHoldsNoStanza(t *testing.T) {
	h := routertest.New(t)
	heap := func() int64 {
		h.Away.Take()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	const accounts, size = 24, 256 << 10
	before := heap()
	for i := range accounts {
		h.Add(fmt.Sprintf("p%d", i))
		<-h.Receive(fmt.Sprintf("<message from='eve@far.example/x' to='p%d@kith.example' type='chat'><body>%s</body></message>", i, strings.Repeat("x", size)))
	}
	if held := heap() - before; held > accounts*size/2 {
		t.Errorf("%d kB are held of %d messages", held>>10, accounts)
	}
}
