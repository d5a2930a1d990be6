package plays

import (
	"context"
	"crypto/tls"
	"flag"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"kith/server/auth"
	"kith/server/servertest"
	"kith/test/peers"
)

var patience = flag.Duration("patience", 20*time.Second, "how long something may take that must happen")

var binary = flag.Bool("binary", false, "run the program in a process of its own as kith, not the server in this one")

func TestKith(t *testing.T) {
	if *binary {
		s := peers.New(t).Kith("example.org", "")
		s.Start()
		perform(t, process{s, "kith"})
		return
	}
	perform(t, inside{servertest.New(t)})
}

func TestProsody(t *testing.T) {
	t.Parallel()
	s := peers.New(t).Prosody(peers.Options{Domain: "example.org"})
	s.Start()
	perform(t, process{s, "prosody"})
}

func TestEjabberd(t *testing.T) {
	t.Parallel()
	s := peers.New(t).Ejabberd(peers.Options{Domain: "example.org"})
	s.Start()
	perform(t, process{s, "ejabberd"})
}

// perform runs all plays that a server can.
func perform(t *testing.T, h House) {
	t.Helper()
	all, err := ReadAll(os.DirFS("."))
	if err != nil {
		t.Fatal(err)
	}
	if len(all) == 0 {
		t.Fatal("there are no plays")
	}
	for i, p := range all {
		if !slices.Contains(p.Servers, h.Kind()) {
			continue
		}
		t.Run(p.Name, func(t *testing.T) {
			t.Parallel()
			if said, err := Run(t.Context(), h, p, i+1, *patience); err != nil {
				if len(said) > 60 {
					said = append([]string{"..."}, said[len(said)-60:]...)
				}
				t.Fatalf("%v\n\n%s", err, strings.Join(said, "\n"))
			}
		})
	}
}

// inside is Kith in this process.
type inside struct{ *servertest.Server }

func (inside) Kind() string     { return "kith" }
func (h inside) Domain() string { return h.Server.Domain }

func (h inside) Account(ctx context.Context, name, password string) error {
	_, err := h.Auth.Create(ctx, name, auth.RoleMember, auth.Password(password))
	return err
}

func (h inside) Dial(ctx context.Context) (*peers.Conn, error) {
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

// process is a server in a process of its own.
type process struct {
	*peers.Server
	kind string
}

func (h process) Kind() string   { return h.kind }
func (h process) Domain() string { return h.Server.Domain }

func (h process) Account(ctx context.Context, name, password string) error {
	if h.Server.Account != nil {
		h.Server.Account(name, password)
		return nil
	}
	c, err := h.Server.Dial(ctx)
	if err != nil {
		return err
	}
	return c.Register(name, password)
}
