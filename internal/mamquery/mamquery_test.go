package mamquery

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/internal/stanzaid"
	"kith/internal/xmltree"
)

var limits = Limits{Page: 50, MaxPage: 100}

func owner(t testing.TB) stanzaid.Owner {
	t.Helper()
	c, err := stanzaid.New(make([]byte, stanzaid.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	return c.Owner(jid.Must("room@groups.example"))
}

func parse(t testing.TB, s string) xmltree.Element {
	t.Helper()
	e, err := xmltree.Parse(s, xmltree.Limits{Bytes: 1 << 20, Elements: 10000, Depth: 20, Attrs: 20}, xmltree.Scope{})
	if err != nil {
		t.Fatalf("%s: %v", s, err)
	}
	return e
}

func query(inner string) string {
	return `<query xmlns='urn:xmpp:mam:2' queryid='q'>` + inner + `</query>`
}

func fields(pairs ...string) string {
	var b strings.Builder
	b.WriteString(`<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>urn:xmpp:mam:2</value></field>`)
	for i := 0; i+1 < len(pairs); i += 2 {
		b.WriteString(`<field var='` + pairs[i] + `'><value>` + pairs[i+1] + `</value></field>`)
	}
	return b.String() + `</x>`
}

func set(inner string) string { return `<set xmlns='` + ns.RSM + `'>` + inner + `</set>` }

func TestRead(t *testing.T) {
	o := owner(t)
	at := func(s string) stanzaid.Seq {
		v, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return stanzaid.First(v)
	}
	seq := at("2026-01-01T00:00:00Z") + 5
	id := o.ID(seq)
	for name, tt := range map[string]struct {
		in   string
		want Query
	}{
		"nothing":  {"", Query{Limit: 50}},
		"flipped":  {"<flip-page/>", Query{Limit: 50, Flip: true}},
		"max":      {set("<max>7</max>"), Query{Limit: 7}},
		"too much": {set("<max>7000</max>"), Query{Limit: 100}},
		"count":    {set("<max>0</max>"), Query{Limit: 0, Count: true}},
		"last":     {set("<before/>"), Query{Limit: 50, Backward: true}},
		"before":   {set("<before>" + id + "</before>"), Query{Limit: 50, Backward: true, Before: seq, Anchors: []stanzaid.Seq{seq}}},
		"after":    {set("<after>" + id + "</after>"), Query{Limit: 50, After: seq, Anchors: []stanzaid.Seq{seq}}},
		"span": {
			fields("start", "2026-01-01T00:00:00Z", "end", "2026-01-02T00:00:00Z"),
			Query{Limit: 50, After: at("2026-01-01T00:00:00Z") - 1, Before: stanzaid.Last(time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)) + 1},
		},
		"with":   {fields("with", "Alice@Example.org/x"), Query{Limit: 50, With: jid.Must("alice@example.org/x")}},
		"ids":    {fields("ids", id), Query{Limit: 50, Seqs: []stanzaid.Seq{seq}}},
		"within": {fields("after-id", id, "before-id", id), Query{Limit: 50, After: seq, Before: seq, Anchors: []stanzaid.Seq{seq, seq}}},
		"groups": {fields("include-groupchat", "true"), Query{Limit: 50}},
	} {
		q, err := Read(parse(t, query(tt.in)), o, limits)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		tt.want.ID = "q"
		if q.With != tt.want.With || q.After != tt.want.After || q.Before != tt.want.Before || q.Backward != tt.want.Backward || q.Flip != tt.want.Flip ||
			q.Limit != tt.want.Limit || q.Count != tt.want.Count || !slices.Equal(q.Seqs, tt.want.Seqs) || !slices.Equal(q.Anchors, tt.want.Anchors) || q.ID != "q" {
			t.Errorf("%s: %+v, want %+v", name, *q, tt.want)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	o := owner(t)
	for in, want := range map[string]stanza.Condition{
		set("<index>3</index>"):                                stanza.FeatureNotImplemented,
		set("<max>many</max>"):                                 stanza.BadRequest,
		set("<after>x</after>"):                                stanza.ItemNotFound,
		fields("with", "@"):                                    stanza.BadRequest,
		fields("start", "yesterday"):                           stanza.BadRequest,
		fields("end", ""):                                      "",
		fields("colour", "red"):                                stanza.FeatureNotImplemented,
		fields("ids", "x"):                                     stanza.ItemNotFound,
		fields("before-id", "x"):                               stanza.ItemNotFound,
		`<x xmlns='jabber:x:data' type='submit'/>`:             stanza.BadRequest,
		`<x xmlns='jabber:x:data'/>`:                           stanza.BadRequest,
		fields("ids", strings.Repeat("x</value><value>", 600)): stanza.NotAcceptable,
	} {
		_, err := Read(parse(t, query(in)), o, limits)
		var f *stanza.Fault
		if errors.As(err, &f) != (want != "") || f != nil && f.Condition != want {
			t.Errorf("%.80s: %v, want %s", in, err, want)
		}
	}
	if _, err := Read(parse(t, `<query xmlns='urn:xmpp:mam:2' node='n'/>`), o, limits); err == nil {
		t.Error("the archive of a node")
	}
}

// However far away, a date bounds in the right direction.
func TestDates(t *testing.T) {
	o := owner(t)
	now := stanzaid.First(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	for date, before := range map[string]bool{
		"0001-01-01T00:00:00Z": true, "1969-12-31T23:59:59Z": true, "1970-01-01T00:00:00Z": true, "1970-06-01T00:00:00Z": true,
		"2199-01-01T00:00:00Z": false, "2300-01-01T00:00:00Z": false, "9999-12-31T23:59:59Z": false,
	} {
		q, err := Read(parse(t, query(fields("start", date))), o, limits)
		if err != nil || (q.After < now) != before {
			t.Errorf("start %s: %+v %v", date, q, err)
		}
		q, err = Read(parse(t, query(fields("end", date))), o, limits)
		if err != nil || q.Before == 0 || (q.Before <= now) != before {
			t.Errorf("end %s: %+v %v", date, q, err)
		}
	}
}

func TestAnswer(t *testing.T) {
	o := owner(t)
	room, bob := jid.Must("room@groups.example"), jid.Must("bob@example.org/x")
	p := Page{Rows: []Row{{1 << 30, "<message id='1'/>"}, {2 << 30, "<message id='2'/>"}}, More: true, Count: 9}
	q := &Query{ID: "q'", Flip: true, Count: true}
	got := q.Results(o, room, bob, p)
	if len(got) != 2 || got[0].To != bob || got[0].From != room {
		t.Fatalf("%v", got)
	}
	r := got[0].Child(ns.MAM, "result")
	m := r.Child(ns.Forward, "forwarded").Child(ns.Client, "message")
	if r.Attr("queryid") != "q'" || r.Attr("id") != o.ID(2<<30) || m.Attr("id") != "2" {
		t.Errorf("%s", got[0])
	}
	w := xmltree.NewWriter(0)
	q.WriteFin(w, o, p)
	want := `<fin xmlns='urn:xmpp:mam:2' complete='false'><set xmlns='http://jabber.org/protocol/rsm'><first>` + o.ID(1<<30) + `</first><last>` + o.ID(2<<30) + `</last><count>9</count></set></fin>`
	if w.String() != want {
		t.Errorf("%s, want %s", w, want)
	}
	w = xmltree.NewWriter(0)
	WriteMetadata(w, o, 0, 0)
	WriteMetadata(w, o, 1<<20, 2<<20)
	if want := `<metadata xmlns='urn:xmpp:mam:2'/><metadata xmlns='urn:xmpp:mam:2'><start id='` + o.ID(1<<20) + `' timestamp='1970-01-01T00:00:00.001Z'/><end id='` + o.ID(2<<20) + `' timestamp='1970-01-01T00:00:00.002Z'/></metadata>`; w.String() != want {
		t.Errorf("%s, want %s", w, want)
	}
}

func FuzzRead(f *testing.F) {
	for _, s := range []string{"", set("<max>1</max><before/>"), fields("with", "a@b", "start", "2026-01-01T00:00:00Z"), fields("ids", "x"), "<flip-page/>"} {
		f.Add(query(s))
	}
	o := owner(f)
	f.Fuzz(func(t *testing.T, s string) {
		e, err := xmltree.Parse(s, xmltree.Limits{Bytes: 1 << 16, Elements: 1000, Depth: 20, Attrs: 20}, xmltree.Scope{})
		if err != nil {
			return
		}
		q, err := Read(e, o, limits)
		if err != nil {
			var fault *stanza.Fault
			if !errors.As(err, &fault) || fault.Condition == stanza.InternalServerError {
				t.Fatalf("%q: %v", s, err)
			}
			return
		}
		if q.Limit < 0 || q.Limit > limits.MaxPage || q.Before < 0 || q.After < -1 || q.After == math.MaxInt64 || len(q.Seqs) > maxIDs {
			t.Fatalf("%q: %+v", s, *q)
		}
	})
}
