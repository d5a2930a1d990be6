package mam

import (
	"context"
	"log/slog"
	"slices"

	"kith/internal/stanza"
	"kith/internal/xmltree"
	"kith/server/module"
)

// bg is for reads that belong to the server's life, not to a caller's: they are short, and the
// database ends them when it closes.
var bg = context.Background()

// maxWaiting bounds how many queries of one session wait while another of it is read.
const maxWaiting = 32

// reader is what the archive keeps in memory of a session: queries are answered one after the
// other, in their order.
type reader struct {
	busy    bool
	waiting []*job
}

type job struct {
	q   *module.IQ
	acc *account
	r   *request
}

// query reads a page. The database is read beside the actor, which goes on meanwhile.
func (m *Archive) query(q *module.IQ) error {
	acc, err := m.account(q.Account)
	if err != nil {
		return err
	}
	r, err := m.read(acc, q.Payload)
	if err != nil {
		return err
	}
	rd := m.sessions.Of(q.Session.Slots())
	if len(rd.waiting) >= maxWaiting {
		m.counters.Refused.Inc()
		return stanza.Refuse(stanza.ResourceConstraint, "Too many queries at once.")
	}
	if r.sweeping {
		m.watcher.Reads(q.Account, q.Session)
	}
	rd.waiting = append(rd.waiting, &job{q, acc, r})
	m.next(rd)
	return nil
}

// next begins the next query of a session when none is under way.
func (m *Archive) next(rd *reader) {
	if rd.busy || len(rd.waiting) == 0 {
		return
	}
	j := rd.waiting[0]
	rd.waiting = slices.Delete(rd.waiting, 0, 1)
	rd.busy = true
	a := j.q.Account
	go func() {
		page, err := m.store.Page(bg, j.r.Query)
		var results []*stanza.Stanza
		if err == nil {
			results = j.r.Results(j.acc.owner, j.q.Account.JID(), j.q.From(), page.Page)
		}
		a.Do(func(a module.Account) {
			m.finish(a, j, page, results, err)
			rd.busy = false
			m.next(rd)
		})
	}()
}

// finish sends a page to the session that asked for it, if that is still there.
func (m *Archive) finish(a module.Account, j *job, page *Page, results []*stanza.Stanza, err error) {
	s := j.q.Session
	if err != nil {
		m.log.LogAttrs(bg, slog.LevelError, "archive query failed", slog.Any("error", err))
		j.q.Fail(stanza.Internal(err))
		return
	}
	if page.Missing {
		j.q.Fail(stanza.Refuse(stanza.ItemNotFound, ""))
		return
	}
	if fault := page.Fault(); fault != nil {
		j.q.Fail(fault)
		return
	}
	m.counters.Queries.Inc()
	delivered := m.answered(a, j, page)
	if n := len(results); n > 0 {
		for _, st := range results[:n-1] {
			s.Send(st)
		}
		s.SendTracked(results[n-1], delivered)
	} else if delivered != nil {
		delivered()
	}
	j.q.Result(func(w *xmltree.Writer) { j.r.WriteFin(w, j.acc.owner, page.Page) })
}

// answered tells the watcher what the client gets to see.
func (m *Archive) answered(a module.Account, j *job, page *Page) func() {
	if j.r.Search != nil {
		return nil // what is found stands in no order with what the client has, and is shown apart
	}
	x := Answer{Complete: j.r.sweeping && !page.More}
	for i := range page.Rows {
		x.Seqs = append(x.Seqs, page.Rows[i].Seq)
	}
	if n := len(x.Seqs); n > 0 && j.r.Seqs == nil && (j.r.Backward || !j.r.With.IsZero()) {
		x.UpTo, x.Peer = x.Seqs[n-1], j.r.With
	}
	if len(x.Seqs) == 0 && !x.Complete {
		return nil
	}
	return m.watcher.Answered(a, j.q.Session, x)
}
