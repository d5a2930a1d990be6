package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"kith/federation"
	"kith/internal/config"
	"kith/internal/jid"
	"kith/server"
	"kith/server/auth"
	"kith/server/calls"
	"kith/server/listen"
)

// options are the sections of the configuration file, each owned by the part that it is about.
type options struct {
	program     programOptions
	listen      listenOptions
	connections listen.Config
	accounts    auth.Config
	server      server.Config
	federation  federation.Config
	turn        calls.Config
}

func defaultOptions() *options {
	return &options{
		program:     programOptions{Domain: localhost, LogLevel: "info"},
		listen:      listenOptions{XMPPOnHTTPS: true},
		connections: listen.DefaultConfig(),
		accounts:    auth.DefaultConfig(),
		server:      server.DefaultConfig(),
		federation:  federation.DefaultConfig(),
		turn:        calls.DefaultConfig(),
	}
}

func (o *options) set() *config.Set {
	return config.New("KITH",
		config.Section{Target: &o.program},
		config.Section{Name: "listen", Target: &o.listen},
		config.Section{Name: "connections", Target: &o.connections},
		config.Section{Name: "accounts", Target: &o.accounts},
		config.Section{Name: "c2s", Target: &o.server.C2S},
		config.Section{Name: "archive", Target: &o.server.Archive},
		config.Section{Name: "offline", Target: &o.server.Offline},
		config.Section{Name: "roster", Target: &o.server.Roster},
		config.Section{Name: "presence", Target: &o.server.Presence},
		config.Section{Name: "blocking", Target: &o.server.Blocking},
		config.Section{Name: "pubsub", Target: &o.server.PubSub},
		config.Section{Name: "vcard", Target: &o.server.VCard},
		config.Section{Name: "upload", Target: &o.server.Upload},
		config.Section{Name: "maps", Target: &o.server.Maps},
		config.Section{Name: "groups", Target: &o.server.Groups},
		config.Section{Name: "circles", Target: &o.server.Circles},
		config.Section{Name: "limited", Target: &o.server.Limited},
		config.Section{Name: "contact", Target: &o.server.Contact},
		config.Section{Name: "components", Target: &o.server.Components},
		config.Section{Name: "proxy", Target: &o.server.Proxy},
		config.Section{Name: "federation", Target: &o.federation},
		config.Section{Name: "turn", Target: &o.turn},
	)
}

const localhost = "localhost"

// programOptions are at the top of the file. They say who the server is, and where.
type programOptions struct {
	// Domain is the part of everybody's address after the @. It is chosen once: later starts with the
	// same data directory use it without being told.
	Domain string `toml:"domain" flag:"domain"`
	// Data is the directory where everything is kept: messages, accounts, keys. Without it, it is
	// /var/lib/kith for root, $XDG_DATA_HOME/kith for others, which is usually ~/.local/share/kith,
	// or what systemd gives in $STATE_DIRECTORY.
	Data string `toml:"data" flag:"data" example:"/var/lib/kith"`
	// URL is where browsers reach the web app, if it is not at the domain itself: another name, or a
	// web server in front. It must be served with https, or be localhost.
	URL string `toml:"url" example:"https://chat.example.org"`
	// Cert is the file with the TLS certificate, in PEM, followed by those that certify it. It is read
	// again when it changes. Without it, the server makes a certificate that nobody trusts.
	Cert string `toml:"cert" flag:"cert" example:"/etc/letsencrypt/live/example.org/fullchain.pem"`
	// Key is the file with the key of the certificate, in PEM.
	Key string `toml:"key" flag:"key" example:"/etc/letsencrypt/live/example.org/privkey.pem"`
	// LogLevel is how much is logged: "error", "warn", "info" or "debug". Only "debug" shows who does
	// what from where.
	LogLevel string `toml:"log_level"`
}

