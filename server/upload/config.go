package upload

import (
	"time"

	"kith/internal/config"
)

// Config is the section [upload] of the configuration file.
type Config struct {
	// MaxSize is how large one file may be. What encryption adds to it comes on top.
	MaxSize config.Size `toml:"max_size"`
	// Quota is how much one account may keep at a time.
	Quota config.Size `toml:"quota"`
	// Retention is how long files stay that were sent in messages; 0 keeps them as long as the
	// account of their sender exists. It should not be shorter than that of the archive.
	Retention time.Duration `toml:"retention"`
	// MinFree is how much of the disk files leave to everything else: when less is free, files are
	// refused, and messages still go through.
	MinFree config.Size `toml:"min_free"`
	// Subdomain of the address at which apps ask for the service; it needs no DNS record.
	Subdomain string `toml:"subdomain"`
}

// tag is what AES-GCM adds to a file (XEP-0454 section 3).
const tag = 16

// DefaultConfig is what a server uses that is not told otherwise.
func DefaultConfig() Config {
	return Config{MaxSize: 100 << 20, Quota: 5 << 30, Retention: 30 * 24 * time.Hour, MinFree: 1 << 30, Subdomain: "upload"}
}

// Validate says which options are out of their bounds, all of them.
func (c Config) Validate() error {
	check := config.NewCheck("upload")
	const day = 24 * time.Hour
	check.Size("max_size", c.MaxSize, 1<<10, 100<<30)
	check.Size("quota", c.Quota, c.MaxSize+tag, 1<<50)
	if c.Retention != 0 && (c.Retention < day || c.Retention > 36500*day) {
		check.Add("retention", "is %s; allowed are 1d to 36500d, and 0 for ever", c.Retention)
	}
	check.Size("min_free", c.MinFree, 0, 1<<50)
	check.Label("subdomain", c.Subdomain)
	return check.Err()
}
