package server

import (
	"context"
	"iter"

	"kith/internal/jid"
	"kith/server/account"
	"kith/server/module"
	"kith/server/muc"
	"kith/server/push"
	"kith/server/router"
)

// absentees wakes the apps of people for whom there is something new in a group that they are not in.
type absentees struct {
	accounts *router.Accounts
	pushes   *push.Service
	domain   string
}

var _ muc.Notifier = absentees{}

// OnRoomMessage implements [muc.Notifier].
func (n absentees) OnRoomMessage(m muc.RoomMessage, absent iter.Seq[jid.JID]) {
	if !push.Wakes(m.Stanza) {
		return
	}
	for who := range absent {
		if who.Domain() == n.domain && who.Bare() != m.Sender.Bare() {
			// Who has no account any more need not be told.
			_ = n.accounts.Do(context.Background(), who.Local(), func(a module.Account) { n.pushes.Tell(a, m.Stanza) })
		}
	}
}

// devicePush tells the list of devices which of them are woken.
type devicePush struct{ pushes *push.Service }

func (d devicePush) of(a module.Account, client string) (all []account.Push, err error) {
	registrations, err := d.pushes.Of(a, client)
	for _, r := range registrations {
		all = append(all, account.Push{Service: r.Service.String(), Since: r.At, Failed: r.Failed, Reason: r.Reason})
	}
	return all, err
}
