package store_test

import (
	"context"
	"reflect"
	"testing"
	"time"

	"kith/internal/jid"
	"kith/server/pubsub"
	"kith/server/store/storetest"
)

func TestPubSub(t *testing.T) {
	ctx := context.Background()
	db := storetest.Open(t)
	p := db.PubSub()
	bob := jid.Must("bob@example.org")
	n := &pubsub.Node{
		Name: "urn:x", Config: pubsub.DefaultNode(),
		Affiliations: map[jid.JID]pubsub.Affiliation{bob: pubsub.Member},
		Subscribers:  map[jid.JID]struct{}{jid.Must("carol@example.org/r"): {}},
	}
	n.Config.Groups = []string{"Friends"}
	item := func(id, payload string, at int64) pubsub.Item {
		return pubsub.Item{ID: id, Publisher: bob, At: time.UnixMilli(at), Payload: payload}
	}
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	ids := func(limit int, only ...string) (out []string) {
		t.Helper()
		items, err := p.Items(ctx, "alice", "urn:x", only, limit)
		check(err)
		for _, it := range items {
			out = append(out, it.ID+it.Payload)
		}
		return out
	}
	want := func(got []string, want ...string) {
		t.Helper()
		if !reflect.DeepEqual(got, want) {
			t.Errorf("items %q, want %q", got, want)
		}
	}
	check(p.Publish(ctx, "alice", n, true, item("1", "a", 1000), 3, 1<<20))
	check(p.Publish(ctx, "alice", n, false, item("2", "b", 2000), 3, 1<<20))
	check(p.Publish(ctx, "alice", n, false, item("3", "c", 3000), 3, 1<<20))
	want(ids(-1), "1a", "2b", "3c")
	check(p.Publish(ctx, "alice", n, false, item("1", "d", 4000), 3, 1<<20)) // again: becomes the newest
	want(ids(-1), "2b", "3c", "1d")
	check(p.Publish(ctx, "alice", n, false, item("4", "e", 5000), 3, 1<<20))
	want(ids(-1), "3c", "1d", "4e")
	want(ids(2), "1d", "4e")
	want(ids(-1, "4", "none", "3"), "4e", "3c")
	gone, err := p.Retract(ctx, "alice", "urn:x", []string{"1", "7"})
	check(err)
	want(gone, "1")
	check(p.Trim(ctx, "alice", "urn:x", 1))
	want(ids(-1), "4e")

	nodes, err := p.Nodes(ctx, "alice")
	check(err)
	if len(nodes) != 1 || !reflect.DeepEqual(nodes[0], n) {
		t.Errorf("read back %+v, want %+v", nodes[0], n)
	}
	n.Config.Access = pubsub.Open
	delete(n.Affiliations, bob)
	check(p.SaveNode(ctx, "alice", n))
	nodes, err = p.Nodes(ctx, "alice")
	check(err)
	if !reflect.DeepEqual(nodes[0], n) {
		t.Errorf("after a change %+v, want %+v", nodes[0], n)
	}
	want(ids(-1), "4e")
	check(p.Purge(ctx, "alice", "urn:x"))
	want(ids(-1))
	check(p.DeleteNode(ctx, "alice", "urn:x"))
	if nodes, _ := p.Nodes(ctx, "alice"); len(nodes) != 0 {
		t.Errorf("%d nodes after deletion", len(nodes))
	}
	check(p.Publish(ctx, "alice", n, true, item("1", "a", 1), 1, 1<<20))
	check(p.Publish(ctx, "bob", n, true, item("1", "a", 1), 1, 1<<20))
	check(p.RemoveAccount(ctx, "alice"))
	want(ids(-1))
	if items, _ := p.Items(ctx, "bob", "urn:x", nil, -1); len(items) != 1 {
		t.Error("removing one account touched another")
	}
}
