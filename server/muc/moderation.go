package muc

import (
	"crypto/rand"

	"kith/internal/jid"
	"kith/internal/mamquery"
	"kith/internal/ns"
	"kith/internal/payload"
	"kith/internal/stanza"
	"kith/internal/stanzaid"
	"kith/internal/xmltree"
	"kith/server/module"
)

// retraction takes a message of the archive back (XEP-0424, XEP-0425).
type retraction struct {
	seq stanzaid.Seq
	// tombstone stands in the archive in its place.
	tombstone string
	// author is whose it was, and follow gives what stands in the place of corrections of it, "" for what is none.
	author jid.JID
	follow func(later *stanza.Stanza) string
}

// retract is a retraction of a message and its corrections; retracted is what stands there instead of what
// they said.
func retract(seq stanzaid.Seq, author jid.JID, original *stanza.Stanza, retracted string) *retraction {
	id := original.ID
	return &retraction{seq: seq, tombstone: tombstone(original, retracted), author: author, follow: func(later *stanza.Stanza) string {
		if id == "" || payload.Corrects(later) != id || payload.IsRetraction(later) || isTombstone(later) {
			return ""
		}
		return tombstone(later, retracted)
	}}
}

// retraction reads a retraction by who sent the message (XEP-0424); nil if the message is none, or is about
// a message that the room does not have.
func (r *Room) retraction(s *session, st *stanza.Stanza) (*retraction, error) {
	e := st.Child(ns.Retract, "retract")
	if e.IsZero() {
		return nil, nil //nolint:nilnil // none
	}
	if !e.ChildNS(nsModerate).IsZero() {
		return nil, stanza.Refuse(stanza.Forbidden, "Only the room itself says that a moderator has acted.")
	}
	seq, ok := r.owner.Seq(e.Attr("id"))
	if !ok {
		return nil, nil //nolint:nilnil // not the room's id
	}
	author, original, err := r.message(seq)
	switch {
	case err != nil:
		return nil, err
	case original == nil:
		return nil, nil //nolint:nilnil // expired
	case author.Bare() != s.occ.user:
		return nil, stanza.Refuse(stanza.Forbidden, "This message is somebody else's.")
	case isTombstone(original), payload.IsRetraction(original):
		return nil, nil //nolint:nilnil // there is nothing left to retract, or section 5: retractions stay
	}
	w := xmltree.NewWriter(160)
	w.Empty(ns.Retract, "retracted", "stamp", payload.Time(r.now()), "id", st.ID)
	return retract(seq, author, original, w.String()), nil
}

// message reads one message of the archive; nil if it is not there.
func (r *Room) message(seq stanzaid.Seq) (author jid.JID, st *stanza.Stanza, err error) {
	author, ok, err := r.s.store.Sender(bg, r.archive, seq)
	if err != nil || !ok {
		return jid.JID{}, nil, err
	}
	page, missing, err := r.s.store.Page(bg, r.archive, &mamquery.Query{Seqs: []stanzaid.Seq{seq}, Limit: 1}, jid.JID{}, r.last)
	if err != nil || missing || len(page.Rows) == 0 {
		return jid.JID{}, nil, err
	}
	st, err = stanza.Parse(page.Rows[0].Stanza)
	return author, st, err
}

// tombstone is what is left of a message: where and when it was, and whose (XEP-0424 section 4), and which other one it
// corrected.
func tombstone(original *stanza.Stanza, retracted string) string {
	return stanza.Build(original.Header, func(w *xmltree.Writer) {
		w.Copy(original.Child(nsOccupantID, "occupant-id"), ns.Client)
		if id := payload.Corrects(original); id != "" {
			w.Empty(nsCorrect, "replace", "id", id)
		}
		w.Raw(retracted)
		if x := original.Child(ns.MUCUser, "x").Child(ns.MUCUser, "item"); !x.IsZero() {
			w.Raw(senderMark)
			w.Copy(x, ns.MUCUser)
			w.Raw("</x>")
		}
	}).String()
}

// moderate lets a moderator take a message of somebody back (XEP-0425).
func (r *Room) moderate(q *module.IQ) error {
	p := q.Payload
	user := q.From().Bare()
	by := r.standingOf(user)
	s := r.session(q.From())
	switch {
	case by.role < Moderator:
		return stanza.Refuse(stanza.Forbidden, "Only moderators may do this.")
	case s == nil:
		return stanza.Refuse(stanza.NotAcceptable, "You are not in the room.")
	case p.Child(ns.Retract, "retract").IsZero():
		return stanza.Refuse(stanza.FeatureNotImplemented, "Messages can only be retracted.")
	}
	id := p.Attr("id")
	seq, ok := r.owner.Seq(id)
	if !ok {
		return stanza.Refuse(stanza.ItemNotFound, "There is no such message.")
	}
	author, original, err := r.message(seq)
	switch {
	case err != nil:
		return err
	case original == nil, author.Bare() == r.jid:
		return stanza.Refuse(stanza.ItemNotFound, "There is no such message.")
	case isTombstone(original):
		return stanza.Refuse(stanza.ItemNotFound, "This message was retracted before.")
	case author.Bare() != user && r.members.of(author.Bare()) > by.affiliation:
		return stanza.Refuse(stanza.NotAllowed, "This message is of somebody who ranks higher.")
	}
	reason := clip(p.ChildText(nsModerate, "reason"))
	moderated := func(w *xmltree.Writer) {
		w.Open(nsModerate, "moderated", "by", s.occ.jid.String())
		r.writeOccupantID(w, s.occ.id)
		w.Close()
		if reason != "" {
			w.Element("", "reason", reason)
		}
	}
	announced := stanza.Build(stanza.Header{Kind: stanza.Message, Type: stanza.Groupchat, ID: rand.Text(), From: r.jid}, func(w *xmltree.Writer) {
		w.Open(ns.Retract, "retract", "id", id)
		moderated(w)
		w.Close()
	})
	w := xmltree.NewWriter(512)
	w.Open(ns.Retract, "retracted", "stamp", payload.Time(r.now()), "id", announced.ID)
	moderated(w)
	w.Close()
	r.publish(post{
		stanza: announced, keep: true, retraction: retract(seq, author, original, w.String()),
		then: func(err error) {
			answer := q.Stanza.Result(nil)
			if err != nil {
				answer = q.Stanza.Fail(stanza.Internal(err))
			}
			r.emit(answer)
		},
	})
	return nil
}
