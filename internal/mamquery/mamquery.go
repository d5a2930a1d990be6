// Package mamquery reads the queries of message archive management (XEP-0313) and writes their
// answers, for whatever archive: what an archive holds and who may read it is the affair of its owner.
package mamquery

import (
	"errors"
	"slices"
	"strconv"
	"time"

	"kith/internal/form"
	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/payload"
	"kith/internal/rsm"
	"kith/internal/stanza"
	"kith/internal/stanzaid"
	"kith/internal/xmltree"
)

// maxIDs bounds how many messages can be asked for by their ids at once.
const maxIDs = 500

// Query is a query that was understood (XEP-0313 section 4).
type Query struct {
	// ID is what the client calls it (section 4.2).
	ID string
	// With limits it to messages of this address: any resource of a bare one, exactly a full one.
	With jid.JID
	// After and Before bound the Seqs; both are exclusive, and Before is 0 for no bound.
	After, Before stanzaid.Seq
	// Backward reads the last Limit messages within the bounds instead of the first. Either way
	// they come in their order, unless Flip wants those of the page reversed.
	Backward, Flip bool
	Limit          int
	// Seqs reads exactly these instead; nil for no such list.
	Seqs []stanzaid.Seq
	// Anchors are the messages that the client named as bounds. If they are not there, the query
	// fails (section 4.3.1).
	Anchors []stanzaid.Seq
	// Search limits it to messages that say this; nil for all.
	Search Search
	// Count asks for the number of messages within the bounds.
	Count bool
}

// Limits are the sizes of pages.
type Limits struct {
	// Page is for clients that do not say how much they want, MaxPage for those that want too much.
	Page, MaxPage int
}

// Form is the form of a query (section 4.1.5).
func Form() *form.Form {
	return form.New(form.TypeForm, ns.MAM,
		form.Field{Var: "with", Kind: form.JIDSingle},
		form.Field{Var: "start", Kind: form.TextSingle},
		form.Field{Var: "end", Kind: form.TextSingle},
		form.Field{Var: "before-id", Kind: form.TextSingle},
		form.Field{Var: "after-id", Kind: form.TextSingle},
		form.Field{Var: "ids", Kind: form.ListMulti, Datatype: "xs:string", Open: true},
		form.Field{Var: "include-groupchat", Kind: form.Boolean},
		form.Field{Var: FieldSearch, Kind: form.TextSingle},
	)
}

// Read makes sense of a query element for the archive of owner. The error is the one to answer with.
func Read(e xmltree.Element, owner stanzaid.Owner, l Limits) (*Query, error) {
	if e.Attr("node") != "" {
		// XEP-0442: archives of nodes are not kept.
		return nil, stanza.Refuse(stanza.ItemNotFound, "")
	}
	q := &Query{ID: e.Attr("queryid"), Flip: !e.Child(ns.MAM, "flip-page").IsZero()}
	if err := q.filter(e.Child(ns.DataForms, "x"), owner); err != nil {
		return nil, err
	}
	set, _, err := rsm.Read(e)
	if err != nil {
		return nil, badRequest(err)
	}
	if set.Index != rsm.Unset {
		return nil, stanza.Refuse(stanza.FeatureNotImplemented, "The archive is read by id, not by index.")
	}
	q.Limit = set.Limit(l.Page, l.MaxPage)
	q.Count = set.Max == 0
	q.Backward = set.Backward
	if set.After != "" {
		if err := q.anchor(owner, set.After, true); err != nil {
			return nil, err
		}
	}
	if set.Before != "" {
		if err := q.anchor(owner, set.Before, false); err != nil {
			return nil, err
		}
	}
	return q, nil
}

// filter reads the form (section 4.1).
func (q *Query) filter(x xmltree.Element, owner stanzaid.Owner) error {
	if x.IsZero() {
		return nil
	}
	submitted, err := form.Parse(x)
	if err != nil {
		return badRequest(err)
	}
	fields := Form()
	for i := range submitted.Fields {
		// Section 4.1.5: a filter that is not understood must not be left out.
		if name := submitted.Fields[i].Var; fields.Field(name) == nil {
			return stanza.Refuse(stanza.FeatureNotImplemented, "The archive has no field "+strconv.Quote(name)+".")
		}
	}
	v, err := fields.Check(submitted)
	if err != nil {
		return badRequest(err)
	}
	q.With = v.JID("with")
	if q.Search, err = ReadSearch(v.Text(FieldSearch)); err != nil {
		return err
	}
	if s := v.Text("start"); s != "" {
		at, err := payload.ParseTime(s)
		if err != nil {
			return badRequest(err)
		}
		q.After = max(q.After, stanzaid.First(Clamp(at))-1)
	}
	if s := v.Text("end"); s != "" {
		at, err := payload.ParseTime(s)
		if err != nil {
			return badRequest(err)
		}
		q.before(stanzaid.Last(Clamp(at)) + 1)
	}
	if id := v.Text("after-id"); id != "" {
		if err := q.anchor(owner, id, true); err != nil {
			return err
		}
	}
	if id := v.Text("before-id"); id != "" {
		if err := q.anchor(owner, id, false); err != nil {
			return err
		}
	}
	if !v.Has("ids") {
		return nil
	}
	if len(v["ids"]) > maxIDs {
		return stanza.Refuse(stanza.NotAcceptable, "At most "+strconv.Itoa(maxIDs)+" messages can be asked for by id.")
	}
	q.Seqs = make([]stanzaid.Seq, 0, len(v["ids"]))
	for _, id := range v["ids"] {
		seq, ok := owner.Seq(id)
		if !ok {
			return stanza.Refuse(stanza.ItemNotFound, "")
		}
		q.Seqs = append(q.Seqs, seq)
	}
	return nil
}

