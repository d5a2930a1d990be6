package roster_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/internal/xmltree"
	"kith/server/module"
	"kith/server/presence"
	"kith/server/roster"
	"kith/server/router/routertest"
	"kith/server/store"
	"kith/server/store/storetest"
)

func set(item string) string {
	return `<iq type='set' id='set'><query xmlns='jabber:iq:roster'>` + item + `</query></iq>`
}

func get(ver string) string {
	return `<iq type='get' id='get'><query xmlns='jabber:iq:roster'` + ver + `/></iq>`
}

func TestItems(t *testing.T) {
	in(t, func(t *testing.T, h *house) {
		a := h.Bind("alice/tab")
		other := h.login(t, "alice/phone")
		mute := h.Bind("alice/mute") // never asked for the roster
		steps := []struct{ set, push string }{
			{`<item jid='bob@kith.example'/>`, `<item jid='bob@kith.example' subscription='none'/>`},
			{`<item jid='bob@kith.example' name='B&amp;b'><group>Friends</group><group>Work</group></item>`, `<item jid='bob@kith.example' name='B&amp;b' subscription='none'><group>Friends</group><group>Work</group></item>`},
			// What only the server may say is ignored (sections 2.1.2.1, 2.1.2.2 and 2.1.2.5).
			{`<item jid='bob@kith.example' subscription='both' ask='subscribe' approved='true'/>`, `<item jid='bob@kith.example' subscription='none'/>`},
			{`<item jid='CAROL@Kith.Example' name=''/>`, `<item jid='carol@kith.example' subscription='none'/>`},
			{`<item jid='gateway.example'/>`, `<item jid='gateway.example' subscription='none'/>`},
			{`<item jid='bob@kith.example' subscription='remove'/>`, `<item jid='bob@kith.example' subscription='remove'/>`},
		}
		for _, s := range steps {
			if got := a.Ask(set(s.set)); got.Type != stanza.Result || got.Inner() != "" {
				t.Fatalf("%s: %s", s.set, got)
			}
			h.Settle()
			got := other.Take()
			want(t, "the other session", got, s.push)
			if got[0].From != (jid.JID{}) || got[0].To != other.JID || got[0].ID == "" || got[0].Type != stanza.Set {
				t.Errorf("push %s", got[0])
			}
		}
		want(t, "who did not ask", mute.Take())
		want(t, "nor this one", a.Take())
		got := a.Ask(get(""))
		if want := `<query xmlns='jabber:iq:roster'><item jid='carol@kith.example' subscription='none'/><item jid='gateway.example' subscription='none'/></query>`; got.Inner() != want {
			t.Errorf("got  %s\nwant %s", got.Inner(), want)
		}
	})
}

// The errors of section 2.3.3, and who may do what.
func TestRefusedItems(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := roster.DefaultConfig()
		config.MaxContacts, config.MaxGroups, config.MaxName = 2, 2, 10
		h := newHouse(t, storetest.Open(t).Roster(), config)
		a, b := h.login(t, "alice/tab"), h.login(t, "bob/phone")
		for _, c := range []struct {
			xml  string
			want stanza.Condition
		}{
			{set(``), stanza.BadRequest},
			{set(`<item jid='x@y'/><item jid='z@y'/>`), stanza.BadRequest},
			{set(`<item/>`), stanza.BadRequest},
			{set(`<other jid='x@y'/>`), stanza.BadRequest},
			{set(`<item xmlns='urn:else' jid='x@y'/>`), stanza.BadRequest},
			{set(`<item jid='@y'/>`), stanza.JIDMalformed},
			{set(`<item jid=''/>`), stanza.JIDMalformed},
			{set(`<item jid='x@y/z'/>`), stanza.JIDMalformed},
			{set(`<item jid='alice@kith.example'/>`), stanza.NotAllowed},
			{set(`<item jid='x@y' name='12345678901'/>`), stanza.NotAcceptable},
			{set(`<item jid='x@y'><group/></item>`), stanza.NotAcceptable},
			{set(`<item jid='x@y'><group>12345678901</group></item>`), stanza.NotAcceptable},
			{set(`<item jid='x@y'><group>a</group><group>a</group></item>`), stanza.BadRequest},
			{set(`<item jid='x@y'><group>a</group><group>b</group><group>c</group></item>`), stanza.NotAcceptable},
			{set(`<item jid='x@y' subscription='remove'/>`), stanza.ItemNotFound},
			{set(`<item jid='one@y'/>`), ""},
			{set(`<item jid='two@y' name='1234567890'><group>a</group><group>b</group></item>`), ""},
			{set(`<item jid='three@y'/>`), stanza.PolicyViolation},
			{set(`<item jid='two@y' name='again'/>`), ""},
			{`<iq type='get' id='o' to='bob@kith.example'><query xmlns='jabber:iq:roster'/></iq>`, stanza.ServiceUnavailable},
			{`<iq type='set' id='o' to='bob@kith.example'><query xmlns='jabber:iq:roster'><item jid='alice@kith.example'/></query></iq>`, stanza.ServiceUnavailable},
		} {
			got := a.Ask(c.xml)
			switch {
			case c.want == "" && got.Type != stanza.Result:
				t.Errorf("%s: %s", c.xml, got)
			case c.want != "" && (got.Type != stanza.Error || got.ReadFault().Condition != c.want):
				t.Errorf("%s: %s; want %s", c.xml, got, c.want)
			}
		}
		h.Settle()
		a.Take()
		want(t, "bob", b.Take())
		// A subscription would be one contact too many as well.
		a.Send(`<presence type='subscribe' to='three@y' id='x'/>`)
		h.Settle()
		want(t, "alice", a.Take(), `type='error' … <policy-violation`)
		want(t, "y", h.Away.Take())
	})
}

func TestRequestLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := roster.DefaultConfig()
		config.MaxRequests, config.MaxRequest = 3, 200
		h := newHouse(t, storetest.Open(t).Roster(), config)
		h.Add("bob")
		long := strings.Repeat("x", 300)
		for i, content := range []string{
			`<status>hi</status>`,
			`<status>hi</status><junk xmlns='urn:j'>` + long + `</junk>`,
			`<status>` + long + `</status>`,
			`<status>too many</status>`,
		} {
			h.Receive(fmt.Sprintf(`<presence type='subscribe' from='x%d@else.example' to='bob@kith.example'>%s</presence>`, i, content))
		}
		b := h.Bind("bob/phone")
		b.Send(`<presence/>`)
		h.Settle()
		want(t, "bob", b.Take()[1:], `from='x0@else.example' … <status>hi</status></presence>`,
			`from='x1@else.example' … subscribe'><status>hi</status></presence>`, `from='x2@else.example' type='subscribe'/>`)
	})
}

// client keeps a roster as clients do, by results and pushes alone.
type client struct {
	ver   string
	items map[string]string
}

func (c *client) read(query xmltree.Element, whole bool) {
	if whole {
		c.items = map[string]string{}
	}
	c.ver = query.Attr("ver")
	for e := range query.Children() {
		if e.Attr("subscription") == "remove" {
			delete(c.items, e.Attr("jid"))
		} else {
			c.items[e.Attr("jid")] = e.Source()
		}
	}
}

// sync asks for the roster with the version that the client has, and reports whether it got all of it.
func (c *client) sync(t *testing.T, h *house, s *routertest.Client) (whole bool) {
	t.Helper()
	answer := s.Ask(get(` ver='` + c.ver + `'`))
	if q := answer.Child(ns.Roster, "query"); !q.IsZero() {
		c.read(q, true)
		whole = true
	}
	c.pushes(h, s)
	return whole
}

func (c *client) pushes(h *house, s *routertest.Client) {
	h.Settle()
	for _, st := range s.Take() {
		if st.Kind == stanza.IQ && st.Type == stanza.Set {
			c.read(st.Payload(), false)
		}
	}
}

func (c *client) check(t *testing.T, s *routertest.Client) {
	t.Helper()
	var all client
	all.read(s.Ask(get("")).Payload(), true)
	if fmt.Sprint(all.items) != fmt.Sprint(c.items) {
		t.Fatalf("the client has %v\nthe server has %v", c.items, all.items)
	}
}

