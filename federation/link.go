package federation

import (
	"context"
	"errors"
	"strings"
	"time"

	"kith/internal/clock"
	"kith/internal/mailbox"
	"kith/internal/ns"
	"kith/internal/payload"
	"kith/internal/peer"
	"kith/internal/stanza"
	"kith/internal/stream"
	"kith/internal/xmltree"
)

// link is the actor of one pair of domains. Everything in it belongs to its mailbox.
type link struct {
	svc   *Service
	pair  peer.Link
	stats *peerState
	box   *mailbox.Mailbox[work]

	queue queue
	// disk is what waits in the database behind the queue.
	disk disk

	// wire is the connection in use; spare are others that could be.
	wire  *wire
	spare []*wire
	// writing: the wire has a batch that it has not written yet.
	writing bool
	fence   fence
	// parting remembers the wire that was lost last, so that the next one can tell what arrived.
	parting parting

	dialling context.CancelFunc // nil while no connection is being made
	// failures in a row, and when to try again after the last one.
	failures int
	retryAt  time.Time

	timer  clock.Timer
	wakeAt time.Time // zero: the timer is not set
	closed bool
	// settled is told, if not nil, when nothing is under way any more.
	settled func()
}

// work is one message to the actor: a stanza, or something to do.
type work struct {
	entry *entry
	do    func()
	// wrote is the wire that has written its batch.
	wrote *wire
}

func (s *Service) newLink(pair peer.Link) *link {
	l := &link{svc: s, pair: pair, stats: s.peers.of(pair.Remote)}
	l.box = mailbox.New(mailboxSize, s.counters.MailboxFull, l.handle)
	return l
}

func (l *link) handle(m work) {
	switch {
	case m.entry != nil:
		l.take(m.entry)
	case m.wrote != nil:
		l.flushed(m.wrote)
	default:
		m.do()
	}
	l.rest()
}

// do runs f in the actor. It is for what the link itself has begun, and for orders of the operator.
func (l *link) do(f func()) bool { return l.box.Force(work{do: f}) == nil }

func (l *link) now() time.Time { return l.svc.now() }

// take is a new stanza.
func (l *link) take(e *entry) {
	if l.closed {
		tell(e.queued, false)
		return // not accepted: whoever has it keeps it
	}
	defer l.tellQueued(e)
	// Numbered here and not before: the order of the numbers is that of the queue.
	e.seq = l.svc.seq.Add(1)
	if w := l.wire; w != nil && w.limits.bytes > 0 && e.stanza.Size() > w.limits.bytes {
		l.giveBack(e, stanza.Refuse(stanza.PolicyViolation, "This is too large for the other server."))
		return
	}
	if e.kind == state {
		l.queue.filter(func(o *entry) bool {
			void := o.kind == state && replaces(e.stanza, o.stanza)
			if void {
				o.accepted()
				l.removed(o)
			}
			return !void
		})
	}
	if l.disk.waiting() || l.queue.len() >= l.svc.cfg.QueueStanzas || l.queue.bytes >= int(l.svc.cfg.QueueBytes) {
		l.spill(e)
	} else {
		l.queue.push(e)
		if e.queued != nil && e.kind == lasting {
			l.keep([]*entry{e}) // what the caller writes next may not be on disk without it
		}
		if l.wire == nil && l.failures > 0 {
			l.store() // no acknowledgement will come soon
		} else if e.accept != nil {
			l.wake(e.at.Add(patience))
		}
	}
	l.wake(e.until)
	l.connect()
	l.pump()
}

// tellQueued says that what is to be written of an entry is on its way to the disk.
func (l *link) tellQueued(e *entry) {
	tell(e.queued, true)
	e.queued = nil
}

// pump gives the wire what it can take.
func (l *link) pump() {
	w := l.wire
	if w == nil || l.writing || l.queue.sent == l.queue.len() {
		return
	}
	b := l.svc.buffers.Get()
	n := 0
	for l.queue.sent < l.queue.len() && len(b) < batchBytes {
		e := l.queue.at(l.queue.sent)
		b = l.render(b, e)
		e.risked = true
		l.queue.sent++
		n++
	}
	l.writing = true
	l.stats.out.Add(uint64(n))
	l.stats.bytesOut.Add(uint64(len(b)))
	l.svc.counters.StanzasOut.Add(uint64(n))
	b = l.fence.add(l, w, b)
	w.send(b, n)
	l.wake(l.now().Add(l.svc.cfg.AckTime))
}

// render writes a stanza for another server.
func (l *link) render(b []byte, e *entry) []byte {
	st := e.stanza
	if l.now().Sub(e.at) > delayTime && st.Kind == stanza.Message && st.Type != stanza.Error {
		st = delayed(st, l.pair.Local, e.at)
	}
	return foreign(st).Append(b)
}

// wrote is called by a wire when its batch is written, confirmed when the other side has acknowledged
// the first n stanzas on it, and lost when it carries no more.
func (l *link) wrote(w *wire) { _ = l.box.Force(work{wrote: w}) }

func (l *link) confirmed(w *wire, n int) {
	l.do(func() {
		if l.wire == w {
			l.delivered(n)
		}
	})
}

