package inbox

import (
	"strconv"

	"kith/internal/ns"
	"kith/internal/payload"
	"kith/internal/rsm"
	"kith/internal/stanza"
	"kith/internal/stanzaid"
	"kith/internal/xmltree"
	"kith/server/module"
)

// wrapping is about what surrounds a message in an entry.
const wrapping = 400

// entries are the messages of an answer, in their order (XEP-0430 section 3.1).
func (o *answer) entries(q *module.IQ) []*stanza.Stanza {
	h := stanza.Header{Kind: stanza.Message, From: q.Account.JID(), To: q.From()}
	out := make([]*stanza.Stanza, 0, len(o.page))
	for i := range o.page {
		c := &o.page[i]
		w := xmltree.NewWriter(len(c.text) + wrapping)
		w.Empty(ns.Inbox, "entry", "unread", strconv.Itoa(c.unread), "jid", c.jid, "id", c.id)
		if c.text != "" {
			w.Open(ns.MAM, "result", "queryid", q.Stanza.ID, "id", c.lastID)
			payload.Forwarded(w, c.text, stanzaid.Time(c.last))
			w.Close()
		}
		out = append(out, stanza.New(h, w.String()))
	}
	return out
}

// writeFin writes the end of an answer.
func (o *answer) writeFin(w *xmltree.Writer) {
	set := rsm.Result{Index: rsm.Unset, Count: o.found}
	if n := len(o.page); n > 0 {
		set.First, set.Last = o.page[0].String(), o.page[n-1].String()
	}
	w.Open(ns.Inbox, "fin", "total", strconv.Itoa(o.total), "unread", strconv.Itoa(o.unread), "all-unread", strconv.Itoa(o.all))
	set.Write(w)
	w.Close()
}
