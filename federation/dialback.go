package federation

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"strings"
	"sync"

	"kith/internal/ns"
	"kith/internal/peer"
	"kith/internal/stream"
	"kith/internal/xmltree"
)

// Namespaces of dialback (XEP-0220) and of bidirectional streams (XEP-0288).
const (
	nsDialback        = "jabber:server:dialback"
	nsDialbackFeature = "urn:xmpp:features:dialback"
	nsBidi            = "urn:xmpp:bidi"
	nsBidiFeature     = "urn:xmpp:features:bidi"
)

// maxPending bounds the verifications that one connection may have under way, and maxPairs the pairs of
// domains that it may carry.
const (
	maxPending     = 8
	maxStreamPairs = 64
)

// dialbackKey is the key of XEP-0185: receiving asks originating whether the stream with this id is its.
func dialbackKey(secret []byte, receiving, originating, id string) string {
	sum := sha256.Sum256(secret)
	mac := hmac.New(sha256.New, []byte(hex.EncodeToString(sum[:])))
	mac.Write([]byte(receiving + " " + originating + " " + id))
	return hex.EncodeToString(mac.Sum(nil))
}

// pairs are the domains that a stream was authenticated for by dialback.
type pairs struct {
	mu      sync.Mutex // guards everything below
	proven  map[peer.Link]bool
	pending int
}

func (p *pairs) init() { p.proven = map[peer.Link]bool{} }

func (p *pairs) any() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.proven) > 0
}

func (p *pairs) has(from, to string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.proven[peer.Link{Local: to, Remote: from}]
}

func (p *pairs) from(from string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.proven {
		if l.Remote == from {
			return true
		}
	}
	return false
}

// begin counts a verification, if there may be one more.
func (p *pairs) begin() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pending >= maxPending || len(p.proven) >= maxStreamPairs {
		return false
	}
	p.pending++
	return true
}

func (p *pairs) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pending--
}

func (p *pairs) add(l peer.Link) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.proven[l] = true
}

// dialback takes an element of XEP-0220 from a server that has connected.
func (v *visitor) dialback(e xmltree.Element) *stream.Error {
	from, ferr := domainOf(e.Attr("from"))
	to, terr := domainOf(e.Attr("to"))
	if ferr != nil || terr != nil {
		return &stream.Error{Condition: stream.ImproperAddressing}
	}
	if !v.secured {
		return &stream.Error{Condition: stream.PolicyViolation, Text: "This needs an encrypted connection."}
	}
	switch {
	case e.Local() == "verify" && e.Attr("type") == "":
		v.vouch(from, to, e)
		return nil
	case e.Local() == "result" && e.Attr("type") == "":
		return v.callBack(from, to, strings.TrimSpace(e.Text()))
	}
	// An answer that nobody asked for on this connection proves nothing (XEP-0220 section 4).
	return &stream.Error{Condition: stream.InvalidFrom, Text: "Nobody has asked for this answer."}
}

// vouch tells another server whether a stream that it got in our name is ours (XEP-0220 section 2.2.2).
func (v *visitor) vouch(from, to string, e xmltree.Element) {
	answer := "invalid"
	key := dialbackKey(v.svc.secret[:], from, to, e.Attr("id"))
	if v.svc.cfg.Dialback && v.svc.deps.Hosts(to) && subtle.ConstantTimeCompare([]byte(key), []byte(strings.TrimSpace(e.Text()))) == 1 {
		answer = "valid"
	}
	v.say(dialbackElement("verify", to, from, e.Attr("id"), answer, ""))
}

