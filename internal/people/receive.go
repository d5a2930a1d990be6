package people

import (
	"time"

	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/payload"
	"kith/internal/stanza"
	"kith/internal/stanzaid"
	"kith/internal/xmltree"
	"kith/omemo"
)

// envelope is a message that came, and what is known about it.
type envelope struct {
	*stanza.Stanza
	// peer is the other side, from the sender, both without a resource. own: the sender is this account.
	peer, from jid.JID
	own        bool
	// carbon: a copy of what another device sent or got (XEP-0280). archived: out of the archive.
	carbon, archived bool
	// archiveID is its id in the own archive, id the one that its sender gave it.
	archiveID, id string
	// roomID is its id in the archive of the group where it was said.
	roomID string
	at     time.Time
}

// take implements [user].
func (p *Person) take(_ *wire, st *stanza.Stanza) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if st.Kind == stanza.Presence {
		p.presence(st)
		return
	}
	if r := st.Child(ns.MAM, "result"); !r.IsZero() {
		p.collect(st, r)
		return
	}
	if e := st.Child(ns.PubSubEvent, "event"); !e.IsZero() {
		switch {
		case st.From.IsZero():
			p.event(p.o.Address, e)
		case st.From.IsBare(): // anything else is somebody's own invention
			p.event(st.From, e)
		}
		return
	}
	if !p.current {
		// It waits for what was sent before it. Should it never come to that, the archive has it.
		p.held = append(p.held, st)
		return
	}
	p.arrived(st)
}

// arrived takes a message that came on the stream. It needs p.mu.
func (p *Person) arrived(st *stanza.Stanza) {
	inner, carbon := st, false
	if p.isOwn(st.From) && st.From.IsBare() { // XEP-0280 section 11: nobody else may send copies
		for _, kind := range []string{"sent", "received"} {
			if c := st.Child(ns.Carbons, kind); !c.IsZero() {
				if inner = forwarded(c); inner == nil {
					return
				}
				carbon = true
			}
		}
	}
	at := p.o.Clock.Now()
	if d := inner.Child(ns.Delay, "delay"); !d.IsZero() {
		if t, err := payload.ParseTime(d.Attr("stamp")); err == nil && t.Before(at) {
			at = t
		}
	}
	archiveID := idBy(inner, p.o.Address)
	env, ok := p.envelope(inner, archiveID, at)
	if !ok {
		return
	}
	env.carbon = carbon
	if p.put(env) && p.visible && archiveID != "" {
		p.cursor = archiveID
	}
}

// idBy is the id of a message in the archive of an account or a group (XEP-0359), "" if it does not say.
func idBy(st *stanza.Stanza, archive jid.JID) (id string) {
	for c := range st.Root().Children() {
		if c.Is(ns.StanzaID, "stanza-id") && stanzaid.By(c) == archive {
			id = c.Attr("id")
		}
	}
	return id
}

// forwarded is the message in a copy or in a result of the archive (XEP-0297); nil if there is none.
func forwarded(parent xmltree.Element) *stanza.Stanza {
	message := parent.Child(ns.Forward, "forwarded").Child(ns.Client, "message")
	if message.IsZero() {
		return nil
	}
	st, err := stanza.Parse(xmltree.NewWriter(len(message.Source())).Copy(message, ns.Client).String())
	if err != nil {
		return nil
	}
	return st
}

func (p *Person) isOwn(j jid.JID) bool { return j.IsZero() || j.Bare() == p.o.Address }

// envelope finds out whose message it is; false if it belongs into no chat.
func (p *Person) envelope(st *stanza.Stanza, archiveID string, at time.Time) (envelope, bool) {
	switch st.Type {
	case stanza.Chat, stanza.Normal, stanza.Error, stanza.Groupchat:
	default:
		return envelope{}, false
	}
	env := envelope{Stanza: st, archiveID: archiveID, id: st.Child(ns.StanzaID, "origin-id").Attr("id"), at: at}
	if env.id == "" {
		env.id = st.ID
	}
	switch g := p.groups[st.From.Bare()]; {
	case st.Type == stanza.Groupchat:
		if g == nil || g.occupants[st.From].IsZero() {
			return envelope{}, false // the room itself, or nobody who was ever there
		}
		env.peer, env.from = st.From.Bare(), g.occupants[st.From]
		env.own, env.archiveID = env.from == p.o.Address, ""
		env.roomID = idBy(st, env.peer)
	case !p.isOwn(st.From):
		env.from = st.From.Bare()
		env.peer = env.from
	case p.isOwn(st.To):
		return envelope{}, false // a note to oneself
	default:
		env.own, env.from, env.peer = true, p.o.Address, st.To.Bare()
	}
	return env, true
}

