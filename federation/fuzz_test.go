package federation_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kith/federation"
	"kith/internal/ns"
	"kith/internal/peer"
	"kith/internal/stanza"
	"kith/server/router/routertest"
)

// forgetful is a store that keeps nothing, for speed.
type forgetful struct{}

var _ federation.Store = forgetful{}

func (forgetful) Add(_ peer.Link, _ []peer.Stanza, done func(error)) { go done(nil) }
func (forgetful) Remove(_ []int64, done func(error))                 { go done(nil) }
func (forgetful) SavePeer(_ peer.Record, done func(error))           { done(nil) }
func (forgetful) ForgetPeers(_ []string, done func(error))           { done(nil) }
func (forgetful) Peers(context.Context) ([]peer.Record, error)       { return nil, nil }
func (forgetful) Policy(context.Context) (string, error)             { return "", nil }
func (forgetful) SetPolicy(context.Context, string) error            { return nil }
func (forgetful) Waiting(context.Context) ([]peer.Backlog, int64, error) {
	return nil, 0, nil
}

func (forgetful) Load(context.Context, peer.Link, int64, int, int) ([]peer.Stanza, error) {
	return nil, nil
}

func (forgetful) Expired(context.Context, peer.Link, int64, time.Time, int) ([]peer.Stanza, error) {
	return nil, nil
}

// FuzzHandshake lets another server say anything: before TLS, before and after SASL, in pieces of any size.
// Nothing of it may reach anybody in the name of a domain that was not proven, and the connection must come
// to an end.
func FuzzHandshake(f *testing.F) {
	const open = "<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:db='jabber:server:dialback' xmlns:stream='" + ns.Stream + "' from='b.example' to='a.example' version='1.0'>"
	for _, seed := range []string{
		open, open + "<starttls xmlns='" + ns.TLS + "'/>", open + "<auth xmlns='" + ns.SASL + "' mechanism='EXTERNAL'>=</auth>" + open,
		open + "<db:result from='b.example' to='a.example'>key</db:result>", open + "<db:verify from='b.example' to='a.example' id='1'>key</db:verify>",
		open + "<bidi xmlns='urn:xmpp:bidi'/><auth xmlns='" + ns.SASL + "' mechanism='EXTERNAL'>YmFuay5leGFtcGxl</auth>",
		open + "<enable xmlns='urn:xmpp:sm:3'/><r xmlns='urn:xmpp:sm:3'/><a xmlns='urn:xmpp:sm:3' h='4294967295'/><resume xmlns='urn:xmpp:sm:3' previd='x' h='0'/>",
		open + "<message from='bob@bank.example' to='alice@a.example'><body>x</body></message>", open + "<stream:error><host-unknown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>",
		strings.ReplaceAll(open, "jabber:server'", "jabber:client'"), strings.ReplaceAll(open, "a.example", "c.example"), "<!DOCTYPE x>", "\x16\x03\x01",
	} {
		for stage := range uint8(3) {
			f.Add(stage, uint8(7), false, seed)
			f.Add(stage, uint8(200), true, seed)
		}
	}
	f.Fuzz(func(t *testing.T, stage, piece uint8, dialback bool, text string) {
		synctest.Test(t, func(t *testing.T) {
			in := newInternet(t)
			a := in.server("a.example", func(n *node) { n.cfg.Dialback, n.deps.Store = dialback, forgetful{} })
			cert := in.ca.certify(nil, "b.example")
			r := in.dialRaw(a)
			switch stage % 3 {
			case 1:
				r.open("b.example", "a.example")
				r.get()
				r.secure("a.example", &cert)
			case 2:
				r.external("b.example", "a.example", cert)
			}
			go func() {
				for rest := text; rest != ""; {
					n := min(len(rest), int(piece)+1)
					r.try(rest[:n])
					rest = rest[n:]
				}
				if c, ok := r.conn.(*tls.Conn); ok {
					_ = c.CloseWrite()
				} else {
					_ = r.conn.(*end).CloseWrite()
				}
			}()
			began := time.Now()
			r.ends()
			if took := time.Since(began); took > 2*time.Minute {
				t.Errorf("it lasted %s", took)
			}
			settle()
			for _, st := range a.Take() {
				if st.From.Domain() != "b.example" || stage%3 != 2 && !strings.Contains(text, "auth") && !dialback {
					t.Errorf("routed %s", routertest.Text(append(a.Take(), st)))
				}
			}
		})
	})
}

