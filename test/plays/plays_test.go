package plays

import (
	"context"
	"crypto/tls"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"kith/internal/clock"
	"kith/internal/counter"
	"kith/server/auth"
	"kith/server/calls"
	"kith/server/servertest"
	"kith/server/web"
	"kith/test/peers"
)

var patience = flag.Duration("patience", 20*time.Second, "how long something may take that must happen")

var binary = flag.Bool("binary", false, "run the program in a process of its own as kith, not the server in this one")

func TestKith(t *testing.T) {
	all := rehearse(t, "kith")
	if *binary {
		w := peers.New(t)
		port, beside, secrets := w.Port(), w.Port(), ""
		for _, host := range all.hosts {
			secrets += fmt.Sprintf("%q = %q, ", host, peers.Secret)
		}
		t.Setenv("KITH_HTTP", fmt.Sprintf("127.0.0.1:%d", port))
		t.Setenv("KITH_URL", "http://"+domain)
		t.Setenv("KITH_TURN", fmt.Sprintf("127.0.0.1:%d", w.Port()))
		s := w.Kith(domain, fmt.Sprintf("[upload]\nmax_size = \"1MB\"\n[proxy]\nlisten = \"127.0.0.1:%d\"\n[contact]\nabuse = [\"mailto:abuse@%s\"]\n[components]\nlisten = \"127.0.0.1:%d\"\nsecrets = { %s }\n",
			w.Port(), domain, beside, strings.TrimSuffix(secrets, ", ")))
		s.HTTP, s.Beside = port, beside
		s.Start()
		all.perform(t, process{s, "kith", "/ws"})
		return
	}
	all.perform(t, newInside(t, all.hosts))
}

func TestProsody(t *testing.T) {
	t.Parallel()
	all := rehearse(t, "prosody")
	s := peers.New(t).Prosody(peers.Options{Domain: domain, Full: true, Components: all.hosts, Admins: all.bosses})
	s.Start()
	all.perform(t, process{s, "prosody", "/xmpp-websocket"})
}

func TestEjabberd(t *testing.T) {
	t.Parallel()
	all := rehearse(t, "ejabberd")
	s := peers.New(t).Ejabberd(peers.Options{Domain: domain, Full: true, Components: all.hosts, Admins: all.bosses})
	s.Start()
	all.perform(t, process{s, "ejabberd", "/ws"})
}

const domain = "example.org"

// repertoire is all that is played on a server, and what the server must know of it before.
type repertoire struct {
	plays         []Performance
	hosts, bosses []string
}

func rehearse(t *testing.T, kind string) repertoire {
	t.Helper()
	all, err := ReadAll(os.DirFS("."))
	if err != nil {
		t.Fatal(err)
	}
	if len(all) == 0 {
		t.Fatal("there are no plays")
	}
	var r repertoire
	for _, p := range all {
		if !slices.Contains(p.Servers, kind) {
			continue
		}
		for _, way := range p.By {
			if way.Servers != nil && !slices.Contains(way.Servers, kind) {
				continue
			}
			f := Performance{Play: p, Number: len(r.plays) + 1, By: way.Transport}
			r.plays = append(r.plays, f)
			r.hosts = append(r.hosts, f.Hosts(domain)...)
			r.bosses = append(r.bosses, f.Bosses(domain)...)
		}
	}
	return r
}

func (r repertoire) perform(t *testing.T, h House) {
	t.Helper()
	for _, p := range r.plays {
		name := p.Name
		if p.By != TCP {
			name += "/by " + p.By
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if said, err := Run(t.Context(), h, p, *patience); err != nil {
				if len(said) > 60 {
					said = append([]string{"..."}, said[len(said)-60:]...)
				}
				t.Fatalf("%v\n\n%s", err, strings.Join(said, "\n"))
			}
		})
	}
}

// inside is Kith in this process.
type inside struct {
	*servertest.Server
	web *httptest.Server
}

