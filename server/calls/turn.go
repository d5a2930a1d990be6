// Package calls helps calls to connect: a STUN and TURN server (RFC 8489, RFC 8656) with
// credentials for the server's own people only.
package calls

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/pion/logging"
	"github.com/pion/turn/v4"

	"kith/internal/clock"
	"kith/internal/counter"
)

// Relay is the STUN and TURN server.
type Relay struct {
	server      *turn.Server
	credentials credentials
	clock       clock.Clock
	config      Config
	own         netip.Addr
	realm       string
	port        uint16
	tcp         bool
	refused     *counter.Counter

	mu   sync.Mutex // guards held
	held map[string]int
}

// Listen is what the relay serves on; both have the same port. TCP may be nil.
type Listen struct {
	UDP net.PacketConn
	TCP net.Listener
}

// NewRelay starts the relay on sockets that it is given, and owns from then on. realm is the
// domain. refused counts allocations beyond an account's share.
func NewRelay(l Listen, realm string, clk clock.Clock, log *slog.Logger, refused *counter.Counter, config Config) (*Relay, error) {
	local, ok := l.UDP.LocalAddr().(*net.UDPAddr)
	if !ok {
		return nil, errors.New("calls: not a UDP socket")
	}
	own, err := relayAddress(config, local)
	if err != nil {
		return nil, err
	}
	r := &Relay{
		credentials: newCredentials(), clock: clk, config: config, own: own, realm: realm,
		port: local.AddrPort().Port(), tcp: l.TCP != nil, refused: refused, held: map[string]int{},
	}
	bind := "0.0.0.0"
	if own.Is6() {
		bind = "[::]"
	}
	if local.IP.IsLoopback() {
		bind = local.IP.String()
	}
	generator := func() turn.RelayAddressGenerator {
		return &turn.RelayAddressGeneratorPortRange{
			RelayAddress: own.AsSlice(), Address: bind, MinPort: uint16(config.MinPort), MaxPort: uint16(config.MaxPort), MaxRetries: 50, //nolint:gosec // validated
		}
	}
	c := turn.ServerConfig{
		Realm:        realm,
		AuthHandler:  r.authenticate,
		QuotaHandler: r.mayAllocate,
		EventHandler: turn.EventHandler{
			OnAllocationCreated: func(_, _ net.Addr, _, user, _ string, _ net.Addr, _ int) { r.count(user, 1) },
			OnAllocationDeleted: func(_, _ net.Addr, _, user, _ string) { r.count(user, -1) },
		},
		LoggerFactory: slogFactory{log},
		PacketConnConfigs: []turn.PacketConnConfig{{
			PacketConn: l.UDP, RelayAddressGenerator: generator(), PermissionHandler: r.mayRelay,
		}},
	}
	if l.TCP != nil {
		c.ListenerConfigs = []turn.ListenerConfig{{
			Listener: l.TCP, RelayAddressGenerator: generator(), PermissionHandler: r.mayRelay,
		}}
	}
	if r.server, err = turn.NewServer(c); err != nil {
		return nil, fmt.Errorf("calls: start the relay: %w", err)
	}
	return r, nil
}

// Close ends all relayed calls.
func (r *Relay) Close() error { return r.server.Close() }

// relayAddress is the address that peers are told to send to.
func relayAddress(c Config, local *net.UDPAddr) (netip.Addr, error) {
	if c.ExternalIP != "" {
		return netip.ParseAddr(c.ExternalIP)
	}
	if a, ok := netip.AddrFromSlice(local.IP); ok && !local.IP.IsUnspecified() {
		return a.Unmap(), nil
	}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return netip.Addr{}, fmt.Errorf("calls: find an address for the relay: %w", err)
	}
	var private netip.Addr
	for _, a := range addrs {
		p, ok := a.(*net.IPNet)
		if !ok {
			continue
		}
		ip, _ := netip.AddrFromSlice(p.IP)
		ip = ip.Unmap()
		if !ip.Is4() || !ip.IsGlobalUnicast() {
			continue
		}
		if !ip.IsPrivate() {
			return ip, nil
		}
		if !private.IsValid() {
			private = ip
		}
	}
	if private.IsValid() {
		return private, nil
	}
	return netip.AddrFrom4([4]byte{127, 0, 0, 1}), nil
}

