package bench

import (
	"context"
	"fmt"
	"strconv"
	"sync/atomic"

	"kith/internal/ns"
	"kith/internal/xmltree"
	"kith/test/peers"
)

const password = "a password for benchmarks"

// app is what a person has: stream management and carbons on, answers to what the server asks.
type app struct {
	*peers.Conn
	jid string
	// hear is told of every message.
	hear func(xmltree.Element)
	over chan struct{}

	received   uint32
	settled    chan struct{} // the answer to the last thing that was asked at the start
	self       atomic.Int64  // own presences in rooms
	configured atomic.Bool   // the answer to the configuration of a room
}

// login does what every app does until it is usable, and returns when the server has answered all of it.
func login(ctx context.Context, s *peers.Server, name, resource string, hear func(xmltree.Element)) (*app, error) {
	c, err := s.Dial(ctx)
	if err != nil {
		return nil, err
	}
	a := &app{Conn: c, hear: hear, over: make(chan struct{}), settled: make(chan struct{})}
	if _, err := c.Authenticate(name, password); err != nil {
		return nil, err
	}
	if a.jid, err = c.Bind(resource); err != nil {
		return nil, err
	}
	if err := c.Put("<enable xmlns='urn:xmpp:sm:3'/><iq type='get' id='roster'><query xmlns='jabber:iq:roster'/></iq>" +
		"<iq type='set' id='carbons'><enable xmlns='urn:xmpp:carbons:2'/></iq><presence/><iq type='get' id='settled'><ping xmlns='urn:xmpp:ping'/></iq>"); err != nil {
		return nil, err
	}
	go a.read()
	select {
	case <-a.settled:
		return a, nil
	case <-a.over:
		return nil, fmt.Errorf("the stream of %s ended", name)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (a *app) read() {
	defer close(a.over)
	for {
		e, err := a.Next()
		if err != nil {
			return
		}
		if e.Space() == ns.Client {
			a.received++
		}
		switch {
		case e.Is(ns.SM, "enabled"):
			a.received = 0
		case e.Is(ns.SM, "r"):
			_ = a.Put("<a xmlns='urn:xmpp:sm:3' h='" + strconv.FormatUint(uint64(a.received), 10) + "'/>")
		case e.Is(ns.Client, "iq") && e.Attr("id") == "settled":
			close(a.settled)
		case e.Is(ns.Client, "iq") && e.Attr("id") == "config" && e.Attr("type") == "result":
			a.configured.Store(true)
		case e.Is(ns.Client, "iq") && e.Attr("type") == "get":
			_ = a.Put("<iq type='result' id='" + e.Attr("id") + "' to='" + e.Attr("from") + "'/>")
		case e.Is(ns.Client, "presence"):
			for c := range e.ChildNS(ns.MUCUser).Children() {
				if c.Attr("code") == "110" {
					a.self.Add(1)
				}
			}
		case e.Is(ns.Client, "message") && a.hear != nil:
			a.hear(e)
		}
	}
}

func (a *app) leave() {
	_ = a.Put("</stream:stream>")
	_ = a.Close()
	<-a.over
}
