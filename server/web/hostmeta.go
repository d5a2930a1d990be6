package web

import (
	"context"
	"encoding/xml"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"
)

// The link relations of XEP-0156 section 4.1 and XEP-0487 section 2.1.
const (
	relWebSocket = "urn:xmpp:alt-connections:websocket"
	relBOSH      = "urn:xmpp:alt-connections:xbosh"
	// RelTLS and RelS2STLS are those of connections that begin with TLS, of apps and of servers.
	RelTLS    = "urn:xmpp:alt-connections:tls"
	RelS2STLS = "urn:xmpp:alt-connections:s2s-tls"
)

// Endpoint is where the server is reached beside HTTP.
type Endpoint struct {
	// Rel is a link relation of XEP-0487.
	Rel  string
	Port int
}

// webSocketURL is where the WebSocket is reached from outside.
func (w *Web) webSocketURL() string {
	return "ws" + strings.TrimPrefix(w.opts.BaseURL, "http") + "/ws"
}

// public lets the pages of other sites read the answer, as XEP-0156 section 5 asks.
func public(c echo.Context) {
	h := c.Response().Header()
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	h.Set("Cache-Control", "public, max-age=3600")
}

type hostMeta struct {
	XMLName xml.Name       `xml:"http://docs.oasis-open.org/ns/xri/xrd-1.0 XRD" json:"-"`
	XMPP    *hostMetaXMPP  `xml:"-" json:"xmpp,omitempty"`
	Links   []hostMetaLink `xml:"Link" json:"links"`
}

// hostMetaXMPP says that the links are all that one has to know (XEP-0487 section 2.1).
type hostMetaXMPP struct {
	TTL int `json:"ttl"`
}

type hostMetaLink struct {
	Rel  string `xml:"rel,attr" json:"rel"`
	Href string `xml:"href,attr,omitempty" json:"href,omitempty"`
	// What XEP-0487 adds.
	Port     int          `xml:"-" json:"port,omitempty"`
	IPs      []netip.Addr `xml:"-" json:"ips,omitempty"`
	Priority int          `xml:"-" json:"priority,omitempty"`
	Weight   int          `xml:"-" json:"weight,omitempty"`
	SNI      string       `xml:"-" json:"sni,omitempty"`
}

func (w *Web) meta() hostMeta {
	m := hostMeta{Links: []hostMetaLink{{Rel: relWebSocket, Href: w.webSocketURL()}}}
	if w.opts.BOSH != nil {
		m.Links = append(m.Links, hostMetaLink{Rel: relBOSH, Href: w.opts.BaseURL + boshPath})
	}
	return m
}

// metaTTL is how long the addresses in the answer can be relied on, in seconds.
const metaTTL = 3600

// fullMeta adds what XEP-0487 asks for, if the addresses of the server can be found out: a client that
// trusts the answer looks nowhere else.
func (w *Web) fullMeta(ctx context.Context) hostMeta {
	m := w.meta()
	base, err := url.Parse(w.opts.BaseURL)
	if err != nil || base.Scheme != "https" || len(w.opts.Endpoints) == 0 || w.opts.Resolve == nil {
		return m
	}
	site, ok := w.addresses.of(ctx, base.Hostname(), w.opts.Clock.Now(), w.opts.Resolve)
	domain, ok2 := w.addresses.of(ctx, w.opts.Domain, w.opts.Clock.Now(), w.opts.Resolve)
	if !ok || !ok2 {
		return m
	}
	m.XMPP = &hostMetaXMPP{TTL: metaTTL}
	for i := range m.Links {
		l := &m.Links[i]
		l.IPs, l.Priority, l.Weight, l.SNI = site, 20+10*i, 1, base.Hostname()
	}
	for _, e := range w.opts.Endpoints {
		m.Links = append(m.Links, hostMetaLink{Rel: e.Rel, Port: e.Port, IPs: domain, Priority: 10, Weight: 1, SNI: w.opts.Domain})
	}
	return m
}

// addresses remembers those of host names.
type addresses struct {
	mu    sync.Mutex // guards known
	known map[string]found
}

type found struct {
	ips []netip.Addr
	at  time.Time
}

// addressTime is how long what was found is not looked up again.
const addressTime = 5 * time.Minute

func (a *addresses) of(ctx context.Context, host string, now time.Time, resolve func(context.Context, string) ([]netip.Addr, error)) ([]netip.Addr, bool) {
	// One looks, and the others wait for what it finds.
	a.mu.Lock()
	defer a.mu.Unlock()
	f, ok := a.known[host]
	if !ok || now.Sub(f.at) >= addressTime {
		ips, err := resolve(ctx, host)
		if err != nil {
			ips = nil
		}
		f = found{ips, now}
		if a.known == nil {
			a.known = map[string]found{}
		}
		a.known[host] = f
	}
	return f.ips, len(f.ips) > 0
}

func (w *Web) hostMeta(c echo.Context) error {
	text, err := xml.Marshal(w.meta())
	if err != nil {
		return err
	}
	public(c)
	return c.Blob(http.StatusOK, "application/xrd+xml; charset=utf-8", append([]byte(xml.Header), text...))
}

func (w *Web) hostMetaJSON(c echo.Context) error {
	m := w.fullMeta(c.Request().Context())
	public(c)
	return c.JSON(http.StatusOK, m)
}
