package main

import (
	"cmp"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"kith/federation"
	"kith/internal/clock"
	"kith/server"
	"kith/server/auth"
	"kith/server/module"
	"kith/server/store/storetest"
)

const xepsHead = `# Protocols

What the server implements beside RFC 6120 (core), RFC 6121 (instant messaging and presence), RFC 7395
(WebSocket), RFC 7590 (TLS) and RFC 7622 (addresses). A specification without a remark is implemented completely, as far as it
concerns a server.

This page is made from the source by ` + "`make docs`" + `: each part of the server says what it implements.

| XEP | Name | Version | |
|---|---|---|---|
`

// xeps is the table of what the parts of a server say that they implement.
func xeps(t *testing.T) string {
	t.Helper()
	db := storetest.Open(t)
	log := slog.New(slog.DiscardHandler)
	accounts, err := auth.New(t.Context(), auth.Options{
		Domain: "example.org", Config: auth.DefaultConfig(), Secret: auth.NewSecret(), Store: db.Auth(), Clock: clock.Real{}, Log: log,
	})
	if err != nil {
		t.Fatal(err)
	}
	s, err := server.New(t.Context(), server.DefaultConfig(), server.Deps{
		Domain: "example.org", Store: db, Auth: accounts, Clock: clock.Real{}, Log: log,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Shutdown(t.Context()); err != nil && t.Context().Err() == nil {
			t.Error(err)
		}
	})
	all := append([]module.XEP(nil), s.Registry().XEPs...)
	for _, x := range federation.Protocols() {
		all = append(all, module.XEP(x))
	}
	slices.SortStableFunc(all, func(a, b module.XEP) int { return cmp.Compare(a.Number, b.Number) })
	// Where two parts share a specification, what each says of its share is put together.
	var b strings.Builder
	b.WriteString(xepsHead)
	for i := 0; i < len(all); {
		x := all[i]
		var notes []string
		for ; i < len(all) && all[i].Number == x.Number; i++ {
			if all[i].Version != x.Version {
				t.Errorf("XEP-%04d is implemented in versions %s and %s", x.Number, x.Version, all[i].Version)
			}
			if n := all[i].Note; n != "" && !slices.Contains(notes, n) {
				notes = append(notes, n)
			}
		}
		fmt.Fprintf(&b, "| [%04d](https://xmpp.org/extensions/xep-%04d.html) | %s | %s | %s |\n", x.Number, x.Number, x.Name, x.Version, strings.Join(notes, "; "))
	}
	return b.String()
}

// docs/xeps.md is made from the parts of the server; -update writes it.
func TestDocumentationOfProtocols(t *testing.T) {
	writeOrCompare(t, filepath.Join("..", "..", "docs", "xeps.md"), xeps(t))
}
