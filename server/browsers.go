package server

import (
	"context"
	"strings"

	"kith/server/webpush"
)

// newWebPush makes the service that wakes web apps.
func newWebPush(ctx context.Context, domain string, d Deps) (*webpush.Service, error) {
	seed, err := keptKey(ctx, d.Store, "webpush.key")
	if err != nil {
		return nil, err
	}
	contact := d.BaseURL
	if !strings.HasPrefix(contact, "https:") {
		contact = "mailto:postmaster@" + domain
	}
	return webpush.New(webpush.Options{
		Domain: domain, Contact: contact, Seed: seed, Store: d.Store.WebPush(), Client: d.WebPush, Clock: d.Clock, Log: d.Log,
	})
}
