// Package guardian keeps the boundary around accounts whose role is limited, those of children: they
// talk to whom a guardian has approved, in both directions, and to nobody else.
//
// A child's own side is the account's Filter phase; rooms ask too, since they alone know who is in
// them. What comes from outside is answered as if there were no such account; what the child tries
// itself is answered with the reason. A request to be contacts, in either direction, and an invitation
// to a room are held back and shown to the guardians. When they agree it goes on its way as if it had
// just come: what the child then does with it is its own decision.
//
// Always allowed are the guardians, the server itself and those who are in a circle with the child. As
// long as nobody is named who can decide, the administrators are the guardians.
//
// Who decides and what was decided is held in memory, for children only, and changes when the
// database has: so others pay one look-up in a map for all of this.
package guardian

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"kith/internal/clock"
	"kith/internal/config"
	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/server/auth"
	"kith/server/module"
)

// Errors that callers tell apart with errors.Is.
var (
	// ErrNotChild: there is no such account, or its role is not limited.
	ErrNotChild = errors.New("guardian: not a child")
	// ErrNotGuardian: who wants to decide is no guardian of the child.
	ErrNotGuardian = errors.New("guardian: not a guardian")
	// ErrCannotGuard: the account cannot be a guardian: it is not there, or a child itself.
	ErrCannotGuard = errors.New("guardian: cannot be a guardian")
	// ErrNothing: there is nothing to decide about this address.
	ErrNothing = errors.New("guardian: nothing to decide")
	// ErrPeer: the address is nobody's whom a child could talk to.
	ErrPeer = errors.New("guardian: not the address of a person or a room")
)

// Config is the section [limited] of the configuration file: accounts of children.
type Config struct {
	// MaxRequests is how many contact requests of one child may wait for its guardians; further ones are
	// ignored.
	MaxRequests int `toml:"max_requests"`
	// AskAgain is how long a refusal holds. Until then, the same request is not shown to the guardians again.
	AskAgain time.Duration `toml:"ask_again"`
	// Services are addresses without anybody behind them to which the apps of children may send requests,
	// but no messages: those that wake phones.
	Services []string `toml:"services"`
}

// Validate says which options are out of their bounds, all of them.
func (c Config) Validate() error {
	check := config.NewCheck("limited")
	check.Number("max_requests", c.MaxRequests, 1, 10_000)
	check.Span("ask_again", c.AskAgain, 0, 365*24*time.Hour)
	for _, s := range c.Services {
		if j, err := jid.Parse(s); err != nil || !j.IsDomain() {
			check.Add("services", "has %q; allowed are addresses such as push.example.org", s)
		}
	}
	return check.Err()
}

// DefaultConfig is what a server uses that is not told otherwise.
func DefaultConfig() Config {
	return Config{
		MaxRequests: 50, AskAgain: 7 * 24 * time.Hour,
		Services: []string{"p2.siacs.eu", "p2.quicksy.im", "push.snikket.net", "push-ios.snikket.net", "push.tigase.im"},
	}
}

// Accounts tells who has an account.
type Accounts interface {
	// Account is one that is not removed, or [auth.ErrNotFound].
	Account(ctx context.Context, local string) (auth.Account, error)
	// Accounts are all, the removed ones that are not purged included.
	Accounts(ctx context.Context) ([]auth.Account, error)
}

// Contacts are those of accounts. All but Relations are called inside the actor.
type Contacts interface {
	// Subscription tells how the account stands with a contact (see presence.Contacts).
	Subscription(a module.Account, contact jid.JID) (to, from, requested bool)
	// Await notes that the account has asked a contact, who is not told.
	Await(a module.Account, contact jid.JID) error
	// Drop ends everything with a contact and takes it out of the roster.
	Drop(a module.Account, contact jid.JID) error
	// Relations gives take the contacts with whom there is a subscription, and the requests that were not
	// answered, of others and the account's own. When take succeeds, those of others are taken out of
	// the roster.
	Relations(ctx context.Context, account string, take func(contacts []jid.JID, in []*stanza.Stanza, out []jid.JID) error) error
}

