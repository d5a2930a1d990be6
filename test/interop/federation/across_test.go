package federation

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha1"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"kith/internal/stanza"
	"kith/internal/stream"
	"kith/internal/xmltree"
	"kith/test/peers"
)

const secret = "a secret for components"

// extended is another server with what these plays need beside the usual: a place for files, and a
// component. moderates says that its rooms know XEP-0425.
type extended struct {
	*peers.Server
	component int // where components connect
	files     string
	moderates bool
}

// change replaces the first text in the configuration of a server that has not started.
func change(t *testing.T, s *peers.Server, pairs ...string) {
	t.Helper()
	b, err := os.ReadFile(s.Config)
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(text, pairs[i]) {
			t.Fatalf("the configuration has no %q", pairs[i])
		}
		text = strings.Replace(text, pairs[i], pairs[i+1], 1)
	}
	if err := os.WriteFile(s.Config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func extendedProsody(t *testing.T, w *peers.World) *extended {
	s := &extended{Server: w.Prosody(peers.Options{Domain: "peer.example"}), component: w.Port(), files: "files.peer.example", moderates: true}
	https := w.Port()
	s.Also("push.peer.example", s.files)
	change(t, s.Server,
		`"roster";`, `"roster"; "cloud_notify"; "offline";`,
		"\nVirtualHost", fmt.Sprintf("\ncomponent_ports = { %d }\ncomponent_interfaces = { \"127.0.0.1\" }\nhttp_ports = {}\nhttps_ports = { %d }\nhttps_interfaces = { \"127.0.0.1\" }\nhttps_ssl = ssl\n\nVirtualHost", s.component, https))
	b, err := os.ReadFile(s.Config)
	if err != nil {
		t.Fatal(err)
	}
	more := fmt.Sprintf("\nComponent \"push.peer.example\"\n  component_secret = %q\nComponent %q \"http_file_share\"\n  http_external_url = \"https://%s:%d/\"\n", secret, s.files, s.files, https)
	if err := os.WriteFile(s.Config, append(b, more...), 0o600); err != nil {
		t.Fatal(err)
	}
	return s
}

func extendedEjabberd(t *testing.T, w *peers.World) *extended {
	s := &extended{Server: w.Ejabberd(peers.Options{Domain: "peer.example"}), component: w.Port(), files: "upload.peer.example"}
	https := w.Port()
	s.Also("push.peer.example")
	change(t, s.Server,
		"auth_method: internal", fmt.Sprintf(`  -
    port: %d
    ip: "127.0.0.1"
    module: ejabberd_service
    hosts:
      push.peer.example:
        password: %q
  -
    port: %d
    ip: "127.0.0.1"
    module: ejabberd_http
    tls: true
    request_handlers:
      /upload: mod_http_upload
auth_method: internal`, s.component, secret, https),
		"  mod_disco: {}\n", fmt.Sprintf("  mod_disco: {}\n  mod_push: {}\n  mod_http_upload:\n    put_url: https://@HOST@:%d/upload\n    docroot: %q\n    access: all_in\n", https, w.Path("files")))
	return s
}

func TestAcrossWithProsody(t *testing.T) {
	w := peers.New(t)
	across(t, w, extendedProsody(t, w))
}

func TestAcrossWithEjabberd(t *testing.T) {
	w := peers.New(t)
	across(t, w, extendedEjabberd(t, w))
}

// across are the plays of what is more than talking, in both directions.
func across(t *testing.T, w *peers.World, other *extended) {
	components := w.Port()
	t.Setenv("KITH_HTTPS", fmt.Sprintf("127.0.0.1:%d", w.Port()))
	ours, peer := ours(t, w, fmt.Sprintf("[components]\nlisten = \"127.0.0.1:%d\"\nsecrets = { \"wake.kith.example\" = %q }\n", components, secret)), &server{other.Server, t}
	ours.Also("wake.kith.example")
	peer.Start()
	ours.Start()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("%s\nours:\n%s\ntheirs:\n%s", ours.status(), ours.Logged(), peer.Logged())
		}
	})
	alice, bob := ours.sign("alice"), peer.sign("bob")
	alice.put("<presence/>")
	bob.put("<presence/>")
	both := [][2]*client{{alice, bob}, {bob, alice}}
	for _, p := range both {
		p[0].put(fmt.Sprintf("<presence type='subscribe' to='%s'/>", p[1].JID.Bare()))
		p[1].Wait(t, "the request", func(st *stanza.Stanza) bool { return st.Type == stanza.Subscribe && st.From == p[0].JID.Bare() })
		p[1].put(fmt.Sprintf("<presence type='subscribed' to='%s'/>", p[0].JID.Bare()))
		p[0].Wait(t, "the presence", func(st *stanza.Stanza) bool {
			return st.Kind == stanza.Presence && st.Type == stanza.Available && st.From == p[1].JID
		})
	}

	t.Run("what is said about messages", func(t *testing.T) {
		for _, p := range both {
			from, to := p[0], p[1]
			for _, v := range []struct{ xml, word string }{
				{"<reactions xmlns='urn:xmpp:reactions:0' id='m1'><reaction>\U0001F44B</reaction></reactions>", "\U0001F44B"},
				{"<displayed xmlns='urn:xmpp:chat-markers:0' id='m2'/>", "urn:xmpp:chat-markers:0"},
				{"<received xmlns='urn:xmpp:receipts' id='m3'/>", "urn:xmpp:receipts"},
				{"<retract xmlns='urn:xmpp:message-retract:1' id='m4'/><fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:message-retract:1'/><body>taken back</body>", "urn:xmpp:message-retract:1"},
				{"<replace xmlns='urn:xmpp:message-correct:0' id='m5'/><body>corrected</body>", "urn:xmpp:message-correct:0"},
				{"<reply xmlns='urn:xmpp:reply:0' id='m6'/><body>an answer</body>", "urn:xmpp:reply:0"},
				{"<encrypted xmlns='urn:xmpp:omemo:2'><header sid='1'/><payload>AAAA</payload></encrypted><encryption xmlns='urn:xmpp:eme:0' namespace='urn:xmpp:omemo:2'/>", "urn:xmpp:eme:0"},
				{"<active xmlns='http://jabber.org/protocol/chatstates'/>", "chatstates"},
			} {
				from.put(fmt.Sprintf("<message to='%s' type='chat' id='s'>%s<store xmlns='urn:xmpp:hints'/></message>", to.JID.Bare(), v.xml))
				to.contains(v.word, from.JID.String(), v.word)
			}
		}
		// All of it is in Alice's archive, so that her other devices get it.
		alice.put("<iq type='set' id='mam'><query xmlns='urn:xmpp:mam:2' queryid='q'/></iq>")
		for _, word := range []string{"urn:xmpp:reactions:0", "urn:xmpp:chat-markers:0", "urn:xmpp:message-retract:1", "urn:xmpp:message-correct:0"} {
			alice.contains("the archive with "+word, "", "urn:xmpp:mam:2", word, "from='"+bob.JID.String())
		}
	})

	t.Run("a call", func(t *testing.T) {
		const jmi = "urn:xmpp:jingle-message:0"
		for _, p := range both {
			caller, callee := p[0], p[1]
			id := "call-" + caller.JID.Local()
			step := func(from, to *client, address, name, inner string) {
				from.put(fmt.Sprintf("<message to='%s' type='chat' id='j'><%s xmlns='%s' id='%s'>%s</%s><store xmlns='urn:xmpp:hints'/></message>", address, name, jmi, id, inner, name))
				to.contains(name, from.JID.String(), "<"+name+" ", id)
			}
			step(caller, callee, callee.JID.Bare().String(), "propose", "<description xmlns='urn:xmpp:jingle:apps:rtp:1' media='audio'/>")
			step(callee, caller, caller.JID.String(), "ringing", "")
			step(callee, caller, caller.JID.String(), "proceed", "")
			// The session itself is between the two devices; this one answers that it has none.
			st := caller.ask(fmt.Sprintf("<iq type='set' id='%s' to='%s'><jingle xmlns='urn:xmpp:jingle:1' action='session-initiate' sid='%s' initiator='%s'/></iq>", id, callee.JID, id, caller.JID))
			if f := st.ReadFault(); f == nil || f.Condition != stanza.ServiceUnavailable || st.From != callee.JID {
				t.Errorf("the device answers %s", st)
			}
			callee.contains("the session", caller.JID.String(), "session-initiate", id)
			step(caller, callee, callee.JID.String(), "finish", "<reason xmlns='urn:xmpp:jingle:1'><success/></reason>")
		}
	})

	t.Run("files", func(t *testing.T) {
		for _, p := range []struct {
			from, to *client
			service  string
		}{{alice, bob, "upload.kith.example"}, {bob, alice, other.files}} {
			file := make([]byte, 100_000)
			rand.Read(file)
			get := upload(t, w, p.from, p.service, file)
			p.from.put(fmt.Sprintf("<message to='%s' type='chat' id='f'><body>%s</body><x xmlns='jabber:x:oob'><url>%s</url></x></message>", p.to.JID.Bare(), get, get))
			st := p.to.message(get)
			if got := fetch(t, w, st.Child("jabber:x:oob", "x").ChildText("jabber:x:oob", "url")); !bytes.Equal(got, file) {
				t.Errorf("%s got %d bytes", p.to.JID, len(got))
			}
		}
	})

	for _, host := range []*server{ours, peer} {
		t.Run("moderation at "+host.Domain, func(t *testing.T) {
			owner, guest := alice, bob
			if host == peer {
				owner, guest = bob, alice
				if !other.moderates {
					t.Skip("its rooms do not know XEP-0425")
				}
			}
			room := "forum@groups." + host.Domain
			owner.put("<presence to='" + room + "/owner'><x xmlns='http://jabber.org/protocol/muc'/></presence>")
			owner.contains("the own presence", room+"/owner", "110")
			owner.ask("<iq type='set' id='cfg' to='" + room + "'><query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='submit'/></query></iq>")
			owner.ask(fmt.Sprintf("<iq type='set' id='mem' to='%s'><query xmlns='http://jabber.org/protocol/muc#admin'><item affiliation='member' jid='%s'/></query></iq>", room, guest.JID.Bare()))
			guest.put("<presence to='" + room + "/guest'><x xmlns='http://jabber.org/protocol/muc'/></presence>")
			guest.contains("the own presence", room+"/guest", "110")
			guest.put("<message to='" + room + "' type='groupchat' id='g'><body>spam and eggs</body></message>")
			said := owner.message("spam and eggs")
			guest.message("spam and eggs")
			id := said.Child("urn:xmpp:sid:0", "stanza-id").Attr("id")
			if id == "" {
				t.Fatalf("no id in %s", said)
			}
			moderate := "<moderate xmlns='urn:xmpp:message-moderate:1' id='" + id + "'><retract xmlns='urn:xmpp:message-retract:1'/><reason>rude</reason></moderate>"
			if host == peer { // what Prosody's module knows is the version before
				moderate = "<apply-to xmlns='urn:xmpp:fasten:0' id='" + id + "'><moderate xmlns='urn:xmpp:message-moderate:0'><retract xmlns='urn:xmpp:message-retract:0'/><reason>rude</reason></moderate></apply-to>"
			}
			// A guest may not; the owner may.
			if st := guest.ask("<iq type='set' id='no' to='" + room + "'>" + moderate + "</iq>"); st.Type != stanza.Error {
				t.Errorf("a guest moderates: %s", st)
			}
			if st := owner.ask("<iq type='set' id='mod' to='" + room + "'>" + moderate + "</iq>"); st.Type != stanza.Result {
				t.Errorf("moderation: %s", st)
			}
			guest.contains("the moderation", room, "moderated", id, "rude")
			guest.put("<iq type='set' id='mam' to='" + room + "'><query xmlns='urn:xmpp:mam:2' queryid='q'/></iq>")
			st := guest.contains("the archive", room, "urn:xmpp:mam:2", id)
			if holds(st, "spam and eggs") {
				t.Errorf("it is still in the archive: %s", st)
			}
			guest.put("<presence to='" + room + "/guest' type='unavailable'/>")
			owner.contains("the end", room+"/guest", "unavailable")
		})
	}

	t.Run("blocking", func(t *testing.T) {
		for _, p := range both {
			who, other := p[0], p[1]
			order := func(what string) {
				t.Helper()
				if st := who.ask(fmt.Sprintf("<iq type='set' id='%s'><%s xmlns='urn:xmpp:blocking'><item jid='%s'/></%s></iq>", what, what, other.JID.Bare(), what)); st.Type != stanza.Result {
					t.Fatalf("%s: %s", what, st)
				}
			}
			order("block")
			other.put(fmt.Sprintf("<message to='%s' type='chat' id='bl'><body>are you there?</body></message>", who.JID))
			// A request behind it is answered, with a refusal, when the message has been dealt with.
			if st := other.ask(fmt.Sprintf("<iq type='get' id='behind' to='%s'><ping xmlns='urn:xmpp:ping'/></iq>", who.JID)); st.Type != stanza.Error {
				t.Errorf("who is blocked gets %s", st)
			}
			order("unblock")
			other.put(fmt.Sprintf("<message to='%s' type='chat' id='ub'><body>and now?</body></message>", who.JID))
			who.Wait(t, "the second message", func(st *stanza.Stanza) bool {
				if st.Body() == "are you there?" && st.Type != stanza.Error {
					t.Errorf("%s received %s", who.JID, st)
				}
				return st.Body() == "and now?"
			})
		}
	})

	t.Run("an administrator looks after it in an app", func(t *testing.T) {
		ours.Command("", "user", "role", "alice@"+ours.Domain, "admin")
		const commands, node = "http://jabber.org/protocol/commands", "kith:federation:0#status"
		asked := alice.ask(fmt.Sprintf("<iq type='set' id='look' to='%s'><command xmlns='%s' node='%s' action='execute'/></iq>", ours.Domain, commands, node))
		session := asked.Child(commands, "command").Attr("sessionid")
		if asked.Type != stanza.Result || session == "" {
			t.Fatalf("the command: %s", asked)
		}
		st := alice.ask(fmt.Sprintf("<iq type='set' id='see' to='%s'><command xmlns='%s' node='%s' sessionid='%s' action='complete'><x xmlns='jabber:x:data' type='submit'>"+
			"<field var='FORM_TYPE'><value>kith:federation:0</value></field><field var='domain'><value>%s</value></field></x></command></iq>", ours.Domain, commands, node, session, peer.Domain))
		for _, want := range []string{"completed", "connected", "signed by CN=Test Authority", "certificate, TLS 1.3"} {
			if !holds(st, want) {
				t.Errorf("no %q in %s", want, st)
			}
		}
	})

	t.Run("a component here", func(t *testing.T) {
		c := attach(t, components, "wake.kith.example")
		bob.put("<message to='desk@wake.kith.example' type='chat' id='c'><body>to the component</body></message>")
		c.message("to the component")
		c.put(fmt.Sprintf("<message from='desk@wake.kith.example' to='%s' type='chat' id='d'><body>from the component</body></message>", bob.JID))
		bob.message("from the component")
		_ = c.conn.Close()
		<-c.over
	})

	t.Run("push", func(t *testing.T) {
		for _, p := range []struct {
			who, other **client
			at         *server
			port       int
			service    string
		}{{&alice, &bob, ours, other.component, "push.peer.example"}, {&bob, &alice, peer, components, "wake.kith.example"}} {
			who, writer := *p.who, *p.other
			c := attach(t, p.port, p.service)
			if st := who.ask("<iq type='set' id='push'><enable xmlns='urn:xmpp:push:0' jid='" + p.service + "' node='device-7'/></iq>"); st.Type != stanza.Result {
				t.Fatalf("enable: %s", st)
			}
			who.put("<presence type='unavailable'/></stream:stream>")
			<-who.over
			writer.Wait(t, "the end", func(st *stanza.Stanza) bool { return st.Type == stanza.Unavailable && st.From == who.JID })
			writer.put(fmt.Sprintf("<message to='%s' type='chat' id='wake'><body>wake up</body></message>", who.JID.Bare()))
			st := c.contains("the notification", "", "http://jabber.org/protocol/pubsub", "device-7", "urn:xmpp:push:0")
			if d := st.From.Domain(); d != p.at.Domain {
				t.Errorf("from %s", st.From)
			}
			if holds(st, "wake up") {
				t.Errorf("it tells what was written: %s", st)
			}
			c.put(fmt.Sprintf("<iq type='result' id='%s' from='%s' to='%s'/>", st.ID, p.service, st.From))
			again := p.at.again(who.JID.Local())
			again.put("<presence/>")
			again.catchUp("wake up")
			_ = c.conn.Close()
			<-c.over
			*p.who = again
		}
	})
}

