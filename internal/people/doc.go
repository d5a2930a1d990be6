// Package people are XMPP clients without a screen: somebody signs in, has contacts, writes and reads
// messages that are encrypted with OMEMO (XEP-0384 0.3), and sees what became of them. Tests talk to the
// server and to the web app through them, and kith dev fills its house with them (package family).
//
// A [Person] is one device of one account. What it remembers, keys included, is in memory and outlives
// its connections: messages that are written while there is none wait, and those of others are fetched
// from the archive (XEP-0313) or come as offline messages. Each message of others appears exactly
// once, however often connections break. The stream is mellium.im/xmpp, which shares no code with the
// server.
//
// One mutex, Person.mu, guards everything that a person remembers. What comes in is handled by the
// goroutine that reads the stream, completely, before the server is told that it arrived. What needs
// an answer of the server is done by one worker for each connection, in order.
package people
