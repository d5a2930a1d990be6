// Package web is what the server says over HTTP: the web app, the pages of invites and their API,
// and where the WebSocket is (XEP-0156). What happens on the WebSocket is not its business.
package web

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"kith/internal/clock"
	"kith/internal/counter"
	"kith/internal/throttle"
	"kith/server/auth"
)

// Accounts is what is needed of the accounts service.
type Accounts interface {
	// CheckInvite looks at a token without using it.
	CheckInvite(ctx context.Context, token string) (auth.Ticket, error)
	// Register makes an account with an invite.
	Register(ctx context.Context, t auth.Ticket, r auth.Registration) (auth.Registered, error)
	// ResetPassword sets a new password with an invite for that.
	ResetPassword(ctx context.Context, t auth.Ticket, cred auth.NewCredential) (local string, err error)
	// Params say how verifiers are made.
	Params() auth.Params
	// Links of an invite.
	Links(base string, inv auth.Invite) auth.Links
}

var _ Accounts = (*auth.Service)(nil)

// Options are what the handler needs.
type Options struct {
	// Domain of the accounts.
	Domain string
	// BaseURL is where the app is reached from outside: scheme, host and maybe a port, without a
	// slash at its end.
	BaseURL string
	// Redirect sends whoever comes without TLS to BaseURL.
	Redirect bool
	// StrictTLS tells browsers that came over TLS never to come without again (HSTS). Not with a
	// certificate that they do not trust.
	StrictTLS bool
	// Frontend holds the files of the app, index.html at its top.
	Frontend fs.FS
	// WebSocket serves /ws.
	WebSocket http.Handler
	// BOSH serves /http-bind; nil if it is not offered. It answers OPTIONS, too.
	BOSH http.Handler
	// Endpoints are where the server is reached beside HTTP, and Resolve finds the addresses of a host; without
	// them, clients look elsewhere.
	Endpoints []Endpoint
	Resolve   func(ctx context.Context, host string) ([]netip.Addr, error)
	// Files serves everything below /upload/: the files that people send. It answers OPTIONS, too.
	Files http.Handler
	// Maps serves everything below /api/v1/maps/: the pictures of maps; nil if there are none.
	Maps     http.Handler
	Accounts Accounts
	// Pairing signs in devices that others vouch for; nil if that is not offered.
	Pairing Pairing
	// DisplayName is how an account wants to be called, "" if it did not say.
	DisplayName func(ctx context.Context, local string) string
	// Healthy returns an error when the server cannot do its work.
	Healthy func(context.Context) error
	Clock   clock.Clock
	Log     *slog.Logger
}

// Counters tell what was refused.
type Counters struct {
	Throttled *counter.Counter // requests refused because their address made too many
}

// All lists the counters, for metrics.
func (c Counters) All() []*counter.Counter { return []*counter.Counter{c.Throttled} }

// Web answers HTTP requests.
type Web struct {
	opts     Options
	counters Counters
	echo     *echo.Echo
	static   *static
	lookups  *throttle.Throttle
	creates  *throttle.Throttle

	addresses addresses
}

