package c2s

import (
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"strconv"
	"time"

	"kith/internal/ns"
	"kith/internal/sasl"
	"kith/internal/stanza"
	"kith/internal/stream"
	"kith/internal/xmltree"
	"kith/server/module"
)

// phase is where a negotiation stands.
type phase uint8

const (
	// phaseOpening: a stream header is awaited.
	phaseOpening phase = iota
	// phasePlain: TLS must begin before anything else.
	phasePlain
	// phaseLogin: the client is to sign in.
	phaseLogin
	// phaseSASL1 and phaseSASL2: an exchange of RFC 6120 or XEP-0388 is under way.
	phaseSASL1
	phaseSASL2
	// phaseTasks: the exchange is done, and something remains to be done (XEP-0388 section 2.6.2).
	phaseTasks
	// phaseBinding: the client is signed in and needs a resource, or its former session.
	phaseBinding
	phases
)

// step handles one element in one phase. A nil error goes on.
type step func(*negotiation, xmltree.Element) *stream.Error

// negotiation brings a connection from its first byte to its session.
type negotiation struct {
	*link
	phase    phase
	security Security
	client   stream.Header // of the present stream
	offer    Offer
	failures int
	// auth is the authentication under way, or done; request is what came along with it (SASL2).
	auth    Authentication
	request *request
	task    task
	// who is set when the client is signed in, grant with SASL2.
	who     Identity
	session *session
	// stranger is what other parts know of a client that has not signed in, asked how often it
	// asked them something.
	stranger module.Stranger
	asked    int
}

// steps are what may come in each phase.
func steps() [phases]map[name]step {
	early := map[name]step{
		{ns.SASL, "auth"}:          (*negotiation).beginSASL1,
		{ns.SASL2, "authenticate"}: (*negotiation).beginSASL2,
	}
	plainToo := maps.Clone(early)
	plainToo[name{ns.TLS, "starttls"}] = (*negotiation).startTLS
	login := maps.Clone(early)
	login[name{ns.Client, "iq"}] = (*negotiation).strangerIQ
	return [phases]map[name]step{
		phasePlain: plainToo,
		phaseLogin: login,
		phaseSASL1: {
			{ns.SASL, "response"}: (*negotiation).respondSASL1,
			{ns.SASL, "abort"}:    (*negotiation).abortSASL1,
		},
		phaseSASL2: {
			{ns.SASL2, "response"}: (*negotiation).respondSASL2,
			{ns.SASL2, "abort"}:    (*negotiation).abortSASL2,
		},
		phaseTasks: {
			{ns.SASL2, "next"}:      (*negotiation).nextTask,
			{ns.SASL2, "task-data"}: (*negotiation).taskData,
			{ns.SASL2, "abort"}:     (*negotiation).abortSASL2,
		},
		phaseBinding: {
			{ns.Client, "iq"}:    (*negotiation).bindIQ,
			{ns.SM, "resume"}:    (*negotiation).resumeSM,
			{ns.SM, "enable"}:    (*negotiation).enableEarly,
			{ns.CSI, "active"}:   (*negotiation).ignore,
			{ns.CSI, "inactive"}: (*negotiation).ignore,
		},
	}
}

// run returns the session; nil when the connection is over before there is one.
func (n *negotiation) run() *session {
	n.security = n.conn.Security()
	for n.session == nil && !n.over.Load() {
		item, err := n.conn.Next()
		if n.over.Load() {
			break
		}
		bad := n.take(item, err)
		if bad == nil && err != nil {
			break // the connection is gone
		}
		if bad != nil {
			n.end(bad)
		}
	}
	return n.session
}

