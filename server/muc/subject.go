package muc

import (
	"kith/internal/ns"
	"kith/internal/payload"
	"kith/internal/stanza"
	"kith/internal/xmltree"
)

// maxSubject bounds the subject of a room in bytes, all languages together.
const maxSubject = 4096

// isSubject reports whether a message changes the subject: it has one, and neither body nor thread (XEP-0045
// section 8.1).
func isSubject(st *stanza.Stanza) bool {
	root := st.Root()
	return !root.Child(ns.Client, "subject").IsZero() && root.Child(ns.Client, "body").IsZero() && root.Child(ns.Client, "thread").IsZero()
}

// newSubject reads a change of the subject.
func (r *Room) newSubject(s *session, st *stanza.Stanza) (*Subject, error) {
	if s.occ.role < Moderator && !r.config.ChangeSubject {
		return nil, stanza.Refuse(stanza.Forbidden, "Only moderators change the subject of this room.")
	}
	w := xmltree.NewWriter(256)
	for c := range st.Root().Children() {
		if c.Is(ns.Client, "subject") {
			w.Copy(c, ns.Client)
		}
	}
	if w.Len() > maxSubject {
		return nil, stanza.Refuse(stanza.NotAcceptable, "The subject is too long.")
	}
	return &Subject{XML: w.String(), From: s.occ.jid, By: s.occ.id, At: r.now()}, nil
}

// sendSubject sends a client that enters the subject, with which its history ends (section 7.2.15).
func (r *Room) sendSubject(s *session) {
	r.later(func() {
		// The subject changes when its message has passed the line, so this is the right one.
		h := stanza.Header{Kind: stanza.Message, Type: stanza.Groupchat, From: r.jid}
		if !r.subject.From.IsZero() {
			h.From = r.subject.From
		}
		r.deliver(s, stanza.Build(h, func(w *xmltree.Writer) {
			if r.subject.XML == "" {
				w.Empty("", "subject")
				return
			}
			w.Raw(r.subject.XML)
			r.writeOccupantID(w, r.subject.By)
			payload.WriteDelay(w, r.jid.String(), r.subject.At)
		}))
	})
}

// subjectText is the subject for those who ask from outside, in the first language that it has.
func (r *Room) subjectText() string {
	e, err := xmltree.Parse("<m>"+r.subject.XML+"</m>", xmltree.Limits{Bytes: 2 * maxSubject, Elements: 100, Depth: 4, Attrs: 8}, xmltree.Scope{Default: ns.Client})
	if err != nil {
		return ""
	}
	return e.ChildText(ns.Client, "subject")
}
