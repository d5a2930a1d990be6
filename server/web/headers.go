package web

import (
	"net/http"
	"regexp"
	"strings"

	"github.com/labstack/echo/v4"
)

// policyBefore and policyAfter enclose the address of the WebSocket in the Content-Security-Policy.
// The app is script, style and data of this origin and nothing else: no inline script, no style
// attribute, no third party, no frame. WebAssembly needs a word of its own. Of the Trusted Types
// policies, solid parses the fixed templates that the compiler of the UI library makes, and the
// other two name the one worker script and the one service worker.
const (
	policyBefore = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' blob: data:; " +
		"connect-src 'self' "
	policyAfter = "; worker-src 'self'; manifest-src 'self'; font-src 'self'; media-src 'self' blob:; " +
		"base-uri 'none'; form-action 'self'; frame-ancestors 'none'; " +
		"require-trusted-types-for 'script'; trusted-types solid kith-worker kith-service-worker"

	permissions = "accelerometer=(), browsing-topics=(), camera=(self), display-capture=(self), " +
		"fullscreen=(self), geolocation=(self), gyroscope=(), hid=(), magnetometer=(), microphone=(self), midi=(), " +
		"payment=(), serial=(), usb=(), xr-spatial-tracking=()"
)

// host is what may stand in a Host header that is repeated in a policy.
var host = regexp.MustCompile(`^[A-Za-z0-9.\-]+(:[0-9]+)?$|^\[[0-9A-Fa-f:.]+\](:[0-9]+)?$`)

// headers are on every answer: the script of a worker has a policy of its own (CSP3 section 2.2),
// and an error page must not be the one without.
func (w *Web) headers(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r, h := c.Request(), c.Response().Header()
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Embedder-Policy", "require-corp")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Permissions-Policy", permissions)
		if !host.MatchString(r.Host) {
			h.Set("Content-Security-Policy", "default-src 'none'")
			return echo.NewHTTPError(http.StatusBadRequest, "bad host")
		}
		scheme := "ws://"
		if Secure(r) {
			scheme = "wss://"
			if w.opts.StrictTLS {
				h.Set("Strict-Transport-Security", "max-age=31536000")
			}
		}
		// Not every browser takes 'self' for the WebSocket of the same origin.
		h.Set("Content-Security-Policy", policyBefore+scheme+r.Host+policyAfter)
		return next(c)
	}
}

// redirect sends those who came without TLS to the address with TLS, except who asks for what
// describes the server.
func (w *Web) redirect(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		if !w.opts.Redirect || Secure(r) || r.URL.Path == "/healthz" || strings.HasPrefix(r.URL.Path, "/.well-known/") {
			return next(c)
		}
		if r.Method != http.MethodGet && r.Method != http.MethodHead || r.URL.Path == "/ws" {
			// What such a request had to say has crossed the network in the clear already.
			return echo.NewHTTPError(http.StatusForbidden, "use https")
		}
		return c.Redirect(http.StatusPermanentRedirect, w.opts.BaseURL+r.URL.RequestURI())
	}
}

// sameOrigin refuses what another site's page makes a browser send.
func sameOrigin(next echo.HandlerFunc) echo.HandlerFunc {
	protection := http.NewCrossOriginProtection()
	return func(c echo.Context) error {
		if err := protection.Check(c.Request()); err != nil {
			return echo.NewHTTPError(http.StatusForbidden, "cross-origin").SetInternal(err)
		}
		return next(c)
	}
}
