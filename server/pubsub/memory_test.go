package pubsub_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"kith/internal/stanza"
	"kith/server/module"
)

// held is how much of the memory of large stanzas is left after take has seen so many of them.
func (h *house) held(stanzas, size int, take func(i int, fill string)) int64 {
	h.t.Helper()
	heap := func() int64 {
		h.Away.Take()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before := heap()
	for i := range stanzas {
		take(i, strings.Repeat("x", size))
	}
	return heap() - before
}

// What is remembered of the clients of others, and of what they announce, does not hold their presence: that may be
// large, and a contact can have as many clients as its server says.
func TestRemembersNoPresence(t *testing.T) {
	h := newHouse(t, nil)
	a := h.Bind("alice/x")
	<-a.Send(`<presence to='eve@far.example' type='subscribe'/>`)
	<-h.Receive(`<presence from='eve@far.example' to='alice@kith.example' type='subscribed'/>`)
	const stanzas, size = 24, 256 << 10
	for name, c := range map[string]struct{ hash, ver, info string }{
		"small":                 {"md5", "v%d", ""},
		"with a long string":    {"md5", "v%d-" + strings.Repeat("v", size), ""},
		"with many wishes":      {"md5", "w%d", strings.Repeat("n", 2000)},
		"with one large string": {"md5", "u%d", strings.Repeat("u", size)},
	} {
		n := h.held(stanzas, size, func(i int, fill string) {
			ver := fmt.Sprintf(c.ver, i)
			<-h.Receive(fmt.Sprintf(`<presence from='eve@far.example/%s-%d' to='alice@kith.example'><c xmlns='http://jabber.org/protocol/caps' hash='%s' node='urn:client' ver='%s'/><status>%s</status></presence>`,
				name, i, c.hash, ver, fill))
			if len(ver) > 1000 {
				return // nobody asks
			}
			q := h.Away.Wait(t, "a question", func(st *stanza.Stanza) bool {
				return st.Kind == stanza.IQ && st.Payload().Attr("node") == "urn:client#"+ver
			})
			var features strings.Builder
			if c.info != "" {
				for k := 0; features.Len() < size; k++ {
					fmt.Fprintf(&features, "<feature var='%d-%s+notify'/>", k, c.info)
				}
			}
			<-h.Receive(fmt.Sprintf(`<iq type='result' id='%s' from='eve@far.example/%s-%d' to='alice@kith.example'><query xmlns='http://jabber.org/protocol/disco#info'>%s</query></iq>`, q.ID, name, i, features.String()))
		})
		if n > stanzas*size/2 {
			t.Errorf("%s: %d kB are held of %d clients", name, n>>10, stanzas)
		}
	}
	h.Do("alice", func(module.Account) {})
}

// Nor does a node hold the requests of its subscribers.
func TestRemembersNoRequests(t *testing.T) {
	h := newHouse(t, nil)
	a := h.Bind("alice/x")
	expect(t, "publish", a.Ask(publish("open", "1", `<x xmlns='urn:x'/>`, field("access_model", "open"))), `type='result'`)
	const stanzas, size = 24, 256 << 10
	n := h.held(stanzas, size, func(i int, fill string) {
		<-h.Receive(fmt.Sprintf(`<iq type='set' id='%d' from='p%d@far.example/x' to='alice@kith.example'><pubsub xmlns='%s'><subscribe node='open' jid='p%d@far.example'/><options>%s</options></pubsub></iq>`, i, i, pub, i, fill))
	})
	if n > stanzas*size/2 {
		t.Errorf("%d kB are held of %d subscriptions", n>>10, stanzas)
	}
	h.Do("alice", func(module.Account) {})
}
