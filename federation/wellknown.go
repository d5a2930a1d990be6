package federation

import (
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"sync"
	"time"

	"kith/internal/clock"
)

// wellKnown asks the web servers of other domains: for the certificates of a server that is hosted
// elsewhere (POSH, RFC 7711), and for where it is (XEP-0487). What HTTPS has said is as good as a
// certificate for the domain itself.
type wellKnown struct {
	http  *http.Client
	clock clock.Clock
	limit chan struct{} // one token for each request under way

	mu    sync.Mutex // guards cache
	cache map[string]*known
}

// known is what a domain's web server said, or that it said nothing.
type known struct {
	until time.Time
	prints
	// pins and links are of XEP-0487.
	pins  []string
	links []target
}

// prints are the fingerprints of a POSH document.
type prints []map[string]string

const (
	wellKnownTime = 8 * time.Second
	maxDocument   = 64 << 10
	maxRedirects  = 3
	maxCache      = 1000
	// missTime is how long it is remembered that there is nothing, and the bounds of what documents
	// may ask for.
	missTime = 10 * time.Minute
	lifeMin  = time.Minute
	lifeMax  = 24 * time.Hour
)

// newWellKnown makes the client. dial reaches a host by name, within the bounds of this server.
func newWellKnown(roots *x509.CertPool, clk clock.Clock, dial func(ctx context.Context, network, address string) (net.Conn, error)) *wellKnown {
	return &wellKnown{
		clock: clk, limit: make(chan struct{}, 16), cache: map[string]*known{},
		http: &http.Client{
			Timeout: wellKnownTime,
			Transport: &http.Transport{
				DialContext: dial, DisableKeepAlives: true, MaxResponseHeaderBytes: 16 << 10, ForceAttemptHTTP2: true,
				TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12, Time: clk.Now},
			},
			CheckRedirect: func(r *http.Request, via []*http.Request) error {
				if r.URL.Scheme != "https" || len(via) > maxRedirects {
					return errors.New("federation: a redirection that is not followed")
				}
				return nil
			},
		},
	}
}

var errNoDocument = errors.New("federation: no such document")

// fetch reads a small JSON document.
func (k *wellKnown) fetch(ctx context.Context, from string, into any) error {
	u, err := url.Parse(from)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil {
		return errNoDocument
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return err
	}
	r.Header.Set("Accept", "application/json")
	resp, err := k.http.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return errNoDocument
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxDocument+1))
	if err != nil {
		return err
	}
	if len(text) > maxDocument {
		return errNoDocument
	}
	return json.Unmarshal(text, into)
}

// remember gives what is known of a kind of document of a domain, after looking if it is not known.
func (k *wellKnown) remember(ctx context.Context, kind, domain string, look func(host string) (*known, time.Duration)) *known {
	key := kind + domain
	now := k.clock.Now()
	k.mu.Lock()
	if d := k.cache[key]; d != nil && now.Before(d.until) {
		k.mu.Unlock()
		return d
	}
	k.mu.Unlock()
	host, err := ascii(domain)
	if _, isIP := address(domain); err != nil || isIP {
		return &known{}
	}
	select {
	case k.limit <- struct{}{}:
		defer func() { <-k.limit }()
	case <-ctx.Done():
		return &known{}
	}
	d, life := look(host)
	if ctx.Err() != nil && d == nil {
		return &known{}
	}
	if d == nil {
		d, life = &known{}, missTime
	}
	d.until = now.Add(min(max(life, lifeMin), lifeMax))
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.cache) >= maxCache {
		clear(k.cache) // a bound, not a policy
	}
	k.cache[key] = d
	return d
}

// poshDocument is RFC 7711 section 3: fingerprints, or where they are.
type poshDocument struct {
	Fingerprints prints `json:"fingerprints"`
	URL          string `json:"url"`
	Expires      int64  `json:"expires"`
}

