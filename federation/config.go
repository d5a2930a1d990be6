package federation

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"kith/internal/config"
	"kith/internal/jid"
	"kith/internal/xmltree"
)

// Policy says with whom the server communicates.
type Policy string

// The policies. Rules for single domains go before them.
const (
	// DefaultPolicy is Open, except for the domain localhost, where it is Off.
	DefaultPolicy Policy = ""
	// Open: with every domain that is not blocked.
	Open Policy = "open"
	// AllowList: with those domains only that are allowed.
	AllowList Policy = "allow"
	// Off: with nobody but the push services.
	Off Policy = "off"
)

// ErrPolicy is wrapped by the error of [ParsePolicy].
var ErrPolicy = errors.New(`expected "open", "allow" or "off"`)

// ParsePolicy reads the name of a policy.
func ParsePolicy(s string) (Policy, error) {
	switch p := Policy(s); p {
	case Open, AllowList, Off:
		return p, nil
	case DefaultPolicy:
	}
	return "", fmt.Errorf("%q: %w", s, ErrPolicy)
}

// Config is the section [federation] of the configuration file: how the server communicates with
// other servers.
type Config struct {
	// Policy is with whom: "open" with every domain that is not blocked, "allow" with those only
	// that are allowed, "off" with no other server but the push services. Unless it is set, it is what
	// "kith federation policy" chose last, and without that "open"; for the domain localhost "off".
	Policy string `toml:"policy" example:"allow"`
	// Allow and Block are domains for which the policy does not count, subdomains included. The nearest
	// rule wins. "kith federation allow" and "block" add to them.
	Allow []string `toml:"allow" example:"[\"friends.example\"]"`
	// Block are domains from which nothing is taken and to which nothing is sent.
	Block []string `toml:"block" example:"[\"spam.example\"]"`
	// Push are the push services of app vendors. Apps on phones sleep until they are woken through
	// these servers, so they stay reachable when the policy is "allow" or "off"; they learn that
	// somebody is written to, and nothing of what. An empty list switches that off too.
	Push []string `toml:"push"`
	// Blocklists are lists of known spammers that other servers publish: addresses of pubsub nodes,
	// as SERVER/NODE. Strangers who are on one of them are refused.
	Blocklists []string `toml:"blocklists" example:"[\"rtbl.example/spam_source_domains\"]"`
	// Strangers is how many messages and contact requests of people who are nobody's contact are
	// let in from one domain in an hour.
	Strangers int `toml:"strangers"`

	// Dialback lets servers without a trusted certificate in: instead of it, the server is called
	// back at the address that DNS has for it (XEP-0220). Whoever can change what your DNS says or
	// redirect connections can then pass for any domain. Leave it off unless you must talk to such
	// a server; encryption is used in any case.
	Dialback bool `toml:"dialback"`
	// DANE takes certificates of other servers from DNS where that is signed (RFC 7673). It needs a
	// resolver that validates DNSSEC, on this machine or named in Resolver.
	DANE bool `toml:"dane"`
	// WellKnown takes the addresses and certificates of servers from the web server of their domain,
	// where those are hosted elsewhere (POSH, RFC 7711, and XEP-0487).
	WellKnown bool `toml:"well_known"`
	// CA is a file with further certificate authorities that are trusted with other servers, in PEM:
	// those of a closed network, or of a friend.
	CA string `toml:"ca" example:"/etc/kith/friends.pem"`
	// Certificates are further certificates, for the other domains that this server has, such as that
	// of its groups: the file with the certificate and the file with its key, joined by a colon.
	Certificates []string `toml:"certificates" example:"[\"/etc/kith/groups.crt:/etc/kith/groups.key\"]"`
	// Resolver is the DNS server to ask, as HOST:PORT. Unless it is set, it is that of the system.
	Resolver string `toml:"resolver" example:"127.0.0.1:53"`
	// PrivateAddresses lets DNS send this server to addresses of private networks. It is off so
	// that nobody can make the server talk to the other machines in its network.
	PrivateAddresses bool `toml:"private_addresses"`
	// Routes are addresses of servers that DNS need not be asked for: HOST:PORT for STARTTLS,
	// or tls:HOST:PORT for TLS from the start.
	Routes map[string]string `toml:"routes" example:"{ \"friends.example\" = \"192.0.2.7:5269\" }"`

	// KeepTime is how long messages and contact requests wait for a server that cannot be reached,
	// before they go back to their senders as undeliverable.
	KeepTime time.Duration `toml:"keep_time"`
	// QueueStanzas and QueueBytes bound what waits for one domain in memory; what is more waits
	// on disk.
	QueueStanzas int         `toml:"queue_stanzas"`
	QueueBytes   config.Size `toml:"queue_bytes"`
	// DiskStanzas and DiskBytes bound what waits for one domain on disk; what is more goes back to
	// its sender.
	DiskStanzas int         `toml:"disk_stanzas"`
	DiskBytes   config.Size `toml:"disk_bytes"`

	// StanzaBytes is the size of the largest stanza that is taken from other servers. It is announced
	// to them (XEP-0478).
	StanzaBytes config.Size `toml:"stanza_bytes"`
	// StanzaElements is how many elements such a stanza may be made of.
	StanzaElements int `toml:"stanza_elements"`
	// Unaccepted is how many stanzas of one connection may be waiting to be stored; it is read from
	// no further until some are.
	Unaccepted int `toml:"unaccepted"`
	// Rate is how many bytes in a second are taken from one connection on average. Faster ones are
	// read more slowly.
	Rate config.Size `toml:"rate"`
	// Handshakes is how many connections of other servers may be under way that have not proven yet
	// who they are.
	Handshakes int `toml:"handshakes"`
	// Connections is how many connections one domain may have to this server.
	Connections int `toml:"connections"`
	// ConnectTime is how long making a connection may take, and proving who one is.
	ConnectTime time.Duration `toml:"connect_time"`
	// AckTime is how long a server may take to acknowledge what it was sent before its connection
	// counts as lost.
	AckTime time.Duration `toml:"ack_time"`
	// WriteTime is how long the network may refuse what is sent before a connection counts as lost.
	WriteTime time.Duration `toml:"write_time"`
	// IdleTime is how long a connection stays open when nobody uses it.
	IdleTime time.Duration `toml:"idle_time"`
}

