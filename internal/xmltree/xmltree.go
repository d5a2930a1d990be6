// Package xmltree cuts, parses and writes the XML of XMPP (RFC 6120 section 11).
//
// It knows only what XMPP allows: no document type, no processing instruction, no comment, no
// entity beyond the five predefined ones and character references. Bytes, elements, depth and
// attributes are limited by [Limits], which [Cutter] applies to the bytes as they arrive, before
// anything is built of them.
//
// A parsed element is an index over the string it came in, not a copy of it: [Element] is a small
// value to read from, safe for concurrent use, and its source can be forwarded as it is.
// The zero Element stands for "no such element"; every method works on it.
package xmltree

import (
	"errors"
	"iter"
	"strings"
)

// Errors of [Cutter] and [Parse]. They correspond to the stream errors of RFC 6120 section 4.9.3.
var (
	// ErrNotWellFormed: the bytes are not XML, or not namespace-well-formed (4.9.3.13).
	ErrNotWellFormed = errors.New("xmltree: not well-formed")
	// ErrRestricted: comment, processing instruction, document type or foreign entity (4.9.3.18).
	ErrRestricted = errors.New("xmltree: restricted XML")
	// ErrTooBig: a limit on bytes, elements, depth or attributes was passed (policy-violation, 4.9.3.14).
	ErrTooBig = errors.New("xmltree: limit exceeded")
	// ErrEncoding: not UTF-8, or a character that XML forbids (unsupported-encoding, bad-format).
	ErrEncoding = errors.New("xmltree: invalid character")
)

// Limits bound one first-level element of a stream, or one document.
type Limits struct {
	// Bytes of the whole element, tags included; and of the namespaces that have to be named when it is written out
	// anew, see [Writer.Copy].
	Bytes int
	// Elements in it, itself included.
	Elements int
	// Depth of nesting; a stanza without children has depth 1.
	Depth int
	// Attrs of any one element, namespace declarations included.
	Attrs int
}

type node struct {
	space string
	// Offsets into the source: start tag, content, end of content, end of element.
	start, inner, innerEnd, end int32
	// Offsets of the qualified name and of its local part.
	name, local, nameEnd int32
	attr, attrEnd        int32
	// Index of the first node that is no descendant.
	sub int32
	// The element declares a default namespace, or a prefix.
	declDefault, declPrefix bool
	// There is character data or CDATA between its children.
	text bool
}

type attr struct {
	space           string
	name, local     int32
	nameEnd         int32
	value, valueEnd int32
	escaped         bool
}

// tree is the index of one parsed element.
type tree struct {
	src   string
	nodes []node
	attrs []attr
	// A name in it uses a prefix, other than xml, that only the surrounding stream declares.
	inherits bool
}

// Element is one element of a parsed tree.
type Element struct {
	t *tree
	i int32
}

// IsZero reports whether there is no such element.
func (e Element) IsZero() bool { return e.t == nil }

func (e Element) node() *node { return &e.t.nodes[e.i] }

// Local is the local name.
func (e Element) Local() string {
	if e.t == nil {
		return ""
	}
	n := e.node()
	return e.t.src[n.local:n.nameEnd]
}

// Space is the namespace name.
func (e Element) Space() string {
	if e.t == nil {
		return ""
	}
	return e.node().space
}

// Is reports whether the element has this expanded name.
func (e Element) Is(space, local string) bool {
	return e.t != nil && e.Local() == local && e.node().space == space
}

// Attr is the value of an attribute without a namespace, "" if it is absent.
func (e Element) Attr(local string) string {
	v, _ := e.LookupAttr("", local)
	return v
}

// Lang is the xml:lang attribute of the element itself.
func (e Element) Lang() string {
	v, _ := e.LookupAttr(nsXML, "lang")
	return v
}

// LookupAttr is the value of an attribute and whether it is there. Unprefixed attributes have no namespace.
func (e Element) LookupAttr(space, local string) (string, bool) {
	if e.t == nil {
		return "", false
	}
	n := e.node()
	for i := n.attr; i < n.attrEnd; i++ {
		a := &e.t.attrs[i]
		if e.t.src[a.local:a.nameEnd] == local && a.space == space {
			return e.t.attrValue(a), true
		}
	}
	return "", false
}

