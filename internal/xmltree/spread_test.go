package xmltree

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// What is written out anew so that it stands alone names its namespaces where they are used. A name that is declared once
// and used a thousand times may not make a thousand times as much of it.
func TestCopyOfWhatIsTakenIsBounded(t *testing.T) {
	lim := Limits{Bytes: 64 << 10, Elements: 4096, Depth: 64, Attrs: 64}
	long := strings.Repeat("n", 30<<10)
	attrs := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, " p:a%d=''", i)
		}
		return b.String()
	}
	for name, src := range map[string]string{
		"elements with a prefix":   `<m xmlns='c' xmlns:p='` + long + `'>` + strings.Repeat(`<p:a/>`, 3000) + `</m>`,
		"attributes with a prefix": `<m xmlns='c' xmlns:p='` + long + `'>` + strings.Repeat(`<a`+attrs(60)+`/>`, 60) + `</m>`,
		"by turns":                 `<m xmlns='` + long + `' xmlns:p='c'>` + strings.Repeat(`<p:a><b/></p:a>`, 2000) + `</m>`,
		"not the default":          `<m xmlns='c' xmlns:p='` + long + `'><x xmlns='d'>` + strings.Repeat(`<p:a/>`, 3000) + `</x></m>`,
	} {
		e, err := Parse(src, lim, Scope{})
		if err == nil {
			t.Errorf("%s: %d bytes of it became %d", name, len(src), NewWriter(0).Copy(e, "").Len())
		} else if !errors.Is(err, ErrTooBig) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// A prefix of the stream is no different.
	_, scope, err := ParseOpen(`<s xmlns='c' xmlns:p='`+strings.Repeat("n", 16<<10)+`'>`, lim)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Parse(`<m>`+strings.Repeat(`<p:a/>`, 4000)+`</m>`, lim, scope); !errors.Is(err, ErrTooBig) {
		t.Errorf("a prefix of the stream: %v", err)
	}
	// What people send is taken: a namespace for each child, and one prefix for many.
	for name, src := range map[string]string{
		"each its own":      `<m xmlns='c'>` + strings.Repeat(`<x xmlns='http://jabber.org/protocol/muc#user'><y/></x>`, 1000) + `</m>`,
		"one for all":       `<m xmlns='c' xmlns:p='http://jabber.org/protocol/muc#user'>` + strings.Repeat(`<p:x a='b'/>`, 1500) + `</m>`,
		"nested in its own": `<m xmlns='c'><x xmlns='` + long + `'>` + strings.Repeat(`<y/>`, 4000) + `</x></m>`,
	} {
		if e, err := Parse(src, lim, Scope{}); err != nil {
			t.Errorf("%s: %v", name, err)
		} else if n := NewWriter(0).Copy(e, "").Len(); n > 3*lim.Bytes {
			t.Errorf("%s: %d bytes became %d", name, len(src), n)
		}
	}
}

// Nor may thousands of prefixes be in force at once, each of which is looked through for every name.
func TestDeclarationsInForce(t *testing.T) {
	lim := Limits{Bytes: 1 << 20, Elements: 8192, Depth: 64, Attrs: 64}
	var b strings.Builder
	for i := range 60 {
		b.WriteString("<a")
		for k := range 60 {
			fmt.Fprintf(&b, " xmlns:p%d='s'", 60*i+k)
		}
		b.WriteString(">")
	}
	b.WriteString(strings.Repeat("</a>", 60))
	if _, err := Parse(b.String(), lim, Scope{}); !errors.Is(err, ErrTooBig) {
		t.Errorf("3600 prefixes: %v", err)
	}
	if _, err := Parse(`<a>`+strings.Repeat(`<b xmlns='s' xmlns:p='q'><p:c/></b>`, 2000)+`</a>`, lim, Scope{}); err != nil {
		t.Errorf("one after the other: %v", err)
	}
}
