package people

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/xml"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"

	"mellium.im/sasl"
	"mellium.im/xmlstream"
	"mellium.im/xmpp"
	mjid "mellium.im/xmpp/jid"

	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/internal/xmltree"
)

// ErrOffline: there is no connection, or it was lost.
var ErrOffline = errors.New("people: not connected")

// wire is the stream of a session, with acknowledgements (XEP-0198) and without resumption.
type wire struct {
	conn    net.Conn
	session *xmpp.Session
	self    jid.JID
	user    user
	// over is closed when the stream has ended and nothing more is received.
	over chan struct{}

	mu       sync.Mutex // guards the fields below; what is sent is sent while it is held
	sent     uint32     // stanzas since acknowledgements were switched on
	counting bool

	askMu sync.Mutex // guards asked
	asked map[string]question

	received uint32 // belongs to the goroutine that reads
	counted  bool
}

// user is who a stream is for. All calls come from the goroutine that reads.
type user interface {
	// take handles a message or a presence.
	take(w *wire, st *stanza.Stanza)
	// request answers an iq of type get or set.
	request(w *wire, st *stanza.Stanza) *stanza.Stanza
	// acked: the server is responsible for the first h stanzas.
	acked(w *wire, h uint32)
}

type question struct {
	to     jid.JID
	answer chan *stanza.Stanza
}

// dial signs in with STARTTLS, SCRAM and channel binding, and binds a resource.
func dial(ctx context.Context, o Options, u user) (*wire, error) {
	conn, trust, err := o.Dial(ctx)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	domain, err := mjid.Parse(o.Address.Domain())
	if err != nil {
		return nil, errors.Join(fmt.Errorf("address: %w", err), conn.Close())
	}
	address, err := mjid.Parse(o.Address.String())
	if err != nil {
		return nil, errors.Join(fmt.Errorf("address: %w", err), conn.Close())
	}
	session, err := xmpp.NewSession(ctx, domain, address, conn, 0,
		xmpp.NewNegotiator(func(*xmpp.Session, *xmpp.StreamConfig) xmpp.StreamConfig {
			return xmpp.StreamConfig{Features: []xmpp.StreamFeature{
				xmpp.StartTLS(trust),
				xmpp.SASL("", o.Password, sasl.ScramSha256Plus),
				xmpp.BindResource(),
			}}
		}))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("sign in %s: %w", o.Address, err), conn.Close())
	}
	self, err := jid.Parse(session.LocalAddr().String())
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	w := &wire{conn: conn, session: session, self: self, user: u, over: make(chan struct{}), asked: map[string]question{}}
	go func() {
		defer close(w.over)
		_ = session.Serve(xmpp.HandlerFunc(w.receive)) // however it ends, it is over
		_ = conn.Close()
	}()
	return w, nil
}

// cut ends the connection without a word, hangUp politely; both wait until nothing more comes.
func (w *wire) cut() {
	_ = w.conn.Close()
	<-w.over
}

func (w *wire) hangUp(ctx context.Context) error {
	err := w.session.Close()
	select {
	case <-w.over:
	case <-ctx.Done():
		err = errors.Join(err, ctx.Err())
	}
	w.cut()
	return err
}

// manage switches acknowledgements on.
func (w *wire) manage(ctx context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.counting = true
	return w.write(ctx, "<enable xmlns='"+ns.SM+"'/>")
}

// send sends a stanza. number, if not nil, is told its place among those that will be acknowledged,
// before it leaves.
func (w *wire) send(ctx context.Context, st *stanza.Stanza, number func(uint32)) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.counting {
		w.sent++
	}
	if number != nil {
		number(w.sent)
	}
	return w.write(ctx, st.String())
}

// sendRequest asks for an acknowledgement.
func (w *wire) sendRequest(ctx context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.write(ctx, "<r xmlns='"+ns.SM+"'/>")
}

// write needs w.mu.
func (w *wire) write(ctx context.Context, text string) error {
	if err := w.session.Send(ctx, xml.NewDecoder(strings.NewReader(text))); err != nil {
		return fmt.Errorf("%w: %w", ErrOffline, err)
	}
	return nil
}

