package store_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"kith/server/store"
)

// A message archive in miniature: one row of 1.5 kB and two of an index, as each message
// that is delivered will cost.
func benchDB(b *testing.B) *store.DB {
	b.Helper()
	db, err := store.Open(context.Background(), store.Options{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := db.Close(); err != nil {
			b.Error(err)
		}
	})
	err = db.Write(b.Context(), func(tx *store.Tx) error {
		for _, text := range []string{
			"CREATE TABLE bench_message (id INTEGER PRIMARY KEY, sent BIGINT NOT NULL, stanza BLOB NOT NULL)",
			"CREATE TABLE bench_entry (owner BIGINT NOT NULL, id BIGINT NOT NULL, peer BIGINT NOT NULL, message BIGINT NOT NULL, PRIMARY KEY (owner, id)) WITHOUT ROWID",
			"CREATE INDEX bench_peer ON bench_entry (owner, peer, id)",
		} {
			if _, err := tx.Exec(text); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return db
}

var stanza = func() []byte {
	s := make([]byte, 1500)
	for i := range s {
		s[i] = byte(rand.IntN(256))
	}
	return s
}()

func archive(id int64) func(*store.Tx) error {
	return func(tx *store.Tx) error {
		if _, err := tx.Exec("INSERT INTO bench_message (id, sent, stanza) VALUES ($1, $2, $3)", id, id, stanza); err != nil {
			return err
		}
		for owner := range int64(2) {
			if _, err := tx.Exec("INSERT INTO bench_entry (owner, id, peer, message) VALUES ($1, $2, $3, $4)",
				owner, id, 1-owner, id); err != nil {
				return err
			}
		}
		return nil
	}
}

// cpu is what the process has used, in user and kernel: it says more than the clock on a
// machine that others use too.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// Each operation is one archived message; each of the writers waits for its own.
func BenchmarkWrite(b *testing.B) {
	for _, writers := range []int{1, 16, 256} {
		b.Run(fmt.Sprint(writers), func(b *testing.B) {
			db := benchDB(b)
			before := db.Counters().Commits.Load()
			busy := cpu()
			var wg sync.WaitGroup
			b.ReportAllocs()
			b.ResetTimer()
			for w := range writers {
				wg.Go(func() {
					for n := w; n < b.N; n += writers {
						if err := db.Write(context.Background(), archive(int64(n))); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
			b.StopTimer()
			b.ReportMetric(float64((cpu()-busy).Microseconds())/float64(b.N), "cpu-µs/op")
			b.ReportMetric(float64(b.N)/float64(db.Counters().Commits.Load()-before), "ops/commit")
		})
	}
}

// The way of an actor: nobody waits, and at most 256 operations are under way.
func BenchmarkEnqueue(b *testing.B) {
	db := benchDB(b)
	before := db.Counters().Commits.Load()
	under := make(chan struct{}, 256)
	busy := cpu()
	b.ReportAllocs()
	b.ResetTimer()
	for n := range b.N {
		under <- struct{}{}
		db.Enqueue(archive(int64(n)), func(err error) {
			if err != nil {
				b.Error(err)
			}
			<-under
		})
	}
	for range cap(under) {
		under <- struct{}{}
	}
	b.StopTimer()
	b.ReportMetric(float64((cpu()-busy).Microseconds())/float64(b.N), "cpu-µs/op")
	b.ReportMetric(float64(b.N)/float64(db.Counters().Commits.Load()-before), "ops/commit")
}

// How long one waits at a steady 200 messages a second.
func BenchmarkWriteLatencyAt200PerSecond(b *testing.B) {
	db := benchDB(b)
	var (
		mu   sync.Mutex
		took []time.Duration
		wg   sync.WaitGroup
	)
	busy := cpu()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	b.ResetTimer()
	for n := range b.N {
		<-tick.C
		wg.Add(1)
		begin := time.Now()
		db.Enqueue(archive(int64(n)), func(err error) {
			if err != nil {
				b.Error(err)
			}
			mu.Lock()
			took = append(took, time.Since(begin))
			mu.Unlock()
			wg.Done()
		})
	}
	wg.Wait()
	b.StopTimer()
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
	b.ReportMetric(float64((cpu()-busy).Microseconds())/float64(b.N), "cpu-µs/op")
	b.ReportMetric(float64(took[len(took)-1].Microseconds()), "max-µs")
}

// A page of 50 out of 20,000.
func BenchmarkReadPage(b *testing.B) {
	db := benchDB(b)
	err := db.Write(b.Context(), func(tx *store.Tx) error {
		for id := range int64(20_000) {
			if err := archive(id)(tx); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.ResetTimer()
	for n := range b.N {
		from := int64(n*997) % 19_000
		rows := 0
		err := db.Read(context.Background(), func(c *store.Conn) error {
			r, err := c.Query(`SELECT e.id, m.sent, m.stanza FROM bench_entry e JOIN bench_message m ON m.id = e.message
				WHERE e.owner = $1 AND e.id > $2 ORDER BY e.id LIMIT 50`, 1, from)
			if err != nil {
				return err
			}
			defer r.Close()
			for r.Next() {
				var id, sent int64
				var s []byte
				if err := r.Scan(&id, &sent, &s); err != nil {
					return err
				}
				rows++
			}
			return r.Err()
		})
		if err != nil || rows != 50 {
			b.Fatal(rows, err)
		}
	}
}
