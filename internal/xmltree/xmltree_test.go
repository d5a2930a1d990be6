package xmltree

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
)

var wide = Limits{Bytes: 1 << 20, Elements: 10000, Depth: 200, Attrs: 200}

func mustParse(t testing.TB, s string) Element {
	t.Helper()
	e, err := Parse(s, wide, Scope{})
	if err != nil {
		t.Fatalf("Parse(%q): %v", s, err)
	}
	return e
}

func TestReading(t *testing.T) {
	e := mustParse(t, `<message xmlns='jabber:client' to="a@b" xml:lang='de'>`+
		`<body>a &lt;b&gt; &#x1F600;<![CDATA[<raw&>]]></body>`+
		`<x:y xmlns:x='urn:x' x:at='1' at='2'><x:z/><z/></x:y> tail</message>`)
	if !e.Is("jabber:client", "message") || e.Attr("to") != "a@b" || e.Lang() != "de" {
		t.Error("root", e.Space(), e.Local(), e.Attr("to"), e.Lang())
	}
	if got := e.ChildText("jabber:client", "body"); got != "a <b> 😀<raw&>" {
		t.Errorf("body %q", got)
	}
	y := e.Child("urn:x", "y")
	if v, ok := y.LookupAttr("urn:x", "at"); !ok || v != "1" || y.Attr("at") != "2" {
		t.Errorf("attributes of y: %q %v %q", v, ok, y.Attr("at"))
	}
	if y.Child("urn:x", "z").IsZero() || y.Child("jabber:client", "z").IsZero() || y.CountChildren() != 2 {
		t.Error("children of y")
	}
	if e.Text() != " tail" {
		t.Errorf("text %q", e.Text())
	}
	none := e.Child("no", "such").Child("thing", "here")
	if !none.IsZero() || none.Text() != "" || none.Attr("a") != "" || none.Local() != "" || none.CountChildren() != 0 || none.Source() != "" {
		t.Error("the zero element is not empty")
	}
}

func TestParseRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		in   string
		want error
	}{
		"empty":                 {``, ErrNotWellFormed},
		"text":                  {`abc`, ErrNotWellFormed},
		"two roots":             {`<a/><b/>`, ErrNotWellFormed},
		"trailing":              {`<a/> `, ErrNotWellFormed},
		"unclosed":              {`<a><b></b>`, ErrNotWellFormed},
		"crossed":               {`<a><b></a></b>`, ErrNotWellFormed},
		"prefix differs":        {`<a:x xmlns:a='u' xmlns:b='u'></b:x>`, ErrNotWellFormed},
		"comment":               {`<a><!-- c --></a>`, ErrRestricted},
		"doctype":               {`<!DOCTYPE a><a/>`, ErrRestricted},
		"instruction":           {`<a><?php ?></a>`, ErrRestricted},
		"entity":                {`<a>&foo;</a>`, ErrRestricted},
		"entity in attribute":   {`<a b='&foo;'/>`, ErrRestricted},
		"bare ampersand":        {`<a>a & b</a>`, ErrNotWellFormed},
		"null reference":        {`<a>&#0;</a>`, ErrNotWellFormed},
		"surrogate":             {`<a>&#xD800;</a>`, ErrNotWellFormed},
		"signed reference":      {`<a>&#+65;</a>`, ErrNotWellFormed},
		"less in attribute":     {`<a b='<'/>`, ErrNotWellFormed},
		"unquoted":              {`<a b=c/>`, ErrNotWellFormed},
		"no gap":                {`<a b='1'c='2'/>`, ErrNotWellFormed},
		"twice":                 {`<a b='1' b='2'/>`, ErrNotWellFormed},
		"twice by namespace":    {`<a xmlns:x='u' xmlns:y='u' x:b='1' y:b='2'/>`, ErrNotWellFormed},
		"unbound":               {`<x:a/>`, ErrNotWellFormed},
		"unbound attribute":     {`<a x:b='1'/>`, ErrNotWellFormed},
		"prefix out of scope":   {`<a><b xmlns:x='u'/><x:c/></a>`, ErrNotWellFormed},
		"rebinding xml":         {`<a xmlns:xml='u'/>`, ErrNotWellFormed},
		"xmlns as prefix":       {`<a xmlns:xmlns='u'/>`, ErrNotWellFormed},
		"empty prefix binding":  {`<a xmlns:x=''/>`, ErrNotWellFormed},
		"two colons":            {`<a:b:c xmlns:a='u'/>`, ErrNotWellFormed},
		"digit name":            {`<1a/>`, ErrNotWellFormed},
		"digit after colon":     {`<x:1a xmlns:x='u'/>`, ErrNotWellFormed},
		"control":               {"<a>\x01</a>", ErrEncoding},
		"not utf-8":             {"<a>\xff</a>", ErrEncoding},
		"nonchar":               {"<a>\uFFFE</a>", ErrEncoding},
		"cdata end in text":     {`<a>]]></a>`, ErrNotWellFormed},
		"cdata outside":         {`<![CDATA[x]]>`, ErrRestricted},
		"open cdata":            {`<a><![CDATA[x</a>`, ErrNotWellFormed},
		"end tag with space":    {`<a></ a>`, ErrNotWellFormed},
		"end tag with attrs":    {`<a></a b='c'>`, ErrNotWellFormed},
		"lonely less":           {`<`, ErrNotWellFormed},
		"end only":              {`</a>`, ErrNotWellFormed},
		"too deep":              {strings.Repeat("<a>", 201) + strings.Repeat("</a>", 201), ErrTooBig},
		"too many":              {"<a>" + strings.Repeat("<b/>", 10000) + "</a>", ErrTooBig},
		"too many attributes":   {"<a" + strings.Repeat(" b='1'", 300) + "/>", ErrTooBig},
		"too many declarations": {"<a" + strings.Repeat(" xmlns:b='1'", 300) + "/>", ErrNotWellFormed},
	} {
		if e, err := Parse(c.in, wide, Scope{}); !errors.Is(err, c.want) {
			t.Errorf("%s: %q gives %q, %v; want %v", name, c.in, e.Source(), err, c.want)
		}
	}
}

