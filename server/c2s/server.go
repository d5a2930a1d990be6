package c2s

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"

	"kith/internal/clock"
	"kith/internal/jid"
	"kith/internal/stream"
	"kith/server/module"
	"kith/server/router"
)

// Deps are what a [Server] needs.
type Deps struct {
	// Domain that is served.
	Domain jid.JID
	Auth   Authenticator
	// Accounts takes the sessions.
	Accounts Accounts
	// Registry has the stream features of the other parts. It must be complete.
	Registry *module.Registry
	// TLS has the certificates, in Certificates or GetCertificate; nil for no TLS.
	TLS   *tls.Config
	Clock clock.Clock
	// Log gets failures that no client is told of. It is given no address and no content.
	Log *slog.Logger
	// Ended are sessions of an earlier run, from [Server.Ended].
	Ended []Ended
}

// Accounts is where sessions live: [router.Accounts].
type Accounts interface {
	Bind(ctx context.Context, full jid.JID, s router.Stream, login module.Login, inline func(module.Account, module.Session)) (*router.Session, error)
}

var _ Accounts = (*router.Accounts)(nil)

// alpn is what XEP-0368 registers.
const alpn = "xmpp-client"

// Server takes the connections of clients. It is given them, it does not listen.
type Server struct {
	cfg      Config
	deps     Deps
	tls      *tls.Config // for STARTTLS
	direct   *tls.Config // for TLS from the first byte
	buffers  stream.Buffers
	counters Counters
	steps    [phases]map[name]step
	commands map[name]command
	sessions registry
	bosh     bosh
	ctx      context.Context
	cancel   context.CancelFunc

	stopping atomic.Bool // from the beginning of Shutdown on

	mu      sync.Mutex // guards links and closing
	links   map[*link]struct{}
	closing bool
	idle    chan struct{} // closed when closing and no link is left
}

