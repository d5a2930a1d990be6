// SPDX-License-Identifier: AGPL-3.0-or-later

// Package sce reads the envelopes of Stanza Content Encryption (XEP-0420) that come out of omemo:2. Package omemo writes
// them (Seal) and judges what this package has read of their affixes (CheckEnvelope).
//
// It is a package of its own because the browser does not need it: there the client's XML parser reads envelopes, by
// the same rules and the same golden file (testdata/envelopes.json).
package sce

import (
	"encoding/base64"
	"errors"
	"strings"

	"kith/internal/jid"
	"kith/internal/xmltree"
	"kith/omemo"
)

// ErrMalformed is in the chain of every error of Open.
var ErrMalformed = errors.New("sce: malformed envelope")

// What an envelope may be at most. Its bytes are limited by the payload.
const (
	maxElements = 10_000
	maxDepth    = 32
	maxAttrs    = 32
)

// Envelope is an opened envelope.
type Envelope struct {
	// Affixes are to be checked with omemo.CheckEnvelope before anything is shown.
	omemo.Affixes
	// Content holds the elements that replace <encrypted/> in the stanza, in their order.
	Content []xmltree.Element
	// Dropped counts the elements that must not come in an envelope and were left out (XEP-0420 section 8).
	Dropped int
}

// Open reads the plaintext of an omemo:2 payload. Whatever could be read in two ways is refused: a second <content/>, an
// affix that comes twice, text beside the elements. Unknown affixes are ignored.
func Open(plaintext []byte) (Envelope, error) {
	limits := xmltree.Limits{Bytes: omemo.MaxPayload, Elements: maxElements, Depth: maxDepth, Attrs: maxAttrs}
	root, err := xmltree.Parse(string(plaintext), limits, xmltree.Scope{})
	if err != nil {
		return Envelope{}, malformed(err.Error())
	}
	if !root.Is(omemo.NamespaceSCE, "envelope") || root.HasText() {
		return Envelope{}, malformed("not an envelope")
	}
	var e Envelope
	var content xmltree.Element
	seen := map[string]bool{}
	for child := range root.Children() {
		name := child.Space() + " " + child.Local()
		switch name {
		case omemo.NamespaceSCE + " content":
			content = child
		case omemo.NamespaceSCE + " rpad":
		case omemo.NamespaceSCE + " time":
			e.Time, err = parseTime(child.Attr("stamp"))
			e.HasTime = true
		case omemo.NamespaceSCE + " to":
			e.To, err = bare(child.Attr("jid"))
		case omemo.NamespaceSCE + " from":
			e.From, err = bare(child.Attr("jid"))
		case omemo.NamespaceAffixes + " recipients":
			e.HasRecipients = true
			e.Recipients, err = accounts(child)
		case omemo.NamespaceAffixes + " devices":
			e.HasDevices = true
			e.Devices, err = decode(child.Text())
		default:
			continue
		}
		if err != nil {
			return Envelope{}, err
		}
		if seen[name] {
			return Envelope{}, malformed("twice: " + child.Local())
		}
		seen[name] = true
	}
	if content.IsZero() || content.HasText() {
		return Envelope{}, malformed("no content")
	}
	for child := range content.Children() {
		if MayContain(child.Space(), child.Local()) {
			e.Content = append(e.Content, child)
		} else {
			e.Dropped++
		}
	}
	return e, nil
}

func malformed(detail string) error { return &Error{detail} }

// Error is ErrMalformed with a detail for the log.
type Error struct{ Detail string }

func (e *Error) Error() string { return ErrMalformed.Error() + ": " + e.Detail }

// Unwrap is ErrMalformed.
func (e *Error) Unwrap() error { return ErrMalformed }

func bare(s string) (string, error) {
	j, err := jid.Parse(s)
	if err != nil {
		return "", malformed("jid of an affix")
	}
	return j.Bare().String(), nil
}

func decode(s string) ([]byte, error) {
	data, err := base64.StdEncoding.Strict().DecodeString(strings.TrimSpace(s))
	if err != nil {
		return nil, malformed("base64 of an affix")
	}
	return data, nil
}

func accounts(e xmltree.Element) (list []omemo.AccountDevices, err error) {
	for child := range e.Children() {
		if !child.Is(omemo.NamespaceAffixes, "account") {
			continue
		}
		var a omemo.AccountDevices
		if a.JID, err = bare(child.Attr("jid")); err != nil {
			return nil, err
		}
		if a.Devices, err = decode(child.Text()); err != nil {
			return nil, err
		}
		list = append(list, a)
	}
	return list, nil
}

