package c2s

import (
	"time"

	"kith/internal/config"
	"kith/internal/counter"
	"kith/internal/xmltree"
)

// Config is the section [c2s] of the configuration file: limits and timeouts of the connections
// of clients.
type Config struct {
	// StanzaBytes is the size of the largest stanza that is taken from a client. It is announced
	// to clients (XEP-0478). Profile pictures and lists of keys have to fit in it.
	StanzaBytes config.Size `toml:"stanza_bytes"`
	// StanzaElements is how many elements a stanza may be made of.
	StanzaElements int `toml:"stanza_elements"`
	// LoginTime is how long a client may take from connecting to being signed in.
	LoginTime time.Duration `toml:"login_time"`
	// LoginTries is how often a client may fail to sign in on one connection.
	LoginTries int `toml:"login_tries"`
	// LocalPlaintext allows connections from this machine to sign in without TLS: bots and
	// gateways on the same host, a web server in front. A password itself is never taken without TLS.
	LocalPlaintext bool `toml:"local_plaintext"`
	// Sessions is how many clients of one account may be signed in at the same time. Those that
	// lost their connection and may still come back give way to a new one.
	Sessions int `toml:"sessions"`
	// BOSHPerAddress is how many sessions over HTTP requests (XEP-0124) an address may have at the same
	// time; all IPv6 addresses of a network count as one.
	BOSHPerAddress int `toml:"bosh_per_address"`
	// Unaccepted is how many stanzas of one client may be waiting to be stored; it is read from
	// no further until some are.
	Unaccepted int `toml:"unaccepted"`
	// QueueStanzas and QueueBytes bound what waits to be sent to one client, or to be acknowledged by
	// it. A client that lets it grow further is disconnected; it finds what it missed in the archive.
	QueueStanzas int         `toml:"queue_stanzas"`
	QueueBytes   config.Size `toml:"queue_bytes"`
	// ResumeTime is how long a client that lost its connection may continue its session.
	ResumeTime time.Duration `toml:"resume_time"`
	// AckTime is how long a client may take to acknowledge what it was sent before its connection
	// counts as lost.
	AckTime time.Duration `toml:"ack_time"`
	// WriteTime is how long the network may refuse what is sent to a client before its connection
	// counts as lost.
	WriteTime time.Duration `toml:"write_time"`
	// IdleTime is how long a client may be silent before it is asked whether it is still there. It
	// is announced to clients (XEP-0478). Short times empty the batteries of phones.
	IdleTime time.Duration `toml:"idle_time"`
}

// DefaultConfig is what a server uses that is not told otherwise.
func DefaultConfig() Config {
	return Config{
		StanzaBytes:    256 << 10,
		StanzaElements: 4096,
		LoginTime:      30 * time.Second,
		LoginTries:     5,
		LocalPlaintext: true,
		Sessions:       20,
		BOSHPerAddress: 100,
		Unaccepted:     256,
		QueueStanzas:   10_000,
		QueueBytes:     16 << 20,
		ResumeTime:     10 * time.Minute,
		AckTime:        time.Minute,
		WriteTime:      time.Minute,
		IdleTime:       10 * time.Minute,
	}
}

// Validate says which options are out of their bounds, all of them.
func (c Config) Validate() error {
	check := config.NewCheck("c2s")
	// RFC 6120 section 13.12 asks for 10,000 bytes at least.
	check.Size("stanza_bytes", c.StanzaBytes, 10_000, 16<<20)
	check.Number("stanza_elements", c.StanzaElements, 100, 1<<20)
	check.Span("login_time", c.LoginTime, time.Second, 10*time.Minute)
	// RFC 6120 section 6.4.5: between 2 and 5 retries.
	check.Number("login_tries", c.LoginTries, 1, 6)
	check.Number("sessions", c.Sessions, 1, 1000)
	check.Number("bosh_per_address", c.BOSHPerAddress, 1, maxBOSH)
	check.Number("unaccepted", c.Unaccepted, 1, 1<<16)
	check.Number("queue_stanzas", c.QueueStanzas, 100, 1<<20)
	check.Size("queue_bytes", c.QueueBytes, c.StanzaBytes, 1<<30)
	check.Span("resume_time", c.ResumeTime, 0, 24*time.Hour)
	check.Span("ack_time", c.AckTime, time.Second, time.Hour)
	check.Span("write_time", c.WriteTime, time.Second, time.Hour)
	check.Span("idle_time", c.IdleTime, 10*time.Second, 24*time.Hour)
	return check.Err()
}

