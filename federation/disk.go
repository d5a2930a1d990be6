package federation

import (
	"context"
	"log/slog"
	"time"

	"kith/internal/peer"
	"kith/internal/stanza"
)

// disk is what waits for a link in the database and not in memory: it comes after everything in the
// queue.
type disk struct {
	// count and bytes are committed; pending are on their way.
	count, pending int
	bytes          int64
	// read is the number up to which it was read into the queue.
	read int64
}

func (d *disk) waiting() bool { return d.count+d.pending > 0 }

// page is how many stanzas are read from the database at once.
const page = 200

// store writes what waits in memory to the database as well, so that it can be accepted. What has no
// need of that is accepted as it is.
func (l *link) store() {
	var batch []*entry
	for _, e := range l.queue.all() {
		switch {
		case e.stored:
		case e.kind == lasting:
			batch = append(batch, e)
		default:
			e.accepted()
		}
	}
	if len(batch) > 0 {
		l.keep(batch)
	}
}

// keep writes entries of the queue to the database as well.
func (l *link) keep(batch []*entry) {
	for _, e := range batch {
		e.stored, e.storing = true, true
	}
	l.svc.counters.Stored.Add(uint64(len(batch)))
	l.svc.deps.Store.Add(l.pair, records(batch), func(err error) {
		l.do(func() { l.wasStored(batch, err) })
	})
}

func records(batch []*entry) []peer.Stanza {
	out := make([]peer.Stanza, len(batch))
	for i, e := range batch {
		out[i] = peer.Stanza{Seq: e.seq, XML: e.stanza.String(), At: e.at, Until: e.until}
	}
	return out
}

func (l *link) wasStored(batch []*entry, err error) {
	if err != nil {
		l.complain("queue for another server not saved", err)
	}
	for _, e := range batch {
		e.storing = false
		if err != nil {
			e.stored = false // and not accepted: it is tried again
			continue
		}
		e.accepted()
	}
	if err != nil {
		l.wake(l.now().Add(firstRetry))
	}
}

// spill takes a stanza for which there is no room in memory.
func (l *link) spill(e *entry) {
	cfg := l.svc.cfg
	if l.disk.count+l.disk.pending >= cfg.DiskStanzas || l.disk.bytes >= int64(cfg.DiskBytes) {
		l.svc.counters.QueueFull.Inc()
		l.giveBack(e, stanza.Refuse(stanza.ResourceConstraint, "Too much is waiting for the other server already."))
		return
	}
	switch {
	case e.kind == slight:
		l.svc.counters.Stale.Inc()
		e.accepted()
		return
	case e.stanza.IsRequest():
		// It would be answered after everything that waits: nobody waits so long.
		l.giveBack(e, stanza.Refuse(stanza.ResourceConstraint, "Too much is waiting for the other server already."))
		return
	}
	l.svc.counters.Spilled.Inc()
	if !l.disk.waiting() {
		l.disk.read = e.seq - 1 // what is stored before this one is in the queue as well
	}
	size := int64(e.stanza.Size())
	l.disk.pending++
	l.disk.bytes += size
	l.svc.deps.Store.Add(l.pair, records([]*entry{e}), func(err error) {
		l.do(func() {
			l.disk.pending--
			if err != nil {
				l.disk.bytes -= size
				l.complain("queue for another server not saved", err)
				l.giveBack(e, stanza.Internal(err))
				return
			}
			l.disk.count++
			e.accepted()
			l.refill()
			l.pump()
		})
	})
}

// refill reads from the database when there is room in memory.
func (l *link) refill() {
	if l.disk.count == 0 || l.wire == nil || l.queue.len() > l.svc.cfg.QueueStanzas/2 || l.queue.bytes > int(l.svc.cfg.QueueBytes)/2 {
		return
	}
	found, err := l.svc.deps.Store.Load(context.Background(), l.pair, l.disk.read, page, int(l.svc.cfg.QueueBytes))
	if err != nil {
		l.complain("queue for another server not read", err)
		l.wake(l.now().Add(firstRetry))
		return
	}
	for _, r := range found {
		l.disk.read = r.Seq
		l.disk.count--
		l.disk.bytes -= int64(len(r.XML))
		e, err := l.revive(r)
		if err != nil {
			l.complain("queue for another server holds something else", err)
			l.forget([]int64{r.Seq})
			continue
		}
		l.queue.push(e)
	}
	if len(found) == 0 {
		// Fewer than we thought: somebody else has removed them.
		l.disk.count, l.disk.bytes = 0, 0
	}
	if l.disk.count == 0 && l.disk.pending == 0 {
		l.disk.bytes = 0
	}
}

