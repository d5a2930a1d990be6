package offline

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"kith/internal/clock"
)

// saver writes the progress of all accounts, some time after there is any: one write for many.
type saver struct {
	store Store
	clock clock.Clock
	log   *slog.Logger
	every time.Duration

	mu      sync.Mutex // guards the fields below
	news    map[string]*Progress
	timer   bool
	writing int
	idle    chan struct{} // closed and renewed when writing becomes 0
}

func newSaver(store Store, c clock.Clock, log *slog.Logger, every time.Duration) *saver {
	return &saver{store: store, clock: c, log: log, every: every, news: map[string]*Progress{}, idle: make(chan struct{})}
}

// put takes the newest progress of an account.
func (s *saver) put(p Progress) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.merge(p)
	if !s.timer {
		s.timer = true
		s.clock.AfterFunc(s.every, func() {
			s.mu.Lock()
			s.timer = false
			s.mu.Unlock()
			s.flush()
		})
	}
}

// merge needs s.mu.
func (s *saver) merge(p Progress) {
	old := s.news[p.Address]
	if old == nil {
		s.news[p.Address] = &p
		return
	}
	old.Delivered = max(old.Delivered, p.Delivered)
	old.Drop = append(old.Drop, p.Drop...)
}

// maxDrop bounds what one write deletes.
const maxDrop = 500

// flush writes what there is; it does not wait.
func (s *saver) flush() {
	s.mu.Lock()
	if len(s.news) == 0 {
		s.mu.Unlock()
		return
	}
	all := make([]Progress, 0, len(s.news))
	for _, p := range s.news {
		all = append(all, *p)
	}
	clear(s.news)
	var writes [][]Progress
	for rest := all; len(rest) > 0; {
		n, drop := 0, 0
		for n < len(rest) && drop < maxDrop {
			drop += len(rest[n].Drop) + 1
			n++
		}
		writes = append(writes, rest[:n])
		rest = rest[n:]
	}
	s.writing += len(writes)
	s.mu.Unlock()
	for _, w := range writes {
		s.store.Save(w, func(err error) { s.saved(w, err) })
	}
}

// saved is the end of a write. What could not be written is tried again.
func (s *saver) saved(w []Progress, err error) {
	if err != nil {
		s.log.LogAttrs(context.Background(), slog.LevelError, "progress of delivery not saved; it will be tried again", slog.Any("error", err))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		for _, p := range w {
			s.merge(p)
		}
	}
	if s.writing--; s.writing == 0 {
		close(s.idle)
		s.idle = make(chan struct{})
	}
}

// close writes what there is and waits until it is durable.
func (s *saver) close(ctx context.Context) error {
	s.flush()
	s.mu.Lock()
	idle, busy := s.idle, s.writing > 0
	s.mu.Unlock()
	if !busy {
		return nil
	}
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close saves what was delivered. It is called when the actors have ended and before the database
// is closed.
func (d *Delivery) Close(ctx context.Context) error { return d.saver.close(ctx) }