// Clamp brings a time that anybody may have written into the range that a Seq can tell.
func Clamp(t time.Time) time.Time {
	switch {
	case t.Year() < 1971:
		return time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC)
	case t.Year() > 2200:
		return time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	return t
}

// anchor bounds the query by a message that the client knows.
func (q *Query) anchor(owner stanzaid.Owner, id string, after bool) error {
	seq, ok := owner.Seq(id)
	if !ok {
		return stanza.Refuse(stanza.ItemNotFound, "")
	}
	q.Anchors = append(q.Anchors, seq)
	if after {
		q.After = max(q.After, seq)
	} else {
		q.before(seq)
	}
	return nil
}

func (q *Query) before(seq stanzaid.Seq) {
	if q.Before == 0 || seq < q.Before {
		// A bound of 0 means none, so one at the beginning of time is put right behind it.
		q.Before = max(seq, 1)
	}
}

func badRequest(err error) error {
	f := &stanza.Fault{Condition: stanza.BadRequest, Cause: err}
	var field *form.FieldError
	if errors.As(err, &field) {
		f.Text = "The field " + strconv.Quote(field.Var) + " " + field.Reason + "."
	}
	return f
}

// Row is one message of a page.
type Row struct {
	Seq stanzaid.Seq
	// Stanza is as stanza.Stanza.String wrote it.
	Stanza string
}

// Page is what was found.
type Page struct {
	Rows []Row
	// More: there are further ones beyond the page, in the direction of reading.
	More bool
	// Count is set if the query asked for it.
	Count int
	// Vast: so much would have to be searched that it was given up, and nothing was found until then.
	Vast bool
}

// Fault is what to answer instead of the page, nil if there is nothing wrong with it.
func (p *Page) Fault() *stanza.Fault {
	if !p.Vast {
		return nil
	}
	return stanza.Refuse(stanza.ResourceConstraint, "Nothing was found in the part of the archive that can be searched at once. Search a shorter time, or messages with one person.")
}

// wrapping is about what surrounds a message in a result.
const wrapping = 320

// Results are the messages that carry a page (section 4.2), in the order in which they are sent. All are
// written into one string.
func (q *Query) Results(owner stanzaid.Owner, from, to jid.JID, p Page) []*stanza.Stanza {
	size := 0
	for i := range p.Rows {
		size += len(p.Rows[i].Stanza) + wrapping
	}
	w := xmltree.NewWriter(size)
	ends := make([]int, 0, len(p.Rows))
	for i := range p.Rows {
		row := &p.Rows[i]
		w.Open(ns.MAM, "result", "queryid", q.ID, "id", owner.ID(row.Seq))
		payload.Forwarded(w, row.Stanza, stanzaid.Time(row.Seq))
		w.Close()
		ends = append(ends, w.Len())
	}
	all, begin := w.String(), 0
	h := stanza.Header{Kind: stanza.Message, From: from, To: to}
	out := make([]*stanza.Stanza, 0, len(ends))
	for _, end := range ends {
		out = append(out, stanza.New(h, all[begin:end]))
		begin = end
	}
	if q.Flip {
		slices.Reverse(out)
	}
	return out
}

// WriteFin writes the end of an answer (section 4.3).
func (q *Query) WriteFin(w *xmltree.Writer, owner stanzaid.Owner, p Page) {
	set := rsm.Result{Index: rsm.Unset, Count: rsm.Unset}
	if q.Count {
		set.Count = p.Count
	}
	if n := len(p.Rows); n > 0 {
		set.First, set.Last = owner.ID(p.Rows[0].Seq), owner.ID(p.Rows[n-1].Seq)
	}
	w.Open(ns.MAM, "fin", "complete", strconv.FormatBool(!p.More))
	set.Write(w)
	w.Close()
}

// WriteMetadata writes the ends of an archive (section 5), zero for an empty one.
func WriteMetadata(w *xmltree.Writer, owner stanzaid.Owner, first, last stanzaid.Seq) {
	if first == 0 {
		w.Empty(ns.MAM, "metadata")
		return
	}
	at := func(s stanzaid.Seq) string { return payload.Time(stanzaid.Time(s)) }
	w.Open(ns.MAM, "metadata")
	w.Empty("", "start", "id", owner.ID(first), "timestamp", at(first))
	w.Empty("", "end", "id", owner.ID(last), "timestamp", at(last))
	w.Close()
}
