package admin

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"golang.org/x/time/rate"

	"kith/internal/jid"
	"kith/internal/ns"
	"kith/internal/xmltree"
	"kith/server/module"
)

const nsReporting = "urn:xmpp:reporting:1"

// The reasons of XEP-0377 section 4.
const (
	reasonSpam  = "urn:xmpp:reporting:spam"
	reasonAbuse = "urn:xmpp:reporting:abuse"
)

// reporter bounds the reports of one account.
type reporter struct{ limit *rate.Limiter }

var errTooManyReports = errors.New("admin: too many reports")

// Report tells the administrators whom somebody has blocked, and why. e is the item of the block command.
// It must be called inside the actor.
func (f *Feature) Report(a module.Account, who jid.JID, e xmltree.Element) {
	r := e.Child(nsReporting, "report")
	if r.IsZero() {
		return
	}
	err := errTooManyReports
	if f.reports.Of(a.Slots()).limit.AllowN(f.clock.Now(), 1) {
		err = f.tell(reportText(a.JID(), who, r))
	}
	if err != nil {
		// The block counts all the same.
		f.log.LogAttrs(context.Background(), slog.LevelWarn, "a report did not reach the administrators", slog.Any("error", err))
	}
}

func reportText(by, who jid.JID, r xmltree.Element) string {
	var b strings.Builder
	reason := clip(r.Attr("reason"), 200)
	switch reason {
	case reasonSpam:
		reason = "unwanted messages"
	case reasonAbuse:
		reason = "abuse"
	}
	fmt.Fprintf(&b, "%s has blocked %s and reports: %s.", by, who, reason)
	if text := strings.TrimSpace(r.ChildText(nsReporting, "text")); text != "" {
		fmt.Fprintf(&b, "\n\n%s", clip(text, 2000))
	}
	n := 0
	for c := range r.Children() {
		if c.Is(ns.StanzaID, "stanza-id") && n < 20 {
			if n == 0 {
				b.WriteString("\n\nMessages that are meant:")
			}
			n++
			fmt.Fprintf(&b, "\n%s", clip(c.Attr("id"), 200))
		}
	}
	return b.String()
}
