package federation

import (
	"sync"
	"time"

	"kith/internal/counter"
)

// Counters count what happened between this server and others.
type Counters struct {
	Connections   *counter.Counter // connections of other servers taken
	Refused       *counter.Counter // connections of other servers refused
	Handshakes    *counter.Counter // connections of other servers that proved who they are
	Connected     *counter.Counter // connections made to other servers
	ConnectFailed *counter.Counter // connections to other servers that could not be made
	TooMany       *counter.Counter // connections closed because there were too many
	BadStream     *counter.Counter // connections closed for broken or forbidden XML
	Forged        *counter.Counter // stanzas refused because of whose name they were in
	StanzasIn     *counter.Counter // stanzas taken from other servers
	StanzasOut    *counter.Counter // stanzas sent to other servers, those sent again included
	Writes        *counter.Counter // times that something was sent
	Stored        *counter.Counter // stanzas written to disk because they were not acknowledged soon
	Spilled       *counter.Counter // stanzas written to disk because there was no room in memory
	Returned      *counter.Counter // stanzas given back to their senders
	Stale         *counter.Counter // stanzas dropped that nobody would miss
	QueueFull     *counter.Counter // stanzas refused because too many waited
	MailboxFull   *counter.Counter // stanzas refused because a link did not keep up
	CreditWaits   *counter.Counter // times that a connection was not read from because it sent too much
	Throttled     *counter.Counter // times that a connection was read more slowly
	Strangers     *counter.Counter // stanzas of strangers refused because there were too many
	Confined      *counter.Counter // stanzas refused because an account is confined to its contacts
	Spam          *counter.Counter // stanzas refused because of a block list
	WriteTimeout  *counter.Counter // connections given up because nothing could be written
	AckTimeout    *counter.Counter // connections given up because nothing was acknowledged
	IdleClosed    *counter.Counter // connections closed because nobody used them
	Deaf          *counter.Counter // servers that neither acknowledge nor answer pings
	KeyAlarms     *counter.Counter // keys of other servers that changed unexpectedly
}

func newCounters() Counters {
	n := func(name string) *counter.Counter { return counter.New("s2s_" + name) }
	return Counters{
		Connections: n("connections"), Refused: n("refused"), Handshakes: n("handshakes"), Connected: n("connected"),
		ConnectFailed: n("connect_failed"), TooMany: n("too_many"), BadStream: n("bad_stream"), Forged: n("forged"),
		StanzasIn: n("stanzas_in"), StanzasOut: n("stanzas_out"), Writes: n("writes"), Stored: n("stored"), Spilled: n("spilled"),
		Returned: n("returned"), Stale: n("stale"), QueueFull: n("queue_full"), MailboxFull: n("mailbox_full"),
		CreditWaits: n("credit_waits"), Throttled: n("throttled"), Strangers: n("strangers"), Confined: n("confined"),
		Spam: n("spam"), WriteTimeout: n("write_timeout"), AckTimeout: n("ack_timeout"), IdleClosed: n("idle_closed"),
		Deaf: n("deaf"), KeyAlarms: n("key_alarms"),
	}
}

// All lists the counters, for metrics.
func (c Counters) All() []*counter.Counter {
	return []*counter.Counter{
		c.Connections, c.Refused, c.Handshakes, c.Connected, c.ConnectFailed, c.TooMany, c.BadStream, c.Forged, c.StanzasIn,
		c.StanzasOut, c.Writes, c.Stored, c.Spilled, c.Returned, c.Stale, c.QueueFull, c.MailboxFull, c.CreditWaits, c.Throttled,
		c.Strangers, c.Confined, c.Spam, c.WriteTimeout, c.AckTimeout, c.IdleClosed, c.Deaf, c.KeyAlarms,
	}
}

// Refusal is a connection of another server that was refused. What it says of itself is not proven.
type Refusal struct {
	Domain string    `json:"domain"`
	Why    string    `json:"why"`
	At     time.Time `json:"at"`
	// Times is how often, since the server started.
	Times int `json:"times"`
}

// refusals remembers the last ones, one for each domain and reason.
type refusals struct {
	mu  sync.Mutex // guards all
	all []Refusal  // the latest last
}

const maxRefusals = 50

func (r *refusals) add(domain, why string, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := Refusal{Domain: clean(domain), Why: clean(why), At: now, Times: 1}
	for i, o := range r.all {
		if o.Domain == out.Domain && o.Why == out.Why {
			out.Times += o.Times
			r.all = append(r.all[:i], r.all[i+1:]...)
			break
		}
	}
	if len(r.all) == maxRefusals {
		r.all = r.all[1:]
	}
	r.all = append(r.all, out)
}

func (r *refusals) list() []Refusal {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]Refusal(nil), r.all...)
}
