package auth

import (
	"time"

	"kith/internal/config"
	"kith/internal/sasl"
)

// Config is the section [accounts] of the configuration file.
type Config struct {
	// Iterations of PBKDF2 for new passwords. More make a stolen password database harder to
	// search, and every login without a token slower: a client computes them, on a phone too.
	// Existing passwords keep theirs until they are changed, or the client upgrades them
	// (XEP-0480); until then, these accounts can be told from names that do not exist.
	Iterations int `toml:"iterations"`
	// Hashes for which passwords are kept and SCRAM is offered, strongest first: "SHA-512",
	// "SHA-256", "SHA-1". Without SHA-1, some older apps cannot log in.
	Hashes []sasl.Hash `toml:"scram_hashes"`
	// PlainPasswords lets clients that know no SCRAM send their password through TLS (PLAIN).
	// Leave it off unless such a client must be served in a closed network.
	PlainPasswords bool `toml:"plain_passwords"`
	// DowngradeProtection sends the hash of XEP-0474, by which a client notices that someone
	// removed mechanisms from the list it saw. A few old web clients cannot log in with it.
	DowngradeProtection bool `toml:"downgrade_protection"`

	// MinPassword is the fewest characters of a password that this server gets to see. (The web
	// app checks by itself: it sends no password.)
	MinPassword int `toml:"min_password"`
	// MaxName is the most characters of a new account's name.
	MaxName int `toml:"max_name"`
	// ReservedNames cannot be chosen by who registers. An operator and whoever holds an
	// administrator's invite can take them.
	ReservedNames []string `toml:"reserved_names"`

	// TokenLife is how long a device stays signed in without being used.
	TokenLife time.Duration `toml:"token_life"`
	// TokenRotation is the age from which on a token is replaced when it is used.
	TokenRotation time.Duration `toml:"token_rotation"`
	// DeviceRetention is how long a device that holds no token is remembered after its last login.
	DeviceRetention time.Duration `toml:"device_retention"`
	// MaxDevices of an account; the one unused for longest gives way.
	MaxDevices int `toml:"max_devices"`

	// RemovalGrace is how long an account that its owner removed can be restored.
	RemovalGrace time.Duration `toml:"removal_grace"`
	// NameRest is how long the name of a removed account stays free, so that nobody gets the
	// messages that are still meant for its former owner. An operator can give it away earlier.
	NameRest time.Duration `toml:"name_rest"`

	Invites  InviteConfig   `toml:"invites"`
	Throttle ThrottleConfig `toml:"throttle"`
}

// InviteConfig is the section [accounts.invites].
type InviteConfig struct {
	// Members may invite new people; otherwise only administrators may.
	Members bool `toml:"members"`
	// MemberUses is how often an invite of a member may be used.
	MemberUses int `toml:"member_uses"`
	// MemberOpen is how many open invites a member may have.
	MemberOpen int `toml:"member_open"`
	// Life of an invite unless it is said otherwise, and MaxLife at most.
	Life    time.Duration `toml:"life"`
	MaxLife time.Duration `toml:"max_life"`
}

// ThrottleConfig is the section [accounts.throttle]. Whoever guesses passwords has to wait longer
// and longer. An account is never locked (XEP-0205 section 3).
type ThrottleConfig struct {
	// Tries of one address at one account that are free.
	Tries int `toml:"tries"`
	// AddressTries are the tries of one address, at whatever accounts, that are free.
	AddressTries int `toml:"address_tries"`
	// AccountTries are the tries at one account, from whatever addresses, after which answers
	// to addresses that have not logged in there lately are slowed down.
	AccountTries int `toml:"account_tries"`
	// Wait after the first try too many; it doubles with each further one up to MaxWait.
	Wait    time.Duration `toml:"wait"`
	MaxWait time.Duration `toml:"max_wait"`
	// Forget is the time after which half of the tries are forgotten.
	Forget time.Duration `toml:"forget"`
	// Remember is how many addresses and accounts are remembered at the same time.
	Remember int `toml:"remember"`
}

