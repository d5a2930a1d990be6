package roster_test

import (
	"testing"

	"kith/internal/jid"
	"kith/internal/stanza"
	"kith/server/roster"
	"kith/server/router/routertest"
)

const (
	alice = "alice@kith.example"
	bob   = "bob@kith.example"
)

// The whole story of RFC 6121 section 3 between two accounts: asked, granted both ways, refused,
// taken back.
func TestSubscriptionsBetweenAccounts(t *testing.T) {
	in(t, func(t *testing.T, h *house) {
		a, b := h.login(t, "alice/tab"), h.login(t, "bob/phone")

		a.Send(`<presence type='subscribe' to='bob@kith.example/phone' id='s1'><nick xmlns='http://jabber.org/protocol/nick'>Al</nick></presence>`)
		h.Settle()
		want(t, "alice", a.Take(), `<item jid='bob@kith.example' subscription='none' ask='subscribe'/>`)
		want(t, "bob", b.Take(), `<presence to='bob@kith.example' from='alice@kith.example' id='s1' type='subscribe'><nick xmlns='http://jabber.org/protocol/nick'>Al</nick></presence>`)
		h.wantStates(t, "none+out | none+in unlisted")

		// A request that waits is not delivered twice.
		a.Send(`<presence type='subscribe' to='bob@kith.example'/>`)
		h.Settle()
		want(t, "alice", a.Take())
		want(t, "bob", b.Take())

		b.Send(`<presence type='subscribed' to='alice@kith.example'/>`)
		h.Settle()
		want(t, "bob", b.Take(), `<item jid='alice@kith.example' subscription='from'/>`)
		want(t, "alice", a.Take(),
			`<item jid='bob@kith.example' subscription='to'/>`,
			`<presence to='alice@kith.example' from='bob@kith.example' type='subscribed'/>`,
			`<presence to='alice@kith.example' from='bob@kith.example/phone'/>`)
		h.wantStates(t, "to | from")

		b.Send(`<presence type='subscribe' to='alice@kith.example'/>`)
		h.Settle()
		want(t, "bob", b.Take(), `ask='subscribe'`)
		want(t, "alice", a.Take(), `type='subscribe'`)
		h.wantStates(t, "to+in | from+out")
		a.Send(`<presence type='subscribed' to='bob@kith.example'/>`)
		h.Settle()
		want(t, "alice", a.Take(), `<item jid='bob@kith.example' subscription='both'/>`)
		want(t, "bob", b.Take(), `<item jid='alice@kith.example' subscription='both'/>`, `type='subscribed'`, `from='alice@kith.example/tab'`)
		h.wantStates(t, "both | both")

		// Alice does not want to see Bob any more: his presence ends for her (section 3.3).
		a.Send(`<presence type='unsubscribe' to='bob@kith.example'/>`)
		h.Settle()
		want(t, "alice", a.Take(), `<item jid='bob@kith.example' subscription='from'/>`, `from='bob@kith.example/phone' type='unavailable'`)
		want(t, "bob", b.Take(), `<item jid='alice@kith.example' subscription='to'/>`, `from='alice@kith.example' type='unsubscribe'`)
		h.wantStates(t, "from | to")

		// And Bob is not to see her: he sees her leave before he hears it (section 3.2.2).
		a.Send(`<presence type='unsubscribed' to='bob@kith.example'/>`)
		h.Settle()
		want(t, "alice", a.Take(), `<item jid='bob@kith.example' subscription='none'/>`)
		want(t, "bob", b.Take(), `from='alice@kith.example/tab' type='unavailable'`,
			`<item jid='alice@kith.example' subscription='none'/>`, `from='alice@kith.example' type='unsubscribed'`)
		h.wantStates(t, "none | none")

		// Refused.
		b.Send(`<presence type='subscribe' to='alice@kith.example'/>`)
		h.Settle()
		h.wantStates(t, "none+in | none+out")
		a.Send(`<presence type='unsubscribed' to='bob@kith.example'/>`)
		h.Settle()
		h.wantStates(t, "none | none")

		// Taken back before it was answered.
		a.Send(`<presence type='subscribe' to='bob@kith.example'/>`)
		a.Send(`<presence type='unsubscribe' to='bob@kith.example'/>`)
		h.Settle()
		h.wantStates(t, "none | none")
	})
}

