package federation

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"net"
	"slices"

	"kith/internal/ns"
	"kith/internal/xmltree"
)

// encrypt brings TLS to the connection and looks at the other side's certificate.
func (c *caller) encrypt(ctx context.Context) error {
	if !c.direct {
		if err := c.begin(); err != nil {
			return err
		}
		if c.features.Child(ns.TLS, "starttls").IsZero() {
			return &trouble{words: "it has no encryption"}
		}
		if err := c.put("<starttls xmlns='" + ns.TLS + "'/>"); err != nil {
			return err
		}
		e, err := c.expect(func(e xmltree.Element) bool { return e.Space() == ns.TLS })
		if err != nil {
			return err
		}
		if e.Local() != "proceed" {
			return &trouble{words: "it refuses encryption"}
		}
	}
	config, err := c.tlsConfig(ctx)
	if err != nil {
		return err
	}
	if err := c.secure(func(conn net.Conn) *tls.Conn { return tls.Client(conn, config) }); err != nil {
		return &trouble{words: "it cannot agree on encryption with this server", cause: err}
	}
	c.proof, err = c.svc.verifier.verify(ctx, c.Remote, c.tls, &c.to)
	if err == nil || c.svc.cfg.Dialback && len(c.to.tlsa) == 0 {
		// Without a proof the connection is good for calling back alone, where that is wanted.
		return nil
	}
	return err
}

func (c *caller) tlsConfig(ctx context.Context) (*tls.Config, error) {
	name := c.to.sni
	if name == "" {
		var err error
		if name, err = ascii(c.Remote); err != nil {
			return nil, errNoDomain
		}
	}
	config := &tls.Config{
		ServerName: name, MinVersion: tls.VersionTLS12, CipherSuites: suites(), Time: c.svc.now,
		InsecureSkipVerify:          true, //nolint:gosec // the certificate is verified by verifier, which knows more names
		DynamicRecordSizingDisabled: true,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			cert, err := c.svc.ownCertificate(ctx, c.Local)
			if cert == nil || err != nil {
				return &tls.Certificate{}, nil //nolint:nilerr // without one, the other side decides
			}
			return cert, nil
		},
	}
	if c.direct {
		config.NextProtos = []string{alpn}
	}
	return config, nil
}

// suites are those of TLS 1.2 (RFC 9325 section 4.2).
func suites() []uint16 {
	return []uint16{
		tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
		tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
		tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
		tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
	}
}

// prove shows who this server is: by its certificate, or by being called back.
func (c *caller) prove(ctx context.Context) error {
	if err := c.begin(); err != nil {
		return err
	}
	if !c.features.Child(nsBidiFeature, "bidi").IsZero() {
		if err := c.put("<bidi xmlns='" + nsBidi + "'/>"); err != nil {
			return err
		}
		c.bidi = true
	}
	external := slices.Collect(c.features.Child(ns.SASL, "mechanisms").Children())
	if slices.ContainsFunc(external, func(e xmltree.Element) bool { return e.Text() == "EXTERNAL" }) {
		ok, err := c.external()
		if ok || err != nil {
			return err
		}
	}
	if c.svc.cfg.Dialback {
		return c.requestDialback(ctx)
	}
	return &trouble{words: "it does not accept the certificate of this server"}
}

// external is SASL EXTERNAL (XEP-0178 section 3). It returns false if the other side refuses.
func (c *caller) external() (bool, error) {
	if c.proof.method == "" {
		return false, nil // our stanzas are not for whoever this is
	}
	who := base64.StdEncoding.EncodeToString([]byte(c.Local))
	if err := c.put("<auth xmlns='" + ns.SASL + "' mechanism='EXTERNAL'>" + who + "</auth>"); err != nil {
		return false, err
	}
	e, err := c.expect(func(e xmltree.Element) bool { return e.Space() == ns.SASL })
	if err != nil {
		return false, err
	}
	if e.Local() != "success" {
		if c.svc.cfg.Dialback {
			return false, nil
		}
		return false, &trouble{words: fmt.Sprintf("it does not accept the certificate of this server (%s)", clean(e.First().Local()))}
	}
	c.restart()
	return true, c.begin()
}
