package blocking

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"

	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/internal/xmltree"
	"kith/server/module"
)

// get answers a client that asks for the list, which from then on gets what changes in it.
func (b *Blocking) get(q *module.IQ) error {
	l, err := b.load(q.Account)
	if err != nil {
		return err
	}
	if q.Session != nil {
		b.interest.Of(q.Session.Slots()).asked = true
	}
	items := make([]jid.JID, 0, len(l.items))
	for j := range l.items {
		items = append(items, j)
	}
	slices.SortFunc(items, func(a, b jid.JID) int { return strings.Compare(a.String(), b.String()) })
	q.Result(func(w *xmltree.Writer) { write(w, "blocklist", items) })
	return nil
}

func (b *Blocking) block(q *module.IQ) error {
	a := q.Account
	items, err := b.readItems(q)
	if err != nil {
		return err
	}
	if len(items) == 0 {
		return stanza.Refuse(stanza.BadRequest, "There is nobody to block.")
	}
	l, err := b.load(a)
	if err != nil {
		return err
	}
	fresh := slices.DeleteFunc(slices.Clone(items), func(j jid.JID) bool { _, ok := l.items[j]; return ok })
	if len(l.items)+len(fresh) > b.config.MaxItems {
		return stanza.Refuse(stanza.PolicyViolation, fmt.Sprintf("At most %d addresses can be blocked.", b.config.MaxItems))
	}
	if len(fresh) > 0 {
		if err := b.store.Block(context.Background(), a.JID().Local(), fresh); err != nil {
			return err
		}
		after := &list{items: map[jid.JID]struct{}{}}
		for _, j := range fresh {
			after.items[j] = struct{}{}
		}
		b.each(a, after, l, b.presence.Cover)
		if l.items == nil {
			l.items = make(map[jid.JID]struct{}, len(fresh))
		}
		for _, j := range fresh {
			l.items[j] = struct{}{}
		}
	}
	q.Result(nil)
	b.push(a, "block", items)
	b.tell(q)
	return nil
}

// tell hands on what a client has to say of those whom it blocks.
func (b *Blocking) tell(q *module.IQ) {
	if b.report == nil {
		return
	}
	for e := range q.Payload.Children() {
		if who, err := jid.Parse(e.Attr("jid")); err == nil && e.Is(ns.Blocking, "item") && e.CountChildren() > 0 {
			b.report(q.Account, who, e)
		}
	}
}

func (b *Blocking) unblock(q *module.IQ) error {
	a := q.Account
	items, err := b.readItems(q)
	if err != nil {
		return err
	}
	if len(items) == 0 && q.Payload.CountChildren() > 0 {
		return stanza.Refuse(stanza.BadRequest, "There is nobody to unblock; an empty element means all.")
	}
	l, err := b.load(a)
	if err != nil {
		return err
	}
	gone := &list{items: map[jid.JID]struct{}{}}
	if len(items) == 0 {
		if err := b.store.UnblockAll(context.Background(), a.JID().Local()); err != nil {
			return err
		}
		gone.items, l.items = l.items, nil
	} else {
		if err := b.store.Unblock(context.Background(), a.JID().Local(), items); err != nil {
			return err
		}
		for _, j := range items {
			if _, ok := l.items[j]; ok {
				gone.items[j] = struct{}{}
				delete(l.items, j)
			}
		}
	}
	b.each(a, gone, l, b.presence.Uncover)
	q.Result(nil)
	b.push(a, "unblock", items)
	return nil
}

// each calls f for every peer that is in one list and not in the other. Of an address with a
// resource, that is this one alone.
func (b *Blocking) each(a module.Account, in, notIn *list, f func(module.Account, jid.JID)) {
	var peers []jid.JID
	for j := range b.presence.Peers(a) {
		if !b.own(a, j) && in.blocks(j) && !notIn.blocks(j) {
			peers = append(peers, j)
		}
	}
	for j := range in.items {
		if !j.IsBare() && !notIn.blocks(j) && !slices.Contains(peers, j) && !in.blocks(j.Bare()) {
			peers = append(peers, j)
		}
	}
	for _, j := range peers {
		f(a, j)
	}
}

// readItems reads the addresses of a request. What else an item holds, such as a report (XEP-0377),
// does not hinder it.
func (b *Blocking) readItems(q *module.IQ) ([]jid.JID, error) {
	var items []jid.JID
	twice := map[jid.JID]struct{}{}
	for e := range q.Payload.Children() {
		if !e.Is(ns.Blocking, "item") {
			continue
		}
		// The list lives longer than the stanza, whose memory its parts would keep.
		j, err := jid.Parse(strings.Clone(e.Attr("jid")))
		if err != nil {
			return nil, &stanza.Fault{Condition: stanza.JIDMalformed, Text: "An item has no valid address.", Cause: err}
		}
		if b.own(q.Account, j) {
			return nil, stanza.Refuse(stanza.NotAllowed, "The own account and the own server cannot be blocked.")
		}
		if _, ok := twice[j]; !ok {
			twice[j] = struct{}{}
			items = append(items, j)
		}
		if len(items) > b.config.MaxItems {
			return nil, stanza.Refuse(stanza.PolicyViolation, fmt.Sprintf("At most %d addresses can be blocked.", b.config.MaxItems))
		}
	}
	return items, nil
}

// push tells the sessions that asked for the list.
func (b *Blocking) push(a module.Account, verb string, items []jid.JID) {
	w := xmltree.NewWriter(128)
	write(w, verb, items)
	for s := range a.Sessions() {
		if i := b.interest.Peek(s.Slots()); i != nil && i.asked {
			s.Send(stanza.New(stanza.Header{Kind: stanza.IQ, Type: stanza.Set, ID: "block-" + rand.Text(), To: s.JID()}, w.String()))
		}
	}
}

func write(w *xmltree.Writer, name string, items []jid.JID) {
	w.Open(ns.Blocking, name)
	for _, j := range items {
		w.Empty("", "item", "jid", j.String())
	}
	w.Close()
}
