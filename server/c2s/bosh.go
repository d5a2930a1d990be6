package c2s

import (
	"crypto/rand"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/stream"
	"kith/internal/xmltree"
)

// Namespaces of XEP-0124 and XEP-0206.
const (
	nsBOSH  = "http://jabber.org/protocol/httpbind"
	nsXBOSH = "urn:xmpp:xbosh"
)

// What a session over BOSH may do (XEP-0124 sections 7, 10 and 11).
const (
	// boshWait is the longest that a request is held, boshIdle how long there may be none.
	boshWait = 50 * time.Second
	boshIdle = time.Minute
	// boshPause is how long a client may ask for that there be none, as while one page gives way to another.
	boshPause = 2 * time.Minute
	// boshHold is how many requests are held at most, boshPolling what a client that polls is told to keep
	// to.
	boshHold    = 2
	boshPolling = 2 * time.Second
	// boshOverhead is what a body may have beside what is in it, in bytes.
	boshOverhead = 4096
	// maxBOSH is how many sessions there may be.
	maxBOSH = 10_000
)

// bosh knows the sessions over HTTP requests.
type bosh struct {
	perAddress int

	mu        sync.Mutex // guards the fields below
	sessions  map[string]*boshConn
	byAddress map[netip.Prefix]int
}

// network is whose sessions are counted together: an address, or what a house has of IPv6 addresses. It is
// invalid for this machine, on which a web server stands in front.
func network(a netip.Addr) netip.Prefix {
	if !a.IsValid() || a.IsLoopback() {
		return netip.Prefix{}
	}
	bits := 64
	if a = a.Unmap(); a.Is4() {
		bits = 32
	}
	p, err := a.WithZone("").Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}

func (b *bosh) find(sid string) *boshConn {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.sessions[sid]
}

func (b *bosh) add(c *boshConn) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	from := network(c.security.Remote)
	if len(b.sessions) >= maxBOSH || from.IsValid() && b.byAddress[from] >= b.perAddress {
		return false
	}
	if b.sessions == nil {
		b.sessions, b.byAddress = map[string]*boshConn{}, map[netip.Prefix]int{}
	}
	b.sessions[c.sid] = c
	if from.IsValid() {
		b.byAddress[from]++
	}
	return true
}

// leave takes a session out of those that its address may have. It can still be asked for its last answers.
func (b *bosh) leave(c *boshConn) {
	from := network(c.security.Remote)
	b.mu.Lock()
	defer b.mu.Unlock()
	if c.left || !from.IsValid() {
		return
	}
	c.left = true
	if b.byAddress[from]--; b.byAddress[from] <= 0 {
		delete(b.byAddress, from)
	}
}

func (b *bosh) remove(c *boshConn) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.sessions, c.sid)
}

// BOSH serves XMPP over HTTP requests (XEP-0124, XEP-0206). security tells what protects a request; nil for
// what [RequestSecurity] says.
func (s *Server) BOSH(security func(*http.Request) Security) http.Handler {
	if security == nil {
		security = s.RequestSecurity
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Access-Control-Allow-Origin", "*")
		h.Set("Access-Control-Allow-Methods", "OPTIONS, POST")
		h.Set("Access-Control-Allow-Headers", "Content-Type")
		h.Set("Access-Control-Max-Age", "86400")
		h.Set("Cross-Origin-Resource-Policy", "cross-origin")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-store")
		switch r.Method {
		case http.MethodOptions:
			w.WriteHeader(http.StatusNoContent)
		case http.MethodPost:
			h.Set("Content-Type", "text/xml; charset=utf-8")
			s.bind(w, r, security(r))
		default:
			h.Set("Allow", "OPTIONS, POST")
			http.Error(w, "This is an XMPP service: it takes requests of XEP-0124 (BOSH).", http.StatusMethodNotAllowed)
		}
	})
}

// boshBody is a request that was read.
type boshBody struct {
	rid  uint64
	root xmltree.Element
	// pause is how long the client wants to be silent, 0 if it does not say.
	pause time.Duration
	// items are what is in it.
	items []stream.Item
}

// terminal is the end of a session by an error of the binding (XEP-0124 section 17.2).
func terminal(condition string) string {
	return "<body type='terminate' condition='" + condition + "' xmlns='" + nsBOSH + "'/>"
}

