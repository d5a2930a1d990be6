package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"kith/federation"
	"kith/internal/form"
	"kith/internal/jid"
	"kith/internal/peer"
	"kith/internal/stanza"
	"kith/internal/xmltree"
	"kith/server/module"
)

// recorded writes down what it is told.
type recorded struct {
	told []string
	st   federation.Status
}

func (r *recorded) tell(format string, args ...any) {
	r.told = append(r.told, fmt.Sprintf(format, args...))
}

func (r *recorded) Status(_ context.Context, d domainName) (federation.Status, error) {
	st := r.st
	if d.Domain != "" {
		st.Domains = slices.DeleteFunc(slices.Clone(st.Domains), func(o federation.DomainStatus) bool { return o.Domain != d.Domain })
	}
	return st, nil
}

func (r *recorded) SetPolicy(_ context.Context, p federation.Policy) (none, error) {
	r.tell("policy %s", p)
	if r.st.Fixed {
		return none{}, federation.ErrFixed
	}
	r.st.Policy = p
	return none{}, nil
}

func (r *recorded) SetRule(_ context.Context, d domainRule) (none, error) {
	r.tell("rule %q for %s", d.Rule, d.Domain)
	return none{}, nil
}

func (r *recorded) Retry(_ context.Context, d domainName) (int, error) {
	r.tell("retry %s", d.Domain)
	return 2, nil
}

func (r *recorded) GiveBack(_ context.Context, d domainName) (int, error) {
	r.tell("return %s", d.Domain)
	return 7, nil
}

func (r *recorded) Trust(_ context.Context, d domainName) (bool, error) {
	r.tell("trust %s", d.Domain)
	return true, nil
}

var at = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

// sample is a domain of which there is everything to say.
func sample() federation.DomainStatus {
	return federation.DomainStatus{
		Domain: "peer.example", State: "waiting", Permitted: true, Waiting: 3, Oldest: at, Retry: at.Add(90 * time.Second),
		Error: "its certificate expired on 2026-03-01", ErrorAt: at, First: at.Add(-48 * time.Hour), Last: at, StanzasIn: 5, StanzasOut: 6, BytesIn: 700, BytesOut: 800, Returned: 1,
		Keys: []peer.Key{
			{Hash: "aa11", Issuer: "CN=New", First: at, Last: at, NotAfter: at.Add(24 * time.Hour)}, {Hash: "bb22", Issuer: "CN=Old", First: at, Last: at, NotAfter: at},
		},
		Changed: at, Why: "the certificate before was valid for long",
	}
}

