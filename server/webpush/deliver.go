package webpush

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"syscall"
	"time"

	"kith/internal/clock"
)

const (
	// pause is the shortest time between two wake-ups of a browser. What comes in between is told once, at its end.
	pause = 10 * time.Second
	// maxTries is how often a service that has trouble is asked, and retryAfter when again if it does not say;
	// each time three times as long. maxRetry is how long it may tell us to wait.
	maxTries   = 4
	retryAfter = 30 * time.Second
	maxRetry   = time.Hour
	// requestTime is how long a request may take, and maxRequests how many there are at a time.
	requestTime = 20 * time.Second
	maxRequests = 16
	// timeToLive is for how long a service keeps a wake-up for a device that is off, in seconds (RFC 8030
	// section 5.2): four weeks, the most that all of them take.
	timeToLive = 28 * 24 * 60 * 60
	// topic makes a wake-up take the place of one that was not delivered yet (RFC 8030 section 5.4).
	topic = "kith"
	// content is what every wake-up says, and hushed what one does that is to make no noise: as long, so that no vendor
	// tells them apart by that. It is not kept for a device that is off, and takes the place of nothing.
	content = `{"kith":"wake"}`
	hushed  = `{"kith":"hush"}`
	// maxAnswer is how much is read of what a service says.
	maxAnswer = 4 << 10
)

// delivery is what is known of a node while it is being woken, and for a moment after.
type delivery struct {
	timer clock.Timer
	// again: there is something new since, or it is to be tried again; loud: with noise.
	again, loud bool
	tries       int
}

// wake sees to it that the browser of a node is woken, soon and not too often; loud: it may make a noise.
func (s *Service) wake(node string, loud bool) {
	s.mu.Lock()
	if d := s.active[node]; d != nil {
		d.again, d.loud = true, d.loud || loud
		s.mu.Unlock()
		return
	}
	d := &delivery{}
	s.active[node] = d
	s.mu.Unlock()
	s.start(node, d, loud)
}

func (s *Service) start(node string, d *delivery, loud bool) {
	s.work(func() {
		wait, retry := s.deliver(node, loud)
		s.mu.Lock()
		defer s.mu.Unlock()
		d.tries++
		switch {
		case !retry:
			d.tries, wait = 0, pause
		case d.tries >= maxTries:
			s.counters.Lost.Inc()
			d.tries, wait = 0, pause
		default:
			d.again, d.loud = true, d.loud || loud
			if wait == 0 {
				wait = retryAfter
				for range d.tries - 1 {
					wait *= 3
				}
			}
		}
		if !s.closed {
			d.timer = s.opts.Clock.AfterFunc(wait, func() { s.due(node, d) })
		}
	}, func() {})
}

// due is called when a node may be woken again.
func (s *Service) due(node string, d *delivery) {
	s.mu.Lock()
	again, loud := d.again && !s.closed, d.loud
	d.again, d.loud, d.timer = false, false, nil
	if !again {
		delete(s.active, node)
	}
	s.mu.Unlock()
	if again {
		s.start(node, d, loud)
	}
}

// deliver sends one wake-up. It returns whether that should be tried again, and when if the service said so.
func (s *Service) deliver(node string, loud bool) (wait time.Duration, retry bool) {
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	case <-s.ctx.Done():
		return 0, false
	}
	sub, err := s.opts.Store.Subscription(s.ctx, node)
	if err != nil {
		s.failed("reading a subscription", err)
		return 0, true
	}
	if sub == nil {
		return 0, false
	}
	status, after, err := s.post(sub, loud)
	host := hostOf(sub.Endpoint)
	switch {
	case err != nil:
		// Why is not said loudly: the address in the error would let anybody wake the device.
		s.opts.Log.LogAttrs(s.ctx, slog.LevelInfo, "a push service could not be reached", slog.String("service", host), slog.Any("error", unaddressed(err)))
		return 0, true
	case status >= http.StatusOK && status < http.StatusMultipleChoices:
		s.counters.Sent.Inc()
	case status == http.StatusNotFound || status == http.StatusGone:
		s.counters.Gone.Inc()
		if err := s.opts.Store.Remove(s.ctx, sub.Account, node); err != nil {
			s.failed("forgetting a subscription", err)
		}
	case status == http.StatusTooManyRequests || status >= http.StatusInternalServerError:
		return after, true
	default:
		s.counters.Refused.Inc()
		s.opts.Log.LogAttrs(s.ctx, slog.LevelWarn, "a push service refuses", slog.String("service", host), slog.Int("status", status))
	}
	return 0, false
}