func TestScope(t *testing.T) {
	const header = `<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' xmlns:q='urn:q' to='x' version='1.0'>`
	open, scope, err := ParseOpen(header, wide)
	if err != nil || !open.Is("http://etherx.jabber.org/streams", "stream") || open.Attr("to") != "x" {
		t.Fatal(open.Space(), err)
	}
	for src, plain := range map[string]bool{
		`<message><body/></message>`:                            true,
		`<message xmlns='jabber:client'><body/></message>`:      true,
		`<message><q:body/></message>`:                          false,
		`<message xmlns:p='urn:p'><p:body/></message>`:          false,
		`<message><body xmlns:p='urn:p' p:x='1'/></message>`:    true,
		`<c:message xmlns:c='jabber:client'><c:b/></c:message>`: false,
	} {
		e, err := Parse(src, wide, scope)
		if err != nil {
			t.Errorf("%s: %v", src, err)
			continue
		}
		if e.Plain("jabber:client") != plain {
			t.Errorf("%s: Plain = %v", src, !plain)
		}
		if !e.Is("jabber:client", "message") {
			t.Errorf("%s: namespace %q", src, e.Space())
		}
		// A copy stands alone and means the same.
		c := mustParse(t, NewWriter(0).Copy(e, "").String())
		if !equal(c, e) {
			t.Errorf("%s: copy %s differs", src, c.Source())
		}
	}
}

func TestWriter(t *testing.T) {
	w := NewWriter(64)
	w.Open("", "iq", "type", "result", "to", "", "id", `<'"&>`+"\n").
		Open("jabber:iq:roster", "query").Element("", "group", "a<b>&'\"\r\n\x00\xff").Close().
		Element("", "empty", "").
		Close()
	want := `<iq type='result' id='&lt;&apos;&quot;&amp;&gt;&#10;'><query xmlns='jabber:iq:roster'>` +
		`<group>a&lt;b&gt;&amp;'"&#13;` + "\n\uFFFD\uFFFD" + `</group></query><empty/></iq>`
	if w.String() != want {
		t.Errorf("got  %s\nwant %s", w, want)
	}
	e := mustParse(t, w.String())
	if e.Attr("id") != `<'"&>`+"\n" {
		t.Errorf("id %q", e.Attr("id"))
	}
}

// equal compares names, attributes, text and children.
func equal(a, b Element) bool {
	if a.Local() != b.Local() || a.Space() != b.Space() || a.Text() != b.Text() || a.CountChildren() != b.CountChildren() {
		return false
	}
	na, nb := 0, 0
	for at := range a.Attrs() {
		na++
		if v, ok := b.LookupAttr(at.Space, at.Local); !ok || v != at.Value {
			return false
		}
	}
	for range b.Attrs() {
		nb++
	}
	if na != nb {
		return false
	}
	var kids []Element
	for c := range b.Children() {
		kids = append(kids, c)
	}
	i := 0
	for c := range a.Children() {
		if !equal(c, kids[i]) {
			return false
		}
		i++
	}
	return true
}

// encoding/xml leaves the white space of attribute values, and so of namespaces, as it is.
var spaces = strings.NewReplacer("\t", " ", "\n", " ", "\r", " ")

