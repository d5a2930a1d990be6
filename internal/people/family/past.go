package family

import (
	"context"
	"fmt"
	"slices"
	"time"

	"kith/internal/jid"
	"kith/internal/people"
)

// remember waits until Robin has signed in somewhere, and says again what was said. What is read again
// by then is no longer new, and whoever was gone is gone.
func (f *Family) remember(ctx context.Context) error {
	own := f.phone.Address()
	var devices []uint32
	err := f.phone.Until(ctx, "Robin", func(v people.View) bool {
		devices = v.Devices(own)
		return len(devices) > 1
	})
	if err != nil {
		return err
	}
	// Whoever does not know of the new device would write past it.
	err = together(f.cast, func(c character) error {
		return f.all[c.local].Until(ctx, "the new device", func(v people.View) bool { return containsAll(v.Devices(own), devices) })
	})
	if err != nil {
		return err
	}
	now := f.o.Clock.Now()
	if err := together(f.cast, func(c character) error { return f.recall(ctx, c, now) }); err != nil {
		return err
	}
	return together(circles(), func(c circle) error {
		if err := f.awaitIn(ctx, f.room(c)); err != nil {
			return err
		}
		if err := f.say(ctx, f.room(c), "", c.chat, times(c.chat, now)); err != nil {
			return err
		}
		for _, local := range append([]string{robin}, c.members...) {
			unread := 0
			if local == robin {
				unread = c.unread
			}
			if err := f.readAll(ctx, f.all[local], f.room(c), len(c.chat)-spoken(c.chat, local), unread); err != nil {
				return err
			}
		}
		return nil
	})
}

// entering is how long Robin's other device has to enter a group by itself. Not all do.
const entering = 5 * time.Second

// awaitIn waits until Robin is in a group.
func (f *Family) awaitIn(ctx context.Context, room jid.JID) error {
	waiting, stop := context.WithCancel(ctx)
	defer stop()
	defer f.o.Clock.AfterFunc(entering, stop).Stop()
	err := f.phone.Until(waiting, "Robin in the group", func(v people.View) bool { return v.First(room) != v.Self() })
	if err != nil && ctx.Err() == nil {
		return nil // then without
	}
	return err
}

func containsAll(all, some []uint32) bool {
	return !slices.ContainsFunc(some, func(id uint32) bool { return !slices.Contains(all, id) })
}

// recall says again what was said between Robin and somebody.
func (f *Family) recall(ctx context.Context, c character, now time.Time) error {
	at, before := times(c.chat, now), len(c.chat)
	if i := slices.IndexFunc(c.chat, func(l line) bool { return l.leaves }); i >= 0 {
		before = i
	}
	p, own, peer := f.all[c.local], f.phone.Address(), f.address(c.local)
	if err := f.say(ctx, peer, c.local, c.chat[:before], at); err != nil {
		return err
	}
	if err := f.readAll(ctx, f.phone, peer, spoken(c.chat[:before], ""), c.unread); err != nil {
		return err
	}
	unseen := 0
	if c.distracted {
		unseen = 1
	}
	if err := f.readAll(ctx, p, own, spoken(c.chat[:before], robin), unseen); err != nil {
		return err
	}
	if before == len(c.chat) {
		return nil
	}
	// What is read is on its way before they are gone.
	if err := p.Until(ctx, "silence", people.View.Idle); err != nil {
		return err
	}
	if err := p.SignOut(ctx); err != nil {
		return err
	}
	return f.say(ctx, peer, c.local, c.chat[before+1:], at[before+1:])
}

// say writes lines to a chat, one after the other. other is who says what nobody is named for.
func (f *Family) say(ctx context.Context, chat jid.JID, other string, lines []line, at []time.Time) error {
	for i, l := range lines {
		p, to := f.phone, chat
		if l.by != robin {
			by := l.by
			if by == "" {
				by, to = other, f.phone.Address()
			}
			p = f.all[by]
		}
		id := p.WriteAt(to, l.text, at[i])
		var state people.State
		// With the server it is in order, in everybody's archive.
		err := p.Until(ctx, "the server to have it", func(v people.View) bool {
			m, _ := v.Message(p.Address(), id)
			state = m.State
			return state >= people.Sent
		})
		if err != nil {
			return err
		}
		if state == people.Failed {
			return fmt.Errorf("a message of %s to %s could not be sent", p.Address(), to)
		}
	}
	return nil
}

// theirs are the messages of a chat that others wrote.
func theirs(v people.View, chat jid.JID) []people.Message {
	return slices.DeleteFunc(v.Messages(chat), func(m people.Message) bool { return m.Own })
}

// spoken is how many of the lines are somebody's.
func spoken(lines []line, by string) int {
	n := 0
	for _, l := range lines {
		if l.by == by {
			n++
		}
	}
	return n
}

// readAll waits until somebody has so many messages of others, and reads them but for the last few.
func (f *Family) readAll(ctx context.Context, p *people.Person, chat jid.JID, messages, unread int) error {
	err := p.Until(ctx, "what was said", func(v people.View) bool { return len(theirs(v, chat)) >= messages })
	if err == nil {
		f.read(p, chat, unread)
	}
	return err
}

// read tells that somebody has read a chat, without the last few messages.
func (f *Family) read(p *people.Person, chat jid.JID, unread int) {
	var all []people.Message
	p.Look(func(v people.View) { all = theirs(v, chat) })
	if n := len(all) - unread; n > 0 {
		p.MarkRead(all[n-1])
	}
}
