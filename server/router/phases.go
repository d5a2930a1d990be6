package router

import (
	"errors"
	"sync/atomic"

	"kith/internal/stanza"
	"kith/server/module"
)

// outgoing takes a stanza of one of the account's own sessions.
func (a *Account) outgoing(s *Session, env *module.Envelope) {
	if s.gone {
		return // it was replaced; what it sent is not done, and so not accepted
	}
	p := &module.Passage{Account: a, Direction: module.Outgoing, Stanza: env.Stanza, Session: s, At: a.now()}
	e := &entry{passage: p, env: env, ready: true, proceed: a.send}
	if fault := a.accounts.registry.Filter(p); fault != nil {
		e.proceed = func(e *entry) { a.refuseOwn(e, fault) }
		a.enqueue(e)
		return
	}
	if p.Stanza.Kind != stanza.Message || p.Stanza.To.Bare() == a.jid || p.Stanza.Type == stanza.Error {
		a.enqueue(e)
		return
	}
	if !a.archive(e, nil) {
		a.enqueue(e)
		return
	}
	// The recipient's archive comes first and shall share the commit: the message goes on at once
	// unless something of this account that comes before it has not been sent on yet.
	a.line.push(e)
	a.forwardNext()
}

// forwardNext sends on the messages before which nothing has to be sent on.
func (a *Account) forwardNext() {
	for e := a.line.unforwarded(); e != nil; e = a.line.unforwarded() {
		a.forward(e)
	}
}

// archive runs the Archive phase and reports whether the entry now waits for a commit.
func (a *Account) archive(e *entry, stored *module.Stored) bool {
	h := a.accounts.registry.Archive
	if h == nil {
		return false
	}
	e.ready = !h(e.passage, stored, func(err error) {
		closed := a.box.Force(work{commit: e, err: err}) != nil
		if closed && err == nil && e.passage.Direction == module.Incoming {
			e.env.Accept() // it is in the archive
		}
	})
	return !e.ready
}

// refuseOwn answers a session of the account itself.
func (a *Account) refuseOwn(e *entry, err error) {
	st := e.passage.Stanza
	if !errors.Is(err, module.ErrDrop) {
		if answer := st.Fail(stanza.AsFault(err)); answer != nil {
			e.passage.Session.Send(answer)
		}
	}
	e.env.Accept()
}

// send is what remains for an outgoing stanza once everything before it is through.
func (a *Account) send(e *entry) {
	p := e.passage
	if errors.Is(e.failed, ErrClosed) {
		return // the server stops, and nobody has taken it: it is not accepted, and no copy is made
	}
	if e.failed != nil {
		a.archiveFailed(e.failed)
		if !e.routed {
			a.refuseOwn(e, stanza.Internal(e.failed))
			return
		}
	}
	switch p.Stanza.Kind {
	case stanza.Presence:
		a.accounts.registry.Presence(p)
		e.env.Accept()
	case stanza.IQ:
		if p.Stanza.To == a.jid {
			if !a.answered(p.Stanza) {
				a.request(p)
			}
			e.env.Accept()
			return
		}
		a.accounts.router.Route(e.env.For(p.Stanza, nil))
	case stanza.Message:
		for _, h := range a.accounts.registry.Copies {
			h(p)
		}
		if e.routed {
			e.env.Accept()
			return
		}
		a.forward(e)
	}
}

// forward routes an outgoing message. If this account archives it, that is written once the
// recipient's archive has queued its own write, and the session's stanza counts as accepted when
// both the commit and the recipient are done with it.
func (a *Account) forward(e *entry) {
	p := e.passage
	if e.ready {
		a.accounts.router.Route(e.env.For(p.Stanza, nil))
		return
	}
	var stored *module.Stored
	write := p.Write
	if write == nil {
		write = func(*module.Stored) {}
	} else {
		stored = &module.Stored{}
	}
	var left atomic.Int32
	left.Store(2)
	whole := e.env
	half := func() {
		if left.Add(-1) == 0 {
			whole.Accept()
		}
	}
	e.env = module.NewEnvelope(p.Stanza, half)
	onward := module.NewEnvelope(p.Stanza, half)
	onward.Stored = stored
	onward.OnQueued(func(ok bool) {
		if ok {
			write(stored)
		} else {
			_ = a.box.Force(work{commit: e, err: ErrClosed})
		}
	})
	a.accounts.router.Route(onward)
	if !onward.Claimed() {
		write(nil)
	}
}

// incoming takes a stanza that is addressed to the account.
func (a *Account) incoming(env *module.Envelope) {
	p := &module.Passage{Account: a, Direction: module.Incoming, Stanza: env.Stanza, At: a.now()}
	e := &entry{passage: p, env: env, ready: true, routed: true, proceed: a.receive}
	defer env.Queued(true)
	fault := a.accounts.registry.Filter(p)
	if fault == nil {
		fault = a.unreachable(p.Stanza)
	}
	if fault != nil {
		e.proceed = func(e *entry) { a.refuse(e, fault) }
		a.enqueue(e)
		return
	}
	if p.Stanza.Kind == stanza.Message && p.Stanza.Type != stanza.Error {
		stored := env.Stored
		if p.Stanza != env.Stanza {
			stored = nil // edited on the way in: no longer what the sender's archive holds
		}
		if a.archive(e, stored) {
			a.line.push(e)
			return
		}
	}
	a.enqueue(e)
}

// refuse answers the sender of an incoming stanza.
func (a *Account) refuse(e *entry, err error) {
	if errors.Is(err, module.ErrDrop) {
		e.env.Accept()
		return
	}
	if e.failed != nil {
		a.archiveFailed(e.failed)
	}
	a.accounts.router.bounce(e.env, stanza.AsFault(err))
}

// receive is what remains for an incoming stanza once everything before it is through.
func (a *Account) receive(e *entry) {
	p := e.passage
	if e.failed != nil {
		a.refuse(e, stanza.Internal(e.failed))
		return
	}
	switch p.Stanza.Kind {
	case stanza.Presence:
		a.accounts.registry.Presence(p)
	case stanza.IQ:
		a.receiveIQ(p)
	case stanza.Message:
		a.receiveMessage(p)
	}
	e.env.Accept()
}

// request answers a request to the account itself.
func (a *Account) request(p *module.Passage) {
	st := p.Stanza
	if !st.IsRequest() {
		return
	}
	s := p.Session
	reply := func(answer *stanza.Stanza) { a.Route(answer) }
	if s != nil {
		reply = func(answer *stanza.Stanza) { s.Send(answer) }
	}
	q := module.NewIQ(a, s, st, reply)
	var h module.IQHandler
	if s != nil {
		h = a.accounts.registry.IQHandler(module.OnOwn, st.Type, q.Payload)
	}
	if h == nil {
		h = a.accounts.registry.IQHandler(module.OnAccount, st.Type, q.Payload)
	}
	if h == nil {
		q.Fail(&stanza.Fault{Condition: stanza.ServiceUnavailable})
		return
	}
	if err := h(q); err != nil {
		q.Fail(err)
	}
}

func (a *Account) receiveIQ(p *module.Passage) {
	st := p.Stanza
	if st.To.IsBare() {
		if !a.answered(st) {
			a.request(p)
		}
		return
	}
	// unreachable has seen to it that the session is there, or was: it may have ended since.
	if s := a.session(st.To.Resource()); s != nil {
		s.Send(st)
	} else if e := st.Fail(&stanza.Fault{Condition: stanza.ServiceUnavailable}); e != nil {
		a.Route(e)
	}
}
