package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// readers hands out connections for reading. They are opened when they are first needed,
// and the one used last is used next, since its pages are still in its cache.
type readers struct {
	src   source
	slots chan struct{} // one token for each read that may run now

	mu     sync.Mutex // guards the fields below
	free   []*conn
	closed bool
}

func newReaders(src source, n int) *readers {
	r := &readers{src: src, slots: make(chan struct{}, n)}
	for range n {
		r.slots <- struct{}{}
	}
	return r
}

func (r *readers) read(ctx context.Context, f func(*Conn) error) error {
	select {
	case <-r.slots:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { r.slots <- struct{}{} }()

	c, err := r.take(ctx)
	if err != nil {
		return err
	}
	// Only a connection that came back to rest is used again.
	sound := false
	defer func() { r.give(c, sound) }()
	if err := c.exec(sqlBeginRead); err != nil {
		return fmt.Errorf("store: read: %w", explain(err))
	}
	ferr := f(&Conn{c})
	if err := c.exec(sqlRollback); err != nil {
		return errors.Join(ferr, fmt.Errorf("store: read: %w", explain(err)))
	}
	sound = true
	return ferr
}

func (r *readers) take(ctx context.Context) (*conn, error) {
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		return nil, ErrClosed
	}
	if n := len(r.free); n > 0 {
		c := r.free[n-1]
		r.free = r.free[:n-1]
		r.mu.Unlock()
		return c, nil
	}
	r.mu.Unlock()
	c, err := r.src.open(ctx, forReading)
	if err != nil {
		return nil, fmt.Errorf("store: open for reading: %w", err)
	}
	return c, nil
}

func (r *readers) give(c *conn, sound bool) {
	if sound {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.free = append(r.free, c)
		return
	}
	_ = c.close() // it has failed already
}

// close waits for the reads that run.
func (r *readers) close() error {
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		return nil
	}
	r.closed = true
	r.mu.Unlock()
	for range cap(r.slots) {
		<-r.slots
	}
	// Whoever waits for a slot gets one and then ErrClosed.
	for range cap(r.slots) {
		r.slots <- struct{}{}
	}
	var errs []error
	for _, c := range r.free {
		errs = append(errs, c.close())
	}
	r.free = nil
	return errors.Join(errs...)
}
