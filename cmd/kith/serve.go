package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"kith"
	"kith/internal/clock"
	"kith/internal/config"
	"kith/server/auth"
	"kith/server/circle"
	"kith/server/guardian"
	"kith/server/listen"
	"kith/server/web"
)

// messenger is the XMPP side of the server.
type messenger interface {
	// Serve takes the connections of XMPP apps, plain ones that become encrypted by STARTTLS and those
	// that begin with TLS, until their listeners are closed.
	Serve(plain, direct []net.Listener) error
	// WebSocket takes those of browsers.
	WebSocket() http.Handler
	// BOSH takes those of web pages that cannot use it.
	BOSH() http.Handler
	// Files takes and gives the files that people send.
	Files() http.Handler
	// Maps gives the pictures of maps; nil if there are none.
	Maps() http.Handler
	// Circles and Guardians are what the commands about them change.
	Circles() *circle.Service
	Guardians() *guardian.Service
	// Pairing signs in devices that others vouch for.
	Pairing() web.Pairing
	// DisplayName is how an account wants to be called, "" if it did not say.
	DisplayName(ctx context.Context, local string) string
	// Accompany takes the connections of components, and of those who send each other files.
	Accompany(components, proxy []net.Listener) error
	// Federate takes the connections of other servers, as Serve does those of apps.
	Federate(plain, direct []net.Listener) error
	// Federation has what the operator may know and decide about other servers.
	Federation() links
	// Shutdown ends all streams politely, so that sessions can be resumed, and stores what is under
	// way.
	Shutdown(ctx context.Context) error
}

// parts are what a messenger is made of.
type parts struct {
	options  *options
	data     *data
	accounts *auth.Service
	// tls has the certificate; nil when nothing is listened to with TLS.
	tls *tls.Config
	// baseURL is where the web app is.
	baseURL string
	clock   clock.Clock
	log     *slog.Logger
}

func serveFlags() []string {
	return []string{"domain", "data", "http", "https", "c2s", "c2s-tls", "s2s", "s2s-tls", "turn", "cert", "key"}
}

func serveCommand(start func(context.Context, parts) (messenger, error)) *cobra.Command {
	c := &cobra.Command{
		Use:   "serve",
		Short: "Run the server",
		Long: `Runs the server until it is interrupted. At the first start it prints a link and its QR code:
whoever opens it makes the first account, the administrator's.

Without --domain the server is for this machine alone, to try it out: at
http://localhost:8080, and for XMPP apps at localhost:5222. With a domain, which must point
to this machine, it listens on every interface, at the usual ports:

  80    web app, sends browsers on to 443      5222  XMPP apps (STARTTLS)
  443   web app (HTTPS)                        5223  XMPP apps (direct TLS)
  5269  other servers (STARTTLS)               5270  other servers (direct TLS)

An address is HOST:PORT, or :PORT for every interface, or off.`,
		Example: `  kith serve
  kith serve --domain example.org --cert fullchain.pem --key privkey.pem
  kith serve --domain example.org --http localhost:8080 --https off   # behind a web server
  kith serve --config /etc/kith/kith.toml
  KITH_DOMAIN=example.org kith serve`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			o, set, warnings, err := loadOptions(c, os.Environ())
			if err != nil {
				return err
			}
			log := newLog(c.ErrOrStderr(), o.program.LogLevel)
			for _, w := range warnings {
				log.Warn("environment", slog.String("problem", w))
			}
			return serve(c.Context(), o, set.Option("domain").Source() != "", start, log, c.OutOrStdout())
		},
	}
	addOptionFlags(c, serveFlags()...)
	return c
}

func newLog(w io.Writer, level string) *slog.Logger {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		l = slog.LevelInfo // it was validated
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: l}))
}

// stopTime is how long clients have to hang up when the server stops.
const stopTime = 10 * time.Second

