package listen

import (
	"kith/internal/config"
)

// Config is the section [connections] of the configuration file. Connections beyond these limits
// are closed as soon as they are made, and counted.
type Config struct {
	// Max is how many connections there may be in all, from browsers and apps together.
	Max int `toml:"max"`
	// MaxPerAddress is how many connections one IP address may have, or one /64 network of IPv6. A
	// household shares one address, and a browser opens several connections. Connections from
	// this machine are not limited: they come from a web server in front of Kith.
	MaxPerAddress int `toml:"max_per_address"`
}

// DefaultConfig is what a server uses that is not told otherwise.
func DefaultConfig() Config { return Config{Max: 20_000, MaxPerAddress: 256} }

// Validate says which options are out of their bounds, all of them.
func (c Config) Validate() error {
	check := config.NewCheck("connections")
	check.Number("max", c.Max, 10, 10_000_000)
	check.Number("max_per_address", c.MaxPerAddress, 10, 10_000_000)
	return check.Err()
}
