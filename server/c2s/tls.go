package c2s

import (
	"context"
	"crypto/tls"
	"crypto/x509"
)

// leafKey is where [rememberLeaf] keeps the certificate that a handshake chose.
type leafKey struct{}

type leafBox struct{ leaf *x509.Certificate }

// rememberLeaf gives the context for a handshake with a configuration of [withLeaf], and what it
// chose. Go does not tell a server which of its certificates a client saw, but the channel binding
// tls-server-end-point is made of it.
func rememberLeaf(ctx context.Context) (context.Context, func() *x509.Certificate) {
	box := &leafBox{}
	return context.WithValue(ctx, leafKey{}, box), func() *x509.Certificate { return box.leaf }
}

// withLeaf is the configuration for STARTTLS made of that of the server.
func withLeaf(config *tls.Config) *tls.Config {
	config = config.Clone()
	// A resumed TLS session shows no certificate, and saves little (RFC 8446 section 2.2).
	config.SessionTicketsDisabled = true
	config.NextProtos = nil
	// What is flushed at once shall travel in one record.
	config.DynamicRecordSizingDisabled = true
	if per := config.GetConfigForClient; per != nil {
		config.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			c, err := per(hello)
			if c == nil || err != nil {
				return nil, err
			}
			return withLeaf(c), nil
		}
	}
	certificates, get := config.Certificates, config.GetCertificate
	config.Certificates = nil
	config.GetCertificate = func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		cert, err := choose(certificates, get, hello)
		if err != nil || cert == nil {
			return nil, err
		}
		if box, ok := hello.Context().Value(leafKey{}).(*leafBox); ok {
			box.leaf = leafOf(cert)
		}
		return cert, nil
	}
	return config
}

// choose does what crypto/tls does with these two fields of a configuration.
func choose(certificates []tls.Certificate, get func(*tls.ClientHelloInfo) (*tls.Certificate, error), hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	if get != nil && (len(certificates) == 0 || hello.ServerName != "") {
		if cert, err := get(hello); cert != nil || err != nil {
			return cert, err
		}
	}
	for i := range certificates {
		if hello.SupportsCertificate(&certificates[i]) == nil {
			return &certificates[i], nil
		}
	}
	if len(certificates) > 0 {
		return &certificates[0], nil
	}
	return nil, nil
}

func leafOf(cert *tls.Certificate) *x509.Certificate {
	if cert.Leaf != nil {
		return cert.Leaf
	}
	if len(cert.Certificate) == 0 {
		return nil
	}
	leaf, err := x509.ParseCertificate(cert.Certificate[0])
	if err != nil {
		return nil
	}
	return leaf
}