// attach connects as a component (XEP-0114).
func attach(t *testing.T, port int, domain string) *client {
	t.Helper()
	const accept = "jabber:component:accept"
	conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		t.Fatal(err)
	}
	c := &client{t: t, conn: conn, over: make(chan struct{})}
	c.reader = stream.NewReader(conn, accept, xmltree.Limits{Bytes: 1 << 22, Elements: 1 << 20, Depth: 100, Attrs: 100}, &stream.Buffers{})
	c.put("<?xml version='1.0'?><stream:stream xmlns='" + accept + "' xmlns:stream='http://etherx.jabber.org/streams' to='" + domain + "'>")
	header, err := c.reader.Next()
	if err != nil || header.Kind != stream.Open {
		t.Fatalf("component %s: %v", domain, err)
	}
	c.put(fmt.Sprintf("<handshake>%x</handshake>", sha1.Sum([]byte(header.Header.ID+secret))))
	if e := c.element(); e.Local() != "handshake" {
		t.Fatalf("component %s: %s", domain, e.Source())
	}
	go c.read()
	t.Cleanup(func() { _ = conn.Close(); <-c.over })
	return c
}

// web reaches the web servers of the world, which are all on this machine.
func web(w *peers.World, host string) *http.Client {
	config := w.TLS(host).Clone()
	config.NextProtos = nil
	return &http.Client{Transport: &http.Transport{
		TLSClientConfig: config, DisableKeepAlives: true,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			_, port, err := net.SplitHostPort(address)
			if err != nil {
				return nil, err
			}
			return (&net.Dialer{}).DialContext(ctx, network, net.JoinHostPort("127.0.0.1", port))
		},
	}}
}