// serve runs a server until ctx ends. Everything that can be wrong with the options shows before
// anybody is let in.
func serve(ctx context.Context, o *options, domainSet bool, start func(context.Context, parts) (messenger, error), log *slog.Logger, out io.Writer) (err error) {
	defer func() {
		// Interrupted before it was ready: that is an end like any other.
		if ctx.Err() != nil && errors.Is(err, context.Canceled) {
			err = nil
		}
	}()
	d, err := openData(ctx, o, domainSet, "")
	if errors.Is(err, errInUse) {
		return fmt.Errorf("another server runs with the data in %s", o.program.Data)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.close()) }()
	o.settle()

	clk := clock.Real{}
	certs, err := certificates(o, d, clk, log)
	if err != nil {
		return err
	}
	ports, err := listen.Open(ctx, o.connections, clk, []listen.Address{
		{Name: listen.HTTP, Addr: o.listen.HTTP},
		{Name: listen.HTTPS, Addr: o.listen.HTTPS},
		{Name: listen.C2S, Addr: o.listen.C2S},
		{Name: listen.C2STLS, Addr: o.listen.C2STLS},
		{Name: listen.S2S, Addr: o.listen.S2S},
		{Name: listen.S2STLS, Addr: o.listen.S2STLS},
		{Name: listen.Components, Addr: o.server.Components.Listen},
		{Name: listen.Proxy, Addr: o.server.Proxy.Listen},
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ports.Close()) }()
	base := o.baseURL(portOf(ports, listen.HTTP), portOf(ports, listen.HTTPS))
	if err := d.db.SetSetting(ctx, settingURL, base); err != nil {
		return err
	}

	accounts, err := d.accounts(ctx, auth.Options{Config: o.accounts, Clock: clk, Log: log})
	if err != nil {
		return err
	}
	p := parts{options: o, data: d, accounts: accounts, baseURL: base, clock: clk, log: log}
	var webTLS *tls.Config
	if certs != nil {
		p.tls, webTLS = certs.Config(), certs.Config("h2", "http/1.1")
	}
	m, err := start(ctx, p)
	if err != nil {
		return err
	}
	site, err := web.New(web.Options{
		Domain: d.domain, BaseURL: base,
		Redirect:  !o.program.local() && o.listen.HTTPS.Enabled(),
		StrictTLS: !o.program.local() && certs != nil && !certs.IsSelfSigned(),
		Frontend:  kith.Frontend(), WebSocket: m.WebSocket(), BOSH: m.BOSH(), Files: m.Files(), Maps: m.Maps(), Accounts: accounts, DisplayName: m.DisplayName, Pairing: m.Pairing(),
		Healthy: d.healthy, Clock: clk, Log: log,
		Endpoints: endpoints(o, ports), Resolve: lookUp,
	})
	if err != nil {
		return err
	}
	ctl, err := openControl(d.dir, operator{auth: accounts, baseURL: base, circles: m.Circles(), guards: m.Guardians()}, m.Federation())
	if err != nil {
		return err
	}
	if err := greet(ctx, accounts, base, out); err != nil {
		return errors.Join(err, ctl.close(ctx, d.dir))
	}
	return run(ctx, m, web.NewServer(site, log), webTLS, ports, o.listen.XMPPOnHTTPS, ctl, d.dir)
}