// Section 3.1.3: a request waits, with all that is in it, and comes again with every session until
// it is answered.
func TestRequestsWait(t *testing.T) {
	in(t, func(t *testing.T, h *house) {
		h.Add("bob")
		h.Receive(`<presence type='subscribe' from='carol@else.example/x' to='bob@kith.example'><status>It is me</status></presence>`)
		const request = `<presence to='bob@kith.example' from='carol@else.example' type='subscribe'><status>It is me</status></presence>`
		for _, resource := range []string{"one", "two"} {
			c := h.Bind("bob/" + resource)
			h.Settle()
			want(t, "before presence", c.Take())
			c.Send(`<presence/>`)
			h.Settle()
			got := c.Take()
			want(t, "initial presence", got[len(got)-1:], request)
			// What follows it does not bring it again.
			c.Send(`<presence><show>away</show></presence>`)
			h.Settle()
			for _, st := range c.Take() {
				if st.Type == stanza.Subscribe {
					t.Fatal("the request came again")
				}
			}
			c.Close()
		}
		c := h.login(t, "bob/three")
		if got := c.Ask(`<iq type='get' id='g'><query xmlns='jabber:iq:roster'/></iq>`); got.Payload().CountChildren() != 0 {
			t.Fatalf("who only asked is no contact: %s", got)
		}
		c.Send(`<presence type='unsubscribed' to='carol@else.example'/>`)
		h.Settle()
		want(t, "bob", c.Take())
		want(t, "else.example", h.Away.Take(), `<presence to='carol@else.example' from='bob@kith.example' type='unsubscribed'/>`)
		c.Close()
		c = h.Bind("bob/four")
		c.Send(`<presence/>`)
		h.Settle()
		want(t, "bob", c.Take(), `from='bob@kith.example/four'`)
	})
}

// Section 3.4: who was approved before asking gets the answer at once, and once.
func TestPreApproval(t *testing.T) {
	in(t, func(t *testing.T, h *house) {
		a, b := h.login(t, "alice/tab"), h.login(t, "bob/phone")
		b.Send(`<presence type='subscribed' to='alice@kith.example'/>`)
		h.Settle()
		want(t, "bob", b.Take(), `<item jid='alice@kith.example' subscription='none' approved='true'/>`)
		want(t, "alice", a.Take())

		// Taking it back is not told either.
		b.Send(`<presence type='unsubscribed' to='alice@kith.example'/>`)
		h.Settle()
		want(t, "bob", b.Take(), `<item jid='alice@kith.example' subscription='none'/>`)
		want(t, "alice", a.Take())

		b.Send(`<presence type='subscribed' to='alice@kith.example'/>`)
		a.Send(`<presence type='subscribe' to='bob@kith.example'/>`)
		h.Settle()
		h.wantStates(t, "to | from")
		want(t, "bob", b.Take(), `approved='true'`, `<item jid='alice@kith.example' subscription='from'/>`)
		want(t, "alice", a.Take(), `ask='subscribe'`, `subscription='to'`, `type='subscribed'`, `from='bob@kith.example/phone'`)
	})
}

// A contact whose server forgot that it was granted asks again: the server answers (appendix A.3.1).
func TestGrantedAlready(t *testing.T) {
	in(t, func(t *testing.T, h *house) {
		b := h.login(t, "bob/phone")
		h.Receive(`<presence type='subscribe' from='carol@else.example' to='bob@kith.example'/>`)
		b.Send(`<presence type='subscribed' to='carol@else.example'/>`)
		h.Settle()
		b.Take()
		h.Away.Take()
		h.Receive(`<presence type='subscribe' from='carol@else.example' to='bob@kith.example'/>`)
		h.Settle()
		want(t, "bob", b.Take())
		want(t, "else.example", h.Away.Take(), `type='subscribed'`, `from='bob@kith.example/phone'`)
	})
}

// What was asked and never answered is asked again (section 3.1.2): it heals what a crash between
// the two accounts lost.
func TestAskedAgain(t *testing.T) {
	in(t, func(t *testing.T, h *house) {
		h.Add("alice", "bob")
		ask := func(e *roster.Entry) error { e.Listed, e.Asked = true, true; return nil }
		if _, err := h.store.UpdateRosters(t.Context(), []roster.Change{{Account: "alice", Contact: jid.Must(bob), Apply: ask}}); err != nil {
			t.Fatal(err)
		}
		h.login(t, "alice/tab")
		h.wantStates(t, "none+out | none+in unlisted")
	})
}

