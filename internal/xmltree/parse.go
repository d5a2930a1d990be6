package xmltree

import (
	"math"
	"strings"
)

// Scope is what a stream header declares for everything inside it: the content namespace and
// prefixes. The zero Scope declares nothing.
type Scope struct {
	// Default is the namespace of unprefixed names.
	Default string
	prefix  []binding
	// from is read as to, see Reading.
	from, to string
}

// Reading is the scope in which elements of one namespace read as those of another. It is for content
// namespaces, which differ by the kind of stream and mean the same (RFC 6120 section 4.8.2).
func (s Scope) Reading(space, as string) Scope {
	out := Scope{Default: s.Default, from: space, to: as}
	if out.Default == space {
		out.Default = as
	}
	for _, b := range s.prefix {
		if b.space == space {
			b.space = as
		}
		out.prefix = append(out.prefix, b)
	}
	return out
}

type binding struct {
	prefix, space string
}

// Parse reads one complete element, which must be all of src, and indexes it. Elements whose
// namespace is inherited get it from scope.
func Parse(src string, lim Limits, scope Scope) (Element, error) {
	if len(src) > lim.Bytes || len(src) > math.MaxInt32 {
		return Element{}, ErrTooBig
	}
	if err := checkChars(src); err != nil {
		return Element{}, err
	}
	p := parser{t: &tree{src: src, nodes: make([]node, 0, 8), attrs: make([]attr, 0, 8)}, lim: lim, scope: scope}
	if err := p.document(); err != nil {
		return Element{}, err
	}
	return Element{p.t, 0}, nil
}

// stored are limits for what was taken within its own before.
var stored = Limits{Bytes: 1 << 24, Elements: 1 << 17, Depth: 100, Attrs: 100}

// Stored reads an element that was kept as XML which stands alone; the zero element if it cannot be read.
func Stored(src string) Element {
	e, err := Parse(src, stored, Scope{})
	if err != nil {
		return Element{}
	}
	return e
}

// ParseOpen reads the start tag of a stream. The element has its name and attributes and no
// content; the scope is what it declares for the stanzas inside.
func ParseOpen(src string, lim Limits) (Element, Scope, error) {
	if len(src) > lim.Bytes {
		return Element{}, Scope{}, ErrTooBig
	}
	if err := checkChars(src); err != nil {
		return Element{}, Scope{}, err
	}
	p := parser{t: &tree{src: src}, lim: lim}
	if src == "" || src[0] != '<' {
		return Element{}, Scope{}, ErrNotWellFormed
	}
	end, empty, err := p.startTag(0, 1)
	if err != nil {
		return Element{}, Scope{}, err
	}
	if empty || end != len(src) {
		return Element{}, Scope{}, ErrNotWellFormed
	}
	n := &p.t.nodes[0]
	n.inner, n.innerEnd, n.end, n.sub = int32(end), int32(end), int32(end), 1 //nolint:gosec // bounded by the limits
	scope := Scope{}
	for _, b := range p.bound {
		if b.prefix == "" {
			scope.Default = b.space
		} else {
			scope.prefix = append(scope.prefix, b.binding)
		}
	}
	return Element{p.t, 0}, scope, nil
}

type boundAt struct {
	binding
	depth int
}

// maxBound bounds the declarations that are in force at one place, all of which are looked through for a name.
const maxBound = 256

type parser struct {
	t     *tree
	lim   Limits
	scope Scope
	bound []boundAt
	stack []int32
	// spread is how many bytes of namespaces [Writer.Copy] writes: one for each element of another namespace than
	// its parent, and for each attribute that has one. A name that was declared once may be used often.
	spread int
}

