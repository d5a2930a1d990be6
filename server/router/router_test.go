package router_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"kith/internal/jid"
	"kith/internal/stanza"
	"kith/server/module"
	"kith/server/router"
	"kith/server/router/routertest"
)

// bench is a feature that the tests of this package drive: presence without subscriptions, and an
// archive whose commits end when the test says so.
type bench struct {
	mu      sync.Mutex // guards commits and log
	commits map[string]func(error)
	log     []string
	// archive says what is stored.
	archive func(*module.Passage) bool
	// miss says who takes care of what reaches nobody.
	miss func(*module.Passage) bool
	// filter may be nil.
	filter module.FilterHook
}

func (f *bench) note(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.log = append(f.log, fmt.Sprintf(format, args...))
}

func (f *bench) notes() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := f.log
	f.log = nil
	return out
}

// commit ends the commit of a message in the archive of an account.
func (f *bench) commit(t *testing.T, account, id string, err error) {
	t.Helper()
	f.mu.Lock()
	done := f.commits[account+" "+id]
	delete(f.commits, account+" "+id)
	f.mu.Unlock()
	if done == nil {
		t.Fatalf("%s has no commit of %s under way", account, id)
	}
	done(err)
}

func (f *bench) Register(r *module.Registry) {
	r.OnPresence(func(p *module.Passage) {
		if p.Direction == module.Incoming {
			for s := range p.Account.Sessions() {
				if p.Stanza.To.IsBare() || s.JID() == p.Stanza.To {
					s.Send(p.Stanza)
				}
			}
			return
		}
		switch {
		case !p.Stanza.To.IsZero():
			p.Account.Route(p.Stanza)
		case p.Stanza.Type == stanza.Unavailable:
			p.Session.SetPresence(nil)
		default:
			p.Session.SetPresence(p.Stanza)
		}
	})
	r.OnFilter(func(p *module.Passage) error {
		if f.filter == nil {
			return nil
		}
		return f.filter(p)
	})
	r.OnArchive(func(p *module.Passage, stored *module.Stored, done func(error)) bool {
		if f.archive == nil || !f.archive(p) {
			return false
		}
		p.Record = &module.Record{ID: p.Stanza.ID}
		write := func(shared *module.Stored) {
			what := "writes"
			if shared != nil {
				what = "shares"
			}
			f.note("%s %s %s", p.Account.JID().Local(), what, p.Stanza.ID)
			f.mu.Lock()
			defer f.mu.Unlock()
			if f.commits == nil {
				f.commits = map[string]func(error){}
			}
			f.commits[p.Account.JID().Local()+" "+p.Stanza.ID] = done
		}
		if p.Direction == module.Outgoing {
			p.Write = write
		} else {
			write(stored)
		}
		return true
	})
	r.OnCopy(func(p *module.Passage) {
		f.note("%s copies %s for %d", p.Account.JID().Local(), p.Stanza.ID, len(p.Targets))
	})
	r.OnMiss(func(p *module.Passage) bool { return f.miss != nil && f.miss(p) })
	r.OnOrphans(func(_ module.Account, s module.Session, all []*stanza.Stanza) {
		for _, st := range all {
			f.note("orphan of %s: %s", s.JID().Resource(), st.ID)
		}
	})
	for name, e := range map[string]module.SessionEvent{"bound": module.Bound, "unavailable": module.BecameUnavailable, "unbound": module.Unbound} {
		r.OnSession(e, func(_ module.Account, s module.Session) {
			if s.Presence() == nil && e == module.BecameUnavailable {
				name += " without presence"
			}
			f.note("%s %s", s.JID().Resource(), name)
		})
	}
	r.HandleIQ(module.OnAccount, stanza.Get, "urn:t", "t", func(q *module.IQ) error {
		if q.Payload.Attr("fail") != "" {
			return errors.New("secret cause")
		}
		q.Result(nil)
		return nil
	})
	r.HandleIQ(module.OnServer, stanza.Get, "urn:t", "t", func(q *module.IQ) error { q.Result(nil); return nil })
}

func in(t *testing.T, f func(t *testing.T, h *routertest.House, b *bench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := &bench{}
		f(t, routertest.New(t, b), b)
	})
}

