package peers

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"

	"github.com/coder/websocket"

	"kith/internal/ns"
	"kith/internal/xmltree"
)

// carried makes of another way to carry a stream the connection of one: what is written goes to send, in
// the pieces in which it is written, and what comes is read from the pipe.
type carried struct {
	net.Conn
	send func(xml string) error
	end  func()
}

// Write takes the beginning of a stream, elements, or the end of a stream.
func (c *carried) Write(b []byte) (int, error) {
	if err := c.send(string(b)); err != nil {
		return 0, err
	}
	return len(b), nil
}

func (c *carried) Close() error {
	c.end()
	return c.Conn.Close()
}

const (
	streamOpen  = "<?xml version='1.0'?><stream:stream xmlns='" + ns.Client + "' xmlns:stream='" + ns.Stream + "' version='1.0'>"
	streamClose = "</stream:stream>"
)

var anything = xmltree.Limits{Bytes: 1 << 24, Elements: 1 << 20, Depth: 100, Attrs: 100}

// elements are those that are written, each with all its namespaces.
func elements(text string) ([]string, error) {
	root, err := xmltree.Parse("<all xmlns='"+ns.Client+"' xmlns:stream='"+ns.Stream+"'>"+text+"</all>", anything, xmltree.Scope{})
	if err != nil {
		return nil, err
	}
	var out []string
	for e := range root.Children() {
		out = append(out, xmltree.NewWriter(len(text)).Copy(e, "").String())
	}
	return out, nil
}

// WebSocket connects by one (RFC 7395). It takes frames only if each is an XML document of its own.
func WebSocket(ctx context.Context, client *http.Client, url, domain string) (*Conn, error) {
	ws, resp, err := websocket.Dial(ctx, url, &websocket.DialOptions{Subprotocols: []string{"xmpp"}, HTTPClient: client})
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", url, err)
	}
	if resp.Body != nil {
		_ = resp.Body.Close()
	}
	ws.SetReadLimit(-1)
	ours, theirs := net.Pipe()
	living, end := context.WithCancel(context.WithoutCancel(ctx))
	send := func(text string) error {
		frames := []string{"<open xmlns='" + ns.Framing + "' to='" + domain + "' version='1.0'/>"}
		switch {
		case strings.HasPrefix(text, "<?xml"):
		case text == streamClose:
			frames[0] = "<close xmlns='" + ns.Framing + "'/>"
		default:
			var err error
			if frames, err = elements(text); err != nil {
				return err
			}
		}
		for _, f := range frames {
			if err := ws.Write(living, websocket.MessageText, []byte(f)); err != nil {
				return err
			}
		}
		return nil
	}
	go func() {
		defer func() { _ = theirs.Close() }()
		for {
			_, b, err := ws.Read(living)
			if err != nil {
				return
			}
			text := string(b)
			e, err := xmltree.Parse(text, anything, xmltree.Scope{})
			switch {
			case err != nil || e.Space() == "":
				text = fmt.Sprintf("<!-- a frame that is no document: %v -->", err) // which no stream has
			case e.Is(ns.Framing, "open"):
				text = streamOpen
			case e.Is(ns.Framing, "close"):
				text = streamClose
			}
			if _, err := theirs.Write([]byte(text)); err != nil {
				return
			}
		}
	}()
	return NewConn(&carried{Conn: ours, send: send, end: func() {
		_ = ws.Close(websocket.StatusNormalClosure, "")
		end()
	}}, domain), nil
}
