// Package caps learns what the clients behind presences can do (XEP-0115), and remembers it by
// verification string for all accounts.
package caps

import (
	"crypto/rand"
	"strings"
	"sync"

	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/internal/xmltree"
	"kith/server/module"
)

// Set is what a client announced. The nil Set is one that announced nothing.
type Set struct {
	notify map[string]struct{}
}

// Notify reports whether the client wants the events of this node (XEP-0060 section 9.2).
func (s *Set) Notify(node string) bool {
	if s == nil {
		return false
	}
	_, ok := s.notify[node]
	return ok
}

// Cache keeps sets by verification string. It is safe for concurrent use.
type Cache struct {
	// Ver computes the verification string of a disco#info answer.
	ver func(xmltree.Element) (string, error)
	max int

	mu sync.Mutex // guards the maps below
	// known is what could be verified, alone what is believed of one client only.
	known map[string]*Set
	alone map[question]*Set
	// asked are the clients that have not answered yet, with who waits for it: several accounts see
	// the same client at the same time.
	asked map[question][]waiter
}

type question struct {
	client jid.JID
	ver    string
}

type waiter struct {
	account module.Account
	done    func(*Set)
}

const (
	// maxFeatures and maxNames bound what is looked at and kept of one client, the latter in bytes of the names of
	// nodes; maxAnnounced what a client may announce itself by. A real one needs 150 bytes.
	maxFeatures  = 500
	maxNames     = 16 << 10
	maxAnnounced = 1024
)

// Announced is what a presence says of its client (XEP-0115 section 4), "" if that is nothing, or more than anybody
// needs. It shares the memory of the presence.
func Announced(presence *stanza.Stanza) (node, ver, hash string) {
	e := presence.Child(ns.Caps, "c")
	node, ver, hash = e.Attr("node"), e.Attr("ver"), e.Attr("hash")
	if len(node)+len(ver)+len(hash) > maxAnnounced {
		return "", "", ""
	}
	return node, ver, hash
}

// New makes a cache of at most size sets. ver computes verification strings (XEP-0115 section 5.1).
func New(size int, ver func(xmltree.Element) (string, error)) *Cache {
	return &Cache{ver: ver, max: size, known: map[string]*Set{}, alone: map[question]*Set{}, asked: map[question][]waiter{}}
}

// Resolve calls done, inside a's actor, with what the client that sent this presence can do: at
// once if that is known, otherwise when the client has answered. A client that does not answer
// can do nothing.
func (c *Cache) Resolve(a module.Account, presence *stanza.Stanza, done func(*Set)) {
	node, ver, hash := Announced(presence)
	if ver == "" || node == "" {
		done(nil)
		return
	}
	// Only SHA-1 can be verified, and so shared; what others send is believed of themselves alone.
	verifiable := hash == "sha-1"
	key := question{presence.From, ver}
	c.mu.Lock()
	set, ok := c.known[ver]
	if !ok || !verifiable {
		set, ok = c.alone[key]
	}
	if ok {
		c.mu.Unlock()
		done(set)
		return
	}
	// What is kept from here on is not kept in the memory of the presence, which may be large.
	key = question{presence.From.Clone(), strings.Clone(ver)}
	_, already := c.asked[key]
	c.asked[key] = append(c.asked[key], waiter{a, done})
	c.mu.Unlock()
	if already {
		return
	}
	a.Ask(query(a.JID(), key.client, node+"#"+key.ver), func(answer *stanza.Stanza) {
		var set *Set
		if answer != nil && answer.Type == stanza.Result {
			info := answer.Child(ns.DiscoInfo, "query")
			set = read(info)
			got, err := c.ver(info)
			c.mu.Lock()
			if verifiable && err == nil && got == key.ver {
				remember(c.known, key.ver, set, c.max)
			} else {
				remember(c.alone, key, set, c.max)
			}
			c.mu.Unlock()
		}
		c.mu.Lock()
		waiting := c.asked[key]
		delete(c.asked, key)
		c.mu.Unlock()
		for _, w := range waiting {
			if w.account == a {
				w.done(set)
				continue
			}
			w.account.Do(func(module.Account) { w.done(set) })
		}
	})
}

// remember adds to a map of at most limit entries.
func remember[K comparable](m map[K]*Set, k K, set *Set, limit int) {
	if len(m) >= limit {
		// Any will do: an entry that is in use comes back with the next presence.
		for other := range m {
			delete(m, other)
			break
		}
	}
	m[k] = set
}

func query(from, to jid.JID, node string) *stanza.Stanza {
	return stanza.Build(stanza.Header{Kind: stanza.IQ, Type: stanza.Get, ID: "caps-" + rand.Text(), From: from, To: to}, func(w *xmltree.Writer) {
		w.Empty(ns.DiscoInfo, "query", "node", node)
	})
}

func read(info xmltree.Element) *Set {
	s := &Set{notify: map[string]struct{}{}}
	n, left := 0, maxNames
	for f := range info.Children() {
		if n++; n > maxFeatures {
			break
		}
		node, ok := strings.CutSuffix(f.Attr("var"), "+notify")
		if !ok || !f.Is(ns.DiscoInfo, "feature") || len(node) > left {
			continue
		}
		left -= len(node)
		s.notify[strings.Clone(node)] = struct{}{}
	}
	return s
}
