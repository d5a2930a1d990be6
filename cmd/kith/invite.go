package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"kith/internal/config"
)

func inviteCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "invite",
		Short: "Create, list and revoke invitations",
		Long: `An invitation is a link with which somebody makes an account on this server. Whoever opens
it chooses a name and a password.`,
		Args:        cobra.ArbitraryArgs,
		RunE:        subcommandOnly,
		Annotations: group(),
	}
	c.AddCommand(inviteCreateCommand(), inviteListCommand(), inviteRevokeCommand())
	return c
}

func inviteCreateCommand() *cobra.Command {
	var (
		in      newInvite
		expires string
		noQR    bool
	)
	c := &cobra.Command{
		Use:   "create",
		Short: "Create an invitation and print its link",
		Long: `Creates an invitation and prints its link; on a terminal with its QR code, to be scanned
with a phone.`,
		Example: `  kith invite create
  kith invite create --role admin --expires 1h
  kith invite create --uses 5 --note "the choir"
  kith invite create --name grandma --expires 30d
  kith invite create --circle Family
  kith invite create --role limited --name ben --guardian alice --circle Family`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			life, err := config.ParseDuration(expires)
			if err != nil {
				return &usageError{fmt.Errorf("--expires %s: %w", expires, err)}
			}
			if in.Uses < 1 {
				return &usageError{fmt.Errorf("--uses %d: expected 1 or more", in.Uses)}
			}
			in.Life = life
			return operate(c, "", func(ctx context.Context, p people) error {
				inv, err := p.CreateInvite(ctx, in)
				if err != nil {
					return err
				}
				return writeInvite(c.OutOrStdout(), inv.Link, !noQR)
			})
		},
	}
	f := c.Flags()
	f.StringVar(&in.Role, "role", "member", "what the new account may do: admin, member or limited, which is\nfor children")
	f.IntVar(&in.Uses, "uses", 1, "how many accounts can be made with it")
	f.StringVar(&expires, "expires", "168h", "how long it is valid, such as 12h or 7d")
	f.StringVar(&in.Name, "name", "", "the name that the account must have")
	f.StringArrayVar(&in.Circles, "circle", nil, "put the new account into this `circle`; several times for several")
	f.StringArrayVar(&in.Guardians, "guardian", nil, "the `JID` of who decides for a limited account; several times\nfor several (without: the administrators)")
	f.StringVar(&in.Note, "note", "", "whom it is for, shown in the list")
	f.BoolVar(&noQR, "no-qr", false, "only the link, on a terminal too")
	addOptionFlags(c, peopleFlags()...)
	return c
}

// writeInvite prints a link, alone for a program, with its QR code for a person.
func writeInvite(w io.Writer, link string, code bool) error {
	if _, err := fmt.Fprintln(w, link); err != nil {
		return err
	}
	if !code || !isTerminal(w) {
		return nil
	}
	return writeQR(w, link)
}

func inviteListCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "list",
		Short: "List the invitations",
		Example: `  kith invite list
  kith invite list --json`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := needData(c); err != nil {
				return err
			}
			return operate(c, "", func(ctx context.Context, p people) error {
				list, err := p.ListInvites(ctx, none{})
				if err != nil {
					return err
				}
				if asJSON {
					return writeJSON(c.OutOrStdout(), list)
				}
				return writeInvites(c.OutOrStdout(), list, time.Now())
			})
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON, for programs")
	addOptionFlags(c, peopleFlags()...)
	return c
}

func writeInvites(w io.Writer, list []invite, now time.Time) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	n := 0
	for _, i := range list {
		if i.Used >= i.Uses || !now.Before(i.Expires) {
			continue
		}
		if n++; n == 1 {
			fmt.Fprintln(t, "ID\tROLE\tUSED\tEXPIRES\tFROM\tFOR\tLINK")
		}
		from := i.Creator
		if from == "" {
			from = "the operator"
		}
		whom := strings.TrimSpace(i.Name + " " + i.Note)
		if whom == "" {
			whom = "anybody"
		}
		fmt.Fprintf(t, "%s\t%s\t%d of %d\t%s\t%s\t%s\t%s\n", i.ID, i.Role, i.Used, i.Uses,
			i.Expires.Local().Format("2006-01-02 15:04"), from, whom, i.Link)
	}
	if n == 0 {
		_, err := fmt.Fprintln(w, "There are no open invitations.")
		return err
	}
	return t.Flush()
}

func inviteRevokeCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "revoke ID",
		Short: "Take back an invitation",
		Long: `Takes back an invitation: its link stops working. Accounts that were made with it stay. The ID
is the first column of kith invite list; the link itself is good too.`,
		Example: `  kith invite revoke 6f1d2c9e0b7a4d35`,
		Args:    oneArg("the ID of an invitation"),
		RunE: func(c *cobra.Command, args []string) error {
			if err := needData(c); err != nil {
				return err
			}
			return operate(c, "", func(ctx context.Context, p people) error {
				list, err := p.ListInvites(ctx, none{})
				if err != nil {
					return err
				}
				id := args[0]
				for _, i := range list {
					if i.Link == id {
						id = i.ID
					}
				}
				if _, err := p.RevokeInvite(ctx, inviteID{id}); err != nil {
					return err
				}
				_, err = fmt.Fprintln(c.OutOrStdout(), "Revoked.")
				return err
			})
		},
	}
	addOptionFlags(c, peopleFlags()...)
	return c
}