// Circles tells who belongs together without anybody's approval.
type Circles interface {
	// Together reports whether an account is in a circle with a peer: a person, or the circle's room.
	Together(account string, peer jid.JID) bool
}

// Actors are the local accounts.
type Actors interface {
	Do(ctx context.Context, local string, f func(module.Account)) error
}

// Rooms are those of this server.
type Rooms interface {
	// Look tells what the database has about a room, false if there is no such room. It does not wait.
	Look(ctx context.Context, room jid.JID) (Room, bool, error)
	// Reconsider makes all rooms look again at who is in them. It does not wait.
	Reconsider()
}

// Room is what has to be known of a room to decide who may enter it.
type Room struct {
	// JID is its bare address.
	JID jid.JID
	// Private: it is hidden, and for members only.
	Private bool
	// Belongs reports whether a user, a bare address, is a member of it or more.
	Belongs func(user jid.JID) bool
}

// Options are what a service needs.
type Options struct {
	// Domain is the address of the server, Groups that of its rooms.
	Domain, Groups jid.JID
	Store          Store
	Accounts       Accounts
	Clock          clock.Clock
	Log            *slog.Logger
	Config         Config
}

// Links are the parts that are made after the service.
type Links struct {
	Contacts Contacts
	Circles  Circles
	Actors   Actors
	Rooms    Rooms
	Router   module.Router
}

// Service is the feature.
type Service struct {
	domain, groups jid.JID
	store          Store
	accounts       Accounts
	clock          clock.Clock
	log            *slog.Logger
	config         Config
	services       map[jid.JID]bool
	links          Links
	linked         bool
	parting        *module.Slot[parting]

	changing sync.Mutex // held while the database changes, so that memory follows in the same order
	mu       sync.RWMutex
	// guarded by mu; a child is replaced as a whole.
	children map[string]*child
	roles    map[string]standing
}

// standing is what an account may do at the moment.
type standing struct {
	role   auth.Role
	active bool
}

// parting is with whom an account is just being parted.
type parting struct{ peer jid.JID }

// New makes the service with what the database has.
func New(ctx context.Context, o Options) (*Service, error) {
	s := &Service{
		domain: o.Domain, groups: o.Groups, store: o.Store, accounts: o.Accounts, clock: o.Clock, log: o.Log, config: o.Config,
		services: map[jid.JID]bool{}, parting: module.NewSlot(func() *parting { return &parting{} }),
		children: map[string]*child{}, roles: map[string]standing{},
	}
	for _, text := range o.Config.Services {
		j, err := jid.Parse(text)
		if err != nil {
			return nil, fmt.Errorf("guardian: services: %w", err)
		}
		s.services[j] = true
	}
	all, err := o.Accounts.Accounts(ctx)
	if err != nil {
		return nil, err
	}
	records, err := o.Store.Records(ctx)
	if err != nil {
		return nil, err
	}
	for _, a := range all {
		s.roles[a.Local] = standing{a.Role, a.CanLogin()}
		if r := records[a.Local]; a.Role == auth.RoleLimited || r != nil && r.Guarded {
			s.children[a.Local] = s.newChild(a.Local, r)
		}
	}
	return s, nil
}

// Connect gives the service the other parts. Without, as on a command line, what a change of roles means
// for the contacts of an account waits until a server starts.
func (s *Service) Connect(l Links) { s.links, s.linked = l, true }

var _ module.Module = (*Service)(nil)

// Register implements [module.Module].
func (s *Service) Register(r *module.Registry) {
	r.Disco(module.OnAccount, ns.KithGuardian)
	r.OnFilter(s.filter)
	s.registerIQ(r)
	s.registerCommands(r)
}

// child is what an account is allowed. It does not change once others can see it.
type child struct {
	local     string
	jid       jid.JID
	guarded   bool
	guardians []string
	approved  map[jid.JID]Approval
	requests  map[Key]Request
}

func (s *Service) newChild(local string, r *Record) *child {
	c := &child{local: local, jid: s.address(local), approved: map[jid.JID]Approval{}, requests: map[Key]Request{}}
	if r == nil {
		return c
	}
	c.guarded, c.guardians = r.Guarded, r.Guardians
	for _, a := range r.Approvals {
		c.approved[a.Peer] = a
	}
	for _, q := range r.Requests {
		c.requests[q.Key] = q
	}
	return c
}