func ids(all []*stanza.Stanza) string {
	var out []string
	for _, st := range all {
		s := st.ID
		if st.Type == stanza.Error {
			s += " " + string(st.ReadFault().Condition)
		}
		out = append(out, s)
	}
	return strings.Join(out, ", ")
}

func message(id, to string) string {
	return `<message id='` + id + `' type='chat' to='` + to + `'><body>x</body></message>`
}

func isDone(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// Commits end in any order; what comes of them keeps the order of the stanzas, for the recipient
// and for the sender alike.
func TestOrder(t *testing.T) {
	in(t, func(t *testing.T, h *routertest.House, b *bench) {
		b.archive = func(p *module.Passage) bool { return p.Direction == module.Incoming && p.Stanza.ID[0] == 'm' }
		a, bob := h.Bind("alice/a"), h.Bind("bob/b")
		bob.Send(`<presence/>`)
		h.Settle()
		for i := range 5 {
			a.Send(message(fmt.Sprintf("m%d", i), "bob@kith.example"))
			a.Send(fmt.Sprintf(`<iq id='i%d' type='get' to='bob@kith.example/b'><t xmlns='urn:t'/></iq>`, i))
			a.Send(fmt.Sprintf(`<presence id='p%d' to='bob@kith.example/b'/>`, i))
			a.Send(message(fmt.Sprintf("n%d", i), "bob@kith.example")) // not archived
		}
		h.Settle()
		if got := ids(bob.Take()); got != "" {
			t.Errorf("before any commit: %s", got)
		}
		for _, step := range []struct{ commit, got string }{
			{"m1", ""},
			{"m3", ""},
			{"m0", "m0, i0, p0, n0, m1, i1, p1, n1"},
			{"m4", ""},
			{"m2", "m2, i2, p2, n2, m3, i3, p3, n3, m4, i4, p4, n4"},
		} {
			b.commit(t, "bob", step.commit, nil)
			h.Settle()
			if got := ids(bob.Take()); got != step.got {
				t.Errorf("commit of %s: %s", step.commit, got)
			}
		}
	})
}

// A sender's archive: the message goes on while its own commit is under way, so that both share
// it; what is not a message waits behind it.
func TestOutgoingOrder(t *testing.T) {
	in(t, func(t *testing.T, h *routertest.House, b *bench) {
		b.archive = func(p *module.Passage) bool { return p.Direction == module.Outgoing }
		a, bob := h.Bind("alice/a"), h.Bind("bob/b")
		bob.Send(`<presence/>`)
		h.Settle()
		b.notes()
		a.Send(message("m0", "bob@kith.example"))
		a.Send(message("m1", "bob@kith.example"))
		a.Send(`<iq id='i0' type='get' to='bob@kith.example/b'><t xmlns='urn:t'/></iq>`)
		a.Send(message("m2", "bob@kith.example"))
		h.Settle()
		if got := ids(bob.Take()); got != "m0, m1" {
			t.Errorf("at once: %s", got)
		}
		b.commit(t, "alice", "m1", nil)
		h.Settle()
		b.commit(t, "alice", "m0", nil)
		h.Settle()
		// m2 could not overtake i0, but need not wait for its own commit.
		if got := ids(bob.Take()); got != "i0, m2" {
			t.Errorf("after two: %s", got)
		}
		b.commit(t, "alice", "m2", nil)
		h.Settle()
		want := []string{"bob copies m0 for 1", "bob copies m1 for 1", "alice copies m0 for 0", "alice copies m1 for 0", "bob copies m2 for 1", "alice copies m2 for 0"}
		if got := only(b.notes(), "copies"); !slices.Equal(got, want) {
			t.Errorf("copies: %q", got)
		}
	})
}

// only keeps the notes that contain a word.
func only(notes []string, word string) []string {
	return slices.DeleteFunc(notes, func(n string) bool { return !strings.Contains(n, word) })
}

// A stanza is accepted when all who keep it have it.
func TestAccept(t *testing.T) {
	const id = "m"
	for name, c := range map[string]struct {
		archive []string // who keeps it
		commits []string // in this order; it is accepted after the last
	}{
		"nobody keeps it":           {nil, nil},
		"the recipient":             {[]string{"bob"}, []string{"bob"}},
		"the sender":                {[]string{"alice"}, []string{"alice"}},
		"both, the sender first":    {[]string{"alice", "bob"}, []string{"alice", "bob"}},
		"both, the recipient first": {[]string{"alice", "bob"}, []string{"bob", "alice"}},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, h *routertest.House, b *bench) {
				b.archive = func(p *module.Passage) bool { return slices.Contains(c.archive, p.Account.JID().Local()) }
				b.miss = func(*module.Passage) bool { return true }
				h.Add("bob")
				accepted := h.Bind("alice/a").Send(message(id, "bob@kith.example"))
				for i, account := range c.commits {
					h.Settle()
					if isDone(accepted) {
						t.Fatalf("accepted after %d of %d commits", i, len(c.commits))
					}
					b.commit(t, account, id, nil)
				}
				h.Settle()
				if !isDone(accepted) {
					t.Error("not accepted")
				}
				// Who finds it in the own archive after a crash may rely on it that the other has it.
				if got, want := only(b.notes(), "shares"), []string{"bob shares m", "alice shares m"}; len(c.archive) == 2 && !slices.Equal(got, want) {
					t.Errorf("the archives wrote %q, want %q", got, want)
				}
			})
		})
	}
}

