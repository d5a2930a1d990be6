package federation

import (
	"context"
	"errors"
	"time"

	"kith/internal/stanza"
	"kith/internal/stream"
)

// connect begins to make a connection if one is needed and none is under way.
func (l *link) connect() {
	if l.wire != nil || l.dialling != nil || l.closed || l.queue.len() == 0 && !l.disk.waiting() {
		return
	}
	now := l.now()
	if l.retryAt.After(now) {
		l.wake(l.retryAt)
		return
	}
	l.retryAt = time.Time{}
	ctx, cancel := context.WithCancel(l.svc.ctx)
	l.dialling = cancel
	parting := l.parting
	go func() {
		c, handled, err := l.svc.dial(ctx, l.pair, parting)
		taken := l.do(func() {
			called := ctx.Err() != nil
			cancel()
			if !called {
				l.dialling = nil
			}
			switch {
			case err == nil:
				l.called(c, handled)
			case !called:
				l.failed(err)
			}
		})
		if !taken && err == nil {
			c.hangup()
		}
	}()
}

// called takes the connection that was made.
func (l *link) called(c *caller, handled *uint32) {
	c.lent.Store(true)
	c.mu.Lock()
	c.link = l
	c.mu.Unlock()
	if !l.attach(c.wire, handled) {
		c.hangup()
		return
	}
	go c.run()
}

// failed is what follows when no connection could be made.
func (l *link) failed(err error) {
	if l.closed {
		return
	}
	l.failures++
	l.svc.counters.ConnectFailed.Inc()
	l.stats.failed(err, l.now())
	if hopeless(err) && !l.stats.met() {
		// Nobody has ever been there: most likely the address is mistyped.
		l.retryAt = l.now().Add(firstRetry)
		l.wake(l.retryAt)
		l.returnEverything(l.undeliverable())
		return
	}
	l.retryAt = l.now().Add(backoff(l.failures))
	l.wake(l.retryAt)
	l.store() // nobody will acknowledge it soon
}

// backoff is how long to wait after so many failures in a row: up to half as much again, so that not
// everybody comes back at the same time.
func backoff(failures int) time.Duration {
	d := lastRetry
	if failures < 12 {
		d = min(firstRetry<<max(0, failures-1), lastRetry)
	}
	return d + time.Duration(randomInt(int(d/2)+1))
}

// hopeless: trying again soon is of no use.
func hopeless(err error) bool {
	return errors.Is(err, errNoDomain) || errors.Is(err, errNoService)
}

// undeliverable is the error for senders (RFC 6120 section 8.3.3): a server that is not there, or one
// that there is no getting through to.
func (l *link) undeliverable() *stanza.Fault {
	last := l.stats.lastError()
	if errors.Is(last, errNoDomain) || errors.Is(last, errNoService) {
		return stanza.Refuse(stanza.RemoteServerNotFound, "There is no such server: "+last.Error()+".")
	}
	text := "The other server cannot be reached."
	if words := publicWords(last); words != "" {
		text = "The other server cannot be reached: " + words + "."
	}
	return stanza.Refuse(stanza.RemoteServerTimeout, text)
}

// retry tries at once what would be tried later.
func (l *link) retry() {
	l.failures, l.retryAt = 0, time.Time{}
	l.connect()
}

// wake sees to it that the link looks at its deadlines at this time, or earlier.
func (l *link) wake(at time.Time) {
	if l.closed || !l.wakeAt.IsZero() && !at.Before(l.wakeAt) {
		return
	}
	l.wakeAt = at
	d := max(at.Sub(l.now()), time.Millisecond)
	if l.timer == nil {
		l.timer = l.svc.deps.Clock.AfterFunc(d, func() { l.do(l.tick) })
	} else {
		l.timer.Reset(d)
	}
}

// tick looks at all deadlines.
func (l *link) tick() {
	l.wakeAt = time.Time{}
	if l.closed {
		return
	}
	now := l.now()
	if !l.retryAt.IsZero() && !l.retryAt.After(now) {
		l.retryAt = time.Time{}
	}
	l.expire(now)
	if waiting := l.unaccepted(now); waiting {
		l.store()
	}
	if w := l.wire; w != nil {
		l.watch(w, now)
	}
	l.refill()
	l.connect()
	l.pump()
}

// unaccepted reports whether a stanza has waited for its acknowledgement as long as it may, and
// otherwise sees to it that it is looked at again.
func (l *link) unaccepted(now time.Time) bool {
	for _, e := range l.queue.all() {
		if e.accept == nil || e.storing {
			continue
		}
		at := e.at.Add(patience)
		if !at.After(now) || l.wire == nil && l.failures > 0 {
			return true
		}
		l.wake(at)
		return false
	}
	return false
}

// watch looks after the connection.
func (l *link) watch(w *wire, now time.Time) {
	if since := w.waitingSince(); !since.IsZero() {
		if at := since.Add(l.svc.cfg.AckTime); at.After(now) {
			l.wake(at)
		} else {
			l.svc.counters.AckTimeout.Inc()
			w.fail(errNoAck)
			return
		}
	}
	l.fence.tick(l, now)
	if idle := w.lastUse().Add(l.idleTime(w)); l.queue.len() > 0 || idle.After(now) {
		l.wake(later(idle, now.Add(time.Second)))
	} else {
		l.svc.counters.IdleClosed.Inc()
		w.finish(nil)
	}
}

// idleTime is how long a connection stays open that nobody uses: the shorter of what both sides want.
// Who made it closes it first.
func (l *link) idleTime(w *wire) time.Duration {
	d := l.svc.cfg.IdleTime
	if w.limits.idle > 0 && !w.inbound {
		d = min(d, w.limits.idle*9/10)
	}
	if w.inbound {
		d += d / 4
	}
	return d
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

var (
	errNoAck error = &trouble{words: "it does not acknowledge what it is sent"}
	errGone  error = &trouble{words: "the connection was lost"}
)

// explainLoss is why a connection was lost that had hardly begun.
func explainLoss(cause error) error {
	if cause == nil {
		return errGone
	}
	if bad, ok := errors.AsType[*stream.Error](cause); ok {
		return refusal(bad)
	}
	return cause
}