func (l *link) lost(w *wire, cause error) { l.do(func() { l.detach(w, cause) }) }

func (l *link) flushed(w *wire) {
	if l.wire != w {
		return
	}
	l.writing = false
	if !w.sm {
		l.fence.flushed(l)
	}
	l.pump()
}

// delivered are the first n stanzas: the other server has them.
func (l *link) delivered(n int) {
	n = min(n, l.queue.sent)
	var stored []int64
	for i := range n {
		e := l.queue.at(i)
		if e.stored {
			stored = append(stored, e.seq)
		}
		e.accepted()
	}
	l.queue.drop(n)
	l.forget(stored)
	if n > 0 {
		l.failures = 0
		l.stats.delivered(l.now())
	}
	l.refill()
	l.pump()
}

// removed notes that an entry left the queue on another way than by being delivered.
func (l *link) removed(e *entry) {
	if e.risked {
		l.parting = parting{} // its counts mean nothing any more
	}
}

// attach gives the link a wire, and reports whether it took it. handled, if not nil, is how many stanzas
// the other side has received on the wire before it.
func (l *link) attach(w *wire, handled *uint32) bool {
	if l.closed || w.ctx.Err() != nil || w.over.Load() {
		return false
	}
	if l.dialling != nil {
		l.dialling()
		l.dialling = nil
	}
	if l.wire != nil {
		l.spare = append(l.spare, w)
		return true
	}
	if handled != nil {
		l.arrived(l.parting.wire, *handled)
	}
	l.use(w)
	return true
}

func (l *link) use(w *wire) {
	l.wire, l.writing, l.fence = w, false, fence{}
	l.parting = parting{}
	l.retryAt = time.Time{}
	l.stats.connected(w, l.now())
	l.wake(w.lastUse().Add(l.idleTime(w)))
	l.refill()
	l.pump()
}

// detach takes a wire away that carries no more.
func (l *link) detach(w *wire, cause error) {
	for i, o := range l.spare {
		if o == w {
			l.spare = append(l.spare[:i], l.spare[i+1:]...)
			break
		}
	}
	if l.wire != w {
		return
	}
	l.wire, l.writing = nil, false
	l.parting = partingOf(w, l.queue.sent)
	l.queue.sent, l.fence = 0, fence{}
	if bad, ok := errors.AsType[*stream.Error](cause); ok && l.parting.sent > 0 {
		l.blame(bad)
	}
	if l.closed {
		return
	}
	if len(l.spare) > 0 {
		w := l.spare[0]
		l.spare = l.spare[1:]
		l.use(w)
		return
	}
	if l.queue.len() == 0 && !l.disk.waiting() {
		return
	}
	if l.now().Sub(w.begun) < aliveTime {
		l.failed(explainLoss(cause))
		return
	}
	l.failures = 0
	l.connect()
}

// blame notes at which stanza the other server ended the stream. One at which it does so again and again
// is not sent once more, or it would hold up all others for ever.
func (l *link) blame(bad *stream.Error) {
	switch bad.Condition {
	case stream.SystemShutdown, stream.Reset, stream.ConnectionTimeout, stream.Conflict, stream.SeeOtherHost, stream.ResourceConstraint:
		return // it says nothing about what was sent
	default:
	}
	e := l.queue.at(0)
	if e.tries++; e.tries < maxTries {
		return
	}
	l.queue.drop(1)
	l.removed(e)
	if e.stored {
		l.forget([]int64{e.seq})
	}
	l.giveBack(e, stanza.Refuse(stanza.RemoteServerTimeout, "The other server refuses this: "+string(bad.Condition)+"."))
}

// rest lets the link go when there is nothing left to keep.
func (l *link) rest() {
	if l.settled != nil && l.quiet() {
		l.settled()
		l.settled = nil
	}
	if l.queue.len() > 0 || l.disk.waiting() || l.wire != nil || l.dialling != nil || !l.retryAt.IsZero() && !l.closed {
		return
	}
	if l.box.Retire() {
		if l.timer != nil {
			l.timer.Stop()
		}
		l.svc.retire(l)
	}
}

// quiet reports whether nothing is under way: to the other server, or to the disk.
func (l *link) quiet() bool {
	for _, e := range l.queue.all() {
		if e.storing {
			return false
		}
	}
	return l.queue.sent == 0 && l.disk.pending == 0
}

// delayed marks a message as one that waited (XEP-0203), unless it says so already.
func delayed(st *stanza.Stanza, by string, at time.Time) *stanza.Stanza {
	if !st.Child(ns.Delay, "delay").IsZero() {
		return st
	}
	w := xmltree.NewWriter(128)
	payload.WriteDelay(w, by, at)
	return st.Plus(w.String())
}

// foreign is a stanza for a stream of servers, whose content namespace is another one. What inherits
// it needs no change; what declares jabber:client by itself does.
func foreign(st *stanza.Stanza) *stanza.Stanza {
	if !strings.Contains(st.Inner(), ns.Client) {
		return st
	}
	root := st.Root()
	return stanza.Build(st.Header, func(w *xmltree.Writer) {
		if root.HasText() {
			w.Text(root.Text())
		}
		for c := range root.Children() {
			w.Copy(c, ns.Client)
		}
	})
}
