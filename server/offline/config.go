package offline

import (
	"time"

	"kith/internal/config"
)

// Config is the section [offline] of the configuration file.
type Config struct {
	// MaxMessages and MaxBytes bound what may wait for an account while none of its devices is
	// connected. What comes beyond is sent back to who wrote it.
	MaxMessages int         `toml:"max_messages"`
	MaxBytes    config.Size `toml:"max_bytes"`
	// SaveEvery is how often it is noted what was delivered. After a crash, what was delivered since
	// comes once more.
	SaveEvery time.Duration `toml:"save_every"`
}

// DefaultConfig is what a server uses that is not told otherwise.
func DefaultConfig() Config {
	return Config{MaxMessages: 10_000, MaxBytes: 64 << 20, SaveEvery: 5 * time.Second}
}

// Validate says which options are out of their bounds, all of them.
func (c Config) Validate() error {
	check := config.NewCheck("offline")
	check.Number("max_messages", c.MaxMessages, 1, 1_000_000)
	check.Size("max_bytes", c.MaxBytes, 1<<20, 1<<40)
	check.Span("save_every", c.SaveEvery, 100*time.Millisecond, time.Hour)
	return check.Err()
}

const (
	// window and windowBytes bound what a session may have been sent from the archive without an
	// acknowledgement; it is less than what its stream may hold.
	window      = 128
	windowBytes = 2 << 20
	// batch is how many messages are read at once.
	batch = 64
	// retryAfter is when a read from the database that failed is tried again.
	retryAfter = 5 * time.Second
)
