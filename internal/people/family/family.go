// Package family is a household of people for kith dev: everybody whom Robin knows, on a server that
// is about to have them. They have names in several scripts, pictures, presence and groups, and a past:
// as soon as Robin signs in somewhere, what was said so far is written again for the new device, with
// the times at which it was said. Afterwards they answer, and now and then say something by themselves.
//
// It is all real: each of them is an XMPP client ([people.Person]), and what they write is encrypted for
// every device of the readers.
package family

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"

	"kith/internal/clock"
	"kith/internal/jid"
	"kith/internal/people"
)

// Options say where the household lives.
type Options struct {
	// Domain is that of the accounts, and Groups that of the groups.
	Domain, Groups string
	// Password is everybody's.
	Password string
	// Dial opens a connection on which the server expects a client that will use STARTTLS.
	Dial func(context.Context) (net.Conn, *tls.Config, error)
	// Seed decides everything that looks like chance.
	Seed uint64
	// Still: nobody does anything but answer.
	Still bool
	Clock clock.Clock
	Log   *slog.Logger
}

// Account is one that has to exist before the household moves in.
type Account struct {
	Local string
	// Owner: it is Robin's, who runs the server.
	Owner bool
}

// Accounts are all of them. The first one is Robin's.
func Accounts() []Account {
	all := []Account{{Local: robin, Owner: true}, {Local: stranger.local}, {Local: silent}}
	for _, c := range cast() {
		all = append(all, Account{Local: c.local})
	}
	return all
}

// Family is the household. What it is made of does not change after [MoveIn].
type Family struct {
	o     Options
	cast  []character
	phone *people.Person // Robin's
	all   map[string]*people.Person
}

// MoveIn signs everybody in and makes them known to each other. The accounts must exist.
func MoveIn(ctx context.Context, o Options) (_ *Family, err error) {
	f := &Family{o: o, cast: cast(), all: map[string]*people.Person{}}
	defer func() {
		if err != nil {
			f.Leave()
		}
	}()
	preKeys := people.NewPreKeys()
	everybody := append([]character{self, stranger}, f.cast...)
	for _, c := range everybody {
		p, err := people.New(people.Options{Address: f.address(c.local), Password: o.Password, Dial: o.Dial, PreKeys: preKeys, Clock: o.Clock, Log: o.Log})
		if err != nil {
			return nil, err
		}
		f.all[c.local] = p
	}
	f.phone = f.all[robin]
	if err := together(everybody, func(c character) error { return f.arrive(ctx, c) }); err != nil {
		return nil, err
	}
	if err := together(f.cast, func(c character) error { return f.befriend(ctx, c.local) }); err != nil {
		return nil, err
	}
	if err := together(circles(), func(c circle) error { return f.found(ctx, c) }); err != nil {
		return nil, err
	}
	return f, errors.Join(
		f.all[stranger.local].Befriend(ctx, f.phone.Address(), "", stranger.status),
		f.phone.Befriend(ctx, f.address(silent), "Nils Berg", ""),
		f.phone.Block(ctx, f.address(blocked)),
	)
}

// Leave ends all connections.
func (f *Family) Leave() {
	for _, p := range f.all {
		p.Cut()
	}
}

func (f *Family) address(local string) jid.JID { return mustAddress(local, f.o.Domain) }

func (f *Family) room(c circle) jid.JID { return mustAddress(c.local, f.o.Groups) }

// mustAddress is for local parts that are written in this package, and domains that have accounts.
func mustAddress(local, domain string) jid.JID { return jid.Must(local + "@" + domain) }

func (f *Family) name(local string) string {
	if local == robin {
		return self.name
	}
	return f.character(local).name
}

// character is one of the cast.
func (f *Family) character(local string) character {
	for _, c := range f.cast {
		if c.local == local {
			return c
		}
	}
	return character{}
}

func (f *Family) arrive(ctx context.Context, c character) error {
	p := f.all[c.local]
	if err := p.SignIn(ctx); err != nil {
		return err
	}
	if err := p.Rename(ctx, c.name); err != nil {
		return err
	}
	picture, err := portrait(rolled(f.o.Seed, "picture of "+c.local))
	if err != nil {
		return err
	}
	if err := p.Picture(ctx, picture, side); err != nil {
		return err
	}
	return p.Appear(ctx, c.show, c.presence())
}

// presence is what is said along with it; the stranger's words are for the request.
func (c character) presence() string {
	if c.local == stranger.local {
		return ""
	}
	return c.status
}

func (f *Family) befriend(ctx context.Context, local string) error {
	p := f.all[local]
	for _, pair := range [][2]*people.Person{{f.phone, p}, {p, f.phone}} {
		if err := pair[0].Befriend(ctx, pair[1].Address(), "", ""); err != nil {
			return err
		}
	}
	for _, pair := range [][2]*people.Person{{f.phone, p}, {p, f.phone}} {
		err := pair[0].Until(ctx, "a contact", func(v people.View) bool { return v.Contact(pair[1].Address()).Mutual() })
		if err != nil {
			return err
		}
	}
	return nil
}

// found makes a group and brings everybody into it.
func (f *Family) found(ctx context.Context, c circle) error {
	room := f.room(c)
	members := make([]jid.JID, len(c.members))
	for i, local := range c.members {
		members[i] = f.address(local)
	}
	if err := f.phone.Found(ctx, room, f.name(robin), c.name, members...); err != nil {
		return err
	}
	if err := together(c.members, func(local string) error { return f.all[local].Enter(ctx, room, f.name(local)) }); err != nil {
		return err
	}
	return f.phone.Bookmark(ctx, room, c.name, f.name(robin))
}

// together does something with all of them at once.
func together[T any](all []T, do func(T) error) error {
	errs := make([]error, len(all))
	var wg sync.WaitGroup
	for i, one := range all {
		wg.Go(func() { errs[i] = do(one) })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("household: %w", err)
	}
	return nil
}