// XEP-0379: a token makes contacts of both.
func TestPreauth(t *testing.T) {
	in(t, func(t *testing.T, h *house) {
		h.invites.tokens["secret"] = "bob"
		b := h.login(t, "bob/phone")
		const ask = `<presence type='subscribe' from='carol@else.example' to='bob@kith.example'><preauth xmlns='urn:xmpp:pars:0' token='%'/></presence>`

		h.Receive(replace(ask, "wrong"))
		h.Settle()
		want(t, "bob", b.Take(), `token='wrong'`)
		want(t, "else.example", h.Away.Take())

		h.Receive(replace(ask, "secret"))
		h.Settle()
		want(t, "bob", b.Take(), `<item jid='carol@else.example' subscription='from' ask='subscribe'/>`)
		want(t, "else.example", h.Away.Take(),
			`<presence to='carol@else.example' from='bob@kith.example' type='subscribed'/>`,
			`<presence to='carol@else.example' from='bob@kith.example/phone'/>`,
			`<presence to='carol@else.example' from='bob@kith.example' type='subscribe'/>`)
		h.Receive(`<presence type='subscribed' from='carol@else.example' to='bob@kith.example'/>`)
		h.Settle()
		if got := h.state(t, "bob", "carol@else.example"); got != "both" {
			t.Fatal(got)
		}

		// It is good for one.
		h.Receive(`<presence type='subscribe' from='dave@else.example' to='bob@kith.example'><preauth xmlns='urn:xmpp:pars:0' token='secret'/></presence>`)
		h.Settle()
		if got := h.state(t, "bob", "dave@else.example"); got != "none+in unlisted" {
			t.Fatal(got)
		}
	})
}

// Two accounts here, the one who asks has approved the other before, as its client should.
func TestPreauthBetweenAccounts(t *testing.T) {
	in(t, func(t *testing.T, h *house) {
		h.invites.tokens["secret"] = "bob"
		h.Add("bob")
		a := h.login(t, "alice/tab")
		a.Send(`<presence type='subscribed' to='bob@kith.example'/>`)
		a.Send(`<presence type='subscribe' to='bob@kith.example'><preauth xmlns='urn:xmpp:pars:0' token='secret'/></presence>`)
		h.Settle()
		h.wantStates(t, "both | both")
	})
}

func TestRemoval(t *testing.T) {
	in(t, func(t *testing.T, h *house) {
		a, b := h.login(t, "alice/tab"), h.login(t, "bob/phone")
		if err := h.roster.Introduce(t.Context(), "alice", "bob"); err != nil {
			t.Fatal(err)
		}
		h.Settle()
		a.Take()
		b.Take()
		const remove = `<iq type='set' id='r'><query xmlns='jabber:iq:roster'><item jid='bob@kith.example' subscription='remove'/></query></iq>`
		if got := a.Ask(remove); got.Type != stanza.Result {
			t.Fatal(got)
		}
		h.Settle()
		want(t, "alice", a.Take(), `<item jid='bob@kith.example' subscription='remove'/>`, `from='bob@kith.example/phone' type='unavailable'`)
		want(t, "bob", b.Take(), `from='alice@kith.example/tab' type='unavailable'`,
			`subscription='to'`, `type='unsubscribe'`, `subscription='none'`, `type='unsubscribed'`)
		h.wantStates(t, "none unlisted | none")
		if got := a.Ask(remove); got.Type != stanza.Error || got.ReadFault().Condition != stanza.ItemNotFound {
			t.Fatal(got)
		}

		// Removing who waits for an answer is an answer.
		b.Send(`<presence type='subscribe' to='alice@kith.example'/>`)
		h.Settle()
		a.Ask(`<iq type='set' id='a'><query xmlns='jabber:iq:roster'><item jid='bob@kith.example' name='Bob'/></query></iq>`)
		h.Settle()
		h.wantStates(t, "none+in | none+out")
		a.Ask(remove)
		h.Settle()
		h.wantStates(t, "none unlisted | none")
	})
}

