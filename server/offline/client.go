package offline

import (
	"context"
	"log/slog"
	"slices"

	"kith/internal/payload"
	"kith/internal/stanza"
	"kith/internal/stanzaid"
	"kith/internal/xmltree"
	"kith/server/module"
)

// client is what the feature keeps in memory of a session.
type client struct {
	// flight are the messages that the session was given and has not acknowledged, in that order;
	// bytes is their size.
	flight []flying
	bytes  int
	phase  phase
	// reads: the client fetches from the archive what it does not have; synced: it has done so.
	reads, synced bool
	// from: of what is shown in the archive, only what is newer is sent. cursor: everything that
	// waited up to here was sent or needed no sending.
	from, cursor stanzaid.Seq
	// extra are messages before the cursor that are to be sent after all: a session that had
	// them has ended.
	extra []stanzaid.Seq
	// retrying: the database could not be read, and will be tried again.
	retrying bool
}

// flying is a message on its way.
type flying struct {
	seq  stanzaid.Seq
	size int32
}

// launch notes that a message is on its way.
func (c *client) launch(e *entry) {
	c.flight = append(c.flight, flying{e.seq, e.size})
	c.bytes += int(e.size)
}

// has reports whether a message is on its way.
func (c *client) has(seq stanzaid.Seq) bool {
	return slices.ContainsFunc(c.flight, func(f flying) bool { return f.seq == seq })
}

// landed takes a message out of the flight.
func (c *client) landed(seq stanzaid.Seq) {
	i := slices.IndexFunc(c.flight, func(f flying) bool { return f.seq == seq })
	if i < 0 {
		return
	}
	c.bytes -= int(c.flight[i].size)
	if i == 0 { // they are acknowledged in their order
		c.flight = c.flight[1:]
	} else {
		c.flight = slices.Delete(c.flight, i, i+1)
	}
	if len(c.flight) == 0 {
		c.flight = nil
	}
}

type phase uint8

const (
	// aside: the session takes no part in what is sent to the bare address.
	aside phase = iota
	// behind: it is being brought up to date.
	behind
	// level: it has been sent everything.
	level
)

// receptive reports whether a session gets what is sent to the bare address (RFC 6121 section 8.5).
func receptive(s module.Session) bool { return s.Presence() != nil && s.Priority() >= 0 }

// presented brings a session up to date when it becomes receptive (XEP-0160 section 2, step 5).
func (d *Delivery) presented(a module.Account, s module.Session) {
	if !receptive(s) {
		d.withdrawn(a, s)
		return
	}
	c := d.clients.Of(s.Slots())
	if c.phase != aside {
		return
	}
	acc, err := d.account(a)
	if err != nil {
		d.log.LogAttrs(context.Background(), slog.LevelError, "offline messages cannot be read", slog.Any("error", err))
		d.retry(a, s, c)
		return
	}
	d.begin(a, acc, s, c)
}

// withdrawn ends it: what comes while the session is not receptive waits until it is again.
func (d *Delivery) withdrawn(_ module.Account, s module.Session) {
	if c := d.clients.Peek(s.Slots()); c != nil && c.phase != aside {
		c.phase, c.extra, c.reads = aside, nil, false
	}
}

func (d *Delivery) begin(a module.Account, acc *account, s module.Session, c *client) {
	c.phase, c.cursor, c.from = behind, 0, 0
	if c.reads && !c.synced {
		c.from = acc.through // what the archive shows is the client's to fetch
	}
	d.pump(a, acc, s, c)
}

// arrange is the [module.CopyHook]: it keeps new messages back from sessions that have to be sent
// older ones first.
func (d *Delivery) arrange(p *module.Passage) {
	if p.Direction != module.Incoming || p.Record == nil {
		return
	}
	acc, err := d.account(p.Account)
	if err != nil {
		return // its message would not have been archived
	}
	acc.through = max(acc.through, p.Record.Seq)
	if !acc.waits(p.Record.Seq) {
		return
	}
	var held []module.Session
	for _, s := range p.Targets {
		if c := d.clients.Of(s.Slots()); c.phase != level && receptive(s) {
			held = append(held, s)
		}
	}
	if held == nil {
		return
	}
	p.Targets = slices.DeleteFunc(slices.Clone(p.Targets), func(s module.Session) bool { return slices.Contains(held, s) })
	for _, s := range held {
		c := d.clients.Of(s.Slots())
		if c.phase == aside {
			d.begin(p.Account, acc, s, c)
		} else {
			d.pump(p.Account, acc, s, c)
		}
	}
}

// track is the [module.TrackHook].
func (d *Delivery) track(p *module.Passage, s module.Session) func() {
	if p.Direction != module.Incoming || p.Record == nil {
		return nil
	}
	acc := d.accounts.Of(p.Account.Slots())
	e := acc.find(p.Record.Seq)
	if e == nil || e.done {
		return nil
	}
	d.clients.Of(s.Slots()).launch(e)
	return d.acknowledge(p.Account, acc, s, p.Record.Seq)
}

