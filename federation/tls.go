package federation

import (
	"context"
	"crypto/tls"
)

// incomingTLS is the configuration for other servers, made of that for everybody: they are asked for their
// certificate, which is looked at later.
func incomingTLS(base *tls.Config) *tls.Config {
	c := base.Clone()
	c.ClientAuth = tls.RequestClientCert
	c.NextProtos = nil
	c.MinVersion, c.CipherSuites = max(c.MinVersion, tls.VersionTLS12), suites()
	// A resumed session would show no certificate.
	c.SessionTicketsDisabled = true
	// What is written at once shall travel in one record.
	c.DynamicRecordSizingDisabled = true
	if per := base.GetConfigForClient; per != nil {
		c.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			found, err := per(hello)
			if found == nil || err != nil {
				return nil, err
			}
			return incomingTLS(found), nil
		}
	}
	return c
}

// ownCertificate is the certificate that this server shows when it connects in the name of a domain.
func (s *Service) ownCertificate(ctx context.Context, domain string) (*tls.Certificate, error) {
	if s.deps.TLS == nil {
		return nil, errNoTLS
	}
	name, err := ascii(domain)
	if err != nil {
		return nil, err
	}
	if get := s.deps.TLS.GetCertificate; get != nil {
		return get(&tls.ClientHelloInfo{
			ServerName: name, SupportedVersions: []uint16{tls.VersionTLS13, tls.VersionTLS12},
			SignatureSchemes: []tls.SignatureScheme{tls.ECDSAWithP256AndSHA256, tls.Ed25519, tls.PSSWithSHA256},
		})
	}
	for i := range s.deps.TLS.Certificates {
		c := &s.deps.TLS.Certificates[i]
		if c.Leaf != nil && c.Leaf.VerifyHostname(name) == nil {
			return c, nil
		}
	}
	if len(s.deps.TLS.Certificates) > 0 {
		return &s.deps.TLS.Certificates[0], nil
	}
	return nil, errNoTLS
}