// document parses src as one element.
func (p *parser) document() error {
	s := p.t.src
	if s == "" || s[0] != '<' {
		return ErrNotWellFormed
	}
	i := 0
	for {
		// At s[i] is always '<'.
		if i+1 >= len(s) {
			return ErrNotWellFormed
		}
		switch s[i+1] {
		case '/':
			end, err := p.endTag(i)
			if err != nil {
				return err
			}
			i = end
		case '?':
			return ErrRestricted
		case '!':
			if len(p.stack) == 0 || !strings.HasPrefix(s[i:], "<![CDATA[") {
				return ErrRestricted
			}
			end := strings.Index(s[i:], "]]>")
			if end < 0 {
				return ErrNotWellFormed
			}
			p.t.nodes[p.stack[len(p.stack)-1]].text = true
			i += end + 3
		default:
			end, empty, err := p.startTag(i, len(p.stack)+1)
			if err != nil {
				return err
			}
			at := int32(len(p.t.nodes) - 1) //nolint:gosec // bounded by len(src)
			n := &p.t.nodes[at]
			n.inner = int32(end) //nolint:gosec // bounded by len(src)
			if empty {
				n.innerEnd, n.end, n.sub = n.inner, n.inner, at+1
				p.unbind(len(p.stack) + 1)
			} else {
				p.stack = append(p.stack, at)
			}
			i = end
		}
		if len(p.stack) == 0 {
			if i != len(s) {
				return ErrNotWellFormed
			}
			return nil
		}
		// Character data up to the next tag.
		j := strings.IndexByte(s[i:], '<')
		if j < 0 {
			return ErrNotWellFormed
		}
		if j > 0 {
			text := s[i : i+j]
			if err := checkRefs(text); err != nil {
				return err
			}
			if strings.Contains(text, "]]>") {
				return ErrNotWellFormed
			}
			p.t.nodes[p.stack[len(p.stack)-1]].text = true
		}
		i += j
	}
}

// startTag parses the start tag at s[i] as a node at this depth and resolves its names.
func (p *parser) startTag(i, depth int) (end int, empty bool, err error) {
	s := p.t.src
	if depth > p.lim.Depth || len(p.t.nodes) >= p.lim.Elements {
		return 0, false, ErrTooBig
	}
	nameFrom := i + 1
	nameTo := nameEnd(s, nameFrom)
	if nameTo == nameFrom {
		return 0, false, ErrNotWellFormed
	}
	n := node{start: int32(i), name: int32(nameFrom), nameEnd: int32(nameTo), attr: int32(len(p.t.attrs))} //nolint:gosec // bounded by len(src)
	declared := 0
	i = nameTo
	for {
		gap := i
		for i < len(s) && isSpace(s[i]) {
			i++
		}
		if i >= len(s) {
			return 0, false, ErrNotWellFormed
		}
		if s[i] == '>' {
			i++
			break
		}
		if s[i] == '/' {
			if i+1 >= len(s) || s[i+1] != '>' {
				return 0, false, ErrNotWellFormed
			}
			i, empty = i+2, true
			break
		}
		if gap == i {
			return 0, false, ErrNotWellFormed
		}
		a, after, err := p.attribute(i)
		if err != nil {
			return 0, false, err
		}
		i = after
		if declared+len(p.t.attrs)-int(n.attr) >= p.lim.Attrs {
			return 0, false, ErrTooBig
		}
		name := s[a.name:a.nameEnd]
		if name == "xmlns" || strings.HasPrefix(name, "xmlns:") {
			declared++
			if err := p.declare(name, p.t.attrValue(&a), depth); err != nil {
				return 0, false, err
			}
			n.declDefault = n.declDefault || name == "xmlns"
			n.declPrefix = n.declPrefix || name != "xmlns"
			continue
		}
		p.t.attrs = append(p.t.attrs, a)
	}
	n.attrEnd = int32(len(p.t.attrs)) //nolint:gosec // bounded by len(src)
	local, space, err := p.resolve(s[n.name:n.nameEnd], true)
	if err != nil {
		return 0, false, err
	}
	n.local, n.space = n.name+int32(local), space //nolint:gosec // within the name
	if len(p.stack) > 0 && p.t.nodes[p.stack[len(p.stack)-1]].space != space {
		p.spread += len(space)
	}
	for k := n.attr; k < n.attrEnd; k++ {
		a := &p.t.attrs[k]
		local, space, err := p.resolve(s[a.name:a.nameEnd], false)
		if err != nil {
			return 0, false, err
		}
		a.local, a.space = a.name+int32(local), space //nolint:gosec // within the name
		if space != nsXML {
			p.spread += len(space)
		}
		for o := n.attr; o < k; o++ {
			b := &p.t.attrs[o]
			if s[a.local:a.nameEnd] == s[b.local:b.nameEnd] && a.space == b.space {
				return 0, false, ErrNotWellFormed
			}
		}
	}
	if p.spread > p.lim.Bytes {
		return 0, false, ErrTooBig
	}
	p.t.nodes = append(p.t.nodes, n)
	return i, empty, nil
}