// put takes a message in, once; it reports whether it was new. It needs p.mu.
func (p *Person) put(env envelope) bool {
	if env.archiveID != "" {
		if p.archived[env.archiveID] {
			return false
		}
		p.archived[env.archiveID] = true
	}
	defer p.change()
	if env.Type == stanza.Error {
		p.progress(messageKey{p.o.Address, env.ID}, Failed)
		return true
	}
	p.signals(env)
	key := messageKey{env.from, env.id}
	if i, ok := p.byID[key]; ok {
		if env.own && p.messages[i].State == Waiting { // it did arrive: as an echo, or before the connection was lost
			p.settled(func(o *outgoing) bool { return o.key == key })
		}
		return true
	}
	m := Message{ID: env.id, Peer: env.peer, From: env.from, Own: env.own, At: env.at, roomID: env.roomID, Markable: !env.Child(ns.ChatMarkers, "markable").IsZero()}
	if env.own {
		m.State = Sent
	}
	if e := env.Child(omemo.NamespaceV03, "encrypted"); !e.IsZero() {
		if !p.decrypt(&m, e) {
			return true
		}
	} else if m.Text = env.Body(); m.Text == "" {
		return true
	}
	if env.id != "" {
		p.byID[key] = len(p.messages)
	}
	p.messages = append(p.messages, m)
	if !env.own && !env.carbon && m.Problem == "" && !env.Child(ns.Receipts, "request").IsZero() && p.contacts[env.peer].lets() {
		p.post(&outgoing{stanza: p.note(env.peer, func(x *xmltree.Writer) { x.Empty(ns.Receipts, "received", "id", env.ID) })})
	}
	return true
}

// signals takes what a message says about others. It needs p.mu.
func (p *Person) signals(env envelope) {
	if env.own {
		return
	}
	if r := env.Child(ns.Receipts, "received"); !r.IsZero() {
		p.progress(messageKey{p.o.Address, r.Attr("id")}, Delivered)
	}
	if d := env.Child(ns.ChatMarkers, "displayed"); !d.IsZero() {
		p.displayed(env.peer, d.Attr("id"))
	}
	if s := env.Root().ChildNS(ns.ChatStates); !s.IsZero() && !env.archived {
		p.typing[env.peer] = s.Local() == "composing"
	}
}

// progress notes that an own message got further. It needs p.mu.
func (p *Person) progress(key messageKey, to State) {
	i, ok := p.byID[key]
	if !ok || !p.messages[i].Own || to <= p.messages[i].State {
		return
	}
	if to == Failed && p.messages[i].State > Sent {
		return // an error for one of several devices does not undo what another one has confirmed
	}
	p.messages[i].State = to
}

// displayed notes that a message was read and with it all before it (XEP-0333 section 4.2). It needs p.mu.
func (p *Person) displayed(peer jid.JID, id string) {
	last, ok := p.byID[messageKey{p.o.Address, id}]
	if !ok || p.messages[last].Peer != peer {
		return
	}
	for i := range p.messages[:last+1] {
		if m := &p.messages[i]; m.Own && m.Peer == peer && m.State >= Sent && m.State < Read {
			m.State = Read
		}
	}
	if m := &p.messages[last]; m.State < Read {
		m.State = Read
	}
}

// note is a message that says something about another one. It is stored, so that it is not lost.
func (p *Person) note(to jid.JID, fill func(*xmltree.Writer)) *stanza.Stanza {
	return stanza.Build(stanza.Header{Kind: stanza.Message, Type: p.way(to), ID: newID(), To: to}, func(x *xmltree.Writer) {
		fill(x)
		x.Empty(ns.Hints, "store")
	})
}
