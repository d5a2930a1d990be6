package peers

import (
	"crypto/sha1" //nolint:gosec // XEP-0114 asks for it
	"fmt"
	"net"
	"time"

	"kith/internal/ns"
	"kith/internal/stream"
)

// Secret is that of all components.
const Secret = "a secret for components"

// Component connects as one (XEP-0114).
func Component(c net.Conn, host string) (*Conn, error) {
	conn := &Conn{Conn: c, domain: host}
	if err := c.SetDeadline(time.Now().Add(Patience)); err != nil {
		return nil, err
	}
	conn.reader = stream.NewReader(c, ns.Component, anything, &stream.Buffers{})
	if err := conn.Put("<?xml version='1.0'?><stream:stream xmlns='" + ns.Component + "' xmlns:stream='" + ns.Stream + "' to='" + host + "'>"); err != nil {
		return nil, err
	}
	header, err := conn.reader.Next()
	if err != nil || header.Kind != stream.Open {
		return nil, fmt.Errorf("component %s: %w", host, err)
	}
	if err := conn.Put(fmt.Sprintf("<handshake>%x</handshake>", sha1.Sum([]byte(header.Header.ID+Secret)))); err != nil { //nolint:gosec // see above
		return nil, err
	}
	e, err := conn.Next()
	if err != nil {
		return nil, fmt.Errorf("component %s: %w", host, err)
	}
	if e.Local() != "handshake" {
		return nil, fmt.Errorf("component %s: %s", host, e.Source())
	}
	return conn, c.SetDeadline(time.Time{})
}
