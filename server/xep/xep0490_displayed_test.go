package xep_test

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"

	"kith/internal/stanza"
	"kith/server/module"
	"kith/server/router/routertest"
	"kith/server/xep"
)

// shelf records what is published.
type shelf struct {
	got []string
	err error
}

func (s *shelf) Publish(a module.Account, node, id, payload string, options map[string]string) error {
	s.got = append(s.got, a.JID().Local()+" "+node+" "+id+" "+options["pubsub#access_model"]+" "+payload)
	return s.err
}

func TestDisplayed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{}
		h := routertest.New(t, xep.Displayed{Nodes: s, Log: slog.New(slog.DiscardHandler)}, taker{})
		a, b := h.Bind("alice/x"), h.Bind("bob/x")
		const mark = `<displayed xmlns='urn:xmpp:mds:displayed:0'><stanza-id xmlns='urn:xmpp:sid:0' id='i' by='alice@kith.example'/></displayed>`
		got := func(body string) string {
			return b.Wait(t, body, func(st *stanza.Stanza) bool { return st.Body() == body }).String()
		}
		a.Send(`<message to='bob@kith.example/x' type='chat'><body>1</body>` + mark + `</message>`)
		if st := got("1"); strings.Contains(st, "mds") {
			t.Errorf("the other side sees it: %s", st)
		}
		want := "alice urn:xmpp:mds:displayed:0 bob@kith.example/x whitelist " + mark
		if len(s.got) != 1 || s.got[0] != want {
			t.Errorf("published: %q\nwant %q", s.got, want)
		}
		// From elsewhere it means nothing, and neither does one that names no message.
		h.Receive(`<message from='eve@else.example' to='bob@kith.example/x' type='chat'><body>2</body>` + mark + `</message>`)
		a.Send(`<message to='bob@kith.example/x' type='chat'><body>3</body><displayed xmlns='urn:xmpp:mds:displayed:0'/></message>`)
		for _, body := range []string{"2", "3"} {
			if st := got(body); strings.Contains(st, "mds") {
				t.Errorf("it gets through: %s", st)
			}
		}
		if len(s.got) != 1 {
			t.Errorf("published: %q", s.got)
		}
		s.err = errors.New("full")
		a.Send(`<message to='bob@kith.example/x' type='chat'><body>4</body>` + mark + `</message>`)
		got("4")
	})
}

// taker takes responsibility for messages.
type taker struct{}

func (taker) Register(r *module.Registry) { r.OnMiss(func(*module.Passage) bool { return true }) }
