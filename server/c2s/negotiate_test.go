package c2s

import (
	"crypto/tls"
	"errors"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/sasl"
	"kith/internal/sasl/sasltest"
	"kith/internal/stream"
	"kith/internal/xmltree"
)

// A client of RFC 6120 alone: STARTTLS, SASL, a new stream, a resource.
func TestLoginByRFC6120(t *testing.T) {
	w := newWorld(t)
	w.auth.add(t, sasl.Hashes(), "alice")
	c := w.tcp(w.srv.Serve)
	features := c.open("")
	if features.Child(ns.TLS, "starttls").IsZero() {
		t.Fatalf("no starttls in %s", features.Source())
	}
	c.startTLS(w)
	features = c.open("")
	if !features.Child(ns.TLS, "starttls").IsZero() {
		t.Fatalf("starttls inside TLS: %s", features.Source())
	}
	var names []string
	for m := range features.Child(ns.SASL, "mechanisms").Children() {
		names = append(names, m.Text())
	}
	if !slices.Contains(names, "SCRAM-SHA-256-PLUS") || !slices.Contains(names, "SCRAM-SHA-1") || slices.Contains(names, "PLAIN") {
		t.Fatalf("mechanisms %v", names)
	}

	cs := c.tls.ConnectionState()
	data, err := sasl.ExporterData(&cs)
	if err != nil {
		t.Fatal(err)
	}
	client := scram("alice")
	client.Mechanism, client.Binding, client.Data = sasl.ScramSHA256Plus, sasl.Exporter, data
	o := offered(features)
	client.Offer = &o
	c.send("<auth xmlns='" + ns.SASL + "' mechanism='SCRAM-SHA-256-PLUS'>" + b64(client.First()) + "</auth>")
	answer, err := client.Next(unb64(t, c.expect(ns.SASL, "challenge").Text()))
	if err != nil {
		t.Fatal(err)
	}
	c.send("<response xmlns='" + ns.SASL + "'>" + b64(answer) + "</response>")
	if err := client.Done(unb64(t, c.expect(ns.SASL, "success").Text())); err != nil {
		t.Fatal(err)
	}

	features = c.open("from='alice@" + domain + "'")
	for _, want := range []name{{ns.Bind, "bind"}, {ns.Session, "session"}, {ns.SM, "sm"}, {ns.CSI, "csi"}, {ns.RosterVer, "ver"}, {ns.StreamLimits, "limits"}} {
		if features.Child(want.space, want.local).IsZero() {
			t.Errorf("no %v in %s", want, features.Source())
		}
	}
	if got := features.Child(ns.StreamLimits, "limits").ChildText(ns.StreamLimits, "max-bytes"); got != "262144" {
		t.Errorf("max-bytes %s", got)
	}
	c.send("<iq type='set' id='b'><bind xmlns='" + ns.Bind + "'><resource>home</resource></bind></iq>")
	e := c.expect(ns.Client, "iq")
	if got := e.Child(ns.Bind, "bind").ChildText(ns.Bind, "jid"); got != "alice@kith.example/home" {
		t.Fatalf("bound to %q by %s", got, e.Source())
	}
	c.send("<iq type='set' id='s'><session xmlns='" + ns.Session + "'/></iq>")
	if e := c.expect(ns.Client, "iq"); e.Attr("id") != "s" || e.Attr("type") != "result" {
		t.Fatalf("session: %s", e.Source())
	}
	c.available()
	if got := w.parts.notes(); !slices.Equal(got, []string{"bound alice@kith.example/home", "presence alice@kith.example/home "}) {
		t.Fatalf("notes %q", got)
	}
	if s := w.session(jid.Must("alice@kith.example/home")); !s.login.Encrypted || !s.login.Password || s.login.Browser {
		t.Fatalf("login %+v", s.login)
	}
}

