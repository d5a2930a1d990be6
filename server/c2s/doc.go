// Package c2s is the server's side of client connections: it negotiates streams over TCP
// (RFC 6120) and WebSocket (RFC 7395) and turns them into sessions of accounts.
//
// # Who owns what
//
// A [Conn] is a transport with its framing. A link is one connection: it has a goroutine that
// reads, which first runs the negotiation and then the session; it writes under a lock. A session
// is one bound resource. It outlives its link when the client uses stream management (XEP-0198),
// and has at most one link at a time. What reaches the session from its account goes into a bounded
// queue; a goroutine that lives only while there is something to write brings it to the link.
//
// Nothing here waits for an account except a client's own reader, and that one only when the
// client has sent as much as may be under way at a time.
package c2s
