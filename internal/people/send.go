package people

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"kith/internal/clock"
	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/payload"
	"kith/internal/stanza"
	"kith/internal/xmltree"
)

// outgoing is something to be sent that must arrive: it is sent again with the next connection until the
// server has acknowledged it.
type outgoing struct {
	// stanza is what is sent; nil while it is not encrypted.
	stanza *stanza.Stanza
	// Of a message: whose it is, to whom it goes, what it says, and when it was written, zero for now.
	key     messageKey
	to      jid.JID
	text    string
	written time.Time
	// handed: the present connection has it, as its number h.
	handed bool
	h      uint32
}

// Write writes somebody, or a group, a message and returns its id. It is encrypted and sent as soon as there is a
// connection; what becomes of it is seen in its [Message].
func (p *Person) Write(to jid.JID, text string) string { return p.WriteAt(to, text, time.Time{}) }

// WriteAt is Write for a message that was written at another time, before there was a connection
// (XEP-0203); zero is now.
func (p *Person) WriteAt(to jid.JID, text string, at time.Time) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	o := &outgoing{key: messageKey{p.o.Address, newID()}, to: to.Bare(), text: text, written: at}
	m := Message{ID: o.key.id, Peer: o.to, From: p.o.Address, Own: true, Text: text, At: at}
	if at.IsZero() {
		m.At = p.o.Clock.Now()
	}
	p.byID[o.key] = len(p.messages)
	p.messages = append(p.messages, m)
	p.post(o)
	return o.key.id
}

// MarkRead tells that a message of somebody was read, and all before it (XEP-0333).
func (p *Person) MarkRead(m Message) {
	p.mu.Lock()
	defer p.mu.Unlock()
	id := m.ID
	switch group := p.groups[m.Peer] != nil; {
	case !m.Markable, !group && !p.contacts[m.Peer].lets():
		return
	case group: // in a group, messages are named by its own ids
		id = m.roomID
	}
	p.post(&outgoing{stanza: p.note(m.Peer, func(x *xmltree.Writer) { x.Empty(ns.ChatMarkers, "displayed", "id", id) })})
}

// Type tells somebody that a message for them is being written, or no longer (XEP-0085).
func (p *Person) Type(ctx context.Context, to jid.JID, composing bool) error {
	w, err := p.linked()
	if err != nil {
		return err
	}
	state := "paused"
	if composing {
		state = "composing"
	}
	p.mu.Lock()
	way := p.way(to.Bare())
	p.mu.Unlock()
	return w.send(ctx, stanza.Build(stanza.Header{Kind: stanza.Message, Type: way, To: to.Bare()}, func(x *xmltree.Writer) {
		x.Empty(ns.ChatStates, state)
		x.Empty(ns.Hints, "no-store")
	}), nil)
}

// way is how messages to an address are sent. It needs p.mu.
func (p *Person) way(to jid.JID) stanza.Type {
	if p.groups[to] != nil {
		return stanza.Groupchat
	}
	return stanza.Chat
}

func writeDelay(x *xmltree.Writer, from jid.JID, at time.Time) {
	payload.WriteDelay(x, from.String(), at)
}

// post puts something behind what is to be sent. It needs p.mu.
func (p *Person) post(o *outgoing) {
	p.outbox = append(p.outbox, o)
	p.change()
}

// drop takes something out of it. It needs p.mu.
func (p *Person) drop(o *outgoing) {
	p.outbox = slices.DeleteFunc(p.outbox, func(other *outgoing) bool { return other == o })
	p.change()
}

// settled takes out what the server is responsible for. It needs p.mu.
func (p *Person) settled(is func(*outgoing) bool) {
	p.outbox = slices.DeleteFunc(p.outbox, func(o *outgoing) bool {
		if !is(o) {
			return false
		}
		p.progress(o.key, Sent)
		return true
	})
}

// acked implements [user].
func (p *Person) acked(w *wire, h uint32) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.link != w {
		return // too late: it will be sent again, which does no harm
	}
	p.settled(func(o *outgoing) bool { return o.handed && int32(h-o.h) >= 0 }) //nolint:gosec // XEP-0198 section 4: it wraps
	p.change()
}

// pause is how long the worker waits after the server refused something.
const pause = time.Second

// worker does what needs answers, one thing after the other, until the connection is lost.
func (p *Person) worker(ctx context.Context, w *wire) {
	for {
		p.mu.Lock()
		job, changed := p.job(), p.changed
		p.mu.Unlock()
		if job == nil {
			select {
			case <-changed:
				continue
			case <-w.over:
			case <-ctx.Done():
			}
			return
		}
		err := job(ctx, w)
		if ctx.Err() != nil || errors.Is(err, ErrOffline) {
			return
		}
		if err != nil {
			p.log.LogAttrs(ctx, slog.LevelWarn, "not done, to be tried again", slog.Any("error", err))
			if clock.Sleep(ctx, p.o.Clock, pause) != nil {
				return
			}
		}
	}
}

// job is what is to be done next, nil for nothing. It needs p.mu.
func (p *Person) job() func(context.Context, *wire) error {
	switch {
	case p.upkeep && p.current:
		return p.keepUp
	case p.stale:
		return p.publishBundle
	case len(p.heal) > 0:
		return p.renew
	}
	for _, o := range p.outbox {
		if !o.handed {
			return func(ctx context.Context, w *wire) error { return p.transmit(ctx, w, o) }
		}
	}
	return nil
}

func (p *Person) transmit(ctx context.Context, w *wire, o *outgoing) error {
	if o.stanza == nil { // only this goroutine changes it
		if err := p.seal(ctx, w, o); err != nil || o.stanza == nil {
			return err
		}
	}
	err := w.send(ctx, o.stanza, func(h uint32) {
		p.mu.Lock()
		defer p.mu.Unlock()
		o.handed, o.h = true, h
	})
	if err != nil {
		return err
	}
	return w.sendRequest(ctx)
}