// All in one round trip more than SCRAM needs: XEP-0388 and XEP-0386 on each transport.
func TestLoginInline(t *testing.T) {
	for _, tr := range []struct {
		name string
		dial func(*world) *wire
	}{
		{"tls", (*world).secure},
		{"websocket", (*world).webSocket},
		{"plain loopback", (*world).plain},
	} {
		t.Run(tr.name, func(t *testing.T) {
			w := newWorld(t)
			w.auth.add(t, sasl.Hashes(), "alice")
			c := tr.dial(w)
			features := c.open("from='alice@" + domain + "'")
			o := offered(features)
			inline := features.Child(ns.SASL2, "authentication").Child(ns.SASL2, "inline")
			var vars []string
			for f := range inline.Child(ns.Bind2, "bind").Child(ns.Bind2, "inline").Children() {
				vars = append(vars, f.Attr("var"))
			}
			if !slices.Equal(vars, []string{ns.SM, ns.CSI, ns.Carbons}) || inline.Child(ns.SM, "sm").IsZero() {
				t.Fatalf("inline: %s", inline.Source())
			}
			client := &sasltest.SCRAM{Mechanism: sasl.ScramSHA512, User: "alice", Password: "pass-alice", Offer: &o}
			if c.tls != nil {
				client.Mechanism, client.Binding = sasl.ScramSHA512Plus, sasl.ServerEndPoint
				client.Data, _ = sasl.EndPointData(w.leaf)
			}
			e := c.authenticate(client.Mechanism, client, `
				<user-agent id='d4565fa7-4d72-4749-b3d3-740edbf87770'><software>Test</software><device>Bench</device></user-agent>
				<bind xmlns='urn:xmpp:bind:0'><tag>Test</tag><enable xmlns='urn:xmpp:sm:3' resume='true' max='60'/>
				<enable xmlns='urn:xmpp:carbons:2'/><inactive xmlns='urn:xmpp:csi:0'/></bind>`)
			full := e.ChildText(ns.SASL2, "authorization-identifier")
			if full != "alice@kith.example/Test/~devd456" {
				t.Fatalf("success %s", e.Source())
			}
			b := e.Child(ns.Bind2, "bound")
			enabled := b.Child(ns.SM, "enabled")
			if len(enabled.Attr("id")) < 20 || enabled.Attr("resume") != "true" || enabled.Attr("max") != "60" || b.Child(ns.MAM, "metadata").IsZero() {
				t.Fatalf("bound %s", b.Source())
			}
			features = c.expect(ns.Stream, "features")
			if !features.Child(ns.Bind, "bind").IsZero() || features.Child(ns.RosterVer, "ver").IsZero() {
				t.Fatalf("features after binding: %s", features.Source())
			}
			s := w.session(jid.Must(full))
			if s.login.Client != "d4565fa7-4d72-4749-b3d3-740edbf87770" || s.login.Software != "Test" || s.login.Device != "Bench" {
				t.Fatalf("login %+v", s.login)
			}
			if s.login.Browser != (c.ws != nil) {
				t.Fatalf("in a web page: %t", s.login.Browser)
			}
			s.mu.Lock()
			inactive := s.held.inactive
			s.mu.Unlock()
			if !inactive {
				t.Fatal("the session does not begin inactive")
			}
			if got := w.parts.notes(); !slices.Contains(got, "carbons "+full) {
				t.Fatalf("notes %q", got)
			}
			c.available()
		})
	}
}

// SASL2 without binding inline goes on without a new stream.
func TestSASL2ThenBind(t *testing.T) {
	w := newWorld(t)
	w.auth.add(t, sasl.Hashes(), "alice")
	c := w.secure()
	c.open("")
	cl := scram("alice")
	e := c.authenticate(sasl.ScramSHA256, cl, "")
	if got := e.ChildText(ns.SASL2, "authorization-identifier"); got != "alice@kith.example" {
		t.Fatalf("success %s", e.Source())
	}
	if f := c.expect(ns.Stream, "features"); f.Child(ns.Bind, "bind").IsZero() {
		t.Fatalf("features %s", f.Source())
	}
	c.send("<enable xmlns='" + ns.SM + "'/>")
	if e := c.expect(ns.SM, "failed"); e.Child(ns.Stanzas, "unexpected-request").IsZero() {
		t.Fatalf("enable before a resource: %s", e.Source())
	}
	c.send("<iq type='set' id='b'><bind xmlns='" + ns.Bind + "'/></iq>")
	e = c.expect(ns.Client, "iq")
	full, err := jid.Parse(e.Child(ns.Bind, "bind").ChildText(ns.Bind, "jid"))
	if err != nil || full.Bare() != jid.Must("alice@kith.example") || full.Resource() == "" {
		t.Fatalf("bound %s", e.Source())
	}
	c.send("<enable xmlns='" + ns.SM + "' resume='1'/>")
	if e := c.expect(ns.SM, "enabled"); e.Attr("max") != "600" {
		t.Fatalf("enabled %s", e.Source())
	}
	c.available()
}

// A client gets what was announced, and nothing else.
func TestMechanismsAreHeldTo(t *testing.T) {
	w := newWorld(t)
	w.auth.add(t, sasl.Hashes(), "alice")
	w.auth.plain = true

	c := w.plain()
	features := c.open("")
	if o := offered(features); slices.Contains(o.Mechanisms, sasl.Plain) {
		t.Fatalf("PLAIN is offered without TLS: %v", o.Mechanisms)
	}
	c.send("<auth xmlns='" + ns.SASL + "' mechanism='PLAIN'>" + b64([]byte("\x00alice\x00pass-alice")) + "</auth>")
	if e := c.expect(ns.SASL, "failure"); e.Child(ns.SASL, "invalid-mechanism").IsZero() {
		t.Fatalf("PLAIN without TLS: %s", e.Source())
	}

	s := w.secure()
	s.open("")
	s.send("<auth xmlns='" + ns.SASL + "' mechanism='PLAIN'>" + b64([]byte("\x00alice\x00pass-alice")) + "</auth>")
	s.expect(ns.SASL, "success")
	s.open("")

	// The two kinds of SASL do not mix.
	m := w.secure()
	m.open("")
	m.send("<authenticate xmlns='" + ns.SASL2 + "' mechanism='SCRAM-SHA-256'><initial-response>" + b64(scram("alice").First()) + "</initial-response></authenticate>")
	m.expect(ns.SASL2, "challenge")
	m.send("<response xmlns='" + ns.SASL + "'>AAAA</response>")
	m.expectError(stream.PolicyViolation)
}

