package archivetest

import (
	"context"
	"log/slog"
	"testing"

	"kith/internal/clock"
)

// lateClock is the clock of the house, which exists after the features.
type lateClock struct{ *clock.Fake }

// testLog makes an error in the log one of the test.
type testLog struct{ t testing.TB }

func (testLog) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelError }

func (l testLog) Handle(_ context.Context, r slog.Record) error {
	text := r.Message
	r.Attrs(func(a slog.Attr) bool {
		text += " " + a.String()
		return true
	})
	l.t.Errorf("logged: %s", text)
	return nil
}

func (l testLog) WithAttrs([]slog.Attr) slog.Handler { return l }

func (l testLog) WithGroup(string) slog.Handler { return l }
