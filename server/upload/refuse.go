package upload

import (
	"io"
	"net/http"
	"strconv"
	"time"

	"kith/internal/clock"
)

// How long whoever is refused may go on sending, so that the answer reaches them: those who have a right to
// upload something, and everybody else.
const (
	lingerTime         = 15 * time.Minute
	lingerTimeStranger = time.Minute
)

// refuse answers a request that brings nothing.
func refuse(w http.ResponseWriter, status int) {
	text := http.StatusText(status) + "\n"
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text) //nolint:gosec // plain text, of the status alone
}

// refuseUpload answers a request whose content nobody wants. Whoever looks for answers while sending has this one at
// once. Others look when they have sent all: if the line broke before, they would never know why, so what they
// send is read and thrown away, as much as a file may have, for this long at most.
func (s *Service) refuseUpload(w http.ResponseWriter, r *http.Request, body *patient, status int, patience time.Duration) {
	// Nobody sends: they wait for the word to go on (RFC 9110 section 10.1.1), or the line is broken.
	if r.Header.Get("Expect") != "" && !body.begun || body.failed {
		refuse(w, status)
		return
	}
	rc := http.NewResponseController(w)
	// Otherwise HTTP/1.1 reads before it answers, or not at all. HTTP/2 needs no permission.
	_ = rc.EnableFullDuplex()
	refuse(w, status)
	if err := rc.Flush(); err != nil {
		return
	}
	body.end, body.due = clock.Real{}.Now().Add(patience), 0
	_, _ = io.CopyN(io.Discard, body, s.maxSize()+1)
}