// run serves until ctx ends or a part fails, and stops everything in order: nobody new is let in,
// streams end, requests end. shared: the port of HTTPS is for all that ask for XMPP as well.
func run(ctx context.Context, m messenger, site *web.Server, webTLS *tls.Config, ports *listen.Set, shared bool, ctl *control, dir string) error {
	https := map[string][]net.Listener{"": ports.Listeners(listen.HTTPS)}
	if shared {
		https = listen.Divide(clock.Real{}, ports.Listeners(listen.HTTPS), listen.ALPNClient, listen.ALPNServer)
	}
	var wg sync.WaitGroup
	failed := make(chan error, 4)
	wg.Go(func() {
		failed <- m.Serve(ports.Listeners(listen.C2S), slices.Concat(ports.Listeners(listen.C2STLS), https[listen.ALPNClient]))
	})
	wg.Go(func() { failed <- m.Accompany(ports.Listeners(listen.Components), ports.Listeners(listen.Proxy)) })
	wg.Go(func() {
		failed <- m.Federate(ports.Listeners(listen.S2S), slices.Concat(ports.Listeners(listen.S2STLS), https[listen.ALPNServer]))
	})
	wg.Go(func() {
		failed <- site.Serve(ports.Listeners(listen.HTTP), https[""], webTLS)
	})
	var err error
wait:
	for range cap(failed) {
		select {
		case <-ctx.Done():
			break wait
		case e := <-failed: // nil: it has nothing to listen to
			if err = e; err != nil {
				break wait
			}
		}
	}
	if err == nil {
		<-ctx.Done()
	}
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
	defer cancel()
	err = errors.Join(err, ports.Close())
	for _, e := range []error{m.Shutdown(stopping), site.Shutdown(stopping), ctl.close(stopping, dir)} {
		if e != nil && !errors.Is(e, context.DeadlineExceeded) { // who did not hang up in time has been cut off
			err = errors.Join(err, e)
		}
	}
	wg.Wait()
	return err
}

// certificates opens what TLS needs, nil if nothing needs it.
func certificates(o *options, d *data, clk clock.Clock, log *slog.Logger) (*listen.Certificates, error) {
	l := o.listen
	if !slices.ContainsFunc([]config.Addr{l.HTTPS, l.C2S, l.C2STLS, l.S2S, l.S2STLS}, config.Addr.Enabled) {
		return nil, nil
	}
	if o.program.Cert != "" {
		return listen.FromFiles(o.program.Cert, o.program.Key, d.domain, clk, log)
	}
	certs, err := listen.SelfSigned(filepath.Join(d.dir, certDir), d.domain, clk, log)
	if err == nil && !o.program.local() {
		log.Warn("the certificate is self-signed, so browsers, apps and other servers will refuse or warn; give one with --cert and --key",
			slog.String("sha256", certs.Fingerprint()))
	}
	return certs, err
}

// endpoints are what other programs are told of where the server is, if they can reach it.
func endpoints(o *options, ports *listen.Set) (all []web.Endpoint) {
	if o.program.local() {
		return nil
	}
	shared := 0
	if o.listen.XMPPOnHTTPS {
		shared = portOf(ports, listen.HTTPS)
	}
	for _, e := range []web.Endpoint{
		{Rel: web.RelTLS, Port: cmp.Or(portOf(ports, listen.C2STLS), shared)},
		{Rel: web.RelS2STLS, Port: cmp.Or(portOf(ports, listen.S2STLS), shared)},
	} {
		if e.Port != 0 {
			all = append(all, e)
		}
	}
	return all
}

// lookUp finds the addresses of a host.
func lookUp(ctx context.Context, host string) ([]netip.Addr, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
}

func portOf(s *listen.Set, n listen.Name) int {
	if a := s.Addr(n); a != nil {
		return a.Port
	}
	return 0
}

// healthy reports whether the database answers.
func (d *data) healthy(ctx context.Context) error {
	_, _, err := d.db.Setting(ctx, settingDomain)
	return err
}

// greet prints where the server is, and as long as there is no account the link for the first one.
func greet(ctx context.Context, accounts *auth.Service, base string, out io.Writer) error {
	if _, err := fmt.Fprintf(out, "Kith is at %s\n", base); err != nil {
		return err
	}
	inv, err := accounts.FirstInvite(ctx)
	if errors.Is(err, auth.ErrNotFirst) {
		return nil
	}
	if err != nil {
		return err
	}
	if _, err := fmt.Fprint(out, "\nOpen this link to make the first account, the administrator's. It works once:\n\n  "); err != nil {
		return err
	}
	return writeInvite(out, accounts.Links(base, inv).Web, true)
}