// DefaultConfig is what a server uses that is not told otherwise.
func DefaultConfig() Config {
	return Config{
		Push: []string{
			"p2.conversations.im", "p2.siacs.eu", "push.monal-im.org", "push.tigase.im",
			"push.snikket.net", "push-ios.snikket.net",
		},
		Strangers: 60,
		DANE:      true, WellKnown: true,
		KeepTime:     24 * time.Hour,
		QueueStanzas: 1000, QueueBytes: 2 << 20,
		DiskStanzas: 100_000, DiskBytes: 256 << 20,
		StanzaBytes: 512 << 10, StanzaElements: 8192,
		Unaccepted: 512, Rate: 1 << 20, Handshakes: 256, Connections: 10,
		ConnectTime: 30 * time.Second, AckTime: 30 * time.Second, WriteTime: time.Minute, IdleTime: 10 * time.Minute,
	}
}

// Validate says which options are out of their bounds, all of them.
func (c Config) Validate() error {
	check := config.NewCheck("federation")
	if _, err := ParsePolicy(c.Policy); err != nil && c.Policy != "" {
		check.Add("policy", "is %w", err)
	}
	for _, l := range []struct {
		name string
		all  []string
	}{{"allow", c.Allow}, {"block", c.Block}, {"push", c.Push}} {
		for _, d := range l.all {
			if _, err := domainOf(d); err != nil {
				check.Add(l.name, "has %q; expected domains such as example.org", d)
			}
		}
	}
	for _, b := range c.Blocklists {
		if _, _, err := parseList(b); err != nil {
			check.Add("blocklists", "has %q; expected SERVER/NODE", b)
		}
	}
	for _, domain := range slices.Sorted(maps.Keys(c.Routes)) {
		if _, err := domainOf(domain); err != nil {
			check.Add("routes", "has %q; expected a domain such as example.org", domain)
		}
		if _, err := parseRoute(c.Routes[domain]); err != nil {
			check.Add("routes", "sends %s to %q; expected HOST:PORT or tls:HOST:PORT", domain, c.Routes[domain])
		}
	}
	for _, pair := range c.Certificates {
		if cert, key, ok := strings.Cut(pair, ":"); !ok || cert == "" || key == "" {
			check.Add("certificates", "has %q; expected the file of a certificate and that of its key, joined by a colon", pair)
		}
	}
	if c.Resolver != "" {
		if _, err := parseRoute(c.Resolver); err != nil || strings.HasPrefix(c.Resolver, directPrefix) {
			check.Add("resolver", "is %q; expected HOST:PORT such as 127.0.0.1:53", c.Resolver)
		}
	}
	check.Number("strangers", c.Strangers, 1, 1_000_000)
	check.Span("keep_time", c.KeepTime, time.Minute, 30*24*time.Hour)
	check.Number("queue_stanzas", c.QueueStanzas, 10, 1<<20)
	check.Size("queue_bytes", c.QueueBytes, 64<<10, 1<<30)
	check.Number("disk_stanzas", c.DiskStanzas, 0, 10_000_000)
	check.Size("disk_bytes", c.DiskBytes, 0, 1<<40)
	// RFC 6120 section 13.12 asks for 10,000 bytes at least.
	check.Size("stanza_bytes", c.StanzaBytes, 10_000, 16<<20)
	check.Number("stanza_elements", c.StanzaElements, 100, 1<<20)
	check.Number("unaccepted", c.Unaccepted, 1, 1<<16)
	check.Size("rate", c.Rate, 10_000, 1<<40)
	check.Number("handshakes", c.Handshakes, 4, 1<<20)
	check.Number("connections", c.Connections, 2, 1000)
	check.Span("connect_time", c.ConnectTime, time.Second, 10*time.Minute)
	check.Span("ack_time", c.AckTime, time.Second, time.Hour)
	check.Span("write_time", c.WriteTime, time.Second, time.Hour)
	check.Span("idle_time", c.IdleTime, 10*time.Second, 24*time.Hour)
	return check.Err()
}

