package maps

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Bounds of what a tile server may do to us.
const (
	fetchTime = 10 * time.Second
	// maxTile is how large a picture may be. Those of OpenStreetMap have 100 KiB at most.
	maxTile = 512 << 10
	// maxRedirects: on the same host, and never to plain HTTP.
	maxRedirects = 2
	// maxFetches is how many requests are under way.
	maxFetches = 4
)

// How long a picture is good: what the tile server says, but a week at least, which is what OpenStreetMap
// asks of those who keep pictures.
const (
	minFresh = 7 * 24 * time.Hour
	maxFresh = 60 * 24 * time.Hour
	// noneFresh: for so long nobody asks again for what is not there.
	noneFresh = time.Hour
	// staleFresh: for so long an old picture serves when there is no newer one to be had.
	staleFresh = 10 * time.Minute
)

// When the tile server wants less, or is not well, it is left alone.
const (
	minRest = 30 * time.Second
	maxRest = time.Hour
)

var (
	errRedirect = errors.New("maps: redirect to another host, or away from TLS")
	errTooLarge = errors.New("maps: tile too large")
	errNoImage  = errors.New("maps: not a picture")
)

// restError says that the tile server is to be left alone for a while.
type restError struct {
	status int
	rest   time.Duration
}

func (e *restError) Error() string { return "maps: the tile server answered " + strconv.Itoa(e.status) }

// newClient makes the requests. Nothing of who asked us is in them: neither cookies nor addresses.
func newClient() *http.Client {
	return &http.Client{
		Timeout: fetchTime,
		CheckRedirect: func(r *http.Request, via []*http.Request) error {
			first := via[0].URL
			if len(via) > maxRedirects || r.URL.Host != first.Host || r.URL.Scheme != "https" && r.URL.Scheme != first.Scheme || r.URL.User != nil {
				return errRedirect
			}
			r.Header.Del("Referer")
			return nil
		},
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, DisableCompression: true,
			TLSHandshakeTimeout: fetchTime, ResponseHeaderTimeout: fetchTime, MaxResponseHeaderBytes: 64 << 10,
			MaxIdleConns: maxFetches, MaxConnsPerHost: maxFetches, IdleConnTimeout: time.Minute,
		},
	}
}

// fetch asks the tile server. before is what is here already, and may be old: it is given back, made young
// again, if it is still the same.
func (s *Service) fetch(ctx context.Context, k spot, before *tile) (*tile, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	address := strings.NewReplacer("{z}", strconv.Itoa(k.z), "{x}", strconv.Itoa(k.x), "{y}", strconv.Itoa(k.y)).Replace(s.from.text)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, fmt.Errorf("maps: request: %w", placeless(err))
	}
	r.Header.Set("User-Agent", s.agent)
	r.Header.Set("Accept", "image/png, image/webp, image/jpeg")
	if before != nil && before.etag != "" {
		r.Header.Set("If-None-Match", before.etag)
	}
	if before != nil && before.modified != "" {
		r.Header.Set("If-Modified-Since", before.modified)
	}
	answer, err := s.client.Do(r)
	if err != nil {
		return nil, fmt.Errorf("maps: tile server: %w", placeless(err))
	}
	defer func() { _ = answer.Body.Close() }()
	now := s.clock.Now()
	switch answer.StatusCode {
	case http.StatusOK:
		return read(answer, now)
	case http.StatusNotModified:
		if before == nil {
			return nil, errNoImage
		}
		young := *before
		young.until = now.Add(fresh(answer.Header, now))
		return &young, nil
	case http.StatusNotFound, http.StatusGone, http.StatusNoContent:
		return &tile{until: now.Add(noneFresh)}, nil
	}
	return nil, &restError{answer.StatusCode, resting(answer.Header)}
}

// read takes the picture of an answer.
func read(answer *http.Response, now time.Time) (*tile, error) {
	if answer.ContentLength > maxTile {
		return nil, errTooLarge
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxTile+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("maps: reading a tile: %w", placeless(err))
	case len(body) > maxTile:
		return nil, errTooLarge
	}
	kind, _, err := mime.ParseMediaType(answer.Header.Get("Content-Type"))
	if err != nil || !isImage(kind, body) {
		return nil, errNoImage
	}
	return &tile{
		kind: kind, body: body, until: now.Add(fresh(answer.Header, now)),
		etag: short(answer.Header.Get("ETag")), modified: short(answer.Header.Get("Last-Modified")),
	}, nil
}

// isImage reports whether these are the bytes of that kind of picture, and it is one that maps are made of.
func isImage(kind string, b []byte) bool {
	switch kind {
	case "image/png":
		return bytes.HasPrefix(b, []byte("\x89PNG\r\n\x1a\n"))
	case "image/jpeg":
		return bytes.HasPrefix(b, []byte{0xff, 0xd8, 0xff})
	case "image/webp":
		return len(b) > 12 && string(b[:4]) == "RIFF" && string(b[8:12]) == "WEBP"
	}
	return false
}

// short is a header that is sent back, "" if it is too long for that.
func short(header string) string {
	if len(header) > 200 {
		return ""
	}
	return header
}

// fresh is how long an answer is good (RFC 9111 section 4.2.1), within our bounds.
func fresh(h http.Header, now time.Time) time.Duration {
	for part := range strings.SplitSeq(h.Get("Cache-Control"), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		if seconds, err := strconv.ParseInt(strings.Trim(value, `"`), 10, 32); err == nil && strings.EqualFold(name, "max-age") {
			return min(max(time.Duration(seconds)*time.Second, minFresh), maxFresh)
		}
	}
	if at, err := http.ParseTime(h.Get("Expires")); err == nil {
		return min(max(at.Sub(now), minFresh), maxFresh)
	}
	return minFresh
}

// resting is how long the tile server wants to be left alone.
func resting(h http.Header) time.Duration {
	seconds, err := strconv.ParseInt(h.Get("Retry-After"), 10, 32)
	if err != nil {
		return minRest
	}
	return min(max(time.Duration(seconds)*time.Second, minRest), maxRest)
}

// placeless is an error of HTTP without the address that was asked for: it goes to the log, and tells of a
// place.
func placeless(err error) error {
	var ue *url.Error
	if errors.As(err, &ue) {
		return ue.Err
	}
	return err
}