// callBack proves a domain that wants to send on this connection (XEP-0220 section 2.2.1): by the certificate
// if that will do (XEP-0344 section 2.2), otherwise by asking the server that DNS names.
func (v *visitor) callBack(from, to, key string) *stream.Error {
	refuse := func(condition string) *stream.Error {
		v.say(dialbackElement("result", to, from, "", "error", condition))
		return nil
	}
	switch {
	case !v.svc.cfg.Dialback:
		return refuse("policy-violation")
	case v.restarted:
		// Who is known by a certificate is known by it alone.
		return refuse("not-allowed")
	case v.svc.deps.Hosts(from), !v.header.From.IsZero() && v.header.From.Domain() != from && !v.pairs.any():
		return &stream.Error{Condition: stream.InvalidFrom}
	case !v.svc.deps.Hosts(to):
		return refuse("item-not-found")
	case !v.svc.rules.permits(from):
		v.svc.refuse(from, "not permitted by the policy of this server")
		return refuse("policy-violation")
	case !v.pairs.begin():
		return refuse("resource-constraint")
	}
	// What follows the answer is read before anything else can be done here.
	v.reader.SetLimits(v.svc.cfg.limits())
	pair, id := peer.Link{Local: to, Remote: from}, v.id
	if p, err := v.svc.verifier.verify(v.ctx, from, v.tls, nil); err == nil {
		v.verdict(pair, p, "valid", "")
		return nil
	}
	p := proof{method: byDialback}
	if chain := v.tls.PeerCertificates; len(chain) > 0 {
		p.leaf, p.hash = chain[0], keyHash(chain[0])
	}
	go func() {
		valid, err := v.svc.askBack(v.ctx, pair, id, key)
		switch {
		case err != nil:
			v.svc.refuse(from, "it could not be called back: "+publicWords(err))
			v.verdict(pair, p, "error", "remote-connection-failed")
		case !valid:
			v.svc.refuse(from, "it does not know the connection that was made in its name")
			v.verdict(pair, p, "invalid", "")
		default:
			v.verdict(pair, p, "valid", "")
		}
	}()
	return nil
}

// verdict tells the other side whether it may send, and lets it. It is called once for each begin.
func (v *visitor) verdict(pair peer.Link, p proof, answer, condition string) {
	defer v.pairs.end()
	if answer == "valid" {
		v.become.Do(func() { v.proved(pair, p) })
		v.pairs.add(pair)
	}
	v.say(dialbackElement("result", pair.Local, pair.Remote, "", answer, condition))
}

// askBack asks the server of a domain whether a stream is its (XEP-0220 section 2.1.2).
func (s *Service) askBack(ctx context.Context, pair peer.Link, id, key string) (valid bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	t := s.deps.Clock.AfterFunc(s.cfg.ConnectTime, cancel)
	defer t.Stop()
	select {
	case s.dials <- struct{}{}:
		defer func() { <-s.dials }()
	default:
		return false, errDials
	}
	targets, err := s.finder.targets(ctx, pair.Remote)
	if err != nil {
		return false, err
	}
	for i := range targets {
		var c *caller
		c, err = s.call(ctx, pair, &targets[i], i < len(targets)-1, func(_ context.Context, c *caller) error {
			valid, err = c.ask(id, key)
			return err
		})
		if err == nil {
			c.hangup()
			return valid, nil
		}
		if ctx.Err() != nil {
			break
		}
	}
	return false, err
}

// ask sends the question and reads the answer.
func (c *caller) ask(id, key string) (bool, error) {
	if err := c.begin(); err != nil {
		return false, err
	}
	if err := c.put(dialbackElement("verify", c.Local, c.Remote, id, "", key)); err != nil {
		return false, err
	}
	e, err := c.expect(func(e xmltree.Element) bool { return c.answers(e, "verify") && e.Attr("id") == id })
	return err == nil && e.Attr("type") == "valid", err
}

// answers reports whether an element is an answer of the very server that was asked.
func (c *caller) answers(e xmltree.Element, local string) bool {
	return e.Is(nsDialback, local) && e.Attr("from") == c.Remote && e.Attr("to") == c.Local && e.Attr("type") != ""
}

// requestDialback asks to be called back (XEP-0220 section 2.1.1).
func (c *caller) requestDialback(context.Context) error {
	key := dialbackKey(c.svc.secret[:], c.Remote, c.Local, c.id)
	if err := c.put(dialbackElement("result", c.Local, c.Remote, "", "", key)); err != nil {
		return err
	}
	e, err := c.expect(func(e xmltree.Element) bool { return c.answers(e, "result") })
	switch {
	case err != nil:
		return err
	case e.Attr("type") == "valid":
		return nil
	case e.Attr("type") == "error":
		return &trouble{words: "it could not call this server back (" + clean(e.Child(ns.Client, "error").ChildNS(ns.Stanzas).Local()) + ")"}
	}
	return &trouble{words: "it called this server back and found that the connection is not its"}
}

// dialbackElement writes an element: with a key, with an answer, or with an error of this condition.
func dialbackElement(local, from, to, id, answer, text string) string {
	w := xmltree.NewWriter(256)
	w.Open("", "db:"+local, "xmlns:db", nsDialback, "from", from, "to", to, "id", id, "type", answer)
	switch {
	case answer == "error":
		w.Open("", "error", "type", "cancel").Empty(ns.Stanzas, text).Close()
	case text != "":
		w.Text(text)
	}
	return w.Close().String()
}
