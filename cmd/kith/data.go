package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/gofrs/flock"

	"kith/internal/clock"
	"kith/server/auth"
	"kith/server/store"
)

// What is in the data directory beside the database.
const (
	lockFile    = "kith.lock"
	secretFile  = "secret"
	controlFile = "control.sock"
	certDir     = "tls"
	uploadDir   = "uploads"
)

// Settings that the database remembers.
const (
	settingDomain = "domain"
	settingURL    = "url"
)

// errInUse means that another process has the data directory.
var errInUse = errors.New("in use")

// data is the open data directory of a server. One process at a time has it.
type data struct {
	dir    string
	lock   *flock.Flock
	db     *store.DB
	domain string
}

// openData takes the directory and opens what is in it. It returns [errInUse] while another process
// has it. The domain in o becomes the one that the data belong to; guess is taken for data that
// are new, if the domain was not set.
func openData(ctx context.Context, o *options, domainSet bool, guess string) (_ *data, err error) {
	dir := o.program.Data
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, dataError(dir, err)
	}
	d := &data{dir: dir, lock: flock.New(filepath.Join(dir, lockFile), flock.SetPermissions(0o600))}
	locked, err := d.lock.TryLock()
	if err != nil {
		return nil, dataError(dir, err)
	}
	if !locked {
		return nil, errInUse
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.close())
		}
	}()
	if d.db, err = store.Open(ctx, store.Options{Dir: dir}); err != nil {
		return nil, err
	}
	return d, d.settleDomain(ctx, o, domainSet, guess)
}

// settleDomain finds out whose data they are. Addresses are all over the database: another domain is
// another server.
func (d *data) settleDomain(ctx context.Context, o *options, set bool, guess string) error {
	kept, ok, err := d.db.Setting(ctx, settingDomain)
	if err != nil {
		return err
	}
	switch {
	case ok && set && kept != o.program.Domain:
		return fmt.Errorf("the data in %s belong to the domain %s, and not to %s; give --domain %s, or another directory with --data",
			d.dir, kept, o.program.Domain, kept)
	case ok:
		o.program.Domain = kept
	default:
		if !set && guess != "" {
			o.program.Domain = guess
		}
		if err := d.db.SetSetting(ctx, settingDomain, o.program.Domain); err != nil {
			return err
		}
	}
	d.domain = o.program.Domain
	return nil
}

// accounts opens the accounts service.
func (d *data) accounts(ctx context.Context, opts auth.Options) (*auth.Service, error) {
	secret, err := auth.LoadSecret(filepath.Join(d.dir, secretFile))
	if err != nil {
		return nil, err
	}
	opts.Domain, opts.Secret, opts.Store = d.domain, secret, d.db.Auth()
	if opts.Clock == nil {
		opts.Clock = clock.Real{}
	}
	return auth.New(ctx, opts)
}

func (d *data) close() error {
	var err error
	if d.db != nil {
		err = d.db.Close()
	}
	return errors.Join(err, d.lock.Close())
}

// dataError says which directory it was.
func dataError(dir string, err error) error {
	why := reason(err)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("the data directory %s cannot be written: %w; choose another with --data", dir, why)
	case errors.Is(err, syscall.ENOTDIR), errors.Is(err, fs.ErrExist):
		return fmt.Errorf("the data directory %s is not a directory", dir)
	default:
		return fmt.Errorf("the data directory %s: %w", dir, why)
	}
}