// listenOptions are the section [listen] of the configuration file. An address is a host and a port:
// localhost:8080, [::1]:8080, or :8080 for every interface.
type listenOptions struct {
	// HTTP is where the web app is served without TLS, or "off". For the domain localhost it is
	// localhost:8080 unless it is set, for others :80, which sends browsers to https.
	HTTP config.Addr `toml:"http" env:"HTTP" flag:"http" example:":80"`
	// HTTPS is where the web app is served with TLS, or "off". For the domain localhost it is
	// localhost:8443 unless it is set, for others :443.
	HTTPS config.Addr `toml:"https" env:"HTTPS" flag:"https" example:":443"`
	// C2S is where XMPP apps connect, with STARTTLS, or "off". For the domain localhost it is
	// localhost:5222 unless it is set, for others :5222.
	C2S config.Addr `toml:"c2s" env:"C2S" flag:"c2s" example:":5222"`
	// C2STLS is where XMPP apps connect with TLS from the start, or "off". For the domain localhost it
	// is localhost:5223 unless it is set, for others :5223.
	C2STLS config.Addr `toml:"c2s_tls" env:"C2S_TLS" flag:"c2s-tls" example:":5223"`
	// S2S is where other servers connect, or "off". For the domain localhost it is off unless it is
	// set, for others :5269.
	S2S config.Addr `toml:"s2s" env:"S2S" flag:"s2s" example:":5269"`
	// S2STLS is where other servers connect with TLS from the start, or "off". For the domain
	// localhost it is off unless it is set, for others :5270.
	S2STLS config.Addr `toml:"s2s_tls" env:"S2S_TLS" flag:"s2s-tls" example:":5270"`
	// XMPPOnHTTPS lets XMPP apps and other servers connect at the port of https too, where they say
	// by ALPN that they are no browsers (XEP-0368): networks that let nothing else pass let that pass.
	// Point the SRV records _xmpps-client and _xmpps-server to that port as well.
	XMPPOnHTTPS bool `toml:"xmpp_on_https"`
	// TURN is where calls find a way through firewalls, or "off". For the domain localhost it is
	// localhost:3478 unless it is set, for others :3478.
	TURN config.Addr `toml:"turn" env:"TURN" flag:"turn" example:":3478"`
}

// Validate says which options are out of their bounds, all of them.
func (o *programOptions) Validate() error {
	var errs []error
	d, err := jid.Parse(o.Domain)
	switch {
	case err != nil || !d.IsDomain():
		errs = append(errs, fmt.Errorf("domain is %q; expected a domain such as example.org", o.Domain))
	default:
		o.Domain = d.Domain()
	}
	if (o.Cert == "") != (o.Key == "") {
		given, missing := "cert", "key"
		if o.Cert == "" {
			given, missing = missing, given
		}
		errs = append(errs, fmt.Errorf("%s is given without %s; a certificate and its key belong together", given, missing))
	}
	if o.URL != "" {
		u, err := url.Parse(o.URL)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.User != nil {
			errs = append(errs, fmt.Errorf("url is %q; expected an address such as https://chat.example.org", o.URL))
		}
		o.URL = strings.TrimRight(o.URL, "/")
	}
	switch o.LogLevel {
	case "error", "warn", "info", "debug":
	default:
		errs = append(errs, fmt.Errorf("log_level is %q; expected error, warn, info or debug", o.LogLevel))
	}
	return errors.Join(errs...)
}

// local reports whether the server is only for this machine.
func (o *programOptions) local() bool { return o.Domain == localhost }

// secluded reports whether no other server can know the domain (RFC 6761 section 6.3).
func (o *programOptions) secluded() bool {
	return o.local() || strings.HasSuffix(o.Domain, "."+localhost)
}

// settle fills in the addresses that depend on the domain.
func (o *options) settle() {
	l := &o.listen
	for _, d := range []struct {
		addr        *config.Addr
		here, there config.Addr
	}{
		{&l.HTTP, "localhost:8080", ":80"},
		{&l.HTTPS, "localhost:8443", ":443"},
		{&l.C2S, "localhost:5222", ":5222"},
		{&l.C2STLS, "localhost:5223", ":5223"},
		{&l.S2S, config.Off, ":5269"},
		{&l.S2STLS, config.Off, ":5270"},
		{&l.TURN, "localhost:3478", ":3478"},
	} {
		if *d.addr != "" {
			continue
		}
		if *d.addr = d.there; o.program.local() || d.here == config.Off && o.program.secluded() {
			*d.addr = d.here
		}
	}
}