// Everything is accepted in the end: refused, ignored, sent away, answered.
func TestAcceptOfTheRest(t *testing.T) {
	in(t, func(t *testing.T, h *routertest.House, b *bench) {
		b.filter = func(p *module.Passage) error {
			switch p.Stanza.ID {
			case "drop":
				return module.ErrDrop
			case "refuse":
				return stanza.Refuse(stanza.Forbidden, "")
			}
			return nil
		}
		a := h.Bind("alice/a")
		h.Bind("bob/b")
		for _, xml := range []string{
			`<presence/>`, `<presence to='nobody@kith.example' id='1'/>`, `<presence to='bob@kith.example/b' id='1'/>`,
			`<iq type='get' id='1'><t xmlns='urn:t'/></iq>`, `<iq type='get' id='1'><unknown xmlns='urn:t'/></iq>`,
			`<iq type='get' id='1' to='kith.example'><t xmlns='urn:t'/></iq>`, `<iq type='result' id='1'/>`,
			`<iq type='get' id='1' to='bob@kith.example'><t xmlns='urn:t'/></iq>`, `<iq type='get' id='1' to='bob@kith.example/x'><t xmlns='urn:t'/></iq>`,
			`<message id='1' to='nobody@kith.example'/>`, `<message id='1' to='bob@kith.example'/>`, `<message id='1' to='x@else.example'/>`,
			`<message id='1'/>`, `<message id='1' type='error' to='bob@kith.example'/>`,
			`<message id='drop' to='bob@kith.example'/>`, `<message id='refuse' to='bob@kith.example'/>`,
			`<presence type='subscribe' to='kith.example'/>`, `<message id='1' to='kith.example'/>`,
		} {
			accepted := a.Send(xml)
			h.Settle()
			if !isDone(accepted) {
				t.Errorf("not accepted: %s", xml)
			}
		}
		for _, xml := range []string{
			`<message id='drop' to='bob@kith.example' from='x@else.example'/>`, `<message id='refuse' to='bob@kith.example' from='x@else.example'/>`,
			`<message id='1' to='nobody@kith.example' from='x@else.example'/>`, `<presence id='1' type='subscribe' to='nobody@kith.example' from='x@else.example'/>`,
		} {
			accepted := h.Receive(xml)
			h.Settle()
			if !isDone(accepted) {
				t.Errorf("not accepted: %s", xml)
			}
		}
	})
}

// A commit that fails: the sender learns it and nothing is delivered.
func TestFailedCommit(t *testing.T) {
	in(t, func(t *testing.T, h *routertest.House, b *bench) {
		b.archive = func(p *module.Passage) bool { return p.Account.JID().Local() == "bob" }
		a, bob := h.Bind("alice/a"), h.Bind("bob/b")
		bob.Send(`<presence/>`)
		accepted := a.Send(message("m1", "bob@kith.example"))
		a.Send(message("m2", "bob@kith.example"))
		h.Settle()
		b.commit(t, "bob", "m2", nil)
		b.commit(t, "bob", "m1", errors.New("disk full"))
		h.Settle()
		if got := ids(bob.Take()); got != "m2" {
			t.Errorf("bob got %s", got)
		}
		if got := a.Take(); ids(got) != "m1 internal-server-error" || strings.Contains(got[0].String(), "disk") {
			t.Errorf("alice got %s", routertest.Text(got))
		}
		if !isDone(accepted) {
			t.Error("not accepted")
		}
	})
}

