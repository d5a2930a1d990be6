package federation

import (
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/internal/stream"
	"kith/internal/xmltree"
	"kith/server/router/routertest"
	"kith/test/peers"
)

const password = "a password for tests"

// client is a person's app, of which a play says each word. It answers what every app answers.
type client struct {
	routertest.Inbox
	t        *testing.T
	conn     net.Conn
	reader   *stream.Reader
	JID      jid.JID
	features []string
	over     chan struct{}
	acked    atomic.Uint32 // stanzas for which the server has taken responsibility (XEP-0198)
}

// sign makes an account at a server if there is none, and signs in.
func (s *server) sign(name string) *client {
	t := s.t
	t.Helper()
	if s.Account != nil {
		s.Account(name, password)
	} else {
		c := s.dial()
		c.open(s.Domain)
		c.put(fmt.Sprintf("<iq type='set' id='r' to='%s'><query xmlns='jabber:iq:register'><username>%s</username><password>%s</password></query></iq>", s.Domain, name, password))
		if e := c.element(); e.Attr("type") != "result" {
			t.Fatalf("register %s: %s", name, e.Source())
		}
		_ = c.conn.Close()
	}
	return s.again(name)
}

// again signs in.
func (s *server) again(name string) *client {
	t := s.t
	t.Helper()
	c := s.dial()
	c.open(s.Domain)
	c.put("<auth xmlns='" + ns.SASL + "' mechanism='PLAIN'>" + base64.StdEncoding.EncodeToString([]byte("\x00"+name+"\x00"+password)) + "</auth>")
	if e := c.element(); e.Local() != "success" {
		t.Fatalf("sign in: %s", e.Source())
	}
	c.open(s.Domain)
	c.put("<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>app</resource></bind></iq>")
	bound := c.element()
	for bound.Local() != "iq" {
		bound = c.element()
	}
	c.JID = jid.Must(bound.First().First().Text())
	c.put("<iq type='set' id='s'><session xmlns='urn:ietf:params:xml:ns:xmpp-session'/></iq>")
	go c.read()
	t.Cleanup(func() { _ = c.conn.Close(); <-c.over })
	return c
}

func (s *server) dial() *client {
	t := s.t
	t.Helper()
	conn, err := tls.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", s.C2S), &tls.Config{ServerName: s.Domain, InsecureSkipVerify: true, NextProtos: []string{"xmpp-client"}})
	if err != nil {
		t.Fatalf("connect to %s: %v\n%s", s.Domain, err, s.Logged())
	}
	return &client{t: t, conn: conn, over: make(chan struct{})}
}

func (c *client) open(domain string) {
	c.t.Helper()
	_ = c.conn.SetReadDeadline(time.Now().Add(peers.Patience))
	c.reader = stream.NewReader(c.conn, ns.Client, xmltree.Limits{Bytes: 1 << 22, Elements: 1 << 20, Depth: 100, Attrs: 100}, &stream.Buffers{})
	c.put("<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='" + ns.Stream + "' to='" + domain + "' version='1.0'>")
	if e := c.element(); e.Local() != "features" {
		c.t.Fatalf("features: %s", e.Source())
	}
	_ = c.conn.SetReadDeadline(time.Time{})
}

func (c *client) put(xml string) {
	c.t.Helper()
	if _, err := c.conn.Write([]byte(xml)); err != nil {
		c.t.Fatalf("%s sends %s: %v", c.JID, xml, err)
	}
}

func (c *client) element() xmltree.Element {
	c.t.Helper()
	for {
		item, err := c.reader.Next()
		if err != nil {
			c.t.Fatalf("reading: %v", err)
		}
		if item.Kind == stream.Element {
			return item.Element
		}
	}
}

// read is what an app does: it answers questions and records the rest.
func (c *client) read() {
	defer close(c.over)
	for {
		item, err := c.reader.Next()
		if err != nil {
			return
		}
		if item.Kind != stream.Element {
			continue
		}
		if h, err := strconv.ParseUint(item.Element.Attr("h"), 10, 32); err == nil && item.Element.Is(ns.SM, "a") {
			c.acked.Store(uint32(h))
		}
		st, err := stanza.Read(item.Element, ns.Client)
		if err != nil {
			continue
		}
		if st.IsRequest() {
			answer := "<iq type='error' id='%s' to='%s'><error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>"
			switch {
			case st.Payload().Is(ns.DiscoInfo, "query"):
				answer = "<iq type='result' id='%s' to='%s'><query xmlns='" + ns.DiscoInfo + "' node='" + st.Payload().Attr("node") + "'><identity category='client' type='pc' name='x'/>"
				for _, f := range c.features {
					answer += "<feature var='" + f + "'/>"
				}
				answer += "</query></iq>"
			case st.Payload().Is(ns.Ping, "ping"), st.Payload().Is(ns.Roster, "query"):
				answer = "<iq type='result' id='%s' to='%s'/>"
			}
			_, _ = c.conn.Write([]byte(strings.ReplaceAll(fmt.Sprintf(answer, st.ID, st.From), " to=''", "")))
		}
		c.Add(st)
	}
}

// ask sends a request and waits for its answer.
func (c *client) ask(xml string) *stanza.Stanza {
	c.t.Helper()
	id := routertest.Parse(c.t, xml).ID
	c.put(xml)
	return c.Wait(c.t, "an answer to "+xml, func(st *stanza.Stanza) bool { return st.Kind == stanza.IQ && !st.IsRequest() && st.ID == id })
}

func (c *client) message(body string) *stanza.Stanza {
	c.t.Helper()
	return c.Wait(c.t, "the message "+body, func(st *stanza.Stanza) bool {
		return st.Kind == stanza.Message && st.Type != stanza.Error && st.Body() == body
	})
}

// catchUp waits for a message that may have come while nobody was here. ejabberd keeps it in the archive alone.
func (c *client) catchUp(body string) {
	c.t.Helper()
	c.put("<iq type='set' id='up'><query xmlns='urn:xmpp:mam:2' queryid='up'><set xmlns='http://jabber.org/protocol/rsm'><max>20</max><before/></set></query></iq>")
	c.contains("the message "+body, "", "<body>"+body+"</body>")
}

// contains waits for something from somebody that has these words.
func (c *client) contains(what string, from string, words ...string) *stanza.Stanza {
	c.t.Helper()
	return c.Wait(c.t, what, func(st *stanza.Stanza) bool {
		if from != "" && st.From.String() != from && st.From.Bare().String() != from {
			return false
		}
		for _, w := range words {
			if !strings.Contains(st.String(), w) {
				return false
			}
		}
		return true
	})
}