// revive makes an entry of what was stored.
func (l *link) revive(r peer.Stanza) (*entry, error) {
	st, err := stanza.Parse(r.XML)
	if err != nil {
		return nil, err
	}
	return &entry{stanza: st, seq: r.Seq, at: r.At, until: r.Until, kind: kindOf(st), stored: true}, nil
}

// forget removes stanzas from the database that are done with.
func (l *link) forget(seqs []int64) {
	if len(seqs) == 0 {
		return
	}
	l.svc.deps.Store.Remove(seqs, func(err error) {
		if err != nil {
			l.complain("queue for another server not cleared", err)
		}
	})
}

// expire gives up what has waited for too long, and tells when to look again.
func (l *link) expire(now time.Time) {
	var over []*entry
	l.queue.filter(func(e *entry) bool {
		if e.until.After(now) || e.storing {
			l.wake(later(e.until, now.Add(patience)))
			return true
		}
		over = append(over, e)
		l.removed(e)
		return false
	})
	l.returnAll(over, l.undeliverable())
	if l.disk.count == 0 {
		return
	}
	found, err := l.svc.deps.Store.Expired(context.Background(), l.pair, l.disk.read, now, page)
	if err != nil {
		l.complain("queue for another server not read", err)
		return
	}
	l.returnStored(found, l.undeliverable())
	again := time.Minute
	if len(found) == page {
		again = 100 * time.Millisecond
	}
	l.wake(now.Add(again))
}

// returnAll gives stanzas back to their senders.
func (l *link) returnAll(over []*entry, f *stanza.Fault) {
	var stored []int64
	for _, e := range over {
		if e.stored {
			stored = append(stored, e.seq)
		}
		l.giveBack(e, f)
	}
	l.forget(stored)
}

// returnStored gives those back that are only in the database.
func (l *link) returnStored(found []peer.Stanza, f *stanza.Fault) {
	var over []*entry
	var broken []int64
	for _, r := range found {
		l.disk.count--
		l.disk.bytes -= int64(len(r.XML))
		if e, err := l.revive(r); err == nil {
			over = append(over, e)
		} else {
			broken = append(broken, r.Seq)
		}
	}
	l.returnAll(over, f)
	l.forget(broken)
}

// returnEverything gives back all that waits, and is not on its way already.
func (l *link) returnEverything(f *stanza.Fault) {
	var all []*entry
	l.queue.filter(func(e *entry) bool {
		if e.storing {
			e.until = l.now()
			l.wake(l.now().Add(patience))
			return true
		}
		all = append(all, e)
		l.removed(e)
		return false
	})
	l.returnAll(all, f)
	for l.disk.count > 0 {
		found, err := l.svc.deps.Store.Load(context.Background(), l.pair, l.disk.read, page, 1<<30)
		if err != nil {
			l.complain("queue for another server not read", err)
			return
		}
		if len(found) == 0 {
			l.disk.count = 0
			return
		}
		l.disk.read = found[len(found)-1].Seq
		l.returnStored(found, f)
	}
}

// giveBack returns a stanza to its sender, if anybody waits for that, and is done with it.
func (l *link) giveBack(e *entry, f *stanza.Fault) {
	l.svc.counters.Returned.Inc()
	l.stats.returned.Add(1)
	l.svc.bounce(e.stanza, f)
	e.accepted()
}

func (l *link) complain(what string, err error) {
	l.svc.deps.Log.LogAttrs(context.Background(), slog.LevelError, "federation failed", slog.String("what", what), slog.Any("error", err))
}