// attribute parses name="value" at s[i].
func (p *parser) attribute(i int) (attr, int, error) {
	s := p.t.src
	end := nameEnd(s, i)
	if end == i {
		return attr{}, 0, ErrNotWellFormed
	}
	a := attr{name: int32(i), nameEnd: int32(end)} //nolint:gosec // bounded by len(src)
	i = end
	for i < len(s) && isSpace(s[i]) {
		i++
	}
	if i >= len(s) || s[i] != '=' {
		return attr{}, 0, ErrNotWellFormed
	}
	i++
	for i < len(s) && isSpace(s[i]) {
		i++
	}
	if i >= len(s) || (s[i] != '"' && s[i] != '\'') {
		return attr{}, 0, ErrNotWellFormed
	}
	j := strings.IndexByte(s[i+1:], s[i])
	if j < 0 {
		return attr{}, 0, ErrNotWellFormed
	}
	v := s[i+1 : i+1+j]
	a.value, a.valueEnd = int32(i+1), int32(i+1+j) //nolint:gosec // bounded by len(src)
	if strings.IndexByte(v, '<') >= 0 {
		return attr{}, 0, ErrNotWellFormed
	}
	if strings.ContainsAny(v, "&\t\n\r") {
		if err := checkRefs(v); err != nil {
			return attr{}, 0, err
		}
		a.escaped = true
	}
	return a, i + 2 + j, nil
}

// declare binds a prefix (Namespaces in XML 1.0, section 3 and 6).
func (p *parser) declare(name, space string, depth int) error {
	prefix := ""
	if name != "xmlns" {
		prefix = name[len("xmlns:"):]
		if prefix == "" || space == "" || prefix == "xmlns" || strings.IndexByte(prefix, ':') >= 0 {
			return ErrNotWellFormed
		}
	}
	if (prefix == "xml") != (space == nsXML) || space == nsXMLNS {
		return ErrNotWellFormed
	}
	for k := len(p.bound) - 1; k >= 0 && p.bound[k].depth == depth; k-- {
		if p.bound[k].prefix == prefix {
			return ErrNotWellFormed
		}
	}
	if p.scope.from != "" && space == p.scope.from {
		// What was written means something else elsewhere: the source cannot be forwarded.
		space, p.t.inherits = p.scope.to, true
	}
	if len(p.bound) >= maxBound {
		return ErrTooBig
	}
	p.bound = append(p.bound, boundAt{binding{prefix, space}, depth})
	return nil
}

func (p *parser) unbind(depth int) {
	k := len(p.bound)
	for k > 0 && p.bound[k-1].depth >= depth {
		k--
	}
	p.bound = p.bound[:k]
}

// resolve splits a qualified name and finds its namespace.
func (p *parser) resolve(name string, element bool) (local int, space string, err error) {
	colon := strings.IndexByte(name, ':')
	if colon < 0 {
		if !element {
			return 0, "", nil
		}
		for k := len(p.bound) - 1; k >= 0; k-- {
			if p.bound[k].prefix == "" {
				return 0, p.bound[k].space, nil
			}
		}
		return 0, p.scope.Default, nil
	}
	prefix := name[:colon]
	if colon == 0 || colon+1 == len(name) || strings.IndexByte(name[colon+1:], ':') >= 0 || nameEnd(name, colon+1) != len(name) {
		return 0, "", ErrNotWellFormed
	}
	if prefix == "xml" {
		return colon + 1, nsXML, nil
	}
	for k := len(p.bound) - 1; k >= 0; k-- {
		if p.bound[k].prefix == prefix {
			return colon + 1, p.bound[k].space, nil
		}
	}
	for _, b := range p.scope.prefix {
		if b.prefix == prefix {
			p.t.inherits = true
			return colon + 1, b.space, nil
		}
	}
	return 0, "", ErrNotWellFormed
}

// endTag closes the innermost open element with the end tag at s[i].
func (p *parser) endTag(i int) (int, error) {
	s := p.t.src
	if len(p.stack) == 0 {
		return 0, ErrNotWellFormed
	}
	at := p.stack[len(p.stack)-1]
	n := &p.t.nodes[at]
	name := s[n.name:n.nameEnd]
	rest := s[i+2:]
	if !strings.HasPrefix(rest, name) {
		return 0, ErrNotWellFormed
	}
	j := i + 2 + len(name)
	for j < len(s) && isSpace(s[j]) {
		j++
	}
	if j >= len(s) || s[j] != '>' {
		return 0, ErrNotWellFormed
	}
	n.innerEnd, n.end, n.sub = int32(i), int32(j+1), int32(len(p.t.nodes)) //nolint:gosec // bounded by len(src)
	p.unbind(len(p.stack))
	p.stack = p.stack[:len(p.stack)-1]
	return j + 1, nil
}
