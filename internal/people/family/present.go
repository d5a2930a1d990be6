package family

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"kith/internal/clock"
	"kith/internal/jid"
	"kith/internal/people"
)

// How long people take. They read, they write, and now and then something occurs to them.
const (
	readingFrom, readingTo = 600 * time.Millisecond, 1500 * time.Millisecond
	writingFrom, writingTo = time.Second, 2500 * time.Millisecond
	idleFrom, idleTo       = 25 * time.Second, 70 * time.Second
)

// Live lets the household live until ctx ends. told is called when everything of the past was said, which
// begins when Robin signs in.
func (f *Family) Live(ctx context.Context, told func()) error {
	err := f.remember(ctx)
	if err == nil {
		told()
		err = f.goOn(ctx)
	}
	if ctx.Err() != nil {
		return nil //nolint:nilerr // that is how it ends
	}
	return err
}

func (f *Family) goOn(ctx context.Context) error {
	var (
		wg   sync.WaitGroup
		all  = circles()
		errs = make([]error, len(f.cast)+len(all)+1)
	)
	for i, c := range f.cast {
		if f.here(c.local) {
			wg.Go(func() { errs[i] = f.answer(ctx, c, f.phone.Address()) })
		}
	}
	for i, c := range all {
		// In a group, one of them does.
		who := f.character(c.members[rolled(f.o.Seed, "who answers in "+c.local).below(len(c.members))])
		wg.Go(func() { errs[len(f.cast)+i] = f.answer(ctx, who, f.room(c)) })
	}
	if !f.o.Still {
		wg.Go(func() { errs[len(errs)-1] = f.stir(ctx) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

func (f *Family) here(local string) (connected bool) {
	f.all[local].Look(func(v people.View) { connected = v.Connected() })
	return connected
}

// robins is how many messages of a chat Robin wrote.
func (f *Family) robins(v people.View, chat jid.JID) int {
	own := f.phone.Address()
	return len(slices.DeleteFunc(v.Messages(chat), func(m people.Message) bool { return m.From != own }))
}

// answer reads what Robin writes in a chat, and answers. Who loses the connection has left.
func (f *Family) answer(ctx context.Context, c character, chat jid.JID) error {
	p := f.all[c.local]
	d := rolled(f.o.Seed, "answers of "+c.local+" to "+chat.Local())
	next := d.below(len(c.answers))
	seen := 0
	look := func(v people.View) { seen = f.robins(v, chat) }
	p.Look(look)
	for {
		var connected bool
		err := p.Until(ctx, "a message", func(v people.View) bool {
			connected = v.Connected()
			return !connected || f.robins(v, chat) > seen
		})
		if err != nil {
			return err
		}
		if !connected {
			f.o.Log.LogAttrs(ctx, slog.LevelWarn, "somebody of the household lost the connection")
			return nil
		}
		if err := clock.Sleep(ctx, f.o.Clock, d.between(readingFrom, readingTo)); err != nil {
			return err
		}
		p.Look(look)
		f.read(p, chat, 0)
		if err := f.tell(ctx, d, p, chat, c.answers[next%len(c.answers)]); err != nil {
			return err
		}
		next++
	}
}

// tell types for a while, and writes.
func (f *Family) tell(ctx context.Context, d *dice, p *people.Person, to jid.JID, text string) error {
	if err := p.Type(ctx, to, true); err != nil {
		return ifConnected(err)
	}
	if err := clock.Sleep(ctx, f.o.Clock, d.between(writingFrom, writingTo)); err != nil {
		return err
	}
	p.Write(to, text)
	return nil
}

// ifConnected is nil for who has left meanwhile.
func ifConnected(err error) error {
	if errors.Is(err, people.ErrOffline) {
		return nil
	}
	return err
}

// stir makes something happen now and then: somebody has news, goes away for a while, or comes back.
func (f *Family) stir(ctx context.Context) error {
	d := rolled(f.o.Seed, "what happens")
	said, changed := map[string]int{}, map[string]bool{}
	for {
		if err := clock.Sleep(ctx, f.o.Clock, d.between(idleFrom, idleTo)); err != nil {
			return err
		}
		c := f.cast[d.below(len(f.cast))]
		if !f.here(c.local) {
			continue
		}
		p := f.all[c.local]
		var err error
		if n := said[c.local]; n < len(c.news) && d.below(2) == 0 {
			said[c.local]++
			err = f.tell(ctx, d, p, f.phone.Address(), c.news[n])
		} else {
			show, status := c.show, c.status
			if changed[c.local] = !changed[c.local]; changed[c.local] {
				show, status = other(show), ""
			}
			err = ifConnected(p.Appear(ctx, show, status))
		}
		if err != nil {
			return err
		}
	}
}

// other is what somebody shows who usually shows something else.
func other(show string) string {
	if show == "" {
		return "away"
	}
	return ""
}
