package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"kith/internal/config"
	"kith/internal/people/family"
	"kith/server/auth"
	"kith/server/listen"
)

// devPassword is everybody's: nobody else gets at this machine's loopback interface, and nothing is kept.
const devPassword = "welcome home"

func devCommand() *cobra.Command {
	var h household
	c := &cobra.Command{
		Use:   "dev",
		Short: "Look at a full app, with people in it",
		Long: `Starts a server for this machine with temporary data and a household of people on it: contacts
and groups, a past, and somebody who answers. It prints how to sign in. What was said so far
is written, encrypted, as soon as you are there.

Everything is deleted when it stops. Everybody has the same password: sign in with another
name, in another browser profile, to be somebody else.`,
		Example: `  kith dev
  kith dev --http localhost:0      # at any free port
  kith dev --seed 7 --still        # the same every time, and nobody begins by themselves`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			o, _, warnings, err := loadOptions(c, os.Environ())
			if err != nil {
				return err
			}
			h.log, h.out = newLog(c.ErrOrStderr(), o.program.LogLevel), c.OutOrStdout()
			for _, w := range warnings {
				h.log.Warn("environment", slog.String("problem", w))
			}
			return h.serve(c.Context(), o)
		},
	}
	addOptionFlags(c, "http", "https", "c2s", "c2s-tls", "turn")
	c.Flags().Uint64Var(&h.seed, "seed", 1, "what looks like chance depends on this `number`")
	c.Flags().BoolVar(&h.still, "still", false, "nobody does anything but answer")
	return c
}

// household is a server with people on it.
type household struct {
	seed  uint64
	still bool
	log   *slog.Logger
	out   io.Writer
}

// serve runs the server until ctx ends, and leaves nothing behind.
func (h *household) serve(ctx context.Context, o *options) (err error) {
	dir, err := os.MkdirTemp("", "kith-dev-")
	if err != nil {
		return fmt.Errorf("a directory for temporary data: %w", reason(err))
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	// Whatever is configured for a real server, this is none.
	o.program = programOptions{Domain: localhost, Data: dir, LogLevel: o.program.LogLevel}
	o.listen.S2S = config.Off
	o.settle()
	for name, a := range map[string]config.Addr{
		"http": o.listen.HTTP, "https": o.listen.HTTPS, "c2s": o.listen.C2S, "c2s-tls": o.listen.C2STLS, "turn": o.listen.TURN,
	} {
		if a.Enabled() && !loopback(a) {
			return &usageError{fmt.Errorf("--%s %s: kith dev is for this machine alone, as everybody knows its password; expected an address such as localhost:8080", name, a)}
		}
	}
	return serve(ctx, o, true, h.start, h.log, io.Discard)
}

// loopback reports whether an address can only be reached from this machine.
func loopback(a config.Addr) bool {
	host, _, err := net.SplitHostPort(string(a))
	ip := net.ParseIP(host)
	return err == nil && (host == localhost || strings.HasSuffix(host, "."+localhost) || ip != nil && ip.IsLoopback())
}

// inhabited is a messenger and the people on it.
type inhabited struct {
	messenger
	leave func()
}

// Shutdown implements [messenger].
func (m *inhabited) Shutdown(ctx context.Context) error {
	m.leave()
	return m.messenger.Shutdown(ctx)
}

// start makes the accounts, starts the messenger, and lets the people in.
func (h *household) start(ctx context.Context, p parts) (_ messenger, err error) {
	if p.tls == nil { // nothing is listened to with TLS, but the people want it
		certs, err := listen.SelfSigned(filepath.Join(p.data.dir, certDir), p.data.domain, p.clock, p.log)
		if err != nil {
			return nil, err
		}
		p.tls = certs.Config()
	}
	for _, a := range family.Accounts() {
		role := auth.RoleMember
		if a.Owner {
			role = auth.RoleAdmin
		}
		if _, err := p.accounts.Create(ctx, a.Local, role, auth.Password(devPassword)); err != nil {
			return nil, fmt.Errorf("account %s: %w", a.Local, err)
		}
	}
	started, err := startMessenger(ctx, p)
	if err != nil {
		return nil, err
	}
	m := started.(*xmpp)
	dial, err := dialer(m, p)
	if err != nil {
		return nil, errors.Join(err, m.Shutdown(ctx))
	}
	people, err := family.MoveIn(ctx, family.Options{
		Domain: p.data.domain, Groups: p.options.server.Groups.Subdomain + "." + p.data.domain, Password: devPassword,
		Dial: dial, Seed: h.seed, Still: h.still, Clock: p.clock, Log: p.log,
	})
	if err != nil {
		return nil, errors.Join(err, m.Shutdown(ctx))
	}
	living, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		told := func() { fmt.Fprintln(h.out, "Everybody has told what happened so far.") }
		if err := people.Live(living, told); err != nil {
			h.log.LogAttrs(living, slog.LevelError, "the household", slog.Any("error", err))
		}
	}()
	h.greet(p)
	return &inhabited{m, func() {
		stop()
		<-done
		people.Leave()
	}}, nil
}

// dialer connects people to the messenger without a socket.
func dialer(m *xmpp, p parts) (func(context.Context) (net.Conn, *tls.Config, error), error) {
	cert, err := p.tls.GetCertificate(&tls.ClientHelloInfo{ServerName: p.data.domain})
	if err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	leaf, err := x509.ParseCertificate(cert.Certificate[0])
	if err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	return func(context.Context) (net.Conn, *tls.Config, error) {
		ours, theirs := net.Pipe()
		m.Clients().Serve(theirs)
		return ours, &tls.Config{RootCAs: roots, ServerName: p.data.domain, MinVersion: tls.VersionTLS13}, nil
	}, nil
}

func (h *household) greet(p parts) {
	name := family.Accounts()[0].Local
	fmt.Fprintf(h.out, "Kith is at %s\n\nSign in there:\n\n  name      %s\n  password  %s\n\n", p.baseURL, name, devPassword)
	if a := p.options.listen.C2S; a.Enabled() && a.Port() != 0 {
		fmt.Fprintf(h.out, "XMPP apps connect to %s, as %s@%s.\n", a, name, p.data.domain)
	}
	fmt.Fprint(h.out, "Ctrl-C ends it and deletes everything.\n\n")
}
