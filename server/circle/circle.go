// Package circle keeps circles: groups of people, made by an administrator, who are contacts of each
// other without having asked, and who share a room.
//
// A circle is what the database says. What follows from it (rosters, the room and who belongs to it,
// bookmarks) is brought about afterwards by one goroutine, and noted as done; an interruption leaves
// nothing half done. A command line that runs while the server does not only writes the notes.
package circle

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"kith/internal/clock"
	"kith/internal/config"
	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/server/module"
)

// Errors that callers tell apart with errors.Is.
var (
	// ErrNotFound: there is no such circle.
	ErrNotFound = errors.New("circle: not found")
	// ErrExists: there is a circle of this name.
	ErrExists = errors.New("circle: exists")
	// ErrName: the name cannot be that of a circle.
	ErrName = errors.New("circle: name cannot be used")
	// ErrNoAccount: there is no such account.
	ErrNoAccount = errors.New("circle: no such account")
	// ErrNotMember: the account is not in the circle.
	ErrNotMember = errors.New("circle: not a member")
	// ErrFull: there are too many circles, or too many in the circle.
	ErrFull = errors.New("circle: full")
)

// Config is the section [circles] of the configuration file.
type Config struct {
	// MaxCircles is how many circles there may be.
	MaxCircles int `toml:"max_circles"`
	// MaxMembers is how many people may be in one circle. Each is in the contact list of all others.
	MaxMembers int `toml:"max_members"`
}

// Validate says which options are out of their bounds, all of them.
func (c Config) Validate() error {
	check := config.NewCheck("circles")
	check.Number("max_circles", c.MaxCircles, 0, 10_000)
	check.Number("max_members", c.MaxMembers, 2, 1000)
	return check.Err()
}

// DefaultConfig is what a server uses that is not told otherwise.
func DefaultConfig() Config { return Config{MaxCircles: 200, MaxMembers: 200} }

// maxName bounds the name of a circle, in characters.
const maxName = 60

// Accounts tells who has an account.
type Accounts interface {
	// Exists reports whether there is an account that is not removed.
	Exists(ctx context.Context, local string) (bool, error)
}

// Person is somebody with what others call them, "" if that is not known.
type Person struct {
	JID  jid.JID
	Name string
}

// Effects is what follows from circles. Its methods are called from a goroutine that may wait; done
// again, they do no harm.
type Effects interface {
	// Tie makes one and others contacts of each other, in this group.
	Tie(ctx context.Context, one Person, others []Person, group string) error
	// Regroup puts those of others whom one has in the group from into the group to. With keep they
	// stay in the other one as well, which has a reason of its own.
	Regroup(ctx context.Context, one jid.JID, others []Regrouping, from, to string) error
	// Untie undoes that. last are those of others with whom one is in no circle any longer.
	Untie(ctx context.Context, one jid.JID, others, last []jid.JID, group string) error
	// Room makes sure that there is a private room with this localpart, name and members and no others.
	Room(ctx context.Context, room, name string, members []jid.JID) error
	// RemoveRoom makes sure that there is no such room.
	RemoveRoom(ctx context.Context, room, reason string) error
	// Bookmark lets the clients of an account enter a room by themselves, and Unbookmark no longer.
	Bookmark(ctx context.Context, account, room, name string) error
	// Retitle gives a bookmark another name if it has the name from.
	Retitle(ctx context.Context, account, room, from, to string) error
	Unbookmark(ctx context.Context, account, room string) error
	// Name is what an account calls itself, "" if it does not say.
	Name(ctx context.Context, account string) string
}

// Regrouping is somebody who is to be in another group. Keep: and in the old one too.
type Regrouping struct {
	JID  jid.JID
	Keep bool
}

// Service is the feature.
type Service struct {
	domain   string
	rooms    jid.JID
	store    Store
	accounts Accounts
	effects  Effects
	admin    func(jid.JID) bool
	clock    clock.Clock
	log      *slog.Logger
	config   Config
	kick     chan struct{}

	working  sync.Mutex // held while effects are brought about
	changing sync.Mutex // held while the database changes, so that memory follows in the same order
	mu       sync.RWMutex
	circles  []Circle // guarded by mu, and replaced as a whole
}