// MayContain tells whether an element may stand in an envelope. What servers read, write or filter may not (XEP-0420
// section 8), nor what a client believes only of its server: copies, archived messages, events, times and the
// identities that it gives out. A sender could otherwise make them up, where no check of the stanza's address looks.
func MayContain(space, local string) bool {
	switch space {
	case "jabber:client":
		return local == "body" || local == "subject" || local == "thread"
	case "",
		"urn:xmpp:hints",                     // XEP-0334
		"http://jabber.org/protocol/address", // XEP-0033
		"urn:xmpp:eme:0",                     // XEP-0380
		"urn:xmpp:delay",                     // XEP-0203
		"urn:xmpp:carbons:2",                 // XEP-0280
		"urn:xmpp:mam:2",                     // XEP-0313
		"urn:xmpp:occupant-id:0",             // XEP-0421
		"urn:xmpp:sce:1",
		"jabber:server",
		"http://etherx.jabber.org/streams",
		"urn:ietf:params:xml:ns:xmpp-stanzas",
		omemo.NamespaceV03, omemo.NamespaceV2, // nothing is encrypted twice, but opt-out may come
		"jabber:x:encrypted":
		return space == omemo.NamespaceV2 && local == "opt-out"
	case "urn:xmpp:sid:0": // XEP-0359
		return local == "origin-id"
	}
	for _, prefix := range []string{"http://jabber.org/protocol/pubsub", "http://jabber.org/protocol/muc"} {
		if strings.HasPrefix(space, prefix) {
			return false
		}
	}
	return true
}

// MayStandOutside tells whether an element beside <encrypted/> is to be believed. Everything else that stands there in
// clear is ignored (XEP-0420 section 9): the server could have written it.
func MayStandOutside(space, local string) bool {
	switch space {
	case "urn:xmpp:hints", "urn:xmpp:eme:0", "urn:xmpp:delay", "urn:xmpp:sid:0", "urn:xmpp:occupant-id:0",
		"http://jabber.org/protocol/address", "http://jabber.org/protocol/muc#user", "urn:ietf:params:xml:ns:xmpp-stanzas":
		return true
	case "urn:xmpp:receipts", "urn:xmpp:chat-markers:0":
		// Asking for a receipt or a mark says nothing; giving one in an encrypted message does.
		return local == "request" || local == "markable"
	case "jabber:client":
		return local == "error"
	}
	return false
}

// parseTime reads a DateTime of XEP-0082 as seconds since 1970; parts of a second are dropped.
func parseTime(s string) (int64, error) {
	const form = "0000-00-00T00:00:00"
	bad := malformed("time")
	if len(s) < len(form)+1 || len(s) > 40 {
		return 0, bad
	}
	for i := range len(form) {
		if digit := s[i] >= '0' && s[i] <= '9'; digit != (form[i] == '0') || !digit && s[i] != form[i] {
			return 0, bad
		}
	}
	number := func(from, to int) (n int64) {
		for _, c := range []byte(s[from:to]) {
			n = 10*n + int64(c-'0')
		}
		return n
	}
	year, month, day := number(0, 4), number(5, 7), number(8, 10)
	hour, minute, second := number(11, 13), number(14, 16), number(17, 19)
	if month < 1 || month > 12 || day < 1 || day > daysIn(year, month) || hour > 23 || minute > 59 || second > 60 {
		return 0, bad
	}
	rest := s[len(form):]
	if rest[0] == '.' {
		digits := strings.TrimLeft(rest[1:], "0123456789")
		if len(digits) == len(rest)-1 {
			return 0, bad
		}
		rest = digits
	}
	offset, ok := parseOffset(rest)
	if !ok {
		return 0, bad
	}
	// Years from March, so that the leap day comes last.
	if month -= 3; month < 0 {
		month, year = month+12, year-1
	}
	days := 365*year + year/4 - year/100 + year/400 + (153*month+2)/5 + day - 1 - 719468
	return days*86400 + hour*3600 + minute*60 + second - offset, nil
}

// parseOffset reads Z, +hh:mm or -hh:mm as seconds.
func parseOffset(s string) (int64, bool) {
	if s == "Z" {
		return 0, true
	}
	if len(s) != 6 || s[0] != '+' && s[0] != '-' || s[3] != ':' {
		return 0, false
	}
	for _, i := range []int{1, 2, 4, 5} {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
	}
	hours, minutes := int64(s[1]-'0')*10+int64(s[2]-'0'), int64(s[4]-'0')*10+int64(s[5]-'0')
	if hours > 23 || minutes > 59 {
		return 0, false
	}
	seconds := hours*3600 + minutes*60
	if s[0] == '-' {
		seconds = -seconds
	}
	return seconds, true
}

func daysIn(year, month int64) int64 {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}
