package roster_test

import (
	"slices"
	"strings"
	"testing"

	"kith/internal/jid"
	"kith/internal/stanza"
	"kith/server/module"
	"kith/server/roster"
)

// ties has the groups that tie two accounts.
type ties map[string][]string

func (t ties) Ties(account string, contact jid.JID) []string { return t[account+" "+contact.Local()] }

// gate holds back what is in it.
type gate map[string]bool

func (g gate) Withdraw(_ module.Account, contact jid.JID) bool { return g[contact.String()] }

func friend(name string) roster.Friend {
	return roster.Friend{JID: jid.Must(name + "@kith.example"), Name: strings.ToUpper(name)}
}

// Who is tied is a contact both ways, in the group; what was there before is there afterwards.
func TestTie(t *testing.T) {
	in(t, func(t *testing.T, h *house) {
		held := ties{}
		h.roster.Bind(held, nil)
		alice, bob := h.login(t, "alice/a"), h.login(t, "bob/b")
		// Alice and Carol are contacts already, in a group of Alice's.
		carol := h.login(t, "carol/c")
		if err := h.roster.Befriend(t.Context(), friend("alice"), roster.Friend{JID: friend("carol").JID, Groups: []string{"Old"}}); err != nil {
			t.Fatal(err)
		}
		h.Settle()
		alice.Take()
		bob.Take()
		carol.Take()
		for range 2 { // twice is as good as once
			if err := h.roster.Tie(t.Context(), friend("alice"), []roster.Friend{friend("bob"), friend("carol")}, "Choir"); err != nil {
				t.Fatal(err)
			}
		}
		h.Settle()
		if got := alice.Take(); len(got) != 3 || !slices.ContainsFunc(got, isPush(`<item jid='bob@kith.example' name='BOB' subscription='both'><group>Choir</group></item>`)) ||
			!slices.ContainsFunc(got, isPush(`<group>Old</group><group>Choir</group>`)) {
			t.Errorf("alice got %v", got) // and Bob's presence
		}
		h.wantStates(t, "both | both")
		held["alice bob"], held["bob alice"] = []string{"Choir"}, []string{"Choir"}
		answer := alice.Ask(`<iq type='set' id='1'><query xmlns='jabber:iq:roster'><item jid='bob@kith.example' subscription='remove'/></query></iq>`)
		if answer.Type != stanza.Error || answer.ReadFault().Condition != stanza.NotAllowed {
			t.Errorf("removal: %s", answer)
		}
		for _, kind := range []string{"unsubscribe", "unsubscribed"} {
			alice.Send(`<presence type='` + kind + `' to='bob@kith.example'/>`)
			h.Settle()
			h.wantStates(t, "both | both")
		}
		alice.Ask(`<iq type='set' id='2'><query xmlns='jabber:iq:roster'><item jid='bob@kith.example' name='Bobby'><group>Mine</group></item></query></iq>`)
		if got := alice.Take(); !slices.ContainsFunc(got, isPush(`name='Bobby' subscription='both'><group>Mine</group><group>Choir</group></item>`)) {
			t.Errorf("alice got %v", got)
		}

		clear(held)
		bob.Take()
		part := []roster.Parting{{JID: friend("bob").JID, Last: true}, {JID: friend("carol").JID, Last: true}}
		for range 2 {
			if err := h.roster.Untie(t.Context(), friend("alice").JID, part, "Choir"); err != nil {
				t.Fatal(err)
			}
		}
		h.Settle()
		got := alice.Take()
		if !slices.ContainsFunc(got, isPush(`<item jid='bob@kith.example' subscription='remove'/>`)) ||
			!slices.ContainsFunc(got, isPush(`jid='carol@kith.example' name='CAROL' subscription='both'><group>Old</group></item>`)) &&
				!slices.ContainsFunc(got, isPush(`jid='carol@kith.example' subscription='both'><group>Old</group></item>`)) {
			t.Errorf("alice got %v", got)
		}
		if !slices.ContainsFunc(bob.Take(), contains(`type='unavailable'`)) {
			t.Error("Bob still sees Alice")
		}
		h.wantStates(t, "none unlisted | none unlisted")
	})
}