func (n *negotiation) take(item stream.Item, err error) *stream.Error {
	if err != nil {
		bad, ok := errors.AsType[*stream.Error](err)
		if !ok {
			return nil
		}
		n.srv.counters.BadStream.Inc()
		return bad
	}
	switch item.Kind {
	case stream.Open:
		return n.greeted(item.Header)
	case stream.Close:
		n.end(nil)
		return nil
	case stream.Element:
		return n.element(item.Element)
	case stream.Space:
		if n.phase == phaseSASL2 || n.phase == phaseTasks {
			// XEP-0388 section 2.4.
			return &stream.Error{Condition: stream.PolicyViolation}
		}
	}
	return nil
}

// greeted answers the start of a stream.
func (n *negotiation) greeted(h stream.Header) *stream.Error {
	if n.phase != phaseOpening {
		return &stream.Error{Condition: stream.PolicyViolation, Text: "There is a stream already."}
	}
	n.client = h
	switch {
	case h.To != n.srv.deps.Domain:
		return &stream.Error{Condition: stream.HostUnknown}
	case !h.From.IsZero() && h.From.Domain() != h.To.Domain(),
		!h.From.IsZero() && n.signedIn() && h.From.Bare() != n.who.JID:
		return &stream.Error{Condition: stream.InvalidFrom}
	case n.signedIn():
		n.phase = phaseBinding
		return n.greet(n.featuresBinding())
	}
	offer, err := n.srv.deps.Auth.Offer(n.ctx, n.security.Channel, h.From.Local())
	if err != nil {
		return n.internal(fmt.Errorf("c2s: mechanisms: %w", err))
	}
	if !n.security.TLS {
		offer.Mechanisms = withoutPlain(offer.Mechanisms)
	}
	n.offer, n.phase = offer, phaseLogin
	_, canUpgrade := n.conn.(upgrader)
	if canUpgrade && !n.security.TLS {
		n.phase = phasePlain
		if n.srv.tls == nil && len(offer.Mechanisms) == 0 {
			return &stream.Error{Condition: stream.PolicyViolation, Text: "Signing in needs TLS, which is not available here."}
		}
	} else if len(offer.Mechanisms) == 0 {
		return &stream.Error{Condition: stream.PolicyViolation, Text: "Signing in needs an encrypted connection."}
	}
	return n.greet(n.featuresEarly())
}

func (n *negotiation) signedIn() bool { return !n.who.JID.IsZero() }

// withoutPlain keeps passwords off connections that are trusted for other reasons than TLS.
func withoutPlain(ms []sasl.Mechanism) []sasl.Mechanism {
	var out []sasl.Mechanism
	for _, m := range ms {
		if m != sasl.Plain {
			out = append(out, m)
		}
	}
	return out
}

func (n *negotiation) greet(features string) *stream.Error {
	n.open(n.header(n.client), func(c Conn) { c.Features(features) })
	return nil
}

// element finds the step for an element.
func (n *negotiation) element(e xmltree.Element) *stream.Error {
	if step := n.srv.steps[n.phase][nameOf(e)]; step != nil {
		return step(n, e)
	}
	switch {
	case n.phase == phaseSASL2 || n.phase == phaseTasks:
		return &stream.Error{Condition: stream.PolicyViolation, Text: "Only authentication is expected now."}
	case n.signedIn() && e.Space() == ns.Client:
		return &stream.Error{Condition: stream.NotAuthorized, Text: "A resource must be bound first."}
	case e.Space() == ns.Client:
		return &stream.Error{Condition: stream.NotAuthorized}
	}
	return notAStanza(e)
}

// send writes elements of the stream.
func (n *negotiation) send(elements ...string) {
	n.write(func(c Conn) {
		for _, e := range elements {
			c.Element(e)
		}
	})
}

// internal logs a failure of ours and says so.
func (n *negotiation) internal(err error) *stream.Error {
	n.srv.deps.Log.LogAttrs(n.ctx, slog.LevelError, "client not taken", slog.Any("error", err))
	return &stream.Error{Condition: stream.InternalServerError, Cause: err}
}

