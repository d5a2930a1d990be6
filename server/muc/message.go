package muc

import (
	"strings"

	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/payload"
	"kith/internal/stanza"
	"kith/internal/stanzaid"
	"kith/internal/xmltree"
	"kith/server/module"
)

// receiveMessage takes a message to the room or to one of its occupants.
func (r *Room) receiveMessage(env *module.Envelope) {
	st := env.Stanza
	var err error
	switch {
	case st.Type == stanza.Error:
		r.bounced(st)
	case !r.exists:
		err = stanza.Refuse(stanza.ItemNotFound, "There is no such room.")
	case !st.To.IsBare():
		if err = r.private(env); err == nil {
			return
		}
	case st.Type == stanza.Groupchat:
		if err = r.groupchat(env); err == nil {
			return
		}
	default:
		err = r.toRoom(st)
	}
	if err != nil {
		r.fail(st, err)
	}
	r.later(env.Accept)
}

// bounced takes a message that came back.
func (r *Room) bounced(st *stanza.Stanza) {
	if r.inviteFailed(st) {
		return
	}
	s := r.session(st.From)
	if s == nil {
		return
	}
	if unreachable(st) {
		r.ghost(s)
		return
	}
	// The answer of a client to a private message is for the one who wrote it. What one of many says about a
	// message to all is not.
	to := r.named(st.To.Resource())
	if to == nil || !r.privates.has(privateKey{s.jid, st.ID}) {
		return
	}
	out := stanza.New(stanza.Header{Kind: stanza.Message, Type: stanza.Error, ID: st.ID, From: s.occ.jid}, r.clean(st))
	for _, o := range to.sessions {
		r.give(o, out)
	}
}

// speaker is the client that sent a stanza, if it is in the room.
func (r *Room) speaker(st *stanza.Stanza) (*session, error) {
	s := r.session(st.From)
	if s == nil {
		return nil, stanza.Refuse(stanza.NotAcceptable, "You are not in the room.")
	}
	return s, nil
}

// groupchat takes a message to everybody (XEP-0045 section 7.4).
func (r *Room) groupchat(env *module.Envelope) error {
	st := env.Stanza
	s, err := r.speaker(st)
	switch {
	case err != nil:
		return err
	case r.locked:
		return stanza.Refuse(stanza.ItemNotFound, "The room is not ready yet.")
	case s.occ.role < Participant:
		return stanza.Refuse(stanza.Forbidden, "You have no voice in this room.")
	}
	m := post{sender: s, env: env}
	if isSubject(st) {
		if m.subject, err = r.newSubject(s, st); err != nil {
			return err
		}
	}
	if m.retraction, err = r.retraction(s, st); err != nil {
		return err
	}
	w := xmltree.NewWriter(st.Size() + 128)
	w.Raw(r.clean(st))
	r.writeOccupantID(w, s.occ.id)
	h := stanza.Header{Kind: stanza.Message, Type: stanza.Groupchat, ID: strings.Clone(st.ID), From: s.occ.jid, Lang: strings.Clone(st.Lang)}
	m.stanza = stanza.New(h, w.String())
	class := payload.Classify(st.With(func(h *stanza.Header) { h.Type = stanza.Chat }))
	m.keep = m.subject != nil || m.retraction != nil || class.Archived()
	m.instant, m.marker = m.keep && class.Instant(), payload.Displayed(st)
	r.publish(m)
	return nil
}

// clean is the content of a stanza without what only the room may say: who its sender is (XEP-0045 section
// 18.3, XEP-0421 section 4), what he is (XEP-0317), what the id in the archive is (XEP-0359 section 3), that
// and why something is late (XEP-0203 section 6), that a message was retracted (XEP-0424 section 5).
func (r *Room) clean(st *stanza.Stanza) string {
	return st.Without(func(c xmltree.Element) bool {
		switch c.Space() {
		case ns.MUC, ns.MUCUser, nsOccupantID, nsHats, nsAddresses:
			return true
		case ns.StanzaID:
			return c.Local() == "stanza-id" && r.speaksForUs(c.Attr("by"))
		case ns.Delay:
			return r.speaksForUs(c.Attr("from"))
		case ns.Retract:
			return c.Local() == "retracted"
		}
		return false
	}).Inner()
}

// post is a message on its way to everybody.
type post struct {
	// sender is nil for the room itself.
	sender *session
	// env is what is accepted when the message is durable; nil for the room's own.
	env *module.Envelope
	// stanza has no recipient.
	stanza *stanza.Stanza
	// keep: it belongs into the archive.
	keep bool
	// instant: a person is to read it. marker: it says that something was displayed.
	instant, marker bool
	subject         *Subject
	retraction      *retraction
	// then is called after it was sent, or with the reason why it could not be stored.
	then func(error)
}

// publish sends a message to everybody who is here now, when it is durable.
func (r *Room) publish(m post) {
	to := r.everybody()
	if !r.config.Archive || !m.keep {
		m.keep = false
		if m.subject == nil && m.retraction == nil {
			r.later(func() { r.broadcast(m, to, m.stanza, "") })
			return
		}
	}
	msg := &Message{Local: r.jid.Local(), Archive: r.archive, Address: r.jid.String(), New: !r.archived, Subject: m.subject, Sender: r.jid}
	if m.sender != nil {
		msg.Sender = m.sender.jid
	}
	out, id := m.stanza, ""
	if m.keep {
		r.last = stanzaid.Next(r.last, r.now())
		msg.Seq = r.last
		id = r.owner.ID(msg.Seq)
		msg.Stanza = r.stored(m)
		msg.Aside, msg.Marker = !m.instant, m.marker
		out = m.stanza.Plus(r.owner.Element(id))
	}
	if m.retraction != nil {
		msg.Retracts, msg.Tombstone = m.retraction.seq, m.retraction.tombstone
		msg.Author, msg.Follow = m.retraction.author, m.retraction.follow
	}
	e := &entry{say: func(err error) {
		if err != nil {
			r.notStored(m, err)
			return
		}
		r.archived = r.archived || m.keep
		if m.subject != nil {
			r.subject = *m.subject
		}
		r.broadcast(m, to, out, id)
	}}
	r.line.push(e)
	r.s.store.Append(msg, func(err error) {
		if r.box.Force(work{commit: e, err: err}) != nil && err == nil && m.env != nil {
			m.env.Accept() // the actor has ended; the message is in the archive
		}
	})
}

