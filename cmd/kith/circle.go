package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
)

func circleCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "circle",
		Short: "Put people together who are contacts of each other",
		Long: `A circle is a group of people, such as a family. Whoever is in it has all others as contacts
without having asked, and shares a private group chat with them.`,
		Args:        cobra.ArbitraryArgs,
		RunE:        subcommandOnly,
		Annotations: group(),
	}
	c.AddCommand(
		circleNameCommand("add NAME", "Make a circle", "kith circle add Family", func(ctx context.Context, p people, name string) (string, error) {
			_, err := p.AddCircle(ctx, circleName{name})
			return "Added " + name + ".", err
		}),
		circleListCommand(),
		circleMembersCommand("join NAME JID...", "Put people into a circle", "kith circle join Family alice bob@example.org",
			func(ctx context.Context, p people, in circleMembers) (string, error) {
				_, err := p.JoinCircle(ctx, in)
				return "Joined.", err
			}),
		circleMembersCommand("leave NAME JID...", "Take people out of a circle", "kith circle leave Family bob",
			func(ctx context.Context, p people, in circleMembers) (string, error) {
				_, err := p.LeaveCircle(ctx, in)
				return "Left.", err
			}),
		circleRenameCommand(),
		circleNameCommand("remove NAME", "Remove a circle and its group chat", "kith circle remove Family",
			func(ctx context.Context, p people, name string) (string, error) {
				_, err := p.RemoveCircle(ctx, circleName{name})
				return "Removed " + name + ".", err
			}),
	)
	return c
}

func circleNameCommand(use, short, example string, do func(context.Context, people, string) (string, error)) *cobra.Command {
	return circleRun(use, short, example, oneArg("the name of a circle"), func(ctx context.Context, p people, args []string) (string, error) {
		return do(ctx, p, args[0])
	})
}

func circleRenameCommand() *cobra.Command {
	args := func(c *cobra.Command, args []string) error {
		if len(args) != 2 {
			return &usageError{fmt.Errorf("%s takes the name of a circle and its new name; see %s --help", c.CommandPath(), c.CommandPath())}
		}
		return nil
	}
	return circleRun("rename NAME NEWNAME", "Give a circle and its group chat another name", "kith circle rename Family Smiths", args,
		func(ctx context.Context, p people, args []string) (string, error) {
			_, err := p.RenameCircle(ctx, circleRename{Name: args[0], To: args[1]})
			return "Renamed " + args[0] + " to " + args[1] + ".", err
		})
}

func circleMembersCommand(use, short, example string, do func(context.Context, people, circleMembers) (string, error)) *cobra.Command {
	args := func(c *cobra.Command, args []string) error {
		if len(args) < 2 {
			return &usageError{fmt.Errorf("%s takes the name of a circle and the JIDs of people; see %s --help", c.CommandPath(), c.CommandPath())}
		}
		return nil
	}
	return circleRun(use, short, example, args, func(ctx context.Context, p people, args []string) (string, error) {
		return do(ctx, p, circleMembers{Name: args[0], Members: args[1:]})
	})
}

func circleRun(use, short, example string, args cobra.PositionalArgs, do func(context.Context, people, []string) (string, error)) *cobra.Command {
	c := &cobra.Command{
		Use: use, Short: short, Example: "  " + example, Args: args,
		RunE: func(c *cobra.Command, args []string) error {
			if err := needData(c); err != nil {
				return err
			}
			return operate(c, "", func(ctx context.Context, p people) error {
				done, err := do(ctx, p, args)
				if err != nil {
					return err
				}
				_, err = fmt.Fprintln(c.OutOrStdout(), done)
				return err
			})
		},
	}
	addOptionFlags(c, peopleFlags()...)
	return c
}

func circleListCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "list",
		Short: "List the circles and who is in them",
		Example: `  kith circle list
  kith circle list --json`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := needData(c); err != nil {
				return err
			}
			return operate(c, "", func(ctx context.Context, p people) error {
				list, err := p.ListCircles(ctx, none{})
				if err != nil {
					return err
				}
				if asJSON {
					return writeJSON(c.OutOrStdout(), list)
				}
				return writeCircles(c.OutOrStdout(), list)
			})
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON, for programs")
	addOptionFlags(c, peopleFlags()...)
	return c
}

func writeCircles(w io.Writer, list []circleInfo) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(w, "There are no circles.")
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "NAME\tPEOPLE")
	for _, c := range list {
		fmt.Fprintf(t, "%s\t%s\n", c.Name, strings.Join(c.Members, ", "))
	}
	return t.Flush()
}

func userRoleCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "role JID ROLE",
		Short: "Say what an account may do",
		Long: `Gives an account another role: admin, who runs the server; member; or limited, a child, who talks to
those whom a guardian has approved. A child keeps the contacts that it has.`,
		Example: `  kith user role alice@example.org admin
  kith user role ben@example.org limited`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) != 2 {
				return &usageError{fmt.Errorf("%s takes a JID and a role; see %s --help", c.CommandPath(), c.CommandPath())}
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			if err := needData(c); err != nil {
				return err
			}
			return operate(c, "", func(ctx context.Context, p people) error {
				if _, err := p.SetRole(ctx, roleChange{args[0], args[1]}); err != nil {
					return err
				}
				_, err := fmt.Fprintf(c.OutOrStdout(), "The role of %s is %s.\n", args[0], args[1])
				return err
			})
		},
	}
	addOptionFlags(c, peopleFlags()...)
	return c
}

func userGuardiansCommand() *cobra.Command {
	var nobody bool
	c := &cobra.Command{
		Use:   "guardians CHILD [JID...]",
		Short: "Show or name who decides for a child",
		Long: `Shows who decides whom a child may talk to, or names those who do from now on, in the place of
those who did. As long as nobody is named, the administrators decide.`,
		Example: `  kith user guardians ben@example.org
  kith user guardians ben@example.org alice@example.org bob@example.org
  kith user guardians --nobody ben@example.org`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 || nobody && len(args) > 1 {
				return &usageError{fmt.Errorf("%s takes the JID of a child, and those of its guardians unless with --nobody; see %s --help", c.CommandPath(), c.CommandPath())}
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			if err := needData(c); err != nil {
				return err
			}
			return operate(c, "", func(ctx context.Context, p people) error {
				g, err := p.Guardians(ctx, guardianship{Address: args[0], Guardians: args[1:], Change: nobody || len(args) > 1})
				if err != nil {
					return err
				}
				text := strings.Join(g.Guardians, ", ")
				switch {
				case text == "":
					text = "nobody: there is no administrator"
				case !g.Named:
					text += " (the administrators: nobody else is named)"
				}
				_, err = fmt.Fprintf(c.OutOrStdout(), "Guardians of %s: %s\n", g.Address, text)
				return err
			})
		},
	}
	c.Flags().BoolVar(&nobody, "nobody", false, "name nobody, so that the administrators decide")
	addOptionFlags(c, peopleFlags()...)
	return c
}