// A client that comes back with an old version, whatever it missed, has the same roster as the
// server afterwards; mostly without getting all of it (section 2.6).
func TestVersions(t *testing.T) {
	in(t, func(t *testing.T, h *house) {
		r := rand.New(rand.NewPCG(1, 2))
		editor := h.Bind("alice/editor")
		change := func() {
			j := fmt.Sprintf("c%d@else.example", r.IntN(40))
			switch r.IntN(5) {
			case 0:
				editor.Ask(set(`<item jid='` + j + `' subscription='remove'/>`))
			case 1:
				editor.Send(`<presence type='subscribe' to='` + j + `'/>`)
			case 2:
				h.Receive(`<presence type='subscribed' from='` + j + `' to='alice@kith.example'/>`)
			default:
				editor.Ask(set(fmt.Sprintf(`<item jid='%s' name='n%d'/>`, j, r.IntN(1000))))
			}
		}
		c := &client{}
		if s := h.Bind("alice/tab"); !c.sync(t, h, s) {
			t.Fatal("the first time it gets all")
		}
		whole := 0
		for round := range 60 {
			for range r.IntN(12) {
				change()
			}
			h.Settle()
			s := h.Bind("alice/tab")
			if c.sync(t, h, s) {
				whole++
			}
			c.check(t, s)
			for range r.IntN(5) { // while it is there
				change()
			}
			c.pushes(h, s)
			c.check(t, s)
			if round == 30 { // the memory is gone, the database is not
				next := newHouse(t, h.store, roster.DefaultConfig())
				next.Add("alice")
				h.House, h.roster = next.House, next.roster
				editor = h.Bind("alice/editor")
			}
		}
		if whole > 10 {
			t.Errorf("got the whole roster %d times", whole)
		}
		// What has not changed costs an empty result and nothing else.
		s := h.Bind("alice/tab")
		if got := s.Ask(get(` ver='` + c.ver + `'`)); got.Inner() != "" {
			t.Error(got)
		}
		h.Settle()
		want(t, "an unchanged roster", s.Take())
	})
}

func TestVersionsThatMeanNothing(t *testing.T) {
	in(t, func(t *testing.T, h *house) {
		s := h.Bind("alice/tab")
		if got := s.Ask(get(` ver='0'`)); got.Inner() != "" {
			t.Errorf("an empty roster that is known to be empty: %s", got)
		}
		for i := range 10 {
			s.Ask(set(fmt.Sprintf(`<item jid='x%d@y'/>`, i)))
		}
		ver := s.Ask(get(` ver=''`)).Payload().Attr("ver")
		epoch := strings.TrimSuffix(ver, "10")
		if epoch == ver {
			t.Fatal(ver)
		}
		for _, v := range []string{"", "0", "x", "AAAAAAAA-10", epoch + "11", epoch + "-1", epoch + "x", epoch, epoch + "9999999999999999999999"} {
			if got := s.Ask(get(` ver='` + v + `'`)); got.Payload().CountChildren() != 10 {
				t.Errorf("version %q: %s", v, got)
			}
		}
		// More removals than are remembered.
		for i := range roster.KeepRemovals + 20 {
			s.Ask(set(fmt.Sprintf(`<item jid='z%d@y'/>`, i)))
			s.Ask(set(fmt.Sprintf(`<item jid='z%d@y' subscription='remove'/>`, i)))
		}
		h.Settle()
		s.Take()
		if got := s.Ask(get(` ver='` + ver + `'`)); got.Payload().CountChildren() != 10 {
			t.Errorf("a version beyond the horizon: %s", got)
		}
	})
}

// interloper writes something else before each change of the roster's own.
type interloper struct {
	roster.Store
	before func()
}

func (s *interloper) UpdateRosters(ctx context.Context, changes []roster.Change) ([]roster.Entry, error) {
	if f := s.before; f != nil {
		s.before = nil
		f()
	}
	return s.Store.UpdateRosters(ctx, changes)
}

// What is written from outside while the account writes itself: nothing is lost, and pushes come in
// the order of their versions.
func TestChangesFromOutside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &interloper{Store: storetest.Open(t).Roster()}
		h := newHouse(t, s, roster.DefaultConfig())
		a := h.login(t, "alice/tab")
		a.Ask(set(`<item jid='bob@kith.example' name='Bob'/>`))
		h.Settle()
		a.Take()
		s.before = func() {
			if err := h.roster.Introduce(t.Context(), "alice", "bob"); err != nil {
				t.Error(err)
			}
		}
		a.Ask(set(`<item jid='carol@kith.example'/>`))
		h.Settle()
		want(t, "alice", a.Take(),
			`-2'><item jid='bob@kith.example' name='Bob' subscription='both'/>`,
			`-3'><item jid='carol@kith.example' subscription='none'/>`)
		s.before = func() {
			if err := h.roster.Introduce(t.Context(), "alice", "carol"); err != nil {
				t.Error(err)
			}
		}
		a.Ask(set(`<item jid='carol@kith.example' name='Carol'/>`))
		h.Settle()
		want(t, "alice", a.Take(), `-5'><item jid='carol@kith.example' name='Carol' subscription='both'/>`)
	})
}