func TestPlaintextFromElsewhere(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.LocalPlaintext = false })
	w.auth.add(t, sasl.Hashes(), "alice")
	c := w.tcp(w.srv.Serve)
	features := c.open("")
	if features.Child(ns.TLS, "starttls").Child(ns.TLS, "required").IsZero() || !features.Child(ns.SASL, "mechanisms").IsZero() || !features.Child(ns.SASL2, "authentication").IsZero() {
		t.Fatalf("features without TLS: %s", features.Source())
	}
	c.send("<auth xmlns='" + ns.SASL + "' mechanism='SCRAM-SHA-1'>" + b64(scram("alice").First()) + "</auth>")
	if e := c.expect(ns.SASL, "failure"); e.Child(ns.SASL, "invalid-mechanism").IsZero() {
		t.Fatalf("auth before TLS: %s", e.Source())
	}

	ws := w.webSocket()
	ws.sendOpen("")
	ws.expectError(stream.PolicyViolation)
}

// What comes with starttls before TLS is somebody else's (RFC 6120 section 5.4.3.3).
func TestInjectionBeforeTLS(t *testing.T) {
	w := newWorld(t)
	c := w.tcp(w.srv.Serve)
	c.open("")
	c.send("<starttls xmlns='" + ns.TLS + "'/><iq type='get' id='evil' to='" + domain + "'/>")
	// The proceed may still come; TLS does not.
	c.expectGone()
}

func TestStartTLSIsRefusedInsideTLS(t *testing.T) {
	w := newWorld(t)
	c := w.secure()
	c.open("")
	c.send("<starttls xmlns='" + ns.TLS + "'/>")
	c.expectError(stream.PolicyViolation)
}

// The tester of the field reads the first 21 bytes of a direct TLS stream.
func TestFirstBytesAreADeclaration(t *testing.T) {
	w := newWorld(t)
	c := w.secure()
	if got := c.tls.ConnectionState().NegotiatedProtocol; got != "xmpp-client" {
		t.Errorf("ALPN %q", got)
	}
	c.sendOpen("")
	var first [21]byte
	if _, err := c.conn.Read(first[:]); err != nil {
		t.Fatal(err)
	}
	if string(first[:]) != "<?xml version='1.0'?>" {
		t.Fatalf("the stream begins with %q", first)
	}
}

func TestWrongPasswordAndTries(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.LoginTries = 3 })
	w.auth.add(t, sasl.Hashes(), "alice")
	for _, user := range []string{"alice", "nobody"} {
		c := w.secure()
		c.open("")
		for i := range 3 {
			cl := scram(user)
			cl.Password = "wrong"
			e := c.authenticate(sasl.ScramSHA256, cl, "<bind xmlns='"+ns.Bind2+"'/>")
			if !e.Is(ns.SASL2, "failure") || e.Child(ns.SASL, "not-authorized").IsZero() || e.CountChildren() != 1 {
				t.Fatalf("%s, try %d: %s", user, i, e.Source())
			}
		}
		c.expectError(stream.PolicyViolation)
		c.expectGone()
	}
	if got := w.srv.Counters().LoginFailed.Load(); got != 6 {
		t.Errorf("%d failures counted", got)
	}
	if got := w.parts.notes(); len(got) != 0 {
		t.Errorf("something was bound: %q", got)
	}
}

// A second try on the same stream may succeed, with another kind of SASL even.
func TestTryAgain(t *testing.T) {
	w := newWorld(t)
	w.auth.add(t, sasl.Hashes(), "alice")
	c := w.secure()
	c.open("")
	cl := scram("alice")
	cl.Password = "wrong"
	if e := c.authenticate(sasl.ScramSHA256, cl, ""); !e.Is(ns.SASL2, "failure") {
		t.Fatal(e.Source())
	}
	c.send("<authenticate xmlns='" + ns.SASL2 + "' mechanism='SCRAM-SHA-256'><initial-response>" + b64(scram("alice").First()) + "</initial-response></authenticate>")
	c.expect(ns.SASL2, "challenge")
	c.send("<abort xmlns='" + ns.SASL2 + "'/>")
	if e := c.expect(ns.SASL2, "failure"); e.Child(ns.SASL, "aborted").IsZero() {
		t.Fatal(e.Source())
	}
	c.send("<auth xmlns='" + ns.SASL + "' mechanism='SCRAM-SHA-256'>" + b64(scram("alice").First()) + "</auth>")
	c.expect(ns.SASL, "challenge")
	c.send("<abort xmlns='" + ns.SASL + "'/>")
	c.expect(ns.SASL, "failure")
	c.send("<auth xmlns='" + ns.SASL + "' mechanism='SCRAM-SHA-256'>!</auth>")
	if e := c.expect(ns.SASL, "failure"); e.Child(ns.SASL, "incorrect-encoding").IsZero() {
		t.Fatal(e.Source())
	}
	c.login2("alice", "<bind xmlns='"+ns.Bind2+"'/>")
	c.available()
}