// bind answers one request.
func (s *Server) bind(w http.ResponseWriter, r *http.Request, sec Security) {
	// Who has not signed in may send little: the beginning tells who it is.
	src, err := io.ReadAll(io.LimitReader(r.Body, int64(earlyLimits.Bytes)))
	if err != nil {
		return // the line is broken
	}
	start, _, _ := strings.Cut(string(src), ">")
	tag, _, err := xmltree.ParseOpen(strings.TrimSuffix(start, "/")+">", earlyLimits)
	rid, ridErr := strconv.ParseUint(tag.Attr("rid"), 10, 53)
	if err != nil || ridErr != nil || !tag.Is(nsBOSH, "body") {
		writeBody(w, terminal("bad-request"))
		return
	}
	sid, ok := tag.LookupAttr("", "sid")
	var c *boshConn
	lim := earlyLimits
	if ok {
		if c = s.bosh.find(sid); c == nil || sec.Channel.Confidential != c.security.Channel.Confidential {
			writeBody(w, terminal("item-not-found"))
			return
		}
		lim = c.now()
	}
	lim.Bytes, lim.Depth = lim.Bytes+boshOverhead, lim.Depth+1
	rest, err := io.ReadAll(io.LimitReader(r.Body, int64(lim.Bytes+1-len(src))))
	if err != nil {
		return
	}
	// There are clients that leave out the namespace of stanzas (XEP-0206 section 2).
	root, err := xmltree.Parse(string(src)+string(rest), lim, xmltree.Scope{}.Reading(nsBOSH, ns.Client))
	if err != nil {
		if c != nil {
			c.fail(&stream.Error{Condition: stream.PolicyViolation, Text: "The request is too large, or no XML.", Cause: err})
		}
		writeBody(w, terminal("bad-request"))
		return
	}
	b := &boshBody{rid: rid, root: root}
	if c == nil {
		var refusal string
		if c, refusal = s.newBOSH(b, sec); c == nil {
			writeBody(w, terminal(refusal))
			return
		}
	}
	if err := c.read(b); err != nil {
		c.fail(err)
	}
	// What is held has been read, and may take longer than reading may.
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
	writeBody(w, c.request(r.Context().Done(), b))
}

func writeBody(w http.ResponseWriter, body string) {
	if body == "" {
		return // nobody is there any more
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = io.WriteString(w, body)
}

// newBOSH begins a session (XEP-0124 section 7.1), or says why not (section 17.2).
func (s *Server) newBOSH(b *boshBody, sec Security) (c *boshConn, refusal string) {
	// Requests come by different connections: what binds one of them says nothing of the next.
	sec.Channel.Bindings = nil
	c = &boshConn{
		srv: s, sid: rand.Text(), security: sec, next: b.rid, fresh: true, inactivity: boshIdle,
		wait: min(boshWait, seconds(b.root.Attr("wait"))), limits: earlyLimits, acks: b.root.Attr("ack") == "1",
	}
	c.cond = sync.NewCond(&c.mu)
	if c.hold = boshHold; b.root.Attr("hold") != "" {
		n, err := strconv.Atoi(b.root.Attr("hold"))
		if err != nil || n < 0 {
			return nil, "bad-request"
		}
		c.hold = min(n, boshHold)
	}
	if !c.keys.begin(b.root) {
		return nil, "bad-request"
	}
	c.hear()
	if !s.bosh.add(c) {
		s.counters.BOSHRefused.Inc()
		return nil, "policy-violation"
	}
	s.counters.Connections.Inc()
	s.start(c, nil)
	return c, ""
}

// seconds reads how long a client wants requests to be held.
func seconds(text string) time.Duration {
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return boshWait
	}
	return time.Duration(n) * time.Second
}

// read takes apart what is in a request.
func (c *boshConn) read(b *boshBody) error {
	c.mu.Lock()
	lim := c.limits
	begins := c.fresh
	c.fresh = false
	c.mu.Unlock()
	restart, _ := b.root.LookupAttr(nsXBOSH, "restart")
	if begins || boolean(restart) {
		h := stream.Header{Version: "1.0", Lang: b.root.Lang()}
		var err error
		if h.To, err = jid.Parse(b.root.Attr("to")); err != nil && begins {
			return &stream.Error{Condition: stream.HostUnknown, Cause: err}
		}
		if from, ok := b.root.LookupAttr("", "from"); ok {
			if h.From, err = jid.Parse(from); err != nil {
				return &stream.Error{Condition: stream.InvalidFrom, Cause: err}
			}
		}
		if !begins && h.To.IsZero() {
			h.To = c.srv.deps.Domain
		}
		b.items = append(b.items, stream.Item{Kind: stream.Open, Header: h})
	}
	for e := range b.root.Children() {
		// As if it had come alone, within the limits of one.
		item, err := stream.ParseFrame(xmltree.NewWriter(len(e.Source())+64).Copy(e, "").String(), lim)
		if err == nil && item.Kind != stream.Element {
			err = &stream.Error{Condition: stream.UnsupportedStanzaType}
		}
		if err != nil {
			return err
		}
		b.items = append(b.items, item)
	}
	if text, ok := b.root.LookupAttr("", "pause"); ok && !begins {
		n, err := strconv.ParseUint(text, 10, 16)
		if b.pause = time.Duration(n) * time.Second; err != nil || b.pause > boshPause {
			return &stream.Error{Condition: stream.PolicyViolation, Text: "Nobody may pause for so long."}
		}
	}
	if strings.TrimSpace(b.root.Attr("type")) == "terminate" {
		b.items = append(b.items, stream.Item{Kind: stream.Close})
	}
	return nil
}

var errBOSHGone = errors.New("c2s: the session over HTTP is over")
