package federation_test

import (
	"crypto/sha1"
	"fmt"
	"net"
	"testing"
	"time"

	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/internal/stream"
	"kith/internal/xmltree"
)

const componentSecret = "a secret for tests"

// bot is a component of a house (XEP-0114).
type bot struct {
	t      *testing.T
	conn   net.Conn
	reader *stream.Reader
}

func (h *house) bot(t *testing.T) *bot {
	t.Helper()
	ours, theirs := net.Pipe()
	h.Components().Serve(theirs)
	t.Cleanup(func() { _ = ours.Close() })
	b := &bot{t, ours, stream.NewReader(ours, ns.Component, xmltree.Limits{Bytes: 1 << 20, Elements: 1 << 16, Depth: 100, Attrs: 100}, &stream.Buffers{})}
	b.send("<?xml version='1.0'?><stream:stream xmlns='" + ns.Component + "' xmlns:stream='" + ns.Stream + "' to='bot." + h.Domain + "'>")
	header, err := b.reader.Next()
	if err != nil || header.Kind != stream.Open {
		t.Fatalf("the stream of the component: %v", err)
	}
	b.send(fmt.Sprintf("<handshake>%x</handshake>", sha1.Sum([]byte(header.Header.ID+componentSecret))))
	if e := b.get(); e.Local() != "handshake" {
		t.Fatalf("the component: %s", e.Source())
	}
	return b
}

func (b *bot) send(xml string) {
	b.t.Helper()
	if _, err := b.conn.Write([]byte(xml)); err != nil {
		b.t.Fatalf("send %s: %v", xml, err)
	}
}

func (b *bot) get() xmltree.Element {
	b.t.Helper()
	item, err := b.reader.Next()
	if err != nil || item.Kind != stream.Element {
		b.t.Fatalf("got %+v, %v", item, err)
	}
	return item.Element
}

// A component of one server and a person of another talk with each other, whoever begins.
func TestAComponentAcross(t *testing.T) {
	play(t, func(t *testing.T, in *internet) {
		one, two := in.house("one.example"), in.house("two.example")
		two.Account("bob")
		c, b := one.bot(t), two.Client("bob")
		b.Send(`<presence/>`)

		// Bob begins: a message, and a question that is answered.
		b.Send(`<message to='desk@bot.one.example/x' type='chat' id='m1'><body>to the component</body></message>`)
		if e := c.get(); e.Attr("from") != b.JID.String() || e.Attr("to") != "desk@bot.one.example/x" || e.ChildText(ns.Client, "body") != "to the component" {
			t.Errorf("the component got %s", e.Source())
		}
		b.Send(`<iq to='bot.one.example' type='get' id='q1'><query xmlns='jabber:iq:version'/></iq>`)
		q := c.get()
		if q.Attr("type") != "get" || q.Attr("from") != b.JID.String() || q.Child(ns.Version, "query").IsZero() {
			t.Errorf("the component is asked %s", q.Source())
		}
		c.send(`<iq from='bot.one.example' to='` + b.JID.String() + `' type='result' id='` + q.Attr("id") + `'><query xmlns='jabber:iq:version'><name>bot</name></query></iq>`)
		b.Wait(t, "the answer", func(st *stanza.Stanza) bool {
			return st.ID == "q1" && st.Type == stanza.Result && st.From.String() == "bot.one.example"
		})

		// The component begins.
		c.send(`<message from='desk@bot.one.example' to='bob@two.example' type='chat' id='m2'><body>from the component</body></message>`)
		if st := b.Message("from the component"); st.From.String() != "desk@bot.one.example" {
			t.Errorf("bob got %s", st)
		}
		c.send(`<iq from='bot.one.example' to='` + b.JID.String() + `' type='get' id='q2'><ping xmlns='urn:xmpp:ping'/></iq>`)
		asked := b.Wait(t, "the question", func(st *stanza.Stanza) bool {
			return st.Kind == stanza.IQ && st.IsRequest() && st.From.String() == "bot.one.example"
		})
		b.Send(`<iq to='bot.one.example' type='result' id='` + asked.ID + `'/>`)
		for { // the session may answer by itself as well
			if e := c.get(); e.Attr("id") == "q2" && e.Attr("from") == b.JID.String() {
				break
			}
		}

		// Without it, whoever writes is told so; the line to its server is as it was.
		_ = c.conn.Close()
		pass(t, time.Second)
		b.Send(`<message to='desk@bot.one.example' type='chat' id='m3'><body>still there?</body></message>`)
		st := b.Wait(t, "the refusal", func(st *stanza.Stanza) bool { return st.ID == "m3" && st.Type == stanza.Error })
		if f := st.ReadFault(); f == nil || f.Condition != stanza.ServiceUnavailable {
			t.Errorf("bob is told %s", st)
		}
	})
}
