package store_test

import (
	"fmt"
	"testing"

	"kith/internal/jid"
	"kith/internal/mamquery"
	xmpp "kith/internal/stanza"
	"kith/internal/stanzaid"
	"kith/server/inbox"
	"kith/server/mam"
	"kith/server/module"
	"kith/server/store/storetest"
)

// What a list of conversations is told of them, and where it ends.
func TestChats(t *testing.T) {
	ar := storetest.Open(t).Archive()
	ctx := t.Context()
	next := stanzaid.Seq(0)
	add := func(peer string, change func(*mam.Entry)) stanzaid.Seq {
		t.Helper()
		next++
		e := &mam.Entry{
			Archive: ofBob, Address: addresses[ofBob], New: true, Seq: next, Stored: &module.Stored{}, Peer: jid.Must(peer),
			Stanza: xmpp.New(xmpp.Header{Kind: xmpp.Message, ID: fmt.Sprint(next)}, "<body>x</body>"),
		}
		change(e)
		done := make(chan error, 1)
		ar.Append(e, func(err error) { done <- err })
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		return next
	}
	incoming := func(*mam.Entry) {}
	out := func(e *mam.Entry) { e.Outgoing = true }
	aside := func(e *mam.Entry) { e.Aside = true }
	marker := func(e *mam.Entry) { e.Outgoing, e.Aside, e.Marker = true, true, true }
	hidden := func(e *mam.Entry) { e.Hidden, e.Waits = true, true }
	chats := func(limit int, read map[jid.JID]stanzaid.Seq) map[string]inbox.Chat {
		t.Helper()
		all, err := ar.Chats(ctx, addresses[ofBob], read, limit)
		if err != nil {
			t.Fatal(err)
		}
		by := map[string]inbox.Chat{}
		for _, c := range all {
			by[c.With.String()] = c
		}
		return by
	}
	if all := chats(10, nil); len(all) != 0 {
		t.Errorf("in an archive that is not there: %v", all)
	}
	add("hidden@x", hidden)
	add("notes@x", aside)
	own := add(addresses[ofBob]+"/desk", incoming)
	add("ann@x/1", incoming)
	said := add("ann@x", out)
	first := add("ann@x/1", incoming)
	mark := add("ann@x", marker)
	add("ann@x/1", func(e *mam.Entry) { e.Aside, e.Marker = true, true })
	second := add("ann@x/2", incoming)
	third := add("ann@x/2", incoming)
	newest := add("ann@x/2", aside)
	add("ann@x/2", hidden)
	for range mamquery.MaxUnread + 20 {
		add("loud@x/1", incoming)
	}
	all := chats(10, nil)
	if len(all) != 4 {
		t.Errorf("conversations: %d", len(all))
	}
	ann := all["ann@x"]
	if ann.Newest != newest || ann.Last != third || fmt.Sprint(ann.Unread) != fmt.Sprint([]stanzaid.Seq{third, second, first}) || ann.Marker != mark {
		t.Errorf("ann: %+v", ann)
	}
	if c := all["loud@x"]; len(c.Unread) != mamquery.MaxUnread || c.Last != next {
		t.Errorf("more than anybody counts: %d, last %d of %d", len(c.Unread), c.Last, next)
	}
	if c := all[addresses[ofBob]]; c.Last != own || len(c.Unread) != 0 {
		t.Errorf("what one tells oneself: %+v", c)
	}
	if c := all["notes@x"]; c.Last != 0 || c.Newest == 0 || len(c.Unread) != 0 {
		t.Errorf("without a message: %+v", c)
	}
	for read, want := range map[stanzaid.Seq]int{said: 3, first: 2, mark: 2, second: 1, third: 0, newest: 0} {
		c := chats(10, map[jid.JID]stanzaid.Seq{jid.Must("ann@x"): read})["ann@x"]
		if len(c.Unread) != want || c.Last != third || (c.Marker != 0) != (read < mark) {
			t.Errorf("read up to %d: %+v, want %d", read, c, want)
		}
	}
	if n := len(chats(2, nil)); n != 2 {
		t.Errorf("%d conversations instead of 2", n)
	}
	texts, err := ar.Texts(ctx, addresses[ofBob], []stanzaid.Seq{own, 1, 99_999})
	if err != nil || len(texts) != 1 || texts[own] == "" {
		t.Errorf("texts: %v %v", texts, err)
	}
}
