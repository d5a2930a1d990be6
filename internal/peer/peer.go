// Package peer holds the records about other servers that federation makes and the store keeps.
package peer

import "time"

// Link is a pair of domains: a local one that sends and another server's that receives.
type Link struct {
	Local, Remote string
}

// Stanza is one that waits for its way to another server.
type Stanza struct {
	// Seq is unique, and ascends in the order in which the stanzas of a link were taken.
	Seq int64
	// XML is what stanza.Stanza.String writes.
	XML string
	// At is when it was taken, Until when it is to be given up.
	At, Until time.Time
}

// Backlog is how much waits for a link.
type Backlog struct {
	Link
	Count int
	// Bytes of the stanzas.
	Bytes int64
	// Oldest is when the first of them was taken.
	Oldest time.Time
}

// Rule is what the operator has decided about a domain.
type Rule string

// The rules.
const (
	// NoRule leaves the decision to the policy.
	NoRule Rule = ""
	Allow  Rule = "allow"
	Block  Rule = "block"
)

// Record is what is known of another domain.
type Record struct {
	Domain string `json:"-"`
	Rule   Rule   `json:"rule,omitempty"`
	// First and Last are when the domain proved its identity for the first and the last time.
	First time.Time `json:"first,omitzero"`
	Last  time.Time `json:"last,omitzero"`
	// Keys are those that it proved it with, the latest first.
	Keys []Key `json:"keys,omitempty"`
	// Changed is when an unexpected key was seen that nobody has looked at; zero for never.
	Changed time.Time `json:"changed,omitzero"`
	// Why says what was unexpected about it.
	Why string `json:"why,omitempty"`
	// Error is what went wrong last, in words, and ErrorAt when.
	Error   string    `json:"error,omitempty"`
	ErrorAt time.Time `json:"errorAt,omitzero"`
}

// Key is the public key of a certificate that was seen.
type Key struct {
	// Hash is the SHA-256 of the SubjectPublicKeyInfo in hexadecimal.
	Hash string `json:"hash"`
	// Issuer is who signed the certificate.
	Issuer string `json:"issuer"`
	// First and Last are when it was seen.
	First time.Time `json:"first"`
	Last  time.Time `json:"last"`
	// NotBefore and NotAfter are those of the certificate.
	NotBefore time.Time `json:"notBefore"`
	NotAfter  time.Time `json:"notAfter"`
}