// post makes the request (RFC 8030 section 5).
func (s *Service) post(sub *Subscription, loud bool) (status int, after time.Duration, err error) {
	u, err := url.Parse(sub.Endpoint)
	if err != nil {
		return 0, 0, fmt.Errorf("webpush: endpoint: %w", err)
	}
	text, keep := content, timeToLive
	if !loud {
		text, keep = hushed, 0
	}
	body, err := encrypt(sub, []byte(text))
	if err != nil {
		return 0, 0, err
	}
	auth, err := s.authorization(u)
	if err != nil {
		return 0, 0, err
	}
	ctx, cancel := context.WithTimeout(s.ctx, requestTime)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, sub.Endpoint, bytes.NewReader(body))
	if err != nil {
		return 0, 0, fmt.Errorf("webpush: request: %w", err)
	}
	for name, value := range map[string]string{
		"Authorization": auth, "Content-Type": "application/octet-stream", "Content-Encoding": "aes128gcm",
		"TTL": strconv.Itoa(keep), "Urgency": "high",
	} {
		r.Header.Set(name, value)
	}
	if loud {
		r.Header.Set("Topic", topic)
	}
	resp, err := s.opts.Client.Do(r)
	if err != nil {
		return 0, 0, err
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxAnswer)) // so that the connection can be used again
	_ = resp.Body.Close()
	return resp.StatusCode, s.retryAfter(resp.Header.Get("Retry-After")), nil
}

// retryAfter reads the header (RFC 9110 section 10.2.3); 0 if it says nothing.
func (s *Service) retryAfter(value string) time.Duration {
	var wait time.Duration
	if seconds, err := strconv.Atoi(value); err == nil {
		wait = time.Duration(min(max(seconds, 0), int(maxRetry/time.Second))) * time.Second
	} else if at, err := http.ParseTime(value); err == nil {
		wait = at.Sub(s.opts.Clock.Now())
	}
	return min(max(wait, 0), maxRetry)
}

// hostOf is what may stand in a log.
func hostOf(endpoint string) string {
	u, err := url.Parse(endpoint)
	if err != nil {
		return ""
	}
	return u.Host
}

func unaddressed(err error) error {
	var ue *url.Error
	if errors.As(err, &ue) {
		return ue.Err
	}
	return err
}

var errPrivate = errors.New("webpush: not a public address")

// outwards makes requests to the public internet alone: the address comes from a client, which must not reach
// through us what it cannot reach itself.
func outwards() *http.Client {
	dialer := &net.Dialer{Timeout: requestTime, Control: func(_, address string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(address)
		if err != nil || !public(at.Addr()) {
			return errPrivate
		}
		return nil
	}}
	return &http.Client{
		Timeout:       requestTime,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext: dialer.DialContext, ForceAttemptHTTP2: true, TLSHandshakeTimeout: requestTime, ResponseHeaderTimeout: requestTime,
			MaxIdleConns: maxRequests, IdleConnTimeout: time.Minute, MaxResponseHeaderBytes: 64 << 10,
		},
	}
}

// special are the networks that are not the public internet and that netip does not know as such (RFC 6890).
func special() []netip.Prefix {
	return []netip.Prefix{
		netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"),
		netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("240.0.0.0/4"),
		// Those in which an IPv4 address is wrapped.
		netip.MustParsePrefix("64:ff9b::/96"), netip.MustParsePrefix("64:ff9b:1::/48"), netip.MustParsePrefix("2002::/16"), netip.MustParsePrefix("2001::/32"),
	}
}

func public(a netip.Addr) bool {
	a = a.Unmap()
	if !a.IsGlobalUnicast() || a.IsPrivate() {
		return false
	}
	for _, p := range special() {
		if p.Contains(a) {
			return false
		}
	}
	return true
}
