package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"kith/server/store"
)

// open is an empty database with a table of its own for these tests.
func open(t *testing.T, opts store.Options) *store.DB {
	t.Helper()
	if opts.Dir == "" {
		opts.Dir = t.TempDir()
	}
	db, err := store.Open(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	err = db.Write(t.Context(), func(tx *store.Tx) error {
		_, err := tx.Exec("CREATE TABLE IF NOT EXISTS note (id BIGINT NOT NULL PRIMARY KEY, text TEXT NOT NULL)")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func note(id int, text string) func(*store.Tx) error {
	return func(tx *store.Tx) error {
		_, err := tx.Exec("INSERT INTO note (id, text) VALUES ($1, $2)", id, text)
		return err
	}
}

func notes(t *testing.T, db *store.DB) []int {
	t.Helper()
	var ids []int
	err := db.Read(t.Context(), func(c *store.Conn) (err error) {
		ids, err = store.Collect(c, func(r *sql.Rows) (id int, err error) {
			return id, r.Scan(&id)
		}, "SELECT id FROM note ORDER BY id")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

// hold keeps the writer busy until release is called, so that what comes next gathers.
func hold(t *testing.T, db *store.DB) (release func()) {
	t.Helper()
	began, end := make(chan struct{}), make(chan struct{})
	var once sync.Once
	db.Enqueue(func(*store.Tx) error {
		once.Do(func() { close(began) })
		<-end
		return nil
	}, func(error) {})
	<-began
	return sync.OnceFunc(func() { close(end) })
}

func TestWhatGathersSharesACommitInOrder(t *testing.T) {
	db := open(t, store.Options{})
	release := hold(t, db)
	before := db.Counters().Commits.Load()
	const n = 100
	var ran, done []int // both are touched by the writer only, and read after the last
	last := make(chan struct{})
	for i := range n {
		db.Enqueue(func(tx *store.Tx) error {
			ran = append(ran, i)
			return note(i, "x")(tx)
		}, func(err error) {
			if err != nil {
				t.Errorf("operation %d: %v", i, err)
			}
			done = append(done, i)
			if i == n-1 {
				close(last)
			}
		})
	}
	release()
	<-last
	want := make([]int, n)
	for i := range want {
		want[i] = i
	}
	if !slices.Equal(ran, want) || !slices.Equal(done, want) || !slices.Equal(notes(t, db), want) {
		t.Fatalf("ran %v\ndone %v", ran, done)
	}
	// One for what held the writer, one for all that gathered.
	if got := db.Counters().Commits.Load() - before; got != 2 {
		t.Fatalf("%d commits, want 2", got)
	}
}

func TestMaxGroupSplitsAGathering(t *testing.T) {
	db := open(t, store.Options{MaxGroup: 10})
	release := hold(t, db)
	before := db.Counters().Commits.Load()
	var wg sync.WaitGroup
	for i := range 95 {
		wg.Add(1)
		db.Enqueue(note(i, "x"), func(err error) {
			if err != nil {
				t.Error(err)
			}
			wg.Done()
		})
	}
	release()
	wg.Wait()
	if got := db.Counters().Commits.Load() - before; got != 1+10 {
		t.Fatalf("%d commits, want 11", got)
	}
	if got := len(notes(t, db)); got != 95 {
		t.Fatalf("%d notes", got)
	}
}

var errRefused = errors.New("refused")

// Failures of each kind, alone and among others: only their own work is undone.
func TestAFailingOperationUndoesOnlyItself(t *testing.T) {
	failures := map[string]struct {
		op   func(*store.Tx) error
		want error
		text string
	}{
		"after writing": {op: func(tx *store.Tx) error {
			if err := note(1000, "gone")(tx); err != nil {
				return err
			}
			return errRefused
		}, want: errRefused},
		"before writing": {op: func(*store.Tx) error { return errRefused }, want: errRefused},
		"constraint":     {op: note(0, "again"), text: "UNIQUE"},
		"after a constraint": {op: func(tx *store.Tx) error {
			return errors.Join(note(1001, "gone")(tx), note(0, "again")(tx))
		}, text: "UNIQUE"},
		"written by a query": {op: func(tx *store.Tx) error {
			var id int
			if err := tx.QueryRow("INSERT INTO note (id, text) VALUES ($1, $2) RETURNING id", 1002, "gone").Scan(&id); err != nil {
				return err
			}
			return errRefused
		}, want: errRefused},
		"panic": {op: func(tx *store.Tx) error {
			if err := note(1003, "gone")(tx); err != nil {
				return err
			}
			panic("oops")
		}, want: store.ErrPanicked, text: "oops"},
		"bad SQL":          {op: func(tx *store.Tx) error { _, err := tx.Exec("INSERT INTO nowhere VALUES (1)"); return err }, text: "no such table"},
		"bad placeholders": {op: func(tx *store.Tx) error { _, err := tx.Exec("DELETE FROM note WHERE id = $2", 1); return err }, text: "$2"},
	}
	for name, f := range failures {
		for _, others := range []int{0, 5} {
			t.Run(fmt.Sprintf("%s, %d others", name, others), func(t *testing.T) {
				db := open(t, store.Options{})
				if err := db.Write(t.Context(), note(0, "first")); err != nil {
					t.Fatal(err)
				}
				release := hold(t, db)
				var wg sync.WaitGroup
				enqueue := func(op func(*store.Tx) error, check func(error)) {
					wg.Add(1)
					db.Enqueue(op, func(err error) { check(err); wg.Done() })
				}
				succeed := func(err error) {
					if err != nil {
						t.Errorf("an operation that is right: %v", err)
					}
				}
				for i := range others {
					enqueue(note(1+i, "before"), succeed)
				}
				enqueue(f.op, func(err error) {
					if err == nil || (f.want != nil && !errors.Is(err, f.want)) || !strings.Contains(err.Error(), f.text) {
						t.Errorf("error %v, want %v %q", err, f.want, f.text)
					}
				})
				for i := range others {
					enqueue(note(100+i, "after"), succeed)
				}
				release()
				wg.Wait()
				if got := len(notes(t, db)); got != 1+2*others {
					t.Errorf("%d notes, want %d: %v", got, 1+2*others, notes(t, db))
				}
				if err := db.Write(t.Context(), note(500, "later")); err != nil {
					t.Errorf("the next operation: %v", err)
				}
			})
		}
	}
}

func TestAContextThatEndedCallsAnOperationOff(t *testing.T) {
	db := open(t, store.Options{})
	release := hold(t, db)
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan error, 1)
	entered := make(chan struct{})
	go func() {
		close(entered)
		result <- db.Write(ctx, note(1, "late"))
	}()
	<-entered
	cancel()
	release()
	if err := <-result; !errors.Is(err, context.Canceled) {
		t.Fatalf("Write: %v", err)
	}
	if got := notes(t, db); len(got) != 0 {
		t.Fatalf("an operation that was called off wrote %v", got)
	}
}

func TestQueueIsBounded(t *testing.T) {
	db := open(t, store.Options{MaxQueue: 3})
	release := hold(t, db)
	defer release()
	var wg sync.WaitGroup
	for i := range 3 {
		wg.Add(1)
		db.Enqueue(note(i, "x"), func(err error) {
			if err != nil {
				t.Error(err)
			}
			wg.Done()
		})
	}
	if err := db.Write(t.Context(), note(9, "x")); !errors.Is(err, store.ErrQueueFull) {
		t.Fatalf("Write to a full queue: %v", err)
	}
	if got := db.Counters().QueueFull.Load(); got != 1 {
		t.Fatalf("store_queue_full = %d", got)
	}
	release()
	wg.Wait()
	if got := notes(t, db); !slices.Equal(got, []int{0, 1, 2}) {
		t.Fatalf("notes %v", got)
	}
	if err := db.Write(t.Context(), note(9, "x")); err != nil {
		t.Fatalf("Write after the queue emptied: %v", err)
	}
}

func TestCloseCommitsWhatWaitsAndRefusesTheRest(t *testing.T) {
	dir := t.TempDir()
	db := open(t, store.Options{Dir: dir})
	release := hold(t, db)
	results := make(chan error, 10)
	for i := range 10 {
		db.Enqueue(note(i, "x"), func(err error) { results <- err })
	}
	closed := make(chan error)
	go func() { closed <- db.Close() }()
	release()
	if err := <-closed; err != nil {
		t.Fatal(err)
	}
	for range 10 {
		if err := <-results; err != nil {
			t.Errorf("an operation from before Close: %v", err)
		}
	}
	if err := db.Write(t.Context(), note(11, "x")); !errors.Is(err, store.ErrClosed) {
		t.Errorf("Write after Close: %v", err)
	}
	if err := db.Read(t.Context(), func(*store.Conn) error { return nil }); !errors.Is(err, store.ErrClosed) {
		t.Errorf("Read after Close: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, store.FileName+"-wal")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the write-ahead log is still there after Close: %v", err)
	}
	if got := len(notes(t, open(t, store.Options{Dir: dir}))); got != 10 {
		t.Errorf("%d notes after opening again", got)
	}
}

func TestReadSeesOneSnapshot(t *testing.T) {
	db := open(t, store.Options{Readers: 2})
	if err := db.Write(t.Context(), note(1, "x")); err != nil {
		t.Fatal(err)
	}
	count := func(c *store.Conn) (n int) {
		if err := c.QueryRow("SELECT COUNT(*) FROM note").Scan(&n); err != nil {
			t.Error(err)
		}
		return n
	}
	err := db.Read(t.Context(), func(c *store.Conn) error {
		if n := count(c); n != 1 {
			t.Errorf("%d notes, want 1", n)
		}
		if err := db.Write(t.Context(), note(2, "x")); err != nil {
			return err
		}
		if n := count(c); n != 1 {
			t.Errorf("%d notes in the same read after a write beside it, want 1", n)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := notes(t, db); !slices.Equal(got, []int{1, 2}) {
		t.Errorf("the next read sees %v", got)
	}
	err = db.Read(t.Context(), func(c *store.Conn) error {
		return c.QueryRow("INSERT INTO note (id, text) VALUES ($1, $2) RETURNING id", 3, "x").Scan(new(int))
	})
	if err == nil || !strings.Contains(err.Error(), "readonly") {
		t.Errorf("a write on a reader's connection: %v", err)
	}
	err = db.Read(t.Context(), func(c *store.Conn) error {
		return c.QueryRow("SELECT id FROM note WHERE id = $1", 99).Scan(new(int))
	})
	if !errors.Is(err, sql.ErrNoRows) {
		t.Errorf("no row: %v", err)
	}
}

func TestReadsAreBounded(t *testing.T) {
	db := open(t, store.Options{Readers: 1})
	err := db.Read(t.Context(), func(*store.Conn) error {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		return db.Read(ctx, func(*store.Conn) error { return nil })
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("a read without a free connection: %v", err)
	}
}

func TestManyReadersBesideAWriter(t *testing.T) {
	db := open(t, store.Options{Readers: 4})
	const n = 100
	var wg sync.WaitGroup
	stop := make(chan struct{})
	for range 2 {
		wg.Go(func() {
			seen := 0
			for {
				ids := notes(t, db)
				if len(ids) < seen {
					t.Errorf("a reader saw %d notes, and then %d", seen, len(ids))
				}
				seen = len(ids)
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	for i := range n {
		if err := db.Write(t.Context(), note(i, "x")); err != nil {
			t.Fatal(err)
		}
		if ids := notes(t, db); len(ids) != i+1 {
			t.Fatalf("%d notes right after the write of number %d", len(ids), i+1)
		}
	}
	close(stop)
	wg.Wait()
}

func TestStatementCacheIsBounded(t *testing.T) {
	db := open(t, store.Options{})
	err := db.Write(t.Context(), func(tx *store.Tx) error {
		for i := range 2000 {
			var n int
			if err := tx.QueryRow(fmt.Sprintf("SELECT COUNT(*) + %d FROM note", i)).Scan(&n); err != nil || n != i {
				return fmt.Errorf("query %d: %d %w", i, n, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestTwiceFindsAnOperationThatAccumulates(t *testing.T) {
	db := open(t, store.Options{Twice: true})
	var got []int
	if err := db.Write(t.Context(), func(tx *store.Tx) error {
		got = append(got, 1)
		return note(1, "x")(tx)
	}); err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 {
		t.Fatalf("the operation ran %d times", len(got))
	}
	if n := notes(t, db); !slices.Equal(n, []int{1}) {
		t.Fatalf("notes %v", n)
	}
	if err := db.Write(t.Context(), note(1, "x")); err == nil {
		t.Fatal("a duplicate was accepted")
	}
}

func TestFilesAreTheirOwnersOnly(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "deep", "data")
	db := open(t, store.Options{Dir: dir})
	if err := db.Write(t.Context(), note(1, "x")); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("directory: %v %v", info.Mode(), err)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) < 3 {
		t.Fatalf("files %v %v", files, err)
	}
	for _, f := range files {
		info, err := f.Info()
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", f.Name(), info.Mode(), err)
		}
	}
}

func TestOpenExplainsWhatIsWrong(t *testing.T) {
	garbage := t.TempDir()
	if err := os.WriteFile(filepath.Join(garbage, store.FileName), []byte(strings.Repeat("no database ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ dir, want string }{
		{garbage, "not a Kith database"},
		{file, "not a directory"},
		{"", "no directory was given"},
	} {
		db, err := store.Open(t.Context(), store.Options{Dir: c.dir})
		if err == nil {
			_ = db.Close()
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("Open(%q): %v, want %q in it", c.dir, err, c.want)
		}
	}
}

func TestPathsWithOddCharacters(t *testing.T) {
	for _, name := range []string{"with space", "quest?ion", "per%20cent", "ha#sh", "ümlaut", "a&b=c"} {
		dir := filepath.Join(t.TempDir(), name)
		db := open(t, store.Options{Dir: dir})
		if err := db.Write(t.Context(), note(1, "x")); err != nil {
			t.Errorf("%q: %v", name, err)
		}
		info, err := os.Stat(filepath.Join(dir, store.FileName))
		if err != nil || info.Size() == 0 {
			t.Errorf("%q: the database is elsewhere: %v", name, err)
		}
	}
}

func TestSettings(t *testing.T) {
	dir := t.TempDir()
	db := open(t, store.Options{Dir: dir})
	if _, ok, err := db.Setting(t.Context(), "domain"); ok || err != nil {
		t.Fatalf("an unset setting: %v %v", ok, err)
	}
	for _, v := range []string{"a.example", "b.example"} {
		if err := db.SetSetting(t.Context(), "domain", v); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	v, ok, err := open(t, store.Options{Dir: dir}).Setting(t.Context(), "domain")
	if v != "b.example" || !ok || err != nil {
		t.Fatalf("Setting: %q %v %v", v, ok, err)
	}
}
