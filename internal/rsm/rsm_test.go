package rsm

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"kith/internal/xmltree"
)

func read(t testing.TB, inner string) (Request, bool, error) {
	t.Helper()
	e, err := xmltree.Parse("<query xmlns='urn:x'>"+inner+"</query>", xmltree.Limits{Bytes: 1 << 12, Elements: 50, Depth: 10, Attrs: 10}, xmltree.Scope{})
	if err != nil {
		t.Skip()
	}
	return Read(e)
}

const open, shut = "<set xmlns='http://jabber.org/protocol/rsm'>", "</set>"

func TestRead(t *testing.T) {
	for _, c := range []struct {
		inner string
		want  Request
		asked bool
	}{
		{"", Request{Max: Unset, Index: Unset}, false},
		{"<set xmlns='urn:x'><max>1</max></set>", Request{Max: Unset, Index: Unset}, false},
		{open + shut, Request{Max: Unset, Index: Unset}, true},
		{open + "<max>0</max>" + shut, Request{Max: 0, Index: Unset}, true},
		{open + "<max> 10 </max><after>x &amp; y</after>" + shut, Request{Max: 10, After: "x & y", Index: Unset}, true},
		{open + "<before/>" + shut, Request{Max: Unset, Backward: true, Index: Unset}, true},
		{open + "<before>z</before><max>3</max>" + shut, Request{Max: 3, Backward: true, Before: "z", Index: Unset}, true},
		{open + "<index>371</index>" + shut, Request{Max: Unset, Index: 371}, true},
		{open + "<max xmlns='urn:x'>1</max><other/>" + shut, Request{Max: Unset, Index: Unset}, true},
	} {
		got, asked, err := read(t, c.inner)
		if err != nil || got != c.want || asked != c.asked {
			t.Errorf("%s: %+v, %t, %v", c.inner, got, asked, err)
		}
	}
	for _, n := range []string{"", "x", "-1", "+1", "1.5", "99999999999"} {
		for _, name := range []string{"max", "index"} {
			if _, _, err := read(t, open+"<"+name+">"+n+"</"+name+">"+shut); !errors.Is(err, ErrInvalid) {
				t.Errorf("%s %q: %v", name, n, err)
			}
		}
	}
}

func TestWrite(t *testing.T) {
	for _, c := range []struct {
		r    Result
		want string
	}{
		{Result{Index: Unset, Count: Unset}, "<set xmlns='http://jabber.org/protocol/rsm'/>"},
		{Result{Index: 0, Count: 7}, open + "<count>7</count>" + shut},
		{Result{First: "a", Last: "b", Index: Unset, Count: Unset}, open + "<first>a</first><last>b</last>" + shut},
		{Result{First: "a", Last: "<", Index: 0, Count: 2}, open + "<first index='0'>a</first><last>&lt;</last><count>2</count>" + shut},
	} {
		w := xmltree.NewWriter(0)
		c.r.Write(w)
		if w.String() != c.want {
			t.Errorf("%+v: %s", c.r, w)
		}
	}
}

func TestPage(t *testing.T) {
	id := func(s string) string { return s }
	all := []string{"a", "b", "c", "d", "e"}
	for _, c := range []struct {
		r     Request
		want  []string
		index int
	}{
		{Request{Max: Unset, Index: Unset}, []string{"a", "b", "c"}, 0},
		{Request{Max: 2, Index: Unset}, []string{"a", "b"}, 0},
		{Request{Max: 0, Index: Unset}, nil, 0},
		{Request{Max: 10, After: "b", Index: Unset}, []string{"c", "d", "e"}, 2},
		{Request{Max: 2, After: "e", Index: Unset}, nil, 5},
		{Request{Max: 2, Backward: true, Index: Unset}, []string{"d", "e"}, 3},
		{Request{Max: 2, Backward: true, Before: "d", Index: Unset}, []string{"b", "c"}, 1},
		{Request{Max: 2, Backward: true, Before: "a", Index: Unset}, nil, 0},
		{Request{Max: 2, Index: 3}, []string{"d", "e"}, 3},
		{Request{Max: 2, Index: 30}, nil, 5},
		{Request{Max: 5, After: "a", Backward: true, Before: "d", Index: Unset}, []string{"b", "c"}, 1},
		{Request{Max: 5, After: "d", Backward: true, Before: "b", Index: Unset}, nil, 4},
	} {
		page, res, err := Page(all, id, c.r, 3)
		if err != nil || !slices.Equal(page, c.want) || res.Count != 5 || res.Index != c.index {
			t.Errorf("%+v: %v, %+v, %v", c.r, page, res, err)
		}
		if len(page) > 0 && (res.First != page[0] || res.Last != page[len(page)-1]) || len(page) == 0 && res.First+res.Last != "" {
			t.Errorf("%+v: ends %q and %q", c.r, res.First, res.Last)
		}
	}
	for _, r := range []Request{{Max: Unset, After: "x", Index: Unset}, {Max: Unset, Backward: true, Before: "x", Index: Unset}} {
		if _, _, err := Page(all, id, r, 3); !errors.Is(err, ErrNotFound) {
			t.Errorf("%+v: %v", r, err)
		}
	}
}

// Reading page by page, in either direction, gives the whole.
func TestPageProperty(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 1))
	for range 200 {
		var all []string
		for n := range rnd.IntN(60) {
			all = append(all, fmt.Sprint(n))
		}
		r := Request{Max: 1 + rnd.IntN(20), Index: Unset, Backward: rnd.IntN(2) == 0}
		var got []string
		for {
			page, res, err := Page(all, func(s string) string { return s }, r, 7)
			if err != nil {
				t.Fatal(err)
			}
			if len(page) == 0 {
				break
			}
			if r.Backward {
				got = append(slices.Clone(page), got...)
				r.Before = res.First
			} else {
				got = append(got, page...)
				r.After = res.Last
			}
		}
		if !slices.Equal(got, all) {
			t.Fatalf("%+v: %v of %v", r, got, all)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(open + "<max>10</max><before/>" + shut)
	f.Fuzz(func(t *testing.T, inner string) {
		r, _, err := read(t, inner)
		if err == nil && (r.Max < Unset || r.Index < Unset) {
			t.Errorf("%+v", r)
		}
	})
}