// RFC 6121 section 8.5 as a table: whom a stanza reaches, by its recipient, and what the sender
// gets. "-" is nobody.
func TestDelivery(t *testing.T) {
	const table = `
		# kind     type      to            reaches     answer
		message    chat      bare          one,two     -
		message    normal    bare          one,two     -
		message    headline  bare          one,two     -
		message    groupchat bare          -           service-unavailable
		message    error     bare          -           -
		message    chat      one           one         -
		message    normal    one           one         -
		message    headline  one           one         -
		message    groupchat one           one         -
		message    error     one           one         -
		message    chat      negative      negative    -
		message    normal    silent        silent      -
		message    chat      nowhere       one,two     -
		message    normal    nowhere       -           service-unavailable
		message    groupchat nowhere       -           service-unavailable
		message    headline  nowhere       -           -
		message    error     nowhere       -           -
		iq         get       bare          -           result
		iq         get       one           one         -
		iq         set       one           one         -
		iq         result    one           one         -
		iq         error     one           one         -
		iq         get       silent        silent      -
		iq         get       nowhere       -           service-unavailable
		iq         set       nowhere       -           service-unavailable
		iq         result    nowhere       -           -
		iq         error     nowhere       -           -
		iq         set       bare          -           service-unavailable
		iq         result    bare          -           -
		iq         error     bare          -           -
	`
	const away = `
		message    chat      bare          -           service-unavailable
		message    normal    bare          -           service-unavailable
		message    headline  bare          -           -
		message    groupchat bare          -           service-unavailable
		message    error     bare          -           -
		message    chat      nowhere       -           service-unavailable
		message    normal    nowhere       -           service-unavailable
		message    headline  nowhere       -           -
		message    error     nowhere       -           -
		iq         get       bare          -           result
		iq         get       nowhere       -           service-unavailable
	`
	const missing = `
		message    chat      bare          -           service-unavailable
		message    normal    one           -           service-unavailable
		message    headline  bare          -           service-unavailable
		message    groupchat bare          -           service-unavailable
		message    error     bare          -           -
		iq         get       bare          -           service-unavailable
		iq         set       one           -           service-unavailable
		iq         result    one           -           -
		presence   subscribe bare          -           -
		presence   probe     bare          -           -
		presence   unavailable bare        -           -
	`
	// With an archive or an offline store that takes what reaches nobody.
	const kept = `
		message    chat      bare          -           -
		message    normal    bare          -           -
		message    headline  bare          -           -
		message    groupchat bare          -           service-unavailable
		message    chat      nowhere       -           -
		message    normal    nowhere       -           service-unavailable
	`
	for name, rows := range map[string]string{"sessions": table, "away": away, "no account": missing, "kept": kept} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, h *routertest.House, b *bench) {
				clients := map[string]*routertest.Client{}
				switch name {
				case "sessions":
					for resource, presence := range map[string]string{
						"one": `<presence/>`, "two": `<presence><priority>0</priority></presence>`,
						"negative": `<presence><priority>-1</priority></presence>`, "silent": "",
					} {
						c := h.Bind("bob/" + resource)
						if presence != "" {
							c.Send(presence)
						}
						clients[resource] = c
					}
				case "away":
					h.Add("bob")
					clients["silent"] = h.Bind("bob/silent")
				case "kept":
					h.Add("bob")
					b.miss = func(*module.Passage) bool { return true }
				}
				for line := range strings.Lines(rows) {
					f := strings.Fields(line)
					if len(f) == 0 || f[0] == "#" {
						continue
					}
					to := "bob@kith.example"
					if f[2] != "bare" {
						to += "/" + f[2]
					}
					content := `<t xmlns='urn:t'/>`
					if f[0] == "iq" && (f[1] == "result" || f[1] == "error") {
						content = ""
					}
					h.Receive(fmt.Sprintf(`<%s type='%s' id='x' from='carol@else.example/c' to='%s'>%s</%[1]s>`, f[0], f[1], to, content))
					h.Settle()
					var reached []string
					for resource, c := range clients {
						got := c.Take()
						if len(got) > 1 {
							t.Errorf("%s%s got it %d times", line, resource, len(got))
						}
						if len(got) > 0 {
							reached = append(reached, resource)
						}
					}
					slices.Sort(reached)
					if got := strings.Join(reached, ","); got != strings.Trim(f[3], "-") {
						t.Errorf("%sreached %q", line, got)
					}
					answer := "-"
					for _, st := range h.Away.Take() {
						if st.To.String() != "carol@else.example/c" || st.From.String() != to || st.ID != "x" {
							t.Errorf("%sanswer %s", line, st)
						}
						answer = string(st.Type)
						if st.Type == stanza.Error {
							answer = string(st.ReadFault().Condition)
						}
					}
					if answer != f[4] {
						t.Errorf("%sanswered %s", line, answer)
					}
				}
			})
		})
	}
}

