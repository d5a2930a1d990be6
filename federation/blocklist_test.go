package federation_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"

	"kith/internal/jid"
	"kith/internal/stanza"
)

// nobody knows nobody, so that everybody is a stranger.
type nobody struct{}

func (nobody) Known(context.Context, string, jid.JID) (bool, error) { return false, nil }
func (nobody) Confined(context.Context, string) (bool, error)       { return false, nil }

func hashOf(who string) string {
	sum := sha256.Sum256([]byte(who))
	return hex.EncodeToString(sum[:])
}

// publisher is the other side of a block list.
type publisher struct{ *node }

// request waits for a question about the list.
func (p publisher) request(what string) *stanza.Stanza {
	p.t.Helper()
	return p.Wait(p.t, what, func(st *stanza.Stanza) bool { return st.IsRequest() && strings.Contains(st.String(), "<"+what+" ") })
}

// answer gives a page of the list; count is that of the whole list, and after its last item.
func (p publisher) answer(q *stanza.Stanza, node string, count int, hashes ...string) {
	xml := fmt.Sprintf("<iq from='%s' to='%s' type='result' id='%s'><pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='%s'>", p.domain, q.From, q.ID, node)
	for _, h := range hashes {
		xml += "<item id='" + h + "'/>"
	}
	xml += "</items>"
	if len(hashes) > 0 {
		xml += fmt.Sprintf("<set xmlns='http://jabber.org/protocol/rsm'><first index='0'>%s</first><last>%s</last><count>%d</count></set>", hashes[0], hashes[len(hashes)-1], count)
	}
	p.send(xml + "</pubsub></iq>")
}

func (p publisher) event(to, node, change string) {
	p.send(fmt.Sprintf("<message from='%s' to='%s' type='headline'><event xmlns='http://jabber.org/protocol/pubsub#event'><items node='%s'>%s</items></event></message>", p.domain, to, node, change))
}

// A list of spammers that another server publishes keeps them out, and only as far as they are strangers: what
// it lists at the start, what it adds and what it takes back, over several pages, and while it is away.
func TestBlocklists(t *testing.T) {
	play(t, func(t *testing.T, in *internet) {
		list := publisher{in.server("list.example")}
		a := in.server("a.example", func(n *node) {
			n.cfg.Blocklists = []string{"list.example/spammers"}
			n.deps.Guard = nobody{}
		})
		b := in.server("b.example")
		// arrives reports whether somebody's message comes to alice.
		arrives := func(n *node, from string) bool {
			t.Helper()
			n.send(fmt.Sprintf("<message from='%s' to='alice@a.example' type='chat' id='q'><body>x</body></message>", from))
			pass(t, 2*time.Second)
			got, back := strings.TrimSpace(a.bodies()), n.Take()
			if got == "" {
				if len(back) != 1 || back[0].ReadFault().Condition != stanza.PolicyViolation || !strings.Contains(back[0].ReadFault().Text, "list of spammers") {
					t.Errorf("%s is told %v", from, back)
				}
			}
			return got == "x"
		}
		list.request("subscribe")
		list.answer(list.request("items"), "spammers", 3, hashOf("spam@b.example"), "not a hash")
		q := list.request("items")
		if !strings.Contains(q.String(), "<after>not a hash</after>") {
			t.Errorf("asked for %s", q)
		}
		b.send("<iq from='b.example' to='a.example' type='result' id='" + q.ID + "'><pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='spammers'/></pubsub></iq>")
		pass(t, time.Second)
		list.answer(q, "spammers", 3, hashOf("worse@b.example"))
		list.answer(list.request("items"), "spammers", 3)
		pass(t, time.Second)
		for from, want := range map[string]bool{"spam@b.example": false, "worse@b.example/phone": false, "bob@b.example": true} {
			if arrives(b, from) != want {
				t.Errorf("%s arrives: %v", from, !want)
			}
		}
		// Nobody but the publisher changes it.
		b.send("<message from='b.example' to='a.example' type='headline'><event xmlns='http://jabber.org/protocol/pubsub#event'><items node='spammers'><retract id='" + hashOf("spam@b.example") + "'/></items></event></message>")
		b.send("<iq from='b.example' to='a.example' type='result' id='" + q.ID + "'><pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='spammers'/></pubsub></iq>")
		pass(t, time.Second)
		if arrives(b, "spam@b.example") {
			t.Error("somebody else changes the list")
		}
		list.event("a.example", "spammers", "<retract id='"+hashOf("spam@b.example")+"'/><item id='"+hashOf("c.example")+"'/>")
		list.event("a.example", "other", "<item id='"+hashOf("bob@b.example")+"'/>")
		pass(t, time.Second)
		c := in.server("c.example")
		if !arrives(b, "spam@b.example") {
			t.Error("what was taken back still counts")
		}
		if arrives(c, "anybody@c.example") {
			t.Error("what was added does not count")
		}
		if !arrives(b, "bob@b.example") {
			t.Error("what another list says counts")
		}
		// Whom alice has written to is no stranger.
		a.message("c.example", "who are you")
		pass(t, time.Second)
		c.Take()
		if !arrives(c, "bob@c.example") {
			t.Error("an answer is refused")
		}
		// It is read anew from time to time; while it cannot be, what was read stays in force.
		in.unplug(list.address)
		pass(t, 7*time.Hour)
		if arrives(b, "worse@b.example") {
			t.Error("the list is forgotten while its server is away")
		}
		in.plug(list.address)
		pass(t, 6*time.Hour)
		list.Take()
		pass(t, 6*time.Hour)
		list.request("subscribe")
		list.answer(list.request("items"), "spammers", 1, hashOf("bob@b.example"))
		pass(t, time.Second)
		if !arrives(b, "worse@b.example") || arrives(b, "bob@b.example") {
			t.Error("the list is not read anew")
		}
		if n := a.Counters().Spam.Load(); n == 0 {
			t.Error("nothing is counted")
		}
	})
}
