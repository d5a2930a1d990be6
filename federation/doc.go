// Package federation is the server's side of the streams between servers (RFC 6120): it brings
// stanzas to other domains and takes theirs.
//
// # Who owns what
//
// A link is the actor of one pair of domains, a local one and another server's. It owns what waits
// for that domain, in order: in memory while there is little, in the database when there is much or
// when the other server does not confirm soon. It makes the connection, makes it anew when it is
// lost, and gives stanzas back to their senders when their time is over. One link never waits for
// another, nor does anybody wait for it.
//
// A wire is one connection, whoever made it: a goroutine reads, and one that lives only while there
// is something to write, writes. A wire that the other server made serves a link too when both sides
// want that (XEP-0288). What comes in is counted by stream management (XEP-0198), and acknowledged when
// the server has taken responsibility for it, which for a message means that it is on disk.
//
// # What is accepted
//
// A stanza for another server is accepted when that server has acknowledged it, or when it is durable
// here. While a connection works and acknowledgements come soon, nothing is written to disk at all;
// what is not confirmed after a moment is written, for all links in one commit. To servers without
// stream management a ping is sent after the stanzas: since a stream keeps its order, the answer says
// that all before it arrived.
//
// # Who is who
//
// The identity of a domain is proven by its certificate (RFC 6120 section 13.7, RFC 9525), by a
// TLSA record (RFC 7673, RFC 7712), by a file on its web server (POSH, RFC 7711), or, where the operator
// has switched that on, by calling it back (XEP-0220). A stanza is taken only from a domain that was
// proven on the very stream by which it comes, and given only to one. Nothing is relayed: who it is
// for is served here.
package federation
