package form

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"kith/internal/jid"
	"kith/internal/xmltree"
)

var limits = xmltree.Limits{Bytes: 1 << 16, Elements: 1000, Depth: 20, Attrs: 20}

func parse(t testing.TB, src string) (*Form, error) {
	t.Helper()
	e, err := xmltree.Parse(src, limits, xmltree.Scope{})
	if err != nil {
		t.Fatal(err)
	}
	return Parse(e)
}

func TestRoundTrip(t *testing.T) {
	f := &Form{
		Type: TypeForm, Title: "A <title>", Instructions: []string{"one", "two & three"},
		Fields: []Field{
			{Var: FormType, Kind: Hidden, Values: []string{"urn:example:form"}},
			{Kind: Fixed, Values: []string{"Section"}},
			{Var: "public", Kind: Boolean, Label: "Public?", Values: []string{"true"}, Required: true, Desc: "who may see it"},
			{Var: "shade", Kind: ListSingle, Options: []Option{{"Red", "r"}, {"", "g"}}},
			{Var: "ids", Kind: ListMulti, Datatype: "xs:string", Open: true},
			{Var: "age", Kind: TextSingle, Datatype: "xs:integer"},
			{Var: "text", Kind: TextMulti, Values: []string{"a", "", "c'\"<>"}},
		},
		Reported: []Field{{Var: "name", Kind: TextSingle, Label: "Name"}},
		Items:    [][]Field{{{Var: "name", Values: []string{"x"}}}, {{Var: "name", Values: []string{"y"}}}},
	}
	w := xmltree.NewWriter(0)
	f.Write(w)
	back, err := parse(t, w.String())
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(back, f) {
		t.Errorf("%+v\nbecame %+v", f, back)
	}
	if back.Protocol() != "urn:example:form" || back.Value("public") != "true" || back.Value("none") != "" || back.Field("none") != nil {
		t.Error("fields are not found")
	}
}

func TestParseRefuses(t *testing.T) {
	for _, src := range []string{
		"<y xmlns='jabber:x:data' type='form'/>",
		"<x xmlns='jabber:x:other' type='form'/>",
		"<x xmlns='jabber:x:data'/>",
		"<x xmlns='jabber:x:data' type='wish'/>",
		"<x xmlns='jabber:x:data' type='submit'><field><value>1</value></field></x>",
		"<x xmlns='jabber:x:data' type='submit'><field var='a'/><field var='a'/></x>",
		"<x xmlns='jabber:x:data' type='result'><item><field var='a'/><field var='a'/></item></x>",
		"<x xmlns='jabber:x:data' type='result'><reported><field/></reported></x>",
	} {
		if _, err := parse(t, src); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", src, err)
		}
	}
	f, err := parse(t, "<x xmlns='jabber:x:data' type='cancel'><unknown/><field xmlns='urn:x' var='a'/></x>")
	if err != nil || len(f.Fields) != 0 {
		t.Errorf("%+v, %v", f, err)
	}
}

func TestCheck(t *testing.T) {
	def := New(TypeForm, "urn:example:form",
		Field{Var: "public", Kind: Boolean},
		Field{Var: "name", Kind: TextSingle, Required: true},
		Field{Var: "lines", Kind: TextMulti},
		Field{Var: "owner", Kind: JIDSingle},
		Field{Var: "members", Kind: JIDMulti},
		Field{Var: "shade", Kind: ListSingle, Options: []Option{{"", "r"}, {"", "g"}}},
		Field{Var: "shades", Kind: ListMulti, Options: []Option{{"", "r"}, {"", "g"}}},
		Field{Var: "tags", Kind: ListMulti, Open: true},
		Field{Var: "max", Kind: TextSingle, Datatype: "xs:integer"},
		Field{Kind: Fixed, Values: []string{"hello"}},
	)
	submit := func(fields string) (Values, error) {
		f, err := parse(t, "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>urn:example:form</value></field>"+fields+"</x>")
		if err != nil {
			t.Fatal(err)
		}
		return def.Check(f)
	}
	field := func(name string, values ...string) string {
		s := "<field var='" + name + "'>"
		for _, v := range values {
			s += "<value>" + v + "</value>"
		}
		return s + "</field>"
	}
	name := field("name", "x")
	v, err := submit(name + field("public", "1") + field("lines", "a", "b") + field("owner", "ROMEO@example.org") +
		field("members", "a@b", "A@B", "c@d") + field("shade", "g") + field("shades", "g", "r") + field("tags", "x", "y") + field("max", "007") + field("unknown", "1", "2"))
	if err != nil {
		t.Fatal(err)
	}
	want := Values{
		"name": {"x"}, "public": {"true"}, "lines": {"a", "b"}, "owner": {"romeo@example.org"}, "members": {"a@b", "c@d"},
		"shade": {"g"}, "shades": {"g", "r"}, "tags": {"x", "y"}, "max": {"7"},
	}
	if !reflect.DeepEqual(v, want) {
		t.Errorf("got %v", v)
	}
	if !v.Bool("public") || v.Bool("none") || v.Int("max", 0) != 7 || v.Int("none", 5) != 5 || v.JID("owner") != jid.Must("romeo@example.org") ||
		!v.JID("none").IsZero() || len(v.JIDs("members")) != 2 || v.Has("none") || !v.Has("tags") {
		t.Error("typed values are wrong")
	}
	for _, c := range []struct{ fields, blame string }{
		{"", "name"},
		{field("name"), "name"},
		{name + field("public", "yes"), "public"},
		{name + field("public", "1", "0"), "public"},
		{name + field("owner", "@"), "owner"},
		{name + field("owner", "a@b", "c@d"), "owner"},
		{name + field("members", "a@b", ""), "members"},
		{name + field("shade", "b"), "shade"},
		{name + field("shades", "r", "b"), "shades"},
		{name + field("max", "many"), "max"},
		{name + field("max", "99999999999999999999"), "max"},
	} {
		_, err := submit(c.fields)
		var fe *FieldError
		if !errors.As(err, &fe) || fe.Var != c.blame || !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), c.blame) {
			t.Errorf("%s: %v", c.fields, err)
		}
	}
	for _, src := range []string{
		"<x xmlns='jabber:x:data' type='submit'>" + name + "</x>",
		"<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>urn:other</value></field>" + name + "</x>",
		"<x xmlns='jabber:x:data' type='form'><field var='FORM_TYPE'><value>urn:example:form</value></field>" + name + "</x>",
	} {
		f, err := parse(t, src)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := def.Check(f); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", src, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("<x xmlns='jabber:x:data' type='submit'><field var='a' type='boolean'><value>1</value></field></x>")
	f.Add("<x xmlns='jabber:x:data' type='result'><reported><field var='a'/></reported><item><field var='a'><value/></field></item></x>")
	f.Fuzz(func(t *testing.T, src string) {
		e, err := xmltree.Parse(src, limits, xmltree.Scope{})
		if err != nil {
			return
		}
		form, err := Parse(e)
		if err != nil {
			return
		}
		w := xmltree.NewWriter(0)
		form.Write(w)
		back, err := parse(t, w.String())
		if err != nil {
			t.Fatalf("what was written is refused: %v\n%s", err, w)
		}
		if len(back.Fields) != len(form.Fields) || back.Type != form.Type || len(back.Items) != len(form.Items) {
			t.Errorf("%+v\nbecame %+v", form, back)
		}
	})
}
