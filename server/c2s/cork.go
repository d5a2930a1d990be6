package c2s

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"sync"

	"kith/internal/stream"
)

// corked gathers what is written to a connection, so that many WebSocket messages leave in one
// TLS record and one system call.
type corked struct {
	net.Conn
	buffers *stream.Buffers

	mu   sync.Mutex // guards buf and on
	on   bool
	buf  []byte
	read func()
}

// Read tells that bytes came in.
func (c *corked) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 {
		c.read()
	}
	return n, err
}

// Write takes b as written while the cork is in.
func (c *corked) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.on {
		return c.Conn.Write(b)
	}
	if c.buf == nil {
		c.buf = c.buffers.Get()
	}
	c.buf = append(c.buf, b...)
	return len(b), nil
}

func (c *corked) cork() {
	c.mu.Lock()
	c.on = true
	c.mu.Unlock()
}

func (c *corked) uncork() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.on = false
	if len(c.buf) == 0 {
		return nil
	}
	_, err := c.Conn.Write(c.buf)
	c.buffers.Put(c.buf)
	c.buf = nil
	return err
}

// Buffers of a WebSocket connection: headers of frames fit in them, and what is longer goes past.
const (
	wsReadBuffer  = 512
	wsWriteBuffer = 256
)

// corkingWriter puts a corked connection below the WebSocket when that takes over from HTTP.
type corkingWriter struct {
	http.ResponseWriter
	buffers *stream.Buffers
	read    func()
	conn    *corked
}

// Hijack implements [http.Hijacker].
func (w *corkingWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	w.conn = &corked{Conn: conn, buffers: w.buffers, read: w.read}
	r := bufio.NewReaderSize(w.conn, wsReadBuffer)
	if n := rw.Reader.Buffered(); n > 0 {
		// The client did not wait for the answer.
		early, err := rw.Peek(n)
		if err != nil {
			return nil, nil, err
		}
		r = bufio.NewReaderSize(io.MultiReader(bytes.NewReader(early), w.conn), max(n, wsReadBuffer))
		if _, err := r.Peek(n); err != nil {
			return nil, nil, err
		}
	}
	return w.conn, bufio.NewReadWriter(r, bufio.NewWriterSize(w.conn, wsWriteBuffer)), nil
}
