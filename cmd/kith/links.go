package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"kith/federation"
	"kith/internal/clock"
	"kith/internal/peer"
	"kith/internal/stanza"
)

// links is what the federation commands do. As with people, the server does it while it runs, and the
// command itself while it does not.
type links interface {
	Status(context.Context, domainName) (federation.Status, error)
	SetPolicy(context.Context, federation.Policy) (none, error)
	SetRule(context.Context, domainRule) (none, error)
	Retry(context.Context, domainName) (int, error)
	GiveBack(context.Context, domainName) (int, error)
	Trust(context.Context, domainName) (bool, error)
}

type domainName struct {
	// Domain is "" for all, where that makes sense.
	Domain string `json:"domain"`
}

type domainRule struct {
	Domain string    `json:"domain"`
	Rule   peer.Rule `json:"rule"`
}

// operatorOfLinks does it in this process.
type operatorOfLinks struct{ federation *federation.Service }

var _ links = operatorOfLinks{}

func (o operatorOfLinks) Status(ctx context.Context, in domainName) (federation.Status, error) {
	return o.federation.Status(ctx, in.Domain)
}

func (o operatorOfLinks) SetPolicy(ctx context.Context, p federation.Policy) (none, error) {
	return none{}, o.federation.SetPolicy(ctx, p)
}

func (o operatorOfLinks) SetRule(_ context.Context, in domainRule) (none, error) {
	return none{}, o.federation.SetRule(in.Domain, in.Rule)
}

func (o operatorOfLinks) Retry(_ context.Context, in domainName) (int, error) {
	return o.federation.Retry(in.Domain)
}

func (o operatorOfLinks) GiveBack(_ context.Context, in domainName) (int, error) {
	return o.federation.GiveBack(in.Domain)
}

func (o operatorOfLinks) Trust(_ context.Context, in domainName) (bool, error) {
	return o.federation.Trust(in.Domain)
}

// resting is the federation of a server that does not run: it can be looked at and told what to do later.
type resting struct{ operatorOfLinks }

var errResting = errors.New("the server does not run; start it with kith serve, and it tries by itself")

// Retry implements [links].
func (resting) Retry(context.Context, domainName) (int, error) { return 0, errResting }

// GiveBack implements [links].
func (resting) GiveBack(context.Context, domainName) (int, error) {
	return 0, errors.New("the server does not run, so that nothing can be given back to anybody; start it with kith serve")
}

// nowhere is the router of a server that does not run.
type nowhere struct{}

func (nowhere) Route(*stanza.Stanza, func()) {}

// operateLinks is operate for other servers.
func operateLinks(c *cobra.Command, f func(context.Context, links) error) error {
	if err := needData(c); err != nil {
		return err
	}
	return reach(c, "", func(ctx context.Context, r remote) error { return f(ctx, r) },
		func(ctx context.Context, o *options, d *data) error {
			o.settle()
			s, err := newFederation(ctx, o, d, nil, nowhere{}, federation.Deps{Clock: clock.Real{}, Roots: x509.NewCertPool()})
			if err != nil {
				return fmt.Errorf("federation: %w", err)
			}
			return errors.Join(f(ctx, resting{operatorOfLinks{s}}), s.Shutdown(ctx))
		})
}
