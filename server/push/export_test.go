package push

import (
	"log/slog"
	"testing"

	"kith/internal/clock"
	"kith/internal/jid"
	"kith/internal/stanza"
	"kith/internal/xmltree"
	"kith/server/module"
	"kith/server/router/routertest"
)

// Missed is told what did not reach a session.
func (s *Service) Missed(a module.Account, by module.Session, all []*stanza.Stanza) {
	s.missed(a, by, all)
}

// someone is an account that has nothing but an address.
type someone struct{ module.Account }

func (someone) JID() jid.JID { return jid.Must("alice@kith.example") }

// Hear is how loudly a browser is told of a text, with these nodes.
func Hear(t *testing.T, nodes Nodes, text string) int {
	t.Helper()
	s := New(jid.Must(routertest.Domain), nil, nil, clock.NewFake(routertest.Start), slog.New(slog.DiscardHandler))
	s.Heed(nodes, jid.Must("push.example"))
	header := stanza.Header{Kind: stanza.Message, Type: stanza.Chat, From: jid.Must("bob@else.example/x"), To: jid.Must("alice@kith.example")}
	web, _ := s.hear(someone{}, stanza.Build(header, func(w *xmltree.Writer) { w.Element("jabber:client", "body", text) }))
	return int(web)
}
