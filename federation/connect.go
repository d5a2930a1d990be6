package federation

import (
	"context"
	"errors"
	"net"
	"strconv"
	"time"

	"kith/internal/ns"
	"kith/internal/peer"
	"kith/internal/stream"
	"kith/internal/xmltree"
)

// caller is a connection that this server makes, until it can carry stanzas.
type caller struct {
	*wire
	to target
	// features are those of the present stream.
	features xmltree.Element
	id       string
}

// errDials means that too many connections are being made.
var errDials = &trouble{words: "too many connections are being made at the moment"}

// dial makes a connection for a link. handled is how many stanzas the other side has taken on the one
// that was lost, nil if it does not say.
func (s *Service) dial(ctx context.Context, pair peer.Link, lost parting) (c *caller, handled *uint32, err error) {
	select {
	case s.dials <- struct{}{}:
		defer func() { <-s.dials }()
	default:
		return nil, nil, errDials
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	t := s.deps.Clock.AfterFunc(s.cfg.ConnectTime, cancel)
	defer t.Stop()
	targets, err := s.finder.targets(ctx, pair.Remote)
	if err != nil {
		return nil, nil, err
	}
	var failed error
	for i := range targets {
		c, err := s.call(ctx, pair, &targets[i], i < len(targets)-1, func(ctx context.Context, c *caller) (err error) {
			if err := c.prove(ctx); err != nil {
				return err
			}
			handled, err = c.equip(lost)
			return err
		})
		if err == nil {
			s.counters.Connected.Inc()
			return c, handled, nil
		}
		if failed == nil || publicWords(failed) == "" {
			failed = err // the first reason that can be put into words
		}
		if ctx.Err() != nil {
			break
		}
	}
	return nil, nil, failed
}

// call connects to one target, brings TLS to the connection, and goes on with what is to be done there.
// more says that there are other targets.
func (s *Service) call(ctx context.Context, pair peer.Link, to *target, more bool, then func(context.Context, *caller) error) (_ *caller, err error) {
	if more {
		var cancel context.CancelFunc
		ctx, cancel = context.WithCancel(ctx)
		defer cancel()
		t := s.deps.Clock.AfterFunc(targetTime, cancel)
		defer t.Stop()
	}
	if err := s.finder.locate(ctx, to); err != nil {
		return nil, err
	}
	conn, err := s.dialTarget(ctx, to)
	if err != nil {
		return nil, &trouble{words: "it does not answer", cause: err}
	}
	w := s.newWire(conn, false, to.direct)
	w.Link = pair
	c := &caller{wire: w, to: *to}
	stop := context.AfterFunc(ctx, w.abort)
	defer func() {
		if !stop() && err == nil {
			err = ctx.Err()
		}
		if err != nil {
			c.hangup()
		}
	}()
	if !s.enter(w) {
		return nil, net.ErrClosed
	}
	if err := c.encrypt(ctx); err != nil {
		return nil, err
	}
	return c, then(ctx, c)
}

// hangup ends a connection that leads nowhere.
func (c *caller) hangup() {
	c.finish(nil)
	go c.close(nil)
}

// begin opens a stream and reads the other side's header and features.
func (c *caller) begin() error {
	h := stream.Header{From: mustDomain(c.Local), To: mustDomain(c.Remote), Version: "1.0"}
	if err := c.wire.open(h, ""); err != nil {
		return err
	}
	item, err := c.next()
	if err != nil {
		return err
	}
	if item.Kind != stream.Open {
		return &trouble{words: "it does not speak the protocol of servers"}
	}
	if from := item.Header.From; !from.IsZero() && from.Domain() != c.Remote {
		return &trouble{words: "it says that it is " + clean(from.String())}
	}
	c.id = item.Header.ID
	e, err := c.expect(func(e xmltree.Element) bool { return e.Is(ns.Stream, "features") })
	if err != nil {
		return err
	}
	c.features = e
	if limits := e.Child(ns.StreamLimits, "limits"); !limits.IsZero() {
		c.limits = readLimits(limits)
	}
	return nil
}

func readLimits(e xmltree.Element) (l peerLimits) {
	if n, err := strconv.ParseUint(e.ChildText(ns.StreamLimits, "max-bytes"), 10, 31); err == nil {
		l.bytes = int(n)
	}
	if n, err := strconv.ParseUint(e.ChildText(ns.StreamLimits, "idle-seconds"), 10, 31); err == nil {
		l.idle = time.Duration(n) * time.Second
	}
	return l
}

// next reads an item that is not white space.
func (c *caller) next() (stream.Item, error) {
	for range earlyItems {
		item, err := c.reader.Next()
		switch bad, ok := errors.AsType[*stream.Error](err); {
		case ok:
			return item, &trouble{words: "it does not speak the protocol of servers", cause: bad}
		case err != nil:
			return item, &trouble{words: "it closed the connection", cause: err}
		case item.Kind == stream.Close:
			return item, &trouble{words: "it ended the connection"}
		case item.Kind != stream.Space:
			return item, nil
		}
	}
	return stream.Item{}, &trouble{words: "it says nothing for too long"}
}

// expect reads elements until one is wanted.
func (c *caller) expect(wanted func(xmltree.Element) bool) (xmltree.Element, error) {
	for range earlyItems {
		item, err := c.next()
		switch {
		case err != nil:
			return xmltree.Element{}, err
		case item.Kind != stream.Element:
			return xmltree.Element{}, &trouble{words: "it does not speak the protocol of servers"}
		case item.Element.Is(ns.Stream, "error"):
			return xmltree.Element{}, refusal(stream.ReadError(item.Element))
		case wanted(item.Element):
			return item.Element, nil
		}
	}
	return xmltree.Element{}, &trouble{words: "it does not speak the protocol of servers"}
}

// equip finishes a connection: what arrived on the last one, and stream management for this one.
func (c *caller) equip(lost parting) (handled *uint32, err error) {
	c.reader.SetLimits(c.svc.cfg.limits())
	if !c.features.Child(ns.SM, "sm").IsZero() {
		if handled, err = c.manage(lost); err != nil {
			return nil, err
		}
	}
	c.stats = c.svc.peers.of(c.Remote)
	if c.proof.method == "" {
		c.proof.method = byDialback
	}
	c.words = c.describe()
	c.stats.proven(c.proof, c.svc.now())
	return handled, nil
}

// run is the reading goroutine once the connection carries stanzas.
func (c *caller) run() {
	err := c.read()
	bad, ok := errors.AsType[*stream.Error](err)
	switch {
	case errors.Is(err, errTheirs):
		c.finish(nil)
	case ok:
		c.svc.counters.BadStream.Inc()
		c.finish(bad)
	case err == nil:
		c.wire.settle(closeTime)
		c.finish(nil)
	}
	c.close(err)
}

// read returns when the stream is over: without an error if the other side has ended it.
func (c *caller) read() error {
	for {
		item, err := c.reader.Next()
		if c.over.Load() {
			return nil
		}
		if err != nil {
			return c.why(err)
		}
		switch item.Kind {
		case stream.Close:
			return nil
		case stream.Open:
			return &stream.Error{Condition: stream.PolicyViolation, Text: "There is a stream already."}
		case stream.Element:
			if err := c.element(item.Element); err != nil {
				return err
			}
		case stream.Space:
		}
	}
}

// why is the reason of our own for which the connection was given up, if there is one.
func (w *wire) why(err error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.broken != nil {
		return w.broken
	}
	return err
}

func (c *caller) element(e xmltree.Element) error {
	switch e.Space() {
	case ns.Client:
		if !c.bidi {
			return &stream.Error{Condition: stream.NotAuthorized, Text: "This stream goes one way."}
		}
		return asError(c.stanza(e, c.allowed))
	case ns.Stream:
		if e.Local() == "error" {
			bad := stream.ReadError(e)
			bad.Cause = errTheirs
			return bad
		}
		return nil // features that nobody asked for
	case ns.SM:
		switch e.Local() {
		case "r":
			c.requested()
		case "a":
			return asError(c.acknowledged(e))
		}
		return nil
	case nsDialback:
		// The certificate or the call back has proven one domain; others need a connection of their own.
		if e.Local() == "result" && e.Attr("type") == "" {
			c.say(dialbackElement("result", e.Attr("to"), e.Attr("from"), "", "error", "not-allowed"))
		}
		return nil
	}
	return &stream.Error{Condition: stream.UnsupportedStanzaType}
}

// allowed: this connection is proven for one pair of domains.
func (c *caller) allowed(from, to string) *stream.Error {
	if from != c.Remote {
		c.svc.counters.Forged.Inc()
		return &stream.Error{Condition: stream.InvalidFrom, Text: "The sender of a stanza is not who this stream was authenticated for."}
	}
	if to != c.Local {
		return &stream.Error{Condition: stream.HostUnknown}
	}
	return nil
}
