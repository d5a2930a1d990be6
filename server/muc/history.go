package muc

import (
	"strconv"
	"strings"
	"time"

	"kith/internal/jid"
	"kith/internal/mamquery"
	"kith/internal/ns"
	"kith/internal/payload"
	"kith/internal/stanza"
	"kith/internal/stanzaid"
	"kith/internal/xmltree"
)

// senderMark begins what the archive notes behind a message of an occupant: who it was (XEP-0313 section
// 6.1.2). Messages cannot hold it by themselves at the first level, since the room strips it.
const senderMark = "<x xmlns='" + ns.MUCUser + "'>"

// stored is a message as the archive keeps it.
func (r *Room) stored(m post) string {
	if m.sender == nil {
		return m.stanza.String()
	}
	occ := m.sender.occ
	w := xmltree.NewWriter(160)
	w.Raw(senderMark)
	w.Empty("", "item", "affiliation", occ.affiliation.String(), "role", occ.role.String(), "jid", m.sender.jid.String())
	w.Raw("</x>")
	return m.stanza.Plus(w.String()).String()
}

// anonymous is a stored message without who sent it.
func anonymous(text string) string {
	const end = "</x></message>"
	if i := strings.LastIndex(text, senderMark); i >= 0 && strings.HasSuffix(text, end) && strings.Count(text[i:], "</x>") == 1 {
		return text[:i] + "</message>"
	}
	return text
}

// isTombstone reports whether a stored message was retracted (XEP-0424 section 5).
func isTombstone(st *stanza.Stanza) bool { return !st.Child(ns.Retract, "retracted").IsZero() }

// historyRequest says how much history a client wants when it enters (XEP-0045 section 7.2.14).
type historyRequest struct {
	// chars and stanzas are -1 where the client does not say.
	chars, stanzas int
	since          time.Time
}

func readHistoryRequest(x xmltree.Element, now time.Time) historyRequest {
	q := historyRequest{chars: -1, stanzas: -1}
	e := x.Child(ns.MUC, "history")
	number := func(name string) int {
		n, err := strconv.ParseUint(e.Attr(name), 10, 31)
		if err != nil {
			return -1
		}
		return int(n)
	}
	q.chars, q.stanzas = number("maxchars"), number("maxstanzas")
	if n := number("seconds"); n >= 0 {
		q.since = now.Add(-time.Duration(n) * time.Second)
	}
	if at, err := payload.ParseTime(e.Attr("since")); err == nil && at.After(q.since) {
		q.since = at
	}
	return q
}

// sendHistory sends a client what was said before it came.
func (r *Room) sendHistory(s *session, q historyRequest) {
	limit := r.s.config.History
	if q.stanzas >= 0 {
		limit = q.stanzas
	}
	limit = min(limit, r.config.MaxHistory, r.s.config.MaxHistory)
	if limit <= 0 || q.chars == 0 || r.locked || !r.archivedAny() {
		return
	}
	// What is on its way to be committed comes before in the line, and is then part of the archive.
	// What comes after goes to this client, too.
	upTo, archive := r.last, r.archive
	r.later(func() {
		page, _, err := r.s.store.Page(bg, archive, &mamquery.Query{Before: upTo + 1, After: stanzaid.First(mamquery.Clamp(q.since)) - 1, Backward: true, Limit: limit}, jid.JID{}, r.last)
		if err != nil {
			r.s.logError("reading the history of a room failed", err)
			return // the client can still read the archive
		}
		out := make([]*stanza.Stanza, 0, len(page.Rows))
		size := 0
		for i := len(page.Rows) - 1; i >= 0; i-- {
			st, ok := r.replay(page.Rows[i], s)
			if !ok {
				continue
			}
			if size += st.Size(); q.chars >= 0 && size > q.chars {
				break
			}
			out = append(out, st)
		}
		for i := len(out) - 1; i >= 0; i-- {
			r.deliver(s, out[i])
		}
	})
}

// archivedAny reports whether there may be something in the archive.
func (r *Room) archivedAny() bool { return r.archived || !r.line.empty() }

// replay is a stored message as history; false for one that is not to be sent again.
func (r *Room) replay(row mamquery.Row, s *session) (*stanza.Stanza, bool) {
	st, err := stanza.Parse(anonymous(row.Stanza))
	if err != nil {
		r.s.logError("a message in the archive of a room is damaged", err)
		return nil, false
	}
	if isTombstone(st) || isSubject(st) {
		return nil, false
	}
	w := xmltree.NewWriter(256)
	w.Raw(r.owner.Element(r.owner.ID(row.Seq)))
	// Section 7.2.13: it is the room's date that tells history from what comes now. Senders date what they wrote
	// while they were offline, too.
	payload.WriteDelay(w, r.jid.String(), stanzaid.Time(row.Seq))
	return st.Plus(w.String()).Address(s.jid), true
}
