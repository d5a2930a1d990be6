package c2s

import (
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"kith/internal/clock"
	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/internal/stream"
	"kith/internal/xmltree"
)

// boshConn is a connection that is made of HTTP requests. What is to be written goes with the answer to the
// oldest request that is held; while there is none, Flush waits.
type boshConn struct {
	srv      *Server
	sid      string
	security Security
	wait     time.Duration
	hold     int
	// acks: the client says which answers it has (XEP-0124 section 9.2).
	acks  bool
	heard atomic.Int64

	left bool // its address may have another; guarded by bosh.mu

	// The writer's alone.
	out       []byte
	header    *stream.Header // was opened and is to be told
	failed    bool           // a stream error is in out
	ending    bool
	announced bool

	mu   sync.Mutex // guards everything below
	cond *sync.Cond // something below has changed
	// fresh: the first request is still to be read.
	fresh  bool
	limits xmltree.Limits
	// next is the number of the request that is expected.
	next uint64
	keys boshKeys
	// created: the answer to the first request was given.
	created bool
	// inactivity is how long there may be no request.
	inactivity time.Duration
	// acked: the first answer has told which requests have come.
	acked bool
	// report is an answer that the client should have and seems not to, 0 for none.
	report  uint64
	held    []*boshRequest // by their numbers
	early   []*boshRequest // that came before one with a lower number
	answers []boshAnswer   // the last ones, for clients that ask again
	inbox   []stream.Item
	problem error // what Next returns when the inbox is empty
	idle    clock.Timer
	over    bool // the client has been told that it is over
	gone    bool
}

// boshRequest is a request that waits for its answer.
type boshRequest struct {
	body   *boshBody
	answer chan string
}

type boshAnswer struct {
	rid  uint64
	body string
	at   time.Time
}

var _ Conn = (*boshConn)(nil)

// window is how many requests a client may have at a time (XEP-0124 section 7.2).
func (c *boshConn) window() int { return c.hold + 1 }

func (c *boshConn) hear() { c.heard.Store(c.srv.deps.Clock.Now().UnixNano()) }

// fail ends the stream with what is wrong with a request.
func (c *boshConn) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.problem == nil {
		c.problem = err
	}
	c.cond.Broadcast()
}

const emptyBody = "<body xmlns='" + nsBOSH + "'/>"

// boshAgain is the answer to a request that was sent again (XEP-0124 section 14.3).
const boshAgain = "<body type='error' xmlns='" + nsBOSH + "'/>"

// request takes a request and waits for its answer, "" if the client has gone meanwhile.
func (c *boshConn) request(gone <-chan struct{}, b *boshBody) string {
	c.hear()
	q := &boshRequest{body: b, answer: make(chan string, 1)}
	c.mu.Lock()
	switch answer, ok := c.accept(q); {
	case ok:
		c.mu.Unlock()
		return answer
	case c.gone || c.over:
		c.mu.Unlock()
		return terminal("item-not-found")
	}
	c.mu.Unlock()
	wait := c.wait
	if c.hold == 0 {
		wait = 0
	}
	late := c.srv.deps.Clock.NewTimer(max(wait, 100*time.Millisecond))
	defer late.Stop()
	select {
	case body := <-q.answer:
		return body
	case <-late.C():
		return c.release(q, emptyBody)
	case <-gone:
		return c.release(q, "")
	}
}

// release answers a request unless that has been done. It needs no lock.
func (c *boshConn) release(q *boshRequest, body string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case answered := <-q.answer:
		return answered
	default:
	}
	c.held = slices.DeleteFunc(c.held, func(o *boshRequest) bool { return o == q })
	c.early = slices.DeleteFunc(c.early, func(o *boshRequest) bool { return o == q })
	if body != "" {
		body = c.remember(q.body.rid, body)
	}
	c.watchIdle()
	return body
}

// accept puts a request in its place, or answers it at once. It needs c.mu.
func (c *boshConn) accept(q *boshRequest) (answer string, done bool) {
	rid := q.body.rid
	switch {
	case rid < c.next && !c.keys.again(rid, q.body.root):
		return terminal("item-not-found"), true
	case rid < c.next:
		return c.again(q)
	case c.gone || c.over:
		return "", false
	case rid >= c.next+uint64(c.window()): //nolint:gosec // it is small
		// XEP-0124 section 14.2.
		c.problem = errBOSHGone
		c.cond.Broadcast()
		return terminal("item-not-found"), true
	case rid > c.next:
		// Whoever sends it again before its turn gets the answer.
		if i := slices.IndexFunc(c.early, func(o *boshRequest) bool { return o.body.rid == rid }); i >= 0 {
			c.early[i].answer <- boshAgain
			c.early[i] = q
			return "", false
		}
		c.early = append(c.early, q)
		return "", false
	}
	for q != nil {
		if c.created && !c.keys.take(q.body.rid, q.body.root, c.window()) {
			// XEP-0124 section 15.4: nothing of it counts, and it is over.
			return c.cheated(q), true
		}
		c.take(q)
		i := slices.IndexFunc(c.early, func(o *boshRequest) bool { return o.body.rid == c.next })
		q = nil
		if i >= 0 {
			q = c.early[i]
			c.early = slices.Delete(c.early, i, i+1)
		}
	}
	return "", false
}

