package offline

import (
	"context"
	"log/slog"
	"slices"

	"kith/internal/jid"
	"kith/internal/stanzaid"
	"kith/server/module"
)

// Keep is told by the archive of a message that waits.
func (d *Delivery) Keep(a module.Account, seq stanzaid.Seq, size int, hidden bool) error {
	acc, err := d.account(a)
	if err != nil {
		return err
	}
	acc.add(entry{seq: seq, size: int32(min(size, 1<<30)), hidden: hidden}) //nolint:gosec // bounded
	return nil
}

// Dropped is told by the archive of a message that was not stored after all.
func (d *Delivery) Dropped(a module.Account, seq stanzaid.Seq) { d.accounts.Of(a.Slots()).cancel(seq) }

// Reads is told by the archive that a session fetches what it does not have.
func (d *Delivery) Reads(a module.Account, s module.Session) {
	c := d.clients.Of(s.Slots())
	c.reads, c.synced = true, false
	if c.phase == behind {
		c.from = max(c.from, d.accounts.Of(a.Slots()).through)
	}
}

// Answer is a page of the archive on its way to a client, as mam.Answer describes it. Neither type
// has a name of its own, so that neither package has to know the other.
type Answer = struct {
	Seqs     []stanzaid.Seq
	UpTo     stanzaid.Seq
	Peer     jid.JID
	Complete bool
}

// Answered is told by the archive what a session is being sent of it.
func (d *Delivery) Answered(a module.Account, s module.Session, x Answer) func() {
	acc, err := d.account(a)
	if err != nil {
		d.log.LogAttrs(context.Background(), slog.LevelError, "offline messages cannot be read", slog.Any("error", err))
		return nil
	}
	c := d.clients.Of(s.Slots())
	sent := slices.DeleteFunc(x.Seqs, func(seq stanzaid.Seq) bool { return !acc.waits(seq) })
	for _, seq := range sent {
		c.launch(acc.find(seq))
	}
	if x.Complete {
		c.synced = true
		if c.phase != aside {
			// What waits and was in none of the pages, such as what was for a session that is
			// gone, is sent after this page.
			c.phase, c.from, c.cursor = behind, 0, 0
			a.Do(func(a module.Account) { d.pump(a, acc, s, c) })
		}
	}
	if len(sent) == 0 && (x.UpTo == 0 || acc.open == 0) {
		return nil
	}
	return func() {
		a.Do(func(a module.Account) {
			for _, seq := range sent {
				c.landed(seq)
				acc.finish(seq)
			}
			d.passed(a, acc, x)
			if c.phase == behind {
				d.pump(a, acc, s, c)
			}
			d.note(a, acc)
		})
	}
}

// passed notes that a client that looks at the newest first has passed over what is older. It is in
// the archive, which tells the client that there is more.
func (d *Delivery) passed(a module.Account, acc *account, x Answer) {
	if x.UpTo == 0 || acc.open == 0 || acc.entries[acc.head].seq > x.UpTo {
		return
	}
	var seqs []stanzaid.Seq
	if x.Peer.IsZero() {
		for _, e := range acc.entries[acc.head:] {
			if e.seq > x.UpTo {
				break
			}
			seqs = append(seqs, e.seq)
		}
	} else {
		var err error
		if seqs, err = d.store.WaitingFrom(context.Background(), a.JID().String(), x.Peer, x.UpTo); err != nil {
			d.log.LogAttrs(context.Background(), slog.LevelError, "offline messages cannot be read", slog.Any("error", err))
		}
	}
	for _, seq := range seqs {
		if e := acc.find(seq); e != nil && !e.hidden {
			acc.finish(seq)
		}
	}
}
