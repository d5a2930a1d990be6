package listen

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/idna"

	"kith/internal/clock"
)

// Certificates holds the certificate of the server and looks from time to time whether there is a
// new one. Connections that are open keep the one they were made with.
type Certificates struct {
	clock      clock.Clock
	log        *slog.Logger
	load       loader
	selfSigned bool
	every      time.Duration

	current atomic.Pointer[tls.Certificate]
	next    atomic.Int64 // when to look again, in nanoseconds since 1970
	mu      sync.Mutex   // held by the one that looks
}

// loader returns the certificate that is to be used from now on, or nil for the one that it
// returned last.
type loader func(now time.Time) (*tls.Certificate, error)

const (
	// filesEvery is how often files are looked at, at most: a call that costs a microsecond, when
	// somebody connects.
	filesEvery = 5 * time.Second
	// ownEvery is how often a self-signed certificate is looked at.
	ownEvery = time.Hour
)

// FromFiles takes the certificate and its key from PEM files, the certificate followed by those
// that certify it. When the files change, the new certificate is used; while the new files are
// wrong, the old one. It should be for the domain, where one is given.
func FromFiles(certFile, keyFile, domain string, clk clock.Clock, log *slog.Logger) (*Certificates, error) {
	f := &certFiles{cert: certFile, key: keyFile}
	c := &Certificates{clock: clk, log: log, load: f.load, every: filesEvery}
	if err := c.begin(); err != nil {
		return nil, err
	}
	if err := c.Leaf().VerifyHostname(hostname(domain)); err != nil && domain != "" {
		log.Warn("the certificate is not for the domain of this server; clients will refuse it",
			slog.String("file", certFile))
	}
	if until := c.Leaf().NotAfter; !clk.Now().Before(until) {
		log.Warn("the certificate has expired; clients will refuse it", slog.String("file", certFile), slog.Time("expired", until))
	}
	return c, nil
}

// SelfSigned takes the certificate for a domain, its groups, and for localhost this machine's
// loopback addresses, from a directory, where it is made when there is none, and made anew with the
// same key some time before it expires. Nobody trusts it without being told to.
func SelfSigned(dir, domain string, clk clock.Clock, log *slog.Logger) (*Certificates, error) {
	o := &ownCertificate{dir: dir, domain: hostname(domain)}
	c := &Certificates{clock: clk, log: log, load: o.load, selfSigned: true, every: ownEvery}
	if err := c.begin(); err != nil {
		return nil, err
	}
	return c, nil
}

func (c *Certificates) begin() error {
	now := c.clock.Now()
	cert, err := c.load(now)
	if err != nil {
		return err
	}
	c.current.Store(cert)
	c.next.Store(now.Add(c.every).UnixNano())
	return nil
}

// IsSelfSigned reports whether clients have to be told to trust the certificate.
func (c *Certificates) IsSelfSigned() bool { return c.selfSigned }

// Leaf is the certificate of the server itself.
func (c *Certificates) Leaf() *x509.Certificate { return c.current.Load().Leaf }

// Fingerprint is the SHA-256 of the certificate in hexadecimal, as clients show it.
func (c *Certificates) Fingerprint() string {
	sum := sha256.Sum256(c.Leaf().Raw)
	return hex.EncodeToString(sum[:])
}

// Config is the TLS configuration of a listener: TLS 1.3, or 1.2 with the cipher suites that are
// still good. protocols are those of ALPN; a client that offers others is refused, one that offers
// none is not.
func (c *Certificates) Config(protocols ...string) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		CipherSuites: []uint16{ // of TLS 1.2; RFC 9325 section 4.2
			tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
			tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
			tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
			tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
		},
		NextProtos: protocols,
		// What is written at once shall leave in one record: a batch of stanzas, a page of an archive.
		DynamicRecordSizingDisabled: true,
		GetCertificate:              func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.get(), nil },
	}
}

func (c *Certificates) get() *tls.Certificate {
	now := c.clock.Now()
	if now.UnixNano() >= c.next.Load() && c.mu.TryLock() {
		defer c.mu.Unlock()
		cert, err := c.load(now)
		switch {
		case err != nil:
			c.log.Warn("the certificate could not be renewed; the old one stays in use", slog.Any("error", err))
		case cert != nil:
			c.current.Store(cert)
			c.log.Log(context.Background(), slog.LevelInfo, "using a new certificate", slog.Time("expires", cert.Leaf.NotAfter))
		}
		c.next.Store(now.Add(c.every).UnixNano())
	}
	return c.current.Load()
}

// certFiles remembers how the files were when they were last read.
type certFiles struct {
	cert, key string
	seen      [2]stamp
}

type stamp struct {
	changed time.Time
	size    int64
}

func (f *certFiles) load(time.Time) (*tls.Certificate, error) {
	var now [2]stamp
	for i, name := range []string{f.cert, f.key} {
		info, err := os.Stat(name)
		if err != nil {
			return nil, fmt.Errorf("certificate: %w", err)
		}
		now[i] = stamp{info.ModTime(), info.Size()}
	}
	if now == f.seen {
		return nil, nil
	}
	// What is wrong is reported once, and looked at again when it changes.
	f.seen = now
	certPEM, err := os.ReadFile(f.cert)
	if err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	keyPEM, err := os.ReadFile(f.key)
	if err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	cert, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		return nil, fmt.Errorf("certificate %s with key %s: %s", f.cert, f.key, strings.TrimPrefix(err.Error(), "tls: "))
	}
	if cert.Leaf == nil {
		return nil, errors.New("certificate " + f.cert + ": no certificate in it")
	}
	return &cert, nil
}

// hostname is a domain as certificates have it: in ASCII.
func hostname(domain string) string {
	if net.ParseIP(domain) != nil {
		return domain
	}
	if a, err := idna.Lookup.ToASCII(domain); err == nil {
		return a
	}
	return domain
}