// The server's own address, other servers, and mistakes.
func TestRoutes(t *testing.T) {
	in(t, func(t *testing.T, h *routertest.House, _ *bench) {
		a := h.Bind("alice/a")
		for xml, want := range map[string]string{
			`<iq type='get' id='1' to='kith.example'><t xmlns='urn:t'/></iq>`:         "result",
			`<iq type='get' id='1' to='kith.example/x'><t xmlns='urn:t'/></iq>`:       "service-unavailable",
			`<iq type='get' id='1' to='kith.example'><unknown xmlns='urn:t'/></iq>`:   "service-unavailable",
			`<iq type='get' id='1'><t xmlns='urn:t'/></iq>`:                           "result",
			`<iq type='get' id='1'><t xmlns='urn:t' fail='1'/></iq>`:                  "internal-server-error",
			`<message id='1' to='kith.example'><body>x</body></message>`:              "service-unavailable",
			`<presence id='1' type='subscribe' to='nobody@kith.example'/>`:            "service-unavailable",
			`<message id='1' type='chat' to='nobody@kith.example'><body/></message>`:  "service-unavailable",
			`<iq type='get' id='1' to='alice@kith.example/b'><t xmlns='urn:t'/></iq>`: "service-unavailable",
		} {
			a.Send(xml)
			h.Settle()
			got := a.Take()
			answer := ""
			if len(got) == 1 {
				answer = string(got[0].Type)
				if got[0].Type == stanza.Error {
					answer = string(got[0].ReadFault().Condition)
				}
			}
			if answer != want || strings.Contains(routertest.Text(got), "secret") {
				t.Errorf("%s: %s", xml, routertest.Text(got))
			}
		}
		a.Send(`<message id='1' to='x@else.example'><body>x</body></message>`)
		h.Settle()
		if got := routertest.Text(h.Away.Take()); got != `<message to='x@else.example' from='alice@kith.example/a' id='1'><body>x</body></message>`+"\n" {
			t.Error(got)
		}
	})
	// No way to other servers at all.
	r := &router.Router{}
	accepted := false
	r.Route(module.NewEnvelope(routertest.Parse(t, `<message from='a@x' to='b@y' id='1'/>`), func() { accepted = true }))
	if !accepted {
		t.Error("a stanza that goes nowhere was not accepted")
	}
}

// RFC 6120 section 7.7.2.2: the new session takes the resource over, and what the old client did not
// acknowledge is not lost.
func TestBindConflict(t *testing.T) {
	in(t, func(t *testing.T, h *routertest.House, b *bench) {
		bob := h.Bind("bob/b")
		old := h.Bind("alice/a")
		old.Hold = true
		old.Send(`<presence/>`)
		h.Settle()
		bob.Send(message("m1", "alice@kith.example/a"))
		bob.Send(message("m2", "alice@kith.example"))
		h.Settle()
		b.notes()
		current := h.Bind("alice/a")
		if got := old.Ended(); got != module.EndConflict {
			t.Errorf("ended by %v", got)
		}
		h.Settle()
		want := []string{"a unavailable", "a unbound", "orphan of a: m1", "orphan of a: m2", "a bound"}
		if got := b.notes(); !slices.Equal(got, want) {
			t.Errorf("%q", got)
		}
		// What the old stream still brings is not done, and not accepted; that it ends again is nothing.
		if accepted := old.Send(message("late", "bob@kith.example/b")); isDone(accepted) {
			t.Error("accepted")
		}
		old.Close()
		bob.Send(message("m3", "alice@kith.example/a"))
		h.Settle()
		if got := ids(current.Take()); got != "m3" {
			t.Errorf("the new session got %s", got)
		}
		if got := ids(bob.Take()); got != "" {
			t.Errorf("bob got %s", got)
		}
		if got := b.notes(); !slices.Equal(got, []string{"bob copies m3 for 0", "alice copies m3 for 1"}) {
			t.Errorf("%q", got)
		}
		h.Do("alice", func(a module.Account) {
			n := 0
			for s := range a.Sessions() {
				n++
				if s != module.Session(current.Session) {
					t.Error("the old session is still there")
				}
			}
			if n != 1 {
				t.Errorf("%d sessions", n)
			}
		})
	})
}