func TestIdentityIsBound(t *testing.T) {
	w := newWorld(t)
	w.auth.add(t, sasl.Hashes(), "alice", "bob")

	// Signed in as alice, a stream of bob (RFC 6120 section 4.7.1).
	c := w.secure()
	c.open("from='alice@" + domain + "'")
	cl := scram("alice")
	c.send("<auth xmlns='" + ns.SASL + "' mechanism='SCRAM-SHA-256'>" + b64(cl.First()) + "</auth>")
	answer, err := cl.Next(unb64(t, c.expect(ns.SASL, "challenge").Text()))
	if err != nil {
		t.Fatal(err)
	}
	c.send("<response xmlns='" + ns.SASL + "'>" + b64(answer) + "</response>")
	c.expect(ns.SASL, "success")
	c.sendOpen("from='bob@" + domain + "'")
	c.expectError(stream.InvalidFrom)

	// To act as somebody else.
	c = w.secure()
	c.open("")
	cl = scram("alice")
	cl.Authzid = "bob@" + domain
	if e := c.authenticate(sasl.ScramSHA256, cl, ""); e.Child(ns.SASL, "invalid-authzid").IsZero() {
		t.Fatal(e.Source())
	}

	// Once signed in, nobody signs in again.
	c = w.secure()
	c.login("alice", "")
	c.send("<authenticate xmlns='" + ns.SASL2 + "' mechanism='SCRAM-SHA-256'/>")
	c.expectError(stream.PolicyViolation)
}

func TestStreamHeaders(t *testing.T) {
	for _, tc := range []struct {
		name, attrs string
		want        stream.Condition
	}{
		{"other host", "to='elsewhere.example'", stream.HostUnknown},
		{"no host", "to=''", stream.HostUnknown},
		{"malformed host", "to='a@@b'", stream.HostUnknown},
		{"account for a host", "to='alice@kith.example'", stream.HostUnknown},
		{"old version", "version='0.9'", stream.UnsupportedVersion},
		{"no version", "version=''", stream.UnsupportedVersion},
		{"from elsewhere", "from='alice@elsewhere.example'", stream.InvalidFrom},
		{"malformed from", "from='@'", stream.InvalidFrom},
	} {
		for _, tr := range []string{"tcp", "websocket"} {
			t.Run(tc.name+"/"+tr, func(t *testing.T) {
				w := newWorld(t)
				var c *wire
				if tr == "tcp" {
					c = w.tcp(w.srv.Serve)
				} else {
					c = w.webSocket()
				}
				c.sendOpen(tc.attrs)
				c.expectError(tc.want)
				c.expectGone()
			})
		}
	}
	t.Run("namespace of servers", func(t *testing.T) {
		w := newWorld(t)
		c := w.tcp(w.srv.Serve)
		c.send("<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' to='kith.example' version='1.0'>")
		c.expectError(stream.InvalidNamespace)
	})
	t.Run("namespace of the stream", func(t *testing.T) {
		w := newWorld(t)
		c := w.tcp(w.srv.Serve)
		c.send("<stream:stream xmlns='jabber:client' xmlns:stream='http://example.org/' to='kith.example' version='1.0'>")
		c.expectError(stream.InvalidNamespace)
	})
	t.Run("encoding", func(t *testing.T) {
		w := newWorld(t)
		c := w.tcp(w.srv.Serve)
		c.send("<?xml version='1.0' encoding='ISO-8859-1'?>")
		c.expectError(stream.UnsupportedEncoding)
	})
}

func TestStanzasBeforeLogin(t *testing.T) {
	w := newWorld(t)
	w.auth.add(t, sasl.Hashes(), "alice")
	for _, dial := range []func() *wire{func() *wire { return w.tcp(w.srv.Serve) }, w.secure, w.webSocket} {
		c := dial()
		c.open("")
		c.send(c.ns("<message", " to='alice@kith.example'><body>hi</body></message>"))
		c.expectError(stream.NotAuthorized)
	}
	c := w.secure()
	c.open("")
	c.authenticate(sasl.ScramSHA256, scram("alice"), "")
	c.expect(ns.Stream, "features")
	c.send("<presence/>")
	c.expectError(stream.NotAuthorized)
}