func hostIn(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" {
		t.Fatalf("%q is no address: %v", address, err)
	}
	return u.Hostname()
}

// upload sends a file to a service (XEP-0363) and returns where it is.
func upload(t *testing.T, w *peers.World, c *client, service string, file []byte) string {
	t.Helper()
	const space = "urn:xmpp:http:upload:0"
	st := c.ask(fmt.Sprintf("<iq type='get' id='slot' to='%s'><request xmlns='%s' filename='picture.jpg' size='%d' content-type='image/jpeg'/></iq>", service, space, len(file)))
	slot := st.Child(space, "slot")
	put, get := slot.Child(space, "put"), slot.Child(space, "get").Attr("url")
	if get == "" {
		t.Fatalf("no slot: %s", st)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, put.Attr("url"), bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "image/jpeg")
	for h := range put.Children() {
		r.Header.Set(h.Attr("name"), h.Text())
	}
	resp, err := web(w, hostIn(t, put.Attr("url"))).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusCreated {
		text, _ := io.ReadAll(resp.Body)
		t.Fatalf("upload to %s: %s %s", service, resp.Status, text)
	}
	return get
}

func fetch(t *testing.T, w *peers.World, address string) []byte {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := web(w, hostIn(t, address)).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %v", address, resp.Status, err)
	}
	return b
}
