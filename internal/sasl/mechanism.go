package sasl

import (
	"crypto"
	_ "crypto/sha1" //nolint:gosec // SCRAM-SHA-1 is mandatory to implement (RFC 6120 section 13.8)
	_ "crypto/sha256"
	_ "crypto/sha512"
	"slices"
	"strings"
)

// Hash is one of the hash functions of SCRAM, by its name in the mechanism.
type Hash string

// The hashes that have verifiers.
const (
	SHA1   Hash = "SHA-1"
	SHA256 Hash = "SHA-256"
	SHA512 Hash = "SHA-512"
)

// Hashes lists all hashes, strongest first.
func Hashes() []Hash { return []Hash{SHA512, SHA256, SHA1} }

func (h Hash) crypto() crypto.Hash {
	switch h {
	case SHA1:
		return crypto.SHA1
	case SHA256:
		return crypto.SHA256
	case SHA512:
		return crypto.SHA512
	}
	return 0
}

// Valid reports whether h is one of [Hashes].
func (h Hash) Valid() bool { return h.crypto() != 0 }

// Size is the length of the hash in bytes, 0 for an unknown one.
func (h Hash) Size() int {
	if !h.Valid() {
		return 0
	}
	return h.crypto().Size()
}

// Mechanism is the registered name of a SASL mechanism.
type Mechanism string

// The mechanisms of this package.
const (
	ScramSHA1       Mechanism = "SCRAM-SHA-1"
	ScramSHA1Plus   Mechanism = "SCRAM-SHA-1-PLUS"
	ScramSHA256     Mechanism = "SCRAM-SHA-256"
	ScramSHA256Plus Mechanism = "SCRAM-SHA-256-PLUS"
	ScramSHA512     Mechanism = "SCRAM-SHA-512"
	ScramSHA512Plus Mechanism = "SCRAM-SHA-512-PLUS"
	HTSHA256None    Mechanism = "HT-SHA-256-NONE"
	HTSHA256EndP    Mechanism = "HT-SHA-256-ENDP"
	HTSHA256Expr    Mechanism = "HT-SHA-256-EXPR"
	Plain           Mechanism = "PLAIN"
)

// Scram names the mechanism of a hash.
func Scram(h Hash, plus bool) Mechanism {
	m := "SCRAM-" + string(h)
	if plus {
		m += "-PLUS"
	}
	return Mechanism(m)
}

// Scram takes a SCRAM mechanism apart; ok is false for any other.
func (m Mechanism) Scram() (h Hash, plus, ok bool) {
	s, ok := strings.CutPrefix(string(m), "SCRAM-")
	if !ok {
		return "", false, false
	}
	s, plus = strings.CutSuffix(s, "-PLUS")
	return Hash(s), plus, Hash(s).Valid()
}

// Token reports whether m authenticates with a token (XEP-0484), and the channel binding that its
// name asks for, "" for none.
func (m Mechanism) Token() (b Binding, ok bool) {
	switch m {
	case HTSHA256None:
		return "", true
	case HTSHA256EndP:
		return ServerEndPoint, true
	case HTSHA256Expr:
		return Exporter, true
	default:
		return "", false
	}
}

// Channel is what a mechanism may know of the connection below it.
type Channel struct {
	// Confidential: nobody on the way can read along. TLS up to this process, TLS up to a trusted
	// proxy, or a connection that does not leave the machine.
	Confidential bool
	// Bindings holds the data of each channel binding that both ends can compute. A connection
	// whose TLS ends at a proxy has none.
	Bindings map[Binding][]byte
}

// Policy says which mechanisms a server offers at best.
type Policy struct {
	// Hashes for which accounts have verifiers, in the order of the offer.
	Hashes []Hash
	// Tokens: hashed tokens are issued and accepted.
	Tokens bool
	// Plain: accept passwords in the clear from clients that know nothing better. Leave it off.
	Plain bool
	// NoDowngradeHash leaves the hash of XEP-0474 out of SCRAM, for clients that stumble over it.
	NoDowngradeHash bool
}

// Offer is what one connection is told, and what it is then held to.
type Offer struct {
	// Mechanisms of the SASL feature, strongest first; empty when nothing may be offered.
	Mechanisms []Mechanism
	// Tokens are the mechanisms of the FAST feature (XEP-0484). They exist in SASL2 only and are
	// no part of the downgrade hash.
	Tokens []Mechanism
	// Bindings of the sasl-channel-binding feature (XEP-0440), strongest first; nil when there is
	// no feature to send.
	Bindings []Binding
	// DowngradeHash: send the hash of XEP-0474.
	DowngradeHash bool
}

// Offer selects the mechanisms for a connection. A connection that others can read is offered
// nothing: not even SCRAM protects what follows the login.
func (p Policy) Offer(ch Channel) Offer {
	if !ch.Confidential {
		return Offer{}
	}
	var o Offer
	for _, b := range []Binding{Exporter, ServerEndPoint, Unique} {
		if len(ch.Bindings[b]) > 0 {
			o.Bindings = append(o.Bindings, b)
		}
	}
	for _, plus := range []bool{true, false} {
		if plus && len(o.Bindings) == 0 {
			continue
		}
		for _, h := range p.Hashes {
			if h.Valid() {
				o.Mechanisms = append(o.Mechanisms, Scram(h, plus))
			}
		}
	}
	if !slices.ContainsFunc(o.Mechanisms, Mechanism.plus) {
		// Bindings without a mechanism that uses them would look like an attack (XEP-0440 rule 5).
		o.Bindings = nil
	}
	o.DowngradeHash = len(o.Mechanisms) > 0 && !p.NoDowngradeHash
	if p.Plain {
		o.Mechanisms = append(o.Mechanisms, Plain)
	}
	if p.Tokens {
		for _, m := range []Mechanism{HTSHA256Expr, HTSHA256EndP, HTSHA256None} {
			if b, _ := m.Token(); b == "" || len(ch.Bindings[b]) > 0 {
				o.Tokens = append(o.Tokens, m)
			}
		}
	}
	return o
}

// Has reports whether m was offered, as a mechanism or as a token mechanism.
func (o Offer) Has(m Mechanism) bool {
	return slices.Contains(o.Mechanisms, m) || slices.Contains(o.Tokens, m)
}

// Plus reports whether a mechanism with channel binding was offered.
func (o Offer) Plus() bool { return slices.ContainsFunc(o.Mechanisms, Mechanism.plus) }

func (m Mechanism) plus() bool {
	_, plus, ok := m.Scram()
	return ok && plus
}

// Hash is the downgrade hash of XEP-0474 section 5.1: over the mechanisms and, when they were
// announced, the channel bindings, in base64.
func (o Offer) Hash(h Hash) string {
	names := make([]string, len(o.Mechanisms))
	for i, m := range o.Mechanisms {
		names[i] = string(m)
	}
	slices.Sort(names)
	s := strings.Join(names, "\x1e")
	if len(o.Bindings) > 0 {
		cbs := make([]string, len(o.Bindings))
		for i, b := range o.Bindings {
			cbs[i] = string(b)
		}
		slices.Sort(cbs)
		s += "\x1f" + strings.Join(cbs, "\x1e")
	}
	d := h.crypto().New()
	d.Write([]byte(s))
	return b64.EncodeToString(d.Sum(nil))
}
