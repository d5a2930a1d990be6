package presence

import (
	"iter"
	"strings"
	"unique"

	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/internal/xmltree"
	"kith/server/module"
)

// Caps is what a client announces about itself (XEP-0115 section 4); the zero value if nothing.
type Caps struct {
	Node, Ver, Hash string
}

// seen are the clients of contacts that an account sees available.
type seen struct {
	clients map[jid.JID]client
	n       uint64
}

type client struct {
	caps unique.Handle[Caps]
	// n orders clients by when they were last heard of.
	n uint64
}

// see takes note of the presence of others. Only contacts count: what strangers and rooms send
// directly is between them and the session.
//
// The hooks for seen presence are called before the note is taken, so that a hook can tell from
// [Presence.Seen] what was known until now.
func (f *Presence) see(a module.Account, st *stanza.Stanza) {
	contact := st.From.Bare()
	if contact == a.JID() {
		return
	}
	if to, from, _ := f.contacts.Subscription(a, contact); !to && !from {
		return
	}
	f.registry.Seen(a, st)
	v := f.seen.Of(a.Slots())
	switch {
	case st.Type == stanza.Available:
		v.add(st.From, readCaps(st), f.config.MaxSeen)
	case st.From.IsBare():
		for j := range v.clients {
			if j.Bare() == contact {
				delete(v.clients, j)
			}
		}
	default:
		delete(v.clients, st.From)
	}
}

func (v *seen) add(j jid.JID, c Caps, limit int) {
	if _, ok := v.clients[j]; !ok {
		if len(v.clients) >= limit {
			v.forgetOldest()
		}
		j = j.Clone()
	}
	v.n++
	v.clients[j] = client{unique.Make(c), v.n}
}

func (v *seen) forgetOldest() {
	var oldest jid.JID
	var n uint64
	for j, c := range v.clients {
		if oldest.IsZero() || c.n < n {
			oldest, n = j, c.n
		}
	}
	delete(v.clients, oldest)
}

// readCaps reads the capabilities of a presence; the strings have memory of their own.
func readCaps(st *stanza.Stanza) Caps {
	if !strings.Contains(st.Inner(), ns.Caps) {
		return Caps{} // not worth parsing
	}
	c := st.Child(ns.Caps, "c")
	caps := Caps{Node: c.Attr("node"), Ver: c.Attr("ver"), Hash: c.Attr("hash")}
	// A server keeps this for each client; a real one needs 150 bytes.
	if len(caps.Node)+len(caps.Ver)+len(caps.Hash) > 1024 {
		return Caps{}
	}
	return Caps{strings.Clone(caps.Node), strings.Clone(caps.Ver), strings.Clone(caps.Hash)}
}

// Seen are the clients of contacts that the account sees available, by full address.
func (f *Presence) Seen(a module.Account) iter.Seq2[jid.JID, Caps] {
	return func(yield func(jid.JID, Caps) bool) {
		v := f.seen.Peek(a.Slots())
		if v == nil {
			return
		}
		for j, c := range v.clients {
			if !yield(j, c.caps.Value()) {
				return
			}
		}
	}
}

// Available calls visit with the presence of every client of contacts that the account sees
// available: as much of it as is kept, its sender and its capabilities.
func (f *Presence) Available(a module.Account, visit func(presence *stanza.Stanza)) {
	for j, c := range f.Seen(a) {
		visit(stanza.Build(stanza.Header{Kind: stanza.Presence, From: j, To: a.JID()}, func(w *xmltree.Writer) {
			if c != (Caps{}) {
				w.Empty(ns.Caps, "c", "hash", c.Hash, "node", c.Node, "ver", c.Ver)
			}
		}))
	}
}
