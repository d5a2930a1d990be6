package sasl

import (
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
)

// Binding is the registered name of a channel-binding type.
type Binding string

// The channel bindings of this package.
const (
	// Exporter is tls-exporter (RFC 9266): unique to the TLS connection.
	Exporter Binding = "tls-exporter"
	// ServerEndPoint is tls-server-end-point (RFC 5929 section 4): the hash of the certificate.
	ServerEndPoint Binding = "tls-server-end-point"
	// Unique is tls-unique (RFC 5929 section 3), which TLS 1.3 no longer has: what older programs
	// use, for which it is the default of SCRAM (RFC 5802 section 6.1).
	Unique Binding = "tls-unique"
)

// ErrNoBinding: the connection or the certificate has no such channel binding.
var ErrNoBinding = errors.New("sasl: no such channel binding")

// TLSBindings computes the channel bindings of a connection whose TLS ends here. leaf is the
// certificate that was shown to this client. A binding that cannot be had is left out.
func TLSBindings(state *tls.ConnectionState, leaf *x509.Certificate) map[Binding][]byte {
	out := make(map[Binding][]byte, 3)
	if b, err := ExporterData(state); err == nil {
		out[Exporter] = b
	}
	if b, err := EndPointData(leaf); err == nil {
		out[ServerEndPoint] = b
	}
	if b, err := UniqueData(state); err == nil {
		out[Unique] = b
	}
	return out
}

// ExporterData is the data of tls-exporter (RFC 9266 section 2). It asks for TLS 1.3: under older
// versions implementations disagree whether the context is empty or absent, which is the same
// only since TLS 1.3 (RFC 8446 section 7.5).
func ExporterData(state *tls.ConnectionState) ([]byte, error) {
	if state == nil || !state.HandshakeComplete || state.Version < tls.VersionTLS13 {
		return nil, ErrNoBinding
	}
	b, err := state.ExportKeyingMaterial("EXPORTER-Channel-Binding", nil, 32)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoBinding, err)
	}
	return b, nil
}

// UniqueData is the data of tls-unique: the first Finished message. It is had only from handshakes
// that are safe from the triple handshake attack: full ones, or with the extended master secret.
func UniqueData(state *tls.ConnectionState) ([]byte, error) {
	if state == nil || !state.HandshakeComplete || len(state.TLSUnique) == 0 {
		return nil, ErrNoBinding
	}
	return state.TLSUnique, nil
}

// EndPointData is the data of tls-server-end-point: the certificate hashed with the hash function
// of its signature, SHA-256 in the place of MD5 and SHA-1. A signature without a single hash
// function, such as Ed25519, has no such binding (RFC 5929 section 4.1).
func EndPointData(leaf *x509.Certificate) ([]byte, error) {
	if leaf == nil {
		return nil, ErrNoBinding
	}
	var h crypto.Hash
	switch leaf.SignatureAlgorithm {
	case x509.MD5WithRSA, x509.SHA1WithRSA, x509.ECDSAWithSHA1, x509.DSAWithSHA1,
		x509.SHA256WithRSA, x509.SHA256WithRSAPSS, x509.ECDSAWithSHA256, x509.DSAWithSHA256:
		h = crypto.SHA256
	case x509.SHA384WithRSA, x509.SHA384WithRSAPSS, x509.ECDSAWithSHA384:
		h = crypto.SHA384
	case x509.SHA512WithRSA, x509.SHA512WithRSAPSS, x509.ECDSAWithSHA512:
		h = crypto.SHA512
	case x509.UnknownSignatureAlgorithm, x509.MD2WithRSA, x509.PureEd25519:
		return nil, ErrNoBinding
	default:
		return nil, ErrNoBinding
	}
	d := h.New()
	d.Write(leaf.Raw)
	return d.Sum(nil), nil
}
