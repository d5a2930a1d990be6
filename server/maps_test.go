package server_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"kith/internal/ns"
	"kith/internal/stanza"
	"kith/server/maps"
	"kith/server/servertest"
)

const askPass = `<iq type='get' id='m'><pass xmlns='kith:maps:0'/></iq>`

// tiles is a tile server with one picture for everything.
func tiles(t *testing.T) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "image/png")
		_, _ = io.WriteString(w, "\x89PNG\r\n\x1a\n")
	}))
	t.Cleanup(s.Close)
	return s
}

// Alice is signed in, gets a pass by XMPP, and with it a square of a map by HTTP.
func TestMaps(t *testing.T) {
	far := tiles(t)
	s := servertest.New(t, func(o *servertest.Options) { o.Config.Maps.Tiles = far.URL + "/{z}/{x}/{y}.png" })
	s.Account("alice")
	c := present(t, s, "alice")
	pass := c.Ask(askPass).Child(ns.KithMaps, "pass")
	if pass.Attr("attribution") != "© OpenStreetMap contributors" || pass.Attr("zoom") != "19" || pass.Attr("seconds") != "1800" {
		t.Errorf("told of the maps: %v", pass)
	}
	get := func(token string) *httptest.ResponseRecorder {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, maps.Path+"14/8802/5373", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		s.Maps().ServeHTTP(w, r)
		return w
	}
	if w := get(pass.Attr("token")); w.Code != http.StatusOK || !strings.HasPrefix(w.Body.String(), "\x89PNG") {
		t.Errorf("answered with %d: %q", w.Code, w.Body)
	}
	if w := get("made-up"); w.Code != http.StatusUnauthorized {
		t.Errorf("a pass that nobody gave is answered with %d", w.Code)
	}
	if !strings.Contains(c.Ask(`<iq type='get' id='d' to='alice@example.org'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>`).String(), ns.KithMaps) {
		t.Error("the account does not say that there are maps")
	}
}

func TestNoMaps(t *testing.T) {
	s := servertest.New(t, func(o *servertest.Options) { o.Config.Maps.Tiles = "" })
	s.Account("alice")
	c := present(t, s, "alice")
	if st := c.Ask(askPass); st.Type != stanza.Error {
		t.Errorf("a pass for no maps: %s", st)
	}
	if s.Maps() != nil {
		t.Error("there are maps")
	}
	if strings.Contains(c.Ask(`<iq type='get' id='d' to='alice@example.org'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>`).String(), ns.KithMaps) {
		t.Error("the account says that there are maps")
	}
}
