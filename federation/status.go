package federation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"kith/internal/peer"
	"kith/internal/stanza"
	"kith/internal/stream"
)

// Status is what an operator wants to know.
type Status struct {
	Policy Policy `json:"policy"`
	// Fixed: the configuration names the policy, so that it cannot be changed by command.
	Fixed bool `json:"fixed,omitempty"`
	// Push are the domains that can be reached whatever the policy is.
	Push    []string       `json:"push,omitempty"`
	Domains []DomainStatus `json:"domains"`
	// Refused are connections that were not let in lately.
	Refused []Refusal `json:"refused,omitempty"`
}

// DomainStatus is what is known of another domain.
type DomainStatus struct {
	Domain string `json:"domain"`
	// State is "connected", "connecting", "waiting" before the next try, or "idle".
	State string `json:"state"`
	// Rule is "allow" or "block" by command or by configuration, "" for the policy.
	Rule peer.Rule `json:"rule,omitempty"`
	// Permitted is what follows from rule and policy.
	Permitted bool `json:"permitted"`
	// Way is how the last connection was secured, in words.
	Way string `json:"way,omitempty"`
	// Incoming is how many connections it has made that are open.
	Incoming int `json:"incoming,omitempty"`
	// Waiting is how many stanzas have not arrived, since Oldest.
	Waiting int       `json:"waiting,omitempty"`
	Oldest  time.Time `json:"oldest,omitzero"`
	// Retry is when it is tried again.
	Retry time.Time `json:"retry,omitzero"`
	// Error is what went wrong last, at ErrorAt.
	Error   string    `json:"error,omitempty"`
	ErrorAt time.Time `json:"errorAt,omitzero"`
	// First and Last are when it has proven its identity for the first and the last time, to the day.
	First time.Time `json:"first,omitzero"`
	Last  time.Time `json:"last,omitzero"`
	// Keys are those of its certificates, the latest first. Changed is when an unexpected one was
	// seen, and Why what was strange about it.
	Keys    []peer.Key `json:"keys,omitempty"`
	Changed time.Time  `json:"changed,omitzero"`
	Why     string     `json:"why,omitempty"`
	// Stanzas and bytes since the start of the server.
	StanzasIn  uint64 `json:"stanzasIn"`
	StanzasOut uint64 `json:"stanzasOut"`
	BytesIn    uint64 `json:"bytesIn"`
	BytesOut   uint64 `json:"bytesOut"`
	Returned   uint64 `json:"returned,omitempty"`
}

// States of a domain.
const (
	stateConnected  = "connected"
	stateConnecting = "connecting"
	stateWaiting    = "waiting"
	stateIdle       = "idle"
)

// linkStatus is what a link says of itself.
type linkStatus struct {
	state         string
	waiting       int
	oldest, retry time.Time
}

func (l *link) status() linkStatus {
	st := linkStatus{state: stateIdle, waiting: l.queue.len() + l.disk.count + l.disk.pending}
	if l.queue.len() > 0 {
		st.oldest = l.queue.at(0).at
	}
	switch {
	case l.wire != nil:
		st.state = stateConnected
	case l.dialling != nil:
		st.state = stateConnecting
	case l.retryAt.After(l.now()) && st.waiting > 0:
		st.state, st.retry = stateWaiting, l.retryAt
	}
	return st
}

// Status tells how things stand with all domains, or with one.
func (s *Service) Status(ctx context.Context, domain string) (Status, error) {
	out := Status{Policy: s.rules.current(), Fixed: s.rules.forced, Push: s.cfg.Push, Domains: []DomainStatus{}}
	if domain != "" {
		d, err := domainOf(domain)
		if err != nil {
			return Status{}, fmt.Errorf("%q is not a domain such as example.org", domain)
		}
		domain = d
	} else {
		out.Refused = s.refused.list()
	}
	links := map[string]linkStatus{}
	for _, l := range s.allLinks() {
		if domain != "" && l.pair.Remote != domain {
			continue
		}
		answer := make(chan linkStatus, 1)
		if !l.do(func() { answer <- l.status() }) {
			continue
		}
		select {
		case st := <-answer:
			links[l.pair.Remote] = merge(links[l.pair.Remote], st)
		case <-ctx.Done():
			return Status{}, ctx.Err()
		}
	}
	in := map[string]int{}
	for _, w := range s.allWires() {
		if r := w.remote(); w.inbound && !w.over.Load() && r != "" {
			in[r]++
		}
	}
	for _, st := range s.peers.list() {
		d := st.status()
		if domain != "" && d.Domain != domain {
			continue
		}
		l := links[d.Domain]
		d.State, d.Waiting, d.Oldest, d.Retry = cmp.Or(l.state, stateIdle), l.waiting, l.oldest, l.retry
		if d.Incoming = in[d.Domain]; d.Incoming > 0 && d.State != stateConnecting {
			d.State = stateConnected
		}
		d.Permitted = s.rules.permits(d.Domain)
		if d.Rule == peer.NoRule {
			d.Rule = s.rules.fixed[d.Domain]
		}
		out.Domains = append(out.Domains, d)
	}
	for d, rule := range s.rules.fixed {
		if (domain == "" || domain == d) && !slices.ContainsFunc(out.Domains, func(o DomainStatus) bool { return o.Domain == d }) {
			out.Domains = append(out.Domains, DomainStatus{Domain: d, State: stateIdle, Rule: rule, Permitted: s.rules.permits(d)})
		}
	}
	slices.SortFunc(out.Domains, func(a, b DomainStatus) int { return strings.Compare(a.Domain, b.Domain) })
	return out, nil
}

