package federation

import (
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"golang.org/x/net/idna"

	"kith/internal/jid"
)

// ascii is a domain as DNS, TLS and certificates have it (RFC 5890): in A-labels, in lower case.
func ascii(domain string) (string, error) {
	if a, err := idna.Lookup.ToASCII(domain); err == nil {
		return strings.ToLower(a), nil
	}
	// Names with underscores are no host names, and yet they are used.
	a, err := idna.ToASCII(domain)
	if err != nil || a == "" || len(a) > 253 {
		return "", fmt.Errorf("%q is no domain name", domain)
	}
	return strings.ToLower(a), nil
}

// address is the IP address that a domain part is, if it is one (RFC 7622 section 3.2).
func address(domain string) (netip.Addr, bool) {
	ip, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(domain, "["), "]"))
	return ip, err == nil && ip.Zone() == ""
}

// identities are what a certificate says about whom it is for (RFC 6120 section 13.7.1.2). The common
// name is none (RFC 9525 section 2).
type identities struct {
	dns, srv []string
	xmpp     []string
	ips      []netip.Addr
}

var (
	oidSAN      = asn1.ObjectIdentifier{2, 5, 29, 17}
	oidXMPPAddr = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 8, 5} // RFC 6120 section 13.7.1.4
	oidDNSSRV   = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 8, 7} // RFC 4985
)

var errSAN = errors.New("federation: malformed subjectAltName")

// readIdentities reads the subjectAltName, otherName included, which crypto/x509 leaves out.
func readIdentities(cert *x509.Certificate) (identities, error) {
	out := identities{dns: cert.DNSNames}
	for _, ip := range cert.IPAddresses {
		if a, ok := netip.AddrFromSlice(ip); ok {
			out.ips = append(out.ips, a.Unmap())
		}
	}
	for _, ext := range cert.Extensions {
		if !ext.Id.Equal(oidSAN) {
			continue
		}
		var names asn1.RawValue
		if rest, err := asn1.Unmarshal(ext.Value, &names); err != nil || len(rest) > 0 || names.Tag != asn1.TagSequence {
			return identities{}, errSAN
		}
		for rest := names.Bytes; len(rest) > 0; {
			var name asn1.RawValue
			var err error
			if rest, err = asn1.Unmarshal(rest, &name); err != nil {
				return identities{}, errSAN
			}
			if name.Class == asn1.ClassContextSpecific && name.Tag == 0 {
				out.other(name)
			}
		}
	}
	return out, nil
}

// other reads an otherName. Those that it does not understand say nothing about us.
func (d *identities) other(name asn1.RawValue) {
	var oid asn1.ObjectIdentifier
	rest, err := asn1.Unmarshal(name.Bytes, &oid)
	if err != nil {
		return
	}
	var wrapped, value asn1.RawValue
	if _, err := asn1.Unmarshal(rest, &wrapped); err != nil || wrapped.Class != asn1.ClassContextSpecific || wrapped.Tag != 0 {
		return
	}
	if _, err := asn1.Unmarshal(wrapped.Bytes, &value); err != nil || value.Class != asn1.ClassUniversal {
		return
	}
	switch {
	case oid.Equal(oidXMPPAddr) && value.Tag == asn1.TagUTF8String:
		d.xmpp = append(d.xmpp, string(value.Bytes))
	case oid.Equal(oidDNSSRV) && value.Tag == asn1.TagIA5String:
		d.srv = append(d.srv, string(value.Bytes))
	}
}

// list is all names, for people.
func (d *identities) list() []string {
	all := append([]string(nil), d.dns...)
	for _, ip := range d.ips {
		all = append(all, ip.String())
	}
	return append(append(all, d.srv...), d.xmpp...)
}

// forDNS reports whether the certificate is for a domain by names that name constraints of
// crypto/x509 apply to; forOther whether it is by an SRV-ID or an XmppAddr.
func (d *identities) forDNS(domain string) bool {
	if ip, ok := address(domain); ok {
		for _, a := range d.ips {
			if a == ip.Unmap() {
				return true
			}
		}
		return false
	}
	host, err := ascii(domain)
	if err != nil {
		return false
	}
	for _, n := range d.dns {
		if matchDNS(n, host) {
			return true
		}
	}
	return false
}

func (d *identities) forOther(domain string) bool {
	host, err := ascii(domain)
	if err != nil {
		return false
	}
	for _, n := range d.srv {
		// RFC 4985 section 2: _Service.Name.
		if service, name, ok := strings.Cut(n, "."); ok && strings.EqualFold(service, "_xmpp-server") && matchDNS(name, host) {
			return true
		}
	}
	for _, n := range d.xmpp {
		if j, err := jid.Parse(n); err == nil && j.IsDomain() && j.Domain() == domain {
			return true
		}
	}
	return false
}

// matchDNS holds a DNS-ID against a host name; a wildcard stands for exactly one label, the first
// one (RFC 9525 section 6.3).
func matchDNS(pattern, host string) bool {
	pattern = strings.ToLower(strings.TrimSuffix(pattern, "."))
	if rest, ok := strings.CutPrefix(pattern, "*."); ok {
		_, parent, ok := strings.Cut(host, ".")
		return ok && parent == rest && strings.Contains(rest, ".")
	}
	return pattern == host && pattern != ""
}
