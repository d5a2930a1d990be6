package federation

import (
	"context"
	"errors"
	"sync"
	"time"

	"kith/internal/stream"
)

// lastAcks is how long the end of the server waits for acknowledgements. What is not confirmed by then is
// stored, and sent again after the next start.
const lastAcks = 2 * time.Second

// Shutdown stops taking connections and stanzas, stores what is under way, and ends all streams. When it
// returns without an error, everything that was accepted was acknowledged or is durable, and the store
// is used no more.
func (s *Service) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	if s.closing {
		s.mu.Unlock()
		return errors.New("federation: shut down already")
	}
	s.closing = true
	if len(s.wires) == 0 {
		close(s.idle)
	}
	s.mu.Unlock()
	s.spam.stop()

	links := s.allLinks()
	s.await(ctx, lastAcks, links, func(l *link, done func()) {
		l.whenQuiet(done)
	})
	s.await(ctx, closeTime, links, func(l *link, done func()) {
		l.shut()
		l.whenQuiet(done)
	})
	var err error
	for _, l := range links {
		select {
		case <-l.box.Close():
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	for _, w := range s.allWires() {
		w.finish(&stream.Error{Condition: stream.SystemShutdown})
	}
	defer s.cancel()
	select {
	case <-s.idle:
	case <-ctx.Done():
		err = ctx.Err()
		for _, w := range s.allWires() {
			w.abort()
		}
		<-s.idle
	}
	s.saves.finish()
	return err
}

// await runs f in all links and waits until each has called done, for at most d.
func (s *Service) await(ctx context.Context, d time.Duration, links []*link, f func(l *link, done func())) {
	var wg sync.WaitGroup
	for _, l := range links {
		wg.Add(1)
		if !l.do(func() { f(l, sync.OnceFunc(wg.Done)) }) {
			wg.Done() // it has retired
		}
	}
	all := make(chan struct{})
	go func() {
		wg.Wait()
		close(all)
	}()
	t := s.deps.Clock.NewTimer(d)
	defer t.Stop()
	select {
	case <-all:
	case <-t.C():
	case <-ctx.Done():
	}
}

// whenQuiet calls done when nothing is under way any more. Who asked before is told now.
func (l *link) whenQuiet(done func()) {
	if l.settled != nil {
		l.settled()
	}
	l.settled = done
}

// shut stores what is not confirmed and lets nothing more in or out.
func (l *link) shut() {
	l.store()
	l.closed = true
	l.queue.sent = 0 // what is under way is stored, and sent again by the next run
	if l.dialling != nil {
		l.dialling()
		l.dialling = nil
	}
	if l.timer != nil {
		l.timer.Stop()
	}
}
