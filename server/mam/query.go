package mam

import (
	"log/slog"

	"kith/internal/mamquery"
	"kith/internal/ns"
	"kith/internal/xmltree"
	"kith/server/module"
)

// describe answers a request for the form (XEP-0313 section 4.1.5).
func (m *Archive) describe(q *module.IQ) error {
	if _, err := m.account(q.Account); err != nil {
		return err
	}
	q.Result(func(w *xmltree.Writer) {
		w.Open(ns.MAM, "query")
		mamquery.Form().Write(w)
		w.Close()
	})
	return nil
}

// request is a query that was understood.
type request struct {
	Query
	// sweeping: it goes forward to the end, whoever the messages are with and whatever they say.
	sweeping bool
}

// read makes sense of a query element.
func (m *Archive) read(acc *account, e xmltree.Element) (*request, error) {
	q, err := mamquery.Read(e, acc.owner, mamquery.Limits{Page: m.config.Page, MaxPage: m.config.MaxPage})
	if err != nil {
		return nil, err
	}
	return &request{
		Query:    Query{Query: *q, Archive: acc.archive, Newest: acc.last, Bytes: maxPageBytes},
		sweeping: q.With.IsZero() && q.Before == 0 && q.Seqs == nil && q.Search == nil && !q.Backward && q.Limit > 0,
	}, nil
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
	return func(w *xmltree.Writer) { mamquery.WriteMetadata(w, acc.owner, first, last) }, nil
}
