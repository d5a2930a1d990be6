package muc_test

import (
	"context"
	"encoding/xml"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"mellium.im/xmlstream"
	"mellium.im/xmpp"
	"mellium.im/xmpp/disco"
	mjid "mellium.im/xmpp/jid"
	mmuc "mellium.im/xmpp/muc"
	"mellium.im/xmpp/mux"
	mstanza "mellium.im/xmpp/stanza"
	mstream "mellium.im/xmpp/stream"

	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/internal/xmltree"
	"kith/server/module"
	"kith/server/router"
	"kith/server/router/routertest"
)

// pipe is a stream to a client that shares no code with this program, without what the client and the
// server do before stanzas flow.
type pipe struct {
	conn net.Conn
	out  chan *stanza.Stanza
}

func (p *pipe) Deliver(st *stanza.Stanza, delivered func()) {
	p.out <- st
	if delivered != nil {
		go delivered()
	}
}

func (*pipe) Attached() bool { return true }

func (*pipe) Unacknowledged() []*stanza.Stanza { return nil }

func (p *pipe) End(module.EndReason) { _ = p.conn.Close() }

func (p *pipe) Undelivered() []*stanza.Stanza { return nil }

// write sends what the server has for the client.
func (p *pipe) write() {
	for st := range p.out {
		if _, err := p.conn.Write(st.AppendFramed(nil)); err != nil {
			return
		}
	}
}

// read takes what the client sends.
func (p *pipe) read(t *testing.T, s *router.Session) {
	limits := xmltree.Limits{Bytes: 1 << 20, Elements: 1000, Depth: 50, Attrs: 50}
	cut := xmltree.Cutter{Limits: limits}
	const header = "<stream xmlns='jabber:client'>"
	if _, _, err := cut.Cut([]byte(header)); err != nil {
		t.Error(err)
		return
	}
	var have []byte
	buf := make([]byte, 4096)
	for {
		n, err := p.conn.Read(buf)
		if err != nil {
			return
		}
		have = append(have, buf[:n]...)
		for {
			kind, n, err := cut.Cut(have)
			if err != nil {
				t.Errorf("client sent %s: %v", have, err)
				return
			}
			if kind == xmltree.More {
				break
			}
			piece := string(have[:n])
			have = append(have[:0:0], have[n:]...)
			if kind != xmltree.Whole {
				continue
			}
			root, err := xmltree.Parse(piece, limits, xmltree.Scope{Default: ns.Client})
			if err != nil {
				t.Errorf("client sent %s: %v", piece, err)
				return
			}
			st, err := stanza.Read(root, ns.Client)
			if err != nil {
				t.Errorf("client sent %s: %v", piece, err)
				return
			}
			s.Receive(st.Stamp(s.JID()), nil)
		}
	}
}

