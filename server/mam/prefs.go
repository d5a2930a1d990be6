package mam

import (
	"fmt"
	"maps"
	"slices"

	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/internal/xmltree"
	"kith/server/module"
)

// Policy says whose messages are archived (XEP-0441 section 2.2).
type Policy string

// Policies.
const (
	Always Policy = "always"
	Never  Policy = "never"
	Roster Policy = "roster"
)

// UnmarshalText reads a policy.
func (p *Policy) UnmarshalText(text []byte) (err error) {
	*p, err = parsePolicy(string(text))
	return err
}

// MarshalText writes a policy.
func (p Policy) MarshalText() ([]byte, error) { return []byte(p), nil }

func parsePolicy(s string) (Policy, error) {
	switch p := Policy(s); p {
	case Always, Never, Roster:
		return p, nil
	}
	return "", fmt.Errorf("is %q; allowed are \"always\", \"roster\" and \"never\"", s)
}

// Preferences are an owner's own.
type Preferences struct {
	// Policy is for everybody else, "" for that of the server.
	Policy Policy
	// Rules are for addresses, full or bare: whether to archive.
	Rules map[string]bool
}

// maxRules bounds what one owner may list.
const maxRules = 1000

// wanted reports whether the owner archives messages with peer (XEP-0441 section 3).
func (m *Archive) wanted(a module.Account, acc *account, peer jid.JID) bool {
	if len(acc.prefs.Rules) > 0 {
		if keep, ok := acc.prefs.Rules[peer.String()]; ok {
			return keep
		}
		if keep, ok := acc.prefs.Rules[peer.Bare().String()]; ok {
			return keep
		}
	}
	switch m.policy(acc) {
	case Never:
		return false
	case Roster:
		return peer.Bare() == a.JID() || m.contacts == nil || m.contacts.InRoster(a, peer.Bare())
	default:
		return true
	}
}

func (m *Archive) policy(acc *account) Policy {
	if acc.prefs.Policy != "" {
		return acc.prefs.Policy
	}
	return m.config.Policy
}

func (m *Archive) preferences(q *module.IQ) error {
	acc, err := m.account(q.Account)
	if err != nil {
		return err
	}
	q.Result(m.writePreferences(acc.prefs, m.policy(acc)))
	return nil
}

func (m *Archive) setPreferences(q *module.IQ) error {
	acc, err := m.account(q.Account)
	if err != nil {
		return err
	}
	prefs, err := m.readPreferences(q.Payload)
	if err != nil {
		return err
	}
	a := q.Account
	m.store.SetPreferences(acc.archive, a.JID().String(), prefs, func(err error) {
		a.Do(func(module.Account) {
			if err != nil {
				q.Fail(err)
				return
			}
			acc.exists.Store(true)
			acc.prefs = prefs
			q.Result(m.writePreferences(prefs, m.policy(acc)))
		})
	})
	return nil
}

// readPreferences reads a prefs element (XEP-0441 section 2).
func (m *Archive) readPreferences(e xmltree.Element) (Preferences, error) {
	p := Preferences{Rules: map[string]bool{}}
	var err error
	if p.Policy, err = parsePolicy(e.Attr("default")); err != nil {
		return p, stanza.Refuse(stanza.BadRequest, "default must be always, roster or never.")
	}
	if p.Policy == Roster && m.contacts == nil {
		return p, stanza.Refuse(stanza.NotAcceptable, "This server cannot archive by roster.")
	}
	// Who is in both lists is not archived: what was kept by mistake is worse.
	for _, list := range []struct {
		name string
		keep bool
	}{{"always", true}, {"never", false}} {
		for c := range e.Child(ns.MAM, list.name).Children() {
			if !c.Is(ns.MAM, "jid") {
				continue
			}
			j, err := jid.Parse(c.Text())
			if err != nil {
				return p, &stanza.Fault{Condition: stanza.JIDMalformed, Cause: err}
			}
			p.Rules[j.String()] = list.keep
		}
	}
	if len(p.Rules) > maxRules {
		return p, stanza.Refuse(stanza.NotAcceptable, fmt.Sprintf("At most %d addresses can be listed.", maxRules))
	}
	return p, nil
}

func (m *Archive) writePreferences(p Preferences, policy Policy) func(*xmltree.Writer) {
	return func(w *xmltree.Writer) {
		w.Open(ns.MAM, "prefs", "default", string(policy))
		for _, list := range []struct {
			name string
			keep bool
		}{{"always", true}, {"never", false}} {
			w.Open("", list.name)
			for _, j := range slices.Sorted(maps.Keys(p.Rules)) {
				if p.Rules[j] == list.keep {
					w.Element("", "jid", j)
				}
			}
			w.Close()
		}
		w.Close()
	}
}
