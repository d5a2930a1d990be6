package roster

import (
	"strings"
	"testing"

	"kith/internal/stanza"
)

// The nine states of RFC 6121 appendix A.1, and those with a pre-approval (section 3.4), which there
// is only for a contact who neither sees the account nor asks to.
var states = map[string]State{
	"none":              {},
	"none+out":          {Asked: true},
	"none+in":           {Requested: true},
	"none+out+in":       {Asked: true, Requested: true},
	"to":                {To: true},
	"to+in":             {To: true, Requested: true},
	"from":              {From: true},
	"from+out":          {From: true, Asked: true},
	"both":              {To: true, From: true},
	"none/approved":     {Approved: true},
	"none+out/approved": {Asked: true, Approved: true},
	"to/approved":       {To: true, Approved: true},
}

// outbound is appendix A.2: existing state, whether the stanza is routed, new state.
var outbound = map[stanza.Type]string{
	stanza.Subscribe: `
		none              yes none+out
		none+out          yes none+out
		none+in           yes none+out+in
		none+out+in       yes none+out+in
		to                yes to
		to+in             yes to+in
		from              yes from+out
		from+out          yes from+out
		both              yes both
		none/approved     yes none+out/approved
		none+out/approved yes none+out/approved
		to/approved       yes to/approved`,
	stanza.Unsubscribe: `
		none              yes none
		none+out          yes none
		none+in           yes none+in
		none+out+in       yes none+in
		to                yes none
		to+in             yes none+in
		from              yes from
		from+out          yes from
		both              yes from
		none/approved     yes none/approved
		none+out/approved yes none/approved
		to/approved       yes none/approved`,
	stanza.Subscribed: `
		none              no  none/approved
		none+out          no  none+out/approved
		none+in           yes from
		none+out+in       yes from+out
		to                no  to/approved
		to+in             yes both
		from              no  from
		from+out          no  from+out
		both              no  both
		none/approved     no  none/approved
		none+out/approved no  none+out/approved
		to/approved       no  to/approved`,
	stanza.Unsubscribed: `
		none              no  none
		none+out          no  none+out
		none+in           yes none
		none+out+in       yes none+out
		to                no  to
		to+in             yes to
		from              yes none
		from+out          yes none+out
		both              yes to
		none/approved     no  none
		none+out/approved no  none+out
		to/approved       no  to`,
}

// inbound is appendix A.3: existing state, whether the stanza is delivered (or granted in the
// account's place), new state.
var inbound = map[stanza.Type]string{
	stanza.Subscribe: `
		none              yes   none+in
		none+out          yes   none+out+in
		none+in           no    none+in
		none+out+in       no    none+out+in
		to                yes   to+in
		to+in             no    to+in
		from              grant from
		from+out          grant from+out
		both              grant both
		none/approved     grant from
		none+out/approved grant from+out
		to/approved       grant both`,
	stanza.Unsubscribe: `
		none              no  none
		none+out          no  none+out
		none+in           yes none
		none+out+in       yes none+out
		to                no  to
		to+in             yes to
		from              yes none
		from+out          yes none+out
		both              yes to
		none/approved     no  none/approved
		none+out/approved no  none+out/approved
		to/approved       no  to/approved`,
	stanza.Subscribed: `
		none              no  none
		none+out          yes to
		none+in           no  none+in
		none+out+in       yes to+in
		to                no  to
		to+in             no  to+in
		from              no  from
		from+out          yes both
		both              no  both
		none/approved     no  none/approved
		none+out/approved yes to/approved
		to/approved       no  to/approved`,
	stanza.Unsubscribed: `
		none              no  none
		none+out          yes none
		none+in           no  none+in
		none+out+in       yes none+in
		to                yes none
		to+in             yes none+in
		from              no  from
		from+out          yes from
		both              yes from
		none/approved     no  none/approved
		none+out/approved yes none/approved
		to/approved       yes none/approved`,
}

// eachRow calls f with the rows of a table, which must have one for every state.
func eachRow(t *testing.T, table string, f func(from, what, to string)) {
	t.Helper()
	seen := map[string]bool{}
	for line := range strings.Lines(table) {
		row := strings.Fields(line)
		if len(row) == 0 {
			continue
		}
		if _, ok := states[row[2]]; !ok || seen[row[0]] {
			t.Fatalf("bad row %q", line)
		}
		seen[row[0]] = true
		f(row[0], row[1], row[2])
	}
	for name := range states {
		if !seen[name] {
			t.Fatalf("no row for %s", name)
		}
	}
}

func TestOutboundStates(t *testing.T) {
	for typ, table := range outbound {
		eachRow(t, table, func(from, what, to string) {
			next, route := states[from].Send(typ)
			if next != states[to] || route != (what == "yes") {
				t.Errorf("%s out of %s: %+v, routed %v; want %s, %s", typ, from, next, route, to, what)
			}
		})
	}
}

func TestInboundStates(t *testing.T) {
	verdicts := map[string]Verdict{"yes": Deliver, "no": Ignore, "grant": Grant}
	for typ, table := range inbound {
		eachRow(t, table, func(from, what, to string) {
			next, v := states[from].Receive(typ)
			if next != states[to] || v != verdicts[what] {
				t.Errorf("%s into %s: %+v, verdict %d; want %s, %s", typ, from, next, v, to, what)
			}
		})
	}
}

// Whatever two accounts send each other, in any order, and whatever is lost with a server: the
// invariants of the states hold.
func TestStatesStayValid(t *testing.T) {
	types := []stanza.Type{stanza.Subscribe, stanza.Subscribed, stanza.Unsubscribe, stanza.Unsubscribed}
	reached := map[State]bool{{}: true}
	for todo := []State{{}}; len(todo) > 0; {
		s := todo[0]
		todo = todo[1:]
		for _, typ := range types {
			sent, _ := s.Send(typ)
			received, _ := s.Receive(typ)
			for _, next := range []State{sent, received} {
				if !reached[next] {
					reached[next] = true
					todo = append(todo, next)
				}
			}
		}
	}
	for s := range reached {
		if s.To && s.Asked || s.From && (s.Requested || s.Approved) || s.Requested && s.Approved {
			t.Errorf("unclear state %+v", s)
		}
	}
	if len(reached) != len(states) {
		t.Errorf("%d states can be reached, %d are known", len(reached), len(states))
	}
}