// foreign binds a client of mellium.im/xmpp.
func foreign(t *testing.T, h *house, who string, handlers ...mux.Option) *xmpp.Session {
	t.Helper()
	local, _, _ := strings.Cut(who, "/")
	h.Add(local)
	full := jid.Must(local + "@" + routertest.Domain + "/mellium")
	here, there := net.Pipe()
	p := &pipe{conn: here, out: make(chan *stanza.Stanza, 1000)}
	s, err := h.Accounts.Bind(t.Context(), full, p, module.Login{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	go p.write()
	go p.read(t, s)
	ready := func(_ context.Context, in, out *mstream.Info, session *xmpp.Session, _ any) (xmpp.SessionState, io.ReadWriter, any, error) {
		in.XMLNS, out.XMLNS = ns.Client, ns.Client
		r := session.TokenReader()
		defer func() { _ = r.Close() }()
		_, err := r.Token() // the header
		return xmpp.Ready, nil, nil, err
	}
	header := `<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>`
	rw := struct {
		io.Reader
		io.Writer
	}{io.MultiReader(strings.NewReader(header), there), there}
	ms, err := xmpp.NewSession(t.Context(), mjid.MustParse(routertest.Domain), mjid.MustParse(full.String()), rw, 0, ready)
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = ms.Serve(mux.New(ns.Client, handlers...)) // ends with the pipe
	}()
	t.Cleanup(func() {
		_ = here.Close()
		_ = there.Close()
		<-served
	})
	return ms
}

// seen is presence as mellium reads it.
type seen struct {
	mstanza.Presence
	X struct {
		Item   mmuc.Item `xml:"item"`
		Status []struct {
			Code int `xml:"code,attr"`
		} `xml:"status"`
	} `xml:"http://jabber.org/protocol/muc#user x"`
}

// A second opinion: somebody makes a room, configures it, makes a member, and both speak, as mellium.im/xmpp
// reads and writes it.
func TestMellium(t *testing.T) {
	h := newHouse(t, options{bare: true})
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	invited := make(chan mmuc.Invitation, 1)
	heard := make(chan string, 10)
	hear := mux.MessageFunc(mstanza.GroupChatMessage, xml.Name{Local: "body"}, func(_ mstanza.Message, r xmlstream.TokenReadEncoder) error {
		m := struct {
			mstanza.Message
			Body string `xml:"body"`
		}{}
		if err := xml.NewTokenDecoder(r).Decode(&m); err != nil {
			return err
		}
		heard <- m.From.Resourcepart() + ": " + m.Body
		return nil
	})
	presences := make(chan seen, 10)
	see := func(kind mstanza.PresenceType, name xml.Name) mux.Option {
		return mux.PresenceFunc(kind, name, func(_ mstanza.Presence, r xmlstream.TokenReadEncoder) error {
			var p seen
			if err := xml.NewTokenDecoder(r).Decode(&p); err != nil {
				return err
			}
			presences <- p
			return nil
		})
	}
	user := xml.Name{Space: mmuc.NSUser, Local: "x"}
	alice := foreign(t, h, "alice", hear, see(mstanza.AvailablePresence, user))
	bob := foreign(t, h, "bob", see(mstanza.AvailablePresence, user), see(mstanza.UnavailablePresence, user),
		see(mstanza.ErrorPresence, xml.Name{Local: "error"}),
		mux.Message(mstanza.NormalMessage, user, &mmuc.Client{HandleInvite: func(i mmuc.Invitation) { invited <- i }}))
	send := func(s *xmpp.Session, p mstanza.Presence, inner any) {
		t.Helper()
		if err := s.Encode(ctx, struct {
			mstanza.Presence
			Inner any
		}{p, inner}); err != nil {
			t.Fatal(err)
		}
	}
	next := func(kind mstanza.PresenceType, nick string, codes ...int) seen {
		t.Helper()
		select {
		case p := <-presences:
			var got []int
			for _, c := range p.X.Status {
				got = append(got, c.Code)
			}
			if p.Type != kind || p.From.Resourcepart() != nick || !slices.Equal(got, codes) {
				t.Fatalf("presence %q of %s with %v", p.Type, p.From, got)
			}
			return p
		case <-ctx.Done():
			t.Fatalf("no presence of %s", nick)
			return seen{}
		}
	}
	room := mjid.MustParse(cave)
	at := func(nick string) mstanza.Presence {
		j, err := room.WithResource(nick)
		if err != nil {
			t.Fatal(err)
		}
		return mstanza.Presence{To: j}
	}
	enter := struct {
		XMLName xml.Name `xml:"http://jabber.org/protocol/muc x"`
	}{}
	if err := bob.Encode(ctx, struct {
		XMLName xml.Name `xml:"jabber:client presence"`
	}{}); err != nil {
		t.Fatal(err)
	}
	send(alice, at("Alice"), enter)
	if p := next(mstanza.AvailablePresence, "Alice", 100, 201, 110); p.X.Item.Affiliation != mmuc.AffiliationOwner || p.X.Item.Role != mmuc.RoleModerator || p.X.Item.JID.String() != "alice@kith.example/mellium" {
		t.Errorf("%+v", p.X.Item)
	}
	form, err := mmuc.GetConfig(ctx, room, alice)
	if err != nil {
		t.Fatalf("get the configuration: %v", err)
	}
	if _, err := form.Set("muc#roomconfig_roomname", "Foreign"); err != nil {
		t.Errorf("set a field: %v", err)
	}
	if err := mmuc.SetConfig(ctx, room, form, alice); err != nil {
		t.Fatalf("set the configuration: %v", err)
	}
	info, err := disco.GetInfo(ctx, "", room, alice)
	if err != nil || len(info.Identity) != 1 || info.Identity[0].Name != "Foreign" {
		t.Errorf("disco: %+v %v", info.Identity, err)
	}
	// It is for members only.
	send(bob, at("Bob"), enter)
	next(mstanza.ErrorPresence, "Bob")
	if err := alice.UnmarshalIQElement(ctx, xmlstream.Wrap(xmlstream.Wrap(
		xmlstream.Wrap(xmlstream.Token(xml.CharData("welcome")), xml.StartElement{Name: xml.Name{Local: "reason"}}),
		xml.StartElement{Name: xml.Name{Local: "item"}, Attr: []xml.Attr{
			{Name: xml.Name{Local: "affiliation"}, Value: mmuc.AffiliationMember.String()},
			{Name: xml.Name{Local: "jid"}, Value: "bob@kith.example"},
		}},
	), xml.StartElement{Name: xml.Name{Space: mmuc.NSAdmin, Local: "query"}}), mstanza.IQ{Type: mstanza.SetIQ, To: room}, nil); err != nil {
		t.Fatalf("make a member: %v", err)
	}
	select {
	case i := <-invited:
		if i.Reason != "welcome" {
			t.Errorf("invitation %+v", i)
		}
	case <-ctx.Done():
		t.Fatal("no invitation")
	}
	send(bob, at("Bob"), enter)
	for range 3 { // Alice sees Bob; Bob sees Alice, and himself
		select {
		case p := <-presences:
			if p.X.Item.JID.Equal(mjid.JID{}) {
				t.Errorf("no address: %+v", p)
			}
		case <-ctx.Done():
			t.Fatal("not let in")
		}
	}
	if err := bob.Encode(ctx, struct {
		mstanza.Message
		Body string `xml:"body"`
	}{mstanza.Message{To: room, Type: mstanza.GroupChatMessage}, "hello"}); err != nil {
		t.Fatal(err)
	}
	select {
	case s := <-heard:
		if s != "Bob: hello" {
			t.Errorf("heard %q", s)
		}
	case <-ctx.Done():
		t.Fatal("nothing heard")
	}
	gone := at("Bob")
	gone.Type = mstanza.UnavailablePresence
	send(bob, gone, nil)
	next(mstanza.UnavailablePresence, "Bob", 110)
}
