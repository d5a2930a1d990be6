package plays

import (
	"context"
	"crypto/sha1" //nolint:gosec // XEP-0115 asks for it
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"kith/internal/ns"
	"kith/internal/xmltree"
	"kith/test/peers"
)

// actor is an app of a person, or a component. It answers what every app answers, and keeps the rest for the play.
type actor struct {
	name string // NAME/RESOURCE, or that of a component
	conn *peers.Conn
	jid  string // the whole address, once it is bound
	over chan struct{}
	log  func(string)

	mu       sync.Mutex // guards the fields below
	inbox    []xmltree.Element
	requests []xmltree.Element                 // <r/>, which come when they like
	waiting  map[string]chan<- xmltree.Element // who asked, by id
	changed  chan struct{}                     // closed when the inbox changes
	features []string                          // what it says that it supports; nil for a client without caps
	counting bool                              // stream management is on
	received int                               // stanzas since then
	asked    int
}

func newActor(name string, conn *peers.Conn, log func(string)) *actor {
	return &actor{name: name, conn: conn, over: make(chan struct{}), log: log, waiting: map[string]chan<- xmltree.Element{}, changed: make(chan struct{})}
}

// put sends XML.
func (a *actor) put(xml string) error {
	a.log(a.name + " > " + xml)
	if err := a.conn.Put(xml); err != nil {
		return fmt.Errorf("%s sends %s: %w", a.name, xml, err)
	}
	return nil
}

// read keeps what comes until the stream ends.
func (a *actor) read() {
	defer close(a.over)
	for {
		e, err := a.conn.Next()
		if err != nil {
			a.log(a.name + " < " + err.Error())
			return
		}
		a.log(a.name + " < " + e.Source())
		if !e.Is(ns.SASL, "success") {
			a.take(e)
			continue
		}
		// The next stream (RFC 6120 section 6.4.6).
		features, err := a.conn.Open()
		a.take(e)
		if err != nil {
			a.log(a.name + " < " + err.Error())
			return
		}
		a.log(a.name + " < " + features.Source())
		a.take(features)
	}
}

// isComponent: it has a domain of its own, and says from whom things are (XEP-0114).
func (a *actor) isComponent() bool { return !strings.Contains(a.name, "/") }

// signed is a request of a component with its address.
func (a *actor) signed(xml string) string {
	if a.isComponent() && !strings.Contains(xml, "from=") {
		return strings.Replace(xml, "<iq ", "<iq from='"+a.jid+"' ", 1)
	}
	return xml
}

func (a *actor) take(e xmltree.Element) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case e.Is(ns.SM, "enabled"), e.Is(ns.SM, "resumed"):
		a.counting = true
		if e.Local() == "enabled" {
			a.received = 0
		}
	case e.Is(ns.SM, "r"):
		a.requests = append(a.requests, e)
		a.wake()
		return
	case e.Space() == ns.Client && a.counting:
		a.received++
	}
	if e.Is(ns.Client, "iq") {
		switch e.Attr("type") {
		case "result", "error":
			if to, ok := a.waiting[e.Attr("id")]; ok {
				delete(a.waiting, e.Attr("id"))
				to <- e
				return
			}
		case "get", "set":
			if a.answer(e) {
				return
			}
		}
	}
	a.inbox = append(a.inbox, e)
	a.wake()
}

func (a *actor) wake() {
	close(a.changed)
	a.changed = make(chan struct{})
}

// answer answers a request as every app does, and reports whether the play need not know of it.
func (a *actor) answer(e xmltree.Element) (silent bool) {
	payload, content := e.First(), ""
	switch {
	case payload.Is(ns.Ping, "ping"):
		silent = true
	case payload.Is(ns.DiscoInfo, "query") && a.features != nil:
		silent = true
		content = "<query xmlns='" + ns.DiscoInfo + "' node='" + payload.Attr("node") + "'>" + a.identity() + "</query>"
	case e.Attr("type") == "set" && (payload.Is(ns.Roster, "query") || payload.Space() == ns.Blocking || payload.Is("urn:xmpp:mam:tmp", "prefs")):
	default:
		return false
	}
	to := ""
	if from := e.Attr("from"); from != "" {
		to = " to='" + escape.Replace(from) + "'"
	}
	if a.isComponent() {
		to += " from='" + escape.Replace(e.Attr("to")) + "'"
	}
	_ = a.conn.Put("<iq type='result' id='" + escape.Replace(e.Attr("id")) + "'" + to + ">" + content + "</iq>")
	return silent
}

// identity is what it says of itself (XEP-0030).
func (a *actor) identity() string {
	text := "<identity category='client' type='pc' name='play'/>"
	for _, f := range a.features {
		text += "<feature var='" + f + "'/>"
	}
	return text
}

// caps are what stands in its presence (XEP-0115 section 5).
func (a *actor) caps() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	slices.Sort(a.features)
	sum := sha1.Sum([]byte("client/pc//play<" + strings.Join(a.features, "<") + "<")) //nolint:gosec // see above
	return "<c xmlns='" + ns.Caps + "' hash='sha-1' node='https://play.example/' ver='" + base64.StdEncoding.EncodeToString(sum[:]) + "'/>"
}

// find takes the first element out of the inbox that fits, and waits for it.
func (a *actor) find(patience time.Duration, fits func(xmltree.Element) error) error {
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	for {
		a.mu.Lock()
		for _, from := range []*[]xmltree.Element{&a.inbox, &a.requests} {
			for i, e := range *from {
				if fits(e) == nil {
					*from = slices.Delete(*from, i, i+1)
					a.mu.Unlock()
					return nil
				}
			}
		}
		changed := a.changed
		a.mu.Unlock()
		select {
		case <-changed:
		case <-deadline.C:
			return fmt.Errorf("waited in vain; there was%s", a.came(fits))
		}
	}
}

// came is what is in the inbox, and why it is not what was expected.
func (a *actor) came(fits func(xmltree.Element) error) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.inbox) == 0 {
		return " nothing"
	}
	var b strings.Builder
	for _, e := range a.inbox {
		b.WriteString("\n\t" + e.Source())
		if fits != nil {
			b.WriteString("\n\t\t" + fits(e).Error())
		}
	}
	return b.String()
}

// forget empties the inbox.
func (a *actor) forget() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.inbox, a.requests = nil, nil
}

// ask sends an iq with an id of its own, which begins with prefix, and returns the answer.
func (a *actor) ask(ctx context.Context, prefix, xml string) (xmltree.Element, error) {
	a.mu.Lock()
	a.asked++
	id := fmt.Sprintf("%s%d", prefix, a.asked)
	answer := make(chan xmltree.Element, 1)
	a.waiting[id] = answer
	a.mu.Unlock()
	xml = a.signed(strings.Replace(xml, "<iq ", "<iq id='"+id+"' ", 1))
	if err := a.put(xml); err != nil {
		return xmltree.Element{}, err
	}
	select {
	case e := <-answer:
		return e, nil
	case <-a.over:
		return xmltree.Element{}, fmt.Errorf("the stream of %s ended before the answer to %s", a.name, xml)
	case <-ctx.Done():
		return xmltree.Element{}, fmt.Errorf("no answer to %s", xml)
	}
}