// failing is a disk that is full.
type failing struct {
	roster.Store
	err error
}

func (s *failing) UpdateRosters(ctx context.Context, changes []roster.Change) ([]roster.Entry, error) {
	if s.err != nil {
		return nil, s.err
	}
	return s.Store.UpdateRosters(ctx, changes)
}

// What could not be written did not happen: no push, no result, nothing sent on.
func TestNothingIsToldThatIsNotDurable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &failing{Store: storetest.Open(t).Roster()}
		h := newHouse(t, s, roster.DefaultConfig())
		a, b := h.login(t, "alice/tab"), h.login(t, "bob/phone")
		s.err = fmt.Errorf("%w: disk full", store.ErrNotSaved)
		if got := a.Ask(set(`<item jid='bob@kith.example'/>`)); got.ReadFault().Condition != stanza.InternalServerError {
			t.Error(got)
		}
		a.Send(`<presence type='subscribe' to='bob@kith.example' id='s'/>`)
		h.Settle()
		want(t, "alice", a.Take(), `id='s' type='error' … <internal-server-error`)
		want(t, "bob", b.Take())
		if err := h.roster.Introduce(t.Context(), "alice", "bob"); !errors.Is(err, store.ErrNotSaved) {
			t.Error(err)
		}
		h.Settle()
		s.err = nil
		h.wantStates(t, "nothing | nothing")
		a.Send(`<presence type='subscribe' to='bob@kith.example'/>`)
		h.Settle()
		h.wantStates(t, "none+out | none+in unlisted")
	})
}

// Everyone does everything at once; under the race detector, and with a result that can be checked.
func TestManyAtOnce(t *testing.T) { in(t, manyAtOnce) }

func manyAtOnce(t *testing.T, h *house) {
	names := []string{"alice", "bob", "carol", "dave"}
	h.Add(names...)
	var wg sync.WaitGroup
	for i, me := range names {
		s := h.Bind(me + "/x")
		s.Ask(get(""))
		s.Send(`<presence/>`)
		wg.Go(func() {
			r := rand.New(rand.NewPCG(7, uint64(i)))
			for range 60 {
				other := names[r.IntN(len(names))]
				switch r.IntN(4) {
				case 0:
					if other != me {
						if err := h.roster.Introduce(context.Background(), me, other); err != nil {
							t.Error(err)
						}
					}
				case 1:
					s.Ask(fmt.Sprintf(`<iq type='set' id='%d'><query xmlns='jabber:iq:roster'><item jid='%s@kith.example' subscription='remove'/></query></iq>`, r.Uint32(), other))
				default:
					types := []stanza.Type{stanza.Subscribe, stanza.Subscribed, stanza.Unsubscribe, stanza.Unsubscribed}
					<-s.Send(fmt.Sprintf(`<presence type='%s' to='%s@kith.example'/>`, types[r.IntN(4)], other))
				}
			}
		})
	}
	wg.Wait()
	h.Settle()
	for _, me := range names {
		for _, other := range names {
			if me != other {
				if err := h.roster.Introduce(context.Background(), me, other); err != nil {
					t.Error(err)
				}
			}
		}
	}
	h.Settle()
	for _, me := range names {
		s := h.Bind(me + "/check")
		got := s.Ask(get(""))
		if n := strings.Count(got.String(), "subscription='both'"); n != len(names)-1 {
			t.Errorf("%s has %s", me, got)
		}
	}
}

func TestGroups(t *testing.T) {
	in(t, func(t *testing.T, h *house) {
		a := h.Bind("alice/tab")
		a.Ask(set(`<item jid='bob@kith.example'><group>Family</group></item>`))
		h.Do("alice", func(acc module.Account) {
			for _, c := range []struct {
				who    string
				groups []string
				want   bool
			}{
				{bob, []string{"Work", "Family"}, true}, {bob, []string{"Work"}, false}, {bob, nil, false}, {"carol@kith.example", []string{"Family"}, false},
			} {
				if got := h.roster.InGroup(acc, jid.Must(c.who), c.groups); got != c.want {
					t.Errorf("%s in %v: %v", c.who, c.groups, got)
				}
			}
		})
	})
}

var (
	_ presence.Contacts      = (*roster.Roster)(nil)
	_ presence.Subscriptions = (*roster.Roster)(nil)
)
