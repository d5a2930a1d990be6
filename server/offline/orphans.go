package offline

import (
	"kith/internal/payload"
	"kith/internal/stanza"
	"kith/server/module"
)

// orphans takes care of what a session did not acknowledge before it ended (XEP-0198 section 5):
// each stanza is handled like one for a resource that is not there (RFC 6121 section 8.5.3.2).
// What waits in the archive is not meant; the ledger knows of it.
func (d *Delivery) orphans(a module.Account, ended module.Session, left []*stanza.Stanza) {
	for _, st := range left {
		if st.From.IsZero() || st.From.Bare() == a.JID() && st.Kind != stanza.Message {
			continue // the server itself sent it
		}
		switch st.Kind { //nolint:exhaustive // presence is forgotten
		case stanza.IQ:
			if st.IsRequest() {
				d.bounce(a, st)
			}
		case stanza.Message:
			d.orphan(a, st)
		}
	}
}

func (d *Delivery) orphan(a module.Account, st *stanza.Stanza) {
	class := payload.Classify(st)
	switch {
	case st.Type == stanza.Groupchat:
		// The room learns that its occupant is gone.
		d.bounce(a, st)
		return
	case st.Type == stanza.Error, st.Type == stanza.Headline, !class.Worthy():
		return
	}
	acc, err := d.account(a)
	if err == nil && acc.owner.Find(st.Root()) != "" {
		return // it is in the archive
	}
	// A message that nobody may keep: whoever is there gets it now, or its sender learns that
	// nobody did.
	reached := false
	for s := range a.Sessions() {
		if receptive(s) && (st.Type == stanza.Chat || st.To.IsBare()) {
			s.Send(st)
			reached = true
		}
	}
	if !reached {
		d.bounce(a, st)
	}
}

func (d *Delivery) bounce(a module.Account, st *stanza.Stanza) {
	if answer := st.Fail(&stanza.Fault{Condition: stanza.ServiceUnavailable}); answer != nil {
		d.counters.Bounced.Inc()
		a.Route(answer)
	}
}
