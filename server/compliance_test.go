package server_test

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/coder/websocket"

	"kith/internal/clock"
	"kith/internal/counter"
	"kith/internal/ns"
	"kith/internal/sasl"
	"kith/internal/sasl/sasltest"
	"kith/internal/stanza"
	"kith/internal/xmltree"
	"kith/server/calls"
	"kith/server/servertest"
	"kith/server/web"
)

// subject is a server as the compliance tester of Conversations sees it: with everything switched on.
type subject struct {
	*servertest.Server
	t      *testing.T
	client *servertest.Client
	web    *httptest.Server
}

func newSubject(t *testing.T) *subject {
	t.Helper()
	relay, err := calls.NewRelay(servertest.RelayPort(t), "example.org", clock.Real{}, slog.New(slog.DiscardHandler), counter.New("turn_refused"), calls.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = relay.Close() })
	s := &subject{t: t}
	s.Server = servertest.New(t, func(o *servertest.Options) {
		o.Relay = relay
		o.Config.Proxy.Listen = ":5000"
	})
	s.Account("alice")
	s.client = s.Client("alice")
	s.client.Send(`<presence/>`)
	site, err := web.New(web.Options{
		Domain: "example.org", BaseURL: "https://example.org", Frontend: fstest.MapFS{"index.html": {Data: []byte("<!doctype html>")}},
		WebSocket: s.WebSocket(nil), BOSH: s.BOSH(nil), Files: s.Files(), Accounts: s.Auth,
		Healthy: func(context.Context) error { return nil }, Clock: clock.Real{},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.web = httptest.NewTLSServer(site)
	t.Cleanup(s.web.Close)
	return s
}

func (s *subject) disco(to, kind string) xmltree.Element {
	s.t.Helper()
	st := s.client.Ask(`<iq type='get' id='disco' to='` + to + `'><query xmlns='http://jabber.org/protocol/disco#` + kind + `'/></iq>`)
	if st.Type != stanza.Result {
		s.t.Fatalf("disco#%s of %s: %s", kind, to, st)
	}
	return st.Payload()
}

// has reports whether an address announces a feature.
func (s *subject) has(to, feature string) bool {
	s.t.Helper()
	for e := range s.disco(to, "info").Children() {
		if e.Is(ns.DiscoInfo, "feature") && e.Attr("var") == feature {
			return true
		}
	}
	return false
}

// service finds the service that announces a feature: an item of the domain.
func (s *subject) service(feature string) string {
	s.t.Helper()
	for e := range s.disco("example.org", "items").Children() {
		if to := e.Attr("jid"); s.has(to, feature) {
			return to
		}
	}
	s.t.Fatalf("no service has %s", feature)
	return ""
}

const own = "alice@example.org"

// features are those of the stream after signing in.
func (s *subject) features() xmltree.Element {
	s.t.Helper()
	c := s.Dial()
	c.Open()
	cl := &sasltest.SCRAM{Mechanism: sasl.ScramSHA256, User: "alice", Password: servertest.Password, Flag: 'n'}
	c.Send("<auth xmlns='" + ns.SASL + "' mechanism='SCRAM-SHA-256'>" + base64.StdEncoding.EncodeToString(cl.First()) + "</auth>")
	challenge, err := base64.StdEncoding.DecodeString(c.Get().Text())
	if err != nil {
		s.t.Fatal(err)
	}
	out, err := cl.Next(challenge)
	if err != nil {
		s.t.Fatal(err)
	}
	c.Send("<response xmlns='" + ns.SASL + "'>" + base64.StdEncoding.EncodeToString(out) + "</response>")
	if e := c.Get(); !e.Is(ns.SASL, "success") {
		s.t.Fatalf("login: %s", e.Source())
	}
	return c.Open()
}

// room makes a group chat.
func (s *subject) room() string {
	s.t.Helper()
	room := "test@" + s.service(ns.MUC)
	s.client.Send(`<presence to='` + room + `/alice'><x xmlns='http://jabber.org/protocol/muc'/></presence>`)
	s.client.Wait(s.t, "to be in the room", func(st *stanza.Stanza) bool {
		return st.Kind == stanza.Presence && st.From.Bare().String() == room && strings.Contains(st.String(), "code='110'")
	})
	return room
}

// get makes an HTTP request and gives status, body and headers.
func (s *subject) do(method, path string) (int, string, http.Header) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.web.URL+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	resp, err := s.web.Client().Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return resp.StatusCode, string(b), resp.Header
}