// posh reports whether the domain's web server names this certificate (RFC 7711).
func (k *wellKnown) posh(ctx context.Context, domain string, cert *x509.Certificate) bool {
	d := k.remember(ctx, "posh:", domain, func(host string) (*known, time.Duration) {
		from := "https://" + host + "/.well-known/posh/xmpp-server.json"
		life := lifeMax
		for range 2 {
			var doc poshDocument
			if err := k.fetch(ctx, from, &doc); err != nil {
				return nil, 0
			}
			life = min(life, seconds(doc.Expires))
			if doc.URL == "" {
				return &known{prints: doc.Fingerprints}, life
			}
			from = doc.URL // once (RFC 7711 section 3.2)
		}
		return nil, 0
	})
	s2, s5 := sha256.Sum256(cert.Raw), sha512.Sum512(cert.Raw)
	return slices.ContainsFunc(d.prints, func(p map[string]string) bool {
		// The stronger one counts where there are several.
		if v, ok := p["sha-512"]; ok {
			return v == base64.StdEncoding.EncodeToString(s5[:])
		}
		return p["sha-256"] == base64.StdEncoding.EncodeToString(s2[:])
	})
}

// seconds is a number of seconds that somebody else wrote.
func seconds(n int64) time.Duration {
	return time.Duration(min(max(n, 0), int64(lifeMax/time.Second))) * time.Second
}

// hostMeta is the document of XEP-0487.
type hostMeta struct {
	XMPP *struct {
		TTL  int64    `json:"ttl"`
		Pins []string `json:"public-key-pins-sha-256"`
	} `json:"xmpp"`
	Links []metaLink `json:"links"`
}

type metaLink struct {
	Rel      string   `json:"rel"`
	Port     uint16   `json:"port"`
	IPs      []string `json:"ips"`
	SNI      string   `json:"sni"`
	Priority int      `json:"priority"`
	Weight   uint16   `json:"weight"`
}

const relS2STLS = "urn:xmpp:alt-connections:s2s-tls"

func (k *wellKnown) hostMeta(ctx context.Context, domain string) *known {
	return k.remember(ctx, "meta:", domain, func(host string) (*known, time.Duration) {
		var doc hostMeta
		if err := k.fetch(ctx, "https://"+host+"/.well-known/host-meta.json", &doc); err != nil || doc.XMPP == nil {
			return nil, 0
		}
		d := &known{}
		for _, pin := range doc.XMPP.Pins {
			if b, err := base64.StdEncoding.DecodeString(pin); err == nil && len(b) == sha256.Size {
				d.pins = append(d.pins, hex.EncodeToString(b))
			}
		}
		slices.SortStableFunc(doc.Links, func(a, b metaLink) int { return a.Priority - b.Priority })
		for _, l := range doc.Links {
			if l.Rel != relS2STLS || l.Port == 0 || len(d.links) == maxTargets {
				continue
			}
			t := target{host: domain, port: l.Port, direct: true, sni: l.SNI}
			for _, s := range l.IPs {
				if ip, err := netip.ParseAddr(s); err == nil && ip.Zone() == "" && len(t.addrs) < maxTargets {
					t.addrs = append(t.addrs, ip.Unmap())
				}
			}
			if len(t.addrs) > 0 {
				d.links = append(d.links, t)
			}
		}
		return d, seconds(doc.XMPP.TTL)
	})
}

// pinned reports whether the domain's web server names this key.
func (k *wellKnown) pinned(ctx context.Context, domain, hash string) bool {
	return hash != "" && slices.Contains(k.hostMeta(ctx, domain).pins, hash)
}

// links are where the domain's web server says that its server is.
func (k *wellKnown) links(ctx context.Context, domain string) []target {
	return slices.Clone(k.hostMeta(ctx, domain).links)
}

// dialByName reaches web servers with the means of federation: its DNS and its bounds.
func (s *Service) dialByName(ctx context.Context, _, addr string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	n, err := net.LookupPort("tcp", port)
	if err != nil {
		return nil, err
	}
	t := &target{host: host, port: uint16(n)} //nolint:gosec // a port
	if err := s.finder.locate(ctx, t); err != nil {
		return nil, fmt.Errorf("federation: %s: %w", host, err)
	}
	return s.dialTarget(ctx, t)
}
