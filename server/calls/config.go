package calls

import (
	"net/netip"
	"time"

	"kith/internal/config"
)

// Config is the section [turn] of the configuration file: the server that helps calls through
// firewalls.
type Config struct {
	// ExternalIP is the public address of the machine, if it stands behind a router that translates
	// addresses. It is found out where it is not set.
	ExternalIP string `toml:"external_ip" example:"198.51.100.7"`
	// MinPort and MaxPort bound the UDP ports that relayed calls use. They must be open in the
	// firewall.
	MinPort int `toml:"min_port"`
	MaxPort int `toml:"max_port"`
	// Lifetime is how long the credentials are good that an app fetches for a call.
	Lifetime time.Duration `toml:"lifetime"`
	// PerAccount is how many calls and ways to try for a call one account may have open at a time.
	PerAccount int `toml:"per_account"`
	// AllowPrivate lets calls be relayed into private networks, the server's own above all. Whoever has
	// an account can then reach machines there.
	AllowPrivate bool `toml:"allow_private"`
}

// DefaultConfig is what a server uses that is not told otherwise.
func DefaultConfig() Config {
	return Config{MinPort: 49152, MaxPort: 65535, Lifetime: 12 * time.Hour, PerAccount: 20}
}

// Validate says which options are out of their bounds, all of them.
func (c Config) Validate() error {
	check := config.NewCheck("turn")
	if c.ExternalIP != "" {
		if _, err := netip.ParseAddr(c.ExternalIP); err != nil {
			check.Add("external_ip", "is %q; expected an IP address", c.ExternalIP)
		}
	}
	check.Number("min_port", c.MinPort, 1024, 65535)
	check.Number("max_port", c.MaxPort, c.MinPort, 65535)
	check.Span("lifetime", c.Lifetime, time.Minute, 7*24*time.Hour)
	check.Number("per_account", c.PerAccount, 2, 1000)
	return check.Err()
}
