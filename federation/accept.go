package federation

import (
	"crypto/rand"
	"crypto/tls"
	"errors"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"kith/internal/clock"
	"kith/internal/ns"
	"kith/internal/peer"
	"kith/internal/stream"
	"kith/internal/xmltree"
)

// visitor is a connection that another server has made, from its first byte to its end.
type visitor struct {
	*wire
	// header is that of the present stream, id the one that was given to it.
	header stream.Header
	id     string
	greeted,
	// secured: TLS is there. restarted: the stream began anew after SASL.
	secured, restarted bool
	failures int
	items    int
	// early: it counts among the handshakes.
	early    atomic.Bool
	deadline clock.Timer
	become   sync.Once
	// verified says why the certificate proves the domain, or why it does not.
	verified error
	pairs    pairs
	hurried  bool // guarded by the mutex of the wire
}

// Serve takes over a connection on which TLS begins by STARTTLS, and returns at once. The connection is
// closed once.
func (s *Service) Serve(c net.Conn) { s.visit(c, false) }

// ServeTLS takes over a connection that begins with TLS (XEP-0368), and returns at once. TLS may have
// begun: then c is a *[tls.Conn], whose client must have been asked for its certificate.
func (s *Service) ServeTLS(c net.Conn) { s.visit(c, true) }

func (s *Service) visit(c net.Conn, direct bool) {
	s.counters.Connections.Inc()
	w := s.newWire(c, true, direct)
	if !s.admit() || !s.enter(w) {
		w.cancel()
		_ = c.Close()
		return
	}
	v := &visitor{wire: w}
	v.early.Store(true)
	v.pairs.init()
	v.deadline = s.deps.Clock.AfterFunc(s.cfg.ConnectTime, func() {
		s.counters.Refused.Inc()
		w.finish(&stream.Error{Condition: stream.ConnectionTimeout, Text: "Proving an identity took too long."})
		w.cancel()
	})
	go v.run()
}

// admit counts a handshake, if there may be one more.
func (s *Service) admit() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.early >= s.cfg.Handshakes {
		s.counters.TooMany.Inc()
		return false
	}
	s.early++
	return true
}

func (v *visitor) settled() {
	if !v.early.CompareAndSwap(true, false) {
		return
	}
	v.deadline.Stop()
	v.svc.mu.Lock()
	defer v.svc.mu.Unlock()
	v.svc.early--
}

// run is the reading goroutine.
func (v *visitor) run() {
	err := v.read()
	v.settled()
	bad, ok := errors.AsType[*stream.Error](err)
	switch {
	case errors.Is(err, errTheirs):
		v.finish(nil)
	case ok:
		v.svc.counters.BadStream.Inc()
		v.finish(bad)
	case err == nil:
		v.settle(closeTime)
		v.finish(nil)
	}
	v.close(err)
}

// errTheirs marks an error that the other side has sent.
var errTheirs = errors.New("federation: sent by the other server")

// read returns when the stream is over: without an error if the other side has ended it.
func (v *visitor) read() error {
	if v.direct {
		c, begun := v.raw().(*tls.Conn)
		switch {
		case !begun && v.svc.tlsNow == nil:
			return errNoTLS
		case !begun:
			c = tls.Server(v.raw(), v.svc.tlsNow)
		}
		if err := v.secure(func(net.Conn) *tls.Conn { return c }); err != nil {
			return err
		}
		v.secured = true
	}
	for {
		item, err := v.reader.Next()
		if v.over.Load() {
			return nil
		}
		if err != nil {
			return err
		}
		if v.early.Load() {
			if v.items++; v.items > earlyItems {
				return &stream.Error{Condition: stream.PolicyViolation, Text: "Too much before an identity was proven."}
			}
		}
		switch item.Kind {
		case stream.Open:
			err = v.greet(item.Header)
		case stream.Element:
			err = v.element(item.Element)
		case stream.Close:
			return nil
		case stream.Space:
		}
		if err != nil {
			return err
		}
	}
}

var errNoTLS = errors.New("federation: there is no certificate")

