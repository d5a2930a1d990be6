package federation

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/hex"
	"errors"
)

// Usages of TLSA records (RFC 6698 section 2.1.1, named by RFC 7218).
const (
	usagePKIXTA = 0
	usagePKIXEE = 1
	usageDANETA = 2
	usageDANEEE = 3
)

func hexBytes(s string) ([]byte, error) { return hex.DecodeString(s) }

// usable leaves out records that nobody can apply (RFC 6698 section 4.1).
func usable(all []TLSA) (out []TLSA) {
	for _, r := range all {
		if r.Usage <= usageDANEEE && r.Selector <= 1 && r.Matching <= 2 && len(r.Data) > 0 {
			out = append(out, r)
		}
	}
	return out
}

// is reports whether a record speaks of this certificate.
func (r TLSA) is(c *x509.Certificate) bool {
	what := c.Raw
	if r.Selector == 1 {
		what = c.RawSubjectPublicKeyInfo
	}
	switch r.Matching {
	case 1:
		sum := sha256.Sum256(what)
		what = sum[:]
	case 2:
		sum := sha512.Sum512(what)
		what = sum[:]
	}
	return bytes.Equal(what, r.Data)
}

// matchTLSA holds a chain against records that DNS has proven (RFC 7671, RFC 7673 section 4). host is
// the name that a secure SRV record has given, "" for none; it is as good as the domain.
func (v *verifier) matchTLSA(records []TLSA, chain []*x509.Certificate, domain, host string) error {
	named := func() bool {
		names, err := readIdentities(chain[0])
		return err == nil && (names.forDNS(domain) || names.forOther(domain) || host != "" && names.forDNS(host))
	}
	for _, r := range records {
		switch r.Usage {
		case usageDANEEE:
			// RFC 7671 section 5.1: neither names nor dates count.
			if r.is(chain[0]) {
				return nil
			}
		case usagePKIXEE:
			if r.is(chain[0]) && named() {
				if _, err := v.chains(chain, v.roots); err == nil {
					return nil
				}
			}
		case usageDANETA:
			for _, c := range chain[1:] {
				if !r.is(c) || !named() {
					continue
				}
				anchor := x509.NewCertPool()
				anchor.AddCert(c)
				if _, err := v.chains(chain, anchor); err == nil {
					return nil
				}
			}
		case usagePKIXTA:
			if !named() {
				continue
			}
			paths, err := v.chains(chain, v.roots)
			if err != nil {
				continue
			}
			for _, path := range paths {
				for _, c := range path[1:] {
					if r.is(c) {
						return nil
					}
				}
			}
		}
	}
	return &trouble{words: "its certificate is not the one that DNS names (DANE)"}
}

// daneFinder looks for the records of servers that connect to this one.
type daneFinder struct {
	dns   Resolver
	limit chan struct{} // one token for each look-up on behalf of others
}

// incoming are the records of all ports at which a domain takes servers: the one that connects uses the
// same certificate. Every step must be proven by DNSSEC.
func (d *daneFinder) incoming(ctx context.Context, domain string) (all []TLSA) {
	host, err := ascii(domain)
	if err != nil {
		return nil
	}
	select {
	case d.limit <- struct{}{}:
		defer func() { <-d.limit }()
	case <-ctx.Done():
		return nil
	}
	absent := 0 // services of which it is proven that there is no record
	for _, service := range []string{srvTLS, srvPlain} {
		records, secure, err := d.dns.SRV(ctx, service+host)
		if secure && (errors.Is(err, ErrNoName) || err == nil && len(records) == 0) {
			absent++
		}
		if err != nil || !secure {
			continue
		}
		for i, s := range records {
			if i == maxTargets {
				break
			}
			if found, secure, err := d.dns.TLSA(ctx, s.Port, trimDot(s.Target)); err == nil && secure {
				all = append(all, usable(found)...)
			}
		}
	}
	if absent == 2 {
		// Then it is at the usual port (RFC 6120 section 3.2.2).
		if found, secure, err := d.dns.TLSA(ctx, usualPort, host); err == nil && secure {
			all = usable(found)
		}
	}
	return all
}