// pump sends a session what it has not been sent, as far as its window allows.
func (d *Delivery) pump(a module.Account, acc *account, s module.Session, c *client) {
	for c.phase == behind && !c.retrying && len(c.flight) < window && c.bytes < windowBytes {
		seqs := c.next(acc)
		if len(seqs) == 0 {
			c.phase = level
			return
		}
		messages, err := d.store.Messages(context.Background(), a.JID().String(), seqs[0], seqs[len(seqs)-1])
		if err != nil {
			d.log.LogAttrs(context.Background(), slog.LevelError, "offline messages cannot be read", slog.Any("error", err))
			d.retry(a, s, c)
			return
		}
		c.sent(seqs)
		d.send(a, acc, s, c, seqs, messages)
	}
}

// next are the next messages to send, at most a batch, in their order.
func (c *client) next(acc *account) (seqs []stanzaid.Seq) {
	bytes := c.bytes
	add := func(e *entry) (full bool) {
		seqs = append(seqs, e.seq)
		bytes += int(e.size)
		return len(seqs) == batch || bytes >= windowBytes
	}
	for _, seq := range c.extra {
		if e := acc.find(seq); e != nil && !e.done && !c.has(seq) && add(e) {
			break
		}
	}
	if len(seqs) > 0 {
		return seqs
	}
	c.extra = nil
	entries := acc.after(c.cursor)
	for i := range entries {
		if e := &entries[i]; !e.done && (e.hidden || e.seq > c.from) && !c.has(e.seq) && add(e) {
			break
		}
	}
	return seqs
}

// sent notes that these are on their way.
func (c *client) sent(seqs []stanzaid.Seq) {
	last := seqs[len(seqs)-1]
	if len(c.extra) > 0 {
		c.extra = slices.DeleteFunc(c.extra, func(seq stanzaid.Seq) bool { return seq <= last })
		return
	}
	c.cursor = last
}

func (d *Delivery) send(a module.Account, acc *account, s module.Session, c *client, seqs []stanzaid.Seq, messages []Message) {
	found := make(map[stanzaid.Seq]string, len(messages))
	for _, m := range messages {
		found[m.Seq] = m.Stanza
	}
	for _, seq := range seqs {
		text, ok := found[seq]
		if !ok {
			// It was deleted with its archive.
			acc.finish(seq)
			continue
		}
		st, err := stanza.Parse(text)
		if err != nil {
			d.log.LogAttrs(context.Background(), slog.LevelError, "stored message cannot be read", slog.Any("error", err))
			acc.finish(seq)
			continue
		}
		if payload.IsTombstone(st) {
			// XEP-0424 section 5: what was retracted meanwhile is not distributed further.
			acc.finish(seq)
			continue
		}
		c.launch(acc.find(seq))
		d.counters.Sent.Inc()
		s.SendTracked(d.dated(acc, seq, st), d.acknowledge(a, acc, s, seq))
	}
	d.note(a, acc)
}

// dated is a message as it is delivered later (XEP-0203), with its id in the archive.
func (d *Delivery) dated(acc *account, seq stanzaid.Seq, st *stanza.Stanza) *stanza.Stanza {
	w := xmltree.NewWriter(200)
	payload.WriteDelay(w, d.domain, stanzaid.Time(seq))
	return st.Plus(w.String() + acc.owner.Element(acc.owner.ID(seq)))
}

// retry looks again when the database could not be read.
func (d *Delivery) retry(a module.Account, s module.Session, c *client) {
	c.retrying = true
	d.clock.AfterFunc(retryAfter, func() {
		a.Do(func(a module.Account) {
			c.retrying = false
			if a.Session(s.JID().Resource()) != s {
				return
			}
			if c.phase == aside {
				d.presented(a, s)
				return
			}
			d.pump(a, d.accounts.Of(a.Slots()), s, c)
		})
	})
}

// unbound passes on what an ended session was given and has not acknowledged.
func (d *Delivery) unbound(a module.Account, s module.Session) {
	c := d.clients.Peek(s.Slots())
	acc := d.accounts.Peek(a.Slots())
	if acc == nil || !acc.loaded {
		return
	}
	if c != nil {
		d.withdrawn(a, s)
		d.release(a, acc, c)
	}
	d.saver.flush()
}

// release gives what was in flight to a session that ended to those that are there (RFC 6121
// section 8.5.3.2.1: what was for a resource that is gone is for all of them).
func (d *Delivery) release(a module.Account, acc *account, ended *client) {
	var flight []stanzaid.Seq
	for _, f := range ended.flight {
		if acc.waits(f.seq) && !d.held(a, f.seq) { // another session may have it too
			flight = append(flight, f.seq)
		}
	}
	ended.flight, ended.bytes = nil, 0
	if len(flight) == 0 {
		return
	}
	slices.Sort(flight)
	for s := range a.Sessions() {
		c := d.clients.Peek(s.Slots())
		if c == nil || c.phase == aside || !receptive(s) {
			continue
		}
		if c.phase == level {
			c.cursor = acc.through
		}
		for _, seq := range flight {
			if seq <= max(c.cursor, c.from) {
				c.extra = append(c.extra, seq)
			}
		}
		slices.Sort(c.extra)
		c.extra = slices.Compact(c.extra)
		c.phase = behind
		d.pump(a, acc, s, c)
	}
}

// held reports whether a session has a message and may still acknowledge it.
func (d *Delivery) held(a module.Account, seq stanzaid.Seq) bool {
	for s := range a.Sessions() {
		if c := d.clients.Peek(s.Slots()); c != nil && c.has(seq) {
			return true
		}
	}
	return false
}