// greet answers the start of a stream.
func (v *visitor) greet(h stream.Header) error {
	if v.greeted {
		return &stream.Error{Condition: stream.PolicyViolation, Text: "There is a stream already."}
	}
	v.greeted, v.header, v.id = true, h, rand.Text()
	from, to := h.From.Domain(), h.To.Domain()
	switch {
	case !h.To.IsDomain() || !v.svc.deps.Hosts(to):
		return &stream.Error{Condition: stream.HostUnknown}
	case !h.From.IsZero() && !h.From.IsDomain(), from != "" && v.svc.deps.Hosts(from):
		return &stream.Error{Condition: stream.InvalidFrom}
	case v.restarted && (to != v.Local || from != "" && from != v.Remote):
		// Who was proven on this connection is proven for these domains alone.
		return &stream.Error{Condition: stream.InvalidFrom, Text: "The stream was authenticated for other domains."}
	case !v.restarted:
		v.Local = to
	}
	if from != "" && !v.svc.rules.permits(from) {
		v.svc.refuse(from, "not permitted by the policy of this server")
		return &stream.Error{Condition: stream.PolicyViolation, Text: "This server does not communicate with " + from + "."}
	}
	if v.secured && !v.restarted && from != "" {
		if err := v.identify(from); err != nil {
			return err
		}
	}
	return v.open(stream.Header{From: h.To, To: h.From, ID: v.id, Version: "1.0"}, v.features())
}

// identify looks whether the certificate proves the domain. If it does not, and nothing else may, the
// other side is told why.
func (v *visitor) identify(from string) error {
	v.proof, v.verified = v.svc.verifier.verify(v.ctx, from, v.tls, nil)
	if v.verified == nil || v.svc.cfg.Dialback {
		return nil
	}
	words := publicWords(v.verified)
	v.svc.refuse(from, words)
	return &stream.Error{Condition: stream.NotAuthorized, Text: "Your server cannot prove to be " + from + ": " + words + "."}
}

// refuse records that somebody was not let in.
func (s *Service) refuse(domain, why string) {
	s.counters.Refused.Inc()
	s.refused.add(domain, why, s.now())
}

// features are what the other side may do next.
func (v *visitor) features() string {
	w := xmltree.NewWriter(512)
	w.Open("", "stream:features")
	switch {
	case !v.secured:
		w.Open(ns.TLS, "starttls").Empty("", "required").Close()
	case v.restarted:
		w.Empty(ns.SM, "sm")
	default:
		if v.verified == nil {
			w.Open(ns.SASL, "mechanisms").Element("", "mechanism", "EXTERNAL").Close()
		}
		if v.svc.cfg.Dialback {
			w.Open(nsDialbackFeature, "dialback").Empty("", "errors").Close()
			w.Empty(ns.SM, "sm")
		}
		w.Empty(nsBidiFeature, "bidi")
	}
	v.svc.writeLimits(w)
	return w.Close().String()
}

// writeLimits announces what this server takes (XEP-0478).
func (s *Service) writeLimits(w *xmltree.Writer) {
	w.Open(ns.StreamLimits, "limits").
		Element("", "max-bytes", strconv.Itoa(int(s.cfg.StanzaBytes))).
		Element("", "idle-seconds", strconv.Itoa(int((s.cfg.IdleTime+s.cfg.IdleTime/4)/time.Second))).
		Close()
}

// proven reports whether the other side may send stanzas.
func (v *visitor) proven() bool { return v.restarted || v.pairs.any() }

// element takes a first-level element.
func (v *visitor) element(e xmltree.Element) error {
	if !v.greeted {
		return &stream.Error{Condition: stream.BadFormat}
	}
	switch e.Space() {
	case ns.Client:
		return asError(v.stanzaIn(e))
	case ns.Stream:
		if e.Local() == "error" {
			bad := stream.ReadError(e)
			bad.Cause = errTheirs
			return bad
		}
	case ns.TLS:
		return v.startTLS(e)
	case ns.SASL:
		return v.authenticate(e)
	case nsBidi:
		if v.secured && !v.proven() {
			v.bidi = true
			return nil
		}
	case nsDialback:
		return asError(v.dialback(e))
	case ns.SM:
		return asError(v.manage(e))
	}
	if !v.proven() {
		return &stream.Error{Condition: stream.NotAuthorized}
	}
	return &stream.Error{Condition: stream.UnsupportedStanzaType}
}