func TestIntroduce(t *testing.T) {
	in(t, func(t *testing.T, h *house) {
		a := h.login(t, "alice/tab")
		b := h.login(t, "bob/phone")
		a.Send(`<presence type='subscribe' to='bob@kith.example'/>`)
		h.Settle()
		a.Take()
		b.Take()
		befriend := func() {
			t.Helper()
			err := h.roster.Befriend(t.Context(), roster.Friend{JID: jid.Must(alice), Name: "Alice", Groups: []string{"Family"}}, roster.Friend{JID: jid.Must(bob)})
			if err != nil {
				t.Fatal(err)
			}
			h.Settle()
		}
		befriend()
		h.wantStates(t, "both | both")
		// Pushes, and presence in both directions; which of the two comes first depends on the other's actor.
		a.Wait(t, "the push", isPush(`<item jid='bob@kith.example' subscription='both'/>`))
		a.Wait(t, "presence", contains(`from='bob@kith.example/phone'`))
		b.Wait(t, "the push", isPush(`<item jid='alice@kith.example' name='Alice' subscription='both'><group>Family</group></item>`))
		b.Wait(t, "presence", contains(`from='alice@kith.example/tab'`))
		want(t, "alice", a.Take())
		want(t, "bob", b.Take())

		befriend()
		want(t, "alice, again", a.Take())
		want(t, "bob, again", b.Take())

		// A request is answered by it.
		c := h.login(t, "bob/tv")
		want(t, "no request", c.Take())

		if err := h.roster.Introduce(t.Context(), "alice", "alice"); err == nil {
			t.Error("alice is a contact of alice")
		}
		if err := h.roster.Befriend(t.Context(), roster.Friend{JID: jid.Must(alice)}, roster.Friend{JID: jid.Must("carol@else.example")}); err == nil {
			t.Error("the roster of another server was written")
		}
	})
}

// Purge after the account is gone: its contacts here and elsewhere are told, and it may be repeated.
func TestPurge(t *testing.T) {
	in(t, func(t *testing.T, h *house) {
		a, b := h.login(t, "alice/tab"), h.login(t, "bob/phone")
		if err := h.roster.Introduce(t.Context(), "alice", "bob"); err != nil {
			t.Fatal(err)
		}
		a.Send(`<presence type='subscribe' to='carol@else.example'/>`)
		h.Receive(`<presence type='subscribe' from='dave@else.example' to='alice@kith.example'/>`)
		c := h.login(t, "eve/x")
		a.Send(`<presence type='subscribe' to='eve@kith.example'/>`)
		h.Settle()
		want(t, "eve", c.Take(), `type='subscribe'`)
		h.Remove("alice")
		if a.Ended().Condition != "not-authorized" {
			t.Error(a.Ended())
		}
		h.Settle()
		b.Take()
		h.Away.Take()
		for range 2 {
			if err := h.roster.Purge(t.Context(), "alice"); err != nil {
				t.Fatal(err)
			}
		}
		h.Settle()
		h.wantStates(t, "nothing | none")
		want(t, "bob", b.Take(), `<item jid='alice@kith.example' subscription='none'/>`)
		got := h.Away.Take()
		if len(got) != 2 {
			t.Fatalf("else.example got\n%s", routertest.Text(got))
		}
		for _, st := range got {
			if s := st.String(); s != `<presence to='carol@else.example' from='alice@kith.example' type='unsubscribe'/>` &&
				s != `<presence to='dave@else.example' from='alice@kith.example' type='unsubscribed'/>` {
				t.Errorf("else.example got %s", s)
			}
		}
		// The request of one who is gone does not come again.
		d := h.Bind("eve/y")
		d.Send(`<presence/>`)
		h.Settle()
		want(t, "eve", d.Take(), `from='eve@kith.example/x'`, `from='eve@kith.example/y'`)
	})
}

func TestSubscriptionErrors(t *testing.T) {
	in(t, func(t *testing.T, h *house) {
		a := h.login(t, "alice/tab")
		for xml, condition := range map[string]stanza.Condition{
			`<presence type='subscribe' to='alice@kith.example' id='1'/>`:  stanza.NotAllowed,
			`<presence type='subscribe' id='2'/>`:                          stanza.BadRequest,
			`<presence type='subscribe' to='nobody@kith.example' id='3'/>`: stanza.ServiceUnavailable,
		} {
			a.Send(xml)
			st := a.Wait(t, "an error", func(st *stanza.Stanza) bool { return st.Type == stanza.Error })
			if got := st.ReadFault().Condition; got != condition {
				t.Errorf("%s: %s", xml, got)
			}
		}
		// Nobody elsewhere learns who has an account here (section 3.1.3).
		h.Receive(`<presence type='subscribe' from='carol@else.example' to='nobody@kith.example'/>`)
		h.Receive(`<presence type='probe' from='carol@else.example' to='nobody@kith.example'/>`)
		h.Settle()
		want(t, "else.example", h.Away.Take())
	})
}
