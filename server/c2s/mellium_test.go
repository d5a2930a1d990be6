package c2s

import (
	"context"
	"encoding/xml"
	"net"
	"testing"
	"time"

	"mellium.im/sasl"
	"mellium.im/xmlstream"
	"mellium.im/xmpp"
	mjid "mellium.im/xmpp/jid"
	"mellium.im/xmpp/ping"
	mstanza "mellium.im/xmpp/stanza"

	ksasl "kith/internal/sasl"
)

// A client that shares no code with this package: mellium.im/xmpp signs in by STARTTLS and by
// direct TLS, with channel binding, and two of its sessions talk to each other.
func TestMellium(t *testing.T) {
	w := newWorld(t)
	w.auth.add(t, ksasl.Hashes(), "alice", "bob")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()

	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	serve := make(chan func(net.Conn), 2)
	go func() {
		for f := range serve {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			f(c)
		}
	}()
	defer close(serve)

	dial := func(user string, direct bool, mechanism sasl.Mechanism) *xmpp.Session {
		t.Helper()
		if direct {
			serve <- w.srv.ServeTLS
		} else {
			serve <- w.srv.Serve
		}
		raw, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		_ = raw.SetDeadline(time.Now().Add(patience))
		features := []xmpp.StreamFeature{xmpp.SASL("", "pass-"+user, mechanism), xmpp.BindResource()}
		var state xmpp.SessionState
		conn := raw
		config := w.clientTLS()
		if direct {
			c := &wire{t: t, conn: raw}
			c.upgrade(config)
			conn, state = c.tls, xmpp.Secure
		} else {
			config.NextProtos = nil
			features = append(features, xmpp.StartTLS(config))
		}
		s, err := xmpp.NewSession(ctx, mjid.MustParse(domain), mjid.MustParse(user+"@"+domain), conn, state,
			xmpp.NewNegotiator(func(*xmpp.Session, *xmpp.StreamConfig) xmpp.StreamConfig {
				return xmpp.StreamConfig{Features: features}
			}))
		if err != nil {
			t.Fatalf("%s: %v", user, err)
		}
		return s
	}
	alice := dial("alice", false, sasl.ScramSha256Plus)
	bob := dial("bob", true, sasl.ScramSha1Plus)

	got := make(chan string, 1)
	go func() { _ = alice.Serve(nil) }()
	go func() {
		_ = bob.Serve(xmpp.HandlerFunc(func(r xmlstream.TokenReadEncoder, start *xml.StartElement) error {
			d := xml.NewTokenDecoder(xmlstream.MultiReader(xmlstream.Token(*start), r))
			if _, err := d.Token(); err != nil {
				return err
			}
			m := struct {
				mstanza.Message
				Body string `xml:"body"`
			}{}
			if err := d.DecodeElement(&m, start); err != nil {
				return err
			}
			if start.Name.Local == "message" {
				got <- m.From.String() + ": " + m.Body
			}
			return nil
		}))
	}()
	if err := ping.Send(ctx, alice, mjid.MustParse(domain)); err != nil {
		t.Fatalf("ping: %v", err)
	}
	message := mstanza.Message{To: bob.LocalAddr(), Type: mstanza.ChatMessage}.Wrap(
		xmlstream.Wrap(xmlstream.Token(xml.CharData("hello")), xml.StartElement{Name: xml.Name{Local: "body"}}))
	if err := alice.Send(ctx, message); err != nil {
		t.Fatal(err)
	}
	select {
	case m := <-got:
		if want := alice.LocalAddr().String() + ": hello"; m != want {
			t.Fatalf("got %q, want %q", m, want)
		}
	case <-ctx.Done():
		t.Fatal("the message did not arrive")
	}
	for _, s := range []*xmpp.Session{alice, bob} {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	until(t, "the sessions end", func() bool { return len(w.srv.sessions.all()) == 0 })
}