// Options are what a service needs.
type Options struct {
	// Domain of the accounts.
	Domain string
	// Rooms is the address at which rooms live; zero where nothing is brought about.
	Rooms    jid.JID
	Store    Store
	Accounts Accounts
	// Admin reports whether somebody, a bare JID, may change circles by commands; nil for nobody.
	Admin  func(jid.JID) bool
	Clock  clock.Clock
	Log    *slog.Logger
	Config Config
}

// New makes the service.
func New(ctx context.Context, o Options) (*Service, error) {
	s := &Service{
		domain: o.Domain, rooms: o.Rooms, store: o.Store, accounts: o.Accounts, admin: o.Admin, clock: o.Clock, log: o.Log,
		config: o.Config, kick: make(chan struct{}, 1),
	}
	return s, s.reload(ctx)
}

// Connect gives the service what follows from circles, which is made after it. Without, what is to be
// done stays noted in the database.
func (s *Service) Connect(e Effects) { s.effects = e }

var _ module.Module = (*Service)(nil)

// Register implements [module.Module].
func (s *Service) Register(r *module.Registry) {
	r.Disco(module.OnAccount, ns.KithCircle)
	r.HandleIQ(module.OnOwn, stanza.Get, ns.KithCircle, "circles", s.describe)
	s.registerCommands(r)
}

func (s *Service) reload(ctx context.Context) error {
	all, err := s.store.Circles(ctx)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.circles = all
	return nil
}

func (s *Service) snapshot() []Circle {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.circles
}

// change runs a change of the database, lets memory follow, and sees to it that it takes effect.
func (s *Service) change(ctx context.Context, f func() error) error {
	s.changing.Lock()
	defer s.changing.Unlock()
	if err := f(); err != nil {
		return err
	}
	if err := s.reload(ctx); err != nil {
		return err
	}
	s.wake()
	return nil
}

// List are the circles with those who belong to them now, by name.
func (s *Service) List() []Circle {
	var out []Circle
	for _, c := range s.snapshot() {
		if c.Removed {
			continue
		}
		c.Members = slices.DeleteFunc(slices.Clone(c.Members), func(m Member) bool { return m.State == Leaving })
		out = append(out, c)
	}
	return out
}

// Find is the circle with this id or this name, however it is capitalised; [ErrNotFound] if there is none.
func (s *Service) Find(name string) (Circle, error) {
	name = strings.TrimSpace(name)
	for _, c := range s.snapshot() {
		if !c.Removed && (c.ID == name || strings.EqualFold(c.Name, name)) {
			return c, nil
		}
	}
	return Circle{}, ErrNotFound
}

// Add makes a circle. Errors: [ErrName], [ErrExists], [ErrFull].
func (s *Service) Add(ctx context.Context, name string) (Circle, error) {
	name, err := cleanName(name)
	if err != nil {
		return Circle{}, err
	}
	id := strings.ToLower(base32.StdEncoding.EncodeToString(random(5)))
	c := Circle{ID: id, Name: name, Room: roomName(name) + "-" + id, Created: s.clock.Now()}
	return c, s.change(ctx, func() error {
		if _, err := s.Find(name); err == nil {
			return ErrExists
		}
		if len(s.List()) >= s.config.MaxCircles {
			return ErrFull
		}
		return s.store.Add(ctx, c)
	})
}

// Rename gives a circle another name. The groups in the rosters of its members, its room and their
// bookmarks follow; the address of the room stays. Errors: [ErrName], [ErrExists], [ErrNotFound].
func (s *Service) Rename(ctx context.Context, id, name string) error {
	name, err := cleanName(name)
	if err != nil {
		return err
	}
	return s.change(ctx, func() error {
		c, err := s.Find(id)
		if err != nil {
			return err
		}
		if other, err := s.Find(name); err == nil && other.ID != c.ID {
			return ErrExists
		}
		if c.Name == name {
			return nil
		}
		return s.store.Rename(ctx, c.ID, name)
	})
}

