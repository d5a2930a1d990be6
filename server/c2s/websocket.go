package c2s

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"kith/internal/clock"
	"kith/internal/sasl"
	"kith/internal/stanza"
	"kith/internal/stream"
	"kith/internal/xmltree"
)

// subprotocol is what RFC 7395 section 3.1 registers.
const subprotocol = "xmpp"

// wsConn is a connection with the framing of RFC 7395.
type wsConn struct {
	ws       *websocket.Conn
	conn     *corked
	buffers  *stream.Buffers
	clock    clock.Clock
	limits   xmltree.Limits
	heard    atomic.Int64
	security Security
	// unread is a message that was not read to its end; ended, that the client closed its stream.
	unread io.Reader
	ended  bool

	out  []byte
	ends []int // of each message in out
}

var _ Conn = (*wsConn)(nil)

// acceptWS turns an HTTP request into a connection, or answers it with an error.
func acceptWS(w http.ResponseWriter, r *http.Request, security Security, lim xmltree.Limits, buffers *stream.Buffers, clk clock.Clock) (*wsConn, error) {
	if !offersXMPP(r) {
		http.Error(w, "This is an XMPP service: ask for the WebSocket subprotocol \"xmpp\" (RFC 7395).", http.StatusBadRequest)
		return nil, errors.New("c2s: websocket without the subprotocol xmpp")
	}
	c := &wsConn{buffers: buffers, clock: clk, limits: lim, security: security}
	c.hear()
	cw := &corkingWriter{ResponseWriter: w, buffers: buffers, read: c.hear}
	ws, err := websocket.Accept(cw, r, &websocket.AcceptOptions{
		Subprotocols: []string{subprotocol},
		// A login is proven inside the stream, and no cookie speaks for the user: pages from
		// elsewhere get nothing that any other program could not get.
		InsecureSkipVerify: true,
		// Compression of secrets along with what others write tells about the secrets, and costs
		// memory on every connection.
		CompressionMode: websocket.CompressionDisabled,
	})
	if err != nil {
		return nil, err
	}
	ws.SetReadLimit(-1) // Next has its own, and answers in XMPP
	quietKeepalive(cw.conn.Conn)
	c.ws, c.conn = ws, cw.conn
	return c, nil
}

// RequestSecurity is what protects a request that came without a proxy: TLS that ends here, or that
// it does not leave the machine if plaintext is allowed there.
func (s *Server) RequestSecurity(r *http.Request) Security {
	sec := Security{}
	if ap, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		sec.Remote = ap.Addr().Unmap()
	}
	if r.TLS != nil {
		sec.TLS = true
		sec.Channel = sasl.Channel{Confidential: true, Bindings: sasl.TLSBindings(r.TLS, nil)}
	} else {
		sec.Channel.Confidential = s.cfg.LocalPlaintext && sec.Remote.IsLoopback()
	}
	return sec
}

func offersXMPP(r *http.Request) bool {
	for _, v := range r.Header.Values("Sec-WebSocket-Protocol") {
		if slices.ContainsFunc(strings.Split(v, ","), func(p string) bool { return strings.EqualFold(strings.TrimSpace(p), subprotocol) }) {
			return true
		}
	}
	return false
}

func (c *wsConn) hear() { c.heard.Store(c.clock.Now().UnixNano()) }

// Next implements [Conn].
func (c *wsConn) Next() (stream.Item, error) {
	if err := c.discard(); err != nil {
		return stream.Item{}, err
	}
	// Without a deadline of its own the context costs nothing; Abort ends the wait.
	kind, r, err := c.ws.Reader(context.Background())
	if err != nil {
		return stream.Item{}, c.gone(err)
	}
	c.unread = r
	if kind != websocket.MessageText {
		return stream.Item{}, &stream.Error{Condition: stream.BadFormat, Text: "XMPP is sent in text messages."}
	}
	src, err := c.message(r)
	if err != nil {
		return stream.Item{}, err
	}
	c.unread = nil
	item, err := stream.ParseFrame(src, c.limits)
	c.ended = c.ended || item.Kind == stream.Close
	return item, err
}

