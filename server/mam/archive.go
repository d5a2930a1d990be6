package mam

import (
	"kith/internal/ns"
	"kith/internal/payload"
	"kith/internal/stanza"
	"kith/internal/stanzaid"
	"kith/internal/xmltree"
	"kith/server/module"
)

// strip removes from every message what only this server may say: ids in the name of the account's
// archive, also where it adds none (XEP-0359 section 3), and delays in the name of the server
// (XEP-0203 section 6).
func (m *Archive) strip(p *module.Passage) error {
	if p.Stanza.Kind != stanza.Message {
		return nil
	}
	own := p.Account.JID()
	p.Stanza = p.Stanza.Without(func(c xmltree.Element) bool {
		switch c.Space() {
		case ns.StanzaID:
			return c.Local() == "stanza-id" && stanzaid.By(c) == own
		case ns.Delay:
			return c.Attr("from") == m.domain
		}
		return false
	})
	return nil
}

// archive is the [module.ArchiveHook].
func (m *Archive) archive(p *module.Passage, shared *module.Stored, done func(error)) bool {
	class := payload.Classify(p.Stanza)
	incoming := p.Direction == module.Incoming
	waits := incoming && class.Offline()
	if !class.Archived() && !waits {
		return false
	}
	acc, err := m.account(p.Account)
	if err != nil {
		done(err)
		return true
	}
	peer := p.Peer()
	shown := class.Archived() && m.wanted(p.Account, acc, peer)
	if !shown && !waits {
		return false
	}
	seq := stanzaid.Next(acc.last, p.At)
	if waits {
		if err := m.watcher.Keep(p.Account, seq, p.Stanza.Size(), !shown); err != nil {
			done(err)
			return true
		}
	}
	acc.last = seq
	p.Record = &module.Record{Seq: seq, ID: acc.owner.ID(seq)}
	e := &Entry{
		Archive: acc.archive, Address: p.Account.JID().String(), New: !acc.exists.Load(),
		Seq: seq, Peer: peer, Outgoing: !incoming, Waits: waits, Hidden: !shown,
		Aside: !class.Instant(), Marker: payload.Displayed(p.Stanza),
		Retraction: m.retraction(p), Stanza: p.Stanza,
	}
	a := p.Account
	ended := func(err error) {
		if err == nil {
			acc.exists.Store(true)
			m.counters.Stored.Inc()
		} else {
			a.Do(func(a module.Account) {
				p.Record = nil // before the passage goes on, if it does
				if waits {
					m.watcher.Dropped(a, seq)
				}
			})
		}
		done(err)
	}
	if !incoming {
		p.Write = func(stored *module.Stored) {
			e.Shared = stored
			m.store.Append(e, ended)
		}
		return true
	}
	e.Stored = shared
	p.Stanza = p.Stanza.Plus(acc.owner.Element(p.Record.ID))
	m.store.Append(e, ended)
	return true
}
