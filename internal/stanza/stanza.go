// Package stanza holds the three stanzas of XMPP (RFC 6120 section 8) as immutable values.
//
// A [Stanza] keeps the content that came in as it came in: addressing it anew, stamping it with
// its sender or handing it to another transport writes a new start tag around the same bytes.
package stanza

import (
	"errors"
	"fmt"
	"sync"

	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/xmltree"
)

// Kind is message, presence or iq.
type Kind uint8

// The kinds of stanza.
const (
	Message Kind = iota + 1
	Presence
	IQ
)

func (k Kind) String() string {
	switch k {
	case Message:
		return "message"
	case Presence:
		return "presence"
	case IQ:
		return "iq"
	}
	return "unknown"
}

// Type is the value of the type attribute (RFC 6120 section 8.2, RFC 6121 sections 4.7.1, 5.2.2).
type Type string

// Types. A message without a type is Normal; a presence without one is Available.
const (
	Available    Type = ""
	Unavailable  Type = "unavailable"
	Subscribe    Type = "subscribe"
	Subscribed   Type = "subscribed"
	Unsubscribe  Type = "unsubscribe"
	Unsubscribed Type = "unsubscribed"
	Probe        Type = "probe"

	Normal    Type = "normal"
	Chat      Type = "chat"
	Groupchat Type = "groupchat"
	Headline  Type = "headline"

	Get    Type = "get"
	Set    Type = "set"
	Result Type = "result"

	Error Type = "error"
)

// Header is what the start tag says. The zero addresses mean that the attribute is absent.
type Header struct {
	Kind     Kind
	Type     Type
	ID       string
	From, To jid.JID
	Lang     string
}

// Stanza is one stanza. Its fields do not change once it has been made; share it freely.
type Stanza struct {
	Header
	// open is the start tag without xmlns and without its ">"; inner is what follows it.
	open, inner string
	// extra: the start tag has attributes beyond those of the header.
	extra bool

	once sync.Once
	root xmltree.Element
	// body is the stanza with the same content that keeps the tree, nil for itself.
	body *Stanza
}

// Errors of [Read].
var (
	// ErrKind: a first-level element that is no stanza (unsupported-stanza-type).
	ErrKind = errors.New("stanza: not a stanza")
	// ErrAddress: to or from is no valid address (improper-addressing for the stream, jid-malformed for the stanza).
	ErrAddress = errors.New("stanza: malformed address")
	// ErrType: an iq without a legal type or id, or with a wrong number of children (bad-request).
	ErrType = errors.New("stanza: bad request")
)

// Read makes a stanza of a parsed first-level element. contentNS is the content namespace of the
// stream it came by (jabber:client or jabber:server); both read as jabber:client afterwards.
//
// With [ErrAddress] and [ErrType] the stanza is returned too, as far as it was understood, so that
// an error can be sent back; it must not be routed.
func Read(root xmltree.Element, contentNS string) (*Stanza, error) {
	h := Header{ID: root.Attr("id"), Type: Type(root.Attr("type")), Lang: root.Lang()}
	if root.Space() != contentNS {
		return nil, ErrKind
	}
	switch root.Local() {
	case "message":
		h.Kind = Message
		switch h.Type {
		case Normal, Chat, Groupchat, Headline, Error:
		default:
			// RFC 6121 section 5.2.2: an unknown type is handled like normal.
			h.Type = Normal
		}
	case "presence":
		h.Kind = Presence
	case "iq":
		h.Kind = IQ
	default:
		return nil, ErrKind
	}
	var bad error
	for _, a := range []struct {
		name string
		to   *jid.JID
	}{{"to", &h.To}, {"from", &h.From}} {
		v, ok := root.LookupAttr("", a.name)
		if !ok {
			continue
		}
		j, err := jid.Parse(v)
		if err != nil {
			bad = fmt.Errorf("%w: %s: %w", ErrAddress, a.name, err)
			continue
		}
		*a.to = j
	}
	s := &Stanza{Header: h}
	if root.Plain(contentNS) && contentNS == ns.Client {
		s.inner = root.Inner()
		s.root = root
		s.once.Do(func() {})
	} else {
		// It leans on declarations of its stream: written out anew it stands alone.
		w := xmltree.NewWriter(len(root.Source()) + 64)
		writeInner(w, root, contentNS)
		s.inner = w.String()
	}
	s.open, s.extra = openTag(h, root), hasExtra(root)
	if bad == nil && h.Kind == IQ {
		bad = checkIQ(h, root)
	}
	if bad == nil && h.Kind == Presence && !presenceType(h.Type) {
		bad = fmt.Errorf("%w: presence of type %q", ErrType, h.Type)
	}
	return s, bad
}

// writeInner copies the content of root; elements of the content namespace inherit it.
func writeInner(w *xmltree.Writer, root xmltree.Element, contentNS string) {
	if root.HasText() {
		w.Text(root.Text())
	}
	for c := range root.Children() {
		w.Copy(c, contentNS)
	}
}

// checkIQ holds an iq against RFC 6120 section 8.2.3.
func checkIQ(h Header, root xmltree.Element) error {
	switch h.Type {
	case Get, Set:
		if root.CountChildren() != 1 {
			return fmt.Errorf("%w: iq %s with %d children", ErrType, h.Type, root.CountChildren())
		}
	case Result:
		if root.CountChildren() > 1 {
			return fmt.Errorf("%w: iq result with %d children", ErrType, root.CountChildren())
		}
	case Error:
	default:
		return fmt.Errorf("%w: iq of type %q", ErrType, h.Type)
	}
	if h.ID == "" {
		return fmt.Errorf("%w: iq without id", ErrType)
	}
	return nil
}

