package stanza

import (
	"errors"
	"testing"

	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/xmltree"
)

var lim = xmltree.Limits{Bytes: 1 << 18, Elements: 1000, Depth: 50, Attrs: 50}

func read(t testing.TB, src, stream, contentNS string) (*Stanza, error) {
	t.Helper()
	_, scope, err := xmltree.ParseOpen(stream, lim)
	if err != nil {
		t.Fatal(err)
	}
	e, err := xmltree.Parse(src, lim, scope)
	if err != nil {
		t.Fatalf("%s: %v", src, err)
	}
	return Read(e, contentNS)
}

const (
	c2s = `<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' xmlns:q='urn:q'>`
	s2s = `<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams'>`
	ws  = `<open xmlns='urn:ietf:params:xml:ns:xmpp-framing'>`
)

func TestForwarding(t *testing.T) {
	alice := jid.Must("alice@example.org/a")
	for _, tt := range []struct{ name, stream, ns, in, out string }{
		{
			"as it came", c2s, ns.Client, `<message to='b@x' type='chat' id="1"><body  a="1">x &amp; y</body></message>`,
			`<message to='b@x' from='alice@example.org/a' id='1' type='chat'><body  a="1">x &amp; y</body></message>`,
		},
		{
			"websocket", ws, ns.Client, `<message xmlns="jabber:client" to='b@x'><body>x</body></message>`,
			`<message to='b@x' from='alice@example.org/a'><body>x</body></message>`,
		},
		{
			"prefix of the stream", c2s, ns.Client, `<message><q:x a='1'/></message>`,
			`<message from='alice@example.org/a'><x xmlns='urn:q' a='1'/></message>`,
		},
		{
			"prefix of the stanza", c2s, ns.Client, `<message xmlns:p='urn:p'><p:x/><body>b</body></message>`,
			`<message from='alice@example.org/a'><x xmlns='urn:p'/><body>b</body></message>`,
		},
		{
			"prefixed stanza", c2s, ns.Client, `<c:message xmlns:c='jabber:client' xmlns='urn:z'><c:body>b</c:body><z/></c:message>`,
			`<message from='alice@example.org/a'><body>b</body><z xmlns='urn:z'/></message>`,
		},
		{
			"server to server", s2s, ns.Server, `<message to='b@x'><body>b</body><x xmlns='urn:x'/></message>`,
			`<message to='b@x' from='alice@example.org/a'><body>b</body><x xmlns='urn:x'/></message>`,
		},
		{
			"other attributes", c2s, ns.Client, `<message to='b@x' foo='&lt;1' xml:lang='de'/>`,
			`<message to='b@x' from='alice@example.org/a' xml:lang='de' foo='&lt;1'/>`,
		},
		{"unknown message type", c2s, ns.Client, `<message type='loud'/>`, `<message from='alice@example.org/a'/>`},
	} {
		s, err := read(t, tt.in, tt.stream, tt.ns)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if got := s.Stamp(alice).String(); got != tt.out {
			t.Errorf("%s:\n got %s\nwant %s", tt.name, got, tt.out)
		}
		if got := len(s.String()); got != s.Size() {
			t.Errorf("%s: Size %d, is %d", tt.name, s.Size(), got)
		}
		again, err := Parse(s.String())
		if err != nil || again.Header != s.Header {
			t.Errorf("%s: parsed back: %+v %v", tt.name, again, err)
		}
		for c := range s.Root().Children() {
			if c.Space() == ns.Server {
				t.Errorf("%s: child in %s", tt.name, c.Space())
			}
		}
	}
}

func TestFramed(t *testing.T) {
	s := New(Header{Kind: Presence, ID: "1"}, "")
	if got := string(s.AppendFramed(nil)); got != `<presence id='1' xmlns='jabber:client'/>` {
		t.Error(got)
	}
}