// XML that XMPP has no place for, on both transports, before and after login.
func TestHostileXML(t *testing.T) {
	big := strings.Repeat("x", earlyBytes)
	huge := strings.Repeat("x", int(DefaultConfig().StanzaBytes))
	cases := []struct {
		name, xml string
		want      stream.Condition
		late      bool // only interesting after login
	}{
		{"doctype", "<!DOCTYPE x [<!ENTITY a 'b'>]><x/>", stream.RestrictedXML, false},
		{"comment", "<message xmlns='jabber:client'><!-- x --></message>", stream.RestrictedXML, false},
		{"processing instruction", "<?php echo 1 ?>", stream.RestrictedXML, false},
		{"inner processing instruction", "<message xmlns='jabber:client'><?x y?></message>", stream.RestrictedXML, false},
		{"entity", "<message xmlns='jabber:client'><body>&lol;</body></message>", stream.RestrictedXML, false},
		{"mismatched tags", "<message xmlns='jabber:client'><a></b></message>", stream.NotWellFormed, false},
		{"unbound prefix", "<message xmlns='jabber:client'><a:b/></message>", stream.NotWellFormed, false},
		{"twice the same attribute", "<message xmlns='jabber:client' to='a' to='b'/>", stream.NotWellFormed, false},
		{"bare ampersand", "<message xmlns='jabber:client'><body>a & b</body></message>", stream.NotWellFormed, false},
		{"text between stanzas", "hello", stream.NotWellFormed, false},
		{"control character", "<message xmlns='jabber:client'><body>\x01</body></message>", stream.UnsupportedEncoding, false},
		{"not UTF-8", "<message xmlns='jabber:client'><body>\xff\xfe</body></message>", stream.UnsupportedEncoding, false},
		{"too long", "<message xmlns='jabber:client'><body>" + huge + "</body></message>", stream.PolicyViolation, false},
		{"too long for a stranger", "<message xmlns='jabber:client'><body>" + big + "</body></message>", stream.PolicyViolation, false},
		{"too many elements", "<message xmlns='jabber:client'>" + strings.Repeat("<a/>", 5000) + "</message>", stream.PolicyViolation, false},
		{"too deep", "<message xmlns='jabber:client'>" + strings.Repeat("<a>", 100) + strings.Repeat("</a>", 100) + "</message>", stream.PolicyViolation, false},
		{"too many attributes", "<message xmlns='jabber:client'" + manyAttrs(100) + "/>", stream.PolicyViolation, false},
		{"unknown element", "<hello xmlns='urn:example'/>", stream.UnsupportedStanzaType, false},
		{"other namespace", "<message xmlns='jabber:server'/>", stream.InvalidNamespace, false},
		{"forged sender", "<message xmlns='jabber:client' from='bob@kith.example/x' to='bob@kith.example'/>", stream.InvalidFrom, true},
		{"malformed sender", "<message xmlns='jabber:client' from='@@' to='bob@kith.example'/>", stream.InvalidFrom, true},
		{"mistaken resource", "<message xmlns='jabber:client' from='alice@kith.example/other'/>", stream.InvalidFrom, true},
	}
	for _, tc := range cases {
		for _, tr := range []string{"tcp", "websocket"} {
			for _, late := range []bool{false, true} {
				if tc.late && !late || late && tc.name == "too long for a stranger" {
					continue
				}
				phase := "/before"
				if late {
					phase = "/after"
				}
				t.Run(tc.name+"/"+tr+phase, func(t *testing.T) {
					w := newWorld(t)
					w.auth.add(t, sasl.Hashes(), "alice")
					var c *wire
					if tr == "tcp" {
						c = w.tcp(w.srv.Serve)
					} else {
						c = w.webSocket()
					}
					if late {
						c.login("alice", "")
					} else {
						c.open("")
					}
					if err := c.trySend(tc.xml); err != nil {
						var closed net.Error
						if !errors.As(err, &closed) {
							t.Fatal(err)
						}
					}
					c.expectError(tc.want)
					c.expectGone()
					if late {
						until(t, "the session ends", func() bool { return len(w.srv.sessions.all()) == 0 })
					}
				})
			}
		}
	}
}

func manyAttrs(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(" a")
		b.WriteString(itoa(uint32(i)))
		b.WriteString("='1'")
	}
	return b.String()
}

func TestBinaryMessages(t *testing.T) {
	w := newWorld(t)
	c := w.webSocket()
	if err := c.ws.Write(t.Context(), 2, []byte("<open/>")); err != nil {
		t.Fatal(err)
	}
	c.expectError(stream.BadFormat)
}

func TestLoginTakesTooLong(t *testing.T) {
	w := newWorld(t)
	for _, dial := range []func() *wire{func() *wire { return w.tcp(w.srv.Serve) }, w.secure, w.webSocket} {
		c := dial()
		c.open("")
		w.clock.Advance(DefaultConfig().LoginTime)
		c.expectError(stream.ConnectionTimeout)
		if c.ws == nil {
			c.close()
		} else {
			c.expectGone()
		}
		until(t, "the connection is forgotten", func() bool { w.srv.mu.Lock(); defer w.srv.mu.Unlock(); return len(w.srv.links) == 0 })
	}
	// In the middle of a handshake nothing can be said.
	c := w.tcp(w.srv.ServeTLS)
	until(t, "it waits", func() bool { return w.clock.Pending() > 0 })
	w.clock.Advance(DefaultConfig().LoginTime)
	c.expectGone()
	if got := w.srv.Counters().LoginTimeout.Load(); got != 4 {
		t.Errorf("%d timeouts counted", got)
	}
}

