package calls

import (
	"errors"
	"fmt"
	"net/netip"
	"time"
)

// Config of the STUN and TURN server.
type Config struct {
	// ExternalIP is the address at which the relay is reached from outside, where that is not an
	// address of this machine (behind NAT). Empty: found out.
	ExternalIP string `toml:"external_ip" doc:"Public IP address of the relay, if this machine is behind NAT. Empty: found out."`
	// MinPort and MaxPort bound the UDP ports of relayed calls.
	MinPort uint16 `toml:"min_port" doc:"First UDP port for relayed calls."`
	MaxPort uint16 `toml:"max_port" doc:"Last UDP port for relayed calls."`
	// Lifetime of the credentials that a client is given.
	Lifetime time.Duration `toml:"lifetime" doc:"How long the relay's credentials, which clients fetch for a call, are valid."`
	// PerAccount bounds the relay addresses that one account holds at a time.
	PerAccount int `toml:"per_account" doc:"How many relay addresses one account may hold at the same time."`
	// AllowPrivate lets calls be relayed to private addresses: to people in the server's own network.
	AllowPrivate bool `toml:"allow_private" doc:"Relay to private network addresses too. Whoever has an account can then reach them through the relay."`
}

// DefaultConfig is what a server uses that is not told otherwise.
func DefaultConfig() Config {
	return Config{MinPort: 49152, MaxPort: 65535, Lifetime: 12 * time.Hour, PerAccount: 20}
}

// Validate names the first option that cannot be used.
func (c *Config) Validate() error {
	if c.ExternalIP != "" {
		if _, err := netip.ParseAddr(c.ExternalIP); err != nil {
			return fmt.Errorf("external_ip: %q is not an IP address", c.ExternalIP)
		}
	}
	switch {
	case c.MinPort < 1024 || c.MaxPort < c.MinPort:
		return fmt.Errorf("min_port and max_port: %d to %d is not a range of ports from 1024 on", c.MinPort, c.MaxPort)
	case c.Lifetime < time.Minute:
		return errors.New("lifetime: must be a minute or longer")
	case c.PerAccount < 1:
		return errors.New("per_account: must be 1 or more")
	}
	return nil
}