func (r *Relay) authenticate(user, realm string, _ net.Addr) ([]byte, bool) {
	password, _, ok := r.credentials.check(user, r.clock.Now())
	if !ok {
		return nil, false
	}
	return turn.GenerateAuthKey(user, realm, password), true
}

func (r *Relay) mayAllocate(user, _ string, _ net.Addr) bool {
	_, pseudonym, ok := r.credentials.check(user, r.clock.Now())
	if !ok {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.held[pseudonym] >= r.config.PerAccount {
		r.refused.Inc()
		return false
	}
	return true
}

func (r *Relay) count(user string, by int) {
	_, pseudonym, _ := strings.Cut(user, ":")
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.held[pseudonym] += by; r.held[pseudonym] <= 0 {
		delete(r.held, pseudonym)
	}
}

// mayRelay keeps the relay from being a door into the network that it stands in: private, local
// and special addresses are refused, but for the relay's own, where the other side of a call may
// be relayed too.
func (r *Relay) mayRelay(_ net.Addr, peer net.IP) bool {
	ip, ok := netip.AddrFromSlice(peer)
	if !ok {
		return false
	}
	ip = ip.Unmap()
	if ip == r.own {
		return true
	}
	if ip.IsLoopback() || ip.IsMulticast() || ip.IsUnspecified() || ip.IsLinkLocalUnicast() || !ip.IsValid() || special(ip) {
		return false
	}
	return r.config.AllowPrivate || !ip.IsPrivate() && !sharedSpace.Contains(ip)
}

var (
	sharedSpace = netip.MustParsePrefix("100.64.0.0/10") // RFC 6598
	specials    = []netip.Prefix{
		netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("192.0.0.0/24"), netip.MustParsePrefix("198.18.0.0/15"),
		netip.MustParsePrefix("240.0.0.0/4"), netip.MustParsePrefix("64:ff9b::/96"), netip.MustParsePrefix("64:ff9b:1::/48"),
		netip.MustParsePrefix("2002::/16"), netip.MustParsePrefix("2001::/32"), netip.MustParsePrefix("fec0::/10"),
	}
)

// special are addresses that lead somewhere else than they seem to, or nowhere.
func special(ip netip.Addr) bool {
	for _, p := range specials {
		if p.Contains(ip) {
			return true
		}
	}
	return false
}

// slogFactory hands the relay's log lines on. Its library logs addresses of clients at every
// level; only that something failed is worth a line, and the rest is for debugging.
type slogFactory struct{ log *slog.Logger }

func (f slogFactory) NewLogger(string) logging.LeveledLogger { return slogLogger(f) }

type slogLogger struct{ log *slog.Logger }

func (l slogLogger) write(msg string) {
	l.log.LogAttrs(context.Background(), slog.LevelDebug, "relay", slog.String("detail", msg))
}

func (l slogLogger) Trace(string)              {}
func (l slogLogger) Tracef(string, ...any)     {}
func (l slogLogger) Debug(string)              {}
func (l slogLogger) Debugf(string, ...any)     {}
func (l slogLogger) Info(msg string)           { l.write(msg) }
func (l slogLogger) Infof(f string, a ...any)  { l.write(fmt.Sprintf(f, a...)) }
func (l slogLogger) Warn(msg string)           { l.write(msg) }
func (l slogLogger) Warnf(f string, a ...any)  { l.write(fmt.Sprintf(f, a...)) }
func (l slogLogger) Error(msg string)          { l.write(msg) }
func (l slogLogger) Errorf(f string, a ...any) { l.write(fmt.Sprintf(f, a...)) }

// expiry of credentials that are given out now.
func (r *Relay) expiry() time.Time { return r.clock.Now().Add(r.config.Lifetime) }
