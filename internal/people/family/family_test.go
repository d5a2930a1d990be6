package family

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"slices"
	"testing"
	"time"

	"kith/internal/clock"
	"kith/internal/jid"
	"kith/internal/people"
	"kith/server/servertest"
)

// Robin signs in on a device that was never there, and has everything that was ever said, readable and in
// its order; then somebody answers, and in a group too.
func TestHousehold(t *testing.T) {
	s := servertest.New(t)
	for _, a := range Accounts() {
		s.Account(a.Local)
	}
	dial := func(context.Context) (net.Conn, *tls.Config, error) { return s.Pipe(), s.TLS(), nil }
	log := slog.New(slog.DiscardHandler)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	f, err := MoveIn(ctx, Options{
		Domain: "example.org", Groups: "groups.example.org", Password: servertest.Password, Dial: dial, Seed: 1, Still: true, Clock: clock.Real{}, Log: log,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Leave()
	living, stop := context.WithCancel(ctx)
	told, over := make(chan struct{}), make(chan error, 1)
	go func() { over <- f.Live(living, func() { close(told) }) }()

	device, err := people.New(people.Options{
		Address: f.address(robin), Password: servertest.Password, Dial: dial, WithoutArchive: true, Clock: clock.Real{}, Log: log,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer device.Cut()
	if err := device.SignIn(ctx); err != nil {
		t.Fatal(err)
	}
	if err := device.Appear(ctx, "", ""); err != nil {
		t.Fatal(err)
	}
	for _, c := range circles() {
		if err := device.Enter(ctx, f.room(c), self.name); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case <-told:
	case err := <-over:
		t.Fatal(err)
	}
	for _, c := range f.cast {
		expect(t, ctx, device, f.address(c.local), c.chat)
	}
	for _, c := range circles() {
		expect(t, ctx, device, f.room(c), c.chat)
	}
	device.Look(func(v people.View) {
		if c := v.Contact(f.address(stranger.local)); !c.Asks {
			t.Errorf("the stranger does not ask: %+v", c)
		}
		if c := v.Contact(f.address(silent)); !c.Asked {
			t.Errorf("nobody was asked: %+v", c)
		}
		if shows := v.Shows(f.address("jonas")); len(shows) != 1 || !slices.ContainsFunc(values(shows), func(s string) bool { return s == "dnd" }) {
			t.Errorf("jonas shows %v", shows)
		}
		if shows := v.Shows(f.address("priya")); len(shows) != 0 {
			t.Errorf("priya shows %v", shows)
		}
	})

	for chat, whose := range map[jid.JID][]string{f.address("mara"): {"mara"}, f.room(circles()[1]): circles()[1].members} {
		before := 0
		device.Look(func(v people.View) { before = len(theirs(v, chat)) })
		device.Write(chat, "Hello?")
		err := device.Until(ctx, "an answer", func(v people.View) bool { return len(theirs(v, chat)) > before })
		if err != nil {
			t.Fatal(err)
		}
		device.Look(func(v people.View) {
			m := theirs(v, chat)[before]
			if !slices.Contains(whose, m.From.Local()) || !slices.Contains(f.character(m.From.Local()).answers, m.Text) {
				t.Errorf("the answer in %s is %+v", chat, m)
			}
		})
	}
	stop()
	if err := <-over; err != nil {
		t.Error(err)
	}
}

// expect looks whether a chat is what was said there.
func expect(t *testing.T, ctx context.Context, p *people.Person, chat jid.JID, lines []line) {
	t.Helper()
	lines = slices.DeleteFunc(slices.Clone(lines), func(l line) bool { return l.leaves })
	err := p.Until(ctx, "what was said to "+chat.String(), func(v people.View) bool { return len(v.Messages(chat)) >= len(lines) })
	if err != nil {
		t.Fatal(err)
	}
	p.Look(func(v people.View) {
		all := v.Messages(chat)
		if len(all) != len(lines) {
			t.Fatalf("%s has %d messages, want %d", chat, len(all), len(lines))
		}
		for i, m := range all {
			by := lines[i].by
			if by == "" {
				by = chat.Local()
			}
			if m.Text != lines[i].text || m.From.Local() != by || m.Problem != "" {
				t.Errorf("message %d of %s is %+v, want %q by %s", i, chat, m, lines[i].text, by)
			}
			if time.Since(m.At) < time.Minute {
				t.Errorf("message %d of %s is from now", i, chat)
			}
		}
	})
}

func values(m map[jid.JID]string) (all []string) {
	for _, v := range m {
		all = append(all, v)
	}
	return all
}

// Times keep the order of what was said, at every hour of the day.
func TestTimesAreInOrder(t *testing.T) {
	for hour := range 24 {
		now := time.Date(2031, 3, 31, hour, 1, 0, 0, time.UTC)
		chats := [][]line{chatInFamily(), chatAboutHut()}
		for _, c := range cast() {
			chats = append(chats, c.chat)
		}
		for _, lines := range chats {
			var last time.Time
			for i, at := range times(lines, now) {
				if lines[i].leaves {
					continue
				}
				if !at.After(last) || at.After(now) {
					t.Errorf("at %s, %q was said at %s after %s", now, lines[i].text, at, last)
				}
				last = at
			}
		}
	}
}

// The same seed gives the same household, another one another.
func TestSeed(t *testing.T) {
	paint := func(seed uint64) string {
		p, err := portrait(rolled(seed, "picture of mara"))
		if err != nil {
			t.Fatal(err)
		}
		return string(p)
	}
	one, again, two := paint(1), paint(1), paint(2)
	if one != again || one == two {
		t.Error("portraits do not depend on the seed alone")
	}
	if n := len(one); n > 32<<10 {
		t.Errorf("a portrait has %d bytes", n)
	}
}