// Fixed limits and times.
const (
	// Before it is known who the other side is, memory is not spent on it.
	earlyBytes    = 16 << 10
	earlyElements = 64
	earlyDepth    = 8
	maxDepth      = 64
	maxAttrs      = 64
	// earlyItems bounds what a handshake may consist of.
	earlyItems = 64

	// patience is how long an acknowledgement may take before what waits for it is stored.
	patience = 500 * time.Millisecond
	// staleTime is how long what is of the moment waits: requests, whose senders do not wait longer,
	// and typing notifications.
	staleTime = time.Minute
	// roomTime is how long the messages of rooms wait. Who was away longer is no occupant any more.
	roomTime = 15 * time.Minute
	// delayTime is after how long a message is marked as delayed (XEP-0203).
	delayTime = 30 * time.Second
	// closeTime is how long the other side may take to hang up too.
	closeTime = 5 * time.Second
	// answerTime bounds how long an acknowledgement is held back until all before it is stored.
	answerTime = 10 * time.Second
	// ackAfter is how many stanzas are acknowledged without being asked.
	ackAfter = 64
	// batchBytes bounds what is written at once.
	batchBytes = 64 << 10
	// firstRetry and lastRetry are how long to wait after a connection failed; it doubles.
	firstRetry = 2 * time.Second
	lastRetry  = 15 * time.Minute
	// aliveTime is how long a connection has to live for its loss not to count as a failure.
	aliveTime = 10 * time.Second
	// maxTries is how often a stanza may be the one at which the other server ends the stream.
	maxTries = 3
	// maxDials bounds the connections that are being made at a time.
	maxDials = 256
	// maxEnded bounds how many ended streams are remembered for their counters.
	maxEnded = 4096
	// maxPeers bounds the domains of which statistics are kept.
	maxPeers = 10_000
	// maxKeys bounds the keys that are remembered of a domain.
	maxKeys = 4
	// mailboxSize bounds what may wait to be looked at by a link, which takes no time.
	mailboxSize = 4096
)

var earlyLimits = xmltree.Limits{Bytes: earlyBytes, Elements: earlyElements, Depth: earlyDepth, Attrs: maxAttrs}

func (c Config) limits() xmltree.Limits {
	return xmltree.Limits{Bytes: int(c.StanzaBytes), Elements: c.StanzaElements, Depth: maxDepth, Attrs: maxAttrs}
}

// domainOf is a domain as addresses have it, with memory of its own.
func domainOf(s string) (string, error) {
	j, err := jid.Parse(s)
	if err != nil {
		return "", err
	}
	if !j.IsDomain() {
		return "", fmt.Errorf("%q is not a domain", s)
	}
	return strings.Clone(j.Domain()), nil
}

// directPrefix marks a route on which TLS begins at once.
const directPrefix = "tls:"

// parseRoute reads the address of a server.
func parseRoute(s string) (target, error) {
	rest, direct := strings.CutPrefix(s, directPrefix)
	host, port, err := net.SplitHostPort(rest)
	if err != nil {
		return target{}, err
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 || host == "" {
		return target{}, fmt.Errorf("%q is not HOST:PORT", s)
	}
	return target{host: host, port: uint16(n), direct: direct, fixed: true}, nil
}
