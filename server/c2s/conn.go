package c2s

import (
	"context"
	"crypto/tls"
	"net/netip"
	"time"

	"kith/internal/sasl"
	"kith/internal/stanza"
	"kith/internal/stream"
	"kith/internal/xmltree"
)

// Conn is a client connection, whatever carries it. One goroutine calls Next and the other methods
// that concern reading; one at a time may write; Hangup, Abort, Security and Heard are for everyone.
type Conn interface {
	// Next returns the next piece of the stream. A [*stream.Error] says how the stream must end,
	// any other error is that of the connection.
	Next() (stream.Item, error)
	// SetLimits applies to what is read from now on.
	SetLimits(xmltree.Limits)
	// Restart expects a new stream header (RFC 6120 section 6.4.6).
	Restart()
	// Drain reads, and throws away, until the client ends its stream or hangs up; Abort ends it.
	Drain()
	// Goodbye closes the connection in the way of its kind, once both sides have ended the stream.
	// It is called after Drain, and may wait for the client; Abort ends it.
	Goodbye()

	// Open, Stanza, Element, Stream and End take what Flush then sends at once.
	Open(stream.Header)
	Stanza(*stanza.Stanza)
	// Element takes an element that declares its own namespace.
	Element(string)
	// Features takes stream features, and Error a stream error.
	Features(inner string)
	Error(*stream.Error)
	End()
	// Flush sends. It blocks while the client does not read; Abort ends that.
	Flush() error
	// Hangup tells the client that nothing more will come, where that can be told from Goodbye.
	Hangup()

	// Abort closes the connection at once. What blocks in Next, Drain and Flush returns.
	Abort()
	// Close gives back what the connection holds. The reading goroutine calls it last; nobody may
	// write any more.
	Close()
	// Security is what protects the connection.
	Security() Security
	// Heard is when the last bytes came in.
	Heard() time.Time
}

// upgrader is a [Conn] that can begin TLS (RFC 6120 section 5).
type upgrader interface {
	// StartTLS does the handshake. Nothing may have been read beyond the request for it.
	StartTLS(ctx context.Context, config *tls.Config) error
}

// Security is what is known of the way that a connection takes.
type Security struct {
	// Channel is for SASL.
	Channel sasl.Channel
	// TLS ends in this process.
	TLS bool
	// Remote is the client's address; invalid if unknown.
	Remote netip.Addr
}