// Whoever says nothing more after the farewell is hung up on.
func TestFarewellHasAnEnd(t *testing.T) {
	w := newWorld(t)
	c := w.tcp(w.srv.Serve)
	c.sendOpen("to='elsewhere.example'")
	c.expectError(stream.HostUnknown)
	w.clock.Advance(closeTime)
	until(t, "the connection is forgotten", func() bool { w.srv.mu.Lock(); defer w.srv.mu.Unlock(); return len(w.srv.links) == 0 })
}

func TestTooManySessions(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Sessions = 2 })
	w.auth.add(t, sasl.Hashes(), "alice")
	a, b := w.secure(), w.secure()
	a.managed("alice")
	b.managed("alice")

	c := w.secure()
	c.open("")
	e := c.authenticate(sasl.ScramSHA256, scram("alice"), "<bind xmlns='"+ns.Bind2+"'/>")
	if e.Child(ns.SASL, "temporary-auth-failure").IsZero() || e.ChildText(ns.SASL2, "text") == "" {
		t.Fatalf("third session: %s", e.Source())
	}
	c.authenticate(sasl.ScramSHA256, scram("alice"), "")
	c.expect(ns.Stream, "features")
	c.send("<iq type='set' id='b'><bind xmlns='" + ns.Bind + "'/></iq>")
	if e := c.expect(ns.Client, "iq").Child(ns.Client, "error"); e.Child(ns.Stanzas, "resource-constraint").IsZero() || e.Attr("type") != "wait" {
		t.Fatalf("third resource: %s", e.Source())
	}
	if got := w.srv.Counters().TooManySession.Load(); got != 2 {
		t.Errorf("%d counted", got)
	}
	// One that lost its connection gives way.
	a.close()
	until(t, "a is away", func() bool { return w.srv.Counters().Detached.Load() == 1 })
	c.send("<iq type='set' id='c'><bind xmlns='" + ns.Bind + "'/></iq>")
	if e := c.expect(ns.Client, "iq"); e.Attr("type") != "result" {
		t.Fatalf("third resource: %s", e.Source())
	}
	if got := len(w.srv.sessions.all()); got != 2 {
		t.Errorf("%d sessions", got)
	}
}

// Whoever has to wait is told how long, where the protocol has room for it.
func TestRefusalTellsWhenToRetry(t *testing.T) {
	w := newWorld(t)
	w.auth.add(t, sasl.Hashes(), "alice")
	w.auth.failed = &sasl.Error{Condition: sasl.TemporaryAuthFailure, Text: "slowly", Retry: 1500 * time.Millisecond}
	c := w.secure()
	c.open("")
	e := c.authenticate(sasl.ScramSHA256, scram("alice"), "<bind xmlns='"+ns.Bind2+"'/>")
	if e.Child(ns.SASL, "temporary-auth-failure").IsZero() || e.Child(ns.KithAccount, "retry").Attr("seconds") != "2" {
		t.Errorf("SASL2: %s", e.Source())
	}
}

// The same client again takes the place of its former session; so does the same resource.
func TestReplacement(t *testing.T) {
	w := newWorld(t)
	w.auth.add(t, sasl.Hashes(), "alice")
	const agent = "<user-agent id='d4565fa7-4d72-4749-b3d3-740edbf87770'/>"
	a := w.secure()
	a.open("")
	a.login2("alice", agent+"<bind xmlns='"+ns.Bind2+"'><tag>One</tag></bind>")
	b := w.secure()
	b.open("")
	b.login2("alice", agent+"<bind xmlns='"+ns.Bind2+"'><tag>Two</tag></bind>")
	a.expectError(stream.Conflict)
	c := w.secure()
	c.open("")
	c.login2("alice", agent+"<bind xmlns='"+ns.Bind2+"'><tag>Two</tag></bind>")
	b.expectError(stream.Conflict)
	until(t, "one session is left", func() bool { return len(w.srv.sessions.all()) == 1 })
	c.available()

	for i := range 2 {
		d := w.secure()
		d.open("")
		d.authenticate(sasl.ScramSHA256, scram("alice"), "")
		d.expect(ns.Stream, "features")
		d.send("<iq type='set' id='b'><bind xmlns='" + ns.Bind + "'><resource>same</resource></bind></iq>")
		if e := d.expect(ns.Client, "iq"); e.Attr("type") != "result" {
			t.Fatalf("bind %d: %s", i, e.Source())
		}
		if i == 0 {
			defer d.expectError(stream.Conflict)
		}
	}
}