// New makes a server.
func New(cfg Config, deps Deps) (*Server, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if !deps.Domain.IsDomain() {
		return nil, fmt.Errorf("c2s: domain %q", deps.Domain)
	}
	if deps.Log == nil {
		deps.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{
		cfg: cfg, deps: deps, counters: newCounters(),
		links: map[*link]struct{}{}, idle: make(chan struct{}), bosh: bosh{perAddress: cfg.BOSHPerAddress},
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	if deps.TLS != nil {
		s.tls = withLeaf(deps.TLS)
		s.direct = s.tls.Clone()
		s.direct.NextProtos = []string{alpn}
	}
	s.steps, s.commands = steps(), commands()
	s.sessions.init(deps.Ended)
	return s, nil
}

// Counters returns the live counters.
func (s *Server) Counters() Counters { return s.counters }

// Describe records the specifications and features that this package implements.
func Describe(r *module.Registry) {
	r.Follows(
		module.RFC{Number: 6120, Name: "core"},
		module.RFC{Number: 7395, Name: "WebSocket"},
		module.RFC{Number: 7590, Name: "TLS"},
		module.RFC{Number: 7622, Name: "addresses"},
	)
	r.Implements(
		module.XEP{Number: 124, Name: "Bidirectional-streams Over Synchronous HTTP (BOSH)", Version: "1.11.2", Note: "one stream a session"},
		module.XEP{Number: 156, Name: "Discovering Alternative XMPP Connection Methods", Version: "1.4.0"},
		module.XEP{Number: 198, Name: "Stream Management", Version: "1.6.3"},
		module.XEP{Number: 206, Name: "XMPP Over BOSH", Version: "1.4"},
		module.XEP{Number: 352, Name: "Client State Indication", Version: "1.0.0"},
		module.XEP{Number: 368, Name: "SRV records for XMPP over TLS", Version: "1.1.0"},
		module.XEP{Number: 386, Name: "Bind 2", Version: "1.1.0"},
		module.XEP{Number: 388, Name: "Extensible SASL Profile", Version: "1.0.4"},
		module.XEP{Number: 440, Name: "SASL Channel-Binding Type Capability", Version: "1.0.0"},
		module.XEP{Number: 474, Name: "SASL SCRAM Downgrade Protection", Version: "0.5.0"},
		module.XEP{Number: 478, Name: "Stream Limits Advertisement", Version: "0.2.0"},
		module.XEP{Number: 480, Name: "SASL Upgrade Tasks", Version: "0.2.0"},
		module.XEP{Number: 487, Name: "Host Meta 2 - One Method To Rule Them All", Version: "0.1.0", Note: "without Encrypted Client Hello and pins"},
		module.XEP{Number: 484, Name: "Fast Authentication Streamlining Tokens", Version: "0.2.0", Note: "without TLS 0-RTT"},
	)
}

// Serve takes over a TCP connection on which TLS begins by STARTTLS, and returns at once. The
// connection is closed once.
func (s *Server) Serve(c net.Conn) {
	s.counters.Connections.Inc()
	remote := remoteAddr(c.RemoteAddr())
	s.start(newTCP(c, s.cfg.LocalPlaintext && remote.IsLoopback(), earlyLimits, &s.buffers, s.deps.Clock), nil)
}

// ServeTLS takes over a TCP connection that begins with TLS (XEP-0368), and returns at once. TLS
// may have begun: then c is a *[tls.Conn] or embeds one. The channel binding tls-server-end-point
// can be used on such a connection if it has a method Leaf that returns the certificate that the
// client was shown.
func (s *Server) ServeTLS(c net.Conn) {
	s.counters.Connections.Inc()
	conn := newTCP(c, false, earlyLimits, &s.buffers, s.deps.Clock)
	s.start(conn, func(l *link) error {
		ctx, leaf := rememberLeaf(l.ctx)
		t, ok := c.(tlsConn)
		switch v, told := c.(interface{ Leaf() *x509.Certificate }); {
		case !ok && s.direct == nil:
			return errNoTLS
		case !ok:
			t = tls.Server(c, s.direct)
		case told:
			leaf = v.Leaf
		}
		if err := conn.secure(ctx, t, leaf); err != nil {
			return err
		}
		conn.Restart()
		return nil
	})
}

var errNoTLS = errors.New("c2s: there is no certificate")

// WebSocket serves XMPP over WebSocket (RFC 7395). security tells what protects a request; nil
// for what [RequestSecurity] says.
func (s *Server) WebSocket(security func(*http.Request) Security) http.Handler {
	if security == nil {
		security = s.RequestSecurity
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.counters.Connections.Inc()
		conn, err := acceptWS(w, r, security(r), earlyLimits, &s.buffers, s.deps.Clock)
		if err != nil {
			return // the client has been told
		}
		// The connection has left HTTP, whose goroutine and buffers are done with.
		s.start(conn, nil)
	})
}

// start runs a connection in a goroutine of its own. prepare, if not nil, comes first.
func (s *Server) start(conn Conn, prepare func(*link) error) {
	l := newLink(s, conn)
	s.mu.Lock()
	if s.closing {
		s.mu.Unlock()
		conn.Close()
		l.cancel()
		return
	}
	s.links[l] = struct{}{}
	s.mu.Unlock()
	go l.negotiate(prepare)
}

func (s *Server) forget(l *link) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.links, l)
	if s.closing && len(s.links) == 0 {
		close(s.idle)
	}
}

// Shutdown ends all streams with system-shutdown and gives up the sessions that could still be
// resumed. It returns when all connections are closed, or with the error of ctx, after closing the
// rest of them at once.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	if s.closing {
		s.mu.Unlock()
		return errors.New("c2s: shut down already")
	}
	s.closing = true
	s.stopping.Store(true)
	links := make([]*link, 0, len(s.links))
	for l := range s.links {
		links = append(links, l)
	}
	if len(links) == 0 {
		close(s.idle)
	}
	s.mu.Unlock()
	for _, sess := range s.sessions.all() {
		sess.finish(&stream.Error{Condition: stream.SystemShutdown})
	}
	for _, l := range links {
		l.end(&stream.Error{Condition: stream.SystemShutdown})
	}
	defer s.cancel()
	select {
	case <-s.idle:
		return nil
	case <-ctx.Done():
	}
	s.cancel()
	for _, l := range links {
		l.conn.Abort()
	}
	<-s.idle
	return ctx.Err()
}

// Online are the full addresses of all sessions, those without a connection among them.
func (s *Server) Online() []jid.JID {
	all := s.sessions.all()
	out := make([]jid.JID, len(all))
	for i, sess := range all {
		out[i] = sess.jid
	}
	return out
}

// Ended is a session that has ended, and how many stanzas of its client the server had taken. A
// client that tries to resume it is told, so that it need not send those again (XEP-0198 section 5).
type Ended struct {
	// ID is that of the stream management.
	ID string
	// Account is the bare address.
	Account jid.JID
	H       uint32
}

// Ended returns the sessions that have ended, oldest first. After [Server.Shutdown] it can be kept
// for the next run.
func (s *Server) Ended() []Ended { return s.sessions.endedList() }