// ask sends a request and waits for the answer; an error that is answered is a [*stanza.Fault]. The
// zero address is that of the account.
func (w *wire) ask(ctx context.Context, typ stanza.Type, to jid.JID, fill func(*xmltree.Writer)) (*stanza.Stanza, error) {
	q := question{to: to, answer: make(chan *stanza.Stanza, 1)}
	id := rand.Text()
	w.askMu.Lock()
	w.asked[id] = q
	w.askMu.Unlock()
	defer func() {
		w.askMu.Lock()
		defer w.askMu.Unlock()
		delete(w.asked, id)
	}()
	if err := w.send(ctx, stanza.Build(stanza.Header{Kind: stanza.IQ, Type: typ, ID: id, To: to}, fill), nil); err != nil {
		return nil, err
	}
	select {
	case st := <-q.answer:
		if st.Type == stanza.Error {
			return nil, st.ReadFault()
		}
		return st, nil
	case <-w.over:
		return nil, ErrOffline
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// answered gives an answer to whoever asked.
func (w *wire) answered(st *stanza.Stanza) {
	w.askMu.Lock()
	defer w.askMu.Unlock()
	q, ok := w.asked[st.ID]
	own := st.From.IsZero() || st.From == w.self.Bare()
	if !ok || st.From != q.to && !(own && (q.to.IsZero() || q.to == w.self.Bare())) {
		return
	}
	delete(w.asked, st.ID)
	q.answer <- st
}

// receive takes what comes.
func (w *wire) receive(t xmlstream.TokenReadEncoder, start *xml.StartElement) error {
	root, err := read(t, start)
	if err != nil {
		return err
	}
	if root.Space() == ns.SM {
		return w.managed(root)
	}
	st, err := stanza.Parse(xmltree.NewWriter(len(root.Source())).Copy(root, ns.Client).String())
	if err != nil {
		return fmt.Errorf("received %s: %w", root.Source(), err)
	}
	switch {
	case st.IsRequest():
		err = w.reply(t, w.user.request(w, st))
	case st.Kind == stanza.IQ:
		w.answered(st)
	default:
		w.user.take(w, st)
	}
	if w.counted {
		w.received++
	}
	return err
}

// reply answers through the hands of mellium, which would otherwise answer a second time.
func (w *wire) reply(t xmlstream.TokenReadEncoder, st *stanza.Stanza) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.counting {
		w.sent++
	}
	_, err := xmlstream.Copy(t, xml.NewDecoder(strings.NewReader(st.String())))
	return err
}

// managed handles what is said about acknowledgements.
func (w *wire) managed(e xmltree.Element) error {
	switch e.Local() {
	case "enabled":
		w.counted = true
	case "r":
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.write(context.Background(), "<a xmlns='"+ns.SM+"' h='"+strconv.FormatUint(uint64(w.received), 10)+"'/>")
	case "a":
		h, err := strconv.ParseUint(e.Attr("h"), 10, 32)
		if err != nil {
			return fmt.Errorf("acknowledgement %s: %w", e.Source(), err)
		}
		w.user.acked(w, uint32(h))
	default:
		return fmt.Errorf("unexpected %s", e.Source())
	}
	return nil
}

// limits bound what is taken from a server that is trusted with nothing else either.
var limits = xmltree.Limits{Bytes: 1 << 24, Elements: 1 << 18, Depth: 100, Attrs: 100}

// read makes a tree of a first-level element.
func read(t xml.TokenReader, start *xml.StartElement) (xmltree.Element, error) {
	var b bytes.Buffer
	e := xml.NewEncoder(&b)
	if _, err := xmlstream.Copy(e, plain{xmlstream.MultiReader(xmlstream.Token(*start), t)}); err != nil {
		return xmltree.Element{}, err
	}
	if err := e.Flush(); err != nil {
		return xmltree.Element{}, err
	}
	return xmltree.Parse(b.String(), limits, xmltree.Scope{Default: ns.Client})
}

// plain leaves out what encoding/xml would write twice, and the empty addresses that mellium puts in.
type plain struct{ xml.TokenReader }

func (p plain) Token() (xml.Token, error) {
	t, err := p.TokenReader.Token()
	if start, ok := t.(xml.StartElement); ok {
		start.Attr = slices.DeleteFunc(slices.Clone(start.Attr), func(a xml.Attr) bool {
			return a.Name.Local == "xmlns" || a.Name.Space == "xmlns" || a.Value == ""
		})
		t = start
	}
	return t, err
}