func TestResources(t *testing.T) {
	w := newWorld(t)
	w.auth.add(t, sasl.Hashes(), "alice")
	long := strings.Repeat("r", 1024)
	c := w.secure()
	c.open("")
	c.authenticate(sasl.ScramSHA256, scram("alice"), "")
	c.expect(ns.Stream, "features")
	c.send("<iq type='set' id='b'><bind xmlns='" + ns.Bind + "'><resource>" + long + "</resource></bind></iq>")
	if e := c.expect(ns.Client, "iq").Child(ns.Client, "error"); e.Child(ns.Stanzas, "bad-request").IsZero() {
		t.Fatalf("a resource that cannot be: %s", e.Source())
	}
	c.send("<iq type='get' id='x'><query xmlns='jabber:iq:roster'/></iq>")
	if e := c.expect(ns.Client, "iq").Child(ns.Client, "error"); e.Child(ns.Stanzas, "not-allowed").IsZero() {
		t.Fatalf("another request: %s", e.Source())
	}
	c.send("<iq type='set' id='b'><bind xmlns='" + ns.Bind + "'><resource>ok</resource></bind></iq>")
	c.expect(ns.Client, "iq")

	// A tag that cannot be part of a resource is left out.
	for _, tag := range []string{"", strings.Repeat("t", maxTag+1), "\u200f\u0007"} {
		d := w.secure()
		d.open("")
		w := xmltree.NewWriter(64)
		w.Element(ns.Bind2, "tag", tag)
		e := d.login2("alice", "<bind xmlns='"+ns.Bind2+"'>"+w.String()+"</bind>")
		if full := e.ChildText(ns.SASL2, "authorization-identifier"); !strings.HasPrefix(full, "alice@kith.example/~") {
			t.Errorf("tag %q: %s", tag, full)
		}
	}
}

// XEP-0484: a token is given out, used, bound to its mechanism, and ended.
func TestTokens(t *testing.T) {
	w := newWorld(t)
	w.auth.add(t, sasl.Hashes(), "alice")
	const agent = "<user-agent id='d4565fa7-4d72-4749-b3d3-740edbf87770'/>"
	const bind = "<bind xmlns='" + ns.Bind2 + "'/>"
	c := w.secure()
	f := c.open("from='alice@" + domain + "'")
	if o := offered(f); !slices.Contains(o.Tokens, sasl.HTSHA256Expr) || !slices.Contains(o.Tokens, sasl.HTSHA256EndP) {
		t.Fatalf("token mechanisms %v", o.Tokens)
	}
	e := c.login2("alice", agent+bind+"<request-token xmlns='"+ns.FAST+"' mechanism='HT-SHA-256-EXPR'/>")
	token := e.Child(ns.FAST, "token")
	if token.Attr("token") == "" || token.Attr("expiry") != "2026-03-02T12:00:00Z" {
		t.Fatalf("success %s", e.Source())
	}

	use := func(m sasl.Mechanism, extra string) xmltree.Element {
		d := w.secure()
		d.open("from='alice@" + domain + "'")
		cs := d.tls.ConnectionState()
		cl := &sasltest.Token{User: "alice", Token: token.Attr("token")}
		switch m {
		case sasl.HTSHA256Expr:
			cl.Data, _ = sasl.ExporterData(&cs)
		case sasl.HTSHA256EndP:
			cl.Data, _ = sasl.EndPointData(w.leaf)
		}
		return d.authenticate(m, cl, agent+bind+extra)
	}
	if e := use(sasl.HTSHA256Expr, "<fast xmlns='"+ns.FAST+"' count='1'/>"); !e.Is(ns.SASL2, "success") || e.Child(ns.Bind2, "bound").IsZero() {
		t.Fatal(e.Source())
	}
	if s := w.session(jid.Must("alice@kith.example/~devd456")); s.login.Password {
		t.Error("a login by token counts as one by password")
	}
	if e := use(sasl.HTSHA256EndP, "<fast xmlns='"+ns.FAST+"'/>"); e.Child(ns.SASL, "not-authorized").IsZero() {
		t.Fatalf("another mechanism: %s", e.Source())
	}
	if e := use(sasl.HTSHA256Expr, "<fast xmlns='"+ns.FAST+"' count='x'/>"); e.Child(ns.SASL, "malformed-request").IsZero() {
		t.Fatalf("malformed count: %s", e.Source())
	}
	if e := use(sasl.HTSHA256Expr, ""); !e.Is(ns.SASL2, "failure") {
		t.Fatalf("without the fast element: %s", e.Source())
	}
	if e := use(sasl.HTSHA256Expr, "<fast xmlns='"+ns.FAST+"' invalidate='true'/>"); !e.Is(ns.SASL2, "success") {
		t.Fatal(e.Source())
	}
	if e := use(sasl.HTSHA256Expr, "<fast xmlns='"+ns.FAST+"'/>"); e.Child(ns.SASL, "not-authorized").IsZero() {
		t.Fatalf("after it was invalidated: %s", e.Source())
	}
}

