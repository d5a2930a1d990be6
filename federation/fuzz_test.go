package federation_test

import (
	"context"
	"crypto/tls"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kith/federation"
	"kith/internal/ns"
	"kith/internal/peer"
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