// startTLS is RFC 6120 section 5.4.
func (n *negotiation) startTLS(xmltree.Element) *stream.Error {
	if n.srv.tls == nil {
		n.send("<failure xmlns='" + ns.TLS + "'/>")
		n.end(nil)
		return nil
	}
	n.send("<proceed xmlns='" + ns.TLS + "'/>")
	n.mute.Store(true)
	if secured := n.conn.(upgrader).StartTLS(n.ctx, n.srv.tls) == nil; !secured {
		// Nothing can be said any more, and scanners fail here all day long.
		n.end(nil)
		return nil
	}
	n.restart()
	n.mute.Store(false)
	n.security = n.conn.Security()
	n.phase, n.offer, n.client = phaseOpening, Offer{}, stream.Header{}
	return nil
}

// failed counts a failed authentication. The last one that is allowed ends the stream
// (RFC 6120 section 6.4.5).
func (n *negotiation) failed(err error, space string) *stream.Error {
	n.srv.counters.LoginFailed.Inc()
	n.failures++
	e := sasl.AsError(err)
	if e.Condition == sasl.TemporaryAuthFailure && e.Text == "" {
		n.srv.deps.Log.LogAttrs(n.ctx, slog.LevelError, "authentication not possible", slog.Any("error", err))
	}
	w := xmltree.NewWriter(256)
	w.Open(space, "failure").Empty(ns.SASL, string(e.Condition))
	if e.Text != "" {
		w.Element("", "text", e.Text, "xml:lang", "en")
	}
	if space == ns.SASL2 && e.Retry > 0 { // an application-specific condition (XEP-0388 section 2.6.2)
		w.Empty(ns.KithAccount, "retry", "seconds", strconv.FormatInt(int64((e.Retry+time.Second-1)/time.Second), 10))
	}
	n.send(w.Close().String())
	n.auth, n.request, n.phase = nil, nil, phaseLogin
	if !n.security.TLS && n.srv.tls != nil {
		if _, ok := n.conn.(upgrader); ok {
			n.phase = phasePlain
		}
	}
	if n.failures >= n.srv.cfg.LoginTries {
		return &stream.Error{Condition: stream.PolicyViolation, Text: "Too many failed attempts to sign in."}
	}
	return nil
}

// begin starts an authentication.
func (n *negotiation) begin(a Attempt) error {
	a.Channel, a.Offer, a.From, a.Remote = n.security.Channel, n.offer.Offer, n.client.From, n.security.Remote
	auth, err := n.srv.deps.Auth.Begin(a)
	n.auth = auth
	return err
}

// signed takes note of who the client is.
func (n *negotiation) signed() {
	n.who = n.auth.Identity()
	n.conn.SetLimits(n.srv.cfg.limits())
}

// signIn is what the other parts are told of it.
func (n *negotiation) signIn() module.Login {
	_, tcp := n.conn.(upgrader)
	return module.Login{
		Browser: !tcp,
		Client:  n.who.Agent.ID, Software: n.who.Agent.Software, Device: n.who.Agent.Device, Password: n.who.Password,
		At: n.srv.deps.Clock.Now(), Encrypted: n.security.TLS || n.security.Channel.Confidential,
	}
}

func (n *negotiation) ignore(xmltree.Element) *stream.Error { return nil }

// enableEarly refuses stream management before there is a resource (XEP-0198 section 3).
func (n *negotiation) enableEarly(xmltree.Element) *stream.Error {
	n.send(failedElement(stanza.UnexpectedRequest, "", nil))
	return nil
}

// resumeSM goes on with a former session (XEP-0198 section 5).
func (n *negotiation) resumeSM(e xmltree.Element) *stream.Error {
	r, bad := n.srv.resume(n.link, n.who.JID, e)
	switch {
	case bad != nil:
		return bad
	case r.session == nil:
		n.send(r.failed)
		return nil
	}
	n.send(r.element())
	n.session = r.session
	r.session.release(n.link)
	return nil
}

func encode(b []byte) string { return base64.StdEncoding.EncodeToString(b) }
