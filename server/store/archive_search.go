package store

import (
	"errors"
	"slices"
	"strconv"

	"kith/internal/mamquery"
	"kith/internal/payload"
	"kith/internal/stanza"
	"kith/server/mam"
)

const (
	// maxSearching is how many may search at the same time, and searchRows and searchBytes how much of the
	// archive one of them looks through.
	maxSearching = 1
	searchRows   = 20_000
	searchBytes  = 16 << 20
)

// search reads a page of messages that say something (XEP-0431). There is no index of what people say: that
// would be as large as the archive again, and nearly all of it is encrypted. Where the look through the archive ends
// before the page is full, the client goes on from what was found; if that is nothing, it has to ask for less.
func search(c *Conn, q mam.Query, p *mam.Page) (err error) {
	text, args := selectEntries("e.seq, s.stanza", q)
	order := " ORDER BY e.seq LIMIT $"
	if q.Backward {
		order = " ORDER BY e.seq DESC LIMIT $"
	}
	args = append(args, searchRows+1)
	rows, err := c.Query(text+order+strconv.Itoa(len(args)), args...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	looked, size := 0, 0
	for n := 0; rows.Next(); n++ {
		if n == searchRows || looked >= searchBytes {
			p.More, p.Vast = true, q.Limit == 0 || len(p.Rows) == 0
			break
		}
		row, err := scanRow(rows)
		if err != nil {
			return err
		}
		looked += len(row.Stanza)
		if !says(row.Stanza, q.Search) {
			continue
		}
		if q.Count {
			p.Count++
		}
		if q.Limit == 0 {
			p.More = true
			continue
		}
		if len(p.Rows) == q.Limit || q.Bytes > 0 && size >= q.Bytes {
			p.More = true
			break
		}
		size += len(row.Stanza)
		p.Rows = append(p.Rows, row)
	}
	if q.Backward {
		slices.Reverse(p.Rows)
	}
	return rows.Err()
}

// says reports whether a stored message says what somebody looks for. What cannot be read says nothing.
func says(text string, s mamquery.Search) bool {
	st, err := stanza.Parse(text)
	return err == nil && s.Finds(payload.Texts(st))
}
