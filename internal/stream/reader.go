package stream

import (
	"io"
	"sync"

	"kith/internal/xmltree"
)

// Buffers lends buffers to connections while they have something to read or to write, so that
// those at rest hold none. The zero value is ready; it is safe for concurrent use.
type Buffers struct {
	pool sync.Pool
}

const (
	bufferSize = 4 << 10
	// largest is what a buffer may have grown to and still be kept.
	largest = 64 << 10
)

// Get lends an empty buffer.
func (p *Buffers) Get() []byte {
	if b, ok := p.pool.Get().(*[]byte); ok {
		return (*b)[:0]
	}
	return make([]byte, 0, bufferSize)
}

// Put takes a buffer back.
func (p *Buffers) Put(b []byte) {
	if cap(b) >= bufferSize && cap(b) <= largest {
		p.pool.Put(&b)
	}
}

// Reader reads an XML stream from a byte stream. It is not safe for concurrent use.
type Reader struct {
	src       io.Reader
	contentNS string
	buffers   *Buffers
	cut       xmltree.Cutter
	scope     xmltree.Scope
	// fresh: nothing of the stream has been seen but white space.
	fresh bool

	// buf[from:to] is read and not yet taken; buf is nil while there is nothing.
	buf      []byte
	from, to int
	// peek takes the first bytes after a rest.
	peek [32]byte
}

// NewReader reads from src streams whose stanzas are in contentNS. Limits apply to every
// first-level element, and to the header. Stanzas of servers (jabber:server) and of components
// (jabber:component:accept) read as those of clients (jabber:client), so that they can go on to a client
// as they are.
func NewReader(src io.Reader, contentNS string, lim xmltree.Limits, buffers *Buffers) *Reader {
	return &Reader{src: src, contentNS: contentNS, buffers: buffers, cut: xmltree.Cutter{Limits: lim}, fresh: true}
}

// SetLimits changes the limits from the next piece on.
func (r *Reader) SetLimits(lim xmltree.Limits) { r.cut.Limits = lim }

// Buffered is how many bytes were read and not yet returned as items.
func (r *Reader) Buffered() int { return r.to - r.from }

// Restart expects a new stream on the same connection (RFC 6120 section 4.3.3). src may be another
// reader, after TLS was negotiated; see [Reader.Buffered].
func (r *Reader) Restart(src io.Reader) {
	r.src, r.scope, r.fresh = src, xmltree.Scope{}, true
	r.cut.Reset()
}

// Next returns the next item. An [*Error] means that the stream must end with it; any other error
// is that of the byte stream, io.EOF if it ended without the end of the XML stream.
//
// A header is returned along with the error if it could be read; the answer needs its addresses.
func (r *Reader) Next() (Item, error) {
	for {
		for r.fresh && r.from < r.to {
			// White space is legal before a start tag, and what was sent after the end of an earlier
			// stream may come here.
			if c := r.buf[r.from]; c != ' ' && c != '\n' && c != '\r' && c != '\t' {
				r.fresh = false
				break
			}
			r.skip(1)
		}
		if r.from < r.to {
			kind, n, err := r.cut.Cut(r.buf[r.from:r.to])
			if err != nil {
				return Item{}, fromXML(err)
			}
			if kind != xmltree.More {
				item, err := r.item(kind, r.buf[r.from:r.from+n])
				r.skip(n)
				if kind == xmltree.Declaration {
					continue
				}
				return item, err
			}
		}
		if err := r.fill(); err != nil {
			return Item{}, err
		}
	}
}

func (r *Reader) item(kind xmltree.Kind, b []byte) (Item, error) {
	switch kind {
	case xmltree.Open:
		h, scope, err := parseOpen(string(b), r.cut.Limits, r.contentNS)
		r.scope = scope
		return Item{Kind: Open, Header: h}, err
	case xmltree.Whole:
		e, err := xmltree.Parse(string(b), r.cut.Limits, r.scope)
		if err != nil {
			return Item{}, fromXML(err)
		}
		return Item{Kind: Element, Element: e}, nil
	case xmltree.Close:
		return Item{Kind: Close}, nil
	default:
		return Item{Kind: Space}, nil
	}
}

// skip takes n bytes off the buffer, and gives the buffer back when it is empty.
func (r *Reader) skip(n int) {
	r.from += n
	if r.from == r.to {
		r.buffers.Put(r.buf)
		r.buf, r.from, r.to = nil, 0, 0
	}
}

func (r *Reader) fill() error {
	if r.buf == nil {
		// At rest, a connection waits with these few bytes alone.
		n, err := r.read(r.peek[:])
		if n > 0 {
			r.buf = r.buffers.Get()
			r.buf = r.buf[:cap(r.buf)]
			r.to = copy(r.buf, r.peek[:n])
		}
		return err
	}
	if r.to == len(r.buf) {
		if r.from > 0 {
			r.to = copy(r.buf, r.buf[r.from:r.to])
			r.from = 0
		} else {
			// The cutter has passed what is there, so that this ends soon after the limit.
			grown := make([]byte, 2*len(r.buf))
			copy(grown, r.buf)
			r.buffers.Put(r.buf)
			r.buf = grown
		}
	}
	n, err := r.read(r.buf[r.to:])
	r.to += n
	return err
}

// read reads at least one byte, or returns an error.
func (r *Reader) read(b []byte) (int, error) {
	for range 100 {
		n, err := r.src.Read(b)
		if n > 0 {
			// An error that came along comes again.
			return n, nil
		}
		if err != nil {
			return 0, err
		}
	}
	return 0, io.ErrNoProgress
}

// Release gives the buffer back when the connection ends.
func (r *Reader) Release() {
	if r.buf != nil {
		r.buffers.Put(r.buf)
		r.buf, r.from, r.to = nil, 0, 0
	}
}
