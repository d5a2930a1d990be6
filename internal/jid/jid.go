// Package jid holds XMPP addresses (RFC 7622) as small comparable values.
//
// A [JID] can be compared with == and used as a map key. Addresses made of the
// characters that nearly everyone uses are checked here without an allocation;
// all others go through the PRECIS and IDNA profiles of mellium.im/xmpp/jid.
package jid

import (
	"errors"
	"fmt"
	"strings"

	mjid "mellium.im/xmpp/jid"
)

// ErrInvalid is wrapped by every error of this package.
var ErrInvalid = errors.New("jid: invalid address")

// MaxPart is the longest localpart, domainpart or resourcepart in bytes (RFC 7622 section 3.1).
const MaxPart = 1023

// JID is a normalised address: [ localpart "@" ] domainpart [ "/" resourcepart ].
// The zero value is "no address".
type JID struct {
	full string
	// at is the length of the localpart, bare the length of the bare address.
	at, bare uint16
}

// Parse splits and normalises an address.
func Parse(s string) (JID, error) {
	rest, resource, hasResource := strings.Cut(s, "/")
	local, domain, hasLocal := strings.Cut(rest, "@")
	if !hasLocal {
		local, domain = "", rest
	}
	if hasLocal && local == "" {
		return JID{}, fmt.Errorf("%w: empty localpart", ErrInvalid)
	}
	if hasResource && resource == "" {
		return JID{}, fmt.Errorf("%w: empty resourcepart", ErrInvalid)
	}
	// A comparison is enough where nothing has to change: the address is then kept as it came.
	if localIsPlain(local) && domainIsPlain(domain) && resourceIsPlain(resource) {
		return assemble(s, len(local), len(rest)), nil
	}
	return New(local, domain, resource)
}

// New normalises the three parts of an address; local and resource may be empty.
func New(local, domain, resource string) (JID, error) {
	if domain == "" {
		return JID{}, fmt.Errorf("%w: empty domainpart", ErrInvalid)
	}
	if !localIsPlain(local) || !domainIsPlain(domain) || !resourceIsPlain(resource) {
		m, err := mjid.New(local, domain, resource)
		if err != nil {
			return JID{}, fmt.Errorf("%w: %w", ErrInvalid, err)
		}
		local, domain, resource = m.Localpart(), m.Domainpart(), m.Resourcepart()
		if strings.Contains(domain, "..") || strings.HasPrefix(domain, ".") || strings.HasSuffix(domain, ".") {
			return JID{}, fmt.Errorf("%w: empty label in domainpart", ErrInvalid)
		}
		if len(local) > MaxPart || len(domain) > MaxPart || len(resource) > MaxPart {
			return JID{}, fmt.Errorf("%w: part longer than %d bytes", ErrInvalid, MaxPart)
		}
	}
	full := domain
	if local != "" {
		full = local + "@" + domain
	}
	bare := len(full)
	if resource != "" {
		full += "/" + resource
	}
	return assemble(full, len(local), bare), nil
}

// Must is Parse for constants; it panics on an invalid address.
func Must(s string) JID {
	j, err := Parse(s)
	if err != nil {
		panic(err)
	}
	return j
}

func assemble(full string, local, bare int) JID {
	return JID{full: full, at: uint16(local), bare: uint16(bare)} //nolint:gosec // parts are at most MaxPart bytes
}

// IsZero reports whether j is no address at all.
func (j JID) IsZero() bool { return j.full == "" }

// String is the whole address; empty for the zero value.
func (j JID) String() string { return j.full }

// Local is the localpart, "" for a domain.
func (j JID) Local() string { return j.full[:j.at] }

// Domain is the domainpart.
func (j JID) Domain() string {
	if j.at == 0 {
		return j.full[:j.bare]
	}
	return j.full[j.at+1 : j.bare]
}

// Resource is the resourcepart, "" for a bare address.
func (j JID) Resource() string {
	if int(j.bare) == len(j.full) {
		return ""
	}
	return j.full[j.bare+1:]
}

// Bare is the address without its resourcepart.
func (j JID) Bare() JID { return JID{full: j.full[:j.bare], at: j.at, bare: j.bare} }

// Clone is the same address with memory of its own. One that was read from a stanza shares the memory of the whole
// stanza, so that whatever keeps it keeps all of that.
func (j JID) Clone() JID { return JID{full: strings.Clone(j.full), at: j.at, bare: j.bare} }

// IsBare reports whether there is no resourcepart.
func (j JID) IsBare() bool { return int(j.bare) == len(j.full) }

// IsDomain reports whether j is a domain alone, without localpart and resourcepart.
func (j JID) IsDomain() bool { return j.at == 0 && j.IsBare() }

// DomainJID is the address of the domain alone.
func (j JID) DomainJID() JID {
	d := j.Domain()
	return JID{full: d, bare: uint16(len(d))} //nolint:gosec // at most MaxPart
}

// WithResource is the bare address of j with another resourcepart.
func (j JID) WithResource(resource string) (JID, error) {
	return New(j.Local(), j.Domain(), resource)
}

// localIsPlain: printable ASCII in lower case without the characters that RFC 7622
// section 3.3.1 excludes; PRECIS UsernameCaseMapped leaves these as they are.
func localIsPlain(s string) bool {
	if len(s) > MaxPart {
		return false
	}
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '.', c == '-', c == '_', c == '+', c == '=', c == '~':
		default:
			return false
		}
	}
	return true
}

// domainIsPlain: a lower-case host name of letters, digits and inner hyphens. Labels that look
// like IDNA A-labels, IP addresses in brackets and trailing dots take the long way.
func domainIsPlain(s string) bool {
	if s == "" || len(s) > 253 {
		return false
	}
	label := 0
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9':
			label++
		case c == '-':
			if label == 0 || i+1 == len(s) || s[i+1] == '.' || s[i+1] == '-' {
				return false
			}
			label++
		case c == '.':
			if label == 0 || i+1 == len(s) {
				return false
			}
			label = 0
		default:
			return false
		}
		if label > 63 {
			return false
		}
	}
	return true
}

// resourceIsPlain: printable ASCII; PRECIS OpaqueString leaves it as it is.
func resourceIsPlain(s string) bool {
	if len(s) > MaxPart {
		return false
	}
	for i := range len(s) {
		if s[i] < 0x20 || s[i] > 0x7e {
			return false
		}
	}
	return true
}
