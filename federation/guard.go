package federation

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"

	"kith/internal/jid"
	"kith/internal/payload"
	"kith/internal/stanza"
)

// acquaintances remembers for a while who knows whom, so that not every stanza needs a look into the
// database, and counts strangers.
type acquaintances struct {
	svc *Service

	mu sync.Mutex // guards everything below
	// pairs are local accounts and those whom they know, or do not know.
	pairs map[acquaintance]finding
	// confined are local accounts that may communicate with contacts only, or not.
	confined map[string]finding
	// strangers count what each domain has sent in the name of people whom nobody here knows.
	strangers map[string]*allowance
}

type acquaintance struct {
	local string
	other jid.JID
}

type finding struct {
	yes   bool
	until time.Time
}

// allowance is refilled as time passes.
type allowance struct {
	left float64
	at   time.Time
}

const (
	// knownTime is how long it counts that somebody is known, strangeTime that somebody is not.
	knownTime   = 10 * time.Minute
	strangeTime = 30 * time.Second
	maxPairs    = 20_000
)

func (a *acquaintances) init(s *Service) {
	a.svc = s
	a.pairs, a.confined, a.strangers = map[acquaintance]finding{}, map[string]finding{}, map[string]*allowance{}
}

// isPerson reports whether an address is that of a local account.
func (a *acquaintances) isPerson(j jid.JID) bool {
	return j.Local() != "" && j.Domain() == a.svc.deps.Domain
}

// met notes that a local account writes to somebody, who may then answer.
func (a *acquaintances) met(st *stanza.Stanza) {
	if st.Kind == stanza.IQ || st.Type == stanza.Error || st.Type == stanza.Unsubscribed || !a.isPerson(st.From) {
		return
	}
	a.remember(acquaintance{st.From.Local(), st.To.Bare()}, true)
}

func (a *acquaintances) remember(p acquaintance, yes bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.pairs) >= maxPairs {
		clear(a.pairs) // a bound, not a policy: it is found out anew
	}
	d := strangeTime
	if yes {
		d = knownTime
	}
	// Not in the memory of the stanza that it came with: that may be large, and anybody can send many.
	a.pairs[acquaintance{strings.Clone(p.local), p.other.Clone()}] = finding{yes, a.svc.now().Add(d)}
}

// knows reports whether a local account knows somebody: as a contact, or because it has written to them
// lately. Where that cannot be found out, it does.
func (a *acquaintances) knows(local string, other jid.JID) bool {
	p := acquaintance{local, other}
	now := a.svc.now()
	a.mu.Lock()
	f, ok := a.pairs[p]
	a.mu.Unlock()
	if ok && now.Before(f.until) {
		return f.yes
	}
	yes := a.contact(local, other)
	a.remember(p, yes)
	return yes
}

func (a *acquaintances) contact(local string, other jid.JID) bool {
	g := a.svc.deps.Guard
	if g == nil {
		return true
	}
	yes, err := g.Known(context.Background(), local, other)
	if err != nil {
		a.svc.deps.Log.Error("federation failed", slog.String("what", "contact not found out"), slog.Any("error", err))
		return true
	}
	return yes
}

// isConfined reports whether an account may communicate with its contacts only.
func (a *acquaintances) isConfined(local string) bool {
	g := a.svc.deps.Guard
	if g == nil {
		return false
	}
	now := a.svc.now()
	a.mu.Lock()
	f, ok := a.confined[local]
	a.mu.Unlock()
	if ok && now.Before(f.until) {
		return f.yes
	}
	yes, err := g.Confined(context.Background(), local)
	if err != nil {
		a.svc.deps.Log.Error("federation failed", slog.String("what", "account not found out"), slog.Any("error", err))
		yes = true // a child's, for all we know
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.confined) >= maxPairs {
		clear(a.confined)
	}
	a.confined[strings.Clone(local)] = finding{yes, now.Add(strangeTime)}
	return yes
}

// confined is why a stanza may not pass between a local account and somebody else: the account belongs to a
// child, and the other is no contact. Push services are no people.
func (s *Service) confined(own, other jid.JID, st *stanza.Stanza) *stanza.Fault {
	if !s.known.isPerson(own) || !s.known.isConfined(own.Local()) || st.Kind == stanza.IQ && s.rules.isPush(other.Domain()) {
		return nil
	}
	if s.known.contact(own.Local(), other.Bare()) {
		return nil
	}
	s.counters.Confined.Inc()
	return stanza.Refuse(stanza.NotAllowed, "This account communicates with its contacts only.")
}

// strange decides on what comes from people whom the recipient does not know: a request to get in touch,
// of which each domain may send so many. nil lets it in.
func (s *Service) strange(st *stanza.Stanza) *stanza.Fault {
	if !s.known.isPerson(st.To) || !approaches(st) || s.known.knows(st.To.Local(), st.From.Bare()) {
		return nil
	}
	if s.spam.has(st.From) {
		s.counters.Spam.Inc()
		return stanza.Refuse(stanza.PolicyViolation, "The sender is on a list of spammers.")
	}
	if !s.known.spend(st.From.Domain()) {
		s.counters.Strangers.Inc()
		f := stanza.Refuse(stanza.ResourceConstraint, "Too many messages to people who do not know the sender.")
		f.Kind = "wait"
		return f
	}
	return nil
}

// approaches reports whether a stanza brings somebody to a person's notice.
func approaches(st *stanza.Stanza) bool {
	switch st.Kind {
	case stanza.Presence:
		return st.Type == stanza.Subscribe
	case stanza.Message:
		return st.Type != stanza.Error && st.Type != stanza.Groupchat && payload.Classify(st).Worthy()
	default:
		return false
	}
}

// spend takes one from what a domain may send in the name of strangers.
func (a *acquaintances) spend(domain string) bool {
	most := float64(a.svc.cfg.Strangers)
	now := a.svc.now()
	a.mu.Lock()
	defer a.mu.Unlock()
	w := a.strangers[domain]
	if w == nil {
		if len(a.strangers) >= maxPeers {
			clear(a.strangers)
		}
		w = &allowance{left: most, at: now}
		a.strangers[strings.Clone(domain)] = w
	}
	w.left = min(most, w.left+now.Sub(w.at).Hours()*most)
	w.at = now
	if w.left < 1 {
		return false
	}
	w.left--
	return true
}
