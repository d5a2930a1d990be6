package muc

import (
	"kith/internal/jid"
	"kith/internal/mamquery"
	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/internal/xmltree"
	"kith/server/module"
)

const (
	// maxReading is how many queries of one room are read at the same time, and maxQueries how many
	// may wait for that.
	maxReading = 4
	maxQueries = 512
	// maxSearches is how many may search a room's archive at the same time. A search may take long, and
	// nobody else's query waits for it.
	maxSearches = 2
)

// queries are the queries of the archive that are under way.
type queries struct {
	reading, searching int
	waiting            []func()
}

// mayRead decides whether somebody may read the archive (XEP-0313 section 6.1.2): who may enter.
func (r *Room) mayRead(user jid.JID) error {
	affiliation := r.members.of(user)
	refused := stanza.Refuse(stanza.Forbidden, "You may not read what is said in this room.")
	switch {
	case affiliation == Outcast:
		return refused
	case affiliation >= Member, r.present(user):
		return nil
	case r.config.MembersOnly, r.config.Password != "":
		return refused
	}
	return nil
}

// maySee reports whether somebody may know who said what.
func (r *Room) maySee(user jid.JID) bool {
	return r.config.NonAnonymous || r.standingOf(user).role == Moderator
}

// query answers a query of the archive (XEP-0313).
func (r *Room) query(q *module.IQ) error {
	user := q.From().Bare()
	if err := r.mayRead(user); err != nil {
		return err
	}
	if !r.config.Archive {
		return stanza.Refuse(stanza.FeatureNotImplemented, "This room keeps no archive.")
	}
	mq, err := mamquery.Read(q.Payload, r.owner, mamquery.Limits{Page: r.s.config.Page, MaxPage: r.s.config.MaxPage})
	if err != nil {
		return err
	}
	open := r.maySee(user)
	sender, nobody, err := r.with(mq.With, open)
	if err != nil {
		return err
	}
	searches := mq.Search != nil
	if len(r.queries.waiting) >= maxQueries || searches && r.queries.searching >= maxSearches {
		r.s.counters.Refused.Inc()
		return stanza.Refuse(stanza.ResourceConstraint, "Too many queries at once.")
	}
	if nobody {
		r.answerQuery(q, mq, mamquery.Page{}, nil)
		return nil
	}
	archive, newest := r.archive, r.last
	read := func() {
		page, missing, err := r.s.store.Page(bg, archive, mq, sender, newest)
		if err == nil && !missing && !open {
			for i := range page.Rows {
				page.Rows[i].Stanza = anonymous(page.Rows[i].Stanza)
			}
		}
		var results []*stanza.Stanza
		if err == nil && !missing {
			results = mq.Results(r.owner, q.Stanza.To, q.From(), page)
		}
		_ = r.box.Force(work{do: func(r *Room, _ error) {
			if searches {
				r.queries.searching--
			} else {
				r.queries.reading--
				r.nextQuery()
			}
			switch {
			case err != nil:
				r.s.logError("reading the archive of a room failed", err)
				q.Fail(stanza.Internal(err))
			case missing:
				q.Fail(stanza.Refuse(stanza.ItemNotFound, ""))
			case page.Vast:
				q.Fail(page.Fault())
			default:
				r.answerQuery(q, mq, page, results)
			}
		}})
	}
	if searches {
		r.queries.searching++
		go read()
		return nil
	}
	r.queries.waiting = append(r.queries.waiting, read)
	r.nextQuery()
	return nil
}

// nextQuery reads beside the actor, which goes on meanwhile.
func (r *Room) nextQuery() {
	for r.queries.reading < maxReading && len(r.queries.waiting) > 0 {
		next := r.queries.waiting[0]
		r.queries.waiting[0] = nil
		r.queries.waiting = r.queries.waiting[1:]
		r.queries.reading++
		go next()
	}
}

func (r *Room) answerQuery(q *module.IQ, mq *mamquery.Query, page mamquery.Page, results []*stanza.Stanza) {
	r.s.counters.Queries.Inc()
	r.later(func() {
		for _, st := range results {
			r.emit(st)
		}
	})
	q.Result(func(w *xmltree.Writer) { mq.WriteFin(w, r.owner, page) })
}

// with finds whose messages somebody asks for (section 4.1.1): those of a person, for who may know who
// said what, or of an occupant who is here. nobody is set if there are none for certain.
func (r *Room) with(j jid.JID, open bool) (sender jid.JID, nobody bool, err error) {
	switch {
	case j.IsZero(), j == r.jid:
		return jid.JID{}, false, nil
	case j.Bare() == r.jid:
		if occ := r.named(j.Resource()); occ != nil {
			return occ.user, false, nil
		}
		return jid.JID{}, true, nil
	case !open:
		return jid.JID{}, false, stanza.Refuse(stanza.Forbidden, "In this room it is not said who somebody is.")
	}
	return j, false, nil
}

// describeQuery answers a request for the form of a query (section 4.1.5).
func (r *Room) describeQuery(q *module.IQ) error {
	if err := r.mayRead(q.From().Bare()); err != nil {
		return err
	}
	q.Result(func(w *xmltree.Writer) {
		w.Open(ns.MAM, "query")
		mamquery.Form().Write(w)
		w.Close()
	})
	return nil
}

// metadata answers with the ends of the archive (section 5).
func (r *Room) metadata(q *module.IQ) error {
	if err := r.mayRead(q.From().Bare()); err != nil {
		return err
	}
	first, last, err := r.s.store.Bounds(bg, r.archive)
	if err != nil {
		return err
	}
	q.Result(func(w *xmltree.Writer) { mamquery.WriteMetadata(w, r.owner, first, last) })
	return nil
}