func TestOrphans(t *testing.T) {
	in(t, func(t *testing.T, h *routertest.House, b *bench) {
		bob := h.Bind("bob/b")
		a := h.Bind("alice/a")
		a.Hold = true
		for i := range 3 {
			bob.Send(message(fmt.Sprint(i), "alice@kith.example/a"))
		}
		h.Settle()
		b.notes()
		a.Close()
		a.Close()
		h.Settle()
		if got := b.notes(); !slices.Equal(got, []string{"a unbound", "orphan of a: 0", "orphan of a: 1", "orphan of a: 2"}) {
			t.Errorf("%q", got)
		}
	})
}

// A mailbox that is full: others are told to wait; the account's own clients are not affected.
func TestOverflow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bench{}
		config := router.DefaultConfig()
		config.Mailbox = 3
		h := routertest.NewConfig(t, config, b)
		bob := h.Bind("bob/b")
		bob.Send(`<presence/>`)
		h.Settle()
		hold := make(chan struct{})
		if err := h.Accounts.Do(t.Context(), "bob", func(module.Account) { <-hold }); err != nil {
			t.Fatal(err)
		}
		h.Settle()
		var accepted []<-chan struct{}
		for i := range 5 {
			accepted = append(accepted, h.Receive(fmt.Sprintf(`<message id='%d' type='chat' from='x@else.example/y' to='bob@kith.example'><body/></message>`, i)))
		}
		h.Receive(`<presence id='p' from='x@else.example/y' to='bob@kith.example/b'/>`)
		own := bob.Send(`<iq type='get' id='own'><t xmlns='urn:t'/></iq>`)
		h.Settle()
		if got := ids(h.Away.Take()); got != "3 resource-constraint, 4 resource-constraint" {
			t.Errorf("answers: %s", got)
		}
		for i, a := range accepted {
			if isDone(a) != (i >= 3) {
				t.Errorf("message %d: accepted %v", i, isDone(a))
			}
		}
		close(hold)
		h.Settle()
		if got := ids(bob.Take()); got != "0, 1, 2, own" || !isDone(own) {
			t.Errorf("bob got %s", got)
		}
		if n := h.Overflow.Load(); n != 3 {
			t.Errorf("counted %d", n)
		}
	})
}

// RFC 6120 section 8.2.3 and CVE-2024-46957: an answer is one by its type, its sender and its id.
func TestAsk(t *testing.T) {
	in(t, func(t *testing.T, h *routertest.House, b *bench) {
		h.Add("alice")
		ask := func(id, to string) {
			h.Do("alice", func(a module.Account) {
				q := stanza.New(stanza.Header{Kind: stanza.IQ, Type: stanza.Get, ID: id, From: a.JID(), To: jid.Must(to)}, `<t xmlns='urn:t'/>`)
				a.Ask(q, func(answer *stanza.Stanza) {
					if answer == nil {
						b.note("%s: nothing", id)
					} else {
						b.note("%s: %s", id, answer.Type)
					}
				})
			})
		}
		ask("q1", "carol@else.example/x")
		ask("q2", "nobody@kith.example")
		ask("q3", "kith.example")
		h.Settle()
		if got := b.notes(); !slices.Equal(got, []string{"q2: error", "q3: result"}) {
			t.Errorf("%q", got)
		}
		for _, xml := range []string{
			`<iq type='result' id='q1' from='carol@else.example' to='alice@kith.example'/>`,
			`<iq type='result' id='q2' from='carol@else.example/x' to='alice@kith.example'/>`,
			`<iq type='result' id='q1' from='eve@else.example/x' to='alice@kith.example'/>`,
			`<iq type='get' id='q1' from='carol@else.example/x' to='alice@kith.example'><t xmlns='urn:t'/></iq>`,
			`<message id='q1' type='error' from='carol@else.example/x' to='alice@kith.example'/>`,
			`<presence id='q1' type='error' from='carol@else.example/x' to='alice@kith.example'/>`,
			`<iq type='result' id='q1' from='carol@else.example/x' to='alice@kith.example/r'/>`,
		} {
			h.Receive(xml)
		}
		h.Settle()
		if got := b.notes(); len(got) > 0 {
			t.Errorf("taken for an answer: %q", got)
		}
		const real = `<iq type='result' id='q1' from='carol@else.example/x' to='alice@kith.example'/>`
		h.Receive(real)
		h.Receive(real)
		h.Settle()
		if got := b.notes(); !slices.Equal(got, []string{"q1: result"}) {
			t.Errorf("%q", got)
		}

		ask("late", "carol@else.example/x")
		h.Settle()
		h.Clock.Advance(router.DefaultConfig().AskTimeout - time.Second)
		h.Settle()
		if got := b.notes(); len(got) > 0 {
			t.Errorf("too early: %q", got)
		}
		h.Clock.Advance(time.Second)
		h.Settle()
		h.Receive(strings.ReplaceAll(real, "q1", "late"))
		h.Settle()
		if got := b.notes(); !slices.Equal(got, []string{"late: nothing"}) {
			t.Errorf("%q", got)
		}
		if n := h.Clock.Pending(); n != 0 {
			t.Errorf("%d timers are left", n)
		}
	})
}