// New puts the handler together. It reads the frontend's files once; they must not change.
func New(opts Options) (*Web, error) {
	if u, err := url.Parse(opts.BaseURL); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.Path != "" {
		return nil, fmt.Errorf("web: %q is not the address of a web app, such as https://chat.example.org", opts.BaseURL)
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	st, err := newStatic(opts.Frontend)
	if err != nil {
		return nil, fmt.Errorf("web: frontend: %w", err)
	}
	w := &Web{
		opts:     opts,
		counters: Counters{Throttled: counter.New("web_throttled")},
		echo:     echo.New(),
		static:   st,
		lookups:  throttle.New(lookupRate, lookupBurst),
		creates:  throttle.New(createRate, createBurst),
	}
	w.echo.HTTPErrorHandler = w.fail
	w.echo.Use(w.recovered, w.headers, w.redirect)
	w.routes()
	return w, nil
}

// Counters returns the live counters.
func (w *Web) Counters() Counters { return w.counters }

// boshPath is where XMPP over HTTP requests is.
const boshPath = "/http-bind"

func (w *Web) routes() {
	e := w.echo
	e.GET("/healthz", w.healthz)
	e.GET("/.well-known/host-meta", w.hostMeta)
	e.GET("/.well-known/host-meta.json", w.hostMetaJSON)
	e.GET("/ws", echo.WrapHandler(w.opts.WebSocket))
	if w.opts.BOSH != nil {
		e.Match([]string{http.MethodGet, http.MethodPost, http.MethodOptions}, boshPath, echo.WrapHandler(w.opts.BOSH))
	}
	e.Match([]string{http.MethodGet, http.MethodHead, http.MethodPut, http.MethodOptions}, "/upload/*", echo.WrapHandler(w.opts.Files))

	api := e.Group("/api/v1", middleware.BodyLimit("64K"), sameOrigin)
	api.GET("/server", w.describe)
	api.GET("/invites/:token", w.invite)
	api.POST("/invites/:token/account", w.register)
	api.GET("/invites/:token/password", w.reset)
	api.POST("/invites/:token/password", w.setPassword)
	if w.opts.Maps != nil {
		api.GET("/maps/*", echo.WrapHandler(w.opts.Maps))
	}
	if w.opts.Pairing != nil {
		api.POST("/pairing/:token", w.claim)
		api.POST("/pairing/:token/wait", w.await)
	}

	// The views of the app; it reads the path itself.
	for _, path := range []string{"/", "/i/*", "/l/*", "/add-account", "/chat/*", "/requests", "/archived", "/groups", "/g/*", "/open/*", "/settings", "/settings/*"} {
		e.GET(path, w.app)
		e.HEAD(path, w.app)
	}
	e.GET("/*", w.file)
	e.HEAD("/*", w.file)
}

// ServeHTTP implements [http.Handler].
func (w *Web) ServeHTTP(rw http.ResponseWriter, r *http.Request) { w.echo.ServeHTTP(rw, r) }

func (w *Web) app(c echo.Context) error {
	if w.static.index == nil {
		return w.notBuilt(c)
	}
	return w.static.serve(c, w.static.index)
}

func (w *Web) file(c echo.Context) error {
	if f := w.static.files[strings.TrimPrefix(c.Request().URL.Path, "/")]; f != nil {
		return w.static.serve(c, f)
	}
	return echo.ErrNotFound
}

func (w *Web) healthz(c echo.Context) error {
	c.Response().Header().Set("Cache-Control", "no-store")
	if err := w.opts.Healthy(c.Request().Context()); err != nil {
		w.opts.Log.LogAttrs(c.Request().Context(), slog.LevelWarn, "health check failed", slog.Any("error", err))
		return c.String(http.StatusServiceUnavailable, "not healthy\n")
	}
	return c.String(http.StatusOK, "ok\n")
}

// describe tells the app of which server it is: its domain need not be that of the page.
func (w *Web) describe(c echo.Context) error {
	c.Response().Header().Set("Cache-Control", "no-store")
	return c.JSON(http.StatusOK, map[string]string{"domain": w.opts.Domain})
}

// fail answers what no handler answered. The log gets the cause, the client gets the condition.
func (w *Web) fail(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	status := http.StatusInternalServerError
	var he *echo.HTTPError
	if errors.As(err, &he) {
		status = he.Code
	}
	if status >= http.StatusInternalServerError {
		w.opts.Log.LogAttrs(c.Request().Context(), slog.LevelError, "request failed",
			slog.String("route", c.Path()), slog.Any("error", err))
	}
	c.Response().Header().Set("Cache-Control", "no-store")
	if strings.HasPrefix(c.Request().URL.Path, "/api/") {
		code := strings.ToLower(strings.ReplaceAll(http.StatusText(status), " ", "-"))
		_ = c.JSON(status, apiError{Error: code})
		return
	}
	_ = c.String(status, http.StatusText(status)+"\n")
}

// recovered turns a panic of a handler into an error.
func (w *Web) recovered(next echo.HandlerFunc) echo.HandlerFunc {
	return middleware.RecoverWithConfig(middleware.RecoverConfig{
		DisableStackAll: true,
		LogErrorFunc: func(c echo.Context, err error, stack []byte) error {
			w.opts.Log.LogAttrs(c.Request().Context(), slog.LevelError, "handler panicked",
				slog.String("route", c.Path()), slog.Any("error", err), slog.String("stack", string(stack)))
			return echo.ErrInternalServerError
		},
	})(next)
}
