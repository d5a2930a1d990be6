package federation

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"kith/internal/clock"
)

// method is how a domain was proven.
type method string

// The methods.
const (
	byCertificate method = "certificate"
	byDANE        method = "DANE"
	byPOSH        method = "POSH"
	byPin         method = "host-meta"
	byDialback    method = "dialback"
)

// proof is what is known of another server's certificate.
type proof struct {
	method method
	leaf   *x509.Certificate
	// hash is the SHA-256 of its key in hexadecimal, "" without a certificate.
	hash string
}

// verifier decides whether a certificate proves a domain.
type verifier struct {
	roots *x509.CertPool
	clock clock.Clock
	// dane and wellKnown are nil where they are switched off.
	dane      *daneFinder
	wellKnown *wellKnown
}

// systemRoots are the authorities that the system trusts, and those of a file.
func systemRoots(file string) (*x509.CertPool, error) {
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if file == "" {
		return roots, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("federation.ca: %w", err)
	}
	if !roots.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("federation.ca: there is no certificate in %s", file)
	}
	return roots, nil
}

// verify proves a domain by the certificate that its server showed. tlsa are the records of the
// very port that was connected to, if DNS has proven them; usually none.
func (v *verifier) verify(ctx context.Context, domain string, state *tls.ConnectionState, to *target) (proof, error) {
	chain := state.PeerCertificates
	if len(chain) == 0 {
		return proof{}, &trouble{words: "it showed no certificate"}
	}
	p := proof{leaf: chain[0], hash: keyHash(chain[0])}
	if to != nil && len(to.tlsa) > 0 {
		// RFC 7673 section 4: where DNS says which certificate it is, no other one will do.
		if err := v.matchTLSA(to.tlsa, chain, domain, to.host); err != nil {
			return p, err
		}
		p.method = byDANE
		return p, nil
	}
	err := v.pkix(chain, domain)
	if err == nil {
		p.method = byCertificate
		return p, nil
	}
	if to == nil && v.dane != nil {
		if records := v.dane.incoming(ctx, domain); len(records) > 0 && v.matchTLSA(records, chain, domain, "") == nil {
			p.method = byDANE
			return p, nil
		}
	}
	if v.wellKnown != nil {
		if v.wellKnown.posh(ctx, domain, chain[0]) {
			p.method = byPOSH
			return p, nil
		}
		if v.wellKnown.pinned(ctx, domain, p.hash) {
			p.method = byPin
			return p, nil
		}
	}
	return p, err
}

// pkix holds the chain against the trusted authorities and the leaf against the domain
// (RFC 6120 section 13.7.2, RFC 9525). A certificate for servers alone is good for both roles:
// public authorities make no others any more.
func (v *verifier) pkix(chain []*x509.Certificate, domain string) error {
	names, err := readIdentities(chain[0])
	if err != nil {
		return &trouble{words: "its certificate is malformed", cause: err}
	}
	chains, err := v.chains(chain, v.roots)
	if err != nil {
		return explainCert(err, chain[0], v.clock.Now())
	}
	if names.forDNS(domain) {
		return nil
	}
	if names.forOther(domain) {
		for _, c := range chains {
			if permitted(c, domain) {
				return nil
			}
		}
		return &trouble{words: "the authority of its certificate may not make certificates for " + domain}
	}
	all := names.list()
	switch {
	case len(all) == 0:
		return &trouble{words: "its certificate names no domain"}
	case len(all) > 5:
		all = append(all[:5], "...")
	}
	return &trouble{words: fmt.Sprintf("its certificate is for %s and not for %s", strings.Join(all, ", "), domain)}
}

func (v *verifier) chains(chain []*x509.Certificate, roots *x509.CertPool) ([][]*x509.Certificate, error) {
	between := x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	leaf := chain[0]
	if len(leaf.UnhandledCriticalExtensions) > 0 {
		// A critical subjectAltName that holds otherNames alone is read by readIdentities.
		c := *leaf
		c.UnhandledCriticalExtensions = nil
		for _, id := range leaf.UnhandledCriticalExtensions {
			if !id.Equal(oidSAN) {
				c.UnhandledCriticalExtensions = append(c.UnhandledCriticalExtensions, id)
			}
		}
		leaf = &c
	}
	return leaf.Verify(x509.VerifyOptions{
		Roots: roots, Intermediates: between, CurrentTime: v.clock.Now(),
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	})
}

// permitted applies the name constraints of a chain's authorities to names of kinds that crypto/x509
// does not know: an authority for one company's domains must not pass the others' off as an SRV-ID.
func permitted(chain []*x509.Certificate, domain string) bool {
	host, err := ascii(domain)
	if err != nil {
		return false
	}
	within := func(constraint string) bool {
		constraint = strings.ToLower(strings.TrimPrefix(constraint, "."))
		return constraint == "" || host == constraint || strings.HasSuffix(host, "."+constraint)
	}
	for _, c := range chain[1:] {
		for _, ex := range c.ExcludedDNSDomains {
			if within(ex) {
				return false
			}
		}
		if len(c.PermittedDNSDomains) == 0 {
			continue
		}
		ok := false
		for _, p := range c.PermittedDNSDomains {
			ok = ok || within(p)
		}
		if !ok {
			return false
		}
	}
	return true
}

// explainCert puts what is wrong with a certificate into words.
func explainCert(err error, leaf *x509.Certificate, now time.Time) error {
	words := "its certificate is not valid"
	var (
		unknown x509.UnknownAuthorityError
		invalid x509.CertificateInvalidError
	)
	switch {
	case now.After(leaf.NotAfter):
		words = "its certificate expired on " + leaf.NotAfter.UTC().Format(time.DateOnly)
	case now.Before(leaf.NotBefore):
		words = "its certificate is valid only from " + leaf.NotBefore.UTC().Format(time.DateOnly)
	case errors.As(err, &unknown) && leaf.CheckSignatureFrom(leaf) == nil || errors.As(err, &unknown) && leaf.Issuer.String() == leaf.Subject.String():
		words = "its certificate is self-signed"
	case errors.As(err, &unknown):
		words = "its certificate is signed by an authority that is not trusted here"
	case errors.As(err, &invalid) && invalid.Reason == x509.CANotAuthorizedForThisName:
		words = "the authority of its certificate may not make certificates for it"
	case errors.As(err, &invalid) && invalid.Reason == x509.IncompatibleUsage:
		words = "its certificate is not one for servers"
	}
	return &trouble{words: words, cause: err}
}

func keyHash(c *x509.Certificate) string {
	sum := sha256.Sum256(c.RawSubjectPublicKeyInfo)
	return hex.EncodeToString(sum[:])
}