// notStored answers the sender of a message that could not be made durable.
func (r *Room) notStored(m post, err error) {
	r.s.counters.NotStored.Inc()
	r.s.logError("storing a message in a room failed", err)
	if m.env != nil {
		if e := m.env.Stanza.Fail(stanza.Internal(err)); e != nil {
			r.emit(e)
		}
		m.env.Accept()
	}
	if m.then != nil {
		m.then(err)
	}
}

// broadcast sends a message. It is called by the line.
func (r *Room) broadcast(m post, to []*session, out *stanza.Stanza, id string) {
	r.s.counters.Messages.Inc()
	for _, s := range to {
		r.deliver(s, out)
	}
	if m.env != nil {
		m.env.Accept()
	}
	if m.then != nil {
		m.then(nil)
	}
	if r.s.notifier != nil && id != "" {
		r.notify(m, to, out, id)
	}
}

// notify tells for whom else the message is.
func (r *Room) notify(m post, to []*session, out *stanza.Stanza, id string) {
	rm := RoomMessage{Room: r.jid, Stanza: out, Sender: r.jid, ID: id}
	if m.sender != nil {
		rm.Sender = m.sender.jid
	}
	r.s.notifier.OnRoomMessage(rm, func(yield func(jid.JID) bool) {
		// Those who have come or gone meanwhile do not count.
		has := make(map[jid.JID]struct{}, len(to))
		for _, s := range to {
			has[s.jid.Bare()] = struct{}{}
		}
		for j, e := range r.members.byJID {
			if _, got := has[j]; e.Affiliation >= Member && j.Local() != "" && !got && !yield(j) {
				return
			}
		}
	})
}

// private takes a message to one occupant (XEP-0045 section 7.5).
func (r *Room) private(env *module.Envelope) error {
	st := env.Stanza
	s, err := r.speaker(st)
	if err != nil {
		return err
	}
	if st.Type == stanza.Groupchat {
		return stanza.Refuse(stanza.BadRequest, "A message to everybody goes to the address of the room.")
	}
	to := r.named(st.To.Resource())
	if to == nil {
		return stanza.Refuse(stanza.ItemNotFound, "Nobody in the room has this nickname.")
	}
	if !r.config.mayWritePrivately(s.occ.role) {
		return stanza.Refuse(stanza.Forbidden, "You may not write private messages in this room.")
	}
	if !r.s.policy.MayTalk(s.occ.user, to.user) {
		return stanza.Refuse(stanza.Forbidden, "You may not write to this person alone.")
	}
	w := xmltree.NewWriter(st.Size() + 160)
	w.Raw(r.clean(st))
	w.Empty(ns.MUCUser, "x")
	r.writeOccupantID(w, s.occ.id)
	h := st.Header
	h.From = s.occ.jid
	targets := to.sessions
	r.later(func() {
		for i, o := range targets {
			h.To = o.jid
			r.privates.add(privateKey{o.jid, strings.Clone(st.ID)})
			out := stanza.New(h, w.String())
			if i == 0 && o.held == nil {
				r.s.router.Route(env.For(out, nil))
				continue
			}
			r.deliver(o, out)
		}
		env.Accept()
	})
	return nil
}

// maxPrivates is how many private messages are remembered for the errors that they may cause.
const maxPrivates = 256

// privateKey is who got a private message, and its id.
type privateKey struct {
	to jid.JID
	id string
}

// privates are the private messages that were passed on lately.
type privates struct {
	sent  map[privateKey]struct{}
	order []privateKey
}

func (p *privates) add(k privateKey) {
	if p.sent == nil {
		p.sent = map[privateKey]struct{}{}
	}
	if _, known := p.sent[k]; known || k.id == "" {
		return
	}
	if len(p.order) >= maxPrivates {
		delete(p.sent, p.order[0])
		p.order = p.order[1:]
	}
	p.sent[k] = struct{}{}
	p.order = append(p.order, k)
}

// has reports whether it is one of them.
func (p *privates) has(k privateKey) bool {
	_, ok := p.sent[k]
	return ok
}

// toRoom takes a message that is for the room itself: an invitation or the refusal of one, a request
// for voice, an approval.
func (r *Room) toRoom(st *stanza.Stanza) error {
	if x := st.Child(ns.MUCUser, "x"); !x.IsZero() {
		if !x.Child(ns.MUCUser, "invite").IsZero() {
			return r.invite(st, x)
		}
		if d := x.Child(ns.MUCUser, "decline"); !d.IsZero() {
			return r.decline(st, d)
		}
	}
	if x := st.Child(ns.DataForms, "x"); !x.IsZero() {
		return r.submitted(st, x)
	}
	if s := r.session(st.From); s == nil {
		return stanza.Refuse(stanza.NotAcceptable, "You are not in the room.")
	}
	return stanza.Refuse(stanza.BadRequest, "A message to everybody has the type groupchat.")
}