// Fixed limits and times.
const (
	// Before login, what a client has to say is short, and memory is spent on strangers.
	earlyBytes    = 8 << 10
	earlyElements = 32
	earlyDepth    = 8
	maxDepth      = 64
	maxAttrs      = 64

	// maxAsked bounds the requests of a client that has not signed in.
	maxAsked = 20

	// closeTime is how long the other side may take to hang up too.
	closeTime = 5 * time.Second
	// answerTime bounds how long an acknowledgement is held back until all before it is stored.
	answerTime = 10 * time.Second
	// settleTime is how long a resumption waits for stanzas that are still being stored.
	settleTime = 10 * time.Second
	// requestTime is when an acknowledgement is asked for that nothing else made necessary.
	requestTime = 15 * time.Second
	// requestAfter is after how many stanzas one is asked for at once.
	requestAfter = 8
	// ackAfter is how many stanzas are acknowledged without being asked.
	ackAfter = 32
	// batchBytes bounds what is written at once.
	batchBytes = 64 << 10
	// maxAnswers bounds the acknowledgements that are owed to a client which asks and does not read.
	maxAnswers = 64
	// maxHeld bounds what is held back from an inactive client (XEP-0352).
	maxHeld = 256
	// maxEnded bounds how many ended sessions are remembered for their counters.
	maxEnded = 16384
	// maxTag bounds the tag of a resource (XEP-0386 section 3.2), in bytes.
	maxTag = 64
)

var earlyLimits = xmltree.Limits{Bytes: earlyBytes, Elements: earlyElements, Depth: earlyDepth, Attrs: maxAttrs}

func (c Config) limits() xmltree.Limits {
	return xmltree.Limits{Bytes: int(c.StanzaBytes), Elements: c.StanzaElements, Depth: maxDepth, Attrs: maxAttrs}
}

// Counters count what happened to connections and sessions.
type Counters struct {
	Connections    *counter.Counter // connections taken
	BOSHRefused    *counter.Counter // sessions over HTTP refused because there were too many
	Bound          *counter.Counter // sessions begun
	Resumed        *counter.Counter // sessions continued on another connection
	ResumeFailed   *counter.Counter // resumptions refused
	Detached       *counter.Counter // sessions that lost their connection and may come back
	Expired        *counter.Counter // sessions whose client did not come back in time
	LoginTimeout   *counter.Counter // connections closed because nobody signed in
	LoginFailed    *counter.Counter // authentications that failed
	BadStream      *counter.Counter // connections closed for broken or forbidden XML
	TooManySession *counter.Counter // logins refused because of the account's other sessions
	QueueOverflow  *counter.Counter // sessions ended because their queue was full
	HeldOverflow   *counter.Counter // times that what was held back had to be sent early
	WriteTimeout   *counter.Counter // connections given up because the client did not read
	AckTimeout     *counter.Counter // connections given up because the client did not acknowledge
	IdleTimeout    *counter.Counter // connections given up because the client was gone
	CreditWaits    *counter.Counter // times that a client was not read from because it sent too much
	StanzasIn      *counter.Counter // stanzas taken from clients
	StanzasOut     *counter.Counter // stanzas sent to clients
	Writes         *counter.Counter // times that something was sent
}

func newCounters() Counters {
	n := func(name string) *counter.Counter { return counter.New("c2s_" + name) }
	return Counters{
		Connections: n("connections"), BOSHRefused: n("bosh_refused"), Bound: n("sessions_bound"), Resumed: n("sessions_resumed"), ResumeFailed: n("resume_failed"),
		Detached: n("sessions_detached"), Expired: n("sessions_expired"), LoginTimeout: n("login_timeout"), LoginFailed: n("login_failed"),
		BadStream: n("bad_stream"), TooManySession: n("too_many_sessions"), QueueOverflow: n("queue_overflow"), HeldOverflow: n("held_overflow"),
		WriteTimeout: n("write_timeout"), AckTimeout: n("ack_timeout"), IdleTimeout: n("idle_timeout"), CreditWaits: n("credit_waits"),
		StanzasIn: n("stanzas_in"), StanzasOut: n("stanzas_out"), Writes: n("writes"),
	}
}

// All lists the counters, for metrics.
func (c Counters) All() []*counter.Counter {
	return []*counter.Counter{
		c.Connections, c.BOSHRefused, c.Bound, c.Resumed, c.ResumeFailed, c.Detached, c.Expired, c.LoginTimeout, c.LoginFailed, c.BadStream,
		c.TooManySession, c.QueueOverflow, c.HeldOverflow, c.WriteTimeout, c.AckTimeout, c.IdleTimeout, c.CreditWaits,
		c.StanzasIn, c.StanzasOut, c.Writes,
	}
}