// An account that is removed: its sessions end, and nothing finds it any more.
func TestRemove(t *testing.T) {
	in(t, func(t *testing.T, h *routertest.House, b *bench) {
		a := h.Bind("alice/a")
		a.Send(`<presence/>`)
		h.Settle()
		b.notes()
		h.Remove("alice")
		if got := a.Ended(); got != module.EndRemoved {
			t.Error(got)
		}
		h.Settle()
		if got := b.notes(); !slices.Equal(got, []string{"a unavailable", "a unbound"}) {
			t.Errorf("%q", got)
		}
		h.Receive(`<message id='1' type='chat' from='x@else.example' to='alice@kith.example'><body/></message>`)
		h.Settle()
		if got := ids(h.Away.Take()); got != "1 service-unavailable" {
			t.Error(got)
		}
		if _, err := h.Accounts.Bind(t.Context(), a.JID, a, module.Login{}, nil); !errors.Is(err, router.ErrNoAccount) {
			t.Error(err)
		}
		if h.Accounts.DoLoaded("alice", func(module.Account) {}) {
			t.Error("still loaded")
		}
		// A new account of this name has nothing of the old.
		h.Bind("alice/a").Send(`<presence/>`)
	})
}

// Who waits for an answer to what a removed account has asked hears that there is none: others may wait with it.
func TestRemoveWhileAsking(t *testing.T) {
	in(t, func(t *testing.T, h *routertest.House, b *bench) {
		h.Bind("alice/a")
		h.Do("alice", func(a module.Account) {
			q := routertest.Parse(t, `<iq id='q' type='get' from='alice@kith.example' to='x@else.example'><t xmlns='urn:t'/></iq>`)
			a.Ask(q, func(answer *stanza.Stanza) { b.note("answer %v", answer) })
		})
		b.notes()
		h.Remove("alice")
		h.Settle()
		if got := b.notes(); !slices.Contains(got, "answer <nil>") {
			t.Errorf("%q", got)
		}
		if n := h.Clock.Pending(); n != 0 {
			t.Errorf("%d timers are left", n)
		}
	})
}