// merge joins what the links of several local domains say of one other domain.
func merge(a, b linkStatus) linkStatus {
	order := []string{"", stateIdle, stateWaiting, stateConnecting, stateConnected}
	out := linkStatus{state: a.state, waiting: a.waiting + b.waiting, oldest: earlier(a.oldest, b.oldest), retry: earlier(a.retry, b.retry)}
	if slices.Index(order, b.state) > slices.Index(order, a.state) {
		out.state = b.state
	}
	return out
}

func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

func (st *peerState) status() DomainStatus {
	st.mu.Lock()
	defer st.mu.Unlock()
	r := st.record
	d := DomainStatus{
		Domain: r.Domain, Rule: r.Rule, Way: st.way, First: r.First, Last: r.Last, Keys: slices.Clone(r.Keys), Changed: r.Changed, Why: r.Why,
		StanzasIn: st.in.Load(), StanzasOut: st.out.Load(), BytesIn: st.bytesIn.Load(), BytesOut: st.bytesOut.Load(), Returned: st.returned.Load(),
	}
	if st.err != nil {
		d.Error, d.ErrorAt = r.Error, r.ErrorAt
	}
	return d
}

// Retry tries at once to connect to a domain for which something waits, "" for all of them. It returns
// how many connections are being made because of that.
func (s *Service) Retry(domain string) (int, error) {
	if domain != "" {
		d, err := domainOf(domain)
		if err != nil {
			return 0, fmt.Errorf("%q is not a domain such as example.org", domain)
		}
		domain = d
	}
	n := 0
	for _, l := range s.allLinks() {
		if domain != "" && l.pair.Remote != domain {
			continue
		}
		began := make(chan bool, 1)
		if l.do(func() {
			idle := l.wire == nil && l.dialling == nil
			l.retry()
			began <- idle && l.dialling != nil
		}) && <-began {
			n++
		}
	}
	return n, nil
}

// GiveBack returns what waits for a domain to its senders.
func (s *Service) GiveBack(domain string) (int, error) {
	d, err := domainOf(domain)
	if err != nil {
		return 0, fmt.Errorf("%q is not a domain such as example.org", domain)
	}
	domain = d
	n := 0
	for _, l := range s.allLinks() {
		if l.pair.Remote != domain {
			continue
		}
		done := make(chan int, 1)
		if l.do(func() {
			before := l.queue.len() + l.disk.count
			l.returnEverything(stanza.Refuse(stanza.RemoteServerTimeout, "The administrator of this server has stopped trying to reach the other one."))
			done <- before - l.queue.len() - l.disk.count
		}) {
			n += <-done
		}
	}
	return n, nil
}

// SetRule decides about a domain and those below it; [peer.NoRule] leaves it to the policy.
func (s *Service) SetRule(domain string, rule peer.Rule) error {
	d, err := domainOf(domain)
	if err != nil {
		return fmt.Errorf("%q is not a domain such as example.org", domain)
	}
	if s.deps.Hosts(d) {
		return fmt.Errorf("%s is this server itself", d)
	}
	s.peers.of(d).setRule(rule)
	s.enforce()
	return nil
}

// ErrFixed means that the configuration file names the policy.
var ErrFixed = errors.New("the configuration file names the policy (federation.policy); change it there")

// SetPolicy chooses the policy, for this run and later ones.
func (s *Service) SetPolicy(ctx context.Context, p Policy) error {
	if s.rules.forced {
		return ErrFixed
	}
	if err := s.deps.Store.SetPolicy(ctx, string(p)); err != nil {
		return err
	}
	s.rules.set(p)
	s.enforce()
	return nil
}

// Trust takes the warning about a changed key away, and reports whether there was one.
func (s *Service) Trust(domain string) (bool, error) {
	d, err := domainOf(domain)
	if err != nil {
		return false, fmt.Errorf("%q is not a domain such as example.org", domain)
	}
	return s.peers.of(d).acknowledge(), nil
}

// enforce ends what is not permitted any more.
func (s *Service) enforce() {
	for _, w := range s.allWires() {
		if r := w.remote(); r != "" && !s.rules.permits(r) {
			w.finish(&stream.Error{Condition: stream.PolicyViolation, Text: "This server does not communicate with " + r + " any more."})
		}
	}
	for _, l := range s.allLinks() {
		if s.rules.permits(l.pair.Remote) {
			continue
		}
		l.do(func() {
			if l.dialling != nil {
				l.dialling()
				l.dialling = nil
			}
			l.returnEverything(s.forbidden(l.pair.Remote))
		})
	}
}