// take accepts the request that is expected. It needs c.mu.
func (c *boshConn) take(q *boshRequest) {
	c.next++
	c.created, c.inactivity = true, boshIdle
	c.held = append(c.held, q)
	c.inbox = append(c.inbox, q.body.items...)
	if c.idle != nil {
		c.idle.Stop()
	}
	if q.body.pause > 0 {
		// XEP-0124 section 10: all are answered, with nothing in it.
		c.inactivity = q.body.pause
		for len(c.held) > 0 {
			c.reply(emptyBody)
		}
	} else if c.missed(q.body.root) {
		c.reply(emptyBody)
	}
	c.cond.Broadcast()
}

// cheated ends the session of a client that may not be the one that began it. It needs c.mu.
func (c *boshConn) cheated(q *boshRequest) string {
	c.problem = errBOSHGone
	c.cond.Broadcast()
	body := terminal("item-not-found")
	for _, o := range c.early {
		o.answer <- body
	}
	c.early = nil
	select {
	case q.answer <- body: // it was early, and waits
	default:
	}
	return body
}

// boshLost is how old an answer is that a client should have by now.
const boshLost = time.Second

// missed reports whether the client lacks an answer that was given some time ago (XEP-0124 section 9.2): then
// the next one tells it. It needs c.mu.
func (c *boshConn) missed(body xmltree.Element) bool {
	text, ok := body.LookupAttr("", "ack")
	if !c.acks || !ok {
		return false
	}
	ack, err := strconv.ParseUint(text, 10, 53)
	if err != nil {
		return false
	}
	for _, a := range c.answers {
		if a.rid == ack+1 && c.srv.deps.Clock.Now().Sub(a.at) >= boshLost {
			c.report = a.rid
			return true
		}
	}
	return false
}

// again answers a request that came before (XEP-0124 section 14.3). It needs c.mu.
func (c *boshConn) again(q *boshRequest) (answer string, done bool) {
	rid := q.body.rid
	for _, a := range c.answers {
		if a.rid == rid {
			return a.body, true
		}
	}
	if c.gone || c.over || c.next-rid > uint64(c.window()) { //nolint:gosec // it is small
		return terminal("item-not-found"), true
	}
	// It was not answered: whoever asks now gets the answer.
	if i := slices.IndexFunc(c.held, func(o *boshRequest) bool { return o.body.rid == rid }); i >= 0 {
		c.held[i].answer <- boshAgain
		c.held[i] = q
	} else {
		c.held = append(c.held, q)
		slices.SortFunc(c.held, func(a, b *boshRequest) int { return int(int64(a.body.rid) - int64(b.body.rid)) }) //nolint:gosec // below 2^53
	}
	if c.idle != nil {
		c.idle.Stop()
	}
	c.cond.Broadcast()
	return "", false
}

// remember completes an answer, and keeps it for a client that does not get it. It needs c.mu.
func (c *boshConn) remember(rid uint64, body string) string {
	now := c.srv.deps.Clock.Now()
	attrs := ""
	// XEP-0124 section 9.1: up to where all requests have come, unless that goes without saying.
	if ack := c.next - 1; ack != rid || !c.acked {
		c.acked = true
		attrs = " ack='" + strconv.FormatUint(ack, 10) + "'"
	}
	for _, a := range c.answers {
		if a.rid == c.report {
			attrs += " report='" + strconv.FormatUint(c.report, 10) + "' time='" + strconv.FormatInt(now.Sub(a.at).Milliseconds(), 10) + "'"
			c.report = 0
		}
	}
	body = "<body" + attrs + strings.TrimPrefix(body, "<body")
	c.answers = append(c.answers, boshAnswer{rid, body, now})
	if n := len(c.answers) - c.window() - 1; n > 0 {
		c.answers = slices.Delete(c.answers, 0, n)
	}
	return body
}

// reply answers the oldest request that is held. It needs c.mu.
func (c *boshConn) reply(body string) {
	q := c.held[0]
	c.held = c.held[1:]
	q.answer <- c.remember(q.body.rid, body)
	c.watchIdle()
}

// watchIdle ends the session of a client that does not come back (XEP-0124 section 10). It needs c.mu.
func (c *boshConn) watchIdle() {
	if len(c.held) > 0 || c.gone {
		return
	}
	if c.idle == nil {
		c.idle = c.srv.deps.Clock.AfterFunc(c.inactivity, c.vanished)
	} else {
		c.idle.Reset(c.inactivity)
	}
}

func (c *boshConn) vanished() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.held) > 0 {
		return
	}
	if c.problem == nil {
		c.problem = io.EOF
	}
	c.gone = true
	c.cond.Broadcast()
}

