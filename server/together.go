package server

import (
	"context"
	"errors"
	"slices"

	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/xmltree"
	"kith/server/circle"
	"kith/server/module"
	"kith/server/muc"
	"kith/server/pubsub"
	"kith/server/roster"
	"kith/server/router"
)

// together brings about what follows from circles: contacts, rooms, bookmarks.
type together struct {
	people   *roster.Roster
	groups   *muc.Service
	events   *pubsub.Service
	accounts *router.Accounts
	name     func(ctx context.Context, local string) string
}

var _ circle.Effects = together{}

// Tie implements [circle.Effects].
func (t together) Tie(ctx context.Context, one circle.Person, others []circle.Person, group string) error {
	friends := make([]roster.Friend, len(others))
	for i, o := range others {
		friends[i] = roster.Friend{JID: o.JID, Name: o.Name}
	}
	return t.people.Tie(ctx, roster.Friend{JID: one.JID, Name: one.Name}, friends, group)
}

// Regroup implements [circle.Effects].
func (t together) Regroup(ctx context.Context, one jid.JID, others []circle.Regrouping, from, to string) error {
	all := make([]roster.Regrouping, len(others))
	for i, o := range others {
		all[i] = roster.Regrouping(o)
	}
	return t.people.Regroup(ctx, one, all, from, to)
}

// Untie implements [circle.Effects].
func (t together) Untie(ctx context.Context, one jid.JID, others, last []jid.JID, group string) error {
	partings := make([]roster.Parting, len(others))
	for i, o := range others {
		partings[i] = roster.Parting{JID: o, Last: slices.Contains(last, o)}
	}
	return t.people.Untie(ctx, one, partings, group)
}

// Room implements [circle.Effects].
func (t together) Room(ctx context.Context, room, name string, members []jid.JID) error {
	return t.groups.Provide(ctx, room, name, members)
}

// RemoveRoom implements [circle.Effects].
func (t together) RemoveRoom(ctx context.Context, room, reason string) error {
	return t.groups.Abolish(ctx, room, reason)
}

// bookmarks is how the node of bookmarks is made (XEP-0402 section 4).
var bookmarks = map[string]string{
	"pubsub#persist_items": "true", "pubsub#max_items": "max", "pubsub#send_last_published_item": "never", "pubsub#access_model": "whitelist",
}

// Bookmark implements [circle.Effects]. A bookmark that is there stays as it is.
func (t together) Bookmark(ctx context.Context, account, room, name string) error {
	address := room + "@" + t.groups.JID().String()
	return t.inside(ctx, account, func(a module.Account) error {
		there, err := t.events.Items(a, ns.Bookmarks, address)
		if err != nil {
			return err
		}
		for range there {
			return nil
		}
		w := xmltree.NewWriter(128).Empty(ns.Bookmarks, "conference", "name", name, "autojoin", "true")
		return t.events.Publish(a, ns.Bookmarks, address, w.String(), bookmarks)
	})
}

// Retitle implements [circle.Effects]. All else that a client has put into the bookmark stays.
func (t together) Retitle(ctx context.Context, account, room, from, to string) error {
	address := room + "@" + t.groups.JID().String()
	return t.inside(ctx, account, func(a module.Account) error {
		items, err := t.events.Items(a, ns.Bookmarks, address)
		if err != nil {
			return err
		}
		for _, payload := range items {
			e, err := xmltree.Parse(payload, xmltree.Limits{Bytes: 1 << 16, Elements: 500, Depth: 20, Attrs: 50}, xmltree.Scope{})
			if err != nil || !e.Is(ns.Bookmarks, "conference") || e.Attr("name") != from {
				return nil // it is the client's own affair
			}
			return t.events.Publish(a, ns.Bookmarks, address, retitled(e, to), bookmarks)
		}
		return nil
	})
}

// retitled is a bookmark with another name.
func retitled(e xmltree.Element, name string) string {
	w := xmltree.NewWriter(256)
	w.Open(ns.Bookmarks, "conference", "name", name, "autojoin", e.Attr("autojoin"))
	for c := range e.Children() {
		w.Copy(c, ns.Bookmarks)
	}
	return w.Close().String()
}

// Unbookmark implements [circle.Effects].
func (t together) Unbookmark(ctx context.Context, account, room string) error {
	return t.inside(ctx, account, func(a module.Account) error {
		return t.events.Retract(a, ns.Bookmarks, room+"@"+t.groups.JID().String())
	})
}

// Name implements [circle.Effects].
func (t together) Name(ctx context.Context, account string) string { return t.name(ctx, account) }

// inside runs f in the actor of an account and waits for it. Without an account there is nothing to do.
func (t together) inside(ctx context.Context, account string, f func(module.Account) error) error {
	done := make(chan error, 1)
	err := t.accounts.Do(ctx, account, func(a module.Account) { done <- f(a) })
	if errors.Is(err, router.ErrNoAccount) {
		return nil
	}
	if err != nil {
		return err
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Circles are the circles of people.
func (s *Server) Circles() *circle.Service { return s.parts.circles }
