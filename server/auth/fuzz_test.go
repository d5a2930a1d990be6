package auth_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"kith/internal/clock"
	"kith/internal/jid"
	"kith/server/auth"
	"kith/server/store/storetest"
)

// Whatever is typed as a name: what passes is an address, and stays the same when typed again.
func FuzzCheckName(f *testing.F) {
	for _, s := range []string{"Juliet", "a@example.org", "ＷＩＤＥ", "a b", "\u0345", "ß", "İ", "a@b@c"} {
		f.Add(s, false)
	}
	s, err := auth.New(f.Context(), auth.Options{
		Domain: "example.org", Config: auth.DefaultConfig(), Secret: auth.NewSecret(),
		Store: storetest.Open(f).Auth(), Clock: clock.NewFake(start),
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, name string, privileged bool) {
		local, err := s.CheckName(name, privileged)
		if err != nil {
			return
		}
		j, err := jid.Parse(local + "@example.org")
		if err != nil || j.Local() != local || !j.IsBare() {
			t.Fatalf("%q becomes %q, which is no localpart: %v", name, local, err)
		}
		if again, err := s.CheckName(local, privileged); err != nil || again != local {
			t.Fatalf("%q becomes %q and then %q, %v", name, local, again, err)
		}
	})
}

func FuzzParseUserAgent(f *testing.F) {
	f.Add(phone, "Awesome\nXMPP", "\u202ephone\xff")
	f.Fuzz(func(t *testing.T, id, software, device string) {
		a, err := auth.ParseUserAgent(id, software, device)
		if err != nil {
			return
		}
		for _, s := range []string{a.ID, a.Software, a.Device} {
			if !utf8.ValidString(s) || utf8.RuneCountInString(s) > 64 || strings.TrimSpace(s) != s ||
				strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
				t.Fatalf("%q", s)
			}
		}
	})
}
