package upload_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// line is a connection of a sender who does not look for an answer before everything is sent.
type line struct {
	net.Conn
	t *testing.T
	r *bufio.Reader
}

func (s *site) line() *line {
	s.t.Helper()
	c, err := net.Dial("tcp", s.web.Listener.Addr().String())
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(30 * time.Second))
	return &line{c, s.t, bufio.NewReader(c)}
}

func (l *line) send(text string) {
	l.t.Helper()
	if _, err := io.WriteString(l, text); err != nil {
		l.t.Fatalf("the line is broken: %v", err)
	}
}

func (l *line) status() int {
	l.t.Helper()
	resp, err := http.ReadResponse(l.r, nil)
	if err != nil {
		l.t.Fatalf("no answer: %v", err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		l.t.Fatalf("half an answer: %v", err)
	}
	return resp.StatusCode
}

func head(method, url string, size int, headers ...string) string {
	all := append([]string{"Host: example.org", fmt.Sprintf("Content-Length: %d", size)}, headers...)
	return method + " " + strings.TrimPrefix(url, "https://example.org") + " HTTP/1.1\r\n" + strings.Join(all, "\r\n") + "\r\n\r\n"
}

// Whoever is refused while sending is told so, may send the rest, and find the answer then; the line is good for the
// next request.
func TestRefusedWhileSending(t *testing.T) {
	s := newSite(t, nil)
	c := s.Client("alice")
	const size = 1 << 20 // of which the server would not read half by itself
	k, taken, late := s.slot(c, "a.txt", size, "text/plain", ""), s.slot(c, "b.txt", size, "", ""), s.slot(c, "c.txt", size, "", "")
	if status := s.put(taken, strings.Repeat("x", size)); status != http.StatusCreated {
		t.Fatal(status)
	}
	pass := "Authorization: " + k.pass
	for what, tt := range map[string]struct {
		status int
		head   string
	}{
		"without the right": {401, head("PUT", k.url, size)},
		"another's right":   {403, head("PUT", late.url, size, pass)},
		"nowhere":           {404, head("PUT", "/upload/x/a.txt", size, pass)},
		"another method":    {405, head("POST", k.url, size, pass)},
		"something else":    {409, head("PUT", taken.url, size, "Authorization: "+taken.pass)},
		"too large":         {413, head("PUT", k.url, size+16, pass)},
		"of another type":   {415, head("PUT", k.url, size, pass, "Content-Type: text/html")},
	} {
		t.Run(what, func(t *testing.T) { s.refusedWhileSending(t, tt.head, tt.status, size, what == "too large") })
	}
	s.clk.Advance(5*time.Minute + time.Second)
	t.Run("too late", func(t *testing.T) {
		s.refusedWhileSending(t, head("PUT", late.url, size, "Authorization: "+late.pass), http.StatusForbidden, size, false)
	})
}

func (s *site) refusedWhileSending(t *testing.T, head string, status, size int, larger bool) {
	t.Helper()
	l := s.line()
	half := strings.Repeat("y", size/2)
	l.send(head + half)
	// The answer is there already, for those who look.
	if _, err := l.r.Peek(1); err != nil {
		t.Fatalf("no answer: %v", err)
	}
	l.send(half)
	if larger {
		l.send(strings.Repeat("y", 16))
	}
	if got := l.status(); got != status {
		t.Errorf("%d, want %d", got, status)
	}
	l.send("OPTIONS /upload/" + strings.Repeat("a", 32) + "/x HTTP/1.1\r\nHost: example.org\r\n\r\n")
	if got := l.status(); got != http.StatusNoContent {
		t.Errorf("the next request: %d", got)
	}
}

// Whoever asks before sending is refused, and does not send.
func TestRefusedBeforeSending(t *testing.T) {
	s := newSite(t, nil)
	k := s.slot(s.Client("alice"), "a.txt", 1<<20, "", "")
	l := s.line()
	l.send(head("PUT", k.url, 1<<20, "Expect: 100-continue"))
	if got := l.status(); got != http.StatusUnauthorized {
		t.Errorf("%d", got)
	}
	if _, err := l.r.ReadByte(); err != io.EOF {
		t.Errorf("after that: %v", err)
	}
	l = s.line()
	l.send(head("PUT", k.url, 1<<20, "Expect: 100-continue", "Authorization: "+k.pass))
	if got := l.status(); got != http.StatusContinue {
		t.Fatalf("%d", got)
	}
	l.send(strings.Repeat("x", 1<<20))
	if got := l.status(); got != http.StatusCreated {
		t.Errorf("%d", got)
	}
}
