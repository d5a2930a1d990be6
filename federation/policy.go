package federation

import (
	"strings"
	"sync"

	"kith/internal/peer"
)

// rules decide with which domains this server communicates.
type rules struct {
	peers *peers
	// Of the configuration.
	fixed map[string]peer.Rule
	push  map[string]bool
	// forced: the configuration names the policy, so that no command can change it.
	forced bool

	mu     sync.RWMutex // guards policy
	policy Policy
}

func newRules(cfg Config, p *peers, stored, usual Policy) *rules {
	r := &rules{peers: p, fixed: map[string]peer.Rule{}, push: map[string]bool{}, policy: usual}
	set := func(list []string, rule peer.Rule) {
		for _, d := range list {
			if domain, err := domainOf(d); err == nil { // it was validated
				r.fixed[domain] = rule
			}
		}
	}
	set(cfg.Allow, peer.Allow)
	set(cfg.Block, peer.Block)
	for _, d := range cfg.Push {
		if domain, err := domainOf(d); err == nil {
			r.push[domain] = true
		}
	}
	switch {
	case cfg.Policy != "":
		r.policy, r.forced = Policy(cfg.Policy), true
	case stored != DefaultPolicy:
		r.policy = stored
	}
	return r
}

func (r *rules) current() Policy {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.policy
}

func (r *rules) set(p Policy) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.policy = p
}

// permits reports whether the server communicates with a domain. The rule for the nearest domain
// above it counts; one that was given by command goes before one of the configuration.
func (r *rules) permits(domain string) bool {
	for d := domain; d != ""; {
		rule := r.peers.rule(d)
		if rule == peer.NoRule {
			rule = r.fixed[d]
		}
		switch {
		case rule == peer.Block:
			return false
		case rule == peer.Allow, r.push[d]:
			return true
		}
		_, d, _ = strings.Cut(d, ".")
	}
	return r.current() == Open
}

// isPush reports whether a domain is a push service.
func (r *rules) isPush(domain string) bool {
	for d := domain; d != ""; {
		if r.push[d] {
			return true
		}
		_, d, _ = strings.Cut(d, ".")
	}
	return false
}
