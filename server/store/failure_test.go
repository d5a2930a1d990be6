package store_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"kith/server/store"
)

// A disk that is full fails everything that shares the transaction, says so, keeps what was
// saved before, and does its work again when there is space.
func TestFullDatabaseRecovers(t *testing.T) {
	db := open(t, store.Options{})
	if err := db.Write(t.Context(), note(1, "kept")); err != nil {
		t.Fatal(err)
	}
	limit := func(pages int) {
		t.Helper()
		if err := db.Write(t.Context(), func(tx *store.Tx) error {
			return tx.QueryRow(fmt.Sprintf("PRAGMA max_page_count = %d", pages)).Scan(new(int))
		}); err != nil {
			t.Fatal(err)
		}
	}
	limit(1) // SQLite takes the size that it has already
	big := strings.Repeat("x", 100_000)
	release := hold(t, db)
	var (
		wg   sync.WaitGroup
		errs [3]error
	)
	for i, op := range []func(*store.Tx) error{note(2, "small"), note(3, big), note(4, "small")} {
		wg.Add(1)
		db.Enqueue(op, func(err error) { errs[i] = err; wg.Done() })
	}
	release()
	wg.Wait()
	if !errors.Is(errs[1], store.ErrNotSaved) || !strings.Contains(errs[1].Error(), "disk is full") {
		t.Errorf("the operation that did not fit: %v", errs[1])
	}
	want := []int{1}
	for i, err := range errs {
		switch {
		case err == nil:
			want = append(want, i+2)
		case !errors.Is(err, store.ErrNotSaved):
			t.Errorf("operation %d: %v", i, err)
		}
	}
	if got := notes(t, db); !slices.Equal(got, want) {
		t.Errorf("notes %v, acknowledged were %v", got, want)
	}
	limit(1_000_000)
	if err := db.Write(t.Context(), note(5, big)); err != nil {
		t.Errorf("with space again: %v", err)
	}
}

// The same on a real file system that is full.
func TestFullDiskRecovers(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("kith-test", dir, "tmpfs", 0, "size=8m"); err != nil {
		t.Skipf("no tmpfs can be mounted here: %v", err)
	}
	// Registered before the database, so that it runs after the database is closed.
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	db := open(t, store.Options{Dir: dir})
	filler := dir + "/filler"
	if err := os.WriteFile(filler, bytes.Repeat([]byte{1}, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	text := strings.Repeat("x", 1000)
	var acked []int
	var failure error
	for id := 0; id < 10_000 && failure == nil; id++ {
		if failure = db.Write(t.Context(), note(id, text)); failure == nil {
			acked = append(acked, id)
		}
	}
	if !errors.Is(failure, store.ErrNotSaved) || !strings.Contains(failure.Error(), "disk") {
		t.Fatalf("a full disk: %v", failure)
	}
	if got := notes(t, db); !slices.Equal(got, acked) {
		t.Fatalf("%d notes, %d acknowledged", len(got), len(acked))
	}
	if db.Counters().Failed.Load() == 0 {
		t.Error("the failure was not counted")
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	if err := db.Write(t.Context(), note(20_000, text)); err != nil {
		t.Fatalf("with space again: %v", err)
	}
	if got := notes(t, db); !slices.Equal(got, append(acked, 20_000)) {
		t.Fatalf("%d notes after the disk had space again", len(got))
	}
}

const crashDir = "KITH_STORE_CRASH_DIR"

// TestCrashChild is the process that the next test kills. Four writers each write a pair of
// notes in an operation, and print the number once it is acknowledged.
func TestCrashChild(t *testing.T) {
	dir := os.Getenv(crashDir)
	if dir == "" {
		t.Skip("only in the process that TestAcknowledgedSurvivesKill starts")
	}
	db, err := store.Open(t.Context(), store.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	var (
		wg  sync.WaitGroup
		out sync.Mutex
	)
	first := os.Getpid() * 1_000_000
	for w := range 4 {
		wg.Go(func() {
			for n := first + w; ; n += 4 {
				err := db.Write(t.Context(), func(tx *store.Tx) error {
					if err := note(2*n, "a")(tx); err != nil {
						return err
					}
					return note(2*n+1, "b")(tx)
				})
				if err != nil {
					t.Error(err)
					return
				}
				out.Lock()
				fmt.Println("ack", n) //nolint:forbidigo // to the parent
				out.Unlock()
			}
		})
	}
	wg.Wait()
}

// kill -9 in the middle of writing: what was acknowledged is there, and nothing is there by
// halves.
func TestAcknowledgedSurvivesKill(t *testing.T) {
	if testing.Short() {
		t.Skip("starts and kills processes")
	}
	dir := t.TempDir()
	if err := open(t, store.Options{Dir: dir}).Close(); err != nil {
		t.Fatal(err)
	}
	acked := map[int]bool{}
	for range 5 {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestCrashChild$", "-test.v")
		cmd.Env = append(os.Environ(), crashDir+"="+dir)
		stdout, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(stdout)
		killAt := 20 + rand.IntN(200)
		for n := 0; lines.Scan(); {
			var id int
			if _, err := fmt.Sscanf(lines.Text(), "ack %d", &id); err != nil {
				continue
			}
			acked[id] = true
			if n++; n == killAt {
				// At any point of a commit, not always right after one.
				time.AfterFunc(time.Duration(rand.IntN(3000))*time.Microsecond, func() { _ = cmd.Process.Kill() })
			}
		}
		err = cmd.Wait()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
			t.Fatalf("the child ended by itself: %v\n%s", err, stderr.String())
		}
	}
	ids := notes(t, open(t, store.Options{Dir: dir}))
	there := make(map[int]bool, len(ids))
	for _, id := range ids {
		there[id] = true
	}
	for n := range acked {
		if !there[2*n] || !there[2*n+1] {
			t.Errorf("operation %d was acknowledged, and is lost", n)
		}
	}
	for _, id := range ids {
		if !there[id^1] {
			t.Errorf("half of operation %d is there", id/2)
		}
	}
	if len(acked) < 100 {
		t.Errorf("only %d operations were acknowledged", len(acked))
	}
}