// copy is one that can be changed.
func (c *child) copy() *child {
	d := &child{
		local: c.local, jid: c.jid, guarded: c.guarded, guardians: c.guardians,
		approved: make(map[jid.JID]Approval, len(c.approved)), requests: make(map[Key]Request, len(c.requests)),
	}
	for k, v := range c.approved {
		d.approved[k] = v
	}
	for k, v := range c.requests {
		d.requests[k] = v
	}
	return d
}

// waiting counts the requests that nobody has decided on.
func (c *child) waiting() (n int) {
	for _, r := range c.requests {
		if r.Waiting() {
			n++
		}
	}
	return n
}

func (s *Service) address(local string) jid.JID {
	j, err := jid.New(local, s.domain.Domain(), "")
	if err != nil {
		return jid.JID{} // accounts have names that are fit for it
	}
	return j
}

// child is an account that is one, nil for all others.
func (s *Service) child(local string) *child {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.children[local]
}

// childAt is child for an address.
func (s *Service) childAt(j jid.JID) *child {
	if j.Local() == "" || j.Domain() != s.domain.Domain() {
		return nil
	}
	return s.child(j.Local())
}

// guardiansOf are who decides for a child now: those that were named and can, otherwise the administrators.
func (s *Service) guardiansOf(c *child) []string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var out []string
	for _, g := range c.guardians {
		if st := s.roles[g]; st.active && st.role != auth.RoleLimited {
			out = append(out, g)
		}
	}
	if len(out) > 0 {
		return out
	}
	for local, st := range s.roles {
		if st.active && st.role == auth.RoleAdmin {
			out = append(out, local)
		}
	}
	slices.Sort(out)
	return out
}

// guards reports whether an account decides for a child now, as guardiansOf has it.
func (s *Service) guards(local string, c *child) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	able := func(g string) bool {
		st := s.roles[g]
		return st.active && st.role != auth.RoleLimited
	}
	if slices.ContainsFunc(c.guardians, able) {
		return slices.Contains(c.guardians, local) && able(local)
	}
	st := s.roles[local]
	return st.active && st.role == auth.RoleAdmin
}

// admin reports whether an account is an administrator.
func (s *Service) admin(local string) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	st := s.roles[local]
	return st.active && st.role == auth.RoleAdmin
}

// allowed reports whether a child may talk to a peer, a person or a room that was approved as such.
func (s *Service) allowed(c *child, peer jid.JID) bool {
	p := peer.Bare()
	if _, ok := c.approved[p]; ok || p == c.jid {
		return true
	}
	if p.Domain() == s.domain.Domain() && s.guards(p.Local(), c) {
		return true
	}
	return s.links.Circles != nil && s.links.Circles.Together(c.local, p)
}

// mayEnter reports whether a child may be in a room of this server: one that was approved, that of a
// circle of its own, or a private one to which a guardian belongs.
func (s *Service) mayEnter(c *child, r Room) bool {
	if s.allowed(c, r.JID) {
		return true
	}
	return r.Private && slices.ContainsFunc(s.guardiansOf(c), func(g string) bool { return r.Belongs(s.address(g)) })
}

// MayEnter reports whether a user, a bare address, may have to do with a room.
func (s *Service) MayEnter(user jid.JID, r Room) bool {
	c := s.childAt(user)
	return c == nil || s.mayEnter(c, r)
}

// MayTalk reports whether two users may talk where nobody else hears them.
func (s *Service) MayTalk(user, other jid.JID) bool {
	for _, x := range [][2]jid.JID{{user, other}, {other, user}} {
		if c := s.childAt(x[0]); c != nil && !s.allowed(c, x[1]) {
			return false
		}
	}
	return true
}

// Child reports whether a user, a bare address, is a child.
func (s *Service) Child(user jid.JID) bool { return s.childAt(user) != nil }

func (s *Service) failed(what string, err error) {
	s.log.LogAttrs(context.Background(), slog.LevelError, "guardian", slog.String("what", what), slog.Any("error", err))
}