// baseURL is where browsers reach the web app. The ports are those that are listened on, which
// differ from the options where those say 0.
func (o *options) baseURL(httpPort, httpsPort int) string {
	join := func(scheme string, a config.Addr, port, usual int) string {
		host := o.hostOf(a)
		if port == usual || port == 0 {
			if strings.Contains(host, ":") {
				host = "[" + host + "]"
			}
			return scheme + "://" + host
		}
		return scheme + "://" + net.JoinHostPort(host, strconv.Itoa(port))
	}
	switch {
	case o.program.URL != "":
		return o.program.URL
	case o.program.local() && o.listen.HTTP.Enabled():
		return join("http", o.listen.HTTP, httpPort, 80)
	case o.listen.HTTPS.Enabled():
		return join("https", o.listen.HTTPS, httpsPort, 443)
	default:
		// A web server in front has TLS.
		return "https://" + o.program.Domain
	}
}

// hostOf is the host in the address of a listener, as others know it. For localhost one may listen
// at an address of the local network.
func (o *options) hostOf(a config.Addr) string {
	host, _, err := net.SplitHostPort(string(a))
	if ip := net.ParseIP(host); err != nil || !o.program.local() || ip == nil || ip.IsUnspecified() || ip.IsLoopback() {
		return o.program.Domain
	}
	return host
}

// dataDir is the data directory unless it is set.
func dataDir() (string, error) {
	if dir, _, _ := strings.Cut(os.Getenv("STATE_DIRECTORY"), ":"); dir != "" {
		return dir, nil
	}
	if os.Geteuid() == 0 {
		return "/var/lib/kith", nil
	}
	if dir := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "kith"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", errors.New("there is no home directory to keep the data in; say where with --data")
	}
	return filepath.Join(home, ".local", "share", "kith"), nil
}

const configEnv = "KITH_CONFIG"

// addOptionFlags adds --config and the flags of the named options.
func addOptionFlags(c *cobra.Command, names ...string) {
	help := map[string]string{
		"domain":  "the part of addresses after the @ (default localhost)",
		"data":    "the `directory` where everything is kept (default /var/lib/kith\nor ~/.local/share/kith)",
		"http":    "serve the web app at `address`, or off",
		"https":   "serve the web app with TLS at `address`, or off",
		"c2s":     "take XMPP apps at `address`, or off",
		"c2s-tls": "take XMPP apps with direct TLS at `address`, or off",
		"s2s":     "take other servers at `address`, or off",
		"s2s-tls": "take other servers with direct TLS at `address`, or off",
		"turn":    "help calls through firewalls at `address`, or off",
		"cert":    "the TLS certificate, a PEM `file` (without: a self-signed one)",
		"key":     "the key of the certificate, a PEM `file`",
	}
	f := c.Flags()
	f.SortFlags = false
	for _, n := range names {
		f.String(n, "", help[n])
	}
	f.String("config", "", "read options from a TOML `file`; see kith config")
}

// loadOptions reads the file, the environment and the flags of a command. Warnings
// are for the log.
func loadOptions(c *cobra.Command, env []string) (o *options, set *config.Set, warnings []string, err error) {
	o = defaultOptions()
	set = o.set()
	in := config.Input{Env: env, Flags: map[string]string{}}
	for _, opt := range set.Options() {
		if f := c.Flags().Lookup(opt.Flag); f != nil && f.Changed {
			in.Flags[opt.Flag] = f.Value.String()
		}
	}
	if in.FileName, err = c.Flags().GetString("config"); err != nil {
		return nil, nil, nil, err
	}
	if in.FileName == "" {
		for _, e := range env {
			if name, ok := strings.CutPrefix(e, configEnv+"="); ok {
				in.FileName = name
			}
		}
	}
	if in.FileName != "" {
		if in.File, err = os.ReadFile(in.FileName); err != nil {
			return nil, nil, nil, fmt.Errorf("--config %s: %w", in.FileName, reason(err))
		}
	}
	if err := set.Load(in); err != nil {
		return nil, nil, nil, err
	}
	if o.program.Data == "" {
		if o.program.Data, err = dataDir(); err != nil {
			return nil, nil, nil, err
		}
	}
	if o.program.Data, err = filepath.Abs(o.program.Data); err != nil {
		return nil, nil, nil, err
	}
	return o, set, set.Strangers(env, configEnv), nil
}

// reason is what went wrong with a file, without its name.
func reason(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}