// asError avoids an error that is a nil pointer.
func asError(e *stream.Error) error {
	if e == nil {
		return nil
	}
	return e
}

// startTLS is RFC 6120 section 5.4.
func (v *visitor) startTLS(e xmltree.Element) error {
	if v.secured || e.Local() != "starttls" {
		return &stream.Error{Condition: stream.PolicyViolation}
	}
	if v.svc.tlsIn == nil {
		_ = v.put("<failure xmlns='" + ns.TLS + "'/>") // the end follows
		return nil
	}
	if err := v.put("<proceed xmlns='" + ns.TLS + "'/>"); err != nil {
		return err
	}
	if err := v.secure(func(c net.Conn) *tls.Conn { return tls.Server(c, v.svc.tlsIn) }); err != nil {
		return err
	}
	v.secured, v.greeted = true, false
	return nil
}

// proved is what follows when the first domain is proven; from any goroutine.
func (v *visitor) proved(pair peer.Link, p proof) {
	v.settled()
	v.svc.counters.Handshakes.Inc()
	stats := v.svc.peers.of(pair.Remote)
	stats.proven(p, v.svc.now())
	v.mu.Lock()
	v.Link, v.proof, v.stats = pair, p, stats
	v.words = v.describe()
	if !v.closed {
		v.ready = v.svc.deps.Clock.AfterFunc(bidiTime, v.lend)
	}
	v.mu.Unlock()
	v.svc.crowd(v.wire, pair.Remote)
}

// bidiTime is how long the other side has to begin stream management before its connection is used for
// stanzas to it.
const bidiTime = time.Second

// hurryTime is what is left of it after the first stanza.
const hurryTime = 50 * time.Millisecond

// lend gives the connection to the link that sends to the other side, where both want that
// (XEP-0288). From any goroutine, any number of times.
func (w *wire) lend() {
	w.mu.Lock() // what counts is settled before the link gets it
	first := w.bidi && w.lent.CompareAndSwap(false, true)
	w.mu.Unlock()
	if first {
		w.svc.attach(w)
	}
}

// hurry lends the connection soon after a first stanza came in: it is likely to be answered.
func (v *visitor) hurry() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.ready != nil && !v.hurried && !v.lent.Load() {
		v.ready.Reset(hurryTime)
	}
	v.hurried = true
}

// crowd closes the oldest connections of a domain that has too many.
func (s *Service) crowd(w *wire, remote string) {
	var mine []*wire
	for _, o := range s.allWires() {
		if o == w || o.inbound && !o.over.Load() && o.remote() == remote {
			mine = append(mine, o)
		}
	}
	for len(mine) > s.cfg.Connections {
		oldest := 0
		for i, o := range mine {
			if o.begun.Before(mine[oldest].begun) {
				oldest = i
			}
		}
		s.counters.TooMany.Inc()
		mine[oldest].finish(&stream.Error{Condition: stream.Conflict, Text: "Your server has too many connections to this one."})
		mine = append(mine[:oldest], mine[oldest+1:]...)
	}
}

// stanzaIn takes a stanza if its sender is proven on this stream.
func (v *visitor) stanzaIn(e xmltree.Element) *stream.Error {
	if !v.proven() {
		return &stream.Error{Condition: stream.NotAuthorized}
	}
	v.hurry()
	return v.stanza(e, v.allowed)
}

// allowed: a domain that has proven itself by SASL may write to every domain here; one that has done so
// by dialback to the one that it did it for (XEP-0220 section 2.1).
func (v *visitor) allowed(from, to string) *stream.Error {
	hosted := v.svc.deps.Hosts(to)
	switch {
	case v.restarted && from == v.Remote && hosted, v.pairs.has(from, to) && hosted:
		return nil
	case v.restarted && from == v.Remote, v.pairs.from(from):
		return &stream.Error{Condition: stream.HostUnknown}
	}
	v.svc.counters.Forged.Inc()
	return &stream.Error{Condition: stream.InvalidFrom, Text: "The sender of a stanza is not who this stream was authenticated for."}
}
