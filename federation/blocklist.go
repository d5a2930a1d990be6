package federation

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"sync"
	"time"

	"kith/internal/clock"
	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/internal/xmltree"
)

// blocklists are lists of spammers that other servers publish (real-time block lists): nodes of pubsub
// (XEP-0060) whose items are named by the SHA-256 of a domain or of a bare address. They are read when
// the server starts and from time to time, and subscribed to. While one cannot be read, what was read of
// it last stays in force.
type blocklists struct {
	svc *Service

	mu    sync.Mutex   // guards everything below, and what is in the lists
	lists []*blocklist // which and how many does not change
	timer clock.Timer
	over  bool
}

type blocklist struct {
	service jid.JID
	node    string
	hashes  map[string]bool
	// asked is the id of the request that is under way, and next what is gathered of its answers.
	asked string
	next  map[string]bool
}

const (
	// listTime is how often a list is read anew, against what its events may have missed.
	listTime = 6 * time.Hour
	maxList  = 500_000
	// listID marks the requests.
	listID = "kith-list-"
)

// parseList takes SERVER/NODE apart.
func parseList(s string) (service jid.JID, node string, err error) {
	server, node, ok := strings.Cut(s, "/")
	service, err = jid.Parse(server)
	if err == nil && (!ok || node == "") {
		err = fmt.Errorf("%q is not SERVER/NODE", s)
	}
	return service, node, err
}

func (s *Service) newBlocklists() *blocklists {
	b := &blocklists{svc: s}
	for _, text := range s.cfg.Blocklists {
		if service, node, err := parseList(text); err == nil { // it was validated
			b.lists = append(b.lists, &blocklist{service: service, node: node, hashes: map[string]bool{}})
		}
	}
	return b
}

func (b *blocklists) start() {
	if len(b.lists) > 0 {
		go b.read()
	}
}

func (b *blocklists) stop() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.over = true
	if b.timer != nil {
		b.timer.Stop()
	}
}

// read asks for all lists, and for what changes.
func (b *blocklists) read() {
	b.mu.Lock()
	if b.over {
		b.mu.Unlock()
		return
	}
	own := mustDomain(b.svc.deps.Domain)
	var out []*stanza.Stanza
	for _, l := range b.lists {
		l.asked, l.next = listID+rand.Text(), map[string]bool{}
		out = append(out,
			request(own, l.service, stanza.Set, listID+"subscribe-"+rand.Text(), func(w *xmltree.Writer) {
				w.Empty("", "subscribe", "node", l.node, "jid", own.String())
			}),
			l.items(own, ""),
		)
	}
	b.timer = b.svc.deps.Clock.AfterFunc(listTime, b.read)
	b.mu.Unlock()
	for _, st := range out {
		b.svc.Send(st, nil, nil)
	}
}

func request(from, to jid.JID, typ stanza.Type, id string, fill func(*xmltree.Writer)) *stanza.Stanza {
	return stanza.Build(stanza.Header{Kind: stanza.IQ, Type: typ, ID: id, From: from, To: to}, func(w *xmltree.Writer) {
		w.Open(ns.PubSub, "pubsub")
		fill(w)
		w.Close()
	})
}

// items asks for a page of a list (XEP-0059).
func (l *blocklist) items(own jid.JID, after string) *stanza.Stanza {
	return stanza.Build(stanza.Header{Kind: stanza.IQ, Type: stanza.Get, ID: l.asked, From: own, To: l.service}, func(w *xmltree.Writer) {
		w.Open(ns.PubSub, "pubsub").Empty("", "items", "node", l.node)
		if after != "" {
			w.Open(ns.RSM, "set").Element("", "max", "250").Element("", "after", after).Close()
		}
		w.Close()
	})
}

// takes reports whether a stanza is about one of the lists, and reads it.
func (b *blocklists) takes(st *stanza.Stanza) bool {
	if len(b.lists) == 0 || !st.To.IsDomain() || st.To.Domain() != b.svc.deps.Domain {
		return false
	}
	switch {
	case st.Kind == stanza.IQ && strings.HasPrefix(st.ID, listID) && !st.IsRequest():
		b.answer(st)
		return true
	case st.Kind == stanza.Message && st.Type != stanza.Error:
		return b.event(st)
	}
	return false
}

// answer takes a page.
func (b *blocklists) answer(st *stanza.Stanza) {
	b.mu.Lock()
	var more *stanza.Stanza
	for _, l := range b.lists {
		if l.asked != st.ID || l.service != st.From {
			continue
		}
		pubsub := st.Child(ns.PubSub, "pubsub")
		items := pubsub.Child(ns.PubSub, "items")
		if st.Type == stanza.Error || items.Attr("node") != l.node {
			l.asked, l.next = "", nil // what there is stays
			break
		}
		last := ""
		for c := range items.Children() {
			if last = c.Attr("id"); isHash(last) && len(l.next) < maxList {
				l.next[strings.Clone(last)] = true
			}
		}
		page := pubsub.Child(ns.RSM, "set")
		if end := page.ChildText(ns.RSM, "last"); end != "" && last != "" && len(l.next) < maxList && !complete(page, len(l.next)) {
			l.asked = listID + rand.Text()
			more = l.items(mustDomain(b.svc.deps.Domain), end)
			break
		}
		l.hashes, l.asked, l.next = l.next, "", nil
	}
	b.mu.Unlock()
	if more != nil {
		b.svc.Send(more, nil, nil)
	}
}

// complete reports whether a page says that there are no more than were read.
func complete(page xmltree.Element, read int) bool {
	return page.ChildText(ns.RSM, "count") == fmt.Sprint(read)
}

// event takes a change of a list.
func (b *blocklists) event(st *stanza.Stanza) bool {
	items := st.Child(ns.PubSubEvent, "event").Child(ns.PubSubEvent, "items")
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, l := range b.lists {
		if l.service != st.From.Bare() || items.Attr("node") != l.node {
			continue
		}
		for c := range items.Children() {
			id := c.Attr("id")
			switch {
			case c.Local() == "retract":
				delete(l.hashes, id)
			case c.Local() == "item" && isHash(id) && len(l.hashes) < maxList:
				l.hashes[strings.Clone(id)] = true
			}
		}
		return true
	}
	return false
}

func isHash(s string) bool {
	_, err := hex.DecodeString(s)
	return err == nil && len(s) == 2*sha256.Size
}

// has reports whether somebody is on one of the lists, or their domain.
func (b *blocklists) has(who jid.JID) bool {
	if len(b.lists) == 0 {
		return false
	}
	hash := func(s string) string {
		sum := sha256.Sum256([]byte(s))
		return hex.EncodeToString(sum[:])
	}
	person, domain := hash(who.Bare().String()), hash(who.Domain())
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, l := range b.lists {
		if l.hashes[person] || l.hashes[domain] {
			return true
		}
	}
	return false
}