// Administrators find the commands about other servers in their apps, and nobody else does.
func TestFederationCommandsInApps(t *testing.T) {
	links := &recorded{st: federation.Status{Policy: federation.Open, Push: []string{"push.example"}, Domains: []federation.DomainStatus{sample()}}}
	admin := jid.Must("admin@kith.example")
	registry := module.NewRegistry(adHoc{links: links, admin: func(who jid.JID) bool { return who == admin }, now: func() time.Time { return at }})
	run := func(node string, fields ...string) (string, error) {
		t.Helper()
		i := slices.IndexFunc(registry.Commands, func(c module.Command) bool { return c.Node == "kith:federation:0#"+node })
		if i < 0 {
			t.Fatalf("there is no command %s", node)
		}
		c := registry.Commands[i]
		if !c.Allowed(admin) || c.Allowed(jid.Must("alice@kith.example")) {
			t.Errorf("%s is allowed to the wrong people", node)
		}
		step, err := c.Run(nil, xmltree.Element{})
		if err != nil || !step.Next || step.Form == nil {
			t.Fatalf("%s asks nothing: %v", node, err)
		}
		submitted := form.New(form.TypeSubmit, "kith:federation:0")
		for i := 0; i < len(fields); i += 2 {
			submitted.Fields = append(submitted.Fields, form.Field{Var: fields[i], Values: []string{fields[i+1]}})
		}
		step, err = c.Run(nil, written(t, submitted.Write))
		if err != nil {
			return "", err
		}
		result, err := form.Parse(written(t, step.Form))
		if err != nil || step.Next || result.Type != form.TypeResult {
			t.Fatalf("%s: %v", node, err)
		}
		return strings.Join(result.Field("result").Values, "\n"), nil
	}
	for _, v := range []struct {
		node   string
		fields []string
		want   []string
		told   string
	}{
		{"status", nil, []string{"Policy open", "peer.example", "its key changed unexpectedly", "expired on 2026-03-01; next try in 1m30s"}, ""},
		{"status", []string{"domain", "peer.example"}, []string{"WARNING", "aa11", "bb22", "signed by CN=Old", "6 stanzas, 800 bytes"}, ""},
		{"status", []string{"domain", "other.example"}, []string{"Nothing is known of other.example yet."}, ""},
		{"policy", []string{"policy", "off"}, []string{"Policy off: with nobody.", "Push services of app vendors are reached nevertheless: push.example."}, "policy off"},
		{"rule", []string{"domain", "bad.example", "rule", "block"}, []string{"bad.example is blocked"}, `rule "block" for bad.example`},
		{"rule", []string{"domain", "ok.example", "rule", "allow"}, []string{"ok.example is allowed"}, `rule "allow" for ok.example`},
		{"rule", []string{"domain", "ok.example", "rule", "forget"}, []string{"For ok.example the policy decides."}, `rule "" for ok.example`},
		{"retry", nil, []string{"Trying (2)"}, "retry "},
		{"return", []string{"domain", "peer.example"}, []string{"Given back: 7."}, "return peer.example"},
		{"trust", []string{"domain", "peer.example"}, []string{"The key of peer.example is accepted."}, "trust peer.example"},
	} {
		links.told = nil
		got, err := run(v.node, v.fields...)
		if err != nil {
			t.Errorf("%s: %v", v.node, err)
		}
		for _, w := range v.want {
			if !strings.Contains(got, w) {
				t.Errorf("%s says %q and not %q", v.node, got, w)
			}
		}
		if told := strings.Join(links.told, " "); told != v.told {
			t.Errorf("%s did %q, want %q", v.node, told, v.told)
		}
	}
	links.st.Fixed = true
	for _, v := range [][]string{{"policy", "policy", "open"}, {"policy", "policy", "shut"}, {"rule", "domain", "x.example", "rule", "y"}, {"return"}, {"trust"}, {"rule", "rule", "block"}} {
		_, err := run(v[0], v[1:]...)
		var fault *stanza.Fault
		if !errors.As(err, &fault) || fault.Text == "" {
			t.Errorf("%v: %v", v, err)
		}
	}
}

func written(t *testing.T, f func(*xmltree.Writer)) xmltree.Element {
	t.Helper()
	w := xmltree.NewWriter(256)
	f(w)
	e, err := xmltree.Parse(w.String(), xmltree.Limits{Bytes: 1 << 20, Elements: 1000, Depth: 20, Attrs: 20}, xmltree.Scope{})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// Everything that is known of a domain is on one page, the warning and what to do about it last.
func TestDomainPage(t *testing.T) {
	t.Setenv("TZ", "UTC")
	var out strings.Builder
	if err := writeDomain(&out, sample()); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"Domain       peer.example\n", "State        waiting\n", "Permitted    true (by the policy)\n", "Waiting      3\n", "Last error   its certificate expired on 2026-03-01, at ",
		"Received     5 stanzas, 700 bytes\n", "Sent         6 stanzas, 800 bytes\n", "Returned     1\n", "Known since  2026-03-02, last proven on 2026-03-04\n",
		"Key          aa11\n", "Key before   bb22\n", "signed by CN=New, valid until 2026-03-05, seen from 2026-03-04 to 2026-03-04\n",
		"although the certificate before was valid for long.\n", "kith federation trust peer.example\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}