// XEP-0480: an account that knows only SHA-1 gets the other hashes on its way.
func TestUpgradeTasks(t *testing.T) {
	w := newWorld(t)
	w.auth.add(t, []sasl.Hash{sasl.SHA1}, "alice")
	c := w.secure()
	f := c.open("from='alice@" + domain + "'")
	var ups []string
	for u := range f.Child(ns.SASL2, "authentication").Children() {
		if u.Is(ns.SASLUpgrade, "upgrade") {
			ups = append(ups, u.Text())
		}
	}
	if !slices.Equal(ups, []string{"UPGR-SCRAM-SHA-512", "UPGR-SCRAM-SHA-256"}) {
		t.Fatalf("upgrades %v", ups)
	}
	cl := scram("alice")
	cl.Mechanism = sasl.ScramSHA1
	e := c.authenticate(sasl.ScramSHA1, cl, "<upgrade xmlns='"+ns.SASLUpgrade+"'>UPGR-SCRAM-SHA-256</upgrade><upgrade xmlns='"+ns.SASLUpgrade+"'>UPGR-SCRAM-MD5</upgrade><bind xmlns='"+ns.Bind2+"'/>")
	if !e.Is(ns.SASL2, "continue") || e.Child(ns.SASL2, "tasks").ChildText(ns.SASL2, "task") != "UPGR-SCRAM-SHA-256" {
		t.Fatal(e.Source())
	}
	c.send("<next xmlns='" + ns.SASL2 + "' task='UPGR-SCRAM-SHA-256'/>")
	salt := c.expect(ns.SASL2, "task-data").Child(ns.ScramUpgrade, "salt")
	if salt.Attr("iterations") != "4" || string(unb64(t, salt.Text())) != "other salt" {
		t.Fatal(salt.Source())
	}
	if got := w.parts.notes(); len(got) != 0 {
		t.Fatalf("bound before the tasks are done: %q", got)
	}
	salted := saltedPassword(t, "pass-alice", unb64(t, salt.Text()), 4)
	c.send("<task-data xmlns='" + ns.SASL2 + "'><hash xmlns='" + ns.ScramUpgrade + "'>" + b64(salted) + "</hash></task-data>")
	if e := c.expect(ns.SASL2, "success"); e.Child(ns.Bind2, "bound").IsZero() {
		t.Fatal(e.Source())
	}
	c.expect(ns.Stream, "features")
	c.available()

	d := w.secure()
	d.login("alice", "") // by SHA-256, with the new salt

	// Out of turn.
	x := w.secure()
	x.open("from='alice@" + domain + "'")
	cl = scram("alice")
	cl.Mechanism = sasl.ScramSHA1
	x.authenticate(sasl.ScramSHA1, cl, "<upgrade xmlns='"+ns.SASLUpgrade+"'>UPGR-SCRAM-SHA-512</upgrade>")
	x.send("<task-data xmlns='" + ns.SASL2 + "'><hash xmlns='" + ns.ScramUpgrade + "'>AAAA</hash></task-data>")
	if e := x.expect(ns.SASL2, "failure"); e.Child(ns.SASL, "malformed-request").IsZero() {
		t.Fatal(e.Source())
	}
}

// If the token cannot be written, the client is not signed in.
func TestFinishFails(t *testing.T) {
	w := newWorld(t)
	w.auth.add(t, sasl.Hashes(), "alice")
	w.auth.failed = errors.New("disk full")
	c := w.secure()
	c.open("")
	if e := c.authenticate(sasl.ScramSHA256, scram("alice"), "<bind xmlns='"+ns.Bind2+"'/>"); e.Child(ns.SASL, "temporary-auth-failure").IsZero() {
		t.Fatal(e.Source())
	}
	c.send("<message xmlns='jabber:client'/>")
	c.expectError(stream.NotAuthorized)
}

func TestSubprotocolIsNeeded(t *testing.T) {
	w := newWorld(t)
	req := "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
	w.webSocketURL()
	for _, extra := range []string{"", "Sec-WebSocket-Protocol: chat\r\n"} {
		conn, err := net.Dial("tcp", w.http.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(patience))
		if _, err := conn.Write([]byte(req + extra + "\r\n")); err != nil {
			t.Fatal(err)
		}
		b := make([]byte, 12)
		if _, err := conn.Read(b); err != nil || string(b) != "HTTP/1.1 400" {
			t.Errorf("%q: %q %v", extra, b, err)
		}
		_ = conn.Close()
	}
}

// A client that sends its first message along with the HTTP request is heard.
func TestEarlyWebSocketMessage(t *testing.T) {
	w := newWorld(t)
	w.webSocketURL()
	conn, err := net.Dial("tcp", w.http.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(patience))
	open := "<open xmlns='" + ns.Framing + "' to='elsewhere.example' version='1.0'/>"
	frame := append([]byte{0x81, 0x80 | byte(len(open)), 0, 0, 0, 0}, open...)
	req := "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: xmpp\r\n\r\n"
	if _, err := conn.Write(append([]byte(req), frame...)); err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	b := make([]byte, 4096)
	for !strings.Contains(got.String(), "host-unknown") {
		n, err := conn.Read(b)
		if err != nil {
			t.Fatalf("%v after %q", err, got.String())
		}
		got.Write(b[:n])
	}
}

func TestOldTLSHasNoExporter(t *testing.T) {
	w := newWorld(t)
	w.auth.add(t, sasl.Hashes(), "alice")
	c := w.tcp(w.srv.ServeTLS)
	config := w.clientTLS()
	config.MinVersion, config.MaxVersion = tls.VersionTLS12, tls.VersionTLS12
	c.upgrade(config)
	o := offered(c.open(""))
	if slices.Contains(o.Bindings, sasl.Exporter) || !slices.Contains(o.Bindings, sasl.ServerEndPoint) || !slices.Contains(o.Mechanisms, sasl.ScramSHA256Plus) {
		t.Fatalf("offer %+v", o)
	}
}
