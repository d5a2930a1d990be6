package circle

import (
	"context"
	"time"
)

// Store keeps the circles. An account is named by its localpart. What returned is durable. Methods
// about a circle that is not there, or is being removed, return [ErrNotFound].
type Store interface {
	// Circles are all circles with all their members, by name; also those that are being removed.
	Circles(ctx context.Context) ([]Circle, error)
	// Add makes a circle. [ErrExists] if another one that is not being removed has its name.
	Add(ctx context.Context, c Circle) error
	// Rename gives a circle another name, and notes that its old one may still be about. [ErrExists] if
	// another circle that is not being removed has the name.
	Rename(ctx context.Context, id, name string) error
	// Renamed forgets the old names of a circle, if they are those of c and c is called so still.
	Renamed(ctx context.Context, c Circle) error
	// Join notes that an account is to be a member.
	Join(ctx context.Context, id, account string) error
	// Leave notes that an account is to be a member no longer; [ErrNotMember] if it is none.
	Leave(ctx context.Context, id, account string) error
	// Remove notes that a circle is to be removed, and all its members with it.
	Remove(ctx context.Context, id string) error
	// Rejoin notes that an account is to be brought together with the others of its circles once
	// more, and reports whether it has any.
	Rejoin(ctx context.Context, account string) (bool, error)
	// LeaveAll notes that an account is to be a member of no circle any longer.
	LeaveAll(ctx context.Context, account string) error
	// Settle makes a member of who was to be one; and forgets who was to be none, if that is still so.
	Settle(ctx context.Context, id, account string, was State) error
	// Forget deletes a circle that is being removed.
	Forget(ctx context.Context, id string) error
}

// Circle is a group of people.
type Circle struct {
	// ID names it for programs, Name for people.
	ID, Name string
	// Names are those that it had, and that are to be replaced by Name yet.
	Names []string
	// Room is the localpart of its room.
	Room    string
	Created time.Time
	// Removed: it is being removed.
	Removed bool
	Members []Member
}

// Member is somebody in a circle, or on the way in or out.
type Member struct {
	Account string
	State   State
}

// State is how far somebody's membership has come. What the store notes takes effect later, and again
// after an interruption.
type State uint8

// The states.
const (
	// Joining: to be brought together with the others.
	Joining State = iota
	// Joined: it is done.
	Joined
	// Leaving: to be parted from the others.
	Leaving
)

// in are the members that belong to a circle now.
func (c *Circle) in() []string {
	var out []string
	for _, m := range c.Members {
		if !c.Removed && m.State != Leaving {
			out = append(out, m.Account)
		}
	}
	return out
}
