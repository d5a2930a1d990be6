package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"kith/internal/jid"
)

func userCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "user",
		Short: "Add, list and remove accounts, and set passwords",
		Long: `Accounts of the server, whether it runs or not.

Most people get their account by an invitation, and choose their password themselves:
see kith invite create.`,
		Args:        cobra.ArbitraryArgs,
		RunE:        subcommandOnly,
		Annotations: group(),
	}
	c.AddCommand(userAddCommand(), userListCommand(), userPasswdCommand(), userRemoveCommand(), userRestoreCommand(), userRoleCommand(), userGuardiansCommand())
	return c
}

// domainOf is what a new server's domain is taken to be: the command is about an address of it.
func domainOf(addr string) string {
	j, err := jid.Parse(addr)
	if err != nil || j.Local() == "" {
		return ""
	}
	return j.Domain()
}

const passwordHelp = `The password is read from the standard input: from a terminal without showing it, otherwise
the first line.`

func userAddCommand() *cobra.Command {
	var (
		role      string
		guardians []string
	)
	c := &cobra.Command{
		Use:   "add JID",
		Short: "Add an account",
		Long:  "Adds an account.\n\n" + passwordHelp,
		Example: `  kith user add alice@example.org
  kith user add --role admin alice@example.org
  pass show chat/alice | kith user add alice@example.org`,
		Args: oneArg("a JID such as alice@example.org"),
		RunE: func(c *cobra.Command, args []string) error {
			password, err := readPassword(c.InOrStdin(), c.ErrOrStderr(), args[0])
			if err != nil {
				return err
			}
			return operate(c, domainOf(args[0]), func(ctx context.Context, p people) error {
				u, err := p.AddUser(ctx, newUser{Address: args[0], Password: password, Role: role, Guardians: guardians})
				if err != nil {
					return err
				}
				_, err = fmt.Fprintf(c.OutOrStdout(), "Added %s (%s).\n", u.Address, u.Role)
				return err
			})
		},
	}
	c.Flags().StringArrayVar(&guardians, "guardian", nil, "the `JID` of who decides for a limited account; several times\nfor several (without: the administrators)")
	c.Flags().StringVar(&role, "role", "member", "what the account may do: admin, member or limited, which is\nfor children")
	addOptionFlags(c, peopleFlags()...)
	return c
}

func userListCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "list",
		Short: "List the accounts",
		Example: `  kith user list
  kith user list --json | jq -r '.[].address'`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := needData(c); err != nil {
				return err
			}
			return operate(c, "", func(ctx context.Context, p people) error {
				users, err := p.ListUsers(ctx, none{})
				if err != nil {
					return err
				}
				if asJSON {
					return writeJSON(c.OutOrStdout(), users)
				}
				return writeUsers(c.OutOrStdout(), users)
			})
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON, for programs")
	addOptionFlags(c, peopleFlags()...)
	return c
}

func writeJSON[T any](w io.Writer, list []T) error {
	if list == nil {
		list = []T{}
	}
	return writeOneJSON(w, list)
}

func writeOneJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

func writeUsers(w io.Writer, users []user) error {
	if len(users) == 0 {
		_, err := fmt.Fprintln(w, "There are no accounts.")
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "ADDRESS\tROLE\tCREATED\tLAST ACTIVE\tSTATE")
	for _, u := range users {
		active := "never"
		if !u.LastActive.IsZero() {
			active = u.LastActive.UTC().Format(time.DateOnly)
		}
		state := "active"
		switch {
		case !u.RemovedUntil.IsZero():
			state = "removed, deleted on " + u.RemovedUntil.Format(time.DateOnly)
		case u.Disabled:
			state = "disabled"
		}
		fmt.Fprintln(t, strings.Join([]string{u.Address, u.Role, u.Created.Format(time.DateOnly), active, state}, "\t"))
	}
	return t.Flush()
}

// resetLife is how long a link that sets a password is good.
const resetLife = 24 * time.Hour

func userPasswdCommand() *cobra.Command {
	var link bool
	c := &cobra.Command{
		Use:   "passwd JID",
		Short: "Set the password of an account",
		Long: "Sets the password of an account, and signs out all its devices. With --link it prints a link\n" +
			"instead, with which its owner chooses a new password; it works once, for a day.\n\n" + passwordHelp,
		Example: `  kith user passwd alice@example.org
  kith user passwd alice@example.org --link
  echo "$NEW_PASSWORD" | kith user passwd alice@example.org`,
		Args: oneArg("a JID such as alice@example.org"),
		RunE: func(c *cobra.Command, args []string) error {
			if err := needData(c); err != nil {
				return err
			}
			if link {
				return operate(c, "", func(ctx context.Context, p people) error {
					inv, err := p.CreateInvite(ctx, newInvite{Reset: args[0], Life: resetLife})
					if err != nil {
						return err
					}
					return writeInvite(c.OutOrStdout(), inv.Link, true)
				})
			}
			password, err := readPassword(c.InOrStdin(), c.ErrOrStderr(), args[0])
			if err != nil {
				return err
			}
			return operate(c, "", func(ctx context.Context, p people) error {
				if _, err := p.SetPassword(ctx, newPassword{Address: args[0], Password: password}); err != nil {
					return err
				}
				_, err := fmt.Fprintf(c.OutOrStdout(), "The password of %s is set, and its devices are signed out.\n", args[0])
				return err
			})
		},
	}
	c.Flags().BoolVar(&link, "link", false, "print a link with which its owner chooses the password")
	addOptionFlags(c, peopleFlags()...)
	return c
}

func userRemoveCommand() *cobra.Command {
	var now bool
	c := &cobra.Command{
		Use:   "remove JID",
		Short: "Remove an account",
		Long: `Removes an account: nobody can sign in to it or write to it any more. Its messages, contacts
and files are deleted some days later, and until then kith user restore brings it back.`,
		Example: `  kith user remove bob@example.org
  kith user remove --now bob@example.org`,
		Args: oneArg("a JID such as bob@example.org"),
		RunE: func(c *cobra.Command, args []string) error {
			if err := needData(c); err != nil {
				return err
			}
			return operate(c, "", func(ctx context.Context, p people) error {
				r, err := p.RemoveUser(ctx, removal{Address: args[0], Now: now})
				if err != nil {
					return err
				}
				if r.Until.IsZero() {
					_, err = fmt.Fprintf(c.OutOrStdout(), "Removed %s; the server deletes its data while it runs.\n", args[0])
				} else {
					_, err = fmt.Fprintf(c.OutOrStdout(), "Removed %s; its data is deleted on %s.\n", args[0], r.Until.Format(time.DateOnly))
				}
				return err
			})
		},
	}
	c.Flags().BoolVar(&now, "now", false, "delete its data at once; it cannot be restored")
	addOptionFlags(c, peopleFlags()...)
	return c
}

func userRestoreCommand() *cobra.Command {
	c := &cobra.Command{
		Use:     "restore JID",
		Short:   "Bring back an account that was removed",
		Example: `  kith user restore bob@example.org`,
		Args:    oneArg("a JID such as bob@example.org"),
		RunE: func(c *cobra.Command, args []string) error {
			if err := needData(c); err != nil {
				return err
			}
			return operate(c, "", func(ctx context.Context, p people) error {
				if _, err := p.RestoreUser(ctx, address{args[0]}); err != nil {
					return err
				}
				_, err := fmt.Fprintf(c.OutOrStdout(), "Restored %s.\n", args[0])
				return err
			})
		},
	}
	addOptionFlags(c, peopleFlags()...)
	return c
}
