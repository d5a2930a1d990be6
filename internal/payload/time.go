package payload

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"kith/internal/ns"
	"kith/internal/xmltree"
)

// ErrTime is wrapped by the errors of [ParseTime].
var ErrTime = errors.New("payload: not a DateTime")

// Time writes a point in time in the DateTime profile of XEP-0082, in UTC, to the millisecond.
func Time(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// ParseTime reads the DateTime profile of XEP-0082.
func ParseTime(s string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339Nano, strings.TrimSpace(s))
	if err != nil {
		return time.Time{}, fmt.Errorf("%w: %q", ErrTime, s)
	}
	return t.UTC(), nil
}

// WriteDelay appends a delay element (XEP-0203): from, which may be empty, held the stanza back,
// or sent it, at this time.
func WriteDelay(w *xmltree.Writer, from string, at time.Time) {
	w.Empty(ns.Delay, "delay", "from", from, "stamp", Time(at))
}

// Forwarded appends a forwarded element (XEP-0297). message is a message as stanza.Stanza.String
// writes it, that is, without a declaration of its own namespace; at is when the server took it,
// zero to leave that out.
func Forwarded(w *xmltree.Writer, message string, at time.Time) {
	w.Open(ns.Forward, "forwarded")
	if !at.IsZero() {
		WriteDelay(w, "", at)
	}
	const open = "<message"
	rest, ok := strings.CutPrefix(message, open)
	if ok {
		// Inside forwarded the default namespace is that of XEP-0297.
		w.Raw(open).Raw(" xmlns='" + ns.Client + "'")
	}
	w.Raw(rest)
	w.Close()
}
