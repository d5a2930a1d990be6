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

What the server implements beside %s. A specification without a remark is implemented completely, as far as it
concerns a server. Below is [what this means for the XMPP Compliance Suites](#xmpp-compliance-suites-2023).

This page is made from the source by ` + "`make docs`" + `: each part of the server says what it implements.

| XEP | Name | Version | |
|---|---|---|---|
`

// protocols is what the parts of a server say that they implement.
type protocols struct {
	xeps []module.XEP // by number
	rfcs []module.RFC // by number, each once
}

// hasXEP and hasRFC look a specification up.
func (p *protocols) hasXEP(number int) bool {
	return slices.ContainsFunc(p.xeps, func(x module.XEP) bool { return x.Number == number })
}

func (p *protocols) hasRFC(number int) bool {
	return slices.ContainsFunc(p.rfcs, func(x module.RFC) bool { return x.Number == number })
}

// declared asks the parts.
func declared(t *testing.T) *protocols {
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
	p := &protocols{xeps: slices.Clone(s.Registry().XEPs), rfcs: slices.Clone(s.Registry().RFCs)}
	for _, x := range federation.Protocols() {
		p.xeps = append(p.xeps, module.XEP(x))
	}
	slices.SortStableFunc(p.xeps, func(a, b module.XEP) int { return cmp.Compare(a.Number, b.Number) })
	slices.SortFunc(p.rfcs, func(a, b module.RFC) int { return cmp.Compare(a.Number, b.Number) })
	p.rfcs = slices.Compact(p.rfcs)
	return p
}

// xeps is the page.
func xeps(t *testing.T) string {
	t.Helper()
	p := declared(t)
	rfcs := make([]string, 0, len(p.rfcs))
	for _, x := range p.rfcs {
		rfcs = append(rfcs, fmt.Sprintf("[RFC %d](https://www.rfc-editor.org/rfc/rfc%d) (%s)", x.Number, x.Number, x.Name))
	}
	// Where two parts share a specification, what each says of its share is put together.
	var b strings.Builder
	fmt.Fprintf(&b, xepsHead, strings.Join(rfcs[:len(rfcs)-1], ", ")+" and "+rfcs[len(rfcs)-1])
	for i := 0; i < len(p.xeps); {
		x := p.xeps[i]
		var notes []string
		for ; i < len(p.xeps) && p.xeps[i].Number == x.Number; i++ {
			if p.xeps[i].Version != x.Version {
				t.Errorf("XEP-%04d is implemented in versions %s and %s", x.Number, x.Version, p.xeps[i].Version)
			}
			if n := p.xeps[i].Note; n != "" && !slices.Contains(notes, n) {
				notes = append(notes, n)
			}
		}
		fmt.Fprintf(&b, "| [%04d](https://xmpp.org/extensions/xep-%04d.html) | %s | %s | %s |\n", x.Number, x.Number, x.Name, x.Version, strings.Join(notes, "; "))
	}
	writeSuite(t, &b, p)
	return b.String()
}

// docs/xeps.md is made from the parts of the server; -update writes it.
func TestDocumentationOfProtocols(t *testing.T) {
	writeOrCompare(t, filepath.Join("..", "..", "docs", "xeps.md"), xeps(t))
}
