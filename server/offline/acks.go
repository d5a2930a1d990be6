package offline

import (
	"sync"

	"kith/internal/stanzaid"
	"kith/server/module"
)

// acks gathers what clients acknowledge until the actor of the account comes to it: one visit for
// many, since an acknowledgement by XEP-0198 is for many.
type acks struct {
	mu     sync.Mutex // guards the fields below
	list   []ack
	posted bool
}

type ack struct {
	s   module.Session
	seq stanzaid.Seq
}

// acknowledge is the function to call when the client of a session has a message.
func (d *Delivery) acknowledge(a module.Account, acc *account, s module.Session, seq stanzaid.Seq) func() {
	return func() {
		q := &acc.acks
		q.mu.Lock()
		q.list = append(q.list, ack{s, seq})
		post := !q.posted
		q.posted = true
		q.mu.Unlock()
		if post {
			a.Do(func(a module.Account) { d.acknowledged(a, acc) })
		}
	}
}

func (d *Delivery) acknowledged(a module.Account, acc *account) {
	q := &acc.acks
	q.mu.Lock()
	list := q.list
	q.list, q.posted = nil, false
	q.mu.Unlock()
	for i, x := range list {
		acc.finish(x.seq)
		c := d.clients.Of(x.s.Slots())
		c.landed(x.seq)
		if c.phase == behind && (i+1 == len(list) || list[i+1].s != x.s) {
			d.pump(a, acc, x.s, c)
		}
	}
	d.note(a, acc)
}

// note hands the progress of an account to the saver.
func (d *Delivery) note(a module.Account, acc *account) {
	if acc.news() {
		d.saver.put(Progress{Address: a.JID().String(), Delivered: acc.delivered, Drop: acc.drop})
		acc.noted, acc.drop = acc.delivered, nil
	}
}