// Attr is one attribute as [Element.Attrs] gives it.
type Attr struct {
	Space, Local, Value string
}

// Attrs are the attributes in their order, namespace declarations not among them.
func (e Element) Attrs() iter.Seq[Attr] {
	return func(yield func(Attr) bool) {
		if e.t == nil {
			return
		}
		n := e.node()
		for i := n.attr; i < n.attrEnd; i++ {
			a := &e.t.attrs[i]
			if !yield(Attr{a.space, e.t.src[a.local:a.nameEnd], e.t.attrValue(a)}) {
				return
			}
		}
	}
}

func (t *tree) attrValue(a *attr) string {
	v := t.src[a.value:a.valueEnd]
	if a.escaped {
		return unescape(normalizeAttr(v))
	}
	return v
}

// Children are the child elements in document order.
func (e Element) Children() iter.Seq[Element] {
	return func(yield func(Element) bool) {
		if e.t == nil {
			return
		}
		for i := e.i + 1; i < e.node().sub; i = e.t.nodes[i].sub {
			if !yield(Element{e.t, i}) {
				return
			}
		}
	}
}

// Child is the first child with this expanded name.
func (e Element) Child(space, local string) Element {
	for c := range e.Children() {
		if c.Is(space, local) {
			return c
		}
	}
	return Element{}
}

// ChildNS is the first child in this namespace, whatever its name.
func (e Element) ChildNS(space string) Element {
	for c := range e.Children() {
		if c.node().space == space {
			return c
		}
	}
	return Element{}
}

// First is the first child element.
func (e Element) First() Element {
	for c := range e.Children() {
		return c
	}
	return Element{}
}

// CountChildren counts the child elements.
func (e Element) CountChildren() int {
	n := 0
	for range e.Children() {
		n++
	}
	return n
}

// Text is the character data directly inside the element, that of its children left out.
func (e Element) Text() string {
	if e.t == nil {
		return ""
	}
	n := e.node()
	if !n.text {
		return ""
	}
	if n.sub == e.i+1 {
		return decodeText(e.t.src[n.inner:n.innerEnd])
	}
	var b strings.Builder
	at := n.inner
	for c := range e.Children() {
		cn := c.node()
		b.WriteString(decodeText(e.t.src[at:cn.start]))
		at = cn.end
	}
	b.WriteString(decodeText(e.t.src[at:n.innerEnd]))
	return b.String()
}

// HasText reports whether there is character data other than white space directly inside the element.
func (e Element) HasText() bool { return strings.TrimSpace(e.Text()) != "" }

// ChildText is the text of the first child with this name.
func (e Element) ChildText(space, local string) string { return e.Child(space, local).Text() }

// Source is the element as it was written, tags included. It may depend on namespaces that its
// parents declare; [Writer.Copy] writes it so that it stands alone.
func (e Element) Source() string {
	if e.t == nil {
		return ""
	}
	n := e.node()
	return e.t.src[n.start:n.end]
}

// Inner is what stands between the start and the end tag, as it was written.
func (e Element) Inner() string {
	if e.t == nil {
		return ""
	}
	n := e.node()
	return e.t.src[n.inner:n.innerEnd]
}

// Span gives the offsets of the element within Inner of its parent's tree root. It serves edits
// that cut children out of a stanza.
func (e Element) Span() (start, end int) {
	n, root := e.node(), &e.t.nodes[0]
	return int(n.start - root.inner), int(n.end - root.inner)
}

// Plain reports whether the source of a root element can be placed under any parent whose default
// namespace is space: it uses no prefix of a surrounding stream, is itself unprefixed, and
// declares nothing on its own tag but, perhaps, that default namespace.
func (e Element) Plain(space string) bool {
	n := e.node()
	return !e.t.inherits && n.local == n.name && !n.declPrefix && n.space == space
}

const (
	nsXML   = "http://www.w3.org/XML/1998/namespace"
	nsXMLNS = "http://www.w3.org/2000/xmlns/"
)
