package mam

import (
	"errors"
	"log/slog"
	"strconv"

	"kith/internal/form"
	"kith/internal/ns"
	"kith/internal/payload"
	"kith/internal/rsm"
	"kith/internal/stanza"
	"kith/internal/stanzaid"
	"kith/internal/xmltree"
	"kith/server/module"
)

// maxIDs bounds how many messages can be asked for by their ids at once.
const maxIDs = 500

// fields is the form of a query (XEP-0313 sections 4.1 and 4.1.5).
var fields = form.New(form.TypeForm, ns.MAM,
	form.Field{Var: "with", Kind: form.JIDSingle},
	form.Field{Var: "start", Kind: form.TextSingle},
	form.Field{Var: "end", Kind: form.TextSingle},
	form.Field{Var: "before-id", Kind: form.TextSingle},
	form.Field{Var: "after-id", Kind: form.TextSingle},
	form.Field{Var: "ids", Kind: form.ListMulti, Datatype: "xs:string", Open: true},
	form.Field{Var: "include-groupchat", Kind: form.Boolean},
)

// describe answers a request for the form (XEP-0313 section 4.1.5).
func (m *Archive) describe(q *module.IQ) error {
	if _, err := m.account(q.Account); err != nil {
		return err
	}
	q.Result(func(w *xmltree.Writer) {
		w.Open(ns.MAM, "query")
		fields.Write(w)
		w.Close()
	})
	return nil
}

// request is a query that was understood.
type request struct {
	Query
	// id is what the client calls the query.
	id   string
	flip bool
	// sweeping: it goes forward to the end, whoever the messages are with.
	sweeping bool
}

// read makes sense of a query element.
func (m *Archive) read(acc *account, e xmltree.Element) (*request, error) {
	if e.Attr("node") != "" {
		// XEP-0442: archives of nodes are not kept.
		return nil, stanza.Refuse(stanza.ItemNotFound, "")
	}
	r := &request{id: e.Attr("queryid"), flip: !e.Child(ns.MAM, "flip-page").IsZero()}
	r.Archive, r.Newest, r.Bytes = acc.archive, acc.last, maxPageBytes
	limited, err := m.filter(acc, r, e.Child(ns.DataForms, "x"))
	if err != nil {
		return nil, err
	}
	if err := m.paging(acc, r, e); err != nil {
		return nil, err
	}
	r.sweeping = !limited && !r.Backward && r.Limit > 0
	return r, nil
}

// filter reads the form. limited is true if it leaves out messages that a client which reads on
// would want.
func (m *Archive) filter(acc *account, r *request, x xmltree.Element) (limited bool, err error) {
	if x.IsZero() {
		return false, nil
	}
	submitted, err := form.Parse(x)
	if err != nil {
		return false, badRequest(err)
	}
	for i := range submitted.Fields {
		// XEP-0313 section 4.1.5: a filter that is not understood must not be left out.
		if name := submitted.Fields[i].Var; fields.Field(name) == nil {
			return false, stanza.Refuse(stanza.FeatureNotImplemented, "The archive has no field "+strconv.Quote(name)+".")
		}
	}
	v, err := fields.Check(submitted)
	if err != nil {
		return false, badRequest(err)
	}
	if v.Text("with") != "" {
		r.Peer, limited = v.JID("with"), true
	}
	if s := v.Text("start"); s != "" {
		at, err := payload.ParseTime(s)
		if err != nil {
			return false, badRequest(err)
		}
		r.After = max(r.After, stanzaid.First(at)-1)
	}
	if s := v.Text("end"); s != "" {
		at, err := payload.ParseTime(s)
		if err != nil {
			return false, badRequest(err)
		}
		limited = true
		r.before(stanzaid.Last(at) + 1)
	}
	if id := v.Text("after-id"); id != "" {
		if err := r.anchor(acc, id, true); err != nil {
			return false, err
		}
	}
	if id := v.Text("before-id"); id != "" {
		limited = true
		if err := r.anchor(acc, id, false); err != nil {
			return false, err
		}
	}
	if !v.Has("ids") {
		return limited, nil
	}
	if len(v["ids"]) > maxIDs {
		return false, stanza.Refuse(stanza.NotAcceptable, "At most "+strconv.Itoa(maxIDs)+" messages can be asked for by id.")
	}
	r.Seqs = make([]stanzaid.Seq, 0, len(v["ids"]))
	for _, id := range v["ids"] {
		seq, ok := acc.owner.Seq(id)
		if !ok {
			return false, stanza.Refuse(stanza.ItemNotFound, "")
		}
		r.Seqs = append(r.Seqs, seq)
	}
	return true, nil
}

// paging reads the set element (XEP-0313 section 4.3).
func (m *Archive) paging(acc *account, r *request, e xmltree.Element) error {
	set, _, err := rsm.Read(e)
	if err != nil {
		return badRequest(err)
	}
	if set.Index != rsm.Unset {
		return stanza.Refuse(stanza.FeatureNotImplemented, "The archive is read by id, not by index.")
	}
	r.Limit = set.Limit(m.config.Page, m.config.MaxPage)
	r.Count = set.Max == 0
	r.Backward = set.Backward
	if set.After != "" {
		if err := r.anchor(acc, set.After, true); err != nil {
			return err
		}
	}
	if set.Before != "" {
		return r.anchor(acc, set.Before, false)
	}
	return nil
}

// anchor bounds a query by a message that the client knows.
func (r *request) anchor(acc *account, id string, after bool) error {
	seq, ok := acc.owner.Seq(id)
	if !ok {
		return stanza.Refuse(stanza.ItemNotFound, "")
	}
	r.Anchors = append(r.Anchors, seq)
	if after {
		r.After = max(r.After, seq)
	} else {
		r.before(seq)
	}
	return nil
}

func (r *request) before(seq stanzaid.Seq) {
	if r.Before == 0 || seq < r.Before {
		r.Before = seq
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

// metadata answers with the ends of the archive (XEP-0313 section 4.4).
func (m *Archive) metadata(q *module.IQ) error {
	acc, err := m.account(q.Account)
	if err != nil {
		return err
	}
	write, err := m.bounds(acc)
	if err != nil {
		return err
	}
	q.Result(write)
	return nil
}

// bind2 adds the ends of the archive to the answer to a Bind 2 request; its client reads the
// archive by itself (XEP-0386 section 3.2).
func (m *Archive) bind2(a module.Account, s module.Session, _ xmltree.Element, answer *xmltree.Writer) {
	acc, err := m.account(a)
	if err == nil {
		var write func(*xmltree.Writer)
		if write, err = m.bounds(acc); err == nil {
			write(answer)
			m.watcher.Reads(a, s)
			return
		}
	}
	// The client can ask again; it gets what waits like one that knows of no archive.
	m.log.LogAttrs(bg, slog.LevelError, "archive metadata failed", slog.Any("error", err))
}

func (m *Archive) bounds(acc *account) (func(*xmltree.Writer), error) {
	first, last, err := m.store.Bounds(bg, acc.archive)
	if err != nil {
		return nil, err
	}
	return func(w *xmltree.Writer) {
		if first == 0 {
			w.Empty(ns.MAM, "metadata")
			return
		}
		w.Open(ns.MAM, "metadata")
		w.Empty("", "start", "id", acc.owner.ID(first), "timestamp", payload.Time(stanzaid.Time(first)))
		w.Empty("", "end", "id", acc.owner.ID(last), "timestamp", payload.Time(stanzaid.Time(last)))
		w.Close()
	}, nil
}
