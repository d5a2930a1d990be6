package mam

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"kith/internal/clock"
	"kith/internal/stanzaid"
)

// upkeepEvery is how often the archives are looked through, and upkeepPause how long the database
// has for others between two batches.
const (
	upkeepEvery = time.Hour
	upkeepPause = 20 * time.Millisecond
)

// Run deletes what is older than the retention and what removed archives leave behind, when the
// server starts and every hour, until ctx ends.
func (m *Archive) Run(ctx context.Context) {
	tick := m.clock.NewTicker(upkeepEvery)
	defer tick.Stop()
	for {
		err := m.expire(ctx, func() error { return clock.Sleep(ctx, m.clock, upkeepPause) })
		if err != nil && ctx.Err() == nil {
			m.log.LogAttrs(bg, slog.LevelError, "archive upkeep failed; it will be tried again", slog.Any("error", err))
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C():
		}
	}
}

// Expire does what Run does, once and without a pause.
func (m *Archive) Expire(ctx context.Context) error { return m.expire(ctx, ctx.Err) }

func (m *Archive) expire(ctx context.Context, pause func() error) error {
	var before stanzaid.Seq
	if m.config.Retention > 0 {
		before = stanzaid.First(m.clock.Now().Add(-m.config.Retention))
	}
	from := int64(1)
	for ctx.Err() == nil {
		next, deleted, err := m.store.Expire(ctx, from, before)
		if err != nil {
			return fmt.Errorf("mam: expire: %w", err)
		}
		m.counters.Expired.Add(uint64(deleted)) //nolint:gosec // not negative
		if next == 0 {
			return nil
		}
		from = next
		if deleted > 0 {
			if err := pause(); err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

// Purge deletes the archive of a local account that was removed. Doing it twice is as good as once.
func (m *Archive) Purge(ctx context.Context, local string) error {
	if err := m.store.Remove(ctx, local+"@"+m.domain); err != nil {
		return fmt.Errorf("mam: purge: %w", err)
	}
	return nil
}
