// Package stream is the framing of XMPP: XML streams over a byte stream (RFC 6120 section 4), one
// document per message over WebSocket (RFC 7395), stream errors, and the counters of stream
// management (XEP-0198).
//
// It does no I/O of its own beyond an io.Reader that it is given, and serves client and server
// streams alike.
package stream

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/xmltree"
)

// Header is the head of a stream: the start tag of RFC 6120 section 4.7, or the open element of
// RFC 7395 section 3.3.2.
type Header struct {
	// To and From are zero where the attribute is absent.
	To, From jid.JID
	// ID is set by the receiving entity alone.
	ID string
	// Version is "1.0", or what the peer says.
	Version string
	Lang    string
}

// Kind says what an [Item] is.
type Kind uint8

// What a stream consists of.
const (
	// Open is the head of a stream.
	Open Kind = iota + 1
	// Element is a first-level element, a stanza for instance.
	Element
	// Space is white space between first-level elements (RFC 6120 section 4.6.1).
	Space
	// Close is the end of the stream.
	Close
)

// Item is one piece of a stream.
type Item struct {
	Kind Kind
	// Header is set for Open.
	Header Header
	// Element is set for Element.
	Element xmltree.Element
}

// readHeader reads the attributes that both kinds of header share. The header is filled as far as
// it was understood, so that an answer can be addressed.
func readHeader(e xmltree.Element) (Header, error) {
	h := Header{ID: e.Attr("id"), Version: e.Attr("version"), Lang: e.Lang()}
	var bad error
	if v, ok := e.LookupAttr("", "from"); ok {
		j, err := jid.Parse(v)
		if err != nil {
			bad = &Error{Condition: InvalidFrom, Cause: err}
		}
		h.From = j
	}
	if v, ok := e.LookupAttr("", "to"); ok {
		j, err := jid.Parse(v)
		if err != nil {
			bad = &Error{Condition: HostUnknown, Cause: err}
		}
		h.To = j
	}
	if bad == nil {
		bad = checkVersion(h.Version)
	}
	return h, bad
}

// checkVersion accepts 1.0 and whatever later is compatible with it (RFC 6120 section 4.7.5).
func checkVersion(v string) error {
	major, minor, ok := strings.Cut(v, ".")
	m, err := strconv.ParseUint(major, 10, 16)
	if _, err2 := strconv.ParseUint(minor, 10, 16); !ok || err != nil || err2 != nil || m < 1 {
		return &Error{Condition: UnsupportedVersion, Cause: fmt.Errorf("stream: version %q", v)}
	}
	return nil
}

// parseOpen reads the start tag of a stream whose stanzas are in contentNS.
func parseOpen(src string, lim xmltree.Limits, contentNS string) (Header, xmltree.Scope, error) {
	e, scope, err := xmltree.ParseOpen(src, lim)
	if err != nil {
		return Header{}, xmltree.Scope{}, fromXML(err)
	}
	if !e.Is(ns.Stream, "stream") {
		return Header{}, xmltree.Scope{}, &Error{Condition: InvalidNamespace}
	}
	h, err := readHeader(e)
	if scope.Default == ns.Component && h.Version == "" {
		// Components have none (XEP-0114 section 3).
		if bad, ok := errors.AsType[*Error](err); ok && bad.Condition == UnsupportedVersion {
			err = nil
		}
	}
	if err == nil && scope.Default != contentNS {
		err = &Error{Condition: InvalidNamespace}
	}
	if contentNS != ns.Client {
		scope = scope.Reading(contentNS, ns.Client)
	}
	return h, scope, err
}

// ParseFrame reads one WebSocket message: exactly one document (RFC 7395 section 3.3.3).
func ParseFrame(src string, lim xmltree.Limits) (Item, error) {
	e, err := xmltree.Parse(src, lim, xmltree.Scope{})
	switch {
	case err != nil:
		return Item{}, fromXML(err)
	case e.Is(ns.Framing, "open"):
		h, err := readHeader(e)
		return Item{Kind: Open, Header: h}, err
	case e.Is(ns.Framing, "close"):
		return Item{Kind: Close}, nil
	}
	return Item{Kind: Element, Element: e}, nil
}

// Declaration begins every stream over a byte stream. It is optional (RFC 6120 section 11.5), but
// there are peers that look for it.
const Declaration = "<?xml version='1.0'?>"

// AppendOpen appends the declaration and the start tag of a stream over a byte stream. extra are
// further attributes, such as prefixes: name, value, ...
func (h Header) AppendOpen(b []byte, contentNS string, extra ...string) []byte {
	w := xmltree.NewWriter(256)
	w.Raw(Declaration)
	w.Start("stream:stream", append(h.attrs("xmlns", contentNS, "xmlns:stream", ns.Stream), extra...)...)
	w.Raw(">")
	return append(b, w.Bytes()...)
}

// AppendFramed appends the open element.
func (h Header) AppendFramed(b []byte) []byte {
	w := xmltree.NewWriter(256)
	w.Empty(ns.Framing, "open", h.attrs()...)
	return append(b, w.Bytes()...)
}

func (h Header) attrs(first ...string) []string {
	return append(first, "from", h.From.String(), "to", h.To.String(), "id", h.ID, "version", h.Version, "xml:lang", h.Lang)
}

// The ends of streams (RFC 6120 section 4.4, RFC 7395 section 3.6).
const (
	End       = "</stream:stream>"
	EndFramed = "<close xmlns='" + ns.Framing + "'/>"
)
