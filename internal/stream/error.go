package stream

import (
	"errors"

	"kith/internal/ns"
	"kith/internal/xmltree"
)

// Condition is a stream error of RFC 6120 section 4.9.3.
type Condition string

// The conditions.
const (
	BadFormat              Condition = "bad-format"
	BadNamespacePrefix     Condition = "bad-namespace-prefix"
	Conflict               Condition = "conflict"
	ConnectionTimeout      Condition = "connection-timeout"
	HostGone               Condition = "host-gone"
	HostUnknown            Condition = "host-unknown"
	ImproperAddressing     Condition = "improper-addressing"
	InternalServerError    Condition = "internal-server-error"
	InvalidFrom            Condition = "invalid-from"
	InvalidNamespace       Condition = "invalid-namespace"
	InvalidXML             Condition = "invalid-xml"
	NotAuthorized          Condition = "not-authorized"
	NotWellFormed          Condition = "not-well-formed"
	PolicyViolation        Condition = "policy-violation"
	RemoteConnectionFailed Condition = "remote-connection-failed"
	Reset                  Condition = "reset"
	ResourceConstraint     Condition = "resource-constraint"
	RestrictedXML          Condition = "restricted-xml"
	SeeOtherHost           Condition = "see-other-host"
	SystemShutdown         Condition = "system-shutdown"
	UndefinedCondition     Condition = "undefined-condition"
	UnsupportedEncoding    Condition = "unsupported-encoding"
	UnsupportedFeature     Condition = "unsupported-feature"
	UnsupportedStanzaType  Condition = "unsupported-stanza-type"
	UnsupportedVersion     Condition = "unsupported-version"
)

// Conditions lists them all.
func Conditions() []Condition {
	return []Condition{
		BadFormat, BadNamespacePrefix, Conflict, ConnectionTimeout, HostGone, HostUnknown, ImproperAddressing,
		InternalServerError, InvalidFrom, InvalidNamespace, InvalidXML, NotAuthorized, NotWellFormed, PolicyViolation,
		RemoteConnectionFailed, Reset, ResourceConstraint, RestrictedXML, SeeOtherHost, SystemShutdown,
		UndefinedCondition, UnsupportedEncoding, UnsupportedFeature, UnsupportedStanzaType, UnsupportedVersion,
	}
}

// Error ends a stream. The condition and text are for the peer, the cause is for the log.
type Error struct {
	Condition Condition
	// Text is for people; it holds nothing that the peer may not know.
	Text string
	// Host is where to go instead, for [SeeOtherHost] alone (RFC 6120 section 4.9.3.19).
	Host string
	// App writes an application-specific condition; nil for none.
	App   func(*xmltree.Writer)
	Cause error
}

func (e *Error) Error() string {
	s := "stream: " + string(e.Condition)
	if e.Text != "" {
		s += ": " + e.Text
	}
	if e.Cause != nil {
		s += ": " + e.Cause.Error()
	}
	return s
}

func (e *Error) Unwrap() error { return e.Cause }

// Write appends the error element. framed says that no stream header declares the prefix.
func (e *Error) Write(w *xmltree.Writer, framed bool) {
	declared := ""
	if framed {
		declared = ns.Stream
	}
	w.Open("", "stream:error", "xmlns:stream", declared)
	w.Element(ns.Streams, string(e.Condition), e.Host)
	if e.Text != "" {
		w.Element(ns.Streams, "text", e.Text, "xml:lang", "en")
	}
	if e.App != nil {
		e.App(w)
	}
	w.Close()
}

// ReadError reads the error element that a peer sent.
func ReadError(e xmltree.Element) *Error {
	out := &Error{Condition: UndefinedCondition}
	for c := range e.Children() {
		switch {
		case c.Is(ns.Streams, "text"):
			out.Text = c.Text()
		case c.Space() == ns.Streams:
			out.Condition = Condition(c.Local())
			out.Host = c.Text()
		}
	}
	return out
}

// fromXML gives errors of package xmltree their stream condition.
func fromXML(err error) *Error {
	e := &Error{Condition: NotWellFormed, Cause: err}
	switch {
	case errors.Is(err, xmltree.ErrRestricted):
		e.Condition = RestrictedXML
	case errors.Is(err, xmltree.ErrTooBig):
		e.Condition, e.Text = PolicyViolation, "The element is too large."
	case errors.Is(err, xmltree.ErrEncoding):
		e.Condition = UnsupportedEncoding
	}
	return e
}
