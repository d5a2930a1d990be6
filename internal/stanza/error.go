package stanza

import (
	"errors"
	"fmt"

	"kith/internal/ns"
	"kith/internal/xmltree"
)

// Condition is a defined condition of RFC 6120 section 8.3.3.
type Condition string

// The defined conditions.
const (
	BadRequest            Condition = "bad-request"
	Conflict              Condition = "conflict"
	FeatureNotImplemented Condition = "feature-not-implemented"
	Forbidden             Condition = "forbidden"
	Gone                  Condition = "gone"
	InternalServerError   Condition = "internal-server-error"
	ItemNotFound          Condition = "item-not-found"
	JIDMalformed          Condition = "jid-malformed"
	NotAcceptable         Condition = "not-acceptable"
	NotAllowed            Condition = "not-allowed"
	NotAuthorized         Condition = "not-authorized"
	PolicyViolation       Condition = "policy-violation"
	RecipientUnavailable  Condition = "recipient-unavailable"
	Redirect              Condition = "redirect"
	RegistrationRequired  Condition = "registration-required"
	RemoteServerNotFound  Condition = "remote-server-not-found"
	RemoteServerTimeout   Condition = "remote-server-timeout"
	ResourceConstraint    Condition = "resource-constraint"
	ServiceUnavailable    Condition = "service-unavailable"
	SubscriptionRequired  Condition = "subscription-required"
	UndefinedCondition    Condition = "undefined-condition"
	UnexpectedRequest     Condition = "unexpected-request"
)

// kinds holds, for each condition, the error type that RFC 6120 recommends and the legacy code of
// XEP-0086, which older clients still read.
var kinds = map[Condition]struct{ kind, code string }{
	BadRequest:            {"modify", "400"},
	Conflict:              {"cancel", "409"},
	FeatureNotImplemented: {"cancel", "501"},
	Forbidden:             {"auth", "403"},
	Gone:                  {"cancel", "302"},
	InternalServerError:   {"cancel", "500"},
	ItemNotFound:          {"cancel", "404"},
	JIDMalformed:          {"modify", "400"},
	NotAcceptable:         {"modify", "406"},
	NotAllowed:            {"cancel", "405"},
	NotAuthorized:         {"auth", "401"},
	PolicyViolation:       {"modify", "406"},
	RecipientUnavailable:  {"wait", "404"},
	Redirect:              {"modify", "302"},
	RegistrationRequired:  {"auth", "407"},
	RemoteServerNotFound:  {"cancel", "404"},
	RemoteServerTimeout:   {"wait", "504"},
	ResourceConstraint:    {"wait", "500"},
	ServiceUnavailable:    {"cancel", "503"},
	SubscriptionRequired:  {"auth", "407"},
	UndefinedCondition:    {"cancel", "500"},
	UnexpectedRequest:     {"wait", "400"},
}

// Fault is an error with two faces: the condition that the peer is told, and the cause for the log.
type Fault struct {
	Condition Condition
	// Kind is the error type: auth, cancel, continue, modify or wait. Empty: the usual one.
	Kind string
	// Text is shown to people; it holds nothing that the peer may not know.
	Text string
	// App is the local name of an application-specific condition in namespace AppNS.
	App, AppNS string
	// AppAttrs are attributes of that element: name, value, ...
	AppAttrs []string
	// AppChildren are elements inside it that hold text: name, text, ...
	AppChildren []string
	// Cause is for the log alone.
	Cause error
}

// Refuse is a fault with this condition and text.
func Refuse(c Condition, text string) *Fault { return &Fault{Condition: c, Text: text} }

// Internal is an internal-server-error with a cause.
func Internal(err error) *Fault {
	return &Fault{Condition: InternalServerError, Kind: "wait", Cause: err}
}

func (f *Fault) Error() string {
	if f.Cause != nil {
		return fmt.Sprintf("%s: %v", f.Condition, f.Cause)
	}
	if f.Text != "" {
		return string(f.Condition) + ": " + f.Text
	}
	return string(f.Condition)
}

func (f *Fault) Unwrap() error { return f.Cause }

// AsFault gives the face of err for a peer: itself if it is a Fault, else an internal error.
func AsFault(err error) *Fault {
	var f *Fault
	if errors.As(err, &f) {
		return f
	}
	return Internal(err)
}

// Write appends the error element (RFC 6120 section 8.3.2).
func (f *Fault) Write(w *xmltree.Writer) {
	kind := f.Kind
	if kind == "" {
		kind = kinds[f.Condition].kind
	}
	w.Open("", "error", "type", kind, "code", kinds[f.Condition].code)
	w.Empty(ns.Stanzas, string(f.Condition))
	if f.Text != "" {
		w.Element(ns.Stanzas, "text", f.Text, "xml:lang", "en")
	}
	switch {
	case f.App == "":
	case len(f.AppChildren) == 0:
		w.Empty(f.AppNS, f.App, f.AppAttrs...)
	default:
		w.Open(f.AppNS, f.App, f.AppAttrs...)
		for i := 0; i+1 < len(f.AppChildren); i += 2 {
			w.Element("", f.AppChildren[i], f.AppChildren[i+1])
		}
		w.Close()
	}
	w.Close()
}

// Result answers an iq request: addresses turned round, same id. fill writes the payload; nil for none.
func (s *Stanza) Result(fill func(*xmltree.Writer)) *Stanza {
	return Build(Header{Kind: IQ, Type: Result, ID: s.ID, From: s.To, To: s.From}, fill)
}

// Fail answers with an error, or is nil where none may be sent: to an error, to a result, to a
// presence that was answered with unavailability (RFC 6120 section 8.3.1).
func (s *Stanza) Fail(f *Fault) *Stanza {
	if s.Type == Error || (s.Kind == IQ && s.Type == Result) {
		return nil
	}
	return Build(Header{Kind: s.Kind, Type: Error, ID: s.ID, From: s.To, To: s.From}, f.Write)
}

// ReadFault reads the error element of a stanza of type error.
func (s *Stanza) ReadFault() *Fault {
	e := s.Child(ns.Client, "error")
	f := &Fault{Condition: UndefinedCondition, Kind: e.Attr("type")}
	for c := range e.Children() {
		switch {
		case c.Is(ns.Stanzas, "text"):
			f.Text = c.Text()
		case c.Space() == ns.Stanzas:
			f.Condition = Condition(c.Local())
		default:
			f.App, f.AppNS = c.Local(), c.Space()
		}
	}
	return f
}
