package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"kith/federation"
	"kith/internal/peer"
)

func federationCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "federation",
		Short: "Look after the connections to other servers",
		Long: `People of this server communicate with those of every other XMPP server, unless you decide
otherwise: with some domains not (block), with some only (policy allow, and allow), or with
none (policy off).`,
		Args:        cobra.ArbitraryArgs,
		RunE:        subcommandOnly,
		Annotations: group(),
	}
	c.AddCommand(
		federationStatusCommand(), federationPolicyCommand(),
		federationRuleCommand("allow", peer.Allow, "Communicate with a domain whatever the policy is",
			allowWords),
		federationRuleCommand("block", peer.Block, "Take nothing from a domain and send nothing to it",
			blockWords),
		federationRuleCommand("forget", peer.NoRule, "Take back allow or block: the policy decides",
			forgetWords),
		federationRetryCommand(), federationReturnCommand(), federationTrustCommand(),
	)
	return c
}

// What is said when something is done, also by the commands in the apps of administrators.
const (
	allowWords  = "%s is allowed, and what is below it.\n"
	blockWords  = "%s is blocked, and what is below it.\n"
	forgetWords = "For %s the policy decides.\n"
)

func retryWords(n int) string {
	if n == 0 {
		return "There is nothing to try.\n"
	}
	return fmt.Sprintf("Trying (%d); kith federation status shows what comes of it.\n", n)
}

func returnWords(n int) string { return fmt.Sprintf("Given back: %d.\n", n) }

func trustWords(domain string, was bool) string {
	if was {
		return fmt.Sprintf("The key of %s is accepted.\n", domain)
	}
	return fmt.Sprintf("There is no warning about %s.\n", domain)
}

func unknownWords(domain string) string {
	return fmt.Sprintf("Nothing is known of %s yet.\n", domain)
}

func federationStatusCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "status [DOMAIN]",
		Short: "Show the domains, what waits for them and what went wrong",
		Long: `Shows the domains with which this server has to do: whether they are connected and how that is
secured, what waits for them, and what went wrong last. With a domain, everything that is known
of it.`,
		Example: `  kith federation status
  kith federation status example.net
  kith federation status --json | jq '.domains[] | select(.waiting > 0)'`,
		Args: atMostOneArg("a domain such as example.net"),
		RunE: func(c *cobra.Command, args []string) error {
			return operateLinks(c, func(ctx context.Context, l links) error {
				st, err := l.Status(ctx, domainName{strings.Join(args, "")})
				switch {
				case err != nil:
					return err
				case asJSON:
					return writeOneJSON(c.OutOrStdout(), st)
				case len(args) == 0:
					return writeFederation(c.OutOrStdout(), st, time.Now())
				case len(st.Domains) == 0:
					_, err := io.WriteString(c.OutOrStdout(), unknownWords(args[0]))
					return err
				default:
					return writeDomain(c.OutOrStdout(), st.Domains[0])
				}
			})
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON, for programs")
	addOptionFlags(c, peopleFlags()...)
	return c
}

// policyWords say what a policy is.
func policyWords(p federation.Policy) string {
	switch p {
	case federation.Open:
		return "open: with every domain that is not blocked"
	case federation.AllowList:
		return "allow: with those domains only that are allowed"
	case federation.Off:
		return "off: with nobody"
	default:
		return string(p)
	}
}

// policyText says what the policy is, and what it does not keep out.
func policyText(st federation.Status) string {
	text := fmt.Sprintf("Policy %s.\n", policyWords(st.Policy))
	if len(st.Push) > 0 && st.Policy != federation.Open {
		text += fmt.Sprintf("Push services of app vendors are reached nevertheless: %s.\n", strings.Join(st.Push, ", "))
	}
	return text
}

