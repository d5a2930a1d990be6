package maps

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Path is where tiles are, below the base of all addresses: Path + "14/8802/5373".
const Path = "/api/v1/maps/"

const bearer = "Bearer "

// ServeHTTP implements [http.Handler], for everything below [Path].
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	// A browser keeps no copy on its disk, where it would outlive a signing out: which places somebody looked
	// at is in the address.
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	if r.Method != http.MethodGet {
		h.Set("Allow", "GET")
		refuse(w, http.StatusMethodNotAllowed)
		return
	}
	now := s.clock.Now()
	sealed, ok := strings.CutPrefix(r.Header.Get("Authorization"), bearer)
	p, valid := openPass(sealed, s.key[:], now)
	if !ok || !valid {
		h.Set("WWW-Authenticate", "Bearer")
		refuse(w, http.StatusUnauthorized)
		return
	}
	k, ok := s.parse(r.URL.EscapedPath())
	if !ok {
		refuse(w, http.StatusNotFound)
		return
	}
	if wait := s.admit(p.Account, now); wait > 0 {
		h.Set("Retry-After", strconv.Itoa(int(wait/time.Second)+1))
		refuse(w, http.StatusTooManyRequests)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), waitTime)
	defer cancel()
	t, err := s.get(ctx, k)
	switch {
	case errors.Is(err, errBusy), errors.Is(err, errRest):
		h.Set("Retry-After", strconv.Itoa(int(minRest/time.Second)))
		refuse(w, http.StatusServiceUnavailable)
	case errors.Is(err, context.DeadlineExceeded):
		refuse(w, http.StatusGatewayTimeout)
	case err != nil:
		refuse(w, http.StatusBadGateway)
	case t.body == nil:
		refuse(w, http.StatusNotFound)
	default:
		h.Set("Content-Type", t.kind)
		h.Set("Content-Length", strconv.Itoa(len(t.body)))
		_, _ = w.Write(t.body) // whoever has left does not need it
	}
}

func refuse(w http.ResponseWriter, status int) { http.Error(w, http.StatusText(status), status) }

// parse reads which tile a path means: "z/x/y" behind [Path], in plain numbers, each in its bounds.
func (s *Service) parse(path string) (k spot, ok bool) {
	rest, ok := strings.CutPrefix(path, Path)
	parts := strings.Split(rest, "/")
	if !ok || len(parts) != 3 {
		return spot{}, false
	}
	z, ok := number(parts[0], s.config.MaxZoom+1)
	if !ok {
		return spot{}, false
	}
	x, okX := number(parts[1], 1<<z)
	y, okY := number(parts[2], 1<<z)
	return spot{z, x, y}, okX && okY
}

// number reads one that is smaller than the bound, written in the one way.
func number(text string, bound int) (int, bool) {
	n, err := strconv.Atoi(text)
	return n, err == nil && n >= 0 && n < bound && strconv.Itoa(n) == text
}
