package store

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
)

// errEnded means that the engine has ended the transaction by itself, which is how it
// answers a disk that is full or failing.
var errEnded = errors.New("the database has given up the transaction")

// errCalledOff marks an operation whose context had ended before it began.
var errCalledOff = errors.New("called off")

type operation struct {
	ctx  context.Context // nil: cannot be called off
	run  func(*Tx) error
	done func(error)
}

// writer owns the one connection that writes. Its queue is open to all.
type writer struct {
	conn     *conn
	opts     *Options
	counters *Counters

	wake     chan struct{} // holds a token when the queue is not empty, or closed is set
	stopped  chan struct{}
	closeErr error   // set before stopped is closed
	errs     []error // of the operations of the current group; only the loop touches it

	mu     sync.Mutex // guards the fields below
	queue  []operation
	closed bool
}

func newWriter(c *conn, opts *Options, counters *Counters) *writer {
	return &writer{
		conn: c, opts: opts, counters: counters,
		wake: make(chan struct{}, 1), stopped: make(chan struct{}),
	}
}

func (w *writer) add(op operation) {
	w.mu.Lock()
	switch {
	case w.closed:
		w.mu.Unlock()
		op.done(ErrClosed)
		return
	case len(w.queue) >= w.opts.MaxQueue:
		w.mu.Unlock()
		w.counters.QueueFull.Inc()
		op.done(ErrQueueFull)
		return
	}
	w.queue = append(w.queue, op)
	first := len(w.queue) == 1
	w.mu.Unlock()
	if first {
		w.signal()
	}
}

func (w *writer) signal() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

func (w *writer) close() error {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	w.signal()
	<-w.stopped
	return w.closeErr
}

// loop takes everything that has gathered and commits it, again and again.
func (w *writer) loop() {
	var spare []operation
	for {
		<-w.wake
		// Those whom the last commit released are about to bring their next operation:
		// let them, and the group is twice as large.
		runtime.Gosched()
		w.mu.Lock()
		group := w.queue
		w.queue = spare[:0]
		closed := w.closed
		w.mu.Unlock()
		for rest := group; len(rest) > 0; {
			n := min(len(rest), w.opts.MaxGroup)
			w.commit(rest[:n])
			rest = rest[n:]
		}
		clear(group)
		spare = group
		if cap(spare) > 4*w.opts.MaxGroup {
			spare = nil // a burst's
		}
		if closed { // and add lets nothing in since
			w.closeErr = w.conn.close()
			close(w.stopped)
			return
		}
	}
}

// commit runs a group in one transaction and tells everyone how it ended.
func (w *writer) commit(group []operation) {
	w.errs = append(w.errs[:0], make([]error, len(group))...)
	lost := w.transact(group)
	if lost != nil {
		w.counters.Failed.Inc()
		lost = notSaved(lost)
	}
	var kept uint64
	for i, err := range w.errs {
		switch {
		case errors.Is(err, errCalledOff): // it did not run
			w.errs[i] = group[i].ctx.Err()
		case lost != nil:
			// Also where the operation had an error of its own: that may speak of what
			// others wrote before it in this transaction, and what is gone too.
			w.errs[i] = lost
		case err == nil:
			kept++
		case engineFailed(err):
			w.errs[i] = notSaved(err)
		}
	}
	if kept > 0 {
		w.counters.Commits.Inc()
		w.counters.Operations.Add(kept)
	}
	for i, op := range group {
		op.done(w.errs[i])
	}
}

func notSaved(cause error) error { return fmt.Errorf("%w: %w", ErrNotSaved, explain(cause)) }

// transact returns an error when the transaction as a whole is lost; the errors of single
// operations, which are undone alone, are in w.errs.
//
// A savepoint around each operation would cost a copy of every page that it touches, a
// third of the work of a commit, and nearly all operations succeed. So they first run
// without; only when one fails that has written something is everything undone, and run
// once more with savepoints.
func (w *writer) transact(group []operation) error {
	careful := w.opts.Twice
	for {
		again, err := w.attempt(group, careful)
		if !again || err != nil {
			return err
		}
		careful = true
		clear(w.errs)
	}
}

func (w *writer) attempt(group []operation, careful bool) (again bool, err error) {
	if err := w.begin(); err != nil {
		return false, err
	}
	for i, op := range group {
		if op.ctx != nil && op.ctx.Err() != nil {
			w.errs[i] = errCalledOff
			continue
		}
		if careful {
			if w.errs[i], err = w.runCarefully(op); err != nil {
				return false, errors.Join(err, w.rollback())
			}
			continue
		}
		wrote, opErr := w.run(op)
		// Where the engine has ended the transaction, what follows would be kept at once.
		in, err := w.conn.inTransaction()
		switch {
		case err != nil:
			return false, errors.Join(err, w.rollback())
		case !in:
			return false, errors.Join(errEnded, opErr)
		case opErr != nil && wrote && len(group) == 1:
			w.errs[i] = opErr
			return false, w.rollback()
		case opErr != nil && wrote:
			return true, w.rollback()
		}
		w.errs[i] = opErr
	}
	if err := w.conn.exec(sqlCommit); err != nil {
		return false, errors.Join(err, w.rollback())
	}
	return false, nil
}

// runCarefully runs an operation inside a savepoint. lost means that the whole transaction
// is, and the operation's own error with it.
func (w *writer) runCarefully(op operation) (opErr, lost error) {
	runs := 1
	if w.opts.Twice {
		runs = 2
	}
	for run := range runs {
		if err := w.conn.exec(sqlSavepoint); err != nil {
			return nil, err
		}
		_, opErr = w.run(op)
		in, err := w.conn.inTransaction()
		switch {
		case err != nil:
			return nil, err
		case !in:
			return nil, errors.Join(errEnded, opErr)
		}
		if opErr != nil || run < runs-1 {
			if err := w.conn.exec(sqlUndo); err != nil {
				return nil, err
			}
		}
		if err := w.conn.exec(sqlRelease); err != nil {
			return nil, err
		}
	}
	return opErr, nil
}

// begin starts a transaction, and first ends one that could not be ended before.
func (w *writer) begin() error {
	in, err := w.conn.inTransaction()
	if err != nil {
		return err
	}
	if in {
		if err := w.conn.exec(sqlRollback); err != nil {
			return err
		}
	}
	return w.conn.exec(sqlBegin)
}

// rollback ends the transaction unless the engine did so itself.
func (w *writer) rollback() error {
	in, err := w.conn.inTransaction()
	if err != nil || !in {
		return err
	}
	return w.conn.exec(sqlRollback)
}

// run calls the operation; one that panics fails alone.
func (w *writer) run(op operation) (wrote bool, err error) {
	tx := &Tx{Conn: Conn{w.conn}}
	defer func() {
		wrote = tx.wrote
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v\n%s", ErrPanicked, p, debug.Stack())
		}
	}()
	return false, op.run(tx)
}