func newInside(t *testing.T, hosts []string) inside {
	t.Helper()
	relay, err := calls.NewRelay(servertest.RelayPort(t), domain, clock.Real{}, slog.New(slog.DiscardHandler), counter.New("turn_refused"), calls.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = relay.Close() })
	s := servertest.New(t, func(o *servertest.Options) {
		o.Relay = relay
		o.Config.Proxy.Listen = "127.0.0.1:5000" // which is not listened to here
		o.Config.Upload.MaxSize = 1_000_000
		o.Config.Contact.Abuse = []string{"mailto:abuse@" + domain}
		for _, host := range hosts {
			o.Config.Components.Secrets[host] = peers.Secret
		}
	})
	site, err := web.New(web.Options{
		Domain: domain, BaseURL: "https://" + domain, Frontend: fstest.MapFS{"index.html": {Data: []byte("<!doctype html>")}},
		WebSocket: s.WebSocket(nil), BOSH: s.BOSH(nil), Files: s.Files(), Accounts: s.Auth,
		Healthy: func(context.Context) error { return nil }, Clock: clock.Real{},
	})
	if err != nil {
		t.Fatal(err)
	}
	h := inside{s, httptest.NewTLSServer(site)}
	t.Cleanup(func() { h.web.CloseClientConnections(); h.web.Close() })
	return h
}

func (inside) Kind() string     { return "kith" }
func (h inside) Domain() string { return h.Server.Domain }

func (h inside) Account(ctx context.Context, name, password string, admin bool) error {
	role := auth.RoleMember
	if admin {
		role = auth.RoleAdmin
	}
	_, err := h.Auth.Create(ctx, name, role, auth.Password(password))
	return err
}

func (h inside) Dial(ctx context.Context, by string) (*peers.Conn, error) {
	client, base := h.Web()
	switch by {
	case WebSocket:
		return peers.WebSocket(ctx, client, base+"/ws", domain)
	case BOSH:
		return peers.BOSH(ctx, client, base+"/http-bind", domain), nil
	}
	ours, theirs := net.Pipe()
	h.Clients().ServeTLS(theirs)
	config := h.TLS()
	config.NextProtos = []string{"xmpp-client"}
	c := tls.Client(ours, config)
	if err := c.HandshakeContext(ctx); err != nil {
		return nil, err
	}
	return peers.NewConn(c, h.Server.Domain), nil
}

func (h inside) Attach(_ context.Context, host string) (*peers.Conn, error) {
	ours, theirs := net.Pipe()
	h.Components().Serve(theirs)
	return peers.Component(ours, host)
}

func (h inside) Web() (client *http.Client, base string) {
	t := h.web.Client().Transport.(*http.Transport).Clone()
	t.TLSClientConfig.ServerName = "example.com" // what the certificate is for
	t.ForceAttemptHTTP2 = false
	t.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, h.web.Listener.Addr().String())
	}
	return &http.Client{Transport: t}, "https://" + domain
}

// process is a server in a process of its own.
type process struct {
	*peers.Server
	kind      string
	websocket string // its path
}

func (h process) Kind() string   { return h.kind }
func (h process) Domain() string { return h.Server.Domain }

func (h process) Account(ctx context.Context, name, password string, admin bool) error {
	if h.Server.Account != nil {
		h.Server.Account(name, password)
		if admin {
			h.Command("", "user", "role", name+"@"+domain, "admin")
		}
		return nil
	}
	c, err := h.Server.Dial(ctx)
	if err != nil {
		return err
	}
	return c.Register(name, password)
}

func (h process) Dial(ctx context.Context, by string) (*peers.Conn, error) {
	client, base := h.Web()
	switch by {
	case WebSocket:
		return peers.WebSocket(ctx, client, base+h.websocket, domain)
	case BOSH:
		return peers.BOSH(ctx, client, base+"/http-bind", domain), nil
	}
	return h.Server.Dial(ctx)
}

func (h process) Attach(ctx context.Context, host string) (*peers.Conn, error) {
	c, err := (&net.Dialer{}).DialContext(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", h.Beside))
	if err != nil {
		return nil, err
	}
	return peers.Component(c, host)
}

func (h process) Web() (client *http.Client, base string) { return h.Server.Web(), "http://" + domain }
