package jid

import (
	"errors"
	"strings"
	"testing"

	mjid "mellium.im/xmpp/jid"
)

func TestParse(t *testing.T) {
	for _, tt := range []struct{ in, local, domain, resource string }{
		{"alice@example.org/phone", "alice", "example.org", "phone"},
		{"example.org", "", "example.org", ""},
		{"example.org/x y", "", "example.org", "x y"},
		{"Alice@Example.ORG/Phone", "alice", "example.org", "Phone"},
		{"a@b/c@d/e", "a", "b", "c@d/e"},
		{"a@b/c/d", "a", "b", "c/d"},
		{"Ünïcode@bücher.example/Ω", "ünïcode", "bücher.example", "Ω"},
		{"user@127.0.0.1/r", "user", "127.0.0.1", "r"},
		{"user@[::1]/r", "user", "[::1]", "r"},
	} {
		j, err := Parse(tt.in)
		if err != nil {
			t.Errorf("Parse(%q): %v", tt.in, err)
			continue
		}
		if j.Local() != tt.local || j.Domain() != tt.domain || j.Resource() != tt.resource {
			t.Errorf("Parse(%q) = %q %q %q", tt.in, j.Local(), j.Domain(), j.Resource())
		}
		again, err := Parse(j.String())
		if err != nil || again != j {
			t.Errorf("Parse(%q) does not return to itself: %v %v", j, again, err)
		}
		if j.Bare().WithResourceMust(t, "zz").Bare() != j.Bare() {
			t.Errorf("%q: Bare is not stable", j)
		}
	}
}

func (j JID) WithResourceMust(t *testing.T, r string) JID {
	t.Helper()
	w, err := j.WithResource(r)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestParseRefuses(t *testing.T) {
	for _, in := range []string{
		"", "@example.org", "alice@", "alice@example.org/", "/x", "a b@example.org", "a\"@example.org",
		"a@exa mple.org", "a@example.org/\x00", "a@\xff", strings.Repeat("a", 1024) + "@x", "x/" + strings.Repeat("a", 1024),
		"a@" + strings.Repeat("b", 2000), "a@example..org", "alice@@example.org",
	} {
		if j, err := Parse(in); !errors.Is(err, ErrInvalid) {
			t.Errorf("Parse(%q) = %q, %v; want ErrInvalid", in, j, err)
		}
	}
}

// FuzzParse holds the short way against mellium's long one: whatever the short way
// accepts must come out of the PRECIS profiles unchanged.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"alice@example.org/phone", "example.org", "A@B/C", "a-b@c-d.e", "a@xn--bcher-kva.example", "a@b./c", "~=+@1.2"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		j, err := Parse(s)
		if err != nil {
			return
		}
		m, err := mjid.New(j.Local(), j.Domain(), j.Resource())
		if err != nil {
			t.Fatalf("%q accepted as %q, refused by PRECIS: %v", s, j, err)
		}
		if m.Localpart() != j.Local() || m.Domainpart() != j.Domain() || m.Resourcepart() != j.Resource() {
			t.Fatalf("%q: %q differs from PRECIS %q", s, j, m)
		}
		if again, err := Parse(j.String()); err != nil || again != j {
			t.Fatalf("%q: not idempotent: %q %v", s, again, err)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse("alice@example.org/phone.x1"); err != nil {
			b.Fatal(err)
		}
	}
}