// FuzzParse: whatever is accepted is accepted by encoding/xml too, with the same names, and a
// copy of it means the same.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		`<message xmlns='jabber:client' to="a@b" xml:lang='de'><body>a &lt;b <![CDATA[<raw&>]]></body><x:y xmlns:x='urn:x' x:at='1'/> t</message>`,
		`<a xmlns='u'><b xmlns=''/><c:d xmlns:c='v' c:e="&#10;f"/></a>`, `<iq type='get' id='1'><q xmlns='u'/></iq>`,
		"<a>\r\n&amp;]]&gt;</a>", `<é/>`, `<a b = "c" ></a >`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		e, err := Parse(s, wide, Scope{})
		if err != nil {
			return
		}
		d := xml.NewDecoder(strings.NewReader(s))
		depth := 0
		walk := []Element{}
		var flatten func(Element)
		flatten = func(e Element) {
			walk = append(walk, e)
			for c := range e.Children() {
				flatten(c)
			}
		}
		flatten(e)
		i := 0
		for {
			tok, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil && strings.Contains(err.Error(), "invalid XML name") {
				return // it still has the narrower names of XML 1.0's fourth edition
			}
			if err != nil {
				t.Fatalf("%q: accepted, but encoding/xml says %v", s, err)
			}
			switch tok := tok.(type) {
			case xml.StartElement:
				depth++
				if walk[i].Local() != tok.Name.Local || spaces.Replace(walk[i].Space()) != spaces.Replace(tok.Name.Space) {
					t.Fatalf("%q: element %d is {%s}%s, encoding/xml says %v", s, i, walk[i].Space(), walk[i].Local(), tok.Name)
				}
				i++
			case xml.EndElement:
				depth--
			}
		}
		if i != len(walk) || depth != 0 {
			t.Fatalf("%q: %d elements, encoding/xml sees %d", s, len(walk), i)
		}
		c, err := Parse(NewWriter(0).Copy(e, "").String(), Limits{1 << 24, 10000, 200, 400}, Scope{})
		if err != nil {
			t.Fatalf("%q: copy %q: %v", s, NewWriter(0).Copy(e, "").String(), err)
		}
		if !equal(e, c) {
			t.Fatalf("%q: copy differs: %q", s, c.Source())
		}
	})
}

const omemo = `<message to='bob@example.org' type='chat' id='a1b2c3d4'><encrypted xmlns='eu.siacs.conversations.axolotl'><header sid='1234567'>` +
	`<key rid='11111111'>MwohBXqsN0ZQ3kT7eMxLkGGVHcOI0wFMuZrYqYHCXnUPLXscEAAYACIwP2c0hIHGmYy3M5LyGbHTzKSwCGoBHwMdKO8AMsMvHCPLoBwJP7xzvmVZBoTNZxVQ</key>` +
	`<key rid='22222222'>MwohBXqsN0ZQ3kT7eMxLkGGVHcOI0wFMuZrYqYHCXnUPLXscEAAYACIwP2c0hIHGmYy3M5LyGbHTzKSwCGoBHwMdKO8AMsMvHCPLoBwJP7xzvmVZBoTNZxVQ</key>` +
	`<key rid='33333333' prekey='true'>MwohBXqsN0ZQ3kT7eMxLkGGVHcOI0wFMuZrYqYHCXnUPLXscEAAYACIwP2c0hIHGmYy3M5LyGbHTzKSwCGoBHwMdKO8AMsMvHCPLoBwJP7xzvmVZBoTNZxVQ</key>` +
	`<iv>AAECAwQFBgcICQoL</iv></header><payload>QWxsIGhhcHB5IGZhbWlsaWVzIGFyZSBhbGlrZTsgZXZlcnkgdW5oYXBweSBmYW1pbHkgaXMgdW5oYXBweSBpbiBpdHMgb3duIHdheS4=</payload></encrypted>` +
	`<encryption xmlns='urn:xmpp:eme:0' name='OMEMO' namespace='eu.siacs.conversations.axolotl'/><store xmlns='urn:xmpp:hints'/>` +
	`<origin-id xmlns='urn:xmpp:sid:0' id='a1b2c3d4'/><request xmlns='urn:xmpp:receipts'/><markable xmlns='urn:xmpp:chat-markers:0'/><body>I sent you an OMEMO encrypted message</body></message>`

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	b.SetBytes(int64(len(omemo)))
	for b.Loop() {
		if _, err := Parse(omemo, wide, Scope{Default: "jabber:client"}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCutAndParse(b *testing.B) {
	c := Cutter{Limits: wide, open: true, started: true}
	in := []byte(omemo)
	b.ReportAllocs()
	for b.Loop() {
		k, n, err := c.Cut(in)
		if k != Whole || err != nil {
			b.Fatal(k, err)
		}
		if _, err := Parse(string(in[:n]), wide, Scope{Default: "jabber:client"}); err != nil {
			b.Fatal(err)
		}
	}
}
