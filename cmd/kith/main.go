// Kith is an end-to-end encrypted messenger in one program: the XMPP server, the web app that it
// serves, and the commands to run it.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := interruptible()
	code := execute(ctx, program())
	stop()
	os.Exit(code)
}

func program() *cobra.Command {
	root := &cobra.Command{
		Use:   "kith",
		Short: "A private messenger on a server of your own",
		Long: `Kith is a private messenger on a server of your own: an XMPP server and the web app
for it, in one program. Messages are end-to-end encrypted.

Start it, open the link that it prints, and you are its administrator:

  kith serve

For a domain of your own, which must point to this machine:

  kith serve --domain example.org`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.ArbitraryArgs,
		RunE:          subcommandOnly,
		Annotations:   group(),
	}
	root.SuggestionsMinimumDistance = 2
	// A command that only has others does not run by itself.
	root.SetUsageTemplate(strings.Replace(root.UsageTemplate(), "{{if .Runnable}}", `{{if and .Runnable (not (index .Annotations "group"))}}`, 1))
	root.AddCommand(
		serveCommand(startMessenger),
		userCommand(),
		inviteCommand(),
		circleCommand(),
		federationCommand(),
		devCommand(),
		configCommand(),
		versionCommand(),
	)
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetHelpCommand(&cobra.Command{Hidden: true})
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return &usageError{fmt.Errorf("%w; see %s --help", err, c.CommandPath())}
	})
	return root
}

// usageError is a command line that cannot be understood.
type usageError struct{ error }

// execute runs the command and returns the exit code: 1 for what went wrong, 2 for a command line
// that cannot be understood. An error is one line; several errors are one line each.
func execute(ctx context.Context, root *cobra.Command) int {
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	for line := range strings.SplitSeq(err.Error(), "\n") {
		fmt.Fprintln(root.ErrOrStderr(), "kith:", line)
	}
	var usage *usageError
	if errors.As(err, &usage) {
		return 2
	}
	return 1
}

// interruptible gives a context that ends at the first SIGINT or SIGTERM; the second one ends the
// program at once.
func interruptible() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		cancel()
		<-signals
		os.Exit(1)
	}()
	return ctx, cancel
}

// noArgs and oneArg refuse other numbers of arguments in words that name them.
func noArgs(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return &usageError{fmt.Errorf("%s takes no argument, and got %q; see %s --help", c.CommandPath(), args[0], c.CommandPath())}
	}
	return nil
}

func oneArg(name string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) != 1 {
			return &usageError{fmt.Errorf("%s takes one argument, %s, and got %d; see %s --help", c.CommandPath(), name, len(args), c.CommandPath())}
		}
		return nil
	}
}

func atMostOneArg(name string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) > 1 {
			return &usageError{fmt.Errorf("%s takes one argument at most, %s, and got %d; see %s --help", c.CommandPath(), name, len(args), c.CommandPath())}
		}
		return nil
	}
}

func group() map[string]string { return map[string]string{"group": "yes"} }

// subcommandOnly is for a command that does nothing by itself, a group.
func subcommandOnly(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return c.Help()
	}
	path := c.CommandPath() + " "
	_, name, _ := strings.Cut(path, " ")
	hint := "see " + c.CommandPath() + " --help"
	if near := c.SuggestionsFor(args[0]); len(near) > 0 {
		hint = "did you mean " + path + near[0] + "?"
	}
	return &usageError{fmt.Errorf("there is no command %q; %s", name+args[0], hint)}
}