// cleanName is the name of a circle without spaces that one does not see.
func cleanName(name string) (string, error) {
	name = strings.Join(strings.Fields(name), " ")
	if n := utf8.RuneCountInString(name); n == 0 || n > maxName || !utf8.ValidString(name) ||
		strings.ContainsFunc(name, unicode.IsControl) {
		return "", fmt.Errorf("%w: it has 1 to %d characters", ErrName, maxName)
	}
	return name, nil
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // it does not fail
	return b
}

// roomName is what a room is called after the name of its circle, as far as that can be in every address.
func roomName(name string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(name) {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
		if b.Len() >= 24 {
			break
		}
	}
	if out := strings.Trim(b.String(), "-"); out != "" {
		return out
	}
	return "circle"
}

// Join puts an account into a circle. Errors: [ErrNotFound], [ErrNoAccount], [ErrFull].
func (s *Service) Join(ctx context.Context, id, account string) error {
	if ok, err := s.accounts.Exists(ctx, account); err != nil || !ok {
		if err == nil {
			err = ErrNoAccount
		}
		return err
	}
	return s.change(ctx, func() error {
		c, err := s.Find(id)
		if err != nil {
			return err
		}
		if in := c.in(); !slices.Contains(in, account) && len(in) >= s.config.MaxMembers {
			return ErrFull
		}
		return s.store.Join(ctx, c.ID, account)
	})
}

// Leave takes an account out of a circle. Errors: [ErrNotFound], [ErrNotMember].
func (s *Service) Leave(ctx context.Context, id, account string) error {
	return s.change(ctx, func() error { return s.store.Leave(ctx, id, account) })
}

// Remove removes a circle and its room. Who was a contact only by it is none any more. [ErrNotFound]
// if there is no such circle.
func (s *Service) Remove(ctx context.Context, id string) error {
	return s.change(ctx, func() error { return s.store.Remove(ctx, id) })
}

// AccountChanged is to be called when an account was made, restored or changed: with its invite, it
// may have got circles.
func (s *Service) AccountChanged(ctx context.Context, local string) error {
	s.changing.Lock()
	defer s.changing.Unlock()
	some, err := s.store.Rejoin(ctx, local)
	if err != nil || !some {
		return err
	}
	// Whoever is woken must find it.
	if err := s.reload(ctx); err != nil {
		return err
	}
	s.wake()
	return nil
}

// Purge takes an account that no longer exists out of all circles.
func (s *Service) Purge(ctx context.Context, local string) error {
	if err := s.change(ctx, func() error { return s.store.LeaveAll(ctx, local) }); err != nil {
		return err
	}
	return s.CatchUp(ctx)
}

// Ties are the names of the circles in which an account and a local contact both are.
func (s *Service) Ties(account string, contact jid.JID) []string {
	if contact.Domain() != s.domain {
		return nil
	}
	var out []string
	for _, c := range s.snapshot() {
		if in := c.in(); slices.Contains(in, account) && slices.Contains(in, contact.Local()) {
			out = append(out, c.Name)
		}
	}
	return out
}

// Together reports whether an account is in a circle with a peer, which is a person or the circle's room.
func (s *Service) Together(account string, peer jid.JID) bool {
	if peer.Domain() == s.domain {
		return account != peer.Local() && len(s.Ties(account, peer)) > 0
	}
	if s.rooms.IsZero() || peer.Domain() != s.rooms.Domain() {
		return false
	}
	for _, c := range s.snapshot() {
		if c.Room == peer.Local() {
			return slices.Contains(c.in(), account)
		}
	}
	return false
}

// retryTime is how long what has failed waits for the next attempt.
const retryTime = time.Minute

func (s *Service) wake() {
	select {
	case s.kick <- struct{}{}:
	default:
	}
}

// Run brings about what is noted, when the server starts and when something is noted, until ctx ends.
func (s *Service) Run(ctx context.Context) {
	tick := s.clock.NewTicker(retryTime)
	defer tick.Stop()
	for ctx.Err() == nil {
		if err := s.CatchUp(ctx); err != nil && ctx.Err() == nil {
			s.log.LogAttrs(ctx, slog.LevelError, "circle upkeep failed; it will be tried again", slog.Any("error", err))
		}
		select {
		case <-ctx.Done():
		case <-tick.C():
		case <-s.kick:
		}
	}
}
