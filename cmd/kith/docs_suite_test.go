package main

import (
	"fmt"
	"strings"
	"testing"
)

// duty is one line of the compliance suites that is for a server.
type duty struct {
	feature string
	// basic: of every server; otherwise of an advanced one alone.
	basic      bool
	rfcs, xeps []int
}

// category is one of the tables.
type category struct {
	name   string
	duties []duty
}

// suite is what the XMPP Compliance Suites 2023 (XEP-0479 version 0.1.0 section 2) ask of servers and of advanced
// servers. Lines that are for clients alone are marked there as not applicable to servers, and are not here.
func suite() []category {
	return []category{
		{"Core", []duty{
			{"Core features", true, []int{6120}, nil},
			{"TLS", true, []int{7590}, nil},
			{"Direct TLS", false, nil, []int{368}},
			{"Feature discovery", true, nil, []int{30}},
			{"Feature broadcasts", false, nil, []int{115}},
			{"Server extensibility", true, nil, []int{114}},
			{"Event publishing", false, nil, []int{163}},
		}},
		{"Web", []duty{
			{"Web connection mechanisms", true, []int{7395}, []int{206, 124}},
		}},
		{"IM", []duty{
			{"Core features", true, []int{6121}, nil},
			{"User avatar compatibility", false, nil, []int{398, 153}},
			{"vcard-temp", true, nil, []int{54}},
			{"Outbound message synchronization", true, nil, []int{280}},
			{"User blocking", false, nil, []int{191}},
			{"Group chat", true, nil, []int{45, 249}},
			{"Advanced group chat", false, nil, []int{48, 313, 402, 410}},
			{"Persistent storage of private data via PubSub", false, nil, []int{223}},
			{"Private XML storage", false, nil, []int{49}},
			{"Stream management", false, nil, []int{198}},
			{"History storage and retrieval", false, nil, []int{313}},
			{"File upload", true, nil, []int{363}},
		}},
		{"Mobile", []duty{
			{"Stream management", true, nil, []int{198}},
			{"Client state indication", true, nil, []int{352}},
			{"Third party push notifications", false, nil, []int{357}},
		}},
		{"A/V calling", []duty{
			{"STUN/TURN server discovery", true, nil, []int{215}},
		}},
	}
}

const suiteHead = `
## XMPP Compliance Suites 2023

What [XEP-0479](https://xmpp.org/extensions/xep-0479.html) asks of a server and of an advanced server, in all categories. What
it asks of clients alone passes through a server and is not listed. Kith does all of it: without one of the parts, this page
cannot be made.

| Category | Feature | Server | Advanced server | By |
|---|---|---|---|---|
`

// writeSuite tells by what each duty is done. With one that is not done, there is no page.
func writeSuite(t *testing.T, b *strings.Builder, p *protocols) {
	t.Helper()
	b.WriteString(suiteHead)
	for _, c := range suite() {
		for _, d := range c.duties {
			for _, missing := range p.missing(d) {
				t.Errorf("%s, %s: no part of the server says that it implements %s", c.name, d.feature, missing)
			}
			basic := ""
			if d.basic {
				basic = "✓"
			}
			fmt.Fprintf(b, "| %s | %s | %s | ✓ | %s |\n", c.name, d.feature, basic, strings.Join(d.by(), ", "))
		}
	}
	if t.Failed() {
		t.FailNow()
	}
}

// missing are those specifications of a duty that no part implements.
func (p *protocols) missing(d duty) (out []string) {
	for _, n := range d.rfcs {
		if !p.hasRFC(n) {
			out = append(out, fmt.Sprintf("RFC %d", n))
		}
	}
	for _, n := range d.xeps {
		if !p.hasXEP(n) {
			out = append(out, fmt.Sprintf("XEP-%04d", n))
		}
	}
	return out
}

func (d duty) by() (out []string) {
	for _, n := range d.rfcs {
		out = append(out, fmt.Sprintf("[RFC %d](https://www.rfc-editor.org/rfc/rfc%d)", n, n))
	}
	for _, n := range d.xeps {
		out = append(out, fmt.Sprintf("[%04d](https://xmpp.org/extensions/xep-%04d.html)", n, n))
	}
	return out
}

// A duty for which a part is missing does not go unnoticed.
func TestSuiteNoticesWhatIsMissing(t *testing.T) {
	p := declared(t)
	for _, d := range []duty{{xeps: []int{30, 9999}}, {rfcs: []int{6120, 3920}}} {
		if got := p.missing(d); len(got) != 1 {
			t.Errorf("of %+v is missing %q", d, got)
		}
	}
	for _, c := range suite() {
		for _, d := range c.duties {
			if len(d.xeps)+len(d.rfcs) == 0 {
				t.Errorf("%s, %s: done by nothing", c.name, d.feature)
			}
		}
	}
}