func writeFederation(w io.Writer, st federation.Status, now time.Time) error {
	if _, err := io.WriteString(w, policyText(st)); err != nil {
		return err
	}
	if len(st.Domains) > 0 {
		fmt.Fprintln(w)
		t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		fmt.Fprintln(t, "DOMAIN\tSTATE\tWAITING\tIN\tOUT\tREMARK")
		for _, d := range st.Domains {
			fmt.Fprintf(t, "%s\t%s\t%d\t%d\t%d\t%s\n", d.Domain, d.State, d.Waiting, d.StanzasIn, d.StanzasOut, remark(d, now))
		}
		if err := t.Flush(); err != nil {
			return err
		}
	}
	if len(st.Refused) > 0 {
		fmt.Fprintln(w, "\nNot let in:")
		for _, r := range st.Refused {
			fmt.Fprintf(w, "  %s, %s: %s (%d times)\n", r.At.Local().Format("2006-01-02 15:04"), r.Domain, r.Why, r.Times)
		}
	}
	return nil
}

// remark is the one thing about a domain that its operator should know.
func remark(d federation.DomainStatus, now time.Time) string {
	var all []string
	if d.Rule == peer.Block {
		all = append(all, "blocked")
	} else if !d.Permitted {
		all = append(all, "not permitted by the policy")
	}
	if !d.Changed.IsZero() {
		all = append(all, "its key changed unexpectedly; see kith federation status "+d.Domain)
	}
	if d.Error != "" && d.State != "connected" {
		text := d.Error
		if !d.Retry.IsZero() {
			text += fmt.Sprintf("; next try in %s", max(d.Retry.Sub(now), 0).Round(time.Second))
		}
		all = append(all, text)
	}
	if len(all) == 0 {
		return d.Way
	}
	return strings.Join(all, "; ")
}

func writeDomain(w io.Writer, d federation.DomainStatus) error {
	const day, minute = time.DateOnly, "2006-01-02 15:04"
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(name, format string, args ...any) { fmt.Fprintf(t, name+"\t"+format+"\n", args...) }
	row("Domain", "%s", d.Domain)
	row("State", "%s", d.State)
	switch {
	case d.Rule != peer.NoRule:
		row("Permitted", "%t (%s)", d.Permitted, d.Rule)
	default:
		row("Permitted", "%t (by the policy)", d.Permitted)
	}
	if d.Way != "" {
		row("Connection", "%s", d.Way)
	}
	row("Waiting", "%d", d.Waiting)
	if !d.Oldest.IsZero() {
		row("", "since %s", d.Oldest.Local().Format(minute))
	}
	if !d.Retry.IsZero() {
		row("Next try", "%s", d.Retry.Local().Format(minute+":05"))
	}
	if d.Error != "" {
		row("Last error", "%s, at %s", d.Error, d.ErrorAt.Local().Format(minute))
	}
	row("Received", "%d stanzas, %d bytes", d.StanzasIn, d.BytesIn)
	row("Sent", "%d stanzas, %d bytes", d.StanzasOut, d.BytesOut)
	row("Returned", "%d", d.Returned)
	if !d.First.IsZero() {
		row("Known since", "%s, last proven on %s", d.First.Format(day), d.Last.Format(day))
	}
	for i, k := range d.Keys {
		name := "Key"
		if i > 0 {
			name = "Key before"
		}
		row(name, "%s", k.Hash)
		row("", "signed by %s, valid until %s, seen from %s to %s", k.Issuer, k.NotAfter.Format(day), k.First.Format(day), k.Last.Format(day))
	}
	if !d.Changed.IsZero() {
		row("WARNING", "its key changed on %s although %s.", d.Changed.Local().Format(minute), d.Why)
		row("", "Somebody may stand in between. Ask its operator whether the first key above is theirs;")
		row("", "if it is: kith federation trust %s", d.Domain)
	}
	return t.Flush()
}

func federationPolicyCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "policy [open | allow | off]",
		Short: "Show or choose with whom the server communicates",
		Long: `Chooses with whom the server communicates:

  open   with every domain that is not blocked
  allow  with those domains only that are allowed
  off    with nobody

Push services of app vendors are reached in any case, so that phones can be woken; the option
federation.push says which. What waits for domains that are not permitted any more goes back to
its senders.`,
		Example: `  kith federation policy
  kith federation policy allow`,
		Args: atMostOneArg("open, allow or off"),
		RunE: func(c *cobra.Command, args []string) error {
			var p federation.Policy
			if len(args) > 0 {
				var err error
				if p, err = federation.ParsePolicy(args[0]); err != nil {
					return &usageError{err}
				}
			}
			return operateLinks(c, func(ctx context.Context, l links) error {
				if p != federation.DefaultPolicy {
					if _, err := l.SetPolicy(ctx, p); err != nil {
						return err
					}
				}
				st, err := l.Status(ctx, domainName{})
				if err == nil {
					_, err = io.WriteString(c.OutOrStdout(), policyText(st))
				}
				return err
			})
		},
	}
	addOptionFlags(c, peopleFlags()...)
	return c
}

func federationRuleCommand(use string, rule peer.Rule, short, done string) *cobra.Command {
	c := &cobra.Command{
		Use:     use + " DOMAIN",
		Short:   short,
		Long:    short + ". It holds for the domains below it as well; of several\nrules, the one for the nearest domain counts.",
		Example: "  kith federation " + use + " example.net",
		Args:    oneArg("a domain such as example.net"),
		RunE: func(c *cobra.Command, args []string) error {
			return operateLinks(c, func(ctx context.Context, l links) error {
				if _, err := l.SetRule(ctx, domainRule{Domain: args[0], Rule: rule}); err != nil {
					return err
				}
				_, err := fmt.Fprintf(c.OutOrStdout(), done, args[0])
				return err
			})
		},
	}
	addOptionFlags(c, peopleFlags()...)
	return c
}

func federationRetryCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "retry [DOMAIN]",
		Short: "Try at once to reach a domain, or all for which something waits",
		Example: `  kith federation retry
  kith federation retry example.net`,
		Args: atMostOneArg("a domain such as example.net"),
		RunE: func(c *cobra.Command, args []string) error {
			return operateLinks(c, func(ctx context.Context, l links) error {
				n, err := l.Retry(ctx, domainName{strings.Join(args, "")})
				if err != nil {
					return err
				}
				_, err = io.WriteString(c.OutOrStdout(), retryWords(n))
				return err
			})
		},
	}
	addOptionFlags(c, peopleFlags()...)
	return c
}

func federationReturnCommand() *cobra.Command {
	c := &cobra.Command{
		Use:     "return DOMAIN",
		Short:   "Give what waits for a domain back to its senders",
		Example: `  kith federation return example.net`,
		Args:    oneArg("a domain such as example.net"),
		RunE: func(c *cobra.Command, args []string) error {
			return operateLinks(c, func(ctx context.Context, l links) error {
				n, err := l.GiveBack(ctx, domainName{args[0]})
				if err != nil {
					return err
				}
				_, err = io.WriteString(c.OutOrStdout(), returnWords(n))
				return err
			})
		},
	}
	addOptionFlags(c, peopleFlags()...)
	return c
}

func federationTrustCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "trust DOMAIN",
		Short: "Accept the new key of a domain, and end the warning about it",
		Long: `Accepts the key that a domain shows now, after a warning that it changed unexpectedly. Ask its
operator first, on another way, whether the key in kith federation status DOMAIN is theirs.`,
		Example: `  kith federation trust example.net`,
		Args:    oneArg("a domain such as example.net"),
		RunE: func(c *cobra.Command, args []string) error {
			return operateLinks(c, func(ctx context.Context, l links) error {
				was, err := l.Trust(ctx, domainName{args[0]})
				if err == nil {
					_, err = io.WriteString(c.OutOrStdout(), trustWords(args[0], was))
				}
				return err
			})
		},
	}
	addOptionFlags(c, peopleFlags()...)
	return c
}
