// Package store is where Kith keeps what must survive: the only package with SQL in it.
//
// The features own their Store interfaces and types; this package implements them, one
// file for each feature, on the four primitives of this file: [DB.Write], [DB.Enqueue],
// [DB.Read] and the migrations. One goroutine writes. While it waits for the disk,
// operations gather, and the next transaction takes them all: durability costs one
// sync for many messages, and nobody waits for a timer. Readers run beside it on
// connections of their own, each read on a consistent snapshot.
//
// # SQL
//
// One SQL text serves SQLite and PostgreSQL. Placeholders are $1, $2, ... and first appear
// in that order. Times are BIGINT milliseconds since 1970, bytes are BYTEA, truth is
// BOOLEAN; upserts are INSERT ... ON CONFLICT. What only one engine knows is in dialect.go.
package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"kith/internal/clock"
	"kith/internal/counter"
)

// FileName is the name of the database in its directory.
const FileName = "kith.db"

var (
	// ErrClosed means that the database is closed or closing.
	ErrClosed = errors.New("store: closed")
	// ErrQueueFull means that more operations wait to be written than are allowed: the
	// disk does not keep up. Nothing was written.
	ErrQueueFull = errors.New("store: too many operations wait for the disk")
	// ErrNotSaved means that a transaction could not be made durable: the disk is full or
	// failing. Nothing of it was kept; later operations are tried anew.
	ErrNotSaved = errors.New("store: not saved")
	// ErrPanicked means that an operation panicked; it was undone.
	ErrPanicked = errors.New("store: operation panicked")
)

// Options say where the database is and how much it may hold back.
type Options struct {
	// Dir is the directory of the database; it is made when missing, for its owner only.
	Dir string
	// MaxQueue is the most operations that may wait to be written (default 16384).
	MaxQueue int
	// MaxGroup is the most operations that share a transaction (default 512).
	MaxGroup int
	// Readers is the most reads at the same time (default: twice the processors, 4 at least).
	Readers int
	// Volatile trades durability for speed: a commit does not wait for the disk. For tests
	// and demonstrations, whose data nobody needs after a power cut.
	Volatile bool
	// Clock dates the migrations (default: the real one).
	Clock clock.Clock
	// Twice runs every operation two times and undoes the first: for tests, so that an
	// operation that may not be run again shows itself.
	Twice bool
}

func (o *Options) setDefaults() {
	if o.MaxQueue <= 0 {
		o.MaxQueue = 16384
	}
	if o.MaxGroup <= 0 {
		o.MaxGroup = 512
	}
	if o.Clock == nil {
		o.Clock = clock.Real{}
	}
	if o.Readers <= 0 {
		o.Readers = max(4, 2*runtime.GOMAXPROCS(0))
	}
}

// Counters tell what the database has done since it was opened.
type Counters struct {
	Operations *counter.Counter // operations that were committed
	Commits    *counter.Counter // transactions that were committed
	Failed     *counter.Counter // transactions that could not be committed
	QueueFull  *counter.Counter // operations refused because too many waited
}

// DB is an open database. All methods are safe for concurrent use.
type DB struct {
	opts     Options
	counters Counters
	writer   *writer
	readers  *readers
}

// Open opens the database in opts.Dir, makes it when it is missing, and brings its schema
// up to date. A schema that was made by a newer Kith is refused with [ErrSchemaTooNew].
// The context bounds the opening only.
func Open(ctx context.Context, opts Options) (_ *DB, err error) {
	opts.setDefaults()
	path, err := prepareFile(opts.Dir)
	if err != nil {
		return nil, fmt.Errorf("store: open: %w", err)
	}
	src := source{path: path, volatile: opts.Volatile}

	wc, err := src.open(ctx, forWriting)
	if err != nil {
		return nil, fmt.Errorf("store: open %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, wc.close())
		}
	}()
	if err := migrate(ctx, wc, migrations(), opts.Clock.Now()); err != nil {
		return nil, err
	}
	db := &DB{
		opts: opts,
		counters: Counters{
			Operations: counter.New("store_operations"),
			Commits:    counter.New("store_commits"),
			Failed:     counter.New("store_commits_failed"),
			QueueFull:  counter.New("store_queue_full"),
		},
	}
	db.readers = newReaders(src, opts.Readers)
	db.writer = newWriter(wc, &db.opts, &db.counters)
	go db.writer.loop()
	return db, nil
}

// prepareFile makes the directory and an empty database that only their owner may read;
// SQLite gives its other files the mode of this one.
func prepareFile(dir string) (string, error) {
	if dir == "" {
		return "", errors.New("no directory was given")
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	path := filepath.Join(dir, FileName)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return "", err
	}
	if err := errors.Join(f.Chmod(0o600), f.Close()); err != nil {
		return "", err
	}
	d, err := os.Open(dir)
	if err != nil {
		return "", err
	}
	return path, errors.Join(d.Sync(), d.Close())
}

// Counters returns the live counters.
func (db *DB) Counters() Counters { return db.counters }

// Path is the file of the database.
func (db *DB) Path() string { return filepath.Join(db.opts.Dir, FileName) }

// Write runs op in a transaction and returns when it is durable, or with the reason why
// nothing of it was kept: op's own error, the context's error when it ended before op
// began, or an error that wraps [ErrNotSaved], [ErrQueueFull] or [ErrClosed].
//
// The transaction is shared with the operations of others, but what op did is undone
// alone when op fails. For that op may be run again, so it sets its variables and does not
// add to them. It runs in the writer's goroutine, so it must be quick, touch nothing but tx
// and its own variables, and call no method of DB. A nil return of op is no promise yet;
// only a nil return of Write is.
func (db *DB) Write(ctx context.Context, op func(*Tx) error) error {
	result := make(chan error, 1)
	db.writer.add(operation{ctx: ctx, run: op, done: func(err error) { result <- err }})
	return <-result
}

// Enqueue is Write for actors, which must not wait: it returns at once, and done is called
// exactly once with what Write would have returned. Operations that one goroutine enqueues
// are committed in that order, and their done functions are called in that order.
//
// done runs in the writer's goroutine and must not block; it posts to a mailbox or sends on
// a channel with room. When the operation is refused (too many wait, or the database is
// closed), done is called by Enqueue itself before it returns.
func (db *DB) Enqueue(op func(*Tx) error, done func(error)) {
	db.writer.add(operation{run: op, done: done})
}

// Read runs f on a connection that sees one consistent snapshot: everything whose Write
// returned before, and nothing that is not committed. The context bounds the wait for a
// free connection; f itself is not interrupted.
func (db *DB) Read(ctx context.Context, f func(*Conn) error) error {
	return db.readers.read(ctx, f)
}

// Close commits what was enqueued, refuses what comes later, waits for reads to end, and
// closes the database.
func (db *DB) Close() error {
	return errors.Join(db.writer.close(), db.readers.close())
}
