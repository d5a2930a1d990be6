package muc

import (
	"context"
	"errors"
	"fmt"
	"time"

	"kith/internal/jid"
	"kith/internal/mailbox"
	"kith/internal/stanza"
	"kith/server/module"
)

// errClosed: the server is shutting down.
var errClosed = errors.New("muc: closed")

// bg is for work that belongs to the server's life, not to a caller's: it is short, and the database
// ends it when it closes.
var bg = context.Background()

// Take implements router.Route.
func (s *Service) Take(env *module.Envelope) bool {
	to := env.Stanza.To
	if to.Domain() != s.jid.Domain() {
		return false
	}
	if to.Local() == "" {
		s.direct(env)
		return true
	}
	err := s.post(to.Local(), work{env: env}, (*mailbox.Mailbox[work]).Post)
	switch {
	case err == nil:
	case errors.Is(err, mailbox.ErrFull):
		s.bounce(env, &stanza.Fault{Condition: stanza.ResourceConstraint, Cause: err})
	case errors.Is(err, errClosed):
		// Nobody takes responsibility: whoever sent it keeps it and tries again.
	default:
		s.bounce(env, stanza.Internal(err))
	}
	return true
}

// bounce answers with an error and is done with the envelope.
func (s *Service) bounce(env *module.Envelope, f *stanza.Fault) {
	if e := env.Stanza.Fail(f); e != nil {
		module.Deliver(s.router, e)
	}
	env.Accept()
}

// post gives work to the actor of a room. An actor that has just left its place is replaced.
func (s *Service) post(local string, w work, how func(*mailbox.Mailbox[work], work) error) error {
	for {
		r, err := s.room(local)
		if err != nil {
			return err
		}
		if err := how(r.box, w); !errors.Is(err, mailbox.ErrClosed) {
			return err
		}
		s.forget(r)
	}
}

// room is the actor for a name, whether there is a room of that name or not.
func (s *Service) room(local string) (*Room, error) {
	s.mu.RLock()
	r := s.rooms[local]
	s.mu.RUnlock()
	if r != nil {
		return r, nil
	}
	j, err := jid.New(local, s.jid.Domain(), "")
	if err != nil {
		return nil, fmt.Errorf("muc: name of a room: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errClosed
	}
	if r := s.rooms[local]; r != nil {
		return r, nil
	}
	r = newRoom(s, j.Clone())
	s.rooms[r.jid.Local()] = r
	return r, nil
}

// forget takes an actor that is closed out of the register.
func (s *Service) forget(r *Room) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rooms[r.jid.Local()] == r {
		delete(s.rooms, r.jid.Local())
	}
}

// do runs f in the actor of a room and waits for it. It is for callers that are no actors.
func (s *Service) do(ctx context.Context, local string, f func(*Room) error) error {
	done := make(chan error, 1)
	if err := s.post(local, work{do: func(r *Room, err error) {
		if err == nil {
			err = f(r)
		}
		done <- err
	}}, (*mailbox.Mailbox[work]).Force); err != nil {
		return err
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Purge makes every room forget a local account that was removed: its affiliations, its reserved
// nicknames and its hats. A room that it alone owned passes on to an admin or a member, and one that
// has none is destroyed. Doing it twice is as good as once.
func (s *Service) Purge(ctx context.Context, local string) error {
	user, err := jid.New(local, s.domain, "")
	if err != nil {
		return nil //nolint:nilerr // no such account can have been anywhere
	}
	rooms, err := s.store.Listed(ctx, user)
	if err != nil {
		return fmt.Errorf("muc: purge: %w", err)
	}
	for _, name := range rooms {
		if err := s.do(ctx, name, func(r *Room) error { return r.purge(user) }); err != nil {
			return fmt.Errorf("muc: purge: %w", err)
		}
	}
	return nil
}

// Run removes the temporary rooms to which nobody came back after a restart, until ctx ends.
func (s *Service) Run(ctx context.Context) {
	tick := s.clock.NewTicker(s.config.TemporaryTime)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C():
		}
		if err := s.sweep(ctx); err != nil && ctx.Err() == nil {
			s.logError("removing temporary rooms failed; it will be tried again", err)
		}
	}
}

func (s *Service) sweep(ctx context.Context) error {
	rooms, err := s.store.Temporary(ctx)
	if err != nil {
		return fmt.Errorf("muc: temporary rooms: %w", err)
	}
	for _, name := range rooms {
		err := s.do(ctx, name, func(r *Room) error {
			if !r.exists || r.config.Persistent || len(r.sessions) > 0 {
				return nil
			}
			return r.destroy(destruction{})
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Close tells the occupants of all rooms that the service shuts down (XEP-0045 section 11.2), lets the
// rooms finish what they have, and takes nothing new. The router must still work.
func (s *Service) Close(ctx context.Context) error {
	s.mu.Lock()
	s.closed = true
	all := make([]*Room, 0, len(s.rooms))
	for _, r := range s.rooms {
		all = append(all, r)
	}
	s.mu.Unlock()
	rested := make([]chan struct{}, 0, len(all))
	for _, r := range all {
		c := make(chan struct{})
		err := r.box.Force(work{do: func(r *Room, _ error) {
			r.shutDown()
			r.later(func() { close(c) })
		}})
		if err == nil {
			rested = append(rested, c)
		}
	}
	for _, c := range rested {
		select {
		case <-c:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for _, r := range all {
		select {
		case <-r.box.Close():
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// after calls f inside the actor of a room, d from now, unless the returned function is called first.
func (s *Service) after(d time.Duration, r *Room, f func(*Room)) func() {
	t := s.clock.AfterFunc(d, func() {
		_ = r.box.Force(work{do: func(r *Room, err error) {
			if err == nil {
				f(r)
			}
		}})
	})
	return func() { t.Stop() }
}
