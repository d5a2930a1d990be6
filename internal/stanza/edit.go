package stanza

import (
	"strings"

	"kith/internal/xmltree"
)

// Without is the stanza with the first-level children left out for which drop says so; the
// stanza itself if there are none.
func (s *Stanza) Without(drop func(xmltree.Element) bool) *Stanza {
	var b *strings.Builder
	at := 0
	root := s.Root()
	inner := root.Inner()
	for c := range root.Children() {
		if !drop(c) {
			continue
		}
		if b == nil {
			b = &strings.Builder{}
			b.Grow(len(inner))
		}
		start, end := c.Span()
		b.WriteString(inner[at:start])
		at = end
	}
	if b == nil {
		return s
	}
	b.WriteString(inner[at:])
	return &Stanza{Header: s.Header, open: s.open, extra: s.extra, inner: b.String()}
}

// Plus is the stanza with more content at its end; extra is balanced XML that inherits jabber:client.
func (s *Stanza) Plus(extra string) *Stanza {
	if extra == "" {
		return s
	}
	return &Stanza{Header: s.Header, open: s.open, extra: s.extra, inner: s.inner + extra}
}
