package muc

import (
	"errors"
	"fmt"
	"time"

	"kith/internal/jid"
)

// Config is the section [groups] of the configuration file: group chats.
type Config struct {
	// Subdomain is the name under the domain at which rooms live. It needs a DNS record only if
	// people of other servers shall join.
	Subdomain string `toml:"subdomain"`
	// Create says who may make rooms: "accounts" or "admins". People of other servers cannot.
	Create Creators `toml:"create"`
	// NewRooms says what a room is like whose maker does not choose: "private" (hidden, for its
	// members only, everybody's address known to all) or "public" (listed, open to everybody,
	// addresses known to its moderators only). Either way it stays until somebody removes it.
	NewRooms Profile `toml:"new_rooms"`
	// List says who gets the list of public rooms: "accounts" or "everyone".
	List Audience `toml:"list"`

	// MaxRooms is how many rooms one account may own.
	MaxRooms int `toml:"max_rooms"`
	// MaxOccupants is how many may be in a room at the same time, devices counted one by one. The
	// owners of a room may set a lower limit.
	MaxOccupants int `toml:"max_occupants"`
	// MaxMembers is how many people, those who were banned included, a room may list.
	MaxMembers int `toml:"max_members"`
	// MaxNick is the most characters of a nickname.
	MaxNick int `toml:"max_nick"`
	// MaxAvatar is the largest picture of a room, as it is sent.
	MaxAvatar int `toml:"max_avatar"`

	// History is how many messages who joins a room gets without asking, MaxHistory how many at
	// most. Clients that read the archive of a room need neither.
	History    int `toml:"history"`
	MaxHistory int `toml:"max_history"`
	// Page is how many messages of the archive a client gets at once that does not say how many it
	// wants, MaxPage how many it gets at most.
	Page    int `toml:"page"`
	MaxPage int `toml:"max_page"`

	// ConfigureTime is how long a new room waits for its maker to configure it. Then it is made as
	// NewRooms says.
	ConfigureTime time.Duration `toml:"configure_time"`
	// IdleTime is how long a room in which nobody is stays in memory.
	IdleTime time.Duration `toml:"idle_time"`
	// TemporaryTime is how long a room that is to go with its last occupant waits, after a restart
	// of the server, for the first one to come back.
	TemporaryTime time.Duration `toml:"temporary_time"`
	// Mailbox is how many stanzas may wait for one room. One that finds it full is sent back.
	Mailbox int `toml:"mailbox"`
}

// Creators says who may make rooms.
type Creators string

// Who may make rooms.
const (
	CreateAccounts Creators = "accounts"
	CreateAdmins   Creators = "admins"
)

// Profile is what a room is like whose maker does not choose.
type Profile string

// Profiles.
const (
	Private Profile = "private"
	Public  Profile = "public"
)

// Audience says who gets the list of rooms.
type Audience string

// Audiences.
const (
	ForAccounts Audience = "accounts"
	ForEveryone Audience = "everyone"
)

// UnmarshalText reads it from the configuration.
func (c *Creators) UnmarshalText(text []byte) error {
	return choose(c, text, CreateAccounts, CreateAdmins)
}

// UnmarshalText reads it from the configuration.
func (p *Profile) UnmarshalText(text []byte) error { return choose(p, text, Private, Public) }

// UnmarshalText reads it from the configuration.
func (a *Audience) UnmarshalText(text []byte) error {
	return choose(a, text, ForAccounts, ForEveryone)
}

func choose[T ~string](v *T, text []byte, a, b T) error {
	switch T(text) {
	case a, b:
		*v = T(text)
		return nil
	}
	return fmt.Errorf("%q is not one of %s, %s", text, a, b)
}

// DefaultConfig is what a server uses that is not told otherwise.
func DefaultConfig() Config {
	return Config{
		Subdomain: "groups", Create: CreateAccounts, NewRooms: Private, List: ForAccounts,
		MaxRooms: 200, MaxOccupants: 1000, MaxMembers: 5000, MaxNick: 64, MaxAvatar: 192 << 10,
		History: 20, MaxHistory: 100, Page: 50, MaxPage: 100,
		ConfigureTime: 5 * time.Minute, IdleTime: 10 * time.Minute, TemporaryTime: time.Hour, Mailbox: 4096,
	}
}

// Validate says which options are out of their bounds, all of them.
func (c Config) Validate() error {
	var errs []error
	number := func(name string, v, lo, hi int) {
		if v < lo || v > hi {
			errs = append(errs, fmt.Errorf("groups.%s is %d; allowed are %d to %d", name, v, lo, hi))
		}
	}
	span := func(name string, v, lo, hi time.Duration) {
		if v < lo || v > hi {
			errs = append(errs, fmt.Errorf("groups.%s is %s; allowed are %s to %s", name, v, lo, hi))
		}
	}
	if j, err := jid.New("", c.Subdomain+".example.org", ""); c.Subdomain == "" || err != nil || j.String() != c.Subdomain+".example.org" {
		errs = append(errs, fmt.Errorf("groups.subdomain is %q; allowed is a host name in lower case", c.Subdomain))
	}
	number("max_rooms", c.MaxRooms, 0, 1_000_000)
	number("max_occupants", c.MaxOccupants, 2, 20_000)
	number("max_members", c.MaxMembers, 2, 100_000)
	number("max_nick", c.MaxNick, 8, 1023)
	number("max_avatar", c.MaxAvatar, 0, 4<<20)
	number("max_history", c.MaxHistory, 0, 1000)
	number("history", c.History, 0, max(c.MaxHistory, 0))
	number("max_page", c.MaxPage, 10, 1000)
	number("page", c.Page, 1, max(c.MaxPage, 1))
	span("configure_time", c.ConfigureTime, 10*time.Second, 24*time.Hour)
	span("idle_time", c.IdleTime, time.Second, 7*24*time.Hour)
	span("temporary_time", c.TemporaryTime, time.Minute, 30*24*time.Hour)
	number("mailbox", c.Mailbox, 64, 1<<20)
	return errors.Join(errs...)
}
