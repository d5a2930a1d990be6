package federation

// Protocol is a specification that federation implements.
type Protocol struct {
	Number  int
	Name    string
	Version string
	// Note says what is left out, or how it is meant; empty for a complete implementation.
	Note string
}

// Protocols lists what federation implements beside RFC 6120, for documents.
func Protocols() []Protocol {
	return []Protocol{
		{178, "Best Practices for Use of SASL EXTERNAL with Certificates", "1.2", "between servers"},
		{185, "Dialback Key Generation and Validation", "1.0", "where dialback is switched on"},
		{198, "Stream Management", "1.6.3", "between servers: what arrived is asked for after a loss, streams are not resumed"},
		{220, "Server Dialback", "1.1.1", "off unless it is switched on, and never without TLS"},
		{288, "Bidirectional Server-to-Server Connections", "1.0.1", ""},
		{344, "Impact of TLS and DNSSEC on Dialback", "0.4", "a certificate that proves the domain spares the call back"},
		{368, "SRV records for XMPP over TLS", "1.1.0", ""},
		{478, "Stream Limits Advertisement", "0.2.0", ""},
		{487, "Host Meta 2 - One Method To Rule Them All", "0.1.0", "of other servers: addresses and keys"},
	}
}
