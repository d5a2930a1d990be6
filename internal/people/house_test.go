package people_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"kith/internal/clock"
	"kith/internal/jid"
	"kith/internal/people"
	"kith/server/servertest"
)

// patience is how long something may take that must happen.
const patience = time.Minute

// house is a server that can be started again, and people on it.
type house struct {
	t   *testing.T
	dir string

	mu     sync.Mutex // guards server
	server *servertest.Server
}

func newHouse(t *testing.T, accounts ...string) *house {
	t.Helper()
	h := &house{t: t, dir: t.TempDir()}
	h.start()
	h.server.Account(accounts...)
	return h
}

func (h *house) start() {
	h.t.Helper()
	s := servertest.New(h.t, func(o *servertest.Options) { o.Dir = h.dir })
	h.mu.Lock()
	defer h.mu.Unlock()
	h.server = s
}

// restart stops the server, whose data stay, and starts another one.
func (h *house) restart() {
	h.t.Helper()
	h.server.Stop()
	h.start()
}

func (h *house) dial(context.Context) (net.Conn, *tls.Config, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.server.Pipe(), h.server.TLS(), nil
}

// device is one of an account, not connected yet.
func (h *house) device(account string, change ...func(*people.Options)) *people.Person {
	h.t.Helper()
	o := people.Options{
		Address: address(account), Password: servertest.Password, Dial: h.dial, Clock: clock.Real{}, Log: slog.New(slog.DiscardHandler),
	}
	for _, f := range change {
		f(&o)
	}
	p, err := people.New(o)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(p.Cut)
	return p
}

func address(account string) jid.JID { return jid.Must(account + "@example.org") }

// online connects devices and shows their presence.
func (h *house) online(all ...*people.Person) {
	h.t.Helper()
	for _, p := range all {
		ctx, cancel := context.WithTimeout(h.t.Context(), patience)
		defer cancel()
		if err := p.SignIn(ctx); err != nil {
			h.t.Fatal(err)
		}
		if err := p.Appear(ctx, "", ""); err != nil {
			h.t.Fatal(err)
		}
	}
}

// friends makes contacts of two people who are online.
func (h *house) friends(a, b *people.Person) {
	h.t.Helper()
	for _, pair := range [][2]*people.Person{{a, b}, {b, a}} {
		if err := pair[0].Befriend(h.t.Context(), pair[1].Address(), "", ""); err != nil {
			h.t.Fatal(err)
		}
	}
	for _, pair := range [][2]*people.Person{{a, b}, {b, a}} {
		until(h.t, pair[0], "a contact with keys", func(v people.View) bool {
			return v.Contact(pair[1].Address()).Mutual() && len(v.Devices(pair[1].Address())) > 0
		})
	}
}

func until(t *testing.T, p *people.Person, what string, holds func(people.View) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := p.Until(ctx, what, holds); err != nil {
		p.Look(func(v people.View) {
			for _, m := range v.All() {
				t.Logf("%+v", m)
			}
		})
		t.Fatal(err)
	}
}

// has waits until somebody's chat is what is expected, each line "me: text" or "name: text".
func has(t *testing.T, p *people.Person, peer string, want ...string) {
	t.Helper()
	until(t, p, fmt.Sprintf("%d messages of %s", len(want), peer), func(v people.View) bool { return len(v.Messages(address(peer))) >= len(want) })
	p.Look(func(v people.View) {
		if got := transcript(v, peer); strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("%s and %s:\n%s\nwant:\n%s", p.Address(), peer, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	})
}

func transcript(v people.View, peer string) []string {
	var lines []string
	for _, m := range v.Messages(address(peer)) {
		who := peer
		if m.Own {
			who = "me"
		}
		text := m.Text
		if m.Problem != "" {
			text = "[" + string(m.Problem) + "]"
		}
		lines = append(lines, who+": "+text)
	}
	return lines
}

func contains(v people.View, peer, text string) bool {
	for _, m := range v.Messages(address(peer)) {
		if m.Text == text {
			return true
		}
	}
	return false
}

// search names a file of the server in which one of the texts can be read.
func (h *house) search(texts ...string) (found string) {
	h.t.Helper()
	err := filepath.WalkDir(h.dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		for _, text := range texts {
			if bytes.Contains(data, []byte(text)) {
				found = name
			}
		}
		return nil
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return found
}
