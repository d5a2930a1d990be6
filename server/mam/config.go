package mam

import (
	"time"

	"kith/internal/config"
)

// Config is the section [archive] of the configuration file.
type Config struct {
	// Retention is how long messages stay in the archives after they were delivered; 0 keeps them
	// as long as their account exists. What no device has fetched yet stays in any case.
	Retention time.Duration `toml:"retention"`
	// Policy is which messages are archived unless the owner of the account decides otherwise:
	// "always", "never", or "roster" for those with contacts only.
	Policy Policy `toml:"policy"`
	// Page is how many messages a client gets at once that does not say how many it wants, and
	// MaxPage is how many it can ask for.
	Page    int `toml:"page"`
	MaxPage int `toml:"max_page"`
}

// DefaultConfig is what a server uses that is not told otherwise.
func DefaultConfig() Config {
	return Config{Retention: 30 * 24 * time.Hour, Policy: Always, Page: 50, MaxPage: 100}
}

// Validate says which options are out of their bounds, all of them.
func (c Config) Validate() error {
	check := config.NewCheck("archive")
	const day = 24 * time.Hour
	if c.Retention != 0 && (c.Retention < day || c.Retention > 36500*day) {
		check.Add("retention", "is %s; allowed are 1d to 36500d, and 0 for ever", c.Retention)
	}
	if _, err := parsePolicy(string(c.Policy)); err != nil {
		check.Add("policy", "%w", err)
	}
	check.Number("max_page", c.MaxPage, 10, 500)
	check.Number("page", c.Page, 10, c.MaxPage)
	return check.Err()
}

// maxPageBytes bounds a page whose messages are large.
const maxPageBytes = 4 << 20