// DefaultConfig is what a server uses that is not told otherwise.
func DefaultConfig() Config {
	const day = 24 * time.Hour
	return Config{
		Iterations:          10_000,
		Hashes:              sasl.Hashes(),
		DowngradeProtection: true,
		MinPassword:         8,
		MaxName:             64,
		ReservedNames: []string{
			"abuse", "admin", "administrator", "announce", "anonymous", "everyone", "help", "hostmaster", "info",
			"kith", "mailer-daemon", "moderator", "noreply", "no-reply", "nobody", "official", "operator",
			"postmaster", "root", "security", "server", "service", "staff", "support", "system", "webmaster", "xmpp",
		},
		TokenLife:       30 * day,
		TokenRotation:   day,
		DeviceRetention: 90 * day,
		MaxDevices:      50,
		RemovalGrace:    7 * day,
		NameRest:        60 * day,
		Invites: InviteConfig{
			Members: true, MemberUses: 10, MemberOpen: 50, Life: 7 * day, MaxLife: 365 * day,
		},
		Throttle: ThrottleConfig{
			Tries: 5, AddressTries: 20, AccountTries: 100,
			Wait: time.Second, MaxWait: 5 * time.Minute, Forget: time.Hour, Remember: 16384,
		},
	}
}

// Validate says which options are out of their bounds, all of them.
func (c Config) Validate() error {
	check := config.NewCheck("accounts")
	const day, year = 24 * time.Hour, 365 * 24 * time.Hour
	check.Number("iterations", c.Iterations, sasl.MinIterations, sasl.MaxIterations)
	if len(c.Hashes) == 0 {
		check.Add("scram_hashes", `is empty; allowed are "SHA-512", "SHA-256" and "SHA-1"`)
	}
	seen := map[sasl.Hash]bool{}
	for _, h := range c.Hashes {
		switch {
		case !h.Valid():
			check.Add("scram_hashes", `has %q; allowed are "SHA-512", "SHA-256" and "SHA-1"`, h)
		case seen[h]:
			check.Add("scram_hashes", "has %q twice", h)
		}
		seen[h] = true
	}
	check.Number("min_password", c.MinPassword, 8, 128)
	check.Number("max_name", c.MaxName, 1, 255)
	check.Span("token_life", c.TokenLife, time.Hour, year)
	check.Span("token_rotation", c.TokenRotation, time.Minute, c.TokenLife)
	check.Span("device_retention", c.DeviceRetention, 0, 10*year)
	check.Number("max_devices", c.MaxDevices, 1, 1000)
	check.Span("removal_grace", c.RemovalGrace, 0, year)
	check.Span("name_rest", c.NameRest, 0, 10*year)
	check.Number("invites.member_uses", c.Invites.MemberUses, 1, 1000)
	check.Number("invites.member_open", c.Invites.MemberOpen, 1, 10_000)
	check.Span("invites.max_life", c.Invites.MaxLife, time.Hour, 10*year)
	check.Span("invites.life", c.Invites.Life, time.Minute, c.Invites.MaxLife)
	check.Number("throttle.tries", c.Throttle.Tries, 1, 1000)
	check.Number("throttle.address_tries", c.Throttle.AddressTries, c.Throttle.Tries, 100_000)
	check.Number("throttle.account_tries", c.Throttle.AccountTries, c.Throttle.Tries, 100_000)
	check.Span("throttle.wait", c.Throttle.Wait, time.Millisecond, time.Hour)
	check.Span("throttle.max_wait", c.Throttle.MaxWait, c.Throttle.Wait, day)
	check.Span("throttle.forget", c.Throttle.Forget, time.Second, day)
	check.Number("throttle.remember", c.Throttle.Remember, 1000, 10_000_000)
	return check.Err()
}
