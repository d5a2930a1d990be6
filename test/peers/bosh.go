package peers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"kith/internal/ns"
	"kith/internal/xmltree"
)

const (
	nsBOSH  = "http://jabber.org/protocol/httpbind"
	nsXBOSH = "urn:xmpp:xbosh"
)

// bosh is a client's end of a session over HTTP requests (XEP-0124): one request waits at the server for what comes,
// and a second one brings what is sent.
type bosh struct {
	client      *http.Client
	url, domain string
	living      context.Context          //nolint:containedctx // of the session, which is no call
	pipe        net.Conn                 // where what came is read
	came        chan string              // on its way there: nobody may be reading
	answers     chan chan *http.Response // in the order of the requests

	mu      sync.Mutex // guards the fields below
	free    *sync.Cond
	rid     uint64
	sid     string
	under   int  // requests under way
	opened  bool // a stream was begun, and its features did not come yet
	over    bool
	failure error
}

// BOSH connects by HTTP requests (XEP-0124, XEP-0206). Two requests may overtake each other on their way; the
// server must put them in order (section 14), which not all do.
func BOSH(ctx context.Context, client *http.Client, url, domain string) *Conn {
	living, end := context.WithCancel(context.WithoutCancel(ctx))
	ours, theirs := net.Pipe()
	b := &bosh{
		client: client, url: url, domain: domain, living: living, pipe: theirs,
		came: make(chan string, 1<<12), answers: make(chan chan *http.Response, 2),
		rid: 1 + rand.Uint64N(1<<40), //nolint:gosec // nothing secret
	}
	b.free = sync.NewCond(&b.mu)
	go b.read()
	go b.pump()
	return NewConn(&carried{Conn: ours, send: b.send, end: func() {
		b.finish(net.ErrClosed)
		end()
	}}, domain)
}

func (b *bosh) send(text string) error {
	defer time.AfterFunc(Patience, func() { b.finish(errors.New("no answer came")) }).Stop()
	b.mu.Lock()
	defer b.mu.Unlock()
	for !b.over && (b.under >= 2 || b.sid == "" && b.under > 0) {
		b.free.Wait()
	}
	switch {
	case b.over:
		return b.failure
	case strings.HasPrefix(text, "<?xml"):
		b.opened = true
		if b.sid == "" {
			b.request("to='"+b.domain+"' wait='30' hold='1' ver='1.6' xml:lang='en' xmpp:version='1.0'", "")
		} else {
			b.request("to='"+b.domain+"' xml:lang='en' xmpp:restart='true'", "")
		}
		return nil
	case text == streamClose:
		b.request("type='terminate'", "")
		return nil
	}
	all, err := elements(text)
	if err != nil {
		return err
	}
	b.request("", strings.Join(all, ""))
	return nil
}

// request makes one; b.mu is held.
func (b *bosh) request(attrs, inner string) {
	b.rid++
	if b.sid != "" {
		attrs += " sid='" + b.sid + "'"
	}
	body := fmt.Sprintf("<body rid='%d' xmlns='%s' xmlns:xmpp='%s' %s>%s</body>", b.rid, nsBOSH, nsXBOSH, attrs, inner)
	b.under++
	answer := make(chan *http.Response, 1)
	b.answers <- answer // there is room for as many as may be under way
	go func() {
		defer close(answer)
		r, err := http.NewRequestWithContext(b.living, http.MethodPost, b.url, strings.NewReader(body))
		if err != nil {
			return
		}
		r.Header.Set("Content-Type", "text/xml; charset=utf-8")
		if resp, err := b.client.Do(r); err == nil { //nolint:bodyclose // whoever takes it closes it
			answer <- resp
		}
	}()
}

// read takes the answers, and asks again when nothing is under way.
func (b *bosh) read() {
	defer close(b.came)
	for {
		var answer chan *http.Response
		select {
		case answer = <-b.answers:
		case <-b.living.Done():
			return
		}
		resp := <-answer
		if resp == nil {
			b.finish(net.ErrClosed)
			return
		}
		text, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err == nil {
			err = b.take(resp.StatusCode, text)
		}
		if err != nil {
			b.finish(err)
			return
		}
	}
}

// pump hands on what came.
func (b *bosh) pump() {
	defer func() { _ = b.pipe.Close() }()
	for text := range b.came {
		if _, err := io.WriteString(b.pipe, text); err != nil {
			return
		}
	}
}

// take hands on what an answer brought.
func (b *bosh) take(status int, text []byte) error {
	body, err := xmltree.Parse(string(bytes.TrimSpace(text)), anything, xmltree.Scope{})
	if err != nil || status != http.StatusOK || !body.Is(nsBOSH, "body") {
		return fmt.Errorf("%s answers %d %s: %w", b.url, status, text, err)
	}
	var out strings.Builder
	b.mu.Lock()
	if b.sid == "" {
		b.sid = body.Attr("sid")
	}
	for e := range body.Children() {
		if e.Is(ns.Stream, "features") && b.opened {
			b.opened = false
			out.WriteString(streamOpen)
		}
		out.WriteString(xmltree.NewWriter(len(text)).Copy(e, ns.Client).String())
	}
	over := body.Attr("type") == "terminate"
	if over {
		out.WriteString(streamClose)
	}
	defer b.mu.Unlock()
	if out.Len() > 0 {
		b.came <- out.String()
	}
	if over {
		return net.ErrClosed
	}
	if b.under--; b.under == 0 {
		b.request("", "")
	}
	b.free.Broadcast()
	return nil
}

func (b *bosh) finish(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.over {
		b.over, b.failure = true, err
	}
	b.free.Broadcast()
}