func presenceType(t Type) bool {
	switch t {
	case Available, Unavailable, Subscribe, Subscribed, Unsubscribe, Unsubscribed, Probe, Error:
		return true
	default:
		return false
	}
}

// openTag writes the start tag for a header; attributes that are not the header's are taken over
// from like.
func openTag(h Header, like xmltree.Element) string {
	w := xmltree.NewWriter(96)
	attrs := [...]string{"to", h.To.String(), "from", h.From.String(), "id", h.ID, "type", string(h.Type), "xml:lang", h.Lang}
	if h.Kind == Message && h.Type == Normal {
		attrs[7] = ""
	}
	w.Start(h.Kind.String(), attrs[:]...)
	for a := range like.Attrs() {
		switch {
		case a.Space == ns.XML && a.Local == "lang":
		case a.Space != "":
			// An attribute of another namespace on a stanza itself has no meaning in XMPP
			// (RFC 6120 section 8.1 names the five); it is not carried over.
		case a.Local == "to", a.Local == "from", a.Local == "id", a.Local == "type":
		default:
			w.Attr(a.Local, a.Value)
		}
	}
	return w.String()
}

func hasExtra(e xmltree.Element) bool {
	for a := range e.Attrs() {
		switch a.Local {
		case "to", "from", "id", "type":
		default:
			if a.Space == "" {
				return true
			}
		}
	}
	return false
}

// New makes a stanza whose content is inner, balanced XML that inherits jabber:client.
func New(h Header, inner string) *Stanza {
	if h.Kind == Message && h.Type == "" {
		h.Type = Normal
	}
	return &Stanza{Header: h, open: openTag(h, xmltree.Element{}), inner: inner}
}

// Build makes a stanza whose content is written by fill; nil for none.
func Build(h Header, fill func(*xmltree.Writer)) *Stanza {
	if fill == nil {
		return New(h, "")
	}
	w := xmltree.NewWriter(256)
	fill(w)
	return New(h, w.String())
}

// Root is the stanza as a tree, in the namespace jabber:client. Read headers from the fields of
// the stanza instead: those of the tree may be older.
func (s *Stanza) Root() xmltree.Element {
	if s.body != nil {
		return s.body.Root()
	}
	s.once.Do(func() {
		// What is parsed here was written by this program or has been checked before.
		s.root, _ = xmltree.Parse(s.String(), unbounded, xmltree.Scope{Default: ns.Client})
	})
	return s.root
}

var unbounded = xmltree.Limits{Bytes: 1 << 26, Elements: 1 << 20, Depth: 1 << 10, Attrs: 1 << 10}

// Child is the first child with this name.
func (s *Stanza) Child(space, local string) xmltree.Element { return s.Root().Child(space, local) }

// Payload is the first child element: that of an iq get or set.
func (s *Stanza) Payload() xmltree.Element { return s.Root().First() }

// Body is the text of the body of a message, "" without one.
func (s *Stanza) Body() string { return s.Root().ChildText(ns.Client, "body") }

// Inner is the content as it is written.
func (s *Stanza) Inner() string { return s.inner }

// IsRequest reports whether this is an iq of type get or set.
func (s *Stanza) IsRequest() bool { return s.Kind == IQ && (s.Type == Get || s.Type == Set) }

// Size is the length of [Stanza.String] in bytes.
func (s *Stanza) Size() int {
	if s.inner == "" {
		return len(s.open) + 2
	}
	return len(s.open) + len(s.inner) + len(s.Kind.String()) + 4
}

// Append appends the stanza for a stream whose header declares the content namespace.
func (s *Stanza) Append(b []byte) []byte { return s.append(b, "") }

// AppendFramed appends the stanza as a document of its own (RFC 7395 section 3.3.3).
func (s *Stanza) AppendFramed(b []byte) []byte { return s.append(b, " xmlns='jabber:client'") }

func (s *Stanza) append(b []byte, decl string) []byte {
	b = append(b, s.open...)
	b = append(b, decl...)
	if s.inner == "" {
		return append(b, '/', '>')
	}
	b = append(b, '>')
	b = append(b, s.inner...)
	b = append(b, '<', '/')
	b = append(b, s.Kind.String()...)
	return append(b, '>')
}

// String is the stanza as XML that inherits jabber:client.
func (s *Stanza) String() string { return string(s.Append(make([]byte, 0, s.Size()))) }

// Parse reads a stanza that was written by [Stanza.String], from the archive for example.
func Parse(src string) (*Stanza, error) {
	root, err := xmltree.Parse(src, unbounded, xmltree.Scope{Default: ns.Client})
	if err != nil {
		return nil, fmt.Errorf("stanza: parse: %w", err)
	}
	return Read(root, ns.Client)
}

// With is the same content under another header. The kind cannot change.
func (s *Stanza) With(change func(*Header)) *Stanza {
	h := s.Header
	change(&h)
	h.Kind = s.Kind
	c := &Stanza{Header: h, inner: s.inner, body: s, extra: s.extra}
	if s.body != nil {
		c.body = s.body
	}
	c.open = openTag(h, s.like())
	return c
}

// like is the element to take over attributes from that the header does not have, if there are any.
func (s *Stanza) like() xmltree.Element {
	if !s.extra {
		return xmltree.Element{}
	}
	return s.Root()
}

// Stamp is the stanza with another sender.
func (s *Stanza) Stamp(from jid.JID) *Stanza {
	if s.From == from {
		return s
	}
	return s.With(func(h *Header) { h.From = from })
}

// Address is the stanza with another recipient.
func (s *Stanza) Address(to jid.JID) *Stanza {
	if s.To == to {
		return s
	}
	return s.With(func(h *Header) { h.To = to })
}
