package main

import (
	"context"
	"errors"
	"strings"
	"time"

	"kith/federation"
	"kith/internal/form"
	"kith/internal/jid"
	"kith/internal/peer"
	"kith/internal/stanza"
	"kith/internal/xmltree"
	"kith/server/auth"
	"kith/server/module"
)

// nsFederation names the commands about other servers, which XEP-0133 does not have.
const nsFederation = "kith:federation:0"

// adHoc offers administrators the federation commands in their apps (XEP-0050).
type adHoc struct {
	links links
	admin func(jid.JID) bool
	now   func() time.Time
}

var _ module.Module = adHoc{}

// administrators says who is one.
func administrators(accounts *auth.Service, domain string) func(jid.JID) bool {
	return func(who jid.JID) bool {
		if who.Domain() != domain || who.Local() == "" {
			return false
		}
		a, err := accounts.Account(context.Background(), who.Local())
		return err == nil && a.Role == auth.RoleAdmin && !a.Disabled
	}
}

// Register implements [module.Module].
func (a adHoc) Register(r *module.Registry) {
	domain := func(required bool) form.Field {
		label := "Domain, such as example.net"
		if !required {
			label += "; empty for all"
		}
		return form.Field{Var: "domain", Kind: form.TextSingle, Label: label, Required: required}
	}
	for _, c := range []struct {
		node, name string
		fields     []form.Field
		run        func(context.Context, form.Values) (string, error)
	}{
		{"status", "Other servers: see how things stand", []form.Field{domain(false)}, a.status},
		{"policy", "Other servers: choose with whom to communicate", []form.Field{{
			Var: "policy", Kind: form.ListSingle, Label: "Communicate", Required: true, Options: []form.Option{
				{Value: string(federation.Open), Label: "With every domain that is not blocked"},
				{Value: string(federation.AllowList), Label: "With those only that are allowed"},
				{Value: string(federation.Off), Label: "With nobody but push services"},
			},
		}}, a.policy},
		{"rule", "Other servers: allow or block one", []form.Field{domain(true), {
			Var: "rule", Kind: form.ListSingle, Label: "From now on", Required: true, Options: []form.Option{
				{Value: string(peer.Allow), Label: "Allow it whatever the policy is"},
				{Value: string(peer.Block), Label: "Block it"},
				{Value: "forget", Label: "Leave it to the policy"},
			},
		}}, a.rule},
		{"retry", "Other servers: try again at once", []form.Field{domain(false)}, func(ctx context.Context, v form.Values) (string, error) {
			n, err := a.links.Retry(ctx, domainName{v.Text("domain")})
			return retryWords(n), err
		}},
		{"return", "Other servers: give back what waits for one", []form.Field{domain(true)}, func(ctx context.Context, v form.Values) (string, error) {
			n, err := a.links.GiveBack(ctx, domainName{v.Text("domain")})
			return returnWords(n), err
		}},
		{"trust", "Other servers: accept the new key of one", []form.Field{domain(true)}, func(ctx context.Context, v form.Values) (string, error) {
			was, err := a.links.Trust(ctx, domainName{v.Text("domain")})
			return trustWords(v.Text("domain"), was), err
		}},
	} {
		r.Command(module.Command{
			Node: nsFederation + "#" + c.node, Name: c.name, Allowed: a.admin,
			Run: func(_ *module.IQ, x xmltree.Element) (module.Step, error) {
				asked := form.New(form.TypeForm, nsFederation, c.fields...)
				asked.Title = c.name
				if x.IsZero() {
					return module.Step{Form: asked.Write, Next: true}, nil
				}
				submitted, err := form.Parse(x)
				if err != nil {
					return module.Step{}, &stanza.Fault{Condition: stanza.BadRequest, Text: err.Error(), Cause: err}
				}
				v, err := asked.Check(submitted)
				if err != nil {
					return module.Step{}, &stanza.Fault{Condition: stanza.BadRequest, Text: err.Error(), Cause: err}
				}
				text, err := c.run(context.Background(), v)
				if err != nil {
					return module.Step{}, &stanza.Fault{Condition: stanza.NotAcceptable, Text: err.Error(), Cause: err}
				}
				out := form.New(form.TypeResult, nsFederation, form.Field{
					Var: "result", Kind: form.TextMulti, Label: c.name, Values: strings.Split(strings.TrimRight(text, "\n"), "\n"),
				})
				out.Title = c.name
				return module.Step{Form: out.Write}, nil
			},
		})
	}
}

func (a adHoc) status(ctx context.Context, v form.Values) (string, error) {
	domain := v.Text("domain")
	st, err := a.links.Status(ctx, domainName{domain})
	if err != nil {
		return "", err
	}
	var out strings.Builder
	switch {
	case domain == "":
		err = writeFederation(&out, st, a.now())
	case len(st.Domains) == 0:
		out.WriteString(unknownWords(domain))
	default:
		err = writeDomain(&out, st.Domains[0])
	}
	return out.String(), err
}

func (a adHoc) policy(ctx context.Context, v form.Values) (string, error) {
	p, err := federation.ParsePolicy(v.Text("policy"))
	if err != nil {
		return "", err
	}
	if _, err := a.links.SetPolicy(ctx, p); err != nil {
		return "", err
	}
	st, err := a.links.Status(ctx, domainName{})
	return policyText(st), err
}

func (a adHoc) rule(ctx context.Context, v form.Values) (string, error) {
	domain := v.Text("domain")
	rule, words := peer.NoRule, forgetWords
	switch v.Text("rule") {
	case string(peer.Allow):
		rule, words = peer.Allow, allowWords
	case string(peer.Block):
		rule, words = peer.Block, blockWords
	case "forget":
	default:
		return "", errors.New(`expected "allow", "block" or "forget"`)
	}
	_, err := a.links.SetRule(ctx, domainRule{Domain: domain, Rule: rule})
	return strings.ReplaceAll(words, "%s", domain), err
}
