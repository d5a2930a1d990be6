package people

import (
	"context"
	"crypto/sha1" //nolint:gosec // XEP-0115 is made of it
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/internal/xmltree"
	"kith/omemo"
)

// features are what these clients can do (XEP-0030); those that end in +notify make the server tell
// them of news (XEP-0163 section 4.3).
type features []string

const nodeURL = "https://kith.example/people"

// capabilities are the features of every person. They are sorted, as the hash needs them.
var capabilities = func() features {
	f := features{
		ns.DiscoInfo, ns.Caps, ns.ChatStates, ns.Receipts, ns.ChatMarkers, ns.Ping, ns.StanzaID, ns.EME, ns.Hints,
		devicesNode, devicesNode + "+notify", ns.Nick, ns.Nick + "+notify",
	}
	slices.Sort(f)
	return f
}()

// hash is the verification string of XEP-0115 section 5.1.
func (f features) hash() string {
	sum := sha1.Sum([]byte("client/pc//Kith people<" + strings.Join(f, "<") + "<")) //nolint:gosec // see above
	return base64.StdEncoding.EncodeToString(sum[:])
}

func (f features) write(x *xmltree.Writer) {
	x.Empty(ns.Caps, "c", "hash", "sha-1", "node", nodeURL, "ver", f.hash())
}

// describe answers a question for the features.
func (f features) describe(x *xmltree.Writer, node string) {
	x.Open(ns.DiscoInfo, "query", "node", node)
	x.Empty("", "identity", "category", "client", "type", "pc", "name", "Kith people")
	for _, name := range f {
		x.Empty("", "feature", "var", name)
	}
	x.Close()
}

func (p *Person) fetchContacts(ctx context.Context, w *wire) error {
	st, err := w.ask(ctx, stanza.Get, jid.JID{}, func(x *xmltree.Writer) { x.Empty(ns.Roster, "query") })
	if err != nil {
		return fmt.Errorf("contacts: %w", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.contacts)
	for item := range st.Child(ns.Roster, "query").Children() {
		p.listed(item)
	}
	p.change()
	return nil
}

// listed takes an item of the roster. It needs p.mu.
func (p *Person) listed(item xmltree.Element) {
	j, err := jid.Parse(item.Attr("jid"))
	if err != nil {
		return
	}
	if item.Attr("subscription") == "remove" {
		delete(p.contacts, j)
		return
	}
	c := Contact{
		Address: j, Name: item.Attr("name"), Subscription: item.Attr("subscription"), Asked: item.Attr("ask") == "subscribe",
		Asks: p.contacts[j].Asks,
	}
	if c.lets() {
		c.Asks = false
	}
	p.contacts[j] = c
}

// request implements [user].
func (p *Person) request(w *wire, st *stanza.Stanza) *stanza.Stanza {
	payload := st.Payload()
	switch {
	case st.Type == stanza.Get && payload.Is(ns.DiscoInfo, "query"):
		node := payload.Attr("node")
		if node != "" && node != nodeURL+"#"+capabilities.hash() {
			return st.Fail(stanza.Refuse(stanza.ItemNotFound, ""))
		}
		return st.Result(func(x *xmltree.Writer) { capabilities.describe(x, node) })
	case st.Type == stanza.Get && payload.Is(ns.Ping, "ping"):
		return st.Result(nil)
	case st.Type == stanza.Set && payload.Is(ns.Roster, "query"):
		// Only the own server may change the list (RFC 6121 section 2.1.6).
		if !st.From.IsZero() && st.From != p.o.Address {
			break
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		for item := range payload.Children() {
			p.listed(item)
		}
		p.change()
		return st.Result(nil)
	}
	return st.Fail(stanza.Refuse(stanza.ServiceUnavailable, ""))
}

// presence takes what is said about being there, and about who may see it. It needs p.mu.
func (p *Person) presence(st *stanza.Stanza) {
	bare := st.From.Bare()
	if g := p.groups[bare]; g != nil {
		p.occupant(g, st)
		return
	}
	if st.From.IsZero() {
		bare = p.o.Address
	}
	switch st.Type {
	case stanza.Available:
		p.around[st.From] = st.Root().ChildText(ns.Client, "show")
	case stanza.Unavailable:
		delete(p.around, st.From)
		delete(p.typing, bare)
	case stanza.Subscribe:
		c := p.contacts[bare]
		if c.Asked || c.Subscription == "to" || c.Mutual() {
			// Whom we asked ourselves need not ask again (RFC 6121 section 3.1.3).
			p.post(&outgoing{stanza: presenceTo(bare, stanza.Subscribed, nil)})
			return
		}
		c.Address, c.Asks = bare, true
		p.contacts[bare] = c
	default:
		return
	}
	p.change()
}

func presenceTo(to jid.JID, typ stanza.Type, fill func(*xmltree.Writer)) *stanza.Stanza {
	return stanza.Build(stanza.Header{Kind: stanza.Presence, Type: typ, To: to}, fill)
}

// Befriend asks somebody to be a contact, and lets them see in turn. Under name they get into the list;
// greeting goes with the question. Both are contacts when both have asked, or when the other side
// accepts.
func (p *Person) Befriend(ctx context.Context, who jid.JID, name, greeting string) error {
	w, err := p.linked()
	if err != nil {
		return err
	}
	_, err = w.ask(ctx, stanza.Set, jid.JID{}, func(x *xmltree.Writer) {
		x.Open(ns.Roster, "query").Empty("", "item", "jid", who.String(), "name", name).Close()
	})
	if err != nil {
		return fmt.Errorf("contact %s: %w", who, err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	// Said beforehand (RFC 6121 section 3.4), so that their question needs no second answer.
	p.post(&outgoing{stanza: presenceTo(who, stanza.Subscribed, nil)})
	p.post(&outgoing{stanza: presenceTo(who, stanza.Subscribe, func(x *xmltree.Writer) {
		if own := p.names[p.o.Address]; own != "" {
			x.Element(ns.Nick, "nick", own)
		}
		if greeting != "" {
			x.Element("", "status", greeting)
		}
	})})
	return nil
}

// event takes the news of a node (XEP-0060 section 7.1.2.1) of an account. It needs p.mu.
func (p *Person) event(owner jid.JID, e xmltree.Element) {
	items := e.Child(ns.PubSubEvent, "items")
	var last xmltree.Element
	for item := range items.Children() {
		if item.Is(ns.PubSubEvent, "item") {
			last = item
		}
	}
	switch items.Attr("node") {
	case ns.Nick:
		if n := last.Child(ns.Nick, "nick"); !n.IsZero() {
			p.names[owner] = n.Text()
		}
	case devicesNode:
		p.listDevices(owner, last.Child(omemo.NamespaceV03, "list"))
	default:
		return
	}
	p.change()
}