// message reads one message.
func (c *wsConn) message(r io.Reader) (string, error) {
	b := c.buffers.Get()
	defer func() { c.buffers.Put(b) }()
	for {
		if len(b) == cap(b) {
			grown := make([]byte, len(b), 2*cap(b))
			copy(grown, b)
			c.buffers.Put(b)
			b = grown
		}
		n, err := r.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		if len(b) > c.limits.Bytes {
			return "", &stream.Error{Condition: stream.PolicyViolation, Text: "The element is too large.", Cause: xmltree.ErrTooBig}
		}
		if errors.Is(err, io.EOF) {
			return string(b), nil
		}
		if err != nil {
			return "", c.gone(err)
		}
	}
}

// gone makes io.EOF of the end of the WebSocket that came without the end of the stream.
func (c *wsConn) gone(err error) error {
	if websocket.CloseStatus(err) != -1 {
		return io.EOF
	}
	return err
}

// SetLimits implements [Conn].
func (c *wsConn) SetLimits(lim xmltree.Limits) { c.limits = lim }

// Restart implements [Conn].
func (c *wsConn) Restart() {}

// maxDrainMessages bounds what is read of a client that was told that it is over.
const maxDrainMessages = 1000

// Drain implements [Conn].
func (c *wsConn) Drain() {
	for n := 0; n < maxDrainMessages && !c.ended; n++ {
		if _, err := c.Next(); err != nil {
			if _, ok := errors.AsType[*stream.Error](err); !ok {
				return
			}
		}
	}
}

// discard reads a message to its end, as the WebSocket asks before the next one.
func (c *wsConn) discard() error {
	if c.unread == nil {
		return nil
	}
	n, err := io.Copy(io.Discard, io.LimitReader(c.unread, maxDrain))
	c.unread = nil
	if err == nil && n == maxDrain {
		err = xmltree.ErrTooBig
	}
	return err
}

func (c *wsConn) add(f func([]byte) []byte) {
	if c.out == nil {
		c.out = c.buffers.Get()
	}
	c.out = f(c.out)
	c.ends = append(c.ends, len(c.out))
}

// Open implements [Conn].
func (c *wsConn) Open(h stream.Header) { c.add(h.AppendFramed) }

// Stanza implements [Conn].
func (c *wsConn) Stanza(st *stanza.Stanza) { c.add(st.AppendFramed) }

// Element implements [Conn].
func (c *wsConn) Element(xml string) {
	c.add(func(b []byte) []byte { return append(b, xml...) })
}

// Features implements [Conn].
func (c *wsConn) Features(inner string) {
	c.Element("<stream:features xmlns:stream='http://etherx.jabber.org/streams'>" + inner + "</stream:features>")
}

// Error implements [Conn].
func (c *wsConn) Error(e *stream.Error) {
	w := xmltree.NewWriter(256)
	e.Write(w, true)
	c.Element(w.String())
}

// End implements [Conn].
func (c *wsConn) End() { c.Element(stream.EndFramed) }

// Flush implements [Conn].
func (c *wsConn) Flush() error {
	if len(c.ends) == 0 {
		return nil
	}
	c.conn.cork()
	from := 0
	var err error
	for _, to := range c.ends {
		if err = c.ws.Write(context.Background(), websocket.MessageText, c.out[from:to]); err != nil {
			break
		}
		from = to
	}
	if e := c.conn.uncork(); err == nil {
		err = e
	}
	c.buffers.Put(c.out)
	c.out, c.ends = nil, c.ends[:0]
	if cap(c.ends) > 64 {
		c.ends = nil
	}
	return err
}

// Hangup implements [Conn].
func (c *wsConn) Hangup() {}

// Goodbye implements [Conn]: the closing handshake (RFC 7395 section 3.6).
func (c *wsConn) Goodbye() { _ = c.ws.Close(websocket.StatusNormalClosure, "") }

// Abort implements [Conn].
func (c *wsConn) Abort() { _ = innermost(c.conn.Conn).Close() }

// Close implements [Conn].
func (c *wsConn) Close() {
	c.Abort()
	_ = c.ws.CloseNow()
	if c.out != nil {
		c.buffers.Put(c.out)
		c.out = nil
	}
}

// Security implements [Conn].
func (c *wsConn) Security() Security { return c.security }

// Heard implements [Conn].
func (c *wsConn) Heard() time.Time { return time.Unix(0, c.heard.Load()) }
