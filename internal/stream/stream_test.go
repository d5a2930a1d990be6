package stream_test

import (
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/stream"
	"kith/internal/xmltree"
)

var limits = xmltree.Limits{Bytes: 4096, Elements: 50, Depth: 10, Attrs: 10}

const head = `<?xml version='1.0'?><stream:stream to='kith.example' from='alice@kith.example' version='1.0' xml:lang='de' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>`

func reader(src io.Reader) *stream.Reader {
	return stream.NewReader(src, ns.Client, limits, &stream.Buffers{})
}

// all reads to the end and writes down what came.
func all(t *testing.T, r *stream.Reader) []string {
	t.Helper()
	var out []string
	for {
		item, err := r.Next()
		if err != nil {
			if errors.Is(err, io.EOF) {
				return append(out, "EOF")
			}
			var e *stream.Error
			if errors.As(err, &e) {
				return append(out, string(e.Condition))
			}
			t.Fatal(err)
		}
		switch item.Kind {
		case stream.Open:
			out = append(out, "open "+item.Header.To.String())
		case stream.Element:
			out = append(out, item.Element.Local())
		case stream.Space:
			out = append(out, "space")
		case stream.Close:
			out = append(out, "close")
		}
	}
}

func TestReader(t *testing.T) {
	const whole = head + "<message><body>hi</body></message> \n<iq/>" + `<presence type="x>"/>` + "</stream:stream>"
	want := []string{"open kith.example", "message", "space", "iq", "presence", "close", "EOF"}
	for name, src := range map[string]io.Reader{
		"at once": strings.NewReader(whole),
		"bytes":   iotest.OneByteReader(strings.NewReader(whole)),
		"halves":  iotest.HalfReader(strings.NewReader(whole)),
		"eof":     iotest.DataErrReader(strings.NewReader(whole)),
	} {
		// White space may come in two pieces.
		if got := slices.Compact(all(t, reader(src))); !slices.Equal(got, want) {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestReaderRefuses(t *testing.T) {
	for src, want := range map[string]string{
		"":                   "EOF",
		head[:30]:            "EOF",
		"GET / HTTP/1.1\r\n": "not-well-formed",
		"\n \tx":             "not-well-formed",
		" \n":                "EOF",
		strings.Replace(head, "jabber:client", "jabber:server", 1):                               "invalid-namespace",
		strings.Replace(head, "http://etherx", "http://x", 1):                                    "invalid-namespace",
		strings.Replace(head, "stream:stream", "stream:flow", 1):                                 "invalid-namespace",
		strings.Replace(head, "version='1.0' xml", "xml", 1):                                     "unsupported-version",
		strings.Replace(head, "'1.0' xml:", "'0.9' xml:", 1):                                     "unsupported-version",
		strings.Replace(head, "'1.0' xml:", "'x' xml:", 1):                                       "unsupported-version",
		strings.Replace(head, "kith.example'", "@@'", 1):                                         "host-unknown",
		strings.Replace(head, "alice@kith.example", "@", 1):                                      "invalid-from",
		strings.Replace(head, "<?xml version='1.0'", "<?xml version='1.0' encoding='utf-16'", 1): "unsupported-encoding",
		head + "<!-- -->":                         "restricted-xml",
		head + "<!DOCTYPE a>":                     "restricted-xml",
		head + "<?a?>":                            "restricted-xml",
		head + "<a>&b;</a>":                       "restricted-xml",
		head + "<a></b>":                          "not-well-formed",
		head + "x":                                "not-well-formed",
		head + "<a>" + strings.Repeat("x", 4096):  "policy-violation",
		head + "<a" + strings.Repeat(" ", 4096):   "policy-violation",
		head + strings.Repeat("<a>", 11):          "policy-violation",
		head + "<a>" + strings.Repeat("<a/>", 50): "policy-violation",
		head + "<a>\x00</a>":                      "unsupported-encoding",
	} {
		got := all(t, reader(strings.NewReader(src)))
		if got[len(got)-1] != want {
			t.Errorf("%.200q: %q, want %s", src, got, want)
		}
	}
}

// The addresses of a header that is refused serve the answer.
func TestHeaderComesWithItsError(t *testing.T) {
	item, err := reader(strings.NewReader(strings.Replace(head, "'1.0' xml:", "'0.9' xml:", 1))).Next()
	if err == nil || item.Header.From != jid.Must("alice@kith.example") || item.Header.Lang != "de" {
		t.Fatalf("%+v %v", item.Header, err)
	}
}

func TestRestart(t *testing.T) {
	r := reader(strings.NewReader(head + "<a/> \n" + head + "<b/>"))
	for _, want := range []stream.Kind{stream.Open, stream.Element} {
		if item, err := r.Next(); err != nil || item.Kind != want {
			t.Fatal(item, err)
		}
	}
	if r.Buffered() == 0 {
		t.Fatal("the second stream is not buffered, so that the test shows nothing")
	}
	r.Restart(strings.NewReader("</stream:stream>"))
	// What was read before the restart is still there, as after SASL.
	if got := all(t, r); !slices.Equal(got, []string{"open kith.example", "b", "close", "EOF"}) {
		t.Fatal(got)
	}
}

// Stanzas may lean on what the header declares.
func TestPrefixesOfTheHeader(t *testing.T) {
	r := reader(strings.NewReader(strings.Replace(head, "xmlns='jabber:client'", "xmlns='jabber:client' xmlns:x='urn:x'", 1) + "<message><x:y/></message>"))
	if _, err := r.Next(); err != nil {
		t.Fatal(err)
	}
	item, err := r.Next()
	if err != nil || !item.Element.Is(ns.Client, "message") || item.Element.Child("urn:x", "y").IsZero() {
		t.Fatal(item.Element.Source(), err)
	}
}

// A connection at rest holds no buffer.
func TestBuffersAreGivenBack(t *testing.T) {
	pr, pw := io.Pipe()
	var buffers stream.Buffers
	r := stream.NewReader(pr, ns.Client, limits, &buffers)
	go func() { _, _ = pw.Write([]byte(head + "<a/>")) }()
	for range 2 {
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
	}
	if r.Buffered() != 0 {
		t.Fatalf("%d bytes buffered", r.Buffered())
	}
	if n := testing.AllocsPerRun(100, func() { buffers.Put(buffers.Get()) }); n > 1 {
		t.Errorf("%v allocations for a buffer that is there", n)
	}
	// A large element grows the buffer as far as the limit allows, and no further.
	big := stream.NewReader(strings.NewReader(head+"<a>"+strings.Repeat("x", 100_000)+"</a>"), ns.Client, xmltree.Limits{Bytes: 200_000, Elements: 2, Depth: 2, Attrs: 10}, &buffers)
	for range 2 {
		if _, err := big.Next(); err != nil {
			t.Fatal(err)
		}
	}
	if b := buffers.Get(); cap(b) > 64<<10 {
		t.Errorf("a buffer of %d bytes was kept", cap(b))
	}
}

func TestParseFrame(t *testing.T) {
	for src, want := range map[string]string{
		"<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' to='kith.example' version='1.0'/>": "open",
		"<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' to='kith.example'/>":               "unsupported-version",
		"<close xmlns='urn:ietf:params:xml:ns:xmpp-framing'/>":                                "close",
		"<message xmlns='jabber:client'/>":                                                    "message",
		"":                                                                                    "not-well-formed",
		" ":                                                                                   "not-well-formed",
		"<a/><b/>":                                                                            "not-well-formed",
		"<?xml version='1.0'?><a/>":                                                           "restricted-xml",
		head:                                                                                  "restricted-xml",
		head[len("<?xml version='1.0'?>"):]:                                                   "not-well-formed",
	} {
		item, err := stream.ParseFrame(src, limits)
		got := ""
		var e *stream.Error
		switch {
		case errors.As(err, &e):
			got = string(e.Condition)
		case item.Kind == stream.Open:
			got = "open"
		case item.Kind == stream.Close:
			got = "close"
		default:
			got = item.Element.Local()
		}
		if got != want {
			t.Errorf("%q: %s, want %s", src, got, want)
		}
	}
}

// What is written can be read, by both framings.
func TestHeadersRoundTrip(t *testing.T) {
	h := stream.Header{To: jid.Must("alice@kith.example"), From: jid.Must("kith.example"), ID: "a<'b", Version: "1.0", Lang: "en"}
	b := h.AppendOpen(nil, ns.Client)
	if !strings.HasPrefix(string(b), "<?xml version='1.0'?><stream:stream ") {
		t.Errorf("begins with %q", b)
	}
	if item, err := reader(strings.NewReader(string(b))).Next(); err != nil || item.Header != h {
		t.Errorf("%+v %v", item.Header, err)
	}
	if item, err := stream.ParseFrame(string(h.AppendFramed(nil)), limits); err != nil || item.Header != h {
		t.Errorf("%+v %v", item.Header, err)
	}
}

func TestErrorsRoundTrip(t *testing.T) {
	for _, c := range stream.Conditions() {
		for _, framed := range []bool{false, true} {
			in := &stream.Error{Condition: c, Text: "why < not"}
			if c == stream.SeeOtherHost {
				in.Host = "[2001:db8::1]:9222"
			}
			in.App = func(w *xmltree.Writer) { w.Empty("urn:app", "detail") }
			w := xmltree.NewWriter(256)
			in.Write(w, framed)
			scope := xmltree.Scope{}
			if !framed {
				_, scope, _ = xmltree.ParseOpen(head[len("<?xml version='1.0'?>"):], limits)
			}
			e, err := xmltree.Parse(w.String(), limits, scope)
			if err != nil || !e.Is(ns.Stream, "error") || e.Child("urn:app", "detail").IsZero() {
				t.Fatalf("%s: %v", w.String(), err)
			}
			if out := stream.ReadError(e); out.Condition != c || out.Text != in.Text || out.Host != in.Host {
				t.Errorf("%s: %+v", w.String(), out)
			}
		}
	}
	err := error(&stream.Error{Condition: stream.Reset, Text: "t", Cause: io.EOF})
	if !errors.Is(err, io.EOF) || err.Error() != "stream: reset: t: EOF" {
		t.Errorf("%v", err)
	}
}

func TestInboundCountsWithoutGaps(t *testing.T) {
	c := stream.NewInbound(64)
	a, b, d := c.Receive(), c.Receive(), c.Receive()
	if c.Handle(b) || c.H() != 0 || c.Settled() {
		t.Fatalf("h is %d after the second alone", c.H())
	}
	if !c.Handle(a) || c.H() != 2 || c.Handle(a) || c.Handle(b) || c.Handle(99) {
		t.Fatalf("h is %d after the first two", c.H())
	}
	if !c.Handle(d) || c.H() != 3 || !c.Settled() {
		t.Fatalf("h is %d after all", c.H())
	}
	// What came before stream management began does not count.
	before := c.Receive()
	c.Start()
	after := c.Receive()
	if c.Handle(after); c.H() != 0 {
		t.Fatalf("h is %d", c.H())
	}
	if c.Handle(before); c.H() != 1 {
		t.Fatalf("h is %d", c.H())
	}
}

func TestInboundWindow(t *testing.T) {
	c := stream.NewInbound(100) // rounded up to 128
	var open []uint64
	rnd := rand.New(rand.NewPCG(1, 2))
	handled := map[uint64]bool{}
	for range 100_000 {
		if !c.Full() && (len(open) == 0 || rnd.IntN(2) == 0) {
			open = append(open, c.Receive())
			continue
		}
		i := rnd.IntN(len(open))
		n := open[i]
		open = slices.Delete(open, i, i+1)
		handled[n] = true
		c.Handle(n)
		if got := c.Handled(); handled[got+1] || got > 0 && !handled[got] || c.Received()-got > 128 {
			t.Fatalf("handled up to %d of %d", got, c.Received())
		}
	}
	for !c.Full() {
		c.Receive()
	}
	defer func() {
		if recover() == nil {
			t.Error("more was received than the window holds")
		}
	}()
	c.Receive()
}

func TestInboundWraps(t *testing.T) {
	c := stream.NewInbound(64)
	// 2^32 stanzas take a while; the same happens when counting begins late.
	for range 5 {
		c.Handle(c.Receive())
	}
	c.Start()
	c.Handle(c.Receive())
	if c.H() != 1 {
		t.Fatalf("h is %d", c.H())
	}
}

func TestOutbound(t *testing.T) {
	var c stream.Outbound
	c.Sent(10)
	if n, err := c.Ack(4); n != 4 || err != nil {
		t.Fatal(n, err)
	}
	if n, err := c.Ack(4); n != 0 || err != nil {
		t.Fatal(n, err)
	}
	for _, h := range []uint32{11, 3, math.MaxUint32} {
		if _, err := c.Ack(h); !errors.Is(err, stream.ErrTooHigh) {
			t.Errorf("h %d: %v", h, err)
		}
	}
	if c.Unacked() != 6 || c.Count() != 10 {
		t.Fatal(c.Unacked(), c.Count())
	}
	// Past 2^32 the counter begins again at zero.
	c.Sent(math.MaxUint32 - 10)
	if n, err := c.Ack(math.MaxUint32); n != math.MaxUint32-4 || err != nil {
		t.Fatal(n, err)
	}
	c.Sent(3)
	if c.Count() != 2 {
		t.Fatal(c.Count())
	}
	if _, err := c.Ack(3); !errors.Is(err, stream.ErrTooHigh) {
		t.Fatal("more than was sent")
	}
	if n, err := c.Ack(2); n != 3 || err != nil || c.Unacked() != 0 {
		t.Fatal(n, err)
	}
}

// Whatever comes in, and in whatever pieces: the result is the same, and nothing is larger than
// the limits.
func FuzzReader(f *testing.F) {
	f.Add([]byte(head+"<message><body>hi</body></message> <iq/></stream:stream>"), uint8(3))
	f.Add([]byte(head+"<a b='c>'><![CDATA[x]]></a>"), uint8(1))
	f.Add([]byte("<?xml version='1.0' encoding='x'?>"), uint8(7))
	f.Fuzz(func(t *testing.T, b []byte, piece uint8) {
		whole := all(t, reader(strings.NewReader(string(b))))
		pieces := all(t, reader(&chunks{b, int(piece%16) + 1}))
		// White space may be cut in two.
		if a, b := slices.Compact(whole), slices.Compact(pieces); !slices.Equal(a, b) {
			t.Fatalf("at once %q, in pieces %q", a, b)
		}
	})
}

func FuzzParseFrame(f *testing.F) {
	f.Add("<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' to='kith.example' version='1.0'/>")
	f.Add("<message xmlns='jabber:client'><body>&lt;</body></message>")
	f.Fuzz(func(t *testing.T, src string) {
		item, err := stream.ParseFrame(src, limits)
		if err != nil {
			if _, ok := errors.AsType[*stream.Error](err); !ok {
				t.Fatalf("%T: %v", err, err)
			}
			return
		}
		if item.Kind == stream.Element && len(item.Element.Source()) > limits.Bytes {
			t.Fatal("larger than the limit")
		}
	})
}

type chunks struct {
	b []byte
	n int
}

func (c *chunks) Read(b []byte) (int, error) {
	if len(c.b) == 0 {
		return 0, io.EOF
	}
	n := copy(b[:min(len(b), c.n)], c.b)
	c.b = c.b[n:]
	return n, nil
}