// What others have sent to an account that is removed while something of it waits for its commit is dealt with all the
// same: otherwise its senders' acknowledgements would stop there for good.
func TestRemoveDuringCommit(t *testing.T) {
	for _, failed := range []error{nil, errors.New("disk full")} {
		in(t, func(t *testing.T, h *routertest.House, b *bench) {
			b.archive = func(p *module.Passage) bool { return p.Account.JID().Local() == "alice" }
			b.miss = func(*module.Passage) bool { return true }
			a, bob := h.Bind("alice/a"), h.Bind("bob/b")
			a.Send(`<presence/>`)
			a.Send(message("o", "bob@kith.example"))
			sent := []<-chan struct{}{
				bob.Send(message("m1", "alice@kith.example")),
				bob.Send(`<iq id='i' type='get' to='alice@kith.example'><t xmlns='urn:t'/></iq>`),
				bob.Send(`<presence to='alice@kith.example'/>`),
				bob.Send(message("m2", "alice@kith.example")),
			}
			h.Settle()
			bob.Take()
			h.Remove("alice")
			h.Settle()
			for _, id := range []string{"m2", "m1", "o"} {
				b.commit(t, "alice", id, failed)
				h.Settle()
			}
			for i, accepted := range sent {
				if !isDone(accepted) {
					t.Errorf("with %v: the stanza %d is not accepted", failed, i)
				}
			}
			if got := ids(bob.Take()); !strings.Contains(got, "i") {
				t.Errorf("with %v: bob got %q", failed, got)
			}
			// Nothing of it is left.
			h.Receive(message("m3", "alice@kith.example"))
			if h.Accounts.DoLoaded("alice", func(module.Account) {}) {
				t.Error("still loaded")
			}
		})
	}
}

// Close waits for commits and for what follows from them; later stanzas are kept by who sent them.
func TestClose(t *testing.T) {
	in(t, func(t *testing.T, h *routertest.House, b *bench) {
		b.archive = func(*module.Passage) bool { return true }
		a, bob := h.Bind("alice/a"), h.Bind("bob/b")
		bob.Send(`<presence/>`)
		first := a.Send(message("m1", "bob@kith.example"))
		a.Send(`<iq id='i' type='get' to='bob@kith.example'><t xmlns='urn:t'/></iq>`) // holds m2 up until m1 is through
		second := a.Send(message("m2", "bob@kith.example"))
		h.Settle()
		closed := make(chan error, 1)
		go func() { closed <- h.Accounts.Close(context.Background()) }()
		h.Settle()
		b.commit(t, "bob", "m1", nil)
		h.Settle()
		if len(closed) > 0 {
			t.Fatal("closed while a commit is under way")
		}
		b.commit(t, "alice", "m1", nil)
		h.Settle()
		b.commit(t, "bob", "m2", nil)
		b.commit(t, "alice", "m2", nil)
		h.Settle()
		if err := <-closed; err != nil {
			t.Fatal(err)
		}
		if got := ids(bob.Take()); got != "m1, m2" {
			t.Errorf("bob got %s", got)
		}
		if !isDone(first) || !isDone(second) {
			t.Error("not accepted")
		}
		late := a.Send(message("m3", "bob@kith.example"))
		incoming := h.Receive(`<message id='m4' type='chat' from='x@else.example' to='bob@kith.example'><body/></message>`)
		h.Settle()
		if isDone(late) || isDone(incoming) {
			t.Error("accepted by nobody")
		}
		if got := ids(h.Away.Take()); got != "" {
			t.Errorf("answered: %s", got)
		}
	})
	in(t, func(t *testing.T, h *routertest.House, b *bench) {
		b.archive = func(*module.Passage) bool { return true }
		h.Add("bob")
		h.Receive(`<message id='m' type='chat' from='x@else.example' to='bob@kith.example'><body/></message>`)
		h.Settle()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := h.Accounts.Close(ctx); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		b.miss = func(*module.Passage) bool { return true }
		b.commit(t, "bob", "m", nil)
	})
}

// Inline is done before anything else reaches the session.
func TestBindInline(t *testing.T) {
	in(t, func(t *testing.T, h *routertest.House, _ *bench) {
		h.Add("alice")
		c := h.Bind("alice/other")
		var seen []string
		s, err := h.Accounts.Bind(t.Context(), jid.Must("alice@kith.example/a"), c, module.Login{Client: "x"}, func(a module.Account, s module.Session) {
			for o := range a.Sessions() {
				seen = append(seen, o.JID().Resource())
			}
			seen = append(seen, s.Login().Client)
		})
		if err != nil || !slices.Equal(seen, []string{"other", "a", "x"}) {
			t.Error(seen, err)
		}
		for _, p := range []struct {
			xml  string
			want int
		}{{`<presence/>`, 0}, {`<presence><priority> -5 </priority></presence>`, -5}, {`<presence><priority>128</priority></presence>`, 0}, {`<presence><priority>x</priority></presence>`, 0}} {
			s.SetPresence(routertest.Parse(t, p.xml))
			if s.Priority() != p.want {
				t.Errorf("%s: %d", p.xml, s.Priority())
			}
		}
		s.SetPresence(nil)
	})
}
