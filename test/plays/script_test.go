package plays

import (
	"strings"
	"testing"

	"kith/internal/xmltree"
)

func TestRead(t *testing.T) {
	p, err := Read("greeting", `# Alice greets Bob
# (RFC 6121).

# Not of the title.
servers kith prosody
contacts alice bob
[kith] alice/phone and alice/desk are online
alice/phone asks
	<iq type='get'
		to='{room2}'/>
and is answered
	<iq type='error'/>
bob/tv gets in any order
	<message/>
	<presence/>
bob/tv joins {room}
people carol
`)
	if err != nil {
		t.Fatal(err)
	}
	if p.Title != "Alice greets Bob (RFC 6121)." || strings.Join(p.Servers, " ") != "kith prosody" || strings.Join(p.People, " ") != "alice bob carol" ||
		strings.Join(p.Rooms, " ") != "room2 room" || len(p.Contacts) != 1 || len(p.Steps) != 5 {
		t.Errorf("read %+v", p)
	}
	first, ask, answer, any := p.Steps[0], p.Steps[1], p.Steps[2], p.Steps[3]
	if first.Verb != "is online" || len(first.Actors) != 2 || first.Servers[0] != "kith" || first.Line != 7 {
		t.Errorf("the first step is %+v", first)
	}
	if ask.Block[0].Text != "<iq type='get' to='{room2}'/>" || answer.Actors[0] != "alice/phone" {
		t.Errorf("%+v is answered by %+v", ask, answer)
	}
	if any.Verb != "gets in any order" || len(any.Block) != 2 {
		t.Errorf("the third step is %+v", any)
	}
}

// The head tells who takes part and how they are connected.
func TestReadHead(t *testing.T) {
	p, err := Read("head", "# t\nadmins alice\ncomponents vendor\nalso by websocket\n[kith] also by bosh\nvendor connects\nalice/phone is online by tcp\nvendor gets nothing\n")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Join(p.Admins, " ") != "alice" || strings.Join(p.People, " ") != "alice" || strings.Join(p.Components, " ") != "vendor" {
		t.Errorf("read %+v", p)
	}
	if len(p.By) != 3 || p.By[0].Transport != TCP || p.By[1].Transport != WebSocket || p.By[1].Servers != nil || p.By[2].Transport != BOSH || p.By[2].Servers[0] != "kith" {
		t.Errorf("by %+v", p.By)
	}
	if s := p.Steps[1]; s.Verb != "is online" || strings.Join(s.Words, " ") != "by tcp" {
		t.Errorf("the second step is %+v", s)
	}
}

func TestReadRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"alice/phone leaves":      "begins with a comment",
		"# t\n":                   "nothing is done",
		"# t\nalice/phone dances": "t.play:2: no verb",
		"# t\nalice leaves":       "no verb",
		"# t\nleaves":             "nobody does this",
		"# t\nservers sendmail\nalice/phone leaves":         "no server is called sendmail",
		"# t\n[sendmail] alice/phone leaves":                "no server is called sendmail",
		"# t\n\t<iq/>":                                      "belongs to a step",
		"# t\nalice/phone sends":                            "0 lines of XML",
		"# t\nalice/phone leaves\n\t<iq/>":                  "1 lines of XML",
		"# t\nalice/phone sends\n\t<iq>":                    "line 2",
		"# t\nalice/phone sends\n\twords":                   "XML elements were expected",
		"# t\nalice/phone asks\n\t<message/>":               "has one iq",
		"# t\nalice/phone dials by pigeon":                  "by something else",
		"# t\nalso by pigeon":                               "nothing is carried by pigeon",
		"# t\nalice/phone leaves\nalso by bosh":             "before the first step",
		"# t\nvendor connects":                              "no verb",
		"# t\nalice/phone requests GET":                     "a method and an address",
		"# t\nalice/phone authenticates as bob\n\t<auth/>":  "with something else",
		"# t\nalice/phone authenticates\n\t<auth/><auth/>":  "has one element",
		"# t\nalice/phone leaves\nand is answered\n\t<iq/>": "follows what somebody asks",
		"# t\ncontacts alice\nalice/phone leaves":           "two people",
		"# t\nalice/phone joins":                            "with 0 words",
	} {
		if _, err := Read("t", text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

func element(t *testing.T, text string) xmltree.Element {
	t.Helper()
	b, err := parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return b[0].Element
}

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		want, got, err string
	}{
		{"<message/>", "<message from='a'><body>x</body></message>", ""},
		{"<message/>", "<presence/>", "is not <message"},
		{"<message xmlns='urn:x'/>", "<message/>", "is not <message"},
		{"<message from='{alice}'/>", "<message from='alice@a'/>", ""},
		{"<message from='{alice}'/>", "<message from='bob@a'/>", `from is "bob@a"`},
		{"<message from='{alice}/phone'/>", "<message from='alice@a/phone'/>", ""},
		{"<message from='{alice}'/>", "<message from='alice@a/phone'/>", "from"},
		{"<message from='{carol}'/>", "<message/>", "nothing is known of {carol}"},
		{"<message id='{any}'/>", "<message/>", "id"},
		{"<message id='{none}'/>", "<message/>", ""},
		{"<message id='{none}'/>", "<message id='1'/>", "id"},
		{"<message type='{chat|normal|}'/>", "<message/>", ""},
		{"<message type='{chat|normal|}'/>", "<message type='headline'/>", "type"},
		{"<message><body>x</body></message>", "<message><body> x </body></message>", ""},
		{"<message><body>x</body></message>", "<message><body>xy</body></message>", "text"},
		{"<message><body/></message>", "<message><thread/></message>", "no <body/>"},
		// Each is found once.
		{"<a><b/><b/></a>", "<a><b/></a>", "no <b/>"},
		{"<a><b i='1'/><b i='2'/></a>", "<a><b i='2'/><b i='1'/></a>", ""},
		{"<a play:exact='yes'><b/></a>", "<a><b/><c/></a>", "<c/> is more"},
		{"<a play:exact='yes'><b/></a>", "<a><b><c/></b></a>", ""},
		{"<a><b play:not='yes'/></a>", "<a><c/></a>", ""},
		{"<a><b play:not='yes'/></a>", "<a><b/></a>", "must not be there"},
		{"<a><b/><b i='1' play:not='yes'/></a>", "<a><b i='1'/></a>", "must not be there"},
		// What is kept is the same everywhere.
		{"<a i='{keep x}'><b i='{x}'/></a>", "<a i='1'><b i='1'/></a>", ""},
		{"<a i='{keep x}'><b i='{x}'/></a>", "<a i='1'><b i='2'/></a>", "i is"},
		{"<a i='.*'/>", "<a i='anything'/>", "i is"},
	} {
		err := names{"alice": "alice@a"}.match(element(t, c.want), element(t, c.got))
		if c.err == "" && err != nil || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
			t.Errorf("%s for %s: %v, want %q", c.got, c.want, err, c.err)
		}
	}
}

// What was kept on the way to a mismatch is forgotten, and what is kept can be sent.
func TestKeep(t *testing.T) {
	n := names{}
	if n.match(element(t, "<a i='{keep x}'><b/></a>"), element(t, "<a i='1'/>")) == nil || len(n) != 0 {
		t.Errorf("kept %v", n)
	}
	if err := n.match(element(t, "<a i='id-{keep x}-end'/>"), element(t, "<a i='id-1&amp;2-end'/>")); err != nil || n["x"] != "1&2" {
		t.Errorf("kept %v: %v", n, err)
	}
	if text, err := n.fill("<b i='{x}'/>"); err != nil || text != "<b i='1&amp;2'/>" {
		t.Errorf("%s: %v", text, err)
	}
	if _, err := n.fill("<b i='{y}'/>"); err == nil {
		t.Error("y was never kept")
	}
}

func FuzzRead(f *testing.F) {
	f.Add("# t\nalice/phone sends\n\t<iq/>\n")
	f.Add("# t\n[kith] alice/phone and bob/x are online\nand is answered\n\t<iq/>")
	f.Fuzz(func(t *testing.T, text string) {
		if p, err := Read("t", text); err == nil && (len(p.Steps) == 0 || p.Title == "") {
			t.Errorf("%q is a play of nothing", text)
		}
	})
}
