package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"kith/internal/clock"
	"kith/server/auth"
	"kith/server/store"
)

// peopleFlags are the options that matter to the user and invite commands.
func peopleFlags() []string { return []string{"domain", "data"} }

// operate gives f the people of the server that the options mean: over its socket when it runs,
// otherwise over its data, which no server can take meanwhile. guess is the domain for data that are
// new.
func operate(c *cobra.Command, guess string, f func(context.Context, people) error) error {
	return reach(c, guess, func(ctx context.Context, r remote) error { return f(ctx, r) },
		func(ctx context.Context, o *options, d *data) error { return operateHere(ctx, o, d, f) })
}

// reach calls there with the server that runs, or here with the data of one that does not.
func reach(c *cobra.Command, guess string, there func(context.Context, remote) error, here func(context.Context, *options, *data) error) error {
	o, set, _, err := loadOptions(c, os.Environ())
	if err != nil {
		return err
	}
	ctx := c.Context()
	// A server that is starting or stopping has the lock and not the socket.
	for deadline := time.Now().Add(startTime); ; {
		d, err := openData(ctx, o, set.Option("domain").Source() != "", guess)
		if err == nil {
			return errors.Join(here(ctx, o, d), d.close())
		}
		if !errors.Is(err, errInUse) {
			return err
		}
		if err = there(ctx, newRemote(o.program.Data)); !errors.Is(err, errNoServer) {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("another process has the data in %s, and it does not answer", o.program.Data)
		}
		if err := clock.Sleep(ctx, clock.Real{}, retryTime); err != nil {
			return err
		}
	}
}

const (
	startTime = 10 * time.Second
	retryTime = 100 * time.Millisecond
)

func operateHere(ctx context.Context, o *options, d *data, f func(context.Context, people) error) error {
	s, err := d.accounts(ctx, auth.Options{Config: o.accounts})
	if err != nil {
		return err
	}
	o.settle()
	base := o.baseURL(o.listen.HTTP.Port(), o.listen.HTTPS.Port())
	if o.program.URL == "" {
		// The server knew better where it was reached.
		if kept, ok, err := d.db.Setting(ctx, settingURL); err != nil {
			return err
		} else if ok {
			base = kept
		}
	}
	p, err := newOperator(ctx, o, d, s, base)
	if err != nil {
		return err
	}
	return f(ctx, p)
}

// needData keeps a command that only looks, or takes away, from making a new server where there is none.
func needData(c *cobra.Command) error {
	o, _, _, err := loadOptions(c, os.Environ())
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(o.program.Data, store.FileName)); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no server in %s yet; start one with kith serve, or say where it is with --data", o.program.Data)
	}
	return nil
}
