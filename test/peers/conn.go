package peers

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"time"

	"kith/internal/ns"
	"kith/internal/sasl"
	"kith/internal/sasl/sasltest"
	"kith/internal/stream"
	"kith/internal/xmltree"
)

// Conn is a client's stream in the hands of a test. It answers nothing by itself. One goroutine may read
// while others write.
type Conn struct {
	net.Conn
	domain string
	reader *stream.Reader
}

// NewConn is a client on a connection that is secure already.
func NewConn(c net.Conn, domain string) *Conn { return &Conn{Conn: c, domain: domain} }

// Dial connects to the server with TLS from the first byte.
func (s *Server) Dial(ctx context.Context) (*Conn, error) {
	c, err := (&tls.Dialer{Config: s.World.TLS(s.Domain)}).DialContext(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", s.C2S))
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", s.Domain, err)
	}
	return NewConn(c, s.Domain), nil
}

// Put writes XML.
func (c *Conn) Put(xml string) error {
	_, err := c.Write([]byte(xml))
	return err
}

// Next reads the next element of the first level. It returns [stream.Error] or io.EOF when the stream ends.
func (c *Conn) Next() (xmltree.Element, error) {
	for {
		item, err := c.reader.Next()
		if err != nil {
			return xmltree.Element{}, err
		}
		switch item.Kind {
		case stream.Element:
			return item.Element, nil
		case stream.Close:
			return xmltree.Element{}, net.ErrClosed
		default:
		}
	}
}

// Open begins a stream and returns its features.
func (c *Conn) Open() (xmltree.Element, error) {
	c.reader = stream.NewReader(c.Conn, ns.Client, xmltree.Limits{Bytes: 1 << 23, Elements: 1 << 20, Depth: 100, Attrs: 100}, &stream.Buffers{})
	if err := c.Put("<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='" + ns.Stream + "' to='" + c.domain + "' version='1.0'>"); err != nil {
		return xmltree.Element{}, err
	}
	e, err := c.Next()
	if err != nil {
		return e, fmt.Errorf("open a stream: %w", err)
	}
	if !e.Is(ns.Stream, "features") {
		return e, fmt.Errorf("features were expected, came %s", e.Source())
	}
	return e, nil
}

// Register makes an account (XEP-0077), on a stream of its own.
func (c *Conn) Register(name, password string) error {
	if err := c.SetDeadline(time.Now().Add(Patience)); err != nil {
		return err
	}
	if _, err := c.Open(); err != nil {
		return err
	}
	if err := c.Put(fmt.Sprintf("<iq type='set' id='r' to='%s'><query xmlns='jabber:iq:register'><username>%s</username><password>%s</password></query></iq>", c.domain, name, password)); err != nil {
		return err
	}
	e, err := c.Next()
	if err != nil {
		return err
	}
	if e.Attr("type") != "result" {
		return fmt.Errorf("register %s: %s", name, e.Source())
	}
	return c.Close()
}

// Authenticate opens a stream, signs in with SCRAM-SHA-1, which all servers have, and opens the next one.
func (c *Conn) Authenticate(name, password string) (features xmltree.Element, err error) {
	if err := c.SetDeadline(time.Now().Add(Patience)); err != nil {
		return features, err
	}
	defer func() { err = errors.Join(err, c.SetDeadline(time.Time{})) }()
	if _, err := c.Open(); err != nil {
		return features, err
	}
	scram := &sasltest.SCRAM{Mechanism: sasl.ScramSHA1, User: name, Password: password}
	reply := "<auth xmlns='" + ns.SASL + "' mechanism='SCRAM-SHA-1'>" + base64.StdEncoding.EncodeToString(scram.First()) + "</auth>"
	for {
		if err := c.Put(reply); err != nil {
			return features, err
		}
		e, err := c.Next()
		if err != nil {
			return features, fmt.Errorf("sign in: %w", err)
		}
		data, err := base64.StdEncoding.DecodeString(e.Text())
		switch {
		case err != nil:
			return features, fmt.Errorf("sign in: %w", err)
		case e.Is(ns.SASL, "challenge"):
			next, err := scram.Next(data)
			if err != nil {
				return features, err
			}
			reply = "<response xmlns='" + ns.SASL + "'>" + base64.StdEncoding.EncodeToString(next) + "</response>"
		case e.Is(ns.SASL, "success"):
			if err := scram.Done(data); err != nil {
				return features, err
			}
			return c.Open()
		default:
			return features, fmt.Errorf("sign in %s: %s", name, e.Source())
		}
	}
}

// Bind takes a resource and returns the whole address.
func (c *Conn) Bind(resource string) (string, error) {
	if err := c.Put("<iq type='set' id='bind'><bind xmlns='" + ns.Bind + "'><resource>" + resource + "</resource></bind></iq>"); err != nil {
		return "", err
	}
	e, err := c.Next()
	if err != nil {
		return "", err
	}
	if e.Attr("type") != "result" {
		return "", fmt.Errorf("bind: %s", e.Source())
	}
	return e.Child(ns.Bind, "bind").ChildText(ns.Bind, "jid"), nil
}