// FuzzCalled lets a server that is called say anything: before TLS, after it, and after SASL, in pieces of any
// size. The one that calls must come to an end with it, route nothing in the name of others, and send nothing
// before the other side has proven who it is.
func FuzzCalled(f *testing.F) {
	const open = "<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:db='jabber:server:dialback' xmlns:stream='" + ns.Stream + "' from='b.example' to='a.example' id='1' version='1.0'>"
	for _, seed := range []string{
		open, open + "<stream:features><starttls xmlns='" + ns.TLS + "'/></stream:features><proceed xmlns='" + ns.TLS + "'/>", open + "<stream:features/>",
		open + "<stream:features><mechanisms xmlns='" + ns.SASL + "'><mechanism>EXTERNAL</mechanism></mechanisms><bidi xmlns='urn:xmpp:features:bidi'/></stream:features><success xmlns='" + ns.SASL + "'/>" + open + "<stream:features><sm xmlns='urn:xmpp:sm:3'/></stream:features><enabled xmlns='urn:xmpp:sm:3' id='x'/><a xmlns='urn:xmpp:sm:3' h='1'/>",
		open + "<stream:features><limits xmlns='urn:xmpp:stream-limits:0'><max-bytes>1</max-bytes><idle-seconds>99999999999</idle-seconds></limits></stream:features>",
		open + "<stream:features><dialback xmlns='urn:xmpp:features:dialback'/></stream:features><db:result from='b.example' to='a.example' type='valid'/>",
		open + "<message from='bob@b.example' to='alice@a.example'><body>x</body></message>", open + "<stream:error><host-unknown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>",
		open + "<stream:features><sm xmlns='urn:xmpp:sm:3'/></stream:features><a xmlns='urn:xmpp:sm:3' h='7'/>", "<!DOCTYPE x>", "\x16\x03\x01", "HTTP/1.1 400 Bad Request\r\n\r\n",
	} {
		for stage := range uint8(3) {
			f.Add(stage, uint8(7), false, seed)
			f.Add(stage, uint8(200), true, seed)
		}
	}
	f.Fuzz(func(t *testing.T, stage, piece uint8, dialback bool, text string) {
		synctest.Test(t, func(t *testing.T) {
			in := newInternet(t)
			a := in.server("a.example", func(n *node) { n.cfg.Dialback, n.cfg.KeepTime, n.deps.Store = dialback, time.Minute, forgetful{} })
			conns := in.listenRaw("b.example", "203.0.113.100")
			cert := in.ca.certify(nil, "b.example")
			a.message("b.example", "a secret")
			r := <-conns
			switch stage % 3 {
			case 1:
				r.called(cert, "b.example", "a.example")
			case 2:
				r.answer(cert, "b.example", "a.example", "<sm xmlns='urn:xmpp:sm:3'/>")
			}
			said := make(chan string)
			go func() {
				var b strings.Builder
				_, _ = io.Copy(&b, r.conn)
				said <- b.String()
			}()
			go func() {
				for rest := text; rest != ""; {
					n := min(len(rest), int(piece)+1)
					r.try(rest[:n])
					rest = rest[n:]
				}
				_ = r.conn.Close()
			}()
			if got := <-said; stage%3 == 0 && strings.Contains(got, "a secret") {
				t.Errorf("without encryption it says %q", got)
			}
			in.unplug("203.0.113.100:5269")
			pass(t, 10*time.Minute)
			for _, st := range a.Take() {
				if st.From.Domain() != "b.example" && st.Type != stanza.Error {
					t.Errorf("routed %s", st)
				}
			}
			if st := a.status("b.example"); st.State == "connected" || st.Waiting > 0 {
				t.Errorf("in the end %+v", st)
			}
		})
	})
}

// FuzzIdentities lets a certificate name anything.
func FuzzIdentities(f *testing.F) {
	in := newInternet(f)
	for _, c := range []tls.Certificate{in.ca.certify(nil, "b.example", "*.c.example"), in.ca.itself()} {
		f.Add(c.Leaf.Raw)
	}
	for _, make := range badCertificates(in, "b.example") {
		f.Add(make().Leaf.Raw)
	}
	f.Fuzz(func(t *testing.T, der []byte) {
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			return
		}
		names, err := federation.Names(cert)
		if err == nil && len(names) > len(der) {
			t.Errorf("%d names in %d bytes", len(names), len(der))
		}
	})
}