func TestReadRefuses(t *testing.T) {
	for in, want := range map[string]error{
		`<foo/>`:                   ErrKind,
		`<message xmlns='urn:x'/>`: ErrKind,
		`<message to='@'/>`:        ErrAddress,
		`<iq type='get' id='1' to='a b@c'><x/></iq>`: ErrAddress,
		`<iq type='get'><x/></iq>`:                   ErrType,
		`<iq type='get' id='1'/>`:                    ErrType,
		`<iq type='set' id='1'><a/><b/></iq>`:        ErrType,
		`<iq type='result' id='1'><a/><b/></iq>`:     ErrType,
		`<iq type='foo' id='1'><a/></iq>`:            ErrType,
		`<iq id='1'><a/></iq>`:                       ErrType,
		`<presence type='invisible'/>`:               ErrType,
	} {
		s, err := read(t, in, c2s, ns.Client)
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", in, err, want)
		}
		if (s == nil) != errors.Is(want, ErrKind) {
			t.Errorf("%s: stanza %v", in, s)
		}
	}
}

func TestEdit(t *testing.T) {
	s, err := Parse(`<message to='b@x' id='1'><body>x</body><stanza-id xmlns='urn:xmpp:sid:0' id='f' by='b@x'/>t<stanza-id xmlns='urn:xmpp:sid:0' id='g' by='c@x'/></message>`)
	if err != nil {
		t.Fatal(err)
	}
	e := s.Without(func(c xmltree.Element) bool { return c.Is(ns.StanzaID, "stanza-id") && c.Attr("by") == "b@x" }).Plus(`<a xmlns='u'/>`)
	const want = `<message to='b@x' id='1'><body>x</body>t<stanza-id xmlns='urn:xmpp:sid:0' id='g' by='c@x'/><a xmlns='u'/></message>`
	if e.String() != want {
		t.Errorf("got %s", e)
	}
	if !e.Child(ns.StanzaID, "stanza-id").Is(ns.StanzaID, "stanza-id") || e.Child("u", "a").IsZero() {
		t.Error("tree of the edited stanza")
	}
	if s.Without(func(xmltree.Element) bool { return false }) != s {
		t.Error("an edit that changes nothing makes a new stanza")
	}
}

func TestErrors(t *testing.T) {
	iq, _ := Parse(`<iq type='get' id='7' from='a@x/1' to='b@x'><q xmlns='u'/></iq>`)
	f := &Fault{Condition: ItemNotFound, Text: "no <such> thing", App: "gone", AppNS: "urn:g"}
	e := iq.Fail(f)
	const want = `<iq to='a@x/1' from='b@x' id='7' type='error'><error type='cancel' code='404'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>` +
		`<text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas' xml:lang='en'>no &lt;such&gt; thing</text><gone xmlns='urn:g'/></error></iq>`
	if e.String() != want {
		t.Error(e)
	}
	if e.Fail(f) != nil {
		t.Error("an error is answered with an error")
	}
	back := e.ReadFault()
	if back.Condition != ItemNotFound || back.Text != f.Text || back.App != "gone" || back.Kind != "cancel" {
		t.Errorf("%+v", back)
	}
	if AsFault(errors.New("x")).Condition != InternalServerError {
		t.Error("AsFault")
	}
}

func BenchmarkForward(b *testing.B) {
	src := `<message to='bob@example.org' type='chat' id='a1b2c3d4'><body>hello</body><request xmlns='urn:xmpp:receipts'/></message>`
	from := jid.Must("alice@example.org/phone")
	buf := make([]byte, 0, 1000)
	b.ReportAllocs()
	for b.Loop() {
		e, err := xmltree.Parse(src, lim, xmltree.Scope{Default: ns.Client})
		if err != nil {
			b.Fatal(err)
		}
		s, err := Read(e, ns.Client)
		if err != nil {
			b.Fatal(err)
		}
		buf = s.Stamp(from).Append(buf[:0])
	}
}
