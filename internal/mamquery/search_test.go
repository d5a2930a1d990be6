package mamquery

import (
	"slices"
	"strings"
	"testing"
)

func TestSearch(t *testing.T) {
	for _, c := range []struct {
		search, text string
		want         bool
	}{
		{"hello", "Hello, world", true},
		{"WORLD hel", "Hello, world", true},
		{"hello moon", "Hello, world", false},
		{"orld", "Hello, world", false},
		{"world", "Helloworld, world", true},
		{"muller", "Frau Müller", true},
		{"Müller", "frau muller", true},
		{"strasse", "Straße", true},
		{"σίσυφος", "ΣΊΣΥΦΟΣ", true},
		{"привіт", "Ну, Привіт!", true},
		{"京都", "明日京都に行く", true},
		{"ﬁne", "fine", true},
		{"#4711", "room #4711.", true},
		{"4711", "room #4711.", true},
		{"711", "room #4711.", false},
		{"😀", "well😀done", true},
		{"a.b", "see a.b/c", true},
		{"مرحبا", "مَرْحَبًا بك", true},
	} {
		s, err := ReadSearch(c.search)
		if err != nil || s.Finds([]string{c.text}) != c.want {
			t.Errorf("%q in %q: %v %v", c.search, c.text, !c.want, err)
		}
	}
	// Every term is in one of the texts.
	s, _ := ReadSearch("one zwei")
	if !s.Finds([]string{"one two", "eins zwei"}) || s.Finds([]string{"one two"}) || s.Finds(nil) {
		t.Error("of several texts")
	}
	for _, empty := range []string{"", " \t\n"} {
		if s, err := ReadSearch(empty); s != nil || err != nil {
			t.Errorf("%q: %v %v", empty, s, err)
		}
	}
	for _, much := range []string{strings.Repeat("x", 513), strings.Repeat("x ", 17)} {
		if _, err := ReadSearch(much); err == nil {
			t.Errorf("%q is looked for", much)
		}
	}
}

// Whatever somebody looks for, a message that says just that is found, and looking ends.
func FuzzSearch(f *testing.F) {
	f.Add("hello", "world")
	f.Add("Müller ß", "\xff\u0301")
	f.Add("ΣΊΣΥΦΟΣ", "a\u0301b")
	f.Fuzz(func(t *testing.T, search, text string) {
		s, err := ReadSearch(search)
		if err != nil || s == nil {
			return
		}
		if !s.Finds([]string{search}) {
			t.Errorf("%q does not find itself: %q", search, s)
		}
		_ = s.Finds([]string{text})
		if again, err := ReadSearch(strings.Join(s, " ")); err == nil && !slices.Equal(again, s) {
			t.Errorf("%q is looked for as %q", s, again)
		}
	})
}