// Next implements [Conn].
func (c *boshConn) Next() (stream.Item, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.inbox) == 0 && c.problem == nil && !c.gone {
		// Now that all is done, no more are held than shall be.
		for len(c.held) > max(c.hold, 1) {
			c.reply(emptyBody)
		}
		c.cond.Wait()
	}
	switch {
	case len(c.inbox) > 0 && !c.gone:
		item := c.inbox[0]
		if c.inbox = c.inbox[1:]; len(c.inbox) == 0 {
			c.inbox = nil
		}
		return item, nil
	case c.problem != nil:
		return stream.Item{}, c.problem
	}
	return stream.Item{}, errBOSHGone
}

// now are the limits that apply.
func (c *boshConn) now() xmltree.Limits {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.limits
}

// SetLimits implements [Conn].
func (c *boshConn) SetLimits(lim xmltree.Limits) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.limits = lim
}

// Restart implements [Conn].
func (c *boshConn) Restart() {}

// Drain implements [Conn]: once it is over, requests are answered without being read.
func (c *boshConn) Drain() {}

// Goodbye implements [Conn].
func (c *boshConn) Goodbye() {}

// Open implements [Conn].
func (c *boshConn) Open(h stream.Header) { c.header = &h }

// Stanza implements [Conn].
func (c *boshConn) Stanza(st *stanza.Stanza) { c.out = st.AppendFramed(c.out) }

// Element implements [Conn].
func (c *boshConn) Element(xml string) { c.out = append(c.out, xml...) }

// Features implements [Conn].
func (c *boshConn) Features(inner string) {
	c.Element("<stream:features>" + inner + "</stream:features>")
}

// Error implements [Conn].
func (c *boshConn) Error(e *stream.Error) {
	w := xmltree.NewWriter(256)
	e.Write(w, true)
	c.Element(w.String())
	c.failed = true
}

// End implements [Conn].
func (c *boshConn) End() { c.ending = true }

// wrap makes an answer of what was written.
func (c *boshConn) wrap() string {
	w := xmltree.NewWriter(len(c.out) + 512)
	attrs := []string{"xmlns", nsBOSH, "xmlns:stream", ns.Stream}
	if h := c.header; h != nil {
		attrs = append(attrs, "xmlns:xmpp", nsXBOSH, "xmpp:version", "1.0", "authid", h.ID, "from", h.From.String(), "xml:lang", h.Lang)
		if !c.announced {
			c.announced = true
			attrs = append(
				attrs, "sid", c.sid, "ver", "1.11", "wait", itoa(uint32(c.wait/time.Second)), "hold", strconv.Itoa(c.hold), //nolint:gosec // it is small
				"requests", strconv.Itoa(c.window()), "inactivity", itoa(uint32(boshIdle/time.Second)),
				"maxpause", itoa(uint32(boshPause/time.Second)), "polling", itoa(uint32(boshPolling/time.Second)), "xmpp:restartlogic", "true",
			)
		}
		c.header = nil
	}
	if c.ending {
		attrs = append(attrs, "type", "terminate")
		if c.failed {
			attrs = append(attrs, "condition", "remote-stream-error")
		}
	}
	w.Start("body", attrs...)
	w.Raw(">").Raw(string(c.out)).Raw("</body>")
	c.out = c.out[:0]
	if cap(c.out) > 1<<16 {
		c.out = nil
	}
	return w.String()
}

// Flush implements [Conn].
func (c *boshConn) Flush() error {
	if len(c.out) == 0 && c.header == nil && !c.ending {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.held) == 0 && !c.gone {
		c.cond.Wait()
	}
	if c.gone {
		return errBOSHGone
	}
	c.over = c.over || c.ending
	c.reply(c.wrap())
	for c.over && len(c.held) > 0 {
		c.reply(emptyBody)
	}
	return nil
}

// Hangup implements [Conn].
func (c *boshConn) Hangup() {}

// Abort implements [Conn].
func (c *boshConn) Abort() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gone {
		return
	}
	c.gone = true
	for len(c.held) > 0 {
		c.reply(terminal("remote-connection-failed"))
	}
	for _, q := range c.early {
		q.answer <- terminal("item-not-found")
	}
	c.early = nil
	c.cond.Broadcast()
}

// Close implements [Conn]. A client that has not got the last answer may ask for it again for a while.
func (c *boshConn) Close() {
	c.Abort()
	c.mu.Lock()
	if c.idle != nil {
		c.idle.Stop()
	}
	c.inbox = nil
	c.mu.Unlock()
	c.srv.bosh.leave(c)
	c.srv.deps.Clock.AfterFunc(boshIdle, func() { c.srv.bosh.remove(c) })
}

// Security implements [Conn].
func (c *boshConn) Security() Security { return c.security }

// Heard implements [Conn].
func (c *boshConn) Heard() time.Time { return time.Unix(0, c.heard.Load()) }
