package web_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"kith/server/web"
)

func TestMapsAreForThisOriginAlone(t *testing.T) {
	s := newSite(t, func(o *web.Options) {
		o.Maps = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.URL.Path) })
	})
	r := s.do(t, http.MethodGet, "https://chat.kith.example/api/v1/maps/14/8802/5373", "")
	body, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != http.StatusOK || string(body) != "/api/v1/maps/14/8802/5373" {
		t.Errorf("answered with %d %q, %v", r.StatusCode, body, err)
	}
	if got := r.Header.Get("Cross-Origin-Resource-Policy"); got != "same-origin" {
		t.Errorf("other sites may show it: %q", got)
	}
	if strings.Contains(s.log.String(), "8802") {
		t.Errorf("the log tells where: %s", s.log)
	}
	// Where somebody is, only a page of this origin may ask the browser.
	if got := r.Header.Get("Permissions-Policy"); !strings.Contains(got, "geolocation=(self),") {
		t.Errorf("Permissions-Policy: %s", got)
	}
	if r := newSite(t, nil).do(t, http.MethodGet, "https://chat.kith.example/api/v1/maps/1/0/0", ""); r.StatusCode != http.StatusNotFound {
		t.Errorf("without maps it is answered with %d", r.StatusCode)
	}
}