// In two circles at once: only the end of the last one parts them.
func TestUntieOneOfTwo(t *testing.T) {
	in(t, func(t *testing.T, h *house) {
		for _, group := range []string{"Choir", "Family"} {
			if err := h.roster.Tie(t.Context(), friend("alice"), []roster.Friend{friend("bob")}, group); err != nil {
				t.Fatal(err)
			}
		}
		if err := h.roster.Untie(t.Context(), friend("alice").JID, []roster.Parting{{JID: friend("bob").JID}}, "Choir"); err != nil {
			t.Fatal(err)
		}
		h.wantStates(t, "both | both")
		alice := h.Bind("alice/a")
		if got := alice.Ask(`<iq type='get' id='1'><query xmlns='jabber:iq:roster'/></iq>`).String(); !strings.Contains(got, "<group>Family</group></item>") || strings.Contains(got, "Choir") {
			t.Errorf("roster %s", got)
		}
	})
}

// A request that is held back: its contact hears neither of it nor of its end.
func TestAwait(t *testing.T) {
	in(t, func(t *testing.T, h *house) {
		held := gate{"bob@kith.example": true}
		h.roster.Bind(nil, held)
		alice, bob := h.login(t, "alice/a"), h.login(t, "bob/b")
		ask := func() {
			t.Helper()
			h.Accounts.DoLoaded("alice", func(a module.Account) {
				if err := h.roster.Await(a, jid.Must("bob@kith.example")); err != nil {
					t.Error(err)
				}
			})
			h.Settle()
			h.wantStates(t, "none+out | nothing")
		}
		ask()
		alice.Ask(`<iq type='set' id='1'><query xmlns='jabber:iq:roster'><item jid='bob@kith.example' subscription='remove'/></query></iq>`)
		ask()
		alice.Send(`<presence type='unsubscribe' to='bob@kith.example'/>`)
		h.Settle()
		h.wantStates(t, "none | nothing")
		if got := bob.Take(); len(got) != 0 {
			t.Errorf("bob got %v", got)
		}
		// One that has gone out ends as ever.
		clear(held)
		ask()
		alice.Send(`<presence type='unsubscribe' to='bob@kith.example'/>`)
		h.Settle()
		h.wantStates(t, "none | nothing")
	})
}

// What an account has with others when it comes under guard.
func TestRelations(t *testing.T) {
	in(t, func(t *testing.T, h *house) {
		alice := h.login(t, "alice/a")
		h.Bind("bob/b").Send(`<presence type='subscribe' to='alice@kith.example'><status>it is me</status></presence>`)
		alice.Send(`<presence type='subscribe' to='carol@kith.example'/>`)
		if err := h.roster.Befriend(t.Context(), friend("alice"), friend("dave")); err != nil {
			t.Fatal(err)
		}
		h.Settle()
		look := func(want string) {
			t.Helper()
			var got string
			err := h.roster.Relations(t.Context(), "alice", func(contacts []jid.JID, in []*stanza.Stanza, out []jid.JID) error {
				for _, j := range contacts {
					got += " " + j.Local()
				}
				for _, st := range in {
					got += " <" + st.From.Local() + " " + st.Root().ChildText("jabber:client", "status")
				}
				for _, j := range out {
					got += " >" + j.Local()
				}
				return nil
			})
			if err != nil || strings.TrimSpace(got) != want {
				t.Errorf("got %s %v, want %s", got, err, want)
			}
		}
		look("dave <bob it is me >carol")
		look("dave >carol")
		if got := h.state(t, "alice", "bob@kith.example"); got != "nothing" {
			t.Errorf("the request is still there: %s", got)
		}
	})
}
