package pubsub

import (
	"context"
	"crypto/rand"
	"log/slog"
	"strings"

	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/internal/xmltree"
	"kith/server/caps"
	"kith/server/module"
)

// interest remembers what the clients of others, as far as the account sees them, were sent.
type interest struct {
	seen map[jid.JID]seen
}

type seen struct {
	ver string
	set *caps.Set
}

// maxSeen bounds what is remembered: beyond it, a client is sent its items again on each presence.
const maxSeen = 2000

// ownInterest remembers the same of a session of the account itself.
type ownInterest struct {
	ver string
	set *caps.Set
}

// notifyItem tells of a new item (XEP-0163 section 4.3).
func (s *Service) notifyItem(a module.Account, n *Node, it Item) {
	if !n.Config.DeliverNotifications {
		return
	}
	s.notify(a, n, func(w *xmltree.Writer) { writeItems(w, a, n, it) })
}

func writeItems(w *xmltree.Writer, a module.Account, n *Node, it Item) {
	w.Open("", "items", "node", n.Name)
	writeItem(w, it, a.JID().String(), n.Config.DeliverPayloads)
	w.Close()
}

// notify sends an event to the account's own clients and those of its contacts that want it, and
// to explicit subscribers.
func (s *Service) notify(a module.Account, n *Node, event func(*xmltree.Writer)) {
	content := xmltree.NewWriter(512)
	content.Open(ns.PubSubEvent, "event")
	event(content)
	inner := content.Close().String()

	for session := range a.Sessions() {
		p := session.Presence()
		if p == nil {
			continue
		}
		s.caps.Resolve(a, p, func(set *caps.Set) {
			// The answer may come after the session ended.
			if set.Notify(n.Name) && a.Session(session.JID().Resource()) == session {
				session.Send(message(a, n, session.JID(), inner))
			}
		})
	}
	told := map[jid.JID]struct{}{}
	s.contacts.Available(a, func(p *stanza.Stanza) {
		who := p.From
		if who.Bare() == a.JID() || s.mayRead(a, n, who.Bare()) != nil {
			return
		}
		told[who.Bare()] = struct{}{}
		s.caps.Resolve(a, p, func(set *caps.Set) {
			_, explicit := n.Subscribers[who.Bare()]
			if set.Notify(n.Name) || explicit {
				s.registry.Send(a, message(a, n, who, inner))
			}
		})
	})
	for who := range n.Subscribers {
		if _, twice := told[who]; twice || who.Bare() == a.JID() || s.mayRead(a, n, who.Bare()) != nil {
			continue
		}
		s.registry.Send(a, message(a, n, who, inner))
	}
}

func message(a module.Account, n *Node, to jid.JID, inner string) *stanza.Stanza {
	return stanza.New(stanza.Header{
		Kind: stanza.Message, Type: stanza.Type(n.Config.MessageType), ID: rand.Text(), From: a.JID(), To: to,
	}, inner)
}

// sendLast sends the last item of a node to one recipient.
func (s *Service) sendLast(a module.Account, n *Node, to jid.JID) {
	if st := s.lastItem(a, n, to); st != nil {
		s.registry.Send(a, st)
	}
}

func (s *Service) lastItem(a module.Account, n *Node, to jid.JID) *stanza.Stanza {
	if !n.Config.Persist || !n.Config.DeliverNotifications {
		return nil
	}
	items, err := s.store.Items(context.Background(), a.JID().Local(), n.Name, nil, 1)
	if err != nil {
		s.log.LogAttrs(context.Background(), slog.LevelError, "reading the last item failed", slog.Any("error", err))
		return nil
	}
	if len(items) == 0 {
		return nil
	}
	it := items[0]
	w := xmltree.NewWriter(len(it.Payload) + 256)
	w.Open(ns.PubSubEvent, "event")
	writeItems(w, a, n, it)
	w.Close()
	w.Empty(ns.Delay, "delay", "from", a.JID().String(), "stamp", it.At.UTC().Format("2006-01-02T15:04:05.000Z"))
	return message(a, n, to, w.String())
}

// onSeen sends last items to the client of a contact that became available, and to one that wants
// more nodes than before.
func (s *Service) onSeen(a module.Account, p *stanza.Stanza) {
	known := s.interest.Of(a.Slots())
	if p.Type == stanza.Unavailable {
		delete(known.seen, p.From)
		return
	}
	if p.Type != stanza.Available || p.From.Bare() == a.JID() {
		return
	}
	_, ver, _ := caps.Announced(p)
	before, again := known.seen[p.From]
	if again && before.ver == ver {
		return
	}
	// Neither is kept in the memory of the presence, which may be large.
	from, ver := p.From.Clone(), strings.Clone(ver)
	s.caps.Resolve(a, p, func(set *caps.Set) {
		if len(known.seen) < maxSeen || again {
			known.seen[from] = seen{ver, set}
		}
		s.catchUp(a, from, before.set, set, func(st *stanza.Stanza) { s.registry.Send(a, st) })
	})
}

// onPresented does the same for a session of the account itself.
func (s *Service) onPresented(a module.Account, session module.Session) {
	known := s.own.Of(session.Slots())
	p := session.Presence()
	_, ver, _ := caps.Announced(p)
	if ver == known.ver {
		return
	}
	known.ver = ver
	s.caps.Resolve(a, p, func(set *caps.Set) {
		if known.ver != ver || a.Session(session.JID().Resource()) != session {
			return
		}
		before := known.set
		known.set = set
		s.catchUp(a, session.JID(), before, set, session.Send)
	})
}

// catchUp sends the last items of the nodes that a client wants now and did not want before.
func (s *Service) catchUp(a module.Account, who jid.JID, before, now *caps.Set, send func(*stanza.Stanza)) {
	nodes, err := s.nodes(a)
	if err != nil {
		s.log.LogAttrs(context.Background(), slog.LevelError, "reading nodes failed", slog.Any("error", err))
		return
	}
	for _, n := range sorted(nodes) {
		if n.Config.SendLast != "on_sub_and_presence" || !now.Notify(n.Name) || before.Notify(n.Name) {
			continue
		}
		if s.mayRead(a, n, who.Bare()) != nil {
			continue
		}
		if st := s.lastItem(a, n, who); st != nil {
			send(st)
		}
	}
}
