// Package rsm is result set management (XEP-0059): reading long results page by page.
package rsm

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"kith/internal/ns"
	"kith/internal/xmltree"
)

// Errors of this package.
var (
	// ErrInvalid: the request makes no sense (bad-request).
	ErrInvalid = errors.New("rsm: invalid request")
	// ErrNotFound: the item from which the page should go on is not there (item-not-found,
	// XEP-0059 section 2.4).
	ErrNotFound = errors.New("rsm: no such item")
)

// Unset stands for a number that was not given.
const Unset = -1

// Request is what a set element asks for.
type Request struct {
	// Max is the largest page that is wanted, [Unset] if the request does not say. 0 asks for the
	// count alone.
	Max int
	// After is the item before the page, "" for the beginning.
	After string
	// Backward asks for the page that ends before the item Before, or for the last one if that is "".
	Backward bool
	Before   string
	// Index is the place of the first item in the whole result, [Unset] if not asked for.
	Index int
}

// Read looks for a set element in parent. Without one it reports false; the request is then that
// for a first page of any size.
func Read(parent xmltree.Element) (r Request, asked bool, err error) {
	r = Request{Max: Unset, Index: Unset}
	set := parent.Child(ns.RSM, "set")
	if set.IsZero() {
		return r, false, nil
	}
	for c := range set.Children() {
		if c.Space() != ns.RSM {
			continue
		}
		switch c.Local() {
		case "max":
			r.Max, err = number(c)
		case "index":
			r.Index, err = number(c)
		case "after":
			r.After = c.Text()
		case "before":
			r.Before, r.Backward = c.Text(), true
		}
		if err != nil {
			return r, true, err
		}
	}
	return r, true, nil
}

func number(e xmltree.Element) (int, error) {
	n, err := strconv.ParseUint(strings.TrimSpace(e.Text()), 10, 31)
	if err != nil {
		return 0, fmt.Errorf("%w: %s %q", ErrInvalid, e.Local(), e.Text())
	}
	return int(n), nil
}

// Limit is the size of the page: what was asked for, at most limit, and usual if nothing was.
func (r Request) Limit(usual, limit int) int {
	if r.Max == Unset {
		return usual
	}
	return min(r.Max, limit)
}

// Result describes a page in the answer.
type Result struct {
	// First and Last are the ends of the page, "" if it is empty.
	First, Last string
	// Index is the place of First in the whole, and Count the size of the whole; [Unset] where
	// they are not known.
	Index, Count int
}

// Write appends the set element.
func (r Result) Write(w *xmltree.Writer) {
	if r.First == "" && r.Count == Unset {
		w.Empty(ns.RSM, "set")
		return
	}
	w.Open(ns.RSM, "set")
	if r.First != "" {
		index := ""
		if r.Index != Unset {
			index = strconv.Itoa(r.Index)
		}
		w.Element("", "first", r.First, "index", index)
		w.Element("", "last", r.Last)
	}
	if r.Count != Unset {
		w.Element("", "count", strconv.Itoa(r.Count))
	}
	w.Close()
}

// Page takes the page that r asks for, of at most limit items, out of a result that lies in memory
// in its order. id names an item; names are unique in the result.
func Page[T any](all []T, id func(T) string, r Request, limit int) ([]T, Result, error) {
	find := func(name string) (int, error) {
		i := slices.IndexFunc(all, func(v T) bool { return id(v) == name })
		if i < 0 {
			return 0, ErrNotFound
		}
		return i, nil
	}
	from, to := 0, len(all)
	if r.After != "" {
		i, err := find(r.After)
		if err != nil {
			return nil, Result{}, err
		}
		from = i + 1
	}
	if r.Backward && r.Before != "" {
		i, err := find(r.Before)
		if err != nil {
			return nil, Result{}, err
		}
		to = i
	}
	if r.Index != Unset {
		from = max(from, min(r.Index, len(all)))
	}
	to = max(from, to)
	if n := r.Limit(limit, limit); to-from > n {
		if r.Backward {
			from = to - n
		} else {
			to = from + n
		}
	}
	page := all[from:to]
	res := Result{Index: from, Count: len(all)}
	if len(page) > 0 {
		res.First, res.Last = id(page[0]), id(page[len(page)-1])
	}
	return page, res, nil
}