// Each check of the compliance tester, with what makes it pass there.
func TestCompliance(t *testing.T) {
	s := newSubject(t)
	feature := func(to, name string) func(*testing.T) {
		return func(t *testing.T) {
			if !s.has(to, name) {
				t.Errorf("%s does not announce %s", to, name)
			}
		}
	}
	offered := func(space, local string) func(*testing.T) {
		return func(t *testing.T) {
			if f := s.features(); f.Child(space, local).IsZero() {
				t.Errorf("no %s in %s", local, f.Source())
			}
		}
	}
	for _, check := range []struct {
		name string
		run  func(*testing.T)
	}{
		{"0045 group chat", func(*testing.T) { s.service(ns.MUC) }},
		{"0313 archive of rooms", func(t *testing.T) {
			if room := s.room(); !s.has(room, ns.MAM) {
				t.Errorf("%s has no archive", room)
			}
		}},
		{"0153 avatars of rooms", func(t *testing.T) {
			if room := s.room(); !s.has(room, ns.VCardTemp) {
				t.Errorf("%s has no vCard", room)
			}
		}},
		{"0163 personal eventing", func(t *testing.T) {
			info := s.disco(own, "info")
			for e := range info.Children() {
				if e.Is(ns.DiscoInfo, "identity") && e.Attr("category") == "pubsub" && e.Attr("type") == "pep" {
					return
				}
			}
			t.Errorf("no identity pubsub/pep in %s", info.Source())
		}},
		{"0384 OMEMO", s.omemo},
		{"0398 avatar conversion", feature(own, "urn:xmpp:pep-vcard-conversion:0")},
		{"0411 bookmark conversion", feature(own, "urn:xmpp:bookmarks-conversion:0")},
		{"0313 archive", feature(own, ns.MAM)},
		{"0280 carbons", feature("example.org", ns.Carbons)},
		{"0191 blocking", feature("example.org", ns.Blocking)},
		{"0160 offline messages", feature("example.org", ns.OfflineFeature)},
		{"0357 push", feature(own, "urn:xmpp:push:0")},
		{"0363 upload", func(*testing.T) { s.service("urn:xmpp:http:upload:0") }},
		{"0363 upload from other origins", s.cors},
		{"0198 stream management", offered(ns.SM, "sm")},
		{"0352 client state", offered(ns.CSI, "csi")},
		{"0115 capabilities", offered(ns.Caps, "c")},
		{"0237 roster versions", offered(ns.RosterVer, "ver")},
		{"0065 proxy", func(t *testing.T) {
			st := s.client.Ask(`<iq type='get' id='p' to='` + s.service("http://jabber.org/protocol/bytestreams") + `'><query xmlns='http://jabber.org/protocol/bytestreams'/></iq>`)
			expect(t, "where", st, `<streamhost `, `host='example.org'`, `port='5000'`)
		}},
		{"0215 STUN and TURN", s.turn},
		{"0368 direct TLS", s.direct},
		{"0156 where else", s.hostMeta},
		{"0157 contact", func(t *testing.T) {
			if info := s.disco("example.org", "info").Source(); !strings.Contains(info, "'abuse-addresses'") {
				t.Errorf("no abuse-addresses in %s", info)
			}
		}},
		{"0077 registration", func(t *testing.T) {
			if f := s.Dial().Open(); f.Child(ns.RegisterFeature, "register").IsZero() {
				t.Errorf("no register in %s", f.Source())
			}
		}},
	} {
		t.Run(check.name, check.run)
	}
}

// omemo publishes a bundle that is open by publish-options, and looks whether the node is.
func (s *subject) omemo(t *testing.T) {
	if !s.has(own, ns.PubSub+"#publish-options") {
		t.Error("no publish-options")
	}
	const node = "eu.siacs.conversations.axolotl.bundles:1"
	st := s.client.Ask(`<iq type='set' id='b'><pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='` + node + `'><item><bundle xmlns='eu.siacs.conversations.axolotl'/></item></publish>` +
		`<publish-options><x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/pubsub#publish-options</value></field>` +
		`<field var='pubsub#access_model'><value>open</value></field></x></publish-options></pubsub></iq>`)
	expect(t, "publish", st, `type='result'`)
	st = s.client.Ask(`<iq type='get' id='c'><pubsub xmlns='http://jabber.org/protocol/pubsub#owner'><configure node='` + node + `'/></pubsub></iq>`)
	expect(t, "configuration", st, `<field var='pubsub#access_model' type='list-single' label='Who may read'><value>open</value>`)
}

