package main

import (
	_ "embed"
	"fmt"
	"os"
	"text/tabwriter"

	"github.com/spf13/cobra"
)

// defaultFile is the documented configuration file, made from the comments of the options by
// make docs.
//
//go:embed kith.toml
var defaultFile string

func configCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "config",
		Short: "Print the documented configuration file",
		Long: `Prints a configuration file with every option, what it means and what it is by default.
Nothing in it needs to be set.

An option can be given in three ways. The command line goes before the environment, and
the environment before the file:

  kith serve --domain example.org
  KITH_DOMAIN=example.org kith serve
  kith serve --config kith.toml          # with: domain = "example.org"

In a section of the file, an option's name in the environment begins with that of the
section: token_life in [accounts] is KITH_ACCOUNTS_TOKEN_LIFE.`,
		Example: `  kith config > kith.toml
  kith config show --config kith.toml`,
		Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return subcommandOnly(c, args)
			}
			_, err := fmt.Fprint(c.OutOrStdout(), defaultFile)
			return err
		},
	}
	show := &cobra.Command{
		Use:   "show",
		Short: "Print the options as they are in effect, and where each comes from",
		Long: `Reads the configuration as kith serve does, checks it, and prints every option with its
value and where that comes from.`,
		Example: `  kith config show --config /etc/kith/kith.toml`,
		Args:    noArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return showConfig(c) },
	}
	addOptionFlags(show, serveFlags()...)
	c.AddCommand(show)
	return c
}

func showConfig(c *cobra.Command) error {
	o, set, warnings, err := loadOptions(c, os.Environ())
	if err != nil {
		return err
	}
	o.settle()
	for _, w := range warnings {
		fmt.Fprintln(c.ErrOrStderr(), "warning:", w)
	}
	w := tabwriter.NewWriter(c.OutOrStdout(), 0, 0, 2, ' ', 0)
	for _, opt := range set.Options() {
		source := string(opt.Source())
		if source == "" {
			source = "default"
		}
		fmt.Fprintf(w, "%s\t= %s\t# %s\n", opt.Key, opt.Value(), source)
	}
	return w.Flush()
}