// cors asks as a browser does before it uploads.
func (s *subject) cors(t *testing.T) {
	st := s.client.Ask(`<iq type='get' id='s' to='` + s.service("urn:xmpp:http:upload:0") + `'><request xmlns='urn:xmpp:http:upload:0' filename='a.jpg' size='10' content-type='image/jpeg'/></iq>`)
	put := st.Child("urn:xmpp:http:upload:0", "slot").Child("urn:xmpp:http:upload:0", "put").Attr("url")
	status, _, h := s.do(http.MethodOptions, strings.TrimPrefix(put, "https://example.org"))
	for _, name := range []string{"Access-Control-Allow-Origin", "Access-Control-Allow-Methods", "Access-Control-Allow-Headers"} {
		if status >= 300 || h.Get(name) == "" {
			t.Errorf("%d, no %s: %v", status, name, h)
		}
	}
}

func (s *subject) turn(t *testing.T) {
	st := s.client.Ask(`<iq type='get' id='x' to='example.org'><services xmlns='urn:xmpp:extdisco:2'/></iq>`)
	found := map[string]bool{}
	for e := range st.Payload().Children() {
		kind, transport := e.Attr("type"), e.Attr("transport")
		if e.Attr("host") == "" || e.Attr("port") == "" || transport != "udp" && transport != "tcp" ||
			kind == "turn" && (e.Attr("username") == "" || e.Attr("password") == "") {
			t.Errorf("service %s", e.Source())
		}
		found[kind+" "+transport] = true
	}
	for _, want := range []string{"stun udp", "turn udp", "turn tcp"} {
		if !found[want] {
			t.Errorf("no %s in %s", want, st)
		}
	}
}

// direct looks at the first bytes on a connection that begins with TLS.
func (s *subject) direct(t *testing.T) {
	ours, theirs := net.Pipe()
	s.Clients().ServeTLS(theirs)
	defer ours.Close()
	config := s.TLS()
	config.NextProtos = []string{"xmpp-client"}
	c := tls.Client(ours, config)
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := c.Write([]byte("<?xml version='1.0'?><stream:stream to='example.org' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>")); err != nil {
		t.Fatal(err)
	}
	first := make([]byte, 21)
	if _, err := io.ReadFull(c, first); err != nil || !strings.HasPrefix(string(first), "<?xml") || c.ConnectionState().NegotiatedProtocol != "xmpp-client" {
		t.Errorf("%q %v, ALPN %q", first, err, c.ConnectionState().NegotiatedProtocol)
	}
}

// hostMeta reads both documents and tries what they name.
func (s *subject) hostMeta(t *testing.T) {
	var links struct {
		Link []struct {
			Rel  string `xml:"rel,attr" json:"rel"`
			Href string `xml:"href,attr" json:"href"`
		} `xml:"Link" json:"links"`
	}
	for path, read := range map[string]func([]byte, any) error{"/.well-known/host-meta": xml.Unmarshal, "/.well-known/host-meta.json": json.Unmarshal} {
		links.Link = nil
		status, text, h := s.do(http.MethodGet, path)
		if err := read([]byte(text), &links); err != nil || status != 200 || h.Get("Access-Control-Allow-Origin") != "*" || len(links.Link) != 2 {
			t.Fatalf("%s: %d %q %v", path, status, text, err)
		}
		for _, l := range links.Link {
			switch l.Rel {
			case "urn:xmpp:alt-connections:websocket":
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
				ws, resp, err := websocket.Dial(ctx, s.web.URL+strings.TrimPrefix(l.Href, "wss://example.org"), &websocket.DialOptions{Subprotocols: []string{"xmpp"}, HTTPClient: s.web.Client()})
				cancel()
				if err != nil || ws.Subprotocol() != "xmpp" {
					t.Errorf("%s: %v %v", l.Href, resp, err)
					continue
				}
				_ = ws.CloseNow()
			case "urn:xmpp:alt-connections:xbosh":
				if status, _, _ := s.do(http.MethodOptions, strings.TrimPrefix(l.Href, "https://example.org")); status >= 300 {
					t.Errorf("%s: %d", l.Href, status)
				}
			default:
				t.Errorf("unknown: %+v", l)
			}
		}
	}
}
